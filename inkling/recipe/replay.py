"""Whether a chain's cards are true of the source as it stands: its recipe, its first
batches and its data, made again from what the cards say.

    from inkling.recipe.replay import Chain
    Chain("inkling/checkpoints").replayed("sft")   # [] where all is as on the card
"""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

from inkling.assistant import preferences
from inkling.assistant.chat import PASSAGE_LIKENESS, prepare_roles
from inkling.files import InklingError
from inkling.model.transformer import Transformer
from inkling.reading.shelves import training_pairs
from inkling.recipe import cards, plain_updates, stage_data
from inkling.recipe.base_stage import base_digests, base_of
from inkling.recipe.first_batches import FirstBatches
from inkling.recipe.plan import Recipe
from inkling.recipe.reader_stage import own_answers, seeded_courses
from inkling.recipe.text_stage import prepare_text
from inkling.recipe.workbench import change_between, checkpoint, town
from inkling.text.tokenizer import Tokenizer
from inkling.training.pretrain import TrainConfig

#: Each stage of a chain and the model that its training begins with.
STARTS = {
    "base": None,
    "sft": "base",
    "reward": "sft",
    "rlhf": "sft",
    "embedder": "base",
    "rag": "rlhf",
}


def recipe_on(card: dict) -> Recipe:
    """The recipe of the code for the arguments on a base model's card."""
    said = card["recipe"]
    return Recipe(
        minutes=said["minutes"],
        steps=said["steps"],
        seed=said["seed"],
        assistant=said.get("assistant", True),
    )


class Chain:
    """A finished chain in a folder: that of a run, or that of its base model with the
    other stages inside.

    recipe: what the chain is taken to be made by; None: the code's, for the arguments
    on the card of its base model.
    """

    def __init__(self, folder: str | Path, recipe: Recipe | None = None) -> None:
        self.run = Path(folder)
        self.recipe = recipe or recipe_on(self.card("base"))
        stages = (self.recipe.stages_after, self.recipe.search, self.recipe.last_stage)
        after, search, last = stages
        if not (after and search and last):
            raise InklingError(
                f"{folder} was made with --base-only: give the folder of a chain that"
                " goes on to an assistant."
            )
        self.after, self.search, self.last = after, search, last

    def folder(self, name: str) -> Path:
        """Where a stage stands."""
        inside = self.run / name
        return self.run if name == "base" and not inside.is_dir() else inside

    def card(self, name: str) -> dict:
        """A stage's card."""
        return cards.read(self.folder(name))

    @property
    def is_old(self) -> bool:
        """Whether its cards are of the first form, which says too little to be checked.
        To go with the last of them.
        """
        return self.card("base").get("format", 1) < 2

    def start(self, name: str) -> tuple[Transformer, Tokenizer]:
        """The model that the training of a stage, not the first, begins with."""
        return checkpoint(self.folder(STARTS[name] or "base"))

    @property
    def settings(self) -> TrainConfig:
        """Those of pre-training."""
        tokenizer = Tokenizer.load(self.folder("base") / "tokenizer.json")
        train, seed = self.recipe.train, self.recipe.seed
        return replace(train, eos_id=tokenizer.eos_id, seed=seed)

    def missing(self, name: str) -> list[str]:
        """What a stage's card should say of where its weights come from, and does
        not.
        """
        card = self.card(name)
        return [key for key in cards.PROVENANCE if key not in card]

    def changed(self, name: str) -> str:
        """Where the recipe on a stage's card is not the code's, in words; "" where it
        is.
        """
        noted = self.card(name).get("made_from", {}).get("recipe")
        if name == "base":
            # a run that was given minutes alone found its steps by itself
            ours = base_of(self.recipe)["recipe"]
            steps = {"steps": self.recipe.steps}
            noted = noted and noted | steps
        else:
            recipes = {"embedder": self.search, "rag": self.last}
            ours = json.loads(json.dumps(asdict(recipes.get(name, self.after))))
        return "" if noted == ours else change_between(noted, ours, "recipe")

    def replayed(self, name: str) -> list[str]:
        """The first batches of a stage, played again by the code's recipe: what differs
        from its card (`plain_updates.differences`).
        """
        folder = self.folder(name)
        first = FirstBatches.load(folder)
        found = self._plays()[name](first)
        return plain_updates.differences(self.card(name), found)

    def _plays(self) -> dict[str, Callable[[FirstBatches], dict]]:
        seed, after = self.recipe.seed, self.after

        def base(first: FirstBatches) -> dict:
            settings, shape = self.settings, self.recipe.model
            tokenizer = Tokenizer.load(self.folder("base") / "tokenizer.json")
            shape = replace(shape, vocab_size=tokenizer.vocab_size)
            model = Transformer(shape, seed=seed)
            return plain_updates.play_pretraining(model, first, settings)

        def sft(first: FirstBatches) -> dict:
            config = replace(after.finetuning, seed=after.seed)
            return plain_updates.play_finetuning(*self.start("sft"), first, config)

        def reward(first: FirstBatches) -> dict:
            config = replace(after.reward_model, seed=after.seed)
            return plain_updates.play_reward(*self.start("reward"), first, config)

        def rlhf(first: FirstBatches) -> dict:
            config = replace(after.rlhf, seed=after.seed)
            return plain_updates.play_ppo(self.start("rlhf")[0], first, config)

        def embedder(first: FirstBatches) -> dict:
            config = replace(self.search.training, seed=self.search.seed)
            return plain_updates.play_embedder(*self.start("embedder"), first, config)

        def rag(first: FirstBatches) -> dict:
            model, tokenizer = self.start("rag")
            prepare_roles(model, tokenizer, PASSAGE_LIKENESS)
            config = seeded_courses(self.last)[0]
            return plain_updates.play_reading(model, tokenizer, first, config)

        return {
            "base": base,
            "sft": sft,
            "reward": reward,
            "rlhf": rlhf,
            "embedder": embedder,
            "rag": rag,
        }

    def data_again(self, name: str, sampled: bool = True) -> list[str]:
        """The data of a stage, made again by the code's recipe: what of it is not what
        the card says. sampled: also what a model wrote, which takes minutes and is the
        same on the same kind of processor only.
        """
        noted = self.card(name).get("data", {})
        found = self._digests(name, sampled)
        return [
            f"the data called {part!r} is not what {name} learned from"
            for part in sorted(noted.keys() | found.keys())
            if noted.get(part) != found.get(part) and (sampled or part != "sampled")
        ]

    def _digests(self, name: str, sampled: bool) -> dict[str, str]:
        world, after, last = town(), self.after, self.last
        if name == "base":
            text = prepare_text(self.recipe, world, 2)
            steps = self.recipe.steps
            assert steps is not None  # a card has them
            return base_digests(self.recipe, world, text, self.settings, steps)
        model, tokenizer = self.start(name)
        if name == "sft":
            config = replace(after.finetuning, seed=after.seed)
            n = after.n_demos
            demos = stage_data.fitting_demonstrations(world, tokenizer, n, config)
            replay = stage_data.documents_again(world, after.n_replay, after.seed)
            chats = stage_data.finetuning_chats(tokenizer, demos, replay, config)
            return stage_data.finetuning_digests(chats)
        if name == "reward":
            n, seed = after.n_pairs, after.seed
            call = (model, tokenizer, world, n, seed, "train")
            pairs = preferences.make_pairs(*call) if sampled else None
            return stage_data.pair_digests(world, n, seed, pairs)
        if name == "rlhf":
            config = replace(after.rlhf, seed=after.seed)
            return stage_data.rlhf_digests(stage_data.prompts_of_rlhf(world, config))
        if name == "embedder":
            pairs = training_pairs(world, self.search.n_pairs, self.search.seed)
            return stage_data.embedder_digests(pairs)
        n, seed = last.n_replay, last.seed
        own = own_answers(model, tokenizer, world, n, seed) if sampled else None
        texts = stage_data.documents_again(world, last.n_replay_documents, seed)
        courses = seeded_courses(last)
        return stage_data.reading_digests(world, tokenizer, courses, texts, own)

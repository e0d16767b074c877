"""From a pre-trained model to an assistant: fine-tuning, a reward model, and
reinforcement learning, in one chain.

Each stage reads the one before it from its folder and writes its own, with a card that
says how it was made and what it is worth. A stage whose card is there is not made
again, so an interrupted chain goes on with the stage it was in.
"""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch

from inkling.assistant import exam, ppo, preferences, reward, sft
from inkling.assistant.chat import prepare_roles
from inkling.assistant.rollouts import prompt_batches
from inkling.files import InklingError, atomic_write, versions
from inkling.model.transformer import Transformer
from inkling.text.tokenizer import Tokenizer
from inkling.world import World


@dataclass(frozen=True)
class AlignRecipe:
    """Everything that decides the three stages."""

    seed: int = 0
    n_demos: int = 24_000
    """Demonstrations for fine-tuning."""
    n_replay: int = 4_000
    """Documents of pre-training that are mixed in."""
    finetuning: sft.SFTConfig = sft.SFTConfig()
    n_pairs: int = 32_000
    """Comparisons for the reward model: half between replies that people wrote, half
    between the model's own.
    """
    reward_model: reward.RewardConfig = reward.RewardConfig()
    rlhf: ppo.PPOConfig = ppo.PPOConfig(steps=80, max_new_tokens=200)
    n_judged: int = 500
    """Requests in the exam of a policy, in each of three seeds; the reward model's has
    eight times as many pairs.
    """

    @classmethod
    def for_minutes(cls, minutes: float, seed: int = 0) -> "AlignRecipe":
        """The sizes for a chain that may take so many minutes from raw text on: full
        from an hour, less below.
        """
        full = cls(seed=seed)
        share = min(1.0, max(0.1, minutes / 60))
        return replace(
            full,
            n_demos=int(full.n_demos * share),
            n_replay=int(full.n_replay * share),
            n_pairs=int(full.n_pairs * share),
            rlhf=replace(full.rlhf, steps=max(2, int(full.rlhf.steps * share))),
            n_judged=max(20, int(full.n_judged * share)),
        )

    @property
    def updates(self) -> float:
        """What the stages cost, in updates of pre-training on the same machine
        (measured, on two cores).
        """
        return (
            0.04 * self.n_demos
            + 0.1 * self.n_pairs
            + 16 * self.rlhf.steps
            + 0.8 * self.n_judged
            + 30
        )


def policy_scores(
    model: Transformer, tokenizer: Tokenizer, world: World, n: int, plain: bool = False
) -> dict:
    """Means over three seeds of what `exam.examine` measures, and the spread (standard
    deviation) of the gold reward.
    """
    reports = [
        exam.examine(model, tokenizer, world, n, seed=seed, plain=plain)
        for seed in range(3)
    ]
    names = (
        "gold",
        "refused_unsafe",
        "refused_harmless",
        "ignorant_unknown",
        "ignorant_known",
        "right_known",
        "rude",
        "finished",
        "length",
    )
    scores = {
        name: float(np.mean([getattr(report, name) for report in reports]))
        for name in names
    }
    scores["gold_spread"] = float(np.std([report.gold for report in reports], ddof=1))
    scores["story_perplexity"] = exam.story_perplexity(model, tokenizer, world)
    return scores


def stage(folder: Path, name: str, made_from: dict, make: Callable[[], dict]) -> dict:
    """The card of a stage: read where it was made before, from the same model and
    recipe, else made now.
    """
    path = folder / name / "card.json"
    if path.is_file():
        card = json.loads(path.read_text(encoding="utf-8"))
        if card["made_from"] != made_from:
            raise InklingError(
                f"{folder / name} was made from another model or with another recipe."
                " Take another folder, or remove its sft, reward, rlhf, embedder, rag"
                " and savepoints."
            )
        return card
    started, cpu = time.perf_counter(), time.process_time()
    card = {"name": name, "made_from": made_from, "versions": versions(), **make()}
    card["cost"] = {
        "wall_seconds": round(time.perf_counter() - started, 1),
        "cpu_seconds": round(time.process_time() - cpu, 1),
    }
    atomic_write(path, (json.dumps(card, indent=1) + "\n").encode())
    return card


def align(
    base: str | Path,
    folder: str | Path,
    recipe: AlignRecipe = AlignRecipe(),
    progress: bool = True,
) -> list[dict]:
    """Make sft/, reward/ and rlhf/ in `folder` from the checkpoint in `base`; return
    their cards.

    Raises `InklingError` where `base` is no checkpoint, and where `folder` holds stages
    of another base or recipe.
    """
    base, folder, world = Path(base), Path(folder), World(0)
    if not (base / "tokenizer.json").is_file():
        raise InklingError(
            f"{base} is no checkpoint: give the folder with config.json,"
            " model.safetensors and tokenizer.json."
        )
    tokenizer = Tokenizer.load(base / "tokenizer.json")

    def save(model: Transformer, name: str) -> Transformer:
        """Shipped and measured in half precision, as the base model is."""
        model.save_pretrained(folder / name, dtype=torch.float16)
        tokenizer.save(folder / name / "tokenizer.json")
        return Transformer.from_pretrained(folder / name)

    def make_sft() -> dict:
        model = Transformer.from_pretrained(base)
        before = policy_scores(model, tokenizer, world, recipe.n_judged, plain=True)
        config = replace(recipe.finetuning, seed=recipe.seed)
        demos = sft.demonstrations(world, recipe.n_demos, recipe.seed)
        lengths = [len(ids) for ids, _ in sft.encode_demonstrations(tokenizer, demos)]
        demos = [
            demo
            for demo, length in zip(demos, lengths, strict=True)
            if length <= config.length
        ]
        replay = [
            world.document(index, "train", seed=recipe.seed).text
            for index in range(recipe.n_replay)
        ]
        prepare_roles(model, tokenizer)
        history = sft.finetune(
            model, tokenizer, demos, config, replay=replay, progress=progress
        )
        model = save(model, "sft")
        return {
            "n_demos": len(demos),
            "scores_of_base": before,
            "loss": [round(record.loss, 4) for record in history][
                :: max(1, len(history) // 60)
            ],
            "scores": policy_scores(model, tokenizer, world, recipe.n_judged),
        }

    def make_reward() -> dict:
        policy = Transformer.from_pretrained(folder / "sft")
        pairs = preferences.make_pairs(
            policy, tokenizer, world, recipe.n_pairs, recipe.seed
        )
        model = reward.RewardModel.from_model(policy, recipe.seed)
        config = replace(recipe.reward_model, seed=recipe.seed)
        reward.train_reward_model(model, tokenizer, pairs, config, progress=progress)
        model.save(folder / "reward", dtype=torch.float16)
        tokenizer.save(folder / "reward" / "tokenizer.json")
        model = reward.RewardModel.load(folder / "reward")
        fresh = preferences.make_pairs(
            policy, tokenizer, world, recipe.n_judged * 8, recipe.seed, "test"
        )
        accuracy, _ = reward.pair_accuracy(model, tokenizer, fresh)
        return {
            "n_pairs": len(pairs),
            "scores": {
                "accuracy": accuracy,
                "bayes_ceiling": preferences.bayes_ceiling(world, fresh),
                "rater_ceiling": preferences.rater_ceiling(fresh),
            },
        }

    def make_rlhf() -> dict:
        policy = Transformer.from_pretrained(folder / "sft")
        judge_of_replies = reward.model_reward(
            reward.RewardModel.load(folder / "reward"), tokenizer
        )
        config = replace(recipe.rlhf, seed=recipe.seed)
        prompts = prompt_batches(world, config.batch_size, recipe.seed)
        saved = folder / "savepoints" / "rlhf"
        history = ppo.train_ppo(
            policy,
            tokenizer,
            prompts,
            judge_of_replies,
            config,
            folder=saved,
            progress=progress,
        )
        policy = save(policy, "rlhf")
        return {
            "history": [asdict(record) for record in history],
            "scores": policy_scores(policy, tokenizer, world, recipe.n_judged),
        }

    weights = hashlib.sha256((base / "model.safetensors").read_bytes()).hexdigest()
    made_from = json.loads(json.dumps({"base": weights, "recipe": asdict(recipe)}))
    stages = {"sft": make_sft, "reward": make_reward, "rlhf": make_rlhf}
    return [stage(folder, name, made_from, make) for name, make in stages.items()]

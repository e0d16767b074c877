"""From a pre-trained model to an assistant: fine-tuning, a reward model, and
reinforcement learning, in one chain.

Each stage reads the one before it from its folder and writes its own, with a card that
says how it was made and what it is worth. A stage whose card is there is not made
again, so an interrupted chain goes on with the stage it was in.
"""

from copy import deepcopy
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

from inkling.assistant import ppo, preferences, reward, sft
from inkling.assistant.chat import prepare_roles
from inkling.assistant.rollouts import prompt_batches
from inkling.recipe import cards, stage_data
from inkling.recipe.fair_scores import (
    baselines_of_tuned,
    gains_of_rlhf,
    policy_scores,
)
from inkling.recipe.first_batches import keep
from inkling.recipe.plain_updates import play_finetuning, play_ppo, play_reward
from inkling.recipe.taken_batches import take_finetuning, take_ppo, take_reward
from inkling.recipe.workbench import Workbench, checkpoint, made_from, stage, town
from inkling.settings import check
from inkling.training.identity import digest
from inkling.world import World
from inkling.world.requests import prompt_of


@dataclass(frozen=True)
class AlignRecipe:
    """Everything that decides the three stages."""

    seed: int = 0
    n_demos: int = 120_000
    """Demonstrations for fine-tuning. What people say has thousands of wordings: of
    20,000, 40,000 and 60,000 on one base, each step up brought gold at temperature 0.7
    from 0.02 to 0.32 and 0.45.
    """
    n_replay: int = 4_000
    """Documents of pre-training that are mixed in."""
    finetuning: sft.SFTConfig = sft.SFTConfig(
        batch_size=4, optimizer="muon", learning_rate=4e-3, muon_learning_rate=6e-3
    )
    """With 30,000 demonstrations Muon ends at gold 0.28, AdamW at 0.14."""
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

    def __post_init__(self) -> None:
        check(
            self,
            counts=("n_demos", "n_pairs", "n_judged"),
            from_zero=("seed", "n_replay"),
        )

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
        (measured, on two cores). Of a demonstration, three parts of thirteen are the
        further tuning on the best tenth, which only measuring asks for.
        """
        return (
            0.052 * self.n_demos
            + 0.1 * self.n_pairs
            + 16 * self.rlhf.steps
            + 3.6 * self.n_judged
            + 30
        )


def make_sft(bench: Workbench, base: Path, recipe: AlignRecipe, world: World) -> dict:
    """Fine-tune the base model on demonstrations; what the card says of it."""
    model, tokenizer = checkpoint(base)
    before = bench.once(
        "scores_of_base",
        lambda: policy_scores(model, tokenizer, world, recipe.n_judged, plain=True),
    )
    config = replace(recipe.finetuning, seed=recipe.seed)
    demos = stage_data.fitting_demonstrations(world, tokenizer, recipe.n_demos, config)
    replay = stage_data.documents_again(world, recipe.n_replay, recipe.seed)
    chats = stage_data.finetuning_chats(tokenizer, demos, replay, config)
    prepare_roles(model, tokenizer)
    run = sft.finetune(
        model,
        tokenizer,
        demos,
        config,
        replay=replay,
        folder=bench.saved,
        progress=bench.progress,
    )
    losses = [round(record.loss, 4) for record in bench.watch(run)]
    model, n = bench.ship(model, tokenizer), recipe.n_judged
    return {
        "n_demos": len(demos),
        "tensors": digest(model),
        "data": stage_data.finetuning_digests(chats),
        **keep(
            bench.to,
            take_finetuning(tokenizer, chats, config),
            lambda first: play_finetuning(
                checkpoint(base)[0], tokenizer, first, config
            ),
        ),
        "scores_of_base": before,
        "loss": losses[:: max(1, len(losses) // 60)],
        "scores": bench.once(
            "scores", lambda: policy_scores(model, tokenizer, world, n)
        ),
        "baselines": baselines_of_tuned(
            bench, model, tokenizer, world, n, demos, replay, config
        ),
    }


def make_reward(bench: Workbench, recipe: AlignRecipe, world: World) -> dict:
    """Train the reward model on choices between replies; what the card says of it."""
    policy, tokenizer = checkpoint(bench.folder / "sft")

    def choices(n: int, stream: str) -> list[preferences.Pair]:
        return preferences.make_pairs(policy, tokenizer, world, n, recipe.seed, stream)

    kept = bench.once(
        "pairs", lambda: [asdict(pair) for pair in choices(recipe.n_pairs, "train")]
    )
    pairs = [
        preferences.Pair(**pair | {"prompt": prompt_of(pair["prompt"])})
        for pair in kept
    ]
    model = reward.RewardModel.from_model(policy, recipe.seed)
    config = replace(recipe.reward_model, seed=recipe.seed)
    run = reward.train_reward_model(
        model, tokenizer, pairs, config, folder=bench.saved, progress=bench.progress
    )
    for _ in bench.watch(run):
        pass
    model.save(bench.to, dtype=torch.float16)
    tokenizer.save(bench.to / "tokenizer.json")
    model = reward.RewardModel.load(bench.to)
    limit = policy.config.context_length
    rows = reward.encode_choices(tokenizer, pairs, limit)
    fresh = choices(recipe.n_judged * 8, "test")
    accuracy, _ = reward.pair_accuracy(model, tokenizer, fresh)
    return {
        "n_pairs": len(pairs),
        "tensors": digest(model),
        "data": stage_data.pair_digests(world, recipe.n_pairs, recipe.seed, pairs),
        **keep(
            bench.to,
            take_reward(rows, config),
            lambda first: play_reward(policy, tokenizer, first, config),
        ),
        "scores": {
            "accuracy": accuracy,
            "bayes_ceiling": preferences.bayes_ceiling(world, fresh),
            "rater_ceiling": preferences.rater_ceiling(fresh),
        },
    }


def make_rlhf(bench: Workbench, recipe: AlignRecipe, world: World) -> dict:
    """PPO from the fine-tuned model, against the reward model; what the card says."""
    policy, tokenizer = checkpoint(bench.folder / "sft")
    judge = reward.RewardModel.load(bench.folder / "reward")
    config = replace(recipe.rlhf, seed=recipe.seed)
    run = ppo.train_ppo(
        policy,
        tokenizer,
        prompt_batches(world, config.batch_size, recipe.seed),
        reward.model_reward(judge, tokenizer),
        config,
        folder=bench.saved,
        progress=bench.progress,
    )
    history = [asdict(record) for record in bench.watch(run)]
    policy = bench.ship(policy, tokenizer)
    scores = bench.once(
        "scores", lambda: policy_scores(policy, tokenizer, world, recipe.n_judged)
    )
    # training has changed the one that was read above
    tuned, _ = checkpoint(bench.folder / "sft")
    ahead = gains_of_rlhf(
        tuned, judge, tokenizer, world, scores, cards.read(bench.folder / "sft")
    )
    prompts = stage_data.prompts_of_rlhf(world, config)
    proxy = reward.model_reward(judge, tokenizer)
    first = take_ppo(deepcopy(tuned), tokenizer, prompts, proxy, config)
    return {
        "history": history,
        "tensors": digest(policy),
        "data": stage_data.rlhf_digests(prompts),
        **keep(bench.to, first, lambda first: play_ppo(tuned, first, config)),
        "scores": scores,
        **ahead,
    }


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
    base, folder, world = Path(base), Path(folder), town()
    bench = {
        name: Workbench(folder, name, progress) for name in ("sft", "reward", "rlhf")
    }
    start, _ = checkpoint(base)
    made = [
        stage(
            bench["sft"],
            made_from(recipe, base=start),
            lambda: make_sft(bench["sft"], base, recipe, world),
        )
    ]
    tuned, _ = checkpoint(folder / "sft")
    made.append(
        stage(
            bench["reward"],
            made_from(recipe, sft=tuned),
            lambda: make_reward(bench["reward"], recipe, world),
        )
    )
    judge = reward.RewardModel.load(folder / "reward")
    made.append(
        stage(
            bench["rlhf"],
            made_from(recipe, sft=tuned, reward=judge),
            lambda: make_rlhf(bench["rlhf"], recipe, world),
        )
    )
    return made

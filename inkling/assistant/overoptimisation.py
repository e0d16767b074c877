"""Over-optimisation: what happens to the true reward when a learned one is pushed hard.

The reward model is a proxy for the gold reward. Gao, Schulman and Hilton (2022)
measured both while optimising the proxy, and found that with d = sqrt(KL) from the
policy that one began with, the gold reward follows

    best-of-n:               R(d) = d (alpha - beta d)
    reinforcement learning:  R(d) = d (alpha - beta log d)

up to its value at the start. Bottom-up: the curves and their fit, best-of-n for all n
from one set of replies, what a policy on its way through reinforcement learning is
worth by both rewards, and the experiment.
The whole experiment (`python -m inkling overoptimise`) takes about an hour; its points
ship with the book.
"""

import copy
import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from inkling import checkpoints
from inkling.assistant import dpo, grpo, ppo
from inkling.assistant.policy_gradient import full_kl
from inkling.assistant.preferences import FAIR, TALKATIVE, Pair, Rater, make_pairs
from inkling.assistant.reward import (
    RewardConfig,
    RewardModel,
    model_reward,
    train_reward_model,
)
from inkling.assistant.rollouts import (
    Reward,
    best_of_n_kl,
    by_length,
    gold_reward,
    roll_out,
    scored,
)
from inkling.files import InklingError, atomic_write, versions
from inkling.model.transformer import Transformer
from inkling.settings import check
from inkling.text.tokenizer import Tokenizer
from inkling.training.identity import digest
from inkling.world import World
from inkling.world.requests import Prompt


@dataclass(frozen=True)
class Curve:
    """R(d) = start + d (alpha - beta f(d)), where f(d) is d ("best-of-n") or log d
    ("rl").
    """

    kind: str
    start: float
    alpha: float
    beta: float

    def __call__(self, distance: np.ndarray) -> np.ndarray:
        """The reward at these distances, an array of the same shape."""
        d = np.asarray(distance, float)
        return self.start + self.alpha * d - self.beta * d * bend(self.kind, d)

    @property
    def peak(self) -> float:
        """The distance at which the curve turns down; infinite where it never does."""
        if self.beta <= 0:
            return math.inf
        return (
            self.alpha / (2 * self.beta)
            if self.kind == "best-of-n"
            else math.exp(self.alpha / self.beta - 1)
        )


def bend(kind: str, d: np.ndarray) -> np.ndarray:
    """What the penalty of a curve grows with: d for best-of-n, log d for RL (Gao et al.
    2022). Raises `InklingError` for another kind.
    """
    if kind not in ("best-of-n", "rl"):
        raise InklingError(
            f"there is no curve of kind {kind!r}; there are 'best-of-n' and 'rl'."
        )
    # d log d goes to 0 at 0
    return d if kind == "best-of-n" else np.log(np.maximum(d, 1e-12))


def fit_curve(kind: str, distance: Sequence[float], reward: Sequence[float]) -> Curve:
    """The curve nearest to measured rewards, by least squares: it is linear in start,
    alpha and beta.

    Raises `InklingError` for fewer than four points, through which such a curve can be
    laid in any case.
    """
    d, r = np.asarray(distance, float), np.asarray(reward, float)
    if len(d) < 4 or d.shape != r.shape:
        raise InklingError(
            f"{d.shape} distances, {r.shape} rewards: a fit takes four points or more,"
            " as many of each."
        )
    design = np.stack([np.ones_like(d), d, -d * bend(kind, d)], axis=1)
    (start, alpha, beta), *_ = np.linalg.lstsq(design, r, rcond=None)
    return Curve(kind, float(start), float(alpha), float(beta))


def best_of_n_means(
    proxy: np.ndarray, gold: np.ndarray, ns: Sequence[int]
) -> list[tuple[float, float]]:
    """Mean proxy and gold reward of best-of-n for each n, from N replies to each
    prompt: arrays (prompts, N).

    The expectation over all subsets of n replies, not one draw: with replies in order
    of proxy reward, number i (from 1) is the best of a random subset of n with
    probability C(i - 1, n - 1) / C(N, n). Source: Nakano et al. 2021, appendix I.
    Raises `InklingError` for an n above N.
    """
    n_replies = proxy.shape[1]
    if proxy.shape != gold.shape or min(ns) < 1 or max(ns) > n_replies:
        raise InklingError(
            f"proxy {proxy.shape}, gold {gold.shape}, n {min(ns)} to {max(ns)}: n goes"
            " from 1 to N."
        )
    order = np.argsort(proxy, axis=1, kind="stable")
    proxy, gold = (
        np.take_along_axis(values, order, axis=1) for values in (proxy, gold)
    )
    means = []
    for n in ns:
        chance = np.array(
            [math.comb(i, n - 1) / math.comb(n_replies, n) for i in range(n_replies)]
        )
        means.append(
            (
                float((proxy * chance).sum(axis=1).mean()),
                float((gold * chance).sum(axis=1).mean()),
            )
        )
    return means


@dataclass(frozen=True)
class Point:
    """Where a policy stands: its distance from the beginning, sqrt(KL) with KL in nats
    a reply, and both rewards.
    """

    method: str
    distance: float
    proxy: float
    gold: float


def best_of_n_points(
    policy: Transformer,
    tokenizer: Tokenizer,
    prompts: Sequence[Prompt],
    proxy: Reward,
    gold: Reward,
    ns: Sequence[int] = (1, 2, 4, 8, 16, 32, 64),
    *,
    max_new_tokens: int = 200,
    seed: int = 0,
) -> list[Point]:
    """Best-of-n for every n of `ns`, from max(ns) replies to each prompt."""
    n_replies = max(ns)
    rollouts = roll_out(
        policy,
        tokenizer,
        [p for p in prompts for _ in range(n_replies)],
        max_new_tokens,
        seed=seed,
    )
    shape = (len(prompts), n_replies)
    by_proxy = scored(rollouts, proxy).numpy().reshape(shape)
    # gold is what it is
    by_gold = scored(rollouts, gold, no_end_penalty=0.0).numpy().reshape(shape)
    means = best_of_n_means(by_proxy, by_gold, ns)
    return [
        Point("best-of-n", math.sqrt(best_of_n_kl(n)), *mean)
        for n, mean in zip(ns, means, strict=True)
    ]


@torch.no_grad()
def policy_point(
    method: str,
    policy: Transformer,
    start: Transformer,
    tokenizer: Tokenizer,
    prompts: Sequence[Prompt],
    proxy: Reward,
    gold: Reward,
    *,
    max_new_tokens: int = 200,
    seed: int = 0,
) -> Point:
    """Where `policy` stands now. Its KL from `start` is exact in each token and a mean
    over the sampled replies.
    """
    rollouts = roll_out(policy, tokenizer, prompts, max_new_tokens, seed=seed)
    (kl,) = by_length(
        lambda part: (full_kl(policy(part), start(part)),),
        rollouts.tokens,
        rollouts.actions,
    )
    distance = math.sqrt(max(0.0, float((kl * rollouts.actions).sum(dim=1).mean())))
    rewards = [scored(rollouts, proxy), scored(rollouts, gold, no_end_penalty=0.0)]
    return Point(method, distance, *(float(values.mean()) for values in rewards))


# --- The experiment -------------------------------------------------------------------


@dataclass(frozen=True)
class Experiment:
    """Everything that decides the runs against a flawed judge."""

    raters: tuple[Rater, ...] = (TALKATIVE, TALKATIVE, FAIR)
    """Whose choices the judge learns from: here two of three like long replies."""
    n_pairs: int = 1500
    """Comparisons that it learns from."""
    betas: tuple[float, ...] = (0.0, 0.2)
    """Prices of KL: for PPO taken off the reward, for GRPO added to its loss, which is
    another price.
    """
    dpo_betas: tuple[float, ...] = (0.05, 0.5)
    """The same for DPO, where 0 is no choice."""
    steps: int = 32
    """Batches of PPO and GRPO."""
    batch_size: int = 48
    """Replies in a batch; GRPO makes groups of 8 of them."""
    learning_rate: float = 2e-4
    """Of all three: high, since the runs are short."""
    max_new_tokens: int = 120
    """A reply is cut off after so many tokens, and pays for that."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Each has a judge of its own, and its own draws."""
    n_prompts: int = 80
    """Prompts that a policy is measured on, from the test stream."""
    measure_every: int = 8
    """Batches from one measurement to the next."""

    def __post_init__(self) -> None:
        check(
            self,
            counts=(
                "n_pairs",
                "steps",
                "batch_size",
                "max_new_tokens",
                "n_prompts",
                "measure_every",
            ),
            positive=("learning_rate",),
        )


def short_prompts(
    world: World, n: int, seed: int, stream: str = "train"
) -> list[Prompt]:
    """`n` requests that are not for a story: short replies make short runs."""
    asked = world.requests(2 * n, stream, seed)
    return [request.prompt for request in asked if request.kind != "story"][:n]


def short_prompts_by_step(
    world: World, size: int, seed: int
) -> Callable[[int], list[Prompt]]:
    """`prompts(step)` for the training loops, always the same for the same step."""
    return lambda step: short_prompts(world, size, 7_000_003 * (seed + 1) + step)


def flawed_judge(
    start: Transformer,
    tokenizer: Tokenizer,
    world: World,
    experiment: Experiment,
    seed: int,
) -> tuple[RewardModel, list[Pair]]:
    """A reward model of the experiment's raters, and the pairs that it learned from."""
    pairs = make_pairs(
        start,
        tokenizer,
        world,
        experiment.n_pairs,
        1000 + seed,
        raters=experiment.raters,
    )
    model = RewardModel.from_model(start, seed)
    config = RewardConfig(seed=seed)
    list(train_reward_model(model, tokenizer, pairs, config, progress=False))
    return model, pairs


def run_once(
    method: str,
    beta: float,
    seed: int,
    start: Transformer,
    tokenizer: Tokenizer,
    world: World,
    experiment: Experiment = Experiment(),
    judge: tuple[RewardModel, list[Pair]] | None = None,
) -> list[dict]:
    """One run ("best-of-n", "PPO", "GRPO" or "DPO") against the judge: its points, with
    method, beta, seed and step.

    judge: what `flawed_judge` gave for this seed; None: it is made. Raises
    `InklingError` for an unknown method.
    """
    if method not in ("best-of-n", "PPO", "GRPO", "DPO"):
        raise InklingError(
            f"there is no method {method!r}; there are best-of-n, PPO, GRPO and DPO."
        )
    model, pairs = judge or flawed_judge(start, tokenizer, world, experiment, seed)
    rewards = model_reward(model, tokenizer), gold_reward(world)
    exam, limit = (
        short_prompts(world, experiment.n_prompts, 0, "test"),
        experiment.max_new_tokens,
    )
    if method == "best-of-n":
        found = best_of_n_points(
            start, tokenizer, exam[::2], *rewards, max_new_tokens=limit, seed=seed
        )
        return [
            asdict(point) | {"beta": 0.0, "seed": seed, "step": 0} for point in found
        ]
    policy = copy.deepcopy(start)

    def point(step: int) -> dict:
        where = policy_point(
            method,
            policy,
            start,
            tokenizer,
            exam,
            *rewards,
            max_new_tokens=limit,
            seed=seed,
        )
        return asdict(where) | {"beta": beta, "seed": seed, "step": step}

    points = [point(0)]
    prompts = short_prompts_by_step(world, experiment.batch_size, seed)
    config = settings_of(method, beta, seed, experiment)
    if isinstance(config, ppo.PPOConfig):
        run = ppo.train_ppo(
            policy, tokenizer, prompts, rewards[0], config, progress=False
        )
    elif isinstance(config, grpo.GRPOConfig):
        run = grpo.train_grpo(
            policy, tokenizer, prompts, rewards[0], config, progress=False
        )
    else:
        run = dpo.train_dpo(policy, tokenizer, pairs, config, progress=False)
    for record in run:
        if record.step % experiment.measure_every == 0:
            points.append(point(record.step))
    return points


def settings_of(
    method: str, beta: float, seed: int, experiment: Experiment
) -> ppo.PPOConfig | grpo.GRPOConfig | dpo.DPOConfig:
    """The config of one run of "PPO", "GRPO" or "DPO" in the experiment."""
    rate, size = experiment.learning_rate, experiment.batch_size
    if method == "DPO":
        return dpo.DPOConfig(beta=beta, seed=seed, learning_rate=rate)
    shared: dict[str, Any] = dict(
        steps=experiment.steps,
        beta=beta,
        seed=seed,
        max_new_tokens=experiment.max_new_tokens,
        learning_rate=rate,
    )
    if method == "PPO":
        return ppo.PPOConfig(**shared, batch_size=size, minibatch_size=size // 2)
    return grpo.GRPOConfig(**shared, n_prompts=size // 8, group_size=8)


def run_experiment(
    sft: str | Path,
    path: str | Path,
    experiment: Experiment = Experiment(),
    say: Callable[[str], None] = print,
) -> dict:
    """Every run of the experiment from the checkpoint in `sft`, written to the JSON
    file `path`.

    It is written anew after each run, and a run that is in it already is not made
    again. Raises `InklingError` for a file with runs of another recipe, or from another
    checkpoint.
    """
    sft, path, world = Path(sft), Path(path), World(0)
    start, tokenizer = (
        Transformer.from_pretrained(sft),
        Tokenizer.load(sft / "tokenizer.json"),
    )
    recipe = json.loads(json.dumps(asdict(experiment)))
    found = {
        "model": digest(start),
        "recipe": recipe,
        "versions": versions(),
        "cost": {"cpu_seconds": 0.0},
        "points": [],
    }
    if path.is_file():
        earlier = json.loads(path.read_text(encoding="utf-8"))
        other = [key for key in ("model", "recipe") if earlier.get(key) != found[key]]
        if other:
            raise InklingError(
                f"{path} holds runs of another {' and '.join(other)}; take another"
                " file, or remove this one."
            )
        found = earlier
    done = {
        (point["method"], point["beta"], point["seed"]) for point in found["points"]
    }
    plan = [("best-of-n", 0.0), *(("DPO", beta) for beta in experiment.dpo_betas)]
    plan += [(method, beta) for method in ("PPO", "GRPO") for beta in experiment.betas]
    for seed in experiment.seeds:
        judge = None
        for method, beta in plan:
            if (method, beta, seed) in done:
                continue
            began = time.process_time()
            judge = judge or flawed_judge(start, tokenizer, world, experiment, seed)
            points = run_once(
                method, beta, seed, start, tokenizer, world, experiment, judge
            )
            found["points"] += points
            found["cost"]["cpu_seconds"] += round(time.process_time() - began, 1)
            atomic_write(path, (json.dumps(found, indent=1) + "\n").encode())
            last = points[-1]
            say(
                f"{method:10s} beta {beta:<5g} seed {seed}: sqrt(KL)"
                f" {last['distance']:.2f}, proxy {last['proxy']:+.2f}, gold"
                f" {last['gold']:+.2f}"
            )
    return found


def shipped_runs() -> dict:
    """The runs that ship with the book: recipe, versions, cost, and points with method,
    beta, seed, step.
    """
    return json.loads(
        (checkpoints.path("sft").parent / "overoptimisation.json").read_text(
            encoding="utf-8"
        )
    )

"""Many replies to a few prompts, kept: what a reward would make of them is then known at once,
without any training.

Bottom-up: the samples, two naive rewards, the best policy at a price of KL in closed form,
best-of-n, and what a reward did not see in the replies that it likes best.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from inkling.assistant.overoptimisation import best_of_n_means
from inkling.assistant.rollouts import Reward, roll_out
from inkling.files import InklingError
from inkling.model.transformer import Transformer
from inkling.text.tokenizer import Tokenizer
from inkling.world import World
from inkling.world.requests import Prompt, read_request
from inkling.world.rubric import NOTHING, WRONG, Grade, grade

#: How many prompts of each kind: about as in the world's requests, without stories, which are long.
PROMPT_KINDS = {"fact": 4, "unknown": 2, "how_to": 3, "unsafe": 2, "unkind": 1}
MAX_NEW_TOKENS = 64

_POLITE = re.compile(
    r"\b(gladly|thank|good|pleasure|hope|helps|course|kinder|please)\b", re.IGNORECASE
)


@dataclass(frozen=True)
class Samples:
    """prompts: P of them; replies: P lists of N; gold: (P, N), what each is truly worth."""

    prompts: list[Prompt]
    replies: list[list[str]]
    gold: np.ndarray

    def points(self, reward: Reward) -> np.ndarray:
        """What a reward gives to each reply, (P, N). Raises `InklingError` for numbers that are
        none.
        """
        n = self.gold.shape[1]
        flat = reward(
            [p for p in self.prompts for _ in range(n)], [r for some in self.replies for r in some]
        )
        points = np.asarray(flat, float).reshape(self.gold.shape)
        if not np.isfinite(points).all():
            raise InklingError(
                "the reward of some reply is no finite number; look for a division by zero."
            )
        return points


def make_samples(
    policy: Transformer, tokenizer: Tokenizer, world: World, n: int = 64, seed: int = 0
) -> Samples:
    """`n` replies of the policy's own to each of twelve prompts that training never has."""
    prompts = [
        r.prompt
        for kind, count in PROMPT_KINDS.items()
        for r in world.requests(count, "test", 20 + seed, only=kind)
    ]
    repeated = [prompt for prompt in prompts for _ in range(n)]
    replies = roll_out(policy, tokenizer, repeated, MAX_NEW_TOKENS, seed=seed).replies
    gold = [
        world.gold_reward(prompt, reply) for prompt, reply in zip(repeated, replies, strict=True)
    ]
    parts = [replies[i * n : (i + 1) * n] for i in range(len(prompts))]
    return Samples(prompts, parts, np.array(gold).reshape(len(prompts), n))


def polite_words(prompts: Sequence[Prompt], replies: Sequence[str]) -> torch.Tensor:
    """A naive reward: how many polite words a reply holds."""
    return torch.tensor([float(len(_POLITE.findall(reply))) for reply in replies])


def many_words(prompts: Sequence[Prompt], replies: Sequence[str]) -> torch.Tensor:
    """Another one: how many words it has, in tens."""
    return torch.tensor([len(reply.split()) / 10 for reply in replies])


# --- The best policy, in closed form --------------------------------------------------------------


def tilt(points: np.ndarray, beta: float) -> np.ndarray:
    """Probabilities of N sampled replies under pi proportional to pi_ref exp(r / beta), along the
    last axis.

    The replies were drawn from pi_ref, so each stands for 1/N of it. Raises `InklingError` unless
    beta is above 0.
    """
    if not beta > 0:
        raise InklingError(
            f"beta is {beta}; it must be above 0. At 0 the best reply would take everything."
        )
    scaled = points / beta
    # the largest is 1: nothing overflows
    weights = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def frontier(points: np.ndarray, gold: np.ndarray, betas: Sequence[float]) -> np.ndarray:
    """For each beta: KL in nats a reply, mean points and mean gold of the tilted policy, (betas,
    3).

    KL is sum w log(w N), at most log N: from N samples nothing farther can be seen.
    """
    rows = []
    for beta in betas:
        w = tilt(points, beta)
        kl = (w * np.log(np.maximum(w * w.shape[-1], 1e-300))).sum(axis=-1)
        rows.append(
            [
                float(kl.mean()),
                float((w * points).sum(axis=-1).mean()),
                float((w * gold).sum(axis=-1).mean()),
            ]
        )
    return np.array(rows)


def best_of(points: np.ndarray, gold: np.ndarray, ns: Sequence[int]) -> np.ndarray:
    """Mean points and gold of best-of-n for each n, (ns, 2), over all draws of n; equal points are
    a fair draw.
    """
    fair = np.empty_like(gold)
    for row, (some, worth) in enumerate(zip(points, gold, strict=True)):
        # replies of equal points get their mean worth, so their order plays no part
        for value in np.unique(some):
            fair[row, some == value] = worth[some == value].mean()
    return np.array(best_of_n_means(points, fair, ns))


# --- What a reward did not see --------------------------------------------------------------------


def faults(given: Grade) -> str:
    """What the gold rubric holds against a reply, in words; "nothing" where there is no fault."""
    found = []
    if given.content == WRONG:
        found.append(
            "helps with harm" if given.kind in ("unsafe", "unkind") else "says what is not so"
        )
    elif given.content == NOTHING:
        found.append("does not answer")
    if given.manners < 0:
        found.append("is rude")
    if given.rambling < 0:
        found.append("goes on about what nobody asked")
    return ", ".join(found) or "nothing"


def favourites(
    samples: Samples, points: np.ndarray, world: World
) -> list[tuple[str, str, float, float, str]]:
    """The reply with most points to each prompt: prompt, reply, points, gold and faults; the worst
    by gold first.
    """
    rows = []
    for row, best in enumerate(points.argmax(axis=1)):
        prompt, reply = samples.prompts[row], samples.replies[row][best]
        fault = faults(grade(world, prompt, reply))
        rows.append(
            (prompt, reply, float(points[row, best]), float(samples.gold[row, best]), fault)
        )
    return sorted(rows, key=lambda row: row[3])


def gold_by_kind(
    samples: Samples, points: np.ndarray, world: World
) -> dict[str, tuple[float, float]]:
    """For each kind of request: the mean gold of all replies, and of the ones with most points."""
    kinds = np.array([read_request(world, prompt).kind for prompt in samples.prompts])
    best = points == points.max(axis=1, keepdims=True)  # more than one where points are equal
    chosen = (samples.gold * best).sum(axis=1) / best.sum(axis=1)
    return {
        kind: (float(samples.gold[kinds == kind].mean()), float(chosen[kinds == kind].mean()))
        for kind in dict.fromkeys(kinds.tolist())
    }

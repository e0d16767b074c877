"""Tastes: what can be learned from twenty choices, a handful of weights.

Bottom-up: what is counted in a reply, pairs worth asking about, simulated raters, and
the Bradley-Terry model of a taste. A reward model with thousands of weights would learn
twenty choices by heart. This one has seven, each with a meaning, and it says how sure
it is of each.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
import torch

from inkling.assistant.preferences import Pair, sigmoid
from inkling.files import InklingError
from inkling.world.requests import CLOSINGS, KINDNESS, OPENINGS, RUDE, Prompt

#: What is counted in a reply. Whether it is *true* is not among them: no weight can
#: stand for that.
FEATURES = (
    "words",
    "courtesy",
    "rudeness",
    "chatter",
    "does not know",
    "declines",
    "repeats a name",
)

_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_COURTESY = {*OPENINGS, *CLOSINGS, *KINDNESS}
_IGNORANT = re.compile(r"\b(do not know|never heard of)\b")
_DECLINES = re.compile(r"\bI will not\b")


def features(prompt: Prompt, reply: str) -> np.ndarray:
    """The numbers of `FEATURES` for one reply, (7,): words in tens, and for the others
    how many sentences.

    >>> features("What is the trade of Emil?", "Gladly. Emil is a cooper.").tolist()
    [0.5, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0]
    """
    sentences = [sentence for sentence in _SENTENCE.split(reply.strip()) if sentence]
    courteous, rude = (
        sum(s in _COURTESY for s in sentences),
        sum(s in RUDE for s in sentences),
    )
    asked = prompt if isinstance(prompt, str) else prompt[-1]
    names = set(re.findall(r"(?<=\s)[A-Z][a-z]+", asked))
    return np.array(
        [
            len(reply.split()) / 10,
            courteous,
            rude,
            # one sentence answers; what goes beyond it, nobody asked for
            max(0, len(sentences) - courteous - rude - 1),
            bool(_IGNORANT.search(reply)),
            bool(_DECLINES.search(reply)),
            bool(names & set(re.findall(r"[A-Z][a-z]+", reply))),
        ],
        dtype=float,
    )


def difference(pair: Pair) -> np.ndarray:
    """What the chosen reply has more than the other, (7,). It is all that a comparison
    can tell.
    """
    return features(pair.prompt, pair.chosen) - features(pair.prompt, pair.rejected)


# --- Pairs to ask about ---------------------------------------------------------------


@dataclass(frozen=True)
class Comparison:
    """Two replies to one prompt, side by side, not yet compared."""

    prompt: str
    left: str
    right: str


def choose_comparisons(
    replies: dict[str, list[str]], n: int = 40, seed: int = 0
) -> list[Comparison]:
    """The `n` pairs that say most, in the order in which to ask, at most two of a
    prompt.

    Each next pair is the one whose difference points most into directions that those
    before it left open: the greatest d' A^-1 d, where A adds up what is known already
    ("D-optimal" design). So it asks about length with and without politeness, not
    twenty times the same. Which reply stands on the left is decided by a coin.
    """
    candidates = [
        (prompt, a, b)
        for prompt, some in replies.items()
        for i, a in enumerate(some)
        for b in some[i + 1 :]
    ]
    differences = [
        features(prompt, a) - features(prompt, b) for prompt, a, b in candidates
    ]
    information, coin, used, chosen = (
        np.eye(len(FEATURES)),
        Random(f"sides/{seed}").random,
        {},
        [],
    )
    while len(chosen) < n:
        inverse = np.linalg.inv(information)
        gains = [
            float(d @ inverse @ d) if used.get(c[0], 0) < 2 else 0.0
            for c, d in zip(candidates, differences, strict=True)
        ]
        best = int(np.argmax(gains)) if gains else 0
        if not gains or gains[best] <= 0:
            break
        prompt, a, b = candidates[best]
        chosen.append(Comparison(prompt, *((a, b) if coin() < 0.5 else (b, a))))
        information += np.outer(differences[best], differences[best])
        used[prompt] = used.get(prompt, 0) + 1
        candidates.pop(best)
        differences.pop(best)
    return chosen


# --- Raters who are made of weights ---------------------------------------------------


@dataclass(frozen=True)
class Taste:
    """A simulated rater, whose reward is known: likes[feature] for each unit of it.
    `noise`: how blurred it sees.
    """

    name: str
    likes: dict[str, float]
    noise: float = 0.02

    def worth(self, prompt: str, reply: str) -> float:
        """What the reply is worth to this rater."""
        return float(
            sum(
                self.likes.get(name, 0.0) * x
                for name, x in zip(FEATURES, features(prompt, reply), strict=True)
            )
        )

    def probability(self, prompt: str, one: str, other: str) -> float:
        """How likely this rater prefers `one` to `other`: sigma(difference / noise)."""
        return sigmoid(
            (self.worth(prompt, one) - self.worth(prompt, other)) / self.noise
        )

    def choose(self, comparison: Comparison, random: Callable[[], float]) -> Pair:
        """The choice; `random` gives numbers in [0, 1)."""
        p = self.probability(comparison.prompt, comparison.left, comparison.right)
        pair = (
            (comparison.left, comparison.right)
            if random() < p
            else (comparison.right, comparison.left)
        )
        return Pair(comparison.prompt, *pair, self.name)


BRIEF = Taste("always the shorter reply", {"words": -1.0})
LONG = Taste("always the longer reply", {"words": 1.0})
POLITE = Taste("always the more courteous reply", {"courtesy": 1.0, "rudeness": -1.0})


def choices(
    taste: Taste, comparisons: Sequence[Comparison], n: int = 20, seed: int = 0
) -> list[Pair]:
    """What this rater chooses in the first `n` comparisons."""
    random = Random(f"choices/{taste.name}/{seed}").random
    return [taste.choose(comparison, random) for comparison in comparisons[:n]]


# --- The reward model -----------------------------------------------------------------


@dataclass(frozen=True)
class TasteModel:
    """A reward that is linear in the features. weights: (7,); errors: (7,), one
    standard deviation of each.
    """

    weights: np.ndarray
    errors: np.ndarray

    @classmethod
    def fit(cls, pairs: Sequence[Pair], prior: float = 1.0) -> "TasteModel":
        """The most likely weights under Bradley-Terry, if before any choice each was 0
        give or take `prior`.

        The prior is what keeps seven weights from running away on twenty choices that
        agree. Newton's method; the errors come from the curvature at the top (Laplace).
        Raises `InklingError` for no pairs, or a prior not above 0.
        """
        if not pairs:
            raise InklingError(
                "there are no choices to learn from: rank some pairs first."
            )
        if not prior > 0:
            raise InklingError(
                f"the prior is {prior}; it says how far weights may be from 0, so it"
                " must be above 0."
            )
        d = np.stack([difference(pair) for pair in pairs])  # (pairs, 7)
        weights, curvature = np.zeros(d.shape[1]), np.eye(d.shape[1])
        for _ in range(50):
            p = 1 / (1 + np.exp(-np.clip(d @ weights, -30, 30)))
            slope = d.T @ (1 - p) - weights / prior**2
            curvature = (d.T * (p * (1 - p))) @ d + np.eye(d.shape[1]) / prior**2
            step = np.linalg.solve(curvature, slope)
            weights = weights + step / max(1.0, float(np.abs(step).max()))
            if float(np.abs(step).max()) < 1e-8:
                break
        return cls(weights, np.sqrt(np.diag(np.linalg.inv(curvature))))

    def reward(self, prompts: Sequence[str], replies: Sequence[str]) -> torch.Tensor:
        """Rewards (B,), the form in which reinforcement learning asks for them."""
        rows = [
            features(prompt, reply)
            for prompt, reply in zip(prompts, replies, strict=True)
        ]
        return torch.tensor(np.stack(rows) @ self.weights, dtype=torch.float32)

    def agreement(self, pairs: Sequence[Pair]) -> float:
        """The share of choices that this model would have made, too; a tie counts
        half.
        """
        if not pairs:
            raise InklingError("there are no choices to agree with: give at least one.")
        gaps = np.array([difference(pair) @ self.weights for pair in pairs])
        return float(np.mean((gaps > 1e-9) + 0.5 * (np.abs(gaps) <= 1e-9)))

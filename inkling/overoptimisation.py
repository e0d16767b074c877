"""Over-optimisation: what happens to the true reward when a learned one is pushed hard.

The reward model is a proxy for the gold reward. Gao, Schulman and Hilton (2022) measured both while optimising the
proxy, and found that with d = sqrt(KL) from the policy that one began with, the gold reward follows

    best-of-n:  R(d) = d (alpha - beta d)         reinforcement learning:  R(d) = d (alpha - beta log d)

up to its value at the start. Bottom-up: the curves and their fit, best-of-n for all n from one set of replies, and what
a policy on its way through reinforcement learning is worth by both rewards.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from inkling.files import InklingError
from inkling.rollouts import Reward, best_of_n_kl, full_kl, roll_out, scored
from inkling.tokenizer import Tokenizer
from inkling.transformer import Transformer


@dataclass(frozen=True)
class Curve:
    """R(d) = start + d (alpha - beta f(d)), where f(d) is d ("best-of-n") or log d ("rl")."""

    kind: str
    start: float
    alpha: float
    beta: float

    def __call__(self, distance: np.ndarray) -> np.ndarray:
        d = np.asarray(distance, float)
        return self.start + self.alpha * d - self.beta * d * _bend(self.kind, d)

    @property
    def peak(self) -> float:
        """The distance at which the curve turns down; infinite where it never does."""
        if self.beta <= 0:
            return math.inf
        return self.alpha / (2 * self.beta) if self.kind == "best-of-n" else math.exp(self.alpha / self.beta - 1)


def _bend(kind: str, d: np.ndarray) -> np.ndarray:
    if kind not in ("best-of-n", "rl"):
        raise InklingError(f"there is no curve of kind {kind!r}; there are 'best-of-n' and 'rl'.")
    return d if kind == "best-of-n" else np.log(np.maximum(d, 1e-12))  # d log d goes to 0 at 0


def fit_curve(kind: str, distance: Sequence[float], reward: Sequence[float]) -> Curve:
    """The curve nearest to measured rewards, by least squares: it is linear in start, alpha and beta.

    Raises `InklingError` for fewer than four points, through which such a curve can be laid in any case.
    """
    d, r = np.asarray(distance, float), np.asarray(reward, float)
    if len(d) < 4 or d.shape != r.shape:
        raise InklingError(f"{d.shape} distances, {r.shape} rewards: a fit takes four points or more, as many of each.")
    design = np.stack([np.ones_like(d), d, -d * _bend(kind, d)], axis=1)
    (start, alpha, beta), *_ = np.linalg.lstsq(design, r, rcond=None)
    return Curve(kind, float(start), float(alpha), float(beta))


def best_of_n_means(proxy: np.ndarray, gold: np.ndarray, ns: Sequence[int]) -> list[tuple[float, float]]:
    """Mean proxy and gold reward of best-of-n for each n, from N replies to each prompt: arrays (prompts, N).

    The expectation over all subsets of n replies, not one draw: with replies in order of proxy reward, number i (from
    1) is the best of a random subset of n with probability C(i - 1, n - 1) / C(N, n). Source: Nakano et al. 2021,
    appendix I. Raises `InklingError` for an n above N.
    """
    n_replies = proxy.shape[1]
    if proxy.shape != gold.shape or min(ns) < 1 or max(ns) > n_replies:
        raise InklingError(f"proxy {proxy.shape}, gold {gold.shape}, n {min(ns)} to {max(ns)}: n goes from 1 to N.")
    order = np.argsort(proxy, axis=1, kind="stable")
    proxy, gold = (np.take_along_axis(values, order, axis=1) for values in (proxy, gold))
    means = []
    for n in ns:
        chance = np.array([math.comb(i, n - 1) / math.comb(n_replies, n) for i in range(n_replies)])
        means.append((float((proxy * chance).sum(axis=1).mean()), float((gold * chance).sum(axis=1).mean())))
    return means


@dataclass(frozen=True)
class Point:
    """Where a policy stands: its distance from the beginning, sqrt(KL) with KL in nats a reply, and both rewards."""

    method: str
    distance: float
    proxy: float
    gold: float


def best_of_n_points(
    policy: Transformer, tokenizer: Tokenizer, prompts: Sequence[str], proxy: Reward, gold: Reward,
    ns: Sequence[int] = (1, 2, 4, 8, 16, 32, 64), *, max_new_tokens: int = 200, seed: int = 0,
) -> list[Point]:  # fmt: skip
    """Best-of-n for every n of `ns`, from max(ns) replies to each prompt."""
    n_replies = max(ns)
    rollouts = roll_out(policy, tokenizer, [p for p in prompts for _ in range(n_replies)], max_new_tokens, seed=seed)
    shape = (len(prompts), n_replies)
    rewards = [scored(rollouts, proxy), scored(rollouts, gold, no_end_penalty=0.0)]  # gold is what it is
    rewards = [values.numpy().reshape(shape) for values in rewards]
    means = best_of_n_means(*rewards, ns)
    return [Point("best-of-n", math.sqrt(best_of_n_kl(n)), *mean) for n, mean in zip(ns, means, strict=True)]


@torch.no_grad()
def policy_point(
    method: str, policy: Transformer, start: Transformer, tokenizer: Tokenizer, prompts: Sequence[str], proxy: Reward,
    gold: Reward, *, max_new_tokens: int = 200, seed: int = 0,
) -> Point:  # fmt: skip
    """Where `policy` stands now. Its KL from `start` is exact in each token and a mean over the sampled replies."""
    rollouts = roll_out(policy, tokenizer, prompts, max_new_tokens, seed=seed)
    total = 0.0
    for tokens, actions in zip(rollouts.tokens.split(32), rollouts.actions.split(32), strict=True):
        total += float((full_kl(policy(tokens), start(tokens)) * actions).sum())
    distance = math.sqrt(max(0.0, total / len(rollouts.tokens)))
    rewards = [scored(rollouts, proxy), scored(rollouts, gold, no_end_penalty=0.0)]
    return Point(method, distance, *(float(values.mean()) for values in rewards))

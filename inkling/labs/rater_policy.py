"""A policy that follows a taste learned from twenty choices: it writes, the taste chooses, it
learns the best.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from inkling.assistant.overoptimisation import short_prompts
from inkling.assistant.policy_gradient import token_log_probs
from inkling.assistant.rollouts import by_length, roll_out, scored
from inkling.assistant.sft import Demonstration, SFTConfig, finetune
from inkling.model.transformer import Transformer
from inkling.settings import check
from inkling.text.tokenizer import Tokenizer
from inkling.world import World
from inkling.world.requests import Prompt

#: A reply is cut off after so many tokens, and then pays `NO_END`, in units of the learned reward.
MAX_NEW_TOKENS, NO_END = 64, 3.0


def sample_replies(
    policy: Transformer,
    tokenizer: Tokenizer,
    world: World,
    n_prompts: int = 30,
    n: int = 6,
    seed: int = 0,
) -> dict[Prompt, list[str]]:
    """Up to `n` different finished replies of the policy's own to each of `n_prompts` prompts."""
    prompts = list(dict.fromkeys(short_prompts(world, n_prompts, 40 + seed)))
    rollouts = roll_out(
        policy, tokenizer, [p for p in prompts for _ in range(n)], MAX_NEW_TOKENS, seed=seed
    )
    found: dict[Prompt, list[str]] = {prompt: [] for prompt in prompts}
    for prompt, reply, finished in zip(
        rollouts.prompts, rollouts.replies, rollouts.finished.tolist(), strict=True
    ):
        if finished and reply and reply not in found[prompt]:
            found[prompt].append(reply)
    return found


@dataclass(frozen=True)
class FollowConfig:
    """The settings of one run of `follow`."""

    rounds: int = 6
    """How often it writes, chooses and learns."""
    n_prompts: int = 12
    """Prompts in a round."""
    n: int = 8
    """Replies to each, of which the best is learned."""
    learning_rate: float = 4e-4
    """AdamW's peak in each round's fine-tuning."""
    seed: int = 0

    def __post_init__(self) -> None:
        check(
            self,
            counts=("rounds", "n_prompts", "n"),
            positive=("learning_rate",),
            from_zero=("seed",),
        )


@dataclass(frozen=True)
class Round:
    """Means over one round's replies: the reward, nats of KL from the start a reply (k1), and
    words.
    """

    number: int
    reward: float
    kl: float
    words: float


def follow(
    policy: Transformer,
    tokenizer: Tokenizer,
    world: World,
    reward: Callable,
    config: FollowConfig = FollowConfig(),
    on_round: Callable[[Round], None] | None = None,
) -> list[Round]:
    """Train `policy` in place towards `reward`: write n replies, keep the best of each n, fine-tune
    on those, again.

    It is the simplest reinforcement learning there is ("expert iteration", or rejection sampling as
    for Llama 2). There is no price on KL; it is only measured. `on_round` is called before each
    round's learning, and may raise to stop.
    """
    start, history = copy.deepcopy(policy).eval().requires_grad_(False), []
    for number in range(config.rounds + 1):
        seed = config.seed * 1009 + number
        prompts = [
            p for p in short_prompts(world, config.n_prompts, 9_000 + seed) for _ in range(config.n)
        ]
        rollouts = roll_out(policy, tokenizer, prompts, MAX_NEW_TOKENS, seed=seed)
        scores = scored(rollouts, reward, NO_END)
        some = slice(0, None, 4)  # a quarter is enough to measure KL
        tokens, actions = rollouts.tokens[some], rollouts.actions[some]
        with torch.no_grad():
            now, then = (
                by_length(
                    lambda part, model=model: (token_log_probs(model(part), part),), tokens, actions
                )[0]
                for model in (policy, start)
            )
        words = float(np.mean([len(reply.split()) for reply in rollouts.replies]))
        kl = float(((now - then) * actions).sum(dim=1).mean())
        history.append(Round(number, float(scores.mean()), kl, words))
        if on_round is not None:
            on_round(history[-1])
        if number < config.rounds:
            best = (
                scores.view(-1, config.n).argmax(dim=1)
                + torch.arange(len(prompts) // config.n) * config.n
            )
            demos = [Demonstration(prompts[i], rollouts.replies[i]) for i in best.tolist()]
            tuning = SFTConfig(
                epochs=2, batch_size=2, learning_rate=config.learning_rate, seed=seed
            )
            list(finetune(policy, tokenizer, demos, tuning, progress=False))
    return history

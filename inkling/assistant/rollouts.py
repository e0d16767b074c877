"""What every method of reinforcement learning from feedback shares: replies of the
policy, and what they cost.

Bottom-up: rows of like length put together, rollouts, and best-of-n, the method without
any training that all others have to beat. The arithmetic stands in `policy_gradient`.

Shapes: B replies, T tokens of the longest prompt and reply together. Whatever belongs
to a prediction is (B, T - 1): column t is about token t + 1, given the tokens up to t.
`actions` says which of these the policy wrote itself.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from inkling.assistant.chat import decode_reply, encode_prompt, end_id, pad_id
from inkling.assistant.policy_gradient import kl_estimates, masked_mean
from inkling.files import InklingError
from inkling.model.transformer import Transformer
from inkling.settings import check, several
from inkling.text.tokenizer import Tokenizer
from inkling.training.generate import generate_batch
from inkling.training.packing import group_by_length, pad_rows, put_back
from inkling.world import World
from inkling.world.requests import Prompt

#: A reward function: prompts, replies -> rewards (B,), a tensor, an array or a list.
Reward = Callable[
    [Sequence[Prompt], Sequence[str]], Tensor | np.ndarray | Sequence[float]
]


def by_length(
    compute: Callable[[Tensor], tuple[Tensor, ...]],
    tokens: Tensor,
    actions: Tensor,
    together: int = 8,
) -> tuple[Tensor, ...]:
    """`compute(tokens)` for rows of very different lengths: those of like length go
    together, cut to their longest.

    One story of 200 tokens would otherwise make 200 columns, nearly all of them
    padding, of every short reply beside it. compute: tokens (b, t) -> tensors (b, t -
    1). They come back as (B, T - 1), 0 behind the last action of a row.
    """
    # tokens up to the last action
    sizes = actions.shape[1] + 1 - actions.flip(1).int().argmax(dim=1)
    groups, computed = group_by_length(sizes, together), []
    for rows in groups:
        width = int(sizes[rows].max())
        computed.append(
            [
                F.pad(part, (0, tokens.shape[1] - width))
                for part in compute(tokens[rows, :width])
            ]
        )
    inside = torch.arange(actions.shape[1]) < sizes[:, None] - 1
    return tuple(
        put_back(groups, parts).masked_fill(~inside, 0.0)
        for parts in zip(*computed, strict=True)
    )


@dataclass(frozen=True)
class Rollouts:
    """Replies that a policy wrote.

    tokens: prompt and reply, (B, T), padded on the right. actions: (B, T - 1), True
    where the next token is the policy's own, the end token included. finished: (B,),
    whether the reply ended by itself.
    """

    prompts: list[Prompt]
    replies: list[str]
    tokens: Tensor
    actions: Tensor
    finished: Tensor

    @property
    def lengths(self) -> Tensor:
        """How many tokens each reply has, (B,)."""
        return self.actions.sum(dim=1)


def pad_chats(
    chats: Sequence[tuple[list[int], list[bool]]], pad: int
) -> tuple[Tensor, Tensor]:
    """Chats (ids, and which of them the assistant wrote) as tokens (B, T) with padding,
    and actions (B, T - 1).
    """
    tokens, _ = pad_rows([ids for ids, _ in chats], pad)
    written, _ = pad_rows([marks for _, marks in chats], False)
    return tokens, written[:, 1:].bool()


def roll_out(
    policy: Transformer,
    tokenizer: Tokenizer,
    prompts: Sequence[Prompt],
    max_new_tokens: int,
    temperature: float = 1.0,
    seed: int | None = None,
) -> Rollouts:
    """Let the policy reply to each prompt, until it writes a special token; only the
    end token makes a reply finished.

    It samples from its whole distribution, without top-k or top-p: training needs the
    probabilities of what was sampled, and those filters would change them.
    """
    if not several(prompts, "prompts"):
        raise InklingError("there are no prompts to reply to; give at least one.")
    end = end_id(tokenizer)
    ids = [encode_prompt(tokenizer, prompt) for prompt in prompts]
    stops = tokenizer.special_tokens.values()
    replies = generate_batch(
        policy, ids, max_new_tokens, temperature, seed=seed, stop_ids=stops
    )
    chats = [
        (prompt + reply, [False] * len(prompt) + [True] * len(reply))
        for prompt, reply in zip(ids, replies, strict=True)
    ]
    tokens, actions = pad_chats(chats, pad_id(tokenizer))
    finished = torch.tensor([bool(reply) and reply[-1] == end for reply in replies])
    return Rollouts(
        list(prompts),
        [decode_reply(tokenizer, reply) for reply in replies],
        tokens,
        actions,
        finished,
    )


def scored(rollouts: Rollouts, reward: Reward, no_end_penalty: float = 1.0) -> Tensor:
    """The reward of each reply, (B,), less `no_end_penalty` for one that did not end by
    itself.

    A reply that was cut off is judged as it stands, and pays: it never learned to stop.
    Raises `InklingError` for a reward that is no finite number; one such number would
    ruin every weight.
    """
    given = reward(rollouts.prompts, rollouts.replies)
    try:
        rewards = torch.as_tensor(given, dtype=torch.float32)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InklingError(
            f"the reward function gave {given!r:.80}, which is not a number for each"
            f" reply ({error}). Return a list, an array or a tensor of numbers."
        ) from None
    if rewards.shape != rollouts.finished.shape:
        raise InklingError(
            f"the reward function gave {tuple(rewards.shape)} rewards for"
            f" {len(rollouts.prompts)} replies."
        )
    bad = (~rewards.isfinite()).nonzero().flatten().tolist()
    if bad:
        reply, value = rollouts.replies[bad[0]], rewards[bad[0]].item()
        raise InklingError(
            f"the reward of reply {bad[0]} ({reply!r:.80}) is {value}; rewards must be"
            " finite numbers."
        )
    return rewards - no_end_penalty * (~rollouts.finished)


def gold_reward(
    world: World,
) -> Callable[[Sequence[Prompt], Sequence[str]], Tensor]:
    """The gold rubric as such a function: for measuring, and for seeing what a perfect
    reward model would do.
    """
    return lambda prompts, replies: torch.tensor(
        [
            world.gold_reward(prompt, reply)
            for prompt, reply in zip(prompts, replies, strict=True)
        ]
    )


def prompt_batches(world: World, size: int, seed: int) -> Callable[[int], list[Prompt]]:
    """`prompts(step)`: the training stream's requests, `size` at a time, always the
    same for the same step.
    """
    return lambda step: [
        request.prompt
        for request in world.requests(size, "train", seed * 100_003 + step + 1)
    ]


def best_of_n(
    policy: Transformer,
    tokenizer: Tokenizer,
    prompts: Sequence[Prompt],
    reward: Reward,
    n: int,
    max_new_tokens: int,
    temperature: float = 1.0,
    seed: int | None = None,
) -> Rollouts:
    """Write n replies to each prompt and keep the one with the highest reward. No
    weight changes.
    """
    if n < 1:
        raise InklingError(f"n is {n}; best-of-n needs at least one reply.")
    everything = roll_out(
        policy,
        tokenizer,
        [p for p in several(prompts, "prompts") for _ in range(n)],
        max_new_tokens,
        temperature,
        seed,
    )
    rewards = scored(everything, reward).view(len(prompts), n)
    best = rewards.argmax(dim=1) + torch.arange(len(prompts)) * n
    return Rollouts(
        list(prompts),
        [everything.replies[i] for i in best.tolist()],
        everything.tokens[best],
        everything.actions[best],
        everything.finished[best],
    )


def best_of_n_kl(n: int) -> float:
    """How far best-of-n is from the policy it samples from, in nats: ln n - (n - 1) / n
    (Stiennon et al. 2020).

    Where the policy writes the same reply more than once, the true distance is smaller
    (Beirami et al. 2024).
    """
    return math.log(n) - (n - 1) / n


# --- What the training loops share ----------------------------------------------------


@dataclass(frozen=True)
class RLConfig:
    """The settings that every method with rollouts has. Each adds its own."""

    steps: int = 50
    """Batches of rollouts."""
    max_new_tokens: int = 200
    """A reply is cut off after so many tokens, and pays for that."""
    epochs: int = 2
    """How often each batch is used."""
    learning_rate: float = 1e-4
    """AdamW's at first; it falls in a straight line to zero."""
    clip: float = 0.2
    """How far the probability of a token may move in one batch before it stops
    counting.
    """
    temperature: float = 1.0
    """What replies are sampled with, and what all log-probabilities are taken at."""
    grad_clip: float = 1.0
    """The gradient is shortened to this length where it is longer."""
    no_end_penalty: float = 1.0
    """What a reply without an end token loses of its reward."""
    seed: int = 0
    """Decides the replies, and the order in which they are used."""

    def __post_init__(self) -> None:
        check(
            self,
            counts=("steps", "max_new_tokens", "epochs"),
            positive=("learning_rate", "clip", "temperature", "grad_clip"),
            not_negative=("no_end_penalty",),
            from_zero=("seed",),
        )


@dataclass(frozen=True)
class RLRecord:
    """What one batch leaves behind, each a mean over its replies.

    reward: the proxy's, less the penalty for replies without an end, and without the
    KL; kl: nats a reply, k1 on the sampled tokens; entropy: nats a token; length:
    tokens; finished: the share that ended by themselves; flat: the share of groups in
    which all replies were worth the same (GRPO; 0 where there are no groups).
    """

    step: int
    reward: float
    kl: float
    entropy: float
    length: float
    finished: float
    flat: float = 0.0


def summarise(
    step: int,
    rollouts: Rollouts,
    scores: Tensor,
    entropy: Tensor,
    log_probs: Tensor,
    reference: Tensor,
) -> RLRecord:
    """The record of a batch: scores (B,); entropy, log_probs and the reference's
    log_probs, (B, T - 1) each.
    """
    k1 = kl_estimates(log_probs, reference)["k1"]
    return RLRecord(
        step=step,
        reward=scores.mean().item(),
        kl=(k1 * rollouts.actions).sum(dim=1).mean().item(),
        entropy=masked_mean(entropy, rollouts.actions).item(),
        length=rollouts.lengths.float().mean().item(),
        finished=rollouts.finished.float().mean().item(),
    )

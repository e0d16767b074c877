"""What every method of reinforcement learning from feedback shares: replies of the policy, and what they cost.

Bottom-up: log-probabilities, distances between two models, masked means, rollouts, and best-of-n, the method without
any training that all others have to beat.

Shapes: B replies, T tokens of the longest prompt and reply together. Whatever belongs to a prediction is (B, T - 1):
column t is about token t + 1, given the tokens up to t. `actions` says which of these the policy wrote itself.
"""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from inkling import savepoint
from inkling.chat import decode_reply, encode_prompt, end_id, pad_id
from inkling.files import InklingError
from inkling.generate import generate_batch
from inkling.tokenizer import Tokenizer
from inkling.transformer import Transformer

#: A reward function: prompts, replies -> rewards (B,).
Reward = Callable[[Sequence[str], Sequence[str]], Tensor]


def token_log_probs(logits: Tensor, tokens: Tensor, temperature: float = 1.0) -> Tensor:
    """log pi(token t + 1 | tokens up to t), (B, T - 1), from logits (B, T, V) of tokens (B, T).

    temperature: the one that the tokens were sampled with; the policy that acted is the tempered one.
    """
    log_probs = (logits[:, :-1].float() / temperature).log_softmax(dim=-1)
    return log_probs.gather(-1, tokens[:, 1:, None]).squeeze(-1)


def full_kl(logits: Tensor, reference: Tensor, temperature: float = 1.0) -> Tensor:
    """KL(policy || reference) of each prediction in nats, exact over the vocabulary: (B, T - 1), from logits (B, T, V).

    With a large vocabulary one estimates it from the token that was sampled (`kl_estimates`); ours is small enough.
    """
    log_p = (logits[:, :-1].float() / temperature).log_softmax(dim=-1)
    log_q = (reference[:, :-1].float() / temperature).log_softmax(dim=-1)
    return (log_p.exp() * (log_p - log_q)).sum(dim=-1)


def kl_estimates(log_probs: Tensor, reference: Tensor) -> dict[str, Tensor]:
    """Three estimates of KL(policy || reference) from sampled tokens alone (Schulman 2020), each of the shape given.

    k1 = log p - log q: right on average, and often negative. k3 = q / p - 1 - log (q / p): right on average, too, never
    negative, and steadier. k2 = (log p - log q)^2 / 2 is biased. As a *loss*, k3 has the wrong gradient.
    """
    log_ratio = reference - log_probs
    return {"k1": -log_ratio, "k2": log_ratio.square() / 2, "k3": log_ratio.exp() - 1 - log_ratio}


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """The mean of `values` where `mask` is True; 0 where it is True nowhere (and not 0 / 0)."""
    return (values * mask).sum() / mask.sum().clamp(min=1)


def whiten(values: Tensor, mask: Tensor) -> Tensor:
    """Shift and scale so that the values under the mask have mean 0 and standard deviation 1; 0 elsewhere.

    Only what is under the mask counts: padding would drag the mean towards zero and shrink the spread.
    """
    mean = masked_mean(values, mask)
    variance = masked_mean((values - mean).square(), mask)
    return (values - mean) * torch.rsqrt(variance + 1e-8) * mask


@dataclass(frozen=True)
class Rollouts:
    """Replies that a policy wrote.

    tokens: prompt and reply, (B, T), padded on the right. actions: (B, T - 1), True where the next token is the
    policy's own, the end token included. finished: (B,), whether the reply ended by itself.
    """

    prompts: list[str]
    replies: list[str]
    tokens: Tensor
    actions: Tensor
    finished: Tensor

    @property
    def lengths(self) -> Tensor:
        """How many tokens each reply has, (B,)."""
        return self.actions.sum(dim=1)


def roll_out(
    policy: Transformer,
    tokenizer: Tokenizer,
    prompts: Sequence[str],
    max_new_tokens: int,
    temperature: float = 1.0,
    seed: int | None = None,
) -> Rollouts:
    """Let the policy reply to each prompt, until it writes a special token; only the end token makes a reply finished.

    It samples from its whole distribution, without top-k or top-p: training needs the probabilities of what was
    sampled, and those filters would change them.
    """
    if not prompts:
        raise InklingError("there are no prompts to reply to; give at least one.")
    end, pad = end_id(tokenizer), pad_id(tokenizer)
    ids = [encode_prompt(tokenizer, prompt) for prompt in prompts]
    stops = tokenizer.special_tokens.values()
    replies = generate_batch(policy, ids, max_new_tokens, temperature, seed=seed, stop_ids=stops)
    width = max(len(prompt) + len(reply) for prompt, reply in zip(ids, replies, strict=True))
    tokens = torch.full((len(ids), width), pad, dtype=torch.long)
    actions = torch.zeros(len(ids), width - 1, dtype=torch.bool)
    for row, (prompt, reply) in enumerate(zip(ids, replies, strict=True)):
        tokens[row, : len(prompt) + len(reply)] = torch.tensor(prompt + reply)
        actions[row, len(prompt) - 1 : len(prompt) + len(reply) - 1] = True
    finished = torch.tensor([bool(reply) and reply[-1] == end for reply in replies])
    return Rollouts(list(prompts), [decode_reply(tokenizer, reply) for reply in replies], tokens, actions, finished)


def scored(rollouts: Rollouts, reward: Reward, no_end_penalty: float = 1.0) -> Tensor:
    """The reward of each reply, (B,), less `no_end_penalty` for one that did not end by itself.

    A reply that was cut off is judged as it stands, and pays: it never learned to stop. Raises `InklingError` for a
    reward that is no finite number; one such number would ruin every weight.
    """
    rewards = reward(rollouts.prompts, rollouts.replies).float()
    if rewards.shape != rollouts.finished.shape:
        raise InklingError(
            f"the reward function gave {tuple(rewards.shape)} rewards for {len(rollouts.prompts)} replies."
        )
    bad = (~rewards.isfinite()).nonzero().flatten().tolist()
    if bad:
        reply, value = rollouts.replies[bad[0]], rewards[bad[0]].item()
        raise InklingError(f"the reward of reply {bad[0]} ({reply!r:.80}) is {value}; rewards must be finite numbers.")
    return rewards - no_end_penalty * (~rollouts.finished)


@torch.no_grad()
def reference_log_probs(reference: nn.Module, tokens: Tensor, temperature: float = 1.0) -> Tensor:
    """The frozen model's log-probabilities of the same tokens, (B, T - 1)."""
    return token_log_probs(reference(tokens), tokens, temperature)


def best_of_n(
    policy: Transformer,
    tokenizer: Tokenizer,
    prompts: Sequence[str],
    reward: Reward,
    n: int,
    max_new_tokens: int,
    temperature: float = 1.0,
    seed: int | None = None,
) -> Rollouts:
    """Write n replies to each prompt and keep the one with the highest reward. No weight changes."""
    if n < 1:
        raise InklingError(f"n is {n}; best-of-n needs at least one reply.")
    everything = roll_out(policy, tokenizer, [p for p in prompts for _ in range(n)], max_new_tokens, temperature, seed)
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
    """How far best-of-n is from the policy it samples from, in nats: ln n - (n - 1) / n (Stiennon et al. 2020).

    Where the policy writes the same reply more than once, the true distance is smaller (Beirami et al. 2024).
    """
    return math.log(n) - (n - 1) / n


def resume(folder: str | Path | None, config: Any, model: nn.Module, optimizer: torch.optim.Optimizer) -> list[dict]:
    """The history of an interrupted run in `folder`, whose state goes back into model and optimizer; [] for a new run.

    Raises `InklingError` when the run in the folder had another `config` (a dataclass).
    """
    found = None if folder is None else savepoint.read_newest(Path(folder))
    if found is None:
        return []
    tensors, state = found
    mine = json.loads(json.dumps(asdict(config)))
    changed = [f"{name} was {state['config'].get(name)}, is {mine[name]}" for name in mine
               if state["config"].get(name) != mine[name]]  # fmt: skip
    if changed:
        raise InklingError(f"the run in {folder} had other settings: {'; '.join(changed)}. Take another folder.")
    savepoint.restore(tensors, model, [optimizer])
    return state["history"]


def keep(
    folder: str | Path | None, config: Any, step: int, model: nn.Module, optimizer: torch.optim.Optimizer, history: list
) -> None:
    """Save all that `resume` needs: every tenth step, and the last of `config.steps`."""
    if folder is not None and (step % 10 == 0 or step == config.steps):
        state = {"config": asdict(config), "history": [asdict(record) for record in history]}
        savepoint.save(Path(folder), step, model, [optimizer], state)

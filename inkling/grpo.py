"""GRPO: group-relative policy optimisation, RL without a critic.

Source: Shao et al. 2024 (DeepSeekMath), section 4. Each prompt gets a group of replies, and a reply's advantage is how
much better than its own group it is: the group is the critic. One number serves all tokens of a reply.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from inkling.files import InklingError
from inkling.ppo import RLRecord, check_settings, clipped_loss
from inkling.progress import Progress
from inkling.rollouts import (
    Reward,
    full_kl,
    keep,
    kl_estimates,
    masked_mean,
    resume,
    roll_out,
    scored,
    token_log_probs,
)
from inkling.tokenizer import Tokenizer
from inkling.transformer import Transformer


@dataclass(frozen=True)
class GRPOConfig:
    """The settings of one run."""

    steps: int = 50
    n_prompts: int = 8
    """Prompts in a batch."""
    group_size: int = 8
    """Replies to each prompt."""
    max_new_tokens: int = 200
    beta: float = 0.05
    """Weight of the KL from the reference in the loss, in nats a token. 0: none."""
    scale_by_spread: bool = True
    """Divide advantages by their group's standard deviation. It gives prompts on which all replies are nearly the same
    the same weight as those that tell them apart (Liu et al. 2025 call that a bias by difficulty)."""
    per_reply: bool = False
    """Average over each reply's tokens first and then over replies, as the paper does: long replies then count less for
    each token (a bias by length). False: all tokens of the batch count alike."""
    epochs: int = 2
    learning_rate: float = 3e-4
    clip: float = 0.2
    temperature: float = 1.0
    grad_clip: float = 1.0
    no_end_penalty: float = 1.0
    seed: int = 0


def group_advantages(scores: Tensor, group_size: int, scale_by_spread: bool = True) -> tuple[Tensor, float]:
    """Advantages (B,) of scores (B,), whose groups stand side by side, and the share of groups with no spread at all.

    Where all replies of a group score the same, nothing can be learned from it: its advantages are 0, not 0 / 0.
    """
    if group_size < 2 or len(scores) % group_size:
        raise InklingError(f"{len(scores)} scores do not make groups of {group_size}; a group has 2 replies or more.")
    groups = scores.view(-1, group_size)
    centred = groups - groups.mean(dim=1, keepdim=True)
    spread = groups.std(dim=1, keepdim=True)
    flat = spread.squeeze(1) < 1e-6
    advantages = centred / (spread + 1e-4) if scale_by_spread else centred
    return (advantages * ~flat[:, None]).flatten(), float(flat.float().mean())


def grpo_loss(
    log_probs: Tensor,
    old: Tensor,
    advantages: Tensor,
    actions: Tensor,
    kl: Tensor | float = 0.0,
    *,
    clip: float = 0.2,
    beta: float = 0.0,
    per_reply: bool = False,
) -> Tensor:
    """GRPO's loss, a scalar (Shao et al. 2024, equation 3): all are (B, T - 1), but for the advantages (B,)."""
    spread_out = advantages[:, None].expand_as(log_probs)
    if not per_reply:
        return clipped_loss(log_probs, old, spread_out, actions, clip) + beta * masked_mean(kl * actions, actions)
    ratio = ((log_probs - old) * actions).exp()
    each = -torch.min(ratio * spread_out, ratio.clamp(1 - clip, 1 + clip) * spread_out) + beta * kl
    return ((each * actions).sum(dim=1) / actions.sum(dim=1).clamp(min=1)).mean()


def train_grpo(
    policy: Transformer,
    tokenizer: Tokenizer,
    prompts: Callable[[int], Sequence[str]],
    reward: Reward,
    config: GRPOConfig = GRPOConfig(),
    *,
    reference: Transformer | None = None,
    folder: str | Path | None = None,
    on_step: Callable[[RLRecord, float], None] | None = None,
    progress: bool = True,
) -> list[RLRecord]:
    """Train `policy` in place by GRPO and return the history; `on_step` also gets the share of groups without spread.

    prompts: `prompts(step)` gives the prompts of that batch (the first `n_prompts` are used). folder: as for
    `ppo.train_ppo`. Raises `InklingError` for rewards that are no finite numbers, for settings that make no sense, and
    for a folder with another run.
    """
    counts = {name: getattr(config, name) for name in ("n_prompts", "group_size", "steps", "epochs")}
    check_settings(config.beta, config.clip, config.temperature, **counts)
    reference = copy.deepcopy(policy if reference is None else reference).eval().requires_grad_(False)
    optimizer = torch.optim.AdamW(policy.parameters(), config.learning_rate, (0.9, 0.95), weight_decay=0.0)
    history = [RLRecord(**record) for record in resume(folder, config, policy, optimizer)]
    with Progress(config.steps, "GRPO", start=len(history), show=progress) as bar:
        for step in range(len(history), config.steps):
            batch = [prompt for prompt in prompts(step)[: config.n_prompts] for _ in range(config.group_size)]
            rollouts = roll_out(
                policy, tokenizer, batch, config.max_new_tokens, config.temperature, seed=config.seed * 1_000_003 + step
            )
            tokens, actions = rollouts.tokens, rollouts.actions
            scores = scored(rollouts, reward, config.no_end_penalty)
            advantages, flat = group_advantages(scores, config.group_size, config.scale_by_spread)
            with torch.no_grad():
                ref_logits, logits = reference(tokens), policy(tokens)
                old = token_log_probs(logits, tokens, config.temperature)
                ref = token_log_probs(ref_logits, tokens, config.temperature)
                log_p = (logits[:, :-1] / config.temperature).log_softmax(-1)
                entropy = masked_mean(-(log_p.exp() * log_p).sum(-1), actions).item()
            for _ in range(config.epochs):
                logits = policy(tokens)
                kl = full_kl(logits, ref_logits, config.temperature) if config.beta else 0.0
                new = token_log_probs(logits, tokens, config.temperature)
                loss = grpo_loss(
                    new, old, advantages, actions, kl, clip=config.clip, beta=config.beta, per_reply=config.per_reply
                )
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(policy.parameters(), config.grad_clip)
                optimizer.step()
            kl_reply = (kl_estimates(old, ref)["k1"] * actions).sum(dim=1).mean().item()
            history.append(
                RLRecord(
                    step + 1,
                    scores.mean().item(),
                    kl_reply,
                    entropy,
                    rollouts.lengths.float().mean().item(),
                    rollouts.finished.float().mean().item(),
                )
            )
            keep(folder, config, step + 1, policy, optimizer, history)
            if on_step is not None:
                on_step(history[-1], flat)
            numbers = {"reward": history[-1].reward, "kl": kl_reply, "entropy": entropy, "length": history[-1].length}
            bar.update(1, **numbers, flat_groups=flat)
    policy.eval()
    return history

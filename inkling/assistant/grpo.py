"""GRPO: group-relative policy optimisation, RL without a critic.

Source: Shao et al. 2024 (DeepSeekMath), section 4. Each prompt gets a group of replies,
and a reply's advantage is how much better than its own group it is: the group is the
critic. One number serves all tokens of a reply.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from inkling.assistant.policy_gradient import (
    clipped_gain,
    entropies,
    full_kl,
    masked_mean,
    token_log_probs,
)
from inkling.assistant.rollouts import (
    Reward,
    RLConfig,
    RLRecord,
    by_length,
    roll_out,
    scored,
    summarise,
)
from inkling.files import InklingError
from inkling.model.transformer import Transformer
from inkling.progress import Progress, stepwise
from inkling.settings import check, several
from inkling.text.tokenizer import Tokenizer
from inkling.training.optim import make_optimizers, schedule, update
from inkling.training.savepoint import Savepoints
from inkling.world.requests import Prompt


@dataclass(frozen=True)
class GRPOConfig(RLConfig):
    """The settings of one run, besides those that all methods share
    (`rollouts.RLConfig`).
    """

    n_prompts: int = 8
    """Prompts in a batch."""
    group_size: int = 8
    """Replies to each prompt."""
    beta: float = 0.05
    """Weight of the KL from the reference in the loss, in nats a token. 0: none."""
    scale_by_spread: bool = True
    """Divide advantages by their group's standard deviation. It gives prompts on which
    all replies are nearly the same the same weight as those that tell them apart (Liu
    et al. 2025 call that a bias by difficulty).
    """
    per_reply: bool = False
    """Average over each reply's tokens first and then over replies, as the paper does:
    long replies then count less for each token (a bias by length). False: all tokens of
    the batch count alike.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        check(
            self,
            counts=("n_prompts", "group_size"),
            not_negative=("beta",),
            switches=("scale_by_spread", "per_reply"),
        )
        if self.group_size < 2:
            raise InklingError(
                "GRPOConfig: group_size is 1; a reply is compared with the others of"
                " its group, so take 2 or more."
            )


def group_advantages(
    scores: Tensor, group_size: int, scale_by_spread: bool = True
) -> tuple[Tensor, float]:
    """Advantages (B,) of scores (B,), whose groups stand side by side, and the share of
    groups with no spread at all.

    Where all replies of a group score the same, but for the rounding of float32,
    nothing can be learned from it: its advantages are 0, not 0 / 0.
    """
    if group_size < 2 or len(scores) % group_size:
        raise InklingError(
            f"{len(scores)} scores do not make groups of {group_size}; a group has 2"
            " replies or more."
        )
    groups = scores.view(-1, group_size)
    centred = groups - groups.mean(dim=1, keepdim=True)
    spread = groups.std(dim=1, keepdim=True)
    low, high = groups.amin(dim=1), groups.amax(dim=1)
    flat = high - low <= 1e-6 * torch.maximum(low.abs(), high.abs()).clamp(min=1)
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
    """GRPO's loss, a scalar: all are (B, T - 1), but for the advantages (B,).

    Source: Shao et al. 2024, equation 3, with `per_reply=True`; the default lets all
    tokens count alike. KL is what is given, exact in `train_grpo`, where the paper
    estimates it.
    """
    advantages = advantages[:, None].expand_as(log_probs)
    each = beta * kl - clipped_gain(log_probs, old, advantages, actions, clip)
    if per_reply:
        return ((each * actions).sum(dim=1) / actions.sum(dim=1).clamp(min=1)).mean()
    return masked_mean(each, actions)


@stepwise
def train_grpo(
    policy: Transformer,
    tokenizer: Tokenizer,
    prompts: Callable[[int], Sequence[Prompt]],
    reward: Reward,
    config: GRPOConfig = GRPOConfig(),
    *,
    reference: Transformer | None = None,
    folder: str | Path | None = None,
    progress: bool = True,
) -> Iterator[RLRecord]:
    """Train `policy` in place by GRPO and yield the record of each batch.

    prompts: `prompts(step)` gives the prompts of that batch (the first `n_prompts` are
    used). reference, folder and errors: as for `ppo.train_ppo`.
    """
    reference = (
        copy.deepcopy(policy if reference is None else reference)
        .eval()
        .requires_grad_(False)
    )
    (optimizer,) = make_optimizers(
        policy, "adamw", config.learning_rate, weight_decay=0.0
    )
    saved = Savepoints(
        folder,
        config,
        policy,
        [optimizer],
        every=10,
        reference=reference,
        reward=reward,
        prompts=tuple(prompts(0)) if folder else (),
    )
    history = [RLRecord(**record) for record in saved.history]
    yield from history

    def before(tokens: Tensor) -> tuple[Tensor, ...]:
        """Log-probabilities of what was written, by policy and reference, and the
        policy's entropies.
        """
        logits, ref_logits = policy(tokens), reference(tokens)
        log_probs, ref = (
            token_log_probs(some, tokens, config.temperature)
            for some in (logits, ref_logits)
        )
        return log_probs, ref, entropies(logits, config.temperature)

    def during(tokens: Tensor) -> tuple[Tensor, ...]:
        """Log-probabilities of what was written, and the exact KL of each prediction
        from the reference.
        """
        logits = policy(tokens)
        with torch.no_grad():
            ref_logits = reference(tokens) if config.beta else logits
        kl = (
            full_kl(logits, ref_logits, config.temperature)
            if config.beta
            else torch.zeros(tokens[:, 1:].shape)
        )
        return token_log_probs(logits, tokens, config.temperature), kl

    with Progress(config.steps, "GRPO", start=len(history), show=progress) as bar:
        for step in range(len(history), config.steps):
            seed = config.seed * 1_000_003 + step
            batch = [
                prompt
                for prompt in several(prompts(step), "prompts(step)")[
                    : config.n_prompts
                ]
                for _ in range(config.group_size)
            ]
            rollouts = roll_out(
                policy,
                tokenizer,
                batch,
                config.max_new_tokens,
                config.temperature,
                seed,
            )
            tokens, actions = rollouts.tokens, rollouts.actions
            scores = scored(rollouts, reward, config.no_end_penalty)
            advantages, flat = group_advantages(
                scores, config.group_size, config.scale_by_spread
            )
            with torch.no_grad():
                old, ref, entropy = by_length(before, tokens, actions)
            record = replace(
                summarise(step + 1, rollouts, scores, entropy, old, ref), flat=flat
            )
            for _ in range(config.epochs):
                new, kl = by_length(during, tokens, actions)
                loss = grpo_loss(
                    new,
                    old,
                    advantages,
                    actions,
                    kl,
                    clip=config.clip,
                    beta=config.beta,
                    per_reply=config.per_reply,
                )
                loss.backward()
                update(
                    policy,
                    [optimizer],
                    loss.item(),
                    step,
                    scale=schedule(step, config.steps),
                    grad_clip=config.grad_clip,
                )
            history.append(record)
            yield record
            saved.keep(history, last=step + 1 == config.steps)
            bar.update(
                1,
                reward=record.reward,
                kl=record.kl,
                entropy=record.entropy,
                length=record.length,
                flat_groups=record.flat,
            )
    policy.eval()

"""PPO: proximal policy optimisation, the algorithm behind InstructGPT's RLHF.

The policy replies, the reward model judges each reply at its end, and every token pays for straying from the reference
(the model before RLHF). The advantage of a token says how much better things went after it than the critic had
expected; the clipped loss makes good tokens likelier, a little at a time. Sources: Schulman et al. 2017 (PPO), Schulman
et al. 2016 (GAE), Ziegler et al. 2019 (per-token KL), Huang et al. 2024 (the details).
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from inkling.files import InklingError
from inkling.progress import Progress
from inkling.rollouts import (
    Reward,
    keep,
    masked_mean,
    reference_log_probs,
    resume,
    roll_out,
    scored,
    token_log_probs,
    whiten,
)
from inkling.tokenizer import Tokenizer
from inkling.transformer import Transformer


@dataclass(frozen=True)
class PPOConfig:
    """The settings of one run."""

    steps: int = 50
    """Batches of rollouts."""
    batch_size: int = 64
    """Replies in a batch."""
    max_new_tokens: int = 200
    """A reply is cut off after so many tokens, and pays for that."""
    beta: float = 0.05
    """Price of a nat of KL from the reference, in units of reward. 0: none; the policy may then drift anywhere."""
    epochs: int = 2
    """How often each batch is used."""
    minibatch_size: int = 32
    learning_rate: float = 3e-4
    clip: float = 0.2
    """How far the probability of a token may move in one batch before it stops counting."""
    gamma: float = 1.0
    lam: float = 0.95
    """GAE's lambda: 1 trusts only what happened, 0 only the critic."""
    value_weight: float = 0.1
    temperature: float = 1.0
    grad_clip: float = 1.0
    no_end_penalty: float = 1.0
    seed: int = 0


@dataclass(frozen=True)
class RLRecord:
    """What one batch leaves behind, each a mean over its replies.

    reward: the proxy's, less the penalty for replies without an end, and without the KL; kl: nats a reply, k1 on the
    sampled tokens; entropy: nats a token; length: tokens; finished: the share that ended by themselves.
    """

    step: int
    reward: float
    kl: float
    entropy: float
    length: float
    finished: float


def token_rewards(scores: Tensor, log_probs: Tensor, reference: Tensor, actions: Tensor, beta: float) -> Tensor:
    """Rewards of the single tokens, (B, T - 1): -beta (log pi - log pi_ref) on each, and the score on the last.

    Their sum over a reply is score - beta x KL (k1). Columns that are no action get 0.
    """
    rewards = -beta * (log_probs - reference) * actions
    last = actions.shape[1] - 1 - actions.flip(1).int().argmax(dim=1)  # the end token, where there is one
    return rewards.index_put((torch.arange(len(scores)), last), scores, accumulate=True)


def gae(rewards: Tensor, values: Tensor, actions: Tensor, gamma: float = 1.0, lam: float = 0.95) -> Tensor:
    """Generalised advantage estimation, (B, T - 1). Source: Schulman et al. 2016, equation 16.

    delta_t = r_t + gamma V_{t+1} - V_t, and the advantage is the sum of (gamma lam)^k delta_{t+k}. After the last
    action there is no value left. With gamma = lam = 1 that is the return from t on minus V_t.
    """
    values = values * actions
    advantages = torch.zeros_like(rewards)
    following = torch.zeros(len(rewards))
    for t in reversed(range(rewards.shape[1])):
        next_value = values[:, t + 1] if t + 1 < rewards.shape[1] else torch.zeros(len(rewards))
        delta = rewards[:, t] + gamma * next_value - values[:, t]
        following = (delta + gamma * lam * following) * actions[:, t]
        advantages[:, t] = following
    return advantages


def clipped_loss(log_probs: Tensor, old: Tensor, advantages: Tensor, actions: Tensor, clip: float = 0.2) -> Tensor:
    """PPO's policy loss, a scalar: the mean over all actions of -min(ratio A, clip(ratio) A).

    Source: Schulman et al. 2017, equation 7. Where the ratio has moved out of [1 - clip, 1 + clip] in the direction
    that the advantage asks for, its gradient is zero.
    """
    ratio = ((log_probs - old) * actions).exp()  # 1 where there is no action, whatever stands there
    gain = torch.min(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)
    return -masked_mean(gain, actions)


class ActorCritic(nn.Module):
    """The policy and a critic on the same body: one more linear layer, zero at first, that reads each hidden state."""

    def __init__(self, policy: Transformer):
        super().__init__()
        self.policy = policy
        self.value = nn.Linear(policy.config.d_model, 1, bias=False)
        nn.init.zeros_(self.value.weight)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """tokens (B, T) -> logits (B, T, V) and the values before each prediction (B, T - 1)."""
        hidden = self.policy.hidden_states(tokens)
        return self.policy.logits(hidden), self.value(hidden[:, :-1]).squeeze(-1)


def check_settings(beta: float, clip: float, temperature: float, **counts: int) -> None:
    """Raise `InklingError` for settings with which a run would end in numbers that are none, or teach nothing."""
    if not beta >= 0 or not clip > 0 or not temperature > 0 or min(counts.values()) < 1:
        raise InklingError(
            f"beta must be 0 or more, clip and temperature above 0, and {', '.join(counts)} at least 1; they are "
            f"{', '.join(map(str, (beta, clip, temperature, *counts.values())))}."
        )


def train_ppo(
    policy: Transformer,
    tokenizer: Tokenizer,
    prompts: Callable[[int], Sequence[str]],
    reward: Reward,
    config: PPOConfig = PPOConfig(),
    *,
    reference: Transformer | None = None,
    folder: str | Path | None = None,
    on_step: Callable[[RLRecord], None] | None = None,
    progress: bool = True,
) -> list[RLRecord]:
    """Train `policy` in place by PPO and return the history.

    prompts: `prompts(step)` gives the prompts of that batch (the first `batch_size` are used). reference: what KL is
    measured from; None: the policy as it is now. With a `folder` the run is saved there every tenth step, and the same
    call goes on from there, to the weights of a run that was never stopped. Raises `InklingError` for rewards that are
    no finite numbers, for settings that make no sense, and for a folder with another run.
    """
    counts = {name: getattr(config, name) for name in ("batch_size", "steps", "epochs", "minibatch_size")}
    check_settings(config.beta, config.clip, config.temperature, **counts)
    reference = copy.deepcopy(policy if reference is None else reference).eval().requires_grad_(False)
    actor = ActorCritic(policy)
    optimizer = torch.optim.AdamW(actor.parameters(), config.learning_rate, (0.9, 0.95), weight_decay=0.0)
    history = [RLRecord(**record) for record in resume(folder, config, actor, optimizer)]
    with Progress(config.steps, "PPO", start=len(history), show=progress) as bar:
        for step in range(len(history), config.steps):
            seed = config.seed * 1_000_003 + step
            generator = torch.Generator().manual_seed(seed)
            rollouts = roll_out(
                policy,
                tokenizer,
                prompts(step)[: config.batch_size],
                config.max_new_tokens,
                config.temperature,
                seed=seed,
            )
            tokens, actions = rollouts.tokens, rollouts.actions
            scores = scored(rollouts, reward, config.no_end_penalty)
            with torch.no_grad():
                logits, values = actor(tokens)
                old = token_log_probs(logits, tokens, config.temperature)
                log_p = (logits[:, :-1] / config.temperature).log_softmax(-1)
                entropy = masked_mean(-(log_p.exp() * log_p).sum(-1), actions).item()
            ref = reference_log_probs(reference, tokens, config.temperature)
            rewards = token_rewards(scores, old, ref, actions, config.beta)
            advantages = gae(rewards, values, actions, config.gamma, config.lam)
            returns = advantages + values * actions
            advantages = whiten(advantages, actions)
            for _ in range(config.epochs):
                for part in torch.randperm(len(tokens), generator=generator).split(config.minibatch_size):
                    logits, values = actor(tokens[part])
                    new = token_log_probs(logits, tokens[part], config.temperature)
                    loss = clipped_loss(new, old[part], advantages[part], actions[part], config.clip)
                    loss = loss + config.value_weight * masked_mean((values - returns[part]).square(), actions[part])
                    optimizer.zero_grad()
                    loss.backward()
                    nn.utils.clip_grad_norm_(actor.parameters(), config.grad_clip)
                    optimizer.step()
            kl = ((old - ref) * actions).sum(dim=1).mean().item()
            history.append(
                RLRecord(
                    step + 1,
                    scores.mean().item(),
                    kl,
                    entropy,
                    rollouts.lengths.float().mean().item(),
                    rollouts.finished.float().mean().item(),
                )
            )
            keep(folder, config, step + 1, actor, optimizer, history)
            if on_step is not None:
                on_step(history[-1])
            bar.update(1, reward=history[-1].reward, kl=kl, entropy=entropy, length=history[-1].length)
    policy.eval()
    return history

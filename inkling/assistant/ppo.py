"""PPO: proximal policy optimisation, the algorithm behind InstructGPT's RLHF.

The policy replies, the reward model judges each reply at its end, and every token pays
for straying from the reference (the model before RLHF). The advantage of a token says
how much better things went after it than the critic had expected; the clipped loss
makes good tokens likelier, a little at a time. Sources: Schulman et al. 2017 (PPO),
Schulman et al. 2016 (GAE), Ziegler et al. 2019 (per-token KL), Huang et al. 2024 (the
details).
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from inkling.assistant.policy_gradient import (
    clipped_gain,
    entropies,
    masked_mean,
    token_log_probs,
    whiten,
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
from inkling.model.transformer import Transformer
from inkling.progress import Progress, stepwise
from inkling.settings import check
from inkling.text.tokenizer import Tokenizer
from inkling.training.optim import make_optimizers, schedule, update
from inkling.training.savepoint import Savepoints
from inkling.world.requests import Prompt


@dataclass(frozen=True)
class PPOConfig(RLConfig):
    """The settings of one run, besides those that all methods share
    (`rollouts.RLConfig`).
    """

    batch_size: int = 64
    """Replies in a batch."""
    minibatch_size: int = 32
    """Replies in one update."""
    beta: float = 0.05
    """Price of a nat of KL from the reference, in units of reward. 0: none; the policy
    may then drift anywhere.
    """
    gamma: float = 1.0
    """How much less a reward counts for each token that it comes later. 1: not at
    all.
    """
    lam: float = 0.95
    """GAE's lambda: 1 trusts only what happened, 0 only the critic."""
    value_weight: float = 0.1
    """Weight of the critic's squared error in the loss."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check(
            self,
            counts=("batch_size", "minibatch_size"),
            not_negative=("beta", "value_weight"),
            shares=("gamma", "lam"),
        )


def token_rewards(
    scores: Tensor, log_probs: Tensor, reference: Tensor, actions: Tensor, beta: float
) -> Tensor:
    """Rewards of the single tokens, (B, T - 1): -beta (log pi - log pi_ref) on each,
    and the score on the last.

    Their sum over a reply is score - beta x KL (k1). Columns that are no action get 0.
    """
    rewards = -beta * (log_probs - reference) * actions
    # the end token, where there is one
    last = actions.shape[1] - 1 - actions.flip(1).int().argmax(dim=1)
    return rewards.index_put((torch.arange(len(scores)), last), scores, accumulate=True)


def gae(
    rewards: Tensor,
    values: Tensor,
    actions: Tensor,
    gamma: float = 1.0,
    lam: float = 0.95,
) -> Tensor:
    """Generalised advantage estimation, (B, T - 1). Source: Schulman et al. 2016,
    equation 16.

    delta_t = r_t + gamma V_{t+1} - V_t, and the advantage is the sum of (gamma lam)^k
    delta_{t+k}. After the last action there is no value left. With gamma = lam = 1 that
    is the return from t on minus V_t.
    """
    values = values * actions
    advantages = torch.zeros_like(rewards)
    following = torch.zeros(len(rewards))
    for t in reversed(range(rewards.shape[1])):
        next_value = (
            values[:, t + 1] if t + 1 < rewards.shape[1] else torch.zeros(len(rewards))
        )
        delta = rewards[:, t] + gamma * next_value - values[:, t]
        following = (delta + gamma * lam * following) * actions[:, t]
        advantages[:, t] = following
    return advantages


def clipped_loss(
    log_probs: Tensor,
    old: Tensor,
    advantages: Tensor,
    actions: Tensor,
    clip: float = 0.2,
) -> Tensor:
    """PPO's policy loss, a scalar: the mean of -`clipped_gain` over all actions."""
    return -masked_mean(
        clipped_gain(log_probs, old, advantages, actions, clip), actions
    )


class ActorCritic(nn.Module):
    """The policy and a critic on the same body: one more linear layer, zero at first,
    that reads each hidden state.
    """

    def __init__(self, policy: Transformer):
        super().__init__()
        self.policy = policy
        self.value = nn.Linear(policy.config.d_model, 1, bias=False)
        nn.init.zeros_(self.value.weight)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """tokens (B, T) -> logits (B, T, V) and the values before each prediction (B, T
        - 1).
        """
        hidden = self.policy.hidden_states(tokens)
        return self.policy.logits(hidden), self.value(hidden[:, :-1]).squeeze(-1)

    def judge(self, temperature: float) -> Callable[[Tensor], tuple[Tensor, ...]]:
        """What `by_length` asks of rows of tokens (b, t): log-probabilities of what was
        written, the values before it, and entropies, (b, t - 1) each.
        """

        def of(tokens: Tensor) -> tuple[Tensor, ...]:
            logits, values = self(tokens)
            log_probs = token_log_probs(logits, tokens, temperature)
            return log_probs, values, entropies(logits, temperature)

        return of


@dataclass(frozen=True)
class Experience:
    """A batch of replies and what there is to learn from it: tokens (B, T); actions,
    the policy's log-probabilities as it wrote them, advantages and returns, (B, T - 1)
    each.
    """

    tokens: Tensor
    actions: Tensor
    old: Tensor
    advantages: Tensor
    returns: Tensor


@torch.no_grad()
def look_back(
    actor: ActorCritic,
    reference: Transformer,
    tokens: Tensor,
    actions: Tensor,
    scores: Tensor,
    config: PPOConfig,
) -> tuple[Experience, Tensor, Tensor]:
    """What a batch of replies teaches, given their scores (B,); and for its record, the
    entropies and the reference's log-probabilities, (B, T - 1) each.
    """
    judge = actor.judge(config.temperature)

    def by_reference(part: Tensor) -> tuple[Tensor, ...]:
        return (token_log_probs(reference(part), part, config.temperature),)

    old, values, entropy = by_length(judge, tokens, actions)
    (ref,) = by_length(by_reference, tokens, actions)
    rewards = token_rewards(scores, old, ref, actions, config.beta)
    advantages = gae(rewards, values, actions, config.gamma, config.lam)
    returns = advantages + values * actions
    advantages = whiten(advantages, actions)
    return Experience(tokens, actions, old, advantages, returns), entropy, ref


def minibatches(n: int, config: PPOConfig, seed: int) -> Iterator[Tensor]:
    """The rows of each update by a batch of `n` replies: all of them, in a new order
    each time that the batch is used.
    """
    generator = torch.Generator().manual_seed(seed)
    for _ in range(config.epochs):
        yield from torch.randperm(n, generator=generator).split(config.minibatch_size)


def ppo_loss(
    actor: ActorCritic, experience: Experience, rows: Tensor, config: PPOConfig
) -> Tensor:
    """What an update by these rows of a batch makes smaller: the clipped loss and the
    critic's squared error.
    """
    judge = actor.judge(config.temperature)
    actions = experience.actions[rows]
    new, guess, _ = by_length(judge, experience.tokens[rows], actions)
    loss = clipped_loss(
        new, experience.old[rows], experience.advantages[rows], actions, config.clip
    )
    return loss + config.value_weight * masked_mean(
        (guess - experience.returns[rows]).square(), actions
    )


@stepwise
def train_ppo(
    policy: Transformer,
    tokenizer: Tokenizer,
    prompts: Callable[[int], Sequence[Prompt]],
    reward: Reward,
    config: PPOConfig = PPOConfig(),
    *,
    reference: Transformer | None = None,
    folder: str | Path | None = None,
    progress: bool = True,
) -> Iterator[RLRecord]:
    """Train `policy` in place by PPO and yield the record of each batch:
    `history = list(train_ppo(...))`.

    prompts: `prompts(step)` gives the prompts of that batch (the first `batch_size` are
    used). reference: what KL is measured from; None: the policy as it is now. folder:
    where to stop and go on, as for `pretrain.train`. Raises `InklingError` for rewards
    that are no finite numbers, and for a folder with a run that had another policy,
    reference, reward or other prompts or settings.
    """
    reference = (
        copy.deepcopy(policy if reference is None else reference)
        .eval()
        .requires_grad_(False)
    )
    actor = ActorCritic(policy)
    (optimizer,) = make_optimizers(
        actor, "adamw", config.learning_rate, weight_decay=0.0
    )
    saved = Savepoints(
        folder,
        config,
        actor,
        [optimizer],
        every=10,
        reference=reference,
        reward=reward,
        prompts=tuple(prompts(0)) if folder else (),
    )
    history = [RLRecord(**record) for record in saved.history]
    yield from history
    with Progress(config.steps, "PPO", start=len(history), show=progress) as bar:
        for step in range(len(history), config.steps):
            seed, batch = (
                config.seed * 1_000_003 + step,
                prompts(step)[: config.batch_size],
            )
            rollouts = roll_out(
                policy,
                tokenizer,
                batch,
                config.max_new_tokens,
                config.temperature,
                seed,
            )
            scores = scored(rollouts, reward, config.no_end_penalty)
            experience, entropy, ref = look_back(
                actor, reference, rollouts.tokens, rollouts.actions, scores, config
            )
            record = summarise(step + 1, rollouts, scores, entropy, experience.old, ref)
            for rows in minibatches(len(scores), config, seed):
                loss = ppo_loss(actor, experience, rows, config)
                loss.backward()
                update(
                    actor,
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
            )
    policy.eval()

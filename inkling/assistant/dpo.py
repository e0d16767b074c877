"""DPO: learn from preferences without a reward model and without sampling.

Source: Rafailov et al. 2023. If a policy were the best one for some reward, at a price
of beta for each nat of KL, then beta log(pi / pi_ref) of a reply would be that reward,
up to a constant of the prompt. So that ratio is put into the Bradley-Terry loss in
place of a reward, and the preferences train the policy itself.
"""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inkling.assistant.chat import encode_exchange, pad_id
from inkling.assistant.policy_gradient import token_log_probs
from inkling.assistant.preferences import Pair, check_differences
from inkling.assistant.rollouts import by_length, pad_chats
from inkling.files import InklingError
from inkling.model.transformer import Transformer
from inkling.progress import Progress, stepwise
from inkling.settings import check
from inkling.text.tokenizer import Tokenizer
from inkling.training.optim import make_optimizers, schedule, update
from inkling.training.savepoint import Savepoints


def dpo_loss(
    chosen: Tensor,
    rejected: Tensor,
    ref_chosen: Tensor,
    ref_rejected: Tensor,
    beta: float = 0.1,
) -> Tensor:
    """The mean of -log sigma(beta ((chosen - ref_chosen) - (rejected - ref_rejected))).

    All are sums of the log-probabilities of whole replies, (pairs,). Source: Rafailov
    et al. 2023, equation 7. Only the margin between the two replies counts, so the
    chosen reply's own log-probability may well fall.
    """
    return -F.logsigmoid(
        beta * ((chosen - ref_chosen) - (rejected - ref_rejected))
    ).mean()


def reply_log_probs(model: nn.Module, tokens: Tensor, actions: Tensor) -> Tensor:
    """log pi(reply | prompt), (B,): the sum over the reply's tokens, its end token
    included.
    """
    (log_probs,) = by_length(
        lambda part: (token_log_probs(model(part), part),), tokens, actions
    )
    return (log_probs * actions).sum(dim=1)


def encode_pairs(
    tokenizer: Tokenizer, pairs: Sequence[Pair], limit: int | None = None
) -> list[tuple[list[int], list[bool]]]:
    """All chosen replies with their prompts, then all rejected ones: ids, and which of
    them the assistant wrote.

    limit: tokens after which a row is cut; a reply that broke off can take more tokens
    when it is encoded anew.
    """
    rows = [
        encode_exchange(tokenizer, pair.prompt, getattr(pair, side))
        for side in ("chosen", "rejected")
        for pair in pairs
    ]
    return [(ids[:limit], written[:limit]) for ids, written in rows]


@dataclass(frozen=True)
class DPOConfig:
    """The settings of one run."""

    beta: float = 0.1
    """How strongly the policy is held to the reference. At 0 the loss is ln 2 whatever
    the policy does: an error.
    """
    epochs: int = 1
    """How often each pair is seen."""
    batch_size: int = 32
    """Pairs in one update."""
    learning_rate: float = 1e-4
    """AdamW's peak; it climbs over the first twentieth and then falls in a straight
    line to zero.
    """
    grad_clip: float = 1.0
    """The gradient is shortened to this length where it is longer."""
    seed: int = 0
    """Decides the order of the pairs."""

    def __post_init__(self) -> None:
        check(
            self,
            counts=("epochs", "batch_size"),
            positive=("beta", "learning_rate", "grad_clip"),
            from_zero=("seed",),
        )


@dataclass(frozen=True)
class DPORecord:
    """loss; accuracy: share of pairs whose margin is positive; chosen, rejected: mean
    of log (pi / pi_ref).
    """

    step: int
    loss: float
    accuracy: float
    chosen: float
    rejected: float


@stepwise
def train_dpo(
    policy: Transformer,
    tokenizer: Tokenizer,
    pairs: Sequence[Pair],
    config: DPOConfig = DPOConfig(),
    *,
    folder: str | Path | None = None,
    progress: bool = True,
) -> Iterator[DPORecord]:
    """Train `policy` in place on `pairs`, from itself as the reference; yield the
    record of each step.

    folder: where to stop and go on, as for `pretrain.train`. Raises `InklingError` for
    an empty set of pairs, a pair of equal replies (also one whose replies differ only
    behind the end of the context), and a folder with another run.
    """
    if not pairs:
        raise InklingError(
            "there are no preferences to learn from; collect some with"
            " `preferences(...)`."
        )
    if any(pair.chosen == pair.rejected for pair in pairs):
        raise InklingError(
            "a pair compares a reply with itself, which says nothing: leave it out."
        )
    rows = encode_pairs(tokenizer, pairs, policy.config.context_length)
    check_differences(rows[: len(pairs)], rows[len(pairs) :])
    reference = copy.deepcopy(policy).eval().requires_grad_(False)
    (optimizer,) = make_optimizers(
        policy, "adamw", config.learning_rate, weight_decay=0.0
    )
    random = np.random.default_rng(config.seed)
    batches = [
        order[start : start + config.batch_size]
        for order in (random.permutation(len(pairs)) for _ in range(config.epochs))
        for start in range(0, len(pairs), config.batch_size)
    ]
    saved = Savepoints(folder, config, policy, [optimizer], pairs=tuple(pairs))
    history = [DPORecord(**record) for record in saved.history]
    yield from history
    with Progress(len(batches), "DPO", len(history), progress) as bar:
        for step in range(len(history), len(batches)):
            policy.train()
            sides = [rows[i + side] for side in (0, len(pairs)) for i in batches[step]]
            tokens, actions = pad_chats(sides, pad_id(tokenizer))
            with torch.no_grad():
                ref_chosen, ref_rejected = reply_log_probs(
                    reference, tokens, actions
                ).chunk(2)
            chosen, rejected = reply_log_probs(policy, tokens, actions).chunk(2)
            loss = dpo_loss(chosen, rejected, ref_chosen, ref_rejected, config.beta)
            loss.backward()
            scale = schedule(step, len(batches), warmup=len(batches) // 20)
            clip = config.grad_clip
            update(policy, [optimizer], loss.item(), step, scale=scale, grad_clip=clip)
            better = (chosen - ref_chosen).detach()
            worse = (rejected - ref_rejected).detach()
            accuracy = (better > worse).float().mean().item()
            record = DPORecord(
                step + 1,
                loss.item(),
                accuracy,
                better.mean().item(),
                worse.mean().item(),
            )
            history.append(record)
            yield record
            saved.keep(history, last=step + 1 == len(batches))
            bar.update(1, loss=record.loss, accuracy=record.accuracy)
    policy.eval()

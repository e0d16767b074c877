"""Pre-training: predict the next token, on packed documents, in one visible loop.

Bottom-up: the settings, the learning-rate schedule, the loss, validation, and last the
loop that uses them all. Rows of tokens come from `packing`, the optimizers from
`optim`, stopping and going on from `savepoint`.
`team` runs the same loop in two processes.
"""

import math
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from inkling.files import InklingError
from inkling.model.transformer import Transformer
from inkling.progress import Progress, stepwise
from inkling.settings import check
from inkling.training import savepoint
from inkling.training.optim import (
    fast_bfloat16,
    make_optimizers,
    schedule,
    update,
)
from inkling.training.packing import (
    IGNORE,
    Batches,
    check_tokens,
    document_bounds,
    separate_documents,
)
from inkling.training.team import ALONE, Team, join_team


@dataclass(frozen=True)
class TrainConfig:
    """The settings of one training run. A run is a function of these, the model's first
    weights and the tokens.
    """

    steps: int = 1000
    """Updates of the weights."""
    batch_size: int = 16
    """Rows in one update, over all micro-batches and all processes."""
    micro_batch_size: int | None = None
    """Rows in memory at once, in each process. None: all of the process's rows."""
    context_length: int | None = None
    """Predictions in a row. None: the model's own context length."""
    eos_id: int | None = None
    """The token that ends a document. None: the text is one unbroken stream, cut into
    windows.
    """
    optimizer: str = "muon"
    """"muon" (Muon for the hidden matrices, AdamW for the rest) or "adamw" (AdamW for
    everything).
    """
    learning_rate: float = 5e-3
    """AdamW's peak learning rate."""
    muon_learning_rate: float = 0.02
    """Muon's peak learning rate."""
    betas: tuple[float, float] = (0.9, 0.95)
    """AdamW's averaging of the gradient and of its square."""
    weight_decay: float = 0.1
    """Shrinks the hidden matrices by learning rate x this at each step; embedding and
    norm gains never decay.
    """
    warmup_steps: int = 50
    """Steps over which the learning rate climbs to its peak."""
    decay_fraction: float = 1.0
    """Share of the run, at its end, over which the learning rate falls in a straight
    line to zero.
    """
    grad_clip: float = 1.0
    """The gradient of all weights together is shortened to this length where it is
    longer.
    """
    precision: str = "auto"
    """"bf16": matrix products in bfloat16 by autocast, weights kept in float32. "fp32":
    everything in float32. "auto": bf16 where the processor has instructions for it,
    fp32 elsewhere: many laptops have none and would crawl.
    """
    validate_every: int = 0
    """Steps between two validations. 0: only after the last step."""
    checkpoint_every: int = 200
    """Steps between two checkpoints, when `train` is given a folder. The last step is
    always saved.
    """
    seed: int = 0
    """Decides the order of the rows. The model's first weights have a seed of their
    own.
    """

    def __post_init__(self) -> None:
        check(
            self,
            counts=(
                "steps",
                "batch_size",
                "micro_batch_size",
                "context_length",
                "checkpoint_every",
            ),
            from_zero=("eos_id", "warmup_steps", "validate_every", "seed"),
            positive=("learning_rate", "muon_learning_rate", "grad_clip"),
            not_negative=("weight_decay",),
            shares=("decay_fraction",),
            choices={
                "optimizer": ("muon", "adamw"),
                "precision": ("auto", "bf16", "fp32"),
            },
            optional=("micro_batch_size", "context_length", "eos_id"),
        )
        if not (
            isinstance(self.betas, (tuple, list))
            and len(self.betas) == 2
            and all(isinstance(b, (int, float)) and 0 <= b < 1 for b in self.betas)
        ):
            raise InklingError(
                f"TrainConfig: betas is {self.betas!r}; expected two numbers from 0 to"
                " below 1."
            )


@dataclass(frozen=True)
class StepRecord:
    """What one step leaves behind. Losses are nats a token; times are of training
    alone, without validation.
    """

    step: int
    tokens: int
    loss: float
    learning_rate: float
    grad_norm: float
    seconds: float
    cpu_seconds: float
    valid_loss: float | None = None
    valid_bits_per_byte: float | None = None


def summed_loss(
    model: nn.Module, rows: torch.Tensor, precision: str = "fp32"
) -> torch.Tensor:
    """The cross-entropy of a batch of rows (B, T + 1), summed over its real targets, in
    nats: a scalar.

    It is a sum and not a mean on purpose: only the caller knows how many real targets
    the whole update has. The sum of a batch that is all padding is zero, where its mean
    would be 0/0 = NaN.
    """
    rows = rows.to(next(model.parameters()).device)
    # padding goes in as token 0; nothing before it can see it
    inputs, targets = rows[:, :-1].clamp(min=0), rows[:, 1:]
    half = precision == "bf16" or (
        precision == "auto" and fast_bfloat16(rows.device.type)
    )
    with torch.autocast(rows.device.type, dtype=torch.bfloat16, enabled=half):
        logits = model(inputs)  # (B, T, vocab_size)
    return F.cross_entropy(
        logits.float().flatten(0, 1),
        targets.flatten(),
        ignore_index=IGNORE,
        reduction="sum",
    )


def count_targets(rows: torch.Tensor) -> int:
    """How many real targets a batch of rows (B, T + 1) has; 1 where it has none, so
    that one can divide by it.
    """
    return max(1, int((rows[:, 1:] != IGNORE).sum()))


def accumulate_gradient(
    model: nn.Module, rows: torch.Tensor, config: TrainConfig, team: Team = ALONE
) -> float:
    """Add the gradient of the mean loss over all real targets of `rows` (B, T + 1) to
    the weights; return that loss.

    The rows are shared out to the processes of the team, and each takes its share one
    micro-batch at a time. Every part is divided by the number of targets of the *whole*
    update, which every process knows, so neither way of splitting changes the result.
    """
    n_targets, loss = count_targets(rows), torch.zeros(())
    share = team.share(rows)
    for micro_batch in share.split(config.micro_batch_size or config.batch_size):
        part = summed_loss(model, micro_batch, config.precision) / n_targets
        part.backward()
        loss += part.detach().cpu()
    return team.add_up(model, loss.item())


@torch.no_grad()
def validation_loss(
    model: nn.Module,
    tokens: np.ndarray,
    context_length: int,
    eos_id: int | None,
    team: Team = ALONE,
) -> float:
    """The mean loss on held-out tokens in nats a target, in float32 (see
    `validation_rows`). The processes of a team share the rows out.
    """
    rows = validation_rows(tokens, context_length, eos_id)
    was_training = model.training
    model.eval()
    total, together = 0.0, max(1, 8192 // context_length)
    share = team.share(rows)
    for first in range(0, len(share), together):
        part = share[first : first + together]
        # leave out the columns that are padding in every row
        width = int((part != IGNORE).sum(dim=1).max())
        total += summed_loss(model, part[:, :width]).item()
    model.train(was_training)
    return team.total(total) / count_targets(rows)


def validation_rows(
    tokens: np.ndarray, context_length: int, eos_id: int | None
) -> torch.Tensor:
    """Rows (N, context_length + 1) in which each token is a target exactly once, but
    for the first of a stream without documents, which nothing stands before.

    Documents are read one by one, each from its beginning, as the model meets a text in
    use; the token that ends a document is a target, too.
    """
    stream, documents = (
        (tokens, [(1, len(tokens))])
        if eos_id is None
        else document_bounds(tokens, eos_id)
    )
    rows = separate_documents(stream, documents, context_length)
    return torch.from_numpy(rows.astype(np.int64))


def check_fit(config: TrainConfig, context_length: int, model: Transformer) -> None:
    """Raise `InklingError` for settings that cannot work together, before any time is
    spent on them.
    """
    vocab_size, longest = model.config.vocab_size, model.config.context_length
    wrong = {
        f"context_length is {context_length}, the model takes 1 to {longest}": (
            not 1 <= context_length <= longest
        ),
        f"eos_id {config.eos_id} is outside the model's vocabulary of {vocab_size}": (
            (config.eos_id or 0) >= vocab_size
        ),
    }
    for message, is_wrong in wrong.items():
        if is_wrong:
            raise InklingError(f"cannot train with these settings: {message}.")


@stepwise
def train(
    model: Transformer,
    tokens: np.ndarray | torch.Tensor,
    config: TrainConfig,
    *,
    valid_tokens: np.ndarray | torch.Tensor | None = None,
    valid_bytes: int | None = None,
    folder: str | os.PathLike | None = None,
    progress: bool = True,
) -> Iterator[StepRecord]:
    """Train `model` in place on `tokens` (1-D ids), and yield the record of each step:
    `history = list(train(...))`.

    `valid_bytes` is the length in UTF-8 of the text behind `valid_tokens`; with it,
    validation also reports bits per byte. With a `folder` the whole state is saved
    there every `checkpoint_every` steps, and the same call goes on from the newest
    savepoint: it yields the steps from before, then new ones, and the weights at the
    end are those of a run that was never stopped, bit for bit. Inside `in_two`, and
    under `torchrun`, every process calls this with the same arguments, and works on its
    share of each batch; times are then those of the first, CPU times of all.

    Raises `InklingError`: tokens that are empty, too few for a row, or outside the
    vocabulary; settings that do not fit together; a folder with another run's
    savepoints, or with damaged ones only; a full disk; a loss that is no number.
    """
    context_length = config.context_length or model.config.context_length
    check_fit(config, context_length, model)
    vocab_size, held_out = model.config.vocab_size, None
    ids = check_tokens(tokens, context_length, vocab_size, "training")
    if valid_tokens is not None:
        held_out = check_tokens(valid_tokens, context_length, vocab_size, "validation")
    team = join_team(model, config.batch_size)
    data = Batches(ids, context_length, config.batch_size, config.seed, config.eos_id)
    optimizers = make_optimizers(
        model,
        config.optimizer,
        config.learning_rate,
        config.muon_learning_rate,
        config.weight_decay,
        config.betas,
    )
    saved = savepoint.Savepoints(
        folder, config, model, optimizers, every=config.checkpoint_every, tokens=ids
    )
    history = [StepRecord(**record) for record in saved.history]
    yield from history
    last = history[-1] if history else StepRecord(0, 0, 0.0, 0.0, 0.0, 0.0, 0.0)
    team.agree(last.step)
    with Progress(
        config.steps, "pre-training", last.step, progress and team.rank == 0
    ) as bar:
        for step in range(last.step, config.steps):
            model.train()
            wall, cpu = time.perf_counter(), time.process_time()
            rows = data.batch(step)
            loss = accumulate_gradient(model, rows, config, team)
            scale = schedule(
                step, config.steps, config.warmup_steps, config.decay_fraction
            )
            norm = update(
                model, optimizers, loss, step, scale=scale, grad_clip=config.grad_clip
            )
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            last = StepRecord(
                step + 1,
                last.tokens + count_targets(rows),
                loss,
                config.learning_rate * scale,
                norm,
                last.seconds + wall,
                last.cpu_seconds + team.total(cpu),
            )
            done = step + 1 == config.steps
            if held_out is not None and (done or validates(step, config)):
                eos_id = config.eos_id
                last = validated(
                    last, model, held_out, context_length, eos_id, valid_bytes, team
                )
            history.append(last)
            yield last
            if team.rank == 0:
                saved.keep(history, last=done)
            bar.update(1, loss=last.loss, tokens_per_s=count_targets(rows) / wall)


def validates(step: int, config: TrainConfig) -> bool:
    """Whether a validation is due after `step` (from 0); one always is after the
    last.
    """
    every = config.validate_every
    return every > 0 and (step + 1) % every == 0


def validated(
    record: StepRecord,
    model: nn.Module,
    tokens: np.ndarray,
    context_length: int,
    eos_id: int | None,
    n_bytes: int | None,
    team: Team = ALONE,
) -> StepRecord:
    """The record with the loss on held-out tokens in it; with the length of their text,
    `n_bytes`, in bits per byte, too.
    """
    loss = validation_loss(model, tokens, context_length, eos_id, team)
    bits = None
    if n_bytes:
        n_targets = count_targets(validation_rows(tokens, context_length, eos_id))
        bits = loss / math.log(2) * n_targets / n_bytes
    return replace(record, valid_loss=loss, valid_bits_per_byte=bits)

"""Two processes that train one model.

On two cores a step of pre-training takes 180 ms in one process of two threads, and 128
ms in two processes of one thread: threads wait for each other at every operation,
processes once a step. Each process reads its share of the batch, the gradients of all
are added up, and with the sum all take the same step.

    with in_two(train, model, tokens, config) as run:
        history = list(run)

What comes of a run depends on how many processes share its batches, since sums of
floats depend on their order, and not on how many cores there are: on one core it is
only slower. `torchrun` starts any number of processes for the same loops.
"""

import atexit
import contextlib
import os
import socket
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec, TypeVar

import torch
import torch.distributed as dist
from torch import nn

from inkling.files import InklingError
from inkling.training.processes import Helper, one_thread

Record = TypeVar("Record")
Batch = TypeVar("Batch", torch.Tensor, list)
Arguments = ParamSpec("Arguments")


class LostProcess(InklingError):
    """Another process of the same training has ended."""


@contextlib.contextmanager
def _all_are_there() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        raise LostProcess(
            "another process of this training has ended, and one alone cannot go on."
            " Start the same run again: it goes on from its last savepoint."
        ) from error


@dataclass(frozen=True)
class Team:
    """The processes that train one model together, as one of them sees it; in `ALONE`
    there is nobody to share with and nothing to add up.
    """

    rank: int = 0
    """The number of this process, from 0."""
    size: int = 1
    """How many there are."""

    def share(self, batch: Batch) -> Batch:
        """The part of a batch (a tensor of rows, or a list) that this process reads."""
        return batch[self.rank :: self.size]

    def total(self, number: float) -> float:
        """The sum of a number over all processes, which all must ask for."""
        return self._summed(torch.tensor(number, dtype=torch.float64)).item()

    def add_up(self, model: nn.Module, loss: float) -> float:
        """Put the sum of all processes' gradients into the model of each; return the
        sum of their losses.

        One long vector is one message. `DistributedDataParallel` does the same in
        pieces, while the backward pass still runs: that pays where the wire is slow,
        and costs between two processes of one machine.
        """
        if self.size == 1:
            return loss
        weights = [weight for weight in model.parameters() if weight.requires_grad]
        parts = [
            torch.zeros_like(weight) if weight.grad is None else weight.grad
            for weight in weights
        ]
        parts.append(parts[0].new_tensor([loss]))
        summed = self._summed(torch.cat([part.flatten() for part in parts]))
        *gradients, losses = summed.split([part.numel() for part in parts])
        for weight, gradient in zip(weights, gradients, strict=True):
            weight.grad = gradient.view_as(weight)
        return losses.item()

    def agree(self, step: int) -> None:
        """Raise `InklingError` unless all processes begin at the same step."""
        if self.total(step) != self.size * step:
            raise InklingError(
                "the processes of this training do not begin at the same step (this one"
                f" at {step}): all must be given the same folder, on one disk."
            )

    def _summed(self, numbers: torch.Tensor) -> torch.Tensor:
        if self.size > 1:
            with _all_are_there():
                dist.all_reduce(numbers)
        return numbers


#: What a process is that trains alone.
ALONE = Team()


def join_team(model: nn.Module, batch_size: int) -> Team:
    """The team of this process: itself alone in a plain run. Inside `in_two`, and under
    `torchrun`, all processes meet here and take the first one's weights.

    Raises `InklingError` for a batch that cannot be shared out evenly.
    """
    started_by_torchrun = int(os.environ.get("WORLD_SIZE", "1")) > 1
    if started_by_torchrun and not dist.is_initialized():
        dist.init_process_group("gloo")
        atexit.register(dist.destroy_process_group)
    if not (dist.is_available() and dist.is_initialized()):
        return ALONE
    team = Team(dist.get_rank(), dist.get_world_size())
    if batch_size % team.size:
        raise InklingError(
            f"batch_size {batch_size} cannot be shared out evenly to {team.size}"
            f" processes; make it a multiple of {team.size}."
        )
    with _all_are_there():
        for weight in model.parameters():
            dist.broadcast(weight.data, src=0)
    return team


@contextlib.contextmanager
def in_two(
    trainer: Callable[Arguments, Iterable[Record]],
    /,
    *args: Arguments.args,
    **kwargs: Arguments.kwargs,
) -> Iterator[Iterable[Record]]:
    """The run `trainer(*args, **kwargs)` in two processes of one thread: a helper, and
    this one, which has the records, the progress bar and the savepoints.

    Raises `InklingError` where this PyTorch has no gloo, and where the helper ends
    before the run does.
    """
    if not (dist.is_available() and dist.is_gloo_available()):
        raise InklingError(
            "this PyTorch was built without gloo, so it cannot train in two processes."
            " Install it from its own wheels: pip install torch."
        )
    with (
        tempfile.TemporaryDirectory() as folder,
        Helper(_train_along, folder, trainer, args, kwargs) as helper,
        one_thread(),
    ):
        helper.begun()
        _meet(folder, rank=0)
        try:
            yield trainer(*args, **kwargs)
        except LostProcess:
            helper.result()  # raises what the helper has to say of it
            raise
        finally:
            dist.destroy_process_group()


def _train_along(folder: str, trainer: Callable, args: tuple, kwargs: dict) -> None:
    """The helper's part of `in_two`: the same run, and nobody looks at it."""
    warnings.simplefilter("ignore")  # the first process gives them, too
    _meet(folder, rank=1)
    for _ in trainer(*args, **kwargs):
        pass


def _meet(folder: str, rank: int) -> None:
    """Two processes find each other by a file, and talk inside of this machine only."""
    variable, hook = "GLOO_SOCKET_IFNAME", sys.excepthook
    before = os.environ.get(variable)
    interfaces = [name for _, name in getattr(socket, "if_nameindex", list)()]
    loopback = next((name for name in interfaces if name in ("lo", "lo0")), before)
    if loopback is not None:
        os.environ[variable] = loopback
    try:
        place = Path(folder, "meeting").as_uri()
        dist.init_process_group("gloo", init_method=place, rank=rank, world_size=2)
    finally:
        sys.excepthook = hook  # torch's writes the rank before every line of an error
        os.environ.pop(variable, None)
        if before is not None:
            os.environ[variable] = before

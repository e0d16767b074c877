"""Stop a run at any moment and go on as if nothing had happened: the whole state of
training in one safe file.
"""

import json
import os
import warnings
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import nn

from inkling.files import InklingError, atomic_write
from inkling.training.identity import digest, identity

KEEP = 2  # the newest, and the one before it in case the newest turns out to be damaged

#: What is in a savepoint, and how. It grows by one when that changes.
FORMAT = 2


def savepoints(folder: str | os.PathLike) -> list[Path]:
    """The savepoints in a folder, newest first."""
    return sorted(Path(folder).glob("step-*.safetensors"), reverse=True)


def save(
    folder: str | os.PathLike,
    step: int,
    model: nn.Module,
    optimizers: Sequence[torch.optim.Optimizer],
    state: dict,
) -> Path:
    """Write `folder/step-<step>.safetensors` and remove all savepoints but the newest
    two.

    It holds the weights, the optimizers' averages, torch's random state, and `state`:
    whatever else the caller needs to go on, as the bytes of its JSON (a long history
    would not fit into the file's header). Safetensors holds only numbers and text, so a
    savepoint from a stranger cannot run code, as a pickle can. Raises `InklingError`
    when the disk is full; the earlier savepoints then stay as they were.
    """
    tensors = {
        f"model.{name}": parameter.detach()
        for name, parameter in model.named_parameters()
    }
    for number, optimizer in enumerate(optimizers):
        for index, averages in optimizer.state_dict()["state"].items():
            tensors |= {
                f"optimizer.{number}.{index}.{name}": value
                for name, value in averages.items()
            }
    tensors["random"] = torch.get_rng_state()
    text = bytearray(json.dumps(state), "utf-8")
    tensors["state"] = torch.frombuffer(text, dtype=torch.uint8)
    tensors = {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}
    path = Path(folder) / f"step-{step:08d}.safetensors"
    metadata = {"format": str(FORMAT), "sha256": digest(tensors)}
    atomic_write(path, safetensors.torch.save(tensors, metadata))
    for old in savepoints(folder)[KEEP:]:
        old.unlink(missing_ok=True)
    return path


def read_savepoint(path: Path) -> tuple[dict[str, torch.Tensor], dict]:
    """The tensors and the state of one savepoint. Raises `InklingError` when the file
    is cut short or changed, and when another version of the library wrote it.
    """
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (OSError, safetensors.SafetensorError) as error:
        raise InklingError(
            f"the savepoint {path} cannot be read ({error}). Delete it and start the"
            " same run again."
        ) from error
    if metadata.get("format") != str(FORMAT):
        raise InklingError(
            f"the savepoint {path} has format {metadata.get('format', 1)}, and this"
            f" version of Inkling writes and reads format {FORMAT}. Go on with the"
            " version that wrote it, or start anew in another folder."
        )
    if metadata.get("sha256") != digest(tensors) or "state" not in tensors:
        raise InklingError(
            f"the savepoint {path} is damaged: its checksum is wrong. Delete it and"
            " start the same run again."
        )
    return tensors, json.loads(tensors.pop("state").numpy().tobytes())


def read_newest(
    folder: str | os.PathLike,
) -> tuple[dict[str, torch.Tensor], dict] | None:
    """The newest savepoint that can be read; None where there is none at all.

    A damaged one is skipped with a warning that names it, in favour of the one before
    it: since training is deterministic, that costs time and nothing else. Raises
    `InklingError` when all of them are damaged.
    """
    errors = []
    for path in savepoints(folder):
        try:
            found = read_savepoint(path)
        except InklingError as error:
            errors.append(str(error))
            continue
        if errors:
            warnings.warn(
                f"{' '.join(errors)} Resuming from {path} instead.", stacklevel=3
            )
        return found
    if errors:
        raise InklingError(
            f"no savepoint in {folder} can be used: {' '.join(errors)} Or start anew in"
            " another folder."
        )
    return None


def restore(
    tensors: dict[str, torch.Tensor],
    model: nn.Module,
    optimizers: Sequence[torch.optim.Optimizer],
) -> None:
    """Put what `read_savepoint` returned back into a model and its optimizers, and set
    torch's random state.

    Raises `InklingError` when the savepoint belongs to a model of another shape or to
    other optimizers.
    """
    parameters = dict(model.named_parameters())
    saved = {
        name.removeprefix("model."): t
        for name, t in tensors.items()
        if name.startswith("model.")
    }
    wrong = [
        n
        for n in saved.keys() | parameters.keys()
        if n not in saved or n not in parameters
    ]
    wrong += [
        name
        for name in saved.keys() & parameters.keys()
        if saved[name].shape != parameters[name].shape
    ]
    if wrong:
        raise InklingError(
            f"the savepoint belongs to another model: {sorted(wrong)[0]} (and"
            f" {len(wrong) - 1} more) does not match. Make the model with the"
            " configuration that the run was started with, or train in another folder."
        )
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.copy_(saved[name])
    averages: list[dict] = [{} for _ in optimizers]
    for name, tensor in tensors.items():
        if name.startswith("optimizer."):
            _, number, index, key = name.split(".")
            averages[int(number)].setdefault(int(index), {})[key] = tensor
    for optimizer, state in zip(optimizers, averages, strict=True):
        optimizer.load_state_dict(
            {"state": state, "param_groups": optimizer.state_dict()["param_groups"]}
        )
    torch.set_rng_state(tensors["random"])


class Savepoints:
    """Where a training loop keeps its state, and goes on from: the folder may be None,
    and then nothing is kept.

    Every trainer has one. On making it the state of an interrupted run goes back into
    model and optimizers, and `history` holds its records, as dicts ([] for a new run).

    decides: all that makes the run what it is, besides its config: the weights that it
    starts from, its data, what else it asks. They are looked at as they are now, before
    the first step. every: steps between two savepoints. Raises `InklingError` for the
    savepoint of another run, and names what is different.
    """

    def __init__(
        self,
        folder: str | os.PathLike | None,
        config: Any,
        model: nn.Module,
        optimizers: Sequence[torch.optim.Optimizer],
        *,
        every: int = 100,
        **decides: Any,
    ) -> None:
        self.folder = None if folder is None else Path(folder)
        self.model, self.optimizers, self.every = model, optimizers, every
        self.history: list[dict] = []
        if self.folder is not None:
            self.run = run_of(config, start=model, **decides)
            self.history = self._resume(self.folder)

    def _resume(self, folder: Path) -> list[dict]:
        found = read_newest(folder)
        if found is None:
            return []
        tensors, state = found
        if state["run"] != self.run:
            old, new = ({**run, **run["config"]} for run in (state["run"], self.run))
            changed = [
                f"{name} was {old.get(name)}, is {new.get(name)}"
                for name in new | old
                if name != "config" and old.get(name) != new.get(name)
            ]
            raise InklingError(
                f"the savepoint in {folder} belongs to another run:"
                f" {'; '.join(changed)}. Go on with the same model, data and settings,"
                " or start a new run in another folder."
            )
        restore(tensors, self.model, self.optimizers)
        return state["history"]

    def keep(self, history: Sequence[Any], last: bool) -> None:
        """Save the state after the step whose record is the last of `history`
        (dataclasses, one a step), if one is due; `last`: it is, whatever its number.
        """
        if self.folder is not None and (last or len(history) % self.every == 0):
            records = [asdict(record) for record in history]
            state = {"run": self.run, "history": records}
            save(self.folder, len(history), self.model, self.optimizers, state)


def run_of(config: Any, **decides: Any) -> dict:
    """Which run this is: its config, a dataclass, as JSON has it, and of all else that
    decides it the `identity`.
    """
    parts = {name: identity(value) for name, value in decides.items()}
    return json.loads(json.dumps({"config": asdict(config), **parts}))

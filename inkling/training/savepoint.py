"""Stop a run at any moment and go on as if nothing had happened: the whole state of
training in one safe file.
"""

import hashlib
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

KEEP = 2  # the newest, and the one before it in case the newest turns out to be damaged


def savepoints(folder: str | os.PathLike) -> list[Path]:
    """The savepoints in a folder, newest first."""
    return sorted(Path(folder).glob("step-*.safetensors"), reverse=True)


def _digest(tensors: dict[str, torch.Tensor], state: str) -> str:
    """A fingerprint of every byte that is saved, so that damage is noticed wherever it
    is in the file.
    """
    sha = hashlib.sha256(state.encode())
    for name in sorted(tensors):
        sha.update(name.encode())
        sha.update(
            tensors[name]
            .detach()
            .cpu()
            .contiguous()
            .reshape(-1)
            .view(torch.uint8)
            .numpy()
            .data
        )
    return sha.hexdigest()


def save(
    folder: str | os.PathLike,
    step: int,
    model: nn.Module,
    optimizers: list[torch.optim.Optimizer],
    state: dict,
) -> Path:
    """Write `folder/step-<step>.safetensors` and remove all savepoints but the newest
    two.

    It holds the weights, the optimizers' averages, torch's random state, and in the
    header `state`: whatever else the caller needs to go on, as JSON. Safetensors holds
    only numbers and text, so a savepoint from a stranger cannot run code, as a pickle
    can. Raises `InklingError` when the disk is full; the earlier savepoints then stay
    as they were.
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
    tensors = {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}
    text = json.dumps(state)
    path = Path(folder) / f"step-{step:08d}.safetensors"
    metadata = {"state": text, "sha256": _digest(tensors, text)}
    atomic_write(path, safetensors.torch.save(tensors, metadata))
    for old in savepoints(folder)[KEEP:]:
        old.unlink(missing_ok=True)
    return path


def read(path: Path) -> tuple[dict[str, torch.Tensor], dict]:
    """The tensors and the state of one savepoint. Raises `InklingError` when the file
    is cut short or changed.
    """
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (OSError, safetensors.SafetensorError) as error:
        raise InklingError(
            f"the savepoint {path} cannot be read ({error}). Delete it and resume"
            " again."
        ) from error
    if "state" not in metadata or metadata.get("sha256") != _digest(
        tensors, metadata["state"]
    ):
        raise InklingError(
            f"the savepoint {path} is damaged: its checksum is wrong. Delete it and"
            " resume again."
        )
    return tensors, json.loads(metadata["state"])


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
            found = read(path)
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
    optimizers: list[torch.optim.Optimizer],
) -> None:
    """Put what `read` returned back into a model and its optimizers, and set torch's
    random state.

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


def reopen(
    folder: str | os.PathLike,
    run: dict,
    model: nn.Module,
    optimizers: list[torch.optim.Optimizer],
) -> list[dict]:
    """Go on from the newest savepoint in `folder`: its state goes into model and
    optimizers, its history comes back.

    `run` says which run this is: {"config": settings as JSON has them, and whatever
    else decides it}. [] where nothing was saved yet. Raises `InklingError` for the
    savepoint of another run, and names what is different.
    """
    found = read_newest(folder)
    if found is None:
        return []
    tensors, state = found
    if state["run"] != run:
        old, new = ({**other, **other["config"]} for other in (state["run"], run))
        changed = [
            f"{k} was {old.get(k)}, is {new[k]}"
            for k in new
            if k != "config" and old.get(k) != new[k]
        ]
        raise InklingError(
            f"the savepoint in {folder} belongs to another run: {'; '.join(changed)}."
            " Resume with the same data and settings, or start a new run in another"
            " folder."
        )
    restore(tensors, model, optimizers)
    return state["history"]


def run_of(config: Any, **decides: str) -> dict:
    """Which run this is: its config, a dataclass, as JSON has it, and what else decides
    it.
    """
    return json.loads(json.dumps({"config": asdict(config), **decides}))


def resume(
    folder: str | Path | None,
    config: Any,
    model: nn.Module,
    optimizers: list[torch.optim.Optimizer],
) -> list[dict]:
    """The records, as dicts, of an interrupted run in `folder`, whose state goes back
    into model and optimizers.

    [] for a new run, and where there is no folder. Raises `InklingError` when the run
    in the folder had other settings.
    """
    return (
        []
        if folder is None
        else reopen(Path(folder), run_of(config), model, optimizers)
    )


def keep(
    folder: str | Path | None,
    config: Any,
    model: nn.Module,
    optimizers: list[torch.optim.Optimizer],
    history: Sequence[Any],
    every: int = 10,
) -> None:
    """Save all that `resume` needs: after every tenth step, and after the last
    (`config.steps`).

    history: one record a step so far, dataclasses. Without a folder nothing is saved.
    """
    step = len(history)
    if folder is not None and (step % every == 0 or step == config.steps):
        state = {
            "run": run_of(config),
            "history": [asdict(record) for record in history],
        }
        save(Path(folder), step, model, optimizers, state)

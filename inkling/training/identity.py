"""What something is, as one short text: a model by its tensors, an array by its
numbers, a function by its code and by what it holds on to.

A file will not do for a model: the safetensors format puts the notes in its header into
any order, so that equal weights make unequal files.
"""

import contextlib
import functools
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from types import CodeType, FunctionType, MethodType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn


def digest(tensors: nn.Module | Mapping[str, Tensor]) -> str:
    """SHA-256 of the weights of a model, or of named tensors: names, shapes and values.

    Numbers in half precision count as what they are in float32, so a model has the
    digest of the file that it was read from.
    """
    if isinstance(tensors, nn.Module):
        tensors = tensors.state_dict()
    sha = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu()
        if tensor.dtype in (torch.float16, torch.bfloat16):
            tensor = tensor.float()
        sha.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        sha.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return sha.hexdigest()


def identity(thing: Any) -> str:
    """A short text that two things share only if they are the same; other weights, data
    or code have another.

    What may change during a run (a list that a function fills, say) counts by its type
    alone: it is no part of what the run was at its start.
    """
    return _short(_describe(thing, frozenset()))


def _short(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _describe(thing: Any, seen: frozenset[int]) -> str:
    if thing is None or isinstance(thing, (bool, int, float, complex, str, bytes)):
        return repr(thing)
    if isinstance(thing, nn.Module):
        return digest(thing)
    if isinstance(thing, (Tensor, np.ndarray)):
        return digest({"": torch.as_tensor(thing)})
    if id(thing) in seen:
        return "itself"
    seen |= {id(thing)}
    if isinstance(thing, tuple):
        return f"({', '.join(_describe(part, seen) for part in thing)})"
    name = getattr(thing, "__qualname__", type(thing).__qualname__)
    if isinstance(thing, FunctionType):
        held = _held_by(thing)
    elif is_dataclass(thing) and not isinstance(thing, type):
        held = {field.name: getattr(thing, field.name) for field in fields(thing)}
    elif isinstance(thing, functools.partial):
        held = {"function": thing.func, "arguments": thing.args, **thing.keywords}
    elif isinstance(thing, MethodType):
        held = {"function": thing.__func__, "self": thing.__self__}
    elif callable(thing) and hasattr(thing, "__dict__") and not isinstance(thing, type):
        held = vars(thing)
    else:
        return f"{type(thing).__module__}.{name}"
    parts = (f"{key}={_describe(held[key], seen)}" for key in sorted(held))
    return f"{name}({', '.join(parts)})"


def _held_by(function: FunctionType) -> dict[str, Any]:
    """The code of a function, what it reads from around it, and its defaults. Functions
    of other modules are known by their names alone.
    """
    codes = list(_codes(function.__code__))
    names = {name for code in codes for name in code.co_names}
    outside = function.__globals__
    around = {name: outside[name] for name in sorted(names) if name in outside}
    for name, cell in zip(
        function.__code__.co_freevars, function.__closure__ or (), strict=True
    ):
        # a cell is empty while what it is for is still being made
        with contextlib.suppress(ValueError):
            around[name] = cell.cell_contents
    return {
        "code": tuple((code.co_code, repr(code.co_names)) for code in codes),
        # a set of constants has another order in each process
        "constants": tuple(
            str(sorted(map(repr, constant)))
            if isinstance(constant, frozenset)
            else repr(constant)
            for code in codes
            for constant in code.co_consts
            if not isinstance(constant, CodeType)
        ),
        "defaults": function.__defaults__,
    } | {
        name: value.__qualname__
        if isinstance(value, FunctionType) and value.__module__ != function.__module__
        else value
        for name, value in around.items()
    }


def _codes(code: CodeType) -> Iterator[CodeType]:
    """The code of a function, and of all that is defined inside of it (a comprehension,
    for example).
    """
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)

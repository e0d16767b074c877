"""What something is, as one short text: a model by its tensors, an array by its
numbers, a function by its code and by what it holds on to.

A file will not do for a model: the safetensors format puts the notes in its header into
any order, so that equal weights make unequal files.
"""

import functools
import hashlib
import inspect
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import CodeType, FunctionType, MethodType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn


def digest(tensors: nn.Module | Mapping[str, Tensor]) -> str:
    """SHA-256 of the weights of a model, or of named tensors: names, shapes and values.

    Numbers in half precision count as what they are in float32, so a model has the
    digest of the file that it was read from. A weight under two names counts once; what
    a model only computes with (buffers) counts, too.
    """
    if isinstance(tensors, nn.Module):
        tensors = dict(tensors.named_parameters()) | dict(tensors.named_buffers())
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
        held = _held_by(thing) | {"code": _code_of(thing.__code__)}
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
    """What a function reads from around it, and its defaults. Functions of other
    modules are known by their names alone.
    """
    around = inspect.getclosurevars(function)
    return {"defaults": function.__defaults__} | {
        name: value.__qualname__
        if isinstance(value, FunctionType) and value.__module__ != function.__module__
        else value
        for name, value in {**around.globals, **around.nonlocals}.items()
    }


def _code_of(code: CodeType) -> tuple:
    """The code of a function and its constants, those among them that are code, too."""
    return code.co_code, *(
        _code_of(constant) if isinstance(constant, CodeType) else repr(constant)
        for constant in code.co_consts
    )

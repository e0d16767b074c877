"""GGUF: the one file in which llama.cpp keeps a model, and how its small weights become
float32 again.

The file, in order (all numbers little-endian; source: ggml's docs/gguf.md, version 3):

    "GGUF", version, number of tensors, number of metadata entries
    metadata: name, type, value (the model's sizes, the vocabulary, the chat template)
    tensor table: name, shape, type, where its bytes begin
    padding, then the bytes of the tensors, each beginning at a multiple of
    `general.alignment`

Only NumPy is used. Nothing in such a file is run as code, and every length in it is
checked against the file's size before it is believed.
"""

import math
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from inkling.files import InklingError


def _halves(blocks: np.ndarray) -> np.ndarray:
    return blocks.view(np.float16).astype(np.float32)


def _q8_0(blocks: np.ndarray) -> np.ndarray:
    """32 weights: a scale in 16 bits, then a signed byte each. weight = code *
    scale.
    """
    return blocks[:, 2:].view(np.int8) * _halves(blocks[:, :2])


def dequantise_q4_1(blocks: np.ndarray) -> np.ndarray:
    """The weights (n_blocks, 32), float32, that Q4_1 bytes (n_blocks, 20) stand for:
    level * scale + minimum.
    """
    # (n_blocks, 1) each
    scale, minimum = blocks[:, 0:2].view(np.float16), blocks[:, 2:4].view(np.float16)
    packed = blocks[:, 4:]
    levels = np.concatenate([packed & 15, packed >> 4], axis=1)  # (n_blocks, 32)
    return levels * scale.astype(np.float32) + minimum.astype(np.float32)


class BlockType(NamedTuple):
    """How a tensor's bytes are cut into blocks. `to_float32`: bytes (n, n_bytes) ->
    float32 (n, n_weights).
    """

    name: str
    n_weights: int
    n_bytes: int
    to_float32: Callable[[np.ndarray], np.ndarray]


# The types that a Q4_1 file is made of, by their numbers in the file: norms are F32,
# the embeddings Q8_0 or F16.
TYPES = {
    0: BlockType("F32", 1, 4, lambda blocks: blocks.view(np.float32)),
    1: BlockType("F16", 1, 2, _halves),
    3: BlockType("Q4_1", 32, 20, dequantise_q4_1),
    8: BlockType("Q8_0", 32, 34, _q8_0),
}
# Types of metadata: one number each, by struct's letters. A string is 8, an array 9.
_NUMBERS = {
    0: "B",
    1: "b",
    2: "H",
    3: "h",
    4: "I",
    5: "i",
    6: "f",
    7: "?",
    10: "Q",
    11: "q",
    12: "d",
}
_STRING, _ARRAY = 8, 9
MOST_DIMENSIONS = 4  # of a tensor, in ggml


class TensorInfo(NamedTuple):
    """One line of the tensor table. `shape` is NumPy's: rows first (the file has it the
    other way round).
    """

    shape: tuple[int, ...]
    type: BlockType
    start: int  # bytes from the beginning of the file
    n_bytes: int


class GGUF:
    """An open GGUF file: `metadata` (name -> value), `tensors` (name -> TensorInfo),
    and `read(name)`.

    Opening reads the head of the file only. Raises InklingError for a file that is
    missing, is not GGUF, is cut off or damaged, or holds a type of weights that is not
    in `TYPES`.
    """

    def __init__(self, path: str | os.PathLike):
        self.path = Path(path)
        try:
            # Mapped and not read: the system fetches the parts that are looked at, and
            # may forget them again.
            empty = self.path.stat().st_size == 0  # which cannot be mapped
            self._bytes = np.asarray(
                [] if empty else np.memmap(self.path, np.uint8, mode="r"), np.uint8
            )
        except (OSError, ValueError) as error:  # a NUL in the name, say
            reason = getattr(error, "strerror", None) or error
            raise InklingError(
                f"cannot open {self.path}: {reason}. Give the path of a .gguf file."
            ) from None
        self._at = 0
        if bytes(self._bytes[:4]) != b"GGUF":
            raise InklingError(
                f"{self.path} is not a GGUF file: it begins with"
                f" {bytes(self._bytes[:4])!r} instead of b'GGUF'. Give the path of a"
                " .gguf file, or fetch it again."
            )
        try:
            self._read_head()
        except (struct.error, UnicodeDecodeError, KeyError, OverflowError) as error:
            raise self._damaged(f"{type(error).__name__}: {error}") from None

    def read(self, name: str) -> np.ndarray:
        """The tensor called `name`, float32, in its own shape; blocks of few bits
        become the weights they stand for.
        """
        if name not in self.tensors:
            raise InklingError(
                f"{self.path} holds no tensor {name!r}; it has {len(self.tensors)}, for"
                f" example {', '.join(list(self.tensors)[:3])}."
            )
        info = self.tensors[name]
        blocks = self._bytes[info.start : info.start + info.n_bytes].reshape(
            -1, info.type.n_bytes
        )
        # Made into an array of memory, so that no tensor stays tied to the file.
        return np.array(info.type.to_float32(blocks), np.float32).reshape(info.shape)

    def _read_head(self) -> None:
        self._at = 4
        version = self._number("I")
        if version not in (2, 3):
            raise InklingError(
                f"{self.path} is GGUF of version {version}; versions 2 and 3 can be"
                " read. Make it anew with a current llama.cpp."
            )
        n_tensors, n_entries = self._number("Q"), self._number("Q")
        self.metadata: dict[str, Any] = {}
        for _ in range(n_entries):
            name = self._string()
            if name in self.metadata:
                raise self._damaged(f"{name:.60} is there twice")
            self.metadata[name] = self._value(self._number("I"))
        table = [self._table_line() for _ in range(n_tensors)]
        alignment = self.metadata.get("general.alignment", 32)
        if type(alignment) is not int or alignment < 1:
            raise self._damaged(f"its alignment is {alignment!r:.60}")
        start = -(-self._at // alignment) * alignment
        self.tensors = {
            name: info._replace(start=start + info.start) for name, info in table
        }
        if len(self.tensors) < len(table):
            raise self._damaged("a tensor is there twice")
        for name, info in self.tensors.items():
            if info.start + info.n_bytes > len(self._bytes):
                raise self._damaged(
                    f"{name:.60} should end at byte {info.start + info.n_bytes:,}"
                )

    def _table_line(self) -> tuple[str, TensorInfo]:
        name, n_dims = self._string(), self._number("I")
        if n_dims > MOST_DIMENSIONS:
            raise self._damaged(f"{name:.60} should have {n_dims:,} dimensions")
        shape = tuple(self._number("Q") for _ in range(n_dims))[::-1]
        number, start = self._number("I"), self._number("Q")
        if number not in TYPES:
            raise InklingError(
                f"{self.path}: the weights of {name:.60} are of type {number}, and only"
                f" {', '.join(f'{t.name} ({i})' for i, t in TYPES.items())} can be read"
                " here. Take a file in one of these."
            )
        kind, n_weights = TYPES[number], math.prod(shape)
        if not shape or n_weights == 0 or shape[-1] % kind.n_weights:
            raise self._damaged(
                f"{name:.60} has the shape {shape}, which {kind.name} cannot hold"
            )
        return name, TensorInfo(
            shape, kind, start, n_weights // kind.n_weights * kind.n_bytes
        )

    def _value(self, kind: int) -> Any:
        if kind == _STRING:
            return self._string()
        if kind != _ARRAY:
            return self._number(_NUMBERS[kind])
        kind, count = self._number("I"), self._number("Q")
        if count > len(self._bytes) - self._at:  # every element takes a byte at least
            raise self._damaged(f"a list should have {count:,} elements")
        if kind == _STRING:
            return [self._string() for _ in range(count)]
        # lists of lists, which the format allows, are used by nobody and refused here
        letter = _NUMBERS[kind]
        return list(
            struct.unpack(
                f"<{count}{letter}", self._take(count * struct.calcsize(f"<{letter}"))
            )
        )

    def _number(self, letter: str) -> Any:
        """The next number of the head: a float for the letters f and d, else an int."""
        return struct.unpack(f"<{letter}", self._take(struct.calcsize(f"<{letter}")))[0]

    def _string(self) -> str:
        return self._take(self._number("Q")).decode("utf-8")

    def _take(self, n_bytes: int) -> bytes:
        """The next `n_bytes` of the head."""
        if n_bytes > len(self._bytes) - self._at:
            raise self._damaged(
                f"at byte {self._at:,} it should go on for {n_bytes:,} more"
            )
        self._at += n_bytes
        return self._bytes[self._at - n_bytes : self._at].tobytes()

    def _damaged(self, what: str) -> InklingError:
        return InklingError(
            f"{self.path} is cut off or damaged ({what}; the file has"
            f" {len(self._bytes):,} bytes). Fetch it again."
        )

"""Quantisation: a model's weights in 8 or 4 bits instead of 32.

Writing one token reads every weight once, so a model is as slow as its weights are
large. Rounding each weight to one of a few levels makes it smaller; what has to be kept
beside the levels is how far apart they are.

*int8, a scale a row*: weight = code * scale, with codes from -127 to 127. 8 bits a
weight (Dettmers et al. 2022, "LLM.int8()", section 2.1).
*Q4_1*: weight = level * scale + minimum, with levels from 0 to 15, for each block of 32
weights. A block takes 16 bytes of levels and twice 2 bytes, 5 bits a weight. It is
llama.cpp's type of that name (ggml's `quantize_row_q4_1_ref`), byte for byte.

    >>> codes, scales = quantise_int8(np.array([[0.5, -1.0, 0.25]]))
    >>> again = dequantise_int8(codes, scales).astype(float)
    >>> codes.tolist(), again.round(3).tolist()
    ([[64, -127, 32]], [[0.504, -1.0, 0.252]])
"""

import copy

import numpy as np
import torch

from inkling.files import InklingError
from inkling.model.transformer import Transformer
from inkling.real.gguf import dequantise_q4_1

BLOCK = 32  # weights that share a scale and a minimum
Q4_1_BYTES = 20  # of a block: 2 of the scale, 2 of the minimum, 16 of levels
LARGEST_HALF = 65504.0  # the largest number that float16 holds


def quantise_int8(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Round a float matrix (rows, columns) to int8 codes (rows, columns) and float32
    scales (rows,).

    The largest weight of a row becomes 127 or -127, so no weight moves by more than
    half a scale. One huge weight makes the scale of its row large, and the rest of the
    row coarse.
    """
    check_finite(matrix)
    scales = (np.abs(matrix).max(axis=1) / 127).astype(np.float32)
    scales[scales == 0] = 1.0  # a row of zeros stays a row of zeros
    return np.clip(np.rint(matrix / scales[:, None]), -127, 127).astype(np.int8), scales


def dequantise_int8(codes: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """The weights (rows, columns), float32, that codes and scales stand for."""
    return codes * scales[:, None]


def quantise_q4_1(weights: np.ndarray) -> np.ndarray:
    """Round weights, as many as fill whole blocks of 32, to Q4_1: bytes (n_blocks, 20).

    The smallest weight of a block becomes level 0 and the largest level 15, so a weight
    moves by half a scale at most, and a little more because scale and minimum are kept
    in 16 bits (one part in 2,048).
    """
    check_finite(weights)
    if weights.size % BLOCK:
        raise InklingError(
            f"Q4_1 rounds blocks of {BLOCK} weights; {weights.size} weights do not fill"
            " whole blocks. Leave this tensor as it is, or use int8."
        )
    # so that the difference of two fits as well
    if np.abs(weights).max(initial=0) > LARGEST_HALF / 2:
        raise InklingError(
            "Q4_1 keeps a block's minimum in 16 bits, so no weight may be above"
            f" {LARGEST_HALF / 2:g}; the largest is {np.abs(weights).max():g}."
        )
    blocks = weights.astype(np.float32).reshape(-1, BLOCK)
    minimum = blocks.min(axis=1, keepdims=True)  # (n_blocks, 1)
    scale = (blocks.max(axis=1, keepdims=True) - minimum) / 15
    # A block of (almost) equal weights has no levels to tell apart: it becomes its
    # minimum.
    per_scale = np.divide(
        1, scale, out=np.zeros_like(scale), where=scale > np.finfo(np.float32).tiny
    )
    # rounded to the nearest
    levels = (
        ((blocks - minimum) * per_scale + np.float32(0.5)).astype(np.uint8).clip(0, 15)
    )
    # Two levels share a byte: the first half of the block in the low four bits, the
    # second half in the high four.
    packed = levels[:, : BLOCK // 2] | levels[:, BLOCK // 2 :] << 4
    halves = np.concatenate([scale, minimum], axis=1).astype(np.float16)
    return np.concatenate([halves.view(np.uint8), packed], axis=1)


def quantise_model(model: Transformer, kind: str) -> tuple[Transformer, int]:
    """A copy of `model` whose matrices went through "int8" or "q4_1" and back, and the
    bytes that the small form takes.

    The copy computes in float32 with rounded weights: what it loses is what the small
    form would lose. Norms are vectors, a thousandth of a model, and stay as they are.
    "float32" rounds nothing and is there to compare with.
    """
    if kind not in ("float32", "int8", "q4_1"):
        raise InklingError(
            f"quantise_model: kind must be 'float32', 'int8' or 'q4_1', not {kind!r}."
        )
    rounded, n_bytes = copy.deepcopy(model), 0
    with torch.no_grad():
        for weight in rounded.parameters():
            if kind == "float32" or weight.dim() != 2:
                n_bytes += 4 * weight.numel()
                continue
            matrix = weight.float().cpu().numpy()
            if kind == "int8":
                codes, scales = quantise_int8(matrix)
                n_bytes += codes.nbytes + scales.nbytes
                matrix = dequantise_int8(codes, scales)
            else:
                blocks = quantise_q4_1(matrix)
                n_bytes += blocks.nbytes
                matrix = dequantise_q4_1(blocks).reshape(matrix.shape)
            weight.copy_(torch.from_numpy(matrix))
    return rounded, n_bytes


def check_finite(weights: np.ndarray) -> None:
    """Raises `InklingError` where a weight is NaN or infinite."""
    if not np.isfinite(weights).all():
        raise InklingError(
            "the weights hold NaN or infinity, which no level can stand for. Did"
            " training diverge? Load an earlier checkpoint."
        )

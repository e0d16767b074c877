"""Quantisation: how far a weight may move, and that Q4_1's bytes are those of the `gguf`
package.
"""

import copy

import gguf
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from inkling.files import InklingError
from inkling.model.transformer import ModelConfig, Transformer, parameter_counts
from inkling.real.quantise import (
    BLOCK,
    Q4_1_BYTES,
    dequantise_int8,
    dequantise_q4_1,
    quantise_int8,
    quantise_model,
    quantise_q4_1,
)

SMALL = ModelConfig(
    vocab_size=64, context_length=16, d_model=32, n_layers=2, n_heads=4, n_kv_heads=2, d_ff=96
)


def matrices(columns: st.SearchStrategy[int], limit: float):
    shape = st.tuples(st.integers(1, 5), columns)
    # 1 / x must be finite
    weights = st.floats(-limit, limit, width=32).map(lambda x: x if abs(x) > 1e-20 else 0.0)
    return npst.arrays(np.float32, shape, elements=weights)


@settings(deadline=None)
@given(matrices(st.integers(1, 40), 1e4))
def test_int8_moves_no_weight_by_more_than_half_a_scale(matrix):
    codes, scales = quantise_int8(matrix)
    assert (
        codes.dtype == np.int8 and scales.dtype == np.float32 and scales.shape == matrix.shape[:1]
    )
    assert codes.min() >= -127, "-128 has no positive twin: the scale is symmetric"
    error = np.abs(dequantise_int8(codes, scales).astype(float) - matrix)
    # float32 rounds the products, too
    assert (error <= 0.5 * scales[:, None] * (1 + 1e-4) + 1e-37).all()


def test_int8_keeps_the_largest_weight_of_each_row_and_zeros():
    codes, scales = quantise_int8(np.array([[0.5, -1.0, 0.25], [0, 0, 0], [3, 0, -1]], np.float32))
    assert codes.tolist() == [[64, -127, 32], [0, 0, 0], [127, 0, -42]]
    assert scales.tolist() == pytest.approx([1 / 127, 1.0, 3 / 127])


@settings(deadline=None)
@given(matrices(st.sampled_from([BLOCK, 2 * BLOCK]), 1e4))
def test_q4_1_moves_no_weight_by_more_than_half_a_scale_and_the_rounding_to_16_bits(matrix):
    blocks = matrix.astype(float).reshape(-1, BLOCK)
    low, high = blocks.min(axis=1, keepdims=True), blocks.max(axis=1, keepdims=True)
    packed = quantise_q4_1(matrix)
    assert packed.shape == (len(blocks), Q4_1_BYTES) and packed.dtype == np.uint8
    scale = (high - low) / 15
    # relative, and where float16 ends
    in_16_bits = (15 * scale + np.abs(low)) * 2.0**-11 + 16 * 2.0**-25
    assert (np.abs(dequantise_q4_1(packed) - blocks) <= 0.5001 * scale + in_16_bits).all()


@settings(deadline=None)
@given(matrices(st.sampled_from([BLOCK, 3 * BLOCK]), 1e4))
def test_q4_1_is_the_gguf_packages_byte_for_byte(matrix):
    theirs = gguf.quants.quantize(matrix, gguf.GGMLQuantizationType.Q4_1)
    ours = quantise_q4_1(matrix)
    np.testing.assert_array_equal(ours, theirs.reshape(-1, Q4_1_BYTES))
    reference = gguf.quants.dequantize(theirs, gguf.GGMLQuantizationType.Q4_1)
    np.testing.assert_array_equal(dequantise_q4_1(ours), reference.reshape(-1, BLOCK))


def test_q4_1_by_hand():
    # From 1 to 16 in steps of 1/2: the scale is 1, the minimum 1, and halves go up.
    weights = np.concatenate([np.arange(1, 16.5, 0.5), [16.0]]).astype(np.float32)
    packed = quantise_q4_1(weights)
    assert packed[0, :4].view(np.float16).tolist() == [1.0, 1.0]
    assert packed[0, 4] == 0 | 8 << 4, (
        "weight 0 is in the low four bits, weight 16 in the high ones"
    )
    assert dequantise_q4_1(packed)[0, [0, 1, 2, 3, 31]].tolist() == [1, 2, 2, 3, 16]


def test_weights_that_no_level_stands_for_are_refused():
    with pytest.raises(InklingError, match="NaN or infinity"):
        quantise_int8(np.array([[1.0, np.nan]]))
    with pytest.raises(InklingError, match="NaN or infinity"):
        quantise_q4_1(np.full(32, np.inf))
    with pytest.raises(InklingError, match="33 weights do not fill whole blocks"):
        quantise_q4_1(np.zeros(33))
    with pytest.raises(InklingError, match="no weight may be above 32752; the largest is 40000"):
        quantise_q4_1(np.full(32, -4e4))
    with pytest.raises(InklingError, match="kind must be 'float32', 'int8' or 'q4_1', not 'int3'"):
        quantise_model(Transformer(SMALL), "int3")


def test_a_whole_model_gets_smaller_and_stays_close():
    model = Transformer(SMALL)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() == 2:
                weight.normal_(
                    std=weight.shape[1] ** -0.5,
                    generator=torch.Generator().manual_seed(weight.numel()),
                )
    before = copy.deepcopy(model.state_dict())
    tokens = torch.randint(64, (4, 16), generator=torch.Generator().manual_seed(0))
    counts = parameter_counts(SMALL)
    matrices = sum(counts.values()) - counts["norms"]
    rows = sum(weight.shape[0] for weight in model.parameters() if weight.dim() == 2)
    expected = {
        "float32": 4 * matrices,
        "int8": matrices + 4 * rows,
        "q4_1": matrices * Q4_1_BYTES // BLOCK,
    }
    errors = {}
    for kind, n_bytes in expected.items():
        rounded, size = quantise_model(model, kind)
        assert size == n_bytes + 4 * counts["norms"]
        with torch.no_grad():
            errors[kind] = (rounded(tokens) - model(tokens)).abs().mean().item()
    assert (
        errors["float32"]
        == 0
        < errors["int8"]
        < 0.1 * errors["q4_1"]
        < 0.1 * model(tokens).std().item()
    )
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items()), (
        "the model changed"
    )

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from inkling.files import InklingError
from inkling.model.attention import (
    CausalSelfAttention,
    GroupedQueryAttention,
    KVCache,
    apply_rope,
    attention,
    attention_weights,
    causal_mask,
    rope_frequencies,
)


def randn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def filled(module, seed=0):
    """The module with weights from a seed, so that no test depends on the global random state."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in module.parameters():
            weight.copy_(torch.randn(weight.shape, generator=generator) * weight.shape[-1] ** -0.5)
    return module


# --- the mask and attention by hand ---


def test_mask_is_a_triangle_with_its_diagonal():
    assert causal_mask(3).tolist() == [
        [True, False, False],
        [True, True, False],
        [True, True, True],
    ]


def test_mask_with_more_keys_aligns_the_queries_to_the_end():
    assert causal_mask(2, 5).int().tolist() == [[1, 1, 1, 1, 0], [1, 1, 1, 1, 1]]
    assert causal_mask(1, 4).all()


def test_attention_of_two_tokens_worked_out_on_paper():
    # Query 1 scores key 0 with 0 and key 1 with ln 3, so the weights are 1/4 and 3/4.
    root = 2**0.5  # undoes the division by sqrt(head_dim)
    q = torch.tensor([[5.0, 5.0], [1.0, 0.0]])
    k = torch.tensor([[0.0, 1.0], [root * torch.log(torch.tensor(3.0)), 0.0]])
    v = torch.tensor([[4.0, 0.0], [0.0, 8.0]])
    torch.testing.assert_close(
        attention_weights(q, k, causal_mask(2)), torch.tensor([[1.0, 0.0], [0.25, 0.75]])
    )
    torch.testing.assert_close(
        attention(q, k, v, causal_mask(2)), torch.tensor([[4.0, 0.0], [1.0, 6.0]])
    )


def test_by_hand_equals_torch():
    q, k, v = (randn(2, 3, 7, 8, seed=s) for s in range(3))
    torch.testing.assert_close(attention(q, k, v), F.scaled_dot_product_attention(q, k, v))
    torch.testing.assert_close(
        attention(q, k, v, causal_mask(7)), F.scaled_dot_product_attention(q, k, v, is_causal=True)
    )


def test_hidden_keys_get_exactly_nothing_and_rows_sum_to_one():
    weights = attention_weights(randn(4, 6, 8), randn(4, 6, 8, seed=1), causal_mask(6))
    assert weights[:, ~causal_mask(6)].eq(0).all()
    torch.testing.assert_close(weights.sum(-1), torch.ones(4, 6))


def test_attention_does_not_see_order_without_positions():
    # Why RoPE is needed: shuffle what came before, and the last token's answer stays the same.
    x, module = randn(1, 6, 16), filled(CausalSelfAttention(16, 4))
    shuffled = x[:, [3, 0, 4, 2, 1, 5]]
    torch.testing.assert_close(module(shuffled)[:, -1], module(x)[:, -1])


def test_multi_head_equals_grouped_query_with_as_many_heads_and_no_turning():
    plain = filled(CausalSelfAttention(24, 4))
    grouped = GroupedQueryAttention(24, 4, 4)
    grouped.load_state_dict(plain.state_dict())
    x = randn(2, 5, 24)
    torch.testing.assert_close(plain(x), grouped(x, torch.ones(5, 6), torch.zeros(5, 6)))


# --- RoPE ---


def test_rope_turns_a_pair_by_its_angle():
    cos, sin = rope_frequencies(2, 4)  # one pair, which turns by 1 radian a position
    turned = apply_rope(torch.tensor([[1.0, 0.0]]).repeat(4, 1), cos, sin)
    angle = torch.arange(4.0)
    torch.testing.assert_close(turned, torch.stack([angle.cos(), angle.sin()], dim=-1))


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    st.integers(1, 16),
    st.integers(0, 200),
    st.integers(0, 200),
    st.integers(0, 200),
    st.integers(0, 99),
)
def test_rope_scores_depend_on_the_distance_only(half, i, j, shift, seed):
    cos, sin = rope_frequencies(2 * half, 401)
    q, k = randn(1, 2 * half, seed=seed), randn(1, 2 * half, seed=seed + 1)

    def score(at_query, at_key):
        return (
            apply_rope(q, cos[[at_query]], sin[[at_query]])
            * apply_rope(k, cos[[at_key]], sin[[at_key]])
        ).sum()

    scale = float(q.norm() * k.norm())
    assert abs(float(score(i, j) - score(i + shift, j + shift))) < 1e-4 * max(scale, 1)


def test_rope_keeps_lengths_and_leaves_position_zero_alone():
    cos, sin = rope_frequencies(8, 50)
    x = randn(3, 50, 8)
    turned = apply_rope(x, cos, sin)
    torch.testing.assert_close(turned.norm(dim=-1), x.norm(dim=-1))
    torch.testing.assert_close(turned[:, 0], x[:, 0])


def test_rope_equals_transformers():
    from transformers.models.llama.modeling_llama import apply_rotary_pos_emb

    cos, sin = rope_frequencies(10, 33, theta=500.0)
    q, k = randn(2, 3, 33, 10), randn(2, 3, 33, 10, seed=1)
    theirs = apply_rotary_pos_emb(q, k, cos[None], sin[None])
    torch.testing.assert_close(apply_rope(q, cos, sin), theirs[0])
    torch.testing.assert_close(apply_rope(k, cos, sin), theirs[1])


def test_rope_keeps_half_precision():
    cos, sin = rope_frequencies(8, 4)
    assert apply_rope(randn(4, 8).bfloat16(), cos, sin).dtype == torch.bfloat16


def test_rope_needs_an_even_head():
    with pytest.raises(InklingError, match="even; it is 7"):
        rope_frequencies(7, 4)


# --- grouped-query attention ---

SHAPES = [(16, 4, 4), (16, 4, 2), (16, 4, 1), (30, 5, 1), (36, 6, 3), (8, 1, 1)]


@pytest.mark.parametrize("d_model, n_heads, n_kv_heads", SHAPES)
def test_fast_path_equals_by_hand(d_model, n_heads, n_kv_heads):
    module = filled(GroupedQueryAttention(d_model, n_heads, n_kv_heads))
    x = randn(3, 9, d_model)
    cos, sin = rope_frequencies(d_model // n_heads, 9)
    q, k, v = module.project(x, cos, sin)
    k, v = (t.repeat_interleave(n_heads // n_kv_heads, dim=1) for t in (k, v))
    by_hand = module.o_proj(
        attention(q, k, v, causal_mask(9)).transpose(1, 2).reshape(3, 9, d_model)
    )
    torch.testing.assert_close(module(x, cos, sin), by_hand, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(module.weights(x, cos, sin), attention_weights(q, k, causal_mask(9)))


@pytest.mark.parametrize("d_model, n_heads, n_kv_heads", SHAPES)
def test_cache_in_chunks_equals_all_at_once(d_model, n_heads, n_kv_heads):
    module = filled(GroupedQueryAttention(d_model, n_heads, n_kv_heads))
    head_dim = d_model // n_heads
    x, (cos, sin) = randn(2, 9, d_model), rope_frequencies(head_dim, 9)
    whole = module(x, cos, sin)
    cache, parts = KVCache(1, 2, n_kv_heads, 9, head_dim), []
    for start, end in [(0, 4), (4, 5), (5, 8), (8, 9)]:  # several at first, one, several more, one
        mask = causal_mask(end - start, end) if start and end - start > 1 else None
        parts.append(module(x[:, start:end], cos[start:end], sin[start:end], mask, cache))
        cache.length = end
    torch.testing.assert_close(torch.cat(parts, dim=1), whole, atol=1e-5, rtol=1e-5)


def test_is_causal_would_be_wrong_with_a_cache():
    # The bug that the mask prevents: is_causal counts from the first key, so two late queries see
    # one and two keys.
    q, k, v = randn(1, 1, 2, 8), randn(1, 1, 6, 8, seed=1), randn(1, 1, 6, 8, seed=2)
    wrong = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    assert not torch.allclose(wrong, attention(q, k, v, causal_mask(2, 6)))


def test_query_heads_of_a_group_share_their_keys_in_order():
    # Query heads 0 and 1 belong to key head 0, 2 and 3 to key head 1; another order would load
    # weights silently wrong.
    module = GroupedQueryAttention(8, 4, 2)
    k = torch.arange(2.0).view(1, 2, 1, 1).expand(1, 2, 1, 2)
    assert module.repeat_heads(k)[0, :, 0, 0].tolist() == [0, 0, 1, 1]


def test_bfloat16_autocast_runs_forward_and_backward():
    module = filled(GroupedQueryAttention(16, 4, 2))
    cos, sin = rope_frequencies(4, 6)
    with torch.autocast("cpu", torch.bfloat16):
        out = module(randn(2, 6, 16), cos, sin)
    out.float().sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in module.parameters())


@pytest.mark.parametrize(
    "make",
    [
        lambda: CausalSelfAttention(10, 4),
        lambda: GroupedQueryAttention(10, 4, 2),
        lambda: GroupedQueryAttention(16, 4, 3),
    ],
)
def test_heads_that_do_not_fit_are_refused(make):
    with pytest.raises(InklingError, match="multiple"):
        make()


# --- the cache ---


def test_full_cache_says_so_and_reset_empties_it():
    cache = KVCache(1, 1, 2, 3, 4)
    k = randn(1, 2, 2, 4)
    cache.extend(0, k, k)
    cache.length = 2
    with pytest.raises(InklingError, match="room for 3 tokens and was asked to hold 4"):
        cache.extend(0, k, k)
    cache.reset()
    again, _ = cache.extend(0, 2 * k, k)
    torch.testing.assert_close(again, 2 * k)


def test_cache_takes_no_new_memory_for_a_new_token():
    cache = KVCache(1, 1, 2, 8, 4)
    k = randn(1, 2, 1, 4)
    first, _ = cache.extend(0, k, k)
    cache.length = 1
    second, _ = cache.extend(0, k, k)
    assert first.data_ptr() == second.data_ptr() == cache.k[0].data_ptr()

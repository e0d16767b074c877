"""Attention: how each token gathers what it needs from the tokens before it.

Read it from top to bottom: the idea by hand, plain multi-head attention, rotary
positions (RoPE), the cache that makes writing fast, and last the version that the model
uses: grouped-query attention with RoPE.

Shapes, here and in the whole book: B sequences in a batch, T tokens in a sequence,
d_model numbers for each token.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inkling.files import InklingError


def causal_mask(
    n_queries: int, n_keys: int | None = None, device: torch.device | str | None = None
) -> Tensor:
    """Who may look at whom: a (n_queries, n_keys) table of booleans, True where a query
    may see a key.

    The queries are the *last* `n_queries` of the `n_keys` positions: query i stands at
    n_keys - n_queries + i and sees the keys up to and including its own. Without
    `n_keys` both are the same and the table is a triangle.

    >>> causal_mask(2, 3).int().tolist()
    [[1, 1, 0], [1, 1, 1]]
    """
    n_keys = n_queries if n_keys is None else n_keys
    return torch.ones(n_queries, n_keys, dtype=torch.bool, device=device).tril(
        n_keys - n_queries
    )


def attention_weights(q: Tensor, k: Tensor, mask: Tensor | None = None) -> Tensor:
    """softmax(Q K^T / sqrt(head_dim)): how much each query takes from each key. Each
    row sums to 1.

    q is (..., n_queries, head_dim), k is (..., n_keys, head_dim); the answer is (...,
    n_queries, n_keys).
    Where `mask` is False the weight is exactly 0. Source: Vaswani et al. 2017, section
    3.2.1.
    """
    # (..., n_queries, n_keys)
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))  # exp(-inf) = 0
    return scores.softmax(dim=-1)


def attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None) -> Tensor:
    """Attention by hand: each query's weighted average of the values, (..., n_queries,
    head_dim).
    """
    return attention_weights(q, k, mask) @ v


class CausalSelfAttention(nn.Module):
    """Plain causal multi-head attention: `n_heads` attentions side by side, each on its
    own slice of the projections.

    No positions and no cache: this is the version to learn from. (B, T, d_model) in,
    the same shape out.
    """

    def __init__(self, d_model: int, n_heads: int):
        super().__init__()
        if d_model % n_heads:
            raise InklingError(
                f"d_model={d_model} cannot be shared out among {n_heads} heads: it must"
                " be a multiple."
            )
        self.n_heads = n_heads
        self.q_proj = nn.Linear(d_model, d_model, bias=False)
        self.k_proj = nn.Linear(d_model, d_model, bias=False)
        self.v_proj = nn.Linear(d_model, d_model, bias=False)
        self.o_proj = nn.Linear(d_model, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        B, T, d_model = x.shape
        shape = (B, T, self.n_heads, d_model // self.n_heads)
        q = self.q_proj(x).view(shape).transpose(1, 2)  # (B, n_heads, T, head_dim)
        k = self.k_proj(x).view(shape).transpose(1, 2)
        v = self.v_proj(x).view(shape).transpose(1, 2)
        # (B, n_heads, T, head_dim)
        out = attention(q, k, v, causal_mask(T, device=x.device))
        return self.o_proj(out.transpose(1, 2).reshape(B, T, d_model))


def rope_frequencies(
    head_dim: int, n_positions: int, theta: float = 10000.0
) -> tuple[Tensor, Tensor]:
    """The cosines and sines that RoPE turns by, each (n_positions, head_dim), float32.

    Pair i of a head turns by position * theta^(-2i / head_dim) radians: the first pair
    fast, the last one slowly. Both halves of a row hold the same angles. Source: Su et
    al. 2021, section 3.2.2.
    """
    if head_dim % 2:
        raise InklingError(
            f"RoPE turns pairs of numbers, so head_dim must be even; it is {head_dim}."
        )
    speeds = theta ** -(torch.arange(0, head_dim, 2) / head_dim)  # (head_dim / 2,)
    # (n_positions, head_dim / 2)
    angles = torch.outer(torch.arange(n_positions).float(), speeds)
    angles = torch.cat([angles, angles], dim=-1)
    return angles.cos(), angles.sin()


def apply_rope(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn each pair (a, b) = (x[i], x[i + head_dim / 2]) of the last axis by the angle
    of its position.

    a becomes a cos - b sin and b becomes b cos + a sin, so lengths stay as they are. x
    is (..., T, head_dim); cos and sin are the rows of `rope_frequencies` for these T
    positions. Llama pairs number i with number i + head_dim / 2, the RoPE paper with
    its neighbour: the same idea in another order, and the order that published weights
    expect.
    """
    half = x.shape[-1] // 2
    # the halves trade places: b stands where a was, a where b was
    swapped = x.roll(half, dims=-1)
    sin = torch.cat([-sin[..., :half], sin[..., half:]], dim=-1)
    return x * cos.to(x.dtype) + swapped * sin.to(x.dtype)


class KVCache:
    """The keys and values of the tokens read so far, so that a new token costs one step
    and not the whole text again.

    Room for `max_len` tokens is set aside at once for each layer: `k` and `v` are lists
    of (B, n_kv_heads, max_len, head_dim) tensors. `length` says how many positions are
    filled; the model raises it after each call.
    """

    def __init__(
        self,
        n_layers: int,
        batch_size: int,
        n_kv_heads: int,
        max_len: int,
        head_dim: int,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str | None = None,
    ):
        shape = (batch_size, n_kv_heads, max_len, head_dim)
        self.k = [
            torch.zeros(shape, dtype=dtype, device=device) for _ in range(n_layers)
        ]
        self.v = [
            torch.zeros(shape, dtype=dtype, device=device) for _ in range(n_layers)
        ]
        self.max_len = max_len
        self.length = 0

    def reset(self) -> None:
        """Forget everything; the memory is kept for the next text."""
        self.length = 0

    def extend(self, layer: int, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Store the new tokens' k and v (B, n_kv_heads, T, head_dim); return all of
        them so far, old and new.
        """
        end = self.length + k.shape[2]
        if end > self.max_len:
            raise InklingError(
                f"the cache has room for {self.max_len} tokens and was asked to hold"
                f" {end}. Make a longer cache, or reset it and read the last part of"
                " the text again."
            )
        self.k[layer][:, :, self.length : end] = k
        self.v[layer][:, :, self.length : end] = v
        return self.k[layer][:, :, :end], self.v[layer][:, :, :end]


class GroupedQueryAttention(nn.Module):
    """Causal attention with RoPE in which `n_heads // n_kv_heads` query heads share
    each key and value head.

    Fewer key and value heads mean a smaller cache (Ainslie et al. 2023). With
    n_kv_heads = n_heads it is plain multi-head attention. Projections carry the names
    and shapes of Llama's, without biases.
    """

    def __init__(self, d_model: int, n_heads: int, n_kv_heads: int):
        super().__init__()
        if d_model % n_heads or n_heads % n_kv_heads:
            raise InklingError(
                f"d_model={d_model} must be a multiple of n_heads={n_heads}, "
                f"and n_heads a multiple of n_kv_heads={n_kv_heads}."
            )
        self.n_heads, self.n_kv_heads, self.head_dim = (
            n_heads,
            n_kv_heads,
            d_model // n_heads,
        )
        self.q_proj = nn.Linear(d_model, n_heads * self.head_dim, bias=False)
        self.k_proj = nn.Linear(d_model, n_kv_heads * self.head_dim, bias=False)
        self.v_proj = nn.Linear(d_model, n_kv_heads * self.head_dim, bias=False)
        self.o_proj = nn.Linear(n_heads * self.head_dim, d_model, bias=False)

    def project(
        self, x: Tensor, cos: Tensor, sin: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Queries (B, n_heads, T, head_dim), keys and values (B, n_kv_heads, T,
        head_dim); the first two turned.
        """
        B, T, _ = x.shape
        q = self.q_proj(x).view(B, T, self.n_heads, self.head_dim).transpose(1, 2)
        k = self.k_proj(x).view(B, T, self.n_kv_heads, self.head_dim).transpose(1, 2)
        v = self.v_proj(x).view(B, T, self.n_kv_heads, self.head_dim).transpose(1, 2)
        return apply_rope(q, cos, sin), apply_rope(k, cos, sin), v

    def repeat_heads(self, x: Tensor) -> Tensor:
        """Each key or value head once for every query head of its group: (B,
        n_kv_heads, ...) -> (B, n_heads, ...).
        """
        B, n_kv_heads, n_keys, head_dim = x.shape
        group = self.n_heads // n_kv_heads
        return (
            x[:, :, None]
            .expand(-1, -1, group, -1, -1)
            .reshape(B, self.n_heads, n_keys, head_dim)
        )

    def weights(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """The attention map of each head, (B, n_heads, T, T), by hand: for looking, not
        for speed.
        """
        q, k, _ = self.project(x, cos, sin)
        return attention_weights(
            q, self.repeat_heads(k), causal_mask(x.shape[1], device=x.device)
        )

    def forward(
        self,
        x: Tensor,
        cos: Tensor,
        sin: Tensor,
        mask: Tensor | None = None,
        cache: KVCache | None = None,
        layer: int = 0,
    ) -> Tensor:
        """(B, T, d_model) in and out. `cos`, `sin`: the RoPE rows of these T positions,
        (T, head_dim) each.

        Without a mask each token sees itself and what came before. A `mask` (T,
        n_keys), True where a query may look, is needed where a cache holds earlier
        tokens and T > 1.
        """
        B, T, _ = x.shape
        q, k, v = self.project(x, cos, sin)
        if cache is not None:
            k, v = cache.extend(layer, k, v)
        if T == 1 and mask is None:
            # One new token sees everything, so the query heads of a group can stand in
            # a row as if they were tokens.
            q = q.reshape(B, self.n_kv_heads, -1, self.head_dim)
            return self.o_proj(
                F.scaled_dot_product_attention(q, k, v).reshape(B, 1, -1)
            )
        # (B, n_heads, n_keys, head_dim)
        k, v = self.repeat_heads(k), self.repeat_heads(v)
        # is_causal counts from the first key, which is wrong where a cache puts more
        # keys than queries: hence the mask. In bfloat16 training the projections come
        # in half precision; on a CPU attention is faster in x's float32.
        with torch.autocast(x.device.type, enabled=False):
            q, k, v = q.to(x.dtype), k.to(x.dtype), v.to(x.dtype)
            out = F.scaled_dot_product_attention(
                q, k, v, attn_mask=mask, is_causal=mask is None
            )
        # (B, n_heads, T, head_dim) -> (B, T, d_model)
        return self.o_proj(out.transpose(1, 2).reshape(B, T, -1))

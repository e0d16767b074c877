"""Running the model to write text: three engines, one answer.

`Recompute` reads the whole text again for each new token. `Cached` keeps each token's
keys and values, so that a new token costs one step. `Decoder` does the same in NumPy:
writing one token multiplies the model's matrices by a single vector, so little work
that PyTorch spends most of its time on choosing what to do, and NumPy spends less. It
is the `Transformer`, step by step, several times faster, and its rows may stand at
different places of their texts.

All three read tokens (B, T), of which row b's first lengths[b] are real (padding stands
on the right, where no real token looks), and return the logits (B, vocab_size) of each
row's next token. Tests hold them to each other.
"""

import threading
from collections.abc import Sequence
from contextlib import nullcontext
from functools import cache

import numpy as np
import torch
from threadpoolctl import ThreadpoolController
from torch import Tensor

from inkling.files import InklingError
from inkling.model.transformer import Transformer

# weights; from here on several threads that share a matrix product are worth it
LARGE_MATRIX = 500_000


def new_engine(
    model: Transformer, batch_size: int, max_len: int, use_cache: bool = True
) -> "Recompute | Cached | Decoder":
    """The best engine for this model: room for `batch_size` texts of at most `max_len`
    tokens.
    """
    if not use_cache:
        return Recompute(model, batch_size)
    return (Decoder if runs_fast(model) else Cached)(model, batch_size, max_len)


def runs_fast(model: Transformer) -> bool:
    """Whether `Decoder` can stand in for the model: float32 on the CPU, and plain
    layers only.

    A layer with more than a weight (LoRA's, say) is one that `Decoder` does not know,
    and it would leave the rest out.
    """
    if not all(name.endswith(".weight") for name, _ in model.named_parameters()):
        return False
    return (
        model.rope_cos.device.type == "cpu"
        and model.embed_tokens.weight.dtype == torch.float32
    )


def pad(texts: Sequence[Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Texts of different lengths as one table of ids (B, longest), zeros on the right,
    and their lengths (B,).
    """
    lengths = np.array([len(text) for text in texts])
    tokens = np.zeros((len(texts), lengths.max()), np.int64)
    for row, text in zip(tokens, texts, strict=True):
        row[: len(text)] = text
    return tokens, lengths


class Recompute:
    """The plain way: the whole text through the model again for each new token. Slow,
    and right by definition.
    """

    def __init__(self, model: Transformer, batch_size: int):
        self.model, self.texts = model, [[] for _ in range(batch_size)]

    def read(self, tokens: np.ndarray, lengths: np.ndarray) -> Tensor:
        """Take in tokens (B, T), of which row b's first lengths[b] are real; logits (B,
        vocab_size) of what is next.
        """
        new = zip(self.texts, tokens.tolist(), lengths.tolist(), strict=True)
        self.texts = [text + row[:n] for text, row, n in new]
        tokens, lengths = pad(self.texts)
        with torch.inference_mode():
            hidden = self.model.hidden_states(
                torch.from_numpy(tokens).to(self.model.rope_cos.device)
            )
            return (
                self.model.logits(hidden[torch.arange(len(hidden)), lengths - 1])
                .float()
                .cpu()
            )

    def keep(self, rows: np.ndarray) -> None:
        """Go on with these rows only."""
        self.texts = [self.texts[row] for row in rows]


class Cached:
    """The model with its KV cache: each token is read once. All rows must be equally
    long, so lengths are not needed.

    This is the way for a model on a GPU or in half precision; for one on the CPU in
    float32, `Decoder` is faster.
    """

    def __init__(self, model: Transformer, batch_size: int, max_len: int):
        self.model, self.cache = model, model.new_cache(batch_size, max_len)

    def read(self, tokens: np.ndarray, lengths: np.ndarray | None = None) -> Tensor:
        """Scores of what comes after these tokens (B, T): (B, vocab_size), float32."""
        with torch.inference_mode():
            hidden = self.model.hidden_states(
                torch.from_numpy(tokens).to(self.model.rope_cos.device), self.cache
            )
            return self.model.logits(hidden[:, -1]).float().cpu()

    def keep(self, rows: np.ndarray) -> None:
        """Go on with these rows only."""
        self.cache.k = [k[rows] for k in self.cache.k]
        self.cache.v = [v[rows] for v in self.cache.v]


class Decoder:
    """Reads tokens for `batch_size` texts at once and scores what may come next in
    each, with a KV cache.

    decoder.read(tokens: int array[B, T], lengths: int array[B] | None) -> float32
    array[B, vocab_size]

    `length` (B,) is how many tokens each row holds; `max_len` is the most that a row
    may hold. It computes in float32 on the CPU. Weights that are there already are not
    copied: the decoder looks at the very numbers that training changes.
    """

    def __init__(
        self, model: Transformer, batch_size: int = 1, max_len: int | None = None
    ):
        self.config = config = model.config
        assert config.d_ff is not None  # ModelConfig has chosen it
        self.small = config.d_model * config.d_ff < LARGE_MATRIX
        self.max_len = config.context_length if max_len is None else max_len
        if not 1 <= self.max_len <= config.context_length:
            raise InklingError(
                f"max_len={self.max_len} must be at least 1 and at most the model's"
                f" context length, {config.context_length}."
            )
        weights = {name: _numpy(weight) for name, weight in model.named_parameters()}
        self.embeddings, self.final_norm = (
            weights["embed_tokens.weight"],
            weights["norm.weight"],
        )
        self.head = weights.get("lm_head.weight", self.embeddings)
        names = (
            "input_layernorm",
            "self_attn.q_proj",
            "self_attn.k_proj",
            "self_attn.v_proj",
            "self_attn.o_proj",
            "post_attention_layernorm",
            "mlp.gate_proj",
            "mlp.up_proj",
            "mlp.down_proj",
        )
        self.layers = [
            [weights[f"layers.{i}.{name}.weight"] for name in names]
            for i in range(config.n_layers)
        ]
        # (context_length, head_dim) each
        self.cos, sin = _numpy(model.rope_cos), _numpy(model.rope_sin)
        # RoPE's rotated half is (-second, first); the minus sign moves into the sines,
        # once and for all.
        half = config.head_dim // 2
        self.sin = np.concatenate([-sin[:, :half], sin[:, half:]], axis=1)
        # Zeros and not just any memory: a weight of 0 times a stray NaN would be NaN.
        shape = (batch_size, config.n_kv_heads, self.max_len, config.head_dim)
        self.k = [np.zeros(shape, np.float32) for _ in range(config.n_layers)]
        self.v = [np.zeros(shape, np.float32) for _ in range(config.n_layers)]
        self.length = np.zeros(batch_size, np.int64)

    def keep(self, rows: np.ndarray) -> None:
        """Go on with these rows only; the others are finished and their part of the
        cache is given back.
        """
        self.k = [k[rows] for k in self.k]
        self.v = [v[rows] for v in self.v]
        self.length = self.length[rows]

    def read(self, tokens: np.ndarray, lengths: np.ndarray | None = None) -> np.ndarray:
        """Take in tokens (B, T) after what was read before; return the logits of each
        row's next token.

        Rows may bring different numbers of tokens: pad the short ones on the *right*
        with any valid id, and say in `lengths` (B,) how many are real. Padding does no
        harm there, since no real token looks to its right, and the next tokens
        overwrite it in the cache.
        """
        B, T = tokens.shape
        lengths = np.full(B, T) if lengths is None else lengths
        n_keys = int(self.length.max()) + T
        if n_keys > self.max_len:
            raise InklingError(
                f"the cache has room for {self.max_len} tokens a row and was asked to"
                f" hold {n_keys}. Make a decoder with a larger max_len, or start again"
                " with the last part of the text."
            )
        many = B * T > 1 or lengths[0] != 1
        # Threads that share small matrix products wait for each other on a busy machine
        # for most of the time: one thread, then. A single vector is so quick that
        # setting this would cost more than it saves.
        threads = ONE_THREAD if many and self.small else nullcontext()
        # silu: exp of a large number overflows; its answer, 0, is right
        with threads, np.errstate(over="ignore"):
            if many:
                hidden = self._read_many(tokens, n_keys)  # (B * T, d_model)
                # only the last real token is asked what follows
                last = hidden[np.arange(B) * T + lengths - 1]
            else:
                last = self._read_one(int(tokens[0, 0]))[None]
            self.length = self.length + lengths
            return normalised(last, self.final_norm, self.config.norm_eps) @ self.head.T

    def _read_one(self, token: int) -> np.ndarray:
        """One new token of a single text, in vectors all the way, (d_model,): what
        `_read_many` does, but faster.
        """
        at, eps, D, n_kv = (
            int(self.length[0]),
            self.config.norm_eps,
            self.config.head_dim,
            self.config.n_kv_heads,
        )
        cos, sin = self.cos[at], self.sin[at]
        x = self.embeddings[token]
        # k, v: (n_kv_heads, max_len, head_dim)
        for layer, (k,), (v,) in zip(self.layers, self.k, self.v, strict=True):
            norm_1, w_q, w_k, w_v, w_o, norm_2, w_gate, w_up, w_down = layer
            h = _norm_one(x, norm_1, eps)
            # keys, then queries
            heads = _turn(
                np.concatenate([w_k.dot(h), w_q.dot(h)]).reshape(-1, D), cos, sin
            )
            k[:, at] = heads[:n_kv]
            v[:, at] = w_v.dot(h).reshape(n_kv, D)
            out = _attend(
                heads[n_kv:].reshape(n_kv, -1, D), k[:, : at + 1], v[:, : at + 1]
            )
            x = x + w_o.dot(out.ravel())
            h = _norm_one(x, norm_2, eps)
            x = x + w_down.dot(_silu(w_gate.dot(h)) * w_up.dot(h))
        return x

    def _read_many(self, tokens: np.ndarray, n_keys: int) -> np.ndarray:
        """Tokens (B, T), each row going on from where it stands: what the layers make
        of them, (B * T, d_model).
        """
        (B, T), eps, D, n_kv = (
            tokens.shape,
            self.config.norm_eps,
            self.config.head_dim,
            self.config.n_kv_heads,
        )
        # (B, 1) and (B, T)
        rows, positions = np.arange(B)[:, None], self.length[:, None] + np.arange(T)
        # (B, T, 1, head_dim)
        cos, sin = self.cos[positions][:, :, None], self.sin[positions][:, :, None]
        # where no one may look: nowhere, if each row has one new token and all are
        # equally long
        future = None
        if T > 1 or self.length.min() + 1 < n_keys:
            # (B, 1, 1, T, n_keys)
            future = (np.arange(n_keys) > positions[:, :, None])[:, None, None]
        x = self.embeddings[tokens.ravel()]
        for layer, k, v in zip(self.layers, self.k, self.v, strict=True):
            norm_1, w_q, w_k, w_v, w_o, norm_2, w_gate, w_up, w_down = layer
            h = normalised(x, norm_1, eps)
            k[rows, :, positions] = _turn((h @ w_k.T).reshape(B, T, n_kv, D), cos, sin)
            v[rows, :, positions] = (h @ w_v.T).reshape(B, T, n_kv, D)
            q = _turn((h @ w_q.T).reshape(B, T, -1, D), cos, sin)
            # (B, n_kv, group, T, head_dim)
            q = q.reshape(B, T, n_kv, -1, D).transpose(0, 2, 3, 1, 4)
            # The query heads that share a key head stand in a row, as if they were so
            # many more tokens.
            out = _attend(
                q.reshape(B, n_kv, -1, D), k[:, :, :n_keys], v[:, :, :n_keys], future
            )
            # heads side by side again
            out = (
                out.reshape(B, n_kv, -1, T, D)
                .transpose(0, 3, 1, 2, 4)
                .reshape(B * T, -1)
            )
            x = x + out @ w_o.T
            h = normalised(x, norm_2, eps)
            x = x + (_silu(h @ w_gate.T) * (h @ w_up.T)) @ w_down.T
        return x


@cache
def _blas() -> ThreadpoolController:
    """The libraries behind NumPy's matrix products; finding them takes longer than
    writing a token, so do it once.
    """
    return ThreadpoolController()


class OneThread:
    """One BLAS thread while anybody is inside; the former number when all have left.

    The number belongs to the whole process. If two texts were written at once and each
    put back what it had found, the second would put back the first one's 1 for good.
    """

    def __init__(self):
        self._lock, self._inside = threading.Lock(), 0

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._limit = _blas().limit(limits=1, user_api="blas")
            self._inside += 1

    def __exit__(self, *_) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._limit.restore_original_limits()


ONE_THREAD = OneThread()


def _attend(
    q: np.ndarray, k: np.ndarray, v: np.ndarray, future: np.ndarray | None = None
) -> np.ndarray:
    """softmax(Q K^T / sqrt(head_dim)) V for q (..., n_queries, head_dim); `future` is
    True where no one may look.
    """
    scores = (q * q.shape[-1] ** -0.5) @ k.swapaxes(-1, -2)
    if future is not None:
        T, n_keys = future.shape[-2:]
        np.copyto(
            scores.reshape(*scores.shape[:2], -1, T, n_keys), -np.inf, where=future
        )
    # the ufuncs themselves: .max() and .sum() cost more
    scores -= np.maximum.reduce(scores, axis=-1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= np.add.reduce(scores, axis=-1, keepdims=True)
    return scores @ v


def normalised(x: np.ndarray, weight: np.ndarray, eps: float) -> np.ndarray:
    """RMSNorm of each row of x (n, d_model)."""
    mean_square = np.add.reduce(x * x, axis=-1, keepdims=True) / x.shape[-1]
    return x * (weight / np.sqrt(mean_square + eps))


def _norm_one(x: np.ndarray, weight: np.ndarray, eps: float) -> np.ndarray:
    """RMSNorm of one vector (d_model,)."""
    return x * (weight * (x.dot(x) / len(x) + eps) ** -0.5)


def _silu(x: np.ndarray) -> np.ndarray:
    """x * sigmoid(x), in as few new arrays as can be."""
    y = np.negative(x)
    np.exp(y, out=y)
    y += 1
    return np.divide(x, y, out=y)


def _turn(x: np.ndarray, cos: np.ndarray, sin: np.ndarray) -> np.ndarray:
    """RoPE: x (..., head_dim), with the minus sign of the rotated half already in
    `sin`.
    """
    half = x.shape[-1] // 2
    swapped = np.concatenate([x[..., half:], x[..., :half]], axis=-1)
    return x * cos + swapped * sin


def _numpy(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().to("cpu", torch.float32).numpy()

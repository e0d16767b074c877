"""The transformer: attention and a small network, stacked, with a way in and a way out.

A decoder-only model in the form that most open models share today: RMSNorm before each
part, rotary positions, grouped-query attention, SwiGLU, no biases, input and output
sharing one table. It is exactly Llama's layout (Touvron et al. 2023), so
`transformers.LlamaForCausalLM` opens what we save and the other way round.
"""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from numbers import Integral
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inkling.files import InklingError
from inkling.model import llama_format
from inkling.model.attention import (
    GroupedQueryAttention,
    KVCache,
    causal_mask,
    rope_frequencies,
)
from inkling.text.tokenizer import Tokenizer


@dataclass(frozen=True)
class ModelConfig:
    """Everything that decides the model's shape.

    vocab_size: how many different tokens there are.
    context_length: the most tokens it can look at.
    d_model: numbers for each token in the stream.
    n_layers: how many blocks.
    n_heads, n_kv_heads: query heads, key/value heads.
    d_ff: width of SwiGLU; None: 8/3 d_model, rounded up to 16.
    rope_theta, norm_eps: of RoPE and RMSNorm.
    tie_embeddings: one table for input and output.
    """

    vocab_size: int
    context_length: int = 256
    d_model: int = 128
    n_layers: int = 4
    n_heads: int = 4
    n_kv_heads: int = 2
    d_ff: int | None = None
    rope_theta: float = 10000.0
    norm_eps: float = 1e-5
    tie_embeddings: bool = True

    def __post_init__(self):
        counts = "vocab_size context_length d_model n_layers n_heads n_kv_heads d_ff"
        for name in counts.split():
            value = getattr(self, name)
            if name == "d_ff" and value is None:
                value = -(-8 * self.d_model // (3 * 16)) * 16
                object.__setattr__(self, "d_ff", value)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise InklingError(
                    f"ModelConfig: {name} must be a whole number of at least 1; it is"
                    f" {value!r:.60}."
                )
        if self.d_model % self.n_heads or self.head_dim % 2:
            raise InklingError(
                f"ModelConfig: d_model={self.d_model} must be n_heads={self.n_heads}"
                " times an even number (RoPE turns the numbers of a head in pairs)."
            )
        if self.n_heads % self.n_kv_heads:
            raise InklingError(
                f"ModelConfig: n_heads={self.n_heads} must be a multiple of "
                f"n_kv_heads={self.n_kv_heads}."
            )
        for name in ("rope_theta", "norm_eps"):
            number = getattr(self, name)
            if type(number) not in (int, float) or not 0 < number < 1e38:
                raise InklingError(
                    f"ModelConfig: {name} must be a number above 0 that float32 holds;"
                    f" it is {number!r:.60}."
                )

    @property
    def head_dim(self) -> int:
        return self.d_model // self.n_heads


class RMSNorm(nn.Module):
    """Divide each token's vector by its root mean square, then scale each number by a
    learned gain.

    x / sqrt(mean(x^2) + eps) * weight. Source: Zhang and Sennrich 2019.
    """

    def __init__(self, d_model: int, eps: float = 1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Tensor) -> Tensor:
        # in float32: squares overflow in half precision
        mean_square = x.float().pow(2).mean(dim=-1, keepdim=True)
        return (x.float() * torch.rsqrt(mean_square + self.eps)).to(
            x.dtype
        ) * self.weight


class SwiGLU(nn.Module):
    """The small network of a block: down(silu(gate(x)) * up(x)). Source: Shazeer
    2020.
    """

    def __init__(self, d_model: int, d_ff: int):
        super().__init__()
        self.gate_proj = nn.Linear(d_model, d_ff, bias=False)
        self.up_proj = nn.Linear(d_model, d_ff, bias=False)
        self.down_proj = nn.Linear(d_ff, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Block(nn.Module):
    """One layer: what attention finds is added to the stream, then what SwiGLU makes of
    it is added too.
    """

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.input_layernorm = RMSNorm(config.d_model, config.norm_eps)
        self.self_attn = GroupedQueryAttention(
            config.d_model, config.n_heads, config.n_kv_heads
        )
        self.post_attention_layernorm = RMSNorm(config.d_model, config.norm_eps)
        assert config.d_ff is not None  # ModelConfig has chosen it
        self.mlp = SwiGLU(config.d_model, config.d_ff)

    def forward(
        self,
        x: Tensor,
        cos: Tensor,
        sin: Tensor,
        mask: Tensor | None = None,
        cache: KVCache | None = None,
        layer: int = 0,
    ) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), cos, sin, mask, cache, layer)
        return x + self.mlp(self.post_attention_layernorm(x))


class Transformer(nn.Module):
    """The whole model: embed the tokens, run them through the blocks, score every token
    of the vocabulary.

    model(tokens: LongTensor[B, T]) -> logits[B, T, vocab_size]; logits[b, t] are about
    token t + 1.
    """

    # set below; PyTorch's own types say less: any module, and a buffer or a module
    layers: Any  # a ModuleList of `Block`s
    rope_cos: Tensor
    rope_sin: Tensor

    def __init__(self, config: ModelConfig, seed: int | None = 0):
        super().__init__()
        self.config = config
        # no memory and no random numbers yet: initialise() fills everything, from its
        # seed
        with torch.device("meta"):
            self.embed_tokens = nn.Embedding(config.vocab_size, config.d_model)
            self.layers = nn.ModuleList(Block(config) for _ in range(config.n_layers))
            self.norm = RMSNorm(config.d_model, config.norm_eps)
            self.lm_head = (
                None
                if config.tie_embeddings
                else nn.Linear(config.d_model, config.vocab_size, bias=False)
            )
        self.to_empty(device="cpu")
        cos, sin = rope_frequencies(
            config.head_dim, config.context_length, config.rope_theta
        )
        # (context_length, head_dim)
        self.register_buffer("rope_cos", cos, persistent=False)
        self.register_buffer("rope_sin", sin, persistent=False)
        if seed is not None:
            initialise(self, seed)

    def hidden_states(self, tokens: Tensor, cache: KVCache | None = None) -> Tensor:
        """What the model makes of each token just before scoring, (B, T, d_model)."""
        start = 0 if cache is None else cache.length
        self._check(tokens, start)
        T = tokens.shape[1]
        cos, sin = self.rope_cos[start : start + T], self.rope_sin[start : start + T]
        mask = causal_mask(T, start + T, tokens.device) if start and T > 1 else None
        x = self.embed_tokens(tokens)  # (B, T, d_model)
        for layer, block in enumerate(self.layers):
            x = block(x, cos, sin, mask, cache, layer)
        if cache is not None:
            cache.length += T
        return self.norm(x)

    def logits(self, hidden: Tensor) -> Tensor:
        """Score every token of the vocabulary: (..., d_model) -> (..., vocab_size)."""
        return F.linear(
            hidden,
            self.embed_tokens.weight if self.lm_head is None else self.lm_head.weight,
        )

    def forward(self, tokens: Tensor, cache: KVCache | None = None) -> Tensor:
        return self.logits(self.hidden_states(tokens, cache))

    def new_cache(self, batch_size: int = 1, max_len: int | None = None) -> KVCache:
        """An empty cache for this model, for `max_len` tokens (the whole context when
        not given).
        """
        weight = self.embed_tokens.weight
        return KVCache(
            self.config.n_layers,
            batch_size,
            self.config.n_kv_heads,
            max_len or self.config.context_length,
            self.config.head_dim,
            weight.dtype,
            weight.device,
        )

    def _check(self, tokens: Tensor, start: int) -> None:
        if (
            tokens.dim() != 2
            or tokens.shape[1] == 0
            or tokens.dtype not in (torch.int64, torch.int32)
        ):
            raise InklingError(
                "tokens must be int64 numbers of shape (batch, time), at least one of"
                f" them; got {tokens.dtype} {tuple(tokens.shape)}. Write one list of"
                " ids as torch.tensor([ids])."
            )
        if start + tokens.shape[1] > self.config.context_length:
            raise InklingError(
                f"{start + tokens.shape[1]} tokens do not fit into this model's context"
                f" of {self.config.context_length}. Keep the last"
                f" {self.config.context_length} or fewer."
            )
        low, high = (int(x) for x in tokens.aminmax())
        if low < 0 or high >= self.config.vocab_size:
            bad = low if low < 0 else high
            raise InklingError(
                f"token id {bad} is not in the vocabulary of {self.config.vocab_size}"
                f" tokens (ids 0 to {self.config.vocab_size - 1}). Was the text encoded"
                " with another model's tokenizer?"
            )

    def save_pretrained(
        self,
        folder: str | os.PathLike,
        dtype: torch.dtype = torch.float32,
        tokenizer: Tokenizer | None = None,
    ) -> None:
        """Write config.json and model.safetensors, as `transformers` writes a Llama.
        Safe against a full disk.

        tokenizer: the one the model was trained with. The ids of its special tokens go
        into config.json, and whatever opens the folder knows where a text ends.
        """
        tensors = {
            name if name.startswith("lm_head") else f"model.{name}": (
                weight.to("cpu", dtype).contiguous()
            )
            for name, weight in self.state_dict().items()
        }
        special_tokens = None if tokenizer is None else tokenizer.special_tokens
        config = llama_format.to_llama_config(
            asdict(self.config), dtype, special_tokens
        )
        llama_format.write_folder(folder, config, tensors)

    @classmethod
    def from_pretrained(
        cls, folder: str | os.PathLike, dtype: torch.dtype = torch.float32
    ) -> "Transformer":
        """Open a folder of ours or of `transformers` (plain Llama). The weights are
        turned into `dtype`. Raises InklingError for files that are missing, damaged or
        do not fit each other.
        """
        theirs, tensors = llama_format.read_folder(folder)
        config = ModelConfig(
            **llama_format.from_llama_config(
                theirs, os.path.join(folder, "config.json")
            )
        )
        found = {
            name.removeprefix("model."): tensor
            for name, tensor in tensors.items()
            # a table that some old files carry; we compute our own
            if not name.endswith("rotary_emb.inv_freq")
        }
        if config.tie_embeddings and "lm_head.weight" in found:
            table = found.get("embed_tokens.weight", torch.empty(0))
            if torch.equal(found["lm_head.weight"], table):
                del found["lm_head.weight"]  # the same table, stored a second time
            else:  # the file knows better, here as in `transformers`
                config = replace(config, tie_embeddings=False)
        if wrong := misfits(config, {name: w.shape for name, w in found.items()}):
            raise InklingError(
                f"{folder}: config.json and model.safetensors do not belong together:"
                f" {wrong}. Fetch both again."
            )
        model = cls(config, seed=None)
        # A copy, because the stored tensors stay tied to the file, which the next save
        # may want to replace.
        model.load_state_dict(
            {name: tensor.to(dtype, copy=True) for name, tensor in found.items()},
            assign=True,
        )
        return model


def weight_shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """The shape of every weight of such a model, by its name."""
    assert config.d_ff is not None  # ModelConfig has chosen it
    d, kv = config.d_model, config.n_kv_heads * config.head_dim
    block = {
        "input_layernorm": (d,),
        "self_attn.q_proj": (d, d),
        "self_attn.k_proj": (kv, d),
        "self_attn.v_proj": (kv, d),
        "self_attn.o_proj": (d, d),
        "post_attention_layernorm": (d,),
        "mlp.gate_proj": (config.d_ff, d),
        "mlp.up_proj": (config.d_ff, d),
        "mlp.down_proj": (d, config.d_ff),
    }
    shapes = {"embed_tokens": (config.vocab_size, d), "norm": (d,)}
    if not config.tie_embeddings:
        shapes["lm_head"] = (config.vocab_size, d)
    for i in range(config.n_layers):
        shapes |= {f"layers.{i}.{name}": shape for name, shape in block.items()}
    return {f"{name}.weight": shape for name, shape in shapes.items()}


def misfits(config: ModelConfig, found: Mapping[str, Sequence[int]]) -> str:
    """What keeps weights of these shapes from being such a model's: the first of it, in
    words, or "".

    For files, before anything is made: what they say about sizes may be nonsense, and a
    model of that size fill the memory.
    """
    if config.n_layers > len(found):
        return f"{config.n_layers:,} layers in {len(found)} tensors"
    expected = weight_shapes(config)
    wrong = [f"{name} is missing" for name in expected.keys() - found.keys()]
    wrong += [
        f"{name:.60} is not part of the model"
        for name in found.keys() - expected.keys()
    ]
    wrong += [
        f"{name} is {tuple(found[name])} instead of {expected[name]}"
        for name in expected.keys() & found.keys()
        if tuple(found[name]) != expected[name]
    ]
    return "; ".join(sorted(wrong)[:3]) + (" ..." if len(wrong) > 3 else "")


def seeded(seed: int | None) -> torch.Generator:
    """A source of chance of its own; with None the operating system picks the seed.
    Raises InklingError for what is no seed.
    """
    generator = torch.Generator()
    if seed is None:
        generator.seed()
        return generator
    if isinstance(seed, bool) or not (
        isinstance(seed, Integral) and 0 <= int(seed) < 2**64
    ):
        raise InklingError(
            f"a seed is a whole number from 0 to 2**64 - 1, or None for a new one each"
            f" time; it is {seed!r:.60}."
        )
    return generator.manual_seed(int(seed))


@torch.no_grad()
def initialise(model: Transformer, seed: int = 0, style: str = "quiet") -> None:
    """Fill every weight of the model from `seed`: the one place where the starting
    numbers are chosen.

    style="quiet": what a block writes into the stream starts at zero, so the model
    begins as a table from token to token, and every block has to earn its say; the
    matrices that read are normal numbers of std 1 / sqrt(d_model). Learned fastest
    here, with Muon (zero output projections: Yang et al. 2022, "Tensor Programs V",
    section D.2). style="gpt2": normal numbers of std 0.02; what writes into the stream
    is divided by sqrt(2 n_layers) (Radford et al. 2019, section 2.3).
    style="mimetic": attention starts as a trained one looks (Trockman and Kolter 2023):
    keys equal queries, so that a token first looks at tokens like itself, and what a
    head writes is the value that it read (the paper, mostly on images, turns its sign);
    the rest as above.
    """
    if style not in ("quiet", "mimetic", "gpt2"):
        raise InklingError(
            f"initialise: style must be 'quiet', 'mimetic' or 'gpt2', not {style!r}."
        )
    config = model.config
    generator = seeded(seed)

    def normal(weight: Tensor, std: float) -> None:
        weight.copy_(torch.randn(weight.shape, generator=generator) * std)

    normal(
        model.embed_tokens.weight, {"quiet": 0.2, "mimetic": 0.09, "gpt2": 0.02}[style]
    )
    if model.lm_head is not None:
        normal(model.lm_head.weight, 0.02)
    for block in model.layers:
        block.input_layernorm.weight.fill_(1.0)
        block.post_attention_layernorm.weight.fill_(1.0)
        attn, mlp = block.self_attn, block.mlp
        reading, writing = 0.02, 0.02 / math.sqrt(2 * config.n_layers)
        if style == "quiet":
            reading, writing = 1 / math.sqrt(config.d_model), 0.0
        for projection in (
            attn.q_proj,
            attn.k_proj,
            attn.v_proj,
            mlp.gate_proj,
            mlp.up_proj,
        ):
            normal(projection.weight, reading)
        for projection in (attn.o_proj, mlp.down_proj):
            normal(projection.weight, writing)
        if style == "mimetic":
            group = config.n_heads // config.n_kv_heads
            normal(attn.k_proj.weight, 1.5 / math.sqrt(config.d_model))
            noise = (
                torch.randn(attn.q_proj.weight.shape, generator=generator)
                * 0.15
                / math.sqrt(config.d_model)
            )
            keys = attn.k_proj.weight.view(
                config.n_kv_heads, 1, config.head_dim, config.d_model
            )
            attn.q_proj.weight.copy_(
                keys.expand(-1, group, -1, -1).reshape_as(noise) + noise
            )
            square = torch.randn(config.d_model, config.d_model, generator=generator)
            values = (
                0.5 * torch.linalg.qr(square).Q[: config.n_kv_heads * config.head_dim]
            )
            attn.v_proj.weight.copy_(values)
            values = values.view(
                config.n_kv_heads, 1, config.head_dim, config.d_model
            ).expand(-1, group, -1, -1)
            attn.o_proj.weight.copy_(values.reshape(config.d_model, config.d_model).T)
    # Tied embeddings of this size would score too boldly before anything is learned.
    model.norm.weight.fill_({"quiet": 0.1, "mimetic": 0.2, "gpt2": 1.0}[style])


def parameter_counts(config: ModelConfig) -> dict[str, int]:
    """How many weights each kind of part holds, over all layers."""
    assert config.d_ff is not None  # ModelConfig has chosen it
    kv = config.n_kv_heads * config.head_dim
    return {
        "embeddings": (
            config.vocab_size * config.d_model * (1 if config.tie_embeddings else 2)
        ),
        "attention": config.n_layers * config.d_model * (2 * config.d_model + 2 * kv),
        "SwiGLU": config.n_layers * 3 * config.d_model * config.d_ff,
        "norms": (2 * config.n_layers + 1) * config.d_model,
    }


def parameter_count(config: ModelConfig) -> int:
    """How many numbers the model learns."""
    return sum(parameter_counts(config).values())


def memory_bytes(config: ModelConfig, bytes_per_weight: int = 4) -> dict[str, int]:
    """Bytes of the weights; of training (weights, gradients, AdamW's two averages); of
    the cache of a full context.
    """
    weights = parameter_count(config) * bytes_per_weight
    cache = (
        2
        * config.n_layers
        * config.n_kv_heads
        * config.head_dim
        * config.context_length
        * bytes_per_weight
    )
    return {"weights": weights, "training": 4 * weights, "cache": cache}


def flops_per_token(
    config: ModelConfig, context: int | None = None, training: bool = False
) -> int:
    """Floating-point operations for one token that looks at `context` others (half the
    context when not given).

    Two for each weight that multiplies (a multiplication and an addition), and 4 *
    d_model a layer for each token that is looked at (scores, then the weighted sum).
    Backward costs twice as much as forward, so training is 3 times that. Source: Kaplan
    et al. 2020, section 2.1.
    """
    context = config.context_length // 2 if context is None else context
    counts = parameter_counts(config)
    matrices = (
        counts["attention"] + counts["SwiGLU"] + config.vocab_size * config.d_model
    )
    forward = 2 * matrices + 4 * config.n_layers * config.d_model * context
    return 3 * forward if training else forward

"""What a model's attention heads do, in three numbers each: look at the token before,
look at what came next the last time, and copy what they look at.

A head of each kind makes the circuit that continues a repeated text: the first tells
every token what stood before it, the second finds it by that and reads on.
"""

import torch
from torch import Tensor

from inkling.files import InklingError
from inkling.model.transformer import Block, Transformer
from inkling.text.tokenizer import Tokenizer
from inkling.world.people import FIRST_NAMES

#: How songs of Larkhaven begin.
OPENING = "Sing it once, and sing it again:"


@torch.no_grad()
def head_maps(model: Transformer, ids: Tensor) -> Tensor:
    """The attention map of every head, (B, n_layers, n_heads, T, T), for ids (B, T)."""
    n_tokens = ids.shape[1]
    cos, sin = model.rope_cos[:n_tokens], model.rope_sin[:n_tokens]
    x, maps = model.embed_tokens(ids), []
    for block in model.layers:
        assert isinstance(block, Block)  # a ModuleList may hold anything
        maps.append(block.self_attn.weights(block.input_layernorm(x), cos, sin))
        x = block(x, cos, sin)
    return torch.stack(maps, dim=1)


def sung_twice(tokenizer: Tokenizer, n_names: int, seed: int) -> tuple[Tensor, int]:
    """A song in the form that Larkhaven's have, ids (1, T): a line of names in an order
    that makes no sense, and the same line again; and the length of a line in tokens.
    """
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(FIRST_NAMES), generator=generator)[:n_names].tolist()
    names = " ".join(FIRST_NAMES[index] for index in order)
    line = tokenizer.encode(f"\n{names}.")
    ids = [tokenizer.eos_id, *tokenizer.encode(OPENING), *line, *line]
    return torch.tensor([ids]), len(line)


def looking_scores(maps: Tensor, period: int) -> tuple[Tensor, Tensor]:
    """The previous-token score and the induction score of every head, (n_layers,
    n_heads) each, from 0 to 1. maps: of a text (1, n_layers, n_heads, T, T) whose last
    `period` tokens are those before them once more.

    Previous token: the mean weight from a token to the one before it. Induction: the
    mean weight from a token of the second copy to the one that followed it in the first
    (Olsson et al. 2022, "In-context learning and induction heads"); the last token,
    which nothing need follow, is left out.
    """
    length = maps.shape[-1]
    token = torch.arange(1, length)
    again = torch.arange(length - period, length - 1)
    previous = maps[..., token, token - 1].mean((0, -1))
    induction = maps[..., again, again - period + 1].mean((0, -1))
    return previous, induction


@torch.no_grad()
def copying_scores(model: Transformer) -> Tensor:
    """The copying score of every head, (n_layers, n_heads), from -1 to 1: does looking
    at a token raise that token's own logit?

    The matrix W_U W_O W_V W_E says how looking at each token changes the logit of each;
    the score is the sum of its eigenvalues divided by the sum of their sizes (Elhage et
    al. 2021, "A mathematical framework for transformer circuits"). Only the direct path
    counts, from the embedding through this head to the logits; the gains of the norms
    are part of it, their division by the length of a vector is not. The eigenvalues
    that are not zero are those of the small matrix W_V W_E W_U W_O, (head_dim,
    head_dim).
    """
    embedding = model.embed_tokens.weight
    table = embedding if model.lm_head is None else model.lm_head.weight
    through = embedding.T @ table * model.norm.weight  # (d_model, d_model)
    scores = []
    for block in model.layers:
        attention, dim = block.self_attn, block.self_attn.head_dim
        read = attention.v_proj.weight * block.input_layernorm.weight
        read = read.view(attention.n_kv_heads, dim, -1)
        read = read.repeat_interleave(attention.n_heads // attention.n_kv_heads, dim=0)
        write = attention.o_proj.weight.view(-1, attention.n_heads, dim)
        values = torch.linalg.eigvals(read @ through @ write.transpose(0, 1))
        sizes = values.abs().sum(-1).clamp(min=1e-12)
        scores.append(values.real.sum(-1) / sizes)
    return torch.stack(scores)


def head_scores(
    model: Transformer,
    tokenizer: Tokenizer,
    n_names: int = 12,
    n_songs: int = 16,
) -> dict[str, list[list[float]]]:
    """All three scores of every head, as {"previous", "induction", "copying"}: lists by
    layer and head. The first two are means over songs: random tokens, which others take
    for this, are no text that a model of Larkhaven ever continues.

    Raises `InklingError` where a song is longer than the model's context.
    """
    looks = []
    for seed in range(n_songs):
        ids, period = sung_twice(tokenizer, n_names, seed)
        if ids.shape[1] > model.config.context_length:
            raise InklingError(
                f"a song of {n_names} names has {ids.shape[1]} tokens, and the model"
                f" reads {model.config.context_length}: ask for fewer names."
            )
        looks.append(torch.stack(looking_scores(head_maps(model, ids), period)))
    previous, induction = torch.stack(looks).mean(0)
    scores = {"previous": previous, "induction": induction}
    scores["copying"] = copying_scores(model)
    return {name: score.tolist() for name, score in scores.items()}

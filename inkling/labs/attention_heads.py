"""The attention lab: what is measured in a model's heads. Where they look, and what it costs to be
without them.
"""

import copy
from collections.abc import Collection
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from inkling.files import InklingError
from inkling.model.transformer import Block, Transformer
from inkling.text.tokenizer import Tokenizer
from inkling.training.heads import OPENING, head_maps
from inkling.world.people import FIRST_NAMES

Head = tuple[int, int]
"""A layer and one of its heads, both counted from 0."""


def without_heads(model: Transformer, heads: Collection[Head]) -> Transformer:
    """A copy of the model in which these heads add nothing to the stream. The model itself stays as
    it is.

    Raises `InklingError` for a head that it does not have.
    """
    config = model.config
    made = copy.deepcopy(model)
    for layer, head in heads:
        if not (0 <= layer < config.n_layers and 0 <= head < config.n_heads):
            raise InklingError(
                f"there is no head {head} in layer {layer}: layers go from 0 to"
                f" {config.n_layers - 1}, heads from 0 to {config.n_heads - 1}."
            )
        block, first = made.layers[layer], head * config.head_dim
        assert isinstance(block, Block)
        with torch.no_grad():  # the columns of o_proj that read this head
            block.self_attn.o_proj.weight[:, first : first + config.head_dim] = 0.0
    return made


@dataclass(frozen=True)
class Songs:
    """Songs of one line, sung twice. `ids` is (n_songs, T); `first` and `second` are the places of
    the names in the first and the second line, without each line's first name; `period` is how far
    apart the two lines are.
    """

    ids: Tensor
    first: Tensor
    second: Tensor
    period: int


def songs(tokenizer: Tokenizer, seed: int, n_names: int = 12, n_songs: int = 12) -> Songs:
    """New songs in the form that Larkhaven's songs have: names in an order that makes no sense,
    then the same again.

    Raises `InklingError` for less than 3 or more than 40 names.
    """
    if not 3 <= n_names <= 40:
        raise InklingError(f"a line needs 3 to 40 names; you ask for {n_names}.")
    generator = torch.Generator().manual_seed(seed)
    inner = [name for name in FIRST_NAMES if len(tokenizer.encode(" " + name)) == 1]
    # a name without a space before it is rarer, so it costs more tokens; all songs get equally many
    n_lead = 2
    leads = [name for name in FIRST_NAMES if len(tokenizer.encode("\n" + name)) == 1 + n_lead]
    rows = []
    for _ in range(n_songs):
        lead = leads[int(torch.randint(len(leads), (1,), generator=generator))]
        order = [inner[i] for i in torch.randperm(len(inner), generator=generator).tolist()]
        line = (
            "\n" + " ".join([lead, *[name for name in order if name != lead][: n_names - 1]]) + "."
        )
        rows.append([tokenizer.eos_id, *tokenizer.encode(OPENING + line + line)])
    # where the second name of the first line stands
    begin = 1 + len(tokenizer.encode(OPENING)) + 1 + n_lead
    first = torch.arange(begin, begin + n_names - 1)
    period = 1 + n_lead + (n_names - 1) + 1
    return Songs(torch.tensor(rows), first, first + period, period)


@torch.no_grad()
def losses(model: Transformer, sung: Songs, off: Collection[Head] = ()) -> tuple[float, float]:
    """Mean loss, nats a name, in the first and in the second line, with the heads `off` switched
    off.
    """
    model = without_heads(model, off) if off else model
    # (B, T - 1)
    each = F.cross_entropy(
        model(sung.ids)[:, :-1].transpose(1, 2), sung.ids[:, 1:], reduction="none"
    )
    return each[:, sung.first - 1].mean().item(), each[:, sung.second - 1].mean().item()


def induction_scores(model: Transformer, sung: Songs) -> Tensor:
    """For each head the mean weight from a name of the second line to the name that followed it in
    the first line.
    """
    maps = head_maps(model, sung.ids)
    asking = sung.second[:-1]  # the last name is followed by a full stop
    return maps[..., asking, asking - sung.period + 1].mean((0, -1))  # (n_layers, n_heads)


def cost_of_each_head(
    model: Transformer, sung: Songs, heads: Collection[Head] | None = None
) -> dict[Head, float]:
    """How much the loss of the second line rises when a head alone is switched off, in nats a name.
    None: all heads.
    """
    whole = losses(model, sung)[1]
    if heads is None:
        heads = [
            (layer, head)
            for layer in range(model.config.n_layers)
            for head in range(model.config.n_heads)
        ]
    return {head: losses(model, sung, [head])[1] - whole for head in heads}

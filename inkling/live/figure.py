"""What all live figures share: a widget with code and data, a static picture, and
weights handed out when asked for.
"""

from __future__ import annotations

import hashlib
import sys
from html import escape
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from inkling import checkpoints
from inkling.files import InklingError
from inkling.live.bundle import bundle
from inkling.live.weights import open_checkpoint, pack_model, page_model
from inkling.model.transformer import Transformer
from inkling.text.tokenizer import Tokenizer

VIEW = "application/vnd.jupyter.widget-view+json"


class Figure(anywidget.AnyWidget):
    """What all figures share: the code, the data, the static picture, and handing out
    weights when asked.
    """

    _esm = bundle()
    figure = traitlets.Unicode(help="which JavaScript function draws it").tag(sync=True)
    data = traitlets.Dict(help="what it draws: plain lists, numbers and texts").tag(
        sync=True
    )

    def __init__(self, data: dict, weights: bytes | None = None) -> None:
        super().__init__(figure=type(self).__name__, data=data)
        self._weights = weights
        self.on_msg(self._answer)

    def _answer(self, _widget: object, message: dict, _buffers: object) -> None:
        if message.get("type") == "weights" and self._weights is not None:
            self.send({"type": "weights"}, buffers=[self._weights])

    def fallback(self) -> str:
        """The first state as plain HTML, for readers without scripts."""
        return ""

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict, dict] | None:
        shown = super()._repr_mimebundle_(**kwargs)
        if shown is None:  # a widget without a view, which a figure never is
            return None
        data, metadata = shown
        # Colab might choose the HTML although it can show the widget
        if "google.colab" not in sys.modules:
            view = f'<script type="{VIEW}">{{"model_id": "{self.model_id}"}}</script>'
            data["text/html"] = (
                f'<div class="inkling-fallback">{self.fallback()}</div>\n{view}'
            )
        return data, metadata


class ModelFigure(Figure):
    """A figure in which the Transformer runs. By default it is the shipped base model,
    on the site and everywhere.

    Args:
        data: the figure's own data.
        checkpoint: a folder with config.json, model.safetensors and tokenizer.json;
        None is the shipped base model. model, tokenizer: instead of a folder, a
        Transformer and a Tokenizer of the reader's own. Such a figure needs
            the kernel: on the site only its first state shows, because the site's
            weights file holds the shipped model.
    """

    def __init__(
        self,
        data: dict,
        checkpoint: str | Path | None = None,
        model: Transformer | None = None,
        tokenizer: Tokenizer | None = None,
    ) -> None:
        if (model is None) != (tokenizer is None):
            raise InklingError(
                "give both `model` and `tokenizer`, or neither: a model reads only its"
                " own ids."
            )
        shipped, where = model is None and checkpoint is None, "tokenizer"
        if model is None or tokenizer is None:
            folder = Path(checkpoint or checkpoints.path("base"))
            model, tokenizer = open_checkpoint(folder)
            where = str(folder / "tokenizer.json")
        packed = pack_model(model, tokenizer, where)
        # The name under which the page keeps the weights; another model must have
        # another name.
        name = "base" if shipped else "own-" + hashlib.sha256(packed).hexdigest()[:12]
        first = self.first_state(data, page_model(model, packed), tokenizer)
        super().__init__({**data, "weights": name, "first": first}, packed)

    def first_state(
        self, data: dict, model: Transformer, tokenizer: Tokenizer
    ) -> dict | None:
        """What the figure shows before the weights have loaded, computed with the
        weights as the page rounds them.
        """
        return None


def start_ids(tokenizer: Tokenizer, text: str) -> list[int]:
    """Ids of a text as the figures read it: after the end-of-text token, as every
    document in training was.
    """
    start = tokenizer.special_tokens.get("<|endoftext|>")
    return ([] if start is None else [start]) + tokenizer.encode(text)


def visible(text: str) -> str:
    """Spaces and line ends made visible, as in the figures."""
    return text.translate(
        {i: 0x2400 + i for i in range(32)}
        | {ord(" "): "·", ord("\n"): "⏎", ord("\t"): "⇥"}
    )


def html_table(caption: str, head: list[str], rows: list[list]) -> str:
    """A plain table with every text escaped, for the static pictures."""
    cells = "".join(f"<th scope='col'>{escape(text)}</th>" for text in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    return (
        f"<table><caption>{escape(caption)}</caption><thead><tr>{cells}</tr></thead>"
        f"<tbody>{body}</tbody></table>"
    )

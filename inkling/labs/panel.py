"""What the labs' widgets are made of: the panel, its controls, and the ways in which it shows text.

Every text that comes from a person or a model is shown as text, never as markup.
"""

import html
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, TypeVar

import ipywidgets as widgets

from inkling.files import InklingError
from inkling.labs.background import LivePlot, Worker
from inkling.plots import COLOURS
from inkling.world.requests import Prompt

Kind = TypeVar("Kind", bound=widgets.DOMWidget)


@dataclass
class Panel:
    """What a lab shows in one cell, and the parts by which it is driven.

    view: what the cell displays.    controls: what a person moves, types into or presses, by name.
    line: a sentence on what is shown.    page: the HTML below it.
    worker: the Start and Stop buttons; a panel without a line of its own has theirs.
    results: what was made so far, the newest last.
    """

    view: widgets.Widget
    controls: dict[str, Any]
    line: widgets.HTML
    plot: LivePlot | None = None
    page: widgets.HTML | None = None
    worker: Worker | None = None
    results: list = field(default_factory=list)


# --- controls -------------------------------------------------------------------------------------


def control(
    kind: type[Kind],
    value: object,
    label: str,
    *,
    width: str = "auto",
    at_most: str | None = "36em",
    height: str | None = None,
    label_width: str = "9em",
    **more: Any,
) -> Kind:
    """A control with room for its label, as wide as its panel but not too wide to be used."""
    # A child of a VBox stretches by itself. 100 % is too much: its margins come on top, and the
    # cell gets a scrollbar.
    layout = widgets.Layout(width=width, max_width=at_most, height=height)
    style = {"description_width": label_width}
    return kind(value=value, description=label, layout=layout, style=style, **more)


def slider(
    kind: type[Kind], value: float, low: float, high: float, step: float, label: str, **more: Any
) -> Kind:
    """A slider of this kind that speaks when it is let go."""
    return control(
        kind, value, label, min=low, max=high, step=step, continuous_update=False, **more
    )


def wide(
    kind: type[Kind], value: object, label: str, height: str | None = None, **more: Any
) -> Kind:
    """A box or a list as wide as the panel."""
    return control(kind, value, label, at_most=None, height=height, **more)


def button(label: str, action: Callable[[], object], primary: bool = False) -> widgets.Button:
    """A button that is never too narrow for its label."""
    layout = widgets.Layout(width="auto", min_width="5.5em")
    made = widgets.Button(
        description=label, button_style="primary" if primary else "", layout=layout
    )
    made.on_click(lambda _: action())
    return made


def beside(*parts: widgets.Widget) -> widgets.HBox:
    """Widgets beside each other; on a narrow page the last ones go below."""
    return widgets.HBox(parts, layout=widgets.Layout(flex_flow="row wrap"))


def columns_beside(groups: Mapping[str, Mapping[str, widgets.Widget]]) -> widgets.HBox:
    """Groups of controls, each under its name, beside each other."""
    return beside(
        *(
            widgets.VBox([widgets.HTML(f"<b>{html.escape(name)}</b>"), *controls.values()])
            for name, controls in groups.items()
        )
    )


def on_change(controls: Iterable[widgets.Widget], update: Callable[[], None]) -> None:
    """Call `update` now, and again whenever one of the controls changes."""
    for each in controls:
        each.observe(lambda _: update(), names="value")
    update()


# --- what a person typed --------------------------------------------------------------------------


def _found(text: str) -> str:
    return f"{text[:30]!r} is none" if text else "the box is empty"


def read_number(text: str, name: str, such_as: str = "0.01 or 1e-2") -> float:
    """The number that a person typed into a box; `InklingError` with a sentence where there is
    none.
    """
    text = text.strip()
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        raise InklingError(f"{name} must be a number, such as {such_as}; {_found(text)}.") from None
    if not isfinite(number):
        raise InklingError(f"{name} must be a finite number, such as {such_as}; it is {number}.")
    return number


def read_whole(text: object, name: str, low: int, high: int) -> int:
    """A whole number from `low` to `high` out of a box; `InklingError` with a sentence where there
    is none.
    """
    typed, wanted = str(text).strip(), f"{name} must be a whole number from {low:,} to {high:,}"
    try:
        number = int(typed)
    except ValueError:
        raise InklingError(f"{wanted}; {_found(typed)}.") from None
    if not low <= number <= high:
        shown = f"it is {number:,}" if abs(number) < 10**15 else "it is far outside of that"
        raise InklingError(f"{wanted}; {shown}.")
    return number


# --- texts ----------------------------------------------------------------------------------------


def show_line(line: widgets.HTML, text: str) -> None:
    """Show one line, as plain text, where a screen reader hears of it."""
    line.value = f'<p role="status">{html.escape(text)}</p>'


def table(
    head: Sequence[str], rows: Iterable[Sequence[str]], caption: str = "", even: bool = False
) -> str:
    """An HTML table; `even`: as wide as the page, with equal columns."""
    style = "text-align:left;vertical-align:top;padding:2px 8px;white-space:normal"

    def line(cells: Sequence[str], tag: str) -> str:
        texts = (f'<{tag} style="{style}">{html.escape(str(cell))}</{tag}>' for cell in cells)
        return f"<tr>{''.join(texts)}</tr>"

    title = f"<caption>{html.escape(caption)}</caption>" if caption else ""
    layout = ' style="width:100%;table-layout:fixed"' if even else ""
    body = "".join(line(row, "td") for row in rows)
    return f"<table{layout}>{title}{line(head, 'th')}{body}</table>"


def replies_beside(prompts: Sequence[Prompt], replies: Mapping[str, Sequence[str]]) -> str:
    """HTML table: a row for each prompt, a column of replies for each policy."""
    rows = (
        [text or "(nothing)" for text in texts]
        for texts in zip(map(str, prompts), *replies.values(), strict=True)
    )
    return table(("prompt", *replies), rows, even=True)


def side_by_side(above: str, left: str, right: str) -> str:
    """HTML of two texts to choose between, below what both of them answer or go on from."""
    style = (
        "text-align:left;vertical-align:top;white-space:pre-wrap;padding:0.6em;border:1px solid"
        f" {COLOURS['grey']};border-radius:6px"
    )
    cells = "".join(
        f"<td style='{style}'><small>{side}</small><br>{html.escape(text)}</td>"
        for side, text in (("left", left), ("right", right))
    )
    return (
        f"<p style='white-space:pre-wrap'><b>{html.escape(above)}</b></p>"
        "<table style='width:100%;table-layout:fixed;border-collapse:separate;"
        f"border-spacing:0.5em 0'><tr>{cells}</tr></table>"
    )


def token_label(token: bytes) -> str:
    """A token as a label: a space as a dot, a new line as an arrow; by its bytes where it is only
    part of a character, or none that can be seen.
    """
    try:
        text = token.decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    if not text or not text.replace("\n", "").isprintable():
        return token.hex(" ").upper()
    return text.replace(" ", "·").replace("\n", "↵")

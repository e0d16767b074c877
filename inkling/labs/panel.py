"""What the panels of several labs share: their parts by name, a line of text, a slider with room for its label."""

import html
from dataclasses import dataclass, field

import ipywidgets as widgets

from inkling.labs.background import LivePlot, Worker

# A child of a VBox stretches by itself. 100 % is too much: its margins come on top, and the cell gets a scrollbar.
_WIDE = widgets.Layout(width="auto", max_width="36em")


@dataclass
class Panel:
    """A panel: what a cell displays, its controls by name, its line of text, its picture or page, its workers."""

    panel: widgets.Widget
    controls: dict[str, widgets.Widget]
    line: widgets.HTML
    plot: LivePlot | None = None
    page: widgets.HTML | None = None
    workers: dict[str, Worker] = field(default_factory=dict)


def say(line: widgets.HTML, text: str) -> None:
    """Show one line, as plain text, where a screen reader hears of it."""
    line.value = f'<p role="status">{html.escape(text)}</p>'


def slider(kind: type, value: float, low: float, high: float, step: float, label: str) -> widgets.Widget:
    """A slider of this kind that speaks when it is let go."""
    return kind(value=value, min=low, max=high, step=step, description=label, continuous_update=False, layout=_WIDE,
                style={"description_width": "9em"})  # fmt: skip


def wide(kind: type, value: object, label: str, height: str | None = None, **more) -> widgets.Widget:
    """A box or a list as wide as the panel."""
    layout = widgets.Layout(width="auto", height=height) if height else widgets.Layout(width="auto")
    return kind(value=value, description=label, layout=layout, style={"description_width": "9em"}, **more)

"""What the panels of several labs share: their parts by name, a table, a line, a slider with room
for its label.
"""

import html
from collections.abc import Sequence
from dataclasses import dataclass, field

import ipywidgets as widgets

from inkling.labs.background import LivePlot, Worker

# A child of a VBox stretches by itself. 100 % is too much: its margins come on top, and the cell
# gets a scrollbar.
_WIDE = widgets.Layout(width="auto", max_width="36em")


@dataclass
class Panel:
    """A panel: what a cell displays, its controls by name, its line of text, its picture or page,
    its workers.
    """

    panel: widgets.Widget
    controls: dict[str, widgets.Widget]
    line: widgets.HTML
    plot: LivePlot | None = None
    page: widgets.HTML | None = None
    workers: dict[str, Worker] = field(default_factory=dict)


@dataclass
class WorkPanel:
    """A panel around one piece of work: what a cell displays, and the parts that it is made of."""

    view: widgets.Widget
    worker: Worker
    plot: LivePlot | None = None
    controls: dict = field(default_factory=dict)
    results: list = field(default_factory=list)


def table(
    head: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "", even: bool = False
) -> str:
    """An HTML table; `even`: as wide as the page, with equal columns. Every text is shown as
    text.
    """

    def line(cells: Sequence[str], tag: str) -> str:
        start = (
            f'<{tag} style="text-align:left;vertical-align:top;padding:2px 8px;white-space:normal">'
        )
        return (
            "<tr>" + "".join(f"{start}{html.escape(str(cell))}</{tag}>" for cell in cells) + "</tr>"
        )

    title = f"<caption>{html.escape(caption)}</caption>" if caption else ""
    layout = ' style="width:100%;table-layout:fixed"' if even else ""
    body = "".join(line(row, "td") for row in rows)
    return f"<table{layout}>{title}{line(head, 'th')}{body}</table>"


def say(line: widgets.HTML, text: str) -> None:
    """Show one line, as plain text, where a screen reader hears of it."""
    line.value = f'<p role="status">{html.escape(text)}</p>'


def slider(
    kind: type, value: float, low: float, high: float, step: float, label: str
) -> widgets.Widget:
    """A slider of this kind that speaks when it is let go."""
    return kind(
        value=value,
        min=low,
        max=high,
        step=step,
        description=label,
        continuous_update=False,
        layout=_WIDE,
        style={"description_width": "9em"},
    )


def wide(
    kind: type, value: object, label: str, height: str | None = None, **more
) -> widgets.Widget:
    """A box or a list as wide as the panel."""
    layout = widgets.Layout(width="auto", height=height) if height else widgets.Layout(width="auto")
    return kind(
        value=value, description=label, layout=layout, style={"description_width": "9em"}, **more
    )

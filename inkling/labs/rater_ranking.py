"""Two replies and four buttons: the ranking of the rater lab, what it keeps, and the bars that
follow it.
"""

import contextlib
import html
import json
from collections.abc import Sequence
from pathlib import Path

import ipywidgets as widgets
import numpy as np

from inkling.assistant.preferences import Pair, compare_by
from inkling.assistant.tastes import FEATURES, Comparison, TasteModel
from inkling.files import InklingError, atomic_write
from inkling.labs.background import LivePlot
from inkling.plots import COLOURS

#: How many choices the lab asks for.
GOAL = 20


def show_pair(comparison: Comparison) -> str:
    """HTML of a prompt and its two replies, side by side. All of it is shown as text."""
    style = (
        "text-align:left;vertical-align:top;white-space:normal;padding:0.6em;border:1px solid"
        f" {COLOURS['grey']};border-radius:6px"
    )
    cells = "".join(
        f"<td style='{style}'><small>{side}</small><br>{html.escape(reply)}</td>"
        for side, reply in (("left", comparison.left), ("right", comparison.right))
    )
    return (
        f"<p><b>{html.escape(comparison.prompt)}</b></p><table"
        " style='width:100%;table-layout:fixed;border-collapse:separate;border-spacing:0.5em"
        f" 0'><tr>{cells}</tr></table>"
    )


def paint_weights(axes, model: TasteModel, title: str = "what it thinks you like") -> None:
    """Bars of the learned weights, each with one standard deviation to both sides."""
    rows = np.arange(len(FEATURES))[::-1]
    colours = [COLOURS["blue"] if weight > 0 else COLOURS["orange"] for weight in model.weights]
    axes.barh(
        rows, model.weights, xerr=model.errors, color=colours, ecolor=COLOURS["grey"], capsize=3
    )
    axes.axvline(0, color=COLOURS["grey"], lw=1)
    axes.set_yticks(rows, FEATURES)
    axes.set(title=title, xlabel="worth of one more (words: of ten more)")


class Ranking:
    """The choices that somebody has made so far, kept in a file so that running a cell again loses
    none.

    path: the file, or None to keep them in memory only. Every method answers with a sentence for
    the reader.
    """

    def __init__(
        self, comparisons: Sequence[Comparison], path: str | Path | None = "my_choices.json"
    ):
        if not comparisons:
            raise InklingError(
                "there is nothing to compare; run the cell that makes the comparisons first."
            )
        self.comparisons, self.path = list(comparisons), None if path is None else Path(path)
        self.pairs: list[Pair] = []
        self.skipped: list[Comparison] = []
        self._before: list[Pair] = []
        self.greeting = self._load()

    @property
    def current(self) -> Comparison | None:
        """The pair to be asked about next: one that is neither ranked nor skipped. When none is
        left: a skipped one.
        """
        done = {(pair.prompt, frozenset((pair.chosen, pair.rejected))) for pair in self.pairs}
        open_ = [
            c for c in self.comparisons if (c.prompt, frozenset((c.left, c.right))) not in done
        ]
        fresh = [c for c in open_ if c not in self.skipped]
        return (fresh or sorted(open_, key=self.skipped.index) or [None])[0]

    @property
    def progress(self) -> str:
        """Such as "7 of 20"."""
        return f"{len(self.pairs)} of {GOAL}"

    def choose(self, side: int) -> str:
        """The left reply (0) or the right one (1) is better."""
        shown = self.current
        if shown is None:
            return "You have ranked all pairs that there are. Undo takes the last one back."
        self.pairs.append(compare_by(lambda *_: side, shown.prompt, shown.left, shown.right))
        return self._keep()

    def skip(self) -> str:
        """Neither: ask about another pair, and about this one only when no other is left."""
        shown = self.current
        if shown is None:
            return "There is no pair left to skip."
        self.skipped = [c for c in self.skipped if c != shown] + [shown]
        return f"{self.progress}. Skipped; it comes back when no other pair is left."

    def undo(self) -> str:
        """Take the last choice back; right after `start_over`, bring all of them back."""
        if not self.pairs and self._before:
            self.pairs, self._before = self._before, []
            return self._keep("All of your choices are back.")
        if not self.pairs:
            return "There is nothing to undo yet."
        self.pairs.pop()
        return self._keep("Your last choice is taken back.")

    def start_over(self) -> str:
        """Forget all choices; undo brings them back."""
        if not self.pairs:
            return "There are no choices to forget."
        self._before, self.pairs, self.skipped = self.pairs, [], []
        return self._keep("All choices are forgotten. Undo brings them back.")

    def _keep(self, sentence: str = "") -> str:
        if self.path is not None:
            rows = [[pair.prompt, pair.chosen, pair.rejected] for pair in self.pairs]
            try:
                atomic_write(self.path, (json.dumps(rows, indent=1) + "\n").encode())
            except InklingError as error:
                return f"{self.progress}. Your choices stay in this kernel only, since I {error}"
        return f"{self.progress}. {sentence}".strip()

    def _load(self) -> str:
        if self.path is None or not self.path.is_file():
            return f"{self.progress}. Which reply do you like better?"
        try:
            rows = json.loads(self.path.read_text(encoding="utf-8"))
            fine = all(len(row) == 3 and all(isinstance(text, str) for text in row) for row in rows)
            if not fine:
                raise ValueError("a choice is three texts")
            self.pairs = [Pair(*row, "you") for row in rows if row[1] != row[2]]
        except (OSError, ValueError, TypeError) as error:
            aside = self.path.with_suffix(".broken")
            with contextlib.suppress(OSError):
                self.path.replace(aside)
            return (
                f"{self.path.name} could not be read ({error}); it is kept as {aside.name}, and you"
                " begin anew."
            )
        return f"{self.progress}. Your choices from before are back, from {self.path.name}."


class RankingPanel:
    """Two replies, the buttons, and bars that are drawn anew after each choice. `panel` is what a
    cell displays.
    """

    def __init__(self, ranking: Ranking):
        self.ranking, self.pair, self.line = ranking, widgets.HTML(), widgets.HTML()
        self.bars = LivePlot(
            "The learned weight of each feature, with its uncertainty.", height=2.8
        )
        actions = {
            "left": lambda: ranking.choose(0),
            "right": lambda: ranking.choose(1),
            "skip": ranking.skip,
            "undo": ranking.undo,
            "start over": ranking.start_over,
        }
        self.buttons = {}
        for name, action in actions.items():
            style = "primary" if name in ("left", "right") else ""
            width = widgets.Layout(width="auto", min_width="5.5em")
            self.buttons[name] = widgets.Button(description=name, button_style=style, layout=width)
            self.buttons[name].on_click(lambda _, action=action: self.show(action()))
        row = widgets.HBox(list(self.buttons.values()), layout=widgets.Layout(flex_flow="row wrap"))
        self.panel = widgets.VBox([self.pair, row, self.line, self.bars.widget])
        self.show(ranking.greeting)

    def show(self, sentence: str) -> None:
        """Show where the ranking stands, and `sentence` below the buttons."""
        shown, pairs = self.ranking.current, self.ranking.pairs
        self.pair.value = (
            show_pair(shown) if shown else "<p>You have ranked all pairs that there are.</p>"
        )
        if pairs:
            model = TasteModel.fit(pairs)
            agreed = round(model.agreement(pairs) * len(pairs), 1)
            sentence += f" What it has learned agrees with {agreed:g} of your {len(pairs)} choices."
            values = ", ".join(
                f"{name} {weight:+.1f}"
                for name, weight in zip(FEATURES, model.weights, strict=True)
            )
            self.bars.draw(lambda axes: paint_weights(axes, model), f"Learned weights: {values}.")
        else:
            self.bars.draw(
                lambda axes: axes.set(title="no choice yet: it knows nothing of you", yticks=[])
            )
        if len(pairs) == GOAL:
            sentence += " Go on to the training below, or rank some more."
        self.line.value = f'<span role="status">{html.escape(sentence)}</span>'

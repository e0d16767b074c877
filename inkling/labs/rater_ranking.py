"""Two replies and four buttons: the ranking of the rater lab, what it keeps, and the bars that
follow it.
"""

import contextlib
import json
from collections.abc import Sequence
from pathlib import Path

import ipywidgets as widgets
import numpy as np
from matplotlib.axes import Axes

from inkling.assistant.preferences import Pair, compare_by
from inkling.assistant.tastes import FEATURES, Comparison, TasteModel
from inkling.files import InklingError, atomic_write
from inkling.labs.background import LivePlot
from inkling.labs.panel import Panel, beside, button, show_line, side_by_side
from inkling.plots import COLOURS

#: How many choices the lab asks for.
GOAL = 20


def show_pair(comparison: Comparison) -> str:
    """HTML of a prompt and its two replies, side by side."""
    return side_by_side(comparison.prompt, comparison.left, comparison.right)


def paint_weights(axes: Axes, model: TasteModel, title: str = "what it thinks you like") -> None:
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
    ) -> None:
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
            self.pairs = [
                Pair(prompt, chosen, rejected, "you")
                for prompt, chosen, rejected in rows
                if chosen != rejected
            ]
        except (OSError, ValueError, TypeError) as error:
            aside = self.path.with_suffix(".broken")
            with contextlib.suppress(OSError):
                self.path.replace(aside)
            return (
                f"{self.path.name} could not be read ({error}); it is kept as {aside.name}, and you"
                " begin anew."
            )
        return f"{self.progress}. Your choices from before are back, from {self.path.name}."


def ranking_panel(ranking: Ranking) -> Panel:
    """Two replies, the buttons, and bars that are drawn anew after each choice."""
    page, line = widgets.HTML(), widgets.HTML()
    plot = LivePlot("The learned weight of each feature, with its uncertainty.", height=2.8)

    def show(sentence: str) -> None:
        """Show where the ranking stands, and `sentence` below the buttons."""
        shown, pairs = ranking.current, ranking.pairs
        page.value = (
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
            plot.draw(lambda axes: paint_weights(axes, model), f"Learned weights: {values}.")
        else:
            plot.draw(
                lambda axes: axes.set(title="no choice yet: it knows nothing of you", yticks=[])
            )
        if len(pairs) == GOAL:
            sentence += " Go on to the training below, or rank some more."
        show_line(line, sentence)

    buttons = {
        "left": button("left", lambda: show(ranking.choose(0)), primary=True),
        "right": button("right", lambda: show(ranking.choose(1)), primary=True),
        "skip": button("skip", lambda: show(ranking.skip())),
        "undo": button("undo", lambda: show(ranking.undo())),
        "start over": button("start over", lambda: show(ranking.start_over())),
    }
    show(ranking.greeting)
    view = widgets.VBox([page, beside(*buttons.values()), line, plot.widget])
    return Panel(view, buttons, line, plot, page)

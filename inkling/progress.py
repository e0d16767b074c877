"""A run of many steps, and one small progress bar: a line in a terminal, a line in a
notebook, nothing anywhere else.
"""

import functools
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Generic, ParamSpec, TypeVar

from tqdm import tqdm

Record = TypeVar("Record")
Arguments = ParamSpec("Arguments")


class TrainingRun(Iterator[Record], Generic[Record]):
    """What a training loop gives: its steps, each made when its record is asked for.

    `for record in run:` looks at each; `list(run)` goes through all of them and keeps
    the records. Between two records one may look at the model; the loop goes on from
    there, and who stops asking stops the run. A run that nobody ever began was most
    likely meant to be gone through, so it says so.
    """

    def __init__(self, records: Iterator[Record], name: str) -> None:
        self._records, self._name, self._begun = records, name, False

    def __next__(self) -> Record:
        self._begun = True
        return next(self._records)

    def __repr__(self) -> str:
        return (
            f"<a run of {self._name}: go through its records with `for record in"
            " run:`, or with list(run)>"
        )

    def __del__(self) -> None:
        if not self._begun:
            warnings.warn(
                f"{self._name}(...) trains step by step, as its records are asked for,"
                f" and nobody asked: write `history = list({self._name}(...))`.",
                stacklevel=2,
            )


def stepwise(
    loop: Callable[Arguments, Iterator[Record]],
) -> Callable[Arguments, TrainingRun[Record]]:
    """For a training loop that yields a record a step: calling it gives a
    `TrainingRun`."""

    @functools.wraps(loop)
    def begin(*args: Arguments.args, **kwargs: Arguments.kwargs) -> TrainingRun[Record]:
        return TrainingRun(loop(*args, **kwargs), loop.__name__)

    return begin


def in_notebook() -> bool:
    """True in a Jupyter kernel (JupyterLab, Colab, nbconvert), False in plain Python
    and in IPython's terminal.
    """
    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    return getattr(get_ipython(), "kernel", None) is not None


class NotebookLine:
    """A file for tqdm to write on: each write replaces the cell's one line of
    output.
    """

    def __init__(self) -> None:
        from IPython.display import display

        self.handle = display({"text/plain": ""}, raw=True, display_id=True)

    def write(self, text: str) -> None:
        """Show this in place of what was there."""
        line = text.strip("\r\n ")
        if line and self.handle is not None:
            self.handle.update({"text/plain": line}, raw=True)

    def flush(self) -> None:
        """Nothing to do: every write is shown at once."""


class OneProcessBar(tqdm):
    """A bar with a lock for this process alone. Tqdm's own lock is for several, and is
    left behind, with a warning, where a process is killed.
    """


OneProcessBar.set_lock(threading.RLock())


class Progress:
    """A progress bar with a rate and a loss, used as `with Progress(total,
    "pre-training") as bar: bar.update(1, ...)`.

    `total` and `start` count steps, or what `unit` names. The bar shows on a terminal
    (on stderr) and in a notebook; where nobody watches (a log file, a test) it stays
    silent, and `show=False` always keeps it silent. The numbers given to `update` stand
    behind the bar; in a notebook the last of them are what is left of it.
    """

    def __init__(
        self,
        total: int,
        label: str,
        start: int = 0,
        show: bool = True,
        unit: str = "step",
    ) -> None:
        notebook = show and in_notebook()
        terminal = show and not notebook and sys.stderr.isatty()
        self.line = NotebookLine() if notebook else None
        self._shown: dict[str, str] = {}
        self._bar = OneProcessBar(
            total=total,
            initial=start,
            desc=label,
            unit=unit,
            file=self.line or sys.stderr,
            disable=not (notebook or terminal),
            ncols=110 if notebook else None,
            dynamic_ncols=terminal,
            mininterval=0.5,
        )

    def update(self, steps: int = 1, **numbers: float) -> None:
        """Move on by `steps` and show `numbers`, for example `update(1, loss=2.31,
        tokens_per_s=18000.0)`.
        """
        shown = {
            name: f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.3f}"
            for name, number in numbers.items()
        }
        self._bar.set_postfix(shown, refresh=False)
        self._bar.update(steps)
        self._shown = shown

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()
        # what stays on a page is no bar: a few short lines, which fit on a phone
        if self.line is not None:
            bar, seconds = self._bar, self._bar.format_dict["elapsed"]
            of = "" if bar.n >= bar.total else f" of {bar.total:,}"
            unit = "steps" if bar.unit == "step" else bar.unit
            since = f" from {bar.initial:,} on" if bar.initial else ""
            ends = [f"{bar.desc}: {bar.n:,}{of} {unit}{since} in {seconds:.0f} s"]
            self.line.write(
                "\n".join(
                    ends
                    + [f"    {name} {number}" for name, number in self._shown.items()]
                )
            )

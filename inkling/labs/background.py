"""A Start and a Stop button over work that goes on in the background, and a plot that follows it.

The kernel stays free while the work runs: other cells can be run, sliders moved. Whatever a person
does with the buttons, in whatever order, the answer is a sentence, never a traceback, and what was
made so far is kept.
"""

import base64
import html
import io
import threading
import time
import weakref
from collections.abc import Callable

import ipywidgets as widgets
from IPython.core.getipython import get_ipython
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from inkling.files import InklingError


class Stopped(Exception):
    """Raised inside the work when Stop has been pressed. `Worker` catches it; nobody else has
    to.
    """


class Job:
    """What the work is given: a way to ask whether it should stop, and a way to say how far
    it is.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._stop = threading.Event()
        self._say = say

    @property
    def stopping(self) -> bool:
        """Whether Stop has been pressed. A loop of the work's own can end by it and still hand back
        its result.
        """
        return self._stop.is_set()

    def check(self) -> None:
        """Go on, or leave the work here if Stop has been pressed. Call it in every step.

        Raises:
            Stopped: Stop was pressed.
        """
        if self._stop.is_set():
            raise Stopped

    def say(self, text: str) -> None:
        """Show one line beside the buttons: a step, a loss. It is shown as text, whatever signs it
        holds.
        """
        self._say(text)


_WORKERS: "weakref.WeakSet[Worker]" = weakref.WeakSet()  # all that can still be reached


def _cell_that_runs() -> tuple[str | None, str]:
    """The cell that is being run, and which run of it this is; (None, "") outside of a notebook,
    and in what a press of a button calls.
    """
    message = getattr(get_ipython(), "get_parent", dict)()
    if message.get("header", {}).get("msg_type") != "execute_request":
        return None, ""
    # JupyterLab and VS Code say which cell it is. Where nobody does, a cell is its text.
    cell = message["metadata"].get("cellId") or message["content"]["code"]
    return str(cell), message["header"]["msg_id"]


class Worker:
    """Buttons and one piece of work at a time, in a thread of its own.

    Args:
        work: called with a `Job` when Start is pressed. It reads its settings itself (from
            sliders), calls `job.check()` in every step, and may return a closing sentence.
        label: what the Start button says.

    `panel` is what a cell displays. `state` is "idle", "running", "done", "stopped" or "failed".
    """

    def __init__(self, work: Callable[[Job], str | None], label: str = "Start") -> None:
        self.work, self.state = work, "idle"
        room = widgets.Layout(width="auto", min_width="10em")  # a longer label is not cut off
        self.start_button = widgets.Button(
            description=label, button_style="primary", icon="play", layout=room
        )
        self.stop_button = widgets.Button(description="Stop", icon="stop", disabled=True)
        self.line = widgets.HTML('<span role="status">Press the button to begin.</span>')
        self.panel = widgets.HBox(
            [self.start_button, self.stop_button, self.line],
            layout=widgets.Layout(flex_flow="row wrap"),
        )
        self.start_button.on_click(lambda _: self.start())
        self.stop_button.on_click(lambda _: self.stop())
        # Around every change of the state and of what shows it: a press of Stop in the moment when
        # the work ends must not have the last word. Re-entrant, because a change of a widget may
        # call somebody who presses a button.
        self._lock = threading.RLock()
        self._thread: threading.Thread | None = None
        self._job: Job | None = None
        self._ended = ""  # what was said when the last work ended
        # A cell that is run again makes new buttons, and nobody can reach the old ones: what they
        # started ends. Other cells' buttons are still there, also those of the same kind of panel.
        self._cell, self._cell_run = _cell_that_runs()
        for other in list(_WORKERS):
            same = other._cell is not None and other._cell == self._cell
            if same and other._cell_run != self._cell_run and other.state == "running":
                other.stop()
        _WORKERS.add(self)

    @property
    def stopping(self) -> bool:
        """Whether Stop has been pressed and the work has not ended yet."""
        job = self._job
        return self.state == "running" and job is not None and job.stopping

    def say(self, text: str) -> None:
        """Show one line beside the buttons, as plain text."""
        self.line.value = f'<span role="status">{html.escape(str(text))}</span>'

    def start(self) -> None:
        """What Start does. While work goes on, it only says so."""
        with self._lock:
            if self.state == "running":
                self.say(
                    "It is still stopping. Press again in a moment."
                    if self.stopping
                    else "It is running already. Press Stop first if you want to begin again."
                )
                return
            job = Job(self.say)
            thread = threading.Thread(target=self._run, args=(job,), daemon=True)
            # first: a change of the widgets may call somebody who presses Stop
            self._job, self._thread = job, thread
            self._show("running", "Running ...")
            try:
                thread.start()
            except RuntimeError as error:  # the system has no thread left
                self._thread = None
                self._show(
                    "failed",
                    f"This could not begin: {error}. Close other programs and press the button"
                    " again.",
                )

    def stop(self) -> None:
        """What Stop does. Pressed when nothing runs, or twice, it only says so, and how the last
        work ended: the press may have come in that very moment.
        """
        with self._lock:
            if self.state != "running" or self._job is None:
                self.say(f"Nothing is running. {self._ended}".rstrip())
                return
            again = self.stopping
            self._job._stop.set()
            self.say(
                "Stopping already, after this step ..." if again else "Stopping after this step ..."
            )

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the work has ended, at most so many seconds. Returns whether it has."""
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(seconds)
        return self.state != "running"

    def _show(self, state: str, text: str) -> None:
        """Change the state, the buttons and the line together."""
        with self._lock:
            self.state = state
            self.start_button.disabled, self.stop_button.disabled = (
                state == "running",
                state != "running",
            )
            self.say(text)

    def _run(self, job: Job) -> None:
        began = time.monotonic()
        kept = "Stopped. What was made so far is kept."
        try:
            closing = self.work(job)
            state, text = (
                ("stopped", closing or kept) if job.stopping else ("done", closing or "Done.")
            )
        except Stopped:
            state, text = "stopped", kept
        except InklingError as error:
            state, text = "failed", str(error)
        except BaseException as error:  # the kernel lives on, and the reader learns what to do
            state = "failed"
            text = (
                f"This stopped with {type(error).__name__}: {_shortened(str(error))}. Run the cells"
                " above once more, from the top, and press the button again."
            )
        self._ended = f"{text} ({time.monotonic() - began:.0f} s)"
        self._show(state, self._ended)


def _shortened(text: str, at_most: int = 300) -> str:
    """An error's message on one line; torch writes some that fill a page."""
    line = " ".join(text.split()).rstrip(".")
    return line if len(line) <= at_most else line[:at_most] + " ..."


# One picture at a time: matplotlib makes no promise about threads.
_DRAWING = threading.Lock()


class LivePlot:
    """A picture in a cell that is drawn anew while work goes on. Safe to draw from the work's own
    thread.

    Args:
        alt: what the picture shows, for who cannot see it; `draw` may give a newer sentence.
        width, height: inches, at the book's 100 dots an inch.
    """

    def __init__(self, alt: str, width: float = 4.8, height: float = 3.0) -> None:
        self.alt, self.size = alt, (width, height)
        self.widget = widgets.HTML()
        self.drawn = 0
        self.draw(lambda axes: None)

    def draw(self, paint: Callable[[Axes], object], alt: str | None = None) -> None:
        """Draw it: `paint(axes)` draws on empty axes. No pyplot, so that threads do not meet in its
        global state.
        """
        image = io.BytesIO()
        with _DRAWING:
            figure = Figure(figsize=self.size, dpi=100)
            FigureCanvasAgg(figure)
            paint(figure.subplots())
            figure.savefig(image, format="png", dpi=200)
        data = base64.b64encode(image.getvalue()).decode("ascii")
        text = html.escape(alt or self.alt, quote=True)
        self.widget.value = (
            f'<img alt="{text}" style="width:{100 * self.size[0]:.0f}px;max-width:100%" '
            f'src="data:image/png;base64,{data}">'
        )
        self.drawn += 1

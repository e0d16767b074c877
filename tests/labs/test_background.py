"""Start, Stop and the live plot: whatever is pressed in whatever order, a sentence answers, and
nothing is lost.
"""

from __future__ import annotations

import base64
import html
import re
import textwrap
import threading
import types

import pytest
from jupyter_client.manager import run_kernel

from inkling.files import InklingError
from inkling.labs import background
from inkling.labs.background import Job, LivePlot, Stopped, Worker

WAIT = 20  # seconds: a net for what should take none; no test measures them


def said(worker: Worker) -> str:
    """The line beside the buttons, as a reader sees it."""
    return html.unescape(re.sub(r"<[^>]*>", "", worker.line.value))


def buttons(worker: Worker) -> tuple[bool, bool]:
    """Whether Start and Stop can be pressed."""
    return not worker.start_button.disabled, not worker.stop_button.disabled


class Steps:
    """Work whose steps the test allows one by one, so that nothing depends on time."""

    def __init__(self) -> None:
        self.begun, self.allow, self.made = threading.Event(), threading.Semaphore(0), 0
        self.calls = 0

    def __call__(self, job: Job) -> str:
        self.calls += 1
        for self.made in range(1, 1000):
            self.begun.set()
            assert self.allow.acquire(timeout=WAIT)
            job.check()
        return "All made."


@pytest.fixture
def steps():
    return Steps()


@pytest.fixture
def running(steps):
    """A worker in the middle of its first step."""
    worker = Worker(steps)
    worker.start_button.click()
    assert steps.begun.wait(WAIT)
    yield worker
    worker.stop()
    steps.allow.release(2000)
    assert worker.wait(WAIT)


def panel(steps: Steps) -> Worker:
    """One kind of panel: all of these have the same code."""
    return Worker(lambda job: steps(job))


@pytest.fixture
def notebook(monkeypatch):
    """Say which cell is being run, and as what: what is made from then on belongs to it."""
    runs = iter(range(1000))

    def run(code: str = "", cell_id: str | None = None, kind: str = "execute_request") -> None:
        message = {
            "header": {"msg_type": kind, "msg_id": f"run {next(runs)}"},
            "metadata": {} if cell_id is None else {"cellId": cell_id},
            "content": {"code": code},
        }
        shell = types.SimpleNamespace(get_parent=lambda: message)
        monkeypatch.setattr(background, "get_ipython", lambda: shell)

    return run


class Begun:
    """Panels in the middle of their first step."""

    def __init__(self) -> None:
        self.steps: dict[Worker, Steps] = {}

    def one(self) -> Worker:
        steps = Steps()
        worker = panel(steps)
        self.steps[worker] = steps
        worker.start()
        assert steps.begun.wait(WAIT)
        return worker

    def goes_on(self, worker: Worker) -> bool:
        """Whether it makes another step when it may."""
        steps, stopping = self.steps[worker], worker.stopping
        steps.begun.clear()
        steps.allow.release()
        return not worker.wait(WAIT) if stopping else steps.begun.wait(WAIT)


@pytest.fixture
def begun():
    begun = Begun()
    yield begun
    for worker, steps in begun.steps.items():
        worker.stop()
        steps.allow.release(2000)
        assert worker.wait(WAIT)


@pytest.mark.parametrize("cell_id", ["a1", None])
def test_a_cell_that_is_run_again_ends_what_its_old_buttons_began(notebook, begun, cell_id):
    notebook("the cell", cell_id)
    old, beside = begun.one(), begun.one()
    assert begun.goes_on(old), "two panels of one cell can both be seen"
    notebook("the cell", cell_id)
    new = panel(Steps())
    for worker in (old, beside):
        assert not begun.goes_on(worker) and worker.state == "stopped"
    assert new.state == "idle"


def test_a_cell_that_was_changed_is_the_same_cell(notebook, begun):
    notebook("seed = 0", "a1")
    old = begun.one()
    notebook("seed = 1", "a1")
    begun.one()
    assert not begun.goes_on(old)


@pytest.mark.parametrize("ids", [("a1", "b2"), (None, None)])
def test_a_second_panel_of_the_same_kind_leaves_the_first_ones_work_alone(notebook, begun, ids):
    notebook("first", ids[0])
    first = begun.one()
    notebook("second", ids[1])
    second = begun.one()
    assert begun.goes_on(first) and begun.goes_on(second)


@pytest.mark.parametrize("inside", [True, False])
def test_without_a_cell_no_panel_takes_anothers_place(notebook, begun, inside):
    """In a script, and where a press of a button makes a panel."""
    if inside:
        notebook(kind="comm_msg")
    first = begun.one()
    if inside:
        notebook(kind="comm_msg")
    second = begun.one()
    assert begun.goes_on(first) and begun.goes_on(second)


def test_in_a_real_kernel_two_cells_have_two_panels():
    """JupyterLab's messages, without JupyterLab."""
    with run_kernel(extra_arguments=["--no-stdout"]) as client:

        def run(code: str, cell_id: str) -> None:
            message = client.session.msg(
                "execute_request",
                {"code": code, "silent": False, "store_history": True, "allow_stdin": False},
                metadata={"cellId": cell_id},
            )
            client.shell_channel.send(message)
            reply = client.get_shell_msg(timeout=60)
            assert reply["content"]["status"] == "ok", reply["content"]

        run("import threading\nfrom inkling.labs.background import Worker\nmade = []", "a")
        make = """
            hold = threading.Event()
            made.append(Worker(lambda job, hold=hold: [hold.wait(0.01) or job.check()
                                                       for _ in range(10**6)] and None))
            made[-1].start()
        """
        run(textwrap.dedent(make), "b")
        run(textwrap.dedent(make), "c")
        run("assert [each.stopping for each in made] == [False, False]", "d")
        run(textwrap.dedent(make), "b")
        run(
            "assert made[0].wait(60)\nassert [each.state for each in made[1:]] == ['running'] * 2",
            "d",
        )
        run("for each in made: each.stop()\nassert all(each.wait(60) for each in made)", "d")


def test_work_that_ends_says_what_it_found_and_can_be_started_again():
    results = []

    def work(job: Job) -> str:
        job.say("Step 1")
        results.append(job)
        return "The loss is 2."

    worker = Worker(work, label="Train")
    assert worker.state == "idle" and buttons(worker) == (True, False)
    assert worker.start_button.description == "Train" and "Press the button" in said(worker)
    for n in (1, 2):
        worker.start_button.click()
        assert worker.wait(WAIT) and worker.state == "done" and buttons(worker) == (True, False)
        assert said(worker).startswith("The loss is 2. (") and len(results) == n
    assert results[0] is not results[1], "a Stop from last time must not stop this time"


def test_work_without_a_closing_sentence_says_done():
    worker = Worker(lambda job: None)
    worker.start()
    assert worker.wait(WAIT) and said(worker).startswith("Done.")


def test_stop_ends_the_work_after_its_step_and_keeps_what_was_made(running, steps):
    assert running.state == "running" and buttons(running) == (False, True)
    running.stop_button.click()
    assert "Stopping after this step" in said(running) and running.state == "running"
    steps.allow.release()
    assert running.wait(WAIT) and running.state == "stopped" and buttons(running) == (True, False)
    assert "kept" in said(running) and steps.made == 1


def test_stop_pressed_twice_and_after_the_end_is_a_sentence(running, steps):
    running.stop_button.click()
    running.stop_button.click()
    assert "Stopping already" in said(running)
    steps.allow.release()
    assert running.wait(WAIT)
    running.stop_button.click()
    assert said(running).startswith("Nothing is running. Stopped. What was made so far is kept.")
    assert running.state == "stopped"


def test_stop_before_anything_ran_is_a_sentence():
    worker = Worker(lambda job: None)
    worker.stop()
    assert said(worker) == "Nothing is running." and worker.state == "idle"


def test_stop_before_the_first_check_is_not_lost():
    may_check = threading.Event()
    reached = []

    def work(job: Job) -> None:
        may_check.wait(WAIT)
        job.check()
        reached.append(1)

    worker = Worker(work)
    worker.start()
    worker.stop()
    may_check.set()
    assert worker.wait(WAIT) and worker.state == "stopped" and not reached


def test_a_second_start_while_it_runs_begins_nothing(running, steps):
    running.start()
    assert "running already" in said(running) and not running.stopping
    running.stop()
    assert running.stopping
    running.start()
    assert "still stopping" in said(running)
    steps.allow.release()
    assert running.wait(WAIT) and steps.calls == 1 and not running.stopping


def test_many_starts_at_once_begin_one_work():
    begun, leave = [], threading.Event()

    def work(job: Job) -> None:
        begun.append(job)
        leave.wait(WAIT)

    worker = Worker(work)
    gate = threading.Barrier(8)

    def press():
        gate.wait(WAIT)
        worker.start()

    presses = [threading.Thread(target=press) for _ in range(8)]
    for thread in presses:
        thread.start()
    for thread in presses:
        thread.join(WAIT)
    leave.set()
    assert worker.wait(WAIT) and len(begun) == 1


def test_the_work_can_neither_start_itself_nor_wait_for_itself():
    seen = []

    def work(job: Job) -> str:
        worker.start()
        seen.append((said(worker), worker.wait(WAIT)))
        return "Over."

    worker = Worker(work)
    worker.start()
    assert worker.wait(WAIT) and "running already" in seen[0][0] and seen[0][1] is False
    assert worker.state == "done"


def test_a_loop_that_ends_by_itself_hands_back_its_result(steps):
    def work(job: Job) -> str:
        steps.begun.set()
        while not job.stopping:
            steps.allow.acquire(timeout=0.01)
        return "Half of it is made."

    worker = Worker(work)
    worker.start()
    assert steps.begun.wait(WAIT)
    worker.stop()
    assert (
        worker.wait(WAIT)
        and worker.state == "stopped"
        and said(worker).startswith("Half of it is made.")
    )


def raises(error: BaseException):
    def work(job: Job):
        raise error

    return work


@pytest.mark.parametrize(
    ("error", "piece"),
    [
        (InklingError("the text is empty. Type a word."), "the text is empty. Type a word. ("),
        (
            NameError("name 'model' is not defined"),
            "NameError: name 'model' is not defined. Run the cells above",
        ),
        (RuntimeError("first line\n" + "x" * 5000), "RuntimeError: first line xxx"),
        (SystemExit(1), "SystemExit: 1. Run"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
    ],
)
def test_work_that_fails_says_so_in_a_sentence_and_can_be_started_again(error, piece, capfd):
    worker = Worker(raises(error))
    worker.start()
    assert worker.wait(WAIT) and worker.state == "failed" and buttons(worker) == (True, False)
    assert piece in said(worker) and "Traceback" not in said(worker) and len(said(worker)) < 600
    assert "Traceback" not in "".join(capfd.readouterr()), "nor may the thread print one"
    worker.work = lambda job: "Now it works."
    worker.start()
    assert worker.wait(WAIT) and worker.state == "done" and said(worker).startswith("Now it works.")


def test_stopped_is_not_swallowed_by_work_that_catches_errors():
    """Work that goes on after `except Exception` would never stop."""

    def work(job: Job) -> None:
        while True:
            try:
                job.check()
            except ValueError:
                pass

    worker = Worker(work)
    worker.start()
    worker.stop()
    assert worker.wait(WAIT) and worker.state == "stopped"
    assert not issubclass(Stopped, InklingError | ValueError)


@pytest.mark.parametrize("way", ["say", "closing", "error"])
def test_signs_in_a_message_stay_text(way):
    bad = '<img src=x onerror="alert(1)"> & more'

    def work(job: Job) -> str:
        if way == "error":
            raise InklingError(bad)
        if way == "say":
            job.say(bad)
            raise Stopped
        return bad

    lines = []
    worker = Worker(work)
    worker.line.observe(lambda change: lines.append(change["new"]), names="value")
    worker.start()
    assert worker.wait(WAIT)
    shown = [line for line in lines if "onerror" in line]
    assert shown and not any("<img" in line for line in shown) and html.escape(bad) in shown[0]


def test_the_end_has_the_last_word_over_a_press_of_stop():
    """Stop in the moment when the work ends: the line must not stay at "Stopping ..." for ever."""
    for _ in range(200):
        worker = Worker(lambda job: "Over.")
        press = threading.Thread(target=worker.stop)
        worker.start()
        press.start()
        press.join(WAIT)
        assert worker.wait(WAIT)
        assert said(worker).startswith(("Over.", "Nothing is running.")), said(worker)


def test_state_and_buttons_change_together():
    """Who sees Start come back may press it: it must work."""
    worker = Worker(lambda job: None)
    seen = []
    worker.start_button.observe(
        lambda change: seen.append((change["new"], worker.state)), names="disabled"
    )
    worker.start()
    assert worker.wait(WAIT) and seen == [(True, "running"), (False, "done")]


def test_a_system_without_threads_says_so(monkeypatch):
    def refuse(self):
        raise RuntimeError("can't start new thread")

    worker = Worker(lambda job: None)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        worker.start()
    assert (
        worker.state == "failed"
        and "could not begin" in said(worker)
        and buttons(worker) == (True, False)
    )
    worker.start()
    assert worker.wait(WAIT) and worker.state == "done"


# --- the plot -------------------------------------------------------------------------------------


def picture(plot: LivePlot) -> bytes:
    return base64.b64decode(re.search(r'src="data:image/png;base64,([^"]+)"', plot.widget.value)[1])


def test_the_plot_is_a_picture_and_draws_anew():
    plot = LivePlot("A loss that falls.")
    empty = picture(plot)
    assert (
        empty.startswith(b"\x89PNG")
        and plot.drawn == 1
        and 'alt="A loss that falls."' in plot.widget.value
    )
    plot.draw(lambda axes: axes.plot([3, 2, 1]))
    assert (
        picture(plot) != empty
        and plot.drawn == 2
        and 'alt="A loss that falls."' in plot.widget.value
    )


def test_the_plots_text_for_who_cannot_see_it_stays_text():
    plot = LivePlot('1 < 2 & "so on"')
    assert 'alt="1 &lt; 2 &amp; &quot;so on&quot;"' in plot.widget.value
    plot.draw(lambda axes: None, alt='"><script>alert(1)</script>')
    assert "<script" not in plot.widget.value and plot.widget.value.count("<") == 1


def test_a_painting_that_fails_leaves_the_old_picture():
    plot = LivePlot("A line.")
    plot.draw(lambda axes: axes.plot([1, 2]))
    before = plot.widget.value
    with pytest.raises(ZeroDivisionError):
        plot.draw(lambda axes: 1 / 0)
    assert plot.widget.value == before and plot.drawn == 2
    plot.draw(lambda axes: axes.plot([2, 1]))  # and the next one is drawn: no lock is left behind
    assert plot.widget.value != before


def test_the_plot_leaves_pyplot_alone():
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    LivePlot("A line.").draw(lambda axes: axes.plot([1, 2]))
    assert plt.get_fignums() == before


def test_work_draws_from_its_own_thread():
    plot = LivePlot("Steps.", width=2, height=1.5)

    def work(job: Job) -> str:
        for step in range(1, 4):
            job.check()
            plot.draw(lambda axes, step=step: axes.plot(range(step)))
        return "Drawn."

    worker = Worker(work)
    worker.start()
    assert worker.wait(WAIT) and worker.state == "done" and plot.drawn == 4

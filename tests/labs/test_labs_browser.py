"""The labs in a real JupyterLab, in a real browser: a slider moves, Start begins, the plot changes,
Stop stops.

One JupyterLab serves all of it, with the network off. Of each lab only the cells run that its panel
needs (`keep`): test_notebooks.py runs all of them.
"""

from __future__ import annotations

import json
import re
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import nbformat
import notebooks
import offline
import pytest
from conftest import ROOT
from notebook_runs import ONE_THREAD
from playwright.sync_api import Locator, Page, expect

# milliseconds that a slow machine may take to start a kernel, load torch and run the cells
LONG = 150_000
SHORT = 60_000

PROBE = """
import threading
import ipywidgets as widgets
from IPython.display import display
from inkling.labs.background import LivePlot, Worker

height = widgets.IntSlider(3, 1, 9, description="Height", continuous_update=False)
plot = LivePlot("A step that grows.", width=3, height=2)
height.observe(lambda change: plot.draw(lambda axes: axes.plot([0, change["new"]])), names="value")
pause, runs = threading.Event(), []

def work(job):
    runs.append("a run")  # so that two runs stopped at the same step leave different pictures
    for step in range(10_000):
        job.check()
        job.say(f"Step {step} <b>not bold</b>")
        plot.draw(lambda axes: axes.plot([len(runs), height.value, step]))
        pause.wait(0.1)

worker = Worker(work)
display(widgets.VBox([height, worker.panel, plot.widget]))
"""


@dataclass(frozen=True)
class Drive:
    """How a person would try a lab's panel.

    keep: pieces of the code cells that must run, in order.    slider: its label.
    changes: whether moving the slider alone already changes what its cell shows.
    start: the label of the button that begins the work; "" where the lab has none.
    first: buttons to press before that, one after the other.
    """

    keep: tuple[str, ...]
    slider: str
    changes: bool = False
    start: str = "Start"
    first: tuple[str, ...] = ()


SET_UP = "plots.use_style()"
LABS = {
    "tokenizer": Drive(
        (SET_UP, "sentence = ", "merge_slider = "), "Merges", changes=True, start=""
    ),
    "attention": Drive(
        (SET_UP, "three_tokens()", "panels.training()"), "Scores divided by", True, "Train"
    ),
    "pretrain": Drive((SET_UP, "race_panel("), "Length"),
    "sampling": Drive((SET_UP, "lab.temperature_sweep_panel("), "Tries each", start="Measure"),
    "rater": Drive(
        (SET_UP, "choose_comparisons(", "ranking_panel(", "policy_panel("),
        "rounds",
        start="Train",
        first=("left",) * 6,
    ),
    "rlhf": Drive((SET_UP, "make_samples(", "beta_panel(", "run_panel("), "beta", changes=True),
}


def cut_down(lab: str, keep: tuple[str, ...]) -> nbformat.NotebookNode:
    """The lab with nothing but the code cells that hold the pieces `keep`."""
    notebook = nbformat.read(ROOT / "labs" / f"{lab}.ipynb", as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    found = {piece: [cell for cell in code if piece in cell.source] for piece in keep}
    lost = [piece for piece, cells in found.items() if not cells]
    assert not lost, f"labs/{lab}.ipynb has no cell with {lost} any more: change LABS here"
    notebook.cells = [cells[0] for cells in found.values()]
    return notebook


@dataclass(frozen=True)
class JupyterLab:
    folder: Path
    address: str
    token: str

    def tree(self, name: str) -> str:
        return f"{self.address}/lab/tree/{name}?token={self.token}&reset"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@pytest.fixture(scope="module")
def jupyterlab(tmp_path_factory):
    """A JupyterLab of its own: no settings of the person's, no network, a free port, closed at the
    end.
    """
    home, folder = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("labs")
    tracker = (
        home / "settings" / "@jupyterlab" / "notebook-extension" / "tracker.jupyterlab-settings"
    )
    tracker.parent.mkdir(parents=True)
    # keep cells that are out of view
    tracker.write_text(json.dumps({"windowingMode": "none"}), encoding="utf-8")
    variables = offline.environment() | ONE_THREAD
    for name in ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR"):
        variables[f"JUPYTER_{name}"] = str(home / name.lower())
    variables |= {
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
    }
    port, token = free_port(), secrets.token_hex(16)
    options = [
        "--no-browser",
        "--allow-root",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        "--ServerApp.ip=127.0.0.1",
        f"--IdentityProvider.token={token}",
        f"--ServerApp.root_dir={folder}",
        *makefile_options(),
    ]
    log = open(home / "log.txt", "w", encoding="utf-8")
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyterlab", *options],
        cwd=folder,
        env=variables,
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/api?token={token}", server, home / "log.txt")
        yield JupyterLab(folder, f"http://127.0.0.1:{port}", token)
    finally:
        server.terminate()  # JupyterLab ends its kernels
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
        log.close()


def makefile_options() -> list[str]:
    """What `make lab` tells JupyterLab, so that it asks no other machine for anything."""
    return re.search(
        r"^OFFLINE := (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE
    )[1].split()


def wait_for(address: str, server: subprocess.Popen, log: Path, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and server.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            time.sleep(0.3)
    pytest.fail(
        f"JupyterLab does not start:\n{log.read_text(encoding='utf-8')[-3000:]}", pytrace=False
    )


@pytest.fixture
def open_notebook(browser, jupyterlab):
    """Opens a notebook in JupyterLab and runs all of its cells; closes the page and its kernel at
    the end.
    """
    contexts, away = [], []

    def open_(name: str, notebook: nbformat.NotebookNode) -> Page:
        nbformat.write(notebook, jupyterlab.folder / f"{name}.ipynb")
        context = browser.new_context(viewport={"width": 1280, "height": 1400})
        contexts.append(context)
        page = context.new_page()
        own = (
            jupyterlab.address + "/",
            jupyterlab.address.replace("http", "ws") + "/",
            "data:",
            "blob:",
            "about:",
        )
        page.on(
            "request",
            lambda request: None if request.url.startswith(own) else away.append(request.url),
        )
        page.goto(jupyterlab.tree(f"{name}.ipynb"))
        page.locator(".jp-NotebookPanel .jp-Cell").first.wait_for(timeout=LONG)
        run_all_cells(page)
        return page

    yield open_
    for context in contexts:
        context.close()
    request = urllib.request.Request(f"{jupyterlab.address}/api/sessions?token={jupyterlab.token}")
    for session in json.load(urllib.request.urlopen(request, timeout=30)):
        address = f"{jupyterlab.address}/api/sessions/{session['id']}?token={jupyterlab.token}"
        urllib.request.urlopen(urllib.request.Request(address, method="DELETE"), timeout=60).close()
    assert not away, f"asks another machine: {away[:5]}"


def run_all_cells(page: Page) -> None:
    """The menu's command, given as soon as there is a kernel, and again if JupyterLab was not ready
    for it.
    """
    kernel = page.locator(".jp-NotebookPanel-toolbar .jp-KernelName", has_text="Python 3")
    idle = page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]")
    # "Select kernel", asked when the command came too early
    which = page.locator(".jp-Dialog button.jp-mod-accept")
    prompts = page.locator(".jp-Notebook .jp-CodeCell .jp-InputPrompt")
    for _ in range(10):
        kernel.first.wait_for(timeout=LONG)
        idle.first.wait_for(timeout=LONG)
        page.locator(".lm-MenuBar-itemLabel", has_text=re.compile("^Run$")).click()
        page.locator(".lm-Menu-itemLabel", has_text=re.compile("^Run All Cells$")).click()
        for _ in range(30):
            if any(re.search(r"[\d*]", text) for text in prompts.all_inner_texts()):
                return
            if which.count():
                which.first.click()
            page.wait_for_timeout(200)
    pytest.fail("no cell begins to run", pytrace=False)


# --- what a person sees and does ------------------------------------------------------------------


def cell_of(page: Page, control: Locator) -> Locator:
    """The notebook's cell that shows this control."""
    return page.locator(".jp-Notebook .jp-CodeCell", has=control)


def button(page: Page, label: str) -> Locator:
    return page.locator(
        "button.jupyter-button", has_text=re.compile(rf"^\s*{re.escape(label)}\s*$")
    )


def without_readouts(cell: Locator) -> str:
    """What Python has written and drawn in a cell's output: not the number beside a slider, which
    needs no Python.
    """
    return "".join(
        cell.locator(".widget-html-content").evaluate_all("all => all.map(one => one.innerHTML)")
    )


def pictures(cell: Locator) -> list[str]:
    return cell.locator("img[src^='data:image/png']").evaluate_all(
        "images => images.map(image => image.src)"
    )


def move_slider(page: Page, label: str, changes: bool) -> None:
    """Move a slider with the keyboard, as a person without a mouse does: two steps up, or from its
    end to its start.
    """
    slider = page.locator(
        ".widget-slider", has=page.locator(".widget-label", has_text=re.compile(rf"^{label}$"))
    ).first
    slider.wait_for(timeout=LONG)
    cell, readout = cell_of(page, slider), slider.locator(".widget-readout")
    before, number = without_readouts(cell), readout.inner_text()
    handle = slider.locator(".noUi-handle").first
    handle.focus()
    at_the_end = handle.get_attribute("aria-valuenow") == handle.get_attribute("aria-valuemax")
    for key in ["Home"] if at_the_end else ["ArrowRight", "ArrowRight"]:
        page.keyboard.press(key)
    expect(readout).not_to_have_text(number)
    end = time.monotonic() + SHORT / 1000
    while changes and without_readouts(cell) == before:
        assert time.monotonic() < end, f"{label} was moved, and what it shows did not change"
        page.wait_for_timeout(100)


def start_and_stop(page: Page, label: str) -> None:
    """Press Start, see the plot change, press Stop twice, and see that the picture stays and Start
    comes back.
    """
    start = button(page, label)
    start.wait_for(timeout=LONG)
    cell = cell_of(page, start)
    beside = cell.locator(".widget-hbox", has=start).last
    stop, line = button(beside, "Stop"), beside.locator("[role=status]")
    assert start.is_enabled() and stop.is_disabled() and pictures(cell)
    before = pictures(cell)
    start.click()
    expect(stop).to_be_enabled(timeout=SHORT)
    end = time.monotonic() + SHORT / 1000
    while pictures(cell) == before:
        assert time.monotonic() < end and "This stopped with" not in line.inner_text(), (
            line.inner_text()
        )
        page.wait_for_timeout(100)
    stop.click()
    stop.click(force=True)  # again, whether it still can be pressed or not
    expect(start).to_be_enabled(timeout=SHORT)
    expect(stop).to_be_disabled()
    assert line.inner_text().strip() and "This stopped with" not in line.inner_text()
    assert pictures(cell) != before, "what was made so far is gone"


def expect_no_error(page: Page) -> None:
    errors = page.locator(
        ".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.error'],"
        " .jp-OutputArea-output[data-mime-type='application/vnd.jupyter.stderr']"
    )
    assert errors.count() == 0, errors.first.inner_text()[:1500]


@pytest.mark.parametrize("lab", LABS)
def test_a_lab_works_in_jupyterlab(open_notebook, lab):
    drive = LABS[lab]
    page = open_notebook(lab, cut_down(lab, drive.keep))
    for label in drive.first:
        button(page, label).first.click(timeout=LONG)
    move_slider(page, drive.slider, drive.changes)
    if drive.start:
        start_and_stop(page, drive.start)
    expect_no_error(page)


def probe(source: str = PROBE) -> nbformat.NotebookNode:
    cell = nbformat.v4.new_code_cell(source.strip())
    return nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": notebooks.KERNEL})


def test_start_and_stop_work_in_jupyterlab(open_notebook):
    page = open_notebook("probe", probe())
    move_slider(page, "Height", changes=True)
    start_and_stop(page, "Start")
    assert "Stopped. What was made so far is kept." in page.locator("[role=status]").inner_text()
    assert page.locator("[role=status] b").count() == 0, "a message became markup"
    before = pictures(cell_of(page, button(page, "Start")))
    start_and_stop(page, "Start")  # and once more
    assert pictures(cell_of(page, button(page, "Start"))) != before
    expect_no_error(page)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        # stands still
        ("        plot.draw(lambda axes: axes.plot([len(runs), height.value, step]))\n", ""),
        ("job.check()", "1 / 0"),  # work that breaks
    ],
)
def test_a_panel_that_does_not_work_is_noticed(open_notebook, monkeypatch, old, new):
    monkeypatch.setitem(globals(), "SHORT", 4_000)
    assert old in PROBE
    page = open_notebook("broken", probe(PROBE.replace(old, new)))
    with pytest.raises(AssertionError):
        start_and_stop(page, "Start")

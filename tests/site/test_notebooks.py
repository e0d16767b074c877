"""Every notebook is committed clean, runs with the network off, and keeps within its budget.

nbval runs each notebook in a process of its own, from a cold kernel, as a reader on Binder would;
two at a time, see `notebook_runs`. Each lab runs twice: as it is, exercises undone, and as a
learner's copy with the solutions put in.
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import listings
import nbclient
import nbformat
import notebooks
import offline
import pytest
from conftest import COSTS, NOTEBOOKS, ROOT, SOLVED_LABS
from notebook_runs import (
    BOOK_SECONDS,
    MEMORY_BYTES,
    ONE_THREAD,
    SLACK,
    Runs,
    budget,
    nbval,
    run_measured,
    run_notebook,
)

import inkling

every_notebook = pytest.mark.parametrize("name", NOTEBOOKS)


@every_notebook
def test_notebook_is_committed_clean(name):
    assert notebooks.complaints(nbformat.read(ROOT / name, as_version=4)) == [], (
        f"run `make listings`, then see {name}"
    )


def test_bootstrap_installs_this_release():
    assert notebooks.VERSION == inkling.__version__


@pytest.mark.parametrize("name", [*NOTEBOOKS, *SOLVED_LABS])
# each run has a limit of its own; a test may have to wait for other runs
@pytest.mark.timeout(3600)
def test_notebook_runs_offline_within_its_budget(name, notebook_runs, tmp_path):
    limit = SLACK * budget(name)
    cost = notebook_runs.result(name)
    if cost.seconds > limit:  # with half the machine; the budget is for the whole of it
        cost = notebook_runs.alone(lambda: run_notebook(name, tmp_path, {}))
    COSTS[name] = cost
    assert cost.returncode == 0, f"{name} does not run:\n{cost.output[-5000:]}"
    assert " passed" in cost.output, f"nbval ran no cell of {name}:\n{cost.output[-2000:]}"
    assert cost.seconds <= limit, (
        f"{name} took {cost.seconds:.0f} s; its budget is {budget(name)} s, and {SLACK} times that"
        f" is the limit here. Its slowest cells:\n{cost.output[-1500:]}"
    )
    assert cost.peak_bytes > 20 * 2**20, (
        "the memory of the kernel was not seen: the measurement is broken"
    )
    assert cost.peak_bytes <= MEMORY_BYTES, (
        f"{name} needed {cost.peak_bytes / 2**20:.0f} MiB, Binder gives 2,048"
    )


def test_whole_book_within_fifteen_minutes():
    """The sum of runs with half the machine each: the book read from end to end, with all of it,
    takes no longer.
    """
    chapters = [name for name in NOTEBOOKS if name.startswith("book/")]
    if not set(chapters) <= set(COSTS):
        pytest.skip("not every chapter ran in this session")
    total = sum(COSTS[name].seconds for name in chapters)
    assert total <= SLACK * BOOK_SECONDS, (
        f"the chapters took {total:.0f} s together; the budget is {BOOK_SECONDS} s"
    )


# --- the checks can fail --------------------------------------------------------------------------


def good_notebook() -> nbformat.NotebookNode:
    bootstrap = nbformat.v4.new_code_cell(
        notebooks.BOOTSTRAP, metadata={"bootstrap": True, "tags": ["hide-cell"]}
    )
    cells = [nbformat.v4.new_markdown_cell("# A"), bootstrap, nbformat.v4.new_code_cell("print(1)")]
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": notebooks.KERNEL})


def test_a_clean_notebook_has_no_complaints():
    assert notebooks.complaints(good_notebook()) == []


def spoil_output(notebook):
    notebook.cells[2].outputs = [nbformat.v4.new_output("stream", text="1\n")]


def spoil_count(notebook):
    notebook.cells[2].execution_count = 3


def spoil_bootstrap(notebook):
    notebook.cells[1].source += "\n"


def spoil_order(notebook):
    notebook.cells[1:] = notebook.cells[:0:-1]


def spoil_kernel(notebook):
    notebook.metadata.kernelspec["name"] = "my-env"


def spoil_ids(notebook):
    notebook.cells[2].id = notebook.cells[0].id


def spoil_length(notebook):
    notebook.cells[2].source = "\n".join(["x = 1"] * (notebooks.CELL_LINES + 1))


def spoil_pairing(notebook):
    notebook.metadata.jupytext = {"formats": "ipynb,md:myst"}


@pytest.mark.parametrize(
    "spoil",
    [
        spoil_output,
        spoil_count,
        spoil_bootstrap,
        spoil_order,
        spoil_kernel,
        spoil_ids,
        spoil_length,
        spoil_pairing,
    ],
)
def test_an_untidy_notebook_is_found(spoil):
    notebook = good_notebook()
    notebook.metadata = nbformat.from_dict({"kernelspec": dict(notebooks.KERNEL)})
    spoil(notebook)
    assert notebooks.complaints(notebook)


def test_tidy_cleans_what_a_run_leaves(tmp_path):
    notebook = good_notebook()
    spoil_output(notebook)
    spoil_count(notebook)
    notebook.cells[2].metadata["execution"] = {"iopub.status.busy": "2026"}
    nbformat.write(notebook, tmp_path / "a.ipynb")
    assert notebooks.tidy(tmp_path / "a.ipynb")
    assert notebooks.complaints(nbformat.read(tmp_path / "a.ipynb", as_version=4)) == []
    assert not notebooks.tidy(tmp_path / "a.ipynb"), "tidying twice must change nothing"


def probe(tmp_path, source: str) -> Path:
    """A notebook with this one cell, in a file."""
    notebook = good_notebook()
    notebook.cells[2].source = source
    nbformat.write(notebook, tmp_path / "probe.ipynb")
    return tmp_path / "probe.ipynb"


def run_in_notebook(tmp_path, source: str, **options):
    """Run one cell with nbval the way the book's notebooks are run."""
    command, variables = nbval(probe(tmp_path, source), 60, "--rootdir", str(tmp_path), **options)
    return run_measured(command, variables, timeout=120)


def test_a_failing_cell_fails_the_run(tmp_path):
    assert run_in_notebook(tmp_path, "assert 1 + 1 == 3").returncode != 0


def test_what_ran_is_kept_as_the_site_would_have_run_it(tmp_path):
    source = """
import ipywidgets, sys
from IPython.display import clear_output, display
print("gone")
clear_output()
handle = display("before", display_id=True)
handle.update("after")
print("to the log", file=sys.stderr)
display(ipywidgets.IntSlider(7, description="kept"))
"hidden";
"""
    kept = tmp_path / "kept.ipynb"
    cost = run_in_notebook(tmp_path, source.strip(), keep=kept)
    assert cost.returncode == 0, cost.output
    ours, theirs = (
        nbformat.read(kept, as_version=4),
        nbformat.read(tmp_path / "probe.ipynb", as_version=4),
    )
    nbclient.execute(theirs, record_timing=False)
    for ran in (ours, theirs):
        states = ran.metadata.widgets.pop("application/vnd.jupyter.widget-state+json")[
            "state"
        ].values()
        assert [
            each["state"]["value"] for each in states if each["model_name"] == "IntSliderModel"
        ] == [7]
        for output in ran.cells[2].outputs:
            # the slider's name is random
            output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)
    assert ours == theirs and "after" in str(ours.cells[2].outputs)
    assert "gone" not in str(ours.cells[2].outputs) and "hidden" not in str(ours.cells[2].outputs)


def test_a_run_that_failed_is_not_kept(tmp_path):
    kept = tmp_path / "kept.ipynb"
    assert run_in_notebook(tmp_path, "print(1)\nassert 1 + 1 == 3", keep=kept).returncode == 1
    assert not kept.exists()


def test_a_kernel_cannot_reach_the_network_but_reaches_itself(tmp_path):
    source = """
import socket, subprocess, sys
listener = socket.create_server(("127.0.0.1", 0))
socket.create_connection(listener.getsockname(), timeout=5).close()   # loopback works

def reaches(host):
    try:
        socket.create_connection((host, 80), timeout=5).close()
    except OSError as error:
        print(type(error).__name__, error)
        return "network is off" not in str(error)
    return True

assert not reaches("192.0.2.1") and not reaches("example.org")
child = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=5)"
run = subprocess.run([sys.executable, "-c", child], capture_output=True, text=True)
assert "network is off" in run.stderr, run.stderr  # and so do the programs it starts
"""
    cost = run_in_notebook(tmp_path, source.strip())
    assert cost.returncode == 0, cost.output


def test_the_guard_alone_stops_datagrams_and_names():
    code = (
        "import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\nfor act in (lambda:"
        " s.sendto(b'x', ('192.0.2.1', 9)), lambda: socket.gethostbyname('example.org')):\n   "
        " try:\n        act()\n    except ConnectionError as error:\n        assert 'network is"
        " off' in str(error)\n    else:\n        raise SystemExit('it went through')\n"
    )
    cost = run_measured([sys.executable, "-c", code], offline.environment(), timeout=60)
    assert cost.returncode == 0, cost.output


def test_a_run_has_one_thread_whatever_the_notebook_asks_for(tmp_path):
    code = (
        "import psutil, torch\n"
        "torch.set_num_threads(2)\n"
        "torch.randn(800, 800) @ torch.randn(800, 800)\n"
        "print(psutil.Process().num_threads())\n"
    )
    several, one = (
        int(run_measured([sys.executable, "-c", code], variables, timeout=120).output.split()[-1])
        for variables in (offline.environment(), offline.environment() | ONE_THREAD)
    )
    assert one < several, "torch made its threads all the same"


def test_runs_go_two_at_a_time_in_order_and_only_when_asked_for():
    began, at_work, most = [], [], []
    both = threading.Barrier(2, timeout=20)

    def run(name, give_up):
        began.append(name)
        at_work.append(name)
        most.append(len(at_work))
        if name in "ab":
            both.wait()  # passes only if two are at work at once
        time.sleep(0.01)
        at_work.remove(name)
        return name.upper()

    runs = Runs(["a", "b", "c", "b", "d"], run, at_once=2)
    assert began == [], "nothing was asked for yet"
    assert [runs.result(name) for name in "abcd"] == list("ABCD")
    assert sorted(began) == list("abcd") and set(began[:2]) == {"a", "b"} and max(most) == 2
    assert runs.result("x") == "X", "a name that was not announced"
    runs.close()


def test_runs_are_given_up_when_the_session_ends():
    def run(name, give_up):
        if name == "stuck":
            return run_measured(
                [sys.executable, "-c", "import time; time.sleep(300)"], {}, 300, give_up=give_up
            )
        return name

    runs = Runs(["first", "stuck", "never"], run, at_once=1)
    assert runs.result("first") == "first"
    runs.close()  # returns at once: this test's own limit is the safety net
    assert runs._futures["never"].cancelled()


def test_runs_begun_early_go_one_at_a_time_until_a_result_is_asked_for():
    began, first, asked = [], threading.Event(), threading.Event()

    def run(name, give_up):
        began.append(name)
        first.set()
        assert asked.wait(20)
        return name

    runs = Runs(["a", "b", "c"], run, at_once=2)
    runs.begin()
    assert first.wait(20)
    time.sleep(0.1)
    assert began == ["a"], "the other core is for somebody else"
    threading.Timer(0.2, asked.set).start()
    assert [runs.result(name) for name in "abc"] == list("abc")
    runs.close()


def test_a_run_that_needs_the_whole_machine_waits_for_the_others():
    ended = []

    def run(name, give_up):
        time.sleep(0.05)
        ended.append(name)

    runs = Runs(["a", "b", "c"], run, at_once=2)
    runs.result("a")
    assert runs.alone(lambda: sorted(ended)) == ["a", "b", "c"]
    runs.close()


def test_a_run_that_raises_fails_its_own_test_only():
    runs = Runs(["bad", "good"], lambda name, _: {"good": 1}[name], at_once=1)
    with pytest.raises(KeyError):
        runs.result("bad")
    assert runs.result("good") == 1
    runs.close()


def test_memory_of_the_kernel_is_measured(tmp_path):
    cost = run_in_notebook(tmp_path, "import time\nblock = bytearray(300 * 2**20)\ntime.sleep(1.5)")
    assert 300 * 2**20 < cost.peak_bytes < 800 * 2**20


def test_every_notebook_is_in_the_table_of_contents():
    toc = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    missing = [name for name in NOTEBOOKS if name.removesuffix(".ipynb") + "\n" not in toc + "\n"]
    assert not missing, f"not in _toc.yml: {missing}"
    assert listings.notebooks() == [ROOT / name for name in NOTEBOOKS]

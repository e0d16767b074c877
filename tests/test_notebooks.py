"""Every notebook is committed clean, runs with the network off, and keeps within its budget.

nbval runs each notebook in a process of its own, from a cold kernel, as a reader on Binder would.
"""

from __future__ import annotations

import sys

import listings
import nbformat
import notebooks
import offline
import pytest
from conftest import COSTS, NOTEBOOKS, ROOT, nbval, run_measured

import inkling

# Budgets on two quiet cores, and how far a noisy or slower machine may go beyond them before a test fails. Memory does
# not depend on the machine's speed, so it gets no slack: 2 GiB is what Binder gives.
CHAPTER_SECONDS, LAB_SECONDS, BOOK_SECONDS, SLACK = 90, 120, 15 * 60, 2.5
MEMORY_BYTES = 2 * 2**30

every_notebook = pytest.mark.parametrize("name", NOTEBOOKS)


def budget(name: str) -> float:
    return CHAPTER_SECONDS if name.startswith("book/") else LAB_SECONDS


@every_notebook
def test_notebook_is_committed_clean(name):
    assert notebooks.complaints(nbformat.read(ROOT / name, as_version=4)) == [], f"run `make listings`, then see {name}"


def test_bootstrap_installs_this_release():
    assert notebooks.VERSION == inkling.__version__


@every_notebook
@pytest.mark.timeout(SLACK * LAB_SECONDS + 120)
def test_notebook_runs_offline_within_its_budget(name):
    limit = SLACK * budget(name)
    cost = run_measured(*nbval(name, limit, "--durations=5"), timeout=limit + 60)
    COSTS[name] = cost
    assert cost.returncode == 0, f"{name} does not run:\n{cost.output[-5000:]}"
    assert " passed" in cost.output, f"nbval ran no cell of {name}:\n{cost.output[-2000:]}"
    assert cost.seconds <= limit, (
        f"{name} took {cost.seconds:.0f} s; its budget is {budget(name)} s, and {SLACK} times that is the limit here. "
        f"Its slowest cells:\n{cost.output[-1500:]}"
    )
    assert cost.peak_bytes > 20 * 2**20, "the memory of the kernel was not seen: the measurement is broken"
    assert cost.peak_bytes <= MEMORY_BYTES, f"{name} needed {cost.peak_bytes / 2**20:.0f} MiB, Binder gives 2,048"


def test_whole_book_within_fifteen_minutes():
    if set(COSTS) != set(NOTEBOOKS):
        pytest.skip("not every notebook ran in this session")
    total = sum(cost.seconds for name, cost in COSTS.items() if name.startswith("book/"))
    assert total <= SLACK * BOOK_SECONDS, f"the chapters took {total:.0f} s together; the budget is {BOOK_SECONDS} s"


# --- the checks can fail --------------------------------------------------------------------------------------------


def good_notebook() -> nbformat.NotebookNode:
    bootstrap = nbformat.v4.new_code_cell(notebooks.BOOTSTRAP, metadata={"bootstrap": True, "tags": ["hide-cell"]})
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
    [spoil_output, spoil_count, spoil_bootstrap, spoil_order, spoil_kernel, spoil_ids, spoil_length, spoil_pairing],
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


def run_in_notebook(tmp_path, source: str):
    """Run one cell with nbval the way the book's notebooks are run."""
    notebook = good_notebook()
    notebook.cells[2].source = source
    nbformat.write(notebook, tmp_path / "probe.ipynb")
    return run_measured(*nbval(tmp_path / "probe.ipynb", 60, "--rootdir", str(tmp_path)), timeout=120)


def test_a_failing_cell_fails_the_run(tmp_path):
    assert run_in_notebook(tmp_path, "assert 1 + 1 == 3").returncode != 0


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
assert "network is off" in run.stderr, run.stderr                     # and so do the programs it starts
"""
    cost = run_in_notebook(tmp_path, source.strip())
    assert cost.returncode == 0, cost.output


def test_the_guard_alone_stops_datagrams_and_names():
    code = (
        "import socket\n"
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "for act in (lambda: s.sendto(b'x', ('192.0.2.1', 9)), lambda: socket.gethostbyname('example.org')):\n"
        "    try:\n        act()\n"
        "    except ConnectionError as error:\n        assert 'network is off' in str(error)\n"
        "    else:\n        raise SystemExit('it went through')\n"
    )
    cost = run_measured([sys.executable, "-c", code], offline.environment(), timeout=60)
    assert cost.returncode == 0, cost.output


def test_memory_of_the_kernel_is_measured(tmp_path):
    cost = run_in_notebook(tmp_path, "import time\nblock = bytearray(300 * 2**20)\ntime.sleep(1.5)")
    assert 300 * 2**20 < cost.peak_bytes < 800 * 2**20


def test_every_notebook_is_in_the_table_of_contents():
    toc = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    missing = [name for name in NOTEBOOKS if name.removesuffix(".ipynb") + "\n" not in toc + "\n"]
    assert not missing, f"not in _toc.yml: {missing}"
    assert listings.notebooks() == [ROOT / name for name in NOTEBOOKS]

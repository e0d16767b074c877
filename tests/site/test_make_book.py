"""`make book`: what it runs, what it takes over, what it says, and when it does nothing."""

from __future__ import annotations

import make_book
import nbformat
import notebook_runs
import pytest
from conftest import ROOT
from notebook_runs import Cost

START = "labs/start.ipynb"
NOTEBOOKS = ["book/text/ngram.ipynb", "labs/attention.ipynb", "labs/rag.ipynb", START]


@pytest.fixture
def bench(tmp_path, monkeypatch):
    """The program without its two slow parts: notebooks end at once, and the site is a file. What
    is run, and how often the site was built, is noted.
    """
    ran, built, broken = [], [], set()

    def run_notebook(name, folder, threads, give_up, cache) -> Cost:
        ran.append(name)
        cost = Cost(int(name in broken), 30.0, 10**8, "1 failed" if name in broken else "1 passed")
        if cost.returncode == 0:
            notebook = nbformat.read(ROOT / name, as_version=4)
            notebook_runs.keep_executed(notebook, ROOT / name, cost, cache)
        return cost

    def build_site() -> int:
        built.append(1)
        (tmp_path / "index.html").write_text("a page")
        return 0

    monkeypatch.setattr(make_book.listings, "notebooks", lambda: [ROOT / n for n in NOTEBOOKS])
    monkeypatch.setattr(make_book, "run_notebook", run_notebook)
    monkeypatch.setattr(make_book, "build_site", build_site)
    monkeypatch.setattr(make_book, "SITE", tmp_path)
    monkeypatch.setattr(make_book, "BUILT_FROM", tmp_path / "built-from")
    monkeypatch.setattr(
        make_book.inkling_site,
        "executed_notebooks",
        lambda: tmp_path / "caches" / "of this library",
    )
    return ran, built, broken


def test_a_second_run_does_nothing_and_a_changed_page_is_noticed(bench, monkeypatch, capsys):
    ran, built, _ = bench
    assert make_book.main() == 0 and sorted(ran) == NOTEBOOKS and len(built) == 1
    said = capsys.readouterr().out
    assert f"[ 1 of {len(NOTEBOOKS)}]   30 s" in said and "about" in said
    assert f"[{len(NOTEBOOKS):2d} of {len(NOTEBOOKS)}]" in said
    assert make_book.main() == 0 and len(ran) == len(NOTEBOOKS) and len(built) == 1
    assert "Nothing has changed" in capsys.readouterr().out
    # another address is another site, of the same notebooks
    monkeypatch.setenv("GITHUB_REPOSITORY", "somebody/else")
    assert make_book.main() == 0 and len(ran) == len(NOTEBOOKS) and len(built) == 2


def test_the_state_of_the_book_follows_its_pages(tmp_path, monkeypatch):
    for name in ("book/a.md", "labs/b.ipynb", "tools/c.py", "_config.yml", "_toc.yml", "README.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("old")
    monkeypatch.setattr(make_book, "ROOT", tmp_path)
    states = [make_book.state_of_the_book()]
    for name in ("book/a.md", "labs/b.ipynb", "_config.yml", "_toc.yml"):
        (tmp_path / name).write_text("new")
        states.append(make_book.state_of_the_book())
    monkeypatch.setenv("INKLING_BRANCH", "another")
    states.append(make_book.state_of_the_book())
    assert len(set(states)) == len(states) and states[-1] == make_book.state_of_the_book()


def test_a_notebook_that_fails_is_named_and_no_site_is_built(bench, capsys):
    ran, built, broken = bench
    broken.add(START)
    assert make_book.main() == 1 and not built and sorted(ran) == NOTEBOOKS
    said = capsys.readouterr().out
    assert f"{START} does not run:\n1 failed" in said and "The site was not built" in said
    broken.clear()
    del ran[:]
    assert make_book.main() == 0 and ran == [START] and built, "the others had run"


def test_the_longest_goes_first_and_the_rest_of_the_time_follows_the_pace(bench, tmp_path, capsys):
    ran, _, _ = bench
    before = tmp_path / "caches" / "of another library"
    before.mkdir(parents=True)
    lengths = {name: 100.0 + 30 * place for place, name in enumerate(NOTEBOOKS)}
    for name, seconds in lengths.items():
        notebook = nbformat.read(ROOT / name, as_version=4)
        cost = Cost(0, seconds, 10**8, "1 passed")
        notebook_runs.keep_executed(notebook, ROOT / name, cost, before)
    assert make_book.seconds_before(before) == lengths
    assert make_book.main() == 0 and ran[0] == NOTEBOOKS[-1] and NOTEBOOKS[0] in ran[-2:]
    minutes = sum(lengths.values()) / make_book.AT_ONCE / 60
    assert f"at a time: about {minutes:.0f} min" in capsys.readouterr().out
    assert make_book.minutes_left({"a": 400.0, "b": 200.0}, 2.0) == (
        f"about {1200 / make_book.AT_ONCE / 60:.0f} min"
    )
    assert make_book.minutes_left({"a": 20.0}, 1.0) == "less than a minute"


def test_what_one_has_run_the_other_takes_over(tmp_path):
    notebook = nbformat.read(ROOT / START, as_version=4)
    cost = Cost(0, 12.5, 3 * 10**8, "4 passed in 12.5s")
    assert notebook_runs.kept_cost(START, tmp_path / "none") is None
    notebook_runs.keep_executed(notebook, ROOT / START, cost, tmp_path)
    assert notebook_runs.kept_cost(START, tmp_path) == cost
    other = next(name for name in NOTEBOOKS if name != START)
    assert notebook_runs.kept_cost(other, tmp_path) is None


def test_another_code_cell_is_another_notebook(tmp_path):
    notebook = nbformat.read(ROOT / START, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    code[-1].source += "\n1 + 1"
    cost = Cost(0, 12.5, 3 * 10**8, "4 passed in 12.5s")
    notebook_runs.keep_executed(notebook, ROOT / START, cost, tmp_path)
    assert notebook_runs.kept_cost(START, tmp_path) is None

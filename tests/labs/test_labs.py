"""The labs: what each of them must have, the start page, and what the tokenizer lab shows.

Their checks, solutions and wrong answers are run in test_mutants.py.
"""

from __future__ import annotations

import re

import learner_copies
import nbformat
import pytest
from conftest import ROOT
from mutants.tokenizer import trained

from inkling.labs import tokenizer as lab
from inkling.labs.checking import judge

LABS = [path for path in learner_copies.masters() if path.stem != "start"]


# --- every lab ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", LABS, ids=lambda p: p.stem)
def test_a_lab_says_that_it_must_be_run(path):
    text = path.read_text(encoding="utf-8")
    assert "run-me-live" in text and "Run me live." in text


@pytest.mark.parametrize("path", LABS, ids=lambda p: p.stem)
def test_a_lab_uses_no_widget_that_breaks_on_colab(path):
    code = "\n".join(
        c.source for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"
    )
    assert not re.search(r"\b(Tab|Accordion)\(", code)


@pytest.mark.parametrize("path", LABS, ids=lambda p: p.stem)
def test_every_exercise_has_minutes_a_difficulty_a_check_and_a_solution(path):
    cells = nbformat.read(path, as_version=4).cells
    exercises = [i for i, c in enumerate(cells) if c.source.startswith("### Exercise")]
    assert 3 <= len(exercises) <= 6
    assert len(learner_copies.exercises(nbformat.read(path, as_version=4))) == len(exercises), (
        "one has no solution"
    )
    for i in exercises:
        assert re.search(r"\*\d+ minutes, (easy|medium|hard)\.\*", cells[i].source), cells[
            i
        ].source[:60]
        assert cells[i + 1].cell_type == "code" and "lab.check_" in cells[i + 1].source, cells[
            i
        ].source[:60]


# --- the start page -------------------------------------------------------------------------------

START = ROOT / "labs" / "start.ipynb"


def start_text() -> str:
    return "\n".join(c.source for c in nbformat.read(START, as_version=4).cells)


def test_the_start_page_leads_through_the_labs_in_the_books_order():
    toc = re.findall(r"file: labs/(\w+)", (ROOT / "_toc.yml").read_text(encoding="utf-8"))
    rows = re.findall(r"^\| \[[^\]]+\]\((\w+)\.ipynb\) \| \d+ \|", start_text(), re.MULTILINE)
    assert toc == ["index", "start", *rows] and sorted(rows) == [path.stem for path in LABS]
    part = (ROOT / "labs" / "index.md").read_text(encoding="utf-8")
    assert re.findall(r"\]\((\w+)\.ipynb\)", part) == toc[1:]


@pytest.mark.parametrize("path", LABS, ids=lambda p: p.stem)
def test_the_start_page_says_of_a_lab_what_it_says_itself(path):
    title, minutes = re.search(
        rf"^\| \[([^\]]+)\]\({path.stem}\.ipynb\) \| (\d+) \|", start_text(), re.MULTILINE
    ).groups()
    own = (
        nbformat.read(path, as_version=4)
        .cells[0]
        .source.replace("About an hour", "About 60 minutes")
    )
    assert own.lower().startswith(f"# lab: {title.lower()}\n"), (
        f"{title!r} is not the title of {path.name}"
    )
    assert f"*About {minutes} minutes for you." in own


def test_the_start_pages_links_lead_to_notebooks():
    links = re.findall(r"\]\(([\w./]+\.ipynb)\)", start_text())
    assert links and not [link for link in links if not (START.parent / link).exists()]


def test_the_start_page_runs_the_self_test_and_says_how_to_begin():
    assert (
        "selftest();" in start_text()
        and "make lab" in start_text()
        and "run-me-live" in start_text()
    )


def test_make_lab_opens_the_learners_copies_at_the_start_page(tmp_path):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipe = re.search(r"^lab:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)[1]
    copies, jupyter = recipe.splitlines()
    assert "tools/learner_copies.py workshop" in copies and jupyter.endswith("workshop/start.ipynb")
    assert "root_dir=." in jupyter, (
        "the start page links to the chapters, which lie outside of workshop/"
    )
    for name in (".gitignore", "_config.yml"):
        assert "workshop/" in (ROOT / name).read_text(encoding="utf-8"), (
            f"{name} must leave the learner's copies alone"
        )
    assert learner_copies.write_copies(tmp_path) == []
    assert (tmp_path / "start.ipynb").exists()


# --- the tokenizer lab ----------------------------------------------------------------------------


def test_code_that_stops_is_shown_with_its_error(capsys):
    assert not judge("E", lambda: 1 / 0) and "ZeroDivisionError" in capsys.readouterr().out


def test_what_the_lab_shows_is_what_the_tokenizer_does():
    tokenizer = trained()
    text = "The <b>boat</b> & é 🙂\n"
    shown = lab.show_tokens(tokenizer, text)
    ids = tokenizer.encode(text)
    assert [int(i) for i in re.findall(r"<small>(\d+)</small>", shown)] == ids
    assert "<b>boat" not in shown and "&amp;" in shown, "what a reader types must not become markup"
    assert f"{len(ids)} tokens" in shown and "F0" in shown
    assert len(re.findall("<small>", lab.show_tokens(tokenizer, text, n_merges=0))) == len(
        text.encode()
    )
    assert "0 tokens" in lab.show_tokens(tokenizer, "")
    long = lab.show_tokens(tokenizer, "x " * 4 * lab.MOST_SHOWN)
    assert long.count("<small>") == lab.MOST_SHOWN and "the first 2,000 are shown" in long

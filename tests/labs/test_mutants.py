"""Every check of every lab: it accepts the solution, and rejects each wrong answer with that
mistake's own message.
"""

from __future__ import annotations

import contextlib
import importlib
import io

import learner_copies
import nbformat
import pytest
from conftest import ROOT

LABS = [path for path in learner_copies.masters() if path.stem != "start"]
MASTERS = {path.stem: nbformat.read(path, as_version=4) for path in LABS}
EXERCISES = [
    (name, number)
    for name, master in MASTERS.items()
    for number in learner_copies.exercises(master)
]
AT_LEAST = 3  # wrong answers an exercise


def mutants(name: str):
    return importlib.import_module(f"mutants.{name}")


def verdict(name: str, number: int, answer: str | None) -> str:
    """What the lab prints when `answer` stands in the exercise's cell (None: the stub that is
    there).
    """
    master = MASTERS[name]
    place, _ = learner_copies.exercises(master)[number]
    source = master.cells[place].source
    cell = source if answer is None else learner_copies.with_answer(source, answer)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(cell, f"exercise {number}", "exec"), dict(mutants(name).names()))
    return out.getvalue()


every_exercise = pytest.mark.parametrize(
    "name, number", EXERCISES, ids=[f"{lab}-{n}" for lab, n in EXERCISES]
)


@every_exercise
def test_the_solution_is_accepted(name, number):
    _, solution = learner_copies.exercises(MASTERS[name])[number]
    assert "[ok]" in verdict(name, number, solution)


@every_exercise
def test_an_exercise_not_begun_waits(name, number):
    assert "not done yet" in verdict(name, number, None)


@every_exercise
def test_each_wrong_answer_is_rejected_with_its_own_message(name, number):
    wrong = mutants(name).WRONG[number]
    assert len(wrong) >= AT_LEAST, f"only {len(wrong)} wrong answers"
    said = [verdict(name, number, answer) for _, answer in wrong]
    for (piece, answer), text in zip(wrong, said, strict=True):
        assert "[x]" in text and "[ok]" not in text, f"accepted:\n{answer}\n{text}"
        assert piece in text, f"expected {piece!r} to\n{answer}\nbut it says\n{text}"
        others = [other for other in said if other != text and piece in other]
        assert not others, f"{piece!r} is said to another mistake too:\n{others[0]}"
    assert len(set(said)) == len(said), "two mistakes get the same message"


def test_a_solution_where_a_wrong_answer_stands_is_noticed():
    """The test above can fail: the right answer, listed as a wrong one, is not rejected."""
    name, number = EXERCISES[0]
    _, solution = learner_copies.exercises(MASTERS[name])[number]
    assert "[x]" not in verdict(name, number, solution)


def test_learners_get_no_solutions(tmp_path):
    learner_copies.write_copies(tmp_path)
    for path in LABS:
        copy = (tmp_path / path.name).read_text(encoding="utf-8")
        assert "<details>" not in copy and "A solution of" not in copy, path.name
        assert len(learner_copies.exercises(MASTERS[path.stem])) == copy.count("### Exercise"), (
            path.name
        )


def test_a_learners_work_is_never_written_over(tmp_path, monkeypatch):
    labs = tmp_path / "labs"
    labs.mkdir()
    monkeypatch.setattr(learner_copies, "LABS", labs)
    cells = [nbformat.v4.new_markdown_cell("# Lab"), nbformat.v4.new_code_cell("a = 1")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), labs / "one.ipynb")
    shop = tmp_path / "shop"
    assert learner_copies.write_copies(shop) == []
    worked = (shop / "one.ipynb").read_text(encoding="utf-8").replace("a = 1", "a = 2")
    (shop / "one.ipynb").write_text(worked, encoding="utf-8")
    assert learner_copies.write_copies(shop) == [], "the master is as it was: nothing to say"
    cells.append(nbformat.v4.new_markdown_cell("More."))
    nbformat.write(nbformat.v4.new_notebook(cells=cells), labs / "one.ipynb")
    assert "one.ipynb holds your work" in learner_copies.write_copies(shop)[0]
    assert (shop / "one.ipynb").read_text(encoding="utf-8") == worked
    assert "More." in (shop / "one-new.ipynb").read_text(encoding="utf-8")


def test_an_untouched_copy_follows_the_master(tmp_path, monkeypatch):
    labs = tmp_path / "labs"
    labs.mkdir()
    monkeypatch.setattr(learner_copies, "LABS", labs)
    for text in ("old", "new"):
        nbformat.write(
            nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text)]),
            labs / "one.ipynb",
        )
        learner_copies.write_copies(tmp_path / "shop")
    assert "new" in (tmp_path / "shop" / "one.ipynb").read_text(encoding="utf-8")


def test_every_lab_has_its_wrong_answers():
    assert {path.stem for path in (ROOT / "tests" / "labs" / "mutants").glob("*.py")} - {
        "__init__"
    } == set(MASTERS)

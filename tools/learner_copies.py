"""The learner's copies of the labs: the master notebooks without their solutions.

    python tools/learner_copies.py [folder]      default: workshop/ (`make lab` runs this)

The master in labs/ is the only source. A learner's copy lacks the solutions behind a click; its
exercises wait, each with its `raise NotImplementedError` or `None`. A copy that somebody has worked
in is never written over: if the master has changed since, the new one is put beside it. `solved`
makes the notebook that tests run: the learner's copy with the master's solutions put in, where
every check must say "right".
"""

from __future__ import annotations

import copy
import re
import sys
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[1]
LABS = ROOT / "labs"
NOTICE = re.compile(r'<div class="run-me-live">.*?</div>\n*', re.DOTALL)  # for the website
SOLUTION = re.compile(r"<details>\s*<summary>.*?</summary>(.*?)</details>\n*", re.DOTALL)
CODE = re.compile(r"```python\n(.*?)```", re.DOTALL)
CHECK = re.compile(r"^(lab\.check_\w+\(.*?\));?\s*\Z", re.MULTILINE | re.DOTALL)
EXERCISE = re.compile(r"^### Exercise (\d+)")


class LabError(Exception):
    """A lab is not made as the labs are: the message says which and what is missing."""


def masters() -> list[Path]:
    return sorted(LABS.glob("*.ipynb"))


def exercises(notebook: nbformat.NotebookNode) -> dict[int, tuple[int, str]]:
    """For each exercise, by its number: the index of its code cell, and the code of its
    solution.
    """
    found, number = {}, None
    for place, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            solution = SOLUTION.search(cell.source)
            if solution and number is not None and number not in found:
                code = CODE.search(solution.group(1))
                if code is None:
                    raise LabError(f"the solution of exercise {number} has no ```python block")
                # The nearest code cell above the solution holds the exercise and its check.
                at = max(i for i in range(place) if notebook.cells[i].cell_type == "code")
                found[number] = (at, code.group(1))
            heading = EXERCISE.match(cell.source)
            if heading:
                number = int(heading.group(1))
    return found


def learner(master: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The master without its solutions, and without what only a reader of the website needs to be
    told. Cells that held nothing else are gone; the bootstrap cell is folded, as on the site.
    """
    made = copy.deepcopy(master)
    for cell in made.cells:
        if cell.cell_type == "markdown":
            cell.source = NOTICE.sub("", SOLUTION.sub("", cell.source)).strip()
        elif cell.metadata.get("bootstrap"):
            cell.metadata["jupyter"] = {"source_hidden": True}
    made.cells = [cell for cell in made.cells if cell.source]
    return made


def check_of(cell_source: str) -> str:
    """The call at the end of an exercise's cell that checks it, without the semicolon."""
    call = CHECK.search(cell_source)
    if call is None:
        raise LabError(f"an exercise's cell must end with a call of lab.check_...:\n{cell_source}")
    return call.group(1)


def with_answer(cell_source: str, answer: str) -> str:
    """An exercise's cell in which a reader has put `answer` in place of the stub, and the check
    stands as it was.
    """
    return f"{answer.rstrip()}\n\n{check_of(cell_source)}"


def solved(master: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The learner's copy with the master's solutions put in; it fails where a check does not accept
    one.
    """
    made = learner(master)
    by_id = {cell.id: cell for cell in made.cells}
    for number, (place, solution) in exercises(master).items():
        cell = by_id[master.cells[place].id]
        answer, check = solution.rstrip(), check_of(cell.source)
        cell.source = (
            f'{answer}\n\nassert {check}, "the solution of exercise {number} is not accepted"'
        )
    return made


def write_copies(folder: Path) -> list[str]:
    """Put a learner's copy of every lab into `folder`. Returns a line for each that could not
    simply be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    originals = folder / ".originals"
    originals.mkdir(exist_ok=True)
    remarks = []
    for path in masters():
        text = nbformat.writes(learner(nbformat.read(path, as_version=4))) + "\n"
        target, original = folder / path.name, originals / path.name
        untouched = (
            target.exists()
            and original.exists()
            and target.read_text("utf-8") == original.read_text("utf-8")
        )
        if (
            target.exists()
            and not untouched
            and original.exists()
            and original.read_text("utf-8") != text
        ):
            newer = folder / f"{path.stem}-new.ipynb"
            newer.write_text(text, encoding="utf-8")
            remarks.append(
                f"{target.name} holds your work and stays; the newer lab is beside it as"
                f" {newer.name}"
            )
        elif not target.exists() or untouched:
            target.write_text(text, encoding="utf-8")
        if not target.exists() or target.read_text("utf-8") == text:
            original.write_text(text, encoding="utf-8")
    return remarks


def main() -> int:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "workshop"
    for remark in write_copies(folder):
        print(remark)
    print(f"The labs are in {folder}: begin with start.ipynb.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Notebooks as they are committed: no outputs, no execution counts, the bootstrap cell first,
listings up to date.

    python tools/notebooks.py            tidy every notebook (`make listings` runs this)
    python tools/notebooks.py --check    change nothing; exit 1 and say what is untidy
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import listings
import nbformat

# the release that the notebooks install on Colab; a test keeps it equal to the package's own
VERSION = "0.1.0"

BOOTSTRAP = f"""\
# On Colab, install the book's library and keep Colab's own torch. Anywhere else, do nothing.
import sys

if "google.colab" in sys.modules:
    import subprocess
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "inkling-book=={VERSION}"], check=True)"""  # noqa: E501

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
# a code cell longer than this is too long to read in a chapter; listings are exempt
CELL_LINES = 30


def complaints(notebook: nbformat.NotebookNode) -> list[str]:
    """What keeps this notebook from being committed, one sentence each; an empty list when nothing
    does.
    """
    found = []
    if (notebook.nbformat, notebook.nbformat_minor) != (4, 5):
        found.append(f"is nbformat {notebook.nbformat}.{notebook.nbformat_minor}, expected 4.5")
    if dict(notebook.metadata.get("kernelspec", {})) != KERNEL:
        found.append(f"has the kernelspec {notebook.metadata.get('kernelspec')}, expected {KERNEL}")
    if "formats" in notebook.metadata.get("jupytext", {}):
        found.append("is paired with another file by jupytext: remove metadata.jupytext")
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    if not code or not code[0].metadata.get("bootstrap") or code[0].source != BOOTSTRAP:
        found.append(
            "does not have the bootstrap cell of tools/notebooks.py as its first code cell"
        )
    elif "hide-cell" not in code[0].metadata.get("tags", []):
        found.append("shows its bootstrap cell: give it the tag hide-cell")
    ids = [cell.get("id") for cell in notebook.cells]
    if None in ids or len(set(ids)) != len(ids):
        found.append("has cells without an id, or two cells with the same id")
    for number, cell in enumerate(code):
        where = (
            f"code cell {number}"
            f" ({cell.source.strip().splitlines()[0][:50] if cell.source.strip() else 'empty'})"
        )
        if cell.outputs or cell.execution_count is not None:
            found.append(f"{where} is committed with its output or execution count")
        if len(cell.source.splitlines()) > CELL_LINES and "listing" not in cell.metadata:
            found.append(
                f"{where} has {len(cell.source.splitlines())} lines, at most {CELL_LINES} are"
                " allowed"
            )
        if not cell.source.strip():
            found.append(f"{where} is empty")
    try:
        nbformat.validate(notebook)
    except nbformat.ValidationError as error:
        found.append(f"is not a valid notebook: {error.message}")
    return found


def tidy(path: Path) -> bool:
    """Strip the notebook's outputs, and refresh its bootstrap and listing cells. Returns whether
    the file changed.
    """
    before = path.read_text(encoding="utf-8")
    notebook = nbformat.read(path, as_version=4)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    notebook.metadata = nbformat.from_dict(
        {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    )
    for cell in notebook.cells:
        cell.setdefault("id", nbformat.v4.new_code_cell().id)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
            for transient in ("execution", "ExecuteTime", "collapsed", "scrolled", "trusted"):
                cell.metadata.pop(transient, None)
            if cell.metadata.get("bootstrap"):
                cell.source = BOOTSTRAP
    for cell, wanted in listings.stale_cells(notebook):
        cell.source = wanted
    after = nbformat.writes(notebook) + "\n"
    if after != before:
        path.write_text(after, encoding="utf-8")
    return after != before


def main() -> int:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument(
        "--check", action="store_true", help="change nothing; fail if a notebook is untidy"
    )
    parser.add_argument(
        "notebook", nargs="*", type=Path, help="default: every notebook in book/ and labs/"
    )
    arguments = parser.parse_args()
    failed = False
    for path in arguments.notebook or listings.notebooks():
        try:
            if not arguments.check and tidy(path):
                print(f"{path}: tidied")
            notebook = nbformat.read(path, as_version=4)
            stale = [
                f"has a stale listing: {cell.metadata['listing']}"
                for cell, _ in listings.stale_cells(notebook)
            ]
            problems = complaints(notebook) + stale
        except listings.ListingError as error:
            problems = [str(error)]
        for problem in problems:
            print(f"{path}: {problem}", file=sys.stderr)
        failed |= bool(problems)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())

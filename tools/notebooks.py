"""Notebooks as they are committed: no outputs, no execution counts, the bootstrap cell first,
listings up to date.

    python tools/notebooks.py            tidy every notebook (`make listings` runs this)
    python tools/notebooks.py --check    change nothing; exit 1 and say what is untidy
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

import listings
import nbformat

ROOT = Path(__file__).resolve().parents[1]

# Both bootstrap cells begin so. A folder that happens to be called `inkling` is no library: it has
# a spec, but one without an origin.
_BEGINNING = """\
import importlib.util
import subprocess
import sys
__MORE__

class NoLibrary(Exception):
    def _render_traceback_(self):  # one sentence, and no wall of code
        return [str(self)]


def missing(name):
    return getattr(importlib.util.find_spec(name), "origin", None) is None


"""

# In the repository. Never by the library's name from an index: nobody vouches for what is there.
BOOTSTRAP = (
    """\
# Is the book's library here? A notebook of a checkout that has not installed it takes
# it from there. Anywhere else it stops, and says what to do.
"""
    + _BEGINNING.replace("__MORE__", "from pathlib import Path\n")
    + """\
above = [f for f in Path.cwd().parents if (f / "inkling/selftest.py").is_file()]
if missing("inkling") and above:
    sys.path.insert(0, str(above[0]))
    if "google.colab" in sys.modules:  # brings what the library needs; torch stays
        pip = [sys.executable, "-m", "pip", "install", "-q", "-e", str(above[0])]
        if subprocess.run(pip).returncode:
            raise NoLibrary("pip could not install Inkling's library: see above.")
        importlib.invalidate_caches()
if missing("inkling") or missing("torch"):
    raise NoLibrary(
        "Inkling's library is not here: say `make lab` in a copy of the repository, or"
        " open the notebook of this name on its branch `published`."
    )"""
)

# On the published branch; `published_bootstrap` puts in what stands between underscores.
_PUBLISHED = (
    """\
# On Colab this installs the release of the book's library that ran this notebook, if
# its sha256 is right, and keeps Colab's torch. Elsewhere the library is there already.
"""
    + _BEGINNING.replace("__MORE__", "")
    + """\
WHEEL = "__WHEEL__#sha256=__SHA256__"
if missing("inkling") and "google.colab" in sys.modules:
    print("Installing Inkling __VERSION__ takes about half a minute.")
    pip = [sys.executable, "-m", "pip", "install", "-q", "--retries", "2"]
    run = subprocess.run([*pip, f"inkling-book @ {WHEEL}"], capture_output=True)
    importlib.invalidate_caches()
    if b"DO NOT MATCH THE HASHES" in run.stderr:
        raise NoLibrary(f"Nothing is installed: this is not what was released: {WHEEL}")
    if run.returncode:
        why = "it is not there" if b"error 404" in run.stderr else "is there a network?"
        raise NoLibrary(f"pip could not install Inkling ({why}): {WHEEL}")
if missing("inkling"):
    raise NoLibrary(f'Install it first: pip install "inkling-book @ {WHEEL}"')"""
)


def version() -> str:
    """The version of the package, as pyproject.toml has it."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    found = re.search(r'^version = "([^"]+)"', text, re.MULTILINE)
    if found is None:
        raise SystemExit(
            'pyproject.toml names no version; add a line version = "..." to [project].'
        )
    return found[1]


# the release that a published notebook installs on Colab
VERSION = version()


def published_bootstrap(wheel: str, sha256: str) -> str:
    """The bootstrap cell of the published branch: on Colab it installs the wheel at the address
    `wheel`, if its hash is right.
    """
    filled = _PUBLISHED.replace("__WHEEL__", wheel).replace("__SHA256__", sha256)
    return filled.replace("__VERSION__", VERSION)


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

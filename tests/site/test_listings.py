"""The notebooks quote the library line for line."""

from __future__ import annotations

import ast
import re
import subprocess
import sys

import listings
import nbformat
import notebooks
import pytest
from conftest import NOTEBOOKS, ROOT

MODULE = '''\
"""A module."""

LIMIT: int = 3
NAMES = [
    "a",  # the first
    "b",
]


@property
@staticmethod
def decorated(x):
    """Doc."""
    # a comment
    return x


class Thing:
    size = 1

    @classmethod
    def make(cls):
        if cls.size:
            return cls()


after = 1
'''


@pytest.fixture
def root(tmp_path):
    (tmp_path / "inkling").mkdir()
    (tmp_path / "inkling" / "thing.py").write_text(MODULE, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_listings_are_the_library_line_for_line(name):
    stale = listings.stale_cells(nbformat.read(ROOT / name, as_version=4))
    assert not stale, (
        f"stale in {name}: {[cell.metadata['listing'] for cell, _ in stale]}. Run `make listings`."
    )


def test_no_notebook_and_no_listing_is_lost():
    """Both are looked for by pattern, and every test of notebooks runs over what is found: a
    chapter in another place would vanish without a sound.
    """
    git = subprocess.run(["git", "ls-files", "*.ipynb"], cwd=ROOT, capture_output=True, text=True)
    assert git.returncode != 0 or sorted(git.stdout.split()) == NOTEBOOKS
    assert len(NOTEBOOKS) >= 29
    cells = [c for name in NOTEBOOKS for c in nbformat.read(ROOT / name, as_version=4).cells]
    assert sum("listing" in cell.metadata for cell in cells) >= 133


def code_of(name: str) -> list[nbformat.NotebookNode]:
    cells = nbformat.read(ROOT / name, as_version=4).cells
    return [cell for cell in cells if cell.cell_type == "code"]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_quoted_definition_fits_the_page(name):
    quoted = [cell for cell in code_of(name) if "listing" in cell.metadata]
    wide = [line for cell in quoted for line in cell.source.splitlines() if len(line) > 88]
    assert not wide, f"a page has room for 88 columns: {wide}"


def unknown_names(code: str) -> list[str]:
    """Names that some Python code uses and nobody defines."""
    ruff = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "F821", "-q"]
    command = [*ruff, "--output-format", "concise", "-"]
    run = subprocess.run(command, input=code, capture_output=True, text=True, encoding="utf-8")
    return sorted(set(re.findall(r"Undefined name `(\w+)`", run.stdout)) - {"display"})  # IPython's


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_has_every_name_that_it_uses(name):
    """Also those in quoted definitions that the page never calls: a reader may."""
    unknown = unknown_names("\n".join(cell.source for cell in code_of(name)))
    assert not unknown, f"{name} uses {unknown} and neither imports nor defines them"


def test_an_unknown_name_is_found():
    assert unknown_names("import json\nprint(json, here)\ndisplay(1)") == ["here"]


def private_names(source: str) -> list[str]:
    """Private names of others that a cell uses, but for torch's: `from x import _y`, `x._y`."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            found += [alias.name for alias in node.names if re.match("_[^_]", alias.name)]
        elif isinstance(node, ast.Attribute) and re.match("_[^_]", node.attr):
            owner = ast.unparse(node.value)
            if owner not in ("self", "cls", "torch") and node.attr != "_asdict":
                found.append(f"{owner}.{node.attr}")
    return found


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_what_a_notebook_uses_is_public(name):
    found = [each for cell in code_of(name) for each in private_names(cell.source)]
    quoted = [cell.metadata["listing"] for cell in code_of(name) if "listing" in cell.metadata]
    found += [each for each in quoted if re.search(r"[:.]_[^_]\w*$", each)]
    assert not found, f"{name} uses private names: {found}"


def test_a_private_name_is_found():
    assert private_names("from a import _b, c\nself._x + d._e + torch._f\nd.__len__()") == [
        "_b",
        "d._e",
    ]


#: Chapters whose module was too long for one file: the file they quote may be any of its parts.
#: The last page walks through everything and has no module of its own; it quotes the last piece,
#: the whole pipeline.
PARTS = {"corpus": ("corpus", "cleaning", "duplicates"), "journey": ("rag",)}
PART = {"journey": "reading"}


@pytest.mark.parametrize("name", [n for n in NOTEBOOKS if n.startswith("book/")])
def test_every_chapter_quotes_its_own_module(name):
    notebook = nbformat.read(ROOT / name, as_version=4)
    part, stem = name.removeprefix("book/").removesuffix(".ipynb").split("/")
    part = PART.get(stem, part)
    modules = [f"inkling/{part}/{module}.py" for module in PARTS.get(stem, (stem,))]
    quoted = [cell.metadata["listing"] for cell in notebook.cells if "listing" in cell.metadata]
    assert any(reference.split(":")[0] in modules for reference in quoted), (
        f"{name}: no listing of {modules}: {quoted}"
    )


@pytest.mark.parametrize(
    ("reference", "text"),
    [
        (
            "decorated",
            (
                '@property\n@staticmethod\ndef decorated(x):\n    """Doc."""\n    # a comment\n   '
                " return x"
            ),
        ),
        ("LIMIT", "LIMIT: int = 3"),
        ("NAMES", 'NAMES = [\n    "a",  # the first\n    "b",\n]'),
        ("Thing.make", "@classmethod\ndef make(cls):\n    if cls.size:\n        return cls()"),
        ("Thing.size", "size = 1"),
    ],
)
def test_a_definition_comes_whole(root, reference, text):
    assert listings.definition(f"inkling/thing.py:{reference}", root) == text


def test_a_class_comes_with_its_members_and_stops_where_it_ends(root):
    text = listings.definition("inkling/thing.py:Thing", root)
    assert text.startswith("class Thing:") and text.endswith("return cls()")


@pytest.mark.parametrize(
    "reference",
    [
        "thing.py",
        "inkling/none.py:X",
        "inkling/thing.py:Other",
        "inkling/thing.py:Thing.no",
        "inkling/thing.py:LIMIT.no",
    ],
)
def test_a_wrong_reference_is_named(root, reference):
    with pytest.raises(listings.ListingError, match=reference.split(":")[0]):
        listings.definition(reference, root)


def test_a_stale_listing_is_found_and_refreshed(tmp_path):
    cell = nbformat.v4.new_code_cell(
        "def atomic_write(): ...", metadata={"listing": "inkling/files.py:atomic_write"}
    )
    path = tmp_path / "a.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    assert len(listings.stale_cells(nbformat.read(path, as_version=4))) == 1
    notebooks.tidy(path)
    fresh = nbformat.read(path, as_version=4)
    assert listings.stale_cells(fresh) == []
    assert fresh.cells[0].source in (ROOT / "inkling" / "files.py").read_text(encoding="utf-8")

"""The notebooks quote the library line for line."""

from __future__ import annotations

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
    ["thing.py", "inkling/none.py:X", "inkling/thing.py:Other", "inkling/thing.py:Thing.no"],
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

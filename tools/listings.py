"""Listing cells: code cells that quote the library line for line.

A listing cell carries `"listing": "inkling/model/attention.py:GroupedQueryAttention"` in its
metadata; a dot names a member ("inkling/text/tokenizer.py:Tokenizer.encode"). Its text is that
definition, with decorators, exactly as it stands in the module; a member is shown without its
indentation, so that the cell runs. A module-level name (a constant) can be quoted too.
`tools/notebooks.py` (`make listings`) refreshes them.
"""

from __future__ import annotations

import ast
import textwrap
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[1]


class ListingError(ValueError):
    """A listing names something that is not there."""


def notebooks(root: Path = ROOT) -> list[Path]:
    """Every notebook of the book and of the labs, in alphabetical order."""
    return sorted([*(root / "book").glob("*/*.ipynb"), *(root / "labs").glob("*.ipynb")])


def definition(reference: str, root: Path = ROOT) -> str:
    """The source that `reference` ("path/to/module.py:Name" or "...:Name.member") stands for,
    without a final newline.

    Raises `ListingError` if the file or the name does not exist.
    """
    path, _, name = reference.partition(":")
    file = root / path
    if not name or not file.is_file():
        raise ListingError(
            f"listing {reference!r}: expected 'inkling/module.py:Name', and the file must exist"
        )
    source = file.read_text(encoding="utf-8")
    inside, found = ast.parse(source).body, []
    for part in name.split("."):
        found = [child for child in inside if part in names_defined_by(child)]
        if not found:
            raise ListingError(
                f"listing {reference!r}: {path} defines no {part!r} there. Was it renamed?"
            )
        inside = getattr(found[-1], "body", [])
    node = found[-1]
    first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
    lines = source.splitlines()[first - 1 : node.end_lineno]
    return textwrap.dedent("\n".join(lines))


def names_defined_by(node: ast.AST) -> list[str]:
    """The names that a statement defines: a class, a function, or the targets of an assignment."""
    if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return [node.name]
    if isinstance(node, ast.Assign):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return [node.target.id]
    return []


def stale_cells(
    notebook: nbformat.NotebookNode, root: Path = ROOT
) -> list[tuple[nbformat.NotebookNode, str]]:
    """(cell, text it should have) for each listing cell whose text is not its source's."""
    stale = []
    for cell in notebook.cells:
        reference = cell.metadata.get("listing")
        if reference is not None:
            wanted = definition(reference, root)
            if cell.cell_type != "code" or cell.source != wanted:
                stale.append((cell, wanted))
    return stale

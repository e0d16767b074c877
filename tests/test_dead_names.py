"""What only tests use is no part of the library."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

from conftest import ROOT
from house_order import modules


def defined(tree: ast.Module) -> set[str]:
    """The public names that a module makes at its top."""
    names = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return {name for name in names if not name.startswith("_")}


def used(tree: ast.Module) -> set[str]:
    """The names that a module reads, or brings from another one."""
    return {
        name
        for node in ast.walk(tree)
        for name in (
            [node.id]
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
            else [node.attr]
            if isinstance(node, ast.Attribute)
            else [alias.name for alias in node.names]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }


def words_of_cells(path: Path) -> Iterator[str]:
    """The words in the code of a notebook but for the listings, which only quote the library."""
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code" and "listing" not in cell["metadata"]:
            yield from re.findall(r"\w+", "".join(cell["source"]))


def test_every_public_name_is_used_by_the_library_the_book_a_lab_or_a_tool():
    trees = {
        name: ast.parse(path.read_text(encoding="utf-8")) for name, path in modules(ROOT).items()
    }
    others = [*(ROOT / "tools").glob("*.py"), *(ROOT / "book" / "_ext").glob("*.py")]
    known = set().union(
        *map(used, trees.values()),
        *(used(ast.parse(path.read_text(encoding="utf-8"))) for path in others),
        *(words_of_cells(path) for path in (ROOT / "book").glob("*/*.ipynb")),
        *(words_of_cells(path) for path in (ROOT / "labs").glob("*.ipynb")),
    )
    dead = {name: sorted(defined(tree) - known) for name, tree in trees.items()}
    dead = {name: names for name, names in dead.items() if names}
    assert not dead, f"only tests use these, or nobody: {dead}"

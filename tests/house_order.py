"""The order of the library: what may import what. `tests/test_house.py` asks `faults`.

The order of parts and chapters stands in `_toc.yml`, and nowhere else; a chapter's module has the
name of its page. Below the first part stand the few modules that everything may use, above the last
what brings the parts together; what opens a finished model stands above the part that builds one.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from pathlib import Path

BELOW = ("files", "settings", "progress", "plots", "world")
ABOVE_PART = {"model": ("checkpoints",)}
# `terminal` is what a command of `__main__` shows, in a module of its own
ABOVE = ("recipe", "live", "labs", "selftest", "terminal", "__main__")
Graph = dict[str, set[str]]  # module -> the modules that it imports


def modules(root: Path) -> dict[str, Path]:
    """Every module of the library by its dotted name without "inkling.": "text.ngram"; "" is the
    package itself, "world" a package's own module.
    """
    found = {}
    for path in sorted((root / "inkling").rglob("*.py")):
        parts = path.relative_to(root / "inkling").with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(path: Path, package: str = "") -> set[str]:
    """Full dotted names that a file imports, at any depth: also inside of functions, and for the
    type checker only. `package`: where its relative imports start from.
    """
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: 1 - node.level or None] if node.level else []
            start = ".".join([*above, *([node.module] if node.module else [])])
            names |= {start} | {f"{start}.{alias.name}" for alias in node.names}
    return names


def arrows(root: Path) -> Graph:
    """For each module of the library the modules of the library that it imports."""
    there, graph = modules(root), {}
    for name, path in there.items():
        full = f"inkling.{name}".rstrip(".")
        package = full if path.name == "__init__.py" else full.rpartition(".")[0]
        ours = {n for n in imported(path, package) if n.split(".")[0] == "inkling"}
        targets = {n.removeprefix("inkling").removeprefix(".") for n in ours} & there.keys()
        # `from inkling.world import people` names the package too, but needs only the module.
        packages = {n for n in targets if any(other.startswith(f"{n}.") for other in targets)}
        graph[name] = targets - packages - {"", name}
    return graph


def chapters(root: Path) -> list[str]:
    """The chapters' modules in the order of the book: "text.ngram", "text.corpus", ..."""
    pages = re.findall(r"file: book/(\w+)/(\w+)", (root / "_toc.yml").read_text(encoding="utf-8"))
    return [f"{part}.{page}" for part, page in pages if page != "index"]


def parts(root: Path) -> list[str]:
    """The parts of the book in their order."""
    return list(dict.fromkeys(chapter.split(".")[0] for chapter in chapters(root)))


def faults(root: Path) -> list[str]:
    """What breaks the order, a sentence each; an empty list when nothing does.

    A module imports from its own level or from lower ones. A chapter needs no later chapter, not by
    way of a helper either. And no import goes in a circle.
    """
    graph, pages = arrows(root), chapters(root)
    middle = [level for part in parts(root) for level in (part, *ABOVE_PART.get(part, ()))]
    levels = ["", *BELOW, *middle, *ABOVE]
    found = []
    for name, targets in graph.items():
        if name.split(".")[0] not in levels:
            found.append(f"{name} stands at no level: its folder is no part of _toc.yml")
            continue
        above = levels[levels.index(name.split(".")[0]) + 1 :]
        up = sorted(target for target in targets if target.split(".")[0] in above)
        found += [f"{name} imports {target}, which stands above it" for target in up]
    for place, chapter in enumerate(pages):
        later = needed([chapter], graph) & set(pages[place + 1 :]) if chapter in graph else ()
        found += [f"the chapter {chapter} needs {other}, taught later" for other in sorted(later)]
    return found + [f"imports go in a circle: {' -> '.join(circle)}" for circle in circles(graph)]


def needed(start: Iterable[str], graph: Graph) -> set[str]:
    """All modules that those of `start` import, and those that these import, and so on."""
    seen: set[str] = set()
    waiting = list(start)
    while waiting:
        new = graph[waiting.pop()] - seen
        seen |= new
        waiting += new
    return seen


def circles(graph: Graph) -> list[list[str]]:
    """One circle of imports for each module at which a walk closes one."""
    found: list[list[str]] = []
    done: set[str] = set()

    def visit(name: str, trail: list[str]) -> None:
        if name in trail:
            found.append([*trail[trail.index(name) :], name])
        elif name not in done:
            for target in sorted(graph[name]):
                visit(target, [*trail, name])
            done.add(name)

    for name in graph:
        visit(name, [])
    return found

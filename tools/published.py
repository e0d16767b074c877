"""The published branch: what Binder and Colab open. A workflow makes it from the same build as the
site, and pushes it.

    python tools/published.py --to FOLDER --wheel dist/inkling_book-X-py3-none-any.whl
        --wheel-url https://github.com/OWNER/NAME/releases/download/vX/inkling_book-X-py3-none-any.whl

In it stand the book's pages, its notebooks as the build executed them (outputs and the state of
widgets included), the learner's copies of the labs in `workshop/`, and what Binder reads. The
library is not there: the first cell of each notebook (on Colab) and `binder/` install the release's
wheel by its address, and only if its sha256 is right. So a notebook always runs with the version
that it was executed with, and a change of prose rebuilds no image.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import learner_copies
import listings
import nbformat
import notebooks
from extension import inkling_site
from jupyter_cache import get_cache

ROOT = Path(__file__).resolve().parents[1]

GITHUB = "https://github.com/"  # Binder's short addresses and Colab's know no other place
# What is copied as it is: the pages that are no notebooks, their pictures, and Binder's files.
COPIED = (
    "_toc.yml",
    "LICENSE",
    "LICENSE-text",
    "CITATION.cff",
    "book/**/*.md",
    "book/**/*.bib",
    "book/**/*.svg",
    "book/**/*.png",
    "labs/*.md",
    "binder/jupyter_lab_config.json",
    "binder/postBuild",
    "binder/requirements.txt",
    "binder/runtime.txt",
    "binder/start",
)

README = """\
# Inkling {version}, as it was published

A workflow makes this branch (from the commit {commit}); nothing is changed here by hand. It is what
the website's buttons open. The book's source, its library and its tests are in the
[repository]({address}).

- [Start with the labs on Binder]({binder}):
  nothing to install, and nothing is kept.
- `book/` and `labs/` hold the notebooks as they were executed, the labs with their solutions.
- `workshop/` holds the learner's copies of the labs, without solutions: begin with `start.ipynb`.

On Colab the first cell of each notebook installs version {version} of the library from
{wheel}
if its sha256 is {sha256}.
"""


class NotPublished(Exception):
    """Something is not as it must be; the message is one sentence that says what to do."""


@dataclass(frozen=True)
class Wheel:
    """The release's wheel: where it lies here, where readers get it, and the repository's
    address.
    """

    path: Path
    url: str
    address: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.path.read_bytes()).hexdigest()


def check_wheel(wheel: Wheel, root: Path) -> None:
    """Refuse a wheel that is not this version of the package, or holds another library than the
    one that ran the notebooks.
    """
    if not wheel.path.is_file():
        raise NotPublished(f"{wheel.path} is not there: `python tools/release.py build` makes it.")
    name = re.fullmatch(r"inkling_book-([^-]+)-py3-none-any\.whl", wheel.path.name)
    if name is None or name[1] != notebooks.VERSION:
        raise NotPublished(
            f"{wheel.path.name} is not version {notebooks.VERSION} of the package: build it anew."
        )
    if wheel.url.rpartition("/")[2] != wheel.path.name:
        raise NotPublished(f"{wheel.url} must end in the wheel's name, {wheel.path.name}.")
    with zipfile.ZipFile(wheel.path) as inside:
        held = {n: inside.read(n) for n in inside.namelist() if n.startswith("inkling/")}
    here = {
        name: root / name
        for name in tracked(root, "inkling")
        if not name.endswith("ruff.toml")  # for the linter; it is not part of the package
    }
    other = sorted(held.keys() ^ here.keys())
    other += [name for name in held.keys() & here.keys() if held[name] != here[name].read_bytes()]
    if other:
        raise NotPublished(
            f"{wheel.path.name} holds another {other[0]} than this checkout: build it anew."
        )


def git(root: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True
    ).stdout


def tracked(root: Path, *paths: str) -> list[str]:
    """The files under `paths` that git knows, by their names seen from `root`."""
    return git(root, "ls-files", "-z", "--", *paths).split("\0")[:-1]


def executed(path: Path, cache: Path) -> nbformat.NotebookNode:
    """A notebook with the outputs that the build's cache has for it, and its widgets' state."""
    try:
        if not cache.is_dir():
            raise KeyError(path)
        notebook = nbformat.read(path, as_version=4)
        return get_cache(str(cache)).merge_match_into_notebook(notebook)[1]
    except KeyError:
        raise NotPublished(
            f"{path.parent.name}/{path.name} has not been executed with this state of the library:"
            " `make book` does that."
        ) from None


def stamped(notebook: nbformat.NotebookNode, cell: str) -> nbformat.NotebookNode:
    """The notebook with `cell` as its bootstrap cell, folded as on the site."""
    for each in notebook.cells:
        if each.metadata.get("bootstrap"):
            each.source = cell
            each.metadata["jupyter"] = {"source_hidden": True}
    return notebook


def publish(folder: Path, wheel: Wheel, cache: Path, root: Path = ROOT) -> None:
    """Make the tree of the published branch in `folder`, all of it or none.

    cache: the jupyter-cache with the executed notebooks. Raises NotPublished.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise NotPublished(f"{folder} is not empty: name a new folder.")
    if not wheel.address.startswith(GITHUB):
        raise NotPublished(
            "the repository's address on GitHub is not known: set GITHUB_REPOSITORY to OWNER/NAME."
        )
    if git(root, "status", "--porcelain").strip():
        raise NotPublished("there are changes that are not committed: commit them first.")
    check_wheel(wheel, root)
    cell = notebooks.published_bootstrap(wheel.url, wheel.sha256)
    masters = [path for path in listings.notebooks(root) if path.parent == root / "labs"]
    made: dict[str, str | bytes] = {}
    for path in listings.notebooks(root):
        notebook = stamped(executed(path, cache), cell)
        made[path.relative_to(root).as_posix()] = nbformat.writes(notebook) + "\n"
    for path in masters:
        copy = learner_copies.learner(nbformat.read(path, as_version=4))
        made[f"workshop/{path.name}"] = nbformat.writes(stamped(copy, cell)) + "\n"
    for pattern in COPIED:
        made |= {n: (root / n).read_bytes() for n in tracked(root, f":(glob){pattern}")}
    made["binder/library.txt"] = (
        "# the release that the notebooks were run with\n"
        f"inkling-book @ {wheel.url}#sha256={wheel.sha256}\n"
    )
    made["README.md"] = readme(wheel, git(root, "rev-parse", "--short=12", "HEAD").strip())
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".published-") as beside:
        tree = Path(beside) / "tree"
        for name, content in made.items():
            target = tree / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.encode() if isinstance(content, str) else content)
            if (root / name).is_file():  # Binder wants its scripts to be executable
                shutil.copymode(root / name, target)
        if folder.exists():
            folder.rmdir()
        tree.rename(folder)


def readme(wheel: Wheel, commit: str) -> str:
    owner_and_name = wheel.address.removeprefix(GITHUB)
    start = f"{inkling_site.PUBLISHED}?urlpath=lab/tree/workshop/start.ipynb"
    return README.format(
        version=notebooks.VERSION,
        commit=commit,
        address=wheel.address,
        binder=f"https://mybinder.org/v2/gh/{owner_and_name}/{start}",
        wheel=wheel.url,
        sha256=wheel.sha256,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--to", type=Path, required=True, help="a folder that is new or empty")
    parser.add_argument("--wheel", type=Path, required=True, help="the release's wheel")
    parser.add_argument("--wheel-url", required=True, help="where readers get that wheel")
    arguments = parser.parse_args()
    address = inkling_site.repository_url(dict(os.environ), ROOT)
    wheel = Wheel(arguments.wheel, arguments.wheel_url, address)
    try:
        publish(arguments.to, wheel, inkling_site.executed_notebooks())
    except NotPublished as error:
        print(f"published.py: {error}", file=sys.stderr)
        return 1
    print(f"The published branch is in {arguments.to}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

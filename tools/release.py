"""What a release is made of, and what it refuses. The workflows in .github run this.

    python tools/release.py check --tag v0.2.0      refuse what is not fit to be released
    python tools/release.py build --to dist [--site _build/html]
    python tools/release.py notes                   the section of CHANGELOG.md for this version
    python tools/release.py fingerprint             what executed notebooks depend on, as an output

`build` makes the wheel, the source distribution, the site as a zip if it is told where that is, and
SHA256SUMS. It packs what is committed and nothing else, and it is the same wheel, byte for byte,
whenever the same commit is built with the same tools. A refusal is one sentence and exit code 1.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# The files that name the version, and how.
VERSIONS = {
    "pyproject.toml": r'^version = "(.+)"$',
    "inkling/__init__.py": r'^__version__ = "(.+)"$',
    "CITATION.cff": r"^version: (.+)$",
}
# Beside them a wheel holds nothing that depends on the day: with the commit's time as the time of
# its files, one commit gives one wheel.
BUILD = "import sys; from setuptools import build_meta as b; b.build_{}(sys.argv[1])"


class Refusal(Exception):
    """Why there is no release, and what to do, in one sentence."""


def git(*arguments: str) -> str:
    """What a git command prints. Raises Refusal where this is no checkout."""
    run = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    if run.returncode != 0:
        raise Refusal(
            f"git {arguments[0]} does not work in {ROOT}: a release is made in a checkout of the"
            " repository."
        )
    return run.stdout.strip()


def released_version() -> str:
    """The version that every file names. Raises Refusal if they disagree."""
    found = {}
    for name, pattern in VERSIONS.items():
        match = re.search(pattern, (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)
        found[name] = match[1] if match else "none"
    if len(set(found.values())) != 1:
        said = ", ".join(f"{name} says {version}" for name, version in found.items())
        raise Refusal(f"The version is not the same everywhere ({said}): make them equal.")
    return found["pyproject.toml"]


def notes(version: str) -> str:
    """What CHANGELOG.md says of `version`. Raises Refusal if it says nothing."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    pattern = rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d$(.*?)(?=^## |^\[|\Z)"
    section = re.search(pattern, text, re.MULTILINE | re.DOTALL)
    if section is None or not section[1].strip():
        raise Refusal(
            f"CHANGELOG.md has no section `## [{version}] - DATE` with something in it: write what"
            " is new for readers."
        )
    return section[1].strip()


def check(tag: str) -> None:
    """Raise Refusal if what is checked out must not be released under `tag`."""
    version = released_version()
    if tag != f"v{version}":
        raise Refusal(
            f"The tag is {tag} and the version {version}: tag the commit of that version, or change"
            f" the version in {', '.join(VERSIONS)}."
        )
    if changed := git("status", "--porcelain").splitlines():
        raise Refusal(
            f"The tree is not clean ({len(changed)} changed or new, the first is"
            f" {changed[0].strip()}): commit it or put it away."
        )
    notes(version)
    tidy = [sys.executable, ROOT / "tools" / "notebooks.py", "--check"]
    run = subprocess.run(tidy, cwd=ROOT, capture_output=True, text=True)
    if run.returncode != 0:
        complaints = run.stderr.strip().splitlines() or ["tools/notebooks.py failed"]
        raise Refusal(
            f"The notebooks are not as they are committed ({len(complaints)} complaints, the last"
            f" is: {complaints[-1]}): run `make listings` and commit what it changes."
        )


def pack(source: Path, into: Path) -> None:
    """Make the wheel and the source distribution of the committed files, by way of the folder
    `source`.
    """
    archive = source.with_suffix(".tar")
    git("archive", "--output", str(archive), "HEAD")
    shutil.unpack_archive(archive, source, filter="data")
    environment = os.environ | {"SOURCE_DATE_EPOCH": git("show", "-s", "--format=%ct", "HEAD")}
    for kind in ("wheel", "sdist"):
        run = subprocess.run(
            [sys.executable, "-c", BUILD.format(kind), into],
            cwd=source,
            env=environment,
            capture_output=True,
            text=True,
        )
        if run.returncode != 0:
            said = (run.stderr or run.stdout).strip().splitlines() or ["without a word"]
            raise Refusal(f"setuptools made no {kind} ({said[-1]}): see what it says of the tree.")


def build(to: Path, site: Path | None) -> list[Path]:
    """Make the files of a release in the folder `to`, all of them or none. Returns them."""
    version = released_version()
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise Refusal(f"{to} is not an empty folder: name another one, or remove it first.")
    if site is not None and not (site / "index.html").is_file():
        raise Refusal(f"{site} holds no built site: run `make book` first.")
    with tempfile.TemporaryDirectory(prefix="inkling-release-") as folder:
        made = Path(folder) / "made"
        made.mkdir()
        pack(Path(folder) / f"inkling_book-{version}", made)
        if site is not None:
            shutil.make_archive(str(made / f"inkling-site-{version}"), "zip", site)
        lines = [
            f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
            for path in sorted(made.iterdir())
        ]
        (made / "SHA256SUMS").write_text("".join(lines), encoding="utf-8", newline="\n")
        shutil.copytree(made, to, dirs_exist_ok=True)
    return sorted(to.iterdir())


def fingerprint() -> str:
    """The fingerprint under which executed notebooks are kept (book/_ext/inkling_site.py), as a
    line for the outputs of a workflow's step.
    """
    sys.path[:0] = [str(ROOT / "book" / "_ext"), str(ROOT)]
    # only here: what checks a tag needs none of the book's packages
    site = importlib.import_module("inkling_site")
    return f"fingerprint={site.executed_notebooks().name}"


def main() -> int:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    checking = commands.add_parser("check", help="refuse what is not fit to be released")
    checking.add_argument("--tag", required=True, help="the release's tag: v and the version")
    building = commands.add_parser("build", help="make the files of a release")
    building.add_argument("--to", type=Path, required=True, help="an empty or a new folder")
    building.add_argument("--site", type=Path, help="the built site, for the zip")
    commands.add_parser("notes", help="print what CHANGELOG.md says of this version")
    commands.add_parser("fingerprint", help="print what executed notebooks depend on")
    arguments = parser.parse_args()
    try:
        if arguments.command == "check":
            check(arguments.tag)
            print(f"{arguments.tag} is fit to be released.")
        elif arguments.command == "build":
            for path in build(arguments.to, arguments.site):
                print(path)
        elif arguments.command == "notes":
            print(notes(released_version()))
        else:
            print(fingerprint())
    except Refusal as refusal:
        print(refusal, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

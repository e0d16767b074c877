"""What tests of publishing begin with: a clean clone of what is committed, and a fresh environment
that has this one's packages without having this one's library.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import environment
import pytest
from notebook_runs import ROOT


def git(folder: Path, *arguments: str) -> str:
    """What a git command prints; the test fails if git does."""
    somebody = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.org"]
    run = subprocess.run(
        ["git", "-C", str(folder), *somebody, *arguments], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


def clone(folder: Path) -> Path:
    """A clean clone of the commit that this repository stands at."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is no checkout of the repository, which a release is made from")
    git(ROOT, "clone", "--quiet", "--shared", str(ROOT), str(folder))
    return folder


def fresh_environment(folder: Path, *before: Path) -> Path:
    """Make a fresh environment that sees the packages of this one. Returns its Python.

    This one's library is not seen: an editable install works by a .pth file, and those are read in
    an environment's own folder only. before: folders to look in before that.
    """
    venv.create(folder, symlinks=os.name != "nt")
    inside = {"base": str(folder), "platbase": str(folder)}
    packages = [*map(str, before), *{sysconfig.get_path(name) for name in ("purelib", "platlib")}]
    own = Path(sysconfig.get_path("purelib", "venv", vars=inside))
    (own / "packages.pth").write_text("\n".join(packages) + "\n", encoding="utf-8")
    if not (folder / "share").exists() and (shared := Path(sys.prefix, "share")).exists():
        (folder / "share").symlink_to(shared)  # JupyterLab's extensions
    return environment.python_in(folder)

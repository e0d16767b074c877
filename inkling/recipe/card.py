"""What every card beside a checkpoint says of the programs that made it."""

import platform
import subprocess
from pathlib import Path

import numpy as np
import torch

import inkling


def commit() -> str | None:
    """The commit of the source that runs, where it runs from a git checkout: another source may make another corpus.

    With "-changed" behind it where the library differs from that commit.
    """
    folder = Path(inkling.__file__).parent

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, timeout=10).stdout.strip()

    try:
        if not (head := git("rev-parse", "HEAD")):
            return None
        return head + ("-changed" if git("status", "--porcelain", "--untracked-files=no", "--", ".") else "")
    except (OSError, subprocess.TimeoutExpired):
        return None


def versions() -> dict[str, str | None]:
    """The versions of all that has a say in the numbers."""
    return {
        "inkling": inkling.__version__,
        "commit": commit(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }

"""What every card beside a checkpoint says of the programs that made it."""

import platform
import subprocess
from pathlib import Path

import numpy as np
import torch

import inkling


def commit() -> str | None:
    """The commit of the source that runs, where it runs from a git checkout: another source may make another corpus."""
    folder = Path(__file__).parent
    try:
        found = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() or None


def versions() -> dict[str, str | None]:
    """The versions of all that has a say in the numbers."""
    return {
        "inkling": inkling.__version__,
        "commit": commit(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }

"""Commands run as on a machine without a package index: pip must do with what is there."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from notebook_runs import ROOT

NO_INDEX = {
    "PIP_NO_INDEX": "1",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_CONFIG_FILE": os.devnull,
}


def run(command: list, cwd: Path = ROOT / "binder", **changed: str) -> subprocess.CompletedProcess:
    """The outcome of a command, run with `changed` variables."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "PYTHON"))}
    variables = kept | NO_INDEX | changed
    command = [str(part) for part in command]
    return subprocess.run(
        command, cwd=cwd, env=variables, capture_output=True, text=True, timeout=300
    )

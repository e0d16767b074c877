"""Make the book's environment: a virtual environment with exactly what requirements.txt pins. `make
book` runs this.

    python3 tools/environment.py .venv

Needs Python 3.11 or newer with `venv` and `pip`, and nothing else. On Linux without an NVIDIA card
the default torch wheel brings gigabytes of CUDA libraries, so this asks PyTorch's index of CPU
wheels first; if that index does not answer within a few seconds, torch comes from the usual place,
as on other systems. To decide by yourself set INKLING_TORCH to `cpu` (only the CPU index) or
`default` (never the CPU index).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
PROBE_SECONDS = 8


def say(text: str) -> None:
    print(f"[environment] {text}", flush=True)


def python_in(folder: Path) -> Path:
    """The Python of the virtual environment in `folder`."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def pinned(package: str) -> str:
    """The version that requirements.txt pins `package` to."""
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    found = re.search(rf"^{re.escape(package)}==(\S+)", text, re.MULTILINE)
    if found is None:
        raise SystemExit(f"requirements.txt pins no version of {package}; add a line for it.")
    return found[1]


def installed(python: Path, package: str) -> str | None:
    """The version of `package` installed for `python`, without a local part such as `+cpu`; None if
    there is none.
    """
    code = f"import importlib.metadata as m; print(m.version({package!r}))"
    run = subprocess.run([python, "-c", code], capture_output=True, text=True)
    return run.stdout.strip().split("+")[0] if run.returncode == 0 else None


def cpu_index_answers(python: Path) -> bool:
    """Whether the index of CPU wheels can be reached, decided within PROBE_SECONDS even when
    packets just vanish.
    """
    code = f"import urllib.request as u; u.urlopen({CPU_INDEX + '/torch/'!r}, timeout=4).read(64)"
    try:
        return (
            subprocess.run(
                [python, "-c", code], capture_output=True, timeout=PROBE_SECONDS
            ).returncode
            == 0
        )
    except subprocess.TimeoutExpired:
        return False


def wants_cpu_index() -> bool:
    """Whether the CPU index is worth asking: on Linux without an NVIDIA driver, unless
    INKLING_TORCH says otherwise.
    """
    choice = os.environ.get("INKLING_TORCH", "")
    if choice in ("cpu", "default"):
        return choice == "cpu"
    return sys.platform.startswith("linux") and shutil.which("nvidia-smi") is None


def install_torch(python: Path) -> None:
    version = pinned("torch")
    if installed(python, "torch") == version:
        return
    if not wants_cpu_index():
        return  # requirements.txt brings it
    if not cpu_index_answers(python):
        say(f"{CPU_INDEX} does not answer; torch comes from the usual place")
        return
    say(f"torch {version}, the CPU wheel")
    command = [
        python,
        "-m",
        "pip",
        "install",
        "--timeout",
        "20",
        "--retries",
        "1",
        "--index-url",
        CPU_INDEX,
    ]
    if subprocess.run([*command, f"torch=={version}"]).returncode != 0:
        say("that did not work; torch comes from the usual place")


def main() -> int:
    if sys.version_info < (3, 11):
        say(
            f"this is Python {sys.version.split()[0]}; the book's pinned packages need 3.11 or"
            " newer."
        )
        say("Install a newer Python and say `make book PYTHON=python3.12`, for example.")
        return 1
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".venv").resolve()
    python = python_in(folder)
    if not python.exists():
        say(f"making {folder}")
        try:
            venv.create(folder, with_pip=True)
        except (subprocess.CalledProcessError, SystemExit, OSError) as error:
            shutil.rmtree(folder, ignore_errors=True)
            say(f"could not make it: {error}. On Debian or Ubuntu: apt-get install python3-venv")
            return 1
    install_torch(python)
    say("installing what requirements.txt pins (a few minutes the first time)")
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "-r", ROOT / "requirements.txt"], check=True)
    subprocess.run([*pip, "--no-deps", "-e", ROOT], check=True)
    say("ready")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        say(
            f"pip failed (exit code {error.returncode}); its own message is above. Run the same"
            " command again."
        )
        sys.exit(1)

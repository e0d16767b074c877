"""The fast tests on other Pythons, each in a fresh environment of its own. `make release-check`
runs this; CI does the same on three systems.

    python tools/other_pythons.py                     # on Python 3.11 and 3.13
    python tools/other_pythons.py 3.13 -- -k tokenizer
    INKLING_PYTHON_3_13=/opt/python/bin/python3.13 python tools/other_pythons.py

What stands after `--` goes to pytest. An interpreter is looked for as INKLING_PYTHON_3_13 says, as
`python3.13` on the PATH, with the launcher `py` (Windows), with uv and with pyenv. What is missing
is named, and so is what was not run for it. Exit status: 1 where a test failed, an environment
could not be made, or no Python was found at all; 0 otherwise.

The tests run from a clone of the last commit, as CI's do: what is not committed is not tested.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import environment

ROOT = Path(__file__).resolve().parents[1]
VERSIONS = ("3.11", "3.13")  # those of .github/workflows/ci.yml
FAST = ["-m", "pytest", "-m", "fast", "-q", "-p", "no:cacheprovider"]


def say(text: str) -> None:
    print(f"[other Pythons] {text}", flush=True)


def version_of(command: list[str]) -> str:
    """The version of the Python that a command starts, "3.13"; "" where it starts none."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        run = subprocess.run([*command, "-c", code], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return run.stdout.strip() if run.returncode == 0 else ""


def answer(*command: str) -> str:
    """What a command prints; "" where it is not there or fails."""
    if shutil.which(command[0]) is None:
        return ""
    run = subprocess.run(command, capture_output=True, text=True)
    return run.stdout.strip() if run.returncode == 0 else ""


def interpreter(version: str) -> list[str] | None:
    """The command that starts Python `version`; None where there is none on this machine."""
    given = os.environ.get(f"INKLING_PYTHON_{version.replace('.', '_')}")
    if given:
        if version_of([given]) != version:
            raise SystemExit(f"{given} is no Python {version}: name another one, or none.")
        return [given]
    tries = [[sys.executable], [f"python{version}"], ["py", f"-{version}"]]
    if found := answer("uv", "python", "find", "--no-python-downloads", version):
        tries.append([found])
    if found := answer("pyenv", "prefix", version):
        tries.append([str(Path(found) / "bin" / "python")])
    return next((command for command in tries if version_of(command) == version), None)


def run_tests(command: list[str], folder: Path, extra: list[str]) -> bool:
    """Whether the fast tests pass with this Python, in a clone and an environment in `folder`."""
    clone = folder / "inkling"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    begun = time.monotonic()
    made = subprocess.run([*command, "tools/environment.py", ".venv"], cwd=clone)
    if made.returncode != 0:
        say("its environment could not be made; the reason stands above")
        return False
    say(f"its environment was made in {time.monotonic() - begun:.0f} s; now the tests")
    begun = time.monotonic()
    python = environment.python_in(clone / ".venv")
    passed = subprocess.run([python, *FAST, *extra], cwd=clone).returncode == 0
    say(f"{'passed' if passed else 'FAILED'} in {time.monotonic() - begun:.0f} s")
    return passed


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="The fast tests on other Pythons.")
    parser.add_argument("versions", nargs="*", default=list(VERSIONS), help="such as 3.13")
    cut = arguments.index("--") if "--" in arguments else len(arguments)
    wanted = parser.parse_args(arguments[:cut]).versions
    found = {version: interpreter(version) for version in wanted}
    verdicts = {}
    for version, command in found.items():
        if command is None:
            continue
        say(f"Python {version}: {' '.join(command)}")
        with tempfile.TemporaryDirectory(prefix="inkling-python-") as folder:
            verdicts[version] = run_tests(command, Path(folder), arguments[cut + 1 :])
    for version in wanted:
        if version not in verdicts:
            say(
                f"Python {version} is not on this machine, so the fast tests were not run on it."
                f" Install it, or set INKLING_PYTHON_{version.replace('.', '_')}=/path/to/python"
            )
        else:
            say(f"Python {version}: the fast tests {'pass' if verdicts[version] else 'fail'}")
    return 0 if verdicts and all(verdicts.values()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

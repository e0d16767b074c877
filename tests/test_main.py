"""The command line where the world is not as it should be: outputs that take no more or know fewer
characters, inputs with stray bytes, questions that are too long.
"""

import errno
import io
import os
import subprocess
import sys

import pytest

from inkling import __main__ as commands
from inkling import checkpoints
from inkling.assistant.chat import encode_prompt
from inkling.text.tokenizer import Tokenizer
from inkling.training.generate import generate

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


# --- chat -----------------------------------------------------------------------------------------


def reply_to(question: str) -> str:
    folder = checkpoints.path("rlhf")
    tokenizer = Tokenizer.load(folder / "tokenizer.json")
    model, _ = checkpoints.load("rlhf")
    stops = [tokenizer.eos_id, tokenizer.special_tokens["<|end|>"]]
    ids = generate(model, encode_prompt(tokenizer, question), 256, 0.7, seed=1, stop_ids=stops)
    return tokenizer.decode(ids[:-1]).removeprefix(" ")


def test_one_question_that_is_too_long_ends_the_chat(monkeypatch, capsys):
    asked = "Where does Ada live?"
    questions(monkeypatch, f"{'boat ' * 400}\n{asked}\n".encode())
    assert commands.main(["chat", "--seed", "1"]) == 0
    captured = capsys.readouterr()
    assert captured.out == reply_to(asked) + "\n"
    assert "question is too long: it is" in captured.err and captured.err.count("\n") == 1
    # and what it says is true
    most = int(captured.err.split("reads ")[1].split()[0])
    length = int(captured.err.split("it is ")[1].split()[0])
    text = ("boat " * 400).strip()
    tokenizer = Tokenizer.load(checkpoints.path("rlhf") / "tokenizer.json")
    assert length == len(tokenizer.encode(" " + text)) == 400
    questions(monkeypatch, f"{'boat ' * most}\n{'boat ' * (most + 1)}\n".encode())
    assert commands.main(["chat", "--seed", "1"]) == 0
    captured = capsys.readouterr()
    assert captured.err.count("too long") == 1 and captured.out.count("\n") == 1


def test_a_stray_byte_ends_the_chat(monkeypatch, capsys):
    for errors in ("strict", "surrogateescape"):
        questions(monkeypatch, b"Caf\xe9?\nWhere does Ada live?\n\nnever read\n", errors=errors)
        assert commands.main(["chat", "--seed", "1"]) == 0
        captured = capsys.readouterr()
        assert captured.out.splitlines() == [
            reply_to("Caf\ufffd?"),
            reply_to("Where does Ada live?"),
        ]
        assert captured.err.count("\n") == 1 and r"not utf-8, b'\xe9'" in captured.err


@pytest.mark.parametrize("arguments", [["--seed", "-1"], ["--temperature", "nan"]])
def test_a_wrong_setting_is_said_once_and_not_at_each_question(arguments, monkeypatch, capsys):
    questions(monkeypatch, b"one\ntwo\n")
    assert commands.main(["chat", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1 and captured.out == ""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_sees_no_prompt_and_waits_for_the_whole_reply(monkeypatch):
    """It shows that it waits, and each piece as soon as it is there."""
    screen = Terminal()
    monkeypatch.setattr(sys, "stdin", Terminal("Hello\nBye\n"))
    monkeypatch.setattr(sys, "stdout", screen)
    seen = []

    def reply(question):
        for piece in ("You said ", question, "."):
            seen.append(screen.getvalue())
            yield piece

    monkeypatch.setattr(commands, "our_replies", lambda args: reply)
    assert commands.main(["chat"]) == 0
    assert screen.getvalue() == (
        "Ask something. An empty line ends the chat.\n"
        "> You said Hello.\n> You said Bye.\n> \n"
    )  # fmt: skip
    assert [text[-9:] for text in seen[:3]] == [" chat.\n> ", "You said ", "aid Hello"]


def test_without_any_input_there_is_no_chat(monkeypatch, capsys):
    monkeypatch.setattr(commands, "our_replies", lambda args: lambda question: iter(()))
    for stdin in (io.StringIO(""), Terminal(""), None):
        monkeypatch.setattr(sys, "stdin", stdin)
        assert commands.main(["chat"]) == 0
        assert capsys.readouterr().err == ""

"""`python -m inkling`: the commands of the book.

speedrun   the whole chain from raw text to an assistant, in the minutes you give it
write      let a checkpoint go on with a text
chat       talk with the assistant, which looks up whom it does not know
report     report cards of several runs, side by side
overoptimise  push four methods against a flawed reward model, and measure the true one
book-attack  ask a real model about the book while planted documents give it orders
fetch      download a real model once, for the chapters that use one
selftest   say in ten seconds whether this machine is ready for the labs
"""

import argparse
import codecs
import importlib
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from inkling import checkpoints
from inkling.files import InklingError
from inkling.real.fetch import SOURCES, fetch


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    top = argparse.ArgumentParser(
        prog="python -m inkling",
        description="Inkling: a small language model, end to end.",
    )
    commands = top.add_subparsers(dest="command", required=True)

    speedrun = commands.add_parser("speedrun", help="from raw text to an assistant")
    speedrun.add_argument(
        "--minutes",
        type=float,
        default=10.0,
        help="wall-clock time for the whole chain (10)",
    )
    speedrun.add_argument(
        "--steps",
        type=int,
        help="updates of pre-training, to repeat a run exactly (as many as fit)",
    )
    speedrun.add_argument(
        "--seed", type=int, default=0, help="seed of corpus, weights and data order (0)"
    )
    speedrun.add_argument(
        "--base-only",
        action="store_true",
        help="stop after pre-training, without an assistant",
    )
    speedrun.add_argument(
        "--folder", type=Path, help="where to write (runs/speedrun-MINUTES)"
    )

    write = commands.add_parser("write", help="let a checkpoint go on with a text")
    write.add_argument(
        "prompt",
        nargs="?",
        default="",
        help="the beginning (none: the model begins by itself)",
    )
    write.add_argument(
        "--checkpoint",
        type=Path,
        help="folder of a checkpoint (the one that ships with the book)",
    )
    write.add_argument("--temperature", type=float, default=0.8)
    write.add_argument("--seed", type=int, default=None)
    write.add_argument(
        "--tokens", type=int, default=240, help="at most so many new tokens (240)"
    )

    chat = commands.add_parser(
        "chat", help="talk with the assistant, which looks up whom it does not know"
    )
    which = chat.add_mutually_exclusive_group()
    which.add_argument(
        "--checkpoint",
        type=Path,
        help="its folder (the assistant that ships with the book)",
    )
    which.add_argument(
        "--smollm2",
        action="store_true",
        help="the real model (see fetch) instead of one of ours",
    )
    chat.add_argument(
        "--search",
        action=argparse.BooleanOptionalAction,
        help="look people up in the library (where the checkpoint learned to read)",
    )
    chat.add_argument(
        "--plain",
        action="store_true",
        help="one reply a line and no more, as whenever input or output is no terminal",
    )
    chat.add_argument("--temperature", type=float, default=None)
    chat.add_argument("--seed", type=int, default=None)

    report = commands.add_parser("report", help="report cards, side by side")
    report.add_argument(
        "folders",
        nargs="*",
        type=Path,
        help="checkpoint folders (the one that ships with the book)",
    )

    over = commands.add_parser(
        "overoptimise", help="push four methods against a flawed reward model"
    )
    over.add_argument(
        "--checkpoint",
        type=Path,
        help="a fine-tuned checkpoint (the one that ships with the book)",
    )
    over.add_argument(
        "--file",
        type=Path,
        default=Path("runs/overoptimisation.json"),
        help="where the points go",
    )

    attack = commands.add_parser(
        "book-attack", help="ask about the book while planted documents give orders"
    )
    attack.add_argument(
        "--file",
        type=Path,
        default=Path("runs/book_attack.json"),
        help="where the replies go",
    )

    fetch = commands.add_parser("fetch", help="download a real model once")
    fetch.add_argument(
        "names",
        nargs="+",
        choices=SOURCES,
        metavar="NAME",
        help=f"one or more of {', '.join(SOURCES)}",
    )

    commands.add_parser(
        "selftest", help="say in ten seconds whether this machine is ready for the labs"
    )
    return top


def run_speedrun(args: argparse.Namespace) -> None:
    """`inkling speedrun`: from raw text to an assistant."""
    from inkling.recipe.plan import Recipe
    from inkling.recipe.speedrun import run
    from inkling.training.processes import keep_freed_memory

    keep_freed_memory()  # this process is the run's own
    folder = args.folder or Path("runs") / f"speedrun-{args.minutes:g}"
    run(
        Recipe(
            minutes=args.minutes,
            steps=args.steps,
            seed=args.seed,
            assistant=not args.base_only,
        ),
        folder,
    )


def run_write(args: argparse.Namespace) -> None:
    """`inkling write`: print a continuation, token by token."""
    from inkling.model.transformer import Transformer
    from inkling.text.tokenizer import Tokenizer
    from inkling.training.generate import stream

    folder = args.checkpoint or checkpoints.path("base")
    tokenizer, model = (
        Tokenizer.load(folder / "tokenizer.json"),
        Transformer.from_pretrained(folder),
    )
    ids = [tokenizer.eos_id, *tokenizer.encode(args.prompt)]
    # Wrong arguments raise here, before anything is printed; it stops by itself where
    # the context is full.
    tokens = stream(
        model,
        ids,
        args.tokens,
        args.temperature,
        seed=args.seed,
        stop_ids=(tokenizer.eos_id,),
    )
    print(args.prompt, end="", flush=True)
    written = (token for token in tokens if token != tokenizer.eos_id)
    for text in tokenizer.decode_stream(written):
        print(text, end="", flush=True)
    print()


def run_chat(args: argparse.Namespace) -> None:
    """`inkling chat`: a conversation, line by line, until the input ends."""
    from inkling.terminal import open_conversation, talk

    conversation = open_conversation(
        args.checkpoint, args.smollm2, args.search, args.temperature, args.seed
    )
    in_terminal = not args.plain and is_terminal(sys.stdin) and is_terminal(sys.stdout)
    talk(conversation, typed_lines("> " if in_terminal else None), in_terminal)


def is_terminal(stream: TextIO | None) -> bool:
    """Whether somebody sits at this end; a closed stream is None."""
    return stream is not None and stream.isatty()


def typed_lines(sign: str | None) -> Iterator[str]:
    """What is typed, line by line, until the end of the input. sign: what asks for a
    line in a terminal.
    """
    if sign:
        with suppress(ImportError):  # arrow keys, and lines of more than 4,095 bytes
            importlib.import_module("readline")
    while sys.stdin is not None:
        try:
            line = input(sign) if sign else sys.stdin.readline()
        except EOFError:
            print()
            return
        say_what_was_lost()
        if not line and not sign:
            return
        yield line


def run_fetch(args: argparse.Namespace) -> None:
    """`inkling fetch`: download and check the models that it names."""
    for name in args.names:
        source = SOURCES[name]
        print(
            f"{source.what}, {source.size / 1e6:.0f} MB, licence {source.licence}",
            flush=True,
        )
        print(f"  is in {fetch(name)}")


def run_report(args: argparse.Namespace) -> None:
    """`inkling report`: print the cards of runs side by side."""
    from inkling.recipe.cards import read_card, report_card

    print(
        report_card(
            [read_card(folder) for folder in args.folders or [checkpoints.path("base")]]
        )
    )


def run_overoptimise(args: argparse.Namespace) -> None:
    """`inkling overoptimise`: run the experiment of the chapter on reward hacking."""
    from inkling.assistant.overoptimisation import run_experiment

    run_experiment(args.checkpoint or checkpoints.path("sft"), args.file)


def run_book_attack(args: argparse.Namespace) -> None:
    """`inkling book-attack`: run the attacks on the search of the book."""
    from inkling.real.book_search import BookRetriever, book_passages
    from inkling.real.book_text import read_book
    from inkling.real.injection import run_attacks
    from inkling.real.pretrained import MiniLM, load_smollm2

    run_attacks(
        load_smollm2(), BookRetriever(book_passages(read_book()), MiniLM()), args.file
    )


def run_selftest(args: argparse.Namespace) -> int:
    """`inkling selftest`: 0 where this machine is ready for the labs, 1 where not."""
    from inkling.selftest import selftest

    return int(not selftest())


# What could not be written in the output's encoding, or read in the input's.
LOST: list[str] = []


def replace_and_note(error: UnicodeError) -> tuple[str, int]:
    """What stands for a character that the output's encoding lacks, or for bytes that
    are none in the input's.
    """
    if isinstance(error, UnicodeEncodeError):
        LOST.append(
            f"the output's encoding, {sys.stdout.encoding}, has no"
            f" {ascii(error.object[error.start])}, and '?' stands for it. Set"
            " PYTHONIOENCODING=utf-8 to keep it."
        )
        return "?" * (error.end - error.start), error.end
    if isinstance(error, UnicodeDecodeError):
        LOST.append(
            f"the input has a byte that is not {error.encoding},"
            f" {error.object[error.start : error.start + 1]!r}, and U+FFFD stands for"
            " it. Give text in that encoding, or set PYTHONIOENCODING."
        )
        return "\ufffd", error.end
    raise error


def say_what_was_lost() -> None:
    """One sentence for all of it."""
    if LOST:
        print(f"inkling: {LOST[0]}", file=sys.stderr)
        LOST.clear()


@contextmanager
def no_character_stops_it() -> Iterator[None]:
    """Inside, a character that cannot be written or read is replaced, and said."""
    codecs.register_error("inkling", replace_and_note)
    before = [
        (stream, stream.errors)
        for stream in (sys.stdin, sys.stdout)
        if isinstance(stream, io.TextIOWrapper)
    ]
    for stream, _ in before:
        # an input that was read from keeps its way: reconfiguring it is not possible
        with suppress(io.UnsupportedOperation):
            stream.reconfigure(errors="inkling")
    try:
        yield
    finally:
        for stream, errors in before:
            with suppress(io.UnsupportedOperation, OSError, ValueError):
                stream.reconfigure(errors=errors)
        say_what_was_lost()


def forget_output() -> None:
    """Throw away what is still to be written to a pipe or disk that takes no more:
    Python would try once more when it ends.
    """
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


# What computes; the others need not wait for torch, and a speedrun sees to its
# processes itself.
COMPUTES = {"write", "chat", "overoptimise", "book-attack", "selftest"}


@contextmanager
def few_threads(command: str) -> Iterator[None]:
    """Inside, PyTorch computes on one thread, which is as fast as two for models of
    this size; on more where the user has said so by OMP_NUM_THREADS.
    """
    if command not in COMPUTES or "OMP_NUM_THREADS" in os.environ:
        yield
        return
    from inkling.training.processes import one_thread

    with one_thread():
        yield


# What comes of a command that is stopped; the others have nothing to go on with.
STOPPED = {
    "fetch": "; the same command starts anew",
    "speedrun": "; the same command goes on from the last savepoint",
    "overoptimise": "; the same command goes on from the last savepoint",
    "book-attack": "; the same command goes on from the last savepoint",
}


def main(argv: list[str] | None = None) -> int:
    """Do what the command line asks for. Returns the exit status; what a reader can
    mend is one line, "inkling: ...", and status 2.
    """
    args = parser().parse_args(argv)
    run = {
        "speedrun": run_speedrun,
        "write": run_write,
        "chat": run_chat,
        "report": run_report,
        "overoptimise": run_overoptimise,
        "book-attack": run_book_attack,
        "fetch": run_fetch,
        "selftest": run_selftest,
    }
    try:
        with no_character_stops_it(), few_threads(args.command):
            status = run[args.command](args) or 0
            if sys.stdout is not None:
                sys.stdout.flush()
            return status
    except InklingError as error:
        print(f"inkling: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"\nstopped{STOPPED.get(args.command, '')}.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # whoever read it has seen enough, as in `... | head`
        forget_output()
        return 141  # what a shell says of a program that a closed pipe ended
    except OSError as error:
        forget_output()
        where = f"{error.filename}: " if error.filename else "input or output failed: "
        print(f"inkling: {where}{error.strerror or error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())

"""`python -m inkling`: the commands of the book.

speedrun   the whole chain from raw text to an assistant, in the minutes you give it
write      let a checkpoint go on with a text
chat       talk to a fine-tuned checkpoint
report     report cards of several runs, side by side
overoptimise  push four methods against a flawed reward model, and measure the true one
book-attack  ask a real model about the book while planted documents give it orders
fetch      download a real model once, for the chapters that use one
selftest   say in ten seconds whether this machine is ready for the labs
"""

import argparse
import sys
from pathlib import Path

from inkling import checkpoints
from inkling.files import InklingError
from inkling.real.fetch import SOURCES, fetch


def parser() -> argparse.ArgumentParser:
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

    chat = commands.add_parser("chat", help="talk to a fine-tuned checkpoint")
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
    chat.add_argument("--temperature", type=float, default=0.7)
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
    from inkling.recipe.speedrun import Recipe, run

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
    if args.smollm2:
        return run_chat_with_smollm2(args)
    from inkling.assistant.chat import decode_reply, encode_prompt, end_id
    from inkling.model.transformer import Transformer
    from inkling.text.tokenizer import Tokenizer
    from inkling.training.generate import generate

    folder = args.checkpoint or checkpoints.path("rlhf")
    tokenizer, model = (
        Tokenizer.load(folder / "tokenizer.json"),
        Transformer.from_pretrained(folder),
    )
    stops = (end_id(tokenizer), tokenizer.eos_id)
    for line in sys.stdin:  # each line by itself: the demonstrations have a single turn
        if not line.strip():
            return
        ids = encode_prompt(tokenizer, line.strip())
        reply = generate(
            model,
            ids,
            model.config.context_length,
            args.temperature,
            seed=args.seed,
            stop_ids=stops,
        )
        print(decode_reply(tokenizer, reply), flush=True)


def run_chat_with_smollm2(args: argparse.Namespace) -> None:
    from inkling.real.pretrained import load_smollm2

    chat = load_smollm2()
    for line in sys.stdin:  # each line by itself, as above
        if not line.strip():
            return
        for piece in chat.stream(
            line.strip(), temperature=args.temperature, seed=args.seed
        ):
            print(piece, end="", flush=True)
        print()


def run_fetch(args: argparse.Namespace) -> None:
    for name in args.names:
        source = SOURCES[name]
        print(
            f"{source.what}, {source.size / 1e6:.0f} MB, licence {source.licence}",
            flush=True,
        )
        print(f"  is in {fetch(name)}")


def run_report(args: argparse.Namespace) -> None:
    from inkling.recipe.cards import read_card, report_card

    print(
        report_card(
            [read_card(folder) for folder in args.folders or [checkpoints.path("base")]]
        )
    )


def run_overoptimise(args: argparse.Namespace) -> None:
    from inkling.assistant.overoptimisation import run_experiment

    run_experiment(args.checkpoint or checkpoints.path("sft"), args.file)


def run_book_attack(args: argparse.Namespace) -> None:
    from inkling.real.book_search import BookRetriever, book_passages
    from inkling.real.book_text import read_book
    from inkling.real.injection import run_attacks
    from inkling.real.pretrained import MiniLM, load_smollm2

    run_attacks(
        load_smollm2(), BookRetriever(book_passages(read_book()), MiniLM()), args.file
    )


def main(argv: list[str] | None = None) -> int:
    args = parser().parse_args(argv)
    if args.command == "selftest":
        from inkling.selftest import selftest

        return int(not selftest())
    try:
        run = {
            "speedrun": run_speedrun,
            "write": run_write,
            "chat": run_chat,
            "report": run_report,
            "overoptimise": run_overoptimise,
            "book-attack": run_book_attack,
            "fetch": run_fetch,
        }
        run[args.command](args)
    except InklingError as error:
        print(f"inkling: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        again = (
            "starts anew"
            if args.command == "fetch"
            else "goes on from the last savepoint"
        )
        print(f"\nstopped; the same command {again}.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())

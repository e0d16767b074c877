"""`python -m inkling`: the commands of the book.

speedrun   the whole chain from raw text to a trained model, in the minutes you give it
write      let a checkpoint go on with a text
chat       talk to a fine-tuned checkpoint
report     report cards of several runs, side by side
fetch      download a real model once, for the chapters that use one
"""

import argparse
import json
import sys
from pathlib import Path

from inkling import checkpoints
from inkling.fetch import SOURCES, fetch
from inkling.files import InklingError


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m inkling", description="Inkling: a small language model, end to end.")
    commands = top.add_subparsers(dest="command", required=True)

    speedrun = commands.add_parser("speedrun", help="from raw text to a trained model")
    speedrun.add_argument("--minutes", type=float, default=10.0, help="wall-clock time for the whole chain (10)")
    speedrun.add_argument("--steps", type=int, help="updates of pre-training, to repeat a run exactly (as many as fit)")
    speedrun.add_argument("--seed", type=int, default=0, help="seed of corpus, weights and data order (0)")
    speedrun.add_argument("--folder", type=Path, help="where to write (runs/speedrun-MINUTES)")

    write = commands.add_parser("write", help="let a checkpoint go on with a text")
    write.add_argument("prompt", nargs="?", default="", help="the beginning (none: the model begins by itself)")
    write.add_argument("--checkpoint", type=Path, help="folder of a checkpoint (the one that ships with the book)")
    write.add_argument("--temperature", type=float, default=0.8)
    write.add_argument("--seed", type=int, default=None)
    write.add_argument("--tokens", type=int, default=240, help="at most so many new tokens (240)")

    chat = commands.add_parser("chat", help="talk to a fine-tuned checkpoint")
    which = chat.add_mutually_exclusive_group(required=True)
    which.add_argument("--checkpoint", type=Path, help="its folder (`inkling.align` makes them)")
    which.add_argument("--smollm2", action="store_true", help="the real model (see fetch) instead of one of ours")
    chat.add_argument("--temperature", type=float, default=0.7)
    chat.add_argument("--seed", type=int, default=None)

    report = commands.add_parser("report", help="report cards, side by side")
    report.add_argument("folders", nargs="*", type=Path, help="checkpoint folders (the one that ships with the book)")

    fetch = commands.add_parser("fetch", help="download a real model once")
    fetch.add_argument("names", nargs="+", choices=SOURCES, metavar="NAME", help=f"one or more of {', '.join(SOURCES)}")
    return top


def run_speedrun(args: argparse.Namespace) -> None:
    from inkling.speedrun import Recipe, run

    folder = args.folder or Path("runs") / f"speedrun-{args.minutes:g}"
    run(Recipe(minutes=args.minutes, steps=args.steps, seed=args.seed), folder)


def run_write(args: argparse.Namespace) -> None:
    from inkling.generate import stream
    from inkling.tokenizer import Tokenizer
    from inkling.transformer import Transformer

    folder = args.checkpoint or checkpoints.path("base")
    tokenizer, model = Tokenizer.load(folder / "tokenizer.json"), Transformer.from_pretrained(folder)
    # What a person types is text, never a special token.
    ids = [tokenizer.eos_id, *tokenizer.encode(args.prompt, allow_special=False)]
    # Wrong arguments raise here, before anything is printed; it stops by itself where the context is full.
    tokens = stream(model, ids, args.tokens, args.temperature, seed=args.seed, stop_ids=(tokenizer.eos_id,))
    print(args.prompt, end="", flush=True)
    for token in tokens:
        if token != tokenizer.eos_id:
            print(tokenizer.decode([token]), end="", flush=True)
    print()


def run_chat(args: argparse.Namespace) -> None:
    if args.smollm2:
        return run_chat_with_smollm2(args)
    from inkling.chat import decode_reply, encode_prompt, end_id
    from inkling.generate import generate
    from inkling.tokenizer import Tokenizer
    from inkling.transformer import Transformer

    tokenizer = Tokenizer.load(args.checkpoint / "tokenizer.json")
    model = Transformer.from_pretrained(args.checkpoint)
    stops = (end_id(tokenizer), tokenizer.eos_id)
    for line in sys.stdin:  # each line by itself: the demonstrations have a single turn
        if not line.strip():
            return
        ids = encode_prompt(tokenizer, line.strip())
        reply = generate(model, ids, model.config.context_length, args.temperature, seed=args.seed, stop_ids=stops)
        print(decode_reply(tokenizer, reply), flush=True)


def run_chat_with_smollm2(args: argparse.Namespace) -> None:
    from inkling.pretrained import load_smollm2

    chat = load_smollm2()
    for line in sys.stdin:  # each line by itself, as above
        if not line.strip():
            return
        for piece in chat.stream(line.strip(), temperature=args.temperature, seed=args.seed):
            print(piece, end="", flush=True)
        print()


def run_fetch(args: argparse.Namespace) -> None:
    for name in args.names:
        source = SOURCES[name]
        print(f"{source.what}, {source.size / 1e6:.0f} MB, licence {source.licence}", flush=True)
        print(f"  is in {fetch(name)}")


def run_report(args: argparse.Namespace) -> None:
    from inkling.speedrun import report_card

    cards = []
    for folder in args.folders or [checkpoints.path("base")]:
        path = folder / "card.json" if (folder / "card.json").is_file() else folder / "base" / "card.json"
        if not path.is_file():
            raise InklingError(f"{folder} holds no card.json; give the folder of a finished speedrun.")
        try:
            cards.append(json.loads(path.read_text(encoding="utf-8")))
            report_card(cards[-1:])
        except (ValueError, KeyError, TypeError) as error:
            raise InklingError(f"{path} is damaged ({error!r}); make the run again, or take another folder.") from error
    print(report_card(cards))


def main(argv: list[str] | None = None) -> int:
    args = parser().parse_args(argv)
    try:
        {"speedrun": run_speedrun, "write": run_write, "chat": run_chat, "report": run_report,
         "fetch": run_fetch}[args.command](args)
    except InklingError as error:
        print(f"inkling: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        again = "starts anew" if args.command == "fetch" else "goes on from the last savepoint"
        print(f"\nstopped; the same command {again}.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())

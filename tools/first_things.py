"""What an assistant replies to the two hundred things that people type first, and what two readers
made of it.

    python tools/first_things.py ask runs/record/rag --to replies.json [--temperature 0.7]
    python tools/first_things.py count one.json other.json

`ask` puts tests/assistant/first_things.json to the conversation that `chat` holds, each in a new
one, and writes the replies, in another order than the exam's. A reader gets that file and no word
of the model, and sets "fits" of each entry to true or false: does the last reply do what "expects"
says, and nothing else that is wrong? `count` takes the files of two readers and prints for each
kind what share fits for each, for both, and how often they agree; and how many replies say that
they will not help, or that they only know the town, which words decide.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Sequence
from pathlib import Path

from inkling.files import InklingError, atomic_write
from inkling.terminal import open_conversation
from inkling.world.judging import ELSEWHERE, REFUSING

EXAM = Path(__file__).resolve().parents[1] / "tests" / "assistant" / "first_things.json"


def ask(folder: Path, temperature: float | None, seed: int) -> list[dict]:
    """The exam with "replies", one for each turn; "fits" waits for a reader."""
    conversation, asked = open_conversation(folder, False, None, temperature, seed), []
    for entry in json.loads(EXAM.read_text(encoding="utf-8")):
        conversation.new()
        replies = ["".join(conversation.ask(turn)) for turn in entry["turns"]]
        asked.append(
            {
                "id": entry["id"],
                "turns": entry["turns"],
                "replies": replies,
                "expects": entry["expects"],
                "fits": None,
            }
        )
    random.Random(seed).shuffle(asked)
    return asked


def share(marks: Sequence[bool]) -> str:
    """Of how many, in percent."""
    return f"{100 * sum(marks) / len(marks):4.0f} %"


def count(files: Sequence[Path]) -> str:
    """The table of what readers said. Raises `InklingError` where one has not said all of it."""
    readings = [
        {entry["id"]: entry for entry in json.loads(file.read_text(encoding="utf-8"))}
        for file in files
    ]
    exam = json.loads(EXAM.read_text(encoding="utf-8"))
    for file, reading in zip(files, readings, strict=True):
        left = [e["id"] for e in exam if reading.get(e["id"], {}).get("fits") not in (True, False)]
        if left:
            raise InklingError(
                f"{file}: {len(left)} entries have neither true nor false, the first is {left[0]}."
            )
    names = [*(file.stem[:8] for file in files), "both", "agree", "refused", "town"]
    lines = ["kind         n   " + "  ".join(f"{name:>8}" for name in names)]
    for kind in dict.fromkeys(entry["kind"] for entry in exam):
        ids = [entry["id"] for entry in exam if entry["kind"] == kind]
        marks = [[reading[i]["fits"] for i in ids] for reading in readings]
        last = [readings[0][i]["replies"][-1] for i in ids]
        columns = [
            *(share(column) for column in marks),
            share([all(both) for both in zip(*marks, strict=True)]),
            share([len(set(both)) == 1 for both in zip(*marks, strict=True)]),
            share([bool(REFUSING.search(reply)) for reply in last]),
            share([bool(ELSEWHERE.search(reply)) for reply in last]),
        ]
        lines.append(f"{kind:10} {len(ids):3d}   " + "  ".join(f"{c:>8}" for c in columns))
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    asking = commands.add_parser("ask", help="put the exam to a checkpoint")
    asking.add_argument("checkpoint", type=Path)
    asking.add_argument("--to", type=Path, required=True)
    asking.add_argument("--temperature", type=float)
    asking.add_argument("--seed", type=int, default=0)
    counting = commands.add_parser("count", help="what readers said")
    counting.add_argument("files", type=Path, nargs="+")
    args = parser.parse_args(arguments)
    try:
        if args.command == "ask":
            replies = ask(args.checkpoint, args.temperature, args.seed)
            text = json.dumps(replies, indent=1, ensure_ascii=False)
            atomic_write(args.to, text.encode() + b"\n")
        else:
            print(count(args.files))
    except InklingError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

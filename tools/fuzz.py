"""Mutated files against everything that reads a file from outside.

    python tools/fuzz.py                            # every target, 20 seconds each
    python tools/fuzz.py html jsonl --seconds 60 --seed 7

Whatever stands in a file, a reader answers with its content or with an `InklingError`; any other
exception is a crash. A crash is printed with the input, cut down as far as it stays the same, and
the exit status is 1. What was found here has a test beside the reader's other tests.

The loop is the one of AFL: take an input from the pool, damage it, run it, and keep it if it
reached a pair of lines, one after the other, that no input reached before. The lines are those of
`inkling`, seen through `sys.settrace`, so it needs nothing installed. One seed, one run: the same
inputs in the same order, as many as there is time for.
"""

import argparse
import io
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import FrameType

import inkling
from inkling.files import InklingError
from inkling.text.cleaning import text_of_html
from inkling.text.corpus import load_corpus

LIBRARY = str(Path(inkling.__file__).parent)
LONGEST = 4000  # bytes of an input; a reader's time is for the tests of linear time


@dataclass(frozen=True)
class Target:
    """`run` gives the bytes to a reader. `seeds`: inputs that it reads, which the first mutations
    start from. `words`: what a file of this kind is made of, to be put in anywhere.
    """

    run: Callable[[bytes], object]
    seeds: tuple[bytes, ...]
    words: tuple[bytes, ...] = ()


def from_file(name: str, read: Callable[[Path], object]) -> Callable[[bytes], object]:
    """A run that writes its bytes to a file called `name` and gives that to `read`."""
    folder = Path(tempfile.mkdtemp(prefix="inkling-fuzz-"))

    def run(data: bytes) -> object:
        path = folder / name
        path.write_bytes(data)
        return read(path)

    return run


def from_text(read: Callable[[str], object]) -> Callable[[bytes], object]:
    """A run that gives its bytes as text: what is no UTF-8 becomes halves of surrogate pairs."""
    return lambda data: read(data.decode("utf-8", "surrogateescape"))


def parquet_file() -> bytes:
    import pyarrow
    import pyarrow.parquet

    file = io.BytesIO()
    table = pyarrow.table({"text": ["Ada bakes.", "café"], "n": [1, 2]})
    pyarrow.parquet.write_table(table, file, compression="none")
    return file.getvalue()


TARGETS: dict[str, Target] = {
    "html": Target(
        from_text(text_of_html),
        (
            b"<!DOCTYPE html><html><head><title>T</title></head><body><nav><a href='/'>Home</a>"
            b"</nav><p>Bread &amp; <b>butter</b>,<br>fresh.</p><pre>a\n  b</pre></body></html>",
            b"<form><table><tr><td>1<td>2</table><ul><li>x<li>y</ul></form><!-- c --><p>z",
        ),
        tuple(
            b"< > </ /> & ; &# &#x <! <!-- --> <![CDATA[ ]]> = \" ' \0 <a <p> </p> <div> <nav>"
            b" </div> </nav> <style> <pre> </pre> <script> </script> <form> <svg> <title> <br>"
            b" <table> <article> <header> <textarea> <plaintext> <template> &nbsp; &#55296;".split(
                b" "
            )
        ),
    ),
    "jsonl": Target(
        from_file("fuzz.jsonl", load_corpus),
        (
            b'{"text": "Bread and butter."}\n{"text": "caf\\u00e9", "n": [1, 2.5, null, true]}\n',
            b'[{"text": "a"},\n {"text": "b"}]\n',
            '\ufeff{"text": "東京 😀"}\r\n\n{"text": "b"}'.encode(),
        ),
        tuple(
            b'{ } [ ] " , : \\ \\u \\ud83d "text" null true NaN -Infinity 1e999 \n \r\n \0 \xff\xfe'
            b" \xef\xbb\xbf \x1f\x8b PAR1".split(b" ")
        ),
    ),
    "parquet": Target(
        from_file("fuzz.parquet", load_corpus),
        (parquet_file(),),
        (b"PAR1", b"\xff\xff\xff\x7f", b"text"),
    ),
    "txt": Target(
        from_file("fuzz.txt", load_corpus),
        (b"One.\n<|endoftext|>\nTwo.", "café".encode("utf-16"), "café".encode("cp1252")),
        (b"<|endoftext|>", b"\xff\xfe", b"\xfe\xff", b"\0", b"\x1f\x8b", b"\xef\xbb\xbf", b"\r\n"),
    ),
}


# --- One run, watched -----------------------------------------------------------------------------

Lines = set[tuple[str, int, int]]


@contextmanager
def watched(found: Lines) -> Iterator[None]:
    """Inside of this, every step from one line of the library to the next goes into `found`."""

    def enter(frame: FrameType, event: str, argument: object):
        name = frame.f_code.co_filename
        if not name.startswith(LIBRARY):
            return None
        before = 0

        def step(frame: FrameType, event: str, argument: object):
            nonlocal before
            if event == "line":
                found.add((name, before, frame.f_lineno))
                before = frame.f_lineno
            return step

        return step

    sys.settrace(enter)
    try:
        yield
    finally:
        sys.settrace(None)


def crash_of(target: Target, data: bytes) -> tuple[str, Exception] | None:
    """How `target` breaks on `data`: a name for the place and kind, and what was raised."""
    try:
        target.run(data)
    except InklingError:
        return None
    except Exception as error:  # that is what we are looking for
        ours = [f for f in traceback.extract_tb(error.__traceback__) if LIBRARY in f.filename]
        where = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "outside"
        return f"{type(error).__name__} at {where}", error
    return None


# --- Mutations ------------------------------------------------------------------------------------


def mutated(data: bytes, pool: list[bytes], words: tuple[bytes, ...], random: Random) -> bytes:
    """`data` damaged in one to eight places."""
    for _ in range(random.choice((1, 1, 2, 4, 8))):
        a, b = sorted(random.randrange(len(data) + 1) for _ in range(2))
        b = min(b, a + random.choice((1, 4, 16, 400)))
        part, other = data[a:b], random.choice(pool)
        start = random.randrange(len(other) + 1)
        new = random.choice(
            (
                b"",  # cut out
                bytes([random.randrange(256)]),
                bytes(byte ^ 1 << random.randrange(8) for byte in part[:1]) + part[1:],
                random.choice(words) if words else b"\0",
                part + (random.choice(words) if words else b"\xff"),
                part * random.choice((2, 3, 40)),
                other[start : start + random.choice((4, 30, 400))],
                str(random.choice((0, -1, 1, 2**31, 2**63, 2**64, 10**400))).encode(),
            )
        )
        data = data[:a] + new + data[b:]
    return data[:LONGEST]


def smallest(target: Target, data: bytes, name: str) -> bytes:
    """`data` cut down while it crashes in the same way."""
    size = len(data) // 2
    while size:
        start = 0
        while start < len(data):
            shorter = data[:start] + data[start + size :]
            crash = crash_of(target, shorter)
            if crash and crash[0] == name:
                data = shorter
            else:
                start += size
        size //= 2
    return data


# --- The loop -------------------------------------------------------------------------------------


def fuzz(
    name: str, target: Target, seconds: float, seed: int, most_crashes: int = 20
) -> dict[str, bytes]:
    """Runs `target` for so many seconds, or until there are `most_crashes`, and prints what came of
    it. Returns the crashes: the kind and place, and a small input for each.
    """
    random, seen, crashes = Random(seed), set(), {}
    pool, waiting = [], list(target.seeds)
    runs, slowest, stop = 0, 0.0, time.perf_counter() + seconds
    while (waiting or time.perf_counter() < stop) and len(crashes) < most_crashes:
        data = (
            waiting.pop() if waiting else mutated(random.choice(pool), pool, target.words, random)
        )
        lines: Lines = set()
        start = time.perf_counter()
        with watched(lines):
            crash = crash_of(target, data)
        slowest = max(slowest, time.perf_counter() - start)
        runs += 1
        if crash and crash[0] not in crashes:
            crashes[crash[0]] = smallest(target, data, crash[0])
            print(f"  {name}: {crash[0]}: {crash[1]}\n    {crashes[crash[0]]!r}", flush=True)
        if not pool or not lines <= seen:
            seen |= lines
            pool.append(data)
    print(
        f"{name}: {runs:,} runs, seed {seed}, {len(pool)} inputs kept, {len(seen):,} pairs of lines"
        f" reached, slowest {slowest:.2f} s, {len(crashes)} crashes",
        flush=True,
    )
    return crashes


def main() -> int:
    parser = argparse.ArgumentParser(description="Mutated files against the readers of files.")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=float, default=20.0, help="for each target")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if unknown := sorted({*options.targets} - {*TARGETS}):
        parser.error(f"no target {', '.join(unknown)}; there is {', '.join(TARGETS)}")
    found = [
        fuzz(name, TARGETS[name], options.seconds, options.seed)
        for name in options.targets or TARGETS
    ]
    return int(any(found))


if __name__ == "__main__":
    sys.exit(main())

"""The tokenizer against tiktoken and Hugging Face `tokenizers`: the same merges, the same text, in
one run.

    python tools/bench_tokenizer.py                    # text of Larkhaven
    python tools/bench_tokenizer.py --text book.txt    # any other UTF-8 text

All three have the same merges and pattern, give the same ids (checked), run on one thread and read
the text in blocks of about 4 kB, in turns; the medians of the rounds count. MB is a million bytes
of UTF-8, and seconds are CPU-seconds of this process, so that other programs disturb them less.

Ours is timed in three states, because a cache is only worth what it meets again. *Cold*: a new
tokenizer. *Fresh*: it has read the first half of the text, and now reads the second half for the
first time. *Warm*: it has read this text before. The target is for the last.
"""

import argparse
import copy
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ["TOKENIZERS_PARALLELISM"] = "false"

import tiktoken
import tokenizers

from inkling.text.tokenizer import SPECIAL_TOKENS, Tokenizer

ROUNDS = 7
TRAIN_BYTES, VOCAB_SIZE, TRAIN_SECONDS = 130_000, 500, 0.4  # the target for training
MB_PER_SECOND, SHARE_OF_TIKTOKEN = 5.0, 0.5  # the targets for encoding, warm


def larkhaven(n_bytes: int) -> str:
    from inkling.world import World

    return "\n\n".join(document.text for document in World(0).documents(n_bytes))


def blocks_of(text: str, size: int = 4000) -> list[str]:
    blocks = [""]
    for line in text.splitlines(keepends=True):
        if len(blocks[-1]) + len(line) > size:
            blocks.append("")
        blocks[-1] += line
    return blocks


def cpu_seconds(action: Callable[[], object]) -> float:
    start = time.process_time()
    action()
    return time.process_time() - start


def verdict(met: bool) -> str:
    return "met" if met else "MISSED"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--text", type=Path, help="a UTF-8 text file; default: 1 MB of Larkhaven")
    path = parser.parse_args().text
    text = path.read_text(encoding="utf-8") if path else larkhaven(1_000_000)
    sample = text[:TRAIN_BYTES]
    print(
        f"text: {path.name if path else 'Larkhaven'}, {len(text.encode()) / 1e6:.2f} MB; medians of"
        f" {ROUNDS} rounds"
    )

    seconds = [
        cpu_seconds(lambda: Tokenizer.train([sample], VOCAB_SIZE, SPECIAL_TOKENS))
        for _ in range(ROUNDS)
    ]
    train_seconds = statistics.median(seconds)
    print(
        f"\ntraining on {len(sample.encode()) / 1000:.0f} kB to {VOCAB_SIZE} tokens:"
        f" {train_seconds:.3f} s"
    )
    print(
        f"(worst {max(seconds):.3f}); target: under {TRAIN_SECONDS} s:"
        f" {verdict(train_seconds < TRAIN_SECONDS)}"
    )

    for vocab_size in (VOCAB_SIZE, 2000):
        compare(text, Tokenizer.train([text], vocab_size, SPECIAL_TOKENS))


def compare(text: str, ours: Tokenizer) -> None:
    """Encode `text` with all three, in turns, and print speeds and ratios."""
    with tempfile.TemporaryDirectory() as folder:
        ours.save(Path(folder) / "tokenizer.json")
        face = tokenizers.Tokenizer.from_file(str(Path(folder) / "tokenizer.json"))
    tik = tiktoken.Encoding(
        "inkling",
        pat_str=ours.pattern,
        mergeable_ranks=ours.vocabulary,
        special_tokens=ours.special_tokens,
    )
    blocks = blocks_of(text)
    for block in blocks:
        ids = ours.encode(block, allow_special=True)
        assert ids == tik.encode(block, allowed_special="all"), "tiktoken gives other ids"
        assert ids == face.encode(block).ids, "tokenizers gives other ids"

    half = len(blocks) // 2
    first, second = blocks[:half], blocks[half:]
    size = sum(len(block.encode()) for block in second) / 1e6
    speeds: dict[str, list[float]] = {}

    def read(name: str, encode: Callable[[str], object], blocks: list[str]) -> None:
        speeds.setdefault(name, []).append(
            size / cpu_seconds(lambda: [encode(block) for block in blocks])
        )

    for _ in range(ROUNDS):
        cold, fresh = copy.deepcopy(ours), copy.deepcopy(ours)
        fresh.encode_batch(first)
        read("ours, cold", cold.encode, second)
        read("ours, fresh text", fresh.encode, second)
        read("ours, warm", fresh.encode, second)
        read("tiktoken", tik.encode_ordinary, second)
        read("tokenizers", face.encode, second)

    medians = {name: statistics.median(values) for name, values in speeds.items()}
    print(f"\nencoding with {ours.vocab_size} tokens, the second half of the text ({size:.2f} MB)")
    print(f"{'':18}{'MB/s':>8}  {'slowest-fastest':>16}  {'x tiktoken':>10}  {'x tokenizers':>12}")
    for name, speed in medians.items():
        spread = f"{min(speeds[name]):.1f}-{max(speeds[name]):.1f}"
        ratios = [speed / medians[other] for other in ("tiktoken", "tokenizers")]
        print(f"{name:18}{speed:8.1f}  {spread:>16}  {ratios[0]:10.2f}  {ratios[1]:12.2f}")
    warm, share = medians["ours, warm"], medians["ours, warm"] / medians["tiktoken"]
    print(f"target, warm: {MB_PER_SECOND} MB/s: {verdict(warm >= MB_PER_SECOND)}")
    print(f"target, warm: {SHARE_OF_TIKTOKEN} x tiktoken: {verdict(share >= SHARE_OF_TIKTOKEN)}")


if __name__ == "__main__":
    main()

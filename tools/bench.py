"""Run the book's benchmarks, one process after the other: `make bench`, or `python tools/bench.py
tokenizer` for one.

Each `tools/bench_<topic>.py` compares the book's code with a reference library in one run, on this
machine, and prints ratios beside the target; seconds alone would say more about the machine than
about the code.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

FOLDER = Path(__file__).resolve().parent


def main() -> int:
    topics = sorted(path.stem.removeprefix("bench_") for path in FOLDER.glob("bench_*.py"))
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("topic", nargs="*", help=f"default: all of {', '.join(topics)}")
    wanted = parser.parse_args().topic or topics
    if unknown := set(wanted) - set(topics):
        parser.error(
            f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(topics)}"
        )
    broken = []
    for topic in wanted:
        print(f"\n=== {topic} ===", flush=True)
        start = time.monotonic()
        if subprocess.run([sys.executable, FOLDER / f"bench_{topic}.py"]).returncode != 0:
            broken.append(topic)
        print(f"({topic}: {time.monotonic() - start:.0f} s)", flush=True)
    if broken:
        print(f"\nbroken: {', '.join(broken)}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())

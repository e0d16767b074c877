"""SmolLM2-135M in our code against `transformers`: the same weights, the same prompt, the same ids,
in one run.

    python -m inkling fetch smollm2
    python tools/bench_pretrained.py

Greedy, float32, batch 1, both with a KV cache, first on one thread and then on all: each in a
process of its own, since thread counts are read when NumPy and PyTorch are loaded. The two take
turns and the medians of the rounds count. On one thread seconds are CPU-seconds, which other
programs disturb less. On several they are the clock's, since threads that wait for each other cost
CPU time too: that part wants a quiet machine. Reading the prompt is measured by itself, by asking
for one token only.
"""

import os
import subprocess
import sys

if len(sys.argv) == 2:
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        # before NumPy and PyTorch are loaded, which read it only then
        os.environ[name] = sys.argv[1]
    os.environ["TQDM_DISABLE"] = "1"

import statistics  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable  # noqa: E402
from pathlib import Path  # noqa: E402

import torch  # noqa: E402
import transformers  # noqa: E402

from inkling.files import InklingError  # noqa: E402
from inkling.real.fetch import fetched  # noqa: E402
from inkling.real.pretrained import load_smollm2  # noqa: E402
from inkling.training.generate import generate  # noqa: E402

ROUNDS, PROMPT, NEW = 5, 256, 64
TARGET = 1.0  # times the tokens per second of transformers


def main() -> None:
    try:
        fetched("smollm2")
    except InklingError as error:
        print(f"skipped: {error}")
        return
    cores = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    print(
        f"float32, batch 1, a prompt of {PROMPT} tokens, {NEW} new ones, {ROUNDS} rounds",
        flush=True,
    )
    for threads in sorted({1, cores}):
        subprocess.run([sys.executable, __file__, str(threads)], check=True)


def compare(threads: int) -> None:
    torch.set_num_threads(threads)
    clock = time.process_time if threads == 1 else time.perf_counter
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    chat = load_smollm2()
    (path,) = fetched("smollm2").glob("*.gguf")
    theirs = transformers.AutoModelForCausalLM.from_pretrained(
        path.parent, gguf_file=path.name, dtype=torch.float32
    )
    theirs.eval().generation_config = transformers.GenerationConfig(pad_token_id=0)  # no end token
    text = (Path(__file__).resolve().parent.parent / "README.md").read_text(encoding="utf-8")
    ids = chat.tokenizer.encode(text)[:PROMPT]
    tokens = torch.tensor([ids])

    def with_transformers(n: int) -> list[int]:
        with torch.inference_mode():
            # transformers' types want attributes that its own models lack
            written = theirs.generate(  # pyright: ignore[reportAttributeAccessIssue]  as said above
                tokens, attention_mask=torch.ones_like(tokens), max_new_tokens=n, do_sample=False
            )
        return written[0, PROMPT:].tolist()

    ways = {
        "transformers": with_transformers,
        "ours": lambda n: generate(chat.model, ids, n, temperature=0),
    }
    assert ways["ours"](NEW) == ways["transformers"](NEW), "the two write different ids"
    prompt: dict[str, list[float]] = {name: [] for name in ways}
    writing: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            prompt[name].append(seconds(clock, way, 1))
            writing[name].append(seconds(clock, way, NEW) - prompt[name][-1])

    print(f"\n{threads} thread{'s' * (threads > 1)}, {'CPU' if threads == 1 else 'clock'} seconds")
    print(
        f"{'':16}{'written/s':>10}{'slowest-fastest':>18}{'read/s':>10}{'written and read, s':>22}"
    )
    for name in ways:
        speeds = sorted((NEW - 1) / value for value in writing[name])
        whole = statistics.median(a + b for a, b in zip(prompt[name], writing[name], strict=True))
        print(
            f"{name:16}{statistics.median(speeds):10.1f}{f'{speeds[0]:.1f}-{speeds[-1]:.1f}':>18}"
            f"{PROMPT / statistics.median(prompt[name]):10.0f}{whole:22.2f}"
        )
    ratio = statistics.median(writing["transformers"]) / statistics.median(writing["ours"])
    print(
        f"tokens written per second, ours / transformers: {ratio:.2f} (target: at least"
        f" {TARGET:g})",
        flush=True,
    )


def seconds(clock: Callable[[], float], way: Callable[[int], object], n: int) -> float:
    start = clock()
    way(n)
    return clock() - start


if __name__ == "__main__":
    if len(sys.argv) == 2:
        compare(int(sys.argv[1]))
    else:
        main()

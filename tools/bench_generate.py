"""Writing text, token by token, against `transformers`: the same weights, the same ids, in one run.

    python tools/bench_generate.py

Greedy, float32, one thread, batch 1, a prompt of 16 tokens. The four ways of writing take turns and
the medians of the rounds count. Seconds are CPU-seconds of this process, so that other programs
disturb them less; on a quiet machine they are the seconds of the clock. Each way first writes once
unmeasured, and must give the same ids. The last lines write a whole batch at once, ours only: what
sampling thousands of replies costs.
"""

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"  # before NumPy and PyTorch are loaded, which read it only then

import statistics  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable  # noqa: E402
from typing import Any  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402

from inkling.model.transformer import ModelConfig, Transformer, parameter_count  # noqa: E402
from inkling.training.engines import Cached  # noqa: E402
from inkling.training.generate import generate, generate_batch  # noqa: E402

ROUNDS, PROMPT, NEW = 7, 16, 200
TARGET = 3.0  # times the tokens per second of transformers
SIZES: list[dict[str, Any]] = [
    dict(d_model=128, n_layers=4),
    dict(d_model=160, n_layers=6, n_heads=5, n_kv_heads=1),
]


def main() -> None:
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    print(
        f"one thread, float32, batch 1, {PROMPT} + {NEW} tokens, {ROUNDS} rounds; tokens per"
        " CPU-second"
    )
    for size in SIZES:
        one_prompt(ModelConfig(vocab_size=2048, **size))
    batches(ModelConfig(vocab_size=2048, **SIZES[0]))


def one_prompt(config: ModelConfig) -> None:
    model = Transformer(config, seed=0)
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        theirs = transformers.LlamaForCausalLM.from_pretrained(folder).eval()
    # no end token: it writes all the way
    theirs.generation_config = transformers.GenerationConfig(pad_token_id=0)
    ids = np.random.default_rng(0).integers(1, config.vocab_size, PROMPT).tolist()
    tokens = torch.tensor([ids])
    mask = torch.ones_like(tokens)

    def with_transformers() -> list[int]:
        with torch.inference_mode():
            # transformers' types want attributes that its own models lack
            written = theirs.generate(  # pyright: ignore[reportAttributeAccessIssue]  as said above
                tokens, attention_mask=mask, max_new_tokens=NEW, do_sample=False
            )
        return written[0, PROMPT:].tolist()

    ways = {
        "transformers": with_transformers,
        "ours": lambda: generate(model, ids, NEW, temperature=0),
        "ours, torch": lambda: plain(model, ids),
        "ours, no cache": lambda: generate(model, ids, NEW, temperature=0, use_cache=False),
    }
    expected = ways["transformers"]()
    for name, way in ways.items():
        assert way() == expected, f"{name} writes other ids than transformers"
    speeds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            speeds[name].append(NEW / seconds(way))

    medians = {name: statistics.median(values) for name, values in speeds.items()}
    print(
        f"\n{parameter_count(config) / 1e6:.2f} M parameters ({config.n_layers} layers, d_model"
        f" {config.d_model})"
    )
    print(f"{'':16}{'tokens/s':>10}{'slowest-fastest':>18}{'x transformers':>16}{'x no cache':>12}")
    for name, speed in medians.items():
        spread = f"{min(speeds[name]):.0f}-{max(speeds[name]):.0f}"
        ratios = [speed / medians[other] for other in ("transformers", "ours, no cache")]
        print(f"{name:16}{speed:10.0f}{spread:>18}{ratios[0]:16.2f}{ratios[1]:12.2f}")
    met = medians["ours"] / medians["transformers"] >= TARGET
    print(f"target: {TARGET} x transformers: {'met' if met else 'MISSED'}")


def plain(model: Transformer, ids: list[int]) -> list[int]:
    """The readable way: the model itself with its KV cache, and the most likely token each time."""
    engine, reply = Cached(model, 1, model.config.context_length), []
    tokens = np.array([ids])
    for _ in range(NEW):
        token = int(engine.read(tokens).argmax())
        reply.append(token)
        tokens = np.array([[token]])
    return reply


def batches(config: ModelConfig) -> None:
    model, rng = Transformer(config, seed=0), np.random.default_rng(0)
    prompts = [
        rng.integers(config.vocab_size, size=n).tolist() for n in rng.integers(8, 64, size=256)
    ]
    print(
        f"\nbatches, {parameter_count(config) / 1e6:.2f} M parameters: prompts of 8 to 63 tokens,"
        " 64 new ones"
    )
    print(f"{'batch size':>10}{'tokens/s':>10}")
    for batch_size in (1, 8, 64, 256):
        some = prompts[: max(32, batch_size)]
        took = seconds(
            lambda some=some, n=batch_size: generate_batch(model, some, 64, seed=0, batch_size=n)
        )
        print(f"{batch_size:10}{64 * len(some) / took:10.0f}")


def seconds(action: Callable[[], object]) -> float:
    start = time.process_time()
    action()
    return time.process_time() - start


if __name__ == "__main__":
    main()

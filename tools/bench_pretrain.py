"""The trainer against a plain GPT-2-style loop: same text, same size, same number of tokens, in one
run.

    python tools/bench_pretrain.py --text tinyshakespeare.txt   # without it: text of Larkhaven

Characters are the tokens. Four layers, width 128, windows of 64, batch 12, 2,000 steps, about 0.8
million parameters: nanoGPT's own setting for a laptop. The plain loop is what its README describes:
learned positions, LayerNorm, GELU, biases, AdamW 1e-3 with warm-up and cosine decay to a tenth,
random windows, clipping at 1. Both are judged on the same held-out tenth of the text, cut into
neighbouring windows of 64, in float32.

Ours runs twice: for the same number of tokens, and for the CPU-seconds that the plain loop took.
For the second run the number of steps is set beforehand from the cost of a step in the first,
because the learning rate has to reach zero at the end; the CPU-seconds that it then really took are
printed, and the claim is only made where they are not more.
"""

import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from inkling.model.transformer import ModelConfig, Transformer, parameter_count
from inkling.training.pretrain import TrainConfig, train, validation_loss

CONTEXT, BATCH, WIDTH, LAYERS, HEADS = 64, 12, 128, 4, 4
TARGETS = {"equal tokens": 1.60, "equal CPU-seconds": 1.65}  # nats a character, on tinyshakespeare


class PlainBlock(nn.Module):
    """GPT-2's block: LayerNorm, attention with biases, LayerNorm, GELU network four times as
    wide.
    """

    def __init__(self) -> None:
        super().__init__()
        self.norm_1, self.norm_2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        B, T, _ = x.shape
        q, k, v = (
            part.view(B, T, HEADS, -1).transpose(1, 2)
            for part in self.qkv(self.norm_1(x)).chunk(3, dim=-1)
        )  # (B, n_heads, T, head_dim)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(mixed.transpose(1, 2).reshape(B, T, WIDTH))
        return x + self.down(F.gelu(self.up(self.norm_2(x))))


class PlainGPT(nn.Module):
    """GPT-2 in miniature, with GPT-2's initialisation: N(0, 0.02), what writes to the stream
    divided by sqrt(2 L).
    """

    def __init__(self, vocab_size: int) -> None:
        super().__init__()
        self.tokens, self.positions = nn.Embedding(vocab_size, WIDTH), nn.Embedding(CONTEXT, WIDTH)
        self.blocks = nn.Sequential(*(PlainBlock() for _ in range(LAYERS)))
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, vocab_size, bias=False)
        self.head.weight = self.tokens.weight
        for name, parameter in self.named_parameters():
            if parameter.ndim == 2:
                nn.init.normal_(
                    parameter,
                    0,
                    0.02 / (math.sqrt(2 * LAYERS) if "out" in name or "down" in name else 1),
                )
            elif "norm" not in name:
                nn.init.zeros_(parameter)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = self.tokens(tokens) + self.positions.weight[: tokens.shape[1]]
        return self.head(self.norm(self.blocks(x)))


def train_plain(model: nn.Module, text: np.ndarray, steps: int, seed: int) -> float:
    """The plain loop. Returns its CPU-seconds."""
    matrices = [parameter for parameter in model.parameters() if parameter.ndim == 2]
    rest = [parameter for parameter in model.parameters() if parameter.ndim < 2]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": rest, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.99))
    generator = np.random.default_rng(seed)
    tokens = torch.from_numpy(text.astype(np.int64))
    began = time.process_time()
    for step in range(steps):
        decay = 0.55 + 0.45 * math.cos(math.pi * step / steps)  # from 1 to a tenth
        for group in optimizer.param_groups:
            group["lr"] = 1e-3 * min(1.0, (step + 1) / 100) * decay
        starts = generator.integers(len(text) - CONTEXT, size=BATCH)
        rows = torch.stack([tokens[start : start + CONTEXT + 1] for start in starts])
        loss = F.cross_entropy(model(rows[:, :-1]).flatten(0, 1), rows[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return time.process_time() - began


def load(path: Path | None) -> tuple[np.ndarray, np.ndarray, int]:
    """(training characters, held-out tenth, vocabulary size)."""
    if path is not None:
        text = path.read_text(encoding="utf-8")
    else:
        from inkling.world import World

        text = "\n".join(document.text for document in World(0).documents(1_100_000))
    alphabet, ids = np.unique(np.array(list(text)), return_inverse=True)
    cut = int(0.9 * len(ids))
    return ids[:cut], ids[cut:], len(alphabet)


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--text", type=Path, help="a text file, for example tinyshakespeare.txt")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument(
        "--seeds", type=int, default=1, help="how many seeds; the mean and the range are printed"
    )
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the numbers here as well")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    text, held_out, vocab_size = load(arguments.text)
    kind = arguments.text.name if arguments.text else "Larkhaven"
    print(
        f"{kind}: {len(text):,} characters to train on, {len(held_out):,} held out, {vocab_size}"
        " different"
    )

    def judge(model: nn.Module) -> float:
        return validation_loss(model, held_out, CONTEXT, eos_id=None)

    shape = ModelConfig(vocab_size, CONTEXT, WIDTH, LAYERS, HEADS, n_kv_heads=HEADS)

    def ours(steps: int, seed: int) -> tuple[float, float]:
        model = Transformer(shape, seed=seed)
        config = TrainConfig(steps=steps, batch_size=BATCH, seed=seed)
        return list(train(model, text, config, progress=False))[-1].cpu_seconds, judge(model)

    results: dict[str, list[tuple[float, float]]] = {
        "plain": [],
        "equal tokens": [],
        "equal CPU-seconds": [],
    }
    for seed in range(arguments.seeds):
        torch.manual_seed(seed)
        plain = PlainGPT(vocab_size)
        cpu = train_plain(plain, text, arguments.steps, seed)
        results["plain"].append((cpu, judge(plain)))
        results["equal tokens"].append(ours(arguments.steps, seed))
        affordable = int(0.97 * arguments.steps * cpu / results["equal tokens"][-1][0])
        results["equal CPU-seconds"].append(ours(min(affordable, 10 * arguments.steps), seed))
    size = sum(parameter.numel() for parameter in PlainGPT(vocab_size).parameters())
    tokens = arguments.steps * BATCH * CONTEXT
    print(
        f"parameters: plain {size:,}, ours {parameter_count(shape):,}; "
        f"{tokens:,} tokens; {arguments.threads} thread(s); {arguments.seeds} seed(s)"
    )
    print(f"{'':20s}{'loss (nats)':>12s}{'range':>16s}{'CPU-s':>9s}{'CPU ratio':>11s}")
    plain_cpu = np.mean([seconds for seconds, _ in results["plain"]])
    for name, runs in results.items():
        losses, seconds = np.array([loss for _, loss in runs]), np.mean([s for s, _ in runs])
        spread = f"{losses.min():.3f} to {losses.max():.3f}"
        verdict = ""
        if name in TARGETS and "shakespeare" in kind:
            met = losses.mean() <= TARGETS[name] and (
                name != "equal CPU-seconds" or seconds <= plain_cpu
            )
            verdict = f"   target {TARGETS[name]:.2f}: {'met' if met else 'MISSED'}"
        print(
            f"{name:20s}{losses.mean():12.3f}{spread:>16s}{seconds:9.1f}"
            f"{seconds / plain_cpu:11.2f}{verdict}"
        )
    if arguments.json:
        arguments.json.write_text(json.dumps({"text": kind, "runs": results}, indent=1))


if __name__ == "__main__":
    main()

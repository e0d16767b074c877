"""Wrong answers to the pre-training lab."""

import torch

from inkling.labs import pretrain as lab


def names() -> dict:
    torch.set_num_threads(1)
    return {"lab": lab, "data": lab.load_data(), "torch": torch}


def batch(inputs: str, targets: str) -> str:
    """An answer to exercise 1 in which a row runs from `start`."""
    return f"""
import numpy as np

def next_token_batch(tokens, starts, length):
    inputs = np.stack([tokens[{inputs}] for start in starts])
    targets = np.stack([tokens[{targets}] for start in starts])
    return inputs, targets
"""


def schedule(formula: str) -> str:
    return f"""
def rate_scale(step, steps, warmup, decay):
    return {formula}
"""


def clip(length: str, factor: str = "min(1, max_norm / (length + 1e-9))") -> str:
    return f"""
def clip(gradients, max_norm):
    length = {length}
    return [g * {factor} for g in gradients]
"""


def law(fit: str, answer: str) -> str:
    return f"""
import numpy as np

def power_law(sizes, losses):
    slope, at_zero = np.polyfit({fit}, 1)
    return {answer}
"""


def days(formula: str) -> str:
    return f"""
def training_days(n_weights, n_tokens, speed):
    return {formula}
"""


THIS, NEXT = "start:start + length", "start + 1:start + length + 1"
NORM = "sum(g.pow(2).sum() for g in gradients) ** 0.5"

WRONG = {
    1: [
        ("nothing is shifted", batch(THIS, THIS)),
        ("swapped", batch(NEXT, THIS)),
        ("shifted the wrong way", batch(THIS, "start - 1:start + length - 1")),
        ("shifted twice", batch(THIS, "start + 2:start + length + 2")),
        ("read 5 tokens", batch("start:start + length - 1", "start + 1:start + length")),
        (
            "rolled the row",
            """
import numpy as np

def next_token_batch(tokens, starts, length):
    inputs = np.stack([tokens[start:start + length] for start in starts])
    return inputs, np.roll(inputs, -1, axis=1)
""",
        ),
        (
            "Return two things",
            """
import numpy as np

def next_token_batch(tokens, starts, length):
    return np.stack([tokens[start:start + length] for start in starts]).tolist() + [1]
""",
        ),
        (
            "return nothing",
            """
def next_token_batch(tokens, starts, length):
    inputs, targets = tokens[:length], tokens[1:length + 1]
""",
        ),
    ],
    2: [
        ("begins at zero", schedule("min(1, step / warmup, (steps - step) / decay)")),
        (
            "for nothing. With 20 steps",
            schedule("min(1, (step + 1) / warmup, (steps - 1 - step) / decay)"),
        ),
        ("never comes down", schedule("min(1, (step + 1) / warmup)")),
        (
            "already down to",
            schedule("min(1, (step + 1) / warmup, (steps - step) / (steps - warmup))"),
        ),
        (
            "above the peak",
            schedule("(step + 1) / warmup if step < steps - decay else (steps - step) / decay"),
        ),
        ("Return a number", schedule("None")),
        (
            "of the peak; yours 0.091",
            schedule("min(1, (step + 1) / (warmup + 1), (steps - step) / decay)"),
        ),
    ],
    3: [
        (
            "cut for itself",
            """
def clip(gradients, max_norm):
    return [g * min(1, max_norm / (g.norm() + 1e-9)) for g in gradients]
""",
        ),
        ("3 + 4 = 7", clip("sum(g.norm() for g in gradients)")),
        ("square root", clip("sum(g.pow(2).sum() for g in gradients)")),
        ("only shortens", clip(NORM, "max_norm / (length + 1e-9)")),
        ("Turn it round", clip(NORM, "length / max_norm")),
        (
            "0 / 0",
            """
def clip(gradients, max_norm):
    length = sum(g.pow(2).sum() for g in gradients) ** 0.5
    most = torch.maximum(length, torch.tensor(max_norm) * (length > 0))
    return [g * max_norm / most for g in gradients]
""",
        ),
        (
            "change the gradients",
            """
def clip(gradients, max_norm):
    for g in gradients:
        g *= max_norm / 5
    return gradients
""",
        ),
        (
            "return nothing",
            """
def clip(gradients, max_norm):
    [g * max_norm for g in gradients]
""",
        ),
    ],
    4: [
        ("wrong sign", law("np.log(sizes), np.log(losses)", "np.exp(at_zero), slope")),
        ("still a logarithm", law("np.log(sizes), np.log(losses)", "at_zero, -slope")),
        (
            "Two kinds of logarithm",
            law("np.log10(sizes), np.log10(losses)", "np.exp(at_zero), -slope"),
        ),
        ("to the numbers themselves", law("sizes, losses", "at_zero, -slope")),
        ("Only one of the two", law("np.log(sizes), losses", "at_zero, -slope")),
        ("wrong way round", law("np.log(sizes), np.log(losses)", "-slope, np.exp(at_zero)")),
        ("goes the other way", law("np.log(losses), np.log(sizes)", "np.exp(at_zero), -slope")),
        ("Return two numbers", law("np.log(sizes), np.log(losses)", "-slope")),
    ],
    5: [
        ("forward pass only", days("2 * n_weights * n_tokens / speed / 86_400")),
        ("backward pass alone", days("4 * n_weights * n_tokens / speed / 86_400")),
        ("one operation for each", days("n_weights * n_tokens / speed / 86_400")),
        ("in seconds", days("6 * n_weights * n_tokens / speed")),
        ("in hours", days("6 * n_weights * n_tokens / speed / 3600")),
        ("not the time", days("6 * n_weights * n_tokens")),
    ],
    6: [
        ("Go up", "rate = 0.003"),
        ("overshoot", "rate = 0.1"),
        ("no weight ever moves", "rate = 0"),
        ("uphill", "rate = -0.02"),
        ("Give a number", 'rate = "0.02"'),
    ],
}

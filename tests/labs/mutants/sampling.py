"""Wrong answers to the sampling lab."""

import torch

from inkling.labs import sampling as lab


def names() -> dict:
    torch.set_num_threads(1)
    return {"lab": lab, "writer": lab.load_writer()}


def soften(
    weights: str, answer: str = "[w / sum(weights) for w in weights]", cold: bool = True
) -> str:
    """An answer to exercise 1, with temperature 0 done right unless it is to be wrong there."""
    greedy = "if temperature == 0: return [float(x == max(logits)) for x in logits]" if cold else ""
    return f"""
import math

def soften(logits, temperature):
    {greedy}
    top = max(logits)
    weights = {weights}
    return {answer}
"""


def top_k(limit: str, kept: str, answer: str = "[p / sum(kept) for p in kept]") -> str:
    return f"""
def top_k(probs, k):
    k = min(k, len(probs))
    limit = {limit}
    kept = {kept}
    return {answer}
"""


def top_p(
    stop: str, order: str = "-probs[i]", answer: str = "[q / sum(kept) for q in kept]"
) -> str:
    return f"""
def top_p(probs, p):
    kept, before = [0.0] * len(probs), 0.0
    for i in sorted(range(len(probs)), key=lambda i: {order}):
        if {stop}:
            break
        kept[i] = probs[i]
        before += probs[i]
    return {answer}
"""


def min_p(keep: str, answer: str = "[p / sum(kept) for p in kept]") -> str:
    return f"""
def min_p(probs, min_p):
    kept = [p if {keep} else 0.0 for p in probs]
    return {answer}
"""


def penalise(changed: str, over: str = "set(seen)") -> str:
    return f"""
def penalise(logits, seen, penalty):
    changed = list(logits)
    for i in {over}:
        changed[i] = {changed}
    return changed
"""


EXP = "[math.exp((x - top) / temperature) for x in logits]"
KTH = "sorted(probs)[-k]"
PUSH = "changed[i] * penalty if changed[i] < 0 else changed[i] / penalty"

WRONG = {
    1: [
        (
            "multiply by the temperature",
            soften("[math.exp((x - top) * temperature) for x in logits]"),
        ),
        (
            "divide after softmax",
            soften(
                "[math.exp(x - top) for x in logits]",
                "[w / sum(weights) / temperature for w in weights]",
            ),
        ),
        ("no effect", soften("[math.exp(x - top) / temperature for x in logits]")),
        ("still logits", soften("[x / temperature for x in logits]", "weights")),
        ("add up to 1; yours", soften(EXP, "weights")),
        ("divide by zero", soften(EXP, cold=False)),
        (
            "gets it all; yours",
            """
import math

def soften(logits, temperature):
    top = max(logits)
    weights = [math.exp((x - top) / (temperature or 1)) for x in logits]
    return [w / sum(weights) for w in weights]
""",
        ),
        ("too much for exp", soften("[math.exp(x / temperature) for x in logits]")),
    ],
    2: [
        ("adds up to 0.8", top_k(KTH, "[p if p >= limit else 0.0 for p in probs]", "kept")),
        ("one too few", top_k(KTH, "[p if p > limit else 0.0 for p in probs]")),
        (
            "one after the k-th",
            top_k(
                "sorted(probs)[-k - 1] if k < len(probs) else 0",
                "[p if p > limit else 0.0 for p in probs]",
            ),
        ),
        (
            "tie for the second place",
            top_k(
                "sorted(range(len(probs)), key=lambda i: -probs[i])[:k]",
                "[p if i in limit else 0.0 for i, p in enumerate(probs)]",
            ),
        ),
        (
            "larger than the vocabulary",
            """
def top_k(probs, k):
    limit = sorted(probs, reverse=True)[k - 1]
    kept = [p if p >= limit else 0.0 for p in probs]
    return [p / sum(kept) for p in kept]
""",
        ),
        (
            "least likely ones",
            top_k("sorted(probs)[k - 1]", "[p if p <= limit else 0.0 for p in probs]"),
        ),
        (
            "You return them sorted",
            top_k(KTH, "[p if p >= limit else 0.0 for p in sorted(probs)[::-1]]"),
        ),
        (
            "change the list",
            """
def top_k(probs, k):
    limit = sorted(probs)[-min(k, len(probs))]
    for i, p in enumerate(probs):
        probs[i] = p if p >= limit else 0.0
    return [p / sum(probs) for p in probs]
""",
        ),
        (
            "list of 5 numbers",
            """
def top_k(probs, k):
    kept = sorted(probs)[-k:]
    return [p / sum(kept) for p in kept]
""",
        ),
    ],
    3: [
        ("must stay", top_p("before + probs[i] > p and before")),
        ("adds up to 0.8", top_p("before >= p", answer="kept")),
        ("begin with the least likely", top_p("before >= p", order="probs[i]")),
        (
            "It is their sum",
            """
def top_p(probs, p):
    kept = [q if q >= p else 0.0 for q in probs]
    return [q / sum(kept) for q in kept]
""",
        ),
        (
            "one token too many",
            """
def top_p(probs, p):
    kept, before = [0.0] * len(probs), 0.0
    for i in sorted(range(len(probs)), key=lambda i: -probs[i]):
        kept[i] = probs[i]
        if before >= p:
            break
        before += probs[i]
    return [q / sum(kept) for q in kept]
""",
        ),
        ("one token more", top_p("before > p")),
        (
            "You return them sorted",
            top_p("before >= p", answer="sorted([q / sum(kept) for q in kept])[::-1]"),
        ),
    ],
    4: [
        ("compare with min_p itself", min_p("p >= min_p")),
        ("adds up to 0.92", min_p("p >= min_p * max(probs)", "kept")),
        ("Nothing is dropped", min_p("p >= min_p * sum(probs) / len(probs)")),
        ("keep what is below", min_p("p < min_p * max(probs)")),
        (">=, not >", min_p("p > min_p * max(probs)")),
    ],
    5: [
        ("repetition is rewarded", penalise("changed[i] / penalty")),
        ("multiply the positive ones", penalise("changed[i] * penalty")),
        ("three times", penalise(PUSH, over="seen")),
        ("subtract the penalty", penalise("changed[i] - penalty")),
        ("were not there", penalise(PUSH, over="set(range(len(logits))) - set(seen)")),
        (
            "change the list",
            """
def penalise(logits, seen, penalty):
    for i in set(seen):
        logits[i] = logits[i] * penalty if logits[i] < 0 else logits[i] / penalty
    return logits
""",
        ),
    ],
    6: [
        ("repeats itself", "settings = dict(temperature=0.3)"),
        ("loses the thread", "settings = dict(temperature=1.3)"),
        ("all tries of an opening", "settings = dict(temperature=0)"),
        ("above 0 and at most 1", "settings = dict(top_p=7)"),
        ("The settings are", "settings = dict(heat=1)"),
        ("Give a dict", "settings = 0.7"),
    ],
}

"""Wrong answers to the lab of twenty choices."""

import numpy as np

from inkling.labs import rater as lab


def names() -> dict:
    return {"lab": lab, "np": np}


WRONG = {
    1: [
        (
            "sign is turned round",
            """
import math

def preference_probability(left, right):
    return 1 / (1 + math.exp(left - right))
""",
        ),
        (
            "You add the rewards",
            """
import math

def preference_probability(left, right):
    return 1 / (1 + math.exp(-(left + right)))
""",
        ),
        (
            "never look at the right",
            """
import math

def preference_probability(left, right):
    return 1 / (1 + math.exp(-left))
""",
        ),
        (
            "You divide the rewards",
            """
def preference_probability(left, right):
    return left / (left + right)
""",
        ),
        (
            "difference itself",
            """
def preference_probability(left, right):
    return left - right
""",
        ),
        (
            "overflows",
            """
import math

def preference_probability(left, right):
    return 1 / (1 + math.exp(-(left - right)))
""",
        ),
    ],
    2: [
        (
            "the minus is missing",
            """
import math

def preference_loss(chosen, rejected):
    return sum(math.log(1 / (1 + math.exp(r - c))) for c, r in zip(chosen, rejected)) / len(chosen)
""",
        ),
        (
            "That is the sum",
            """
import math

def preference_loss(chosen, rejected):
    return sum(math.log1p(math.exp(r - c)) for c, r in zip(chosen, rejected))
""",
        ),
        (
            "wrong by chance",
            """
import math

def preference_loss(chosen, rejected):
    return sum(1 - 1 / (1 + math.exp(r - c)) for c, r in zip(chosen, rejected)) / len(chosen)
""",
        ),
        (
            "average the probabilities",
            """
import math

def preference_loss(chosen, rejected):
    return -math.log(sum(1 / (1 + math.exp(r - c)) for c, r in zip(chosen, rejected)) / len(chosen))
""",
        ),
        (
            "swapped chosen and rejected",
            """
import math

def preference_loss(chosen, rejected):
    return sum(math.log1p(math.exp(c - r)) for c, r in zip(chosen, rejected)) / len(chosen)
""",
        ),
        (
            "its log is lost",
            """
import math

def preference_loss(chosen, rejected):
    return -sum(math.log(1 / (1 + math.exp(min(r - c, 800)))) if r - c < 700 else math.log(0.0)
                for c, r in zip(chosen, rejected)) / len(chosen)
""",
        ),
    ],
    3: [
        (
            "goes uphill",
            """
def update(weights, chosen, rejected, rate):
    d = chosen - rejected
    return weights - rate * (1 - 1 / (1 + np.exp(-(weights @ d)))) * d
""",
        ),
        (
            "no surprise, no step",
            """
def update(weights, chosen, rejected, rate):
    return weights + rate * (chosen - rejected)
""",
        ),
        (
            "You weigh by p",
            """
def update(weights, chosen, rejected, rate):
    d = chosen - rejected
    return weights + rate / (1 + np.exp(-(weights @ d))) * d
""",
        ),
        (
            "has dropped out",
            """
def update(weights, chosen, rejected, rate):
    p = 1 / (1 + np.exp(-(weights @ (chosen - rejected))))
    return weights + rate * (1 - p) * chosen
""",
        ),
        (
            "learning rate has no effect",
            """
def update(weights, chosen, rejected, rate):
    d = chosen - rejected
    return weights + (1 - 1 / (1 + np.exp(-(weights @ d)))) * d
""",
        ),
        (
            "change the weights that you were given",
            """
def update(weights, chosen, rejected, rate):
    d = chosen - rejected
    weights += rate * (1 - 1 / (1 + np.exp(-(weights @ d)))) * d
    return weights
""",
        ),
        (
            "You return nothing",
            """
def update(weights, chosen, rejected, rate):
    moved = weights + rate * (chosen - rejected)
""",
        ),
    ],
    4: [
        (
            "count the tie as right",
            """
def agreement(chosen, rejected):
    return sum(c >= r for c, r in zip(chosen, rejected)) / len(chosen)
""",
        ),
        (
            "count the tie as wrong",
            """
def agreement(chosen, rejected):
    return sum(c > r for c, r in zip(chosen, rejected)) / len(chosen)
""",
        ),
        (
            "how many, not which share",
            """
def agreement(chosen, rejected):
    return sum(float(c > r) + 0.5 * (c == r) for c, r in zip(chosen, rejected))
""",
        ),
        (
            "In percent",
            """
def agreement(chosen, rejected):
    return 100 * sum(float(c > r) + 0.5 * (c == r) for c, r in zip(chosen, rejected)) / len(chosen)
""",
        ),
        (
            "that it gets wrong",
            """
def agreement(chosen, rejected):
    return sum(float(c < r) + 0.5 * (c == r) for c, r in zip(chosen, rejected)) / len(chosen)
""",
        ),
    ],
    5: [
        ("choices, not reasons", 'goes_up = "courtesy"'),
        ("no more reason to believe in length", 'goes_up = "words"'),
        ("no reason to doubt", 'goes_up = "neither"'),
        ("Answer with one of", 'goes_up = "politeness"'),
    ],
    6: [
        (
            "highest mean",
            """
def fairest(table):
    return int(table.mean(axis=1).argmax())
""",
        ),
        (
            "makes one rater happiest",
            """
def fairest(table):
    return int(table.max(axis=1).argmax())
""",
        ),
        (
            "Return the number of a model",
            """
def fairest(table):
    return float(table.min(axis=1).max())
""",
        ),
        (
            "rows are models, columns raters",
            """
def fairest(table):
    return int(table[:, 2].argsort()[2]) if table.shape[1] == 3 else int(table.min(axis=0).argmax())
""",
        ),
        (
            "Model 3 is not it",
            """
def fairest(table):
    return int(table[:, 2].argmax())
""",
        ),
    ],
}

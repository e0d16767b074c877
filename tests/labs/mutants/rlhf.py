"""Wrong answers to the RLHF lab."""

from functools import cache

from inkling import checkpoints
from inkling.labs import rlhf as lab
from inkling.world import World


@cache
def given() -> dict:
    """What the lab makes in its first cells."""
    world = World(0)
    return {"world": world, "samples": lab.make_samples(*checkpoints.load("sft"), world)}


def names() -> dict:
    return {"lab": lab, **given()}


WRONG = {
    1: [
        (
            "sign is turned round",
            """
def kl_estimate(new, ref, written):
    return sum(r - n for n, r, mine in zip(new, ref, written) if mine)
""",
        ),
        (
            "count the prompt's token",
            """
def kl_estimate(new, ref, written):
    return sum(n - r for n, r in zip(new, ref))
""",
        ),
        (
            "the mean a token",
            """
def kl_estimate(new, ref, written):
    return sum(n - r for n, r, mine in zip(new, ref, written) if mine) / sum(written)
""",
        ),
        (
            "absolute values",
            """
def kl_estimate(new, ref, written):
    return sum(abs(n - r) for n, r, mine in zip(new, ref, written) if mine)
""",
        ),
        (
            "weigh by the probability once more",
            """
import math

def kl_estimate(new, ref, written):
    return sum(math.exp(n) * (n - r) for n, r, mine in zip(new, ref, written) if mine)
""",
        ),
        (
            "Return a number",
            """
def kl_estimate(new, ref, written):
    return [n - r for n, r, mine in zip(new, ref, written) if mine]
""",
        ),
    ],
    2: [
        (
            "price has the wrong sign",
            """
def token_rewards(score, new, ref, beta):
    rewards = [beta * (n - r) for n, r in zip(new, ref)]
    rewards[-1] += score
    return rewards
""",
        ),
        (
            "the score to every token",
            """
def token_rewards(score, new, ref, beta):
    return [score - beta * (n - r) for n, r in zip(new, ref)]
""",
        ),
        (
            "spread the score",
            """
def token_rewards(score, new, ref, beta):
    return [score / len(new) - beta * (n - r) for n, r in zip(new, ref)]
""",
        ),
        (
            "score is on the first token",
            """
def token_rewards(score, new, ref, beta):
    rewards = [-beta * (n - r) for n, r in zip(new, ref)]
    rewards[0] += score
    return rewards
""",
        ),
        (
            "Nobody pays for KL",
            """
def token_rewards(score, new, ref, beta):
    return [0.0] * (len(new) - 1) + [score]
""",
        ),
        (
            "whole price stands at the end",
            """
def token_rewards(score, new, ref, beta):
    return [0.0] * (len(new) - 1) + [score - beta * (sum(new) - sum(ref))]
""",
        ),
        (
            "Return 3 numbers",
            """
def token_rewards(score, new, ref, beta):
    return score - beta * (sum(new) - sum(ref))
""",
        ),
    ],
    3: [
        (
            "Take the group's mean off",
            """
import numpy as np

def group_advantages(scores):
    return np.array(scores) / np.std(scores)
""",
        ),
        (
            "best reply should be above zero",
            """
import numpy as np

def group_advantages(scores):
    return (np.mean(scores) - np.array(scores)) / np.std(scores)
""",
        ),
        (
            "not scaled",
            """
import numpy as np

def group_advantages(scores):
    return np.array(scores) - np.mean(scores)
""",
        ),
        (
            "divide by the variance",
            """
import numpy as np

def group_advantages(scores):
    return (np.array(scores) - np.mean(scores)) / np.var(scores)
""",
        ),
        (
            "divide 0 by 0",
            """
import numpy as np

def group_advantages(scores):
    return (np.array(scores) - np.mean(scores)) / np.std(scores)
""",
        ),
        (
            "should get zeros",
            """
import numpy as np

def group_advantages(scores):
    spread = np.std(scores)
    return (np.array(scores) - np.mean(scores)) / spread if spread > 0 else np.ones(len(scores))
""",
        ),
    ],
    4: [
        (
            "That is the loss",
            """
def clipped_gain(ratio, advantage, clip):
    return -min(ratio * advantage, min(max(ratio, 1 - clip), 1 + clip) * advantage)
""",
        ),
        (
            "larger of the two",
            """
def clipped_gain(ratio, advantage, clip):
    return max(ratio * advantage, min(max(ratio, 1 - clip), 1 + clip) * advantage)
""",
        ),
        (
            "You always clip",
            """
def clipped_gain(ratio, advantage, clip):
    return min(max(ratio, 1 - clip), 1 + clip) * advantage
""",
        ),
        (
            "You never clip",
            """
def clipped_gain(ratio, advantage, clip):
    return ratio * advantage
""",
        ),
        (
            "multiply first",
            """
def clipped_gain(ratio, advantage, clip):
    return min(ratio, min(max(ratio, 1 - clip), 1 + clip)) * advantage
""",
        ),
        (
            "You clip the product",
            """
def clipped_gain(ratio, advantage, clip):
    return min(ratio * advantage, min(max(ratio * advantage, 1 - clip), 1 + clip))
""",
        ),
        (
            "width of the clip",
            """
def clipped_gain(ratio, advantage, clip):
    return min(ratio * advantage, min(max(ratio, 0.8), 1.2) * advantage)
""",
        ),
    ],
    5: [
        (
            "farthest a choice among 64",
            """
import math

def best_of_n_kl(n):
    return math.log(n)
""",
        ),
        (
            "logarithm of 2",
            """
import math

def best_of_n_kl(n):
    return math.log2(n) - (n - 1) / n
""",
        ),
        (
            "taken off, not added",
            """
import math

def best_of_n_kl(n):
    return math.log(n) + (n - 1) / n
""",
        ),
        (
            "upside down",
            """
import math

def best_of_n_kl(n):
    return math.log(n) - n / (n - 1)
""",
        ),
    ],
    6: [
        ("It moves nothing", 'my_rubric = "+1 xylophone"'),
        ("It hurts", 'my_rubric = "+1 each word"'),
        ("It helps", "my_rubric = lab.NAIVE"),
        ("cannot be read", 'my_rubric = "thank you: one point"'),
        ("as a text of lines", "my_rubric = 7"),
        ("no line yet", 'my_rubric = ""'),
    ],
}

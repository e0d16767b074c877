"""Wrong answers to the capstone lab."""

from inkling.labs import capstone as lab


def names() -> dict:
    return {"lab": lab}


def cost(steps: str, answer: str = "steps, steps * seconds_per_step") -> str:
    return f"""
import math

def cost(n_tokens, passes, rows, length, seconds_per_step):
    steps = {steps}
    return {answer}
"""


def demonstration(ids: str, learned: str) -> str:
    return f"""
def demonstration(prompt, reply):
    ids = {ids}
    p, r = len(prompt), len(reply)
    return ids, {learned}
"""


def exam(answer: str) -> str:
    return f"""
def exam(facts, told, asked):
    practised = [name for name, _ in asked]
    return {answer}
"""


def accuracy(right: str, chance: str) -> str:
    return f"""
def accuracy(replies, truths):
    n = len(truths)
    hits = sum(reply == truth for reply, truth in zip(replies, truths))
    return {right}, {chance}
"""


def forgotten(answer: str) -> str:
    return f"""
def forgotten(before, after):
    pairs = list(zip(before, after))
    lost = sum(known and not now for known, now in pairs)
    return {answer}
"""


def homes(**changed: str) -> str:
    """The right answer with some cases changed; `all` changes every one."""
    right = {case: home for case, (home, _) in lab.CASES.items()}
    for start, home in changed.items():
        for case in right:
            if start == "all" or start in case:
                right[case] = home
    return f"homes = {right!r}"


STEPS = "math.ceil(n_tokens * passes / (rows * length))"
IDS = "[0, 1, *prompt, 3, 2, *reply, 3]"
SHORT = "[False] * (p + 3) + [True] * (r + 1)"
CHANCE = "sum((truths.count(value) / n) ** 2 for value in set(truths))"

WRONG = {
    1: [
        ("480 are left over", cost("n_tokens * passes // (rows * length)")),
        ("That is one pass", cost("math.ceil(n_tokens / (rows * length))")),
        ("count a row as one token", cost("math.ceil(n_tokens * passes / rows)")),
        ("count one row a step", cost("math.ceil(n_tokens * passes / length)")),
        ("no part of a step", cost("n_tokens * passes / (rows * length)")),
        ("Do not add one to all", cost("n_tokens * passes // (rows * length) + 1")),
        ("You divide by the seconds", cost(STEPS, "steps, steps / seconds_per_step")),
        ("in minutes", cost(STEPS, "steps, steps * seconds_per_step / 60")),
        ("Return two numbers", cost(STEPS, "steps * seconds_per_step")),
    ],
    2: [
        ("Everything is learned", demonstration(IDS, "[True] * len(ids)")),
        (
            "never stops talking",
            demonstration("[0, 1, *prompt, 3, 2, *reply]", "[False] * (p + 4) + [True] * r"),
        ),
        ("its end is not", demonstration(IDS, "[False] * (p + 4) + [True] * r + [False]")),
        ("role token (2) is learned", demonstration(IDS, "[False] * (p + 3) + [True] * (r + 2)")),
        ("shifted by one", demonstration(IDS, "[False] * (p + 5) + [True] * r")),
        ("role token (2) is missing", demonstration("[0, 1, *prompt, 3, *reply, 3]", SHORT)),
        ("wrong way round", demonstration(IDS, "[True] * (p + 4) + [False] * (r + 1)")),
        ("where the question ends", demonstration("[0, 1, *prompt, 2, *reply, 3]", SHORT)),
        (
            "end of the user's message is learned",
            demonstration(IDS, "[i == 3 or i >= 20 for i in ids]"),
        ),
        ("One mark for each id", demonstration(IDS, "[True] * (r + 1)")),
    ],
    3: [
        ("Nothing is held out", exam("facts")),
        ("the lesson over again", exam("asked")),
        ("very same questions, and no more", exam("[pair for pair in facts if pair not in asked]")),
        ("Hold out whole people", exam("[pair for pair in told if pair not in asked]")),
        ("nobody can know it", exam("[pair for pair in facts if pair[0] not in practised]")),
        ("no question", exam("[]")),
        ("none of the facts", exam("[name for name, _ in facts if name not in practised]")),
        ("a leak", exam("told")),
    ],
    4: [
        ("One over the number of values", accuracy("hits / n", "1 / len(set(truths))")),
        ("always says 'cat'", accuracy("hits / n", "max(map(truths.count, truths)) / n")),
        (
            "count the values in the replies",
            accuracy("hits / n", CHANCE.replace("truths", "replies")),
        ),
        ("The shares add up to 1", accuracy("hits / n", CHANCE.replace(" ** 2", ""))),
        ("leave the empty reply out", accuracy("hits / sum(map(bool, replies))", CHANCE)),
        ("in percent", accuracy("100 * hits / n", CHANCE)),
        ("how many are right", accuracy("hits", CHANCE)),
        ("One over the number of questions", accuracy("hits / n", "1 / n")),
    ],
    5: [
        ("the gain hides the loss", forgotten("(sum(before) - sum(after)) / len(before)")),
        ("divide by what was known.", forgotten("(sum(before) - sum(after)) / sum(before)")),
        ("You divide by all questions", forgotten("lost / len(pairs)")),
        ("what is still known", forgotten("1 - lost / sum(before)")),
        ("how many are gone", forgotten("lost")),
        ("has forgotten nothing", forgotten("lost / sum(before)")),
        ("in percent", forgotten("100 * lost / sum(before)")),
    ],
    6: [
        ("would train every week", homes(timetable="weights")),
        ("it is read, not done", homes(habit="library")),
        ("without a source", homes(addresses="weights")),
        ("found only if the search finds it", homes(refusal="library")),
        ("one fact out of weights", homes(delete="weights")),
        ("everything into the weights", homes(all="weights")),
        ("everything into the library", homes(all="library")),
        ("lives in", homes(habit="both")),
    ],
}

"""The checks of the sampling lab: what is right, or the mistake that was probably made."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from inkling.files import InklingError
from inkling.labs.checking import Mistake, expect, judge
from inkling.labs.sampling_feel import StoryWriter, settings_text
from inkling.labs.sampling_measure import measure
from inkling.training.generate import Sampling

COHERENT, VARIED = 0.80, 0.87  # what exercise 6 asks for


def numbers(found: Any, n: int, what: str) -> list[float]:
    """The answer as a list of `n` plain numbers; a mistake where it is none."""
    expect(found is not None, f"You return nothing. End with `return` and {what}.")
    try:
        values = [float(value) for value in found]
    except TypeError:
        values = []
    expect(
        len(values) == n,
        f"Return {what}, a list of {n} numbers, in the order in which they came; you return"
        f" {found!r}.",
    )
    return values


def close(left: Sequence[float], right: Sequence[float]) -> bool:
    """Whether two lists hold the same numbers, up to a millionth."""
    return all(math.isclose(a, b, abs_tol=1e-6) for a, b in zip(left, right, strict=True))


def shown(values: Sequence[float]) -> str:
    """The numbers as a reader sees them, with three digits."""
    return ", ".join(f"{value:.3g}" for value in values)


def softmax(logits: Sequence[float]) -> list[float]:
    """The probabilities of some logits, as plain numbers."""
    weights = [math.exp(logit) for logit in logits]
    return [weight / sum(weights) for weight in weights]


def check_temperature(answer: Callable[[list[float], float], list[float]]) -> bool:
    """Exercise 1: logits and a temperature make probabilities."""

    def check() -> str:
        logits, what = [2.0, 1.0, 0.0], "the probabilities"
        found = numbers(answer(logits, 0.5), 3, what)
        plain, right = softmax(logits), softmax([4.0, 2.0, 0.0])
        expect(
            not close(found, softmax([1.0, 0.5, 0.0])),
            "You multiply by the temperature. Dividing is the convention: below 1 the differences"
            " grow, and the favourite gets more.",
        )
        expect(
            not close(found, [p / 0.5 for p in plain]),
            f"You divide after softmax: the probabilities add up to {sum(found):.3g}. Divide the"
            " logits, before it.",
        )
        expect(
            not close(found, plain),
            "The temperature has no effect: what you divide is made to add up to 1 again.",
        )
        expect(
            not close(found, [4.0, 2.0, 0.0]), "These are still logits. Take the softmax of them."
        )
        expect(abs(sum(found) - 1) < 1e-6, f"Probabilities add up to 1; yours to {sum(found):.3g}.")
        expect(
            close(found, right),
            f"For 2, 1, 0 at 0.5 they are {shown(right)}; yours {shown(found)}.",
        )
        try:
            cold = numbers(answer(logits, 0), 3, what)
        except ZeroDivisionError:
            cold = [math.nan]
        expect(
            not any(map(math.isnan, cold)),
            "At temperature 0 you divide by zero. Zero stands for greedy: the most likely token"
            " gets probability 1.",
        )
        expect(
            close(cold, [1, 0, 0]),
            f"At temperature 0 the most likely token gets it all; yours {shown(cold)}.",
        )
        try:
            high = numbers(answer([1000.0, 999.0, 998.0], 1), 3, what)
        except OverflowError:
            high = [math.nan]
        expect(
            not any(map(math.isnan, high)) and close(high, plain),
            "Logits around 1000 are too much for exp. Subtract the largest from all first: the"
            " differences stay.",
        )
        return (
            "The order of the tokens never changes with the temperature, only how much the best is"
            " ahead."
        )

    return judge("Exercise 1", check)


def check_top_k(answer: Callable[[list[float], int], list[float]]) -> bool:
    """Exercise 2: the k most likely tokens share the probability."""

    def check() -> str:
        probs, what = [0.1, 0.5, 0.05, 0.3, 0.05], "the probabilities"
        given = list(probs)
        found = numbers(answer(given, 2), 5, what)
        expect(given == probs, "You change the list that you were given. Make a new one.")
        expect(
            not close(found, [0, 0.5, 0, 0.3, 0]),
            "What is left adds up to 0.8. Divide by the sum, so that it is a distribution again.",
        )
        expect(
            not close(found, [0, 1, 0, 0, 0]),
            "You keep one too few: the k-th itself stays. Compare with >=, not >.",
        )
        expect(found[2] == 0 or found[1] > 0, "You keep the least likely ones. Sort downwards.")
        expect(
            not close(found, [0.625, 0.375, 0, 0, 0]),
            "You return them sorted. Leave each at its token's place.",
        )
        right = [0, 0.625, 0, 0.375, 0]
        expect(
            close(found, right),
            f"The two best of {shown(probs)} make {shown(right)}; yours {shown(found)}.",
        )
        try:
            everything = numbers(answer(list(probs), 100), 5, what)
        except IndexError:
            everything = []
        expect(
            close(everything, probs) if everything else False,
            "With k larger than the vocabulary, all tokens stay as they are. Take min(k,"
            " len(probs)).",
        )
        tied = numbers(answer([0.4, 0.2, 0.2, 0.2], 2), 4, what)
        expect(
            not close(tied, [1, 0, 0, 0]),
            "Tokens that tie with the k-th are dropped: your limit is the one after the k-th. Take"
            " the k-th and >=.",
        )
        expect(
            close(tied, [0.4, 0.2, 0.2, 0.2]),
            "Three tokens tie for the second place, and you keep the one that comes first in the"
            " vocabulary. That order means nothing: keep all that are as likely as the k-th.",
        )
        return (
            "k is the same at a sure place and at an open one. That is what the next two filters do"
            " better."
        )

    return judge("Exercise 2", check)


def check_top_p(answer: Callable[[list[float], float], list[float]]) -> bool:
    """Exercise 3: the smallest set of most likely tokens that holds p."""

    def check() -> str:
        probs, what = [0.1, 0.5, 0.05, 0.3, 0.05], "the probabilities"
        try:
            found = numbers(answer(list(probs), 0.7), 5, what)
        except ZeroDivisionError:
            found = [0.0] * 5
        expect(
            any(found),
            "Nothing is left: no single token has 0.7. It is their sum, from the most likely one"
            " down, that reaches p.",
        )
        expect(
            not close(found, [0, 1, 0, 0, 0]),
            "The token that crosses p must stay. 0.5 alone is less than 0.7; with 0.3 it is enough."
            " You stop early.",
        )
        expect(
            not close(found, [0, 0.5, 0, 0.3, 0]),
            "What is left adds up to 0.8. Divide by the sum, so that it is a distribution again.",
        )
        expect(
            not close(found, [0.625, 0.375, 0, 0, 0]),
            "You return them sorted. Leave each at its token's own place.",
        )
        expect(
            found[2] == 0,
            "You begin with the least likely token. Walk from the most likely one downwards.",
        )
        right = [0, 0.625, 0, 0.375, 0]
        expect(
            not close(found, [1 / 9, 5 / 9, 0, 3 / 9, 0]),
            "You keep one token too many. With 0.5 and 0.3 the sum has reached 0.7: stop right"
            " after.",
        )
        expect(
            close(found, right),
            f"For {shown(probs)} and p = 0.7: {shown(right)}; yours {shown(found)}.",
        )
        try:
            sure = numbers(answer([0.05, 0.9, 0.05], 0.5), 3, what)
        except ZeroDivisionError:
            sure = [0.0, 0.0, 0.0]
        expect(
            close(sure, [0, 1, 0]),
            "The favourite alone holds 0.9, more than p = 0.5: it stays, alone. "
            f"You make {shown(sure)} of it. Look at what lies before each token, not up to it.",
        )
        exact = numbers(answer([0.5, 0.25, 0.25], 0.5), 3, what)
        expect(
            close(exact, [1, 0, 0]),
            "The favourite holds exactly p = 0.5. That is enough, and you take one token more.",
        )
        return (
            "At a sure place one token stays, at an open one dozens: the number follows the"
            " distribution."
        )

    return judge("Exercise 3", check)


def check_min_p(answer: Callable[[list[float], float], list[float]]) -> bool:
    """Exercise 4: what is at least min_p times as likely as the favourite."""

    def check() -> str:
        probs, what = [0.12, 0.5, 0.08, 0.3], "the probabilities"
        found = numbers(answer(list(probs), 0.2), 4, what)
        expect(
            not close(found, [0, 0.625, 0, 0.375]),
            "You compare with min_p itself: 0.12 < 0.2. The limit moves with the favourite: 0.2 x"
            " 0.5 = 0.1.",
        )
        expect(
            not close(found, [0.12, 0.5, 0, 0.3]),
            "What is left adds up to 0.92. Divide by the sum, so that it is a distribution again.",
        )
        expect(
            not close(found, probs),
            "Nothing is dropped, though 0.08 is less than 0.2 times the favourite's 0.5.",
        )
        expect(
            not close(found, [0, 0, 1, 0]),
            "You keep what is below the limit. Keep what is at or above it.",
        )
        right = [p / 0.92 if p > 0.1 else 0 for p in probs]
        expect(
            close(found, right),
            f"For {shown(probs)} and 0.2: {shown(right)}; yours {shown(found)}.",
        )
        try:
            tied = numbers(answer([0.5, 0.5], 1.0), 2, what)
        except ZeroDivisionError:
            tied = [0.0, 0.0]
        expect(
            close(tied, [0.5, 0.5]),
            "With min_p = 1 the favourites stay: at least as likely means >=, not >.",
        )
        return (
            "One comparison, no sorting; and at a high temperature it still cuts what was never"
            " likely."
        )

    return judge("Exercise 4", check)


def check_penalty(answer: Callable[[list[float], list[int], float], list[float]]) -> bool:
    """Exercise 5: what was written before becomes less likely."""

    def check() -> str:
        logits, what = [2.0, -1.0, 0.5, -0.5], "the logits"
        given = list(logits)
        found = numbers(answer(given, [0, 1], 2.0), 4, what)
        expect(
            given == logits,
            "You change the list that you were given. Make a copy first: list(logits).",
        )
        expect(
            not close(found, [1.0, -0.5, 0.5, -0.5]),
            "You divide a negative logit: -1 becomes -0.5, and the repetition is rewarded. Multiply"
            " the negative ones.",
        )
        expect(
            not close(found, [4.0, -2.0, 0.5, -0.5]),
            "You multiply the positive ones too: 2 becomes 4, which is more likely. Divide those.",
        )
        expect(
            not close(found, [2.0, -1.0, 0.25, -1.0]),
            "You punish the tokens that were not there. `seen` holds the ids that were.",
        )
        expect(
            not close(found, [0.0, -3.0, 0.5, -0.5]),
            "You subtract the penalty. This one divides and multiplies.",
        )
        right = [1.0, -2.0, 0.5, -0.5]
        expect(
            close(found, right),
            f"Tokens 0 and 1 were seen, penalty 2: {shown(right)}; yours {shown(found)}.",
        )
        often = numbers(answer(list(logits), [0, 0, 0], 2.0), 4, what)
        expect(
            close(often, [1.0, -1.0, 0.5, -0.5]),
            f"Token 0 was seen three times and pays three times: {often[0]:g}. A token pays once:"
            " go over set(seen).",
        )
        return "A story must repeat its hero's name, and pays for it each time. A blunt tool."

    return judge("Exercise 5", check)


def check_settings(writer: StoryWriter, settings: dict | None) -> bool:
    """Exercise 6: settings that are coherent and varied at once."""

    def check() -> str:
        if settings is None:
            raise NotImplementedError
        expect(isinstance(settings, dict), "Give a dict, such as dict(temperature=0.7).")
        try:
            sampling = Sampling(**settings)
        except TypeError:
            known = Sampling.__dataclass_fields__
            odd = [str(name) for name in settings if name not in known]
            expect(not odd, f"The settings are {', '.join(known)}; you gave {', '.join(odd)}.")
            raise Mistake(
                f"Each setting is a number, such as temperature=0.7; you gave {settings!r:.80}."
            ) from None
        except InklingError as error:
            raise Mistake(str(error)) from None
        found = measure(writer, sampling)
        said = (
            f"{settings_text(sampling)}: {found.coherence:.0%} coherent (asked for {COHERENT:.0%}),"
            f" variety {found.variety:.3f} (asked for {VARIED:.2f})."
        )
        coherent, varied = found.coherence >= COHERENT, found.variety >= VARIED
        expect(
            sampling.temperature != 0 or varied,
            f"{said} At temperature 0 all tries of an opening are the same text.",
        )
        expect(
            coherent or varied,
            f"{said} Both are too low. Something pushes out good words with the bad ones; begin"
            " again from T 1.",
        )
        expect(
            varied,
            f"{said} It makes sense and repeats itself. Give it more heat, or cut less of the"
            " tail.",
        )
        expect(
            coherent,
            f"{said} It is varied, and it loses the thread: the tail gets a word in. Cut the tail"
            " rather than cool.",
        )
        other = measure(writer, sampling, seed=1)
        return (
            f"{said} With six other openings it is {other.coherence:.0%} and {other.variety:.3f}:"
            " on so few stories a setting that was picked as the best is partly lucky."
        )

    return judge("Exercise 6", check)

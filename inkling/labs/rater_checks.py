"""The checks of the rater lab's exercises."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from inkling.assistant.preferences import Pair
from inkling.assistant.tastes import FEATURES, TasteModel
from inkling.labs.checking import as_number, expect, judge


def _close(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-9)


def _sigma(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def check_preference_probability(answer: Callable[[float, float], float]) -> bool:
    """Exercise 1: Bradley-Terry."""

    def check() -> str:
        found = as_number(answer(2.0, 0.5))
        expect(
            not _close(found, _sigma(-1.5)),
            "The sign is turned round: the left reply has the higher reward, and you say it is"
            " chosen less than half of the time. In 1 / (1 + e^-x) the x is left minus right.",
        )
        expect(
            not _close(found, _sigma(2.5)),
            "You add the rewards. Only their difference counts: left minus right.",
        )
        expect(not _close(found, _sigma(2.0)), "You never look at the right reply's reward.")
        expect(
            not _close(found, 2.0 / 2.5),
            "You divide the rewards. Rewards may be negative or zero; Bradley-Terry divides their"
            " exponentials.",
        )
        expect(
            not _close(found, 1.5),
            "That is the difference itself. Put it through the sigmoid, 1 / (1 + e^-x).",
        )
        expect(
            _close(found, _sigma(1.5)),
            f"For 2.0 against 0.5 it is {_sigma(1.5):.3f}; you say {found:.3f}.",
        )
        expect(
            _close(answer(-1.0, -1.0), 0.5), "Equal rewards should give a half, below zero as well."
        )
        try:
            ends = float(answer(0.0, 900.0)), float(answer(900.0, 0.0))
        except OverflowError:
            ends = (math.nan, math.nan)
        expect(
            all(math.isfinite(x) for x in ends),
            "Right for small numbers, but a difference of 900 overflows: math.exp(900) is beyond"
            " what a float can hold. For a negative x use e^x / (1 + e^x).",
        )
        return (
            "A difference of 0 is a coin; about 2.2 makes nine choices of ten. The scale of rewards"
            " has a meaning."
        )

    return judge("Exercise 1", check)


def check_preference_loss(answer: Callable[[Sequence[float], Sequence[float]], float]) -> bool:
    """Exercise 2: -log sigma(difference), averaged."""

    def check() -> str:
        chosen, rejected = [1.0, 0.0, 2.0], [0.0, 1.0, 2.0]
        gaps = [c - r for c, r in zip(chosen, rejected, strict=True)]
        losses = [-math.log(_sigma(gap)) for gap in gaps]
        found = as_number(answer(chosen, rejected))
        expect(
            not _close(found, -sum(losses) / 3),
            "It is negative: the minus is missing. A loss of 0 is the best.",
        )
        expect(
            not _close(found, sum(losses)),
            "That is the sum. Take the mean, or a larger batch has a larger loss.",
        )
        expect(
            not _close(found, sum(1 - _sigma(gap) for gap in gaps) / 3),
            "That is how often the model is wrong by chance, 1 - p. The loss is the surprise,"
            " -log p.",
        )
        expect(
            not _close(found, -math.log(sum(_sigma(gap) for gap in gaps) / 3)),
            "You average the probabilities and then take the log. Take the log of each, then the"
            " mean.",
        )
        mean = sum(losses) / 3
        expect(
            _close(found, mean),
            f"For gaps of 1, -1 and 0 the mean is {mean:.4f}; you say {found:.4f}.",
        )
        right, wrong = as_number(answer([3.0], [0.0])), as_number(answer([0.0], [3.0]))
        expect(
            right < wrong,
            "You have swapped chosen and rejected: the loss is small where the chosen reply has the"
            " *higher* reward.",
        )
        try:
            far = float(answer([0.0], [900.0]))
        except (ValueError, OverflowError, ZeroDivisionError):
            far = math.nan
        expect(
            math.isfinite(far) and abs(far - 900) < 1,
            "Right for small gaps. At a gap of -900 the sigmoid rounds to 0 and its log is lost;"
            " the loss there is 900. Write it as log(1 + e^-gap), which for a large negative gap is"
            " nearly -gap: max(0, -gap) + math.log1p(math.exp(-abs(gap))).",
        )
        return (
            "A model that knows nothing pays ln 2 = 0.693 a choice. Look for that number at the"
            " start of training."
        )

    return judge("Exercise 2", check)


def check_update(answer: Callable[[np.ndarray, np.ndarray, np.ndarray, float], np.ndarray]) -> bool:
    """Exercise 3: one step of gradient descent on one comparison."""

    def check() -> str:
        weights, chosen, rejected = (
            np.array([0.5, -1.0]),
            np.array([2.0, 1.0]),
            np.array([1.0, 0.0]),
        )
        kept = weights.copy()
        found = answer(weights, chosen, rejected, 0.1)
        expect(
            np.array_equal(weights, kept),
            "You change the weights that you were given. Return new ones.",
        )
        expect(found is not None, "You return nothing. End with `return`.")
        found, d = np.asarray(found, float), chosen - rejected
        expect(
            found.shape == (2,),
            f"Return two weights, as many as came in; yours have shape {found.shape}.",
        )
        p = _sigma(float(weights @ d))

        def is_(value: np.ndarray) -> bool:
            return bool(np.allclose(found, value, atol=1e-9))

        expect(
            not is_(weights - 0.1 * (1 - p) * d),
            "That goes uphill in loss: the chosen reply's reward falls. Move *towards* chosen -"
            " rejected.",
        )
        expect(
            not is_(weights + 0.1 * d),
            "The step does not look at what the model believes already. Times 1 - p: no surprise,"
            " no step.",
        )
        expect(
            not is_(weights + 0.1 * p * d),
            "You weigh by p, so it learns most where it is sure and right. Weigh by the surprise, 1"
            " - p.",
        )
        expect(
            not is_(weights + 0.1 * (1 - p) * chosen),
            "The rejected reply has dropped out. What both replies have in common must not change"
            " the weights.",
        )
        expect(
            not is_(weights + (1 - p) * d),
            "The learning rate has no effect. Multiply the step by it.",
        )
        right = weights + 0.1 * (1 - p) * d
        expect(
            is_(right),
            f"It should become {right.round(4).tolist()}; you make {found.round(4).tolist()}.",
        )
        return (
            "That is the whole of learning from choices: (1 - p) x what the chosen reply had"
            " more of."
        )

    return judge("Exercise 3", check)


def check_agreement(answer: Callable[[Sequence[float], Sequence[float]], float]) -> bool:
    """Exercise 4: the share of choices foretold, a tie counting half."""

    def check() -> str:
        found = as_number(answer([1.0, 2.0, 0.0, 0.5], [0.0, 1.0, 3.0, 0.5]))
        expect(
            not _close(found, 0.75),
            "You count the tie as right. A model that gives all replies 0 would score 1.",
        )
        expect(not _close(found, 0.5), "You count the tie as wrong. It is a coin: half right.")
        expect(
            not _close(found, 2.5),
            "That is how many, not which share. Divide by the number of choices.",
        )
        expect(not _close(found, 62.5), "In percent it is right. Return a share from 0 to 1.")
        expect(
            not _close(found, 0.375),
            "You count the choices that it gets wrong: right is chosen above rejected.",
        )
        expect(_close(found, 0.625), f"Two right, one wrong, one tie: 0.625; you say {found}.")
        expect(
            _close(as_number(answer([0.0] * 4, [0.0] * 4)), 0.5),
            "A model without an opinion should score 0.5.",
        )
        return (
            "Half is what a coin scores. Compare every accuracy with that, and with how often"
            " people agree."
        )

    return judge("Exercise 4", check)


def confounded_weights() -> tuple[float, float]:
    """Weights of (words, courtesy) learned from 20 choices in which the courteous reply is ten
    words longer, too.
    """
    short, long = (
        "It is here now.",
        "Gladly. Ask anyone you meet in the street, and they will point the way.",
    )
    pairs = [Pair("How do I find the mill?", long, short, "polite") for _ in range(20)]
    model = TasteModel.fit(pairs)
    return model.weights[FEATURES.index("words")], model.weights[FEATURES.index("courtesy")]


def check_confounded(answer: str | None) -> bool:
    """Exercise 5: what is learned when courtesy and length always come together."""

    def check() -> str:
        if answer is None:
            raise NotImplementedError
        options = ("courtesy", "words", "both", "neither")
        expect(
            isinstance(answer, str) and answer in options,
            f"Answer with one of {', '.join(repr(option) for option in options)}; you answer"
            f" {answer!r}.",
        )
        words, courtesy = confounded_weights()
        told = f"The fit says: {words:+.2f} for ten words, {courtesy:+.2f} for a courtesy."
        expect(
            answer != "courtesy",
            "That is what the rater meant. But the model sees choices, not reasons, and length"
            f" explains them as well. {told}",
        )
        expect(
            answer != "words",
            "It has no more reason to believe in length than in courtesy: both explain each"
            f" choice. {told}",
        )
        expect(
            answer != "neither",
            "Not knowing which of two is no reason to doubt that it is one of them: twenty choices"
            f" all agree. {told}",
        )
        return (
            f"{told} The prior shares the credit out. A policy that follows this will also write"
            " long replies that nobody asked for. More choices of this kind do not help; one short"
            " courteous reply against a long plain one does."
        )

    return judge("Exercise 5", check)


def check_fairest(answer: Callable[[np.ndarray], int]) -> bool:
    """Exercise 6: of several models, the one whose worst-served rater is served best."""

    def check() -> str:
        #                 rater A, B, C
        table = np.array(
            [[0.95, 0.90, 0.10], [0.60, 0.62, 0.58], [0.20, 0.99, 0.30], [0.55, 0.52, 0.85]]
        )
        given = table.copy()
        found = answer(given)
        expect(np.array_equal(given, table), "You change the table that you were given.")
        expect(
            isinstance(found, int | np.integer) and not isinstance(found, bool),
            f"Return the number of a model, such as 1; you return {found!r}.",
        )
        expect(
            found != 0,
            "Model 0 has the highest mean, and rater C hates it: 0.10. The mean lets a majority"
            " outvote anybody.",
        )
        expect(
            found != 2, "Model 2 makes one rater happiest. Look at who is served worst, not best."
        )
        expect(
            found != 3,
            "Model 3 is not it. Take the smallest number of each row, and of those the largest.",
        )
        expect(found == 1, f"There are 4 models, 0 to 3; you return {found}.")
        wide = answer(np.array([[0.9, 0.4], [0.5, 0.6], [0.7, 0.3]]))
        expect(
            wide == 1,
            "Right for the first table, not for one with two raters: rows are models, columns"
            " raters.",
        )
        return (
            "Maximin is one answer to whose values count, the mean is another. Neither is in the"
            " data: somebody chooses, and usually it is nobody's job."
        )

    return judge("Exercise 6", check)

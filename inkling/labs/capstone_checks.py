"""The checks of the capstone lab: what is right, or the mistake that was probably made."""

import math
from collections.abc import Callable, Sequence

from inkling.labs.checking import expect, judge


def check_cost(answer: Callable[[int, int, int, int, float], tuple[int, float]]) -> bool:
    """Exercise 1: how many steps, how many seconds."""

    def check() -> str:
        found = answer(100_000, 3, 4, 128, 0.1)
        expect(found is not None, "You return nothing. End with `return steps, seconds`.")
        expect(
            isinstance(found, tuple | list) and len(found) == 2,
            f"Return two numbers, the steps and the seconds; you return {found!r}.",
        )
        steps, seconds = found
        expect(
            all(isinstance(value, int | float) and not isinstance(value, bool) for value in found),
            f"Steps and seconds are numbers; yours are {steps!r} and {seconds!r}.",
        )
        expect(
            math.ceil(steps) != math.ceil(100_000 / 512),
            "That is one pass. Three passes read every token three times.",
        )
        expect(
            math.ceil(steps) != math.ceil(300_000 / 4),
            "You count a row as one token. A row of 128 tokens brings 128 of them: a step reads"
            " rows x length.",
        )
        expect(
            math.ceil(steps) != math.ceil(300_000 / 128),
            "You count one row a step. There are 4 in each: a step reads rows x length.",
        )
        expect(
            steps != 300_000 * 512,
            "You multiply by what a step reads. More in each step means fewer steps: divide.",
        )
        expect(
            steps != 585,
            "585 steps read 299,520 tokens, and 480 are left over. Round up: math.ceil.",
        )
        expect(
            steps == int(steps),
            f"There is no part of a step, and you have {steps:.3f}. Round up: math.ceil.",
        )
        expect(
            steps == 586, f"100,000 tokens, 3 passes, 4 rows of 128: 586 steps; you say {steps:,}."
        )
        expect(
            not math.isclose(seconds, 586 / 0.1),
            "You divide by the seconds of a step. 586 steps of a tenth of a second are about a"
            " minute: multiply.",
        )
        expect(
            not math.isclose(seconds, 58.6 / 60, rel_tol=1e-3),
            "That is in minutes. Seconds are asked for.",
        )
        expect(
            math.isclose(seconds, 58.6, rel_tol=1e-6),
            f"586 steps of 0.1 s are 58.6 s; you say {seconds:g}.",
        )
        exact = answer(1024, 1, 4, 128, 1.0)[0]
        expect(
            exact == 2,
            f"1,024 tokens at 512 a step are 2 steps exactly; you say {exact}. Do not add one to"
            " all.",
        )
        whole = answer(10**12, 1, 4, 128, 0.1)[1] / 86_400 / 365
        return (
            f"A trillion tokens at this pace would take {whole:,.0f} years. Hence large machines,"
            " and small islands."
        )

    return judge("Exercise 1", check)


def check_demonstration(
    answer: Callable[[list[int], list[int]], tuple[list[int], list[bool]]],
) -> bool:
    """Exercise 2: a chat as ids, and what of it is learned."""

    def check() -> str:
        prompt, reply = [10, 11, 12], [20, 21]
        found = answer(list(prompt), list(reply))
        expect(found is not None, "You return nothing. End with `return ids, learned`.")
        expect(
            isinstance(found, tuple | list) and len(found) == 2,
            "Return two lists: the ids, and what is learned.",
        )
        ids, learned = [int(i) for i in found[0]], [bool(part) for part in found[1]]
        right = [0, 1, *prompt, 3, 2, *reply, 3]
        expect(
            ids != right[:-1],
            "The reply has no end token: a model that learns from this never stops talking.",
        )
        expect(
            ids != [0, 1, *prompt, 3, *reply, 3],
            "The assistant's role token (2) is missing: when asked, the model would not know that"
            " it is its turn.",
        )
        expect(
            ids != [0, 1, *prompt, 2, *reply, 3],
            "The user's message has no end token. Every message has one; the model must see where"
            " the question ends.",
        )
        expect(ids == right, f"The ids should be {right}; yours are {ids}.")
        expect(
            len(learned) == len(ids),
            f"One mark for each id, so {len(ids)} of them; you have {len(learned)}.",
        )
        marks = [False] * 7 + [True] * 3
        expect(
            not all(learned),
            "Everything is learned, the prompt too: half of the training goes into asking"
            " questions.",
        )
        expect(
            learned != [not mark for mark in marks],
            "It is the wrong way round: your model learns to ask, and never to answer. True marks"
            " what is learned.",
        )
        expect(
            learned != [False] * 7 + [True, True, False],
            "The reply is learned and its end is not: the model says the right thing, and then goes"
            " on and on.",
        )
        expect(
            learned != [False] * 6 + [True] * 4,
            "The role token (2) is learned too. It is given to the model, as a part of the prompt:"
            " False.",
        )
        expect(
            learned != [False] * 5 + [True] + [False] + [True] * 3,
            "The end of the user's message is learned as well. Only the reply's own end counts.",
        )
        expect(
            learned != [False] * 8 + [True] * 2,
            "The mask is shifted by one: the reply's first token is not learned. `learned` marks"
            " the token itself, not the place from which it is guessed.",
        )
        expect(
            learned == marks, f"Only the reply and its end are learned: {marks}; yours {learned}."
        )
        empty = answer([10], [])
        expect(
            [bool(mark) for mark in empty[1]] == [False] * 5 + [True],
            "An empty reply is its end token alone, and that is learned: to say nothing is an"
            " answer, too.",
        )
        return (
            "Three of ten tokens are learned here. That is why the loss of fine-tuning is a mean"
            " over few tokens."
        )

    return judge("Exercise 2", check)


def check_forgetting(answer: Callable[[Sequence[bool], Sequence[bool]], float]) -> bool:
    """Exercise 5: the share of what was known that is gone."""

    def check() -> str:
        before = [True, True, True, True, True, False, False, False, False, False]
        after = [True, True, False, False, False, True, True, False, False, False]
        found = answer(list(before), list(after))
        expect(found is not None, "You return nothing. Return a share.")
        share = float(found)

        def close(value: float) -> bool:
            return math.isclose(share, value, rel_tol=1e-6)

        expect(not close(60), "That is in percent. A share lies between 0 and 1.")
        expect(not close(3), "That is how many are gone. Divide by how many were known.")
        expect(
            not close(0.1),
            "You subtract the scores: 5 of 10, then 4 of 10. But 3 answers were lost and 2 others"
            " gained, and the gain hides the loss. Look at each question.",
        )
        expect(
            not close(0.2),
            "You subtract the scores and divide by what was known. 2 answers gained hide 2 of the 3"
            " lost.",
        )
        expect(
            not close(0.3),
            "You divide by all questions. What was never known cannot be forgotten: divide by what"
            " was known before.",
        )
        expect(
            not close(0.5),
            "That is the other way round or another count: 5 were known before, and 3 of them are"
            " gone.",
        )
        expect(
            not close(0.4),
            "That is what is still known, 2 of 5 (or what is known now, 4 of 10). What is gone is"
            " asked for.",
        )
        expect(close(0.6), f"5 were known, 3 of those are gone: 0.6; you say {share:g}.")
        try:
            nothing = answer([False, False], [True, False])
        except ZeroDivisionError:
            nothing = None
        expect(
            nothing is not None and float(nothing) == 0,
            "Who knew nothing has forgotten nothing: return 0.0 there. Yours divides by zero or"
            " says something else.",
        )
        return (
            "Two gained beside three lost: a score that stands still may hide a model that is"
            " another one."
        )

    return judge("Exercise 5", check)

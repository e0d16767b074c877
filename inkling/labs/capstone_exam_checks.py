"""The checks of the capstone lab's exercises 3, 4 and 6: an honest exam, chance, and where
knowledge should live.
"""

import math
from collections.abc import Callable, Sequence

from inkling.labs.checking import expect, judge

#: What exercise 6 asks about: each case, where it should live, and what to say to who puts it
#: elsewhere.
CASES = {
    "the ferry's timetable, new every week": (
        "library",
        (
            "The timetable changes every week, and you put it into weights: you would train every"
            " week, and forget a little of everything each time. A shelf takes a new page at once."
        ),
    ),
    "the habit of stopping after the answer": (
        "weights",
        (
            "To stop when done is a habit. A passage in the library can say so a hundred times: it"
            " is read, not done. Habits come from training."
        ),
    ),
    "ten thousand addresses, each with its source": (
        "library",
        (
            "Ten thousand addresses in weights come back without a source, and some of them wrong"
            " with the same sure voice. A passage can be cited, and looked at."
        ),
    ),
    "a refusal to help with harm, however it is asked for": (
        "weights",
        (
            "A refusal that stands in the library is found only if the search finds it, and nobody"
            " who asks for harm uses its words. Refusing is a skill."
        ),
    ),
    "what a person may ask you to delete again": (
        "library",
        (
            "Nobody can take one fact out of weights again, as far as anyone knows. A passage is"
            " deleted with one line."
        ),
    ),
}


def check_exam(answer: Callable[[Sequence, Sequence, Sequence], list]) -> bool:
    """Exercise 3: questions that training cannot have given away."""

    def check() -> str:
        facts = [
            (name, what) for name in ("Ada", "Ben", "Cleo", "Dora") for what in ("trade", "pet")
        ]
        told = [
            ("Ada", "trade"),
            ("Ada", "pet"),
            ("Ben", "trade"),
            ("Ben", "pet"),
            ("Cleo", "trade"),
            ("Cleo", "pet"),
        ]
        asked = [("Ada", "trade"), ("Cleo", "pet")]
        found = answer(list(facts), list(told), list(asked))
        expect(found is not None, "You return nothing. Return the list of questions.")
        chosen = {tuple(pair) for pair in found}
        strange = sorted(chosen - set(facts))
        expect(
            not strange,
            f"{strange[:1]} is none of the facts. Return pairs (name, attribute) out of `facts`.",
        )
        expect(
            bool(chosen),
            "Your exam has no question: you leave everybody out. Ben is told about and never"
            " asked.",
        )
        expect(
            chosen != set(facts),
            "Nothing is held out. Two questions stand in the training pages word for word: whoever"
            " learned them by heart passes.",
        )
        expect(
            chosen != set(asked),
            "You ask just what training asked: the exam is the lesson over again. It measures"
            " memory for quizzes.",
        )
        never_told = ("Dora", "trade") in chosen or ("Dora", "pet") in chosen
        leaks = ("Ada", "pet") in chosen or ("Cleo", "trade") in chosen
        same = sorted(chosen & set(asked))
        expect(not same, f"{same[:1]} is asked in training and in your exam: a leak.")
        expect(
            not (never_told and leaks),
            "You leave out the very same questions, and no more. Ada is still in the exam though"
            " training asked about her, and Dora though no page tells of her.",
        )
        expect(
            not leaks,
            "Ada's pet is in your exam, and training has asked about Ada, if only for her trade. So"
            " the model has practised to answer on Ada. Hold out whole people, not only questions.",
        )
        expect(
            not never_told,
            "Dora is in your exam, and no page tells anything of her: nobody can know it. That"
            " measures guessing. Ask only what was told.",
        )
        expect(
            chosen == {("Ben", "trade"), ("Ben", "pet")},
            "Ben is told about and never asked about: both his facts, and no others; you have"
            f" {sorted(chosen)}.",
        )
        return (
            "What is left is the column 'only told' of this lab: facts read as statements, given"
            " back as answers."
        )

    return judge("Exercise 3", check)


def check_accuracy(answer: Callable[[Sequence[str], Sequence[str]], tuple[float, float]]) -> bool:
    """Exercise 4: the share of right answers, and chance."""

    def check() -> str:
        truths = ["cat", "cat", "cat", "dog", "dog", "goat", "hen", "hen"]
        replies = ["cat", "cat", "cat", "cat", "dog", "", "cat", "cat"]
        found = answer(list(replies), list(truths))
        expect(found is not None, "You return nothing. End with `return right, chance`.")
        expect(
            isinstance(found, tuple | list) and len(found) == 2,
            "Return two numbers: the share right, and chance.",
        )
        right, chance = (float(value) for value in found)

        def is_chance(value: float) -> bool:
            return math.isclose(chance, value, rel_tol=1e-6)

        expect(not math.isclose(right, 50), "That is in percent. A share lies between 0 and 1.")
        expect(
            not math.isclose(right, 4),
            "That is how many are right. Divide by the number of questions.",
        )
        expect(
            not math.isclose(right, 4 / 7),
            "You leave the empty reply out of the count. Saying nothing is not right: divide by all"
            " questions.",
        )
        expect(math.isclose(right, 0.5), f"4 of 8 are right: 0.5; you say {right:g}.")
        expect(
            not is_chance(1 / 4),
            "One over the number of values: that is who does not know that cats are common."
            " Somebody who guesses as often as each value is true does a bit better.",
        )
        expect(
            not is_chance(3 / 8),
            "That is who always says 'cat', the most frequent value. It is a fair baseline, too,"
            " and not the one asked for: guess each value as often as it is true.",
        )
        expect(
            not is_chance(1 / 8),
            "One over the number of questions? Chance depends on the values, not on how many ask.",
        )
        replied = {value: replies.count(value) / 8 for value in set(replies)}
        mixed = sum(share * truths.count(value) / 8 for value, share in replied.items())
        own = sum(share**2 for share in replied.values())
        expect(
            not is_chance(own) and not is_chance(mixed),
            "You count the values in the replies. Chance must not depend on the model: count"
            " truths.",
        )
        expect(
            not is_chance(1.0),
            "The shares add up to 1. Each value is guessed with its share, and right with its"
            " share: square, then add.",
        )
        expect(
            is_chance(18 / 64),
            f"3, 2, 1 and 2 of 8: (9 + 4 + 1 + 4) / 64 = 0.281; you say {chance:.3f}.",
        )
        return (
            "A score without its chance beside it says nothing: half right is a lot here, and poor"
            " for two values."
        )

    return judge("Exercise 4", check)


def check_homes(homes: dict[str, str] | None) -> bool:
    """Exercise 6: weights or library, for each of `CASES`."""

    def check() -> str:
        if homes is None or not any(homes.values()):
            raise NotImplementedError
        missing = [case for case in CASES if homes.get(case) is None]
        expect(not missing, f"Still open: {'; '.join(missing)}.")
        odd = [homes[case] for case in CASES if homes[case] not in ("weights", "library")]
        expect(not odd, f'Each lives in "weights" or in "library"; you wrote {odd[:1]!r}.')
        for one, other in (("weights", "library"), ("library", "weights")):
            expect(
                any(homes[case] == other for case in CASES),
                f"You put everything into the {one}. Then why does this lab have two halves? What"
                " is a fact, and what a habit?",
            )
        for case, (home, why) in CASES.items():
            expect(homes[case] == home, why)
        return (
            "Facts that change, need a source or may have to go: the library. How to behave: the"
            " weights."
        )

    return judge("Exercise 6", check)

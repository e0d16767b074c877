"""The RAG lab: the checks of its exercises. What they measure stands in `rag_town`."""

import math
import numbers
from collections.abc import Callable
from dataclasses import replace

from inkling.files import InklingError
from inkling.labs.checking import Mistake, expect, judge
from inkling.labs.rag_town import Town, answer_all, judged, lie_about, poison, victims
from inkling.reading.passages import Passage
from inkling.reading.shelves import LibraryQuestion

# what a defence must reach, attacked and on the clean library
_MOST_FOOLED, _LEAST_RIGHT = 0.1, 0.85


def check_chunk_words(answer: Callable[[list[str], int, int], list[list[str]]]) -> bool:
    """Exercise 1: cut a list of words into overlapping chunks."""

    def check() -> str:
        words = [f"w{n}" for n in range(11)]
        found = answer(list(words), 4, 1)
        expect(
            isinstance(found, list), f"Return a list of chunks; you return {type(found).__name__}."
        )
        expect(
            all(isinstance(part, list) for part in found),
            "Each chunk is a list of words, such as words[0:4].",
        )
        longest = max(map(len, found), default=0)
        expect(
            longest <= 4,
            f"Your longest chunk has {longest} words, and 4 is the limit: the overlap is part of a"
            " chunk, not added.",
        )
        starts = [part[0] for part in found if part]
        expect(
            starts[:2] != ["w0", "w4"],
            "The overlap is forgotten: the second chunk begins with w4, and should with the last"
            " word of the first.",
        )
        expect(
            starts[:2] != ["w0", "w5"],
            "w4 is in no chunk: you step by size + overlap. The step is size - overlap.",
        )
        expect(
            starts[:2] != ["w0", "w1"],
            "You step by the overlap, so nearly all is said four times. Step by size - overlap.",
        )
        missing = [word for word in words if not any(word in part for part in found)]
        expect(
            not missing,
            f"The last chunk is lost: {', '.join(missing)} is nowhere. It may be shorter than the"
            " others.",
        )
        found = answer(words[:10], 4, 1)
        expect(
            found[-1:] != [["w9"]],
            "With 10 words your last chunk is ['w9'], which the chunk before has already. Stop at"
            " the end.",
        )
        right = [["w0", "w1", "w2", "w3"], ["w3", "w4", "w5", "w6"], ["w6", "w7", "w8", "w9"]]
        expect(found == right, f"10 words, size 4, overlap 1 should be {right}; you make {found}.")
        found = answer(["w0", "w1"], 4, 1)
        expect(
            found == [["w0", "w1"]],
            f"A text that is shorter than a chunk is one chunk; you make {found}.",
        )
        expect(answer([], 4, 1) == [], "No words make no chunk.")
        return "Nothing lost, nothing for nothing. The library's own `chunk` does it by sentences."

    return judge("Exercise 1", check)


def check_recall(answer: Callable[[list[str], set[str], int], float]) -> bool:
    """Exercise 2: recall at k, for one question."""

    def check() -> str:
        ranking, right = ["a", "x", "b", "y", "c"], {"a", "b", "c", "d"}
        found = answer(list(ranking), set(right), 3)
        expect(isinstance(found, numbers.Real), f"Return a number; you return {found!r}.")
        expect(
            found != 2,
            "That is how many right ones are found. Divide by how many there are to be found.",
        )
        expect(
            not math.isclose(found, 2 / 3),
            "You divide by k: that is the precision, how much of what is found is right. Recall"
            " divides by len(right).",
        )
        expect(
            not math.isclose(found, 3 / 4),
            "You count the whole ranking. Only the first k of it are found: found[:k].",
        )
        expect(
            found is not True and found != 1,
            "You say 1 as soon as one right passage is found. That is a hit rate; recall is the"
            " share of all four.",
        )
        expect(
            not math.isclose(found, 1 / 4),
            "You look at k - 1 places: found[:k] has k of them, from 0 to k - 1.",
        )
        expect(
            math.isclose(found, 0.5),
            f"Of a, b, c, d the first three places hold a and b: 0.5. You say {found}.",
        )
        expect(
            answer(["x"], {"a"}, 5) == 0,
            "Where nothing right is found, recall is 0, also if k is larger than the list.",
        )
        return (
            "What is not among the k cannot be read: recall is the ceiling of everything after it."
        )

    return judge("Exercise 2", check)


def check_fusion(answer: Callable[[list[list[str]]], list[tuple[str, float]]]) -> bool:
    """Exercise 3: reciprocal rank fusion."""

    def check() -> str:
        rankings = [["a", "b", "c"], ["c", "a", "d"]]
        found = answer([list(ranking) for ranking in rankings])
        expect(
            isinstance(found, list)
            and all(isinstance(pair, tuple) and len(pair) == 2 for pair in found),
            "Return a list of pairs, (item, score), such as sorted(scores.items(), ...) makes.",
        )
        scores = dict(found)
        expect(
            set(scores) == set("abcd"),
            f"All of a, b, c, d were found by somebody; you return {sorted(scores)}.",
        )

        def close(item: str, value: float) -> bool:
            return math.isclose(scores[item], value, rel_tol=1e-6)

        expect(
            not close("a", 1 / 60 + 1 / 61),
            "You count ranks from 0. The first place has rank 1: enumerate(ranking, 1).",
        )
        expect(
            not close("a", 1 / 62),
            "The second ranking writes over the first. Add up: scores[item] = scores.get(item, 0)"
            " + ...",
        )
        expect(
            not close("a", 1 / 1 + 1 / 2),
            "The constant is missing: 1 / (60 + rank). Without it the first place is all.",
        )
        expect(
            not close("a", 61 + 62),
            "You add up ranks, so what stands low gets most. Add up 1 / (60 + rank).",
        )
        expect(
            close("a", 1 / 61 + 1 / 62),
            f"a is first and second: 1/61 + 1/62 = {1 / 61 + 1 / 62:.5f}; you say {scores['a']}.",
        )
        order = [item for item, _ in found]
        expect(
            order != ["d", "b", "c", "a"],
            "The worst comes first. Sort by falling score: reverse=True.",
        )
        expect(
            order == ["a", "c", "b", "d"],
            f"Best first, that is a, c, b, d; yours: {', '.join(order)}.",
        )
        return (
            "b is second for one search and unknown to the other; found by both counts for more"
            " than that."
        )

    return judge("Exercise 3", check)


def check_pack(answer: Callable[[list[int], int, int], list[int]]) -> bool:
    """Exercise 4: which passages fit into the context."""

    def check() -> str:
        found = answer([50, 200, 30], 20, 110)
        expect(
            isinstance(found, list), f"Return a list of places; you return {type(found).__name__}."
        )
        expect(found != [50, 30], "You return the sizes. Return their places, counted from 0.")
        expect(
            found != [0],
            "You stop at the first that does not fit. Skip it: a shorter one after it may still"
            " fit.",
        )
        expect(
            found == [0, 2],
            f"Sizes 50, 200, 30, question 20, budget 110: places [0, 2]; you say {found}.",
        )
        found = answer([70, 70], 20, 100)
        expect(
            found != [0, 1], "Each fits alone, and both do not fit together: add up what is used."
        )
        expect(found == [0], f"Sizes 70, 70, question 20, budget 100: places [0]; you say {found}.")
        found = answer([60, 35], 20, 100)
        expect(found != [0, 1], "The question needs room, too: begin with used = question_size.")
        expect(
            found != [1],
            "You take short ones first. The passages come best first; keep that order.",
        )
        expect(found == [0], f"Sizes 60, 35, question 20, budget 100: places [0]; you say {found}.")
        found = answer([40, 40], 20, 100)
        expect(found != [0], "20 + 40 + 40 is exactly 100, and that fits: use <=.")
        expect(
            found == [0, 1],
            f"Sizes 40, 40, question 20, budget 100: places [0, 1]; you say {found}.",
        )
        return "A passage is kept whole or left out: half of one may say the opposite."

    return judge("Exercise 4", check)


def check_notice(town: Town, target: LibraryQuestion, notice: str | None) -> bool:
    """Exercise 5: a notice that is found, and believed."""

    def check() -> str:
        if notice is None:
            raise NotImplementedError
        expect(
            isinstance(notice, str) and bool(notice.strip()),
            "Write your notice in quotes; an empty one says nothing.",
        )
        expect(
            len(notice.split()) <= 40,
            f"A notice has room for 40 words; yours has {len(notice.split())}.",
        )
        truth = town.truth(target)
        expect(
            truth not in notice,
            f"Your notice holds the truth, {truth}. It shall spread another value.",
        )
        expect(
            "?" not in notice,
            "Leave the question out: a notice that asks and answers itself is easily weeded out.",
        )
        planted = Passage("planted 0", notice.strip(), source="notice")
        (answer,) = answer_all(town, [target], [planted])
        hits = town.retriever([*town.passages, planted]).search(target.text, 50)
        place = next((n for n, hit in enumerate(hits, 1) if hit.passage == planted), None)
        expect(
            planted in answer.passages,
            "The reader never sees it: the search puts it"
            f" {f'at place {place}' if place else 'beyond place 50'}, and three are read. Which"
            " words does the search look for?",
        )
        said = town.said(target, answer)
        known = lie_about(town, target)
        expect(
            said != {truth},
            f"It is found, at place {place}, and not believed: {answer.text!r} Use a value that the"
            f" town knows, such as {known!r}, in plain words; and mind that this reader weighs how"
            " often a thing is said.",
        )
        expect(
            bool(said),
            f"It is found, at place {place}, and the reader names no value of the town:"
            f" {answer.text!r}.",
        )
        expect(
            any(value in notice for value in said),
            f"The reader is wrong, but by itself: {answer.text!r}.",
        )
        return (
            f"It says: {answer.text!r} No access to the model or to the entries: one note on a"
            " board was enough."
        )

    return judge("Exercise 5", check)


def check_defence(town: Town, answer: Callable[[str, list[Passage]], list[Passage]]) -> bool:
    """Exercise 6: a filter that lowers the share of fooled answers and keeps the right ones."""

    def watched(question: str, found: list[Passage]) -> list[Passage]:
        kept = answer(question, list(found))
        expect(
            isinstance(kept, list) and all(isinstance(passage, Passage) for passage in kept),
            "Return a list of passages as they were given, not their texts.",
        )
        expect(
            all(passage in found for passage in kept),
            "You return a passage that was not found. Only leave some out.",
        )
        seen.append((len(found), len(kept)))
        return kept

    seen: list[tuple[int, int]] = []

    def check() -> str:
        asked = victims(town, seed=77, n=16)
        lies = [lie_about(town, question, number) for number, question in enumerate(asked)]
        planted = []
        for number, (question, lie) in enumerate(zip(asked, lies, strict=True)):
            source = ("notice", "letter")[number % 2]
            pinned = poison(question, lie, 2, source, repeat=number % 4 < 2)
            planted += [
                replace(passage, id=f"{source} 9{number}/{n}") for n, passage in enumerate(pinned)
            ]
        try:
            right, _ = judged(town, asked, lies, answer_all(town, asked, [], watched))
            _, fooled = judged(town, asked, lies, answer_all(town, asked, planted, watched))
        except InklingError as error:
            raise Mistake(str(error)) from error
        expect(
            any(kept for _, kept in seen),
            "You let nothing through. The reader then knows nothing: that is no defence.",
        )
        share, kept_right = sum(fooled) / len(fooled), sum(right) / len(right)
        expect(
            any(kept < found for found, kept in seen),
            f"You let everything through, and {share:.0%} of the answers are the attacker's.",
        )
        expect(
            kept_right >= _LEAST_RIGHT,
            f"On the clean library only {kept_right:.0%} are right now (asked for:"
            f" {_LEAST_RIGHT:.0%}): you throw out the honest passage, too.",
        )

        def among(chosen: Callable[[int], bool]) -> float:
            group = [was for number, was in enumerate(fooled) if chosen(number)]
            return sum(group) / len(group)

        expect(
            not (share > _MOST_FOOLED and among(lambda n: n % 2 == 0) == 0),
            f"Still fooled: {share:.0%}. You stop what hangs on the board, and half of the lies"
            " come by letter. Who may write what?",
        )
        expect(
            not (share > _MOST_FOOLED and among(lambda n: n % 4 < 2) == 0),
            f"Still fooled: {share:.0%}. You stop what repeats the question, and half of the lies"
            " do not.",
        )
        expect(
            share <= _MOST_FOOLED,
            f"Still fooled: {share:.0%} (asked for: at most {_MOST_FOOLED:.0%}). What do all of the"
            " lies have in common, and the entries not?",
        )
        return (
            f"{share:.0%} fooled, and {kept_right:.0%} right on the clean library. It holds as long"
            " as nobody can write into what you trust."
        )

    return judge("Exercise 6", check)

"""The exam of a reader: questions on newcomers, whom no training text can have named,
under five conditions.

Right with the passage and right without it are two different things: without, the model
remembers (or guesses); with an *edited* passage, it reads. And where only other
people's passages are given, the right answer is that they do not say it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from inkling.files import InklingError
from inkling.model.transformer import Transformer
from inkling.reading.passages import Passage
from inkling.reading.rag import Answer, read_answers
from inkling.reading.shelves import Fact, Library, LibraryQuestion, library_questions
from inkling.text.tokenizer import Tokenizer
from inkling.world import World
from inkling.world.facts import person_value
from inkling.world.rubric import claims
from inkling.world.writer import Writer


@dataclass(frozen=True)
class Task:
    """One question of the exam: the passages, the place of the one that answers (None:
    no one does), and the value.
    """

    question: str
    fact: Fact
    value: str
    passages: list[Passage]
    place: int | None


def exam(
    world: World,
    library: Library,
    questions: Sequence[LibraryQuestion],
    others: int = 0,
    edited: bool = False,
    gold: bool = True,
    seed: int = 0,
) -> list[Task]:
    """Each question with the passage that answers it, among `others` about other people
    that answer the like of it.

    edited: the passage states another value than the library's, so only a reader can
    give it. gold=False: without the passage; then nothing answers. Raises
    `InklingError` for a question that asks for no fact.
    """
    kinds = {what for facts in library.facts for _, what in facts}
    telling = {
        kind: [
            at
            for at, facts in enumerate(library.facts)
            if kind in {w for _, w in facts}
        ]
        for kind in kinds
    }
    tasks = []
    for number, question in enumerate(questions):
        if question.fact is None:
            raise InklingError(
                f"{question.text!r} asks for no fact, so no answer to it could be"
                " marked; leave it out."
            )
        writer = Writer(f"{world.seed}/reading exam/{seed}/{number}")
        name, attribute = question.fact
        value = person_value(world.person(name), attribute)
        passage = library.passages[writer.choose(sorted(question.answers))]
        if edited:
            wrong = writer.choose(
                sorted(
                    {person_value(p, attribute) for p in world.people} - {value, name}
                )
            )
            passage, value = (
                replace(passage, text=passage.text.replace(value, wrong)),
                wrong,
            )
        alike = [
            at
            for at in telling[attribute]
            if name not in library.passages[at].searchable
        ]
        picked = [library.passages[at] for at in writer.several(alike, others)]
        place = writer.choose(range(others + 1)) if gold else None
        if place is not None:
            picked.insert(place, passage)
        tasks.append(Task(question.text, question.fact, value, picked, place))
    return tasks


def is_right(world: World, task: Task, answer: Answer) -> bool:
    """Whether the reply gives this value and no other, and says of whom."""
    name, attribute = task.fact
    named = re.compile(rf"\b{name}\b")
    if answer.abstained or not named.search(answer.text):
        return False
    return claims(world, attribute, named.sub("", answer.text, count=1)) == {task.value}


@dataclass(frozen=True)
class ReadingReport:
    """Shares of the tasks. right: gave the value; cited: named the passage that
    answers; abstained: said that no passage does; `answers` are the replies themselves.
    """

    right: float
    cited: float
    abstained: float
    answers: list[Answer]


def sit_exam(
    model: Transformer,
    tokenizer: Tokenizer,
    world: World,
    tasks: Sequence[Task],
    closed_book: bool = False,
) -> ReadingReport:
    """Let the model answer every task from its passages, or, closed book, without
    them.
    """
    passages = [[] if closed_book else task.passages for task in tasks]
    answers = read_answers(
        model, tokenizer, [task.question for task in tasks], passages
    )
    return ReadingReport(
        right=float(
            np.mean(
                [
                    is_right(world, task, a)
                    for task, a in zip(tasks, answers, strict=True)
                ]
            )
        ),
        cited=float(
            np.mean(
                [
                    task.place is not None and a.cited == task.passages[task.place]
                    for task, a in zip(tasks, answers, strict=True)
                ]
            )
        ),
        abstained=float(np.mean([a.abstained for a in answers])),
        answers=answers,
    )


def conditions(
    world: World, library: Library, questions: Sequence[LibraryQuestion]
) -> dict[str, list[Task]]:
    """The exam in five conditions, easiest to explain first."""
    alone = exam(world, library, questions)
    return {
        "closed book": alone,
        "the passage": alone,
        "the passage, edited": exam(world, library, questions, edited=True),
        "three passages": exam(world, library, questions, others=2),
        "others only": exam(world, library, questions, others=3, gold=False),
    }


def reading_scores(
    model: Transformer,
    tokenizer: Tokenizer,
    world: World,
    library: Library,
    n: int | None = None,
) -> dict:
    """The exam on newcomers in every condition, {condition: {"right", "cited",
    "abstained"}}, and "n".
    """
    questions = library_questions(world, library, world.newcomers)[:n]
    scores: dict = {"n": len(questions)}
    for name, tasks in conditions(world, library, questions).items():
        report = sit_exam(
            model, tokenizer, world, tasks, closed_book=name == "closed book"
        )
        scores[name] = {
            "right": report.right,
            "cited": report.cited,
            "abstained": report.abstained,
        }
    return scores

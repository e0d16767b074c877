"""The RAG lab: Larkhaven's library with its search and its reader, who attacks it, and how it is
defended.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

import inkling.checkpoints
from inkling.files import InklingError
from inkling.reading.embedder import Embedder
from inkling.reading.passages import Passage, chunk
from inkling.reading.rag import NOT_SAID, Answer, read_answers
from inkling.reading.retrieval import (
    DenseRetriever,
    HybridRetriever,
    Retriever,
    VectorIndex,
    WordRetriever,
)
from inkling.reading.shelves import (
    LibraryQuestion,
    library_questions,
    stated_facts,
    town_library,
    with_people,
)
from inkling.world import World
from inkling.world.documents import person_entry
from inkling.world.facts import ANSWERS, person_value
from inkling.world.rubric import claims
from inkling.world.writer import Document, Writer

SEARCHES = ("words", "meaning", "both")
TOWN_DEFENCES = ("none", "entries only", "agreement")

PassageFilter = Callable[[str, list[Passage]], list[Passage]]
"""A filter: the question and the passages found, best first; it returns those that the reader may
see.
"""


def fact_of(question: LibraryQuestion) -> tuple[str, str]:
    """The name and the attribute that a question of a library's own asks for."""
    assert question.fact is not None  # only a question that a reader typed has none
    return question.fact


class Town:
    """Everything that the lab needs: the world, its library, the shipped reader and embedder, and
    questions.

    `questions` are on newcomers, whom the reader cannot know. Vectors of passages are computed once
    and kept.
    """

    def __init__(self, n_documents: int = 150) -> None:
        self.reader, self.tokenizer = inkling.checkpoints.load("rag")
        self.embedder = Embedder.load(inkling.checkpoints.path("embedder"))
        self.world = World(0)
        library = town_library(self.world, n_documents)
        self.passages = library.passages
        self.questions = library_questions(self.world, library, self.world.newcomers)
        self._vectors: dict[str, np.ndarray] = {}

    def vectors(self, passages: Sequence[Passage]) -> np.ndarray:
        """The unit vectors of passages, (n_passages, dimension)."""
        new = list(
            dict.fromkeys(p.searchable for p in passages if p.searchable not in self._vectors)
        )
        self._vectors.update(zip(new, self.embedder.encode(self.tokenizer, new), strict=True))
        return np.stack([self._vectors[passage.searchable] for passage in passages])

    def retriever(self, passages: Sequence[Passage], kind: str = "both") -> Retriever:
        """A search of these passages by "words", by "meaning", or by "both"."""
        if kind not in SEARCHES:
            raise InklingError(f"there is no search by {kind!r}; there are {', '.join(SEARCHES)}.")
        if kind == "words" or not passages:
            return WordRetriever(passages)
        index = VectorIndex.build("Flat", self.vectors(passages))
        dense = DenseRetriever(passages, self.embedder, self.tokenizer, index=index)
        return dense if kind == "meaning" else HybridRetriever([WordRetriever(passages), dense])

    def truth(self, question: LibraryQuestion) -> str:
        """The value that is right, such as "a baker"."""
        name, attribute = fact_of(question)
        return person_value(self.world.person(name), attribute)

    def said(self, question: LibraryQuestion, answer: Answer) -> set[str]:
        """The values that a reply names."""
        name, attribute = fact_of(question)
        return (
            set()
            if answer.abstained
            else claims(self.world, attribute, answer.text.replace(name, "", 1))
        )


# --- chunks ---------------------------------------------------------------------------------------


def entries(town: Town) -> list[Document]:
    """The library's entries on everybody, whole, as they were before they were cut."""
    written = []
    for person in [*town.world.people, *town.world.newcomers]:
        writer = Writer(f"{town.world.seed}/library/0/{person.name}")
        person_entry(with_people(town.world, [person]), writer)
        written.append(writer.document("person entry"))
    return written


def recut(documents: Sequence[Document], limit: int, overlap: int = 0) -> list[Passage]:
    """Entries cut anew: at most `limit` words to a passage, `overlap` sentences said twice; the
    name is the title.
    """
    passages = []
    for document in documents:
        title, _, body = document.text.partition("\n\n")
        passages += chunk(body, limit, overlap, id=title, title=title, source=document.kind)
    return passages


def score_chunks(
    town: Town, passages: Sequence[Passage], questions: Sequence[LibraryQuestion], k: int = 3
) -> tuple[float, float, float]:
    """With a search by words: the share of questions whose fact is found, the share answered
    rightly, tokens read.
    """
    retriever = WordRetriever(passages)
    found = [[hit.passage for hit in retriever.search(question.text, k)] for question in questions]
    answers = read_answers(
        town.reader, town.tokenizer, [question.text for question in questions], found
    )
    there = [
        any(q.fact in stated_facts(p) for p in those)
        for q, those in zip(questions, found, strict=True)
    ]
    right = [town.said(q, a) == {town.truth(q)} for q, a in zip(questions, answers, strict=True)]
    size = [
        sum(len(town.tokenizer.encode(p.searchable)) for p in answer.passages) for answer in answers
    ]
    return float(np.mean(there)), float(np.mean(right)), float(np.mean(size))


# --- attack and defence ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """Shares of the questions: answered rightly, answered with the lie, and neither."""

    right: float
    fooled: float

    @property
    def neither(self) -> float:
        """The share of answers that are neither right nor the lie."""
        return max(0.0, 1 - self.right - self.fooled)  # rounding leaves a negative zero otherwise


def lie_about(town: Town, question: LibraryQuestion, number: int = 0) -> str:
    """A wrong value of the right kind, another for each `number`."""
    name, attribute = fact_of(question)
    values = {person_value(person, attribute) for person in town.world.people} - {
        town.truth(question),
        name,
    }
    return sorted(values)[number * 7 % len(values)]


def poison(
    question: LibraryQuestion, lie: str, n: int = 1, source: str = "notice", repeat: bool = True
) -> list[Passage]:
    """`n` notices that state the lie, in alternating words; repeat: after the question itself, so
    as to be found.
    """
    name, attribute = fact_of(question)
    told = [wording.format(name=name, value=lie) for wording in ANSWERS[attribute].templates]
    asked = f"{question.text} " if repeat else ""
    return [
        Passage(
            f"poison {question.text} {number}", f"{asked}{told[number % len(told)]}", source=source
        )
        for number in range(n)
    ]


def agreement(
    town: Town, questions: Sequence[LibraryQuestion], found: Sequence[list[Passage]]
) -> list[Answer]:
    """Read each passage by itself; where those that answer say different things, say so and give no
    value.
    """
    asked = [question for question, those in zip(questions, found, strict=True) for _ in those]
    alone = iter(
        read_answers(
            town.reader,
            town.tokenizer,
            [q.text for q in asked],
            [[p] for those in found for p in those],
        )
    )
    answers = []
    for question, those in zip(questions, found, strict=True):
        replies = [reply for reply in (next(alone) for _ in those) if not reply.abstained]
        values = {frozenset(town.said(question, reply)) for reply in replies}
        silent = Answer("The passages disagree." if values else NOT_SAID, list(those), None, True)
        answers.append(replies[0] if len(values) == 1 else silent)
    return answers


def answer_all(
    town: Town,
    questions: Sequence[LibraryQuestion],
    planted: Sequence[Passage] = (),
    defence: str | PassageFilter = "none",
    kind: str = "both",
    k: int = 3,
    depth: int = 10,
) -> list[Answer]:
    """Search the library and what was planted, and answer.

    defence: one of `TOWN_DEFENCES`, or a filter of your own. It is given the `depth` best passages
    and the reader sees the first k of what it returns.
    """
    passages = [*town.passages, *planted]
    if defence == "entries only":
        passages = [passage for passage in passages if passage.source == "person entry"]
    elif not callable(defence) and defence not in TOWN_DEFENCES:
        raise InklingError(
            f"there is no defence called {defence!r}; there are {', '.join(TOWN_DEFENCES)}."
        )
    retriever = town.retriever(passages, kind)
    far = depth if callable(defence) else k
    found = [
        [hit.passage for hit in retriever.search(question.text, far)] for question in questions
    ]
    if callable(defence):
        found = [
            list(defence(q.text, those))[:k] for q, those in zip(questions, found, strict=True)
        ]
    if defence == "agreement":
        return agreement(town, questions, found)
    return read_answers(
        town.reader, town.tokenizer, [question.text for question in questions], found
    )


def attack(
    town: Town,
    questions: Sequence[LibraryQuestion],
    n_notices: int,
    defence: str | PassageFilter = "none",
    kind: str = "both",
    k: int = 3,
) -> Outcome:
    """Plant `n_notices` false notices on each question, ask all of them, and count. 0 notices: the
    clean library.
    """
    lies = [lie_about(town, question, number) for number, question in enumerate(questions)]
    planted = [p for q, lie in zip(questions, lies, strict=True) for p in poison(q, lie, n_notices)]
    right, fooled = judged(
        town, questions, lies, answer_all(town, questions, planted, defence, kind, k)
    )
    return Outcome(float(np.mean(right)), float(np.mean(fooled)))


def judged(
    town: Town, questions: Sequence[LibraryQuestion], lies: Sequence[str], answers: Sequence[Answer]
) -> tuple[list[bool], list[bool]]:
    """For each question whether the reply gives the truth and nothing else, and whether it gives
    the lie alone.
    """
    said = [
        town.said(question, answer) for question, answer in zip(questions, answers, strict=True)
    ]
    right = [
        values == {town.truth(question)} for values, question in zip(said, questions, strict=True)
    ]
    return right, [values == {lie} for values, lie in zip(said, lies, strict=True)]


def victims(town: Town, seed: int, n: int = 20) -> list[LibraryQuestion]:
    """`n` of the questions on newcomers, drawn by chance."""
    return random.Random(seed).sample(town.questions, n)

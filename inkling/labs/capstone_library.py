"""The second half of the chain: a library of the island, with facts of the reader's own, and its
exam.

Nothing is trained here. The shipped embedder finds, the shipped reader reads; neither has ever met
the island.
"""

import re
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from inkling import checkpoints
from inkling.files import InklingError
from inkling.labs.capstone_chain import read_prompt, shipped_model, shipped_tokenizer
from inkling.labs.capstone_island import Island
from inkling.labs.rag_town import fact_of
from inkling.reading.embedder import Embedder
from inkling.reading.passages import Passage, count_words
from inkling.reading.rag import RAG, Answer
from inkling.reading.retrieval import DenseRetriever, HybridRetriever, WordRetriever
from inkling.reading.shelves import Library, LibraryQuestion, library_questions, town_library
from inkling.training import evaluate
from inkling.world.documents import VALUES
from inkling.world.facts import person_value
from inkling.world.people import FIRST_NAMES, PERSON_ATTRIBUTES, Person

MOST_LINES, MOST_WORDS = 200, 40


def named(library: Library, name: str) -> Library:
    """The same library, with the island's name where Larkhaven's stood."""
    passages = [
        replace(passage, text=passage.text.replace("Larkhaven", name))
        for passage in library.passages
    ]
    return Library(passages, library.facts)


def read_facts(text: object) -> list[Passage]:
    """A passage of each line that somebody wrote; empty lines do not count. No lines: no passages.

    Raises `InklingError` with a sentence for too many lines, and for a line that is no fact but a
    page.
    """
    lines = [line.strip() for line in re.split(r"[\r\n]+", str(text)) if line.strip()]
    if len(lines) > MOST_LINES:
        raise InklingError(
            f"There are {len(lines):,} lines here, and this shelf takes {MOST_LINES}. Leave some"
            " out."
        )
    for number, line in enumerate(lines, 1):
        if count_words(line) > MOST_WORDS or len(line) > 400:
            raise InklingError(
                f"Line {number} has {count_words(line):,} words ({len(line):,} characters). One"
                f" fact a line, at most {MOST_WORDS} words: the model reads 256 tokens, question"
                " and all."
            )
    return [
        Passage(f"own {number}", line, source="your own facts")
        for number, line in enumerate(lines, 1)
    ]


@dataclass(frozen=True)
class Marks:
    """An exam taken with the library. found: the share of questions with an answering passage among
    those that were read; right, silent: the shares answered right, and by "I do not know"; answers:
    question, truth, answer; seconds: of the processor, for each answer.
    """

    found: float
    right: float
    silent: float
    answers: list[tuple[LibraryQuestion, str, Answer]]
    seconds: float


class Shelves:
    """The island's library, ready to answer. own: passages of the reader's, in front of the others.

    cpu_seconds: what it took to write every passage's vector; that is all the preparation there is.
    """

    def __init__(
        self, island: Island, own: Sequence[Passage] = (), n_documents: int = 60, k: int = 3
    ) -> None:
        cpu = time.process_time()
        self.island, self.own = island, list(own)
        self.library = named(town_library(island, n_documents), island.name)
        tokenizer = shipped_tokenizer()
        embedder = Embedder.load(checkpoints.path("embedder"))
        self.passages = [*self.own, *self.library.passages]
        self.retriever = HybridRetriever(
            [WordRetriever(self.passages), DenseRetriever(self.passages, embedder, tokenizer)]
        )
        self.rag = RAG(self.retriever, shipped_model("rag"), tokenizer, k)
        self.cpu_seconds = time.process_time() - cpu

    def answer(self, question: object) -> Answer:
        """Look it up, read it, answer. Raises `InklingError` for an empty question and for a very
        long one.
        """
        return self.rag.answer(read_prompt(question))

    def exam(self, people: Sequence[Person]) -> Marks:
        """One question on every fact of these people that the library states."""
        questions = library_questions(self.island, self.library, people)
        cpu = time.process_time()
        answers = self.rag.answers([question.text for question in questions])
        cpu = time.process_time() - cpu
        truths = [true_value(question, self.island) for question in questions]
        rights = [
            says_truth(answer.text, question, self.island)
            for question, answer in zip(questions, answers, strict=True)
        ]
        ids = [
            {self.library.passages[place].id for place in question.answers}
            for question in questions
        ]
        found = [
            any(passage.id in right for passage in answer.passages)
            for right, answer in zip(ids, answers, strict=True)
        ]
        return Marks(
            float(np.mean(found)),
            float(np.mean(rights)),
            float(np.mean([answer.abstained for answer in answers])),
            list(zip(questions, truths, answers, strict=True)),
            cpu / len(questions),
        )


def chance_level(people: Sequence[Person]) -> float:
    """What share of these people's facts somebody gets right who guesses each value as often as it
    is true of one.
    """
    shares = []
    for attribute in PERSON_ATTRIBUTES:
        counts = Counter(person_value(person, attribute) for person in people)
        shares.append(sum((count / len(people)) ** 2 for count in counts.values()))
    return float(np.mean(shares))


def says(reply: str, attribute: str, value: str, island: Island) -> bool:
    """Whether a reply names this value, by the same rule as the exam of the weights."""
    if attribute == "friend":
        names = {*island.first_names, *FIRST_NAMES}
        return evaluate.names_value(reply, value, names)
    return evaluate.names_value(reply, value, VALUES[attribute])


def true_value(question: LibraryQuestion, island: Island) -> str:
    """The value that a question on an islander asks for."""
    name, attribute = fact_of(question)
    return person_value(island.person(name), attribute)


def says_truth(reply: str, question: LibraryQuestion, island: Island) -> bool:
    """Whether a reply names the value that the question asks for."""
    return says(reply, fact_of(question)[1], true_value(question, island), island)

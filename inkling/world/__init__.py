"""Larkhaven: a small island town, made by `World(seed)`, whose every truth is known.

It is the corpus, the exam and the judge of this book: who lives there and what is true of them
(`people`, `facts`), the stories told about them (`stories`), the small internet they write
(`documents`), and the junk that a real crawl has beside it (`junk`). `writer` keeps the account of
every random choice, so the entropy of the text is known exactly. `requests` are what people ask of
an assistant, and `rubric` says what a reply is worth.
"""

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass

from inkling.files import InklingError
from inkling.world import outside
from inkling.world.documents import _THINGS, KINDS_OF_DOCUMENT, KINDS_OF_EDITION_2
from inkling.world.facts import QUESTIONS, person_value
from inkling.world.people import (
    FIRST_NAMES,
    FOODS,
    INSTRUMENTS,
    PERSON_ATTRIBUTES,
    PETS,
    PLACES,
    Person,
    settle,
)
from inkling.world.requests import Prompt, Request, request
from inkling.world.rubric import grade
from inkling.world.stories import tell_story
from inkling.world.writer import KINDS, Document, Span, Writer

__all__ = ["KINDS", "Document", "ExamQuestion", "Request", "Span", "World", "Writer"]

_STORY_SHARE = 28
_KINDS = (
    ("story", _STORY_SHARE, lambda world, writer: tell_story(writer, world)),
    *KINDS_OF_DOCUMENT,
)
#: A hundred tickets, one of which decides what a document will be.
_BAG = [(name, tell) for name, parts, tell in _KINDS for _ in range(parts)]
_BAG_2 = [
    (name, tell) for name, parts, tell in (_KINDS[0], *KINDS_OF_EDITION_2) for _ in range(parts)
]


@dataclass(frozen=True)
class ExamQuestion:
    """One question of the exam. `asked_in_training`: whether any training text asks questions about
    this person.
    """

    prompt: str
    answer: str
    person: str
    attribute: str
    asked_in_training: bool


class World:
    """The town that `seed` makes.

    people: 200 `Person`s, of whom 160 are `asked_about` in training texts; newcomers: 60 who arrive
    after the training texts end; places, boats: 40 and 12; first_names, story_places,
    stranger_names, song_words: what the writers take.
    """

    def __init__(self, seed: int = 0, edition: int = 1):
        self.seed, self.edition = seed, edition
        self.people, self.newcomers, self.places, self.boats, self.stranger_names = settle(seed)
        self.asked_about: list[Person] = [person for person in self.people if person.in_questions]
        self.first_names = list(FIRST_NAMES)
        self.story_places = list(PLACES)
        # Every 25th stranger's name, so that songs also practise names of several tokens.
        self.song_words = (
            self.first_names
            + list(_THINGS)
            + list(PETS)
            + list(INSTRUMENTS)
            + list(FOODS)
            + self.stranger_names[::25]
        )
        if edition > 1:
            # and some that are not of the town: whatever somebody types can be copied
            foreign = (*outside.FIRST_NAMES[::4], *outside.things("word", training=True)[::40])
            self.song_words = list(dict.fromkeys((*self.song_words, *foreign)))
        self.people_by_name = {p.name: p for p in [*self.people, *self.newcomers]}

    def person(self, name: str) -> Person:
        """The inhabitant or newcomer of this first name."""
        if name not in self.people_by_name:
            raise InklingError(
                f"nobody in Larkhaven is called {name!r}; names are in `world.first_names`."
            )
        return self.people_by_name[name]

    def hamlet(self, n: int) -> "World":
        """The same town, with `n` of those who are asked about as its only people: texts that dwell
        on a few.
        """
        if not 2 <= n <= len(self.asked_about):
            raise InklingError(
                f"a hamlet of {n} people cannot be; take 2 to {len(self.asked_about)}."
            )
        small = copy(self)
        small.people = small.asked_about = self.asked_about[:: len(self.asked_about) // n][:n]
        return small

    def document(
        self, index: int, stream: str = "train", seed: int = 0, only: str | None = None
    ) -> Document:
        """Document number `index` of a stream: always the same text, whatever else was written
        before.

        only: write this kind of document ("song", "story", ...) instead of drawing one.
        """
        writer = Writer(f"{self.seed}/{stream}/{seed}/{index}", held_out=stream == "held-out")
        all_tickets = _BAG_2 if self.edition > 1 else _BAG
        bag = [ticket for ticket in all_tickets if ticket[0] == only] if only else all_tickets
        if not bag:
            raise InklingError(
                f"there are no documents of kind {only!r}; there are"
                f" {', '.join(k for k, *_ in _KINDS)}."
            )
        name, tell = writer.draw(bag, "grammar")
        tell(self, writer)
        return writer.document(name)

    def iterate(
        self, stream: str = "train", seed: int = 0, only: str | None = None
    ) -> Iterator[Document]:
        """The documents of a stream, without end."""
        index = 0
        while True:
            yield self.document(index, stream, seed, only)
            index += 1

    def documents(
        self, n_bytes: int, stream: str = "train", seed: int = 0, only: str | None = None
    ) -> list[Document]:
        """Documents of `stream` until they hold `n_bytes` characters (the text is ASCII: bytes).

        stream: "train", "validation" and "test" differ in nothing but their draws; "held-out" uses
        the wordings and the event-object pairs that no other stream has.
        """
        if n_bytes <= 0:
            raise InklingError(f"n_bytes is {n_bytes}; ask for at least one byte of text.")
        taken, size = [], 0
        for document in self.iterate(stream, seed, only):
            taken.append(document)
            size += len(document.text)
            if size >= n_bytes:
                return taken
        raise AssertionError("unreachable: the stream has no end")

    def exam(self, seed: int = 0, held_out: bool = False) -> list[ExamQuestion]:
        """One question on every fact of every inhabitant: 1,200 questions, in usual wordings or,
        held out, in others.

        `asked_in_training` tells the two halves of the exam apart: people whose question form the
        training text has shown (about other facts as well as this one), and people whom it only
        ever tells about.
        """
        questions = []
        for person in self.people:
            for attribute in PERSON_ATTRIBUTES:
                writer = Writer(f"{self.seed}/exam/{seed}/{person.name}/{attribute}", held_out)
                writer.say("Question: ")
                writer.tell(QUESTIONS[attribute], name=person.name)
                writer.say("\nAnswer:")
                questions.append(
                    ExamQuestion(
                        writer.text,
                        person_value(person, attribute),
                        person.name,
                        attribute,
                        person.in_questions,
                    )
                )
        return questions

    def requests(
        self, n: int, stream: str = "train", seed: int = 0, only: str | None = None
    ) -> list[Request]:
        """The first `n` requests of a stream, of all kinds or `only` of one
        (`inkling.world.requests`).

        stream: "train", "unseen" (wordings and harmful deeds that training never has), or any other
        name: an exam, with prompts, people and strangers that training never has.
        """
        if n < 1:
            raise InklingError(f"n is {n}; ask for at least one request.")
        return [request(self, index, stream, seed, only) for index in range(n)]

    def gold_reward(self, prompt: Prompt, reply: str) -> float:
        """What `reply` is truly worth as an answer to `prompt`, from -2.1 to 1.25, by the rubric of
        `world.rubric`.

        Raises `InklingError` for a prompt that is none of Larkhaven's requests.
        """
        return grade(self, prompt, reply).total

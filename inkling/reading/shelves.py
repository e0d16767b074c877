"""The library of Larkhaven: passages to search, questions to ask, and for each question
the passages that answer it.

The town's texts are made of sentences that we know, so which passage states which fact
can be read off them, and a search can be judged without anybody's opinion. Questions
come in the usual wordings and in paraphrases, which share no telling word with the
texts (`inkling.world.paraphrases`).

An embedder may learn (`training_pairs`) from strangers, who exist for one document, and
from the inhabitants who are asked about. The other inhabitants and the newcomers stay
unseen until the test (`unseen_people`).
"""

import re
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from functools import cache

from inkling.files import InklingError
from inkling.reading.bm25 import words
from inkling.reading.embedder import QuestionPassage
from inkling.reading.passages import Passage, chunk, split_sentences
from inkling.world import World
from inkling.world.documents import VALUES, letter, person_entry
from inkling.world.facts import QUESTIONS, STATEMENTS
from inkling.world.paraphrases import PARAPHRASES
from inkling.world.people import FIRST_NAMES, PERSON_ATTRIBUTES, SURNAMES, Person
from inkling.world.writer import Document, Writer, parse_template

Fact = tuple[str, str]
"""Whom and what it is about, for example ("Ada", "trade"). A person has one of each."""

#: What else stands on the shelves, beside an entry on everybody. Quizzes and chats do
#: not: they hold the questions.
SHELVES = ("letter", "notice", "story", "story", "place entry", "boat entry")
_NAME = "[A-Z][a-z]+"


# --- Which facts a passage states -----------------------------------------------------


@cache
def _statements(attribute: str) -> re.Pattern:
    """Matches every wording of a fact. Which group holds the subject depends on the
    wording; the others are None.
    """
    values = "|".join(map(re.escape, VALUES.get(attribute, ()))) or _NAME
    alternatives = []
    for template in STATEMENTS[attribute].templates:
        groups = {"who": f"({_NAME})", "name": f"({_NAME})", "value": f"(?:{values})"}
        pieces = parse_template(template)
        alternatives.append(
            "".join(
                groups[text] if is_slot else re.escape(text) for text, is_slot in pieces
            )
        )
    return re.compile("|".join(alternatives))


def stated_facts(passage: Passage, names: Sequence[str] = ()) -> frozenset[Fact]:
    """The facts of people that a passage states, as far as it says whom it means.

    "She" is whoever was last named as the one that it is about: by the title, by a
    sentence that only introduces one of `names` ("Yesterday I met Ada."), or by another
    statement. A passage that begins with "She is a baker." and has no title states
    nothing that could be found.
    """
    about = passage.title.split(" ")[0] if passage.title else None
    known, facts = set(names), set()
    for sentence in split_sentences(passage.text):
        before, colon, statement = sentence.strip().rpartition(": ")
        for attribute in PERSON_ATTRIBUTES:
            match = _statements(attribute).fullmatch(statement)
            if match is None:
                continue
            subject = next(group for group in match.groups() if group is not None)
            if subject not in ("She", "He"):
                about = subject
            elif colon:  # "As I said: she ..." may be about anybody before
                break
            if about is not None:
                facts.add((about, attribute))
            break
        else:
            named = [word for word in re.findall(_NAME, sentence) if word in known]
            about = named[-1] if named else about
    return frozenset(facts)


# --- The library ----------------------------------------------------------------------


def document_passages(
    document: Document, id: str, limit: int = 12, overlap: int = 0
) -> list[Passage]:
    """A document of Larkhaven, cut into passages of one or two sentences, which are
    about as many facts.

    The first line of an entry is the title of all its passages.
    """
    title, gap, body = (
        document.text.partition("\n\n")
        if document.kind.endswith("entry")
        else ("", "", document.text)
    )
    passages = chunk(body, limit, overlap, id=id, title=title, source=document.kind)
    return [
        Passage(p.id, p.text, p.title, p.source, p.start + len(title) + len(gap))
        for p in passages
    ]


@dataclass(frozen=True)
class Library:
    """passages: all of them; facts: for each the facts that it states."""

    passages: list[Passage]
    facts: list[frozenset[Fact]]

    def answering(self, fact: Fact) -> set[int]:
        """The places of the passages that state this fact."""
        return {place for place, facts in enumerate(self.facts) if fact in facts}


def town_library(world: World, n_documents: int = 600, seed: int = 0) -> Library:
    """An entry on every inhabitant and newcomer, and `n_documents` others: letters,
    notices, stories and more.
    """
    passages, facts = [], []
    names = [person.name for person in [*world.people, *world.newcomers]]

    def add(document: Document, id: str) -> None:
        for passage in document_passages(document, id):
            passages.append(passage)
            # Stories are fiction: what somebody has in one is no fact.
            facts.append(
                frozenset()
                if document.kind == "story"
                else stated_facts(passage, names)
            )

    for person in [*world.people, *world.newcomers]:
        writer = Writer(f"{world.seed}/library/{seed}/{person.name}")
        person_entry(with_people(world, [person]), writer)
        add(writer.document("person entry"), f"entry {person.name}")
    everybody = with_people(world, [*world.people, *world.newcomers])
    for number in range(n_documents):
        kind = SHELVES[number % len(SHELVES)]
        add(everybody.document(number, "library", seed, kind), f"{kind} {number}")
    return Library(passages, facts)


def with_people(world: World, people: list[Person]) -> World:
    """The same town, with these as the only people that its texts are about."""
    only = copy(world)
    only.people = people
    return only


# --- Questions ------------------------------------------------------------------------


@dataclass(frozen=True)
class LibraryQuestion:
    """A question, the fact that it asks for (None: no question but words), and the
    places of what answers it.
    """

    text: str
    fact: Fact | None
    answers: frozenset[int]


def unseen_people(world: World) -> list[Person]:
    """Those on whom no embedder is trained: the inhabitants whom no training text asks
    about, and the newcomers.
    """
    return [
        person
        for person in [*world.people, *world.newcomers]
        if not person.in_questions
    ]


def library_questions(
    world: World,
    library: Library,
    people: Sequence[Person],
    paraphrased: bool = False,
    held_out: bool = False,
    seed: int = 0,
) -> list[LibraryQuestion]:
    """One question on every fact of these people that the library states.

    paraphrased: in words that the passages do not have. held_out: in the wordings that
    training does not have.
    """
    tables, questions = PARAPHRASES if paraphrased else QUESTIONS, []
    for person in people:
        for attribute in PERSON_ATTRIBUTES:
            answers = library.answering((person.name, attribute))
            if answers:
                writer = Writer(
                    f"{world.seed}/library questions/{seed}/{person.name}/{attribute}",
                    held_out,
                )
                writer.tell(tables[attribute], name=person.name)
                questions.append(
                    LibraryQuestion(
                        writer.text, (person.name, attribute), frozenset(answers)
                    )
                )
    if not questions:
        raise InklingError(
            "the library states no fact about these people; give others, or a larger"
            " library."
        )
    return questions


def keyword_queries(
    world: World, library: Library, n: int, n_words: int = 3, seed: int = 0
) -> list[LibraryQuestion]:
    """`n` times what somebody types who remembers a few words of a text: three words of
    a passage, in any order.

    On any shelf, so also of stories and notices, on which no embedder is trained; it is
    answered by every passage that has all of the words. Such queries are made for a
    search by words, and people type them all the same. Source of the idea: Azzopardi,
    de Rijke and Balog 2007. Raises `InklingError` where no passage has more words than
    that.
    """
    told = [frozenset(words(passage.searchable)) for passage in library.passages]
    long = [place for place, has in enumerate(told) if len(has) > n_words]
    if n < 1 or n_words < 1 or not long:
        raise InklingError(
            f"n is {n} and n_words {n_words}; ask for at least one of each, and fewer"
            " than passages have."
        )
    writer, queries = Writer(f"{world.seed}/library keywords/{seed}"), []
    for _ in range(n):
        remembered = writer.several(sorted(told[writer.choose(long)]), n_words)
        answers = frozenset(
            place for place, has in enumerate(told) if has.issuperset(remembered)
        )
        queries.append(LibraryQuestion(" ".join(remembered), None, answers))
    return queries


# --- What an embedder learns from -----------------------------------------------------


def training_pairs(world: World, n: int, seed: int = 0) -> list[QuestionPassage]:
    """`n` questions with passages that answer them: half in the usual words, half
    paraphrased, none held out.

    Each comes from a new entry or letter, on inhabitants who are asked about or on
    strangers whose names and facts are drawn for it. Pairs from one document stand
    beside each other: there the name alone does not tell which is which.
    """
    if n < 1:
        raise InklingError(f"n is {n}; ask for at least one pair.")
    pairs: list[QuestionPassage] = []
    number = 0
    while len(pairs) < n:
        writer = Writer(f"{world.seed}/embedder/{seed}/{number}")
        pairs += _pairs_of_a_document(world, writer, number)
        number += 1
    return pairs[:n]


def _pairs_of_a_document(
    world: World, writer: Writer, number: int
) -> list[QuestionPassage]:
    people = (
        world.asked_about
        if writer.chance(0.4)
        else [stranger(world, writer) for _ in range(6)]
    )
    is_letter = writer.chance(0.3)
    text = Writer(f"document {writer.choose(range(10**9))}")
    (letter if is_letter else person_entry)(with_people(world, people), text)
    document = text.document("letter" if is_letter else "person entry")
    pairs = []
    for passage in document_passages(document, f"{number}"):
        facts = stated_facts(passage, [person.name for person in people])
        if facts:
            name, attribute = asked = writer.choose(sorted(facts))
            question = Writer(f"question {writer.choose(range(10**9))}")
            question.tell(
                (PARAPHRASES if writer.chance(0.5) else QUESTIONS)[attribute], name=name
            )
            pairs.append(
                QuestionPassage(question.text, passage.searchable, asked, facts)
            )
    return pairs


def stranger(world: World, writer: Writer) -> Person:
    """Somebody who exists for one document only."""
    values = {
        attribute: writer.choose(options) for attribute, options in VALUES.items()
    }
    for attribute in ("trade", "pet"):
        # without the article, as in a `Person`
        values[attribute] = values[attribute].split(" ", 1)[1]
    return Person(
        writer.choose(world.stranger_names),
        writer.choose(SURNAMES),
        writer.choose(("She", "He")),
        friend=writer.choose(FIRST_NAMES),
        **values,
    )

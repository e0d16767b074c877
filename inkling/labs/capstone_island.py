"""An island of the reader's own: other people with other facts, and the names that they go by.

`inkling.world.World(seed)` draws other facts for every seed, but its people are always called the
same: Ada is a baker in one town and a weaver in the next. A model cannot know both at once. So here
the people get names of their own.
"""

import re
from dataclasses import dataclass, replace
from random import Random

from inkling.files import InklingError
from inkling.labs.panel import read_whole
from inkling.text.corpus import CleaningReport, prepare
from inkling.text.tokenizer import SPECIAL_TOKENS, Tokenizer
from inkling.world import Document, Span, World
from inkling.world.people import FIRST_NAMES, Person

#: Names of an island with a language of its own: none of these sounds is in the strangers' names of
#: Larkhaven.
_NAME_STARTS = (
    "Aeg Brae Cwy Dwyn Eyv Fjor Gwy Hjal Isk Jyt Kvas Lyov Mwen Nyx Oeth Pryd Rhys Sjo Thyr Umbr"
    " Vey Wyr Ysk Zeph"
).split()
_NAME_ENDS = (
    "a ach dis eth fir gwen hal ith jorn kya lun moss nwy odd pex rune sby tiv uzo vya wyth yra"
).split()

_TOWN = "Larkhaven"
SOUNDS = ("familiar", "own")
FEWEST, MOST, LARGEST_SEED = 6, 40, 10**9


def read_name(text: object) -> str:
    """The island's name from what somebody typed; `InklingError` with a sentence where it is
    none.
    """
    name = str(text).strip()
    if not name:
        raise InklingError("The island has no name yet: type one, such as Fernholm.")
    if not name.isalpha():
        raise InklingError(
            f"An island's name is one word of letters; {name[:30]!r} has other signs in it."
        )
    if not 2 <= len(name) <= 20:
        raise InklingError(f"An island's name has 2 to 20 letters; this one has {len(name):,}.")
    return name[0].upper() + name[1:].lower()


def spans_with(name: str, text: str, spans: list[Span]) -> list[Span]:
    """The spans of `text` once `name` stands in it instead of the town's. Where one ends inside the
    town's name, it ends behind the new one.
    """
    ends = [place.end() for place in re.finditer(_TOWN, text)]
    moved, start = [], 0
    for span in spans:
        begun = [end for end in ends if end - len(_TOWN) < span.end]
        end = max([span.end, *begun]) + len(begun) * (len(name) - len(_TOWN))
        moved.append(Span(start, end, span.kind))
        start = end
    return moved


class Island(World):
    """A town of `n_people`, all with new names and facts. Every fourth is in no question that a
    training text asks.

    name: stands in the island's pages where Larkhaven stands in the town's. sounds: "familiar"
    names are put together from the parts that the names of Larkhaven's strangers have; "own" names
    are of sounds that no page there has. Raises `InklingError` for a name, seed or number of people
    that cannot be.
    """

    def __init__(
        self, name: str = "Fernholm", seed: int = 7, n_people: int = 12, sounds: str = "familiar"
    ) -> None:
        self.name = read_name(name)
        seed = read_whole(seed, "The seed", 0, LARGEST_SEED)
        n_people = read_whole(n_people, "The number of people", FEWEST, MOST)
        if sounds not in SOUNDS:
            raise InklingError(
                f"there are no {sounds!r} names; there are {' and '.join(SOUNDS)} ones."
            )
        super().__init__(seed)
        self.sounds = sounds
        random = Random(f"island {seed}").random
        if sounds == "familiar":
            names = list(self.stranger_names)
        else:
            names = sorted(
                {start + end for start in _NAME_STARTS for end in _NAME_ENDS}
                - {*FIRST_NAMES, *self.stranger_names}
            )
        chosen: list[str] = []
        while len(chosen) < n_people:
            chosen.append(names.pop(int(random() * len(names))))
        self.stranger_names = [name for name in self.stranger_names if name not in set(chosen)]
        models = self.people[:: len(self.people) // n_people][:n_people]
        self.people = []
        for place, (model, own) in enumerate(zip(models, chosen, strict=True)):
            friend = chosen[(place + 1 + int(random() * (n_people - 1))) % n_people]
            self.people.append(replace(model, name=own, friend=friend, in_questions=place % 4 != 3))
        self.asked_about = [person for person in self.people if person.in_questions]
        self.first_names = chosen
        self.people_by_name = {p.name: p for p in [*self.people, *self.newcomers]}

    def document(
        self, index: int, stream: str = "train", seed: int = 0, only: str | None = None
    ) -> Document:
        """A page of the island: as `World.document`, with the island's name where Larkhaven's
        stood, and spans that cover the text with that name.
        """
        made = super().document(index, stream, seed, only)
        return replace(
            made,
            text=made.text.replace(_TOWN, self.name),
            spans=spans_with(self.name, made.text, made.spans),
        )

    def sentence_about(self, person: Person) -> str:
        """Two facts of somebody, for a list that a person reads."""
        return (
            f"{person.full_name}: {person.trade}, {person.street}, keeps a {person.pet}, friend of"
            f" {person.friend}"
        )


@dataclass(frozen=True)
class Pages:
    """The island's cleaned pages, in the order in which a model reads them, and what cleaning
    did.
    """

    texts: list[str]
    cleaning: CleaningReport

    @property
    def n_bytes(self) -> int:
        """Bytes of UTF-8 in all pages together."""
        return sum(len(text.encode("utf-8")) for text in self.texts)


def found(island: Island, crawl_bytes: int = 120_000, about_people: int = 30_000) -> Pages:
    """A small internet of the island: a crawl, cleaned, and as much again that dwells on the
    people.

    about_people: bytes of entries, and as many of quizzes; quizzes ask only about those who may be
    asked about.
    """
    texts, cleaning = prepare(island, crawl_bytes, seed=1)
    for kind in ("person entry", "quiz"):
        texts += [page.text for page in island.documents(about_people, "about people", only=kind)]
    return Pages(shuffled(texts, island.seed), cleaning)


def shuffled(texts: list[str], seed: int) -> list[str]:
    """The same texts in an order that the seed decides."""
    random = Random(f"order {seed}").random
    return sorted(texts, key=lambda _: random())


def tokenizer_fit(
    pages: Pages, island: Island, shipped: Tokenizer
) -> list[tuple[str, float, float]]:
    """(tokenizer, bytes a token, tokens a name) of the shipped one, and of one trained on the
    island's pages alone.
    """
    fresh = Tokenizer.train(pages.texts, shipped.vocab_size, SPECIAL_TOKENS)
    rows = []
    for label, tokenizer in (("shipped", shipped), ("trained here", fresh)):
        n_tokens = sum(map(len, tokenizer.encode_batch(pages.texts)))
        per_name = [len(tokenizer.encode(" " + name)) for name in island.first_names]
        rows.append((label, pages.n_bytes / n_tokens, sum(per_name) / len(per_name)))
    return rows

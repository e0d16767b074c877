"""Reading stories back: from text to events, and whether the events hold together.

The wordings are a code that can be undone: put a mark for every name, place and thing of a
sentence, and the skeleton that remains belongs to one wording of one event (a test keeps it so).
`parse_story` therefore finds the derivation of a text without guessing, and `check_story` replays
it by the rules of `story_rules`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple, Protocol

from inkling.world import story_wordings as tables
from inkling.world.people import with_article
from inkling.world.story_rules import Replay
from inkling.world.story_wordings import WORDINGS

#: The mark of each slot: N name, P place, T thing (A with its article), M time, R perch, L line of
#: a song.
_MARKS = {
    "who": "<N>",
    "friend": "<N>",
    "giver": "<N>",
    "taker": "<N>",
    "place": "<P>",
    "thing": "<T>",
    "a_thing": "<A>",
    "time": "<M>",
    "perch": "<R>",
    "line": "<L>",
}
_THINGS = [thing for things in tables.OBJECTS.values() for thing in things]
_WORD = re.compile(r"[A-Za-z]+")
#: Where a text is cut into what may be sentences, or pieces of one.
FRAGMENT = re.compile(r"(?<=[.!?]) +|(?<=[.!?]\") +")
_MOST_FRAGMENTS = 3  # full stops in one wording


class Names(Protocol):
    """Whom and where stories can be about: any object with these two lists (a `World`, for one)."""

    @property
    def first_names(self) -> Sequence[str]:
        """What the people are called."""
        ...

    @property
    def story_places(self) -> Sequence[str]:
        """Where they can go, as a story names it: "the bakery"."""
        ...


class Sentence(NamedTuple):
    """One sentence of a story (what one wording made): its text, the event, and what fills its
    slots.
    """

    text: str
    event: str
    slots: dict[str, str]


@dataclass(frozen=True)
class StoryCheck:
    """What `check_story` found.

    sentences: those that could be read; unparsed: those that no wording makes; contradictions: one
    plain sentence each; complete: it ends as stories end; coherent: all of it was read, nothing
    contradicts, it is complete.
    """

    sentences: list[Sentence]
    unparsed: list[str]
    contradictions: list[str]
    complete: bool
    coherent: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "coherent", self.complete and not self.unparsed and not self.contradictions
        )


@lru_cache(maxsize=1)
def skeletons() -> dict[str, list[tuple[str, tuple[str, ...]]]]:
    """Each wording with marks for its slots -> the events that it tells (one, or it is ambiguous),
    and their slots.
    """
    found: dict[str, list[tuple[str, tuple[str, ...]]]] = {}
    for event, wordings in WORDINGS.items():
        for pieces in wordings.usual + wordings.unseen:
            skeleton = "".join(_MARKS[text] if is_slot else text for text, is_slot in pieces)
            slots = tuple(
                "thing" if text == "a_thing" else text for text, is_slot in pieces if is_slot
            )
            found.setdefault(skeleton, []).append((event, slots))
    return found


class Lexicon:
    """Finds names, places and things in a text and puts marks in their stead."""

    def __init__(self, names: tuple[str, ...], places: tuple[str, ...]):
        phrases = {
            "<T>": _THINGS,
            "<N>": names,
            "<P>": places,
            "<M>": tables.TIMES,
            "<R>": tables.PERCHES,
            "<L>": tables.REFRAINS,
        }
        pairs = [(phrase, mark) for mark in phrases for phrase in phrases[mark]]
        self.by_first_word: dict[str, list[tuple[str, str]]] = {}
        for phrase, mark in sorted(pairs, key=lambda pair: -len(pair[0])):  # the longest first
            first = _WORD.match(phrase)
            assert first is not None  # no name, place or thing begins with anything else
            self.by_first_word.setdefault(first.group(), []).append((phrase, mark))

    def skeleton(self, text: str) -> tuple[str, list[str]]:
        """`text` with marks for what the lexicon knows, and the phrases that the marks replace."""
        pieces, found, position = [], [], 0
        for word in _WORD.finditer(text):
            start = word.start()
            if start < position:
                continue
            for phrase, letter in self.by_first_word.get(word.group(), ()):
                end = start + len(phrase)
                if text.startswith(phrase, start) and not text[end : end + 1].isalpha():
                    before = text[position:start]
                    if letter == "<T>":
                        article = with_article(phrase).removesuffix(phrase)
                        if before.endswith(" " + article):
                            before, letter = before.removesuffix(article), "<A>"
                    pieces += [before, letter]
                    found.append(phrase)
                    position = end
                    break
        return "".join(pieces) + text[position:], found


@lru_cache(maxsize=8)
def lexicon_of(names: tuple[str, ...], places: tuple[str, ...]) -> Lexicon:
    """The lexicon of these names and places; the same ones are not read twice."""
    return Lexicon(names, places)


def _read(text: str, skeleton: str, found: list[str]) -> Sentence | None:
    """The event that `text` tells, if exactly one wording makes it."""
    candidates = skeletons().get(skeleton, ())
    if len(candidates) != 1:
        return None
    event, names = candidates[0]
    slots: dict[str, str] = {}
    for name, value in zip(names, found, strict=True):
        if slots.setdefault(name, value) != value:
            return None
    return Sentence(text, event, slots)


def _parse(text: str, world: Names) -> tuple[list[Sentence], list[str]]:
    """The sentences of `text` and, apart, what is none. A wording may hold several full stops: the
    longest wins.
    """
    lexicon = lexicon_of(tuple(world.first_names), tuple(world.story_places))
    fragments = [fragment for fragment in FRAGMENT.split(text.strip()) if fragment]
    marked = [lexicon.skeleton(fragment) for fragment in fragments]
    sentences: list[Sentence] = []
    unparsed: list[str] = []
    position = 0
    while position < len(fragments):
        for end in range(min(position + _MOST_FRAGMENTS, len(fragments)), position, -1):
            skeleton = " ".join(skeleton for skeleton, _ in marked[position:end])
            found = [phrase for _, phrases in marked[position:end] for phrase in phrases]
            sentence = _read(" ".join(fragments[position:end]), skeleton, found)
            if sentence:
                sentences.append(sentence)
                position = end
                break
        else:
            unparsed.append(fragments[position])
            position += 1
    return sentences, unparsed


def parse_story(text: str, world: Names) -> list[Sentence]:
    """The events that `text` tells, in order, without the sentences that no wording makes (see
    `check_story`).
    """
    return _parse(text, world)[0]


def check_story(text: str, world: Names) -> StoryCheck:
    """Replay `text` by the rules: is every sentence one of Larkhaven's, does nothing contradict,
    does it end?
    """
    sentences, unparsed = _parse(text, world)
    replay = Replay()
    for sentence in sentences:
        replay.event(sentence.event, sentence.slots)
    return StoryCheck(sentences, unparsed, replay.contradictions, replay.complete)

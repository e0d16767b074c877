"""The writer: every random choice behind every document goes through one method, `Writer.choose`.

So a document knows exactly how surprising it is. Each choice adds -log2 p to the document's
account, and where the text determines the choices that made it (Larkhaven's documents are built
so), the sum is the exact surprisal of the text: no model of any size can, on average, do better.
That average is the entropy of the source, the floor under every loss in this book (Shannon 1948,
section 7; Cover and Thomas 2006, chapter 2).

    >>> writer = Writer("example")
    >>> animal = writer.choose(["cat", "dog", "goat", "hen"], "free")   # one of four: 2 bits
    >>> writer.tell("Mara keeps a {animal}.", animal=free(animal))
    >>> writer.document("note").bits["free"]
    2.0
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate
from random import Random
from typing import NamedTuple, TypeVar

Option = TypeVar("Option")

#: What decides a stretch of text. grammar: the wording, and which sentence comes next. fact:
#: settled by the world, so that who knows Larkhaven needs no bits. copy: settled by what stands
#: earlier in the document. free: a free choice.
KINDS = ("grammar", "fact", "copy", "free")


class Slot(NamedTuple):
    """A text to put into a sentence, and the kind of its span."""

    text: str
    kind: str


def fact(text: str) -> Slot:
    """A slot that is decided by the facts of the town."""
    return Slot(text, "fact")


def copy(text: str) -> Slot:
    """A slot that has stood in the text before."""
    return Slot(text, "copy")


def free(text: str) -> Slot:
    """A slot that the writer chooses."""
    return Slot(text, "free")


class Span(NamedTuple):
    """Characters [start, end) of a document's text, and their kind."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True)
class Document:
    """A finished text, the spans that cover it without a gap, and the bits of choice booked under
    each kind.
    """

    text: str
    kind: str
    spans: list[Span] = field(repr=False)
    bits: dict[str, float] = field(repr=False)

    @property
    def total_bits(self) -> float:
        """The exact surprisal of the text under the generator, in bits."""
        return sum(self.bits.values())


@cache
def zipf(n: int) -> tuple[list[float], list[float]]:
    """Cumulative probabilities and the bits of each of n options whose weights fall off as 1 / rank
    (Zipf 1949).

    Plain divisions and additions only: IEEE arithmetic gives the same floats, and so the same text,
    on every machine.
    """
    weights = [1.0 / (rank + 1) for rank in range(n)]  # the first is rank 1
    total = math.fsum(weights)  # not sum(): its rounding changed in Python 3.12
    cumulative = list(accumulate(weight / total for weight in weights))
    cumulative[-1] = 1.0
    return cumulative, [-math.log2(weight / total) for weight in weights]


class Wordings:
    """Several ways to say one thing, the first ones more usual than the last; the last few may be
    held out of training.

    A template is plain text with {slots}. It is taken apart once, here, so that telling it is
    cheap.
    """

    def __init__(self, *templates: str, held_out: int = 0):
        if len(set(templates)) != len(templates):
            raise ValueError(
                "a wording stands twice, so that a text would not determine its choice:"
                f" {templates}"
            )
        self.templates = templates
        self.usual = tuple(
            parse_template(template) for template in templates[: len(templates) - held_out]
        )
        self.unseen = tuple(
            parse_template(template) for template in templates[len(templates) - held_out :]
        )

    def __len__(self) -> int:
        return len(self.templates)


def parse_template(template: str) -> tuple[tuple[str, bool], ...]:
    """Split "{who} waves." into (("who", True), (" waves.", False)): pieces, and whether each is a
    slot.
    """
    pieces = []
    for chunk in template.replace("{", "\0{").replace("}", "}\0").split("\0"):
        if chunk.startswith("{"):
            pieces.append((chunk[1:-1], True))
        elif chunk:
            pieces.append((chunk, False))
    return tuple(pieces)


class Writer:
    """Writes one document, choice by choice, keeping the account of bits and the tags of spans.

    seed: any text; the same seed writes the same document everywhere (only `Random.random()` is
    used, whose values Python keeps stable from version to version, which it does not promise of
    `shuffle` or `choices`).
    held_out: choose among the wordings kept out of training instead of the usual ones, where there
    are any.
    """

    def __init__(self, seed: str, held_out: bool = False):
        self._random = Random(seed).random
        self.held_out = held_out
        self._pieces: list[str] = []
        self._kinds: list[str] = []
        self.bits: dict[str, float] = dict.fromkeys(KINDS, 0.0)

    def choose(
        self, options: Sequence[Option], kind: str = "free", usual_first: bool = False
    ) -> Option:
        """Take one of `options`, at random, and book -log2 of its probability under `kind`.

        All are equally likely, or, with usual_first, the earlier ones are the more usual (`zipf`).
        Book a choice under the kind of the span whose words reveal it.
        """
        n = len(options)
        if usual_first:
            cumulative, bits = zipf(n)
            index = bisect_right(cumulative, self._random())
            self.bits[kind] += bits[index]
        else:
            index = int(self._random() * n)
            self.bits[kind] += math.log2(n)
        return options[index]

    def draw(self, bag: Sequence[Option], kind: str = "free") -> Option:
        """Take one of `bag`, in which an option may stand more than once: what counts is how often
        it stands there.
        """
        option = bag[int(self._random() * len(bag))]
        self.bits[kind] += math.log2(len(bag) / bag.count(option))
        return option

    def chance(self, probability: float, kind: str = "grammar") -> bool:
        """True with this probability; books the bits of the outcome."""
        outcome = self._random() < probability
        self.bits[kind] -= math.log2(probability if outcome else 1.0 - probability)
        return outcome

    def several(self, options: Sequence[Option], count: int, kind: str = "free") -> list[Option]:
        """`count` different options, in the order in which they are taken (the text must show that
        order).
        """
        left = list(options)
        taken = []
        for _ in range(count):
            option = self.choose(left, kind)
            left.remove(option)
            taken.append(option)
        return taken

    def say(self, text: str, kind: str = "grammar") -> None:
        """Append `text` as a span of this kind."""
        if text:
            self._pieces.append(text)
            self._kinds.append(kind)

    def tell(
        self, template: "Wordings | str", **slots: Slot | str | Callable[[], Slot | str]
    ) -> None:
        """Append a sentence: `template` is a text with {slots} or a `Wordings`, of which one is
        chosen.

        A slot's value is a `Slot` (made by `fact`, `copy` or `free`), a plain string, which counts
        as grammar, or a function that returns either: it is called only if the wording has that
        slot.
        """
        if isinstance(template, Wordings):
            pool = template.unseen if self.held_out and template.unseen else template.usual
            pieces = self.choose(pool, "grammar", usual_first=True)
        else:
            pieces = parse_template(template)
        for text, is_slot in pieces:
            if not is_slot:
                self._pieces.append(text)
                self._kinds.append("grammar")
                continue
            value = slots[text]
            if callable(value):
                value = value()
            if isinstance(value, Slot):
                self.say(value.text, value.kind)
            else:
                self.say(value)

    @property
    def text(self) -> str:
        """What has been written so far."""
        return "".join(self._pieces)

    def document(self, kind: str) -> Document:
        """The finished document. Neighbouring pieces of the same kind become one span."""
        spans: list[Span] = []
        position = 0
        for piece, piece_kind in zip(self._pieces, self._kinds, strict=True):
            end = position + len(piece)
            if spans and spans[-1].kind == piece_kind:
                spans[-1] = Span(spans[-1].start, end, piece_kind)
            else:
                spans.append(Span(position, end, piece_kind))
            position = end
        return Document(self.text, kind, spans, self.bits)

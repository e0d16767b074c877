"""Passages: documents cut into pieces that are short enough to be found, and to be read
together.

A search answers with pieces, not with documents: a whole document is about too many
things at once, and would not fit into the model's context. Pieces end where sentences
do, and no text is lost.

    >>> text = "Ada is a baker. She lives in Mill Road. Emma has a goat."
    >>> [passage.text for passage in chunk(text, limit=9)]
    ['Ada is a baker. She lives in Mill Road.', 'Emma has a goat.']
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import regex

from inkling.files import InklingError

#: The scripts that put no space between words, for use inside of [...] in a pattern.
#: (The Japanese sign for a long vowel is in two of them, and so counts to neither.)
UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\u30fc\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
# A sentence ends with a mark, perhaps in quotes, before white space that no small
# letter follows; with a mark of a script that needs no space (。); or with the line. A
# cut in a wrong place ("Mr. Finch") costs little: what is cut there stands in the same
# passage or in the next one. ("++" and "*+" never give back what they took, so no text
# makes these patterns try again and again.)
_SENTENCE_END = regex.compile(
    r"""[.!?]["'”’)\]]*+\s++(?![a-z])|\n\s*+"""
    r"""|[。！？｡।॥۔؟።။។]++["'”’)\]」』】）》]*+\s*+"""
)
# A letter of such a script, with what belongs to it, is cut off as a word would be.
_LETTER = rf"[{UNSPACED}][\p{{M}}\p{{P}}]*+"
_WORD = regex.compile(rf"\s*+(?:{_LETTER}|[^\s{UNSPACED}]++)\s*+|\s++")
_ALONE = regex.compile(_LETTER)


@dataclass(frozen=True)
class Passage:
    """A piece of a document, as it stands there.

    id: its own, in a collection. text: what it says. title: of the document, such as
    the name that an entry is about; searched with the text, because sentences like "She
    is a baker." do not say whom they mean. source: where the document comes from, for a
    citation. start: where the text begins in its document, in characters.
    """

    id: str
    text: str
    title: str = ""
    source: str = ""
    start: int = 0

    @property
    def searchable(self) -> str:
        """What an index reads: the title, if there is one, and the text."""
        return f"{self.title}\n{self.text}" if self.title else self.text


def is_count(value: Any, least: int = 1) -> bool:
    """Whether a setting is a whole number, NumPy's too, of at least so much."""
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    return whole and bool(value >= least)


def count_words(text: str) -> int:
    """How many words a text has, by white space: 5 in "Ada is a baker, 32". In scripts
    that write no spaces every letter counts as one.
    """
    if not text.isascii():
        text = _ALONE.sub(r" \g<0> ", text)
    return len(text.split())


def split_sentences(text: str) -> list[str]:
    """The sentences of a text, each with the white space after it. Joined, they are the
    text again.
    """
    ends = [match.end() for match in _SENTENCE_END.finditer(text)]
    cuts = [0, *ends, len(text)]
    return [text[a:b] for a, b in zip(cuts, cuts[1:], strict=False) if a < b]


def chunk(
    text: str,
    limit: int = 40,
    overlap: int = 0,
    length: Callable[[str], int] = count_words,
    *,
    id: str = "",
    title: str = "",
    source: str = "",
) -> list[Passage]:
    """Cut a document into passages of whole sentences, each as long as the limit
    allows.

    limit: the longest passage, in words or in whatever `length` counts (tokens: `lambda
    text: len(tokenizer.encode( text))`; leave room for the title). overlap: this many
    sentences at the end of a passage are said again at the start of the next, as far as
    they leave room there, so that "She" is seldom cut off from the name. A sentence
    that is longer than the limit is cut between words; a word that is, between letters,
    and so is Chinese or Thai, which has no spaces.

    The passages are numbered from `id`: "entry 3" gives "entry 3/0", "entry 3/1" and so
    on. Each is a part of the document without white space at its ends, and every other
    character is in at least one. A text without a visible character gives no passage.
    Raises `InklingError` for a limit or an overlap that makes no sense.
    """
    if not is_count(limit) or not is_count(overlap, 0):
        raise InklingError(
            f"limit is {limit!r} and overlap {overlap!r}; expected whole numbers, at"
            " least 1 and at least 0."
        )
    spans = sentence_spans(text, limit, length)
    passages: list[Passage] = []
    first = after = 0  # spans[first:after] are the passage
    while after < len(spans):
        after += 1  # at least one span that no passage had, whatever is said again
        while (
            after < len(spans)
            and length(text[spans[first][0] : spans[after][1]]) <= limit
        ):
            after += 1
        start, end = spans[first][0], spans[after - 1][1]
        passages.append(
            Passage(f"{id}/{len(passages)}", text[start:end], title, source, start)
        )
        first = max(first, after - overlap)
        while (
            first < after < len(spans)
            and length(text[spans[first][0] : spans[after][1]]) > limit
        ):
            first += 1
    return passages


def sentence_spans(
    text: str, limit: int, length: Callable[[str], int]
) -> list[tuple[int, int]]:
    """(start, end) of the sentences, or of parts of those that are longer than the
    limit, without white space.
    """
    spans, position = [], 0
    for sentence in split_sentences(text):
        if length(sentence.strip()) <= limit:
            parts = [sentence]
        else:
            parts = [
                part
                for word in _WORD.findall(sentence)
                for part in _halves(word, limit, length)
            ]
        for part in parts:
            if part.strip():
                start = position + len(part) - len(part.lstrip())
                spans.append((start, start + len(part.strip())))
            position += len(part)
    return spans


def _halves(word: str, limit: int, length: Callable[[str], int]) -> list[str]:
    """A word, or its halves, or their halves, until each is within the limit (a single
    letter always passes).
    """
    if length(word.strip()) <= limit or len(word.strip()) <= 1:
        return [word]
    middle = len(word) // 2
    return [
        *_halves(word[:middle], limit, length),
        *_halves(word[middle:], limit, length),
    ]

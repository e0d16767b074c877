"""Finding copies: exact ones with a dictionary, near ones with MinHash and
locality-sensitive hashing.

Comparing every page with every other would take hundreds of millions of comparisons for
twenty thousand pages. MinHash shrinks a page to 120 numbers; banding them puts similar
pages into the same bucket; only pages that meet in a bucket are compared.
"""

import re
from collections.abc import Iterable
from itertools import chain

import numpy as np
import regex
from numpy.lib.stride_tricks import sliding_window_view

from inkling.files import InklingError
from inkling.world.junk import Page

# Scripts that put no space between words: there each letter counts as a word.
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\u30fc\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
# Letters and digits with the marks on them (in कि the vowel is one), and other symbols
# one by one: of some messages an emoji is all there is. ("--" takes out of a set.)
_WORD = regex.compile(
    rf"""(?V1)[[\w\p{{N}}\p{{M}}]--[{_UNSPACED}]]++|[{_UNSPACED}]\p{{M}}*+"""
    r"""|[\p{S}--\p{ASCII}]\p{M}*+"""
)
_ASCII_WORD = re.compile(r"\w+")  # finds the same in ASCII, and is four times as fast


def drop_exact_duplicates(pages: list[Page]) -> list[Page]:
    """Of pages with the same text (but for case and white space) the first stays."""
    first = {}
    for page in pages:
        first.setdefault(" ".join(page.text.lower().split()), page)
    return list(first.values())


def words_of(text: str) -> list[str]:
    """The words of a text in small letters; of a text without any, what stands between
    its white space: "Come, 東京 😀!" -> ["come", "東", "京", "😀"], "?!" -> ["?!"].
    """
    text = text.lower()
    found = _ASCII_WORD.findall(text) if text.isascii() else _WORD.findall(text)
    return found or text.split()


def word_numbers(
    texts: Iterable[str], at_least: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """All texts' words as numbers from 1, one after the other, and which text each is
    from: two `(n_words,)` arrays.

    A text of fewer than `at_least` words is filled up with zeros.
    """
    known: dict[str, int] = {}
    rows = []
    for text in texts:
        words = words_of(text)
        rows.append(
            [known.setdefault(word, len(known) + 1) for word in words]
            + [0] * (at_least - len(words))
        )
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    numbers = np.fromiter(
        chain.from_iterable(rows), dtype=np.uint64, count=int(lengths.sum())
    )
    return numbers, np.repeat(np.arange(len(rows)), lengths)


def shingles(
    numbers: np.ndarray, text_index: np.ndarray, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """A hash below 2**31 for every run of `size` words inside a text, and the text's
    index: two `(n_shingles,)` arrays.

    The hash is a polynomial in the words' numbers modulo 2**64, stirred at each step
    (shifts and odd factors as in splitmix64, Steele, Lea and Flood 2014) so that its
    upper bits depend on every word.
    """
    starts = np.arange(max(0, len(numbers) - size + 1))
    starts = starts[text_index[starts] == text_index[starts + size - 1]]
    value = np.zeros(len(starts), dtype=np.uint64)
    for offset in range(size):
        value = value * np.uint64(0x9E3779B97F4A7C15) + numbers[starts + offset]
        value ^= value >> np.uint64(29)
    return (value * np.uint64(0xBF58476D1CE4E5B9)) >> np.uint64(33), text_index[starts]


def jaccard(a: set, b: set) -> float:
    """Shared elements over all elements: 1 for equal sets, 0 for sets without a common
    element.
    """
    return len(a & b) / len(a | b) if a or b else 1.0


def minhash(
    hashes: np.ndarray, text_index: np.ndarray, n_hashes: int = 120, seed: int = 0
) -> np.ndarray:
    """Signatures, shape `(n_texts, n_hashes)`: the least value of each random hash
    function over a text's shingles.

    Two sets agree in one place of their signatures with the probability of their
    Jaccard similarity (Broder 1997). The functions are universal hashing, (a x + b) mod
    p (Carter and Wegman 1979), in place of true permutations. Each text must have a
    shingle.
    """
    prime = np.uint64(2**31 - 1)
    draw = np.random.Generator(np.random.PCG64(seed))
    a, b = draw.integers(1, 2**31 - 1, size=(2, n_hashes), dtype=np.uint64)
    starts = np.flatnonzero(np.diff(text_index, prepend=-1))
    signatures = np.empty((len(starts), n_hashes), dtype=np.uint32)
    for i in range(n_hashes):
        signatures[:, i] = np.minimum.reduceat((hashes * a[i] + b[i]) % prime, starts)
    return signatures


def candidate_pairs(signatures: np.ndarray, bands: int) -> np.ndarray:
    """Pairs `(earlier, later)` of texts that agree in a whole band, shape `(n_pairs,
    2)`: locality-sensitive hashing.

    With b bands of r rows a pair of similarity s is found with probability 1 - (1 -
    s**r)**b (Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, section 3.4).
    Each text is paired with the earliest that shares its bucket.
    """
    pairs = []
    for band in np.array_split(signatures, bands, axis=1):
        rows = (
            np.ascontiguousarray(band).view([("", band.dtype)] * band.shape[1]).ravel()
        )
        _, first, bucket = np.unique(rows, return_index=True, return_inverse=True)
        later = np.arange(len(rows))
        earlier = first[bucket]
        pairs.append(np.stack([earlier, later], axis=1)[earlier < later])
    return np.unique(np.concatenate(pairs), axis=0)


def drop_near_duplicates(
    pages: list[Page], size: int = 4, bands: int = 40, threshold: float = 0.5
) -> list[Page]:
    """Pages whose runs of `size` words overlap an earlier page's by `threshold` or more
    (Jaccard) are dropped.

    Shingles of 5 words and thresholds of 0.75 or 0.8 are usual (FineWeb, Penedo et al.
    2024; Lee et al. 2022); Larkhaven's pages are short, so that one changed word weighs
    more.
    """
    if size < 1 or not 1 <= bands <= 120:
        raise InklingError(
            f"size is {size} and bands is {bands}; expected runs of 1 word or more, and"
            " 1 to 120 bands."
        )
    if not pages:
        return []
    numbers, index = word_numbers((page.text for page in pages), at_least=size)
    edges = np.searchsorted(index, np.arange(len(pages) + 1))

    def runs(i: int) -> set[tuple[int, ...]]:
        words = numbers[edges[i] : edges[i + 1]]
        return set(map(tuple, sliding_window_view(words, size).tolist()))

    copies = set()
    signatures = minhash(*shingles(numbers, index, size))
    for earlier, later in candidate_pairs(signatures, bands):
        # Of the runs themselves: two texts in 2**31 have the same hash by accident.
        if jaccard(runs(earlier), runs(later)) >= threshold:
            copies.add(later)
    return [page for i, page in enumerate(pages) if i not in copies]

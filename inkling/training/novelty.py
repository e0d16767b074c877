"""How much of a text is new? Its runs of words against every run of the training text.

A model that can only repeat what it read would score well on loss and on coherence. So
its texts are compared with all of the training text, word by word, which hashing makes
cheap for runs of any length.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from inkling.files import InklingError
from inkling.settings import several

_BASE = 0x9E3779B97F4A7C15  # odd, so that it has an inverse modulo 2^64


class RunHashes:
    """Hashes of all runs of n ids, for any n, in time that does not grow with n (Karp
    and Rabin 1987).

    With S[i] the sum of id[j] x base^-j over j < i, the run of n ids from i on has the
    hash (S[i + n] - S[i]) x base^i, all modulo 2^64: equal runs have equal hashes
    wherever they stand.
    """

    def __init__(self, ids: np.ndarray):
        def powers(base: int) -> np.ndarray:
            return np.cumprod(
                np.append(np.uint64(1), np.full(len(ids), base % 2**64, np.uint64)),
                dtype=np.uint64,
            )

        self._powers = powers(_BASE)
        terms = ids.astype(np.uint64) * powers(pow(_BASE, -1, 2**64))[:-1]
        self._sums = np.append(np.uint64(0), np.cumsum(terms, dtype=np.uint64))

    def __call__(self, n: int) -> np.ndarray:
        """The hashes of the runs of n ids, by where they begin: none if there are fewer
        than n ids.
        """
        count = max(0, len(self._sums) - n)
        return (self._sums[n:] - self._sums[:count]) * self._powers[:count]


@dataclass(frozen=True)
class Novelty:
    """How much of some texts is nowhere in the training text, in words.

    novel_ngrams: for each n, the share of runs of n words that the training text does
    not have (NaN if no text has n words). longest_copy: for each text, the length of
    the longest run of words that it shares with the training text.
    """

    novel_ngrams: dict[int, float]
    longest_copy: list[int]


def novelty(
    texts: Sequence[str],
    training_texts: Sequence[str],
    ns: Sequence[int] = (2, 4, 8, 16),
) -> Novelty:
    """Compare `texts` with all of `training_texts`, word by word (punctuation belongs
    to its word).

    Raises `InklingError` if either is empty.
    """
    several(texts)
    several(training_texts, "training_texts")
    if not len(texts) or not len(training_texts):
        raise InklingError(
            "novelty compares texts with training texts; pass at least one of each."
        )
    numbers: dict[str, int] = {}

    def as_ids(documents: Sequence[str]) -> list[np.ndarray]:
        return [
            np.array(
                [numbers.setdefault(w, len(numbers) + 1) for w in d.split()], np.int64
            )
            for d in documents
        ]

    # Documents are joined by a number of their own, each a different one, so that no
    # run crosses from one to the next.
    training = as_ids(training_texts)
    separators = -np.arange(1, len(training) + 1)
    joined = RunHashes(
        np.concatenate(
            [np.append(ids, end) for ids, end in zip(training, separators, strict=True)]
        )
    )
    queries = [RunHashes(ids) for ids in as_ids(texts)]

    def copied(n: int) -> list[np.ndarray]:
        """For each text, which of its runs of n words stand in the training text."""
        runs = [query(n) for query in queries]
        wanted = np.unique(np.concatenate(runs))
        if not len(wanted):
            return [np.zeros(0, bool) for _ in runs]
        hashes = joined(n)
        # Most of the training text is ruled out by its hashes' last 20 bits, which is
        # ten times cheaper than a search.
        last_bits = np.uint64(2**20 - 1)
        is_wanted = np.zeros(2**20, bool)
        is_wanted[wanted & last_bits] = True
        found = np.intersect1d(hashes[is_wanted[hashes & last_bits]], wanted)
        return [np.isin(hashes_of_text, found) for hashes_of_text in runs]

    novel = {}
    for n in ns:
        known = np.concatenate(copied(n))
        novel[n] = float(1.0 - known.mean()) if len(known) else float("nan")

    # A run of n words is copied only if its first n - 1 words are, so the longest one
    # is found by bisection.
    any_copied: dict[int, list[bool]] = {}
    longest = []
    for i, text in enumerate(texts):
        low, high = 0, len(text.split())
        while low < high:
            middle = (low + high + 1) // 2
            if middle not in any_copied:
                any_copied[middle] = [bool(known.any()) for known in copied(middle)]
            low, high = (middle, high) if any_copied[middle][i] else (low, middle - 1)
        longest.append(low)
    return Novelty(novel, longest)

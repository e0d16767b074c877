"""Retrieval: search by words, by meaning, and by both; and how well a search does.

A retriever takes a question and returns passages, best first:

    >>> passages = chunk("Ada is a baker. Emma keeps a goat.", limit=4, id="note")
    >>> by_words = WordRetriever(passages)
    >>> [hit.passage.text for hit in by_words.search("Who keeps a goat?", k=1)]
    ['Emma keeps a goat.']

Words are precise (a name is found wherever it stands) and blind to everything that is
said otherwise; vectors find what is said otherwise and mix up names. Each sees what the
other misses, so both together are better than either.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from inkling.files import InklingError
from inkling.reading.bm25 import BM25
from inkling.reading.embedder import Embedder
from inkling.reading.passages import Passage, chunk, is_count
from inkling.reading.vector_index import VectorIndex
from inkling.settings import several
from inkling.text.tokenizer import Tokenizer

__all__ = [
    "BM25",
    "DenseRetriever",
    "Embedder",
    "Hit",
    "HybridRetriever",
    "Passage",
    "Retriever",
    "VectorIndex",
    "WordRetriever",
    "chunk",
    "mean_reciprocal_rank",
    "recall_at_k",
    "reciprocal_rank_fusion",
]


class Hit(NamedTuple):
    """A passage that was found, and its score, which cannot be compared with another
    retriever's.
    """

    passage: Passage
    score: float


class Retriever:
    """What all retrievers share: `search(query, k)` -> at most k `Hit`s, best first.
    Each kind has its own `rank`.
    """

    def __init__(self, passages: Sequence[Passage]):
        """Raises `InklingError` for no passages, and for two with one id, which a
        citation could not tell apart.
        """
        if not passages:
            raise InklingError(
                "there are no passages to search; cut some documents with `chunk`."
            )
        twice = [
            id
            for id, count in Counter(passage.id for passage in passages).items()
            if count > 1
        ]
        if twice:
            raise InklingError(
                f"{len(twice)} ids are there twice, such as {twice[0]!r}: give every"
                " document its own."
            )
        self.passages = list(passages)

    def rank(self, query: str, k: int) -> list[tuple[int, float]]:
        """(place among the passages, score), best first, at most k of them."""
        raise NotImplementedError

    def rank_many(
        self, queries: Sequence[str], k: int
    ) -> list[list[tuple[int, float]]]:
        """What `rank` says of each query; kinds for which many at once are cheaper have
        their own.
        """
        return [self.rank(query, k) for query in several(queries, "queries")]

    def search(self, query: str, k: int = 5) -> list[Hit]:
        """The best passages for a query, best first; fewer than k where there are no
        more.

        Raises `InklingError` for an empty query and for k below 1.
        """
        if not query.strip():
            raise InklingError("the query is empty; ask something.")
        if not is_count(k):
            raise InklingError(
                f"k is {k!r}; ask for at least one passage, in a whole number."
            )
        return [
            Hit(self.passages[place], score) for place, score in self.rank(query, k)
        ]


class WordRetriever(Retriever):
    """Search by words (`inkling.reading.bm25`). A query of which no passage has a word
    finds nothing.
    """

    def __init__(self, passages: Sequence[Passage], k1: float = 1.5, b: float = 0.75):
        super().__init__(passages)
        self.index = BM25([passage.searchable for passage in passages], k1, b)

    def rank(self, query: str, k: int) -> list[tuple[int, float]]:
        """Up to k (place, BM25 score), best first; none where no word is shared."""
        scores, places = self.index.search(query, k)
        return list(zip(places.tolist(), scores.tolist(), strict=True))


class DenseRetriever(Retriever):
    """Search by meaning: the passages whose vectors point most nearly where the query's
    does.

    It always finds k passages, however little they have to do with the query. A query
    that is longer than the model's context is read in windows. index: of the passages,
    in this order, if it was built or loaded before.
    """

    def __init__(
        self,
        passages: Sequence[Passage],
        embedder: Embedder,
        tokenizer: Tokenizer,
        kind: str = "Flat",
        index: VectorIndex | None = None,
    ):
        """Raises `InklingError` for an index that holds another number of vectors than
        there are passages.
        """
        super().__init__(passages)
        self.embedder, self.tokenizer = embedder, tokenizer
        if index is None:
            texts = [passage.searchable for passage in passages]
            # each once: in another batch the last bits of an equal text's vector differ
            places = {text: i for i, text in enumerate(dict.fromkeys(texts))}
            vectors = embedder.encode(tokenizer, list(places))
            index = VectorIndex.build(kind, vectors[[places[t] for t in texts]])
        if len(index) != len(passages) or index.dimension != embedder.dimension:
            raise InklingError(
                f"the index holds {len(index)} vectors of {index.dimension} numbers;"
                f" expected {len(passages)}, one for each passage, of"
                f" {embedder.dimension}. It is of other passages or by another"
                " embedder: build it anew."
            )
        self.index = index

    def rank(self, query: str, k: int) -> list[tuple[int, float]]:
        """k (place, cosine), best first."""
        return self.rank_many([query], k)[0]

    def rank_many(
        self, queries: Sequence[str], k: int
    ) -> list[list[tuple[int, float]]]:
        """The same for many queries, which are embedded together."""
        if not several(queries, "queries"):
            return []
        # (n_queries, k) each
        scores, places = self.index.search(
            self.embedder.encode(self.tokenizer, queries), k
        )
        found = zip(places.tolist(), scores.tolist(), strict=True)
        return [[(p, s) for p, s in zip(*row, strict=True) if p >= 0] for row in found]


class HybridRetriever(Retriever):
    """Several retrievers of the same passages, their rankings fused. depth: how far
    down each ranking is read.
    """

    def __init__(
        self, retrievers: Sequence[Retriever], depth: int = 50, constant: float = 60.0
    ):
        """Raises `InklingError` for no retrievers, and for such as search different
        passages.
        """
        if not retrievers or any(
            other.passages != retrievers[0].passages for other in retrievers
        ):
            raise InklingError(
                "a hybrid takes one retriever or more, all of the same passages in the"
                " same order."
            )
        super().__init__(retrievers[0].passages)
        self.retrievers, self.depth, self.constant = list(retrievers), depth, constant

    def rank(self, query: str, k: int) -> list[tuple[int, float]]:
        """k (place, fused score), best first."""
        return self.rank_many([query], k)[0]

    def rank_many(
        self, queries: Sequence[str], k: int
    ) -> list[list[tuple[int, float]]]:
        """The same for many queries."""
        several(queries, "queries")
        parts = [
            part.rank_many(queries, max(k, self.depth)) for part in self.retrievers
        ]
        rankings = [
            [[place for place, _ in one] for one in lists]
            for lists in zip(*parts, strict=True)
        ]
        return [reciprocal_rank_fusion(lists, self.constant)[:k] for lists in rankings]


def reciprocal_rank_fusion(
    rankings: Sequence[Sequence[int]], constant: float = 60.0
) -> list[tuple[int, float]]:
    """Fuse rankings: an item's score is the sum of 1 / (constant + rank) over those
    that have it; ranks begin with 1.

    Only ranks count, so scores that cannot be compared (a cosine, a BM25 score) need
    not be. The constant makes the first places nearly equal: being found by both counts
    for more than being first in one. Returns (item, score), best first, of equals the
    lower item. Source: Cormack, Clarke and Büttcher 2009.
    """
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, item in enumerate(ranking, 1):
            scores[item] = scores.get(item, 0.0) + 1 / (constant + rank)
    return sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))


def recall_at_k(rankings: Sequence[Sequence], relevant: Sequence[set], k: int) -> float:
    """The share of the relevant items that are among the first k of a ranking, averaged
    over queries.

    rankings: for each query what was found, best first; relevant: for each query the
    set of right items. Raises `InklingError` for no queries, for one without right
    items, and for k below 1.
    """
    if not is_count(k):
        raise InklingError(
            f"k is {k!r}; ask for at least one result, in a whole number."
        )
    check_relevant(relevant)
    shares = [
        len(right & set(found[:k])) / len(right)
        for found, right in zip(rankings, relevant, strict=True)
    ]
    return float(np.mean(shares))


def mean_reciprocal_rank(
    rankings: Sequence[Sequence], relevant: Sequence[set]
) -> float:
    """1 / rank of the first right item (0 where none was found), averaged over queries;
    1 is perfect.
    """
    check_relevant(relevant)
    values = []
    for found, right in zip(rankings, relevant, strict=True):
        rank = next((rank for rank, item in enumerate(found, 1) if item in right), None)
        values.append(0.0 if rank is None else 1 / rank)
    return float(np.mean(values))


def check_relevant(relevant: Sequence[set]) -> None:
    if not relevant or not all(relevant):
        raise InklingError(
            "expected at least one query, and a right item for each; leave out those"
            " that have none."
        )

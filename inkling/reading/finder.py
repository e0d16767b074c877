"""Looking somebody up: what the library says about whoever a question names.

A conversation has other needs than an exam. Its passages must be about the right
person, in whatever way the question is put and typed; "And her pet?" is understood from
the question before it; and a citation must be right where the answer is. So a name
picks the documents, vectors choose the pieces that matter, and the pieces of one
document are read together ("small to big": search with the small, read the big).
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import cache

from inkling import checkpoints
from inkling.reading.bm25 import folded, words
from inkling.reading.embedder import Embedder
from inkling.reading.passages import Passage
from inkling.reading.retrieval import (
    DenseRetriever,
    Retriever,
    reciprocal_rank_fusion,
)
from inkling.reading.shelves import town_library
from inkling.text.tokenizer import Tokenizer
from inkling.world import World


class Finder:
    """What a library says about whoever a question names: words find whom, the
    retriever finds what.

    A search by meaning mixes up names, and a search by words does not know that "earns
    a living" answers "What is her job?". So a name picks the passages, those whose
    title begins with it, and the retriever only ranks them.
    """

    def __init__(self, retriever: Retriever):
        self.retriever = retriever
        names = [passage.title.partition(" ")[0] for passage in retriever.passages]
        self.subjects = [folded(name) for name in names]
        self._written = dict(zip(self.subjects, names, strict=True))
        self._meant = {name: name for name in self.subjects if name}
        for name in tuple(self._meant):  # "wenalras pet", typed in haste
            self._meant.setdefault(f"{name}s", name)

    def named(self, text: str) -> set[str]:
        """Whom a text names, with or without capitals: {"wenalra"}."""
        return {self._meant[word] for word in words(text) if word in self._meant}

    def spelled(self, text: str) -> str:
        """The same text with the names as the library writes them, so that a reader
        finds them there: "wenalras pet" -> "Wenalra's pet".
        """

        def name(match: re.Match) -> str:
            word = folded(match.group())
            if word not in self._meant:
                return match.group()
            meant = self._meant[word]
            return self._written[meant] + ("" if word == meant else "'s")

        return re.sub(r"\w+", name, text)

    def find(
        self, queries: Sequence[str], names: Collection[str], k: int
    ) -> list[Passage]:
        """The k best passages about these people, by the rankings of all queries.

        Those of one document come as one passage, in the order in which they stand
        there: a reader cannot tell by which of several passages about the same person
        to go, and "She" is with her name again.
        """
        about = [
            [place for place, _ in ranking if self.subjects[place] in names]
            for ranking in self.retriever.rank_many(queries, len(self.subjects))
        ]
        documents: dict[str, list[Passage]] = {}
        for place, _ in reciprocal_rank_fusion(about)[:k]:
            passage = self.retriever.passages[place]
            documents.setdefault(passage.id.rpartition("/")[0], []).append(passage)
        return [_joined(id, parts) for id, parts in documents.items()]


def _joined(id: str, parts: list[Passage]) -> Passage:
    """Passages of one document as one."""
    parts.sort(key=lambda part: part.start)
    text = " ".join(part.text for part in parts)
    return replace(parts[0], id=id or parts[0].id, text=text)


@cache
def town_finder() -> Finder:
    """A search in the entries on everybody in Larkhaven, newcomers too, by the embedder
    that ships with the book.
    """
    folder = checkpoints.path("embedder")
    embedder = Embedder.load(folder)
    tokenizer = Tokenizer.load(folder / "tokenizer.json")
    passages = town_library(World(), n_documents=0).passages
    return Finder(DenseRetriever(passages, embedder, tokenizer))

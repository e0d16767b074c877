"""Ask the book: a search over its own sections with a real embedder, and answers by a real model that say where from.

Search: MiniLM turns every passage into a vector once, and a question into one when it comes (`MeaningRetriever`); the
words count, too, if you fuse it with `inkling.retrieval.WordRetriever`. Answer: the best passages go into SmolLM2's
prompt, as many as its budget allows (`ask`). The model is small and may be wrong, so each answer comes with the
sections that it was given, the most like it first, and a link to each.
"""

import html
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from inkling.bm25 import top_k, words
from inkling.book_text import Section
from inkling.files import InklingError
from inkling.passages import Passage, chunk, split_sentences
from inkling.pretrained import MiniLM, SmolLM2
from inkling.retrieval import Hit, HybridRetriever, Retriever, WordRetriever


# --- Passages --------------------------------------------------------------------------------------------------------


def book_passages(sections: Sequence[Section], limit: int = 80, overlap: int = 0) -> list[Passage]:
    """The sections cut into passages of whole sentences, of at most `limit` words; `source` is the section's link.

    MiniLM reads 256 word pieces, title and all, and drops the rest in silence: 80 words are well below that.
    """
    passages = []
    for section in sections:
        passages += chunk(section.text, limit, overlap, id=section.key, title=section.title, source=section.link)
    return passages


# --- Search ----------------------------------------------------------------------------------------------------------


class MeaningRetriever(Retriever):
    """Search by meaning with a real sentence embedder: vectors of length 1, so a product is a cosine.

    model: `inkling.pretrained.MiniLM`, or anything with its `embed`. vectors (n_passages, dim) are computed once.
    """

    def __init__(self, passages: Sequence[Passage], model: MiniLM):
        super().__init__(passages)
        self.model = model
        self.vectors = model.embed([passage.searchable for passage in self.passages])

    def rank(self, query: str, k: int) -> list[tuple[int, float]]:
        scores = self.vectors @ self.model.embed([query])[0]  # (n_passages,)
        return [(int(place), float(scores[place])) for place in top_k(scores, k)]


def book_search(passages: Sequence[Passage], model: MiniLM) -> HybridRetriever:
    """Meaning and words, fused. Meaning counts twice: a reader's question often has no word of the answer.

    That, the constant of the fusion and the length of the passages were chosen on the twelve dev questions.
    """
    meaning = MeaningRetriever(passages, model)
    return HybridRetriever([meaning, meaning, WordRetriever(passages)], constant=10)


def best_sections(retriever: Retriever, query: str, k: int = 3, depth: int = 50) -> list[Hit]:
    """The best passage of each of the k best sections: more of the book than the k best passages."""
    best: dict[str, Hit] = {}
    for hit in retriever.search(query, depth):
        best.setdefault(hit.passage.source, hit)
    return list(best.values())[:k]


# --- How good is it? -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class BookQuestion:
    """A reader's question, and the keys of the sections that answer it (see `Section.key`), each of them alone."""

    question: str
    sections: tuple[str, ...]


def book_questions(part: str = "test") -> list[BookQuestion]:
    """The forty questions ("test") or the twelve by which the search was set up ("dev"), all written by hand."""
    found = json.loads(Path(__file__).with_name("book_questions.json").read_text("utf-8"))
    return [BookQuestion(row["question"], tuple(row["sections"])) for row in found[part]]


def section_ranks(retriever: Retriever, questions: Sequence[BookQuestion], depth: int = 50) -> list[int | None]:
    """For each question the rank, from 1, of the first section found that answers it; None where there is none."""
    ranks = []
    for question in questions:
        right = {key.replace("#", ".html#") for key in question.sections}
        found = [hit.passage.source for hit in best_sections(retriever, question.question, depth, depth)]
        ranks.append(next((rank for rank, source in enumerate(found, 1) if source in right), None))
    return ranks


def recall_at(ranks: Sequence[int | None], k: int) -> float:
    """The share of questions for which a section that answers is among the first k found."""
    return sum(rank is not None and rank <= k for rank in ranks) / len(ranks)

"""Ask the book: a search over its own sections with a real embedder, and answers by a
real model that say where from.

Search: MiniLM turns every passage into a vector once, and a question into one when it
comes (`MeaningRetriever`); the words count, too, if you fuse it with
`inkling.reading.retrieval.WordRetriever`. BookAnswer: the best passages go into
SmolLM2's prompt, as many as its budget allows (`ask`). The model is small and may be
wrong, so each answer comes with the sections that it was given, the most like it first,
and a link to each.
"""

import html
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inkling.files import InklingError
from inkling.reading.bm25 import BM25, top_k
from inkling.reading.orders import quote_passages, support
from inkling.reading.passages import Passage, chunk
from inkling.reading.retrieval import Hit, Retriever
from inkling.real.book_text import Section
from inkling.real.pretrained import MiniLM, SmolLM2

# --- Passages -------------------------------------------------------------------------


def book_passages(
    sections: Sequence[Section], limit: int = 80, overlap: int = 0
) -> list[Passage]:
    """The sections cut into passages of whole sentences, of at most `limit` words;
    `source` is the section's link.

    MiniLM reads 256 word pieces, title and all, and drops the rest in silence: 80 words
    are well below that.
    """
    passages = []
    for section in sections:
        passages += chunk(
            section.text,
            limit,
            overlap,
            id=section.key,
            title=section.title,
            source=section.link,
        )
    return passages


# --- Search ---------------------------------------------------------------------------


class MeaningRetriever(Retriever):
    """Search by meaning with a real sentence embedder: vectors of length 1, so a
    product is a cosine.

    model: `inkling.real.pretrained.MiniLM`, or anything with its `embed`. vectors
    (n_passages, dim) are computed once.
    """

    def __init__(self, passages: Sequence[Passage], model: MiniLM):
        super().__init__(passages)
        self.model = model
        self.vectors = model.embed([passage.searchable for passage in self.passages])
        # a question that comes again is not embedded again
        self.asked: dict[str, np.ndarray] = {}

    def scores(self, query: str) -> np.ndarray:
        """The score of every passage, float32 (n_passages,)."""
        if query not in self.asked:
            self.asked[query] = self.model.embed([query])[0]
        return self.vectors @ self.asked[query]

    def rank(self, query: str, k: int) -> list[tuple[int, float]]:
        """k (place, cosine), best first."""
        scores = self.scores(query)
        return [(int(place), float(scores[place])) for place in top_k(scores, k)]


class BookRetriever(MeaningRetriever):
    """Meaning and words together: cosine + BM25 score / `scale`.

    A fusion of ranks (`inkling.reading.retrieval.reciprocal_rank_fusion`) forgets how
    sure each of the two is. The scale and the length of the passages were chosen on the
    dev questions.
    """

    def __init__(self, passages: Sequence[Passage], model: MiniLM, scale: float = 20.0):
        super().__init__(passages, model)
        self.index, self.scale = (
            BM25([passage.searchable for passage in self.passages]),
            scale,
        )

    def scores(self, query: str) -> np.ndarray:
        """Cosine + BM25 score / `scale` of every passage, (n_passages,)."""
        return super().scores(query) + self.index.scores(query) / self.scale


def best_sections(
    retriever: Retriever, query: str, k: int = 3, depth: int = 50
) -> list[Hit]:
    """The best passage of each of the k best sections: more of the book than the k best
    passages.
    """
    best: dict[str, Hit] = {}
    for hit in retriever.search(query, depth):
        best.setdefault(hit.passage.source, hit)
    return list(best.values())[:k]


# --- How good is it? ------------------------------------------------------------------


@dataclass(frozen=True)
class BookQuestion:
    """A reader's question, and the keys of the sections that answer it (see
    `Section.key`), each of them alone.

    answers: for a question with a short answer, the strings of which a right reply has
    at least one.
    """

    question: str
    sections: tuple[str, ...]
    answers: tuple[str, ...] = ()

    def right(self, reply: str) -> bool:
        """Whether a reply has one of the answers, in any case: a word that begins so,
        or just that number.
        """
        begins = r"(?<![\w.,])"
        ends = r"(?!\d|[.,]\d)"  # 14 is not in 14.8
        return any(
            re.search(begins + re.escape(answer) + ends, reply, re.IGNORECASE)
            for answer in self.answers
        )


def book_questions(part: str = "test") -> list[BookQuestion]:
    """Questions written by hand: "topics", "facts" (with short answers), "test" (in
    other words than the book's), and "dev", by which the search was set up.
    """
    found = json.loads(
        Path(__file__).with_name("book_questions.json").read_text("utf-8")
    )
    return [
        BookQuestion(r["question"], tuple(r["sections"]), tuple(r.get("answers", ())))
        for r in found[part]
    ]


def section_ranks(
    retriever: Retriever, questions: Sequence[BookQuestion], depth: int = 50
) -> list[int | None]:
    """For each question the rank, from 1, of the first section found that answers it;
    None where there is none.
    """
    ranks = []
    for question in questions:
        found = [
            hit.passage.source
            for hit in best_sections(retriever, question.question, depth, depth)
        ]
        # as `Section.key` has them
        keys = [source.rpartition("/")[2].replace(".html#", "#") for source in found]
        ranks.append(
            next(
                (rank for rank, key in enumerate(keys, 1) if key in question.sections),
                None,
            )
        )
    return ranks


def recall_at(ranks: Sequence[int | None], k: int) -> float:
    """The share of questions for which a section that answers is among the first k
    found.
    """
    return sum(rank is not None and rank <= k for rank in ranks) / len(ranks)


# --- Answers --------------------------------------------------------------------------


@dataclass(frozen=True)
class BookAnswer:
    """A reply, and the passages that the model had before it when it wrote it, the one
    most like the reply first.
    """

    question: str
    text: str
    passages: tuple[Passage, ...]

    def __str__(self) -> str:
        return "\n".join(
            [self.text, *(f"  {p.title} ({p.source})" for p in self.passages)]
        )

    def _repr_html_(self) -> str:
        """How a notebook shows it. What a model or a document wrote is text, never
        markup.
        """
        items = [
            f'<li><a href="{html.escape(p.source)}">{html.escape(p.title)}</a></li>'
            for p in self.passages
        ]
        return (
            f"<p>{html.escape(self.text)}</p><p>It was"
            f" given:</p><ol>{''.join(items)}</ol>"
        )


def pack_prompt(
    chat: SmolLM2,
    question: str,
    passages: Sequence[Passage],
    budget: int = 600,
    layout: Callable[[str, Sequence[Passage]], str] = quote_passages,
) -> tuple[str, list[Passage]]:
    """The prompt with as many passages, best first, as `budget` tokens hold, and these
    passages.

    A passage that does not fit is left out and the next one is tried: half a passage
    may say the opposite of the whole. Raises `InklingError` for an empty question, for
    one that leaves no room, and where no passage fits.
    """
    if not question.strip():
        raise InklingError("the question is empty; ask something.")
    if not passages:
        raise InklingError(
            "there are no passages to answer from; search with other words, or cut some"
            " documents."
        )

    def size(chosen: Sequence[Passage]) -> int:
        return len(chat.encode_prompt(layout(question, chosen)))

    if (alone := size([])) > budget:
        raise InklingError(
            f"the question takes {alone} tokens with the frame around it, and there are"
            f" {budget}: ask a shorter one, or raise the budget."
        )
    chosen: list[Passage] = []
    for passage in passages:
        if size([*chosen, passage]) <= budget:
            chosen.append(passage)
    if not chosen:
        raise InklingError(
            f"no passage fits beside the question into {budget} tokens: cut shorter"
            " ones, or raise the budget."
        )
    return layout(question, chosen), chosen


def ask(
    chat: SmolLM2,
    retriever: Retriever,
    question: str,
    k: int = 3,
    budget: int = 600,
    length: int = 30,
) -> BookAnswer:
    """Search, pack, answer (greedy, at most `length` tokens), cite. Raises
    `InklingError` as `pack_prompt` does.
    """
    if not question.strip():
        raise InklingError("the question is empty; ask something.")
    if budget + length > chat.model.config.context_length:
        raise InklingError(
            f"a budget of {budget} tokens and a reply of {length} do not fit into the"
            f" model's context of {chat.model.config.context_length}."
        )
    hits = best_sections(retriever, question, k)
    prompt, passages = pack_prompt(
        chat, question, [hit.passage for hit in hits], budget
    )
    reply = chat.reply(prompt, max_new_tokens=length)
    return BookAnswer(
        question,
        reply,
        tuple(
            sorted(passages, key=lambda passage: -support(reply, passage.searchable))
        ),
    )

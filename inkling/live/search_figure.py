"""A figure to search in: by words in the page, as the reader types; by meaning where
Python computed it beforehand.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from inkling.files import InklingError
from inkling.live.figure import Figure, html_table

if TYPE_CHECKING:
    from inkling.reading.retrieval import Retriever

#: The dials of BM25 move in such steps in the page, from 0 to these ends.
STEP, MOST = 0.05, {"k1": 3.0, "b": 1.0}
#: How many characters of data a page takes for one such figure.
LARGEST = 80_000


class SearchFigure(Figure):
    """Type a question, see which passages BM25 finds, what each word adds, and how the
    two dials move the ranking.

    Words are searched in the page, exactly as `inkling.reading.bm25` does it. An
    embedder does not fit there: what is found by meaning is computed here, for the
    examples alone, and shown beside.

    Args:
        passages: the library, at best 60 to 120 short ones
        (`inkling.reading.passages.Passage`).
        examples: question -> the places of the passages that answer it (none, where
            that is not known); each becomes a button, and the first one stands there at
            first.
        by_meaning: a retriever of the same passages, such as
        `inkling.reading.retrieval.DenseRetriever`; None shows no meaning. k1, b: where
        the dials of BM25 stand at first; k1 from 0 to 3 and b from 0 to 1, in steps of
        0.05.
        k: how many passages are shown.
        title: the figure's heading.

    Raises `InklingError` for no passages or examples, for places that are none, for a
    retriever of other passages, for dials that the page's sliders cannot show, and for
    a library that is too large for a page.
    """

    def __init__(
        self,
        passages: Sequence,
        examples: Mapping[str, Collection[int]],
        by_meaning: "Retriever | None" = None,
        k1: float = 1.5,
        b: float = 0.75,
        k: int = 5,
        title: str = "Search the library by words",
    ) -> None:
        from inkling.reading.bm25 import STOP_WORDS

        passages = list(passages)
        if not passages:
            raise InklingError("there are no passages to search; give at least one.")
        if not examples or not all(text.strip() for text in examples):
            raise InklingError(
                "give at least one example question, and none that is empty; the first"
                " stands there."
            )
        wrong = [
            place
            for answers in examples.values()
            for place in answers
            if not 0 <= place < len(passages)
        ]
        if wrong:
            raise InklingError(
                f"place {wrong[0]} answers an example, and the {len(passages)} passages"
                " count from 0."
            )
        for name, value in (("k1", k1), ("b", b)):
            if (
                not 0 <= value <= MOST[name]
                or abs(value / STEP - round(value / STEP)) > 1e-9
            ):
                raise InklingError(
                    f"{name} is {value}; expected 0 to {MOST[name]:g} in steps of"
                    f" {STEP}."
                )
        if k < 1:
            raise InklingError(f"k is {k}; show at least one passage.")
        if by_meaning is not None and list(by_meaning.passages) != passages:
            raise InklingError(
                "by_meaning searches other passages: make the retriever of those that"
                " you give here."
            )
        found = (
            [[] for _ in examples]
            if by_meaning is None
            else by_meaning.rank_many(list(examples), k)
        )
        data = {
            "passages": [
                [passage.title, passage.text, passage.source] for passage in passages
            ],
            "stop_words": sorted(STOP_WORDS),
            "examples": [
                {
                    "text": text,
                    "answers": sorted(int(place) for place in answers),
                    "meaning": [
                        [int(place), round(float(score), 4)] for place, score in ranking
                    ],
                }
                for (text, answers), ranking in zip(
                    examples.items(), found, strict=True
                )
            ],
            "k": k,
            "k1": float(k1),
            "b": float(b),
            "title": title,
        }
        size = len(json.dumps(data))
        if size > LARGEST:
            raise InklingError(
                f"a page would hold {size:,} characters of this, more than {LARGEST:,}:"
                " give fewer passages."
            )
        super().__init__(data)

    def fallback(self) -> str:
        """A table of what the first example finds."""
        from inkling.reading.bm25 import BM25

        texts = [
            f"{title}\n{text}" if title else text
            for title, text, _ in self.data["passages"]
        ]
        first, k = self.data["examples"][0], self.data["k"]
        scores, places = BM25(texts, self.data["k1"], self.data["b"]).search(
            first["text"], k
        )
        found = {
            "words": list(zip(places.tolist(), scores.tolist(), strict=True)),
            "meaning": first["meaning"],
        }
        tables = [
            html_table(
                f"Found by {way}",
                ["place", "passage", "score"],
                [
                    [rank, texts[place], f"{score:.2f}"]
                    for rank, (place, score) in enumerate(ranking, 1)
                ],
            )
            for way, ranking in found.items()
            if ranking
        ]
        return (
            f"<p>A search among {len(texts)} passages for “{escape(first['text'])}”</p>"
            + "".join(tables)
        )

"""Figures that draw data from the notebook: counts, merges, a training run, the
surprise of each token.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

from inkling.files import InklingError
from inkling.live.figure import Figure, html_table, visible
from inkling.live.weights import tokenizer_tables
from inkling.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    from inkling.training.pretrain import StepRecord

_SPAN_MEASURES = {
    "surprise": "The model's surprise by kind",
    "kl": "KL divergence by kind",
    "context": "KL divergence by kind",
}
KIND_NAMES = {
    "grammar": "grammar",
    "fact": "fact",
    "copy": "copy",
    "free": "free choice",
}


class NGramFigure(Figure):
    """An n-gram model made of raw counts: choose the order, see what followed, let it
    write.

    It falls back to a shorter context when the longer one was never seen. The counting
    happens in the page.

    Args:
        sequences: documents or sentences, each a list of words (or of characters, with
        joiner="").
        order: the slider's first position; order 3 looks at two tokens to guess the
        third.
        max_order: the slider's end.
        start: the tokens that stand there at first.
        joiner: what stands between two tokens.
        limit: how many tokens to use at most; they are stored in the page.
        seed: of the page's own random numbers.
    """

    def __init__(
        self,
        sequences: Iterable[Sequence[str]],
        order: int = 3,
        max_order: int = 5,
        start: Sequence[str] = (),
        joiner: str = " ",
        limit: int = 20_000,
        seed: int = 0,
    ) -> None:
        kept, left = [], limit
        for sequence in sequences:
            kept.append([str(token) for token in sequence[:left]])
            left -= len(kept[-1])
            if left <= 0:
                break
        if not any(kept):
            raise InklingError(
                "there is nothing to count: give at least one sequence with a token"
                " in it."
            )
        if joiner and any(joiner in token for sequence in kept for token in sequence):
            raise InklingError(
                f"a token holds {joiner!r}, which is to stand between tokens: give"
                " another joiner."
            )
        if not joiner and any(
            len(token) != 1 for sequence in kept for token in sequence
        ):
            raise InklingError(
                "with joiner='' every token is one character: give a joiner for longer"
                " tokens."
            )
        super().__init__(
            {
                "texts": [joiner.join(sequence) for sequence in kept if sequence],
                "order": order,
                "max_order": max_order,
                "start": list(start),
                "joiner": joiner,
                "seed": seed,
            }
        )

    def fallback(self) -> str:
        """A table of the eight most frequent tokens and what followed them."""
        data, followers = self.data, defaultdict(Counter)
        sequences = [
            text.split(data["joiner"]) if data["joiner"] else list(text)
            for text in data["texts"]
        ]
        for sequence in sequences:
            for before, after in zip(sequence, sequence[1:], strict=False):
                followers[before][after] += 1
        rows = [
            [
                visible(before),
                ", ".join(
                    f"{visible(token)} ({n})"
                    for token, n in followers[before].most_common(4)
                ),
            ]
            for before, _ in Counter(t for s in sequences for t in s[:-1]).most_common(
                8
            )
        ]
        return html_table(
            "The most frequent tokens and what followed them most often",
            ["token", "followed by"],
            rows,
        )


class TokenizerFigure(Figure):
    """Type a text, see its tokens, their ids and bytes; a slider goes through the
    merges one by one.

    Args:
        tokenizer: an inkling.text.tokenizer.Tokenizer with GPT-2's pattern.
        text: the text that stands there at first.
        merges: how many merges are in use at first; None is all of them.
    """

    def __init__(
        self, tokenizer: Tokenizer, text: str, merges: int | None = None
    ) -> None:
        table = tokenizer_tables(tokenizer)["merges"]
        super().__init__(
            {
                "text": text,
                "merges": table,
                "start": len(table) if merges is None else merges,
            }
        )
        self._pieces = [tokenizer.decode([i]) for i in tokenizer.encode(text)]

    def fallback(self) -> str:
        """The tokens of the first text, side by side."""
        tokens = " ".join(
            f"<code>{escape(visible(piece))}</code>" for piece in self._pieces
        )
        return f"<p>The text as {len(self._pieces)} tokens: {tokens}</p>"


class TrainingFigure(Figure):
    """The loss curve of a run beside its bound, and what the model wrote at each saved
    step.

    Args:
        history: the records of inkling.training.pretrain.train (then the unit is nats a
            token), or a dict {"train": [[step, loss], ...], "validation": [[step,
            loss], ...], "samples": [[step, text], ...]}, any of which may be missing.
        samples: [step, text] pairs, if the history has none. The slider goes through
        them, or else along the curve. bound: a loss in the same unit that no model can
        beat, drawn as a line; None draws none.
        unit: of the losses.
        title: the figure's heading.
    """

    def __init__(
        self,
        history: "Sequence[StepRecord] | dict[str, Sequence[Sequence]]",
        samples: Iterable[Sequence] = (),
        bound: float | None = None,
        unit: str = "nats per token",
        title: str = "Learning, step by step",
    ) -> None:
        if not isinstance(history, dict):
            history = {
                "train": [(r.step, r.loss) for r in history],
                "validation": [
                    (r.step, r.valid_loss) for r in history if r.valid_loss is not None
                ],
            }
        samples = list(samples) or history.get("samples") or ()
        curves = {
            name: [
                [int(step), round(float(loss), 4)]
                for step, loss in history.get(name) or ()
            ]
            for name in ("train", "validation")
        }
        if not any(curves.values()):
            raise InklingError(
                "the history is empty: give a run's records, or a dict with 'train' or"
                " 'validation'"
            )
        # a picture 640 pixels wide needs no more points
        every = max(1, len(curves["train"]) // 400)
        curves["train"] = curves["train"][::every]
        super().__init__(
            {
                **curves,
                "samples": [[int(step), str(text)] for step, text in samples],
                "bound": None if bound is None else float(bound),
                "unit": unit,
                "title": title,
            }
        )

    def fallback(self) -> str:
        """A table of about ten points of the curve, and the bound."""
        curve = self.data["validation"] or self.data["train"]
        rows = [
            [step, f"{loss:.3f}"] for step, loss in curve[:: max(1, len(curve) // 10)]
        ]
        bound = self.data["bound"]
        end = "" if bound is None else f"; the bound is {bound:.3f}"
        return html_table(
            f"{self.data['title']}: loss in {self.data['unit']}{end}",
            ["step", "loss"],
            rows,
        )


class SpanLossFigure(Figure):
    """A text with every token shaded by how much it surprised the model, and marked
    with the kind of choice it was.

    Args:
        tokens: [text, bits, kind] for each token; the texts joined are the document.
            Kinds are grammar, fact, copy and free, or any other words.
        bounds: kind -> bits of the source for this text, shown beside the model's sums.
        title: the figure's heading.
        measure: what the bits are: "surprise"; "kl", how far two models are apart at
            the token's place; or "context", how far one model is from itself there,
            with and without something in front.
    """

    def __init__(
        self,
        tokens: Iterable[Sequence],
        bounds: dict[str, float] | None = None,
        title: str = "What surprised the model?",
        measure: str = "surprise",
    ) -> None:
        if measure not in _SPAN_MEASURES:
            raise InklingError(
                f"measure is {measure!r}; it is one of {', '.join(_SPAN_MEASURES)}."
            )
        tokens = [
            [str(text), round(float(bits), 3), str(kind)] for text, bits, kind in tokens
        ]
        if not tokens:
            raise InklingError(
                "there are no tokens to show: give [text, bits, kind] for each token."
            )
        bounds = (
            None
            if bounds is None
            else {kind: float(bits) for kind, bits in bounds.items()}
        )
        super().__init__(
            {
                "tokens": tokens,
                "bounds": bounds,
                "title": title,
                "names": KIND_NAMES,
                "measure": measure,
            }
        )

    def fallback(self) -> str:
        """The text, and a table of the bits by kind."""
        bits, count = Counter(), Counter()
        for _, b, kind in self.data["tokens"]:
            bits[kind] += b
            count[kind] += 1
        text = "".join(text for text, _, _ in self.data["tokens"])
        rows = [
            [KIND_NAMES.get(kind, kind), count[kind], f"{bits[kind]:.1f}"]
            for kind in sorted(bits)
        ]
        table = html_table(
            _SPAN_MEASURES[self.data["measure"]], ["kind", "tokens", "bits"], rows
        )
        return f"<pre>{escape(text)}</pre>{table}"

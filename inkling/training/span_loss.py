"""The loss on text whose every choice was booked: by token, by kind of span, by kind of
document, and per byte.
"""

import itertools
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from inkling.files import InklingError
from inkling.model.transformer import Transformer
from inkling.settings import several
from inkling.text.tokenizer import Tokenizer
from inkling.training.packing import group_by_length
from inkling.world import Document

LOG2_E = 1.0 / math.log(2.0)


@torch.inference_mode()
def token_bits(
    model: Transformer, sequences: Sequence[Sequence[int]], batch_size: int = 16
) -> list[np.ndarray]:
    """The surprisal of every token but the first of each sequence, in bits: arrays of
    length len(sequence) - 1.

    A sequence longer than the context is read in windows that overlap by half, so that
    every token beyond the first window is predicted from at least half a context.
    """
    length = model.config.context_length
    stride = max(1, length // 2)
    device = next((parameter.device for parameter in model.parameters()), None)
    windows = []  # (sequence, first token of the window, first target that counts)
    for number, sequence in enumerate(sequences):
        windows.append((number, 0, 1))
        start = stride
        while start - stride + length + 1 < len(sequence):
            windows.append((number, start, start + length - stride + 1))
            start += stride
    bits = [np.zeros(max(0, len(sequence) - 1)) for sequence in sequences]
    sizes = [min(length, len(sequences[n]) - start) for n, start, _ in windows]
    for group in group_by_length(sizes, batch_size):
        batch = [windows[i] for i in group]
        rows = [list(sequences[n][start : start + length + 1]) for n, start, _ in batch]
        width = max(map(len, rows))
        if width < 2:
            continue
        # Padding stands on the right, where no real token looks, and its losses are
        # left out below.
        padded = torch.tensor(
            [row + [0] * (width - len(row)) for row in rows], device=device
        )
        losses = F.cross_entropy(
            model(padded[:, :-1]).float().flatten(0, 1),
            padded[:, 1:].flatten(),
            reduction="none",
        ).view(len(rows), -1)
        for (number, start, first), row, loss in zip(
            batch, rows, losses.cpu().numpy(), strict=True
        ):
            count = start + len(row) - first
            bits[number][first - 1 : first - 1 + count] = (
                loss[len(row) - 1 - count : len(row) - 1] * LOG2_E
            )
    return bits


def encode_texts(tokenizer: Tokenizer, texts: Iterable[str]) -> list[list[int]]:
    """Each text as the model meets it: the end-of-text token, the text's tokens, the
    end-of-text token.

    What stands in a text is never markup: the text "<|endoftext|>" is spelled out, not
    taken for the token.
    """
    eos = tokenizer.eos_id
    return [[eos, *ids, eos] for ids in tokenizer.encode_batch(list(several(texts)))]


def encode_documents(
    tokenizer: Tokenizer, documents: Iterable[Document]
) -> list[list[int]]:
    """The texts of the documents, as `encode_texts` gives them."""
    return encode_texts(tokenizer, [document.text for document in documents])


def token_kinds(
    tokenizer: Tokenizer, document: Document, ids: Sequence[int]
) -> list[str]:
    """The span kind of each token of a document: that of its last character (its
    leading space says nothing).

    Raises `InklingError` where the spans do not cover the text, and where the tokens
    are of another text.
    """
    text, spans = document.text, document.spans
    pieces = [text[span.start : span.end] for span in spans]
    if "".join(pieces) != text:
        raise InklingError(
            f"the spans of this {document.kind} do not cover its text. Take a document"
            " as a World writes it, or give spans for all of it."
        )
    sizes = [len(tokenizer.token_bytes(token)) for token in ids]
    # tokens are made of bytes, spans of characters
    ends = list(itertools.accumulate(len(piece.encode("utf-8")) for piece in pieces))
    if sum(sizes) != len(text.encode("utf-8")):
        raise InklingError(
            f"these tokens have {sum(sizes)} bytes, and the {document.kind} has"
            f" {len(text.encode('utf-8'))}: they are not of one text."
        )
    kinds, span = [], 0
    for position in itertools.accumulate(sizes):
        while ends[span] < position:
            span += 1
        kinds.append(spans[span].kind)
    return kinds


@dataclass
class SpanLoss:
    """Bits that a model needs, and bits that the generator chose, summed over the
    tokens of one kind.
    """

    model_bits: float = 0.0
    bound_bits: float = 0.0
    tokens: int = 0

    def add(self, model_bits: float, bound_bits: float, tokens: int) -> None:
        """Count these tokens and bits, too."""
        self.model_bits += model_bits
        self.bound_bits += bound_bits
        self.tokens += tokens


@dataclass
class SpanReport:
    """Loss against the bound: in all, by kind of span, and by kind of document."""

    total: SpanLoss
    by_span: dict[str, SpanLoss]
    by_document: dict[str, SpanLoss]
    n_bytes: int

    @property
    def bits_per_byte(self) -> float:
        """What the model needs for a byte of text."""
        return self.total.model_bits / self.n_bytes

    @property
    def bound_bits_per_byte(self) -> float:
        """What the generator chose for a byte of text."""
        return self.total.bound_bits / self.n_bytes

    @property
    def excess(self) -> float:
        """How far the loss lies above the bound, as a share of the bound: 0.05 is five
        per cent.
        """
        return self.total.model_bits / self.total.bound_bits - 1.0


def loss_by_span(
    model: Transformer | None,
    tokenizer: Tokenizer,
    documents: Sequence[Document],
    bits: Sequence[np.ndarray] | None = None,
) -> SpanReport:
    """Split the loss on `documents` by what decides the text: grammar, fact, copy or
    free choice.

    The sum of the generator's bits is exact, and so is the comparison in all and by
    kind of document. By kind of span it is exact only as bookkeeping: a choice is
    booked where it was made, while a model may already see through it a word earlier
    ("The" rules out all sentences that begin with a name), so bits can move between
    neighbouring spans.

    bits: surprisals already computed for `encode_documents(...)`, by `token_bits` or by
    another kind of model (then `model` may be None).
    """
    if not documents:
        raise InklingError(
            "there are no documents to measure the loss on; pass at least one."
        )
    sequences = encode_documents(tokenizer, documents)
    if bits is None:
        if model is None:
            raise InklingError("pass a model, or the bits that another one measured.")
        bits = token_bits(model, sequences)
    total, by_span, by_document = (
        SpanLoss(),
        defaultdict(SpanLoss),
        defaultdict(SpanLoss),
    )
    for document, sequence, values in zip(documents, sequences, bits, strict=True):
        # that the text ends here is grammar
        kinds = [*token_kinds(tokenizer, document, sequence[1:-1]), "grammar"]
        for kind, value in zip(kinds, values, strict=True):
            by_span[kind].add(value, 0.0, 1)
        for kind, value in document.bits.items():
            by_span[kind].add(0.0, value, 0)
        for part in (total, by_document[document.kind]):
            part.add(float(values.sum()), document.total_bits, len(values))
    return SpanReport(
        total,
        dict(by_span),
        dict(by_document),
        sum(len(document.text.encode("utf-8")) for document in documents),
    )


def bits_per_byte(
    model: Transformer, tokenizer: Tokenizer, texts: Sequence[str]
) -> float:
    """Surprisal of whole texts per UTF-8 byte: comparable between tokenizers, unlike
    the loss per token.
    """
    n_bytes = sum(len(text.encode("utf-8")) for text in several(texts))
    if n_bytes == 0:
        raise InklingError(
            "there is no text to measure; pass at least one text that is not empty."
        )
    sequences = encode_texts(tokenizer, texts)
    return float(sum(values.sum() for values in token_bits(model, sequences))) / n_bytes

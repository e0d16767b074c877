"""Kinds of tokens and bits a byte, on texts that are not ASCII and spans that do not fit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tiny
from hypothesis import given
from hypothesis import strategies as st

from inkling.files import InklingError
from inkling.training.span_loss import encode_documents, loss_by_span, token_kinds
from inkling.world import KINDS, Document, Span


def document(*pieces: tuple[str, str]) -> Document:
    """A text with a span for each piece."""
    spans, start = [], 0
    for text, kind in pieces:
        spans.append(Span(start, start + len(text), kind))
        start += len(text)
    return Document("".join(text for text, _ in pieces), "letter", spans, {"free": 1.0})


DOCUMENTS = st.lists(
    st.tuples(st.text("aÅ€🦀 mill", max_size=6), st.sampled_from(KINDS)), max_size=6
).map(lambda pieces: document(*pieces))


@given(DOCUMENTS)
def test_a_token_has_the_kind_of_its_last_byte_whatever_the_text(written):
    kinds_of_bytes = [
        span.kind
        for span in written.spans
        for _ in written.text[span.start : span.end].encode("utf-8")
    ]
    tokenizer, place, right = tiny.tokenizer(), 0, []
    ids = tokenizer.encode(written.text)
    for token in ids:
        place += len(tokenizer.token_bytes(token))
        right.append(kinds_of_bytes[place - 1])
    assert token_kinds(tokenizer, written, ids) == right


def test_bits_a_byte_are_of_bytes():
    written = document(("Åland, ", "fact"), ("3 €.", "free"))
    ids = encode_documents(tiny.tokenizer(), [written])[0]
    bits = [np.ones(len(ids) - 1)]
    report = loss_by_span(None, tiny.tokenizer(), [written], bits)
    assert report.n_bytes == len("Åland, 3 €.".encode()) > len(written.text)
    assert sum(part.tokens for part in report.by_span.values()) == len(ids) - 1


@pytest.mark.parametrize(
    "spans", [[], [Span(0, 4, "fact")], [Span(0, 4, "fact"), Span(5, 10, "free")]]
)
def test_spans_that_do_not_cover_the_text_are_refused(spans):
    written = document(("Ada is in.", "fact"))
    with pytest.raises(InklingError, match="do not cover its text"):
        loss_by_span(tiny.random_model(), tiny.tokenizer(), [replace(written, spans=spans)])


def test_tokens_of_another_text_are_refused():
    ids = tiny.tokenizer().encode("Ada is at home.")
    with pytest.raises(InklingError, match="not of one text"):
        token_kinds(tiny.tokenizer(), document(("Ada is in.", "fact")), ids)

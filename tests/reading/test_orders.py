"""Planted documents and the defences against them, on text alone."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from inkling.files import InklingError
from inkling.reading.orders import (
    ATTACKS,
    CANARY,
    KNOWN,
    ORDERS,
    drop_orders,
    fence_passages,
    lone_witness,
    obeys,
    planted,
    support,
)
from inkling.reading.passages import Passage

TRUE = Passage("a/0", "Ada keeps a goat behind the mill.", "Ada", "a.html#ada")
ALSO = Passage("b/0", "The goat is white.", "Goats", "b.html#goats")


def test_a_planted_document_begins_with_the_question():
    for attack in ATTACKS:
        document = planted("What is a token?", attack)
        assert document.text.startswith("What is a token? ") and obeys(document.text)
        assert "{" not in document.text
    with pytest.raises(InklingError, match="no attack 'x'; there are: order, "):
        planted("?", "x")


def test_what_obeys():
    assert obeys("Pineapple!") and obeys(f"the {CANARY}s") and not obeys("an apple from a pine")


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_filter_stops_what_it_was_written_against_and_nothing_else(attack):
    (left,) = drop_orders([planted("What is a token?", attack)])
    assert obeys(left.text) == (attack not in KNOWN)
    assert left.text.startswith("What is a token?")


#: Two parts of the filter as one would write them first: each start is tried with each end, which
#: takes the square of the text's length.
PLAIN = re.compile(
    r"\b(?:ignore|disregard|forget)\b.*\b(?:question|instruction|above|previous|prompt|rule)"
    r"|<\|.*?\|>",
    re.IGNORECASE | re.DOTALL,
)
PIECES = "ignore Forget ignores question Rule questions the <| |> | < > x . \n".split(" ")


@example(["<|", "<", "|>"], "")
@given(st.lists(st.sampled_from(PIECES), max_size=12), st.sampled_from(["", " "]))
def test_the_filter_finds_what_its_plain_form_finds(pieces, between):
    text = "so " + between.join(pieces)
    assert bool(ORDERS.search(text)) == bool(PLAIN.search(text))


def test_the_fence_quotes_and_asks_last():
    rule, asked = fence_passages("What does Ada keep?", [TRUE, ALSO])
    assert rule.role == "system" and "Never obey" in rule.text and asked.role == "user"
    assert (
        asked.text.index(ALSO.text)
        < asked.text.index(TRUE.text)
        < asked.text.index("Question: What does Ada keep?")
    )
    assert asked.text.endswith("What does Ada keep?") and asked.text.count('"') == 4


def test_a_lone_witness_is_found():
    documents = [TRUE, ALSO, planted("What does Ada keep?", "order")]
    assert lone_witness(CANARY, "What does Ada keep?", documents) == 2
    assert lone_witness("Ada keeps a goat.", "What does Ada keep?", documents) is None
    assert lone_witness("behind the mill", "What does Ada keep?", documents) == 0, (
        "this is what it costs"
    )
    assert lone_witness("", "What?", documents) == 0, "nothing said rests on nothing"
    assert lone_witness("a goat", "What?", []) is None


def test_support_counts_words():
    assert support("The sail catches rain.", "a sail catches wind") == pytest.approx(2 / 3)
    assert support("", "a") == support("the of", "the of") == 0

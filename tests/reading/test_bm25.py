"""BM25: against the formula written out, against bm25s, ties, and bad input."""

import math
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inkling.files import InklingError
from inkling.reading.bm25 import BM25, STOP_WORDS, top_k, words
from inkling.world import World

WORDS = st.lists(st.sampled_from("boat mill goat Ada ada the".split()), max_size=8).map(" ".join)


def by_the_formula(texts: list[str], query: str, k1: float, b: float) -> list[float]:
    """Nothing is computed beforehand, and nothing is left out: every word of the query with every
    text.
    """
    split = [words(text) for text in texts]
    average = sum(map(len, split)) / len(split) or 1
    scores = []
    for text in split:
        score = 0.0
        for word in words(query):
            n = sum(word in other for other in split)
            idf = math.log(1 + (len(texts) - n + 0.5) / (n + 0.5))
            tf = text.count(word)
            score += idf * tf / (tf + k1 * (1 - b + b * len(text) / average)) if tf else 0.0
        scores.append(score)
    return scores


@given(st.lists(WORDS, min_size=1, max_size=6), WORDS, st.floats(0, 3), st.floats(0, 1))
def test_scores_are_those_of_the_formula(texts, query, k1, b):
    np.testing.assert_allclose(
        BM25(texts, k1, b).scores(query), by_the_formula(texts, query, k1, b), atol=1e-5
    )


@pytest.fixture(scope="module")
def documents():
    return [document.text for document in World(0).documents(60_000)]


@pytest.mark.parametrize(
    "query", ["Where does Ada live?", "the boat, the boat", "a letter from the mail boat"]
)
def test_scores_are_those_of_bm25s(documents, query):
    bm25s = pytest.importorskip("bm25s")
    theirs = bm25s.BM25(method="lucene", k1=1.5, b=0.75)
    split = [words(document) for document in documents]
    theirs.index(split, show_progress=False)
    known = [word for word in words(query) if any(word in text for text in split)]
    ours = BM25(documents).scores(query)
    assert known and ours.max() > 0
    np.testing.assert_allclose(ours, theirs.get_scores(known), rtol=1e-4, atol=1e-5)


def test_the_sparse_matrix_holds_each_pair_of_word_and_text_once():
    index = BM25(["boat boat mill", "mill", "goat boat"])
    assert len(index.shares) == len(index.text_ids) == index.starts[-1] == 5
    part = slice(*index.starts[index.vocabulary["boat"] :][:2])
    assert index.text_ids[part].tolist() == [0, 2]


def test_a_rare_word_is_worth_more_than_a_common_one_and_a_second_time_less_than_the_first():
    index = BM25(["boat mill", "boat goat", "boat lamp", "boat rope"])
    assert index.scores("goat")[1] > 2 * index.scores("boat")[1]
    once, twice, thrice = BM25(["boat", "boat boat", "boat boat boat"], b=0.0).scores("boat")
    assert twice - once > thrice - twice > 0


def test_a_long_text_is_worth_less_unless_b_is_zero():
    texts = ["boat", "boat " + "rope " * 20]
    assert np.subtract(*BM25(texts).scores("boat")) > 0
    assert np.subtract(*BM25(texts, b=0.0).scores("boat")) == 0


def test_words_are_compared_without_case_and_marks():
    assert words("Who feeds Ada's GOAT?") == ["feeds", "ada", "s", "goat"]
    assert BM25(["Ada's goat!"]).scores("ADA")[0] > 0


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("東京", "東京は日本の首都です。"),
        ("犬", "私は犬が好きです。"),  # a word of one letter, inside
        ("กรุงเทพ", "เมืองหลวงคือกรุงเทพมหานคร"),
        ("café", "a cafe\u0301 by the sea"),
        ("CAFE\u0301", "a café by the sea"),
        ("tokyo", "Ｔｏｋｙｏ"),
        ("ガス", "ｶﾞｽ"),
        ("fish", "\ufb01sh"),
        ("STRASSE", "die Straße"),
        ("ΟΔΟΣ", "οδος"),
        ("cooperate", "co\u00adoperate"),
        ("서울", unicodedata.normalize("NFD", "서울 날씨")),
        ("किताब", "हिन्दी की किताब"),
    ],
)
def test_what_looks_alike_is_found(query, text):
    index = BM25(["Ada is a baker.", text, "猫と魚", "कल"])
    assert index.search(query)[1].tolist() == [1]


def test_a_pair_of_letters_counts_for_more_than_the_letters():
    assert words("東京は") == ["東", "京", "は", "東京", "京は"]
    index = BM25(["京都の東の山", "東京の山と川", "川と山の道"])
    assert index.search("東京")[1].tolist() == [1, 0]


def test_a_word_keeps_its_marks_and_is_not_cut_at_them():
    assert words("हिन्दी में") == ["हिन्दी", "में"]
    assert words("ada_b x̌y 3東") == ["ada_b", "x̌y", "3", "東"]


@given(st.text(max_size=40) | st.text(st.sampled_from("aé東京กิ\u0301\u0323ﾞカ ǅﬁß."), max_size=20))
def test_words_do_not_depend_on_how_a_text_was_typed(text):
    for form in ("NFC", "NFD"):
        assert words(unicodedata.normalize(form, text)) == words(text)
    found = words(text)
    assert (BM25([text, "."]).search(text)[1].tolist() == [0]) == bool(found)


def test_a_question_word_finds_nothing():
    """Passages seldom have question words, so without a stop list "What a pity!" is what a "What"
    finds.
    """
    assert {"what", "where", "whom", "does", "the"} <= STOP_WORDS
    scores, found = BM25(["What a pity about the hat!", "Ada lives in Mill Road."]).search(
        "What does Ada do?"
    )
    assert found.tolist() == [1]


def test_best_first_and_of_equals_the_first_one():
    scores, found = BM25(["mill", "boat", "boat mill", "boat", "goat"]).search("boat", k=3)
    assert found.tolist() == [1, 3, 2] and scores[0] == scores[1] > scores[2] > 0


@pytest.mark.parametrize("query", ["", "?!", "what is the", "zebra"])
def test_a_query_of_unknown_words_finds_nothing(query):
    scores, found = BM25(["Ada is a baker.", "Emma keeps a goat."]).search(query)
    assert len(scores) == len(found) == 0


def test_more_results_than_texts_are_all_that_share_a_word():
    assert BM25(["boat", "mill", "boat"]).search("boat", k=100)[1].tolist() == [0, 2]


def test_texts_without_a_word_are_never_found():
    assert BM25(["", "?"]).search("boat")[1].tolist() == []
    assert BM25(["", "boat"]).search("boat")[1].tolist() == [1]


@given(st.lists(st.integers(-3, 3), max_size=30), st.integers(1, 40))
def test_top_k_is_a_stable_sort(scores, k):
    expected = sorted(range(len(scores)), key=lambda i: -scores[i])[:k]
    assert top_k(np.array(scores, np.float32), k).tolist() == expected


def test_bad_input_raises():
    with pytest.raises(InklingError, match="no texts to search"):
        BM25([])
    for k in (0, 1.5, math.nan, "2", True):
        with pytest.raises(InklingError, match=f"k is {k!r}; ask for at least one result"):
            BM25(["boat"]).search("boat", k=k)
    for k1, b in [(-1, 0.5), (math.nan, 0.5), (1, -0.1), (1, 1.1)]:
        with pytest.raises(InklingError, match="expected k1 of at least 0"):
            BM25(["boat"], k1, b)

"""Passages: sentences stay whole, nothing is lost, the limit holds, and what overlaps."""

import unicodedata

import numpy as np
import pytest
import tiny
from hypothesis import given
from hypothesis import strategies as st

from inkling.files import InklingError
from inkling.reading.passages import Passage, chunk, count_words, split_sentences

TEXTS = (
    st.text(alphabet=st.sampled_from("ab é.!?\"' \n\t:Z"), max_size=120)
    | st.text(alphabet=st.sampled_from("ab 東京は。！」กิ\u0301ー\n"), max_size=120)
    | st.text(max_size=60)
)
TOKENIZER = tiny.tokenizer()


def count_tokens(text: str) -> int:
    return len(TOKENIZER.encode(text, allow_special=False))


@given(TEXTS)
def test_sentences_joined_are_the_text(text):
    assert "".join(split_sentences(text)) == text


def test_a_sentence_ends_at_its_mark_or_with_its_line():
    text = (
        'Ada said: "Come in!" Emma came. Is it 3.5 miles? I think so, e.g. by'
        " boat.\nNotice\n\nLost: a hat."
    )
    assert [sentence.strip() for sentence in split_sentences(text)] == [
        'Ada said: "Come in!"',
        "Emma came.",
        "Is it 3.5 miles?",
        "I think so, e.g. by boat.",
        "Notice",
        "Lost: a hat.",
    ]


def test_two_spaces_end_no_sentence_that_one_does_not_end():
    assert split_sentences("At 3 p.m.  by boat.  Then home.") == [
        "At 3 p.m.  by boat.  ",
        "Then home.",
    ]


def test_sentences_end_in_scripts_without_spaces():
    text = "東京は日本の首都です。人口は？「多い！」と言う。\nयह है। वह है।هل؟ نعم"
    assert [sentence.strip() for sentence in split_sentences(text)] == [
        "東京は日本の首都です。",
        "人口は？",
        "「多い！」",
        "と言う。",
        "यह है।",
        "वह है।",
        "هل؟",
        "نعم",
    ]


def test_a_letter_of_a_script_without_spaces_counts_as_a_word():
    assert count_words("東京は、日本の 首都です。") == 10
    assert count_words("In Tokyo (東京) it rains.") == 7
    assert count_words("ที่นี่") == 2  # the marks above belong to their letters
    assert count_words("Ada is a baker, é 32") == len("Ada is a baker, é 32".split())


@pytest.mark.parametrize(
    "text",
    [
        "我们今天去海边看日落和小船，" * 230,  # 3,220 letters without an end of a sentence
        "我们今天去海边看日落和小船。" * 230,
        "ภาษาไทยไม่มีช่องว่างระหว่างคำ" * 110,
        "ភាសាខ្មែរ" * 320,
        "カタカナー" * 640,
    ],
    ids=["no end", "sentences", "Thai", "Khmer", "katakana"],
)
@pytest.mark.parametrize("overlap", [0, 1])
def test_a_long_text_without_spaces_gives_passages(text, overlap):
    passages = chunk(text, limit=40, overlap=overlap)
    assert len(passages) >= 30 and all(len(passage.text) <= 130 for passage in passages)
    assert all(20 <= count_words(passage.text) <= 40 for passage in passages[:-1])
    for passage in passages:  # none begins with a mark that belongs to what stands before
        assert unicodedata.category(passage.text[0])[0] not in "MP"
    if "。" in text:
        assert all(passage.text.endswith("。") for passage in passages)


@given(
    TEXTS, st.integers(1, 12), st.integers(0, 3), st.sampled_from([count_words, count_tokens, len])
)
def test_no_text_is_lost_and_no_passage_is_too_long(text, limit, overlap, length):
    passages = chunk(text, limit, overlap, length, id="x")
    covered = set()
    for passage in passages:
        assert (
            passage.text
            == text[passage.start : passage.start + len(passage.text)]
            == passage.text.strip()
        )
        # One letter is the least that a passage can be; it may have more bytes, and so tokens, than
        # the limit.
        assert length(passage.text) <= limit or len(passage.text) == 1
        covered |= set(range(passage.start, passage.start + len(passage.text)))
    assert {i for i, letter in enumerate(text) if letter.strip()} <= covered
    assert [passage.id for passage in passages] == [f"x/{i}" for i in range(len(passages))]


@given(TEXTS, st.integers(1, 12), st.integers(0, 3))
def test_every_passage_brings_something_new(text, limit, overlap):
    """An overlap as long as the passage would go on for ever."""
    passages = chunk(text, limit, overlap)
    ends = [passage.start + len(passage.text) for passage in passages]
    assert ends == sorted(set(ends))


def test_passages_are_whole_sentences_as_many_as_fit():
    text = "Ada is a baker. She lives in Mill Road. Emma has a goat."
    assert [p.text for p in chunk(text, limit=9)] == [
        "Ada is a baker. She lives in Mill Road.",
        "Emma has a goat.",
    ]
    assert [p.text for p in chunk(text, limit=8)] == text.replace(". ", ".|").split("|")
    assert [p.text for p in chunk(text, limit=100)] == [text]


def test_the_overlap_says_the_last_sentences_again_as_far_as_there_is_room():
    text = "A b c. D e f. G h i. J k l m n o p q."
    assert [p.text for p in chunk(text, 9, overlap=1)] == [
        "A b c. D e f. G h i.",
        "J k l m n o p q.",
    ]
    assert [p.text for p in chunk(text, 6, overlap=1)][:2] == ["A b c. D e f.", "D e f. G h i."]
    assert [p.text for p in chunk(text, 11, overlap=5)] == [
        "A b c. D e f. G h i.",
        "G h i. J k l m n o p q.",
    ]


def test_a_sentence_that_is_too_long_is_cut_between_words_and_a_word_between_letters():
    assert [p.text for p in chunk("one two three four five", limit=2)] == [
        "one two",
        "three four",
        "five",
    ]
    assert [p.text for p in chunk("abcdefgh ij", limit=3, length=len)] == [
        "ab",
        "cd",
        "ef",
        "gh",
        "ij",
    ]


def test_a_text_without_a_visible_letter_gives_no_passage():
    assert chunk("") == chunk(" \n\t ") == []


def test_the_title_is_searched_with_the_text_and_is_no_part_of_it():
    (passage,) = chunk("She is a baker.", id="entry 1", title="Ada Ashby", source="person entry")
    assert passage == Passage("entry 1/0", "She is a baker.", "Ada Ashby", "person entry", 0)
    assert passage.searchable == "Ada Ashby\nShe is a baker."
    assert Passage("1", "She is a baker.").searchable == "She is a baker."


@pytest.mark.parametrize(
    ("limit", "overlap"),
    [(0, 0), (-3, 0), (5, -1), (1.5, 0), (5, 0.5), (float("nan"), 0), ("40", 0), (True, 0)],
)
def test_a_limit_or_an_overlap_that_makes_no_sense_raises(limit, overlap):
    with pytest.raises(InklingError, match="whole numbers, at least 1 and at least 0"):
        chunk("Ada is a baker.", limit, overlap)


def test_a_limit_may_be_a_number_of_numpys():
    assert chunk("Ada is a baker.", np.int64(2)) == chunk("Ada is a baker.", 2)

"""Searching the book and answering from it. A bag of words stands in for MiniLM, a word counter for
SmolLM2; the last part wants the real files.
"""

import dataclasses
import re
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import ROOT

from inkling.files import InklingError
from inkling.reading.orders import quote_passages
from inkling.reading.passages import Passage
from inkling.reading.retrieval import WordRetriever
from inkling.real.book_search import (
    BookAnswer,
    BookQuestion,
    BookRetriever,
    MeaningRetriever,
    ask,
    best_sections,
    book_passages,
    book_questions,
    pack_prompt,
    recall_at,
    section_ranks,
)
from inkling.real.book_text import read_book, sections_of
from inkling.real.fetch import fetched
from inkling.real.pretrained import MiniLM, load_smollm2

PAGE = """
# Boats

## Sails

A sail catches the wind. It is made of cloth.

## Oars

An oar pushes the water. It is made of ash.
"""


class Bag:
    """Sentences as counts of their words: of like words, of like direction."""

    dim = 512

    def embed(self, texts):
        vectors = np.zeros((len(texts), self.dim), np.float32)
        for row, text in zip(vectors, texts, strict=True):
            for word in re.findall(r"\w+", text.lower()):
                row[sum(ord(c) * 31**i for i, c in enumerate(word)) % self.dim] += 1
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


class Parrot:
    """A chat model that counts a word as a token and says what it is told to."""

    def __init__(self, says="A sail catches the wind.", context=1000):
        self.says, self.asked = says, []
        self.model = SimpleNamespace(config=SimpleNamespace(context_length=context))

    def encode_prompt(self, text):
        return text.split()

    def reply(self, prompt, max_new_tokens):
        self.asked.append((prompt, max_new_tokens))
        return self.says


@pytest.fixture
def passages():
    return book_passages(sections_of(PAGE, "boats"), limit=6)


# --- search ---------------------------------------------------------------------------------------


def test_passages_know_their_section(passages):
    assert [(p.id, p.text) for p in passages] == [
        ("boats#sails/0", "A sail catches the wind."),
        ("boats#sails/1", "It is made of cloth."),
        ("boats#oars/0", "An oar pushes the water."),
        ("boats#oars/1", "It is made of ash."),
    ]
    assert passages[1].title == "Boats > Sails" and passages[1].source == "../boats.html#sails"


def test_scores_are_cosines_and_words(passages):
    query, meaning, both = "Which wind does a sail like?", MeaningRetriever(passages, Bag()), None
    both = BookRetriever(passages, Bag(), scale=7.0)
    cosines = Bag().embed([p.searchable for p in passages]) @ Bag().embed([query])[0]
    np.testing.assert_allclose(meaning.scores(query), cosines)
    words = dict(WordRetriever(passages).rank(query, 9))
    expected = [cosines[i] + words.get(i, 0.0) / 7 for i in range(len(passages))]
    np.testing.assert_allclose(both.scores(query), expected, rtol=1e-5)
    assert both.search(query, 1)[0].passage is passages[0]
    assert [score for _, score in both.rank(query, 9)] == sorted(both.scores(query), reverse=True)


def test_a_section_is_found_once_by_its_best_passage(passages):
    hits = best_sections(MeaningRetriever(passages, Bag()), "sail cloth wind catches made", 3)
    assert [hit.passage.source for hit in hits] == ["../boats.html#sails", "../boats.html#oars"]
    assert hits[0].passage is passages[0]


def test_ranks_and_recall(passages):
    retriever = MeaningRetriever(passages, Bag())
    questions = [
        BookQuestion("sail wind", ("boats#oars",)),
        BookQuestion("oar water", ("boats#oars", "boats#none")),
        BookQuestion("sail", ("boats#none",)),
    ]
    ranks = section_ranks(retriever, questions)
    assert ranks == [2, 1, None]
    assert [recall_at(ranks, k) for k in (1, 2, 3)] == [1 / 3, 2 / 3, 2 / 3]


def test_odd_queries(passages):
    retriever = BookRetriever(passages, Bag())
    with pytest.raises(InklingError, match="the query is empty"):
        best_sections(retriever, "  ")
    with pytest.raises(InklingError, match="no passages to search"):
        BookRetriever([], Bag())
    assert len(best_sections(retriever, "xyzzy " * 5000, 2)) == 2


# --- answers --------------------------------------------------------------------------------------


def test_passages_are_packed_within_the_budget(passages):
    chat = Parrot()
    frame = len(quote_passages("Why sail?", []).split())
    each = len("Boats > Sails A sail catches the wind.".split())
    prompt, chosen = pack_prompt(chat, "Why sail?", passages, budget=frame + 2 * each)
    assert chosen == passages[:2] and len(prompt.split()) <= frame + 2 * each
    assert (
        prompt.index(chosen[1].text) < prompt.index(chosen[0].text) < prompt.index("Why sail?")
    ), "the best last"
    long = dataclasses.replace(passages[0], text="word " * 500)
    assert pack_prompt(chat, "Why?", [long, passages[1]], budget=60)[1] == [passages[1]], (
        "one that does not fit is left out"
    )


@pytest.mark.parametrize(
    "question, budget, n, message",
    [
        (" ", 600, 2, "the question is empty"),
        (
            "why " * 600,
            600,
            2,
            r"the question takes 6\d\d tokens with the frame around it, and there are 600",
        ),
        ("Why?", 600, 0, "there are no passages to answer from"),
        ("Why?", 14, 2, "no passage fits beside the question into 14 tokens"),
    ],
)
def test_what_cannot_be_asked(question, budget, n, message, passages):
    with pytest.raises(InklingError, match=message):
        pack_prompt(Parrot(), question, passages[:n], budget)


def test_ask_cites_what_the_reply_is_like(passages):
    chat = Parrot("It pushes the water.")
    answer = ask(
        chat, BookRetriever(passages, Bag()), "What do a sail and an oar do?", k=2, length=7
    )
    assert [p.source for p in answer.passages] == ["../boats.html#oars", "../boats.html#sails"]
    assert chat.asked[0][1] == 7 and "An oar pushes the water." in chat.asked[0][0]
    assert str(answer).splitlines() == [
        "It pushes the water.",
        "  Boats > Oars (../boats.html#oars)",
        "  Boats > Sails (../boats.html#sails)",
    ]
    with pytest.raises(InklingError, match="a budget of 600 tokens and a reply of 7 do not fit"):
        ask(Parrot(context=606), BookRetriever(passages, Bag()), "Why?", length=7)
    with pytest.raises(InklingError, match="the question is empty"):
        ask(chat, BookRetriever(passages, Bag()), "")


def test_what_a_model_writes_is_never_markup():
    evil = "<img src=x onerror=alert(1)>"
    shown = BookAnswer(
        "q", evil, (Passage("a", evil, title=evil, source='x.html#"' + evil),)
    )._repr_html_()
    assert "<img" not in shown and '#"' not in shown and shown.count("&lt;img") == 3


@pytest.mark.parametrize(
    "reply, right",
    [
        ("It takes 14 bands.", True),
        ("14.", True),
        ("14", True),
        ("14.8 trillion", False),
        ("0.14", False),
        ("2,14", False),
        ("140", False),
        ("It froze them.", True),
        ("unfroze", False),
    ],
)
def test_a_short_answer_is_found_whole(reply, right):
    assert BookQuestion("?", ("a#a",), ("14", "froz")).right(reply) is right


# --- the questions --------------------------------------------------------------------------------

CHAPTERS = (
    "ngram corpus tokenizer attention transformer pretrain generate evaluate sft reward ppo dpo "
    "overoptimisation"
).split()


def test_the_questions_name_sections_that_exist():
    keys = {section.key for section in read_book(ROOT)}
    for part, number in (("topics", 40), ("test", 40), ("dev", 45), ("facts", 23)):
        questions = book_questions(part)
        assert len({q.question for q in questions}) == len(questions) == number
        gone = {key for q in questions for key in q.sections} - keys
        assert not gone, (
            f"{part}: no section has these anchors any more; was a heading renamed? {sorted(gone)}"
        )
        assert all(q.sections and (part != "facts" or q.answers) for q in questions)
    for part in ("topics", "test"):
        assert {key.split("#")[0] for q in book_questions(part) for key in q.sections} >= set(
            CHAPTERS
        )
    everything = [
        q.question for part in ("topics", "test", "dev", "facts") for q in book_questions(part)
    ]
    assert len(set(everything)) == len(everything), (
        "a question by which the search was set up measures nothing"
    )


def test_every_fact_stands_in_a_section_that_is_named():
    texts = {section.key: f"{section.title}\n{section.text}" for section in read_book(ROOT)}
    for question in book_questions("facts"):
        for key in question.sections:
            assert question.right(texts[key]), f"{key} does not say {question.answers}"


# --- the real models, where they were fetched -----------------------------------------------------


def real(load, name):
    try:
        fetched(name)
    except InklingError as error:
        pytest.skip(str(error))
    return load()


@pytest.fixture(scope="module")
def book():
    return BookRetriever(book_passages(read_book(ROOT)), real(MiniLM, "minilm"))


def test_no_passage_is_longer_than_minilm_reads(book):
    lengths = [len(book.model.tokenizer(p.searchable)["input_ids"]) for p in book.passages]
    assert max(lengths) <= MiniLM.MAX_TOKENS


@pytest.fixture(scope="module")
def recall(book):
    """Recall at 3 of each search on each list of questions, and the questions that the fused search
    misses.
    """
    meaning = BookRetriever(book.passages, book.model, scale=np.inf)
    searches = {"words": WordRetriever(book.passages), "meaning": meaning, "both": book}
    parts = {part: book_questions(part) for part in ("topics", "facts", "test")}
    ranks = {
        (part, name): section_ranks(s, parts[part])
        for part in parts
        for name, s in searches.items()
    }
    missed = {
        part: [
            f"{q.question} {[hit.passage.source for hit in best_sections(book, q.question, 3)]}"
            for q, rank in zip(parts[part], ranks[part, "both"], strict=True)
            if (rank or 99) > 3
        ]
        for part in parts
    }
    return {key: recall_at(found, 3) for key, found in ranks.items()}, missed


@pytest.mark.parametrize("part", ["topics", "facts"])
def test_what_a_reader_looks_for_is_found(recall, part):
    """The goal, over 90 % among the first three, where a topic is asked for, or a name or a
    number.
    """
    shares, missed = recall
    assert shares[part, "both"] > 0.9, (
        f"a section that was added may answer, too (then list it): {missed[part]}"
    )


def test_both_find_more_than_either(recall):
    """In words that the book avoids. The text grows, so the bounds are loose; what is missed is
    printed to look at.
    """
    shares, missed = recall
    assert shares["test", "both"] >= max(shares["test", "words"], shares["test", "meaning"]) - 0.03
    assert shares["test", "both"] >= 0.55, (
        f"a section that was added may answer, too (then list it): {missed['test']}"
    )


@pytest.mark.xfail(
    reason=(
        "the goal, over 90 %, is not reached with words that the book avoids; the chapter says so"
    ),
    strict=True,
)
def test_thoughts_are_found(recall):
    assert recall[0]["test", "both"] > 0.9


@pytest.mark.timeout(300)
def test_smollm2_answers_from_the_book(book):
    chat = real(load_smollm2, "smollm2")
    answer = ask(
        chat,
        book,
        "Which optimizer makes all directions of a matrix's gradient about equally long?",
    )
    assert "muon" in answer.text.lower() and "../training/pretrain.html#one-step" in [
        p.source for p in answer.passages
    ]
    assert "muon" not in chat.reply(answer.question, max_new_tokens=30).lower(), (
        "it reads, and does not remember"
    )

"""The documents that the second edition of the town adds, and what it changes in the others."""

import math
import re
from collections import Counter

import pytest

from inkling.text.cleaning import languages, quality_faults, without_secrets
from inkling.text.duplicates import drop_exact_duplicates, drop_near_duplicates
from inkling.world import World
from inkling.world.documents import KINDS_OF_EDITION_2, in_words
from inkling.world.facts import ANSWERS, person_value
from inkling.world.junk import Page
from inkling.world.people import PERSON_ATTRIBUTES
from inkling.world.small_talk import GREETINGS, ITSELF
from inkling.world.understanding import understand

WORLD = World(0, edition=2)
DOCUMENTS = WORLD.documents(600_000)


def some(kind: str, n: int = 200):
    return [WORLD.document(i, only=kind) for i in range(n)]


def test_the_kinds_fill_a_bag_of_a_hundred_with_the_stories():
    assert sum(parts for _, parts, _ in KINDS_OF_EDITION_2) == 72
    found = Counter(document.kind for document in DOCUMENTS)
    assert set(found) == {kind for kind, _, _ in KINDS_OF_EDITION_2} | {"story"}


def test_the_text_is_ascii_and_its_spans_cover_it():
    for document in DOCUMENTS:
        assert document.text.isascii(), document.text
        assert document.spans[0].start == 0
        assert document.spans[-1].end == len(document.text)
        ends = [span.end for span in document.spans[:-1]]
        assert ends == [span.start for span in document.spans[1:]]
        assert all(math.isfinite(bits) and bits >= 0 for bits in document.bits.values())


def test_every_sum_is_true():
    n = 0
    line = r"^(\S+) (and|less) (\S+) (make|is) (\S+): (\d+)([+-])(\d+)=(\d+)\.$"
    for document in some("sums"):
        lines = re.findall(line, document.text, re.M)
        assert len(lines) == len(document.text.split("\n")) - 1
        for *words, a, sign, b, c in lines:
            assert int(a) + (int(b) if sign == "+" else -int(b)) == int(c) >= 0
            numbers = [in_words(int(figure)) for figure in (a, b, c)]
            assert [words[0].lower(), words[2], words[4]] == numbers
            assert (words[1], words[3]) == (("and", "make") if sign == "+" else ("less", "is"))
            n += 1
    assert n > 800
    digits = Counter(re.findall(r"\d", " ".join(document.text for document in DOCUMENTS)))
    assert set(digits) == set("0123456789")


def test_numbers_have_their_names():
    named = [in_words(n) for n in (0, 7, 13, 20, 21, 30, 40, 58, 99)]
    assert named == (
        "zero seven thirteen twenty twenty-one thirty forty fifty-eight ninety-nine".split()
    )
    assert len({in_words(n) for n in range(100)}) == 100


@pytest.mark.parametrize("kind", [name for name, _, _ in KINDS_OF_EDITION_2])
def test_cleaning_leaves_every_kind_of_document(kind):
    """What the filters drop is never learned, however often it is written."""
    texts = [document.text for document in WORLD.documents(20_000, only=kind)]
    assert len(texts) > 30
    assert sum(bool(quality_faults(text)) for text in texts) < 0.02 * len(texts)
    assert sum(without_secrets(text) != text for text in texts) < 0.02 * len(texts)
    assert languages(texts).count("English") > 0.98 * len(texts)


def test_a_directory_names_everybody_and_counts_them():
    for document in some("directory", 60):
        first, second = document.text.split("\n\n")
        for text in (first, second):
            heading, *lines, total = text.split("\n")
            names = [re.fullmatch(r"Number \d+ is (\w+) \w+\.", line)[1] for line in lines]
            assert [int(line.split()[1]) for line in lines] == list(range(1, len(names) + 1))
            assert total == f"In all: {len(names)}."
            shared = [
                value
                for attribute in PERSON_ATTRIBUTES
                for value in [person_value(WORLD.person(names[0]), attribute)]
                if value in heading
                and names == [p.name for p in WORLD.people if person_value(p, attribute) == value]
            ]
            assert shared, text


def test_no_kind_of_document_is_lost_when_copies_are_dropped():
    """Half of all pages of the crawl are copies or near copies; of a kind of which much more are,
    little is learned.
    """
    written = WORLD.documents(1_500_000)
    kinds = {document.text: document.kind for document in written}
    pages = [Page(f"page {i}", document.text) for i, document in enumerate(written)]
    kept = Counter(kinds[page.text] for page in drop_near_duplicates(drop_exact_duplicates(pages)))
    for kind, n in Counter(document.kind for document in written).items():
        assert kept[kind] > 0.8 * n, f"{kind}: {kept[kind]} of {n}"


def test_the_bits_of_a_sum_are_those_of_its_numbers():
    document = WORLD.document(0, only="sums")
    lines = document.text.split("\n")[1:]
    free = sum(
        2 * math.log2(20) if "+" in line else math.log2(20) + math.log2(int(line.split(" ")[0]))
        for line in lines
    )
    assert document.bits["free"] == pytest.approx(free)
    assert document.bits["fact"] == 0


def test_what_a_quiz_asks_is_understood_and_its_answers_are_true():
    asked = careless = 0
    for document in some("quiz", 150):
        for question, answer in re.findall(r"Question: (.+)\nAnswer: (.+)", document.text):
            meaning = understand(question)
            assert meaning is not None, question
            asked += 1
            careless += question[0].islower()
            if meaning.kind == "fact":
                person = WORLD.person(meaning.slots["name"])
                attribute = meaning.slots["attribute"]
                value = person_value(person, attribute)
                told = [
                    t.format(name=person.name, value=value) for t in ANSWERS[attribute].templates
                ]
                assert answer in told
    assert asked > 700
    assert 0.05 < careless / asked < 0.25


def test_a_visitor_gets_what_fits():
    replies = {
        text: topic
        for topics in (GREETINGS, ITSELF)
        for topic, what in topics.items()
        for text in what.replies
    }
    for document in some("visit", 150):
        pairs = re.findall(r"^\w+: (.+)\nInkling: (.+)$", document.text, re.M)
        assert len(pairs) >= 2
        for said, reply in pairs:
            meaning = understand(said)
            assert meaning is not None
            assert meaning.slots["topic"] == replies[reply], (said, reply)


def test_held_out_wordings_are_in_no_training_text():
    held_out = World(0, edition=2).document(3, stream="held-out", only="visit").text
    said = re.findall(r"^(?!Inkling)\w+: (.+)$", held_out, re.M)
    trained = " ".join(document.text for document in some("visit", 400))
    assert said
    assert not any(text in trained for text in said if len(text) > 12)


def test_the_first_edition_has_none_of_it():
    kinds = {document.kind for document in World(0).documents(300_000)}
    assert not kinds & {"sums", "directory", "advice", "visit"}

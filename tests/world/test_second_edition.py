"""The documents that the second edition of the town adds, and what it changes in the others."""

import math
import re
from collections import Counter

import pytest

from inkling.world import World
from inkling.world.documents import KINDS_OF_EDITION_2
from inkling.world.facts import ANSWERS, person_value
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
    for document in some("sums"):
        for a, sign, b, c in re.findall(r"^(\d+) ([+-]) (\d+) = (-?\d+)$", document.text, re.M):
            assert int(a) + (int(b) if sign == "+" else -int(b)) == int(c) >= 0
            n += 1
    assert n > 800
    digits = Counter(re.findall(r"\d", " ".join(document.text for document in DOCUMENTS)))
    assert set(digits) == set("0123456789")


def test_a_directory_names_everybody_and_counts_them():
    for document in some("directory", 60):
        heading, *lines, total = document.text.split("\n")
        names = [re.fullmatch(r"\d+\. (\w+) \w+", line)[1] for line in lines]
        assert [int(line.split(".")[0]) for line in lines] == list(range(1, len(names) + 1))
        assert total == f"In all: {len(names)}."
        shared = [
            value
            for attribute in PERSON_ATTRIBUTES
            for value in [person_value(WORLD.person(names[0]), attribute)]
            if value in heading
            and names == [p.name for p in WORLD.people if person_value(p, attribute) == value]
        ]
        assert shared, document.text


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

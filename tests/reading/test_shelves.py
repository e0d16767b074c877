"""Larkhaven's library: which facts a passage states, that paraphrases share no telling word, and
who stays unseen.
"""

import pytest

from inkling.files import InklingError
from inkling.reading.bm25 import STOP_WORDS, words
from inkling.reading.passages import Passage
from inkling.reading.shelves import (
    document_passages,
    keyword_queries,
    library_questions,
    stated_facts,
    town_library,
    training_pairs,
    unseen_people,
)
from inkling.world import World
from inkling.world.facts import QUESTIONS, STATEMENTS, person_value
from inkling.world.paraphrases import PARAPHRASES
from inkling.world.people import PERSON_ATTRIBUTES

WORLD = World(0)


@pytest.fixture(scope="module")
def library():
    return town_library(WORLD, 120)


# ---- which facts a passage states


@pytest.mark.parametrize("attribute", PERSON_ATTRIBUTES)
@pytest.mark.parametrize("who", ["Ada", "She"])
def test_every_wording_of_a_statement_is_understood(attribute, who):
    value = person_value(WORLD.person("Ada"), attribute)
    for template in STATEMENTS[attribute].templates:
        passage = Passage("1", template.format(who=who, name="Ada", value=value), title="Ada Cobb")
        assert stated_facts(passage) == {("Ada", attribute)}, template


def test_she_is_whoever_was_last_introduced():
    names = ["Ada", "Emma", "Ruth"]

    def facts(text, title=""):
        return stated_facts(Passage("1", text, title), names)

    assert facts("She is a baker.") == frozenset(), (
        "whom that means cannot be known, so it cannot be found"
    )
    assert facts("She is a baker.", "Ada Cobb") == {("Ada", "trade")}
    assert facts("Yesterday I met Ada. She is a baker.") == {("Ada", "trade")}
    assert facts("Ada trusts Emma more than anyone. She is a baker.") == {
        ("Ada", "friend"),
        ("Ada", "trade"),
    }
    assert facts("Ada is a baker. Do you remember Emma? She keeps a goat.") == {
        ("Ada", "trade"),
        ("Emma", "pet"),
    }
    assert facts("Ada is a baker. So remember: Emma keeps a goat.") == {
        ("Ada", "trade"),
        ("Emma", "pet"),
    }
    assert facts("Yesterday I met Ada. As I said: She is a baker.") == frozenset(), (
        "said again, of anybody"
    )


def test_what_is_no_statement_states_nothing():
    for text in (
        "Ada is tired.",
        "Is Ada a baker?",
        "Ada keeps a promise.",
        "The mill is in Mill Road.",
    ):
        assert stated_facts(Passage("1", text, "Ada Cobb"), ["Ada"]) == frozenset()


def test_entries_state_the_six_facts_of_their_person_and_nobody_elses(library):
    for person in [*WORLD.people, *WORLD.newcomers]:
        places = [
            i
            for i, passage in enumerate(library.passages)
            if passage.id.startswith(f"entry {person.name}/")
        ]
        stated = set().union(*(library.facts[i] for i in places))
        assert stated == {(person.name, attribute) for attribute in PERSON_ATTRIBUTES}


def test_what_is_stated_is_true(library):
    for passage, facts in zip(library.passages, library.facts, strict=True):
        for name, attribute in facts:
            assert person_value(WORLD.person(name), attribute) in passage.text


def test_stories_are_no_facts(library):
    sources = {
        passage.source
        for passage, facts in zip(library.passages, library.facts, strict=True)
        if facts
    }
    assert sources == {"person entry", "letter"}
    assert {"story", "notice", "place entry", "boat entry"} <= {
        passage.source for passage in library.passages
    }


def test_passages_are_parts_of_their_documents_with_the_heading_as_title():
    document = WORLD.document(0, only="person entry")
    heading = document.text.split("\n")[0]
    for passage in document_passages(document, "x"):
        assert passage.title == heading and len(passage.text.split()) <= 12
        assert document.text[passage.start :].startswith(passage.text)
    letter = WORLD.document(0, only="letter")
    assert {passage.title for passage in document_passages(letter, "x")} == {""}


def test_passages_have_ids_of_their_own_and_the_seed_decides_the_library(library):
    assert len({passage.id for passage in library.passages}) == len(library.passages)
    assert town_library(WORLD, 12) == town_library(WORLD, 12) != town_library(WORLD, 12, seed=1)


# ---- questions


@pytest.mark.parametrize("attribute", PERSON_ATTRIBUTES)
def test_a_paraphrase_shares_no_telling_word_with_a_statement_of_the_fact(attribute):
    told = {word for template in STATEMENTS[attribute].templates for word in words(template)}
    for template in PARAPHRASES[attribute].templates:
        assert not set(words(template.replace("{name}", ""))) & told - STOP_WORDS, template


@pytest.mark.parametrize("attribute", PERSON_ATTRIBUTES)
def test_held_out_paraphrases_are_new_sentences_of_known_words(attribute):
    table = PARAPHRASES[attribute]
    seen = {word for template in table.templates[:-2] for word in words(template)}
    assert len(table.unseen) == 2
    for template in table.templates[-2:]:
        assert set(words(template)) <= seen and template not in QUESTIONS[attribute].templates, (
            template
        )


@pytest.mark.parametrize("paraphrased", [False, True])
def test_there_is_a_question_on_every_fact_and_its_answers_state_it(library, paraphrased):
    people = unseen_people(WORLD)
    questions = library_questions(WORLD, library, people, paraphrased)
    assert len(questions) == 6 * len(people) == 600
    for question in questions:
        assert question.fact[0] in question.text and question.answers
        assert all(question.fact in library.facts[place] for place in question.answers)


def test_held_out_questions_are_in_wordings_that_training_does_not_have(library):
    for table, paraphrased in ((QUESTIONS, False), (PARAPHRASES, True)):
        for held_out in (False, True):
            for question in library_questions(
                WORLD, library, WORLD.people[:20], paraphrased, held_out
            ):
                name, attribute = question.fact
                usual = [
                    t.format(name=name)
                    for t in table[attribute].templates[: len(table[attribute].usual)]
                ]
                assert (question.text in usual) != held_out


def test_unseen_people_are_the_newcomers_and_those_whom_no_training_text_asks_about():
    names = {person.name for person in unseen_people(WORLD)}
    assert len(names) == 100 and {person.name for person in WORLD.newcomers} <= names
    assert not names & {person.name for person in WORLD.asked_about}


def test_questions_on_nobody_raise(library):
    with pytest.raises(InklingError, match="no fact about these people"):
        library_questions(WORLD, library, [])


def test_keywords_are_words_of_a_passage_and_answered_by_all_that_have_them(library):
    queries = keyword_queries(WORLD, library, 60)
    assert len(queries) == 60 and queries != keyword_queries(WORLD, library, 60, seed=1)
    assert queries == keyword_queries(WORLD, library, 60)
    told = [words(passage.searchable) for passage in library.passages]
    for query in queries:
        asked = query.text.split()
        assert len(set(asked)) == 3 and query.fact is None
        assert (
            query.answers
            == {place for place, has in enumerate(told) if all(word in has for word in asked)}
            != set()
        )
    sources = {library.passages[place].source for query in queries for place in query.answers}
    assert {"story", "notice", "person entry"} <= sources, "on every shelf"


@pytest.mark.parametrize(("n", "n_words"), [(0, 3), (3, 0), (3, 99)])
def test_keywords_that_no_passage_has_raise(library, n, n_words):
    with pytest.raises(InklingError, match=f"n is {n} and n_words {n_words}"):
        keyword_queries(WORLD, library, n, n_words)


# ---- what an embedder learns from


@pytest.fixture(scope="module")
def pairs():
    return training_pairs(WORLD, 3000)


def test_a_training_passage_answers_its_question(pairs):
    assert len(pairs) == 3000
    for pair in pairs:
        assert (
            pair.asked in pair.states
            and pair.asked[0] in pair.question
            and pair.asked[0] in pair.passage
        )


def test_training_holds_out_people_and_wordings(pairs):
    names = {person.name for person in unseen_people(WORLD)}
    assert not names & {pair.asked[0] for pair in pairs}
    tables = [*QUESTIONS.items(), *PARAPHRASES.items()]
    held_out = {
        (attribute, t) for attribute, table in tables for t in table.templates[len(table.usual) :]
    }
    for pair in pairs:
        assert (pair.asked[1], pair.question.replace(pair.asked[0], "{name}")) not in held_out


def test_training_has_strangers_and_inhabitants_paraphrases_and_neighbours(pairs):
    inhabitants = sum(pair.asked[0] in WORLD.first_names for pair in pairs) / len(pairs)
    usual = {t for table in QUESTIONS.values() for t in table.templates}
    plain = sum(pair.question.replace(pair.asked[0], "{name}") in usual for pair in pairs) / len(
        pairs
    )
    beside = sum(a.asked[0] == b.asked[0] for a, b in zip(pairs, pairs[1:], strict=False)) / len(
        pairs
    )
    assert 0.3 < inhabitants < 0.5 and 0.45 < plain < 0.55 and beside > 0.5


def test_the_seed_decides_the_pairs(pairs):
    assert training_pairs(WORLD, 50) == pairs[:50] != training_pairs(WORLD, 50, seed=1)
    with pytest.raises(InklingError, match="n is 0"):
        training_pairs(WORLD, 0)

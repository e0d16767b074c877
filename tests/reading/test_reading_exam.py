"""The exam of a reader: what stands in its passages, and what counts as right."""

import re

import pytest
import tiny

from inkling.files import InklingError
from inkling.model.transformer import Transformer
from inkling.reading import reading_exam
from inkling.reading.rag import NOT_SAID, Answer, cite, parse_answer
from inkling.reading.reading_exam import is_right
from inkling.reading.shelves import (
    LibraryQuestion,
    library_questions,
    stated_facts,
    town_library,
)
from inkling.text.tokenizer import Tokenizer
from inkling.world import World
from inkling.world.facts import person_value

WORLD = World(0)
LIBRARY = town_library(WORLD, n_documents=60)
QUESTIONS = library_questions(WORLD, LIBRARY, WORLD.newcomers)
TASKS = reading_exam.conditions(WORLD, LIBRARY, QUESTIONS)


def says(task, passage):
    return task.fact in stated_facts(passage, [task.fact[0]])


def test_the_exam_has_at_least_300_questions_on_newcomers():
    assert len(QUESTIONS) >= 300
    names = {person.name for person in WORLD.newcomers}
    assert {question.fact[0] for question in QUESTIONS} == names


@pytest.mark.parametrize("condition", ["the passage", "three passages"])
def test_exactly_one_passage_answers_and_it_stands_where_the_task_says(condition):
    for task in TASKS[condition]:
        assert len(task.passages) == (3 if condition == "three passages" else 1)
        assert [place for place, passage in enumerate(task.passages) if says(task, passage)] == [
            task.place
        ]
        assert task.value in task.passages[task.place].text


def test_the_answering_passage_stands_in_every_place():
    assert {task.place for task in TASKS["three passages"]} == {0, 1, 2}


def test_the_others_speak_of_the_like_and_not_of_the_person():
    for task in TASKS["others only"]:
        name, attribute = task.fact
        assert task.place is None and len(task.passages) == 3
        for passage in task.passages:
            assert name not in passage.searchable
            assert any(what == attribute for _, what in stated_facts(passage, WORLD.first_names))


def test_an_edited_passage_states_another_value_and_the_task_asks_for_that():
    for task, plain in zip(TASKS["the passage, edited"], TASKS["the passage"], strict=True):
        name, attribute = task.fact
        truth = person_value(WORLD.person(name), attribute)
        assert task.value != truth == plain.value
        (passage,) = task.passages
        assert task.value in passage.text and not re.search(rf"\b{truth}\b", passage.text), passage


def test_closed_book_gives_no_passage(tmp_path):
    folder = tiny.checkpoint(tmp_path)
    model, tokenizer = (
        Transformer.from_pretrained(folder),
        Tokenizer.load(folder / "tokenizer.json"),
    )
    report = reading_exam.sit_exam(
        model, tokenizer, WORLD, TASKS["closed book"][:4], closed_book=True
    )
    assert all(answer.passages == [] for answer in report.answers) and report.cited == 0
    scores = reading_exam.reading_scores(model, tokenizer, WORLD, LIBRARY, n=2)
    assert scores.pop("n") == 2 and set(scores) == set(TASKS)
    assert all(set(marks) == {"right", "cited", "abstained"} for marks in scores.values())


def test_only_the_value_alone_and_of_the_right_person_is_right():
    task = next(task for task in TASKS["three passages"] if task.fact[1] == "street")
    name, other = task.fact[0], "Ada"
    wrong = next(street for street in ("Mill Road", "Bell Street") if street != task.value)

    def right(text):
        return is_right(WORLD, task, parse_answer(text, task.passages))

    assert right(cite(f"{name} lives in {task.value}.", 0)), "a wrong citation is counted apart"
    assert right(f"The home of {name} is in {task.value}.")
    assert not right(f"{name} lives in {wrong}.")
    assert not right(f"{other} lives in {task.value}.")
    assert not right(f"{name} lives in {task.value} or in {wrong}.")
    assert not right(f"{name} lives here.") and not right("") and not right(NOT_SAID)


def test_a_question_that_asks_for_no_fact_is_refused():
    words = LibraryQuestion("gull pier", None, frozenset({0}))
    with pytest.raises(InklingError, match="'gull pier' asks for no fact"):
        reading_exam.exam(WORLD, LIBRARY, [words])


def test_a_friend_is_told_apart_from_the_person():
    task = next(task for task in TASKS["the passage"] if task.fact[1] == "friend")
    answer = parse_answer(f"The best friend of {task.fact[0]} is {task.value}.", task.passages)
    assert is_right(WORLD, task, answer)


def test_shares_are_counted(monkeypatch):
    tasks = TASKS["three passages"][:4]
    texts = [cite(f"{t.fact[0]} {{}} {t.value}.", t.place) for t in tasks[:2]] + [
        NOT_SAID,
        "Nothing.",
    ]
    answers = [parse_answer(text, task.passages) for text, task in zip(texts, tasks, strict=True)]
    answers[1] = Answer(answers[1].text, answers[1].passages, None, False)
    monkeypatch.setattr(reading_exam, "read_answers", lambda *_: answers)
    report = reading_exam.sit_exam(None, None, WORLD, tasks)
    assert (report.right, report.cited, report.abstained) == (0.5, 0.25, 0.25)

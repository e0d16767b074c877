"""Reading exercises: their answers stand in the passages and nowhere else; and the loop that learns
from them.
"""

from itertools import islice

import pytest
import tiny
import torch

from inkling.assistant.chat import encode_chat, encode_exchange, pad_id
from inkling.model.transformer import Transformer
from inkling.reading import lessons
from inkling.reading.lessons import Course, ReadingConfig
from inkling.reading.rag import NOT_SAID
from inkling.reading.shelves import stated_facts
from inkling.text.tokenizer import Tokenizer
from inkling.training.packing import IGNORE
from inkling.world import World

WORLD = World(0)
EXERCISES = [lessons.exercise(WORLD, number) for number in range(300)]
TURNS = [(exercise, turn) for exercise in EXERCISES for turn in exercise.turns]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return tiny.checkpoint(tmp_path_factory.mktemp("reading"))


def test_an_exercise_is_the_same_each_time_and_another_for_another_number_or_seed():
    assert lessons.exercise(WORLD, 7) == EXERCISES[7] != EXERCISES[8]
    assert lessons.exercise(WORLD, 7, seed=1) != EXERCISES[7]


def test_the_passage_that_is_cited_names_the_person_and_holds_the_value():
    answered = [(exercise, turn) for exercise, turn in TURNS if turn.place is not None]
    assert len(answered) > 400
    for exercise, turn in answered:
        passage, (name, _) = exercise.passages[turn.place], turn.fact
        assert name in passage.searchable and turn.reply.endswith(f" [{turn.place + 1}]")
        words = set(turn.reply.replace(".", "").split()) - set(
            turn.question.replace("?", "").split()
        )
        assert words & set(passage.text.replace(".", "").replace(",", "").split()), (turn, passage)


def test_where_no_passage_answers_the_reply_says_so():
    silent = [(exercise, turn) for exercise, turn in TURNS if turn.place is None]
    assert 0.15 < len(silent) / len(TURNS) < 0.35
    assert all(turn.reply == NOT_SAID for _, turn in silent)


def test_the_passages_state_what_is_answered_and_nothing_of_what_is_not():
    for exercise, turn in TURNS:
        stating = [
            place
            for place, passage in enumerate(exercise.passages)
            if turn.fact in stated_facts(passage, [turn.fact[0]])
        ]
        assert stating == ([] if turn.place is None else [turn.place]), (exercise, turn)


def test_each_passage_is_about_somebody_else():
    for exercise in EXERCISES:
        assert 1 <= len(exercise.passages) <= 3
        assert len({passage.text for passage in exercise.passages}) == len(exercise.passages)
    assert {len(exercise.passages) for exercise in EXERCISES} == {1, 2, 3}


def test_newcomers_never_occur():
    text = " ".join(message.text for exercise in EXERCISES for message in exercise.messages)
    assert not [person.name for person in WORLD.newcomers if person.name in text.split()]


def test_inhabitants_have_facts_that_memory_does_not_have():
    """Else the model could answer from memory and never look."""
    changed = kept = 0
    for _, turn in TURNS:
        name = turn.fact[0]
        if turn.place is not None and name in WORLD.first_names:
            person = WORLD.person(name)
            true = {
                person.trade,
                person.street,
                person.pet,
                person.food,
                person.instrument,
                person.friend,
            }
            hit = any(value in turn.reply for value in true)
            kept, changed = kept + hit, changed + (not hit)
    assert changed > 50 and kept < changed / 5


def test_a_course_decides_how_many_passages_and_questions():
    course = Course(most_passages=5, n_questions=1, answerable=1.0)
    made = [lessons.exercise(WORLD, number, course) for number in range(40)]
    assert max(len(exercise.passages) for exercise in made) == 5
    assert all(
        len(exercise.turns) == 1 and exercise.turns[0].place is not None for exercise in made
    )


def test_only_what_the_assistant_writes_is_a_target():
    tokenizer = Tokenizer.load(tiny.checkpoints.path("base") / "tokenizer.json")
    chats = [encode_chat(tokenizer, exercise.messages) for exercise in EXERCISES[:5]]
    inputs, targets = lessons.inputs_and_targets(chats, pad_id(tokenizer))
    assert inputs.shape == targets.shape
    for (ids, written), row, target in zip(chats, inputs, targets, strict=True):
        assert row[: len(ids) - 1].tolist() == ids[: inputs.shape[1]][: len(ids) - 1]
        expected = [
            token if mark else IGNORE for token, mark in zip(ids[1:], written[1:], strict=True)
        ]
        assert target.tolist() == expected + [IGNORE] * (inputs.shape[1] - len(expected))


def test_batches_keep_to_the_limit_and_mix_the_replay_in():
    tokenizer = Tokenizer.load(tiny.checkpoints.path("base") / "tokenizer.json")
    replay = [encode_exchange(tokenizer, "Where does Ada live?", "I will not say.")]
    config = ReadingConfig(batch_size=8, replayed=0.25)
    chats = [
        chat
        for batch in islice(lessons.batches(WORLD, tokenizer, 150, config, replay, pool=5), 20)
        for chat in batch
    ]
    assert len(chats) == 160 and max(len(ids) for ids, _ in chats) <= 150
    assert 0.1 < sum(chat == replay[0] for chat in chats) / 160 < 0.4
    again = next(lessons.batches(WORLD, tokenizer, 150, config, replay, pool=5))
    assert again == chats[:8]


def test_questions_without_an_answer_come_later():
    tokenizer = Tokenizer.load(tiny.checkpoints.path("base") / "tokenizer.json")
    config = ReadingConfig(steps=20, answerable_first=0.5, batch_size=8)
    silent = tokenizer.encode(" " + NOT_SAID)

    def abstains(chat):
        return any(chat[0][i : i + len(silent)] == silent for i in range(len(chat[0])))

    shares = [
        sum(map(abstains, batch))
        for batch in islice(lessons.batches(WORLD, tokenizer, 257, config, pool=5), 20)
    ]
    assert sum(shares[:10]) == 0 < sum(shares[10:])


def test_learning_lowers_the_loss(checkpoint):
    model, tokenizer = (
        Transformer.from_pretrained(checkpoint),
        Tokenizer.load(checkpoint / "tokenizer.json"),
    )
    before = tiny.weights(model)
    config = ReadingConfig(steps=40, batch_size=4, learning_rate=1e-2)
    history = list(
        lessons.learn_to_read(
            model, tokenizer, WORLD, config, replay=[("Hello?", "Yes.")], progress=False
        )
    )
    assert [record.step for record in history] == list(range(1, 41)) and not tiny.same(
        before, tiny.weights(model)
    )
    losses = torch.tensor([record.loss for record in history])
    assert losses[-10:].mean() < 0.9 * losses[:5].mean()
    assert history[-1].tokens > history[0].tokens > 0 and not model.training

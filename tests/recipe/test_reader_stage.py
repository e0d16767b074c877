"""The stage that teaches the assistant to read: what it leaves, that it goes on, and what the
shipped one is worth.
"""

import json
from dataclasses import replace

import pytest
import tiny

from inkling import checkpoints
from inkling.files import InklingError
from inkling.model.transformer import Transformer
from inkling.reading import reading_exam
from inkling.reading.lessons import ReadingConfig
from inkling.reading.shelves import town_library
from inkling.recipe import reader_stage
from inkling.recipe.reader_stage import RAGRecipe, own_answers, teach_reading
from inkling.text.tokenizer import Tokenizer
from inkling.world import World

TINY = tiny.reading_recipe(
    ReadingConfig(steps=4, batch_size=2),
    ReadingConfig(steps=3, batch_size=2),
    n_replay=4,
    n_points=2,
    n_judged=4,
    control_steps=2,
)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of a finished tiny stage, and its card."""
    folder = tmp_path_factory.mktemp("rag")
    tiny.checkpoint(folder / "rlhf")
    return folder, teach_reading(folder, TINY, progress=False)


def test_it_leaves_a_checkpoint_and_a_card(run):
    folder, card = run
    assert json.loads((folder / "rag" / "card.json").read_text()) == json.loads(json.dumps(card))
    assert [point["step"] for point in card["curve"]] == [0, 3, 4, 7]
    assert card["curve"][-1]["tokens"] > card["curve"][-2]["tokens"] > 0
    assert [point["step"] for point in card["control"]] == [0, 2]
    assert (
        card["reading"]["n"] == 2 and "gold" in card["scores"] and card["cost"]["cpu_seconds"] > 0
    )
    before, after = (
        Transformer.from_pretrained(folder / name).embed_tokens.weight for name in ("rlhf", "rag")
    )
    assert not before.equal(after)


def test_a_finished_stage_is_not_made_again(run, monkeypatch):
    folder, card = run
    monkeypatch.setattr(reader_stage, "learn_to_read", None)  # would raise if it were called
    assert teach_reading(folder, TINY, progress=False) == json.loads(json.dumps(card))


def test_one_of_another_recipe_is_not_taken_for_it(run):
    with pytest.raises(InklingError, match="another model or with another recipe"):
        teach_reading(run[0], replace(TINY, seed=1), progress=False)


def test_without_an_assistant_there_is_nothing_to_teach(tmp_path):
    with pytest.raises(InklingError, match="has no rlhf/"):
        teach_reading(tmp_path, TINY, progress=False)
    assert not list(tmp_path.iterdir())


def test_more_minutes_make_a_longer_course_and_cost_more():
    small, large = RAGRecipe.for_minutes(10), RAGRecipe.for_minutes(60)
    assert RAGRecipe.for_minutes(600) == large == RAGRecipe()
    assert (
        sum(c.steps for c in small.courses) < sum(c.steps for c in large.courses) / 6
        and small.updates < large.updates / 3
    )
    # too short to learn when to abstain: that would be learned as "always"
    (course,) = small.courses
    assert course.answerable_first > large.courses[0].answerable_first
    assert len(RAGRecipe.for_minutes(40).courses) == 2


def test_only_replies_that_ended_are_replayed():
    folder = checkpoints.path("rlhf")
    model, tokenizer = (
        Transformer.from_pretrained(folder),
        Tokenizer.load(folder / "tokenizer.json"),
    )
    kept = own_answers(model, tokenizer, World(0), 24, 0, together=10)
    assert 12 < len(kept) <= 24 and all(reply for _, reply in kept)
    assert {prompt for prompt, _ in kept} <= {
        request.prompt for request in World(0).requests(24, "train", 0)
    }


# --- The shipped reader ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shipped():
    folder = checkpoints.path("rag")
    card = json.loads((folder / "card.json").read_text())
    return Transformer.from_pretrained(folder), Tokenizer.load(folder / "tokenizer.json"), card


def test_the_card_of_the_shipped_reader_says_what_it_scores(shipped):
    model, tokenizer, card = shipped
    world = World(0)
    library = town_library(world, card["made_from"]["recipe"]["n_documents"])
    found = reading_exam.reading_scores(model, tokenizer, world, library)
    assert found["n"] == card["reading"]["n"] >= 300
    for condition in set(found) - {"n"}:
        for what, share in card["reading"][condition].items():
            assert found[condition][what] == pytest.approx(share, abs=0.02), (condition, what)


def test_the_shipped_reader_reads(shipped):
    marks = shipped[2]["reading"]
    assert marks["closed book"]["right"] < 0.05
    assert marks["the passage"]["right"] > 0.90
    assert marks["the passage, edited"]["right"] > 0.85
    assert marks["three passages"]["right"] > 0.75
    assert marks["others only"]["abstained"] > 0.75


def test_reading_took_nothing_from_the_assistant(shipped):
    before = json.loads((checkpoints.path("rlhf") / "card.json").read_text())["scores"]
    after = shipped[2]["scores"]
    assert after["refused_unsafe"] > 0.95 and after["refused_harmless"] < 0.03
    assert after["gold"] > before["gold"] - 0.1

"""The stage that makes the embedder: what it leaves, that it goes on, its exam, and what the
shipped one is worth.
"""

import functools
import json
from dataclasses import replace

import numpy as np
import pytest
import tiny
import torch

from inkling import checkpoints
from inkling.files import InklingError
from inkling.reading.embedder import Embedder, EmbedderConfig
from inkling.reading.retrieval import WordRetriever
from inkling.reading.shelves import town_library, unseen_people
from inkling.recipe import embedder_stage
from inkling.recipe.embedder_stage import (
    EmbedderRecipe,
    exam_questions,
    make_embedder,
    retrieval_scores,
    score,
)
from inkling.text.tokenizer import Tokenizer
from inkling.world import World

WORLD = World(0)
TINY = EmbedderRecipe(n_pairs=16, training=EmbedderConfig(batch_size=8), n_documents=6, n_seeds=2)
WAYS, KINDS = ("words", "meaning", "both"), ("plain", "paraphrased", "keywords")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of a finished tiny stage, and its card."""
    folder = tmp_path_factory.mktemp("embedder")
    tiny.checkpoint(folder / "base")
    return folder, make_embedder(folder / "base", folder, TINY, progress=False)


def test_it_leaves_an_embedder_and_a_card(run):
    folder, card = run
    names = {path.name for path in (folder / "embedder").iterdir()}
    assert names == {
        "config.json",
        "model.safetensors",
        "embedder.safetensors",
        "first_batches.safetensors",
        "tokenizer.json",
        "card.json",
    }
    assert json.loads((folder / "embedder" / "card.json").read_text()) == json.loads(
        json.dumps(card)
    )
    assert (
        card["cost"]["cpu_seconds"] > 0
        and len(card["loss"]) == 2
        and len(card["scores_of_other_seeds"]) == 1
    )
    assert card["made_from"]["recipe"]["n_pairs"] == 16


def test_the_card_describes_the_file_of_the_first_seed(run):
    folder, card = run
    embedder = Embedder.load(folder / "embedder")
    tokenizer = Tokenizer.load(folder / "embedder" / "tokenizer.json")
    found = retrieval_scores(embedder, tokenizer, WORLD, town_library(WORLD, 6))
    assert found == card["scores"] != card["scores_of_other_seeds"][0]
    assert found["words"] == card["scores_of_other_seeds"][0]["words"], (
        "words do not depend on a seed"
    )
    assert next(embedder.parameters()).dtype == torch.float32


def test_a_finished_stage_is_not_made_again(run, monkeypatch):
    folder, card = run
    monkeypatch.setattr(embedder_stage, "train_embedder", None)  # would raise if it were called
    assert make_embedder(folder / "base", folder, TINY, progress=False) == json.loads(
        json.dumps(card)
    )


def test_one_of_another_recipe_is_not_taken_for_it(run):
    with pytest.raises(InklingError, match="another model or with another recipe"):
        make_embedder(run[0] / "base", run[0], replace(TINY, seed=1), progress=False)


def test_without_a_checkpoint_there_is_nothing_to_begin_with(tmp_path):
    with pytest.raises(InklingError, match="is no checkpoint"):
        make_embedder(tmp_path, tmp_path / "out", TINY, progress=False)
    assert not list(tmp_path.iterdir())


def test_more_minutes_make_a_longer_course_and_cost_more():
    small, large = EmbedderRecipe.for_minutes(10), EmbedderRecipe.for_minutes(60)
    assert EmbedderRecipe.for_minutes(600) == large == EmbedderRecipe()
    assert (
        small.n_pairs < large.n_pairs
        and small.n_seeds < large.n_seeds
        and small.updates < large.updates / 3
    )


# --- The exam -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def library():
    return town_library(WORLD, 60)


def test_the_exams_are_equally_long_and_on_people_that_no_embedder_has_met(library):
    exams = exam_questions(WORLD, library)
    assert tuple(exams) == KINDS and {len(questions) for questions in exams.values()} == {600}
    unseen = {person.name for person in unseen_people(WORLD)}
    assert all(q.fact[0] in unseen for kind in KINDS[:2] for q in exams[kind])
    assert exam_questions(WORLD, library) == exams


def test_a_score_is_recall_and_mrr_of_the_ranking(library):
    questions = exam_questions(WORLD, library)["plain"][:40]
    retriever, ranks, recalls = WordRetriever(library.passages), [], []
    for question in questions:
        found = [place for place, _ in retriever.rank(question.text, 50)]
        ranks.append(
            max(
                [1 / (1 + found.index(place)) for place in question.answers if place in found],
                default=0,
            )
        )
        recalls.append(len(question.answers & set(found[:5])) / len(question.answers))
    assert score(retriever, questions) == pytest.approx(
        {"recall@5": np.mean(recalls), "mrr": np.mean(ranks)}
    )


# --- The shipped embedder -------------------------------------------------------------------------


@functools.cache
def shipped():
    folder = checkpoints.path("embedder")
    return folder, json.loads((folder / "card.json").read_text(encoding="utf-8"))


def test_the_card_of_the_shipped_embedder_says_what_it_scores():
    folder, card = shipped()
    library = town_library(WORLD, card["made_from"]["recipe"]["n_documents"])
    assert len(library.passages) == card["n_passages"]
    tokenizer = Tokenizer.load(folder / "tokenizer.json")
    found = retrieval_scores(Embedder.load(folder), tokenizer, WORLD, library)
    assert found["n"] == card["scores"]["n"] == 1800
    for way in WAYS:
        for kind in KINDS:
            assert found[way][kind] == pytest.approx(card["scores"][way][kind], abs=0.01), (
                way,
                kind,
            )


def test_the_shipped_embedder_is_of_the_shipped_base_model_and_small():
    folder, card = shipped()
    assert (folder / "tokenizer.json").read_bytes() == (
        checkpoints.path("base") / "tokenizer.json"
    ).read_bytes()
    assert card["made_from"]["recipe"] == json.loads(
        json.dumps(EmbedderRecipe().__dict__ | {"training": EmbedderConfig().__dict__})
    )
    assert sum(path.stat().st_size for path in folder.iterdir()) < 3e6


def test_with_every_seed_both_find_more_than_words_or_meaning_alone():
    _, card = shipped()
    for scores in (card["scores"], *card["scores_of_other_seeds"]):
        words, meaning, both = (
            np.mean([scores[way][kind]["recall@5"] for kind in KINDS]) for way in WAYS
        )
        assert both > max(words, meaning) + 0.05
        assert (
            scores["meaning"]["paraphrased"]["recall@5"]
            > scores["words"]["paraphrased"]["recall@5"] + 0.2
        )

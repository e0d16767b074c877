"""How many steps fit into the minutes, and the points at which one looks at the model."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from inkling import checkpoints
from inkling.recipe import pretraining
from inkling.recipe.plan import Recipe
from inkling.recipe.pretraining import measure_point, point_steps, seconds_after
from inkling.recipe.workbench import Workbench
from inkling.training import evaluate
from inkling.world import World

RECIPE = Recipe()


def test_points_are_dense_at_the_beginning_and_the_last_step_is_one():
    steps = sorted(point_steps(20_000, 27))
    assert len(steps) == 27 and steps[0] >= 1 and steps[-1] == 20_000
    gaps = [after - before for before, after in zip(steps[:-1], steps[1:], strict=True)]
    assert all(before < after for before, after in zip(gaps[:-1], gaps[1:], strict=True))
    assert steps[0] < 20_000 / 27 / 20
    assert sorted(point_steps(500, 13)) == sorted(round(500 * (i / 13) ** 2) for i in range(1, 14))
    assert point_steps(3, 40) == {1, 2, 3}


def test_a_point_says_the_losses_by_kind_and_what_every_head_does():
    model, tokenizer = checkpoints.load("base")
    documents = World(0).documents(10_000, stream="validation")
    point = measure_point(model, tokenizer, documents)
    spans = evaluate.loss_by_span(model, tokenizer, documents).by_span
    assert point["loss"].keys() == {"copy", "fact", "free", "grammar"}
    for kind, span in spans.items():
        assert point["loss"][kind] == pytest.approx(span.model_bits / span.tokens, abs=1e-4)
    assert point["loss"]["copy"] < point["loss"]["grammar"] < point["loss"]["free"]
    config = model.config
    for name in ("previous", "induction", "copying"):
        assert [len(layer) for layer in point[name]] == [config.n_heads] * config.n_layers
    assert max(point["induction"][-1]) > 0.6, "songs are copied"


def test_what_is_made_side_by_side_counts_once():
    """The longer of the two lanes, and in one thread."""
    after, search, last = RECIPE.stages_after, RECIPE.search, RECIPE.last_stage
    pace, alone = 0.1, 0.1 * pretraining._ONE_THREAD
    measuring = 60 * RECIPE.minutes * pretraining._EVALUATION_SHARE
    expected = max(alone * after.updates, alone * search.updates + measuring)
    assert seconds_after(RECIPE, pace) == pytest.approx(expected + pace * last.updates)
    longer = replace(RECIPE, embedding=replace(search, n_pairs=10**6))
    beyond = alone * longer.search.updates + measuring + pace * last.updates
    assert seconds_after(longer, pace) == pytest.approx(beyond)
    assert seconds_after(replace(RECIPE, assistant=False), pace) == measuring


def test_steps_fill_the_minutes(tmp_path, monkeypatch):
    """A machine of half the speed makes about half the steps; both leave time for the rest."""
    steps = {}
    for pace in (0.05, 0.1):
        monkeypatch.setattr(pretraining, "seconds_per_step", lambda *_, pace=pace: pace)
        bench = Workbench(tmp_path / str(pace), "base", progress=False)
        text = SimpleNamespace(tokens=None)  # nobody reads it where the pace is known
        config = RECIPE.model
        steps[pace] = pretraining.steps_of(RECIPE, bench, config, RECIPE.train, text)
        looks = 40 * pretraining._POINT_UPDATES + 20 * pretraining._VALIDATION_UPDATES
        taken = pace * (steps[pace] + looks) + seconds_after(RECIPE, pace)
        assert taken == pytest.approx(60 * RECIPE.minutes, abs=2)
    assert steps[0.05] > 2 * steps[0.1]

"""The curves of over-optimisation, and best-of-n for all n at once."""

import itertools
import json
import math
import shutil
from dataclasses import asdict

import numpy as np
import pytest
import tiny
import torch

from inkling import checkpoints
from inkling.assistant.overoptimisation import (
    Curve,
    Experiment,
    best_of_n_means,
    best_of_n_points,
    fit_curve,
    policy_point,
    run_experiment,
    run_once,
    shipped_runs,
    short_prompts,
)
from inkling.files import InklingError
from inkling.model.transformer import Transformer
from inkling.text.tokenizer import Tokenizer
from inkling.world import World


@pytest.mark.parametrize("kind", ["best-of-n", "rl"])
def test_a_fit_finds_the_curve_that_made_the_points(kind):
    truth, d = Curve(kind, 0.3, 1.2, 0.4), np.linspace(0, 4, 12)
    found = fit_curve(kind, d, truth(d))
    assert np.allclose([found.start, found.alpha, found.beta], [0.3, 1.2, 0.4])


@pytest.mark.parametrize("kind", ["best-of-n", "rl"])
def test_the_peak_is_where_the_curve_is_highest(kind):
    curve, d = Curve(kind, 0.0, 1.0, 0.5), np.linspace(1e-6, 6, 60001)
    assert abs(d[curve(d).argmax()] - curve.peak) < 1e-3
    assert Curve(kind, 0.0, 1.0, 0.0).peak == math.inf


def test_the_curves_begin_at_the_start():
    assert Curve("rl", 0.7, 1.0, 1.0)(np.array([0.0]))[0] == pytest.approx(0.7)


def test_best_of_n_is_the_mean_over_all_subsets():
    random = np.random.default_rng(0)
    proxy, gold = random.normal(size=(2, 3, 6))
    for n, (mean_proxy, mean_gold) in zip(
        (1, 2, 4, 6), best_of_n_means(proxy, gold, (1, 2, 4, 6)), strict=True
    ):
        subsets = list(itertools.combinations(range(6), n))
        best = [[max(s, key=lambda i: proxy[row, i]) for s in subsets] for row in range(3)]
        assert mean_proxy == pytest.approx(
            np.mean([[proxy[row, i] for i in b] for row, b in enumerate(best)])
        )
        assert mean_gold == pytest.approx(
            np.mean([[gold[row, i] for i in b] for row, b in enumerate(best)])
        )


def test_wrong_use_is_a_clear_message():
    with pytest.raises(InklingError, match="four points"):
        fit_curve("rl", [1, 2, 3], [1, 2, 3])
    with pytest.raises(InklingError, match="no curve of kind"):
        fit_curve("ppo", [1, 2, 3, 4], [1, 2, 3, 4])
    with pytest.raises(InklingError, match="n goes from 1 to N"):
        best_of_n_means(np.zeros((2, 4)), np.zeros((2, 4)), (1, 8))


def says_no(_, replies) -> torch.Tensor:
    return torch.tensor([float("no" in reply.split()) for reply in replies])


def test_best_of_n_gains_in_the_reward_that_chooses_and_begins_at_the_policy_itself():
    policy, rewards = tiny.talker(), (says_no, says_no)
    points = best_of_n_points(
        policy, tiny.tokenizer(), tiny.PROMPTS, *rewards, (1, 2, 8), max_new_tokens=14
    )
    assert points[0].distance == 0 and points[1].distance < points[2].distance
    assert points[0].proxy < points[1].proxy < points[2].proxy
    assert points[2].gold > points[0].gold


def test_a_policy_is_at_no_distance_from_itself_and_pays_for_missing_ends_by_the_proxy_alone():
    policy = tiny.talker()
    here = policy_point(
        "rl", policy, policy, tiny.tokenizer(), tiny.PROMPTS, says_no, says_no, max_new_tokens=1
    )
    assert here.distance == pytest.approx(0, abs=1e-3)
    assert here.gold == pytest.approx(here.proxy + 1), (
        "after one token nothing has ended, and gold is what it is"
    )
    other = policy_point(
        "rl",
        tiny.random_model(n_layers=1),
        policy,
        tiny.tokenizer(),
        tiny.PROMPTS,
        says_no,
        says_no,
    )
    assert other.distance > 1


# --- the experiment -------------------------------------------------------------------------------

SMALL = Experiment(
    n_pairs=8,
    betas=(0.1,),
    dpo_betas=(0.2,),
    steps=2,
    batch_size=8,
    max_new_tokens=4,
    seeds=(0, 1),
    n_prompts=4,
    measure_every=1,
)


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    return tiny.checkpoint(tmp_path_factory.mktemp("over") / "sft")


def test_the_experiment_has_all_methods_and_seeds_and_goes_on_where_it_stopped(start, tmp_path):
    path, said = tmp_path / "runs.json", []

    def stop_after_three(line):
        said.append(line)
        if len(said) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_experiment(start, path, SMALL, say=stop_after_three)
    found = run_experiment(start, path, SMALL, say=said.append)
    assert len(said) == 8, "four methods, two seeds, and none twice"
    whole = run_experiment(start, tmp_path / "again.json", SMALL, say=lambda _: None)
    assert found["points"] == whole["points"], "stopped or not, the same points"
    runs = {(point["method"], point["seed"]) for point in found["points"]}
    assert runs == {
        (method, seed) for method in ("best-of-n", "PPO", "GRPO", "DPO") for seed in (0, 1)
    }
    for point in found["points"]:
        assert (
            point["step"] > 0
            or point["method"] == "best-of-n"
            or point["distance"] == pytest.approx(0, abs=1e-3)
        )
    before = path.read_bytes()
    with pytest.raises(InklingError, match="another recipe"):
        run_experiment(start, path, Experiment())
    other = tmp_path / "other"
    tiny.random_model(5).save_pretrained(other)
    shutil.copy(start / "tokenizer.json", other)
    with pytest.raises(InklingError, match="another model"):
        run_experiment(other, path, SMALL)
    assert path.read_bytes() == before


def test_its_prompts_are_short_and_an_unknown_method_is_named(start):
    world = World(0)
    prompts = short_prompts(world, 30, 0)
    assert len(prompts) == 30 and not any("story" in prompt for prompt in prompts)
    with pytest.raises(InklingError, match="no method 'SGD'"):
        run_once("SGD", 0.1, 0, Transformer.from_pretrained(start), None, world, SMALL)


def test_a_shipped_run_is_what_its_recipe_makes():
    """DPO of one price and seed again, from the shipped model: every number near the shipped one.

    Another machine rounds otherwise, and its replies are other draws: so within four standard
    errors of 80 replies.
    """
    shipped = shipped_runs()
    recipe = shipped["recipe"]
    assert recipe == json.loads(json.dumps(asdict(Experiment()))), (
        "the shipped points are of another recipe"
    )
    beta = recipe["dpo_betas"][-1]
    folder = checkpoints.path("sft")
    model, tokenizer = (
        Transformer.from_pretrained(folder),
        Tokenizer.load(folder / "tokenizer.json"),
    )
    again = run_once("DPO", beta, 0, model, tokenizer, World(0))
    before = [
        p for p in shipped["points"] if (p["method"], p["beta"], p["seed"]) == ("DPO", beta, 0)
    ]
    assert [p["step"] for p in again] == [p["step"] for p in before]
    for ours, theirs in zip(again, before, strict=True):
        for name, error in (("gold", 0.9 / 80**0.5), ("proxy", 1.5 / 80**0.5), ("distance", 0.15)):
            assert abs(ours[name] - theirs[name]) < 4 * error, (name, ours, theirs)
    assert again[-1]["proxy"] > again[0]["proxy"] + 0.3, "and DPO does raise the proxy"

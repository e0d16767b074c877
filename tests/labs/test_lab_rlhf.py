"""The RLHF lab: its closed form, its rubrics, its runs and its panels, without a browser."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch
from driving import finished

from inkling import checkpoints
from inkling.files import InklingError
from inkling.labs import rlhf as lab
from inkling.labs.rlhf_rubric import Rubric, Rule, read_rubric
from inkling.labs.rlhf_samples import Samples, faults, favourites, gold_by_kind
from inkling.model.transformer import Transformer
from inkling.text.tokenizer import Tokenizer
from inkling.world import World
from inkling.world.rubric import grade

WORLD = World(0)


@pytest.fixture(scope="module")
def start() -> Transformer:
    return Transformer.from_pretrained(checkpoints.path("sft"))


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.load(checkpoints.path("sft") / "tokenizer.json")


@pytest.fixture(scope="module")
def samples(start, tokenizer) -> Samples:
    return lab.make_samples(start, tokenizer, WORLD, n=64)


# --- beta -----------------------------------------------------------------------------------------


def test_the_tilted_policy_is_the_best_at_its_price():
    random = np.random.default_rng(0)
    points, beta = random.normal(size=16), 0.7

    def objective(w):
        return (w * points).sum() - beta * (w * np.log(w * 16)).sum()

    best = lab.tilt(points, beta)
    assert math.isclose(best.sum(), 1)
    others = [best * np.exp(random.normal(0, 0.1, 16)) for _ in range(50)]
    assert all(objective(best) > objective(w / w.sum()) for w in others)


def test_a_smaller_beta_buys_more_reward_for_more_kl(samples):
    points = samples.points(lab.polite_words)
    path = lab.frontier(points, samples.gold, (100.0, 1.0, 0.1, 1e-6))
    assert (np.diff(path[:, 0]) > 0).all() and (np.diff(path[:, 1]) > 0).all()
    assert path[0, 0] < 1e-3 and abs(path[0, 1] - points.mean()) < 0.02
    assert abs(path[-1, 1] - points.max(axis=1).mean()) < 1e-6 and path[-1, 0] <= math.log(64)
    with pytest.raises(InklingError, match="above 0"):
        lab.tilt(points, 0.0)


def test_equal_points_are_a_fair_draw():
    gold = np.array([[0.0, 1.0, 5.0]])
    for points in ([1.0, 1.0, 0.0], [1.0, 1.0, -3.0]):
        assert lab.best_of(np.array([points]), gold, [3])[0, 1] == 0.5
    assert lab.best_of(np.array([[1.0, 1.0, 0.0]]), gold, [1])[0, 1] == 2.0


def test_the_naive_reward_hides_its_loophole_from_the_samples(samples):
    curves = {
        r: lab.best_of(samples.points(r), samples.gold, (1, 64))
        for r in (lab.polite_words, lab.many_words)
    }
    assert all(curve[1, 0] > curve[0, 0] for curve in curves.values())
    assert curves[lab.many_words][1, 1] < curves[lab.many_words][0, 1] - 0.2, (
        "long replies are worth less"
    )
    assert curves[lab.polite_words][1, 1] > curves[lab.polite_words][0, 1] - 0.1, (
        "courtesy does no harm at first"
    )


def test_a_run_without_a_price_finds_the_loophole(start, tokenizer):
    policy, before = copy.deepcopy(start), copy.deepcopy(start.state_dict())
    history = list(lab.run_grpo(policy, tokenizer, WORLD, lab.polite_words, beta=0.0, steps=5))
    assert history[-1][0].reward > 2 * history[0][0].reward and history[-1][0].kl > 5
    assert len(history) == 5 and not torch.equal(
        policy.embed_tokens.weight, before["embed_tokens.weight"]
    )


# --- rubrics --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line, reply, points",
    [
        ("+1 thank you", "Thank   you. Thank you.", 1.0),
        ("2 each fool", "Fool, fool, foolish.", 4.0),
        ("-0.5 each word", "one two three", -1.5),
        ("-1 each sentence", "One. Two! Three?", -3.0),
        ("-1 over 2 words", "one two", 0.0),
        ("-1 over 2 words", "one two three", -1.0),
        ("+.5 a name from the question", "Emil is a cooper.", 0.5),
        ("+.5 a name from the question", "He is a cooper.", 0.0),
        ("-3 nothing", "", -3.0),
        ("\N{MINUS SIGN}2 ?", "Why?", -2.0),
        ("+1 c++ (really)", "I like C++ (really).", 1.0),
        ("+1 .*", "anything", 0.0),
        ("# a remark\n\n+1 yes", "Yes.", 1.0),
    ],
)
def test_a_rubric_counts_what_it_says(line, reply, points):
    assert math.isclose(read_rubric(line).score("What is the trade of Emil?", reply), points)


@pytest.mark.parametrize(
    "text, said",
    [
        ("", "no line yet"),
        ("# only a remark", "no line yet"),
        ("+1 yes\nthank you", "Line 2"),
        ("plus one yes", "Begin with a number"),
        ("+1", "Begin with a number"),
        ("1e99 yes", "cannot be read"),
        ("-1 over many words", "needs a whole number"),
        ("-1 over -5 words", "needs a whole number"),
        ("999999 yes", "keep to 100"),
        ("9" * 400 + " yes", "keep to 100"),
        ("nan yes", "cannot be read"),
        ("+1 " + "a" * 500, "keep to 80"),
        ("+1 yes\n" * 40, "40 lines"),
        ("+1 each", "each what"),
        ("__import__('os').remove('x')", "cannot be read"),
        (7, "a text of lines"),
    ],
)
def test_a_rubric_that_cannot_be_read_says_why(text, said):
    with pytest.raises(InklingError, match=said):
        read_rubric(text)


def test_points_must_be_numbers(samples):
    with pytest.raises(InklingError, match="no finite number"):
        samples.points(lambda prompts, replies: torch.full((len(replies),), math.nan))
    points = samples.points(Rubric((Rule(1.0, "each word"),)).reward)
    assert points.shape == samples.gold.shape and points[0, 0] == len(samples.replies[0][0].split())


def test_favourites_name_what_the_points_do_not_see(samples):
    rows = favourites(samples, samples.points(lab.many_words), WORLD)
    assert len(rows) == len(samples.prompts) and rows[0][3] == min(row[3] for row in rows)
    assert "nobody asked" in " ".join(row[4] for row in rows)
    asked = WORLD.requests(1, "test", 0, only="unsafe")[0].prompt
    assert faults(grade(WORLD, asked, "I will not help with that.")) == "nothing"
    assert (
        faults(grade(WORLD, asked, "You ask too much. Do it quickly, and then run."))
        == "helps with harm, is rude"
    )
    kinds = gold_by_kind(samples, samples.points(lab.many_words), WORLD)
    assert set(kinds) == {"fact", "unknown", "how_to", "unsafe", "unkind"}


# --- panels ---------------------------------------------------------------------------------------


def test_the_beta_panel_follows_its_controls(samples):
    panel = lab.beta_panel(
        samples,
        {"polite": samples.points(lab.polite_words), "words": samples.points(lab.many_words)},
    )
    drawn, table = panel.plot.drawn, panel.page.value
    panel.controls["beta"].value = 0.1
    assert panel.plot.drawn == drawn + 1 and panel.page.value != table
    assert "beta 0.10" in panel.line.value
    panel.controls["reward"].value, panel.controls["prompt"].value = "words", 3
    assert panel.plot.drawn == drawn + 3
    panel.controls["beta"].value = 1e9
    assert panel.controls["beta"].value < 40
    assert "nan" not in panel.page.value + panel.line.value


def test_the_rubric_panel_scores_and_keeps_what_it_had(samples):
    panel = lab.rubric_panel(samples, WORLD)
    drawn, text = panel.plot.drawn, panel.controls["text"]
    text.value = "this is no rubric"
    assert "Line 1" in panel.line.value and panel.plot.drawn == drawn and len(panel.results) == 1
    text.value = "+1 <b>bold</b>"
    assert panel.plot.drawn == drawn + 1 and "Best of 64" in panel.line.value
    text.value = "<script>alert(1)</script>"
    assert "<script" not in panel.line.value and "&lt;script" in panel.line.value
    text.value = "-1 each word"
    panel.controls["score"].click()
    assert panel.plot.drawn == drawn + 3 and panel.results[-1].rules[0].what == "each word"


def test_texts_never_become_markup():
    nasty = "<script>alert(1)</script>"
    assert "<script" not in lab.show_favourites([(nasty, nasty, 1.0, 1.0, nasty)])


def test_a_run_reads_the_rubric_when_it_starts(samples, start, tokenizer):
    text = lab.rubric_panel(samples, WORLD).controls["text"]
    panel = lab.run_panel(
        {"yours": lambda: read_rubric(text.value).reward}, start, tokenizer, WORLD
    )
    text.value = "no points"
    assert "Line 1" in finished(panel) and panel.worker.state == "failed" and not panel.results
    panel.worker.stop_button.click()
    assert "Nothing is running" in panel.worker.line.value
    text.value, panel.controls["steps"].value = "+1 each gladly", 1
    before, drawn = copy.deepcopy(start.state_dict()), panel.plot.drawn
    panel.worker.start()
    panel.worker.start()
    assert panel.worker.wait() and panel.worker.state == "done"
    ((policy, history),) = panel.results
    assert panel.plot.drawn == drawn + 1 and len(history) == 1 and "after" in panel.page.value
    assert policy is not start
    assert all(torch.equal(value, before[name]) for name, value in start.state_dict().items()), (
        "the start stays"
    )


def test_stop_keeps_what_was_made(start, tokenizer):
    panel = lab.run_panel({"polite": lambda: lab.polite_words}, start, tokenizer, WORLD)
    beta, steps = panel.controls["beta"], panel.controls["steps"]
    beta.value, steps.value = -3.0, 10_000
    assert beta.value == 0.0 and steps.value == 30
    panel.worker.start()
    panel.worker.stop_button.click()
    panel.worker.stop()
    panel.worker.wait()
    ((_, history),) = panel.results
    assert panel.worker.state == "stopped" and 1 <= len(history) < 30
    assert "before" in panel.page.value


def test_the_bar_of_the_last_exercise_is_no_gift(samples):
    """Neither the beginner's rubric nor the naive rewards pass, the reply drawn at random does not,
    the best does.
    """
    for reward in (read_rubric(lab.NAIVE).reward, lab.polite_words, lab.many_words):
        assert lab.best_of(samples.points(reward), samples.gold, [64])[0, 1] < lab.BAR - 0.05
    one_line = read_rubric("+1 thank you").reward  # what the stub of the exercise shows
    assert lab.best_of(samples.points(one_line), samples.gold, [64])[0, 1] < lab.BAR
    assert samples.gold.mean() < lab.BAR - 0.2 < samples.gold.max(axis=1).mean()

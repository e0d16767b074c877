"""The lab of twenty choices: its reward model, its policy and its buttons, without a browser."""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest
import torch

from inkling import checkpoints
from inkling.assistant import tastes
from inkling.assistant.overoptimisation import short_prompts
from inkling.assistant.preferences import Pair
from inkling.assistant.rollouts import roll_out
from inkling.files import InklingError
from inkling.labs import rater as lab
from inkling.labs import rater_policy
from inkling.model.transformer import Transformer
from inkling.text.tokenizer import Tokenizer
from inkling.world import World

WORLD = World(0)
BRIEF, LONG = tastes.BRIEF, tastes.LONG


@pytest.fixture(scope="module")
def start() -> Transformer:
    return checkpoints.load("sft")[0]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return checkpoints.load("sft")[1]


@pytest.fixture(scope="module")
def comparisons(start, tokenizer):
    return tastes.choose_comparisons(
        rater_policy.sample_replies(start, tokenizer, WORLD, n_prompts=20, n=4), n=40
    )


@pytest.fixture
def ranking(comparisons, tmp_path):
    return lab.Ranking(comparisons, tmp_path / "mine.json")


def rank_like(ranking, taste, n):
    """Make `n` choices, as a person of this taste would."""
    for _ in range(n):
        shown = ranking.current
        ranking.choose(0 if taste.probability(shown.prompt, shown.left, shown.right) > 0.5 else 1)


def press_like(panel, ranking, taste, n):
    """Rank `n` pairs with the buttons, as a person of this taste would."""
    for _ in range(n):
        shown = ranking.current
        panel.controls[
            "left" if taste.probability(shown.prompt, shown.left, shown.right) > 0.5 else "right"
        ].click()


# --- what is learned ------------------------------------------------------------------------------


def test_features_count_what_they_say():
    prompt = "What is the trade of Emil?"

    def of(reply):
        return dict(zip(tastes.FEATURES, tastes.features(prompt, reply), strict=True))

    plain = of("Emil is a cooper.")
    assert (
        plain["words"] == 0.4
        and plain["repeats a name"] == 1
        and plain["chatter"] == plain["courtesy"] == 0
    )
    assert of("Gladly. Emil is a cooper. Have a good day.")["courtesy"] == 2
    assert of("You ask too much. Max has a cat. Ida has a dog.")["rudeness"] == 1
    assert of("You ask too much. Max has a cat. Ida has a dog.")["chatter"] == 1
    assert (
        of("I do not know Emil.")["does not know"] == 1
        and of("I will not do that.")["declines"] == 1
    )
    assert not any(of("").values())


def test_pairs_to_rank_differ_in_many_ways(comparisons):
    assert len({(c.prompt, c.left, c.right) for c in comparisons}) == 40
    gaps = np.stack(
        [
            tastes.features(c.prompt, c.left) - tastes.features(c.prompt, c.right)
            for c in comparisons[:20]
        ]
    )
    assert np.linalg.matrix_rank(gaps) == len(tastes.FEATURES), (
        "twenty pairs should tell something on each feature"
    )
    assert (np.abs(gaps).sum(axis=1) > 0).all()


def test_the_fit_finds_the_taste_and_is_less_sure_without_choices(comparisons):
    words = tastes.FEATURES.index("words")
    for taste, sign in ((BRIEF, -1), (LONG, 1)):
        model = tastes.TasteModel.fit(tastes.choices(taste, comparisons))
        assert sign * model.weights[words] > model.errors[words]
        assert abs(model.weights[words]) == max(abs(model.weights))
        assert model.agreement(tastes.choices(taste, comparisons[20:])) > 0.8
        few = tastes.TasteModel.fit(tastes.choices(taste, comparisons, n=3))
        assert few.errors[words] > model.errors[words]


def test_the_fit_is_at_the_top_of_its_posterior(comparisons):
    pairs = tastes.choices(tastes.POLITE, comparisons)
    d = np.stack([tastes.difference(pair) for pair in pairs])

    def posterior(weights):
        return -np.logaddexp(0, -(d @ weights)).sum() - (weights**2).sum() / 2

    best = tastes.TasteModel.fit(pairs).weights
    noise = np.random.default_rng(0).normal(0, 0.05, (50, len(best)))
    assert all(posterior(best) > posterior(best + step) for step in noise)


def test_a_model_refuses_nothing_to_learn_from():
    with pytest.raises(InklingError, match="no choices"):
        tastes.TasteModel.fit([])
    with pytest.raises(InklingError, match="prior"):
        tastes.TasteModel.fit([Pair("A?", "b", "c d")], prior=0.0)


def test_agreement_counts_a_tie_half():
    model = tastes.TasteModel(np.zeros(7), np.ones(7))
    assert model.agreement([Pair("A?", "b c", "d")]) == 0.5


def policy_of(taste, comparisons, start, tokenizer, rounds):
    """What somebody of this taste gets out of the lab: 20 choices in the ranking, then Train."""
    ranking = lab.Ranking(comparisons, None)
    rank_like(ranking, taste, 20)
    panel = lab.policy_panel(ranking, start, tokenizer, WORLD)
    panel.controls["rounds"].value = rounds
    panel.worker.start_button.click()
    panel.worker.wait()
    assert ranking.progress == "20 of 20" and panel.worker.state == "done", panel.worker.line.value
    return panel.results[-1].policy


def means_of(count, policy, tokenizer):
    """Mean of `count(features)` over replies to prompts that no round has trained on, and its
    standard error.
    """
    prompts = short_prompts(WORLD, 48, 8, "test")
    replies = roll_out(policy, tokenizer, prompts, 64, seed=1).replies
    values = [
        count(tastes.features(prompt, reply))
        for prompt, reply in zip(prompts, replies, strict=True)
    ]
    return np.mean(values), np.std(values) / np.sqrt(len(values))


def test_two_opposite_raters_get_opposite_policies(start, tokenizer, comparisons):
    """Twenty choices each, the same code: one gets far shorter replies to fresh prompts, the other
    far longer ones.
    """
    policies = [
        policy_of(taste, comparisons, start, tokenizer, rounds=3) for taste in (BRIEF, LONG)
    ]
    (short, error), (before, _), (long, other) = (
        means_of(lambda f: f[0], policy, tokenizer) for policy in (policies[0], start, policies[1])
    )
    assert long - short > 6 * np.hypot(error, other)
    assert short < 0.75 * before and long > 1.5 * before, (short, before, long)


def test_a_polite_and_a_curt_rater_get_opposite_policies(start, tokenizer, comparisons):
    """The same with manners: courtesies less rude sentences in a reply."""
    curt = tastes.Taste("always the less courteous reply", {"courtesy": -1.0, "rudeness": 1.0})
    policies = [
        policy_of(taste, comparisons, start, tokenizer, rounds=3) for taste in (curt, tastes.POLITE)
    ]
    (curt, error), (before, _), (polite, other) = (
        means_of(lambda f: f[1] - f[2], policy, tokenizer)
        for policy in (policies[0], start, policies[1])
    )
    assert polite - curt > 6 * np.hypot(error, other)
    assert curt < before - 0.2 and polite > before + 0.2, (curt, before, polite)


def test_pooling_opposites_pleases_neither(comparisons):
    one = tastes.Taste("short", {"words": -1.0, "courtesy": 0.5})
    other = tastes.Taste("long", {"words": 1.0, "courtesy": 0.5})
    agreed = lab.pooled_agreement(
        one, other, comparisons[:30], comparisons[30:], seeds=range(4)
    ).mean(axis=0)
    assert agreed.shape == (11, 2)
    assert agreed[-1, 0] > 0.8 and agreed[0, 1] > 0.8, "alone, each gets a model that agrees"
    assert agreed[5].mean() < 0.75, "half and half serves them badly"
    assert agreed[0, 0] < 0.5 and agreed[-1, 1] < 0.5, "who is outvoted gets the opposite"


# --- ranking --------------------------------------------------------------------------------------


def test_ranking_keeps_undoes_skips_and_comes_back(ranking, comparisons):
    first = ranking.current
    assert ranking.progress == "0 of 20" and "nothing to undo" in ranking.undo()
    ranking.choose(1)
    assert ranking.pairs[0] == Pair(first.prompt, first.right, first.left, "you")
    skipped = ranking.current
    assert "Skipped" in ranking.skip() and ranking.current not in (first, skipped)
    ranking.choose(0)
    again = lab.Ranking(comparisons, ranking.path)
    assert again.pairs == ranking.pairs and again.progress == "2 of 20" and "back" in again.greeting
    again.undo()
    assert again.progress == "1 of 20" and len(json.loads(ranking.path.read_text())) == 1
    assert "forgotten" in again.start_over() and not again.pairs
    assert "nothing" not in again.undo() and again.progress == "1 of 20"
    again.start_over()
    assert "no choices to forget" in again.start_over()


def test_ranking_ends_with_a_sentence_and_skipped_pairs_return(comparisons):
    ranking = lab.Ranking(comparisons[:3], None)
    ranking.skip()
    ranking.choose(0)
    ranking.choose(0)
    assert ranking.current == comparisons[0], "the skipped pair comes back"
    ranking.choose(1)
    assert (
        ranking.current is None
        and "all pairs" in ranking.choose(0)
        and "no pair left" in ranking.skip()
    )
    assert len(ranking.pairs) == 3
    with pytest.raises(InklingError, match="nothing to compare"):
        lab.Ranking([], None)


@pytest.mark.parametrize("text", ["{broken", '[["a", "b"]]', "[1, 2]", '[["a", 1, 2]]', "7"])
def test_a_broken_file_of_choices_is_put_aside(comparisons, tmp_path, text):
    (tmp_path / "mine.json").write_text(text)
    ranking = lab.Ranking(comparisons, tmp_path / "mine.json")
    assert not ranking.pairs and "could not be read" in ranking.greeting
    assert (tmp_path / "mine.broken").read_text() == text


def test_choices_that_cannot_be_written_stay_in_the_kernel(comparisons, tmp_path):
    (tmp_path / "in_the_way").write_text("a file, not a folder")
    ranking = lab.Ranking(comparisons, tmp_path / "in_the_way" / "mine.json")
    assert "this kernel only" in ranking.choose(0) and len(ranking.pairs) == 1


def test_the_ranking_panel_follows_its_buttons(ranking):
    rank_like(ranking, BRIEF, 16)
    panel = lab.ranking_panel(ranking)
    drawn, shown = panel.plot.drawn, panel.page.value
    press_like(panel, ranking, BRIEF, 4)
    assert panel.plot.drawn == drawn + 4 and panel.page.value != shown
    assert "20 of 20" in panel.line.value and "training below" in panel.line.value
    assert "words -" in panel.plot.widget.value
    panel.controls["undo"].click()
    assert "19 of 20" in panel.line.value
    panel.controls["skip"].click()
    panel.controls["start over"].click()
    assert "0 of 20" in panel.line.value


def test_texts_never_become_markup():
    nasty = "<script>alert(1)</script> <b>bold</b>"
    shown = lab.show_pair(tastes.Comparison(nasty, nasty, nasty)) + lab.replies_beside(
        [nasty], {nasty: [nasty]}
    )
    assert "<script" not in shown and "<b>bold" not in shown and "&lt;script&gt;" in shown
    panel = lab.ranking_panel(lab.Ranking([tastes.Comparison(nasty, nasty, "other")], None))
    panel.controls["left"].click()
    assert "<script" not in panel.page.value


# --- training -------------------------------------------------------------------------------------


def test_training_needs_choices_and_asking_needs_training(ranking, start, tokenizer):
    panel = lab.policy_panel(ranking, start, tokenizer, WORLD)
    panel.worker.start_button.click()
    panel.worker.wait()
    assert (
        panel.worker.state == "failed"
        and "at least 5" in panel.worker.line.value
        and not panel.results
    )
    panel.controls["ask"].click()
    assert "Press Train first" in panel.controls["answer"].value
    panel.worker.stop_button.click()
    assert "Nothing is running" in panel.worker.line.value


def test_train_stop_and_ask(ranking, start, tokenizer):
    rank_like(ranking, BRIEF, 8)
    panel = lab.policy_panel(ranking, start, tokenizer, WORLD)
    before, drawn = copy.deepcopy(start.state_dict()), panel.plot.drawn
    panel.controls["rounds"].value = 1
    panel.worker.start_button.click()
    panel.worker.start()
    assert panel.worker.wait() and panel.worker.state == "done"
    assert (
        panel.plot.drawn == drawn + 2
        and len(panel.results[-1].history) == 2
        and "before" in panel.page.value
    )
    assert all(torch.equal(value, before[name]) for name, value in start.state_dict().items()), (
        "the start stays"
    )
    for text, answer in {
        "": "Write a question",
        "  ": "Write a question",
        "word " * 900: "too long",
        "\N{BANANA}" * 100: "too long",
    }.items():
        panel.controls["prompt"].value = text
        panel.controls["ask"].click()
        assert answer in panel.controls["answer"].value
    panel.controls["prompt"].value = "<b>Where does Ada live?"
    panel.controls["ask"].click()
    assert (
        "&lt;b&gt;Where" in panel.controls["answer"].value
        and "<table" in panel.controls["answer"].value
    )


def test_stop_keeps_the_policy(ranking, start, tokenizer):
    rank_like(ranking, BRIEF, 5)
    panel = lab.policy_panel(ranking, start, tokenizer, WORLD)
    panel.controls["rounds"].value = 999
    assert panel.controls["rounds"].value == 12
    panel.worker.start()
    panel.worker.stop_button.click()
    panel.worker.stop()
    panel.worker.wait()
    assert panel.worker.state == "stopped" and len(panel.results[-1].history) < 13
    assert panel.results and "before" in panel.page.value
    panel.worker.stop()
    assert "Nothing is running" in panel.worker.line.value


def test_the_pooling_panel_follows_its_slider(comparisons):
    panel = lab.pooling_panel(BRIEF, LONG, comparisons[:30], comparisons[30:])
    drawn, said = panel.plot.drawn, panel.line.value
    panel.controls["share"].value = 20
    assert (
        panel.plot.drawn == drawn + 1
        and panel.line.value != said
        and "20 choices" in panel.line.value
    )
    panel.controls["share"].value = 999
    assert panel.controls["share"].value == 20

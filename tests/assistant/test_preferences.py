"""Preferences: raters choose as often as they should, by worth and by taste, and what cannot be
known is counted.
"""

import math
from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inkling.assistant.preferences import (
    CARELESS,
    CROWD,
    FAIR,
    TALKATIVE,
    Pair,
    Rater,
    bayes_ceiling,
    compare,
    compare_by,
    preferences,
    rater_ceiling,
    sigmoid,
    written_replies,
)
from inkling.files import InklingError
from inkling.world import World

WORLD = World(0)
STREET = WORLD.person("Ada").street
PROMPT = "Where does Ada live?"
PLAIN, LONGER = f"Ada lives in {STREET}.", f"The home of Ada is in {STREET}."
POLITE, WRONG = f"{PLAIN} Have a good day.", "I do not know Ada."
WORTH = {PLAIN: 1.0, LONGER: 1.0, POLITE: 1.25, WRONG: -0.5}
REPLIES = written_replies(WORLD, 1_500)

raters = st.builds(
    Rater, st.just("somebody"), st.floats(0.01, 10), st.floats(-1, 1), st.floats(0, 1)
)
replies = st.sampled_from(list(WORTH))


def within_chance(count: int, probabilities: list[float]) -> bool:
    """Whether so many successes are within four standard errors of what was to be expected."""
    error = math.sqrt(sum(p * (1 - p) for p in probabilities))
    return abs(count - sum(probabilities)) < 4 * error


# --- one rater ------------------------------------------------------------------------------------


@given(st.floats(allow_nan=False))
def test_sigmoid_never_overflows_and_its_two_sides_are_one(x):
    assert 0.0 <= sigmoid(x) <= 1.0
    assert sigmoid(x) + sigmoid(-x) == pytest.approx(1.0)
    assert sigmoid(x) == pytest.approx(0.5 + 0.5 * math.tanh(x / 2), abs=1e-12)


@given(raters, replies, replies)
def test_the_order_in_which_replies_are_shown_does_not_matter(rater, one, other):
    p, reverse = (
        rater.probability(WORLD, PROMPT, one, other),
        rater.probability(WORLD, PROMPT, other, one),
    )
    assert p + reverse == pytest.approx(1.0)
    assert rater.careless / 2 - 1e-9 <= p <= 1 - rater.careless / 2 + 1e-9


def test_a_fair_rater_sees_worth_through_noise():
    assert [WORLD.gold_reward(PROMPT, text) for text in WORTH] == list(WORTH.values())
    assert FAIR.probability(WORLD, PROMPT, POLITE, PLAIN) == pytest.approx(
        1 / (1 + math.exp(-0.25 / 0.25))
    )
    assert FAIR.probability(WORLD, PROMPT, POLITE, PLAIN) == pytest.approx(0.73, abs=0.005)
    assert Rater("", noise=3.0).probability(WORLD, PROMPT, PLAIN, WRONG) == pytest.approx(
        1 / (1 + math.exp(-0.5))
    )
    assert Rater("", noise=1e-3).probability(WORLD, PROMPT, WRONG, PLAIN) == 0.0


def test_who_likes_long_replies_prefers_the_longer_of_two_that_are_worth_the_same():
    words = len(LONGER.split()) - len(PLAIN.split())
    assert words == 3 and FAIR.probability(WORLD, PROMPT, LONGER, PLAIN) == 0.5
    assert TALKATIVE.probability(WORLD, PROMPT, LONGER, PLAIN) == pytest.approx(
        1 / (1 + math.exp(-0.12 / 0.25))
    )
    rambling = (
        f"{PLAIN} {'It rains in the harbour and on the hill all day long, so they say. ' * 2}"
    )
    fair, talkative = (
        rater.probability(WORLD, PROMPT, rambling, PLAIN) for rater in (FAIR, TALKATIVE)
    )
    assert fair < 0.5 < talkative


def test_who_does_not_look_tosses_a_coin():
    assert Rater("", careless=1.0).probability(WORLD, PROMPT, POLITE, WRONG) == 0.5
    half = Rater("", careless=0.5).probability(WORLD, PROMPT, POLITE, PLAIN)
    assert half == pytest.approx((FAIR.probability(WORLD, PROMPT, POLITE, PLAIN) + 0.5) / 2)


@pytest.mark.parametrize(
    "rater", [FAIR, TALKATIVE, CARELESS, Rater("blurred", noise=2.0, per_word=-0.1)]
)
@pytest.mark.parametrize(("one", "other"), [(POLITE, PLAIN), (PLAIN, LONGER), (WRONG, PLAIN)])
def test_choices_come_as_often_as_their_probability_says(rater, one, other):
    random, p = Random(f"{rater.name}/{one}").random, rater.probability(WORLD, PROMPT, one, other)
    pairs = [compare(WORLD, PROMPT, one, other, rater, random) for _ in range(1_000)]
    assert within_chance(sum(pair.chosen == one for pair in pairs), [p] * len(pairs))
    for pair in pairs[:50]:
        assert {pair.chosen, pair.rejected} == {one, other} and (pair.prompt, pair.rater) == (
            PROMPT,
            rater.name,
        )
        assert pair.probability == pytest.approx(
            rater.probability(WORLD, PROMPT, pair.chosen, pair.rejected)
        )


# --- many comparisons -----------------------------------------------------------------------------


def test_written_replies_are_two_different_ones_to_each_prompt_of_the_stream():
    for stream in ("train", "test"):
        written = written_replies(WORLD, 100, stream=stream)
        assert [prompt for prompt, _, _ in written] == [
            asked.prompt for asked in WORLD.requests(100, stream)
        ]
        assert all(one != other for _, one, other in written)
    differences = [
        WORLD.gold_reward(p, one) - WORLD.gold_reward(p, other) for p, one, other in REPLIES
    ]
    better = Counter(d > 0 for d in differences if d)
    assert within_chance(better[True], [0.5] * better.total()), "neither place is the better one"


def test_the_same_seed_makes_the_same_comparisons():
    assert written_replies(WORLD, 50) == REPLIES[:50] != written_replies(WORLD, 50, seed=1)
    assert preferences(WORLD, REPLIES[:50]) == preferences(World(0), REPLIES)[:50]
    assert preferences(WORLD, REPLIES[:50]) != preferences(WORLD, REPLIES[:50], seed=1)


def test_each_comparison_is_one_raters_drawn_from_the_crowd():
    pairs = preferences(WORLD, REPLIES)
    assert [(pair.prompt, {pair.chosen, pair.rejected}) for pair in pairs] == [
        (p, {a, b}) for p, a, b in REPLIES
    ]
    counts = Counter(pair.rater for pair in pairs)
    for rater in {FAIR, TALKATIVE, CARELESS}:
        assert within_chance(counts[rater.name], [CROWD.count(rater) / len(CROWD)] * len(pairs))


def test_over_a_whole_crowd_the_likelier_choice_is_made_as_often_as_the_ceiling_says():
    pairs = preferences(WORLD, REPLIES)
    likelier = [max(pair.probability, 1 - pair.probability) for pair in pairs]
    assert rater_ceiling(pairs) == pytest.approx(sum(likelier) / len(likelier))
    assert within_chance(
        sum(pair.probability > 0.5 for pair in pairs), [p for p in likelier if p > 0.5]
    )


@pytest.mark.parametrize("noise", [0.1, 0.25, 1.0])
def test_the_ceiling_of_fair_raters_is_the_mean_of_sigma_of_the_difference_over_the_noise(noise):
    pairs = preferences(WORLD, REPLIES[:300], [Rater("fair", noise)])
    differences = [
        abs(WORLD.gold_reward(p, one) - WORLD.gold_reward(p, other))
        for p, one, other in REPLIES[:300]
    ]
    expected = sum(1 / (1 + math.exp(-d / noise)) for d in differences) / len(differences)
    fair = [Rater("fair", noise)]
    assert (
        rater_ceiling(pairs)
        == pytest.approx(bayes_ceiling(WORLD, pairs, fair))
        == pytest.approx(expected)
    )
    assert 0.5 < expected < 1.0


def test_the_ceiling_leaves_out_choices_of_unknown_probability():
    known = [Pair(PROMPT, PLAIN, WRONG, "", 0.9), Pair(PROMPT, WRONG, PLAIN, "", 0.3)]
    assert rater_ceiling([*known, Pair(PROMPT, PLAIN, WRONG, "you")]) == pytest.approx(0.8)
    for pairs in ([], [Pair(PROMPT, PLAIN, WRONG, "you")]):
        with pytest.raises(InklingError, match="no ceiling to compute"):
            rater_ceiling(pairs)


def test_the_ceiling_of_a_crowd_bets_on_what_the_crowd_prefers():
    pairs = preferences(WORLD, REPLIES)
    right = 0
    for pair in pairs:
        p = sum(
            rater.probability(WORLD, pair.prompt, pair.chosen, pair.rejected) for rater in CROWD
        ) / len(CROWD)
        right += p > 0.5
    ceiling = bayes_ceiling(WORLD, pairs)
    assert ceiling < rater_ceiling(pairs), "who knows the rater knows more"
    assert within_chance(right, [ceiling] * len(pairs)), (
        "who bets so is right as often as the ceiling says"
    )
    with pytest.raises(InklingError, match="takes pairs, and the raters"):
        bayes_ceiling(WORLD, [], CROWD)


def test_equal_replies_are_left_out():
    pairs = preferences(
        WORLD, [(PROMPT, PLAIN, PLAIN), (PROMPT, PLAIN, WRONG), (PROMPT, WRONG, WRONG)]
    )
    assert [{pair.chosen, pair.rejected} for pair in pairs] == [{PLAIN, WRONG}]


def test_without_raters_there_is_nobody_to_ask():
    with pytest.raises(InklingError, match="at least one rater"):
        preferences(WORLD, REPLIES[:1], [])


# --- a person chooses -----------------------------------------------------------------------------


def test_a_persons_choice_is_a_pair_without_a_probability():
    shown = []
    for choice, chosen, rejected in ((0, PLAIN, WRONG), (1, WRONG, PLAIN)):
        pair = compare_by(
            lambda *args, choice=choice: shown.append(args) or choice, PROMPT, PLAIN, WRONG
        )
        assert pair == Pair(PROMPT, chosen, rejected, "you", None)
    assert shown == [(PROMPT, PLAIN, WRONG)] * 2


@pytest.mark.parametrize("choice", [2, -1, None, "0", 0.5])
def test_any_other_answer_is_refused(choice):
    with pytest.raises(
        InklingError, match=r"the choice is .*; it must be 0 \(the first reply\) or 1"
    ):
        compare_by(lambda *_: choice, PROMPT, PLAIN, WRONG)

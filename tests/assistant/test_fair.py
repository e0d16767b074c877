"""Fair measurement: with whoever says always the same, every figure is known beforehand."""

import json
import math
import statistics

import pytest
import tiny

from inkling.assistant import fair
from inkling.assistant.exam import judge_replies
from inkling.assistant.sft import FITTING as SELDOM
from inkling.assistant.sft import demonstrations, draw_style
from inkling.files import InklingError
from inkling.world import World
from inkling.world.judging import CLOSINGS, FITTING, POLITE, RIGHT
from inkling.world.requests import Style, read_request, reply

EDITIONS = [World(0), World(0, edition=2)]
both = pytest.mark.parametrize("world", EDITIONS, ids=["edition 1", "edition 2"])


def says(text):
    """Whoever says this to everything."""
    return lambda asked, seed: fair.Written(
        [text] * len(asked), [True] * len(asked), [3] * len(asked)
    )


def writes(world, style):
    """Whoever replies to everything in one style."""

    def written(asked, seed):
        texts = [reply(world, request, style, f"{seed}/{i}") for i, request in enumerate(asked)]
        return fair.Written(texts, [True] * len(texts), [len(text) for text in texts])

    return written


@both
def test_who_refuses_everything_refuses_harm_and_all_else(world):
    found = fair.measure_arm(world, says("I will not help with that."), 60)
    assert found["refused_unsafe"] == found["refused_harmless"] == 1
    assert found["right_known"] == found["rude"] == 0 and found["length"] == 3
    assert found["right"]["unsafe"] == 1 and found["right"]["fact"] == 0
    assert found["by_kind"]["unsafe"] == RIGHT and found["spread"]["by_kind"]["unsafe"] == 0
    assert found["terms"]["manners"] == found["terms"]["fitting"] == 0


@both
def test_means_and_deviations_are_those_of_the_seeds(world):
    arm, reports = writes(world, Style(True, "rude", 1)), []
    for seed in range(3):
        asked = world.requests(50, "test", seed)
        reports.append(judge_replies(world, asked, *arm(asked, seed)))
    found = fair.measure_arm(world, arm, 50)
    golds = [report.gold for report in reports]
    assert found["gold_by_seed"] == golds and len(set(golds)) == 3
    assert found["gold"] == pytest.approx(statistics.mean(golds))
    assert found["spread"]["gold"] == pytest.approx(statistics.stdev(golds))
    for table in fair.TABLES:
        for key, value in found[table].items():
            each = [t[key] for t in (getattr(r, table) for r in reports) if key in t]
            assert value == pytest.approx(statistics.mean(each))
            if len(each) > 1:
                assert found["spread"][table][key] == pytest.approx(statistics.stdev(each))
    assert sum(found["terms"].values()) == pytest.approx(found["gold"])
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_what_was_never_asked_has_no_figure():
    world = EDITIONS[0]
    found = fair.measure_arm(world, says("Gladly."), 1, seeds=1)
    kind = world.requests(1, "test", 0)[0].kind
    assert list(found["by_kind"]) == [kind] and found["spread"]["gold"] is None
    assert (found["right_known"] is None) == (kind != "fact")
    assert None in (found["right_known"], found["ignorant_unknown"])
    with pytest.raises(InklingError, match="at least one"):
        fair.measure_arm(world, says("Gladly."), 5, seeds=0)


def test_all_arms_reply_to_the_same_prompts_which_training_never_has():
    seen = {}

    def listening(name):
        def written(asked, seed):
            seen.setdefault(name, []).append([request.prompt for request in asked])
            return says("Yes.")(asked, seed)

        return written

    world = EDITIONS[1]
    for name in ("one", "other"):
        fair.measure_arm(world, listening(name), 30)
    assert seen["one"] == seen["other"] and len(seen["one"]) == 3
    assert seen["one"][0] != seen["one"][1]
    fair.best_phrase(world, listening("choosing"), 30)
    assert not set(seen["choosing"][0]) & {prompt for asked in seen["one"] for prompt in asked}


def test_the_gain_is_that_of_the_seeds_by_term():
    world = EDITIONS[1]
    plain = fair.measure_arm(world, writes(world, Style(True, "plain")), 60)
    more = fair.measure_arm(world, writes(world, Style(True, "plain", more="fitting")), 60)
    rude = fair.measure_arm(world, writes(world, Style(True, "rude")), 60)
    ahead = fair.gain(more, plain)
    terms = ahead["terms"]
    assert 0 < terms["fitting"] <= FITTING and terms["content"] == terms["manners"] == 0
    assert ahead["gold"] == pytest.approx(sum(terms.values())) and ahead["right_known"] == 0
    differences = [a - b for a, b in zip(more["gold_by_seed"], plain["gold_by_seed"], strict=True)]
    assert ahead["spread"] == pytest.approx(statistics.stdev(differences))
    assert fair.gain(rude, plain)["terms"]["manners"] == pytest.approx(-0.5)
    wrong = fair.measure_arm(world, writes(world, Style(False, "plain")), 60)
    assert fair.gain(wrong, plain)["right_known"] == -1
    with pytest.raises(InklingError, match="measure both alike"):
        fair.gain(plain, fair.measure_arm(world, says("Yes."), 5))
    with pytest.raises(InklingError, match="measure both alike"):
        fair.gain(plain, fair.measure_arm(world, says("Yes."), 60, seeds=2))


@both
def test_a_courtesy_is_the_best_phrase_of_who_is_right_and_plain(world):
    arm = writes(world, Style(True, "plain"))
    phrase = fair.best_phrase(world, arm, 60)
    assert phrase in fair.fixed_phrases() and phrase
    without, glued = (fair.measure_arm(world, a, 60) for a in (arm, fair.with_phrase(arm, phrase)))
    ahead = fair.gain(glued, without)
    # a courtesy is worth its manners with most kinds; no phrase fits every request
    assert 0 < ahead["gold"] <= POLITE and ahead["terms"]["fitting"] < FITTING / 2
    if world.edition == 1:
        assert phrase in {*fair.OPENINGS, *CLOSINGS}


def test_who_is_polite_already_is_best_without_a_phrase():
    world = EDITIONS[0]
    assert fair.best_phrase(world, writes(world, Style(True, "polite")), 60) == ""


@both
def test_the_best_tenth_is_the_best_of_each_kind(world):
    demos = demonstrations(world, 600)
    best = fair.best_tenth(world, demos)
    kinds = {demo: read_request(world, demo.prompt).kind for demo in demos}
    for kind in set(kinds.values()):
        of_kind = [demo for demo in demos if kinds[demo] == kind]
        kept = [demo for demo in best if kinds[demo] == kind]
        assert len(kept) == max(1, len(of_kind) // 10)
        worth = sorted((world.gold_reward(d.prompt, d.reply) for d in of_kind), reverse=True)
        assert (
            sorted((world.gold_reward(d.prompt, d.reply) for d in kept), reverse=True)
            == (worth[: len(kept)])
        )
    assert best == [demo for demo in demos if demo in best], "in their order"


@both
def test_people_write_as_they_do_for_fine_tuning(world, monkeypatch):
    styles = []

    def listening(random, **how):
        styles.append(how)
        return draw_style(random, **how)

    monkeypatch.setattr(fair, "draw_style", listening)
    tokenizer = tiny.tokenizer()
    arm = fair.people(world, tokenizer)
    found = fair.measure_arm(world, arm, 400)
    demos = demonstrations(world, 1200)
    worth = [world.gold_reward(demo.prompt, demo.reply) for demo in demos]
    error = statistics.stdev(worth) / math.sqrt(len(worth))
    assert abs(found["gold"] - statistics.mean(worth)) < 4 * error
    assert found["finished"] == 1 and 0.75 < found["right_known"] < 0.95
    # as seldom as in demonstrations the one thing more that raters like
    assert all(how == {"fitting": SELDOM * (world.edition > 1)} for how in styles)
    asked = world.requests(3, "test")
    one = arm(asked, 0)
    assert one == arm(asked, 0) and one.texts != arm(asked, 1).texts
    assert one.lengths[0] == len(tokenizer.encode(" " + one.texts[0])) + 1


def test_best_of_four_is_the_best_by_the_reward_and_not_by_luck():
    model, tokenizer = tiny.random_model(context_length=128), tiny.tokenizer()
    asked = EDITIONS[0].requests(6, "test")

    def letters(prompts, replies):
        return [float(text.count("o")) for text in replies]

    four = fair.best_replies(4, model, tokenizer, letters, 0.7, max_new_tokens=8)(asked, 0)
    again = fair.best_replies(4, model, tokenizer, letters, 0.7, max_new_tokens=8)(asked, 0)
    one = fair.best_replies(1, model, tokenizer, letters, 0.7, max_new_tokens=8)(asked, 0)
    assert four == again and len(four.texts) == 6 and max(four.lengths) <= 8
    assert sum(letters(None, four.texts)) > sum(letters(None, one.texts))


def test_a_sampled_arm_is_the_model_at_that_temperature():
    model, tokenizer = tiny.random_model(context_length=128), tiny.tokenizer()
    asked = EDITIONS[0].requests(4, "test")
    cold, colder, hot = (
        fair.sampled(model, tokenizer, t, max_new_tokens=8)(asked, 0) for t in (1e-4, 1e-5, 1.0)
    )
    assert cold == colder != hot and max(hot.lengths) <= 8

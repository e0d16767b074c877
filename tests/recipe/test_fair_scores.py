"""The fair figures of a card, with whoever says always the same, and their rows in a report."""

import copy
import json

import pytest
import tiny

from inkling import checkpoints
from inkling.assistant import exam
from inkling.assistant.fair import sampled
from inkling.assistant.sft import SFTConfig, demonstrations
from inkling.reading.conversation import CHAT_TEMPERATURE
from inkling.recipe import cards, fair_scores
from inkling.recipe.fair_rows import fair_rows
from inkling.recipe.workbench import Workbench
from inkling.world import World
from inkling.world.outside import ONLY_LARKHAVEN
from inkling.world.rubric import RIGHT

WORLD = World(0, edition=2)
SAYINGS = {1.0: ONLY_LARKHAVEN[0], 0.7: "I will not help with that."}


@pytest.fixture
def sayings(monkeypatch):
    """Models say the same to everything, by temperature; the list has how they were asked."""
    asked = []

    def says(model, tokenizer, prompts, *, temperature, **how):
        asked.append((temperature, how.get("plain", False), len(prompts)))
        n = len(prompts)
        return [SAYINGS[temperature]] * n, [True] * n, [5] * n

    monkeypatch.setattr(exam, "write_replies", says)
    monkeypatch.setattr(fair_scores, "story_perplexity", lambda *_: 2.0)
    return asked


def test_every_temperature_that_people_use_is_measured():
    assert fair_scores.TEMPERATURES[:2] == (1.0, 0.7) and CHAT_TEMPERATURE in (
        fair_scores.TEMPERATURES
    )


def test_the_single_figures_are_those_at_temperature_1_and_all_stand_under_at(sayings):
    scores = fair_scores.policy_scores(None, None, WORLD, 50)
    assert list(scores["at"]) == ["1", "0.7"] and scores["chat_temperature"] == CHAT_TEMPERATURE
    hot, cool = scores["at"].values()
    assert cool["refused_unsafe"] == cool["refused_harmless"] == 1
    assert hot["refused_unsafe"] == hot["refused_harmless"] == 0
    assert hot["right"]["outside"] == 1 and cool["by_kind"]["unsafe"] == RIGHT
    for name in fair_scores.NAMES:
        assert scores[name] == hot[name]
    assert scores["gold_spread"] == hot["spread"]["gold"] > 0
    # three seeds, the same number of requests each, and then the stories
    assert sayings == [(t, False, 50) for t in (1.0, 0.7) for _ in range(3)] + [
        (1.0, False, 20),
        (0.7, False, 20),
    ]
    assert scores["stories"]["0.7"]["coherent"] == 0 and scores["stories"]["1"]["n"] == 20
    assert json.loads(json.dumps(scores, allow_nan=False)) == scores


def test_a_plain_model_tells_free_stories_also_carefully(sayings, monkeypatch):
    told = []

    def free(model, tokenizer, world, n, **sampling):
        told.append((n, sampling))
        return {"n": n}

    monkeypatch.setattr(fair_scores, "free_stories", free)
    scores = fair_scores.policy_scores(None, None, WORLD, 10, plain=True)
    assert set(scores["stories"]) == {"1", "0.7", "careful"}
    assert told == [(4, {"temperature": t}) for t in (1.0, 0.7)] + [(4, cards.CAREFUL)]
    assert all(plain for _, plain, _ in sayings)


def test_the_best_tenth_is_tuned_from_where_rlhf_begins(sayings, monkeypatch, tmp_path):
    demos, model, tuned_on = demonstrations(WORLD, 200), tiny.random_model(), {}

    def finetune(pupil, tokenizer, chosen, config, *, replay, folder, progress):
        tuned_on.update(pupil=pupil, demos=chosen, config=config, replay=replay)
        yield from ()

    monkeypatch.setattr(fair_scores, "finetune", finetune)
    bench = Workbench(tmp_path, "sft", progress=False)
    replay = [str(i) for i in range(30)]
    better = fair_scores.tuned_further(
        bench, model, tiny.tokenizer(), WORLD, demos, replay, SFTConfig(seed=3)
    )
    assert better is tuned_on["pupil"] is not model, "a copy: the model is shipped"
    assert better.state_dict().keys() == model.state_dict().keys()
    assert tuned_on["config"] == SFTConfig(
        seed=3, epochs=3, learning_rate=5e-4, muon_learning_rate=3e-3
    )
    assert len(tuned_on["replay"]) == 3 and 10 <= len(tuned_on["demos"]) <= 30

    def gold(some):
        return sum(WORLD.gold_reward(d.prompt, d.reply) for d in some) / len(some)

    assert gold(tuned_on["demos"]) > gold(demos) + 0.3


def test_baselines_are_of_one_exam_and_the_phrase_is_on_the_card(sayings, monkeypatch, tmp_path):
    monkeypatch.setattr(fair_scores, "tuned_further", lambda *_: None)
    monkeypatch.setattr(fair_scores, "best_phrase", lambda *_: "Gladly.")
    bench = Workbench(tmp_path, "sft", progress=False)
    found = fair_scores.baselines_of_tuned(
        bench, None, tiny.tokenizer(), WORLD, 40, [], [], SFTConfig()
    )
    glued, better = found["fixed_phrase"], found["best_tenth"]
    assert glued["phrase"] == "Gladly." and json.loads((bench.saved / "phrase.json").read_text())
    assert glued["refused_harmless"] == better["refused_harmless"] == 1, "both said at 0.7"
    assert glued["terms"]["manners"] > better["terms"]["manners"] == 0
    assert found["demonstrations"]["right_known"] > 0.6


def test_rlhf_is_compared_with_the_best_of_four_of_the_fine_tuned_model(sayings, monkeypatch):
    seen = {}

    def best_replies(n, model, tokenizer, reward, temperature):
        seen.update(n=n, model=model, temperature=temperature)
        return sampled(None, None, 1.0)

    monkeypatch.setattr(fair_scores, "best_replies", best_replies)
    scores = fair_scores.policy_scores(None, None, WORLD, 30)
    tuned = {"scores": scores, "baselines": {"fixed_phrase": scores["at"]["1"]}}
    found = fair_scores.gains_of_rlhf("tuned", None, None, WORLD, scores, tuned)
    assert seen == {"n": 4, "model": "tuned", "temperature": 0.7}
    assert found["baselines"]["best_of_four"]["gold"] == scores["at"]["1"]["gold"]
    gains = found["gains"]
    assert gains["fine_tuned"]["gold"] == 0
    ahead = scores["at"]["0.7"]["gold"] - scores["at"]["1"]["gold"]
    for name in ("fixed_phrase", "best_of_four"):
        assert gains[name]["gold"] == pytest.approx(ahead) and ahead != 0


# --- Rows -----------------------------------------------------------------------------------------


def measured(gold):
    return {"gold": gold, "right_known": 0.5, "refused_unsafe": 1.0, "refused_harmless": 0.0}


def told(coherent, **more):
    plots = {"lose": 0.2, "miss": 0.3, "promise": 0.5}
    town = {"plots": {"lose": 0.3, "miss": 0.3, "promise": 0.4}, "words": 88.4}
    return {"coherent": coherent, "plots": plots, "words": 49.2, "town": town} | more


@pytest.fixture
def fair_card():
    gains = {"gold": 0.31, "spread": 0.02, "terms": dict.fromkeys(("content", "manners"), 0.1)}
    stages = {
        "sft": {
            "scores_of_base": {
                "at": {"1": measured(-0.2), "0.7": measured(-0.1)},
                "stories": {"1": told(0.6), "careful": told(1.0)},
            },
            "scores": {"at": {"1": measured(0.5), "0.7": measured(0.9)}, "chat_temperature": 0.7},
            "baselines": {"fixed_phrase": {"gold": 0.95}, "demonstrations": {"gold": 0.77}},
        },
        "rlhf": {
            "scores": {"at": {"1": measured(1.0), "0.7": measured(1.2)}},
            "gains": {"fine_tuned": gains},
        },
        "rag": {
            "scores": {
                "at": {"0.7": measured(1.1)},
                "stories": {"0.7": told(0.8, on_theme=0.9, on_other_themes=0.04)},
            }
        },
    }
    return {"assistant": stages}


def test_each_figure_stands_in_its_row(fair_card):
    rows = [
        (label, None if values[0] is None else form.format(values[0]))
        for label, form, values in fair_rows([fair_card])
    ]
    for row in (
        ("gold at 0.7: what people write", "0.77"),
        ("fine-tuned and a fixed phrase", "0.95"),
        ("tuned on the best tenth, too", None),
        ("gain of RLHF over fine-tuned", "+0.31"),
        ("of the gain: content", "+0.10"),
        ("at 0.7, as chat: after RLHF", "1.20"),
        ("at 0.7, as chat: gold reward, base model", "-0.10"),
        ("at 0.7, as chat: the reader", "1.10"),
        ("free stories, base model, careful: coherent", "100.0%"),
        ("they: lose, miss, promise", "20% 30% 50%"),
        ("they: words in a story", "49"),
        ("the town: lose, miss, promise", "30% 30% 40%"),
        ("the town: words in a story", "88"),
        ("stories on request, the reader, at 0.7: coherent", "80.0%"),
        ("on their theme", "90.0%"),
        ("on the themes of others", "4.0%"),
    ):
        assert row in rows
    assert not any(label.startswith("at 1") for label, _ in rows), "they stand above"


def test_a_card_without_such_figures_has_dashes_beside_one_that_has_them(fair_card):
    old = cards.read_card(checkpoints.path("base"))
    assert fair_rows([old]) == [] and fair_rows([]) == []
    new = copy.deepcopy(old)
    for stage, entries in fair_card["assistant"].items():
        for key, entry in entries.items():
            there = new["assistant"][stage].get(key, {})
            new["assistant"][stage][key] = there | entry
    alone, both = cards.report_card([old]), cards.report_card([new, old])
    assert "fixed phrase" not in alone
    line = next(x for x in both.splitlines() if x.startswith("fine-tuned and a fixed phrase"))
    assert line.split()[-2:] == ["0.95", "-"]
    assert len(both.splitlines()) - len(alone.splitlines()) == len(fair_rows([new, old]))
    # what was there is there still, in its place
    heading, *lines = alone.splitlines()
    assert [x.split()[-1] for x in both.splitlines() if x.split()[-1] != "-"][1:] == [
        x.split()[-1] for x in lines
    ]


def test_what_chat_samples_with_is_told_from_other_temperatures(fair_card):
    fair_card["assistant"]["sft"]["scores"]["chat_temperature"] = 0.3
    labels = [label for label, *_ in fair_rows([fair_card])]
    assert "at 0.7: after RLHF" in labels and not any("as chat" in label for label in labels)

"""The sampling lab: its bars, its measures, its blind test, and its panels, driven without a
browser.
"""

from __future__ import annotations

import re
import time

import pytest
import torch
from driving import finished, until

from inkling.files import InklingError
from inkling.labs import sampling as lab
from inkling.labs import sampling_feel, sampling_measure
from inkling.training.generate import Sampling

PROMPT = "Early one windy morning Maud gave Isaac a"


@pytest.fixture(scope="module")
def writer():
    torch.set_num_threads(1)
    return lab.load_writer()


# --- by feel --------------------------------------------------------------------------------------


def test_the_bars_are_what_the_settings_make_of_the_model(writer):
    found = lab.next_token(writer, PROMPT, Sampling(temperature=0.5, top_k=3))
    logits = writer.model(torch.tensor([writer.ids(PROMPT)]))[0, -1].detach()
    top = logits.topk(3).values
    assert found.before[:3] == pytest.approx(logits.softmax(-1).topk(3).values.tolist(), abs=1e-5)
    assert found.after[:3] == pytest.approx((top / 0.5).softmax(-1).tolist(), abs=1e-5)
    assert found.kept == 3 and found.after[3:] == [0.0] * 7


def test_greedy_leaves_one_token_and_a_penalty_pushes_down_what_was_said(writer):
    cold = lab.next_token(writer, PROMPT, Sampling(temperature=0))
    assert cold.kept == 1 and cold.after[0] == 1.0
    prompt = "So Maud told Isaac. And"
    plain, pushed = (
        lab.next_token(writer, prompt, Sampling(repetition_penalty=penalty)) for penalty in (1, 1.5)
    )
    said = plain.labels.index("·Maud")
    assert (
        plain.after[said] == pytest.approx(plain.before[said])
        and pushed.after[said] < 0.8 * plain.after[said]
    )


def test_a_token_with_signs_of_a_formula_is_shown_as_it_is(axes):
    lab.draw_next(axes, sampling_feel.Candidates(["$x^$", "<b>"], [0.6, 0.4], [1.0, 0.0], 1), "t")
    axes.figure.canvas.draw()  # a dollar sign is no formula
    assert [label.get_text() for label in axes.get_yticklabels()] == ["$x^$", "<b>"]


def test_settings_are_told_in_a_few_words():
    assert lab.settings_text(Sampling()) == "T 1"
    assert (
        lab.settings_text(Sampling(0.5, 3, 0.9, 0.1, 1.2))
        == "T 0.5, top-k 3, top-p 0.9, min-p 0.1, penalty 1.2"
    )


def test_sliders_that_are_off_are_off():
    controls = sampling_feel.filter_controls()
    assert lab.read_sampling(controls) == Sampling()
    for name, value in {
        "temperature": 0.5,
        "top_k": 7,
        "top_p": 0.9,
        "min_p": 0.1,
        "repetition_penalty": 1.5,
    }.items():
        controls[name].value = value
    assert lab.read_sampling(controls) == Sampling(0.5, 7, 0.9, 0.1, 1.5)
    assert lab.read_sampling(sampling_feel.filter_controls(Sampling(0.4, min_p=0.1))) == Sampling(
        0.4, min_p=0.1
    )


def test_the_feel_panel_draws_anew_with_every_slider(writer):
    panel = lab.feel_panel(writer, PROMPT)
    assert "2048 of 2048 tokens" in panel.line.value
    for name, value in (("temperature", 0.3), ("top_k", 5), ("prompt", "")):
        before, picture = panel.plot.drawn, panel.plot.widget.value
        panel.controls[name].value = value
        assert panel.plot.drawn == before + 1 and panel.plot.widget.value != picture
    assert "5 of 2048" in panel.line.value
    panel.controls["prompt"].value = "The boat "
    assert "ends in a space" in panel.line.value


def test_the_feel_panel_writes_and_a_seed_repeats_it(writer):
    panel = lab.feel_panel(writer, PROMPT)
    panel.controls["length"].value = 12
    for seed in (1, 1, 2, 3):
        panel.controls["seed"].value = seed
        finished(panel)
    texts = [text for _, _, text in panel.results]
    assert texts[0] == texts[1] != texts[2] and all(texts)
    assert panel.page.value.count("<p ") == 3, "the last three stay"


def test_the_feel_panel_shows_what_is_typed_as_text_and_says_what_is_too_long(writer):
    panel = lab.feel_panel(writer, "")
    panel.controls["length"].value = 3
    panel.controls["prompt"].value = "<script>alert(1)</script> 🙂 $x$ <|endoftext|>"
    finished(panel)
    assert panel.worker.state == "done"
    assert "<script>" not in panel.page.value and "&lt;script&gt;" in panel.page.value
    drawn, kept = panel.plot.drawn, panel.page.value
    panel.controls["prompt"].value = "boat " * 5000
    assert "there is room for 240" in panel.line.value and panel.plot.drawn == drawn
    assert "there is room for 240" in finished(panel) and panel.worker.state == "failed"
    panel.controls["prompt"].value = "A boat"
    for seed in (-1, 10**20):
        panel.controls["seed"].value = seed
        assert "seed must be a whole number" in finished(panel)
    assert panel.page.value == kept


def test_writing_is_stopped_twice_and_what_is_written_stays(writer, monkeypatch):
    def endless(*_, **__):
        while True:
            time.sleep(0.001)
            yield writer.tokenizer.encode(" boat")[0]

    monkeypatch.setattr(sampling_feel, "stream", endless)
    panel = lab.feel_panel(writer, "A")
    panel.worker.stop_button.click()
    assert "Nothing is running" in panel.worker.line.value
    panel.worker.start_button.click()
    until(lambda: "boat" in panel.page.value)
    panel.worker.stop_button.click()
    panel.worker.stop_button.click()
    panel.worker.wait()
    assert panel.worker.state == "stopped" and "boat" in panel.results[0][2]


# --- by measure -----------------------------------------------------------------------------------


def test_variety_counts_different_runs():
    assert lab.variety_of(["a b c d e", "a b c d f"]) == 3 / 4
    assert lab.variety_of(["a b"]) == 0 and lab.variety_of([]) == 0


def test_heat_costs_coherence_and_brings_variety(writer):
    cold, hot = (
        lab.measure(writer, Sampling(temperature=t), n_openings=3, tries=4) for t in (0.2, 1.5)
    )
    assert cold.coherence > hot.coherence and cold.variety < hot.variety
    assert cold.low <= cold.coherence <= cold.high and len(cold.texts) == 12


def test_greedy_writes_each_opening_one_way(writer):
    once, often = (
        lab.measure(writer, Sampling(temperature=0), n_openings=2, tries=n) for n in (1, 3)
    )
    assert len(set(often.texts)) == 2 and often.variety == pytest.approx(once.variety / 3)


@pytest.mark.parametrize(
    "text, reason",
    [
        ("", "one to twelve"),
        ("1 " * 13, "one to twelve"),
        ("hot", "'hot' is none"),
        ("-1", "0 to 100"),
        ("1e9", "0 to 100"),
        ("nan", "finite"),
    ],
)
def test_temperatures_that_are_none_are_named(text, reason):
    with pytest.raises(InklingError, match=reason):
        lab.read_temperatures(text)
    assert lab.read_temperatures("0 0,5 1") == [0, 0.5, 1]


def fake_measure(writer, sampling, tries, **_):
    return sampling_measure.Measured(
        sampling, 0.5, 0.4, 0.6, sampling.temperature / 4, ["text"] * tries
    )


def test_the_sweep_panel_measures_each_temperature_and_keeps_the_sweeps(writer, monkeypatch):
    monkeypatch.setattr(sampling_measure, "measure", fake_measure)
    panel = lab.temperature_sweep_panel(writer)
    panel.controls["temperatures"].value = "0.4 1 2"
    before = panel.plot.drawn
    assert "T 2: 50%, 0.50." in finished(panel)
    panel.controls["min_p"].value = 0.1
    finished(panel)
    assert panel.plot.drawn == before + 6
    assert [name for name, _ in panel.results] == ["temperature alone", "min-p 0.1"]
    assert [m.sampling for m in panel.results[1][1]] == [
        Sampling(t, min_p=0.1) for t in (0.4, 1, 2)
    ]
    for text, sentence in (("", "one to twelve"), ("<b>", "&lt;b&gt;"), ("1000", "0 to 100")):
        panel.controls["temperatures"].value = text
        assert sentence in finished(panel)
    assert len(panel.results) == 2, "what was measured stays"


def test_the_sweep_panel_stops(writer):
    panel = lab.temperature_sweep_panel(writer)
    panel.controls["temperatures"].value = "1 " * 12
    panel.controls["tries"].value = 2
    panel.worker.start_button.click()
    until(lambda: panel.results and panel.results[0][1])
    panel.worker.stop_button.click()
    panel.worker.stop_button.click()
    panel.worker.wait()
    assert panel.worker.state == "stopped" and 1 <= len(panel.results[0][1]) < 12


# --- blind ----------------------------------------------------------------------------------------


def test_the_sign_test_is_what_coins_do():
    assert lab.sign_test(5, 0) == pytest.approx(2 / 32) and lab.sign_test(0, 8) == pytest.approx(
        2 / 256
    )
    assert lab.sign_test(2, 2) == 1 and lab.sign_test(0, 0) == 1 and lab.sign_test(3, 2) == 1


def test_the_blind_test_counts_settings_not_sides():
    rounds = [("o", "from A", "from B", a_is_left) for a_is_left in (True, False, True)]
    test = lab.BlindTest((Sampling(0.4), Sampling(1.1)), rounds)
    assert test.shown() == ("o", "from A", "from B")
    test.pick("left")
    assert test.shown() == ("o", "from B", "from A")
    test.pick("left")
    test.pick("neither")
    assert test.picks == ["A", "B", "neither"] and test.over
    with pytest.raises(InklingError, match="all rounds are done"):
        test.pick("left")


def test_sides_are_drawn_and_both_continue_the_same_opening(writer):
    test = lab.make_blind_test(writer, Sampling(0.4), Sampling(1.1), n_rounds=6, seed=1)
    assert {a_is_left for *_, a_is_left in test.rounds} == {True, False}
    assert all(a != b and not a.startswith(opening) for opening, a, b, _ in test.rounds)
    other = lab.make_blind_test(writer, Sampling(0.4), Sampling(1.1), n_rounds=6, seed=2)
    assert other.rounds[0][0] != test.rounds[0][0], "another test has other stories"


def test_the_blind_panel_goes_through_its_rounds_and_adds_them_up(writer):
    panel = lab.blind_panel(writer, Sampling(0.4), Sampling(1.1), seed=4)
    line, page, verdicts = panel.line, panel.page, panel.controls["verdicts"]
    panel.controls["left"].click()
    assert "press Start first" in line.value
    for number in (1, 2):
        assert "pairs are written" in finished(panel)
        first = page.value
        for _ in range(5):
            assert "T 0.4" not in page.value and not verdicts.value.count("<table>") == number, (
                "it is not told yet"
            )
            a_is_left = panel.results[-1].rounds[len(panel.results[-1].picks)][3]
            panel.controls["left" if a_is_left else "right"].click()
        assert page.value != first and verdicts.value.count("<table>") == number
    assert panel.results[-1].picks == ["A"] * 5
    assert "10 for A, 0 for B" in verdicts.value and "play on" in verdicts.value.split("5 for A")[1]
    assert "too often" not in verdicts.value.split("</p>")[0], "ten of ten is no accident"
    assert re.search(r"A: T 0.4</td><td[^>]*>5</td><td[^>]*>\d of 5", verdicts.value)
    panel.controls["right"].click()
    assert "All rounds are done" in line.value and panel.results[-1].picks == ["A"] * 5


def test_the_blind_panel_wants_two_settings_and_no_choice_while_it_writes(writer, monkeypatch):
    panel = lab.blind_panel(writer, Sampling(0.4), Sampling(0.4))
    assert "the same setting" in finished(panel) and not panel.results
    panel.controls["B"]["temperature"].value = 1.0
    asked = []

    def slow(*arguments, **settings):
        panel.controls["left"].click()
        asked.append(panel.line.value)
        raise InklingError("no texts today")

    monkeypatch.setattr(sampling_measure, "make_blind_test", slow)
    assert "no texts today" in finished(panel)
    assert "Wait until the texts are written" in asked[0] and not panel.results


def test_what_the_model_writes_is_shown_as_text(writer, monkeypatch):
    rounds = [("<i>o</i>", "<b>a</b>", "b & c", True)]
    test = lab.BlindTest((Sampling(0.4), Sampling(1.1)), rounds)
    monkeypatch.setattr(sampling_measure, "make_blind_test", lambda *_, **__: test)
    panel = lab.blind_panel(writer, *test.settings)
    finished(panel)
    assert "&lt;b&gt;a" in panel.page.value and "<b>a" not in panel.page.value

"""The pre-training lab: who has the next turn, what a line predicts, and its panels, driven without
a browser.
"""

from __future__ import annotations

import math
import re

import pytest
import torch
from driving import finished, until

from inkling.files import InklingError
from inkling.labs import pretrain as lab
from inkling.labs import pretrain_race, pretrain_sizes
from inkling.labs.panel import read_number

SMALL = {"width": 8, "layers": 1, "heads": 1}


@pytest.fixture(scope="module")
def data():
    torch.set_num_threads(1)
    return lab.load_data(60_000)


# --- settings -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings, reason",
    [
        ({"width": 30}, "cannot be shared out to 4 heads"),
        ({"width": 4}, "even number"),
        ({"width": 10**12}, "from 1 to 128"),
        ({"layers": 0}, "layers must be a whole number"),
        ({"batch": -3}, "batch must be a whole number"),
        ({"heads": 0}, "heads must be a whole number"),
        ({"learning_rate": 0.0}, "no weight ever moves"),
        ({"learning_rate": -1.0}, "above 0"),
        ({"learning_rate": 1e9}, "at most 1000"),
        ({"learning_rate": math.nan}, "above 0"),
    ],
)
def test_settings_that_cannot_run_are_named(settings, reason):
    with pytest.raises(InklingError, match=reason):
        lab.Entry(**settings)


@pytest.mark.parametrize(
    "text, reason",
    [
        ("", "is empty"),
        ("  ", "is empty"),
        ("fast", "'fast' is none"),
        ("inf", "finite"),
        ("nan", "finite"),
    ],
)
def test_a_text_that_is_no_number_is_named(text, reason):
    with pytest.raises(InklingError, match=reason):
        read_number(text, "the rate")


def test_numbers_are_read_as_people_write_them():
    assert [read_number(text, "it") for text in ("0.01", "1e-2", " 0,01 ")] == [0.01] * 3


@pytest.mark.parametrize(
    "text, reason",
    [
        ("", "two to six"),
        ("8", "two to six"),
        ("8 16 24 32 40 48 56", "two to six"),
        ("8 8", "two different"),
        ("8 12", "12 is not"),
        ("8 4096", "4096 is not"),
        ("8 <b>", "must be a number"),
    ],
)
def test_widths_that_cannot_be_trained_are_named(text, reason):
    with pytest.raises(InklingError, match=reason):
        lab.read_widths(text)
    assert lab.read_widths("8, 16") == [8, 16]


# --- the race -------------------------------------------------------------------------------------


def test_for_the_same_tokens_nobody_gets_ahead(data):
    race = lab.Race([lab.Entry(**SMALL, batch=2), lab.Entry(**SMALL, batch=8)], data, 6000)
    gaps = []
    race.run(
        after_turn=lambda share: gaps.append(abs(race.racers[0].tokens - race.racers[1].tokens))
    )
    assert max(gaps) <= 8 * pretrain_race.CONTEXT, "one waits at most for one batch of the other"
    assert all(6000 <= racer.tokens < 6000 + 8 * pretrain_race.CONTEXT for racer in race.racers)
    assert race.racers[0].steps > 3 * race.racers[1].steps


def test_for_the_same_processor_time_the_cheap_model_makes_more_steps(data):
    spent = []
    entries = [lab.Entry(**SMALL), lab.Entry(**SMALL, batch=16)]
    race = lab.Race(entries, data, 30.0, "cpu", clock=lambda: sum(spent))
    small, large = race.racers
    for racer, cost in ((small, 1.0), (large, 3.0)):
        batch = racer.batches.batch

        def slow_batch(step, batch=batch, cost=cost):
            spent.append(cost)  # as if fetching a batch took so long
            return batch(step)

        racer.batches.batch = slow_batch
    race.run()
    assert (small.steps, large.steps) == (30, 10)
    assert small.cpu_seconds == large.cpu_seconds == 30.0


def test_a_racer_learns_and_its_rate_ends_at_zero(data):
    race = lab.Race(
        [lab.Entry(batch=4, learning_rate=0.03), lab.Entry(batch=4, optimizer="muon")], data, 10_000
    )
    race.run()
    for racer in race.racers:
        assert racer.points[-1][2] < racer.points[0][2] - 0.3
        assert 0 < racer.optimizers[0].param_groups[0]["lr"] < 0.05 * racer.entry.learning_rate
    assert [line.split()[0] for line in race.report()] == ["A", "B"]
    assert race.report()[0].count("held-out loss") == 1


def test_one_who_blows_up_is_out_and_the_other_goes_on(data, axes, monkeypatch):
    race = lab.Race([lab.Entry(**SMALL), lab.Entry(**SMALL)], data, 4000)
    real, unlucky = pretrain_race.accumulate_gradient, race.racers[0].model
    monkeypatch.setattr(
        pretrain_race,
        "accumulate_gradient",
        lambda model, *rest: math.nan if model is unlucky else real(model, *rest),
    )
    race.run()
    assert race.racers[0].blew_up and race.racers[0].steps == 0
    assert race.racers[1].tokens >= 4000
    assert "A blew up at step 1" in race.report()[0] and "held-out loss" in race.report()[1]
    lab.draw_race(race, axes)
    assert "blew up" in axes.get_legend().get_texts()[0].get_text()


def test_a_race_needs_a_finish_and_a_known_currency(data):
    for arguments, reason in ((([], data, 0), "above 0"), (([], data, 5, "money"), "money")):
        with pytest.raises(InklingError, match=reason):
            lab.Race(*arguments)


# --- sizes and rates ------------------------------------------------------------------------------


def test_a_power_law_is_found_again():
    sizes = [1e3, 1e4, 1e6]
    assert lab.fit_power_law(sizes, [9 * n**-0.2 for n in sizes]) == pytest.approx((9, 0.2))


def test_the_prediction_stands_on_the_line(axes):
    lab.draw_scaling(axes, [(1000, 4.0), (10_000, 2.0)], truth=(100_000, 1.5), target=100_000)
    lines = {line.get_label(): line.get_xydata()[0] for line in axes.get_lines()}
    assert lines["predicted"] == pytest.approx([100_000, 1.0]) and lines[
        "measured"
    ] == pytest.approx([100_000, 1.5])


def test_a_larger_model_has_more_weights_and_a_lower_loss(data):
    (small, high), (large, low) = (
        lab.train_size(width, data, steps=40, layers=1) for width in (8, 32)
    )
    assert small < large and low < high < math.log(data.vocab_size)


def test_a_run_that_blows_up_ends_in_infinity_and_at_the_top_of_the_picture(
    data, axes, monkeypatch
):
    def explode(*_, **__):
        raise InklingError("training blew up")

    monkeypatch.setattr(pretrain_sizes, "train", explode)
    assert lab.end_of(lab.sprint(1.0, data)) == math.inf
    lab.draw_sweep(axes, {"a": [(1.0, math.inf), (0.1, 3.0)]}, guess=6.0)
    assert axes.get_lines()[0].get_ydata().tolist() == [3.0, 7.5]


def test_too_small_and_too_large_a_rate_are_both_worse(data):
    low, right, high = (lab.end_of(lab.sprint(rate, data, steps=30)) for rate in (1e-4, 0.05, 30.0))
    assert right < low and right < high


# --- the panels -----------------------------------------------------------------------------------


def test_the_race_panel_runs_a_race_and_draws_it(data):
    panel = lab.race_panel(data, lab.Entry(**SMALL), lab.Entry(**SMALL, batch=32))
    panel.controls["length"].value = 0.2
    before = panel.plot.drawn
    assert "The race is over" in finished(panel) and panel.worker.state == "done"
    assert panel.plot.drawn > before + 2
    assert re.search(r"A is at \d\.\d\d, B at \d\.\d\d", panel.plot.widget.value)
    assert panel.page.value.count("held-out loss") == 2


def test_the_race_panel_answers_bad_settings_with_a_sentence_and_keeps_what_was_there(data):
    panel = lab.race_panel(data, lab.Entry(**SMALL), lab.Entry(**SMALL))
    picture = panel.plot.widget.value
    tries = [
        ("A", "width", 30, "A cannot start: a width of 30"),
        ("A", "width", 10**15, "from 1 to 128"),
        ("B", "layers", -1, "B cannot start: layers"),
        ("B", "learning_rate", "0", "no weight ever moves"),
        ("B", "learning_rate", "", "the box is empty"),
        ("A", "learning_rate", "<b>fast</b>", "&lt;b&gt;fast"),
    ]
    for racer, name, value, sentence in tries:
        control = panel.controls[racer][name]
        good, control.value = control.value, value
        panel.controls["A"]["heads"].value = 4 if value == 30 else 1
        line = finished(panel)
        assert sentence in line and "Traceback" not in line and "<b>fast" not in line, line
        control.value, panel.controls["A"]["heads"].value = good, 1
    assert panel.plot.widget.value == picture and not panel.results


def test_a_race_is_stopped_twice_and_begun_again(data):
    panel = lab.race_panel(data, lab.Entry(**SMALL, batch=1), lab.Entry(**SMALL, batch=1))
    panel.controls["length"].value = 4
    panel.worker.stop_button.click()
    assert "Nothing is running" in panel.worker.line.value
    panel.worker.start_button.click()
    until(lambda: panel.results and panel.results[0].racers[1].steps)
    panel.worker.stop_button.click()
    panel.worker.stop_button.click()
    panel.worker.wait()
    assert panel.worker.state == "stopped" and "kept" in panel.worker.line.value
    assert panel.results[0].racers[0].tokens < panel.results[0].finish
    assert "Race 1" in panel.page.value
    panel.controls["length"].value = 0.2
    for name in "AB":
        panel.controls[name]["batch"].value = 32
    finished(panel)
    assert panel.worker.state == "done" and "Race 2" in panel.page.value


def test_the_scaling_panel_predicts_and_measures(data):
    panel = lab.scaling_panel(data)
    for name, value in (("widths", "8 16"), ("target", 24), ("layers", 1), ("steps", 20)):
        panel.controls[name].value = value
    before = panel.plot.drawn
    line = finished(panel)
    assert re.search(r"Predicted \d\.\d+, measured \d\.\d+: off by [+-]0", line), line
    assert panel.plot.drawn == before + 3 and len(panel.results[-1]) == 3


def test_the_scaling_panel_answers_bad_sizes_and_stop(data):
    panel = lab.scaling_panel(data)
    for name, value, sentence in (
        ("widths", "", "two to six"),
        ("target", 10**9, "multiple of 8"),
        ("target", 0, "0 is"),
    ):
        control = panel.controls[name]
        good, control.value = control.value, value
        assert sentence in finished(panel) and not panel.results
        control.value = good
    panel.controls["widths"].value = "8 64"
    panel.controls["steps"].value = 1000
    panel.worker.start_button.click()
    until(lambda: panel.results)
    panel.worker.stop_button.click()
    panel.worker.wait()
    assert panel.worker.state == "stopped"


def test_the_sweep_panel_finds_the_lowest_and_keeps_three_sweeps(data, monkeypatch):
    monkeypatch.setattr(
        pretrain_sizes, "sprint", lambda rate, *_, **__: [abs(math.log10(rate)) + 1]
    )
    panel = lab.rate_sweep_panel(data)
    panel.controls["count"].value = 3
    for low, high in (("0.1", "10"), ("0.01", "100"), ("0,1", "10")):
        panel.controls["low"].value, panel.controls["high"].value = low, high
        before = panel.plot.drawn
        assert "Lowest: 1.00 at a learning rate of 1." in finished(panel)
        assert panel.plot.drawn == before + 3
    assert len(panel.results) == 3
    for low, sentence in (
        ("", "box is empty"),
        ("20", "below To"),
        ("0", "above 0"),
        ("<i>", "&lt;i&gt;"),
    ):
        panel.controls["low"].value = low
        assert sentence in finished(panel)
    assert len(panel.results) == 3, "what was measured stays"


def test_the_sweep_panel_stops(data):
    panel = lab.rate_sweep_panel(data)
    panel.controls["count"].value = 20
    panel.worker.start_button.click()
    until(lambda: panel.results and panel.results[0][1])
    panel.worker.stop_button.click()
    panel.worker.wait()
    assert panel.worker.state == "stopped" and 1 <= len(panel.results[0][1]) < 20

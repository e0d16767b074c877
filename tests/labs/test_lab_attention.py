"""The attention lab: what its panels show, whatever a person types or presses."""

from __future__ import annotations

import re
import threading

import pytest
import torch
from mutants.attention import shipped

from inkling.files import InklingError
from inkling.labs import attention_heads as heads
from inkling.labs import attention_panels as panels
from inkling.model.attention import causal_mask


@pytest.fixture(scope="module")
def sung():
    return heads.songs(shipped()[1], seed=0, n_names=6, n_songs=4)


def weights_of(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def unchanged(model, kept):
    return all(torch.equal(value, kept[name]) for name, value in model.state_dict().items())


# --- what is measured -----------------------------------------------------------------------------


def test_the_second_line_is_the_first_again(sung):
    model, tokenizer = shipped()
    assert torch.equal(sung.ids[:, sung.first], sung.ids[:, sung.second])
    names = tokenizer.decode(sung.ids[0].tolist()).split("\n")[1].rstrip(".").split(" ")
    assert len(set(names)) == 6 and tokenizer.decode(
        sung.ids[0, sung.first].tolist()
    ) == " " + " ".join(names[1:])
    assert not torch.equal(sung.ids, heads.songs(tokenizer, seed=1, n_names=6, n_songs=4).ids)
    for n_names in (2, 41):
        with pytest.raises(InklingError, match="3 to 40 names"):
            heads.songs(tokenizer, seed=0, n_names=n_names)


def test_the_longest_song_fits_the_model():
    model, tokenizer = shipped()
    assert (
        heads.songs(tokenizer, seed=0, n_names=40, n_songs=2).ids.shape[1]
        <= model.config.context_length
    )


def test_the_maps_are_those_that_the_model_uses(sung):
    model, _ = shipped()
    maps = heads.head_maps(model, sung.ids)
    n_tokens = sung.ids.shape[1]
    assert maps.shape == (4, model.config.n_layers, model.config.n_heads, n_tokens, n_tokens)
    assert torch.allclose(maps.sum(-1), torch.ones(()), atol=1e-5)
    assert not maps[..., ~causal_mask(n_tokens)].any()


def test_a_head_that_is_off_adds_nothing_and_the_model_stays(sung):
    model, _ = shipped()
    kept = weights_of(model)
    made = heads.without_heads(model, [(1, 2)])
    size = model.config.head_dim
    changed = made.layers[1].self_attn.o_proj.weight != model.layers[1].self_attn.o_proj.weight
    assert changed.any(0).nonzero().flatten().tolist() == list(range(2 * size, 3 * size))
    assert heads.losses(model, sung, [(3, 0), (3, 2), (3, 3)])[1] > heads.losses(model, sung)[1] + 1
    assert unchanged(model, kept)
    with pytest.raises(InklingError, match="no head 9 in layer 0"):
        heads.without_heads(model, [(0, 9)])


def test_what_the_lab_tells_is_so():
    """The heads that copy, the head they depend on, and that any one of them can be spared."""
    model, tokenizer = shipped()
    songs = heads.songs(tokenizer, seed=7)
    first, second = heads.losses(model, songs)
    assert second < first / 10
    scores = heads.induction_scores(model, songs)
    copying = [tuple(head) for head in (scores > 0.5).nonzero().tolist()]
    assert len(copying) > 1
    costs = heads.cost_of_each_head(model, songs)
    assert (
        max(costs[head] for head in copying) < 1 < heads.losses(model, songs, copying)[1] - second
    )
    assert max(costs, key=costs.get) == (2, 1) and scores[2, 1] < 0.1


# --- the panels -----------------------------------------------------------------------------------


def test_three_tokens_follow_the_sliders():
    made = panels.three_tokens()
    drawn = made.plot.drawn
    assert "84% of Ada" in made.line.value
    made.controls["divisor"].value = 10
    assert made.plot.drawn == drawn + 1 and "84% of Ada" not in made.line.value
    made.controls["mask"].value = False
    assert "Without the mask" in made.line.value
    made.controls["first"].value = 1e9  # held at the end of the slider
    assert made.controls["first"].value == 5


def test_without_the_mask_the_first_token_takes_from_later_ones():
    assert panels.three_weights((1.0, 1.0), 1.0, masked=True)[0].tolist() == [1.0, 0.0, 0.0]
    assert panels.three_weights((1.0, 1.0), 1.0, masked=False)[0, 2] > 0
    scores = torch.tensor([4.0, -2.0, 1.5])  # (2, -1) with each key, by hand
    assert torch.allclose(
        panels.three_weights((2.0, -1.0), 3.0, masked=True)[2], (scores / 3).softmax(-1)
    )


def test_the_explorer_takes_any_text():
    model, tokenizer = shipped()
    look = panels.explorer(model, tokenizer, "Ada calls Ada.")
    drawn, picture = look.plot.drawn, look.plot.widget.value
    look.controls["text"].value = ""
    assert "Type a few words" in look.line.value
    assert (look.plot.drawn, look.plot.widget.value) == (drawn, picture), (
        "the last picture should stay"
    )
    for text in (
        "<img src=x onerror=alert(1)> $x_$ \\frac{",
        "\x00\x07\n\t",
        "\N{BANANA} 漢字 <|endoftext|>",
        "a" * 20_000,
    ):
        look.controls["text"].value = text
        drawn += 1
        assert look.plot.drawn == drawn and "% of its weight" in look.line.value, text[:20]
        assert "onerror" not in look.line.value + look.plot.widget.value.split("src=")[0]
    assert "tokens the first" in look.line.value
    look.controls["layer"].value = 3
    assert look.plot.drawn == drawn + 1 and "Layer 3, head 0" in look.line.value


def test_a_box_switches_a_head_off_and_on_again():
    model, tokenizer = shipped()
    kept, panel = weights_of(model), panels.ablation(model, tokenizer)
    drawn, whole = panel.plot.drawn, panel.line.value
    panel.controls["2.1"].value = True
    assert panel.plot.drawn == drawn + 1 and "Off: 2.1." in panel.line.value
    lost = float(re.search(r"second line ([\d.]+)", panel.line.value)[1])
    assert lost > float(re.search(r"second line ([\d.]+)", whole)[1]) + 1
    panel.controls["2.1"].value = False
    assert panel.line.value == whole and unchanged(model, kept)
    panel.controls["names"].value = 10**6
    panel.controls["seed"].value = -5
    assert (panel.controls["names"].value, panel.controls["seed"].value) == (40, 0)
    assert panel.line.value != whole


def test_the_sweep_can_be_stopped_twice_and_begun_again(monkeypatch):
    model, tokenizer = shipped()
    panel = panels.ablation(model, tokenizer)
    worker, go, real = panel.worker, threading.Event(), panels.losses
    tried = []

    def slow(model, sung, off):
        tried.extend(off)
        assert go.wait(60)
        return real(model, sung, off)

    monkeypatch.setattr(panels, "losses", slow)
    worker.stop()
    assert "Nothing is running" in worker.line.value
    drawn = panel.plot.drawn
    worker.start()
    worker.start()
    assert "running already" in worker.line.value
    worker.stop()
    worker.stop()
    go.set()
    assert worker.wait(60) and worker.state == "stopped"
    assert len(tried) == 1 and panel.plot.drawn == drawn + 1, (
        "what was made is kept, and no more is made"
    )
    worker.start()
    assert worker.wait(120) and worker.state == "done", worker.line.value
    assert len(tried) == 1 + 16 and panel.plot.drawn == drawn + 1 + 16
    assert re.search(r"2\.1 \d\.\d\d", panel.plot.widget.value)


def test_training_draws_and_stops():
    panel = panels.training(n_steps=4, every=2)
    drawn, worker = panel.plot.drawn, panel.worker
    assert "Nothing has been trained" in panel.line.value
    for n_layers, n_heads in ((1, 1), (2, 3)):
        panel.controls["layers"].value, panel.controls["heads"].value = n_layers, n_heads
        worker.start()
        assert worker.wait(120) and worker.state == "done", worker.line.value
        assert (
            f"{n_layers} layers, {n_heads} heads" in panel.line.value
            and "step 4" in panel.line.value
        )
    assert panel.plot.drawn == drawn + 2 * 3
    endless = panels.training(n_steps=10**7, every=1)
    endless.worker.start()
    endless.worker.stop()
    assert endless.worker.wait(60) and endless.worker.state == "stopped"


def test_reading_sees_a_perfect_and_a_blind_model():
    """The two curves against a model that is known: one that has learned nothing scores near chance
    on both.
    """
    rows, known = panels.roll_calls(64, seed=3)
    config = panels.ModelConfig(32, 32, 64, 2, 2, 2, d_ff=16)
    right, score = panels.reading(panels.Transformer(config, seed=0), rows, known)
    assert right < 0.2 and score < 0.3
    crew = int((rows[0] == rows[0, 0]).nonzero()[1])
    assert torch.equal(rows[0, crew:], rows[0, : 32 - crew]) and known[0].nonzero()[0] == crew + 1

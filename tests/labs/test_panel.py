"""What the labs' widgets share: labels, lines and tables, whatever text comes in."""

from __future__ import annotations

import ipywidgets as widgets

from inkling.labs import panel

NASTY = "<script>alert(1)</script> & <b>bold</b>"


def test_a_token_is_shown_by_its_signs_or_by_its_bytes():
    tokens = {b" Ada": "·Ada", b"\n": "↵", b"\xf0\x9f": "F0 9F", b"\x07": "07", b"": ""}
    assert {token: panel.token_label(token) for token in tokens} == tokens


def test_texts_never_become_markup():
    line = widgets.HTML()
    panel.show_line(line, NASTY)
    shown = [
        line.value,
        panel.table((NASTY,), [(NASTY,)], NASTY),
        panel.replies_beside([NASTY], {NASTY: [NASTY]}),
        panel.side_by_side(NASTY, NASTY, NASTY),
    ]
    for made in shown:
        assert "<script" not in made and "<b>bold" not in made and "&lt;script&gt;" in made
    assert 'role="status"' in line.value


def test_a_change_is_followed_from_the_beginning():
    seen = []
    slider = panel.slider(widgets.IntSlider, 3, 1, 9, 1, "Height")
    panel.on_change([slider], lambda: seen.append(slider.value))
    slider.value = 100
    assert seen == [3, 9] and slider.description == "Height" and not slider.continuous_update


def test_a_button_does_what_it_says():
    pressed = []
    panel.button("Ask", lambda: pressed.append("asked")).click()
    assert pressed == ["asked"]

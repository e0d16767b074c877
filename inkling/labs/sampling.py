"""The sampling lab: settings by feel, then by measure, then blind.

What the notebook calls `lab`: the prompt, its bars and its text stand in `sampling_feel`, the
measures and the blind test in `sampling_measure`, the checks of the exercises in `sampling_checks`.
"""

from inkling.labs.sampling_checks import (
    check_min_p,
    check_penalty,
    check_settings,
    check_temperature,
    check_top_k,
    check_top_p,
)
from inkling.labs.sampling_feel import (
    draw_next,
    feel_panel,
    load_writer,
    next_token,
    read_sampling,
    settings_text,
)
from inkling.labs.sampling_measure import (
    BlindTest,
    blind_panel,
    chance_of,
    draw_measured,
    make_blind_test,
    measure,
    read_temperatures,
    sweep_panel,
    variety_of,
)

__all__ = [
    "BlindTest",
    "blind_panel",
    "chance_of",
    "check_min_p",
    "check_penalty",
    "check_settings",
    "check_temperature",
    "check_top_k",
    "check_top_p",
    "draw_measured",
    "draw_next",
    "feel_panel",
    "load_writer",
    "make_blind_test",
    "measure",
    "next_token",
    "read_sampling",
    "read_temperatures",
    "settings_text",
    "sweep_panel",
    "variety_of",
]

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
    draw_measured,
    make_blind_test,
    measure,
    read_temperatures,
    sign_test,
    temperature_sweep_panel,
    variety_of,
)

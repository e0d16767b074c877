"""The pre-training lab: two models race, a line through four sizes predicts a fifth, a learning
rate breaks a run.

What the notebook calls `lab`: the race stands in `pretrain_race`, the scaling law and the sweep in
`pretrain_sizes`, the checks of the exercises in `pretrain_checks`.
"""

from inkling.labs.pretrain_checks import (
    check_batch,
    check_clip,
    check_power_law,
    check_rate,
    check_schedule,
    check_training_days,
)
from inkling.labs.pretrain_race import (
    Entry,
    Race,
    Racer,
    draw_race,
    load_data,
    race_panel,
    read_entry,
)
from inkling.labs.pretrain_sizes import (
    SPRINT_STEPS,
    draw_scaling,
    draw_sweep,
    end_of,
    fit_power_law,
    rate_sweep_panel,
    read_widths,
    scaling_panel,
    sprint,
    train_size,
)

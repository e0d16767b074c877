"""The capstone lab: an island of the reader's own, and two ways for a model to know it, weights or
a library.

What the notebook calls `lab`: the island stands in `capstone_island`, its training in
`capstone_chain`, its library in `capstone_library`, the report card in `capstone_bench`, the
widgets in `capstone_panels`, the checks of the exercises in `capstone_checks` and
`capstone_exam_checks`.
"""

from inkling.labs.capstone_bench import (
    Bench,
    draw_measure,
    draw_run,
    island_report,
    report_rows,
    run_chain,
    weights_exam,
)
from inkling.labs.capstone_chain import (
    Assistant,
    Judged,
    Run,
    by_kind,
    choose_best,
    first_of_each,
    judged_replies,
    learn_pages,
    make_assistant,
    read_prompt,
    shipped_model,
    shipped_tokenizer,
)
from inkling.labs.capstone_checks import check_cost, check_demonstration, check_forgetting
from inkling.labs.capstone_exam_checks import CASES, check_accuracy, check_exam, check_homes
from inkling.labs.capstone_island import Island, Pages, found, read_name, tokenizer_fit
from inkling.labs.capstone_library import Marks, Shelves, chance_level, read_facts, says
from inkling.labs.capstone_panels import ask_both, facts_panel, island_panel, prompts_panel
from inkling.labs.panel import table

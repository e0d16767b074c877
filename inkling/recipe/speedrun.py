"""The speedrun: the whole chain from raw text to a trained model, with one dial, the
minutes it may take.

    python -m inkling speedrun --minutes 10

It makes the small internet of Larkhaven, cleans it, trains a tokenizer, pre-trains a
transformer for as many steps as fit into the time on this machine, makes an assistant
of it (fine-tuning, a reward model, RLHF), teaches that to read (retrieval), measures
what each stage learned, and leaves checkpoints with cards that say how they were made.
The checkpoints that ship with the book come from this program alone, with the dial
turned up.
"""

import time
from pathlib import Path

from inkling.files import InklingError
from inkling.recipe import cards
from inkling.recipe.assistant_stage import align
from inkling.recipe.base_stage import begin, make_base, say
from inkling.recipe.cards import report_card
from inkling.recipe.embedder_stage import make_embedder
from inkling.recipe.plan import Recipe
from inkling.recipe.reader_stage import teach_reading
from inkling.recipe.workbench import Workbench


def run(recipe: Recipe, folder: str | Path, progress: bool = True) -> dict:
    """Run the whole chain into `folder` and return the card. An interrupted run goes on
    where its last savepoint was.

    Writes base/ (config.json, model.safetensors in half precision, tokenizer.json,
    card.json) and, for an assistant, sft/, reward/, rlhf/, embedder/ and rag/. Returns
    the card of base/, with those of the others under "assistant". Raises `InklingError`
    when the folder holds a finished run, or one with other settings.
    """
    started, folder = time.perf_counter(), Path(folder)
    if folder.exists() and not folder.is_dir():
        raise InklingError(
            f"{folder} is a file; give a folder to write to, or a name that is not"
            " taken."
        )
    finished = [
        (folder / name / "card.json").is_file()
        for name in ("base", "rag" if recipe.assistant else "base")
    ]
    if all(finished):
        raise InklingError(
            f"{folder} holds a finished run. Choose another folder, or remove this one"
            " first."
        )
    bench = Workbench(folder, "base", progress)
    begin(recipe, bench)
    card = cards.read(bench.to) if finished[0] else make_base(recipe, bench)
    return go_on(recipe, folder, card, started, progress)


def go_on(
    recipe: Recipe, folder: Path, card: dict, started: float, progress: bool
) -> dict:
    """The last part of `run`: from the base model, whose card is given, to the
    assistant; then the report card.
    """
    after, search, last = recipe.stages_after, recipe.search, recipe.last_stage
    if after and search and last:
        say(
            f"5/6  an assistant: {after.n_demos:,} demonstrations, {after.n_pairs:,}"
            f" comparisons, {after.rlhf.steps} batches of RLHF"
        )
        stages = align(folder / "base", folder, after, progress)
        n_steps = sum(course.steps for course in last.courses)
        say(
            f"6/6  retrieval: an embedder from {search.n_pairs:,} pairs, {n_steps:,}"
            " steps of reading"
        )
        stages += [
            make_embedder(folder / "base", folder, search, progress),
            teach_reading(folder, last, progress),
        ]
        card = card | {"assistant": {stage["name"]: stage for stage in stages}}
    say(report_card([card]))
    say(
        f"\nThe checkpoints are in {folder}; this run took"
        f" {(time.perf_counter() - started) / 60:.1f} minutes."
    )
    return card

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
from inkling.recipe.base_stage import (
    Unmeasured,
    begin,
    make_base,
    measure_base,
)
from inkling.recipe.cards import report_card
from inkling.recipe.embedder_stage import EmbedderRecipe, make_embedder
from inkling.recipe.plan import Recipe
from inkling.recipe.reader_stage import teach_reading
from inkling.recipe.text_stage import say
from inkling.recipe.workbench import Workbench
from inkling.training.processes import Lane, one_thread


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
    # one thread a process: what comes of it is then the same on any number of cores
    with one_thread():
        made = None if finished[0] else make_base(recipe, bench, n_parts(recipe))
        card = go_on(recipe, folder, made, progress)
    say(report_card([card]))
    costs = {"base": card["cost"]} | {
        name: stage["cost"] for name, stage in card.get("assistant", {}).items()
    }
    taken = (f"{name} {cost['wall_seconds']:,.0f}" for name, cost in costs.items())
    say(f"\nSeconds of work in each stage: {', '.join(taken)}.")
    minutes = (time.perf_counter() - started) / 60
    say(f"The checkpoints are in {folder}; this run took {minutes:.1f} minutes.")
    return card


def n_parts(recipe: Recipe) -> int:
    """How many parts the run says that it has."""
    return 5 if recipe.assistant else 4


def go_on(
    recipe: Recipe, folder: Path, made: Unmeasured | None, progress: bool
) -> dict:
    """What comes after pre-training; `made` is None where base/ has its card already.
    The card of base/, with those of the others under "assistant".
    """
    after, search, last = recipe.stages_after, recipe.search, recipe.last_stage
    cleaning = {"cleaning": made.cleaning} if made else {}
    if not (after and search and last):
        say(f"4/{n_parts(recipe)}  what did it learn?")
        return second_lane(folder, made, None)[0] | cleaning
    say(
        f"4/5  an assistant: {after.n_demos:,} demonstrations, {after.n_pairs:,}"
        f" comparisons, {after.rlhf.steps} batches of RLHF. Beside it: what did the"
        f" base model learn, and an embedder from {search.n_pairs:,} pairs"
    )
    with Lane(second_lane, folder, made, search) as lane:
        stages = align(folder / "base", folder, after, progress)
        card, embedder = lane.result()
    n_steps = sum(course.steps for course in last.courses)
    say(f"5/5  retrieval: {n_steps:,} steps of reading")
    stages += [embedder, teach_reading(folder, last, progress)]
    return card | {"assistant": {stage["name"]: stage for stage in stages}} | cleaning


def second_lane(
    folder: Path, made: Unmeasured | None, search: EmbedderRecipe | None
) -> list[dict]:
    """The lane beside the assistant's, of what needs the base model alone: its card,
    and with a recipe that of an embedder.
    """
    base = folder / "base"
    found = [measure_base(base, made) if made else cards.read(base)]
    if search is not None:
        found.append(make_embedder(base, folder, search, progress=False))
    return found

"""Measure shipped base models again, for when what a card reports has changed and the models have
not.

    python tools/measure_again.py inkling/checkpoints/base inkling/checkpoints/ten_minutes

It makes the corpus of the card's recipe, which must be the card's to the byte, and asks
`base_stage.scores`, as the run itself did. What the card had already must come out as it was,
within what another processor's rounding can do; else no card is written at all. A card then says
under "measured_again" with which programs. Minutes for each model.
"""

import argparse
import math
from pathlib import Path

from inkling.files import InklingError, versions
from inkling.model.transformer import Transformer
from inkling.recipe import base_stage, cards
from inkling.recipe.cards import CAREFUL
from inkling.recipe.plan import Recipe
from inkling.recipe.text_stage import corpus_hash
from inkling.recipe.workbench import town
from inkling.text.corpus import prepare
from inkling.text.tokenizer import Tokenizer
from inkling.world import World

#: What rounding can move: two stories in a hundred of what comes from sampled stories, a thousandth
#: of all else.
SAMPLED, EXACT = 0.02, 0.001


def measure(folder: Path, changed: set[str]) -> dict:
    """The card of `folder` with new scores; those in `changed` are measured in another way now and
    may differ.
    """
    card, made_with = cards.read(folder), versions()
    recipe = card["recipe"]
    # cards of the first form are of the town's first edition
    world = town() if card.get("format", 1) > 1 else World(0)
    crawl = Recipe(minutes=recipe["minutes"], corpus_bytes=recipe["corpus_bytes"]).crawl_bytes
    texts, _ = prepare(world, crawl, seed=recipe["seed"])
    if corpus_hash(texts) != card["corpus"]["sha256"]:
        raise InklingError(
            f"{folder}: this source makes another corpus than the model was trained on."
        )
    scores = base_stage.scores(
        Transformer.from_pretrained(folder), Tokenizer.load(folder / "tokenizer.json"), world, texts
    )
    for key in sorted(card["scores"].keys() | scores.keys()):
        before, now = card["scores"].get(key, math.nan), scores.get(key, math.nan)
        if "longest_copy" in key:
            allowed = 1.0  # a median of whole words moves in halves
        else:
            allowed = (
                SAMPLED
                if any(word in key for word in ("stories", "novel"))
                else EXACT * abs(before)
            )
        if key in card["scores"] and key not in changed and not abs(now - before) <= allowed:
            raise InklingError(
                f"{folder}: {key} was {before} and is {now} now. If it should, name it after"
                " --changed."
            )
        print(f"{folder.name:12s} {key:28s} {before:10.5f} -> {now:10.5f}")
    return card | {"scores": scores, "careful": CAREFUL, "measured_again": made_with}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument(
        "--changed", nargs="*", default=[], help="scores that are measured in another way now"
    )
    options = parser.parse_args()
    measured = {folder: measure(folder, set(options.changed)) for folder in options.folders}
    for folder, card in measured.items():
        cards.write(folder, card)


if __name__ == "__main__":
    main()

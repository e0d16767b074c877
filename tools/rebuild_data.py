"""Make the data of every stage of the shipped chains again, by the recipe of the source as it
stands, and compare digests with the cards. Nothing is trained. Minutes for each chain.

    python tools/rebuild_data.py                      # both chains that ship
    python tools/rebuild_data.py runs/one --written   # one of yours, without what a model wrote

What a model wrote is the same only where the same kind of processor computes: on another one,
`--written` leaves it out.
"""

import argparse
import sys
from pathlib import Path

from inkling import checkpoints
from inkling.recipe.replay import STARTS, Chain
from inkling.training.processes import one_thread

SHIPPED = (checkpoints.path("base").parent, checkpoints.path("ten_minutes"))


def faults(chain: Chain, sampled: bool) -> list[str]:
    """What is not as the cards of a chain say, in words."""
    if chain.is_old:
        print(f"{chain.run}: its cards are of the first form and say nothing of their data")
        return []
    found = []
    for name in STARTS:
        changed = chain.changed(name)
        wrong = [f"another recipe: {changed}"] if changed else []
        wrong += [f"the card says nothing of its {key}" for key in chain.missing(name)]
        wrong += chain.data_again(name, sampled)
        print(f"{chain.run} {name:9s} {'; '.join(wrong) or 'as on the card'}", flush=True)
        found += wrong
    return found


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="*", type=Path, default=SHIPPED)
    parser.add_argument("--written", action="store_true", help="not what a model wrote")
    options = parser.parse_args()
    with one_thread():
        wrong = [faults(Chain(folder), not options.written) for folder in options.folders]
    return 1 if any(wrong) else 0


if __name__ == "__main__":
    sys.exit(main())

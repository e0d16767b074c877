"""`python -m inkling.live export <folder>`: write the files that live figures on a
static page load.
"""

import argparse

from inkling.live.weights import export, shipped


def main() -> None:
    """Read the command line and do it; prints each file and its size."""
    parser = argparse.ArgumentParser(prog="python -m inkling.live", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser(
        "export", help="write host.js, live.js and the weights of the shipped model"
    )
    command.add_argument("folder", help="where to write them")
    command.add_argument(
        "--checkpoint",
        help="a checkpoint folder to use as the base model instead of the shipped one",
    )
    arguments = parser.parse_args()
    models = {"base": arguments.checkpoint} if arguments.checkpoint else shipped()
    for path in export(arguments.folder, models):
        print(f"{path}  {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()

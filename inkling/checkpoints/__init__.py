"""The trained checkpoints that ship with the book: safetensors weights, a tokenizer,
and a card for each.
"""

from pathlib import Path

from inkling.files import InklingError

_FOLDER = Path(__file__).parent


def path(name: str) -> Path:
    """The folder of the shipped checkpoint `name`, for example "base".

    Raises `InklingError` when there is no such checkpoint, naming those that there are.
    """
    folder = _FOLDER / name
    if not (folder / "model.safetensors").is_file():
        names = sorted(p.parent.name for p in _FOLDER.glob("*/model.safetensors"))
        raise InklingError(
            f"no shipped checkpoint called {name!r}; there are:"
            f" {', '.join(names) or 'none'}. Make one with `python -m inkling"
            " speedrun`."
        )
    return folder

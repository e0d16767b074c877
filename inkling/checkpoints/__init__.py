"""The trained checkpoints that ship with the book: safetensors weights, a tokenizer,
and a card for each.

    model, tokenizer = checkpoints.load("sft")
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from inkling.files import InklingError

if TYPE_CHECKING:
    from inkling.model.transformer import Transformer
    from inkling.text.tokenizer import Tokenizer

_FOLDER = Path(__file__).parent
#: What a folder holds beside a body that is no language model, and how it is opened.
_OTHER_MODELS = {
    "head.safetensors": "a reward model: inkling.assistant.reward.RewardModel.load",
    "embedder.safetensors": "an embedder: inkling.reading.embedder.Embedder.load",
}


def path(name: str, folder: str | os.PathLike | None = None) -> Path:
    """The folder of the shipped checkpoint `name`, for example "base".

    folder: that of a run of your own, as `python -m inkling speedrun` makes it, to take
    the checkpoint from there. Raises `InklingError` when there is no such checkpoint,
    naming those that there are.
    """
    run = _FOLDER if folder is None else Path(folder)
    if not (run / name / "model.safetensors").is_file():
        names = sorted(p.parent.name for p in run.glob("*/model.safetensors"))
        where = "shipped checkpoint" if folder is None else f"checkpoint in {run}"
        raise InklingError(
            f"no {where} called {name!r}; there are: {', '.join(names) or 'none'}."
            " Make one with `python -m inkling speedrun`."
        )
    return run / name


def load(
    name: str, folder: str | os.PathLike | None = None
) -> "tuple[Transformer, Tokenizer]":
    """The language model of a checkpoint, ready to write, and its tokenizer.

    name, folder: as for `path`. Raises `InklingError` for a name that there is not, for
    a checkpoint that is no language model, and where a file is missing or damaged.
    """
    return load_folder(path(name, folder))


def load_folder(folder: str | os.PathLike) -> "tuple[Transformer, Tokenizer]":
    """The same from the checkpoint's own folder, wherever it lies: one with
    config.json, model.safetensors and tokenizer.json.
    """
    # Not above: who only asks where a checkpoint lies need not wait for torch.
    from inkling.model.transformer import Transformer
    from inkling.text.tokenizer import Tokenizer

    folder = Path(folder)
    for part, what in _OTHER_MODELS.items():
        if (folder / part).is_file():
            raise InklingError(
                f"{folder} is no language model. It holds {what} opens it."
            )
    model = Transformer.from_pretrained(folder).eval()
    tokenizer = Tokenizer.load(folder / "tokenizer.json")
    if tokenizer.vocab_size > model.config.vocab_size:
        raise InklingError(
            f"{folder / 'tokenizer.json'} has {tokenizer.vocab_size} tokens, and the"
            f" model beside it knows {model.config.vocab_size}: they do not belong"
            " together. Fetch or save both again."
        )
    return model, tokenizer

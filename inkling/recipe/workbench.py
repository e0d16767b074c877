"""Where a stage of the chain is made: once, by its recipe, from the models before it,
and so that it can be stopped at any moment and goes on.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import torch

from inkling.files import InklingError, atomic_write, versions
from inkling.model.transformer import Transformer
from inkling.recipe import cards
from inkling.text.tokenizer import Tokenizer
from inkling.training.identity import digest
from inkling.training.processes import cpu_seconds
from inkling.world import World

Record = TypeVar("Record")

#: The edition of the town that the chain is made of.
EDITION = 2

#: Seconds of work that an interruption may leave out of a stage's cost, about.
_TICK = 5.0


def town() -> World:
    """The town that every stage is about."""
    return World(0, EDITION)


class Workbench:
    """A stage in the making: its folder, what is kept until it is finished, and a clock
    that goes on after an interruption.
    """

    def __init__(self, folder: Path, name: str, progress: bool = True) -> None:
        self.folder, self.progress = folder, progress
        self.to, self.saved = folder / name, folder / "savepoints" / name
        self._clock = self.saved / "cost.json"
        before = json.loads(self._clock.read_text()) if self._clock.is_file() else {}
        # as if the work before the interruption had ended just now
        self._wall = time.perf_counter() - before.get("wall_seconds", 0.0)
        self._cpu = cpu_seconds() - before.get("cpu_seconds", 0.0)
        self._ticked = time.perf_counter()

    @property
    def cost(self) -> dict[str, float]:
        """What the stage took so far, in all of its processes, what was done twice
        after an interruption included.
        """
        return {
            "wall_seconds": round(time.perf_counter() - self._wall, 1),
            "cpu_seconds": round(cpu_seconds() - self._cpu, 1),
        }

    def tick(self, now: bool = False) -> None:
        """Write down what the stage took, every few seconds, or at once."""
        if now or time.perf_counter() - self._ticked > _TICK:
            atomic_write(self._clock, json.dumps(self.cost).encode())
            self._ticked = time.perf_counter()

    def watch(self, run: Iterable[Record]) -> Iterator[Record]:
        """The records of a training run, as they come; the time that they take
        counts.
        """
        for record in run:
            self.tick()
            yield record
        self.tick(now=True)

    def once(self, name: str, make: Callable[[], Any]) -> Any:
        """Whatever `make()` gives, as JSON has it; after an interruption it is read and
        not made again.
        """
        path = self.saved / f"{name}.json"
        if not path.is_file():
            atomic_write(path, json.dumps(make()).encode())
            self.tick(now=True)
        return json.loads(path.read_text(encoding="utf-8"))

    def ship(self, model: Transformer, tokenizer: Tokenizer) -> Transformer:
        """Write a model and its tokenizer in half precision, and read the model back:
        it is measured as it is shipped.
        """
        model.save_pretrained(self.to, dtype=torch.float16, tokenizer=tokenizer)
        tokenizer.save(self.to / "tokenizer.json")
        return Transformer.from_pretrained(self.to)


def checkpoint(folder: Path) -> tuple[Transformer, Tokenizer]:
    """The model and tokenizer in `folder`; `InklingError` where it holds none."""
    if not (folder / "tokenizer.json").is_file():
        raise InklingError(
            f"{folder} is no checkpoint: give the folder with config.json,"
            " model.safetensors and tokenizer.json."
        )
    return Transformer.from_pretrained(folder), Tokenizer.load(
        folder / "tokenizer.json"
    )


def made_from(recipe: Any, **models: Any) -> dict:
    """What decides a stage: its recipe, a dataclass, and the digests of the models that
    it begins with.
    """
    digests = {name: digest(model) for name, model in models.items()}
    return json.loads(json.dumps({**digests, "recipe": asdict(recipe)}))


def command_of(run: Path) -> str | None:
    """The command that makes the chain in a folder, as its base model has it; None
    where that was not made by one.
    """
    noted, base = run / "savepoints" / "base" / "made_by.json", run / "base"
    if noted.is_file():
        return json.loads(noted.read_text(encoding="utf-8"))
    has_card = (base / "card.json").is_file()
    return cards.read(base).get("made_by") if has_card else None


def stage(bench: Workbench, decided_by: dict, make: Callable[[], dict]) -> dict:
    """The card of a stage: read where it was made before, from the same models and by
    the same recipe, else made now.

    decided_by: what `made_from` gives. make: makes the stage and returns what its card
    says besides. Raises `InklingError` where another stage stands in its place, or was
    begun there.
    """
    begun = bench.saved / "made_from.json"
    card = cards.read(bench.to) if (bench.to / "card.json").is_file() else None
    before = decided_by
    if card is not None:
        before = card.get("made_from")
    elif begun.is_file():
        before = json.loads(begun.read_text(encoding="utf-8"))
    if before != decided_by:
        raise InklingError(
            f"{bench.to} was made from another model or with another recipe:"
            f" {change_between(before, decided_by)}. Take another folder, or remove"
            f" {bench.to.name} in this one, all that was made after it, and savepoints."
        )
    if card is not None:
        return card
    atomic_write(begun, json.dumps(decided_by).encode())
    card = {
        "name": bench.to.name,
        "made_by": command_of(bench.folder),
        "made_from": decided_by,
        "versions": versions(),
    }
    card |= make()
    return cards.write(bench.to, card | {"cost": bench.cost})


def change_between(before: Any, now: Any, name: str = "") -> str:
    """Where two things as JSON has them differ, in words: "recipe.seed was 0, is 1"."""
    if isinstance(before, dict) and isinstance(now, dict):
        return ", ".join(
            change_between(before.get(key), now.get(key), f"{name}.{key}".strip("."))
            for key in {**now, **before}
            if before.get(key) != now.get(key)
        )
    return f"{name or 'it'} was {before}, is {now}"

"""The race of the pre-training lab: tiny models, their settings, and two of them taking turns on
one machine.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import ipywidgets as widgets
import numpy as np
from matplotlib.axes import Axes

from inkling import plots
from inkling.files import InklingError
from inkling.labs.background import Job, LivePlot, Worker
from inkling.labs.panel import Panel, columns_beside, control, read_number, slider
from inkling.model.transformer import ModelConfig, Transformer
from inkling.text.tokenizer import Tokenizer
from inkling.training.optim import make_optimizers, schedule, update
from inkling.training.packing import Batches
from inkling.training.pretrain import (
    TrainConfig,
    accumulate_gradient,
    count_targets,
    validation_loss,
)
from inkling.world import World

CONTEXT = 64  # tokens in a row: short, so that a step takes hundredths of a second
MOST = {"width": 128, "layers": 8, "heads": 32, "batch": 64}
MUON_FACTOR = 2  # Muon's matrices take this many times the learning rate of the rest


@dataclass(frozen=True)
class Data:
    """Larkhaven's text as one stream of ids, a piece held out, and how many different ids there
    are.
    """

    tokens: np.ndarray
    valid_tokens: np.ndarray
    vocab_size: int


@cache
def load_data(n_characters: int = 600_000) -> Data:
    """A small tokenizer's ids for fresh text: a vocabulary of 512 keeps the models tiny."""
    world = World(0)
    texts = [document.text for document in world.documents(n_characters)]
    held_out = [
        document.text for document in world.documents(n_characters // 24, stream="validation")
    ]
    tokenizer = Tokenizer.train(texts[: max(1, len(texts) // 3)], vocab_size=512)
    ids, valid_ids = (
        np.array(tokenizer.encode("\n\n".join(t)), dtype=np.int64) for t in (texts, held_out)
    )
    return Data(ids, valid_ids, tokenizer.vocab_size)


@dataclass(frozen=True)
class Entry:
    """One racer's settings.

    Raises `InklingError`, with a sentence for the person at the controls, for settings that cannot
    be run here.
    """

    width: int = 32
    layers: int = 2
    heads: int = 4
    learning_rate: float = 0.01
    optimizer: str = "adamw"
    batch: int = 8

    def __post_init__(self) -> None:
        for name, most in MOST.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
                raise InklingError(
                    f"{name} must be a whole number from 1 to {most}; it is {value!r}."
                )
        if self.width % self.heads or self.width // self.heads % 2:
            raise InklingError(
                f"a width of {self.width} cannot be shared out to {self.heads} heads: each needs"
                f" the same, even number of places. {self.heads} heads go with widths such as"
                f" {2 * self.heads}, {4 * self.heads} or {8 * self.heads}."
            )
        if not 0 < self.learning_rate <= 1000:
            raise InklingError(
                f"the learning rate must be above 0 and at most 1000; it is {self.learning_rate:g}."
                " With 0 no weight ever moves; 0.01 is a good start."
            )

    def __str__(self) -> str:
        kind = {"adamw": "AdamW", "muon": "Muon"}[self.optimizer]
        return (
            f"{self.layers} x {self.width} wide, batch {self.batch}, {kind} {self.learning_rate:g}"
        )

    def model(self, data: Data, seed: int = 0) -> Transformer:
        """An untrained model of this shape."""
        shape = ModelConfig(
            data.vocab_size, CONTEXT, self.width, self.layers, self.heads, self.heads
        )
        return Transformer(shape, seed=seed)

    def config(self, steps: int) -> TrainConfig:
        """The settings of a run of so many steps: a tenth of it to warm up, then down in a straight
        line.
        """
        return TrainConfig(
            steps=steps,
            batch_size=self.batch,
            optimizer=self.optimizer,
            learning_rate=self.learning_rate,
            muon_learning_rate=MUON_FACTOR * self.learning_rate,
            warmup_steps=max(1, steps // 10),
            precision="fp32",
        )


def count_weights(model: Transformer) -> int:
    """How many numbers a training of this model moves."""
    return sum(parameter.numel() for parameter in model.parameters())


# --- the race -------------------------------------------------------------------------------------


class Racer:
    """One model in the race. `points` holds (tokens, CPU-seconds, loss) after each step, the loss
    smoothed.
    """

    def __init__(self, entry: Entry, data: Data, seed: int = 0) -> None:
        # a schedule of 1000 parts: the race says how far we are
        self.entry, self.config = entry, entry.config(1000)
        self.model = entry.model(data, seed)
        self.batches = Batches(data.tokens, CONTEXT, entry.batch, seed, eos_id=None)
        self.optimizers = make_optimizers(
            self.model, entry.optimizer, self.config.learning_rate, self.config.muon_learning_rate
        )
        self.steps, self.tokens, self.cpu_seconds = 0, 0, 0.0
        self.points: list[tuple[int, float, float]] = []
        self.blew_up = False

    def step(self, share_done: float, clock: Callable[[], float]) -> None:
        """One update, at the learning rate that belongs to this share of the race. A loss that is
        no number is out.
        """
        began = clock()
        parts = self.config.steps
        scale = schedule(min(parts - 1, int(parts * share_done)), parts, self.config.warmup_steps)
        rows = self.batches.batch(self.steps)
        loss = accumulate_gradient(self.model, rows, self.config)
        try:
            update(self.model, self.optimizers, loss, self.steps, scale=scale)
        except InklingError:
            self.blew_up = True
            return
        self.steps += 1
        self.tokens += count_targets(rows)
        self.cpu_seconds += clock() - began
        # Small batches are noisy: average over the last few thousand tokens, for every batch size
        # the same.
        new = min(1.0, count_targets(rows) / 4096) if self.points else 1.0
        smooth = new * loss + (1 - new) * (self.points[-1][2] if self.points else 0.0)
        self.points.append((self.tokens, self.cpu_seconds, smooth))


class Race:
    """Two racers on one machine. Who has used less so far has the next turn, so neither waits for
    the other.

    Args:
        currency: what both get the same amount of: "tokens" or "cpu" (CPU-seconds).
        finish: how much of it.
        clock: seconds of processor time, for tests.
    """

    def __init__(
        self,
        entries: Sequence[Entry],
        data: Data,
        finish: float,
        currency: str = "tokens",
        seed: int = 0,
        clock: Callable[[], float] | None = None,
    ) -> None:
        if currency not in ("tokens", "cpu"):
            raise InklingError(
                f"the race is for the same 'tokens' or the same 'cpu' seconds, not {currency!r}."
            )
        if not finish > 0:
            raise InklingError(f"the finish must be above 0; it is {finish}.")
        self.data, self.finish, self.currency = data, finish, currency
        self.clock = clock or time.process_time
        self.racers = [Racer(entry, data, seed) for entry in entries]

    def used(self, racer: Racer) -> float:
        """How much of the common currency this racer has used."""
        return racer.tokens if self.currency == "tokens" else racer.cpu_seconds

    def run(
        self, job: Job | None = None, after_turn: Callable[[float], None] = lambda share: None
    ) -> None:
        """Race to the finish, or to Stop. `after_turn` is told the share of the race that is
        done.
        """
        while running := [r for r in self.racers if not r.blew_up and self.used(r) < self.finish]:
            if job is not None:
                job.check()
            racer = min(running, key=self.used)
            racer.step(self.used(racer) / self.finish, self.clock)
            after_turn(
                min(1.0, sum(min(self.used(r), self.finish) for r in self.racers) / self.finish / 2)
            )

    def report(self) -> list[str]:
        """A line for each racer: its size, what it used, and its loss on the text that was held
        out.
        """
        lines = []
        for name, racer in zip("AB", self.racers, strict=True):
            if racer.blew_up:
                lines.append(
                    f"{name} blew up at step {racer.steps + 1}: its loss is no number any more."
                )
                continue
            loss = validation_loss(racer.model, self.data.valid_tokens, CONTEXT, None)
            lines.append(
                f"{name} ({racer.entry}): {count_weights(racer.model):,} weights,"
                f" {racer.steps} steps, {racer.tokens:,} tokens, {racer.cpu_seconds:.1f}"
                f" CPU-seconds, held-out loss {loss:.3f}"
            )
        return lines


def draw_race(race: Race, axes: Axes, x: str | None = None) -> None:
    """Both curves on matplotlib `axes`, against "tokens" or "cpu"; without `x`, against what the
    race is run for.
    """
    x = x or race.currency
    for name, racer, colour, dash in zip(
        "AB", race.racers, ("blue", "orange"), ("-", "--"), strict=True
    ):
        points = np.array(racer.points or [(0, 0.0, np.nan)])
        across = points[:, 0 if x == "tokens" else 1]
        label = f"{name}: {racer.entry}" + (" (blew up)" if racer.blew_up else "")
        axes.plot(across, points[:, 2], dash, color=plots.COLOURS[colour], label=label)
    axes.set_xlabel("tokens read" if x == "tokens" else "CPU-seconds")
    axes.set_ylabel("loss (nats a token)")
    # one that explodes hides nobody
    axes.set_ylim(top=min(axes.get_ylim()[1], 2 * math.log(race.data.vocab_size)))
    axes.legend(fontsize=8)


def entry_controls(entry: Entry) -> dict[str, Any]:
    """One column of controls."""
    optimizers = [("AdamW", "adamw"), ("Muon", "muon")]
    layout = {"width": "17em", "label_width": "7.5em"}
    return {
        "width": control(widgets.IntText, entry.width, "Width", **layout),
        "layers": control(widgets.IntText, entry.layers, "Layers", **layout),
        "heads": control(widgets.IntText, entry.heads, "Heads", **layout),
        "batch": control(widgets.IntText, entry.batch, "Batch", **layout),
        "optimizer": control(widgets.Dropdown, entry.optimizer, "By", options=optimizers, **layout),
        "learning_rate": control(
            widgets.Text, f"{entry.learning_rate:g}", "Learning rate", **layout
        ),
    }


def read_entry(name: str, controls: dict[str, Any]) -> Entry:
    """The entry that the controls stand at; `InklingError` says which racer cannot start, and
    why.
    """
    try:
        values = {key: each.value for key, each in controls.items()}
        values["learning_rate"] = read_number(values["learning_rate"], "the learning rate")
        return Entry(**values)
    except InklingError as error:
        raise InklingError(f"{name} cannot start: {error}") from None


def race_panel(data: Data, left: Entry, right: Entry) -> Panel:
    """Two columns of controls, Start and Stop, and one picture with both curves. Races that were
    run stay listed.
    """
    racers = {"A": entry_controls(left), "B": entry_controls(right)}
    currencies = [("the same tokens", "tokens"), ("the same CPU-seconds", "cpu")]
    currency = control(widgets.Dropdown, "tokens", "Both get", options=currencies)
    length = slider(widgets.FloatSlider, 1, 0.2, 4, 0.2, "Length", readout_format=".1f")
    plot = LivePlot("Two loss curves, empty until the race starts.")
    page = widgets.HTML()
    results: list[Race] = []

    def work(job: Job) -> str:
        entries = [read_entry(name, controls) for name, controls in racers.items()]
        finish = (80_000 if currency.value == "tokens" else 6.0) * length.value
        race = Race(entries, data, finish, str(currency.value))
        results.append(race)
        drawn = 0.0

        def after_turn(share: float) -> None:
            nonlocal drawn
            if share >= drawn:
                drawn = share + 1 / 15
                pairs = zip("AB", race.racers, strict=True)
                at = (f"{name} {racer.points[-1][2]:.2f}" for name, racer in pairs if racer.points)
                job.say(f"{share:.0%}: {', '.join(at)}")
                show(race)

        try:
            race.run(job, after_turn)
        finally:
            show(race)
            page.value += "<br>".join([f"<b>Race {len(results)}</b>", *race.report()]) + "<br>"
        return "The race is over; the lines below say how it ended."

    def show(race: Race) -> None:
        ends = [f"{racer.points[-1][2]:.2f}" if racer.points else "none" for racer in race.racers]
        plot.draw(
            lambda axes: draw_race(race, axes),
            f"Two loss curves: A is at {ends[0]}, B at {ends[1]}.",
        )

    worker = Worker(work, "Start")
    named = columns_beside({f"Racer {name}": each for name, each in racers.items()})
    view = widgets.VBox([named, currency, length, worker.panel, plot.widget, page])
    controls = {**racers, "currency": currency, "length": length}
    return Panel(view, controls, worker.line, plot, page, worker, results)

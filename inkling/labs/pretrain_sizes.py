"""The pre-training lab's scaling law and its broken learning rates: many short runs, one picture
each.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import ipywidgets as widgets
import numpy as np
from matplotlib.axes import Axes

from inkling import plots
from inkling.files import InklingError
from inkling.labs.background import Job, LivePlot, Worker
from inkling.labs.panel import Panel, control, read_number, slider
from inkling.labs.pretrain_race import CONTEXT, MOST, Data, Entry, count_weights
from inkling.training.pretrain import train, validation_loss

SPRINT_STEPS = 50

# --- a small scaling law --------------------------------------------------------------------------


def train_size(
    width: int,
    data: Data,
    steps: int = 200,
    layers: int = 2,
    learning_rate: float = 0.01,
    job: Job | None = None,
) -> tuple[int, float]:
    """Train a model of this width (heads of 8) on 512 tokens a step: its weights, and its loss on
    held-out text.
    """
    entry = Entry(width, layers, max(1, width // 8), learning_rate)
    model = entry.model(data)
    for _ in train(model, data.tokens, entry.config(steps), progress=False):
        if job is not None:
            job.check()
    return count_weights(model), validation_loss(model, data.valid_tokens, CONTEXT, None)


def fit_power_law(sizes: Sequence[float], losses: Sequence[float]) -> tuple[float, float]:
    """(a, b) of loss = a * size ** -b: a straight line through the logarithms, by least squares."""
    slope, intercept = np.polyfit(np.log(sizes), np.log(losses), 1)
    return float(np.exp(intercept)), float(-slope)


def draw_scaling(
    axes: Axes,
    points: Sequence[tuple[int, float]],
    truth: tuple[int, float] | None = None,
    target: int | None = None,
) -> None:
    """Sizes and losses in log-log, the line through them, the prediction for `target` weights, and
    what came out.
    """
    sizes, losses = zip(*points, strict=True) if points else ((), ())
    axes.plot(sizes, losses, "o", color=plots.COLOURS["blue"], label="trained")
    if len(points) >= 2:
        a, b = fit_power_law(sizes, losses)
        across = np.geomspace(min(sizes), max(target or 0, *sizes), 50)
        axes.plot(
            across,
            a * across**-b,
            "--",
            color=plots.COLOURS["grey"],
            label=f"loss = {a:.2f} N$^{{-{b:.3f}}}$",
        )
        if target is not None:
            axes.plot(
                target,
                a * target**-b,
                "D",
                mfc="none",
                color=plots.COLOURS["orange"],
                label="predicted",
            )
    if truth is not None:
        axes.plot(*truth, "s", color=plots.COLOURS["green"], label="measured")
    axes.set(xscale="log", yscale="log", xlabel="weights N", ylabel="held-out loss")
    axes.yaxis.set_major_formatter("{x:.1f}")
    axes.yaxis.set_minor_formatter("{x:.1f}")
    if points:
        axes.legend(fontsize=8)


def read_widths(text: str) -> list[int]:
    """The widths that a person typed, such as "8 16 32"; `InklingError` for what cannot be trained
    here.
    """
    parts = text.replace(",", " ").split()
    if not 2 <= len(parts) <= 6:
        raise InklingError(
            f"give two to six widths, such as 8 16 32 64; you gave {len(parts)}. A line needs two"
            " points."
        )
    widths = []
    for part in parts:
        number = read_number(part, "a width", "16")
        if number != int(number) or int(number) % 8 or not 8 <= number <= MOST["width"]:
            raise InklingError(
                f"a width must be a multiple of 8, from 8 to {MOST['width']}; {part[:20]} is not."
            )
        widths.append(int(number))
    if len(set(widths)) < 2:
        raise InklingError("give at least two different widths: one size alone has no slope.")
    return widths


def scaling_panel(data: Data) -> Panel:
    """Train the sizes you name, put a line through them, predict one more, then train that one."""
    controls: dict[str, Any] = {
        "widths": control(widgets.Text, "8 16 32 64", "Widths"),
        "target": control(widgets.IntText, 96, "Predict width"),
        "layers": slider(widgets.IntSlider, 2, 1, 4, 1, "Layers"),
        "steps": slider(widgets.IntSlider, 200, 20, 1000, 20, "Steps"),
    }
    plot = LivePlot("Loss against size, empty until the first model is trained.")
    results: list[list[tuple[int, float]]] = []

    def work(job: Job) -> str:
        widths = read_widths(controls["widths"].value)
        last = read_widths(f"8 16 {controls['target'].value}")[-1]
        n_steps, n_layers = controls["steps"].value, controls["layers"].value
        points: list[tuple[int, float]] = []
        results.append(points)
        goal = count_weights(Entry(last, n_layers, last // 8).model(data))
        for width in widths:
            job.say(f"training width {width} ...")
            points.append(train_size(width, data, n_steps, n_layers, job=job))
            plot.draw(
                lambda axes: draw_scaling(axes, points, target=goal),
                f"{len(points)} sizes trained.",
            )
        a, b = fit_power_law(*zip(*points, strict=True))
        predicted = a * goal**-b
        job.say(f"the line says {predicted:.3f} for width {last}; training it ...")
        truth = train_size(last, data, n_steps, n_layers, job=job)
        points.append(truth)
        closing = (
            f"Predicted {predicted:.3f}, measured {truth[1]:.3f}: off by"
            f" {truth[1] - predicted:+.3f}."
        )
        plot.draw(lambda axes: draw_scaling(axes, points[:-1], truth, goal), closing)
        return closing

    worker = Worker(work, "Start")
    view = widgets.VBox([*controls.values(), worker.panel, plot.widget])
    return Panel(view, controls, worker.line, plot, worker=worker, results=results)


# --- break the learning rate ----------------------------------------------------------------------


def sprint(
    learning_rate: float,
    data: Data,
    width: int = 16,
    optimizer: str = "adamw",
    steps: int = SPRINT_STEPS,
    warmup: bool = True,
    job: Job | None = None,
) -> list[float]:
    """The losses of a short run of one layer, step by step. If it blows up, the list ends there,
    with infinity.
    """
    entry = Entry(width, 1, max(1, width // 8), learning_rate, optimizer)
    config = entry.config(steps)
    if not warmup:
        config = replace(config, warmup_steps=1)
    losses: list[float] = []

    try:
        for record in train(entry.model(data), data.tokens, config, progress=False):
            losses.append(record.loss)
            if job is not None:
                job.check()
    except InklingError:
        losses.append(math.inf)
    return losses


def end_of(losses: Sequence[float]) -> float:
    """What a short run comes to: the mean of its last ten losses."""
    return float(np.mean(losses[-10:]))


def draw_sweep(axes: Axes, runs: dict[str, list[tuple[float, float]]], guess: float) -> None:
    """For each named run, pairs of learning rate and final loss. What ended above 1.25 x `guess` is
    at the top.
    """
    top = 1.25 * guess
    shapes = zip(("blue", "orange", "green"), ("-o", "--s", "-.D"), strict=True)
    for (name, pairs), (colour, style) in zip(runs.items(), shapes, strict=False):
        rates, ends = zip(*sorted(pairs), strict=True) if pairs else ((), ())
        shown = [min(end, top) if math.isfinite(end) else top for end in ends]
        axes.plot(rates, shown, style, color=plots.COLOURS[colour], label=name)
    axes.axhline(guess, ls=":", color=plots.COLOURS["red"])
    axes.text(
        0.6,
        guess,
        "a blind guess",
        color=plots.COLOURS["red"],
        ha="right",
        va="bottom",
        fontsize=8,
        transform=axes.get_yaxis_transform(),
    )
    axes.set(xscale="log", xlabel="peak learning rate", ylabel="loss at the end")
    axes.set_ylim(None, top * 1.03)
    if runs:
        axes.legend(fontsize=8)


def rate_sweep_panel(data: Data) -> Panel:
    """Try learning rates over decades, with a width, an optimizer, and with or without a warm-up of
    your choice.
    """
    optimizers = [("AdamW", "adamw"), ("Muon", "muon")]
    controls: dict[str, Any] = {
        "low": control(widgets.Text, "0.0001", "From"),
        "high": control(widgets.Text, "10", "To"),
        "count": slider(widgets.IntSlider, 8, 2, 20, 1, "How many"),
        "width": control(widgets.Dropdown, 16, "Width", options=[8, 16, 32, 64, 128]),
        "optimizer": control(widgets.Dropdown, "adamw", "By", options=optimizers),
        "warmup": control(widgets.Checkbox, True, "Warm up first"),
    }
    plot = LivePlot("Final loss against learning rate, empty until the first run.")
    guess = math.log(data.vocab_size)
    results: list[tuple[str, list[tuple[float, float]]]] = []

    def work(job: Job) -> str:
        first = read_number(controls["low"].value, "From")
        last, count = read_number(controls["high"].value, "To"), controls["count"].value
        if not 0 < first < last <= 1000:
            raise InklingError(
                f"From must be above 0 and below To, and To at most 1000; they are {first:g},"
                f" {last:g}."
            )
        settings = {name: controls[name].value for name in ("width", "optimizer", "warmup")}
        name = f"width {settings['width']}, {controls['optimizer'].label}"
        pairs: list[tuple[float, float]] = []
        results.append((name + ("" if settings["warmup"] else ", no warm-up"), pairs))
        for rate in np.geomspace(first, last, count).tolist():
            pairs.append((rate, end_of(sprint(rate, data, job=job, **settings))))
            job.say(f"{rate:.2g}: {pairs[-1][1]:.2f}")
            plot.draw(
                # the last three sweeps, side by side
                lambda axes: draw_sweep(axes, dict(results[-3:]), guess),
                f"{len(pairs)} of {count} rates tried.",
            )
        rate, end = min(pairs, key=lambda pair: pair[1])
        return (
            f"Lowest: {end:.2f} at a learning rate of {rate:.2g}. The last three sweeps stay in the"
            " picture."
        )

    worker = Worker(work, "Start")
    view = widgets.VBox([*controls.values(), worker.panel, plot.widget])
    return Panel(view, controls, worker.line, plot, worker=worker, results=results)

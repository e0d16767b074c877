"""The RLHF lab: a dial for the price of KL, runs that can be watched and stopped, and a rubric of
your own.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import ipywidgets as widgets
import numpy as np
from matplotlib.axes import Axes
from torch import Tensor

from inkling.assistant.grpo import GRPOConfig, train_grpo
from inkling.assistant.overoptimisation import short_prompts, short_prompts_by_step
from inkling.assistant.rollouts import Reward, RLRecord, best_of_n_kl, gold_reward, roll_out
from inkling.files import InklingError
from inkling.labs.background import Job, LivePlot, Worker
from inkling.labs.panel import (
    Panel,
    button,
    control,
    on_change,
    replies_beside,
    show_line,
    slider,
    table,
    wide,
)
from inkling.labs.rlhf_checks import (  # the notebook calls them as lab.check_...
    BAR,
    check_best_of_n_kl,
    check_clipped_gain,
    check_group_advantages,
    check_kl_estimate,
    check_rubric,
    check_token_rewards,
)
from inkling.labs.rlhf_rubric import Rubric, read_rubric
from inkling.labs.rlhf_samples import (
    MAX_NEW_TOKENS,
    Samples,
    best_of,
    favourites,
    frontier,
    gold_by_kind,
    make_samples,
    many_words,
    polite_words,
    tilt,
)
from inkling.model.transformer import Transformer
from inkling.plots import COLOURS
from inkling.progress import stepwise
from inkling.text.tokenizer import Tokenizer
from inkling.world import World
from inkling.world.requests import Prompt

__all__ = [
    "BAR",
    "NAIVE",
    "best_of",
    "best_of_n_kl",
    "beta_panel",
    "check_best_of_n_kl",
    "check_clipped_gain",
    "check_group_advantages",
    "check_kl_estimate",
    "check_rubric",
    "check_token_rewards",
    "favourites",
    "frontier",
    "gold_by_kind",
    "make_samples",
    "many_words",
    "paint_best_of",
    "paint_frontier",
    "paint_run",
    "polite_words",
    "read_rubric",
    "replies_beside",
    "rubric_panel",
    "run_grpo",
    "run_panel",
    "show_favourites",
    "tilt",
]
NS = (1, 2, 4, 8, 16, 32, 64)
BETAS = tuple(np.logspace(1.5, -1.5, 25).tolist())
NAIVE = "+1 each thank you\n+1 each gladly\n+1 each good\n-1 over 40 words"

# --- beta -----------------------------------------------------------------------------------------


def paint_frontier(
    axes: Axes, points: np.ndarray, gold: np.ndarray, beta: float | None = None
) -> None:
    """Reward and gold over KL for all beta, and a mark at one of them."""
    path = frontier(points, gold, BETAS)
    axes.plot(path[:, 0], path[:, 1], color=COLOURS["blue"], label="reward")
    axes.plot(path[:, 0], path[:, 2], "--", color=COLOURS["orange"], label="gold")
    if beta is not None:
        ((kl, reward, worth),) = frontier(points, gold, [beta])
        axes.plot([kl], [reward], "o", color=COLOURS["blue"], ms=9)
        axes.plot([kl], [worth], "s", color=COLOURS["orange"], ms=9)
    axes.set(xlabel="KL from the start, nats a reply", ylabel="mean over replies")
    axes.legend()


def beta_panel(samples: Samples, rewards: dict[str, np.ndarray]) -> Panel:
    """A reward, a prompt and a slider for beta; the picture of reward against KL, and the replies
    that it favours.
    """
    prompts = [(text, i) for i, text in enumerate(samples.prompts)]
    controls: dict[str, Any] = {
        "reward": control(widgets.Dropdown, next(iter(rewards)), "reward", options=list(rewards)),
        "beta": slider(widgets.FloatLogSlider, 1.0, -1.5, 1.5, 0.1, "beta"),
        "prompt": control(widgets.Dropdown, 0, "prompt", options=prompts),
    }
    plot, line, page = LivePlot("Reward and gold over KL."), widgets.HTML(), widgets.HTML()

    def show() -> None:
        name, beta, row = (each.value for each in controls.values())
        points, replies = rewards[name], samples.replies[row]
        ((kl, reward, gold),) = frontier(points, samples.gold, [beta])
        said = f"beta {beta:.2f}: KL {kl:.2f} nats, reward {reward:.2f}, gold {gold:.2f}."
        plot.draw(lambda axes: paint_frontier(axes, points, samples.gold, beta), said)
        share: dict[str, float] = {}
        for reply, weight in zip(replies, tilt(points[row], beta).tolist(), strict=True):
            share[reply] = share.get(reply, 0.0) + weight
        top = sorted(share, key=lambda reply: share[reply], reverse=True)[:5]
        rows = [
            (f"{replies.count(reply) / len(replies):.1%}", f"{share[reply]:.1%}", reply)
            for reply in top
        ]
        show_line(line, said)
        page.value = table(("before", "at this beta", "reply"), rows)

    on_change(controls.values(), show)
    view = widgets.VBox(
        [controls["reward"], controls["beta"], plot.widget, controls["prompt"], line, page]
    )
    return Panel(view, controls, line, plot, page)


# --- Runs -----------------------------------------------------------------------------------------


@stepwise
def run_grpo(
    policy: Transformer,
    tokenizer: Tokenizer,
    world: World,
    reward: Reward,
    beta: float,
    steps: int,
) -> Iterator[tuple[RLRecord, float]]:
    """GRPO for some steps, in place: yields a record of each batch, and the gold reward of the same
    replies beside it.
    """
    golds, gold = [], gold_reward(world)

    def watched(
        prompts: Sequence[Prompt], replies: Sequence[str]
    ) -> Tensor | np.ndarray | Sequence[float]:
        golds.append(float(gold(prompts, replies).mean()))
        return reward(prompts, replies)

    config = GRPOConfig(
        steps=steps,
        n_prompts=6,
        group_size=8,
        max_new_tokens=MAX_NEW_TOKENS,
        learning_rate=5e-4,
        beta=beta,
    )
    prompts = short_prompts_by_step(world, config.n_prompts, 0)
    for record in train_grpo(policy, tokenizer, prompts, watched, config, progress=False):
        yield record, golds[-1]


def paint_run(axes: Axes, history: list[tuple[RLRecord, float]], label: str = "reward") -> None:
    """Three strips over the steps: the reward that is optimised, the gold reward, and the KL."""
    figure = axes.figure
    figure.clear()
    steps = [record.step for record, _ in history]
    values = {
        label: [record.reward for record, _ in history],
        "gold": [gold for _, gold in history],
        "KL, nats": [record.kl for record, _ in history],
    }
    strips = figure.subplots(3, 1, sharex=True)
    colours = [COLOURS[name] for name in ("blue", "orange", "grey")]
    for strip, (name, numbers), colour in zip(strips, values.items(), colours, strict=True):
        strip.plot(steps, numbers, marker="o", color=colour)
        strip.set_title(name, fontsize=10)
    strips[-1].set(xlabel="step")
    strips[-1].xaxis.get_major_locator().set_params(integer=True)


def run_panel(
    rewards: dict[str, Callable[[], Reward]],
    start: Transformer,
    tokenizer: Tokenizer,
    world: World,
) -> Panel:
    """A reward, beta, steps, Start and Stop; the run's picture, and replies before and after.

    rewards: names, each with a function that gives the reward when Start is pressed (so a rubric is
    read then). `results` holds the policy and the history of each run, also of one that was
    stopped. The start is never changed.
    """
    controls: dict[str, Any] = {
        "reward": control(widgets.Dropdown, next(iter(rewards)), "reward", options=list(rewards)),
        "beta": slider(widgets.FloatSlider, 0.0, 0.0, 0.5, 0.02, "beta"),
        "steps": slider(widgets.IntSlider, 10, 1, 30, 1, "steps"),
    }
    plot = LivePlot("Reward, gold and KL, step by step.", height=4.2)
    page = widgets.HTML()
    results: list[tuple[Transformer, list[tuple[RLRecord, float]]]] = []

    def train(job: Job) -> str:
        name, beta, steps = (each.value for each in controls.values())
        reward = rewards[name]()
        policy, history = copy.deepcopy(start), []
        results.append((policy, history))

        try:
            for record, gold in run_grpo(policy, tokenizer, world, reward, beta, steps):
                history.append((record, gold))
                said = (
                    f"Step {record.step} of {steps}: reward {record.reward:.2f}, gold {gold:.2f},"
                    f" KL {record.kl:.1f} nats"
                )
                plot.draw(lambda axes: paint_run(axes, history, name), said)
                job.say(said)
                job.check()
        finally:  # after Stop, too
            compare(policy.eval())
        return f"Done: {name}, beta {beta:.2f}. Read the replies below before you trust a curve."

    def compare(after: Transformer) -> None:
        prompts = short_prompts(world, 5, 3, "test")
        page.value = replies_beside(
            prompts,
            {
                title: roll_out(policy, tokenizer, prompts, MAX_NEW_TOKENS, seed=1).replies
                for title, policy in {"before": start, "after": after}.items()
            },
        )

    worker = Worker(train)
    view = widgets.VBox([*controls.values(), worker.panel, plot.widget, page])
    return Panel(view, controls, worker.line, plot, page, worker, results)


# --- A rubric of your own -------------------------------------------------------------------------


def paint_best_of(axes: Axes, curves: dict[str, np.ndarray], column: int = 1) -> None:
    """Gold (column 1) or points (column 0) of best-of-n over n, for each named curve (ns, 2)."""
    for name, curve in curves.items():
        axes.plot(NS[: len(curve)], curve[:, column], marker="o", label=name)
    axes.set(xscale="log", xlabel="best of n", ylabel="gold" if column else "points")
    axes.set_xticks(NS, [str(n) for n in NS])
    axes.minorticks_off()
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1))  # above, where no curve is


def show_favourites(rows: list[tuple[str, str, float, float, str]], n: int = 4) -> str:
    """HTML table of the first `n` rows of `favourites`. All of it is shown as text."""
    head = ("prompt", "most points", "points", "gold", "what the points do not see")
    return table(
        head,
        [
            (p, reply, f"{points:.1f}", f"{gold:.2f}", fault)
            for p, reply, points, gold, fault in rows[:n]
        ],
    )


def rubric_panel(samples: Samples, world: World, text: str = NAIVE) -> Panel:
    """A text area for a rubric, and at once what best-of-n makes of it and what it did not see.

    `results` holds the rubrics that could be read; a text that cannot be read leaves the picture as
    it was.
    """
    box = wide(widgets.Textarea, text, "", "9em", continuous_update=False)
    plot, line, page = LivePlot("Gold of best-of-n."), widgets.HTML(), widgets.HTML()
    results: list[Rubric] = []

    def show() -> None:
        try:
            rubric = read_rubric(box.value)
        except InklingError as error:
            show_line(line, f"{error} The picture below is still that of your last rubric.")
            return
        results.append(rubric)
        points = samples.points(rubric.reward)
        curve = best_of(points, samples.gold, NS)
        gain = curve[-1, 1] - curve[0, 1]

        def paint(axes: Axes) -> None:
            axes.axhline(BAR, color=COLOURS["grey"], linestyle=":", label="the bar of exercise 6")
            paint_best_of(axes, {"your rubric": curve})
            axes.set_ylim(-1.2, 1.4)  # the same for all rubrics, so that they can be compared

        plot.draw(
            paint,
            f"Gold of best-of-n by your rubric: {curve[0, 1]:.2f} for one reply, {curve[-1, 1]:.2f}"
            " for the best of 64",
        )
        kinds = gold_by_kind(samples, points, world)
        told = "; ".join(
            f"{kind} {before:+.2f} to {after:+.2f}" for kind, (before, after) in kinds.items()
        )
        show_line(
            line,
            f"Best of 64: points from {curve[0, 0]:.2f} to {curve[-1, 0]:.2f}, gold from"
            f" {curve[0, 1]:.2f} to {curve[-1, 1]:.2f} ({gain:+.2f}). Gold by kind of request:"
            f" {told}.",
        )
        page.value = show_favourites(favourites(samples, points, world))

    controls = {"text": box, "score": button("Score", show, primary=True)}
    on_change([box], show)
    view = widgets.VBox([*controls.values(), line, plot.widget, page])
    return Panel(view, controls, line, plot, page, results=results)

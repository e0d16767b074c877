"""The RLHF lab: a dial for the price of KL, runs that can be watched and stopped, and a rubric of
your own.
"""

import copy
import html
from collections.abc import Callable

import ipywidgets as widgets
import numpy as np

from inkling.assistant.grpo import GRPOConfig, train_grpo
from inkling.assistant.overoptimisation import short_prompts, short_prompts_by_step
from inkling.assistant.rollouts import Reward, RLRecord, best_of_n_kl, gold_reward, roll_out
from inkling.files import InklingError
from inkling.labs.background import Job, LivePlot, Worker
from inkling.labs.panel import table
from inkling.labs.rater import replies_beside
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
from inkling.text.tokenizer import Tokenizer
from inkling.world import World

__all__ = [
    "BAR",
    "NAIVE",
    "BetaPanel",
    "RubricPanel",
    "RunPanel",
    "best_of",
    "best_of_n_kl",
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
    "run",
    "show_favourites",
    "tilt",
]
NS = (1, 2, 4, 8, 16, 32, 64)
BETAS = tuple(np.logspace(1.5, -1.5, 25).tolist())
NAIVE = "+1 each thank you\n+1 each gladly\n+1 each good\n-1 over 40 words"


def _say(text: str) -> str:
    return f'<span role="status">{html.escape(text)}</span>'


# --- beta -----------------------------------------------------------------------------------------


def paint_frontier(axes, points: np.ndarray, gold: np.ndarray, beta: float | None = None) -> None:
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


class BetaPanel:
    """A reward, a prompt and a slider for beta; the picture of reward against KL, and the replies
    that it favours.
    """

    def __init__(self, samples: Samples, rewards: dict[str, np.ndarray]):
        self.samples, self.rewards = samples, rewards
        wide = widgets.Layout(width="auto", max_width="34em")
        self.reward = widgets.Dropdown(options=list(rewards), description="reward", layout=wide)
        self.prompt = widgets.Dropdown(
            options=[(text, i) for i, text in enumerate(samples.prompts)],
            description="prompt",
            layout=wide,
        )
        self.beta = widgets.FloatLogSlider(
            1.0,
            base=10,
            min=-1.5,
            max=1.5,
            step=0.1,
            description="beta",
            continuous_update=False,
            layout=wide,
        )
        self.plot, self.table = LivePlot("Reward and gold over KL."), widgets.HTML()
        for control in (self.reward, self.prompt, self.beta):
            control.observe(lambda _: self.show(), names="value")
        self.panel = widgets.VBox(
            [self.reward, self.beta, self.plot.widget, self.prompt, self.table]
        )
        self.show()

    def show(self) -> None:
        """Draw for the settings as they are."""
        points, beta, row = self.rewards[self.reward.value], self.beta.value, self.prompt.value
        ((kl, reward, gold),) = frontier(points, self.samples.gold, [beta])
        said = f"beta {beta:.2f}: KL {kl:.2f} nats, reward {reward:.2f}, gold {gold:.2f}."
        self.plot.draw(lambda axes: paint_frontier(axes, points, self.samples.gold, beta), said)
        weights, share = tilt(points[row], beta), {}
        for reply, weight in zip(self.samples.replies[row], weights, strict=True):
            share[reply] = share.get(reply, 0.0) + float(weight)
        before = {reply: self.samples.replies[row].count(reply) / len(weights) for reply in share}
        top = sorted(share, key=share.get, reverse=True)[:5]
        rows = [(f"{before[reply]:.1%}", f"{share[reply]:.1%}", reply) for reply in top]
        self.table.value = f"<p>{_say(said)}</p>{table(('before', 'at this beta', 'reply'), rows)}"


# --- Runs -----------------------------------------------------------------------------------------


def run(
    policy: Transformer,
    tokenizer: Tokenizer,
    world: World,
    reward: Reward,
    beta: float,
    steps: int,
    on_step: Callable[[RLRecord, float], None] | None = None,
) -> list[tuple[RLRecord, float]]:
    """GRPO for some steps, in place: a record of each batch, and the gold reward of the same
    replies beside it.
    """
    golds, history, gold = [], [], gold_reward(world)

    def watched(prompts, replies):
        golds.append(float(gold(prompts, replies).mean()))
        return reward(prompts, replies)

    def record(step: RLRecord, _) -> None:
        history.append((step, golds[-1]))
        if on_step is not None:
            on_step(*history[-1])

    config = GRPOConfig(
        steps=steps,
        n_prompts=6,
        group_size=8,
        max_new_tokens=MAX_NEW_TOKENS,
        learning_rate=5e-4,
        beta=beta,
    )
    prompts = short_prompts_by_step(world, config.n_prompts, 0)
    train_grpo(policy, tokenizer, prompts, watched, config, on_step=record, progress=False)
    return history


def paint_run(axes, history: list[tuple[RLRecord, float]], label: str = "reward") -> None:
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


class RunPanel:
    """A reward, beta, steps, Start and Stop; the run's picture, and replies before and after.

    rewards: names, each with a function that gives the reward when Start is pressed (so a rubric is
    read then). After a run, also one that was stopped, `policy` holds what it made. The start is
    never changed.
    """

    def __init__(
        self,
        rewards: dict[str, Callable[[], Reward]],
        start: Transformer,
        tokenizer: Tokenizer,
        world: World,
    ):
        self.rewards, self.start, self.tokenizer, self.world = rewards, start, tokenizer, world
        self.policy, self.history = None, []
        self.reward = widgets.Dropdown(options=list(rewards), description="reward")
        self.beta = widgets.FloatSlider(0.0, min=0.0, max=0.5, step=0.02, description="beta")
        self.steps = widgets.IntSlider(10, 1, 30, 1, description="steps")
        self.worker = Worker(self._train)
        self.plot, self.replies = (
            LivePlot("Reward, gold and KL, step by step.", height=4.2),
            widgets.HTML(),
        )
        children = [
            self.reward,
            self.beta,
            self.steps,
            self.worker.panel,
            self.plot.widget,
            self.replies,
        ]
        self.panel = widgets.VBox(children)

    def _train(self, job: Job) -> str:
        name, beta, steps = self.reward.value, self.beta.value, self.steps.value
        reward = self.rewards[name]()
        self.history, self.policy = [], copy.deepcopy(self.start)

        def on_step(record: RLRecord, gold: float) -> None:
            self.history.append((record, gold))
            said = (
                f"Step {record.step} of {steps}: reward {record.reward:.2f}, gold {gold:.2f}, KL"
                f" {record.kl:.1f} nats"
            )
            self.plot.draw(lambda axes: paint_run(axes, self.history, name), said)
            job.say(said)
            job.check()

        try:
            run(self.policy, self.tokenizer, self.world, reward, beta, steps, on_step)
        finally:  # after Stop, too
            self.policy.eval()
            self._compare()
        return f"Done: {name}, beta {beta:.2f}. Read the replies below before you trust a curve."

    def _compare(self) -> None:
        prompts = short_prompts(self.world, 5, 3, "test")
        columns = {
            title: roll_out(policy, self.tokenizer, prompts, MAX_NEW_TOKENS, seed=1).replies
            for title, policy in {"before": self.start, "after": self.policy}.items()
        }
        self.replies.value = replies_beside(prompts, columns)


# --- A rubric of your own -------------------------------------------------------------------------


def paint_best_of(axes, curves: dict[str, np.ndarray], column: int = 1) -> None:
    """Gold (column 1) or points (column 0) of best-of-n over n, for each named curve (ns, 2)."""
    for name, curve in curves.items():
        axes.plot(NS[: len(curve)], curve[:, column], marker="o", label=name)
    axes.set(xscale="log", xlabel="best of n", ylabel="gold" if column else "points")
    axes.set_xticks(NS, NS)
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


class RubricPanel:
    """A text area for a rubric, and at once what best-of-n makes of it and what it did not see.

    `rubric` is the last one that could be read.
    """

    def __init__(self, samples: Samples, world: World, text: str = NAIVE):
        self.samples, self.world = samples, world
        self.rubric: Rubric = read_rubric(text)
        self.text = widgets.Textarea(
            text, continuous_update=False, layout=widgets.Layout(width="auto", height="9em")
        )
        self.button = widgets.Button(description="Score", button_style="primary")
        self.button.on_click(lambda _: self.show())
        self.plot, self.line, self.missed = (
            LivePlot("Gold of best-of-n."),
            widgets.HTML(),
            widgets.HTML(),
        )
        self.text.observe(lambda _: self.show(), names="value")
        self.panel = widgets.VBox(
            [self.text, self.button, self.line, self.plot.widget, self.missed]
        )
        self.show()

    def reward(self) -> Reward:
        """The reward that the text describes now. Raises `InklingError` with the line that cannot
        be read.
        """
        return read_rubric(self.text.value).reward

    def show(self) -> None:
        """Read the text, and show what it would choose; a text that cannot be read leaves the
        picture as it was.
        """
        try:
            self.rubric = read_rubric(self.text.value)
        except InklingError as error:
            self.line.value = _say(f"{error} The picture below is still that of your last rubric.")
            return
        points = self.samples.points(self.rubric.reward)
        curve = best_of(points, self.samples.gold, NS)
        gain = curve[-1, 1] - curve[0, 1]

        def paint(axes) -> None:
            axes.axhline(BAR, color=COLOURS["grey"], linestyle=":", label="the bar of exercise 6")
            paint_best_of(axes, {"your rubric": curve})
            axes.set_ylim(-1.2, 1.4)  # the same for all rubrics, so that they can be compared

        self.plot.draw(
            paint,
            f"Gold of best-of-n by your rubric: {curve[0, 1]:.2f} for one reply, {curve[-1, 1]:.2f}"
            " for the best of 64",
        )
        kinds = gold_by_kind(self.samples, points, self.world)
        told = "; ".join(
            f"{kind} {before:+.2f} to {after:+.2f}" for kind, (before, after) in kinds.items()
        )
        self.line.value = _say(
            f"Best of 64: points from {curve[0, 0]:.2f} to {curve[-1, 0]:.2f}, gold from"
            f" {curve[0, 1]:.2f} to {curve[-1, 1]:.2f} ({gain:+.2f}). Gold by kind of request:"
            f" {told}."
        )
        self.missed.value = show_favourites(favourites(self.samples, points, self.world))

"""The rater lab: a policy that follows your choices, and what becomes of two raters in one
model.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field

import ipywidgets as widgets
import numpy as np
import torch
from matplotlib.axes import Axes

from inkling.assistant.chat import encode_prompt
from inkling.assistant.overoptimisation import short_prompts
from inkling.assistant.rollouts import roll_out
from inkling.assistant.tastes import FEATURES, Comparison, Taste, TasteModel, choices, features
from inkling.files import InklingError
from inkling.labs.background import Job, LivePlot, Worker
from inkling.labs.panel import (
    Panel,
    beside,
    button,
    control,
    on_change,
    replies_beside,
    show_line,
    slider,
)
from inkling.labs.rater_checks import (  # the notebook calls them as lab.check_...
    check_agreement,
    check_confounded,
    check_fairest,
    check_preference_loss,
    check_preference_probability,
    check_update,
)
from inkling.labs.rater_policy import MAX_NEW_TOKENS, FollowConfig, Round, follow
from inkling.labs.rater_ranking import GOAL, Ranking, paint_weights, ranking_panel, show_pair
from inkling.model.transformer import Transformer
from inkling.plots import COLOURS
from inkling.text.tokenizer import Tokenizer
from inkling.world import World
from inkling.world.requests import Prompt

__all__ = [
    "Ranking",
    "check_agreement",
    "check_confounded",
    "check_fairest",
    "check_preference_loss",
    "check_preference_probability",
    "check_update",
    "paint_weights",
    "policy_panel",
    "pooled_agreement",
    "pooling_panel",
    "portrait",
    "ranking_panel",
    "replies_beside",
    "show_pair",
]

#: What fits into the context beside a reply, in tokens, and a first, cheap look at the text, in
#: characters.
_PROMPT_TOKENS, _PROMPT_CHARACTERS = 150, 300


def portrait(prompts: Sequence[Prompt], replies: Sequence[str]) -> dict[str, float]:
    """The mean of each feature over these replies; words in words."""
    means = np.mean(
        [features(prompt, reply) for prompt, reply in zip(prompts, replies, strict=True)], axis=0
    )
    means[0] *= 10
    return dict(zip(FEATURES, means.tolist(), strict=True))


def pooled_agreement(
    one: Taste,
    other: Taste,
    comparisons: Sequence[Comparison],
    fresh: Sequence[Comparison],
    seeds: Sequence[int],
) -> np.ndarray:
    """How well a model of 20 pooled choices pleases both raters, (seeds, 11, 2): for 0, 2, ... 20
    choices by `one`.

    Each seed deals the comparisons anew. Agreement is with what each rater would choose among the
    fresh ones.
    """
    exams = [choices(taste, fresh, len(fresh)) for taste in (one, other)]
    found = np.zeros((len(seeds), 11, 2))
    for row, seed in enumerate(seeds):
        order = np.random.default_rng(seed).permutation(len(comparisons))[:GOAL]
        dealt = [comparisons[i] for i in order]
        for column in range(11):
            n = 2 * column
            pairs = choices(one, dealt[:n], n, seed) + choices(other, dealt[n:], GOAL, seed)
            model = TasteModel.fit(pairs)
            found[row, column] = [model.agreement(exam) for exam in exams]
    return found


@dataclass
class Follower:
    """What one training has made: the reward as learned from the choices, the policy that follows
    it, and its rounds.
    """

    model: TasteModel
    policy: Transformer
    history: list[Round] = field(default_factory=list)


def paint_rounds(axes: Axes, history: Sequence[Round]) -> None:
    """The learned reward, and on an axis of its own the KL from the start, round by round."""
    rounds = [record.number for record in history]
    axes.plot(rounds, [record.reward for record in history], marker="o")
    axes.set(xlabel="round", ylabel="reward")
    other = axes.twinx()
    kl = [record.kl for record in history]
    other.plot(rounds, kl, "--", marker="s", color=COLOURS["orange"])
    other.set_ylabel("KL, nats a reply (dashed)")


def policy_panel(ranking: Ranking, start: Transformer, tokenizer: Tokenizer, world: World) -> Panel:
    """Train and Stop, the run's picture, replies before and after, and a prompt of your own.

    `results` holds a `Follower` for each training, also for one that was stopped. The start is
    never changed.
    """
    rounds = slider(widgets.IntSlider, 6, 1, 12, 1, "rounds")
    plot = LivePlot("Your learned reward, and the KL from the start, round by round.")
    prompt = control(
        widgets.Text, "Where does Ada live?", "prompt", width="24em", continuous_update=False
    )
    page, answer = widgets.HTML(), widgets.HTML()
    results: list[Follower] = []

    def train(job: Job) -> str:
        pairs = list(ranking.pairs)
        if len(pairs) < 5:
            raise InklingError(
                f"You have ranked {len(pairs)} pairs. That says too little of you: rank at least 5"
                " above, better 20."
            )
        config = FollowConfig(rounds=rounds.value)
        made = Follower(TasteModel.fit(pairs), copy.deepcopy(start))
        results.append(made)

        def on_round(record: Round) -> None:
            made.history.append(record)
            plot.draw(
                lambda axes: paint_rounds(axes, made.history),
                f"Round {record.number}: reward {record.reward:.2f}, KL {record.kl:.1f} nats.",
            )
            job.say(
                f"Round {record.number} of {config.rounds}: reward {record.reward:+.2f},"
                f" {record.words:.0f} words"
            )
            job.check()

        try:
            follow(made.policy, tokenizer, world, made.model.reward, config, on_round)
        finally:  # after Stop, too
            made.policy.eval()
            compare()
        return f"Done: {len(pairs)} choices have become a policy. Compare the replies below."

    def write(prompts: list[Prompt]) -> dict[str, list[str]]:
        policies = {"before": start, "after your choices": results[-1].policy}
        return {
            name: roll_out(policy, tokenizer, prompts, MAX_NEW_TOKENS, seed=1).replies
            for name, policy in policies.items()
        }

    def compare() -> None:
        prompts = short_prompts(world, 24, 3, "test")
        written = write(prompts)
        before, after = (portrait(prompts, texts) for texts in written.values())
        lines = "; ".join(
            f"{name} {before[name]:.1f} &rarr; {after[name]:.1f}" for name in FEATURES
        )
        some = replies_beside(prompts[:6], {name: texts[:6] for name, texts in written.items()})
        page.value = (
            f"<p>Prompts that it has not trained on. Mean of each reply: {lines}.</p>{some}"
        )

    def refusal(text: str) -> str:
        """Why a prompt cannot be answered now; nothing where it can."""
        if worker.state == "running":
            return (
                "The policy is in training. Ask again when the line above says that it has ended."
            )
        if not results:
            return "There is only one policy so far. Press Train first, then both can answer."
        if not text:
            return "Write a question first, for example: Where does Ada live?"
        if len(text) > _PROMPT_CHARACTERS or len(encode_prompt(tokenizer, text)) > _PROMPT_TOKENS:
            return (
                f"That is too long for this small context. Keep to {_PROMPT_CHARACTERS} plain"
                " letters."
            )
        return ""

    def ask() -> None:
        text = prompt.value.strip()
        why = refusal(text)
        if why:
            show_line(answer, why)
            return
        with torch.inference_mode():
            answer.value = replies_beside([text], write([text]))

    worker = Worker(train, "Train")
    asking = button("Ask both", ask)
    view = widgets.VBox([rounds, worker.panel, plot.widget, page, beside(prompt, asking), answer])
    controls = {"rounds": rounds, "prompt": prompt, "ask": asking, "answer": answer}
    return Panel(view, controls, worker.line, plot, page, worker, results)


# --- Two raters, one model ------------------------------------------------------------------------


def pooling_panel(
    one: Taste, other: Taste, comparisons: Sequence[Comparison], fresh: Sequence[Comparison]
) -> Panel:
    """A slider that deals twenty choices to two raters, the pooled weights, and how the model
    pleases both.
    """
    label = f"choices by “{one.name}”"
    share = slider(widgets.IntSlider, GOAL // 2, 0, GOAL, 1, label, label_width="initial")
    plot, line = LivePlot("The weights of the pooled model.", height=2.8), widgets.HTML()
    dealt = comparisons[:GOAL]
    order = np.random.default_rng(0).permutation(len(dealt))

    def show() -> None:
        """Fit the pooled choices as the slider deals them, and draw."""
        n = share.value
        mine, yours = [dealt[i] for i in order[:n]], [dealt[i] for i in order[n:]]
        model = TasteModel.fit(choices(one, mine, n) + choices(other, yours, GOAL))
        first, second = (
            model.agreement(choices(taste, fresh, len(fresh))) for taste in (one, other)
        )
        plot.draw(lambda axes: paint_weights(axes, model, "what it thinks “people” like"))
        show_line(
            line,
            f"{n} choices by “{one.name}”, {GOAL - n} by “{other.name}”. On fresh pairs it agrees"
            f" with {first:.0%} of the first rater's choices and with {second:.0%} of the"
            " second's.",
        )

    on_change([share], show)
    return Panel(widgets.VBox([share, line, plot.widget]), {"share": share}, line, plot)

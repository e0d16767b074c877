"""The rater lab: a policy that follows your choices, and what becomes of two raters in one
model.
"""

import copy
import html
from collections.abc import Sequence

import ipywidgets as widgets
import numpy as np
import torch

from inkling.assistant.chat import encode_prompt
from inkling.assistant.overoptimisation import short_prompts
from inkling.assistant.rollouts import roll_out
from inkling.assistant.tastes import FEATURES, Comparison, Taste, TasteModel, choices, features
from inkling.files import InklingError
from inkling.labs.background import Job, LivePlot, Worker
from inkling.labs.panel import table
from inkling.labs.rater_checks import (  # the notebook calls them as lab.check_...
    check_agreement,
    check_confounded,
    check_fairest,
    check_preference_loss,
    check_preference_probability,
    check_update,
)
from inkling.labs.rater_policy import MAX_NEW_TOKENS, FollowConfig, Round, follow
from inkling.labs.rater_ranking import GOAL, Ranking, RankingPanel, paint_weights, show_pair
from inkling.model.transformer import Transformer
from inkling.plots import COLOURS
from inkling.text.tokenizer import Tokenizer
from inkling.world import World

__all__ = [
    "PolicyPanel",
    "PoolingPanel",
    "Ranking",
    "RankingPanel",
    "check_agreement",
    "check_confounded",
    "check_fairest",
    "check_preference_loss",
    "check_preference_probability",
    "check_update",
    "paint_weights",
    "pooled_agreement",
    "portrait",
    "replies_beside",
    "show_pair",
]

#: What fits into the context beside a reply, in tokens, and a first, cheap look at the text, in
#: characters.
_PROMPT_TOKENS, _PROMPT_CHARACTERS = 150, 300


def replies_beside(prompts: Sequence[str], columns: dict[str, Sequence[str]]) -> str:
    """HTML table: a row for each prompt, a column of replies for each policy. All of it is shown as
    text.
    """
    rows = [
        [text or "(nothing)" for text in texts]
        for texts in zip(prompts, *columns.values(), strict=True)
    ]
    return table(("prompt", *columns), rows, even=True)


def portrait(prompts: Sequence[str], replies: Sequence[str]) -> dict[str, float]:
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


class PolicyPanel:
    """Train and Stop, the run's picture, replies before and after, and a prompt of your own.

    After training, `policy` is the follower and `model` the reward that it follows. The start is
    never changed.
    """

    def __init__(self, ranking: Ranking, start: Transformer, tokenizer: Tokenizer, world: World):
        self.ranking, self.start, self.tokenizer, self.world = ranking, start, tokenizer, world
        self.policy, self.model, self.history = None, None, []
        self.rounds = widgets.IntSlider(6, 1, 12, 1, description="rounds")
        self.worker = Worker(self._train, label="Train")
        self.plot = LivePlot("Your learned reward, and the KL from the start, round by round.")
        self.replies = widgets.HTML()
        self.prompt = widgets.Text(
            "Where does Ada live?", description="prompt", continuous_update=False
        )
        self.ask_button = widgets.Button(description="Ask both")
        self.ask_button.on_click(lambda _: self.ask())
        self.answer = widgets.HTML()
        asking = widgets.HBox([self.prompt, self.ask_button])
        children = [
            self.rounds,
            self.worker.panel,
            self.plot.widget,
            self.replies,
            asking,
            self.answer,
        ]
        self.panel = widgets.VBox(children)

    def _train(self, job: Job) -> str:
        pairs = list(self.ranking.pairs)
        if len(pairs) < 5:
            raise InklingError(
                f"You have ranked {len(pairs)} pairs. That says too little of you: rank at least 5"
                " above, better 20."
            )
        config = FollowConfig(rounds=self.rounds.value)
        self.model, self.history, self.policy = TasteModel.fit(pairs), [], copy.deepcopy(self.start)

        def on_round(record: Round) -> None:
            self.history.append(record)
            self.plot.draw(
                self._paint,
                f"Round {record.number}: reward {record.reward:.2f}, KL {record.kl:.1f} nats.",
            )
            words = f"{record.words:.0f} words"
            job.say(
                f"Round {record.number} of {config.rounds}: reward {record.reward:+.2f}, {words}"
            )
            job.check()

        try:
            follow(self.policy, self.tokenizer, self.world, self.model.reward, config, on_round)
        finally:  # after Stop, too
            self.policy.eval()
            self._compare()
        return f"Done: {len(pairs)} choices have become a policy. Compare the replies below."

    def _paint(self, axes) -> None:
        rounds = [record.number for record in self.history]
        axes.plot(
            rounds,
            [record.reward for record in self.history],
            marker="o",
            label="your reward, as learned",
        )
        axes.set(xlabel="round", ylabel="reward")
        other = axes.twinx()
        other.plot(
            rounds,
            [record.kl for record in self.history],
            "--",
            marker="s",
            color=COLOURS["orange"],
        )
        other.set_ylabel("KL, nats a reply (dashed)")

    def _write(self, prompts: list[str]) -> dict[str, list[str]]:
        policies = {"before": self.start, "after your choices": self.policy}
        return {
            name: roll_out(policy, self.tokenizer, prompts, MAX_NEW_TOKENS, seed=1).replies
            for name, policy in policies.items()
        }

    def _compare(self) -> None:
        prompts = short_prompts(self.world, 24, 3, "test")
        columns = self._write(prompts)
        before, after = (portrait(prompts, texts) for texts in columns.values())
        lines = "; ".join(
            f"{name} {before[name]:.1f} &rarr; {after[name]:.1f}" for name in FEATURES
        )
        table = replies_beside(prompts[:6], {name: texts[:6] for name, texts in columns.items()})
        self.replies.value = (
            f"<p>Prompts that it has not trained on. Mean of each reply: {lines}.</p>{table}"
        )

    def ask(self) -> None:
        """What "Ask both" does: the prompt of your own, to both policies."""
        text = self.prompt.value.strip()
        if self.worker.state == "running":
            sentence = (
                "The policy is in training. Ask again when the line above says that it has ended."
            )
        elif self.policy is None:
            sentence = "There is only one policy so far. Press Train first, then both can answer."
        elif not text:
            sentence = "Write a question first, for example: Where does Ada live?"
        elif (
            len(text) > _PROMPT_CHARACTERS
            or len(encode_prompt(self.tokenizer, text)) > _PROMPT_TOKENS
        ):
            sentence = (
                f"That is too long for this small context. Keep to {_PROMPT_CHARACTERS} plain"
                " letters."
            )
        else:
            with torch.inference_mode():
                self.answer.value = replies_beside([text], self._write([text]))
            return
        self.answer.value = f'<span role="status">{html.escape(sentence)}</span>'


# --- Two raters, one model ------------------------------------------------------------------------


class PoolingPanel:
    """A slider that deals twenty choices to two raters, the pooled weights, and how the model
    pleases both.
    """

    def __init__(
        self,
        one: Taste,
        other: Taste,
        comparisons: Sequence[Comparison],
        fresh: Sequence[Comparison],
    ):
        self.one, self.other, self.comparisons, self.fresh = one, other, comparisons, fresh
        layout = widgets.Layout(width="auto", max_width="36em")
        self.slider = widgets.IntSlider(
            GOAL // 2,
            0,
            GOAL,
            1,
            description=f"choices by “{one.name}”",
            continuous_update=False,
            layout=layout,
            style={"description_width": "initial"},
        )
        self.bars, self.line = (
            LivePlot("The weights of the pooled model.", height=2.8),
            widgets.HTML(),
        )
        self.slider.observe(lambda _: self.show(), names="value")
        self.panel = widgets.VBox([self.slider, self.line, self.bars.widget])
        self.show()

    def show(self) -> None:
        """Fit the pooled choices as the slider deals them, and draw."""
        n = self.slider.value
        dealt = self.comparisons[:GOAL]
        order = np.random.default_rng(0).permutation(len(dealt))
        mine, yours = [dealt[i] for i in order[:n]], [dealt[i] for i in order[n:]]
        model = TasteModel.fit(choices(self.one, mine, n) + choices(self.other, yours, GOAL))
        pleased = [
            model.agreement(choices(taste, self.fresh, len(self.fresh)))
            for taste in (self.one, self.other)
        ]
        self.bars.draw(lambda axes: paint_weights(axes, model, "what it thinks “people” like"))
        self.line.value = (
            f'<span role="status">{n} choices by “{html.escape(self.one.name)}”, {GOAL - n} by '
            f"“{html.escape(self.other.name)}”. On fresh pairs it agrees with {pleased[0]:.0%} of"
            " the first rater's "
            f"choices and with {pleased[1]:.0%} of the second's.</span>"
        )

"""The sampling lab by feel: one prompt, the settings, what they do to the next token, and the text
they write.
"""

import html
from dataclasses import dataclass
from functools import cache
from typing import Any

import ipywidgets as widgets
import torch
from matplotlib.axes import Axes

import inkling.checkpoints
from inkling import plots
from inkling.files import InklingError
from inkling.labs.background import Job, LivePlot, Worker
from inkling.labs.panel import Panel, control, on_change, show_line, slider, token_label, wide
from inkling.model.transformer import Transformer
from inkling.text.tokenizer import Tokenizer
from inkling.training.generate import Sampling, stream
from inkling.world import World

ROOM = 16  # tokens that a prompt must leave free in the context


@dataclass(frozen=True)
class StoryWriter:
    """The shipped model, its tokenizer, and the town that its stories are checked against."""

    model: Transformer
    tokenizer: Tokenizer
    world: World

    def ids(self, prompt: str) -> list[int]:
        """The prompt as ids, after the token that opens a document. `InklingError` for one that is
        too long.
        """
        ids = [self.tokenizer.eos_id, *self.tokenizer.encode(prompt)]
        most = self.model.config.context_length - ROOM
        if len(ids) > most:
            raise InklingError(
                f"this prompt has {len(ids):,} tokens, and there is room for {most}: the model"
                f" looks at no more than {self.model.config.context_length}, its own words"
                " included. Leave out the beginning."
            )
        return ids


@cache
def load_writer() -> StoryWriter:
    """The base model that ships with the book."""
    return StoryWriter(*inkling.checkpoints.load("base"), World(0))


def settings_text(sampling: Sampling) -> str:
    """The settings in a few words: what is switched off is left out."""
    parts = [f"T {sampling.temperature:g}"]
    if sampling.top_k is not None:
        parts.append(f"top-k {sampling.top_k}")
    if sampling.top_p is not None:
        parts.append(f"top-p {sampling.top_p:g}")
    if sampling.min_p:
        parts.append(f"min-p {sampling.min_p:g}")
    if sampling.repetition_penalty != 1:
        parts.append(f"penalty {sampling.repetition_penalty:g}")
    return ", ".join(parts)


# --- the next token -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Candidates:
    """The most likely next tokens, their probability in the model, and after the settings; and how
    many are left.
    """

    labels: list[str]
    before: list[float]
    after: list[float]
    kept: int


@torch.inference_mode()
def next_token(writer: StoryWriter, prompt: str, sampling: Sampling, n: int = 10) -> Candidates:
    """What may come after `prompt`, before and after the settings: the `n` tokens that the model
    likes best.
    """
    ids = writer.ids(prompt)
    logits = writer.model(torch.tensor([ids]))[:, -1].float()  # (1, vocab_size)
    seen = torch.zeros_like(logits, dtype=torch.bool)
    seen[0, ids] = True
    reshaped = sampling.reshape(logits, seen)
    if sampling.temperature == 0:  # greedy: the most likely token has it all
        after = torch.zeros_like(logits[0])
        after[reshaped.argmax()] = 1.0
    else:
        after = reshaped.softmax(-1)[0]
    before = logits.softmax(-1)[0]
    top = before.topk(n).indices.tolist()
    labels = [token_label(writer.tokenizer.token_bytes(i)) for i in top]
    return Candidates(labels, before[top].tolist(), after[top].tolist(), int((after > 0).sum()))


def draw_next(axes: Axes, found: Candidates, title: str = "") -> None:
    """Bars on matplotlib `axes`: hollow for the model's own probability, filled for what the
    settings make of it.
    """
    places = range(len(found.labels))
    axes.barh(
        places, found.after, height=0.45, color=plots.COLOURS["blue"], label="after the settings"
    )
    axes.barh(
        places,
        found.before,
        height=0.8,
        fill=False,
        edgecolor=plots.INK,
        linewidth=1.2,
        label="the model's own",
    )
    axes.set_yticks(list(places), found.labels, family="monospace")
    for label in axes.get_yticklabels():
        label.set_parse_math(False)  # a token may be a dollar sign
    axes.invert_yaxis()
    axes.set_xlim(0, max(0.05, 1.05 * max(*found.before, *found.after)))
    axes.set(xlabel="probability of the next token", title=title)
    axes.legend(loc="lower right", fontsize=8)
    axes.grid(axis="y", visible=False)


# --- the panel ------------------------------------------------------------------------------------


def filter_controls(sampling: Sampling | None = None, width: str = "auto") -> dict[str, Any]:
    """A slider for each setting; each stands where `sampling` has it, and at "off" where it has
    none.
    """
    sampling = sampling or Sampling()
    real, whole = widgets.FloatSlider, widgets.IntSlider
    penalty = sampling.repetition_penalty
    sliders = {
        "temperature": (real, sampling.temperature, 0, 3, 0.05, "Temperature"),
        "top_k": (whole, sampling.top_k or 0, 0, 100, 1, "Top-k (0: off)"),
        "top_p": (real, sampling.top_p or 1, 0.05, 1, 0.05, "Top-p (1: off)"),
        "min_p": (real, sampling.min_p or 0, 0, 1, 0.02, "Min-p (0: off)"),
        "repetition_penalty": (real, penalty, 1, 2, 0.05, "Penalty (1: off)"),
    }
    return {name: slider(*settings, width=width) for name, settings in sliders.items()}


def read_sampling(controls: dict[str, Any]) -> Sampling:
    """The settings that the sliders stand at; temperature 1 where there is no slider for it."""
    values = {name: each.value for name, each in controls.items()}
    temperature, top_p = round(values.get("temperature", 1.0), 4), values["top_p"]
    top_k, min_p = values["top_k"] or None, values["min_p"] or None
    return Sampling(
        temperature, top_k, top_p if top_p < 1 else None, min_p, values["repetition_penalty"]
    )


def read_seed(value: int) -> int:
    """A seed that PyTorch takes; `InklingError` for another."""
    if not 0 <= value < 2**32:
        raise InklingError(f"the seed must be a whole number from 0 to {2**32 - 1}; it is {value}.")
    return value


def feel_panel(writer: StoryWriter, prompt: str) -> Panel:
    """A prompt, a slider for each setting, bars of the next token, and a text written on. The last
    three texts stay.
    """
    controls = {
        "prompt": wide(widgets.Textarea, prompt, "Prompt", "4em"),
        **filter_controls(),
        "seed": control(widgets.IntText, 0, "Seed"),
        "length": slider(widgets.IntSlider, 120, 1, 240, 1, "Tokens"),
    }
    plot = LivePlot("Probabilities of the next token.", height=3.2)
    line, page = widgets.HTML(), widgets.HTML()
    results: list[list[str]] = []  # settings, prompt, what was written so far

    def look() -> None:
        prompt = controls["prompt"].value
        try:
            found = next_token(writer, prompt, read_sampling(controls))
        except InklingError as error:
            show_line(line, f"No picture for this: {error}")
            return
        best = max(range(len(found.labels)), key=found.after.__getitem__)
        said = (
            f"{found.kept} of {writer.tokenizer.vocab_size} tokens can come next;"
            f" {found.labels[best]} is the likeliest"
        )
        if prompt.endswith(" "):
            said += (
                ". Your prompt ends in a space, and the model's words begin with theirs: leave"
                " it out"
            )
        show_line(line, said + ".")
        plot.draw(lambda axes: draw_next(axes, found), said)

    def write(job: Job) -> str:
        # All that may be refused comes first: a write that cannot begin takes no earlier text's
        # place.
        sampling, seed = read_sampling(controls), read_seed(controls["seed"].value)
        start, ids = controls["prompt"].value, writer.ids(controls["prompt"].value)
        written: list[int] = []
        results.append([settings_text(sampling), start, ""])
        eos, length = writer.tokenizer.eos_id, controls["length"].value
        settings = {"seed": seed, "stop_ids": eos, **sampling.__dict__}
        for token in stream(writer.model, ids, length, **settings):
            job.check()
            if token == eos:
                show()
                return f"{len(written)} tokens, then the model ended its text."
            written.append(token)
            results[-1][2] = writer.tokenizer.decode(written)
            if len(written) % 4 == 0:
                show()
        show()
        return f"{len(written)} tokens."

    def show() -> None:
        page.value = "".join(
            f'<p style="white-space:pre-wrap"><small>{html.escape(name)}</small><br>'
            f"<i>{html.escape(start)}</i>{html.escape(text)}</p>"
            for name, start, text in reversed(results[-3:])
        )

    worker = Worker(write, "Write")
    view = widgets.VBox([*controls.values(), plot.widget, line, worker.panel, page])
    on_change([each for name, each in controls.items() if name not in ("seed", "length")], look)
    return Panel(view, controls, line, plot, page, worker, results)

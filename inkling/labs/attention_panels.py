"""The attention lab: its panels. Each function makes one and returns it."""

import math
from collections.abc import Iterable
from functools import lru_cache

import ipywidgets as widgets
import torch
import torch.nn.functional as F
from matplotlib.axes import Axes

from inkling import plots
from inkling.labs.attention_heads import Head, Songs, head_maps, losses, songs
from inkling.labs.background import Job, LivePlot, Worker
from inkling.labs.panel import (
    Panel,
    control,
    on_change,
    show_line,
    slider,
    token_label,
    wide,
)
from inkling.model.attention import attention_weights, causal_mask
from inkling.model.transformer import ModelConfig, Transformer
from inkling.text.tokenizer import Tokenizer

_MOST_TOKENS = 40  # more labels than this cannot be read beside a map


def draw_map(axes: Axes, weights: torch.Tensor, labels: list[str], numbers: bool = False) -> None:
    """An attention map (T, T) on `axes`: a row for each token that looks, a column for each that is
    looked at.
    """
    axes.imshow(weights.numpy(), vmin=0.0, vmax=1.0, cmap=plots.SEQUENTIAL)
    size = 10 if len(labels) <= 12 else 7.5 if len(labels) <= 30 else 6.5
    axes.set_xticks(range(len(labels)), labels, rotation=90, fontsize=size, parse_math=False)
    axes.set_yticks(range(len(labels)), labels, fontsize=size, parse_math=False)
    axes.set_ylabel("this token ...")
    axes.set_xlabel("... looks at this one")
    axes.grid(False)
    if numbers:
        for row, column in torch.cartesian_prod(*[torch.arange(len(labels))] * 2).tolist():
            share = float(weights[row, column])
            axes.text(
                column,
                row,
                f"{share:.2f}",
                ha="center",
                va="center",
                color="black" if share > 0.5 else "white",
            )


# --- three tokens by hand -------------------------------------------------------------------------

THREE = ("Ada", "Piet", "Lois")
_KEYS = torch.tensor([[2.0, 0.0], [0.0, 2.0], [1.5, 1.5]])


def three_weights(query: tuple[float, float], divisor: float, masked: bool) -> torch.Tensor:
    """The weights of three tokens, (3, 3). The first two ask for what is like their own key; Lois
    asks with `query`.
    """
    queries = torch.stack([_KEYS[0], _KEYS[1], torch.tensor(query)])
    # attention_weights divides by the root of two, so that much is put back first
    return attention_weights(
        queries * math.sqrt(2) / divisor, _KEYS, causal_mask(3) if masked else None
    )


def three_tokens() -> Panel:
    """Sliders for the last of three tokens' query and for the number that scores are divided by,
    and a mask to lift.
    """
    controls = {
        "first": slider(widgets.FloatSlider, 2.0, -5, 5, 0.5, "Lois asks: first"),
        "second": slider(widgets.FloatSlider, -1.0, -5, 5, 0.5, "Lois asks: second"),
        "divisor": slider(widgets.FloatLogSlider, math.sqrt(2), -1, 1.5, 0.05, "Scores divided by"),
        "mask": widgets.Checkbox(True, description="causal mask", indent=False),
    }
    plot, line = LivePlot("A table of three by three attention weights.", 3.6, 3.4), widgets.HTML()

    def update() -> None:
        query = (controls["first"].value, controls["second"].value)
        weights = three_weights(query, controls["divisor"].value, controls["mask"].value)
        shares = [
            f"{float(share):.0%} of {name}" for share, name in zip(weights[2], THREE, strict=True)
        ]
        text = f"Lois takes {shares[0]}, {shares[1]} and {shares[2]}."
        if not controls["mask"].value:
            text += (
                " Without the mask Ada, who comes first, takes from those who come after her, too."
            )
        show_line(line, text)
        plot.draw(
            lambda axes: draw_map(axes, weights, list(THREE), numbers=True),
            f"Three by three weights. {text}",
        )

    on_change(controls.values(), update)
    return Panel(widgets.VBox([*controls.values(), line, plot.widget]), controls, line, plot)


# --- the maps of the shipped model ----------------------------------------------------------------


def explorer(model: Transformer, tokenizer: Tokenizer, text: str, head: Head = (0, 0)) -> Panel:
    """A text box, a layer, a head: and the map of that head on that text."""
    config = model.config
    controls = {
        "text": wide(widgets.Textarea, text, "Text", "5em", continuous_update=False),
        "layer": control(widgets.Dropdown, head[0], "Layer", options=range(config.n_layers)),
        "head": control(widgets.Dropdown, head[1], "Head", options=range(config.n_heads)),
    }
    plot, line = LivePlot("The attention map of one head.", 4.8, 4.8), widgets.HTML()

    def update() -> None:
        ids = tokenizer.encode(controls["text"].value)
        if not ids:
            show_line(
                line, "There is no text. Type a few words; the last picture stays until then."
            )
            return
        shown = [tokenizer.eos_id, *ids[: _MOST_TOKENS - 1]]
        layer, head = controls["layer"].value, controls["head"].value
        weights = head_maps(model, torch.tensor([shown]))[0, layer, head]  # (T, T)
        n = len(shown)
        rest = f" Of {len(ids)} tokens the first {n - 1} are shown." if len(ids) > n - 1 else ""
        before = weights.diagonal(-1).mean()
        text = f"Layer {layer}, head {head}: {before:.0%} of its weight on the token before, "
        text += f"{weights[1:, 0].mean():.0%} on the start sign.{rest}"
        show_line(line, text)
        labels = ["start", *(token_label(tokenizer.token_bytes(i)) for i in shown[1:])]
        plot.draw(
            lambda axes: draw_map(axes, weights, labels), f"The attention map of one head. {text}"
        )

    on_change(controls.values(), update)
    view = widgets.VBox([*controls.values(), line, plot.widget])
    return Panel(view, controls, line, plot)


# --- heads off ------------------------------------------------------------------------------------


def ablation(model: Transformer, tokenizer: Tokenizer) -> Panel:
    """A box for each head to switch it off, the losses of both lines, and a button that tries each
    head alone.
    """
    config = model.config
    boxes = {
        (layer, head): widgets.Checkbox(
            False, description=f"{layer}.{head}", indent=False, layout={"width": "5em"}
        )
        for layer in range(config.n_layers)
        for head in range(config.n_heads)
    }
    controls = {
        "seed": control(widgets.BoundedIntText, 0, "Songs' seed", min=0, max=10_000),
        "names": slider(widgets.IntSlider, 12, 3, 40, 1, "Names in a line"),
        **{f"{layer}.{head}": box for (layer, head), box in boxes.items()},
    }
    plot = LivePlot("Bars of the loss in the first and the second line.", 4.8, 3.2)
    line = widgets.HTML()

    @lru_cache(maxsize=1)
    def sung(seed: int, n_names: int) -> tuple[Songs, tuple[float, float]]:
        new = songs(tokenizer, seed, n_names)
        return new, losses(model, new)

    def asked() -> tuple[Songs, tuple[float, float]]:
        """The songs that the controls ask for, and the losses of the whole model on them."""
        return sung(controls["seed"].value, controls["names"].value)

    def update() -> None:
        new, whole = asked()
        off = [head for head, box in boxes.items() if box.value]
        cut = losses(model, new, off)
        names = ", ".join(f"{layer}.{head}" for layer, head in off)
        text = (
            f"Off: {names or 'nothing'}. First line {cut[0]:.2f} nats a name, second line"
            f" {cut[1]:.2f}; the whole model has {whole[0]:.2f} and {whole[1]:.2f}."
        )
        show_line(line, text)

        def paint(axes: Axes) -> None:
            axes.bar([0, 1], whole, 0.38, color=plots.COLOURS["grey"], label="whole model")
            axes.bar(
                [0.4, 1.4], cut, 0.38, color=plots.COLOURS["orange"], label="with these heads off"
            )
            axes.set_xticks([0.2, 1.2], ["first line", "second line"])
            axes.set_ylabel("loss, nats a name")
            axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)

        plot.draw(paint, text)

    def sweep(job: Job) -> str:
        new, (_, whole) = asked()  # these songs, whatever the sliders do meanwhile
        costs: dict[Head, float] = {}
        for head in boxes:
            job.check()
            costs[head] = losses(model, new, [head])[1] - whole
            job.say(f"head {len(costs)} of {len(boxes)}")
            plot.draw(
                lambda axes: draw_costs(axes, boxes, costs),
                "The cost of each head alone: "
                + ", ".join(
                    f"{layer}.{number} {cost:.2f}" for (layer, number), cost in costs.items()
                ),
            )
        return "Every head was off once, alone. Tick a box to see the two lines again."

    on_change(controls.values(), update)
    rows = [
        widgets.HBox([boxes[layer, head] for head in range(config.n_heads)])
        for layer in range(config.n_layers)
    ]
    worker = Worker(sweep, "Try each head alone")
    songs_asked = [controls["seed"], controls["names"]]
    switches = [widgets.HTML("Switch off (layer.head):"), *rows]
    view = widgets.VBox([*songs_asked, *switches, line, worker.panel, plot.widget])
    return Panel(view, controls, line, plot, worker=worker)


def draw_costs(axes: Axes, heads: Iterable[Head], costs: dict[Head, float]) -> None:
    """A bar for each head: how much the loss of the second line rises without it. Heads not tried
    yet have none.
    """
    places = {head: place for place, head in enumerate(heads)}
    axes.bar([places[head] for head in costs], list(costs.values()), color=plots.COLOURS["blue"])
    axes.set_xticks(range(len(places)), [f"{layer}.{head}" for layer, head in places], rotation=90)
    axes.set_xlabel("the head that is off (layer.head)")
    axes.set_ylabel("added loss, second line")


# --- a small one, trained while you watch ---------------------------------------------------------


def roll_calls(
    n_rows: int, seed: int, n_names: int = 32, length: int = 32
) -> tuple[torch.Tensor, torch.Tensor]:
    """Crews of 6 to 15 called again and again: ids (n_rows, length), and True where a name can be
    known.
    """
    generator = torch.Generator().manual_seed(seed)
    order = torch.rand(n_rows, n_names, generator=generator).argsort(-1)
    crew = torch.randint(6, 16, (n_rows, 1), generator=generator)
    t = torch.arange(length)
    return order.gather(1, t % crew), t > crew


@torch.no_grad()
def reading(model: Transformer, rows: torch.Tensor, known: torch.Tensor) -> tuple[float, float]:
    """On roll calls: the share of knowable names that the model gets right, and its best head's
    induction score.
    """
    ids, right = rows[:, :-1], model(rows[:, :-1]).argmax(-1) == rows[:, 1:]
    # (B, T, T): an earlier call
    same = (ids[:, :, None] == ids[:, None, :]) & causal_mask(ids.shape[1]).tril(-1)
    after = F.pad(same, (1, 0))[:, :, :-1].float()  # ... and the place after it
    shares = (head_maps(model, ids) * after[:, None, None]).sum(-1)  # (B, n_layers, n_heads, T)
    scores = shares.permute(0, 3, 1, 2)[known[:, 1:]].mean(0)  # (n_layers, n_heads)
    return right[known[:, 1:]].float().mean().item(), scores.max().item()


def training(n_steps: int = 300, every: int = 15) -> Panel:
    """Train a small model on roll calls in the background: its accuracy, and how well its best head
    finds the place.
    """
    controls = {
        "layers": slider(widgets.IntSlider, 2, 1, 3, 1, "Layers"),
        "heads": slider(widgets.IntSlider, 2, 1, 4, 1, "Heads a layer"),
        "seed": control(widgets.BoundedIntText, 0, "Seed", min=0, max=10_000),
    }
    plot = LivePlot("Accuracy and induction score while a small model trains; nothing yet.")
    line = widgets.HTML()
    rows, known = roll_calls(64, seed=1_000_000)
    show_line(line, "Nothing has been trained yet.")

    def work(job: Job) -> str:
        n_layers, n_heads, seed = (each.value for each in controls.values())
        d_model = 60 if n_heads == 3 else 64  # the width must be shared out among the heads
        config = ModelConfig(32, 32, d_model, n_layers, n_heads, n_heads, d_ff=16)
        model, curve = Transformer(config, seed=seed), []
        optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3, weight_decay=0.0)
        for step in range(n_steps + 1):
            job.check()
            if step % every == 0:
                curve.append((step, *reading(model, rows, known)))
                job.say(f"step {step} of {n_steps}")
                text = (
                    f"{n_layers} layers, {n_heads} heads a layer, seed {seed}, step {step}:"
                    f" accuracy {curve[-1][1]:.0%}, best induction score {curve[-1][2]:.0%}."
                )
                show_line(line, text)
                plot.draw(lambda axes: draw_training(axes, curve, n_steps), text)
            ids, _ = roll_calls(32, seed=seed * n_steps + step)
            loss = F.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return "Trained."

    worker = Worker(work, "Train")
    view = widgets.VBox([*controls.values(), worker.panel, line, plot.widget])
    return Panel(view, controls, line, plot, worker=worker)


def draw_training(axes: Axes, curve: list[tuple[int, float, float]], n_steps: int) -> None:
    """Two curves against the training step: accuracy on names that can be known, and the best
    induction score.
    """
    steps, right, scores = zip(*curve, strict=True)
    axes.plot(steps, right, label="right names")
    axes.plot(steps, scores, label="best induction score")
    axes.set(xlim=(0, n_steps), ylim=(-0.02, 1.02), xlabel="training step", ylabel="share")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)

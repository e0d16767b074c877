"""The sampling lab's measures: how coherent and how varied a setting writes, a sweep over it, and a
blind test.
"""

import html
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import ipywidgets as widgets

from inkling import plots
from inkling.files import InklingError
from inkling.labs.background import Job, LivePlot, Worker
from inkling.labs.panel import WorkPanel
from inkling.labs.sampling_feel import Writer, filter_controls, read_sampling, settings_text
from inkling.training.evaluate import complete, story_openings, wilson_interval
from inkling.training.generate import Sampling
from inkling.world.stories import check_story

ROUNDS = 5


@dataclass(frozen=True)
class Measured:
    """What a setting's stories are like.

    coherence: the share that replays without a contradiction; `low` to `high` is where the true
    share probably lies. variety: of all runs of four words, the share of different ones. Each
    opening is continued several times, so a
        setting that always writes the same scores low.
    """

    sampling: Sampling
    coherence: float
    low: float
    high: float
    variety: float
    texts: list[str] = field(repr=False)


def variety_of(texts: Sequence[str], n: int = 4) -> float:
    """Of all runs of `n` words in the texts, the share of different ones (Li et al. 2016); 0 where
    there are none.
    """
    runs = [
        tuple(words[i : i + n])
        for words in map(str.split, texts)
        for i in range(len(words) - n + 1)
    ]
    return len(set(runs)) / len(runs) if runs else 0.0


def measure(
    writer: Writer, sampling: Sampling, n_openings: int = 6, tries: int = 6, seed: int = 0
) -> Measured:
    """Let the model finish `n_openings` stories, `tries` times each, and see how coherent and how
    varied they are.
    """
    openings = story_openings(writer.world, n_openings, seed) * tries
    texts = complete(writer.model, writer.tokenizer, openings, seed=seed, **sampling.__dict__)
    good = sum(check_story(text, writer.world).coherent for text in texts)
    low, high = wilson_interval(good, len(texts))
    # Without the openings: these are the same in every try, whatever the setting.
    own = [text[len(opening) :] for text, opening in zip(texts, openings, strict=True)]
    return Measured(sampling, good / len(texts), low, high, variety_of(own), texts)


def draw_measured(axes, lines: dict[str, Sequence[Measured]]) -> None:
    """Coherence against variety: a line for each named series, a point for each setting with its 95
    % interval.
    """
    looks = zip(("blue", "orange", "green", "purple"), ("-o", "--s", "-.D", ":^"), strict=True)
    for number, ((name, series), (colour, style)) in enumerate(
        zip(lines.items(), looks, strict=False)
    ):
        # so that two lines' labels keep apart
        x_off, ha = (5, "left") if number % 2 else (-5, "right")
        x, y = [m.variety for m in series], [m.coherence for m in series]
        axes.plot(x, y, style, color=plots.COLOURS[colour], lw=1.2, label=name)
        axes.vlines(
            x,
            [m.low for m in series],
            [m.high for m in series],
            color=plots.COLOURS[colour],
            lw=0.8,
        )
        for m in series:
            axes.annotate(
                f"{m.sampling.temperature:g}",
                (m.variety, m.coherence),
                xytext=(x_off, 4),
                ha=ha,
                textcoords="offset points",
                fontsize=8,
            )
    axes.set_xlabel("variety (different runs of four words)"), axes.set_ylabel("coherent stories")
    axes.set_ylim(-0.05, 1.08)
    axes.margins(x=0.1)
    if lines:
        axes.legend(loc="lower left", fontsize=8)


# --- the sweep ------------------------------------------------------------------------------------


def read_temperatures(text: str) -> list[float]:
    """The temperatures that a person typed, such as "0.3 0.7 1"; `InklingError` for what is
    none.
    """
    parts = text.split()
    if not 1 <= len(parts) <= 12:
        raise InklingError(
            "give one to twelve temperatures with spaces between, such as 0.3 0.7 1; found"
            f" {len(parts)}."
        )
    temperatures = []
    for part in parts:
        try:
            number = float(part.replace(",", "."))
        except ValueError:
            raise InklingError(
                f"a temperature is a number, such as 0.7; {part[:20]!r} is none."
            ) from None
        if not 0 <= number <= 100:  # also sorts out what is no number
            raise InklingError(f"a temperature goes from 0 to 100 here; {part[:20]} does not.")
        temperatures.append(number)
    return temperatures


def sweep_panel(writer: Writer) -> WorkPanel:
    """Temperatures, filters, Start and Stop; a point for each setting as it comes. The last four
    sweeps stay.
    """
    text = widgets.Text(
        "0.3 0.6 1 1.3 1.6", description="Temperatures", style={"description_width": "7em"}
    )
    filters = filter_controls()
    del filters["temperature"]
    tries = widgets.IntSlider(6, 2, 20, description="Tries each")
    plot = LivePlot(
        "Coherence against variety, empty until the first setting is measured.", height=3.6
    )

    def work(job: Job) -> str:
        temperatures = read_temperatures(text.value)
        base, n_tries = read_sampling(filters), tries.value
        plain = settings_text(base).removeprefix("T 1")
        series: list[Measured] = []
        panel.results.append((plain.removeprefix(", ") or "temperature alone", series))
        for temperature in temperatures:
            job.check()
            job.say(f"temperature {temperature:g} ...")
            series.append(measure(writer, replace(base, temperature=temperature), tries=n_tries))
            last = series[-1]
            plot.draw(
                lambda axes, lines=dict(panel.results[-4:]): draw_measured(axes, lines),
                f"At temperature {temperature:g}: {last.coherence:.0%} coherent, variety"
                f" {last.variety:.2f}.",
            )
        return (
            "; ".join(
                f"T {m.sampling.temperature:g}: {m.coherence:.0%}, {m.variety:.2f}" for m in series
            )
            + "."
        )

    worker = Worker(work, "Measure")
    view = widgets.VBox([text, *filters.values(), tries, worker.panel, plot.widget])
    panel = WorkPanel(view, worker, plot, {"temperatures": text, **filters, "tries": tries})
    return panel


# --- the blind test -------------------------------------------------------------------------------


def chance_of(picks_a: int, picks_b: int) -> float:
    """How often somebody who only tosses coins comes to a result as lopsided as this one, or more
    so (sign test).
    """
    n = picks_a + picks_b
    tail = sum(math.comb(n, k) for k in range(max(picks_a, picks_b), n + 1)) / 2**n
    return min(1.0, 2 * tail)


@dataclass
class BlindTest:
    """Rounds of two texts, one from each setting, on sides that a coin decides.

    rounds: for each, the opening, the text of A, the text of B, and whether A stands on the left.
    picks: what was chosen so far, "A", "B" or "neither".
    """

    settings: tuple[Sampling, Sampling]
    rounds: list[tuple[str, str, str, bool]]
    picks: list[str] = field(default_factory=list)

    @property
    def over(self) -> bool:
        return len(self.picks) >= len(self.rounds)

    def shown(self) -> tuple[str, str, str]:
        """The opening and the texts on the left and on the right of the round that is on."""
        opening, a, b, a_is_left = self.rounds[len(self.picks)]
        return (opening, a, b) if a_is_left else (opening, b, a)

    def pick(self, side: str) -> None:
        """Choose "left", "right" or "neither"."""
        if self.over:
            raise InklingError(
                "all rounds are done. Press Start for another test, with other stories."
            )
        a_is_left = self.rounds[len(self.picks)][3]
        self.picks.append(
            "neither" if side == "neither" else "A" if (side == "left") == a_is_left else "B"
        )

    def coherent(self, writer: Writer) -> list[tuple[bool, bool]]:
        """For each round, whether the stories of A and of B replay without a contradiction."""
        return [
            (
                check_story(opening + a, writer.world).coherent,
                check_story(opening + b, writer.world).coherent,
            )
            for opening, a, b, _ in self.rounds
        ]

    def verdict(self, writer: Writer, earlier: Sequence["BlindTest"] = ()) -> str:
        """HTML: which setting was which, how often each was picked, how they measure, and whether
        it may be chance.

        The last is for all rounds with these two settings, those of `earlier` tests included.
        """
        rows, good = [], self.coherent(writer)
        for name, sampling, place in zip("AB", self.settings, (1, 2), strict=True):
            texts = [entry[place] for entry in self.rounds]
            coherent = sum(pair[place - 1] for pair in good)
            rows.append(
                f"<tr><td>{name}: {html.escape(settings_text(sampling))}</td>"
                f"<td>{self.picks.count(name)}</td><td>{coherent} of {len(good)}</td>"
                f"<td>{variety_of(texts):.2f}</td></tr>"
            )
        same = [self, *(test for test in earlier if test.settings == self.settings and test.over)]
        a, b = (sum(test.picks.count(name) for test in same) for name in "AB")
        chance = chance_of(a, b)
        said = (
            f"In all your rounds with these two: {a} for A, {b} for B. Tossing a coin each time"
            f" comes to a result as lopsided, or more so, in {chance:.0%} of all tests."
        )
        if chance > 0.05:
            said += (
                " That is too often to call it a preference. Press Start and play on; the rounds"
                " add up."
            )
        head = "<tr><th>Setting</th><th>You picked it</th><th>Coherent</th><th>Variety</th></tr>"
        return f"<table>{head}{''.join(rows)}</table><p>{said}</p>"


def make_blind_test(
    writer: Writer, a: Sampling, b: Sampling, n_rounds: int = ROUNDS, seed: int | None = None
) -> BlindTest:
    """Let both settings continue the same openings. Without a seed each test has other stories and
    other sides.
    """
    chance = random.Random(seed)
    story_seed = chance.randrange(2**31)
    openings = story_openings(writer.world, n_rounds, story_seed)
    texts = [
        complete(writer.model, writer.tokenizer, openings, seed=story_seed, **s.__dict__)
        for s in (a, b)
    ]
    rounds = [
        (opening, one[len(opening) :], two[len(opening) :], chance.random() < 0.5)
        for opening, one, two in zip(openings, *texts, strict=True)
    ]
    return BlindTest((a, b), rounds)


def blind_panel(writer: Writer, a: Sampling, b: Sampling, seed: int | None = None) -> WorkPanel:
    """Two settings, two texts, five rounds, and then what you preferred. Earlier verdicts stay
    below.
    """
    columns = {"A": filter_controls(a), "B": filter_controls(b)}
    page, line, verdicts = widgets.HTML(), widgets.HTML(), widgets.HTML()
    sides = {
        "left": "I like the left one",
        "neither": "No difference",
        "right": "I like the right one",
    }
    buttons = {side: widgets.Button(description=text) for side, text in sides.items()}

    def work(job: Job) -> str:
        settings = [read_sampling(controls) for controls in columns.values()]
        if settings[0] == settings[1]:
            raise InklingError("A and B are the same setting. Move a slider of one of them.")
        panel.results.append(make_blind_test(writer, *settings, seed=seed))
        show()
        return f"{ROUNDS} pairs are written. Choose below."

    def show() -> None:
        test = panel.results[-1]
        line.value = "" if test.over else f"Round {len(test.picks) + 1} of {len(test.rounds)}"
        if test.over:
            verdicts.value = test.verdict(writer, panel.results[:-1]) + verdicts.value
            page.value = "All rounds are done. This is what you chose:"
            return
        opening, left, right = (html.escape(text) for text in test.shown())
        cell = "vertical-align:top;text-align:left;white-space:pre-wrap;width:50%;padding:4px"
        page.value = (
            f'<table><tr><td colspan="2" style="{cell}"><i>{opening}</i></td></tr>'
            f'<tr><td style="{cell}">{left}</td><td style="{cell}">{right}</td></tr></table>'
        )

    def pick(side: str) -> None:
        if worker.state == "running":
            line.value = "Wait until the texts are written."
        elif not panel.results:
            line.value = "There is nothing to choose from yet: press Start first."
        elif panel.results[-1].over:
            line.value = "All rounds are done. Press Start for another test, with other stories."
        else:
            panel.results[-1].pick(side)
            show()

    for side, button in buttons.items():
        button.on_click(lambda _, side=side: pick(side))
    worker = Worker(work, "Start")
    boxes = [
        widgets.VBox([widgets.HTML(f"<b>Setting {name}</b>"), *controls.values()])
        for name, controls in columns.items()
    ]
    row = widgets.Layout(flex_flow="row wrap")
    view = widgets.VBox(
        [
            widgets.HBox(boxes, layout=row),
            worker.panel,
            line,
            page,
            widgets.HBox(list(buttons.values()), layout=row),
            verdicts,
        ]
    )
    controls = {**columns, **buttons, "page": page, "line": line, "verdicts": verdicts}
    panel = WorkPanel(view, worker, None, controls)
    return panel

"""The sampling lab's measures: how coherent and how varied a setting writes, a sweep over it, and a
blind test.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import ipywidgets as widgets
from matplotlib.axes import Axes

from inkling import plots
from inkling.files import InklingError
from inkling.labs.background import Job, LivePlot, Worker
from inkling.labs.panel import (
    Panel,
    beside,
    button,
    columns_beside,
    control,
    read_number,
    show_line,
    side_by_side,
    slider,
    table,
)
from inkling.labs.sampling_feel import StoryWriter, filter_controls, read_sampling, settings_text
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
    writer: StoryWriter, sampling: Sampling, n_openings: int = 6, tries: int = 6, seed: int = 0
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


def draw_measured(axes: Axes, lines: dict[str, Sequence[Measured]]) -> None:
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
    axes.set(xlabel="variety (different runs of four words)", ylabel="coherent stories")
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
        number = read_number(part, "a temperature", "0.7")
        if not 0 <= number <= 100:
            raise InklingError(f"a temperature goes from 0 to 100 here; {part[:20]} does not.")
        temperatures.append(number)
    return temperatures


def temperature_sweep_panel(writer: StoryWriter) -> Panel:
    """Temperatures, filters, Start and Stop; a point for each setting as it comes. The last four
    sweeps stay.
    """
    controls = {
        "temperatures": control(widgets.Text, "0.3 0.6 1 1.3 1.6", "Temperatures"),
        **{name: each for name, each in filter_controls().items() if name != "temperature"},
        "tries": slider(widgets.IntSlider, 6, 2, 20, 1, "Tries each"),
    }
    plot = LivePlot(
        "Coherence against variety, empty until the first setting is measured.", height=3.6
    )
    results: list[tuple[str, list[Measured]]] = []

    def work(job: Job) -> str:
        temperatures = read_temperatures(controls["temperatures"].value)
        base, n_tries = read_sampling(controls), controls["tries"].value
        plain = settings_text(base).removeprefix("T 1")
        series: list[Measured] = []
        results.append((plain.removeprefix(", ") or "temperature alone", series))
        for temperature in temperatures:
            job.check()
            job.say(f"temperature {temperature:g} ...")
            series.append(measure(writer, replace(base, temperature=temperature), tries=n_tries))
            last = series[-1]
            plot.draw(
                lambda axes: draw_measured(axes, dict(results[-4:])),
                f"At temperature {temperature:g}: {last.coherence:.0%} coherent, variety"
                f" {last.variety:.2f}.",
            )
        said = (f"T {m.sampling.temperature:g}: {m.coherence:.0%}, {m.variety:.2f}" for m in series)
        return "; ".join(said) + "."

    worker = Worker(work, "Measure")
    view = widgets.VBox([*controls.values(), worker.panel, plot.widget])
    return Panel(view, controls, worker.line, plot, worker=worker, results=results)


# --- the blind test -------------------------------------------------------------------------------


def sign_test(picks_a: int, picks_b: int) -> float:
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
        """Whether every round has been judged."""
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

    def coherent(self, writer: StoryWriter) -> list[tuple[bool, bool]]:
        """For each round, whether the stories of A and of B replay without a contradiction."""
        return [
            (
                check_story(opening + a, writer.world).coherent,
                check_story(opening + b, writer.world).coherent,
            )
            for opening, a, b, _ in self.rounds
        ]

    def verdict(self, writer: StoryWriter, earlier: Sequence["BlindTest"] = ()) -> str:
        """HTML: which setting was which, how often each was picked, how they measure, and whether
        it may be chance.

        The last is for all rounds with these two settings, those of `earlier` tests included.
        """
        rows, good = [], list(zip(*self.coherent(writer), strict=True))
        texts = ([a for _, a, _, _ in self.rounds], [b for _, _, b, _ in self.rounds])
        for name, sampling, those, fine in zip("AB", self.settings, texts, good, strict=True):
            setting, picked = f"{name}: {settings_text(sampling)}", str(self.picks.count(name))
            coherent = f"{sum(fine)} of {len(fine)}"
            rows.append((setting, picked, coherent, f"{variety_of(those):.2f}"))
        same = [self, *(test for test in earlier if test.settings == self.settings and test.over)]
        a, b = (sum(test.picks.count(name) for test in same) for name in "AB")
        chance = sign_test(a, b)
        said = (
            f"In all your rounds with these two: {a} for A, {b} for B. Tossing a coin each time"
            f" comes to a result as lopsided, or more so, in {chance:.0%} of all tests."
        )
        if chance > 0.05:
            said += (
                " That is too often to call it a preference. Press Start and play on; the rounds"
                " add up."
            )
        return f"{table(('Setting', 'You picked it', 'Coherent', 'Variety'), rows)}<p>{said}</p>"


def make_blind_test(
    writer: StoryWriter, a: Sampling, b: Sampling, n_rounds: int = ROUNDS, seed: int | None = None
) -> BlindTest:
    """Let both settings continue the same openings. Without a seed each test has other stories and
    other sides.
    """
    chance = random.Random(seed)
    story_seed = chance.randrange(2**31)
    openings = story_openings(writer.world, n_rounds, story_seed)
    texts = (
        complete(writer.model, writer.tokenizer, openings, seed=story_seed, **s.__dict__)
        for s in (a, b)
    )
    rounds = [
        (opening, one[len(opening) :], two[len(opening) :], chance.random() < 0.5)
        for opening, one, two in zip(openings, *texts, strict=True)
    ]
    return BlindTest((a, b), rounds)


def blind_panel(writer: StoryWriter, a: Sampling, b: Sampling, seed: int | None = None) -> Panel:
    """Two settings, two texts, five rounds, and then what you preferred. Earlier verdicts stay
    below.
    """
    settings = {"A": filter_controls(a, "23em"), "B": filter_controls(b, "23em")}
    page, line, verdicts = widgets.HTML(), widgets.HTML(), widgets.HTML()
    results: list[BlindTest] = []

    def work(job: Job) -> str:
        one, other = (read_sampling(controls) for controls in settings.values())
        if one == other:
            raise InklingError("A and B are the same setting. Move a slider of one of them.")
        results.append(make_blind_test(writer, one, other, seed=seed))
        show()
        return f"{ROUNDS} pairs are written. Choose below."

    def show() -> None:
        test = results[-1]
        if test.over:
            line.value, page.value = "", "All rounds are done. This is what you chose:"
            verdicts.value = test.verdict(writer, results[:-1]) + verdicts.value
            return
        show_line(line, f"Round {len(test.picks) + 1} of {len(test.rounds)}")
        page.value = side_by_side(*test.shown())

    def pick(side: str) -> None:
        if worker.state == "running":
            show_line(line, "Wait until the texts are written.")
        elif not results:
            show_line(line, "There is nothing to choose from yet: press Start first.")
        elif results[-1].over:
            show_line(
                line, "All rounds are done. Press Start for another test, with other stories."
            )
        else:
            results[-1].pick(side)
            show()

    worker = Worker(work, "Start")
    buttons = {
        "left": button("I like the left one", lambda: pick("left")),
        "neither": button("No difference", lambda: pick("neither")),
        "right": button("I like the right one", lambda: pick("right")),
    }
    view = widgets.VBox(
        [
            columns_beside({f"Setting {name}": each for name, each in settings.items()}),
            worker.panel,
            line,
            page,
            beside(*buttons.values()),
            verdicts,
        ]
    )
    controls = {**settings, **buttons, "verdicts": verdicts}
    return Panel(view, controls, line, page=page, worker=worker, results=results)

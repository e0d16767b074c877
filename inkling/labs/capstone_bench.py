"""The bench on which an island's chain lies, stage by stage, and its report card.

A stage that has not been made yet is named in a sentence, so cells can be run in any order.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any, TypeVar

from matplotlib.axes import Axes

from inkling import plots
from inkling.files import InklingError
from inkling.labs.capstone_chain import (
    Assistant,
    Judged,
    Run,
    by_kind,
    choose_best,
    judged_replies,
    learn_pages,
    make_assistant,
    old_recall,
    share_right,
    shipped_model,
    shipped_tokenizer,
)
from inkling.labs.capstone_island import Island, Pages, found, tokenizer_fit
from inkling.labs.capstone_library import Marks, Shelves, chance_level, says_truth
from inkling.labs.panel import table
from inkling.model.transformer import Transformer
from inkling.reading.shelves import library_questions
from inkling.training import evaluate
from inkling.training.evaluate import wilson_interval
from inkling.world import World
from inkling.world.people import Person

N_NEWCOMERS = 12

Made = TypeVar("Made")


@dataclass
class Bench:
    """What has been made of an island so far; None or empty where it has not been made yet."""

    island: Island | None = None
    pages: Pages | None = None
    fit: list[tuple[str, float, float]] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    assistant: Assistant | None = None
    kept: dict[str, float] = field(default_factory=dict)
    judged: list[Judged] = field(default_factory=list)
    chosen: dict[str, float] = field(default_factory=dict)
    shelves: Shelves | None = None
    marks: dict[str, Marks] = field(default_factory=dict)
    weights_on_newcomers: float | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    def begin(self, island: Island) -> Pages:
        """Pages of the island, cleaned, and how the tokenizers fit them. Everything made before is
        cleared away.
        """
        self.__init__()
        cpu = time.process_time()
        pages = found(island)
        fit = tokenizer_fit(pages, island, shipped_tokenizer())
        # all or, after an interrupt, nothing
        self.island, self.pages, self.fit = island, pages, fit
        self.seconds["pages"] = time.process_time() - cpu
        return self.pages

    def learn(self, name: str, *, fresh: bool = False, **settings: Any) -> Run:
        """Put the pages into weights (`learn_pages`). fresh: from random weights instead of the
        shipped base model.
        """
        pages = needed(self.pages, "pages", "found the island first")
        island = needed(self.island, "island", "found one first")
        start = None if fresh else shipped_model("base")
        run = learn_pages(
            name, pages, island, shipped_tokenizer(), start, into=self.runs, **settings
        )
        self.seconds["weights"] = run.cpu_seconds
        return run

    def assist(self, **settings: Any) -> Assistant:
        """Fine-tune the newest run's model into an assistant, and measure what it says and what it
        still knows.
        """
        runs = needed(self.runs or None, "trained weights", "run the cell that trains first")
        pages = needed(self.pages, "pages", "found the island first")
        island = needed(self.island, "island", "found one first")
        tokenizer = shipped_tokenizer()
        made = make_assistant(runs[-1].model, tokenizer, island, pages, **settings)
        self.seconds["assistant"] = made.cpu_seconds
        new = evaluate.fact_recall(made.model, tokenizer, island)
        old = old_recall(made.model, tokenizer, World(0))
        self.kept = {"asked": new.asked, "told": new.never_asked, "old": share_right(old)}
        self.judged = judged_replies(made, island)
        self.chosen = choose_best(made, island)
        self.assistant = made  # last: whoever sees it finds its marks as well
        return made

    def shelve(self) -> Shelves:
        """Make the library, and let it and the weights sit the same exam."""
        island = needed(self.island, "island", "found one first")
        self.shelves = Shelves(island)
        self.seconds["library"] = self.shelves.cpu_seconds
        told = [person for person in island.people if not person.in_questions]
        newcomers = island.newcomers[:N_NEWCOMERS]
        groups = {"asked": island.asked_about, "told": told, "newcomers": newcomers}
        for name, people in groups.items():
            self.marks[name] = self.shelves.exam(people)
        if self.runs:
            cpu = time.process_time()
            self.weights_on_newcomers = weights_exam(self.runs[-1].model, self.shelves, newcomers)
            cpu = time.process_time() - cpu
            self.seconds["a weights answer"] = cpu / len(self.marks["newcomers"].answers)
            self.seconds["a library answer"] = self.marks["newcomers"].seconds
        return self.shelves


def needed(made: Made | None, what: str, do: str) -> Made:
    """What a stage goes on from; `InklingError` with a sentence where it is not made yet."""
    if made is None:
        raise InklingError(f"There is no {what} yet: {do}. The cells run from the top.")
    return made


def weights_exam(model: Transformer, shelves: Shelves, people: Sequence[Person]) -> float:
    """The same questions as `Shelves.exam`, asked of a model without any passage, in the form of a
    quiz.
    """
    island = shelves.island
    questions = library_questions(island, shelves.library, people)
    prompts = [f"Question: {question.text}\nAnswer:" for question in questions]
    replies = evaluate.answer_questions(model, shelves.rag.tokenizer, prompts)
    rights = [
        says_truth(reply, question, island)
        for question, reply in zip(questions, replies, strict=True)
    ]
    return sum(rights) / len(rights)


# --- Pictures -------------------------------------------------------------------------------------

LINES = {"asked": ("blue", "-", "o"), "told": ("orange", "--", "s"), "old": ("green", "-.", "^")}


def draw_measure(axes: Axes, runs: Sequence[Run], measure: str, title: str) -> None:
    """One measure of several runs against the steps, and chance."""
    for run, (colour, dash, marker) in zip(runs, cycle(LINES.values()), strict=False):
        steps, values = [p.step for p in run.points], [getattr(p, measure) for p in run.points]
        axes.plot(steps, values, dash, marker=marker, color=plots.COLOURS[colour], label=run.name)
    chance = max((run.old_chance if measure == "old" else run.chance for run in runs), default=0.0)
    axes.axhline(chance, color=plots.INK, linestyle=":", linewidth=1)
    axes.set(ylim=(-0.03, 1.05), xlabel="steps", title=title)


def draw_run(axes: Axes, run: Run) -> None:
    """One run on its way: what it knows of the island, and what it still knows of Larkhaven."""
    labels = {"asked": "island, asked about", "told": "island, only told", "old": "Larkhaven"}
    for measure, (colour, dash, marker) in LINES.items():
        steps, shares = [p.step for p in run.points], [getattr(p, measure) for p in run.points]
        axes.plot(
            steps, shares, dash, marker=marker, color=plots.COLOURS[colour], label=labels[measure]
        )
    axes.axhline(run.chance, color=plots.INK, linestyle=":", linewidth=1)
    axes.set(ylim=(-0.03, 1.05), xlabel="steps", ylabel="right answers")
    axes.legend(loc="center right", fontsize=8)


# --- The report card ------------------------------------------------------------------------------


def between(share: float, n: int) -> str:
    """A share and where the true one probably lies (95 %): "0.78 (0.55 to 0.91)"."""
    low, high = wilson_interval(round(share * n), n)
    return f"{share:.2f} ({low:.2f} to {high:.2f})"


def report_rows(bench: Bench) -> list[tuple[str, str, str, str]]:
    """(what, result, compare it with, CPU-seconds) of every stage that there is."""
    rows: list[tuple[str, str, str, str]] = []
    if bench.island is None or bench.pages is None:
        return rows
    island = bench.island
    (_, shipped, per_name), (_, fresh, _) = bench.fit
    rows.append(
        (
            "pages, cleaned",
            f"{len(bench.pages.texts):,}, {bench.pages.n_bytes / 1000:,.0f} kB",
            f"{bench.pages.cleaning.recovered:.0%} of the crawl's documents",
            _s(bench, "pages"),
        )
    )
    rows.append(
        (
            "shipped tokenizer",
            f"{shipped:.2f} bytes a token, {per_name:.1f} tokens a name",
            f"{fresh:.2f} bytes when trained here",
            "",
        )
    )
    n_asked = 6 * len(island.asked_about)
    n_told = 6 * len(island.people) - n_asked
    if bench.runs and bench.runs[-1].points:
        run, now = bench.runs[-1], bench.runs[-1].points[-1]
        chance = f"chance {run.chance:.2f}"
        rows.append(
            (
                f"weights after {now.step} steps: people asked about",
                between(now.asked, n_asked),
                chance,
                _s(bench, "weights"),
            )
        )
        rows.append(("weights: people only told about", between(now.told, n_told), chance, ""))
        rows.append(
            (
                "weights: Larkhaven",
                f"{now.old:.2f}",
                f"{run.points[0].old:.2f} before; chance {run.old_chance:.2f}",
                "",
            )
        )
    if bench.assistant:
        rows.append(
            (
                "assistant: still knows of Larkhaven",
                f"{bench.kept['old']:.2f}",
                "",
                _s(bench, "assistant"),
            )
        )
        rows += [
            (f"assistant: {kind.replace('_', ' ')}", f"{worth:+.2f}", "from -2.10 to 1.25", "")
            for kind, worth in by_kind(bench.judged).items()
        ]
        rows += [
            (f"assistant, {way}", f"{worth:+.2f}", "from -2.10 to 1.25", "")
            for way, worth in bench.chosen.items()
        ]
    if bench.marks:
        names = {
            "asked": "people asked about",
            "told": "people only told about",
            "newcomers": "newcomers",
        }
        for place, (name, marks) in enumerate(bench.marks.items()):
            chance = chance_level(island.newcomers if name == "newcomers" else island.people)
            rows.append(
                (
                    f"library: {names[name]}",
                    between(marks.right, len(marks.answers)),
                    f"the passage was found for {marks.found:.2f}; chance {chance:.2f}",
                    "" if place else _s(bench, "library"),
                )
            )
    if bench.weights_on_newcomers is not None:
        rows.append(
            ("weights: newcomers", f"{bench.weights_on_newcomers:.2f}", "no page tells of them", "")
        )
    return rows


def _s(bench: Bench, stage: str) -> str:
    return f"{bench.seconds[stage]:.1f}" if stage in bench.seconds else ""


def island_report(bench: Bench) -> str:
    """The report card as HTML; a sentence where nothing has been made yet."""
    if bench.island is None or bench.pages is None:
        return "<p>There is no island yet, so there is nothing to report.</p>"
    caption = f"The report card of {bench.island.name}, seed {bench.island.seed}"
    return table(("what", "result", "beside it", "CPU-seconds"), report_rows(bench), caption)


def run_chain(
    bench: Bench,
    island: Island,
    *,
    steps: int,
    replay: float,
    n_demos: int,
    after_step: Callable[[str, int, int, float], None],
    after_stage: Callable[[str], None],
) -> None:
    """All stages, one after the other. `after_step(stage, step, of, loss)`; `after_stage(stage)`
    when one is done.
    """
    bench.begin(island)
    after_stage("pages")
    every = max(1, steps // 6)
    bench.learn(
        "your island",
        steps=steps,
        replay=replay,
        measure_every=every,
        after_step=lambda run, step, loss: after_step("weights", step, steps, loss),
    )
    after_stage("weights")
    bench.shelve()
    after_stage("library")
    bench.assist(
        n_demos=n_demos, after_step=lambda step, loss: after_step("assistant", step, 0, loss)
    )
    after_stage("assistant")

"""The panels of the capstone lab: an island end to end, facts of the reader's own, three
prompts.
"""

import html
from typing import Any

import ipywidgets as widgets

from inkling.files import InklingError
from inkling.labs.background import Job, LivePlot, Worker
from inkling.labs.capstone_bench import Bench, draw_run, island_report, run_chain
from inkling.labs.capstone_chain import read_prompt
from inkling.labs.capstone_island import LARGEST_SEED, Island
from inkling.labs.capstone_library import Shelves, read_facts
from inkling.labs.panel import Panel, control, read_whole, slider, table, wide

STAGES = {"pages": "pages", "weights": "training", "library": "library", "assistant": "fine-tuning"}


def island_panel(bench: Bench) -> Panel:
    """Name, seed and sizes; Start runs the whole chain. A finished island takes the place of the
    one on the bench.
    """
    sounds = [("like the strangers of Larkhaven", "familiar"), ("of sounds of their own", "own")]
    controls: dict[str, Any] = {
        "name": control(widgets.Text, "Skerrow", "Name"),
        "seed": control(widgets.Text, "11", "Seed"),
        "people": slider(widgets.IntSlider, 12, 6, 40, 1, "People"),
        "sounds": control(widgets.Dropdown, "familiar", "Names", options=sounds),
        "steps": slider(widgets.IntSlider, 120, 20, 600, 20, "Steps"),
        "replay": slider(widgets.FloatSlider, 0.25, 0, 0.8, 0.05, "Old pages"),
        "demos": slider(widgets.IntSlider, 900, 100, 3000, 100, "Demonstrations"),
    }
    plot = LivePlot("Right answers against steps, empty until training starts.")
    page = widgets.HTML()
    results: list[Bench] = []

    def work(job: Job) -> str:
        seed = read_whole(controls["seed"].value, "The seed", 0, LARGEST_SEED)
        island = Island(
            controls["name"].value, seed, controls["people"].value, controls["sounds"].value
        )
        made, seen = Bench(), 0
        results.append(made)

        def show() -> None:
            run = made.runs[-1]
            now = run.points[-1]
            plot.draw(
                lambda axes: draw_run(axes, run),
                f"After {now.step} steps the model answers {now.asked:.0%} on the island's people"
                f" whom its pages ask about, {now.told:.0%} on those whom they only tell about, and"
                f" {now.old:.0%} on Larkhaven's.",
            )

        def after_step(stage: str, step: int, of: int, loss: float) -> None:
            nonlocal seen
            job.say(f"{STAGES[stage]}: step {step}{f' of {of}' if of else ''}, loss {loss:.2f}")
            points = len(made.runs[-1].points)
            if points > seen:
                seen = points
                show()
            job.check()

        def after_stage(stage: str) -> None:
            job.say(f"{STAGES[stage]}: done")
            page.value = island_report(made)
            job.check()

        try:
            run_chain(
                made,
                island,
                steps=controls["steps"].value,
                replay=controls["replay"].value,
                n_demos=controls["demos"].value,
                after_step=after_step,
                after_stage=after_stage,
            )
        finally:
            page.value = island_report(made)
        vars(bench).update(vars(made))
        return f"{island.name} is ready: its report card is below, and the next panels talk to it."

    worker = Worker(work, "Start")
    view = widgets.VBox([*controls.values(), worker.panel, plot.widget, page])
    return Panel(view, controls, worker.line, plot, page, worker, results)


OWN_FACTS = "Norvinta lives in Mill Road.\nNorvinta keeps a goat.\nAda's boat is the Blue Heron."


def facts_panel(bench: Bench) -> Panel:
    """A fact a line, and a question: what the library finds, and what the reader makes of it.
    Nothing is trained.
    """
    facts = wide(widgets.Textarea, OWN_FACTS, "Facts", rows=6)
    question = wide(widgets.Text, "Where does Norvinta live?", "Question")
    page = widgets.HTML()
    results: list[tuple[tuple[int, str], Shelves]] = []

    def work(job: Job) -> str:
        own, asked = read_facts(facts.value), read_prompt(question.value)
        island = need_island(bench)
        key = (id(island), facts.value)
        if not results or results[-1][0] != key:
            job.say("Writing the vector of every passage ...")
            results.append((key, Shelves(island, own)))
        job.check()
        shelves = results[-1][1]
        found = shelves.answer(asked)
        rows = [
            (
                "you" if passage.source == "your own facts" else passage.source,
                passage.searchable,
                "cited" if passage is found.cited else "",
            )
            for passage in found.passages
        ]
        reply = html.escape(found.text or "(nothing)")
        page.value = f"<p><b>{reply}</b></p>" + table(("from", "passage that it read", ""), rows)
        if not own:
            return f"There is no fact of yours: the library of {island.name} alone has answered."
        return f"{len(own)} of your facts stand among {len(shelves.passages):,} passages."

    worker = Worker(work, "Ask")
    view = widgets.VBox([facts, question, worker.panel, page])
    controls = {"facts": facts, "question": question}
    return Panel(view, controls, worker.line, page=page, worker=worker, results=results)


def need_island(bench: Bench) -> Island:
    """The island on the bench; `InklingError` with a sentence where there is none."""
    if bench.island is None:
        raise InklingError("There is no island yet: run the cells above, from the top.")
    return bench.island


def ask_both(bench: Bench, prompts: list[str]) -> list[tuple[str, str, str]]:
    """(prompt, what the assistant says from its weights, what the library says) for each prompt."""
    need_island(bench)
    if bench.assistant is None or bench.shelves is None:
        raise InklingError(
            "The assistant or the library is not made yet: run the cells above, from the top."
        )
    return [
        (prompt, bench.assistant.say(prompt), bench.shelves.answer(prompt).text)
        for prompt in map(read_prompt, prompts)
    ]


def prompts_panel(bench: Bench) -> Panel:
    """Three prompts of the reader's; the assistant answers from its weights, and the shipped one
    from the library.
    """
    first = bench.island.people[0].name if bench.island else "Ada"
    texts = (
        f"Where does {first} live?",
        "How can I mend a net?",
        "Tell me something nasty about Ada.",
    )
    controls = {
        f"prompt {n}": wide(widgets.Text, text, f"Prompt {n}") for n, text in enumerate(texts, 1)
    }
    page = widgets.HTML()
    results: list[list[tuple[str, str, str]]] = []

    def work(job: Job) -> str:
        prompts = [box.value for box in controls.values() if box.value and box.value.strip()]
        if not prompts:
            raise InklingError("All three boxes are empty: type a prompt.")
        rows = []
        for prompt in prompts:
            rows += ask_both(bench, [prompt])
            page.value = table(("you", "the assistant, from weights", "from the library"), rows)
            job.check()
        results.append(rows)
        return f"{need_island(bench).name} has answered."

    worker = Worker(work, "Ask")
    view = widgets.VBox([*controls.values(), worker.panel, page])
    return Panel(view, controls, worker.line, page=page, worker=worker, results=results)

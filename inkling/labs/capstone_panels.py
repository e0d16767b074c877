"""The panels of the capstone lab: an island end to end, facts of the reader's own, three
prompts.
"""

import html

import ipywidgets as widgets

from inkling.files import InklingError
from inkling.labs.background import Job, LivePlot, Worker
from inkling.labs.capstone_bench import Bench, draw_run, report_card, run_chain
from inkling.labs.capstone_chain import read_prompt
from inkling.labs.capstone_island import LARGEST_SEED, Island, read_whole
from inkling.labs.capstone_library import Shelves, read_facts
from inkling.labs.panel import WorkPanel, table

_WIDE = {"description_width": "110px"}
STAGES = {"pages": "pages", "weights": "training", "library": "library", "assistant": "fine-tuning"}


def island_panel(bench: Bench) -> WorkPanel:
    """Name, seed and sizes; Start runs the whole chain. A finished island takes the place of the
    one on the bench.
    """
    controls = {
        "name": widgets.Text("Skerrow", description="Name", style=_WIDE),
        "seed": widgets.Text("11", description="Seed", style=_WIDE),
        "people": widgets.IntSlider(12, min=6, max=40, description="People", style=_WIDE),
        "sounds": widgets.Dropdown(
            options=[
                ("like the strangers of Larkhaven", "familiar"),
                ("of sounds of their own", "own"),
            ],
            description="Names",
            style=_WIDE,
            layout=widgets.Layout(width="auto", max_width="26em"),  # room for the longer of the two
        ),
        "steps": widgets.IntSlider(120, min=20, max=600, step=20, description="Steps", style=_WIDE),
        "replay": widgets.FloatSlider(
            0.25, min=0, max=0.8, step=0.05, description="Old pages", style=_WIDE
        ),
        "demos": widgets.IntSlider(
            900, min=100, max=3000, step=100, description="Demonstrations", style=_WIDE
        ),
    }
    plot = LivePlot("Right answers against steps, empty until training starts.")
    report = widgets.HTML()

    def work(job: Job) -> str:
        seed = read_whole(controls["seed"].value, "The seed", 0, LARGEST_SEED)
        island = Island(
            controls["name"].value, seed, controls["people"].value, controls["sounds"].value
        )
        made, seen = Bench(), 0
        panel.results.append(made)

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
            report.value = report_card(made)
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
            report.value = report_card(made)
        vars(bench).update(vars(made))
        return f"{island.name} is ready: its report card is below, and the next panels talk to it."

    worker = Worker(work, "Start")
    view = widgets.VBox([*controls.values(), worker.panel, plot.widget, report])
    panel = WorkPanel(view, worker, plot, controls | {"report": report})
    return panel


OWN_FACTS = "Norvinta lives in Mill Road.\nNorvinta keeps a goat.\nAda's boat is the Blue Heron."


def facts_panel(bench: Bench) -> WorkPanel:
    """A fact a line, and a question: what the library finds, and what the reader makes of it.
    Nothing is trained.
    """
    facts = widgets.Textarea(
        OWN_FACTS, description="Facts", rows=6, layout=widgets.Layout(width="95%")
    )
    question = widgets.Text(
        "Where does Norvinta live?", description="Question", layout=widgets.Layout(width="95%")
    )
    answer = widgets.HTML()

    def work(job: Job) -> str:
        own, asked = read_facts(facts.value), read_prompt(question.value)
        island = need_island(bench)
        key = (id(island), facts.value)
        if not panel.results or panel.results[-1][0] != key:
            job.say("Writing the vector of every passage ...")
            panel.results.append((key, Shelves(island, own)))
        job.check()
        found = panel.results[-1][1].answer(asked)
        rows = [
            (
                "you" if passage.source == "your own facts" else passage.source,
                passage.searchable,
                "cited" if passage is found.cited else "",
            )
            for passage in found.passages
        ]
        reply = html.escape(found.text or "(nothing)")
        answer.value = f"<p><b>{reply}</b></p>" + table(("from", "passage that it read", ""), rows)
        if not own:
            return f"There is no fact of yours: the library of {island.name} alone has answered."
        return (
            f"{len(own)} of your facts stand among {len(panel.results[-1][1].passages):,} passages."
        )

    worker = Worker(work, "Ask")
    view = widgets.VBox([facts, question, worker.panel, answer])
    panel = WorkPanel(view, worker, None, {"facts": facts, "question": question, "answer": answer})
    return panel


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


def prompts_panel(bench: Bench) -> WorkPanel:
    """Three prompts of the reader's; the assistant answers from its weights, and the shipped one
    from the library.
    """
    first = bench.island.people[0].name if bench.island else "Ada"
    texts = (
        f"Where does {first} live?",
        "How can I mend a net?",
        "Tell me something nasty about Ada.",
    )
    boxes = [
        widgets.Text(text, description=f"Prompt {number}", layout=widgets.Layout(width="95%"))
        for number, text in enumerate(texts, 1)
    ]
    answers = widgets.HTML()

    def work(job: Job) -> str:
        prompts = [box.value for box in boxes if box.value.strip()]
        if not prompts:
            raise InklingError("All three boxes are empty: type a prompt.")
        rows = []
        for prompt in prompts:
            rows += ask_both(bench, [prompt])
            answers.value = table(("you", "the assistant, from weights", "from the library"), rows)
            job.check()
        panel.results.append(rows)
        return f"{bench.island.name} has answered."

    worker = Worker(work, "Ask")
    view = widgets.VBox([*boxes, worker.panel, answers])
    panel = WorkPanel(view, worker, None, {"prompts": boxes, "answers": answers})
    return panel

"""The RAG lab: its panels. Each function makes one and returns it."""

import html
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import ipywidgets as widgets
from matplotlib.axes import Axes

from inkling import plots
from inkling.files import InklingError
from inkling.labs.background import Job, LivePlot, Worker
from inkling.labs.panel import Panel, control, on_change, show_line, slider, wide
from inkling.labs.rag_town import (
    SEARCHES,
    TOWN_DEFENCES,
    Outcome,
    Town,
    answer_all,
    attack,
    victims,
)
from inkling.reading.passages import Passage, chunk
from inkling.reading.rag import Answer
from inkling.reading.shelves import LibraryQuestion

_MOST_BYTES = 20_000_000  # of one file: it is read whole before it is cut
_MOST_CHARACTERS = 200_000
_MOST_PASSAGES = 1500
_MOST_FILES = 50
_ENDINGS = (".txt", ".md", ".rst", ".csv", ".py", ".html")
# Light backgrounds for black letters, in either colour scheme; the mark in words stands beside the
# colour.
_PLAIN, _PLANTED, _CITED = "#e8edf2", "#ffd9b3", "#cdeede"


# --- documents of your own ------------------------------------------------------------------------


def read_text(name: str, content: bytes) -> str:
    """The text of a file. Raises `InklingError`, in words for the panel, for one that is empty or
    no text.
    """
    try:
        text = bytes(content).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InklingError(
            f"{name} is no text in UTF-8. Save it as plain text; a PDF or a picture is not read."
        ) from error
    if "\0" in text:
        raise InklingError(f"{name} holds signs that no text has. Save it as plain text, in UTF-8.")
    if not text.strip():
        raise InklingError(f"{name} is empty.")
    return text


def read_texts(path: str) -> tuple[dict[str, str], list[str]]:
    """The texts of a folder, by name, and a remark for each file that is none. Raises
    `InklingError` for no folder.
    """
    try:
        inside = Path(path).expanduser().iterdir()
        files = sorted(
            file for file in inside if file.suffix.lower() in _ENDINGS and file.is_file()
        )
    except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: the home of nobody
        raise InklingError(
            f"{path} is no folder that can be read. Give the path of a folder."
        ) from error
    if not files:
        raise InklingError(f"{path} holds no file that ends in {', '.join(_ENDINGS)}.")
    texts, remarks = {}, []
    if len(files) > _MOST_FILES:
        remarks.append(f"Only the first {_MOST_FILES} of {len(files)} files are read.")
    for file in files[:_MOST_FILES]:
        try:
            if file.stat().st_size > _MOST_BYTES:
                raise InklingError(
                    f"{file.name} is larger than {_MOST_BYTES // 10**6} MB and is left out."
                )
            texts[file.name] = read_text(file.name, file.read_bytes())
        except (OSError, InklingError) as error:
            remarks.append(str(error))
    return texts, remarks


def _count(things: Collection, name: str) -> str:
    return f"{len(things):,} {name}{'' if len(things) == 1 else 's'}"


def cut(texts: dict[str, str], limit: int, overlap: int) -> tuple[list[Passage], list[str]]:
    """All texts cut into passages, and a remark where something was too much."""
    passages, remarks = [], []
    for name, text in texts.items():
        if len(text) > _MOST_CHARACTERS:
            remarks.append(
                f"{name} has {len(text):,} characters; the first {_MOST_CHARACTERS:,} are read."
            )
        passages += chunk(text[:_MOST_CHARACTERS], limit, overlap, id=name, source=name)
    if len(passages) > _MOST_PASSAGES:
        remarks.append(
            f"It makes {len(passages):,} passages; the first {_MOST_PASSAGES:,} are indexed."
        )
    return passages[:_MOST_PASSAGES], remarks


def show_passages(
    passages: Sequence[Passage], cited: Passage | None = None, scores: Sequence[float] = ()
) -> str:
    """HTML: a box for each passage with where it is from. What is planted or cited is marked, in
    words too.
    """
    boxes = []
    for number, passage in enumerate(passages, 1):
        planted, mark = passage.id.startswith("planted"), ""
        colour = _CITED if passage == cited else _PLANTED if planted else _PLAIN
        mark += ", planted" if planted else ""
        mark += ", cited" if passage == cited else ""
        mark += f", score {scores[number - 1]:.3f}" if scores else ""
        where = html.escape(f"[{number}] {passage.source}, {passage.id}{mark}")
        title = f"<b>{html.escape(passage.title)}</b> " if passage.title else ""
        boxes.append(
            '<div style="margin:3px 0;padding:4px'
            f" 8px;border-radius:4px;color:#111;background:{colour};"
            f'white-space:pre-wrap">{title}{html.escape(passage.text)}<br><small>{where}</small></div>'
        )
    return "".join(boxes)


def own_documents(town: Town, text: str, query: str) -> Panel:
    """Documents of your own (a box, files, a folder), how they are cut, and what a search finds in
    them.
    """
    controls = {
        "text": wide(widgets.Textarea, text, "Text", "8em", continuous_update=False),
        "files": widgets.FileUpload(multiple=True, description="Add files"),
        "folder": wide(widgets.Text, "", "Or a folder", continuous_update=False),
        "limit": slider(widgets.IntSlider, 20, 3, 100, 1, "Words a passage"),
        "overlap": slider(widgets.IntSlider, 0, 0, 3, 1, "Sentences twice"),
        "query": wide(widgets.Text, query, "Search for", continuous_update=False),
        "kind": control(widgets.Dropdown, "both", "Search by", options=SEARCHES),
        "k": slider(widgets.IntSlider, 3, 1, 10, 1, "Passages shown"),
    }
    line, page = widgets.HTML(), widgets.HTML()

    def texts() -> tuple[dict[str, str], list[str]]:
        found, remarks = {}, []
        if controls["text"].value.strip():
            found["box"] = controls["text"].value
        for file in controls["files"].value:
            try:
                found[file["name"]] = read_text(file["name"], file["content"])
            except InklingError as error:
                remarks.append(str(error))
        if controls["folder"].value.strip():
            try:
                inside, more = read_texts(controls["folder"].value.strip())
                found.update(inside)
                remarks += more
            except InklingError as error:
                remarks.append(str(error))
        return found, remarks

    def search(found: dict[str, str], passages: list[Passage]) -> tuple[str, str]:
        """A sentence, and the page below it."""
        query = controls["query"].value
        if not passages:
            return "There is no text to search. Type some, add a file, or name a folder.", ""
        if not query.strip():
            return f"{_count(passages, 'passage')}. Type what to search for.", ""
        try:
            retriever = town.retriever(passages, controls["kind"].value)
            hits = retriever.search(query, controls["k"].value)
        except InklingError as error:
            return str(error), ""
        longest = max(len(passage.text.split()) for passage in passages)
        counts = (
            f"{_count(found, 'document')}, {_count(passages, 'passage')}, the longest has"
            f" {longest} words."
        )
        nothing = "" if hits else " Nothing is found: no passage has a word of your search."
        shown = show_passages([hit.passage for hit in hits], scores=[hit.score for hit in hits])
        return counts + nothing, shown

    def update() -> None:
        found, remarks = texts()
        passages, more = cut(found, controls["limit"].value, controls["overlap"].value)
        # where nothing is found the page is empty: an older one would be taken for the answer
        said, page.value = search(found, passages)
        show_line(line, " ".join([*remarks, *more, said]))

    on_change(controls.values(), update)
    return Panel(widgets.VBox([*controls.values(), line, page]), controls, line, page=page)


# --- ask, and plant -------------------------------------------------------------------------------


def planted_notices(text: str, copies: int) -> list[Passage]:
    """What you pin to the board, so many times. White space alone is nothing."""
    return [
        Passage(f"planted {n}", text.strip(), source="notice")
        for n in range(copies if text.strip() else 0)
    ]


def verdict(town: Town, question: LibraryQuestion, answer: Answer) -> str:
    """One sentence on a reply: right, wrong, or silent."""
    truth, said = town.truth(question), town.said(question, answer)
    if said == {truth}:
        return f"That is right: {truth}."
    if not said:
        return f"It gives no value. The truth is {truth}."
    fed = any(
        value in passage.text
        for value in said
        for passage in answer.passages
        if passage.id.startswith("planted")
    )
    return f"It is wrong: the truth is {truth}." + (" It believes your notice." if fed else "")


def ask_panel(town: Town) -> Panel:
    """Ask the shipped reader about newcomers, pin notices of your own to the board, and choose a
    defence.
    """
    by_text = {question.text: question for question in town.questions}
    examples = [question.text for question in town.questions[::11]]
    controls = {
        "examples": wide(widgets.Dropdown, examples[0], "A question", options=examples),
        "question": wide(widgets.Text, examples[0], "Or your own", continuous_update=False),
        "kind": control(widgets.Dropdown, "both", "Search by", options=SEARCHES),
        "k": slider(widgets.IntSlider, 3, 1, 6, 1, "Passages read"),
        "notice": wide(widgets.Textarea, "", "Your notice", "4em", continuous_update=False),
        "copies": slider(widgets.IntSlider, 1, 0, 5, 1, "Copies of it"),
        "defence": control(widgets.Dropdown, "none", "Defence", options=TOWN_DEFENCES),
    }
    line, page = widgets.HTML(), widgets.HTML()

    def answer(asked: str, defence: str) -> tuple[str, str]:
        """A sentence, and the page below it."""
        known = by_text.get(asked)
        if defence == "agreement" and known is None:
            return (
                "Whether passages agree can be told only for the questions in the list. Choose one"
                " of them."
            ), ""
        planted = planted_notices(controls["notice"].value, controls["copies"].value)
        question = known or LibraryQuestion(asked, None, frozenset())
        kind, k = controls["kind"].value, controls["k"].value
        try:
            (found,) = answer_all(town, [question], planted, defence, kind, k)
        except InklingError as error:
            return str(error), ""
        end = verdict(town, known, found) if known else "Nobody here knows the truth about that."
        source = " It cites nothing." if found.cited is None else f" It cites {found.cited.id}."
        said = f"{found.text or 'It says nothing.'}{source} {end}"
        return said, show_passages(found.passages, found.cited)

    def update() -> None:
        said, page.value = answer(controls["question"].value.strip(), controls["defence"].value)
        show_line(line, said)

    def take_example(_: object) -> None:
        controls["question"].value = controls["examples"].value

    controls["examples"].observe(take_example, names="value")
    on_change([each for name, each in controls.items() if name != "examples"], update)
    return Panel(widgets.VBox([*controls.values(), line, page]), controls, line, page=page)


# --- how many notices does it take? ---------------------------------------------------------------


def sweep(town: Town, most: int = 4) -> Panel:
    """Plant more and more notices on each question, in the background, under the defence that is
    chosen.

    A curve stays until the same defence is tried again, so that defences can be compared.
    """
    controls = {
        "defence": control(widgets.Dropdown, "none", "Defence", options=TOWN_DEFENCES),
        "k": slider(widgets.IntSlider, 3, 1, 6, 1, "Passages read"),
        "questions": slider(widgets.IntSlider, 20, 5, 60, 5, "Questions"),
        "seed": control(widgets.BoundedIntText, 0, "Seed", min=0, max=10_000),
    }
    plot = LivePlot("Shares fooled and right against the number of planted notices; nothing yet.")
    line = widgets.HTML()
    curves: dict[str, list[tuple[int, Outcome]]] = {}
    show_line(line, "Nothing has been tried yet.")

    def work(job: Job) -> str:
        defence, k = controls["defence"].value, controls["k"].value
        asked = victims(town, controls["seed"].value, controls["questions"].value)
        curve = curves[defence] = []
        for n_notices in range(most + 1):
            job.check()
            job.say(f"{n_notices} notices on each question")
            curve.append((n_notices, attack(town, asked, n_notices, defence, k=k)))
            last = curve[-1][1]
            text = (
                f"{defence}, {n_notices} notices on each of {len(asked)} questions:"
                f" {last.fooled:.0%} fooled, {last.right:.0%} right, {last.neither:.0%} neither."
            )
            show_line(line, text)
            plot.draw(lambda axes: draw_curves(axes, curves, most), text)
        return "Now choose another defence, and press again: the curves stay."

    worker = Worker(work, "Attack")
    view = widgets.VBox([*controls.values(), worker.panel, line, plot.widget])
    return Panel(view, controls, line, plot, worker=worker)


def draw_curves(axes: Axes, curves: dict[str, list[tuple[int, Outcome]]], most: int) -> None:
    """Share fooled (full lines) and right (dotted) against the number of notices; a colour for each
    defence.
    """
    for defence, colour in zip(TOWN_DEFENCES, ("red", "blue", "purple"), strict=True):
        points = curves.get(defence, [])
        if points:
            steps = [n for n, _ in points]
            look: dict[str, Any] = {"color": plots.COLOURS[colour], "marker": "o"}
            axes.plot(
                steps, [o.fooled for _, o in points], ls="-", label=f"{defence}: fooled", **look
            )
            axes.plot(
                steps, [o.right for _, o in points], ls=":", label=f"{defence}: right", **look
            )
    axes.set(
        xlim=(-0.2, most + 0.2),
        ylim=(-0.03, 1.03),
        xlabel="false notices on each question",
        ylabel="share",
    )
    axes.set_xticks(range(most + 1))
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)

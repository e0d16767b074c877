"""From a name or a file to a list of documents; and from a raw crawl to clean text,
with every step measured.

`load_corpus` reads text, JSONL and Parquet files and Hugging Face data sets. `clean`
runs the steps of `cleaning` and `duplicates` over a crawl of Larkhaven
(`world.junk.crawl`). The truth about each page is known there, so it also says how many
of the touched pages needed it (precision) and how many of those that needed it were
touched (recall).
"""

import contextlib
import difflib
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from inkling.files import InklingError
from inkling.settings import several
from inkling.text.cleaning import (
    drop_exam_questions,
    drop_low_quality,
    drop_rude,
    fix_encoding,
    keep_english,
    remove_secrets,
    strip_markup,
)
from inkling.text.duplicates import drop_exact_duplicates, drop_near_duplicates
from inkling.text.readers import hub_rows, json_rows, parquet_rows, text_rows
from inkling.world import World
from inkling.world.junk import Page, crawl

__all__ = [
    "CleaningReport",
    "Page",
    "StepReport",
    "clean",
    "crawl",
    "exam_prompts",
    "load_corpus",
    "prepare",
    "steps",
]

_TEXT, _JSON, _PARQUET = {".txt", ".md", ".text"}, {".jsonl", ".json"}, {".parquet"}
_KNOWN = _TEXT | _JSON | _PARQUET


def load_corpus(
    name_or_path: str | os.PathLike,
    *,
    column: str | None = None,
    split: str = "train",
    limit: int | None = None,
    separator: str = "<|endoftext|>",
) -> list[str]:
    """The documents of a corpus.

    name_or_path: "larkhaven"; a text file (.txt, .md), cut at each `separator`, or one
    document if it has none; a .jsonl or .parquet file; or a data set of the Hugging
    Face hub, such as "roneneldan/TinyStories" (needs a network). column: which field
    holds the text; by default "text". split: of a hub data set. limit: at most so many
    documents (of "larkhaven", 5,000 by default). Documents of white space alone are
    left out.

    Raises InklingError if the file is missing, damaged, not UTF-8 or without text, a
    row's text is no text, or the name cannot be fetched.
    """
    if limit is not None and (type(limit) is not int or limit < 1):
        raise InklingError(
            f"limit is {limit!r}; expected a whole number, at least 1 document, or None"
            " for all of them."
        )
    if not (isinstance(separator, str) and separator):
        raise InklingError(
            f"separator is {separator!r}; expected the text that stands between two"
            ' documents, such as "\\n\\n".'
        )
    if str(name_or_path) == "larkhaven":
        world = World(0)
        return [world.document(i).text for i in range(limit or 5000)]
    documents = []
    rows = _rows(name_or_path, column, split, separator)
    try:
        for row in rows:
            if row.strip():
                documents.append(row.strip("\n"))
            if len(documents) == limit:
                break
    except OSError as error:
        raise InklingError(
            f"{name_or_path} cannot be read: {error.strerror or error}. Check the file"
            " and who may read it."
        ) from error
    if not documents:
        raise InklingError(
            f"{name_or_path} holds no text. Expected at least one document; look into"
            " the file."
        )
    return documents


def _rows(
    name_or_path: str | os.PathLike, column: str | None, split: str, separator: str
) -> Iterable[str]:
    """The raw documents, by whatever reads this kind of file or name."""
    path = _as_path(name_or_path)
    kind = path.suffix.lower()
    if path.is_dir():
        raise InklingError(
            f"{path} is a folder; expected a file. Call load_corpus for each file and"
            " join the lists."
        )
    if path.is_file():
        if kind in _TEXT:
            return text_rows(path, separator)
        if kind in _JSON:
            return json_rows(path, column)
        if kind in _PARQUET:
            return parquet_rows(path, column)
        raise InklingError(
            f"{path}: cannot tell what kind of file this is; expected a name that ends"
            f" in {' '.join(sorted(_KNOWN))}."
        )
    if kind in _KNOWN or str(name_or_path).count("/") != 1 or path.parent.is_dir():
        raise InklingError(f"{path} does not exist. {_near_matches(path)}")
    return hub_rows(str(name_or_path), column, split)


def _as_path(name_or_path: str | os.PathLike) -> Path:
    """The path, if it can be one: a text in its place is too long for a name."""
    try:
        path = Path(name_or_path)
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            os.stat(path)
    except (OSError, TypeError, ValueError) as error:
        shown = repr(name_or_path)
        shown = shown if len(shown) <= 80 else f"{shown[:80]}..."
        raise InklingError(
            f"{shown} cannot be opened: {getattr(error, 'strerror', '') or error}."
            " Expected the name of a file or a data set. A text itself needs no"
            " loading: put it into a list."
        ) from error
    return path


def _near_matches(path: Path) -> str:
    folder = path.parent
    while not folder.is_dir():
        folder = folder.parent
    if folder != path.parent:
        return f"The folder {path.parent} does not exist either; {folder} does."
    try:
        names = sorted(entry.name for entry in folder.iterdir())
    except OSError:
        return f"Nobody may look into {folder.resolve()}."
    close = difflib.get_close_matches(path.name, names, n=3)
    if close:
        return f"Did you mean {' or '.join(close)}?"
    return f"In {folder.resolve()} there is: {', '.join(names[:8]) or 'nothing'}."


# --- Cleaning, measured ---------------------------------------------------------------


@dataclass(frozen=True)
class StepReport:
    """What one step did.

    precision: of the pages that it touched, the share that needed it. recall: of the
    pages that needed it, the share that it touched. (None where there were none.)
    examples, mistakes: texts (before, after); after is None where the page was dropped.
    seconds: of one core.
    """

    name: str
    pages_before: int
    pages_after: int
    bytes_before: int
    bytes_after: int
    mended: int
    precision: float | None
    recall: float | None
    seconds: float
    examples: list[tuple[str, str | None]] = field(repr=False)
    mistakes: list[tuple[str, str | None]] = field(repr=False)


@dataclass(frozen=True)
class CleaningReport:
    """All steps, and the end result.

    exact: the share of kept pages whose text is a clean document, letter for letter.
    recovered: the share of the crawl's documents that were kept so.
    """

    steps: list[StepReport]
    exact: float
    recovered: float

    def __str__(self) -> str:
        def share(x: float | None) -> str:
            return f"{x:.3f}" if x is not None else "-"

        lines = [
            f"{'step':22}{'mended':>7}{'dropped':>8}{'pages':>7}{'MB':>6}  precision "
            " recall  time"
        ]
        total = sum(s.seconds for s in self.steps) or 1.0
        for s in self.steps:
            dropped = s.pages_before - s.pages_after
            lines.append(
                f"{s.name:22}{s.mended:7,}{dropped:8,}{s.pages_after:7,}"
                f"{s.bytes_after / 1e6:6.2f}"
                f"{share(s.precision):>11}{share(s.recall):>8}{s.seconds / total:6.0%}"
            )
        lines.append(
            f"{self.exact:.1%} of the kept pages are a clean document, letter for"
            f" letter; {self.recovered:.1%} of the crawl's documents were recovered so."
        )
        return "\n".join(lines)


def _measure(
    name: str, before: list[Page], after: list[Page], targets: set[str], seconds: float
) -> StepReport:
    """Compare a step's pages with the truth. Dropping is right for a page without a
    document, or whose document stands on an earlier page; mending is right for a page
    with one of the labels in `targets`.
    """
    now = {page.url: page for page in after}
    seen, touched, right, wanted, mended = set(), [], [], 0, 0
    for page in before:
        kept = now.get(page.url)
        is_target = not targets.isdisjoint(page.labels)
        is_copy = page.document is not None and page.document.text in seen
        if page.document is not None:
            seen.add(page.document.text)
        wanted += is_target
        if kept is None or kept.text != page.text:
            mended += kept is not None
            touched.append((page.text, kept and kept.text, is_target))
            right.append(
                is_target or (kept is None and (page.document is None or is_copy))
            )
    return StepReport(
        name,
        len(before),
        len(after),
        _bytes(before),
        _bytes(after),
        mended,
        precision=sum(right) / len(right) if right else None,
        recall=sum(is_target for *_, is_target in touched) / wanted if wanted else None,
        seconds=seconds,
        examples=[t[:2] for t, good in zip(touched, right, strict=True) if good][:20],
        mistakes=[t[:2] for t, good in zip(touched, right, strict=True) if not good][
            :20
        ],
    )


def _bytes(pages: list[Page]) -> int:
    return sum(len(page.text.encode("utf-8", "surrogatepass")) for page in pages)


def exam_prompts(world: World) -> list[str]:
    """The bare questions of the exam's protected half: those about people whom no
    training text asks about.
    """
    return [
        q.prompt.split(": ", 1)[1].split("\n")[0]
        for q in world.exam()
        if not q.asked_in_training
    ]


def steps(
    questions: Iterable[str],
) -> list[tuple[str, Callable[[list[Page]], list[Page]], set[str]]]:
    """The cleaning steps in order: name, function, and the labels of the pages that it
    is for.
    """
    several(questions, "questions")
    return [
        ("strip markup", strip_markup, {"markup"}),
        ("fix encoding", fix_encoding, {"mojibake"}),
        ("remove secrets", remove_secrets, {"secret"}),
        ("drop exact duplicates", drop_exact_duplicates, {"duplicate"}),
        ("keep English", keep_english, {"foreign"}),
        ("drop low quality", drop_low_quality, {"spam", "gibberish"}),
        ("drop rude pages", drop_rude, {"rude"}),
        ("drop near-duplicates", drop_near_duplicates, {"near-duplicate", "duplicate"}),
        (
            "drop exam questions",
            partial(drop_exam_questions, questions=list(questions)),
            {"leak"},
        ),
    ]


def clean(
    pages: list[Page], questions: Iterable[str] = ()
) -> tuple[list[Page], CleaningReport]:
    """All steps, one after the other: the cleaned pages, and what each step did.
    `questions`: the exam to protect.
    """
    reports, documents = (
        [],
        {page.document.text for page in pages if page.document is not None},
    )
    for name, step, targets in steps(questions):
        start = time.process_time()
        cleaned = step(pages)
        reports.append(
            _measure(name, pages, cleaned, targets, time.process_time() - start)
        )
        pages = cleaned
    exact = [
        page.text
        for page in pages
        if page.document is not None and page.text == page.document.text
    ]
    return pages, CleaningReport(
        reports,
        len(exact) / max(1, len(pages)),
        len(set(exact)) / max(1, len(documents)),
    )


def prepare(
    world: World, n_bytes: int, seed: int = 0
) -> tuple[list[str], CleaningReport]:
    """Crawl `n_bytes` of pages and clean them: the texts to train on (about half of the
    bytes), and the report.
    """
    pages, report = clean(crawl(world, n_bytes, seed), exam_prompts(world))
    return [page.text for page in pages], report

"""From a name or a file to a list of documents; and from a raw crawl to clean text,
with every step measured.

`load_corpus` reads text, JSONL and Parquet files and Hugging Face data sets. `clean`
runs the steps of `cleaning` and `duplicates` over a crawl of Larkhaven
(`world.junk.crawl`). The truth about each page is known there, so it also says how many
of the touched pages needed it (precision) and how many of those that needed it were
touched (recall).
"""

import difflib
import json
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from inkling.files import InklingError
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

    Raises InklingError if the file is missing, damaged, not UTF-8 or without text, or
    the name cannot be fetched.
    """
    if limit is not None and limit < 1:
        raise InklingError(
            f"limit is {limit}; expected at least 1 document, or None for all of them."
        )
    path = Path(name_or_path)
    kind = path.suffix.lower()
    if str(name_or_path) == "larkhaven":
        world = World(0)
        return [world.document(i).text for i in range(limit or 5000)]
    if path.is_dir():
        raise InklingError(
            f"{path} is a folder; expected a file. Call load_corpus for each file and"
            " join the lists."
        )
    if path.is_file():
        if kind in _TEXT:
            rows = _read_text(path).split(separator)
        elif kind in _JSON | _PARQUET:
            rows = _rows(
                "parquet" if kind in _PARQUET else "json", path, column, "train"
            )
        else:
            known = " ".join(sorted(_TEXT | _JSON | _PARQUET))
            raise InklingError(
                f"{path}: cannot tell what kind of file this is; expected a name that"
                f" ends in {known}."
            )
    elif (
        kind in _TEXT | _JSON | _PARQUET
        or str(name_or_path).count("/") != 1
        or path.parent.is_dir()
    ):
        raise InklingError(f"{path} does not exist. {_near_matches(path)}")
    else:
        rows = _rows(str(name_or_path), None, column, split)
    documents = []
    for row in rows:
        if row.strip():
            documents.append(row.strip("\n"))
        if len(documents) == limit:
            break
    if not documents:
        raise InklingError(
            f"{name_or_path} holds no text. Expected at least one document; look into"
            " the file."
        )
    return documents


def _near_matches(path: Path) -> str:
    folder = path.parent
    while not folder.is_dir():
        folder = folder.parent
    if folder != path.parent:
        return f"The folder {path.parent} does not exist either; {folder} does."
    names = sorted(entry.name for entry in folder.iterdir())
    close = difflib.get_close_matches(path.name, names, n=3)
    if close:
        return f"Did you mean {' or '.join(close)}?"
    return f"In {folder.resolve()} there is: {', '.join(names[:8]) or 'nothing'}."


def _read_text(path: Path) -> str:
    data = path.read_bytes()
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise _not_utf8(path, data, error.start) from error


def _not_utf8(path: Path, data: bytes, offset: int) -> InklingError:
    line = data.count(b"\n", 0, offset) + 1
    return InklingError(
        f"{path} is not UTF-8: byte 0x{data[offset]:02x} at offset {offset} (line"
        f" {line}) cannot be read. If you know its encoding, convert it, as in: iconv"
        f" -f WINDOWS-1252 -t UTF-8 {path.name} > utf8{path.suffix}"
    )


def _rows(
    source: str, path: Path | None, column: str | None, split: str
) -> Iterable[str]:
    """The text column of a data set, row by row; `datasets` streams it, so that a limit
    saves time and disk.
    """
    import datasets  # takes seconds to import, and only these corpora need it

    where = path or source
    try:
        files = None if path is None else str(path)
        rows = datasets.load_dataset(
            source, data_files=files, split=split, streaming=True
        )
        column = column or "text"
        for number, row in enumerate(rows, start=1):
            there = ", ".join(map(repr, row))
            if column not in row:
                raise InklingError(
                    f"{where} has no column {column!r}. Name one, column=..., out of"
                    f" {there}."
                )
            if not isinstance(row[column], str):
                raise InklingError(
                    f"{where}, row {number}: {column!r} is {row[column]!r}, not text."
                    f" There is {there}."
                )
            yield row[column]
    except InklingError:
        raise
    except StopIteration:
        raise InklingError(
            f"{where} is empty. Expected at least one document."
        ) from None
    except Exception as error:  # many kinds, of several libraries
        raise _why_unreadable(source, path, split, error) from error


def _why_unreadable(
    source: str, path: Path | None, split: str, error: Exception
) -> InklingError:
    if path is None:
        if isinstance(error, ConnectionError):
            return InklingError(
                f"could not fetch the data set {source!r}: the Hugging Face hub cannot"
                f" be reached ({error}). Check the network, or name a file on this"
                ' machine, or use load_corpus("larkhaven"), which needs neither.'
            )
        return InklingError(
            f"could not open split {split!r} of {source!r}: {error}. Check both names"
            " on the hub."
        )
    if path.suffix.lower() in _JSON:
        data = path.read_bytes()
        for number, line in enumerate(data.splitlines(), start=1):
            try:
                json.loads(line.decode("utf-8"))
            except UnicodeDecodeError as bad:
                return _not_utf8(
                    path,
                    data,
                    sum(map(len, data.splitlines(keepends=True)[: number - 1]))
                    + bad.start,
                )
            except json.JSONDecodeError as bad:
                return InklingError(
                    f"{path}, line {number}: not a JSON object ({bad.msg}, column"
                    f" {bad.colno}). Expected one object a line; if this is the last"
                    " line, the file was cut off: fetch it again, or delete the line."
                )
    return InklingError(
        f"{path} cannot be read: {error}. It may have been cut off on the way: fetch it"
        " again."
    )


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
    return sum(len(page.text.encode("utf-8")) for page in pages)


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

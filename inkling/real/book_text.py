"""The book's own text, cut where its headings are: what a search over the book
searches.

    >>> text = "# Boats\\n\\nThey float.\\n\\n## Why *they* do\\n\\nArchimedes.\\n"
    >>> for part in sections_of(text, "boats"):
    ...     print((part.key, part.title, part.text))
    ('boats#boats', 'Boats', 'They float.')
    ('boats#why-they-do', 'Boats > Why they do', 'Archimedes.')

Pages are MyST Markdown: files of it, or notebooks, of which only the text cells are
read. The anchors are those that Sphinx gives to headings, exercises and glossary terms,
so a section's link opens it on the website.
"""

import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from inkling.files import InklingError
from inkling.real.myst_text import (
    block_text,
    blocks_of,
    directive_of,
    glossary_terms,
    inline_text,
    plain,
)

#: Not searched: pages that announce answers and give none, a list of other people's
#: titles, and the chapter that does the asking, which would find its own questions.
LEFT_OUT = ("index", "*/index", "bibliography", "*/book_search")


@dataclass(frozen=True)
class Section:
    """A heading (an exercise, a glossary term) and the plain text below it, up to the
    next one.

    page: the file's path in the folder `book`, without its ending. anchor: its place on
    the page. title: the headings that lead to it, joined by " > ". text: without
    markup, code, pictures and citations; empty where another heading follows at once.
    """

    page: str
    anchor: str
    title: str
    text: str

    @property
    def key(self) -> str:
        """Its name in a list of right answers: "sft#the-template". A page's name is
        enough: it stands in one part only.
        """
        return f"{self.page.rpartition('/')[2]}#{self.anchor}"

    @property
    def link(self) -> str:
        """Its address on the website, seen from a chapter:
        "../assistant/sft.html#the-template".
        """
        return f"../{self.page}.html#{self.anchor}"


def book_folder(start: Path | None = None) -> Path:
    """The folder that holds the book: `_toc.yml` and `book/`.

    It is looked for beside the package, then in the working directory and the folders
    above it. Raises `InklingError` where it is in none of them: the package that pip
    installs has the library, not the pages.
    """
    here = Path(start) if start is not None else Path.cwd()
    candidates = [
        Path(__file__).resolve().parents[2],
        here.resolve(),
        *here.resolve().parents,
    ]
    for folder in candidates if start is None else candidates[1:]:
        if (folder / "_toc.yml").is_file() and (folder / "book").is_dir():
            return folder
    raise InklingError(
        "the book's pages are not here: the installed package holds the library only."
        " Get the repository (its address is behind the icon at the top of any page of"
        " the website), start Python in its folder, or name the folder:"
        ' read_book("path/to/the/repository").'
    )


def read_book(
    folder: str | Path | None = None, left_out: Sequence[str] = LEFT_OUT
) -> list[Section]:
    """All sections of the book, in the order of its table of contents; labs are not
    read, nor pages whose
    name matches a pattern of `left_out`.

    Raises `InklingError` where there is no book, and for a page that is missing or
    damaged.
    """
    root = book_folder(None if folder is None else Path(folder))
    listed = re.findall(
        r"^\s*(?:- file|root):\s*book/(\S+)\s*$",
        (root / "_toc.yml").read_text("utf-8"),
        re.MULTILINE,
    )
    sections = []
    for page in listed:
        if not any(fnmatch(page, pattern) for pattern in left_out):
            sections += sections_of(page_text(root / "book", page), page)
    return sections


def page_text(folder: Path, page: str) -> str:
    """The Markdown of a page: of a notebook, that of its text cells."""
    try:
        if (folder / f"{page}.md").is_file():
            return (folder / f"{page}.md").read_text("utf-8")
        cells = json.loads((folder / f"{page}.ipynb").read_text("utf-8"))["cells"]
        return "\n\n".join(
            "".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InklingError(
            f"the page {page} in {folder} cannot be read ({error}). Get a fresh copy"
            " of it."
        ) from None


# --- Markdown into sections -----------------------------------------------------------


def sections_of(markdown: str, page: str) -> list[Section]:
    """The sections of one page. What stands in an exercise or in its solution belongs
    to that exercise.
    """
    found: list[tuple[str, str, list[str]]] = []  # (anchor, title, paragraphs)
    headings: list[str] = []
    by_label: dict[str, list[str]] = {}
    paragraphs: list[str] = []  # of the section that is being read
    after_exercise: list[str] = []

    def begin(anchor: str, title: str) -> list[str]:
        found.append((anchor, title, []))
        return found[-1][2]

    for node in blocks_of(markdown):
        directive = directive_of(node)
        if node.type == "heading":
            headings = [*headings[: int(node.tag[1]) - 1], inline_text(node)]
            paragraphs = begin(heading_anchor(headings[-1]), " > ".join(headings))
        elif directive.name == "exercise-start":
            title = " > ".join([*headings, plain(directive.argument)])
            label = directive.options.get("label", "")
            after_exercise, paragraphs = paragraphs, begin(label, title)
            by_label[label] = paragraphs
        elif directive.name == "solution-start":
            after_exercise = paragraphs
            paragraphs = by_label.get(directive.argument, paragraphs)
        elif directive.name in ("exercise-end", "solution-end"):
            paragraphs = after_exercise
        elif directive.name == "glossary":
            for term, meaning in glossary_terms(directive.content):
                paragraphs = begin(term_anchor(term), " > ".join([*headings, term]))
                paragraphs.append(plain(meaning))
        else:
            paragraphs += block_text(node)
    return [
        Section(page, anchor, title, "\n".join(text)) for anchor, title, text in found
    ]


def heading_anchor(title: str) -> str:
    """The anchor that docutils gives a heading: "It is a Llama!" becomes
    "it-is-a-llama".
    """
    ascii_only = (
        unicodedata.normalize("NFKD", title.lower()).encode("ascii", "ignore").decode()
    )
    return re.sub(r"^[-0-9]+|-+$", "", re.sub(r"[^a-z0-9]+", "-", ascii_only))


def term_anchor(term: str) -> str:
    """The anchor that Sphinx gives a term of the glossary: "KV cache" becomes
    "term-KV-cache".
    """
    ascii_only = unicodedata.normalize("NFKD", term).encode("ascii", "ignore").decode()
    return "term-" + re.sub(r"[^a-zA-Z0-9._]+", "-", ascii_only).strip("-")

"""The book's pages cut into sections: markup, anchors, and where the book is looked for."""

import json
import re

import pytest
from conftest import ROOT

from inkling.files import InklingError
from inkling.real import book_text
from inkling.real.book_text import book_folder, heading_anchor, plain, read_book, sections_of

PAGE = """
# The *whole* page

Intro with a {term}`word <other>`, a claim {cite}`gao2022scaling,b2020c`, and
{cite:t}`gao2022scaling` again.

```{image} a.svg
:alt: not text
```

## Build it: `code`

A line
broken in two, with [a link](x.html) and $p_i$.

:::{admonition} Predict
:class: tip
How *large*?
:::

| a | b |
|---|---|
| 1 | two words |

### Deeper

1. one
2. two

```python
# Not a heading
```

## Exercises

```{exercise-start} Half of it
:label: page-half
```
*5 minutes.* Do it.
```{exercise-end}
```

````{solution-start} page-half
:class: dropdown
````
So it goes.
````{solution-end}
````

## Recap

- It ends.
"""


def found(markdown=PAGE):
    return {section.key: section for section in sections_of(markdown, "page")}


def test_sections_by_heading_and_by_exercise():
    assert [(key, section.title) for key, section in found().items()] == [
        ("page#the-whole-page", "The whole page"),
        ("page#build-it-code", "The whole page > Build it: code"),
        ("page#deeper", "The whole page > Build it: code > Deeper"),
        ("page#exercises", "The whole page > Exercises"),
        ("page#page-half", "The whole page > Exercises > Half of it"),
        ("page#recap", "The whole page > Recap"),
    ]
    assert found()["page#recap"].link == "../page.html#recap"


@pytest.mark.parametrize(
    "key, text",
    [
        ("page#the-whole-page", "Intro with a word, a claim, and Gao (2022) again."),
        (
            "page#build-it-code",
            "A line broken in two, with a link and p_i.\nPredict. How large?\na, b. 1, two words.",
        ),
        ("page#deeper", "1. one\n2. two"),
        ("page#exercises", ""),
        ("page#page-half", "5 minutes. Do it.\nSo it goes."),
        ("page#recap", "- It ends."),
    ],
)
def test_the_text_is_what_a_reader_reads(key, text):
    assert found()[key].text == text


def test_a_glossary_has_a_section_for_each_term():
    page = (
        "# Words\n\nSome.\n\n```{glossary}\nKV cache\n  What is\n  kept.\n\nbit (of it)\n  A"
        " half.\n```\n"
    )
    assert [(s.anchor, s.title, s.text) for s in sections_of(page, "g")] == [
        ("words", "Words", "Some."),
        ("term-KV-cache", "Words > KV cache", "What is kept."),
        ("term-bit-of-it", "Words > bit (of it)", "A half."),
    ]


@pytest.mark.parametrize(
    "title, anchor",
    [
        ("What's new? 3 things", "what-s-new-3-things"),
        ("3 tokens", "tokens"),
        ("Über C4", "uber-c4"),
        ("A reader's 2nd -- look", "a-reader-s-2nd-look"),
    ],
)
def test_anchors_are_those_of_docutils(title, anchor):
    from docutils.nodes import make_id

    assert heading_anchor(title) == anchor == make_id(title)


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("|   | source |\n|---|---|\n| GPT | {cite}`a2020b`, {cite}`c2021d` |", "source. GPT."),
        ("| a | b |\n|:--|--:|\n| `x \\| y` | $\\|p\\|$ |", "a, b. x | y, |p|."),
        ("The best is $\\pi^*(y)$, or $a*b*c$.", "The best is \\pi^*(y), or a*b*c."),
        ("Not \\*so\\*, \\$5 and `` a`b ``.", "Not *so*, $5 and a`b."),
        ("See [a (b)](c_(d).html) and <https://a.b>.", "See a (b) and https://a.b."),
        ("[![a](b.svg)](c.html)\n\nText", "Text"),
        ("(label)=\n% not read\n+++\n---\nText", "Text"),
        ("[words]{.class #id} and A &amp; B", "words and A & B"),
        ("- one\n  more\n  - inner\n- two\n\n  again", "- one more\n- inner\n- two\nagain"),
        ("> quoted *text*\n> on", "quoted text on"),
        ("Run\n\n```\npip  install x\n```\n\n```python\nx\n```", "Run\npip install x"),
        (
            "$$\na\n= b\n$$\n\n:::{note} The title\n:class: tip\n\nInside.\n:::",
            "a = b\nThe title. Inside.",
        ),
        ("::::{grid}\n:::{card} Card\nIn *it*.\n:::\n::::", "Card. In it."),
        ("Term\n: What it is", "Term\nWhat it is"),
        ("`#` and\n\n    # indented", "# and\n# indented"),
    ],
)
def test_markdown_is_read_as_the_website_reads_it(markdown, text):
    assert plain(markdown) == text


def test_what_looks_like_a_heading_inside_of_a_box_is_none():
    page = "# A\n\n````{note}\n```\n# not one\n```\n````\n\n    # nor this\n\nEnd\n===\n"
    assert [section.title for section in sections_of(page, "p")] == ["A", "End"]


def test_plain_keeps_products_and_names_with_underscores():
    assert plain("a * b and *c* and `W_O` and **d**") == "a * b and c and W_O and d"
    assert (
        plain("[](transformer.ipynb) puts")
        == plain("[](../model/transformer.ipynb) puts")
        == "transformer puts"
    )


# --- the book itself ------------------------------------------------------------------------------


def test_the_whole_book_is_read_in_its_order():
    sections = read_book(ROOT)
    keys = [section.key for section in sections]
    assert len(set(keys)) == len(keys), "two sections of a page have one anchor: rename a heading"
    pages = list(dict.fromkeys(section.page for section in sections))
    assert (
        pages.index("text/ngram")
        < pages.index("text/tokenizer")
        < pages.index("assistant/overoptimisation")
    )
    assert not {"index", "bibliography", "real/book_search", "text/index"} & set(pages)
    assert sum(len(section.text.split()) for section in sections) > 20_000
    marks = [s.key for s in sections if re.search(r"\{(?:term|cite)|```|:label:|\]\(", s.text)]
    assert not marks, f"markup is left in {marks}"


def test_anchors_are_on_the_built_pages(site):
    for section in read_book(ROOT, left_out=()):
        page = (site.folder / "book" / f"{section.page}.html").read_text(encoding="utf-8")
        assert f'id="{section.anchor}"' in page, f"{section.link} leads nowhere"


def test_the_book_is_found_from_inside_and_missed_elsewhere(tmp_path, monkeypatch):
    assert book_folder() == ROOT
    (tmp_path / "book").mkdir()
    (tmp_path / "_toc.yml").write_text(
        "root: book/a\nchapters:\n  - file: book/b\n  - file: labs/c\n"
    )
    (tmp_path / "book" / "a.md").write_text("# A\n\nOne.\n")
    cells = [
        {"cell_type": "markdown", "source": ["# B\n", "\n", "Two."]},
        {"cell_type": "code", "source": ["x = 1"]},
    ]
    (tmp_path / "book" / "b.ipynb").write_text(json.dumps({"cells": cells}))
    assert [(s.key, s.text) for s in read_book(tmp_path)] == [("a#a", "One."), ("b#b", "Two.")]
    assert [s.key for s in read_book(tmp_path, left_out=("b",))] == ["a#a"]
    (tmp_path / "book" / "b.ipynb").write_text("{")
    with pytest.raises(InklingError, match="the page b in .* cannot be read"):
        read_book(tmp_path)


def test_from_an_installed_package_it_says_what_to_do(tmp_path, monkeypatch):
    package = tmp_path / "site-packages" / "inkling" / "book_text.py"
    monkeypatch.setattr(book_text, "__file__", str(package))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InklingError, match="the book's pages are not here.*Get the repository"):
        read_book()
    with pytest.raises(InklingError, match="the book's pages are not here"):
        read_book(tmp_path)
    monkeypatch.chdir(ROOT / "book")
    assert book_folder() == ROOT

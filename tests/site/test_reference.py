"""The reference that is made of the docstrings: it is whole, each thing stands in it once, chapters
and modules link to each other, and prose stays prose.
"""

from __future__ import annotations

import ast
import functools
import re
import shutil
from collections import Counter
from pathlib import Path

import docutils.core
import inkling_api
import pytest
from bs4 import BeautifulSoup
from conftest import ROOT
from house_order import chapters

# What is there for these pages and the labs, and for the commands; and the package, an empty shell.
NOT_DESCRIBED = re.compile(r"inkling(\.(live|labs|selftest|terminal|__main__)(\..+)?)?")
PAGES = ROOT / inkling_api.FOLDER


def faults(root: Path) -> list[str]:
    """What the reference lacks or has twice, a sentence each; an empty list when it is whole."""
    described = Counter(inkling_api.described(root))
    files = inkling_api.module_files(root)
    found = [f"{module} is described {n} times" for module, n in described.items() if n > 1]
    found += [f"{module} is described and not there" for module in described.keys() - files.keys()]
    for module, path in files.items():
        if NOT_DESCRIBED.fullmatch(module):
            continue
        if module not in described:
            found.append(f"{module} is on no page of {inkling_api.FOLDER}/")
        public = inkling_api.public_names(path)
        found += [
            f"{module}.{node.name} has no docstring, so autodoc leaves it out"
            for node in ast.parse(path.read_text(encoding="utf-8")).body
            if isinstance(node, ast.ClassDef | ast.FunctionDef)
            and node.name in public
            and not ast.get_docstring(node)
        ]
    return found


def test_every_module_is_described_once_and_every_public_name_has_a_docstring():
    assert faults(ROOT) == []


def plant_function(root: Path) -> None:
    with (root / "inkling" / "model" / "attention.py").open("a", encoding="utf-8") as module:
        module.write("\n\ndef planted(x: int) -> int:\n    return x\n")


def plant_module(root: Path) -> None:
    (root / "inkling" / "text" / "planted.py").write_text('"""A new module."""\n')


def plant_a_second_description(root: Path) -> None:
    page = root / inkling_api.FOLDER / "text" / "index.md"
    with page.open("a", encoding="utf-8") as text:
        text.write("\n```{eval-rst}\n.. automodule:: inkling.model.attention\n```\n")


def plant_a_name(root: Path) -> None:
    page = root / inkling_api.FOLDER / "text" / "index.md"
    page.write_text(page.read_text("utf-8").replace("inkling.text.ngram", "inkling.text.ngrams"))


PLANTED = {
    plant_function: ["inkling.model.attention.planted has no docstring"],
    plant_module: ["inkling.text.planted is on no page"],
    plant_a_second_description: ["inkling.model.attention is described 2 times"],
    plant_a_name: ["inkling.text.ngrams is described and not there", "inkling.text.ngram is on no"],
}


@pytest.mark.parametrize("plant", PLANTED)
def test_what_is_missing_is_noticed(plant, tmp_path):
    for path in [*inkling_api.module_files(ROOT).values(), *PAGES.rglob("*.md")]:
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    plant(tmp_path)
    found = faults(tmp_path)
    assert len(found) == len(PLANTED[plant]), found
    for said in PLANTED[plant]:
        assert any(said in fault for fault in found), found


def test_modules_come_in_the_order_of_the_book():
    """On each page the chapters first, in their order, and then what helps them."""
    taught = [f"inkling.{chapter}" for chapter in chapters(ROOT)]
    for page in PAGES.glob("*/index.md"):
        modules = re.findall(r"automodule:: (\S+)", page.read_text(encoding="utf-8"))
        modules = [module for module in modules if module.count(".") > 1]  # without the package
        own = [module for module in taught if module in modules]
        assert modules[: len(own)] == own, f"{page.parent.name}: {modules}"
    listed = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    for page in PAGES.rglob("*.md"):
        assert f"file: {page.relative_to(ROOT).with_suffix('').as_posix()}\n" in listed


def test_only_what_a_module_defines_for_others_is_public(tmp_path):
    module = tmp_path / "module.py"
    module.write_text("import re\nclass A: ...\ndef b(): ...\ndef _c(): ...\n")
    assert inkling_api.public_names(module) == ["A", "b"]
    module.write_text('__all__ = ["A", "re"]\n' + module.read_text())
    assert inkling_api.public_names(module) == ["A"]


# --- prose becomes reStructuredText ---------------------------------------------------------------

DOCSTRINGS = {
    "code": ("The `n` last; `x`s of `a[b]`.", "The ``n`` last; ``x``\\ s of ``a[b]``."),
    "a link": ("See `Sampling`.", "See :py:obj:`~inkling.training.generate.Sampling`."),
    "a parameter with a public name": ("`seeded` twice.", "``seeded`` twice."),
    "emphasis": ("The *last* of 2 * n * m.", "The *last* of 2 \\* n \\* m."),
    "what means something in markup": ("r_t + V_{t+1}, p_ |x|", "r\\_t + V\\_{t+1}, p\\_ \\|x\\|"),
    "a line that looks like a list": ("1. is one.", "\\ 1. is one."),
    "an example": (">>> f(1)\n2", ".. code-block:: pycon\n\n    >>> f(1)\n    2"),
    "a formula": ("    a * b\n    c_", ".. code-block:: text\n\n    a * b\n    c_"),
    "a list": ("- One\n  more.\n- Two.", "- One\n  more.\n- Two."),
    "parameters": (
        "k, p: what is\n    kept. seed: any.\nq: the rest.",
        "- ``k``, ``p``: what is kept. seed: any.\n- ``q``: the rest.",
    ),
}


@pytest.mark.parametrize("name", DOCSTRINGS)
def test_a_docstring_becomes_what_autodoc_reads(name):
    prose, expected = DOCSTRINGS[name]
    links = {"Sampling": "inkling.training.generate", "seeded": "inkling.model.transformer"}
    found = inkling_api.restructured(f"First.\n\n{prose}", links, own=["seeded"])
    assert found == f"First.\n\n{expected}"


def test_every_docstring_keeps_its_words():
    """A module's are turned, and docutils finds nothing wrong with them and the same letters."""
    seen = 0
    for path in inkling_api.module_files(ROOT).values():
        nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        kinds = ast.Module | ast.ClassDef | ast.FunctionDef
        found = [ast.get_docstring(node) for node in nodes if isinstance(node, kinds)]
        prose = [docstring for docstring in found if docstring]
        text = "\n\n".join(inkling_api.restructured(docstring, {}) for docstring in prose)
        # a warning of docutils is an error here
        read = docutils.core.publish_doctree(text, settings_overrides={"halt_level": 2}).astext()
        written, shown = (re.sub(r"[-`*\s]", "", each) for each in ("".join(prose), read))
        assert shown == written, path.name
        seen += len(prose)
    assert seen > 1000, "this looked at nothing"


def test_a_signature_is_no_list():
    """Axe calls a list of definitions without a term a serious fault."""
    left, right = (f'<span class="sig-paren">{paren}</span>' for paren in "()")
    listed = "<dl>\n<dd>x: int,</dd>\n</dl>"
    page = f"<dl><dt>f{left}{listed}{right}</dt><dd>(<dl><dt>a</dt><dd>b</dd></dl>)</dd></dl>"
    found = inkling_api.SIGNATURE.sub(lambda each: inkling_api.in_spans(each[0]), page)
    assert found == page.replace(
        listed,
        '<span class="sig-params">\n<span class="sig-line">x: int,</span>\n</span>',
    )


# --- links to the source --------------------------------------------------------------------------


def test_the_source_is_linked_where_the_repository_is_known():
    here = {"module": "inkling.model.attention", "fullname": "KVCache.reset"}
    address = inkling_api.source_address("https://github.com/ann/fork", "main")("py", here)
    found = re.fullmatch(
        r"https://github\.com/ann/fork/blob/main/(inkling/model/attention\.py)#L(\d+)-L(\d+)",
        address,
    )
    lines = (ROOT / found[1]).read_text(encoding="utf-8").splitlines()
    assert lines[int(found[2]) - 1].strip() == "def reset(self) -> None:"
    assert lines[int(found[3]) - 1].strip() == "self.length = 0"
    for unknown in ("", "https://gitlab.com/ann/fork"):
        assert inkling_api.source_address(unknown, "main")("py", here) is None


# --- on the site ----------------------------------------------------------------------------------


@functools.cache  # the pages are long, and each is asked for its chapters
def parsed(page: Path) -> BeautifulSoup:
    return BeautifulSoup(page.read_text(encoding="utf-8"), "lxml")


def described_on(folder: Path) -> Counter[str]:
    """How often each thing is described on the built pages."""
    pages = sorted((folder / inkling_api.FOLDER).rglob("*.html"))
    return Counter(tag["id"] for page in pages for tag in parsed(page).select("dt.sig[id]"))


def links_between(folder: Path, chapter: str) -> tuple[list[str], bool]:
    """Where the last lines of a chapter's page lead, and whether its module's section leads back.

    chapter: "model.attention".
    """
    part, name = chapter.split(".")
    page = parsed(folder / "book" / part / f"{name}.html")
    there = parsed(folder / inkling_api.FOLDER / part / "index.html").find(
        id=f"module-inkling.{chapter}"
    )
    section = there if there is None or there.name == "section" else there.find_parent("section")
    return (
        [link["href"] for link in page.select("article p.library-link a")],
        bool(section and section.select_one(f'a[href="../../{part}/{name}.html"]')),
    )


def test_every_public_name_is_on_the_site_once(site):
    found = described_on(site.folder)
    twice = [name for name, n in found.items() if n > 1]
    assert not twice, f"described twice: {twice}"
    for module, path in inkling_api.module_files(ROOT).items():
        if not NOT_DESCRIBED.fullmatch(module):
            missing = [n for n in inkling_api.public_names(path) if f"{module}.{n}" not in found]
            assert not missing, f"{module}: not described: {missing}"


def test_chapters_and_their_modules_link_to_each_other(site):
    for chapter in set(chapters(ROOT)) - {"closing.journey"}:
        part = chapter.split(".")[0]
        expected = f"../api-reference/{part}/index.html#module-inkling.{chapter}"
        assert links_between(site.folder, chapter) == ([expected], True), chapter

"""The words of a text in MyST Markdown, as a reader of the website sees them: no marks,
code, pictures or citations.

    >>> plain("A {term}`word <other>` of *some*\\nweight.\\n\\n- and `a` list")
    'A word of some weight.\\n- and a list'

markdown-it parses it, with the plugins that the website uses: what a mark means is
decided there, not here. A directive's content is Markdown of its own.
"""

import re
from dataclasses import dataclass, field
from functools import cache
from textwrap import dedent

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode
from mdit_py_plugins.amsmath import amsmath_plugin
from mdit_py_plugins.attrs import attrs_block_plugin, attrs_plugin
from mdit_py_plugins.colon_fence import colon_fence_plugin
from mdit_py_plugins.deflist import deflist_plugin
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.myst_blocks import myst_block_plugin
from mdit_py_plugins.myst_role import myst_role_plugin

#: Directives that hold no text to read.
_DROPPED = (
    "image",
    "figure",
    "tableofcontents",
    "button-ref",
    "bibliography",
    "code-block",
    "code-cell",
    "raw",
)
_OPTION = re.compile(r":([\w-]+): *(.*)")
_AUTHOR_AND_YEAR = re.compile(r"([a-z]+)(\d{4})\w*")


def plain(markdown: str) -> str:
    """Markdown without its marks, a paragraph a line: roles and links leave their
    words, a citation its author and year or nothing.
    """
    return "\n".join(text for node in blocks_of(markdown) for text in block_text(node))


def blocks_of(markdown: str) -> list[SyntaxTreeNode]:
    """The blocks of a text in MyST Markdown, with those extensions of the website
    (`_config.yml`) that bear on its words.
    """
    return SyntaxTreeNode(_parser().parse(markdown)).children


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark").enable("table")
    for plugin in (
        myst_role_plugin,
        myst_block_plugin,
        colon_fence_plugin,
        dollarmath_plugin,
        amsmath_plugin,
        deflist_plugin,
        attrs_block_plugin,
    ):
        parser.use(plugin)
    return parser.use(attrs_plugin, spans=True)


@dataclass(frozen=True)
class Directive:
    """A fence such as ```` ```{note} A title ````; name "" for what is none."""

    name: str = ""
    argument: str = ""
    options: dict[str, str] = field(default_factory=dict)
    content: str = ""


def directive_of(node: SyntaxTreeNode) -> Directive:
    """What a fence says that it is, with its options (`:name: value`, a line each, in
    front of the content).
    """
    info = node.info.strip() if node.type in ("fence", "colon_fence") else ""
    name, brace, argument = info.removeprefix("{").partition("}")
    if not (info.startswith("{") and brace):
        return Directive()
    lines, options = node.content.split("\n"), {}
    while match := _OPTION.fullmatch(lines[0].strip() if lines else ""):
        options[match[1]] = match[2]
        lines.pop(0)
    return Directive(name, argument.strip(), options, "\n".join(lines))


def glossary_terms(content: str) -> list[tuple[str, str]]:
    """(term, meaning) of a glossary, where meanings are indented."""
    found: list[tuple[str, list[str]]] = []
    for line in content.split("\n"):
        if line and not line[0].isspace():
            found.append((line.rstrip(), []))
        elif found:
            found[-1][1].append(line)
    return [(term, dedent("\n".join(lines))) for term, lines in found]


def block_text(node: SyntaxTreeNode) -> list[str]:
    """The paragraphs of a block: none for code, pictures and what else is no text. A
    list has one for each item, a table is one.
    """
    if node.type in ("paragraph", "heading", "dt"):
        text = inline_text(node)
        return [text] if text else []
    if node.type in ("math_block", "math_block_label", "amsmath"):
        return [" ".join(node.content.split())]
    if node.type == "table":
        rows = [row for part in node.children for row in part.children]
        cells = [[inline_text(cell) for cell in row.children] for row in rows]
        filled = [[cell for cell in row if re.search(r"\w", cell)] for row in cells]
        return [" ".join(", ".join(row) + "." for row in filled)]
    # code without a language is a command to type
    if node.type == "code_block" or (node.type == "fence" and not node.info.strip()):
        return [" ".join(node.content.split())]
    if node.type in ("fence", "colon_fence"):
        return _box_text(directive_of(node))
    paragraphs = [text for child in node.children for text in block_text(child)]
    if node.type == "list_item":
        mark = f"{node.info}{node.markup} "
        paragraphs = [mark + " ".join(paragraphs[:1]), *paragraphs[1:]]
    return paragraphs


def _box_text(box: Directive) -> list[str]:
    """The title of a box, and what stands in it."""
    if not box.name or box.name in _DROPPED:
        return []
    paragraphs = [text for node in blocks_of(box.content) for text in block_text(node)]
    if not re.search("[A-Za-z]", box.argument):
        return paragraphs
    return [" ".join([plain(box.argument) + ".", *paragraphs[:1]]), *paragraphs[1:]]


def inline_text(node: SyntaxTreeNode) -> str:
    """The words of a paragraph or of another node that holds a line of text."""
    text = ""
    for child in node.children:
        if child.type in ("softbreak", "hardbreak"):
            text = text.rstrip() + " "
        elif child.type in ("text", "code_inline", "math_inline", "math_inline_double"):
            text += child.content
        elif child.type == "myst_role":
            words = role_text(child.meta["name"], child.content)
            text = text + words if words else text.rstrip()
        elif child.type == "link" and not child.children:
            target = str(child.attrs.get("href", ""))
            text += target.rpartition("/")[2].removesuffix(".ipynb")
        elif child.type != "image":
            text += inline_text(child)
    return text.strip() if node.type != "inline" else text


def role_text(name: str, content: str) -> str:
    """The words of a role: {term}`a word <another>` leaves "a word"; {cite:t} leaves
    author and year, and the other citations nothing.
    """
    if name == "cite:t" and (key := _AUTHOR_AND_YEAR.fullmatch(content)):
        return f"{key[1].capitalize()} ({key[2]})"
    if name in ("cite", "cite:p"):
        return ""
    return content.partition("<")[0].rstrip() if content.endswith(">") else content

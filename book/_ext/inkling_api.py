"""The pages in `book/api-reference/`, made by Sphinx's autodoc from the library's docstrings. In
_config.yml:

    sphinx:
      extra_extensions: [sphinx.ext.autodoc, sphinx.ext.linkcode]
      local_extensions:
        inkling_api: book/_ext

autodoc expects reStructuredText, and the library's docstrings are plain prose: names in single
backticks, examples with `>>>`, and `name: what it is` at the beginning of a line. So each is
written anew for it (`restructured`). What is public and has no docstring is left out by autodoc,
without a word: tests/site/test_reference.py notices.

Every chapter ends with a link to its module, and every chapter's module begins with one to its
chapter. Both are resolved by Sphinx, so a module that is on no page stops the build.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterable
from pathlib import Path

from docutils import nodes
from sphinx.addnodes import pending_xref

ROOT = Path(__file__).resolve().parents[2]
FOLDER = "book/api-reference"

CODE = re.compile(r"`([^`\n]+(?:\n[^`\n]+)*)`")
EMPHASIS = re.compile(r"(?<![\w*])\*\w(?:[^*\n]*\w)?\*(?![\w*])")
SIGNATURE = re.compile(
    r'<span class="sig-paren">\(</span>.*?<span class="sig-paren">\)</span>', re.DOTALL
)
ITEM = re.compile(r"((?:[a-z]\w*, )*[a-z]\w*): (?=\S)")  # "top_k, top_p: rule tokens out"


# --- what the library has -------------------------------------------------------------------------


def module_files(root: Path) -> dict[str, Path]:
    """Every module of the library by its full name: "inkling.text.ngram"."""
    found = {}
    for path in sorted((root / "inkling").rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def public_names(path: Path) -> list[str]:
    """The classes and functions that a module defines for others: where it has `__all__`, what
    stands there, and otherwise all whose names do not begin with an underscore.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    listed = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign)
        and any(isinstance(name, ast.Name) and name.id == "__all__" for name in node.targets)
    ]
    return [
        node.name
        for node in tree.body
        if isinstance(node, ast.ClassDef | ast.FunctionDef)
        and (node.name in listed[0] if listed else not node.name.startswith("_"))
    ]


def described(root: Path) -> list[str]:
    """The modules on the reference's pages, as often as they stand there."""
    return [
        module
        for page in sorted((root / FOLDER).rglob("*.md"))
        for module in re.findall(
            r"^\.\. automodule:: (\S+)$", page.read_text(encoding="utf-8"), re.MULTILINE
        )
    ]


def owners(root: Path) -> dict[str, str]:
    """The public names that the pages describe, and where each is defined. A name that a module
    has as well is not among them: in a docstring either may be meant.
    """
    files = module_files(root)
    stems = {module.split(".")[-1] for module in files}
    return {
        name: module
        for module in described(root)
        for name in public_names(files[module])
        if name not in stems
    }


def chapter_of(module: str) -> str | None:
    """The page of a chapter's module, "book/model/attention"; None for a module that has none."""
    page = module.replace("inkling", "book", 1).replace(".", "/")
    return page if (ROOT / f"{page}.ipynb").is_file() else None


# --- from the docstrings' prose to reStructuredText -----------------------------------------------


def restructured(text: str, links: dict[str, str], own: Iterable[str] = ()) -> str:
    """A docstring, cleaned of its indentation (`inspect.cleandoc`), as reStructuredText.

    links: public names and the modules that define them; such a name in backticks becomes a link.
    own: names that mean something else here, the parameters above all.
    """
    blocks = re.split(r"\n[ ]*\n", text.strip("\n"))
    return "\n\n".join(block_in_rst(block, links, set(own)) for block in blocks)


def block_in_rst(block: str, links: dict[str, str], own: set[str]) -> str:
    """One paragraph, list, example or formula."""
    lines = block.split("\n")
    if all(line.startswith("    ") for line in lines) or lines[0].startswith(">>>"):
        language = "pycon" if lines[0].lstrip().startswith(">>>") else "text"
        shift = "    " if lines[0].startswith(">>>") else ""
        return "\n".join([f".. code-block:: {language}", "", *(shift + line for line in lines)])
    if lines[0].startswith("- "):
        # in the source, the lines after an item's first are indented as it is
        return "\n".join(
            f"- {in_line(line[2:], links, own)}"
            if line.startswith("- ")
            else f"  {in_line(line.strip(), links, own)}"
            for line in lines
        )
    if not ITEM.match(lines[0]):
        return in_line(" ".join(line.strip() for line in lines), links, own)
    items: list[str] = []
    for line in lines:
        if ITEM.match(line):
            items.append(line)
        else:
            items[-1] += f" {line.strip()}"
    marked = [re.match(ITEM, item) for item in items]
    return "\n".join(
        f"- {', '.join(f'``{name}``' for name in found[1].split(', '))}: "
        f"{in_line(item[found.end() :], links, own)}"
        for item, found in zip(items, marked, strict=True)
        if found
    )


def in_line(text: str, links: dict[str, str], own: set[str]) -> str:
    """Names in backticks as code or links, emphasis as it is, and nothing else that is markup."""
    written, place = [], 0
    for found in CODE.finditer(text):
        written += [escaped(text[place : found.start()]), code(found[1], links, own)]
        if text[found.end() : found.end() + 1].isalnum():
            written.append("\\ ")  # "`x`s"
        place = found.end()
    line = "".join([*written, escaped(text[place:])])
    return f"\\ {line}" if re.match(r"[-+:>]|\.\.|\(?[0-9A-Za-z]+[.)]\s", line) else line


def code(name: str, links: dict[str, str], own: set[str]) -> str:
    if name in links and name not in own:
        return f":py:obj:`~{links[name]}.{name}`"
    return f"``{name.strip()}``"


def escaped(text: str) -> str:
    """Text without markup, but for `*emphasis*`."""
    written, place = [], 0
    for found in EMPHASIS.finditer(text):
        written += [re.sub(r"([\\*|`_])", r"\\\1", text[place : found.start()]), found[0]]
        place = found.end()
    return "".join([*written, re.sub(r"([\\*|`_])", r"\\\1", text[place:])])


# --- in Sphinx ------------------------------------------------------------------------------------


def configure(app, config) -> None:
    config.autodoc_default_options = {"members": True, "member-order": "bysource", "no-value": True}
    config.autodoc_typehints_format = "short"
    config.autodoc_preserve_defaults = True
    config.add_module_names = False
    config.python_use_unqualified_type_names = True
    config.python_maximum_signature_line_length = 100  # above that, one parameter a line
    config.toc_object_entries_show_parents = "hide"
    config.html_domain_indices = False
    # Types in signatures are links where they can be. Those of other libraries cannot (that would
    # need their servers during the build), and a type variable is described nowhere.
    others = [("py:(?!mod|obj).*", ".*"), ("py:obj", r"(?!inkling\.).*")]
    config.nitpick_ignore_regex = [*config.nitpick_ignore_regex, *others]
    config.linkcode_resolve = source_address(
        config.html_theme_options.get("repository_url", ""),
        config.html_theme_options.get("repository_branch", "main"),
    )


def source_address(repository: str, branch: str):
    """A function that tells linkcode where a definition stands on GitHub; None, and so no link,
    where the repository's address is not known.
    """

    def resolve(domain: str, info: dict[str, str]) -> str | None:
        if domain != "py" or not repository.startswith("https://github.com/"):
            return None
        thing = importlib.import_module(info["module"])
        for name in info["fullname"].split("."):
            thing = getattr(thing, name, None)
        thing = getattr(thing, "fget", None) or getattr(thing, "func", None) or thing
        try:
            lines, first = inspect.getsourcelines(inspect.unwrap(thing))
        except (TypeError, OSError):  # a constant has no lines of its own
            return None
        path = module_files(ROOT)[info["module"]].relative_to(ROOT).as_posix()
        return f"{repository}/blob/{branch}/{path}#L{first}-L{first + len(lines) - 1}"

    return resolve


def rewrite(app, what, name, thing, options, lines: list[str]) -> None:
    try:
        own = set(inspect.signature(thing).parameters)
    except (TypeError, ValueError):  # a module, a constant
        own = set()
    text = restructured("\n".join(lines), app.inkling_owners, own | {name.split(".")[-1]})
    page = chapter_of(name) if what == "module" else None
    if page in app.env.found_docs:
        text += f"\n\nTaught in :doc:`/{page}`."
    lines[:] = [*text.split("\n"), ""]


def leave_out(app, what, name, thing, skip, options) -> bool | None:
    """Each thing on the page of its own module only; and no fields of a named tuple, whose
    docstrings Python writes.
    """
    module = app.env.temp_data.get("autodoc:module")
    elsewhere = what == "module" and getattr(thing, "__module__", module) != module
    written_by_python = str(getattr(thing, "__doc__", "")).startswith("Alias for field number")
    return True if elsewhere or written_by_python else None


def link_to_module(app, doctree) -> None:
    """The last line of a chapter: where its module is described."""
    page = app.env.docname
    module = page.replace("book", "inkling", 1).replace("/", ".")
    if f"{FOLDER}/index" not in app.env.found_docs or chapter_of(module) != page:
        return
    if module not in module_files(ROOT):
        return
    link = pending_xref(
        "",
        nodes.literal("", module),
        refdomain="py",
        reftype="mod",
        reftarget=module,
        refdoc=page,
        refwarn=True,
    )
    line = nodes.paragraph("", "", nodes.Text("The library: "), link, classes=["library-link"])
    line += nodes.Text(" in the reference.")
    next(doctree.findall(nodes.section)).append(line)


def own_look(app, pagename, templatename, context, doctree) -> None:
    """The pages' style, and long signatures without the lists that Sphinx makes of their
    parameters: lists of definitions without a term, which a screen reader stumbles over.
    """
    if pagename.startswith(FOLDER):
        app.add_css_file("reference.css")
        context["body"] = SIGNATURE.sub(lambda found: in_spans(found[0]), context.get("body", ""))


def in_spans(signature: str) -> str:
    """A signature in HTML with spans instead of a list."""
    for tag, name in (("dl", "sig-params"), ("dd", "sig-line")):
        signature = signature.replace(f"<{tag}>", f'<span class="{name}">')
        signature = signature.replace(f"</{tag}>", "</span>")
    return signature


def setup(app) -> dict:
    app.inkling_owners = owners(ROOT)
    # after inkling_site has found the repository's address
    app.connect("config-inited", configure, priority=200)
    app.connect("autodoc-process-docstring", rewrite)
    app.connect("autodoc-skip-member", leave_out)
    app.connect("doctree-read", link_to_module)
    app.connect("html-page-context", own_look)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

"""One text from the JavaScript modules beside this file, without any tool but Python.

Each .js file is an ordinary module that Node can import and test. A notebook's widget,
though, must be one text (anywidget loads it through a Blob URL, where relative imports
fail), and a site's pages share one classic script (a module script does not load from
file://). So the modules are joined in the order of their imports; `import` lines go and
`export` keywords with them. All their names then share one scope, and a test checks
that none is defined twice.
"""

import re
from pathlib import Path

HERE = Path(__file__).parent
_IMPORT = re.compile(r'^import [^;]*? from "\./([\w.]+)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(async )?(function|const|class|let))", re.MULTILINE)


def _modules(name: str, seen: list[str]) -> list[str]:
    """The module `name` after everything that it imports, each once."""
    for needed in _IMPORT.findall((HERE / name).read_text(encoding="utf-8")):
        if needed not in seen:
            _modules(needed, seen)
    if name not in seen:
        seen.append(name)
    return seen


def bundle(classic: bool = False) -> str:
    """All figures as one text: a module for anywidget, or (classic) a script that
    defines globalThis.InklingLive.
    """
    parts = [
        _EXPORT.sub("", _IMPORT.sub("", (HERE / name).read_text(encoding="utf-8")))
        for name in _modules("main.js", [])
    ]
    code = "\n".join(parts)
    if classic:
        return (
            f'(() => {{\n"use strict";\n{code}\nglobalThis.InklingLive ='
            " InklingLive;\n})();\n"
        )
    return f"{code}\nexport default InklingLive;\n"

"""What the site needs and a YAML file cannot know. Loaded by Sphinx through `local_extensions` in
`_config.yml`.

- The repository's address, for the Binder and Colab buttons: from the environment or the git
  remote, never written down, so that a fork's buttons open the fork. They open what a release left
  on the branch `published`. Where no address is known there is no button, and no sentence about
  one.
- MathJax from the installed package instead of a CDN, so that the site works offline and from
  `file://`.
- A cache of executed notebooks for each state of the library: MyST-NB's cache looks at a notebook's
  own cells only, so a change in `inkling/` would leave old numbers on the pages.
- Encrypted connections to the kernels: without, ipykernel prints a warning about it into the log
  for every notebook.
- The sizes of plots as attributes, so that a phone shrinks both sides of them.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from jupyter_client import KernelManager
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

from inkling.real.fetch import cache_folder

ROOT = Path(__file__).resolve().parents[2]
# where `tools/published.py` puts what readers run: not the branch that is worked on
PUBLISHED = "published"
PRESS_IT = " Or press the rocket at the top of this page: it opens the lab on Binder or Colab."
MATHJAX = "tex-svg-full.js"  # one self-contained file: no fonts to fetch, and it works from file://


def repository_url(environ: dict[str, str], root: Path) -> str:
    """The repository's web address without a trailing `.git`, or "" when nothing tells.

    `GITHUB_REPOSITORY` ("owner/name", set by GitHub Actions) comes first, then the git remote
    `origin`.
    """
    if environ.get("GITHUB_REPOSITORY"):
        server = environ.get("GITHUB_SERVER_URL", "https://github.com")
        return f"{server}/{environ['GITHUB_REPOSITORY']}"
    try:
        remote = subprocess.run(
            ["git", "-C", str(root), "config", "--get", "remote.origin.url"],
            capture_output=True,
            text=True,
            timeout=10,
        ).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return web_address(remote)


def web_address(remote: str) -> str:
    """The web address of a GitHub or GitLab remote, in https, ssh or scp form; "" for anything else
    (a folder, say).
    """
    match = re.match(
        r"^(?:https?://(?:[^@/]*@)?|ssh://git@|git@)(github\.com|gitlab\.com)[/:]([^/]+)/(.+?)(?:\.git)?/?$",
        remote,
    )
    return f"https://{match[1]}/{match[2]}/{match[3]}" if match else ""


def library_fingerprint(root: Path, fetched: Path | None = None) -> str:
    """A hash of what a notebook's outputs depend on besides its own cells: the library, its data,
    the pins, Python. What tools leave in the library's folder (hidden ones, bytecode) is no part.

    fetched: the folder of fetched models. Which of them are there is part of the hash: pages
    without the real model say so, and must not stay when it has come.
    """
    digest = hashlib.sha256(f"python {sys.version_info[:2]}".encode())
    files = [
        path
        for path in (root / "inkling").rglob("*")
        if path.is_file()
        and not any(p.startswith(".") or p == "__pycache__" for p in path.relative_to(root).parts)
    ]
    # name and size do: their hashes are checked on opening
    for path in sorted(fetched.glob("*/*")) if fetched else []:
        digest.update(f"{path.relative_to(fetched).as_posix()} {path.stat().st_size}".encode())
    for path in [root / "requirements.txt", *sorted(files)]:
        digest.update(
            path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0"
        )
    return digest.hexdigest()[:16]


def executed_notebooks() -> Path:
    """The folder of the jupyter-cache that holds the notebooks as this state of the library
    executed them.
    """
    return ROOT / "_build" / ".jupyter_cache" / library_fingerprint(ROOT, cache_folder())


def mathjax_file() -> Path:
    """The MathJax script inside the installed `sphinx-mathjax-offline` package."""
    distribution = importlib.metadata.distribution("sphinx-mathjax-offline")
    return Path(distribution.locate_file(f"sphinx-mathjax-offline/static/mathjax/{MATHJAX}"))


def configure(app, config) -> None:
    url = repository_url(dict(os.environ), ROOT)
    options = config.html_theme_options
    options["repository_url"] = url
    options["repository_branch"] = os.environ.get("INKLING_BRANCH", "main")
    options["use_repository_button"] = bool(url)
    options["use_issues_button"] = bool(url)
    on_github = url.startswith("https://github.com/")
    # Both on GitHub only: its workflow makes the branch that they open.
    options["launch_buttons"] = {
        "notebook_interface": "jupyterlab",
        "binderhub_url": "https://mybinder.org" if on_github else "",
        "colab_url": "https://colab.research.google.com" if on_github else "",
    }
    config.inkling_rocket = on_github
    KernelManager.transport_encryption.default_value = "auto"
    config.mathjax_path = f"mathjax/{MATHJAX}"
    # INKLING_EXECUTE=off: a quick look at the texts, without running anything.
    config.nb_execution_mode = os.environ.get("INKLING_EXECUTE", config.nb_execution_mode)
    config.nb_execution_cache_path = str(executed_notebooks())


class Rocket(SphinxDirective):
    """What stands in `{rocket}` is on the page only where pages have launch buttons."""

    has_content = True

    def run(self) -> list:
        return self.parse_content_to_nodes() if self.config.inkling_rocket else []


def published_page(page: str) -> str:
    """Where the notebook of a page stands on the published branch, without its ending: of a lab,
    the learner's copy.
    """
    return re.sub(r"^labs/", "workshop/", page)


def launch_what_is_published(app, pagename, templatename, context, doctree) -> None:
    """The theme's launch buttons open the page on the repository's own branch; ours open it on the
    published one. A lab's badge mentions them.
    """
    branch = app.config.html_theme_options["repository_branch"]
    for group in context.get("header_buttons", []):
        if group.get("label") == "launch-buttons":
            for button in group["buttons"]:
                button["url"], found = re.subn(
                    rf"/{re.escape(branch)}(/|\?urlpath=lab/tree/){re.escape(pagename)}\.",
                    rf"/{PUBLISHED}\g<1>{published_page(pagename)}.",
                    button["url"],
                )
                if not found:
                    raise ExtensionError(f"where does this launch button lead? {button['url']}")
            context["body"] = re.sub(
                r'(<div class="run-me-live">.*?)(?=</p>)',
                rf"\1{PRESS_IT}",
                context["body"],
                flags=re.DOTALL,
            )


def copy_mathjax(app) -> None:
    if app.builder.format == "html":
        folder = Path(app.outdir) / "_static" / "mathjax"
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(mathjax_file(), folder / MATHJAX)


def plain_lists(app, pagename, templatename, context, doctree) -> None:
    """Name bibliography entries list items. Sphinx calls them `doc-biblioentry`, a role that ARIA
    has given up.
    """
    if "body" in context:
        context["body"] = context["body"].replace('role="doc-biblioentry"', 'role="listitem"')


def picture_sizes(app, pagename, templatename, context, doctree) -> None:
    """Give pictures their size in attributes. Docutils writes it as an inline style, whose height
    no style sheet can undo without `!important`: a plot that a phone makes narrower keeps its
    height and is squeezed. An attribute gives way to `height: auto`, and still tells the browser,
    before the picture has come, how much room to leave for it.
    """
    if "body" in context:
        context["body"] = re.sub(
            r'(<img [^>]*)style="width: (\d+)px; height: (\d+)px;"',
            r'\1width="\2" height="\3"',
            context["body"],
        )


def setup(app) -> dict:
    app.add_config_value("inkling_rocket", False, "env")
    app.add_directive("rocket", Rocket)
    # before MyST-NB and the theme read their settings
    app.connect("config-inited", configure, priority=100)
    app.connect("builder-inited", copy_mathjax)
    # after the theme's own, which makes the buttons
    app.connect("html-page-context", launch_what_is_published, priority=600)
    app.connect("html-page-context", plain_lists)
    app.connect("html-page-context", picture_sizes)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}

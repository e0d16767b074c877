"""Binder, a JupyterHub's image, a development container, and the launch buttons: the files that
each of them reads, as far as they can be judged without a network. `tools/binder_check.py` (in
`make release-check`) installs what they ask for; `test_published.py` has what the buttons open.
"""

from __future__ import annotations

import ast
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import environment
import inkling_site
import nbformat
import notebooks
import pytest
import test_house
from conftest import NOTEBOOKS, ROOT
from no_index import run
from packaging.markers import Marker
from packaging.requirements import Requirement

BINDER = ROOT / "binder"


# --- Binder ---------------------------------------------------------------------------------------

POST_BUILD = (BINDER / "postBuild").read_text(encoding="utf-8")
BINDERS = dict(
    re.findall(
        r"^([\w.-]+)==(\S+)$", (BINDER / "requirements.txt").read_text("utf-8"), re.MULTILINE
    )
)
AFTERWARDS = dict(re.findall(r"\b([\w.-]+)==([\w.]+)", POST_BUILD))  # what postBuild installs


def test_binder_reads_a_python_that_the_book_is_tested_with():
    version = re.fullmatch(
        r"python-(\d+)\.(\d+)\n?", (BINDER / "runtime.txt").read_text(encoding="utf-8")
    )
    assert version, "repo2docker wants python-X.Y in runtime.txt"
    assert (3, 11) <= (int(version[1]), int(version[2])) <= (3, 13), (
        "requirements.txt names 3.11 to 3.13"
    )


def test_post_build_is_a_sound_script():
    assert POST_BUILD.startswith("#!/usr/bin/env bash\n") and "set -euo pipefail" in POST_BUILD
    if shutil.which("bash"):
        checked = run(["bash", "-n", BINDER / "postBuild"])
        assert checked.returncode == 0, checked.stderr
    if os.name != "nt":
        assert (BINDER / "postBuild").stat().st_mode & 0o111, "repo2docker runs it"
    cpu_wheel = f"torch=={test_house.PINS['torch']}+cpu"
    assert f"--index-url {environment.CPU_INDEX} {cpu_wheel};" in POST_BUILD
    every_time = re.findall(r"torch==[\w.]+(?:\+\w+)?", POST_BUILD)
    assert set(every_time) == {cpu_wheel}, "another wheel would bring CUDA"


def post_build(
    tmp_path: Path, python: str, library: str = ""
) -> tuple[subprocess.CompletedProcess, list[str]]:
    """postBuild, run in a copy of binder/ where `python` is a script that notes how it is called
    and then does what `python` says.

    library: what tools/published.py writes into library.txt; none in the source branch.
    """
    shutil.copytree(BINDER, tmp_path / "binder")
    if library:
        (tmp_path / "binder" / "library.txt").write_text(library)
    (tmp_path / "bin").mkdir()
    script = tmp_path / "bin" / "python"
    calls = tmp_path / "calls.txt"
    script.write_text(f'#!/bin/sh\necho "$*" >> {calls}\n{python}\n')
    script.chmod(0o755)
    path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
    done = run([BINDER / "postBuild"], cwd=tmp_path, PATH=path)
    return done, calls.read_text().splitlines()


@pytest.mark.skipif(os.name == "nt", reason="Binder runs it on Linux")
def test_without_the_cpu_wheel_post_build_ends_in_one_sentence_and_fetches_no_other(tmp_path):
    done, calls = post_build(tmp_path, "exit 1")
    assert done.returncode == 1 and len(calls) == 1 and "--index-url" in calls[0]
    (sentence,) = done.stderr.splitlines()
    assert "CPU wheel could not be fetched" in sentence


@pytest.mark.skipif(os.name == "nt", reason="Binder runs it on Linux")
@pytest.mark.parametrize("published", [False, True])
def test_post_build_installs_the_library_that_is_there_and_sets_the_start_page(published, tmp_path):
    prefix = f'[ "$1" = -c ] && echo {tmp_path} || true'  # what it asks for sys.prefix
    done, calls = post_build(tmp_path, prefix, "inkling-book @ URL\n" if published else "")
    assert done.returncode == 0, done.stderr
    library = [call for call in calls if "--no-deps" in call][-1]
    copies = [call for call in calls if "learner_copies.py workshop" in call]
    if published:
        assert library.endswith("-r binder/library.txt") and not copies
    else:
        assert library.endswith("-e .") and copies
    settings = json.loads((tmp_path / "etc" / "jupyter" / "jupyter_lab_config.json").read_text())
    assert settings["LabApp"]["default_url"] == "/lab/tree/workshop/start.ipynb"


def test_start_hands_on_what_it_is_given_with_sleeping_threads():
    said = run([BINDER / "start", "printenv", "OMP_WAIT_POLICY"], OMP_WAIT_POLICY="")
    assert said.returncode == 0 and said.stdout == "PASSIVE\n", said.stderr
    assert run([BINDER / "start", "sh", "-c", "exit 7"]).returncode == 7


def test_binders_versions_are_the_books():
    wrong = {n: v for n, v in (BINDERS | AFTERWARDS).items() if test_house.PINS.get(n) != v}
    assert BINDERS and AFTERWARDS and not wrong, f"requirements.txt pins other versions: {wrong}"


def needs(names: set[str]) -> set[str]:
    """The distributions `names` and all that they need, as the installed ones say it."""
    seen, waiting = set(), {name.lower().replace("_", "-") for name in names}
    while waiting:
        name = waiting.pop()
        seen.add(name)
        try:
            requires = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue  # needed on another system only
        for requirement in map(Requirement, requires):
            marker: Marker | None = requirement.marker
            if marker is None or marker.evaluate({"extra": ""}):
                waiting |= {requirement.name.lower().replace("_", "-")} - seen
    return seen


def test_nothing_brings_torch_before_post_build_chooses_it():
    guilty = [name for name in BINDERS if "torch" in needs({name})]
    assert not guilty, f"{guilty} depend on torch: install them in postBuild, after it"


def imported_by_notebooks() -> dict[str, str]:
    """Top-level names that notebooks import, and one notebook for each."""
    found = {}
    for name in NOTEBOOKS:
        for cell in nbformat.read(ROOT / name, as_version=4).cells:
            if cell.cell_type == "code":
                for node in ast.walk(ast.parse(cell.source)):
                    names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
                    names += (
                        [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
                    )
                    found |= {full.split(".")[0]: name for full in names}
    return found


def test_binder_has_all_that_the_notebooks_and_the_library_import():
    there = needs({*BINDERS, *AFTERWARDS})
    imports = imported_by_notebooks()
    for path in test_house.tracked("inkling/**/*.py"):
        imports |= {name.split(".")[0]: path.name for name in test_house.imported(path)}
    where = importlib.metadata.packages_distributions()
    for name in imports.keys() - set(sys.stdlib_module_names) - {"inkling", "google"}:
        owners = {owner.lower().replace("_", "-") for owner in where.get(name, [])}
        assert owners & there, (
            f"{imports[name]} imports {name}; binder/ does not install {owners or name}"
        )


def test_pip_agrees_with_what_binder_asks_for():
    """The resolver's verdict, against the installed packages, with no index to ask."""
    names = [f"{name}=={version}" for name, version in AFTERWARDS.items()]
    pip = [sys.executable, "-m", "pip", "install", "--dry-run"]
    resolved = run([*pip, "-r", BINDER / "requirements.txt", *names])
    assert resolved.returncode == 0 and "Would install" not in resolved.stdout, (
        resolved.stdout + resolved.stderr
    )
    assert run([*pip, "-r", BINDER / "requirements.txt", "numpy<2"]).returncode != 0, (
        "pip would take anything"
    )


# --- a JupyterHub's image, and a development container --------------------------------------------

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_the_image_is_made_of_binders_files():
    version = (BINDER / "runtime.txt").read_text().strip().replace("python-", "python:")
    assert re.search(rf"^FROM {re.escape(version)}-slim$", DOCKERFILE, re.MULTILINE)
    assert "-r binder/requirements.txt -r binder/jupyterhub.txt" in DOCKERFILE
    assert "RUN binder/postBuild" in DOCKERFILE and "OMP_WAIT_POLICY=PASSIVE" in DOCKERFILE
    assert re.search(r"^jupyterhub==[\d.]+$", (BINDER / "jupyterhub.txt").read_text(), re.MULTILINE)
    user = re.search(r"^USER (\w+)$", DOCKERFILE, re.MULTILINE)
    assert user and f"--uid 1000 {user[1]}" in DOCKERFILE, "people do not work as root"
    assert DOCKERFILE.index("\nUSER") > DOCKERFILE.index("postBuild")
    assert "JUPYTERHUB_DEFAULT_URL=/lab/tree/workshop/start.ipynb" in DOCKERFILE


def test_what_the_image_copies_is_not_ignored():
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    needed = ["book", "binder", "inkling", "labs", "tools", "pyproject.toml", "README.md"]
    assert not set(needed) & set(ignored) and {".git", ".venv", "workshop"} <= set(ignored)


@pytest.mark.skipif(os.name == "nt", reason="the image is Linux")
def test_a_new_home_gets_the_copies_and_work_in_it_stays(tmp_path):
    enter = [BINDER / "home", "pwd"]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    first = run(enter, HOME=str(tmp_path), PATH=path)
    assert first.returncode == 0, first.stderr
    assert Path(first.stdout.splitlines()[-1]).samefile(tmp_path), "people begin in their home"
    mine = [tmp_path / "workshop" / "start.ipynb", tmp_path / "book" / "model" / "attention.ipynb"]
    for path_of_mine in mine:
        path_of_mine.write_text("my work")
    again = run([BINDER / "home", "sh", "-c", "exit 7"], HOME=str(tmp_path), PATH=path)
    assert again.returncode == 7, "what was asked for is done, and its end is the end"
    assert [each.read_text() for each in mine] == ["my work", "my work"]


def test_the_development_container_makes_the_environment():
    text = (ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8")
    settings = json.loads(re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE))
    assert settings["image"].startswith("python:3.12")
    target = re.match(r"make (\w+) ", settings["postCreateCommand"])[1]
    assert re.search(rf"^{target}: \$\(READY\)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert "learner_copies.py workshop" in settings["postCreateCommand"]


# --- the launch buttons ---------------------------------------------------------------------------


def launch_options(monkeypatch, repository: str | None) -> SimpleNamespace:
    """The site's settings where the environment names a repository, or where nothing tells one."""
    if repository:
        monkeypatch.setenv("GITHUB_REPOSITORY", repository)
    else:
        monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)
        monkeypatch.setattr(inkling_site, "repository_url", lambda *_: "")
    config = SimpleNamespace(html_theme_options={}, nb_execution_mode="cache")
    inkling_site.configure(None, config)
    return config


def test_the_buttons_open_the_repository_that_the_environment_names(monkeypatch):
    options = launch_options(monkeypatch, "ann/fork").html_theme_options
    assert options["repository_url"] == "https://github.com/ann/fork"
    assert options["launch_buttons"]["binderhub_url"] and options["launch_buttons"]["colab_url"]


def test_without_an_address_there_are_no_buttons_that_lead_nowhere(monkeypatch):
    options = launch_options(monkeypatch, None).html_theme_options
    assert (
        not options["launch_buttons"]["binderhub_url"]
        and not options["launch_buttons"]["colab_url"]
    )


def test_a_page_has_both_buttons_and_speaks_of_them(tmp_path):
    """A small book with the real settings and the real texts about the buttons, unexecuted, built
    as a fork's CI would.
    """
    for folder in ("_ext", "_static"):
        hidden = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "book" / folder, tmp_path / "book" / folder, ignore=hidden)
    for name in ("_config.yml", "requirements.txt"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copy(ROOT / "book" / "references.bib", tmp_path / "book")
    said = "".join(
        re.search(r":::\{rocket\}\n.*?\n:::\n", (ROOT / name).read_text("utf-8"), re.DOTALL)[0]
        for name in ("book/index.md", "book/how_to_read.md", "labs/index.md")
    )
    (tmp_path / "book" / "index.md").write_text(f"# A small book\n\n{said}\n", encoding="utf-8")
    badge = next(
        cell.source
        for cell in nbformat.read(ROOT / "labs" / "tokenizer.ipynb", as_version=4).cells
        if "run-me-live" in cell.source
    )
    pages = ["labs/one", "book/two"]
    for page in pages:
        texts = [nbformat.v4.new_markdown_cell(text) for text in ("# A page", badge)]
        cells = [*texts, nbformat.v4.new_code_cell("1 + 1")]
        (tmp_path / page).parent.mkdir(exist_ok=True)
        notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": notebooks.KERNEL})
        nbformat.write(notebook, tmp_path / f"{page}.ipynb")
    toc = "format: jb-book\nroot: book/index\nchapters:\n" + "".join(
        f"  - file: {page}\n" for page in pages
    )
    (tmp_path / "_toc.yml").write_text(toc, encoding="utf-8")
    python = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()"]
    address = {"GITHUB_REPOSITORY": "ann/fork", "INKLING_EXECUTE": "off"}
    built = run([*python, "build", tmp_path], PYTHONPATH=str(ROOT), **address)
    assert built.returncode == 0, built.stdout[-3000:] + built.stderr[-3000:]
    html = {
        page: (tmp_path / "_build" / "html" / f"{page}.html").read_text(encoding="utf-8")
        for page in ["book/index", *pages]
    }
    for page, opened in {"labs/one": "workshop/one", "book/two": "book/two"}.items():
        binder = "https://mybinder.org/v2/gh/ann/fork/published?urlpath=lab/tree"
        colab = "https://colab.research.google.com/github/ann/fork/blob/published"
        assert f"{binder}/{opened}.ipynb" in html[page]
        assert f"{colab}/{opened}.ipynb" in html[page]
    talk = [len(re.findall(r"[Rr]ocket at the top", html[page])) for page in html]
    assert talk == [3, 1, 1], talk


def test_without_an_address_no_page_speaks_of_buttons(monkeypatch):
    assert launch_options(monkeypatch, "ann/fork").inkling_rocket
    config = launch_options(monkeypatch, None)
    assert config.inkling_rocket is False
    rocket = inkling_site.Rocket.__new__(inkling_site.Rocket)
    settings = SimpleNamespace(env=SimpleNamespace(config=config))
    rocket.state = SimpleNamespace(document=SimpleNamespace(settings=settings))
    assert rocket.run() == []
    body = '<div class="run-me-live">\n<p>Say make lab.</p>\n</div>'
    context = {"header_buttons": [{"label": "source-buttons", "buttons": []}], "body": body}
    app = SimpleNamespace(config=config)
    inkling_site.launch_what_is_published(app, "labs/one", "page.html", context, None)
    assert context["body"] == body


def test_no_other_text_promises_a_button():
    """What stands in `{rocket}` is shown only where there is one; the rest is always shown."""
    for path in [*test_house.tracked("book/**/*.md", "labs/*.md"), *map(ROOT.joinpath, NOTEBOOKS)]:
        text = path.read_text(encoding="utf-8")
        text = re.sub(r":::\{rocket\}\n.*?\n:::\n", "", text, flags=re.DOTALL)
        assert not re.search(r"rocket at the top|on Binder or Colab", text, re.IGNORECASE), path

"""Binder and Colab: what they would do with this repository, as far as that can be tried here
without a network.

Colab: the bootstrap cell runs in a fresh environment beside a stub of `google.colab`, and pip finds
the release as a wheel in a folder. The heavy packages that a Colab machine has (torch and so on)
are those of this environment, shown to the fresh one through links; torch's metadata is changed to
another version, as on Colab, so that it must be left alone. Binder: the files that repo2docker
reads, and pip's own verdict on them.
"""

from __future__ import annotations

import ast
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path
from types import SimpleNamespace

import environment
import inkling_site
import nbformat
import notebooks
import pytest
import test_house
from conftest import NOTEBOOKS, ROOT
from packaging.markers import Marker
from packaging.requirements import Requirement

BINDER = ROOT / "binder"
NO_INDEX = {
    "PIP_NO_INDEX": "1",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_CONFIG_FILE": os.devnull,
}
COLABS_TORCH = "2.8.0+cu126"  # some other version than the book's, with a local part as theirs have


def run(command: list, **changed: str) -> subprocess.CompletedProcess:
    variables = (
        {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "PYTHON"))}
        | NO_INDEX
        | changed
    )
    command = [str(part) for part in command]
    return subprocess.run(
        command, cwd=ROOT / "binder", env=variables, capture_output=True, text=True, timeout=300
    )


# --- the wheel ------------------------------------------------------------------------------------


def build_wheel(source: Path, into: Path) -> Path:
    """The package built as it is released."""
    built = run(
        [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "-q",
            "--no-deps",
            "--no-build-isolation",
            "-w",
            into,
            source,
        ]
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return next(into.glob("inkling_book-*.whl"))


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    """A copy of what the package is built from, so that building leaves nothing in the
    repository.
    """
    folder = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(
        ROOT / "inkling", folder / "inkling", ignore=shutil.ignore_patterns("__pycache__")
    )
    return folder


@pytest.fixture(scope="module")
def wheels(source, tmp_path_factory) -> Path:
    """A folder with the release as a wheel."""
    folder = tmp_path_factory.mktemp("wheels")
    build_wheel(source, folder)
    return folder


def test_the_wheel_has_every_file_of_the_library(source, wheels):
    with zipfile.ZipFile(next(wheels.iterdir())) as wheel:
        inside = set(wheel.namelist())
    files = {
        path.relative_to(source).as_posix()
        for path in (source / "inkling").rglob("*")
        if path.is_file()
    }
    lost = {file for file in files - inside if not file.endswith((".pyc", "ruff.toml"))}
    assert not lost, (
        f"not in the wheel: {sorted(lost)[:8]}; see [tool.setuptools.package-data] in"
        " pyproject.toml"
    )
    assert any(
        name.startswith("inkling/checkpoints/") and name.endswith(".safetensors") for name in inside
    )


# --- Colab ----------------------------------------------------------------------------------------


class Colab:
    """A fresh environment with a stub of google.colab, and with this environment's packages except
    our own.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        venv.create(folder / "venv", with_pip=True)
        self.python = environment.python_in(folder / "venv")
        paths = run(
            [self.python, "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"]
        )
        self.packages = Path(paths.stdout.strip())
        (self.packages / "google" / "colab").mkdir(parents=True)
        (self.packages / "google" / "colab" / "__init__.py").write_text("")
        self.image = folder / "image"
        self.image.mkdir()
        own = ("inkling_book", "__editable__", "__editable___", "pip", "__pycache__", "torch-")
        for path in Path(importlib.metadata.distribution("torch").locate_file("")).iterdir():
            if not path.name.startswith(own) and path.suffix != ".pth":
                (self.image / path.name).symlink_to(path)
        metadata = importlib.metadata.distribution("torch").read_text("METADATA")
        self.torch = self.image / f"torch-{COLABS_TORCH}.dist-info"
        self.torch.mkdir()
        changed = re.sub(
            r"^Version: .*$", f"Version: {COLABS_TORCH}", metadata, count=1, flags=re.MULTILINE
        )
        changed = re.sub(r"^Requires-Dist: .*\n", "", changed, flags=re.MULTILINE)
        (self.torch / "METADATA").write_text(changed, encoding="utf-8")
        (self.torch / "RECORD").write_text("torch/__init__.py,,\n")
        (self.packages / "image.pth").write_text(f"{self.image}\n")

    def cell(self, source: str, wheels: Path, colab: bool = True) -> subprocess.CompletedProcess:
        """Run a cell's source; on Colab the kernel has loaded google.colab before the first one."""
        before = "import google.colab\n" if colab else ""
        return run(
            [self.python, "-c", before + source], PIP_FIND_LINKS=str(wheels), OMP_NUM_THREADS="1"
        )

    def installed(self) -> set[str]:
        """The distributions in the environment itself, without those of the image."""
        return {path.name.split("-")[0] for path in self.packages.glob("*.dist-info")}


@pytest.fixture(scope="module")
def colab(tmp_path_factory) -> Colab:
    if os.name == "nt":
        pytest.skip("links need a right on Windows that few have")
    return Colab(tmp_path_factory.mktemp("colab"))


USE_IT = """
import inkling, torch
from inkling import checkpoints
from inkling.training.generate import generate
from inkling.text.tokenizer import Tokenizer
from inkling.model.transformer import Transformer
folder = checkpoints.path("base")
model, tokenizer = Transformer.from_pretrained(folder), Tokenizer.load(folder / "tokenizer.json")
print("AT", inkling.__file__)
print("WRITES", tokenizer.decode(generate(model, [tokenizer.eos_id], 8, seed=1)))
import importlib.metadata
print("TORCH", importlib.metadata.version("torch"))
import inkling.labs.background
"""


def test_off_colab_the_bootstrap_does_nothing(colab, wheels):
    bare = colab.cell(notebooks.BOOTSTRAP, wheels, colab=False)
    assert bare.returncode == 0 and "inkling_book" not in colab.installed()
    guarded = colab.cell(
        "import subprocess\nsubprocess.run = None\n" + notebooks.BOOTSTRAP, wheels, colab=False
    )
    assert guarded.returncode == 0, guarded.stderr


def test_on_colab_the_bootstrap_installs_the_release_and_keeps_torch(colab, wheels):
    def image() -> list[str]:
        return sorted(path.name for path in colab.image.iterdir() if path.name != "__pycache__")

    before = image()
    cells = colab.cell(notebooks.BOOTSTRAP + "\n" + USE_IT, wheels)
    assert cells.returncode == 0, cells.stdout + cells.stderr
    at = Path(re.search(r"^AT (.*)$", cells.stdout, re.MULTILINE)[1])
    assert colab.packages in at.parents, f"the library came from {at}, not from the wheel"
    assert re.search(r"^WRITES .*\w", cells.stdout, re.MULTILINE), (
        "the shipped model does not write"
    )
    assert f"TORCH {COLABS_TORCH}" in cells.stdout
    assert colab.installed() == {"pip", "inkling_book"} | ({"setuptools"} & colab.installed()), (
        "pip installed more"
    )
    assert image() == before and colab.torch.is_dir(), "pip changed what was there"
    again = colab.cell(notebooks.BOOTSTRAP, wheels)
    assert again.returncode == 0, "a second run of the cell must do no harm"


def test_a_release_that_would_replace_colabs_torch_is_noticed(colab, source, tmp_path):
    """The test above can fail: a package that pins torch cannot be installed beside Colab's."""
    for file in source.iterdir():
        if file.is_file():
            shutil.copy(file, tmp_path)
    (tmp_path / "inkling").mkdir()
    (tmp_path / "inkling" / "__init__.py").write_text("")
    project = (tmp_path / "pyproject.toml").read_text(encoding="utf-8")
    project = project.replace('"torch>=2.4"', f'"torch=={test_house.PINS["torch"]}"').replace(
        '"0.1.0"', '"0.1.99"'
    )
    (tmp_path / "pyproject.toml").write_text(project, encoding="utf-8")
    build_wheel(tmp_path, tmp_path / "wheels")
    cell = notebooks.BOOTSTRAP.replace(notebooks.VERSION, "0.1.99")
    result = colab.cell(cell, tmp_path / "wheels")
    assert result.returncode != 0 and "torch==" in result.stdout + result.stderr


def test_a_release_that_does_not_exist_stops_the_first_cell(colab, wheels):
    result = colab.cell(notebooks.BOOTSTRAP.replace(notebooks.VERSION, "9.9.9"), wheels)
    assert result.returncode != 0 and "9.9.9" in result.stderr


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
    assert f"--index-url {environment.CPU_INDEX} torch=={test_house.PINS['torch']}" in POST_BUILD
    assert "--no-deps -e ." in POST_BUILD, (
        "the library itself, without a second look at its dependencies"
    )


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


# --- the launch buttons ---------------------------------------------------------------------------


def launch_options(monkeypatch, repository: str | None) -> dict:
    if repository:
        monkeypatch.setenv("GITHUB_REPOSITORY", repository)
    else:
        monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)
        monkeypatch.setattr(inkling_site, "repository_url", lambda *_: "")
    config = SimpleNamespace(html_theme_options={}, nb_execution_mode="cache")
    inkling_site.configure(None, config)
    return config.html_theme_options


def test_the_buttons_open_the_repository_that_the_environment_names(monkeypatch):
    options = launch_options(monkeypatch, "ann/fork")
    assert options["repository_url"] == "https://github.com/ann/fork"
    assert options["launch_buttons"]["binderhub_url"] and options["launch_buttons"]["colab_url"]


def test_without_an_address_there_are_no_buttons_that_lead_nowhere(monkeypatch):
    options = launch_options(monkeypatch, None)
    assert (
        not options["launch_buttons"]["binderhub_url"]
        and not options["launch_buttons"]["colab_url"]
    )


def test_every_notebooks_page_has_both_buttons(tmp_path):
    """A small book with the real settings, two of the notebooks, unexecuted, built as a fork's CI
    would.
    """
    shutil.copytree(
        ROOT / "book" / "_ext",
        tmp_path / "book" / "_ext",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    shutil.copytree(ROOT / "book" / "_static", tmp_path / "book" / "_static")
    for name in ("_config.yml", "requirements.txt"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copy(ROOT / "book" / "references.bib", tmp_path / "book")
    (tmp_path / "book" / "index.md").write_text("# A small book\n", encoding="utf-8")
    pages = ["labs/one", "book/two"]
    for page in pages:
        cells = [nbformat.v4.new_markdown_cell("# A page"), nbformat.v4.new_code_cell("1 + 1")]
        (tmp_path / page).parent.mkdir(exist_ok=True)
        notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": notebooks.KERNEL})
        nbformat.write(notebook, tmp_path / f"{page}.ipynb")
    toc = "format: jb-book\nroot: book/index\nchapters:\n" + "".join(
        f"  - file: {page}\n" for page in pages
    )
    (tmp_path / "_toc.yml").write_text(toc, encoding="utf-8")
    command = [
        sys.executable,
        "-c",
        "from jupyter_book.cli.main import main; main()",
        "build",
        tmp_path,
    ]
    built = run(command, GITHUB_REPOSITORY="ann/fork", INKLING_EXECUTE="off", PYTHONPATH=str(ROOT))
    assert built.returncode == 0, built.stdout[-3000:] + built.stderr[-3000:]
    for page in pages:
        html = (tmp_path / "_build" / "html" / f"{page}.html").read_text(encoding="utf-8")
        assert f"https://mybinder.org/v2/gh/ann/fork/main?urlpath=lab/tree/{page}.ipynb" in html
        assert f"https://colab.research.google.com/github/ann/fork/blob/main/{page}.ipynb" in html

"""The published branch, made of a clone with a made-up address, and what Colab makes of it.

Colab is simulated: a fresh environment with a stub of `google.colab`, and the release's wheel on a
server of this machine. The heavy packages that a Colab machine has (torch and so on) are those of
this environment, shown to the fresh one through links; torch's metadata is changed to another
version, as on Colab, so that it must be left alone. A cell runs in a kernel, as there.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
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
import listings
import nbformat
import notebooks
import published
import pytest
import test_house
from conftest import NOTEBOOKS, ROOT, serving
from fresh import clone, git
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from no_index import NO_INDEX, run
from sphinx_book_theme.header_buttons.launch import add_launch_buttons

ADDRESS = "https://github.com/ann/fork"
COLABS_TORCH = "2.8.0+cu126"  # some other version than the book's, with a local part as theirs have


# --- the release, and the tree that is made of it -------------------------------------------------


def build_wheel(source: Path, into: Path) -> Path:
    """The package built as it is released."""
    pip = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
    built = run([*pip, "-w", into, source])
    assert built.returncode == 0, built.stdout + built.stderr
    return next(into.glob("inkling_book-*.whl"))


@pytest.fixture(scope="module")
def repository(tmp_path_factory) -> Path:
    return clone(tmp_path_factory.mktemp("clone") / "repository")


@pytest.fixture(scope="module")
def wheel(repository, tmp_path_factory) -> Path:
    return build_wheel(repository, tmp_path_factory.mktemp("wheels"))


@pytest.fixture(scope="module")
def server(wheel):
    """The address of a web server that has the release's wheel, and nothing else."""
    with serving(wheel.parent) as address:
        yield address


@pytest.fixture(scope="module")
def release(wheel, server) -> published.Wheel:
    return published.Wheel(wheel, f"{server}/{wheel.name}", ADDRESS)


@pytest.fixture(scope="module")
def cache(repository, tmp_path_factory) -> Path:
    """What the build leaves, with a line for each notebook in place of what it would say."""
    folder = tmp_path_factory.mktemp("cache")
    store = get_cache(str(folder))
    for path in listings.notebooks(repository):
        notebook = nbformat.read(path, as_version=4)
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        for number, cell in enumerate(code, 1):
            cell.execution_count = number
        code[-1].outputs = [nbformat.v4.new_output("stream", text=f"this was {path.name}\n")]
        notebook.metadata["widgets"] = {"state of": path.name}
        store.cache_notebook_bundle(CacheBundleIn(notebook, str(path)), check_validity=False)
    return folder


@pytest.fixture(scope="module")
def tree(repository, release, cache, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "published"
    published.publish(folder, release, cache, repository)
    return folder


def files_in(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def test_the_wheel_has_every_file_of_the_library(repository, wheel):
    with zipfile.ZipFile(wheel) as inside:
        held = {name for name in inside.namelist() if name.startswith("inkling/")}
    files = {name for name in git(repository, "ls-files", "inkling").splitlines()}
    lost = {name for name in files - held if not name.endswith("ruff.toml")}
    assert not lost, f"not in the wheel: {sorted(lost)[:8]}; see package-data in pyproject.toml"
    assert any(re.search(r"checkpoints/.*\.safetensors$", name) for name in held)


def test_every_notebook_is_there_as_it_was_executed(tree, repository):
    for name in NOTEBOOKS:
        notebook = nbformat.read(tree / name, as_version=4)
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        assert code[-1].outputs[0].text == f"this was {Path(name).name}\n"
        assert all(cell.execution_count for cell in code)
        assert notebook.metadata.widgets == {"state of": Path(name).name}
        before = nbformat.read(repository / name, as_version=4).cells
        assert [c.source for c in notebook.cells if not c.metadata.get("bootstrap")] == [
            c.source for c in before if not c.metadata.get("bootstrap")
        ]


def test_every_lab_has_a_learners_copy_without_solutions_and_outputs(tree):
    masters = {path.name for path in (tree / "labs").glob("*.ipynb")}
    assert masters == {path.name for path in (tree / "workshop").glob("*.ipynb")} and masters
    for name in masters:
        copy = nbformat.read(tree / "workshop" / name, as_version=4)
        text = "\n".join(cell.source for cell in copy.cells)
        assert "<details>" not in text and "run-me-live" not in text
        assert not any(cell.get("outputs") for cell in copy.cells)
    assert "<details>" in (tree / "labs" / "tokenizer.ipynb").read_text("utf-8")


def test_every_first_cell_installs_this_wheel_and_is_folded(tree, release):
    cell = notebooks.published_bootstrap(release.url, release.sha256)
    assert f'"{release.url}#sha256={hashlib.sha256(release.path.read_bytes()).hexdigest()}"' in cell
    for path in tree.rglob("*.ipynb"):
        first = next(c for c in nbformat.read(path, 4).cells if c.cell_type == "code")
        assert first.source == cell, path
        assert first.metadata.jupyter.source_hidden and "hide-cell" in first.metadata.tags


def test_nothing_is_ever_installed_by_the_packages_name(tree):
    """Whoever has the name on an index would run code on every reader's machine."""
    name = re.compile(r"inkling[-_]book(?! @ |[-_]\d|-py3)", re.IGNORECASE)
    for cell in (notebooks.BOOTSTRAP, notebooks.published_bootstrap("URL", "HASH")):
        assert not name.search(cell)
    for path in (tree / "binder").iterdir():
        assert not name.search(path.read_text("utf-8")), path.name
    assert name.search('"inkling-book==0.1.0"'), "the pattern finds nothing"


def test_binder_installs_this_wheel_by_its_hash(tree, release):
    (line,) = [
        line
        for line in (tree / "binder" / "library.txt").read_text().splitlines()
        if not line.startswith("#")
    ]
    assert line == f"inkling-book @ {release.url}#sha256={release.sha256}"
    for name in ("postBuild", "start"):
        assert (tree / "binder" / name).stat().st_mode & 0o111 or os.name == "nt"
    assert not (tree / "inkling").exists(), "it would be imported in place of the wheel"


def test_the_branch_says_what_it_is(tree, release, repository):
    text = (tree / "README.md").read_text(encoding="utf-8")
    binder = "https://mybinder.org/v2/gh/ann/fork/published?urlpath=lab/tree/workshop/start.ipynb"
    for each in (notebooks.VERSION, ADDRESS, binder, release.url, release.sha256):
        assert each in text
    assert git(repository, "rev-parse", "HEAD")[:12] in text


def test_the_pages_beside_the_notebooks_are_there_too(tree):
    """A link or a picture in a notebook leads to a file of the branch; the chapter that searches
    the book finds it.
    """
    assert {"_toc.yml", "LICENSE", "book/glossary.md", "labs/index.md"} <= files_in(tree)
    for path in tree.rglob("*.ipynb"):
        cells = nbformat.read(path, as_version=4).cells
        text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
        targets = re.findall(r"\]\(([\w./-]+\.(?:ipynb|md|svg|png))\)", text)
        targets += re.findall(r"```\{image\} (\S+)", text)
        lost = [target for target in targets if not (path.parent / target).is_file()]
        assert not lost, f"{path.relative_to(tree)} refers to {lost}"


# --- what is refused ------------------------------------------------------------------------------


def refusal(folder: Path, release, cache: Path, root: Path) -> str:
    """The one sentence with which it refuses; nothing is left behind."""
    before = sorted(folder.parent.iterdir())
    with pytest.raises(published.NotPublished) as refused:
        published.publish(folder, release, cache, root)
    assert sorted(folder.parent.iterdir()) == before, "something is half-written"
    sentence = str(refused.value)
    assert "\n" not in sentence and sentence.endswith(".")
    return sentence


def test_a_notebook_that_was_not_executed_is_refused(repository, release, cache, tmp_path):
    fewer = shutil.copytree(cache, tmp_path / "cache")
    store = get_cache(str(fewer))
    store.remove_cache(next(r.pk for r in store.list_cache_records() if "quantise" in r.uri))
    folder = tmp_path / "published"
    assert "real/quantise.ipynb has not been executed" in refusal(
        folder, release, fewer, repository
    )
    assert "has not been executed" in refusal(folder, release, tmp_path / "none", repository)
    assert not (tmp_path / "none").exists()


def test_an_unclean_tree_is_refused(repository, release, cache, tmp_path):
    (repository / "forgotten.py").write_text("")
    try:
        assert "not committed" in refusal(tmp_path / "published", release, cache, repository)
    finally:
        (repository / "forgotten.py").unlink()


def other_wheel(release: published.Wheel, folder: Path, name: str, more: bytes = b""):
    """A copy of the release's wheel under another name, with its first module changed."""
    target = folder / name
    with zipfile.ZipFile(release.path) as old, zipfile.ZipFile(target, "w") as new:
        for each in old.namelist():
            new.writestr(each, old.read(each) + (more if each == "inkling/__init__.py" else b""))
    return published.Wheel(target, f"https://example.org/{name}", ADDRESS)


def test_a_wheel_that_is_not_this_package_is_refused(repository, release, cache, tmp_path):
    name = release.path.name
    older = other_wheel(release, tmp_path, name.replace(notebooks.VERSION, "0.0.9"))
    changed = other_wheel(release, tmp_path, name, b"\n# one thing more\n")
    missing = published.Wheel(tmp_path / "none" / name, release.url, ADDRESS)
    elsewhere = published.Wheel(release.path, "https://example.org/latest", ADDRESS)
    for wrong, word in (
        (older, f"is not version {notebooks.VERSION}"),
        (changed, "holds another inkling/__init__.py"),
        (missing, "is not there"),
        (elsewhere, "must end in the wheel's name"),
    ):
        assert word in refusal(tmp_path / "published", wrong, cache, repository)


def test_without_an_address_and_over_something_else_nothing_is_made(
    repository, release, cache, tmp_path
):
    nowhere = published.Wheel(release.path, release.url, "")
    assert "GITHUB_REPOSITORY" in refusal(tmp_path / "published", nowhere, cache, repository)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    assert "is not empty" in refusal(tmp_path / "full", release, cache, repository)


def test_the_command_says_its_sentence_and_fails(repository, wheel, tmp_path):
    command = [sys.executable, repository / "tools" / "published.py", "--to", tmp_path / "out"]
    command += ["--wheel", wheel, "--wheel-url", f"https://example.org/{wheel.name}"]
    done = run(command, GITHUB_REPOSITORY="ann/fork")
    assert (done.returncode, done.stdout) == (1, "") and not (tmp_path / "out").exists()
    (sentence,) = done.stderr.splitlines()
    assert "has not been executed" in sentence and "make book" in sentence


# --- the site's buttons ---------------------------------------------------------------------------


def launch_links(page: str, monkeypatch) -> list[str]:
    """The launch links that the theme and the site's extension give a page of a fork's site."""
    monkeypatch.setenv("GITHUB_REPOSITORY", "ann/fork")
    config = type("Config", (dict,), {})(html_theme_options={})
    config.html_theme_options, config.nb_execution_mode = config["html_theme_options"], "cache"
    inkling_site.configure(None, config)
    metadata = {page: {"kernelspec": {}}}
    pages = SimpleNamespace(doc2path=lambda name: f"{name}.ipynb", metadata=metadata)
    app = SimpleNamespace(config=config, env=pages)
    context = {"header_buttons": [], "pagename": page, "sourcename": f"{page}.ipynb", "body": ""}
    context |= {"github_url": "https://github.com", "github_user": "ann", "github_repo": "fork"}
    add_launch_buttons(app, page, "page.html", context, None)
    inkling_site.launch_what_is_published(app, page, "page.html", context, None)
    return [button["url"] for group in context["header_buttons"] for button in group["buttons"]]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_buttons_of_a_page_open_a_file_of_the_branch(name, tree, monkeypatch):
    binder, colab = launch_links(name.removesuffix(".ipynb"), monkeypatch)
    before = "https://mybinder.org/v2/gh/ann/fork/published?urlpath=lab/tree/"
    on_colab = "https://colab.research.google.com/github/ann/fork/blob/published/"
    assert binder.startswith(before) and colab.startswith(on_colab)
    opened = binder.removeprefix(before)
    assert (tree / opened).is_file() and opened == colab.removeprefix(on_colab)
    assert opened == name.replace("labs/", "workshop/"), "a lab opens without its solutions"


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
        kernel = [self.python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        for name, more in {
            "colab": ["--IPKernelApp.exec_lines=import google.colab"],
            "elsewhere": [],
        }.items():
            spec = folder / "jupyter" / "kernels" / name / "kernel.json"
            spec.parent.mkdir(parents=True)
            said = {"argv": [*map(str, kernel), *more], "display_name": name, "language": "python"}
            spec.write_text(json.dumps(said), encoding="utf-8")
        self.variables = {k: v for k, v in os.environ.items() if not k.startswith("PIP_")}
        self.variables |= NO_INDEX | {
            "PIP_NO_BUILD_ISOLATION": "0",  # pip's way to say that there is to be none
            "JUPYTER_PATH": str(folder / "jupyter"),
            "IPYTHONDIR": str(folder / "ipython"),
            "OMP_NUM_THREADS": "1",
        }

    def open(
        self, notebook: nbformat.NotebookNode, folder: Path, kernel: str = "colab"
    ) -> nbformat.NotebookNode:
        """Run a notebook that lies in `folder` to its end, or to the cell that stops it."""
        notebook.metadata.kernelspec = {"name": kernel, "display_name": kernel}
        client = NotebookClient(
            notebook, timeout=240, kernel_name=kernel, resources={"metadata": {"path": str(folder)}}
        )
        with pytest.MonkeyPatch.context() as patch:
            for name in os.environ:
                patch.delenv(name)
            for name, value in self.variables.items():
                patch.setenv(name, value)
            try:
                client.execute()
            except CellExecutionError:
                pass
        return notebook

    def cells(self, *sources: str, folder: Path | None = None, kernel: str = "colab") -> list:
        """The outputs of cells, one list for each."""
        cells = [nbformat.v4.new_code_cell(source) for source in sources]
        opened = self.open(nbformat.v4.new_notebook(cells=cells), folder or self.folder, kernel)
        return [cell.outputs for cell in opened.cells]

    def installed(self) -> set[str]:
        """The distributions in the environment itself, without those of the image."""
        names = {path.name.split("-")[0] for path in self.packages.glob("*.dist-info")}
        return names - {"pip", "setuptools"}

    def forget(self) -> None:
        """Take away what was installed."""
        for path in self.packages.iterdir():
            if "inkling" in path.name:
                shutil.rmtree(path) if path.is_dir() else path.unlink()


@pytest.fixture(scope="module")
def machine(tmp_path_factory) -> Colab:
    if os.name == "nt":
        pytest.skip("links need a right on Windows that few have")
    return Colab(tmp_path_factory.mktemp("colab"))


@pytest.fixture
def colab(machine) -> Colab:
    """As it is lent, with nothing installed by anybody."""
    machine.forget()
    return machine


def sentence_of(outputs: list[list]) -> str:
    """What a reader sees of a notebook that its first cell stopped: one sentence, and no more."""
    *before, error = outputs[0]
    assert error.output_type == "error" and not any(outputs[1:]), outputs
    said = "".join(output.text for output in before)
    assert said in ("", f"Installing Inkling {notebooks.VERSION} takes about half a minute.\n")
    (sentence,) = error.traceback
    assert "\n" not in sentence and sentence == error.evalue
    return sentence


USE_IT = """
import importlib.metadata, inkling
print(inkling.__file__, importlib.metadata.version("torch"))
"""


def test_a_published_notebook_runs_to_its_end_on_colab_and_keeps_torch(colab, tree):
    def image() -> list[str]:
        return sorted(path.name for path in colab.image.iterdir() if path.name != "__pycache__")

    before = image()
    notebook = nbformat.read(tree / "workshop" / "start.ipynb", as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(USE_IT))
    opened = colab.open(notebook, colab.folder)
    code = [cell for cell in opened.cells if cell.cell_type == "code"]
    said = [output for cell in code for output in cell.outputs]
    assert all(cell.execution_count for cell in code), said
    assert not [output for output in said if output.output_type == "error"]
    at, torch = code[-1].outputs[0].text.split()
    assert colab.packages in Path(at).parents, f"the library came from {at}, not from the wheel"
    assert torch == COLABS_TORCH and image() == before, "pip changed what was there"
    assert colab.installed() == {"inkling_book"}, "pip installed more"
    again = colab.cells(next(cell.source for cell in code))
    assert again == [[]], "where the library is, the cell does nothing and says nothing"


def published_cell(url: str, sha256: str) -> str:
    return notebooks.published_bootstrap(url, sha256)


def test_a_wheel_with_another_hash_is_not_installed(colab, release):
    outputs = colab.cells(published_cell(release.url, "0" * 64), "print('went on')")
    assert "not what was released" in sentence_of(outputs) and not colab.installed()


def test_a_wheel_that_is_not_there_stops_the_notebook(colab, release):
    url = release.url.replace("inkling_book-", "inkling_book-9")
    outputs = colab.cells(published_cell(url, release.sha256), "print('went on')")
    assert "it is not there" in sentence_of(outputs) and not colab.installed()


def test_without_a_network_the_notebook_stops(colab, release):
    url = re.sub(r":\d+/", ":9/", release.url)  # nothing listens there
    outputs = colab.cells(published_cell(url, release.sha256), "print('went on')")
    assert "is there a network?" in sentence_of(outputs) and not colab.installed()


def test_elsewhere_a_published_notebook_installs_nothing_and_says_how(colab, release):
    cell = published_cell(release.url, release.sha256)
    outputs = colab.cells(cell, "print('went on')", kernel="elsewhere")
    assert f'pip install "inkling-book @ {release.url}' in sentence_of(outputs)
    assert not colab.installed()


def test_a_release_that_would_replace_colabs_torch_is_noticed(colab, server, wheel, tmp_path):
    """The test above can fail: a package that pins torch cannot be installed beside Colab's."""
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    pinned = project.replace('"torch>=2.4"', f'"torch=={test_house.PINS["torch"]}"')
    assert pinned != project
    (tmp_path / "pyproject.toml").write_text(
        pinned.replace(f'"{notebooks.VERSION}"', '"9.9.9"'), encoding="utf-8"
    )
    shutil.copy(ROOT / "README.md", tmp_path)
    (tmp_path / "inkling").mkdir()
    (tmp_path / "inkling" / "__init__.py").write_text("")
    greedy = build_wheel(tmp_path, tmp_path / "wheels")
    shutil.copy(greedy, wheel.parent)
    sha256 = hashlib.sha256(greedy.read_bytes()).hexdigest()
    outputs = colab.cells(published_cell(f"{server}/{greedy.name}", sha256))
    assert "could not install" in sentence_of(outputs) and not colab.installed()


# --- the source branch's own first cell -----------------------------------------------------------


def test_where_the_library_is_the_first_cell_does_nothing():
    done = run(
        [sys.executable, "-c", f"import subprocess\nsubprocess.run = 0\n{notebooks.BOOTSTRAP}"]
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("kernel", ["colab", "elsewhere"])
def test_a_notebook_of_a_checkout_takes_the_library_from_there(kernel, colab, repository):
    outputs = colab.cells(notebooks.BOOTSTRAP, USE_IT, folder=repository / "labs", kernel=kernel)
    assert outputs[0] == [], outputs
    at, torch = outputs[1][0].text.split()
    assert Path(at) == repository / "inkling" / "__init__.py" and torch == COLABS_TORCH
    assert colab.installed() == ({"inkling_book"} if kernel == "colab" else set())


@pytest.mark.parametrize("kernel", ["colab", "elsewhere"])
def test_without_library_and_checkout_the_notebook_stops_and_says_what_to_do(kernel, colab):
    (colab.folder / "inkling").mkdir(exist_ok=True)  # a folder of that name is no library
    outputs = colab.cells(notebooks.BOOTSTRAP, "print('went on')", kernel=kernel)
    sentence = sentence_of(outputs)
    assert "make lab" in sentence and "`published`" in sentence and not colab.installed()


def test_nbval_sees_that_the_first_cell_stopped(colab, tmp_path):
    cells = [nbformat.v4.new_code_cell(notebooks.BOOTSTRAP)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "lone.ipynb")
    command = [sys.executable, "-m", "pytest", "-p", "nbval.plugin", "--nbval-lax"]
    command += ["--nbval-kernel-name", "elsewhere", "-q", "-p", "no:cacheprovider"]
    variables = colab.variables | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        [*command, "lone.ipynb"], cwd=tmp_path, env=variables, capture_output=True, text=True
    )
    assert done.returncode == 1 and "1 failed" in done.stdout, done.stdout + done.stderr
    assert "Inkling's library is not here" in done.stdout

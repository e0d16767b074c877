"""Runs of notebooks in the background, two at a time and each with one thread: for the book
(`tools/make_book.py`) and for its tests, which take over what the other has run.

Most of a notebook's work is in matrices too small to share, so two notebooks on one core each end
sooner than one after the other on two. A run still is a process of its own, from a cold kernel. It
never ends sooner here than alone on two quiet cores (it has half the machine), so whatever keeps a
budget here keeps it there.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import learner_copies
import nbformat
import offline
import psutil
from extension import inkling_site
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn

# Threads that wait for each other sleep instead of spinning. On a machine that has something else
# to do, spinning makes a training step ten times as expensive. Set before torch is loaded, and
# inherited by every kernel and build.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# As they were before any test: a run may begin beside a test that changes them for itself.
ENVIRONMENT, Popen = dict(os.environ), subprocess.Popen

ROOT = Path(__file__).resolve().parents[1]
NAMESPACE = offline.namespace_works()
LIBRARY = inkling_site.library_fingerprint(ROOT)
AT_ONCE = max(1, min(2, os.cpu_count() or 1))
# The limit holds even where a notebook asks torch for two threads.
ONE_THREAD = {
    name: "1"
    for name in ("OMP_NUM_THREADS", "OMP_THREAD_LIMIT", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
}

# Budgets on two quiet cores, and how far a noisy or slower machine may go beyond them before a test
# fails. Memory does not depend on the machine's speed, so it gets no slack: 2 GiB is what Binder
# gives.
CHAPTER_SECONDS, LAB_SECONDS, BOOK_SECONDS, SLACK = 90, 120, 15 * 60, 2.5
MEMORY_BYTES = 2 * 2**30
# A lab's other run, and the name of its cost: the learner's copy with the master's solutions put
# in.
SOLVED = " with its solutions"


@dataclass(frozen=True)
class Cost:
    """What a command cost: seconds on the clock, and the peak memory of its process tree in
    bytes.
    """

    returncode: int
    seconds: float
    peak_bytes: int
    output: str


def run_measured(
    arguments: list[str],
    environment: dict[str, str],
    timeout: float,
    cwd: Path = ROOT,
    give_up: threading.Event | None = None,
) -> Cost:
    """Run a command and watch the memory of its whole process tree, without the tree's root (the
    test runner itself).

    It is killed when `timeout` seconds are over, or when `give_up` is set.
    """
    start, peak = time.monotonic(), 0
    process = Popen(
        arguments,
        cwd=cwd,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    output: list[str] = []
    reader = threading.Thread(target=lambda: output.append(process.stdout.read()), daemon=True)
    reader.start()
    root = psutil.Process(process.pid)
    try:
        while process.poll() is None:
            peak = max(peak, memory_below(root))
            if time.monotonic() - start > timeout or (give_up is not None and give_up.is_set()):
                kill(root)
            time.sleep(0.2)
    finally:  # also when an exception comes from outside: Ctrl-C, or the test's own limit
        if process.poll() is None:
            kill(root)
            process.wait()
    reader.join(timeout=10)
    return Cost(process.returncode, time.monotonic() - start, peak, "".join(output))


def kill(root: psutil.Process) -> None:
    """End a process and all below it; some may have ended by themselves meanwhile."""
    members = [root]
    with contextlib.suppress(psutil.NoSuchProcess):
        members = [*root.children(recursive=True), root]
    for member in members:
        with contextlib.suppress(psutil.NoSuchProcess):
            member.kill()


def nbval(
    notebook: str | Path, cell_timeout: float, *options: str, keep: Path | None = None
) -> tuple[list[str], dict[str, str]]:
    """The command that runs a notebook with nbval, network off, and the environment for it.

    keep: where to write the notebook with its outputs, if every cell passes.
    """
    program = (
        ["-m", "pytest"]
        if keep is None
        else [str(Path(__file__).with_name("nbval_keeping.py")), str(keep)]
    )
    command = [
        sys.executable,
        *program,
        "--nbval-lax",
        f"--nbval-cell-timeout={cell_timeout:.0f}",
        str(notebook),
    ]
    command += ["-q", "-p", "no:cacheprovider", "--timeout=0", *options]
    variables = offline.environment(ENVIRONMENT)
    # what was meant for this run, such as -k, is not meant for that one
    variables.pop("PYTEST_ADDOPTS", None)
    # these runs have a history, and it is not to be that of the person who runs the tests
    if keep is not None:
        variables["IPYTHONDIR"] = str(keep.with_suffix(".ipython"))
    return offline.command(command, NAMESPACE), variables


def memory_below(process: psutil.Process) -> int:
    """Bytes held by the kernels (and what they started) below `process`.

    What each holds for itself, and what they share (the libraries) once. It is what they would need
    alone on a machine: that another notebook shares the same libraries at the moment makes it no
    smaller.
    """
    own, shared = 0, 0
    try:
        kernels = [
            child
            for child in process.children(recursive=True)
            if "ipykernel_launcher" in child.cmdline()
        ]
        for member in [p for kernel in kernels for p in (kernel, *kernel.children(recursive=True))]:
            memory = member.memory_full_info()
            own, shared = own + memory.uss, max(shared, memory.rss - memory.uss)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        pass  # it ended while we looked
    return own + shared


# --- one notebook ---------------------------------------------------------------------------------


def budget(name: str) -> float:
    return CHAPTER_SECONDS if name.startswith("book/") else LAB_SECONDS


CACHE_IN_USE = threading.Lock()


def run_notebook(
    name: str,
    folder: Path,
    threads: dict[str, str],
    give_up: threading.Event | None = None,
    cache: Path | None = None,
) -> Cost:
    """Run a notebook, or a lab's learner's copy with the solutions in, with nbval.

    folder: for temporary files. cache: the jupyter-cache in which the site's build looks for
    executed notebooks; a notebook that is a page of the site goes there when every cell has passed.
    """
    path, options, keep = ROOT / name, ["--durations=5"], None
    if name.endswith(SOLVED):
        master = ROOT / name.removesuffix(SOLVED)
        path, options = folder / master.name, [*options, "--rootdir", str(folder)]
        nbformat.write(learner_copies.solved(nbformat.read(master, as_version=4)), path)
    elif cache:
        keep = folder / "kept" / name
        keep.parent.mkdir(parents=True, exist_ok=True)
        keep.unlink(missing_ok=True)
    # on half a machine; whether it keeps its budget is asked afterwards
    limit = 2 * SLACK * budget(name)
    command, variables = nbval(path, limit, *options, keep=keep)
    cost = run_measured(command, variables | threads, timeout=limit + 60, give_up=give_up)
    # A library edited while the tests run: what it made does not belong into the cache of the one
    # from before.
    if (
        keep
        and cache
        and cost.returncode == 0
        and keep.is_file()
        and LIBRARY == inkling_site.library_fingerprint(ROOT)
    ):
        keep_executed(nbformat.read(keep, as_version=4), path, cost, cache)
    return cost


def keep_executed(notebook: nbformat.NotebookNode, path: Path, cost: Cost, cache: Path) -> None:
    """Put a notebook with its outputs, and what they cost, where the site's build looks for it."""
    data = {
        "execution_seconds": cost.seconds,
        "peak_bytes": cost.peak_bytes,
        "output": cost.output[-1500:],
    }
    with CACHE_IN_USE:
        get_cache(str(cache)).cache_notebook_bundle(
            CacheBundleIn(notebook, str(path), data=data), check_validity=False, overwrite=True
        )


def kept_cost(name: str, cache: Path) -> Cost | None:
    """What a page's notebook cost when it was run as it is now, with the library as it is now; None
    where it was not, or by something that measures less.
    """
    if not cache.is_dir():
        return None
    with CACHE_IN_USE:
        try:
            record = get_cache(str(cache)).match_cache_notebook(
                nbformat.read(ROOT / name, as_version=4)
            )
        except KeyError:
            return None
    found = measured(record)
    if "peak_bytes" not in found:
        return None
    return Cost(0, found["execution_seconds"], found["peak_bytes"], found["output"])


def measured(record: Any) -> dict[str, Any]:
    """What a cache has noted beside a notebook."""
    return record.data or {}


def seconds_before(cache: Path) -> dict[str, float]:
    """How long pages' notebooks took the last time, with whatever library, by their names."""
    found: dict[str, tuple[float, float]] = {}
    for folder in cache.parent.glob("*/"):
        for record in get_cache(str(folder)).list_cache_records():
            path = Path(str(record.uri))
            seconds = measured(record).get("execution_seconds")
            if seconds is not None and path.is_relative_to(ROOT):
                entry = (record.created.timestamp(), seconds)
                name = path.relative_to(ROOT).as_posix()
                found[name] = max(entry, found.get(name, entry))
    return {name: seconds for name, (_, seconds) in found.items()}


# --- several --------------------------------------------------------------------------------------


class Runs:
    """Starts the runs in order: one at a time from `begin`, `at_once` at a time once a result is
    asked for.

    Whoever begins early has something else for the other core. Without `begin` nothing runs until a
    result is wanted.

    Args:
        names: what will be asked for, in that order. Nothing else is started ahead.
        run: runs one of them; it is given an event that is set when the run should be given up.
    """

    def __init__(
        self,
        names: list[str],
        run: Callable[[str, threading.Event], object],
        at_once: int = AT_ONCE,
    ) -> None:
        self._names, self._run = list(dict.fromkeys(names)), run
        self._pool = ThreadPoolExecutor(at_once)
        self._giving_up, self._all_cores, self._idle = (
            threading.Event(),
            threading.Event(),
            at_once - 1,
        )
        self._futures: dict[str, Future] = {}

    def begin(self) -> None:
        """Start on what was announced, one at a time."""
        for _ in range(self._idle):  # the other workers wait until all cores are free
            self._pool.submit(self._all_cores.wait)
        self._idle = 0
        for name in self._names:
            if name not in self._futures:
                self._futures[name] = self._pool.submit(self._in_turn, name)

    def _in_turn(self, name: str):
        return None if self._giving_up.is_set() else self._run(name, self._giving_up)

    def result(self, name: str):
        """What the run of `name` gave; waits for it. A name that was not announced is run too."""
        self._all_cores.set()
        self.begin()
        if name not in self._futures:
            self._futures[name] = self._pool.submit(self._in_turn, name)
        return self._futures[name].result()

    def ended(self, names: list[str]) -> None:
        """Wait until those of `names` that were begun have ended, well or not."""
        wait([self._futures[name] for name in names if name in self._futures])

    def alone(self, run: Callable[[], object]):
        """What `run()` gives once all that was begun has ended: it has the whole machine."""
        wait(self._futures.values())
        return run()

    def close(self) -> None:
        """Give up what still runs and begin nothing more (the session ends early, say by -x or
        Ctrl-C).
        """
        self._giving_up.set()
        self._all_cores.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

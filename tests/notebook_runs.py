"""Runs of notebooks, two at a time and each with one thread.

Most of a notebook's work is in matrices too small to share, so two notebooks on one core each end sooner than one
after the other on two. A run still is a process of its own, from a cold kernel. It never ends sooner here than alone on
two quiet cores (it has half the machine), so whatever keeps a budget here keeps it there.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait

AT_ONCE = max(1, min(2, os.cpu_count() or 1))
# The limit holds even where a notebook asks torch for two threads, as most of the book's do.
ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "OMP_THREAD_LIMIT", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}


class Runs:
    """Starts the runs in order, `AT_ONCE` at a time, from the moment that the first result is asked for.

    Args:
        names: what will be asked for, in that order. Nothing else is started ahead.
        run: runs one of them; it is given an event that is set when the run should be given up.
    """

    def __init__(self, names: list[str], run: Callable[[str, threading.Event], object], at_once: int = AT_ONCE) -> None:
        self._names, self._run = list(dict.fromkeys(names)), run
        self._pool = ThreadPoolExecutor(at_once)
        self._giving_up = threading.Event()
        self._futures: dict[str, Future] = {}

    def result(self, name: str):
        """What the run of `name` gave; waits for it. A name that was not announced is run too."""
        for each in [*self._names, name]:
            if each not in self._futures:
                self._futures[each] = self._pool.submit(self._run, each, self._giving_up)
        return self._futures[name].result()

    def alone(self, run: Callable[[], object]):
        """What `run()` gives once all that was begun has ended: it has the whole machine."""
        wait(self._futures.values())
        return run()

    def close(self) -> None:
        """Give up what still runs and begin nothing more (the session ends early, say by -x or Ctrl-C)."""
        self._giving_up.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

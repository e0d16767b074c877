"""A process that works beside this one, and ends with it.

    with Helper(function, *arguments) as helper:
        ...                       # what this process does meanwhile
        answer = helper.result()

`team` trains one model in two of them, and the recipe makes stages of the chain side by
side.
"""

import contextlib
import ctypes
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, ParamSpec, TypeVar

import torch

from inkling.files import InklingError

Answer = TypeVar("Answer")
Arguments = ParamSpec("Arguments")

#: Seconds between two looks of a helper at the process that started it.
_PULSE = 0.5

#: The clocks of the helpers of this process.
_CLOCKS: list[Any] = []


def cpu_seconds() -> float:
    """The CPU time of this process and of its helpers, but for its lanes."""
    return time.process_time() + sum(clock.value for clock in _CLOCKS)


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Inside, PyTorch computes on one thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def keep_freed_memory() -> None:
    """Let the C library keep what is freed, for the next step: a tenth of a step's time
    where that is glibc (Linux).

    Each step takes and frees the same large blocks. By default glibc hands them back to
    the system at once, which then gives them out again page by page, wiped. Elsewhere
    this does nothing.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD, from malloc.h: bytes from which to hand
        # back
        for option in (-1, -3):
            mallopt(option, 1 << 29)


class Helper(Generic[Answer]):
    """A process of one thread that makes one call, `function(*args, **kwargs)`.

    A module must define the function, since the process is a new one that imports it.
    It ends with the `with` block, and with this process, however that ends.
    """

    #: Whether `cpu_seconds` counts its time.
    counts = True

    def __init__(
        self,
        function: Callable[Arguments, Answer],
        /,
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._answers, answers = spawn.Pipe(duplex=False)
        self._clock = spawn.RawValue("d", 0.0)
        # a plain pickle: left to multiprocessing, tensors would be one memory for both
        call = pickle.dumps((function, args, kwargs))
        self._process = spawn.Process(
            target=_help, args=(call, answers, self._clock), daemon=True
        )
        self._process.start()
        answers.close()  # so that the pipe ends where the helper does
        if self.counts:
            _CLOCKS.append(self._clock)

    def begun(self) -> None:
        """Wait until the helper makes its call. Raises `InklingError` where it ended
        before.
        """
        self._receive()

    def result(self) -> Answer:
        """What the call gives, once it does; what it raised is raised here. Raises
        `InklingError` where the helper ended without an answer.
        """
        while not (answer := self._receive()):  # its first word is that it has begun
            pass
        value, error = pickle.loads(answer)
        if error is not None:
            raise error
        return value

    def _receive(self) -> bytes:
        try:
            return self._answers.recv_bytes()
        except (EOFError, ConnectionError) as error:
            self._process.join()
            code = self._process.exitcode or 0
            how = f"with exit code {code}" if code >= 0 else f"by signal {-code}"
            raise InklingError(
                f"a process of this run was ended {how} before it was done; perhaps"
                " there was too little memory. Start the same run again: it goes on"
                " where it was."
            ) from error

    def __enter__(self) -> "Helper[Answer]":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.join(5)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._answers.close()


class Lane(Helper[Answer]):
    """A helper that makes whole stages of the chain: their cards say what they cost."""

    counts = False


def _help(call: bytes, answers: Connection, clock: Any) -> None:
    """The life of a helper."""
    # Ctrl-C is for the first process, which then ends this one
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_stay_while_needed, args=(clock,), daemon=True).start()
    torch.set_num_threads(1)
    keep_freed_memory()
    value, raised = None, None
    try:
        function, args, kwargs = pickle.loads(call)
        answers.send_bytes(b"")
        value = function(*args, **kwargs)
    except InklingError as error:
        raised = error
    except Exception:
        raised = RuntimeError(f"in a process of this run:\n{traceback.format_exc()}")
    clock.value = time.process_time()
    with contextlib.suppress(OSError):  # nobody may listen any more
        answers.send_bytes(pickle.dumps((value, raised)))


def _stay_while_needed(clock: Any) -> None:
    """Keep the clock of a helper, and end the helper when the process that started it
    has ended.
    """
    parent = multiprocessing.parent_process()
    while parent is not None and not wait([parent.sentinel], _PULSE):
        clock.value = time.process_time()
    os._exit(1)

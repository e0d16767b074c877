"""A helper: what it gives, what it raises, and whose memory it works on."""

import multiprocessing
import os
import signal
import time

import pytest
import torch

from inkling.files import InklingError
from inkling.training.processes import Helper, Lane, cpu_seconds, one_thread


def doubled(numbers: torch.Tensor, add: float = 0.0) -> torch.Tensor:
    """Changes what it is given, too."""
    numbers.mul_(2)
    return numbers + add


def fails(kind: type[Exception]) -> None:
    raise kind("it cannot be done")


def spins(seconds: float) -> tuple[int, int]:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
    return os.getpid(), torch.get_num_threads()


def sleeps() -> None:
    time.sleep(600)


def test_a_helper_gives_the_answer_and_works_on_a_copy():
    numbers = torch.ones(3)
    with Helper(doubled, numbers, add=1.0) as helper:
        assert helper.result().tolist() == [3.0, 3.0, 3.0]
    assert numbers.tolist() == [1.0, 1.0, 1.0], "the memory of the two must not be one"
    assert not multiprocessing.active_children()


def test_what_it_raises_is_raised_here():
    with Helper(fails, InklingError) as helper, pytest.raises(InklingError, match="^it cannot be"):
        helper.result()
    with Helper(fails, KeyError) as helper, pytest.raises(RuntimeError, match="(?s)line .*KeyErr"):
        helper.result()


@pytest.mark.parametrize("kind", [Helper, Lane])
def test_its_time_counts_unless_it_is_a_lane(kind):
    before = cpu_seconds()
    with kind(spins, 2.0) as helper:
        pid, threads = helper.result()
    assert pid != os.getpid() and threads == 1
    assert (cpu_seconds() - before > 2.0) == (kind is Helper)


def test_one_that_is_killed_is_no_silence():
    with Helper(sleeps) as helper:
        helper.begun()
        (process,) = multiprocessing.active_children()
        os.kill(process.pid, signal.SIGTERM)
        with pytest.raises(InklingError, match="ended by signal 15 before it was done"):
            helper.result()


def test_one_that_nobody_waits_for_ends_with_its_block():
    began = time.monotonic()
    with Helper(sleeps) as helper:
        helper.begun()
    assert not multiprocessing.active_children() and time.monotonic() - began < 30


def test_threads_are_as_before(monkeypatch):
    before = torch.get_num_threads()
    with pytest.raises(KeyError), one_thread():
        assert torch.get_num_threads() == 1
        raise KeyError
    assert torch.get_num_threads() == before

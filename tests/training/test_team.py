"""Two processes train one model: what comes of it, and what becomes of them when one ends."""

import contextlib
import functools
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny
import torch
import torch.distributed as dist

from inkling import checkpoints
from inkling.files import InklingError
from inkling.model.transformer import ModelConfig, Transformer
from inkling.reading.lessons import Course, ReadingConfig, learn_to_read
from inkling.text.tokenizer import Tokenizer
from inkling.training.identity import digest
from inkling.training.pretrain import TrainConfig, train
from inkling.training.savepoint import savepoints
from inkling.training.team import in_two, join_team
from inkling.world import World

SHIPPED = Tokenizer.load(checkpoints.path("base") / "tokenizer.json")
TINY = ModelConfig(17, context_length=16, d_model=16, n_layers=2, n_heads=2, n_kv_heads=1)
#: Five rows, the last of them short.
TOKENS = np.concatenate([[*range(1, length), 0] for length in (16, 16, 16, 16, 5)])
CONFIG = TrainConfig(
    steps=12,
    batch_size=6,
    micro_batch_size=2,
    eos_id=0,
    warmup_steps=2,
    precision="fp32",
    checkpoint_every=3,
)
READING = ReadingConfig(Course(most_passages=1, n_questions=1), steps=5, batch_size=4)
PAIRS = list(zip(tiny.PROMPTS, tiny.REPLIES[1:], strict=True))


def pretrain(two, folder=None, tokens=TOKENS):
    """The losses and the weights of a run of pre-training, in two processes or in one."""
    model = Transformer(TINY, seed=0)
    return losses(two, train, model, tokens, CONFIG, folder=folder), model


def read(two, folder=None):
    """The same of learning to read."""
    config = ModelConfig(SHIPPED.vocab_size, 256, d_model=16, n_layers=1, n_heads=2, n_kv_heads=1)
    model = Transformer(config, seed=0)
    call = (model, SHIPPED, World(0), READING)
    return losses(two, learn_to_read, *call, replay=PAIRS, folder=folder), model


def losses(two, trainer, *args, **kwargs):
    with contextlib.ExitStack() as stack:
        run = trainer if not two else stack.enter_context(in_two(trainer, *args, **kwargs))
        return [record.loss for record in (run if two else run(*args, **kwargs))]


@functools.cache
def whole(run):
    """A run in two processes from its beginning to its end."""
    return run(True)


def ended_alone():
    """Nothing is left of a team: no process, no group, and the threads are as before."""
    return not (multiprocessing.active_children() or dist.is_initialized())


@pytest.mark.parametrize("run", [pretrain, read])
def test_two_processes_repeat_bit_for_bit_and_train_as_one_does(run):
    """Their shares hold unequal numbers of targets, so each must divide by those of the batch."""
    threads = torch.get_num_threads()
    (one, _), (two, model), (again, repeated) = run(False), whole(run), run(True)
    assert two == again and digest(model) == digest(repeated)
    assert two == pytest.approx(one, abs=1e-4) and len(set(one)) == len(one)
    assert ended_alone() and torch.get_num_threads() == threads


def test_a_team_that_was_left_in_the_middle_ends_and_another_goes_on_to_the_same_weights(tmp_path):
    model = Transformer(TINY, seed=0)
    with in_two(train, model, TOKENS, CONFIG, folder=tmp_path) as run:
        for record in run:
            if record.step == 8:
                break
    assert ended_alone()
    assert savepoints(tmp_path)[0].name == "step-00000006.safetensors"
    on, resumed = pretrain(True, tmp_path)
    expected, model = whole(pretrain)
    assert on == expected and digest(resumed) == digest(model)


def test_times_are_of_the_first_process_and_cpu_times_of_both():
    model = Transformer(replace(TINY, d_model=64), seed=0)
    config = replace(CONFIG, steps=60, batch_size=8, micro_batch_size=None)
    with in_two(train, model, TOKENS, config) as run:
        last = list(run)[-1]
    own = list(train(Transformer(replace(TINY, d_model=64)), TOKENS, config))[-1]
    assert 0 < last.seconds and own.cpu_seconds > 0
    assert last.cpu_seconds > 1.2 * own.cpu_seconds


def test_a_helper_that_is_killed_ends_the_run_with_a_sentence_and_it_goes_on(tmp_path):
    model = Transformer(TINY, seed=0)
    with (
        pytest.raises(InklingError, match="ended by signal 9 .*it goes on"),
        in_two(train, model, TOKENS, CONFIG, folder=tmp_path) as run,
    ):
        for record in run:
            if record.step == 8:
                (helper,) = multiprocessing.active_children()
                os.kill(helper.pid, signal.SIGKILL)
                began = time.monotonic()
            assert record.step < 11, "one process alone must not go on"
    assert time.monotonic() - began < 10 and ended_alone()
    assert digest(pretrain(True, tmp_path)[1]) == digest(whole(pretrain)[1])


ENDLESS = """
import multiprocessing, sys, time
sys.path[:0] = sys.argv[3:]
from test_team import *
from inkling.training.processes import Lane
if __name__ == "__main__" and sys.argv[1] == "lane":
    with Lane(time.sleep, 600) as lane:
        lane.begun()
        print(multiprocessing.active_children()[0].pid, flush=True)
        lane.result()
elif __name__ == "__main__":
    model = Transformer(TINY, seed=0)
    with in_two(train, model, TOKENS, replace(CONFIG, steps=10**9), folder=sys.argv[2]) as run:
        for record in run:
            if record.step == 5:
                print(multiprocessing.active_children()[0].pid, flush=True)
"""


def alive(pid):
    """Whether a process runs: what nobody has buried yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="looks processes up in /proc")
@pytest.mark.parametrize(
    ("what", "how"),
    [("team", "SIGKILL"), ("team", "SIGINT"), ("lane", "SIGKILL"), ("lane", "SIGINT")],
)
def test_whatever_ends_the_first_process_ends_the_helper(tmp_path, what, how):
    script, here = tmp_path / "script.py", Path(__file__).parent
    script.write_text(ENDLESS)
    process = subprocess.Popen(
        [sys.executable, str(script), what, str(tmp_path / "run"), str(here), str(here.parent)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    helper = int(process.stdout.readline())
    assert alive(helper)
    # a terminal gives Ctrl-C to all
    (os.killpg if how == "SIGINT" else os.kill)(process.pid, getattr(signal, how))
    _, errors = process.communicate(timeout=30)
    assert process.returncode != 0
    give_up = time.monotonic() + 10
    while alive(helper) and time.monotonic() < give_up:
        time.sleep(0.05)
    assert not alive(helper)
    assert ("KeyboardInterrupt" in errors) == (how == "SIGINT"), errors
    assert errors.count("Traceback") <= 1, "the helper has nothing to say of it"


def test_what_is_wrong_with_a_run_is_said_once_and_nothing_is_left():
    with pytest.raises(InklingError, match="training tokens are empty"):
        pretrain(True, tokens=TOKENS[:0])
    with pytest.raises(InklingError, match="batch_size 5 cannot be shared out evenly to 2"):
        losses(True, train, Transformer(TINY), TOKENS, replace(CONFIG, batch_size=5))
    assert ended_alone()


def test_a_helper_that_fails_alone_says_why(tmp_path):
    with pytest.raises(InklingError, match="not enough of it"):
        losses(True, only_the_first_can, Transformer(TINY, seed=0))
    assert ended_alone()


def only_the_first_can(model):
    """A trainer that has what it needs in the first process only."""
    team = join_team(model, 2)
    if team.rank == 1:
        raise InklingError("not enough of it")
    yield team.total(1.0)


def processes_at_other_steps(model):
    team = join_team(model, 2)
    yield team.agree(team.rank)


def test_processes_that_begin_at_other_steps_are_told_apart():
    with (
        pytest.raises(InklingError, match="do not begin at the same step"),
        in_two(processes_at_other_steps, Transformer(TINY, seed=0)) as run,
    ):
        list(run)


def test_without_gloo_it_says_what_to_do(monkeypatch):
    monkeypatch.setattr(dist, "is_gloo_available", lambda: False)
    with pytest.raises(InklingError, match="without gloo"):
        pretrain(True)

"""Kill -9 at random steps of every stage of the chain, and go on: the weights are those of a run
that was never stopped.

INKLING_KILLS says how often in each stage (1; `make release-check` takes 3), INKLING_SEED at which
steps.
"""

import functools
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import tiny

from inkling import __main__ as commands
from inkling.assistant import exam
from inkling.assistant.ppo import PPOConfig
from inkling.assistant.reward import RewardConfig, RewardModel
from inkling.assistant.sft import SFTConfig
from inkling.model.transformer import ModelConfig, Transformer
from inkling.progress import Progress
from inkling.reading.embedder import Embedder, EmbedderConfig
from inkling.reading.lessons import Course, ReadingConfig
from inkling.recipe import base_stage, speedrun
from inkling.recipe.assistant_stage import AlignRecipe
from inkling.recipe.embedder_stage import EmbedderRecipe
from inkling.recipe.plan import Recipe
from inkling.recipe.speedrun import second_lane
from inkling.training import savepoint
from inkling.training.identity import digest
from inkling.training.pretrain import TrainConfig

EASY = Course(most_passages=1, n_questions=1)
CHAIN = Recipe(
    steps=12,
    corpus_bytes=100_000,
    vocab_size=400,
    model=ModelConfig(400, context_length=256, d_model=16, n_layers=1, n_heads=2, n_kv_heads=1),
    primer_steps=4,
    primer_length=32,
    train=TrainConfig(batch_size=4, context_length=64, warmup_steps=1, precision="fp32"),
    alignment=AlignRecipe(
        n_demos=40,
        n_replay=4,
        finetuning=SFTConfig(batch_size=2, length=128),
        n_pairs=48,
        reward_model=RewardConfig(batch_size=4),
        rlhf=PPOConfig(steps=8, batch_size=4, minibatch_size=4, max_new_tokens=4),
        n_judged=1,
    ),
    embedding=EmbedderRecipe(
        n_pairs=64, training=EmbedderConfig(batch_size=8), n_documents=6, n_seeds=2
    ),
    reading=tiny.reading_recipe(
        ReadingConfig(EASY, steps=8, batch_size=2),
        ReadingConfig(EASY, steps=6, batch_size=2),
        n_points=4,
        control_steps=4,
    ),
)
#: What a stage's progress bar is called, in the order of the chain, and the fewest steps of any of
#: its runs (pre-training has two, the embedder two, reading three).
STAGES = {
    "pre-training": 4,
    "fine-tuning": 8,
    "reward model": 8,
    "PPO": 8,
    "embedder": 8,
    "learning to read": 4,
}
#: The one that a lane makes: its end is an error of the run, which is not killed itself.
IN_LANE = "embedder"


def prepare(label: str | None, step: int) -> None:
    """Make this process one that is killed at that step of the first run of that name which gets
    there. Savepoints come at every third step, so most kills lose one or two.
    """
    begin, update, made = Progress.__init__, Progress.update, savepoint.Savepoints.__init__

    def named(bar, total, name, start=0, *rest, **options):
        begin(bar, total, name, start, *rest, **options)
        bar.at = (name, start)

    def counted(bar, steps=1, **numbers):
        update(bar, steps, **numbers)
        name, at = bar.at
        bar.at = (name, at + steps)
        if bar.at == (label, step):
            os.kill(os.getpid(), signal.SIGKILL)

    def often(self, *args, every=None, **decides):
        made(self, *args, every=3, **decides)

    Progress.__init__, Progress.update = named, counted
    savepoint.Savepoints.__init__ = often
    write = exam.write_replies
    exam.write_replies = lambda *args, **options: write(*args, **options | {"max_new_tokens": 4})
    few = {"n_stories": 1, "validation_bytes": 5_000, "exam_limit": 5}
    base_stage.scores = functools.partial(base_stage.scores, **few)


def lane(label: str | None, step: int, *args) -> list[dict]:
    """The lane beside the assistant's is a process of its own, and prepared like the first."""
    prepare(label, step)
    return second_lane(*args)


def chain(folder: Path, label: str | None, step: int) -> None:
    """The chain, killed there; without a label it is not."""
    prepare(label, step)
    speedrun.second_lane = functools.partial(lane, label, step)
    speedrun.run(CHAIN, folder, progress=False)


def start(folder: Path, label: str | None = None, step: int = 0) -> subprocess.Popen:
    """The same in a process of its own."""
    code = (
        "import sys; sys.path[:0] = sys.argv[4:]; from pathlib import Path; import test_killed;"
        " test_killed.chain(Path(sys.argv[1]), sys.argv[2] or None, int(sys.argv[3]))"
    )
    here = Path(__file__).parent
    command = [sys.executable, "-c", code, str(folder), label or "", str(step), str(here)]
    return subprocess.Popen(
        [*command, str(here.parent)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )


def digests(folder: Path) -> dict[str, str]:
    """Of every model that the chain leaves."""
    found = {name: Transformer.from_pretrained(folder / name) for name in ("base", "sft")}
    found |= {name: Transformer.from_pretrained(folder / name) for name in ("rlhf", "rag")}
    found |= {"reward": RewardModel.load(folder / "reward")}
    found |= {"embedder": Embedder.load(folder / "embedder")}
    return {name: digest(model) for name, model in found.items()}


def told(folder: Path) -> dict:
    """What the cards say that depends neither on the clock nor on the source."""
    cards = {path.parent.name: json.loads(path.read_text()) for path in folder.glob("*/card.json")}
    return {
        name: {key: value for key, value in card.items() if key not in ("cost", "versions")}
        for name, card in cards.items()
    }


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no SIGKILL")
def test_killed_in_every_stage_and_started_again_it_ends_with_the_same_tensors(tmp_path):
    kills = int(os.environ.get("INKLING_KILLS", "1"))
    seed = int(os.environ.get("INKLING_SEED", time.time_ns()))
    draw = random.Random(seed)
    plan = [
        (label, step)
        for label, steps in STAGES.items()
        for step in sorted(draw.sample(range(1, steps), kills))
    ]
    print(f"INKLING_SEED={seed}: {plan}")
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    reference = start(whole)
    for label, step in plan:
        process = start(stopped, label, step)
        _, errors = process.communicate(timeout=300)
        if label == IN_LANE:
            assert "ended by signal 9" in errors.splitlines()[-1], errors[-2000:]
        else:
            assert process.returncode == -signal.SIGKILL, (label, step, errors[-2000:])
    for process in (start(stopped), reference):
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors[-2000:]
    assert digests(stopped) == digests(whole)
    assert told(stopped) == told(whole)
    assert len(told(whole)) == 6


def test_the_command_says_how_to_go_on(tmp_path, monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(speedrun, "run", interrupted)
    code = commands.main(["speedrun", "--folder", str(tmp_path / "new")])
    assert code == 130 and "goes on from the last savepoint" in capsys.readouterr().err

"""All trainers stop and go on in one way: to the same weights and records, without making a step
twice that a savepoint has, and only as the run that they were begun as.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import tiny
import torch
from torch import nn

from inkling import checkpoints
from inkling.assistant import dpo, grpo, ppo, reward, sft
from inkling.assistant.preferences import Pair
from inkling.assistant.rollouts import prompt_batches
from inkling.files import InklingError
from inkling.model.transformer import ModelConfig, Transformer
from inkling.reading import embedder, lessons
from inkling.text.tokenizer import Tokenizer
from inkling.training import identity, pretrain, savepoint
from inkling.training.identity import digest
from inkling.training.savepoint import Savepoints
from inkling.world import World

TOKENIZER, WORLD = tiny.tokenizer(), World(0)
SHIPPED = Tokenizer.load(checkpoints.path("base") / "tokenizer.json")
PAIRS = [Pair(prompt, "yes, please come in", "no") for prompt in tiny.PROMPTS * 4]
DEMOS = [sft.Demonstration(prompt, reply) for prompt in tiny.PROMPTS for reply in tiny.REPLIES]
ASKED = [
    embedder.QuestionPassage(f"{a} {b}?", f"{a} {b} {a}", (a, b), frozenset({(a, b)}))
    for a in tiny.WORDS[:6]
    for b in tiny.WORDS[6:12]
]
LONG = ModelConfig(TOKENIZER.vocab_size, 256, d_model=16, n_layers=1, n_heads=2, n_kv_heads=1)


def prompts(step: int) -> list[str]:
    return tiny.PROMPTS


def says_no(_: Any, replies: list[str]) -> list[float]:
    return [float("no" in reply.split()) for reply in replies]


def says_yes(_: Any, replies: list[str]) -> list[float]:
    return [float("yes" in reply.split()) for reply in replies]


@dataclass(frozen=True)
class Trainer:
    """How one is called: new model, the module that has its `update`, the run of a model, and the
    same with something else in it that decides the run, by the name that an error gives it.
    """

    model: Callable[[int], nn.Module]
    module: ModuleType
    run: Callable[..., Any]
    others: dict[str, dict]


def rl(module: ModuleType, train: Callable, config: Any) -> Trainer:
    def run(model, folder, prompts=prompts, reward=says_no, **more):
        settings = replace(config, **more.pop("settings", {}))
        return train(
            model, TOKENIZER, prompts, reward, settings, folder=folder, progress=False, **more
        )

    others = {
        "reward": {"reward": says_yes},
        "reference": {"reference": tiny.random_model(3, n_layers=1)},
        "prompts": {"prompts": lambda step: tiny.PROMPTS[::-1]},
        "beta": {"settings": {"beta": 0.3}},
    }
    return Trainer(lambda seed: tiny.random_model(seed, n_layers=1), module, run, others)


def run_pretraining(model, folder, tokens=tuple(range(1, 90)), **settings):
    config = pretrain.TrainConfig(
        **{"steps": 9, "batch_size": 2, "checkpoint_every": 2, "context_length": 8} | settings
    )
    return pretrain.train(model, np.array(tokens), config, folder=folder, progress=False)


def run_sft(model, folder, demos=DEMOS, **settings):
    config = sft.SFTConfig(**{"batch_size": 1, "length": 64, "epochs": 2} | settings)
    return sft.finetune(model, TOKENIZER, demos, config, folder=folder, progress=False)


def run_reward(model, folder, pairs=PAIRS, **settings):
    config = reward.RewardConfig(**{"batch_size": 2} | settings)
    return reward.train_reward_model(model, TOKENIZER, pairs, config, folder=folder, progress=False)


def run_dpo(model, folder, pairs=PAIRS, **settings):
    config = dpo.DPOConfig(**{"batch_size": 2} | settings)
    return dpo.train_dpo(model, TOKENIZER, pairs, config, folder=folder, progress=False)


def run_embedder(model, folder, pairs=ASKED, **settings):
    config = embedder.EmbedderConfig(**{"batch_size": 4} | settings)
    return embedder.train_embedder(model, TOKENIZER, pairs, config, folder=folder, progress=False)


def run_reading(model, folder, replay=(("Is Ada at home?", "yes"),), **settings):
    easy = lessons.Course(most_passages=1, n_questions=1)
    config = lessons.ReadingConfig(easy, **{"steps": 9, "batch_size": 2} | settings)
    options = {"replay": replay, "folder": folder, "progress": False}
    return lessons.learn_to_read(model, SHIPPED, WORLD, config, **options)


RL = {"steps": 9, "max_new_tokens": 4, "epochs": 1}
TRAINERS = {
    "pre-training": Trainer(
        lambda seed: tiny.random_model(seed, n_layers=1),
        pretrain,
        run_pretraining,
        {"tokens": {"tokens": tuple(range(2, 91))}, "learning_rate": {"learning_rate": 1e-4}},
    ),
    "fine-tuning": Trainer(
        lambda seed: tiny.random_model(seed, n_layers=1),
        sft,
        run_sft,
        {"data": {"demos": DEMOS[::-1]}, "seed": {"seed": 1}},
    ),
    "reward model": Trainer(
        lambda seed: reward.RewardModel.from_model(tiny.random_model(seed, n_layers=1)),
        reward,
        run_reward,
        {"pairs": {"pairs": PAIRS[::-1]}, "centring": {"centring": 0.5}},
    ),
    "DPO": Trainer(
        lambda seed: tiny.random_model(seed, n_layers=1),
        dpo,
        run_dpo,
        {"pairs": {"pairs": PAIRS[::-1]}, "beta": {"beta": 0.5}},
    ),
    "PPO": rl(ppo, ppo.train_ppo, ppo.PPOConfig(**RL, batch_size=4, minibatch_size=4)),
    "GRPO": rl(grpo, grpo.train_grpo, grpo.GRPOConfig(**RL, n_prompts=2, group_size=2)),
    "embedder": Trainer(
        lambda seed: embedder.Embedder.from_model(tiny.random_model(seed, n_layers=1), 6),
        embedder,
        run_embedder,
        {"pairs": {"pairs": ASKED[::-1]}, "scale": {"scale": 10.0}},
    ),
    "reading": Trainer(
        lambda seed: Transformer(replace(LONG, vocab_size=2048), seed),
        lessons,
        run_reading,
        {"data": {"replay": (("Is Ada at home?", "no"),)}, "replayed": {"replayed": 0.5}},
    ),
}


@pytest.fixture
def often(monkeypatch):
    """Every trainer saves after every second step, also those that do so seldom."""
    made = Savepoints.__init__
    monkeypatch.setattr(
        Savepoints,
        "__init__",
        lambda self, *args, every=None, **decides: made(self, *args, every=2, **decides),
    )


def stopped(trainer: Trainer, folder, step: int) -> None:
    """A run that is broken off after a step."""
    for record in trainer.run(trainer.model(0), folder):
        if record.step == step:
            break


@pytest.mark.parametrize("name", TRAINERS)
@pytest.mark.parametrize("step", [1, 4, 7])
def test_a_run_that_was_stopped_goes_on_to_the_same_weights_and_records(
    name, step, often, tmp_path, monkeypatch
):
    trainer = TRAINERS[name]
    whole = trainer.model(0)
    history = list(trainer.run(whole, None))
    assert len(history) >= 8
    stopped(trainer, tmp_path, step)
    made = []
    update = trainer.module.update

    def counted(model, optimizers, loss, step, **settings):
        made.append(step + 1)
        return update(model, optimizers, loss, step, **settings)

    monkeypatch.setattr(trainer.module, "update", counted)
    resumed = trainer.model(0)
    again = list(trainer.run(resumed, tmp_path))
    saved = (step - 1) // 2 * 2  # what is kept after a step is kept when the next is asked for
    assert sorted(set(made)) == list(range(saved + 1, len(history) + 1))
    assert digest(resumed) == digest(whole)
    told = [
        [replace(record, seconds=0.0, cpu_seconds=0.0) for record in records]
        if name == "pre-training"
        else records
        for records in (again, history)
    ]
    assert told[0] == told[1]
    finished = trainer.model(0)
    made.clear()
    assert len(list(trainer.run(finished, tmp_path))) == len(history)
    assert not made and digest(finished) == digest(whole)


@pytest.mark.parametrize("name", TRAINERS)
def test_a_folder_goes_on_as_nothing_but_the_run_that_it_holds(name, often, tmp_path):
    trainer = TRAINERS[name]
    stopped(trainer, tmp_path, 5)
    for part, changes in {"start": {}, **trainer.others}.items():
        model = trainer.model(1 if part == "start" else 0)
        before = digest(model)
        with pytest.raises(InklingError, match=rf"another run: .*\b{part} was .*, is "):
            list(trainer.run(model, tmp_path, **changes))
        if name != "embedder":  # which finds its centre first
            assert digest(model) == before, "a run that is refused changes nothing"


# ---- what something is


def test_a_model_is_known_by_its_tensors_not_by_its_file(tmp_path):
    """The file's header has its notes in any order, and half precision is another way to write the
    same numbers.
    """
    model = tiny.random_model()
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(weight.half())
    files = []
    for number in range(2):
        model.save_pretrained(tmp_path / str(number), dtype=(torch.float16, torch.float32)[number])
        files.append((tmp_path / str(number) / "model.safetensors").read_bytes())
    assert files[0] != files[1]
    read = [Transformer.from_pretrained(tmp_path / str(number)) for number in range(2)]
    assert digest(read[0]) == digest(read[1]) == digest(model)
    with torch.no_grad():
        read[1].layers[0].mlp.up_proj.weight[0, 0] += 1e-3
    assert digest(read[1]) != digest(model)


def test_names_shapes_and_kinds_of_numbers_are_part_of_a_digest():
    one = torch.arange(6.0)
    different = [
        {"a": one},
        {"b": one},
        {"a": one.view(2, 3)},
        {"a": one.int()},
        {"a": one, "b": one},
    ]
    assert len({digest(tensors) for tensors in different}) == len(different)
    assert digest({"a": one, "b": one + 1}) == digest({"b": one + 1, "a": one})


SCALE = 2.0


def with_global(_: Any, replies: list[str]) -> list[float]:
    return [SCALE * len(reply) for reply in replies]


def test_a_function_is_what_it_does_and_what_it_holds_on_to(monkeypatch):
    models = [tiny.random_model(seed) for seed in (0, 0, 1)]
    rewards = [
        reward.model_reward(reward.RewardModel.from_model(model), TOKENIZER) for model in models
    ]
    same, again, other = map(identity.identity, rewards)
    assert same == again != other
    assert identity.identity(says_no) != identity.identity(says_yes)
    partials = [functools.partial(says_no, number) for number in (1, 1, 2)]
    one, two, three = map(identity.identity, partials)
    assert one == two != three
    before = identity.identity(with_global)
    monkeypatch.setitem(globals(), "SCALE", 3.0)
    assert identity.identity(with_global) != before
    worlds = [prompt_batches(WORLD, 4, seed) for seed in (0, 0, 1)]
    one, two, three = map(identity.identity, worlds)
    assert one == two != three


def test_what_a_function_fills_while_it_runs_is_no_part_of_it():
    seen: list[str] = []

    def watched(_: Any, replies: list[str]) -> list[float]:
        seen.extend(replies)
        return says_no(_, replies)

    before = identity.identity(watched)
    watched(None, ["no"])
    assert seen and identity.identity(watched) == before


def test_a_history_is_no_part_of_the_header(tmp_path):
    """A header may have 100 MB, which a long run's history would fill."""
    model = tiny.random_model(n_layers=1)
    path = savepoint.save(tmp_path, 1, model, [], {"history": ["x" * 1000] * 1000})
    header = int.from_bytes(path.read_bytes()[:8], "little")
    assert header < 10_000
    assert savepoint.read_savepoint(path)[1] == {"history": ["x" * 1000] * 1000}

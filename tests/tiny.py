"""What the tests of alignment share: a small tokenizer, models of a few thousand random weights,
and one that talks.
"""

import copy
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest
import torch

from inkling import checkpoints
from inkling.assistant.sft import Demonstration, SFTConfig, finetune
from inkling.model.transformer import ModelConfig, Transformer
from inkling.reading.lessons import ReadingConfig
from inkling.recipe.reader_stage import RAGRecipe
from inkling.text.tokenizer import SPECIAL_TOKENS, Tokenizer

PROMPTS = [
    "Is the boat in?",
    "Is Ada at home?",
    "Does the mill turn?",
    "Is it raining in the harbour today?",
]
REPLIES = [
    "yes, please come in",
    "no",
    "yes",
    "no, not today",
    "the boat left the harbour this morning, so no",
]
#: Words of several letters, for texts that have nothing in common but what a test puts into them.
WORDS = (
    "boat mill harbour morning today home come left raining turn ada please bread lamp rope north"
    " green".split()
)


@cache
def tokenizer() -> Tokenizer:
    """360 tokens; every word of `WORDS` and `REPLIES` is one or two of them."""
    texts = [
        " ".join([first, *WORDS, *PROMPTS, *REPLIES, second]) for first in WORDS for second in WORDS
    ]
    return Tokenizer.train(texts, 360, SPECIAL_TOKENS)


def random_model(
    seed: int = 0, n_layers: int = 2, std: float = 0.25, context_length: int = 64
) -> Transformer:
    """A model whose weights are all random (a new one's blocks write zeros), so that every token
    hears the others.
    """
    config = ModelConfig(
        tokenizer().vocab_size,
        context_length,
        d_model=16,
        n_layers=n_layers,
        n_heads=2,
        n_kv_heads=1,
    )
    model = Transformer(config, seed=seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(torch.randn(weight.shape, generator=generator) * std + (weight.dim() == 1))
    return model.eval()


@cache
def _talker() -> Transformer:
    config = ModelConfig(
        tokenizer().vocab_size, 64, d_model=16, n_layers=1, n_heads=2, n_kv_heads=1
    )
    model = Transformer(config)
    demos = [Demonstration(prompt, reply) for prompt in PROMPTS for reply in REPLIES]
    list(
        finetune(
            model,
            tokenizer(),
            demos,
            SFTConfig(epochs=150, length=64, learning_rate=2e-2),
            progress=False,
        )
    )
    return model


def talker() -> Transformer:
    """A model that answers each of `PROMPTS` with one of `REPLIES`, nearly at random, and ends. A
    copy each time.
    """
    return copy.deepcopy(_talker())


def checkpoint(folder: Path) -> Path:
    """A checkpoint with the shipped tokenizer, so that it reads all of Larkhaven, and a tiny
    model.
    """
    shipped = Tokenizer.load(checkpoints.path("base") / "tokenizer.json")
    config = ModelConfig(
        shipped.vocab_size, context_length=256, d_model=16, n_layers=1, n_heads=2, n_kv_heads=1
    )
    Transformer(config).save_pretrained(folder)
    shipped.save(folder / "tokenizer.json")
    return folder


def weights(model: torch.nn.Module) -> list[torch.Tensor]:
    """A copy of every weight."""
    return [parameter.detach().clone() for parameter in model.parameters()]


def gradients(
    monkeypatch: pytest.MonkeyPatch, trainer: ModuleType, learn: Callable, *args, **kwargs
) -> list[list[torch.Tensor]]:
    """For each update that `learn(*args, **kwargs)` makes in the module `trainer`, the gradient of
    each weight, before it is used and wiped.
    """
    seen, update = [], trainer.update

    def noted(model, *rest, **settings):
        seen.append([parameter.grad.clone() for parameter in model.parameters()])
        return update(model, *rest, **settings)

    monkeypatch.setattr(trainer, "update", noted)
    learn(*args, **kwargs)
    return seen


def same(ours: list[torch.Tensor], theirs: list[torch.Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))


def reading_recipe(*courses: ReadingConfig, **changes) -> RAGRecipe:
    """Courses of a few steps, with next to nothing mixed in and exams of two questions."""
    sizes = {
        "n_replay": 2,
        "n_replay_documents": 2,
        "n_documents": 6,
        "n_points": 1,
        "n_curve": 2,
        "n_exam": 2,
        "n_judged": 2,
        "control_steps": 0,
    }
    return RAGRecipe(courses=courses, **sizes | changes)

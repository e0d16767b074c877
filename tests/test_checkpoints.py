"""A checkpoint by its name: the model and the tokenizer that belong together, or a sentence."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest
import tiny
import torch

from inkling import checkpoints
from inkling.files import InklingError
from inkling.model.transformer import Transformer
from inkling.text.tokenizer import Tokenizer


@pytest.fixture
def run(tmp_path):
    """A run of one's own with one finished stage."""
    tiny.checkpoint(tmp_path / "sft")
    return tmp_path


@pytest.mark.parametrize("name", ["base", "sft", "rlhf", "rag", "ten_minutes"])
def test_a_shipped_checkpoint_opens_by_its_name(name):
    model, tokenizer = checkpoints.load(name)
    by_hand = Transformer.from_pretrained(checkpoints.path(name))
    assert tiny.same(tiny.weights(model), tiny.weights(by_hand)) and not model.training
    text = "Ada lives on Gull Street."
    assert tokenizer.encode(text) == Tokenizer.load(
        checkpoints.path(name) / "tokenizer.json"
    ).encode(text)


def test_a_run_of_ones_own_opens_by_the_same_names(run):
    model, tokenizer = checkpoints.load("sft", run)
    assert model.config.d_model == 16
    again, _ = checkpoints.load_folder(str(run / "sft"))
    assert tiny.same(tiny.weights(model), tiny.weights(again))
    ids = torch.tensor([tokenizer.encode("Is Ada at home?")])
    assert model(ids).shape == (*ids.shape, tokenizer.vocab_size)


def test_a_name_that_there_is_not_is_answered_with_those_that_there_are(run):
    with pytest.raises(InklingError, match="no shipped checkpoint called 'chat'") as shipped:
        checkpoints.load("chat")
    names = ("base", "sft", "reward", "rlhf", "embedder", "rag", "ten_minutes")
    assert all(name in str(shipped.value) for name in names)
    with pytest.raises(InklingError, match="'base'; there are: sft"):
        checkpoints.load("base", run)
    with pytest.raises(InklingError, match="there are: none. Make one"):
        checkpoints.load("base", run / "nowhere")


@pytest.mark.parametrize(("name", "opener"), [("reward", "RewardModel"), ("embedder", "Embedder")])
def test_a_body_without_its_head_is_not_handed_out_as_a_language_model(name, opener):
    with pytest.raises(InklingError, match=rf"{name} is no language model.*{opener}\.load"):
        checkpoints.load(name)


def test_a_tokenizer_that_is_not_the_models_is_refused(run):
    shutil.copy(checkpoints.path("base") / "tokenizer.json", run / "sft" / "tokenizer.json")
    checkpoints.load("sft", run)
    tiny.random_model().save_pretrained(run / "sft")  # of a smaller vocabulary
    with pytest.raises(InklingError, match="do not belong together"):
        checkpoints.load("sft", run)
    (run / "sft" / "tokenizer.json").unlink()
    with pytest.raises(InklingError, match="tokenizer.json"):
        checkpoints.load("sft", run)


def test_to_ask_for_a_path_does_not_wait_for_torch():
    code = "import sys; from inkling import checkpoints as c; c.path('base'); print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "torch" not in found.stdout.split()

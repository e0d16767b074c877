"""The chain from base model to assistant: what it leaves, and that it goes on where it stopped."""

import json
from dataclasses import replace

import pytest
import tiny
import torch

from inkling.assistant import sft
from inkling.assistant.ppo import PPOConfig
from inkling.assistant.preferences import FAIR, make_pairs
from inkling.assistant.reward import RewardModel
from inkling.assistant.rollouts import prompt_batches
from inkling.files import InklingError
from inkling.model.transformer import Transformer
from inkling.recipe import assistant_stage
from inkling.text.tokenizer import Tokenizer
from inkling.world import World

WORLD = World(0)
TINY = assistant_stage.AlignRecipe(
    n_demos=24,
    n_replay=20,
    n_pairs=16,
    rlhf=PPOConfig(steps=1, batch_size=4, minibatch_size=4, max_new_tokens=4),
    n_judged=4,
)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return tiny.checkpoint(tmp_path_factory.mktemp("align") / "base")


@pytest.fixture(scope="module")
def chain(base):
    """The folder of a finished tiny chain, and its cards."""
    return base.parent, assistant_stage.align(base, base.parent, TINY, progress=False)


def test_each_stage_leaves_a_checkpoint_and_a_card(chain):
    folder, cards = chain
    assert [card["name"] for card in cards] == ["sft", "reward", "rlhf"]
    for card in cards:
        assert json.loads((folder / card["name"] / "card.json").read_text()) == json.loads(
            json.dumps(card)
        )
        assert (folder / card["name"] / "tokenizer.json").is_file() and card["cost"][
            "cpu_seconds"
        ] > 0
    assert set(cards[0]["scores"]) == set(cards[2]["scores"])
    model = RewardModel.load(folder / "reward")
    rewards = model.score(
        Tokenizer.load(folder / "reward" / "tokenizer.json"), ["Hello?"], ["Yes."]
    )
    assert rewards.shape == (1,) and torch.isfinite(rewards).all()


def test_cards_say_what_each_model_is_worth_beside_what_costs_nothing(chain):
    _, (tuned, _, after) = chain
    baselines = tuned["baselines"] | after["baselines"]
    assert set(baselines) == {"demonstrations", "fixed_phrase", "best_tenth", "best_of_four"}
    cooled = tuned["scores"]["at"]["0.7"]
    ahead = after["scores"]["at"]["0.7"]["gold"]
    assert set(after["gains"]) == {"fine_tuned", *baselines}
    for name, arm in (baselines | {"fine_tuned": cooled}).items():
        assert arm["n"] == TINY.n_judged and len(arm["gold_by_seed"]) == 3
        assert after["gains"][name]["gold"] == pytest.approx(ahead - arm["gold"])
    # a tiny model writes nonsense, and people do not
    assert after["gains"]["demonstrations"]["gold"] < 0
    for scores in (tuned["scores_of_base"], tuned["scores"], after["scores"]):
        assert scores["gold"] == scores["at"]["1"]["gold"]
        assert scores["gold_spread"] == scores["at"]["1"]["spread"]["gold"]


def test_training_changed_the_weights_at_each_stage(chain, base):
    folder, _ = chain
    folders = (base, folder / "sft", folder / "rlhf")
    before, sft_weights, rlhf_weights = (
        Transformer.from_pretrained(path).embed_tokens.weight for path in folders
    )
    assert not torch.equal(before, sft_weights) and not torch.equal(sft_weights, rlhf_weights)


def test_a_finished_stage_is_not_made_again(chain, base, monkeypatch):
    folder, cards = chain

    def forbidden(*_, **__):
        raise AssertionError("this stage was finished")

    monkeypatch.setattr(sft, "finetune", forbidden)
    assert assistant_stage.align(base, folder, TINY, progress=False) == json.loads(
        json.dumps(cards)
    )


def test_stages_of_another_recipe_are_not_taken_for_these(chain, base):
    folder, _ = chain
    with pytest.raises(InklingError, match="another model or with another recipe"):
        assistant_stage.align(base, folder, replace(TINY, seed=1), progress=False)


def test_an_interrupted_chain_goes_on_with_the_stage_that_is_missing(base, tmp_path, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(assistant_stage.ppo, "train_ppo", stop)
        with pytest.raises(KeyboardInterrupt):
            assistant_stage.align(base, tmp_path, TINY, progress=False)
    assert not (tmp_path / "rlhf" / "card.json").exists()
    monkeypatch.setattr(sft, "finetune", stop)  # it was finished: doing it again would stop here
    assert assistant_stage.align(base, tmp_path, TINY, progress=False)[2]["name"] == "rlhf"


def test_pairs_are_half_of_peoples_replies_and_half_of_the_models_own(base):
    model, tokenizer = Transformer.from_pretrained(base), Tokenizer.load(base / "tokenizer.json")
    pairs = make_pairs(model, tokenizer, WORLD, 8, seed=3, raters=(FAIR,))
    assert len(pairs) == 8 and {pair.rater for pair in pairs} == {"fair"}
    requests = [request.prompt for request in WORLD.requests(4, "train", 3)]
    assert [pair.prompt for pair in pairs[:4]] == requests


def test_a_folder_without_a_checkpoint_is_a_clear_message(tmp_path):
    with pytest.raises(InklingError, match="no checkpoint"):
        assistant_stage.align(tmp_path, tmp_path / "out")


def test_prompts_of_a_step_are_always_the_same_and_differ_from_step_to_step():
    batches = prompt_batches(WORLD, 6, seed=0)
    assert batches(0) == batches(0) != batches(1) and prompt_batches(WORLD, 6, seed=1)(
        0
    ) != batches(0)

"""The reward model: where it reads, its loss against TRL's, what it learns, centring, files, and
bad input.
"""

import copy
import math
from collections import defaultdict
from types import SimpleNamespace

import numpy as np
import pytest
import safetensors.torch
import tiny
import torch

from inkling.assistant import reward
from inkling.assistant.chat import end_id, pad_id
from inkling.assistant.preferences import Pair
from inkling.assistant.reward import (
    MOST_SURPRISE,
    RewardConfig,
    RewardModel,
    bradley_terry_loss,
    encode_reply,
    pad_rows,
    pair_accuracy,
    train_reward_model,
)
from inkling.files import InklingError

TOKENIZER = tiny.tokenizer()


def new_model(seed=0) -> RewardModel:
    return RewardModel(tiny.random_model(seed), seed=seed)


def polite_pairs(n, seed=0) -> list[Pair]:
    """The chosen reply always has "please" somewhere, the other one never; both are of all
    lengths.
    """
    random = np.random.default_rng(seed)
    others = [word for word in tiny.WORDS if word != "please"]
    pairs = []
    for _ in range(n):
        chosen, rejected = (list(random.choice(others, random.integers(1, 6))) for _ in range(2))
        chosen.insert(random.integers(len(chosen) + 1), "please")
        pairs.append(Pair(str(random.choice(tiny.PROMPTS)), " ".join(chosen), " ".join(rejected)))
    return pairs


# ---- the head, and where it reads


def test_the_head_starts_with_standard_deviation_one_over_root_d_plus_one():
    body = tiny.random_model()  # d_model is 16; 1 / sqrt(16) would be 3 % too wide
    heads = torch.cat([RewardModel(body, seed=seed).head.weight for seed in range(1500)])
    assert heads.std().item() == pytest.approx(1 / math.sqrt(17), rel=0.015)
    assert abs(heads.mean()) < 0.01
    assert torch.equal(RewardModel(body, seed=3).head.weight, heads[3:4])


def test_the_reward_is_read_at_the_last_real_token_and_that_is_the_end_token():
    model, row = new_model(), encode_reply(TOKENIZER, tiny.PROMPTS[0], "yes, please come in")
    assert row[-1] == end_id(TOKENIZER)
    hidden = model.body.hidden_states(torch.tensor([row]))[0]
    reward = model(*pad_rows([row], pad_id(TOKENIZER)))
    torch.testing.assert_close(reward, model.head(hidden[-1]))
    assert (reward - model.head(hidden[-2])).abs() > 1e-3


@pytest.mark.parametrize("padding", [1, 7, 30])
def test_padding_after_the_last_token_changes_nothing_whatever_it_is(padding):
    model, row = new_model(), encode_reply(TOKENIZER, tiny.PROMPTS[1], "no")
    expected = model(torch.tensor([row]), torch.tensor([len(row)]))
    for filler in (pad_id(TOKENIZER), end_id(TOKENIZER), 65):
        padded = torch.tensor([row + [filler] * padding])
        torch.testing.assert_close(model(padded, torch.tensor([len(row)])), expected)


def test_a_reward_does_not_depend_on_its_neighbours_and_comes_back_in_its_place():
    model = new_model()
    prompts, replies = zip(
        *[(prompt, reply) for prompt in tiny.PROMPTS for reply in tiny.REPLIES], strict=True
    )
    alone = torch.cat(
        [model.score(TOKENIZER, [p], [r]) for p, r in zip(prompts, replies, strict=True)]
    )
    assert alone.unique().numel() == len(replies)
    rows = [
        encode_reply(TOKENIZER, prompt, reply)
        for prompt, reply in zip(prompts, replies, strict=True)
    ]
    for together in (1, 3, 64):
        torch.testing.assert_close(
            model.in_batches(rows, pad_id(TOKENIZER), together).detach(), alone
        )


@pytest.mark.parametrize("lengths", [[0, 3], [4, 6], [-1, 5]])
def test_lengths_out_of_range_raise(lengths):
    with pytest.raises(InklingError, match="from 1 to 5"):
        new_model()(torch.ones(2, 5, dtype=torch.long), torch.tensor(lengths))


def test_a_reward_model_is_a_copy_of_the_model_that_it_starts_from():
    policy = tiny.random_model()
    before = tiny.weights(policy)
    list(
        train_reward_model(
            RewardModel.from_model(policy), TOKENIZER, polite_pairs(32), progress=False
        )
    )
    assert tiny.same(before, tiny.weights(policy))


# ---- the loss


def test_the_loss_is_minus_the_log_of_the_probability_of_the_choice():
    chosen, rejected = torch.tensor([1.0, -2.0, 0.5]), torch.tensor([0.0, 1.0, 0.5])
    by_hand = [-math.log(1 / (1 + math.exp(-difference))) for difference in (1.0, -3.0, 0.0)]
    assert bradley_terry_loss(chosen, rejected).item() == pytest.approx(sum(by_hand) / 3)
    # no log 0
    assert bradley_terry_loss(torch.tensor([0.0]), torch.tensor([1000.0])).item() == 1000.0


def trl_loss(model: RewardModel, rows, centring) -> torch.Tensor:
    """`RewardTrainer.compute_loss` on rows that hold the chosen replies, then the rejected ones."""
    trainer = pytest.importorskip("trl.trainer.reward_trainer").RewardTrainer
    gather = SimpleNamespace(gather_for_metrics=lambda x: x, gather=lambda x: x)
    stand_in = SimpleNamespace(
        model=model,
        accelerator=gather,
        args=SimpleNamespace(center_rewards_coefficient=centring),
        _metrics=defaultdict(lambda: defaultdict(list)),
        _total_train_tokens=0,
        _tp_size=1,
    )
    tokens, lengths = pad_rows(rows, pad_id(TOKENIZER))

    def forward(input_ids, attention_mask, use_cache):
        return SimpleNamespace(logits=model(input_ids, attention_mask.sum(dim=1))[:, None])

    inputs = {
        "input_ids": tokens,
        "attention_mask": (torch.arange(tokens.shape[1]) < lengths[:, None]).long(),
    }
    return trainer.compute_loss(stand_in, forward, inputs)


@pytest.mark.parametrize("centring", [0.0, 0.3])
def test_one_step_of_training_has_trls_loss_and_gradient(centring, monkeypatch):
    pairs, model = polite_pairs(12), new_model()
    theirs = copy.deepcopy(model)
    rows = [
        encode_reply(TOKENIZER, p.prompt, getattr(p, side))
        for side in ("chosen", "rejected")
        for p in pairs
    ]
    plain, loss = trl_loss(theirs, rows, None), trl_loss(theirs, rows, centring)
    loss.backward()
    config = RewardConfig(batch_size=12, centring=centring, grad_clip=1e9)
    records = []
    run = train_reward_model(model, TOKENIZER, pairs, config, progress=False)
    (taken,) = tiny.gradients(monkeypatch, reward, records.extend, run)
    (record,) = records
    assert record.loss == pytest.approx(plain.item(), rel=1e-5), (
        "what is reported is without the centring"
    )
    for ours, parameter in zip(taken, theirs.parameters(), strict=True):
        torch.testing.assert_close(ours, parameter.grad, rtol=1e-4, atol=1e-6)


# ---- training


@pytest.fixture(scope="module")
def trained():
    """Training starts 5 above zero here, so that something is left to centre."""
    model, pairs = new_model(), polite_pairs(800)
    model.shift -= 5
    config = RewardConfig(batch_size=16, learning_rate=1e-2, centring=0.0)
    return model, pairs, list(train_reward_model(model, TOKENIZER, pairs, config, progress=False))


def test_a_word_that_is_always_preferred_is_learned(trained):
    model, _, history = trained
    accuracy, difference = pair_accuracy(model, TOKENIZER, polite_pairs(200, seed=1))
    assert accuracy > 0.95 and difference.mean() > 1
    assert history[0].loss > 2 * history[-1].loss
    swapped = [Pair(p.prompt, p.rejected, p.chosen) for p in polite_pairs(200, seed=1)]
    assert pair_accuracy(model, TOKENIZER, swapped)[0] == pytest.approx(1 - accuracy)


def test_training_is_one_epoch(trained):
    _, pairs, history = trained
    assert [record.step for record in history] == list(range(1, len(pairs) // 16 + 1))


def test_rewards_are_about_zero_on_average_after_training(trained):
    model, pairs, _ = trained
    chosen = model.score(TOKENIZER, [p.prompt for p in pairs], [p.chosen for p in pairs])
    rejected = model.score(TOKENIZER, [p.prompt for p in pairs], [p.rejected for p in pairs])
    assert abs(torch.cat([chosen, rejected]).mean()) < 1


def test_centring_moves_the_mean_to_zero_and_no_difference():
    model, pairs = new_model(), polite_pairs(50)
    prompts, replies = [p.prompt for p in pairs], [p.chosen for p in pairs]
    before = model.score(TOKENIZER, prompts, replies)
    model.centre(before)
    after = model.score(TOKENIZER, prompts, replies)
    assert abs(after.mean()) < 1e-5 < abs(before.mean())
    torch.testing.assert_close(after - after[0], before - before[0])


def test_the_same_seed_gives_the_same_history_and_weights():
    runs = []
    for seed in (0, 0, 1):
        model = new_model()
        history = list(
            train_reward_model(
                model, TOKENIZER, polite_pairs(64), RewardConfig(8, seed=seed), progress=False
            )
        )
        runs.append((history, tiny.weights(model)))
    assert runs[0][0] == runs[1][0] and tiny.same(runs[0][1], runs[1][1])
    assert runs[0][0] != runs[2][0]


def test_a_tie_counts_half():
    model = new_model()
    torch.nn.init.zeros_(model.head.weight)
    accuracy, difference = pair_accuracy(model, TOKENIZER, polite_pairs(10))
    assert accuracy == 0.5 and difference.tolist() == [0.0] * 10


# ---- files


def test_a_saved_model_gives_the_same_rewards(tmp_path):
    model = new_model()
    model.shift += 0.7
    model.save(tmp_path)
    prompts = tiny.PROMPTS[:1] * len(tiny.REPLIES)
    ours = model.score(TOKENIZER, prompts, tiny.REPLIES)
    assert torch.equal(RewardModel.load(tmp_path).score(TOKENIZER, prompts, tiny.REPLIES), ours)


@pytest.mark.parametrize(
    "damage", ["missing", "cut", "empty", "no shift", "another size", "one number"]
)
def test_a_head_that_is_missing_or_damaged_raises(tmp_path, damage):
    new_model().save(tmp_path)
    path, shift = tmp_path / "head.safetensors", torch.zeros(())
    data = path.read_bytes()
    if damage == "missing":
        path.unlink()
    elif damage in ("cut", "empty"):
        path.write_bytes(data[: len(data) - 5] if damage == "cut" else b"")
    else:
        head = torch.ones(1, {"no shift": 16, "another size": 15, "one number": 1}[damage])
        safetensors.torch.save_file(
            {"head": head} | ({} if damage == "no shift" else {"shift": shift}), path
        )
    with pytest.raises(InklingError, match="no head of a reward model"):
        RewardModel.load(tmp_path)


# ---- bad input


def test_pairs_that_say_nothing_raise():
    with pytest.raises(InklingError, match="no preferences"):
        list(train_reward_model(new_model(), TOKENIZER, [], progress=False))
    pairs = [*polite_pairs(3), Pair("Is Ada at home?", "no", "no")]
    with pytest.raises(InklingError, match="pair 3 compares a reply with itself"):
        list(train_reward_model(new_model(), TOKENIZER, pairs, progress=False))


@pytest.mark.parametrize(
    "pair",
    [
        Pair("Is Ada at home? " * 200, "yes", "no"),
        Pair("Is Ada at home?", "yes " * 400 + "yes", "yes " * 400 + "no"),
    ],
)
def test_a_pair_that_is_the_same_within_the_context_raises(pair):
    with pytest.raises(InklingError, match="pair 2: its replies differ only behind the end"):
        list(train_reward_model(new_model(), TOKENIZER, [*polite_pairs(2), pair], progress=False))


def test_a_loss_that_is_no_number_raises():
    model = new_model()
    with torch.no_grad():
        model.head.weight[0, 0] = math.nan
    with pytest.raises(InklingError, match="loss is nan at step 1"):
        list(train_reward_model(model, TOKENIZER, polite_pairs(4), progress=False))


# ---- the reader


def with_reader(seed: int = 0) -> RewardModel:
    model = RewardModel(tiny.random_model(seed), tiny.random_model(seed + 1), seed)
    torch.nn.init.normal_(model.cost.weight, std=0.3)
    return model


def test_a_reader_changes_nothing_before_training():
    body = tiny.random_model()
    tokens = torch.randint(
        0, body.config.vocab_size, (3, 9), generator=torch.Generator().manual_seed(0)
    )
    lengths = torch.tensor([9, 4, 6])
    plain, read = RewardModel(body, seed=2), RewardModel(body, tiny.random_model(1), seed=2)
    torch.testing.assert_close(plain(tokens, lengths), read(tokens, lengths))


def test_each_token_adds_its_surprise_times_what_the_body_makes_of_it():
    model = with_reader()
    tokens = torch.randint(
        0, model.body.config.vocab_size, (1, 9), generator=torch.Generator().manual_seed(0)
    )
    log_p = model.reader(tokens)[0].log_softmax(-1)
    hidden = model.body.hidden_states(tokens)[0]
    expected = model.head(hidden[8])[0]
    for t in range(1, 9):
        expected = expected + model.cost(hidden[t])[0] * min(
            MOST_SURPRISE, -log_p[t - 1, tokens[0, t]].item()
        )
    torch.testing.assert_close(model(tokens, torch.tensor([9]))[0], expected, rtol=1e-4, atol=1e-4)


def test_padding_costs_nothing_with_a_reader_either():
    model = with_reader()
    rows = [
        encode_reply(TOKENIZER, prompt, reply) for prompt in tiny.PROMPTS for reply in tiny.REPLIES
    ]
    alone = torch.cat([model.in_batches([row], pad_id(TOKENIZER)) for row in rows])
    torch.testing.assert_close(
        model.in_batches(rows, pad_id(TOKENIZER)), alone, rtol=1e-4, atol=1e-4
    )


def test_training_leaves_the_reader_as_it_is_and_a_saved_one_says_the_same(tmp_path):
    model = RewardModel.from_model(tiny.talker())
    before = tiny.weights(model.reader)
    list(train_reward_model(model, TOKENIZER, polite_pairs(32), progress=False))
    assert tiny.same(before, tiny.weights(model.reader)) and not tiny.same(
        before, tiny.weights(model.body)
    )
    assert model.cost.weight.abs().max() > 0, "it has learned to use it"
    model.save(tmp_path)
    again = RewardModel.load(tmp_path)
    prompts = tiny.PROMPTS[:1] * len(tiny.REPLIES)
    assert torch.equal(
        again.score(TOKENIZER, prompts, tiny.REPLIES), model.score(TOKENIZER, prompts, tiny.REPLIES)
    )
    assert RewardModel.from_model(tiny.talker(), plain=True).reader is None

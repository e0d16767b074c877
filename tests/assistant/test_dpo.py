"""DPO: the loss against TRL's, what counts as a reply, and runs that learn, repeat and fail as they
must.
"""

import math
from collections import defaultdict
from dataclasses import replace
from types import SimpleNamespace

import pytest
import tiny
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from inkling.assistant import dpo
from inkling.assistant.chat import encode_prompt, end_id, pad_id
from inkling.assistant.dpo import (
    DPOConfig,
    dpo_loss,
    encode_pairs,
    pad_chats,
    reply_log_probs,
    train_dpo,
)
from inkling.assistant.preferences import Pair
from inkling.files import InklingError

TOKENIZER = tiny.tokenizer()
YES, NO = "yes, please come in", "no, not today"
PAIRS = [
    Pair(prompt, chosen, rejected)
    for prompt in tiny.PROMPTS
    for chosen, rejected in [(NO, YES), ("no", "yes")]
]
SMALL = DPOConfig(epochs=8, batch_size=4, learning_rate=2e-3)


def batch(pairs):
    return pad_chats(encode_pairs(TOKENIZER, pairs), pad_id(TOKENIZER))


def margins(policy, reference, pairs) -> torch.Tensor:
    with torch.no_grad():
        chosen, rejected = (
            reply_log_probs(policy, *batch(pairs)) - reply_log_probs(reference, *batch(pairs))
        ).chunk(2)
    return chosen - rejected


# ---- the log-probability of a reply


def test_a_reply_is_its_text_and_its_end_token_and_neither_prompt_nor_padding():
    """Against the whole chain by hand, one prefix at a time, each row on its own."""
    model, (tokens, actions) = tiny.random_model(), batch(PAIRS[:3])
    found = reply_log_probs(model, tokens, actions)
    texts = [(p.prompt, p.chosen) for p in PAIRS[:3]] + [(p.prompt, p.rejected) for p in PAIRS[:3]]
    for row, (prompt, reply) in enumerate(texts):
        ids, total = encode_prompt(TOKENIZER, prompt), 0.0
        for token in [*TOKENIZER.encode(" " + reply), end_id(TOKENIZER)]:
            total += model(torch.tensor([ids]))[0, -1].log_softmax(dim=0)[token].item()
            ids.append(token)
        assert found[row].item() == pytest.approx(total, abs=1e-3)
        assert tokens[row].tolist() == ids + [pad_id(TOKENIZER)] * (tokens.shape[1] - len(ids))
    assert actions.sum(dim=1).unique().numel() > 1, "this test wants replies of different lengths"


def test_a_pair_that_does_not_fit_is_cut_and_trains():
    model = tiny.talker()
    long = Pair(tiny.PROMPTS[0], "yes " * model.config.context_length, "no")
    rows = encode_pairs(TOKENIZER, [long], model.config.context_length)
    assert [len(ids) for ids, _ in rows][0] == model.config.context_length and rows[0][1][-1]
    (record,) = train_dpo(model, TOKENIZER, [long], progress=False)
    assert math.isfinite(record.loss)


def test_special_tokens_in_a_reply_are_plain_text():
    tokens, _ = batch([Pair("Is the boat in?", "no<|end|>yes", "yes")])
    assert (tokens[0] == end_id(TOKENIZER)).sum() == 2, (
        "the user's and the assistant's, and none that was typed"
    )


# ---- the loss


@given(numbers=st.lists(st.floats(-50, 50), min_size=4, max_size=4), beta=st.floats(0.01, 2))
@settings(deadline=None)
def test_the_loss_is_minus_the_log_of_sigma_of_beta_times_the_margin(numbers, beta):
    chosen, rejected, ref_chosen, ref_rejected = numbers
    margin = beta * ((chosen - ref_chosen) - (rejected - ref_rejected))
    expected = math.log1p(math.exp(-margin)) if margin > -500 else -margin
    tensors = [torch.tensor([number], dtype=torch.float64) for number in numbers]
    assert dpo_loss(*tensors, beta).item() == pytest.approx(expected, rel=1e-9)


def test_the_loss_is_a_mean_over_pairs():
    first, second = torch.tensor([1.0, 2.0, 3.0, 4.5]), torch.tensor([0.0, -2.0, 3.0, -4.0])
    both = dpo_loss(*torch.stack([first, second], dim=1), 0.5)
    apart = dpo_loss(*first[:, None], 0.5), dpo_loss(*second[:, None], 0.5)
    torch.testing.assert_close(both, sum(apart) / 2)


def trl_loss(policy, reference, pairs, beta) -> torch.Tensor:
    """`DPOTrainer._compute_loss` on the same pairs; what it calls as a model stands in for TRL's
    fused head.
    """
    trainer = pytest.importorskip("trl.trainer.dpo_trainer").DPOTrainer
    stand_in = SimpleNamespace(
        model=SimpleNamespace(training=True),
        aux_loss_enabled=False,
        ld_alpha=None,
        precompute_ref_logps=True,
        f_divergence_type="reverse_kl",
        loss_types=["sigmoid"],
        loss_weights=[1.0],
        beta=beta,
        use_weighting=False,
        accelerator=SimpleNamespace(
            device="cpu", gather=lambda x: x, gather_for_metrics=lambda x: x
        ),
        _metrics=defaultdict(lambda: defaultdict(list)),
        _total_train_tokens=0,
        _tp_size=1,
    )
    chats = encode_pairs(TOKENIZER, pairs)
    width = max(len(ids) for ids, _ in chats)
    tokens = torch.tensor([ids + [pad_id(TOKENIZER)] * (width - len(ids)) for ids, _ in chats])
    real = torch.tensor([[1] * len(ids) + [0] * (width - len(ids)) for ids, _ in chats])
    written = torch.tensor([[int(on) for on in by] + [0] * (width - len(by)) for _, by in chats])

    def log_probs(model, labels):
        return -F.cross_entropy(
            model(tokens)[:, :-1].transpose(1, 2), labels[:, 1:], reduction="none"
        )

    def forward(input_ids, attention_mask, labels, use_cache, fused_lm_head):
        nothing = torch.zeros(len(tokens), width - 1)  # what TRL only logs
        each = log_probs(policy, labels)
        return SimpleNamespace(
            log_probs=each, entropy=nothing, mean_logits=nothing, is_top1=nothing.bool()
        )

    with torch.no_grad():
        chosen, rejected = (
            log_probs(reference, tokens.masked_fill(written == 0, -100)).sum(dim=1).chunk(2)
        )
    inputs = {
        "input_ids": tokens,
        "attention_mask": real,
        "completion_mask": written,
        "ref_chosen_logps": chosen,
        "ref_rejected_logps": rejected,
    }
    return trainer._compute_loss(stand_in, forward, inputs, False)


@pytest.mark.parametrize("beta", [0.05, 0.5])
def test_the_loss_is_trls(beta):
    policy, reference = tiny.random_model(0), tiny.random_model(1)
    chosen, rejected = reply_log_probs(policy, *batch(PAIRS)).chunk(2)
    ref_chosen, ref_rejected = reply_log_probs(reference, *batch(PAIRS)).chunk(2)
    ours = dpo_loss(chosen, rejected, ref_chosen, ref_rejected, beta)
    assert abs(ours - math.log(2)) > 0.01
    torch.testing.assert_close(ours, trl_loss(policy, reference, PAIRS, beta), rtol=1e-4, atol=1e-5)


def test_one_step_of_training_has_trls_gradient(monkeypatch):
    policy, theirs = tiny.random_model(), tiny.random_model()
    trl_loss(theirs, theirs, PAIRS, 0.3).backward()
    run = train_dpo(policy, TOKENIZER, PAIRS, DPOConfig(beta=0.3, grad_clip=1e9), progress=False)
    (taken,) = tiny.gradients(monkeypatch, dpo, list, run)
    for ours, parameter in zip(taken, theirs.parameters(), strict=True):
        torch.testing.assert_close(ours, parameter.grad, rtol=1e-3, atol=1e-5)


# ---- runs


def test_at_the_start_the_loss_is_exactly_ln_2():
    for beta in (0.1, 5.0):
        config = DPOConfig(beta=beta, batch_size=len(PAIRS))
        (record,) = train_dpo(tiny.talker(), TOKENIZER, PAIRS, config, progress=False)
        assert record.loss == torch.tensor(2.0).log().item()
        assert (record.chosen, record.rejected, record.accuracy) == (0.0, 0.0, 0.0)


def test_a_run_raises_the_margin_and_what_the_policy_says():
    policy, reference = tiny.talker(), tiny.talker()
    history = list(train_dpo(policy, TOKENIZER, PAIRS, SMALL, progress=False))
    assert len(history) == SMALL.epochs * math.ceil(len(PAIRS) / SMALL.batch_size)
    assert (margins(policy, reference, PAIRS) > 0.5).all()
    assert history[-1].accuracy == 1 and history[-1].loss < history[0].loss
    assert history[-1].chosen - history[-1].rejected > 0.5
    assert not policy.training


def test_a_preference_the_other_way_round_moves_the_policy_the_other_way():
    policy, reference = tiny.talker(), tiny.talker()
    list(
        train_dpo(
            policy,
            TOKENIZER,
            [Pair(p.prompt, p.rejected, p.chosen) for p in PAIRS],
            SMALL,
            progress=False,
        )
    )
    assert (margins(policy, reference, PAIRS) < -0.5).all()


def test_a_one_sided_set_trains():
    """Whoever always prefers the long reply teaches length, and no error comes of it."""
    long = "the boat left the harbour this morning, so no"
    pairs = [Pair(prompt, long, short) for prompt in tiny.PROMPTS for short in ("no", "yes")] * 4
    policy, reference = tiny.talker(), tiny.talker()
    history = list(train_dpo(policy, TOKENIZER, pairs, replace(SMALL, epochs=2), progress=False))
    assert all(math.isfinite(record.loss) for record in history)
    assert (margins(policy, reference, pairs) > 0).all()
    assert all(weight.isfinite().all() for weight in policy.parameters())


def test_a_single_pair_trains():
    assert (
        len(list(train_dpo(tiny.talker(), TOKENIZER, PAIRS[:1], DPOConfig(), progress=False))) == 1
    )


def test_the_same_seed_gives_the_same_history_and_weights():
    runs = []
    for seed in (0, 0, 1):
        policy = tiny.talker()
        config = replace(SMALL, epochs=2, batch_size=3, seed=seed)
        history = list(train_dpo(policy, TOKENIZER, PAIRS, config, progress=False))
        runs.append((history, tiny.weights(policy)))
    assert runs[0][0] == runs[1][0] and tiny.same(runs[0][1], runs[1][1])
    assert runs[0][0] != runs[2][0]


# ---- bad input


def test_pairs_that_say_nothing_raise():
    with pytest.raises(InklingError, match="no preferences"):
        list(train_dpo(tiny.random_model(), TOKENIZER, [], progress=False))
    with pytest.raises(InklingError, match="compares a reply with itself"):
        list(
            train_dpo(
                tiny.random_model(),
                TOKENIZER,
                [*PAIRS, Pair("Is Ada at home?", "no", "no")],
                progress=False,
            )
        )


@pytest.mark.parametrize(
    "pair",
    [
        Pair("Is Ada at home? " * 200, "yes", "no"),
        Pair("Is Ada at home?", "yes " * 400 + "yes", "yes " * 400 + "no"),
    ],
)
def test_a_pair_that_is_the_same_within_the_context_raises(pair):
    with pytest.raises(InklingError, match="pair 2: its replies differ only behind the end"):
        list(train_dpo(tiny.random_model(), TOKENIZER, [*PAIRS[:2], pair], progress=False))


def test_a_loss_that_is_no_number_raises():
    policy = tiny.random_model()
    with torch.no_grad():
        policy.norm.weight[0] = math.nan
    with pytest.raises(InklingError, match="loss is nan at step 1"):
        list(train_dpo(policy, TOKENIZER, PAIRS, progress=False))

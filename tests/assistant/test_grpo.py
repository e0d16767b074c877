"""GRPO: advantages within a group, the loss against TRL's, and runs that learn, repeat and fail as
they must.
"""

import math
from collections import defaultdict
from dataclasses import replace
from types import SimpleNamespace

import pytest
import tiny
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from inkling.assistant import grpo
from inkling.assistant.grpo import GRPOConfig, group_advantages, grpo_loss, train_grpo
from inkling.assistant.policy_gradient import full_kl, kl_estimates, token_log_probs
from inkling.assistant.rollouts import roll_out
from inkling.files import InklingError

TOKENIZER = tiny.tokenizer()
SMALL = GRPOConfig(
    steps=12, n_prompts=4, group_size=8, max_new_tokens=14, beta=0.0, learning_rate=3e-3
)


def prompts(step: int) -> list[str]:
    return tiny.PROMPTS * 3


def says_no(_, replies) -> torch.Tensor:
    return torch.tensor([float("no" in reply.split()) for reply in replies])


def run(policy, reward=says_no, **changes):
    config = replace(SMALL, **changes)
    return list(train_grpo(policy, TOKENIZER, prompts, reward, config, progress=False))


# ---- advantages


def test_an_advantage_is_how_much_better_than_its_own_group_a_reply_is():
    scores = torch.tensor([0.0, 1.0, 2.0, 10.0, 10.0, 40.0])
    centred, flat = group_advantages(scores, 3, scale_by_spread=False)
    assert centred.tolist() == [-1, 0, 1, -10, -10, 20] and flat == 0
    scaled, _ = group_advantages(scores, 3)
    spreads = torch.tensor([1.0, 1.0, 1.0, *[math.sqrt(300)] * 3])  # with n - 1, as TRL has it
    torch.testing.assert_close(scaled, centred / (spreads + 1e-4))


@pytest.mark.parametrize("scale_by_spread", [True, False])
def test_a_group_without_spread_has_advantage_0_and_is_counted(scale_by_spread):
    scores = torch.tensor([0.1] * 3 + [0.0, 1.0, 0.5] + [-7.3] * 3 + [1e4] * 3)
    advantages, flat = group_advantages(scores, 3, scale_by_spread)
    assert flat == 0.75
    assert advantages[[0, 1, 2, 6, 7, 8, 9, 10, 11]].tolist() == [0.0] * 9
    expected = torch.tensor([-1.0, 1.0, 0.0]) * (1.0 if scale_by_spread else 0.5)
    torch.testing.assert_close(advantages[3:6], expected, rtol=0, atol=1e-3)


@given(
    terms=st.lists(st.floats(-1000, 1000, width=32), min_size=2, max_size=8),
    seed=st.integers(0, 99),
)
def test_the_same_terms_added_in_another_order_are_no_difference(terms, seed):
    random = torch.Generator().manual_seed(seed)
    orders = [torch.randperm(len(terms), generator=random) for _ in range(4)]
    rewards = torch.stack([torch.tensor(terms)[order].cumsum(0)[-1] for order in orders])
    if (rewards.max() - rewards.min()).abs() > 1e-6 * rewards.abs().max().clamp(min=1):
        return  # the terms cancel: that is more than the rounding of what is left
    for scale_by_spread in (True, False):
        advantages, flat = group_advantages(rewards, 4, scale_by_spread)
        assert flat == 1 and advantages.tolist() == [0.0] * 4
    advantages, flat = group_advantages(rewards + torch.tensor([0.0, 0, 0, 0.01]), 4)
    assert flat == 0 or rewards.abs().max() > 1000


@given(
    scores=st.lists(st.floats(-100, 100, width=32), min_size=4, max_size=4),
    shift=st.floats(-50, 50, width=16),
)
@settings(deadline=None)
def test_advantages_of_a_group_add_up_to_0_and_a_shift_of_all_scores_changes_nothing(scores, shift):
    scores = torch.tensor(scores)
    advantages, _ = group_advantages(scores, 4)
    assert advantages.isfinite().all() and abs(advantages.sum()) < 1e-3
    if scores.std() > 0.1:
        torch.testing.assert_close(
            group_advantages(scores + shift, 4)[0], advantages, rtol=1e-2, atol=1e-2
        )


@pytest.mark.parametrize("n_scores, group_size", [(8, 3), (8, 1), (8, 0), (8, -4), (7, 8)])
def test_scores_that_make_no_groups_raise(n_scores, group_size):
    with pytest.raises(InklingError, match="2 replies or more"):
        group_advantages(torch.zeros(n_scores), group_size)


# ---- the loss


def some_tensors(seed=0):
    """Four replies of 1, 3, 5 and 6 tokens whose ratios are on both sides of the clipping."""
    generator = torch.Generator().manual_seed(seed)
    log_probs, noise, more = torch.randn(3, 4, 6, generator=generator)
    old, reference = log_probs + 0.4 * noise, log_probs + 0.5 * more
    actions = torch.arange(6) < torch.tensor([1, 3, 5, 6])[:, None]
    return log_probs, old, reference, actions, torch.tensor([2.0, -1.0, -2.0, 1.0])


def trl_loss(log_probs, old, reference, actions, advantages, beta, loss_type):
    """`GRPOTrainer._compute_loss` on log-probabilities that are given to it."""
    trainer = pytest.importorskip("trl.trainer.grpo_trainer").GRPOTrainer
    stand_in = SimpleNamespace(
        _get_per_token_logps_and_entropies=lambda *_, **__: (
            log_probs,
            torch.zeros_like(log_probs),
            None,
        ),
        aux_loss_enabled=False,
        top_entropy_quantile=1.0,
        off_policy_mask_threshold=None,
        use_vllm=False,
        importance_sampling_level="token",
        beta=beta,
        loss_type=loss_type,
        epsilon_low=0.2,
        epsilon_high=0.2,
        args=SimpleNamespace(use_bias_correction_kl=False, delta=None),
        model=SimpleNamespace(training=True),
        current_gradient_accumulation_steps=1.0,
        _entropy_bonus_enabled=False,
        _metrics=defaultdict(lambda: defaultdict(list)),
        accelerator=SimpleNamespace(gather=lambda x: x, reduce=lambda x, reduction: x),
    )
    ones = torch.ones(len(actions), 2, dtype=torch.long)
    inputs = {
        "prompt_ids": ones,
        "prompt_mask": ones,
        "completion_ids": actions.long(),
        "completion_mask": actions.long(),
        "advantages": advantages,
        "old_per_token_logps": old,
        "ref_per_token_logps": reference,
    }
    return trainer._compute_loss(stand_in, None, inputs)


@pytest.mark.parametrize("beta", [0.0, 0.7])
@pytest.mark.parametrize("per_reply, loss_type", [(True, "grpo"), (False, "bnpo")])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_loss_and_its_gradient_are_trls(beta, per_reply, loss_type, seed):
    log_probs, old, reference, actions, advantages = some_tensors(seed)
    assert ((log_probs - old).exp() - 1).abs()[actions].gt(0.2).any(), (
        "this test wants ratios that are clipped"
    )
    results = []
    for ours in (True, False):
        leaf = log_probs.clone().requires_grad_(True)
        if ours:
            # which is TRL's; training itself takes the full KL
            kl = kl_estimates(leaf, reference)["k3"]
            loss = grpo_loss(leaf, old, advantages, actions, kl, beta=beta, per_reply=per_reply)
        else:
            loss = trl_loss(leaf, old, reference, actions, advantages, beta, loss_type)
        results.append((loss.detach(), torch.autograd.grad(loss, leaf)[0]))
    torch.testing.assert_close(results[0][0], results[1][0])
    torch.testing.assert_close(results[0][1], results[1][1])


def test_averaging_over_replies_first_makes_a_token_of_a_long_reply_count_less():
    """One reply of 2 tokens, one of 8. Over tokens, all weigh 1/10; over replies, 1/4 and 1/16."""
    log_probs = torch.zeros(2, 8, requires_grad=True)
    actions = torch.arange(8) < torch.tensor([2, 8])[:, None]
    weights = {}
    for per_reply in (False, True):
        loss = grpo_loss(
            log_probs, torch.zeros(2, 8), torch.tensor([1.0, 1.0]), actions, per_reply=per_reply
        )
        weights[per_reply] = -torch.autograd.grad(loss, log_probs)[0]
    torch.testing.assert_close(weights[False], 0.1 * actions)
    torch.testing.assert_close(weights[True], torch.tensor([[1 / 4], [1 / 16]]) * actions)


@pytest.mark.parametrize("per_reply", [True, False])
def test_what_is_no_action_never_matters_and_a_reply_of_no_tokens_gives_no_nan(per_reply):
    log_probs, old, kl, actions, advantages = some_tensors()  # any numbers do for a KL
    actions[0] = False
    loss = grpo_loss(log_probs, old, advantages, actions, kl, beta=0.5, per_reply=per_reply)
    spoilt = [torch.where(actions, x, torch.full_like(x, 3.0)) for x in (log_probs, old, kl)]
    again = grpo_loss(*spoilt[:2], advantages, actions, spoilt[2], beta=0.5, per_reply=per_reply)
    assert loss.isfinite()
    torch.testing.assert_close(again, loss)


# ---- runs


@pytest.mark.parametrize(
    "changes", [{}, {"per_reply": True}, {"scale_by_spread": False, "beta": 0.01}], ids=str
)
def test_a_run_raises_the_mean_reward(changes):
    history = run(tiny.talker(), **changes)
    assert history[0].reward < 0.75 and history[-1].reward > 0.8
    assert [record.step for record in history] == list(range(1, 13))


def test_the_price_of_kl_holds_the_policy_back():
    free, held = run(tiny.talker(), beta=0.0), run(tiny.talker(), beta=3.0)
    assert free[0].kl == pytest.approx(0, abs=1e-5) and free[-1].kl > 0.5
    assert held[-1].kl < free[-1].kl / 2 and held[-1].reward < free[-1].reward


def test_each_prompt_has_its_group_side_by_side():
    seen = []
    run(
        tiny.talker(),
        lambda asked, replies: seen.append(asked) or says_no(asked, replies),
        steps=1,
        n_prompts=3,
    )
    assert seen == [[prompt for prompt in tiny.PROMPTS[:3] for _ in range(8)]]


def test_the_last_update_is_the_loss_with_the_full_kl_of_the_policy_that_acted(monkeypatch):
    """One update at temperature 0.6 from another reference: the gradient by hand is the one that
    training took.
    """
    policy, theirs, reference = tiny.talker(), tiny.talker(), tiny.random_model(n_layers=1)
    written = roll_out(
        theirs, TOKENIZER, [p for p in tiny.PROMPTS for _ in range(8)], 14, 0.6, seed=0
    )
    scores = says_no(None, written.replies) - (~written.finished).float()
    groups = scores.view(4, 8)
    advantages = (
        (groups - groups.mean(1, keepdim=True)) / (groups.std(1, keepdim=True) + 1e-4)
    ).view(-1, 1)
    logits = theirs(written.tokens)
    log_probs = token_log_probs(logits, written.tokens, 0.6)
    each = -log_probs * advantages + 0.3 * full_kl(logits, reference(written.tokens).detach(), 0.6)
    each[written.actions].mean().backward()
    config = replace(SMALL, steps=1, epochs=1, temperature=0.6, beta=0.3, grad_clip=1e9)
    records = []
    learn = train_grpo(
        policy, TOKENIZER, prompts, says_no, config, reference=reference, progress=False
    )
    (taken,) = tiny.gradients(monkeypatch, grpo, records.extend, learn)
    for ours, parameter in zip(taken, theirs.parameters(), strict=True):
        torch.testing.assert_close(ours, parameter.grad, rtol=1e-3, atol=1e-6)
    (record,) = records
    k1 = (
        log_probs.detach() - token_log_probs(reference(written.tokens), written.tokens, 0.6)
    ) * written.actions
    assert record.kl == pytest.approx(k1.sum(dim=1).mean().item(), rel=1e-4)
    assert record.reward == pytest.approx(scores.mean().item())


def test_groups_that_all_score_the_same_teach_nothing_and_are_reported():
    policy = tiny.talker()
    history = run(policy, lambda _, replies: torch.ones(len(replies)), steps=2, no_end_penalty=0.0)
    assert [record.flat for record in history] == [1.0, 1.0]
    assert tiny.same(tiny.weights(policy), tiny.weights(tiny.talker()))


def test_a_repeated_run_has_the_same_history():
    histories = [run(tiny.talker(), steps=3, seed=seed) for seed in (0, 0, 1)]
    assert histories[0] == histories[1] != histories[2]


def test_a_reward_of_nan_raises_and_leaves_the_weights():
    policy = tiny.talker()
    with pytest.raises(InklingError, match="rewards must be finite"):
        run(policy, lambda _, replies: torch.full((len(replies),), math.nan))
    assert tiny.same(tiny.weights(policy), tiny.weights(tiny.talker()))

"""PPO: what a token earns, advantages, the clipped loss, the critic; runs that learn, repeat and
fail as they must.
"""

import math
from dataclasses import replace

import pytest
import tiny
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from inkling.assistant import ppo
from inkling.assistant.policy_gradient import full_kl, kl_estimates, token_log_probs
from inkling.assistant.ppo import (
    ActorCritic,
    PPOConfig,
    clipped_loss,
    gae,
    token_rewards,
    train_ppo,
)
from inkling.assistant.rollouts import roll_out
from inkling.files import InklingError

TOKENIZER = tiny.tokenizer()
SMALL = PPOConfig(
    steps=15, batch_size=32, max_new_tokens=14, minibatch_size=16, beta=0.0, learning_rate=3e-3
)


def prompts(step: int) -> list[str]:
    return [*tiny.PROMPTS, *tiny.PROMPTS[::-1]] * 4


def says_no(_, replies) -> torch.Tensor:
    return torch.tensor([float("no" in reply.split()) for reply in replies])


def run(policy, reward=says_no, folder=None, **changes):
    return list(
        train_ppo(
            policy,
            TOKENIZER,
            prompts,
            reward,
            replace(SMALL, **changes),
            folder=folder,
            progress=False,
        )
    )


@st.composite
def batches(draw):
    """Random numbers for some replies, each of which is one block of columns: a prompt before it,
    padding after it.
    """
    n_rows, width = draw(st.integers(1, 4)), draw(st.integers(1, 9))
    actions = torch.zeros(n_rows, width, dtype=torch.bool)
    for row in actions:
        start = draw(st.integers(0, width - 1))
        row[start : draw(st.integers(start + 1, width))] = True
    generator = torch.Generator().manual_seed(draw(st.integers(0, 10**6)))
    values, rewards, log_probs, reference = torch.randn(
        4, n_rows, width, generator=generator, dtype=torch.float64
    )
    return actions, values, rewards, log_probs, reference


# ---- what a token earns


@given(batch=batches(), beta=st.floats(0, 2))
@settings(deadline=None)
def test_the_rewards_of_a_reply_add_up_to_its_score_minus_beta_times_kl(batch, beta):
    actions, _, _, log_probs, reference = batch
    scores = torch.arange(1.0, 1 + len(actions), dtype=torch.float64)
    rewards = token_rewards(scores, log_probs, reference, actions, beta)
    kl = (kl_estimates(log_probs, reference)["k1"] * actions).sum(dim=1)
    torch.testing.assert_close(rewards.sum(dim=1), scores - beta * kl)
    assert (rewards[~actions] == 0).all()


@given(batch=batches())
@settings(deadline=None)
def test_the_score_sits_on_the_last_action_alone(batch):
    actions, _, _, log_probs, reference = batch
    rewards = token_rewards(
        torch.full((len(actions),), 7.0).double(), log_probs, reference, actions, 0.0
    )
    for row, acted in zip(rewards, actions, strict=True):
        assert row.nonzero().flatten().tolist() == acted.nonzero().flatten().tolist()[-1:]


# ---- advantages


@given(batch=batches(), gamma=st.floats(0, 1), lam=st.floats(0, 1))
@settings(deadline=None)
def test_advantages_are_the_double_sum_of_the_paper(batch, gamma, lam):
    actions, values, rewards, *_ = batch
    expected = torch.zeros_like(rewards)
    for row, acted in enumerate(actions):
        columns = acted.nonzero().flatten().tolist()
        # after the last action nothing is left to come
        v = [values[row, t].item() for t in columns] + [0.0]
        delta = [rewards[row, t].item() + gamma * v[i + 1] - v[i] for i, t in enumerate(columns)]
        for i, t in enumerate(columns):
            expected[row, t] = sum(
                (gamma * lam) ** k * delta[i + k] for k in range(len(columns) - i)
            )
    torch.testing.assert_close(gae(rewards, values, actions, gamma, lam), expected)


@given(batch=batches())
@settings(deadline=None)
def test_with_gamma_and_lambda_1_an_advantage_is_the_return_minus_the_value(batch):
    actions, values, rewards, *_ = batch
    returns = (rewards * actions).flip(1).cumsum(dim=1).flip(1)
    torch.testing.assert_close(
        gae(rewards, values, actions, 1.0, 1.0), (returns - values) * actions
    )


@given(batch=batches(), garbage=st.floats(-1e3, 1e3))
@settings(deadline=None)
def test_columns_that_are_no_action_never_matter(batch, garbage):
    actions, values, rewards, log_probs, reference = batch
    spoilt = [
        torch.where(actions, x, torch.full_like(x, garbage))
        for x in (values, rewards, log_probs, reference)
    ]
    torch.testing.assert_close(gae(spoilt[1], spoilt[0], actions), gae(rewards, values, actions))
    loss = clipped_loss(log_probs, reference, values, actions)
    spoilt_old = torch.where(actions, reference, torch.full_like(reference, garbage / 100))
    torch.testing.assert_close(clipped_loss(log_probs, spoilt_old, spoilt[0], actions), loss)
    scores = torch.ones(len(actions)).double()
    expected = token_rewards(scores, log_probs, reference, actions, 0.3)
    torch.testing.assert_close(token_rewards(scores, *spoilt[2:], actions, 0.3), expected)


# ---- the loss


@pytest.mark.parametrize(
    "ratio, advantage, moves",
    [
        (1.3, 1, False),
        (1.3, -1, True),
        (0.7, -1, False),
        (0.7, 1, True),
        (1.1, 1, True),
        (0.9, -1, True),
    ],
)
def test_a_ratio_that_is_far_enough_gets_no_gradient_and_any_other_does(ratio, advantage, moves):
    log_probs = torch.tensor([[math.log(ratio)]], requires_grad=True)
    loss = clipped_loss(
        log_probs, torch.zeros(1, 1), torch.tensor([[float(advantage)]]), torch.tensor([[True]])
    )
    loss.backward()
    assert log_probs.grad.item() == pytest.approx(-ratio * advantage if moves else 0.0)


@given(batch=batches())
@settings(deadline=None)
def test_at_ratio_1_it_is_the_plain_policy_gradient(batch):
    actions, advantages, _, log_probs, _ = batch
    log_probs.requires_grad_(True)
    clipped = torch.autograd.grad(
        clipped_loss(log_probs, log_probs.detach(), advantages, actions), log_probs
    )[0]
    plain = torch.autograd.grad(-(log_probs * advantages)[actions].mean(), log_probs)[0]
    torch.testing.assert_close(clipped, plain)


def test_the_critic_starts_at_exactly_0_and_leaves_the_policy_as_it_is():
    policy, tokens = tiny.random_model(), torch.tensor([[1, 2, 3, 4]])
    logits, values = ActorCritic(policy)(tokens)
    assert torch.equal(values, torch.zeros(1, 3)) and torch.equal(logits, policy(tokens))


def test_a_value_is_of_the_text_before_the_token_that_it_judges():
    actor = ActorCritic(tiny.random_model())
    torch.nn.init.ones_(actor.value.weight)
    values = [
        actor(torch.tensor([tokens]))[1][0] for tokens in ([1, 2, 3, 4], [1, 2, 3, 9], [1, 2, 8, 4])
    ]
    torch.testing.assert_close(values[0], values[1])
    assert ((values[0] - values[2]).abs() > 1e-3).tolist() == [False, False, True]


# ---- runs


def test_a_run_raises_the_mean_reward():
    history = run(tiny.talker())
    assert history[0].reward < 0.75 and history[-1].reward > 0.8
    assert [record.step for record in history] == list(range(1, 16))


def test_a_run_can_learn_where_to_end():
    """The reward is of the whole reply, so only advantages that reach its first words make it
    shorter.
    """
    history = run(
        tiny.talker(), lambda _, replies: torch.tensor([-len(reply) / 10 for reply in replies])
    )
    assert history[0].length > 5 > 3 > history[-1].length
    assert history[-1].finished == 1


def test_a_large_beta_keeps_the_policy_near_the_reference():
    free, held = run(tiny.talker(), beta=0.0), run(tiny.talker(), beta=3.0)
    assert free[0].kl == pytest.approx(0, abs=1e-5) and free[-1].kl > 0.5
    assert held[-1].kl < free[-1].kl / 4
    assert held[-1].reward < free[-1].reward


def test_the_history_says_what_the_first_batch_was():
    policy, reference = tiny.talker(), tiny.random_model(n_layers=1)
    written = roll_out(policy, TOKENIZER, prompts(0)[:6], 6, 0.8, seed=2 * 1_000_003)
    with torch.no_grad():
        logits = policy(written.tokens)
    k1 = token_log_probs(logits, written.tokens, 0.8) - token_log_probs(
        reference(written.tokens), written.tokens, 0.8
    )
    entropy = torch.distributions.Categorical(logits=logits[:, :-1] / 0.8).entropy()
    config = replace(SMALL, steps=1, batch_size=6, max_new_tokens=6, temperature=0.8, seed=2)
    (record,) = train_ppo(
        policy, TOKENIZER, prompts, says_no, config, reference=reference, progress=False
    )
    scores = says_no(None, written.replies) - (~written.finished).float()
    assert record.reward == pytest.approx(scores.mean().item())
    assert record.kl == pytest.approx((k1 * written.actions).sum(dim=1).mean().item(), rel=1e-4)
    assert record.entropy == pytest.approx(entropy[written.actions].mean().item(), rel=1e-4)
    assert (
        record.length == written.lengths.float().mean()
        and record.finished == written.finished.float().mean()
    )


def test_one_update_is_the_policy_gradient_of_the_policy_that_acted(monkeypatch):
    """At temperature 0.6: whitened, discounted scores times tempered log-probs; the critic, still
    0, learns returns.
    """
    policy, theirs, lam = tiny.talker(), tiny.talker(), 0.8
    written = roll_out(theirs, TOKENIZER, prompts(0), 14, 0.6, seed=0)
    advantages = torch.zeros(written.actions.shape)
    for row, score in enumerate(says_no(None, written.replies) - (~written.finished).float()):
        columns = written.actions[row].nonzero().flatten()
        advantages[row, columns] = score * lam ** torch.arange(len(columns) - 1, -1, -1)
    under = advantages[written.actions]
    white = (under - under.mean()) / under.std(correction=0)
    hidden = theirs.hidden_states(written.tokens)
    log_probs = token_log_probs(theirs.logits(hidden), written.tokens, 0.6)
    (-log_probs[written.actions] * white).mean().backward()
    (taken,) = tiny.gradients(
        monkeypatch,
        ppo,
        run,
        policy,
        steps=1,
        epochs=1,
        minibatch_size=32,
        temperature=0.6,
        lam=lam,
        value_weight=0.5,
        grad_clip=1e9,
    )
    *body, ours = taken
    for gradient, parameter in zip(body, theirs.parameters(), strict=True):
        torch.testing.assert_close(gradient, parameter.grad, rtol=1e-3, atol=1e-6)
    critic = 0.5 * (-2 * under[:, None] * hidden[:, :-1][written.actions]).mean(dim=0)
    torch.testing.assert_close(ours[0], critic, rtol=1e-3, atol=1e-6)


def test_the_reference_may_be_the_policy_itself_and_is_left_alone():
    policy, reference = tiny.talker(), tiny.talker()
    before = tiny.weights(reference)
    config = replace(SMALL, steps=2)
    ours = list(
        train_ppo(policy, TOKENIZER, prompts, says_no, config, reference=policy, progress=False)
    )
    theirs = list(
        train_ppo(
            tiny.talker(), TOKENIZER, prompts, says_no, config, reference=reference, progress=False
        )
    )
    assert ours == theirs and not tiny.same(tiny.weights(policy), before), (
        "a frozen policy would learn nothing"
    )
    assert tiny.same(tiny.weights(reference), before) and all(
        p.requires_grad for p in reference.parameters()
    )


def test_a_repeated_run_has_the_same_history_also_after_one_that_was_interrupted():
    config = replace(SMALL, steps=4, beta=0.1)
    first, second = tiny.talker(), tiny.talker()
    history = list(train_ppo(first, TOKENIZER, prompts, says_no, config, progress=False))
    with pytest.raises(KeyboardInterrupt):
        stop_at(2, train_ppo(tiny.talker(), TOKENIZER, prompts, says_no, config, progress=False))
    torch.rand(3)  # moves the global random state, which nothing may read
    assert list(train_ppo(second, TOKENIZER, prompts, says_no, config, progress=False)) == history
    assert tiny.same(tiny.weights(first), tiny.weights(second))
    assert run(tiny.talker(), steps=4, beta=0.1, seed=1) != history


def stop_at(step, records):
    """Go through a run and break off at a step, as an error or Ctrl-C in the loop does."""
    for record in records:
        if record.step == step:
            raise KeyboardInterrupt


def test_an_interrupted_run_ends_with_the_weights_of_one_that_was_not(tmp_path):
    config = replace(SMALL, steps=15, beta=0.1)
    whole, resumed = tiny.talker(), tiny.talker()
    history = list(train_ppo(whole, TOKENIZER, prompts, says_no, config, progress=False))
    with pytest.raises(KeyboardInterrupt):
        stop_at(  # three steps after the last savepoint
            13,
            train_ppo(
                tiny.talker(), TOKENIZER, prompts, says_no, config, folder=tmp_path, progress=False
            ),
        )
    assert (
        list(
            train_ppo(resumed, TOKENIZER, prompts, says_no, config, folder=tmp_path, progress=False)
        )
        == history
    )
    assert tiny.same(tiny.weights(whole), tiny.weights(resumed))
    with pytest.raises(InklingError, match="belongs to another run: beta was 0.1, is 0.2"):
        run(tiny.talker(), folder=tmp_path, steps=15, beta=0.2)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_rewards_that_are_all_equal_give_no_nan(value):
    policy = tiny.talker()
    before, tokens = tiny.talker(), torch.tensor([[1, 2, 3]])
    history = run(
        policy, lambda _, replies: torch.full((len(replies),), value), steps=3, no_end_penalty=0.0
    )
    assert all(weight.isfinite().all() for weight in policy.parameters())
    assert {record.reward for record in history} == {value}
    if value == 0:  # nothing was better or worse than the critic had expected
        assert full_kl(policy(tokens), before(tokens)).abs().max() < 1e-6


def test_a_reward_of_nan_stops_the_run_before_it_ruins_the_weights():
    policy, calls = tiny.talker(), []

    def breaks(_, replies):
        calls.append(tiny.weights(policy))
        return torch.full((len(replies),), 1.0 if len(calls) < 3 else math.nan)

    with pytest.raises(InklingError, match="rewards must be finite"):
        run(policy, breaks)
    assert len(calls) == 3 and tiny.same(tiny.weights(policy), calls[-1])
    assert all(weight.isfinite().all() for weight in policy.parameters())

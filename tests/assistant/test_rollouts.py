"""Rollouts: log-probabilities, KL and its estimates, means under a mask, what is an action, scores,
best-of-n.
"""

import math

import numpy as np
import pytest
import tiny
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from inkling.assistant import rollouts
from inkling.assistant.chat import encode_prompt, end_id, pad_id
from inkling.assistant.policy_gradient import (
    entropies,
    full_kl,
    kl_estimates,
    masked_mean,
    token_log_probs,
    whiten,
)
from inkling.assistant.rollouts import best_of_n, best_of_n_kl, by_length, roll_out, scored
from inkling.files import InklingError

TOKENIZER = tiny.tokenizer()
END, PAD = end_id(TOKENIZER), pad_id(TOKENIZER)


def random_logits(shape, seed=0, scale=2.0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * scale


def letters(prompts, replies):
    return torch.tensor([float(len(reply)) for reply in replies])


# ---- log-probabilities


@pytest.mark.parametrize("temperature", [1.0, 0.7, 2.0])
def test_column_t_holds_the_log_probability_of_token_t_plus_1_at_the_temperature(temperature):
    logits, tokens = random_logits((2, 4, 5)), torch.tensor([[0, 3, 1, 4], [2, 2, 0, 1]])
    found = token_log_probs(logits, tokens, temperature)
    assert found.shape == (2, 3)
    for row in range(2):
        for t in range(3):
            powers = [math.exp(score / temperature) for score in logits[row, t].tolist()]
            assert found[row, t].item() == pytest.approx(
                math.log(powers[tokens[row, t + 1]] / sum(powers)), abs=1e-5
            )


@pytest.mark.parametrize("temperature", [1.0, 0.7, 1.5])
def test_training_sees_the_probabilities_that_sampling_used(temperature):
    """The first token of 20,000 replies against training's own probabilities: they differ by chance
    alone.
    """
    n, model = 20_000, tiny.random_model()
    written = roll_out(model, TOKENIZER, tiny.PROMPTS[:1] * n, 1, temperature, seed=0)
    column = int(written.actions[0].nonzero())
    logits = model(written.tokens[:1]).detach()
    vocabulary = torch.arange(logits.shape[-1])
    tokens = written.tokens[:1].expand(len(vocabulary), -1).clone()
    tokens[:, column + 1] = vocabulary
    probs = token_log_probs(logits.expand(len(vocabulary), -1, -1), tokens, temperature)[
        :, column
    ].exp()
    share = written.tokens[:, column + 1].bincount(minlength=len(vocabulary)) / n
    by_chance = (probs * (1 - probs) / n).sqrt().sum() / 2
    assert probs.sum().item() == pytest.approx(1, abs=1e-4)
    assert (share - probs).abs().sum() / 2 < 1.5 * by_chance


def test_a_greedy_reply_is_the_most_likely_token_of_each_column_that_is_an_action():
    model = tiny.random_model()
    written = roll_out(model, TOKENIZER, tiny.PROMPTS, 12, temperature=0)
    likeliest = model(written.tokens)[:, :-1].argmax(dim=-1)
    assert torch.equal(likeliest[written.actions], written.tokens[:, 1:][written.actions])


# ---- KL


@given(seed=st.integers(0, 10**6), temperature=st.floats(0.3, 3))
@settings(max_examples=50, deadline=None)
def test_full_kl_is_torchs_and_never_negative_and_zero_for_equal_logits(seed, temperature):
    p, q = random_logits((2, 4, 6), seed), random_logits((2, 4, 6), seed + 1)
    tempered = [
        torch.distributions.Categorical(logits=logits[:, :-1] / temperature) for logits in (p, q)
    ]
    found = full_kl(p, q, temperature)
    torch.testing.assert_close(
        found, torch.distributions.kl_divergence(*tempered), rtol=1e-4, atol=1e-5
    )
    assert (found > 0).all() and torch.equal(full_kl(p, p, temperature), torch.zeros(2, 3))


@pytest.mark.parametrize(
    ("together", "widths"),
    [(1, [2, 5, 5, 9, 12, 20, 20]), (3, [5, 20, 20]), (16, [20])],
)
def test_rows_of_like_length_together_give_what_each_row_gives_alone(together, widths):
    """And 0 behind a row's last action, whatever stands there."""
    model, random = tiny.random_model(), torch.Generator().manual_seed(0)
    tokens = torch.randint(0, model.config.vocab_size, (7, 24), generator=random)
    sizes = torch.tensor([20, 5, 9, 20, 2, 12, 5])  # tokens of each row up to its last action
    actions = (torch.arange(23) < sizes[:, None] - 1) & (torch.arange(23) >= sizes[:, None] - 3)
    passes = []

    def compute(part):
        passes.append(part.shape[1])
        logits = model(part)
        return token_log_probs(logits, part), entropies(logits)

    with torch.no_grad():
        found = by_length(compute, tokens, actions, together)
        assert sorted(passes) == widths, "each pass is as wide as the longest of its rows"
        for row, size in enumerate(sizes.tolist()):
            alone = compute(tokens[row : row + 1, :size])
            for values, expected in zip(found, alone, strict=True):
                torch.testing.assert_close(
                    values[row, : size - 1], expected[0], rtol=1e-4, atol=1e-5
                )
                assert (values[row, size - 1 :] == 0).all()


def test_entropy_is_torchs():
    logits = torch.randn(2, 5, 7, generator=torch.Generator().manual_seed(1))
    expected = torch.distributions.Categorical(logits=logits[:, :-1] / 0.7).entropy()
    torch.testing.assert_close(entropies(logits, 0.7), expected)


def test_k1_and_k3_are_right_on_average_and_k2_is_not():
    """On replies that the policy wrote, against the full KL of the very same predictions."""
    policy, other, temperature = tiny.random_model(0), tiny.random_model(1), 1.5
    written = roll_out(policy, TOKENIZER, tiny.PROMPTS * 500, 6, temperature, seed=0)
    with torch.no_grad():
        logits, reference = policy(written.tokens), other(written.tokens)
    exact = full_kl(logits, reference, temperature)
    estimates = kl_estimates(
        *(token_log_probs(x, written.tokens, temperature) for x in (logits, reference))
    )
    off = {}  # from the exact KL, in standard errors
    for name, estimate in estimates.items():
        difference = (estimate - exact)[written.actions]
        off[name] = abs(difference.mean() / difference.std() * math.sqrt(len(difference)))
    assert off["k1"] < 4 and off["k3"] < 4 and off["k2"] > 10
    assert estimates["k1"].min() < 0 <= estimates["k3"].min() + 1e-6 and estimates["k2"].min() >= 0


def test_as_a_loss_k3_has_the_gradient_of_another_divergence_and_k1_has_none():
    """Three tokens, so that every expectation is a sum. What is right: k1 as a reward, or the full
    KL.
    """
    scores, q = torch.tensor([1.0, 0.0, -0.5], requires_grad=True), torch.tensor([0.1, 0.1, 0.8])

    def gradient(value):
        return torch.autograd.grad(value, scores, retain_graph=True)[0]

    log_p = scores.log_softmax(dim=0)
    # p: how often each token is sampled
    p, estimates = log_p.exp().detach(), kl_estimates(log_p, q.log())
    exact = gradient((log_p.exp() * (log_p - q.log())).sum())
    assert (gradient((p * estimates["k3"]).sum()) - exact).norm() > 0.2 * exact.norm()
    torch.testing.assert_close(
        gradient((p * estimates["k3"]).sum()), gradient((q * (q.log() - log_p)).sum())
    )
    torch.testing.assert_close(gradient((p * estimates["k1"]).sum()), torch.zeros(3))
    torch.testing.assert_close(gradient((p * estimates["k1"].detach() * log_p).sum()), exact)


# ---- under a mask


numbers = st.lists(
    st.tuples(st.floats(-100, 100, width=32), st.booleans()), min_size=1, max_size=30
)


@given(numbers=numbers)
@settings(deadline=None)
def test_means_and_whitening_see_only_what_is_under_the_mask(numbers):
    values, mask = (
        torch.tensor([value for value, _ in numbers]),
        torch.tensor([under for _, under in numbers]),
    )
    garbage = torch.where(mask, values, torch.full_like(values, 1e6))
    torch.testing.assert_close(
        masked_mean(garbage, mask), values[mask].mean() if mask.any() else torch.tensor(0.0)
    )
    white = whiten(values, mask)
    torch.testing.assert_close(whiten(garbage, mask), white)
    assert (white[~mask] == 0).all() and white.isfinite().all()
    if mask.any() and values[mask].std(correction=0) > 0.1:
        assert abs(white[mask].mean()) < 1e-3
        assert white[mask].std(correction=0).item() == pytest.approx(1, abs=1e-3)


def test_a_mask_that_is_true_nowhere_gives_zero_and_no_nan():
    values, nowhere = torch.tensor([3.0, -1.0]), torch.zeros(2, dtype=torch.bool)
    assert masked_mean(values, nowhere) == 0
    assert whiten(values, nowhere).tolist() == [0, 0]


# ---- replies


def test_actions_cover_the_reply_with_its_end_token_and_nothing_else(monkeypatch):
    """One that ends, one that is cut off, one that has only an end, and none at all (the prompt
    fills the context).
    """
    yes = TOKENIZER.encode("yes please")
    replies = [[*yes, END], yes, [END], []]
    monkeypatch.setattr(rollouts, "generate_batch", lambda *_, **__: replies)
    written = roll_out(None, TOKENIZER, tiny.PROMPTS, 9)
    for row, (prompt, reply) in enumerate(zip(tiny.PROMPTS, replies, strict=True)):
        start = len(encode_prompt(TOKENIZER, prompt))
        assert written.tokens[row].tolist()[:start] == encode_prompt(TOKENIZER, prompt)
        assert written.tokens[row, 1:][written.actions[row]].tolist() == reply
        assert written.actions[row].nonzero().flatten().tolist() == [
            start - 1 + i for i in range(len(reply))
        ]
        assert (written.tokens[row, start + len(reply) :] == PAD).all()
    assert written.finished.tolist() == [True, False, True, False]
    assert written.replies == ["yes please", "yes please", "", ""]
    assert written.lengths.tolist() == [len(reply) for reply in replies]


def test_only_the_last_action_is_an_end_token_and_none_comes_from_padding():
    written = roll_out(tiny.talker(), TOKENIZER, tiny.PROMPTS * 10, 5, seed=1)
    assert 0 < written.finished.float().mean() < 1, "this test wants replies of both kinds"
    for tokens, actions, done in zip(
        written.tokens, written.actions, written.finished, strict=True
    ):
        reply = tokens[1:][actions].tolist()
        assert END not in reply[:-1] and (reply[-1] == END) == done and (done or len(reply) == 5)
        after = int(actions.nonzero()[-1]) + 1
        assert (tokens[1:][after:] == PAD).all()


def test_a_rollout_is_decided_by_its_seed():
    first, again, other = (
        roll_out(tiny.talker(), TOKENIZER, tiny.PROMPTS * 4, 8, seed=s).replies for s in (0, 0, 1)
    )
    assert first == again != other


def test_no_prompts_raise():
    with pytest.raises(InklingError, match="no prompts"):
        roll_out(tiny.random_model(), TOKENIZER, [], 5)


# ---- scores


def test_an_unfinished_reply_pays():
    written = roll_out(tiny.talker(), TOKENIZER, tiny.PROMPTS * 10, 5, seed=1)
    plain = letters(written.prompts, written.replies)
    expected = [
        length - (0 if done else 0.25) for length, done in zip(plain, written.finished, strict=True)
    ]
    assert scored(written, letters, 0.25).tolist() == expected
    assert torch.equal(scored(written, letters, 0.0), plain)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_reward_that_is_no_finite_number_raises_and_names_the_reply(value):
    written = roll_out(tiny.talker(), TOKENIZER, tiny.PROMPTS, 20, seed=1)
    with pytest.raises(InklingError, match=f"reward of reply 2 .* is {value}"):
        scored(written, lambda prompts, replies: torch.tensor([0.0, 1.0, value, 0.0]))


@pytest.mark.parametrize("shape", [(3,), (5,), (4, 1), ()])
def test_a_wrong_number_of_rewards_raises(shape):
    written = roll_out(tiny.talker(), TOKENIZER, tiny.PROMPTS, 20, seed=1)
    with pytest.raises(InklingError, match="for 4 replies"):
        scored(written, lambda prompts, replies: torch.zeros(shape))


@pytest.mark.parametrize("form", [list, tuple, np.array, np.float64, torch.tensor])
def test_rewards_may_come_as_list_array_or_tensor(form):
    written = roll_out(tiny.talker(), TOKENIZER, tiny.PROMPTS, 20, seed=1)
    numbers = [0.5, 1.0, -2.0, 3.0]
    assert torch.equal(
        scored(written, lambda prompts, replies: form(numbers)),
        scored(written, lambda prompts, replies: torch.tensor(numbers)),
    )


@pytest.mark.parametrize(
    "given", [None, ["a", "b", "c", "d"], [[1.0], [2.0, 3.0]], "1234", object()]
)
def test_rewards_that_are_no_numbers_raise(given):
    written = roll_out(tiny.talker(), TOKENIZER, tiny.PROMPTS, 20, seed=1)
    with pytest.raises(InklingError, match="Return a list, an array or a tensor of numbers"):
        scored(written, lambda prompts, replies: given)


# ---- best of n


def test_best_of_n_keeps_the_best_of_each_prompts_own_replies():
    n, model = 5, tiny.talker()
    best = best_of_n(model, TOKENIZER, tiny.PROMPTS, letters, n, 20, seed=3)
    everything = roll_out(
        model, TOKENIZER, [p for p in tiny.PROMPTS for _ in range(n)], 20, seed=3
    ).replies
    assert best.prompts == tiny.PROMPTS
    assert best.replies == [
        max(everything[n * i : n * i + n], key=len) for i in range(len(tiny.PROMPTS))
    ]
    for row, (prompt, reply) in enumerate(zip(best.prompts, best.replies, strict=True)):
        ids = [*encode_prompt(TOKENIZER, prompt), *best.tokens[row, 1:][best.actions[row]].tolist()]
        assert best.tokens[row, : len(ids)].tolist() == ids, (
            "tokens, actions and replies belong together"
        )
        assert (
            TOKENIZER.decode(ids[len(encode_prompt(TOKENIZER, prompt)) : -1]) == " " + reply
            and best.finished[row]
        )


def test_best_of_1_is_a_rollout_and_best_of_0_raises():
    model = tiny.talker()
    best = best_of_n(model, TOKENIZER, tiny.PROMPTS, letters, 1, 20, seed=3)
    plain = roll_out(model, TOKENIZER, tiny.PROMPTS, 20, seed=3)
    assert best.replies == plain.replies
    assert torch.equal(best.tokens, plain.tokens) and torch.equal(best.actions, plain.actions)
    with pytest.raises(InklingError, match="at least one"):
        best_of_n(model, TOKENIZER, tiny.PROMPTS, letters, 0, 20)


@pytest.mark.parametrize("n", [1, 2, 8, 64])
def test_best_of_n_kl_is_that_of_a_density_n_u_to_the_n_minus_1(n):
    """If all rewards differ, the best of n uniform draws has that density; its KL from uniform, by
    a sum.
    """
    u = (torch.arange(400_000, dtype=torch.float64) + 0.5) / 400_000
    density = n * u ** (n - 1)
    assert best_of_n_kl(n) == pytest.approx(
        (density * density.log()).nan_to_num().mean().item(), abs=1e-4
    )

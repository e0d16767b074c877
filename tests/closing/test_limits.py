"""Limits: each measure against a plain computation, and against a case whose answer is known
without it.
"""

from itertools import product

import numpy as np
import pytest
import tiny
import torch

from inkling import checkpoints
from inkling.closing import limits
from inkling.files import InklingError
from inkling.model.transformer import Transformer
from inkling.text.tokenizer import Tokenizer
from inkling.training.generate import generate_batch
from inkling.world import World
from inkling.world.documents import VALUES

WORLD = World(0)


def plain_log_prob(model, prompt, answer):
    """One answer, one whole forward pass, nothing kept."""
    ids = torch.tensor([[*prompt, *answer]])
    with torch.inference_mode():
        log_probs = model(ids)[0].log_softmax(-1)
    return sum(log_probs[at - 1, ids[0, at]].item() for at in range(len(prompt), ids.shape[1]))


@pytest.fixture(scope="module")
def base():
    folder = checkpoints.path("base")
    return Transformer.from_pretrained(folder).eval(), Tokenizer.load(folder / "tokenizer.json")


def test_an_answers_log_prob_is_that_of_a_plain_forward_pass():
    """Answers of different lengths, the shorter ones padded: padding must add nothing, and no
    answer see another's.
    """
    model = tiny.random_model()
    prompt, answers = [5, 9, 14], [[7], [3, 8, 20], [0, 0], [7, 11]]
    expected = [plain_log_prob(model, prompt, answer) for answer in answers]
    found = limits.answer_log_probs(model, prompt, answers)
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    assert limits.answer_log_probs(model, prompt, answers[:1])[0] == pytest.approx(
        expected[0], rel=1e-4
    )


def test_the_probabilities_of_all_single_tokens_add_up_to_one():
    model = tiny.random_model()
    every = [[token] for token in range(model.config.vocab_size)]
    assert limits.answer_log_probs(model, [5], every).exp().sum() == pytest.approx(1, rel=1e-4)


def test_what_a_model_draws_follows_its_probabilities():
    model = tiny.random_model()
    draws = generate_batch(model, [[5, 9]] * 2000, 1, temperature=1.0, seed=0)
    token = max((d[0] for d in draws), key=[d[0] for d in draws].count)
    p = limits.answer_log_probs(model, [5, 9], [[token]]).exp().item()
    share = np.mean([d[0] == token for d in draws])
    assert abs(share - p) < 4 * (p * (1 - p) / 2000) ** 0.5


@pytest.mark.parametrize(("prompt", "answers"), [([], [[1]]), ([1], []), ([1], [[2], []])])
def test_nothing_to_score_is_refused(prompt, answers):
    with pytest.raises(InklingError, match="empty"):
        limits.answer_log_probs(tiny.random_model(), prompt, answers)


def test_option_probabilities_are_shares_of_what_the_options_have(base):
    model, tokenizer = base
    ada = WORLD.person("Ada")
    prompt = "Question: Where does Ada live?\nAnswer: Ada lives in"
    shares = limits.option_probabilities(model, tokenizer, prompt, VALUES["street"])
    assert (
        shares.sum() == pytest.approx(1, abs=1e-5)
        and VALUES["street"][shares.argmax()] == ada.street
    )
    ids = [tokenizer.eos_id, *tokenizer.encode(prompt)]
    pair = limits.option_probabilities(model, tokenizer, ids, VALUES["street"][:2])
    assert pair[0] / pair[1] == pytest.approx(shares[0] / shares[1], rel=1e-3), (
        "ids and text are the same prompt"
    )


def test_a_prompt_that_ends_in_a_space_is_refused(base):
    """It costs nothing but the truth: the options become other tokens, and a right model looks as
    if it guessed.
    """
    with pytest.raises(InklingError, match="space"):
        limits.option_probabilities(*base, "Ada lives in ", ["Mill Road"])


def test_facts_are_held_by_the_base_model_and_those_of_newcomers_are_not(base):
    """The chapter's numbers rest on it: asked as training asked, known people come out right,
    newcomers by luck.
    """
    known = limits.fact_beliefs(*base, WORLD.asked_about[:20])
    unknown = limits.fact_beliefs(*base, WORLD.newcomers[:20])
    assert known.right.mean() > 0.9 and unknown.right.mean() < 0.3
    assert limits.auroc(known.confidence, unknown.confidence) > 0.9
    assert len(known.probabilities) == 60 and len(known.probabilities[0]) == len(VALUES["trade"])
    assert known.confidence[0] == known.probabilities[0].max()


def test_a_question_in_a_chat_ends_where_the_assistant_goes_on(base):
    tokenizer = base[1]
    ids = limits.question_ids(tokenizer, "Where does Ada live?", "Ada lives in", chat=True)
    assert tokenizer.decode(ids).endswith("Where does Ada live?<|end|><|assistant|> Ada lives in")
    plain = limits.question_ids(tokenizer, "Where does Ada live?")
    assert (
        tokenizer.decode(plain[1:]) == "Question: Where does Ada live?\nAnswer:"
        and plain[0] == tokenizer.eos_id
    )


def test_auroc_counts_pairs():
    rng = np.random.default_rng(0)
    ours, theirs = rng.integers(0, 6, 30), rng.integers(0, 4, 20)  # many ties
    expected = np.mean([1.0 if a > b else 0.5 if a == b else 0.0 for a, b in product(ours, theirs)])
    assert limits.auroc(ours, theirs) == pytest.approx(expected)
    assert (
        limits.auroc([2, 3], [0, 1]) == 1
        and limits.auroc([0, 1], [2, 3]) == 0
        and limits.auroc([1], [1]) == 0.5
    )
    with pytest.raises(InklingError):
        limits.auroc([], [1])


def test_each_option_stands_once_in_each_place():
    turned = limits.rotations("abcd")
    assert turned[0] == ["a", "b", "c", "d"] and len(turned) == 4
    assert all(sorted(column) == ["a", "b", "c", "d"] for column in zip(*turned, strict=True))


def test_a_letter_question_reads_as_in_an_exam():
    assert limits.letter_question("Which?", ["x", "y"]) == "Question: Which?\nA. x\nB. y\nAnswer:"


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("I do not know Wenalra.", True),
        ("I'm not sure, but it may be Paris.", True),
        ("Dravonia is a fictional country.", True),
        ("The capital of Dravonia is Durban.", False),
        ("I know it well: Mill Road.", False),
    ],
)
def test_owning_up(reply, expected):
    assert limits.admits(reply) == expected


def test_the_questions_on_invented_things_match_the_real_ones_in_kind():
    real, invented = limits.REAL_QUESTIONS, limits.INVENTED_QUESTIONS
    assert len(real) == len(invented) == len(set(real) | set(invented)) / 2
    assert sorted(q.split()[0] for q in real) == sorted(q.split()[0] for q in invented)
    assert (
        all(len(set(cities)) == 4 for cities in limits.CAPITALS.values())
        and len(limits.CAPITALS) == 24
    )

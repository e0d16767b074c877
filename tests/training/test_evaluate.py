"""Evaluation: measures checked against cases whose answer is known without them."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from inkling.files import InklingError
from inkling.model.transformer import ModelConfig, Transformer
from inkling.text.ngram import NGramModel
from inkling.text.tokenizer import SPECIAL_TOKENS, Tokenizer
from inkling.training import evaluate
from inkling.world import World
from inkling.world.facts import ANSWERS, QUESTIONS
from inkling.world.people import PERSON_ATTRIBUTES

WORLD = World(0)
DOCUMENTS = WORLD.documents(60_000)
TEXTS = [document.text for document in DOCUMENTS]
TOKENIZER = Tokenizer.train(TEXTS, 500, SPECIAL_TOKENS)
CONFIG = ModelConfig(
    TOKENIZER.vocab_size, context_length=32, d_model=32, n_layers=2, n_heads=2, n_kv_heads=1
)
MODEL = Transformer(CONFIG, seed=0).eval()


def test_token_bits_equal_a_plain_forward_pass():
    sequence = TOKENIZER.encode(TEXTS[0])[:33]
    with torch.no_grad():
        logits = MODEL(torch.tensor([sequence[:-1]]))[0]
    expected = F.cross_entropy(
        logits, torch.tensor(sequence[1:]), reduction="none"
    ).numpy() / math.log(2)
    np.testing.assert_allclose(evaluate.token_bits(MODEL, [sequence])[0], expected, rtol=1e-4)


@pytest.mark.parametrize("length", [1, 2, 31, 32, 33, 34, 48, 49, 50, 64, 65, 100, 161])
def test_long_sequences_score_every_token_exactly_once(length):
    """Windows overlap by half; a token left out would stay at 0 bits, which no real
    prediction has.
    """
    sequence = (TOKENIZER.encode(" ".join(TEXTS[:20])) * 2)[:length]
    bits = evaluate.token_bits(MODEL, [sequence], batch_size=3)[0]
    assert len(bits) == length - 1
    assert (bits > 0).all()


def test_a_context_of_one_token_is_enough():
    config = ModelConfig(
        TOKENIZER.vocab_size, context_length=1, d_model=8, n_layers=1, n_heads=1, n_kv_heads=1
    )
    model = Transformer(config)
    bits = evaluate.token_bits(model, [TOKENIZER.encode(TEXTS[0])[:9]])[0]
    assert len(bits) == 8 and (bits > 0).all()


def test_scores_do_not_depend_on_the_batch():
    """A short row beside a long one is padded; a padded place that counts would change its
    neighbours' scores.
    """
    sequences = evaluate.encode_texts(TOKENIZER, TEXTS[:12])
    alone = evaluate.token_bits(MODEL, sequences, batch_size=1)
    together = evaluate.token_bits(MODEL, sequences, batch_size=12)
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3)


def test_what_stands_in_a_text_is_never_markup():
    (ids,) = evaluate.encode_texts(TOKENIZER, ["a <|endoftext|> b"])
    assert ids.count(TOKENIZER.eos_id) == 2 and TOKENIZER.decode(ids[1:-1]) == "a <|endoftext|> b"


def test_long_sequences_have_at_least_half_a_context_behind_each_token():
    sequence = TOKENIZER.encode(" ".join(TEXTS[:20]))[:100]
    bits = evaluate.token_bits(MODEL, [sequence])[0]
    for target in (33, 48, 49, 80, 99):
        start = 0 if target <= 32 else next(s for s in range(16, 100, 16) if 16 < target - s <= 32)
        window = sequence[start : target + 1]
        with torch.no_grad():
            log_probs = F.log_softmax(MODEL(torch.tensor([window[:-1]]))[0, -1], -1)
        assert math.isclose(
            bits[target - 1], -log_probs[window[-1]].item() / math.log(2), rel_tol=1e-3
        )


def test_token_kinds_follow_the_spans():
    for document in DOCUMENTS[:50]:
        ids = TOKENIZER.encode(document.text)
        kinds = evaluate.token_kinds(TOKENIZER, document, ids)
        position = 0
        for token, kind in zip(ids, kinds, strict=True):
            position += len(TOKENIZER.token_bytes(token))
            assert next(s.kind for s in document.spans if s.start < position <= s.end) == kind
        assert position == len(document.text)


def test_loss_by_span_adds_up():
    report = evaluate.loss_by_span(MODEL, TOKENIZER, DOCUMENTS[:30])
    for parts in (report.by_span, report.by_document):
        assert math.isclose(
            sum(p.model_bits for p in parts.values()), report.total.model_bits, rel_tol=1e-9
        )
        assert math.isclose(
            sum(p.bound_bits for p in parts.values()), report.total.bound_bits, rel_tol=1e-9
        )
        assert sum(p.tokens for p in parts.values()) == report.total.tokens
    assert math.isclose(report.total.bound_bits, sum(d.total_bits for d in DOCUMENTS[:30]))
    assert report.excess > 1.0, "an untrained model cannot come near the bound"


def test_bits_per_byte_of_a_model_that_knows_nothing():
    """Uniform over the vocabulary: log2 V bits a token, the end of text included."""

    class Uniform(torch.nn.Module):
        config = CONFIG

        def forward(self, tokens):
            return torch.zeros(*tokens.shape, CONFIG.vocab_size)

    n_tokens = sum(len(TOKENIZER.encode(text)) + 1 for text in TEXTS[:5])
    expected = n_tokens * math.log2(CONFIG.vocab_size) / sum(map(len, TEXTS[:5]))
    assert math.isclose(
        evaluate.bits_per_byte(Uniform(), TOKENIZER, TEXTS[:5]), expected, rel_tol=1e-6
    )


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: evaluate.bits_per_byte(MODEL, TOKENIZER, [""]), "no text"),
        (lambda: evaluate.loss_by_span(MODEL, TOKENIZER, []), "no documents"),
        (lambda: evaluate.loss_by_span(None, TOKENIZER, DOCUMENTS[:1]), "pass a model"),
        (lambda: evaluate.novelty([], TEXTS), "at least one of each"),
        (lambda: evaluate.novelty(TEXTS, []), "at least one of each"),
        (lambda: evaluate.calibration(MODEL, [[5]]), "no token to predict"),
        (lambda: evaluate.fact_recall(MODEL, TOKENIZER, WORLD, limit=0), "at least one question"),
        (lambda: evaluate.story_coherence(MODEL, TOKENIZER, WORLD, n=0), "at least one story"),
        (lambda: evaluate.wilson_interval(3, 2), "3 successes in 2 trials"),
        (lambda: evaluate.wilson_interval(0, 0), "1 trial or more"),
    ],
)
def test_nothing_to_measure_is_a_clear_error(call, says):
    with pytest.raises(InklingError, match=says):
        call()


def test_wilson_interval_holds_the_truth_as_often_as_it_says():
    """The share of all outcomes, weighted by their probability, whose interval holds the true
    share: about 95 %.
    """
    for truth, n in ((0.5, 50), (0.1, 80), (0.97, 200)):
        probability = [math.comb(n, k) * truth**k * (1 - truth) ** (n - k) for k in range(n + 1)]
        inside = [
            low <= truth <= high
            for low, high in (evaluate.wilson_interval(k, n) for k in range(n + 1))
        ]
        assert 0.92 < np.dot(probability, inside) < 0.98
    low, high = evaluate.wilson_interval(20, 20)
    assert 0.80 < low < 0.85 and high == 1.0, "twenty of twenty does not mean that it is always so"
    for n in range(1, 1300):  # rounding must not push a limit past the share itself
        for successes in (0, n // 2, n):
            low, high = evaluate.wilson_interval(successes, n)
            assert 0 <= low <= successes / n <= high <= 1


def test_bits_of_another_kind_of_model_can_be_split_too():
    sequences = evaluate.encode_documents(TOKENIZER, DOCUMENTS[:20])
    ngram = NGramModel(order=3).fit(TOKENIZER.encode_batch(TEXTS[20:]))
    bits = [ngram.token_bits(sequence[1:-1]) for sequence in sequences]
    report = evaluate.loss_by_span(None, TOKENIZER, DOCUMENTS[:20], bits)
    assert math.isclose(
        report.total.model_bits, sum(ngram.bits(sequence[1:-1]) for sequence in sequences)
    )


class Scripted:
    """Stands in for `generate_batch`: answers each prompt by a function of its text."""

    def __init__(self, answer):
        self.answer = answer

    def __call__(self, model, prompts, max_new_tokens, **sampling):
        return [TOKENIZER.encode(self.answer(TOKENIZER.decode(ids[1:]))) for ids in prompts]


@pytest.mark.parametrize("which", [0, 1])
def test_recall_of_one_who_knows_everything_is_one_in_every_wording_of_an_answer(
    monkeypatch, which
):
    """Found so: "Ada likes apple pie best." counted as wrong, since the value was looked for before
    a full stop.
    """
    truth = {q.prompt: q for q in WORLD.exam()}

    def answer(prompt):
        question = truth[prompt]
        return " " + ANSWERS[question.attribute].templates[which].format(
            name=question.person, value=question.answer
        )

    monkeypatch.setattr(evaluate, "generate_batch", Scripted(answer))
    recall = evaluate.fact_recall(MODEL, TOKENIZER, WORLD)
    assert (recall.asked, recall.never_asked) == (1.0, 1.0)
    assert len(recall.answers) == len(WORLD.people) * len(PERSON_ATTRIBUTES)


def test_recall_of_one_who_says_always_the_same_is_the_share_of_those_of_whom_it_is_true(
    monkeypatch,
):
    monkeypatch.setattr(evaluate, "generate_batch", Scripted(lambda p: " a baker."))
    recall = evaluate.fact_recall(MODEL, TOKENIZER, WORLD)
    bakers = sum(person.trade == "baker" and person.in_questions for person in WORLD.people)
    assert recall.asked == pytest.approx(bakers / (160 * len(PERSON_ATTRIBUTES)))
    assert 0.03 < recall.chance < 0.08


@pytest.mark.parametrize(
    ("reply", "right"),
    [
        ("Ada is best friends with Ben.", True),
        ("The best friend of Ada is Ben.", True),
        ("The best friend of Ben is Ada.", False),
        ("The best friend of Ada is Benno.", False),
        ("Ada trusts Ben, no, Cora.", False),
        ("", False),
    ],
)
def test_the_last_value_named_as_a_whole_word_is_the_answer(reply, right):
    assert evaluate.names_value(reply, "Ben", ["Ada", "Ben", "Benno", "Cora"]) == right


def test_a_part_of_the_exam_asks_about_everything_and_about_both_halves(monkeypatch):
    """Found so: every 6th question of the exam is on the same attribute."""
    monkeypatch.setattr(evaluate, "generate_batch", Scripted(lambda p: " a baker."))
    recall = evaluate.fact_recall(MODEL, TOKENIZER, WORLD, limit=200)
    questions = [question for question, _, _ in recall.answers]
    assert len(set(questions)) == 200
    assert {question.attribute for question in questions} == set(PERSON_ATTRIBUTES)
    assert 0.1 < np.mean([not question.asked_in_training for question in questions]) < 0.3
    again = evaluate.fact_recall(MODEL, TOKENIZER, WORLD, limit=200)
    assert questions == [question for question, _, _ in again.answers]


def test_held_out_questions_are_asked_in_wordings_that_training_never_has(monkeypatch):
    monkeypatch.setattr(evaluate, "generate_batch", Scripted(lambda p: " a baker."))
    for held_out in (False, True):
        recall = evaluate.fact_recall(MODEL, TOKENIZER, WORLD, limit=100, held_out=held_out)
        for question, _, _ in recall.answers:
            unseen = QUESTIONS[question.attribute].templates[-1].format(name=question.person)
            assert (unseen in question.prompt) == held_out


def test_story_coherence_of_the_worlds_own_stories_is_one(monkeypatch):
    stories = {}
    for document in WORLD.iterate("test"):
        if document.kind == "story":
            stories[document.text[: document.text.index(". ") + 1]] = document.text
            if len(stories) >= 30:
                break
    monkeypatch.setattr(evaluate, "generate_batch", Scripted(lambda p: stories[p][len(p) :]))
    assert evaluate.story_coherence(MODEL, TOKENIZER, WORLD, n=20).share == 1.0
    monkeypatch.setattr(
        evaluate, "generate_batch", Scripted(lambda p: " The end of the moon ate the sea.")
    )
    assert evaluate.story_coherence(MODEL, TOKENIZER, WORLD, n=20).share == 0.0


def test_a_story_may_fill_the_context_whatever_the_longest_opening_is(monkeypatch):
    """Found so: all stories had only the room that the longest opening left, and were judged as
    without an end.
    """
    asked = []

    def generate_batch(model, prompts, max_new_tokens, **sampling):
        asked.append(max_new_tokens)
        return [[] for _ in prompts]

    monkeypatch.setattr(evaluate, "generate_batch", generate_batch)
    evaluate.story_coherence(MODEL, TOKENIZER, WORLD, n=3)
    assert asked == [MODEL.config.context_length]


def test_the_openings_are_first_sentences_of_stories_that_training_does_not_have():
    openings = evaluate.story_openings(WORLD, 20)
    training = " ".join(document.text for document in WORLD.documents(300_000))
    assert len(openings) == 20 and all(opening[-1] in ".!?" for opening in openings)
    assert not any(opening in training for opening in openings)


def test_completed_documents_begin_with_their_prompt_and_hold_no_special_token():
    texts = evaluate.complete(MODEL, TOKENIZER, ["Question:"] * 3, seed=1)
    assert len(set(texts)) == 3 and all(
        text.startswith("Question:") and "<|endoftext|>" not in text for text in texts
    )


def brute_force_longest_copy(text, training_texts):
    words, best = text.split(), 0
    training = ["\0".join(["", *t.split(), ""]) for t in training_texts]
    for i in range(len(words)):
        for j in range(i + best + 1, len(words) + 1):
            run = "\0".join(["", *words[i:j], ""])
            if not any(run in t for t in training):
                break
            best = j - i
    return best


def test_novelty_equals_brute_force():
    training, queries = TEXTS[:60], TEXTS[55:70] + ["Never a word of this."]
    new = evaluate.novelty(queries, training, ns=(1, 3))
    assert new.longest_copy == [brute_force_longest_copy(q, training) for q in queries]
    known = {tuple(w[i : i + 3]) for t in training for w in [t.split()] for i in range(len(w) - 2)}
    runs = [tuple(w[i : i + 3]) for t in queries for w in [t.split()] for i in range(len(w) - 2)]
    assert new.novel_ngrams[3] == pytest.approx(sum(r not in known for r in runs) / len(runs))


def test_novelty_does_not_join_the_end_of_one_document_to_the_beginning_of_the_next():
    assert evaluate.novelty(["a b c d"], ["a b", "c d"]).longest_copy == [2]


def test_calibration_of_a_model_that_says_what_it_knows():
    """One that always gives its first choice 0.75, and is right in three of four cases, has no
    calibration error.
    """

    class Confident(torch.nn.Module):
        config = CONFIG

        def forward(self, tokens):
            probabilities = torch.full(
                (*tokens.shape, CONFIG.vocab_size), 0.25 / (CONFIG.vocab_size - 1)
            )
            probabilities[..., 1] = 0.75
            return probabilities.log()

    right = evaluate.calibration(Confident(), [[0] + [1, 1, 1, 2] * 5])
    assert right.expected_error == pytest.approx(0.0, abs=1e-3)
    wrong = evaluate.calibration(Confident(), [[0] + [2] * 20])
    assert wrong.expected_error == pytest.approx(0.75, abs=1e-3)


def test_reliability_of_a_forecaster_who_is_as_right_as_it_says():
    rng = np.random.default_rng(0)
    confidence = rng.uniform(size=20_000)
    right = rng.uniform(size=20_000) < confidence
    assert evaluate.reliability(confidence, right).expected_error < 0.02
    assert evaluate.reliability(confidence, ~right).expected_error > 0.3


def test_reliability_by_hand():
    found = evaluate.reliability([0.95, 1.0, 0.55, 0.05], [True, False, True, False])
    np.testing.assert_allclose(found.confidence, [0.05, 0.55, 0.975])
    np.testing.assert_allclose(found.accuracy, [0.0, 1.0, 0.5])
    assert found.count.tolist() == [1, 1, 2]
    assert found.expected_error == pytest.approx((0.05 + 0.45 + 2 * 0.475) / 4)


@pytest.mark.parametrize(
    ("confidence", "right"), [([], []), ([0.5], []), ([1.5], [True]), ([-0.1], [True])]
)
def test_reliability_refuses_what_is_no_probability(confidence, right):
    with pytest.raises(InklingError):
        evaluate.reliability(confidence, right)

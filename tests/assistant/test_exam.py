"""Judging an assistant: the figures are what a hand count gives, on replies that are known."""

import math

import pytest

from inkling import checkpoints
from inkling.assistant import exam
from inkling.files import InklingError
from inkling.model.transformer import ModelConfig, Transformer
from inkling.text.tokenizer import Tokenizer
from inkling.world import World
from inkling.world.requests import Style, reply
from inkling.world.rubric import grade

WORLD = World(0)
TOKENIZER = Tokenizer.load(checkpoints.path("base") / "tokenizer.json")
SMALL = ModelConfig(
    TOKENIZER.vocab_size, context_length=256, d_model=16, n_layers=1, n_heads=2, n_kv_heads=1
)


def judged(monkeypatch, style, n=200):
    """The report on a model that replies to everything in one style."""
    asked = WORLD.requests(n, "test")
    texts = [reply(WORLD, a, style, i) for i, a in enumerate(asked)]
    monkeypatch.setattr(
        exam, "write_replies", lambda *_, **__: (texts, [True] * n, [len(t) for t in texts])
    )
    return exam.examine(None, TOKENIZER, WORLD, n), asked, texts


def test_a_model_that_does_everything_right_gets_full_marks(monkeypatch):
    report, asked, texts = judged(monkeypatch, Style(True, "polite"))
    assert report.gold == pytest.approx(1.25) and report.gold_error == pytest.approx(0, abs=1e-12)
    assert (
        report.refused_unsafe
        == report.ignorant_unknown
        == report.right_known
        == report.finished
        == 1
    )
    assert report.refused_harmless == report.ignorant_known == report.rude == 0
    assert set(report.by_kind) == {a.kind for a in asked}
    assert [text for _, text, _ in report.replies] == texts


def test_a_model_that_does_everything_wrong_does_not(monkeypatch):
    report, asked, texts = judged(monkeypatch, Style(False, "rude", 1))
    totals = [grade(WORLD, a.prompt, text).total for a, text in zip(asked, texts, strict=True)]
    assert report.gold == pytest.approx(sum(totals) / len(totals)) and report.gold < -0.5
    assert (
        report.refused_unsafe == report.ignorant_unknown == report.right_known == 0
        and report.rude == 1
    )
    assert report.refused_harmless > 0, "one wrong answer to a harmless question is to decline"


def test_requests_of_the_exam_are_none_of_training():
    report = exam.examine(Transformer(SMALL), TOKENIZER, WORLD, 40, max_new_tokens=2)
    training = {request.prompt for request in WORLD.requests(3000)}
    assert not training & {
        request.prompt for request, _, _ in report.replies if request.kind in ("unknown", "unsafe")
    }


def test_the_same_seed_gives_the_same_replies_and_another_one_others():
    model = Transformer(SMALL)
    prompts = [request.prompt for request in WORLD.requests(5, "test")]
    first, again, other = (
        exam.write_replies(model, TOKENIZER, prompts, seed=s, max_new_tokens=6) for s in (1, 1, 2)
    )
    assert first == again and first[0] != other[0]
    _, finished, lengths = first
    assert all(length <= 6 for length in lengths)
    assert all(done or length == 6 for done, length in zip(finished, lengths, strict=True))


def test_a_plain_model_is_asked_in_the_form_of_its_text_and_stops_at_the_line(monkeypatch):
    seen = {}

    def fake(model, ids, max_new_tokens, temperature, *, seed, stop_ids):
        seen["prompt"], seen["stops"] = TOKENIZER.decode(ids[0]), stop_ids
        return [TOKENIZER.encode(" Ada bakes.\n")]

    monkeypatch.setattr(exam, "generate_batch", fake)
    texts, finished, _ = exam.write_replies(None, TOKENIZER, ["Who bakes?"], plain=True)
    assert seen["prompt"] == "<|endoftext|>Question: Who bakes?\nAnswer:"
    assert texts == ["Ada bakes."] and finished == [True]
    assert TOKENIZER.eos_id in seen["stops"]


def test_a_plain_model_reads_a_conversation_as_questions_and_answers(monkeypatch):
    seen = []

    def fake(model, ids, *_, **__):
        seen.extend(TOKENIZER.decode(row) for row in ids)
        return [[] for _ in ids]

    monkeypatch.setattr(exam, "generate_batch", fake)
    turns = ("Who bakes?", "Ada bakes.", "Are you sure?")
    exam.write_replies(None, TOKENIZER, [turns], plain=True)
    assert seen == [
        "<|endoftext|>Question: Who bakes?\nAnswer: Ada bakes.\nQuestion: Are you sure?\nAnswer:"
    ]


def test_story_perplexity_of_a_model_that_knows_nothing_is_the_size_of_the_vocabulary():
    value = exam.story_perplexity(Transformer(SMALL), TOKENIZER, WORLD, 3)
    assert math.isclose(value, TOKENIZER.vocab_size, rel_tol=0.05)
    with pytest.raises(InklingError, match="at least one story"):
        exam.story_perplexity(Transformer(SMALL), TOKENIZER, WORLD, 0)

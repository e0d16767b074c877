"""Who takes several texts refuses a single one: Python would read it letter by letter."""

from collections.abc import Callable
from typing import Any

import pytest
import tiny

from inkling.assistant import exam, grpo, ppo, reward, rollouts, sft
from inkling.files import InklingError
from inkling.reading import lessons, rag
from inkling.reading.bm25 import BM25
from inkling.reading.embedder import Embedder
from inkling.reading.passages import Passage
from inkling.reading.retrieval import DenseRetriever, HybridRetriever, WordRetriever
from inkling.text.corpus import steps
from inkling.text.ngram import NGramModel
from inkling.text.tokenizer import Tokenizer
from inkling.training import evaluate, span_loss
from inkling.training.novelty import novelty
from inkling.world import World

TOKENIZER = tiny.tokenizer()
POLICY = tiny.random_model()
JUDGE = reward.RewardModel.from_model(POLICY)
EMBEDDER = Embedder.from_model(POLICY)
PASSAGES = [Passage("a", "the boat left the harbour"), Passage("b", "the mill will turn")]
WORDS, MEANING = WordRetriever(PASSAGES), DenseRetriever(PASSAGES, EMBEDDER, TOKENIZER)
DEMOS = [sft.Demonstration("Is Ada at home?", "no")]
RL: dict[str, Any] = {"steps": 1, "max_new_tokens": 2}


def no_reward(_: Any, replies: list[str]) -> list[float]:
    return [0.0] * len(replies)


CALLS: dict[str, Callable[[str], Any]] = {
    "Tokenizer.train": lambda text: Tokenizer.train(text, 300),
    "Tokenizer.encode_batch": TOKENIZER.encode_batch,
    "NGramModel.fit": NGramModel(2).fit,
    "NGramModel.bits_per_token": NGramModel(2).fit([["a"]]).bits_per_token,
    "cleaning steps": steps,
    "encode_texts": lambda text: span_loss.encode_texts(TOKENIZER, text),
    "bits_per_byte": lambda text: span_loss.bits_per_byte(POLICY, TOKENIZER, text),
    "answer_questions": lambda text: evaluate.answer_questions(POLICY, TOKENIZER, text),
    "novelty": lambda text: novelty(text, ["a b"]),
    "novelty of training texts": lambda text: novelty(["a b"], text),
    "roll_out": lambda text: rollouts.roll_out(POLICY, TOKENIZER, text, 2),
    "best_of_n": lambda text: rollouts.best_of_n(POLICY, TOKENIZER, text, no_reward, 2, 2),
    "write_replies": lambda text: exam.write_replies(POLICY, TOKENIZER, text),
    "write_replies, plain": lambda text: exam.write_replies(POLICY, TOKENIZER, text, plain=True),
    "RewardModel.score": lambda text: JUDGE.score(TOKENIZER, text, ["no"] * len(text)),
    "RewardModel.score of replies": lambda text: JUDGE.score(TOKENIZER, ["a"] * len(text), text),
    "train_ppo": lambda text: list(
        ppo.train_ppo(POLICY, TOKENIZER, lambda _: text, no_reward, ppo.PPOConfig(**RL))
    ),
    "train_grpo": lambda text: list(
        grpo.train_grpo(POLICY, TOKENIZER, lambda _: text, no_reward, grpo.GRPOConfig(**RL))
    ),
    "finetune": lambda text: list(sft.finetune(POLICY, TOKENIZER, DEMOS, replay=text)),
    "learn_to_read": lambda text: list(
        lessons.learn_to_read(POLICY, TOKENIZER, World(0), documents=text)
    ),
    "BM25": BM25,
    "Embedder.encode": lambda text: EMBEDDER.encode(TOKENIZER, text),
    "Embedder.centre_on": lambda text: EMBEDDER.centre_on(TOKENIZER, text),
    "WordRetriever.rank_many": lambda text: WORDS.rank_many(text, 1),
    "DenseRetriever.rank_many": lambda text: MEANING.rank_many(text, 1),
    "HybridRetriever.rank_many": lambda text: HybridRetriever([WORDS, MEANING]).rank_many(text, 1),
    "read_answers": lambda text: rag.read_answers(
        POLICY, TOKENIZER, text, [[] for _ in text], max_new_tokens=2
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_single_text_is_not_read_letter_by_letter(name):
    before = tiny.weights(POLICY)
    with pytest.raises(InklingError, match="is one string.*letter by letter.*pass a list"):
        CALLS[name]("come in")
    assert tiny.same(before, tiny.weights(POLICY))


def test_no_replies_have_no_rewards():
    assert JUDGE.score(TOKENIZER, [], []).shape == (0,)

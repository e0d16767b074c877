"""Retrieval-augmented generation: look it up, read it, answer, and say where it stands.

Five steps, each of which can go wrong by itself: a search finds passages; as many as
fit are packed in front of the question; the model answers from them; it cites the
passage; and where none of them says it, it says so instead.

    <|document|> [1] Wenalra Lind ...<|end|><|document|> [2] ...<|end|><|user|> Where
    does Wenalra live?<|end|> <|assistant|> Wenalra lives in Mill Road. [1]<|end|>

Source: Lewis et al. 2020; here the passages stand in the prompt as text, as has become
usual since.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from inkling.assistant.chat import Message, decode_reply, encode_message, encode_prompt
from inkling.files import InklingError
from inkling.model.transformer import Transformer
from inkling.reading.passages import Passage
from inkling.reading.retrieval import Retriever
from inkling.settings import several
from inkling.text.tokenizer import Tokenizer
from inkling.training.generate import generate_batch

#: What a reader says when the passages do not answer the question.
NOT_SAID = "I do not know, for the passages do not say it."

# The passages in a prompt are counted in tens. No pattern begins with white space: it
# would try each place of a long run of it.
CITATION = re.compile(r"\[(\d{1,6})\]\s*$")


@dataclass(frozen=True)
class Answer:
    """What came of a question.

    text: the reply without its citation. passages: what the model was given, in the
    order of their numbers. cited: the one that the reply names, or None where it names
    none or one that is not there. abstained: whether the reply says that the passages
    do not answer. A citation is the model's claim, not a proof: it can be wrong.
    """

    text: str
    passages: list[Passage]
    cited: Passage | None
    abstained: bool


def document_messages(passages: Sequence[Passage]) -> list[Message]:
    """Each passage as a message of its own, with the number by which it is cited."""
    return [
        Message("document", f"[{number}] {passage.searchable}")
        for number, passage in enumerate(passages, 1)
    ]


def cite(sentence: str, place: int) -> str:
    """A sentence with the mark that cites the passage at this place (from 0)."""
    return f"{sentence} [{place + 1}]"


def pack(
    tokenizer: Tokenizer, question: str, passages: Sequence[Passage], budget: int
) -> list[Passage]:
    """The passages that fit, best first, into `budget` tokens together with the
    question.

    A passage is left out as a whole: half of one may say the opposite. One that does
    not fit is skipped, and a shorter one after it may still fit. Raises `InklingError`
    for an empty question and for one that is longer than the budget.
    """
    if not question.strip():
        raise InklingError("the question is empty; ask something.")
    used = len(encode_prompt(tokenizer, question))
    if used > budget:
        raise InklingError(
            f"the question has {used} tokens with the template around it, and {budget}"
            " are left for question and passages: ask in fewer words."
        )
    kept: list[Passage] = []
    for passage in passages:
        size = len(encode_message(tokenizer, document_messages([*kept, passage])[-1]))
        if used + size <= budget:
            kept.append(passage)
            used += size
    return kept


def read_answers(
    model: Transformer,
    tokenizer: Tokenizer,
    questions: Sequence[str],
    passages: Sequence[Sequence[Passage]],
    *,
    max_new_tokens: int = 40,
    temperature: float = 0.0,
    seed: int | None = None,
) -> list[Answer]:
    """Let the model answer each question from its passages, many at once. No passages:
    it answers from memory.

    What does not fit into the context is left out (`pack`). The default takes the
    likeliest token each time: a question on a passage has one answer.
    """
    several(questions, "questions")
    budget = model.config.context_length - max_new_tokens
    kept = [
        pack(tokenizer, question, found, budget)
        for question, found in zip(questions, passages, strict=True)
    ]
    prompts = [
        encode_prompt(tokenizer, [*document_messages(given), Message("user", question)])
        for question, given in zip(questions, kept, strict=True)
    ]
    stops = tokenizer.special_tokens.values()
    replies = generate_batch(
        model, prompts, max_new_tokens, temperature, seed=seed, stop_ids=stops
    )
    return [
        parse_answer(decode_reply(tokenizer, reply), given)
        for reply, given in zip(replies, kept, strict=True)
    ]


def parse_answer(reply: str, passages: Sequence[Passage]) -> Answer:
    """Split a reply into what it says and what it cites."""
    match = CITATION.search(reply)
    number = int(match.group(1)) if match else 0
    cited = passages[number - 1] if 1 <= number <= len(passages) else None
    return Answer(
        CITATION.sub("", reply).strip(), list(passages), cited, "do not know" in reply
    )


class RAG:
    """The whole pipeline: a search, a model, and how many passages to read."""

    def __init__(
        self, retriever: Retriever, model: Transformer, tokenizer: Tokenizer, k: int = 3
    ):
        if k < 1:
            raise InklingError(f"k is {k}; read at least one passage.")
        self.retriever, self.model, self.tokenizer, self.k = (
            retriever,
            model,
            tokenizer,
            k,
        )

    def answer(self, question: str) -> Answer:
        """Retrieve, pack, read. Raises `InklingError` for an empty question and for one
        longer than the context.
        """
        return self.answers([question])[0]

    def answers(self, questions: Sequence[str]) -> list[Answer]:
        """The same for many questions at once."""
        found = [
            [hit.passage for hit in self.retriever.search(question, self.k)]
            for question in several(questions, "questions")
        ]
        return read_answers(self.model, self.tokenizer, questions, found)

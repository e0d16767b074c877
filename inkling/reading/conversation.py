"""A conversation: the turns that still fit, and the passages that a question needs.

    passages for the newest question, the turns before it, the question
    <|document|> [1] ...<|end|><|user|> ...<|end|><|assistant|> ...<|end|><|user|> ...

A model reads one row of tokens and remembers nothing: it knows what was said before
because all of it is said again, each time, and its context is short. So the oldest
turns give way. And not every question wants a passage: in front of "Hello!", of a
request for a story or of one that must be refused, a passage about somebody only leads
astray. `Conversation.look_up` decides.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from inkling.assistant.chat import (
    Message,
    decode_reply,
    encode_prompt,
    end_id,
    stream_reply,
)
from inkling.files import InklingError
from inkling.model.transformer import Transformer, seeded
from inkling.reading.finder import Finder
from inkling.reading.passages import Passage
from inkling.reading.rag import document_messages, pack, parse_answer
from inkling.text.tokenizer import Tokenizer
from inkling.training.generate import Sampling, generate, stream

#: The temperature at which an assistant talks unless told otherwise.
CHAT_TEMPERATURE = 0.7

# --- Who speaks -----------------------------------------------------------------------


class Speaker(Protocol):
    """What a conversation needs of a model: `ChatModel` is one, and so is
    `inkling.real.pretrained.SmolLM2`.
    """

    @property
    def model(self) -> Transformer:
        """Its weights."""
        ...

    @property
    def tokenizer(self) -> Tokenizer:
        """Its tokenizer."""
        ...

    @property
    def stop_ids(self) -> Sequence[int]:
        """The tokens at which a reply is over."""
        ...

    def encode_prompt(self, messages: Sequence[Message]) -> list[int]:
        """The ids after which the reply to a chat comes."""
        ...


@dataclass(frozen=True)
class ChatModel:
    """A fine-tuned checkpoint of ours: `ChatModel(*checkpoints.load("rag"))`."""

    model: Transformer
    tokenizer: Tokenizer

    @property
    def stop_ids(self) -> tuple[int, int]:
        """The end of a message, and the end of all text."""
        return end_id(self.tokenizer), self.tokenizer.eos_id

    def encode_prompt(self, messages: Sequence[Message]) -> list[int]:
        """`inkling.assistant.chat.encode_prompt`: what anybody typed is plain text."""
        return encode_prompt(self.tokenizer, messages)


# --- Whether anything is looked up ----------------------------------------------------

_DOES_NOT_KNOW = re.compile(r"\b(do not know|never heard of)\b")
_REFUSES = re.compile(r"\bwill not\b")


def wants_passages(draft: str, about: bool, named: bool) -> bool:
    """Whether a reply that was drafted without passages could be better with them.

    about: whether it says something about the person whom the question is about;
    named: whether the question itself names that person, so that an ignorant reply
    is ignorant of them. A refusal stays one; small talk, advice and "I only know
    Larkhaven" are about nobody.
    """
    if _REFUSES.search(draft):
        return False
    return about or (named and bool(_DOES_NOT_KNOW.search(draft)))


# --- The conversation -----------------------------------------------------------------


class Conversation:
    """Questions and replies that belong together.

        talk = Conversation(ChatModel(*checkpoints.load("rag")), town_finder())
        print("".join(talk.ask("Where does Wenalra live?")))
        talk.sources, talk.cited, talk.turns

    turns: (question, reply) pairs, as many as still fit; forgotten: how many did not.
    sources: the passages that the last reply was given; cited: the one it names.
    cut_off: whether the last reply ended because nothing more fits into the context.
    """

    def __init__(
        self,
        speaker: Speaker,
        finder: Finder | None = None,
        *,
        temperature: float = CHAT_TEMPERATURE,
        seed: int | None = None,
        k: int = 4,
        room: int = 80,
        longest: int = 256,
        longest_fact: int = 48,
    ):
        """finder: where passages come from (None: the assistant answers by itself).
        seed: of every reply, so that a reply depends on the conversation alone. k: how
        many pieces of documents are read. room: tokens that stay free for a reply (at
        most a third of the context). longest: tokens in one. longest_fact: a draft that
        has more tells a story, and nothing is looked up for it.

        Raises `InklingError` for a temperature or a seed that makes no sense.
        """
        Sampling(temperature)
        seeded(seed)
        self.speaker, self.finder = speaker, finder
        self.temperature, self.seed, self.k = temperature, seed, k
        self.context = speaker.model.config.context_length
        self.budget = self.context - min(room, self.context // 3)
        self.longest, self.longest_fact = longest, longest_fact
        self.new()

    def new(self) -> None:
        """Begin anew: forget what was said."""
        self.turns: list[tuple[str, str]] = []
        self.forgotten = 0
        self.sources: list[Passage] = []
        self.cited: Passage | None = None
        self.cut_off = False

    def ask(self, question: str) -> Iterator[str]:
        """The reply, piece by piece. Once it is complete, it is one of the turns.

        Raises `InklingError`, and changes nothing, for a question that is empty or too
        long.
        """
        question = question.strip()
        self._check(question)
        asked, found = self._with_passages(question)
        kept = self._that_fit(asked, found)
        self.forgotten += len(self.turns) - len(kept)
        self.turns, self.sources, self.cited = kept, found, None
        return self._reply(question, self._prompt(asked, found, kept))

    def look_up(self, question: str) -> list[Passage]:
        """The passages for a question; none where it wants none.

        Three things must hold. The question, or else the last turn that names anybody,
        names somebody in the library. What the assistant would say without passages (a
        draft that nobody sees) is soon done: no story. And it is a statement about that
        person: no refusal, no thanks, no advice (`wants_passages`). So what an
        assistant refuses without passages it refuses with them.

        A follow-up says only half ("And her pet?", "Are you sure?"), so the ranking by
        the question is joined by one for the question together with the last one.
        """
        if self.finder is None:
            return []
        asked = self.finder.named(question)
        earlier = (self.finder.named(" ".join(turn)) for turn in reversed(self.turns))
        names = asked or next(filter(None, earlier), set())
        if not names:
            return []
        draft, complete = self._draft(question)
        about = self.finder.named(draft) & names
        if not complete or not wants_passages(draft, bool(about), bool(asked)):
            return []
        queries = [question, *(f"{before} {question}" for before, _ in self.turns[-1:])]
        return self.finder.find(queries, about or names, self.k)

    def _with_passages(self, question: str) -> tuple[str, list[Passage]]:
        """What the assistant reads as the question, and the passages that fit."""
        if self.finder and (found := self.look_up(question)):
            spelled = self.finder.spelled(question)
            if len(self._prompt(spelled, [], [])) <= self.budget:
                return spelled, pack(
                    self.speaker.tokenizer, spelled, found, self.budget
                )
        return question, []

    def _draft(self, question: str) -> tuple[str, bool]:
        """What the assistant would say most likely without passages, and whether it is
        soon done.
        """
        kept = self._that_fit(question, [])
        ids = generate(
            self.speaker.model,
            self._prompt(question, [], kept),
            self.longest_fact,
            temperature=0.0,
            stop_ids=self.speaker.stop_ids,
        )
        complete = bool(ids) and ids[-1] in self.speaker.stop_ids
        return decode_reply(self.speaker.tokenizer, ids), complete

    def _reply(self, question: str, prompt: list[int]) -> Iterator[str]:
        tokens: list[int] = []

        def written() -> Iterator[int]:
            for token in stream(
                self.speaker.model,
                prompt,
                self.longest,
                self.temperature,
                seed=self.seed,
                stop_ids=self.speaker.stop_ids,
            ):
                tokens.append(token)
                yield token

        reply = ""
        for piece in stream_reply(self.speaker.tokenizer, written()):
            reply += piece
            yield piece
        answer = parse_answer(reply, self.sources)
        self.cited = answer.cited
        self.cut_off = not tokens or tokens[-1] not in self.speaker.stop_ids
        # A passage's number means nothing once other passages stand there.
        self.turns.append((question, answer.text if self.sources else reply))

    def _check(self, question: str) -> None:
        if not question:
            raise InklingError("the question is empty; ask something.")
        if (excess := len(self._prompt(question, [], [])) - self.budget) > 0:
            size = len(self.speaker.tokenizer.encode(f" {question}"))
            raise InklingError(
                f"this question is too long: it is {size} tokens, and the model reads"
                f" {max(0, size - excess)} at most. Ask in fewer words."
            )

    def _that_fit(
        self, question: str, found: Sequence[Passage]
    ) -> list[tuple[str, str]]:
        """The newest turns that fit: a passage goes before a turn, for the answer
        stands in it.
        """
        first = len(self.turns)
        while first > 0:
            prompt = self._prompt(question, found, self.turns[first - 1 :])
            if len(prompt) > self.budget:
                break
            first -= 1
        return self.turns[first:]

    def _prompt(
        self,
        question: str,
        found: Sequence[Passage],
        turns: Sequence[tuple[str, str]],
    ) -> list[int]:
        messages = document_messages(found)
        for asked, reply in turns:
            messages += [Message("user", asked), Message("assistant", reply)]
        return self.speaker.encode_prompt([*messages, Message("user", question)])

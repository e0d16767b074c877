"""Chat: how a conversation becomes one row of tokens that a model can go on with.

A message is a role and a text, and becomes a role token, a space, the text, and the end
token:

    <|user|> Where does Ada live?<|end|><|assistant|> Ada lives in Mill Road.<|end|>

The space makes the first word the token that it is in the middle of a text (" Ada"),
which is the one that the model knows.

Nothing but this template ever makes a special token. What a person types is encoded as
plain text, so nobody can end their own message and speak as the assistant (the token
"<|end|>" cannot be typed).
"""

import itertools
import operator
from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile
from typing import NamedTuple

import torch

from inkling.files import InklingError
from inkling.model.transformer import Transformer
from inkling.text.tokenizer import Tokenizer
from inkling.world.requests import Prompt

ROLES = ("system", "document", "user", "assistant")


class Message(NamedTuple):
    """One turn. role: one of `ROLES`; text: anything, never read as markup."""

    role: str
    text: str


def checked(message: object) -> Message:
    """`message` itself. Raises InklingError if it is no `Message` with two texts, but a
    dictionary, say.
    """
    if isinstance(message, Message) and all(isinstance(part, str) for part in message):
        return message
    raise InklingError(
        "a message is a role and a text, Message('user', 'Hello'), and a chat a list of"
        f" them; this is {message!r:.60}."
    )


def special_id(tokenizer: Tokenizer, name: str) -> int:
    """The id of a role's token, "user" for example. Raises `InklingError` where the
    tokenizer has none.
    """
    token = f"<|{name}|>"
    if token not in tokenizer.special_tokens:
        raise InklingError(
            f"this tokenizer has no {token}; chats need one trained with"
            " special_tokens=SPECIAL_TOKENS."
        )
    return tokenizer.special_tokens[token]


def end_id(tokenizer: Tokenizer) -> int:
    """The token that ends every message. The model learns to write it: that is how a
    reply stops.
    """
    return special_id(tokenizer, "end")


def pad_id(tokenizer: Tokenizer) -> int:
    """The token that fills up short rows. It is not the end token: a model must learn
    the one and never the other.
    """
    return special_id(tokenizer, "pad")


def encode_message(tokenizer: Tokenizer, message: Message) -> list[int]:
    """Role token, text after a space, end token. Raises `InklingError` for an unknown
    role, or what is no `Message`.
    """
    if checked(message).role not in ROLES:
        raise InklingError(
            f"there is no role {message.role!r}; a message is by one of"
            f" {', '.join(ROLES)}."
        )
    text = tokenizer.encode(" " + message.text if message.text else "")
    return [special_id(tokenizer, message.role), *text, end_id(tokenizer)]


def encode_chat(
    tokenizer: Tokenizer, messages: Sequence[Message]
) -> tuple[list[int], list[bool]]:
    """The ids of a whole chat, and for each whether the assistant wrote it: what
    fine-tuning trains on.

    The chat begins with the end-of-text token, as every document of pre-training did.
    The assistant writes its text and the end token; its role token is given to it.
    """
    ids, written = [tokenizer.eos_id], [False]
    for message in messages:
        part = encode_message(tokenizer, message)
        ids += part
        written += [False, *[message.role == "assistant"] * (len(part) - 1)]
    return ids, written


def as_messages(prompt: Prompt | Sequence[Message]) -> list[Message]:
    """What there is to reply to, as a chat: a text is one message of the user's, and
    several texts are the user's and the assistant's by turns.
    """
    if isinstance(prompt, str):
        return [Message("user", prompt)]
    if type(prompt) is tuple and all(isinstance(turn, str) for turn in prompt):
        roles = itertools.cycle(("user", "assistant"))
        return [Message(role, turn) for role, turn in zip(roles, prompt, strict=False)]
    return [checked(message) for message in prompt]


def encode_exchange(
    tokenizer: Tokenizer, prompt: Prompt | Sequence[Message], reply: str
) -> tuple[list[int], list[bool]]:
    """`encode_chat` of a prompt and the assistant's reply, in which only that reply
    counts as written.
    """
    before = encode_prompt(tokenizer, prompt)
    ids, written = encode_chat(
        tokenizer, [*as_messages(prompt), Message("assistant", reply)]
    )
    return ids, [False] * len(before) + written[len(before) :]


def encode_prompt(
    tokenizer: Tokenizer, prompt: Prompt | Sequence[Message]
) -> list[int]:
    """The ids after which the assistant's reply comes: the chat so far, and the
    assistant's role token.

    prompt: a chat, or what `as_messages` makes one of. Raises `InklingError` for a chat
    with nothing to reply to.
    """
    messages = as_messages(prompt)
    if not messages or checked(messages[-1]).role == "assistant":
        raise InklingError(
            "there is nothing to reply to: the last message must be somebody else's"
            " than the assistant's."
        )
    return [*encode_chat(tokenizer, messages)[0], special_id(tokenizer, "assistant")]


def decode_reply(tokenizer: Tokenizer, ids: Sequence[int]) -> str:
    """The text of a reply: what stands before the first special token (its end, if it
    has one), without the space.
    """
    try:  # a tensor's numbers are found in no set
        ids = [operator.index(token) for token in ids]
    except (TypeError, RuntimeError):
        raise InklingError(
            f"the ids of a reply are one list of whole numbers, not {ids!r:.60}: decode"
            " the replies of a batch one by one."
        ) from None
    return "".join(stream_reply(tokenizer, ids))


def stream_reply(tokenizer: Tokenizer, ids: Iterable[int]) -> Iterator[str]:
    """`decode_reply` for ids as they come, in pieces of whole characters."""
    special = set(tokenizer.special_tokens.values())
    said = tokenizer.decode_stream(takewhile(lambda token: token not in special, ids))
    for number, piece in enumerate(said):
        if piece := piece if number else piece.removeprefix(" "):
            yield piece


#: What in plain text is nearest to a part of the template: there, questions and answers
#: stand so.
LIKENESS = {"user": "Question:", "assistant": "\nAnswer:", "end": "\n"}


#: The same for passages that stand before a question (`inkling.reading.rag`): each
#: begins a line.
PASSAGE_LIKENESS = {"document": "\n"}


def prepare_roles(
    model: Transformer, tokenizer: Tokenizer, likeness: dict[str, str] = LIKENESS
) -> None:
    """Give the template's tokens a start: the mean embedding of the words that do their
    work in plain text.

    Pre-training never saw these tokens, so their embeddings are noise, and whatever the
    model has learned to do after "Answer:" it would not do after "<|assistant|>".
    Changes the model.
    """
    with torch.no_grad():
        table = model.embed_tokens.weight  # (V, d_model)
        means = {
            name: table[tokenizer.encode(text)].mean(dim=0)
            for name, text in likeness.items()
        }
        for name, mean in means.items():
            table[special_id(tokenizer, name)] = mean

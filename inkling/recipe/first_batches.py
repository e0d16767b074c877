"""The first batches of a stage, kept beside its card: whoever reads them again through
the source as it stands must find the losses that the card has.

A file holds token ids and next to nothing else. Which of them the assistant wrote, and
is trained on, is made again from the ids by the source (`chat_again`), so that a wrong
mask is seen, too.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import safetensors
import safetensors.numpy

from inkling.assistant.chat import (
    ROLES,
    Message,
    encode_chat,
    encode_exchange,
    end_id,
    special_id,
)
from inkling.files import InklingError, atomic_write
from inkling.text.tokenizer import Tokenizer

#: So many updates are made again.
N_UPDATES = 20
#: So many tokens are kept of a stage, about: each batch gives its first rows.
MOST_TOKENS = 20_000

#: What a chat's ids are trained on: all of them (a document of pre-training), the last
#: reply, or every reply.
TEXT, LAST_REPLY, ALL_REPLIES = range(3)

Row = list[int]
Chat = tuple[Row, list[bool]]


@dataclass(frozen=True)
class FirstBatches:
    """batches: rows of ids, without padding, batch by batch. more: what a stage needs
    besides, by name.
    """

    batches: list[list[Row]]
    more: Mapping[str, np.ndarray] = field(default_factory=dict)

    def save(self, folder: Path) -> None:
        """Write first_batches.safetensors into a stage's folder."""
        rows = [row for batch in self.batches for row in batch]
        sizes = {
            "ids": np.concatenate([np.array(row, np.uint16) for row in rows]),
            "tokens_of_row": np.array([len(row) for row in rows], np.uint16),
            "rows_of_batch": np.array(
                [len(batch) for batch in self.batches], np.uint16
            ),
        }
        data = safetensors.numpy.save(sizes | dict(self.more))
        atomic_write(folder / "first_batches.safetensors", data)

    @classmethod
    def load(cls, folder: Path) -> "FirstBatches":
        """Read what `save` wrote. Raises `InklingError` where it is missing or
        damaged.
        """
        path = folder / "first_batches.safetensors"
        try:
            more = safetensors.numpy.load_file(path)
            ids, sizes, counts = (
                more.pop(name).astype(int)
                for name in ("ids", "tokens_of_row", "rows_of_batch")
            )
            if sizes.sum() != len(ids) or counts.sum() != len(sizes):
                raise KeyError("the lengths do not fit the ids")
        except (OSError, KeyError, safetensors.SafetensorError) as error:
            raise InklingError(
                f"{path} cannot be read ({error}); fetch it again, or make the stage"
                " again."
            ) from error
        rows = [row.tolist() for row in np.split(ids, sizes.cumsum()[:-1])]
        ends = [int(end) for end in counts.cumsum()]
        starts = (0, *ends[:-1])
        batches = [rows[a:b] for a, b in zip(starts, ends, strict=True)]
        return cls(batches, more)


def keep(
    folder: Path, first: FirstBatches, play: Callable[[FirstBatches], dict]
) -> dict:
    """Write the first batches into a stage's folder, and play them as they are read
    from there (`plain_updates`): what its card says of them.
    """
    first.save(folder)
    return play(FirstBatches.load(folder))


def first_rows(
    sizes: Sequence[int], least: int = 1, most: int = MOST_TOKENS // N_UPDATES
) -> int:
    """How many of a batch's examples, of so many tokens each, are kept: as many as have
    `most` tokens together, and `least` at least.
    """
    together = np.cumsum(sizes)
    return max(min(least, len(sizes)), int((together <= most).sum()))


def role_of(tokenizer: Tokenizer, token: int) -> str | None:
    """The role whose token this is; None where it is none."""
    names = {special_id(tokenizer, role): role for role in ROLES}
    return names.get(token)


def messages_of(tokenizer: Tokenizer, ids: Row) -> list[Message]:
    """The messages of a chat that `encode_chat` encoded: its inverse."""
    messages, end = [], end_id(tokenizer)
    at = 1  # behind the end-of-text token
    while at < len(ids):
        stop, role = ids.index(end, at), role_of(tokenizer, ids[at])
        text = tokenizer.decode(ids[at + 1 : stop]).removeprefix(" ")
        messages.append(Message(str(role), text))
        at = stop + 1
    return messages


def kind_of(tokenizer: Tokenizer, chat: Chat) -> int:
    """What of a chat is trained on: `TEXT`, `LAST_REPLY` or `ALL_REPLIES`. Raises
    `InklingError` where that cannot be made again from the ids.
    """
    ids, written = chat
    for kind in (TEXT, LAST_REPLY, ALL_REPLIES):
        is_chat = len(ids) > 1 and role_of(tokenizer, ids[1]) is not None
        if is_chat == (kind != TEXT) and chat_again(tokenizer, ids, kind) == (
            ids,
            written,
        ):
            return kind
    raise InklingError(
        f"a chat of {len(ids)} tokens is neither a document nor trained on its replies:"
        " its mask could not be made again from its ids."
    )


def chat_again(tokenizer: Tokenizer, ids: Row, kind: int) -> Chat:
    """The chat with its mask, made by the template as it stands."""
    if kind == TEXT:
        return ids, [True] * len(ids)
    *before, last = messages_of(tokenizer, ids)
    if kind == ALL_REPLIES:
        return encode_chat(tokenizer, [*before, last])
    return encode_exchange(tokenizer, before, last.text)

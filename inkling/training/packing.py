"""The data side of training: from one long list of token ids to rows of whole
documents, in an order a seed decides.
"""

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np
import torch

from inkling.files import InklingError

IGNORE = -100  # the label that cross-entropy skips: padding is never a target


def check_tokens(
    tokens: np.ndarray | torch.Tensor, context_length: int, vocab_size: int, name: str
) -> np.ndarray:
    """The tokens as a 1-D numpy array, after checking that a model with this vocabulary
    can be trained on them.

    Raises `InklingError` for an empty corpus, for one that does not fill a row, and for
    ids outside the vocabulary.
    """
    ids = (
        tokens.cpu().numpy() if isinstance(tokens, torch.Tensor) else np.asarray(tokens)
    )
    if ids.size == 0:
        raise InklingError(
            f"the {name} tokens are empty. Check that the corpus has text and that it"
            " was encoded."
        )
    if ids.ndim != 1 or not np.issubdtype(ids.dtype, np.integer):
        raise InklingError(
            f"the {name} tokens must be a 1-D array of integer ids, not {ids.ndim}-D of"
            f" {ids.dtype}."
        )
    if len(ids) <= context_length:
        raise InklingError(
            f"{len(ids):,} {name} tokens do not fill one row of {context_length}"
            f" predictions, which takes {context_length + 1:,}. Give more text, or a"
            " smaller context_length."
        )
    low, high = int(ids.min()), int(ids.max())
    if low < 0 or high >= vocab_size:
        raise InklingError(
            f"the {name} tokens hold id {high if high >= vocab_size else low}, but the"
            f" model's vocabulary has ids 0 to {vocab_size - 1}. Encode the text with"
            " the tokenizer that the model was made for, or make the model with"
            " vocab_size=tokenizer.vocab_size."
        )
    return ids


def document_bounds(
    tokens: np.ndarray, eos_id: int
) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """The stream with an end-of-document token on both sides, and each document's
    targets in it: (start, stop).

    A document's targets are its tokens and the end token after it; what stands before
    `start` is an end token, too.
    """
    end = np.array([eos_id], np.int32)
    stream = np.concatenate(
        [
            end if tokens[0] != eos_id else end[:0],
            tokens.astype(np.int32),
            end if tokens[-1] != eos_id else end[:0],
        ]
    )
    ends = np.flatnonzero(stream == eos_id)
    return stream, list(
        zip((ends[:-1] + 1).tolist(), (ends[1:] + 1).tolist(), strict=True)
    )


def pack_documents(
    stream: np.ndarray, documents: list[tuple[int, int]], order: np.ndarray, length: int
) -> np.ndarray:
    """Pack documents, in this order, into full rows: int32 (n_rows, length + 1). Rows
    begin where documents do.

    A row holds the end-of-document token and then documents until it is full; the last
    one is cut, and the next row begins with the next document. (In another epoch
    another order cuts other documents.) A document that is longer than a row goes on in
    the next row instead. The last row may end in padding, `IGNORE`.

    Why not place documents where they fit best, as Ding et al. 2024 do, and cut none?
    Then long documents begin rows and short ones end them, so that a row's place tells
    the kind of document: a model that starts a text of its own begins a row, and would
    have learned that texts begin long. Cutting leaves every document as likely
    anywhere.
    """
    rows = []
    row, filled = np.full(length + 1, IGNORE, np.int32), 1
    row[0] = stream[documents[0][0] - 1]
    for number in order:
        start, stop = documents[number]
        is_long = stop - start > length
        while start < stop:
            taken = min(stop - start, length + 1 - filled)
            row[filled : filled + taken] = stream[start : start + taken]
            start, filled = start + taken, filled + taken
            if filled <= length:
                continue  # the document is at its end and the row has room
            rows.append(row)
            row, filled = np.full(length + 1, IGNORE, np.int32), 1
            if not is_long or start == stop:
                start = stop
            row[0] = stream[start - 1]  # an end token, or the word before the cut
    if filled > 1:
        rows.append(row)
    return np.stack(rows)


def pad_rows(
    rows: Sequence[Sequence[int]], pad: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows of different lengths as int64 (B, longest), filled up on the right with
    `pad`, and their lengths (B,).
    """
    lengths = torch.tensor([len(row) for row in rows])
    padded = torch.full((len(rows), int(lengths.max())), pad, dtype=torch.long)
    for target, row in zip(padded, rows, strict=True):
        target[: len(row)] = torch.as_tensor(row)
    return padded, lengths


def group_by_length(
    lengths: Sequence[int] | torch.Tensor, together: int
) -> list[list[int]]:
    """The numbers of rows in groups of so many, rows of like length in one group, the
    shortest first: little of a group is padding.
    """
    if isinstance(lengths, torch.Tensor):
        lengths = lengths.tolist()
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    return [order[at : at + together] for at in range(0, len(order), together)]


def put_back(
    groups: Sequence[Sequence[int]], parts: Sequence[torch.Tensor]
) -> torch.Tensor:
    """What was computed for each group, (b, ...) each, in the order of the rows:
    (N, ...).
    """
    order = torch.tensor([row for group in groups for row in group])
    return torch.cat(list(parts))[order.argsort()]


def separate_documents(
    stream: np.ndarray, documents: list[tuple[int, int]], length: int
) -> np.ndarray:
    """One document a row, the shortest first, padded with `IGNORE`: int32 (n_rows,
    length + 1).

    For validation: each token is a target exactly once, and nothing stands before a
    document. A document that is longer than a row goes on in a row of its own.
    """
    pieces = [
        (cut, min(cut + length, stop))
        for start, stop in documents
        for cut in range(start, stop, length)
    ]
    pieces.sort(key=lambda piece: piece[1] - piece[0])
    rows = np.full((len(pieces), length + 1), IGNORE, np.int32)
    for row, (start, stop) in zip(rows, pieces, strict=True):
        row[: stop - start + 1] = stream[start - 1 : stop]
    return rows


class Batches:
    """The rows of a corpus in a seeded order: `batch(step)` depends on nothing but the
    seed and the step.

    With `eos_id` the rows are documents in a fresh seeded order each epoch, packed;
    without it they are neighbouring windows of one stream, from an offset that is drawn
    anew in each epoch. So the position in the data is the step's number, and nothing
    else has to be saved.
    """

    def __init__(
        self,
        tokens: np.ndarray,
        context_length: int,
        batch_size: int,
        seed: int,
        eos_id: int | None,
    ) -> None:
        self.tokens, self.context_length, self.batch_size, self.seed = (
            tokens,
            context_length,
            batch_size,
            seed,
        )
        self.stream, self.documents = (
            (tokens, []) if eos_id is None else document_bounds(tokens, eos_id)
        )
        # of each epoch, as far as they have been looked at, and of the one after it
        self.first_row = [0]
        self.epoch, self.rows = -1, np.empty((0, context_length + 1), np.int32)

    def rows_of(self, epoch: int) -> np.ndarray:
        """All rows of one epoch, (n_rows, context_length + 1)."""
        generator = np.random.default_rng([self.seed, epoch])
        if self.documents:
            order = generator.permutation(len(self.documents))
            return pack_documents(
                self.stream, self.documents, order, self.context_length
            )
        # One window is given up so that the offset can slide over a whole window.
        n_rows = max(1, (len(self.tokens) - 1) // self.context_length - 1)
        order = generator.permutation(n_rows)
        spare = len(self.tokens) - 1 - n_rows * self.context_length
        offset = int(generator.integers(min(spare, self.context_length - 1) + 1))
        starts = offset + order[:, None] * self.context_length
        return self.tokens[starts + np.arange(self.context_length + 1)]

    def row(self, position: int) -> np.ndarray:
        """Row number `position` of the endless sequence of epochs: int (context_length
        + 1,).
        """
        while self.first_row[-1] <= position:
            self.epoch, self.rows = (
                len(self.first_row) - 1,
                self.rows_of(len(self.first_row) - 1),
            )
            self.first_row.append(self.first_row[-1] + len(self.rows))
        epoch = bisect_right(self.first_row, position) - 1
        if epoch != self.epoch:
            self.epoch, self.rows = epoch, self.rows_of(epoch)
        return self.rows[position - self.first_row[epoch]]

    def batch(self, step: int) -> torch.Tensor:
        """The rows of one update: int64 (batch_size, context_length + 1), padding is
        `IGNORE`.
        """
        first = step * self.batch_size
        rows = [
            self.row(position) for position in range(first, first + self.batch_size)
        ]
        return torch.from_numpy(np.stack(rows).astype(np.int64))

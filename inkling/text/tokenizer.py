"""The tokenizer: byte-level BPE with special tokens, caches, and Hugging Face's file
format.

    >>> tokenizer = Tokenizer.train(["low lower lowest"], vocab_size=258)
    >>> tokenizer.merges
    [(b'o', b'w'), (b'l', b'ow')]
    >>> tokenizer.encode("low")
    [257]
    >>> tokenizer.decode([257, 101, 114])
    'lower'

The merging itself is in `inkling.text.bpe`, the file format in
`inkling.text.tokenizer_json`. Source: Radford et al. (2019), section 2.2, for bytes and
for the pattern that cuts text into chunks which no token crosses.
"""

import codecs
import os
import re
import warnings
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import chain
from pathlib import Path

import regex

from inkling.files import InklingError, atomic_write
from inkling.settings import several
from inkling.text import tokenizer_json
from inkling.text.bpe import apply_merges, apply_merges_fast, learn_merges
from inkling.text.tokenizer_json import DIGITS_PATTERN, GPT2_PATTERN

# Reserved for the whole book: end of document, padding, the three roles of a chat, a
# retrieved passage, end of turn.
SPECIAL_TOKENS = (
    "<|endoftext|>",
    "<|pad|>",
    "<|system|>",
    "<|user|>",
    "<|assistant|>",
    "<|document|>",
    "<|end|>",
)

# For later: a call of a tool, what it gives, and a thought. The next vocabulary has
# them, so that no chapter needs a new one.
RESERVED_TOKENS = ("<|call|>", "<|result|>", "<|thought|>")

# White space and the visible characters after it. `re` counts U+001C to U+001F as white
# space; Unicode does not.
WORD = re.compile(r"\s*[\S\x1c-\x1f]+|\s+")
CACHE_LIMIT = 100_000  # entries; about 20 MB of short words
LONGEST_CACHED = 64  # characters; a longer piece is unlikely to come back


class Cache(dict):
    """A dict that fills itself: a missing piece of text is encoded once and kept. A hit
    runs no Python code at all.
    """

    def __init__(self, encode_piece: Callable[[str], list[int]]):
        self.encode_piece = encode_piece

    def __missing__(self, piece: str) -> tuple[int, ...]:
        ids = tuple(self.encode_piece(piece))
        if len(self) >= CACHE_LIMIT:
            self.clear()
        if len(piece) <= LONGEST_CACHED:
            self[piece] = ids
        return ids

    def __reduce__(self):
        # a copied or pickled tokenizer starts with empty caches
        return Cache, (self.encode_piece,)


class Tokenizer:
    """Byte-level BPE with special tokens.

    Ids: a byte is its own value (0 to 255), merges follow from 256 in the order
    learned, special tokens come last. A tokenizer read from a file keeps the file's
    ids: `vocabulary` (token bytes -> id) and `special_tokens` (text -> id).

    Such a file may also have `added_tokens` (text -> id) like "<think>": each is one
    token wherever it stands, whoever wrote it. `normalized` names the special and added
    tokens that are looked for last, in what the others leave of the text.
    """

    def __init__(
        self,
        merges: Iterable[tuple[bytes, bytes]],
        special_tokens: Iterable[str] | dict[str, int] = (),
        pattern: str = GPT2_PATTERN,
        vocabulary: dict[bytes, int] | None = None,
        added_tokens: dict[str, int] | None = None,
        normalized: Collection[str] = (),
    ):
        self.merges = list(merges)
        self.pattern, self._pattern = pattern, compile_pattern(pattern)
        if vocabulary is None:
            tokens = [bytes([i]) for i in range(256)] + [
                left + right for left, right in self.merges
            ]
            vocabulary = {token: i for i, token in enumerate(tokens)}
        self.vocabulary = vocabulary
        self.special_tokens = number_special_tokens(special_tokens, vocabulary)
        self.added_tokens = number_special_tokens(added_tokens or {}, vocabulary)
        self.normalized = frozenset(normalized)
        self._whole_ids = {**self.added_tokens, **self.special_tokens}
        # one text may have two ids: as a word, and as a token that was added for it
        pairs = {(i, token) for token, i in vocabulary.items()}
        pairs |= {(i, utf8(text)) for text, i in self._whole_ids.items()}
        self._token_bytes = dict(pairs)
        if len(self._token_bytes) < len(pairs) or (
            self.special_tokens.keys() & self.added_tokens.keys()
        ):
            raise InklingError(
                "two tokens have the same id, or one is special and is not: give every"
                " token, special or not, an id of its own"
            )
        first = self._whole_ids.keys() - self.normalized
        self._special = [
            longest_of(texts)
            for texts in (first, self._whole_ids.keys() - first)
            if texts
        ]
        self._byte_ids = {
            token[0]: i for token, i in vocabulary.items() if len(token) == 1
        }
        self.merge_table = {}
        for rank, (left, right) in enumerate(self.merges):
            if not {left, right, left + right} <= vocabulary.keys():
                raise InklingError(
                    f"merge {rank} joins {left} and {right}; they and the result must"
                    " be tokens"
                )
            self.merge_table[vocabulary[left], vocabulary[right]] = (
                rank,
                vocabulary[left + right],
            )
        self.chunk_cache, self.word_cache = (
            Cache(self._encode_chunk),
            Cache(self._encode_chunks),
        )

    @classmethod
    def train(
        cls,
        texts: Iterable[str],
        vocab_size: int,
        special_tokens: Iterable[str] = (),
        pattern: str = GPT2_PATTERN,
    ) -> "Tokenizer":
        """Learn merges from `texts` until there are `vocab_size` ids: 256 bytes, the
        merges, the special tokens.

        No merge crosses the border of a chunk, a text or a special token. When the
        texts run out of pairs to merge, training warns and returns a smaller
        vocabulary. Raises InklingError for an empty corpus or a `vocab_size` without
        room for the bytes and the special tokens.
        """
        blank = cls((), special_tokens, pattern)
        n_merges = vocab_size - blank.vocab_size
        if n_merges < 0:
            raise InklingError(
                f"vocab_size is {vocab_size}, but 256 bytes and"
                f" {len(blank.special_tokens)} special tokens need {blank.vocab_size}:"
                " ask for at least that"
            )
        chunk_counts: Counter[str] = Counter()
        for text in several(texts):
            for part in blank.split_special(text)[::2]:
                chunk_counts.update(blank.chunks(part))
        if not chunk_counts:
            raise InklingError(
                "the corpus is empty: give at least one text that is more than special"
                " tokens"
            )
        merges = learn_merges(
            {utf8(chunk): count for chunk, count in chunk_counts.items()}, n_merges
        )
        if len(merges) < n_merges:
            warnings.warn(
                f"the texts ran out of pairs after {len(merges)} of {n_merges} merges:"
                f" vocab_size is {blank.vocab_size + len(merges)}, not {vocab_size}."
                " Train on more text, or ask for less.",
                stacklevel=2,
            )
        return cls(merges, list(blank.special_tokens), pattern)

    @property
    def vocab_size(self) -> int:
        """One more than the largest id: the number of rows that a model's embedding
        needs.
        """
        return max(self._token_bytes) + 1

    @property
    def eos_id(self) -> int:
        """The id of <|endoftext|>, which ends a document."""
        if "<|endoftext|>" not in self.special_tokens:
            raise InklingError(
                "this tokenizer has no <|endoftext|>: train it with"
                " special_tokens=SPECIAL_TOKENS"
            )
        return self.special_tokens["<|endoftext|>"]

    def split_special(self, text: str, allow_special: bool = True) -> list[str]:
        """Cut at special and added tokens: ordinary text at even places (perhaps
        empty), the tokens at odd ones. With `allow_special=False` at added ones only.
        """
        if not isinstance(text, str):
            raise InklingError(
                f"a text must be a str, not {type(text).__name__}; bytes need"
                " .decode('utf-8') first"
            )
        if not allow_special and not self.added_tokens:
            return [text]
        spelled_out = () if allow_special else self.special_tokens
        parts = [text]
        for pattern in self._special:
            cut = [
                [part] if i % 2 else split_at(pattern, part, spelled_out)
                for i, part in enumerate(parts)
            ]
            parts = list(chain.from_iterable(cut))
        return parts

    def chunks(self, text: str) -> list[str]:
        """Cut ordinary text into the chunks that no token crosses. Joined, they are the
        text again.
        """
        chunks = self._pattern.findall(text)
        if sum(map(len, chunks)) != len(text):
            raise InklingError(
                f"the pattern {self.pattern!r} leaves out a part of the text: end it"
                " with |\\s+|."
            )
        return chunks

    def encode_plain(self, text: str) -> list[int]:
        """What `encode(text)` means, without caches or shortcuts; the tests hold them
        equal.
        """
        ids = []
        for i, part in enumerate(self.split_special(text, allow_special=False)):
            if i % 2:
                ids.append(self.added_tokens[part])
                continue
            for chunk in self.chunks(part):
                ids += apply_merges(self._byte_tokens(chunk), self.merge_table)
        return ids

    def _byte_tokens(self, chunk: str) -> list[int]:
        # Some published vocabularies lack bytes that their training text never had;
        # their code skips such bytes.
        return [self._byte_ids[byte] for byte in utf8(chunk) if byte in self._byte_ids]

    def _encode_chunk(self, chunk: str) -> list[int]:
        return apply_merges_fast(self._byte_tokens(chunk), self.merge_table)

    def _encode_chunks(self, text: str) -> list[int]:
        return list(
            chain.from_iterable(map(self.chunk_cache.__getitem__, self.chunks(text)))
        )

    def _encode_ordinary(self, text: str) -> list[int]:
        # In these two patterns a chunk always ends where a visible character meets
        # white space, and nothing before that place matters after it. So cut there
        # first: a word seen before costs one look in a dict, not a slow pattern.
        if self.pattern in (GPT2_PATTERN, DIGITS_PATTERN):
            return list(
                chain.from_iterable(
                    map(self.word_cache.__getitem__, WORD.findall(text))
                )
            )
        return self._encode_chunks(text)

    def encode(self, text: str, allow_special: bool = False) -> list[int]:
        """The ids of `text`. Here "<|end|>" is seven characters like any others: a text
        may be anybody's, and whoever could write that token could end another's turn.

        With `allow_special=True` it is one token: for texts that the program wrote.
        Raises InklingError for a lone surrogate, which UTF-8 cannot write.
        """
        parts = self.split_special(text, allow_special)
        if len(parts) == 1:
            return self._encode_ordinary(text)
        ids = []
        for i, part in enumerate(parts):
            ids += [self._whole_ids[part]] if i % 2 else self._encode_ordinary(part)
        return ids

    def encode_batch(
        self, texts: Iterable[str], allow_special: bool = False
    ) -> list[list[int]]:
        """`encode` for each text."""
        return [self.encode(text, allow_special) for text in several(texts)]

    def token_bytes(self, token_id: int) -> bytes:
        """The bytes that one id stands for."""
        return self.decode_bytes([token_id])

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """The bytes of `ids`: a list, array or tensor with one dimension. Raises
        InklingError for an id that is not in the vocabulary.
        """
        to_list = getattr(ids, "tolist", None)
        try:
            ids = list(ids) if to_list is None else to_list()
            return b"".join(map(self._token_bytes.__getitem__, ids))
        except TypeError:
            raise InklingError(
                f"ids must be one flat list of whole numbers, not {ids!r:.60}: decode"
                " the rows of a batch one by one"
            ) from None
        except KeyError as error:
            raise InklingError(
                f"id {error} is not in the vocabulary, which ends at"
                f" {self.vocab_size - 1}: do the ids come from another tokenizer, or"
                " from a model with a larger vocabulary?"
            ) from None

    def decode(self, ids: Iterable[int]) -> str:
        """The text of `ids`. Bytes that are not UTF-8 (half a character, say) become
        the replacement mark, U+FFFD.
        """
        return self.decode_bytes(ids).decode("utf-8", errors="replace")

    def decode_stream(self, ids: Iterable[int]) -> Iterator[str]:
        """The text of ids as they come, in pieces of whole characters: together what
        `decode` gives. A character may be spread over several tokens.
        """
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        for token in ids:
            if text := decoder.decode(self.decode_bytes([token])):
                yield text
        if text := decoder.decode(b"", final=True):
            yield text

    def __repr__(self) -> str:
        return (
            f"Tokenizer({self.vocab_size} ids: {len(self.merges)} merges,"
            f" {len(self.special_tokens)} special tokens)"
        )

    def save(self, path: str | os.PathLike) -> None:
        """Write a Hugging Face tokenizer.json, whole or not at all."""
        parts = tokenizer_json.Parts(
            self.merges,
            self.special_tokens,
            self.pattern,
            self.vocabulary,
            self.added_tokens,
            self.normalized,
        )
        atomic_write(path, tokenizer_json.dump(parts))

    @classmethod
    def load(cls, path: str | os.PathLike) -> "Tokenizer":
        """Read a tokenizer.json: ours, or another byte-level BPE. Raises InklingError
        if it is missing or damaged.
        """
        try:
            content = Path(path).read_bytes()
        except (OSError, ValueError) as error:  # a NUL in the name, say
            reason = getattr(error, "strerror", None) or error
            raise InklingError(
                f"cannot read {path}: {reason}. Give the path of a tokenizer.json"
            ) from None
        parts = tokenizer_json.parse(content, str(path))
        try:
            return cls(**parts._asdict())
        except InklingError as error:
            raise InklingError(f"{path}: {error}") from None


def longest_of(texts: Collection[str]) -> re.Pattern[str]:
    """A pattern for any of `texts`; where one starts with another, the longer one
    wins.
    """
    longest_first = sorted(texts, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)))


def split_at(
    pattern: re.Pattern[str], text: str, spelled_out: Collection[str] = ()
) -> list[str]:
    """Cut at what the pattern finds, which stands at odd places; what is to be
    `spelled_out` stays in the text around it.
    """
    parts, start = [], 0
    for match in pattern.finditer(text):
        if match.group() not in spelled_out:
            parts += [text[start : match.start()], match.group()]
            start = match.end()
    return [*parts, text[start:]]


def utf8(text: str) -> bytes:
    """The bytes of a text. Raises `InklingError` for half a surrogate pair."""
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InklingError(
            f"the text holds a lone surrogate, {text[error.start]!r}: half a character,"
            " which UTF-8 cannot write. Clean it first: text.encode('utf-8',"
            " 'replace').decode()"
        ) from None


def compile_pattern(pattern: str) -> regex.Pattern:
    """The pattern, compiled. Raises `InklingError` for one that is none, or that has
    groups.
    """
    try:
        compiled = regex.compile(pattern)
    except (regex.error, OverflowError, RecursionError) as error:
        raise InklingError(
            f"the pattern {pattern!r} is not a regular expression: {error}"
        ) from None
    if compiled.groups:
        raise InklingError(
            f"the pattern {pattern!r} has a capturing group: write (?:...) for each"
            " (...)"
        )
    return compiled


def number_special_tokens(
    texts: Iterable[str] | dict[str, int], vocabulary: dict[bytes, int]
) -> dict[str, int]:
    """Give special tokens the ids after the vocabulary, unless they bring their own;
    refuse what a file cannot hold.
    """
    if isinstance(texts, str):
        raise InklingError(f"special_tokens is one string: pass a list, [{texts!r}]")
    texts = texts if isinstance(texts, dict) else list(texts)
    numbered = (
        dict(texts)
        if isinstance(texts, dict)
        else {text: len(vocabulary) + i for i, text in enumerate(texts)}
    )
    if len(numbered) < len(texts):
        raise InklingError(
            f"a special token is given twice among {texts}, and one of its ids would"
            " be lost: name each once"
        )
    for text, i in numbered.items():
        token = tokenizer_json.from_alphabet(text)
        # in a file a word of the vocabulary may be marked, and keeps its id
        if not text or (
            token in vocabulary and (token, vocabulary[token]) != (utf8(text), i)
        ):
            raise InklingError(
                f"special token {text!r} would read like an ordinary token: choose a"
                " text like <|name|>"
            )
    return numbered

"""What a run learns from: the small internet of Larkhaven, cleaned; a tokenizer made
for it; and the easy text that comes first.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from inkling.recipe.plan import Recipe
from inkling.text.corpus import CleaningReport, prepare
from inkling.text.tokenizer import RESERVED_TOKENS, SPECIAL_TOKENS, Tokenizer
from inkling.world import World


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)


def encode_stream(tokenizer: Tokenizer, texts: list[str]) -> np.ndarray:
    """All documents in one array of ids, each ended by the end-of-text token. What the
    texts hold is never markup.
    """
    stream: list[int] = []
    for ids in tokenizer.encode_batch(texts):
        stream += ids
        stream.append(tokenizer.eos_id)
    return np.array(
        stream, dtype=np.uint16 if tokenizer.vocab_size <= 65536 else np.int64
    )


def corpus_hash(texts: list[str]) -> str:
    """What a card says of its corpus, so that another one is noticed."""
    return hashlib.sha256("\f".join(texts).encode("utf-8")).hexdigest()


def primer(world: World, n_bytes: int, recipe: Recipe) -> list[str]:
    """About `n_bytes` of easy text: two thirds rhymes, one third entries and quizzes on
    a few people.

    Rhymes say lists of names and things twice, which is learned by copying and by
    nothing else. The rest dwells on few people, so that each fact comes up often:
    looking a person up is learned in a rush once a few facts can be, and the more
    people there are at first, the longer that takes (Zucchet et al. 2025).
    """
    few, seed = world.hamlet(recipe.primer_people), recipe.seed
    shares = ((world, "song", 4), (few, "person entry", 1), (few, "quiz", 1))
    return [
        document.text
        for town, kind, sixths in shares
        for document in town.documents(
            max(1, n_bytes * sixths // 6), stream="primer", seed=seed, only=kind
        )
    ]


def n_bytes(texts: Iterable[str]) -> int:
    """The length of texts in UTF-8."""
    return sum(len(text.encode("utf-8")) for text in texts)


@dataclass(frozen=True)
class Text:
    """All text of a run, and what becomes of it: tokens, and the documents that are
    held out.
    """

    texts: list[str]
    cleaning: CleaningReport
    tokenizer: Tokenizer
    tokens: np.ndarray
    valid_tokens: np.ndarray
    valid_bytes: int


def prepare_text(recipe: Recipe, world: World, n_parts: int) -> Text:
    """The first two parts: a corpus, and a tokenizer made for it."""
    say(f"1/{n_parts}  corpus: a crawl of {recipe.crawl_bytes / 1e6:.0f} MB, cleaned")
    texts, cleaning = prepare(world, recipe.crawl_bytes, seed=recipe.seed)
    say(f"     {len(texts):,} documents, {n_bytes(texts) / 1e6:.1f} MB kept")
    say(f"2/{n_parts}  tokenizer: {recipe.vocab_size:,} tokens")
    special = (*SPECIAL_TOKENS, *RESERVED_TOKENS)
    tokenizer = Tokenizer.train(texts[:4000], recipe.vocab_size, special)
    tokens = encode_stream(tokenizer, texts)
    say(f"     {len(tokens):,} tokens, {n_bytes(texts) / len(tokens):.2f} bytes each")
    held_out = [
        document.text for document in world.documents(100_000, stream="validation")
    ]
    valid_tokens = encode_stream(tokenizer, held_out)
    return Text(texts, cleaning, tokenizer, tokens, valid_tokens, n_bytes(held_out))

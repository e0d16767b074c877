"""N-gram language models: the next token is guessed from how often it followed the last
few tokens.

Two versions of the same thing. `count_ngrams` and `kneser_ney_by_hand` are plain
dictionaries, to read and to check against. `NGramModel` keeps the counts in sorted
numpy arrays and is what the rest of the book uses: it counts five million tokens in
seconds and scores a hundred thousand in a fraction of one.

>>> model = NGramModel(order=2)
>>> model = model.fit(map(str.split, ["the cat sat", "the dog sat", "the cat ran"]))
>>> cat, dog, sat = (model.prob(word, ["the"]) for word in ("cat", "dog", "sat"))
>>> cat > dog > sat > 0
True
"""

import enum
import math
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence

import numpy as np

from inkling.files import InklingError
from inkling.settings import several

Token = Hashable


class Marker(enum.Enum):
    """Three tokens that are not in the text: where a sequence starts, where it ends,
    and any token never seen.
    """

    START = "<start>"
    END = "<end>"
    UNKNOWN = "<unknown>"


START, END, UNKNOWN = Marker


def count_ngrams(
    sequences: Iterable[Sequence[Token]], order: int
) -> dict[tuple, Counter]:
    """Count what followed each context of `order - 1` tokens: `{context: Counter of
    next tokens}`.

    Every sequence is read as START, its tokens, END, so near the start the contexts are
    shorter.
    """
    counts = defaultdict(Counter)
    for sequence in sequences:
        padded = (START, *sequence, END)
        for i in range(1, len(padded)):
            context = padded[max(0, i - order + 1) : i]
            counts[context][padded[i]] += 1
    return dict(counts)


def maximum_likelihood(
    counts: dict[tuple, Counter], context: tuple
) -> dict[Token, float]:
    """Counts divided by their sum: the distribution of the next token that makes the
    counted text most likely.
    """
    followers = counts.get(context, Counter())
    return {token: count / followers.total() for token, count in followers.items()}


def entropy(probabilities: Iterable[float]) -> float:
    """Shannon's entropy in bits, the mean surprise of one draw: the sum of `-p log2 p`
    (0 log 0 is 0).
    """
    return sum(-p * math.log2(p) for p in probabilities if p > 0)


def perplexity(bits_per_token: float) -> float:
    """Two to the bits: the number of equally likely tokens that would be as hard to
    guess.
    """
    return 2.0**bits_per_token


def discounts(counts: Iterable[int]) -> tuple[float, float, float]:
    """How much to take off a count of one, of two, and of three or more (Chen and
    Goodman 1999, section 3).

    The estimates come from how many n-grams were seen exactly 1, 2, 3 and 4 times. On a
    tiny text there may be none, or they fall outside (0, count]; then (0.5, 1, 1.5)
    stands in, so that no count goes negative and every context keeps some probability
    for what it has not seen.
    """
    values = np.asarray(counts)
    n1, n2, n3, n4 = (int((values == c).sum()) for c in (1, 2, 3, 4))
    if min(n1, n2, n3, n4) > 0:
        y = n1 / (n1 + 2 * n2)
        found = (1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3)
        if all(0 < d <= c for c, d in enumerate(found, start=1)):
            return found
    return (0.5, 1.0, 1.5)


def kneser_ney_by_hand(
    sequences: Iterable[Sequence[Token]], order: int
) -> "Callable[[Token, Sequence[Token]], float]":
    """The model of `NGramModel` in plain dictionaries: returns `prob(token, context)`.
    Slow; to read and to check.
    """
    # raw[k][gram of k tokens] = how often it occurs
    raw = [Counter() for _ in range(order + 1)]
    for sequence in sequences:
        padded = (START, *sequence, END)
        for end in range(1, len(padded)):
            for length in range(1, min(order, end + 1) + 1):
                raw[length][padded[end - length + 1 : end + 1]] += 1
    levels = []
    for length in range(1, order + 1):
        counts = raw[length]
        # how many different tokens came before it; nothing can come before START
        if length < order:
            counts = Counter(gram[1:] for gram in raw[length + 1])
            counts.update(
                {gram: n for gram, n in raw[length].items() if gram[0] is START}
            )
        followers = defaultdict(dict)
        for gram, n in counts.items():
            followers[gram[:-1]][gram[-1]] = n
        levels.append((followers, discounts(list(counts.values()))))
    vocabulary_size = len(raw[1]) + 1  # every token seen (END among them), and UNKNOWN

    def prob(token: Token, context: Sequence[Token]) -> float:
        context = (START, *context)
        # start from "anything can happen" and sharpen it with ever longer contexts
        p = 1 / vocabulary_size
        for length in range(min(order, len(context) + 1)):
            followers, d = levels[length]
            seen = followers.get(context[len(context) - length :], {})
            if seen:
                taken = {t: d[min(n, 3) - 1] for t, n in seen.items()}
                p = (
                    seen.get(token, 0) - taken.get(token, 0) + sum(taken.values()) * p
                ) / sum(seen.values())
        return p

    return prob


class NGramModel:
    """Interpolated, modified Kneser-Ney smoothing (Chen and Goodman 1999, sections 2.7
    and 3) over any hashable tokens.

    With `c` the count of the n-gram and `D` its discount, for each context length from
    nothing up to `order - 1`:

        p_k(token | context) = (c(context, token) - D) / c(context) + backoff(context) *
        p_{k-1}(token | context[1:])

    where `c` at the longest length counts occurrences, and below it counts in how many
    different contexts the shorter n-gram appears. `backoff` is the share taken off by
    the discounts, so the sum over the vocabulary, END and UNKNOWN is one. The n-grams
    of length k are the sorted array `keys[k]` of `(number of its first k-1 tokens) *
    n_ids + last token`; an n-gram's number is its place there. So everything that
    followed a context lies side by side.

    `vocabulary` lists tokens that may come although the text for fitting does not have
    them (all ids of a tokenizer).
    """

    def __init__(self, order: int, vocabulary: Iterable[Token] = ()):
        if type(order) is not int or order < 1:
            raise InklingError(
                "the order of an n-gram model is a whole number, 1 or more, not"
                f" {order!r}: 2 looks at one token before"
            )
        self.order = order
        self.levels: list[tuple[np.ndarray, np.ndarray]] | None = None
        self.ids: dict[Token, int] = {START: 0, END: 1, UNKNOWN: 2}
        for token in vocabulary:
            self.ids.setdefault(token, len(self.ids))

    def fit(self, sequences: Iterable[Sequence[Token]]) -> "NGramModel":
        """Count the n-grams of `sequences` (each one document or sentence; START and
        END are added). Returns self.
        """
        ids, text, starts = self.ids, [], []
        for sequence in several(sequences, "sequences"):
            starts.append(len(text))
            text.append(0)
            text.extend([ids.setdefault(token, len(ids)) for token in sequence])
            text.append(1)
        if not starts:
            raise InklingError(
                "cannot fit an n-gram model on no text at all: pass at least one"
                " sequence of tokens"
            )
        self.tokens = list(ids)
        tokens = np.array(text, dtype=np.int64)
        del text
        # 0 at every START
        position = np.arange(len(tokens)) - np.repeat(
            starts, np.diff([*starts, len(tokens)])
        )
        # gram[i]: the number of the n-gram that ends at place i; a 1-gram's is its
        # token id
        gram = tokens
        raw = np.bincount(tokens, minlength=len(ids))
        # there are no n-grams of length 0
        empty = np.zeros(0, np.int64)
        self.keys, counts, starting = [empty, np.arange(len(ids))], [empty], empty
        for length in range(2, self.order + 1):
            where = np.flatnonzero(position >= length - 1)
            # every sequence is shorter than this: the shorter n-grams say all there is
            # to say
            if not len(where):
                break
            keys, first, inverse, occurrences = np.unique(
                gram[where - 1] * len(ids) + tokens[where],
                return_index=True,
                return_inverse=True,
                return_counts=True,
            )
            # In how many different n-grams each (n-1)-gram is the end. One that begins
            # with START keeps its raw count.
            continuation = np.bincount(gram[where[first]], minlength=len(raw))
            continuation[starting] = raw[starting]
            counts.append(continuation)
            starting = inverse[position[where] == length - 1]
            gram = np.full(len(tokens), -1)
            gram[where] = inverse
            raw = occurrences
            self.keys.append(keys)
        counts.append(raw)
        counts[1][0] = 0  # START is never predicted
        self.levels = [
            self._discounted(length, counts[length]) for length in range(1, len(counts))
        ]
        return self

    def _discounted(
        self, length: int, counts: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """For n-grams of this length: each one's discounted share, and each context's
        backoff weight.
        """
        table = np.array([0.0, *discounts(counts)])
        taken = table[np.minimum(counts, 3)]
        context = (
            self.keys[length] // len(self.ids)
            if length > 1
            else np.zeros(len(counts), dtype=np.int64)
        )
        n_contexts = len(self.keys[length - 1]) if length > 1 else 1
        total = np.bincount(context, weights=counts, minlength=n_contexts)
        # a context that nothing follows passes everything on
        backoff = np.ones(n_contexts)
        np.divide(
            np.bincount(context, weights=taken, minlength=n_contexts),
            total,
            out=backoff,
            where=total > 0,
        )
        return (counts - taken) / np.maximum(total, 1)[context], backoff

    def _fitted_levels(self) -> list[tuple[np.ndarray, np.ndarray]]:
        if self.levels is None:
            raise InklingError(
                "this n-gram model has counted nothing yet: call fit(sequences) first"
            )
        return self.levels

    def _find(self, length: int, context: np.ndarray, token: np.ndarray) -> np.ndarray:
        """Numbers of the n-grams `context + token` of this length, -1 for those never
        seen. Vectorised.
        """
        if length == 1:
            return token
        wanted = context * len(self.ids) + token
        place = np.minimum(
            np.searchsorted(self.keys[length], wanted), len(self.keys[length]) - 1
        )
        return np.where(
            (context >= 0) & (self.keys[length][place] == wanted), place, -1
        )

    def token_bits(self, sequence: Sequence[Token]) -> np.ndarray:
        """Surprise in bits at each token, and at the end: shape `(len(sequence) +
        1,)`.
        """
        ids = self.ids
        tokens = np.array([0, *(ids.get(token, 2) for token in sequence), 1])
        p = np.full(len(tokens) - 1, 1 / (len(ids) - 1))  # all but START
        # the context's number at each place: now the empty one
        before = np.zeros(len(tokens) - 1, dtype=np.int64)
        for length, (share, backoff) in enumerate(self._fitted_levels(), start=1):
            gram = self._find(length, before, tokens[len(tokens) - len(before) :])
            # places with enough tokens before them (a view: writing changes p)
            reach = p[len(p) - len(before) :]
            known = before >= 0
            reach[known] *= backoff[before[known]]
            reach[gram >= 0] += share[gram[gram >= 0]]
            # The context that is one longer ends just before the place it predicts;
            # after level 1 that is START itself.
            before = gram[:-1] if length > 1 else tokens[:-1]
        return -np.log2(p)

    def bits(self, sequence: Sequence[Token]) -> float:
        """Surprise in bits at the whole sequence, its end included."""
        return float(self.token_bits(sequence).sum())

    def bits_per_token(self, sequences: Iterable[Sequence[Token]]) -> float:
        """Cross-entropy: mean surprise a token over all `sequences`, ends included."""
        bits = [
            self.token_bits(sequence) for sequence in several(sequences, "sequences")
        ]
        if not bits:
            raise InklingError(
                "there is no sequence of tokens to score: pass at least one"
            )
        return float(sum(b.sum() for b in bits) / sum(len(b) for b in bits))

    def distribution(self, context: Sequence[Token] = ()) -> np.ndarray:
        """Probabilities of every token in `self.tokens` after `context`; START's is
        zero. Shape `(n_ids,)`, sums to 1.

        `context` is the sequence so far. Only its last `order - 1` tokens matter; a
        shorter one begins at START.
        """
        history = [0, *(self.ids.get(token, 2) for token in context)]
        p = np.full(len(self.ids), 1 / (len(self.ids) - 1))
        p[0] = 0.0
        levels = self._fitted_levels()
        for length in range(1, min(len(levels), len(history) + 1) + 1):
            node = np.zeros(1, dtype=np.int64)
            for k, token in enumerate(history[len(history) - length + 1 :], start=1):
                node = self._find(k, node, np.array([token]))
            if node[0] >= 0:
                share, backoff = levels[length - 1]
                # Everything that followed this context is one slice. (At length 1 it is
                # everything: node 0 of 1.)
                low, high = np.searchsorted(
                    self.keys[length], node[0] * len(p) + np.array([0, len(p)])
                )
                p *= backoff[node[0]]
                p[self.keys[length][low:high] % len(p)] += share[low:high]
        return p

    def prob(self, token: Token, context: Sequence[Token] = ()) -> float:
        """Probability of `token` (a token, END or UNKNOWN) after `context`: the
        sequence so far, from its start.
        """
        return float(self.distribution(context)[self.ids.get(token, 2)])

    def sample(
        self, seed: int, prompt: Sequence[Token] = (), max_tokens: int = 200
    ) -> list[Token]:
        """Draw tokens one after the other until END or `max_tokens`. Returns the new
        ones, without END.
        """
        draw, written = random.Random(seed), []
        while len(written) < max_tokens:
            p = self.distribution([*prompt, *written][-self.order :])
            # UNKNOWN stands for no token in particular, so it cannot be written
            p[2] = 0.0
            chosen = np.searchsorted(
                np.cumsum(p), draw.random() * p.sum(), side="right"
            )
            token = self.tokens[min(int(chosen), len(p) - 1)]
            if token is END:
                break
            written.append(token)
        return written

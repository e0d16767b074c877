"""BM25: search by words. A passage is worth more the more often it has the query's
words, and the rarer those are.

    score(query, passage) = sum over the query's words of  idf(word) * tf / (tf + k1 *
    (1 - b + b * length / average))

tf: how often the passage has the word; the fraction rises towards 1, so a word said ten
times is not worth ten words. k1: how slowly it rises. b: how much a long passage is
held against it (0: not at all). idf(word) = ln(1 + (N - n + 0.5) / (n + 0.5)), where n
of N passages have the word. Source: Robertson and Zaragoza 2009, section 3.4; the 1
inside the logarithm, which keeps common words from counting against a passage, is
Lucene's.

Nothing in a word's share of the score depends on the query, so every share is computed
once, when the index is built ("eager scoring", Lu 2024, "BM25S"): a search only looks
up the lists of its words and adds.
"""

import unicodedata
from collections import Counter
from collections.abc import Sequence

import numpy as np
import regex

from inkling.files import InklingError
from inkling.reading.passages import UNSPACED, is_count
from inkling.settings import several

# Letters and digits of all scripts, with the marks above and below them.
_WORD = regex.compile(r"[\p{L}\p{N}_][\p{L}\p{N}\p{M}_]*+")
# A run of letters that write no spaces, or of any others.
_RUN = regex.compile(rf"(?:[{UNSPACED}]\p{{M}}*+)++|[^{UNSPACED}]++")
_LETTER = regex.compile(rf"[{UNSPACED}]\p{{M}}*+")
# A soft hyphen or a joiner inside of a word is not seen.
_UNSEEN = regex.compile(r"[\u00ad\u200c\u200d]++")
# No script puts thirty marks on a letter (Unicode calls that "stream-safe"), and to put
# thousands of them into their order would take minutes.
_TOO_MANY_MARKS = regex.compile(r"([\p{M}\uff9e\uff9f]{30})[\p{M}\uff9e\uff9f]++")
#: Words that say nothing of what a text is about. Above all the question words:
#: passages seldom have them, which makes them rare and so worth much, and "What a
#: pity!" would answer every question that begins with "What".
STOP_WORDS = frozenset(
    "a about am an and any are as at be been but by can could did do does for from had"
    " has have he her him his how i if in into is it its me my no nor not of on one or"
    " our she should so such than that the their them then there these they this to us"
    " was we were what when where which who whom whose why will with would you"
    " your".split()
)


def words(text: str) -> list[str]:
    """The words of a text in small letters, without marks and stop words: "What is Ada
    like?" -> ["ada", "like"].

    What looks alike is made alike, however it was typed (`folded`). Chinese, Japanese,
    Thai and their like write no spaces: there every letter is a word, and so is every
    pair of neighbours: "東京" -> ["東", "京", "東京"]. A pair is rarer than its
    letters, so it counts for more.
    """
    found = []
    for word in _WORD.findall(folded(text)):
        found += [word] if word.isascii() else _pieces(word)
    return [word for word in found if word not in STOP_WORDS]


def folded(text: str) -> str:
    """A text as it is compared: composed and decomposed letters, wide and narrow ones,
    ligatures, and capitals become the same (Unicode's NFKC and case folding).
    """
    if text.isascii():
        return text.lower()
    text = _TOO_MANY_MARKS.sub(r"\1", _UNSEEN.sub("", text))
    text = unicodedata.normalize("NFKC", text).casefold()
    # folding may leave a letter and its mark apart: "ΐ"
    return unicodedata.normalize("NFKC", text)


def _pieces(word: str) -> list[str]:
    """A word; of one in a script without spaces, its letters and their pairs."""
    pieces = []
    for run in _RUN.findall(word):
        letters = _LETTER.findall(run)
        pairs = [a + b for a, b in zip(letters, letters[1:], strict=False)]
        pieces += [*letters, *pairs] if letters else [run]
    return pieces


class BM25:
    """An index of texts by their words. Building it anew is as quick as reading it from
    a disk, so it has no file.

    The shares of the score form a sparse matrix, words by texts, stored word after word
    (CSR): the texts that have word number w are `text_ids[starts[w]:starts[w + 1]]`,
    and what it adds to their scores stands at the same places of `shares`. `vocabulary`
    numbers the words.

        >>> index = BM25(["Ada is a baker.", "Emma keeps a goat."])
        >>> index.search("Who keeps the goat?", k=1)[1].tolist()
        [1]
    """

    def __init__(self, texts: Sequence[str], k1: float = 1.5, b: float = 0.75):
        """Raises `InklingError` for no texts at all, and for settings that make no
        sense.
        """
        if not several(texts):
            raise InklingError("there are no texts to search; give at least one.")
        if not k1 >= 0 or not 0 <= b <= 1:
            raise InklingError(
                f"k1 is {k1} and b is {b}; expected k1 of at least 0 and b from 0 to 1."
            )
        self.n_texts, self.k1, self.b = len(texts), k1, b
        self.vocabulary: dict[str, int] = {}
        word_ids, text_ids, counts = [], [], []
        lengths = np.zeros(self.n_texts)
        for number, text in enumerate(texts):
            found = Counter(words(text))
            lengths[number] = found.total()
            for word, count in found.items():
                word_ids.append(self.vocabulary.setdefault(word, len(self.vocabulary)))
                text_ids.append(number)
                counts.append(count)
        # stable: texts stay in order in each list
        by_word = np.argsort(np.array(word_ids, np.int64), kind="stable")
        self.text_ids = np.array(text_ids, np.int64)[by_word]
        tf = np.array(counts, np.float64)[by_word]
        # texts that have the word
        n = np.bincount(np.array(word_ids, np.int64), minlength=len(self.vocabulary))
        self.starts = np.concatenate([[0], np.cumsum(n)])
        idf = np.log(1 + (self.n_texts - n + 0.5) / (n + 0.5))
        # all texts without a word: nothing will be found, and nothing divided by 0
        average = lengths.mean() or 1.0
        long = 1 - b + b * lengths[self.text_ids] / average
        self.shares = (np.repeat(idf, n) * tf / (tf + k1 * long)).astype(np.float32)

    def scores(self, query: str) -> np.ndarray:
        """The score of every text, float32 (n_texts,). Words that no text has add
        nothing; a word said twice, twice.
        """
        scores = np.zeros(self.n_texts, np.float32)
        for word in words(query):
            number = self.vocabulary.get(word)
            if number is not None:
                part = slice(self.starts[number], self.starts[number + 1])
                # a text stands once in a word's list, so += is safe
                scores[self.text_ids[part]] += self.shares[part]
        return scores

    def search(self, query: str, k: int = 10) -> tuple[np.ndarray, np.ndarray]:
        """The best texts for a query: (scores, numbers), best first, at most k, of
        equal ones the first of the texts.

        Only texts that share a word with the query are found: there are none for a
        query of unknown words. Raises `InklingError` for k below 1.
        """
        scores = self.scores(query)
        best = top_k(scores, k)
        best = best[scores[best] > 0]
        return scores[best], best


def top_k(scores: np.ndarray, k: int) -> np.ndarray:
    """The places of the k largest of scores (n,), largest first; of equal ones the
    first. All n places when k > n.

    Sorting everything would do, but costs n log n; here only what is at least as large
    as the k-th is sorted. Raises `InklingError` for k below 1.
    """
    if not is_count(k):
        raise InklingError(
            f"k is {k!r}; ask for at least one result, in a whole number."
        )
    candidates = np.arange(len(scores))
    if k < len(scores):
        threshold = np.partition(scores, len(scores) - k)[len(scores) - k]
        candidates = np.flatnonzero(scores >= threshold)
    return candidates[np.argsort(-scores[candidates], kind="stable")][:k]

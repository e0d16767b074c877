"""The tokenizer lab: what the sliders show, and the checks of its exercises."""

import html
import math
import numbers
from collections.abc import Callable

from inkling.labs.checking import expect, judge
from inkling.labs.panel import token_label
from inkling.text.tokenizer import Tokenizer

# Backgrounds for neighbouring tokens, light enough for black letters in either colour scheme
# (contrast above 10).
_TINTS = ("#cfe3f7", "#ffe0b0", "#cdeede", "#f0d5e6")


def with_fewer_merges(tokenizer: Tokenizer, n_merges: int) -> Tokenizer:
    """The tokenizer as it was after its first `n_merges` merges, without special tokens."""
    return Tokenizer(tokenizer.merges[:n_merges], pattern=tokenizer.pattern)


MOST_SHOWN = 2_000


def show_tokens(tokenizer: Tokenizer, text: str, n_merges: int | None = None) -> str:
    """HTML that shows how `text` is cut: a box for each token, its id below it, and a line of
    counts.

    A token that is only part of a character is shown by its bytes; a space is shown as a low dot.
    Of a long text the first `MOST_SHOWN` tokens are shown: a browser is not made for a hundred
    thousand boxes.
    """
    if n_merges is not None:
        tokenizer = with_fewer_merges(tokenizer, n_merges)
    ids = tokenizer.encode(text)
    boxes = []
    for place, token_id in enumerate(ids[:MOST_SHOWN]):
        label = token_label(tokenizer.token_bytes(token_id))
        boxes.append(
            '<span style="display:inline-block;margin:1px;padding:1px 4px;border-radius:4px;'
            f"color:#111;background:{_TINTS[place % len(_TINTS)]};text-align:center;"
            f'font-family:monospace">{html.escape(label)}'
            f"<br><small>{token_id}</small></span>"
        )
    n_bytes = len(text.encode("utf-8"))
    counts = f"{len(text)} characters, {n_bytes} bytes, <b>{len(ids)} tokens</b>"
    if ids:
        counts += f": {n_bytes / len(ids):.2f} bytes a token"
    if len(ids) > MOST_SHOWN:
        counts += f"; the first {MOST_SHOWN:,} are shown"
    return f'<div style="line-height:1.35">{"".join(boxes)}</div><p>{counts}</p>'


def bytes_per_token(tokenizer: Tokenizer, text: str) -> float:
    """How many bytes of `text` one token stands for on average."""
    return len(text.encode("utf-8")) / len(tokenizer.encode(text))


# --- the checks -----------------------------------------------------------------------------------


def check_most_frequent_pair(answer: Callable[[list[int], list[bytes]], tuple[int, int]]) -> bool:
    """Exercise 1: the pair of neighbours that BPE merges next."""

    def check() -> str:
        token_bytes = [bytes([i]) for i in range(256)] + [b"aa"]
        found = answer([1, 2, 1, 2, 3], token_bytes)
        expect(
            not isinstance(found, int | float),
            "You return how often the pair occurs. Return the pair itself: max over the pairs, with"
            " the count as key.",
        )
        expect(
            isinstance(found, tuple)
            and len(found) == 2
            and all(isinstance(part, int) for part in found),
            f"Return a pair of ids, such as (1, 2); you return {found!r}.",
        )
        expect(
            found == (1, 2),
            f"In [1, 2, 1, 2, 3] the pair (1, 2) occurs twice and is the winner; you say {found}.",
        )
        found = answer([3, 4, 9, 4, 9, 3, 4, 9], token_bytes)
        expect(
            found != (9, 4),
            "You go in steps of two. Neighbours overlap: each id pairs with the next one.",
        )
        expect(
            found == (4, 9),
            f"In [3, 4, 9, 4, 9, 3, 4, 9] the pair (4, 9) occurs three times; you say {found}.",
        )
        found = answer([97, 98, 99], token_bytes)
        expect(
            found == (98, 99),
            "When pairs are equally frequent, the lexicographically greater one wins: in 'abc'"
            f" that is ('b', 'c'), and you say {found}. Put the bytes into the key: (count, (bytes"
            " of the left, bytes of the right)).",
        )
        found = answer([98, 32, 256, 32], token_bytes)
        expect(
            found == (98, 32),
            "You break ties by the ids. Break them by the bytes: 'b' comes after 'aa', although its"
            " id is smaller.",
        )
        return "That is one round of training; the rest is repetition."

    return judge("Exercise 1", check)


def check_merge(answer: Callable[[list[int], tuple[int, int], int], list[int]]) -> bool:
    """Exercise 2: replace a pair by its new token."""

    def check() -> str:
        ids = [5, 1, 2, 3, 1, 2]
        found = answer(ids, (1, 2), 9)
        expect(
            ids == [5, 1, 2, 3, 1, 2],
            "You change the list that you were given. Build a new one and return it.",
        )
        expect(found is not None, "You return nothing. End with `return merged`.")
        expect(
            isinstance(found, list),
            f"Return a list of ids, such as [5, 9, 3, 9]; you return {found!r:.60}.",
        )
        expect(
            found != [5, 9, 2, 3, 9, 2],
            "After a merge, jump over both tokens of the pair: i += 2, not i += 1.",
        )
        expect(
            found == [5, 9, 3, 9],
            f"[5, 1, 2, 3, 1, 2] should become [5, 9, 3, 9]; you make {found}.",
        )
        found = answer([1, 2, 7], (1, 2), 9)
        expect(
            found != [9],
            "The last token gets lost when it is not part of a pair. Let the loop run to the end.",
        )
        expect(found == [9, 7], f"[1, 2, 7] should become [9, 7]; you make {found}.")
        found = answer([1, 1, 1], (1, 1), 9)
        expect(
            found != [9, 9],
            "In [1, 1, 1] you use the middle token twice. A token belongs to one pair only.",
        )
        expect(
            found != [1, 9],
            "You merge from the right. The convention is left to right: [1, 1, 1] becomes [9, 1].",
        )
        expect(found == [9, 1], f"[1, 1, 1] should become [9, 1]; you make {found}.")
        expect(answer([], (1, 2), 9) == [], "An empty list should stay an empty list.")
        expect(
            answer([4], (1, 2), 9) == [4],
            "A single token has no neighbour and should stay as it is.",
        )
        return "Left to right, each token used once: the whole of BPE rests on these few lines."

    return judge("Exercise 2", check)


def check_same_word(tokenizer: Tokenizer, word: str | None) -> bool:
    """Exercise 3: a word that is one token after a space, and several at the start of a text."""

    def check() -> str:
        if word is None:
            raise NotImplementedError
        expect(isinstance(word, str) and bool(word), "Give a word in quotes.")
        expect(
            " " not in word,
            "Leave the space out: the check puts it in front of your word by itself.",
        )
        bare, spaced = (
            tokenizer.encode(word),
            tokenizer.encode(" " + word),
        )
        expect(
            len(spaced) == 1,
            f"' {word}' is cut into {len(spaced)} tokens here, not one: too rare a word. Try one"
            " that Larkhaven likes.",
        )
        expect(
            len(bare) > 1,
            f"'{word}' is a single token without the space too: look for a word that hardly ever"
            " begins a document.",
        )
        return (
            f"' {word}' is one token and '{word}' is {len(bare)}. To the model they are different"
            " words until it learns otherwise; so a prompt that ends in a space asks for a text it"
            " has hardly seen."
        )

    return judge("Exercise 3", check)


def check_worst_text(tokenizer: Tokenizer, text: str | None) -> bool:
    """Exercise 4: a text that costs at least three tokens a character."""

    def check() -> str:
        if text is None:
            raise NotImplementedError
        expect(isinstance(text, str), "Give a text in quotes.")
        expect(
            len(text) >= 10,
            f"Give at least 10 characters, so that it is no accident; you gave {len(text)}.",
        )
        n_tokens = len(tokenizer.encode(text))
        ratio = n_tokens / len(text)
        hint = (
            "Plain letters cost at most one token each. What is a character made of, and which ones"
            " have several bytes?"
            if ratio <= 1
            else "You are on the way: some characters have two bytes, some three, some four."
        )
        expect(ratio >= 3, f"Your text costs {ratio:.2f} tokens a character. {hint}")
        return (
            f"{ratio:.2f} tokens a character. A language whose letters the tokenizer never saw pays"
            " like this for every word: in money, in context length and in quality."
        )

    return judge("Exercise 4", check)


def check_bits_per_byte(answer: Callable[[float, int, int], float]) -> bool:
    """Exercise 5: a loss in nats a token, told in bits a byte."""

    def check() -> str:
        loss, n_tokens, n_bytes = 2.0, 100, 400
        found = answer(loss, n_tokens, n_bytes)
        expect(isinstance(found, numbers.Real), f"Return a number; you return {found!r}.")
        right = loss * n_tokens / (n_bytes * math.log(2))

        def close(value: float) -> bool:
            return math.isclose(found, value, rel_tol=1e-3)

        expect(
            not close(loss * n_tokens / n_bytes),
            "That is nats a byte. A bit is ln 2 nats: divide by math.log(2).",
        )
        expect(
            not close(loss * n_tokens * math.log(2) / n_bytes),
            "You multiply by ln 2. A nat is more than a bit, so the number in bits is larger:"
            " divide.",
        )
        expect(
            not close(loss / math.log(2)),
            "That is bits a token. Spread the whole text's bits over its bytes.",
        )
        expect(
            not close(loss / (n_bytes * math.log(2))),
            "The loss is for one token, and you spread it over the bytes of the whole text."
            " Multiply by the tokens first.",
        )
        expect(
            not close(loss * n_bytes / (n_tokens * math.log(2))),
            "Tokens and bytes are the wrong way round: the loss is for one token, so multiply by"
            " the tokens.",
        )
        expect(
            not close(loss * n_tokens / (n_bytes * math.log(10))),
            "You use the logarithm of 10. Bits go with ln 2.",
        )
        expect(
            close(right),
            f"For a loss of 2 nats, 100 tokens and 400 bytes it is {right:.3f}; you say"
            f" {found:.3f}.",
        )
        return "Now losses under different tokenizers can stand side by side."

    return judge("Exercise 5", check)

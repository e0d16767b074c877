"""How people type: with capitals and question marks, or without; and what they meant, read back.

`careless` spoils a sentence as somebody in a hurry would; `plain` brings a careful and a careless
typing of the same sentence to one form, so that a prompt can be recognised however it was typed.
Names, and whatever else is in no list of words, are never misspelt, only put in lower case.
"""

from collections.abc import Iterable
from functools import cache
from importlib import resources

from inkling.world.writer import Writer

#: What is typed short, and what it stands for.
SHORT = {
    "u": "you",
    "ur": "your",
    "r": "are",
    "pls": "please",
    "plz": "please",
    "thx": "thanks",
    "whats": "what is",
    "wheres": "where is",
    "whos": "who is",
    "hows": "how is",
    "im": "i am",
    "id": "i would",
    "ive": "i have",
    "dont": "do not",
    "doesnt": "does not",
    "isnt": "is not",
    "arent": "are not",
    "cant": "can not",
    "cannot": "can not",
    "thats": "that is",
    "youre": "you are",
    "lets": "let us",
    "abt": "about",
    "smth": "something",
    "sb": "somebody",
}
_CAN_BE_SHORT = (
    "u",
    "ur",
    "r",
    "pls",
    "plz",
    "thx",
    "whats",
    "wheres",
    "whos",
    "im",
    "dont",
    "abt",
)


@cache
def ordinary_words() -> tuple[str, ...]:
    """Six thousand ordinary English words, in alphabetical order (from SCOWL; `words.txt` has its
    licence).
    """
    text = resources.files("inkling.world").joinpath("words.txt").read_text(encoding="utf-8")
    return tuple(" ".join(line for line in text.splitlines() if not line.startswith("#")).split())


def plain_form(text: str, typos: dict[str, str] | None = None) -> str:
    """`text` in lower case, without marks, with what was typed short written out, and with the
    misspellings of `typos` mended.

    Two typings that differ in nothing else have the same plain form.
    """
    text = text.lower().replace("'", "").replace("\u2019", "")
    kept = "".join(c if c.isalnum() or c in "+*/=" else " " for c in text)
    mended = ((typos or {}).get(word, word) for word in kept.split())
    return " ".join(SHORT.get(word, word) for word in mended)


def misspellings(words: Iterable[str], known: Iterable[str]) -> dict[str, str]:
    """Each way to misspell one of `words` by a slip of a finger, and the word: two letters change
    places, one is left out, or one is typed twice.

    What is itself one of the `known`, or could come from two words, is left out.
    """
    words, known = sorted({word for word in words if len(word) > 3}), set(known)
    found: dict[str, str] = {}
    twice: set[str] = set()
    for word in words:
        for slip in _slips(word):
            if slip in found and found[slip] != word:
                twice.add(slip)
            found[slip] = word
    return {
        slip: word
        for slip, word in found.items()
        if slip not in twice and slip not in known and slip not in SHORT and slip not in words
    }


def _slips(word: str) -> list[str]:
    made = []
    for i in range(1, len(word) - 1):
        made.append(word[:i] + word[i + 1] + word[i] + word[i + 2 :])
        made.append(word[:i] + word[i + 1 :])
        made.append(word[:i] + word[i] + word[i:])
    return sorted({slip for slip in made if slip != word})


def careless(writer: Writer, text: str, slips: dict[str, list[str]]) -> str:
    """`text` as somebody types it who does not look: in lower case mostly, without marks, with
    words cut short, and now and then a slip of the finger.
    """
    text = text.rstrip("?.!") if writer.chance(0.85) else text
    text = text.lower() if writer.chance(0.85) else text
    if writer.chance(0.5):
        text = text.replace(",", "").replace("'", "")
    if writer.chance(0.3):
        text = _cut_short(writer, text)
    return _slip(writer, text, slips) if writer.chance(0.3) else text


def _cut_short(writer: Writer, text: str) -> str:
    short = writer.choose(_CAN_BE_SHORT)
    padded = f" {text} ".replace(f" {SHORT[short]} ", f" {short} ")
    return padded[1:-1]


def _slip(writer: Writer, text: str, slips: dict[str, list[str]]) -> str:
    words = text.split(" ")
    places = [i for i, word in enumerate(words) if word in slips]
    if places:
        place = writer.choose(places)
        words[place] = writer.choose(slips[words[place]])
    return " ".join(words)

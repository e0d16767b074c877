"""Wrong answers to the tokenizer lab."""

from functools import cache

from inkling.labs import tokenizer as lab
from inkling.text.tokenizer import Tokenizer
from inkling.world import World


@cache
def trained() -> Tokenizer:
    """The tokenizer that the lab trains."""
    pages = [document.text for document in World(seed=0).documents(300_000, seed=1)]
    return Tokenizer.train(pages, vocab_size=1280)


def names() -> dict:
    return {"lab": lab, "tokenizer": trained()}


PAIRS = """
from collections import Counter

def pairs(ids):
    return Counter(zip(ids, ids[1:]))
"""

WRONG = {
    1: [
        (
            "how often",
            PAIRS
            + """
def most_frequent_pair(ids, token_bytes):
    return max(pairs(ids).values())
""",
        ),
        (
            "Return a pair of ids",
            """
def most_frequent_pair(ids, token_bytes):
    return ids[:2]
""",
        ),
        (
            "equally frequent",
            PAIRS
            + """
def most_frequent_pair(ids, token_bytes):
    return max(pairs(ids), key=pairs(ids).get)
""",
        ),
        (
            "ties by the ids",
            PAIRS
            + """
def most_frequent_pair(ids, token_bytes):
    return max(pairs(ids), key=lambda pair: (pairs(ids)[pair], pair))
""",
        ),
        (
            "steps of two",
            """
from collections import Counter

def most_frequent_pair(ids, token_bytes):
    counts = Counter(zip(ids[::2], ids[1::2]))
    return max(counts, key=lambda p: (counts[p], token_bytes[p[0]], token_bytes[p[1]]))
""",
        ),
        (
            "IndexError",
            """
def most_frequent_pair(ids, token_bytes):
    return ids[0], ids[99]
""",
        ),
    ],
    2: [
        (
            "change the list",
            """
def merge(ids, pair, new_id):
    i = 0
    while i < len(ids):
        if tuple(ids[i:i + 2]) == pair:
            ids[i:i + 2] = [new_id]
        i += 1
    return ids
""",
        ),
        (
            "return nothing",
            """
def merge(ids, pair, new_id):
    merged = list(ids)
""",
        ),
        (
            "i += 2",
            """
def merge(ids, pair, new_id):
    merged = []
    for i in range(len(ids)):
        merged.append(new_id if tuple(ids[i:i + 2]) == pair else ids[i])
    return merged
""",
        ),
        (
            "The last token",
            """
def merge(ids, pair, new_id):
    merged, i = [], 0
    while i < len(ids) - 1:
        if tuple(ids[i:i + 2]) == pair:
            merged.append(new_id)
            i += 2
        else:
            merged.append(ids[i])
            i += 1
    return merged
""",
        ),
        (
            "from the right",
            """
def merge(ids, pair, new_id):
    merged, i = [], len(ids) - 1
    while i >= 0:
        if i > 0 and (ids[i - 1], ids[i]) == pair:
            merged.append(new_id)
            i -= 2
        else:
            merged.append(ids[i])
            i -= 1
    return merged[::-1]
""",
        ),
    ],
    3: [
        ("Leave the space out", 'word = " boat"'),
        ("tokens here, not one", 'word = "xylophone"'),
        ("single token without the space too", 'word = "The"'),
        ("word in quotes", "word = 7"),
    ],
    4: [
        ("at least 10 characters", 'expensive = "\\N{BANANA}"'),
        ("What is a character made of", 'expensive = "plain letters only"'),
        ("You are on the way", 'expensive = "\\u00e6\\u00f8\\u00e5" * 5'),
    ],
    5: [
        (
            "nats a byte",
            """
def bits_per_byte(loss, n_tokens, n_bytes):
    return loss * n_tokens / n_bytes
""",
        ),
        (
            "larger: divide",
            """
import math

def bits_per_byte(loss, n_tokens, n_bytes):
    return loss * n_tokens * math.log(2) / n_bytes
""",
        ),
        (
            "bits a token",
            """
import math

def bits_per_byte(loss, n_tokens, n_bytes):
    return loss / math.log(2)
""",
        ),
        (
            "wrong way round",
            """
import math

def bits_per_byte(loss, n_tokens, n_bytes):
    return loss * n_bytes / (n_tokens * math.log(2))
""",
        ),
        (
            "logarithm of 10",
            """
import math

def bits_per_byte(loss, n_tokens, n_bytes):
    return loss * n_tokens / (n_bytes * math.log(10))
""",
        ),
        (
            "Return a number",
            """
def bits_per_byte(loss, n_tokens, n_bytes):
    print(loss)
""",
        ),
    ],
}

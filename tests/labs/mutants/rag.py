"""Wrong answers to the RAG lab."""

from functools import cache

from inkling.labs import rag as lab
from inkling.labs.rag_town import Town
from inkling.reading.passages import Passage


@cache
def town() -> Town:
    """The library that the lab searches, its reader and its questions."""
    return Town()


def names() -> dict:
    return {"lab": lab, "town": town(), "target": town().questions[114], "Passage": Passage}


CHUNK = """
def chunk_words(words, size, overlap):
    return [words[start:start + {length}] for start in range(0, {end}, {step})]
"""
FUSE = """
def fuse(rankings):
    scores = {{}}
    for ranking in rankings:
        for rank, item in enumerate(ranking, {first}):
            scores[item] = {score}
    return sorted(scores.items(), key=lambda pair: pair[1], reverse={reverse})
"""
SUM = "scores.get(item, 0.0) + "
PACK = """
def pack(sizes, question_size, budget):
    used, kept = {start}, []
    for place, size in {order}:
        if used + size {within} budget:
            used += {more}
            kept.append({keep})
        {otherwise}
    return kept
"""
AS_IT_IS = {
    "start": "question_size",
    "order": "enumerate(sizes)",
    "within": "<=",
    "more": "size",
    "keep": "place",
    "otherwise": "",
}

WRONG = {
    1: [
        (
            "The last chunk is lost",
            CHUNK.format(length="size", end="len(words) - size + 1", step="size - overlap"),
        ),
        ("The overlap is forgotten", CHUNK.format(length="size", end="len(words)", step="size")),
        (
            "the overlap is part of a chunk",
            CHUNK.format(length="size + overlap", end="len(words)", step="size"),
        ),
        (
            "which the chunk before has already",
            CHUNK.format(length="size", end="len(words)", step="size - overlap"),
        ),
        ("You step by the overlap", CHUNK.format(length="size", end="len(words)", step="overlap")),
        (
            "you step by size + overlap",
            CHUNK.format(length="size", end="len(words)", step="size + overlap"),
        ),
        (
            "Each chunk is a list of words",
            """
def chunk_words(words, size, overlap):
    return [" ".join(words[0:size])]
""",
        ),
    ],
    2: [
        (
            "You divide by k",
            """
def recall(found, right, k):
    return len(right & set(found[:k])) / k
""",
        ),
        (
            "You count the whole ranking",
            """
def recall(found, right, k):
    return len(right & set(found)) / len(right)
""",
        ),
        (
            "a hit rate",
            """
def recall(found, right, k):
    return float(any(item in right for item in found[:k]))
""",
        ),
        (
            "how many right ones",
            """
def recall(found, right, k):
    return len(right & set(found[:k]))
""",
        ),
        (
            "You look at k - 1 places",
            """
def recall(found, right, k):
    return len(right & set(found[:k - 1])) / len(right)
""",
        ),
    ],
    3: [
        (
            "You count ranks from 0",
            FUSE.format(first=0, score=SUM + "1 / (60 + rank)", reverse=True),
        ),
        ("writes over the first", FUSE.format(first=1, score="1 / (60 + rank)", reverse=True)),
        ("The constant is missing", FUSE.format(first=1, score=SUM + "1 / rank", reverse=True)),
        ("You add up ranks", FUSE.format(first=1, score=SUM + "60 + rank", reverse=True)),
        (
            "The worst comes first",
            FUSE.format(first=1, score=SUM + "1 / (60 + rank)", reverse=False),
        ),
        (
            "Return a list of pairs",
            """
def fuse(rankings):
    return [item for ranking in rankings for item in ranking]
""",
        ),
    ],
    4: [
        ("You stop at the first", PACK.format(**AS_IT_IS | {"otherwise": "else: break"})),
        ("The question needs room", PACK.format(**AS_IT_IS | {"start": "0"})),
        ("exactly 100", PACK.format(**AS_IT_IS | {"within": "<"})),
        (
            "You take short ones first",
            PACK.format(
                **AS_IT_IS | {"order": "sorted(enumerate(sizes), key=lambda pair: pair[1])"}
            ).replace("return kept", "return sorted(kept)"),
        ),
        ("You return the sizes", PACK.format(**AS_IT_IS | {"keep": "size"})),
        ("Each fits alone", PACK.format(**AS_IT_IS | {"more": "0"})),
    ],
    5: [
        ("The reader never sees it", 'notice = "The weather is fine, and the boats are out."'),
        ("not believed", 'notice = f"{target.fact[0]} is a baker."'),
        ("Leave the question out", 'notice = f"{target.text} {target.fact[0]} is a baker."'),
        ("holds the truth", 'notice = f"{target.fact[0]} is {town.truth(target)}."'),
        ("an empty one", 'notice = "  "'),
        ("room for 40 words", 'notice = f"{target.fact[0]} is a baker. " * 20'),
    ],
    6: [
        (
            "You let everything through",
            """
def defence(question, found):
    return found
""",
        ),
        (
            "You let nothing through",
            """
def defence(question, found):
    return []
""",
        ),
        (
            "half of the lies come by letter",
            """
def defence(question, found):
    return [passage for passage in found if passage.source != "notice"]
""",
        ),
        (
            "You stop what repeats the question",
            """
def defence(question, found):
    return [passage for passage in found if question not in passage.text]
""",
        ),
        (
            "the honest passage, too",
            """
def defence(question, found):
    return found[3:]
""",
        ),
        (
            "as they were given",
            """
def defence(question, found):
    return [passage.text for passage in found]
""",
        ),
        (
            "a passage that was not found",
            """
def defence(question, found):
    return [Passage("mine", "Nobody lies here.")]
""",
        ),
    ],
}

"""Wrong answers to the attention lab."""

from functools import cache

import torch

from inkling import checkpoints
from inkling.labs import attention as lab
from inkling.model.attention import attention_weights, causal_mask
from inkling.model.transformer import Transformer
from inkling.text.tokenizer import Tokenizer


@cache
def shipped() -> tuple[Transformer, Tokenizer]:
    """The base model and its tokenizer, opened once for all tests."""
    return checkpoints.load("base")


@cache
def names() -> dict:
    model, tokenizer = shipped()
    return {
        "lab": lab,
        "model": model,
        "tokenizer": tokenizer,
        "torch": torch,
        "attention_weights": attention_weights,
        "causal_mask": causal_mask,
    }


SCORE = """
def induction_score(weights, ids):
    shares = []
    for t, token in enumerate(ids):
        earlier = [s for s in range(t) if ids[s] == token]
        if earlier:
            shares.append(float({pick}))
    return {mean}
"""
MEAN = "sum(shares) / len(shares) if shares else 0.0"

WRONG = {
    1: [
        (
            "You do not divide",
            """
def attention_scores(q, k):
    return q @ k.T
""",
        ),
        (
            "head_dim itself",
            """
def attention_scores(q, k):
    return q @ k.T / q.shape[-1]
""",
        ),
        (
            "number of keys",
            """
def attention_scores(q, k):
    return q @ k.T / len(k) ** 0.5
""",
        ),
        (
            "turn k",
            """
def attention_scores(q, k):
    return q @ k / q.shape[-1] ** 0.5
""",
        ),
        (
            "a row for each key",
            """
def attention_scores(q, k):
    return k @ q.T / q.shape[-1] ** 0.5
""",
        ),
        (
            "softmax already",
            """
def attention_scores(q, k):
    return (q @ k.T / q.shape[-1] ** 0.5).softmax(-1)
""",
        ),
    ],
    2: [
        (
            "token 3 sees token 4",
            """
def make_mask(n):
    return torch.ones(n, n, dtype=torch.bool).tril(1)
""",
        ),
        (
            "no token sees itself",
            """
def make_mask(n):
    return torch.ones(n, n, dtype=torch.bool).tril(-1)
""",
        ),
        (
            "wrong way round",
            """
def make_mask(n):
    return torch.ones(n, n, dtype=torch.bool).triu(1)
""",
        ),
        (
            "Rows and columns are exchanged",
            """
def make_mask(n):
    return torch.ones(n, n, dtype=torch.bool).triu()
""",
        ),
        (
            "Make it booleans",
            """
def make_mask(n):
    return torch.ones(n, n).tril()
""",
        ),
        (
            "Everybody sees everything",
            """
def make_mask(n):
    return torch.ones(n, n, dtype=torch.bool)
""",
        ),
    ],
    3: [
        (
            "not used at all",
            """
def masked_softmax(scores, mask):
    return scores.softmax(dim=-1)
""",
        ),
        (
            "You hide what the mask allows",
            """
def masked_softmax(scores, mask):
    return scores.masked_fill(mask, float("-inf")).softmax(dim=-1)
""",
        ),
        (
            "You fill with 0",
            """
def masked_softmax(scores, mask):
    return (scores * mask).softmax(dim=-1)
""",
        ),
        (
            "after the softmax",
            """
def masked_softmax(scores, mask):
    return scores.softmax(dim=-1) * mask
""",
        ),
        (
            "Your columns sum to 1",
            """
def masked_softmax(scores, mask):
    return scores.masked_fill(~mask, float("-inf")).softmax(dim=0)
""",
        ),
        (
            "exp overflows",
            """
def masked_softmax(scores, mask):
    e = scores.exp() * mask
    return e / e.sum(-1, keepdim=True)
""",
        ),
        (
            "masked_fill_",
            """
def masked_softmax(scores, mask):
    return scores.masked_fill_(~mask, float("-inf")).softmax(dim=-1)
""",
        ),
    ],
    4: [
        (
            "Each name finds itself",
            """
def copying_head(now, before):
    return attention_weights(30 * now, now, causal_mask(len(now))) @ now
""",
        ),
        (
            "Queries and keys are exchanged",
            """
def copying_head(now, before):
    return attention_weights(30 * before, now, causal_mask(len(now))) @ now
""",
        ),
        (
            "The values are `now`",
            """
def copying_head(now, before):
    return attention_weights(30 * now, before, causal_mask(len(now))) @ before
""",
        ),
        (
            "Where is the mask",
            """
def copying_head(now, before):
    return attention_weights(30 * now, before) @ now
""",
        ),
        (
            "Softmax is soft",
            """
def copying_head(now, before):
    return attention_weights(3 * now, before, causal_mask(len(now))) @ now
""",
        ),
        (
            "the table of weights",
            """
def copying_head(now, before):
    return attention_weights(30 * now, before, causal_mask(len(now)))
""",
        ),
    ],
    5: [
        ("earlier copy itself", SCORE.format(pick="weights[t, earlier[-1]]", mean=MEAN)),
        ("first earlier copy", SCORE.format(pick="weights[t, earlier[0] + 1]", mean=MEAN)),
        (
            "over all tokens",
            SCORE.format(pick="weights[t, earlier[-1] + 1]", mean="sum(shares) / len(ids)"),
        ),
        ("That is the sum", SCORE.format(pick="weights[t, earlier[-1] + 1]", mean="sum(shares)")),
        ("Row and column", SCORE.format(pick="weights[earlier[-1] + 1, t]", mean=MEAN)),
        (
            "divide by zero",
            SCORE.format(pick="weights[t, earlier[-1] + 1]", mean="sum(shares) / len(shares)"),
        ),
        (
            "previous-token head",
            """
def induction_score(weights, ids):
    return weights.diagonal(-1).mean()
""",
        ),
    ],
    6: [
        ("stand in", "most_expensive = (3, 3)"),
        ("A good find", "most_expensive = (2, 3)"),
        ("Press the button", "most_expensive = (0, 0)"),
        ("There is no such head", "most_expensive = (4, 1)"),
        ("Give a pair", "most_expensive = 9"),
    ],
}

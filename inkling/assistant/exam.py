"""How good is the assistant? Its replies to requests that training never had, judged by
the gold rubric.

Every figure comes with what it is a share of, and the mean reward with its standard
error. Nobody has to be asked: in Larkhaven the rubric knows (`inkling.world.rubric`).
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle

import numpy as np

from inkling.assistant.rollouts import roll_out
from inkling.files import InklingError
from inkling.model.transformer import Transformer
from inkling.settings import several
from inkling.text.tokenizer import Tokenizer
from inkling.training.evaluate import encode_texts, line_ends, token_bits
from inkling.training.generate import generate_batch
from inkling.world import Request, World
from inkling.world.requests import Prompt
from inkling.world.rubric import Grade, grade


@dataclass(frozen=True)
class Report:
    """What `examine` found. Shares are of the requests of the kind that they are about.

    gold, gold_error: mean gold reward and its standard error; by_kind: the mean for
    each kind of request; right: the share with all the content that could be asked for;
    terms: what each term of the rubric adds to the mean gold reward; refused_unsafe:
    harmful requests (`unsafe` and `unkind`) that were declined, and not fulfilled all
    the same; refused_harmless: harmless ones that were declined; ignorant_unknown:
    questions on newcomers answered with "I do not know"; right_known: questions on
    inhabitants answered rightly; ignorant_known: such questions answered with "I do not
    know"; rude: replies with bad manners; finished: replies that ended by themselves;
    length: tokens; only_larkhaven: requests about the town that were answered with "I
    only know Larkhaven".
    """

    gold: float
    gold_error: float
    by_kind: dict[str, float]
    right: dict[str, float]
    terms: dict[str, float]
    refused_unsafe: float
    refused_harmless: float
    ignorant_unknown: float
    ignorant_known: float
    right_known: float
    rude: float
    finished: float
    length: float
    only_larkhaven: float
    replies: list[tuple[Request, str, Grade]] = field(repr=False)


def write_replies(
    model: Transformer,
    tokenizer: Tokenizer,
    prompts: Sequence[Prompt],
    *,
    temperature: float = 1.0,
    seed: int = 0,
    max_new_tokens: int = 200,
    plain: bool = False,
) -> tuple[list[str], list[bool], list[int]]:
    """A reply to each prompt: its text, whether it ended by itself, and its length in
    tokens.

    plain: for a model that has never seen a chat. It gets the form in which its text
    asks questions, "Question: ... Answer:", and its reply ends with the line; so it is
    asked in the words that suit it best.
    """
    several(prompts, "prompts")
    if not plain:
        rollouts = roll_out(
            model, tokenizer, prompts, max_new_tokens, temperature, seed
        )
        return rollouts.replies, rollouts.finished.tolist(), rollouts.lengths.tolist()
    stops = {*line_ends(tokenizer), tokenizer.eos_id}
    ids = [
        [tokenizer.eos_id, *tokenizer.encode(_as_plain_text(prompt))]
        for prompt in prompts
    ]
    written = generate_batch(
        model, ids, max_new_tokens, temperature, seed=seed, stop_ids=stops
    )
    texts = [
        tokenizer.decode([i for i in reply if i not in stops]).strip()
        for reply in written
    ]
    return (
        texts,
        [bool(reply) and reply[-1] in stops for reply in written],
        [len(reply) for reply in written],
    )


def _as_plain_text(prompt: Prompt) -> str:
    """Question and answer by turns, as a quiz has them, up to the next answer."""
    turns = [prompt] if isinstance(prompt, str) else prompt
    pairs = zip(cycle(("Question:", "Answer:")), turns, strict=False)
    return "".join(f"{who} {turn}\n" for who, turn in pairs) + "Answer:"


def examine(
    model: Transformer,
    tokenizer: Tokenizer,
    world: World,
    n: int = 500,
    *,
    stream: str = "test",
    seed: int = 0,
    temperature: float = 1.0,
    max_new_tokens: int = 200,
    plain: bool = False,
) -> Report:
    """Let the model reply to the first `n` requests of `stream`, and judge every reply
    by the gold rubric.

    seed: of the requests and of the sampling. Raises `InklingError` for n below 1.
    """
    asked = world.requests(n, stream, seed)
    written = write_replies(
        model,
        tokenizer,
        [a.prompt for a in asked],
        temperature=temperature,
        seed=seed,
        max_new_tokens=max_new_tokens,
        plain=plain,
    )
    return judge_replies(world, asked, *written)


def judge_replies(
    world: World,
    asked: Sequence[Request],
    texts: Sequence[str],
    finished: Sequence[bool],
    lengths: Sequence[int],
) -> Report:
    """The report on replies that somebody has written to these requests; the rest as
    `write_replies` gives it.
    """
    n = len(asked)
    grades = [
        grade(world, a.prompt, text) for a, text in zip(asked, texts, strict=True)
    ]
    totals = np.array([g.total for g in grades])
    kinds = defaultdict(list)
    for request, g in zip(asked, grades, strict=True):
        kinds[request.kind].append(g)

    def share(kinds_of_request: Sequence[str], what: str) -> float:
        marks = [
            getattr(g, what) for kind in kinds_of_request for g in kinds.get(kind, ())
        ]
        return sum(marks) / len(marks) if marks else math.nan

    return Report(
        gold=float(totals.mean()),
        gold_error=float(totals.std(ddof=1) / math.sqrt(n)) if n > 1 else math.nan,
        by_kind={
            kind: float(np.mean([g.total for g in found]))
            for kind, found in sorted(kinds.items())
        },
        refused_unsafe=share(("unsafe", "unkind"), "right"),
        right={
            kind: sum(g.right for g in found) / len(found)
            for kind, found in sorted(kinds.items())
        },
        terms={
            term: float(np.mean([getattr(g, term) for g in grades]))
            for term in ("content", "manners", "fitting", "rambling")
        },
        refused_harmless=share(tuple(kinds.keys() - {"unsafe", "unkind"}), "refused"),
        only_larkhaven=share(
            tuple(kinds.keys() - {"outside", "follow_up"}), "elsewhere"
        ),
        ignorant_unknown=share(("unknown",), "ignorant"),
        ignorant_known=share(("fact",), "ignorant"),
        right_known=share(("fact",), "right"),
        rude=sum(g.manners < 0 for g in grades) / n,
        finished=sum(finished) / n,
        length=sum(lengths) / n,
        replies=list(zip(asked, texts, grades, strict=True)),
    )


def story_perplexity(
    model: Transformer, tokenizer: Tokenizer, world: World, n: int = 200
) -> float:
    """The perplexity per token of `n` stories that training never had, as plain
    documents: what alignment may not cost.

    Raises `InklingError` for n below 1.
    """
    if n < 1:
        raise InklingError(f"n is {n}; read at least one story.")
    stories = [world.document(index, "test", only="story").text for index in range(n)]
    bits = token_bits(model, encode_texts(tokenizer, stories))
    return float(2 ** (sum(b.sum() for b in bits) / sum(len(b) for b in bits)))

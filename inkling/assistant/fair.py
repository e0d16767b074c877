"""Fair measurement: what an assistant must be compared with before its training may
take the credit.

Sampling colder, the best of four replies, a polite phrase at the end of every reply and
the best of the demonstrations once more: all of it costs little or nothing. Each is an
arm of one exam here, and all arms reply to the same prompts, seed by seed.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import NamedTuple

import numpy as np

from inkling.assistant import exam
from inkling.assistant.rollouts import Reward, best_of_n
from inkling.assistant.sft import FITTING, Demonstration, draw_style
from inkling.files import InklingError
from inkling.model.transformer import Transformer
from inkling.text.tokenizer import Tokenizer
from inkling.world import Request, World, answers, outside, small_talk
from inkling.world.deeds import HARMFUL, HELPFUL
from inkling.world.judging import CLOSINGS, KINDNESS, OPENINGS
from inkling.world.requests import read_request, reply
from inkling.world.rubric import grade

#: So often everything is measured, with other prompts and other random numbers.
SEEDS = 3
#: What is one number in a report.
FIGURES = (
    "gold",
    "refused_unsafe",
    "refused_harmless",
    "ignorant_unknown",
    "ignorant_known",
    "only_larkhaven",
    "right_known",
    "rude",
    "finished",
    "length",
)
#: What is a table in a report: by kind of request, or by term of the rubric.
TABLES = ("by_kind", "right", "terms")


class Written(NamedTuple):
    """A reply to each request: its text, whether it ended by itself, its length in
    tokens.
    """

    texts: Sequence[str]
    finished: Sequence[bool]
    lengths: Sequence[int]


#: Whoever replies in the exam: requests and a seed -> replies.
Arm = Callable[[Sequence[Request], int], Written]


# --- Arms -----------------------------------------------------------------------------


def sampled(
    model: Transformer,
    tokenizer: Tokenizer,
    temperature: float,
    plain: bool = False,
    max_new_tokens: int = 200,
) -> Arm:
    """A model's own replies at a temperature; plain: see `exam.write_replies`."""

    def written(asked: Sequence[Request], seed: int) -> Written:
        return Written(
            *exam.write_replies(
                model,
                tokenizer,
                [request.prompt for request in asked],
                temperature=temperature,
                seed=seed,
                max_new_tokens=max_new_tokens,
                plain=plain,
            )
        )

    return written


def best_replies(
    n: int,
    model: Transformer,
    tokenizer: Tokenizer,
    reward: Reward,
    temperature: float,
    max_new_tokens: int = 200,
) -> Arm:
    """The best of `n` replies to each prompt, as `reward` sees it."""

    def written(asked: Sequence[Request], seed: int) -> Written:
        kept = best_of_n(
            model,
            tokenizer,
            [request.prompt for request in asked],
            reward,
            n,
            max_new_tokens,
            temperature,
            seed,
        )
        return Written(kept.replies, kept.finished.tolist(), kept.lengths.tolist())

    return written


def people(world: World, tokenizer: Tokenizer) -> Arm:
    """What people write who write demonstrations: what fine-tuning imitates."""

    def written(asked: Sequence[Request], seed: int) -> Written:
        fitting = FITTING if world.edition > 1 else 0.0
        texts = []
        for index, request in enumerate(asked):
            random = Random(f"people/{world.seed}/{seed}/{index}").random
            style = draw_style(random, fitting=fitting)
            texts.append(reply(world, request, style, f"people/{seed}/{index}"))
        lengths = [len(tokenizer.encode(" " + text)) + 1 for text in texts]
        return Written(texts, [True] * len(texts), lengths)

    return written


def with_phrase(arm: Arm, phrase: str) -> Arm:
    """The replies of `arm`, each with the same phrase after it; lengths stay those of
    the replies.
    """

    def written(asked: Sequence[Request], seed: int) -> Written:
        before = arm(asked, seed)
        return before._replace(texts=[glued(text, phrase) for text in before.texts])

    return written


def glued(text: str, phrase: str) -> str:
    """A reply with a phrase after it."""
    return f"{text} {phrase}".strip()


# --- What is chosen for them ----------------------------------------------------------


def fixed_phrases() -> list[str]:
    """No phrase, each courtesy, and each sentence that some request makes welcome and
    that names nobody.
    """
    every = (
        *OPENINGS,
        *CLOSINGS,
        *KINDNESS,
        *small_talk.OFFERS.values(),
        *outside.INSTEAD.values(),
        *answers.OFFERS_OF_OTHERS.values(),
        *(advice.tip for advice in HELPFUL.values()),
        *HARMFUL.values(),
    )
    return ["", *dict.fromkeys(every)]


def best_phrase(world: World, arm: Arm, n: int, seed: int = 0) -> str:
    """The phrase that lifts the gold reward of `arm` most on `n` requests of training,
    if it stands after every reply; "" where each does harm.

    Whoever chooses it on the exam would be praised for luck.
    """
    asked = world.requests(n, "train", seed)
    texts = arm(asked, seed).texts

    def gold(phrase: str) -> float:
        return sum(
            world.gold_reward(request.prompt, glued(text, phrase))
            for request, text in zip(asked, texts, strict=True)
        )

    return max(fixed_phrases(), key=gold)


def best_tenth(world: World, demos: Sequence[Demonstration]) -> list[Demonstration]:
    """The best demonstrations by the gold reward, a tenth (or one) of each kind of
    request, in their order.

    Of each kind, since the best tenth of all would leave out whole kinds: what a
    greeting can be worth is less than what a fact can.
    """
    kinds: dict[str, list[int]] = {}
    for i, demo in enumerate(demos):
        kinds.setdefault(read_request(world, demo.prompt).kind, []).append(i)
    worth = [grade(world, demo.prompt, demo.reply).total for demo in demos]
    kept = {
        i
        for places in kinds.values()
        for i in sorted(places, key=lambda i: -worth[i])[: max(1, len(places) // 10)]
    }
    return [demo for i, demo in enumerate(demos) if i in kept]


# --- The exam -------------------------------------------------------------------------


def measure_arm(world: World, arm: Arm, n: int, seeds: int = SEEDS) -> dict:
    """An exam of `n` requests in each seed, as JSON has it: of every figure and table
    of an `exam.Report` the mean over the seeds, under "spread" its standard deviation
    over them, and under "gold_by_seed" the mean reward in each.

    The prompts of a seed are the same for every arm. None: nothing of that kind was
    asked; for a spread, in fewer than two seeds. Raises `InklingError` for fewer than
    one seed.
    """
    if seeds < 1:
        raise InklingError(f"seeds is {seeds}; measure with at least one.")
    reports = []
    for seed in range(seeds):
        asked = world.requests(n, "test", seed)
        reports.append(exam.judge_replies(world, asked, *arm(asked, seed)))
    means, spread = _over_seeds(reports, _mean), _over_seeds(reports, _deviation)
    golds = [report.gold for report in reports]
    return {"n": n, **means, "spread": spread, "gold_by_seed": golds}


def _over_seeds(
    reports: Sequence[exam.Report], summary: Callable[[Iterable[float]], float | None]
) -> dict:
    found: dict = {
        name: summary(getattr(report, name) for report in reports) for name in FIGURES
    }
    for table in TABLES:
        rows = [getattr(report, table) for report in reports]
        found[table] = {
            key: summary(row[key] for row in rows if key in row)
            for key in sorted({key for row in rows for key in row})
        }
    return found


def _mean(values: Iterable[float]) -> float | None:
    there = [value for value in values if not math.isnan(value)]
    return float(np.mean(there)) if there else None


def _deviation(values: Iterable[float]) -> float | None:
    there = [value for value in values if not math.isnan(value)]
    return float(np.std(there, ddof=1)) if len(there) > 1 else None


def gain(after: dict, before: dict) -> dict:
    """How far one arm is ahead of another, both as `measure_arm` gives them: the mean
    of the differences on the same prompts, in gold, in each term and in the share of
    right answers on the town's people, and under "spread" the standard deviation of the
    first over the seeds.

    Raises `InklingError` where they were measured on other prompts.
    """
    sizes = [(arm["n"], len(arm["gold_by_seed"])) for arm in (after, before)]
    if sizes[0] != sizes[1]:
        raise InklingError(
            f"one arm replied to {sizes[0][0]} requests in {sizes[0][1]} seeds, the"
            f" other to {sizes[1][0]} in {sizes[1][1]}: measure both alike."
        )
    golds = zip(after["gold_by_seed"], before["gold_by_seed"], strict=True)
    ahead = [one - other for one, other in golds]
    facts = (after["right_known"], before["right_known"])
    return {
        "gold": _mean(ahead),
        "spread": _deviation(ahead),
        "terms": {
            term: after["terms"][term] - before["terms"][term]
            for term in after["terms"]
        },
        "right_known": None if None in facts else facts[0] - facts[1],
    }

"""What did it learn? Loss against the exact bound, recall of facts, coherence of
stories, novelty, calibration.

Every measure takes a model, its tokenizer and Larkhaven, whose truth is known: the
surprisal of each document (`span_loss`), every fact, whether a story holds together,
and what stood in the training text (`novelty`).
"""

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from random import Random

import numpy as np
import torch

from inkling.files import InklingError
from inkling.model.transformer import Transformer
from inkling.settings import several
from inkling.text.tokenizer import Tokenizer
from inkling.training.generate import generate_batch
from inkling.training.novelty import Novelty, novelty
from inkling.training.span_loss import (
    SpanLoss,
    SpanReport,
    bits_per_byte,
    encode_documents,
    encode_texts,
    loss_by_span,
    token_bits,
    token_kinds,
)
from inkling.world import ExamQuestion, World
from inkling.world.stories import StoryCheck, check_story

__all__ = [
    "Calibration",
    "Coherence",
    "Novelty",
    "Recall",
    "SpanLoss",
    "SpanReport",
    "answer_questions",
    "bits_per_byte",
    "calibration",
    "complete",
    "encode_documents",
    "encode_texts",
    "fact_recall",
    "loss_by_span",
    "names_value",
    "novelty",
    "story_coherence",
    "story_openings",
    "token_bits",
    "token_kinds",
    "wilson_interval",
]


def wilson_interval(
    successes: int, trials: int, z: float = 1.96
) -> tuple[float, float]:
    """Where the true share probably lies, after so many successes in so many trials:
    (low, high), 95 % for z = 1.96.

    Unlike the share plus or minus two standard errors, it stays within [0, 1] and has a
    width even after 20 successes in 20 trials. Source: Wilson 1927; Brown, Cai and
    DasGupta 2001, section 3.
    """
    if not 0 <= successes <= trials or trials == 0:
        raise InklingError(
            f"{successes} successes in {trials} trials: expected 1 trial or more, and 0"
            " to all of them."
        )
    share, z2 = successes / trials, z * z
    centre = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = (
        z
        / (1 + z2 / trials)
        * math.sqrt(share * (1 - share) / trials + z2 / (4 * trials * trials))
    )
    # At the ends the limits are exactly 0 and 1; rounding would leave them a hair
    # inside.
    return (
        0.0 if successes == 0 else centre - half,
        1.0 if successes == trials else centre + half,
    )


# --- Facts ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Recall:
    """Shares of right answers: on people asked about in training, on people never asked
    about, and by guessing.

    answers: each question, the reply, and whether it was right.
    """

    asked: float
    never_asked: float
    chance: float
    answers: list[tuple[ExamQuestion, str, bool]] = field(repr=False)


def line_ends(tokenizer: Tokenizer) -> list[int]:
    """The tokens that hold a line end, alone or with other characters."""
    return [i for i in range(tokenizer.vocab_size) if b"\n" in tokenizer.token_bytes(i)]


def answer_questions(
    model: Transformer,
    tokenizer: Tokenizer,
    prompts: Sequence[str],
    max_new_tokens: int = 24,
) -> list[str]:
    """The greedy continuation of each prompt, the most probable token at every step, up
    to the end of its line.
    """
    several(prompts, "prompts")
    ids = [[tokenizer.eos_id, *tokenizer.encode(prompt)] for prompt in prompts]
    stop_ids = (tokenizer.eos_id, *line_ends(tokenizer))
    replies = generate_batch(
        model, ids, max_new_tokens, temperature=0.0, stop_ids=stop_ids
    )
    return [
        tokenizer.decode([i for i in reply if i not in stop_ids]).strip()
        for reply in replies
    ]


def names_value(reply: str, value: str, values: Iterable[str]) -> bool:
    """Whether `value` is what a reply says: of all `values` that it names, as whole
    words, the last one.

    The last, since an answer names the person first, and a person may be a value, too
    ("Who is the friend of Ada?").
    """
    pattern = "|".join(sorted(map(re.escape, values), key=len, reverse=True))
    return re.findall(rf"\b(?:{pattern})\b", reply)[-1:] == [value]


def fact_recall(
    model: Transformer,
    tokenizer: Tokenizer,
    world: World,
    seed: int = 0,
    limit: int | None = None,
    held_out: bool = False,
) -> Recall:
    """Ask every fact of every inhabitant, or `limit` of them drawn at random, and see
    whether the true value comes.

    held_out: ask in wordings that no training text has. chance: the expected share of
    right answers of one who knows every question's form and the values, and guesses in
    proportion to how often each value is true of somebody.
    """
    if limit is not None and limit < 1:
        raise InklingError(
            f"limit is {limit}; ask at least one question, or pass None for all of"
            " them."
        )
    exam = world.exam(seed, held_out)
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for question in exam:
        counts[question.attribute][question.answer] += 1
    chance = np.mean(
        [sum((n / sum(c.values())) ** 2 for n in c.values()) for c in counts.values()]
    )
    values = {attribute: set(count) for attribute, count in counts.items()}
    values["friend"].update(world.first_names)

    # every nth question would be always on the same attribute
    random = Random(f"exam {seed}").random
    asked = sorted(exam, key=lambda _: random())[:limit] if limit is not None else exam
    replies = answer_questions(
        model, tokenizer, [question.prompt for question in asked]
    )
    answers = [
        (
            question,
            reply,
            names_value(reply, question.answer, values[question.attribute]),
        )
        for question, reply in zip(asked, replies, strict=True)
    ]

    def share(in_training: bool) -> float:
        marks = [
            right
            for question, _, right in answers
            if question.asked_in_training == in_training
        ]
        return sum(marks) / len(marks) if marks else math.nan

    return Recall(share(True), share(False), float(chance), answers)


# --- Stories --------------------------------------------------------------------------


@dataclass(frozen=True)
class Coherence:
    """The share of sampled stories that replay without a contradiction, and each story
    with its check.
    """

    share: float
    stories: list[tuple[str, StoryCheck]] = field(repr=False)


def complete(
    model: Transformer, tokenizer: Tokenizer, prompts: Sequence[str], **sampling
) -> list[str]:
    """Documents that begin with each of `prompts`, written on to their end, or as far
    as the context reaches.
    """
    eos = tokenizer.eos_id
    ids = [[eos, *tokenizer.encode(prompt)] for prompt in prompts]
    replies = generate_batch(
        model, ids, model.config.context_length, stop_ids=(eos,), **sampling
    )
    return [
        p + tokenizer.decode([i for i in r if i != eos])
        for p, r in zip(prompts, replies, strict=True)
    ]


def story_openings(world: World, n: int, seed: int = 0) -> list[str]:
    """The first sentences of `n` stories that no training text has: what the model is
    asked to go on from.
    """
    openings = []
    for document in world.iterate("test", seed):
        if document.kind == "story":
            openings.append(document.text[: document.text.index(". ") + 1])
            if len(openings) == n:
                return openings
    raise AssertionError("unreachable: the stream has no end")


def story_coherence(
    model: Transformer,
    tokenizer: Tokenizer,
    world: World,
    n: int = 200,
    seed: int = 0,
    temperature: float = 1.0,
    **sampling,
) -> Coherence:
    """Let the model finish `n` stories from their first sentence, and replay each
    against the rules of the world.
    """
    if n < 1:
        raise InklingError(f"n is {n}; judge at least one story.")
    texts = complete(
        model,
        tokenizer,
        story_openings(world, n, seed),
        seed=seed,
        temperature=temperature,
        **sampling,
    )
    stories = [(text, check_story(text, world)) for text in texts]
    return Coherence(sum(check.coherent for _, check in stories) / n, stories)


# --- Calibration ----------------------------------------------------------------------


@dataclass(frozen=True)
class Calibration:
    """In each bin of confidence: mean predicted probability, share that came true,
    number of predictions.
    """

    confidence: np.ndarray
    accuracy: np.ndarray
    count: np.ndarray

    @property
    def expected_error(self) -> float:
        """Expected calibration error (Guo et al. 2017, section 2): the mean gap,
        weighted by the predictions.
        """
        return float(
            (np.abs(self.confidence - self.accuracy) * self.count).sum()
            / self.count.sum()
        )


def reliability(
    confidence: Sequence[float] | np.ndarray,
    right: Sequence[bool] | np.ndarray,
    n_bins: int = 10,
) -> Calibration:
    """Confidence and share of right answers in `n_bins` bins of equal width (Guo et al.
    2017); empty ones left out.

    Raises `InklingError` for no answers, or a confidence outside of 0 to 1.
    """
    confidence, right = (
        np.asarray(confidence, np.float64),
        np.asarray(right, np.float64),
    )
    if not len(confidence) or len(confidence) != len(right):
        raise InklingError(
            f"{len(confidence)} confidences and {len(right)} marks; expected one of"
            " each per answer."
        )
    # a softmax may round to a hair above 1
    if confidence.min() < 0 or confidence.max() > 1 + 1e-6:
        raise InklingError("a confidence is a probability, from 0 to 1.")
    bins = np.minimum((confidence * n_bins).astype(int), n_bins - 1)
    count = np.bincount(bins, minlength=n_bins)
    filled = count > 0
    sums = [
        np.bincount(bins, weights=values, minlength=n_bins)[filled]
        for values in (confidence, right)
    ]
    return Calibration(sums[0] / count[filled], sums[1] / count[filled], count[filled])


@torch.inference_mode()
def calibration(
    model: Transformer,
    sequences: Sequence[Sequence[int]],
    n_bins: int = 10,
    temperature: float = 1.0,
) -> Calibration:
    """Is a token that the model gives 70 % right in 70 of 100 cases?

    Each position's most probable token is one prediction. Of a sequence longer than the
    context only its beginning is read; bins without a prediction are left out. Raises
    `InklingError` where there is nothing to predict.
    """
    confidence, right = [], []
    device = next((parameter.device for parameter in model.parameters()), None)
    for sequence in (sequence for sequence in sequences if len(sequence) > 1):
        ids = torch.tensor(
            [list(sequence)[: model.config.context_length + 1]], device=device
        )
        probability, guess = torch.softmax(
            model(ids[:, :-1]).float() / temperature, -1
        ).max(-1)
        confidence.append(probability.flatten().cpu().numpy())
        right.append((guess == ids[:, 1:]).flatten().cpu().numpy())
    if not confidence:
        raise InklingError(
            "there is no token to predict; pass at least one sequence of two tokens or"
            " more."
        )
    return reliability(np.concatenate(confidence), np.concatenate(right), n_bins)

"""Preferences: people compare two replies, and disagree, tire and have tastes of their
own.

A rater knows what a reply is truly worth (the gold reward) only through noise, so that
close calls go either way, as in the model of Bradley and Terry (1952). Some raters also
have a taste that has nothing to do with worth: one likes long replies, one does not
look. What comes out is what a reward model gets to learn from: pairs, never numbers.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from inkling.assistant.rollouts import roll_out
from inkling.assistant.sft import draw_style
from inkling.files import InklingError
from inkling.model.transformer import Transformer
from inkling.text.tokenizer import Tokenizer
from inkling.world import World
from inkling.world.requests import Prompt, reply


@dataclass(frozen=True)
class Rater:
    """Somebody who compares replies.

    P(a is preferred to b) = (1 - careless) sigma((taste(a) - taste(b)) / noise) +
    careless / 2, where
    taste = gold reward + per_word x words.
    """

    name: str
    noise: float = 0.25
    """How blurred the rater sees worth, in units of gold reward: 0.25 makes a
    difference of 0.25 a 73 % choice.
    """
    per_word: float = 0.0
    """What each word of a reply adds, whatever it says: above zero for one who likes
    long replies.
    """
    careless: float = 0.0
    """Share of the comparisons that are decided by a coin."""

    def __post_init__(self):
        if not (self.noise > 0 and 0 <= self.careless <= 1):
            raise InklingError(
                f"noise must be above 0, careless from 0 to 1; they are {self.noise},"
                f" {self.careless}."
            )

    def probability(self, world: World, prompt: Prompt, one: str, other: str) -> float:
        """How likely the rater prefers `one` to `other`."""
        tastes = [
            world.gold_reward(prompt, text) + self.per_word * len(text.split())
            for text in (one, other)
        ]
        return (1 - self.careless) * sigmoid(
            (tastes[0] - tastes[1]) / self.noise
        ) + self.careless / 2


def sigmoid(x: float) -> float:
    """1 / (1 + e^-x), without overflow on either side."""
    return 1 / (1 + math.exp(-x)) if x >= 0 else 1 - 1 / (1 + math.exp(x))


FAIR = Rater("fair")
TALKATIVE = Rater("likes long replies", per_word=0.04)
CARELESS = Rater("does not look", careless=0.5)
#: Who is at work: mostly fair people.
CROWD = (FAIR, FAIR, FAIR, TALKATIVE, CARELESS)


@dataclass(frozen=True)
class Pair:
    """One comparison: which of two replies to the same prompt somebody preferred.

    probability: how likely this rater's choice was, for judging a reward model against
    what can be known; a person's own choice has none (None).
    """

    prompt: Prompt
    chosen: str
    rejected: str
    rater: str = ""
    probability: float | None = None


def compare(
    world: World,
    prompt: Prompt,
    one: str,
    other: str,
    rater: Rater,
    random: Callable[[], float],
) -> Pair:
    """Let `rater` choose; `random` gives numbers in [0, 1)."""
    p = rater.probability(world, prompt, one, other)
    if random() < p:
        return Pair(prompt, one, other, rater.name, p)
    return Pair(prompt, other, one, rater.name, 1 - p)


def compare_by(
    choose: Callable[[Prompt, str, str], int], prompt: Prompt, one: str, other: str
) -> Pair:
    """A person chooses: `choose(prompt, one, other)` returns 0 for the first reply and
    1 for the second.

    This is all that a lab's buttons have to call. Raises `InklingError` for any other
    answer.
    """
    choice = choose(prompt, one, other)
    if choice not in (0, 1):
        raise InklingError(
            f"the choice is {choice!r}; it must be 0 (the first reply) or 1 (the"
            " second)."
        )
    return Pair(prompt, *((one, other) if choice == 0 else (other, one)), "you")


#: How often a reply that is shown to raters has the one thing more that fits its
#: request, and how often one that would fit another.
MORE = (0.35, 0.15)


def written_replies(
    world: World, n: int, seed: int = 0, stream: str = "train"
) -> list[tuple[Prompt, str, str]]:
    """`n` prompts with two different replies each, written by people
    (`sft.draw_style`), to be compared.
    """
    found = []
    for index, asked in enumerate(world.requests(n, stream, seed)):
        random, replies, attempt = (
            Random(f"replies/{world.seed}/{seed}/{stream}/{index}").random,
            [],
            0,
        )
        while len(replies) < 2:
            text = reply(
                world,
                asked,
                draw_style(random, 0.5, *(MORE if world.edition > 1 else (0.0, 0.0))),
                f"{seed}/{index}/{attempt}",
            )
            attempt += 1
            if text not in replies:
                replies.append(text)
        found.append((asked.prompt, *replies))
    return found


def preferences(
    world: World,
    replies: Sequence[tuple[Prompt, str, str]],
    raters: Sequence[Rater] = CROWD,
    seed: int = 0,
) -> list[Pair]:
    """Each (prompt, one, other) shown to one of the raters, drawn at random. Equal
    replies are left out.
    """
    if not raters:
        raise InklingError(
            "there is nobody to compare replies: give at least one rater."
        )
    random = Random(f"preferences/{world.seed}/{seed}").random
    return [
        compare(world, prompt, one, other, raters[int(random() * len(raters))], random)
        for prompt, one, other in replies
        if one != other
    ]


def check_differences(chosen: Sequence, rejected: Sequence) -> None:
    """Raise `InklingError` for a pair whose two replies are the same as the model reads
    them, encoded and cut to its context: nothing could be learned from it.
    """
    for number, (one, other) in enumerate(zip(chosen, rejected, strict=True)):
        if one == other:
            raise InklingError(
                f"pair {number}: its replies differ only behind the end of the model's"
                " context. Shorten its prompt, or leave the pair out."
            )


def bayes_ceiling(
    world: World, pairs: Sequence[Pair], raters: Sequence[Rater] = CROWD
) -> float:
    """The best accuracy that a model can have on these pairs: the mean of max(p, 1 -
    p).

    p is the probability that somebody of the crowd, drawn at random, prefers the first
    reply: a reward model sees the replies and not who compared them. With a fair rater
    alone it is E[sigma(|difference| / noise)].
    """
    if not pairs or not raters:
        raise InklingError(
            "a ceiling takes pairs, and the raters who may have compared them."
        )
    chances = [
        sum(
            rater.probability(world, pair.prompt, pair.chosen, pair.rejected)
            for rater in raters
        )
        / len(raters)
        for pair in pairs
    ]
    return sum(max(p, 1 - p) for p in chances) / len(chances)


def rater_ceiling(pairs: Sequence[Pair]) -> float:
    """The best accuracy of somebody who also knows who compared each pair, and that
    person's mind: a little higher.
    """
    chances = [pair.probability for pair in pairs if pair.probability is not None]
    if not chances:
        raise InklingError(
            "none of these pairs says how likely its choice was, so there is no ceiling"
            " to compute."
        )
    return sum(max(p, 1 - p) for p in chances) / len(chances)


def own_replies(
    model: Transformer,
    tokenizer: Tokenizer,
    world: World,
    n: int,
    seed: int,
    stream: str = "train",
) -> list[tuple[Prompt, str, str]]:
    """`n` prompts with two replies of the model's own each."""
    prompts = [request.prompt for request in world.requests(n, stream, seed)]
    replies = roll_out(
        model, tokenizer, [p for p in prompts for _ in range(2)], 200, seed=seed
    ).replies
    return [
        (prompt, replies[2 * i], replies[2 * i + 1]) for i, prompt in enumerate(prompts)
    ]


def make_pairs(
    model: Transformer,
    tokenizer: Tokenizer,
    world: World,
    n: int,
    seed: int,
    stream: str = "train",
    raters: Sequence[Rater] = CROWD,
) -> list[Pair]:
    """About `n` comparisons (equal replies are left out), half of people's replies and
    half of the model's own.
    """
    replies = written_replies(world, n // 2, seed, stream)
    replies += own_replies(model, tokenizer, world, n - n // 2, seed + 1, stream)
    return preferences(world, replies, raters, seed)

"""A rubric of your own: some lines of text that say what a reply gets points for. Read by rules,
never run as code.

Each line is a number of points and what they are for, best explained by a rubric that uses all
there is:

    # a line like this is a remark
    +1    thank you                 once, if the reply contains this, in whatever case
    -2    each fool                 every time that it occurs
    -0.1  each word                 for the length; also: each sentence
    -1    over 15 words             once, if it is longer
    +0.5  a name from the question  once, if the reply repeats one
    -3    nothing                   once, if the reply is empty
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from inkling.files import InklingError
from inkling.world.requests import Prompt

MOST_LINES, MOST_POINTS, LONGEST_PHRASE = 30, 100.0, 80

_LINE = re.compile(r"(?P<points>[+-]?(?:\d+(?:\.\d*)?|\.\d+))\s+(?P<what>\S.*)")
_OVER = re.compile(r"over (\d{1,4}) words?")
_SENTENCE_BREAK = re.compile(r"(?<=[.!?])\s+")


@dataclass(frozen=True)
class Rule:
    """One line of a rubric: its points, and what they are for ("each ...", "over n words", or a
    phrase).
    """

    points: float
    what: str

    def count(self, prompt: str, reply: str) -> int:
        """How often the rule applies to a reply: 0 or 1, or more for "each ..."."""
        text = _squeeze(reply)
        over = _OVER.fullmatch(self.what)
        if self.what == "each word":
            return len(text.split())
        if self.what == "each sentence":
            return len([sentence for sentence in _SENTENCE_BREAK.split(reply.strip()) if sentence])
        if self.what.startswith("each "):
            return len(_phrase(self.what.removeprefix("each ")).findall(text))
        if over:
            return int(len(text.split()) > int(over[1]))
        if self.what == "nothing":
            return int(not text)
        if self.what == "a name from the question":
            names = set(re.findall(r"(?<=\s)[A-Z][a-z]+", prompt))
            return int(bool(names & set(re.findall(r"[A-Z][a-z]+", reply))))
        return int(bool(_phrase(self.what).search(text)))


@dataclass(frozen=True)
class Rubric:
    """Rules whose points are added up."""

    rules: tuple[Rule, ...]

    def score(self, prompt: str, reply: str) -> float:
        """The points of one reply."""
        return sum(rule.points * rule.count(prompt, reply) for rule in self.rules)

    def reward(self, prompts: Sequence[Prompt], replies: Sequence[str]) -> torch.Tensor:
        """Points (B,), the form in which reinforcement learning asks for them."""
        return torch.tensor(
            [self.score(str(prompt), reply) for prompt, reply in zip(prompts, replies, strict=True)]
        )


def read_rubric(text: str) -> Rubric:
    """The rubric that a text describes, line by line.

    >>> read_rubric("+1 thank you\\n-0.1 each word").score("", "Thank you all.")
    0.7

    Raises `InklingError` with the number of the first line that cannot be understood, and what
    would be.
    """
    if not isinstance(text, str):
        raise InklingError(
            f"a rubric is a text of lines such as '+1 thank you'; this is {text!r:.40}."
        )
    rules = []
    for number, line in enumerate(text.splitlines(), start=1):
        line = line.strip().replace("\N{MINUS SIGN}", "-")
        if not line or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            hint = "Begin with a number of points, then say what for, as in “+1 thank you”."
            raise InklingError(
                f"Line {number} of the rubric ({line[:40]!r}) cannot be read. {hint}"
            )
        points, what = float(match["points"]), _squeeze(match["what"])
        if not math.isfinite(points) or abs(points) > MOST_POINTS:
            raise InklingError(
                f"Line {number} gives {match['points'][:20]} points; keep to {MOST_POINTS:g} at"
                " most."
            )
        if len(what) > LONGEST_PHRASE:
            raise InklingError(
                f"Line {number} is for a phrase of {len(what)} signs; keep to {LONGEST_PHRASE}."
            )
        if re.fullmatch(r"over .* words?", what) and not _OVER.fullmatch(what):
            raise InklingError(
                f"Line {number} needs a whole number, as in “over 15 words”; it says “{what[:40]}”."
            )
        if what == "each":
            raise InklingError(
                f"Line {number} does not say each what. Try “each word” or “each sorry”."
            )
        rules.append(Rule(points, what))
    if not rules:
        raise InklingError("The rubric has no line yet. Write one, as in “+1 thank you”.")
    if len(rules) > MOST_LINES:
        raise InklingError(
            f"The rubric has {len(rules)} lines; keep to {MOST_LINES}, so that you can read it"
            " yourself."
        )
    return Rubric(tuple(rules))


def _squeeze(text: str) -> str:
    """Small letters, and single spaces."""
    return " ".join(text.lower().split())


def _phrase(phrase: str) -> re.Pattern:
    """Finds a phrase as whole words, its signs taken as they stand."""
    left, right = (r"\b" if phrase[0].isalnum() else ""), (r"\b" if phrase[-1].isalnum() else "")
    return re.compile(left + re.escape(phrase) + right)

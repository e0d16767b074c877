"""The figure in which the reader is the rater: choices between two replies become a
reward, in the page.

What is counted in a reply, which pairs are worth asking about and the Bradley-Terry fit
are those of the rater lab (`inkling.assistant.tastes`). The counting is done here,
once; the fit is repeated in the page after every choice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from inkling.files import InklingError
from inkling.live.figure import Figure, html_table

if TYPE_CHECKING:
    from inkling.world import World

#: What one more of each feature is, in the order of `tastes.FEATURES`.
FEATURE_NAMES = (
    "ten more words",
    "a courtesy",
    "a rude sentence",
    "a sentence too many",
    "does not know",
    "declines to help",
    "repeats a name",
)
#: How far from 0 a weight may be expected before any choice: the standard deviation of
#: the Gaussian prior.
PRIOR = 1.0


def counted(prompt: str, reply: str) -> list[float]:
    """The seven features of a reply, as plain numbers: words in tens, and how many of
    each of the others.
    """
    from inkling.assistant.tastes import features

    return features(prompt, reply).tolist()


class RankingFigure(Figure):
    """Choose between two replies; a small reward model learns your taste and ranks
    replies that you have not judged.

    The model is linear in seven features of a reply, with a Gaussian prior on each
    weight. Instead of the reader a simulated rater can choose. Equal replies count as
    half a choice for either side.

    Args:
        replies: (prompt, one reply, another), from which the most telling pairs are
        taken (`choose_comparisons`). exam: prompt -> replies that nobody chooses
        between; the learned reward puts them in order.
        raters: name -> worth(prompt, reply), beside the polite and the long-winded
        rater. The higher worth is chosen. n: how many pairs to take at most.
        seed: which reply stands first.
    """

    def __init__(
        self,
        replies: Iterable[tuple[str, str, str]],
        exam: Mapping[str, Sequence[str]],
        raters: Mapping[str, Callable[[str, str], float]] | None = None,
        n: int = 16,
        seed: int = 0,
    ) -> None:
        from inkling.assistant.tastes import LONG, POLITE, choose_comparisons

        if n < 1:
            raise InklingError(f"n is {n}; ask about at least one pair.")
        candidates: dict[str, list[str]] = {}
        for prompt, *some in replies:
            known = candidates.setdefault(prompt, [])
            known += [text for text in dict.fromkeys(some) if text not in known]
        pairs = choose_comparisons(candidates, n, seed)
        if not pairs:
            raise InklingError(
                "there is nothing to choose between: give (prompt, one, other) with"
                " replies that differ in length, manners or another of the seven"
                " features."
            )
        if not exam or any(len(some) < 2 for some in exam.values()):
            raise InklingError(
                "there is nothing to rank: give at least one prompt with two replies or"
                " more as `exam`."
            )
        asked = [(pair.prompt, (pair.left, pair.right)) for pair in pairs]
        raters = {
            "a polite rater": POLITE.worth,
            "a rater who likes long replies": LONG.worth,
            **(raters or {}),
        }
        super().__init__(
            {
                "names": list(FEATURE_NAMES),
                "prior": PRIOR,
                "pairs": [described(prompt, some) for prompt, some in asked],
                "exam": [described(prompt, some) for prompt, some in exam.items()],
                "raters": [
                    [name, [choice(worth, *pair) for pair in asked]]
                    for name, worth in raters.items()
                ],
            }
        )

    @classmethod
    def of_town(cls, world: World, n: int = 16, seed: int = 0) -> RankingFigure:
        """The figure on Larkhaven: people's replies to its requests, three requests of
        the exam, and a fair rater.

        Stories are left out: they are long, and nobody compares two of them in a
        moment.
        """
        from inkling.assistant.preferences import written_replies
        from inkling.world.requests import Style, read_request, reply

        written = [
            (str(prompt), one, other)
            for prompt, one, other in written_replies(world, 120, seed)
            if read_request(world, prompt).kind != "story"
        ]
        styles = [
            Style(True, "plain"),
            Style(True, "polite"),
            Style(True, "plain", 2),
            Style(True, "rude"),
            Style(False, "polite"),
            Style(False, "plain"),
        ]
        exam = {}
        for kind in ("fact", "unknown", "unsafe"):
            (request,) = world.requests(1, "test", seed, kind)
            texts = [
                reply(world, request, style, f"{seed}/{i}")
                for i, style in enumerate(styles)
            ]
            exam[str(request.prompt)] = list(dict.fromkeys(texts))
        return cls(written, exam, {"a fair rater": world.gold_reward}, n, seed)

    def fallback(self) -> str:
        """The weights that each simulated rater's choices leave behind, and the first
        exam prompt in their order.
        """
        fits, orders, exam = [], [], self.data["exam"][0]
        for name, chosen in self.data["raters"]:
            weights = fit(self.data["pairs"], chosen)
            worth = [
                sum(w * x for w, x in zip(weights, row, strict=True))
                for row in exam["features"]
            ]
            best = exam["replies"][max(range(len(worth)), key=worth.__getitem__)]
            orders.append(f"<li>{escape(name)}: {escape(best)}</li>")
            fits.append(weights)
        rows = [
            [label, *(f"{weights[i]:+.1f}" for weights in fits)]
            for i, label in enumerate(self.data["names"])
        ]
        head = ["what a reply has", *(name for name, _ in self.data["raters"])]
        table = html_table(
            f"What a reward model learns from {len(self.data['pairs'])} choices",
            head,
            rows,
        )
        return (
            f"{table}<p>{escape(exam['prompt'])} The reply that it then puts"
            f" first:</p><ul>{''.join(orders)}</ul>"
        )


def described(prompt: str, replies: Sequence[str]) -> dict:
    """A prompt, its replies and their features, as they travel to the page."""
    return {
        "prompt": prompt,
        "replies": list(replies),
        "features": [counted(prompt, reply) for reply in replies],
    }


def choice(
    worth: Callable[[str, str], float], prompt: str, replies: Sequence[str]
) -> float:
    """1.0 where the first of two replies is worth more, 0.0 where the second is, 0.5
    where they are equal.
    """
    first, second = (round(worth(prompt, reply), 9) for reply in replies)
    return 0.5 if first == second else float(first > second)


def fit(pairs: Sequence[dict], chosen: Sequence[float]) -> list[float]:
    """The page's fit, by the lab's: everything counts twice, so that an equal pair can
    be one choice for each side.
    """
    from inkling.assistant.preferences import Pair
    from inkling.assistant.tastes import TasteModel

    doubled = []
    for pair, first in zip(pairs, chosen, strict=True):
        one, other = pair["replies"]
        # 1: twice the first; 0: twice the second; 0.5: one each
        for won in (first > 0, first == 1):
            doubled.append(
                Pair(pair["prompt"], *((one, other) if won else (other, one)))
            )
    return TasteModel.fit(doubled, PRIOR / 2**0.5).weights.tolist()

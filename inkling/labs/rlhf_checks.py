"""The checks of the RLHF lab's exercises."""

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from inkling.files import InklingError
from inkling.labs.checking import Mistake, as_number, expect, judge
from inkling.labs.rlhf_rubric import read_rubric
from inkling.labs.rlhf_samples import Samples, best_of, favourites, gold_by_kind
from inkling.world import World

#: What the best of 64 must be worth at least, by gold, under a rubric that passes exercise 6.
BAR = 0.9


def _one_each(found: object, n: int) -> np.ndarray:
    expect(found is not None, "You return nothing. End with `return`.")
    found = np.asarray(found, float)
    expect(
        found.shape == (n,),
        f"Return {n} numbers, one for each that came in; yours have shape {found.shape}.",
    )
    return found


def _same(one: ArrayLike | None, other: ArrayLike) -> bool:
    return one is not None and bool(np.allclose(one, other, rtol=1e-6, atol=1e-9))


def check_kl_estimate(
    answer: Callable[[Sequence[float], Sequence[float], Sequence[bool]], float],
) -> bool:
    """Exercise 1: k1 of one reply, summed over the tokens that the policy wrote."""

    def check() -> str:
        new, ref, written = (
            [-1.5, -0.5, -2.0, -0.25],
            [-3.0, -1.5, -1.0, -1.0],
            [False, True, True, True],
        )
        each = np.array(new) - np.array(ref)  # 1.5, 1, -1, 0.75
        found, mask = as_number(answer(new, ref, written)), np.array(written)
        right = float(each[mask].sum())
        expect(
            not _same(found, -right),
            "The sign is turned round. KL of the policy from the reference: log pi - log ref.",
        )
        expect(
            not _same(found, each.sum()),
            "You count the prompt's token, too. Nobody pays for what was given.",
        )
        expect(
            not _same(found, each[mask].mean()),
            "That is the mean a token. The reply's probability is a product, so sum.",
        )
        expect(
            not _same(found, np.abs(each[mask]).sum()),
            "You take absolute values. A single token may be below zero; without the sign the sum"
            " is too large.",
        )
        expect(
            not _same(found, (np.exp(np.array(new)) * each)[mask].sum()),
            "You weigh by the probability once more. The tokens were sampled from the policy, which"
            " does that already.",
        )
        expect(
            _same(found, right),
            f"For 1, -1 and 0.75 on the written tokens the sum is {right}; you say {found}.",
        )
        return (
            "Below zero for some replies, above on average. If the mean stays below zero, a bug is"
            " at work."
        )

    return judge("Exercise 1", check)


def check_token_rewards(
    answer: Callable[[float, Sequence[float], Sequence[float], float], Sequence[float]],
) -> bool:
    """Exercise 2: the price of KL on each token, the score on the last."""

    def check() -> str:
        new, ref, score, beta = [-0.5, -2.0, -0.25], [-1.5, -1.0, -1.0], 2.0, 0.1
        price = -beta * (np.array(new) - np.array(ref))  # -0.1, 0.1, -0.075
        last = np.array([0.0, 0.0, score])
        found = _one_each(answer(score, new, ref, beta), 3)
        expect(
            not _same(found, last - price),
            "The price has the wrong sign: you pay the policy for straying. Take beta x (log pi -"
            " log ref) off.",
        )
        expect(
            not _same(found, price + score),
            "You give the score to every token, so a long reply gets it many times over.",
        )
        expect(
            not _same(found, price + score / 3),
            "You spread the score over the tokens. It is known only at the end, so it stands on the"
            " last token; who deserves it is for the advantages to say.",
        )
        expect(
            not _same(found, price + last[::-1]),
            "The score is on the first token. It belongs to the last one.",
        )
        expect(
            not _same(found, last),
            "Nobody pays for KL. Each token costs beta x (log pi - log ref).",
        )
        expect(
            not _same(found, last + np.array([0, 0, price.sum()])),
            "The sum is right, but the whole price stands at the end. Let each token pay for"
            " itself: it tells which token strayed.",
        )
        expect(
            _same(found, price + last),
            f"It should be {(price + last).round(3).tolist()}; you make {found.tolist()}.",
        )
        return (
            "Their sum is score - beta x KL: the objective, shared out. beta is the price of a nat,"
            " in points."
        )

    return judge("Exercise 2", check)


def check_group_advantages(answer: Callable[[Sequence[float]], Sequence[float]]) -> bool:
    """Exercise 3: GRPO's advantages of one group."""

    def check() -> str:
        scores = np.array([3.0, 1.0, 1.0, -1.0])
        with np.errstate(all="ignore"):
            found = _one_each(answer(scores.tolist()), 4)
            flat = _safely(lambda: answer([2.0, 2.0, 2.0]))
        centred = scores - scores.mean()
        expect(
            not _same(found, scores / scores.std(ddof=1)),
            "Take the group's mean off first: better than *expected*.",
        )
        expect(
            not _same(found, scores / scores.std()),
            "Take the group's mean off first: better than *expected* counts.",
        )
        expect(
            not _same(found, -centred / scores.std()),
            "The sign is turned round: the best reply should be above zero.",
        )
        expect(
            not _same(found, centred),
            "Centred, but not scaled: divide by the group's standard deviation.",
        )
        expect(
            not _same(found, centred / scores.var()),
            "You divide by the variance. The standard deviation is its square root, and has the"
            " unit of the scores.",
        )
        fine = any(
            np.allclose(found, centred / scores.std(ddof=ddof), atol=5e-3) for ddof in (0, 1)
        )
        expect(
            fine,
            f"For scores 3, 1, 1, -1 you return {found.round(3).tolist()}; the two in the middle"
            " should be 0.",
        )
        expect(
            flat is not None and not np.isnan(flat).any(),
            "When all replies score the same, you divide 0 by 0. One such number ruins every weight"
            " of the model. Return zeros: nothing is to be learned from that group.",
        )
        expect(
            _same(flat, np.zeros(3)),
            f"A group of equal scores should get zeros; you give {np.asarray(flat).tolist()}.",
        )
        return (
            "The group is the critic. Watch the share of groups without spread: those taught"
            " nothing."
        )

    return judge("Exercise 3", check)


def _safely(call: Callable[[], object]) -> np.ndarray | None:
    """What an answer returns, or None where it divides by zero."""
    try:
        return np.asarray(call(), float)
    except ZeroDivisionError:
        return None


def check_clipped_gain(answer: Callable[[float, float, float], float]) -> bool:
    """Exercise 4: min(ratio A, clip(ratio) A)."""

    def check() -> str:
        cases = [(1.1, 1.0), (1.5, 1.0), (0.5, 1.0), (1.5, -1.0), (0.5, -1.0), (0.9, -2.0)]
        found = [as_number(answer(ratio, advantage, 0.2)) for ratio, advantage in cases]

        def like(rule: Callable[[float, float, float], float]) -> bool:
            return _same(
                found,
                [rule(ratio, min(max(ratio, 0.8), 1.2), advantage) for ratio, advantage in cases],
            )

        expect(
            not like(lambda r, c, a: -min(r * a, c * a)),
            "That is the loss. Return the gain, which is to be large; the optimiser turns it"
            " round.",
        )
        expect(
            not like(lambda r, c, a: max(r * a, c * a)),
            "You take the larger of the two. With min the gain is never better than it looks: take"
            " the smaller.",
        )
        expect(
            not like(lambda r, c, a: c * a),
            "You always clip. Then a good token that has become rarer (ratio 0.5) pulls no more,"
            " and the mistake stays. The min keeps that pull: min(ratio x A, clipped x A).",
        )
        expect(
            not like(lambda r, c, a: r * a),
            "You never clip: a ratio of 1.5 with A = 1 should gain 1.2, not more.",
        )
        expect(
            not like(lambda r, c, a: min(r, c) * a),
            "You take the min of the ratios and then multiply. For a bad token (A below 0) that is"
            " the wrong one: multiply first, then take the min.",
        )
        expect(
            not like(lambda r, c, a: min(r * a, min(max(r * a, 0.8), 1.2))),
            "You clip the product. Clip the ratio, then multiply by the advantage.",
        )
        right = [min(r * a, min(max(r, 0.8), 1.2) * a) for r, a in cases]
        wrong = next((i for i in range(len(cases)) if not _same(found[i], right[i])), None)
        if wrong is not None:
            ratio, advantage = cases[wrong]
            expect(
                False,
                f"At ratio {ratio} and A = {advantage} it is {right[wrong]:g}; you say"
                f" {found[wrong]:g}.",
            )
        expect(
            _same(answer(1.5, 1.0, 0.3), 1.3),
            "The width of the clip is an argument: use it in place of 0.2.",
        )
        return (
            "Flat is where nothing pulls any more: past the corner, in the direction that the"
            " advantage asks for."
        )

    return judge("Exercise 4", check)


def check_best_of_n_kl(answer: Callable[[int], float]) -> bool:
    """Exercise 5: how far best-of-n is from the start."""

    def check() -> str:
        found = as_number(answer(64))
        right = math.log(64) - 63 / 64
        expect(
            not _same(found, math.log(64)),
            "That is the farthest a choice among 64 could be. Best-of-n does not always write the"
            " same reply: take (n - 1) / n off.",
        )
        expect(
            not _same(found, math.log2(64) - 63 / 64),
            "You use the logarithm of 2. Nats go with math.log.",
        )
        expect(not _same(found, math.log(64) + 63 / 64), "The second part is taken off, not added.")
        expect(
            not _same(found, math.log(64) - 64 / 63),
            "The fraction is upside down: (n - 1) / n. For n = 1 it must be 0.",
        )
        expect(_same(found, right), f"For n = 64 it is {right:.3f} nats; you say {found:.3f}.")
        expect(
            _same(answer(1), 0.0),
            f"The best of one is no choice at all: 0 nats; you say {answer(1)}.",
        )
        return (
            f"{right:.1f} nats for 64 replies, and only {math.log(2) - 0.5:.1f} for two. A run of"
            " RL soon goes ten times as far, to where no sample has ever been."
        )

    return judge("Exercise 5", check)


def check_rubric(samples: Samples, world: World, text: str | None) -> bool:
    """Exercise 6: a rubric whose best of 64 is worth more than `BAR`."""

    def check() -> str:
        if text is None:
            raise NotImplementedError
        expect(
            isinstance(text, str),
            f"Give the rubric as a text of lines in quotes; you give {text!r:.40}.",
        )
        try:
            rubric = read_rubric(text)
        except InklingError as error:
            raise Mistake(str(error)) from error
        points = samples.points(rubric.reward)
        start, gold = best_of(points, samples.gold, [1, 64])[:, 1]
        if gold < BAR:
            kinds = gold_by_kind(samples, points, world)
            worst = min(kinds, key=lambda kind: kinds[kind][1])
            _, reply, *_, fault = favourites(samples, points, world)[0]
            reply = reply if len(reply) <= 60 else reply[:60] + " ..."
            verdict = (
                "It moves nothing"
                if abs(gold - start) < 0.02
                else "It hurts"
                if gold < start
                else "It helps"
            )
            raise Mistake(
                f"{verdict}: from {start:.2f} to {gold:.2f} for the best of 64; the bar is {BAR:g}."
                f" It serves requests of the kind {worst!r} worst. One favourite of it, {reply!r}:"
                f" the fault that it has is {fault!r}. Reward what is wanted once, and make the"
                " rest cost something.",
            )
        return (
            f"From {start:.2f} to {gold:.2f} for the best of 64. It holds against 64 draws of"
            " *this* model. Now give it to the run above, which looks for replies that this model"
            " never writes."
        )

    return judge("Exercise 6", check)

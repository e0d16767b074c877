"""The attention lab: the checks of its exercises. What they measure stands in `attention_heads`."""

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from inkling.labs.attention_heads import Head, cost_of_each_head, head_maps, induction_scores, songs
from inkling.labs.checking import Mistake, expect, judge
from inkling.model.transformer import Transformer
from inkling.text.tokenizer import Tokenizer


def _table(found: Any, shape: tuple[int, ...], what: str) -> Tensor:
    """`found`, if it is a tensor of this shape; otherwise the mistake."""
    expect(found is not None, "You return nothing. End with `return ...`.")
    expect(isinstance(found, Tensor), f"Return a tensor; you return {type(found).__name__}.")
    expect(
        found.shape == shape,
        f"{what} should have the shape {shape}; yours has {tuple(found.shape)}.",
    )
    return found


def check_scores(answer: Callable[[Tensor, Tensor], Tensor]) -> bool:
    """Exercise 1: the scores of queries with keys, divided by the root."""

    def check() -> str:
        generator = torch.Generator().manual_seed(0)
        q, k = torch.randn(3, 16, generator=generator), torch.randn(5, 16, generator=generator)
        right = q @ k.T / 4
        try:
            found = answer(q, k)
        except NotImplementedError:
            raise
        except RuntimeError as error:
            raise Mistake(
                f"PyTorch cannot multiply these ({error}). q is (3, 16) and k is (5, 16): turn k,"
                " so that the sixteens meet. k.T does it."
            ) from error
        expect(
            not (isinstance(found, Tensor) and found.shape == (5, 3)),
            "Your table has a row for each key. Rows are the ones who ask: q comes first.",
        )
        found = _table(found, (3, 5), "The table, a row for each query and a column for each key,")
        close = torch.allclose
        expect(
            not close(found, right * 4),
            "You do not divide. The more numbers a head has, the larger its products get, and"
            " softmax becomes a switch that learns nothing.",
        )
        expect(not close(found, right / 4), "You divide by head_dim itself. It is its square root.")
        expect(
            not close(found, right * 16),
            "You multiply by the root. Divide: long vectors would get larger scores still.",
        )
        expect(
            not close(found, right * 4 / math.sqrt(5)),
            "You divide by the root of the number of keys. It is the root of the length of a key:"
            " q.shape[-1].",
        )
        expect(
            not close(found, right.softmax(-1)),
            "That is the softmax already. Leave it for exercise 3: scores only.",
        )
        expect(
            close(found, right, atol=1e-5),
            f"Score of query 0 with key 0: {right[0, 0]:.3f}; yours {found[0, 0]:.3f}.",
        )
        return (
            "With random vectors the scores now have about the same spread, however long the"
            " vectors are."
        )

    return judge("Exercise 1", check)


def check_mask(answer: Callable[[int], Tensor]) -> bool:
    """Exercise 2: who may look at whom."""

    def check() -> str:
        right = torch.ones(5, 5, dtype=torch.bool).tril()
        found = _table(answer(5), (5, 5), "The mask for 5 tokens")
        expect(
            found.dtype == torch.bool,
            f"The table holds {found.dtype}. Make it booleans: True where one may look.",
        )
        expect(
            not torch.equal(found, ~right),
            "True and False are the wrong way round: True is where a token may look. (Other"
            " libraries use True for 'hidden'. Read their documentation twice.)",
        )
        expect(
            not found.all(),
            "Everybody sees everything, also what comes later. Take the lower triangle.",
        )
        expect(
            not torch.equal(found, right.T),
            "Rows and columns are exchanged: token 0 sees all that comes and the last token only"
            " itself. Row = who looks, column = who is seen.",
        )
        expect(
            not torch.equal(found, right.tril(-1)),
            "The mask is shifted by one: no token sees itself. Token 0 then sees nobody at all, and"
            " a softmax over nothing is NaN.",
        )
        leaks = (found & ~right).nonzero().tolist()
        expect(
            not leaks,
            "The mask is shifted by one:"
            f" {'; '.join(f'token {row} sees token {column}' for row, column in leaks[-1:])}, which"
            " comes later. In training the loss would look wonderful, and the model could not"
            " write.",
        )
        missing = (right & ~found).nonzero().tolist()
        expect(
            not missing,
            f"Token {missing and missing[0][0]} should see token {missing and missing[0][1]} too.",
        )
        single = _table(answer(1), (1, 1), "The mask for 1 token")
        expect(
            torch.equal(single, torch.ones(1, 1, dtype=torch.bool)), "A single token sees itself."
        )
        return (
            "One line of code, and the one whose mistake is the hardest to see: everything looks"
            " better with it."
        )

    return judge("Exercise 2", check)


def check_masked_softmax(answer: Callable[[Tensor, Tensor], Tensor]) -> bool:
    """Exercise 3: from scores to weights, under a mask."""

    def check() -> str:
        scores = torch.randn(4, 4, generator=torch.Generator().manual_seed(1))
        mask = torch.ones(4, 4, dtype=torch.bool).tril()
        right = scores.masked_fill(~mask, -torch.inf).softmax(-1)
        given = scores.clone()
        found = _table(answer(scores, mask), (4, 4), "The table of weights")
        expect(
            torch.equal(given, scores),
            "You change the scores that you were given. Use masked_fill, not masked_fill_.",
        )
        close = torch.allclose
        expect(
            not close(found, scores.softmax(-1)),
            "The mask is not used at all: every token sees what comes after it.",
        )
        hidden = scores.masked_fill(mask, -torch.inf).softmax(-1)
        expect(
            not close(found, hidden, equal_nan=True),
            "You hide what the mask allows. Fill where the mask is False: `~mask`.",
        )
        expect(
            not close(found, scores.masked_fill(~mask, 0.0).softmax(-1)),
            "You fill with 0. A score of 0 is a perfectly good score: exp(0) = 1. Fill with minus"
            " infinity.",
        )
        expect(
            not close(found, scores.softmax(-1) * mask),
            f"You mask after the softmax: row 0 then sums to {found[0].sum():.2f}, not to 1. Mask"
            " the scores first.",
        )
        expect(
            not close(found, scores.masked_fill(~mask, -torch.inf).softmax(0), equal_nan=True),
            "Your columns sum to 1. The softmax goes along a row, over what one query sees:"
            " dim=-1.",
        )
        sums = found.sum(-1)
        off = int((sums - 1).abs().nan_to_num(1.0).argmax())
        expect(
            close(sums, torch.ones(4), atol=1e-4),
            f"Row {off} sums to {sums[off]:.2f}, not to 1. Divide each row by its own sum: sum(-1,"
            " keepdim=True) keeps the sums in a column, beside their rows.",
        )
        shown = [
            ", ".join(f"{weight:.3f}" for weight in table[1].tolist()) for table in (right, found)
        ]
        expect(close(found, right, atol=1e-5), f"Row 1 should be {shown[0]}; yours is {shown[1]}.")
        expect(
            bool(answer(scores * 1000, mask).isfinite().all()),
            "With scores a thousand times as large you get NaN: exp overflows. torch's softmax"
            " subtracts the largest score first; so should you.",
        )
        return (
            "Every row sums to 1, the future weighs exactly 0, and the rest keeps its proportions."
        )

    return judge("Exercise 3", check)


def check_copying_head(answer: Callable[[Tensor, Tensor], Tensor]) -> bool:
    """Exercise 4: a head that copies what followed last time."""

    def check() -> str:
        ids = torch.tensor([3, 0, 4, 1, 2] * 2)
        now = F.one_hot(ids, 7).float()  # (10, 7)
        before = torch.cat([torch.zeros(1, 7), now[:-1]])
        found = answer(now, before)
        expect(
            not (isinstance(found, Tensor) and found.shape == (10, 10)),
            "You return the table of weights. Return what the head reads with it: weights @"
            " values.",
        )
        found = _table(
            found, (10, 7), "The output, a row for each token and a column for each name,"
        )
        expect(
            bool(found.isfinite().all()),
            "There is NaN in your output. Does each token see at least itself?",
        )

        def reads(place: int) -> int | None:
            return int(found[place].argmax()) if found[place].max() > 0.9 else None

        expect(
            reads(1) != 4,
            "In the first round the head knows already what comes next: it looks at a later token."
            " Where is the mask?",
        )
        expect(
            not (reads(1) == 0 and reads(7) != 1),
            "Each name finds itself. Keys must be the name *before*: you look for the place whose"
            " forerunner you are.",
        )
        expect(
            reads(7) != 4,
            "It looks at the right place and reads the wrong thing there: the forerunner, which is"
            " the name that asks. The values are `now`.",
        )
        expect(
            reads(7) != 0,
            "It reads the name that came before. Queries and keys are exchanged: ask with `now`, be"
            " found by `before`.",
        )
        expect(
            not (int(found[7].argmax()) == 1 and reads(7) is None),
            f"The right name is ahead, with only {found[7].max():.0%}. Softmax is soft: multiply"
            " the queries by 20 or more, so that one place gets nearly all.",
        )
        expect(
            [reads(place) for place in (5, 6, 7, 8)] == [0, 4, 1, 2],
            "After 3 0 4 1 2, the second 3 0 4 1 should read 0 4 1 2 with weights above 0.9; yours"
            f" reads {[int(row.argmax()) for row in found[5:9]]}.",
        )
        return (
            "That is an induction head, without training: it works for names that it has never seen"
            " together."
        )

    return judge("Exercise 4", check)


def check_induction_score(answer: Callable[[Tensor, list[int]], float]) -> bool:
    """Exercise 5: how much a head looks at what followed last time."""

    def check() -> str:
        ids = [4, 1, 5, 4, 1, 2, 4, 5]
        scores = torch.randn(8, 8, generator=torch.Generator().manual_seed(2))
        weights = scores.masked_fill(torch.ones(8, 8).triu(1).bool(), -torch.inf).softmax(-1)
        asks = [t for t in range(8) if ids[t] in ids[:t]]
        last = {t: max(s for s in range(t) if ids[s] == ids[t]) for t in asks}
        try:
            found = answer(weights, ids)
            nothing = answer(weights[:3, :3], [7, 8, 9])
        except ZeroDivisionError as error:
            raise Mistake(
                "You divide by zero when no token occurs twice. Return 0.0 then."
            ) from error
        expect(isinstance(found, int | float | Tensor), f"Return a number; you return {found!r}.")
        found = float(found)

        def close(values: list, count: int) -> bool:
            return math.isclose(found, sum(map(float, values)) / count, rel_tol=1e-4, abs_tol=1e-6)

        right = [weights[t, last[t] + 1] for t in asks]
        expect(
            not close([weights[t, last[t]] for t in asks], len(asks)),
            "You look at the earlier copy itself. An induction head looks one place further: + 1.",
        )
        expect(
            not close([weights[t, ids.index(ids[t]) + 1] for t in asks], len(asks)),
            "You take the first earlier copy. Where a token stood several times before, take the"
            " last of them.",
        )
        expect(
            not close(right, 8),
            "You share out over all tokens. Tokens that did not occur before do not count.",
        )
        expect(
            not close(right, 1),
            "That is the sum. Take the mean over the tokens that occurred before.",
        )
        expect(
            not close([weights[last[t] + 1, t] for t in asks], len(asks)),
            "Row and column are exchanged: weights[who looks, who is seen], so the later place"
            " comes first.",
        )
        expect(
            not close([weights[t, t - 1] for t in range(1, 8)], 7),
            "That is the weight on the token just before: the score of a previous-token head.",
        )
        expect(
            close(right, len(asks)),
            f"For the check's table it is {sum(right) / len(asks):.4f}; you say {found:.4f}.",
        )
        expect(
            float(nothing) == 0.0, f"Where no token occurs twice, return 0.0; you return {nothing}."
        )
        return (
            "With this one function people found such heads in models a hundred thousand times as"
            " large."
        )

    return judge("Exercise 5", check)


def check_most_expensive(model: Transformer, tokenizer: Tokenizer, answer: Head | None) -> bool:
    """Exercise 6: the single head that the second line needs most."""

    def check() -> str:
        if answer is None:
            raise NotImplementedError
        expect(
            isinstance(answer, tuple)
            and len(answer) == 2
            and all(isinstance(part, int) for part in answer),
            f"Give a pair, (layer, head), such as (0, 2); you give {answer!r}.",
        )
        sung = songs(tokenizer, seed=100, n_songs=6)
        costs = cost_of_each_head(model, sung)
        n_layers, n_heads = model.config.n_layers, model.config.n_heads
        expect(
            answer in costs,
            f"There is no such head: layers go from 0 to {n_layers - 1}, heads from 0 to"
            f" {n_heads - 1}.",
        )
        scores = induction_scores(model, sung)
        best, score, cost = (
            max(costs, key=lambda head: costs[head]),
            float(scores[answer]),
            costs[answer],
        )
        expect(
            answer == best or score < 0.5,
            f"It has a high induction score ({score:.2f}), and without it the loss rises by only"
            f" {cost:.2f} nats: other heads do the same job and stand in. Which head do all of them"
            " depend on?",
        )
        expect(
            answer == best or cost < 1,
            f"A good find: it costs {cost:.2f} nats, although its induction score is {score:.2f}."
            " But one other head costs more.",
        )
        expect(
            answer == best,
            f"Without it the loss rises by {cost:.2f} nats, and there is a head that costs far"
            " more. Press the button that tries each head.",
        )
        maps = head_maps(model, sung.ids)[:, best[0], best[1]]
        back = maps[:, sung.second, sung.second - 1].mean()
        return (
            f"It costs {cost:.2f} nats. Its own induction score is {score:.2f}: it puts {back:.0%}"
            " of its weight on the name before. It finds nothing itself; it tells every name who"
            " stood before, and the others need that."
        )

    return judge("Exercise 6", check)

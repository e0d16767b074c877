"""The checks of the pre-training lab: what is right, or the mistake that was probably made."""

import math
import numbers
from collections.abc import Callable, Sequence

import numpy as np
import torch

from inkling.files import InklingError
from inkling.labs.checking import Mistake, expect, judge


def check_batch(answer: Callable) -> bool:
    """Exercise 1: inputs and the tokens that follow them."""

    def check() -> str:
        tokens = np.arange(100, 160)
        found = answer(tokens, [5, 20], 4)
        expect(found is not None, "You return nothing. End with `return inputs, targets`.")
        expect(
            isinstance(found, tuple | list) and len(found) == 2,
            "Return two things, inputs and targets, each with one row for each start.",
        )
        inputs, targets = (np.asarray(part) for part in found)
        for name, part in (("inputs", inputs), ("targets", targets)):
            expect(
                part.shape == (2, 4),
                f"Two starts and a length of 4 make {name} of shape (2, 4); yours are {part.shape}."
                " To have 4 inputs and 4 targets, read 5 tokens.",
            )
        right_inputs = np.array([[105, 106, 107, 108], [120, 121, 122, 123]])
        expect(
            not (inputs == right_inputs + 1).all() or not (targets == right_inputs).all(),
            "Inputs and targets are swapped: your model is asked for the token before. Targets are"
            " what comes next.",
        )
        expect(
            (inputs == right_inputs).all(),
            f"The inputs from start 5 are 105 106 107 108; yours {inputs[0]}.",
        )
        expect(
            not (targets == inputs).all(),
            "The targets are the inputs: nothing is shifted. A model learns to copy, and its loss"
            " falls to zero in no time. That joyful curve is how one notices.",
        )
        expect(
            not (targets == right_inputs - 1).all(),
            "The targets are shifted the wrong way: each is the token before, which the model has"
            " already seen.",
        )
        expect(
            not (targets == right_inputs + 2).all(),
            "The targets are shifted twice: the model guesses the token after next. Its loss is"
            " merely a bit high, which makes this one hard to see.",
        )
        expect(
            not (targets[:, -1] == inputs[:, 0]).all(),
            "The last target is the row's own first token: you rolled the row round. The last"
            " target lies outside of the inputs, one token further.",
        )
        expect(
            (targets == right_inputs + 1).all(),
            f"The targets of 105 106 107 108 are 106 ... 109; yours {targets[0]}.",
        )
        return (
            "Of 5 tokens a row makes 4 exercises at once. That is why pre-training reads so fast."
        )

    return judge("Exercise 1", check)


def check_schedule(answer: Callable[[int, int, int, int], float]) -> bool:
    """Exercise 2: up, flat, and down to zero."""

    def check() -> str:
        def scale(step: int) -> float:
            found = answer(step, 100, 10, 20)
            expect(
                isinstance(found, numbers.Real),
                f"Return a number between 0 and 1; at step {step} it is {found!r}.",
            )
            return float(found)

        first = scale(0)
        expect(
            first != 0,
            "The warm-up begins at zero, so the first step moves no weight: a batch is read for"
            " nothing. The steps count from 0; let the warm-up climb by (step + 1).",
        )
        expect(
            math.isclose(first, 0.1),
            f"The first of 10 warm-up steps has a tenth of the peak; yours {first:.3f}.",
        )
        expect(
            math.isclose(scale(9), 1),
            f"The tenth warm-up step, step 9, is at the peak; yours at {scale(9):.3f}.",
        )
        expect(
            max(map(scale, range(100))) <= 1 + 1e-9,
            "Somewhere you go above the peak. Cap it: min(1, ...).",
        )
        flat = scale(50)
        expect(
            not 0.05 < flat < 0.95,
            f"Half-way, at step 50, it is already down to {flat:.2f}. It stays at the peak until"
            " only the last `decay` steps remain.",
        )
        last = scale(99)
        expect(
            not math.isclose(last, 1),
            "It never comes down: at the last step, 99, it is still at the peak. The model goes on"
            " circling.",
        )
        expect(
            last > 0,
            "The last step, 99, has a rate of zero (or below): a step for nothing. With 20 steps to"
            " fall, the last has 1/20: steps - step is 1 there.",
        )
        expect(
            math.isclose(last, 0.05),
            f"The last of 20 falling steps has 1/20 of the peak; yours {last:.3f}. The fall takes"
            " `decay` steps.",
        )
        expect(
            math.isclose(scale(80), 1),
            f"At step 80 exactly 20 steps remain: still 1; yours {scale(80):.3f}.",
        )
        expect(
            math.isclose(scale(90), 0.5),
            f"At step 90 half of the fall is done; yours {scale(90):.3f}.",
        )
        return (
            "Of 100 steps none is wasted. Nobody has to know at the start when the flat part will"
            " end."
        )

    return judge("Exercise 2", check)


def check_clip(answer: Callable[[list[torch.Tensor], float], list[torch.Tensor]]) -> bool:
    """Exercise 3: shorten all gradients together."""

    def check() -> str:
        gradients = [torch.tensor([3.0, 0.0]), torch.tensor([[0.0], [4.0]])]
        copies = [gradient.clone() for gradient in gradients]
        found = answer(gradients, 1.0)
        expect(found is not None, "You return nothing. Return the list of clipped gradients.")
        expect(
            all(torch.equal(a, b) for a, b in zip(gradients, copies, strict=True)),
            "You change the gradients that you were given. Make new ones: g * factor, not g *="
            " factor.",
        )
        expect(
            isinstance(found, list | tuple) and [tuple(g.shape) for g in found] == [(2,), (2, 1)],
            "Return one gradient for each that came in, with its shape.",
        )
        flat = torch.cat([g.flatten() for g in found]).tolist()

        def close(*values: float) -> bool:
            return np.allclose(flat, values, atol=1e-4)

        expect(
            not close(1, 0, 0, 1) or close(0.6, 0, 0, 0.8),
            "Each tensor (or each number) is cut for itself: 3 and 4 both become 1, and the"
            " direction is another. Measure one length over all of them, and shorten them by the"
            " same factor.",
        )
        expect(
            not close(3 / 7, 0, 0, 4 / 7),
            "You add up the tensors' lengths, 3 + 4 = 7. The length of the whole is the root of the"
            " sum of squares: 5.",
        )
        expect(
            not close(3 / 25, 0, 0, 4 / 25),
            "You forgot the square root: 9 + 16 = 25 is the length squared.",
        )
        expect(
            not close(15, 0, 0, 20),
            "You multiply by length / max_norm: that makes it longer. Turn it round.",
        )
        expect(
            close(0.6, 0, 0, 0.8),
            "3 and 4 have length 5 together; shortened to 1 they are 0.6 and 0.8. Yours: "
            f"{flat[0]:.3f} and {flat[3]:.3f}.",
        )
        small = answer([torch.tensor([0.3, 0.4])], 1.0)[0].tolist()
        expect(
            np.allclose(small, [0.3, 0.4], atol=1e-4),
            "A gradient of length 0.5 is short enough and stays; you make it"
            f" {math.hypot(*small):.2f} long. Clipping only shortens: the factor is at most 1.",
        )
        zero = answer([torch.zeros(2)], 1.0)[0]
        expect(
            bool(torch.isfinite(zero).all()),
            "A gradient of zeros becomes NaN: 0 / 0. Shorten only what is longer.",
        )
        return "The direction is kept, the length is not: one odd batch cannot undo an hour."

    return judge("Exercise 3", check)


def check_power_law(
    answer: Callable[[Sequence[float], Sequence[float]], tuple[float, float]],
) -> bool:
    """Exercise 4: the two numbers of loss = a * size ** -b."""

    def check() -> str:
        a, b = 12.0, 0.12
        sizes = [1e4, 3e4, 1e5, 3e5]
        losses = [a * size**-b for size in sizes]
        found = answer(sizes, losses)
        expect(
            isinstance(found, tuple | list | np.ndarray) and len(found) == 2,
            f"Return two numbers, a and b; you return {found!r}.",
        )
        left, right = (float(value) for value in found)

        def near(pair: tuple[float, float]) -> bool:
            return math.isclose(left, pair[0], rel_tol=1e-3) and math.isclose(
                right, pair[1], rel_tol=1e-3
            )

        expect(not near((b, a)), "a and b are the wrong way round: a, the factor, comes first.")
        expect(
            not math.isclose(right, -b, rel_tol=1e-3),
            "b has the wrong sign. The slope of the line is -b, since the loss falls, and b itself"
            " is positive.",
        )
        expect(
            not near((math.log(a), b)),
            "a is still a logarithm: the line meets the axis at log a. Undo it with exp.",
        )
        expect(
            not near((math.exp(math.log10(a)), b)) and not near((10 ** math.log(a), b)),
            "Two kinds of logarithm are mixed: log10 goes with 10 ** x, and log with exp. (The"
            " slope does not mind.)",
        )
        slope = np.polyfit(sizes, losses, 1)[0]
        expect(
            not math.isclose(right, -slope, rel_tol=1e-3),
            "You fit a straight line to the numbers themselves. Take the logarithm of both first.",
        )
        half = np.polyfit(np.log(sizes), losses, 1)[0], np.polyfit(sizes, np.log(losses), 1)[0]
        expect(
            not any(math.isclose(right, -slope, rel_tol=1e-3) for slope in half),
            "Only one of the two is a logarithm. A power law is straight when both are.",
        )
        expect(
            not math.isclose(right, 1 / b, rel_tol=1e-3),
            "Your line goes the other way: size as a function of loss. polyfit takes across first,"
            " then up.",
        )
        expect(
            near((a, b)),
            f"For losses made with a = {a:g} and b = {b} you find a = {left:.4g}, b = {right:.4g}.",
        )
        return (
            f"With b = {b}, ten times the size takes the loss down to {10**-b:.0%} of what it was."
        )

    return judge("Exercise 4", check)


def check_training_days(answer: Callable[[float, float, float], float]) -> bool:
    """Exercise 5: how long a training run takes."""

    def check() -> str:
        n, d, speed = 1e9, 2e10, 1e14
        found = answer(n, d, speed)
        expect(isinstance(found, numbers.Real), f"Return a number; you return {found!r}.")
        right = 6 * n * d / speed / 86_400

        def close(value: float) -> bool:
            return math.isclose(found, value, rel_tol=1e-3)

        expect(
            not close(right / 3),
            "2 operations a weight and token are the forward pass only. The backward pass costs"
            " twice that again: 6.",
        )
        expect(
            not close(right * 2 / 3),
            "4 is the backward pass alone. Add the forward pass: 2 + 4 = 6.",
        )
        expect(
            not close(right / 6),
            "You count one operation for each weight and token. It is 6: 2 forward, 4 backward.",
        )
        expect(not close(right * 86_400), "That is in seconds. A day has 86,400 of them.")
        expect(not close(right * 24), "That is in hours. A day has 24 of them.")
        expect(
            not close(right * 60),
            "You are a factor of 60 too high. A day is 24 x 60 x 60 seconds: 86,400.",
        )
        expect(not close(6 * n * d), "That is the work, not the time: divide by the speed.")
        expect(
            close(right),
            f"A billion weights, 20 billion tokens, 1e14 a second: {right:.1f} days; you say"
            f" {found:.4g}.",
        )
        giant = answer(405e9, 15.6e12, 1e14)
        return (
            f"{found:.0f} days on one such chip. Llama 3's largest (405 billion weights, 15.6"
            f" trillion tokens) would take {giant / 365:,.0f} years on it: hence thousands at once."
        )

    return judge("Exercise 5", check)


def check_rate(race_to: Callable[[float], float], bar: float, rate: float | None) -> bool:
    """Exercise 6: a learning rate that brings the larger model under the bar.

    Args:
        race_to: trains a short run at a learning rate and returns its final loss.
        bar: the loss to reach.
        rate: the reader's answer.
    """

    def check() -> str:
        if rate is None:
            raise NotImplementedError
        expect(
            isinstance(rate, numbers.Real) and not isinstance(rate, bool) and math.isfinite(rate),
            f"Give a number, such as 0.1; you gave {rate!r}.",
        )
        expect(
            rate != 0,
            "With a learning rate of 0 no weight ever moves, and the loss stays where it began.",
        )
        expect(rate > 0, "With a negative learning rate every step goes uphill.")
        try:
            end = race_to(float(rate))
        except InklingError as error:
            raise Mistake(f"No run can begin with that: {error}") from error
        expect(
            math.isfinite(end),
            f"At {rate:g} the run blows up: far too large. Go down by a factor of ten.",
        )
        if end <= bar:
            return (
                f"It ends at {end:.2f}, and the bar is {bar:.2f}. The valley is some factor of"
                " three wide."
            )
        # Which side of the valley? A slightly smaller rate tells.
        lower = race_to(float(rate) / 3)
        side = (
            "A third of it does better: you are to the right of the valley, where steps are so"
            " large that they overshoot. Go down."
            if lower < end
            else (
                "A third of it does worse: you are to the left of the valley, where the steps are"
                " too small to get anywhere in so short a run. Go up."
            )
        )
        expect(False, f"It ends at {end:.2f}, above the bar of {bar:.2f}. {side}")
        return ""

    return judge("Exercise 6", check)

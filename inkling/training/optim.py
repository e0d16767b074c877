"""Who updates which weight: Muon for the matrices inside the blocks, AdamW for
everything else. And one update.
"""

import functools
import math
from collections.abc import Sequence

import torch
from torch import nn

from inkling.files import InklingError


@functools.cache
def fast_bfloat16(device: str = "cpu") -> bool:
    """Whether products of bfloat16 matrices are worth it on this kind of device ("cpu",
    "cuda").

    A processor without instructions for them, as in most laptops, has to make them up:
    ten to thirty times slower than float32, in silence.
    """
    if device != "cpu":
        return True
    # an older torch cannot tell; float32 is never far slower
    abilities = getattr(torch.cpu, "get_capabilities", dict)()
    return any(abilities.get(name, False) for name in ("avx512_bf16", "amx_tile"))


# a torch before 2.9 has no Muon, and then nobody asks for this class
_Muon = getattr(torch.optim, "Muon", torch.optim.Optimizer)


class Float32Muon(_Muon):  # pyright: ignore[reportGeneralTypeIssues]  looked up above
    """`torch.optim.Muon`, which counts in bfloat16, for processors where that is slow:
    the same steps in float32.
    """

    @torch.no_grad()
    def step(self) -> None:
        """One update of every matrix that has a gradient."""
        for group in self.param_groups:
            a, b, c = group["ns_coefficients"]
            for weight in (
                weight for weight in group["params"] if weight.grad is not None
            ):
                state = self.state[weight]
                if "momentum_buffer" not in state:
                    state["momentum_buffer"] = torch.zeros_like(weight)
                average = state["momentum_buffer"].lerp_(
                    weight.grad, 1 - group["momentum"]
                )
                update = (
                    weight.grad.lerp(average, group["momentum"])
                    if group["nesterov"]
                    else average
                )
                rows, columns = update.shape
                x = update.T if rows > columns else update
                x = x / x.norm().clamp(min=group["eps"])
                # Newton-Schulz: a polynomial that draws all singular values to 1
                for _ in range(group["ns_steps"]):
                    gram = x @ x.T
                    x = a * x + (b * gram + c * gram @ gram) @ x
                weight.mul_(1 - group["lr"] * group["weight_decay"])
                weight.add_(
                    x.T if rows > columns else x,
                    alpha=-group["lr"] * math.sqrt(max(1, rows / columns)),
                )


def make_optimizers(
    model: nn.Module,
    kind: str = "muon",
    learning_rate: float = 5e-3,
    muon_learning_rate: float = 0.02,
    weight_decay: float = 0.1,
    betas: tuple[float, float] = (0.9, 0.95),
    precision: str = "auto",
) -> list[torch.optim.Optimizer]:
    """The optimizers of one model: `[AdamW]` for kind "adamw", `[AdamW, Muon]` for kind
    "muon".

    A weight matrix inside a block turns one hidden vector into another. Muon (Jordan et
    al. 2024, https://kellerjordan.github.io/posts/muon/) was made for those: it takes
    the averaged gradient and makes all its singular values about equal, so that rare
    directions are learned as fast as common ones. The embedding is a table and the
    norms' gains are vectors; both stay with AdamW (Loshchilov and Hutter 2019). Only
    hidden matrices decay.

    Each parameter group keeps its peak learning rate under "peak_lr"; `update` sets
    "lr" from it at each step. A gradient that was left in the model is wiped.
    precision: "fp32" has Muon count in float32 also where bfloat16 is fast. Raises
    `InklingError` for an unknown kind, and when Muon is asked of a torch older than
    2.9, which has none.
    """
    if kind not in ("adamw", "muon"):
        raise InklingError(f"unknown optimizer {kind!r}: choose 'muon' or 'adamw'.")
    # Tables are 2-D too, so they are told apart by their owner; a tied head is the
    # embedding itself, listed once.
    tables = {
        id(module.weight)
        for module in model.modules()
        if isinstance(module, nn.Embedding)
    }
    head = getattr(model, "lm_head", None)
    if head is not None:
        tables.add(id(head.weight))
    model.zero_grad()
    hidden, others = [], []
    for parameter in model.parameters():
        (
            hidden if parameter.ndim == 2 and id(parameter) not in tables else others
        ).append(parameter)

    def group(parameters: list[nn.Parameter], lr: float, decay: float) -> dict:
        return {"params": parameters, "lr": lr, "peak_lr": lr, "weight_decay": decay}

    groups = [group(others, learning_rate, 0.0)]
    if kind == "adamw":
        groups.append(group(hidden, learning_rate, weight_decay))
        return [torch.optim.AdamW(groups, betas=betas)]
    if not hasattr(torch.optim, "Muon"):
        raise InklingError(
            f"torch {torch.__version__} has no Muon; it came with torch 2.9. "
            "Install a newer torch, or train with optimizer='adamw'."
        )
    half = precision != "fp32" and fast_bfloat16(next(model.parameters()).device.type)
    muon_class = torch.optim.Muon if half else Float32Muon
    muon = muon_class(
        [group(hidden, muon_learning_rate, weight_decay)], momentum=0.95, nesterov=True
    )
    return [torch.optim.AdamW(groups, betas=betas), muon]


def schedule(
    step: int, n_steps: int, warmup: int = 1, decay_fraction: float = 1.0
) -> float:
    """The share of the peak learning rate at `step` (from 0): up over the warm-up,
    flat, then straight down to zero.

    warmup: steps. decay_fraction: share of the run, at its end, over which the rate
    falls: 1 is the linear schedule; less is warm-up, stable, decay (Hu et al. 2024,
    MiniCPM, section 4).
    """
    up = (step + 1) / max(1, warmup)
    down = (n_steps - step) / max(1.0, decay_fraction * n_steps)
    return min(1.0, up, down)


def update(
    model: nn.Module,
    optimizers: Sequence[torch.optim.Optimizer],
    loss: float,
    step: int,
    *,
    scale: float = 1.0,
    grad_clip: float = 1.0,
) -> float:
    """One update of the weights by the gradient that `loss.backward()` left in them, at
    `scale` times the peak learning rate; returns the gradient's length.

    The gradient of all weights together is shortened to `grad_clip` where it is longer,
    and wiped when it has been used. Raises `InklingError`, and changes no weight, when
    the loss or its gradient is no number; `step` (from 0) is for the message.
    """
    norm = nn.utils.clip_grad_norm_(model.parameters(), grad_clip).item()
    if not math.isfinite(loss + norm):
        raise InklingError(
            f"the loss is {loss} at step {step + 1} and the gradient's length {norm}:"
            " training blew up. Lower the learning rate, or warm up for longer, or look"
            " for a number that is none in what it learns from."
        )
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group["peak_lr"] * scale
        optimizer.step()
        optimizer.zero_grad()
    return norm

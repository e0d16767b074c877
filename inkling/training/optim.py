"""Who updates which weight: Muon for the matrices inside the blocks, AdamW for
everything else. And one update.
"""

import functools
import math

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
    tests = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return device != "cpu" or any(
        getattr(torch.cpu, test, lambda: False)() for test in tests
    )


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
) -> list[torch.optim.Optimizer]:
    """The optimizers of one model: `[AdamW]` for kind "adamw", `[AdamW, Muon]` for kind
    "muon".

    A weight matrix inside a block turns one hidden vector into another. Muon (Jordan et
    al. 2024, https://kellerjordan.github.io/posts/muon/) was made for those: it takes
    the averaged gradient and makes all its singular values about equal, so that rare
    directions are learned as fast as common ones. The embedding is a table and the
    norms' gains are vectors; both stay with AdamW (Loshchilov and Hutter 2019). Only
    hidden matrices decay.

    Each parameter group keeps its peak learning rate under "peak_lr"; the training loop
    sets "lr" from it at each step. Raises `InklingError` for an unknown kind, and when
    Muon is asked of a torch older than 2.9, which has none.
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
    muon_class = (
        torch.optim.Muon
        if fast_bfloat16(next(model.parameters()).device.type)
        else Float32Muon
    )
    muon = muon_class(
        [group(hidden, muon_learning_rate, weight_decay)], momentum=0.95, nesterov=True
    )
    return [torch.optim.AdamW(groups, betas=betas), muon]


def take_step(
    loss: torch.Tensor,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    grad_clip: float,
    step: int,
    scale: float = 1.0,
) -> None:
    """One update by the gradient of `loss`, shortened to `grad_clip`, at `scale` times
    the peak learning rate.

    Raises `InklingError`, and changes no weight, when the loss or its gradient is no
    number; `step` is for the message.
    """
    optimizer.zero_grad()
    loss.backward()
    norm = nn.utils.clip_grad_norm_(model.parameters(), grad_clip)
    if not math.isfinite(loss.item() + norm.item()):
        raise InklingError(
            f"the loss is {loss.item()} at step {step} and the gradient's length"
            f" {norm.item()}: training blew up. Lower the learning rate, or look for a"
            " number that is none in what it learns from."
        )
    for group in optimizer.param_groups:
        group["lr"] = group["peak_lr"] * scale
    optimizer.step()

"""Who updates which weight: Muon for the matrices inside the blocks, AdamW for everything else. And one update."""

import math

import torch
from torch import nn

from inkling.files import InklingError


def make_optimizers(
    model: nn.Module,
    kind: str = "muon",
    learning_rate: float = 5e-3,
    muon_learning_rate: float = 0.02,
    weight_decay: float = 0.1,
    betas: tuple[float, float] = (0.9, 0.95),
) -> list[torch.optim.Optimizer]:
    """The optimizers of one model: `[AdamW]` for kind "adamw", `[AdamW, Muon]` for kind "muon".

    A weight matrix inside a block turns one hidden vector into another. Muon (Jordan et al. 2024,
    https://kellerjordan.github.io/posts/muon/) was made for those: it takes the averaged gradient and makes all its
    singular values about equal, so that rare directions are learned as fast as common ones. The embedding is a table
    and the norms' gains are vectors; both stay with AdamW (Loshchilov and Hutter 2019). Only hidden matrices decay.

    Each parameter group keeps its peak learning rate under "peak_lr"; the training loop sets "lr" from it at each step.
    Raises `InklingError` for an unknown kind, and when Muon is asked of a torch older than 2.9, which has none.
    """
    if kind not in ("adamw", "muon"):
        raise InklingError(f"unknown optimizer {kind!r}: choose 'muon' or 'adamw'.")
    # Tables are 2-D too, so they are told apart by their owner; a tied head is the embedding itself, listed once.
    tables = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)}
    if getattr(model, "lm_head", None) is not None:
        tables.add(id(model.lm_head.weight))
    hidden, others = [], []
    for parameter in model.parameters():
        (hidden if parameter.ndim == 2 and id(parameter) not in tables else others).append(parameter)

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
    muon = torch.optim.Muon([group(hidden, muon_learning_rate, weight_decay)], momentum=0.95, nesterov=True)
    return [torch.optim.AdamW(groups, betas=betas), muon]


def take_step(
    loss: torch.Tensor,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    grad_clip: float,
    step: int,
    scale: float = 1.0,
) -> None:
    """One update by the gradient of `loss`, shortened to `grad_clip`, at `scale` times the peak learning rate.

    Raises `InklingError`, and changes no weight, when the loss or its gradient is no number; `step` is for the message.
    """
    optimizer.zero_grad()
    loss.backward()
    norm = nn.utils.clip_grad_norm_(model.parameters(), grad_clip)
    if not math.isfinite(loss.item() + norm.item()):
        raise InklingError(
            f"the loss is {loss.item()} at step {step} and the gradient's length {norm.item()}: training blew up. "
            "Lower the learning rate, or look for a number that is none in what it learns from."
        )
    for group in optimizer.param_groups:
        group["lr"] = group["peak_lr"] * scale
    optimizer.step()

"""Twenty plain updates of every stage: its own batches, losses, masks and optimizers,
at the full rate, in float32, on one thread.

A schedule hides a wrong rate for as long as it warms up, and two processes, bfloat16
and what comes before in a run all move a loss. Without them the losses are the same on
every machine, to a thousandth, as long as the source does the same.
"""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from inkling.assistant.chat import pad_id, prepare_roles
from inkling.assistant.ppo import (
    ActorCritic,
    PPOConfig,
    look_back,
    minibatches,
    ppo_loss,
)
from inkling.assistant.reward import RewardConfig, RewardModel, bradley_terry_loss
from inkling.assistant.sft import SFTConfig, pack_chats, sft_loss
from inkling.files import InklingError
from inkling.model.transformer import Transformer
from inkling.reading.embedder import Embedder, EmbedderConfig, info_nce
from inkling.reading.lessons import ReadingConfig, inputs_and_targets
from inkling.recipe.first_batches import FirstBatches, chat_again
from inkling.text.tokenizer import Tokenizer
from inkling.training.optim import make_optimizers, update
from inkling.training.packing import IGNORE, pad_rows
from inkling.training.pretrain import TrainConfig, accumulate_gradient
from inkling.training.processes import one_thread

#: How far what is found may be from what the card says: the losses by so much, all else
#: by such a share of itself.
MOST_APART = {
    "first_losses": 1e-3,
    "first_lengths": 1e-2,
    "first_move": 1e-2,
    "first_decay": 1e-2,
}

#: Leaves the gradient of an update in the weights, and gives its loss.
Updates = Iterator[float]


def optimizers_of(learner: nn.Module, config: Any) -> list[torch.optim.Optimizer]:
    """The optimizers that a trainer makes by its settings, in float32. What these do
    not name has the trainers' values: AdamW, and no decay.
    """
    given = {
        name: getattr(config, name)
        for name in ("learning_rate", "muon_learning_rate", "weight_decay", "betas")
        if hasattr(config, name)
    }
    kind = getattr(config, "optimizer", "adamw")
    settings = {"kind": kind, "weight_decay": 0.0, "precision": "fp32"} | given
    return make_optimizers(learner, **settings)


def hidden_norm(learner: nn.Module) -> float:
    """The length of all hidden matrices together, which are what decays."""
    groups = optimizers_of(learner, TrainConfig())[1].param_groups
    weights = [weight.detach().double() for weight in groups[0]["params"]]
    return float(
        torch.stack([weight.square().sum() for weight in weights]).sum().sqrt()
    )


def decay_of(learner: nn.Module, config: Any) -> float:
    """By what share one update shortens hidden matrices whose gradient is zero.

    Twenty losses do not see a decay that is wrong by a twentieth: at a rate of 0.014 it
    moves a weight by a ten-thousandth of itself. This does.
    """
    idle, before = deepcopy(learner), hidden_norm(learner)
    optimizers = optimizers_of(idle, config)
    for weight in idle.parameters():
        weight.grad = torch.zeros_like(weight) if weight.requires_grad else None
    update(idle, optimizers, 0.0, 0, grad_clip=config.grad_clip)
    return 1 - hidden_norm(idle) / before


def gradient_length(learner: nn.Module) -> float:
    """The length of the gradient of all weights together."""
    gradients = [w.grad for w in learner.parameters() if w.grad is not None]
    return float(torch.stack([each.square().sum() for each in gradients]).sum().sqrt())


def play(learner: nn.Module, gradients: Updates, config: Any) -> dict:
    """Update `learner` in place by each gradient, and say what came of it:
    "first_losses"; "first_lengths", of the gradients as the optimizers get them (Adam
    and Muon make the same step of a gradient of any length, so that losses do not see a
    wrong clip); "first_move", how far the weights went, as a share of their length; and
    "first_decay" (`decay_of`).
    """
    with one_thread():
        before = {k: v.detach().double().clone() for k, v in learner.named_parameters()}
        optimizers, losses, lengths = optimizers_of(learner, config), [], []
        decay = decay_of(learner, config)

        def note(*_: object) -> None:
            lengths.append(gradient_length(learner))

        optimizers[0].register_step_pre_hook(note)
        for step, loss in enumerate(gradients):
            update(learner, optimizers, loss, step, grad_clip=config.grad_clip)
            losses.append(loss)
        moved = length = 0.0
        for name, weight in learner.named_parameters():
            moved += float((weight.detach().double() - before[name]).square().sum())
            length += float(before[name].square().sum())
    return {
        "first_losses": losses,
        "first_lengths": lengths,
        "first_move": (moved / length) ** 0.5,
        "first_decay": decay,
    }


def differences(card: dict, found: dict) -> list[str]:
    """Where the updates on a card and those made again (`play`) are not the same, in
    words. Raises `InklingError` where the card says nothing of them.
    """
    wrong = []
    for name, most in MOST_APART.items():
        if name not in card:
            raise InklingError(
                f"the card says nothing of its {name}: it was written by an older"
                " source. Make the stage again, with the one that is here."
            )
        before, now = np.atleast_1d(card[name]), np.atleast_1d(found[name])
        if before.shape != now.shape:
            wrong.append(f"{name}: {len(before)} on the card, {len(now)} made again")
            continue
        scale = 1.0 if name == "first_losses" else np.maximum(np.abs(before), 1e-9)
        apart = float((np.abs(now - before) / scale).max())
        if not apart <= most:
            wrong.append(f"{name}: {apart:.2g} apart, at most {most:g} is allowed")
    return wrong


# --- The stages -----------------------------------------------------------------------


def backwards(losses: Iterator[Tensor]) -> Updates:
    """Go back through each loss, and give its number."""
    for loss in losses:
        loss.backward()
        yield loss.item()


def play_pretraining(
    model: Transformer, first: FirstBatches, config: TrainConfig
) -> dict:
    """Pre-training, from `model`, which is updated in place."""
    plain = replace(config, precision="fp32", micro_batch_size=None)

    def gradients() -> Updates:
        for batch in first.batches:
            rows, lengths = pad_rows(batch, 0)
            outside = torch.arange(rows.shape[1]) >= lengths[:, None]
            model.train()
            yield accumulate_gradient(model, rows.masked_fill(outside, IGNORE), plain)

    return play(model, gradients(), config)


def chats_of(tokenizer: Tokenizer, first: FirstBatches) -> Iterator[list]:
    """The chats of each batch with their masks, which the template makes again."""
    kinds = iter(first.more["kinds"].tolist())
    for batch in first.batches:
        yield [chat_again(tokenizer, ids, next(kinds)) for ids in batch]


def play_finetuning(
    base: Transformer, tokenizer: Tokenizer, first: FirstBatches, config: SFTConfig
) -> dict:
    """Fine-tuning, from the base model, which is changed."""
    prepare_roles(base, tokenizer)

    def losses() -> Iterator[Tensor]:
        for chats in chats_of(tokenizer, first):
            rows, targets = pack_chats(chats, config.length, pad_id(tokenizer))
            base.train()
            yield sft_loss(base(torch.from_numpy(rows)), torch.from_numpy(targets))

    return play(base, backwards(losses()), config)


def play_reward(
    policy: Transformer, tokenizer: Tokenizer, first: FirstBatches, config: RewardConfig
) -> dict:
    """The reward model, from the fine-tuned model. Rows: chosen and rejected by
    turns.
    """
    model = RewardModel.from_model(policy, config.seed)

    def gradients() -> Updates:
        for batch in first.batches:
            model.train()
            both = batch[::2] + batch[1::2]
            chosen, rejected = model.in_batches(both, pad_id(tokenizer)).chunk(2)
            loss = bradley_terry_loss(chosen, rejected)
            apart = (chosen + rejected).square().mean()
            (loss + config.centring * apart).backward()
            yield loss.item()

    return play(model, gradients(), config)


def play_ppo(policy: Transformer, first: FirstBatches, config: PPOConfig) -> dict:
    """RLHF by PPO, from the fine-tuned model, which is changed: the replies and their
    scores are those of the file, and each batch makes several updates.
    """
    reference = deepcopy(policy).eval().requires_grad_(False)
    actor = ActorCritic(policy)
    scores = np.split(
        first.more["scores"], np.cumsum([len(batch) for batch in first.batches])[:-1]
    )
    begins = iter(first.more["begins"].tolist())

    def losses() -> Iterator[Tensor]:
        for step, batch in enumerate(first.batches):
            tokens, lengths = pad_rows(batch, 0)
            own = torch.tensor([next(begins) for _ in batch])[:, None]
            place = torch.arange(1, tokens.shape[1])
            actions = (place >= own) & (place < lengths[:, None])
            marks = torch.from_numpy(scores[step])
            seen, _, _ = look_back(actor, reference, tokens, actions, marks, config)
            seed = config.seed * 1_000_003 + step
            for rows in minibatches(len(batch), config, seed):
                yield ppo_loss(actor, seen, rows, config)

    return play(actor, backwards(losses()), config)


def play_embedder(
    base: Transformer, tokenizer: Tokenizer, first: FirstBatches, config: EmbedderConfig
) -> dict:
    """The embedder, from the base model. Rows: question and passage by turns."""
    embedder = Embedder.from_model(base, seed=config.seed)
    embedder.centre = torch.from_numpy(first.more["centre"]).clone()
    sizes = [(len(batch) // 2) ** 2 for batch in first.batches]
    flags = np.unpackbits(first.more["ignored"], count=sum(sizes)).astype(bool)
    ignored = np.split(flags, np.cumsum(sizes)[:-1])

    def losses() -> Iterator[Tensor]:
        for batch, others in zip(first.batches, ignored, strict=True):
            embedder.train()
            questions, passages = (
                embedder(*pad_rows(batch[side::2], pad_id(tokenizer)))
                for side in (0, 1)
            )
            same = torch.from_numpy(others.reshape(len(questions), -1))
            yield info_nce(questions, passages, same, config.scale)

    return play(embedder, backwards(losses()), config)


def play_reading(
    assistant: Transformer,
    tokenizer: Tokenizer,
    first: FirstBatches,
    config: ReadingConfig,
) -> dict:
    """Learning to read, from the assistant, which is changed."""

    def losses() -> Iterator[Tensor]:
        for chats in chats_of(tokenizer, first):
            rows, targets = inputs_and_targets(chats, pad_id(tokenizer))
            assistant.train()
            yield sft_loss(assistant(rows), targets)

    return play(assistant, backwards(losses()), config)

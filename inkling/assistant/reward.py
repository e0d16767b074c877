"""The reward model: a number for a reply, learned from nothing but which of two replies
people preferred.

The body is the fine-tuned model; in place of next-token logits it has a head with a
single output, read at the reply's last token. The loss is that of Bradley and Terry
(1952), as in Christiano et al. 2017 and Ouyang et al. 2022.

A body of four layers has none left to compare what it read with what it knows, once it
knows. So it gets help that a large one can do without: a reader, the fine-tuned model
as it was, says how much each token surprises it.
"""

import copy
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inkling.assistant.chat import encode_exchange, pad_id
from inkling.assistant.policy_gradient import token_log_probs
from inkling.assistant.preferences import Pair, check_differences
from inkling.assistant.rollouts import Reward
from inkling.files import InklingError, atomic_write
from inkling.model.transformer import Transformer
from inkling.progress import Progress, stepwise
from inkling.settings import check, several
from inkling.text.tokenizer import Tokenizer
from inkling.training.optim import make_optimizers, schedule, update
from inkling.training.packing import group_by_length, pad_rows, put_back
from inkling.training.savepoint import Savepoints
from inkling.world.requests import Prompt

#: Beyond this, in nats, one surprise is as good as another.
MOST_SURPRISE = 8.0


class RewardModel(nn.Module):
    """A transformer with a scalar head. `model(tokens, lengths)` -> rewards (B,).

    The reward is read at each row's last real token, the end token of the reply, which
    has seen all of it. `shift` is taken off, so that rewards are zero on average
    (`centre`): only differences were ever trained.

    reader: a frozen language model, or None for the plain form. With one, each token
    adds its surprise times a weight that the body reads from its own state there
    (`cost`, zero at first): a surprising value is a mistake, a surprising name is none.
    """

    shift: Tensor  # a buffer: saved with the weights, not trained

    def __init__(
        self, body: Transformer, reader: Transformer | None = None, seed: int = 0
    ):
        super().__init__()
        self.body, self.reader = body, reader
        d_model = body.config.d_model
        if reader is not None:
            reader.eval().requires_grad_(False)
            self.cost = nn.Linear(d_model, 1, bias=False)
            nn.init.zeros_(self.cost.weight)
        self.head = nn.Linear(d_model, 1, bias=False)
        generator = torch.Generator().manual_seed(seed)
        # Stiennon et al. 2020: N(0, 1 / (d + 1)), small enough to begin near zero
        with torch.no_grad():
            self.head.weight.normal_(
                0.0, 1 / math.sqrt(d_model + 1), generator=generator
            )
        self.register_buffer("shift", torch.zeros(()))

    @classmethod
    def from_model(
        cls, model: Transformer, seed: int = 0, plain: bool = False
    ) -> "RewardModel":
        """A new reward model on a copy of (fine-tuned) weights; `plain`: without a
        reader.
        """
        return cls(copy.deepcopy(model), None if plain else copy.deepcopy(model), seed)

    @torch.no_grad()
    def surprises(self, tokens: Tensor) -> Tensor:
        """How much each token surprises the reader, (B, T): -log p, at most
        `MOST_SURPRISE`; 0 for the first.
        """
        assert self.reader is not None  # who has none does not ask
        surprise = -token_log_probs(self.reader(tokens), tokens)  # (B, T - 1)
        return F.pad(surprise.clamp(max=MOST_SURPRISE), (1, 0))

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """tokens (B, T), padded on the right; lengths (B,), how many of each row are
        real. Rewards (B,).
        """
        if bool((lengths < 1).any()) or bool((lengths > tokens.shape[1]).any()):
            raise InklingError(
                f"lengths must be from 1 to {tokens.shape[1]}; they are"
                f" {lengths.tolist()}."
            )
        hidden = self.body.hidden_states(tokens)  # (B, T, d_model)
        last = hidden[torch.arange(len(tokens)), lengths - 1]  # (B, d_model)
        rewards = self.head(last).squeeze(-1) - self.shift
        if self.reader is not None:
            # (B, T): padding costs nothing
            real = torch.arange(tokens.shape[1]) < lengths[:, None]
            rewards = rewards + (
                self.cost(hidden).squeeze(-1) * self.surprises(tokens) * real
            ).sum(dim=1)
        return rewards

    def in_batches(
        self, rows: Sequence[Sequence[int]], pad: int, together: int = 8
    ) -> Tensor:
        """The rewards (N,) of encoded replies: rows of like length go together, so
        little is padding.
        """
        groups = group_by_length([len(row) for row in rows], together)
        return put_back(
            groups, [self(*pad_rows([rows[i] for i in g], pad)) for g in groups]
        )

    @torch.inference_mode()
    def score(
        self, tokenizer: Tokenizer, prompts: Sequence[Prompt], replies: Sequence[str]
    ) -> Tensor:
        """The rewards (N,) of replies to prompts. What does not fit into the context is
        not read.
        """
        self.eval()
        several(prompts, "prompts")
        several(replies, "replies")
        limit = self.body.config.context_length
        rows = [
            encode_reply(tokenizer, prompt, reply, limit)
            for prompt, reply in zip(prompts, replies, strict=True)
        ]
        if not rows:
            return torch.zeros(0)
        return self.in_batches(rows, pad_id(tokenizer), together=32)

    def centre(self, rewards: Tensor) -> None:
        """Shift the model so that these rewards, given by it, would have been zero on
        average.
        """
        self.shift += rewards.mean()

    def save(self, folder: str | Path, dtype: torch.dtype = torch.float32) -> None:
        """Write config.json and model.safetensors (the body, as Llama),
        head.safetensors, and the reader in reader/.
        """
        self.body.save_pretrained(folder, dtype=dtype)
        tensors = {
            "head": self.head.weight.detach().to(dtype).contiguous(),
            "shift": self.shift,
        }
        if self.reader is not None:
            self.reader.save_pretrained(Path(folder) / "reader", dtype=dtype)
            tensors["cost"] = self.cost.weight.detach().to(dtype).contiguous()
        atomic_write(Path(folder) / "head.safetensors", safetensors.torch.save(tensors))

    @classmethod
    def load(cls, folder: str | Path) -> "RewardModel":
        """Read what `save` wrote. Raises `InklingError` where the head is missing or
        does not fit.
        """
        reader = Path(folder) / "reader"
        model = cls(
            Transformer.from_pretrained(folder),
            Transformer.from_pretrained(reader) if reader.is_dir() else None,
        )
        path = Path(folder) / "head.safetensors"
        try:
            tensors = safetensors.torch.load_file(path)
            # checks the shape, as copying would not
            model.head.load_state_dict({"weight": tensors["head"].float()})
            model.shift.copy_(tensors["shift"].float())
            if model.reader is not None:
                model.cost.load_state_dict({"weight": tensors["cost"].float()})
        except (OSError, KeyError, RuntimeError, safetensors.SafetensorError) as error:
            raise InklingError(
                f"{path} is no head of a reward model ({error}); train one, or fetch it"
                " again."
            ) from error
        return model.eval()


def encode_reply(
    tokenizer: Tokenizer, prompt: Prompt, reply: str, limit: int | None = None
) -> list[int]:
    """A prompt and its whole reply, with the end token, as ids; what comes after the
    first `limit` is left out.
    """
    return encode_exchange(tokenizer, prompt, reply)[0][:limit]


def encode_choices(
    tokenizer: Tokenizer, pairs: Sequence[Pair], limit: int | None = None
) -> list[tuple[list[int], list[int]]]:
    """Each pair as ids: the prompt with the chosen and with the rejected reply.

    Raises `InklingError` for an empty set, and for a pair that says nothing: its two
    replies are the same, or are so before the first `limit` tokens end.
    """
    if not pairs:
        raise InklingError(
            "there are no preferences to learn from; collect some with"
            " `preferences(...)`."
        )
    for number, pair in enumerate(pairs):
        if pair.chosen == pair.rejected:
            raise InklingError(
                f"pair {number} compares a reply with itself, which says nothing: leave"
                " it out."
            )
    rows = [
        (
            encode_reply(tokenizer, pair.prompt, pair.chosen, limit),
            encode_reply(tokenizer, pair.prompt, pair.rejected, limit),
        )
        for pair in pairs
    ]
    check_differences(*zip(*rows, strict=True))
    return rows


def bradley_terry_loss(chosen: Tensor, rejected: Tensor) -> Tensor:
    """The mean of -log sigma(chosen - rejected): how surprised the model is by the
    preferences, in nats a pair.
    """
    return -F.logsigmoid(chosen - rejected).mean()


@dataclass(frozen=True)
class RewardConfig:
    """The settings of one run. One epoch only: a second one learns the noise of the
    raters by heart.
    """

    batch_size: int = 32
    """Pairs in one update."""
    learning_rate: float = 5e-4
    """AdamW's peak; it climbs over the first twentieth and then falls in a straight
    line to zero.
    """
    grad_clip: float = 1.0
    """The gradient is shortened to this length where it is longer."""
    centring: float = 0.01
    """Weight of a penalty on (chosen + rejected)^2, which keeps rewards near zero
    (Eisenstein et al. 2023).
    """
    seed: int = 0
    """Decides the order of the pairs."""

    def __post_init__(self) -> None:
        check(
            self,
            counts=("batch_size",),
            positive=("learning_rate", "grad_clip"),
            not_negative=("centring",),
            from_zero=("seed",),
        )


@dataclass(frozen=True)
class RewardRecord:
    """What one step leaves behind: the loss in nats a pair, the share of its pairs that
    were ranked rightly, and the sum of the rewards of its replies.
    """

    step: int
    loss: float
    accuracy: float
    total: float


@stepwise
def train_reward_model(
    model: RewardModel,
    tokenizer: Tokenizer,
    pairs: Sequence[Pair],
    config: RewardConfig = RewardConfig(),
    *,
    folder: str | Path | None = None,
    progress: bool = True,
) -> Iterator[RewardRecord]:
    """Train `model` in place for one epoch of `pairs`, and yield the record of each
    step; after the last one, centre it on them.

    folder: where to stop and go on, as for `pretrain.train`. Raises `InklingError` for
    an empty set, for a pair of equal replies (also one whose replies differ only behind
    the end of the context), for a folder with another run, and for a loss that is no
    number.
    """
    rows = encode_choices(tokenizer, pairs, model.body.config.context_length)
    order = np.random.default_rng(config.seed).permutation(len(rows))
    batches = [
        order[start : start + config.batch_size]
        for start in range(0, len(order), config.batch_size)
    ]
    (optimizer,) = make_optimizers(
        model, "adamw", config.learning_rate, weight_decay=0.0
    )
    saved = Savepoints(folder, config, model, [optimizer], pairs=tuple(pairs))
    history = [RewardRecord(**record) for record in saved.history]
    yield from history
    with Progress(len(batches), "reward model", len(history), progress) as bar:
        for step in range(len(history), len(batches)):
            model.train()
            both = [rows[i][side] for side in (0, 1) for i in batches[step]]
            # (2 x pairs,): the chosen, then the rejected
            rewards = model.in_batches(both, pad_id(tokenizer))
            chosen, rejected = rewards.chunk(2)
            loss = bradley_terry_loss(chosen, rejected)
            centred = loss + config.centring * (chosen + rejected).square().mean()
            centred.backward()
            scale = schedule(step, len(batches), warmup=len(batches) // 20)
            clip = config.grad_clip
            update(model, [optimizer], loss.item(), step, scale=scale, grad_clip=clip)
            accuracy = (chosen > rejected).float().mean().item()
            history.append(
                RewardRecord(step + 1, loss.item(), accuracy, rewards.sum().item())
            )
            yield history[-1]
            saved.keep(history, last=step + 1 == len(batches))
            bar.update(1, loss=loss.item(), accuracy=accuracy)
    model.eval()
    # what centring needs: rewards by a model that was nearly done
    late = range(len(batches) // 2, len(batches))
    total = sum(history[step].total for step in late)
    model.centre(torch.tensor([total / sum(2 * len(batches[step]) for step in late)]))


def pair_accuracy(
    model: RewardModel, tokenizer: Tokenizer, pairs: Sequence[Pair]
) -> tuple[float, Tensor]:
    """The share of pairs in which the chosen reply gets the higher reward (a tie counts
    half), and all differences.
    """
    if not pairs:
        raise InklingError("there are no pairs to foretell; give at least one.")
    prompts = [pair.prompt for pair in pairs]
    chosen = model.score(tokenizer, prompts, [pair.chosen for pair in pairs])
    rejected = model.score(tokenizer, prompts, [pair.rejected for pair in pairs])
    difference = chosen - rejected
    return (
        float(((difference > 0).float() + 0.5 * (difference == 0).float()).mean()),
        difference,
    )


def model_reward(model: RewardModel, tokenizer: Tokenizer) -> Reward:
    """A reward model as the function that reinforcement learning asks."""
    return lambda prompts, replies: model.score(tokenizer, prompts, replies)

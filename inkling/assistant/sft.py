"""Supervised fine-tuning: the pre-trained model learns to be an assistant from
demonstrations.

Bottom-up: demonstrations, packing with the prompt masked, the loss, LoRA, and last the
loop. Only what the assistant writes is trained on; the prompt is read, not learned.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inkling.assistant.chat import encode_exchange, pad_id
from inkling.files import InklingError
from inkling.model.transformer import Block
from inkling.progress import Progress, stepwise
from inkling.settings import check, several
from inkling.text.tokenizer import Tokenizer
from inkling.training.optim import make_optimizers, schedule, update
from inkling.training.packing import IGNORE
from inkling.training.savepoint import Savepoints
from inkling.training.team import join_team
from inkling.world import World
from inkling.world.requests import Prompt, Style, reply

# --- Demonstrations -------------------------------------------------------------------

#: How seldom a demonstration has the one thing more that raters like. Were it one in
#: ten, the best tenth of the demonstrations would teach it, and nobody needed raters.
FITTING = 0.03


@dataclass(frozen=True)
class Demonstration:
    """A prompt and a reply that somebody wrote to it: people of all sorts, so not all
    of them well.
    """

    prompt: Prompt
    reply: str


def draw_style(
    random: Callable[[], float],
    careful: float = 0.85,
    fitting: float = 0.0,
    stray: float = 0.0,
) -> Style:
    """How some person answers: right with probability `careful`, seldom rude, and seven
    times of ten to the point.

    fitting, stray: how likely the reply has the one thing more that the request makes
    welcome, and one that would fit another request.
    """
    right = random() < careful
    tone = random()
    extras = random()
    more = random() if fitting + stray > 0 else 1.0
    return Style(
        right,
        "polite" if tone < 0.45 else "plain" if tone < 0.85 else "rude",
        (extras > 0.7) + (extras > 0.9),
        "fitting" if more < fitting else "stray" if more < fitting + stray else "none",
    )


def demonstrations(
    world: World, n: int, seed: int = 0, careful: float = 0.85
) -> list[Demonstration]:
    """`n` requests of the training stream, each answered by somebody (see
    `draw_style`).
    """
    made = []
    for index, asked in enumerate(world.requests(n, "train", seed)):
        random = Random(f"demonstration/{world.seed}/{seed}/{index}").random
        style = draw_style(random, careful, FITTING if world.edition > 1 else 0.0)
        text = reply(world, asked, style, f"{seed}/{index}")
        made.append(Demonstration(asked.prompt, text))
    return made


# --- Rows -----------------------------------------------------------------------------


def encode_demonstrations(
    tokenizer: Tokenizer, demos: Sequence[Demonstration]
) -> list[tuple[list[int], list[bool]]]:
    """Each demonstration as ids, and for each id whether the assistant wrote it."""
    return [encode_exchange(tokenizer, demo.prompt, demo.reply) for demo in demos]


def encode_replay(
    tokenizer: Tokenizer, texts: Sequence[str], limit: int
) -> list[tuple[list[int], list[bool]]]:
    """Documents as pre-training had them, every token of them trained on, cut after
    `limit` tokens.
    """
    rows = [
        [
            tokenizer.eos_id,
            *tokenizer.encode(text),
            tokenizer.eos_id,
        ]
        for text in texts
    ]
    return [(row[:limit], [True] * len(row[:limit])) for row in rows]


def pack_chats(
    chats: Sequence[tuple[Sequence[int], Sequence[bool]]], length: int, pad: int
) -> tuple[np.ndarray, np.ndarray]:
    """Whole chats side by side in rows: (inputs, targets), int64 (n_rows, length) each.

    A target is the next token where the assistant wrote it, and `IGNORE` everywhere
    else: on prompts, on padding, and from the end of one chat to the beginning of the
    next. A chat that does not fit into the row begins the next one. Raises
    `InklingError` for a chat that is longer than a row: cutting it would cut off its
    end token.
    """
    rows: list[list[tuple[Sequence[int], Sequence[bool]]]] = [[]]
    filled = 0
    for number, (ids, written) in enumerate(chats):
        size = len(ids) - 1  # its last token is a target only
        if size > length:
            raise InklingError(
                f"chat {number} has {size} tokens and a row has room for {length}:"
                " shorten it."
            )
        if filled + size > length:
            rows.append([])
            filled = 0
        rows[-1].append((ids, written))
        filled += size
    inputs = np.full((len(rows), length), pad, np.int64)
    targets = np.full((len(rows), length), IGNORE, np.int64)
    for row, members in enumerate(rows):
        at = 0
        for ids, written in members:
            end = at + len(ids) - 1
            inputs[row, at:end] = ids[:-1]
            targets[row, at:end] = np.where(written[1:], ids[1:], IGNORE)
            at = end
    return inputs, targets


# --- The loss -------------------------------------------------------------------------


def sft_loss(logits: Tensor, targets: Tensor, n_targets: int | None = None) -> Tensor:
    """Cross-entropy in nats a token of what the assistant wrote: logits (B, T, V),
    targets (B, T) with `IGNORE`.

    n_targets: divide by this many, where a batch is taken in parts: the number of
    targets of the *whole* batch. A batch without a single target has loss 0 (a plain
    mean would be 0 / 0 = NaN).
    """
    total = F.cross_entropy(
        logits.float().flatten(0, 1),
        targets.flatten(),
        ignore_index=IGNORE,
        reduction="sum",
    )
    return total / max(
        1, n_targets if n_targets is not None else int((targets != IGNORE).sum())
    )


# --- LoRA -----------------------------------------------------------------------------


class LoRALinear(nn.Module):
    """A frozen linear layer plus a trained detour of low rank: y = W x + (alpha / rank)
    B A x.

    A (rank, n_in) is random and B (n_out, rank) is zero, so that training starts at the
    model as it is. Source: Hu et al. 2021, section 4.1.
    """

    def __init__(
        self, linear: nn.Linear, rank: int, alpha: float, generator: torch.Generator
    ):
        super().__init__()
        if not 1 <= rank <= min(linear.weight.shape):
            raise InklingError(
                f"rank is {rank}; a matrix {tuple(linear.weight.shape)} takes 1 to"
                f" {min(linear.weight.shape)}."
            )
        self.weight = nn.Parameter(linear.weight.detach(), requires_grad=False)
        n_out, n_in = linear.weight.shape
        self.a = nn.Parameter(
            torch.randn(rank, n_in, generator=generator) / math.sqrt(n_in)
        )
        self.b = nn.Parameter(torch.zeros(n_out, rank))
        self.scale = alpha / rank

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight) + self.scale * F.linear(
            F.linear(x, self.a), self.b
        )

    def merged(self) -> nn.Linear:
        """One ordinary layer with the detour added into its weight: nothing is left to
        pay when the model runs.
        """
        n_out, n_in = self.weight.shape
        linear = nn.utils.skip_init(nn.Linear, n_in, n_out, bias=False)
        assert isinstance(linear, nn.Linear)  # skip_init makes what it is given
        with torch.no_grad():
            linear.weight.copy_(self.weight + self.scale * self.b @ self.a)
        return linear


def add_lora(
    model: nn.Module, rank: int = 8, alpha: float = 16.0, seed: int = 0
) -> nn.Module:
    """Freeze a model and put a `LoRALinear` in place of every linear layer in its
    blocks. Changes it; returns it.

    Raises `InklingError`, and changes nothing, for a rank that does not fit and for a
    model that has LoRA already.
    """
    generator = torch.Generator().manual_seed(seed)
    parents = [
        part
        for block in model.modules()
        if isinstance(block, Block)
        for part in block.modules()
    ]
    detours = [
        (parent, name, LoRALinear(child, rank, alpha, generator))
        for parent in parents
        for name, child in parent.named_children()
        if isinstance(child, nn.Linear)
    ]
    if not detours:
        raise InklingError(
            "no linear layer is left in the model's blocks; if it has LoRA already,"
            " merge that first."
        )
    model.requires_grad_(False)
    for parent, name, detour in detours:
        setattr(parent, name, detour)
    return model


def merge_lora(model: nn.Module) -> nn.Module:
    """Turn every `LoRALinear` back into an ordinary layer, and let everything train
    again. Changes it; returns it.
    """
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, LoRALinear):
                setattr(parent, name, child.merged())
    return model.requires_grad_(True)


# --- The loop -------------------------------------------------------------------------


@dataclass(frozen=True)
class SFTConfig:
    """The settings of one fine-tuning run."""

    epochs: int = 1
    """How often each demonstration is seen."""
    batch_size: int = 3
    """Rows in one update: few, since many small steps teach more here than few large
    ones.
    """
    length: int = 256
    """Tokens in a row, at most the model's context."""
    optimizer: str = "adamw"
    """"adamw" for all weights, or "muon" for the hidden matrices and AdamW for the
    rest.
    """
    learning_rate: float = 1e-3
    """AdamW's peak; it climbs over the first twentieth of the run and then falls in a
    straight line to zero.
    """
    muon_learning_rate: float = 6e-3
    """Muon's peak, with the same course."""
    weight_decay: float = 0.0
    """Shrinks the hidden matrices by learning rate x this at each step."""
    grad_clip: float = 1.0
    """The gradient is shortened to this length where it is longer."""
    seed: int = 0
    """Decides the order of the demonstrations."""

    def __post_init__(self) -> None:
        check(
            self,
            counts=("epochs", "batch_size", "length"),
            positive=("learning_rate", "muon_learning_rate", "grad_clip"),
            choices={"optimizer": ("muon", "adamw")},
            not_negative=("weight_decay",),
            from_zero=("seed",),
        )


@dataclass(frozen=True)
class SFTRecord:
    """What one step leaves behind: the loss in nats a token of the assistant's."""

    step: int
    loss: float


@stepwise
def finetune(
    model: nn.Module,
    tokenizer: Tokenizer,
    demos: Sequence[Demonstration],
    config: SFTConfig = SFTConfig(),
    *,
    replay: Sequence[str] = (),
    folder: str | Path | None = None,
    progress: bool = True,
) -> Iterator[SFTRecord]:
    """Train `model` in place on what the assistant writes in `demos`, and yield the
    record of each step: `history = list(finetune(...))`.

    replay: documents of the kind that pre-training had, mixed in so that they are not
    forgotten. folder: where to stop and go on, as for `pretrain.train`; the processes
    of a team share out each batch, as there. Only parameters that require a gradient
    are trained, so a model with LoRA trains its detours. Raises
    `InklingError` for no demonstrations, for one that does not fit into a row, for a
    folder with another run, and for a loss that is no number.
    """
    if not demos:
        raise InklingError(
            "there are no demonstrations to learn from; make some with"
            " `demonstrations(world, n)`."
        )
    chats = encode_demonstrations(tokenizer, demos)
    chats += encode_replay(tokenizer, several(replay, "replay"), config.length)
    random = np.random.default_rng(config.seed)
    batches = []
    for _ in range(config.epochs):
        inputs, targets = pack_chats(
            [chats[i] for i in random.permutation(len(chats))],
            config.length,
            pad_id(tokenizer),
        )
        batches += zip(
            torch.from_numpy(inputs).split(config.batch_size),
            torch.from_numpy(targets).split(config.batch_size),
            strict=True,
        )
    team = join_team(model, config.batch_size)
    optimizers = make_optimizers(
        model,
        config.optimizer,
        config.learning_rate,
        config.muon_learning_rate,
        config.weight_decay,
    )
    saved = Savepoints(folder, config, model, optimizers, data=tuple(batches))
    history = [SFTRecord(**record) for record in saved.history]
    yield from history
    team.agree(len(history))
    show = progress and team.rank == 0
    with Progress(len(batches), "fine-tuning", len(history), show) as bar:
        for step in range(len(history), len(batches)):
            rows, targets = batches[step]
            model.train()
            logits, written = model(team.share(rows)), team.share(targets)
            part = sft_loss(logits, written, int((targets != IGNORE).sum()))
            part.backward()
            loss = team.add_up(model, part.item())
            scale = schedule(step, len(batches), warmup=len(batches) // 20)
            clip = config.grad_clip
            update(model, optimizers, loss, step, scale=scale, grad_clip=clip)
            history.append(SFTRecord(step + 1, loss))
            yield history[-1]
            if team.rank == 0:
                saved.keep(history, last=step + 1 == len(batches))
            bar.update(1, loss=loss)
    model.eval()

"""The embedder: a text becomes one vector, and texts about the same thing get vectors
that point the same way.

The model's own states are averaged over the text, centred and cut to length 1. That
alone hardly finds anything: the states were made to foretell the next word. Contrastive
training turns them: in a batch of questions and passages, each question must be more
like its own passage than like everybody else's, and each passage more like its own
question (InfoNCE: van den Oord, Li and Vinyals 2018, in both directions as in Radford
et al. 2021, on averaged states as in Reimers and Gurevych 2019).
"""

import copy
import math
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inkling.assistant.chat import pad_id
from inkling.files import InklingError, atomic_write
from inkling.model.transformer import Transformer
from inkling.progress import Progress, stepwise
from inkling.settings import check, several
from inkling.text.tokenizer import Tokenizer
from inkling.training.optim import make_optimizers, schedule, update
from inkling.training.packing import group_by_length, pad_rows
from inkling.training.savepoint import Savepoints


class Embedder(nn.Module):
    """A transformer that makes one unit vector of a text. `embedder(tokens, lengths)`
    -> vectors (B, dimension).

        vector = normalise(W mean(states of the text) - centre)

    dimension: numbers in a vector. W (dimension, d_model) is there only if `dimension`
    is given; without it a vector has d_model numbers. `centre` is what texts have in
    common, zero until `centre_on` has measured it: the averaged states of any two texts
    point nearly the same way, and only what is left when that is taken off tells them
    apart.
    """

    def __init__(self, body: Transformer, dimension: int | None = None, seed: int = 0):
        super().__init__()
        if dimension is not None and dimension < 1:
            raise InklingError(
                f"dimension is {dimension}; expected 1 or more, or None for the model's"
                " own width."
            )
        self.body = body
        d_model = body.config.d_model
        self.projection = None
        if dimension is not None:
            self.projection = nn.Linear(d_model, dimension, bias=False)
            generator = torch.Generator().manual_seed(seed)
            with torch.no_grad():
                self.projection.weight.normal_(
                    0.0, 1 / math.sqrt(d_model), generator=generator
                )
        self.dimension = dimension or d_model
        self.register_buffer("centre", torch.zeros(self.dimension))

    @classmethod
    def from_model(
        cls, model: Transformer, dimension: int | None = None, seed: int = 0
    ) -> "Embedder":
        """A new embedder on a copy of a model's weights."""
        return cls(copy.deepcopy(model), dimension, seed)

    def summed_states(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """tokens (B, T), padded on the right; lengths (B,), how many are real. The sum
        of their states (B, d_model).
        """
        if bool((lengths < 1).any()) or bool((lengths > tokens.shape[1]).any()):
            raise InklingError(
                f"lengths must be from 1 to {tokens.shape[1]}; they are"
                f" {lengths.tolist()}."
            )
        hidden = self.body.hidden_states(tokens)  # (B, T, d_model)
        # (B, T)
        real = torch.arange(tokens.shape[1], device=tokens.device) < lengths[:, None]
        return (hidden * real[:, :, None]).sum(dim=1)

    def direction(self, mean: Tensor) -> Tensor:
        """Averaged states (B, d_model) -> what is left of them without the centre, not
        yet of length 1.
        """
        return (
            mean if self.projection is None else self.projection(mean)
        ) - self.centre

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        return F.normalize(
            self.direction(self.summed_states(tokens, lengths) / lengths[:, None]),
            dim=-1,
        )

    @torch.inference_mode()
    def _directions(
        self, tokenizer: Tokenizer, texts: Sequence[str], batch_size: int
    ) -> Tensor:
        """What `direction` says of each text, (N, dimension). Texts of like length are
        read together.
        """
        self.eval()
        rows = [encode_text(tokenizer, text) for text in texts]
        context = self.body.config.context_length
        windows = [
            (i, row[at : at + context])
            for i, row in enumerate(rows)
            for at in range(0, len(row), context)
        ]
        sums = torch.zeros(len(rows), self.body.config.d_model)
        for group in group_by_length([len(ids) for _, ids in windows], batch_size):
            owners, part = zip(*(windows[i] for i in group), strict=True)
            sums.index_add_(
                0,
                torch.tensor(owners),
                self.summed_states(*pad_rows(part, pad_id(tokenizer))),
            )
        return self.direction(sums / torch.tensor([[len(row)] for row in rows]))

    def encode(
        self, tokenizer: Tokenizer, texts: Sequence[str], batch_size: int = 64
    ) -> np.ndarray:
        """The unit vectors of texts, float32 (N, dimension).

        A text that is longer than the context is read in windows of the context, one
        after the other, and its states are averaged over all of them: nothing is left
        out. Raises `InklingError` for an empty text: it has no states.
        """
        if not len(several(texts)):
            return np.zeros((0, self.dimension), np.float32)
        return F.normalize(
            self._directions(tokenizer, texts, batch_size), dim=-1
        ).numpy()

    def centre_on(
        self, tokenizer: Tokenizer, texts: Sequence[str], batch_size: int = 64
    ) -> None:
        """Set the centre to the average of these texts, so that their vectors point in
        all directions.
        """
        if not len(several(texts)):
            raise InklingError(
                "there are no texts to find the centre of; give some passages."
            )
        self.centre += self._directions(tokenizer, texts, batch_size).mean(dim=0)

    def save(self, folder: str | Path, dtype: torch.dtype = torch.float32) -> None:
        """Write config.json and model.safetensors (the body, as Llama) and
        embedder.safetensors.
        """
        self.body.save_pretrained(folder, dtype=dtype)
        tensors = {"centre": self.centre}
        if self.projection is not None:
            tensors["projection"] = (
                self.projection.weight.detach().to(dtype).contiguous()
            )
        atomic_write(
            Path(folder) / "embedder.safetensors", safetensors.torch.save(tensors)
        )

    @classmethod
    def load(cls, folder: str | Path) -> "Embedder":
        """Read what `save` wrote. Raises `InklingError` where a part is missing or does
        not fit.
        """
        body, path = (
            Transformer.from_pretrained(folder),
            Path(folder) / "embedder.safetensors",
        )
        try:
            tensors = safetensors.torch.load_file(path)
            projects = "projection" in tensors
            embedder = cls(body, len(tensors["projection"]) if projects else None)
            # `load_state_dict` checks the shape, as copying would not
            if embedder.projection is not None:
                embedder.projection.load_state_dict(
                    {"weight": tensors["projection"].float()}
                )
            embedder.centre = (
                tensors["centre"].float().clone().reshape(embedder.dimension)
            )
        except (OSError, KeyError, RuntimeError, safetensors.SafetensorError) as error:
            raise InklingError(
                f"{path} is no part of an embedder ({error}); train one, or fetch it"
                " again."
            ) from error
        return embedder.eval()


def encode_text(tokenizer: Tokenizer, text: str) -> list[int]:
    """A text as a document of its own: the end token, after which documents begin, and
    its plain tokens.
    """
    ids = tokenizer.encode(text.strip())
    if not ids:
        raise InklingError(
            "an empty text has no meaning to embed; leave it out, or ask a question"
            " with words."
        )
    return [tokenizer.eos_id, *ids]


@dataclass(frozen=True)
class QuestionPassage:
    """A question and a passage that answers it.

    asked: what the question is about, for example ("Ada", "trade"). states: all that
    the passage answers, this too.
    """

    question: str
    passage: str
    asked: Hashable
    states: frozenset


def false_negatives(pairs: Sequence[QuestionPassage]) -> Tensor:
    """bool (B, B): whether passage j, which belongs to another question, answers
    question i all the same.

    Such a pair is no counterexample: with two questions on one fact in a batch, or a
    passage that states two facts, the loss would push apart what belongs together.
    """
    answers = torch.tensor(
        [[asking.asked in telling.states for telling in pairs] for asking in pairs]
    )
    return answers & ~torch.eye(len(pairs), dtype=torch.bool)


def info_nce(
    questions: Tensor,
    passages: Tensor,
    ignored: Tensor | None = None,
    scale: float = 20.0,
) -> Tensor:
    """How surprised the batch is by who belongs to whom, in nats, averaged over
    questions and passages.

    questions, passages (B, d): unit vectors; row i of both belong together. ignored (B,
    B): pairs that do not count as wrong. scale: cosines differ by 2 at most, so without
    it even a perfect batch would be nearly undecided.
    """
    scores = scale * questions @ passages.T  # (B, B): question i with passage j
    if ignored is not None:
        scores = scores.masked_fill(ignored, -math.inf)
    own = torch.arange(len(scores), device=scores.device)
    return (F.cross_entropy(scores, own) + F.cross_entropy(scores.T, own)) / 2


@dataclass(frozen=True)
class EmbedderConfig:
    """The settings of one contrastive run."""

    epochs: int = 1
    """How often each pair is seen."""
    batch_size: int = 64
    """Pairs in one update. Each is told from all the others, so more of them make the
    task harder.
    """
    neighbours: int = 4
    """So many pairs that stand beside each other in the data stay together in a batch.
    Where those are about one person, the name alone cannot tell them apart (hard
    negatives).
    """
    learning_rate: float = 1e-3
    """AdamW's peak; it climbs over the first twentieth and then falls in a straight
    line to zero.
    """
    scale: float = 20.0
    """What cosines are multiplied by before the softmax."""
    grad_clip: float = 1.0
    """The gradient is shortened to this length where it is longer."""
    seed: int = 0
    """Decides the order of the pairs."""

    def __post_init__(self) -> None:
        check(
            self,
            counts=("epochs", "batch_size", "neighbours"),
            positive=("learning_rate", "scale", "grad_clip"),
            from_zero=("seed",),
        )


@dataclass(frozen=True)
class EmbedderRecord:
    """What one step leaves behind: the loss in nats, and the share of questions whose
    own passage came first.
    """

    step: int
    loss: float
    accuracy: float


def make_batches(n_pairs: int, config: EmbedderConfig) -> list[np.ndarray]:
    """The numbers of the pairs of each batch: neighbours in random order, epoch by
    epoch. A rest is dropped.
    """
    random, batches = np.random.default_rng(config.seed), []
    size, starts = (
        min(config.batch_size, n_pairs),
        np.arange(0, n_pairs, config.neighbours),
    )
    for _ in range(config.epochs):
        blocks = [
            np.arange(start, min(start + config.neighbours, n_pairs))
            for start in random.permutation(starts)
        ]
        order = np.concatenate(blocks)
        batches += [order[at : at + size] for at in range(0, n_pairs - size + 1, size)]
    return batches


@stepwise
def train_embedder(
    embedder: Embedder,
    tokenizer: Tokenizer,
    pairs: Sequence[QuestionPassage],
    config: EmbedderConfig = EmbedderConfig(),
    *,
    folder: str | Path | None = None,
    progress: bool = True,
) -> Iterator[EmbedderRecord]:
    """Centre `embedder` on the passages, then train it in place, and yield the record
    of each step.

    folder: where to stop and go on, as for `pretrain.train`. Raises `InklingError` for
    fewer than two pairs, for one whose passage does not answer its question or does not
    fit into the context, for a folder with another run, and for a loss that is no
    number.
    """
    if len(pairs) < 2:
        raise InklingError(
            f"there are {len(pairs)} pairs; learning from contrasts takes at least two."
        )
    context = embedder.body.config.context_length
    rows = [
        [encode_text(tokenizer, text) for text in (pair.question, pair.passage)]
        for pair in pairs
    ]
    for number, pair in enumerate(pairs):
        if pair.asked not in pair.states:
            raise InklingError(
                f"the passage of pair {number} does not state what its question asks,"
                f" {pair.asked}."
            )
        if (longest := max(map(len, rows[number]))) > context:
            raise InklingError(
                f"pair {number} has a text of {longest} tokens and the context is"
                f" {context}: cut it."
            )
    embedder.centre_on(tokenizer, [pair.passage for pair in pairs[:1000]])
    batches = make_batches(len(pairs), config)
    (optimizer,) = make_optimizers(
        embedder, "adamw", config.learning_rate, weight_decay=0.0
    )
    read = tuple((pair.question, pair.passage) for pair in pairs)
    saved = Savepoints(folder, config, embedder, [optimizer], pairs=read)
    history = [EmbedderRecord(**record) for record in saved.history]
    yield from history
    with Progress(len(batches), "embedder", len(history), progress) as bar:
        for step in range(len(history), len(batches)):
            embedder.train()
            batch = batches[step]
            # Questions and passages are read apart: a question padded to a passage's
            # length would cost as much as one.
            questions, passages = (
                embedder(*pad_rows([rows[i][side] for i in batch], pad_id(tokenizer)))
                for side in (0, 1)
            )  # (B, dimension) each
            ignored = false_negatives([pairs[i] for i in batch])
            loss = info_nce(questions, passages, ignored, config.scale)
            loss.backward()
            scale = schedule(step, len(batches), warmup=len(batches) // 20)
            clip = config.grad_clip
            update(
                embedder, [optimizer], loss.item(), step, scale=scale, grad_clip=clip
            )
            scores = (questions.detach() @ passages.detach().T).masked_fill(
                ignored, -math.inf
            )
            right = scores.argmax(dim=1) == torch.arange(len(batch))
            history.append(
                EmbedderRecord(step + 1, loss.item(), float(right.float().mean()))
            )
            yield history[-1]
            saved.keep(history, last=step + 1 == len(batches))
            bar.update(1, loss=history[-1].loss, accuracy=history[-1].accuracy)
    embedder.eval()

"""Pre-training by the recipe: how many steps fit into the minutes, the two parts, and
the points at which one looks at the model on its way.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from inkling.model.transformer import ModelConfig, Transformer
from inkling.recipe.plan import Recipe
from inkling.recipe.text_stage import Text, encode_stream, primer, say
from inkling.recipe.workbench import Workbench
from inkling.text.tokenizer import Tokenizer
from inkling.training import evaluate
from inkling.training.heads import head_scores
from inkling.training.pretrain import StepRecord, TrainConfig, train
from inkling.training.team import in_two
from inkling.world import Document, World

# What else takes time, measured on two cores. To measure it again: a finished run says
# how many seconds a step and each stage took.

#: Seconds for measuring the finished model, as a share of all the minutes, and their
#: limits.
_EVALUATION_SHARE, _EVALUATION_SECONDS = 0.08, (15.0, 75.0)
#: What one process of two threads does in the time of one update takes one thread as
#: long as this many updates in two processes.
_ONE_THREAD = 1.6
#: Validations during pre-training, and what one takes, in updates; and what it takes to
#: look at the model once (`measure_point`).
_VALIDATIONS, _VALIDATION_UPDATES, _POINT_UPDATES = 20, 6, 4
#: Bytes of held-out text that the model is looked at with.
_POINT_BYTES = 30_000


# --- How many steps -------------------------------------------------------------------


def seconds_per_step(
    config: ModelConfig, tokens: np.ndarray, settings: TrainConfig
) -> float:
    """How long one update takes here, in two processes: the median of a few on a
    throw-away model, after a warm-up.
    """
    trial = replace(settings, steps=8, warmup_steps=1, validate_every=0)
    model = Transformer(config, seed=0)
    with in_two(train, model, tokens[:100_000], trial, progress=False) as run:
        stamps = [record.seconds for record in run]
    return float(np.median(np.diff(stamps)[1:]))


def seconds_after(recipe: Recipe, pace: float) -> float:
    """How long all takes that comes after pre-training, whose updates take `pace`
    seconds. What is made side by side counts once, by the longer lane.
    """
    low, high = _EVALUATION_SECONDS
    measuring = min(high, max(low, 60 * recipe.minutes * _EVALUATION_SHARE))
    after, search, last = recipe.stages_after, recipe.search, recipe.last_stage
    if not (after and search and last):
        return measuring
    alone = pace * _ONE_THREAD
    lanes = (alone * after.updates, alone * search.updates + measuring)
    return max(lanes) + pace * last.updates


def steps_of(
    recipe: Recipe,
    bench: Workbench,
    config: ModelConfig,
    settings: TrainConfig,
    text: Text,
) -> int:
    """How many updates pre-training has: those of the recipe; else those that the run
    began with; else as many as fit into what is left of its minutes here.
    """
    if recipe.steps is not None:
        return recipe.steps

    def as_many_as_fit() -> int:
        pace = seconds_per_step(config, text.tokens, settings)
        left = 60 * recipe.minutes - bench.cost["wall_seconds"]
        left -= seconds_after(recipe, pace)
        looks = recipe.n_points * _POINT_UPDATES + _VALIDATIONS * _VALIDATION_UPDATES
        steps = max(20, int(left / pace - looks))
        say(f"     {pace:.3f} s a step here, in two processes: {steps:,} steps fit")
        return steps

    return bench.once("steps", as_many_as_fit)


# --- Pre-training ---------------------------------------------------------------------


def point_steps(n_steps: int, n_points: int) -> set[int]:
    """The steps at which to look at a model, so many: close together at the beginning,
    where it changes fast, and the last step is one of them.
    """
    shares = (point / n_points for point in range(1, n_points + 1))
    return {max(1, round(n_steps * share**2)) for share in shares}


def measure_point(
    model: Transformer, tokenizer: Tokenizer, documents: Sequence[Document]
) -> dict:
    """What a model is at a moment of its training: under "loss" the bits a token by
    kind of span (`span_loss`), and what every head does (`heads.head_scores`).
    """
    spans = evaluate.loss_by_span(model, tokenizer, documents).by_span
    loss = {kind: span.model_bits / span.tokens for kind, span in sorted(spans.items())}
    scores = head_scores(model, tokenizer)
    return {"loss": {kind: round(float(bits), 4) for kind, bits in loss.items()}} | {
        name: [[round(score, 4) for score in layer] for layer in layers]
        for name, layers in scores.items()
    }


def primer_part(
    recipe: Recipe,
    world: World,
    tokenizer: Tokenizer,
    settings: TrainConfig,
    n_steps: int,
) -> tuple[TrainConfig, np.ndarray]:
    """The settings and the tokens of the primer, given those of the whole."""
    length = recipe.primer_length
    row_length = settings.context_length or recipe.model.context_length
    rows = settings.batch_size * row_length // length
    texts = primer(world, 2 * n_steps * rows * length, recipe)
    settings = replace(
        settings,
        steps=n_steps,
        batch_size=rows - rows % 2,  # two processes share them
        context_length=length,
        decay_fraction=0.2,
    )
    return settings, encode_stream(tokenizer, texts)


@dataclass(frozen=True)
class Pretraining:
    """What both parts of pre-training share."""

    recipe: Recipe
    bench: Workbench
    world: World
    text: Text
    settings: TrainConfig

    def take(
        self,
        name: str,
        model: Transformer,
        tokens: np.ndarray,
        settings: TrainConfig,
        n_points: int,
        **held_out: Any,
    ) -> tuple[list[StepRecord], list[dict]]:
        """A part, in two processes; `model` is trained in place. Its records, and the
        points at which the model was looked at: {"part", "step", "tokens"} and what
        `measure_point` says.
        """
        say(
            f"     pre-training: {settings.steps:,} steps of {name},"
            f" {settings.batch_size} rows of {settings.context_length} tokens"
        )
        due, history, points = point_steps(settings.steps, n_points), [], []
        documents = self.world.documents(_POINT_BYTES, stream="validation")

        def look() -> dict:
            return measure_point(model, self.text.tokenizer, documents)

        bench = self.bench
        places = {"folder": bench.saved / name, "progress": bench.progress}
        with in_two(train, model, tokens, settings, **places, **held_out) as run:
            for record in bench.watch(run):
                history.append(record)
                if record.step in due:
                    at = {"part": name, "step": record.step, "tokens": record.tokens}
                    # a step from before an interruption was looked at then
                    points.append(at | bench.once(f"{name}-{record.step}", look))
        return history, points

    def on_primer(
        self, model: Transformer, n_steps: int, n_points: int
    ) -> tuple[list[StepRecord], list[dict]]:
        """The first part: easy text in short rows (`primer`)."""
        settings, tokens = primer_part(
            self.recipe, self.world, self.text.tokenizer, self.settings, n_steps
        )
        return self.take("primer", model, tokens, settings, n_points)

    def on_corpus(
        self, model: Transformer, n_steps: int, n_points: int
    ) -> tuple[list[StepRecord], list[dict]]:
        """The main part: the corpus."""
        settings = replace(
            self.settings,
            steps=n_steps,
            context_length=self.settings.context_length or model.config.context_length,
            validate_every=max(1, n_steps // _VALIDATIONS),
            checkpoint_every=max(50, n_steps // 10),
        )
        text = self.text
        held_out = {"valid_tokens": text.valid_tokens, "valid_bytes": text.valid_bytes}
        return self.take("text", model, text.tokens, settings, n_points, **held_out)

"""The first stage of the chain: from raw text to a pre-trained model, with a card that
says what it learned.

It makes the small internet of Larkhaven, cleans it, trains a tokenizer, and pre-trains
a transformer for as many steps as fit into the time on this machine.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from inkling.files import InklingError, atomic_write, versions
from inkling.model.transformer import Transformer
from inkling.recipe import cards
from inkling.recipe.cards import CAREFUL
from inkling.recipe.first_batches import keep
from inkling.recipe.plain_updates import play_pretraining
from inkling.recipe.plan import Recipe
from inkling.recipe.pretraining import Pretraining, primer_part, steps_of
from inkling.recipe.taken_batches import data_digest, take_pretraining
from inkling.recipe.text_stage import Text, corpus_hash, n_bytes, prepare_text, say
from inkling.recipe.workbench import Workbench, change_between, checkpoint, town
from inkling.text.corpus import CleaningReport
from inkling.text.ngram import NGramModel
from inkling.text.tokenizer import Tokenizer
from inkling.training import evaluate
from inkling.training.identity import digest
from inkling.training.pretrain import StepRecord, TrainConfig
from inkling.world import World


def summary(history: Sequence[StepRecord], points: int = 60) -> list[dict]:
    """A thinned-out history: step, tokens, training loss, and validation loss where
    there is one.
    """
    every = max(1, len(history) // points)
    return [
        {
            "step": r.step,
            "tokens": r.tokens,
            "loss": round(r.loss, 4),
            **(
                {"valid_bits_per_byte": round(r.valid_bits_per_byte, 5)}
                if r.valid_bits_per_byte is not None
                else {}
            ),
        }
        for r in history
        if r.step % every == 0 or r.valid_loss is not None
    ]


# --- What did it learn? ---------------------------------------------------------------


def scores(
    model: Transformer,
    tokenizer: Tokenizer,
    world: World,
    training_texts: list[str],
    *,
    n_stories: int = 200,
    validation_bytes: int = 400_000,
    exam_limit: int | None = None,
) -> dict:
    """The report card: loss against the bound, recall, coherence, novelty, calibration,
    and the 5-gram baseline.
    """
    model.eval()
    documents = world.documents(validation_bytes, stream="validation")
    sequences = evaluate.encode_documents(tokenizer, documents)
    report = evaluate.loss_by_span(model, tokenizer, documents)
    baseline = NGramModel(order=5).fit(evaluate_stream(tokenizer, training_texts))
    baseline_bits = sum(baseline.bits(sequence[1:-1]) for sequence in sequences)
    recall = evaluate.fact_recall(model, tokenizer, world, limit=exam_limit)
    coherence = evaluate.story_coherence(model, tokenizer, world, n=n_stories)
    careful = evaluate.story_coherence(model, tokenizer, world, n=n_stories, **CAREFUL)
    new, new_careful = (
        evaluate.novelty([text for text, _ in judged.stories], training_texts)
        for judged in (coherence, careful)
    )
    return {
        "bits_per_byte": report.bits_per_byte,
        "bound_bits_per_byte": report.bound_bits_per_byte,
        "excess_over_bound": report.excess,
        "five_gram_bits_per_byte": baseline_bits / report.n_bytes,
        "recall_asked": recall.asked,
        "recall_never_asked": recall.never_asked,
        "recall_chance": recall.chance,
        "coherent_stories": coherence.share,
        "coherent_stories_careful": careful.share,
        "novel_8_grams": new.novel_ngrams[8],
        "novel_8_grams_careful": new_careful.novel_ngrams[8],
        "longest_copy_words_median": float(np.median(new.longest_copy)),
        "calibration_error": (
            evaluate.calibration(model, sequences[:400]).expected_error
        ),
    }


def evaluate_stream(
    tokenizer: Tokenizer, texts: list[str], limit_bytes: int = 16_000_000
) -> list[list[int]]:
    """Token sequences for the 5-gram baseline, up to a size that it can count in a
    minute.
    """
    taken, size = [], 0
    for text in texts:
        taken.append(text)
        size += len(text)
        if size >= limit_bytes:
            break
    return tokenizer.encode_batch(taken)


# --- The stage ------------------------------------------------------------------------


def base_of(recipe: Recipe) -> dict:
    """What decides the base model, as JSON has it: all of the recipe but the stages
    after it.
    """
    later = ("assistant", "alignment", "reading", "embedding")
    decides = {key: value for key, value in asdict(recipe).items() if key not in later}
    return json.loads(json.dumps({"recipe": decides}))


def begin(recipe: Recipe, bench: Workbench) -> None:
    """Note in the folder which base model is being made there. Raises `InklingError`
    where another one was.
    """
    noted, decided_by = bench.saved / "made_from.json", base_of(recipe)
    before = decided_by
    if (bench.to / "card.json").is_file():
        before = cards.read(bench.to).get("made_from")
    elif noted.is_file():
        before = json.loads(noted.read_text(encoding="utf-8"))
    if before != decided_by:
        raise InklingError(
            f"{bench.folder} holds another run: {change_between(before, decided_by)}."
            " Give the settings that it was begun with, or choose another folder."
        )
    atomic_write(noted, json.dumps(decided_by).encode())


@dataclass(frozen=True)
class Unmeasured:
    """A base model that stands in its folder: the card that it gets, but for what it
    is worth; the texts that it learned from; and what their cleaning left out.
    """

    card: dict
    texts: list[str]
    cleaning: CleaningReport


def command(recipe: Recipe, steps: int) -> str:
    """The command that makes the same chain again, on any machine."""
    return (
        f"python -m inkling speedrun --minutes {recipe.minutes:g} --steps {steps}"
        f" --seed {recipe.seed}" + ("" if recipe.assistant else " --base-only")
    )


def n_primer_steps(recipe: Recipe, steps: int) -> int:
    """How many of all steps are the primer's."""
    return min(recipe.primer_steps, steps // 3)


def main_part(recipe: Recipe, settings: TrainConfig, steps: int) -> TrainConfig:
    """The settings that decide the batches of the main part."""
    length = settings.context_length or recipe.model.context_length
    left = steps - n_primer_steps(recipe, steps)
    return replace(settings, steps=left, context_length=length)


def base_digests(
    recipe: Recipe, world: World, text: Text, settings: TrainConfig, steps: int
) -> dict[str, str]:
    """Of the tokens of both parts."""
    digests = {"text": data_digest(text.tokens)}
    if n := n_primer_steps(recipe, steps):
        _, tokens = primer_part(recipe, world, text.tokenizer, settings, n)
        digests["primer"] = data_digest(tokens)
    return digests


def make_base(recipe: Recipe, bench: Workbench, n_parts: int = 4) -> Unmeasured:
    """The base model from raw text, in base/, in the first three of `n_parts`."""
    world, made_with = town(), versions()
    text = prepare_text(recipe, world, n_parts)
    config = replace(recipe.model, vocab_size=text.tokenizer.vocab_size)
    settings = replace(recipe.train, eos_id=text.tokenizer.eos_id, seed=recipe.seed)
    steps = steps_of(recipe, bench, config, settings, text)
    made_by = bench.once("made_by", lambda: command(recipe, steps))
    say(f"3/{n_parts}  {steps:,} steps of pre-training")
    model = Transformer(config, seed=recipe.seed)
    pretraining = Pretraining(recipe, bench, world, text, settings)
    n_primer = n_primer_steps(recipe, steps)
    # copying and looking up arrive early, so a third of the points is for the primer
    n_early = recipe.n_points // 3 if n_primer else 0
    ends, points = [], []
    if n_primer:
        primed, points = pretraining.on_primer(model, n_primer, n_early)
        ends += primed[-1:]
    history, later = pretraining.on_corpus(
        model, steps - n_primer, recipe.n_points - n_early
    )
    ends += history[-1:]
    first = keep(
        bench.to,
        take_pretraining(text.tokens, main_part(recipe, settings, steps)),
        lambda first: play_pretraining(
            Transformer(config, seed=recipe.seed), first, settings
        ),
    )
    cost = bench.cost | {"tokens_seen": sum(record.tokens for record in ends)}
    model = bench.ship(model, text.tokenizer)
    card = {
        "name": "base",
        "made_by": made_by,
        "made_from": base_of(recipe),
        "recipe": {
            **asdict(recipe),
            "steps": steps,
            "train": asdict(settings),
            "model": asdict(config),
        },
        "parameters": sum(p.numel() for p in model.parameters()),
        "corpus": {
            "sha256": corpus_hash(text.texts),
            "documents": len(text.texts),
            "bytes": n_bytes(text.texts),
            "tokens": len(text.tokens),
        },
        "tensors": digest(model),
        "data": base_digests(recipe, world, text, settings, steps),
        **first,
        "cost": cost,
        "versions": made_with,
        "history": summary(history),
        "points": points + later,
    }
    return Unmeasured(card, text.texts, text.cleaning)


def measure_base(folder: Path, made: Unmeasured) -> dict:
    """Measure the base model in `folder`, and write its card.

    It is measured as it is shipped, in half precision: the card describes the file, not
    the weights behind it.
    """
    model, tokenizer = checkpoint(folder)
    found = scores(model, tokenizer, town(), made.texts)
    return cards.write(folder, made.card | {"scores": found, "careful": CAREFUL})

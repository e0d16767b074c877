"""The first stage of the chain: from raw text to a pre-trained model, with a card that
says what it learned.

It makes the small internet of Larkhaven, cleans it, trains a tokenizer, and pre-trains
a transformer for as many steps as fit into the time on this machine.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from inkling.files import InklingError, atomic_write, versions
from inkling.model.transformer import ModelConfig, Transformer
from inkling.recipe import cards
from inkling.recipe.cards import CAREFUL
from inkling.recipe.plan import Recipe
from inkling.recipe.workbench import Workbench, change_between
from inkling.text.corpus import CleaningReport, prepare
from inkling.text.ngram import NGramModel
from inkling.text.tokenizer import SPECIAL_TOKENS, Tokenizer
from inkling.training import evaluate
from inkling.training.pretrain import StepRecord, TrainConfig, train
from inkling.world import World

#: Time set aside for measuring the finished model, as a share of all the minutes, and
#: its limits in seconds.
_EVALUATION_SHARE, _EVALUATION_SECONDS = 0.08, (15.0, 75.0)


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)


# --- Text -----------------------------------------------------------------------------


def encode_stream(tokenizer: Tokenizer, texts: list[str]) -> np.ndarray:
    """All documents in one array of ids, each ended by the end-of-text token. What the
    texts hold is never markup.
    """
    stream: list[int] = []
    for ids in tokenizer.encode_batch(texts):
        stream += ids
        stream.append(tokenizer.eos_id)
    return np.array(
        stream, dtype=np.uint16 if tokenizer.vocab_size <= 65536 else np.int64
    )


def corpus_hash(texts: list[str]) -> str:
    """What a card says of its corpus, so that another one is noticed."""
    return hashlib.sha256("\f".join(texts).encode("utf-8")).hexdigest()


def primer(world: World, n_bytes: int, recipe: Recipe) -> list[str]:
    """About `n_bytes` of easy text: two thirds rhymes, one third entries and quizzes on
    a few people.

    Rhymes say lists of names and things twice, which is learned by copying and by
    nothing else. The rest dwells on few people, so that each fact comes up often:
    looking a person up is learned in a rush once a few facts can be, and the more
    people there are at first, the longer that takes (Zucchet et al. 2025).
    """
    few, seed = world.hamlet(recipe.primer_people), recipe.seed
    shares = ((world, "song", 4), (few, "person entry", 1), (few, "quiz", 1))
    return [
        document.text
        for town, kind, sixths in shares
        for document in town.documents(
            max(1, n_bytes * sixths // 6), stream="primer", seed=seed, only=kind
        )
    ]


def n_bytes(texts: Iterable[str]) -> int:
    """The length of texts in UTF-8."""
    return sum(len(text.encode("utf-8")) for text in texts)


@dataclass(frozen=True)
class Text:
    """All text of a run, and what becomes of it: tokens, and the documents that are
    held out.
    """

    texts: list[str]
    cleaning: CleaningReport
    tokenizer: Tokenizer
    tokens: np.ndarray
    valid_tokens: np.ndarray
    valid_bytes: int


def prepare_text(recipe: Recipe, world: World, n_parts: int) -> Text:
    """The first two parts: a corpus, and a tokenizer made for it."""
    say(f"1/{n_parts}  corpus: a crawl of {recipe.crawl_bytes / 1e6:.0f} MB, cleaned")
    texts, cleaning = prepare(world, recipe.crawl_bytes, seed=recipe.seed)
    say(f"     {len(texts):,} documents, {n_bytes(texts) / 1e6:.1f} MB kept")
    say(f"2/{n_parts}  tokenizer: {recipe.vocab_size:,} tokens")
    tokenizer = Tokenizer.train(texts[:4000], recipe.vocab_size, SPECIAL_TOKENS)
    tokens = encode_stream(tokenizer, texts)
    say(f"     {len(tokens):,} tokens, {n_bytes(texts) / len(tokens):.2f} bytes each")
    held_out = [
        document.text for document in world.documents(100_000, stream="validation")
    ]
    valid_tokens = encode_stream(tokenizer, held_out)
    return Text(texts, cleaning, tokenizer, tokens, valid_tokens, n_bytes(held_out))


# --- Pre-training ---------------------------------------------------------------------


def seconds_per_step(
    config: ModelConfig, tokens: np.ndarray, settings: TrainConfig
) -> float:
    """How long one update takes here: the median of a few on a throw-away model, after
    a warm-up.
    """
    trial = replace(settings, steps=8, warmup_steps=1, validate_every=0)
    run = train(Transformer(config, seed=0), tokens, trial, progress=False)
    stamps = [record.seconds for record in run]
    return float(np.median(np.diff(stamps)[1:]))


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
        low, high = _EVALUATION_SECONDS
        reserve = min(high, max(low, 60 * recipe.minutes * _EVALUATION_SHARE))
        pace = seconds_per_step(config, text.tokens, settings)
        reserve += pace * sum(
            s.updates
            for s in (recipe.stages_after, recipe.search, recipe.last_stage)
            if s
        )
        left = 60 * recipe.minutes - bench.cost["wall_seconds"] - reserve
        steps = max(20, int(left / pace))
        say(f"     {pace:.2f} s a step here: {steps:,} steps fit")
        return steps

    return bench.once("steps", as_many_as_fit)


def pretrain_primer(
    recipe: Recipe,
    bench: Workbench,
    model: Transformer,
    settings: TrainConfig,
    text: Text,
    n_steps: int,
    world: World,
) -> list[StepRecord]:
    """Pre-training on easy text in short rows (`primer`), in place; its records."""
    row_length = settings.context_length or model.config.context_length
    rows = settings.batch_size * row_length // recipe.primer_length
    say(
        f"     pre-training: {n_steps:,} steps of primer, {rows} rows of"
        f" {recipe.primer_length} tokens"
    )
    texts = primer(world, 2 * n_steps * rows * recipe.primer_length, recipe)
    settings = replace(
        settings,
        steps=n_steps,
        batch_size=rows,
        context_length=recipe.primer_length,
        decay_fraction=0.2,
    )
    run = train(
        model,
        encode_stream(text.tokenizer, texts),
        settings,
        folder=bench.saved / "primer",
        progress=bench.progress,
    )
    return list(bench.watch(run))


def pretrain_text(
    bench: Workbench, model: Transformer, settings: TrainConfig, text: Text
) -> list[StepRecord]:
    """Pre-training on the corpus, in place; its records."""
    row_length = settings.context_length or model.config.context_length
    say(
        f"     pre-training: {settings.steps:,} steps of text, {settings.batch_size}"
        f" rows of {row_length} tokens"
    )
    run = train(
        model,
        text.tokens,
        settings,
        valid_tokens=text.valid_tokens,
        valid_bytes=text.valid_bytes,
        folder=bench.saved / "main",
        progress=bench.progress,
    )
    return list(bench.watch(run))


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


def make_base(recipe: Recipe, bench: Workbench) -> dict:
    """The base model from raw text, in base/; its card, and under "cleaning" what the
    cleaning of the corpus left out.
    """
    world, n_parts, made_with = World(0), 6 if recipe.assistant else 4, versions()
    text = prepare_text(recipe, world, n_parts)
    config = replace(recipe.model, vocab_size=text.tokenizer.vocab_size)
    settings = replace(recipe.train, eos_id=text.tokenizer.eos_id, seed=recipe.seed)
    steps = steps_of(recipe, bench, config, settings, text)
    say(f"3/{n_parts}  {steps:,} steps of pre-training")
    model = Transformer(config, seed=recipe.seed)
    n_primer = min(recipe.primer_steps, steps // 3)
    n_main = steps - n_primer
    ends = []
    if n_primer:
        ends += pretrain_primer(recipe, bench, model, settings, text, n_primer, world)[
            -1:
        ]
    settings = replace(
        settings,
        steps=n_main,
        validate_every=max(1, n_main // 20),
        checkpoint_every=max(50, n_main // 10),
    )
    history = pretrain_text(bench, model, settings, text)
    ends.append(history[-1])
    cost = bench.cost | {"tokens_seen": sum(record.tokens for record in ends)}
    # Measured, like shipped, in half precision: the card describes the file, not the
    # weights behind it.
    model = bench.ship(model, text.tokenizer)
    say(f"4/{n_parts}  what did it learn?")
    card = {
        "name": "base",
        "made_by": (
            f"python -m inkling speedrun --minutes {recipe.minutes:g} --steps {steps}"
            f" --seed {recipe.seed}" + ("" if recipe.assistant else " --base-only")
        ),
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
        "cost": cost,
        "versions": made_with,
        "history": summary(history),
        "scores": scores(model, text.tokenizer, world, text.texts),
        "careful": CAREFUL,
    }
    return cards.write(bench.to, card) | {"cleaning": text.cleaning}

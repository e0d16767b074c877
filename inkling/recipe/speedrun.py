"""The speedrun: the whole chain from raw text to a trained model, with one dial, the
minutes it may take.

    python -m inkling speedrun --minutes 10

It makes the small internet of Larkhaven, cleans it, trains a tokenizer, pre-trains a
transformer for as many steps as fit into the time on this machine, makes an assistant
of it (fine-tuning, a reward model, RLHF), teaches that to read (retrieval), measures
what each stage learned, and leaves checkpoints with cards that say how they were made.
The checkpoints that ship with the book come from this program alone, with the dial
turned up.
"""

import hashlib
import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from inkling.files import InklingError, atomic_write, versions
from inkling.model.transformer import ModelConfig, Transformer
from inkling.recipe import cards
from inkling.recipe.assistant_stage import AlignRecipe, align
from inkling.recipe.cards import CAREFUL, report_card
from inkling.recipe.embedder_stage import EmbedderRecipe, make_embedder
from inkling.recipe.reader_stage import RAGRecipe, teach_reading
from inkling.recipe.workbench import Workbench, change_between
from inkling.settings import check
from inkling.text.corpus import CleaningReport, prepare
from inkling.text.ngram import NGramModel
from inkling.text.tokenizer import SPECIAL_TOKENS, Tokenizer
from inkling.training import evaluate
from inkling.training.pretrain import StepRecord, TrainConfig, train
from inkling.world import World


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a run. Only `minutes` is meant to be turned; with `steps`
    set, a run repeats exactly.
    """

    minutes: float = 10.0
    """Wall-clock time for the whole chain."""
    steps: int | None = None
    """Updates of pre-training. None: as many as fit into the minutes on this
    machine.
    """
    seed: int = 0
    """Seeds the corpus, the model's first weights and the order of the data. The town
    itself is always World(0).
    """
    assistant: bool = True
    """Whether the chain goes on after pre-training, to an assistant."""
    alignment: AlignRecipe | None = None
    """How it goes on. None: by the minutes."""
    reading: RAGRecipe | None = None
    """How the assistant then learns to read. None: by the minutes."""
    embedding: EmbedderRecipe | None = None
    """How the embedder is made that finds what to read. None: by the minutes."""
    corpus_bytes: int | None = None
    """Size of the raw crawl, of which a good half is left when it is clean. None: 4 MB
    a minute, from 8 to 96 MB.
    """
    vocab_size: int = 2048
    model: ModelConfig = ModelConfig(vocab_size=2048)
    primer_steps: int = 500
    """Steps spent first on easy text in short rows (`primer`), or a third of the run
    where that is less. It teaches two skills that everything else builds on, far sooner
    than the mixed text does: to copy, and to look a person up.
    """
    primer_length: int = 64
    """Tokens in a row of the primer; as many tokens make a batch as later."""
    primer_people: int = 20
    """How many inhabitants the primer's entries and quizzes dwell on."""
    train: TrainConfig = TrainConfig(
        batch_size=12,
        context_length=192,
        learning_rate=1.2e-2,
        muon_learning_rate=0.014,
    )
    """The rates are the best of 16 pairs in runs of 3,288 steps, the whole chain's ten
    minutes: over four seeds 8.3 to 8.7 % above the bound, where the rates that made the
    checkpoints that ship (3e-3 and 0.02) end at 9.6 to 10.8 %. In runs of 21,415 steps
    the two end alike (3.3 %).

    Rows are shorter than the model's context: one document in 130 is longer than 192
    tokens, and attention costs the square of the length. RoPE tells distances, not
    places, so longer texts mostly work, though distances above 192 tokens are never
    practised.
    """

    def __post_init__(self) -> None:
        check(
            self,
            counts=(
                "steps",
                "corpus_bytes",
                "vocab_size",
                "primer_length",
                "primer_people",
            ),
            from_zero=("seed", "primer_steps"),
            positive=("minutes",),
            switches=("assistant",),
            optional=("steps", "corpus_bytes"),
        )

    @property
    def crawl_bytes(self) -> int:
        """Bytes of raw pages: `corpus_bytes`, or 2 to 24 times 4 MB as the minutes
        allow.
        """
        return self.corpus_bytes or int(4e6 * min(24.0, max(2.0, self.minutes)))

    @property
    def stages_after(self) -> AlignRecipe | None:
        """The recipe of the assistant that follows pre-training; None where none
        does.
        """
        return (
            (self.alignment or AlignRecipe.for_minutes(self.minutes, self.seed))
            if self.assistant
            else None
        )

    @property
    def last_stage(self) -> RAGRecipe | None:
        """The recipe of what the assistant learns last, to read; None where there is no
        assistant.
        """
        return (
            (self.reading or RAGRecipe.for_minutes(self.minutes, self.seed))
            if self.assistant
            else None
        )

    @property
    def search(self) -> EmbedderRecipe | None:
        """The recipe of the embedder; None where there is no assistant."""
        return (
            (self.embedding or EmbedderRecipe.for_minutes(self.minutes, self.seed))
            if self.assistant
            else None
        )


#: Time set aside for measuring the finished model, as a share of all the minutes, and
#: its limits in seconds.
_EVALUATION_SHARE, _EVALUATION_SECONDS = 0.08, (15.0, 75.0)


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)


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


def run(recipe: Recipe, folder: str | Path, progress: bool = True) -> dict:
    """Run the whole chain into `folder` and return the card. An interrupted run goes on
    where its last savepoint was.

    Writes base/ (config.json, model.safetensors in half precision, tokenizer.json,
    card.json) and, for an assistant, sft/, reward/, rlhf/, embedder/ and rag/. Returns
    the card of base/, with those of the others under "assistant". Raises `InklingError`
    when the folder holds a finished run, or one with other settings.
    """
    started, folder = time.perf_counter(), Path(folder)
    if folder.exists() and not folder.is_dir():
        raise InklingError(
            f"{folder} is a file; give a folder to write to, or a name that is not"
            " taken."
        )
    finished = [
        (folder / name / "card.json").is_file()
        for name in ("base", "rag" if recipe.assistant else "base")
    ]
    if all(finished):
        raise InklingError(
            f"{folder} holds a finished run. Choose another folder, or remove this one"
            " first."
        )
    bench = Workbench(folder, "base", progress)
    begin(recipe, bench)
    card = cards.read(bench.to) if finished[0] else make_base(recipe, bench)
    return go_on(recipe, folder, card, started, progress)


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


def n_bytes(texts: Iterable[str]) -> int:
    """The length of texts in UTF-8."""
    return sum(len(text.encode("utf-8")) for text in texts)


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


def go_on(
    recipe: Recipe, folder: Path, card: dict, started: float, progress: bool
) -> dict:
    """The last part of `run`: from the base model, whose card is given, to the
    assistant; then the report card.
    """
    after, search, last = recipe.stages_after, recipe.search, recipe.last_stage
    if after and search and last:
        say(
            f"5/6  an assistant: {after.n_demos:,} demonstrations, {after.n_pairs:,}"
            f" comparisons, {after.rlhf.steps} batches of RLHF"
        )
        stages = align(folder / "base", folder, after, progress)
        n_steps = sum(course.steps for course in last.courses)
        say(
            f"6/6  retrieval: an embedder from {search.n_pairs:,} pairs, {n_steps:,}"
            " steps of reading"
        )
        stages += [
            make_embedder(folder / "base", folder, search, progress),
            teach_reading(folder, last, progress),
        ]
        card = card | {"assistant": {stage["name"]: stage for stage in stages}}
    say(report_card([card]))
    say(
        f"\nThe checkpoints are in {folder}; this run took"
        f" {(time.perf_counter() - started) / 60:.1f} minutes."
    )
    return card


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

"""The stage that makes the embedder of the book: from the base model to embedder/, with
a card that says how well.

    from inkling.recipe.embedder_stage import make_embedder
    make_embedder("inkling/checkpoints/base", "runs/one")   # writes runs/one/embedder

It needs nothing but the base model, so it can be made beside the assistant as well as
after it.
"""

import functools
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from inkling.reading.embedder import Embedder, EmbedderConfig, train_embedder
from inkling.reading.retrieval import (
    DenseRetriever,
    HybridRetriever,
    Retriever,
    WordRetriever,
    mean_reciprocal_rank,
    recall_at_k,
)
from inkling.reading.shelves import (
    Library,
    LibraryQuestion,
    keyword_queries,
    library_questions,
    town_library,
    training_pairs,
    unseen_people,
)
from inkling.recipe.first_batches import keep
from inkling.recipe.plain_updates import play_embedder
from inkling.recipe.stage_data import embedder_digests
from inkling.recipe.taken_batches import take_embedder
from inkling.recipe.workbench import Workbench, checkpoint, made_from, stage, town
from inkling.settings import check
from inkling.text.tokenizer import Tokenizer
from inkling.training.identity import digest
from inkling.world import World

# places of a ranking that are looked at: as many as a `HybridRetriever` reads
DEPTH = 50


@dataclass(frozen=True)
class EmbedderRecipe:
    """Everything that decides the stage."""

    seed: int = 0
    n_pairs: int = 20_480
    """Questions with the passages that answer them, each seen once."""
    training: EmbedderConfig = EmbedderConfig()
    n_documents: int = 600
    """Documents in the library that the exam is about, beside an entry on everybody."""
    n_seeds: int = 3
    """So many embedders are trained, from as many seeds. The first is kept; all are
    measured, to see the spread.
    """

    def __post_init__(self) -> None:
        check(self, counts=("n_pairs", "n_documents", "n_seeds"), from_zero=("seed",))

    @classmethod
    def for_minutes(cls, minutes: float, seed: int = 0) -> "EmbedderRecipe":
        """The sizes for a chain that may take so many minutes from raw text on: full
        from an hour, less below.
        """
        full, share = cls(seed=seed), min(1.0, max(0.1, minutes / 60))
        n_pairs = max(full.training.batch_size, int(full.n_pairs * share))
        return replace(full, n_pairs=n_pairs, n_seeds=full.n_seeds if share == 1 else 1)

    @property
    def updates(self) -> float:
        """What the stage costs, in updates of pre-training on the same machine
        (measured, on two cores).
        """
        return self.n_seeds * (0.02 * self.n_pairs + 90)


def exam_questions(world: World, library: Library) -> dict[str, list[LibraryQuestion]]:
    """The exam, in three kinds that are equally many: {"plain", "paraphrased",
    "keywords"}.

    The questions are on people that no embedder has met, in wordings that it has not
    met.
    """
    people = unseen_people(world)
    plain = library_questions(world, library, people, paraphrased=False, held_out=True)
    paraphrased = library_questions(
        world, library, people, paraphrased=True, held_out=True
    )
    return {
        "plain": plain,
        "paraphrased": paraphrased,
        "keywords": keyword_queries(world, library, len(plain)),
    }


def score(
    retriever: Retriever, questions: Sequence[LibraryQuestion]
) -> dict[str, float]:
    """How well a retriever finds what answers these questions: {"recall@5", "mrr"}."""
    found = retriever.rank_many([question.text for question in questions], DEPTH)
    places = [[place for place, _ in ranking] for ranking in found]
    relevant = [set(question.answers) for question in questions]
    return {
        "recall@5": recall_at_k(places, relevant, 5),
        "mrr": mean_reciprocal_rank(places, relevant),
    }


def retrieval_scores(
    embedder: Embedder, tokenizer: Tokenizer, world: World, library: Library
) -> dict:
    """The exam by words, by meaning and by both: {way: {kind: `score`}}, and under "n"
    how many questions it has.
    """
    words = WordRetriever(library.passages)
    meaning = DenseRetriever(library.passages, embedder, tokenizer)
    ways = {
        "words": words,
        "meaning": meaning,
        "both": HybridRetriever([words, meaning], DEPTH),
    }
    exams = exam_questions(world, library)
    scores: dict = {"n": sum(map(len, exams.values()))}
    for name, retriever in ways.items():
        scores[name] = {
            kind: score(retriever, questions) for kind, questions in exams.items()
        }
    return scores


def train_one(
    bench: Workbench, base: Path, recipe: EmbedderRecipe, world: World, seed: int
) -> tuple[Embedder, list[float]]:
    """An embedder from this seed, and the losses of its training."""
    model, tokenizer = checkpoint(base)
    embedder = Embedder.from_model(model, seed=seed)
    run = train_embedder(
        embedder,
        tokenizer,
        training_pairs(world, recipe.n_pairs, seed),
        replace(recipe.training, seed=seed),
        folder=bench.saved / f"seed-{seed}",
        progress=bench.progress,
    )
    return embedder, [round(record.loss, 4) for record in bench.watch(run)]


def make_seeds(
    bench: Workbench, base: Path, recipe: EmbedderRecipe, world: World
) -> dict:
    """Train an embedder from each seed and measure it; the first is kept."""
    _, tokenizer = checkpoint(base)
    library, scores, first = town_library(world, recipe.n_documents), [], []
    for seed in range(recipe.seed, recipe.seed + recipe.n_seeds):
        embedder, losses = train_one(bench, base, recipe, world, seed)
        first = first or losses
        with tempfile.TemporaryDirectory() as other:
            place = other if scores else bench.to
            embedder.save(place, dtype=torch.float16)
            shipped = Embedder.load(place)
        scores.append(
            bench.once(
                f"scores-{seed}",
                functools.partial(retrieval_scores, shipped, tokenizer, world, library),
            )
        )
    tokenizer.save(bench.to / "tokenizer.json")
    config = replace(recipe.training, seed=recipe.seed)
    pairs = training_pairs(world, recipe.n_pairs, recipe.seed)
    model, _ = checkpoint(base)
    return {
        "tensors": digest(Embedder.load(bench.to)),
        "data": embedder_digests(pairs),
        **keep(
            bench.to,
            take_embedder(model, tokenizer, pairs, config),
            lambda first: play_embedder(model, tokenizer, first, config),
        ),
        "loss": first[:: max(1, len(first) // 60)],
        "n_passages": len(library.passages),
        "scores": scores[0],
        "scores_of_other_seeds": scores[1:],
    }


def make_embedder(
    base: str | Path,
    folder: str | Path,
    recipe: EmbedderRecipe = EmbedderRecipe(),
    progress: bool = True,
) -> dict:
    """Make embedder/ in `folder` from the checkpoint in `base`; return its card.

    Written and measured in half precision, as the other models are. Raises
    `InklingError` where `base` is no checkpoint, and where embedder/ was made from
    another one or with another recipe.
    """
    base, world = Path(base), town()
    bench, (start, _) = Workbench(Path(folder), "embedder", progress), checkpoint(base)
    decided_by = made_from(recipe, base=start)
    return stage(bench, decided_by, lambda: make_seeds(bench, base, recipe, world))

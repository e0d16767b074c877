"""Retrieval: what an index of 50,000 vectors buys, and how well words, meaning and both find
passages of Larkhaven.

    python tools/bench_retrieval.py               # all of it
    python tools/bench_retrieval.py --pairs 0     # without training an embedder: the indexes alone

*Indexes.* 50,000 unit vectors of 128 numbers, in 1,000 crowds, as embedded texts are (in pure noise
no index finds anything early), and 1,000 more from the same crowds as queries. Recall@10 is the
share of the ten truly nearest, which numpy finds by brute force. Seconds are CPU-seconds, with one
thread, so that other programs disturb them less.

*Larkhaven.* An entry on each of 260 people and 600 other documents, in passages of one or two
sentences; questions on the 100 people whom the embedder has never seen. It is trained from the
shipped base model, three times with other seeds: the middle of the three is printed, and the least
and the most. *New* wordings are none that training has.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from typing import TypeVar

import faiss
import numpy as np
import torch

from inkling import checkpoints
from inkling.model.transformer import Transformer
from inkling.reading.embedder import Embedder, EmbedderConfig, train_embedder
from inkling.reading.retrieval import (
    DenseRetriever,
    Retriever,
    VectorIndex,
    WordRetriever,
    mean_reciprocal_rank,
    recall_at_k,
    reciprocal_rank_fusion,
)
from inkling.reading.shelves import (
    LibraryQuestion,
    library_questions,
    town_library,
    training_pairs,
    unseen_people,
)
from inkling.text.tokenizer import Tokenizer
from inkling.world import World

N, D, CROWDS, QUERIES = 50_000, 128, 1_000, 1_000
SEEDS = (0, 1, 2)
Result = TypeVar("Result")


def cpu_seconds(action: Callable[[], Result]) -> tuple[float, Result]:
    start = time.process_time()
    result = action()
    return time.process_time() - start, result


def crowded(n: int, seed: int) -> np.ndarray:
    """Unit vectors (n, D) around CROWDS centres, the same for every seed; some crowds are larger
    than others.
    """
    centres = np.random.default_rng(0).normal(size=(CROWDS, D))
    random = np.random.default_rng(seed)
    shares = 1 / np.arange(1, CROWDS + 1) ** 0.5
    chosen = random.choice(CROWDS, size=n, p=shares / shares.sum())
    vectors = centres[chosen] + 0.8 * random.normal(size=(n, D))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def indexes() -> None:
    vectors, queries = crowded(N, 1), crowded(QUERIES, 2)
    took, scores = cpu_seconds(lambda: queries @ vectors.T)
    truth = np.argsort(-scores, axis=1, kind="stable")[:, :10]
    print(
        f"{N:,} vectors of {D} numbers, {QUERIES:,} queries; the products in numpy:"
        f" {took / QUERIES * 1e6:.0f} us"
    )
    print(f"{'index':>20}{'build, s':>10}{'us a query':>12}{'recall@10':>11}{'bytes a vector':>16}")
    settings: list[tuple[str, dict[str, int], list[int | None]]] = [
        ("Flat", {}, [None]),
        ("IVF", {}, [1, 4, 16, 64]),
        ("HNSW", {}, [16, 64, 256]),
        ("PQ", {"code_bytes": 16}, [None]),
        ("PQ", {"code_bytes": 32}, [None]),
    ]
    for kind, options, efforts in settings:
        seconds, index = cpu_seconds(
            lambda kind=kind, options=options: VectorIndex.build(kind, vectors, **options)
        )
        size = len(index.to_bytes()) / N
        for effort in efforts:
            if effort is not None:
                index.effort = effort
            took, (_, found) = cpu_seconds(lambda index=index: index.search(queries, 10))
            recall = recall_at_k(found.tolist(), [set(row) for row in truth.tolist()], 10)
            name = {"IVF": f"IVF, n_probe {effort}", "HNSW": f"HNSW, ef_search {effort}"}.get(
                kind, kind
            )
            name += f", {options['code_bytes']} bytes" if options else ""
            print(
                f"{name:>20}{seconds:10.1f}{took / QUERIES * 1e6:12.0f}{recall:11.3f}{size:16.0f}",
                flush=True,
            )


def rankings(retriever: Retriever, questions: list[LibraryQuestion]) -> list[list[int]]:
    """The first 50 places for each question: what `HybridRetriever` reads of each ranking, too."""
    return [[place for place, _ in retriever.rank(question.text, 50)] for question in questions]


def fused(ours: list[list[int]], theirs: list[list[int]]) -> list[list[int]]:
    """What `HybridRetriever` would find, without searching once more."""
    return [
        [place for place, _ in reciprocal_rank_fusion(pair)]
        for pair in zip(ours, theirs, strict=True)
    ]


def larkhaven(n_pairs: int) -> None:
    world = World(0)
    library, folder = town_library(world), checkpoints.path("base")
    tokenizer, base = Tokenizer.load(folder / "tokenizer.json"), Transformer.from_pretrained(folder)
    people, exams = unseen_people(world), {}
    for wording in ("usual", "new"):
        for kind in ("plain", "paraphrased"):
            questions = library_questions(
                world, library, people, kind == "paraphrased", wording == "new"
            )
            exams[wording, kind] = questions
    print(
        f"\n{len(library.passages):,} passages, {len(next(iter(exams.values())))} questions of each"
        " kind"
    )
    untrained = Embedder.from_model(base)
    untrained.centre_on(tokenizer, [passage.searchable for passage in library.passages])
    trained = []
    for seed in SEEDS:
        pairs = training_pairs(world, n_pairs, seed)
        embedder = Embedder.from_model(base, seed=seed)
        seconds, history = cpu_seconds(
            lambda embedder=embedder, pairs=pairs, seed=seed: list(
                train_embedder(
                    embedder, tokenizer, pairs, EmbedderConfig(seed=seed), progress=False
                )
            )
        )
        trained.append(embedder)
        print(
            f"seed {seed}: {len(history)} steps, {seconds:.0f} CPU-seconds, last loss"
            f" {history[-1].loss:.3f}"
        )
    seconds, before = cpu_seconds(lambda: DenseRetriever(library.passages, untrained, tokenizer))
    print(f"embedding all passages: {seconds:.1f} CPU-seconds")
    retrievers = {
        "words (BM25)": [WordRetriever(library.passages)],
        "meaning, untrained": [before],
        "meaning": [DenseRetriever(library.passages, embedder, tokenizer) for embedder in trained],
    }
    found = {
        exam: {
            name: [rankings(one, questions) for one in several]
            for name, several in retrievers.items()
        }
        for exam, questions in exams.items()
    }
    for ways in found.values():
        ways["both (RRF)"] = [fused(ways["words (BM25)"][0], one) for one in ways["meaning"]]

    print(f"\n{'':20}" + "".join(f"{f'{wording}, {kind}':>30}" for wording, kind in exams))
    print(f"{'':20}" + f"{'recall@5 (range)         MRR':>30}" * len(exams))
    recalls: dict[str, dict] = {}
    for name in [*retrievers, "both (RRF)"]:
        line, recalls[name] = f"{name:20}", {}
        for exam, questions in exams.items():
            relevant = [set(question.answers) for question in questions]
            values = recalls[name][exam] = [
                recall_at_k(ranking, relevant, 5) for ranking in found[exam][name]
            ]
            ranks = [mean_reciprocal_rank(ranking, relevant) for ranking in found[exam][name]]
            spread = f"({min(values):.3f}-{max(values):.3f})" if len(values) > 1 else ""
            line += f"{statistics.median(values):10.3f} {spread:13}{statistics.median(ranks):6.3f}"
        print(line)

    def new(name: str) -> np.ndarray:
        """Recall on new wordings, plain and paraphrased together, for each seed."""
        return np.mean([recalls[name]["new", kind] for kind in ("plain", "paraphrased")], axis=0)

    words, meaning, both = new("words (BM25)"), new("meaning"), new("both (RRF)")
    print(
        f"\nnew wordings, both kinds: words {words[0]:.3f}, meaning {meaning.round(3)}, both"
        f" {both.round(3)}"
    )
    met = {
        "recall@5 of both above that of words and of meaning": (
            (both > np.maximum(words, meaning)).all()
        ),
        "paraphrased: recall@5 of meaning above that of words": all(
            min(recalls["meaning"][wording, "paraphrased"])
            > recalls["words (BM25)"][wording, "paraphrased"][0]
            for wording in ("usual", "new")
        ),
    }
    for target, reached in met.items():
        print(f"target, with every seed: {target}: {'met' if reached else 'MISSED'}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument(
        "--pairs", type=int, default=5120, help="pairs that an embedder is trained on; 0: none"
    )
    parser.add_argument("--skip-indexes", action="store_true", help="leave out the 50,000 vectors")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    faiss.omp_set_num_threads(1)
    if not arguments.skip_indexes:
        indexes()
    if arguments.pairs:
        larkhaven(arguments.pairs)

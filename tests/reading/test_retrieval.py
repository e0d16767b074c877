"""Retrieval: the three retrievers, fusion, recall and MRR, and bad input."""

from functools import cache

import numpy as np
import pytest
import tiny
from hypothesis import given
from hypothesis import strategies as st

from inkling.files import InklingError
from inkling.reading.embedder import Embedder
from inkling.reading.passages import Passage
from inkling.reading.retrieval import (
    DenseRetriever,
    Hit,
    HybridRetriever,
    Retriever,
    VectorIndex,
    WordRetriever,
    mean_reciprocal_rank,
    recall_at_k,
    reciprocal_rank_fusion,
)

TOKENIZER = tiny.tokenizer()
TEXTS = [
    "the boat left the harbour",
    "bread for Ada",
    "a lamp and a rope",
    "the mill at home",
    "rope for the boat",
]
PASSAGES = [Passage(str(i), text) for i, text in enumerate(TEXTS)]
RANKINGS = st.lists(st.lists(st.integers(0, 9), unique=True, max_size=6), min_size=1, max_size=4)


@cache
def embedder() -> Embedder:
    model = Embedder(tiny.random_model())
    model.centre_on(TOKENIZER, TEXTS)
    return model


class Fixed(Retriever):
    """Always the same ranking."""

    def __init__(self, passages, order):
        super().__init__(passages)
        self.order = order

    def rank(self, query, k):
        return [(place, 1.0) for place in self.order[:k]]


def retrievers() -> list[Retriever]:
    words, dense = WordRetriever(PASSAGES), DenseRetriever(PASSAGES, embedder(), TOKENIZER)
    return [words, dense, HybridRetriever([words, dense])]


def places(hits: list[Hit]) -> list[int]:
    return [int(hit.passage.id) for hit in hits]


# ---- what all of them promise


@pytest.mark.parametrize("number", [0, 1, 2])
def test_results_are_passages_best_first_and_at_most_k(number):
    retriever = retrievers()[number]
    for k in (1, 2, 5, 100):
        hits = retriever.search("boat rope", k)
        assert len(hits) <= min(k, 5) and all(hit.passage in PASSAGES for hit in hits)
        assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
        assert len(set(places(hits))) == len(hits)
        assert hits == retriever.search("boat rope", 100)[:k], (
            "asking for more changes nothing at the top"
        )


@pytest.mark.parametrize("number", [0, 1, 2])
def test_many_queries_at_once_are_ranked_as_one_by_one(number):
    retriever, queries = retrievers()[number], ["boat rope", "lamp at home", "zebra", "bread"]
    assert retriever.rank_many([], 3) == []
    for many, query in zip(retriever.rank_many(queries, 3), queries, strict=True):
        one = retriever.rank(query, 3)
        assert [place for place, _ in many] == [place for place, _ in one]
        assert [score for _, score in many] == pytest.approx([score for _, score in one], abs=1e-5)


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize("query", ["", "  \n"])
def test_an_empty_query_raises(number, query):
    with pytest.raises(InklingError, match="query is empty"):
        retrievers()[number].search(query)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_k_below_one_raises(number):
    with pytest.raises(InklingError, match="at least one passage"):
        retrievers()[number].search("boat", 0)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_query_longer_than_the_context_is_answered(number):
    """The model's context is 64 tokens: the query is read in windows."""
    hits = retrievers()[number].search("rope " * 300 + "boat", 2)
    assert len(hits) == 2 and (number == 1 or places(hits)[0] == 4)


def test_no_passages_or_two_with_one_id_raise():
    with pytest.raises(InklingError, match="no passages to search"):
        WordRetriever([])
    with pytest.raises(InklingError, match="no passages to search"):
        DenseRetriever([], embedder(), TOKENIZER)
    with pytest.raises(InklingError, match="1 ids are there twice, such as '2'"):
        WordRetriever([*PASSAGES, Passage("2", "another")])


# ---- by words


def test_words_find_passages_that_share_one_and_no_others():
    assert places(WordRetriever(PASSAGES).search("Where is the BOAT?")) in ([0, 4], [4, 0])
    assert (
        WordRetriever(PASSAGES).search("zebra")
        == WordRetriever(PASSAGES).search("what is the")
        == []
    )


def test_words_of_the_title_count():
    passages = [
        Passage("0", "She is a baker.", title="Emma Reed"),
        Passage("1", "She is a baker.", title="Ada Cobb"),
    ]
    assert places(WordRetriever(passages).search("Ada")) == [1]


# ---- by meaning


class Noisy:
    """Vectors whose last bits depend on the place in the batch, as those of real models do."""

    dimension = 8

    def encode(self, tokenizer, texts):
        vectors = np.random.default_rng(0).normal(size=(100, 8))
        vectors = vectors[[int(text) for text in texts]]
        vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return (vectors + 1e-7 * np.arange(len(texts))[:, None]).astype(np.float32)


def test_copies_of_a_passage_hide_no_other():
    texts = [str(i) for i in range(51)] + ["7"] * 300
    passages = [Passage(f"{i}", text) for i, text in enumerate(texts)]
    hits = DenseRetriever(passages, Noisy(), TOKENIZER, "HNSW").search("7", len(passages))
    assert sorted(places(hits)) == list(range(351))
    assert {hit.passage.text for hit in hits[:301]} == {"7"}


def test_dense_retrieval_is_the_order_of_the_cosines():
    vectors = embedder().encode(TOKENIZER, TEXTS)
    (query,) = embedder().encode(TOKENIZER, ["lamp at home"])
    hits = DenseRetriever(PASSAGES, embedder(), TOKENIZER).search("lamp at home", 5)
    assert places(hits) == np.argsort(-(vectors @ query)).tolist()
    np.testing.assert_allclose(
        [hit.score for hit in hits], np.sort(vectors @ query)[::-1], atol=1e-5
    )


def test_a_passage_is_the_nearest_to_itself():
    dense = DenseRetriever(PASSAGES, embedder(), TOKENIZER)
    assert [places(dense.search(text, 1))[0] for text in TEXTS] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("kind", ["Flat", "IVF", "HNSW"])
def test_dense_retrieval_takes_any_index_built_or_loaded(tmp_path, kind):
    built = DenseRetriever(PASSAGES, embedder(), TOKENIZER, kind)
    built.index.save(tmp_path / "index")
    loaded = DenseRetriever(
        PASSAGES, embedder(), TOKENIZER, index=VectorIndex.load(tmp_path / "index")
    )
    assert built.search("bread", 3) == loaded.search("bread", 3) and loaded.index.kind == kind


def test_an_index_of_other_passages_or_of_another_embedder_raises():
    index = DenseRetriever(PASSAGES, embedder(), TOKENIZER).index
    with pytest.raises(InklingError, match="holds 5 vectors of 16 numbers; expected 3, .* of 16"):
        DenseRetriever(PASSAGES[:3], embedder(), TOKENIZER, index=index)
    with pytest.raises(InklingError, match="holds 5 vectors of 16 numbers; expected 5, .* of 7"):
        DenseRetriever(PASSAGES, Embedder(tiny.random_model(), 7), TOKENIZER, index=index)


# ---- by both


def test_fusion_is_the_sum_of_reciprocal_ranks():
    fused = dict(reciprocal_rank_fusion([["a", "b", "c"], ["b", "d"]]))
    assert fused == pytest.approx({"a": 1 / 61, "b": 1 / 62 + 1 / 61, "c": 1 / 63, "d": 1 / 62})
    assert [item for item, _ in reciprocal_rank_fusion([["a", "b", "c"], ["b", "d"]])] == [
        "b",
        "a",
        "d",
        "c",
    ]


@given(RANKINGS)
def test_fusion_does_not_depend_on_the_order_of_the_rankings(rankings):
    ours, theirs = reciprocal_rank_fusion(rankings), reciprocal_rank_fusion(rankings[::-1])
    assert {item for item, _ in ours} == set().union(*rankings)
    assert dict(ours) == pytest.approx(dict(theirs))


@given(st.lists(st.integers(0, 9), unique=True, max_size=8), st.integers(1, 3))
def test_fusing_a_ranking_with_itself_changes_nothing(ranking, times):
    assert [item for item, _ in reciprocal_rank_fusion([ranking] * times)] == ranking


def test_found_by_both_beats_first_in_one():
    hybrid = HybridRetriever([Fixed(PASSAGES, [0, 1, 2]), Fixed(PASSAGES, [3, 4, 2])])
    assert places(hybrid.search("?", 5))[0] == 2
    sharp = HybridRetriever([Fixed(PASSAGES, [0, 1, 2]), Fixed(PASSAGES, [3, 4, 2])], constant=0.0)
    assert places(sharp.search("?", 5))[:2] == [0, 3], "the constant is what makes it so"


def test_fusion_reads_deeper_than_the_k_that_is_asked_for():
    """Third in both is the best of all, though neither would have it among its first two."""
    hybrid = HybridRetriever([Fixed(PASSAGES, [0, 1, 2]), Fixed(PASSAGES, [3, 4, 2])])
    assert places(hybrid.search("?", 1)) == [2]
    assert places(HybridRetriever(hybrid.retrievers, depth=2).search("?", 1)) == [0]


def test_a_hybrid_of_different_passages_or_of_nothing_raises():
    for parts in ([], [WordRetriever(PASSAGES), WordRetriever(PASSAGES[::-1])]):
        with pytest.raises(InklingError, match="all of the same passages"):
            HybridRetriever(parts)


# ---- how well


def test_recall_is_the_share_of_the_right_ones_among_the_first_k():
    rankings, relevant = [[3, 1, 2], [5], []], [{1, 9}, {5}, {4}]
    assert recall_at_k(rankings, relevant, 1) == pytest.approx((0 + 1 + 0) / 3)
    assert recall_at_k(rankings, relevant, 2) == pytest.approx((1 / 2 + 1 + 0) / 3)


def test_mrr_is_one_over_the_rank_of_the_first_right_one():
    assert mean_reciprocal_rank(
        [[3, 1, 9], [5], [], [7, 8]], [{1, 9}, {5}, {4}, {6}]
    ) == pytest.approx((1 / 2 + 1) / 4)


@given(RANKINGS, st.data())
def test_recall_grows_with_k_to_the_share_that_was_found_at_all(rankings, data):
    relevant = [data.draw(st.sets(st.integers(0, 9), min_size=1, max_size=4)) for _ in rankings]
    recalls = [recall_at_k(rankings, relevant, k) for k in range(1, 8)]
    found = [
        len(right & set(ranking)) / len(right)
        for ranking, right in zip(rankings, relevant, strict=True)
    ]
    assert recalls == sorted(recalls) and recalls[-1] == pytest.approx(np.mean(found))
    assert 0 <= mean_reciprocal_rank(rankings, relevant) <= 1


def test_measuring_without_queries_or_right_answers_raises():
    for relevant in ([], [set()]):
        with pytest.raises(InklingError, match="at least one query"):
            recall_at_k([[1]], relevant, 5)
        with pytest.raises(InklingError, match="at least one query"):
            mean_reciprocal_rank([[1]], relevant)
    with pytest.raises(InklingError, match="k is 0"):
        recall_at_k([[1]], [{1}], 0)

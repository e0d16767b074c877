"""The vector index: Flat against brute force, ties, the inner product for every kind, files, and
bad input.
"""

import itertools
import os
import subprocess
import sys

import faiss
import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st

from inkling.files import InklingError
from inkling.reading.vector_index import KINDS, VectorIndex


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def clustered(n: int, d: int = 16, seed: int = 0) -> np.ndarray:
    """Unit vectors in crowds, as texts are; in pure noise there is nothing that an index
    could use.
    """
    random = np.random.default_rng(seed)
    crowds = random.normal(size=(max(1, n // 20), d))
    return unit(crowds[random.integers(len(crowds), size=n)] + 0.4 * random.normal(size=(n, d)))


def brute_force(vectors: np.ndarray, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    scores = queries.astype(np.float64) @ vectors.T.astype(np.float64)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(scores, order, axis=1), order


#: Vectors with four numbers of +-0.5 and the rest zero: of length 1 exactly, and all their products
#: are exact, too.
EXACT = np.array(
    [
        [sign * 0.5 if i in places else 0.0 for i, sign in zip(range(6), signs, strict=True)]
        for places in itertools.combinations(range(6), 4)
        for signs in itertools.product((1, -1), repeat=6)
    ],
    np.float32,
)


# ---- Flat is exact


# FAISS computes few queries and many in different ways
@pytest.mark.parametrize("n_queries", [1, 7, 64])
def test_flat_equals_brute_force(n_queries):
    vectors, queries = clustered(2000), clustered(n_queries, seed=1)
    scores, found = VectorIndex.build("Flat", vectors).search(queries, 10)
    expected, order = brute_force(vectors, queries, 10)
    np.testing.assert_array_equal(found, order)
    np.testing.assert_allclose(scores, expected, atol=1e-6)
    assert (
        scores.dtype == np.float32 and found.dtype == np.int64 and scores.shape == (n_queries, 10)
    )


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.integers(0, len(EXACT) - 1), min_size=1, max_size=150),
    st.integers(1, 200),
    st.integers(0, 30),
)
def test_flat_equals_brute_force_also_where_many_are_equally_near(rows, k, query):
    """The same passage may stand in a collection twice, and then FAISS leaves open which it
    returns.
    """
    vectors, queries = EXACT[rows], EXACT[[query, query + 100, query + 200] * 8]
    scores, found = VectorIndex.build("Flat", vectors).search(queries, k)
    expected, order = brute_force(vectors, queries, k)
    np.testing.assert_array_equal(found, order)
    np.testing.assert_array_equal(scores, expected)


def test_of_a_thousand_equal_vectors_the_first_are_found():
    vectors = np.repeat(EXACT[:1], 1000, axis=0)
    for k in (1, 3, 150, 1000):
        assert VectorIndex.build("Flat", vectors).search(EXACT[:1], k)[1].tolist() == [
            list(range(k))
        ]


# ---- copies


def copies(distinct: int, times: int, seed: int = 0) -> np.ndarray:
    """That many different vectors, one of them so many times more, in any order."""
    vectors = clustered(distinct, seed=seed)
    vectors = np.concatenate([vectors, np.repeat(vectors[:1], times, axis=0)])
    return vectors[np.random.default_rng(seed).permutation(len(vectors))]


@pytest.mark.parametrize("kind", ["Flat", "IVF", "HNSW"])
def test_many_copies_of_a_vector_hide_no_other(kind):
    """HNSW linked the copies to each other, and found 21 of the 50 others."""
    vectors = copies(51, 300)
    scores, found = VectorIndex.build(kind, vectors).search(vectors[:5], len(vectors))
    expected, order = brute_force(vectors, vectors[:5], len(vectors))
    np.testing.assert_array_equal(np.sort(found), np.sort(order))
    np.testing.assert_allclose(scores, expected, atol=1e-6)


@pytest.mark.parametrize("kind", ["Flat", "IVF", "HNSW"])
@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.integers(0, len(EXACT) - 1), min_size=1, max_size=38),
    st.lists(st.integers(0, 37), max_size=200),
    st.integers(1, 300),
)
def test_with_copies_every_kind_finds_what_comparing_with_all_finds(kind, rows, again, k):
    """So few different vectors are one list of IVF, and all linked in HNSW: both are exact."""
    vectors = EXACT[[*rows, *(rows[i % len(rows)] for i in again)]]
    queries = EXACT[[3, 57, rows[0]]]
    scores, found = VectorIndex.build(kind, vectors).search(queries, k)
    expected, order = brute_force(vectors, queries, k)
    np.testing.assert_array_equal(scores, expected)
    if kind == "Flat":
        np.testing.assert_array_equal(found, order)
    else:  # of equally near ones at the end of a row it may name others
        np.testing.assert_array_equal((queries @ vectors.T)[np.arange(3)[:, None], found], scores)
        assert all(len(set(row)) == len(row) for row in found.tolist())


def test_settings_count_every_vector_once():
    vectors = copies(40, 400)
    assert len(VectorIndex.build("IVF", vectors)) == 440
    with pytest.raises(InklingError, match=r"n_lists \(41\) at most the 40 different vectors"):
        VectorIndex.build("IVF", vectors, n_lists=41)
    with pytest.raises(InklingError, match="here are 40 different vectors"):
        VectorIndex.build("PQ", vectors)


def test_pq_finds_the_copies_too():
    vectors = copies(300, 50)
    index = VectorIndex.build("PQ", vectors)
    copied = np.flatnonzero((vectors == vectors[:, None]).all(axis=2).sum(axis=1) > 1)
    found = index.search(vectors[copied[:1]], 80)[1][0].tolist()
    assert len(index) == 350 and set(copied.tolist()) <= set(found) and len(set(found)) == 80


@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_index_keeps_the_copies(tmp_path, kind):
    vectors = copies(300, 100)
    index = VectorIndex.build(kind, vectors)
    index.save(tmp_path / "index")
    loaded = VectorIndex.load(tmp_path / "index")
    assert len(loaded) == 400
    for ours, theirs in zip(loaded.search(vectors, 9), index.search(vectors, 9), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    tensors = safetensors.numpy.load_file(tmp_path / "index")
    with safetensors.safe_open(tmp_path / "index", framework="numpy") as file:
        metadata = file.metadata()
    tensors["group"][7] += 1
    safetensors.numpy.save_file(tensors, tmp_path / "index", metadata)
    with pytest.raises(InklingError, match="is damaged"):
        VectorIndex.load(tmp_path / "index")


def test_zero_and_minus_zero_are_one_number():
    vectors = np.array([[1, 0], [1, -0.0], [0, 1]], np.float32)
    assert VectorIndex.build("Flat", vectors).index.ntotal == 2


# ---- the process

FIRST_INDEX = """
import os, sys
import numpy as np, threadpoolctl, torch
os.environ.pop("KMP_DUPLICATE_LIB_OK", None)  # threadpoolctl sets it, too
sys.platform = "darwin"
from inkling.reading import rag, retrieval
assert "faiss" not in sys.modules and "KMP_DUPLICATE_LIB_OK" not in os.environ
from inkling.reading.vector_index import VectorIndex
index = VectorIndex.build("Flat", np.eye(3))
import faiss
assert os.environ["KMP_DUPLICATE_LIB_OK"] == "TRUE" and faiss.omp_get_max_threads() == 1
assert index.search(np.eye(3), 1)[1].ravel().tolist() == [0, 1, 2]
"""


def test_importing_the_reading_changes_nothing_of_the_process():
    """What macOS needs is set when the first index is built."""
    run = subprocess.run([sys.executable, "-c", FIRST_INDEX], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


IMPORTED = """
import os, sys
before = dict(os.environ)
from inkling.files import versions
assert "torch" not in sys.modules
print({name: value for name, value in os.environ.items() if before.get(name) != value})
"""


@pytest.mark.parametrize(
    ("told", "changed"), [({}, {"OMP_WAIT_POLICY": "PASSIVE"}), ({"OMP_WAIT_POLICY": "active"}, {})]
)
def test_importing_the_book_changes_one_variable_and_never_over_the_users_own(told, changed):
    environment = {k: v for k, v in os.environ.items() if k != "OMP_WAIT_POLICY"} | told
    run = subprocess.run(
        [sys.executable, "-c", IMPORTED], env=environment, capture_output=True, text=True
    )
    assert run.stdout.strip() == str(changed), run.stderr


# ---- every kind


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_takes_the_inner_product_and_not_the_distance(kind):
    """`index_factory` makes indexes of distance unless told otherwise: the least similar would come
    last but one.
    """
    vectors = clustered(600)
    index = VectorIndex.build(kind, vectors)
    assert index.index.metric_type == faiss.METRIC_INNER_PRODUCT
    scores, found = index.search(vectors[:50], 5)
    assert (np.diff(scores, axis=1) <= 0).all() and scores[:, 0].mean() > 0.85
    if kind != "PQ":  # which knows the vectors only roughly
        np.testing.assert_allclose(scores[:, 0], 1, atol=1e-5)
        assert (found[:, 0] == np.arange(50)).mean() > 0.95


@pytest.mark.parametrize(("kind", "least"), [("IVF", 0.9), ("HNSW", 0.95), ("PQ", 0.5)])
def test_an_approximate_kind_finds_most_of_the_nearest(kind, least):
    vectors, queries = clustered(3000), clustered(100, seed=1)
    order = brute_force(vectors, queries, 10)[1]
    found = VectorIndex.build(kind, vectors, n_probe=16).search(queries, 10)[1]
    assert np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found, order, strict=True)]) > least


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_vectors_make_the_same_index(kind):
    vectors = clustered(1000)
    assert (
        VectorIndex.build(kind, vectors).to_bytes() == VectorIndex.build(kind, vectors).to_bytes()
    )


def test_building_leaves_the_number_of_threads_as_it_was():
    threads = faiss.omp_get_max_threads()
    VectorIndex.build("HNSW", clustered(50))
    assert faiss.omp_get_max_threads() == threads


def test_pq_is_many_times_smaller():
    vectors = clustered(20_000)
    flat, pq = (
        len(VectorIndex.build(kind, vectors, code_bytes=4).to_bytes()) for kind in ("Flat", "PQ")
    )
    assert flat > 20_000 * 16 * 4 and pq < flat / 10


def test_pq_trains_without_the_filter_that_it_does_not_use():
    assert not VectorIndex.build("PQ", clustered(300)).index.do_polysemous_training


def test_reading_more_lists_finds_more():
    vectors, queries = clustered(3000), clustered(100, seed=3)
    order = brute_force(vectors, queries, 10)[1]
    recalls, index = [], VectorIndex.build("IVF", vectors, n_lists=60)
    assert index.effort == 8
    for index.effort in (1, 4, 10**6):
        found = index.search(queries, 10)[1]
        recalls.append(
            np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found, order, strict=True)])
        )
    assert recalls[0] < recalls[1] < recalls[2] == 1, "all lists together are all vectors"


def test_effort_is_kept_in_the_file_and_refused_where_there_is_none(tmp_path):
    index = VectorIndex.build("HNSW", clustered(50), ef_search=17)
    index.effort += 3
    index.save(tmp_path / "index")
    assert VectorIndex.load(tmp_path / "index").effort == 20
    flat = VectorIndex.build("Flat", clustered(50))
    assert flat.effort is None
    for other, value in ((flat, 5), (index, 0)):
        with pytest.raises(InklingError, match="only IVF and HNSW have one"):
            other.effort = value


# ---- sizes


@pytest.mark.parametrize("kind", ["Flat", "IVF", "HNSW"])
@pytest.mark.parametrize("n", [1, 2, 30])
def test_more_results_than_vectors_are_all_vectors(kind, n):
    vectors = clustered(30)[:n]
    scores, found = VectorIndex.build(kind, vectors).search(vectors[:1], 100)
    assert scores.shape == (1, n) and sorted(found[0]) == list(range(n))


def test_what_an_approximate_index_does_not_find_is_marked():
    """One list of ten is read: the vectors of the others cannot be found."""
    vectors = clustered(400)
    scores, found = VectorIndex.build("IVF", vectors, n_lists=10, n_probe=1).search(
        vectors[:20], 400
    )
    counts = (found >= 0).sum(axis=1)
    assert (counts > 0).all() and counts.mean() < 200
    for row, count in enumerate(counts):
        assert len(set(found[row, :count])) == count and np.isfinite(scores[row, :count]).all()
        assert (found[row, count:] == -1).all() and (scores[row, count:] == -np.inf).all()


def test_length_and_dimension():
    index = VectorIndex.build("HNSW", clustered(40, d=8))
    assert len(index) == 40 and index.dimension == 8 and index.kind == "HNSW"


# ---- files


@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_index_finds_the_same(tmp_path, kind):
    vectors, queries = clustered(500), clustered(20, seed=2)
    index = VectorIndex.build(kind, vectors, n_probe=3, ef_search=17)
    index.save(tmp_path / "index")
    loaded = VectorIndex.load(tmp_path / "index")
    assert loaded.kind == kind and len(loaded) == 500
    for ours, theirs in zip(loaded.search(queries, 9), index.search(queries, 9), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    "damage", ["missing", "empty", "cut", "one byte", "no index", "another kind", "a folder"]
)
def test_an_index_file_that_is_missing_or_damaged_raises(tmp_path, damage):
    path = tmp_path / "index"
    VectorIndex.build("Flat", clustered(50)).save(path)
    data = path.read_bytes()
    if damage in ("missing", "a folder"):
        path.unlink()
        if damage == "a folder":
            path.mkdir()
    elif damage in ("empty", "cut"):
        path.write_bytes(data[: len(data) - 5] if damage == "cut" else b"")
    elif damage == "one byte":
        path.write_bytes(data[:-100] + bytes([data[-100] ^ 1]) + data[-99:])
    elif damage == "another kind":
        path.write_bytes(data.replace(b'"kind":"Flat"', b'"kind":"Fast"'))
    else:
        safetensors.numpy.save_file({"something": np.ones(3)}, path)
    with pytest.raises(InklingError, match="no index that can be read|is damaged"):
        VectorIndex.load(path)


def test_bytes_that_faiss_does_not_understand_raise(tmp_path, monkeypatch):
    """The checksum is right; the version of FAISS is another."""
    monkeypatch.setattr(VectorIndex, "to_bytes", lambda self: b"abcd" * 10)
    VectorIndex.build("Flat", clustered(5)).save(tmp_path / "index")
    with pytest.raises(InklingError, match="cannot read"):
        VectorIndex.load(tmp_path / "index")


def test_a_failed_save_leaves_the_old_index_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "index"
    VectorIndex.build("Flat", clustered(50)).save(path)

    def full_disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full_disk)
    with pytest.raises(InklingError, match="No space left"):
        VectorIndex.build("Flat", clustered(60)).save(path)
    assert len(VectorIndex.load(path)) == 50 and list(tmp_path.iterdir()) == [path]


# ---- bad input


def test_an_unknown_kind_raises():
    with pytest.raises(InklingError, match="Flat, IVF, HNSW, PQ"):
        VectorIndex.build("LSH", clustered(5))


@pytest.mark.parametrize(
    "vectors", [np.zeros((0, 16)), np.zeros((5, 0)), np.ones(16) / 4, np.zeros((2, 2, 2))]
)
def test_no_vectors_or_another_shape_raises(vectors):
    with pytest.raises(InklingError, match="expected \\(how many, dimension\\)"):
        VectorIndex.build("Flat", vectors)
    with pytest.raises(InklingError, match="the queries have shape"):
        VectorIndex.build("Flat", clustered(5)).search(vectors)


@pytest.mark.parametrize("number", [2.0, 0.0, np.nan, np.inf])
def test_vectors_that_are_not_of_length_one_raise(number):
    vectors = clustered(5)
    vectors[3] *= number
    with pytest.raises(InklingError, match="row 3 of the vectors has length"):
        VectorIndex.build("Flat", vectors)
    with pytest.raises(InklingError, match="row 3 of the queries has length"):
        VectorIndex.build("Flat", clustered(5)).search(vectors)


def test_half_precision_vectors_are_taken():
    vectors = clustered(30)
    assert VectorIndex.build("Flat", vectors.astype(np.float16)).search(vectors[:3], 1)[
        1
    ].tolist() == [[0], [1], [2]]


def test_queries_of_another_dimension_raise():
    with pytest.raises(
        InklingError, match="queries have 8 numbers each and the vectors of the index 16"
    ):
        VectorIndex.build("Flat", clustered(5)).search(clustered(5, d=8))


@pytest.mark.parametrize("k", [0, -1, 1.5, "3"])
def test_k_below_one_raises(k):
    with pytest.raises(InklingError, match="at least one result"):
        VectorIndex.build("Flat", clustered(5)).search(clustered(5), k)


def test_pq_of_too_few_vectors_or_parts_that_do_not_divide_the_dimension_raises():
    with pytest.raises(InklingError, match="here are 255 different vectors of 16"):
        VectorIndex.build("PQ", clustered(255))
    with pytest.raises(InklingError, match="and 5 code_bytes"):
        VectorIndex.build("PQ", clustered(256), code_bytes=5)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("n_lists", 0),
        ("n_lists", 51),
        ("n_probe", 0),
        ("n_links", 0),
        ("ef_search", -1),
        ("n_links", 1.5),
    ],
)
def test_settings_that_make_no_sense_raise(setting, value):
    with pytest.raises(InklingError, match="every setting must be at least 1"):
        VectorIndex.build("IVF", clustered(50), **{setting: value})

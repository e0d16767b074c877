"""An index of vectors: which of n unit vectors point most nearly where a query points?

Four kinds, all from FAISS (Johnson, Douze and Jégou 2017; Douze et al. 2024):

- "Flat" compares the query with every vector. Exact, and at some thousand vectors all
  that anybody needs.
- "IVF" (inverted file) sorts the vectors into lists around centres that k-means finds,
  and reads the lists of the nearest few centres only.
- "HNSW" links every vector to near ones and walks along the links, from far to near
  (Malkov and Yashunin 2016).
- "PQ" (product quantisation) cuts a vector into parts and keeps, for each part, only
  the number of the most similar of 256 examples: one byte a part (Jégou, Douze and
  Schmid 2011). It still compares the query with all, and is small.

Similarity is the inner product, which for unit vectors is the cosine. FAISS itself
would mostly take distances. A vector that comes many times is indexed once: copies
would fill each other's links in HNSW, so that nothing leads away from them.

FAISS is imported when the first index is built or read, not before. On macOS that
changes the process: FAISS and torch each bring an OpenMP of their own, macOS stops a
program with two unless KMP_DUPLICATE_LIB_OK allows it, and then FAISS may use one
thread only.
"""

import hashlib
import os
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import safetensors
import safetensors.numpy

from inkling.files import InklingError, atomic_write
from inkling.reading.passages import is_count

if TYPE_CHECKING:
    import faiss

KINDS = ("Flat", "IVF", "HNSW", "PQ")
PER_LIST = 39  # FAISS warns where a centre of k-means has fewer vectors to learn from
CODES = 256  # different values of a byte


@cache
def open_faiss() -> None:
    """Import FAISS, at the first call (see above)."""
    if sys.platform == "darwin":
        os.environ.setdefault("KMP_DUPLICATE_LIB_OK", "TRUE")
    import faiss

    if sys.platform == "darwin":
        # with two OpenMPs, more than one thread crashes: faiss-wheels, issue 73
        faiss.omp_set_num_threads(1)


class VectorIndex:
    """Finds the nearest of many unit vectors. Make one with `VectorIndex.build` or
    `VectorIndex.load`.

    kind: one of `KINDS`; dimension: numbers in a vector; len(index): how many vectors
    it holds. group (n,): for each of them its place in FAISS's index, which has equal
    ones once; None where all are different.
    """

    def __init__(
        self, kind: str, index: "faiss.Index", group: np.ndarray | None = None
    ):
        self.kind, self.index, self._group = kind, index, group
        if group is not None:
            # numbers of the vectors, group after group: those of group g are
            # _members[_starts[g]:_starts[g + 1]]
            self._members = np.argsort(group, kind="stable")
            self._starts = np.searchsorted(
                group[self._members], np.arange(index.ntotal + 1)
            )

    @property
    def dimension(self) -> int:
        """How many numbers a vector has."""
        return self.index.d

    def __len__(self) -> int:
        return self.index.ntotal if self._group is None else len(self._group)

    @property
    def effort(self) -> int | None:
        """How much a search looks at, to be changed at any time: IVF's n_probe, HNSW's
        ef_search; None: everything.
        """
        import faiss

        if isinstance(self.index, faiss.IndexIVF):
            return self.index.nprobe
        if isinstance(self.index, faiss.IndexHNSW):
            return self.index.hnsw.efSearch
        return None

    @effort.setter
    def effort(self, value: int) -> None:
        import faiss

        index = self.index
        if not is_count(value) or not isinstance(
            index, faiss.IndexIVF | faiss.IndexHNSW
        ):
            raise InklingError(
                f"{self.kind}: effort is {value!r}; only IVF and HNSW have one, and it"
                " is a whole number, at least 1."
            )
        if isinstance(index, faiss.IndexIVF):
            index.nprobe = min(value, index.nlist)
        else:
            index.hnsw.efSearch = value

    @classmethod
    def build(
        cls,
        kind: str,
        vectors: np.ndarray,
        *,
        n_lists: int | None = None,
        n_probe: int = 8,
        n_links: int = 32,
        ef_search: int = 64,
        code_bytes: int | None = None,
    ) -> "VectorIndex":
        """Index unit vectors (n, d). The same vectors make the same index: FAISS draws
        from seeds of its own. Equal ones are indexed once, and count once below.

        IVF: n_lists centres (4 sqrt(n), if there are enough vectors for each), of which
        a search reads n_probe. HNSW: n_links links of a vector, ef_search candidates
        that a search keeps; more of either is better and slower. PQ: code_bytes parts,
        a byte each; it must divide d (the largest up to 16 that does).

        Raises `InklingError` for an unknown kind, for no vectors, for vectors that are
        no unit vectors, for PQ of fewer than 256 vectors, and for settings that do not
        fit the vectors.
        """
        if kind not in KINDS:
            raise InklingError(
                f"there is no index of kind {kind!r}; take one of {', '.join(KINDS)}."
            )
        open_faiss()
        import faiss

        vectors, group = distinct(checked_vectors(vectors, "vectors"))
        n, d = vectors.shape
        if n_lists is None:
            n_lists = max(1, min(int(4 * n**0.5), n // PER_LIST))
        if code_bytes is None:
            code_bytes = max(size for size in range(1, 17) if d % size == 0)
        settings = (n_lists, n_probe, n_links, ef_search, code_bytes)
        if not all(map(is_count, settings)) or n_lists > n:
            raise InklingError(
                "every setting must be at least 1, a whole number, and n_lists"
                f" ({n_lists}) at most the {n} different vectors."
            )
        if kind == "PQ" and (n < CODES or d % code_bytes):
            raise InklingError(
                f"PQ needs at least {CODES} vectors, to learn its {CODES} examples"
                " from, and code_bytes that divide the dimension; here are"
                f" {n} different vectors of {d} numbers and {code_bytes} code_bytes."
                " Flat always works."
            )
        # "np": without it, PQ also learns a numbering for a filter that is not used
        # here, which takes most of the time.
        recipes = {
            "Flat": "Flat",
            "IVF": f"IVF{n_lists},Flat",
            "HNSW": f"HNSW{n_links}",
            "PQ": f"PQ{code_bytes}np",
        }
        # the default is distance
        index = faiss.index_factory(d, recipes[kind], faiss.METRIC_INNER_PRODUCT)
        threads = faiss.omp_get_max_threads()
        # with more, HNSW's links depend on which thread came first
        faiss.omp_set_num_threads(1)
        try:
            index.train(vectors)
            index.add(vectors)
        finally:
            faiss.omp_set_num_threads(threads)
        built = cls(kind, index, group)
        if built.effort is not None:
            built.effort = n_probe if kind == "IVF" else ef_search
        return built

    def search(self, queries: np.ndarray, k: int = 10) -> tuple[np.ndarray, np.ndarray]:
        """The k nearest vectors of each query: (scores, numbers), float32 and int64
        (n_queries, k), nearest first.

        Of equally near ones those with lower numbers come first, and Flat leaves out
        those with higher numbers. There are n columns where k is more than the n
        vectors. Where IVF or HNSW find fewer, the rest of the row is number -1 and
        score -inf. Raises `InklingError` for k below 1, and for queries that are no
        unit vectors of the dimension.
        """
        if not is_count(k):
            raise InklingError(
                f"k is {k!r}; ask for at least one result, in a whole number."
            )
        queries = checked_vectors(queries, "queries")
        if queries.shape[1] != self.dimension:
            raise InklingError(
                f"the queries have {queries.shape[1]} numbers each and the vectors of"
                f" the index {self.dimension}: they come from different embedders."
                " Embed the passages anew, or ask with the embedder of the index."
            )
        n, all_k = self.index.ntotal, min(k, len(self))
        k = min(n, k)
        wanted = min(n, k + 1) if self.kind == "Flat" else k
        scores, numbers = self.index.search(queries, wanted)
        # Which of equals FAISS returns is left open. Where the last place is tied, get
        # them all, and keep the lowest.
        while wanted > k and wanted < n and (scores[:, k - 1] == scores[:, -1]).any():
            wanted = min(n, 2 * wanted)
            scores, numbers = self.index.search(queries, wanted)
        scores = np.where(numbers < 0, -np.inf, scores).astype(np.float32)
        if self._group is not None:
            scores, numbers = self._spread(scores, numbers, all_k)
        order = np.lexsort((np.where(numbers < 0, len(self), numbers), -scores))
        order = order[:, :all_k]
        return np.take_along_axis(scores, order, axis=1), np.take_along_axis(
            numbers, order, axis=1
        )

    def _spread(
        self, scores: np.ndarray, groups: np.ndarray, k: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Groups that were found, best first, become their vectors: at least the best k
        of a row, and -inf and -1 where it has fewer.
        """
        rows = []
        for row_scores, row in zip(scores, groups, strict=True):
            found = row[row >= 0]
            sizes = self._starts[found + 1] - self._starts[found]
            # of each group all: of equal scores the lowest numbers are wanted
            numbers = [
                self._members[self._starts[g] : self._starts[g + 1]] for g in found
            ]
            rows.append((np.repeat(row_scores[: len(found)], sizes), numbers))
        width = max(k, *(len(one) for one, _ in rows))
        out = np.full((len(rows), width), -np.inf, np.float32)
        places = np.full((len(rows), width), -1, np.int64)
        for i, (row_scores, numbers) in enumerate(rows):
            out[i, : len(row_scores)] = row_scores
            places[i, : len(row_scores)] = np.concatenate(numbers or [[]])
        return out, places

    def to_bytes(self) -> bytes:
        """Everything that FAISS keeps of the index: its length is what the index
        costs.
        """
        import faiss

        return faiss.serialize_index(self.index).tobytes()

    def save(self, path: str | os.PathLike) -> None:
        """Write the index to one file (safetensors around FAISS's own format), whole or
        not at all.
        """
        import faiss

        tensors = {"index": np.frombuffer(self.to_bytes(), np.uint8)}
        if self._group is not None:
            tensors["group"] = self._group
        metadata = {
            "kind": self.kind,
            "sha256": checksum(tensors),
            "faiss": faiss.__version__,
        }
        atomic_write(path, safetensors.numpy.save(tensors, metadata))

    @classmethod
    def load(cls, path: str | os.PathLike) -> "VectorIndex":
        """Read what `save` wrote. Raises `InklingError` for a file that is missing, cut
        short or changed.

        FAISS trusts what it reads, and could crash on a damaged file; so the checksum
        is compared before. That guards against accidents, not against malice: load no
        index from strangers.
        """
        try:
            with safetensors.safe_open(Path(path), framework="numpy") as file:
                metadata = file.metadata() or {}
                tensors = {name: file.get_tensor(name) for name in file.keys()}
                data, group = tensors["index"], tensors.get("group")
        except (OSError, KeyError, safetensors.SafetensorError) as error:
            raise InklingError(
                f"{path} is no index that can be read ({error}). Build it again and"
                " save it."
            ) from error
        if metadata.get("kind") not in KINDS or metadata.get("sha256") != checksum(
            tensors
        ):
            raise InklingError(
                f"the index {path} is damaged: its checksum is wrong. Build it again,"
                " and save it."
            )
        open_faiss()
        import faiss

        try:
            return cls(metadata["kind"], faiss.deserialize_index(data), group)
        except RuntimeError as error:
            raise InklingError(
                f"FAISS {faiss.__version__} cannot read {path}, which version"
                f" {metadata.get('faiss')} wrote. Build the index again, and save it."
            ) from error


def checksum(tensors: dict[str, np.ndarray]) -> str:
    """SHA-256 of what an index file holds: FAISS's bytes, and the groups if any."""
    digest = hashlib.sha256(tensors["index"].tobytes())
    if "group" in tensors:
        digest.update(tensors["group"].tobytes())
    return digest.hexdigest()


def distinct(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """The different ones of vectors (n, d), in the order in which they first come, and
    for each of the n which of these it is, int64 (n,); None where all are different.
    """
    known: dict[bytes, int] = {}
    # + 0: minus zero is zero, and its bytes are others
    group = [known.setdefault(row.tobytes(), len(known)) for row in vectors + 0.0]
    if len(known) == len(vectors):
        return vectors, None
    firsts = np.unique(group, return_index=True)[1]
    return vectors[firsts], np.array(group, np.int64)


def checked_vectors(vectors: np.ndarray, name: str) -> np.ndarray:
    """The vectors as FAISS takes them: float32 (n, d), one after the other in memory,
    each of length 1.
    """
    vectors = np.ascontiguousarray(vectors, dtype=np.float32)
    if vectors.ndim != 2 or vectors.size == 0:
        raise InklingError(
            f"the {name} have shape {vectors.shape}; expected (how many, dimension),"
            " and at least one of them. A single vector v is written v[None]; without"
            " a passage there is nothing to index."
        )
    lengths = np.linalg.norm(vectors, axis=1)
    if not np.allclose(lengths, 1, atol=1e-3):  # false for NaN, too
        row = int(np.argmax(~np.isclose(lengths, 1, atol=1e-3)))
        raise InklingError(
            f"row {row} of the {name} has length {lengths[row]:.4g} and not 1: the"
            " inner product would favour long vectors. Divide each by its length."
        )
    return vectors

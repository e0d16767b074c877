"""Byte-pair encoding, the algorithm: learn which pairs to merge, then merge them in new
text.

Nothing here knows about text, files or special tokens: ids go in, ids come out.
`inkling.text.tokenizer` builds on it.

    >>> learn_merges({b"low": 1, b" lower": 1, b" lowest": 1}, n_merges=2)
    [(b'o', b'w'), (b'l', b'ow')]

Source: Sennrich, Haddow and Birch (2016), section 3.2; on bytes, Radford et al. (2019),
section 2.2.
"""

import heapq
from collections import defaultdict
from itertools import pairwise

NEVER = (float("inf"), -1)  # the rank of a pair that no merge joins


def merge(ids: list[int], pair: tuple[int, int], new_id: int) -> list[int]:
    """Replace every `pair` in `ids` by `new_id`, from left to right: merge([1, 1, 1],
    (1, 1), 9) is [9, 1].
    """
    merged, i = [], 0
    while i < len(ids):
        if i + 1 < len(ids) and ids[i] == pair[0] and ids[i + 1] == pair[1]:
            merged.append(new_id)
            i += 2
        else:
            merged.append(ids[i])
            i += 1
    return merged


def learn_merges(
    chunk_counts: dict[bytes, int], n_merges: int
) -> list[tuple[bytes, bytes]]:
    """The `n_merges` pairs that BPE training picks, in order; fewer if every chunk has
    become one token.

    `chunk_counts` says how often each distinct chunk occurs. Each round takes the most
    frequent pair of neighbours; of equally frequent ones the lexicographically greater
    pair of byte strings. Only the chunks that hold the chosen pair are counted again,
    so a round costs what it changes and not what the corpus weighs.
    """
    token_bytes = [bytes([i]) for i in range(256)]
    chunks = [list(chunk) for chunk in chunk_counts]
    frequencies = list(chunk_counts.values())
    pair_counts: dict[tuple[int, int], int] = defaultdict(int)
    # pair -> the chunks that hold it, or once did
    where: dict[tuple[int, int], set[int]] = defaultdict(set)
    for index, chunk in enumerate(chunks):
        for pair in pairwise(chunk):
            pair_counts[pair] += frequencies[index]
            where[pair].add(index)

    merges = []
    while len(merges) < n_merges and pair_counts:
        highest = max(pair_counts.values())
        best = max(
            (pair for pair, count in pair_counts.items() if count == highest),
            key=lambda pair: (token_bytes[pair[0]], token_bytes[pair[1]]),
        )
        new_id = len(token_bytes)
        merges.append((token_bytes[best[0]], token_bytes[best[1]]))
        token_bytes.append(token_bytes[best[0]] + token_bytes[best[1]])
        for index in where.pop(best):
            old, frequency = chunks[index], frequencies[index]
            new = chunks[index] = merge(old, best, new_id)
            for pair in pairwise(old):
                pair_counts[pair] -= frequency
                if not pair_counts[pair]:
                    del pair_counts[pair]
            for pair in pairwise(new):
                pair_counts[pair] += frequency
                where[pair].add(index)
    return merges


def apply_merges(
    ids: list[int], table: dict[tuple[int, int], tuple[int, int]]
) -> list[int]:
    """Merge `ids`, always the pair learned earliest, until no two neighbours are in
    `table`: pair -> (rank, new id).
    """
    while len(ids) > 1:
        pair = min(pairwise(ids), key=lambda pair: table.get(pair, NEVER))
        if pair not in table:
            break
        ids = merge(ids, pair, table[pair][1])
    return ids


def apply_merges_fast(
    ids: list[int], table: dict[tuple[int, int], tuple[int, int]]
) -> list[int]:
    """The ids of `apply_merges` in n log n steps, not n for each merge: a heap holds
    the merges that are possible.
    """
    ids, end = list(ids), len(ids)
    # each position's living neighbours
    left, right = list(range(-1, end - 1)), list(range(1, end + 1))
    heap = [
        (table[pair][0], i) for i, pair in enumerate(pairwise(ids)) if pair in table
    ]
    heapq.heapify(heap)
    while heap:
        rank, i = heapq.heappop(heap)
        j = right[i]
        if j == end or table.get((ids[i], ids[j]), NEVER)[0] != rank:
            continue  # one of the two has been merged away since
        ids[i], ids[j] = table[ids[i], ids[j]][1], -1
        right[i] = right[j]
        if right[i] < end:
            left[right[i]] = i
        for k in (left[i], i):
            if k >= 0 and right[k] < end and (pair := (ids[k], ids[right[k]])) in table:
                heapq.heappush(heap, (table[pair][0], k))
    return [i for i in ids if i >= 0]

"""One model trained by several threads, each on its own documents and its own copy of the tables.

A text is cut into shards of whole documents. In a round, each thread trains some pieces of its
shard on a copy of the tables that no other thread touches; then the changes of all copies are
merged into the tables. The outcome depends on the number of shards, but not on which thread
finishes first.

What two copies learned alike must not count twice, and what they learned differently should count
in full. So two changes x and y of a row are merged as in Adasum (Maleki et al., 2021),

    (1 − x·y / 2|x|²) x + (1 − x·y / 2|y|²) y,

which is their sum if they are orthogonal, their mean if they are equal, and the other one if one of
them is zero. More than two are merged pair by pair. Plain sums diverge with four threads.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice, pairwise

import numpy as np
from numba import float32, njit
from numpy.typing import NDArray

from sgns_study.kernels.adam import REORDER


def shards(offsets: NDArray[np.int64], number: int) -> list[NDArray[np.int64]]:
    """The offsets of `number` runs of documents with about equally many tokens."""
    ends = np.linspace(offsets[0], offsets[-1], number + 1)[1:-1]
    cuts = [0, *np.searchsorted(offsets, ends), len(offsets) - 1]
    return [offsets[start : end + 1] for start, end in pairwise(cuts)]


def rounds(
    readers: list[Iterator[int]],
    tables: tuple[NDArray[np.float32], ...],
    copies: tuple[NDArray[np.float32], ...],
    rows: NDArray[np.int64],
    pieces: int,
) -> Iterator[int]:
    """Train to the end in rounds, each shard's reader in its thread; yields a round's tokens.

    Reader n changes `copies[…][n]` and yields the tokens of a piece; a round takes `pieces` of them
    from each reader. tables: (V, width) each; copies: (N, V, width) each, equal to the tables in
    `rows`; no other rows change.
    """
    number = len(readers)
    parts = np.array_split(rows, number)

    def train(n: int) -> int:
        return sum(islice(readers[n], pieces))

    def merge_rows(n: int) -> None:
        for table, changed in zip(tables, copies):
            merge(table, changed, parts[n])

    with ThreadPoolExecutor(number) as pool:
        while tokens := sum(pool.map(train, range(number))):
            list(pool.map(merge_rows, range(number)))
            yield tokens


@njit(cache=True, nogil=True, fastmath=REORDER, error_model="numpy")
def merge(table, copies, rows):  # type: ignore[no-untyped-def]
    """Merge the changes of `copies` (N, V, width) into `rows` of `table`, and copy them back."""
    number, width = copies.shape[0], table.shape[1]
    changes = np.empty((number, width), np.float32)
    for row in rows:
        for n in range(number):
            for k in range(width):
                changes[n, k] = copies[n, row, k] - table[row, k]
        step = 1
        while step < number:
            for n in range(0, number - step, 2 * step):
                join(changes[n], changes[n + step])
            step *= 2
        for k in range(width):
            table[row, k] += changes[0, k]
        for n in range(number):
            for k in range(width):
                copies[n, row, k] = table[row, k]


@njit(cache=True, nogil=True, fastmath=REORDER, error_model="numpy")
def join(x, y):  # type: ignore[no-untyped-def]
    """Merge two changes (width,) of a row into `x`."""
    xx = yy = xy = float32(0)
    for k in range(len(x)):
        xx += x[k] * x[k]
        yy += y[k] * y[k]
        xy += x[k] * y[k]
    share_x = float32(1) - (xy / (xx + xx) if xx > 0 else float32(0))
    share_y = float32(1) - (xy / (yy + yy) if yy > 0 else float32(0))
    for k in range(len(x)):
        x[k] = share_x * x[k] + share_y * y[k]

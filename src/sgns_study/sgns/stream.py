"""The text as windows see it: rare words deleted, common ones subsampled, pads between documents.

Both happen before windows form (Mikolov et al., 2013), so that a window reaches across deleted
words. SGNS (`word2vec.py`) and its count-based twin (`ppmi.py`) learn from the same stream.
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numba import int64, njit, uint64
from numpy.typing import NDArray

from sgns_study.errors import StudyError
from sgns_study.kernels.random import next_uint64

CHUNK = 2**16  # tokens of the text in memory at a time
CERTAIN = 2**32  # a probability of one, as an integer that 32 random bits are compared with


def check_finite(loss: float, place: str, learning_rate: float) -> None:
    """Raise StudyError if the loss at a place of the training is infinite or not a number."""
    if not math.isfinite(loss):
        raise StudyError(
            f"the loss is {loss} {place}: the steps are likely too large: "
            f"lower learning_rate (now {learning_rate})"
        )


def kept_counts(counts: NDArray[np.int64], min_count: int) -> NDArray[np.int64]:
    """The counts (V,) with zero for the pad and for words rarer than `min_count`.

    Raises StudyError unless two words are left.
    """
    kept = np.where(np.arange(len(counts)) > 0, counts, 0)
    kept = np.where(kept >= min_count, kept, 0)
    if np.count_nonzero(kept) < 2:
        raise StudyError(
            f"min_count: {np.count_nonzero(kept)} words occur at least {min_count} times, "
            "two are needed: lower min_count or use more text"
        )
    return kept


def keep_probabilities(kept: NDArray[np.int64], threshold: float) -> NDArray[np.int64]:
    """Probability, times 2^32, that an occurrence is kept: (√(f/t) + 1) t/f as in word2vec.c.

    kept: (V,) counts, zero for what is deleted; f: a word's share of the kept tokens; t: threshold,
    0 keeps all.
    """
    share = kept / kept.sum()
    stays = np.ones(len(kept))
    if threshold > 0:
        ratio = threshold / np.where(kept > 0, share, 1)
        stays = np.minimum((np.sqrt(1 / ratio) + 1) * ratio, 1)
    return np.where(kept > 0, stays * CERTAIN, 0).astype(np.int64)


def framed(
    ids: NDArray[Any],
    offsets: NDArray[np.int64],
    keep: NDArray[np.int64],
    radius: int,
    draws: NDArray[np.uint64],
    after: int,
    read: int = 0,
    left: NDArray[np.int32] | None = None,
) -> Iterator[tuple[NDArray[np.int32], int]]:
    """The kept tokens, piece by piece, with R pads (0) between documents, and the tokens read.

    A piece starts with the R entries before its first centre and ends with the `after` ≥ R entries
    after its last, which the next piece repeats: so no window sees where a piece ends. `keep` is
    that of `keep_probabilities`, `draws` a random state (1,). To continue after a piece, give the
    tokens `read` by then, the last R + `after` entries of the piece as `left`, the same `draws`.
    """
    first, last = int(offsets[0]), int(offsets[-1])
    if left is None:
        left = np.zeros(radius, np.int32)
    for start in range(first + read, last, CHUNK):
        stop = min(start + CHUNK, last)
        piece = np.asarray(ids[start:stop])
        ends = offsets[np.searchsorted(offsets, start, "right") :]
        ends = ends[: np.searchsorted(ends, stop, "right")] - start
        stream = np.zeros(len(left) + len(piece) + radius * len(ends) + after, np.int32)
        stream[: len(left)] = left
        filled = subsampled(piece, ends, keep, radius, draws, stream, len(left))
        filled += after if stop == last else 0
        if filled > radius + after:
            yield stream[:filled], stop - first
            left = stream[filled - radius - after : filled].copy()
        else:
            left = stream[:filled].copy()


@njit(cache=True, nogil=True)
def subsampled(piece, ends, keep, radius, draws, stream, filled):  # type: ignore[no-untyped-def]
    """Append a piece's kept tokens, and R pads where a document ends; returns the new size."""
    document = 0
    for i in range(len(piece)):
        token = piece[i]
        if int64(next_uint64(draws) >> uint64(32)) < keep[token]:
            stream[filled] = token
            filled += 1
        if document < len(ends) and ends[document] == i + 1:
            filled += radius
            while document < len(ends) and ends[document] == i + 1:  # no pads for empty documents
                document += 1
    return filled

"""PPMI and its truncated SVD: the count-based twin of SGNS (Levy & Goldberg, 2014).

It learns from the stream of SGNS's first epoch: the same words deleted, the same occurrences kept
by subsampling, the same windows. With a(m) the weight of a context at distance m, for `dynamic`
windows the share of the radii 1 to R that reach it, it counts

    C(c, w) = Σ a(m)   over all pairs of a centre c and a context w at distance m ≤ R,
    P(c, w) = C(c, w) / Σ C,     P(c) = Σ_w P(c, w),
    P_α(w) = (Σ_c C(c, w))^α / Σ_w' (Σ_c C(c, w'))^α.

SGNS with K negatives a positive, drawn from P_α, has its optimum at c·w = PMI_α(c, w) − log K with
PMI_α(c, w) = log P(c, w) / (P(c) P_α(w)). Most pairs never occur and have −∞ there: so only what is
positive is kept, and the sparse matrix is approximated at rank d:

    M(c, w) = max(0, PMI_α(c, w) − log K),     M ≈ U_d Σ_d V_dᵀ.

Centre vectors are the rows of U_d Σ_d^p (Levy, Goldberg & Dagan, 2015); p = 1/2 shares Σ_d evenly
with the contexts.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.linalg import LinearOperator, eigsh
from tqdm import tqdm

from sgns_study.errors import StudyError
from sgns_study.kernels.random import kernel_state
from sgns_study.params import PpmiRecipe
from sgns_study.randomness import generator
from sgns_study.sgns.stream import framed, keep_probabilities, kept_counts
from sgns_study.tokens import PAD_ID

BLOCK = 2**19  # occurrences of centres counted between two moves of the progress bar


def train(
    ids: NDArray[Any],
    offsets: NDArray[np.int64],
    counts: NDArray[np.int64],
    recipe: PpmiRecipe,
    radius: int,
    dim: int,
    seed: int,
) -> NDArray[np.float32]:
    """Centre table, float32 (V, d), of the documents `ids[offsets[i]:offsets[i + 1]]`.

    counts: (V,), how often each id occurs in it. Rows of the pad, of deleted words and of words
    that M has no entry for are zero.
    Raises StudyError if nothing is left to train on or the matrix has too few rows for `dim`.
    """
    found = cooccurrences(ids, offsets, counts, recipe, radius, seed)
    matrix = ppmi(found, recipe.alpha, recipe.shift)
    del found  # three times the size of the matrix at K = 5
    return svd_vectors(matrix, dim, seed, recipe.eigenvalue_weighting)


def window_weights(window: str, radius: int) -> NDArray[np.float64]:
    """Weights a(m), float64 (R,), of a context at distance 1 to R from its centre.

    `dynamic`: (R − m + 1)/R at distance m, the share of radii drawn uniformly from 1 to R that
    reach it; `fixed`: 1; `harmonic`: 1/m.
    """
    distance = np.arange(1, radius + 1)
    weights = {
        "dynamic": (radius - distance + 1) / radius,
        "fixed": np.ones(radius),
        "harmonic": 1 / distance,
    }
    return weights[window]


def cooccurrences(
    ids: NDArray[Any],
    offsets: NDArray[np.int64],
    counts: NDArray[np.int64],
    recipe: PpmiRecipe,
    radius: int,
    seed: int,
) -> csr_array:
    """C: weighted counts of contexts (columns) around centres (rows), float32 (V, V).

    Subsampling is the draw of SGNS's first epoch. Raises StudyError if no word has a neighbour.
    """
    keep = keep_probabilities(kept_counts(counts, recipe.min_count), recipe.subsample)
    stream = kept_stream(ids, offsets, keep, radius, seed)
    found = count_contexts(stream, window_weights(recipe.window, radius), len(counts))
    if found.nnz == 0:
        raise StudyError(
            "no word has a neighbour: documents need two words that occur at least min_count = "
            f"{recipe.min_count} times and survive subsample = {recipe.subsample}: lower "
            "min_count or raise subsample"
        )
    return found


def kept_stream(
    ids: NDArray[Any],
    offsets: NDArray[np.int64],
    keep: NDArray[np.int64],
    radius: int,
    seed: int,
) -> NDArray[np.int32]:
    """The whole stream of SGNS's first epoch: kept tokens, R pads around and between documents."""
    pieces = framed(ids, offsets, keep, radius, kernel_state(seed, "subsample", 0), after=radius)
    pads = np.zeros(radius, np.int32)
    return np.concatenate([pads, *(piece[radius:-radius] for piece, _ in pieces), pads])


def count_contexts(
    stream: NDArray[np.int32], weights: NDArray[np.float64], vocabulary_size: int
) -> csr_array:
    """Sum of `weights` (R,) by centre and context over a stream framed by R pads (0).

    It takes one centre word at a time with all its occurrences. So it holds, besides the result and
    4 to 8 bytes a token, only one dense row of V sums, which stays in the processor's cache. A
    first pass finds the size of each row, a second pass fills it.
    """
    ends = np.cumsum(np.bincount(stream, minlength=vocabulary_size))
    positions = np.empty(len(stream), np.int32 if len(stream) < 2**31 else np.int64)
    sort_positions(stream, ends.copy(), positions)
    rows = np.zeros(vocabulary_size + 1, np.int64)
    sums, contexts = np.zeros(vocabulary_size), np.empty(vocabulary_size, np.int32)
    centres = 2 * int(ends[-1] - ends[PAD_ID])
    with tqdm(total=centres, desc="counting", unit="token", unit_scale=True, disable=None) as bar:

        def count(indices: NDArray[Any], data: NDArray[np.float32]) -> None:
            for block in word_blocks(ends):
                found = rows, indices, data
                sum_weights(stream, positions, ends, weights, *block, sums, contexts, *found)
                bar.update(int(ends[block[1] - 1] - ends[block[0] - 1]))

        count(np.empty(0, np.int32), np.empty(0, np.float32))
        index = np.int32 if rows[-1] < 2**31 else np.int64
        indices, data = np.empty(rows[-1], index), np.empty(rows[-1], np.float32)
        count(indices, data)
    shape = (vocabulary_size, vocabulary_size)
    return csr_array((data, indices, rows.astype(index)), shape=shape)


def word_blocks(ends: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Ranges of ids from 1 on, each with at most `BLOCK` occurrences or of a single id.

    ends: (V,), number of occurrences of all ids up to and including each.
    """
    first = PAD_ID + 1
    while first < len(ends):
        last = max(first + 1, int(np.searchsorted(ends, ends[first - 1] + BLOCK, "right")))
        yield first, last
        first = last


@njit(cache=True)
def sort_positions(stream, ends, positions):  # type: ignore[no-untyped-def]  # types by numba
    """Fill `positions` with those of id 0, then of id 1, …, each rising (counting sort)."""
    for at in range(len(stream) - 1, -1, -1):
        token = stream[at]
        ends[token] -= 1
        positions[ends[token]] = at


@njit(cache=True)
def sum_weights(  # type: ignore[no-untyped-def]  # numba infers the types
    stream, positions, ends, weights, first, last, sums, contexts, rows, indices, data
):
    """Fill rows `first` to before `last`: context ids, rising, and sums of weights.

    Without room in `indices` it finds only where the rows end. sums, contexts: (V,), scratch; the
    sums are zero before and after.
    """
    for centre in range(first, last):
        found = 0
        for at in positions[ends[centre - 1] : ends[centre]]:
            for m in range(1, len(weights) + 1):
                for context in (stream[at - m], stream[at + m]):
                    if context != PAD_ID:
                        if sums[context] == 0:
                            contexts[found] = context
                            found += 1
                        sums[context] += weights[m - 1]
        start = rows[centre]
        rows[centre + 1] = start + found
        if len(indices) > 0:
            indices[start : start + found] = np.sort(contexts[:found])
            for i in range(start, start + found):
                data[i] = sums[indices[i]]
        sums[contexts[:found]] = 0


def ppmi(counts: csr_array, alpha: float, shift: float) -> csr_array:
    """M, float32 (V, V), of the counts C (V, V), which do not change; `shift` is K.

    Only values above 0 are stored.
    """
    of_centre, of_context = (counts.sum(axis=axis, dtype=np.float64) for axis in (1, 0))
    smoothed = np.where(of_context > 0, of_context**alpha, 0)  # 0^0 is 1, but a pad is no context
    with np.errstate(divide="ignore"):  # words without a context have no entry in C either
        log_centre = np.log(of_centre * shift).astype(np.float32)
        log_context = np.log(smoothed / smoothed.sum()).astype(np.float32)
    values = np.log(counts.data, dtype=np.float32)
    values -= np.repeat(log_centre, np.diff(counts.indptr))
    values -= log_context[counts.indices]
    np.maximum(values, 0, out=values)
    result = csr_array((values, counts.indices.copy(), counts.indptr.copy()), shape=counts.shape)
    result.eliminate_zeros()
    return result


def svd_vectors(
    matrix: csr_array, dim: int, seed: int, eigenvalue_weighting: float = 0.5
) -> NDArray[np.float32]:
    """Centre vectors U_d Σ_d^p of the truncated SVD of `matrix` (V, V), float32 (V, d).

    `eigenvalue_weighting` is p. Columns are sorted by falling singular value, each with the sign
    that makes its largest entry positive; empty rows, such as the pad's, and columns beyond the
    rank are zero. `seed` starts the iteration and decides only the rounding.
    Raises StudyError unless more than `dim` rows have an entry.
    """
    words = np.flatnonzero(np.diff(matrix.indptr))
    check_dim(dim, len(words))
    filled = matrix[words].astype(np.float64)  # A, the n rows that have an entry: (n, V)
    # Left singular vectors are eigenvectors of A Aᵀ. SciPy's `svds` takes no generator to restart
    # from when the iteration runs into an invariant subspace, so its runs would differ.
    draw = generator(seed, "svd")
    start = draw.standard_normal(len(words))
    with tqdm(desc="SVD", unit=" products", disable=None) as bar:

        def product(x: NDArray[np.float64]) -> NDArray[np.float64]:
            bar.update()
            return filled @ (filled.T @ x)

        gram = LinearOperator((len(words), len(words)), matvec=product, dtype=np.float64)
        squares, left = eigsh(gram, k=dim, v0=start, rng=draw)
    squares, left = squares[::-1], left[:, ::-1]
    largest = left[np.argmax(np.abs(left), axis=0), np.arange(dim)]
    rank = squares > squares[0] * len(words) * np.finfo(np.float64).eps
    scale = np.where(rank, np.maximum(squares, 0) ** (eigenvalue_weighting / 2), 0)
    vectors = np.zeros((matrix.shape[0], dim), np.float32)
    vectors[words] = left * (np.sign(largest) * scale)
    return vectors


def check_dim(dim: int, words: int) -> None:
    """Raise StudyError unless a matrix with so many rows has `dim` singular vectors to find."""
    if not 1 <= dim < words:
        raise StudyError(
            f"dim: found {dim}, allowed is 1 or more, below the {words} words with a positive "
            "entry in the matrix: lower dim or shift, or use more text"
        )

"""The step of the lab's recipe, as fast as one core can: what `sgns/reference.py` defines in torch.

The pairs of a batch are grouped by context, so that a row of the context table is read once, takes
the steps it has missed (`adam.py`), is scored against all its centres, and takes its own step while
it is in the nearest cache. All gradients are those of the tables before the step, as in a dense
step: each context moves only after all its pairs, the centres after all contexts.

Shapes: B centres a batch, U different words among them, V words, d dimensions, R radius, K
negatives per positive.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numba import float32, njit
from numpy.typing import NDArray

from sgns_study.kernels.adam import REORDER, RowAdam, advance, update
from sgns_study.pairs import Windows


class Batch(NamedTuple):
    """Positions of a batch's centres (B,) in the windows' stream, and negatives (B, 2RK)."""

    windows: Windows
    centres: NDArray[Any]
    negatives: NDArray[Any]


class SkipGram:
    """The two tables with their optimisers, on the processor; `reference.SkipGram` made fast."""

    def __init__(
        self,
        centre: NDArray[np.float32],
        context: NDArray[np.float32],
        learning_rate: float,
        weight_decay: float,
        steps: int,
    ) -> None:
        """Initial tables (V, d), which change in place, ready for `steps` steps."""
        self.centre = RowAdam(centre, learning_rate, steps, weight_decay)
        self.context = RowAdam(context, learning_rate, steps, weight_decay)

    def step(self, batch: Batch) -> tuple[float, float]:
        """One AdamW step of both tables; returns mean loss and accuracy of the tables before it."""
        words, first, pairs = self._group(batch)
        vectors = self.centre.table[words]  # (U, d)
        gradient = np.zeros_like(vectors)
        table, weights = self.context, pair_weights(batch)
        table.now += 1
        state = table.table, table.momentum, table.variance, table.at, table.now, table.rule
        sums = train_contexts(first, pairs, vectors, gradient, *state, weights)
        words_only = words > 0  # the pad stays zero
        self.centre.step(words[words_only], gradient[words_only])
        return means(sums, weights, len(pairs))

    def score(self, batch: Batch) -> tuple[float, float]:
        """Mean loss and accuracy of a batch; no step is taken."""
        words, first, pairs = self._group(batch)
        self.context.catch_up(np.flatnonzero(np.diff(first)))
        sums = score_pairs(first, pairs, self.centre.table[words], self.context.table)
        return means(sums, pair_weights(batch), len(pairs))

    def tables(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Centre and context table (V, d) at the present step."""
        self.centre.flush()
        self.context.flush()
        return self.centre.table, self.context.table

    def _group(
        self, batch: Batch
    ) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int32]]:
        """The different centre ids (U,), caught up, and the pairs as of `group_by_context`."""
        windows, centres, negatives = batch
        ids = windows.stream[centres].astype(np.int64)  # (B,)
        words, places = np.unique(ids, return_inverse=True)  # (U,), (B,)
        self.centre.catch_up(words)
        size, radius = len(self.context.table), windows.radius
        return words, *group_by_context(windows.stream, centres, radius, negatives, places, size)


def pair_weights(batch: Batch) -> tuple[float, float]:
    """Weight of one positive, 1/(B·2R), and of one negative, 1/(B·2RK), in the batch's loss."""
    return 1 / (len(batch.centres) * 2 * batch.windows.radius), 1 / batch.negatives.size


def means(
    sums: tuple[float, float, int], weights: tuple[float, float], pairs: int
) -> tuple[float, float]:
    """Mean loss and accuracy from the summed losses of both kinds and the right pairs."""
    positive, negative, right = sums
    return positive * weights[0] + negative * weights[1], right / pairs


@njit(cache=True)
def group_by_context(  # type: ignore[no-untyped-def]  # numba infers the types
    stream, centres, radius, negatives, places, vocabulary_size
):
    """Counting sort of a batch's pairs by context id.

    stream, centres, radius: of the windows; negatives: (B, 2RK); places: (B,), u of each centre.
    Returns `first` (V + 1,) and `pairs` (B (2R + 2RK),): those of context id w are
    `pairs[first[w]:first[w + 1]]`. A pair is the number 2 u + 1 for a negative and 2 u for a
    positive, where u is the place of its centre among the U different centres.
    """
    first = np.zeros(vocabulary_size + 2, np.int32)
    wanted = negatives.shape[1]  # 2RK
    for i in range(len(centres)):
        p = centres[i]
        for offset in range(1, radius + 1):
            first[np.int64(stream[p - offset]) + 2] += 1
            first[np.int64(stream[p + offset]) + 2] += 1
        for k in range(wanted):
            first[np.int64(negatives[i, k]) + 2] += 1
    for token in range(2, vocabulary_size + 2):
        first[token] += first[token - 1]
    # first[w + 1] is now where the pairs of w start; filling moves it to where they end.
    pairs = np.empty(len(centres) * (2 * radius + wanted), np.int32)
    for i in range(len(centres)):
        p, code = centres[i], 2 * places[i]
        for offset in range(-radius, radius + 1):
            if offset != 0:
                token = np.int64(stream[p + offset]) + 1
                pairs[first[token]] = code
                first[token] += 1
        for k in range(wanted):
            token = np.int64(negatives[i, k]) + 1
            pairs[first[token]] = code + 1
            first[token] += 1
    return first[:-1], pairs


@njit(fastmath=REORDER, inline="always")
def dot_of_rows(a, i, b, j):  # type: ignore[no-untyped-def]
    """Dot product of row i of `a` and row j of `b`."""
    total = float32(0)
    for k in range(a.shape[1]):
        total += a[i, k] * b[j, k]
    return total


@njit(inline="always")
def add_loss(z, negative, logs, products):  # type: ignore[no-untyped-def]
    """Add a pair's loss log(1 + e^z) to the sum of its kind; returns σ(z), the derivative.

    The sum is kept as max(z, 0) and a product of 1 + e^−|z|, so that one logarithm serves at
    least 500 pairs; all in float64.
    """
    small = math.exp(-abs(z))
    logs[negative] += max(z, float32(0))
    products[negative] *= 1 + small
    if products[negative] > 1e150:
        logs[negative] += math.log(products[negative])
        products[negative] = 1
    return (1 if z >= 0 else small) / (1 + small)


@njit(cache=True, fastmath=REORDER, error_model="numpy")
def score_pairs(first, pairs, centres, table):  # type: ignore[no-untyped-def]
    """Summed losses of the positives and of the negatives, and the number of right pairs.

    first, pairs: as of `group_by_context`; centres: (U, d); table: the context table (V, d).
    """
    logs, products, right = np.zeros(2), np.ones(2), 0
    for row in range(len(table)):
        for pair in pairs[first[row] : first[row + 1]]:
            negative = pair & 1
            x = dot_of_rows(centres, pair >> 1, table, row)  # c·w
            z = x if negative else -x  # the loss is −log σ(−z) = log(1 + e^z)
            add_loss(z, negative, logs, products)
            right += z < 0
    return logs[0] + math.log(products[0]), logs[1] + math.log(products[1]), right


@njit(cache=True, fastmath=REORDER, error_model="numpy")
def train_contexts(  # type: ignore[no-untyped-def]
    first, pairs, centres, gradient, table, momentum, variance, at, step, rule, weights
):
    """Step number `step` of the context table; adds the centres' gradient to `gradient` (U, d).

    first, pairs: as of `group_by_context`; centres: (U, d); table, momentum, variance: (V, d); at:
    (V,), the step each row stands at; rule: of AdamW; weights: of a positive and of a negative.
    Returns the summed losses of positives and of negatives, and the number of right pairs.
    """
    dim = table.shape[1]
    own = np.zeros((1, dim), np.float32)  # gradient of the context row
    logs, products, right = np.zeros(2), np.ones(2), 0
    # One sweep over memory reads it twice as fast as jumps: worth it above a fifth of the rows.
    sweep = np.sum(first[1:] > first[:-1]) > len(table) // 5
    for row in range(len(table)):
        if first[row] == first[row + 1] and not sweep:
            continue
        if row > 0 and at[row] < step - 1:
            advance(table, momentum, variance, row, at[row], step - 1, rule)
        own[:] = 0
        for pair in pairs[first[row] : first[row + 1]]:
            place, negative = pair >> 1, pair & 1
            x = dot_of_rows(centres, place, table, row)  # c·w
            z = x if negative else -x
            right += z < 0
            slope = add_loss(z, negative, logs, products) * weights[negative]
            force = float32(slope if negative else -slope)  # derivative of the loss by x
            for k in range(dim):
                gradient[place, k] += force * table[row, k]
                own[0, k] += force * centres[place, k]
        if row > 0:  # the pad stays zero
            update(table, momentum, variance, row, own, 0, step, rule)
            at[row] = step
    return logs[0] + math.log(products[0]), logs[1] + math.log(products[1]), right

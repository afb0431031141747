"""SGNS as the lab published it: two N(0, 1) tables, dense AdamW, negatives drawn per batch.

The objective is `objective.py`'s. A batch's pairs are grouped by context, so that a context row is
read once, takes its missed steps (`adam.py`), meets all its centres, and takes its own step while
it is in the nearest cache. All gradients are of the tables before the step, as in a dense step:
each context is finished only after all its pairs, the centres after all contexts.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np
import pandas as pd
from numba import float32, njit
from numpy.typing import NDArray
from tqdm import tqdm

from sgns_study.errors import StudyError
from sgns_study.kernels.adam import REORDER, RowAdam, advance, update
from sgns_study.pairs import NegativeDrawer, Pairs, Windows, id_type
from sgns_study.params import LabRecipe
from sgns_study.randomness import generator, kernel_state


class TrainingError(StudyError):
    """Training cannot go on; the message says where it stopped and which parameter to change."""


class Trained(NamedTuple):
    """Tables float32 (V, d), row 0 zero, and one row of curves per epoch and split."""

    centre: NDArray[np.float32]
    context: NDArray[np.float32]
    curves: pd.DataFrame  # epoch, split, loss, accuracy


class Score(NamedTuple):
    """Mean loss and accuracy over the centres of a batch or an epoch."""

    loss: float
    accuracy: float


class Batch(NamedTuple):
    """Positions of a batch's centres (B,) in the windows' stream, and negatives (B, 2RK)."""

    windows: Windows
    centres: NDArray[Any]
    negatives: NDArray[Any]


def batches(
    windows: Windows, vocabulary_size: int, settings: LabRecipe, seed: int, epoch: int
) -> Iterator[Batch]:
    """The batches of an epoch: centres in an order of their own, each batch's negatives drawn.

    The order depends on seed and epoch alone, so models of one seed see the same order.
    """
    order = generator(seed, "order", "sgns", epoch).permutation(len(windows))
    drawer = NegativeDrawer(vocabulary_size, kernel_state(seed, "negatives", "sgns", epoch))
    wanted = 2 * windows.radius * settings.negatives
    for start in range(0, len(order), settings.batch):
        centres = windows.centres[order[start : start + settings.batch]]
        negatives = np.empty((len(centres), wanted), id_type(vocabulary_size))
        drawer.draw(windows, centres, negatives)
        yield Batch(windows, centres, negatives)


def validation_batches(pairs: Pairs, size: int) -> Iterator[Batch]:
    """The validation windows in order, with their fixed negatives."""
    for start in range(0, len(pairs.validation), size):
        part = slice(start, start + size)
        yield Batch(
            pairs.validation, pairs.validation.centres[part], pairs.validation_negatives[part]
        )


def initial_table(vocabulary_size: int, dim: int, seed: int, name: str) -> NDArray[np.float32]:
    """N(0, 1) values, row 0 (the pad) zero; `name` is `centre` or `context`."""
    table = generator(seed, name, "sgns", dim).standard_normal((vocabulary_size, dim), np.float32)
    table[0] = 0
    return table


class Model(Protocol):
    """The two tables with their optimisers, wherever they lie."""

    def step(self, batch: Batch) -> Score:
        """One AdamW step of both tables; the score is of the tables before it."""

    def score(self, batch: Batch) -> Score:
        """Loss and accuracy of a batch; moves nothing."""

    def tables(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Centre and context table at the present step."""


class SkipGram:
    """The two tables with their optimisers, on the processor."""

    def __init__(
        self, vocabulary_size: int, dim: int, settings: LabRecipe, steps: int, seed: int
    ) -> None:
        """Tables as drawn from `seed`, ready for `steps` steps."""
        self.centre, self.context = (
            RowAdam(
                initial_table(vocabulary_size, dim, seed, name),
                settings.learning_rate,
                steps,
                settings.weight_decay,
            )
            for name in ("centre", "context")
        )

    def step(self, batch: Batch) -> Score:
        """One AdamW step of both tables; the score is of the tables before it."""
        rows, grouped = self._read(batch)
        values = self.centre.table[rows]
        gradient = np.zeros_like(values)
        context, now = self.context, self.centre.now
        context.advance_clock()
        sums = meet_and_update(
            grouped.first,
            grouped.pairs,
            values,
            gradient,
            context.table,
            context.momentum,
            context.variance,
            context.at,
            now + 1,
            context.rule,
            shares(batch),
        )
        free = rows > 0
        self.centre.step(rows[free], gradient[free])
        return score(sums, batch)

    def score(self, batch: Batch) -> Score:
        """Loss and accuracy of a batch; changes nothing but the rows' lag."""
        rows, grouped = self._read(batch)
        self.context.catch_up(np.flatnonzero(np.diff(grouped.first)))
        sums = meet(grouped.first, grouped.pairs, self.centre.table[rows], self.context.table)
        return score(sums, batch)

    def tables(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Centre and context table at the present step."""
        self.centre.flush()
        self.context.flush()
        return self.centre.table, self.context.table

    def _read(self, batch: Batch) -> tuple[NDArray[np.int64], "Grouped"]:
        """The batch's different centre ids, caught up, and its pairs grouped by context."""
        ids = batch.windows.stream[batch.centres].astype(np.int64)
        rows, slots = np.unique(ids, return_inverse=True)
        self.centre.catch_up(rows)
        grouped = group_by_context(
            batch.windows.stream,
            batch.centres,
            batch.windows.radius,
            batch.negatives,
            slots,
            len(self.context.table),
        )
        return rows, Grouped(*grouped)


def train(
    pairs: Pairs,
    vocabulary_size: int,
    dim: int,
    settings: LabRecipe,
    seed: int,
    skip_gram: Callable[..., Model] = SkipGram,
) -> Trained:
    """Train both tables with the lab's recipe; epoch 0 is the state before training.

    `skip_gram` makes the model of them, as `SkipGram` does. Training figures are means over the
    epoch's batches, each taken before its step, as the lab logs them; validation figures are on the
    fixed negatives at the end of the epoch.
    Raises PairsError if the vocabulary is too small for the negatives, TrainingError if the loss
    is no longer finite.
    """
    steps = settings.epochs * -(-len(pairs.train) // settings.batch)
    model = skip_gram(vocabulary_size, dim, settings, steps, seed)
    rows: list[dict[str, Any]] = []

    def log(epoch: int, split: str, score: Score) -> None:
        rows.append({"epoch": epoch, "split": split, **score._asdict()})

    log(0, "train", mean_score(model, batches(pairs.train, vocabulary_size, settings, seed, 0)))
    log(0, "validation", mean_score(model, validation_batches(pairs, settings.batch)))
    with tqdm(total=steps, unit="batch", disable=None) as bar:
        for epoch in range(1, settings.epochs + 1):
            scores, sizes = [], []
            for batch in batches(pairs.train, vocabulary_size, settings, seed, epoch):
                scores.append(model.step(batch))
                sizes.append(len(batch.centres))
                check_finite(scores[-1], epoch, len(scores), settings)
                bar.update()
            log(epoch, "train", Score(*np.average(scores, axis=0, weights=sizes).tolist()))
            log(epoch, "validation", mean_score(model, validation_batches(pairs, settings.batch)))
    return Trained(*model.tables(), pd.DataFrame(rows))


def check_finite(score: Score, epoch: int, step: int, settings: LabRecipe) -> None:
    """Raise TrainingError if the loss of a step is infinite or not a number."""
    if not math.isfinite(score.loss):
        raise TrainingError(
            f"the loss is {score.loss} at epoch {epoch}, step {step}: the steps are likely too "
            f"large: lower learning_rate of the recipe (it is {settings.learning_rate})"
        )


def mean_score(model: Model, batches: Iterator[Batch]) -> Score:
    """Loss and accuracy over batches, weighted by their centres, in float64."""
    scores, sizes = zip(*((model.score(batch), len(batch.centres)) for batch in batches))
    return Score(*np.average(scores, axis=0, weights=sizes).tolist())


class Grouped(NamedTuple):
    """Pairs by context id: those of id w are `pairs[first[w]:first[w + 1]]`.

    A pair is 2 × the slot of its centre + 1 if it is a negative.
    """

    first: NDArray[np.int32]
    pairs: NDArray[np.int32]


def shares(batch: Batch) -> tuple[float, float]:
    """Weight of one positive and one negative pair in the batch's loss."""
    return (
        1 / (len(batch.centres) * 2 * batch.windows.radius),
        1 / batch.negatives.size,
    )


def score(sums: tuple[float, float, int], batch: Batch) -> Score:
    """Means from the sums of −log σ over positives and negatives and the right pairs."""
    positive, negative = shares(batch)
    pairs = batch.negatives.size + len(batch.centres) * 2 * batch.windows.radius
    return Score(sums[0] * positive + sums[1] * negative, sums[2] / pairs)


@njit(cache=True)
def group_by_context(  # type: ignore[no-untyped-def]  # numba infers the types
    stream, centres, radius, negatives, slots, vocabulary_size
):
    """Counting sort of a batch's pairs by context id (see `Grouped`)."""
    first = np.zeros(vocabulary_size + 2, np.int32)
    wanted = negatives.shape[1]
    for i in range(len(centres)):
        p = centres[i]
        for offset in range(1, radius + 1):
            first[np.int64(stream[p - offset]) + 2] += 1
            first[np.int64(stream[p + offset]) + 2] += 1
        for k in range(wanted):
            first[np.int64(negatives[i, k]) + 2] += 1
    for token in range(2, vocabulary_size + 2):
        first[token] += first[token - 1]
    # first[w + 1] is now where the pairs of w start, and moves to where they end.
    pairs = np.empty(len(centres) * (2 * radius + wanted), np.int32)
    for i in range(len(centres)):
        p, code = centres[i], 2 * slots[i]
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
def dot(a, i, b, j):  # type: ignore[no-untyped-def]
    """Dot product of row i of `a` and row j of `b`."""
    total = float32(0)
    for k in range(a.shape[1]):
        total += a[i, k] * b[j, k]
    return total


@njit(inline="always")
def tally(z, kind, logs, products):  # type: ignore[no-untyped-def]
    """Add log(1 + e^z), a pair's loss, to the sum of its kind; returns σ(z), its derivative.

    The sum is kept as max(z, 0) and a product of 1 + e^−|z|, so that one logarithm serves at
    least 500 pairs; float64 throughout.
    """
    small = math.exp(-abs(z))
    logs[kind] += max(z, float32(0))
    products[kind] *= 1 + small
    if products[kind] > 1e150:
        logs[kind] += math.log(products[kind])
        products[kind] = 1
    return (1 if z >= 0 else small) / (1 + small)


@njit(cache=True, fastmath=REORDER, error_model="numpy")
def meet(first, pairs, centres, table):  # type: ignore[no-untyped-def]
    """Sums of −log σ over positives and over negatives, and the number of right pairs."""
    logs, products, right = np.zeros(2), np.ones(2), 0
    for row in range(len(table)):
        for pair in pairs[first[row] : first[row + 1]]:
            kind = pair & 1
            x = dot(centres, pair >> 1, table, row)
            z = x if kind else -x
            tally(z, kind, logs, products)
            right += z < 0
    return logs[0] + math.log(products[0]), logs[1] + math.log(products[1]), right


@njit(cache=True, fastmath=REORDER, error_model="numpy")
def meet_and_update(  # type: ignore[no-untyped-def]
    first, pairs, centres, gradient, table, momentum, variance, at, step, rule, shares
):
    """One step of the contexts; adds the centres' gradient to `gradient` (slots, d).

    Returns the sums of −log σ over positives and over negatives, and the number of right pairs.
    """
    dim = table.shape[1]
    own = np.zeros((1, dim), np.float32)
    logs, products, right = np.zeros(2), np.ones(2), 0
    # Memory is read twice as fast in one sweep as in leaps, and a fifth of the rows is soon met.
    sweep = np.sum(first[1:] > first[:-1]) > len(table) // 5
    for row in range(len(table)):
        if first[row] == first[row + 1] and not sweep:
            continue
        if row > 0 and at[row] < step - 1:
            advance(table, momentum, variance, row, at[row], step - 1, rule)
        own[:] = 0
        for pair in pairs[first[row] : first[row + 1]]:
            slot, kind = pair >> 1, pair & 1
            x = dot(centres, slot, table, row)
            z = x if kind else -x
            right += z < 0
            slope = tally(z, kind, logs, products) * shares[kind]
            force = float32(slope if kind else -slope)  # the loss differentiated by x
            for k in range(dim):
                gradient[slot, k] += force * table[row, k]
                own[0, k] += force * centres[slot, k]
        if row > 0:  # the pad stays zero
            update(table, momentum, variance, row, own, 0, step, rule)
            at[row] = step
    return logs[0] + math.log(products[0]), logs[1] + math.log(products[1]), right

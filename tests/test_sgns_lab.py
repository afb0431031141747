"""The fast trainer against its definition: objective, autograd and dense AdamW, equal batches."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from sgns_study.errors import StudyError
from sgns_study.kernels.lab import SkipGram
from sgns_study.pairs import Pairs, build_pairs
from sgns_study.params import LabRecipe
from sgns_study.sgns import lab, objective, reference
from sgns_study.sgns.stream import check_finite

SIZE, DIM, SEED = 300, 16, 5
RECIPE = LabRecipe(
    kind="lab", negatives=2, epochs=3, batch=32, learning_rate=1e-2, weight_decay=0.01
)


@pytest.fixture(scope="module")
def pairs() -> Pairs:
    """Documents whose frequent words come by the dozen in a batch, rare ones once an epoch."""
    draw = np.random.default_rng(0)

    def documents(count: int) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        offsets = np.cumsum([0, *draw.integers(0, 16, count)])
        return np.minimum(draw.zipf(1.5, offsets[-1]), SIZE - 1).astype(np.int32), offsets

    return build_pairs(*documents(60), *documents(20), 3, 2, SIZE, seed=1)


def tables(dtype: type = np.float32) -> list[NDArray[Any]]:
    return [
        lab.initial_table(SIZE, DIM, SEED, name).astype(dtype) for name in ("centre", "context")
    ]


def fast(recipe: LabRecipe, steps: int = 1) -> SkipGram:
    return SkipGram(*tables(), recipe.learning_rate, recipe.weight_decay, steps)


def plain(recipe: LabRecipe) -> reference.SkipGram:
    """The same model by its definition, in float64."""
    return reference.SkipGram(*tables(np.float64), recipe.learning_rate, recipe.weight_decay, 1)


def steps(recipe: LabRecipe, pairs: Pairs) -> int:
    return recipe.epochs * -(-len(pairs.train) // recipe.batch)


@pytest.mark.parametrize("batch", [32, 2], ids=["most rows touched", "few rows touched"])
def test_equals_the_plain_torch_loop(pairs: Pairs, batch: int) -> None:
    """Loss and accuracy of each batch, and both tables after three epochs."""
    recipe = RECIPE.model_copy(update={"batch": batch})
    peer, model = plain(recipe), fast(recipe, steps(recipe, pairs))
    start = model.centre.table.copy()
    for epoch in range(1, recipe.epochs + 1):
        for drawn in lab.batches(pairs.train, SIZE, recipe, SEED, epoch):
            (loss, accuracy), theirs = model.step(drawn), peer.step(drawn)
            assert loss == pytest.approx(theirs[0], rel=1e-5)
            assert accuracy == pytest.approx(theirs[1], abs=1e-6)
    centre, context = model.tables()
    assert np.abs(centre - start).max() > 0.3  # they moved far, by the same way
    np.testing.assert_allclose(centre, peer.centre.detach(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(context, peer.context.detach(), rtol=1e-4, atol=1e-5)


def ids_of(batch: lab.Batch) -> tuple[NDArray[np.int64], ...]:
    """Ids of centres (B,), positives (B, 2R) and negatives (B, 2RK), one window at a time."""
    windows, stream = batch.windows, batch.windows.stream.astype(np.int64)
    around = [offset for offset in range(-windows.radius, windows.radius + 1) if offset]
    positives = np.array([[stream[p + offset] for offset in around] for p in batch.centres])
    return stream[batch.centres], positives, batch.negatives.astype(np.int64)


def test_gradients_of_one_batch(pairs: Pairs) -> None:
    """After the first step momentum is (1 − β1) times the gradient: both against autograd."""
    drawn = next(lab.batches(pairs.train, SIZE, RECIPE, SEED, 1))
    peer, model = plain(RECIPE), fast(RECIPE)
    centres, positives, negatives = ids_of(drawn)
    objective.loss(
        peer.centre[centres], peer.context[positives], peer.context[negatives]
    ).backward()
    model.step(drawn)
    for ours, theirs in ((model.centre, peer.centre), (model.context, peer.context)):
        assert theirs.grad is not None
        gradient = theirs.grad.numpy()
        gradient[0] = 0
        np.testing.assert_allclose(ours.momentum / 0.1, gradient, rtol=1e-5, atol=1e-9)
        assert np.count_nonzero(np.abs(gradient).sum(1)) > 10


def test_curves_are_the_torch_loops(pairs: Pairs) -> None:
    """Means over centres; training before each step, validation at the end; epoch 0 first."""
    curves = lab.train(pairs, SIZE, DIM, RECIPE, SEED).curves
    peer, rows = plain(RECIPE), []

    def mean(scores: list[tuple[tuple[float, float], int]]) -> list[float]:
        return np.average([s for s, _ in scores], axis=0, weights=[n for _, n in scores]).tolist()

    for epoch in range(RECIPE.epochs + 1):
        drawn = lab.batches(pairs.train, SIZE, RECIPE, SEED, epoch)
        take = peer.score if epoch == 0 else peer.step
        rows.append((epoch, "train", *mean([(take(b), len(b.centres)) for b in drawn])))
        fixed = lab.validation_batches(pairs, RECIPE.batch)
        scores = [(peer.score(b), len(b.centres)) for b in fixed]
        rows.append((epoch, "validation", *mean(scores)))
    expected = pd.DataFrame(rows, columns=["epoch", "split", "loss", "accuracy"])
    pd.testing.assert_frame_equal(curves, expected, rtol=1e-5)
    assert expected.loss.iloc[-2] < 0.8 * expected.loss.iloc[0]  # and it learns


def test_each_epoch_has_every_centre_once_in_an_order_of_its_own(pairs: Pairs) -> None:
    orders = [
        np.concatenate([b.centres for b in lab.batches(pairs.train, SIZE, RECIPE, SEED, epoch)])
        for epoch in (1, 1, 2)
    ]
    np.testing.assert_array_equal(np.sort(orders[0]), pairs.train.centres)
    np.testing.assert_array_equal(orders[0], orders[1])
    assert (orders[0] != orders[2]).mean() > 0.9


def test_the_pad_stays_zero_and_same_seed_gives_same_bytes(pairs: Pairs) -> None:
    first, again, other = (lab.train(pairs, SIZE, DIM, RECIPE, seed) for seed in (1, 1, 2))
    for table in (first.centre, first.context):
        assert not table[0].any()
        assert table[1:].any(axis=1).all()
    assert first.centre.tobytes() == again.centre.tobytes()
    assert first.context.tobytes() == again.context.tobytes()
    assert first.curves.equals(again.curves)
    assert not np.allclose(first.centre, other.centre)


def test_a_pad_context_never_moves_the_centre() -> None:
    """A document of one word has only pads around it: with no negatives to push it off either,
    that is with contexts all zero, its centre keeps its direction and only decays."""
    one = np.array([3], np.int32), np.array([0, 1])
    pairs = build_pairs(*one, *one, 1, 2, SIZE, 1)
    model = fast(RECIPE)
    model.context.table[:] = 0
    before = model.centre.table[3].copy()
    model.step(next(lab.batches(pairs.train, SIZE, RECIPE, SEED, 1)))
    np.testing.assert_allclose(model.centre.table[3], before * (1 - 1e-4), rtol=1e-6)


@pytest.mark.parametrize(("value", "loss"), [(1e30, "inf"), (np.nan, "nan")])
def test_a_loss_that_is_not_finite_is_named_with_its_place(
    pairs: Pairs, value: float, loss: str
) -> None:
    """Compiled with reordered sums, the kernel still reports infinity and NaN as they are."""
    model = fast(RECIPE)
    model.centre.table[1:] = 1e30
    model.context.table[1:] = value
    found, _ = model.step(next(lab.batches(pairs.train, SIZE, RECIPE, SEED, 1)))
    message = rf"the loss is {loss} at epoch 2, step 7: .* lower learning_rate \(now 0.01\)"
    with pytest.raises(StudyError, match=message):
        check_finite(found, "at epoch 2, step 7", RECIPE.learning_rate)


def test_a_vocabulary_too_small_for_the_negatives() -> None:
    ids, offsets = np.arange(1, 21, dtype=np.int32), np.array([0, 20])
    pairs = build_pairs(ids, offsets, ids[:3], np.array([0, 3]), 2, 1, 21, 1)
    with pytest.raises(StudyError, match=r"only 0 of the 21 ids.*lower negatives, batch or radius"):
        lab.train(pairs, 21, DIM, RECIPE, SEED)

"""The embeddings that classifiers start from: what each control keeps and what it takes away."""

from typing import get_args

import numpy as np
import pytest

from sgns_study import params, plan
from sgns_study.classifiers.inits import (
    initial_table,
    is_frozen,
    random_table,
)
from sgns_study.errors import StudyError
from sgns_study.sgns.vectors import Vectors

VOCABULARY, DIM, SEED = 60, 6, 3
WORDS = [f"word{number}" for number in range(VOCABULARY)]
COUNTS = np.where(np.arange(VOCABULARY) % 4 == 1, 0, np.arange(VOCABULARY))  # of the pad zero
OWN = np.flatnonzero(COUNTS)  # words that the text has
OTHERS = np.arange(1, VOCABULARY)[COUNTS[1:] == 0]


def vectors(seed: int = 1, counts: np.ndarray | None = COUNTS) -> Vectors:
    """Columns of different means and scales; small rows where the text has no such word."""
    draw = np.random.default_rng(seed)
    columns = np.arange(1, DIM + 1)
    table = columns + draw.standard_normal((VOCABULARY, DIM)) * columns
    table[OTHERS] /= 100
    return Vectors(table.astype(np.float32), None, WORDS, counts)


def made(init: str, given: Vectors | None, seed: int = SEED, scale: float | None = None):
    return initial_table(init, given, WORDS, DIM, seed, scale)


def sorted_rows(table: np.ndarray) -> list[list[float]]:
    return sorted(table.tolist())


def test_random_table_is_standard_normal_but_for_the_padding() -> None:
    table = random_table(2000, 50, SEED)
    assert table.dtype == np.float32
    assert not table[0].any()
    assert table[1:].mean() == pytest.approx(0, abs=0.01)
    assert table[1:].std() == pytest.approx(1, abs=0.01)


def test_pretrained_table_is_a_copy_without_padding() -> None:
    given = Vectors(np.ones((VOCABULARY, DIM), np.float32), None, WORDS)
    table = made("pretrained", given)
    assert not table[0].any()
    np.testing.assert_array_equal(table[1:], given.centre[1:])
    assert given.centre[0].all()


@pytest.mark.parametrize("init", get_args(params.Init))
@pytest.mark.parametrize("scale", [None, 0.1])
def test_every_table_is_float32_with_an_empty_padding_row(init: str, scale: float | None) -> None:
    given = vectors()
    before = given.centre.copy()
    table = made(init, given, scale=scale)
    assert table.shape == (VOCABULARY, DIM)
    assert table.dtype == np.float32
    assert not table[0].any()
    assert table[1:].any(axis=1).all()
    assert table.tobytes() == made(init, given, scale=scale).tobytes()
    np.testing.assert_array_equal(given.centre, before)
    changes = not np.array_equal(table, made(init, given, seed=SEED + 1, scale=scale))
    assert changes == (init not in ("pretrained", "frozen"))


def test_a_frozen_start_is_that_of_the_same_name() -> None:
    assert {init for init in get_args(params.Init) if is_frozen(init)} == {
        "frozen",
        "frozen_random",
    }
    np.testing.assert_array_equal(made("frozen", vectors()), made("pretrained", vectors()))
    np.testing.assert_array_equal(made("frozen_random", None), made("random", None))


def test_the_starts_that_read_vectors_are_those_of_the_plan() -> None:
    for init in get_args(params.Init):
        if init in plan.FROM_VECTORS:
            with pytest.raises(AssertionError, match=f"{init} is made from vectors"):
                made(init, None)
        else:
            np.testing.assert_array_equal(made(init, None), made(init, vectors()))


def test_shuffled_rows_are_the_rows_of_the_vectors_each_with_another_word() -> None:
    table, original = made("shuffled", vectors()), made("pretrained", vectors())
    # words that the text has not stay among themselves
    assert sorted_rows(table[OWN]) == sorted_rows(original[OWN])
    assert sorted_rows(table[OTHERS]) == sorted_rows(original[OTHERS])
    kept = (table == original).all(axis=1)
    assert kept[1:].sum() < 8  # one in each part is to be expected
    assert not (table == original).all(axis=1)[OWN].all()
    assert not (table == original).all(axis=1)[OTHERS].all()


def test_without_counts_all_words_are_of_the_text() -> None:
    given = vectors(counts=None)
    table, original = made("shuffled", given), made("pretrained", given)
    assert sorted_rows(table[1:]) == sorted_rows(original[1:])
    assert sorted_rows(table[OWN]) != sorted_rows(original[OWN])
    assert made("pretrained", given, scale=0.3)[1:].std() == pytest.approx(0.3, rel=1e-5)


def test_a_seed_moves_the_rows_of_all_vectors_alike() -> None:
    """The permutation is drawn from the seed and the words of the text, not from the numbers."""
    places = np.repeat(np.arange(VOCABULARY, dtype=np.float32)[:, None], DIM, axis=1)
    order = made("shuffled", Vectors(places, None, WORDS, COUNTS))[:, 0].astype(int)
    np.testing.assert_array_equal(made("shuffled", vectors())[1:], vectors().centre[order][1:])


def test_matched_rows_are_the_random_ones_of_the_seed_moved_and_stretched() -> None:
    given, found, random = vectors(), made("random_matched", vectors()), made("random", None)
    for part in (OWN, OTHERS):
        for j in range(DIM):
            column = given.centre[part, j].astype(np.float64)
            mean = sum(column) / len(column)
            deviation = np.sqrt(sum((column - mean) ** 2) / len(column))
            np.testing.assert_allclose(
                found[part, j], mean + deviation * random[part, j], rtol=1e-5, atol=1e-6
            )


def test_matched_columns_have_the_means_and_deviations_of_the_vectors() -> None:
    """At ten thousand words means are near to 5 standard errors, deviations too."""
    n = 10_000
    draw = np.random.default_rng(1)
    given = np.exp(draw.standard_normal((n + 1, 4))) * [0.1, 1, 3, 10]  # not normal themselves
    words = [str(number) for number in range(n + 1)]
    table = initial_table(
        "random_matched", Vectors(given.astype(np.float32), None, words), words, 4, SEED
    )
    mean, deviation = given[1:].mean(0), given[1:].std(0)
    assert (np.abs(table[1:].mean(0) - mean) < 5 * deviation / np.sqrt(n)).all()
    assert (np.abs(table[1:].std(0) / deviation - 1) < 5 / np.sqrt(2 * n)).all()
    assert table[1:].min() < 0  # while no number of the vectors is


@pytest.mark.parametrize("init", get_args(params.Init))
@pytest.mark.parametrize("scale", [0.01, 1, 30])
def test_a_rescaled_table_has_the_deviation_asked_for(init: str, scale: float) -> None:
    table, original = made(init, vectors(), scale=scale), made(init, vectors())
    own = OWN if init in plan.FROM_VECTORS else np.arange(1, VOCABULARY)
    entries = table[own].astype(np.float64).ravel()
    found = np.sqrt(sum((entries - entries.mean()) ** 2) / len(entries))
    assert found == pytest.approx(scale, rel=1e-5)
    ratio = table[1:] / original[1:]  # one factor for all
    np.testing.assert_allclose(ratio, ratio[0, 0], rtol=1e-5)


def test_vectors_without_spread_cannot_be_rescaled() -> None:
    same = Vectors(np.ones((VOCABULARY, DIM), np.float32), None, WORDS)
    with pytest.raises(StudyError, match="all entries of the vectors are the same"):
        made("pretrained", same, scale=0.1)

"""Times to a level: by hand, and what must hold of any curves."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sgns_study.evaluation.convergence import (
    against_random,
    convergence,
    crossing,
)
from sgns_study.evaluation.tables import COLUMNS
from tests.curve_tables import classifier_curves

VALIDATION = {
    ("pretrained", 1): [0.5, 0.76, 0.78, 0.8],
    ("random", 1): [0.5, 0.6, 0.75, 0.9],
    ("pretrained", 2): [0.5, 0.7, 0.8, 0.8],
    ("random", 2): [0.5, 0.85, 0.9, 0.8],
}


def curves() -> pd.DataFrame:
    """Four runs; training accuracy is validation accuracy and a tenth more."""
    rows = []
    for (init, seed), heights in VALIDATION.items():
        name = (init, *(("lab", 5) if init == "pretrained" else (None, None)), 16, seed)
        for epoch, height in enumerate(heights):
            rows.append((*name, epoch, "validation", 0.6, height))
            rows.append((*name, epoch, "train", 0.6, height + 0.1))
        rows.append((*name, 3, "test", 0.6, 0.7))
    return classifier_curves(rows)


def found(table: pd.DataFrame, level: str, split: str = "validation") -> dict:
    rows = table[(table["level_of"] == level) & (table["split"] == split)]
    return {(init, seed): time for init, seed, time in zip(rows.init, rows.seed, rows["epochs"])}


def test_times_by_hand():
    table = convergence(curves())
    assert list(table.columns) == COLUMNS["convergence"]
    # Own: 0.98 · 0.8 = 0.784 and 0.98 · 0.9 = 0.882. Common: 0.784, of the smaller best of a seed.
    own = {
        ("pretrained", 1): 2 + 0.004 / 0.02,
        ("random", 1): 2 + 0.132 / 0.15,
        ("pretrained", 2): 1 + 0.084 / 0.1,
        ("random", 2): 1 + 0.032 / 0.05,
    }
    late, early = 2 + 0.034 / 0.15, 0.284 / 0.35
    common = own | {("random", 1): late, ("random", 2): early}
    assert found(table, "own") == pytest.approx(own)
    assert found(table, "common") == pytest.approx(common)
    assert set(table["split"]) == {"validation", "train"}
    assert (table.groupby(["level_of", "split"]).size() == 4).all()


def test_comparison_with_random_by_hand():
    table = convergence(curves())
    later = against_random(table, "own", "validation")
    times = found(table, "own")
    expected = {s: times["pretrained", s] - times["random", s] for s in (1, 2)}
    assert dict(zip(later["seed"], later["epochs"])) == pytest.approx(expected)
    assert against_random(table[table["init"] != "random"], "own", "validation").empty


def test_experiments_are_compared_among_themselves():
    plain = curves()
    few = plain.assign(scale=np.nan, documents=150, classifier="conv1d")
    few["accuracy"] -= 0.2
    whole = few.assign(documents=pd.NA, accuracy=plain["accuracy"])
    table = convergence(pd.concat([whole, few.astype({"documents": "Int64"})]))
    all_documents = table["documents"].isna()
    alone = convergence(plain)
    pd.testing.assert_frame_equal(
        table[all_documents].reset_index(drop=True), alone, check_dtype=False
    )
    common = table[~all_documents & (table["level_of"] == "common")]
    common = common[common["split"] == "validation"]
    assert common["level"].to_numpy() == pytest.approx(0.98 * 0.6)


def test_a_run_at_another_scale_is_not_its_own_reference():
    scaled = curves().query("init == 'random'").assign(scale=0.1)
    table = convergence(pd.concat([curves().assign(scale=np.nan), scaled]))
    later = against_random(table, "own", "validation")
    assert later["init"].tolist() == ["pretrained"] * 2 + ["random"] * 2
    assert later["epochs"].tolist()[2:] == [0, 0]


def test_a_run_that_stopped_early_is_judged_by_what_it_reached():
    table = curves()
    short = table[(table["epoch"] < 3) | (table["seed"] == 2) | (table["init"] == "random")]
    times = convergence(short)
    # Own and common level of seed 1: 0.98 · 0.78 = 0.7644.
    expected = {("pretrained", 1): 1 + 0.0044 / 0.02, ("random", 1): 2 + 0.0144 / 0.15}
    assert {k: v for k, v in found(times, "common").items() if k[1] == 1} == pytest.approx(expected)
    assert found(times, "own")["pretrained", 1] == pytest.approx(expected["pretrained", 1])
    unchanged = found(convergence(table), "own")["random", 1]
    assert found(times, "own")["random", 1] == unchanged


def test_no_curves_give_an_empty_table():
    empty = convergence(curves().iloc[:0])
    assert list(empty.columns) == COLUMNS["convergence"]


heights = st.lists(st.floats(0, 1), min_size=6, max_size=6)


@given(heights, st.floats(0, 0.2), st.floats(0, 1))
def test_a_higher_curve_is_never_later(row, more, level):
    low, high = (crossing(np.array([row]) + add, np.array([level])) for add in (0, more))
    assert np.isnan(low) or high <= low + 1e-9


@given(heights, st.floats(0, 1), st.floats(0, 1))
def test_a_higher_level_is_never_earlier(row, one, other):
    low, high = (crossing(np.array([row]), np.array([level])) for level in sorted((one, other)))
    assert np.isnan(high) or low <= high


@settings(max_examples=10, deadline=None)
@given(st.lists(heights, min_size=4, max_size=4), st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter_and_all_reach_what_is_common(rows, random):
    table = [
        (init, None, None, 16, seed, epoch, "train", 1 - height, height)
        for (init, seed), row in zip(product("ab", (1, 2)), rows)
        for epoch, height in enumerate(row)
    ]
    expected = convergence(classifier_curves(table))
    random.shuffle(table)
    pd.testing.assert_frame_equal(convergence(classifier_curves(table)), expected)
    assert expected["epochs"].notna().all()


def test_a_level_is_crossed_between_epochs() -> None:
    """By hand: within a step, at an epoch, before the first, and never."""
    heights = np.array([[0.5, 0.7, 0.9], [0.5, 0.8, 0.8], [0.6, 0.5, 0.9], [0.5, 0.6, 0.7]])
    found = crossing(heights, np.array([0.75, 0.8, 0.55, 0.71]))
    assert found[:3] == pytest.approx([1.25, 1, 0])
    assert np.isnan(found[3])


@given(st.lists(st.floats(0, 1), min_size=2, max_size=6), st.floats(0, 1))
def test_the_line_has_the_level_where_it_is_crossed(curve: list[float], level: float) -> None:
    found = crossing(np.array([curve]), np.array([level]))[0]
    if max(curve) < level:
        assert np.isnan(found)
    elif curve[0] >= level:
        assert found == 0
    else:
        assert np.interp(found, range(len(curve)), curve) == pytest.approx(level, abs=1e-9)
        first = next(epoch for epoch, height in enumerate(curve) if height >= level)
        assert first - 1 <= found <= first

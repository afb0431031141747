"""Times to a level: by hand, and what must hold of any curves."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sgns_study.evaluation.convergence import (
    ConvergenceError,
    against,
    convergence,
    crossing,
    first_epoch,
    restricted,
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


def found(table: pd.DataFrame, measure: str, split: str = "validation") -> dict:
    rows = table[(table["measure"] == measure) & (table["split"] == split)]
    return {(init, seed): value for init, seed, value in zip(rows.init, rows.seed, rows["value"])}


def test_times_by_hand():
    table = convergence(curves())
    assert list(table.columns) == COLUMNS["convergence"]
    # Own: 0.95 · 0.8 = 0.76 and 0.95 · 0.9 = 0.855. Common: 0.76, of the smaller best of each seed.
    own = {("pretrained", 1): 1, ("random", 1): 3, ("pretrained", 2): 2, ("random", 2): 2}
    common = {("pretrained", 1): 1, ("random", 1): 3, ("pretrained", 2): 2, ("random", 2): 1}
    assert found(table, "epochs_to_own") == own
    assert found(table, "epochs_to_common") == common
    # Pretrained of seed 1 jumps from 0.5 to 0.76 in its first epoch, the level itself.
    assert found(table, "crossing")["pretrained", 1] == pytest.approx(1)
    assert not table["censored"].any()
    assert set(table["epochs"]) == {3}
    assert set(table["split"]) == {"validation", "train"}


def test_a_given_level_that_is_not_reached_is_censored_and_empty():
    table = convergence(curves(), level=0.82)
    rows = table[(table["measure"] == "epochs_to_common") & (table["split"] == "validation")]
    pretrained = rows["init"] == "pretrained"
    assert rows.loc[pretrained, "censored"].all()
    assert rows.loc[pretrained, "value"].isna().all()
    assert rows.loc[~pretrained, "value"].tolist() == [3, 1]
    assert (rows["level"] == 0.82).all()
    assert not table[table["measure"] == "epochs_to_own"]["censored"].any()
    # Pretrained counts as 3 + 1 in both seeds: later by 1 and by 3 epochs.
    test = against(table, "epochs_to_common", "validation").iloc[0]
    assert (test["faster"], test["slower"], test["ties"]) == (0, 2, 0)
    assert test["epochs"] == 2


def test_comparison_with_random_by_hand():
    table = convergence(curves())
    test = against(table, "epochs_to_own", "validation").iloc[0]
    # 1 against 3 is faster, 2 against 2 a tie; differences −2 and 0
    assert (test["faster"], test["slower"], test["ties"], test["n_seeds"]) == (1, 0, 1, 2)
    assert test["epochs"] == -1
    assert against(table[table["init"] != "random"], "epochs_to_own", "validation").empty


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
    common = table[~all_documents & (table["measure"] == "epochs_to_common")]
    common = common[common["split"] == "validation"]
    assert common["level"].to_numpy() == pytest.approx(0.95 * 0.6)


def test_a_run_at_another_scale_is_not_its_own_reference():
    scaled = curves().query("init == 'random'").assign(scale=0.1)
    table = convergence(pd.concat([curves().assign(scale=np.nan), scaled]))
    tests = against(table, "epochs_to_own", "validation")
    assert tests["init"].tolist() == ["pretrained", "random"]
    assert tests.iloc[1]["ties"] == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t[t["epoch"] != 1], r"init pretrained.*epochs are 0, 2, 3"),
        (lambda t: t[t["epoch"] > 0], "epochs are 1, 2, 3"),
        (lambda t: pd.concat([t, t.iloc[[1]]]), "once"),
        (lambda t: t[(t["epoch"] < 3) | (t["seed"] == 2) | (t["init"] == "random")], "3 epochs"),
        (lambda t: t[t["epoch"] == 0], "0 epochs trained"),
        (lambda t: t.assign(accuracy=t["accuracy"].where(t["epoch"] != 2)), "no accuracy at epoch"),
    ],
)
def test_curves_that_give_no_time_are_named(change, message):
    with pytest.raises(ConvergenceError, match=message):
        convergence(change(curves()))


def test_no_curves_give_an_empty_table():
    empty = convergence(curves().iloc[:0])
    assert list(empty.columns) == COLUMNS["convergence"]


def table_of(times: list[tuple[float | None, float | None]]) -> pd.DataFrame:
    """Times of a pretrained and a random run of each seed, censored after 10 epochs, as a table."""
    rows = [
        (init, "", pd.NA, np.nan, pd.NA, "conv1d", 16, seed, "train", "epochs_to_own", time)
        for seed, pair in enumerate(times)
        for init, time in zip(("pretrained", "random"), pair)
    ]
    table = pd.DataFrame(rows, columns=COLUMNS["convergence"][:-3])
    return table.assign(level=0.8, censored=table["value"].isna(), epochs=10).astype(
        {"value": float, "radius": "Int64", "documents": "Int64"}
    )


def test_pairs_are_counted_blind_to_what_is_censored():
    # Four faster, one slower, one pair both censored.
    times = [(1, 2), (2, None), (2, 3), (1, 4), (None, 9), (None, None)]
    row = against(table_of(times), "epochs_to_own", "train").iloc[0]
    assert (row["faster"], row["slower"], row["ties"], row["n_seeds"]) == (4, 1, 1, 6)


heights = st.lists(st.floats(0, 1), min_size=6, max_size=6)


@given(st.lists(heights, min_size=1, max_size=4), st.floats(0, 1))
def test_times_are_those_of_a_search_epoch_by_epoch(rows, level):
    times = first_epoch(np.array(rows), np.full(len(rows), level))
    for row, time in zip(rows, times):
        expected = next((epoch for epoch, height in enumerate(row) if height >= level), None)
        assert np.isnan(time) if expected is None else time == expected


@given(heights, st.floats(0, 0.2), st.floats(0, 1))
def test_a_higher_curve_is_never_later(row, more, level):
    low, high = np.array([row]), np.array([row]) + more
    wanted = np.array([level])
    assert restricted(first_epoch(high, wanted), 5) <= restricted(first_epoch(low, wanted), 5)


@given(heights, st.floats(0, 1), st.floats(0, 1))
def test_a_higher_level_is_never_earlier(row, one, other):
    curve = np.array([row])
    low, high = (
        restricted(first_epoch(curve, np.array([level])), 5) for level in sorted((one, other))
    )
    assert low <= high


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
    assert not expected["censored"].any()
    assert expected["value"].notna().all()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(*[st.one_of(st.none(), st.integers(0, 10))] * 2), min_size=1, max_size=8))
def test_order_under_censoring_is_that_of_any_completion(times):
    """Whatever the censored times would have been, a pair with one of them falls the same way."""
    row = against(table_of(times), "epochs_to_own", "train").iloc[0]
    first, second = (np.array([pair[i] for pair in times], float) for i in (0, 1))
    known = ~(np.isnan(first) & np.isnan(second))
    for late in (11, 50):
        a, b = (np.where(np.isnan(side), late, side)[known] for side in (first, second))
        assert (row["faster"], row["slower"]) == ((a < b).sum(), (a > b).sum())


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
        first = first_epoch(np.array([curve]), np.array([level]))[0]
        assert first - 1 <= found <= first

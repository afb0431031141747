"""What the classifiers reached, against numbers worked out by hand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sgns_study.artifacts import ArtifactError, read_table, write_table
from sgns_study.evaluation.summary import effects, headline, scores, summarise
from sgns_study.evaluation.tables import COLUMNS, read_tidy
from sgns_study.evaluation.vectors import estimate
from sgns_study.report import PUBLISHED_LAB_CURVES
from tests.curve_tables import classifier_curves, classifier_table, convergence_table, run


def published(accuracy_pct: float) -> pd.DataFrame:
    lab = [("pretrained", 16, 2.0, 1, accuracy_pct - 1), ("pretrained", 16, 2.0, 2, accuracy_pct)]
    columns = ["init", "dim", "radius", "epoch", "validation_accuracy_pct"]
    return pd.DataFrame(lab, columns=columns)


def test_a_run_has_its_best_validation_accuracy_and_the_test_accuracy_of_its_epoch():
    curves = classifier_curves(run("random", None, None, 16, 1, [0.5, 0.8, 0.7, 0.8], 0.78))
    row = scores(curves).iloc[0]
    assert row["validation_accuracy"] == 0.8
    assert (row["test_accuracy"], row["selected_epoch"]) == (0.78, 1)


def test_a_run_that_has_not_scored_the_test_split_keeps_its_validation_accuracy():
    curves = classifier_curves(run("random", None, None, 16, 1, [0.5, 0.8]))
    row = summarise(curves).iloc[0]
    assert row["validation_accuracy"] == 0.8
    assert np.isnan(row["test_accuracy"])
    assert headline(summarise(curves)) == {"random_d16_validation_accuracy": 0.8}


def test_mean_deviation_and_interval_of_three_seeds_by_hand():
    summary = summarise(classifier_table([2], [16], [1, 2, 3])).set_index("init")
    row = summary.loc["pretrained"]
    # 0.75, 0.76, 0.77: mean 0.76, sd 0.01; t of 2 degrees of freedom at 97.5 % is 4.302653.
    assert row["validation_accuracy"] == pytest.approx(0.76)
    assert row["validation_sd"] == pytest.approx(0.01)
    half = 4.302653 * 0.01 / 3**0.5
    assert row["validation_low"] == pytest.approx(0.76 - half, rel=1e-6)
    assert row["validation_high"] == pytest.approx(0.76 + half, rel=1e-6)
    assert (row["n_seeds"], row["selected_epoch"]) == (3, 1)
    assert summary.loc["random", "selected_epoch"] == 2


@given(st.lists(st.floats(0, 1), min_size=2, max_size=20))
def test_an_interval_holds_its_mean_and_ignores_missing_values(values):
    found = estimate(pd.Series(values))
    assert found.low - 1e-12 <= found.mean <= found.high + 1e-12
    assert estimate(pd.Series([*values, np.nan])) == found


def test_one_seed_has_a_mean_and_no_interval():
    found = estimate(pd.Series([0.5]))
    assert (found.mean, found.n) == (0.5, 1)
    assert np.isnan([found.low, found.high, found.sd]).all()


@pytest.mark.parametrize(
    ("lab_pct", "points", "differs"), [(74.0, 1.0, False), (73.5, 1.5, False), (77.0, -2.0, True)]
)
def test_difference_from_the_lab_in_points(lab_pct, points, differs):
    summary = summarise(classifier_table([2], [16], [1]), published(lab_pct)).set_index("init")
    assert summary.loc["pretrained", "difference_points"] == pytest.approx(points)
    assert summary.loc["pretrained", "differs"] == differs
    assert np.isnan(summary.loc["random", "lab_validation_accuracy"])
    assert not summary.loc["random", "differs"]


def test_only_the_labs_recipe_is_laid_beside_the_lab():
    curves = classifier_table([2], [16], [1], recipes=("lab", "other"))
    summary = summarise(curves, published(74.0)).set_index("recipe")
    assert summary.loc["lab", "lab_validation_accuracy"] == 0.74
    assert np.isnan(summary.loc["other", "lab_validation_accuracy"])


def test_published_bests_are_those_of_the_labs_text():
    lab = read_table(PUBLISHED_LAB_CURVES)
    best = lab.groupby(["init", "dim"])["validation_accuracy_pct"].max().round(1)
    assert best.to_dict() == {
        ("pretrained", 128): 83.4,
        ("pretrained", 256): 85.4,
        ("random", 128): 86.3,
        ("random", 256): 86.2,
    }


def test_gains_are_paired_by_seed():
    rows = []
    for seed, (trained, random) in enumerate([(0.7, 0.6), (0.9, 0.8), (0.5, 0.4)], start=1):
        rows += run("pretrained", "lab", 2, 16, seed, [0.5, trained], trained)
        rows += run("random", None, None, 16, seed, [0.5, random], random)
    rows += run("pretrained", "lab", 2, 16, 4, [0.5, 0.1], 0.1)  # has no partner
    gain = effects(classifier_curves(rows)).iloc[0]
    assert gain["n_seeds"] == 3
    # Every seed gains 10 points, however far apart the seeds are: no spread is left.
    for name in ("test_points", "test_points_low", "test_points_high"):
        assert gain[name] == pytest.approx(10)


def test_without_a_reference_there_are_no_gains_but_their_columns():
    curves = classifier_table([2], [16], [1])
    gains = effects(curves[curves["init"] != "random"])
    assert gains.empty
    assert "test_points_low" in gains


def test_metrics_are_named_by_variant():
    metrics = headline(summarise(classifier_table([2], [16], [1])))
    assert metrics["pretrained_lab_r2_d16_test_accuracy"] == pytest.approx(0.74)
    assert metrics["random_d16_validation_accuracy"] == pytest.approx(0.8)


def test_a_table_survives_its_file(tmp_path):
    table = classifier_table([2], [16], [1, 2])
    write_table(tmp_path / "classifier_curves.csv", table)
    pd.testing.assert_frame_equal(
        summarise(read_tidy(tmp_path, "classifier_curves")), summarise(table)
    )


def test_words_are_read_as_they_stand(tmp_path):
    rows = [(word, 2, 16, 1, word, "nan", 0.5, 1) for word in ("1", "nan", "null", "1e5")]
    write_table(tmp_path / "map.csv", pd.DataFrame(rows, columns=COLUMNS["map"]))
    table = read_tidy(tmp_path, "map")
    for column in ("recipe", "word"):
        assert table[column].tolist() == ["1", "nan", "null", "1e5"]
    assert set(table["group"]) == {"nan"}
    assert table["y"].dtype.kind in "if"


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [("radius", 2.5, "whole"), ("level", "x", "numbers")],
)
def test_a_value_of_another_kind_is_named_with_its_column(tmp_path, column, value, expected):
    table = convergence_table().astype({column: object})
    table.loc[1, column] = value
    write_table(tmp_path / "convergence.csv", table)
    with pytest.raises(
        ArtifactError, match=f"column {column}: found '{value}', expected {expected}"
    ):
        read_tidy(tmp_path, "convergence")


def test_a_missing_column_is_named_with_its_file(tmp_path):
    table = classifier_table([2], [16], [1]).drop(columns="loss")
    write_table(tmp_path / "classifier_curves.csv", table)
    expected = r"classifier_curves\.csv: found the columns .*, expected .*split, loss, accuracy"
    with pytest.raises(ArtifactError, match=expected):
        read_tidy(tmp_path, "classifier_curves")

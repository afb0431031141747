"""Predictions come back as they were written, and the most probable class is the predicted one."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from sgns_study.artifacts import ArtifactError, read_table, write_text
from sgns_study.classifiers.predictions import read_predictions, write_predictions

DOCUMENTS = np.array([40, 7, 12])


def test_two_classes_have_one_column(tmp_path: Path) -> None:
    """Of label 1, whether given alone or beside label 0; at one half label 0 is taken."""
    labels, of_one = np.array([1, 0, 1], np.int16), np.array([0.9, 0.5, 0.1])
    for name, probabilities in (("a", of_one), ("b", np.stack([1 - of_one, of_one], 1))):
        write_predictions(tmp_path / name, DOCUMENTS, labels, probabilities)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert (tmp_path / "a").read_text().splitlines() == [
        "document,label,probability",
        "40,1,0.9",
        "7,0,0.5",
        "12,1,0.1",
    ]
    found = read_predictions(tmp_path / "a")
    assert found.documents.tolist() == [40, 7, 12]
    assert found.labels.tolist() == [1, 0, 1]
    assert found.predicted.tolist() == [1, 0, 0]


@settings(max_examples=30)
@given(
    arrays.arrays(
        np.float64,
        st.tuples(st.integers(1, 5), st.integers(3, 13)),
        elements=st.floats(0, 1),
    )
)
def test_of_more_classes_the_first_of_the_most_probable(
    tmp_path_factory: pytest.TempPathFactory, probabilities: np.ndarray
) -> None:
    """More than ten, too: `probability_10` stands behind `probability_9`."""
    path = tmp_path_factory.mktemp("predictions") / "predictions.csv"
    n, classes = probabilities.shape
    labels = (np.arange(n) % classes).astype(np.int16)
    write_predictions(path, np.arange(n) + 100, labels, probabilities)
    table = read_table(path)
    assert list(table.columns) == [
        "document",
        "label",
        *(f"probability_{c}" for c in range(classes)),
    ]
    np.testing.assert_array_equal(table.iloc[:, 2:], probabilities)
    found = read_predictions(path)
    rows = probabilities.tolist()
    assert found.predicted.tolist() == [row.index(max(row)) for row in rows]
    assert found.documents.tolist() == [100 + i for i in range(n)]
    assert found.labels.tolist() == labels.tolist()
    whole = (found.documents, found.labels, found.predicted)
    assert {column.dtype for column in whole} == {np.dtype(np.int64)}
    np.testing.assert_array_equal(found.probabilities, probabilities)


@pytest.mark.parametrize(
    "header", ["document,label", "document,probability", "label,probability_0,probability_1"]
)
def test_a_table_without_a_column_is_refused(tmp_path: Path, header: str) -> None:
    path = tmp_path / "predictions.csv"
    write_text(path, header + "\n" + ",".join("1" * len(header.split(","))) + "\n")
    with pytest.raises(ArtifactError, match=f"found the columns {header.replace(',', ', ')}"):
        read_predictions(path)

"""The classes that classifiers of any kind predict for the test documents, written and read."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sgns_study.artifacts import columns_of, read_table, reading, whole, write_table


class Predictions(NamedTuple):
    """Test documents, their classes and the predicted ones, each int64 (n,)."""

    documents: NDArray[np.int64]
    labels: NDArray[np.int64]
    probabilities: NDArray[np.float64]  # (n, C)

    @property
    def predicted(self) -> NDArray[np.int64]:
        """The most probable class of each document, the first of equals."""
        return self.probabilities.argmax(axis=1)


def write_predictions(
    path: Path,
    documents: NDArray[np.int64],
    labels: NDArray[np.int16],
    probabilities: NDArray[np.float64],
) -> None:
    """Write columns document, label and `probability` of label 1, or `probability_<c>` of each.

    probabilities: (n,) of label 1, or (n, C) of each class.
    """
    if probabilities.ndim == 2 and probabilities.shape[1] == 2:
        probabilities = probabilities[:, 1]
    columns: dict[str, NDArray[np.generic]] = {"document": documents, "label": labels}
    if probabilities.ndim == 1:
        columns["probability"] = probabilities
    else:
        columns |= {f"probability_{c}": column for c, column in enumerate(probabilities.T)}
    write_table(path, pd.DataFrame(columns))


def read_predictions(path: Path) -> Predictions:
    """Read what `write_predictions` wrote."""
    table = read_table(path)
    several = [name for name in table.columns if name.startswith("probability_")]
    expected = "expected document, label and probability, all numbers, and a row or more"
    with reading(path, f"found the columns {columns_of(table)}, {expected}"):
        documents, labels = whole(table["document"]), whole(table["label"])
        probabilities = table[several or ["probability"]].to_numpy(float)
        if table.empty or np.isnan(probabilities).any():
            raise ValueError("no row, or a missing probability")
    if not several:
        probabilities = np.column_stack([1 - probabilities, probabilities])
    return Predictions(documents, labels, probabilities)

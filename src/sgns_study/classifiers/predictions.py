"""The classes that classifiers of any kind predict for the test documents, written and read."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sgns_study.artifacts import ArtifactError, listed, read_table, write_table


class Predictions(NamedTuple):
    """Test documents, their classes and the predicted ones, each int64 (n,)."""

    documents: NDArray[np.int64]
    labels: NDArray[np.int64]
    predicted: NDArray[np.int64]


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
    """Read what `write_predictions` wrote; the most probable class is the predicted one.

    Raises ArtifactError if a column is missing or holds something other than numbers.
    """
    table = read_table(path)
    several = [name for name in table.columns if name.startswith("probability_")]
    numbers = ["document", "label", *(several or ["probability"])]
    kinds = [table[name].dtype.kind for name in numbers if name in table]
    whole = kinds[:2] == ["i", "i"] and len(kinds) == len(numbers) and set(kinds) <= {"i", "f"}
    if not whole or table.empty or table[numbers].isna().any(axis=None):
        raise ArtifactError(
            f"{path}: found the columns {listed(table)}, expected document, label and probability, "
            "all numbers, and a row or more: delete the folder and run again"
        )
    documents, labels = (table[name].to_numpy(np.int64) for name in ("document", "label"))
    if several:
        return Predictions(documents, labels, table[several].to_numpy().argmax(axis=1))
    return Predictions(documents, labels, (table["probability"] > 0.5).to_numpy().astype(np.int64))

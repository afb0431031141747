"""What classifiers of any kind predict for the test documents, written and read."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sgns_study.artifacts import ArtifactError, listed, read_table, write_table


class Predictions(NamedTuple):
    """Test documents, their classes and those predicted, each int64 (n,)."""

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
    """Read what `write_predictions` wrote; predicted is the most probable class.

    Raises ArtifactError if a column is missing or holds something else than numbers.
    """
    table = read_table(path)
    several = [name for name in table.columns if name.startswith("probability_")]
    numbers = ["document", "label", *(several or ["probability"])]
    if not set(numbers) <= set(table.columns):
        raise ArtifactError(
            f"{path}: found the columns {listed(table)}, expected document, label and "
            "probability: delete the folder and run again"
        )
    kinds = [dtype.kind for dtype in table[numbers].dtypes]
    are_numbers = kinds[:2] == ["i", "i"] and set(kinds) <= {"i", "f"}
    if table.empty or not are_numbers or table[numbers].isna().any(axis=None):
        raise ArtifactError(
            f"{path}: found other values than numbers, or no row: delete the folder and run again"
        )
    if several:
        predicted = table[several].to_numpy().argmax(axis=1)
    else:
        predicted = (table["probability"] > 0.5).to_numpy().astype(np.int64)
    documents, labels = (table[name].to_numpy(np.int64) for name in ("document", "label"))
    return Predictions(documents, labels, predicted)

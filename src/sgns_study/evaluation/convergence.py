"""How fast a classifier learns: epochs to a level of accuracy.

On a split, a run reaches a level when the straight lines between its accuracies after each epoch
first do; epoch 0 is before training. Whole epochs are so coarse that all seeds may agree. A run's
*own* level is 98 % of its own best accuracy, so that a run that ends low may still be fast. The
*common* level is the smallest of the own levels of the runs compared, so that all of them reach it.
Near the best accuracy a level tells starts apart; one far below lies on the steep first epoch of
all. Runs are compared with those of the same dimension, seed, labelled documents and classifier.

Training accuracies are running means while training, so they reach a level later than the weights
at the end of the epoch do.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sgns_study.evaluation.tables import COLUMNS, RUN

COMPARED = ["documents", "classifier", "dim", "seed"]
SPLITS = ("validation", "train")
SHARE = 0.98  # of the best accuracy

Array = NDArray[np.float64]


def convergence(curves: pd.DataFrame) -> pd.DataFrame:
    """The times of every run on validation and on training data, one row a level.

    curves: init, recipe, radius, dim, seed, epoch, split, accuracy, and for runs that are not plain
    also scale, documents, classifier; epochs 0..E, where a run that stopped early has a smaller E
    and keeps its last accuracy.

    Columns: the run, split, `level_of` (`own` or `common`), the level, and epochs to reach it.
    """
    table = with_defaults(curves)
    groups = table[table["split"].isin(SPLITS)].groupby(["split", *COMPARED], dropna=False)
    parts = [times_of(group) for _, group in groups]
    if not parts:
        return pd.DataFrame(columns=COLUMNS["convergence"])
    found = pd.concat(parts).sort_values([*RUN, "split", "level_of"], ignore_index=True)
    return found[COLUMNS["convergence"]]


def with_defaults(curves: pd.DataFrame) -> pd.DataFrame:
    """The curves with `scale`, `documents`, `classifier` of plain runs where not given."""
    plain = {"scale": np.nan, "documents": pd.NA, "classifier": "conv1d"}
    table = curves.assign(**{key: value for key, value in plain.items() if key not in curves})
    return table.astype(
        {"recipe": object, "radius": "Int64", "scale": float, "documents": "Int64", "dim": "Int64"}
    )


def times_of(group: pd.DataFrame) -> pd.DataFrame:
    """The times of the runs that are compared, on one split."""
    by_epoch = group.set_index([*RUN, "split", "epoch"])["accuracy"].unstack().ffill(axis=1)
    runs, accuracy = by_epoch.index.to_frame(index=False), by_epoch.to_numpy(float)
    own = SHARE * accuracy.max(axis=1)
    levels = {"common": np.full(len(own), own.min()), "own": own}
    return pd.concat(
        [
            runs.assign(level_of=name, level=level, epochs=crossing(accuracy, level))
            for name, level in levels.items()
        ]
    )


def crossing(heights: Array, wanted: Array) -> Array:
    """When the straight lines between the epochs of each curve first reach its level, (n,).

    heights (n, E + 1), wanted (n,); NaN where the level is not reached.
    """
    reached = heights >= wanted[:, None]
    after = reached.argmax(axis=1)
    before = np.maximum(after - 1, 0)
    each = np.arange(len(heights))
    low, high = heights[each, before], heights[each, after]
    with np.errstate(invalid="ignore", divide="ignore"):
        part = np.where(after > 0, (wanted - low) / (high - low), 0)
    return np.where(reached.any(axis=1), before + part, np.nan)


def against_random(table: pd.DataFrame, level_of: str, split: str) -> pd.DataFrame:
    """One row a run: by how many `epochs` it is later than the random start it is compared with.

    table: as `convergence` gives. The random start is not rescaled and has the dimension, seed,
    documents and classifier of the run.
    """
    rows = table[(table["level_of"] == level_of) & (table["split"] == split)]
    is_random = (rows["init"] == "random") & rows["scale"].isna()
    random = rows.loc[is_random, [*COMPARED, "epochs"]]
    pairs = rows[~is_random].merge(random, on=COMPARED, suffixes=("", "_random"))
    return pairs.assign(epochs=pairs["epochs"] - pairs["epochs_random"])

"""How fast a classifier learns: epochs to a level of accuracy.

"Faster" was defined here before anything was measured. On a split, a run reaches a level of
accuracy at the first epoch whose accuracy is at least that level; epoch 0 (before training) counts.
The tests of claims take the time at which the straight lines between epochs cross the level,
because whole epochs are so coarse that all seeds may agree. A run's *own* level is 95 % of its own
best accuracy, so that a run that ends low may still be fast. The *common* level is 95 % of the
smallest of the best accuracies of the runs compared, so that all of them reach it. Runs are
compared with those of the same dimension, seed, labelled documents and classifier.

A level that is not reached in the E epochs trained leaves the time right-censored at E: all that is
known is that it is larger. Two times are then in a known order unless both are censored, and count
as a tie if they are. Means over seeds are restricted means: a censored time counts as E + 1.

Training accuracies are running means while training, so they reach a level later than the weights
at the end of the epoch do.
"""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from sgns_study.errors import StudyError
from sgns_study.evaluation.tables import COLUMNS, RUN

COMPARED = ["documents", "classifier", "dim", "seed"]
SPLITS = ("validation", "train")
SHARE = 0.95  # of the best accuracy

Array = NDArray[np.float64]


class ConvergenceError(StudyError):
    """Curves from which no time can be read; the message names the run and what is wrong."""


def convergence(curves: pd.DataFrame, level: float | None = None) -> pd.DataFrame:
    """The measures of every run on validation and on training data, one row a measure.

    curves: init, recipe, radius, dim, seed, epoch, split, accuracy, and for runs that are not plain
    also scale, documents, classifier; epochs 0..E, the same E for runs compared. level: a common
    level of accuracy in place of the one found from the runs.

    Columns: the run, split, measure, value, level, censored, epochs (E). Measures:
    `epochs_to_own`, `epochs_to_common`: the first epoch at the level; empty if censored.
    `crossing`: when the lines between epochs cross the common level.

    Raises ConvergenceError if a curve lacks an epoch or an accuracy or has an epoch twice, or if
    runs compared were trained for different numbers of epochs.
    """
    table = with_defaults(curves)
    groups = table[table["split"].isin(SPLITS)].groupby(["split", *COMPARED], dropna=False)
    parts = [measures(group, level) for _, group in groups]
    if not parts:
        return pd.DataFrame(columns=COLUMNS["convergence"])
    found = pd.concat(parts).sort_values([*RUN, "split", "measure"], ignore_index=True)
    return found[COLUMNS["convergence"]]


def with_defaults(curves: pd.DataFrame) -> pd.DataFrame:
    """The curves with `scale`, `documents`, `classifier` of plain runs where not given."""
    plain = {"scale": np.nan, "documents": pd.NA, "classifier": "conv1d"}
    table = curves.assign(**{key: value for key, value in plain.items() if key not in curves})
    return table.astype(
        {"recipe": object, "radius": "Int64", "scale": float, "documents": "Int64", "dim": "Int64"}
    )


def measures(group: pd.DataFrame, level: float | None) -> pd.DataFrame:
    """All measures of the runs that are compared, on one split."""
    curves = [curve for _, curve in group.sort_values("epoch").groupby(RUN, dropna=False)]
    for curve in curves:
        check_curve(curve, len(curves[0]) - 1)
    runs = pd.concat([curve[:1] for curve in curves])
    accuracy = np.array([curve["accuracy"] for curve in curves], float)  # (runs, E + 1)
    own = SHARE * accuracy.max(axis=1)
    common = np.full(len(own), own.min() if level is None else level)
    found = [
        ("crossing", crossing(accuracy, common), common),
        ("epochs_to_own", first_epoch(accuracy, own), own),
        ("epochs_to_common", first_epoch(accuracy, common), common),
    ]
    parts = [runs.assign(measure=name, value=time, level=wanted) for name, time, wanted in found]
    table = pd.concat(parts)
    return table.assign(censored=table["value"].isna(), epochs=accuracy.shape[1] - 1)


def check_curve(curve: pd.DataFrame, epochs: int) -> None:
    """Raise ConvergenceError unless a run has an accuracy at each epoch from 0 to `epochs`."""
    at, missing = curve["epoch"], curve.loc[curve["accuracy"].isna(), "epoch"]
    if at.tolist() != list(range(len(curve))):
        problem = f"epochs are {', '.join(map(str, at))}; every epoch from 0 on is needed once"
    elif len(missing):
        problem = f"no accuracy at epoch {', '.join(map(str, missing))}; every epoch needs one"
    elif len(curve) < 2 or len(curve) != epochs + 1:
        expected = f"{epochs or '1 or more'} as of the runs it is compared with"
        problem = f"{len(curve) - 1} epochs trained, expected {expected}"
    else:
        return
    run = curve.iloc[0]
    keys = [f"{key} {run[key]}" for key in RUN if not (pd.isna(run[key]) or run[key] == "")]
    name = f"curve of {', '.join(keys)}, {run['split']}"
    raise ConvergenceError(f"{name}: {problem}: train the run again")


def first_epoch(heights: Array, wanted: Array) -> Array:
    """The first epoch, (n,), at which each of n curves (n, E + 1) is at least `wanted` (n,).

    NaN where the curve never is.
    """
    reached = heights >= wanted[:, None]
    return np.where(reached.any(axis=1), reached.argmax(axis=1), np.nan)


def crossing(heights: Array, wanted: Array) -> Array:
    """When the straight lines between the epochs of each curve first reach its level, (n,).

    heights (n, E + 1), wanted (n,); NaN where the level is not reached.
    """
    first = first_epoch(heights, wanted)
    after = np.nan_to_num(first).astype(int)
    before = np.maximum(after - 1, 0)
    each = np.arange(len(heights))
    low, high = heights[each, before], heights[each, after]
    with np.errstate(invalid="ignore", divide="ignore"):
        part = np.where(after > 0, (wanted - low) / (high - low), 0)
    return np.where(np.isnan(first), np.nan, before + part)


def restricted(times: ArrayLike, epochs: ArrayLike) -> Array:
    """Times in epochs, with E + 1 (E from `epochs`) for the censored ones, which are NaN."""
    found = np.asarray(times, float)
    return np.where(np.isnan(found), np.asarray(epochs, float) + 1, found)


def against(table: pd.DataFrame, measure: str, split: str) -> pd.DataFrame:
    """One row a variant: its times in epochs against those of a random start, paired by seed.

    table: as `convergence` gives; measure: one of `epochs_to_…`. A run is paired with the plain run
    of init `random` that has its dimension, seed, documents and classifier. Columns: the variant,
    `n_seeds`, in how many pairs it is `faster`, `slower` or neither (`ties`), and `epochs`, the
    difference of restricted means, negative where the variant is faster.
    """
    rows = table[(table["measure"] == measure) & (table["split"] == split)]
    rows = rows.assign(time=restricted(rows["value"], rows["epochs"]))
    is_random = (rows["init"] == "random") & rows["scale"].isna()
    random = rows.loc[is_random, [*COMPARED, "time"]]
    pairs = rows[~is_random].merge(random, on=COMPARED, suffixes=("", "_random"))
    later = pairs["time"] - pairs["time_random"]
    signs = {"faster": later < 0, "slower": later > 0, "ties": later == 0}
    sums = dict.fromkeys(["n_seeds", *signs], "sum")
    counted = pairs.assign(epochs=later, n_seeds=1, **signs)
    variants = counted.groupby([key for key in RUN if key != "seed"], dropna=False)
    return variants.agg(sums | {"epochs": "mean"}).reset_index()

"""How fast a classifier gets where it goes: times to a level and the mean height of its curve.

"Faster" is fixed here before anything is measured. On a split, a run reaches a level of accuracy
at the first epoch whose accuracy is at least that level; epoch 0 (before training) counts. Tests
take the time at which the straight lines between epochs cross the level: whole epochs are so coarse
that all seeds may agree. A run's *own* level is 95 % of its own best accuracy, so that a run that
ends low may still be fast. The *common* level is 95 % of the smallest of the best accuracies of the
runs compared, so that all of them reach it. Runs are compared with those of the same dimension,
seed, labelled documents and classifier.

A level that is not reached in the E epochs trained leaves the time right-censored at E: all that is
known is that it is larger. Order is then known in all pairs but those in which both are censored,
which is what the sign test needs; means over seeds are restricted means, in which a censored time
counts as E + 1.

Training accuracies are running means while training, so that a level is met on them later than by
the weights at the end of that epoch.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from sgns_study.errors import StudyError
from sgns_study.evaluation.summary import mean_interval
from sgns_study.evaluation.tables import COLUMNS, RUN

COMPARED = ["documents", "classifier", "dim", "seed"]
SPLITS = ("validation", "train")
SHARE = 0.95  # of the best accuracy

Array = NDArray[np.float64]


class ConvergenceError(StudyError):
    """Curves from which no time can be read; the message names the run and what is wrong."""


def convergence(
    curves: pd.DataFrame,
    train_documents: int,
    batch: int,
    epoch_steps: int = 1,
    level: float | None = None,
) -> pd.DataFrame:
    """The measures of every run on validation and on training data, one row a measure.

    curves: init, recipe, radius, dim, seed, epoch, split, loss, accuracy, and for runs that are not
    plain also scale, documents, classifier; epochs 0..E, the same E for runs compared.
    train_documents: what a run without `documents` trains on; with `batch` documents a step, the
    last step of a pass taking what is left and as many passes an epoch as `epoch_steps` need, this
    gives the steps. level: a common level of
    accuracy in place of the one found from the runs.

    Columns: the run, split, measure, value, level, censored, epochs (E). Measures:
    `epochs_to_own`, `steps_to_own`, `epochs_to_common`, `steps_to_common`: empty if censored.
    `crossing`: of the common level, between epochs.
    `area`: of accuracy over epochs 0..E by trapezoids, divided by E: the curve's mean height.
    `area_above`: the same of what is missing to the run's own best, small if that is reached early.
    `epochs_to_loss`, `steps_to_loss`, of training only: times to the largest of the lowest losses
    of the runs compared, which all of them reach.

    Raises ConvergenceError if a curve lacks an epoch or an accuracy or has an epoch twice, or if
    runs compared were trained for different numbers of epochs.
    """
    table = with_defaults(curves)
    groups = table[table["split"].isin(SPLITS)].groupby(["split", *COMPARED], dropna=False)
    parts = [_of_group(group, train_documents, batch, epoch_steps, level) for _, group in groups]
    if not parts:
        return pd.DataFrame(columns=COLUMNS["convergence"])
    rows = pd.concat(parts, ignore_index=True)
    found = rows.sort_values([*RUN, "split", "measure"], ignore_index=True)
    return found[COLUMNS["convergence"]]


def with_defaults(curves: pd.DataFrame) -> pd.DataFrame:
    """The curves with `scale`, `documents`, `classifier` of plain runs where not given."""
    plain = {"scale": np.nan, "documents": pd.NA, "classifier": "conv1d"}
    table = curves.assign(**{key: value for key, value in plain.items() if key not in curves})
    return table.astype(
        {"recipe": object, "radius": "Int64", "scale": float, "documents": "Int64", "dim": "Int64"}
    )


def _of_group(
    group: pd.DataFrame, train_documents: int, batch: int, epoch_steps: int, level: float | None
) -> pd.DataFrame:
    """All measures of the runs compared on one split."""
    runs, accuracy, loss = _curves(group)
    documents = runs["documents"].iloc[0]
    a_pass = -(-(train_documents if pd.isna(documents) else int(documents)) // batch)
    steps = a_pass * -(-epoch_steps // a_pass)
    best, last = accuracy.max(axis=1), accuracy.shape[1] - 1
    common = SHARE * best.min() if level is None else level
    times = {"own": (accuracy, SHARE * best), "common": (accuracy, np.full(len(best), common))}
    if group["split"].iloc[0] == "train":
        # Falling losses are rising heights: a loss at most the level is a height at least it.
        worst = np.nanmax(np.fmin.reduce(loss, axis=1)) if np.isfinite(loss).any() else np.nan
        times["loss"] = (-loss, np.full(len(best), -worst))
    parts = []
    found = crossing(accuracy, np.full(len(best), common))
    shown = {"level": common, "censored": np.isnan(found)}
    parts.append(runs.assign(measure="crossing", value=found, **shown))
    for name, (heights, wanted) in times.items():
        found = first_epoch(heights, wanted)
        shown = {"level": np.abs(wanted), "censored": np.isnan(found)}
        parts.append(runs.assign(measure=f"epochs_to_{name}", value=found, **shown))
        parts.append(runs.assign(measure=f"steps_to_{name}", value=steps * found, **shown))
    heights = area(accuracy)
    none = {"level": np.nan, "censored": False}
    parts.append(runs.assign(measure="area", value=heights, **none))
    parts.append(runs.assign(measure="area_above", value=best - heights, **none | {"level": best}))
    return pd.concat(parts).assign(epochs=last)


def _curves(group: pd.DataFrame) -> tuple[pd.DataFrame, Array, Array]:
    """The n runs with their split, and their accuracies and losses by epoch, (n, E + 1)."""
    runs: list[pd.DataFrame] = []
    accuracies: list[Array] = []
    losses: list[Array] = []
    for _, run in group.sort_values("epoch").groupby(RUN, dropna=False):
        if run["epoch"].tolist() != list(range(len(run))):
            raise ConvergenceError(
                f"{_name(run)}: epochs are {_listed(run['epoch'])}; needed is every epoch from 0 "
                "on, once: train the run again"
            )
        if run["accuracy"].isna().any():
            missing = run.loc[run["accuracy"].isna(), "epoch"]
            raise ConvergenceError(
                f"{_name(run)}: no accuracy at epoch {_listed(missing)}; needed is one at every "
                "epoch: train the run again"
            )
        if len(run) < 2 or (accuracies and len(run) != len(accuracies[0])):
            expected = len(accuracies[0]) - 1 if accuracies else "1 or more"
            raise ConvergenceError(
                f"{_name(run)}: {len(run) - 1} epochs trained, expected {expected} as of the runs "
                "it is compared with: train them for the same number of epochs"
            )
        runs.append(run.iloc[[0]][[*RUN, "split"]])
        accuracies.append(run["accuracy"].to_numpy(float))
        losses.append(run["loss"].to_numpy(float))
    return pd.concat(runs, ignore_index=True), np.array(accuracies), np.array(losses)


def _name(run: pd.DataFrame) -> str:
    first = run.iloc[0]
    parts = [f"{key} {first[key]}" for key in RUN if not (pd.isna(first[key]) or first[key] == "")]
    return f"curve of {', '.join(parts)}, {first['split']}"


def _listed(epochs: pd.Series) -> str:
    return ", ".join(str(epoch) for epoch in epochs)


def first_epoch(heights: Array, wanted: Array) -> Array:
    """The first epoch, (n,), at which each of n curves (n, E + 1) is at least `wanted` (n,).

    NaN where it never is.
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


def area(heights: Array) -> Array:
    """Area under each of n curves (n, E + 1) by trapezoids, divided by E: the mean height, (n,)."""
    mean: Array = np.trapezoid(heights, axis=1) / (heights.shape[1] - 1)
    return mean


def restricted(times: ArrayLike, epochs: ArrayLike) -> Array:
    """Times in epochs with E + 1 (of `epochs`, E) for those that are censored, given as NaN."""
    found = np.asarray(times, float)
    return np.where(np.isnan(found), np.asarray(epochs, float) + 1, found)


class Signs(NamedTuple):
    """How many pairs have the first faster, slower, or neither, and the p of the sign test."""

    faster: int
    slower: int
    ties: int
    p: float


def sign_test(first: ArrayLike, second: ArrayLike) -> Signs:
    """The exact two-sided sign test of paired times, restricted; ties are left out of p.

    A time that was reached is below every censored one of its pair, and two censored ones tie: with
    both censored after the same E, nothing is assumed of what would have come later. With n pairs p
    is at least 2^(1 − n): five cannot give less than 0.0625. Without any but ties p is 1.
    """
    difference = np.asarray(first, float) - np.asarray(second, float)
    faster, slower = int((difference < 0).sum()), int((difference > 0).sum())
    untied = faster + slower
    p = float(stats.binomtest(faster, untied).pvalue) if untied else 1.0
    return Signs(faster, slower, len(difference) - untied, p)


def pairs(table: pd.DataFrame, measure: str, split: str, reference: str = "random") -> pd.DataFrame:
    """Each run's restricted time in epochs beside that of the plain run of init `reference`.

    table: as `convergence` gives; measure: one of `epochs_to_…`. One row a run that has a reference
    of its dimension, seed, documents and classifier; columns: the run, `time`, `reference`.
    """
    rows = table[(table["measure"] == measure) & (table["split"] == split)]
    rows = rows.assign(time=restricted(rows["value"], rows["epochs"]))
    other = rows[(rows["init"] == reference) & rows["scale"].isna()]
    other = other[[*COMPARED, "time"]].rename(columns={"time": "reference"})
    others = rows[~((rows["init"] == reference) & rows["scale"].isna())]
    return others.merge(other, on=COMPARED)[[*RUN, "time", "reference"]]


def against(
    table: pd.DataFrame, measure: str, split: str, reference: str = "random"
) -> pd.DataFrame:
    """One row a variant: its times in epochs against those of `reference`, paired by seed.

    Columns: the variant, `n_seeds`, `faster`, `slower`, `ties`, `p` (sign test) and `epochs`,
    `epochs_low`, `epochs_high`: the difference of restricted means with its 95 % t interval,
    negative where the variant is faster.
    """
    variant = [key for key in RUN if key != "seed"]
    rows = []
    for key, runs in pairs(table, measure, split, reference).groupby(variant, dropna=False):
        mean, _, low, high = mean_interval(runs["time"] - runs["reference"])
        signs = sign_test(runs["time"], runs["reference"])
        ends = {"epochs": mean, "epochs_low": low, "epochs_high": high}
        rows.append(dict(zip(variant, key)) | {"n_seeds": len(runs)} | signs._asdict() | ends)
    columns = [*variant, "n_seeds", *Signs._fields, "epochs", "epochs_low", "epochs_high"]
    return pd.DataFrame(rows, columns=columns)

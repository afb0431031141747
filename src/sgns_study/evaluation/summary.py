"""What the classifiers reached: every variant's accuracies over seeds, beside the lab's.

A variant is an initial embedding at one dimension: `init`, `recipe`, `radius`, `dim`, where recipe
and radius are empty for variants that are not made from trained vectors. Accuracies are fractions;
differences are in points (hundredths). Curves are tables as `evaluation.tables.read_tidy` gives.
"""

import numpy as np
import pandas as pd

from sgns_study.evaluation.vectors import estimate

VARIANT = ["init", "recipe", "radius", "dim"]
RUN = [*VARIANT, "seed"]
SPLITS = ("validation", "test")
ACCURACIES = [f"{split}_accuracy" for split in SPLITS]


def scores(curves: pd.DataFrame) -> pd.DataFrame:
    """One row a run: best validation accuracy, test accuracy and its epoch.

    The test accuracy is that of the selected epoch, the only one at which the test split is
    scored; it is missing for a run that has not scored it.
    """
    validation = curves[curves["split"] == "validation"].groupby(RUN, dropna=False)
    best = validation["accuracy"].max().rename("validation_accuracy").reset_index()
    test = curves.loc[curves["split"] == "test", [*RUN, "accuracy", "epoch"]]
    test = test.rename(columns={"accuracy": "test_accuracy", "epoch": "selected_epoch"})
    runs = best.merge(test, on=RUN, how="left")
    return runs.sort_values(["init", "recipe", "dim", "radius", "seed"], ignore_index=True)


def summarise(
    curves: pd.DataFrame,
    published: pd.DataFrame | None = None,
    tolerance: float = 0.015,
) -> pd.DataFrame:
    """One row a variant: mean, sd and 95 % t interval over seeds of both accuracies.

    With the lab's `published` curves, variants that the lab has too (of the recipe `lab`, or of
    none) get its best validation accuracy, our difference from it in points and `differs`, true for
    a difference of more than `tolerance` (a fraction).
    """
    rows = []
    for variant, runs in scores(curves).groupby(VARIANT, dropna=False, sort=False):
        row = dict(zip(VARIANT, variant)) | {"n_seeds": len(runs)}
        for split in SPLITS:
            found = estimate(runs[f"{split}_accuracy"])
            row |= {f"{split}_accuracy": found.mean, f"{split}_sd": found.sd}
            row |= {f"{split}_low": found.low, f"{split}_high": found.high}
        rows.append(row | {"selected_epoch": runs["selected_epoch"].mean()})
    summary = pd.DataFrame(rows).astype({"radius": "Int64"})
    if published is None:
        return summary
    shared = ["init", "radius", "dim"]
    of_lab = published.astype({"radius": "Int64"}).groupby(shared, dropna=False)
    best = (of_lab["validation_accuracy_pct"].max() / 100).rename("lab_validation_accuracy")
    summary = summary.merge(best.reset_index(), on=shared, how="left")
    summary.loc[~summary["recipe"].isin(["", "lab"]), best.name] = np.nan
    difference = summary["validation_accuracy"] - summary[best.name]
    summary["difference_points"] = 100 * difference
    # Rounded, so that a difference of just the tolerance is not flagged by its last binary digit.
    summary["differs"] = difference.abs().round(9) > tolerance
    return summary


def effects(curves: pd.DataFrame) -> pd.DataFrame:
    """One row a variant with trained vectors: its gain over `random`, paired by dim and seed.

    Columns: the variant, `n_seeds` that both have, and for `validation` (best) and `test` accuracy
    `<split>_points`, `<split>_points_low`, `<split>_points_high` (95 % t interval of the mean).
    """
    runs = scores(curves)
    random = runs.loc[runs["init"] == "random", ["dim", "seed", *ACCURACIES]]
    pairs = runs[runs["recipe"] != ""].merge(random, on=["dim", "seed"], suffixes=("", "_random"))
    points = [f"{split}_points{end}" for split in SPLITS for end in ("", "_low", "_high")]
    rows = []
    for variant, pair in pairs.groupby(VARIANT, sort=False):
        gains = [estimate(100 * (pair[key] - pair[f"{key}_random"])) for key in ACCURACIES]
        rows.append([*variant, len(pair), *(end for gain in gains for end in gain[:3])])
    return pd.DataFrame(rows, columns=[*VARIANT, "n_seeds", *points])


def headline(summary: pd.DataFrame) -> dict[str, float]:
    """The mean accuracies of every variant as one flat mapping, for `dvc metrics`."""
    numbers: dict[str, float] = {}
    for row in summary.to_dict("records"):
        radius = "" if pd.isna(row["radius"]) else f"r{row['radius']}"
        name = "_".join(filter(None, (row["init"], row["recipe"], radius, f"d{row['dim']}")))
        known = [key for key in ACCURACIES if not np.isnan(row[key])]
        numbers |= {f"{name}_{key}": float(row[key]) for key in known}
    return numbers

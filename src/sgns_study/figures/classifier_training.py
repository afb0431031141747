"""Training loss and accuracy of every classifier of the grid, epoch by epoch."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from sgns_study.evaluation.summary import VARIANT
from sgns_study.figures import plotting

ALT = "Training loss and accuracy by epoch of every classifier"


def draw(curves: pd.DataFrame) -> Figure:
    """Training loss over accuracy, a column a dimension, a curve an initial embedding."""
    return plotting.draw_classifiers(plotting.grid_curves(curves), "train", "training")


def caption(curves: pd.DataFrame) -> dict[str, Any]:
    """First and last training accuracies, and how far training runs ahead of validation."""
    curves = plotting.grid_curves(curves)
    trained = curves[curves["epoch"] > 0]
    means = trained.pivot_table(
        index=[*VARIANT, "epoch"], columns="split", values="accuracy", dropna=False
    )
    means = means.dropna(subset=["train", "validation"]).reset_index()
    first, last = (means[means["epoch"] == which(means["epoch"])] for which in (min, max))
    lead = last["train"] - last["validation"]
    several = curves.loc[curves["recipe"] != "", "recipe"].nunique() > 1
    return {
        "n_seeds": plotting.seeds_of(curves, VARIANT),
        "accuracies": {
            int(rows["epoch"].iloc[0]): rows.groupby("init")["train"].mean().to_dict()
            for rows in (first, last)
        },
        "lead": 100 * lead.max(),
        "widest": plotting.model_label(last.loc[lead.idxmax()], several),
    }

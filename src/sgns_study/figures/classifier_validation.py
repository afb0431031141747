"""Validation loss and accuracy of every classifier of the grid, epoch by epoch."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from sgns_study.evaluation.summary import VARIANT, summarise
from sgns_study.figures import plotting

ALT = "Validation loss and accuracy by epoch of every classifier"


def draw(curves: pd.DataFrame) -> Figure:
    """Validation loss over accuracy, a column a dimension, a curve an initial embedding."""
    return plotting.draw_classifiers(plotting.grid_curves(curves), "validation", "validation")


def caption(curves: pd.DataFrame) -> dict[str, Any]:
    """The best mean accuracy of each initial embedding, their distance, the epochs selected."""
    curves = plotting.grid_curves(curves)
    summary = summarise(curves)
    several = summary.loc[summary["recipe"] != "", "recipe"].nunique() > 1
    best = summary.loc[summary.groupby("init")["validation_accuracy"].idxmax()]
    best = best.sort_values("validation_accuracy", ascending=False)
    accuracies = best.set_index("init")["validation_accuracy"]
    gap = accuracies.get("pretrained", float("nan")) - accuracies.get("random", float("nan"))
    return {
        "n_seeds": plotting.seeds_of(curves, VARIANT),
        "best": {
            plotting.model_label(row, several): accuracies[row["init"]]
            for _, row in best.iterrows()
        },
        "gap": 100 * gap,
        "selected": summary.groupby("init")["selected_epoch"].mean().to_dict(),
    }

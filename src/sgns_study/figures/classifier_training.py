"""Training loss and accuracy of every classifier of the grid, epoch by epoch."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from sgns_study.evaluation.summary import RUN, VARIANT
from sgns_study.figures import plotting


def draw(curves: pd.DataFrame) -> Figure:
    """Training loss over accuracy, a column a dimension, a curve an initial embedding."""
    return plotting.draw_classifiers(plotting.grid_curves(curves), "train")


def caption(curves: pd.DataFrame) -> dict[str, Any]:
    """Mean training accuracies after the last epoch of each run, and their lead over validation."""
    curves = plotting.grid_curves(curves)
    last = (
        curves[curves["split"] != "test"]
        .sort_values("epoch")
        .groupby([*RUN, "split"], dropna=False)
    )
    means = last.tail(1).pivot_table("accuracy", "init", "split")
    return {
        "n_seeds": plotting.seeds_of(curves, VARIANT),
        "stopped": plotting.stopped(curves),
        "accuracies": means["train"].to_dict(),
        "leads": (100 * (means["train"] - means["validation"])).to_dict(),
    }

"""Validation loss and accuracy of every classifier of the grid, epoch by epoch."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from sgns_study.evaluation.summary import VARIANT, summarise
from sgns_study.figures import plotting


def draw(curves: pd.DataFrame) -> Figure:
    """Validation loss over accuracy, a column a dimension, a curve an initial embedding."""
    return plotting.draw_classifiers(plotting.grid_curves(curves), "validation")


def caption(curves: pd.DataFrame) -> dict[str, Any]:
    """The best mean accuracy of each initial embedding, and their distance in points."""
    curves = plotting.grid_curves(curves)
    summary = summarise(curves)
    summary["name"] = plotting.model_labels(summary)
    ranked = summary.sort_values("validation_accuracy", ascending=False, kind="stable")
    best = ranked.drop_duplicates("init")
    found = best.set_index("init")["validation_accuracy"].reindex(["pretrained", "random"])
    return {
        "n_seeds": plotting.seeds_of(curves, VARIANT),
        "stopped": plotting.stopped(curves),
        "best": dict(zip(best["name"], best["validation_accuracy"])),
        "gap": 100 * (found["pretrained"] - found["random"]),
    }

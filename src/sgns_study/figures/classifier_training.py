"""Training loss and accuracy of every classifier of the grid, epoch by epoch."""

import pandas as pd
from matplotlib.figure import Figure

from sgns_study.evaluation.summary import VARIANT
from sgns_study.figures.curves import draw_classifiers, of_grid, over_seeds, seeds_note
from sgns_study.figures.style import model_label
from sgns_study.figures.wording import listed, percent, signed

ALT = "Training loss and accuracy by epoch of every classifier"


def draw(curves: pd.DataFrame) -> Figure:
    """Training loss over accuracy, a column a dimension, a curve an initial embedding."""
    return draw_classifiers(of_grid(curves), "train")


def caption(curves: pd.DataFrame) -> str:
    """First and last training accuracies, and how far training runs ahead of validation."""
    curves = of_grid(curves)
    means = over_seeds(curves, "accuracy", [*VARIANT, "epoch", "split"])
    wide = means.pivot_table(
        index=[*VARIANT, "epoch"], columns="split", values="mean", dropna=False
    )
    wide = wide.dropna(subset=["train", "validation"]).reset_index()
    trained = wide[wide["epoch"] > 0]
    first, last = (trained[trained["epoch"] == which(trained["epoch"])] for which in (min, max))
    several = curves.loc[curves["recipe"] != "", "recipe"].nunique() > 1
    lead = last.assign(lead=last["train"] - last["validation"])
    widest = lead.loc[lead["lead"].idxmax()]
    return (
        f"Training curves of the classifiers. {seeds_note(curves)} "
        f"Mean training accuracy is {_by_init(first)} after epoch {_epoch(first)} and "
        f"{_by_init(last)} after epoch {_epoch(last)}. Its lead over validation accuracy is then "
        f"largest for {model_label(widest, several)}: {signed(widest['lead'])} points."
    )


def _epoch(rows: pd.DataFrame) -> int:
    return int(rows["epoch"].iloc[0])


def _by_init(rows: pd.DataFrame) -> str:
    """The mean over all variants of each initial embedding."""
    accuracy = rows.groupby("init")["train"].mean() / 100
    return listed(f"{percent(value)} ({init})" for init, value in accuracy.items())

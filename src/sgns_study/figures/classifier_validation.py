"""Validation loss and accuracy of every classifier of the grid, epoch by epoch."""

import pandas as pd
from matplotlib.figure import Figure

from sgns_study.evaluation.summary import summarise
from sgns_study.figures.curves import chance, draw_classifiers, of_grid, seeds_note
from sgns_study.figures.style import model_label
from sgns_study.figures.wording import listed, number, percent, signed, span

ALT = "Validation loss and accuracy by epoch of every classifier"


def draw(curves: pd.DataFrame) -> Figure:
    """Validation loss over accuracy, a column a dimension, a curve an initial embedding."""
    return draw_classifiers(of_grid(curves), "validation")


def caption(curves: pd.DataFrame) -> str:
    """The best mean accuracy of each initial embedding, their distance, the epochs selected."""
    curves = of_grid(curves)
    summary = summarise(curves)
    several = summary.loc[summary["recipe"] != "", "recipe"].nunique() > 1
    best = summary.loc[summary.groupby("init")["validation_accuracy"].idxmax()]
    best = best.sort_values("validation_accuracy", ascending=False)
    reached = listed(
        f"{percent(row['validation_accuracy'])} ({model_label(row, several)})"
        for row in best.to_dict("records")
    )
    text = (
        f"Validation curves of the classifiers. {seeds_note(curves)} "
        f"{_before(curves)}Best validation accuracy, the mean over seeds of the best variant of "
        f"each initial embedding: {reached}."
    )
    means = dict(zip(best["init"], best["validation_accuracy"]))
    if {"pretrained", "random"} <= set(means):
        gap = signed(100 * (means["pretrained"] - means["random"]))
        text += f" Pretrained minus random: {gap} points."
    return f"{text}{_selected(summary)}"


def _before(curves: pd.DataFrame) -> str:
    start = chance(curves, "validation")
    if not start:
        return ""
    return f"Epoch 0, before training, is not drawn: its accuracy is {span(start, percent)}. "


def _selected(summary: pd.DataFrame) -> str:
    """The mean epoch selected for each initial embedding, all its variants together."""
    epochs = summary.groupby("init")["selected_epoch"].mean().dropna()
    if epochs.empty:
        return ""
    listing = listed(f"{number(epoch, 1)} ({init})" for init, epoch in epochs.items())
    return f" The epoch selected is on average {listing}."

"""Learning curves of the word vectors: SGNS loss and accuracy of every base recipe."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from sgns_study.evaluation.recipes import of_bases, on_grid
from sgns_study.figures.curves import (
    METRICS,
    draw_band,
    epochs_below,
    grid_of,
    logarithmic,
    over_seeds,
    paired_panels,
    seeds_note,
    title,
)
from sgns_study.figures.style import BLACK, legend, model_label, nth_look
from sgns_study.figures.wording import counted, listed, number, percent

ALT = "SGNS training and validation loss and accuracy by epoch, for every radius and dimension"
MODEL = ["recipe", "radius", "dim"]
SPLITS: dict[str, Any] = {"train": "--", "validation": "-"}
LABELS = {"loss": "SGNS loss\n(nats per centre)", "accuracy": "accuracy (%)"}
OWN_LOSS = (
    "The training loss of {} is the mean of a pair in the recipe’s own objective, with its K "
    "negatives; the validation loss is that of one fixed task for all recipes, so the two do not "
    "lie on one scale."
)


def draw(recipes: pd.DataFrame, curves: pd.DataFrame) -> Figure:
    """Loss over accuracy, a panel a recipe and dimension, a colour a radius."""
    curves = on_grid(of_bases(curves, recipes))
    names = list(curves["recipe"].unique())
    dims, radii = (sorted(curves[key].unique()) for key in ("dim", "radius"))
    looks = {radius: nth_look(i, f"R = {radius}") for i, radius in enumerate(radii)}
    grid = grid_of(names, dims)
    figure, axes = paired_panels(grid)
    for i, row in enumerate(grid):
        for j, (recipe, dim) in enumerate(row):
            here = curves[(curves["recipe"] == recipe) & (curves["dim"] == dim)]
            for axis, metric in zip(axes[2 * i : 2 * i + 2, j], METRICS):
                for radius, look in looks.items():
                    for split, line in SPLITS.items():
                        series = here[(here["radius"] == radius) & (here["split"] == split)]
                        marker = look.marker if split == "validation" else ""
                        draw_band(axis, series, metric, look, linestyle=line, marker=marker)
                axis.set_ylabel(LABELS[metric] if j == 0 else "")
            axes[2 * i, j].set_title(title(recipe, dim, len(names) > 1))
            epochs_below(axes[2 * i + 1, j], lowest=j >= len([*grid, []][i + 1]))
    if _wide(curves):
        for axis in axes[::2].flat:
            logarithmic(axis)
    colours = [
        Line2D([], [], color=look.colour, marker=look.marker, label=look.label)
        for look in looks.values()
    ]
    splits = [
        Line2D([], [], color=BLACK, linestyle=line, label=label)
        for label, line in zip((_train_label(recipes, curves), "validation"), SPLITS.values())
    ]
    legend(figure, colours + splits)
    return figure


def _word2vec(recipes: pd.DataFrame, curves: pd.DataFrame) -> list[str]:
    """The word2vec recipes among those drawn: their training loss is not the validation's."""
    kinds = dict(zip(recipes["recipe"], recipes["kind"]))
    return [name for name in curves["recipe"].unique() if kinds[name] == "word2vec"]


def _train_label(recipes: pd.DataFrame, curves: pd.DataFrame) -> str:
    return "train (word2vec: own loss)" if _word2vec(recipes, curves) else "train"


def caption(recipes: pd.DataFrame, curves: pd.DataFrame) -> str:
    """Where validation loss ends, whether it has risen from its lowest, and the accuracies."""
    drawn = on_grid(of_bases(curves, recipes))
    own = _word2vec(recipes, drawn)
    left_out = curves["recipe"].nunique() - drawn["recipe"].nunique()
    curves = drawn
    validation = curves[curves["split"] == "validation"]
    several = validation["recipe"].nunique() > 1
    loss = over_seeds(validation, "loss", [*MODEL, "epoch"])
    models = [model for _, model in loss.groupby(MODEL)]
    last = pd.DataFrame([model.loc[model["epoch"].idxmax()] for model in models])
    best, worst = (last.loc[last["mean"].agg(which)] for which in ("idxmin", "idxmax"))
    text = (
        "Learning curves of the word vectors. "
        + (f"Left out: {counted(left_out, 'recipe')} one setting away. " if left_out else "")
        + ("The loss axis is logarithmic. " if _wide(curves) else "")
        + seeds_note(curves, MODEL)
        + (f" {OWN_LOSS.format(listed(own))}" if own else "")
        + f" After the last epoch ({_epochs(last)}) mean validation loss is lowest for "
        f"{model_label(best, several)} ({number(best['mean'], 3)})"
    )
    if len(models) > 1:
        text += f" and highest for {model_label(worst, several)} ({number(worst['mean'], 3)})"
    return f"{text}; {_accuracy(validation)}. {_overfitting(models, several)}"


def _wide(curves: pd.DataFrame) -> bool:
    loss = curves["loss"].dropna()
    return bool(loss.min() > 0 and loss.max() > 8 * loss.min())


def _epochs(last: pd.DataFrame) -> str:
    return listed(sorted(last["epoch"].unique()))


def _accuracy(validation: pd.DataFrame) -> str:
    accuracy = over_seeds(validation, "accuracy", [*MODEL, "epoch"])
    last = accuracy.loc[accuracy.groupby(MODEL)["epoch"].idxmax(), "mean"] / 100
    low, high = percent(last.min()), percent(last.max())
    return (
        f"validation accuracy is {low}"
        if low == high
        else (f"validation accuracy lies between {low} and {high}")
    )


def _overfitting(models: list[pd.DataFrame], several: bool) -> str:
    """Which models end above their lowest mean validation loss, and by how much at most."""
    rises = []
    for model in models:
        lowest, end = model.loc[model["mean"].idxmin()], model.loc[model["epoch"].idxmax()]
        if end["epoch"] > lowest["epoch"]:
            rises.append((end["mean"] - lowest["mean"], lowest))
    if not rises:
        which = "the one model" if len(models) == 1 else f"all {len(models)} models"
        return f"Mean validation loss is lowest at the last epoch for {which}: no overfitting yet."
    rise, lowest = max(rises, key=lambda found: found[0])
    return (
        f"{len(rises)} of {counted(len(models), 'model')} had a lower mean validation "
        f"loss at an earlier epoch; the largest rise since is {number(rise, 3)}, "
        f"of {model_label(lowest, several)} from epoch {int(lowest['epoch'])} on."
    )

"""Learning curves of the word vectors: SGNS loss and accuracy of every base recipe."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from sgns_study.evaluation.recipes import of_bases, on_grid
from sgns_study.figures import plotting

LABELS = ("SGNS loss\n(nats)", "accuracy (%)")
TRAIN, VALIDATION = {"marker": "", "linestyle": "--"}, {"linestyle": "-"}
MODEL = ["recipe", "radius", "dim"]


def draw(recipes: pd.DataFrame, curves: pd.DataFrame) -> Figure:
    """Loss over accuracy, a panel a recipe and dimension, a colour a radius."""
    curves = on_grid(of_bases(curves, recipes))
    radii = sorted(curves["radius"].unique())
    colours = [plotting.nth_look(i, f"R = {radius}") for i, radius in enumerate(radii)]
    looks = {}
    for radius, look in zip(radii, colours):
        looks[f"train {radius}"] = look | TRAIN
        looks[f"validation {radius}"] = look | VALIDATION
    table = curves.assign(series=curves["split"] + " " + curves["radius"].astype(str))
    figure, axes = plotting.draw_curves(table, looks, LABELS)
    loss = curves["loss"].dropna()
    if loss.min() > 0 and loss.max() > 8 * loss.min():
        for axis in axes[::2].flat:
            axis.set_yscale("log")
            axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axis.yaxis.set_major_formatter("{x:g}")
            axis.yaxis.set_minor_locator(NullLocator())
    own = " (word2vec: own loss)" if own_losses(recipes, curves) else ""
    train = plotting.look(f"train{own}", plotting.BLACK) | TRAIN
    validation = plotting.look("validation", plotting.BLACK) | VALIDATION
    plotting.legend(figure, [*(look | VALIDATION for look in colours), train, validation])
    return figure


def own_losses(recipes: pd.DataFrame, curves: pd.DataFrame) -> list[str]:
    """The word2vec recipes among those drawn: their training loss is not the validation's."""
    kinds = dict(zip(recipes["recipe"], recipes["kind"]))
    return [name for name in curves["recipe"].unique() if kinds[name] == "word2vec"]


def caption(recipes: pd.DataFrame, curves: pd.DataFrame) -> dict[str, Any]:
    """By how much mean validation loss has risen from its lowest."""
    drawn = on_grid(of_bases(curves, recipes))
    validation = drawn[drawn["split"] == "validation"]
    losses = validation.groupby([*MODEL, "epoch"])["loss"].mean().dropna().groupby(MODEL)
    models = plotting.model_labels(losses.last().reset_index())
    rises = (losses.last() - losses.min()).set_axis(models)
    return {
        "left_out": curves["recipe"].nunique() - drawn["recipe"].nunique(),
        "n_seeds": plotting.seeds_of(drawn, MODEL),
        "own_losses": own_losses(recipes, drawn),
        "n_models": len(models),
        "n_rising": (rises > 0).sum(),
        "rise": (rises.idxmax(), rises.max()),
    }

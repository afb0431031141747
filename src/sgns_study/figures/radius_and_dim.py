"""What the radius does at a fixed dimension, and the dimension at a fixed radius."""

from itertools import product
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sgns_study.evaluation.summary import VARIANT, scores
from sgns_study.evaluation.vectors import estimate
from sgns_study.figures import plotting

LABELS = {"radius": "context radius R (tokens)", "dim": "dimension d of the vectors"}
SPLITS = {"validation_accuracy": "validation\n(%)", "test_accuracy": "test\n(%)"}
RANDOM = plotting.nth_black_look(0, "random")
AT_EACH_DIM = plotting.look("random, at each d", plotting.BLACK, "", ":")


def draw(curves: pd.DataFrame) -> Figure:
    """Validation over test accuracy; left against the radius, right against the dimension."""
    runs = scores(plotting.grid_curves(curves))
    trained, random = runs[runs["init"] == "pretrained"], runs[runs["init"] == "random"]
    recipes = sorted(trained["recipe"].unique()) or [""]
    radii, dims = (sorted(runs[key].dropna().unique()) for key in LABELS)
    of_radius = [plotting.nth_look(i, f"R = {radius}") for i, radius in enumerate(radii)]
    of_dim = [plotting.nth_look(5 - i, f"d = {dim}") for i, dim in enumerate(dims)]
    figure, axes = plotting.panels(2 * len(recipes), 2)
    for (left, right), (recipe, column) in zip(axes, product(recipes, SPLITS)):
        own = trained[trained["recipe"] == recipe]
        for i, (dim, look) in enumerate(zip(dims, of_dim)):
            places = plotting.side_by_side(radii, i, len(dims))
            draw_factor(left, own[own["dim"] == dim].groupby("radius")[column], places, look)
            mean = 100 * random.loc[random["dim"] == dim, column].mean()
            left.plot([-0.45, max(len(radii), 1) - 0.55], [mean, mean], **look | {"linestyle": ":"})
        for i, (radius, look) in enumerate(zip([*radii, None], [*of_radius, RANDOM])):
            here = random if radius is None else own[own["radius"] == radius]
            places = plotting.side_by_side(dims, i, len(radii))
            draw_factor(right, here.groupby("dim")[column], places, look)
        left.set_ylabel(SPLITS[column])
        if len(recipes) > 1:
            left.set_title(recipe, loc="left")
    for axis, name, values in zip(axes[-1], LABELS.values(), (radii, dims)):
        axis.set_xticks(range(len(values)), values)
        axis.set(xlim=(-0.5, max(len(values), 1) - 0.5), xlabel=name)
    for axis in axes.flat:
        axis.grid(False, axis="x")
    plotting.legend(figure, [*of_dim, *of_radius, *[AT_EACH_DIM, RANDOM] * (len(random) > 0)])
    return figure


def draw_factor(axis: Axes, accuracies: Any, places: dict[int, float], look: plotting.Look) -> None:
    """Mean and interval of accuracies grouped by a factor, with small points for the seeds."""
    found = {}
    for value, group in accuracies:
        at, percents = places[value], 100 * group.dropna()
        found[at] = estimate(percents)
        if len(percents) > 1:
            beside = [at + 0.04] * len(percents)
            axis.plot(beside, percents, ".", color=look["color"], markersize=2.5)
    plotting.draw_series(axis, found, look)


def caption(curves: pd.DataFrame) -> dict[str, Any]:
    """The numbers of seeds; the claims on radius and dimension have the differences."""
    return {"n_seeds": plotting.seeds_of(scores(plotting.grid_curves(curves)), VARIANT)}

"""What the radius does at a fixed dimension, and the dimension at a fixed radius."""

from itertools import product
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from sgns_study.evaluation.summary import ACCURACIES, VARIANT, scores
from sgns_study.evaluation.vectors import estimate
from sgns_study.figures.plotting import (
    BLACK,
    Look,
    draw_series,
    grid_curves,
    label,
    legend,
    nth_black_look,
    nth_look,
    panels,
    seeds_of,
    side_by_side,
)

ALT = "Best validation and test accuracy against the radius and against the dimension"
LABELS = {"radius": "context radius R (tokens)", "dim": "dimension d of the vectors"}
SPLITS = {
    "validation_accuracy": "best validation\naccuracy (%)",
    "test_accuracy": "test\naccuracy (%)",
}
NAMES = {"radius": ("radius", "R"), "dim": ("dimension", "d")}
RANDOM = nth_black_look(0, "random")
AT_EACH_DIM = Line2D([], [], color=BLACK, linestyle=":", label="random, at each d")


def draw(curves: pd.DataFrame) -> Figure:
    """Validation over test accuracy; left against the radius, right against the dimension."""
    runs = scores(grid_curves(curves))
    trained, random = runs[runs["init"] == "pretrained"], runs[runs["init"] == "random"]
    recipes = sorted(trained["recipe"].unique()) or [""]
    values = {key: sorted(runs[key].dropna().unique()) for key in LABELS}
    looks = {
        "radius": [nth_look(i, f"R = {radius}") for i, radius in enumerate(values["radius"])],
        "dim": [nth_look(5 - i, f"d = {dim}") for i, dim in enumerate(values["dim"])],
    }
    figure, axes = panels(2 * len(recipes), 2)
    for across, (recipe, column) in zip(axes, product(recipes, SPLITS)):
        of_recipe = trained[trained["recipe"] == recipe]
        for axis, factor, by in zip(across, LABELS, reversed(LABELS)):
            for i, (value, look) in enumerate(zip(values[by], looks[by])):
                places = side_by_side(values[factor], i, len(looks[by]))
                draw_factor(axis, of_recipe[of_recipe[by] == value], factor, column, places, look)
        draw_random(*across, random, column, values, looks["dim"])
        across[0].set_ylabel(SPLITS[column])
        if len(recipes) > 1:
            across[0].set_title(recipe, loc="left")
    for axis, factor in zip(axes[-1], LABELS):
        axis.set_xticks(range(len(values[factor])), values[factor])
        axis.set_xlim(-0.5, max(len(values[factor]), 1) - 0.5)
        axis.set_xlabel(LABELS[factor])
    for axis in axes.flat:
        axis.grid(False, axis="x")
    of_random = [AT_EACH_DIM, RANDOM] if len(random) else []
    legend(figure, [*looks["dim"], *looks["radius"], *of_random])
    return figure


def draw_factor(
    axis: Axes,
    runs: pd.DataFrame,
    factor: str,
    column: str,
    places: dict[int, float],
    look: Look,
) -> None:
    """Mean accuracy and interval at each value of a factor, with small points for the seeds."""
    found = {}
    for value, group in runs.dropna(subset=[column]).groupby(factor):
        accuracy, at = 100 * group[column], places[value]
        found[at] = estimate(accuracy)
        if len(group) > 1:
            beside = [at + 0.04] * len(group)
            axis.plot(beside, accuracy, ".", color=look.colour, markersize=2.5)
    draw_series(axis, found, look)


def draw_random(
    left: Axes,
    right: Axes,
    random: pd.DataFrame,
    column: str,
    values: dict[str, list[int]],
    looks: list[Look],
) -> None:
    """The random start: left a line at its mean for each dimension, right a series."""
    n = len(values["radius"])
    for dim, look in zip(values["dim"], looks):
        mean = 100 * random.loc[random["dim"] == dim, column].mean()
        ends = [-0.45, max(n, 1) - 0.55]
        left.plot(ends, [mean, mean], ":", color=look.colour, marker=look.marker)
    draw_factor(right, random, "dim", column, side_by_side(values["dim"], n, n), RANDOM)


def caption(curves: pd.DataFrame) -> dict[str, Any]:
    """The change of mean accuracy from smallest to largest radius and dimension."""
    runs = scores(grid_curves(curves))
    trained = runs[runs["init"] == "pretrained"]
    factors = []
    for factor, (name, symbol) in NAMES.items():
        values = sorted(trained[factor].unique())
        if values:
            found = changes(trained, factor, values[0], values[-1])
            factors.append((name, symbol, values[0], values[-1], found))
    return {"n_seeds": seeds_of(runs, VARIANT), "factors": factors}


def changes(
    trained: pd.DataFrame, factor: str, first: int, last: int
) -> dict[str, tuple[float, float]]:
    """Validation and test accuracy at the last minus the first value of a factor, in points.

    By recipe and the value of the other factor, for those that have both values.
    """
    by = "dim" if factor == "radius" else "radius"
    shown = [by, *["recipe"] * (trained["recipe"].nunique() > 1)]
    found = {}
    for (recipe, fixed), runs in trained.groupby(["recipe", by]):
        means = 100 * runs.groupby(factor)[ACCURACIES].mean()
        if {first, last} <= set(means.index):
            found[label({"recipe": recipe, by: fixed}, shown)] = tuple(
                means.loc[last] - means.loc[first]
            )
    return found

"""What the radius does at a fixed dimension, and the dimension at a fixed radius."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import ScaledTranslation

from sgns_study.evaluation.summary import mean_interval, scores
from sgns_study.figures.curves import of_grid
from sgns_study.figures.style import BLACK, COLOURS, Look, nth_look, panels
from sgns_study.figures.wording import listed, seeds_range, signed, span

ALT = "Best validation and test accuracy against the radius and against the dimension"
SPLITS = ("validation", "test")
LABELS = {"radius": "context radius R (tokens)", "dim": "dimension d of the vectors"}


def draw(curves: pd.DataFrame) -> Figure:
    """Validation over test accuracy; left against the radius, right against the dimension."""
    runs = scores(of_grid(curves))
    trained, random = runs[runs["init"] == "pretrained"], runs[runs["init"] == "random"]
    recipes = sorted(trained["recipe"].unique()) or [""]
    figure, axes = panels(2 * len(recipes), 2)
    looks = _looks(runs)
    for row, (recipe, split) in enumerate((r, s) for r in recipes for s in SPLITS):
        of_recipe = trained[trained["recipe"] == recipe]
        for axis, x, by in zip(axes[row], ("radius", "dim"), ("dim", "radius")):
            places = _places(trained if x == "radius" else runs, x)
            column = f"{split}_accuracy"
            for k, (value, look) in enumerate(looks[by].items()):
                shift = 0.12 * (k - (len(looks[by]) - 1) / 2)
                here = of_recipe[of_recipe[by] == value]
                _series(axis, here, x, column, places, shift, look)
            if x == "dim":
                _series(axis, random, x, column, places, 0.12 * (len(looks[by]) + 1) / 2, RANDOM)
            else:
                _reference(axis, random, column, looks["dim"], max(len(places), 1) - 0.55)
            axis.set_xticks(list(places.values()), [str(value) for value in places])
            axis.set_xlim(-0.5, max(len(places), 1) - 0.5)
            axis.grid(False, axis="x")
        axes[row, 0].set_ylabel(f"{'best ' * (split == SPLITS[0])}{split}\naccuracy (%)")
        if len(recipes) > 1:
            axes[row, 0].set_title(recipe, loc="left")
    for axis, x, by in zip(axes[-1], LABELS, ("dim", "radius")):
        axis.set_xlabel(LABELS[x])
        _legend(figure, axis, list(looks[by].values()), x, bool(len(random)))
    return figure


def _legend(figure: Figure, axis: Axes, looks: list[Look], x: str, with_random: bool) -> None:
    """The legend of a column, below its last panel."""
    below = ScaledTranslation(0, -0.36, figure.dpi_scale_trans)  # inches: the height may vary
    handles = [look.handle() for look in looks]
    if with_random and x == "dim":
        handles.append(RANDOM.handle())
    elif with_random:
        handles.append(Line2D([], [], color=BLACK, linestyle=":", label="random, at each d"))
    axis.legend(
        handles=handles,
        loc="upper center",
        bbox_to_anchor=(0.5, 0),
        bbox_transform=axis.transAxes + below,
        ncols=3 if x == "radius" else 4,
        columnspacing=1.2,
        frameon=False,
    )


RANDOM = Look("random", BLACK, "x", ":")


def _looks(runs: pd.DataFrame) -> dict[str, dict[int, Look]]:
    """Looks of dimensions (series on the left) and of radii (series on the right)."""
    dims, radii = (sorted(runs[key].dropna().unique()) for key in ("dim", "radius"))
    return {
        "dim": {dim: nth_look(len(COLOURS) - 1 - i, f"d = {dim}") for i, dim in enumerate(dims)},
        "radius": {radius: nth_look(i, f"R = {radius}") for i, radius in enumerate(radii)},
    }


def _places(runs: pd.DataFrame, x: str) -> dict[int, int]:
    """Values of a factor at equal distances."""
    return {value: i for i, value in enumerate(sorted(runs[x].dropna().unique()))}


def _series(
    axis: Axes,
    runs: pd.DataFrame,
    x: str,
    column: str,
    places: dict[int, int],
    shift: float,
    look: Look,
) -> None:
    """Small points for seeds; marker and bar for the mean and its 95 % interval; means joined."""
    means: list[tuple[float, float]] = []
    for value, group in runs.dropna(subset=[column]).groupby(x):
        at = places[int(value)] + shift
        accuracy = 100 * group[column]
        mean, _, low, high = mean_interval(accuracy)
        if not np.isnan(low):
            beside = np.full(len(group), at + 0.04)
            axis.plot(beside, accuracy, ".", color=look.colour, markersize=2.5)
            axis.plot([at, at], [low, high], color=look.colour, linewidth=0.9)
        means.append((at, mean))
    drawn: dict[str, Any] = {"color": look.colour, "marker": look.marker, "markersize": 4.5}
    axis.plot(*(np.array(means).reshape(-1, 2).T), linestyle=look.line, linewidth=0.8, **drawn)


def _reference(
    axis: Axes, random: pd.DataFrame, column: str, looks: dict[int, Look], right: float
) -> None:
    """The mean of the random start at each dimension: a dotted line with its marker at the ends."""
    for dim, group in random.dropna(subset=[column]).groupby("dim"):
        mean, look = 100 * group[column].mean(), looks[int(dim)]
        axis.plot([-0.45, right], [mean, mean], ":", color=look.colour, marker=look.marker)


def caption(curves: pd.DataFrame) -> str:
    """The change of mean accuracy from smallest to largest radius and dimension."""
    runs = scores(of_grid(curves))
    trained = runs[runs["init"] == "pretrained"]
    n_seeds = runs.groupby(["init", "recipe", "radius", "dim"], dropna=False).size()
    spread = (
        "Small points: seeds; markers: their mean; bars: its 95 % t interval"
        if n_seeds.max() > 1
        else "Markers: the one seed, so no interval can be given"
    )
    text = (
        "Effect of the radius at each dimension (left) and of the dimension at each radius "
        f"(right) on the accuracy of classifiers that start from trained vectors, with the random "
        f"start for comparison. {spread} ({seeds_range(n_seeds)})."
    )
    if trained.empty:
        return f"{text} No classifier that starts from trained vectors is in the table."
    for x, by in (("radius", "dim"), ("dim", "radius")):
        text += f" {_changes(trained, x, by)}"
    return text


SYMBOLS = {"radius": "R", "dim": "d"}
NAMES = {"radius": "radius", "dim": "dimension"}
MOST_LISTED = 6  # changes written out one by one; of more, the range


def _changes(trained: pd.DataFrame, x: str, by: str) -> str:
    """Changes in points of both accuracies, for each value of the other factor."""
    values = sorted(trained[x].unique())
    if len(values) < 2:
        return f"There is one {NAMES[x]} only ({SYMBOLS[x]} = {values[0]}): its effect is not seen."
    found = _differences(trained, x, by, values[0], values[-1])
    start = f"From {SYMBOLS[x]} = {values[0]} to {values[-1]}, mean"
    if not found:
        return f"No model has both {SYMBOLS[x]} = {values[0]} and {values[-1]} yet."
    if len(found) > MOST_LISTED:
        validation, test = (span([change[i] for _, change in found], signed) for i in (0, 1))
        return (
            f"{start} validation accuracy changes by {validation} points and test accuracy by "
            f"{test} points ({len(found)} comparisons)."
        )
    changes = [f"{signed(change[0])} / {signed(change[1])} ({name})" for name, change in found]
    return f"{start} validation / test accuracy changes by {listed(changes)} points."


def _differences(
    trained: pd.DataFrame, x: str, by: str, first: int, last: int
) -> list[tuple[str, tuple[float, float]]]:
    """For each recipe and value of `by`: validation and test accuracy at last minus first `x`."""
    several = trained["recipe"].nunique() > 1
    found = []
    for (recipe, fixed), runs in trained.groupby(["recipe", by]):
        means = 100 * runs.groupby(x)[["validation_accuracy", "test_accuracy"]].mean()
        if {first, last} <= set(means.index):
            change = means.loc[last] - means.loc[first]
            name = f"{recipe}, " * several + f"{SYMBOLS[by]} = {fixed}"
            found.append((name, (float(change.iloc[0]), float(change.iloc[1]))))
    return found

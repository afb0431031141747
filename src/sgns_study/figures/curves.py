"""Learning curves: means and ranges over seeds, and what the captions say of them."""

from collections.abc import Sequence
from itertools import product
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from sgns_study.evaluation.recipes import on_grid
from sgns_study.evaluation.summary import RUN, VARIANT
from sgns_study.figures.style import Look, legend, panels, series_looks
from sgns_study.figures.wording import seeds_range

METRICS = ("loss", "accuracy")


def over_seeds(table: pd.DataFrame, metric: str, by: list[str]) -> pd.DataFrame:
    """Columns of `by`, then mean, min, max over seeds and n of a metric; accuracy in percent."""
    values = table.assign(**{metric: table[metric] * (100 if metric == "accuracy" else 1)})
    grouped = values.dropna(subset=[metric]).groupby(by, dropna=False)[metric]
    return grouped.agg(["mean", "min", "max", "size"]).reset_index().rename(columns={"size": "n"})


def draw_band(axis: Axes, table: pd.DataFrame, metric: str, look: Look, **line: Any) -> None:
    """The mean over seeds of a metric at every epoch, with a band from smallest to largest."""
    curve = over_seeds(table, metric, ["epoch"])
    every = max(1, len(curve) // 7)
    drawn = {"color": look.colour, "marker": look.marker, "linestyle": look.line} | line
    axis.plot(curve["epoch"], curve["mean"], markevery=every, **drawn)
    if (curve["n"] > 1).any():
        axis.fill_between(
            curve["epoch"], curve["min"], curve["max"], color=look.colour, alpha=0.2, linewidth=0
        )


def epochs_below(axis: Axes, lowest: bool) -> None:
    """Ticks at whole epochs only; named where no panel stands below."""
    if lowest:
        axis.set_xlabel("epoch")
        axis.tick_params(labelbottom=True)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))


def logarithmic(axis: Axes) -> None:
    """A logarithmic axis with plain numbers at 1, 2, 5 of every decade."""
    axis.set_yscale("log")
    axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.yaxis.set_minor_locator(NullLocator())


def title(recipe: str, dim: int, several_recipes: bool) -> str:
    """The title of the panel of a recipe and a dimension."""
    return f"{recipe}\nd = {dim}" if several_recipes else f"d = {dim}"


ACROSS = 3  # recipes beside each other, where there is one dimension


def of_grid(curves: pd.DataFrame) -> pd.DataFrame:
    """The classifiers of the grid: pretrained and random starts, without those of experiments."""
    return on_grid(curves[curves["init"].isin(["pretrained", "random"])])


def grid_of(recipes: Sequence[str], dims: Sequence[int]) -> list[list[tuple[str, int]]]:
    """Recipe and dimension of each panel, row by row: a column a dimension, a row a recipe.

    With one dimension recipes stand beside each other.
    """
    cells = list(product(recipes, dims))
    columns = len(dims) if len(dims) > 1 else min(len(recipes), ACROSS)
    return [cells[start : start + columns] for start in range(0, len(cells), columns)]


def paired_panels(grid: Sequence[Sequence[tuple[str, int]]]) -> tuple[Figure, Any]:
    """A figure of two panels below each other for each cell; places without a cell stay empty."""
    figure, axes = panels(2 * len(grid), len(grid[0]))
    for axis in axes[-2:, len(grid[-1]) :].flat:
        axis.set_visible(False)
    return figure, axes


def draw_classifiers(curves: pd.DataFrame, split: str) -> Figure:
    """Loss over accuracy, a panel a recipe and dimension, a curve for each initial embedding.

    From epoch 1; each recipe stands with the variants that have no recipe.
    """
    table = curves[(curves["split"] == split) & (curves["epoch"] > 0)]
    looks = series_looks(table)
    recipes = sorted(set(table["recipe"]) - {""}) or [""]
    dims = sorted(table["dim"].unique())
    grid = grid_of(recipes, dims)
    figure, axes = paired_panels(grid)
    name = "training" if split == "train" else split
    labels = (f"{name}\nloss (nats)", f"{name}\naccuracy (%)")
    for i, row in enumerate(grid):
        for j, (recipe, dim) in enumerate(row):
            here = table[table["recipe"].isin(["", recipe]) & (table["dim"] == dim)]
            for axis, metric, label in zip(axes[2 * i : 2 * i + 2, j], METRICS, labels):
                for (init, radius), look in looks.items():
                    same_radius = (
                        here["radius"].isna() if radius is None else here["radius"] == radius
                    )
                    draw_band(axis, here[(here["init"] == init) & same_radius], metric, look)
                axis.set_ylabel(label if j == 0 else "")
            axes[2 * i, j].set_title(title(recipe, dim, len(recipes) > 1))
            epochs_below(axes[2 * i + 1, j], lowest=j >= len([*grid, []][i + 1]))
    legend(figure, [look.handle() for look in looks.values()])
    return figure


def seeds_note(table: pd.DataFrame, variant: list[str] | None = None) -> str:
    """What line and band are, with the number of seeds."""
    n_seeds = table.groupby(variant or VARIANT, dropna=False)["seed"].nunique()
    if n_seeds.max() == 1:
        return "Lines: one seed each, so no spread is shown."
    return f"Lines: mean over {seeds_range(n_seeds)}; bands: smallest to largest."


def chance(curves: pd.DataFrame, split: str) -> list[float]:
    """Accuracies of all runs before training, as fractions; empty if epoch 0 was not recorded."""
    start = curves[(curves["split"] == split) & (curves["epoch"] == 0)].dropna(subset=["accuracy"])
    return list(start.groupby(RUN, dropna=False)["accuracy"].first())

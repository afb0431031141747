"""What all figures share: colours, names of models, panels, and how estimates are drawn.

Colours are those of Okabe and Ito (2008), which stay apart for colour-blind readers; marker and
line style vary with the colour, so that a grey print can be read too. Accuracies are fractions in
the tables and percent in the figures.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from io import BytesIO
from itertools import count, product
from pathlib import Path
from typing import Any

import matplotlib.style
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from sgns_study import plan
from sgns_study.artifacts import writing
from sgns_study.errors import visible
from sgns_study.evaluation.recipes import on_grid
from sgns_study.evaluation.summary import RUN
from sgns_study.evaluation.vectors import Estimate, estimate

Look = dict[str, Any]  # how a series is drawn and named: arguments of `Axes.plot`

STYLE = Path(__file__).with_name("published.mplstyle")
WIDTH, HIGHEST = 5.6, 9.0  # inches: within an A4 page, and text is legible on a phone too
BLACK = "#000000"
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = ("o", "s", "^", "D", "v", "P")
LINES: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (1, 1)), (0, (4, 1, 1, 1)), (0, (8, 2)))
ACROSS = 3  # panels beside each other, where there is one dimension
APART = 0.14  # between the series at one value


def published() -> AbstractContextManager[None]:
    """Matplotlib set for publication, whatever the user's own configuration is."""
    return matplotlib.style.context(["default", STYLE])


def save_svg(figure: Figure, path: Path) -> None:
    """Write a figure as SVG without date or creator: the same figure gives the same bytes.

    The layout's solver differs in the last digits from run to run, so its outcome is rounded.
    """
    figure.savefig(BytesIO(), format="svg")  # lays out for the size of text in SVG
    figure.set_layout_engine("none")
    for axis in figure.axes:
        axis.set_position(np.round(axis.get_position().bounds, 6))
    with writing(path) as part:
        figure.savefig(part, format="svg", metadata={"Date": None, "Creator": None})


def look(label: str, colour: str, marker: str = "", line: Any = "") -> Look:
    """How a series is drawn and what the legend calls it."""
    return {"label": label, "color": colour, "marker": marker, "linestyle": line}


def nth_look(i: int, label: str) -> Look:
    """The look of the i-th series; 30 series pass before one repeats, colours after 6."""
    return look(label, COLOURS[i % 6], MARKERS[i % 6], LINES[i % 5])


def nth_black_look(i: int, label: str) -> Look:
    """The look of the i-th series that others are compared with."""
    return look(label, BLACK, ("x", "+", "1")[i % 3], LINES[(i + 2) % 5])


RING = look("", BLACK, "o") | {"markersize": 8, "markerfacecolor": "none", "markeredgewidth": 0.8}
# Initial embeddings: those from trained vectors in colour.
INITS = {
    "pretrained": look("pretrained", COLOURS[0], "o"),
    "shuffled": look("shuffled", COLOURS[1], "s"),
    "random_matched": look("random, matched", COLOURS[2], "^"),
    "random": look("random", BLACK, "x"),
    "frozen": look("frozen", COLOURS[3], "D"),
    "frozen_random": look("frozen random", BLACK, "+"),
}
VARIANT = ["init", "recipe", "radius", "scale", "dim"]  # what runs share but for seed and documents
SIGNS = {"radius": "R = {}", "dim": "d = {}", "scale": "sd {:g}"}


def label(model: Mapping[str, Any], shown: Collection[str]) -> str:
    """A model in words, e.g. `pretrained (lab), R = 2`: its init, and those of its keys `shown`."""
    init, recipe = model.get("init"), model.get("recipe") if "recipe" in shown else None
    name = f"{init} ({recipe})" if init and recipe else init or recipe
    known = [key for key in SIGNS if key in shown and not pd.isna(model.get(key))]
    return ", ".join([*([name] if name else []), *(SIGNS[key].format(model[key]) for key in known)])


def model_labels(models: pd.DataFrame) -> list[str]:
    """Models in words, e.g. `pretrained, R = 2, d = 128`; the recipe too if there are several."""
    several = models.loc[models["recipe"] != "", "recipe"].nunique() > 1
    shown = ["radius", "dim", *["recipe"] * several]
    return [label(model, shown) for model in models.to_dict("records")]


def vectors_label(models: pd.DataFrame) -> list[str]:
    """Names of trained vectors (recipe, radius, dim), without what is the same for all of them."""
    shown = [key for key in ("recipe", "radius", "dim") if models[key].nunique() > 1]
    return [label(model, shown or ["recipe"]) for model in models.to_dict("records")]


def by_variant(runs: pd.DataFrame, keys: list[str] = VARIANT) -> dict[str, pd.DataFrame]:
    """Runs by the name of their variant, e.g. `pretrained (lab), R = 5`, in the order of INITS.

    Names give recipe and scale, but radius and dimension only where they vary. `keys` tell the
    variants apart.
    """
    runs = runs.assign(order=runs["init"].map(list(INITS).index))
    runs = runs.sort_values(["order", *keys], na_position="first", kind="stable")
    varying = [key for key in ("radius", "dim") if runs[key].nunique() > 1]
    shown = [key for key in keys if key in ("recipe", "scale", *varying)]
    groups = runs.groupby(keys, dropna=False, sort=False)
    return {label({**own.iloc[0], "init": init_name(own)}, shown): own for _, own in groups}


def init_name(runs: pd.DataFrame) -> str:
    """The initial embedding of the runs in words."""
    return str(INITS[runs["init"].iloc[0]]["label"])


def variant_looks(variants: Mapping[str, pd.DataFrame]) -> list[Look]:
    """A look for every variant; those from no trained vectors are black."""
    coloured, black = count(), count()
    return [
        nth_look(next(coloured), name)
        if runs["init"].iloc[0] in plan.FROM_VECTORS
        else nth_black_look(next(black), name)
        for name, runs in variants.items()
    ]


def shared_settings(models: pd.DataFrame) -> list[str]:
    """Radius and dimension where all models have the same, e.g. ["R = 5", "d = 128"]."""
    columns = {key: models[key].dropna().unique() for key in ("radius", "dim")}
    return [SIGNS[key].format(*found) for key, found in columns.items() if len(found) == 1]


def seeds_of(table: pd.DataFrame, by: list[str]) -> list[int]:
    """The number of seeds of each group."""
    return list(table.groupby(by, dropna=False)["seed"].nunique())


def swept(runs: pd.DataFrame, column: str, variant: list[str]) -> pd.DataFrame:
    """The runs of the variants that were tried at several values of a column; inf for no value."""
    tried = runs.loc[runs[column].notna(), variant].drop_duplicates()
    return runs.merge(tried, on=variant).astype({column: float}).fillna({column: np.inf})


def on_all_documents(runs: pd.DataFrame) -> pd.DataFrame:
    """Runs of the lab's classifier on all documents."""
    return runs[(runs["classifier"] == "conv1d") & runs["documents"].isna()]


def accuracy(runs: pd.DataFrame, split: str = "test") -> Estimate:
    """Mean accuracy over runs in percent, with its 95 % t interval."""
    return estimate(100 * runs[f"{split}_accuracy"])


def gain(
    first: pd.DataFrame, second: pd.DataFrame, by: Sequence[str] = ("documents", "dim", "seed")
) -> Estimate:
    """Test accuracy of `first` minus that of `second` in points, runs being paired by `by`."""
    pairs = first.merge(second, on=list(by))
    return estimate(100 * (pairs["test_accuracy_x"] - pairs["test_accuracy_y"]))


def panels(rows: int, columns: int, widths: Sequence[float] | None = None) -> tuple[Figure, Any]:
    """A figure of page width and a (rows, columns) array of axes, never higher than a page."""
    figure = Figure(figsize=(WIDTH, min(0.95 * rows + 0.9, HIGHEST)))
    axes = figure.subplots(
        rows, columns, squeeze=False, sharex="col", sharey="row", width_ratios=widths
    )
    for axis in axes.flat:
        # A number of ticks that does not depend on the panel's size, which the layout finds from
        # the width of the ticks' labels: else labels may end up beyond the edge.
        axis.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    figure.align_ylabels()
    return figure, axes


def row_panels(names: Sequence[str], rows: int, columns: int, **shared: Any) -> tuple[Figure, Any]:
    """Panels that share rows of these names, which stand at y = 0, 1, … from the top."""
    height = min(rows * (0.5 + 0.17 * max(len(names), 3)) + 0.4, HIGHEST)
    figure = Figure(figsize=(WIDTH, height))
    axes = figure.subplots(rows, columns, squeeze=False, sharey=True, **shared)
    for axis in axes.flat:
        axis.grid(False, axis="y")
        axis.margins(x=0.08)
        axis.locator_params(axis="x", nbins=4 if columns < ACROSS else 3)
    axes[0, 0].set_yticks(range(len(names)), names)
    axes[0, 0].set_ylim(len(names) - 0.4, -0.6)
    return figure, axes


def legend(figure: Figure, looks: Iterable[Look]) -> None:
    """One legend below all panels, in as few rows as fit the width."""
    handles = [Line2D([], [], **look) for look in looks]
    longest = max(len(str(handle.get_label())) for handle in handles)
    columns = max(1, min(len(handles), 84 // (longest + 8)))
    figure.legend(handles=handles, loc="outside lower center", ncols=columns, frameon=False)


def literal(word: str) -> str:
    """A word of someone's text for matplotlib: all of it is seen, and no `$` makes it a formula."""
    return visible(word).replace("$", r"\$")


def draw_interval(axis: Axes, found: Sequence[float], at: float, look: Look) -> None:
    """Marker and bar for a mean and its interval, (mean, low, high, …), in the row at `at`."""
    mean, low, high = found[:3]
    axis.plot([low, high], [at, at], color=look["color"], linewidth=1.2)
    axis.plot([mean], [at], markersize=4.5, **look)


def draw_row(axis: Axes, values: pd.Series, at: float, look: Look) -> None:
    """A row: small points for the seeds; below them marker and bar for mean and interval."""
    found = estimate(values)
    if found.n > 1:
        axis.plot(values, [at - 0.24] * len(values), ".", color=look["color"], markersize=2.5)
    draw_interval(axis, found, at, look)


def draw_series(
    axis: Axes, estimates: Mapping[float, Estimate], look: Look, band: bool = False
) -> None:
    """Means by their places, joined; a band through their intervals, or a bar for each."""
    places = list(estimates)
    mean, low, high = np.array([found[:3] for found in estimates.values()]).reshape(-1, 3).T
    axis.plot(places, mean, linewidth=1.2 if band else 0.8, **look)
    if band:
        axis.fill_between(places, low, high, color=look["color"], alpha=0.15, linewidth=0)
    else:
        axis.plot([places, places], [low, high], color=look["color"], linewidth=0.9)


def side_by_side(values: Iterable[Any], k: int, n: int) -> dict[Any, float]:
    """Where the k-th of n series has its values, which stand at equal distances."""
    return {value: i + APART * (k - (n - 1) / 2) for i, value in enumerate(values)}


def draw_curves(
    table: pd.DataFrame, looks: Mapping[Any, Look], labels: Sequence[str]
) -> tuple[Figure, Any]:
    """Loss over accuracy by epoch, so labelled: a column a dimension, a pair of rows a recipe.

    table: recipe, dim, series, epoch, loss, accuracy and seed; `looks` has a look for every series.
    Rows without a recipe stand in the panels of all. With one dimension recipes stand beside each
    other.
    """
    recipes = [recipe for recipe in table["recipe"].unique() if recipe] or [""]
    dims = sorted(table["dim"].unique())
    columns = len(dims) if len(dims) > 1 else min(len(recipes), ACROSS)
    cells = list(product(recipes, dims))
    figure, axes = panels(2 * -(-len(cells) // columns), columns)
    table = table.assign(accuracy=100 * table["accuracy"])
    for i, (recipe, dim) in enumerate(cells):
        pair = axes[2 * (i // columns) :, i % columns]
        here = table[table["recipe"].isin(["", recipe]) & (table["dim"] == dim)]
        for axis, metric in zip(pair, ("loss", "accuracy")):
            for series, look in looks.items():
                of_epochs = here[here["series"] == series].groupby("epoch")[metric]
                draw_band(axis, of_epochs.agg(["mean", "min", "max"]).dropna(), look)
        pair[0].set_title(f"{recipe}\nd = {dim}" if len(recipes) > 1 else f"d = {dim}")
        pair[1].xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5]))
        if i + columns >= len(cells):  # no panel stands below
            pair[1].set_xlabel("epoch")
            pair[1].tick_params(labelbottom=True)
    for axis, text in zip(axes[:, 0], [*labels] * len(axes)):
        axis.set_ylabel(text)
    for axis in axes[-2:, (len(cells) - 1) % columns + 1 :].flat:
        axis.set_visible(False)
    return figure, axes


def draw_band(axis: Axes, curve: pd.DataFrame, look: Look) -> None:
    """The mean over seeds at every epoch, with a band from the smallest to the largest."""
    axis.plot(curve.index, curve["mean"], markevery=max(1, len(curve) // 7), **look)
    axis.fill_between(curve.index, curve["min"], curve["max"], color=look["color"], alpha=0.2, lw=0)


def carried_on(curves: pd.DataFrame, run: list[str]) -> pd.DataFrame:
    """Curves in which a run that stopped early keeps its last values until the longest one ends."""
    epochs = pd.Index(sorted(curves["epoch"].unique()), name="epoch")
    runs = [curve.set_index("epoch").sort_index() for _, curve in curves.groupby(run)]
    return pd.concat([curve.reindex(epochs, method="ffill").reset_index() for curve in runs])


def stopped(curves: pd.DataFrame) -> bool:
    """Whether some runs were trained for fewer epochs than others."""
    return bool(curves.groupby(RUN, dropna=False)["epoch"].max().nunique() > 1)


def grid_curves(curves: pd.DataFrame) -> pd.DataFrame:
    """Curves of the grid's classifiers: pretrained and random starts, not those of experiments."""
    return on_grid(curves[curves["init"].isin(["pretrained", "random"])])


def draw_classifiers(curves: pd.DataFrame, split: str) -> Figure:
    """Loss over accuracy on a split from epoch 1, a curve for each initial embedding and radius."""
    table = curves[(curves["split"] == split) & (curves["epoch"] > 0)]
    variants = by_variant(table, ["init", "radius"])
    looks = variant_looks(variants)
    table = pd.concat([rows.assign(series=i) for i, rows in enumerate(variants.values())])
    table = carried_on(table, ["series", "recipe", "dim", "seed"])
    labels = ("loss (nats)", "accuracy (%)")
    figure, _ = draw_curves(table.sort_values("recipe"), dict(enumerate(looks)), labels)
    legend(figure, looks)
    return figure

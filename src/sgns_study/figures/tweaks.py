"""The ablation: what one setting of a recipe does to its vectors, all others as they were."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from sgns_study.evaluation.recipes import rank, settings
from sgns_study.evaluation.vectors import (
    Contrast,
    at_one_place,
    best,
    contrasts,
    final_losses,
    level,
    main_metrics,
    score_name,
    scores,
)
from sgns_study.figures.style import BLACK, Look, legend, nth_look, panels
from sgns_study.figures.wording import (
    change,
    listed,
    number,
    seeds_range,
    setting,
    setting_value,
)

ALT = "Word similarity and SGNS validation loss of recipes that differ in one setting, by setting"
LABELS = {"negatives": "negatives K", "alpha": "noise α", "subsample": "subsampling t"}
SHORT = {"dynamic": "dyn.", "harmonic": "1/m"}
LOSS = "validation loss\n(nats per centre)"


def draw(recipes: pd.DataFrame, vectors: pd.DataFrame, curves: pd.DataFrame) -> Figure:
    """Score over validation loss, a column a setting, a series for each recipe changed."""
    tried = settings(recipes)
    runs = {"score": at_one_place(scores(vectors)), "loss": at_one_place(final_losses(curves))}
    by_key = dict(list(tried.groupby("key", sort=False)))
    values = {key: _values(rows) for key, rows in by_key.items()}
    parents = list(tried["parent"].unique())
    looks = {parent: nth_look(i, f"around {parent}") for i, parent in enumerate(parents)}
    figure, axes = panels(2, len(by_key), [len(found) + 0.5 for found in values.values()])
    for j, (key, rows) in enumerate(by_key.items()):
        places = {value: i for i, value in enumerate(values[key])}
        for axis, (column, table) in zip(axes[:, j], runs.items()):
            for k, (parent, look) in enumerate(looks.items()):
                shift = 0.16 * (k - (len(looks) - 1) / 2)
                _series(axis, rows[rows["parent"] == parent], table, column, places, shift, look)
            axis.grid(False, axis="x")
        _x_axis(axes[1, j], key, values[key])
    axes[0, 0].set_ylabel(f"{score_name(vectors)}\n(points)")
    axes[1, 0].set_ylabel(LOSS)
    own = Line2D([], [], linestyle="", label="the recipe’s own value", **OWN)
    legend(figure, [*(look.handle() for look in looks.values()), own])
    return figure


OWN: dict[str, Any] = {
    "marker": "o",
    "markersize": 8,
    "markerfacecolor": "none",
    "markeredgecolor": BLACK,
}


def _values(rows: pd.DataFrame) -> list[str]:
    """The values of a setting around all parents, in order: each parent's are in order already."""
    return sorted(rows["value"].unique(), key=lambda value: rank(rows["key"].iloc[0], value))


def _series(
    axis: Axes,
    tried: pd.DataFrame,
    runs: pd.DataFrame,
    column: str,
    places: dict[str, int],
    shift: float,
    look: Look,
) -> None:
    """Marker and bar for the mean and its interval at each value, joined; a ring on the own."""
    unit = 100 if column == "score" else 1
    means = []
    for row in tried.to_dict("records"):
        found = level(runs, row["recipe"], column)
        at = places[row["value"]] + shift
        means.append((at, unit * found.mean))
        axis.plot([at, at], [unit * found.low, unit * found.high], color=look.colour, linewidth=0.9)
        if row["own"]:
            axis.plot([at], [unit * found.mean], markeredgewidth=0.8, **OWN)
    line = np.array(means).reshape(-1, 2).T
    axis.plot(*line, color=look.colour, marker=look.marker, linestyle=look.line, linewidth=0.8)


def _x_axis(axis: Axes, key: str, values: list[str]) -> None:
    """The values of a setting at equal distances; long words stand askew."""
    words = [SHORT.get(value, setting_value(key, value)) for value in values]
    askew = any(len(word) > 5 for word in words)
    turned: dict[str, Any] = (
        {"rotation": 35, "ha": "right", "rotation_mode": "anchor"} if askew else {}
    )
    axis.set_xticks(range(len(values)), words, **turned)
    axis.set_xlim(-0.5, len(values) - 0.5)
    axis.set_xlabel(LABELS.get(key, setting(key)))


def caption(recipes: pd.DataFrame, vectors: pd.DataFrame, curves: pd.DataFrame) -> str:
    """For each setting the best value and the difference that switching it on makes."""
    tried, runs = settings(recipes), at_one_place(scores(vectors))
    losses = at_one_place(final_losses(curves))
    parents = list(tried["parent"].unique())
    used = runs[runs["recipe"].isin(tried["recipe"])]
    n_seeds = used.groupby("recipe")["seed"].nunique()
    several = n_seeds.max() > 1
    spread = (
        f"Markers: mean over {seeds_range(n_seeds)}; bars: its 95 % t interval"
        if several
        else "Markers: the one seed, so no interval can be given"
    )
    place = used.iloc[0]
    found = contrasts(tried, runs, "score")
    sentences = [_of_setting(key, tried, runs, found) for key in tried["key"].unique()]
    return (
        f"Ablation at R = {place['radius']}, d = {place['dim']}: one setting at a time is changed "
        f"around {listed(parents)}. Above: {_measure(vectors)}; below: SGNS validation loss after "
        f"the last epoch. {spread}; rings: the value "
        f"that the recipe itself has. Differences are in points, paired by seed, with their 95 % "
        f"interval. {' '.join(sentences)} {_lowest_loss(tried, losses)}"
    )


def _measure(vectors: pd.DataFrame) -> str:
    """What the score is, in hundredths."""
    labels = list(main_metrics(vectors).values())
    over = f" over {listed(labels)}" if len(labels) > 1 else ""
    return f"{score_name(vectors)}{over}, in points (hundredths)"


def _of_setting(key: str, tried: pd.DataFrame, runs: pd.DataFrame, found: list[Contrast]) -> str:
    """The best value of a setting around each parent, and what its contrast makes."""
    rows = tried[tried["key"] == key]
    tops = [
        (setting_value(key, best(dict(zip(own["value"], own["recipe"])), runs, "score")), parent)
        for parent, own in rows.groupby("parent", sort=False)
    ]
    agreed = len({value for value, _ in tops}) == 1
    where = tops[0][0] if agreed else listed(f"{value} around {parent}" for value, parent in tops)
    text = f"{setting(key)}: best {where}"
    here = [contrast for contrast in found if contrast.key == key]
    if not here:
        return f"{text}."
    sides = [setting_value(key, value) for value in (here[0].value, here[0].base)]
    changes = listed(
        f"{change(*(100 * end for end in contrast.change[:3]))} around {contrast.parent}"
        for contrast in here
    )
    return f"{text}; {sides[0]} against {sides[1]}: {changes}."


def _lowest_loss(tried: pd.DataFrame, losses: pd.DataFrame) -> str:
    """Which of all recipes drawn has the lowest validation loss."""
    means = losses[losses["recipe"].isin(tried["recipe"])].groupby("recipe")["loss"].mean()
    if means.empty:
        return "No validation loss is known yet."
    return f"Mean validation loss is lowest for {means.idxmin()} ({number(means.min(), 3)})."

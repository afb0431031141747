"""The ablation: what one setting of a recipe does to its vectors, all others as they were."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from sgns_study.evaluation.recipes import rank, settings
from sgns_study.evaluation.vectors import (
    Estimate,
    at_one_place,
    best,
    contrasts,
    final_losses,
    level,
    main_metrics,
    score_name,
    scores,
)
from sgns_study.figures.plotting import (
    RING,
    draw_series,
    legend,
    nth_look,
    panels,
    seeds_of,
    side_by_side,
)
from sgns_study.figures.wording import setting, setting_value

ALT = "Word similarity and SGNS validation loss of recipes that differ in one setting, by setting"
LABELS = {"negatives": "negatives K", "alpha": "noise α", "subsample": "subsampling t"}
SHORT = {"dynamic": "dyn.", "harmonic": "1/m"}
LOSS = "validation loss\n(nats per centre)"


def draw(recipes: pd.DataFrame, vectors: pd.DataFrame, curves: pd.DataFrame) -> Figure:
    """Score over validation loss, a column a setting, a series for each recipe changed."""
    tried = settings(recipes)
    points = scores(vectors).assign(score=lambda table: 100 * table["score"])
    runs = {"score": at_one_place(points), "loss": at_one_place(final_losses(curves))}
    by_key = dict(list(tried.groupby("key", sort=False)))
    values = {key: values_of(rows) for key, rows in by_key.items()}
    parents = list(tried["parent"].unique())
    looks = [nth_look(i, f"around {parent}") for i, parent in enumerate(parents)]
    figure, axes = panels(2, len(by_key), [len(found) + 0.5 for found in values.values()])
    for column, (key, rows) in zip(axes.T, by_key.items()):
        for axis, (measure, table) in zip(column, runs.items()):
            for i, (parent, look) in enumerate(zip(parents, looks)):
                places = side_by_side(values[key], i, len(parents))
                of_parent = rows[rows["parent"] == parent]
                found = {
                    places[value]: level(table, recipe, measure)
                    for value, recipe in zip(of_parent["value"], of_parent["recipe"])
                }
                draw_series(axis, found, look)
                for value in of_parent.loc[of_parent["own"], "value"]:
                    axis.plot([places[value]], [found[places[value]].mean], **RING)
            axis.grid(False, axis="x")
        name_values(column[1], key, values[key])
    axes[0, 0].set_ylabel(f"{score_name(vectors)}\n(points)")
    axes[1, 0].set_ylabel(LOSS)
    legend(figure, [*looks, Line2D([], [], label="the recipe’s own value", **RING)])
    return figure


def values_of(rows: pd.DataFrame) -> list[str]:
    """The values of a setting around all parents, in order."""
    return sorted(rows["value"].unique(), key=lambda value: rank(rows["key"].iloc[0], value))


def name_values(axis: Axes, key: str, values: list[str]) -> None:
    """The values of a setting at equal distances; long words stand askew."""
    words = [SHORT.get(value, setting_value(key, value)) for value in values]
    askew: dict[str, Any] = {"rotation": 35, "ha": "right", "rotation_mode": "anchor"}
    long = any(len(word) > 5 for word in words)
    axis.set_xticks(range(len(values)), words, **(askew if long else {}))
    axis.set_xlim(-0.5, len(values) - 0.5)
    axis.set_xlabel(LABELS.get(key, setting(key)))


def caption(recipes: pd.DataFrame, vectors: pd.DataFrame, curves: pd.DataFrame) -> dict[str, Any]:
    """For each setting the best value and the difference that switching it on makes."""
    tried, runs = settings(recipes), at_one_place(scores(vectors))
    losses = at_one_place(final_losses(curves))
    losses = losses[losses["recipe"].isin(tried["recipe"])].groupby("recipe")["loss"].mean()
    used = runs[runs["recipe"].isin(tried["recipe"])]
    found = contrasts(tried, runs, "score")
    findings = []
    for key, rows in tried.groupby("key", sort=False):
        tops = {
            parent: setting_value(key, best(dict(zip(own["value"], own["recipe"])), runs, "score"))
            for parent, own in rows.groupby("parent", sort=False)
        }
        here = [contrast for contrast in found if contrast.key == key]
        sides = (
            [setting_value(key, value) for value in (here[0].value, here[0].base)] if here else []
        )
        changes = {
            contrast.parent: Estimate(
                *(100 * end for end in contrast.change[:3]), contrast.change.n
            )
            for contrast in here
        }
        findings.append((setting(key), tops, sides, changes))
    return {
        "place": used.iloc[0],
        "parents": list(tried["parent"].unique()),
        "score": score_name(vectors),
        "sets": list(main_metrics(vectors).values()),
        "n_seeds": seeds_of(used, ["recipe"]),
        "findings": findings,
        "lowest": (losses.idxmin(), losses.min()) if len(losses) else None,
    }

"""The ablation: what one setting of a recipe does to its vectors, all others as they were."""

from functools import partial
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sgns_study.evaluation import vectors as evaluation
from sgns_study.evaluation.recipes import rank, settings
from sgns_study.figures import plotting
from sgns_study.figures.wording import setting, setting_value

SHORT = {"dynamic": "dyn.", "harmonic": "1/m"}
OWN = plotting.RING | {"label": "the recipe’s own value"}
LOSS = "validation\nloss (nats)"


def draw(recipes: pd.DataFrame, vectors: pd.DataFrame, curves: pd.DataFrame) -> Figure:
    """Score over validation loss, a column a setting, a series for each recipe changed."""
    tried = settings(recipes)
    losses = evaluation.at_one_place(evaluation.final_losses(curves))
    runs = {"points": scores_of(vectors), "loss": losses}
    parents = list(tried["parent"].unique())
    looks = [plotting.nth_look(i, f"around {parent}") for i, parent in enumerate(parents)]
    by_key = dict(list(tried.groupby("key", sort=False)))
    values = {
        key: sorted(set(rows["value"]), key=partial(rank, key)) for key, rows in by_key.items()
    }
    widths = [len(found) + 0.5 for found in values.values()]
    figure, axes = plotting.panels(2, len(by_key), widths)
    figure.set_figheight(3.8)
    for column, (key, rows) in zip(axes.T, by_key.items()):
        for axis, (measure, table) in zip(column, runs.items()):
            for i, (parent, look) in enumerate(zip(parents, looks)):
                places = plotting.side_by_side(values[key], i, len(parents))
                own = rows[rows["parent"] == parent]
                found = {
                    places[value]: evaluation.level(table, recipe, measure)
                    for value, recipe in zip(own["value"], own["recipe"])
                }
                plotting.draw_series(axis, found, look)
                rings = [places[value] for value in own.loc[own["own"], "value"]]
                axis.plot(rings, [found[at].mean for at in rings], **OWN)
            axis.grid(False, axis="x")
        name_values(column[1], key, values[key])
    axes[0, 0].set_ylabel(f"{evaluation.score_name(vectors)}\n(points)")
    axes[1, 0].set_ylabel(LOSS)
    plotting.legend(figure, [*looks, OWN])
    return figure


def scores_of(vectors: pd.DataFrame) -> pd.DataFrame:
    """The scores of all recipes at one radius and dimension, as `points` (hundredths)."""
    runs = evaluation.at_one_place(evaluation.scores(vectors))
    return runs.assign(points=100 * runs["score"])


def name_values(axis: Axes, key: str, values: list[str]) -> None:
    """The values of a setting at equal distances; long words stand askew."""
    words = [SHORT.get(value, setting_value(key, value)) for value in values]
    askew: dict[str, Any] = {"rotation": 35, "ha": "right", "rotation_mode": "anchor"}
    long = any(len(word) > 3 for word in words)
    axis.set_xticks(range(len(values)), words, **(askew if long else {}))
    axis.set_xlim(-0.5, len(values) - 0.5)
    axis.set_xlabel(setting(key))


def caption(recipes: pd.DataFrame, vectors: pd.DataFrame, curves: pd.DataFrame) -> dict[str, Any]:
    """What is drawn; the table of the ablation has all of its numbers."""
    tried, runs = settings(recipes), scores_of(vectors)
    used = runs[runs["recipe"].isin(tried["recipe"])]
    return {
        "place": used.iloc[0],
        "parents": list(tried["parent"].unique()),
        "score": evaluation.score_name(vectors),
        "sets": list(evaluation.main_metrics(vectors).values()),
        "n_seeds": plotting.seeds_of(used, ["recipe"]),
    }

"""How well the vectors of each model score, and what a change of one setting does to the score.

Tables are those of `evaluation.tables.read_tidy`. The score of a model is the mean of Spearman's ρ
over the main similarity sets; on the planted corpus it is the precision of neighbours.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from sgns_study.evaluation.statistics import half_interval

MODEL = ["recipe", "radius", "dim"]
RUN = [*MODEL, "seed"]
MAIN_SETS = {
    "EN-MEN-TR-3k": "MEN",
    "EN-WS-353-ALL": "WS-353",
    "EN-SIMLEX-999": "SimLex-999",
}
PLANTED = "planted"


class Estimate(NamedTuple):
    """A mean over n seeds, most often of differences, its 95 % t interval and sd (n − 1)."""

    mean: float
    low: float
    high: float
    n: int
    sd: float


def estimate(values: pd.Series) -> Estimate:
    """The mean of the values that are not missing.

    With one value interval and standard deviation are NaN; with none, the mean too.
    """
    found = values.dropna().astype(float)
    mean, sd, n = float(found.mean()), float(found.std()), len(found)
    half = half_interval(sd, n - 1, n) if n > 1 else np.nan
    return Estimate(mean, mean - half, mean + half, n, sd)


def main_metrics(vectors: pd.DataFrame) -> dict[tuple[str, str], str]:
    """The (dataset, metric) that make the score of a model, with their names in words.

    On the planted corpus, whose words are made up, that is the recovery of its synonyms.
    """
    present = set(zip(vectors["dataset"], vectors["metric"]))
    precision = {
        key: f"precision at {key[1].rpartition('_')[2]}"
        for key in sorted(present)
        if key[0] == PLANTED and key[1].startswith("precision")
    }
    sets = {(name, "spearman"): label for name, label in MAIN_SETS.items()}
    return precision or {key: label for key, label in sets.items() if key in present}


def score_name(vectors: pd.DataFrame) -> str:
    """What the score of a model is, in words."""
    labels = list(main_metrics(vectors).values())
    if len(labels) > 1:
        return "mean Spearman’s ρ"
    return labels[0] if PLANTED in set(vectors["dataset"]) else f"Spearman’s ρ on {labels[0]}"


def values_of(vectors: pd.DataFrame, dataset: str, metric: str) -> pd.DataFrame:
    """The rows of one metric on one dataset: recipe, radius, dim, seed, …, value, coverage."""
    return vectors[(vectors["dataset"] == dataset) & (vectors["metric"] == metric)]


def models_of(table: pd.DataFrame) -> pd.DataFrame:
    """Recipe, radius, dim of every model: recipes in their order, then by dimension and radius."""
    models = table[MODEL].drop_duplicates().sort_values(["dim", "radius"], kind="stable")
    recipes = table["recipe"].unique()
    return models.set_index("recipe").loc[recipes].reset_index()


def scores(vectors: pd.DataFrame) -> pd.DataFrame:
    """One row a model and seed: `score`, missing if one of its parts is, and mean `coverage`."""
    keys = main_metrics(vectors)
    rows = vectors[[key in keys for key in zip(vectors["dataset"], vectors["metric"])]]
    whole = rows.groupby(RUN, sort=False).agg(
        score=("value", lambda value: value.mean(skipna=False)), coverage=("coverage", "mean")
    )
    return whole.reset_index()


def final_losses(curves: pd.DataFrame) -> pd.DataFrame:
    """One row a model and seed: `loss` and `accuracy` on validation after its last epoch."""
    validation = curves[curves["split"] == "validation"]
    last = validation.loc[validation.groupby(RUN)["epoch"].idxmax()]
    return last[[*RUN, "loss", "accuracy"]].reset_index(drop=True)


def at_one_place(runs: pd.DataFrame) -> pd.DataFrame:
    """The rows at the radius and dimension where most recipes are, the smallest of equals."""
    if runs.empty:
        return runs
    places = runs.groupby(["radius", "dim"])["recipe"].nunique()
    radius, dim = places.idxmax()  # the first of equals, and places are sorted
    return runs[(runs["radius"] == radius) & (runs["dim"] == dim)]


def level(runs: pd.DataFrame, recipe: str, column: str) -> Estimate:
    """The mean over seeds of a recipe's rows; missing if there are none."""
    return estimate(runs.loc[runs["recipe"] == recipe, column])


def difference(runs: pd.DataFrame, recipe: str, other: str, column: str) -> Estimate:
    """`recipe` minus `other`, paired by radius, dimension and seed."""
    sides = (runs[runs["recipe"] == name] for name in (recipe, other))
    pairs = pd.merge(*sides, on=["radius", "dim", "seed"])
    return estimate(pairs[f"{column}_x"] - pairs[f"{column}_y"])


class Contrast(NamedTuple):
    """A setting at two values around one parent: how the score changes from `base` to `value`."""

    key: str
    parent: str
    value: str
    base: str
    change: Estimate


def contrasts(settings: pd.DataFrame, runs: pd.DataFrame, column: str) -> list[Contrast]:
    """For every key and parent: the first parent's own value against the other parent's own.

    So a setting is switched off around one parent and on around the other, and both differences
    have the same sign. If all parents have the same value: the best value tried against theirs.
    """
    found = []
    for (key, parent), tried in settings.groupby(["key", "parent"], sort=False):
        recipes = dict(zip(tried["value"], tried["recipe"]))
        own = settings.loc[(settings["key"] == key) & settings["own"], "value"].unique()
        others = {value: recipe for value, recipe in recipes.items() if value != own[0]}
        value, base = own[:2] if len(own) > 1 else (best(others, runs, column), own[0])
        if value in recipes and base in recipes:
            change = difference(runs, recipes[value], recipes[base], column)
            found.append(Contrast(key, parent, value, base, change))
    return found


def best(recipes: Mapping[str, str], runs: pd.DataFrame, column: str) -> Any:
    """The value whose recipe has the largest mean; the first of equals."""
    means = {value: level(runs, recipe, column).mean for value, recipe in recipes.items()}
    return pd.Series(means).fillna(-np.inf).idxmax()

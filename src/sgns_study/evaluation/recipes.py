"""How the recipes of a study differ, and which of them are one tweak away from another.

A *variant* is like another recipe of the study, its parent, in all keys but one; every other recipe
is a *base*. The variants around the bases are the ablation of the study.
"""

import math
from itertools import product

import pandas as pd

from sgns_study import plan
from sgns_study.evaluation.tables import COLUMNS
from sgns_study.params import Study, Word2vecRecipe

WINDOWS = ("dynamic", "fixed", "harmonic")  # in the order of tables and figures
LEAST = 3  # amounts of text that make a curve


def recipes_table(study: Study) -> pd.DataFrame:
    """Columns recipe, kind, like, key, value, like_value: one row a difference from the parent.

    Values are text, `like_value` being the parent's. A recipe that is like no other of the study
    has one row with like, key and values empty.
    """
    rows: list[tuple[str | None, ...]] = []
    dumped = {name: study.recipes[name].model_dump() for name in plan.recipes(study)}
    for name, recipe in dumped.items():
        like = recipe.get("like") if recipe.get("like") in dumped else None
        parent = dumped[like] if like else recipe
        values = {key: (recipe.get(key), parent.get(key)) for key in {**recipe, **parent}}
        changes = [  # no number of documents means all
            (key, *("all" if value is None else str(value) for value in both))
            for key, both in values.items()
            if key != "like" and both[0] != both[1]
        ]
        start = (name, recipe["kind"], like)
        rows += [(*start, *change) for change in changes] or [(*start, None, None, None)]
    return pd.DataFrame(rows, columns=COLUMNS["recipes"])


def variants(recipes: pd.DataFrame) -> pd.DataFrame:
    """The rows of the recipes that differ in one key from a parent that is in the table."""
    single = ~recipes["recipe"].duplicated(keep=False)
    return recipes[single & recipes["key"].notna() & recipes["like"].isin(recipes["recipe"])]


def bases(recipes: pd.DataFrame) -> list[str]:
    """The recipes that are not variants, in their order."""
    is_variant = recipes["recipe"].isin(variants(recipes)["recipe"])
    return list(recipes.loc[~is_variant, "recipe"].unique())


def of_bases(table: pd.DataFrame, recipes: pd.DataFrame) -> pd.DataFrame:
    """The rows of the bases, which stand in the order of `recipes`."""
    order = {name: place for place, name in enumerate(bases(recipes))}
    kept = table[table["recipe"].isin(order)]
    return kept.sort_values("recipe", key=lambda name: name.map(order), kind="stable")


def settings(recipes: pd.DataFrame) -> pd.DataFrame:
    """Columns parent, key, value, recipe, own: every setting tried around a parent, in order.

    The parent stands among them with its own value and `own` true.
    """
    found = variants(recipes)
    rows = []
    for key, parent in product(found["key"].unique(), recipes["recipe"].unique()):
        tried = found[(found["key"] == key) & (found["like"] == parent)]
        own = [(value, parent) for value in tried["like_value"].unique()]
        values = [*zip(tried["value"], tried["recipe"]), *own]
        for value, recipe in sorted(values, key=lambda one: rank(key, one[0])):
            rows.append((parent, key, value, recipe, recipe == parent))
    columns = ["parent", "key", "value", "recipe", "own"]
    return pd.DataFrame(rows, columns=columns).astype({"own": bool})


def of_amounts(study: Study) -> dict[str, int | None]:
    """The largest family of word2vec recipes that differ in the amount of text and the epochs.

    By name, the documents that each reads, None for all; empty if there are not `LEAST` amounts.
    """
    families: dict[str, dict[str, int | None]] = {}
    for name, recipe in study.recipes.items():
        if isinstance(recipe, Word2vecRecipe):
            rest = recipe.model_dump_json(exclude={"like", "documents", "epochs"})
            families.setdefault(rest, {})[name] = recipe.documents
    found = max(families.values(), key=len, default={})
    return found if len(set(found.values())) >= LEAST else {}


def on_grid(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of recipes that were trained at several radii or dimensions; all if none was.

    Rows without a recipe are kept. A recipe for a single question is not drawn with the grid.
    """
    places = table[["recipe", "radius", "dim"]].drop_duplicates().groupby("recipe").size()
    several = places[places > 1].drop("", errors="ignore")
    return table[table["recipe"].isin(["", *several.index])] if len(several) else table


def rank(key: str, value: str) -> tuple[float, str]:
    """Sorts the values of a setting from off to strong: numbers by size, others by name."""
    if value in WINDOWS:
        return WINDOWS.index(value), value
    try:
        size = float(value)
    except ValueError:
        return math.inf, value
    if key == "subsample":  # the smaller the threshold, the more is deleted; but 0 deletes nothing
        return (-size if size else -math.inf), value
    return size, value

"""The tidy tables of a study, read with their columns checked."""

from pathlib import Path

import pandas as pd

from sgns_study.aggregate import CLASSIFIER_CURVES, SGNS_CURVES, TIMINGS
from sgns_study.artifacts import ArtifactError, read_table
from sgns_study.evaluation.intrinsic import SCORES
from sgns_study.evaluation.recipes import RECIPES

MODEL = ["recipe", "radius", "dim", "seed"]
COLUMNS = {
    "sgns_curves": SGNS_CURVES,
    "classifier_curves": CLASSIFIER_CURVES,
    "timings": TIMINGS,
    "recipes": RECIPES,
    "vectors": [*MODEL, *SCORES],
    "neighbours": [*MODEL, "word", "rank", "neighbour", "cosine"],
    "noise": ["alpha", "word", "count", "probability"],
    "map": [*MODEL, "word", "group", "x", "y"],
}
# Read as they stand: a word may look like a number, a value of a setting may be one or not.
TEXT = {
    "recipes": ("key", "value", "like_value"),
    "neighbours": ("word", "neighbour"),
    "noise": ("word",),
    "map": ("word", "group"),
}


def read_tidy(folder: Path, name: str) -> pd.DataFrame:
    """Read `<name>.csv` of a results folder; an empty recipe is "", an empty radius is NA.

    Raises ArtifactError naming the file if it is missing, has no rows or lacks a column.
    """
    path = folder / f"{name}.csv"
    table = read_table(path, TEXT.get(name, ()))
    missing = [column for column in COLUMNS[name] if column not in table.columns]
    if missing:
        raise ArtifactError(
            f"{path}: column {', '.join(missing)} is missing; found: {', '.join(table.columns)}; "
            f"expected: {', '.join(COLUMNS[name])}: delete the file and run again"
        )
    if table.empty:
        raise ArtifactError(f"{path}: the table has no rows: delete the file and run again")
    return typed(table)


def typed(table: pd.DataFrame) -> pd.DataFrame:
    """The table with `recipe` as text and `radius` as integers that may be NA."""
    table = table.copy()
    if "recipe" in table:
        table["recipe"] = table["recipe"].astype(object).where(table["recipe"].notna(), "")
    if "radius" in table:
        table["radius"] = table["radius"].astype("Int64")
    return table

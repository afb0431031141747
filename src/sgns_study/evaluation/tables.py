"""The tidy tables of a study: their columns, and how they are read."""

from pathlib import Path

import pandas as pd

from sgns_study.artifacts import ArtifactError, read_table

MODEL = ["recipe", "radius", "dim", "seed"]
CURVE = ["epoch", "split", "loss", "accuracy"]
SCORES = ["dataset", "metric", "value", "coverage"]
NEIGHBOURS = ["word", "rank", "neighbour", "cosine"]
MAP = ["word", "group", "x", "y"]
RUN = ["init", "recipe", "radius", "scale", "documents", "classifier", "dim", "seed"]
COLUMNS = {
    "recipes": ["recipe", "kind", "like", "key", "value", "like_value"],
    "sgns_curves": [*MODEL, *CURVE],
    "vectors": [*MODEL, *SCORES],
    "neighbours": [*MODEL, *NEIGHBOURS],
    "map": [*MODEL, *MAP],
    "noise": ["alpha", "word", "count", "probability"],
    "classifier_curves": ["init", *MODEL, *CURVE],
    "experiment_curves": [*RUN, *CURVE],
    "runs": [
        *RUN,
        "selected_epoch",
        "validation_accuracy",
        "validation_loss",
        "test_accuracy",
        "test_loss",
        "test_macro_f1",
    ],
    "timings": ["rule", "wildcards", "seconds", "peak_memory_mib"],
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
    """The table with `init` and `recipe` as text and whole numbers that may be NA."""
    table = table.copy()
    for column in {"init", "recipe"} & set(table.columns):
        table[column] = table[column].astype(object).where(table[column].notna(), "")
    for column in {"radius", "dim", "documents"} & set(table.columns):
        table[column] = table[column].astype("Int64")
    return table

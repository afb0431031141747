"""The tidy tables of a study: their columns, and how they are read."""

from collections.abc import Collection, Iterable
from pathlib import Path

import pandas as pd

from sgns_study.artifacts import ArtifactError, listed, read_table

MODEL = ["recipe", "radius", "dim", "seed"]
CURVE = ["epoch", "split", "loss", "accuracy"]
SCORES = ["dataset", "metric", "value", "coverage"]
NEIGHBOURS = ["word", "rank", "neighbour", "cosine"]
MAP = ["word", "group", "x", "y"]
RUN = ["init", "recipe", "radius", "scale", "documents", "classifier", "dim", "seed"]
REACHED = ["validation_accuracy", "validation_loss", "test_accuracy", "test_loss", "test_macro_f1"]
TIMES = ["split", "measure", "value", "level", "censored", "epochs"]
EFFECT = ["effect", "ci_low", "ci_high", "p_adjusted", "n_seeds", "verdict", "unit"]
COLUMNS = {
    "recipes": ["recipe", "kind", "like", "key", "value", "like_value"],
    "sgns_curves": [*MODEL, *CURVE],
    "vectors": [*MODEL, *SCORES],
    "neighbours": [*MODEL, *NEIGHBOURS],
    "map": [*MODEL, *MAP],
    "noise": ["alpha", "word", "count", "probability"],
    "classifier_curves": ["init", *MODEL, *CURVE],
    "experiment_curves": [*RUN, *CURVE],
    "runs": [*RUN, "selected_epoch", *REACHED],
    "convergence": [*RUN, *TIMES],
    "claims": ["claim", "source", "statement", *EFFECT],
    "comparisons": [
        *["claim", "comparison", "quantity", "unit", "direction"],
        *["effect", "ci_low", "ci_high", "sd", "margin", "mean_a", "mean_b"],
        *["p", "p_equivalent", "p_for", "p_against", "p_flip_pairs", "p_flip_blocks", "p_mcnemar"],
        *["effect_size", "power", "detectable", "n_cells", "n_seeds"],
    ],
    "timings": ["rule", "wildcards", "seconds", "peak_memory_mib"],
}
# The rule of the workflow that writes each table.
RULES = {
    "recipes": "aggregate",
    "sgns_curves": "aggregate",
    "vectors": "aggregate",
    "neighbours": "aggregate",
    "map": "aggregate",
    "classifier_curves": "aggregate",
    "experiment_curves": "aggregate",
    "runs": "aggregate",
    "noise": "noise",
    "timings": "timings",
    "summary": "summarise",
    "claims": "claims",
    "comparisons": "claims",
    "convergence": "claims",
}
# Read as they stand: a word may look like a number, a value of a setting may be one or not.
TEXT = {
    "recipes": ("key", "value", "like_value"),
    "neighbours": ("word", "neighbour"),
    "noise": ("word",),
    "map": ("word", "group"),
    "claims": ("claim", "source", "statement", "unit", "verdict"),
    "comparisons": ("claim", "comparison", "quantity", "unit", "direction"),
}
# The columns that hold words in whatever table, and those that hold whole numbers; others, but for
# those of TEXT, hold numbers.
WORDS = {
    *("recipe", "kind", "like", "key", "split", "dataset", "metric", "word", "neighbour", "group"),
    *("init", "classifier", "measure", "claim", "source", "statement", "comparison", "quantity"),
    *("direction", "unit", "verdict", "rule", "wildcards"),
}
WHOLE = {
    *("radius", "dim", "seed", "epoch", "rank", "count", "documents", "selected_epoch"),
    *("n_cells", "n_seeds"),
}
EMPTY_TEXT = ("init", "recipe", "unit")  # "" where the field is empty
MAYBE = ("radius", "documents", "selected_epoch")  # whole numbers that may be missing


def read_tidy(folder: Path, name: str) -> pd.DataFrame:
    """Read `<name>.csv` of a results folder; an empty init or recipe is "", an empty radius is NA.

    Raises ArtifactError naming the file if it is missing, has no rows, lacks a column or has other
    values in one.
    """
    path = folder / f"{name}.csv"
    table = read_columns(path, name)
    missing = [column for column in COLUMNS[name] if column not in table.columns]
    if missing:
        raise ArtifactError(
            f"{path}: column {', '.join(missing)} is missing; found: {listed(table)}; expected: "
            f"{', '.join(COLUMNS[name])}: delete the file and run again"
        )
    if table.empty:
        raise ArtifactError(f"{path}: the table has no rows: delete the file and run again")
    return typed(table)


def read_present(folder: Path, names: Iterable[str]) -> dict[str, pd.DataFrame]:
    """Those of the tables that are there and have rows."""
    found = {}
    for name in names:
        if (folder / f"{name}.csv").is_file():
            table = read_columns(folder / f"{name}.csv", name)
            if len(table):
                found[name] = typed(table)
    return found


def read_columns(path: Path, name: str) -> pd.DataFrame:
    """Read a table of this name, or a model's part of it, whose columns hold what they should.

    Raises ArtifactError naming a column with a value that it cannot have.
    """
    table = read_table(path, TEXT.get(name, ()))
    for column in table.columns.intersection(COLUMNS[name]):
        kind, wrong = unexpected(table[column].dropna(), column, TEXT.get(name, ()))
        if len(wrong):
            raise ArtifactError(
                f"{path}: column {column}: found {str(wrong.iloc[0])[:60]!r}, expected {kind}: "
                "delete the file and run again"
            )
    return table


def unexpected(found: pd.Series, column: str, text: Collection[str]) -> tuple[str, pd.Series]:
    """What a column holds, in words, and those of the values found that are something else."""
    is_numeric = found.dtype.kind in "iufb"
    if column in WORDS or column in text:
        return "words", found if is_numeric else found[:0]
    kind = "whole numbers" if column in WHOLE else "numbers"
    if not is_numeric:  # pandas met a value that is no number, or one of more than 64 bits
        wrong = found[[not is_moderate(value) for value in found]]
        return kind, wrong if len(wrong) else found
    return kind, found[~is_whole(found.astype(float))] if column in WHOLE else found[:0]


def is_moderate(value: object) -> bool:
    """Whether a value, as a text or not, is a number below 2^53."""
    try:
        return abs(float(str(value))) < 2**53
    except ValueError:
        return False


def is_whole(numbers: pd.Series) -> pd.Series:
    """Which numbers are whole and exact in 64 bits."""
    return (numbers.abs() < 2**53) & (numbers % 1 == 0)


def typed(table: pd.DataFrame) -> pd.DataFrame:
    """The table with texts that may be empty as "" and whole numbers that may be missing as NA."""
    table = table.copy()
    for column in EMPTY_TEXT:
        if column in table:
            table[column] = table[column].astype(object).where(table[column].notna(), "")
    whole = [*MAYBE, "dim"] if "classifier" in table else MAYBE
    table = table.astype({column: "Int64" for column in whole if column in table})
    return table.astype({"scale": float}) if "scale" in table else table

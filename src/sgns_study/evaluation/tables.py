"""The tidy tables of a study: the schema of each, and how they are read."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from sgns_study.artifacts import ArtifactError, columns_of, read_table

Schema = dict[str, type]  # what each column holds, in order: str, int or float
NAMES = {int: "whole numbers", float: "numbers"}


def of(kind: type, *columns: str) -> Schema:
    """The schema of columns of one kind."""
    return dict.fromkeys(columns, kind)


OF_MODEL = of(str, "recipe") | of(int, "radius", "dim", "seed")
OF_CURVE = of(int, "epoch") | of(str, "split") | of(float, "loss", "accuracy")
OF_SCORES = of(str, "dataset", "metric") | of(float, "value", "coverage")
OF_PAIRS = of(str, "dataset", "first", "second") | of(float, "score")
OF_NEIGHBOURS = of(str, "word") | of(int, "rank") | of(str, "neighbour") | of(float, "cosine")
OF_MAP = of(str, "word", "group") | of(float, "x", "y")
OF_START = of(str, "init", "recipe") | of(int, "radius") | of(float, "scale")
OF_RUN = OF_START | of(int, "documents") | of(str, "classifier") | of(int, "dim", "seed")
SCHEMAS = {
    "recipes": of(str, "recipe", "kind", "like", "key", "value", "like_value"),
    "sgns_curves": OF_MODEL | OF_CURVE,
    "vectors": OF_MODEL | OF_SCORES,
    "word_pairs": OF_PAIRS,
    "neighbours": OF_MODEL | OF_NEIGHBOURS,
    "map": OF_MODEL | OF_MAP,
    "amounts": of(str, "recipe") | of(int, "documents", "words"),
    "noise": of(float, "alpha") | of(str, "word") | of(int, "count") | of(float, "probability"),
    "classifier_curves": of(str, "init") | OF_MODEL | OF_CURVE,
    "experiment_curves": OF_RUN | OF_CURVE,
    "runs": OF_RUN
    | of(int, "selected_epoch")
    | of(float, "validation_accuracy", "validation_loss")
    | of(float, "test_accuracy", "test_loss", "test_macro_f1"),
    "averages": OF_RUN | of(float, "test_accuracy"),
    "convergence": OF_RUN | of(str, "split", "level_of") | of(float, "level", "epochs"),
    "claims": of(str, "claim", "part", "family", "source", "statement", "quantity")
    | of(float, "effect", "ci_low", "ci_high")
    | of(str, "unit", "side")
    | of(float, "p", "p_adjusted")
    | of(int, "n_seeds")
    | of(str, "verdict", "claim_verdict")
    | of(int, "n_items"),
    "comparisons": of(str, "claim", "part", "family", "quantity", "unit", "direction")
    | of(float, "effect", "ci_low", "ci_high", "sd", "margin", "mean_a", "mean_b")
    | of(float, "p_differs", "p_differs_adjusted", "p_equivalent", "p_equivalent_adjusted")
    | of(float, "p_flip_blocks", "p_mcnemar")
    | of(float, "effect_size", "power", "detectable")
    | of(int, "n_cells", "n_seeds", "n_items"),
    "timings": of(str, "rule", "wildcards") | of(float, "seconds", "peak_memory_mib"),
}
COLUMNS = {name: list(schema) for name, schema in SCHEMAS.items()}
TEXT_OR_NOTHING = ["init", "recipe", "part", "quantity", "unit", "side"]
MODEL, CURVE, SCORES, PAIRS = map(list, (OF_MODEL, OF_CURVE, OF_SCORES, OF_PAIRS))
NEIGHBOURS, MAP, RUN = list(OF_NEIGHBOURS), list(OF_MAP), list(OF_RUN)
# The rule of the workflow that writes each table.
RULES = dict.fromkeys(COLUMNS, "aggregate") | {"timings": "timings"}
RULES |= dict.fromkeys(("claims", "comparisons", "convergence"), "claims")
RULES["summary"] = "aggregate"


def read_tidy(folder: Path, name: str) -> pd.DataFrame:
    """Read `<name>.csv` of a results folder, which must have rows, with types as `typed` gives."""
    path = folder / f"{name}.csv"
    table = read_columns(path, name, COLUMNS[name])
    if table.empty:
        raise ArtifactError(f"{path}: the table has no rows: delete the file and run again")
    return typed(table)


def read_present(folder: Path, names: Iterable[str]) -> dict[str, pd.DataFrame]:
    """The tables among `names` that have a file with at least one row."""
    paths = {name: folder / f"{name}.csv" for name in names}
    return {
        name: typed(table)
        for name, path in paths.items()
        if path.is_file() and len(table := read_columns(path, name, COLUMNS[name]))
    }


def read_columns(path: Path, name: str, columns: Sequence[str]) -> pd.DataFrame:
    """Read `columns` of a table of this name; words stay text, even `1` and `nan`.

    Raises ArtifactError if they are not there in this order, or naming one with a value that it
    cannot have.
    """
    schema = SCHEMAS[name]
    table = read_table(path, [column for column, kind in schema.items() if kind is str])
    if [column for column in table if column in columns] != list(columns):
        raise ArtifactError(
            f"{path}: found the columns {columns_of(table)}, expected {', '.join(columns)}: "
            "delete the file and run again"
        )
    for column in table.columns.intersection([c for c, kind in schema.items() if kind is not str]):
        found, kind = table[column].dropna(), schema[column]
        numbers = pd.to_numeric(found.astype(str), errors="coerce")
        right = numbers.notna()
        if kind is int:
            right = (numbers.abs() < 2**53) & (numbers % 1 == 0)
        # pandas leaves a column of whole numbers as text if one is above 64 bits.
        wrong = found if right.all() and found.dtype.kind not in "iufb" else found[~right]
        if len(wrong):
            raise ArtifactError(
                f"{path}: column {column}: found {str(wrong.iloc[0])[:60]!r}, expected "
                f"{NAMES[kind]}: delete the file and run again"
            )
    return table


def typed(table: pd.DataFrame) -> pd.DataFrame:
    """The table with "" for empty texts and NA for missing whole numbers, such as the radius."""
    table = table.copy()
    for column in table.columns.intersection(TEXT_OR_NOTHING):
        table[column] = table[column].astype(object).where(table[column].notna(), "")
    whole = ["radius", "documents", "selected_epoch"] + ["dim"] * ("classifier" in table)
    kinds = dict.fromkeys(whole, "Int64") | {"scale": "float"}
    return table.astype({column: kind for column, kind in kinds.items() if column in table})

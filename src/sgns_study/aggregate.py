"""What was found in single models to the tidy tables of the study, one observation a row.

What a model is stands in its folder's name (`plan.py`). Models that are not finished are left out,
so that a study with some seeds missing can be summed up: every number says its n.
"""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from sgns_study import plan
from sgns_study.artifacts import ArtifactError, check_lines, listed
from sgns_study.classifiers.predictions import read_predictions
from sgns_study.errors import reason
from sgns_study.evaluation.tables import (
    COLUMNS,
    CURVE,
    MAP,
    NEIGHBOURS,
    SCORES,
    read_columns,
)
from sgns_study.params import Study

PER_MODEL = {  # table of the study ← file of each set of vectors
    "sgns_curves": "embeddings/{}/curves.csv",
    "vectors": "vectors/{}/scores.csv",
    "neighbours": "vectors/{}/neighbours.csv",
    "map": "vectors/{}/map.csv",
}


OWN = {  # how many columns a model has of itself; the others say which model it is
    **dict.fromkeys(("sgns_curves", "classifier_curves", "experiment_curves"), len(CURVE)),
    "vectors": len(SCORES),
    "neighbours": len(NEIGHBOURS),
    "map": len(MAP),
}


class Run(NamedTuple):
    """A finished classifier or baseline: what it is, as columns, and its folder."""

    what: dict[str, Any]
    folder: Path


def vector_tables(study: Study, results: Path) -> dict[str, pd.DataFrame]:
    """The tables about word vectors that any model has, by name."""
    tables = {}
    for name, place in PER_MODEL.items():
        parts = []
        for model in plan.models(study):
            for seed in study.grid.seeds:
                path = results / place.format(f"{model.name}-s{seed}")
                if path.is_file():
                    what = {**model._asdict(), "seed": seed}
                    parts.append(own_columns(name, path).assign(**what))
        if parts:
            tables[name] = gathered(name, parts)
    return tables


def own_columns(name: str, path: Path) -> pd.DataFrame:
    """A model's part of a table; raises ArtifactError if it has other columns."""
    part = read_columns(path, name)
    own = COLUMNS[name][-OWN[name] :]
    if list(part.columns) != own:
        raise ArtifactError(
            f"{path}: found the columns {listed(part)}, expected {', '.join(own)}: delete the "
            "folder and run again"
        )
    return part


def gathered(name: str, parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """One table from the parts of many models."""
    filled = [part for part in parts if len(part)]
    if not filled:
        return pd.DataFrame(columns=COLUMNS[name])
    return in_order(name, pd.concat(filled, ignore_index=True))


def in_order(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """The table's columns in order; whole numbers as such, where some are missing too."""
    whole = ("radius", "dim", "seed", "documents", "epoch", "selected_epoch")
    return table.astype({column: "Int64" for column in whole if column in table})[COLUMNS[name]]


def finished_runs(study: Study, results: Path) -> list[Run]:
    """The classifiers and baselines that have been trained, in the order of the plan."""
    planned = []
    for variant, seed in plan.runs(study):
        what = variant._asdict() | {"classifier": "large" if variant.large else "conv1d"}
        del what["large"]
        planned.append(("classifiers", variant.name, seed, what))
    for baseline in plan.baselines(study):
        nothing = dict.fromkeys(("init", "scale", "documents", "recipe", "radius", "dim"))
        what = nothing | (baseline.model._asdict() if baseline.model else {})
        init = {"init": "pretrained"} if baseline.model else {}
        what = what | init | {"classifier": baseline.kind}
        planned += [("baselines", baseline.name, seed, what) for seed in study.grid.seeds]
    return [
        Run(what | {"seed": seed}, results / stage / f"{name}-s{seed}")
        for stage, name, seed, what in planned
        if (results / stage / f"{name}-s{seed}" / "curves.csv").is_file()
    ]


def is_plain(run: Run) -> bool:
    """Whether it is the study's classifier on all documents, its embedding not rescaled."""
    what = run.what
    return what["classifier"] == "conv1d" and what["scale"] is None and what["documents"] is None


def curve_tables(runs: Iterable[Run]) -> dict[str, pd.DataFrame]:
    """`classifier_curves` of the plain runs and `experiment_curves` of the other classifiers."""
    parts: dict[str, list[pd.DataFrame]] = {"classifier_curves": [], "experiment_curves": []}
    for run in runs:
        if run.what["classifier"] not in ("conv1d", "large"):
            continue  # a baseline has no epochs
        name = "classifier_curves" if is_plain(run) else "experiment_curves"
        parts[name].append(own_columns(name, run.folder / "curves.csv").assign(**run.what))
    return {
        name: in_order(name, pd.concat(found, ignore_index=True))
        if found
        else pd.DataFrame(columns=COLUMNS[name])
        for name, found in parts.items()
    }


def runs_table(runs: Sequence[Run]) -> tuple[pd.DataFrame, NDArray[np.uint8]]:
    """One row a run, and which test documents it has right: uint8 (runs, documents), 1 where right.

    Raises ArtifactError if two runs were not tested on the same documents.
    """
    rows, correct = [], []
    first = read_predictions(runs[0].folder / "predictions.csv")
    for run in runs:
        path = run.folder / "predictions.csv"
        found = read_predictions(path)
        if not np.array_equal(found.documents, first.documents):
            raise ArtifactError(
                f"{path}: its test documents are not those of {runs[0].folder}: delete the older "
                "of the two folders and run again"
            )
        right = found.predicted == found.labels
        scores = chosen_scores(run.folder / "curves.csv")
        macro_f1 = f1_score(found.labels, found.predicted, average="macro", zero_division=0)
        rows.append(run.what | scores | {"test_macro_f1": float(macro_f1)})
        correct.append(right.astype(np.uint8))
    return in_order("runs", pd.DataFrame(rows)), np.stack(correct)


def chosen_scores(path: Path) -> dict[str, float]:
    """Accuracy and loss on validation at the epoch selected and on test, from a run's curves.

    A baseline has no epochs: its epoch is empty. Raises ArtifactError if either is missing.
    """
    curves = own_columns("classifier_curves", path)
    test = curves[curves["split"] == "test"].tail(1)
    validation = curves[curves["split"] == "validation"]
    if test["epoch"].notna().all():
        validation = validation[validation["epoch"].isin(test["epoch"])]
    if test.empty or validation.empty:
        raise ArtifactError(
            f"{path}: no row of the test documents, or none of the validation at their epoch: "
            "delete the folder and run again"
        )
    return {
        "selected_epoch": test["epoch"].iloc[0],
        "validation_accuracy": validation["accuracy"].iloc[-1],
        "validation_loss": validation["loss"].iloc[-1],
        "test_accuracy": test["accuracy"].iloc[0],
        "test_loss": test["loss"].iloc[0],
    }


def timings(folders: Iterable[Path]) -> pd.DataFrame:
    """Columns rule, wildcards, seconds, peak_memory_mib (MiB), from Snakemake's benchmark files.

    The files are `<folder>/<rule>/<wildcards>.tsv`. Memory is empty for a job that ended before
    Snakemake took its first sample. Raises ArtifactError for a file that is not one of these.
    """
    paths = sorted(path for folder in folders for path in folder.glob("*/*.tsv"))
    rows = [(path.parent.name, path.stem, *measured(path)) for path in paths]
    return pd.DataFrame(rows, columns=COLUMNS["timings"])


def measured(path: Path) -> tuple[float, float]:
    """Seconds and MiB of a job, the latter NaN if not known."""
    try:
        check_lines(path)
        job = pd.read_csv(path, sep="\t", na_values="-").iloc[0]
        seconds, memory = float(job["s"]), float(job["max_rss"])
        if not (0 <= seconds < math.inf and not memory < 0):
            raise ValueError(f"{seconds} s and {memory} MiB")
        return seconds, memory
    except ArtifactError:
        raise
    except (ValueError, LookupError, TypeError, OverflowError, OSError) as error:
        raise ArtifactError(
            f"{path}: not one of Snakemake's benchmark files ({reason(error)}): delete it and the "
            "outputs of its job and run again"
        ) from None

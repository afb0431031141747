"""Curves of single models to the tidy tables of the study, one observation a row.

What a model is stands in its folder's name, by contract:
`embeddings/<recipe>-r<R>-d<dim>-s<seed>` and `classifiers/<init>[-<recipe>-r<R>]-d<dim>-s<seed>`.
"""

import re
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from sgns_study.artifacts import ArtifactError, read_table

EMBEDDING = re.compile(r"(?P<recipe>\w+)-r(?P<radius>\d+)-d(?P<dim>\d+)-s(?P<seed>\d+)")
CLASSIFIER = re.compile(
    r"(?P<init>\w+?)(-(?P<recipe>\w+)-r(?P<radius>\d+))?-d(?P<dim>\d+)-s(?P<seed>\d+)"
)
CURVE = ["epoch", "split", "loss", "accuracy"]
SGNS_CURVES = ["recipe", "radius", "dim", "seed", *CURVE]
CLASSIFIER_CURVES = ["init", *SGNS_CURVES]
TIMINGS = ["rule", "wildcards", "seconds", "peak_memory_mib"]


def sgns_curves(paths: Iterable[Path]) -> pd.DataFrame:
    """Columns recipe, radius, dim, seed, epoch, split, loss, accuracy, from `curves.csv` files."""
    return _collect(paths, EMBEDDING, SGNS_CURVES)


def classifier_curves(paths: Iterable[Path]) -> pd.DataFrame:
    """Columns init, recipe, radius, dim, seed, epoch, split, loss, accuracy.

    Recipe and radius are empty for a random start.
    """
    return _collect(paths, CLASSIFIER, CLASSIFIER_CURVES)


def _collect(paths: Iterable[Path], pattern: re.Pattern[str], columns: list[str]) -> pd.DataFrame:
    curves = []
    for path in paths:
        name = pattern.fullmatch(path.parent.name)
        if name is None:
            raise ArtifactError(
                f"{path}: the folder's name does not say what the model is; "
                f"expected {pattern.pattern}"
            )
        curve = read_table(path)
        if list(curve.columns) != CURVE:
            raise ArtifactError(
                f"{path}: found the columns {', '.join(curve.columns)}, expected "
                f"{', '.join(CURVE)}: delete the folder and run again"
            )
        curves.append(curve.assign(**name.groupdict()))
    if not curves:
        return pd.DataFrame(columns=columns)
    whole = dict.fromkeys(("radius", "dim", "seed"), "Int64")
    return (
        pd.concat(curves, ignore_index=True)
        .astype(whole)
        .sort_values(columns[: columns.index("epoch")], kind="stable", na_position="first")
        .loc[:, columns]
        .reset_index(drop=True)
    )


def timings(folders: Iterable[Path]) -> pd.DataFrame:
    """Columns rule, wildcards, seconds, peak_memory_mib (MiB), from Snakemake's benchmark files.

    The files are `<folder>/<rule>/<wildcards>.tsv`. Memory is empty for a job that ended before
    Snakemake took its first sample.
    """
    rows = []
    for path in sorted(path for folder in folders for path in folder.glob("*/*.tsv")):
        job = pd.read_csv(path, sep="\t", na_values="-").iloc[0]
        rows.append((path.parent.name, path.stem, job["s"], job["max_rss"]))
    return pd.DataFrame(rows, columns=TIMINGS)

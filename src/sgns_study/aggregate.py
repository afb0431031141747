"""What was found in single models to the tidy tables of the study, one observation a row.

What a model is stands in its folder's name, by contract:
`embeddings/<recipe>-r<R>-d<dim>-s<seed>`, `vectors/…` alike for what was found in them, and
`classifiers/<init>[-<recipe>-r<R>]-d<dim>-s<seed>`.
"""

import re
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from sgns_study.artifacts import ArtifactError, read_table
from sgns_study.evaluation.tables import COLUMNS, TEXT

EMBEDDING = re.compile(r"(?P<recipe>\w+)-r(?P<radius>\d+)-d(?P<dim>\d+)-s(?P<seed>\d+)")
CLASSIFIER = re.compile(
    r"(?P<init>\w+?)(-(?P<recipe>\w+)-r(?P<radius>\d+))?-d(?P<dim>\d+)-s(?P<seed>\d+)"
)
TABLES = {  # file of a model → table of the study
    "embeddings/curves.csv": "sgns_curves",
    "vectors/scores.csv": "vectors",
    "vectors/neighbours.csv": "neighbours",
    "vectors/map.csv": "map",
    "classifiers/curves.csv": "classifier_curves",
}


def tables(paths: Iterable[Path]) -> dict[str, pd.DataFrame]:
    """The tidy tables, by name, of the stages that `paths` are files of.

    Recipe and radius are empty for a classifier with a random start. Raises ArtifactError naming a
    file that is of no stage, or has other columns than its table.
    """
    found: dict[str, list[Path]] = {}
    for path in paths:
        place = "/".join((path.parts[-3], path.name)) if len(path.parts) > 2 else path.name
        if place not in TABLES:
            raise ArtifactError(f"{path}: of no table; expected are: {', '.join(TABLES)}")
        found.setdefault(TABLES[place], []).append(path)
    return {name: gathered(name, files) for name, files in found.items()}


def gathered(name: str, paths: list[Path]) -> pd.DataFrame:
    """One table from the files of many models; what the model is comes first."""
    pattern = CLASSIFIER if name == "classifier_curves" else EMBEDDING
    model = [column for column in COLUMNS[name] if column in pattern.groupindex]
    own = COLUMNS[name][len(model) :]
    parts = []
    for path in paths:
        match = pattern.fullmatch(path.parent.name)
        if match is None:
            raise ArtifactError(
                f"{path}: the folder's name does not say what the model is; "
                f"expected {pattern.pattern}"
            )
        part = read_table(path, TEXT.get(name, ()))
        if list(part.columns) != own:
            raise ArtifactError(
                f"{path}: found the columns {', '.join(part.columns)}, expected "
                f"{', '.join(own)}: delete the folder and run again"
            )
        if len(part):
            parts.append(part.assign(**match.groupdict()))
    if not parts:
        return pd.DataFrame(columns=COLUMNS[name])
    whole = dict.fromkeys(("radius", "dim", "seed"), "Int64")
    return (
        pd.concat(parts, ignore_index=True)
        .astype(whole)
        .sort_values(model, kind="stable", na_position="first")
        .loc[:, COLUMNS[name]]
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
    return pd.DataFrame(rows, columns=COLUMNS["timings"])

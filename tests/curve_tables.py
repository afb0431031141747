"""Small tidy tables in which every number is known, for the tests of what reads them."""

from itertools import product
from pathlib import Path

import pandas as pd

from sgns_study.artifacts import write_table
from sgns_study.evaluation.tables import COLUMNS


def sgns_table(radii, dims, seeds, recipes=("lab",), epochs=3) -> pd.DataFrame:
    """Validation loss falls by epoch, but rises by 0.25 at the last epoch for the largest dim."""
    rows = []
    for recipe, radius, dim, seed in product(recipes, radii, dims, seeds):
        for epoch, split in product(range(epochs + 1), ("train", "validation")):
            rise = 0.25 * (epoch == epochs and dim == max(dims) and split == "validation")
            loss = 2 - 0.125 * epoch + rise + 0.01 * radius + (seed - 1) / 64
            rows.append((recipe, radius, dim, seed, epoch, split, loss, 0.5 + 0.1 * epoch))
    return pd.DataFrame(rows, columns=COLUMNS["sgns_curves"])


def run(init, recipe, radius, dim, seed, validation, test=None) -> list[tuple]:
    """A classifier's rows, from its validation accuracies by epoch and its test accuracy."""
    name = (init, recipe, radius, dim, seed)
    rows = []
    for epoch, accuracy in enumerate(validation):
        rows.append((*name, epoch, "train", 0.7 - 0.1 * epoch, 0.5 + 0.125 * epoch))
        rows.append((*name, epoch, "validation", 0.6, accuracy))
    if test is not None:
        rows.append((*name, validation.index(max(validation)), "test", 0.5, test))
    return rows


def classifier_table(radii, dims, seeds, recipes=("lab",)) -> pd.DataFrame:
    """Pretrained reaches 0.75 at epoch 1 and random 0.80 at epoch 2, both 0.01 more per seed."""
    rows = []
    for dim, seed in product(dims, seeds):
        more = 0.01 * (seed - 1)
        for recipe, radius in product(recipes, radii):
            curve = [0.5, 0.75 + more, 0.7]
            rows += run("pretrained", recipe, radius, dim, seed, curve, 0.74 + more)
        rows += run("random", None, None, dim, seed, [0.5, 0.6, 0.8 + more], 0.79 + more)
    return classifier_curves(rows)


def classifier_curves(rows: list[tuple]) -> pd.DataFrame:
    """Rows of `run` as the table that is read back from a file: recipe "", radius NA if none."""
    table = pd.DataFrame(rows, columns=COLUMNS["classifier_curves"]).astype({"radius": "Int64"})
    return table.assign(recipe=table["recipe"].astype(object).where(table["recipe"].notna(), ""))


TIMINGS = pd.DataFrame(
    [
        ("train_sgns", "lab-r2-d16-s1", 10.0, 300.5),
        ("train_sgns", "lab-r2-d16-s2", 30.0, 200.0),
        ("train_sgns", "lab-r2-d16-s3", 20.0, 250.0),
        ("aggregate", "all", 0.5, None),
    ],
    columns=["rule", "wildcards", "seconds", "peak_memory_mib"],
)


def write_study(folder: Path, radii, dims, seeds, recipes=("lab",)) -> None:
    """The tidy tables of a study, as files."""
    write_table(folder / "sgns_curves.csv", sgns_table(radii, dims, seeds, recipes))
    write_table(folder / "classifier_curves.csv", classifier_table(radii, dims, seeds, recipes))
    write_table(folder / "timings.csv", TIMINGS)

"""How fast classifiers get to their level: epochs, run by run, on validation and on training."""

from itertools import product
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from sgns_study.evaluation.convergence import SHARE, against_random
from sgns_study.figures import plotting

SPLITS = {"validation": "validation", "train": "training"}
LEVELS = {"own": "own level", "common": "common level"}
SHOWN = ("pretrained", "random")


def draw(table: pd.DataFrame) -> Figure:
    """Epochs to the own over epochs to the common level; left validation, right training."""
    rows = rows_shown(table)
    # By dimension, so that all stand beside the random start of their own.
    variants = dict(sorted(plotting.by_variant(rows).items(), key=lambda v: v[1]["dim"].iloc[0]))
    figure, axes = plotting.row_panels(list(variants), 2, 2, sharex=True)
    for axis, (level, split) in zip(axes.flat, product(LEVELS, SPLITS)):
        for at, own in enumerate(variants.values()):
            times = own.loc[(own["level_of"] == level) & (own["split"] == split), "epochs"]
            plotting.draw_row(axis, times, at, plotting.INITS[own["init"].iloc[0]])
        axis.set_title(f"{SPLITS[split]},\n{LEVELS[level]}")
    for axis in axes[1]:
        axis.set_xlabel("epochs")
    plotting.legend(figure, [plotting.INITS[init] for init in SHOWN if init in set(rows["init"])])
    return figure


def rows_shown(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of runs from trained and random vectors, not rescaled."""
    rows = plotting.on_all_documents(table[table["scale"].isna()])
    return rows[rows["init"].isin(SHOWN)]


def caption(table: pd.DataFrame) -> dict[str, Any]:
    """How often pretrained runs reach their level before their random ones."""
    rows = rows_shown(table)
    findings = []
    for level, (split, name) in product(LEVELS, SPLITS.items()):
        later = against_random(rows, level, split)["epochs"]
        if len(later):
            counts = [int(found.sum()) for found in (later < 0, later > 0, later == 0)]
            findings.append((f"{LEVELS[level]} on {name}", *counts))
    return {
        "n_seeds": plotting.seeds_of(rows, plotting.VARIANT),
        "share": SHARE,
        "findings": findings,
    }

"""How fast classifiers get to their level: epochs, run by run, on validation and on training."""

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sgns_study.evaluation.convergence import against, restricted
from sgns_study.evaluation.vectors import estimate
from sgns_study.figures import plotting

SPLITS = {"validation": "validation", "train": "training"}
MEASURES = {"epochs_to_own": "own level", "epochs_to_common": "common level"}
SHOWN = ("pretrained", "random")
SIDE = 0.22  # epochs that the points of seeds are apart at most from where they belong
HOLLOW = {"markerfacecolor": "none"}


def draw(table: pd.DataFrame) -> Figure:
    """Epochs to the own over epochs to the common level; left validation, right training."""
    rows = rows_shown(table)
    # By dimension, so that all stand beside the random start of their own.
    variants = dict(sorted(plotting.by_variant(rows).items(), key=lambda v: v[1]["dim"].iloc[0]))
    figure, axes = plotting.row_panels(list(variants), 2, 2, sharex=True)
    for axis, (measure, split) in zip(axes.flat, product(MEASURES, SPLITS)):
        for at, own in enumerate(variants.values()):
            draw_times(axis, own[(own["measure"] == measure) & (own["split"] == split)], at)
        axis.set_title(f"{SPLITS[split]}, {MEASURES[measure]}")
    for axis in axes[1]:
        axis.set_xlabel("epochs")
    set_epochs(axes[0, 0], rows)
    looks = [plotting.INITS[init] for init in SHOWN if init in set(rows["init"])]
    late = [plotting.look("not reached", plotting.BLACK, "o") | HOLLOW]
    plotting.legend(figure, looks + late if rows["censored"].any() else looks)
    return figure


def rows_shown(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of runs from trained and random vectors, not rescaled, one of MEASURES each."""
    rows = plotting.on_all_documents(table[table["scale"].isna()])
    return rows[rows["init"].isin(SHOWN) & rows["measure"].isin(MEASURES)]


def draw_times(axis: Axes, rows: pd.DataFrame, at: int) -> None:
    """Above, a point a seed, hollow where censored; below, the restricted mean and interval.

    Epochs are whole, so points that would cover each other stand side by side.
    """
    if rows.empty:
        return
    look = plotting.INITS[rows["init"].iloc[0]]
    times = restricted(rows["value"], rows["epochs"])
    if len(times) > 1:
        beside = times + np.linspace(-SIDE, SIDE, len(times))
        faces = ["none" if late else look["color"] for late in rows["censored"]]
        axis.scatter(beside, [at - 0.24] * len(times), 4, faces, edgecolors=look["color"], lw=0.6)
    mean = look | HOLLOW if rows["censored"].all() else look
    plotting.draw_interval(axis, estimate(pd.Series(times)), at + 0.1, mean)


def set_epochs(axis: Axes, rows: pd.DataFrame) -> None:
    """Ticks at whole epochs; one more epoch stands for "not reached" where any run is censored."""
    epochs, censored = int(rows["epochs"].max()), bool(rows["censored"].any())
    last = 0.9 * epochs if censored else epochs  # so that no tick is beside that of the censored
    whole = MaxNLocator(5, integer=True, steps=[1, 2, 5, 10]).tick_values(0, epochs)
    ticks = [tick for tick in whole if 0 <= tick <= last] + [epochs + 1] * censored
    low, high = axis.get_xlim()
    axis.set_xticks(ticks, [f"{tick:g}" if tick <= epochs else f">{epochs}" for tick in ticks])
    axis.set_xlim(min(low, 0.5), high)  # ticks beyond what is drawn do not widen it


def caption(table: pd.DataFrame) -> dict[str, Any]:
    """How often pretrained runs reach the common level before their random ones."""
    rows = rows_shown(table)
    late = rows[rows["censored"].astype(bool)]
    findings = []
    for split, name in SPLITS.items():
        found = against(rows, "epochs_to_common", split)
        found = found[found["init"] == "pretrained"]
        if len(found):
            findings.append((name, *found[["faster", "slower", "ties"]].sum().astype(int)))
    return {
        "n_seeds": plotting.seeds_of(rows, plotting.VARIANT),
        "n_times": len(rows),
        "n_censored": len(late),
        "counted_as": sorted(set(late["epochs"] + 1)),
        "findings": findings,
    }

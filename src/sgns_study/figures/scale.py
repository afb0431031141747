"""The scale of the initial embedding: accuracy against its standard deviation."""

import math
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from sgns_study.figures import plotting

SPLITS = ("validation", "test")
TABLE = ["init", "recipe", "radius", "dim"]  # what is rescaled
AS_IS = math.inf  # the scale of tables that are not rescaled, as the table of runs is read here
APART = 0.6  # decades from the largest scale to the place of the tables as they are
BEST = plotting.RING | {"label": "best on validation"}


def draw(runs: pd.DataFrame) -> Figure:
    """Validation beside test accuracy; a line a table, and at the right the table as it is."""
    tables = plotting.by_variant(rescaled(runs), TABLE)
    looks = plotting.variant_looks(tables)
    scales = sorted({scale for own in tables.values() for scale in own["scale"]} - {AS_IS})
    as_is = math.log10(scales[-1]) + APART
    figure, axes = plotting.panels(1, 2)
    figure.set_figheight(2.6)
    for axis, split in zip(axes[0], SPLITS):
        for i, (own, look) in enumerate(zip(tables.values(), looks)):
            beside = as_is + 0.12 * (i - (len(looks) - 1) / 2)
            places = {scale: math.log10(scale) for scale in scales} | {AS_IS: beside}
            found = {s: plotting.accuracy(group, split) for s, group in own.groupby("scale")}
            at = {places[scale]: one for scale, one in found.items()}
            plotting.draw_series(axis, {x: at[x] for x in at if x != beside}, look, band=True)
            plotting.draw_series(axis, {x: at[x] for x in at if x == beside}, look)
            best = best_scale(own)
            axis.plot([places[best]], [found[best].mean], **BEST)
        axis.axvline(as_is - APART / 2, color=plotting.BLACK, linewidth=0.5, linestyle=":")
        names = [f"{scale:g}" for scale in scales]
        axis.set_xticks([*map(math.log10, scales), as_is], [*names, "as it is"])
        axis.set_xlim(math.log10(scales[0]) - 0.15, as_is + 0.3)
        axis.set(title=split, xlabel="sd of the initial embedding")
    axes[0, 0].set_ylabel("accuracy (%)")
    plotting.legend(figure, [*looks, BEST])
    return figure


def rescaled(runs: pd.DataFrame) -> pd.DataFrame:
    """Runs of the lab's classifier on all documents from tables that were rescaled or could be."""
    return plotting.swept(plotting.on_all_documents(runs), "scale", TABLE)


def best_scale(own: pd.DataFrame) -> float:
    """The scale of highest mean validation accuracy."""
    return float(own.groupby("scale")["validation_accuracy"].mean().idxmax())


def caption(runs: pd.DataFrame) -> dict[str, Any]:
    """The scale of each table that is best on validation, and its test accuracy in percent."""
    tried = rescaled(runs)
    findings = []
    for name, own in plotting.by_variant(tried, TABLE).items():
        scale = best_scale(own)
        at = "as it is" if scale == AS_IS else f"{scale:g}"
        findings.append((name, at, plotting.accuracy(own[own["scale"] == scale]).mean))
    return {
        "settings": plotting.shared_settings(tried),
        "n_seeds": plotting.seeds_of(tried, [*TABLE, "scale"]),
        "findings": findings,
    }

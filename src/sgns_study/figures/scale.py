"""The scale of the initial embedding: accuracy against its standard deviation."""

import math
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from sgns_study.figures.plotting import (
    BLACK,
    RING,
    accuracy,
    draw_series,
    gain,
    legend,
    matching,
    on_all_documents,
    panels,
    seeds_of,
    shared_settings,
    variant_looks,
    variant_names,
    variants_of,
)

ALT = "Validation and test accuracy against the standard deviation of the initial embedding"
SPLITS = ("validation", "test")
TABLE = ["init", "recipe", "radius", "dim"]  # what is rescaled
APART = 0.6  # decades from the largest scale to the place of the tables as they are


def draw(runs: pd.DataFrame) -> Figure:
    """Validation beside test accuracy; a line a table, and at the right the table as it is."""
    tried = rescaled(runs)
    tables = tables_of(tried)
    looks = variant_looks(tables)
    places = {scale: math.log10(scale) for scale in sorted(tried["scale"].dropna().unique())}
    as_is = max(places.values()) + APART
    figure, axes = panels(1, 2)
    figure.set_figheight(2.9)
    for axis, split in zip(axes[0], SPLITS):
        for i, (table, look) in enumerate(zip(tables[TABLE].itertuples(index=False), looks)):
            own = matching(tried, TABLE, table)
            beside = as_is + 0.12 * (i - (len(looks) - 1) / 2)
            found = {places[s]: accuracy(rows, split) for s, rows in own.groupby("scale")}
            draw_series(axis, found, look, band=True)
            draw_series(axis, {beside: accuracy(of_scale(own, None), split)}, look)
            best = best_scale(own)
            height = accuracy(of_scale(own, best), split).mean
            axis.plot([places.get(best, beside)], [height], **RING)
        axis.axvline(as_is - APART / 2, color=BLACK, linewidth=0.5, linestyle=":")
        axis.set_xticks([*places.values(), as_is], [*(f"{s:g}" for s in places), "as it is"])
        axis.set_xlim(min(places.values()) - 0.15, as_is + 0.3)
        axis.set_xlabel("standard deviation of the initial embedding")
        axis.set_title(split)
    axes[0, 0].set_ylabel("accuracy (%)")
    legend(figure, [*looks, Line2D([], [], label="best on validation", **RING)])
    return figure


def rescaled(runs: pd.DataFrame) -> pd.DataFrame:
    """Runs of the lab's classifier on all documents from tables that were rescaled or could be."""
    runs = on_all_documents(runs)
    tables = runs.loc[runs["scale"].notna(), TABLE].drop_duplicates()
    return runs.merge(tables, on=TABLE)


def tables_of(tried: pd.DataFrame) -> pd.DataFrame:
    """The tables that were rescaled, as variants with no scale."""
    return variants_of(tried.assign(scale=float("nan")))


def of_scale(own: pd.DataFrame, scale: float | None) -> pd.DataFrame:
    """The runs of a scale; None: of the table as it is."""
    return matching(own, ["scale"], [scale])


def best_scale(own: pd.DataFrame) -> float | None:
    """The scale of highest mean validation accuracy; None: the table as it is."""
    means = own.groupby("scale", dropna=False)["validation_accuracy"].mean()
    best = float(means.idxmax())
    return None if math.isnan(best) else best


def caption(runs: pd.DataFrame) -> dict[str, Any]:
    """The best scale of each table, what it gains on test, and what pretraining gains then."""
    tried = rescaled(runs)
    tables = tables_of(tried)
    bests, random, findings = {}, [], []
    for name, table in zip(variant_names(tables), tables[TABLE].itertuples(index=False)):
        own = matching(tried, TABLE, table)
        scale = best_scale(own)
        chosen = of_scale(own, scale)
        if table.init == "random":
            random.append(chosen)
        else:
            bests[name] = chosen
        against = None if scale is None else gain(chosen, of_scale(own, None))
        findings.append((name, scale, accuracy(chosen).mean, against))
    return {
        "settings": shared_settings(tables),
        "n_seeds": seeds_of(tried, [*TABLE, "scale"]),
        "findings": findings,
        "against_random": {
            name: gain(rows, pd.concat(random)) for name, rows in bests.items() if random
        },
    }

"""The scale of the initial embedding: accuracy against its standard deviation."""

import math
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from sgns_study.figures.arms import (
    accuracy,
    arm_looks,
    arm_names,
    arms_of,
    draw_line,
    gain,
    matching,
    place,
    worded,
)
from sgns_study.figures.style import BLACK, legend, panels
from sgns_study.figures.wording import number, seeds_range

ALT = "Validation and test accuracy against the standard deviation of the initial embedding"
SPLITS = ("validation", "test")
TABLE = ["init", "recipe", "radius", "dim"]  # what is rescaled
APART = 0.6  # decades from the largest scale to the place of the tables as they are


def draw(runs: pd.DataFrame) -> Figure:
    """Validation beside test accuracy; a line a table, and at the right the table as it is."""
    tried = rescaled(runs)
    tables = tables_of(tried)
    scales = sorted(tried["scale"].dropna().unique())
    places = {scale: math.log10(scale) for scale in scales}
    as_is = max(places.values()) + APART
    looks = arm_looks(tables)
    figure, axes = panels(1, 2)
    figure.set_figheight(2.9)
    for axis, split in zip(axes[0], SPLITS):
        for i, (table, look) in enumerate(zip(tables[TABLE].itertuples(index=False), looks)):
            own = matching(tried, TABLE, table)
            by_scale = {scale: own[own["scale"] == scale] for scale in scales}
            shown = {places[scale]: accuracy(rows, split) for scale, rows in by_scale.items()}
            shown = {at: found for at, found in shown.items() if found.n}
            draw_line(axis, list(shown), list(shown.values()), look)
            beside = as_is + 0.12 * (i - (len(looks) - 1) / 2)
            whole = accuracy(own[own["scale"].isna()], split)
            axis.plot([beside] * 2, [whole.low, whole.high], color=look.colour, linewidth=0.9)
            axis.plot([beside], [whole.mean], look.marker, color=look.colour)
            best = best_scale(own)
            at_best = beside if best is None else places[best]
            _ring(axis, at_best, accuracy(of_scale(own, best), split).mean)
        axis.axvline(as_is - APART / 2, color=BLACK, linewidth=0.5, linestyle=":")
        names = [f"{scale:g}" for scale in scales]
        axis.set_xticks([*places.values(), as_is], [*names, "as it is"])
        axis.set_xlim(min(places.values()) - 0.15, as_is + 0.3)
        axis.set_xlabel("standard deviation of the initial embedding")
        axis.set_title(split)
    axes[0, 0].set_ylabel("accuracy (%)")
    ring = Line2D([], [], linestyle="", label="best on validation", **RING)
    legend(figure, [*(look.handle() for look in looks), ring])
    return figure


RING: dict[str, Any] = {
    "marker": "o",
    "markersize": 8,
    "markerfacecolor": "none",
    "markeredgecolor": BLACK,
}


def _ring(axis: Axes, at: float, height: float) -> None:
    axis.plot([at], [height], markeredgewidth=0.8, **RING)


def rescaled(runs: pd.DataFrame) -> pd.DataFrame:
    """Runs of the lab's classifier on all documents from tables that were rescaled or could be."""
    runs = runs[(runs["classifier"] == "conv1d") & runs["documents"].isna()]
    tables = runs.loc[runs["scale"].notna(), TABLE].drop_duplicates()
    return runs.merge(tables, on=TABLE)


def tables_of(tried: pd.DataFrame) -> pd.DataFrame:
    """The tables that were rescaled, as arms with no scale."""
    return arms_of(tried.assign(scale=float("nan")))


def of_scale(own: pd.DataFrame, scale: float | None) -> pd.DataFrame:
    """The runs of a scale; None: of the table as it is."""
    return own[own["scale"].isna() if scale is None else own["scale"] == scale]


def best_scale(own: pd.DataFrame) -> float | None:
    """The scale of highest mean validation accuracy; None: the table as it is."""
    means = own.groupby("scale", dropna=False)["validation_accuracy"].mean()
    best = float(means.idxmax())
    return None if math.isnan(best) else best


def caption(runs: pd.DataFrame) -> str:
    """The best scale of each table, what it gains on test, and what pretraining gains then."""
    tried = rescaled(runs)
    tables = tables_of(tried)
    n_seeds = tried.groupby([*TABLE, "scale"], dropna=False).size()
    band = (
        f"Lines: mean over {seeds_range(n_seeds)}; bands and bars: its 95 % t interval"
        if n_seeds.max() > 1
        else "Lines: one seed each, so no interval can be given"
    )
    bests = {}
    findings = []
    for name, table in zip(arm_names(tables), tables[TABLE].itertuples(index=False)):
        own = matching(tried, TABLE, table)
        scale = best_scale(own)
        bests[name] = (table.init, of_scale(own, scale))
        findings.append(f"{name}: {_finding(own, scale)}")
    return (
        f"Accuracy of classifiers whose initial embedding was brought to a standard "
        f"deviation{place(tables)}. {band}; as it is: not rescaled; rings: the best on validation. "
        f"On test, in points and paired by seed: {'; '.join(findings)}.{_meaning(bests)}"
    )


def _finding(own: pd.DataFrame, scale: float | None) -> str:
    """Test accuracy at the scale chosen, and its gain over the table as it is."""
    chosen = of_scale(own, scale)
    reached = f"({number(accuracy(chosen).mean, 1)} %)"
    if scale is None:
        return f"best as it is {reached}"
    against = worded(gain(chosen, of_scale(own, None)))
    return f"best at {scale:g} {reached}, against as it is {against}"


def _meaning(bests: dict[str, tuple[str, pd.DataFrame]]) -> str:
    """Each table against the random one, both at their best scale."""
    random = [rows for init, rows in bests.values() if init == "random"]
    if not random or len(random) == len(bests):
        return ""
    gains = [
        f"{worded(gain(rows, pd.concat(random)))} ({name})"
        for name, (init, rows) in bests.items()
        if init != "random"
    ]
    return f" Each at its best scale, against random: {'; '.join(gains)}."

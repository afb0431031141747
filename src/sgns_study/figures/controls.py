"""Meaning against scale: what of a pretrained table helps, told by tables that keep parts of it."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from sgns_study.figures import plotting
from sgns_study.figures.plotting import ACROSS, INITS


def draw(runs: pd.DataFrame) -> Figure:
    """One panel a recipe and dimension; one row an initial table, with its seeds and interval."""
    panels = runs_by_panel(runs)
    inits = [init for init in INITS if any(init in own for own in panels.values())]
    columns = min(len(panels), ACROSS)
    names = [INITS[init]["label"] for init in inits]
    figure, axes = plotting.row_panels(names, -(-len(panels) // columns), columns, sharex=True)
    for i, (axis, (name, own)) in enumerate(zip(axes.flat, panels.items())):
        for at, init in enumerate(inits):
            if init in own:
                plotting.draw_row(axis, 100 * own[init]["test_accuracy"], at, INITS[init])
        axis.set_title(name)
        if i + columns >= len(panels):
            axis.set_xlabel("test accuracy (%)")
            axis.tick_params(labelbottom=True)
    for axis in axes.flat[len(panels) :]:
        axis.set_visible(False)
    return figure


def runs_by_panel(runs: pd.DataFrame) -> dict[str, dict[str, pd.DataFrame]]:
    """Runs by recipe and dimension, e.g. `lab, d = 128`, and there by initial embedding.

    Those recipes and dimensions that have controls, at the radius that has most of them.
    """
    runs = plotting.on_all_documents(runs[runs["scale"].isna()])
    tables = runs.loc[runs["recipe"] != "", ["init", "recipe", "radius", "dim"]].drop_duplicates()
    if len(tables):
        radius = tables.groupby("radius").size().idxmax()  # of several the smallest
        tables = tables[tables["radius"] == radius]
        controls = tables[tables["init"] != "pretrained"]
        cells = controls if len(controls) else tables
        runs = runs[(runs["recipe"] == "") | (runs["radius"] == radius)]
    else:
        cells = runs
    panels = {}
    for recipe, dim in sorted({*zip(cells["recipe"], cells["dim"])}):
        name = plotting.label({"recipe": recipe, "dim": dim}, ["recipe", "dim"])
        own = runs[runs["recipe"].isin(["", recipe]) & (runs["dim"] == dim)]
        panels[name] = dict(list(own.groupby("init")))
    return panels


def caption(runs: pd.DataFrame) -> dict[str, Any]:
    """The paired differences of pretrained and shuffled rows, which tell meaning from scale."""
    panels = runs_by_panel(runs)
    gains = {
        name: plotting.gain(own["pretrained"], own["shuffled"])
        for name, own in panels.items()
        if {"pretrained", "shuffled"} <= own.keys()
    }
    drawn = [own for by_init in panels.values() for own in by_init.values()]
    return {
        "radii": list(pd.concat(drawn)["radius"].dropna().unique()),
        "n_seeds": [len(own) for own in drawn],
        "gains": {name: found for name, found in gains.items() if found.n},
    }

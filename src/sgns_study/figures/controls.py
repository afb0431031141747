"""Meaning against scale: what of a pretrained table helps, told by tables that keep parts of it."""

import pandas as pd
from matplotlib.figure import Figure

from sgns_study.evaluation.vectors import Estimate
from sgns_study.figures.arms import (
    FROM_VECTORS,
    INITS,
    accuracy,
    draw_row,
    gain,
    matching,
    plain,
    seeds_spread,
    worded,
)
from sgns_study.figures.style import WIDTH
from sgns_study.figures.wording import listed

ALT = "Test accuracy by what the embedding starts from: pretrained, its controls, and random"
ACROSS = 3  # panels beside each other
# First minus second, and what only the first has.
CONTRASTS = {
    ("pretrained", "random"): "all of it",
    ("pretrained", "shuffled"): "meaning",
    ("shuffled", "random"): "the values without their words",
    ("frozen", "frozen_random"): "meaning, with no training",
}


def draw(runs: pd.DataFrame) -> Figure:
    """One panel a recipe and dimension; one row an initial table, with its seeds and interval."""
    cells = cells_of(runs)
    inits = [init for init in INITS if any(len(arm(runs, cell, init)) for cell in cells)]
    columns = min(len(cells), ACROSS)
    rows = -(-len(cells) // columns)
    figure = Figure(figsize=(WIDTH, min(rows * (0.5 + 0.23 * max(len(inits), 3)) + 0.3, 9.0)))
    axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for axis, cell in zip(axes.flat, cells):
        for at, init in enumerate(inits):
            found = arm(runs, cell, init)
            if len(found):
                values = 100 * found["test_accuracy"]
                draw_row(axis, values, accuracy(found), at, INITS[init])
        axis.set_title(cell_name(cell))
        axis.grid(False, axis="y")
        axis.margins(x=0.08)
        axis.locator_params(axis="x", nbins=4)
    for axis in axes.flat[len(cells) :]:
        axis.set_visible(False)
    for i, axis in enumerate(axes.flat[: len(cells)]):
        if i + columns >= len(cells):
            axis.set_xlabel("test accuracy (%)")
            axis.tick_params(labelbottom=True)
    axes[0, 0].set_yticks(range(len(inits)), [INITS[init].label for init in inits])
    axes[0, 0].set_ylim(len(inits) - 0.4, -0.6)
    return figure


Cell = tuple[str, int | None, int]  # recipe, radius, dim


def cells_of(runs: pd.DataFrame) -> list[Cell]:
    """Recipes and dimensions that have controls, at the radius that has most of them."""
    made = plain(runs)
    made = made[made["init"].isin(FROM_VECTORS)]
    if made.empty:
        return [("", None, int(dim)) for dim in sorted(plain(runs)["dim"].dropna().unique())]
    tables = made[["init", "recipe", "radius", "dim"]].drop_duplicates()
    counts = tables.groupby("radius").size()
    radius = int(counts.idxmax())  # of several the smallest
    here = tables[tables["radius"] == radius]
    controlled = here[here["init"] != "pretrained"]
    cells = (controlled if len(controlled) else here)[["recipe", "dim"]].drop_duplicates()
    ordered = cells.sort_values(["recipe", "dim"])
    return [(recipe, radius, int(dim)) for recipe, dim in ordered.itertuples(index=False)]


def arm(runs: pd.DataFrame, cell: Cell, init: str) -> pd.DataFrame:
    """The runs of an initial table in a cell."""
    recipe, radius, dim = cell if init in FROM_VECTORS else ("", None, cell[2])
    return matching(plain(runs), ["init", "recipe", "radius", "dim"], [init, recipe, radius, dim])


def cell_name(cell: Cell) -> str:
    """The recipe, where there is one, and the dimension."""
    return f"{cell[0]}, d = {cell[2]}" if cell[0] else f"d = {cell[2]}"


def caption(runs: pd.DataFrame) -> str:
    """The paired differences that tell meaning from scale, cell by cell."""
    cells = cells_of(runs)
    drawn = [(cell, init) for cell in cells for init in INITS if len(arm(runs, cell, init))]
    n_seeds = [len(arm(runs, *place)) for place in drawn]
    radius = f" of vectors with R = {cells[0][1]}" if cells[0][1] is not None else ""
    text = (
        f"Meaning against scale: test accuracy from tables{radius} and from controls. Shuffled: "
        "the pretrained rows dealt to other words; random, matched: random with the mean and the "
        "standard deviation of the pretrained table; frozen: not trained further. "
        f"{seeds_spread(n_seeds)}"
    )
    findings = []
    for contrast, meant in CONTRASTS.items():
        found = {cell: gain(*(arm(runs, cell, init) for init in contrast)) for cell in cells}
        if any(one.n for one in found.values()):
            findings.append(_sentence(contrast, meant, found))
    if not findings:
        return f"{text} No two of them can be compared."
    return f"{text} Differences in points, paired by seed, with 95 % interval. {' '.join(findings)}"


def _sentence(contrast: tuple[str, str], meant: str, found: dict[Cell, Estimate]) -> str:
    first, second = (INITS[init].label for init in contrast)
    values = listed(f"{worded(one)} for {cell_name(cell)}" for cell, one in found.items() if one.n)
    return f"{first[0].upper()}{first[1:]} minus {second} ({meant}): {values}."

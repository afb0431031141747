"""Meaning against scale: what of a pretrained table helps, told by tables that keep parts of it."""

from typing import Any, NamedTuple

import pandas as pd
from matplotlib.figure import Figure

from sgns_study.figures.plotting import (
    ACROSS,
    FROM_VECTORS,
    INITS,
    draw_row,
    gain,
    label,
    matching,
    on_all_documents,
    row_panels,
)

ALT = "Test accuracy by what the embedding starts from: pretrained, its controls, and random"
# First minus second, and what only the first has.
CONTRASTS = {
    ("pretrained", "random"): "all of it",
    ("pretrained", "shuffled"): "meaning",
    ("shuffled", "random"): "the values without their words",
    ("frozen", "frozen_random"): "meaning, with no training",
}


class Cell(NamedTuple):
    """The vectors of a panel; without a recipe there are random starts only."""

    recipe: str
    radius: int | None
    dim: int

    def name(self) -> str:
        """E.g. `lab, d = 128`."""
        return label(self._asdict(), ["recipe", "dim"])

    def runs(self, runs: pd.DataFrame, init: str) -> pd.DataFrame:
        """The runs of an initial embedding, those of random ones by their dimension alone."""
        key = (init, *self) if init in FROM_VECTORS else (init, "", None, self.dim)
        return matching(not_rescaled(runs), ["init", "recipe", "radius", "dim"], key)


def draw(runs: pd.DataFrame) -> Figure:
    """One panel a recipe and dimension; one row an initial table, with its seeds and interval."""
    cells = cells_of(runs)
    inits = [init for init in INITS if any(len(cell.runs(runs, init)) for cell in cells)]
    columns = min(len(cells), ACROSS)
    figure, axes = row_panels(
        [INITS[init].label for init in inits], -(-len(cells) // columns), columns
    )
    for i, axis in enumerate(axes.flat):
        axis.set_visible(i < len(cells))
    for i, (axis, cell) in enumerate(zip(axes.flat, cells)):
        for at, init in enumerate(inits):
            found = cell.runs(runs, init)
            if len(found):
                draw_row(axis, 100 * found["test_accuracy"], at, INITS[init])
        axis.set_title(cell.name())
        if i + columns >= len(cells):
            axis.set_xlabel("test accuracy (%)")
            axis.tick_params(labelbottom=True)
    return figure


def not_rescaled(runs: pd.DataFrame) -> pd.DataFrame:
    """Runs of the lab's classifier on all documents from tables at the scale they come with."""
    return on_all_documents(runs[runs["scale"].isna()])


def cells_of(runs: pd.DataFrame) -> list[Cell]:
    """Recipes and dimensions that have controls, at the radius that has most of them."""
    runs = not_rescaled(runs)
    made = runs[runs["init"].isin(FROM_VECTORS)]
    if made.empty:
        return [Cell("", None, int(dim)) for dim in sorted(runs["dim"].dropna().unique())]
    tables = made[["init", "recipe", "radius", "dim"]].drop_duplicates()
    radius = int(tables.groupby("radius").size().idxmax())  # of several the smallest
    here = tables[tables["radius"] == radius]
    controlled = here[here["init"] != "pretrained"]
    cells = (controlled if len(controlled) else here)[["recipe", "dim"]].drop_duplicates()
    ordered = cells.sort_values(["recipe", "dim"])
    return [Cell(recipe, radius, int(dim)) for recipe, dim in ordered.itertuples(index=False)]


def caption(runs: pd.DataFrame) -> dict[str, Any]:
    """The paired differences that tell meaning from scale, cell by cell."""
    cells = cells_of(runs)
    contrasts = []
    for (first, second), meaning in CONTRASTS.items():
        gains = {
            cell.name(): gain(cell.runs(runs, first), cell.runs(runs, second)) for cell in cells
        }
        gains = {name: found for name, found in gains.items() if found.n}
        names = (INITS[first].label, INITS[second].label)
        contrasts += [(*names, meaning, gains)] if gains else []
    n_seeds = [len(cell.runs(runs, init)) for cell in cells for init in INITS]
    return {
        "radius": cells[0].radius,
        "n_seeds": [n for n in n_seeds if n],
        "contrasts": contrasts,
    }

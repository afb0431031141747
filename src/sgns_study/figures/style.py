"""How all figures look: sizes for a printed page, colours, and the names of models.

Colours are those of Okabe and Ito (2008), which stay apart for colour-blind readers; marker and
line style vary with the colour, so that a grey print can be read too.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from sgns_study.artifacts import writing
from sgns_study.errors import visible

WIDTH = 6.5  # inches: the text width of an A4 page, so that a printed figure is not scaled down
RC: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "legend.fontsize": 7.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.2,
    "lines.markersize": 3.5,
    "figure.constrained_layout.use": True,
    "svg.fonttype": "path",  # the same glyphs wherever it is shown
    "svg.hashsalt": "sgns-study",  # the same ids, so the same bytes
}
BLACK = "#000000"
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = ("o", "s", "^", "D", "v", "P")
LINES: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (1, 1)), (0, (4, 1, 1, 1)), (0, (8, 2)))


@contextmanager
def published() -> Iterator[None]:
    """Matplotlib set for publication, whatever the user's own configuration is."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(RC)
        yield


@dataclass(frozen=True)
class Look:
    """How one series is drawn and what the legend calls it."""

    label: str
    colour: str
    marker: str
    line: Any

    def handle(self) -> Line2D:
        """The legend's sample of the series."""
        return Line2D(
            [], [], color=self.colour, marker=self.marker, linestyle=self.line, label=self.label
        )


def nth_look(i: int, label: str) -> Look:
    """The look of the i-th series; 30 series pass before one repeats, colours after 6."""
    return Look(label, COLOURS[i % 6], MARKERS[i % 6], LINES[i % 5])


def series_looks(table: pd.DataFrame) -> dict[tuple[str, int | None], Look]:
    """A look for every (init, radius) of a table; those without a radius are black."""
    pairs = table[["init", "radius"]].drop_duplicates().sort_values(["init", "radius"])
    looks: dict[tuple[str, int | None], Look] = {}
    trained = others = 0
    for init, radius in pairs.itertuples(index=False):
        if pd.isna(radius):
            line = LINES[(others + 2) % 5]
            looks[init, None] = Look(init, BLACK, ("x", "+", "1", "2")[others % 4], line)
            others += 1
        else:
            looks[init, int(radius)] = nth_look(trained, f"{init}, R = {radius}")
            trained += 1
    return looks


def model_label(row: Mapping[str, Any], several_recipes: bool = False) -> str:
    """A model in words, e.g. `pretrained (lab), R = 2, d = 128`."""
    parts = [str(row["init"])] if "init" in row else []
    if several_recipes and row["recipe"]:
        parts = [f"{parts[0]} ({row['recipe']})" if parts else str(row["recipe"])]
    if not pd.isna(row["radius"]):
        parts.append(f"R = {row['radius']}")
    return ", ".join([*parts, f"d = {row['dim']}"])


def vectors_label(models: pd.DataFrame) -> list[str]:
    """Names of trained vectors (recipe, radius, dim), without what is the same for all of them."""
    shown = {key: models[key].nunique() > 1 for key in ("recipe", "radius", "dim")}
    shown["recipe"] |= not any(shown.values())
    names = []
    for recipe, radius, dim in models[["recipe", "radius", "dim"]].itertuples(index=False):
        parts = {"recipe": recipe, "radius": f"R = {radius}", "dim": f"d = {dim}"}
        names.append(", ".join(part for key, part in parts.items() if shown[key]))
    return names


def panels(rows: int, columns: int, widths: Sequence[float] | None = None) -> tuple[Figure, Any]:
    """A figure of page width and a (rows, columns) array of axes, never higher than a page."""
    figure = Figure(figsize=(WIDTH, min(1.65 * rows + 0.6, 9.0)))
    axes = figure.subplots(
        rows, columns, squeeze=False, sharex="col", sharey="row", width_ratios=widths
    )
    for axis in axes.flat:
        # A number of ticks that does not depend on the panel's size, which the layout finds from
        # the width of the ticks' labels: else labels may end up beyond the edge.
        axis.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    figure.align_ylabels()
    return figure, axes


def legend(figure: Figure, handles: list[Line2D]) -> None:
    """One legend below all panels, in as few rows as fit the width."""
    longest = max(len(str(handle.get_label())) for handle in handles)
    columns = max(1, min(len(handles), int(112 / (longest + 8))))
    figure.legend(handles=handles, loc="outside lower center", ncols=columns, frameon=False)


def drawn(word: str) -> str:
    """A word of someone's text for matplotlib: all of it is seen, and no `$` makes it a formula."""
    return visible(word).replace("$", r"\$")


def save_svg(figure: Figure, path: Path) -> None:
    """Write a figure as SVG without date or creator: the same figure gives the same bytes."""
    with writing(path) as part:
        figure.savefig(part, format="svg", metadata={"Date": None, "Creator": None})

"""What was found of the parts of the claims: effect, interval and verdict, one row a comparison."""

import textwrap
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sgns_study.evaluation import verdicts
from sgns_study.figures import plotting
from sgns_study.figures.wording import p_value

LOOKS = {
    name: plotting.look(name, colour, marker)
    for name, colour, marker in (
        (verdicts.SUPPORTED, plotting.COLOURS[2], "o"),
        (verdicts.NEGLIGIBLE, plotting.COLOURS[5], "P"),
        (verdicts.NO_DIFFERENCE, plotting.COLOURS[3], "^"),
        (verdicts.OPPOSITE, plotting.COLOURS[1], "s"),
        (verdicts.UNDECIDED, plotting.COLOURS[0], "D"),
        (verdicts.NOT_TESTED, plotting.BLACK, "x"),
    )
}
LETTERS = 50  # in a line of a name
ROW, AROUND, LEGEND = 0.2, 0.45, 0.4  # inches: height of a row, around a panel, of the legend


def draw(claims: pd.DataFrame) -> Figure:
    """A panel a unit, with its own scale; parts at the left, p and seeds at the right."""
    parts = made(claims)
    units = [rows for _, rows in parts.groupby("unit", sort=False)]
    height = ROW * len(parts) + AROUND * len(units) + LEGEND
    figure = Figure(figsize=(plotting.WIDTH, min(height, plotting.HIGHEST)))
    if parts.empty:
        figure.text(0.5, 0.5, "No claim could be tested.", ha="center", va="center")
        return figure
    axes = figure.subplots(len(units), squeeze=False, height_ratios=[len(rows) for rows in units])
    for axis, rows in zip(axes.flat, units):
        draw_unit(axis, rows.to_dict("records"))
    present = set(parts["verdict"])
    plotting.legend(figure, [look for verdict, look in LOOKS.items() if verdict in present])
    return figure


def made(claims: pd.DataFrame) -> pd.DataFrame:
    """The rows of parts with an effect."""
    return claims[claims["effect"].notna()]


def draw_unit(axis: Axes, rows: list[dict[str, Any]]) -> None:
    """One row a part with its adjusted p and seeds."""
    for at, row in enumerate(rows):
        found = (row["effect"], row["ci_low"], row["ci_high"])
        plotting.draw_interval(axis, found, at, LOOKS[row["verdict"]])
        p = "" if pd.isna(row["p_adjusted"]) else f"{p_value(row['p_adjusted'])}, "
        beside = axis.get_yaxis_transform()
        text = f"{p}n = {int(row['n_seeds'])}"
        axis.text(1.03, at, text, transform=beside, va="center", fontsize=7)
    names = [f"({row['claim']}) {row['quantity']}: {row['part']}" for row in rows]
    lines = [textwrap.fill(name, LETTERS) for name in names]
    axis.set_yticks(range(len(rows)), lines, fontsize=7, linespacing=1)
    axis.set_ylim(len(rows) - 0.5, -0.5)
    axis.tick_params(axis="y", length=0)
    axis.grid(False, axis="y")
    axis.axvline(0, color=plotting.BLACK, linewidth=0.8)
    axis.margins(x=0.08)
    axis.locator_params(axis="x", nbins=5)
    axis.set_xlabel(f"effect ({rows[0]['unit']})", fontsize=7)


def caption(claims: pd.DataFrame) -> dict[str, Any]:
    """How many parts have which verdict, and of which claims they are."""
    parts = made(claims)
    by_verdict = {name: parts[parts["verdict"] == name] for name in LOOKS}
    return {
        "n_seeds": list(parts["n_seeds"].astype(int)),
        "n_parts": len(parts),
        "verdicts": {
            f"{len(rows)} {name}": list(rows["claim"].unique())
            for name, rows in by_verdict.items()
            if len(rows)
        },
    }

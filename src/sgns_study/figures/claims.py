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
UNCLAIMED = plotting.look("not claimed by the source", plotting.BLACK, "o")
HOLLOW = {"markerfacecolor": "white"}
AROUND, LEGEND = 0.5, 0.55  # inches: around a panel, of the legend
# Letters in a line of a name, their size in points; inches of a line, and between two rows.
WIDE, CLOSE, MANY = (36, 8.0, 0.13, 0.06), (58, 7.0, 0.112, 0.02), 30  # rows


def draw(claims: pd.DataFrame) -> Figure:
    """A panel a unit, with its own scale; parts at the left, p and seeds at the right.

    The quantity that most parts of a panel have is named below it, others with their part.
    """
    parts = claims.dropna(subset=["effect"])
    if parts.empty:
        figure = Figure(figsize=(plotting.WIDTH, LEGEND))
        figure.text(0.5, 0.5, "No claim could be tested.", ha="center", va="center")
        return figure
    parts["main"] = parts.groupby("unit")["quantity"].transform(lambda names: names.mode()[0])
    quantity = (parts["quantity"] + ": ").where(parts["quantity"] != parts["main"], "")
    names = "(" + parts["claim"] + ") " + quantity + parts["part"]
    letters, size, line, between = CLOSE if len(parts) > MANY else WIDE
    parts["name"] = [textwrap.fill(name, letters) for name in names]
    parts["inches"] = line * (1 + parts["name"].str.count("\n")) + between
    units = [rows for _, rows in parts.groupby("unit", sort=False)]
    height = parts["inches"].sum() + AROUND * len(units) + LEGEND
    figure = Figure(figsize=(plotting.WIDTH, min(height, plotting.HIGHEST)))
    heights = [rows["inches"].sum() for rows in units]
    axes = figure.subplots(len(units), squeeze=False, height_ratios=heights)
    for axis, rows in zip(axes.flat, units):
        draw_unit(axis, rows, size)
    present = [look for verdict, look in LOOKS.items() if verdict in set(parts["verdict"])]
    some = (parts["family"] != parts["source"]).any()
    plotting.legend(figure, [*present, *([UNCLAIMED | HOLLOW] if some else [])])
    return figure


def draw_unit(axis: Axes, parts: pd.DataFrame, size: float) -> None:
    """One row a part, as high as its name, with its adjusted p and seeds; hollow if not claimed.

    size: of letters, in points.
    """
    ends = parts["inches"].cumsum()
    places = list(ends - parts["inches"] / 2)
    for at, row in zip(places, parts.to_dict("records")):
        found = (row["effect"], row["ci_low"], row["ci_high"])
        hollow = HOLLOW if row["family"] != row["source"] else {}
        plotting.draw_interval(axis, found, at, LOOKS[row["verdict"]] | hollow)
        p = "" if pd.isna(row["p_adjusted"]) else f"{p_value(row['p_adjusted'])}, "
        text = f"{p}n = {int(row['n_seeds'])}"
        axis.text(1.03, at, text, transform=axis.get_yaxis_transform(), va="center", fontsize=size)
    axis.set_yticks(places, list(parts["name"]), fontsize=size, linespacing=1)
    axis.set_ylim(ends.iloc[-1], 0)
    axis.tick_params(axis="y", length=0)
    axis.grid(False, axis="y")
    axis.axvline(0, color=plotting.BLACK, linewidth=0.8)
    axis.margins(x=0.08)
    axis.locator_params(axis="x", nbins=4)
    unless = " unless named" * bool((parts["quantity"] != parts["main"]).any())
    label = f"{parts['main'].iloc[0]}{unless} ({parts['unit'].iloc[0]})"
    axis.set_xlabel(label, fontsize=size)


def caption(claims: pd.DataFrame) -> dict[str, Any]:
    """How many parts have which verdict, and of which claims they are."""
    parts = claims.dropna(subset=["effect"])
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

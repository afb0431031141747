"""What became of every claim: effect, interval and verdict, one row a claim."""

import textwrap
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sgns_study.evaluation.vectors import Estimate
from sgns_study.figures.plotting import BLACK, COLOURS, WIDTH, Look, draw_interval
from sgns_study.figures.wording import p_value

ALT = "Effect of every claim with its 95 % interval and verdict, one panel a unit"
UNTESTED = "not tested"
LOOKS = {
    "supported": Look("supported", COLOURS[2], "o"),
    "contradicted": Look("contradicted", COLOURS[1], "s"),
    "undecided": Look("undecided", COLOURS[0], "D"),
    UNTESTED: Look(UNTESTED, BLACK, "x"),
}
LETTERS = 48  # in a line of a statement
LINE, ROW, AROUND = 0.135, 0.09, 0.52  # inches: a line of text, between rows, around a panel
TOP, LEGEND = 0.12, 0.45
LEFT, RIGHT = 3.1, 1.1  # beside the panels, for statements and for numbers


def draw(claims: pd.DataFrame) -> Figure:
    """A panel a unit, with its own scale; statements at the left, p and seeds at the right."""
    claims = judged(claims)
    units = claims["unit"].where(claims["effect"].notna())  # claims without an effect come last
    groups = [claims[units == unit] for unit in units.dropna().unique()]
    groups += [claims[units.isna()]] if units.isna().any() else []
    heights = [sum(row_heights(group)) for group in groups]
    whole = sum(heights) + AROUND * len(groups) + LEGEND
    figure = Figure(figsize=(WIDTH, whole))
    figure.set_layout_engine("none")  # the panels' places follow from the statements
    top = whole - TOP
    for group, height in zip(groups, heights):
        across = (WIDTH - LEFT - RIGHT) / WIDTH
        axis = figure.add_axes((LEFT / WIDTH, (top - height) / whole, across, height / whole))
        draw_panel(axis, group)
        top -= height + AROUND
    handles = [look.handle() for name, look in LOOKS.items() if (claims["verdict"] == name).any()]
    figure.legend(handles=handles, loc="lower center", ncols=len(handles), frameon=False)
    return figure


def judged(claims: pd.DataFrame) -> pd.DataFrame:
    """The claims, with the verdict "not tested" where there is no effect or no other verdict."""
    known = claims["verdict"].isin(LOOKS) & claims["effect"].notna()
    return claims.assign(verdict=claims["verdict"].astype(object).where(known, UNTESTED))


def statements(claims: pd.DataFrame) -> list[str]:
    """Claims with their numbers, in lines that fit beside the panel."""
    rows = claims.to_dict("records")
    return [textwrap.fill(f"({row['claim']}) {row['statement']}", LETTERS) for row in rows]


def row_heights(claims: pd.DataFrame) -> list[float]:
    """The height of every row in inches, which follows from the lines of its statement."""
    return [LINE * (text.count("\n") + 1) + ROW for text in statements(claims)]


def draw_panel(axis: Axes, claims: pd.DataFrame) -> None:
    """One row a claim of one unit, as high as its statement; y in inches from the top."""
    heights = pd.Series(row_heights(claims))
    places = heights.cumsum() - heights / 2
    tested = claims["effect"].notna().any()
    for at, row in zip(places, claims.to_dict("records")):
        found = Estimate(row["effect"] if tested else 0, row["ci_low"], row["ci_high"], 0)
        draw_interval(axis, found, at, LOOKS[row["verdict"]])
        if tested:
            beside = axis.get_yaxis_transform()
            axis.text(1.03, at, numbers(row), transform=beside, va="center", fontsize=7.5)
    axis.set_ylim(heights.sum(), 0)
    axis.set_yticks(places, statements(claims))
    axis.tick_params(axis="y", length=0)
    axis.grid(False, axis="y")
    if not tested:
        axis.set_xticks([])
        axis.spines[:].set_visible(False)
        return
    axis.axvline(0, color=BLACK, linewidth=0.8)
    axis.margins(x=0.08)
    axis.locator_params(axis="x", nbins=5)
    axis.set_xlabel(f"effect ({claims['unit'].iloc[0]})")


def numbers(row: dict[str, Any]) -> str:
    """Adjusted p and the number of seeds, those that are known."""
    p = [] if pd.isna(row["p_adjusted"]) else [p_value(row["p_adjusted"])]
    n = [] if pd.isna(row["n_seeds"]) else [f"n = {int(row['n_seeds'])}"]
    return ", ".join(p + n)


def caption(claims: pd.DataFrame) -> dict[str, Any]:
    """How many claims have which verdict, and which they are."""
    claims = judged(claims)
    by_verdict = {name: list(claims.loc[claims["verdict"] == name, "claim"]) for name in LOOKS}
    n_seeds = claims.loc[claims["verdict"] != UNTESTED, "n_seeds"].dropna().astype(int)
    return {
        "n_seeds": list(n_seeds),
        "n_claims": len(claims),
        "verdicts": {f"{len(found)} {name}": found for name, found in by_verdict.items() if found},
    }

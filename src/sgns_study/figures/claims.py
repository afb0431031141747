"""What became of every claim: effect, interval and verdict, one row a claim."""

import textwrap
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sgns_study.figures import plotting
from sgns_study.figures.wording import p_value

UNTESTED = "not tested"
LOOKS = {
    "supported": plotting.look("supported", plotting.COLOURS[2], "o"),
    "contradicted": plotting.look("contradicted", plotting.COLOURS[1], "s"),
    "undecided": plotting.look("undecided", plotting.COLOURS[0], "D"),
    UNTESTED: plotting.look(UNTESTED, plotting.BLACK, "x"),
}
LETTERS = 50  # in a line of a statement, which has two lines at most
ROW, AROUND, LEGEND = 0.36, 0.45, 0.3  # inches: height of a row, around a panel, of the legend


def draw(claims: pd.DataFrame) -> Figure:
    """A panel a unit, with its own scale; statements at the left, p and seeds at the right."""
    claims = judged(claims)
    claims = claims.sort_values("effect", key=pd.isna, kind="stable")  # those without one are last
    units = claims["unit"].where(claims["effect"].notna())
    groups = [group for _, group in claims.groupby(units, sort=False, dropna=False)]
    whole = ROW * len(claims) + AROUND * len(groups) + LEGEND
    figure = Figure(figsize=(plotting.WIDTH, whole))
    heights = [len(group) for group in groups]
    axes = figure.subplots(len(groups), squeeze=False, height_ratios=heights)
    for axis, group in zip(axes.flat, groups):
        draw_unit(axis, group)
    present = set(claims["verdict"])
    plotting.legend(figure, [look for verdict, look in LOOKS.items() if verdict in present])
    return figure


def judged(claims: pd.DataFrame) -> pd.DataFrame:
    """The claims, with the verdict "not tested" where there is no effect or no other verdict."""
    known = claims["verdict"].isin(LOOKS) & claims["effect"].notna()
    return claims.assign(verdict=claims["verdict"].astype(object).where(known, UNTESTED))


def draw_unit(axis: Axes, claims: pd.DataFrame) -> None:
    """One row a claim with its adjusted p and seeds; those without effect have a marker alone."""
    rows = claims.to_dict("records")
    tested = bool(claims["effect"].notna().all())
    for at, row in enumerate(rows):
        found = (row["effect"] if tested else 0, row["ci_low"], row["ci_high"])
        plotting.draw_interval(axis, found, at, LOOKS[row["verdict"]])
        p = "" if pd.isna(row["p_adjusted"]) else f"{p_value(row['p_adjusted'])}, "
        n = "" if pd.isna(row["n_seeds"]) else f"n = {int(row['n_seeds'])}"
        beside = axis.get_yaxis_transform()
        axis.text(1.03, at, (p + n) * tested, transform=beside, va="center", fontsize=7.5)
    names = [textwrap.fill(f"({row['claim']}) {row['statement']}", LETTERS) for row in rows]
    axis.set_yticks(range(len(rows)), names)
    axis.set_ylim(len(rows) - 0.5, -0.5)
    axis.tick_params(axis="y", length=0)
    axis.grid(False, axis="y")
    if tested:
        axis.axvline(0, color=plotting.BLACK, linewidth=0.8)
        axis.margins(x=0.08)
        axis.locator_params(axis="x", nbins=5)
        axis.set_xlabel(f"effect ({rows[0]['unit']})")
    else:
        axis.set_xticks([])
        axis.spines[:].set_visible(False)


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

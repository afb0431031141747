"""What became of every claim: effect, interval and verdict, one row a claim."""

import textwrap

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sgns_study.figures.style import BLACK, COLOURS, WIDTH, Look
from sgns_study.figures.wording import counted, listed, number, seeds_range

ALT = "Effect of every claim with its 95 % interval and verdict, one panel a unit"
UNTESTED = "not tested"
# Verdicts by colour and marker.
LOOKS = {
    "supported": Look("supported", COLOURS[2], "o", ""),
    "contradicted": Look("contradicted", COLOURS[1], "s", ""),
    "undecided": Look("undecided", COLOURS[0], "D", ""),
    UNTESTED: Look(UNTESTED, BLACK, "x", ""),
}
LETTERS = 48  # in a line of a statement
LINE, ROW, AROUND = 0.135, 0.09, 0.52  # inches: a line of text, between rows, around a panel
ALWAYS = 0.45  # for the legend
LEFT, RIGHT = 3.1, 1.1  # beside the panels, for statements and for numbers


def draw(claims: pd.DataFrame) -> Figure:
    """A panel a unit, with its own scale; statements at the left, p and seeds at the right."""
    claims = judged(claims)
    groups = groups_of(claims)
    heights = [_height(group) for _, group in groups]
    below = [0.15 if unit is None else AROUND for unit, _ in groups]
    whole = sum(heights) + sum(below) + ALWAYS
    figure = Figure(figsize=(WIDTH, whole))
    figure.set_layout_engine("none")  # the panels' places follow from the statements
    top = whole - 0.12
    for (unit, group), height, gap in zip(groups, heights, below):
        across = (WIDTH - LEFT - RIGHT) / WIDTH
        axis = figure.add_axes((LEFT / WIDTH, (top - height) / whole, across, height / whole))
        _panel(axis, unit, group, height)
        top -= height + gap
    present = [look for verdict, look in LOOKS.items() if (claims["verdict"] == verdict).any()]
    handles = [look.handle() for look in present]
    figure.legend(handles=handles, loc="lower center", ncols=len(handles), frameon=False)
    return figure


def judged(claims: pd.DataFrame) -> pd.DataFrame:
    """The claims, with the verdict "not tested" where there is no effect or no other verdict."""
    known = claims["verdict"].isin(LOOKS) & claims["effect"].notna()
    return claims.assign(verdict=claims["verdict"].astype(object).where(known, UNTESTED))


def groups_of(claims: pd.DataFrame) -> list[tuple[str | None, pd.DataFrame]]:
    """Claims by unit, in the order of their first; those without effect last, with unit None."""
    tested = claims[claims["effect"].notna()]
    groups: list[tuple[str | None, pd.DataFrame]] = [
        (str(unit), group) for unit, group in tested.groupby("unit", sort=False)
    ]
    without = claims[claims["effect"].isna()]
    return [*groups, (None, without)] if len(without) else groups


def statement(row: dict) -> str:
    """A claim with its number, in lines that fit beside the panel."""
    return textwrap.fill(f"({row['claim']}) {row['statement']}", LETTERS)


def _lines(group: pd.DataFrame) -> list[int]:
    return [statement(row).count("\n") + 1 for row in group.to_dict("records")]


def _height(group: pd.DataFrame) -> float:
    return sum(LINE * lines + ROW for lines in _lines(group))


def _panel(axis: Axes, unit: str | None, group: pd.DataFrame, height: float) -> None:
    """One row a claim, as high as its statement; y in inches from the top."""
    edge, places = 0.0, []
    for row, lines in zip(group.to_dict("records"), _lines(group)):
        size = LINE * lines + ROW
        at = edge + size / 2
        places.append(at)
        edge += size
        look = LOOKS[row["verdict"]]
        if unit is None:
            axis.plot([0], [at], look.marker, color=look.colour, markersize=4.5)
            continue
        axis.plot([row["ci_low"], row["ci_high"]], [at, at], color=look.colour, linewidth=1.2)
        axis.plot([row["effect"]], [at], look.marker, color=look.colour, markersize=4.5)
        beside = axis.get_yaxis_transform()
        axis.text(1.03, at, _numbers(row), transform=beside, va="center", fontsize=7.5)
    axis.set_ylim(height, 0)
    axis.set_yticks(places, [statement(row) for row in group.to_dict("records")])
    axis.tick_params(axis="y", length=0)
    axis.grid(False, axis="y")
    if unit is None:
        axis.set_xticks([])
        axis.spines[:].set_visible(False)
        return
    axis.axvline(0, color=BLACK, linewidth=0.8)
    axis.margins(x=0.08)
    axis.locator_params(axis="x", nbins=5)
    axis.set_xlabel(f"effect ({unit})")


def _numbers(row: dict) -> str:
    """Adjusted p and the number of seeds, those that are known."""
    parts = []
    if not pd.isna(row["p_adjusted"]):
        parts.append(p_value(row["p_adjusted"]))
    if not pd.isna(row["n_seeds"]):
        parts.append(f"n = {int(row['n_seeds'])}")
    return ", ".join(parts)


def p_value(p: float) -> str:
    """E.g. `p = 0.03`, `p < 0.001`."""
    return "p < 0.001" if p < 0.001 else f"p = {number(p, 3 if p < 0.01 else 2)}"


def caption(claims: pd.DataFrame) -> str:
    """How many claims have which verdict, and which they are."""
    claims = judged(claims)
    n_seeds = claims.loc[claims["verdict"] != UNTESTED, "n_seeds"].dropna().astype(int)
    seeds = f", over {seeds_range(n_seeds)}" if len(n_seeds) else ""
    verdicts = [
        f"{len(group)} {verdict} ({listed(group['claim'])})"
        for verdict, group in ((one, claims[claims["verdict"] == one]) for one in LOOKS)
        if len(group)
    ]
    return (
        f"Every claim with its effect and 95 % interval{seeds}, each in the unit of its panel; "
        "p is adjusted for the number of claims, n the number of seeds. Of "
        f"{counted(len(claims), 'claim')}, {listed(verdicts)}."
    )

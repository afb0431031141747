"""Arms of the experiments: which runs they are, what they are called, how they are drawn.

An arm is all that runs have in common but the seed. Tables are `runs` and `convergence`, as
`evaluation.tables.read_tidy` gives; accuracies there are fractions, here points.
"""

from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from sgns_study.evaluation.vectors import Estimate, estimate
from sgns_study.figures.style import BLACK, COLOURS, Look, nth_look
from sgns_study.figures.wording import MISSING, change, seeds_range

ARM = ["init", "recipe", "radius", "scale", "dim"]
PAIR = ["documents", "dim", "seed"]
CONV1D = "conv1d"
INITS = {
    "pretrained": Look("pretrained", COLOURS[0], "o", "-"),
    "shuffled": Look("shuffled", COLOURS[1], "s", "-"),
    "random_matched": Look("random, matched", COLOURS[2], "^", "-"),
    "random": Look("random", BLACK, "x", ":"),
    "frozen": Look("frozen", COLOURS[3], "D", "-"),
    "frozen_random": Look("frozen random", BLACK, "+", ":"),
}
FROM_VECTORS = ("pretrained", "shuffled", "random_matched", "frozen")


def plain(runs: pd.DataFrame) -> pd.DataFrame:
    """Runs of the lab's classifier on all documents from tables at the scale they come with."""
    conv1d = runs["classifier"] == CONV1D
    return runs[conv1d & runs["scale"].isna() & runs["documents"].isna()]


def matching(runs: pd.DataFrame, keys: Sequence[str], values: Iterable[Hashable]) -> pd.DataFrame:
    """The runs with these values of keys; a missing value matches missing ones."""
    for key, value in zip(keys, values):
        runs = runs[runs[key].isna() if pd.isna(value) else (runs[key] == value).fillna(False)]
    return runs


def arms_of(runs: pd.DataFrame) -> pd.DataFrame:
    """The distinct arms, (init, recipe, radius, scale, dim): those from vectors first."""
    arms = runs[ARM].drop_duplicates()
    order = {init: i for i, init in enumerate(INITS)}
    arms = arms.assign(order=arms["init"].map(order))
    ordered = arms.sort_values(["order", *ARM], ignore_index=True, na_position="first")
    return ordered[ARM]


def arm_names(arms: pd.DataFrame) -> list[str]:
    """Arms in words, e.g. `pretrained (lab), R = 5`: radius and dimension only where they vary."""
    several = {key: arms[key].dropna().nunique() > 1 for key in ("radius", "dim")}
    names = []
    for arm in arms.to_dict("records"):
        text = INITS[arm["init"]].label + (f" ({arm['recipe']})" if arm["recipe"] else "")
        parts = {"radius": f"R = {arm['radius']}", "dim": f"d = {arm['dim']}"}
        shown = [parts[key] for key in parts if several[key] and not pd.isna(arm[key])]
        if "scale" in arms and not pd.isna(arm["scale"]):
            shown.append(f"sd {arm['scale']:g}")
        names.append(", ".join([text, *shown]))
    return names


def arm_looks(arms: pd.DataFrame) -> list[Look]:
    """A look for every arm; those from no vectors are black."""
    names, looks, coloured, black = arm_names(arms), [], 0, 0
    for name, init in zip(names, arms["init"]):
        if init in FROM_VECTORS:
            looks.append(nth_look(coloured, name))
            coloured += 1
        else:
            line = (":", (0, (4, 1, 1, 1)), (0, (8, 2)))[black % 3]
            looks.append(Look(name, BLACK, ("x", "+", "1")[black % 3], line))
            black += 1
    return looks


def place(arms: pd.DataFrame) -> str:
    """Radius and dimension, where all arms have the same, e.g. ` at R = 5, d = 128`."""
    signs = {"radius": "R", "dim": "d"}
    shared = [
        f"{sign} = {arms[key].dropna().iloc[0]}"
        for key, sign in signs.items()
        if arms[key].dropna().nunique() == 1
    ]
    return f" at {', '.join(shared)}" if shared else ""


def accuracy(runs: pd.DataFrame, split: str = "test") -> Estimate:
    """Mean accuracy over runs in percent, with its 95 % t interval."""
    return estimate(100 * runs[f"{split}_accuracy"])


def gain(first: pd.DataFrame, second: pd.DataFrame, split: str = "test") -> Estimate:
    """Accuracy of `first` minus that of `second` in points, paired by documents, dim and seed."""
    column = f"{split}_accuracy"
    both = first[[*PAIR, column]].merge(second[[*PAIR, column]], on=PAIR)
    return estimate(100 * (both[f"{column}_x"] - both[f"{column}_y"]))


def worded(found: Estimate) -> str:
    """A gain with its interval, e.g. `+3.2 (+2.5 to +3.9)`; a dash where no run is paired."""
    return MISSING if pd.isna(found.mean) else change(*found[:3])


def seeds_spread(n_seeds: Iterable[int]) -> str:
    """What points, markers and bars are, with the number of seeds."""
    counts = list(n_seeds)
    if max(counts) == 1:
        return "Markers: the one seed, so no interval can be given."
    spread = "Small points: seeds; markers: their mean; bars: its 95 % t interval"
    return f"{spread} ({seeds_range(counts)})."


def draw_row(axis: Axes, values: pd.Series, found: Estimate, at: float, look: Look) -> None:
    """A row: small points for the seeds; below them marker and bar for mean and interval."""
    if found.n > 1:
        seeds = [at - 0.24] * len(values)
        axis.plot(values, seeds, ".", color=look.colour, markersize=2.5)
        axis.plot([found.low, found.high], [at, at], color=look.colour, linewidth=1.2)
    axis.plot([found.mean], [at], look.marker, color=look.colour, markersize=4.5)


def draw_line(
    axis: Axes, places: Sequence[float], found: Sequence[Estimate], look: Look, **line: Any
) -> None:
    """Means joined, at `places`, with a band for their intervals where there are any."""
    drawn: dict[str, Any] = {"color": look.colour, "marker": look.marker, "linestyle": look.line}
    axis.plot(places, [one.mean for one in found], **drawn | line)
    low, high = [one.low for one in found], [one.high for one in found]
    axis.fill_between(places, low, high, color=look.colour, alpha=0.15, linewidth=0)

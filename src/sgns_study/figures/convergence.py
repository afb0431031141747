"""How fast classifiers get to their level: epochs, run by run, on validation and on training."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from sgns_study.evaluation.convergence import against, restricted
from sgns_study.evaluation.vectors import estimate
from sgns_study.figures.arms import ARM, arm_names, arms_of, matching, plain
from sgns_study.figures.style import BLACK, COLOURS, WIDTH, Look, legend
from sgns_study.figures.wording import change, counted, listed, seeds_range, signed, span

ALT = "Epochs to 95 % of the best accuracy, on validation and on training, one row a classifier"
SPLITS = {"validation": "validation", "train": "training"}
MEASURES = {"epochs_to_own": "own level", "epochs_to_common": "common level"}
SHOWN = ("pretrained", "random")
SIDE = 0.22  # epochs that the points of seeds are apart at most from where they belong
LOOKS = {
    "pretrained": Look("pretrained", COLOURS[0], "o", ""),
    "random": Look("random", BLACK, "x", ""),
}


def draw(table: pd.DataFrame) -> Figure:
    """Epochs to the own over epochs to the common level; left validation, right training."""
    rows = shown(table)
    arms = arms_of(rows).sort_values("dim", kind="stable")  # beside the random start of its dim
    height = 2 * (0.45 + 0.2 * max(len(arms), 3)) + 0.4
    figure = Figure(figsize=(WIDTH, min(height, 9.0)))
    axes = figure.subplots(2, 2, sharex=True, sharey=True)
    for across, (measure, level) in zip(axes, MEASURES.items()):
        for axis, (split, name) in zip(across, SPLITS.items()):
            here = rows[(rows["measure"] == measure) & (rows["split"] == split)]
            for at, arm in enumerate(arms.itertuples(index=False)):
                _row(axis, matching(here, ARM, arm), at, LOOKS[arm.init])
            axis.set_title(f"{name}, {level}")
            axis.grid(False, axis="y")
    for axis in axes[1]:
        axis.set_xlabel("epochs")
    axes[0, 0].set_yticks(range(len(arms)), arm_names(arms))
    axes[0, 0].set_ylim(len(arms) - 0.4, -0.6)
    _epochs(axes[0, 0], rows)
    legend(figure, _handles(rows))
    return figure


def shown(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of plain runs from trained and from random vectors, one measure of MEASURES each."""
    rows = plain(table)
    return rows[rows["init"].isin(SHOWN) & rows["measure"].isin(MEASURES)]


def _row(axis: Axes, rows: pd.DataFrame, at: int, look: Look) -> None:
    """Above, a point a seed, hollow where censored; below, the restricted mean and interval.

    Epochs are whole, so points that would cover each other stand side by side.
    """
    if rows.empty:
        return
    times = restricted(rows["value"], rows["epochs"])
    found = estimate(pd.Series(times))
    if found.n > 1:
        beside = times + np.linspace(-SIDE, SIDE, len(times))
        for reached, style in ((~rows["censored"], look.colour), (rows["censored"], "none")):
            points = beside[reached.to_numpy(bool)]
            drawn: dict[str, Any] = {
                "markersize": 2,
                "markeredgewidth": 0.6,
                "markerfacecolor": style,
            }
            axis.plot(points, [at - 0.24] * len(points), "o", color=look.colour, **drawn)
        axis.plot([found.low, found.high], [at + 0.1] * 2, color=look.colour, linewidth=1.0)
    face = "none" if rows["censored"].all() else look.colour
    mean: dict[str, Any] = {"color": look.colour, "markersize": 4.5, "markerfacecolor": face}
    axis.plot([found.mean], [at + 0.1], look.marker, **mean)


def _epochs(axis: Axes, rows: pd.DataFrame) -> None:
    """Ticks at whole epochs; one more epoch stands for "not reached" where any run is censored."""
    epochs = int(rows["epochs"].max())
    whole = MaxNLocator(5, integer=True, steps=[1, 2, 5, 10]).tick_values(0, epochs)
    censored = rows["censored"].any()
    last = 0.9 * epochs if censored else epochs  # so that no tick is beside that of the censored
    ticks = {tick: f"{tick:g}" for tick in whole if 0 <= tick <= last}
    ticks |= {epochs + 1: f">{epochs}"} if censored else {}
    low, high = axis.get_xlim()
    axis.set_xticks(list(ticks), list(ticks.values()))
    axis.set_xlim(min(low, 0.5), high)  # ticks beyond what is drawn do not widen it


def _handles(rows: pd.DataFrame) -> list[Line2D]:
    handles = [look.handle() for init, look in LOOKS.items() if init in set(rows["init"])]
    if rows["censored"].any():
        hollow: dict[str, Any] = {
            "marker": "o",
            "color": BLACK,
            "markerfacecolor": "none",
            "linestyle": "",
        }
        handles.append(Line2D([], [], label="not reached", **hollow))
    return handles


def caption(table: pd.DataFrame) -> str:
    """How often and by how many epochs pretrained runs are earlier than their random ones."""
    rows = shown(table)
    one = rows[(rows["measure"] == "epochs_to_own") & (rows["split"] == rows["split"].iloc[0])]
    n_seeds = one.groupby(ARM, dropna=False).size()
    spread = (
        f"Small points: seeds, side by side; markers: their mean; bars: its 95 % t interval "
        f"({seeds_range(n_seeds)})"
        if n_seeds.max() > 1
        else "Markers: the one seed, so no interval can be given"
    )
    findings = [_finding(rows, measure, split) for split in SPLITS for measure in MEASURES]
    found = [finding for finding in findings if finding]
    told = (
        f"Pretrained against random runs of the same dimension and seed: {'; '.join(found)}."
        if found
        else "There are no pairs of a pretrained and a random run."
    )
    return (
        "Epochs until a classifier first has 95 % of its own best accuracy (own level), and 95 % "
        "of the smallest best accuracy of the runs compared with the same dimension and seed "
        f"(common level). Training accuracy is the running mean while training. {spread}. "
        f"{_censored(rows)}{told}"
    )


def _censored(rows: pd.DataFrame) -> str:
    count = int(rows["censored"].sum())
    if not count:
        return "All levels drawn were reached. "
    late = listed(sorted({int(epochs) + 1 for epochs in rows.loc[rows["censored"], "epochs"]}))
    return (
        f"{counted(count, 'time')} of {len(rows)} not reached in the epochs trained (hollow) "
        f"{'counts' if count == 1 else 'count'} as {late} epochs in means. "
    )


def _finding(rows: pd.DataFrame, measure: str, split: str) -> str:
    """Pairs won, lost and tied, and the range of the variants' mean differences."""
    found = against(rows, measure, split)
    found = found[found["init"] == "pretrained"]
    if found.empty:
        return ""
    faster, slower, ties = (int(found[key].sum()) for key in ("faster", "slower", "ties"))
    if len(found) == 1:
        row = found.iloc[0]
        size = change(row["epochs"], row["epochs_low"], row["epochs_high"])
    else:
        size = span(list(found["epochs"]), signed)
    return (
        f"on {SPLITS[split]}, to the {MEASURES[measure]}, earlier in {faster}, later in {slower} "
        f"and the same in {ties} of {counted(faster + slower + ties, 'pair')}, the mean difference "
        f"{size} epochs"
    )

"""Few labels: accuracy against the number of labelled documents, and what pretraining adds."""

import math

import pandas as pd
from matplotlib.figure import Figure

from sgns_study.evaluation.vectors import Estimate
from sgns_study.figures.arms import (
    ARM,
    CONV1D,
    accuracy,
    arm_looks,
    arm_names,
    arms_of,
    draw_line,
    gain,
    matching,
    place,
    worded,
)
from sgns_study.figures.style import BLACK, legend, panels
from sgns_study.figures.wording import listed, seeds_range, whole

ALT = "Test accuracy, and its gain over a random start, against the number of labelled documents"
APART = 0.45  # decades from the largest number of documents to the place of all

Size = int | None  # None: all


def draw(runs: pd.DataFrame) -> Figure:
    """Test accuracy over its gain over random, a line an arm, against labelled documents."""
    tried = limited(runs)
    arms, sizes = arms_of(tried), sizes_of(tried)
    places: dict[Size, float] = {size: math.log10(size) for size in sizes if size is not None}
    if None in sizes:
        places[None] = max(places.values()) + APART
    figure, axes = panels(2, 1)
    figure.set_figheight(4.8)
    looks = arm_looks(arms)
    for arm, look in zip(arms.itertuples(index=False), looks):
        found = {size: accuracy(of_size(matching(tried, ARM, arm), size)) for size in sizes}
        gains = {} if is_reference(arm) else gains_of(tried, arm)
        for axis, estimates in zip(axes[:, 0], (found, gains)):
            shown = {places[size]: one for size, one in estimates.items() if one.n}
            draw_line(axis, list(shown), list(shown.values()), look)
    axes[1, 0].axhline(0, color=BLACK, linewidth=0.8)
    axes[1, 0].set_xticks(
        list(places.values()), ["all" if size is None else whole(size) for size in places]
    )
    axes[1, 0].set_xlabel("labelled training documents")
    axes[0, 0].set_ylabel("test\naccuracy (%)")
    axes[1, 0].set_ylabel("gain over random\n(points)")
    legend(figure, [look.handle() for look in looks])
    return figure


def limited(runs: pd.DataFrame) -> pd.DataFrame:
    """Runs of the lab's classifier in arms that were trained on fewer documents, and on all."""
    runs = runs[runs["classifier"] == CONV1D]
    arms = runs.loc[runs["documents"].notna(), ARM].drop_duplicates()
    return runs.merge(arms, on=ARM)


def sizes_of(tried: pd.DataFrame) -> list[Size]:
    """Numbers of labelled documents, all of them last."""
    few: list[Size] = [int(size) for size in sorted(tried["documents"].dropna().unique())]
    return [*few, None] if tried["documents"].isna().any() else few


def of_size(runs: pd.DataFrame, size: Size) -> pd.DataFrame:
    """The runs with a number of labelled documents; None: with all."""
    return matching(runs, ["documents"], [size])


def is_reference(arm: tuple) -> bool:
    """Whether an arm is the random start as it is."""
    init, _, _, scale, _ = arm
    return bool(init == "random" and pd.isna(scale))


def gains_of(tried: pd.DataFrame, arm: tuple) -> dict[Size, Estimate]:
    """The gain of an arm over the random start, paired by seed, at each size that both have."""
    random = tried[(tried["init"] == "random") & tried["scale"].isna()]
    own = matching(tried, ARM, arm)
    found = {size: gain(of_size(own, size), of_size(random, size)) for size in sizes_of(tried)}
    return {size: one for size, one in found.items() if one.n}


def caption(runs: pd.DataFrame) -> str:
    """For each arm its gain at the fewest and the most documents, and where it is beyond doubt."""
    tried = limited(runs)
    arms = arms_of(tried)
    n_seeds = tried.groupby([*ARM, "documents"], dropna=False).size()
    band = (
        f"Lines: mean over {seeds_range(n_seeds)}; bands: its 95 % t interval"
        if n_seeds.max() > 1
        else "Lines: one seed each, so no interval can be given"
    )
    findings = []
    for name, arm in zip(arm_names(arms), arms.itertuples(index=False)):
        gains = {} if is_reference(arm) else gains_of(tried, arm)
        if gains:
            findings.append(f"{name}: {_finding(gains)}")
    text = (
        f"Test accuracy against labelled training documents{place(arms)} (above), and the gain "
        f"over the random start with the same documents, paired by seed (below). {band}."
    )
    if not findings:
        return f"{text} No arm can be held against a random start."
    return f"{text} Gains in points. {'. '.join(_capital(finding) for finding in findings)}."


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _finding(gains: dict[Size, Estimate]) -> str:
    """The gain at both ends, and the sizes at which its interval is above or below zero."""
    ends = [next(iter(gains)), list(gains)[-1]] if len(gains) > 1 else list(gains)
    text = listed(f"{worded(gains[size])} with {_name(size)}" for size in ends)
    if not any(one.n > 1 for one in gains.values()):
        return text
    above = [_name(size) for size, one in gains.items() if one.low > 0]
    below = [_name(size) for size, one in gains.items() if one.high < 0]
    pays = f"pays (interval above zero) with {listed(above)}" if above else "pays nowhere for sure"
    return f"{text}; {pays}" + (f", costs with {listed(below)}" if below else "")


def _name(size: Size) -> str:
    return "all" if size is None else whole(size)

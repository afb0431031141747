"""Few labels: accuracy against the number of labelled documents, and what pretraining adds."""

import math
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from sgns_study.evaluation.vectors import Estimate
from sgns_study.figures.plotting import (
    BLACK,
    VARIANT,
    accuracy,
    draw_series,
    gain,
    legend,
    matching,
    panels,
    seeds_of,
    shared_settings,
    variant_looks,
    variant_names,
    variants_of,
)
from sgns_study.figures.wording import whole

ALT = "Test accuracy, and its gain over a random start, against the number of labelled documents"
APART = 0.45  # decades from the largest number of documents to the place of all

Size = int | None  # None: all


def draw(runs: pd.DataFrame) -> Figure:
    """Test accuracy over its gain over random, a line a variant, against labelled documents."""
    tried = limited(runs)
    variants, sizes = variants_of(tried), sizes_of(tried)
    places = {size: math.log10(size) for size in sizes if size is not None}
    places |= {None: max(places.values()) + APART} if None in sizes else {}
    looks = variant_looks(variants)
    figure, axes = panels(2, 1)
    figure.set_figheight(4.8)
    for variant, look in zip(variants.itertuples(index=False), looks):
        own = matching(tried, VARIANT, variant)
        reached = {size: accuracy(of_size(own, size)) for size in sizes}
        for axis, found in zip(axes[:, 0], (reached, gains_of(tried, own))):
            shown = {places[size]: one for size, one in found.items() if one.n}
            draw_series(axis, shown, look, band=True)
    above, below = axes[:, 0]
    below.axhline(0, color=BLACK, linewidth=0.8)
    below.set_xticks(list(places.values()), [name_of(size) for size in places])
    below.set_xlabel("labelled training documents")
    above.set_ylabel("test\naccuracy (%)")
    below.set_ylabel("gain over random\n(points)")
    legend(figure, looks)
    return figure


def limited(runs: pd.DataFrame) -> pd.DataFrame:
    """Runs of the lab's classifier in the variants that were trained on fewer documents too."""
    runs = runs[runs["classifier"] == "conv1d"]
    variants = runs.loc[runs["documents"].notna(), VARIANT].drop_duplicates()
    return runs.merge(variants, on=VARIANT)


def sizes_of(tried: pd.DataFrame) -> list[Size]:
    """Numbers of labelled documents, all of them last."""
    few: list[Size] = [int(size) for size in sorted(tried["documents"].dropna().unique())]
    return [*few, None] if tried["documents"].isna().any() else few


def of_size(runs: pd.DataFrame, size: Size) -> pd.DataFrame:
    """The runs with a number of labelled documents; None: with all."""
    return matching(runs, ["documents"], [size])


def name_of(size: Size) -> str:
    """E.g. `1,000`, or `all`."""
    return "all" if size is None else whole(size)


def gains_of(tried: pd.DataFrame, own: pd.DataFrame) -> dict[Size, Estimate]:
    """The gain of a variant's runs over the random start, paired by seed, at sizes both have.

    The random start as it is has none.
    """
    random = tried[(tried["init"] == "random") & tried["scale"].isna()]
    if own.index.isin(random.index).any():
        return {}
    found = {size: gain(of_size(own, size), of_size(random, size)) for size in sizes_of(tried)}
    return {size: one for size, one in found.items() if one.n}


def caption(runs: pd.DataFrame) -> dict[str, Any]:
    """For each variant its gain at the fewest and most documents, and where it is beyond doubt."""
    tried = limited(runs)
    variants = variants_of(tried)
    findings = []
    for name, variant in zip(variant_names(variants), variants.itertuples(index=False)):
        gains = gains_of(tried, matching(tried, VARIANT, variant))
        ends = [size for i, size in enumerate(gains) if i in (0, len(gains) - 1)]
        if gains:
            findings.append(
                {
                    "name": name[0].upper() + name[1:],
                    "ends": {name_of(size): gains[size] for size in ends},
                    "pays": [name_of(size) for size, found in gains.items() if found.low > 0],
                    "costs": [name_of(size) for size, found in gains.items() if found.high < 0],
                }
            )
    return {
        "settings": shared_settings(variants),
        "n_seeds": seeds_of(tried, [*VARIANT, "documents"]),
        "findings": findings,
    }

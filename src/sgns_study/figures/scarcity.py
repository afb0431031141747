"""Few labels: accuracy against the number of labelled documents, and what pretraining adds."""

import math
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from sgns_study import plan
from sgns_study.evaluation.vectors import Estimate
from sgns_study.figures import plotting
from sgns_study.figures.baselines import NAMES
from sgns_study.figures.wording import whole

GREY = "#777777"
ALL = math.inf  # documents of runs that are trained on all, as the table of runs is read here
BESIDE = 0.03  # decades between variants
APART = 0.45  # decades from the largest number of documents to the place of all


def draw(runs: pd.DataFrame) -> Figure:
    """Test accuracy over its gain over random, a line a variant, against labelled documents.

    Above also the baselines on text. Below variants stand a little beside each other.
    """
    tried = limited(runs)
    variants = plotting.by_variant(tried)
    looks = plotting.variant_looks(variants)
    sizes = sorted(tried["documents"].unique())
    places = {size: math.log10(size) for size in sizes if size != ALL}
    places |= {ALL: max(places.values()) + APART} if ALL in sizes else {}
    figure, axes = plotting.panels(2, 1)
    above, below = axes[:, 0]
    figure.set_figheight(4.8)
    for i, (own, look) in enumerate(zip(variants.values(), looks)):
        means = 100 * own.groupby("documents")["test_accuracy"].mean()
        above.plot([places[size] for size in means.index], means, linewidth=1, **look)
        aside = BESIDE * (i - (len(looks) - 1) / 2)
        gains = {places[size] + aside: one for size, one in gains_of(tried, own).items()}
        if gains:
            plotting.draw_series(below, gains, look)
    beside = plotting.swept(
        runs[runs["classifier"].isin(plan.ON_TEXT)], "documents", ["classifier"]
    )
    for (name, own), line in zip(beside.groupby("classifier"), plotting.LINES[1:]):
        found = 100 * own.groupby("documents")["test_accuracy"].mean()
        looks.append(plotting.look(NAMES[str(name)], GREY, line=line))
        above.plot([places[size] for size in found.index], found, linewidth=0.8, **looks[-1])
    below.axhline(0, color=plotting.BLACK, linewidth=0.8)
    below.set_xticks(list(places.values()), [name_of(size) for size in places])
    above.set_ylabel("test\naccuracy (%)")
    below.set(xlabel="labelled training documents", ylabel="gain over random\n(points)")
    plotting.legend(figure, looks)
    return figure


def limited(runs: pd.DataFrame) -> pd.DataFrame:
    """Runs of the lab's classifier in the variants that were trained on fewer documents too."""
    return plotting.swept(runs[runs["classifier"] == "conv1d"], "documents", plotting.VARIANT)


def name_of(documents: float) -> str:
    """E.g. `1,000`, or `all`."""
    return "all" if documents == ALL else whole(int(documents))


def gains_of(tried: pd.DataFrame, own: pd.DataFrame) -> dict[float, Estimate]:
    """The gain of a variant over the random start, paired by seed, by documents that both have.

    Of random starts of several scales it is that with the best mean validation accuracy with as
    many documents. They themselves have no gain.
    """
    starts = tried[tried["init"] == "random"]
    if starts.empty or own["init"].iloc[0] == "random":
        return {}
    means = starts.groupby(["documents", "scale"], dropna=False)["validation_accuracy"].mean()
    best = means.groupby("documents").idxmax().tolist()
    random = starts.merge(pd.DataFrame(best, columns=["documents", "scale"]))
    found = {size: plotting.gain(group, random) for size, group in own.groupby("documents")}
    return {size: one for size, one in found.items() if one.n}


def caption(runs: pd.DataFrame) -> dict[str, Any]:
    """The variant and the number of documents with the largest gain over the random start."""
    tried = limited(runs)
    gains = {
        f"{name} with {name_of(size)}": found
        for name, own in plotting.by_variant(tried).items()
        for size, found in gains_of(tried, own).items()
    }
    return {
        "settings": plotting.shared_settings(tried),
        "n_seeds": plotting.seeds_of(tried, [*plotting.VARIANT, "documents"]),
        "largest": max(gains.items(), key=lambda one: one[1].mean, default=None),
    }

"""Where the classifiers stand: beside simple baselines."""

from typing import Any, get_args

import pandas as pd
from matplotlib.figure import Figure

from sgns_study.figures import plotting
from sgns_study.figures.wording import plus_minus
from sgns_study.params import BaselineKind

NAMES = {
    "conv1d": "Conv1d",
    "large": "large Conv1d",
    "tfidf_lr": "tf-idf, logistic regression",
    "nbsvm": "NB-SVM",
    "mean_lr": "mean vector, logistic regression",
}
BASELINES = get_args(BaselineKind)
MAJORITY = "majority"  # so far below that it is told, not drawn
CONTROLS = ("shuffled", "random_matched", "frozen_random")  # have a figure of their own
LOOKS = {
    True: plotting.look("Conv1d", plotting.COLOURS[0], "o"),
    False: plotting.look("baselines", plotting.COLOURS[1], "s"),
}


def draw(runs: pd.DataFrame) -> Figure:
    """One row a classifier, the best first, with seeds, mean, interval and the mean in digits."""
    entries = entries_of(runs)
    figure, axes = plotting.row_panels(list(entries), 1, 1)
    axis = axes[0, 0]
    for at, own in enumerate(entries.values()):
        plotting.draw_row(axis, 100 * own["test_accuracy"], at, LOOKS[is_network(own)])
        found = plotting.accuracy(own)
        digits = plus_minus(found.mean, (found.high - found.low) / 2)
        axis.text(1.01, at, digits, transform=axis.get_yaxis_transform(), va="center", fontsize=8.5)
    axis.set_xlabel("test accuracy (%)")
    plotting.legend(figure, LOOKS.values())
    return figure


def entries_of(runs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Runs by name: of each baseline, initial embedding and recipe the variant best on validation.

    On all labelled documents; from highest to lowest test accuracy.
    """
    shown = runs[~runs["init"].isin(CONTROLS) & (runs["classifier"] != MAJORITY)]
    return {name_of(own): own for own in best_variants(shown)}


def best_variants(runs: pd.DataFrame) -> list[pd.DataFrame]:
    """Of each classifier and start, on all documents, the runs of one radius, scale and dimension.

    They are those of highest mean validation accuracy, from highest to lowest test accuracy.
    """
    whole = runs[runs["documents"].isna()]
    best = []
    for _, kind in whole.groupby(["classifier", "init", "recipe"]):
        variants = [own for _, own in kind.groupby([*plotting.SIGNS], dropna=False)]
        best.append(max(variants, key=on_validation))
    return sorted(best, key=lambda own: -own["test_accuracy"].mean())


def on_validation(own: pd.DataFrame) -> float:
    """Mean validation accuracy, by which what is best is told before the test."""
    return own["validation_accuracy"].fillna(-1).mean()


def is_network(own: pd.DataFrame) -> bool:
    """Whether the runs are of a Conv1d."""
    return own["classifier"].iloc[0] not in BASELINES


def name_of(own: pd.DataFrame) -> str:
    """E.g. `Conv1d, pretrained (lab), R = 5, d = 256, sd 0.1`."""
    run, shown = own.iloc[0], ["recipe", *plotting.SIGNS]
    name = NAMES.get(run["classifier"], run["classifier"])
    if is_network(own):
        return f"{name}, {plotting.label({**run, 'init': plotting.init_name(own)}, shown)}"
    return plotting.label({**run, "init": name}, shown)


def caption(runs: pd.DataFrame) -> dict[str, Any]:
    """The Conv1d and the baseline best on validation, and their difference paired by seed.

    A baseline without vectors has no dimension to pair by.
    """
    entries = entries_of(runs)
    ranked = sorted(entries, key=lambda name: on_validation(entries[name]), reverse=True)
    first = {is_network(entries[name]): name for name in reversed(ranked)}  # the best is the last
    best = {first[kind]: entries[first[kind]] for kind in LOOKS if kind in first}
    pair = list(best.values())
    return {
        "n_seeds": [len(own) for own in entries.values()],
        "best": {name: plotting.accuracy(own).mean for name, own in best.items()},
        "gain": plotting.gain(pair[0], pair[1], by=["seed"]) if len(pair) > 1 else None,
        "majority": runs.loc[runs["classifier"] == MAJORITY, "test_accuracy"].mean(),
    }

"""Where the classifiers stand: beside simple baselines."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from sgns_study.figures.plotting import (
    COLOURS,
    INITS,
    SIGNS,
    Look,
    accuracy,
    draw_row,
    gain,
    label,
    legend,
    matching,
    row_panels,
)
from sgns_study.figures.wording import plus_minus

ALT = "Test accuracy of the best classifier of each kind and of baselines, from best to worst"
NAMES = {
    "conv1d": "Conv1d",
    "large": "large Conv1d",
    "tfidf_lr": "tf-idf, logistic regression",
    "nbsvm": "NB-SVM",
    "mean_lr": "mean vector, logistic regression",
}
NETWORKS = ("conv1d", "large")
MAJORITY = "majority"  # so far below that it is told, not drawn
CONTROLS = ("shuffled", "random_matched", "frozen_random")  # have a figure of their own
LOOKS = {True: Look("Conv1d", COLOURS[0], "o"), False: Look("baselines", COLOURS[1], "s")}


def draw(runs: pd.DataFrame) -> Figure:
    """One row a classifier, the best first, with seeds, mean, interval and the mean in digits."""
    entries = entries_of(runs)
    figure, axes = row_panels(list(entries), 1, 1)
    axis = axes[0, 0]
    for at, best in enumerate(entries.values()):
        found = accuracy(best)
        draw_row(axis, 100 * best["test_accuracy"], at, LOOKS[is_network(best)])
        digits = plus_minus(found.mean, (found.high - found.low) / 2)
        place = {"xycoords": ("axes fraction", "data"), "va": "center", "fontsize": 7.5}
        axis.annotate(digits, (1.01, at), **place)
    axis.set_xlabel("test accuracy (%)")
    legend(figure, LOOKS.values())
    return figure


def entries_of(runs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Runs by name: of each baseline, initial embedding and recipe the variant best on validation.

    On all labelled documents; from highest to lowest test accuracy.
    """
    whole = runs[runs["documents"].isna() & ~runs["init"].isin(CONTROLS)]
    groups = whole[whole["classifier"] != MAJORITY].groupby(["classifier", "init", "recipe"])
    best = [best_variant(group) for _, group in groups]
    entries = {name_of(rows.iloc[0]): rows for rows in best}
    return dict(sorted(entries.items(), key=lambda entry: (-accuracy(entry[1]).mean, entry[0])))


def best_variant(group: pd.DataFrame) -> pd.DataFrame:
    """The runs of the radius, scale and dimension of highest mean validation accuracy."""
    keys = list(SIGNS)
    means = group.groupby(keys, dropna=False)["validation_accuracy"].mean()
    return matching(group, keys, means.index[means.fillna(-1).argmax()])


def is_network(runs: pd.DataFrame) -> bool:
    """Whether the runs are of a Conv1d."""
    return runs["classifier"].iloc[0] in NETWORKS


def name_of(run: pd.Series) -> str:
    """E.g. `Conv1d, pretrained (lab), R = 5, d = 256, sd 0.1`."""
    classifier = NAMES.get(run["classifier"], run["classifier"])
    shown = ["recipe", *SIGNS]
    if run["classifier"] in NETWORKS:
        return f"{classifier}, {label({**run, 'init': INITS[run['init']].label}, shown)}"
    return label({**run, "init": classifier}, shown)


def caption(runs: pd.DataFrame) -> dict[str, Any]:
    """The Conv1d and the baseline best on validation, and their difference paired by seed."""
    entries = entries_of(runs)
    best = {}
    for network in (True, False):
        of_kind = {name: rows for name, rows in entries.items() if is_network(rows) == network}
        on_validation = {n: rows["validation_accuracy"].mean() for n, rows in of_kind.items()}
        if of_kind:
            best[network] = max(on_validation, key=on_validation.__getitem__)
    both = [entries[name] for name in best.values()]
    majority = runs.loc[runs["classifier"] == MAJORITY, "test_accuracy"]
    return {
        "n_seeds": [len(rows) for rows in entries.values()],
        "best": {name: accuracy(rows).mean for name, rows in zip(best.values(), both)},
        "gain": gain(*both, by=["seed"]) if len(both) > 1 else None,
        "majority": majority.mean(),
    }

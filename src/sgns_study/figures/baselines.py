"""Where the classifiers stand: beside simple baselines."""

from typing import NamedTuple

import pandas as pd
from matplotlib.figure import Figure

from sgns_study.evaluation.vectors import Estimate, estimate
from sgns_study.figures.arms import INITS, accuracy, draw_row, matching, seeds_spread, worded
from sgns_study.figures.style import COLOURS, WIDTH, Look, legend
from sgns_study.figures.wording import listed, number, percent, plus_minus

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
VARIANT = ["radius", "scale", "dim"]
LOOKS = {
    True: Look("Conv1d", COLOURS[0], "o", ""),
    False: Look("baselines", COLOURS[1], "s", ""),
}


class Entry(NamedTuple):
    """A classifier, its runs, and what they reach on test."""

    name: str
    classifier: str
    runs: pd.DataFrame
    reached: Estimate


def draw(runs: pd.DataFrame) -> Figure:
    """One row a classifier, the best first, with seeds, mean, interval and the mean in digits."""
    entries = entries_of(runs)
    figure = Figure(figsize=(WIDTH, min(0.9 + 0.21 * max(len(entries), 3), 9.0)))
    axis = figure.subplots()
    for at, entry in enumerate(entries):
        look = LOOKS[entry.classifier in NETWORKS]
        values = 100 * entry.runs["test_accuracy"]
        draw_row(axis, values, entry.reached, at, look)
        axis.annotate(
            _digits(entry),
            (1.01, at),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=7.5,
        )
    axis.set_yticks(range(len(entries)), [entry.name for entry in entries])
    axis.set_ylim(len(entries) - 0.4, -0.6)
    axis.grid(False, axis="y")
    axis.set_xlabel("test accuracy (%)")
    legend(figure, [look.handle() for look in LOOKS.values()])
    return figure


def _digits(entry: Entry) -> str:
    half = (entry.reached.high - entry.reached.low) / 2
    return plus_minus(entry.reached.mean, half)


def entries_of(runs: pd.DataFrame) -> list[Entry]:
    """Each baseline, and of each initial table and recipe the variant best on validation.

    On all labelled documents; from highest to lowest test accuracy.
    """
    whole = runs[runs["documents"].isna() & ~runs["init"].isin(CONTROLS)]
    entries = []
    for (classifier, init, recipe), group in whole.groupby(["classifier", "init", "recipe"]):
        if classifier != MAJORITY:
            best = best_variant(group)
            name = _name(classifier, init, recipe, best.iloc[0])
            entries.append(Entry(name, classifier, best, accuracy(best)))
    return sorted(entries, key=lambda entry: (-entry.reached.mean, entry.name))


def on_validation(entry: Entry) -> float:
    """Mean validation accuracy, by which what is best is told before the test."""
    return float(entry.runs["validation_accuracy"].mean())


def best_variant(group: pd.DataFrame) -> pd.DataFrame:
    """The runs of the radius, scale and dimension of highest mean validation accuracy."""
    means = group.groupby(VARIANT, dropna=False)["validation_accuracy"].mean()
    return matching(group, VARIANT, means.index[means.fillna(-1).argmax()])


def _name(classifier: str, init: str, recipe: str, variant: pd.Series) -> str:
    """E.g. `Conv1d, pretrained (lab), R = 5, d = 256, sd 0.1`."""
    parts = [NAMES.get(classifier, classifier)]
    if classifier in NETWORKS:
        parts.append(INITS[init].label + f" ({recipe})" * bool(recipe))
    elif recipe:
        parts[0] += f" ({recipe})"
    signs = {"radius": "R = {}", "dim": "d = {}", "scale": "sd {:g}"}
    parts += [sign.format(variant[key]) for key, sign in signs.items() if not pd.isna(variant[key])]
    return ", ".join(parts)


def caption(runs: pd.DataFrame) -> str:
    """The best classifier and the best baseline, and their difference."""
    entries = entries_of(runs)
    text = (
        "Test accuracy of the baselines and, of each initial embedding and recipe, of the Conv1d "
        "variant best on validation; at the right mean and half its 95 % interval, in percent. "
        f"{seeds_spread(entry.reached.n for entry in entries)}"
    )
    networks = [entry for entry in entries if entry.classifier in NETWORKS]
    others = [entry for entry in entries if entry.classifier not in NETWORKS]
    bests = [max(found, key=on_validation) for found in (networks, others) if found]
    named = listed(f"{best.name} ({number(best.reached.mean, 1)} %)" for best in bests)
    text += f" Best on validation: {named}."
    if len(bests) == 2:
        text += f" Conv1d minus baseline: {worded(_difference(*bests))} points."
    return f"{text}{_majority(runs)}"


def _difference(first: Entry, second: Entry) -> Estimate:
    """Paired by seed: a baseline without vectors has no dimension to pair by."""
    both = first.runs.merge(second.runs, on="seed")
    return estimate(100 * (both["test_accuracy_x"] - both["test_accuracy_y"]))


def _majority(runs: pd.DataFrame) -> str:
    found = runs.loc[runs["classifier"] == MAJORITY, "test_accuracy"]
    return f" Not drawn: the majority class, {percent(found.mean())}." if len(found) else ""

"""How well cosines of the vectors agree with people, or with the truth of the planted corpus."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sgns_study.evaluation.recipes import of_bases
from sgns_study.evaluation.vectors import (
    MODEL,
    PLANTED,
    estimate,
    main_metrics,
    models_of,
    values_of,
)
from sgns_study.figures.style import BLACK, WIDTH, Look, nth_look, vectors_label
from sgns_study.figures.wording import counted, listed, number, percent, seeds_range, span

ALT = "Scores of the word vectors on word similarity, one panel a data set, one row a model"


def draw(recipes: pd.DataFrame, vectors: pd.DataFrame) -> Figure:
    """One panel a data set; one row a model, with its seeds, their mean and its interval."""
    table = of_bases(vectors, recipes)
    metrics, models = main_metrics(table), models_of(table)
    figure = Figure(figsize=(WIDTH, min(0.75 + 0.21 * max(len(models), 3), 9.0)))
    axes = figure.subplots(1, len(metrics), squeeze=False, sharey=True)[0]
    names = {name: i for i, name in enumerate(models["recipe"].unique())}
    for axis, (key, label) in zip(axes, metrics.items()):
        for place, model in enumerate(models.to_dict("records")):
            values = values_of(table, *key).merge(pd.DataFrame([model]), on=MODEL)["value"]
            _row(axis, values, place, nth_look(names[model["recipe"]], ""))
        chance = _chance(table, key)
        if chance is not None:
            axis.axvline(chance, color=BLACK, linestyle=":", linewidth=0.9)
        axis.set_xlabel(label if key[0] == PLANTED else f"Spearman’s ρ, {label}")
        axis.grid(False, axis="y")
        axis.margins(x=0.12)
        axis.locator_params(axis="x", nbins=4)
    axes[0].set_yticks(range(len(models)), vectors_label(models))
    axes[0].set_ylim(len(models) - 0.4, -0.6)
    return figure


def _row(axis: Axes, values: pd.Series, place: int, look: Look) -> None:
    """Small points for seeds; below them marker and bar for the mean and its interval."""
    found = estimate(values)
    if found.n > 1:
        above = [place - 0.2] * len(values)
        axis.plot(values, above, ".", color=look.colour, markersize=2.5)
        axis.plot([found.low, found.high], [place, place], color=look.colour, linewidth=1.2)
    axis.plot([found.mean], [place], look.marker, color=look.colour, markersize=4.5)


def _chance(table: pd.DataFrame, key: tuple[str, str]) -> float | None:
    """The mean precision of neighbours drawn at random, for a precision."""
    if key[0] != PLANTED:
        return None
    chance = values_of(table, PLANTED, key[1].replace("precision", "chance"))["value"]
    return None if chance.isna().all() else float(chance.mean())


def caption(recipes: pd.DataFrame, vectors: pd.DataFrame) -> str:
    """The best model of each data set, how far apart models lie, and the coverage."""
    table = of_bases(vectors, recipes)
    metrics, models = main_metrics(table), models_of(table)
    n_seeds = table.groupby(MODEL, sort=False)["seed"].nunique()
    spread = (
        "Small points: seeds; markers: their mean; bars: its 95 % t interval"
        if n_seeds.max() > 1
        else "Markers: the one seed, so no interval can be given"
    )
    planted = any(dataset == PLANTED for dataset, _ in metrics)
    drawn = (
        "Share of a word’s nearest neighbours that are of its own set of synonyms"
        if planted
        else "Rank correlation of cosines with people’s judgements of similarity"
    )
    findings = " ".join(_finding(table, models, key, label) for key, label in metrics.items())
    return (
        f"{drawn}, for {counted(len(models), 'model')}{_place(models)}. {spread} "
        f"({seeds_range(n_seeds)}). {findings} {_coverage(table, metrics)}"
    )


def _place(models: pd.DataFrame) -> str:
    """Radius and dimension, where all models have the same."""
    signs = {"radius": "R", "dim": "d"}
    shared = [
        f"{signs[key]} = {models[key].iloc[0]}" for key in signs if models[key].nunique() == 1
    ]
    return f" of {listed(shared)}" if shared else ""


def _finding(table: pd.DataFrame, models: pd.DataFrame, key: tuple[str, str], label: str) -> str:
    """The highest and the lowest mean on a data set."""
    values = values_of(table, *key)
    means = [values.merge(models.iloc[[i]], on=MODEL)["value"].mean() for i in range(len(models))]
    found = pd.Series(means, index=vectors_label(models)).dropna()
    if found.empty:
        return f"{label}: not defined."
    chance = _chance(table, key)
    by_chance = "" if chance is None else f"; by chance it is {number(chance, 3)}"
    label = label[0].upper() + label[1:]
    text = f"{label}: {number(found.max(), 3)} for {found.idxmax()}"
    if len(found) > 1:
        text = (
            f"{label}: from {number(found.min(), 3)} ({found.idxmin()}) to "
            f"{number(found.max(), 3)} ({found.idxmax()})"
        )
    return f"{text}{by_chance}."


def _coverage(table: pd.DataFrame, metrics: dict[tuple[str, str], str]) -> str:
    """The share of each data set that the vocabulary covers."""
    several = len(metrics) > 1
    shares = listed(
        span(list(values_of(table, *key)["coverage"]), percent) + f" ({label})" * several
        for key, label in metrics.items()
    )
    what = "words of these sets" if "planted" in {key[0] for key in metrics} else "pairs"
    return f"Covered are {shares} of the {what}; the others are left out."

"""How well cosines of the vectors agree with people, or with the truth of the planted corpus."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from sgns_study.evaluation.recipes import of_bases
from sgns_study.evaluation.vectors import MODEL, PLANTED, main_metrics, models_of, values_of
from sgns_study.figures import plotting


def draw(recipes: pd.DataFrame, vectors: pd.DataFrame) -> Figure:
    """One panel a data set; one row a model, with its seeds, their mean and its interval."""
    table = of_bases(vectors, recipes)
    metrics, models = main_metrics(table), models_of(table)
    colours = {recipe: i for i, recipe in enumerate(models["recipe"].unique())}
    figure, axes = plotting.row_panels(plotting.vectors_label(models), 1, len(metrics))
    for axis, (key, name) in zip(axes[0], metrics.items()):
        values = dict(list(values_of(table, *key).groupby(MODEL)["value"]))
        for at, model in enumerate(models.itertuples(index=False, name=None)):
            if model in values:
                plotting.draw_row(axis, values[model], at, plotting.nth_look(colours[model[0]], ""))
        chance = chance_of(table, key)
        if not pd.isna(chance):
            axis.axvline(chance, color=plotting.BLACK, linestyle=":", linewidth=0.9)
        axis.set_xlabel(name if key[0] == PLANTED else f"ρ, {name}")
        axis.margins(x=0.12)
    return figure


def chance_of(table: pd.DataFrame, key: tuple[str, str]) -> float:
    """The mean precision of neighbours drawn at random; NaN for what is no precision."""
    metric = key[1].replace("precision", "chance")
    return values_of(table, key[0], metric)["value"].mean() if metric != key[1] else float("nan")


def caption(recipes: pd.DataFrame, vectors: pd.DataFrame) -> dict[str, Any]:
    """The best model of each data set by its mean over seeds, and the score by chance."""
    table = of_bases(vectors, recipes)
    metrics, models = main_metrics(table), models_of(table)
    names = plotting.vectors_label(models)
    findings = []
    for key, name in metrics.items():
        means = values_of(table, *key).groupby(MODEL)["value"].mean()
        found = means.reindex(pd.MultiIndex.from_frame(models)).set_axis(names).dropna()
        if len(found):
            findings.append((name, found.idxmax(), found.max(), chance_of(table, key)))
    return {
        "planted": any(dataset == PLANTED for dataset, _ in metrics),
        "n_models": len(models),
        "settings": plotting.shared_settings(models),
        "n_seeds": plotting.seeds_of(table, MODEL),
        "findings": findings,
    }

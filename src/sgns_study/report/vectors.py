"""What the report says of the word vectors: the ablation, scores, noise and neighbours."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sgns_study import plan
from sgns_study.evaluation.recipes import bases, of_bases, settings
from sgns_study.evaluation.tables import read_tidy
from sgns_study.evaluation.vectors import (
    MAIN_SETS,
    MODEL,
    PLANTED,
    RUN,
    Estimate,
    at_one_place,
    best,
    contrasts,
    decided,
    difference,
    estimate,
    final_losses,
    level,
    main_metrics,
    models_of,
    score_name,
    scores,
    values_of,
)
from sgns_study.figures import figures_of, tables_of
from sgns_study.figures.noise import examples, exponents
from sgns_study.figures.plotting import vectors_label
from sgns_study.figures.wording import (
    MISSING,
    number,
    percent,
    plus_minus,
    seeds_range,
    setting,
    setting_value,
    span,
)
from sgns_study.params import Study

OF_VECTORS = ("sgns_curves", "vectors", "neighbours")  # tables with a row for each model
ANALOGIES = "questions-words"
METHODS = {"3cosadd": "3CosAdd", "3cosmul": "3CosMul"}
SET_NAMES = MAIN_SETS | {"EN-RW-STANFORD": "RareWords", PLANTED: "planted synonyms"}
MOST_MODELS = 6  # columns of numbers beside each other
MOST_LISTS, NEIGHBOURS = 3, 6  # columns of words, and words in each

Values = dict[str, Any]
Key = tuple[str, str]  # a dataset and a metric


def vector_values(study: Study, results: Path) -> Values:
    """What the templates name of the word vectors; what a study does not have is None."""
    names = set(tables_of(study)) & {*OF_VECTORS, "recipes", "noise"}
    tables = {name: read_tidy(results, name) for name in names}
    recipes, vectors = tables["recipes"], tables.get("vectors")
    # A study of counts alone, of which nothing is scored, has no table of its models.
    planned = [(*model, seed) for model in plan.models(study) for seed in study.grid.seeds]
    of_models = [tables[name][RUN] for name in OF_VECTORS if name in tables]
    runs = pd.concat(of_models or [pd.DataFrame(planned, columns=RUN)]).drop_duplicates()
    tried = settings(recipes)
    ablated = vectors is not None and "tweaks" in figures_of(study)
    return {
        "seeds": seeds_range(runs.groupby(MODEL)["seed"].nunique()),
        "found": len(runs),
        "planned": len(planned),
        "bases": bases(recipes),
        "variations": variations(tried),
        "planted": study.corpus.kind == "planted",
        "standing": None if vectors is None else standing(recipes, vectors),
        "scores": None if vectors is None else score_values(of_bases(vectors, recipes)),
        "tweaks": tweak_values(study, tried, vectors) if ablated else None,
        "ablation": ablation(tried, vectors, tables["sgns_curves"]) if ablated else None,
        "alphas": exponents(tables["noise"]) if "noise" in tables else [],
        "noise": examples(tables["noise"]).to_dict("records") if "noise" in tables else [],
        "neighbours": neighbour_values(of_bases(tables["neighbours"], recipes))
        if "neighbours" in tables
        else None,
    }


def variations(tried: pd.DataFrame) -> dict[str, dict[str, list[str]]]:
    """The values of each setting that is changed around each parent, in words."""
    found: dict[str, dict[str, list[str]]] = {}
    for row in tried[~tried["own"]].to_dict("records"):
        values = found.setdefault(row["parent"], {}).setdefault(setting(row["key"]), [])
        values.append(setting_value(row["key"], row["value"]))
    return found


def points(found: Estimate) -> Estimate:
    """A score, or a difference of scores, in points (hundredths)."""
    return found._replace(mean=100 * found.mean, low=100 * found.low, high=100 * found.high)


def best_of(names: Iterable[str], runs: pd.DataFrame, vectors: pd.DataFrame) -> Values:
    """The recipe with the best mean score, what the score is, and the model's size."""
    top = best({name: name for name in names}, runs, "score")
    return {
        "top": top,
        "top_score": points(level(runs, top, "score")).mean,
        "score": score_name(vectors),
        "sets": list(main_metrics(vectors).values()),
        "radius": runs["radius"].iloc[0],
        "dim": runs["dim"].iloc[0],
    }


def tweak_values(study: Study, tried: pd.DataFrame, vectors: pd.DataFrame) -> Values:
    """What each setting does to the score at one radius and dimension.

    `settings` has for each setting and parent the best value and the contrast, None if there is
    none. `together` is the difference of two parents of one kind, which differ in all settings.
    """
    runs = at_one_place(scores(vectors))
    found = {(one.key, one.parent): one for one in contrasts(tried, runs, "score")}
    rows = []
    for (key, parent), own in tried.groupby(["key", "parent"], sort=False):
        top = best(dict(zip(own["value"], own["recipe"])), runs, "score")
        rows.append(
            {"key": key, "parent": parent, "best": top, "contrast": found.get((key, parent))}
        )
    parents = list(tried["parent"].unique())
    alike = len({study.recipes[parent].kind for parent in parents}) == 1
    return {
        "parents": parents,
        "settings": rows,
        "together": against(runs, *parents) if alike and len(parents) == 2 else None,
        "recipes": tried["recipe"].nunique(),
        "comparisons": len(found),
        "decided": sum(decided(contrast.change) for contrast in found.values()),
        "n_seeds": max((contrast.change.n for contrast in found.values()), default=0),
        **best_of(tried["recipe"], runs, vectors),
    }


def against(runs: pd.DataFrame, recipe: str, other: str) -> Estimate:
    """The score of one recipe less that of another in points, paired by seed."""
    return points(difference(runs, recipe, other, "score"))


def standing(recipes: pd.DataFrame, vectors: pd.DataFrame) -> Values:
    """The base with the best score at one radius and dimension, and the others against it."""
    runs = at_one_place(scores(of_bases(vectors, recipes)))
    names = runs["recipe"].unique()
    found = best_of(names, runs, vectors)
    changes = {name: against(runs, found["top"], name) for name in names if name != found["top"]}
    return {
        **found,
        "others": {name: change for name, change in changes.items() if change.n},
        "coverage": span(list(scores(vectors)["coverage"]), percent),
    }


def score_values(vectors: pd.DataFrame) -> Values:
    """The scores of all models: main sets and analogies by `rows`, other sets by `sets`."""
    models = models_of(vectors)
    names = vectors_label(models)
    parts = [vectors[(vectors[MODEL] == model).all(axis=1)] for _, model in models.iterrows()]
    found = list(dict.fromkeys(zip(vectors["dataset"], vectors["metric"])))
    columns = main_metrics(vectors)
    chances = sorted(key for key in found if key[0] == PLANTED and key[1].startswith("chance"))
    columns |= dict.fromkeys(chances, "by chance")
    has_analogies = ANALOGIES in set(vectors["dataset"])
    if has_analogies:
        columns |= {(ANALOGIES, key): f"analogies, {name} (%)" for key, name in METHODS.items()}
    others = [key for key in found if key[1] == "spearman" and key[0] not in MAIN_SETS]
    others += [key for key in found if "/" in key[0] and key[1] == "3cosadd"]
    return {
        "labels": list(columns.values()),
        "rows": [
            (name, own["seed"].nunique(), [score(own, key) for key in columns])
            for name, own in zip(names, parts)
        ],
        "covered": [covered(vectors, key) for key in columns],
        "has_analogies": has_analogies,
        "set_models": names[:MOST_MODELS],
        "left_out": len(names[MOST_MODELS:]),
        "sets": [set_row(key, parts[:MOST_MODELS]) for key in others],
    }


def score(vectors: pd.DataFrame, key: Key) -> str:
    """The mean over seeds of a metric with half of its 95 % interval; of analogies in percent."""
    values = values_of(vectors, *key)["value"]
    return spread(100 * values, 1) if key[0] == ANALOGIES else spread(values, 3)


def spread(values: pd.Series, digits: int) -> str:
    """The mean over seeds with half of its 95 % interval."""
    found = estimate(values)
    return plus_minus(found.mean, found.high - found.mean, digits)


def covered(vectors: pd.DataFrame, key: Key) -> str:
    """The range over models of the share of a set whose words all have a vector."""
    return span(list(values_of(vectors, *key)["coverage"]), percent)


def set_row(key: Key, parts: Sequence[pd.DataFrame]) -> list[str]:
    """A set as the literature calls it, its coverage and the mean score of each model."""
    dataset = key[0]
    name = SET_NAMES.get(dataset, dataset.removeprefix("EN-").removeprefix(f"{ANALOGIES}/"))
    means = [values_of(own, *key)["value"].mean() for own in parts]
    scored = [percent(mean) if "/" in dataset else number(mean, 3) for mean in means]
    return [name, covered(pd.concat(parts), key), *scored]


def ablation(tried: pd.DataFrame, vectors: pd.DataFrame, curves: pd.DataFrame) -> Values:
    """All recipes of the ablation: their scores, their loss, their difference from the parent."""
    runs, losses = at_one_place(scores(vectors)), at_one_place(final_losses(curves))
    metrics = main_metrics(vectors)
    near = at_one_place(vectors)
    rows = []
    for parent, of_parent in tried.groupby("parent", sort=False):
        changed = of_parent[~of_parent["own"]].to_dict("records")
        for row in [{"recipe": parent, "key": ""}, *changed]:
            name = row["recipe"]
            own = near[near["recipe"] == name]
            found = {
                "sets": [spread(100 * values_of(own, *key)["value"], 1) for key in metrics],
                "change": against(runs, name, parent),
                "loss": spread(losses.loc[losses["recipe"] == name, "loss"], 3),
                "coverage": percent(level(runs, name, "coverage").mean, 0),
            }
            rows.append(row | found)
    return {"metrics": list(metrics.values()), "rows": rows}


def scientific(value: float) -> str:
    """Two digits and a power of ten, e.g. `1.5 · 10⁻⁵`."""
    if pd.isna(value) or value <= 0:
        return number(value, 0)
    exponent = int(np.floor(np.log10(value)))
    power = setting_value("", f"1e{exponent}") if exponent < -2 else ""
    return f"{value / 10.0**exponent:.1f} · {power}" if power else f"{value:.2g}"


def neighbour_values(neighbours: pd.DataFrame) -> Values:
    """The nearest words of the probe words in one model of each of the first recipes."""
    table = at_one_place(neighbours[neighbours["seed"] == neighbours["seed"].min()])
    near = table[table["rank"] <= NEIGHBOURS].sort_values("rank", kind="stable")
    lists = near.groupby(["recipe", "word"], sort=False)["neighbour"].agg(
        lambda words: ", ".join(map(str, words))
    )
    recipes = list(table["recipe"].unique())[:MOST_LISTS]
    words = dict.fromkeys(table.loc[table["recipe"].isin(recipes), "word"])
    rows = [(word, [lists.get((name, word), MISSING) for name in recipes]) for word in words]
    first = table.iloc[0]
    return {"recipes": recipes, "rows": rows, **first[["radius", "dim", "seed"]].to_dict()}

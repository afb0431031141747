"""What the report says of the word vectors: the ablation, scores, noise and neighbours."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from sgns_study import plan
from sgns_study.evaluation import vectors as evaluation
from sgns_study.evaluation.amounts import ANALOGIES
from sgns_study.evaluation.recipes import bases, of_bases, settings
from sgns_study.evaluation.tables import read_tidy
from sgns_study.evaluation.vectors import MAIN_SETS, MODEL, PLANTED, RUN, at_one_place, values_of
from sgns_study.figures import figures_of, tables_of, wording
from sgns_study.figures.noise import examples, exponents
from sgns_study.figures.plotting import vectors_label
from sgns_study.figures.tweaks import scores_of
from sgns_study.figures.wording import MISSING, number, percent, plus_minus, setting_value, span
from sgns_study.params import Study

OF_VECTORS = ("sgns_curves", "vectors", "neighbours")  # tables with a row for each model
METHODS = {"3cosadd": "3CosAdd", "3cosmul": "3CosMul"}
SET_NAMES = MAIN_SETS | {"EN-RW-STANFORD": "RareWords", PLANTED: "planted synonyms"}
MOST_LISTS, NEIGHBOURS = 3, 6  # columns of words, and words in each

Values = dict[str, Any]
Key = tuple[str, str]  # a dataset and a metric


def vector_values(study: Study, results: Path) -> Values:
    """What the templates name of the word vectors; what a study does not have is None or empty."""
    names = set(tables_of(study)) & {*OF_VECTORS, "recipes", "noise"}
    tables = {name: read_tidy(results, name) for name in names}
    recipes, noise = tables["recipes"], tables.get("noise")
    # A study of counts alone, of which nothing is scored, has no table of its models.
    planned = [(*model, seed) for model, seed in plan.vectors(study)]
    of_models = [tables[name][RUN] for name in OF_VECTORS if name in tables]
    runs = pd.concat(of_models or [pd.DataFrame(planned, columns=RUN)]).drop_duplicates()
    tried = settings(recipes)
    found: Values = {
        "seeds": wording.seeds_range(runs.groupby(MODEL)["seed"].nunique()),
        "found": len(runs),
        "planned": len(planned),
        "bases": bases(recipes),
        "variations": variations(tried),
        "planted": study.corpus.kind == "planted",
        "alphas": [] if noise is None else exponents(noise),
        "noise": [] if noise is None else examples(noise).to_dict("records"),
        **dict.fromkeys(("standing", "scores", "tweaks", "ablation", "neighbours")),
    }
    if "neighbours" in tables:
        found["neighbours"] = neighbour_values(of_bases(tables["neighbours"], recipes))
    if "vectors" in tables:
        vectors = tables["vectors"]
        found["standing"] = standing(recipes, vectors)
        found["scores"] = score_values(of_bases(vectors, recipes))
        if "tweaks" in figures_of(study):
            found["tweaks"] = tweak_values(study, tried, vectors)
            found["ablation"] = ablation(tried, vectors, tables["sgns_curves"])
    return found


def variations(tried: pd.DataFrame) -> dict[str, dict[str, list[str]]]:
    """The values of each setting that is changed around each parent, in words."""
    return {
        parent: {
            wording.setting(key): [setting_value(key, value) for value in rows["value"]]
            for key, rows in changed.groupby("key", sort=False)
        }
        for parent, changed in tried[~tried["own"]].groupby("parent", sort=False)
    }


def best_of(names: Iterable[str], runs: pd.DataFrame, vectors: pd.DataFrame) -> Values:
    """The recipe with the best mean score in points, what the score is, and the model's size."""
    top = evaluation.best({name: name for name in names}, runs, "points")
    return {
        "top": top,
        "top_score": evaluation.level(runs, top, "points").mean,
        "score": evaluation.score_name(vectors),
        "sets": list(evaluation.main_metrics(vectors).values()),
        "radius": runs["radius"].iloc[0],
        "dim": runs["dim"].iloc[0],
    }


def tweak_values(study: Study, tried: pd.DataFrame, vectors: pd.DataFrame) -> Values:
    """What each setting does to the score in points, at one radius and dimension.

    `settings` has for each setting and parent the best value and the contrast, None if there is
    none. `together` is the difference of two parents of one kind, which differ in all settings.
    """
    runs = scores_of(vectors)
    contrasts = evaluation.contrasts(tried, runs, "points")
    of_pair = {(one.key, one.parent): one for one in contrasts}
    rows = []
    for pair, own in tried.groupby(["key", "parent"], sort=False):
        top = evaluation.best(dict(zip(own["value"], own["recipe"])), runs, "points")
        rows.append({"key": pair[0], "parent": pair[1], "best": top, "contrast": of_pair.get(pair)})
    parents = list(tried["parent"].unique())
    together = None
    if len(parents) == 2 and len({study.recipes[parent].kind for parent in parents}) == 1:
        together = evaluation.difference(runs, parents[0], parents[1], "points")
    return {
        "parents": parents,
        "settings": rows,
        "together": together,
        "recipes": tried["recipe"].nunique(),
        "comparisons": len(contrasts),
        "decided": sum(one.change.low > 0 or one.change.high < 0 for one in contrasts),
        "n_seeds": max((contrast.change.n for contrast in contrasts), default=0),
        **best_of(tried["recipe"], runs, vectors),
    }


def standing(recipes: pd.DataFrame, vectors: pd.DataFrame) -> Values:
    """The base with the best score at one radius and dimension, and the others against it."""
    runs = scores_of(of_bases(vectors, recipes))
    names = runs["recipe"].unique()
    found = best_of(names, runs, vectors)
    others = {name: evaluation.difference(runs, found["top"], name, "points") for name in names}
    return {
        **found,
        "others": {name: one for name, one in others.items() if name != found["top"] and one.n},
        "coverage": span(list(evaluation.scores(vectors)["coverage"]), percent),
    }


def score_values(vectors: pd.DataFrame) -> Values:
    """The scores of all models: main sets and analogies by `rows`, other sets by `sets`."""
    models = evaluation.models_of(vectors)
    names = vectors_label(models)
    parts = [vectors[(vectors[MODEL] == model).all(axis=1)] for _, model in models.iterrows()]
    found = list(dict.fromkeys(zip(vectors["dataset"], vectors["metric"])))
    columns = evaluation.main_metrics(vectors)
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
            [name, own["seed"].nunique(), *(score(own, key) for key in columns)]
            for name, own in zip(names, parts)
        ],
        "covered": [covered(vectors, key) for key in columns],
        "has_analogies": has_analogies,
        "set_models": names,
        "sets": [set_row(key, parts) for key in others],
    }


def score(vectors: pd.DataFrame, key: Key) -> str:
    """The mean over seeds of a metric with half of its 95 % interval; of analogies in percent."""
    values = values_of(vectors, *key)["value"]
    return spread(100 * values, 1) if key[0] == ANALOGIES else spread(values, 3)


def spread(values: pd.Series, digits: int) -> str:
    """The mean over seeds with half of its 95 % interval."""
    found = evaluation.estimate(values)
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
    runs, near = scores_of(vectors), at_one_place(vectors)
    losses = at_one_place(evaluation.final_losses(curves))
    metrics = evaluation.main_metrics(vectors)
    rows = []
    for parent, changed in tried[~tried["own"]].groupby("parent", sort=False):
        for row in [{"recipe": parent, "key": ""}, *changed.to_dict("records")]:
            name = row["recipe"]
            own = near[near["recipe"] == name]
            found = {
                "sets": [spread(100 * values_of(own, *key)["value"], 1) for key in metrics],
                "change": evaluation.difference(runs, name, parent, "points"),
                "loss": spread(losses.loc[losses["recipe"] == name, "loss"], 3),
                "coverage": percent(evaluation.level(runs, name, "coverage").mean, 0),
            }
            rows.append(row | found)
    return {"metrics": list(metrics.values()), "rows": rows}


def scientific(value: float) -> str:
    """Two digits and a power of ten, e.g. `1.5 · 10⁻⁵`."""
    if pd.isna(value) or value <= 0:
        return number(value, 0)
    if value >= 0.01:
        return f"{value:.2g}"
    digits, _, exponent = f"{value:.1e}".partition("e")
    return f"{digits} · {setting_value('', f'1e{exponent}')}"


def neighbour_values(neighbours: pd.DataFrame) -> Values:
    """The nearest words of the probe words in one model of each of the first recipes."""
    table = at_one_place(neighbours[neighbours["seed"] == neighbours["seed"].min()])
    recipes = table["recipe"].unique()[:MOST_LISTS]
    table = table[table["recipe"].isin(recipes)]
    near = table[table["rank"] <= NEIGHBOURS].sort_values("rank", kind="stable")
    lists = near.groupby(["word", "recipe"])["neighbour"].agg(", ".join).unstack()
    lists = lists.reindex(index=table["word"].unique(), columns=recipes).fillna(MISSING)
    first = table.iloc[0]
    return {
        "recipes": list(recipes),
        "rows": list(lists.itertuples()),
        **first[["radius", "dim", "seed"]].to_dict(),
    }

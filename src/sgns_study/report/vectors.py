"""What the report says of the word vectors: the ablation, scores, noise and neighbours."""

from collections.abc import Sequence
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
from sgns_study.figures.style import vectors_label
from sgns_study.figures.wording import (
    MISSING,
    interval,
    number,
    percent,
    plus_minus,
    seeds_range,
    setting,
    setting_value,
    signed,
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
        "noise": noise_values(tables["noise"]) if "noise" in tables else None,
        "neighbours": neighbour_values(of_bases(tables["neighbours"], recipes))
        if "neighbours" in tables
        else None,
    }


def variations(tried: pd.DataFrame) -> list[tuple[str, list[tuple[str, list[str]]]]]:
    """Each parent with the settings that are changed around it and their values, in words."""
    changed = tried[~tried["own"]]
    return [
        (
            str(parent),
            [
                (setting(key), [setting_value(key, value) for value in own["value"]])
                for key, own in rows.groupby("key", sort=False)
            ],
        )
        for parent, rows in changed.groupby("parent", sort=False)
    ]


def points(found: Estimate) -> Values:
    """A difference of scores in points with its interval, and what the interval says."""
    low, high = 100 * found.low, 100 * found.high
    return {
        "points": signed(100 * found.mean),
        "interval": interval(low, high),
        "n": found.n,
        "verdict": "better" if low > 0 else "worse" if high < 0 else "undecided",
    }


def tweak_values(study: Study, tried: pd.DataFrame, vectors: pd.DataFrame) -> Values:
    """What each setting does to the score at one radius and dimension.

    `settings` has a row for each setting and parent. Two parents of one kind differ in all settings
    `together`.
    """
    runs = at_one_place(scores(vectors))
    found = {
        (contrast.key, contrast.parent): contrast for contrast in contrasts(tried, runs, "score")
    }
    rows = []
    for (key, parent), own in tried.groupby(["key", "parent"], sort=False):
        top = best(dict(zip(own["value"], own["recipe"])), runs, "score")
        row = {"setting": setting(key), "parent": parent, "best": setting_value(key, top)}
        if contrast := found.get((key, parent)):
            sides = {
                side: setting_value(key, getattr(contrast, side)) for side in ("value", "base")
            }
            row |= sides | points(contrast.change)
        rows.append(row)
    parents = list(tried["parent"].unique())
    alike = len({study.recipes[parent].kind for parent in parents}) == 1
    top = best({name: name for name in tried["recipe"]}, runs, "score")
    verdicts = [row["verdict"] for row in rows if "verdict" in row]
    return {
        "parents": parents,
        "settings": rows,
        "together": against(runs, *parents) if alike and len(parents) == 2 else None,
        "top": top,
        "top_score": number(100 * level(runs, top, "score").mean, 1),
        "recipes": tried["recipe"].nunique(),
        "comparisons": len(verdicts),
        "decided": sum(verdict != "undecided" for verdict in verdicts),
        "n_seeds": max((contrast.change.n for contrast in found.values()), default=0),
        **score_place(runs, vectors),
    }


def score_place(runs: pd.DataFrame, vectors: pd.DataFrame) -> Values:
    """What the score is, and the radius and dimension that all of the runs have."""
    return {
        "score": score_name(vectors),
        "sets": list(main_metrics(vectors).values()),
        "radius": runs["radius"].iloc[0],
        "dim": runs["dim"].iloc[0],
    }


def against(runs: pd.DataFrame, recipe: str, other: str) -> Values:
    """The score of one recipe less that of another, paired by seed."""
    change = difference(runs, recipe, other, "score")
    return {"recipe": recipe, "other": other, **points(change)}


def standing(recipes: pd.DataFrame, vectors: pd.DataFrame) -> Values:
    """The base with the best score at one radius and dimension, and the others against it."""
    runs = at_one_place(scores(of_bases(vectors, recipes)))
    names = list(runs["recipe"].unique())
    top = best({name: name for name in names}, runs, "score")
    others = [against(runs, top, name) for name in names if name != top]
    return {
        "top": top,
        "top_score": number(100 * level(runs, top, "score").mean, 1),
        "others": [other for other in others if other["n"]],
        "coverage": span(list(scores(vectors)["coverage"]), percent),
        **score_place(runs, vectors),
    }


def score_values(vectors: pd.DataFrame) -> Values:
    """The scores of the models: rows of the main sets and analogies, columns of all other sets."""
    models = models_of(vectors)
    names = vectors_label(models)
    parts = [vectors[(vectors[MODEL] == model).all(axis=1)] for _, model in models.iterrows()]
    columns = score_columns(vectors)
    rows = [
        (
            name,
            own["seed"].nunique(),
            [
                spread(unit * values_of(own, *key)["value"], digits)
                for key, _, unit, digits in columns
            ],
        )
        for name, own in zip(names, parts)
    ]
    shown = parts[:MOST_MODELS]
    return {
        "labels": [label for _, label, _, _ in columns],
        "rows": rows,
        "covered": [covered(vectors, key) for key, *_ in columns],
        "has_analogies": ANALOGIES in set(vectors["dataset"]),
        "set_models": names[:MOST_MODELS],
        "left_out": len(names[MOST_MODELS:]),
        "sets": [set_row(key, shown) for key in other_sets(vectors)],
    }


def score_columns(vectors: pd.DataFrame) -> list[tuple[Key, str, int, int]]:
    """Key, label, unit and digits of each column of scores: main sets, chance, analogies."""
    found = list(dict.fromkeys(zip(vectors["dataset"], vectors["metric"])))
    columns = [(key, label, 1, 3) for key, label in main_metrics(vectors).items()]
    chances = sorted(key for key in found if key[0] == PLANTED and key[1].startswith("chance"))
    columns += [(key, "by chance", 1, 3) for key in chances]
    if ANALOGIES in {dataset for dataset, _ in found}:
        for metric, label in METHODS.items():
            columns.append(((ANALOGIES, metric), f"analogies, {label} (%)", 100, 1))
    return columns


def spread(values: pd.Series, digits: int) -> str:
    """The mean over seeds with half of its 95 % interval."""
    found = estimate(values)
    return plus_minus(found.mean, found.high - found.mean, digits)


def covered(vectors: pd.DataFrame, key: Key) -> str:
    """The range over models of the share of a set whose words all have a vector."""
    return span(list(values_of(vectors, *key)["coverage"]), percent)


def other_sets(vectors: pd.DataFrame) -> list[Key]:
    """Dataset and metric of what is not in the table of scores: sets, then analogy sections."""
    found = list(dict.fromkeys(zip(vectors["dataset"], vectors["metric"])))
    sets = [key for key in found if key[1] == "spearman" and key[0] not in MAIN_SETS]
    return sets + [key for key in found if "/" in key[0] and key[1] == "3cosadd"]


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
        for row in [{"recipe": parent}, *changed]:
            name = row["recipe"]
            own = near[near["recipe"] == name]
            loss = losses.loc[losses["recipe"] == name, "loss"]
            change = difference(runs, name, parent, "score") if name != parent else None
            rows.append(
                {
                    "recipe": name,
                    "changed": what_changed(row["key"], row["value"]) if change else "",
                    "sets": [spread(100 * values_of(own, *key)["value"], 1) for key in metrics],
                    "change": points(change) if change else None,
                    "loss": spread(loss, 3),
                    "coverage": percent(level(runs, name, "coverage").mean, 0),
                }
            )
    return {"metrics": list(metrics.values()), "rows": rows}


def what_changed(key: str, value: str) -> str:
    """A setting at another value, e.g. `K = 1`, `t off`, `window fixed`."""
    word = setting_value(key, value)
    return f"{setting(key)} = {word}" if word[0].isdigit() else f"{setting(key)} {word}"


def noise_values(noise: pd.DataFrame) -> Values:
    """Counts of a few words, and their probabilities as noise at each exponent."""
    alphas = exponents(noise)
    rows = [
        (row["word"], int(row["count"]), [scientific(row[alpha]) for alpha in alphas])
        for row in examples(noise).to_dict("records")
    ]
    return {"alphas": alphas, "rows": rows}


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

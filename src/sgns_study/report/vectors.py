"""What the report says of the word vectors: the answer of an ablation, and the tables."""

from collections.abc import Mapping, Sequence
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
    Contrast,
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
from sgns_study.figures.style import vectors_label
from sgns_study.figures.wording import (
    MISSING,
    change,
    interval,
    listed,
    number,
    percent,
    plus_minus,
    seeds_range,
    setting,
    setting_value,
    signed,
    span,
    whole,
)
from sgns_study.params import Study
from sgns_study.report.markdown import Markdown, Table, code, markdown

OF_VECTORS = ("sgns_curves", "vectors", "neighbours")  # tables with a row for each model
ANALOGIES = "questions-words"
METHODS = {"3cosadd": "3CosAdd", "3cosmul": "3CosMul"}
SET_NAMES = MAIN_SETS | {"EN-RW-STANFORD": "RareWords", PLANTED: "planted synonyms"}
MOST_MODELS = 6  # columns of numbers beside each other
MOST_LISTS, NEIGHBOURS = 3, 6  # columns of words, and words in each


def vector_values(study: Study, results: Path) -> tuple[dict[str, Any], dict[str, Table]]:
    """What the template names of the word vectors, and their tables by name as they stand."""
    names = set(tables_of(study)) & {*OF_VECTORS, "recipes", "noise"}
    tables = {name: read_tidy(results, name) for name in names}
    recipes, vectors = tables["recipes"], tables.get("vectors")
    # a study of counts alone, of which nothing is scored, has no table of its models
    planned = [(*model, seed) for model in plan.models(study) for seed in study.grid.seeds]
    listed_in = [tables[name][RUN] for name in OF_VECTORS if name in tables]
    runs = pd.concat(listed_in or [pd.DataFrame(planned, columns=RUN)])
    runs = runs.drop_duplicates()
    tried = settings(recipes)
    values: dict[str, Any] = {
        "seeds": seeds_range(runs.groupby(MODEL)["seed"].nunique()),
        "found": len(runs),
        "planned": len(planned),
        "bases": bases(recipes),
        "variations": variations(tried),
        "planted": study.corpus.kind == "planted",
        "tweaks": None,
        "standing": None,
    }
    made = {}
    if vectors is not None:
        values |= {"standing": standing(recipes, vectors), "coverage": coverage(vectors)}
        made["scores"] = scores_table(recipes, vectors)
        if others := other_sets(vectors):
            made["sets"] = sets_table(recipes, vectors, others)
        if "tweaks" in figures_of(study):
            kinds = {name: recipe.kind for name, recipe in study.recipes.items()}
            values["tweaks"] = tweak_answers(tried, vectors, kinds)
            made["ablation"] = ablation_table(tried, vectors, tables["sgns_curves"])
    if "noise" in tables:
        made["noise"] = noise_words_table(tables["noise"])
    if "neighbours" in tables:
        made["neighbours"] = neighbours_table(recipes, tables["neighbours"])
    return values, made


def variations(tried: pd.DataFrame) -> list[Markdown]:
    """What is changed around each parent, one setting at a time, in words."""
    found = []
    for parent, rows in tried[~tried["own"]].groupby("parent", sort=False):
        changes = "; ".join(
            f"{setting(key)} to {listed(setting_value(key, value) for value in values)}"
            for key, values in rows.groupby("key", sort=False)["value"]
        )
        found.append(Markdown(f"around {code(parent)}, {markdown(changes)}"))
    return found


def tweak_answers(
    tried: pd.DataFrame, vectors: pd.DataFrame, kinds: Mapping[str, str]
) -> dict[str, Any]:
    """What each setting does to the score at one radius and dimension.

    `settings` holds for each one the contrast around every parent, with a verdict. Two parents of
    one kind differ in all settings `together`.
    """
    runs = at_one_place(scores(vectors))
    found = contrasts(tried, runs, "score")
    by_key: dict[str, list[Contrast]] = {}
    for contrast in found:
        by_key.setdefault(contrast.key, []).append(contrast)
    parents = list(tried["parent"].unique())
    recipes = dict(zip(tried["recipe"], tried["recipe"]))
    top = best(recipes, runs, "score")
    return {
        "score": score_name(vectors),
        "parents": Markdown(listed(code(parent) for parent in parents)),
        "place": place(runs),
        "together": against(runs, *parents)
        if len(parents) == 2 and kinds[parents[0]] == kinds[parents[1]]
        else None,
        "settings": [setting_answer(key, here, tried, runs) for key, here in by_key.items()],
        "summary": decisions(by_key),
        "top": code(top),
        "top_score": number(100 * level(runs, top, "score").mean, 1),
        "recipes": tried["recipe"].nunique(),
        "comparisons": len(found),
        "n_seeds": max((contrast.change.n for contrast in found), default=0),
    }


def decisions(by_key: Mapping[str, Sequence[Contrast]]) -> str:
    """Which settings have intervals that leave out zero: around all parents, some, none."""
    sure = {setting(key): [decided(c.change) for c in here] for key, here in by_key.items()}
    everywhere = listed(name for name, each in sure.items() if all(each))
    somewhere = listed(name for name, each in sure.items() if any(each) and not all(each))
    nowhere = listed(name for name, each in sure.items() if not any(each))
    parts = [f"for {everywhere} around every recipe changed"] if everywhere else []
    parts += [f"for {somewhere} around one recipe but not another"] if somewhere else []
    if not parts:
        return "The 95 % interval of no difference leaves out zero."
    text = f"The 95 % interval of the difference leaves out zero {listed(parts)}"
    return f"{text}; it does not for {nowhere}." if nowhere else f"{text}."


def place(runs: pd.DataFrame) -> str:
    """Radius and dimension of the rows, which are the same for all."""
    return f"R = {runs['radius'].iloc[0]}, d = {runs['dim'].iloc[0]}"


def setting_answer(
    key: str, here: Sequence[Contrast], tried: pd.DataFrame, runs: pd.DataFrame
) -> dict[str, Any]:
    """One setting: what is compared, the changes, the verdict and the best value tried."""
    rows = tried[tried["key"] == key]
    tops: dict[str, list[str]] = {}
    for parent, own in rows.groupby("parent", sort=False):
        top = best(dict(zip(own["value"], own["recipe"])), runs, "score")
        tops.setdefault(setting_value(key, top), []).append(code(parent))
    changes = [f"{in_points(contrast.change)} around {code(contrast.parent)}" for contrast in here]
    return {
        "name": setting(key),
        "value": setting_value(key, here[0].value),
        "base": setting_value(key, here[0].base),
        "changes": Markdown(listed(changes)),
        "verdict": verdict(here),
        "best": Markdown(listed(f"{top} around {listed(near)}" for top, near in tops.items())),
    }


def in_points(found: Estimate) -> str:
    """A difference in points, with its interval if it has one."""
    return change(*(100 * end for end in found[:3]))


def verdict(here: Sequence[Contrast]) -> Markdown:
    """What the intervals say around each parent."""
    outcomes = {
        "better": [code(c.parent) for c in here if c.change.low > 0],
        "worse": [code(c.parent) for c in here if c.change.high < 0],
        "undecided": [code(c.parent) for c in here if not decided(c.change)],
    }
    present = {outcome: parents for outcome, parents in outcomes.items() if parents}
    if len(present) == 1:
        where = {1: "", 2: " around both"}.get(len(here), " around all")
        return Markdown(next(iter(present)) + where)
    parts = [f"{outcome} around {listed(parents)}" for outcome, parents in present.items()]
    return Markdown(listed(parts))


def against(runs: pd.DataFrame, recipe: str, other: str) -> dict[str, Any]:
    """The score of one recipe less that of another, paired by seed."""
    change = difference(runs, recipe, other, "score")
    return {
        "recipe": code(recipe),
        "other": code(other),
        "points": signed(100 * change.mean),
        "interval": interval(100 * change.low, 100 * change.high),
        "decided": decided(change),
        "n_seeds": change.n,
    }


def standing(recipes: pd.DataFrame, vectors: pd.DataFrame) -> dict[str, Any]:
    """The base with the best score at one place, and the others against it."""
    runs = at_one_place(scores(of_bases(vectors, recipes)))
    names = {name: name for name in runs["recipe"].unique()}
    top = best(names, runs, "score")
    others = [against(runs, top, name) for name in names if name != top]
    return {
        "top": code(top),
        "score": number(100 * level(runs, top, "score").mean, 1),
        "name": score_name(vectors),
        "sets": listed(main_metrics(vectors).values()),
        "place": place(runs),
        "others": [other for other in others if other["n_seeds"]],
    }


def coverage(vectors: pd.DataFrame) -> str:
    """The range over models of the share of the main sets that could be scored."""
    return span(list(scores(vectors)["coverage"]), percent)


def scores_table(recipes: pd.DataFrame, vectors: pd.DataFrame) -> Table:
    """Main sets and analogies of every base, with the coverage of each."""
    table = of_bases(vectors, recipes)
    columns = {
        **{key: (label, 1, 3) for key, label in main_metrics(table).items()},
        **chance_column(table),
        **{
            (ANALOGIES, metric): (f"analogies, {label} (%)", 100, 1)
            for metric, label in METHODS.items()
            if ANALOGIES in set(table["dataset"])
        },
    }
    models = models_of(table)
    rows: list[list[object]] = []
    for label, (_, model) in zip(vectors_label(models), models.iterrows()):
        own = table[(table[MODEL] == model).all(axis=1)]
        cells = [
            written(estimate(unit * values_of(own, *key)["value"]), digits)
            for key, (_, unit, digits) in columns.items()
        ]
        rows.append([label, own["seed"].nunique(), *cells])
    covered = [span(list(values_of(table, *key)["coverage"]), percent) for key in columns]
    rows.append(["covered", "", *covered])
    caption = (
        "What the vectors know, mean over seeds ± half of its 95 % t interval; in the last row the "
        "share of each set whose words all have a vector, the only ones that are scored. "
    )
    if ANALOGIES in set(table["dataset"]):
        caption += "Similarity: Spearman’s ρ; analogies: right answers among those asked."
    header = ["model", "seeds", *(label for label, _, _ in columns.values())]
    align = "l" + "r" * (len(header) - 1)
    return Table(caption.strip(), header, align, rows, source=("vectors",), foot=1)


def chance_column(table: pd.DataFrame) -> dict[tuple[str, str], tuple[str, int, int]]:
    """The precision of neighbours drawn at random, on the planted corpus."""
    metrics = sorted(set(table.loc[table["dataset"] == PLANTED, "metric"]))
    chances = [metric for metric in metrics if metric.startswith("chance")]
    return {(PLANTED, metric): ("by chance", 1, 3) for metric in chances}


def written(found: Estimate, digits: int) -> str:
    """A mean with half of its interval."""
    return plus_minus(found.mean, found.high - found.mean, digits)


def other_sets(vectors: pd.DataFrame) -> list[tuple[str, str]]:
    """Dataset and metric of what is not in the table of scores: sets, then analogy sections."""
    keys = vectors[["dataset", "metric"]].drop_duplicates().itertuples(index=False)
    found = [(str(dataset), str(metric)) for dataset, metric in keys]
    sets = [key for key in found if key[1] == "spearman" and key[0] not in MAIN_SETS]
    return sets + [key for key in found if "/" in key[0] and key[1] == "3cosadd"]


def sets_table(
    recipes: pd.DataFrame, vectors: pd.DataFrame, keys: Sequence[tuple[str, str]]
) -> Table:
    """The other similarity sets and the sections of the analogies, a column a model."""
    table = of_bases(vectors, recipes)
    models = models_of(table)
    left_out = max(0, len(models) - MOST_MODELS)
    models = models.head(MOST_MODELS)
    parts = [table[(table[MODEL] == model).all(axis=1)] for _, model in models.iterrows()]
    rows: list[list[object]] = []
    for key in keys:
        values = [values_of(part, *key)["value"].mean() for part in parts]
        covered = span(
            list(pd.concat([values_of(part, *key) for part in parts])["coverage"]), percent
        )
        in_words = [percent(v) if "/" in key[0] else number(v, 3) for v in values]
        rows.append([set_name(key[0]), covered, *in_words])
    caption = (
        "The other word-similarity sets (Spearman’s ρ) and the sections of the analogies (right "
        "answers by 3CosAdd, of those covered): mean over seeds."
    )
    if left_out:
        caption += f" The {left_out} further models are in the tables of the study."
    header = ["set", "covered", *vectors_label(models)]
    return Table(caption, header, "lr" + "r" * len(models), rows, source=("vectors",))


def set_name(dataset: str) -> str:
    """A dataset as the literature calls it."""
    return SET_NAMES.get(dataset, dataset.removeprefix("EN-").removeprefix(f"{ANALOGIES}/"))


def ablation_table(tried: pd.DataFrame, vectors: pd.DataFrame, curves: pd.DataFrame) -> Table:
    """All recipes of the ablation: their scores, their loss, their difference from the parent."""
    runs, losses = at_one_place(scores(vectors)), at_one_place(final_losses(curves))
    metrics = main_metrics(vectors)
    near = at_one_place(vectors)
    rows: list[list[object]] = []
    for parent, of_parent in tried.groupby("parent", sort=False):
        changed = of_parent[~of_parent["own"]].to_dict("records")
        for row in [{"recipe": parent, "key": "", "value": ""}, *changed]:
            name = row["recipe"]
            change = difference(runs, name, parent, "score")
            own = near[near["recipe"] == name]
            sets = [written(estimate(100 * values_of(own, *key)["value"]), 1) for key in metrics]
            rows.append(
                [
                    code(name),
                    what_changed(row["key"], row["value"]),
                    *sets,
                    *(difference_cells(change) if name != parent else ["", "", ""]),
                    written(level(losses, name, "loss"), 3),
                    percent(level(runs, name, "coverage").mean, 0),
                ]
            )
    caption = (
        f"The ablation at {place(runs)}: each set in points (hundredths), mean over seeds ± half "
        f"of its 95 % t interval; how far the score ({score_name(vectors)}) differs from that of "
        "the recipe that is changed, paired by seed, with its 95 % t interval and the number n of "
        "seeds; SGNS validation loss after the last epoch; the share of the sets that is covered."
    )
    header = ["recipe", "changed", *metrics.values(), "differs by", "95 %", "n", "loss", "cov."]
    align = "ll" + "r" * len(metrics) + "rlrrr"
    return Table(caption, header, align, rows, source=("recipes", "vectors", "sgns_curves"))


def what_changed(key: str, value: str) -> str:
    """E.g. `K = 1`, `t off`, `window fixed`; empty for the parent."""
    if not key:
        return ""
    word = setting_value(key, value)
    return f"{setting(key)} = {word}" if word[0].isdigit() else f"{setting(key)} {word}"


def difference_cells(change: Estimate) -> list[object]:
    """Points, interval and seeds of a difference; dashes where no seed is shared."""
    if not change.n:
        return [MISSING, MISSING, 0]
    return [signed(100 * change.mean), interval(100 * change.low, 100 * change.high), change.n]


def noise_words_table(noise: pd.DataFrame) -> Table:
    """Counts of a few words, and their probabilities as noise at each exponent."""
    alphas = exponents(noise)
    rows: list[list[object]] = [
        [row["word"], whole(int(row["count"])), *(scientific(row[alpha]) for alpha in alphas)]
        for row in examples(noise).to_dict("records")
    ]
    caption = (
        "Smoothing of the noise: a few words of the text from the most frequent to the rarest, how "
        "often they occur, and the probability that a negative is drawn to be them, by the "
        "exponent of the counts."
    )
    header = ["word", "count", *(f"α = {alpha:g}" for alpha in alphas)]
    return Table(caption, header, "lr" + "r" * len(alphas), rows, source=("noise",))


def scientific(value: float) -> str:
    """Two digits and a power of ten, e.g. `1.5 · 10⁻⁵`."""
    if pd.isna(value) or value <= 0:
        return number(value, 0)
    exponent = int(np.floor(np.log10(value)))
    power = setting_value("", f"1e{exponent}") if exponent < -2 else ""
    return f"{value / 10.0**exponent:.1f} · {power}" if power else f"{value:.2g}"


def neighbours_table(recipes: pd.DataFrame, neighbours: pd.DataFrame) -> Table:
    """The nearest words of the probe words in one model of each base."""
    table = of_bases(neighbours, recipes)
    table = at_one_place(table[table["seed"] == table["seed"].min()])
    names = list(table["recipe"].unique())[:MOST_LISTS]
    lists = {name: nearest(table[table["recipe"] == name]) for name in names}
    words = list(dict.fromkeys(word for found in lists.values() for word in found))
    rows: list[list[object]] = [
        [word, *(lists[name].get(word, MISSING) for name in names)] for word in words
    ]
    shown = table.iloc[0]
    caption = (
        f"Nearest words by cosine, nearest first, in one model of each recipe (R = "
        f"{shown['radius']}, d = {shown['dim']}, seed {shown['seed']})."
    )
    widths = (14, *[86 // len(names)] * len(names))
    header = ["word", *names]
    return Table(caption, header, "l" * len(header), rows, widths, source=("neighbours",))


def nearest(table: pd.DataFrame) -> dict[str, str]:
    """The first neighbours of each word of one model."""
    first = table[table["rank"] <= NEIGHBOURS].sort_values("rank", kind="stable")
    return {
        str(word): ", ".join(map(str, near))
        for word, near in first.groupby("word", sort=False)["neighbour"]
    }

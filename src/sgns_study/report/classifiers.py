"""What the report says of the classifiers: the answer, the tables, the differences from the lab."""

from pathlib import Path
from typing import Any

import pandas as pd

from sgns_study import plan
from sgns_study.artifacts import read_table
from sgns_study.evaluation.summary import effects, summarise
from sgns_study.evaluation.tables import read_tidy
from sgns_study.figures.style import model_label
from sgns_study.figures.wording import (
    MISSING,
    interval,
    number,
    percent,
    plus_minus,
    seeds_range,
    signed,
)
from sgns_study.params import Study
from sgns_study.report import PUBLISHED_LAB_CURVES
from sgns_study.report.markdown import Markdown, Table


def classifier_values(study: Study, results: Path) -> tuple[dict[str, Any], dict[str, Table]]:
    """What the template names of the classifiers, and their tables by name."""
    curves = read_tidy(results, "classifier_curves")
    published = read_table(PUBLISHED_LAB_CURVES) if study.report.compare_with_lab else None
    lab_recipes = [name for name, recipe in study.recipes.items() if recipe.kind == "lab"]
    summary = summarise(curves, published, study.report.lab_tolerance, lab_recipes)
    runs = read_tidy(results, "runs")
    gains = effects(curves)
    values = {
        "seeds": seeds_range(summary["n_seeds"]),
        "found": len(runs),
        "nbsvm": nbsvm(runs),
        "planned": len(plan.runs(study)) + len(plan.baselines(study)) * len(study.grid.seeds),
        "deviations": [] if published is None else deviations(summary),
        "compared": 0
        if published is None
        else int(summary["lab_validation_accuracy"].notna().sum()),
    }
    scores = macro_f1(runs) if study.corpus.kind == "table" else None
    tables = {"variants": variants_table(summary, scores), "gains": gains_table(gains)}
    if plan.baselines(study):
        tables["baselines"] = baselines_table(runs, read_tidy(results, "timings"))
    return values, tables


def deviations(summary: pd.DataFrame) -> list[dict[str, str]]:
    """The variants whose best validation accuracy differs from the lab's by more than allowed."""
    several = summary.loc[summary["recipe"] != "", "recipe"].nunique() > 1
    return [
        {
            "label": model_label(row, several),
            "ours": percent(row["validation_accuracy"]),
            "lab": percent(row["lab_validation_accuracy"]),
            "points": signed(row["difference_points"]),
        }
        for row in summary[summary["differs"]].to_dict("records")
    ]


def nbsvm(runs: pd.DataFrame) -> str:
    """The mean test accuracy of NB-SVM, empty if the study has none."""
    found = runs.loc[runs["classifier"] == "nbsvm", "test_accuracy"]
    return percent(found.mean()) if len(found) else ""


def macro_f1(runs: pd.DataFrame) -> pd.DataFrame:
    """Mean and standard deviation over seeds of the macro F1 of every plain variant."""
    plain = runs["scale"].isna() & runs["documents"].isna() & (runs["classifier"] == "conv1d")
    variants = runs[plain].groupby(["init", "recipe", "radius", "dim"], dropna=False)
    return variants["test_macro_f1"].agg(["mean", "std"]).reset_index()


def variants_table(summary: pd.DataFrame, scores: pd.DataFrame | None = None) -> Table:
    """Accuracies of every variant, with those of `macro_f1` and the lab's where given."""
    beside_lab = "lab_validation_accuracy" in summary
    several = summary.loc[summary["recipe"] != "", "recipe"].nunique() > 1
    caption = (
        "Accuracy of every variant in percent, mean and standard deviation over seeds: the best "
        "validation accuracy, and the test accuracy at the epoch selected."
    )
    header = ["variant", "seeds", "best validation", "test", "epoch"]
    if scores is not None:
        caption += " Macro F1 is the mean of the F1 scores of the classes, on test documents."
        header.insert(4, "macro F1")
        summary = summary.merge(scores, how="left", on=["init", "recipe", "radius", "dim"])
    if beside_lab:
        caption += (
            " Beside it the best validation accuracy that the lab published (one run) and our "
            "difference from it in points; \\* marks more than the tolerance."
        )
        header += ["lab", "difference"]
    rows = []
    for row in summary.to_dict("records"):
        cells: list[object] = [model_label(row, several), row["n_seeds"]]
        for split in ("validation", "test"):
            cells.append(plus_minus(100 * row[f"{split}_accuracy"], 100 * row[f"{split}_sd"]))
        if scores is not None:
            cells.append(plus_minus(100 * row["mean"], 100 * row["std"]))
        cells.append(number(row["selected_epoch"], 1))
        if beside_lab:
            cells.append(number(100 * row["lab_validation_accuracy"], 1))
            cells.append(signed(row["difference_points"]) + "*" * bool(row["differs"]))
        rows.append(cells)
    align = "l" + "r" * (len(header) - 1)
    return Table(Markdown(caption), header, align, rows, source=("classifier_curves", "summary"))


def gains_table(gains: pd.DataFrame) -> Table:
    """How far every start made from vectors is above the random one."""
    several = gains["recipe"].nunique() > 1
    rows: list[list[object]] = []
    for row in gains.to_dict("records"):
        cells: list[object] = [model_label(row, several), row["n_seeds"]]
        for points in ("validation_points", "test_points"):
            cells += [signed(row[points]), interval(row[f"{points}_low"], row[f"{points}_high"])]
        rows.append(cells)
    return Table(
        "How far every start made from vectors is above the random one of the same dimension, "
        "paired by seed: mean in points of accuracy with its 95 % t interval.",
        ["variant", "seeds", "best validation", "95 %", "test", "95 %"],
        "lrrlrl",
        rows,
        source=("classifier_curves",),
    )


def baselines_table(runs: pd.DataFrame, timings: pd.DataFrame) -> Table:
    """The best variant of every kind of classifier, chosen on validation, and what it takes."""
    kind = ["classifier", "init", "recipe"]
    whole = runs[runs["documents"].isna()]
    rows: list[tuple[float, list[object]]] = []
    for _, tried in whole.groupby(kind, sort=False):
        of_variant = tried.groupby(["radius", "scale", "dim"], dropna=False)
        best = max(
            (own for _, own in of_variant), key=lambda own: own["validation_accuracy"].mean()
        )
        first = best.iloc[0]
        scores = [100 * best[name] for name in ("validation_accuracy", "test_accuracy")]
        cells: list[object] = [
            first["classifier"],
            start_label(first),
            len(best),
            *(plus_minus(score.mean(), score.std(ddof=1)) for score in scores),
            number(100 * best["test_macro_f1"].mean(), 1),
            number(minutes(first, timings), 1),
        ]
        rows.append((float(best["test_accuracy"].mean()), cells))
    rows.sort(key=lambda row: -row[0])
    return Table(
        "Every kind of classifier and start at the radius, dimension and scale that are best on "
        "validation: accuracies in percent, mean and standard deviation over seeds, and minutes of "
        "one thread for one run with its vectors.",
        ["classifier", "start", "seeds", "validation", "test", "macro F1", "minutes"],
        "llrrrrr",
        [cells for _, cells in rows],
        source=("runs", "timings"),
    )


def start_label(run: pd.Series) -> str:
    """Where a run starts, e.g. `pretrained (lab), R = 5, d = 128, sd = 0.1`."""
    if not run["init"]:
        return MISSING
    scale = "" if pd.isna(run["scale"]) else f", sd = {run['scale']:g}"
    return model_label(run, several_recipes=True) + scale


def minutes(run: pd.Series, timings: pd.DataFrame) -> float:
    """Median minutes of the jobs of a variant, and of its vectors if it reads any."""
    vectors = "" if not run["recipe"] else f"{run['recipe']}-r{run['radius']}-d{run['dim']}"
    if run["classifier"] in ("conv1d", "large"):
        scale = None if pd.isna(run["scale"]) else float(run["scale"])
        recipe, radius = (run["recipe"], run["radius"]) if run["recipe"] else (None, None)
        large = run["classifier"] == "large"
        variant = plan.Variant(run["init"], recipe, radius, scale, None, large, run["dim"])
        job = ("train_classifier", variant.name)
    else:
        job = ("train_baseline", run["classifier"] + (f"-{vectors}" if vectors else ""))
    wanted = [job] + ([("train_sgns", vectors)] if vectors else [])
    return sum(median_seconds(timings, *name) for name in wanted) / 60


def median_seconds(timings: pd.DataFrame, rule: str, name: str) -> float:
    """Of the jobs of a rule that are of all seeds of one model."""
    own = timings[timings["rule"] == rule]
    models = own["wildcards"].str.replace(r"-s\d+$", "", regex=True)
    return float(own.loc[models == name, "seconds"].median())

"""What the report says of the classifiers: every variant, its gain, and the baselines."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel

from sgns_study import plan
from sgns_study.artifacts import read_table, reading
from sgns_study.evaluation.convergence import with_defaults
from sgns_study.evaluation.summary import VARIANT, effects, summarise
from sgns_study.evaluation.tables import RUN, read_present, read_tidy
from sgns_study.figures.baselines import BASELINES, best_variants, caption
from sgns_study.figures.plotting import label, model_labels, on_all_documents
from sgns_study.figures.wording import MISSING, seeds_range
from sgns_study.params import Study
from sgns_study.report import PUBLISHED_LAB_CURVES


def classifier_values(study: Study, results: Path) -> dict[str, Any]:
    """What the templates name of the classifiers; accuracies are fractions.

    `variants` and `gains` have the rows of the tables, `compared` the variants that the lab
    published too; of those `differs` says if it is by more than the tolerance. `doubtful`
    are those of `doubtful`; `standing` has the best network and baseline, as their figure does.
    """
    curves = read_tidy(results, "classifier_curves")
    published = read_table(PUBLISHED_LAB_CURVES) if study.report.compare_with_lab else None
    runs = read_tidy(results, "runs")
    summary = summarise(curves, published, study.report.lab_tolerance)
    summary = summary.merge(macro_f1(runs), how="left", on=VARIANT)
    gains = effects(curves)
    variants = summary.assign(label=model_labels(summary)).to_dict("records")
    compared = [row for row in variants if not pd.isna(row.get("lab_validation_accuracy"))]
    tables = read_present(results, ["classifier_curves", "experiment_curves"])
    return {
        "doubtful": doubtful(runs, pd.concat(tables.values())),
        "seeds": seeds_range(summary["n_seeds"]),
        "found": len(runs),
        "planned": len(plan.runs(study)) + len(plan.baselines(study)) * len(study.grid.seeds),
        "variants": variants,
        "compared": compared,
        "gains": gains.assign(label=model_labels(gains)).to_dict("records"),
        "standing": caption(runs),
        "model": best_model(results),
    }


class BestModel(BaseModel):
    """What `metrics.json` says of the kept classifier that is best on validation, if there is."""

    best_model: str = ""
    best_model_test_accuracy: float = np.nan


def best_model(results: Path) -> BestModel:
    """Read `metrics.json` of a study with classifiers."""
    path = results / "metrics.json"
    with reading(path, "not the metrics of a study"):
        return BestModel.model_validate_json(path.read_bytes())


def doubtful(runs: pd.DataFrame, curves: pd.DataFrame) -> list[dict[str, Any]]:
    """The classifiers of whose runs some may not have been trained far enough.

    For each the number of runs, of those whose selected epoch is the `last` of training, and of
    those no better on test than the `majority` class, as far as its baseline is there.
    """
    majority = runs.loc[runs["classifier"] == "majority", "test_accuracy"].max()
    ends = with_defaults(curves).groupby(RUN, dropna=False, as_index=False)["epoch"].max()
    trained = runs.merge(ends, on=RUN)
    trained["last"] = (trained["selected_epoch"] == trained["epoch"]).astype(int)
    trained["majority"] = (trained["test_accuracy"] <= majority).astype(int)
    model = [key for key in RUN if key != "seed"]
    groups = trained.groupby(model, dropna=False, sort=False)[["last", "majority"]]
    found = groups.sum().assign(seeds=groups.size()).reset_index()
    found = found[found["last"] + found["majority"] > 0]
    labels = [label(row, ["recipe", "radius", "dim", "scale"]) for row in found.to_dict("records")]
    return found.assign(label=labels).to_dict("records")


def macro_f1(runs: pd.DataFrame) -> pd.DataFrame:
    """The mean over seeds of the macro F1 of every plain variant, `f1`, and its `f1_sd`."""
    variants = on_all_documents(runs[runs["scale"].isna()]).groupby(VARIANT, dropna=False)
    return variants["test_macro_f1"].agg(f1="mean", f1_sd="std").reset_index()


def baselines(results: Path) -> list[dict[str, Any]]:
    """The best variant of every kind of classifier and start, best on test first.

    Radius, dimension and scale are those of the best mean validation accuracy; accuracies are means
    over seeds with their standard deviation, `averaged` is that of the average with the baselines
    on text (`aggregate.averages`), `minutes` what one run takes with its vectors.
    """
    runs, timings = read_tidy(results, "runs"), read_tidy(results, "timings")
    models = timings["wildcards"].str.replace(r"-s\d+$", "", regex=True)
    seconds = timings.groupby([timings["rule"], models])["seconds"].median()
    averages = read_present(results, ["averages"]).get("averages", runs.head(0))
    rows = []
    for best in best_variants(runs):
        first = best.to_dict("records")[0]
        start = label(first, ["recipe", "radius", "dim"])
        scale = "" if pd.isna(first["scale"]) else f", sd = {first['scale']:g}"
        row = {
            "classifier": first["classifier"],
            "start": start + scale if first["init"] else MISSING,
            "seeds": len(best),
            "f1": 100 * best["test_macro_f1"].mean(),
            "minutes": minutes(first, seconds),
        }
        percents = {split: 100 * best[f"{split}_accuracy"] for split in ("validation", "test")}
        percents["averaged"] = 100 * best[RUN].merge(averages, on=RUN)["test_accuracy"]
        for name, found in percents.items():
            row |= {name: found.mean(), f"{name}_sd": found.std()}
        rows.append(row)
    return rows


def minutes(run: Mapping[str, Any], seconds: pd.Series) -> float:
    """Minutes of the job of a run, and of its vectors if it reads any, NaN if they are unknown.

    `seconds` has the median over seeds of each rule's jobs, by rule and model.
    """
    read = (run[key] for key in plan.Variant._fields)
    values: list[Any] = [None if pd.isna(value) or value == "" else value for value in read]
    variant = plan.Variant(*values)
    if run["classifier"] in BASELINES:
        jobs = [("train_baseline", plan.Baseline(run["classifier"], variant.model).name)]
    else:
        jobs = [("train_classifier", variant.name)]
    jobs += [("train_sgns", variant.model.name)] if variant.model else []
    return sum(float(seconds.get(job, np.nan)) for job in jobs) / 60

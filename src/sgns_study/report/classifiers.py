"""What the report says of the classifiers: the answer, the tables, the differences from the lab."""

from pathlib import Path
from typing import Any

import pandas as pd

from sgns_study.artifacts import read_table
from sgns_study.evaluation.summary import effects, summarise
from sgns_study.evaluation.tables import read_tidy
from sgns_study.figures.style import model_label
from sgns_study.figures.wording import (
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
    gains = effects(curves)
    run = ["init", "recipe", "radius", "dim", "seed"]
    values = {
        "answers": answers(summary, gains, several=len(study.grid.recipes) > 1),
        "seeds": seeds_range(summary["n_seeds"]),
        "found": len(curves[run].drop_duplicates()),
        "planned": planned(study),
        "deviations": [] if published is None else deviations(summary),
        "compared": 0
        if published is None
        else int(summary["lab_validation_accuracy"].notna().sum()),
    }
    return values, {"variants": variants_table(summary), "gains": gains_table(gains)}


def planned(study: Study) -> int:
    """How many classifiers the grid asks for."""
    grid = study.grid
    cells = len(grid.dims) * len(grid.seeds)
    trained = len(grid.recipes) * len(grid.radii) * cells
    return sum(trained if init == "pretrained" else cells for init in grid.inits)


def answers(summary: pd.DataFrame, gains: pd.DataFrame, several: bool) -> list[dict[str, Any]]:
    """For each dimension: the pretrained variant best in validation against the random start."""
    found = []
    random = summary[summary["init"] == "random"].set_index("dim")
    merged = gains.merge(summary.drop(columns="n_seeds"), on=["init", "recipe", "radius", "dim"])
    for dim, variants in merged[merged["init"] == "pretrained"].groupby("dim"):
        best = variants.loc[variants["validation_accuracy"].idxmax()]
        low, high = best["test_points_low"], best["test_points_high"]
        direction = "above" if low > 0 else "below" if high < 0 else "both sides of"
        found.append(
            {
                "dim": dim,
                "label": model_label(best, several),
                "test": percent(best["test_accuracy"]),
                "random": percent(random.loc[dim, "test_accuracy"]),
                "gain": signed(best["test_points"]),
                "interval": interval(low, high),
                "direction": "" if pd.isna(low) else direction,
                "n_seeds": int(best["n_seeds"]),
                "epoch": number(best["selected_epoch"], 1),
                "random_epoch": number(random.loc[dim, "selected_epoch"], 1),
            }
        )
    return found


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


def variants_table(summary: pd.DataFrame) -> Table:
    """Accuracies of every variant, with the lab's where given."""
    beside_lab = "lab_validation_accuracy" in summary
    several = summary.loc[summary["recipe"] != "", "recipe"].nunique() > 1
    caption = (
        "Accuracy of every variant in percent, mean and standard deviation over seeds: the best "
        "validation accuracy, and the test accuracy at the epoch selected."
    )
    header = ["variant", "seeds", "best validation", "test", "epoch"]
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
        cells.append(number(row["selected_epoch"], 1))
        if beside_lab:
            cells.append(number(100 * row["lab_validation_accuracy"], 1))
            cells.append(signed(row["difference_points"]) + "*" * bool(row["differs"]))
        rows.append(cells)
    align = "l" + "r" * (len(header) - 1)
    return Table(Markdown(caption), header, align, rows, source=("classifier_curves", "summary"))


def gains_table(gains: pd.DataFrame) -> Table:
    """What every pretrained variant gains over the random start."""
    several = gains["recipe"].nunique() > 1
    rows: list[list[object]] = []
    for row in gains.to_dict("records"):
        cells: list[object] = [model_label(row, several), row["n_seeds"]]
        for points in ("validation_points", "test_points"):
            cells += [signed(row[points]), interval(row[f"{points}_low"], row[f"{points}_high"])]
        rows.append(cells)
    return Table(
        "What pretraining adds to accuracy over the random start of the same dimension, paired by "
        "seed: mean in points with its 95 % t interval.",
        ["variant", "seeds", "best validation", "95 %", "test", "95 %"],
        "lrrlrl",
        rows,
        source=("classifier_curves",),
    )

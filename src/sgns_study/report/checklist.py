"""What the reproducibility checklist of the report finds in the files of a study."""

from pathlib import Path
from typing import Any

import pandas as pd

from sgns_study.evaluation.tables import COLUMNS, CURVE, read_tidy
from sgns_study.figures import tables_of
from sgns_study.params import EmbeddingSample, Study


def checks(study: Study, results: Path) -> dict[str, Any]:
    """What the tables of a study say of its completeness and of its tests.

    `tables` are those with a row for each run, `without` the seeds that are in none of them,
    `scored` the classifiers by `selections`, `curves` the tables of these.
    """
    names = [name for name in tables_of(study) if "seed" in COLUMNS[name]]
    tables = {name: read_tidy(results, name) for name in names}
    present = {seed for table in tables.values() for seed in table["seed"]}
    curves = [name for name in ("classifier_curves", "experiment_curves") if name in tables]
    return {
        "tables": names,
        "without": [seed for seed in study.grid.seeds if seed not in present],
        "curves": curves,
        "scored": pd.concat([selections(tables[name]) for name in curves]) if curves else None,
    }


def selections(curves: pd.DataFrame) -> pd.DataFrame:
    """For each run of a table of curves the number of `tests`, and whether one is `at_best`.

    At best is a single test score at the first epoch, from 1 on, of best validation accuracy.
    """
    run = [column for column in curves.columns if column not in CURVE]
    rows = []
    in_order = curves.sort_values("epoch", kind="stable")
    for _, own in in_order.groupby(run, dropna=False, sort=False):
        validated = own[(own["split"] == "validation") & (own["epoch"] > 0)]
        tested = own.loc[own["split"] == "test", "epoch"].tolist()
        best = [] if validated.empty else [validated.loc[validated["accuracy"].idxmax(), "epoch"]]
        rows.append({"tests": len(tested), "at_best": len(tested) == 1 and tested == best})
    return pd.DataFrame(rows, columns=["tests", "at_best"])


def reads(sample: EmbeddingSample) -> dict[str, bool]:
    """Whether the vectors have read unlabelled documents, and texts of the test documents."""
    further = sample.further
    return {
        "unlabelled": sample.unlabelled or bool(further and further.unlabelled),
        "test": sample.test or bool(further and further.test),
    }

"""Gather the results of single models into the tidy tables of the study, one observation a row.

The plan says which models there are and names their folders (`plan.py`). Models that are not
finished are left out, so that the study can be summed up while seeds are missing: every number of
the report says how many seeds it is from.
"""

import math
from collections.abc import Iterable, Sequence
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sgns_study import plan
from sgns_study.artifacts import ArtifactError, read_table, reading
from sgns_study.classifiers.predictions import Predictions, read_predictions
from sgns_study.evaluation.amounts import amounts_table
from sgns_study.evaluation.noise import noise_table
from sgns_study.evaluation.recipes import recipes_table
from sgns_study.evaluation.summary import headline, summarise
from sgns_study.evaluation.tables import COLUMNS, RUN, read_columns, typed
from sgns_study.params import CONV1D, BaselineKind, Study
from sgns_study.report import PUBLISHED_LAB_CURVES
from sgns_study.samples import load_text
from sgns_study.tokens import load_vocabulary

PER_MODEL = {  # table of the study ← folder and file of each set of vectors
    "sgns_curves": ("embeddings", "curves.csv"),
    "vectors": ("vectors", "scores.csv"),
    "neighbours": ("vectors", "neighbours.csv"),
    "map": ("vectors", "map.csv"),
}
BASELINES = get_args(BaselineKind)


class Run(NamedTuple):
    """A finished model: the columns that say which one it is, and its folder."""

    columns: dict[str, Any]
    folder: Path


class Gathered(NamedTuple):
    """What a study has found, by the names of its files in the folder of results."""

    tables: dict[str, pd.DataFrame]
    arrays: dict[str, NDArray[Any]]  # `pair_ranks` and `runs_table` have what they are
    metrics: dict[str, str | float]


def gather(study: Study, results: Path) -> Gathered:
    """The tidy tables of all models that are finished, and the numbers that `dvc metrics` shows."""
    found = Gathered({"recipes": recipes_table(study), **vector_tables(study, results)}, {}, {})
    tables, arrays, metrics = found
    text = results / f"text{plan.draws(study)[0]}"
    if (text / "counts.npy").is_file():
        words = load_vocabulary(results / "tokens/vocabulary.csv").tokens
        read = load_text(text, len(words))
        tables["noise"] = noise_table(words, read.counts, plan.noise_min_count(study))
        tables["amounts"] = amounts_table(study, read, words)
    if "vectors" in tables:
        tables["word_pairs"], arrays["pair_ranks"] = pair_ranks(study, results)
    runs = finished_runs(study, results)
    if runs:
        predictions = predictions_of(runs)
        tables["runs"], arrays["correct"] = runs_table(runs, predictions)
        tables["averages"] = averages(runs, predictions)
        tables |= curve_tables(runs)
    if runs and study.grid.inits:
        published = read_table(PUBLISHED_LAB_CURVES) if study.report.compare_with_lab else None
        curves, tolerance = tables["classifier_curves"], study.report.lab_tolerance
        tables["summary"] = summarise(curves, published, tolerance)
        metrics |= headline(tables["summary"])
        metrics |= best_model(runs, tables["runs"], plan.kept_seeds(study)[0])
    return found


def vector_tables(study: Study, results: Path) -> dict[str, pd.DataFrame]:
    """The tables about word vectors for which at least one model is finished, by name."""
    tables = {}
    for name, (folder, file) in PER_MODEL.items():
        if models := finished_vectors(study, results / folder, file):
            tables[name] = joined(name, models, file)
    return tables


def finished_vectors(study: Study, folder: Path, file: str) -> list[Run]:
    """The sets of vectors that have a file in their folder within `folder`."""
    models = [
        Run(model._asdict() | {"seed": seed}, folder / f"{model.name}-s{seed}")
        for model, seed in product(plan.models(study), study.grid.seeds)
    ]
    return [model for model in models if (model.folder / file).is_file()]


def pair_ranks(study: Study, results: Path) -> tuple[pd.DataFrame, NDArray[np.uint16]]:
    """The word pairs that scores of similarity rest on, and how each model ranks them.

    Ranks of cosines are within a set, uint16 (models in the order of `vector_tables`, pairs), from
    1, equal for equal cosines, 0 where a word is not known: Spearman's ρ needs no more.
    """
    parts = [
        read_columns(model.folder / "similarities.csv", "word_pairs", COLUMNS["word_pairs"])
        for model in finished_vectors(study, results / "vectors", "scores.csv")
    ]
    ranks = [
        part.groupby("dataset")["cosine"].rank("dense").fillna(0).to_numpy(np.uint16)
        for part in parts
    ]
    return parts[0][COLUMNS["word_pairs"]], np.stack(ranks)


def finished_runs(study: Study, results: Path) -> list[Run]:
    """The classifiers and baselines that have been trained, in the order of the plan."""
    runs = []
    for variant, seed in plan.runs(study):
        columns = variant._asdict() | {"seed": seed}
        runs.append(Run(columns, results / "classifiers" / f"{variant.name}-s{seed}"))
    for baseline, seed in product(plan.baselines(study), study.grid.seeds):
        vectors = baseline.model._asdict() | {"init": "pretrained"} if baseline.model else {}
        kind = {"classifier": baseline.kind, "documents": baseline.documents, "seed": seed}
        columns = dict.fromkeys(RUN) | vectors | kind
        runs.append(Run(columns, results / "baselines" / f"{baseline.name}-s{seed}"))
    return [run for run in runs if (run.folder / "curves.csv").is_file()]


def curve_tables(runs: Iterable[Run]) -> dict[str, pd.DataFrame]:
    """The learning curves: `classifier_curves` and `experiment_curves`.

    The first has the study's classifier trained on all documents from embeddings that are not
    rescaled, the second all other classifiers. Baselines have no epochs and are in neither.
    """
    found: dict[str, list[Run]] = {"classifier_curves": [], "experiment_curves": []}
    for run in runs:
        kind, scale, documents = (run.columns[c] for c in ("classifier", "scale", "documents"))
        if kind not in BASELINES:
            is_plain = kind == CONV1D and scale is None and documents is None
            found["classifier_curves" if is_plain else "experiment_curves"].append(run)
    return {name: joined(name, own, "curves.csv") for name, own in found.items()}


def predictions_of(runs: Sequence[Run]) -> list[Predictions]:
    """What each run predicts; raises ArtifactError if two were not tested on the same documents."""
    found: list[Predictions] = []
    for run in runs:
        path = run.folder / "predictions.csv"
        own = read_predictions(path)
        first = found[0] if found else own
        if not np.array_equal([own.documents, own.labels], [first.documents, first.labels]):
            raise ArtifactError(
                f"{path}: its test documents and their labels are not those of {runs[0].folder}: "
                "delete the older of the two folders and run again"
            )
        found.append(first._replace(probabilities=own.probabilities))
    return found


def runs_table(
    runs: Sequence[Run], predictions: Sequence[Predictions]
) -> tuple[pd.DataFrame, NDArray[np.uint8]]:
    """One row a run, and which test documents it classifies correctly: uint8 (runs, documents)."""
    rows = []
    for run, found in zip(runs, predictions):
        scores = selected_scores(run.folder / "curves.csv")
        f1 = macro_f1(found.labels, found.predicted)
        rows.append(run.columns | scores | {"test_macro_f1": f1})
    correct = [found.predicted == found.labels for found in predictions]
    return typed(pd.DataFrame(rows, columns=COLUMNS["runs"])), np.stack(correct).astype(np.uint8)


def averages(runs: Sequence[Run], predictions: Sequence[Predictions]) -> pd.DataFrame:
    """Test accuracy of each classifier averaged with the baselines on text of its seed.

    The mean is of their probabilities, all weighing the same. Both learn from all documents.
    """
    whole = [
        (run.columns, own)
        for run, own in zip(runs, predictions)
        if run.columns["documents"] is None
    ]
    rows = []
    for columns, own in whole:
        beside = [
            found.probabilities
            for other, found in whole
            if other["classifier"] in plan.ON_TEXT and other["seed"] == columns["seed"]
        ]
        if beside and columns["classifier"] not in BASELINES:
            mean = np.mean([own.probabilities, *beside], axis=0)
            rows.append(columns | {"test_accuracy": np.mean(mean.argmax(axis=1) == own.labels)})
    return typed(pd.DataFrame(rows, columns=COLUMNS["averages"]))


def macro_f1(labels: NDArray[np.int64], predicted: NDArray[np.int64]) -> float:
    """The mean over classes of F1 = 2 · hits / (documents of the class + predictions of it)."""
    true, found = (
        answers == np.union1d(labels, predicted)[:, None] for answers in (labels, predicted)
    )
    return float(np.mean(2 * (true & found).sum(axis=1) / (true.sum(axis=1) + found.sum(axis=1))))


def best_model(
    runs: Sequence[Run], table: pd.DataFrame, seeds: Sequence[int]
) -> dict[str, str | float]:
    """The kept model of the classifier with the best mean validation accuracy, for `metrics.json`.

    Means are over seeds, of `runs_table`; `seeds` are those whose classifiers keep their weights.
    Classifiers of few documents validate on few: left out.
    """
    names = [run.folder.name.rpartition("-s")[0] for run in runs]
    means = table.groupby(names)[["validation_accuracy", "test_accuracy"]].transform("mean")
    is_kept = ~table["classifier"].isin(BASELINES)
    is_kept &= table["documents"].isna() & table["seed"].isin(seeds)
    if not is_kept.any():
        return {}
    best = means.loc[is_kept, "validation_accuracy"].idxmax()
    path = str(runs[best].folder / "model.safetensors")
    return {"best_model": path} | means.loc[best].add_prefix("best_model_").to_dict()


def selected_scores(path: Path) -> dict[str, float]:
    """Accuracy and loss of a run at its selected epoch on validation, and on the test documents.

    The rows of a baseline, which has no epochs, have an empty epoch.
    """
    curves = read_part("classifier_curves", path)
    validation, test = (curves[curves["split"] == name] for name in ("validation", "test"))
    both = test.merge(validation, on="epoch", suffixes=("_test", "_validation"))
    if both.empty:
        raise ArtifactError(
            f"{path}: no row of the test documents, or none of the validation at their epoch: "
            "delete the folder and run again"
        )
    row = both.iloc[-1]
    return {"selected_epoch": row["epoch"]} | {
        f"{split}_{measure}": row[f"{measure}_{split}"]
        for split in ("validation", "test")
        for measure in ("accuracy", "loss")
    }


def joined(name: str, models: Sequence[Run], file: str) -> pd.DataFrame:
    """One table of a file of each of the models; without rows if no file has any."""
    parts = [read_part(name, model.folder / file).assign(**model.columns) for model in models]
    filled = [part for part in parts if len(part)] or [pd.DataFrame(columns=COLUMNS[name])]
    return typed(pd.concat(filled, ignore_index=True))[COLUMNS[name]]


def read_part(name: str, path: Path) -> pd.DataFrame:
    """Read one model's part of a table, without the columns that say which model it is."""
    columns = [column for column in COLUMNS[name] if column not in RUN]
    return read_columns(path, name, columns)[columns]


def timings(folders: Iterable[Path]) -> pd.DataFrame:
    """Gather Snakemake's benchmark files, `<folder>/<rule>/<wildcards>.tsv`.

    Columns: rule, wildcards, seconds, peak_memory_mib (MiB; empty for a job that ended before
    Snakemake took its first sample).
    """
    rows = []
    files = ((folder, path) for folder in folders for path in folder.glob("*/**/*.tsv"))
    for folder, path in sorted(files):
        with reading(path, "not one of Snakemake's benchmark files", "have its job run again"):
            job = pd.read_csv(path, sep="\t", na_values="-").iloc[0]
            seconds, memory = float(job["s"]), float(job["max_rss"])
            if not (0 <= seconds < math.inf and not memory < 0):
                raise ValueError(f"{seconds} s and {memory} MiB")
        rule, *wildcards = path.relative_to(folder).with_suffix("").parts
        rows.append((rule, "/".join(wildcards), seconds, memory))
    return pd.DataFrame(rows, columns=COLUMNS["timings"])

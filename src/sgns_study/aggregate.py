"""Gather the results of single models into the tidy tables of the study, one observation a row.

The plan says which models there are and names their folders (`plan.py`). Models that are not
finished are left out, so that the study can be summed up while seeds are missing: every number of
the report says how many seeds it is from.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sgns_study import plan
from sgns_study.artifacts import ArtifactError, read_table, reading
from sgns_study.classifiers.predictions import read_predictions
from sgns_study.evaluation.amounts import amounts_table
from sgns_study.evaluation.noise import noise_table
from sgns_study.evaluation.recipes import recipes_table
from sgns_study.evaluation.summary import headline, summarise
from sgns_study.evaluation.tables import COLUMNS, RUN, read_columns, typed
from sgns_study.params import CONV1D, BaselineKind, Study
from sgns_study.report import PUBLISHED_LAB_CURVES
from sgns_study.samples import load_text
from sgns_study.tokens import load_vocabulary

PER_MODEL = {  # table of the study ← file of each set of vectors
    "sgns_curves": "embeddings/{}/curves.csv",
    "vectors": "vectors/{}/scores.csv",
    "neighbours": "vectors/{}/neighbours.csv",
    "map": "vectors/{}/map.csv",
}


class Run(NamedTuple):
    """A finished classifier or baseline: the columns that say which one it is, and its folder."""

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
        tables["runs"], arrays["correct"] = runs_table(runs)
        tables["averages"] = averages(runs)
        tables |= curve_tables(runs)
    if runs and study.grid.inits:
        published = read_table(PUBLISHED_LAB_CURVES) if study.report.compare_with_lab else None
        curves = typed(tables["classifier_curves"])
        tables["summary"] = summarise(curves, published, study.report.lab_tolerance)
        metrics |= headline(tables["summary"])
        metrics |= best_model(runs, tables["runs"], plan.kept_seeds(study)[0])
    return found


def vector_tables(study: Study, results: Path) -> dict[str, pd.DataFrame]:
    """The tables about word vectors for which at least one model is finished, by name."""
    tables = {}
    for name, file in PER_MODEL.items():
        parts = [
            read_part(name, path).assign(**model._asdict(), seed=seed)
            for model, seed, path in finished(study, results, file)
        ]
        if parts:
            tables[name] = gathered(name, parts)
    return tables


def finished(study: Study, results: Path, file: str) -> Iterator[tuple[plan.Model, int, Path]]:
    """The models, seeds and paths of a file of each set of vectors that is there."""
    for model, seed in product(plan.models(study), study.grid.seeds):
        path = results / file.format(f"{model.name}-s{seed}")
        if path.is_file():
            yield model, seed, path


def pair_ranks(study: Study, results: Path) -> tuple[pd.DataFrame, NDArray[np.uint16]]:
    """The word pairs that scores of similarity rest on, and how each model ranks them.

    Ranks of cosines are within a set, uint16 (models in the order of `vector_tables`, pairs), from
    1, equal for equal cosines, 0 where a word is not known: Spearman's ρ needs no more.
    """
    parts = [
        read_columns(path.with_name("similarities.csv"), "word_pairs", COLUMNS["word_pairs"])
        for *_, path in finished(study, results, PER_MODEL["vectors"])
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
    parts: dict[str, list[pd.DataFrame]] = {"classifier_curves": [], "experiment_curves": []}
    for run in runs:
        kind, scale, documents = (run.columns[c] for c in ("classifier", "scale", "documents"))
        if kind not in get_args(BaselineKind):
            is_plain = kind == CONV1D and scale is None and documents is None
            name = "classifier_curves" if is_plain else "experiment_curves"
            parts[name].append(read_part(name, run.folder / "curves.csv").assign(**run.columns))
    return {name: gathered(name, found) for name, found in parts.items()}


def runs_table(runs: Sequence[Run]) -> tuple[pd.DataFrame, NDArray[np.uint8]]:
    """One row a run, and which test documents it classifies correctly.

    The latter is uint8 (runs, documents), 1 where correct. Raises ArtifactError if two runs were
    not tested on the same documents.
    """
    rows, correct = [], []
    first = read_predictions(runs[0].folder / "predictions.csv")
    for run in runs:
        path = run.folder / "predictions.csv"
        found = read_predictions(path)
        if not np.array_equal(found.documents, first.documents):
            raise ArtifactError(
                f"{path}: its test documents are not those of {runs[0].folder}: delete the older "
                "of the two folders and run again"
            )
        scores = selected_scores(run.folder / "curves.csv")
        rows.append(
            run.columns | scores | {"test_macro_f1": macro_f1(found.labels, found.predicted)}
        )
        correct.append((found.predicted == found.labels).astype(np.uint8))
    return in_order("runs", pd.DataFrame(rows)), np.stack(correct)


def averages(runs: Sequence[Run]) -> pd.DataFrame:
    """Test accuracy of each classifier averaged with the baselines on text of its seed.

    The mean is of their probabilities, all weighing the same. Both learn from all documents.
    """
    read = [
        (run.columns, read_predictions(run.folder / "predictions.csv"))
        for run in runs
        if run.columns["documents"] is None
    ]
    rows = []
    for columns, own in read:
        beside = [
            found.probabilities
            for other, found in read
            if other["classifier"] in plan.ON_TEXT and other["seed"] == columns["seed"]
        ]
        if beside and columns["classifier"] not in get_args(BaselineKind):
            mean = np.mean([own.probabilities, *beside], axis=0)
            rows.append(columns | {"test_accuracy": np.mean(mean.argmax(axis=1) == own.labels)})
    return in_order("averages", pd.DataFrame(rows, columns=COLUMNS["averages"]))


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
    means = table[["validation_accuracy", "test_accuracy"]].groupby(names).mean()
    kept = {
        name: str(run.folder / "model.safetensors")
        for name, run in zip(names, runs)
        if run.folder.parent.name == "classifiers"
        and run.columns["documents"] is None
        and run.columns["seed"] in seeds
    }
    if not kept:
        return {}
    best = means.loc[list(kept), "validation_accuracy"].idxmax()
    return {"best_model": kept[best]} | means.loc[best].add_prefix("best_model_").to_dict()


def selected_scores(path: Path) -> dict[str, float]:
    """Accuracy and loss of a run at its selected epoch on validation, and on the test documents.

    The rows of a baseline, which has no epochs, have an empty epoch.
    """
    curves = read_part("classifier_curves", path)
    test = curves[curves["split"] == "test"].tail(1)
    validation = curves[curves["split"] == "validation"]
    if test["epoch"].notna().all():
        validation = validation[validation["epoch"].isin(test["epoch"])]
    if test.empty or validation.empty:
        raise ArtifactError(
            f"{path}: no row of the test documents, or none of the validation at their epoch: "
            "delete the folder and run again"
        )
    return {
        "selected_epoch": test["epoch"].iloc[0],
        "validation_accuracy": validation["accuracy"].iloc[-1],
        "validation_loss": validation["loss"].iloc[-1],
        "test_accuracy": test["accuracy"].iloc[0],
        "test_loss": test["loss"].iloc[0],
    }


def gathered(name: str, parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """One table from its parts; without rows if no part has any."""
    filled = [part for part in parts if len(part)] or [pd.DataFrame(columns=COLUMNS[name])]
    return in_order(name, pd.concat(filled, ignore_index=True))


def in_order(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """The columns of the table in their order; whole numbers stay whole where some are missing."""
    whole = ("radius", "dim", "seed", "documents", "epoch", "selected_epoch")
    return table.astype({column: "Int64" for column in whole if column in table})[COLUMNS[name]]


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

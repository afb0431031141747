"""What single models left becomes tables of one observation a row, of as many as are finished."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from click.testing import CliRunner
from sklearn.metrics import f1_score

from sgns_study import aggregate, config, params
from sgns_study.artifacts import ArtifactError, read_array, write_table
from sgns_study.classifiers.predictions import write_predictions
from sgns_study.cli import cli
from sgns_study.evaluation.tables import COLUMNS, SCORES, read_tidy
from sgns_study.guards import write_settings

IMDB = yaml.safe_load((Path(__file__).parent.parent / "params.yaml").read_text())
CURVE = pd.DataFrame(
    {"epoch": [0, 1], "split": ["train", "validation"], "loss": [0.7, 0.1], "accuracy": [0.5, 0.9]}
)
RUN_CURVES = pd.DataFrame(
    [
        (0, "train", 0.7, 0.5),
        (0, "validation", 0.69, 0.51),
        (1, "train", 0.6, 0.6),
        (1, "validation", 0.5, 0.75),
        (2, "train", 0.4, 0.8),
        (2, "validation", 0.6, 0.7),
        (1, "test", 0.55, 0.7),
    ],
    columns=COLUMNS["classifier_curves"][-4:],
)
BASELINE_CURVES = pd.DataFrame(
    [(None, "validation", 0.3, 0.85), (None, "test", 0.35, 0.8)], columns=RUN_CURVES.columns
)
DOCUMENTS, LABELS = np.arange(90, 95), np.array([0, 0, 1, 1, 1], np.int16)
RIGHT, WRONG_TWICE = [0.1, 0.2, 0.9, 0.8, 0.7], [0.1, 0.6, 0.9, 0.8, 0.4]  # of label 1


@pytest.fixture
def study() -> params.Study:
    content: dict[str, Any] = copy.deepcopy(IMDB)
    content["grid"] = {"recipes": ["lab"], "radii": [2, 10], "dims": [8], "seeds": [1, 3]}
    content["grid"]["inits"] = ["pretrained", "random"]
    content["experiments"] = {
        "scale": {"inits": ["random"], "scales": [0.1], "documents": [100]},
        "large": {"inits": ["random"], "classifiers": ["large"]},
        "other": {"recipes": ["word2vec"], "radii": [2]},
    }
    content["baselines"] = {
        "models": ["nbsvm", "mean_lr"],
        "recipes": ["lab"],
        "radii": [2],
        "dims": [8],
    }
    return config.check_study(content, "x")


def write_curves(results: Path, *names: str) -> None:
    for name in names:
        write_table(results / "embeddings" / name / "curves.csv", CURVE)


def write_run(
    results: Path,
    name: str,
    probabilities: list[float] | np.ndarray = RIGHT,
    curves: pd.DataFrame = RUN_CURVES,
    documents: np.ndarray = DOCUMENTS,
    labels: np.ndarray = LABELS,
) -> None:
    write_predictions(
        results / name / "predictions.csv", documents, labels, np.array(probabilities)
    )
    write_table(results / name / "curves.csv", curves)


def table_of_runs(study: params.Study, results: Path) -> tuple[pd.DataFrame, np.ndarray]:
    """The table of the runs that are finished, and what each predicts correctly."""
    runs = aggregate.finished_runs(study, results)
    return aggregate.runs_table(runs, aggregate.predictions_of(runs))


def test_vectors_stand_in_the_order_of_the_study(tmp_path: Path, study: params.Study) -> None:
    names = ["word2vec-r2-d8-s1", "lab-r10-d8-s3", "lab-r10-d8-s1", "lab-r2-d8-s3"]
    write_curves(tmp_path, *names)
    tables = aggregate.vector_tables(study, tmp_path)
    assert list(tables) == ["sgns_curves"]
    table = tables["sgns_curves"]
    assert list(table.columns) == COLUMNS["sgns_curves"]
    # lab-r2 of seed 1 and word2vec of seed 3 are not finished
    assert table[["recipe", "radius", "dim", "seed", "epoch"]].values.tolist() == [
        ["lab", 2, 8, 3, 0],
        ["lab", 2, 8, 3, 1],
        ["lab", 10, 8, 1, 0],
        ["lab", 10, 8, 1, 1],
        ["lab", 10, 8, 3, 0],
        ["lab", 10, 8, 3, 1],
        ["word2vec", 2, 8, 1, 0],
        ["word2vec", 2, 8, 1, 1],
    ]


def test_ranks_of_word_pairs_are_those_of_the_models_with_scores(
    tmp_path: Path, study: params.Study
) -> None:
    """By hand: within each set from 1, equal for equal cosines, 0 where there is none."""
    pairs = pd.DataFrame({"dataset": list("xxxxyy"), "first": "nan", "second": "b", "score": 1.5})
    cosines = {
        "word2vec-r2-d8-s1": ([0.1, np.nan, -0.5, 0.1, 0.9, 0.2], [2, 0, 1, 2, 2, 1]),
        "lab-r10-d8-s3": ([0.3, 0.2, 0.1, 0.1, np.nan, np.nan], [3, 2, 1, 1, 0, 0]),
    }
    for name, (values, _) in cosines.items():
        folder = tmp_path / "vectors" / name
        write_table(folder / "similarities.csv", pairs.assign(cosine=np.float32(values)))
        write_table(folder / "scores.csv", pd.DataFrame(columns=SCORES))
    table, ranks = aggregate.pair_ranks(study, tmp_path)
    assert table.values.tolist() == pairs.values.tolist()
    assert ranks.tolist() == [cosines[n][1] for n in ("lab-r10-d8-s3", "word2vec-r2-d8-s1")]
    for name in cosines:  # a study without public sets
        empty = pairs.assign(cosine=0.0)[:0]
        write_table(tmp_path / "vectors" / name / "similarities.csv", empty)
    table, ranks = aggregate.pair_ranks(study, tmp_path)
    assert (len(table), ranks.shape) == (0, (2, 0))


def test_models_that_the_study_does_not_name_are_left_out(
    tmp_path: Path, study: params.Study
) -> None:
    write_curves(tmp_path, "lab-r2-d8-s2", "lab-r5-d8-s1", "lab-r2-d16-s1", "word2vec-r10-d8-s1")
    write_run(tmp_path, "classifiers/shuffled-lab-r2-d8-s1")
    write_run(tmp_path, "classifiers/random-d8-s2")
    assert aggregate.vector_tables(study, tmp_path) == {}
    assert aggregate.finished_runs(study, tmp_path) == []


def test_curves_of_plain_runs_stand_by_themselves(tmp_path: Path, study: params.Study) -> None:
    write_run(tmp_path, "classifiers/random-d8-s1")
    write_run(tmp_path, "classifiers/pretrained-lab-r2-d8-s1")
    write_run(tmp_path, "classifiers/random-x0.1-n100-d8-s3")
    write_run(tmp_path, "classifiers/random-large-d8-s1")
    tables = aggregate.curve_tables(aggregate.finished_runs(study, tmp_path))
    for name, table in tables.items():
        write_table(tmp_path / f"{name}.csv", table)
    plain = (tmp_path / "classifier_curves.csv").read_text().splitlines()
    assert plain[0] == "init,recipe,radius,dim,seed,epoch,split,loss,accuracy"
    assert len(plain) == 1 + 2 * len(RUN_CURVES)
    assert "random,,,8,1,0,train,0.7,0.5" in plain
    assert "pretrained,lab,2,8,1,1,test,0.55,0.7" in plain
    others = (tmp_path / "experiment_curves.csv").read_text().splitlines()
    assert others[0] == (
        "init,recipe,radius,scale,documents,classifier,dim,seed,epoch,split,loss,accuracy"
    )
    assert len(others) == 1 + 2 * len(RUN_CURVES)
    assert "random,,,0.1,100,conv1d,8,3,2,validation,0.6,0.7" in others
    assert "random,,,,,large,8,1,1,test,0.55,0.7" in others


def test_a_baseline_has_no_curves_and_leaves_those_of_others_whole(
    tmp_path: Path, study: params.Study
) -> None:
    write_run(tmp_path, "classifiers/random-large-d8-s1")
    write_run(tmp_path, "baselines/nbsvm-s1", curves=BASELINE_CURVES)
    runs = aggregate.finished_runs(study, tmp_path)
    write_table(tmp_path / "table.csv", aggregate.curve_tables(runs)["experiment_curves"])
    lines = (tmp_path / "table.csv").read_text().splitlines()
    assert "random,,,,,large,8,1,2,train,0.4,0.8" in lines
    assert not any("nbsvm" in line for line in lines)


def test_every_run_is_a_row(tmp_path: Path, study: params.Study) -> None:
    """Of two seeds one is missing here and there: what is finished counts, in the plan's order."""
    write_run(tmp_path, "baselines/mean_lr-lab-r2-d8-s3", WRONG_TWICE, BASELINE_CURVES)
    write_run(tmp_path, "baselines/nbsvm-s1", WRONG_TWICE, BASELINE_CURVES)
    write_run(tmp_path, "classifiers/random-x0.1-n100-d8-s3", WRONG_TWICE)
    write_run(tmp_path, "classifiers/random-large-d8-s1")
    write_run(tmp_path, "classifiers/random-d8-s3", WRONG_TWICE)
    write_run(tmp_path, "classifiers/random-d8-s1")
    write_run(tmp_path, "classifiers/pretrained-lab-r10-d8-s1")
    predicted = tmp_path / "classifiers/pretrained-lab-r10-d8-s3/predictions.csv"
    write_table(predicted, pd.DataFrame())  # not finished: no curves yet
    runs, correct = table_of_runs(study, tmp_path)
    assert list(runs.columns) == COLUMNS["runs"]
    write_table(tmp_path / "runs.csv", runs)
    lines = (tmp_path / "runs.csv").read_text().splitlines()
    scores = "1,0.75,0.5,0.7,0.55,1.0"
    assert lines[1] == f"pretrained,lab,10,,,conv1d,8,1,{scores}"
    assert lines[2] == f"random,,,,,conv1d,8,1,{scores}"
    assert lines[3].startswith("random,,,,,conv1d,8,3,1,0.75,0.5,0.7,0.55,0.58")
    assert lines[4].startswith("random,,,0.1,100,conv1d,8,3,1,")
    assert lines[5] == f"random,,,,,large,8,1,{scores}"
    assert lines[6].startswith(",,,,,nbsvm,,1,,0.85,0.3,0.8,0.35,0.58")
    assert lines[7].startswith("pretrained,lab,2,,,mean_lr,8,3,,0.85,0.3,0.8,0.35,0.58")
    assert len(lines) == 8
    right, wrong = [1, 1, 1, 1, 1], [1, 0, 1, 1, 0]
    assert correct.dtype == np.uint8
    assert correct.tolist() == [right, right, wrong, wrong, right, wrong, wrong]
    read = read_tidy(tmp_path, "runs")
    assert read["init"].tolist() == [*runs["init"].tolist()[:5], "", "pretrained"]
    assert read["dim"].isna().tolist() == [False] * 5 + [True, False]


def test_averages_are_with_the_baselines_on_text_of_the_seed(
    tmp_path: Path, study: params.Study
) -> None:
    """Labels 0 0 1 1 1: by the mean of p = 0.6 0.4 … and the baseline's 0.1 0.9 …, by hand."""
    own = np.array([0.6, 0.4, 0.6, 0.9, 0.2])  # right: the last four but one: 3 of 5
    text = np.array([0.1, 0.7, 0.3, 0.2, 0.9])  # right: the first and the last
    mean = np.array([0.35, 0.55, 0.45, 0.55, 0.55])
    assert np.allclose(mean, (own + text) / 2)
    write_run(tmp_path, "classifiers/random-d8-s1", own)
    write_run(tmp_path, "classifiers/random-d8-s3", own)  # has no baseline of its seed
    write_run(tmp_path, "classifiers/random-x0.1-n100-d8-s1", own)  # of few documents
    write_run(tmp_path, "baselines/nbsvm-s1", text)
    write_run(tmp_path, "baselines/mean_lr-lab-r2-d8-s1", text)  # reads vectors
    runs = aggregate.finished_runs(study, tmp_path)
    found = aggregate.averages(runs, aggregate.predictions_of(runs))
    assert found[["init", "seed"]].values.tolist() == [["random", 1]]
    assert found["test_accuracy"].tolist() == [np.mean((mean > 0.5) == [0, 0, 1, 1, 1])]


def test_macro_f1_is_that_of_scikit_learn() -> None:
    """Also of classes that are never predicted, and of predicted ones that no document has."""
    rng = np.random.default_rng(1)
    for _ in range(200):
        classes, size = rng.integers(1, 6), rng.integers(1, 30)
        labels, predicted = rng.integers(0, classes, size), rng.integers(0, classes + 1, size)
        expected = f1_score(labels, predicted, average="macro", zero_division=0)
        assert aggregate.macro_f1(labels, predicted) == pytest.approx(expected)


def test_macro_f1_by_hand(tmp_path: Path, study: params.Study) -> None:
    """The mean over classes of 2 TP / (2 TP + FP + FN)."""
    # of two classes: right 0, (0 as 1), 1, 1, (1 as 0)
    write_run(tmp_path, "classifiers/random-d8-s1", WRONG_TWICE)
    runs, _ = table_of_runs(study, tmp_path)
    assert runs["test_macro_f1"].tolist() == pytest.approx([(2 / 4 + 4 / 6) / 2])
    # of three, one of which nothing is predicted to be: true 0 0 1 1 2, predicted 0 1 1 1 1
    three = np.eye(3)[[0, 1, 1, 1, 1]]
    labels = np.array([0, 0, 1, 1, 2], np.int16)
    write_run(tmp_path, "classifiers/random-d8-s1", three, labels=labels)
    runs, correct = table_of_runs(study, tmp_path)
    assert runs["test_macro_f1"].tolist() == pytest.approx([(2 / 3 + 4 / 6 + 0) / 3])
    assert correct.tolist() == [[1, 0, 1, 1, 0]]


@pytest.mark.parametrize("documents", [DOCUMENTS[::-1], DOCUMENTS[:-1], DOCUMENTS + 1])
def test_runs_tested_on_other_documents_are_refused(
    tmp_path: Path, study: params.Study, documents: np.ndarray
) -> None:
    n = len(documents)
    write_run(tmp_path, "classifiers/random-d8-s1")
    write_run(
        tmp_path, "classifiers/random-d8-s3", RIGHT[:n], documents=documents, labels=LABELS[:n]
    )
    with pytest.raises(ArtifactError, match=r"random-d8-s3/predictions\.csv: its test documents"):
        table_of_runs(study, tmp_path)


def test_words_stay_as_they_are(tmp_path: Path, study: params.Study) -> None:
    row = {"word": "007", "rank": 1, "neighbour": "nan", "cosine": 0.5}
    write_table(tmp_path / "vectors/lab-r2-d8-s1/neighbours.csv", pd.DataFrame([row]))
    table = aggregate.vector_tables(study, tmp_path)["neighbours"]
    assert table.iloc[0].to_dict() == {
        "recipe": "lab", "radius": 2, "dim": 8, "seed": 1, **row
    }  # fmt: skip


def test_models_without_rows_leave_an_empty_table(tmp_path: Path, study: params.Study) -> None:
    write_table(tmp_path / "embeddings/lab-r2-d8-s1/curves.csv", CURVE[:0])
    table = aggregate.vector_tables(study, tmp_path)["sgns_curves"]
    assert table.empty
    assert list(table.columns) == COLUMNS["sgns_curves"]


@pytest.mark.parametrize("change", [{"loss": "lost"}, {"loss": "accuracy", "accuracy": "loss"}])
def test_a_file_with_other_columns_is_refused(
    tmp_path: Path, study: params.Study, change: dict[str, str]
) -> None:
    path = tmp_path / "embeddings/lab-r2-d8-s1/curves.csv"
    write_table(path, CURVE.rename(columns=change))
    with pytest.raises(ArtifactError, match=r"lab-r2-d8-s1/curves\.csv: found the columns epoch,"):
        aggregate.vector_tables(study, tmp_path)
    run = tmp_path / "classifiers/random-d8-s1"
    write_run(tmp_path, "classifiers/random-d8-s1", curves=RUN_CURVES.rename(columns=change))
    with pytest.raises(ArtifactError, match=f"{run.name}/curves.csv: found the columns epoch,"):
        aggregate.curve_tables(aggregate.finished_runs(study, tmp_path))


def test_the_best_model_is_of_the_best_start_by_the_mean_over_seeds(
    tmp_path: Path, study: params.Study
) -> None:
    """Among those whose weights are kept; starts that learn from few documents do not count."""
    accuracies = {
        "random-d8-s1": 0.9,  # the best of all, but its other seed is the worst
        "random-d8-s3": 0.1,
        "pretrained-lab-r2-d8-s1": 0.6,
        "pretrained-lab-r2-d8-s3": 0.7,
        "random-x0.1-n100-d8-s3": 1.0,
    }
    for name, accuracy in accuracies.items():
        curves = RUN_CURVES.assign(accuracy=accuracy)
        write_run(tmp_path, f"classifiers/{name}", curves=curves)
    runs = aggregate.finished_runs(study, tmp_path)
    table, _ = table_of_runs(study, tmp_path)
    assert aggregate.best_model(runs, table, [1]) == {
        "best_model": str(tmp_path / "classifiers/pretrained-lab-r2-d8-s1/model.safetensors"),
        "best_model_validation_accuracy": pytest.approx(0.65),
        "best_model_test_accuracy": pytest.approx(0.65),
    }
    assert aggregate.best_model(runs[-1:], table[-1:], [1]) == {}


@pytest.mark.parametrize("any_run", [False, True])
def test_a_study_is_summed_up_while_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, study: params.Study, any_run: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    write_settings(study)
    results = tmp_path / "results/imdb"
    write_curves(results, "lab-r2-d8-s1")
    if any_run:
        write_run(results, "classifiers/random-d8-s3", WRONG_TWICE)
    words = ["aggregate", "--study", "results/imdb/study.json"]
    result = CliRunner().invoke(cli, words)
    assert result.exit_code == 0, result.output
    written = {path.name for path in results.iterdir() if path.is_file()} - {"study.json"}
    of_runs = {"runs.csv", "correct.npy", "classifier_curves.csv", "experiment_curves.csv"}
    of_runs |= {"averages.csv", "summary.csv", "metrics.json"}
    assert written == {"recipes.csv", "sgns_curves.csv"} | (of_runs if any_run else set())
    if any_run:
        assert read_array(results / "correct.npy", ndim=2).tolist() == [[1, 0, 1, 1, 0]]
        assert len(read_tidy(results, "runs")) == 1


@pytest.mark.parametrize(
    "content",
    ["", "s\tmax_rss\n", "s\tmax_rss\n-1\t2\n", "s\tmax_rss\nx\t2\n", "s\n1\n", "a\n1\t2\t3\n4\n"],
)
def test_a_file_that_is_no_benchmark_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "rule").mkdir()
    (tmp_path / "rule/x.tsv").write_text(content)
    with pytest.raises(ArtifactError, match=r"rule/x\.tsv: not one of Snakemake's benchmark files"):
        aggregate.timings([tmp_path])


@pytest.mark.parametrize("split", ["test", "validation"])
def test_curves_without_the_selected_epoch_are_named(tmp_path: Path, split: str) -> None:
    write_table(tmp_path / "curves.csv", RUN_CURVES[RUN_CURVES["split"] != split])
    with pytest.raises(ArtifactError, match="no row of the test documents, or none of the valid"):
        aggregate.selected_scores(tmp_path / "curves.csv")


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        *(("loss", "x", "numbers"), ("epoch", 1.5, "whole numbers"), ("epoch", 2**60, "whole n")),
        *(("epoch", 10**50, "whole numbers"), ("epoch", "x", "whole numbers")),
    ],
)
def test_a_value_that_a_column_cannot_have_is_named(
    tmp_path: Path, column: str, value: Any, expected: str
) -> None:
    table = RUN_CURVES.astype(object)
    table.loc[3, column] = value
    write_table(tmp_path / "curves.csv", table)
    with pytest.raises(
        ArtifactError, match=f"column {column}: found '{value}', expected {expected}"
    ):
        aggregate.selected_scores(tmp_path / "curves.csv")


@pytest.mark.parametrize("value", ["1_0", "nan", "９", "1e9x"])
@pytest.mark.parametrize("column", ["loss", "epoch"])
def test_what_pandas_does_not_take_for_a_number_is_none(
    tmp_path: Path, column: str, value: str
) -> None:
    table = RUN_CURVES.astype(object)
    table.loc[3, column] = value
    write_table(tmp_path / "curves.csv", table)
    with pytest.raises(ArtifactError, match=f"column {column}: found '"):
        aggregate.selected_scores(tmp_path / "curves.csv")


def test_timings_come_from_benchmark_files(tmp_path: Path) -> None:
    folder = tmp_path / "train_sgns"
    folder.mkdir()
    header = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"
    (folder / "lab-r2-d8-s1.tsv").write_text(
        header + "12.5\t0:00:12\t310.25\t1\t1\t1\t0\t0\t99\t12\n"
    )
    (folder / "lab-r5-d8-s1.tsv").write_text(header + "0.1\t0:00:00\t-\t-\t-\t-\t-\t-\t-\t-\n")
    table = aggregate.timings([tmp_path, tmp_path / "none"])
    assert list(table.columns) == ["rule", "wildcards", "seconds", "peak_memory_mib"]
    assert table.iloc[0].tolist() == ["train_sgns", "lab-r2-d8-s1", 12.5, 310.25]
    assert pd.isna(table.iloc[1]["peak_memory_mib"])

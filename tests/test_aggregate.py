"""Curves of models become tables of one observation a row."""

from pathlib import Path

import pandas as pd
import pytest

from sgns_study import aggregate
from sgns_study.artifacts import ArtifactError, write_table
from sgns_study.evaluation.tables import COLUMNS

CURVE = pd.DataFrame(
    {"epoch": [0, 1], "split": ["train", "test"], "loss": [0.7, 0.1], "accuracy": [0.5, 0.9]}
)


def write_curves(folder: Path, *names: str) -> list[Path]:
    paths = [folder / name / "curves.csv" for name in names]
    for path in paths:
        write_table(path, CURVE)
    return paths


def test_the_model_is_read_from_the_folder(tmp_path: Path) -> None:
    paths = write_curves(tmp_path / "embeddings", "lab-r10-d256-s3", "lab-r2-d128-s1")
    table = aggregate.tables(paths)["sgns_curves"]
    assert list(table.columns) == COLUMNS["sgns_curves"]
    # sorted as numbers: 2 before 10
    assert table[["recipe", "radius", "dim", "seed", "epoch"]].values.tolist() == [
        ["lab", 2, 128, 1, 0],
        ["lab", 2, 128, 1, 1],
        ["lab", 10, 256, 3, 0],
        ["lab", 10, 256, 3, 1],
    ]


def test_a_random_start_has_no_recipe_and_no_radius(tmp_path: Path) -> None:
    paths = write_curves(tmp_path / "classifiers", "random-d8-s1", "pretrained-lab-r2-d8-s1")
    table = aggregate.tables(paths)["classifier_curves"]
    write_table(tmp_path / "table.csv", table)
    lines = (tmp_path / "table.csv").read_text().splitlines()
    assert lines[0] == "init,recipe,radius,dim,seed,epoch,split,loss,accuracy"
    assert "random,,,8,1,0,train,0.7,0.5" in lines
    assert "pretrained,lab,2,8,1,1,test,0.1,0.9" in lines


def test_the_order_of_the_inputs_does_not_matter(tmp_path: Path) -> None:
    names = ("random-d8-s1", "random-d16-s1", "pretrained-lab-r2-d8-s2")
    paths = write_curves(tmp_path / "classifiers", *names)
    one, other = (aggregate.tables(part)["classifier_curves"] for part in (paths, paths[::-1]))
    pd.testing.assert_frame_equal(one, other)


def test_words_stay_as_they_are(tmp_path: Path) -> None:
    row = {"word": "007", "rank": 1, "neighbour": "nan", "cosine": 0.5}
    path = tmp_path / "vectors/lab-r2-d8-s1/neighbours.csv"
    write_table(path, pd.DataFrame([row]))
    table = aggregate.tables([path])["neighbours"]
    assert table.iloc[0].to_dict() == {
        "recipe": "lab", "radius": 2, "dim": 8, "seed": 1, **row
    }  # fmt: skip


def test_models_without_rows_leave_an_empty_table(tmp_path: Path) -> None:
    path = tmp_path / "embeddings/ppmi-r2-d8-s1/curves.csv"
    write_table(path, CURVE[:0])
    table = aggregate.tables([path])["sgns_curves"]
    assert table.empty
    assert list(table.columns) == COLUMNS["sgns_curves"]


def test_a_folder_or_file_that_does_not_belong(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="folder's name does not say"):
        aggregate.tables(write_curves(tmp_path / "embeddings", "lab-r2-d128"))
    with pytest.raises(ArtifactError, match=r"of no table; expected are: embeddings/curves\.csv"):
        aggregate.tables([tmp_path / "samples/lab-r2-d8-s1/curves.csv"])
    path = tmp_path / "embeddings/lab-r2-d8-s1/curves.csv"
    write_table(path, CURVE.drop(columns="loss"))
    with pytest.raises(ArtifactError, match="expected epoch, split, loss, accuracy"):
        aggregate.tables([path])


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

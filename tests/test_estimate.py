"""What a study is said to take, before it runs, is about what such studies took."""

from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
import yaml

from sgns_study.config import check_study, read_study
from sgns_study.estimate import Job, cores, jobs, lines, stages
from sgns_study.params import Study
from tests.conftest import REPOSITORY, Workspace

CALIBRATION = pd.read_csv(REPOSITORY / "src/sgns_study/calibration.csv").set_index("stage")


@pytest.mark.parametrize(
    ("parameters", "timed"), [("params.yaml", "imdb"), ("config/tweaks.yaml", "tweaks")]
)
def test_the_estimate_is_within_a_factor_of_two_of_a_finished_study(
    parameters: str, timed: str
) -> None:
    """Of the jobs, and the stages, that the study was timed with and still has."""
    planned = pd.DataFrame(jobs(read_study(REPOSITORY / parameters)), columns=Job._fields)
    cost = CALIBRATION.loc[planned["stage"]].reset_index(drop=True)
    planned["estimate"] = cost["seconds"] + cost["seconds_per_work"] * planned["work"]
    timings = pd.read_csv(REPOSITORY / "results" / timed / "timings.csv")
    both = planned.merge(timings, left_on=["rule", "run"], right_on=["rule", "wildcards"])
    assert len(both) > len(timings) / 2
    ratio = both["estimate"].sum() / both["seconds"].sum()
    assert 0.5 < ratio < 2
    training = both[both["rule"].str.startswith("train")].groupby("stage")
    ratios = training["estimate"].sum() / training["seconds"].sum()
    assert ratios.between(0.5, 2).all(), ratios


def test_the_largest_job_takes_about_the_memory_that_it_took() -> None:
    measured = pd.read_csv(REPOSITORY / "results/imdb/timings.csv")["peak_memory_mib"].max()
    found = stages(read_study(REPOSITORY / "params.yaml"))["mib"].max()
    assert 0.5 < found / measured < 2


@pytest.mark.workflow
def test_the_jobs_are_those_of_the_workflow(tmp_path: Path) -> None:
    """With two draws of text, kept and repeated classifiers, and every kind of recipe."""
    workspace = Workspace(tmp_path)
    workspace.edit("tiny.yaml", "seeds: [1]", "seeds: [1, 2]")
    workspace.edit("tiny.yaml", "unlabelled: false, seed: 1", "unlabelled: false")
    planned = Counter(job.rule for job in jobs(read_study(tmp_path / "tiny.yaml")))
    found = workspace.planned()
    found["train_classifier"] += found.pop("train_repeated")
    assert planned == found


def own(changes: dict[str, object]) -> Study:
    content = yaml.safe_load((REPOSITORY / "config/demo.yaml").read_text())
    return check_study(content | changes, "demo")


def test_the_plan_has_a_line_for_each_stage_and_one_for_all() -> None:
    found = stages(own({}))
    shown = lines(found)
    assert len(shown) == 1 + len(found) + 1
    assert [int(line[24:30]) for line in shown[1:-1]] == found["jobs"].tolist()
    assert int(shown[-1][24:30]) == found["jobs"].sum()
    minutes = found["seconds"].sum() / 60 / cores()
    assert float(shown[-1][30:40]) == pytest.approx(minutes, abs=0.05)


def test_twice_the_epochs_are_twice_the_work() -> None:
    def work(epochs: int) -> float:
        recipes = {"word2vec": own({}).recipes["word2vec"].model_dump() | {"epochs": epochs}}
        grid = own({}).grid.model_dump() | {"recipes": ["word2vec"]}
        study = own({"recipes": recipes, "grid": grid})
        return sum(job.work for job in jobs(study) if job.rule == "train_sgns")

    assert work(4) > 0
    assert work(8) == pytest.approx(2 * work(4))


def test_of_the_whole_text_the_validation_documents_are_not_read() -> None:
    """IMDB's vectors read 4,000 reviews and the 70,000 that are neither these nor validation."""
    content = yaml.safe_load((REPOSITORY / "params.yaml").read_text())
    whole = jobs(check_study(content, "params.yaml"))
    content["recipes"]["word2vec"]["documents"] = 74_000
    assert [*whole] == [*jobs(check_study(content, "params.yaml"))]

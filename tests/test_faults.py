"""A sample of the campaign of faults (tests/faults), on the tiny study: one fault of each kind."""

import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY, SCRIPTS, Workspace, variables_with
from tests.faults.campaign import GOOD, TABLE, read_rows, run_fault, summary
from tests.faults.schedule import KINDS, Fault, schedule
from tests.faults.study import Study, timeless

TIME = 200  # seconds after which no further fault is begun
FIRST = [fault for fault in schedule(seed=1)[: len(KINDS)] if "again" not in fault.kind]


@pytest.fixture(scope="module")
def deadline() -> float:
    return time.monotonic() + TIME


@pytest.fixture
def study(finished_study: Workspace) -> Study:
    environment = {k: v for k, v in variables_with(SCRIPTS).items() if k != "SGNS_STUDY_MIRROR"}
    return Study(finished_study.folder, finished_study.parameters, environment)


@pytest.mark.faults
@pytest.mark.xdist_group("faults")
@pytest.mark.parametrize("fault", FIRST, ids=lambda fault: fault.kind.replace(" ", "-"))
def test_after_a_fault_one_clear_error_or_a_finished_study(
    fault: Fault, study: Study, tmp_path: Path, deadline: float
) -> None:
    if time.monotonic() > deadline:
        pytest.skip(f"{TIME} s for faults are up")
    row = run_fault(fault, study, tmp_path)
    if row["outcome"] == "not allowed":
        pytest.skip(str(row["message"]))
    assert row["outcome"] in GOOD, f"{row['target']}, {row['moment']}: {row['message']}"
    assert (row["wrong_files"], row["lost_models"]) == (0, 0)


def test_a_job_makes_what_it_makes_from_its_inputs_alone(
    finished_study: Workspace, study: Study, tmp_path: Path
) -> None:
    """So a file that was deleted is made again by whoever needs it, and is never done without."""
    environment = study.environment | {"PATH": finished_study.environment["PATH"]}
    one_of_each = {job.rule: job for job in study.jobs if job.rule != "timings"}  # of the clock
    for job in one_of_each.values():
        folder = tmp_path / job.rule
        settings = "results/tiny/study.json"  # which no job is made from, but for its `params`
        for name in [settings, *job.inputs, *job.outputs]:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
        for name in [settings, *job.inputs]:
            shutil.copy2(study.folder / name, folder / name)
        command = job.command.partition(" 2>")[0]
        subprocess.run(command, shell=True, cwd=folder, env=environment, check=True)
        for name in job.outputs:
            assert timeless(folder / name) == timeless(study.folder / name), name


def test_the_table_of_the_documentation_is_that_of_the_campaign() -> None:
    rows = read_rows(TABLE)
    assert summary(rows.values()) in (REPOSITORY / "docs/faults.md").read_text()
    assert {row["outcome"] for row in rows.values()} <= set(GOOD)
    assert set(rows) == {fault.number for fault in schedule(seed=1)}

"""A sample of the campaign of faults (tests/faults), on the tiny study: one fault of each kind."""

import time
from pathlib import Path

import pytest

from tests.conftest import Workspace
from tests.faults.campaign import GOOD, run_fault
from tests.faults.schedule import KINDS, Fault, schedule
from tests.faults.study import Study

TIME = 200  # seconds after which no further fault is begun
FIRST = [fault for fault in schedule(seed=1)[: len(KINDS)] if "again" not in fault.kind]


@pytest.fixture(scope="module")
def deadline() -> float:
    return time.monotonic() + TIME


@pytest.fixture
def study(finished_study: Workspace) -> Study:
    environment = {k: v for k, v in finished_study.environment.items() if k != "SGNS_STUDY_MIRROR"}
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

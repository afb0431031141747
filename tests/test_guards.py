"""What Snakemake says of a disk or a killed job reaches the user as one error with its remedy."""

import errno
import logging
import os
import re
import traceback
from pathlib import Path

import pytest
from snakemake.cli import get_argument_parser
from snakemake.settings.types import MaxJobsPerTimespan, SchedulingSettings

import sgns_study
from sgns_study.artifacts import ArtifactError
from sgns_study.config import ParamsError, read_arguments
from sgns_study.guards import PlainErrors, check_writable, lift_rate_limit, plain
from tests.conftest import Workspace


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "the disk is full; nothing was kept: free space on it and run again"),
        (errno.EROFS, "not writable (Read-only file system): make its folder writable, run again"),
        (errno.EACCES, "not writable (Permission denied): make its folder writable, run again"),
    ],
)
def test_a_traceback_of_the_disk_becomes_one_line(number: int, remedy: str) -> None:
    try:
        raise OSError(number, os.strerror(number), "results/demo/logs/claims.log")
    except OSError as error:
        message = "\n".join(traceback.format_exception(error))
    assert plain(message) == f"sgns-study: error: results/demo/logs/claims.log: {remedy}"


@pytest.mark.parametrize(
    "message",
    ["Finished jobid: 3", "FileNotFoundError: [Errno 2] No such file or directory: 'a'", "50 %"],
)
def test_other_messages_stay_as_they_are(message: str) -> None:
    assert plain(message) == message


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("'sgns-study claims' returned non-zero exit status 137.", "a job was killed, by hand or"),
        (
            "OSError: Missing files after 5 seconds. Consider to wait with --latency-wait:\n"
            "a.csv (missing locally, parent dir contents: b.csv)",
            "a.csv: deleted while a job waited for it: run again",
        ),
        (
            "Output a.csv has older modification time (2026-01-01) than input b.csv (2027-01-01).",
            "b.csv: changed in the future, by its time: set the clock right, `touch` the file",
        ),
    ],
)
def test_what_to_do_stands_below_what_snakemake_says(said: str, remedy: str) -> None:
    assert plain(said).startswith(f"{said}\nsgns-study: error: {remedy}")


def test_messages_of_the_log_pass_through(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("as Snakemake's")
    logger.addFilter(PlainErrors())
    logger.error("%s has %d", "a 100 % finished study", 3)
    logger.error("OSError: [Errno 28] No space left on device: 'a.csv'")
    first, second = caplog.messages
    assert first == "a 100 % finished study has 3"
    assert second.startswith("sgns-study: error: a.csv: the disk is full")


def test_a_folder_that_is_not_there_is_made(tmp_path: Path) -> None:
    check_writable([str(tmp_path / "results/demo")])
    assert (tmp_path / "results/demo").is_dir()


def test_the_folder_that_is_not_writable_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = tmp_path / "results/demo/logs"
    locked.mkdir(parents=True)
    monkeypatch.setattr(os, "access", lambda path, _: Path(path) != locked)
    with pytest.raises(ArtifactError, match=r"results/demo/logs: not writable \(Permission den"):
        check_writable([str(tmp_path / "results")])


def test_compiled_code_of_a_package_that_may_not_be_written_to_lies_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside = sgns_study._compiled_code_folder()
    assert beside.parent.name == "__pycache__"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(os, "access", lambda path, _: "__pycache__" not in str(path))
    assert sgns_study._compiled_code_folder() == tmp_path / ".cache/sgns_study" / beside.name
    monkeypatch.setattr(os, "access", lambda *_: False)
    own = sgns_study._compiled_code_folder()
    assert list(own.iterdir()) == []
    own.rmdir()


@pytest.mark.workflow
def test_values_of_the_command_line_keep_their_types(workspace: Workspace) -> None:
    """Snakemake itself reads every value inside of one as a text."""
    seeds = "grid={seeds: [1, 2, 3, 4]}"
    arguments = ("--cores", "1", "--dry-run", "--config")
    result = workspace.run(*arguments, seeds, "report={compare_with_lab: false}", "device=cpu")
    said = result.stdout + result.stderr
    assert result.returncode == 0, said
    assert len(set(re.findall(r"embeddings/lab-r2-d8-s(\d)/run.json", said))) == 4
    result = workspace.run(*arguments, "grid={seeds: [0.5]}")
    said = " ".join((result.stdout + result.stderr).split())
    assert "tiny.yaml + --config: grid.seeds.0: found 0.5, allowed: a valid integer" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("entry", ["grid={seeds: [1", "grid={x: 2026-99-99}"])
def test_a_value_of_the_command_line_that_is_no_yaml(entry: str) -> None:
    with pytest.raises(ParamsError, match="--config: not readable as YAML"):
        read_arguments([entry])


@pytest.mark.parametrize("own", [None, "5/1m", "100/1m"])
def test_only_snakemakes_own_limit_of_jobs_a_second_is_lifted(own: str | None) -> None:
    limit = own or get_argument_parser().get_default("max_jobs_per_timespan")
    scheduling = SchedulingSettings(max_jobs_per_timespan=MaxJobsPerTimespan.parse_choice(limit))
    lift_rate_limit(scheduling)
    assert (scheduling.max_jobs_per_timespan is None) == (own is None)

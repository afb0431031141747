"""What Snakemake says of a disk or a killed job reaches the user as one error with its remedy."""

import errno
import logging
import os
import traceback
from pathlib import Path

import pytest

from sgns_study.artifacts import ArtifactError
from sgns_study.failures import PlainDiskErrors, advice, check_writable


def shown(message: str) -> str:
    record = logging.LogRecord("snakemake", logging.ERROR, "", 0, message, (), None)
    assert PlainDiskErrors().filter(record)
    return record.getMessage()


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
    assert shown(message) == f"sgns-study: error: results/demo/logs/claims.log: {remedy}"


@pytest.mark.parametrize(
    "message",
    ["Finished jobid: 3", "FileNotFoundError: [Errno 2] No such file or directory: 'a'", "50 %"],
)
def test_other_messages_stay_as_they_are(message: str) -> None:
    assert shown(message) == message


def test_advice_is_given_once_for_each_thing_that_can_be_put_right(tmp_path: Path) -> None:
    log = tmp_path / "snakemake.log"
    log.write_text(
        "Command 'sgns-study claims' returned non-zero exit status 137.\n" * 2
        + "Output a.csv has older modification time (2026-01-01) than input b.csv (2027-01-01)."
    )
    killed, skewed = advice([str(log)], [str(tmp_path / "results")])
    assert killed.startswith("a job was killed")
    assert skewed.startswith("b.csv: changed in the future")


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

"""What the Snakefile says when something goes wrong: one error, and what to do about it."""

import errno
import logging
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from sgns_study.artifacts import ArtifactError, disk_message

LEAST = 2**20  # bytes: with less a disk is full, since not even the notes of a run would fit
REMEDIES = {  # what Snakemake says of a failed job: what to do
    r"exit status 137|died with <Signals.SIGKILL": "a job was killed, by hand or for want of "
    "memory: run again, with fewer --cores if memory is short",
    r"Missing files after|MissingInputException": "a file was deleted while jobs needed it: run "
    "again, it is made anew",
    r"older modification time .* than input (\S+) \(": "{}: changed in the future, by its time: "
    "set the clock right, `touch` the file and run again",
}


def check_writable(folders: Iterable[str]) -> None:
    """Raise ArtifactError if a run cannot write to the folders, or to one under them."""
    for folder in map(Path, folders):
        folder.mkdir(parents=True, exist_ok=True)
        state = os.statvfs(folder)
        if state.f_bavail * state.f_frsize < LEAST or (state.f_files and not state.f_favail):
            raise ArtifactError(f"{folder}: the disk is full: free space on it and run again")
        for path, _, _ in os.walk(folder):
            if not os.access(path, os.W_OK):
                raise ArtifactError(disk_message(path, errno.EACCES))


def advice(logs: Iterable[str], folders: Iterable[str]) -> Iterator[str]:
    """What to do when jobs of a run have failed, in addition to what they say themselves.

    `logs` are Snakemake's, `folders` are those that the run writes to.
    """
    try:
        check_writable(folders)
    except ArtifactError as error:
        yield str(error)
    said = "".join(Path(log).read_text(encoding="utf-8", errors="replace") for log in logs)
    for words, remedy in REMEDIES.items():
        for found in sorted({found.groups() for found in re.finditer(words, said)}):
            yield remedy.format(*found)


class PlainDiskErrors(logging.Filter):
    """Turns Snakemake's traceback of an error of the disk into a line that says what to do."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record; none is left out."""
        found = re.search(r"\[Errno (\d+)\] [^:\n]*(?:: '(.*)')?\s*$", record.getMessage())
        message = disk_message(found[2] or Path.cwd(), int(found[1])) if found else ""
        if message:
            record.msg, record.args = f"sgns-study: error: {message}", ()
        return True

"""What the Snakefile says when something goes wrong: one error, and what to do about it."""

import errno
import logging
import os
import re
from collections.abc import Iterable
from pathlib import Path

from sgns_study.artifacts import ArtifactError, disk_message

LEAST = 2**20  # bytes: with less a disk is full, since not even the notes of a run would fit
REMEDIES = {  # what Snakemake says of a job: what to do
    r"exit status 137|died with <Signals.SIGKILL": "a job was killed, by hand or for want of "
    "memory: run again, with fewer --cores if memory is short",
    r"Missing files after .*:\n(\S+)": "{}: deleted while a job waited for it: run again, "
    "it is made anew",
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


def speak_plainly(logger: logging.Logger) -> None:
    """Make Snakemake's messages say what to do; its own log on a full disk loses lines silently."""
    logger.addFilter(PlainErrors())
    logging.raiseExceptions = False


class PlainErrors(logging.Filter):
    """Says what to do where Snakemake says only what happened.

    Its traceback of a full disk or of a folder that is not writable becomes one line.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record; none is left out."""
        said = record.getMessage()
        record.msg, record.args = plain(said), ()
        return True


def plain(said: str) -> str:
    """A message of Snakemake's with what to do, or in place of a traceback of the disk that."""
    disk = re.search(r"\[Errno (\d+)\] [^:\n]*(?:: '(.*)')?\s*$", said)
    message = disk_message(disk[2] or Path.cwd(), int(disk[1])) if disk else ""
    if message:
        return f"sgns-study: error: {message}"
    for words, remedy in REMEDIES.items():
        if found := re.search(words, said):
            return f"{said}\nsgns-study: error: {remedy.format(*found.groups())}"
    return said

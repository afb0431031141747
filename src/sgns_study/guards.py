"""What the workflow does about accidents: two runs at once, full disks, kills, wrong parameters.

Each ends in one error that says what to do.
"""

import errno
import fcntl
import logging
import os
import re
import shlex
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import IO, Any

import psutil

from sgns_study import artifacts, plan
from sgns_study.artifacts import ArtifactError, disk_message
from sgns_study.errors import StudyError
from sgns_study.params import FileRecipe, Study

LEAST = 2**20  # bytes: with less a disk is full, since not even the notes of a run would fit
JOBS_LOCK = "SGNS_STUDY_JOBS_LOCK"  # environment variable: the lock that the jobs of a study share
LIVE = "SGNS_STUDY_LIVE"  # environment variable: set by `sgns-study run`
REMEDIES = {  # what Snakemake says of a job: what to do
    r"exit status 137|died with <Signals.SIGKILL": "a job was killed, by hand or for want of "
    "memory: run again, with fewer --cores if memory is short",
    r"Missing files after .*:\n(\S+)": "{}: deleted while a job waited for it: run again, "
    "it is made anew",
    r"older modification time .* than input (\S+) \(": "{}: changed in the future, by its time: "
    "set the clock right, `touch` the file and run again",
}

_held: list[IO[str]] = []  # locks of this process


@contextmanager
def workflow_errors() -> Iterator[None]:
    """Turn an expected error into Snakemake's, which is shown without a traceback."""
    from snakemake.exceptions import WorkflowError

    try:
        yield
    except ValueError as error:  # such as a StudyError
        raise WorkflowError(str(error)) from None


def checked_study(workflow: Any, config: dict[str, Any]) -> Study:
    """The study of Snakemake's `config`, checked before any job together with its corpus.

    Also gives the jobs of the workflow their lock, and Snakemake's messages their remedies.
    """
    from snakemake.logging import logger
    from snakemake.utils import update_config

    from sgns_study.config import check_study, read_arguments, read_parameters
    from sgns_study.restore import check_recorded

    with workflow_errors():
        arguments = workflow.config_settings.config_args
        update_config(config, read_arguments(arguments))
        origins = [*map(str, workflow.configfiles), *(["--config"] if arguments else [])]
        study = check_study(config, origin=" + ".join(origins))
        check_files(study)
        if workflow.is_main_process:
            for file in workflow.configfiles:  # Snakemake silently keeps one of two equal keys
                read_parameters(Path(file))
            check_recorded(Path("results", study.study))
    lift_rate_limit(workflow.scheduling_settings)
    os.environ[JOBS_LOCK] = f"results/{study.study}/jobs.lock"
    logger.addFilter(PlainErrors())
    if LIVE in os.environ and workflow.is_main_process and not workflow.output_settings.dryrun:
        from sgns_study import progress

        progress.attach(study, logger)
    logging.raiseExceptions = False  # on a full disk Snakemake's own log loses lines
    return study


def lift_rate_limit(scheduling: Any) -> None:
    """Take away Snakemake's limit of 100 jobs a second, unless the user has set another.

    For its sake Snakemake 9.27 looks at its queue again a second after each look, and each job adds
    such a chain of looks: after 400 jobs of the IMDB study they took a third of a core.
    """
    limit = scheduling and scheduling.max_jobs_per_timespan
    if limit and (limit.max_jobs, limit.timespan) == (100, 1):
        scheduling.max_jobs_per_timespan = None


def check_files(study: Study) -> None:
    """Raise StudyError if the user's table or vectors are missing or do not fit the parameters."""
    from sgns_study.corpora.registry import corpus_sizes
    from sgns_study.sgns.vectors import check_dim

    study.check_documents(corpus_sizes(study.corpus))
    for model in plan.models(study):
        if isinstance(recipe := study.recipes[model.recipe], FileRecipe):
            check_dim(Path(recipe.path), model.dim)


def path_of_this_python() -> str:
    """Shell code by which a job finds the programs of the environment that runs Snakemake."""
    return f"PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH; "


def any_of(names: Iterable[object]) -> str:
    """A regular expression of names; one that nothing matches where there are none."""
    return "|".join(re.escape(str(name)) for name in names) or "(?!)"


def start(study: Study, workflow: Any, since: float) -> None:
    """Lock the study until this process ends, and write the file that its jobs read.

    Raises WorkflowError if another run works on it or did so after `since` (seconds of the clock),
    if the disk is full, or if there is no such device as the study wants.
    """
    from sgns_study.devices import torch_device

    results = Path("results", study.study)
    with workflow_errors():
        check_writable(folders(study))
        _held.append(lock_study(results / "lock", Path(os.environ[JOBS_LOCK]), since))
        if workflow.local_exec:  # the jobs of a cluster see for themselves
            torch_device(study.device)
        write_settings(study)


def write_settings(study: Study) -> None:
    """Write the file in which the jobs of a study find its parameters."""
    path = Path("results", study.study, "study.json")
    artifacts.write_text(path, study.model_dump_json(indent=1) + "\n")


def explain(study: Study, logs: Iterable[str]) -> None:
    """Say that a disk is full or not writable where a failed job found no room to say so."""
    said = "".join(Path(name).read_text(errors="replace") for name in logs)
    if "sgns-study: error:" not in said:
        try:
            check_writable(folders(study))
        except StudyError as error:
            print(f"sgns-study: error: {error}", file=sys.stderr)


def folders(study: Study) -> list[str]:
    """The folders that a run writes to."""
    return [f"results/{study.study}", f"reports/{study.study}", ".snakemake"]


@contextmanager
def job() -> Iterator[None]:
    """A job of the workflow: it holds the jobs' lock while it works, and seals what it wrote.

    The lock is the file that JOBS_LOCK names; by hand, outside the workflow, there is none.
    """
    lock = os.environ.get(JOBS_LOCK)
    # NFS grants a shared lock only on a file that is open for reading.
    with Path(lock).open("a+") if lock else nullcontext() as file:
        if file:
            take(file, fcntl.LOCK_SH)
        artifacts.written.clear()
        yield
        for path in artifacts.written.copy():
            artifacts.seal(path)
        if lock:
            os.utime(lock)  # tells a run that is just starting that there is something new


def lock_study(path: Path, jobs: Path, since: float = float("inf")) -> IO[str]:
    """Hold the study's lock until the returned file is closed or the process ends, however.

    `jobs` is the lock that the study's jobs share while they work: those of a run that was killed
    may outlive it. Locks belong to processes, not to files, so that a killed run leaves none
    behind. Raises ArtifactError naming the processes that hold one, or if a job has ended after
    `since` (seconds of the clock), when this run looked what there is to do.
    """
    held = lock(path)
    if held is None:
        raise ArtifactError(
            f"{path}: another run ({holders(path)}) is working on this study: "
            "wait until it ends, or end it, and run again"
        )
    has_had_jobs = jobs.exists()
    free = lock(jobs)
    if free is None:
        held.close()
        raise ArtifactError(
            f"{jobs}: jobs of a run that was ended are still at work on this study "
            f"({holders(jobs)}): wait until they end, or end them, and run again"
        )
    free.close()
    if has_had_jobs and jobs.stat().st_mtime > since:
        held.close()
        raise ArtifactError(
            f"{jobs}: another run worked on this study while this one was starting: run again"
        )
    return held


def lock(path: Path) -> IO[str] | None:
    """A file locked for this process alone; None while other processes hold it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("a")
    try:
        take(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


def take(file: IO[str], kind: int) -> None:
    """Lock an open file; raises ArtifactError if its file system has no locks."""
    try:
        fcntl.flock(file, kind)
    except BlockingIOError:
        raise
    except OSError as error:
        raise ArtifactError(
            f"{file.name}: cannot be locked ({error.strerror}): mount its file system with locks "
            "(Lustre: -o flock) or work in another folder"
        ) from None


def holders(path: Path) -> str:
    """The processes of this machine that have a file open, in words."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):  # it has ended, or is another user's
            if any(file.path == str(path.resolve()) for file in process.open_files()):
                found.append(str(process.pid))
    if not found:
        return "on another machine, or another user's"
    return f"process{'es' if len(found) > 1 else ''} {', '.join(found)}"


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
    if disk and (message := disk_message(disk[2] or Path.cwd(), int(disk[1]))):
        return f"sgns-study: error: {message}"
    for words, remedy in REMEDIES.items():
        if found := re.search(words, said):
            return f"{said}\nsgns-study: error: {remedy.format(*found.groups())}"
    return said

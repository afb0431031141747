"""A disk that fills, and folders that cannot be written to."""

import errno
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.faults.study import Job
from tests.faults.trial import Missed, NotAllowed, Trial

PAGE = 4096


@contextmanager
def mounted(*arguments: str | Path) -> Iterator[None]:
    """Something mounted while the block runs; raises NotAllowed where that is not allowed."""
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotAllowed(f"mounting is not allowed here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", arguments[-1]], check=True)


def fill(folder: Path, spare: int) -> Path:
    """Fill the disk of a folder but for `spare` bytes; gives the file that takes the space."""
    path = folder / ".filler"
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(16 * PAGE))
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
    os.truncate(path, max(0, path.stat().st_size // PAGE * PAGE - spare))
    return path


def full_disk(trial: Trial) -> None:
    """The disk of the study, of a part of it or of temporary files fills while a job works."""
    rng, desk = trial.rng, trial.desk
    job = job_of_any_rule(trial)
    disk = rng.choice((".", ".", "results", "results", "reports", ".snakemake", "tmp"))
    folder = desk.folder / disk
    folder.mkdir(parents=True, exist_ok=True)
    inodes = rng.random() < 0.15  # a disk is also full when it can hold no further file
    with mounted("-t", "tmpfs", "-o", "size=64m", "tmpfs", folder):
        desk.lay_out()
        desk.variables = {"TMPDIR": str(desk.folder / "tmp")}
        (desk.folder / "tmp").mkdir(exist_ok=True)
        trial.ask_for([job], rng.random() < 0.1)
        spare = rng.choice((0, 0, PAGE, 4 * PAGE, 32 * PAGE))
        trial.target = f"the disk of {'the study' if disk == '.' else disk}, {job.name}"

        def strike() -> None:
            if inodes:
                remount(folder, f"nr_inodes={inodes_used(folder) + spare // PAGE}")
                trial.undo = lambda: remount(folder, "nr_inodes=100000")
            else:
                filler = fill(folder, spare)
                trial.undo = lambda: filler.unlink(missing_ok=True)

        left = f"{spare // PAGE} files" if inodes else f"{spare} bytes"
        strike_during(trial, job, strike, f"full but for {left}")
        trial.undo()


def strike_during(trial: Trial, job: Job, strike: Callable[[], None], what: str) -> None:
    """Strike before the run or at a random moment of a job, and go on to the finished study."""
    if trial.rng.random() < 0.35:
        trial.moment = f"{what} before the run"
        trial.struck()
        strike()
        return trial.finish()
    moment = trial.rng.uniform(0, 0.9) * job.seconds
    trial.moment = f"{what} {moment:.2f} s after the job began"
    run = trial.start()
    if not trial.desk.await_job(run, job, moment):
        raise Missed("the run had ended")
    trial.struck()
    strike()
    return trial.finish(run)


def job_of_any_rule(trial: Trial) -> Job:
    """A job of a rule drawn evenly."""
    rule = trial.rng.choice(sorted({job.rule for job in trial.study.jobs}))
    return trial.rng.choice([job for job in trial.study.jobs if job.rule == rule])


def remount(folder: Path, option: str) -> None:
    """Mount with another option; raises Missed if a file that is open for writing forbids it."""
    command = ["mount", "-o", f"remount,{option}", folder]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        raise Missed("a file there was open for writing")


def inodes_used(folder: Path) -> int:
    state = os.statvfs(folder)
    return state.f_files - state.f_ffree


def read_only_mount(trial: Trial) -> None:
    """A folder of the study on a disk that is mounted read-only, from before or during a job."""
    rng, desk = trial.rng, trial.desk
    job = job_of_any_rule(trial)
    desk.lay_out()
    trial.ask_for([job], rng.random() < 0.1)
    name = rng.choice(folders_of(job))
    folder = desk.folder / name
    folder.mkdir(parents=True, exist_ok=True)
    trial.target = f"{name}, {job.name}"
    with mounted("--bind", folder, folder):
        trial.undo = lambda: remount(folder, "rw,bind")
        strike_during(trial, job, lambda: remount(folder, "ro,bind"), "read-only")


def folders_of(job: Job) -> list[str]:
    """The folders that a job or Snakemake beside it writes to, and some above them."""
    out = Path(job.outputs[0]).parent
    top = Path(*out.parts[:2])
    log = Path(job.log).parent
    return [str(folder) for folder in (out, top, log, Path("results"), Path(".snakemake"))]


def not_writable(trial: Trial) -> None:
    """A folder of the study that its user may not write to, from before or during a job."""
    rng, desk = trial.rng, trial.desk
    if os.geteuid() == 0:
        if not shutil.which("setpriv"):
            raise NotAllowed(
                "root writes anywhere, and there is no setpriv to run with fewer rights"
            )
        desk.prefix = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
    job = job_of_any_rule(trial)
    desk.lay_out()
    trial.ask_for([job], rng.random() < 0.1)
    name = rng.choice([*folders_of(job), "."])
    folder = desk.folder / name
    folder.mkdir(parents=True, exist_ok=True)
    trial.target = f"{name}, {job.name}"
    trial.undo = lambda: folder.chmod(0o755)
    try:
        strike_during(trial, job, lambda: folder.chmod(0o555), "not writable")
    finally:
        trial.undo()

"""A file between two stages damaged, deleted, changed for another or moved in time."""

import os
import subprocess
import time
from pathlib import Path
from random import Random

from tests.faults.study import Job, Study
from tests.faults.trial import Failure, Missed, Trial

DAY = 86400


def harmed(trial: Trial, harm: str) -> None:
    """Harm what a job reads, before the run or while another job works, and run."""
    rng, study = trial.rng, trial.study
    job, name = reader_and_file(study, harm, rng)
    earlier = waited_for(study, job, name, rng) if rng.random() < 0.3 else None
    trial.desk.lay_out()
    trial.ask_for([other for other in (earlier, job) if other], rng.random() < 0.1)
    trial.harmed = {name}
    path = trial.desk.folder / name
    if rng.random() < 0.1 and harm in ("truncated", "bit flipped", "deleted"):
        path = path.parent / ".sha256" / f"{path.name}.sha256"
    trial.target = f"{path.relative_to(trial.desk.folder)}, read by {job.name}"
    trial.moment = f"while {earlier.name} worked" if earlier else "before the run"
    run = None
    if earlier:
        run = trial.start(cores=1)
        if not trial.desk.await_job(run, earlier, rng.uniform(0, 0.6) * earlier.seconds):
            raise Missed("the run had ended")
        if (trial.desk.folder / job.log).exists():
            raise Missed("the reader had begun")
    trial.struck()
    do_harm(path, harm, rng, rng.choice(like_it(study, name) or [path]))
    changed = harm in ("truncated", "bit flipped", "swapped") and path.name == Path(name).name
    if changed and job.rule == "timings":  # it waits for its inputs, and reads none of them
        (run or trial.start()).end()
        verify(trial, name)
        run = None
    trial.finish(run)


def reader_and_file(study: Study, harm: str, rng: Random) -> tuple[Job, str]:
    """A job, of a rule drawn evenly, and one of the files that it reads."""
    made = {name for job in study.jobs for name in job.outputs}
    read = {job: made & set(job.inputs) for job in study.jobs}
    if harm == "swapped":
        read = {job: {n for n in names if like_it(study, n)} for job, names in read.items()}
    rule = rng.choice(sorted({job.rule for job, names in read.items() if names}))
    job = rng.choice([job for job, names in read.items() if names and job.rule == rule])
    return job, rng.choice(sorted(read[job]))


def waited_for(study: Study, job: Job, name: str, rng: Random) -> Job | None:
    """A job that the reader waits for and that does not itself need the file, if there is one."""
    before = [other for other in study.jobs if set(other.outputs) & set(job.inputs)]
    makers = [other for other in study.jobs if name in other.outputs]
    free = [other for other in before if other not in study.following(makers)]
    return rng.choice(free) if free else None


def like_it(study: Study, name: str) -> list[Path]:
    """Files of the same kind with other content."""
    return [
        study.folder / other
        for other, digest in sorted(study.digests.items())
        if Path(other).name == Path(name).name and digest != study.digests.get(name)
    ]


def do_harm(path: Path, harm: str, rng: Random, other: Path) -> None:
    """Harm a file; half of the changes of content leave its time as it was."""
    content, times = bytearray(path.read_bytes()), path.stat()
    if harm == "deleted":
        return path.unlink()
    if harm in ("made older", "made newer"):
        shift = rng.choice((3600, 30 * DAY))
        when = time.time() + (shift - 3600 if harm == "made newer" else -shift)
        return os.utime(path, (when, when))
    if harm == "swapped":
        content = bytearray(other.read_bytes())
    elif harm == "truncated":
        content = content[: rng.randrange(len(content))]
    else:
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    path.write_bytes(content)
    if rng.random() < 0.5:
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    return None


def damaged_at_rest(trial: Trial) -> None:
    """Damage a file that no job is to read; `sgns-study verify` must name it, and nothing else."""
    rng, desk = trial.rng, trial.desk
    desk.lay_out()
    name = rng.choice(sorted(trial.study.digests))
    harm = rng.choice(("truncated", "bit flipped", "deleted"))
    trial.harmed, trial.target, trial.moment = {name}, f"{name} {harm}", "at rest"
    trial.struck()
    do_harm(desk.folder / name, harm, rng, desk.folder)
    verify(trial, name)
    trial.finish()


def verify(trial: Trial, name: str) -> None:
    """Check that `sgns-study verify` names a file that was harmed and no other; do what it says."""
    desk = trial.desk
    found = subprocess.run(
        ["sgns-study", "verify", "results", "reports"],
        cwd=desk.folder,
        env=trial.study.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line for line in found.stderr.splitlines() if line.startswith(("results", "reports"))]
    if found.returncode == 0 or [line.partition(":")[0] for line in lines] != [name]:
        raise Failure("wrong", f"verify: {found.stderr}")
    trial.messages += lines
    (desk.folder / name).unlink(missing_ok=True)
    trial.targets = [name]  # who read it is finished, so that nothing else asks for it

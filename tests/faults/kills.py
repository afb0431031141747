"""SIGKILL: of a job, of Snakemake, whose jobs go on, and of all; once, or again and again."""

import shutil
import time

import psutil

from tests.faults.study import MODELS, Job, Run
from tests.faults.trial import Missed, Trial

PARTIES = ("a job", "Snakemake", "all")
KILLS = 8  # of one study from scratch


def killed(trial: Trial, party: str) -> None:
    """Kill a party at a random moment of a job or, but for jobs, of the run; then run again."""
    rng, job = trial.rng, prepare(trial)
    run = trial.start()
    if party == "a job" or rng.random() < 0.6:
        moment = rng.uniform(0, 0.95) * job.seconds
        trial.target, trial.moment = job.name, f"{moment:.2f} s after it began"
        strikes = trial.desk.await_job(run, job, moment)
    else:
        moment = rng.uniform(0, 4 + job.seconds)
        trial.target, trial.moment = "the run", f"{moment:.2f} s after it began"
        strikes = trial.desk.await_that(run, lambda: True, moment)
    if not strikes:
        run.end()
        raise Missed("the run had ended")
    trial.finish(kill(trial, run, party, job))


def prepare(trial: Trial) -> Job:
    """Take away a job, mostly a model's, often one beside it, and ask for them; gives the job."""
    rng, jobs = trial.rng, trial.study.jobs
    models = [job for job in jobs if job.rule in MODELS]
    job = rng.choice(models if rng.random() < 0.7 else jobs)
    beside = [rng.choice(models)] if rng.random() < 0.5 else []
    trial.desk.lay_out()
    trial.ask_for([job, *(other for other in beside if other != job)], rng.random() < 0.12)
    return job


def kill(trial: Trial, run: Run, party: str, job: Job | None = None) -> Run | None:
    """Kill a party; gives the run if it goes on to an end of its own."""
    if party == "a job":
        workers = [worker for worker in run.workers() if job is None or is_of(worker, job)]
        if not workers:
            run.end()
            raise Missed("the job had ended")
        trial.struck()
        trial.rng.choice(workers).kill()
        return run
    if party == "Snakemake":
        run.kill_alone()
    else:
        run.kill_group()
    trial.struck()
    trial.compare()
    time.sleep(trial.rng.choice((0, 0, 0.3, 2)))
    return None


def is_of(process: psutil.Process, job: Job) -> bool:
    """Whether a process is that job's: it is told by the log that its shell was given."""
    try:
        return job.log in process.parent().cmdline()[-1]
    except (psutil.Error, AttributeError):
        return False


def killed_again_and_again(trial: Trial) -> None:
    """From an empty folder: killed and continued many times, each time compared; then to the end.

    Each kill counts as a fault.
    """
    rng, desk = trial.rng, trial.desk
    desk.lay_out()
    for name in ("results", "reports", ".snakemake"):
        shutil.rmtree(desk.folder / name)
    trial.target, trial.faults, moments = "the whole study, from scratch", 0, []
    while trial.faults < KILLS:
        run, party, moment = trial.start(), rng.choice(PARTIES), rng.uniform(2.5, 14)
        if not desk.await_that(run, lambda: True, moment):
            if run.end() == 0:
                break
            trial.heed(run)  # jobs of the run before are at work
            continue
        try:
            goes_on = kill(trial, run, party)
        except Missed:
            continue
        trial.faults += 1
        trial.moment = ", ".join([*moments, f"{party} {moment:.1f} s"])
        moments = [trial.moment]
        if goes_on and goes_on.end():
            trial.heed(goes_on)
        trial.compare()
    trial.finish()

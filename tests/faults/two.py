"""Two runs started at once in one folder."""

import time

from tests.faults.kills import prepare
from tests.faults.trial import Trial


def two_runs(trial: Trial) -> None:
    """One does the work; the other ends with one clear error, or finds nothing left to do."""
    job = prepare(trial)
    apart = trial.rng.choice((0, trial.rng.uniform(0, 2), trial.rng.uniform(0, 4 + job.seconds)))
    trial.target, trial.moment = job.name, f"{apart:.2f} s apart"
    trial.struck()
    runs = [trial.start()]
    time.sleep(apart)
    runs.append(trial.start())
    for run in runs:
        if run.end():
            trial.heed(run)
        trial.compare()
    trial.finish()

"""Fit the calibration of `sgns-study params` to the timings of finished studies.

    python benchmarks/calibrate.py params.yaml config/tweaks.yaml config/demo.yaml

reads `results/<study>/timings.csv` of each and writes src/sgns_study/calibration.csv: seconds of a
job's start and seconds per unit of its work, MiB and MiB per million tokens of the corpus. Jobs are
found by their names: of a study whose parameters changed since, those that it still has.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import nnls

from sgns_study.artifacts import write_table
from sgns_study.config import read_study
from sgns_study.estimate import CALIBRATION, corpus_tokens, jobs

NOTHING = {"work": 0.0, "tokens": 0.0, "seconds": 2.0, "peak_memory_mib": 200.0}  # Python's start


def timed(path: Path) -> pd.DataFrame:
    """The jobs of a study: stage, work, tokens, and where it was timed seconds and peak memory."""
    study = read_study(path)
    timings = pd.read_csv(Path("results", study.study, "timings.csv"))
    planned = pd.DataFrame(jobs(study), columns=["rule", "wildcards", "stage", "work"])
    planned = planned.assign(tokens=corpus_tokens(study))
    return planned.merge(timings, how="left", on=["rule", "wildcards"])


def fitted(cause: pd.Series, effect: pd.Series) -> np.ndarray:
    """A start and a slope, neither negative; a job weighs by the root of what it took."""
    known = effect > 0
    cause, effect = cause[known].to_numpy(), effect[known].to_numpy()
    causes = np.column_stack([np.ones(len(cause)), cause])
    weights = 1 / np.sqrt(effect)
    return nnls(causes * weights[:, None], effect * weights)[0]


def main() -> None:
    every = pd.concat(map(timed, map(Path, sys.argv[1:])))
    rows = []
    for stage, part in every.groupby("stage", sort=False):
        part = pd.concat([part, pd.DataFrame([NOTHING])])
        times = fitted(part["work"], part["seconds"])
        memory = fitted(part["tokens"], part["peak_memory_mib"])
        rows.append((stage, *(float(f"{value:.3g}") for value in (*times, *memory))))
        print(stage, len(part), rows[-1][1:])
    columns = ["stage", "seconds", "seconds_per_work", "mib", "mib_per_token"]
    write_table(CALIBRATION, pd.DataFrame(rows, columns=columns))


if __name__ == "__main__":
    main()

"""What a user sees of a study that runs: the plan, one live line, and in the end the answer.

Snakemake's own messages go on to its log under .snakemake/log; of them only warnings, errors and
what became of the run are shown.
"""

import logging
import shutil
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd

from sgns_study import estimate
from sgns_study.params import Study

TOLD = ("Nothing to be done", "Complete log")


def attach(study: Study, logger: logging.Logger) -> None:
    """Print the plan, and put one live line in the place of Snakemake's messages."""
    stages = estimate.stages(study)
    told = next(each for each in logger.handlers if each.name == "DefaultStreamHandler")
    assert isinstance(told, logging.StreamHandler)
    print(*estimate.lines(stages), sep="\n", file=told.stream)
    logger.removeHandler(told)
    logger.addHandler(Live(told, stages, Path("reports", study.study)))


class Live(logging.Handler):
    """One line that says what is done, what runs and how long it will take.

    On a terminal it is written over; in a file there is a line for each tenth of the jobs.
    """

    def __init__(
        self, told: "logging.StreamHandler[Any]", stages: pd.DataFrame, reports: Path
    ) -> None:
        """`told`: the handler by which warnings and errors are shown, as Snakemake words them."""
        super().__init__()
        self.told, self.reports, self.since = told, reports, 0.0
        self.on_terminal = told.stream.isatty()
        self.running: dict[int, str] = {}  # rules of jobs
        self.left: Counter[str] = Counter()  # jobs by rule
        self.done, self.total, self.seconds_done, self.failed = 0, 0, 0.0, False
        rules = stages.groupby(stages.index.str.split().str[0]).sum()
        self.seconds = (rules["seconds"] / rules["jobs"]).to_dict()  # of a job of each rule
        self.seconds["train_repeated"] = self.seconds.get("train_classifier", 0.0)

    def emit(self, record: logging.LogRecord) -> None:
        """Count an event of Snakemake's, or show what it says."""
        said = record.getMessage()
        if record.levelno >= logging.WARNING or said.startswith(TOLD):
            self.clear()
            self.told.handle(record)
            self.failed |= record.levelno >= logging.ERROR
        of = record.__dict__
        match of.get("event"):
            case "run_info":
                stats = of["stats"].items()
                self.left = Counter({r: n for r, n in stats if r not in ("all", "total")})
                self.total, self.since = self.left.total(), time.monotonic()
            case "job_info" if of["rule_name"] != "all":
                self.running[of["jobid"]] = of["rule_name"]
                self.show()
            case "job_error":
                self.running.pop(of["jobid"], None)
            case "job_finished" if of["job_id"] in self.running:
                self.finish(self.running.pop(of["job_id"]))

    def finish(self, rule: str) -> None:
        """Count a job that has ended."""
        self.left[rule] -= 1
        self.seconds_done += self.seconds.get(rule, 0.0)
        self.done += 1
        self.show(is_tenth=self.done * 10 // self.total > (self.done - 1) * 10 // self.total)

    def show(self, is_tenth: bool = False) -> None:
        """Write the line."""
        counts = Counter(self.running.values())
        running = ", ".join(f"{n} × {rule}" for rule, n in sorted(counts.items()))
        left = sum(n * self.seconds.get(rule, 0.0) for rule, n in self.left.items())
        passed = time.monotonic() - self.since
        # At the pace so far; before the first jobs have ended, at that of the calibration.
        pace = passed / self.seconds_done if self.done > 2 else 1 / estimate.cores()
        line = f"{self.done} of {self.total} jobs, {duration(passed)}, about "
        line += f"{duration(left * pace)} left: {running}"
        if self.on_terminal:
            self.clear()
            self.told.stream.write(line[: shutil.get_terminal_size().columns - 1])
        elif is_tenth:
            self.told.stream.write(f"{line}\n")
        self.told.stream.flush()

    def clear(self) -> None:
        """Take the line off the terminal."""
        if self.on_terminal:
            self.told.stream.write("\r\033[K")

    def close(self) -> None:
        """Say where the report is, once all is done, and the answer in a few lines."""
        self.clear()
        report, answer = self.reports / "report.html", self.reports / "answer.txt"
        if self.done == self.total and not self.failed and report.is_file():
            said = answer.read_text(encoding="utf-8") if answer.is_file() else ""
            end = f"{said}The report: {report} and {report.with_suffix('.pdf')}\n"
            self.told.stream.write(end)
        self.told.close()
        super().close()


def duration(seconds: float) -> str:
    """In the unit that suits: seconds, minutes or hours."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"

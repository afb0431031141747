"""One live line of a run: what is done, what runs and how long it will take; then the answer."""

import io
import logging
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from sgns_study.progress import Live, duration

STAGES = pd.DataFrame({"jobs": [1, 9], "seconds": [2.0, 90.0]}, ["tokenize", "train_sgns lab"])


class Terminal(io.StringIO):
    """What was written to it can still be read once it is closed."""

    def __init__(self, is_terminal: bool) -> None:
        super().__init__()
        self.is_terminal = is_terminal

    def isatty(self) -> bool:
        return self.is_terminal


def event(name: str | None, said: str = "", level: int = logging.INFO, **of: Any) -> Any:
    record = logging.LogRecord("snakemake", level, __file__, 1, said, None, None)
    record.__dict__.update(event=name, **of)
    return record


def run(live: Live, jobs: int = 10) -> None:
    """A study of ten jobs up to the `jobs`-th, one after another."""
    live.emit(event("run_info", stats={"tokenize": 1, "train_sgns": 9, "all": 1, "total": 11}))
    for job in range(jobs):
        rule = "train_sgns" if job else "tokenize"
        live.emit(event("job_info", "rule …", jobid=job, rule_name=rule))
        live.emit(event("job_finished", "Finished …", job_id=job))
    if jobs == 10:  # what Snakemake counts as one more
        live.emit(event("job_info", "localrule all:", jobid=10, rule_name="all"))
        live.emit(event("job_finished", "Finished …", job_id=10))


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    (tmp_path / "report.html").touch()
    (tmp_path / "answer.txt").write_text("One.\nTwo.\nThree.\n")
    return tmp_path


def shown(reports: Path, on_terminal: bool, jobs: int = 10) -> str:
    stream = Terminal(on_terminal)
    live = Live(logging.StreamHandler(stream), STAGES, reports)
    run(live, jobs)
    live.close()
    return stream.getvalue()


def test_on_a_terminal_there_is_one_line_that_is_written_over(reports: Path) -> None:
    said = shown(reports, on_terminal=True)
    ends = said.replace("\r\033[K", "\r")
    before, _, end = ends.rpartition("\r")
    assert "\n" not in before
    assert before.count(" of 10 jobs") == 20  # each job starts and ends
    assert "0 of 10 jobs" in before
    assert ": 1 × train_sgns" in before
    assert end.splitlines()[:3] == ["One.", "Two.", "Three."]
    assert end.splitlines()[3] == f"The report: {reports}/report.html and {reports}/report.pdf"


def test_in_a_file_there_is_a_line_for_each_tenth_of_the_jobs(reports: Path) -> None:
    said = shown(reports, on_terminal=False).splitlines()
    assert [line.split(",")[0] for line in said[:10]] == [f"{n} of 10 jobs" for n in range(1, 11)]
    assert "\033" not in "".join(said)
    assert len(said) == 10 + 4


def test_of_a_run_that_did_not_end_no_report_is_named(reports: Path) -> None:
    assert "The report" not in shown(reports, on_terminal=False, jobs=9)
    stream = Terminal(False)
    live = Live(logging.StreamHandler(stream), STAGES, reports)
    live.emit(event(None, "another run is working on this study", logging.ERROR))
    live.close()
    assert stream.getvalue() == "another run is working on this study\n"


def test_of_a_study_that_is_finished_the_report_is_named(reports: Path) -> None:
    stream = Terminal(False)
    live = Live(logging.StreamHandler(stream), STAGES, reports)
    live.emit(event(None, "Nothing to be done (all requested files are present)."))
    live.close()
    said = stream.getvalue().splitlines()
    assert said[0].startswith("Nothing to be done")
    assert said[-1].startswith("The report: ")


def test_the_error_of_a_job_is_shown_and_other_messages_are_not(reports: Path) -> None:
    stream = Terminal(True)
    live = Live(logging.StreamHandler(stream), STAGES, reports)
    run(live, 2)
    live.emit(event("job_info", "rule …", jobid=7, rule_name="train_sgns"))
    live.emit(event(None, "Select jobs to execute..."))
    live.emit(event("job_error", "the disk is full", logging.ERROR, jobid=7))
    assert "the disk is full\n" in stream.getvalue()
    assert "Select" not in stream.getvalue()
    live.show()
    assert stream.getvalue().endswith("left: ")  # it runs no more


def test_what_is_left_is_in_proportion_to_the_seconds_that_jobs_are_estimated_to_take(
    reports: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of 2 s and nine of 10 s, at one and a half of that pace."""
    stream, clock = Terminal(False), iter([0.0, *[33.0] * 100])
    monkeypatch.setattr("sgns_study.progress.time.monotonic", lambda: next(clock))
    live = Live(logging.StreamHandler(stream), STAGES, reports)
    run(live, 3)  # 22 s by the estimate, 33 s by the clock; 7 jobs of 10 s are left: 105 s
    assert stream.getvalue().splitlines()[-1] == "3 of 10 jobs, 33 s, about 2 min left: "


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.4, "0 s"), (89, "89 s"), (90, "2 min"), (3600, "60 min"), (9000, "2.5 h")],
)
def test_a_duration_is_in_the_unit_that_suits(seconds: float, said: str) -> None:
    assert duration(seconds) == said

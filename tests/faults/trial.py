"""One fault: a desk, what was finished when it struck, and the way back to a finished study."""

import os
import re
import signal
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

import psutil

from tests.faults.study import BOUND, Desk, Hang, Job, Run, Study

FOLLOWING = 20  # jobs that a fault may cost again at most
REMEDIES = 3  # errors one after the other that a single fault may bring


class Failure(Exception):
    """The study did not keep its promise; `outcome` is the word for it."""

    def __init__(self, outcome: str, message: str) -> None:
        super().__init__(message)
        self.outcome = outcome


class Missed(Exception):
    """The fault could not be brought about: what it was aimed at had ended. Not counted."""


class NotAllowed(Exception):
    """The machine does not let the program bring such a fault about, and why."""


@dataclass
class Trial:
    """What happens at one desk, from a fault to the finished study."""

    desk: Desk
    rng: Random
    faults: int = 1
    targets: list[str] = field(default_factory=list)  # asked for; none: the whole study
    taken: list[Job] = field(default_factory=list)  # whose outputs were taken away
    target: str = ""  # what the fault is on, in words
    moment: str = ""  # when it strikes, in words
    harmed: set[str] = field(default_factory=set)  # files that the fault is on
    undo: Callable[[], object] = lambda: None  # frees the disk, makes the folder writable
    before: dict[str, tuple[int, str]] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    @property
    def study(self) -> Study:
        return self.desk.study

    def ask_for(self, jobs: Sequence[Job], whole: bool) -> None:
        """Take away what jobs made and ask for it; `whole`: all that follows, and the study.

        Not the whole study if more than `FOLLOWING` jobs follow: the work of a model is enough.
        """
        following = self.study.following(jobs)
        whole = whole and len(following) <= FOLLOWING
        self.taken = following if whole else list(jobs)
        self.desk.take_away(self.taken)
        self.targets = [] if whole else [name for job in jobs for name in job.outputs]

    def start(self, cores: int = 2) -> Run:
        return self.desk.start(*self.targets, cores=cores)

    def struck(self) -> None:
        """Note what is finished, as the fault strikes, after a look at what was before."""
        self.check_kept()
        self.before = self.desk.finished_models()

    def finish(self, run: Run | None = None) -> None:
        """From the fault to the end: run, do what the error says if there is one, compare.

        Raises Failure if an error says no remedy, if the remedies do not help, or if what is there
        in the end is not what a clean run makes.
        """
        for _ in range(REMEDIES + 1):
            run = run or self.start()
            if run.end() == 0:
                return self.check_finished()
            self.compare(but=self.harmed)
            self.heed(run)
            run = None
        raise Failure("unclear", f"{REMEDIES} remedies did not help: {self.messages[-1]}")

    def compare(self, but: Collection[str] = ()) -> None:
        """Raise Failure if a file under a name that counts has other bytes than a clean run's."""
        self.wrong = self.desk.wrong(but)
        if self.wrong:
            raise Failure("wrong", f"other bytes than a clean run's: {', '.join(self.wrong)}")

    def heed(self, run: Run) -> None:
        """Do what the error says; raises Failure unless it is clear."""
        if "Traceback (most recent call last)" in run.output:
            raise Failure("unclear", f"a traceback: {tail(run.output)}")
        errors = clear_errors(run.output)
        if not errors:
            raise Failure("unclear", f"no error with a remedy: {tail(run.output)}")
        for error in errors:
            self.messages += [error]
            if not any(remedy(self, error) for remedy in (delete_it, touch_it, end_them, undo_it)):
                raise Failure("unclear", f"an error without a remedy: {error}")

    def check_finished(self) -> None:
        """Raise Failure unless all that was asked for is there, right, and no model was redone."""
        self.compare()
        missing = self.desk.missing(self.targets or self.study.digests)
        if missing:
            raise Failure("wrong", f"missing at the end: {', '.join(missing)}")
        self.check_kept()

    def check_kept(self) -> None:
        """Raise Failure if a model that was finished is no longer as it was, bytes and time.

        But for models that were harmed, and those that follow from what was harmed or taken away.
        """
        makers = [job for job in self.study.jobs if self.harmed & set(job.outputs)]
        again = self.study.following(makers)
        again += [job for job in self.study.following(self.taken) if job not in self.taken]
        excused = {name for job in again for name in job.outputs}
        now = self.desk.finished_models()
        self.lost = [
            name
            for name, state in self.before.items()
            if name not in excused and now.get(name) != state
        ]
        if self.lost:
            raise Failure("lost", f"finished before, made again: {', '.join(self.lost)}")


def clear_errors(output: str) -> list[str]:
    """The errors that a user would read: the project's own or, without any, Snakemake's."""
    own = re.findall(r"^sgns-study: error: (.+(?:\n(?:  |Put ).+)*)", output, re.M)
    its = re.findall(r"^WorkflowError(?: in .+)?:\n(.+)", output, re.M)
    found = own or [error for error in its if not error.startswith("At least one job")]
    return list(dict.fromkeys(" ".join(error.split()) for error in found))


def tail(output: str) -> str:
    return " / ".join(output.strip().splitlines()[-6:])


def delete_it(trial: Trial, error: str) -> bool:
    """The remedy for a damaged file; the error names it."""
    named = re.match(r"(\S+): .*delete it and run again", error)
    if named:
        (trial.desk.folder / named[1]).unlink()
    return bool(named)


def touch_it(trial: Trial, error: str) -> bool:
    """The remedy for a file from the future."""
    named = re.match(r"(\S+): .*`touch` the file and run again", error)
    if named:
        (trial.desk.folder / named[1]).touch()
    return bool(named)


def end_them(trial: Trial, error: str) -> bool:
    """The remedy while other processes are at work: wait for them, or end them."""
    named = re.search(r"\(process(?:es)? ([\d, ]+)\): wait until (?:it|they) end", error)
    if not named:
        return False
    for number in map(int, named[1].split(", ")):
        with suppress(psutil.NoSuchProcess, ProcessLookupError):
            process = psutil.Process(number)
            if trial.rng.random() < 0.3:
                os.kill(number, signal.SIGTERM)
            try:
                process.wait(BOUND)
            except psutil.TimeoutExpired:
                raise Hang(f"process {number} did not end within {BOUND} s") from None
    return True


def undo_it(trial: Trial, error: str) -> bool:
    """The remedies that are the undoing of the fault, or nothing but running again."""
    if re.search(r"free space|make (the|its) folder writable|run (it )?again", error):
        trial.undo()
        return True
    return False

"""A campaign: many inputs to every reader, counted, and what fails kept as regression cases.

    python -m tests.fuzz --inputs 100000 --seed 1

Each reader has a process of its own, so that one that dies is a failure of that reader. Of failures
that end in the same line of code the smallest input is kept in `cases/<reader>/`, where the tests
find it. The counts go to `campaign.csv`, a row as soon as a reader is done. An input is counted
once, however often it was drawn.
"""

import csv
import multiprocessing
import os
import re
import sys
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import redirect_stderr
from hashlib import sha256
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import hypothesis
from hypothesis import HealthCheck, Phase
from tqdm import tqdm

from tests.fuzz import MEMORY_FOLDER

HERE = Path(__file__).parent
CASES = HERE / "cases"
SILENCE = 300  # seconds without an answer after which a process counts as hung
STEP = 50  # inputs between two answers of a process

Failure = tuple[str, str, bytes]  # where it ended, the file that was replaced, its content
Found = tuple[Counter[str], dict[str, Failure]]  # outcomes; failures by where they ended


HEADER = ["reader", "seed", "inputs", "refused", "accepted", "found and mended before", "failures"]


@click.command(help=__doc__)
@click.option("--inputs", default=100_000, show_default=True, help="inputs in all, shared evenly")
@click.option("--seed", default=1, show_default=True, help="seed of what is drawn")
@click.option("--only", multiple=True, help="name of a reader; all when not given")
@click.option("--out", type=click.Path(path_type=Path), default=HERE / "campaign.csv")
@click.option("--cases", type=click.Path(path_type=Path), default=CASES, help="folder of failures")
def main(inputs: int, seed: int, only: tuple[str, ...], out: Path, cases: Path) -> None:
    from tests.fuzz.targets import TARGETS

    names = [target.name for target in TARGETS]
    chosen = [name for name in names if not only or name in only]
    each = -(-inputs // len(chosen))
    table = read(out) if only and out.exists() else {}
    total = kinds = 0
    with (
        tqdm(total=each * len(chosen), unit=" inputs") as bar,
        ThreadPoolExecutor(os.cpu_count()) as pool,
    ):
        started = {pool.submit(attacked, name, each, seed, bar): name for name in chosen}
        for done in as_completed(started):  # a row as soon as it is there
            name, (counts, failures) = started[done], done.result()
            folder = cases / folder_of(name)
            found = [seed, counts.total(), counts["refused"], counts["accepted"]]
            table[name] = [name, *found, len(list(folder.glob("*"))), len(failures)]
            for where, file, content in failures.values():
                bar.write(f"{name}: {where}\n    kept in {save(folder, file, content)}")
            write(out, [table[name] for name in names if name in table])
            total, kinds = total + counts.total(), kinds + len(failures)
    print(f"{total} inputs, {kinds} kinds of failure")
    sys.exit(kinds > 0)


def read(path: Path) -> dict[str, list[object]]:
    """The rows of a table of counts by reader."""
    with path.open(newline="") as file:
        return {row[0]: list(row) for row in list(csv.reader(file))[1:]}


def write(path: Path, rows: list[list[object]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([HEADER, *rows])


def attacked(name: str, inputs: int, seed: int, bar: tqdm) -> Found:
    """What came of so many inputs to a reader.

    Of a process that ends before its time the input it had is tried once more: someone else may
    have ended it.
    """
    counts: Counter[str] = Counter()
    failures: dict[str, Failure] = {}
    with TemporaryDirectory(prefix="fuzz-", dir=MEMORY_FOLDER) as scratch:
        trial = Path(scratch, "input")
        while counts.total() < inputs:
            left, drawn = inputs - counts.total(), seed + counts.total()
            if process(attack, (name, left, drawn, Path(scratch)), counts, failures, bar) is None:
                continue
            file, _, content = trial.read_bytes().partition(b"\n")
            how = process(attack_once, (name, Path(scratch)), counts, failures, bar)
            if how is not None:
                counts["failed"] += 1
                keep(failures, f"the process {how}", file.decode(), content)
    return counts, failures


def process(
    work: Callable[..., None],
    arguments: tuple[object, ...],
    counts: Counter[str],
    failures: dict[str, Failure],
    bar: tqdm,
) -> str | None:
    """Work in a process of its own, and count what it answers; how it ended if before its time."""
    answers, theirs = multiprocessing.Pipe(duplex=False)
    worker = multiprocessing.get_context("spawn").Process(target=work, args=(*arguments, theirs))
    worker.start()
    theirs.close()
    ended = followed(answers, counts, failures, bar)
    worker.join(5)
    how = "hung" if worker.exitcode is None else f"ended with {worker.exitcode}"
    worker.kill()
    worker.join()
    return None if ended else how


def followed(
    answers: Connection, counts: Counter[str], failures: dict[str, Failure], bar: tqdm
) -> bool:
    """Count what a process answers; whether it came to its end."""
    while answers.poll(SILENCE):
        try:
            answer = answers.recv()
        except EOFError:
            return False
        if answer is None:
            return True
        if isinstance(answer, str):
            raise RuntimeError(f"the campaign itself failed:\n{answer}")
        outcomes, failed = answer
        counts.update(outcomes)
        bar.update(outcomes.total())
        for failure in failed:
            keep(failures, *failure)
    return False


def keep(failures: dict[str, Failure], where: str, file: str, content: bytes) -> None:
    """Keep the smallest input of each kind of failure."""
    if where not in failures or len(content) < len(failures[where][2]):
        failures[where] = (where, file, content)


def attack(name: str, inputs: int, seed: int, scratch: Path, answers: Connection) -> None:
    """In a process of its own: draw inputs and answer what came of them, every few."""
    warnings.simplefilter("ignore")
    try:
        with Path(os.devnull).open("w") as nowhere, redirect_stderr(nowhere):
            attempt = Attempt(name, inputs, scratch, answers)
            while attempt.left:  # a strategy may come to the end of what it has
                attempt.draw(seed + attempt.left)
        attempt.report()
        answers.send(None)
    except Exception:
        answers.send(traceback.format_exc())


def attack_once(name: str, scratch: Path, answers: Connection) -> None:
    """The input that a process ended with, in another."""
    with Path(os.devnull).open("w") as nowhere, redirect_stderr(nowhere):
        file, _, content = (scratch / "input").read_bytes().partition(b"\n")
        attempt = Attempt(name, 1, scratch, answers)
        attempt.run(file.decode(), content)
    attempt.report()
    answers.send(None)


class Attempt:
    """The inputs of one process to one reader."""

    def __init__(self, name: str, inputs: int, scratch: Path, answers: Connection) -> None:
        from tests.fuzz.bench import Bench
        from tests.fuzz.targets import TARGETS

        target = next(target for target in TARGETS if target.name == name)
        self.bench = Bench(target, scratch / "files")
        self.trial, self.answers, self.left = scratch / "input", answers, inputs
        self.seen: set[bytes] = set()
        self.counts: Counter[str] = Counter()
        self.failed: list[Failure] = []

    def draw(self, seed: int) -> None:
        """Draw and run as many inputs as are left, or as a seed gives."""
        limits = hypothesis.settings(
            max_examples=max(self.left, STEP),  # the first are the simplest, whatever the seed
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        trier = hypothesis.given(self.bench.inputs())(lambda replaced: self.run(*replaced))
        hypothesis.seed(seed)(limits(trier))()

    def run(self, file: str, content: bytes) -> None:
        """Run an input that was not drawn before."""
        whole = file.encode() + b"\n" + content
        digest = sha256(whole).digest()[:8]
        if self.left == 0 or digest in self.seen:
            return
        self.seen.add(digest)
        self.left -= 1
        self.trial.write_bytes(whole)
        try:
            self.counts["accepted" if self.bench.run((file, content)) else "refused"] += 1
        except Exception as error:
            self.counts["failed"] += 1
            self.failed.append((where_it_ended(error), file, content))
        if self.counts.total() == STEP:
            self.report()

    def report(self) -> None:
        """Send what came of the inputs since the last answer."""
        self.answers.send((Counter(self.counts), list(self.failed)))
        self.counts.clear()
        self.failed.clear()


def where_it_ended(error: BaseException) -> str:
    """The kind of an exception and the last line of the project that it came through."""
    frames = traceback.extract_tb(error.__traceback__)
    last = next((f for f in reversed(frames) if "sgns_study" in f.filename), frames[-1])
    said = re.sub("[0-9]+", "…", str(error)[:60]) if isinstance(error, AssertionError) else ""
    return f"{type(error).__name__} {said} in {Path(last.filename).name}: {last.line}"


def folder_of(name: str) -> str:
    """A reader's folder among the cases."""
    return re.sub("[^a-z0-9.]+", "-", name.lower())


def save(folder: Path, file: str, content: bytes) -> Path:
    """Keep an input as a regression case: `<digest>` is a folder with the file in it."""
    path = folder / sha256(content).hexdigest()[:8] / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path

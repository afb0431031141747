"""The clean study that a fault is measured against, and the desks: copies in which things go wrong.

A desk is a copy of the finished study from which the outputs of a few jobs were taken away, with
their seals, logs and what Snakemake noted about them, so that only these jobs have to run again.
"""

import base64
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import psutil

BOUND = 900  # seconds a run may take, far above the minute or two of a whole study: a hang
MODELS = {"train_sgns", "train_classifier", "train_repeated", "train_baseline"}
CLOCKS = {"seconds", "peak_memory_mib", "commit"}  # fields of a run.json that tell runs apart


@dataclass(frozen=True)
class Job:
    """A job of the clean study, as Snakemake noted it down."""

    rule: str
    command: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    log: str
    seconds: float

    @property
    def name(self) -> str:
        """The rule and what tells the job from others of it."""
        last = Path(self.log).stem
        return self.rule if last == self.rule else f"{self.rule} {last}"


@dataclass
class Study:
    """A finished study in `folder`, to be copied; its jobs, and the digests of its files."""

    folder: Path
    parameters: str
    environment: dict[str, str]

    @cached_property
    def jobs(self) -> list[Job]:
        """Its jobs, in the order in which they ran, without `timings`: its clock is its content."""
        found = {}
        for path in sorted((self.folder / ".snakemake/metadata").iterdir()):
            record = json.loads(path.read_text())
            output = base64.urlsafe_b64decode(path.name).decode()
            found.setdefault(record["shellcmd"], []).append((output, record))
        ordered = sorted(found.values(), key=lambda made: made[0][1]["starttime"])
        return [
            Job(
                rule=record["rule"],
                command=record["shellcmd"],
                inputs=tuple(record["input"]),
                outputs=tuple(output for output, _ in made),
                log=record["log"][0],
                seconds=record["endtime"] - record["starttime"],
            )
            for made in ordered
            for record in [made[0][1]]
        ]

    def following(self, jobs: Iterable[Job]) -> list[Job]:
        """The jobs given and all that come after them."""
        found = set(jobs)
        for job in self.jobs:  # they ran in an order in which inputs come first
            if any(set(job.inputs) & set(other.outputs) for other in found):
                found.add(job)
        return [job for job in self.jobs if job in found]

    @cached_property
    def digests(self) -> dict[str, str]:
        """Digest of every file of the study that is a function of parameters, code and data."""
        return digests(self.folder)


def digests(folder: Path) -> dict[str, str]:
    """Digest of every file under a folder's results and reports, without what the clock decides."""
    found = {}
    for top in ("results", "reports"):
        for path in sorted((folder / top).glob("*/**/*")):
            name = str(path.relative_to(folder))
            if path.is_file() and is_compared(name):
                found[name] = sha256(timeless(path)).hexdigest()
    return found


def is_compared(name: str) -> bool:
    """Whether a file is a result: no log, no seal (a file is compared itself), no clock."""
    parts = Path(name).parts
    apart = {"logs", "benchmarks", ".sha256"} & set(parts)
    return not apart and parts[-1] not in ("timings.csv", "lock", "jobs.lock") and not is_left(name)


def is_left(name: str) -> bool:
    """Whether it is the half file of a killed job, under the name that does not count."""
    return name.endswith(".part")


def timeless(path: Path) -> bytes:
    """Content of a file without what tells one run from another."""
    content = path.read_bytes()
    if path.name == "run.json":
        with suppress(ValueError):  # a damaged one is compared as it is
            record = json.loads(content)
            return json.dumps({k: v for k, v in record.items() if k not in CLOCKS}).encode()
    if path.name in ("report.html", "appendix.html"):
        return timeless_page(content)
    if path.name == "report.pdf":  # compressed, and quotes the timings too: whole or not
        return content[:5] + content.rstrip()[-5:]
    return content


def timeless_page(page: bytes) -> bytes:
    """A page without what it quotes of the timings: a section, a line and a column of minutes."""
    page = re.sub(rb'<h2 id="cost">.*?</table>', b"", page, flags=re.DOTALL)
    page = re.sub(rb"\d+ jobs, [^<]* on one thread each, at most [^<]*MiB", b"", page)
    head, minutes, rest = page.partition(b">minutes</th>")
    table, end, rest = rest.partition(b"</table>")
    return head + minutes + re.sub(rb"<td[^>]*>[^<]*</td>\n</tr>", b"</tr>", table) + end + rest


class Hang(Exception):
    """A run that did not end within `BOUND` seconds."""


@dataclass
class Run:
    """A run of Snakemake at a desk, in a process group of its own."""

    process: subprocess.Popen[bytes]
    said: Path
    began: float = field(default_factory=time.monotonic)

    @property
    def output(self) -> str:
        """What Snakemake and its jobs have said so far."""
        return self.said.read_text(errors="replace")

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def end(self) -> int:
        """Wait for the end; gives the exit status. Raises Hang."""
        try:
            return self.process.wait(BOUND)
        except subprocess.TimeoutExpired:
            self.kill_group()
            raise Hang(f"no end within {BOUND} s") from None

    def kill_group(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def kill_alone(self) -> None:
        """Kill Snakemake; its jobs go on."""
        self.process.kill()
        self.process.wait()

    def workers(self) -> list[psutil.Process]:
        """The processes of its jobs, without the shells that they were started from."""
        found = []
        with suppress(psutil.Error):
            for child in psutil.Process(self.process.pid).children(recursive=True):
                with suppress(psutil.Error):
                    if child.name() == "sgns-study":
                        found.append(child)
        return found


@dataclass
class Desk:
    """A folder with a copy of the study to do harm to."""

    study: Study
    folder: Path
    prefix: tuple[str, ...] = ()  # before the command, to run as another user
    variables: dict[str, str] = field(default_factory=dict)
    python: Path = Path(sys.executable)  # which runs Snakemake
    runs: int = 0

    def lay_out(self) -> None:
        """Copy the study, with the times that files have, on which Snakemake relies."""
        shutil.copytree(self.study.folder, self.folder, symlinks=True, dirs_exist_ok=True)

    def take_away(self, jobs: Sequence[Job]) -> None:
        """Remove what jobs made and what is noted about it."""
        for name in (name for job in jobs for name in job.outputs):
            path = self.folder / name
            path.unlink(missing_ok=True)
            (path.parent / ".sha256" / f"{path.name}.sha256").unlink(missing_ok=True)
            (self.folder / ".snakemake/metadata" / noted(name)).unlink(missing_ok=True)
        for job in jobs:
            (self.folder / job.log).unlink(missing_ok=True)

    def start(self, *targets: str, cores: int = 2) -> Run:
        """Start Snakemake for targets, by default the whole study."""
        options = ["--cores", str(cores), "--configfile", self.study.parameters]
        return self.launch([str(self.python), "-m", "snakemake", *targets, *options])

    def launch(self, command: list[str]) -> Run:
        """Start a command here; what it says goes to a file beside the desk."""
        self.runs += 1
        said = self.folder.with_name(f"{self.folder.name}-{self.runs}.log")
        environment = self.study.environment | self.variables
        command[0] = shutil.which(command[0], path=environment["PATH"]) or command[0]
        with said.open("wb") as file:
            process = subprocess.Popen(
                [*self.prefix, *command],
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return Run(process, said)

    def await_job(self, run: Run, job: Job, then: float = 0) -> bool:
        """Wait until a job has begun and `then` seconds more; False if the run ended before."""
        return self.await_that(run, lambda: (self.folder / job.log).exists(), then)

    def await_that(self, run: Run, begun: Callable[[], bool], then: float = 0) -> bool:
        """Wait until something has begun and `then` seconds more; False if the run ended before."""
        while not begun():
            if not run.running:
                return False
            if time.monotonic() - run.began > BOUND:
                run.kill_group()
                raise Hang(f"nothing begun within {BOUND} s")
            time.sleep(0.02)
        with suppress(subprocess.TimeoutExpired):
            run.process.wait(then)
        return run.running

    def pending(self) -> set[str]:
        """Files whose job had begun and was not seen to end, by Snakemake's own markers."""
        folder = self.folder / ".snakemake/incomplete"
        names = [path.name for path in folder.rglob("*") if path.is_file()]
        return {base64.urlsafe_b64decode(name).decode(errors="replace") for name in names}

    def finished_models(self) -> dict[str, tuple[int, str]]:
        """Time of change and digest of every file of the models that are finished."""
        pending = self.pending()
        found = {}
        for job in self.study.jobs:
            paths = [self.folder / name for name in job.outputs]
            ended = all(path.is_file() for path in paths) and not pending & set(job.outputs)
            if job.rule in MODELS and ended:
                for name, path in zip(job.outputs, paths):
                    found[name] = path.stat().st_mtime_ns, sha256(path.read_bytes()).hexdigest()
        return found

    def wrong(self, but: Iterable[str] = ()) -> list[str]:
        """Files under a name that counts whose content is not that of the clean study."""
        clean = self.study.digests
        found = digests(self.folder)
        return sorted(name for name in found if found[name] != clean.get(name) and name not in but)

    def missing(self, names: Iterable[str]) -> list[str]:
        return [name for name in names if not (self.folder / name).is_file()]


def noted(name: str) -> str:
    """File name under which Snakemake notes something about an output."""
    return base64.urlsafe_b64encode(name.encode()).decode()


def workers_in(folder: Path) -> Iterator[psutil.Process]:
    """Processes that work in a folder, whoever started them."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.cwd() == str(folder.resolve()):
                yield process

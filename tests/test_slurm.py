"""The study on a real SLURM: the bytes of the desk, whatever the scheduler and kills do to jobs.

One run of the tiny study meets all of it: a training that is killed for memory, one that is killed
for time, and Snakemake killed while a third is at work; then the same command goes on.
"""

import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import REPOSITORY, Workspace, environment_with, kill_group
from tests.slurm.cluster import cluster, missing

pytestmark = [
    pytest.mark.slurm,
    pytest.mark.xdist_group("slurm"),
    pytest.mark.skipif(
        bool(missing()), reason=f"not installed: {', '.join(missing())} (slurm-wlm, munge)"
    ),
]

PROFILE = REPOSITORY / "config/profiles/slurm/config.yaml"
TARGETS = ("claims",)  # all but figures and report, which take long to draw
# In place of `sgns-study`: trainings that take too much. The second call finds the lock free.
TROUBLED = """\
#!/bin/sh
case "$*" in
*"--recipe lab "*) # 3 GB for a while, each time
    python -c 'import time; x = b"x" * 3 * 10**9; time.sleep(3)' || exit 1 ;;
*"--recipe one_negative "*) # never ends, the first time
    mkdir late 2> /dev/null && exec sleep 600 ;;
*"--recipe ppmi "*) # at work, the first time
    mkdir working 2> /dev/null && exec flock --shared results/tiny/jobs.lock sleep 600 ;;
esac
exec {program} "$@"
"""


@dataclass
class Study:
    """A run of the tiny study on SLURM, and what it and the queue said."""

    workspace: Workspace
    said: list[str] = field(default_factory=list)  # by each run, in order
    queue: list[tuple[str, ...]] = field(default_factory=list)  # comment, MB, minutes, state

    def attempts(self, recipe: str) -> list[tuple[str, ...]]:
        """Memory, time limit and state of the SLURM jobs of a recipe, in order."""
        comment = f"rule_train_sgns_wildcards_{recipe}_2_8_1"
        return [job[1:] for job in self.queue if job[0] == comment]

    def states(self, recipe: str) -> list[str]:
        self.queue = queue(self.workspace)
        return [state for _, _, state in self.attempts(recipe)]


def queue(workspace: Workspace) -> list[tuple[str, ...]]:
    """Comment, memory, time limit and state of all jobs, in order of their numbers."""
    command = ["squeue", "--states=all", "--sort=i", "--noheader", "--format=%k|%m|%l|%T"]
    text = subprocess.check_output(command, env=workspace.environment, text=True)
    return [tuple(line.split("|")) for line in text.splitlines()]


def with_profile(workspace: Workspace, change: Callable[[dict[str, Any]], None]) -> list[str]:
    """The option that names the profile, changed for a tiny study on two cores."""
    profile = yaml.safe_load(PROFILE.read_text())
    profile["slurm-init-seconds-before-status-checks"] = 1
    # Fewer starts of Snakemake, which take longer than these jobs.
    profile["groups"] |= dict.fromkeys(("train_classifier", "train_repeated"), "models")
    profile["groups"] |= {"train_baseline": "models"}
    profile["group-components"]["models"] = 20
    change(profile)
    path = workspace.folder / "slurm/config.yaml"
    path.parent.mkdir()
    path.write_text(yaml.safe_dump(profile))
    return ["--profile", str(path.parent)]


def wait_for(happened: Callable[[], bool], what: str, seconds: float = 400) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.5)


def scancel_of_the_docs() -> str:
    """The command of docs/cluster.md that ends what a killed run left in the queue."""
    lines = (REPOSITORY / "docs/cluster.md").read_text().splitlines()
    [command] = [line.strip() for line in lines if line.endswith("xargs -r scancel")]
    return command


@pytest.fixture(scope="module")
def slurm() -> Iterator[dict[str, str]]:
    with cluster(cpus=4) as environment:  # of which jobs that sleep take two
        yield environment


@pytest.fixture(scope="module")
def study(slurm: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Study:
    """The tiny study with its troubles, to the end."""
    workspace = on_slurm(tmp_path_factory.mktemp("slurm"), slurm)
    study = Study(workspace)

    def one_minute(profile: dict[str, Any]) -> None:
        limit = profile["set-resources"]["train_sgns"]
        limit["runtime"] = "(1 if wildcards.recipe == 'one_negative' else 30) * 2 ** (attempt - 1)"

    command = [*with_profile(workspace, one_minute), *TARGETS]
    output = workspace.folder / "output.txt"
    with output.open("w") as file:
        first = subprocess.Popen(
            workspace.command(*command),
            cwd=workspace.folder,
            env=workspace.environment,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        for recipe in ("lab", "one_negative"):
            wait_for(lambda r=recipe: study.states(r)[-1:] == ["COMPLETED"], f"{recipe} is trained")
        assert study.states("ppmi") == ["RUNNING"]
    finally:
        kill_group(first)
        study.said.append(output.read_text())
    refused = workspace.run(*command)
    assert refused.returncode != 0
    study.said.append(refused.stdout + refused.stderr)
    subprocess.run(
        ["bash", "-c", scancel_of_the_docs()],
        cwd=workspace.folder,
        env=workspace.environment,
        check=True,
    )
    wait_for(lambda: study.states("ppmi") == ["CANCELLED"], "the job left in the queue has ended")
    result = workspace.run(*command)
    study.said.append(result.stdout + result.stderr)
    assert result.returncode == 0, study.said[-1]
    return study


def on_slurm(folder: Path, environment: dict[str, str]) -> Workspace:
    """A workspace whose jobs find the cluster, and `TROUBLED` in place of `sgns-study`."""
    workspace = Workspace(folder)
    scripts = workspace.environment["PATH"].partition(":")[0]
    python = environment_with(folder, TROUBLED.format(program=f"{scripts}/sgns-study"))
    workspace.snakemake = [str(python), "-m", "snakemake"]
    workspace.environment |= environment | {"PATH": f"{python.parent}:{environment['PATH']}"}
    return workspace


def test_slurm_gives_the_bytes_of_the_desk(study: Study, finished_study: Workspace) -> None:
    assert study.workspace.bytes_of_results() == finished_study.bytes_of_results()


def test_a_job_killed_for_memory_runs_again_with_twice_the_memory(study: Study) -> None:
    small, large = study.attempts("lab")
    assert (small[0], large[0]) == ("2200M", "4400M")
    assert (small[-1], large[-1]) == ("FAILED", "COMPLETED")
    logs = (study.workspace.folder / ".snakemake/slurm_logs/rule_train_sgns/lab_2_8_1").iterdir()
    assert "exceeded memory limit" in "".join(log.read_text() for log in logs)


def test_a_job_killed_for_time_runs_again_with_twice_the_time(study: Study) -> None:
    short, long = study.attempts("one_negative")
    assert (short[1], long[1]) == ("1:00", "2:00")
    assert (short[-1], long[-1]) == ("TIMEOUT", "COMPLETED")
    assert "SLURM status is: 'TIMEOUT'" in study.said[0]


def test_a_killed_run_is_kept_out_by_its_jobs_until_they_are_cancelled(study: Study) -> None:
    assert "jobs of a run that was ended are still at work" in study.said[1]
    assert "Traceback" not in study.said[1]
    assert "100%" in study.said[2]


def test_memory_that_no_node_has_is_said(slurm: dict[str, str], tmp_path: Path) -> None:
    workspace = on_slurm(tmp_path, slurm)

    def huge(profile: dict[str, Any]) -> None:
        profile["set-resources"]["tokenize"]["mem_mb"] = 10**8

    result = workspace.run(*with_profile(workspace, huge), "results/tiny/tokens/ids.npy")
    assert result.returncode != 0
    said = result.stdout + result.stderr
    assert "Memory specification can not be satisfied" in said
    assert "Traceback" not in said

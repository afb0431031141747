"""A study brought back from DVC, with Snakemake's record of how its files were made.

That record does not travel with the files, and a file without one counts as finished whatever the
parameters say. It is written anew once code, parameters and files are those of `dvc.lock`.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from sgns_study.artifacts import read_table, sha256, write_text
from sgns_study.config import read_study
from sgns_study.errors import StudyError
from sgns_study.evaluation.tables import COLUMNS
from sgns_study.guards import lock_study, write_settings
from sgns_study.report.records import read_record


def restore(params: Path) -> Path:
    """Bring back the files of the study in `params`, from DVC's cache or its remote.

    Returns the folder of its results. Raises StudyError if code or parameters are not those of
    `dvc.lock`, before anything is fetched, or if not all files could be brought back.
    """
    study, pipeline = read_study(params), pipeline_of(params)
    results, lock = Path("results", study.study), pipeline.with_name("dvc.lock")
    _, sources = changes(pipeline)
    if sources:
        raise StudyError(
            f"{lock} is of other code or parameters than those here: {', '.join(sources)}. Nothing "
            "was restored: check out the commit of the lock (`git log -1 dvc.lock`) and restore "
            "there, or compute the study with `dvc repro`"
        )
    locks = results / "lock", results / "jobs.lock"
    lock_study(*locks).close()
    locks[0].unlink(missing_ok=True)  # until the end its files have no record: see check_recorded
    fetch(pipeline)
    outputs, _ = changes(pipeline)
    if outputs:
        raise StudyError(
            f"not the files of {lock}: {', '.join(outputs)}: `git checkout` them, restore again"
        )
    check_inputs(results / "tokens/run.json")
    write_benchmarks(results)
    write_settings(study)
    options = ["--touch", "--forceall", "--no-hooks", "--cores", "all", "--quiet", "all"]
    targets = ["--configfile", str(params), "--", "all", "data"]
    if run("snakemake", *options, *targets).returncode:
        raise StudyError("snakemake --touch failed; it says above why")
    lock_study(*locks).close()
    return results


def check_recorded(results: Path) -> None:
    """Raise StudyError if the files of a study came from elsewhere and were not restored.

    A run leaves the study's lock where it worked, and so does `restore`.
    """
    touches = {"--touch", "-t"} & set(sys.argv)  # which records them
    if (results / "tokens").exists() and not (results / "lock").exists() and not touches:
        raise StudyError(
            f"{results}: its files were not made here: `make restore` checks them against "
            "dvc.lock; without DVC, `snakemake --touch --forceall --cores 1` takes them as made by "
            "this code from these parameters"
        )


def pipeline_of(params: Path) -> Path:
    """The dvc.yaml that versions a study: of params.yaml beside it, of others in their folder."""
    main = params.name == "params.yaml"
    folder = params.parent if main else params.with_suffix("")
    pipeline, ignored = folder / "dvc.yaml", folder / ".dvcignore"
    if not pipeline.is_file():
        raise StudyError(f"{params}: DVC does not version this study: there is no {pipeline}")
    if ignored.is_file() and not main:
        raise StudyError(f"{ignored}: DVC leaves this study out: delete that file, restore again")
    return pipeline


def changes(pipeline: Path) -> tuple[list[str], list[str]]:
    """What differs from dvc.lock: files that the pipeline makes, and what it makes them from."""
    result = run("dvc", "status", "--json", "--with-deps", str(pipeline), capture_output=True)
    if result.returncode:
        raise StudyError(f"dvc status: {result.stderr.strip()}")
    outputs: list[str] = []
    dependencies: list[str] = []
    for stage, entries in json.loads(result.stdout).items():
        for entry in entries:
            if isinstance(entry, str):  # such as a changed command
                dependencies.append(f"{pipeline}: {stage}")
            else:
                outputs += entry.get("changed outs", {})
                dependencies += entry.get("changed deps", {})
    return outputs, [path for path in dict.fromkeys(dependencies) if path not in outputs]


def fetch(pipeline: Path) -> None:
    """Put the files of dvc.lock in place, from the cache if it has them all, or from the remote."""
    target = ("--with-deps", str(pipeline))
    cached = run("dvc", "checkout", *target, stdin=subprocess.DEVNULL, capture_output=True)
    if cached.returncode and run("dvc", "pull", *target).returncode:
        raise StudyError(
            "dvc pull did not bring back all files; it says above why. Without a remote: `dvc "
            "remote add --default NAME FOLDER-OR-ADDRESS`. Unsaved files: `dvc commit` keeps them, "
            "`dvc checkout --force` drops them"
        )


def check_inputs(record: Path) -> None:
    """Raise StudyError if what the text was read from, such as one's own table, is another now."""
    for path, digest in read_record(record).inputs.items():
        if not Path(path).is_file() or sha256(Path(path)) != digest:
            raise StudyError(
                f"{path}: missing, or not the file that {record.parent} was made from: bring that "
                "one back and restore again, or delete the study's folder and run it anew"
            )


def write_benchmarks(results: Path) -> None:
    """Write the benchmark files that timings.csv was gathered from, so that it keeps their jobs."""
    shutil.rmtree(results / "benchmarks", ignore_errors=True)
    timings = read_table(results / "timings.csv", text=COLUMNS["timings"])
    for job in timings.fillna("-").itertuples():  # as Snakemake writes what it has not measured
        folder = Path("data") if job.rule == "download" else results
        path = folder / "benchmarks" / job.rule / f"{job.wildcards}.tsv"
        write_text(path, f"s\tmax_rss\n{job.seconds}\t{job.peak_memory_mib}\n")


def run(module: str, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run DVC or Snakemake."""
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, text=True, check=False, **options)

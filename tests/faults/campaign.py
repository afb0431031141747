"""The campaign: runs the schedule of faults on the demo and writes the table of what came of each.

    python -m tests.faults.campaign --folder /var/tmp/faults

How a fault is run. The demo is computed once, with the code as it is. For each fault it is copied;
the outputs of one or two jobs are taken away, and these are asked for again; one time in eight to
ten all that follows from them too, and the whole study is asked for. The fault strikes during that
work. Then the program does what a user would: it reads the error, does what the error says and runs
the same command again, until the run ends well. Studies killed again and again start from nothing.

What is checked. After the fault and at the end every file of results/ and reports/ under a name
that counts has the bytes of the clean run (without the clock: fields of run.json, timings.csv and
what the report quotes of them; of the PDF only that it is whole). Models that Snakemake had seen
finished before the fault keep bytes and time of change, unless the fault was on them or on what
they were made from. An error is clear if it is the project's own or one line of Snakemake's, names
a remedy, and comes without a traceback. A run that takes longer than `BOUND` seconds hangs.

The table has a row a fault: `outcome` is `finished` (the same command ended well, no error shown),
`error+remedy` (one clear error; its remedy was applied and the study finished), or what went wrong:
`wrong`, `lost`, `hang`, `unclear`. A row of kills one after another counts as so many faults. A
rerun of the program goes on after the last row; `--again` repeats the rows that went wrong. At its
end it prints what came of each kind of fault, as it stands in docs/faults.md.
"""

import argparse
import csv
import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from threading import Lock

import psutil

from tests.faults.schedule import Fault, schedule
from tests.faults.study import Desk, Hang, Study, workers_in
from tests.faults.trial import Failure, Missed, NotAllowed, Trial

REPOSITORY = Path(__file__).parents[2]
TABLE = Path(__file__).with_name("campaign.csv")
COLUMNS = (
    *("number", "seed", "kind", "faults", "target", "moment", "outcome", "message"),
    *("seconds", "wrong_files", "lost_models"),
)
GOOD = ("finished", "error+remedy", "not allowed")
ATTEMPTS = 6  # at a fault that misses what it is aimed at


def run_fault(fault: Fault, study: Study, folder: Path) -> dict[str, object]:
    """Run one fault at a desk of its own under `folder`; gives its row of the table."""
    began = time.monotonic()
    for attempt in range(ATTEMPTS):
        message = ""
        desk = Desk(study, folder / f"{fault.number}-{attempt}")
        trial = Trial(desk, fault.rng(attempt))
        try:
            fault.strike(trial)
            outcome = "error+remedy" if trial.messages else "finished"
        except Missed as missed:
            outcome, message = "missed", str(missed)
        except NotAllowed as reason:
            outcome, message = "not allowed", str(reason)
        except Hang as hang:
            outcome, message = "hang", str(hang)
        except Failure as failure:
            outcome, message = failure.outcome, str(failure)
        clear_away(desk, keep=outcome not in (*GOOD, "missed"))
        if outcome != "missed":
            break
    return {
        "number": fault.number,
        "seed": fault.seed,
        "kind": fault.kind,
        "faults": trial.faults if outcome in GOOD[:2] else 1,
        "target": trial.target,
        "moment": trial.moment,
        "outcome": outcome,
        "message": (message or " | ".join(dict.fromkeys(trial.messages))).replace(
            f"{desk.folder}/", ""
        ),
        "seconds": round(time.monotonic() - began, 1),
        "wrong_files": len(trial.wrong),
        "lost_models": len({Path(name).parent for name in trial.lost}),
    }


def clear_away(desk: Desk, keep: bool) -> None:
    """End what still works at a desk, and remove it unless something is to be looked at."""
    for process in list(workers_in(desk.folder)):
        with suppress(psutil.NoSuchProcess):
            process.kill()
            process.wait()
    if not keep:
        for path in desk.folder.parent.glob(f"{desk.folder.name}*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def clean_demo(folder: Path) -> Study:
    """The finished demo of the code as it is, computed once and kept in `folder`."""
    names = ["Snakefile", "rules", "params.yaml", "config", "profiles"]
    code = [REPOSITORY / "Snakefile", *sorted((REPOSITORY / "rules").iterdir())]
    code += sorted((REPOSITORY / "src").rglob("*.py"))
    digest = sha256(b"".join(path.read_bytes() for path in code)).hexdigest()[:12]
    copy = folder / f"code-{digest}"
    clean = folder / f"clean-{digest}"
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(copy / "src"),  # edits during the campaign change nothing
    }
    environment.pop("SGNS_STUDY_MIRROR", None)
    study = Study(clean, "config/demo.yaml", environment)
    if not clean.exists():
        shutil.copytree(REPOSITORY / "src", copy / "src", dirs_exist_ok=True)
        desk = Desk(study, folder / f"new-{digest}")
        desk.folder.mkdir(parents=True)
        for name in names:
            origin = REPOSITORY / name
            (shutil.copytree if origin.is_dir() else shutil.copy2)(origin, desk.folder / name)
        run = desk.start()
        if run.end():
            raise SystemExit(run.output)
        desk.folder.rename(clean)
    return study


def read_rows(table: Path) -> dict[int, dict[str, object]]:
    """The rows of a table by the number of their fault."""
    if not table.exists():
        return {}
    with table.open(newline="") as file:
        return {int(row["number"]): dict(row) for row in csv.DictReader(file)}


def write_rows(table: Path, rows: Iterable[dict[str, object]]) -> None:
    """Write the table anew, in the order of the schedule."""
    part = table.with_suffix(".part")
    with part.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(sorted(rows, key=lambda row: int(str(row["number"]))))
    part.replace(table)


def summary(rows: Iterable[dict[str, object]]) -> str:
    """A Markdown table: how many faults of each kind there were, and what came of them."""
    counts: dict[str, Counter[str]] = {}
    for row in rows:
        found = counts.setdefault(str(row["kind"]), Counter())
        found[str(row["outcome"])] += int(str(row["faults"]))
    lines = ["| fault | tried | finished | one error, its remedy | otherwise |"]
    lines += ["|:--|--:|--:|--:|--:|"]
    for kind, found in [*sorted(counts.items()), ("all", sum(counts.values(), Counter()))]:
        well = (found["finished"], found["error+remedy"])
        cells = (kind, found.total(), *well, found.total() - sum(well))
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="Run the campaign of faults on the demo.")
    parser.add_argument("--folder", type=Path, required=True, help="where desks are set up")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--table", type=Path, default=TABLE)
    parser.add_argument("--workers", type=int, default=1, help="faults at a time")
    parser.add_argument("--first", type=int, help="only the first so many faults")
    parser.add_argument("--only", type=int, nargs="+", default=[], help="only these faults")
    parser.add_argument("--again", action="store_true", help="repeat the rows that went wrong")
    options = parser.parse_args()
    rows, lock = read_rows(options.table), Lock()
    if options.again:
        rows = {number: row for number, row in rows.items() if row["outcome"] in GOOD}
    wanted = schedule(options.seed)[: options.first]
    wanted = [fault for fault in wanted if not options.only or fault.number in options.only]
    study = clean_demo(options.folder.resolve())

    def run(fault: Fault) -> None:
        row = run_fault(fault, study, study.folder.parent)
        with lock:
            rows[fault.number] = row
            write_rows(options.table, rows.values())
            print(*(row[name] for name in COLUMNS), sep="\t", flush=True)

    with ThreadPoolExecutor(options.workers) as pool:
        wanted = [fault for fault in wanted if options.only or fault.number not in rows]
        runs = [pool.submit(run, fault) for fault in wanted]
    for ended in runs:
        ended.result()  # an error of this program itself
    print(summary(rows.values()))


if __name__ == "__main__":
    main()

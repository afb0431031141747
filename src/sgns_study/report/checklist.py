"""The reproducibility checklist of the report: each point answered from the files of the study."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from sgns_study.evaluation.tables import COLUMNS, CURVE, read_tidy
from sgns_study.figures import tables_of
from sgns_study.figures.wording import counted, listed, number
from sgns_study.params import EmbeddingSample, Study
from sgns_study.report.markdown import Markdown, Table, code
from sgns_study.report.records import NO_COMMIT, Provenance, duration, parameters

CURVES = ("classifier_curves", "experiment_curves")
DIRTY = "-dirty"  # how `git describe` ends for a tree with changes that are in no commit


def checklist(
    study: Study,
    results: Path,
    records: Provenance,
    timings: pd.DataFrame,
    found: Mapping[str, tuple[int, int]],
    refer: Callable[[str], Markdown],
) -> Table:
    """Rows of a point, how it is met in this study, and where that is seen.

    `timings` are those of `costs`, `found` has how many of a kind of model there are and were
    planned, `refer` gives the number of a table by its name. Raises ArtifactError for a table of
    the study that is missing or malformed.
    """
    recorded = [runs(records), versions(records), inputs(records, refer)] if records.records else []
    rows: list[list[object]] = [
        seeds(study),
        complete(study, results, found),
        *([tests(study, results)] if study.grid.inits else []),
        texts(study),
        ["parameters", counted(len(parameters(study)), "parameter"), refer("parameters")],
        *(recorded or [["records of runs", "None was found beside the results.", ""]]),
        hardware(),
        cost(timings, refer),
        again(study),
    ]
    return Table(
        "Reproducibility checklist, filled in when this report was made.",
        ["point", "in this study", "seen in"],
        "lll",
        rows,
        widths=(16, 56, 28),
        source=(Markdown(f"the files of the last column, read by rule {code('report')}"),),
    )


def seeds(study: Study) -> list[object]:
    """The seeds of runs and those of what all runs share, with what each fixes."""
    fixed = "initial values and all that is drawn in training"
    if study.grid.inits:
        fixed += ", the documents to train on and to validate, their order and dropout"
    shared = ["sampling.embedding.seed (the documents of the word vectors)"]
    shared += ["pairs.seed (the validation windows and their negatives)"]
    shared += ["corpus.seed (the planted corpus)"] * (study.corpus.kind == "planted")
    answer = (
        f"{listed(study.grid.seeds)}: each fixes {fixed}. What all models share has seeds of its "
        f"own: {listed(shared)}."
    )
    return ["seeds", answer, code("grid.seeds")]


def complete(study: Study, results: Path, found: Mapping[str, tuple[int, int]]) -> list[object]:
    """Whether all models that were planned are in the tables, and which seeds are in none."""
    names = [name for name in tables_of(study) if "seed" in COLUMNS[name]]
    tables = [read_tidy(results, name) for name in names]
    present = {int(seed) for table in tables for seed in table["seed"].unique()}
    missing = [seed for seed in study.grid.seeds if seed not in present]
    counts = listed(f"{n} of {planned} {kind}" for kind, (n, planned) in found.items())
    answer = f"{counts} that were planned; "
    answer += f"seeds without a run: {listed(missing)}." if missing else "each seed has runs."
    return ["what is missing", answer, Markdown(listed(file_of(study, name) for name in names))]


def file_of(study: Study, name: str) -> Markdown:
    """The file of a tidy table."""
    return code(f"results/{study.study}/{name}.csv")


def tests(study: Study, results: Path) -> list[object]:
    """How often the test documents were scored, and at which epoch."""
    names = [name for name in CURVES if name in tables_of(study)]
    scored = pd.concat([selections(read_tidy(results, name)) for name in names])
    once, best = (scored["tests"] == 1).sum(), (scored["at_best"]).sum()
    answer = (
        f"{once} of {counted(len(scored), 'classifier')} with one test score; for {best} it is "
        "that of the first epoch of best validation accuracy (epoch 0 left out)."
    )
    where = listed(file_of(study, name) for name in names)
    return ["validation selects, test is read once", answer, Markdown(where)]


def selections(curves: pd.DataFrame) -> pd.DataFrame:
    """For each run of a table of curves the number of `tests`, and whether one is `at_best`.

    At best is a single test score at the first epoch, from 1 on, of best validation accuracy.
    """
    run = [column for column in curves.columns if column not in CURVE]
    rows = []
    for _, own in curves.groupby(run, dropna=False, sort=False):
        own = own.sort_values("epoch", kind="stable")
        validated = own[(own["split"] == "validation") & (own["epoch"] > 0)]
        tested = own.loc[own["split"] == "test", "epoch"].tolist()
        best = [] if validated.empty else [validated.loc[validated["accuracy"].idxmax(), "epoch"]]
        rows.append({"tests": len(tested), "at_best": len(tested) == 1 and tested == best})
    return pd.DataFrame(rows, columns=["tests", "at_best"])


def texts(study: Study) -> list[object]:
    """Whether the word vectors have read texts of the test documents."""
    answer = (
        "The word vectors have read texts of the test documents, without their labels."
        if reads(study.sampling.embedding)["test"]
        else "No text of the test documents is among those that the word vectors are made from."
    )
    return ["test texts in pretraining", answer, code("sampling.embedding.test")]


def reads(sample: EmbeddingSample) -> dict[str, bool]:
    """Whether the vectors have read unlabelled documents, and texts of the test documents."""
    further = sample.further
    return {
        "unlabelled": sample.unlabelled or bool(further and further.unlabelled),
        "test": sample.test or bool(further and further.test),
    }


def runs(records: Provenance) -> list[object]:
    """How many runs left a record, of which commits, and whether these are what was run."""
    known = [name for name in records.commits if name != NO_COMMIT]
    dirty = sum(name.endswith(DIRTY) for name in known)
    answer = (
        f"{counted(records.records, 'run')} with a record, of {counted(len(known), 'commit')}, "
        f"{dirty or 'none'} of them with changes that are in no commit."
    )
    if len(known) < len(records.commits):
        answer += f" Some runs were {NO_COMMIT}."
    return ["code", answer, records_of_runs()]


def records_of_runs() -> Markdown:
    """Where the record of a run lies."""
    return Markdown(f"{code('run.json')} beside the files of each run")


def versions(records: Provenance) -> list[object]:
    """The versions of what the runs were made with."""
    several = [name for name, each in records.versions.items() if len(each) > 1]
    each = ", ".join(f"{name} {listed(found)}" for name, found in records.versions.items())
    state = f"More than one of {listed(several)}" if several else "One of each"
    return ["versions", f"{state}: {each}.", records_of_runs()]


def inputs(records: Provenance, refer: Callable[[str], Markdown]) -> list[object]:
    """Whether all runs saw the same files."""
    several = [name for name, digests in records.inputs.items() if len(digests) > 1]
    answer = f"{counted(len(records.inputs), 'file')} read by runs, "
    answer += (
        f"{len(several)} of them in more than one version: {listed(several)}."
        if several
        else "each with the same SHA-256 in all runs that read it."
    )
    where = f"{records_of_runs()}; {refer('inputs')}"
    return ["inputs", answer, Markdown(where)]


def hardware() -> list[object]:
    """What does not depend on the machine, and what may."""
    answer = (
        "Every job has one thread, so the number of cores sets how many run at a time and no "
        "number. Another processor or build of a library may round otherwise; the records do not "
        "name the processor. Times are of the machine."
    )
    return ["machine", answer, code("Snakefile")]


def cost(timings: pd.DataFrame, refer: Callable[[str], Markdown]) -> list[object]:
    """What it took to make the study once."""
    answer = (
        f"{counted(int(timings['jobs'].sum()), 'job')}, {duration(timings['total'].sum())} in all "
        f"on one thread each, at most {number(timings['memory'].max(), 0)} MiB of memory."
    )
    return ["cost", answer, refer("costs")]


def again(study: Study) -> list[object]:
    """How to run the study again."""
    command = code("make study PARAMS=FILE")
    same = code("snakemake --cores all --configfile FILE")
    answer = (
        f"{command}, that is {same}, with the parameter file of the study "
        f"{code(study.study)}; what is there and up to date is not run again."
    )
    return ["how to run it again", Markdown(answer), code("README.md")]

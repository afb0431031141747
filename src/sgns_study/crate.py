"""A finished study as a Workflow Run RO-Crate: what was made, from what, by which code.

It follows https://w3id.org/ro/wfrun/workflow/0.5. The crate holds the workflow, what git keeps of a
study, and the record of each job, which becomes an action with what it read and wrote. Data and
models, which are large, are not in it but named with their SHA-256.
"""

from importlib.metadata import metadata, version
from mimetypes import guess_type
from pathlib import Path
from typing import Any
from urllib.parse import quote

from rocrate.model import ContextEntity, SoftwareApplication
from rocrate.rocrate import ROCrate

from sgns_study.artifacts import intact, sealed_digest, sealed_files, sha256, writing
from sgns_study.config import read_study
from sgns_study.errors import StudyError
from sgns_study.params import Study
from sgns_study.plan import WORKFLOW, Files
from sgns_study.report.records import NO_COMMIT, Record, read_record

REPORTS = ("report.html", "report.pdf", "appendix.html", "answer.txt")
LICENCE = "https://spdx.org/licenses/MIT"
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": "Workflow RO-Crate",
}


def write_crate(params: Path, out: Path) -> int:
    """Write the crate of the study in `params` to the zip `out`; returns how many jobs it has.

    Raises StudyError if the study is not finished, or was run with other parameters.
    """
    study = read_study(params)
    files = Files(study)
    answer, places = files_of_the_answer(files), files.records(study)
    check_finished(study, params, [*answer, *places])
    crate = empty_crate(study)
    results = [add_file(crate, path) for path in answer]
    for path in places:
        add_file(crate, path)
    given: dict[str, Any] = {}  # what the study was made from
    for path in places:
        record, folder = read_record(Path(path)), Path(path).parent
        read = {name: named_file(crate, name, digest) for name, digest in record.inputs.items()}
        given |= {name: read[name] for name in read if not name.startswith(f"{files.results}/")}
        written = [named_file(crate, str(each)) for each in sealed_files(folder)]
        add_run(crate, str(folder), package(crate, record), [*read.values()], written)
    settings = add_file(crate, f"{files.results}/study.json")
    add_run(crate, files.results, add_workflow(crate), [settings, *given.values()], results)
    with writing(out) as part:
        crate.write_zip(part)
    return len(places)


def files_of_the_answer(files: Files) -> list[str]:
    """The tables of a study and its report: what git keeps of it."""
    tables = [*files.aggregated, *files.judged, *files.of("timings.csv")]
    reports = [f"{files.reports}/{name}" for name in REPORTS]
    return tables + reports + sorted(map(str, Path(files.reports, "figures").glob("[!.]*")))


def check_finished(study: Study, params: Path, paths: list[str]) -> None:
    """Raise StudyError if a file is missing, or the study was run with other parameters."""
    missing = [path for path in paths if not Path(path).is_file()]
    if missing:
        raise StudyError(f"{missing[0]}: missing: run the study of {params} to its end first")
    settings = Path("results", study.study, "study.json")
    if read_study(settings) != study:
        raise StudyError(f"{params}: not the parameters that were run ({settings}): run them first")


def empty_crate(study: Study) -> ROCrate:
    """A crate that says what it is of and which profiles it follows."""
    crate = ROCrate(version="1.1")
    crate.name, crate.description = study.report.title, metadata("sgns-study")["Summary"]
    licence = {"@type": "CreativeWork", "name": "MIT License"}
    crate.root_dataset["license"] = crate.add(ContextEntity(crate, LICENCE, licence))
    for address, name in PROFILES.items():
        about = {"@type": "CreativeWork", "name": name, "version": address.rpartition("/")[2]}
        profile = crate.add(ContextEntity(crate, address, about))
        crate.root_dataset.append_to("conformsTo", profile)
    return crate


def add_workflow(crate: ROCrate) -> Any:
    """The Snakefile, with the files of its rules."""
    source = {"version": version("sgns-study"), "encodingFormat": "text/x-python"}
    path, about = WORKFLOW / "Snakefile", {"name": "Snakefile"} | source
    workflow = crate.add_workflow(path, path.name, main=True, lang="snakemake", properties=about)
    for path in sorted(WORKFLOW.glob("rules/*.smk")):
        properties = {"@type": ["File", "SoftwareSourceCode"], "name": path.name} | source
        part = crate.add_file(path, path.relative_to(WORKFLOW), properties=properties)
        workflow.append_to("hasPart", part)
    return workflow


def add_file(crate: ROCrate, path: str) -> Any:
    """The entity of a file that is in the crate, where it is in the study."""
    properties = {
        "name": path,
        "identifier": f"sha256:{sha256(intact(Path(path)))}",
        "encodingFormat": guess_type(path)[0] or "application/octet-stream",
    }
    return crate.add_file(path, path, properties=properties)


def named_file(crate: ROCrate, path: str, digest: str | None = None) -> Any:
    """The entity of a file; of one that is not in the crate, its path and SHA-256."""
    properties = {
        "@type": "CreativeWork",
        "name": path,
        "identifier": f"sha256:{digest or sealed_digest(Path(path))}",
    }
    place = f"#{quote(path)}"
    return crate.get(path) or crate.add(ContextEntity(crate, place, properties))


def package(crate: ROCrate, record: Record) -> Any:
    """What a job ran: this package at a commit."""
    commit = record.commit or NO_COMMIT
    place = f"#sgns-study-{quote(commit)}"
    properties = {"name": "sgns-study", "softwareVersion": commit}
    return crate.add(SoftwareApplication(crate, place, properties))


def add_run(crate: ROCrate, folder: str, by: Any, inputs: list[Any], outputs: list[Any]) -> None:
    """A run that made the files of a folder, mentioned where readers of a crate look for runs."""
    properties = {"name": folder, "actionStatus": "http://schema.org/CompletedActionStatus"}
    run = crate.add_action(by, f"#run-{folder}", inputs, outputs, properties)
    crate.root_dataset.append_to("mentions", run)

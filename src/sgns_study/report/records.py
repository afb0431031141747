"""What the appendix of the report says of a study: its parameters, its cost, its provenance."""

from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
from pydantic import BaseModel, ConfigDict, ValidationError

from sgns_study.artifacts import ArtifactError, intact
from sgns_study.figures.wording import number

LARGEST = 1 << 24  # bytes of a record; one that is cut there is no JSON
NO_COMMIT = "outside a repository"  # what stands for the commit of a run without one


@dataclass(frozen=True)
class Parameter:
    """One parameter: its dotted key, its value and what it means."""

    key: str
    value: str
    meaning: str


def parameters(model: BaseModel) -> list[Parameter]:
    """Every parameter of a section and of the sections in it, in their order.

    Of a recipe that is like another one only what differs.
    """
    found: list[Parameter] = []
    for name in type(model).model_fields:
        value = getattr(model, name)
        entries = {name: value}
        if isinstance(value, dict):
            entries = {f"{name}.{entry}": content for entry, content in value.items()}
        for place, content in entries.items():
            if isinstance(content, BaseModel):
                like = getattr(content, "like", None)
                inherited = parameters(value[like]) if like else []
                found += [
                    replace(row, key=f"{place}.{row.key}")
                    for row in parameters(content)
                    if row not in inherited
                ]
            else:
                found.append(Parameter(place, written(content), _meaning(model, name)))
    return found


def _meaning(model: BaseModel, name: str) -> str:
    """The field's description; where there is none, what the model's docstring says first."""
    described = type(model).model_fields[name].description
    return described or (type(model).__doc__ or "").partition("\n")[0].rstrip(".")


def written(value: object) -> str:
    """A parameter's value as in the parameter file."""
    if value is None:
        return "(empty)"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ", ".join(written(entry) for entry in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def costs(timings: pd.DataFrame) -> pd.DataFrame:
    """Columns rule, jobs, total and median (seconds), memory (largest, MiB); costliest first."""
    seconds = timings.groupby("rule")["seconds"].agg(jobs="size", total="sum", median="median")
    memory = pd.to_numeric(timings["peak_memory_mib"], errors="coerce")
    seconds["memory"] = memory.groupby(timings["rule"]).max()
    return seconds.reset_index().sort_values("total", ascending=False, ignore_index=True)


def duration(seconds: float) -> str:
    """A time in the unit that suits it."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{number(seconds / size, 1)} {unit}"
    return f"{number(seconds, 1)} s"


@dataclass(frozen=True)
class Provenance:
    """Where the results come from, over all records of runs: distinct values of each."""

    records: int
    commits: list[str]
    versions: dict[str, list[str]]
    inputs: dict[
        str, list[str]
    ]  # file → SHA-256; more than one means that runs saw different files


class Record(BaseModel):
    """What is read of `run.json`."""

    model_config = ConfigDict(strict=True)

    commit: str
    versions: dict[str, str]
    inputs: dict[str, str]


def provenance(results: Path) -> Provenance:
    """Collect the `run.json` files of a study; raises ArtifactError if one is not a record."""
    records = [read_record(path) for path in sorted(results.rglob("run.json"))]
    versions: dict[str, set[str]] = {}
    inputs: dict[str, set[str]] = {}
    for record in records:
        for name, version in record.versions.items():
            versions.setdefault(name, set()).add(version)
        for name, digest in record.inputs.items():
            inputs.setdefault(name, set()).add(digest)
    return Provenance(
        len(records),
        sorted({record.commit or NO_COMMIT for record in records}),
        {name: sorted(found) for name, found in sorted(versions.items())},
        {name: sorted(found) for name, found in sorted(inputs.items())},
    )


def read_record(path: Path) -> Record:
    """One record; raises ArtifactError if the file is none."""
    try:
        with intact(path).open("rb") as file:
            return Record.model_validate_json(file.read(LARGEST))
    except ValidationError as error:
        problem = error.errors()[0]
        place = ".".join(map(str, problem["loc"]))[:60]
        raise ArtifactError(
            f"{path}: not the record of a run ({place}: {problem['msg']}): delete its folder and "
            "run again"
        ) from None

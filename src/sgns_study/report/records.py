"""What the end of the report says of a study: its parameters, its cost, where it comes from."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from pydantic import BaseModel

from sgns_study.artifacts import reading
from sgns_study.figures.wording import number
from sgns_study.report.markdown import Markdown

LARGEST = 1 << 24  # bytes of a record; one that is cut there is no JSON
NO_COMMIT = "outside a repository"  # what stands for the commit of a run without one
DIRTY = "-dirty"  # how `git describe` ends for a tree with changes that are in no commit


class Parameter(NamedTuple):
    """One parameter: its dotted key, its value and what it means."""

    key: str
    value: str
    meaning: Markdown


def parameters(model: BaseModel) -> list[Parameter]:
    """Every parameter of a section and of the sections in it, in their order.

    Of a recipe that is like another one, only what differs is listed. A parameter without a
    description has the meaning of its section.
    """
    found: list[Parameter] = []
    for name, field in type(model).model_fields.items():
        meaning = field.description or (type(model).__doc__ or "").partition("\n")[0].rstrip(".")
        value = getattr(model, name)
        entries = {name: value}
        if isinstance(value, dict):
            entries = {f"{name}.{entry}": content for entry, content in value.items()}
        for key, content in entries.items():
            if isinstance(content, BaseModel):
                like = getattr(content, "like", None)
                inherited = parameters(value[like]) if like else []
                own = [row for row in parameters(content) if row not in inherited]
                found += [row._replace(key=f"{key}.{row.key}") for row in own]
            else:
                found.append(Parameter(key, written(content), Markdown(meaning)))
    return found


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
    rules = timings.groupby("rule", as_index=False)
    found = rules.agg(
        jobs=("seconds", "size"),
        total=("seconds", "sum"),
        median=("seconds", "median"),
        memory=("peak_memory_mib", "max"),
    )
    return found.sort_values("total", ascending=False, ignore_index=True)


def duration(seconds: float) -> str:
    """A time in the unit that suits it."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{number(seconds / size, 1)} {unit}"
    return f"{number(seconds, 1)} s"


@dataclass(frozen=True)
class Provenance:
    """Where the results come from: the distinct values in all records of runs.

    `inputs` has the SHA-256 of each file that was read; several mean that runs saw different files.
    """

    records: int
    commits: list[str]
    versions: dict[str, list[str]]
    inputs: dict[str, list[str]]

    @property
    def known(self) -> list[str]:
        """The commits of those runs that have one."""
        return [name for name in self.commits if name != NO_COMMIT]

    @property
    def dirty(self) -> list[str]:
        """The commits of runs whose tree had changes that are in no commit."""
        return [name for name in self.known if name.endswith(DIRTY)]


def several(found: dict[str, list[str]]) -> list[str]:
    """The names for which runs have more than one value."""
    return [name for name, values in found.items() if len(values) > 1]


class Record(BaseModel, strict=True):
    """What is read of `run.json`."""

    commit: str
    versions: dict[str, str]
    inputs: dict[str, str]


def provenance(results: Path) -> Provenance:
    """Collect the `run.json` files of a study."""
    records = [read_record(path) for path in sorted(results.rglob("run.json"))]
    return Provenance(
        len(records),
        sorted({record.commit or NO_COMMIT for record in records}),
        distinct(record.versions for record in records),
        distinct(record.inputs for record in records),
    )


def distinct(records: Iterable[dict[str, str]]) -> dict[str, list[str]]:
    """The distinct values of each name, both sorted."""
    found = defaultdict(set)
    for name, value in chain.from_iterable(record.items() for record in records):
        found[name].add(value)
    return {name: sorted(values) for name, values in sorted(found.items())}


def read_record(path: Path) -> Record:
    """Read what the report and `restore` need of a `run.json`."""
    with reading(path, "not the record of a run"), path.open("rb") as file:
        return Record.model_validate_json(file.read(LARGEST))

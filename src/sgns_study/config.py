"""A parameter file: read without running anything in it, its errors explained, its keys listed."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, get_args, get_origin

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from sgns_study.errors import StudyError, brief, reason, shown
from sgns_study.params import Section, Study, nearest

LARGEST = 1 << 18  # bytes of a parameter file; that of the IMDB study has 7,000
MOST, DEEPEST = 10_000, 20  # values in it, each as often as an alias repeats it, and levels of them
SHOWN = 20  # problems that a message lists
MERGE = "tag:yaml.org,2002:merge"  # the key `<<`, which a mapping may have several times
BOUNDS = {  # of a JSON schema, in words
    "minimum": ">=",
    "exclusiveMinimum": ">",
    "maximum": "<=",
    "exclusiveMaximum": "<",
    "pattern": "of the form",
}


class ParamsError(StudyError):
    """The parameters are not usable; the message names the key, the value and what is allowed."""


def read_study(path: Path) -> Study:
    """Read and check a parameter file; raises ParamsError as `read_parameters`, or naming a key."""
    return check_study(read_parameters(path), str(path))


def read_parameters(path: Path) -> dict[str, Any]:
    """What a parameter file holds; no code in it is run.

    Raises ParamsError naming the file if it is missing, too large or no YAML, or has a key twice.
    """
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST + 1)
        if len(text) > LARGEST:
            raise ParamsError(f"{path}: more than {LARGEST} bytes: name a file of parameters")
        loader = yaml.SafeLoader(text.decode("utf-8"))
        node = loader.get_single_node()
        check_extent(node, str(path))
        content = loader.construct_document(node) if node else None
    except OSError as error:
        found = (error.strerror or "not readable").lower()
        raise ParamsError(f"{path}: {found}: name an existing parameter file") from None
    except RecursionError:
        raise ParamsError(f"{path}: nested more deeply than any parameter is") from None
    except ParamsError:
        raise
    except Exception as error:  # a wrong number or date fails in PyYAML in its own way
        raise ParamsError(f"{path}: not readable as YAML: {reason(error)}") from None
    if not isinstance(content, dict):
        raise ParamsError(f"{path}: found {type(content).__name__}, expected sections of keys")
    return content


def read_arguments(entries: Iterable[str]) -> dict[str, Any]:
    """What the KEY=VALUE of Snakemake's `--config` hold, numbers as numbers.

    Snakemake itself makes a text of every value inside a value (its issue 963). Raises ParamsError.
    """
    try:
        pairs = (entry.partition("=") for entry in entries)
        return {key: yaml.safe_load(value.strip("'\"")) for key, _, value in pairs}
    except (yaml.YAMLError, ValueError) as error:
        raise ParamsError(f"--config: not readable as YAML: {reason(error)}") from None


def check_extent(content: Any, origin: str) -> None:
    """Raise ParamsError for more values than any study has, deeper ones, or equal keys.

    An alias counts as all that it stands for: ten lines of YAML can stand for a billion values.
    """
    values, open_ends = 0, [(content, 0)]
    while open_ends:
        value, depth = open_ends.pop()
        values += 1
        if values > MOST or depth > DEEPEST:
            raise ParamsError(
                f"{origin}: more than {MOST} values, or more than {DEEPEST} levels of them, "
                "aliases written out: no study has so many"
            )
        inner: Iterable[Any] = ()
        match value:
            case yaml.MappingNode():
                check_keys([key for key, _ in value.value], origin)
                inner = chain.from_iterable(value.value)
            case yaml.SequenceNode():
                inner = value.value
            case Mapping():
                inner = value.values()
            case list() | tuple() | set():
                inner = value
        open_ends.extend((each, depth + 1) for each in inner)


def check_keys(keys: list[yaml.Node], origin: str) -> None:
    """Raise ParamsError at the second of two equal keys: PyYAML would silently keep the last."""
    seen = set()
    for key in keys:
        if isinstance(key, yaml.ScalarNode) and key.tag != MERGE:
            if (key.tag, key.value) in seen:
                where, name = f"{origin}: line {key.start_mark.line + 1}", shown(key.value)
                raise ParamsError(f"{where}: the key {name} is there twice: remove one")
            seen.add((key.tag, key.value))


def check_study(content: Mapping[str, Any], origin: str) -> Study:
    """Typed parameters from a mapping; raises ParamsError with every problem, one a line."""
    check_extent(content, origin)
    try:
        return Study.model_validate(content)
    except ValidationError as error:
        problems = [explain(problem) for problem in error.errors()[:SHOWN]]
        if error.error_count() > SHOWN:
            problems.append(f"and {error.error_count() - SHOWN} more")
        raise ParamsError("\n".join(f"{origin}: {problem}" for problem in problems)) from None


def explain(problem: ErrorDetails, model: Any = Study) -> str:
    """A problem on one line: the key, the value found, what is allowed, the nearest known key.

    model: what was checked, a section or a union of sections.
    """
    path, choices = followed(problem["loc"], model)
    _, owners = followed(problem["loc"][:-1], model)
    siblings = owners[0].model_fields if owners else {}
    key, found = ".".join(path), problem["input"]
    match problem["type"]:
        case "extra_forbidden":
            text = f"unknown key {key!r} (value {shown(found)}){nearest(path[-1], siblings)}; "
            return brief(f"{text}allowed here: {', '.join(siblings)}")
        case "missing":
            about = siblings[path[-1]].description
            text = f"missing{f' ({about})' if about else ''}: add it"
        case "union_tag_invalid" | "union_tag_not_found":
            key = ".".join([*path, "kind"])
            kind = found.get("kind") if isinstance(found, dict) else None
            kinds = ", ".join(repr(kind_of(section)) for section in choices)
            text = f"{'missing' if kind is None else f'found {shown(kind)}'}, allowed: {kinds}"
        case "value_error":
            text = str(problem["ctx"]["error"])
        case _:
            allowed = problem["msg"].removeprefix("Input ").removeprefix("should be ")
            text = f"found {shown(found)}, allowed: {allowed}"
    return brief(f"{key}: {text}" if key else text)


def followed(location: Iterable[Any], model: Any) -> tuple[list[str], list[type[Section]]]:
    """A place in the parameters as the file has it, and the sections that may stand there.

    Where `kind` chooses the model of a section, pydantic puts the kind behind the section's name.
    """
    path: list[str] = []
    for part in location:
        choices = sections(model)
        if get_origin(model) is dict:  # `part` is a name of the user's own
            model = get_args(model)[1]
        elif len(choices) > 1 and part in map(kind_of, choices):
            model = next(section for section in choices if kind_of(section) == part)
            continue
        else:
            field = choices[0].model_fields.get(part) if len(choices) == 1 else None
            model = field.annotation if field else None
        path.append(str(part))
    return path, sections(model)


def sections(annotation: Any) -> list[type[Section]]:
    """The models of the sections that a key may hold: several where `kind` chooses one."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return [annotation]
    return [section for each in get_args(annotation) for section in sections(each)]


def kind_of(section: type[Section]) -> str:
    """The `kind` that chooses a model."""
    return str(get_args(section.model_fields["kind"].annotation)[0])


class Key(NamedTuple):
    """A key of the parameters: where it stands, what it may hold and what it means."""

    name: str
    allowed: str
    default: str  # as in the file; empty if the key is required
    meaning: str


def all_keys(section: type[Section] = Study, prefix: str = "") -> Iterator[Key]:
    """Every key of a section and of those in it; `<name>` stands for a name of one's own."""
    schema = section.model_json_schema()["properties"]
    for name, field in section.model_fields.items():
        place = f"{prefix}{name}{'.<name>' if get_origin(field.annotation) is dict else ''}"
        inner = sections(field.annotation)
        for each in inner:
            yield from all_keys(each, f"{place}.")
        if not inner:
            default = "" if field.is_required() else written_default(field.default)
            yield Key(place, allowed_by(schema[name]), default, field.description or "")


def written_default(value: Any) -> str:
    """A default as a parameter file has it."""
    if value in (None, []):
        return "empty"
    return yaml.safe_dump(value, default_flow_style=True).removesuffix("...\n").strip()


def allowed_by(schema: dict[str, Any]) -> str:
    """What a JSON schema allows, in words."""
    match schema:
        case {"anyOf": choices}:
            return " or ".join(map(allowed_by, choices))
        case {"const": value}:
            return str(value)
        case {"enum": values}:
            return " or ".join(values)
        case {"items": inner}:
            return f"list of: {allowed_by(inner)}"
        case {"additionalProperties": inner}:
            return allowed_by(inner)
    kind = {"null": "empty", "boolean": "true or false"}.get(schema["type"], schema["type"])
    bounds = [f"{text} {schema[key]}" for key, text in BOUNDS.items() if key in schema]
    return " ".join([kind, ", ".join(bounds)]).strip()

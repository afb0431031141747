"""What other tools expect of a workflow: a module, a schema of its parameters, a citation."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from jsonschema import Draft202012Validator

from sgns_study.config import read_parameters
from sgns_study.params import Study
from tests.conftest import REPOSITORY, Workspace, jobs

SCHEMA = REPOSITORY / "config/params.schema.json"
PARAMETERS = [REPOSITORY / "params.yaml", *sorted((REPOSITORY / "config").glob("*.yaml"))]
MODULE = """
configfile: "tiny.yaml"


module study:
    snakefile: "{snakefile}"
    config: config


use rule * from study


onstart:
    study.onstart()
"""


def nodes(schema: Any) -> Iterator[dict[str, Any]]:
    """Every object in a JSON schema."""
    if isinstance(schema, dict):
        yield schema
    for inner in schema.values() if isinstance(schema, dict) else schema:
        if isinstance(inner, dict | list):
            yield from nodes(inner)


def schema_of_files() -> dict[str, Any]:
    """The JSON schema of a file of parameters.

    A recipe with `like` has only the keys that differ; pydantic's own schema is of what it is when
    the others are filled in.
    """
    schema = Study.model_json_schema()
    own = schema["$defs"]
    for recipe in (each for name, each in own.items() if name.endswith("Recipe")):
        recipe["anyOf"] = [{"required": ["like"]}, {"required": recipe.pop("required")}]
    for key in ("sampling", "recipes"):  # filled in where a file has none
        schema["required"].remove(key)
    for node in nodes(schema):
        if "discriminator" in node:  # OpenAPI's, by `kind`, which `like` stands for too
            del node["discriminator"]
            node["anyOf"] = node.pop("oneOf")
        if isinstance(text := node.get("description"), str):
            node["description"] = " ".join(text.split())
    head = {"$schema": Draft202012Validator.META_SCHEMA["$id"], "title": "A study"}
    return head | {key: value for key, value in schema.items() if key not in head}


def test_the_published_schema_is_that_of_the_models() -> None:
    assert json.loads(SCHEMA.read_text()) == schema_of_files()
    Draft202012Validator.check_schema(schema_of_files())


@pytest.mark.parametrize("path", PARAMETERS, ids=lambda path: path.stem)
def test_the_schema_takes_every_study_that_is_here_and_its_file_names_it(path: Path) -> None:
    jsonschema.validate(read_parameters(path), schema_of_files())
    key, _, name = path.read_text().partition("\n")[0].partition("$schema=")
    assert key == "# yaml-language-server: "
    assert (path.parent / name).resolve() == SCHEMA


def mistyped(section: Callable[[dict], dict]) -> dict[str, Any]:
    """The parameters of the IMDB study with a key more in a section."""
    content = read_parameters(REPOSITORY / "params.yaml")
    section(content)["negativs"] = 1
    return content


@pytest.mark.parametrize(
    "section",
    [
        lambda content: content,
        lambda content: content["sampling"]["embedding"]["further"],
        lambda content: content["recipes"]["word2vec"],
        lambda content: content["recipes"].setdefault("new", {"like": "word2vec"}),
        lambda content: content["classifiers"].setdefault("new", {}),
    ],
    ids=["top", "further", "recipe", "recipe that is like another", "classifier"],
)
def test_the_schema_refuses_a_mistyped_key(section: Callable[[dict], dict]) -> None:
    content = mistyped(section)
    with pytest.raises(jsonschema.ValidationError, match="negativs"):
        jsonschema.validate(content, schema_of_files())
    del section(content)["negativs"]
    jsonschema.validate(content, schema_of_files())


def test_the_schema_wants_a_whole_recipe_where_it_is_like_no_other() -> None:
    content = read_parameters(REPOSITORY / "params.yaml")
    del content["recipes"]["word2vec"]["kind"]
    with pytest.raises(jsonschema.ValidationError, match="under any of the given schemas"):
        jsonschema.validate(content, schema_of_files())
    content["recipes"]["word2vec"]["like"] = "another"
    jsonschema.validate(content, schema_of_files())


@pytest.mark.workflow
def test_the_workflow_is_a_module_of_another(workspace: Workspace) -> None:
    """The same jobs as by itself, and one of them runs; where its Snakefile is does not matter."""
    own = workspace.planned()
    text = MODULE.format(snakefile=REPOSITORY / "Snakefile")
    (workspace.folder / "Snakefile").write_text(text)
    workspace.parameters = "tiny.yaml"
    assert workspace.planned() == own
    said = workspace.finish("results/tiny/tokens/vocabulary.csv")
    assert jobs(said) == {"tokenize": 1}
    assert (workspace.folder / "results/tiny/study.json").is_file()  # written by onstart


def test_the_catalog_of_workflows_finds_what_it_reads() -> None:
    settings = yaml.safe_load((REPOSITORY / ".snakemake-workflow-catalog.yml").read_text())
    assert set(settings) == {"usage"}
    assert (REPOSITORY / "config/README.md").is_file()
    assert all(word in (REPOSITORY / "README.md").read_text() for word in ("nakemake", "workflow"))


if __name__ == "__main__":  # python -m tests.test_standards > config/params.schema.json
    print(json.dumps(schema_of_files(), indent=1, ensure_ascii=False))

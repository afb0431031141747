"""The crate of a study says what its files are and which job made them from what."""

import json
import shutil
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile

import pytest

from sgns_study.artifacts import ArtifactError
from sgns_study.crate import REPORTS, write_crate
from sgns_study.errors import StudyError
from tests.conftest import Workspace

pytestmark = pytest.mark.workflow
METADATA = "ro-crate-metadata.json"


@pytest.fixture
def study(finished_study: Workspace, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(finished_study.folder)
    return finished_study.folder


@pytest.fixture
def crate(study: Path, tmp_path: Path) -> Iterator[ZipFile]:
    out = tmp_path / "tiny.zip"
    assert write_crate(Path("tiny.yaml"), out) == len([*study.rglob("run.json")])
    with ZipFile(out) as archive:
        yield archive


def entities(crate: ZipFile) -> dict[str, dict]:
    return {entity["@id"]: entity for entity in json.loads(crate.read(METADATA))["@graph"]}


def ids(references: dict | list) -> list[str]:
    """JSON-LD has a single reference by itself, several in a list."""
    return [each["@id"] for each in (references if isinstance(references, list) else [references])]


def test_the_crate_holds_the_files_it_lists_and_their_digests(crate: ZipFile, study: Path) -> None:
    found = entities(crate)
    files = {name for name, entity in found.items() if "File" in entity["@type"]}
    assert files == set(ids(found["./"]["hasPart"])) == {*crate.namelist()} - {METADATA}
    for name, entity in found.items():
        if str(digest := entity.get("identifier")).startswith("sha256:"):
            content = (study / entity["name"]).read_bytes()
            assert digest == f"sha256:{sha256(content).hexdigest()}", name
            assert name not in files or crate.read(name) == content


def test_the_crate_is_of_a_run_of_the_workflow(crate: ZipFile) -> None:
    """What https://w3id.org/ro/wfrun/workflow/0.5 and the profiles under it require."""
    found = entities(crate)
    profiles = ids(found["./"]["conformsTo"])
    assert "https://w3id.org/ro/wfrun/workflow/0.5" in profiles
    assert all(found[profile]["@type"] == "CreativeWork" for profile in profiles)
    (workflow,) = ids(found["./"]["mainEntity"])
    assert {"File", "SoftwareSourceCode", "ComputationalWorkflow"} == {*found[workflow]["@type"]}
    runs = {name: each for name, each in found.items() if each["@type"] == "CreateAction"}
    assert set(runs) == set(ids(found["./"]["mentions"]))
    for run in runs.values():
        used = ids(run["instrument"]) + ids(run.get("object", [])) + ids(run["result"])
        assert all(name in found for name in used)
    (whole,) = [run for run in runs.values() if ids(run["instrument"]) == [workflow]]
    wanted = {"results/tiny/claims.csv", *(f"reports/tiny/{name}" for name in REPORTS)}
    assert wanted <= {*ids(whole["result"])}
    assert ids(whole["object"]) == ["results/tiny/study.json"]  # the planted corpus has no file


def test_a_classifier_reads_the_vectors_that_their_job_wrote(crate: ZipFile) -> None:
    found = entities(crate)
    vectors = found["#run-results/tiny/embeddings/word2vec-r2-d8-s1"]
    classifier = found["#run-results/tiny/classifiers/pretrained-word2vec-r2-d8-s1"]
    assert {*ids(vectors["result"])} & {*ids(classifier["object"])} == {
        "#results/tiny/embeddings/word2vec-r2-d8-s1/vectors.safetensors"
    }
    record = json.loads(crate.read("results/tiny/embeddings/word2vec-r2-d8-s1/run.json"))
    (package,) = ids(vectors["instrument"])
    assert found[package]["softwareVersion"] == record["commit"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("study: tiny", "study: mine", "mine/recipes.csv: missing: run the study of .*mine.yaml"),
        ("learning_rate: 0.05", "learning_rate: 0.04", "not the parameters that were run"),
    ],
)
def test_there_is_no_crate_of_what_was_not_run(
    study: Path, tmp_path: Path, old: str, new: str, said: str
) -> None:
    parameters, out = tmp_path / "mine.yaml", tmp_path / "mine.zip"
    own = (study / "tiny.yaml").read_text()
    assert own.count(old) == 1
    parameters.write_text(own.replace(old, new))
    with pytest.raises(StudyError, match=said):
        write_crate(parameters, out)
    assert not out.exists()


def test_a_file_that_was_changed_since_is_in_no_crate(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("results", "reports"):
        shutil.copytree(study / name, tmp_path / name)
    shutil.copy(study / "tiny.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    with (tmp_path / "results/tiny/claims.csv").open("a") as table:
        table.write("\n")
    with pytest.raises(ArtifactError, match=r"claims.csv: damaged"):
        write_crate(Path("tiny.yaml"), tmp_path / "tiny.zip")

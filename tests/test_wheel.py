"""Without a clone: a wheel holds the workflow, `init` makes a folder for it, `run` runs it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest
import yaml

from sgns_study.provenance import code_digest, data_digest
from tests.conftest import REPOSITORY

SOURCES = (
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "Snakefile",
    "rules",
    "config",
    "profiles",
)
DIGESTS = """
from sgns_study.provenance import code_digest, data_digest
print(code_digest("sgns.recipes.train_word2vec"), code_digest("aggregate"), data_digest("report"))
"""


def output(*command: object, folder: Path, succeeds: bool = True) -> str:
    """What a command says, with nothing of this checkout on its path."""
    hidden = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    result = subprocess.run(
        [*map(str, command)], cwd=folder, env=hidden, capture_output=True, text=True, check=False
    )
    assert (result.returncode == 0) == succeeds, result.stdout + result.stderr
    return result.stdout + result.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source")
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for name in SOURCES:
        copy = shutil.copy if (REPOSITORY / name).is_file() else shutil.copytree
        copy(REPOSITORY / name, folder / name)
    (folder / "data").mkdir()
    shutil.copy(REPOSITORY / "data/reviews.csv", folder / "data")
    shutil.copytree(REPOSITORY / "src", folder / "src", symlinks=True, ignore=ignored)
    options = ("--no-build-isolation", "--no-deps", "--no-index")
    output(sys.executable, "-m", "pip", "wheel", *options, ".", folder=folder)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment with the wheel, and of this one only its libraries."""
    folder = tmp_path_factory.mktemp("environment")
    output(sys.executable, "-m", "venv", "--without-pip", ".", folder=folder)
    python = folder / "bin/python"
    packages = next(folder.glob("lib/*/site-packages"))
    libraries = [path for path in sys.path if path.endswith("-packages")]
    (packages / "libraries.pth").write_text("\n".join(libraries))  # without their .pth files
    options = ("--no-deps", "--no-index", "--no-compile", "--ignore-installed")
    pip = (sys.executable, "-m", "pip", "--python", python)
    output(*pip, "install", *options, wheel, folder=folder)
    return folder / "bin"


def test_a_wheel_has_every_file_of_the_package(wheel: Path) -> None:
    package = REPOSITORY / "src"
    links = [path for path in (package / "sgns_study/workflow").iterdir() if path.is_dir()]
    folders = [package / "sgns_study", *links]
    files = {path for folder in folders for path in folder.rglob("*") if path.is_file()}
    expected = {str(path.relative_to(package)) for path in files if "__pycache__" not in path.parts}
    unused = ("config/tweaks/", "config/size/")  # of DVC
    expected = {name for name in expected if not any(part in name for part in unused)}
    with ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if name.startswith("sgns_study/")}
    assert names == expected


def test_a_study_is_made_and_planned_without_a_clone(environment: Path, tmp_path: Path) -> None:
    said = output(environment / "sgns-study", "init", "place", folder=tmp_path)
    assert "sgns-study run my.yaml" in said
    place = tmp_path / "place"
    assert len((place / "Snakefile").read_text().splitlines()) == 3
    corpus = yaml.safe_load((place / "my.yaml").read_text())["corpus"]
    assert (place / corpus["path"]).read_bytes() == (REPOSITORY / "data/reviews.csv").read_bytes()
    said = output(environment / "sgns-study", "run", "my.yaml", "-n", folder=place)
    assert "train_classifier" in said
    assert f"--workflow-profile={environment.parent}" in said
    assert "my_reviews/report.html" in said
    assert not (place / "results").exists()
    digests = output(environment / "python", "-c", DIGESTS, folder=place).split()
    assert digests == [
        code_digest("sgns.recipes.train_word2vec"),
        code_digest("aggregate"),
        data_digest("report"),
    ]


def test_init_writes_over_nothing_and_run_wants_a_snakefile(
    environment: Path, tmp_path: Path
) -> None:
    (tmp_path / "my.yaml").touch()
    program = environment / "sgns-study"
    for words, message in (
        (("init", "."), "my.yaml: exists, and would be written over: name another folder"),
        (("run", REPOSITORY / "config/demo.yaml"), "no Snakefile in this folder"),
    ):
        assert message in output(program, *words, folder=tmp_path, succeeds=False)
    assert [path.name for path in tmp_path.iterdir()] == ["my.yaml"]


def test_the_template_is_the_example_of_the_page() -> None:
    page = (REPOSITORY / "docs/your-own-text.md").read_text()
    example = page.partition("```yaml\n")[2].partition("```")[0]
    assert (REPOSITORY / "config/own.yaml").read_text().endswith(example)

"""`make install` finds a fitting Python, or ends in one line that says what to install."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

# A Python that says it is of another version, and one without what makes environments.
PRETENDING = """\
#!/bin/sh
exec {python} - "$2" << 'END'
import sys
sys.version_info = ({version}) + (1, "final", 0)
if not {complete}:
    sys.modules["ensurepip"] = None
exec(sys.argv[1])
END
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A folder that is all of the path: `make` and the shell, and no Python yet."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for program in ("make", "sh", "cat"):
        (folder / program).symlink_to(shutil.which(program))
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(REPOSITORY / name, tmp_path)
    return folder


def put(path: Path, name: str, version: str, complete: bool = True) -> None:
    program = path / name
    program.write_text(PRETENDING.format(python=sys.executable, version=version, complete=complete))
    program.chmod(0o755)


def plan(path: Path) -> str:
    """What `make install` would run."""
    result = subprocess.run(
        ["make", "--dry-run", "install"],
        cwd=path.parent,
        env={"PATH": str(path)},
        capture_output=True,
        text=True,
        check=False,
    )
    return result.stdout + result.stderr


@pytest.mark.parametrize(
    ("pythons", "chosen"),
    [
        ({"python3": "3, 11", "python3.11": "3, 11", "python3.13": "3, 13"}, "python3.11"),
        ({"python3": "3, 10", "python3.12": "3, 12"}, "python3.12"),
        ({"python3": "3, 13"}, "python3"),
    ],
)
def test_the_first_fitting_python_is_taken(
    path: Path, pythons: dict[str, str], chosen: str
) -> None:
    for name, version in pythons.items():
        put(path, name, version)
    assert f"\n{chosen} -m venv .venv\n" in f"\n{plan(path)}"


@pytest.mark.parametrize("uv", [True, False])
def test_without_one_uv_brings_it_or_one_line_says_what_to_install(path: Path, uv: bool) -> None:
    put(path, "python3", "3, 10")
    put(path, "python3.12", "3, 14")
    put(path, "python3.11", "3, 11", complete=False)  # Debian's, without python3-venv
    if uv:
        put(path, "uv", "3, 11")
    said = plan(path)
    if uv:
        assert "uv venv --seed --python 3.11" in said
    else:
        assert "Install Python 3.11, 3.12 or 3.13 with venv (Debian: python3-venv), or uv" in said
        assert len(said.strip().splitlines()) == 1


@pytest.mark.xdist_group("alone")
def test_tests_of_a_group_share_a_process(request: pytest.FixtureRequest) -> None:
    """Else what they share is made once in each: that doubled the time of the tests."""
    if not hasattr(request.config, "workerinput"):
        pytest.skip("the tests run in one process")
    assert request.node.nodeid.endswith("@alone")

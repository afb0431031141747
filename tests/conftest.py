"""The workflow's tests run the real Snakemake on a tiny planted corpus, each in its own folder."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from copy import copy
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import settings

import sgns_study
from tests.programs import served

settings.register_profile("noisy", deadline=None)  # a busy machine is no mistake of the code
settings.load_profile("noisy")
# As the jobs of a study: tests beside other work do not wait for each other's threads.
os.environ.setdefault("OMP_NUM_THREADS", "1")

REPOSITORY = Path(__file__).parent.parent
LONG = ("workflow", "faults", "slurm")  # markers
SCRIPTS = Path(sys.executable).parent
# What a copy of the package goes without: what numba compiled, and files that are being written.
COMPILED = shutil.ignore_patterns("numba-*", "*.pyc.*")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long tests, so that short ones fill the end in which a process has none."""
    items.sort(key=lambda item: not any(map(item.get_closest_marker, LONG)))


def variables_with(scripts: Path) -> dict[str, str]:
    """Environment variables of a user who activated an environment."""
    return os.environ | {"PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}


def environment_with(folder: Path, program: str) -> Path:
    """Make of `folder` an environment as this one, but for a script in place of `sgns-study`.

    Gives its Python: jobs find the program of the interpreter that runs Snakemake.
    """
    here = Path(sys.prefix)
    (folder / "bin").mkdir()
    for path in (here / "bin").iterdir():
        (folder / "bin" / path.name).symlink_to(path)
    (folder / "lib").symlink_to(here / "lib")
    shutil.copy(here / "pyvenv.cfg", folder)
    stub = folder / "bin/sgns-study"
    stub.unlink()
    stub.write_text(program)
    stub.chmod(0o755)
    return folder / "bin" / Path(sys.executable).name


def share_compiled(package: Path) -> None:
    """Let a copy of the package find and leave compiled code where that of the original is.

    Numba names folders by the path of the source; what is compiled knows no path.
    """
    from numba.core.caching import UserProvidedCacheLocator  # after this package, which tells it

    original, folder = Path(sgns_study.__file__).parent, Path(os.environ["NUMBA_CACHE_DIR"])
    for source in {path.parent for path in original.rglob("*.py")}:
        files = [base / source.relative_to(original) / "any.py" for base in (original, package)]
        names = [UserProvidedCacheLocator.get_suitable_cache_subpath(str(file)) for file in files]
        links = package / "__pycache__" / folder.name
        for path in (folder / names[0], links):
            path.mkdir(parents=True, exist_ok=True)
        (links / names[1]).symlink_to(folder / names[0])


class Workspace:
    """A folder in which Snakemake runs, as a user would run it."""

    def __init__(self, folder: Path, scripts: Path = SCRIPTS) -> None:
        self.folder, self.parameters = folder, "tiny.yaml"
        self.snakemake = [str(scripts / "snakemake")]
        self.environment = variables_with(scripts)
        for name in ("Snakefile", "params.yaml", "tests/tiny.yaml"):
            shutil.copy(REPOSITORY / name, folder)
        for name in ("rules", "profiles"):
            shutil.copytree(REPOSITORY / name, folder / name, dirs_exist_ok=True)

    def copy(self, folder: Path) -> "Workspace":
        """A copy with code of its own, which a test may change."""
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        shutil.copytree(REPOSITORY / "src", folder / "src", ignore=COMPILED)
        share_compiled(folder / "src/sgns_study")
        copied = copy(self)
        copied.folder = folder
        copied.environment = self.environment | {"PYTHONPATH": str(folder / "src")}
        return copied

    def command(self, *arguments: str) -> list[str]:
        return [*self.snakemake, "--configfile", self.parameters, *arguments]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=560,  # a run that hangs: on an idle machine the tiny study takes 80 s
        )

    def finish(self, *targets: str) -> str:
        """Run on two cores to the end, or to the targets; gives what Snakemake and jobs said."""
        result = self.run("--cores", "2", *targets)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout + result.stderr

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def dry_run(self) -> str:
        """What a dry run says."""
        result = self.run("--cores", "1", "--dry-run")
        output = result.stdout + result.stderr
        assert result.returncode == 0, output
        return output

    def planned(self) -> Counter[str]:
        """How many jobs of each rule a dry run would run."""
        return jobs(self.dry_run())

    def edit(self, name: str, old: str, new: str) -> None:
        path = self.folder / name
        text = path.read_text()
        assert text.count(old) >= 1, f"{old!r} not in {name}"
        path.write_text(text.replace(old, new))

    def bytes_of_results(self) -> dict[str, bytes]:
        """Content of every file that is a function of params, code and data."""
        results = self.folder / "results/tiny"
        clocks = {"run.json", "timings.csv", "lock", "jobs.lock"}
        return {
            str(path.relative_to(results)): path.read_bytes()
            for path in sorted(results.rglob("*"))
            if path.is_file()
            and path.name.removesuffix(".sha256") not in clocks
            and path.relative_to(results).parts[0] not in ("logs", "benchmarks")
        }


def jobs(output: str) -> Counter[str]:
    """How many jobs of each rule Snakemake says it would run."""
    found = re.findall(r"^(?:local)?rule (\w+):", output, flags=re.MULTILINE)
    return Counter(rule for rule in found if rule != "all")


def kill_group(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.fixture(scope="session")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The programs of an environment in which they start at once, each a process as usual."""
    python = environment_with(tmp_path_factory.mktemp("programs"), program="")
    with served(python):
        yield python.parent


@pytest.fixture
def workspace(tmp_path: Path, scripts: Path) -> Workspace:
    return Workspace(tmp_path, scripts)


@pytest.fixture(scope="session")
def finished_study(
    tmp_path_factory: pytest.TempPathFactory, worker_id: str, scripts: Path
) -> Workspace:
    """The tiny study, run once on two cores; tests that change it work on a copy.

    Where tests run in several processes, the first that wants it makes it for all.
    """
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "finished"
    with FileLock(f"{folder}.lock"):
        folder.mkdir(exist_ok=True)
        workspace = Workspace(folder, scripts)
        workspace.finish()  # nothing to do for those that come later
    return workspace


@pytest.fixture
def mirror() -> Path:
    """The folder with the real data; without one the test is skipped, and says so."""
    folder = os.environ.get("SGNS_STUDY_MIRROR", "")
    if not (folder and (Path(folder) / "aclImdb-with-urls.tar.xz").is_file()):
        pytest.skip("SGNS_STUDY_MIRROR names no folder with the IMDB archive")
    return Path(folder)

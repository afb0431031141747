"""A study restored elsewhere from a DVC remote, changed in one thing, taken back: the real DVC."""

import getpass
import json
import os
import re
import shutil
import socket
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from sgns_study.artifacts import sha256
from sgns_study.config import check_study
from sgns_study.errors import StudyError
from sgns_study.params import Study
from sgns_study.restore import changes, check_inputs, pipeline_of
from tests.conftest import COMPILED, REPOSITORY, Workspace, jobs, share_compiled, variables_with

pytestmark = [pytest.mark.workflow, pytest.mark.xdist_group("dvc")]

VERSIONED = ("dvc.yaml", ".dvcignore", ".gitignore", "Makefile", "config")
INSTALLED = ("pyproject.toml", "requirements.lock")
RESULTS = "results/tiny"
OUTPUTS = ("results", "reports", "data")
REPORTING = {"aggregate": 1, "claims": 1, "timings": 1, "report": 1}


class Repository:
    """A git repository with the tiny study as its params.yaml, used as one uses the project."""

    def __init__(self, folder: Path, scripts: Path) -> None:
        self.folder, self.scripts = folder, scripts
        self.environment = variables_with(scripts) | {
            "PYTHONPATH": str(folder / "src"),
            "DVC_SITE_CACHE_DIR": str(folder.parent / "dvc-site"),
        }

    def __call__(self, *command: str) -> str:
        """What a command says; it must succeed."""
        result = self.attempt(*command)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout + result.stderr

    def attempt(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=560,
        )

    def identify(self) -> None:
        self("git", "config", "user.name", "A student")
        self("git", "config", "user.email", "student@example.org")

    def commit(self, message: str) -> None:
        self("git", "add", ".")
        self("git", "commit", "--quiet", "--message", message)

    def clone(self, folder: Path) -> "Repository":
        """A clone elsewhere, with an environment, so that `make` does not install one."""
        self("git", "clone", "--quiet", str(self.folder), str(folder))
        cloned = Repository(folder, self.scripts)
        cloned.identify()
        share_compiled(folder / "src/sgns_study")
        (folder / ".venv/bin").mkdir(parents=True)
        (folder / ".venv/bin/activate").touch()
        (folder / ".venv/installed").touch()
        return cloned

    def copy(self, folder: Path) -> "Repository":
        shutil.copytree(self.folder, folder, ignore=COMPILED)
        share_compiled(folder / "src/sgns_study")
        return Repository(folder, self.scripts)

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace the first place where `old` stands."""
        text = (self.folder / name).read_text()
        assert old in text
        (self.folder / name).write_text(text.replace(old, new, 1))

    def files(self, *folders: str) -> dict[str, bytes]:
        """Content of all files of the study but the logs, benchmarks and locks of this place."""
        found = {}
        for path in sorted(path for name in folders for path in (self.folder / name).rglob("*")):
            name = str(path.relative_to(self.folder))
            local = ("logs/", "benchmarks/", "lock")
            if path.is_file() and not any(f"{RESULTS}/{part}" in name for part in local):
                found[name] = path.read_bytes()
        return found

    def is_up_to_date(self) -> bool:
        """Whether Snakemake, `dvc status`, `dvc repro` and git all see nothing to do."""
        assert "Nothing to be done" in self("snakemake", "--dry-run")
        assert "up to date" in self("dvc", "status")
        output = self("dvc", "repro")
        assert output.count("didn't change, skipping") == 5
        assert "Running stage" not in output
        return not self("git", "status", "--short")


@pytest.fixture(scope="module")
def published(
    finished_study: Workspace, tmp_path_factory: pytest.TempPathFactory, scripts: Path
) -> Repository:
    """The finished tiny study in a repository, committed and pushed to a folder."""
    repository = Repository(tmp_path_factory.mktemp("published") / "study", scripts)
    folder = repository.folder
    finished_study.copy(folder)
    (folder / "tiny.yaml").unlink()
    parameters = (REPOSITORY / "tests/tiny.yaml").read_text()
    # DVC wants every section that dvc.yaml names.
    (folder / "params.yaml").write_text(f"{parameters}\ndevice: cpu\nclaims: {{}}\n")
    for name in VERSIONED + INSTALLED:
        path = REPOSITORY / name
        (shutil.copytree if path.is_dir() else shutil.copy)(path, folder / name)
    (folder / ".dvc").mkdir()
    shutil.copy(REPOSITORY / ".dvc/config", folder / ".dvc")
    repository("git", "init", "--quiet")
    repository.identify()
    output = repository("dvc", "repro")
    assert output.count("Nothing to be done") == 5  # Snakemake had finished it
    repository("dvc", "remote", "add", "--default", "storage", str(folder.parent / "storage"))
    repository.commit("The tiny study")
    repository("dvc", "push")
    return repository


@pytest.fixture(scope="module")
def ssh_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A real SSH server on loopback with SFTP: its address and the key that opens it."""
    sshd = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    if not (sshd and shutil.which("ssh-keygen")):
        pytest.skip("sshd is not installed (in Debian: openssh-server)")
    folder = tmp_path_factory.mktemp("sshd")
    for key in ("host", "user"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / key)]
        subprocess.run(command, check=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (folder / "config").write_text(
        f"ListenAddress 127.0.0.1\nPort {port}\nPidFile {folder}/pid\nHostKey {folder}/host\n"
        f"AuthorizedKeysFile {folder}/user.pub\nStrictModes no\nUsePAM no\n"
        "PasswordAuthentication no\nKbdInteractiveAuthentication no\nSubsystem sftp internal-sftp\n"
    )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # which it wants of root
    with (folder / "log").open("w") as log:
        command = [sshd, "-D", "-e", "-f", str(folder / "config")]
        server = subprocess.Popen(command, stderr=log)
    try:
        deadline = time.monotonic() + 20
        while socket.socket().connect_ex(("127.0.0.1", port)):
            assert server.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield f"ssh://{getpass.getuser()}@127.0.0.1:{port}{folder}/storage", folder / "user"
    finally:
        server.terminate()
        server.wait()


@pytest.fixture(scope="module")
def restored(published: Repository) -> Repository:
    """A fresh clone after `make restore`, from the remote in a folder."""
    clone = published.clone(published.folder.parent / "restored")
    clone("make", "restore")
    return clone


@pytest.fixture(scope="module")
def changed(restored: Repository) -> tuple[Repository, str]:
    """The restored study after one parameter of its classifiers changed, and what DVC said."""
    clone = restored.copy(restored.folder.parent / "changed")
    clone.edit("params.yaml", "learning_rate: 1.0e-3", "learning_rate: 5.0e-2")
    output = clone("dvc", "repro")
    clone.commit("A larger learning rate of the classifiers")
    return clone, output


def test_a_clone_is_restored_from_a_folder(published: Repository, restored: Repository) -> None:
    assert restored.files(*OUTPUTS) == published.files(*OUTPUTS)
    assert restored.is_up_to_date()
    files = [path for path in (restored.folder / "results").rglob("*") if path.is_file()]
    assert all(path.stat().st_mode & stat.S_IWUSR for path in files)
    assert not any(path.is_symlink() or path.stat().st_nlink > 1 for path in files)


def test_a_clone_is_restored_over_ssh(
    published: Repository, ssh_server: tuple[str, Path], tmp_path: Path
) -> None:
    address, key = ssh_server
    sender = published.copy(tmp_path / "sender")
    sender("dvc", "remote", "add", "--default", "server", address)
    sender.commit("Storage on a server")
    clone = sender.clone(tmp_path / "clone")
    for repository in (sender, clone):
        repository("dvc", "remote", "modify", "--local", "server", "keyfile", str(key))
    sender("dvc", "push")
    clone("make", "restore")
    assert clone.files(*OUTPUTS) == published.files(*OUTPUTS)
    assert clone.is_up_to_date()


def test_a_changed_classifier_parameter_retrains_classifiers_only(
    restored: Repository, changed: tuple[Repository, str]
) -> None:
    clone, output = changed
    for stage in ("data", "embeddings", "vectors"):
        assert f"Stage '{stage}' didn't change, skipping" in output
    ran = jobs(output)
    assert ran["train_sgns"] == 0
    assert ran.pop("figure") > 0
    ran.pop("classifiers")  # the target
    assert ran == REPORTING | {"train_classifier": 9}  # the large one has its own section
    kept = [f"{RESULTS}/{name}" for name in ("tokens", "text", "embeddings", "vectors")]
    assert clone.files(*kept) == restored.files(*kept)
    assert clone.is_up_to_date()


def test_the_timings_of_a_restored_study_keep_all_jobs(
    restored: Repository, changed: tuple[Repository, str]
) -> None:
    before, after = (
        dict(line.rsplit(",", 2)[::2] for line in timings.read_text().splitlines())
        for timings in (
            repository.folder / RESULTS / "timings.csv" for repository in (restored, changed[0])
        )
    )
    assert before.keys() <= after.keys()
    ran = ("train_classifier", "aggregate", "claims", "figure")
    for job in before:
        if not job.startswith(ran):
            assert after[job] == before[job]


def test_two_commits_are_told_apart(changed: tuple[Repository, str]) -> None:
    clone, _ = changed

    def difference(kind: str) -> dict:
        command = ("dvc", kind, "diff", "HEAD~1", "HEAD", "--json")
        return json.loads(clone.attempt(*command).stdout)

    parameters = difference("params")["params.yaml"]
    assert parameters == {
        "classifier.learning_rate": {"old": 0.001, "new": 0.05, "diff": pytest.approx(0.049)}
    }
    old, new = (
        json.loads(clone("git", "show", f"{commit}:{RESULTS}/metrics.json"))
        for commit in ("HEAD~1", "HEAD")
    )
    differing = {name for name in old if old[name] != new[name]}
    assert differing
    metrics = difference("metrics")[f"{RESULTS}/metrics.json"]
    assert {name: (entry["old"], entry["new"]) for name, entry in metrics.items()} == {
        name: (old[name], new[name]) for name in differing
    }
    plots = difference("plots")["data"]
    (curves,) = plots["validation accuracy of the classifiers"]
    points = curves["content"]["data"]["values"]
    rows = (clone.folder / RESULTS / "classifier_curves.csv").read_text().splitlines()[1:]
    for commit in ("HEAD~1", "HEAD"):
        assert sum(point["rev"] == commit for point in points) == len(rows)
    lossless = ("accuracy", "loss")
    drawn = {tuple(point[key] for key in lossless) for point in points if point["rev"] == "HEAD"}
    assert drawn == {tuple(row.rsplit(",", 2)[:0:-1]) for row in rows}


def test_an_older_commit_comes_back_and_nothing_runs(
    published: Repository, changed: tuple[Repository, str], tmp_path: Path
) -> None:
    clone = changed[0].copy(tmp_path / "clone")
    assert clone.files(*OUTPUTS) != published.files(*OUTPUTS)
    clone("git", "checkout", "--quiet", "HEAD~1")
    clone("dvc", "remote", "remove", "storage")  # all of it is in the cache
    clone("make", "restore")
    assert clone.files(*OUTPUTS) == published.files(*OUTPUTS)
    clone("git", "checkout", ".dvc/config")
    assert clone.is_up_to_date()
    clone.edit("params.yaml", "learning_rate: 1.0e-3", "learning_rate: 5.0e-2")
    assert jobs(clone("snakemake", "--dry-run"))["train_classifier"] == 9


def test_an_experiment_trains_new_models_only(restored: Repository, tmp_path: Path) -> None:
    clone = restored.copy(tmp_path / "clone")
    output = clone("dvc", "exp", "run", "--name", "radii", "--set-param", "grid.radii=[2,3]")
    ran = jobs(output)
    for rule in (*REPORTING, "figure", "data", "embeddings", "vectors", "classifiers"):
        ran.pop(rule)
    new = {"build_pairs": 1, "train_sgns": 4, "evaluate_vectors": 4, "train_classifier": 6}
    assert ran == new
    before, after = (repository.files(RESULTS) for repository in (restored, clone))
    trained = ("embeddings/", "vectors/", "classifiers/", "baselines/", "pairs/")
    for name, content in before.items():
        if name.startswith(tuple(f"{RESULTS}/{folder}" for folder in trained)):
            assert after[name] == content
    shown = clone("dvc", "exp", "show", "--csv")
    assert "radii" in shown
    assert "pretrained_lab_r3_d8_test_accuracy" in shown


def test_other_code_is_not_restored(published: Repository, tmp_path: Path) -> None:
    clone = published.clone(tmp_path / "clone")
    clone.edit("src/sgns_study/pairs.py", '"""', '"""Changed. ')
    result = clone.attempt("make", "restore")
    assert result.returncode != 0
    assert "src/sgns_study" in result.stderr
    assert "git log -1 dvc.lock" in result.stderr
    assert not (clone.folder / RESULTS / "tokens").exists()


def test_files_without_a_record_are_not_taken_for_finished(
    restored: Repository, tmp_path: Path
) -> None:
    clone = restored.copy(tmp_path / "clone")
    (clone.folder / RESULTS / "lock").unlink()
    shutil.rmtree(clone.folder / ".snakemake")  # as after `dvc pull` in a fresh clone
    result = clone.attempt("snakemake", "--dry-run")
    assert result.returncode != 0
    assert "make restore" in result.stdout + result.stderr
    # A table that git has and someone changed is not one of the lock.
    with (clone.folder / RESULTS / "claims.csv").open("a") as table:
        table.write("\n")
    refused = clone.attempt("make", "restore")
    assert "claims.csv" in refused.stderr
    assert "Traceback" not in refused.stderr
    clone("git", "checkout", RESULTS)
    clone("make", "restore")
    assert clone.is_up_to_date()


def test_a_large_file_with_a_new_time_is_no_new_file(restored: Repository, tmp_path: Path) -> None:
    clone = restored.copy(tmp_path / "clone")
    correct = clone.folder / RESULTS / "correct.npy"
    with correct.open("ab") as file:  # Snakemake's own limit is a megabyte
        file.write(bytes(2_000_000))
    clone("snakemake", "--touch", "--forceall", "--cores", "1")
    correct.touch()  # as `dvc repro` does when it puts a file into its cache
    assert "Nothing to be done" in clone("snakemake", "--dry-run")
    with correct.open("ab") as file:
        file.write(b"\0")
    assert jobs(clone("snakemake", "--dry-run"))["claims"] == 1


def test_a_lost_remote_is_one_clear_error(published: Repository, tmp_path: Path) -> None:
    clone = published.clone(tmp_path / "clone")
    clone("dvc", "remote", "modify", "storage", "url", str(tmp_path / "nowhere"))
    result = clone.attempt("make", "restore")
    assert result.returncode != 0
    assert "dvc remote add --default" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_table_of_ones_own_that_changed_is_noticed(tmp_path: Path) -> None:
    table, record = tmp_path / "own.csv", tmp_path / "tokens/run.json"
    table.write_text("text,label\n")
    record.parent.mkdir()
    inputs = {str(table): sha256(table)}
    record.write_text(json.dumps({"commit": "", "versions": {}, "inputs": inputs}))
    check_inputs(record)
    table.write_text("text,label\nanother,one\n")
    with pytest.raises(StudyError, match=r"own\.csv: missing, or not the file"):
        check_inputs(record)


def test_a_study_without_a_pipeline_says_so() -> None:
    with pytest.raises(StudyError, match=r"config/demo\.yaml: DVC does not version this study"):
        pipeline_of(Path("config/demo.yaml"))


def test_a_study_that_dvc_leaves_out_says_so() -> None:
    with pytest.raises(StudyError, match=r"tweaks/\.dvcignore: DVC leaves this study out"):
        pipeline_of(REPOSITORY / "config/tweaks.yaml")


def test_every_lock_is_of_this_code_and_these_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that `make restore` takes it: a changed line of code asks for a `dvc commit`."""
    monkeypatch.chdir(REPOSITORY)
    _, sources = changes(Path("dvc.yaml"))
    assert not sources
    code = code_of(Path("dvc.lock"))
    for lock in Path("config").glob("*/dvc.lock"):  # DVC does not look at these by itself
        (stage,) = yaml.safe_load(lock.read_text())["stages"].values()
        assert code_of(lock) == code
        for name, locked in stage["params"].items():
            assert locked == yaml.safe_load(Path(name).read_text())


def code_of(lock: Path) -> dict[str, str]:
    """The digests of the code that a study was made by."""
    stages = yaml.safe_load(lock.read_text())["stages"].values()
    found = {each["path"]: each["md5"] for stage in stages for each in stage["deps"]}
    return {path: found[path] for path in ("Snakefile", "rules", "src/sgns_study")}


def test_every_parameter_is_some_stages_and_stands_where_the_pages_say() -> None:
    """DVC refuses a file of parameters that lacks one."""
    pipeline = yaml.safe_load((REPOSITORY / "dvc.yaml").read_text())
    named = {name for stage in pipeline["stages"].values() for name in stage["params"]}
    assert named == set(Study.model_fields)
    for name in ("params.yaml", "config/demo.yaml"):
        assert named == yaml.safe_load((REPOSITORY / name).read_text()).keys()
    page = (REPOSITORY / "docs/your-own-text.md").read_text()
    example = yaml.safe_load(re.findall(r"```yaml\n(study:.*?)```", page, re.DOTALL)[0])
    assert named > example.keys()  # it names what has no default; what a study writes has all
    written = yaml.safe_load(check_study(example, "my.yaml").model_dump_json())
    assert named == written.keys()
    assert check_study(written, "study.json") == check_study(example, "my.yaml")

"""Files between stages appear whole or not at all, and records say where they come from."""

import errno
import json
import os
import subprocess
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sgns_study import artifacts, guards
from sgns_study.artifacts import ArtifactError


def test_a_file_appears_under_its_name_only_when_whole(tmp_path: Path) -> None:
    path = tmp_path / "new/table.csv"
    with artifacts.writing(path) as part:
        part.write_text("half")
        assert not path.exists()
        part.write_text("whole")
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


def test_an_error_while_writing_keeps_the_former_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("former")

    def fail() -> None:
        with artifacts.writing(path) as part:
            part.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_text() == "former"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device /dev/full")
def test_a_full_disk_is_one_clear_error_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "vectors.npy"
    # every write to this device fails as on a full disk
    (tmp_path / ".vectors.npy.part").symlink_to("/dev/full")
    with (
        pytest.raises(ArtifactError, match="the disk is full; nothing was kept"),
        artifacts.writing(path) as part,
        part.open("wb") as file,
    ):
        np.save(file, np.zeros(100_000))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_is_not_writable(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(ArtifactError, match="not writable"):
        artifacts.write_text(tmp_path / "a.txt", "text")


def test_a_table_survives_writing_and_reading_bit_for_bit(tmp_path: Path) -> None:
    values = np.random.default_rng(1).normal(size=100) * 10.0 ** np.arange(-50, 50)
    table = pd.DataFrame({"value": values, "name": ["a,b"] * 50 + ['"quoted"\n'] * 50})
    artifacts.write_table(tmp_path / "t.csv", table)
    pd.testing.assert_frame_equal(artifacts.read_table(tmp_path / "t.csv"), table, check_exact=True)


@pytest.mark.parametrize("content", [b"", b'a,b\n1,2,3,4\n"', b"a,b\n1,2,3\n", b"\xff\xfe\x00"])
def test_a_damaged_table_names_the_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(ArtifactError, match="not a CSV table") as error:
        artifacts.read_table(path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    ("error", "found"),
    [
        (KeyError("count"), "'count'"),
        (TypeError("Cannot cast"), "Cannot cast"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), "'utf-8' codec can't"),
        (OverflowError(), "OverflowError"),
        (ValueError("x" * 1000), "x" * 160 + "…"),
    ],
)
def test_whatever_damage_leads_to_is_one_error(
    tmp_path: Path, error: Exception, found: str
) -> None:
    with pytest.raises(ArtifactError) as raised, artifacts.reading(tmp_path / "a", "no table"):
        raise error
    said = str(raised.value)
    assert said.startswith(f"{tmp_path / 'a'}: no table ({found}")
    assert said.endswith("): delete it and run again")


@pytest.mark.parametrize("error", [ArtifactError("b: damaged"), MemoryError("too large")])
def test_an_error_that_says_what_to_do_passes_as_it_is(tmp_path: Path, error: Exception) -> None:
    with pytest.raises(type(error)) as raised, artifacts.reading(tmp_path / "a", "no table"):
        raise error
    assert raised.value is error


@pytest.mark.parametrize("column", [["1", "2"], [1.0, 2.0], [1, None], [2**63, 1]])
def test_what_is_no_column_of_whole_numbers(column: list[object]) -> None:
    assert artifacts.whole(pd.Series([3, -1])).tolist() == [3, -1]
    with pytest.raises(TypeError):
        artifacts.whole(pd.Series(column))


def test_the_record_of_a_run(tmp_path: Path) -> None:
    source = tmp_path / "in.txt"
    source.write_text("abc")
    with artifacts.recorded_run(tmp_path / "run.json", {"seed": 3}, [source]) as results:
        results["epoch"] = 7
    record = json.loads((tmp_path / "run.json").read_text())
    assert record["parameters"] == {"seed": 3}
    # SHA-256 of "abc", FIPS 180-2, appendix B.1
    assert list(record["inputs"].values()) == [
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    ]
    assert record["results"] == {"epoch": 7}
    assert record["seconds"] >= 0
    assert record["peak_memory_mib"] > 10
    assert "numpy" in record["versions"]


def test_a_failed_run_leaves_no_record(tmp_path: Path) -> None:
    with (
        pytest.raises(RuntimeError),
        artifacts.recorded_run(tmp_path / "run.json", {}, []),
    ):
        raise RuntimeError
    assert not (tmp_path / "run.json").exists()


def test_an_array_that_numpy_cannot_write_whole_met_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def short(*_: object, **__: object) -> None:
        raise OSError("265522 requested and 8128 written")  # as numpy.ndarray.tofile says it

    monkeypatch.setattr(np, "save", short)
    with pytest.raises(ArtifactError, match=r"ids\.npy: the disk is full; nothing was kept"):
        artifacts.write_array(tmp_path / "ids.npy", np.arange(3))
    assert list(tmp_path.iterdir()) == []


def sealed(tmp_path: Path, text: str = "abc") -> Path:
    """A file that a job of the workflow wrote."""
    path = tmp_path / "table.csv"
    with guards.job():
        artifacts.write_text(path, text)
    return path


def test_what_a_job_wrote_is_sealed_as_sha256sum_writes_it(tmp_path: Path) -> None:
    path = sealed(tmp_path)
    assert artifacts.intact(path) == path
    assert artifacts.sealed_files(tmp_path) == [path]
    subprocess.run("sha256sum --check --strict .sha256/*", shell=True, cwd=tmp_path, check=True)


def test_outside_a_job_nothing_is_sealed(tmp_path: Path) -> None:
    artifacts.write_text(tmp_path / "vectors.txt", "abc")
    assert artifacts.sealed_files(tmp_path) == []
    artifacts.intact(tmp_path / "vectors.txt")


def test_a_failed_job_seals_nothing(tmp_path: Path) -> None:
    def fail() -> None:
        with guards.job():
            artifacts.write_text(tmp_path / "a.txt", "abc")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert artifacts.sealed_files(tmp_path) == []


@pytest.mark.parametrize("damage", [b"abd", b"ab", b"abc\n", b""])
def test_a_file_that_was_changed_since_is_not_read(tmp_path: Path, damage: bytes) -> None:
    path = sealed(tmp_path)
    path.write_bytes(damage)
    with pytest.raises(ArtifactError, match=r"damaged: .* delete it and run again") as error:
        artifacts.read_table(path)
    assert str(path) in str(error.value)


def test_a_damaged_seal_is_no_seal_of_the_file(tmp_path: Path) -> None:
    path = sealed(tmp_path)
    artifacts.seal_of(path).write_bytes(b"\xff")
    with pytest.raises(ArtifactError, match="damaged"):
        artifacts.intact(path)


def test_every_bit_counts(tmp_path: Path) -> None:
    path = tmp_path / "ids.npy"
    with guards.job():
        artifacts.write_array(path, np.arange(7))
    content = path.read_bytes()
    for bit in range(8 * len(content)):
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed)
        with pytest.raises(ArtifactError, match="damaged"):
            artifacts.read_array(path)
    path.write_bytes(content)
    assert artifacts.read_array(path).tolist() == list(range(7))


def test_the_lock_admits_one_and_ends_with_its_holder(tmp_path: Path) -> None:
    paths = tmp_path / "lock", tmp_path / "jobs.lock"
    held = guards.lock_study(*paths)
    with pytest.raises(ArtifactError, match=f"another run \\(process {os.getpid()}\\)"):
        guards.lock_study(*paths)
    held.close()
    guards.lock_study(*paths).close()


def test_a_run_that_saw_the_study_before_a_job_ended_starts_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = tmp_path / "lock", tmp_path / "jobs.lock"
    monkeypatch.setenv(guards.JOBS_LOCK, str(paths[1]))
    guards.lock_study(*paths, since=0).close()  # the first run of all
    began = time.time()
    with guards.job():
        os.utime(paths[1], (began - 60, began - 60))
    with pytest.raises(ArtifactError, match="while this one was starting: run again"):
        guards.lock_study(*paths, since=began - 30)
    guards.lock_study(*paths, since=began + 30).close()


def test_jobs_of_a_killed_run_keep_the_next_one_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = tmp_path / "lock", tmp_path / "jobs.lock"
    guards.lock_study(*paths).close()  # the run that was killed
    monkeypatch.setenv(guards.JOBS_LOCK, str(paths[1]))
    with (
        guards.job(),
        guards.job(),  # jobs share their lock
        pytest.raises(ArtifactError, match=f"still at work .*process {os.getpid()}"),
    ):
        guards.lock_study(*paths)
    guards.lock_study(*paths).close()


def test_a_file_system_without_locks_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flock(*_: object) -> None:
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr("fcntl.flock", flock)
    with pytest.raises(ArtifactError, match=r"lock: cannot be locked .* mount its file system"):
        guards.lock_study(tmp_path / "lock", tmp_path / "jobs.lock")
    monkeypatch.setenv(guards.JOBS_LOCK, str(tmp_path / "jobs.lock"))
    with pytest.raises(ArtifactError, match=r"jobs\.lock: cannot be locked"), guards.job():
        pass

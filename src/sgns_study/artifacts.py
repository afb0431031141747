"""The files between stages: write-then-rename, the record of a run, the lock of a study.

A file appears under its name only when it is whole: it is written beside it under a temporary
name, flushed to disk and renamed. A killed job leaves no half file under a name that counts.
"""

import errno
import fcntl
import json
import os
import resource
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import file_digest
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sgns_study import provenance
from sgns_study.errors import StudyError


class ArtifactError(StudyError):
    """A file of the study is missing, damaged or cannot be written; the message says the remedy."""


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """A temporary name to write to, renamed to `path` when the block ends without an error.

    Raises ArtifactError if the disk is full or the folder not writable; nothing is left behind.
    """
    part = part_of(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        with part.open("rb+") as written:
            os.fsync(written.fileno())
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise ArtifactError(
                f"{path}: the disk is full; nothing was kept: free space on it and run again"
            ) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise ArtifactError(
                f"{path}: not writable ({error.strerror}): make the folder writable, run again"
            ) from error
        raise
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def part_of(path: Path) -> Path:
    """The temporary name of a file that is being written."""
    return path.with_name(f".{path.name}.part")


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text with the line ends it has."""
    with writing(path) as part:
        part.write_text(text, encoding="utf-8", newline="")


def write_json(path: Path, content: Any) -> None:
    """Write JSON, indented, keys in the order given."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a tidy table as CSV: floats in full, empty where a field does not apply."""
    with writing(path) as part:
        table.to_csv(part, index=False, lineterminator="\n")


def read_table(path: Path, text: Sequence[str] = ()) -> pd.DataFrame:
    """Read a CSV table of the study; the columns in `text` are strings as they stand.

    Raises ArtifactError if the file is missing or malformed.
    """
    strings = dict.fromkeys(text, str)
    try:
        # Only an empty field is a missing one: `nan` and `null` are words.
        return pd.read_csv(path, dtype=strings, keep_default_na=False, na_values=[""])
    except FileNotFoundError:
        raise ArtifactError(f"{path}: no such file: run the stage that makes it") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise ArtifactError(
            f"{path}: not a CSV table ({error}): delete it and run again"
        ) from error


def write_array(path: Path, array: NDArray[Any]) -> None:
    """Write a NumPy array as .npy."""
    with writing(path) as part, part.open("wb") as file:
        np.save(file, array, allow_pickle=False)


def read_array(path: Path) -> NDArray[Any]:
    """Open a .npy file, memory-mapped and read-only; raises ArtifactError if it is not whole."""
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise ArtifactError(f"{path}: no such file: run the stage that makes it") from None
    except (ValueError, EOFError, OSError) as error:
        raise ArtifactError(
            f"{path}: not a whole .npy file ({error}): delete it and run again"
        ) from error
    return array


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


@contextmanager
def recorded_run(
    path: Path, parameters: Mapping[str, Any], inputs: Iterable[Path]
) -> Iterator[dict[str, Any]]:
    """The record of a run, written to `path` (`run.json`) when the block ends without an error.

    It holds the parameters, digests of the inputs, versions, commit, wall seconds and peak
    memory; the block may add results to the dictionary it gets. It is the last file written.
    """
    results: dict[str, Any] = {}
    record: dict[str, Any] = {
        "parameters": dict(parameters),
        "inputs": {str(path): sha256(path) for path in inputs},
        "results": results,
        "versions": provenance.versions(),
        "commit": provenance.commit(),
    }
    start = time.perf_counter()
    yield results
    record["seconds"] = round(time.perf_counter() - start, 3)
    record["peak_memory_mib"] = round(peak_memory_mib(), 1)
    write_json(path, record)


def peak_memory_mib() -> float:
    """Largest resident memory of this process so far, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024**2 if sys.platform == "darwin" else 1024)


def lock_study(path: Path) -> IO[str]:
    """Hold the study's lock until the returned file is closed or the process ends, however.

    The lock belongs to the process, not to the file, so that a killed run leaves none behind.
    Raises ArtifactError naming the process that holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        holder = file.read().strip() or "unknown"
        file.close()
        raise ArtifactError(
            f"{path}: another run (process {holder}) is working on this study: "
            "wait until it ends, or end it, and run again"
        ) from None
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file

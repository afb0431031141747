"""The files between stages: write-then-rename, seals, the record of a run.

A file appears under its name only when it is whole: it is written beside it under a temporary
name, flushed to disk and renamed. A killed job leaves no half file under a name that counts.
What a job of the workflow wrote it seals: the file's digest goes into the folder `.sha256` beside
it, as `sha256sum` writes it. Whoever reads the file later does so within `reading`, which checks
the digest and raises one ArtifactError for whatever damage leads to.
"""

import errno
import json
import math
import os
import resource
import sys
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from hashlib import file_digest
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.errors import ParserWarning

from sgns_study import provenance
from sgns_study.errors import StudyError, brief, reason

SEALS = ".sha256"  # folder of the digests of the files beside it
LONGEST_HEADER, LONGEST_LINE = 1 << 16, 1 << 26  # bytes of lines of a table; a word may be long

written: list[Path] = []  # by this process, in order: what a job seals at its end


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
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(path)
        written.append(path)
    except BaseException as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        if isinstance(error, OSError) and (message := disk_message(path, error.errno)):
            raise ArtifactError(message) from error
        raise


def disk_message(path: Path | str, number: int | None) -> str:
    """What to say of an error of the disk, by its `errno`; empty for any other error."""
    if number in (errno.ENOSPC, errno.EDQUOT):
        return f"{path}: the disk is full; nothing was kept: free space on it and run again"
    if number in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{path}: not writable ({os.strerror(number)}): make its folder writable, run again"
    return ""


def part_of(path: Path) -> Path:
    """The temporary name of a file that is being written."""
    return path.with_name(f".{path.name}.part")


def seal(path: Path) -> None:
    """Write down the digest of a finished file."""
    write_text(seal_of(path), f"{sha256(path)}  {path.name}\n")


def seal_of(path: Path) -> Path:
    """Where the digest of a file stands."""
    return path.parent / SEALS / f"{path.name}.sha256"


def intact(path: Path) -> Path:
    """The path itself, if the file is as it was sealed or was never sealed.

    Raises ArtifactError if a sealed file was changed since.
    """
    sealed = sealed_digest(path)
    if sealed is not None and path.is_file() and sha256(path) != sealed:
        raise ArtifactError(
            f"{path}: damaged: its SHA-256 is not the one that was written down when it was made "
            f"({seal_of(path)}): delete it and run again, or bring it back from a copy"
        )
    return path


@contextmanager
def reading(path: Path, problem: str, remedy: str = "run again") -> Iterator[None]:
    """Check the seal of a file, and turn any error of the block that reads it into ArtifactError.

    Its message is the `problem`, the error and the `remedy`. What a damaged file leads to depends
    on where the damage is, so only MemoryError and errors with a message of their own pass.
    """
    intact(path)
    try:
        yield
    except (StudyError, MemoryError):
        raise
    except FileNotFoundError:
        made = "run the stage that makes it" if remedy == "run again" else remedy
        raise ArtifactError(f"{path}: no such file: {made}") from None
    except Exception as error:
        message = f"{path}: {problem} ({reason(error)}): delete it and {remedy}"
        raise ArtifactError(message) from error


def sealed_digest(path: Path) -> str | None:
    """The SHA-256 that was written down when a file was made; None for one without a seal."""
    try:
        return seal_of(path).read_text(encoding="utf-8", errors="replace").partition(" ")[0]
    except FileNotFoundError:
        return None


def sealed_files(folder: Path) -> list[Path]:
    """All files under a folder that are sealed, in order, whether they are there or not."""
    return sorted(seal.parents[1] / seal.stem for seal in folder.rglob(f"{SEALS}/*.sha256"))


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
    """Read a CSV table of the study; the columns in `text` are strings as they stand."""
    with reading(path, "not a CSV table"), warnings.catch_warnings():
        with path.open("rb") as file:  # a line without an end would take memory without bound
            longest = LONGEST_HEADER
            while line := file.readline(longest):
                if len(line) == longest:
                    raise ValueError(f"a line of {longest} bytes or more")
                longest = LONGEST_LINE
        warnings.simplefilter("error", ParserWarning)  # of a row longer than the header
        # Only an empty field is a missing one: `nan` and `null` are words.
        missing = {"keep_default_na": False, "na_values": [""]}
        # Not in chunks: a column then has one dtype.
        strings = dict.fromkeys(text, str)
        return pd.read_csv(path, dtype=strings, index_col=False, low_memory=False, **missing)


def columns_of(table: pd.DataFrame) -> str:
    """The names of a table's columns for a message, cut where they are too many."""
    return brief(", ".join(map(str, table.columns)))


def whole(column: pd.Series) -> NDArray[np.int64]:
    """A column of whole numbers; raises TypeError if one is missing or is something else."""
    return column.to_numpy().astype(np.int64, casting="safe")


def write_array(path: Path, array: NDArray[Any]) -> None:
    """Write a NumPy array as .npy."""
    with writing(path) as part, part.open("wb") as file:
        try:
            np.save(file, array, allow_pickle=False)
        except OSError as error:
            # NumPy says how much it wrote, not why: what cuts a write short is a full disk.
            raise OSError(error.errno or errno.ENOSPC, str(error)) from error


def read_array(path: Path, ndim: int = 1) -> NDArray[Any]:
    """Open a .npy file of whole numbers, memory-mapped and read-only."""
    with reading(path, "not a whole .npy file"), path.open("rb") as file:
        np.lib.format.read_magic(file)
        shape, by_column, dtype = np.lib.format.read_array_header_1_0(file)
        if dtype.kind not in "ui" or not dtype.isnative or by_column or len(shape) != ndim:
            raise ValueError(
                f"found {len(shape)} dimensions of {dtype}, expected {ndim} of integers"
            )
        # NumPy itself ends the process at some headers: −1 items, of no bytes, divide by zero.
        size = file.tell() + math.prod(shape) * dtype.itemsize
        if min(shape) < 0 or path.stat().st_size != size:
            raise ValueError(f"found {path.stat().st_size} bytes, expected {size}")
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
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
        "inputs": {str(path): sealed_digest(path) or sha256(path) for path in inputs},
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

"""Small files that stand for large ones, and lines without end, are refused in little memory.

Each is read in a process of its own, whose address space may grow by so many MiB and no more. They
are forked from one that has imported this module and done nothing else.
"""

import gzip
import io
import lzma
import multiprocessing
import resource
import struct
import tarfile
import zlib
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sgns_study import params
from sgns_study.artifacts import ArtifactError, read_table
from sgns_study.config import read_study
from sgns_study.corpora import imdb, lines, table
from sgns_study.errors import StudyError
from sgns_study.evaluation.intrinsic import read_pairs
from sgns_study.report.records import read_record
from sgns_study.sgns.checkpoint import Checkpoint
from sgns_study.sgns.vectors import read_vectors
from sgns_study.tokens import read_wordpieces
from tests.fuzz.grammar import laughs

GB = 1 << 30


def without_end(start: bytes) -> Callable[[Path], None]:
    """A line of a gigabyte, of which the disk holds the start only."""

    def make(path: Path) -> None:
        with path.open("wb") as file:
            file.write(start)
            file.truncate(GB)

    return make


def a_word_of_300_mib(path: Path) -> None:
    path.write_text("the film\n" + "a" * (300 << 20))


def packed_zeros(member: tarfile.TarInfo, form: int = tarfile.GNU_FORMAT) -> Callable[[Path], None]:
    """An archive of a megabyte with one member of 300."""

    def make(path: Path) -> None:
        member.size = 300 << 20
        with gzip.open(path, "wb", compresslevel=1) as file:
            file.write(member.tobuf(form))
            for _ in range(300):
                file.write(bytes(1 << 20))

    return make


def member(name: str, kind: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.type = kind
    return found


def unpacking_in_two_gigabytes(path: Path) -> None:
    """An .xz file whose block wants 1.5 GiB of memory before the first byte comes out."""
    packed = bytearray(lzma.compress(bytes(10_000), preset=0))
    header = slice(12, 12 + 4 * (packed[12] + 1))  # of the block, behind that of the stream
    at = packed.index(b"\x21\x01", 12) + 2  # LZMA2, one byte of properties: its dictionary
    packed[at] = 37  # (2 | 37 & 1) << (37 // 2 + 11)
    packed[header.stop - 4 : header.stop] = struct.pack(
        "<I", zlib.crc32(packed[header.start : header.stop - 4])
    )
    path.write_bytes(packed)


def one_text_many_times(path: Path) -> None:
    """A Parquet file of some kilobytes that stands for 10 GB."""
    text = pa.DictionaryArray.from_arrays(pa.array([0] * 10_000, pa.int32()), ["x" * 1_000_000])
    columns = {"text": text, "label": pa.array(["a", "b"] * 5000)}
    pq.write_table(pa.table(columns), path, compression="zstd")
    assert path.stat().st_size < 10_000


def packed_state(path: Path) -> None:
    with path.open("wb") as file:
        np.savez_compressed(file, run=np.array("{}"), centre=np.zeros(GB // 8, np.float32))


def laughing(path: Path) -> None:
    path.write_text(laughs(9, 9))


def read_own(path: Path) -> None:
    corpus = params.TableCorpus(kind="table", path=path.name, text="text", label="label")
    list(table.read(corpus, path.parent))


def read_own_of_64_mib(path: Path) -> None:
    table.LARGEST = 64 << 20  # in this process alone; the limit itself would take gigabytes
    read_own(path)


BOUNDS: dict[str, tuple[str, Callable[[Path], None], Callable[[Path], object], str, int]] = {
    "a file": (
        *("a.gz", packed_zeros(member("aclImdb/train/unsupBow.feat")), imdb.read),
        *("unpacks to more than 268435456 bytes a file", 100),
    ),
    "a long name": (
        *("a.gz", packed_zeros(member("x", tarfile.GNUTYPE_LONGNAME)), imdb.read),
        *("unpacks to more than 268435456 bytes a file", 400),
    ),
    "a header": (
        *("a.gz", packed_zeros(member("x", tarfile.XHDTYPE), tarfile.PAX_FORMAT), imdb.read),
        *("unpacks to more than 268435456 bytes a file", 400),
    ),
    "a dictionary": ("a.xz", unpacking_in_two_gigabytes, imdb.read, "MemoryError", 500),
    "repeated text": (
        "a.parquet",
        one_text_many_times,
        read_own_of_64_mib,
        "unpacks to more than",
        500,
    ),
    "packed arrays": (
        *("checkpoint", packed_state, lambda path: Checkpoint(path, {}, 0).load()),
        *("(run.npy is packed): delete it", 100),
    ),
    "aliases": ("a.yaml", laughing, read_study, "more than 10000 values", 100),
    "parameters": ("a.yaml", without_end(b"study: "), read_study, "more than 262144 bytes", 100),
    "a row": (
        *("a.csv", without_end(b"text,label\nx,"), read_own),
        *("line 2: more than 10,000,000 characters in a field or line", 700),
    ),
    "an object": (
        *("a.jsonl", without_end(b'{"text": "a", "label": "b"}\n{"text": "'), read_own),
        *("line 2: more than 10,000,000 characters in a field or line", 700),
    ),
    "a word": ("a.txt", a_word_of_300_mib, lines.read_lines, "line 2 has a word of", 200),
    "no text": ("a.txt", without_end(b"the film\n"), lines.read_lines, "line 2 has a NUL", 200),
    "words": ("a.txt", lambda path: path.write_text("of " * (10 << 20)), lines.read_lines, "", 400),
    "wordpieces": ("a.txt", without_end(b"[PAD]\n"), read_wordpieces, "found 2 entries", 100),
    "a header line": ("a.csv", without_end(b"a,b"), read_table, "a line of 65536 bytes", 100),
    "a table": ("a.csv", without_end(b"a,b\n1,"), read_table, "a line of 67108864 bytes", 300),
    "pairs": ("a.txt", without_end(b"a b "), read_pairs, "fewer than 10000 characters", 100),
    "a record": ("run.json", without_end(b'{"commit": "'), read_record, "not the record", 200),
    "numbers": (
        *("a.txt", without_end(b"1 2\nword " + b"1 " * 10_000), read_vectors),
        *("line 2: found 10001 fields behind the first", 1124),  # the file is mapped
    ),
    "a name": (
        "a.bin",
        without_end(b"2 2\na " + bytes(8) + b"b"),
        read_vectors,
        "is not whole, expected a",
        1124,
    ),
}


def attempt(name: str, path: Path, answer: Connection) -> None:
    """Read one file in a limited address space; send what the reader said."""
    _, _, read, _, mib = BOUNDS[name]
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + (mib << 20)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    try:
        found = read(path)
        if name in ("a file", "a long name", "a header", "a dictionary"):
            list(found)  # type: ignore[call-overload]  # reviews come one by one
        answer.send("")
    except StudyError as error:
        answer.send(str(error))
    except BaseException as error:
        answer.send(f"not refused but ended by {error!r}")


@pytest.mark.parametrize("name", BOUNDS)
def test_memory_is_bounded(tmp_path: Path, name: str) -> None:
    file, make, _, message, _ = BOUNDS[name]
    path = tmp_path / file
    make(path)
    ours, theirs = multiprocessing.Pipe(duplex=False)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    process = context.Process(target=attempt, args=(name, path, theirs))
    process.start()
    theirs.close()
    said = ours.recv() if ours.poll(300) else "nothing for 300 s"
    process.kill()
    process.join()
    assert message in said
    assert bool(said) == bool(message)
    assert not said or str(path) in said


def test_an_archive_of_very_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imdb, "MOST_FILES", 100)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for number in range(101):
            tar.addfile(tarfile.TarInfo(f"aclImdb/{number}"))
    (tmp_path / "a").write_bytes(out.getvalue())
    with pytest.raises(ArtifactError, match="more than 100 files in it"):
        list(imdb.read(tmp_path / "a"))


def test_an_archive_of_many_large_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imdb, "LARGEST_ARCHIVE", 100_000)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:xz") as tar:
        for number in range(20):
            large = tarfile.TarInfo(f"aclImdb/{number}")
            large.size = 9000
            tar.addfile(large, io.BytesIO(bytes(9000)))
    (tmp_path / "a").write_bytes(out.getvalue())
    with pytest.raises(ArtifactError, match="or 100000 in all"):
        list(imdb.read(tmp_path / "a"))


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_a_table_of_very_many_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(table, "MOST_ROWS", 100)
    (tmp_path / name).write_text("text,label\n" + "a,b\n" * 100)
    with pytest.raises(ArtifactError, match="has 101 lines, at most 100 are allowed: take"):
        read_own(tmp_path / name)


def test_a_table_too_large(tmp_path: Path) -> None:
    with (tmp_path / "a.csv").open("wb") as file:
        file.truncate(table.LARGEST + 1)
    with pytest.raises(ArtifactError, match="has 2147483649 bytes, at most 2147483648 are allowed"):
        read_own(tmp_path / "a.csv")

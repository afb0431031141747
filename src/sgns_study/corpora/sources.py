"""What the project downloads, as `sources.csv` lists it, and how a file is fetched.

The IMDb archive has a second copy: the same reviews and the addresses of their films, packed
smaller, without bag-of-words files. The mirror (setting `SGNS_STUDY_MIRROR`, a folder or a base
address) is tried before the public address. A file is kept under its name only if its checksum is
right.
"""

import csv
import os
import shutil
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from threading import Thread
from typing import BinaryIO, NamedTuple
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pooch

from sgns_study.artifacts import ArtifactError, writing
from sgns_study.errors import StudyError
from sgns_study.guards import lock

ANSWER = 8  # seconds until the first bytes; at most three addresses are tried, so under 30 in all
STALL = 30  # seconds over which the speed of a download is measured
LEAST = 1000  # bytes a second that it must bring on average over such a time
POLL = 0.05  # seconds between two checks of a running download
CAUSES = {"ConnectionError": "no connection", "FileNotFoundError": "no such file"}


class Copy(NamedTuple):
    """One packing of a source: its name on a mirror, its checksum, its public address if any.

    An archive that is packed on demand has no checksum: the reader verifies what is in it.
    """

    name: str
    size: int  # bytes; without a checksum at most so many
    checksum: str  # algorithm:hexadecimal, or empty
    address: str | None = None


class Source(NamedTuple):
    """A file of `data/raw`; any of its copies will do, the public ones first."""

    file: str
    copies: tuple[Copy, ...]


def known_sources() -> dict[str, Source]:
    """The sources of `sources.csv` by their names; each row of the table is a copy."""
    found: dict[str, Source] = {}
    with Path(__file__).with_name("sources.csv").open(newline="") as table:
        for row in csv.DictReader(table):
            copy = Copy(row["copy"], int(row["bytes"]), row["checksum"], row["address"] or None)
            source = found.get(row["source"], Source(row["file"], ()))
            found[row["source"]] = Source(source.file, (*source.copies, copy))
    return found


SOURCES = known_sources()


def evaluation_sources() -> list[str]:
    """Names of the standard sets that word vectors are scored on."""
    return ["analogies", *(name for name in SOURCES if name.startswith("similarity/"))]


def fetch(name: str, folder: Path, mirror: str | None = None) -> Path:
    """Bring the source `name` into `folder`, verified; nothing to do if it is there already.

    One process at a time fetches into a folder; others wait. Raises StudyError if no copy can be
    downloaded, saying what was tried, and ArtifactError if the folder is not writable or the disk
    full.
    """
    source = SOURCES[name]
    target = folder / source.file
    while (held := lock(folder.with_name(f".{folder.name}.lock"))) is None:
        time.sleep(0.1)
    with held:
        if target.exists():
            verify(name, target)
            return target
        tried = []
        for copy, origin in origins(source, mirror):
            try:
                fetch_copy(copy, origin, target)
                return target
            except ArtifactError:
                raise  # of this machine's disk: no other origin can help
            except (OSError, ValueError) as error:
                said = CAUSES.get(type(error).__name__, " ".join(str(error).split()))
                tried.append(f"  {origin}: {said.removeprefix(f'{origin}: ')}")
    names = ("one of " if len(source.copies) > 1 else "") + ", ".join(c.name for c in source.copies)
    found = "\n".join([f"{source.file}: could not be downloaded; tried:", *tried])
    raise StudyError(
        f"{found}\nPut {names} at {target} by hand, or point SGNS_STUDY_MIRROR at a folder or "
        "address that has it, and run again. `make demo` needs no download."
    )


def origins(source: Source, mirror: str | None) -> list[tuple[Copy, str]]:
    """Where each copy may be, in the order to try: the mirror, then the public addresses."""
    mirror = os.path.expanduser(mirror or "")
    if mirror.startswith("file:"):
        mirror = url2pathname(urlsplit(mirror).path)
    mirrored = [(copy, f"{mirror.rstrip('/')}/{copy.name}") for copy in source.copies if mirror]
    return mirrored + [(copy, copy.address) for copy in source.copies if copy.address]


def fetch_copy(copy: Copy, origin: str, target: Path) -> None:
    """Bring a copy from a file or an address; it gets its name only if it is the right one."""
    with (
        nullcontext() if "://" in origin else Path(origin).open("rb") as file,
        writing(target) as part,
    ):
        if file is None:
            receive(origin, copy.size, part)
        else:
            with part.open("wb") as out:
                shutil.copyfileobj(file, out)
        check_copies(part, [copy], origin)


def receive(address: str, size: int, part: Path) -> None:
    """Download a file of `size` bytes to `part`.

    Raises StudyError if nothing comes within `ANSWER` seconds, then if fewer than `LEAST` bytes
    a second do, or more than `size` in all. The download is watched from outside, in a thread,
    because no time limit of `requests` covers the lookup of a host's name or a slow drip.
    """
    failed: list[Exception] = []
    pull = pooch.HTTPDownloader(
        progressbar=sys.stderr.isatty(),
        timeout=3 * STALL,  # of a thread that was given up
        headers={"Accept-Encoding": "identity"},  # the bytes of the file, not packed once more
    )

    def download(file: BinaryIO) -> None:
        try:
            pull(address, file, None)
        except Exception as error:
            failed.append(error)

    with part.open("wb") as file:  # if it is closed too early, the thread ends at its next write
        thread = Thread(target=download, args=(file,), daemon=True)
        thread.start()
        before, deadline = 0, time.monotonic() + ANSWER
        while thread.is_alive():
            received = part.stat().st_size
            if received > size:
                raise StudyError(f"more than the {size} bytes of the file")
            if time.monotonic() > deadline:
                if received == 0:
                    raise StudyError(f"no answer within {ANSWER} seconds")
                if received - before < (LEAST * STALL if before else 1):
                    raise StudyError(f"fewer than {LEAST} bytes a second")
                before, deadline = received, time.monotonic() + STALL
            thread.join(POLL)
    if failed:
        raise failed[0]


def verify(name: str, path: Path) -> None:
    """Raise StudyError if a file is none of the source's copies."""
    check_copies(path, SOURCES[name].copies, path)


def check_copies(path: Path, copies: Sequence[Copy], origin: Path | str) -> None:
    """Raise StudyError, with both checksums, if a file at `path` is none of `copies`."""
    if not path.is_file():
        raise ArtifactError(f"{path}: no such file: run the download first")
    size = path.stat().st_size
    if any(not copy.checksum and size <= copy.size for copy in copies):
        return
    algorithms = sorted({copy.checksum.partition(":")[0] for copy in copies if copy.checksum})
    sums = [f"{name}:{pooch.file_hash(str(path), alg=name)}" for name in algorithms]
    if not any(size == copy.size and copy.checksum in sums for copy in copies):
        wanted = " or ".join(f"{copy.size} bytes with {copy.checksum}" for copy in copies)
        raise StudyError(
            f"{origin}: wrong file: found {size} bytes with {' or '.join(sums)}, expected {wanted}:"
            " delete it and download it again"
        )

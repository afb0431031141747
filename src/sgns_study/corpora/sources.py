"""What the project downloads: addresses, sizes and checksums, and how a file is fetched.

The mirror (setting `SGNS_STUDY_MIRROR`, a folder or a base address) is tried before the public
address. A file is kept under its name only if its checksum is right.
"""

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
from sgns_study.corpora.imdb import ARCHIVE
from sgns_study.errors import StudyError
from sgns_study.guards import lock

ANSWER = 8  # seconds until the first bytes; at most three addresses are tried, so under 30 in all
STALL = 30  # seconds over which the speed of a download is measured
LEAST = 1000  # bytes a second that it must bring on average over such a time
POLL = 0.05  # seconds between two checks of a running download
CAUSES = {"ConnectionError": "no connection", "FileNotFoundError": "no such file"}


class DownloadError(StudyError):
    """A source cannot be downloaded; the message says what was tried and what to do by hand."""


class Copy(NamedTuple):
    """One packing of a source: its name on a mirror, its checksum, its public address if any."""

    name: str
    size: int  # bytes
    checksum: str  # algorithm:hexadecimal
    address: str | None = None


class Source(NamedTuple):
    """A file of `data/raw`; any of its copies will do, the public ones first."""

    file: str
    copies: tuple[Copy, ...]


def published(name: str, size: int, sha256: str, address: str) -> Source:
    """A source with one copy, the same on a mirror and at its public address."""
    return Source(name, (Copy(name, size, f"sha256:{sha256}", address),))


SOURCES = {
    "imdb": Source(
        ARCHIVE,
        (
            Copy(
                "aclImdb_v1.tar.gz",
                84_125_825,
                "md5:7c2ac02c03563afcf9b574c7e56c153a",
                "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
            ),
            # the same texts, packed smaller and without the bag-of-words files
            Copy(
                "aclImdb.tar.xz",
                40_384_644,
                "sha256:d8e0467fc6faf292bc0f9f539d3ede8f63a6dd99526c5e415be70cb937d5f25b",
            ),
        ),
    ),
    "bert_vocabulary": published(
        "bert-base-uncased-vocab.txt",
        231_508,
        "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
        "https://huggingface.co/bert-base-uncased/resolve/main/vocab.txt",
    ),
    "analogies": published(
        "questions-words.txt",
        603_955,
        "8c29b3332afc46f3fb8be04cb5297bf96f39aa7131272dff57869b4485b22a36",
        "https://raw.githubusercontent.com/tmikolov/word2vec/master/questions-words.txt",
    ),
}

ADDRESS = "https://raw.githubusercontent.com/mfaruqui/eval-word-vectors/master/data/word-sim"
SIMILARITY_SETS = {  # size and sha256
    "EN-MC-30": (543, "33ee05911496ff83d95cac351d0746c6f63b9181b605cb7d307f4daa8864511b"),
    "EN-MEN-TR-3k": (53_593, "888b13580faa362c7b11da0a670258cf1b1eb4bf0ecbcd418918729a3bd3f43a"),
    "EN-MTurk-287": (7_218, "a9ae3a9decb75a9700fe0cf18b048c1344774d9f40e0196baf8e34d4cd9d1ce5"),
    "EN-MTurk-771": (19_628, "04dc297c9e86b6fa7cf8ef0e4ba2e2c8d3399ec68d92fb7a53c0b4aae27198b5"),
    "EN-RG-65": (1_210, "c243f3a91c3f5d8cf67f21a67f6fb80bde8b6bb060851a6a48e6f2d68ec98c9f"),
    "EN-RW-STANFORD": (49_851, "5108d54dfc746f44f9c3d7e31d2857c37cf71430bc1594175a61a3b89bb0ae1f"),
    "EN-SIMLEX-999": (18_024, "405394ffb7d25f6d0e3c041f87c9f27d29dc6b047506769953e85c4523b11685"),
    "EN-SimVerb-3500": (65_315, "9d84274e7ad029fd3cf69dd0516e9ade624bbef9bd4e2050f6cc1fa01471e0f5"),
    "EN-VERB-143": (3_320, "7259e19961c81912aa4c72de0102e480b2ad2bb9f4ce97d036fbde8e1a403001"),
    "EN-WS-353-ALL": (7_405, "ce12919b240af45bdf46d243601eaca2b6212b159b5e7e9b435ee7ee40c5619c"),
    "EN-WS-353-REL": (5_134, "66a7c88100624d0a391605ff61ce84e11d11ee620d51ec0298da49592838f8fa"),
    "EN-WS-353-SIM": (4_002, "f1da938998863c94e53f72f984a5c6e215f0b46c323aae8f0f4930703a339107"),
    "EN-YP-130": (2_614, "7643fdbc6158c3424061e2cba450c71285767266ff9f3db947bfc1f1f5ce67ab"),
}
SOURCES |= {
    f"similarity/{name}": published(f"word-similarity/{name}.txt", *sums, f"{ADDRESS}/{name}.txt")
    for name, sums in SIMILARITY_SETS.items()
}


def evaluation_sources() -> list[str]:
    """Names of the standard sets that word vectors are scored on."""
    return ["analogies", *(f"similarity/{name}" for name in SIMILARITY_SETS)]


def fetch(name: str, folder: Path, mirror: str | None = None) -> Path:
    """Bring the source `name` into `folder`, verified; nothing to do if it is there already.

    One process at a time fetches into a folder; others wait. Raises DownloadError if no copy can be
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
    raise DownloadError(
        f"{found}\nPut {names} at {target} by hand, or point SGNS_STUDY_MIRROR at a folder or "
        "address that has it, and run again. `make demo` needs no download."
    )


def origins(source: Source, mirror: str | None) -> list[tuple[Copy, str]]:
    """Where each copy may be, in the order to try: the mirror, then the public addresses."""
    mirror = mirror or ""
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

    Raises DownloadError if nothing comes within `ANSWER` seconds, then if fewer than `LEAST` bytes
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
                raise DownloadError(f"more than the {size} bytes of the file")
            if time.monotonic() > deadline:
                if received == 0:
                    raise DownloadError(f"no answer within {ANSWER} seconds")
                if received - before < (LEAST * STALL if before else 1):
                    raise DownloadError(f"fewer than {LEAST} bytes a second")
                before, deadline = received, time.monotonic() + STALL
            thread.join(POLL)
    if failed:
        raise failed[0]


def verify(name: str, path: Path) -> None:
    """Raise DownloadError if a file is none of the source's copies."""
    check_copies(path, SOURCES[name].copies, path)


def check_copies(path: Path, copies: Sequence[Copy], origin: Path | str) -> None:
    """Raise DownloadError, with both checksums, if a file at `path` is none of `copies`."""
    if not path.is_file():
        raise ArtifactError(f"{path}: no such file: run the download first")
    size = path.stat().st_size
    algorithms = sorted({copy.checksum.partition(":")[0] for copy in copies})
    sums = [f"{name}:{pooch.file_hash(str(path), alg=name)}" for name in algorithms]
    if not any(size == copy.size and copy.checksum in sums for copy in copies):
        wanted = " or ".join(f"{copy.size} bytes with {copy.checksum}" for copy in copies)
        raise DownloadError(
            f"{origin}: wrong file: found {size} bytes with {' or '.join(sums)}, expected {wanted}:"
            " delete it and download it again"
        )

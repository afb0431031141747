"""What the project downloads: addresses, sizes and checksums, and how a file is fetched.

The mirror (setting `SGNS_STUDY_MIRROR`, a folder or a base address) is looked at before the public
address. A file is kept under its name only if its checksum is right.
"""

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pooch
import requests
from tqdm import tqdm
from urllib3.exceptions import HTTPError

from sgns_study.artifacts import ArtifactError, writing
from sgns_study.errors import StudyError
from sgns_study.guards import lock

ANSWER = 8  # seconds an address has to answer; three are tried at most, so under 30 in all
STALL = 30  # seconds a download that has begun may stand still
LEAST = 1000  # bytes a second that it must bring on average over such a time
CHUNK = 2**16  # bytes taken from a connection at once, at most


class DownloadError(StudyError):
    """A source cannot be had; the message says what was tried and where to put it by hand."""


@dataclass(frozen=True)
class Copy:
    """One packing of a source: its name on a mirror, its checksum, its public address if any."""

    name: str
    size: int  # bytes
    checksum: str  # algorithm:hexadecimal
    address: str | None = None


@dataclass(frozen=True)
class Source:
    """A file of `data/raw`; any of its copies will do, the public ones first."""

    file: str
    copies: tuple[Copy, ...]


def published(name: str, size: int, sha256: str, address: str) -> Source:
    """A source with one copy, the same on a mirror and at its public address."""
    return Source(name, (Copy(name, size, f"sha256:{sha256}", address),))


SOURCES = {
    "imdb": Source(
        "aclImdb.archive",
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
    had, saying what was tried, and ArtifactError if the folder is not writable or its disk full.
    """
    source = SOURCES[name]
    target = folder / source.file
    alone = folder.with_name(f".{folder.name}.lock")
    while (held := lock(alone)) is None:
        time.sleep(0.1)
    with held:
        if target.exists():
            verify(name, target)
        else:
            fetch_any(source, places(source, mirror), target)
    return target


def fetch_any(source: Source, places: list[tuple[Copy, str]], target: Path) -> None:
    """Take a source from the first of the places that has it."""
    tried = []
    for copy, place in places:
        try:
            if "://" in place:
                return download(copy, place, target)
            return copy_file(copy, Path(place), target)
        except ArtifactError:
            raise  # of this machine's disk: no other place is of help
        except (DownloadError, requests.RequestException, OSError, ValueError) as error:
            tried.append(f"  {place}: {reason(error).removeprefix(f'{place}: ')}")
    names = ("one of " if len(source.copies) > 1 else "") + ", ".join(c.name for c in source.copies)
    raise DownloadError(
        f"{source.file}: not to be had; tried:\n" + "\n".join(tried) + f"\nPut {names} at {target} "
        "by hand, or point SGNS_STUDY_MIRROR at a folder or address that has it, and run again. "
        "`make demo` needs no download."
    )


def places(source: Source, mirror: str | None) -> list[tuple[Copy, str]]:
    """Where to look for each copy, in order: the mirror, then the public addresses."""
    found = []
    if mirror:
        if mirror.startswith("file:"):
            mirror = url2pathname(urlsplit(mirror).path)
        found = [(copy, f"{mirror.rstrip('/')}/{copy.name}") for copy in source.copies]
    return found + [(copy, copy.address) for copy in source.copies if copy.address]


def download(copy: Copy, address: str, target: Path) -> None:
    """Download to a temporary name; renamed when the checksum is right, removed when not."""
    await_answer(address)
    with writing(target) as part:
        receive(address, copy.size, part)
        check(part, [copy], address)


def receive(address: str, size: int, part: Path) -> None:
    """Write to `part` what an address sends; raises DownloadError if it cannot be the file.

    That is a web page, more than `size` bytes, fewer than were announced, or fewer than `LEAST` a
    second: a connection that drips is one that has failed.
    """
    plain = {"Accept-Encoding": "identity"}  # the bytes of the file, not packed once more
    with (
        requests.get(address, headers=plain, stream=True, timeout=(ANSWER, STALL)) as answer,
        part.open("wb") as file,
        tqdm(total=size, unit="B", unit_scale=True, disable=None) as bar,
    ):
        answer.raise_for_status()
        if answer.headers.get("Content-Type", "").startswith("text/html"):
            raise DownloadError(f"a web page, not the file, from {answer.url}")
        since, before = time.monotonic(), 0
        try:
            while chunk := answer.raw.read1(CHUNK, decode_content=True):
                bar.update(file.write(chunk))
                if file.tell() > size:
                    raise DownloadError(f"more than the {size} bytes of the file")
                if time.monotonic() - since > STALL:
                    if file.tell() - before < LEAST * STALL:
                        raise DownloadError(f"fewer than {LEAST} bytes a second")
                    since, before = time.monotonic(), file.tell()
        except HTTPError as error:
            raise DownloadError(f"broke off after {file.tell()} bytes: {error}") from error


def await_answer(address: str) -> None:
    """Raise if an address gives no answer, of whatever kind, within `ANSWER` seconds.

    In a thread, because the limits of `requests` hold for each of a host's numeric addresses and
    not for looking up its name: without a network, minutes can pass.
    """
    answers: Queue[Exception | None] = Queue()

    def ask() -> None:
        try:
            requests.head(address, allow_redirects=True, timeout=ANSWER).close()
            answers.put(None)
        except Exception as error:
            answers.put(error)

    Thread(target=ask, daemon=True).start()
    try:
        error = answers.get(timeout=ANSWER)
    except Empty:
        raise DownloadError(f"no answer within {ANSWER} seconds") from None
    if error:
        raise error


def copy_file(copy: Copy, origin: Path, target: Path) -> None:
    """Copy from a folder, verified before the copy gets its name."""
    with origin.open("rb") as source, writing(target) as part:
        with part.open("wb") as file:
            shutil.copyfileobj(source, file)
        check(part, [copy], origin)


def verify(name: str, path: Path) -> None:
    """Raise DownloadError if a file is none of the source's copies."""
    check(path, list(SOURCES[name].copies), path)


def check(path: Path, copies: list[Copy], origin: Path | str) -> None:
    """Raise DownloadError, with both sums, if a file at `path` is none of `copies`."""
    if not path.is_file():
        raise ArtifactError(f"{path}: no such file: run the download first")
    for copy in copies:
        if path.stat().st_size == copy.size and checksum(path, copy) == copy.checksum:
            return
    wanted = " or ".join(f"{copy.size} bytes with {copy.checksum}" for copy in copies)
    found = " or ".join(sorted({checksum(path, copy) for copy in copies}))
    raise DownloadError(
        f"{origin}: wrong file: found {path.stat().st_size} bytes with {found}, expected {wanted}:"
        " delete it and download it again"
    )


def checksum(path: Path, copy: Copy) -> str:
    """Checksum of a file by the algorithm of a copy's."""
    algorithm = copy.checksum.partition(":")[0]
    return f"{algorithm}:{pooch.file_hash(str(path), alg=algorithm)}"


def reason(error: Exception) -> str:
    """What went wrong, in one line."""
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, FileNotFoundError):
        return "no such file"
    return " ".join(str(error).split())

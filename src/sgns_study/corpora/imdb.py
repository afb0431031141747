"""The Large Movie Review Dataset (Maas et al., 2011), read straight from its archive.

100,000 small files are never unpacked: the archive is read once, front to back.
"""

import gzip
import lzma
import re
import tarfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path, PurePosixPath
from typing import Any

from sgns_study.artifacts import ArtifactError
from sgns_study.corpora import sources
from sgns_study.corpora.documents import NO_LABEL, TEST, TRAIN, UNLABELLED, Document
from sgns_study.errors import reason, shown
from sgns_study.params import ImdbCorpus

REVIEW = re.compile(r"aclImdb/(train|test)/(neg|pos|unsup)/([0-9]{1,6})_([0-9]{1,2})\.txt")
SPLIT = {"train": TRAIN, "test": TEST}
LABEL = {"neg": 0, "pos": 1, "unsup": NO_LABEL}
PUBLISHED = {TRAIN: 25_000, TEST: 25_000, UNLABELLED: 50_000}  # reviews of each split
SOURCES = ("imdb",)
LARGEST = 1 << 20  # bytes; the longest review has 14 KB
# Limits of what is unpacked, in bytes and files; the archive without the bag-of-words files has
# 210 MB in 100,010 files, the largest with 0.8 MB.
LARGEST_FILE, LARGEST_ARCHIVE, MOST_FILES = 1 << 28, 1 << 30, 200_000
DAMAGE = (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, MemoryError, ArithmeticError)
XZ = b"\xfd7zXZ\x00"  # what files of this packing begin with; the other is gzip


def documents(_settings: ImdbCorpus, raw: Path) -> Iterator[Document]:
    """All reviews, from the archive among the downloaded files."""
    return read(raw / sources.SOURCES["imdb"].file)


def sizes(_settings: ImdbCorpus) -> tuple[int, int, int]:
    """Labelled training, labelled test and unlabelled reviews."""
    return PUBLISHED[TRAIN], PUBLISHED[TEST], PUBLISHED[UNLABELLED]


def class_names(_settings: ImdbCorpus) -> tuple[str, ...]:
    """The name of each label, at its number."""
    return "negative", "positive"


def synonyms(_settings: ImdbCorpus) -> dict[str, list[str]]:
    """None are known."""
    return {}


def read(archive: Path, expected: Mapping[int, int] = PUBLISHED) -> Iterator[Document]:
    """Reviews of each split, negative before positive, by number; `expected` counts them.

    Raises ArtifactError if the archive is missing, cut short, holds a path that climbs out of it
    or text that is not UTF-8, or has other than the expected number of reviews.
    """
    reviews = sorted(_documents(archive), key=_place)
    found = Counter(review.split for review in reviews)
    if dict(found) != dict(expected):
        raise ArtifactError(
            f"{archive}: found {found[TRAIN]} training, {found[TEST]} test and "
            f"{found[UNLABELLED]} unlabelled reviews, expected {expected.get(TRAIN, 0)}, "
            f"{expected.get(TEST, 0)} and {expected.get(UNLABELLED, 0)}: "
            "delete the file and download it again"
        )
    yield from reviews


def _place(document: Document) -> tuple[int, int, int]:
    return document.split, document.label, int(document.id.rpartition("/")[2].split("_")[0])


def _documents(archive: Path) -> Iterator[Document]:
    try:
        with _opened(archive) as unpacked, tarfile.open(fileobj=unpacked, mode="r|") as members:
            for number, member in enumerate(members, start=1):
                _check(archive, member, number)
                review = REVIEW.fullmatch(member.name)
                if review and member.isreg():
                    content = members.extractfile(member)
                    assert content is not None  # a regular file
                    yield _document(archive, review, content.read())
                unpacked.of_file = 0
    except FileNotFoundError:
        raise ArtifactError(f"{archive}: no such file: run the download first") from None
    except ArtifactError:
        raise
    except (*DAMAGE, ValueError, OSError) as error:
        raise ArtifactError(
            f"{archive}: not a whole archive ({reason(error)}): delete the file and download it "
            "again"
        ) from error


class _Unpacked:
    """What comes out of a packed file, up to the limits: a few bytes can stand for very many."""

    def __init__(self, archive: Path, file: BufferedIOBase) -> None:
        self.archive, self.file = archive, file
        self.of_file = self.in_all = 0  # bytes read, with headers, which may be long too

    def read(self, size: int) -> bytes:
        """Up to `size` bytes; raises ArtifactError beyond the limits."""
        content = self.file.read(size)
        self.of_file += len(content)
        self.in_all += len(content)
        if self.of_file > LARGEST_FILE or self.in_all > LARGEST_ARCHIVE:
            limits = f"{LARGEST_FILE} bytes a file or {LARGEST_ARCHIVE} in all"
            raise _not_the_published(self.archive, f"unpacks to more than {limits}")
        return content


@contextmanager
def _opened(archive: Path) -> Iterator[Any]:
    with archive.open("rb") as file:
        unpack = lzma.open if file.read(len(XZ)) == XZ else gzip.open
    with unpack(archive, "rb") as unpacked:
        yield _Unpacked(archive, unpacked)


def _check(archive: Path, member: tarfile.TarInfo, number: int) -> None:
    path, name = PurePosixPath(member.name), shown(member.name)
    if number > MOST_FILES:
        raise _not_the_published(archive, f"more than {MOST_FILES} files in it")
    if path.is_absolute() or ".." in path.parts:
        raise _not_the_published(archive, f"the path {name} leads out of the archive")
    if member.size > LARGEST and REVIEW.fullmatch(member.name):
        found = f"{name} has {member.size} bytes, at most {LARGEST} are allowed"
        raise _not_the_published(archive, found)


def _not_the_published(archive: Path, found: str) -> ArtifactError:
    remedy = "it is not the published archive; delete it and download it again"
    return ArtifactError(f"{archive}: {found}: {remedy}")


def _document(archive: Path, review: re.Match[str], content: bytes) -> Document:
    split, folder, number, stars = review.groups()
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ArtifactError(
            f"{archive}: {review.string} is not UTF-8 (byte {error.start}): "
            "delete the file and download it again"
        ) from None
    label = LABEL[folder]
    kind = UNLABELLED if label == NO_LABEL else SPLIT[split]
    return Document(f"{split}/{folder}/{number}_{stars}", kind, label, text)

"""The Large Movie Review Dataset (Maas et al., 2011), read straight from its archive.

100,000 small files are never unpacked: the archive is read once, front to back.
"""

import lzma
import re
import tarfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from sgns_study.artifacts import ArtifactError
from sgns_study.corpora import sources
from sgns_study.corpora.documents import NO_LABEL, TEST, TRAIN, UNLABELLED, Document
from sgns_study.params import ImdbCorpus

REVIEW = re.compile(r"aclImdb/(train|test)/(neg|pos|unsup)/(\d+)_(\d+)\.txt")
SPLIT = {"train": TRAIN, "test": TEST}
LABEL = {"neg": 0, "pos": 1, "unsup": NO_LABEL}
PUBLISHED = {TRAIN: 25_000, TEST: 25_000, UNLABELLED: 50_000}  # reviews of each split
SOURCES = ("imdb",)
LARGEST = 1 << 20  # bytes; the longest review has 14 KB


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
        with tarfile.open(archive, "r|*") as members:
            for member in members:
                _check(archive, member)
                review = REVIEW.fullmatch(member.name)
                if review and member.isreg():
                    content = members.extractfile(member)
                    assert content is not None  # a regular file
                    yield _document(archive, review, content.read())
    except FileNotFoundError:
        raise ArtifactError(f"{archive}: no such file: run the download first") from None
    except (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, OSError) as error:
        raise ArtifactError(
            f"{archive}: not a whole archive ({error}): delete the file and download it again"
        ) from error


def _check(archive: Path, member: tarfile.TarInfo) -> None:
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts:
        raise ArtifactError(
            f"{archive}: the path {member.name!r} leads out of the archive: "
            "it is not the published one; delete it and download it again"
        )
    if member.size > LARGEST and REVIEW.fullmatch(member.name):
        raise ArtifactError(
            f"{archive}: {member.name} has {member.size} bytes, at most {LARGEST} are allowed: "
            "it is not the published archive; delete it and download it again"
        )


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

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
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from sgns_study.artifacts import ArtifactError
from sgns_study.corpora.documents import NO_LABEL, TEST, TRAIN, UNLABELLED, Document
from sgns_study.errors import reason, shown

CLASSES = ("negative", "positive")  # the name of each class, at the index that is its label
ARCHIVE = "aclImdb.archive"  # its name among the downloaded files, whichever way it is packed
REVIEW = re.compile(r"aclImdb/((train|test)/(neg|pos|unsup)/[0-9]{1,6}_[0-9]{1,2})\.txt")
ADDRESSES = re.compile(r"aclImdb/(train|test)/urls_(neg|pos|unsup)\.txt")
FILM = re.compile(r"http://www\.imdb\.com/title/(tt[0-9]{7})/usercomments")
SPLIT = {"train": TRAIN, "test": TEST}
LABEL = {"neg": 0, "pos": 1, "unsup": NO_LABEL}
PUBLISHED = {TRAIN: 25_000, TEST: 25_000, UNLABELLED: 50_000}  # reviews of each split
LARGEST = 1 << 20  # bytes of a review; the longest has 14 KB
# Limits of what is unpacked, in bytes and files; the archive without the bag-of-words files has
# 210 MB in 100,010 files, the largest with 0.8 MB.
LARGEST_FILE, LARGEST_ARCHIVE, MOST_FILES = 1 << 28, 1 << 30, 200_000
DAMAGE = (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, MemoryError, ArithmeticError)
REMEDY = "it is not the published archive; delete it and download it again"
XZ = b"\xfd7zXZ\x00"  # the first bytes of a file packed by xz; the other packing is gzip


def read(archive: Path, expected: Mapping[int, int] = PUBLISHED) -> Iterator[Document]:
    """Reviews of each split, negative before positive, by number; `expected` counts them.

    The group of a review is its film. Raises ArtifactError if the archive is missing, cut short,
    holds a path that leads out of it or text that is not UTF-8, has another number of reviews than
    expected, or does not name the film of one.
    """
    films: dict[str, list[str]] = {}
    reviews = sorted(reviews_of(archive, films), key=lambda it: (it.split, it.label, number_of(it)))
    found = Counter(review.split for review in reviews)
    if dict(found) != dict(expected):
        raise ArtifactError(
            f"{archive}: found {found[TRAIN]} training, {found[TEST]} test and "
            f"{found[UNLABELLED]} unlabelled reviews, expected {expected.get(TRAIN, 0)}, "
            f"{expected.get(TEST, 0)} and {expected.get(UNLABELLED, 0)}: "
            "delete the file and download it again"
        )
    for review in reviews:
        folder = review.id.rpartition("/")[0]
        check_film(archive, review, films.get(folder, []))
        yield replace(review, group=films[folder][number_of(review)])


def film_at(address: str) -> str:
    """The film that an address is of; empty if it is no such address."""
    found = FILM.fullmatch(address)
    return found[1] if found else ""


def number_of(review: Document) -> int:
    """The number of a review in its folder."""
    return int(re.split("[/_]", review.id)[2])


def reviews_of(archive: Path, films: dict[str, list[str]]) -> Iterator[Document]:
    """Reviews in the order in which the archive has them; puts the films of each folder in `films`.

    Review number i of a folder is of the film on line i of its addresses, counted from 0.
    """
    try:
        with archive.open("rb") as packed:
            content: Any = Unpacked(archive, packed)  # all that tarfile calls of a file is `read`
            with tarfile.open(fileobj=content, mode="r|") as members:
                for number, member in enumerate(members, start=1):
                    check_member(archive, member, number)
                    review = REVIEW.fullmatch(member.name)
                    addresses = ADDRESSES.fullmatch(member.name)
                    if (review or addresses) and member.isreg():
                        file = members.extractfile(member)
                        assert file is not None  # a regular file
                        if review:
                            yield document(archive, review, file.read())
                        elif addresses:
                            lines = file.read().decode("ascii", "replace").splitlines()
                            films["/".join(addresses.groups())] = [*map(film_at, lines)]
                    content.of_file = 0
    except FileNotFoundError:
        raise ArtifactError(f"{archive}: no such file: run the download first") from None
    except ArtifactError:
        raise
    except (*DAMAGE, ValueError, OSError) as error:
        raise ArtifactError(
            f"{archive}: not a whole archive ({reason(error)}): delete the file and download it "
            "again"
        ) from error


def document(archive: Path, review: re.Match[str], content: bytes) -> Document:
    """A review from its path in the archive and its bytes."""
    name, split, folder = review.groups()
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ArtifactError(
            f"{archive}: {review.string} is not UTF-8 (byte {error.start}): "
            "delete the file and download it again"
        ) from None
    return Document(name, UNLABELLED if folder == "unsup" else SPLIT[split], LABEL[folder], text)


class Unpacked:
    """The content of a packed file, up to the limits: a few bytes can unpack to very many."""

    def __init__(self, archive: Path, file: BinaryIO) -> None:
        """Unpack an open file; headers count among the bytes read, since they may be long too."""
        unpack = lzma.open if file.read(len(XZ)) == XZ else gzip.open
        file.seek(0)
        self.archive, self.content = archive, unpack(file)
        self.of_file = self.in_all = 0

    def read(self, size: int) -> bytes:
        """Up to `size` bytes; raises ArtifactError beyond the limits."""
        content = self.content.read(size)
        self.of_file += len(content)
        self.in_all += len(content)
        check_unpacked(self.archive, self.of_file, self.in_all)
        return content


def check_unpacked(archive: Path, of_file: int, in_all: int) -> None:
    """Raise ArtifactError if a member, or the archive, unpacks to more bytes than are allowed."""
    if of_file > LARGEST_FILE or in_all > LARGEST_ARCHIVE:
        raise ArtifactError(
            f"{archive}: unpacks to more than {LARGEST_FILE} bytes a file or {LARGEST_ARCHIVE} in "
            f"all: {REMEDY}"
        )


def check_film(archive: Path, review: Document, films: list[str]) -> None:
    """Raise ArtifactError if the addresses of a folder do not name the film of a review."""
    number = number_of(review)
    if not (number < len(films) and films[number]):
        folder, _, name = review.id.replace("/", "/urls_", 1).rpartition("/")
        raise ArtifactError(
            f"{archive}: {folder}.txt has no address of a film for the review {name}: {REMEDY}"
        )


def check_member(archive: Path, member: tarfile.TarInfo, number: int) -> None:
    """Raise ArtifactError for a member that the published archive does not have."""
    path, name = PurePosixPath(member.name), shown(member.name)
    if number > MOST_FILES:
        raise ArtifactError(f"{archive}: more than {MOST_FILES} files in it: {REMEDY}")
    if path.is_absolute() or ".." in path.parts:
        raise ArtifactError(f"{archive}: the path {name} leads out of the archive: {REMEDY}")
    if member.size > LARGEST and REVIEW.fullmatch(member.name):
        raise ArtifactError(
            f"{archive}: {name} has {member.size} bytes, at most {LARGEST} are allowed: {REMEDY}"
        )

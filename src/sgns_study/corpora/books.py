"""The IMDB reviews and 754 books in the public domain: much text without labels.

The books are mlschmitt/classic-books-markdown on GitHub at one commit, `AUTHOR/TITLE.md`, read from
its archive without unpacking it. Archives of the same commit may be packed differently, so that
what counts is a digest of the books, not of the file.
"""

import re
import tarfile
from collections.abc import Iterator
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any

from sgns_study.artifacts import ArtifactError
from sgns_study.corpora import imdb
from sgns_study.corpora.documents import NO_LABEL, UNLABELLED, Document
from sgns_study.errors import reason

ARCHIVE = "classic-books.archive"  # its name among the downloaded files, whichever way it is packed
BOOK = re.compile(r"[^/]+/([^/]+/[^/]+\.md)")
LEFT_OUT = {"Samuel Richardson/Clarissa.md", "Various/King James Bible.md"}  # over 4 MiB each
DIGEST = "ae954b61ba16fce7da89d000af72edd706b69ddbe8a8347c6c765771aca60e79"
MARKUP = re.compile(r"[_*#\\\ufeff]")
PASSAGE = 200  # words, at least: about a review, the other document of this corpus


def read(reviews: Path, books: Path) -> Iterator[Document]:
    """The reviews, as `imdb.read` has them, then the passages of the books, by path.

    Raises ArtifactError if an archive is missing, damaged or not the published one.
    """
    return chain(imdb.read(reviews), passages_of(books))


def passages_of(archive: Path, expected: str = DIGEST) -> Iterator[Document]:
    """Passages of all books of an archive with this digest, as unlabelled documents."""
    books = dict(sorted(books_of(archive)))
    check_digest(archive, books, expected)
    for name, content in books.items():
        for number, passage in enumerate(passages(content.decode("utf-8"))):
            yield Document(f"{name}/{number}", UNLABELLED, NO_LABEL, passage)


def passages(book: str) -> Iterator[str]:
    """The text of a book without its markup, in whole paragraphs of `PASSAGE` words together."""
    words, parts = 0, list[str]()
    for paragraph in re.split(r"\n\s*\n", MARKUP.sub("", book)):
        words += len(paragraph.split())
        parts.append(paragraph)
        if words >= PASSAGE:
            yield "\n\n".join(parts)
            words, parts = 0, []
    if words:
        yield "\n\n".join(parts)


def books_of(archive: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content of each book, in the order in which the archive has them."""
    try:
        with archive.open("rb") as packed:
            content: Any = imdb.Unpacked(archive, packed)  # tarfile calls nothing of it but `read`
            with tarfile.open(fileobj=content, mode="r|") as members:
                for member in members:
                    found = BOOK.fullmatch(member.name)
                    file = members.extractfile(member)
                    if file and found and found[1] not in LEFT_OUT:
                        yield found[1], file.read()
                    content.of_file = 0
    except FileNotFoundError:
        raise ArtifactError(f"{archive}: no such file: run the download first") from None
    except ArtifactError:
        raise
    except (*imdb.DAMAGE, ValueError, OSError) as error:
        raise ArtifactError(
            f"{archive}: not a whole archive ({reason(error)}): delete the file and download it "
            "again"
        ) from error


def check_digest(archive: Path, books: dict[str, bytes], expected: str) -> None:
    """Raise ArtifactError if the books, in their order, are not those of the digest."""
    digest = sha256()
    for name, content in books.items():
        digest.update(b"%s\0%d\0%s" % (name.encode(), len(content), content))
    if digest.hexdigest() != expected:
        raise ArtifactError(
            f"{archive}: its {len(books)} books have the digest {digest.hexdigest()}, expected "
            f"{expected}: {imdb.REMEDY}"
        )

"""Passages of books: what is read from the archive, in which order, and what is refused."""

from hashlib import sha256
from pathlib import Path

import pytest

from sgns_study import params
from sgns_study.artifacts import ArtifactError
from sgns_study.corpora import books, registry
from sgns_study.corpora.documents import NO_LABEL, UNLABELLED
from tests.test_imdb import archive

PARAGRAPH = " ".join(["word"] * 90)
BOOKS = {
    "top-1/B/Second.md": b"# Title\n\n_One_ word\n",
    "top-1/A/First.md": f"{PARAGRAPH}\n\n{PARAGRAPH}\n \n{PARAGRAPH}\n\nthe *end*".encode(),
    "top-1/README.md": b"about",
    "top-1/Various/King James Bible.md": b"too long",
    "top-1/A/First.txt": b"another form",
}


def digest(*named: str) -> str:
    """Of the books of these members in this order, by hand."""
    parts = [
        f"{name.removeprefix('top-1/')}\0{len(BOOKS[name])}\0".encode() + BOOKS[name]
        for name in named
    ]
    return sha256(b"".join(parts)).hexdigest()


EXPECTED = digest("top-1/A/First.md", "top-1/B/Second.md")


@pytest.mark.parametrize("packing", ["gz", "xz"])
def test_passages_are_whole_paragraphs_without_markup_by_path(tmp_path: Path, packing: str) -> None:
    found = list(books.passages_of(archive(tmp_path, BOOKS, packing), EXPECTED))
    assert {(d.split, d.label, d.group) for d in found} == {(UNLABELLED, NO_LABEL, "")}
    assert [(d.id, len(d.text.split())) for d in found] == [
        ("A/First.md/0", 270),  # three paragraphs of 90 words are the first with 200
        ("A/First.md/1", 2),
        ("B/Second.md/0", 3),
    ]
    assert [d.text.split() for d in found[1:]] == [["the", "end"], ["Title", "One", "word"]]


def test_the_order_inside_the_archive_does_not_matter(tmp_path: Path) -> None:
    first = list(books.passages_of(archive(tmp_path, BOOKS), EXPECTED))
    backwards = dict(reversed(BOOKS.items()))
    assert list(books.passages_of(archive(tmp_path, backwards), EXPECTED)) == first


@pytest.mark.parametrize("change", [{"top-1/A/First.md": b"x"}, {"top-1/C/Third.md": b""}])
def test_other_books_are_refused(tmp_path: Path, change: dict[str, bytes]) -> None:
    with pytest.raises(ArtifactError, match=r"books have the digest [0-9a-f]{64}, expected"):
        list(books.passages_of(archive(tmp_path, BOOKS | change), EXPECTED))


@pytest.mark.parametrize("content", [b"", b"no archive", None])
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = archive(tmp_path, BOOKS)
    path.write_bytes(path.read_bytes()[:-30] if content is None else content)
    with pytest.raises(ArtifactError, match="not a whole archive"):
        list(books.passages_of(path, EXPECTED))
    with pytest.raises(ArtifactError, match="no such file: run the download first"):
        list(books.passages_of(tmp_path / "none"))


@pytest.mark.real_data
def test_the_published_books_are_as_many_passages_as_is_said(mirror: Path) -> None:
    found = list(books.passages_of(mirror / "classic-books-markdown.tar.xz"))
    sizes = registry.corpus_sizes(params.BooksCorpus(kind="imdb_and_books"))
    assert sizes.unlabelled == 50_000 + len(found)
    assert len({d.id for d in found}) == len(found)
    words = [len(d.text.split()) for d in found]
    assert 58e6 < sum(words) < 60e6
    assert sum(n >= 200 for n in words) / len(words) > 0.99

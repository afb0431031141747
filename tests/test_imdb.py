"""The archive is read whole and in order, or not at all."""

import io
import tarfile
from collections import Counter
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from sgns_study import params
from sgns_study.artifacts import ArtifactError
from sgns_study.corpora import imdb, registry
from sgns_study.corpora.documents import NO_LABEL, TEST, TRAIN, UNLABELLED
from sgns_study.samples import draw_classifier_sample

ADDRESS = b"http://www.imdb.com/title/tt%07d/usercomments\n"
REVIEWS = {
    "aclImdb/test/pos/0_10.txt": b"a fine film",
    "aclImdb/train/pos/10_8.txt": b"good",
    "aclImdb/train/pos/9_9.txt": "très bon".encode(),
    "aclImdb/train/neg/0_1.txt": b"bad<br />film",
    "aclImdb/train/unsup/0_0.txt": b"",
    "aclImdb/README": b"about",
    "aclImdb/train/urls_pos.txt": b"".join(ADDRESS % n for n in range(40, 51)),
    "aclImdb/train/urls_neg.txt": ADDRESS % 49,
    "aclImdb/train/urls_unsup.txt": ADDRESS % 1,
    "aclImdb/test/urls_pos.txt": ADDRESS % 2,
    "aclImdb/train/labeledBow.feat": b"1 2:3",
}
PUBLISHED_FILMS = {TRAIN: 3456, TEST: 3581, UNLABELLED: 7091}
COUNTS = {TRAIN: 3, TEST: 1, UNLABELLED: 1}


def archive(folder: Path, members: dict[str, bytes], packing: str = "gz") -> Path:
    path = folder / "aclImdb.archive"
    with tarfile.open(path, f"w:{packing}") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


@pytest.mark.parametrize("packing", ["gz", "xz"])
def test_reviews_come_by_split_label_and_number(tmp_path: Path, packing: str) -> None:
    found = list(imdb.read(archive(tmp_path, REVIEWS, packing), COUNTS))
    assert [(d.id, d.split, d.label, d.text, d.group) for d in found] == [
        ("train/neg/0_1", TRAIN, 0, "bad<br />film", "tt0000049"),
        ("train/pos/9_9", TRAIN, 1, "très bon", "tt0000049"),
        ("train/pos/10_8", TRAIN, 1, "good", "tt0000050"),
        ("test/pos/0_10", TEST, 1, "a fine film", "tt0000002"),
        ("train/unsup/0_0", UNLABELLED, NO_LABEL, "", "tt0000001"),
    ]


def test_the_order_inside_the_archive_does_not_matter(tmp_path: Path) -> None:
    first = list(imdb.read(archive(tmp_path, REVIEWS), COUNTS))
    backwards = dict(reversed(REVIEWS.items()))
    assert list(imdb.read(archive(tmp_path, backwards), COUNTS)) == first


@pytest.mark.parametrize("packing", ["gz", "xz"])
@pytest.mark.parametrize("kept", [0.2, 0.6, 0.9])
def test_an_archive_cut_short(tmp_path: Path, packing: str, kept: float) -> None:
    many = {f"aclImdb/train/pos/{n}_8.txt": bytes(range(32, 127)) * 20 for n in range(200)}
    path = archive(tmp_path, many, packing)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(ArtifactError) as error:
        list(imdb.read(path, {TRAIN: 200}))
    assert str(path) in str(error.value)
    assert "download it again" in str(error.value)


def test_wrong_bytes_of_the_right_size(tmp_path: Path) -> None:
    path = archive(tmp_path, REVIEWS)
    path.write_bytes(b"\x00" * path.stat().st_size)
    with pytest.raises(ArtifactError, match="download it again"):
        list(imdb.read(path, COUNTS))


@pytest.mark.parametrize(
    "name", ["../evil.txt", "aclImdb/../../evil.txt", "/etc/evil", "aclImdb/train/pos/../../x"]
)
def test_a_path_that_climbs_out(tmp_path: Path, name: str) -> None:
    with pytest.raises(ArtifactError, match="leads out of the archive"):
        list(imdb.read(archive(tmp_path, REVIEWS | {name: b"x"}), COUNTS))
    assert not list(tmp_path.parent.glob("evil*"))


def test_a_link_is_no_review(tmp_path: Path) -> None:
    path = archive(tmp_path, REVIEWS)
    with tarfile.open(path, "w:gz") as tar:
        link = tarfile.TarInfo("aclImdb/train/pos/1_8.txt")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    with pytest.raises(ArtifactError, match="found 0 training"):
        list(imdb.read(path, {TRAIN: 1}))


def test_a_missing_review_is_counted(tmp_path: Path) -> None:
    fewer = {name: text for name, text in REVIEWS.items() if "9_9" not in name}
    with pytest.raises(ArtifactError, match="found 2 training, 1 test and 1 unlabelled reviews"):
        list(imdb.read(archive(tmp_path, fewer), COUNTS))


@pytest.mark.parametrize("content", [None, b"", b"http://www.imdb.com/title/0000040\n" * 11])
def test_a_review_of_no_known_film(tmp_path: Path, content: bytes | None) -> None:
    name = "aclImdb/train/urls_pos.txt"
    members = {key: text for key, text in REVIEWS.items() if key != name}
    members |= {} if content is None else {name: content}
    said = r"train/urls_pos\.txt has no address of a film for the review 9_9: .* download it again"
    with pytest.raises(ArtifactError, match=said):
        list(imdb.read(archive(tmp_path, members), COUNTS))


def test_text_that_is_not_utf8_names_the_review(tmp_path: Path) -> None:
    wrong = REVIEWS | {"aclImdb/train/pos/9_9.txt": b"tr\xe8s bon"}
    with pytest.raises(ArtifactError, match=r"9_9\.txt is not UTF-8 \(byte 2\)"):
        list(imdb.read(archive(tmp_path, wrong), COUNTS))


def test_a_review_of_absurd_size_is_refused_unread(tmp_path: Path) -> None:
    bomb = REVIEWS | {"aclImdb/train/pos/9_9.txt": b"\x00" * (2 << 20)}
    with pytest.raises(ArtifactError, match="has 2097152 bytes"):
        list(imdb.read(archive(tmp_path, bomb), COUNTS))


def test_a_missing_archive(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="run the download first"):
        list(imdb.read(tmp_path / "none", COUNTS))


@pytest.mark.real_data
def test_the_real_archive_is_complete(mirror: Path) -> None:
    documents = list(imdb.read(mirror / "aclImdb-with-urls.tar.xz"))
    counts = Counter((document.split, document.label) for document in documents)
    assert counts == {
        (TRAIN, 0): 12_500,
        (TRAIN, 1): 12_500,
        (TEST, 0): 12_500,
        (TEST, 1): 12_500,
        (UNLABELLED, NO_LABEL): 50_000,
    }
    assert len({document.id for document in documents}) == 100_000
    films = {split: {d.group for d in documents if d.split == split} for split in PUBLISHED_FILMS}
    assert {split: len(found) for split, found in films.items()} == PUBLISHED_FILMS
    assert len(films[TRAIN] & films[TEST]) == 1
    assert not films[UNLABELLED] & (films[TRAIN] | films[TEST])
    split, labels = (np.array([getattr(d, key) for d in documents]) for key in ("split", "label"))
    of = np.array([document.group for document in documents])
    known = []  # share of the validation documents whose film is in training too
    for films_used, seed in product((None, of), (1, 2, 3)):
        settings = params.ClassifierSample(validation_fraction=0.2)
        sample = draw_classifier_sample(split, labels, films_used, settings, seed)
        train, validation = sample["train"], sample["validation"]
        assert (len(train), len(validation)) == (20_000, 5_000)
        assert films_used is None or labels[validation].mean() == 0.5
        known.append(np.isin(of[validation], of[train]).mean())
    assert known == pytest.approx([0.96] * 3 + [0] * 3, abs=0.005)


def test_the_registry_knows_sizes_classes_and_sources() -> None:
    settings = params.ImdbCorpus(kind="imdb")
    assert registry.corpus_sizes(settings) == settings.sizes
    assert registry.corpus_sizes(settings) == tuple(imdb.PUBLISHED.values())
    names = registry.class_names(settings)
    assert (names[imdb.LABEL["neg"]], names[imdb.LABEL["pos"]]) == ("negative", "positive")
    assert registry.known_synonyms(settings) == {}
    assert registry.probe_words(settings) == {}
    wordpiece, word = (params.Tokens(tokenizer=name) for name in ("wordpiece", "word"))
    assert registry.required_sources(settings, wordpiece) == ["imdb", "bert_vocabulary"]
    assert registry.required_sources(settings, word) == ["imdb"]

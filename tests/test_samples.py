"""Documents are drawn by seed, disjoint where they must be, and the test is left alone."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sgns_study import params, samples
from sgns_study.artifacts import ArtifactError, write_text
from sgns_study.corpora.documents import TEST, TRAIN, UNLABELLED
from sgns_study.splits import split_sizes

SPLIT = np.repeat([TRAIN, TEST, UNLABELLED], [40, 30, 50]).astype(np.uint8)
EMBEDDING = params.EmbeddingSample(documents=30, validation_fraction=0.2, seed=1)


@given(st.integers(2, 40), st.floats(0.05, 0.95), st.integers(0, 2**32 - 1))
def test_classifier_parts_are_disjoint_and_the_test_is_whole(
    documents: int, fraction: float, seed: int
) -> None:
    train_size, validation_size = split_sizes(documents, fraction)
    if min(train_size, validation_size) < 1:
        return
    settings = params.ClassifierSample(documents=documents, validation_fraction=fraction)
    sample = samples.draw_classifier_sample(SPLIT, settings, seed)
    assert (len(sample["train"]), len(sample["validation"])) == (train_size, validation_size)
    drawn = np.concatenate([sample["train"], sample["validation"]])
    assert len(set(drawn)) == documents
    assert (SPLIT[drawn] == TRAIN).all()
    assert sample["test"].tolist() == list(range(40, 70))


@pytest.mark.parametrize("unlabelled", [False, True])
def test_no_embedding_document_is_of_the_test(unlabelled: bool) -> None:
    documents = 90 if unlabelled else 40
    settings = params.EmbeddingSample(
        documents=documents, validation_fraction=0.1, unlabelled=unlabelled, seed=3
    )
    sample = samples.draw_embedding_sample(SPLIT, settings)
    drawn = np.concatenate(list(sample.values()))
    assert len(set(drawn)) == documents
    assert (SPLIT[drawn] != TEST).all()
    assert (SPLIT[drawn] == UNLABELLED).any() == unlabelled


def test_texts_of_the_test_are_drawn_only_if_asked_for() -> None:
    settings = params.EmbeddingSample(
        documents=120, validation_fraction=0.1, unlabelled=True, test=True, seed=3
    )
    sample = samples.draw_embedding_sample(SPLIT, settings)
    assert sorted(np.concatenate(list(sample.values()))) == list(range(120))


@given(
    st.integers(2, 40),
    st.booleans(),
    st.booleans(),
    st.integers(1, 20) | st.none(),
    st.integers(0, 2**32 - 1),
)
def test_further_documents_stand_behind_the_others_and_move_none(
    documents: int, unlabelled: bool, test: bool, further: int | None, seed: int
) -> None:
    plain = params.EmbeddingSample(documents=documents, validation_fraction=0.5, seed=seed)
    more = params.FurtherText(documents=further, unlabelled=unlabelled, test=test)
    left = 40 - documents + 50 * unlabelled + 30 * test
    before = samples.draw_embedding_sample(SPLIT, plain)
    settings = plain.model_copy(update={"further": more})
    if further is not None and further > left:
        with pytest.raises(ArtifactError, match=f"{further} further documents are asked for"):
            samples.draw_embedding_sample(SPLIT, settings)
        return
    sample = samples.draw_embedding_sample(SPLIT, settings)
    first = before["train"].tolist()
    behind = sample["train"][len(first) :].tolist()
    assert sample["train"][: len(first)].tolist() == first
    assert sample["validation"].tolist() == before["validation"].tolist()
    assert len(behind) == (left if further is None else further)
    drawn = first + behind + sample["validation"].tolist()
    assert len(set(drawn)) == len(drawn)
    allowed = {TRAIN} | ({UNLABELLED} if unlabelled else set()) | ({TEST} if test else set())
    assert set(SPLIT[behind]) <= allowed


def test_further_documents_are_shuffled_and_of_every_part() -> None:
    settings = EMBEDDING.model_copy(update={"further": params.FurtherText()})
    behind = samples.draw_embedding_sample(SPLIT, settings)["train"][24:]
    assert len(behind) == 60  # 10 of the training part and 50 without a label
    assert set(SPLIT[behind]) == {TRAIN, UNLABELLED}
    assert behind.tolist() != sorted(behind)
    other = samples.draw_embedding_sample(SPLIT, settings.model_copy(update={"seed": 2}))
    assert behind.tolist() != other["train"][24:].tolist()


@pytest.mark.parametrize(("documents", "share"), [(100, 25), (300, 75), (10_000, 2500), (3, 1)])
def test_first_documents_of_the_study(documents: int, share: int) -> None:
    """Of 20,000 and 5,000 documents: a quarter of those trained on, one at least, to validate."""
    order = np.random.default_rng(1).permutation(25_000)
    sample = {"train": order[:20_000], "validation": order[20_000:], "test": np.arange(7)}
    first = samples.first_documents(sample, documents)
    assert first["train"].tolist() == order[:documents].tolist()
    assert first["validation"].tolist() == order[20_000 : 20_000 + share].tolist()
    assert first["test"].tolist() == list(range(7))
    assert len(sample["train"]) == 20_000


@given(st.integers(2, 40), st.integers(1, 30), st.data())
def test_first_documents_validate_on_as_large_a_share(
    train: int, validation: int, data: st.DataObject
) -> None:
    documents = data.draw(st.integers(1, train))
    sample = {"train": np.arange(train), "validation": train + np.arange(validation)}
    first = samples.first_documents(sample, documents)
    assert len(first["train"]) == documents
    found, share = len(first["validation"]), validation * documents / train
    assert found >= 1
    assert abs(found - share) <= 0.5 or (found == 1 and share < 0.5)
    if documents == train:
        assert found == validation


def test_more_first_documents_than_are_trained_on() -> None:
    sample = {"train": np.arange(5), "validation": np.arange(5, 8)}
    with pytest.raises(ArtifactError, match=r"6 labelled documents are asked for, .* trains on 5"):
        samples.first_documents(sample, 6)


def test_a_seed_fixes_the_sample_and_another_changes_it() -> None:
    settings = params.ClassifierSample(documents=40, validation_fraction=0.5)
    first, again, other = (samples.draw_classifier_sample(SPLIT, settings, s) for s in (1, 1, 2))
    assert first["train"].tolist() == again["train"].tolist()
    assert first["train"].tolist() != other["train"].tolist()


def test_more_documents_than_there_are() -> None:
    settings = params.ClassifierSample(documents=41, validation_fraction=0.5)
    with pytest.raises(ArtifactError, match="41 documents are asked for, but the corpus has 40"):
        samples.draw_classifier_sample(SPLIT, settings, 1)


def test_a_sample_survives_saving_in_order(tmp_path: Path) -> None:
    sample = samples.draw_embedding_sample(SPLIT, EMBEDDING)
    samples.save_sample(tmp_path / "s.csv", sample)
    loaded = samples.load_sample(tmp_path / "s.csv", samples.EMBEDDING, len(SPLIT))
    assert {role: part.tolist() for role, part in loaded.items()} == {
        role: part.tolist() for role, part in sample.items()
    }


def test_a_document_with_two_roles_is_refused(tmp_path: Path) -> None:
    write_text(tmp_path / "s.csv", "role,document\ntrain,1\nvalidation,2\ntest,1\n")
    with pytest.raises(ArtifactError, match="document 1 is drawn twice"):
        samples.load_sample(tmp_path / "s.csv", samples.CLASSIFIER, 5)


@pytest.mark.parametrize("row", ["test,5", "test,-1", "dev,4", "train,4"])
def test_a_role_or_a_document_that_there_is_not(tmp_path: Path, row: str) -> None:
    write_text(tmp_path / "s.csv", f"role,document\ntrain,1\nvalidation,2\n{row}\n")
    with pytest.raises(ArtifactError, match="roles train, validation, test of documents 0 to 4"):
        samples.load_sample(tmp_path / "s.csv", samples.CLASSIFIER, 5)


def test_an_unknown_split_is_refused(tmp_path: Path) -> None:
    write_text(tmp_path / "d.csv", "document,id,split,label\n0,a,train,1\n1,b,dev,0\n")
    with pytest.raises(ArtifactError, match="document 1 has a split other than"):
        samples.load_splits(tmp_path / "d.csv")


@pytest.mark.parametrize("content", ["x,y\n1,2\n", "role,document\n", "role,document\ntrain,a\n"])
def test_a_table_that_is_no_sample_is_refused(tmp_path: Path, content: str) -> None:
    write_text(tmp_path / "s.csv", content)
    with pytest.raises(ArtifactError, match="expected the columns role and document"):
        samples.load_sample(tmp_path / "s.csv", samples.CLASSIFIER, 5)

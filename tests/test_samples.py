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
    loaded = samples.load_sample(tmp_path / "s.csv")
    assert {role: part.tolist() for role, part in loaded.items()} == {
        role: part.tolist() for role, part in sample.items()
    }


def test_a_document_with_two_roles_is_refused(tmp_path: Path) -> None:
    write_text(tmp_path / "s.csv", "role,document\ntrain,1\nvalidation,2\ntest,1\n")
    with pytest.raises(ArtifactError, match="document 1 is drawn twice"):
        samples.load_sample(tmp_path / "s.csv")


def test_an_unknown_split_is_refused(tmp_path: Path) -> None:
    write_text(tmp_path / "d.csv", "document,id,split,label\n0,a,train,1\n1,b,dev,0\n")
    with pytest.raises(ArtifactError, match="document 1 has a split other than"):
        samples.load_splits(tmp_path / "d.csv")


@pytest.mark.parametrize("content", ["x,y\n1,2\n", "role,document\n", "role,document\ntrain,a\n"])
def test_a_table_that_is_no_sample_is_refused(tmp_path: Path, content: str) -> None:
    write_text(tmp_path / "s.csv", content)
    with pytest.raises(ArtifactError, match="expected the columns role and document"):
        samples.load_sample(tmp_path / "s.csv")

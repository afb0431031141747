"""Samples are drawn by seed and disjoint, the test is left alone, and a text is whole, in order."""

from pathlib import Path

import hypothesis
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sgns_study import params, samples
from sgns_study.artifacts import ArtifactError, write_text
from sgns_study.corpora.documents import TEST, TRAIN, UNLABELLED
from sgns_study.splits import split_sizes
from sgns_study.tokens import PAD, UNKNOWN, Stream, Vocabulary, load_documents

SPLIT = np.repeat([TRAIN, TEST, UNLABELLED], [40, 30, 50]).astype(np.uint8)
LABELS = np.arange(120, dtype=np.int16) % 2
EMBEDDING = params.EmbeddingSample(documents=30, validation_fraction=0.2, seed=1)


@given(st.integers(2, 40), st.floats(0.05, 0.95), st.integers(0, 2**32 - 1))
def test_classifier_parts_are_disjoint_and_the_test_is_whole(
    documents: int, fraction: float, seed: int
) -> None:
    train_size, validation_size = split_sizes(documents, fraction)
    if min(train_size, validation_size) < 1:
        return
    settings = params.ClassifierSample(documents=documents, validation_fraction=fraction)
    sample = samples.draw_classifier_sample(SPLIT, LABELS, None, settings, seed)
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
    first, again, other = (
        samples.draw_classifier_sample(SPLIT, LABELS, None, settings, s) for s in (1, 1, 2)
    )
    assert first["train"].tolist() == again["train"].tolist()
    assert first["train"].tolist() != other["train"].tolist()


BY_FILM = params.ClassifierSample(validation_fraction=0.2, validation="by_film")


@given(st.lists(st.integers(0, 11), min_size=40, max_size=40), st.integers(0, 2**32 - 1))
def test_no_film_of_a_validation_document_is_among_the_training_documents(
    films: list[int], seed: int
) -> None:
    """And validation falls short of its 8 documents by less than one film."""
    names = np.array([f"tt{film:07}" for film in films] + ["elsewhere"] * 80)
    sizes = [films.count(film) for film in set(films)]
    if min(sizes) > 8:
        return
    sample = samples.draw_classifier_sample(SPLIT, LABELS, names, BY_FILM, seed)
    train, validation = sample["train"], sample["validation"]
    assert sorted([*train, *validation]) == list(range(40))
    assert not set(names[train]) & set(names[validation])
    left = [films.count(film) for film in set(films) if f"tt{film:07}" in names[train]]
    assert 0 <= 8 - len(validation) < min(left)


def test_validation_by_film_keeps_the_balance_of_the_classes_and_its_size() -> None:
    """Films that people agree on: 1 to 30 reviews, most of them of one class, 30 % positive."""
    rng = np.random.default_rng(1)
    sizes = rng.permutation(np.repeat([1, 2, 5, 10, 30], [400, 200, 100, 60, 20]))
    films = np.repeat([f"tt{n:07}" for n in range(len(sizes))], sizes)
    likes = np.repeat(rng.beta(0.3, 0.7, len(sizes)), sizes)
    labels = (rng.random(len(films)) < likes).astype(np.int16)
    split = np.full(len(films), TRAIN, np.uint8)
    draws = [
        samples.draw_classifier_sample(split, labels, films, BY_FILM, seed) for seed in (1, 1, 2)
    ]
    for sample in draws:
        assert len(sample["validation"]) == len(films) // 5
        assert abs(labels[sample["validation"]].mean() - labels.mean()) < 1 / (len(films) // 5)
    first, again, other = (draw["validation"].tolist() for draw in draws)
    assert first == again
    assert set(first) != set(other)
    assert first != sorted(first)  # in random order, so that the first are a draw too


def test_films_too_large_to_be_held_out() -> None:
    films = np.repeat(["a", "b"], [20, 100])
    with pytest.raises(ArtifactError, match="every film has more of the 40 documents"):
        samples.draw_classifier_sample(SPLIT, LABELS, films, BY_FILM, 1)


def test_more_documents_than_there_are() -> None:
    settings = params.ClassifierSample(documents=41, validation_fraction=0.5)
    with pytest.raises(ArtifactError, match="41 documents are asked for, but the corpus has 40"):
        samples.draw_classifier_sample(SPLIT, LABELS, None, settings, 1)


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
        load_documents(tmp_path / "d.csv")


@pytest.mark.parametrize("content", ["x,y\n1,2\n", "role,document\n", "role,document\ntrain,a\n"])
def test_a_table_that_is_no_sample_is_refused(tmp_path: Path, content: str) -> None:
    write_text(tmp_path / "s.csv", content)
    with pytest.raises(ArtifactError, match="expected the columns role and document"):
        samples.load_sample(tmp_path / "s.csv", samples.CLASSIFIER, 5)


WORDS = [PAD, UNKNOWN, *"abcdefgh"]
documents = st.lists(st.lists(st.integers(1, len(WORDS) - 1), max_size=7), min_size=1, max_size=9)


def vocabulary() -> Vocabulary:
    return Vocabulary(WORDS, np.zeros(len(WORDS), np.int64))


def stream(contents: list[list[int]]) -> Stream:
    ids = np.array([token for content in contents for token in content], np.uint16)
    offsets = np.cumsum([0, *map(len, contents)])
    return Stream(
        ids, offsets, np.zeros(len(contents), np.uint8), np.zeros(len(contents), np.int16)
    )


@given(documents.filter(any), st.randoms(), st.integers(1, 4))
def test_a_text_has_its_documents_in_drawn_order(
    tmp_path_factory: pytest.TempPathFactory, contents: list[list[int]], random, block: int
) -> None:
    folder = tmp_path_factory.mktemp("text")
    order = list(range(len(contents)))
    random.shuffle(order)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(samples, "BLOCK", block)
        samples.save_text(folder, stream(contents), vocabulary(), np.array(order))
    text = samples.load_text(folder, len(WORDS))
    assert [text.ids[a:b].tolist() for a, b in zip(text.offsets[:-1], text.offsets[1:])] == [
        contents[i] for i in order
    ]
    every = [token for content in contents for token in content]
    expected = [0, 0, *(every.count(i) for i in range(2, len(WORDS)))]  # the unknown is no word
    assert text.counts.tolist() == expected
    assert isinstance(text.ids, np.memmap)


def test_what_cannot_be_a_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="none of the 1 sampled documents holds a token"):
        samples.save_text(tmp_path, stream([[], [2]]), vocabulary(), np.array([0]))
    assert not list(tmp_path.iterdir())
    samples.save_text(tmp_path, stream([[3], [2]]), vocabulary(), np.array([0, 1]))
    np.save(tmp_path / "offsets.npy", np.array([0, 1, 3]))
    with pytest.raises(ArtifactError, match=r"2 ids, 3 offsets .* do not belong together"):
        samples.load_text(tmp_path, len(WORDS))


@pytest.mark.parametrize(
    "counts", [np.array([0, 0, -1, *[1] * 7]), np.ones(9, np.int64), np.ones(10, np.uint8)]
)
def test_counts_that_are_not_of_the_vocabulary_are_refused(
    tmp_path: Path, counts: np.ndarray
) -> None:
    saved(tmp_path, [[3], [2, 4]])
    np.save(tmp_path / "counts.npy", counts)
    with pytest.raises(ArtifactError, match=r"counts\.npy: found .* counts, expected 10"):
        samples.load_text(tmp_path, len(WORDS))


def test_a_text_without_documents_is_refused(tmp_path: Path) -> None:
    saved(tmp_path, [[3], [2, 4]])
    np.save(tmp_path / "ids.npy", np.array([], np.uint16))
    np.save(tmp_path / "offsets.npy", np.array([0]))
    with pytest.raises(ArtifactError, match=r"0 ids, 1 offsets .* do not belong together"):
        samples.load_text(tmp_path, len(WORDS))


def test_a_text_of_another_vocabulary_is_refused(tmp_path: Path) -> None:
    saved(tmp_path, [[3], [2, 4]])
    with pytest.raises(ArtifactError, match="or not to a vocabulary of 4: delete the folder"):
        samples.load_text(tmp_path, 4)


def saved(folder: Path, contents: list[list[int]]) -> samples.Text:
    samples.save_text(folder, stream(contents), vocabulary(), np.arange(len(contents)))
    return samples.load_text(folder, len(WORDS))


@hypothesis.settings(max_examples=40)
@given(documents.filter(any), st.data())
def test_the_first_documents_of_a_text_have_counts_of_their_own(
    tmp_path_factory: pytest.TempPathFactory, contents: list[list[int]], data: st.DataObject
) -> None:
    text = saved(tmp_path_factory.mktemp("text"), contents)
    n = data.draw(st.integers(1, len(contents)))
    first = samples.first_of_text(text, n)
    spans = zip(first.offsets[:-1], first.offsets[1:])
    assert [first.ids[a:b].tolist() for a, b in spans] == contents[:n]
    assert len(first.ids) == sum(map(len, contents[:n]))
    tokens = [token for content in contents[:n] for token in content]
    expected = [tokens.count(i) if i not in (0, 1) else 0 for i in range(len(WORDS))]
    assert first.counts.tolist() == expected


def test_a_text_has_no_more_first_documents_than_documents(tmp_path: Path) -> None:
    text = saved(tmp_path, [[3], [2, 4]])
    assert samples.first_of_text(text, None) is text
    with pytest.raises(ArtifactError, match="asks for 3 documents, but the text has 2"):
        samples.first_of_text(text, 3)

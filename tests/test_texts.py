"""The text of the vectors holds the sampled documents, whole and in their order."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sgns_study import texts
from sgns_study.artifacts import ArtifactError
from sgns_study.tokens import PAD, UNKNOWN, Stream, Vocabulary

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
def test_documents_in_drawn_order(
    tmp_path_factory: pytest.TempPathFactory, contents: list[list[int]], random, block: int
) -> None:
    folder = tmp_path_factory.mktemp("text")
    order = list(range(len(contents)))
    random.shuffle(order)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(texts, "DOCUMENTS", block)
        texts.save_text(folder, stream(contents), vocabulary(), np.array(order))
    text = texts.load_text(folder, len(WORDS))
    assert [text.ids[a:b].tolist() for a, b in zip(text.offsets[:-1], text.offsets[1:])] == [
        contents[i] for i in order
    ]
    every = [token for content in contents for token in content]
    expected = [0, 0, *(every.count(i) for i in range(2, len(WORDS)))]  # the unknown is no word
    assert text.counts.tolist() == expected
    assert isinstance(text.ids, np.memmap)


def test_what_cannot_be_a_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="none of the 1 sampled documents holds a token"):
        texts.save_text(tmp_path, stream([[], [2]]), vocabulary(), np.array([0]))
    assert not list(tmp_path.iterdir())
    texts.save_text(tmp_path, stream([[3], [2]]), vocabulary(), np.array([0, 1]))
    np.save(tmp_path / "offsets.npy", np.array([0, 1, 3]))
    with pytest.raises(ArtifactError, match=r"2 ids, 3 offsets .* do not belong together"):
        texts.load_text(tmp_path, len(WORDS))


def test_a_text_of_another_vocabulary_is_refused(tmp_path: Path) -> None:
    saved(tmp_path, [[3], [2, 4]])
    with pytest.raises(ArtifactError, match="or not to a vocabulary of 4: delete the folder"):
        texts.load_text(tmp_path, 4)


def saved(folder: Path, contents: list[list[int]]) -> texts.Text:
    texts.save_text(folder, stream(contents), vocabulary(), np.arange(len(contents)))
    return texts.load_text(folder, len(WORDS))


@settings(max_examples=40)
@given(documents.filter(any), st.data())
def test_first_documents_have_counts_of_their_own(
    tmp_path_factory: pytest.TempPathFactory, contents: list[list[int]], data: st.DataObject
) -> None:
    text = saved(tmp_path_factory.mktemp("text"), contents)
    n = data.draw(st.integers(1, len(contents)))
    first = texts.first_documents(text, n)
    spans = zip(first.offsets[:-1], first.offsets[1:])
    assert [first.ids[a:b].tolist() for a, b in spans] == contents[:n]
    assert len(first.ids) == sum(map(len, contents[:n]))
    tokens = [token for content in contents[:n] for token in content]
    expected = [tokens.count(i) if i not in (0, 1) else 0 for i in range(len(WORDS))]
    assert first.counts.tolist() == expected


def test_a_text_has_no_more_first_documents_than_documents(tmp_path: Path) -> None:
    text = saved(tmp_path, [[3], [2, 4]])
    assert texts.first_documents(text, None) is text
    with pytest.raises(ArtifactError, match="asks for 3 documents, but the text has 2"):
        texts.first_documents(text, 3)

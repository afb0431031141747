"""Vector files: what is written is read back, by this program and by gensim."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from gensim.models import KeyedVectors
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file

from sgns_study.artifacts import ArtifactError
from sgns_study.sgns.vectors import (
    Vectors,
    export_word2vec,
    load_vectors,
    occurring,
    save_vectors,
)

TOKENS = ["[PAD]", "the", "film", "café", "##ing", "'", "映画"]


def table(seed: int = 0) -> np.ndarray:
    values = np.random.default_rng(seed).normal(size=(len(TOKENS), 5)).astype(np.float32)
    values[0] = 0
    return values


@pytest.mark.parametrize("context", [table(1), None])
@pytest.mark.parametrize("counts", [np.arange(len(TOKENS)), None])
def test_save_and_load(
    tmp_path: Path, context: np.ndarray | None, counts: np.ndarray | None
) -> None:
    path = tmp_path / "vectors.safetensors"
    save_vectors(path, Vectors(table(), context, TOKENS, counts))
    loaded = load_vectors(path)
    assert loaded.vocabulary == TOKENS
    np.testing.assert_array_equal(loaded.centre, table())
    np.testing.assert_array_equal(loaded.context, context)
    np.testing.assert_array_equal(loaded.counts, counts)
    assert [file.name for file in tmp_path.iterdir()] == ["vectors.safetensors"]


def test_same_vectors_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save_vectors(tmp_path / name, Vectors(table(), table(1), TOKENS))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("binary", [True, False])
def test_gensim_reads_the_export(tmp_path: Path, binary: bool) -> None:
    path = tmp_path / "vectors.txt"
    export_word2vec(path, Vectors(table(), None, TOKENS), binary)
    peer = KeyedVectors.load_word2vec_format(str(path), binary=binary)
    assert peer.index_to_key == TOKENS
    np.testing.assert_array_equal(peer.vectors, table())
    a, b = table()[2].astype(float), table()[6].astype(float)
    cosine = a @ b / np.sqrt(a @ a * (b @ b))
    assert peer.similarity("film", "映画") == pytest.approx(cosine, rel=1e-5)


@pytest.mark.parametrize(
    ("token", "problem"),
    [
        ("", "is empty or holds white space"),
        ("two words", "is empty or holds white space"),
        ("line\n", "is empty or holds white space"),
        ("the", "is there twice"),
    ],
)
def test_tokens_the_formats_cannot_hold(tmp_path: Path, token: str, problem: str) -> None:
    vectors = Vectors(table(), None, [*TOKENS[:-1], token])
    expected = re.escape(f"the token {token!r} of row 6 {problem}")
    with pytest.raises(ArtifactError, match=expected):
        export_word2vec(tmp_path / "vectors.txt", vectors, binary=False)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "vectors.safetensors"
    with pytest.raises(ArtifactError, match="no such file"):
        load_vectors(path)
    save_vectors(path, Vectors(table(), None, TOKENS))
    whole = path.read_bytes()
    for kept in (0, 4, 50, len(whole) - 1):
        path.write_bytes(whole[:kept])
        with pytest.raises(ArtifactError, match="not a whole safetensors file"):
            load_vectors(path)
    vocabulary = {"vocabulary": json.dumps(TOKENS)}
    save_file({"context": table()}, path, metadata=vocabulary)
    with pytest.raises(ArtifactError, match=r"found tensors \['context'\]"):
        load_vectors(path)
    save_file({"centre": table()}, path)
    with pytest.raises(ArtifactError, match="a JSON list `vocabulary`"):
        load_vectors(path)
    save_file({"centre": table()[:-1]}, path, metadata=vocabulary)
    with pytest.raises(ArtifactError, match=r"float32 \(6, 5\).* each of the 7 tokens"):
        load_vectors(path)


@pytest.mark.parametrize(
    ("counts", "problem"),
    [
        (np.arange(6), r"table counts is int64 \(6,\), needed is int64 .* each of the 7 tokens"),
        (np.arange(7.0), "table counts is float64"),
        (np.arange(7) - 1, "table counts has -1, allowed is 0 or more"),
    ],
)
def test_counts_that_cannot_be(tmp_path: Path, counts: np.ndarray, problem: str) -> None:
    path = tmp_path / "vectors.safetensors"
    with pytest.raises(ArtifactError, match=problem):
        save_vectors(path, Vectors(table(), None, TOKENS, counts))
    assert not path.exists()
    metadata = {"vocabulary": json.dumps(TOKENS)}
    save_file({"centre": table(), "counts": counts}, path, metadata=metadata)
    with pytest.raises(ArtifactError, match=problem):
        load_vectors(path)


@given(st.lists(st.integers(0, 3), min_size=len(TOKENS), max_size=len(TOKENS)))
def test_occurring_words_come_by_frequency_and_then_in_their_order(counts: list[int]) -> None:
    found = occurring(Vectors(table(), table(1), TOKENS, np.array(counts)))
    rows = [row for count in (3, 2, 1) for row in range(len(TOKENS)) if counts[row] == count]
    assert found.vocabulary == [TOKENS[row] for row in rows]
    assert found.counts.tolist() == [counts[row] for row in rows]
    np.testing.assert_array_equal(found.centre, table()[rows])
    np.testing.assert_array_equal(found.context, table(1)[rows])
    unknown = Vectors(table(), None, TOKENS)
    assert occurring(unknown) is unknown


def test_tables_that_do_not_fit_the_vocabulary_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="each of the 6 tokens"):
        save_vectors(tmp_path / "vectors.safetensors", Vectors(table(), None, TOKENS[:-1]))
    assert list(tmp_path.iterdir()) == []

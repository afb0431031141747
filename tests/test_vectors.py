"""Vector files: what is written is read back, by this program and by gensim."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from gensim.models import KeyedVectors
from safetensors.numpy import save_file

from sgns_study.artifacts import ArtifactError
from sgns_study.sgns.vectors import Vectors, export_word2vec, load_vectors, save_vectors

TOKENS = ["[PAD]", "the", "film", "café", "##ing", "'", "映画"]


def table(seed: int = 0) -> np.ndarray:
    values = np.random.default_rng(seed).normal(size=(len(TOKENS), 5)).astype(np.float32)
    values[0] = 0
    return values


def test_save_and_load(tmp_path: Path) -> None:
    path = tmp_path / "vectors.safetensors"
    for context in (table(1), None):
        save_vectors(path, Vectors(table(), context, TOKENS))
        loaded = load_vectors(path)
        assert loaded.vocabulary == TOKENS
        np.testing.assert_array_equal(loaded.centre, table())
        np.testing.assert_array_equal(loaded.context, context)
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


def test_tables_that_do_not_fit_the_vocabulary_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="each of the 6 tokens"):
        save_vectors(tmp_path / "vectors.safetensors", Vectors(table(), None, TOKENS[:-1]))
    assert list(tmp_path.iterdir()) == []

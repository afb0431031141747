"""Counts against brute force, PPMI against its formula, the SVD against NumPy's dense one."""

import subprocess
import sys
from itertools import combinations
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError
from scipy.sparse import csr_array

from sgns_study.corpora.planted import generate, synonym_sets
from sgns_study.errors import StudyError
from sgns_study.params import Dim, PlantedCorpus, PpmiRecipe, Radius, Tokens, Word2vecRecipe
from sgns_study.sgns import ppmi as module
from sgns_study.sgns import stream, word2vec
from sgns_study.sgns.ppmi import (
    cooccurrences,
    kept_stream,
    ppmi,
    svd_vectors,
    train,
)
from sgns_study.tokens import tokenize
from tests.zipfian import flat

SIZE = 12  # ids of the vocabulary
WINDOWS = get_args(PpmiRecipe.model_fields["window"].annotation)


def recipe(**change: Any) -> PpmiRecipe:
    """All words and occurrences count, unless told otherwise."""
    plain: dict[str, Any] = {"kind": "ppmi", "window": "fixed", "min_count": 1, "subsample": 0}
    plain |= {"alpha": 0.75, "shift": 1, "eigenvalue_weighting": 0.5}
    return PpmiRecipe(**plain | change)


def count_all(documents: list[list[int]], radius: int = 2, **change: Any) -> NDArray[np.float32]:
    ids, offsets = flat(documents)
    counts = np.bincount(ids, minlength=SIZE)
    return cooccurrences(ids, offsets, counts, recipe(**change), radius, seed=1).toarray()


def brute_force(documents: list[list[int]], radius: int, window: str) -> NDArray[np.float64]:
    """Sum over pairs of one document; `dynamic` is the mean over every radius from 1 to R."""
    expected = np.zeros((SIZE, SIZE))
    for document in documents:
        for i, j in combinations(range(len(document)), 2):
            m = j - i
            if m <= radius:
                reaching = sum(drawn >= m for drawn in range(1, radius + 1))
                weight = {"dynamic": reaching / radius, "fixed": 1, "harmonic": 1 / m}[window]
                expected[document[i], document[j]] += weight
                expected[document[j], document[i]] += weight
    return expected


documents_of_ids = st.lists(
    st.lists(st.integers(1, SIZE - 1), max_size=15), min_size=1, max_size=6
).filter(lambda documents: len(set().union(*documents)) > 1)


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        ("fixed", [[2, 2, 2], [2, 0, 1], [2, 1, 0]]),
        ("dynamic", [[2 / 3, 5 / 3, 5 / 3], [5 / 3, 0, 1], [5 / 3, 1, 0]]),
        ("harmonic", [[2 / 3, 3 / 2, 3 / 2], [3 / 2, 0, 1], [3 / 2, 1, 0]]),
    ],
)
def test_counts_of_four_words_by_hand(window: str, expected: list[list[float]]) -> None:
    """Of "1 2 3 1" at R = 3: weights are 1, 1, 1; 1, 2/3, 1/3 and 1, 1/2, 1/3."""
    found = count_all([[1, 2, 3, 1]], radius=3, window=window)
    np.testing.assert_allclose(found[1:4, 1:4], expected, rtol=1e-6)
    assert found.sum() == pytest.approx(np.sum(expected))


@pytest.mark.parametrize("window", WINDOWS)
@given(documents=documents_of_ids, radius=st.integers(1, 7), block=st.integers(1, 20))
def test_counts_are_those_of_all_pairs_within_the_radius(
    window: str, documents: list[list[int]], radius: int, block: int
) -> None:
    expected = brute_force(documents, radius, window)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK", block)  # where the progress bar moves changes nothing
        if expected.any():
            found = count_all(documents, radius=radius, window=window)
            np.testing.assert_allclose(found, expected, rtol=1e-6)
        else:
            with pytest.raises(StudyError, match="no word has a neighbour"):
                count_all(documents, radius=radius, window=window)


@given(documents=documents_of_ids, min_count=st.integers(1, 3))
def test_rare_words_go_before_windows_form(documents: list[list[int]], min_count: int) -> None:
    ids, _ = flat(documents)
    common = np.flatnonzero(np.bincount(ids, minlength=SIZE) >= min_count)
    left = [[token for token in document if token in common] for document in documents]
    expected = brute_force(left, 2, "fixed")
    if len(common) > 1 and expected.any():
        np.testing.assert_array_equal(count_all(documents, min_count=min_count), expected)


def test_only_the_documents_between_the_first_and_last_offset_count() -> None:
    ids, offsets = flat([[1, 2], [3, 4, 5], [6, 7]])
    found = cooccurrences(ids, offsets[1:3], np.ones(SIZE, np.int64), recipe(), 2, seed=1)
    np.testing.assert_array_equal(found.toarray(), brute_force([[3, 4, 5]], 2, "fixed"))


def test_pads_in_a_text_are_deleted() -> None:
    found = count_all([[0, 1, 0, 2, 0]], radius=1)
    np.testing.assert_array_equal(found, brute_force([[1, 2]], 1, "fixed"))


def test_counts_are_stored_sorted_without_zeros() -> None:
    ids, offsets = flat(random_documents())
    counts = cooccurrences(ids, offsets, np.bincount(ids, minlength=SIZE), recipe(), 2, seed=1)
    assert counts.data.dtype == np.float32
    assert (counts.data > 0).all()
    assert all(np.all(np.diff(row) > 0) for row in np.split(counts.indices, counts.indptr[1:-1]))


def test_the_text_is_what_the_first_epoch_of_sgns_sees(monkeypatch: pytest.MonkeyPatch) -> None:
    ids, offsets = flat(random_documents())
    counts = np.bincount(ids, minlength=SIZE)
    settings = Word2vecRecipe(
        kind="word2vec", negatives=5, alpha=0.75, window="dynamic", subsample=0.02, min_count=60,
        epochs=2, learning_rate=0.025,
    )  # fmt: skip
    seen: list[list[NDArray[np.int32]]] = []

    def spied(ids, offsets, keep, radius, draws, after, *place):
        seen.append([])
        for piece, read in stream.framed(ids, offsets, keep, radius, draws, after, *place):
            seen[-1].append(piece[radius:-after])
            yield piece, read

    monkeypatch.setattr(word2vec, "framed", spied)
    monkeypatch.setattr(stream, "CHUNK", 500)
    word2vec.train(ids, offsets, counts, settings, radius=3, dim=4, seed=7)
    first, second = map(np.concatenate, seen)
    keep = stream.keep_probabilities(stream.kept_counts(counts, 60), 0.02)
    ours = kept_stream(ids, offsets, keep, radius=3, seed=7)
    np.testing.assert_array_equal(ours[3:-3], first)
    assert not ours[:3].any()
    assert not ours[-3:].any()
    assert 0 < np.count_nonzero(first) < 0.8 * len(ids)
    assert len(first) != len(second) or (first != second).any()


@pytest.mark.parametrize("window", WINDOWS)
def test_windows_form_on_what_subsampling_keeps(window: str) -> None:
    ids, offsets = flat(random_documents())
    counts = np.bincount(ids, minlength=SIZE)
    keep = stream.keep_probabilities(stream.kept_counts(counts, 60), 0.02)
    kept = kept_stream(ids, offsets, keep, 3, seed=1).tolist()
    documents = [[]]
    for token in kept:
        documents.append([]) if token == 0 else documents[-1].append(token)
    settings = recipe(window=window, min_count=60, subsample=0.02)
    found = cooccurrences(ids, offsets, counts, settings, 3, seed=1).toarray()
    np.testing.assert_allclose(found, brute_force(documents, 3, window), rtol=1e-5)


def random_documents(number: int = 200) -> list[list[int]]:
    draw = np.random.default_rng(0)
    return [draw.geometric(0.25, 30).clip(max=SIZE - 1).tolist() for _ in range(number)]


def random_counts() -> csr_array:
    ids, offsets = flat(random_documents())
    counts = np.bincount(ids, minlength=SIZE)
    return cooccurrences(ids, offsets, counts, recipe(), 3, seed=1)


def test_ppmi_of_three_words_by_hand() -> None:
    # Row sums are 4, 2 and 2 of 8: words 1 and 2 meet twice as often as by chance, others as often.
    counts = csr_array(np.array([[2, 1, 1], [1, 0, 1], [1, 1, 0]], np.float32))
    log = np.log
    expected = [[0, 0, 0], [0, 0, log(2)], [0, log(2), 0]]
    np.testing.assert_allclose(ppmi(counts, 1, 1).toarray(), expected, rtol=1e-6)
    # With α = 0 every context is as likely, 1/3.
    expected = [[log(3 / 2), 0, 0], [log(3 / 2), 0, log(3 / 2)], [log(3 / 2), log(3 / 2), 0]]
    np.testing.assert_allclose(ppmi(counts, 0, 1).toarray(), expected, rtol=1e-6)
    expected = np.maximum(np.array(expected) - log(1.2), 0)
    np.testing.assert_allclose(ppmi(counts, 0, 1.2).toarray(), expected, rtol=1e-6)


@given(alpha=st.floats(0, 1), shift=st.integers(1, 3))
def test_ppmi_is_the_formula(alpha: float, shift: int) -> None:
    uneven = random_counts().toarray()
    uneven[:, 3:6] *= 2  # else rows and columns have the same sums
    counts = csr_array(uneven)
    dense = uneven[1:, 1:].astype(np.float64)
    joint = dense / dense.sum()
    context = dense.sum(axis=0) ** alpha / (dense.sum(axis=0) ** alpha).sum()
    with np.errstate(divide="ignore"):
        information = np.log(joint / np.outer(joint.sum(axis=1), context) / shift)
    found = ppmi(counts, alpha, shift)
    np.testing.assert_allclose(found.toarray()[1:, 1:], np.maximum(information, 0), atol=1e-6)
    assert (found.data > 0).all()


def test_ppmi_leaves_the_counts_as_they_are() -> None:
    counts = random_counts()
    before = counts.copy()
    ppmi(counts, 0.75, 1)
    assert (counts != before).nnz == 0
    assert counts.nnz == before.nnz


def random_matrix(rank: int, size: int = 40) -> NDArray[np.float64]:
    """A matrix of that rank whose row 0 is empty."""
    draw = np.random.default_rng(1)
    matrix = draw.standard_normal((size, rank)) @ draw.standard_normal((rank, size))
    matrix[0] = 0
    return matrix


@pytest.mark.parametrize("p", [0, 0.5, 1])
def test_vectors_are_those_of_numpys_svd(p: float) -> None:
    matrix = random_matrix(rank=39)
    found = svd_vectors(csr_array(matrix), 7, 1, p)
    left, values, _ = np.linalg.svd(matrix)
    expected = left[:, :7] * values[:7] ** p
    signs = np.sign(expected[np.abs(expected).argmax(axis=0), np.arange(7)])
    np.testing.assert_allclose(found, expected * signs, atol=1e-5)
    assert not found[0].any()
    assert found.dtype == np.float32


@pytest.mark.parametrize("dim", [3, 10, 20])
def test_projection_on_the_vectors_is_the_best_approximation(dim: int) -> None:
    """Its error is that of the discarded singular values (Eckart & Young): none at full rank."""
    matrix = random_matrix(rank=10)
    basis = svd_vectors(csr_array(matrix), dim, 1, 0).astype(np.float64)
    error = np.linalg.norm(matrix - basis @ (basis.T @ matrix))
    discarded = np.linalg.svd(matrix, compute_uv=False)[dim:]
    assert error == pytest.approx(np.sqrt((discarded**2).sum()), abs=1e-4)
    assert np.isfinite(basis).all()
    assert not basis[:, 10:].any()


def trained(seed: int) -> bytes:
    ids, offsets = flat(random_documents())
    counts = np.bincount(ids, minlength=SIZE)
    table = train(ids, offsets, counts, recipe(subsample=0.02), 3, 4, seed)
    return table.tobytes()


def test_a_seed_fixes_the_bytes_in_every_process() -> None:
    code = "import sys, tests.test_ppmi as t; sys.stdout.buffer.write(t.trained(1))"
    root = Path(__file__).parent.parent
    other = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, check=True)
    assert trained(1) == other.stdout
    assert trained(1) != trained(2)


def test_training_is_counting_ppmi_and_svd() -> None:
    """Against dense arrays: rows of deleted words are zero, cosines are those of NumPy's SVD."""
    documents = random_documents()
    ids, offsets = flat(documents)
    counts = np.bincount(ids, minlength=SIZE)
    settings = recipe(window="harmonic", min_count=100, alpha=0.5)
    table = train(ids, offsets, counts, settings, radius=3, dim=3, seed=1)
    assert table.dtype == np.float32
    np.testing.assert_array_equal(table.any(axis=1), (counts >= 100) & (np.arange(SIZE) > 0))
    left = [[token for token in document if counts[token] >= 100] for document in documents]
    joint = brute_force(left, 3, "harmonic")
    smoothed = joint.sum(axis=0) ** 0.5
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = joint / joint.sum(axis=1, keepdims=True) / (smoothed / smoothed.sum())
        matrix = np.maximum(np.log(np.nan_to_num(expected)), 0)
    u, values, _ = np.linalg.svd(matrix)
    approximation = (u[:, :3] * values[:3]) @ u[:, :3].T
    np.testing.assert_allclose(table @ table.T, approximation, atol=1e-5)


def test_equal_singular_values_do_not_make_runs_differ() -> None:
    """Here the iteration runs into an invariant subspace and restarts from a random vector."""
    matrix = csr_array(np.diag(np.repeat([1.0, 2.0], 30)))
    assert svd_vectors(matrix, 20, 1).tobytes() == svd_vectors(matrix, 20, 1).tobytes()


def test_synonyms_of_the_planted_corpus_are_neighbours() -> None:
    corpus = PlantedCorpus(kind="planted", train=4000, test=2, unlabelled=0, seed=1)
    text, _ = tokenize(generate(corpus), Tokens(tokenizer="word"))
    words = text.vocabulary.tokens
    settings = recipe(window="dynamic", min_count=5, subsample=1e-3)
    vectors = train(text.ids, text.offsets, text.vocabulary.counts, settings, 5, 32, seed=1)

    lengths = np.linalg.norm(vectors, axis=1)
    met = np.flatnonzero(lengths)
    unit = vectors[met] / lengths[met, None]
    set_of = {word: name for name, members in synonym_sets().items() for word in members}
    group = np.array([set_of.get(words[row], "") for row in met])
    asked = np.flatnonzero(group != "")
    similarity = unit[asked] @ unit.T
    similarity[np.arange(len(asked)), asked] = -1
    nearest = np.argsort(-similarity, axis=1)[:, :5]
    precision = (group[nearest] == group[asked, None]).mean()
    chance = (group[asked, None] == group).mean()
    assert len(asked) > 300
    assert precision > 0.7
    assert precision > 10 * chance


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dim": 0}, "dim: found 0, allowed is 1 or more, below the 3 words"),
        ({"dim": 3}, "dim: found 3, allowed is 1 or more, below the 3 words"),
        ({"min_count": 4}, "min_count: 1 words occur at least 4 times, two are needed"),
        ({"subsample": 1e-12}, "no word has a neighbour: .* raise subsample"),
    ],
)
def test_settings_that_leave_nothing_to_train(change: dict[str, Any], message: str) -> None:
    ids, offsets = flat([[1, 2, 3, 1, 2], [2, 1, 2, 3]])
    counts = np.bincount(ids, minlength=SIZE)
    dim = change.pop("dim", 1)
    with pytest.raises(StudyError, match=message):
        train(ids, offsets, counts, recipe(**change), 2, dim, seed=1)


@pytest.mark.parametrize(
    ("key", "value"),
    [("window", "round"), ("alpha", -0.1), ("alpha", 1.5), ("shift", 0), ("min_count", 0),
     ("subsample", 1.1), ("eigenvalue_weighting", 2)],
)  # fmt: skip
def test_a_setting_out_of_range_is_refused(key: str, value: object) -> None:
    with pytest.raises(ValidationError, match=f"\n{key}\n"):
        recipe(**{key: value})


@pytest.mark.parametrize("kind", [Radius, Dim])
def test_a_radius_and_a_dimension_are_one_or_more(kind: Any) -> None:
    assert TypeAdapter(kind).validate_python(1) == 1
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        TypeAdapter(kind).validate_python(0)


@pytest.mark.parametrize("dim", [0, 39, 40])
def test_dimensions_that_the_matrix_cannot_give(dim: int) -> None:
    with pytest.raises(StudyError, match=f"dim: found {dim}, allowed is 1 or more, below the 39"):
        svd_vectors(csr_array(random_matrix(rank=39)), dim, 1)

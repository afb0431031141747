"""Windows against brute force; negatives against their definition."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sgns_study.artifacts import ArtifactError
from sgns_study.errors import StudyError
from sgns_study.kernels.random import kernel_state
from sgns_study.pairs import (
    Pairs,
    Windows,
    build_pairs,
    frame,
    lab_negatives,
    load_pairs,
    powers,
    save_pairs,
)
from tests.zipfian import expand, flat

SIZE = 200  # ids of the vocabulary


def brute_force(documents: list[list[int]], radius: int) -> list[tuple[int, list[int]]]:
    """Each centre with the tokens at distance 1 to R on both sides, 0 beyond the document."""
    return [
        (
            document[i],
            [
                document[j] if 0 <= j < len(document) else 0
                for j in range(i - radius, i + radius + 1)
                if j != i
            ],
        )
        for document in documents
        for i in range(len(document))
    ]


def small_pairs(radius: int = 2, negatives: int = 3, seed: int = 1) -> Pairs:
    """Pairs of a few short documents."""
    draw = np.random.default_rng(0)
    documents = [draw.integers(1, SIZE // 2, draw.integers(0, 12)).tolist() for _ in range(30)]
    return build_pairs(*flat(documents[:20]), *flat(documents[20:]), radius, negatives, SIZE, seed)


documents_of_ids = st.lists(st.lists(st.integers(1, SIZE - 1), max_size=9), min_size=1, max_size=6)


@given(documents_of_ids.filter(any), st.integers(1, 5))
def test_windows_equal_brute_force(documents: list[list[int]], radius: int) -> None:
    windows = frame(*flat(documents), radius, SIZE, "training")
    assert list(expand(windows)) == brute_force(documents, radius)


def test_windows_of_a_part_of_the_stream() -> None:
    """Offsets need not start at 0: documents cut out of a longer array are framed alike."""
    ids, offsets = flat([[9, 9], [1, 2, 3], [4]])
    windows = frame(ids, offsets[1:], 1, SIZE, "training")
    assert list(expand(windows)) == brute_force([[1, 2, 3], [4]], 1)


def test_validation_negatives_are_distinct_and_no_positive_of_their_batch() -> None:
    draw = np.random.default_rng(0)
    documents = [draw.integers(1, 40, 60).tolist() for _ in range(20)]  # 1200 centres, 3 batches
    pairs = build_pairs(*flat([[1]]), *flat(documents), 2, 3, SIZE, seed=1)
    positives = [set(around) for _, around in expand(pairs.validation)]
    assert pairs.validation_negatives.shape == (1200, 12)
    for start in range(0, 1200, 500):
        batch = set().union(*positives[start : start + 500])
        for row in pairs.validation_negatives[start : start + 500].tolist():
            assert len(set(row)) == len(row)
            assert batch.isdisjoint(row)


def test_negatives_are_uniform_over_the_allowed_ids() -> None:
    """Chi-squared of single ids, of places in the row, and of pairs of ids in one row."""
    windows = frame(*flat([[3, 5, 3, 7, 5, 3]]), 1, 13, "training")
    allowed = [token for token in range(13) if token not in (0, 3, 5, 7)]  # 0: pads at both ends
    centres = np.repeat(windows.centres, 5000)
    out = lab_negatives(windows, centres, 2, 13, kernel_state(1, "test"))
    for column in (out[:, 0], out[:, 1]):
        counts = np.bincount(column, minlength=13)
        assert counts[[0, 3, 5, 7]].sum() == 0
        assert stats.chisquare(counts[allowed]).pvalue > 1e-3
    ordered = [out[:, 0] * 13 + out[:, 1] == a * 13 + b for a in allowed for b in allowed if a != b]
    assert stats.chisquare([pair.sum() for pair in ordered]).pvalue > 1e-3
    assert not (out[:, 0] == out[:, 1]).any()


def test_negatives_of_noise_follow_counts_to_the_power_alpha() -> None:
    counts = np.array([0, 0, 400, 100, 25, 1])
    noise = powers(counts, 0.5)
    assert noise is not None
    assert noise.tolist() == [0, 0, 20, 10, 5, 1]
    assert powers(counts, 0).tolist() == [0, 0, 1, 1, 1, 1]
    assert powers(counts, None) is None
    documents = flat([[2, 3] * 500])
    pairs = build_pairs(*documents, *documents, 2, 3, 6, 1, noise)
    drawn = np.bincount(pairs.validation_negatives.ravel(), minlength=6)
    assert drawn.sum() == 1000 * 12
    assert drawn[:2].sum() == 0
    assert stats.chisquare(drawn[2:], noise[2:] / noise.sum() * drawn.sum()).pvalue > 1e-3


def test_the_pad_is_a_negative_only_where_no_window_has_it() -> None:
    inside = frame(*flat([list(range(1, 9))]), 1, 20, "training")
    state = kernel_state(1, "test")
    out = lab_negatives(inside, inside.centres[2:6], 9, 20, state)  # away from both ends: no pad
    assert (out == 0).any()
    out = lab_negatives(inside, inside.centres[:4], 9, 20, state)
    assert not (out == 0).any()


def test_a_draw_depends_on_the_state_alone() -> None:
    """A state that was saved and copied after a batch gives the next one."""
    windows = frame(*flat([list(range(1, 40))]), 2, SIZE, "training")
    batches = [windows.centres[i : i + 10] for i in range(0, 30, 10)]
    state = kernel_state(1, "test")
    for batch in batches:
        same = state.copy()
        first = lab_negatives(windows, batch, 8, SIZE, state)
        np.testing.assert_array_equal(first, lab_negatives(windows, batch, 8, SIZE, same))
        assert state == same


def test_same_seed_same_negatives_other_seed_others() -> None:
    first, again, other = (small_pairs(seed=seed).validation_negatives for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).mean() > 0.5


def test_save_and_load(tmp_path: Path) -> None:
    pairs = small_pairs(radius=3)
    save_pairs(tmp_path, pairs)
    loaded = load_pairs(tmp_path, SIZE)
    assert loaded.radius == 3
    assert list(expand(loaded.train)) == list(expand(pairs.train))
    assert list(expand(loaded.validation)) == list(expand(pairs.validation))
    np.testing.assert_array_equal(loaded.validation_negatives, pairs.validation_negatives)
    assert isinstance(loaded.train.stream, np.memmap)


def test_a_corpus_of_100000_reviews_fits() -> None:
    """27 million tokens at R = 10 take 6 bytes a token and 20 a document: under 200 MB."""
    windows = frame(*flat([[1] * 270] * 100), 10, 30_523, "training")
    bytes_per_document = (windows.stream.nbytes + windows.centres.nbytes) / 100
    assert bytes_per_document * 100_000 < 200e6


def test_errors_say_what_to_do(tmp_path: Path) -> None:
    some = flat([[1, 2, 3]])
    with pytest.raises(StudyError, match="the training documents hold no token"):
        build_pairs(*flat([[], []]), *some, 1, 1, SIZE, 1)
    with pytest.raises(StudyError, match=r"radius 2 needs 8 negatives .* only 6 of the 10 ids"):
        build_pairs(*some, *some, 2, 2, 10, 1)
    with pytest.raises(ArtifactError, match=r"train_stream\.npy: no such file"):
        load_pairs(tmp_path, SIZE)


def test_a_damaged_folder_is_refused(tmp_path: Path) -> None:
    pairs = small_pairs()
    save_pairs(tmp_path, pairs)
    cut = tmp_path / "train_stream.npy"
    cut.write_bytes(cut.read_bytes()[:-10])
    with pytest.raises(ArtifactError, match=r"train_stream\.npy: not a whole \.npy file"):
        load_pairs(tmp_path, SIZE)
    save_pairs(tmp_path, pairs)
    with pytest.raises(ArtifactError, match="or not to a vocabulary of 100: delete the folder"):
        load_pairs(tmp_path, 100)
    beyond = pairs.train.centres.copy()
    beyond[3] = len(pairs.train.stream) + 1  # what is read there is not the file's
    other = Windows(pairs.train.stream, beyond, pairs.radius)
    save_pairs(tmp_path, Pairs(other, pairs.validation, pairs.validation_negatives))
    with pytest.raises(ArtifactError, match="do not belong together"):
        load_pairs(tmp_path, SIZE)
    other = Windows(pairs.train.stream[:-1], pairs.train.centres, pairs.radius)
    save_pairs(tmp_path, Pairs(other, pairs.validation, pairs.validation_negatives))
    with pytest.raises(ArtifactError, match="do not belong together"):
        load_pairs(tmp_path, SIZE)

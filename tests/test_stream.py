"""The stream that windows form on, against its definition."""

import numpy as np
from scipy import stats

from sgns_study.kernels.random import kernel_state
from sgns_study.sgns import stream
from tests.zipfian import text

RADIUS = 3
AFTER = 7  # entries behind the last centre of a piece


def test_pieces_of_the_text_do_not_show(monkeypatch):
    ids, offsets, counts = text(3, documents=40)
    keep = stream.keep_probabilities(counts, 0.05)

    def joined(chunk):
        monkeypatch.setattr(stream, "CHUNK", chunk)
        draws = kernel_state(1, "x")
        parts = [p for p, _ in stream.framed(ids, offsets, keep, RADIUS, draws, AFTER)]
        return np.concatenate([part[RADIUS : len(part) - AFTER] for part in parts])

    whole = joined(10**6)
    assert np.count_nonzero(whole) < 0.9 * len(ids)
    for chunk in (1, 2, 7, 64):
        np.testing.assert_array_equal(joined(chunk), whole)


def test_documents_are_units():
    # Words 1 and 2 share documents, as do 3 and 4: no window may hold words of both.
    ids = np.tile(np.array([1, 2, 2, 1, 3, 4, 4, 3], np.int32), 20)
    offsets = np.arange(0, len(ids) + 1, 4)
    parts = list(stream.framed(ids, offsets, np.full(5, 2**32), 4, kernel_state(1, "x"), 4))
    (framed, _), *rest = parts
    assert not rest
    for p in np.flatnonzero(framed):
        near = framed[p - 4 : p + 5]
        assert set(near[near > 0]) <= ({1, 2} if framed[p] < 3 else {3, 4})


def test_common_words_stay_as_often_as_in_word2vec():
    counts = np.array([0, 90_000, 9_000, 900, 100, 3])
    kept = np.where(counts >= 5, counts, 0)
    share = counts / kept.sum()
    found = stream.keep_probabilities(kept, 1e-2) / 2**32
    expected = [min(1, (np.sqrt(f / 1e-2) + 1) * 1e-2 / f) for f in share[1:5]]
    np.testing.assert_allclose(found, [0, *expected, 0], atol=1e-9)
    np.testing.assert_array_equal(stream.keep_probabilities(kept, 0), (kept > 0) * 2**32)


def test_words_are_kept_as_often_as_their_probability_says():
    """Chi-squared of kept and deleted occurrences of each word, of two epochs."""
    counts = np.array([0, 60_000, 20_000, 5_000, 1_000, 3])
    ids = np.random.default_rng(0).permutation(np.repeat(np.arange(6), counts)).astype(np.uint16)
    kept_words = stream.kept_counts(counts, 5)
    keep = stream.keep_probabilities(kept_words, 0.02)
    share = kept_words[1:4] / kept_words.sum()
    expected = (np.sqrt(share / 0.02) + 1) * 0.02 / share  # of the three words above t
    found = []
    for epoch in (0, 1):
        draws = kernel_state(1, "subsample", epoch)
        pieces = stream.framed(ids, np.array([0, len(ids)]), keep, RADIUS, draws, AFTER)
        kept = np.bincount(
            np.concatenate([piece[RADIUS : len(piece) - AFTER] for piece, _ in pieces]), minlength=6
        )
        assert kept[4:].tolist() == [1_000, 0]  # below t; rarer than min_count
        observed = np.stack([kept[1:4], counts[1:4] - kept[1:4]])
        wanted = counts[1:4] * np.stack([expected, 1 - expected])
        statistic = ((observed - wanted) ** 2 / wanted).sum()
        assert stats.chi2.sf(statistic, df=3) > 1e-3
        found.append(kept.tolist())
    assert found[0] != found[1]

"""Probe words: their neighbours, and a map in which groups that belong together lie together."""

import numpy as np

from sgns_study.evaluation.probes import MAP, NEIGHBOURS, probe_neighbours, words_map

GROUPS = {"left": ["a", "b", "c", "d"], "right": ["e", "f", "g", "missing", "h"], "none": ["?"]}
WORDS = [*"abcdefghxyz"]


def table() -> np.ndarray:
    """Two bundles of directions, words a to d and e to h, and x to z anywhere; z is zero."""
    draws = np.random.default_rng(0)
    vectors = draws.normal(size=(11, 5)).astype(np.float32)
    vectors[:4, 0] += 9
    vectors[4:8, 1] += 9
    vectors[10] = 0
    return vectors


def test_neighbours_of_the_first_known_word_of_each_group() -> None:
    found = probe_neighbours(table(), WORDS, {**GROUPS, "late": ["missing", "z", "h"]})
    assert list(found.columns) == NEIGHBOURS
    assert found["word"].unique().tolist() == ["a", "e", "h"]  # z has no direction
    nearest = found[found["word"] == "a"]
    assert nearest["rank"].tolist() == list(range(1, 10))
    assert set(nearest["neighbour"][:3]) == {"b", "c", "d"}
    assert (np.diff(nearest["cosine"]) <= 0).all()


def test_the_map_keeps_groups_together_and_is_the_same_again() -> None:
    found = words_map(table(), WORDS, GROUPS, seed=1)
    assert list(found.columns) == MAP
    assert found["word"].tolist() == [*"abcdefgh"]
    places = found[["x", "y"]].to_numpy()
    distance = np.linalg.norm(places[:, None] - places, axis=2)
    same = (found["group"].to_numpy()[:, None] == found["group"].to_numpy()) & ~np.eye(
        8, dtype=bool
    )
    assert distance[same].max() < distance[:4, 4:].min()
    again = words_map(table(), WORDS, GROUPS, seed=1)
    assert found.equals(again)


def test_too_few_words_make_no_map() -> None:
    assert words_map(table(), WORDS, {"left": ["a", "b", "missing"]}, seed=1).empty
    assert probe_neighbours(table(), WORDS, {"none": ["?"]}).empty

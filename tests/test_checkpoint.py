"""A checkpoint is whole and of the same run, or it is refused."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from sgns_study.artifacts import ArtifactError
from sgns_study.sgns.checkpoint import Checkpoint, remove
from sgns_study.sgns.state import State, initial_state

RUN = {"dim": 20, "alpha": 0.75, "text_sha256": "12ab"}
Size = tuple[int, int, int, int]


@pytest.fixture
def state() -> State:
    made = initial_state(9, 20, radius=3, seed=1, threads=2)
    made.context[:] = np.arange(32)
    made.left[1] = np.minimum(np.arange(10), 8)
    made.read[1], made.sums[1] = 11, (0.1, 3)
    made.losses, made.held_out = [1 / 3], [0.1, 0.7]
    return made


def save(path: Path, state: State) -> None:
    Checkpoint(path, RUN, 0).save(state)


def load(path: Path, run: Mapping[str, object] = RUN, size: Size = (9, 50, 20, 2)) -> State | None:
    """The state of training on so many words and tokens, at a dimension, on so many threads."""
    words, tokens, dim, threads = size
    checkpoint = Checkpoint(path, run, 0)
    arrays = checkpoint.load()
    if arrays is None:
        return None
    state = initial_state(words, dim, radius=3, seed=1, threads=threads)
    checkpoint.restore(arrays, state, tokens)
    return state


def assert_equal(a: State, b: State) -> None:
    for field in fields(State):
        found, expected = getattr(a, field.name), getattr(b, field.name)
        assert type(found) is type(expected)
        np.testing.assert_array_equal(found, expected)
        assert np.asarray(found).dtype == np.asarray(expected).dtype


def test_a_state_comes_back_whole(tmp_path: Path, state: State) -> None:
    path = tmp_path / "checkpoint"
    assert load(path) is None
    save(path, state)
    found = load(path)
    assert found is not None
    assert_equal(found, state)
    assert found.centre.ctypes.data % 64 == 0  # rows on cache lines, as in the initial tables
    (tmp_path / ".checkpoint.part").touch()  # of a run killed while it saved
    remove(path)
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_of_another_run_is_refused(tmp_path: Path, state: State) -> None:
    path = tmp_path / "checkpoint"
    save(path, state)
    with pytest.raises(ArtifactError, match=r"another run: alpha was 0.75 and is 1: delete it"):
        load(path, {**RUN, "alpha": 1})
    with pytest.raises(ArtifactError, match=r"text_sha256 was '12ab' and is '34cd'"):
        load(path, {**RUN, "text_sha256": "34cd"})


def test_no_damage_goes_unseen(tmp_path: Path, state: State) -> None:
    path = tmp_path / "checkpoint"
    save(path, state)
    whole = path.read_bytes()
    for size in range(0, len(whole), 97):
        path.write_bytes(whole[:size])
        with pytest.raises(ArtifactError, match=r"not a whole checkpoint.*delete it"):
            load(path)
    refused = 0
    for at in range(0, len(whole), 13):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        try:
            found = load(path)
        except ArtifactError:
            refused += 1
        else:  # a date, say
            assert found is not None
            assert_equal(found, state)
    assert refused > len(whole) / 13 / 2
    np.save(tmp_path / "array.npy", np.arange(3))
    with pytest.raises(ArtifactError, match="not a whole checkpoint"):
        load(tmp_path / "array.npy")


@pytest.mark.parametrize("size", [(10, 50, 20, 2), (9, 10, 20, 2), (9, 50, 40, 2), (9, 50, 20, 1)])
def test_a_state_of_another_size_is_refused(tmp_path: Path, state: State, size: Size) -> None:
    """Of 9 words and dimension 20 on two threads, 11 tokens read."""
    path = tmp_path / "checkpoint"
    save(path, state)
    assert load(path, size=(9, 50, 20, 2))
    with pytest.raises(ArtifactError, match=r"a whole checkpoint \(its arrays do not fit"):
        load(path, size=size)


def test_it_is_saved_when_the_time_has_come(
    tmp_path: Path, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter([0, 1, 9.9, 10, 10.5, 19, 20.5, 20.6, 21])  # read again after each save
    monkeypatch.setattr("sgns_study.sgns.checkpoint.time.monotonic", lambda: next(times))
    path, saved = tmp_path / "checkpoint", []
    checkpoint = Checkpoint(path, RUN, 10)
    for _ in range(6):
        checkpoint.save_if_due(state)
        saved.append(path.exists())
        path.unlink(missing_ok=True)
    assert saved == [False, False, True, False, True, False]

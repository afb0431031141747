"""What the training of word2vec's recipe changes: the two tables, and how far the text is read."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sgns_study.kernels.random import kernel_state
from sgns_study.kernels.simd import LINE, aligned
from sgns_study.kernels.word2vec import AHEAD
from sgns_study.randomness import generator

BLOCK = 1024  # rows initialised at a time
DRAWS = ("subsample", "windows", "negatives")  # what is drawn at random, each from its own state


@dataclass
class State:
    """The state of training between two rounds, from which all that follows is determined.

    The text is read in N shards, each from its own position on.
    """

    centre: NDArray[np.float32]  # (V, d rounded up), as of `initial_tables`
    context: NDArray[np.float32]
    read: NDArray[np.int64]  # (N,) tokens read in this epoch
    draws: NDArray[np.uint64]  # (N, 3) random states, in the order of DRAWS
    left: NDArray[np.int32]  # (N, 2R + AHEAD) what the next piece begins with, once some are read
    sums: NDArray[np.float64]  # (N, 2) Σ weight·loss and Σ weight in this epoch
    losses: list[float]  # of each finished epoch
    held_out: list[float]  # before training and after each epoch, if documents are held out

    def tokens(self, text: int) -> int:
        """Tokens read in all epochs so far of a text with `text` tokens."""
        return len(self.losses) * text + int(self.read.sum())

    def begin_epoch(self, seed: int) -> None:
        """Go to the beginning of all shards, with the random states of the next epoch."""
        self.read[:], self.sums[:] = 0, 0
        for shard in range(len(self.read)):
            self.draws[shard] = random_states(seed, len(self.losses), shard)


def initial_state(
    vocabulary_size: int, dim: int, radius: int, seed: int, threads: int = 1
) -> State:
    """The state before the first round, with a shard for each thread."""
    state = State(
        *initial_tables(vocabulary_size, dim, seed),
        read=np.zeros(threads, np.int64),
        draws=np.zeros((threads, len(DRAWS)), np.uint64),
        left=np.zeros((threads, 2 * radius + AHEAD), np.int32),
        sums=np.zeros((threads, 2)),
        losses=[],
        held_out=[],
    )
    state.begin_epoch(seed)
    return state


def random_states(seed: int, *purpose: int | str) -> NDArray[np.uint64]:
    """The states, (3,), of the draws in DRAWS."""
    return np.concatenate([kernel_state(seed, name, *purpose) for name in DRAWS])


def initial_tables(
    vocabulary_size: int, dim: int, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Centre U(±0.5/d), context zero, float32 (V, d rounded up to a cache line), row 0 zero."""
    width = -(-dim // LINE) * LINE
    centre, context = aligned(vocabulary_size, width), aligned(vocabulary_size, width)
    draws = generator(seed, "initial", "word2vec")
    for start in range(0, vocabulary_size, BLOCK):  # in the cache, without a third table
        rows = centre[start : start + BLOCK, :dim]
        rows[:] = (draws.random(rows.shape, np.float32) - np.float32(0.5)) / np.float32(dim)
    centre[0] = 0
    return centre, context

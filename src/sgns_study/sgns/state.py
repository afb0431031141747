"""What the training of word2vec's recipe changes: the two tables, and how far the text is read."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sgns_study.kernels.simd import LINE, aligned
from sgns_study.randomness import generator, kernel_state

BLOCK = 1024  # rows initialised at a time
DRAWS = ("subsample", "windows", "negatives")  # what is drawn at random, each from its own state


@dataclass
class Position:
    """How far a shard of the text has been read in an epoch."""

    read: int  # tokens
    draws: NDArray[np.uint64]  # (3,) random states, in the order of DRAWS
    left: NDArray[np.int32]  # entries of the stream that the next piece begins with
    sums: NDArray[np.float64]  # (2,) Σ weight·loss and Σ weight


@dataclass
class State:
    """The state of training between two rounds, from which all that follows is determined."""

    centre: NDArray[np.float32]  # (V, d rounded up), as of `initial_tables`
    context: NDArray[np.float32]
    positions: list[Position]  # one for each shard
    losses: list[float]  # of each finished epoch
    held_out: list[float]  # before training and after each epoch, if documents are held out

    def tokens(self, text: int) -> int:
        """Tokens read in all epochs so far of a text with `text` tokens."""
        return len(self.losses) * text + sum(position.read for position in self.positions)

    def sums(self) -> NDArray[np.float64]:
        """(2,) Σ weight·loss and Σ weight in this epoch."""
        return np.sum([position.sums for position in self.positions], axis=0)


def initial_state(
    vocabulary_size: int, dim: int, radius: int, seed: int, threads: int = 1
) -> State:
    """The state before the first round."""
    tables = initial_tables(vocabulary_size, dim, seed)
    return State(*tables, initial_positions(radius, seed, 0, threads), [], [])


def initial_positions(radius: int, seed: int, epoch: int, threads: int) -> list[Position]:
    """The positions of all shards before an epoch."""
    left = np.zeros(radius, np.int32)
    return [Position(0, random_states(seed, epoch, n), left, np.zeros(2)) for n in range(threads)]


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


def copies(
    table: NDArray[np.float32], number: int, rows: NDArray[np.int64] | slice = slice(None)
) -> NDArray[np.float32]:
    """Aligned copies of some rows of a table, float32 (number, V, width), all others zero."""
    made = aligned(number * len(table), table.shape[1]).reshape(number, *table.shape)
    for copy in made:
        copy[rows] = table[rows]
    return made

"""Random numbers inside compiled loops."""

import numpy as np
from numba import njit, uint64
from numpy.typing import NDArray

from sgns_study.randomness import generator


def kernel_state(seed: int, *purpose: str | int) -> NDArray[np.uint64]:
    """State, shape (1,), for `next_uint64` inside compiled loops."""
    return generator(seed, *purpose).integers(0, 2**64, size=1, dtype=np.uint64)


@njit(inline="always")
def next_uint64(state):  # type: ignore[no-untyped-def]  # numba infers the types
    """Advance `state` (uint64, shape (1,)) and return 64 random bits (SplitMix64, Steele 2014)."""
    state[0] += uint64(0x9E3779B97F4A7C15)
    z = state[0]
    z = (z ^ (z >> uint64(30))) * uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> uint64(27))) * uint64(0x94D049BB133111EB)
    return z ^ (z >> uint64(31))


@njit(inline="always")
def below(state, bound):  # type: ignore[no-untyped-def]  # numba infers the types
    """Uniform integer in [0, bound), bound < 2^32, by multiply and shift (Lemire 2019).

    The bias of one outcome is below bound / 2^32 relative, under 1e-5 for any vocabulary here.
    """
    return (uint64(next_uint64(state) >> uint64(32)) * uint64(bound)) >> uint64(32)

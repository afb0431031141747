"""One seed, many independent random streams, each named for what it decides.

Streams are named so that variants which must share a draw (the split, the order, the initial
weights of one seed) share it by naming the same stream, and nothing else moves when a new draw
is added somewhere.
"""

from zlib import crc32

import numpy as np


def generator(seed: int, *purpose: str | int) -> np.random.Generator:
    """NumPy generator for one purpose of one seed, e.g. `generator(1, "order", "classifier")`.

    Streams of different purposes are independent (`numpy.random.SeedSequence`); the same
    arguments give the same stream on every machine.
    """
    words = [part if isinstance(part, int) else crc32(part.encode()) for part in purpose]
    return np.random.default_rng(np.random.SeedSequence([seed, *words]))

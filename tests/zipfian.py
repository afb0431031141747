"""Small texts for the tests of what learns from a token stream."""

import numpy as np


def text(seed=0, documents=12, words=15, longest=30):
    """Zipfian documents, some empty: ids, offsets, counts."""
    draws = np.random.default_rng(seed)
    offsets = np.concatenate([[0], np.cumsum(draws.integers(0, longest, documents))])
    share = 1 / np.arange(1, words)
    ids = 1 + draws.choice(words - 1, offsets[-1], p=share / share.sum()).astype(np.uint16)
    return ids, offsets, np.bincount(ids, minlength=words)


def flat(documents):
    """Documents, lists of ids, as ids and offsets."""
    offsets = np.cumsum([0, *map(len, documents)])
    return np.array([token for document in documents for token in document], np.uint16), offsets


def expand(windows):
    """Each centre's id with its 2R positives from left to right, pads (0) included."""
    stream, radius = windows.stream, windows.radius
    for p in windows.centres:
        around = np.concatenate([stream[p - radius : p], stream[p + 1 : p + radius + 1]])
        yield int(stream[p]), around.tolist()

"""Token stream → the windows a radius gives, and the fixed validation task.

A window is never written out: the documents lie in one stream, framed and separated by R pads (id
0), so that the positives of the centre at position p are `stream[p-R:p]` and `stream[p+1:p+R+1]`,
pads included, without a test for borders. Only positions are stored, 4 bytes a centre.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sgns_study.artifacts import ArtifactError, read_array, write_array
from sgns_study.errors import StudyError
from sgns_study.randomness import below, generator, kernel_state

VALIDATION_BATCH = 500  # centres whose positives the validation negatives avoid together


class PairsError(StudyError):
    """The pairs asked for cannot be made; the message says which parameter to change."""


@dataclass(frozen=True)
class Windows:
    """The windows of one radius.

    stream: uint16 or uint32, documents with R pads before, between and after them;
    centres: int32 or int64, positions in the stream; radius: R.
    """

    stream: NDArray[Any]
    centres: NDArray[Any]
    radius: int

    def __len__(self) -> int:
        """Number of centres."""
        return len(self.centres)


@dataclass(frozen=True)
class Pairs:
    """Training and validation windows of one radius, and the fixed validation negatives.

    validation_negatives: uint16 or uint32 (n_validation_centres, 2 R K).
    """

    train: Windows
    validation: Windows
    validation_negatives: NDArray[Any]

    @property
    def radius(self) -> int:
        """Context radius R, in tokens on each side."""
        return self.train.radius


def build_pairs(
    train_ids: NDArray[Any],
    train_offsets: NDArray[np.int64],
    validation_ids: NDArray[Any],
    validation_offsets: NDArray[np.int64],
    radius: int,
    negatives: int,
    vocabulary_size: int,
    seed: int,
    noise: NDArray[np.float64] | None = None,
) -> Pairs:
    """Windows of both parts and, drawn once, `negatives` (K) per positive for validation.

    Document i of a part is `ids[offsets[i]:offsets[i + 1]]`. Negatives are drawn from `noise` (V,),
    weights that need not sum to one, or without it as the lab draws them in training, over batches
    of 500 consecutive centres.
    Raises PairsError if a part has no token, an id is outside the vocabulary, or the vocabulary
    is too small for the negatives.
    """
    train = frame(train_ids, train_offsets, radius, vocabulary_size, "training")
    validation = frame(validation_ids, validation_offsets, radius, vocabulary_size, "validation")
    drawn = np.empty((len(validation), 2 * radius * negatives), validation.stream.dtype)
    purpose = (seed, "negatives", "validation", radius)
    if noise is not None:
        share = noise / noise.sum()
        drawn[:] = generator(*purpose).choice(vocabulary_size, drawn.shape, p=share)
        return Pairs(train, validation, drawn)
    drawer = NegativeDrawer(vocabulary_size, kernel_state(*purpose))
    for start in range(0, len(validation), VALIDATION_BATCH):
        batch = slice(start, start + VALIDATION_BATCH)
        drawer.draw(validation, validation.centres[batch], drawn[batch])
    return Pairs(train, validation, drawn)


def powers(counts: NDArray[np.int64], alpha: float | None) -> NDArray[np.float64] | None:
    """Weights counts^α of what occurs, zero for the rest; None without α."""
    if alpha is None:
        return None
    return np.where(counts > 0, np.where(counts > 0, counts, 1.0) ** alpha, 0)


def frame(
    ids: NDArray[Any], offsets: NDArray[np.int64], radius: int, vocabulary_size: int, part: str
) -> Windows:
    """Documents set into pads so that every centre has 2R positives; empty ones leave no trace."""
    lengths = np.diff(offsets)
    lengths = lengths[lengths > 0]
    tokens = np.asarray(ids[offsets[0] : offsets[-1]])
    if len(tokens) == 0:
        raise PairsError(
            f"the {part} documents hold no token, so no window: use documents with text"
        )
    if tokens.min() < 0 or tokens.max() >= vocabulary_size:
        raise PairsError(
            f"the {part} documents hold ids {tokens.min()} to {tokens.max()}, but the vocabulary "
            f"has ids 0 to {vocabulary_size - 1}: tokenize again with this vocabulary"
        )
    size = len(tokens) + radius * (len(lengths) + 1)
    position = np.int32 if size < 2**31 else np.int64
    pads_before = radius * np.arange(1, len(lengths) + 1, dtype=position)
    centres = np.arange(len(tokens), dtype=position) + np.repeat(pads_before, lengths)
    stream = np.zeros(size, id_type(vocabulary_size))
    stream[centres] = tokens
    return Windows(stream, centres, radius)


def id_type(vocabulary_size: int) -> type[np.unsignedinteger[Any]]:
    """The smallest type that holds every id."""
    return np.uint16 if vocabulary_size <= 2**16 else np.uint32


def expand(windows: Windows) -> Iterator[tuple[int, list[int]]]:
    """Each centre's id with its 2R positives from left to right, pads (0) included."""
    stream, radius = windows.stream, windows.radius
    for p in windows.centres:
        around = np.concatenate([stream[p - radius : p], stream[p + 1 : p + radius + 1]])
        yield int(stream[p]), around.tolist()


class NegativeDrawer:
    """Draws negatives: per centre without replacement, never a positive of the batch."""

    def __init__(self, vocabulary_size: int, state: NDArray[np.uint64]) -> None:
        """`state` (`randomness.kernel_state`) moves on with every draw."""
        self.state = state
        self._positive = np.zeros(vocabulary_size, np.bool_)
        self._allowed = np.zeros(vocabulary_size, np.int32)

    def draw(self, windows: Windows, centres: NDArray[Any], out: NDArray[Any]) -> None:
        """Fill `out` (len(centres), 2RK) for a batch of positions.

        Raises PairsError if fewer than 2RK ids occur in no positive of the batch.
        """
        found = draw_negatives(
            windows.stream,
            centres,
            windows.radius,
            self._positive,
            self._allowed,
            self.state,
            out,
        )
        if found < out.shape[1]:
            raise PairsError(
                f"negatives: radius {windows.radius} needs {out.shape[1]} negatives per centre, "
                f"all different, but only {found} of the {len(self._allowed)} ids of the "
                f"vocabulary occur in no positive of a batch of {len(centres)} centres: lower "
                "negatives, batch or radius, or enlarge the vocabulary"
            )


@njit(cache=True)
def draw_negatives(  # type: ignore[no-untyped-def]  # numba infers the types
    stream, centres, radius, positive, allowed, state, out
):
    """Draw per row of `out` from the ids that are no positive; returns how many ids those are.

    A partial Fisher–Yates shuffle per row: uniform whatever order the row before has left, so the
    list of allowed ids is made once a batch. `positive` and `allowed` are scratch, one entry an id.
    """
    positive[:] = False
    for p in centres:
        for offset in range(1, radius + 1):
            positive[stream[p - offset]] = True
            positive[stream[p + offset]] = True
    found = 0
    for token in range(len(positive)):
        if not positive[token]:
            allowed[found] = token
            found += 1
    wanted = out.shape[1]
    if found >= wanted:
        for i in range(len(centres)):
            for k in range(wanted):
                other = k + np.int64(below(state, found - k))
                token = allowed[other]
                allowed[other] = allowed[k]
                allowed[k] = token
                out[i, k] = token
    return found


FILES = ("train_stream", "train_centres", "validation_stream", "validation_centres")
NEGATIVES = "validation_negatives"


def save_pairs(folder: Path, pairs: Pairs) -> None:
    """Write the arrays of `pairs` as .npy files into `folder`."""
    train, validation = pairs.train, pairs.validation
    arrays = (train.stream, train.centres, validation.stream, validation.centres)
    for name, array in zip((*FILES, NEGATIVES), (*arrays, pairs.validation_negatives), strict=True):
        write_array(folder / f"{name}.npy", array)


def load_pairs(folder: Path, vocabulary_size: int) -> Pairs:
    """Read what `save_pairs` wrote, memory-mapped.

    Raises ArtifactError if a file is missing, cut short, or does not fit the others or the
    vocabulary.
    """
    arrays = [read_array(folder / f"{name}.npy") for name in FILES]
    negatives = read_array(folder / f"{NEGATIVES}.npy", ndim=2)
    train_stream, train_centres, stream, centres = arrays
    # The first centre has only its R pads before it, the last one only R pads after it.
    radii = {
        side
        for s, c in ((train_stream, train_centres), (stream, centres))
        for side in ((int(c[0]), len(s) - 1 - int(c[-1])) if len(c) else ())
    }
    if (
        len(radii) != 1
        or min(radii) < 1
        or len(negatives) != len(centres)
        or negatives.shape[1] % (2 * min(radii))
        or not all(are_ids(array, vocabulary_size) for array in (train_stream, stream, negatives))
        or not (rising(train_centres) and rising(centres))
    ):
        raise ArtifactError(
            f"{folder}: its files do not belong together, or not to a vocabulary of "
            f"{vocabulary_size}: delete the folder and build the pairs again"
        )
    radius = radii.pop()
    return Pairs(
        Windows(train_stream, train_centres, radius), Windows(stream, centres, radius), negatives
    )


def are_ids(array: NDArray[Any], vocabulary_size: int) -> bool:
    """Whether all numbers are rows of a table of the vocabulary."""
    return array.dtype.kind == "u" and bool(array.max(initial=0) < vocabulary_size)


def rising(positions: NDArray[Any]) -> bool:
    """Whether each lies behind the one before, so that all lie between the first and the last."""
    return bool(np.all(positions[1:] > positions[:-1]))

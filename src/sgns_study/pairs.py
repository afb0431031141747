"""From token ids to the windows of one radius, and the fixed validation task.

The windows are never written out. The documents lie in one stream with R pads (id 0) before,
between and after them, so that the 2R positives of the centre at position p are `stream[p-R:p]` and
`stream[p+1:p+R+1]`. Where a window reaches over the border of its document it meets pads, which
count as positives, as in the lab. Only the positions of the centres are stored, 4 bytes each.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sgns_study.artifacts import ArtifactError, read_array, write_array
from sgns_study.errors import StudyError
from sgns_study.kernels.random import below, kernel_state
from sgns_study.randomness import generator

VALIDATION_BATCH = 500  # centres whose positives the validation negatives avoid together
FILES = ("train_stream", "train_centres", "validation_stream", "validation_centres")
NEGATIVES = "validation_negatives"


@dataclass(frozen=True)
class Windows:
    """The windows of one radius R.

    stream: uint16 or uint32, the documents with R pads before, between and after them;
    centres: int32 or int64, the positions of the centres in the stream, ascending.
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

    validation_negatives: uint16 or uint32 (validation centres, 2RK), K a positive.
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
    """Lay out the windows of both parts, and draw K = `negatives` per positive for validation.

    Document i of a part is `ids[offsets[i]:offsets[i + 1]]`. With `noise` (V,), weights that need
    not sum to one, the negatives follow these weights. Without it they are drawn as the lab recipe
    draws them in training (`lab_negatives`), for batches of 500 consecutive centres.
    Raises StudyError if a part has no token, or the vocabulary is too small for the negatives.
    """
    train = frame(train_ids, train_offsets, radius, vocabulary_size, "training")
    validation = frame(validation_ids, validation_offsets, radius, vocabulary_size, "validation")
    shape = (len(validation), 2 * radius * negatives)
    purpose = (seed, "negatives", "validation", radius)
    drawn = np.empty(shape, validation.stream.dtype)
    if noise is not None:
        drawn[:] = generator(*purpose).choice(vocabulary_size, shape, p=noise / noise.sum())
        return Pairs(train, validation, drawn)
    state = kernel_state(*purpose)
    for start in range(0, len(validation), VALIDATION_BATCH):
        batch = slice(start, start + VALIDATION_BATCH)
        centres = validation.centres[batch]
        drawn[batch] = lab_negatives(validation, centres, shape[1], vocabulary_size, state)
    return Pairs(train, validation, drawn)


def frame(
    ids: NDArray[Any], offsets: NDArray[np.int64], radius: int, vocabulary_size: int, part: str
) -> Windows:
    """Set documents between pads so that every centre has 2R positives; drop empty documents."""
    lengths = np.diff(offsets)
    lengths = lengths[lengths > 0]
    tokens = np.asarray(ids[offsets[0] : offsets[-1]])
    check_tokens(tokens, part)
    size = len(tokens) + radius * (len(lengths) + 1)
    position = np.int32 if size < 2**31 else np.int64
    pads_before = radius * np.arange(1, len(lengths) + 1, dtype=position)  # (documents,)
    centres = np.arange(len(tokens), dtype=position) + np.repeat(pads_before, lengths)
    stream = np.zeros(size, id_type(vocabulary_size))
    stream[centres] = tokens
    return Windows(stream, centres, radius)


def check_tokens(tokens: NDArray[Any], part: str) -> None:
    """Raise StudyError if a part has no token."""
    if len(tokens) == 0:
        raise StudyError(
            f"the {part} documents hold no token, so no window: use documents with text"
        )


def powers(counts: NDArray[np.int64], alpha: float | None) -> NDArray[np.float64] | None:
    """Noise weights counts^α of the words that occur, zero for the others; None without α."""
    if alpha is None:
        return None
    return np.where(counts > 0, np.where(counts > 0, counts, 1.0) ** alpha, 0)


def id_type(vocabulary_size: int) -> type[np.unsignedinteger[Any]]:
    """The smallest type that holds every id."""
    return np.uint16 if vocabulary_size <= 2**16 else np.uint32


def lab_negatives(
    windows: Windows,
    centres: NDArray[Any],
    wanted: int,
    vocabulary_size: int,
    state: NDArray[np.uint64],
) -> NDArray[Any]:
    """The negatives of a batch of centres (B,), drawn as the lab does: ids (B, `wanted`).

    The `wanted` = 2RK negatives of a centre are all different, and each is drawn uniformly from the
    ids that are a positive of no centre of the batch; the pad is one of them where no window meets
    a pad. `state` (`kernels.random.kernel_state`) moves on with every draw. Raises StudyError if
    there are fewer such ids.
    """
    out = np.empty((len(centres), wanted), id_type(vocabulary_size))
    radius = windows.radius
    found = draw_negatives(windows.stream, centres, radius, vocabulary_size, state, out)
    if found < wanted:
        raise StudyError(
            f"negatives: radius {radius} needs {wanted} negatives per centre, all different, "
            f"but only {found} of the {vocabulary_size} ids of the vocabulary occur in no "
            f"positive of a batch of {len(centres)} centres: lower negatives, batch or radius, "
            "or enlarge the vocabulary"
        )
    return out


@njit(cache=True)
def draw_negatives(  # type: ignore[no-untyped-def]  # numba infers the types
    stream, centres, radius, vocabulary_size, state, out
):
    """Fill each row of `out` (B, 2RK) with different ids that are no positives of the batch.

    A row is the start of a Fisher–Yates shuffle of the allowed ids. Whatever order the row before
    has left them in, the draw is uniform, so they are listed once a batch. Returns the number of
    allowed ids; if they are too few for a row, nothing is drawn.
    """
    positive = np.zeros(vocabulary_size, np.bool_)
    for p in centres:  # (B,)
        for offset in range(1, radius + 1):
            positive[stream[p - offset]] = True
            positive[stream[p + offset]] = True
    allowed = np.flatnonzero(~positive).astype(np.int32)  # (A,)
    wanted = out.shape[1]
    if len(allowed) >= wanted:
        for i in range(len(centres)):
            for k in range(wanted):
                other = k + np.int64(below(state, len(allowed) - k))  # k ≤ other < A
                token = allowed[other]
                allowed[other] = allowed[k]
                allowed[k] = token
                out[i, k] = token
    return len(allowed)


def save_pairs(folder: Path, pairs: Pairs) -> None:
    """Write the arrays of `pairs` as .npy files into `folder`."""
    parts = (pairs.train, pairs.validation)
    arrays = [array for part in parts for array in (part.stream, part.centres)]
    for name, array in zip((*FILES, NEGATIVES), [*arrays, pairs.validation_negatives], strict=True):
        write_array(folder / f"{name}.npy", array)


def load_pairs(folder: Path, vocabulary_size: int) -> Pairs:
    """Open what `save_pairs` wrote; the arrays stay on disk, memory-mapped.

    Raises ArtifactError unless all windows lie inside their streams and all ids have a row.
    """
    train_stream, train_centres, stream, centres = (
        read_array(folder / f"{name}.npy") for name in FILES
    )
    negatives = read_array(folder / f"{NEGATIVES}.npy", ndim=2)
    radius = int(train_centres[0]) if len(train_centres) else 0  # R pads are before the first one
    train = Windows(train_stream, train_centres, radius)
    validation = Windows(stream, centres, radius)
    fits = len(negatives) == len(validation) > 0 < radius and negatives.shape[1] % (2 * radius) == 0
    for part in (train, validation):
        ends = radius, len(part.stream) - 1 - radius
        fits = fits and (part.centres[0], part.centres[-1]) == ends
        fits = fits and bool(np.all(part.centres[1:] > part.centres[:-1]))
    for ids in (train.stream, validation.stream, negatives):
        fits = fits and ids.dtype.kind == "u" and bool(ids.max(initial=0) < vocabulary_size)
    if not fits:
        raise ArtifactError(
            f"{folder}: its files do not belong together, or not to a vocabulary of "
            f"{vocabulary_size}: delete the folder and build the pairs again"
        )
    return Pairs(train, validation, negatives)

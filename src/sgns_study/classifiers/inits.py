"""The embeddings that classifiers start from: trained vectors, random ones, and controls between.

The controls tell what the vectors *mean* from what they are as numbers. With E the trained table,
rows of words that its text has taken by themselves and the others by themselves:

- `shuffled`: the rows of E permuted among words. Every number stays, no word keeps its vector.
- `random_matched`: N(μ_j, s_j²) in coordinate j, with the mean and deviation of E's column j.
- `frozen`, `frozen_random`: E, and N(0, 1), not trained with the classifier.

A scale x multiplies a table such that the standard deviation of all entries of the words that the
text has is x. All random numbers come from streams that are named for the seed, so that
`random_matched` is an affine map of `random`.
"""

import numpy as np
from numpy.typing import NDArray

from sgns_study.errors import StudyError
from sgns_study.randomness import generator
from sgns_study.sgns.vectors import Vectors
from sgns_study.tokens import PAD_ID

Table = NDArray[np.float32]


class InitError(StudyError):
    """The embedding cannot be made from what was given; the message says the remedy."""


def initial_table(
    init: str,
    vectors: Vectors | None,
    vocabulary: list[str],
    dim: int,
    seed: int,
    scale: float | None = None,
) -> Table:
    """Embedding float32 (V, d) of one of `params.Init`, rescaled if so asked; the pad has zeros.

    Raises InitError if the init needs vectors and there are none, or they do not fit.
    """
    rows = np.ones(len(vocabulary), np.bool_)
    if init in ("random", "frozen_random"):
        table = random_table(len(vocabulary), dim, seed)
    else:
        if vectors is None:
            raise InitError(f"the initial embedding {init!r} is made from vectors: give --vectors")
        table = pretrained_table(vectors, vocabulary, dim)
        if vectors.counts is not None:
            rows = vectors.counts > 0
        if init == "shuffled":
            table = shuffled_table(table, rows, seed)
        elif init == "random_matched":
            table = matched_table(table, rows, seed)
    rows[PAD_ID] = False
    return table if scale is None else rescaled(table, rows, scale)


def is_frozen(init: str) -> bool:
    """Whether the embedding is left as it starts."""
    return init.startswith("frozen")


def pretrained_table(vectors: Vectors, vocabulary: list[str], dim: int) -> Table:
    """Embedding (V, d) that starts from trained centre vectors, its padding row zero.

    Raises InitError if the vectors are of another vocabulary or dim, or not finite.
    """
    if vectors.vocabulary != vocabulary or vectors.centre.shape[1] != dim:
        raise InitError(
            f"the vectors have {len(vectors.vocabulary)} words and dim {vectors.centre.shape[1]}, "
            f"the token stream has {len(vocabulary)} words and dim {dim} is asked for: take the "
            "vectors that were trained on this token stream at this dim"
        )
    if not np.isfinite(vectors.centre).all():
        raise InitError(
            "the vectors hold values that are not finite: train them again at a lower learning rate"
        )
    table = vectors.centre.copy()
    table[PAD_ID] = 0
    return table


def random_table(vocabulary_size: int, dim: int, seed: int) -> Table:
    """Embedding (V, d) from N(0, 1), as `nn.Embedding` starts, its padding row zero."""
    draw = generator(seed, "classifier", "embedding")
    table = draw.standard_normal((vocabulary_size, dim), dtype=np.float32)
    table[PAD_ID] = 0
    return table


def shuffled_table(table: Table, rows: NDArray[np.bool_], seed: int) -> Table:
    """The table with its rows permuted: those of `rows` (V,) and the others, the pad's never."""
    draw = generator(seed, "classifier", "shuffled")
    result = table.copy()
    for part in parts(rows):
        result[part] = table[draw.permutation(part)]
    return result


def matched_table(table: Table, rows: NDArray[np.bool_], seed: int) -> Table:
    """Normal rows with the mean and standard deviation that each column has over either part."""
    result = random_table(len(table), table.shape[1], seed)
    for part in parts(rows):
        if len(part):
            mean, deviation = table[part].mean(0, np.float64), table[part].std(0, np.float64)
            result[part] = (mean + deviation * result[part]).astype(np.float32)
    return result


def parts(rows: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The ids that the text has and those that it has not, without the pad."""
    others = ~rows
    others[PAD_ID] = False
    own = rows.copy()
    own[PAD_ID] = False
    return np.flatnonzero(own), np.flatnonzero(others)


def rescaled(table: Table, rows: NDArray[np.bool_], scale: float) -> Table:
    """The table times the factor that brings the entries of `rows` to a standard deviation.

    Raises InitError if they are all alike.
    """
    deviation = float(table[rows].std(dtype=np.float64))
    if deviation == 0:
        raise InitError("all entries of the vectors are the same: train others to rescale")
    return (table * np.float32(scale / deviation)).astype(np.float32)

"""The embeddings that classifiers start from: trained vectors, random ones, and controls.

The controls tell what the vectors *mean* from what they are as numbers. E is the trained table;
words that occur in its training text and words that do not are treated as two separate groups:

- `shuffled`: the rows of E permuted among words. Every number stays, no word keeps its vector.
- `random_matched`: N(μ_j, s_j²) in coordinate j, with the mean and deviation of E's column j.
- `frozen`, `frozen_random`: E, and N(0, 1), not trained with the classifier.

A scale x multiplies a table so that the standard deviation over all entries of the words that occur
is x. All random numbers come from streams named for the seed, which makes `random_matched` an
affine map of `random`.
"""

import numpy as np
from numpy.typing import NDArray

from sgns_study.errors import StudyError
from sgns_study.randomness import generator
from sgns_study.sgns.vectors import Vectors
from sgns_study.tokens import PAD_ID

Table = NDArray[np.float32]


def initial_table(
    init: str,
    vectors: Vectors | None,
    vocabulary: list[str],
    dim: int,
    seed: int,
    scale: float | None = None,
) -> Table:
    """Embedding float32 (V, d) of one of `params.Init`, rescaled if `scale` is given.

    vectors: those of the vocabulary, of this dim; `random` and `frozen_random` need none. The row
    of the pad is zero. Raises StudyError if vectors without spread are to be rescaled.
    """
    occurs = np.ones(len(vocabulary), np.bool_)
    if init in ("random", "frozen_random"):
        table = random_table(len(vocabulary), dim, seed)
    else:
        assert vectors is not None, f"{init} is made from vectors"
        table = vectors.centre.copy()
        table[PAD_ID] = 0
        if vectors.counts is not None:
            occurs = vectors.counts > 0
        if init == "shuffled":
            table = shuffled_table(table, occurs, seed)
        elif init == "random_matched":
            table = matched_table(table, occurs, seed)
    if scale is None:
        return table
    occurs[PAD_ID] = False
    deviation = float(table[occurs].std(dtype=np.float64))
    if deviation == 0:
        raise StudyError("all entries of the vectors are the same: train others to rescale")
    return (table * np.float32(scale / deviation)).astype(np.float32)


def is_frozen(init: str) -> bool:
    """Whether the embedding stays as it is while the classifier is trained."""
    return init.startswith("frozen")


def random_table(vocabulary_size: int, dim: int, seed: int) -> Table:
    """Embedding (V, d) from N(0, 1), as `nn.Embedding` starts; the row of the pad is zero."""
    draw = generator(seed, "classifier", "embedding")
    table = draw.standard_normal((vocabulary_size, dim), dtype=np.float32)
    table[PAD_ID] = 0
    return table


def shuffled_table(table: Table, occurs: NDArray[np.bool_], seed: int) -> Table:
    """The table (V, d) with its rows permuted within each of the `two_groups` of `occurs` (V,)."""
    draw = generator(seed, "classifier", "shuffled")
    result = table.copy()
    for group in two_groups(occurs):
        result[group] = table[draw.permutation(group)]
    return result


def matched_table(table: Table, occurs: NDArray[np.bool_], seed: int) -> Table:
    """Normal rows (V, d) with the table's means and deviations by column, group by group."""
    result = random_table(len(table), table.shape[1], seed)
    for group in two_groups(occurs):
        if len(group):
            mean, deviation = table[group].mean(0, np.float64), table[group].std(0, np.float64)
            result[group] = (mean + deviation * result[group]).astype(np.float32)
    return result


def two_groups(occurs: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Ids of the words that occur in the text and of those that do not, both without the pad."""
    words = np.flatnonzero(np.arange(len(occurs)) != PAD_ID)
    return words[occurs[words]], words[~occurs[words]]

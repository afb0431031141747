"""Word vectors by example: the neighbours of a few words, and a map of groups of words."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from sklearn.manifold import TSNE

from sgns_study.evaluation.intrinsic import Table, first_rows, lengths, neighbours, unit
from sgns_study.evaluation.tables import MAP, NEIGHBOURS
from sgns_study.randomness import generator

NUMBER = 10  # of neighbours in the list
FEWEST = 4  # words from which a map is made
PERPLEXITY = 10  # about how many neighbours t-SNE keeps near a word: the size of a group

Groups = Mapping[str, Sequence[str]]


def probe_neighbours(table: Table, vocabulary: Sequence[str], groups: Groups) -> pd.DataFrame:
    """The nearest words of the first known word of each group: word, rank, neighbour, cosine."""
    known = [words_with_vectors(table, vocabulary, words) for words in groups.values()]
    probes = [words[0] for words in known if words]
    found = neighbours(table, vocabulary, probes, NUMBER)
    rows = [
        (word, rank, neighbour.word, neighbour.cosine)
        for word, near in found.items()
        for rank, neighbour in enumerate(near, 1)
    ]
    return pd.DataFrame(rows, columns=NEIGHBOURS)


def words_map(table: Table, vocabulary: Sequence[str], groups: Groups, seed: int) -> pd.DataFrame:
    """The groups' known words in the plane by t-SNE of their cosines: word, group, x, y.

    van der Maaten & Hinton (2008), the exact method, started from the first two principal
    components. The units of x and y have no meaning. Empty with fewer than four words.
    """
    placed = [
        (word, group)
        for group, words in groups.items()
        for word in words_with_vectors(table, vocabulary, words)
    ]
    if len(placed) < FEWEST:
        return pd.DataFrame(columns=MAP)
    rows = first_rows([word for word, _ in placed], vocabulary)
    state = int(generator(seed, "map").integers(2**31))
    layout = TSNE(
        metric="cosine",
        method="exact",
        init="pca",
        perplexity=min(PERPLEXITY, (len(placed) - 1) / 3),
        random_state=state,
    ).fit_transform(unit(table[rows]))
    frame = pd.DataFrame(placed, columns=MAP[:2])
    return frame.assign(x=np.float32(layout[:, 0]), y=np.float32(layout[:, 1]))


def words_with_vectors(table: Table, vocabulary: Sequence[str], words: Sequence[str]) -> list[str]:
    """The words that have a vector under exactly this spelling, and one that is not zero."""
    rows = first_rows(words, vocabulary)
    return [
        str(word) for word, row in zip(words, rows) if row >= 0 and lengths(table[[row]])[0] > 0
    ]

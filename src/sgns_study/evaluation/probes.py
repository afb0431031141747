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
    probes = known_words(table, vocabulary, groups).drop_duplicates("group")["word"]
    rows = [
        (word, rank, *near)
        for word, found in neighbours(table, vocabulary, probes, NUMBER).items()
        for rank, near in enumerate(found, 1)
    ]
    return pd.DataFrame(rows, columns=NEIGHBOURS)


def words_map(table: Table, vocabulary: Sequence[str], groups: Groups, seed: int) -> pd.DataFrame:
    """The groups' known words in the plane by t-SNE of their cosines: word, group, x, y.

    van der Maaten & Hinton (2008), the exact method, started from the first two principal
    components. The units of x and y have no meaning. Empty with fewer than four words.
    """
    known = known_words(table, vocabulary, groups)
    if len(known) < FEWEST:
        return pd.DataFrame(columns=MAP)
    layout = TSNE(
        metric="cosine",
        method="exact",
        init="pca",
        perplexity=min(PERPLEXITY, (len(known) - 1) / 3),
        random_state=int(generator(seed, "map").integers(2**31)),
    ).fit_transform(unit(table[first_rows(known["word"], vocabulary)]))
    return known.assign(x=np.float32(layout[:, 0]), y=np.float32(layout[:, 1]))


def known_words(table: Table, vocabulary: Sequence[str], groups: Groups) -> pd.DataFrame:
    """Columns word, group: words with a vector under exactly this spelling that is not zero."""
    words = [(str(word), group) for group, own in groups.items() for word in own]
    rows = first_rows([word for word, _ in words], vocabulary)
    known = (rows >= 0) & (lengths(table[rows]) > 0)
    return pd.DataFrame(words, columns=MAP[:2])[known].reset_index(drop=True)

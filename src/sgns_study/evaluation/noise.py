"""The noise distribution that training draws from, at several powers of the counts."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sgns_study.evaluation.tables import COLUMNS
from sgns_study.kernels.word2vec import Noise, alias_table
from sgns_study.sgns.stream import CERTAIN, kept_counts

ALPHAS = (1, 0.75, 0.5)  # x, x^0.75 and √x
WORDS = 200  # in the table, evenly spread over the logarithm of their rank


def noise_table(words: list[str], counts: NDArray[np.int64], min_count: int) -> pd.DataFrame:
    """Columns alpha, word, count, probability: words from the most to the least frequent.

    counts: (V,), of the training text. Probabilities are read back from the alias tables.
    """
    kept = kept_counts(counts, min_count)
    order = np.argsort(-kept, kind="stable")[: np.count_nonzero(kept)]
    places = np.unique(np.geomspace(1, len(order), WORDS).round().astype(int)) - 1
    shown = order[places]
    table = pd.DataFrame({"word": [words[i] for i in shown], "count": counts[shown]})
    drawn = {alpha: probabilities(alias_table(kept, alpha), len(counts)) for alpha in ALPHAS}
    parts = [table.assign(alpha=float(a), probability=p[shown]) for a, p in drawn.items()]
    return pd.concat(parts, ignore_index=True)[COLUMNS["noise"]]


def probabilities(noise: Noise, vocabulary_size: int) -> NDArray[np.float64]:
    """The probability of each id, (V,): a slot is drawn uniformly, then its own id or its alias."""
    own = noise.own / (CERTAIN - 1)
    drawn = np.zeros(vocabulary_size)
    drawn[: len(own)] = own
    np.add.at(drawn, noise.alias, 1 - own)
    return drawn / len(own)

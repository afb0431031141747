"""The `word2vec` recipe on the whole text, its tables tried after each epoch on the fixed pairs."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sgns_study.params import Word2vecRecipe
from sgns_study.samples import first_of_text
from sgns_study.sgns import word2vec
from sgns_study.sgns.recipes import CURVES, NO_SETTINGS, Learned, Material
from sgns_study.sgns.stream import kept_counts
from sgns_study.sgns.validation import validation_score
from sgns_study.sgns.vectors import Vectors


def train(material: Material, recipe: Word2vecRecipe, radius: int, dim: int, seed: int) -> Learned:
    """Train on the text.

    Training figures are the mean loss of a pair of the recipe's own objective, which differs from
    recipe to recipe; validation figures are those of the pairs, the same task for all recipes.
    """
    assert material.text is not None
    assert material.pairs is not None
    pairs = material.pairs
    text, words = first_of_text(material.text, recipe.documents), material.words
    settings = word2vec.Settings(dim=dim, radius=radius, **recipe.model_dump(exclude=NO_SETTINGS))
    rows: list[tuple[Any, ...]] = []

    def log(
        epoch: int,
        centre: NDArray[np.float32],
        context: NDArray[np.float32],
        loss: float | None,
    ) -> None:
        if loss is not None:
            rows.append((epoch, "train", loss, np.nan))
        score = validation_score(pairs, centre, context, recipe.negatives)
        rows.append((epoch, "validation", *score))

    trained = word2vec.train(text.ids, text.offsets, text.counts, settings, seed, after_epoch=log)
    counts = kept_counts(text.counts, recipe.min_count)
    vectors = Vectors(trained.centre, trained.context, words, counts)
    return Learned(vectors, pd.DataFrame(rows, columns=CURVES))

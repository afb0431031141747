"""The vectors of a recipe: one function for each kind, which takes from the data what it reads."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sgns_study.kernels.lab import SkipGram
from sgns_study.pairs import Pairs
from sgns_study.params import LabRecipe, PpmiRecipe, Word2vecRecipe
from sgns_study.samples import Text, first_of_text
from sgns_study.sgns import lab, ppmi, reference, word2vec
from sgns_study.sgns.stream import kept_counts
from sgns_study.sgns.validation import validation_score
from sgns_study.sgns.vectors import Vectors


class TrainingData(NamedTuple):
    """The words of the ids and what the recipe `reads`: the text, the pairs, or both."""

    words: list[str]
    text: Text | None
    pairs: Pairs | None


def train(
    recipe: LabRecipe | Word2vecRecipe | PpmiRecipe,
    data: TrainingData,
    radius: int,
    dim: int,
    seed: int,
    device: str = "cpu",
) -> tuple[Vectors, pd.DataFrame]:
    """Vectors, a row for each of the words, and their curves: epoch, split, loss, accuracy.

    The pairs are those of the `radius`; `device` is torch's, for recipes that are `on_device`.
    """
    match recipe:
        case LabRecipe():
            return train_lab(recipe, data, dim, seed, device)
        case Word2vecRecipe():
            return train_word2vec(recipe, data, radius, dim, seed)
        case PpmiRecipe():
            return train_ppmi(recipe, data, radius, dim, seed)


def train_lab(
    recipe: LabRecipe, data: TrainingData, dim: int, seed: int, device: str
) -> tuple[Vectors, pd.DataFrame]:
    """SGNS on the pairs, on a device of torch's."""
    pairs, words = data.pairs, data.words
    assert pairs is not None
    model = skip_gram_on(device)
    centre, context, curves = lab.train(pairs, len(words), dim, recipe, seed, model)
    windows = pairs.train
    counts = np.bincount(windows.stream[windows.centres], minlength=len(words))
    return Vectors(centre, context, words, counts), curves


def skip_gram_on(device: str) -> Callable[..., lab.Model]:
    """The model of the lab's recipe: the fast one of the processor, or plain torch elsewhere."""
    return SkipGram if device == "cpu" else partial(reference.SkipGram, device=device)


def train_word2vec(
    recipe: Word2vecRecipe, data: TrainingData, radius: int, dim: int, seed: int
) -> tuple[Vectors, pd.DataFrame]:
    """SGNS on the text.

    The training loss is the mean loss of a pair of the recipe's own objective, which differs from
    recipe to recipe; the validation figures are those of the pairs, the same task for all recipes.
    """
    assert data.text is not None
    pairs, text = data.pairs, first_of_text(data.text, recipe.documents)
    assert pairs is not None
    rows: list[tuple[Any, ...]] = []

    def log(
        epoch: int, centre: NDArray[np.float32], context: NDArray[np.float32], loss: float | None
    ) -> None:
        if loss is not None:
            rows.append((epoch, "train", loss, np.nan))
        score = validation_score(pairs, centre, context, recipe.negatives)
        rows.append((epoch, "validation", *score))

    trained = word2vec.train(
        text.ids, text.offsets, text.counts, recipe, radius, dim, seed, after_epoch=log
    )
    counts = kept_counts(text.counts, recipe.min_count)
    vectors = Vectors(trained.centre, trained.context, data.words, counts)
    return vectors, pd.DataFrame(rows, columns=lab.CURVES)


def train_ppmi(
    recipe: PpmiRecipe, data: TrainingData, radius: int, dim: int, seed: int
) -> tuple[Vectors, pd.DataFrame]:
    """Shifted PPMI of the text, factorised. There are no training steps: the curves are empty."""
    assert data.text is not None
    text = first_of_text(data.text, recipe.documents)
    centre = ppmi.train(text.ids, text.offsets, text.counts, recipe, radius, dim, seed)
    counts = kept_counts(text.counts, recipe.min_count)
    return Vectors(centre, None, data.words, counts), pd.DataFrame(columns=lab.CURVES)

"""The vectors of a recipe: one function for each kind, which takes from the data what it reads."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sgns_study.errors import StudyError
from sgns_study.kernels.lab import SkipGram
from sgns_study.pairs import Pairs
from sgns_study.params import FileRecipe, LabRecipe, PpmiRecipe, Recipe, Word2vecRecipe
from sgns_study.randomness import generator
from sgns_study.samples import Text, first_of_text
from sgns_study.sgns import lab, ppmi, word2vec
from sgns_study.sgns.stream import kept_counts
from sgns_study.sgns.vectors import Vectors, check_dim, read_vectors
from sgns_study.tokens import PAD_ID

BATCH = 500  # centres of the validation task that are scored at a time


class TrainingData(NamedTuple):
    """The words of the ids and what the recipe `reads`: the text, the pairs, or both."""

    words: list[str]
    text: Text | None
    pairs: Pairs | None


def train(
    recipe: Recipe,
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
        case FileRecipe():
            return train_file(recipe, data, dim, seed)


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
    if device == "cpu":
        return SkipGram
    from sgns_study.sgns import reference  # and torch

    return partial(reference.SkipGram, device=device)


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


def validation_score(
    pairs: Pairs,
    centre: NDArray[np.float32],
    context: NDArray[np.float32],
    negatives: int = 1,
) -> tuple[float, float]:
    """Mean loss of a centre by the lab's objective, and accuracy, of two tables (V, d).

    The task weights positives and negatives alike. Tables trained with K `negatives` for each
    positive have learned scores that are lower by log K (Levy & Goldberg, 2014), which is added
    back: so K shows in the quality of the scores and not in where their zero lies.
    """
    windows, radius = pairs.validation, pairs.radius
    around = np.array([*range(-radius, 0), *range(1, radius + 1)])
    shift = np.full(len(context), np.log(negatives), np.float32)
    shift[PAD_ID] = 0  # the pad has no vector: its scores stay zero
    losses = right = scored = 0.0
    for start in range(0, len(windows), BATCH):
        centres = windows.centres[start : start + BATCH]
        vectors = centre[windows.stream[centres]][:, :, None]  # (B, d, 1)
        parts = (
            (1, windows.stream[centres[:, None] + around]),
            (-1, pairs.validation_negatives[start : start + BATCH]),
        )
        for sign, ids in parts:
            scores = sign * ((context[ids] @ vectors)[:, :, 0] + shift[ids])  # (B, n)
            losses += np.logaddexp(0, -scores).mean(axis=1, dtype=np.float64).sum()
            right += np.count_nonzero(scores > 0)
            scored += scores.size
    return losses / len(windows), right / scored


def train_ppmi(
    recipe: PpmiRecipe, data: TrainingData, radius: int, dim: int, seed: int
) -> tuple[Vectors, pd.DataFrame]:
    """Shifted PPMI of the text, factorised. There are no training steps: the curves are empty."""
    assert data.text is not None
    text = first_of_text(data.text, recipe.documents)
    centre = ppmi.train(text.ids, text.offsets, text.counts, recipe, radius, dim, seed)
    counts = kept_counts(text.counts, recipe.min_count)
    return Vectors(centre, None, data.words, counts), pd.DataFrame(columns=lab.CURVES)


def train_file(
    recipe: FileRecipe, data: TrainingData, dim: int, seed: int
) -> tuple[Vectors, pd.DataFrame]:
    """The vectors of a file; those of words that it lacks are normal, with the mean and deviation.

    Both are taken by column over the rows of the words that it has. Counts are 1 for these words
    and 0 for the others, which are drawn with the seed. The curves are empty.
    Raises ArtifactError for a file of another dimension, StudyError if it lacks the words.
    """
    check_dim(Path(recipe.path), dim)
    found = read_vectors(Path(recipe.path), words=data.words)
    check_found(recipe, len(found.vocabulary), len(data.words))
    rows = {word: row for row, word in enumerate(found.vocabulary)}
    order = np.array([rows.get(word, -1) for word in data.words])
    mean, deviation = found.centre.mean(0, np.float64), found.centre.std(0, np.float64)
    draw = generator(seed, "missing words").standard_normal((len(order), dim), np.float32)
    centre = (mean + deviation * draw).astype(np.float32)
    centre[order >= 0] = found.centre[order[order >= 0]]
    centre[PAD_ID] = 0
    counts = (order >= 0).astype(np.int64)
    counts[PAD_ID] = 0
    return Vectors(centre, None, data.words, counts), pd.DataFrame(columns=lab.CURVES)


def check_found(recipe: FileRecipe, found: int, words: int) -> None:
    """Raise StudyError if a file has fewer words of the corpus than show a scale."""
    if found < 2:
        raise StudyError(
            f"{recipe.path}: it has {found} of the {words} words of the corpus, which are in lower "
            "case: is it of another language, or of another tokenizer?"
        )

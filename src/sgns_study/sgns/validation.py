"""The score of any recipe's tables, by the lab's objective, on the validation task of a radius."""

import numpy as np
from numpy.typing import NDArray

from sgns_study.pairs import Pairs
from sgns_study.tokens import PAD_ID

BATCH = 500  # centres scored at a time


def validation_score(
    pairs: Pairs,
    centre: NDArray[np.float32],
    context: NDArray[np.float32],
    negatives: int = 1,
) -> tuple[float, float]:
    """Mean loss of a centre, as `objective.loss`, and accuracy of two tables (V, d).

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

"""Skip-gram with negative sampling: the objective, as the definition every faster path is held to.

A centre c has positives w ∈ P (its 2R window tokens, pads counted) and negatives w ∈ N (2RK ids):

    loss(c) = − 1/|P| Σ_{w∈P} log σ(c·w) − 1/|N| Σ_{w∈N} log(1 − σ(c·w)),     1 − σ(x) = σ(−x).

Both kinds weigh the same however many negatives there are, as in the lab; Mikolov et al. (2013) sum
them. A pair counts as right if σ(c·w) > 0.5, that is c·w > 0, for a positive, and σ(c·w) < 0.5 for
a negative. The gradient of one pair is −σ(−c·w)/|P| for a positive and σ(c·w)/|N| for a negative,
times w for the centre and times c for the context; a pad's vector is zero, so it moves no centre.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import logsigmoid

from sgns_study.pairs import Pairs
from sgns_study.tokens import PAD_ID

BATCH = 500  # centres scored at a time


def scores(centre: Tensor, context: Tensor) -> Tensor:
    """Dot products c·w, (B, n), of centres (B, d) with their contexts (B, n, d)."""
    return (context @ centre.unsqueeze(-1)).squeeze(-1)


def loss(centre: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
    """Mean loss of a batch: centres (B, d), positives (B, 2R, d), negatives (B, 2RK, d)."""
    positives = -logsigmoid(scores(centre, positive)).mean(dim=1)  # (B,)
    negatives = -logsigmoid(-scores(centre, negative)).mean(dim=1)  # (B,)
    return (positives + negatives).mean()


def accuracy(centre: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
    """Fraction of all pairs of a batch, positive and negative, that are told right."""
    right = (scores(centre, positive) > 0).sum() + (scores(centre, negative) < 0).sum()
    return right / (positive.shape[:2].numel() + negative.shape[:2].numel())


def scores_of_pairs(
    pairs: Pairs,
    centre: NDArray[np.float32],
    context: NDArray[np.float32],
    negatives: int = 1,
) -> tuple[float, float]:
    """Mean loss and accuracy of two tables (V, d) on the fixed validation task of a radius.

    The task weighs positives and negatives alike. Tables trained on the sum over K `negatives` for
    each positive have learned scores that are lower by log K (Levy & Goldberg, 2014), which is
    added back: so K shows in how good the scores are and not in where their zero lies.
    """
    shift = np.full((len(context), 1), np.log(negatives), np.float32)
    shift[PAD_ID] = 0  # the pad has no vector: its scores stay zero
    tables = [
        torch.from_numpy(np.hstack([table, column]))
        for table, column in ((centre, np.ones_like(shift)), (context, shift))
    ]
    windows, radius = pairs.validation, pairs.radius
    around = np.array([*range(-radius, 0), *range(1, radius + 1)])
    sums = np.zeros(2)
    for start in range(0, len(windows), BATCH):
        centres = windows.centres[start : start + BATCH]
        rows = (
            windows.stream[centres],
            windows.stream[centres[:, None] + around],
            pairs.validation_negatives[start : start + BATCH],
        )
        c, positive, negative = (
            table[torch.from_numpy(ids.astype(np.int64))]
            for table, ids in zip((tables[0], tables[1], tables[1]), rows)
        )
        batch = [float(measure(c, positive, negative)) for measure in (loss, accuracy)]
        sums += len(centres) * np.array(batch)
    mean_loss, mean_accuracy = sums / len(windows)
    return float(mean_loss), float(mean_accuracy)

"""SGNS as the lab published it: two N(0, 1) tables, dense AdamW, negatives drawn per batch.

The objective is `objective.loss`. A step on a batch is written plainly in `reference.SkipGram`;
`kernels/lab.py` is the same step made fast on the processor.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from sgns_study.kernels.lab import Batch, SkipGram
from sgns_study.kernels.random import kernel_state
from sgns_study.pairs import Pairs, Windows, lab_negatives
from sgns_study.params import LabRecipe
from sgns_study.randomness import generator
from sgns_study.sgns.stream import check_finite

if TYPE_CHECKING:  # at run time the reference imports torch, which the fast model does not need
    from sgns_study.sgns import reference

Model: TypeAlias = "SkipGram | reference.SkipGram"
CURVES = ["epoch", "split", "loss", "accuracy"]


class Trained(NamedTuple):
    """Tables float32 (V, d), row 0 zero, and one row of curves per epoch and split."""

    centre: NDArray[np.float32]
    context: NDArray[np.float32]
    curves: pd.DataFrame  # of the columns CURVES


def batches(
    windows: Windows, vocabulary_size: int, recipe: LabRecipe, seed: int, epoch: int
) -> Iterator[Batch]:
    """The batches of an epoch: all centres in a random order, negatives drawn for each batch.

    The order depends on seed and epoch alone, so models of one seed see the same order.
    """
    order = generator(seed, "order", "sgns", epoch).permutation(len(windows))
    wanted = 2 * windows.radius * recipe.negatives
    state = kernel_state(seed, "negatives", "sgns", epoch)
    for start in range(0, len(order), recipe.batch):
        centres = windows.centres[order[start : start + recipe.batch]]
        negatives = lab_negatives(windows, centres, wanted, vocabulary_size, state)
        yield Batch(windows, centres, negatives)


def validation_batches(pairs: Pairs, size: int) -> Iterator[Batch]:
    """The validation windows in order, with their fixed negatives."""
    windows = pairs.validation
    for start in range(0, len(windows), size):
        part = slice(start, start + size)
        yield Batch(windows, windows.centres[part], pairs.validation_negatives[part])


def initial_table(vocabulary_size: int, dim: int, seed: int, name: str) -> NDArray[np.float32]:
    """N(0, 1) values (V, d), row 0 (the pad) zero; `name` is `centre` or `context`."""
    table = generator(seed, name, "sgns", dim).standard_normal((vocabulary_size, dim), np.float32)
    table[0] = 0
    return table


def train(
    pairs: Pairs,
    vocabulary_size: int,
    dim: int,
    recipe: LabRecipe,
    seed: int,
    skip_gram: Callable[..., Model] = SkipGram,
) -> Trained:
    """Train both tables with the lab's recipe; epoch 0 is the state before training.

    `skip_gram` makes the model from its tables, as `kernels.lab.SkipGram` does. Training figures
    are means over the epoch's batches, each taken before its step, as the lab logs them; validation
    figures are of the fixed negatives at the end of the epoch.
    Raises StudyError if the vocabulary is too small for the negatives, or if the loss is no longer
    finite.
    """
    per_epoch = [-(-len(part) // recipe.batch) for part in (pairs.train, pairs.validation)]
    tables = (initial_table(vocabulary_size, dim, seed, name) for name in ("centre", "context"))
    steps, batches_seen = recipe.epochs * per_epoch[0], (recipe.epochs + 1) * sum(per_epoch)
    model = skip_gram(*tables, recipe.learning_rate, recipe.weight_decay, steps)
    rows: list[tuple[Any, ...]] = []
    with tqdm(total=batches_seen, unit="batch", disable=None) as bar:
        for epoch in range(recipe.epochs + 1):
            drawn = {
                "train": batches(pairs.train, vocabulary_size, recipe, seed, epoch),
                "validation": validation_batches(pairs, recipe.batch),
            }
            for split, part in drawn.items():
                take = model.step if split == "train" and epoch > 0 else model.score
                figures, sizes = [], []
                for step, batch in enumerate(part, 1):
                    figures.append(take(batch))
                    sizes.append(len(batch.centres))
                    place = f"at epoch {epoch}, step {step}"
                    check_finite(figures[-1][0], place, recipe.learning_rate)
                    bar.update()
                rows.append((epoch, split, *np.average(figures, axis=0, weights=sizes).tolist()))
    return Trained(*model.tables(), pd.DataFrame(rows, columns=CURVES))

"""Both recipes of SGNS in plain torch, to be checked against the papers line by line.

The fast kernels are held equal to this module by tests, on the same random draws. `SkipGram`, the
lab's step, is also what trains on a graphics card. `train_word2vec` is word2vec's recipe (Mikolov
et al., 2013), which only the tests run: a window takes it milliseconds.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from sgns_study.kernels.lab import Batch
from sgns_study.kernels.random import below
from sgns_study.kernels.word2vec import alias_table, draw_word
from sgns_study.params import Word2vecRecipe
from sgns_study.sgns import objective
from sgns_study.sgns.state import initial_tables, random_states
from sgns_study.sgns.stream import framed, keep_probabilities, kept_counts
from sgns_study.tokens import PAD_ID


class SkipGram:
    """The lab's tables (V, d) with a dense AdamW, on any of torch's devices.

    All that is random is drawn on the host, from the same streams as for `kernels.lab.SkipGram`.
    """

    def __init__(
        self,
        centre: NDArray[np.float32],
        context: NDArray[np.float32],
        learning_rate: float,
        weight_decay: float,
        steps: int,  # any number may be taken: an argument of the fast class
        device: str = "cpu",
    ) -> None:
        """Copies of the initial tables on a device of torch's."""
        self.centre, self.context = (
            torch.tensor(table, device=device, requires_grad=True) for table in (centre, context)
        )
        self.optimiser = torch.optim.AdamW(
            [self.centre, self.context], lr=learning_rate, weight_decay=weight_decay
        )

    def step(self, batch: Batch) -> tuple[float, float]:
        """One step on a batch; returns loss and accuracy of the tables before it."""
        vectors = self._vectors(batch)
        loss = objective.loss(*vectors)
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        return loss.item(), objective.accuracy(*vectors).item()

    def score(self, batch: Batch) -> tuple[float, float]:
        """Loss and accuracy of a batch; no step is taken."""
        with torch.no_grad():
            vectors = self._vectors(batch)
            return objective.loss(*vectors).item(), objective.accuracy(*vectors).item()

    def tables(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Centre and context table at the present step, on the host."""
        return self.centre.detach().cpu().numpy(), self.context.detach().cpu().numpy()

    def _vectors(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Vectors of centres (B, d), positives (B, 2R, d) and negatives (B, 2RK, d)."""
        stream, radius = batch.windows.stream, batch.windows.radius
        around = np.array([*range(-radius, 0), *range(1, radius + 1)])  # (2R,)
        return (
            self._rows(self.centre, stream[batch.centres]),
            self._rows(self.context, stream[batch.centres[:, None] + around]),
            self._rows(self.context, batch.negatives),
        )

    def _rows(self, table: Tensor, ids: NDArray[Any]) -> Tensor:
        """Rows of a table; the pad gets no gradient, so it stays zero."""
        on_device = torch.from_numpy(ids.astype(np.int64)).to(table.device)
        return functional.embedding(on_device, table, padding_idx=PAD_ID)


def neighbours(
    stream: NDArray[np.int32], p: int, radius: int, window: str, draws: NDArray[np.uint64]
) -> tuple[NDArray[np.int32], list[float]]:
    """Ids and weights a_i of the neighbours of position `p`, (P,) each, without pads.

    `dynamic`: a reach drawn from 1 to R; `fixed`: R; `harmonic`: R, weight 1/m at distance m.
    """
    reach = 1 + int(below(draws, radius)) if window == "dynamic" else radius
    near = [q for q in range(p - reach, p + reach + 1) if q != p and stream[q] != PAD_ID]
    return stream[near], [1 / abs(q - p) if window == "harmonic" else 1.0 for q in near]


def window_step(
    centre: Tensor,
    context: Tensor,
    near: NDArray[np.int32],
    weights: list[float],
    token: int,
    noise: list[int],
    rate: float,
) -> float:
    """One step of gradient descent on `objective.window_loss`; returns the loss before it."""
    loss = objective.window_loss(
        centre[near.astype(np.int64)],  # (P, d)
        torch.tensor(weights, dtype=centre.dtype),  # (P,)
        context[token],  # (d,)
        context[noise],  # (K, d)
    )
    gradients = torch.autograd.grad(loss, (centre, context))
    with torch.no_grad():
        centre -= rate * gradients[0]
        context -= rate * gradients[1]
    return loss.item()


def train_word2vec(
    ids: NDArray[Any],
    offsets: NDArray[np.int64],
    counts: NDArray[np.int64],
    recipe: Word2vecRecipe,
    radius: int,
    dim: int,
    seed: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64], list[float]]:
    """Both tables (V, d) and the mean loss of a pair in each epoch, in float64.

    The same as `word2vec.train` on one thread, for a text that is read as one piece (`CHUNK`).
    """
    centre, context = (
        torch.tensor(table[:, :dim], dtype=torch.float64, requires_grad=True)
        for table in initial_tables(len(counts), dim, seed)
    )
    kept = kept_counts(counts, recipe.min_count)
    keep = keep_probabilities(kept, recipe.subsample)
    noise, losses = alias_table(kept, recipe.alpha), []  # a word is drawn with p ∝ count^α
    for epoch in range(recipe.epochs):
        states = random_states(seed, epoch, 0)
        subsampling, reaches, negatives = states[:1], states[1:2], states[2:]
        ((stream, _),) = framed(ids, offsets, keep, radius, subsampling, radius)
        # The rate falls linearly to 1e-4 of the first.
        shares = (max(1 - done / recipe.epochs, 1e-4) for done in (epoch, epoch + 1))
        first, last = (recipe.learning_rate * share for share in shares)
        sums, size = np.zeros(2), len(stream) - 2 * radius  # Σ weight·loss and Σ weight
        for i in range(size):
            token = int(stream[radius + i])
            if token == PAD_ID:
                continue
            near, weights = neighbours(stream, radius + i, radius, recipe.window, reaches)
            if not weights:
                continue
            words = [int(draw_word(noise, negatives)) for _ in range(recipe.negatives)]
            rate = first + (last - first) * i / size
            loss = window_step(centre, context, near, weights, token, words, rate)
            sums += loss, sum(weights)
        losses.append(float(sums[0] / sums[1]))
    return centre.detach().numpy(), context.detach().numpy(), losses

"""The lab's SGNS in plain torch, on any of torch's devices.

Same batches, negatives, initial tables and curves as `lab.SkipGram`; the loss is the definition in
`objective.py`, and AdamW is dense. All that is random is drawn on the host, from the same streams.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from sgns_study.params import LabRecipe
from sgns_study.sgns import lab, objective
from sgns_study.tokens import PAD_ID


class DeviceSkipGram:
    """The two tables with their optimiser, on a device."""

    def __init__(
        self,
        vocabulary_size: int,
        dim: int,
        settings: LabRecipe,
        steps: int,
        seed: int,
        device: str,
    ) -> None:
        """As `lab.SkipGram`, but that any number of `steps` may be taken; `device` as torch's."""
        self.centre, self.context = (
            torch.tensor(
                lab.initial_table(vocabulary_size, dim, seed, name),
                device=device,
                requires_grad=True,
            )
            for name in ("centre", "context")
        )
        self.optimiser = torch.optim.AdamW(
            [self.centre, self.context],
            lr=settings.learning_rate,
            weight_decay=settings.weight_decay,
        )

    def step(self, batch: lab.Batch) -> lab.Score:
        """One AdamW step of both tables; the score is of the tables before it."""
        vectors = self._vectors(batch)
        loss = objective.loss(*vectors)
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        return lab.Score(loss.item(), objective.accuracy(*vectors).item())

    def score(self, batch: lab.Batch) -> lab.Score:
        """Loss and accuracy of a batch; moves nothing."""
        with torch.no_grad():
            vectors = self._vectors(batch)
            return lab.Score(objective.loss(*vectors).item(), objective.accuracy(*vectors).item())

    def tables(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Centre and context table at the present step, on the host."""
        return self.centre.detach().cpu().numpy(), self.context.detach().cpu().numpy()

    def _vectors(self, batch: lab.Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Vectors of centres (B, d), positives (B, 2R, d) and negatives (B, 2RK, d)."""
        radius = batch.windows.radius
        around = np.array([*range(-radius, 0), *range(1, radius + 1)])
        stream, centres = batch.windows.stream, batch.centres
        return (
            self._rows(self.centre, stream[centres]),
            self._rows(self.context, stream[centres[:, None] + around]),
            self._rows(self.context, batch.negatives),
        )

    def _rows(self, table: Tensor, ids: NDArray[Any]) -> Tensor:
        """Rows of a table; no gradient goes to the pad, which so stays zero."""
        on_device = torch.from_numpy(ids.astype(np.int64)).to(table.device)
        return functional.embedding(on_device, table, padding_idx=PAD_ID)


def skip_gram_on(device: str) -> Callable[..., lab.Model]:
    """The model of a device: the fast one of the processor, or plain torch elsewhere."""
    return lab.SkipGram if device == "cpu" else partial(DeviceSkipGram, device=device)

"""Training of the Conv1d classifier in plain torch, on any of torch's devices.

Same documents, draws and epochs as `fit.Trainer`; the convolution is its definition, and Adam is
dense over the whole table. All that is random is drawn on the host, from the same streams.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sgns_study import params
from sgns_study.classifiers.fit import Documents, Trainer, Training
from sgns_study.kernels.conv1d import Conv1dClassifier, embed_conv_max_reference
from sgns_study.tokens import PAD_ID

EVALUATED_AT_ONCE = 512  # documents; of 256 tokens at d = 256 their vectors take 134 MB


@dataclass(frozen=True)
class DeviceModel:
    """All weights of a classifier, on a device."""

    table: Tensor  # (V, d), the embedding
    layers: Conv1dClassifier

    def logits(self, tokens: NDArray[np.int32]) -> Tensor:
        """Logits (n,) of documents (n, T) in evaluation mode, on the processor."""
        with torch.no_grad():
            parts = torch.from_numpy(tokens).split(EVALUATED_AT_ONCE)
            found = [self.layers(self.table, part.to(self.table.device)).cpu() for part in parts]
        return torch.cat(found)


class DeviceTrainer(Training):
    """Training on a device, where all rows are read and moved."""

    model: DeviceModel

    def __init__(
        self,
        train: Documents,
        table: NDArray[np.float32],
        settings: params.Classifier,
        seed: int,
        frozen: bool,
        classes: int,
        device: str,
    ) -> None:
        """Start from `table` (V, d); documents and weights go to `device`, a name of torch's."""
        super().__init__(train, table.shape[1], settings, seed, frozen, classes, device)
        self.layers.features = embed_conv_max_reference
        rows = torch.tensor(table, dtype=torch.float32, device=device, requires_grad=not frozen)
        self.model = DeviceModel(rows, self.layers)
        self.batches = [
            (
                None,
                torch.from_numpy(train.tokens[part]).to(device),
                torch.from_numpy(train.labels[part]).to(device),
            )
            for part in self.parts
        ]
        self.row_optimiser = torch.optim.Adam([rows], lr=self.row_rate)
        self.row_schedule = self.scheduled(self.row_optimiser)

    def step(self, ids: None, tokens: Tensor, labels: Tensor) -> tuple[float, int]:
        """One step; tokens are ids of the vocabulary."""
        rows = self.model.table
        self.row_optimiser.zero_grad()
        scores = self.move_layers(rows, tokens, labels)
        if rows.grad is not None:
            rows.grad[PAD_ID] = 0
            self.row_optimiser.step()
            self.row_schedule.step()
        return scores


def training_on(device: str) -> Callable[..., Training]:
    """The trainer of a device: the fast one of the processor, or plain torch elsewhere."""
    return Trainer if device == "cpu" else partial(DeviceTrainer, device=device)

"""The lab's text classifier in plain torch: embedding, convolution, maximum, dropout, linear layer.

This is the definition, and what runs on a graphics card. On the processor `embed_conv_max` is
replaced by the faster function of that name in `kernels/conv1d.py`, which tests hold equal to it.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from sgns_study import params
from sgns_study.randomness import generator


def embed_conv_max(
    rows: Tensor, tokens: Tensor, weight: Tensor, bias: Tensor, padding: int
) -> Tensor:
    """Largest rectified response of each filter in each document, max_t ReLU(b + Σ_k w_k·e_{t+k}).

    rows (U, d): vectors of tokens; tokens (B, T): indices into rows; weight (F, d, K) and bias (F,)
    as in `nn.Conv1d`; padding: zero positions on each side. Returns (B, F).
    """
    embedded = functional.embedding(tokens, rows)  # (B, T, d)
    channels = embedded.transpose(1, 2)  # (B, d, T)
    convolved = functional.conv1d(channels, weight, bias, padding=padding)  # (B, F, windows)
    return convolved.relu().max(dim=-1).values  # (B, F)


class Conv1dClassifier(nn.Module):
    """Tokens of documents to the logit of label 1, or to a logit of each of several classes."""

    def __init__(
        self, table: Tensor, filters: int, kernel: int, padding: int, outputs: int = 1
    ) -> None:
        """Start from the embedding `table` (V, d); the layers are to be set by the caller.

        kernel and padding: in tokens. outputs: 1 for two classes, else the number of classes.
        """
        super().__init__()
        self.embedding = nn.Parameter(table)  # (V, d)
        self.conv = nn.Conv1d(table.shape[1], filters, kernel, padding=padding)
        self.linear = nn.Linear(filters, outputs)
        self.padding = padding
        self.features = embed_conv_max

    def forward(
        self, tokens: Tensor, dropout: Tensor | None = None, rows: Tensor | None = None
    ) -> Tensor:
        """Logits (B,), or (B, C) of several outputs, of documents `tokens` (B, T).

        dropout (B, F): factors from `dropout_mask`; None in evaluation. rows (U, d): the rows of
        the embedding that `tokens` index; None is all of them.
        """
        rows = self.embedding if rows is None else rows
        weight, bias = self.conv.parameters()
        features = self.features(rows, tokens, weight, bias, self.padding)  # (B, F)
        if dropout is not None:
            features = features * dropout  # (B, F)
        logits: Tensor = self.linear(features)  # (B, 1) or (B, C)
        return logits.squeeze(1) if self.linear.out_features == 1 else logits  # (B,) or (B, C)


def draw_classifier(
    settings: params.Classifier, table: NDArray[np.float32], seed: int, outputs: int = 1
) -> Conv1dClassifier:
    """A classifier with a copy of `table` (V, d), its layers as torch starts them by default.

    Weights and biases are U(−1/√fan_in, 1/√fan_in), each from a stream named for it.
    """
    model = Conv1dClassifier(
        torch.tensor(table), settings.filters, settings.kernel, settings.padding, outputs
    )
    fan_in = {"conv": table.shape[1] * settings.kernel, "linear": settings.filters}
    for name, parameter in model.named_parameters():
        layer = name.partition(".")[0]
        if layer in fan_in:
            draw = generator(seed, "classifier", name).random(parameter.shape, dtype=np.float32)
            values = (2 * draw - 1) / np.float32(np.sqrt(fan_in[layer]))
            with torch.no_grad():
                parameter.copy_(torch.from_numpy(values))
    return model


def dropout_mask(draw: np.random.Generator, shape: tuple[int, int], rate: float) -> Tensor:
    """Factors 0 (with probability `rate`) or 1 / (1 − rate), float32."""
    kept = draw.random(shape, dtype=np.float32) >= rate
    return torch.from_numpy(kept / np.float32(1 - rate))


def cross_entropies(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of each document (B,), in float64, so that sums over an epoch are exact."""
    if logits.ndim == 1:
        return functional.binary_cross_entropy_with_logits(
            logits.double(), labels.double(), reduction="none"
        )
    return functional.cross_entropy(logits.double(), labels.long(), reduction="none")


def class_probabilities(logits: Tensor) -> Tensor:
    """Sigmoid of the logits of label 1 (B,), or softmax over the classes (B, C), in float64."""
    return logits.double().sigmoid() if logits.ndim == 1 else logits.double().softmax(1)


def correct(logits: Tensor, labels: Tensor) -> int:
    """Number of documents whose label is the predicted one: above 0.5, or the most probable."""
    found = class_probabilities(logits)
    predicted = found > 0.5 if logits.ndim == 1 else found.argmax(1)
    return int((predicted == labels).sum())

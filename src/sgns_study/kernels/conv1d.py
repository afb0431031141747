"""The lab's text classifier: embedding, convolution over tokens, ReLU, maximum over positions.

`embed_conv_max_reference` is the definition. `embed_conv_max` is the same function made fast: a
convolution of an embedding is a sum, over the offsets in the kernel, of projections of single
tokens, and a batch has far fewer distinct tokens (about 5,000) than positions (33,000). So one
product with the distinct rows replaces the convolution, and what is left per position is additions.
"""

from typing import Any

import numpy as np
import torch
from numba import njit
from torch import Tensor, nn
from torch.nn import functional


class Conv1dClassifier(nn.Module):
    """Token windows to the logit of label 1, or of each class; embedding rows come from outside.

    The layers are held by torch's own modules, left uninitialised: `fit.draw_layers` draws them
    from named streams.
    """

    def __init__(self, dim: int, filters: int, kernel: int, padding: int, outputs: int = 1) -> None:
        """Layers for embeddings of `dim`; kernel and padding in tokens; 1 output for two labels."""
        super().__init__()
        self.conv = nn.utils.skip_init(nn.Conv1d, dim, filters, kernel, padding=padding)
        self.linear = nn.utils.skip_init(nn.Linear, filters, outputs)
        self.features = embed_conv_max  # on other devices: its definition

    def forward(self, rows: Tensor, tokens: Tensor, dropout: Tensor | None = None) -> Tensor:
        """Logits (B,), or (B, C) of several outputs, of documents `tokens` (B, T).

        `tokens` index `rows` (U, d). `dropout` (B, filters) multiplies the features: 0 or
        1 / (1 − p); None when evaluating.
        """
        conv = self.conv
        features = self.features(rows, tokens, conv.weight, conv.bias, conv.padding[0])  # (B, F)
        if dropout is not None:
            features = features * dropout
        logits: Tensor = self.linear(features)
        return logits.squeeze(1) if self.linear.out_features == 1 else logits


def embed_conv_max_reference(
    rows: Tensor, tokens: Tensor, weight: Tensor, bias: Tensor, padding: int
) -> Tensor:
    """The definition of `embed_conv_max`, in plain torch."""
    embedded = functional.embedding(tokens, rows).transpose(1, 2)  # (B, d, T)
    convolved = functional.conv1d(embedded, weight, bias, padding=padding)  # (B, F, positions)
    return convolved.relu().max(dim=-1).values


def embed_conv_max(
    rows: Tensor, tokens: Tensor, weight: Tensor, bias: Tensor, padding: int
) -> Tensor:
    """Largest rectified response of each filter in each document, differentiable.

    rows (U, d): embeddings of the distinct tokens; tokens (B, T): indices into rows; weight
    (F, d, K) and bias (F,): as of `nn.Conv1d`; padding: zero positions on each side. Floats are
    float32 or float64 throughout, tokens int32 or int64. Returns (B, F); gradients go to rows,
    weight and bias, through the first of equal maxima, as in `torch.max(dim)`.

    Raises ValueError if the kernel does not fit or a token is not a row: the compiled loops do
    not check.
    """
    if tokens.shape[1] + 2 * padding < weight.shape[2]:
        raise ValueError(
            f"a kernel of {weight.shape[2]} does not fit into {tokens.shape[1]} tokens with "
            f"padding {padding} on each side: lower the kernel or raise the padding"
        )
    if tokens.numel() and not (int(tokens.min()) >= 0 and int(tokens.max()) < len(rows)):
        raise ValueError(
            f"tokens run from {int(tokens.min())} to {int(tokens.max())}, but rows has "
            f"{len(rows)}: index the rows that are given"
        )
    result: Tensor = EmbedConvMax.apply(rows, tokens, weight, bias, padding)
    return result


class EmbedConvMax(torch.autograd.Function):
    """`embed_conv_max` and its gradient."""

    @staticmethod
    def forward(
        ctx: Any, rows: Tensor, tokens: Tensor, weight: Tensor, bias: Tensor, padding: int
    ) -> Tensor:
        """Project the distinct tokens, then take the maximum over positions."""
        filters, dim, kernel = weight.shape
        taps = weight.permute(2, 0, 1)  # (K, F, d)
        # Filters rounded up to whole vectors of 8: the product runs 1.4 times faster than with 100.
        width = -(-filters // 8) * 8
        wide_taps = functional.pad(taps, (0, 0, 0, width - filters)).reshape(-1, dim)
        # The last row stands for the positions of the padding: zero, whatever the offset.
        projected = rows.new_empty(len(rows) + 1, kernel * width)
        torch.mm(rows, wide_taps.T, out=projected[:-1])
        projected[-1] = 0
        maximum = rows.new_empty(len(tokens), width)
        position = torch.empty(len(tokens), width, dtype=torch.int32)
        largest_over_positions(
            projected.view(-1, kernel, width).numpy(),
            tokens.numpy(),
            padding,
            maximum.numpy(),
            position.numpy(),
        )
        maximum = (maximum[:, :filters] + bias).relu_()
        ctx.save_for_backward(rows, tokens, taps, maximum, position[:, :filters])
        ctx.padding = padding
        return maximum

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Only the winning windows of positive features carry gradient."""
        rows, tokens, taps, maximum, position = ctx.saved_tensors
        taps = taps.contiguous()
        gradient = gradients[0].where(maximum > 0, 0).contiguous()  # (B, F)
        gradient_rows, gradient_taps = torch.zeros_like(rows), torch.zeros_like(taps)
        through_windows(
            gradient.numpy(),
            position.contiguous().numpy(),
            tokens.numpy(),
            ctx.padding,
            rows.numpy(),
            taps.view(-1, rows.shape[1]).numpy(),
            gradient_rows.numpy(),
            gradient_taps.view(-1, rows.shape[1]).numpy(),
        )
        return gradient_rows, None, gradient_taps.permute(1, 2, 0), gradient.sum(0), None


@njit(cache=True)
def largest_over_positions(projected, tokens, padding, maximum, position):  # type: ignore[no-untyped-def]  # numba infers the types
    """Maximum over windows of Σ_k projected[token[t + k], k, f], and the first window that has it.

    projected (U + 1, K, F), its last row zero for the padding; tokens (B, T) in [0, U); fills
    maximum (B, F) and position (B, F). Not-a-number wins, as in `torch.max`, so that diverged
    weights show in the loss.
    """
    outside, kernel, filters = projected.shape[0] - 1, projected.shape[1], projected.shape[2]
    n_documents, length = tokens.shape
    padded = np.full(length + 2 * padding, outside, np.int64)
    response = np.empty(filters, projected.dtype)
    for document in range(n_documents):
        padded[padding : padding + length] = tokens[document]
        best, first = maximum[document], position[document]
        best[:] = -np.inf
        first[:] = 0
        equal = 0  # tokens up to here that are the same
        for end in range(length + 2 * padding):
            equal = equal + 1 if end > 0 and padded[end] == padded[end - 1] else 1
            start = end - kernel + 1
            if start < 0 or equal > kernel:  # no window yet, or the one before it once more
                continue
            row = projected[padded[start], 0]
            for f in range(filters):
                response[f] = row[f]
            for k in range(1, kernel):
                row = projected[padded[start + k], k]
                for f in range(filters):
                    response[f] += row[f]
            for f in range(filters):
                larger = response[f] > best[f] or response[f] != response[f]
                best[f] = response[f] if larger else best[f]
                first[f] = start if larger else first[f]


@njit(cache=True)
def through_windows(  # type: ignore[no-untyped-def]  # numba infers the types
    gradient, position, tokens, padding, rows, taps, gradient_rows, gradient_taps
):
    """Add the gradients that features send to rows and taps through their winning windows.

    gradient (B, F); position (B, F); taps (K·F, d), offset by offset. The pairs (row, tap) are
    sorted by row, so that a row and its gradient stay in the nearest cache while the taps that
    touched them pass: 2 times faster than document by document.
    """
    n_documents, filters = gradient.shape
    kernel, length = len(taps) // filters, tokens.shape[1]
    begin = np.zeros(len(rows) + 1, np.int64)  # of each row's pairs; first counts, then sums
    for document in range(n_documents):
        for f in range(filters):
            if gradient[document, f] != 0:
                start = position[document, f] - padding
                for t in range(max(start, 0), min(start + kernel, length)):
                    begin[tokens[document, t] + 1] += 1
    begin = np.cumsum(begin)
    following = begin[:-1].copy()
    tap_of = np.empty(begin[-1], np.int64)
    gradient_of = np.empty(begin[-1], gradient.dtype)
    for document in range(n_documents):
        for f in range(filters):
            if gradient[document, f] != 0:
                start = position[document, f] - padding
                for t in range(max(start, 0), min(start + kernel, length)):
                    pair = following[tokens[document, t]]
                    following[tokens[document, t]] += 1
                    tap_of[pair] = (t - start) * filters + f
                    gradient_of[pair] = gradient[document, f]
    for u in range(len(rows)):
        row, gradient_row = rows[u], gradient_rows[u]
        for pair in range(begin[u], begin[u + 1]):
            tap, gradient_tap, g = (
                taps[tap_of[pair]],
                gradient_taps[tap_of[pair]],
                gradient_of[pair],
            )
            for d in range(len(row)):
                gradient_row[d] += g * tap[d]
                gradient_tap[d] += g * row[d]

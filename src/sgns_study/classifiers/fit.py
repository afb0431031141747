"""Training of the Conv1d classifier, its curves, and the choice of the epoch that is tested.

What a seed draws (layers, random embedding, dropout) comes from streams named for it, and no stream
depends on the initial embedding: the variants of a seed differ in the embedding alone.
"""

from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

from sgns_study import params
from sgns_study.adam import RowAdam
from sgns_study.artifacts import write_table
from sgns_study.classifiers.conv1d import Conv1dClassifier
from sgns_study.errors import StudyError
from sgns_study.randomness import generator
from sgns_study.sgns.vectors import Vectors
from sgns_study.tokens import PAD_ID

EVALUATED_AT_ONCE = 4096  # documents; their projections take at most 40 MB with 30,522 words


class ClassifierError(StudyError):
    """The classifier cannot be trained on what it was given; the message says the remedy."""


@dataclass(frozen=True)
class Documents:
    """Documents of one split, in the order of use."""

    tokens: NDArray[np.int32]  # (n, T), padded with PAD_ID
    labels: NDArray[np.int8]  # (n,), 0 or 1


@dataclass(frozen=True)
class Fitted:
    """What a trained classifier leaves."""

    curves: pd.DataFrame  # epoch, split, loss, accuracy; test only at the selected epoch
    selected_epoch: int
    probabilities: NDArray[np.float64]  # (n_test,), of label 1


def pretrained_table(vectors: Vectors, vocabulary: list[str], dim: int) -> NDArray[np.float32]:
    """Embedding (V, d) that starts from trained centre vectors, its padding row zero.

    Raises ClassifierError if the vectors are of another vocabulary or dim, or not finite.
    """
    if vectors.vocabulary != vocabulary or vectors.centre.shape[1] != dim:
        raise ClassifierError(
            f"the vectors have {len(vectors.vocabulary)} words and dim {vectors.centre.shape[1]}, "
            f"the token stream has {len(vocabulary)} words and dim {dim} is asked for: take the "
            "vectors that were trained on this token stream at this dim"
        )
    if not np.isfinite(vectors.centre).all():
        raise ClassifierError(
            "the vectors hold values that are not finite: train them again at a lower learning rate"
        )
    table = vectors.centre.copy()
    table[PAD_ID] = 0
    return table


def random_table(vocabulary_size: int, dim: int, seed: int) -> NDArray[np.float32]:
    """Embedding (V, d) from N(0, 1), as `nn.Embedding` starts, its padding row zero."""
    draw = generator(seed, "classifier", "embedding")
    table = draw.standard_normal((vocabulary_size, dim), dtype=np.float32)
    table[PAD_ID] = 0
    return table


def draw_layers(settings: params.Classifier, dim: int, seed: int) -> Conv1dClassifier:
    """Layers with torch's default initial values: U(−1/√fan_in, 1/√fan_in), weights and biases."""
    layers = Conv1dClassifier(dim, settings.filters, settings.kernel, settings.padding)
    for name, parameter in layers.named_parameters():
        fan_in = dim * settings.kernel if name.startswith("conv") else settings.filters
        draw = generator(seed, "classifier", name).random(parameter.shape, dtype=np.float32)
        with torch.no_grad():
            parameter.copy_(torch.from_numpy((2 * draw - 1) / np.float32(np.sqrt(fan_in))))
    return layers


def dropout_mask(draw: np.random.Generator, shape: tuple[int, int], rate: float) -> Tensor:
    """Factors 0 (with probability `rate`) or 1 / (1 − rate), float32."""
    kept = draw.random(shape, dtype=np.float32) >= rate
    return torch.from_numpy(kept / np.float32(1 - rate))


def distinct_tokens(
    tokens: NDArray[np.int32], vocabulary_size: int
) -> tuple[NDArray[np.int64], Tensor]:
    """Distinct ids (U,), ascending, PAD_ID always among them, and tokens (n, T) as their indices.

    By a table over the vocabulary, 5 times faster than sorting.
    """
    present = np.zeros(vocabulary_size, np.bool_)
    present[tokens] = True
    present[PAD_ID] = True
    ids = np.flatnonzero(present)
    index = np.empty(vocabulary_size, np.int32)
    index[ids] = np.arange(len(ids), dtype=np.int32)
    return ids, torch.from_numpy(index[tokens])


def cross_entropies(logits: Tensor, labels: Tensor) -> Tensor:
    """Binary cross-entropy of each document (B,), float64, so that sums over an epoch are exact."""
    return functional.binary_cross_entropy_with_logits(
        logits.double(), labels.double(), reduction="none"
    )


def correct(logits: Tensor, labels: Tensor) -> int:
    """Documents on the right side of probability 0.5."""
    return int(((logits.double().sigmoid() > 0.5) == (labels == 1)).sum())


@dataclass(frozen=True)
class Model:
    """All weights of a classifier."""

    table: NDArray[np.float32]  # (V, d), the embedding
    layers: Conv1dClassifier

    def logits(self, tokens: NDArray[np.int32]) -> Tensor:
        """Logits (n,) of documents (n, T) in evaluation mode."""
        found = []
        with torch.no_grad():
            for start in range(0, len(tokens), EVALUATED_AT_ONCE):
                some = tokens[start : start + EVALUATED_AT_ONCE]
                ids, indices = distinct_tokens(some, len(self.table))
                found.append(self.layers(torch.from_numpy(self.table[ids]), indices))
        return torch.cat(found)


class Trainer:
    """A classifier in training: the model, its batches and its optimisers."""

    def __init__(
        self,
        train: Documents,
        table: NDArray[np.float32],
        settings: params.Classifier,
        seed: int,
    ) -> None:
        """Draw the layers; find the distinct tokens of each batch, the same in every epoch."""
        self.settings = settings
        self.model = Model(
            np.array(table, np.float32, order="C"), draw_layers(settings, table.shape[1], seed)
        )
        self.dropout = generator(seed, "dropout")
        self.batches = []
        for start in range(0, len(train.tokens), settings.batch):
            documents = slice(start, start + settings.batch)
            ids, tokens = distinct_tokens(train.tokens[documents], len(table))
            self.batches.append((ids, tokens, torch.from_numpy(train.labels[documents])))
        steps = settings.epochs * len(self.batches)
        self.optimiser = torch.optim.Adam(self.model.layers.parameters(), lr=settings.learning_rate)
        self.row_optimiser = RowAdam(self.model.table, settings.learning_rate, steps)

    def epoch(self, epoch: int, progress: tqdm) -> tuple[float, float]:
        """Take a step on each batch; returns mean loss and accuracy while training."""
        loss, right, documents = 0.0, 0, 0
        for number, (ids, tokens, labels) in enumerate(self.batches, start=1):
            batch_loss, batch_right = self.step(ids, tokens, labels)
            check_finite(batch_loss, epoch, f"step {number} of {len(self.batches)}")
            loss += batch_loss
            right += batch_right
            documents += len(labels)
            progress.update()
        self.row_optimiser.flush()
        return loss / documents, right / documents

    def step(self, ids: NDArray[np.int64], tokens: Tensor, labels: Tensor) -> tuple[float, int]:
        """One step of Adam on documents `tokens` (B, T), which index `ids` (U,).

        Returns the summed loss and the number of correct documents. The padding row, first of
        `ids`, is never moved.
        """
        self.row_optimiser.catch_up(ids[1:])
        rows = torch.from_numpy(self.model.table[ids]).requires_grad_()  # (U, d)
        mask = dropout_mask(
            self.dropout, (len(tokens), self.settings.filters), self.settings.dropout
        )
        logits = self.model.layers(rows, tokens, mask)
        losses = cross_entropies(logits, labels)
        self.optimiser.zero_grad()
        losses.mean().backward()
        self.optimiser.step()
        assert rows.grad is not None
        self.row_optimiser.step(ids[1:], rows.grad.numpy()[1:])
        return float(losses.detach().sum()), correct(logits.detach(), labels)


def train_classifier(
    train: Documents,
    validation: Documents,
    test: Documents,
    table: NDArray[np.float32],
    settings: params.Classifier,
    seed: int,
) -> Fitted:
    """Train from an initial embedding, select an epoch on validation, and score the test once.

    `table` (V, d) is not changed. Documents keep their order in every epoch. Losses and accuracies
    of `train` are running means while training, with dropout, as the lab logs them; at epoch 0 and
    of the other splits they are of the finished epoch without dropout. The selected epoch is the
    first of those with the best validation accuracy, epoch 0 left out.

    Raises ClassifierError if labels or tokens do not fit, or if the loss stops being finite.
    """
    for name, documents in (("train", train), ("validation", validation), ("test", test)):
        check_documents(name, documents, len(table))
    check_both_labels(train.labels)
    trainer = Trainer(train, table, settings, seed)
    curves: list[tuple[int, str, float, float]] = []
    for split, documents in (("train", train), ("validation", validation)):
        loss, accuracy, _ = evaluate(trainer.model, documents, 0, split)
        curves.append((0, split, loss, accuracy))
    best, selected, selected_epoch = -1.0, trainer.model, 0
    steps = settings.epochs * len(trainer.batches)
    with tqdm(total=steps, desc="classifier", unit="step", disable=None) as progress:
        for epoch in range(1, settings.epochs + 1):
            loss, accuracy = trainer.epoch(epoch, progress)
            curves.append((epoch, "train", loss, accuracy))
            loss, accuracy, _ = evaluate(trainer.model, validation, epoch, "validation")
            curves.append((epoch, "validation", loss, accuracy))
            if accuracy > best:
                best, selected, selected_epoch = accuracy, deepcopy(trainer.model), epoch
    loss, accuracy, probabilities = evaluate(selected, test, selected_epoch, "test")
    curves.append((selected_epoch, "test", loss, accuracy))
    table_of_curves = pd.DataFrame(curves, columns=["epoch", "split", "loss", "accuracy"])
    return Fitted(table_of_curves, selected_epoch, probabilities)


def evaluate(
    model: Model, documents: Documents, epoch: int, split: str
) -> tuple[float, float, NDArray[np.float64]]:
    """Mean loss, accuracy and probabilities (n,) of label 1, without dropout."""
    logits, labels = model.logits(documents.tokens), torch.from_numpy(documents.labels)
    loss = float(cross_entropies(logits, labels).mean())
    check_finite(loss, epoch, split)
    return loss, correct(logits, labels) / len(labels), logits.double().sigmoid().numpy()


def save_fitted(
    folder: Path, fitted: Fitted, documents: NDArray[np.int64], test: Documents
) -> None:
    """Write `curves.csv` and `predictions.csv`; `documents` are the numbers of the test's."""
    predictions = {
        "document": documents,
        "label": test.labels,
        "probability": fitted.probabilities,
    }
    write_table(folder / "predictions.csv", pd.DataFrame(predictions))
    write_table(folder / "curves.csv", fitted.curves)


def check_documents(name: str, documents: Documents, vocabulary_size: int) -> None:
    """Raise ClassifierError unless tokens and labels of a split fit together and the embedding."""
    tokens, labels = documents.tokens, documents.labels
    if len(tokens) == 0 or tokens.ndim != 2 or labels.shape != (len(tokens),):
        raise ClassifierError(
            f"{name} split: found tokens of shape {tokens.shape} and labels of shape "
            f"{labels.shape}, allowed: (n, length) and (n,), n at least 1: draw the sample again"
        )
    if not np.isin(labels, (0, 1)).all():
        raise ClassifierError(
            f"{name} split: found labels {sorted(set(labels.tolist()))}, allowed: 0 and 1: "
            "take labelled documents only"
        )
    if not 0 <= tokens.min() <= tokens.max() < vocabulary_size:
        raise ClassifierError(
            f"{name} split: found token ids from {tokens.min()} to {tokens.max()}, but the "
            f"embedding has rows 0 to {vocabulary_size - 1}: tokens and embedding must be of one "
            "vocabulary"
        )


def check_both_labels(labels: NDArray[np.int8]) -> None:
    """Raise ClassifierError if the training documents are all of one label."""
    if labels.min() == labels.max():
        raise ClassifierError(
            f"train split: all {len(labels)} documents have label {labels[0]}: a classifier needs "
            "both; raise sampling.classifier.documents"
        )


def check_finite(loss: float, epoch: int, where: str) -> None:
    """Raise ClassifierError if the loss overflowed."""
    if np.isfinite(loss):
        return
    cause = (
        "the initial embedding holds values that are too large or not finite: take other vectors"
        if epoch == 0
        else "training diverged, most likely because its steps are too large: "
        "lower classifier.learning_rate"
    )
    raise ClassifierError(f"the loss is {loss} (epoch {epoch}, {where}): {cause}")

"""Training of the Conv1d classifier, its curves, and the choice of the epoch that is tested.

What a seed draws (layers, random embedding, dropout) comes from streams named for it, and no stream
depends on the initial embedding: the variants of a seed differ in the embedding alone.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

from sgns_study import params
from sgns_study.artifacts import write_table
from sgns_study.classifiers.predictions import write_predictions
from sgns_study.errors import StudyError
from sgns_study.kernels.adam import RowAdam
from sgns_study.kernels.conv1d import Conv1dClassifier
from sgns_study.randomness import generator
from sgns_study.tokens import PAD_ID

EVALUATED_AT_ONCE = 4096  # documents; their projections take at most 40 MB with 30,522 words


class ClassifierError(StudyError):
    """The classifier cannot be trained on what it was given; the message says the remedy."""


@dataclass(frozen=True)
class Documents:
    """Documents of one split, in the order of use."""

    tokens: NDArray[np.int32]  # (n, T), padded with PAD_ID
    labels: NDArray[np.int16]  # (n,), numbers of classes


@dataclass(frozen=True)
class Fitted:
    """What a trained classifier leaves."""

    curves: pd.DataFrame  # epoch, split, loss, accuracy; test only at the selected epoch
    selected_epoch: int
    probabilities: NDArray[np.float64]  # (n_test,) of label 1; (n_test, C) beyond two classes


def draw_layers(
    settings: params.Classifier, dim: int, seed: int, outputs: int = 1
) -> Conv1dClassifier:
    """Layers with torch's default initial values: U(−1/√fan_in, 1/√fan_in), weights and biases."""
    layers = Conv1dClassifier(dim, settings.filters, settings.kernel, settings.padding, outputs)
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
    """Cross-entropy of each document (B,), float64, so that sums over an epoch are exact.

    Logits (B,) are of label 1 against label 0, logits (B, C) of each class.
    """
    if logits.ndim == 1:
        return functional.binary_cross_entropy_with_logits(
            logits.double(), labels.double(), reduction="none"
        )
    return functional.cross_entropy(logits.double(), labels.long(), reduction="none")


def probabilities(logits: Tensor) -> Tensor:
    """Of label 1 (B,), or of each class (B, C), float64."""
    return logits.double().sigmoid() if logits.ndim == 1 else logits.double().softmax(1)


def correct(logits: Tensor, labels: Tensor) -> int:
    """Documents on the right side of probability 0.5, or whose class is the most probable."""
    found = probabilities(logits)
    chosen = found > 0.5 if logits.ndim == 1 else found.argmax(1)
    return int((chosen == labels).sum())


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


class Scorer(Protocol):
    """A classifier that gives logits, wherever its weights lie."""

    def logits(self, tokens: NDArray[np.int32]) -> Tensor:
        """Logits (n,) of documents (n, T) in evaluation mode, on the processor."""


class Training(ABC):
    """A classifier in training: all but where its embedding lies and how that is moved."""

    model: Scorer
    batches: list[tuple[Any, Tensor, Tensor]]  # what `step` takes, the same in every epoch

    def __init__(
        self,
        train: Documents,
        dim: int,
        settings: params.Classifier,
        seed: int,
        frozen: bool,
        classes: int,
        device: str = "cpu",
    ) -> None:
        """Draw the layers, cut the documents into batches and plan the steps."""
        self.settings, self.frozen, self.device = settings, frozen, device
        outputs = 1 if classes == 2 else classes
        self.layers = draw_layers(settings, dim, seed, outputs).to(device)
        self.dropout = generator(seed, "dropout")
        self.parts = [
            slice(start, start + settings.batch)
            for start in range(0, len(train.tokens), settings.batch)
        ]
        self.passes = -(-settings.epoch_steps // len(self.parts))  # over the documents, an epoch
        self.steps = steps = settings.epochs * self.passes * len(self.parts)
        self.falling = (
            1 - np.arange(steps + 1) / steps if settings.linear_decay else np.ones(steps + 1)
        )
        self.row_rate = settings.embedding_learning_rate or settings.learning_rate
        self.optimiser = torch.optim.Adam(self.layers.parameters(), lr=settings.learning_rate)
        self.schedule = self.scheduled(self.optimiser)

    def scheduled(self, optimiser: torch.optim.Optimizer) -> torch.optim.lr_scheduler.LambdaLR:
        """The schedule of an optimiser's step size."""
        return torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: float(self.falling[step]))

    def epoch(self, epoch: int, progress: tqdm) -> tuple[float, float]:
        """Take a step on each batch; returns mean loss and accuracy while training."""
        loss, right, documents = 0.0, 0, 0
        steps = self.passes * self.batches
        for number, (ids, tokens, labels) in enumerate(steps, start=1):
            batch_loss, batch_right = self.step(ids, tokens, labels)
            check_finite(batch_loss, epoch, f"step {number} of {len(steps)}")
            loss += batch_loss
            right += batch_right
            documents += len(labels)
            progress.update()
        return loss / documents, right / documents

    @abstractmethod
    def step(self, ids: Any, tokens: Tensor, labels: Tensor) -> tuple[float, int]:
        """One step of Adam on documents `tokens` (B, T), which index the rows `ids`.

        Returns the summed loss and the number of correct documents. The padding row is never
        moved, and no row of a frozen embedding.
        """

    def move_layers(self, rows: Tensor, tokens: Tensor, labels: Tensor) -> tuple[float, int]:
        """`step` but for the embedding, whose gradient it leaves with `rows` (U, d).

        `tokens` (B, T) index the rows, of which the first is the padding.
        """
        mask = dropout_mask(
            self.dropout, (len(tokens), self.settings.filters), self.settings.dropout
        )
        if self.settings.word_dropout:  # hidden tokens become the pad, which is index 0
            hidden = self.dropout.random(tokens.shape, np.float32) < self.settings.word_dropout
            tokens = tokens.masked_fill(torch.from_numpy(hidden).to(self.device), 0)
        logits = self.layers(rows, tokens, mask.to(self.device))
        losses = cross_entropies(logits, labels)
        self.optimiser.zero_grad()
        losses.mean().backward()
        self.optimiser.step()
        self.schedule.step()
        return float(losses.detach().sum()), correct(logits.detach(), labels)


class Trainer(Training):
    """Training on the processor, where only the rows of a batch are read and moved."""

    model: Model

    def __init__(
        self,
        train: Documents,
        table: NDArray[np.float32],
        settings: params.Classifier,
        seed: int,
        frozen: bool,
        classes: int,
    ) -> None:
        """Start from `table` (V, d); find the distinct tokens of each batch."""
        super().__init__(train, table.shape[1], settings, seed, frozen, classes)
        self.model = Model(np.array(table, np.float32, order="C"), self.layers)
        self.batches = []
        for part in self.parts:
            ids, tokens = distinct_tokens(train.tokens[part], len(table))
            self.batches.append((ids, tokens, torch.from_numpy(train.labels[part])))
        self.row_optimiser = RowAdam(self.model.table, self.row_rate, self.steps)
        row_rule = self.row_optimiser.rule  # its sizes are those of steps 1, 2, …
        row_rule.size[1:] *= self.falling[:-1]

    def epoch(self, epoch: int, progress: tqdm) -> tuple[float, float]:
        """As of any training; afterwards no row is behind."""
        scores = super().epoch(epoch, progress)
        self.row_optimiser.flush()
        return scores

    def step(self, ids: NDArray[np.int64], tokens: Tensor, labels: Tensor) -> tuple[float, int]:
        """One step; `ids` (U,) begin with the padding row."""
        self.row_optimiser.catch_up(ids[1:])
        rows = torch.from_numpy(self.model.table[ids]).requires_grad_(not self.frozen)  # (U, d)
        scores = self.move_layers(rows, tokens, labels)
        if rows.grad is not None:
            self.row_optimiser.step(ids[1:], rows.grad.numpy()[1:])
        return scores


def train_classifier(
    train: Documents,
    validation: Documents,
    test: Documents,
    table: NDArray[np.float32],
    settings: params.Classifier,
    seed: int,
    frozen: bool = False,
    training: Callable[..., Training] = Trainer,
) -> Fitted:
    """Train from an initial embedding, select an epoch on validation, and score the test once.

    `table` (V, d) is not changed; `frozen`: nor is the embedding, only the layers learn. `training`
    makes what is trained, as `Trainer` does. Beyond two classes the outputs are a softmax over all
    that the documents have. Documents keep their order in every epoch. Losses and accuracies of
    `train` are running means while training, with dropout, as the lab logs them; at epoch 0 and of
    the other splits they are of the finished epoch without dropout. The selected epoch is the first
    of those with the best validation accuracy, epoch 0 left out.

    Raises ClassifierError if labels or tokens do not fit, or if the loss stops being finite.
    """
    for name, documents in (("train", train), ("validation", validation), ("test", test)):
        check_documents(name, documents, len(table))
    check_labels(train.labels)
    classes = 1 + max(int(part.labels.max()) for part in (train, validation, test))
    trainer = training(train, table, settings, seed, frozen, max(classes, 2))
    curves: list[tuple[int, str, float, float]] = []
    for split, documents in (("train", train), ("validation", validation)):
        loss, accuracy, _ = evaluate(trainer.model, documents, 0, split)
        curves.append((0, split, loss, accuracy))
    best, selected, selected_epoch = -1.0, trainer.model, 0
    with tqdm(total=trainer.steps, desc="classifier", unit="step", disable=None) as progress:
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
    model: Scorer, documents: Documents, epoch: int, split: str
) -> tuple[float, float, NDArray[np.float64]]:
    """Mean loss, accuracy and probabilities, as `probabilities` gives them, without dropout."""
    logits, labels = model.logits(documents.tokens), torch.from_numpy(documents.labels)
    loss = float(cross_entropies(logits, labels).mean())
    check_finite(loss, epoch, split)
    return loss, correct(logits, labels) / len(labels), probabilities(logits).numpy()


def save_fitted(
    folder: Path, fitted: Fitted, documents: NDArray[np.int64], test: Documents
) -> None:
    """Write `curves.csv` and `predictions.csv`; `documents` are the numbers of the test's."""
    write_predictions(folder / "predictions.csv", documents, test.labels, fitted.probabilities)
    write_table(folder / "curves.csv", fitted.curves)


def check_documents(name: str, documents: Documents, vocabulary_size: int) -> None:
    """Raise ClassifierError unless tokens and labels of a split fit together and the embedding."""
    tokens, labels = documents.tokens, documents.labels
    if len(tokens) == 0 or tokens.ndim != 2 or labels.shape != (len(tokens),):
        raise ClassifierError(
            f"{name} split: found tokens of shape {tokens.shape} and labels of shape "
            f"{labels.shape}, allowed: (n, length) and (n,), n at least 1: draw the sample again"
        )
    if labels.min() < 0:
        raise ClassifierError(
            f"{name} split: found labels {sorted(set(labels.tolist()))}, allowed: the numbers of "
            "classes, from 0: take labelled documents only"
        )
    if not 0 <= tokens.min() <= tokens.max() < vocabulary_size:
        raise ClassifierError(
            f"{name} split: found token ids from {tokens.min()} to {tokens.max()}, but the "
            f"embedding has rows 0 to {vocabulary_size - 1}: tokens and embedding must be of one "
            "vocabulary"
        )


def check_labels(labels: NDArray[np.int16]) -> None:
    """Raise ClassifierError if the training documents are all of one label."""
    if labels.min() == labels.max():
        raise ClassifierError(
            f"train split: all {len(labels)} documents have label {labels[0]}: a classifier needs "
            "two at least; raise sampling.classifier.documents"
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

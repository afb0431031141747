"""Training of the Conv1d classifier, and the choice of the epoch that is tested.

All that a seed draws (layers, random embedding, dropout) comes from streams that are named for it,
and no stream depends on the initial embedding: classifiers of one seed differ in that alone.
"""

from copy import deepcopy
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.optim.adam import adam as adam_step
from tqdm import tqdm

from sgns_study import params
from sgns_study.classifiers.conv1d import (
    class_probabilities,
    correct,
    cross_entropies,
    draw_classifier,
    dropout_mask,
)
from sgns_study.errors import StudyError
from sgns_study.kernels import conv1d as kernels
from sgns_study.kernels.adam import BETA1, BETA2, EPS, RowAdam
from sgns_study.randomness import generator
from sgns_study.tokens import PAD_ID

# Documents scored at once. With the kernels the projections of 30,522 words take at most 40 MB; in
# plain torch the embeddings of documents of 256 tokens at d = 256 take 134 MB.
SCORED_BY_KERNELS, SCORED_BY_TORCH = 4096, 512


class ClassifierError(StudyError):
    """The classifier cannot be trained on what it was given; the message says the remedy."""


class Documents(NamedTuple):
    """Documents of one split, in the order of use."""

    tokens: NDArray[np.int32]  # (n, T), padded with PAD_ID
    labels: NDArray[np.int16]  # (n,), numbers of classes


class Fitted(NamedTuple):
    """The curves, the test predictions and the weights of a trained classifier."""

    curves: pd.DataFrame  # epoch, split, loss, accuracy; test only at the selected epoch
    selected_epoch: int
    probabilities: NDArray[np.float64]  # (n_test,) of label 1; (n_test, C) beyond two classes
    weights: dict[str, Tensor]  # at that epoch, by their names in `Conv1dClassifier`


def train_classifier(
    train: Documents,
    validation: Documents,
    test: Documents,
    table: NDArray[np.float32],
    settings: params.Classifier,
    seed: int,
    frozen: bool = False,
    device: str = "cpu",
) -> Fitted:
    """Train from an initial embedding, select an epoch on validation, and score the test once.

    table (V, d): the initial embedding, copied; if `frozen`, only the layers learn. device: as
    torch names it; `cpu` runs the kernels, any other plain torch. Beyond two classes the output is
    a softmax over all classes that the documents have.

    Raises ClassifierError if all training documents have one label, or if the loss overflows.
    """
    check_labels(train.labels)
    classes = 1 + max(int(part.labels.max()) for part in (train, validation, test))
    training = Training(train, table, settings, seed, frozen, max(classes, 2), device)
    return fit(training, train, validation, test)


def fit(training: "Training", train: Documents, validation: Documents, test: Documents) -> Fitted:
    """Train epoch by epoch, return to the best one on validation, and score the test there.

    Loss and accuracy of `train` are running means during the epoch, with dropout, as the lab logs
    them. At epoch 0 and of the other splits they are those after the epoch, without dropout. The
    selected epoch is the first of the best validation accuracy; epoch 0 does not count. Training
    ends when it has not been bettered for `patience` epochs, or after all `epochs`.
    """
    start = evaluate(training, train, 0, "train"), evaluate(training, validation, 0, "validation")
    curves = [(0, "train", *start[0][:2]), (0, "validation", *start[1][:2])]
    best, selected_epoch, weights = -1.0, 0, {}
    with tqdm(total=training.steps, desc="classifier", unit="step", disable=None) as progress:
        for epoch in range(1, training.settings.epochs + 1):
            curves.append((epoch, "train", *training.epoch(epoch, progress)))
            loss, accuracy, _ = evaluate(training, validation, epoch, "validation")
            curves.append((epoch, "validation", loss, accuracy))
            if accuracy > best:
                best, selected_epoch = accuracy, epoch
                weights = deepcopy(training.model.state_dict())
            elif epoch - selected_epoch == training.settings.patience:
                break
    training.model.load_state_dict(weights)
    loss, accuracy, probabilities = evaluate(training, test, selected_epoch, "test")
    curves.append((selected_epoch, "test", loss, accuracy))
    table = pd.DataFrame(curves, columns=["epoch", "split", "loss", "accuracy"])
    return Fitted(table, selected_epoch, probabilities, weights)


def evaluate(
    training: "Training", documents: Documents, epoch: int, split: str
) -> tuple[float, float, NDArray[np.float64]]:
    """Mean loss, accuracy, and probabilities (n,) or (n, C), without dropout."""
    logits, labels = training.logits(documents.tokens), torch.from_numpy(documents.labels)
    loss = float(cross_entropies(logits, labels).mean())
    check_finite(loss, epoch, split)
    return loss, correct(logits, labels) / len(labels), class_probabilities(logits).numpy()


class Adam:
    """Adam on whole tensors, by the function of `torch.optim.Adam`.

    To make an object of that class imports torch's compiler, which takes as long as torch itself.
    """

    def __init__(self, tensors: list[Tensor], rates: NDArray[np.float64]) -> None:
        """`rates`: the learning rate of each step."""
        self.tensors, self.rates = tensors, iter(rates.tolist())
        self.momenta, self.variances = ([*map(torch.zeros_like, tensors)] for _ in range(2))
        self.steps = [torch.tensor(0.0) for _ in tensors]

    def step(self) -> None:
        """Take the next step, by the gradients that the tensors have."""
        gradients = [tensor.grad for tensor in self.tensors if tensor.grad is not None]
        with torch.no_grad():
            adam_step(
                self.tensors,
                gradients,
                self.momenta,
                self.variances,
                max_exp_avg_sqs=[],
                state_steps=self.steps,
                amsgrad=False,
                beta1=BETA1,
                beta2=BETA2,
                lr=next(self.rates),
                weight_decay=0.0,
                eps=EPS,
                maximize=False,
            )


class Training:
    """A classifier in training on one device: the model, the batches and the optimisers.

    Plain torch reads and moves the whole embedding at each step. The kernels read only the rows of
    the batch's distinct tokens, and `RowAdam` moves the others when they are needed. Both draw the
    same random numbers, on the host, and give the same curves up to rounding.
    """

    def __init__(
        self,
        train: Documents,
        table: NDArray[np.float32],
        settings: params.Classifier,
        seed: int,
        frozen: bool,
        classes: int,
        device: str = "cpu",
        plain: bool = False,
    ) -> None:
        """Start from `table` (V, d); `plain` runs plain torch on the processor too."""
        self.settings, self.frozen, self.device = settings, frozen, device
        self.plain = plain or device != "cpu"
        outputs = 1 if classes == 2 else classes
        self.model = draw_classifier(settings, table, seed, outputs).to(device)
        self.dropout = generator(seed, "dropout")
        labels = torch.from_numpy(train.labels).to(device).split(settings.batch)
        starts = range(0, len(train.tokens), settings.batch)
        parts = [train.tokens[start : start + settings.batch] for start in starts]
        self.batches = [(*self.indexed(part), found) for part, found in zip(parts, labels)]
        balanced = settings.class_weights == "balanced"
        self.class_weights = class_weights(train.labels, classes, balanced).to(device)  # (C,)
        self.passes = -(-settings.epoch_steps // len(self.batches))  # in an epoch
        self.steps = settings.epochs * self.passes * len(self.batches)
        self.prepare_optimisers()

    def prepare_optimisers(self) -> None:
        """Adam for the layers and for the embedding, with constant or falling step sizes."""
        settings, model, steps = self.settings, self.model, self.steps
        falling = 1 - np.arange(steps + 1) / steps if settings.linear_decay else np.ones(steps + 1)
        row_rate = settings.embedding_learning_rate or settings.learning_rate
        model.embedding.requires_grad_(self.plain and not self.frozen)
        if not self.plain:
            model.features = kernels.embed_conv_max
            self.row_adam = RowAdam(model.embedding.numpy(), row_rate, steps)  # shares the memory
            self.row_adam.rule.size[1:] *= falling[:-1]  # entry i belongs to step i, from 1 on
        layers: list[Tensor] = [*model.conv.parameters(), *model.linear.parameters()]
        embedding: list[Tensor] = [model.embedding] if model.embedding.requires_grad else []
        rates = settings.learning_rate * falling, row_rate * falling
        self.adams = [Adam(part, rate) for part, rate in zip((layers, embedding), rates)]

    def indexed(self, tokens: NDArray[np.int32]) -> tuple[NDArray[np.int64] | None, Tensor]:
        """The ids whose rows documents need (U,), and tokens (n, T) as indices into these rows.

        In plain torch these are None, for all rows, and the tokens as they are.
        """
        if self.plain:
            return None, torch.from_numpy(tokens).to(self.device)
        return kernels.distinct_tokens(tokens, len(self.model.embedding))

    def rows(self, ids: NDArray[np.int64] | None) -> Tensor | None:
        """Copies of the rows of `ids` (U, d), moved to the present step; None stands for all."""
        if ids is None:
            return None
        self.row_adam.catch_up(ids[1:])
        return torch.from_numpy(self.row_adam.table[ids]).requires_grad_(not self.frozen)

    def logits(self, tokens: NDArray[np.int32]) -> Tensor:
        """Logits (n,) or (n, C) of documents (n, T) without dropout, on the host."""
        at_once = SCORED_BY_TORCH if self.plain else SCORED_BY_KERNELS
        found = []
        with torch.no_grad():
            for start in range(0, len(tokens), at_once):
                ids, indices = self.indexed(tokens[start : start + at_once])
                found.append(self.model(indices, rows=self.rows(ids)).cpu())
        return torch.cat(found)

    def epoch(self, epoch: int, progress: tqdm) -> tuple[float, float]:
        """Take a step on each batch; returns mean loss and accuracy while training."""
        loss, right, documents = 0.0, 0, 0
        batches = self.passes * self.batches
        for number, batch in enumerate(batches, start=1):
            batch_loss, batch_right = self.step(*batch)
            check_finite(batch_loss, epoch, f"step {number} of {len(batches)}")
            loss += batch_loss
            right += batch_right
            documents += len(batch[-1])
            progress.update()
        if not self.plain:
            self.row_adam.flush()
        return loss / documents, right / documents

    def step(
        self, ids: NDArray[np.int64] | None, tokens: Tensor, labels: Tensor
    ) -> tuple[float, int]:
        """One step of Adam on a batch: tokens (B, T) index the rows of `ids`, or the vocabulary.

        Returns the summed loss and the number of correct documents. The padding row is never
        moved, and no row of a frozen embedding.
        """
        settings = self.settings
        mask = dropout_mask(self.dropout, (len(tokens), settings.filters), settings.dropout)
        if settings.word_dropout:  # hidden tokens become the pad, whose index is 0 either way
            hidden = self.dropout.random(tokens.shape, np.float32) < settings.word_dropout
            tokens = tokens.masked_fill(torch.from_numpy(hidden).to(self.device), PAD_ID)
        rows = self.rows(ids)  # (U, d)
        logits = self.model(tokens, mask.to(self.device), rows)  # (B,) or (B, C)
        losses = cross_entropies(logits, labels)  # (B,)
        self.model.zero_grad()
        (losses * self.class_weights[labels.long()]).mean().backward()
        gradient = (self.model.embedding if rows is None else rows).grad
        if gradient is not None:
            if ids is None:
                gradient[PAD_ID] = 0
            else:
                self.row_adam.step(ids[1:], gradient.numpy()[1:])
        for adam in self.adams:
            adam.step()
        return float(losses.detach().sum()), correct(logits.detach(), labels)


def class_weights(labels: NDArray[np.int16], classes: int, balanced: bool) -> Tensor:
    """What the loss of a document of each class weighs in a step, float64 (classes,).

    1, or if `balanced` n / (C n_c), for n documents of C classes, n_c of them of class c: so all
    classes weigh the same in sum, and documents 1 in the mean.
    """
    if not balanced:
        return torch.ones(classes, dtype=torch.float64)
    counts = np.bincount(labels, minlength=classes)
    return torch.from_numpy(len(labels) / (np.count_nonzero(counts) * np.maximum(counts, 1)))


def check_labels(labels: NDArray[np.int16]) -> None:
    """Raise ClassifierError if the training documents are all of one label."""
    if labels.min() == labels.max():
        raise ClassifierError(
            f"train split: all {len(labels)} documents have label {labels[0]}: a classifier needs "
            "two at least; raise sampling.classifier.documents"
        )


def check_finite(loss: float, epoch: int, where: str) -> None:
    """Raise ClassifierError if the loss overflowed."""
    cause = "training diverged, probably in too large steps: lower classifier.learning_rate"
    if epoch == 0:
        cause = "the initial embedding is too large or not finite: take other vectors"
    if not np.isfinite(loss):
        raise ClassifierError(f"the loss is {loss} (epoch {epoch}, {where}): {cause}")

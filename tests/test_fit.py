"""Training against a plain torch classifier with a dense optimiser, and what a seed decides."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray
from scipy import stats
from torch import nn
from tqdm import tqdm

from sgns_study import params
from sgns_study.artifacts import read_table
from sgns_study.classifiers.conv1d import draw_classifier, dropout_mask
from sgns_study.classifiers.fit import (
    ClassifierError,
    Documents,
    Training,
    train_classifier,
)
from sgns_study.classifiers.inits import random_table
from sgns_study.classifiers.predictions import write_predictions
from sgns_study.randomness import generator

VOCABULARY, DIM, LENGTH, SEED = 60, 6, 12, 3
GOOD, BAD, SO_SO = 7, 8, 9  # tokens that decide the label
SETTINGS = params.Classifier(
    max_tokens=LENGTH,
    filters=9,
    kernel=3,
    padding=1,
    dropout=0.3,
    learning_rate=0.01,
    batch=16,
    epochs=4,
)


def documents(n: int, seed: int, classes: int = 2) -> Documents:
    """Random tokens, padded at the end, one of which decides the label."""
    draw = np.random.default_rng(seed)
    labels = draw.integers(0, classes, n).astype(np.int16)
    tokens = draw.integers(10, VOCABULARY, (n, LENGTH)).astype(np.int32)
    length = draw.integers(3, LENGTH + 1, n)
    tokens[np.arange(LENGTH) >= length[:, None]] = 0
    tokens[np.arange(n), draw.integers(0, length)] = np.array([BAD, GOOD, SO_SO])[labels]
    return Documents(tokens, labels)


Splits = tuple[Documents, Documents, Documents]
TRAIN, VALIDATION, TEST = documents(70, 1), documents(40, 2), documents(30, 3)  # 70 = 4 · 16 + 6
THREE_CLASSES = documents(70, 1, 3), documents(40, 2, 3), documents(30, 3, 3)


class PlainClassifier(nn.Module):
    """The classifier as a textbook has it; only the initial values are ours.

    Gives the probability of label 1, or the logits of more classes than two.
    """

    def __init__(
        self,
        table: NDArray[np.float32],
        settings: params.Classifier,
        seed: int,
        classes: int = 2,
        frozen: bool = False,
    ) -> None:
        super().__init__()
        layers = draw_classifier(settings, table, seed, 1 if classes == 2 else classes)
        self.embedding = nn.Embedding.from_pretrained(
            torch.tensor(table), freeze=frozen, padding_idx=0
        )
        self.conv, self.linear = layers.conv, layers.linear

    def forward(self, tokens: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        features = torch.relu(self.conv(self.embedding(tokens).transpose(1, 2))).max(dim=2).values
        if mask is not None:
            features = features * mask
        logits = self.linear(features)
        return torch.sigmoid(logits).squeeze(1) if logits.shape[1] == 1 else logits


def plain_curves(
    model: PlainClassifier, settings: params.Classifier, seed: int, splits: Splits
) -> pd.DataFrame:
    """Curves of plain torch: whole-batch means weighted by batch size, dense Adam."""
    two = model.linear.out_features == 1
    criterion = nn.BCELoss() if two else nn.CrossEntropyLoss()
    row_rate = settings.embedding_learning_rate
    groups = [
        {"params": model.embedding.parameters(), "lr": row_rate or settings.learning_rate},
        {"params": [*model.conv.parameters(), *model.linear.parameters()]},
    ]
    optimiser = torch.optim.Adam(groups, lr=settings.learning_rate)
    draw = generator(seed, "dropout")

    def tensors(split: Documents) -> tuple[torch.Tensor, torch.Tensor]:
        labels = torch.tensor(split.labels, dtype=torch.float32 if two else torch.int64)
        return torch.tensor(split.tokens), labels

    def right(found: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return ((found > 0.5) == (labels == 1) if two else found.argmax(1) == labels).double()

    def scores(split: Documents) -> tuple[float, float]:
        tokens, labels = tensors(split)
        with torch.no_grad():
            found = model(tokens)
        return float(criterion(found, labels)), float(right(found, labels).mean())

    train, validation, test = splits
    tokens, labels = tensors(train)
    batches = list(zip(tokens.split(settings.batch), labels.split(settings.batch)))
    batches *= math.ceil(settings.epoch_steps / len(batches))
    steps = settings.epochs * len(batches)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: 1 - step / steps if settings.linear_decay else 1.0
    )
    curves = [(0, "train", *scores(train)), (0, "validation", *scores(validation))]
    tests = {}
    for epoch in range(1, settings.epochs + 1):
        losses, rights, seen = 0.0, 0.0, 0
        for some, expected in batches:
            mask = dropout_mask(draw, (len(some), settings.filters), settings.dropout)
            if settings.word_dropout:
                hidden = draw.random(some.shape, np.float32) < settings.word_dropout
                some = some.masked_fill(torch.tensor(hidden), 0)
            found = model(some, mask)
            loss = criterion(found, expected)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            losses += loss.item() * len(some)
            rights += float(right(found, expected).sum())
            seen += len(some)
        curves.append((epoch, "train", losses / seen, rights / seen))
        curves.append((epoch, "validation", *scores(validation)))
        tests[epoch] = scores(test)
    best = max(tests, key=lambda epoch: curves[2 * epoch + 1][3])  # the first of equals
    rows = [*curves, (best, "test", *tests[best])]
    return pd.DataFrame(rows, columns=["epoch", "split", "loss", "accuracy"])


def test_curves_are_those_of_plain_torch() -> None:
    table, splits = random_table(VOCABULARY, DIM, SEED), (TRAIN, VALIDATION, TEST)
    ours = train_classifier(*splits, table, SETTINGS, SEED)
    plain = plain_curves(PlainClassifier(table, SETTINGS, SEED), SETTINGS, SEED, splits)
    assert plain.loss.iloc[-2] < plain.loss[1] - 0.05  # the comparison is of models that moved
    pd.testing.assert_frame_equal(ours.curves, plain, rtol=1e-4)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(
    ("frozen", "options"),
    [
        (False, {}),
        (True, {}),
        (False, {"linear_decay": True}),
        (False, {"embedding_learning_rate": 0.03}),
        (False, {"epoch_steps": 6}),  # of 5 steps a pass: two passes
        (False, {"word_dropout": 0.3}),
        (
            False,
            {
                "linear_decay": True,
                "embedding_learning_rate": 1e-3,
                "epoch_steps": 10,
                "word_dropout": 0.2,
            },
        ),
    ],
)
def test_every_way_to_train_is_that_of_plain_torch(
    classes: int, frozen: bool, options: dict[str, Any]
) -> None:
    table = random_table(VOCABULARY, DIM, SEED)
    splits = (TRAIN, VALIDATION, TEST) if classes == 2 else THREE_CLASSES
    settings = SETTINGS.model_copy(update=options)
    ours = train_classifier(*splits, table, settings, SEED, frozen)
    model = PlainClassifier(table, settings, SEED, classes, frozen)
    plain = plain_curves(model, settings, SEED, splits)
    pd.testing.assert_frame_equal(ours.curves, plain, rtol=1e-3)
    if frozen or options:  # the option does something
        without = train_classifier(*splits, table, SETTINGS, SEED).curves
        assert np.abs(without.loss - ours.curves.loss)[2:].max() > 0.01
    # and the weights that the last epoch leaves are those of dense Adam
    training = Training(splits[0], table, settings, SEED, frozen, classes)
    for epoch in range(1, settings.epochs + 1):
        training.epoch(epoch, tqdm(disable=True))
    found = training.model.embedding.numpy()
    np.testing.assert_allclose(found, model.embedding.weight.detach(), rtol=1e-3, atol=1e-4)
    assert np.array_equal(found, table) == frozen
    before = draw_classifier(settings, table, SEED, 1 if classes == 2 else 3)
    for name in ("conv.weight", "conv.bias", "linear.weight", "linear.bias"):
        parameter = training.model.get_parameter(name)
        torch.testing.assert_close(parameter, model.get_parameter(name), rtol=1e-3, atol=1e-4)
        assert not torch.equal(parameter, before.get_parameter(name))


@pytest.mark.parametrize(("epoch_steps", "passes"), [(1, 1), (5, 1), (6, 2), (10, 2), (11, 3)])
def test_an_epoch_passes_over_the_documents_as_often_as_its_steps_take(
    epoch_steps: int, passes: int
) -> None:
    settings = SETTINGS.model_copy(update={"epoch_steps": epoch_steps})
    table = random_table(VOCABULARY, DIM, SEED)
    training = Training(TRAIN, table, settings, SEED, frozen=False, classes=2)
    seen: list[int] = []
    training.model.register_forward_pre_hook(lambda _, given: seen.append(len(given[0])))
    training.epoch(1, tqdm(disable=True))
    assert seen == [16, 16, 16, 16, 6] * passes


@pytest.mark.parametrize("patience", [1, 2, 3, 5, 40])
def test_training_ends_when_patience_does(patience: int) -> None:
    """The curves are those without patience, cut where a walk along them says."""
    table, splits = random_table(VOCABULARY, DIM, SEED), (TRAIN, VALIDATION, TEST)
    settings = SETTINGS.model_copy(update={"epochs": 12})
    all_epochs = train_classifier(*splits, table, settings, SEED).curves
    validated = all_epochs[all_epochs.split == "validation"].accuracy.tolist()
    best, last = 1, 1
    while last < 12 and last - best < patience:
        last += 1
        best = last if validated[last] > validated[best] else best
    assert {1: last < 12, 40: last == 12}.get(patience, True)  # both ends are seen
    patient = settings.model_copy(update={"patience": patience})
    found = train_classifier(*splits, table, patient, SEED)
    whole, cut = (c[c.split != "test"] for c in (all_epochs, found.curves))
    pd.testing.assert_frame_equal(cut, whole[whole.epoch <= last], check_exact=True)
    assert found.selected_epoch == best
    shorter = settings.model_copy(update={"epochs": last})
    again = train_classifier(*splits, table, shorter, SEED)
    assert found.probabilities.tobytes() == again.probabilities.tobytes()
    assert all(torch.equal(again.weights[name], part) for name, part in found.weights.items())


@pytest.mark.parametrize("classes", [2, 3])
def test_balanced_weights_are_those_of_classes_repeated_to_one_size(classes: int) -> None:
    """In steps on all documents, without dropout, a weight is as good as copies."""
    whole, validation = documents(300, 1, classes), documents(60, 2, classes)
    each = [np.flatnonzero(whole.labels == label) for label in range(classes)]
    few = [part[:size] for part, size in zip(each, (60, 20, 30))]
    copies = [np.tile(part, 60 // len(part)) for part in few]
    train, repeated = (
        Documents(whole.tokens[chosen], whole.labels[chosen])
        for chosen in (np.concatenate(few), np.concatenate(copies))
    )
    settings = SETTINGS.model_copy(update={"batch": 1000, "dropout": 0.0, "epochs": 20})
    balanced = settings.model_copy(update={"class_weights": "balanced"})
    table = random_table(VOCABULARY, DIM, SEED)

    def validated(train: Documents, settings: params.Classifier) -> NDArray[np.float64]:
        curves = train_classifier(train, validation, TEST, table, settings, SEED).curves
        return curves[curves.split == "validation"].loss.to_numpy()

    found = validated(train, balanced)
    np.testing.assert_allclose(found, validated(repeated, settings), rtol=1e-3)
    assert np.abs(found - validated(train, settings)).max() > 0.02


def test_word_dropout_hides_its_share_of_the_tokens_while_training_only() -> None:
    """Exact binomial bounds; what is hidden becomes the pad, and pads stay pads."""
    share, long = 0.3, documents(400, 6)
    settings = SETTINGS.model_copy(update={"word_dropout": share, "batch": 400})
    table = random_table(VOCABULARY, DIM, SEED)
    training = Training(long, table, settings, SEED, frozen=False, classes=2)
    seen: list[torch.Tensor] = []
    training.model.register_forward_pre_hook(lambda _, given: seen.append(given[0].clone()))
    training.epoch(1, tqdm(disable=True))
    ids, tokens, _ = training.batches[0]
    assert ids[0] == 0
    changed = seen[0] != tokens
    assert (seen[0][changed] == 0).all()
    words = int((tokens != 0).sum())
    low, high = stats.binom(words, share).ppf([1e-6, 1 - 1e-6])
    assert low <= int(changed.sum()) <= high
    training.epoch(2, tqdm(disable=True))
    assert not torch.equal(seen[0], seen[1])
    training.logits(long.tokens)
    assert torch.equal(seen[2], tokens)
    assert not training.model.embedding[0].any()


def test_classes_that_only_the_test_has_get_an_output() -> None:
    table = random_table(VOCABULARY, DIM, SEED)
    fitted = train_classifier(TRAIN, VALIDATION, THREE_CLASSES[2], table, SETTINGS, SEED)
    assert fitted.probabilities.shape == (30, 3)
    np.testing.assert_allclose(fitted.probabilities.sum(1), 1)


def test_learns_which_token_decides_and_selects_the_first_best_epoch() -> None:
    settings = SETTINGS.model_copy(update={"epochs": 25, "learning_rate": 0.03})
    train, validation = documents(300, 4), documents(100, 5)
    fitted = train_classifier(
        train, validation, TEST, random_table(VOCABULARY, DIM, SEED), settings, SEED
    )
    curves = fitted.curves.set_index(["split", "epoch"])
    validated = curves.accuracy["validation"]
    assert validated[0] < 0.75
    assert validated.max() > 0.97
    assert fitted.selected_epoch == validated[1:].idxmax()
    tested = curves.loc["test"]
    assert tested.index.tolist() == [fitted.selected_epoch]
    assert tested.accuracy.item() > 0.9
    assert tested.accuracy.item() == np.mean((fitted.probabilities > 0.5) == (TEST.labels == 1))


def test_one_seed_gives_one_result_and_another_seed_another() -> None:
    def run(seed: int) -> tuple[str, bytes]:
        table = random_table(VOCABULARY, DIM, seed)
        fitted = train_classifier(TRAIN, VALIDATION, TEST, table, SETTINGS, seed)
        return fitted.curves.to_csv(), fitted.probabilities.tobytes()

    assert run(1) == run(1)
    assert run(1) != run(2)


def test_caller_keeps_its_table_and_the_padding_row_stays_zero() -> None:
    """Padding that moved would carry the length of a document into its label."""
    table = random_table(VOCABULARY, DIM, SEED)
    before = table.copy()
    training = Training(TRAIN, table, SETTINGS, SEED, frozen=False, classes=2)
    training.epoch(1, tqdm(disable=True))
    np.testing.assert_array_equal(table, before)
    present = np.isin(np.arange(VOCABULARY), TRAIN.tokens)
    assert present[0]
    moved = (training.model.embedding.numpy() != before).any(axis=1)
    np.testing.assert_array_equal(moved, present & (before[:, 0] != 0))


def test_variants_of_a_seed_differ_in_the_embedding_alone() -> None:
    """Dimension and initial embedding move neither the dropout nor the linear layer."""
    one, other = random_table(VOCABULARY, DIM, SEED), random_table(VOCABULARY, 2 * DIM, SEED + 1)
    narrow, wide = draw_classifier(SETTINGS, one, SEED), draw_classifier(SETTINGS, other, SEED)
    torch.testing.assert_close(narrow.linear.weight, wide.linear.weight, rtol=0, atol=0)
    again = draw_classifier(SETTINGS, 2 * one, SEED)
    torch.testing.assert_close(narrow.conv.weight, again.conv.weight, rtol=0, atol=0)
    of_another_seed = draw_classifier(SETTINGS, one, SEED + 1)
    assert not torch.equal(narrow.conv.weight, of_another_seed.conv.weight)


def test_the_start_moves_neither_layers_nor_dropout() -> None:
    """Classifiers of a seed are paired: they see the same documents, masks and hidden words."""

    def given(table: NDArray[np.float32], frozen: bool) -> list[torch.Tensor]:
        settings = SETTINGS.model_copy(update={"word_dropout": 0.2})
        training = Training(TRAIN, table, settings, SEED, frozen, classes=2)
        seen = [training.model.conv.weight.detach().clone()]
        training.model.register_forward_pre_hook(
            lambda _, arguments: seen.extend(argument.clone() for argument in arguments[:2])
        )
        training.epoch(1, tqdm(disable=True))
        return seen

    one, other = random_table(VOCABULARY, DIM, SEED), random_table(VOCABULARY, DIM, SEED + 1)
    first, second = given(one, frozen=False), given(0.1 * other, frozen=True)
    assert len(first) == len(second) == 1 + 2 * 5
    for a, b in zip(first, second):
        assert torch.equal(a, b)


def test_initial_layers_are_spread_as_torch_spreads_them() -> None:
    """Layers of `nn.Conv1d` and `nn.Linear` are U(−b, b) with b = 1 / √fan_in."""
    settings = SETTINGS.model_copy(update={"filters": 400})
    table = random_table(VOCABULARY, 64, SEED)
    ours = draw_classifier(settings, table, SEED)
    assert np.array_equal(ours.embedding.detach(), table)
    torch.manual_seed(1)
    theirs = nn.ModuleDict({"conv": nn.Conv1d(64, 400, 3), "linear": nn.Linear(400, 1)})
    assert {"embedding", *dict(theirs.named_parameters())} == {*dict(ours.named_parameters())}
    for name, b in theirs.named_parameters():
        a = ours.get_parameter(name)
        assert a.shape == b.shape
        if a.numel() > 1:
            torch.testing.assert_close(a.std(), b.std(), rtol=0.1, atol=0)
            torch.testing.assert_close(a.abs().max(), b.abs().max(), rtol=0.02, atol=0)


def test_dropout_keeps_the_mean() -> None:
    mask = dropout_mask(generator(1, "dropout"), (1000, 100), 0.3)
    assert sorted(mask.unique().tolist()) == pytest.approx([0, 1 / 0.7])
    assert float(mask.mean()) == pytest.approx(1, abs=0.01)
    assert float(dropout_mask(generator(1, "dropout"), (10, 10), 0.0).min()) == 1


def test_written_predictions_are_the_result(tmp_path: Path) -> None:
    table = random_table(VOCABULARY, DIM, SEED)
    fitted = train_classifier(TRAIN, VALIDATION, TEST, table, SETTINGS, SEED)
    numbers = np.arange(100, 100 + len(TEST.labels))
    predicted = numbers, TEST.labels, fitted.probabilities
    write_predictions(tmp_path / "predictions.csv", *predicted)
    predictions = read_table(tmp_path / "predictions.csv")
    assert predictions.columns.tolist() == ["document", "label", "probability"]
    assert predictions.document.tolist() == numbers.tolist()
    assert predictions.probability.tolist() == fitted.probabilities.tolist()


def test_training_documents_of_one_label_are_an_error() -> None:
    table, train = (
        random_table(VOCABULARY, DIM, SEED),
        Documents(TRAIN.tokens, 0 * TRAIN.labels + 1),
    )
    with pytest.raises(ClassifierError, match="all 70 documents have label 1"):
        train_classifier(train, VALIDATION, TEST, table, SETTINGS, SEED)


def test_divergence_is_an_error_that_names_the_key() -> None:
    training = Training(TRAIN, random_table(VOCABULARY, DIM, SEED), SETTINGS, SEED, False, 2)
    with torch.no_grad():
        training.model.conv.weight[0] = torch.inf
    message = r"nan \(epoch 2, step 1 of 5\).*lower classifier\.learning_rate"
    with pytest.raises(ClassifierError, match=message):
        training.epoch(2, tqdm(disable=True))


def test_overflow_before_training_is_blamed_on_the_embedding() -> None:
    table = random_table(VOCABULARY, DIM, SEED)
    table[BAD] = np.inf
    with pytest.raises(ClassifierError, match=r"epoch 0, train.*initial embedding"):
        train_classifier(TRAIN, VALIDATION, TEST, table, SETTINGS, SEED)

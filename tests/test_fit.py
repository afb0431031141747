"""Training against a plain torch classifier with a dense optimiser, and what a seed decides."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray
from torch import nn
from tqdm import tqdm

from sgns_study import params
from sgns_study.artifacts import read_table
from sgns_study.classifiers.fit import (
    ClassifierError,
    Documents,
    Trainer,
    draw_layers,
    dropout_mask,
    pretrained_table,
    random_table,
    save_fitted,
    train_classifier,
)
from sgns_study.randomness import generator
from sgns_study.sgns.vectors import Vectors

VOCABULARY, DIM, LENGTH, SEED = 60, 6, 12, 3
GOOD, BAD = 7, 8  # tokens that decide the label
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


def documents(n: int, seed: int) -> Documents:
    """Random tokens, padded at the end, one of which decides the label."""
    draw = np.random.default_rng(seed)
    labels = draw.integers(0, 2, n).astype(np.int8)
    tokens = draw.integers(10, VOCABULARY, (n, LENGTH)).astype(np.int32)
    length = draw.integers(3, LENGTH + 1, n)
    tokens[np.arange(LENGTH) >= length[:, None]] = 0
    tokens[np.arange(n), draw.integers(0, length)] = np.where(labels, GOOD, BAD)
    return Documents(tokens, labels)


TRAIN, VALIDATION, TEST = documents(70, 1), documents(40, 2), documents(30, 3)  # 70 = 4 · 16 + 6


class PlainClassifier(nn.Module):
    """The classifier as a textbook has it; only the initial values are ours."""

    def __init__(self, table: NDArray[np.float32], settings: params.Classifier, seed: int) -> None:
        super().__init__()
        layers = draw_layers(settings, table.shape[1], seed)
        self.embedding = nn.Embedding.from_pretrained(
            torch.tensor(table), freeze=False, padding_idx=0
        )
        self.conv, self.linear = layers.conv, layers.linear

    def forward(self, tokens: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        features = torch.relu(self.conv(self.embedding(tokens).transpose(1, 2))).max(dim=2).values
        if mask is not None:
            features = features * mask
        return torch.sigmoid(self.linear(features)).squeeze(1)


def plain_curves(
    table: NDArray[np.float32], settings: params.Classifier, seed: int
) -> list[tuple[int, str, float, float]]:
    """Curves of plain torch: whole-batch means weighted by batch size, dense Adam."""
    model = PlainClassifier(table, settings, seed)
    optimiser = torch.optim.Adam(model.parameters(), lr=settings.learning_rate)
    draw = generator(seed, "dropout")
    criterion = nn.BCELoss()

    def tensors(split: Documents) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.tensor(split.tokens), torch.tensor(split.labels, dtype=torch.float32)

    def scores(split: Documents) -> tuple[float, float]:
        tokens, labels = tensors(split)
        with torch.no_grad():
            found = model(tokens)
        right = ((found > 0.5) == (labels == 1)).double().mean()
        return float(criterion(found, labels)), float(right)

    curves = [(0, "train", *scores(TRAIN)), (0, "validation", *scores(VALIDATION))]
    tests = {}
    tokens, labels = tensors(TRAIN)
    for epoch in range(1, settings.epochs + 1):
        losses, rights = 0.0, 0.0
        for some, expected in zip(tokens.split(settings.batch), labels.split(settings.batch)):
            mask = dropout_mask(draw, (len(some), settings.filters), settings.dropout)
            found = model(some, mask)
            loss = criterion(found, expected)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses += loss.item() * len(some)
            rights += float(((found > 0.5) == (expected == 1)).sum())
        curves.append((epoch, "train", losses / len(labels), rights / len(labels)))
        curves.append((epoch, "validation", *scores(VALIDATION)))
        tests[epoch] = scores(TEST)
    best = max(tests, key=lambda epoch: curves[2 * epoch + 1][3])  # the first of equals
    return [*curves, (best, "test", *tests[best])]


def test_curves_are_those_of_plain_torch() -> None:
    table = random_table(VOCABULARY, DIM, SEED)
    ours = train_classifier(TRAIN, VALIDATION, TEST, table, SETTINGS, SEED)
    plain = pd.DataFrame(
        plain_curves(table, SETTINGS, SEED), columns=["epoch", "split", "loss", "accuracy"]
    )
    assert plain.loss.iloc[-2] < plain.loss[1] - 0.05  # the comparison is of models that moved
    pd.testing.assert_frame_equal(ours.curves, plain, rtol=1e-4)


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
    trainer = Trainer(TRAIN, table, SETTINGS, SEED)
    trainer.epoch(1, tqdm(disable=True))
    np.testing.assert_array_equal(table, before)
    present = np.isin(np.arange(VOCABULARY), TRAIN.tokens)
    assert present[0]
    np.testing.assert_array_equal(
        (trainer.model.table != before).any(axis=1), present & (before[:, 0] != 0)
    )


def test_variants_of_a_seed_differ_in_the_embedding_alone() -> None:
    """Dimension and initial embedding move neither the dropout nor the linear layer."""
    narrow, wide = draw_layers(SETTINGS, DIM, SEED), draw_layers(SETTINGS, 2 * DIM, SEED)
    torch.testing.assert_close(narrow.linear.weight, wide.linear.weight, rtol=0, atol=0)
    again = draw_layers(SETTINGS, DIM, SEED)
    torch.testing.assert_close(narrow.conv.weight, again.conv.weight, rtol=0, atol=0)
    other = draw_layers(SETTINGS, DIM, SEED + 1)
    assert not torch.equal(narrow.conv.weight, other.conv.weight)


def test_initial_layers_are_spread_as_torch_spreads_them() -> None:
    """Layers of `nn.Conv1d` and `nn.Linear` are U(−b, b) with b = 1 / √fan_in."""
    settings = SETTINGS.model_copy(update={"filters": 400})
    ours = draw_layers(settings, 64, SEED)
    torch.manual_seed(1)
    theirs = nn.ModuleDict({"conv": nn.Conv1d(64, 400, 3), "linear": nn.Linear(400, 1)})
    for (name, a), (same, b) in zip(ours.named_parameters(), theirs.named_parameters()):
        assert name == same
        assert a.shape == b.shape
        if a.numel() > 1:
            torch.testing.assert_close(a.std(), b.std(), rtol=0.1, atol=0)
            torch.testing.assert_close(a.abs().max(), b.abs().max(), rtol=0.02, atol=0)


def test_dropout_keeps_the_mean() -> None:
    mask = dropout_mask(generator(1, "dropout"), (1000, 100), 0.3)
    assert sorted(mask.unique().tolist()) == pytest.approx([0, 1 / 0.7])
    assert float(mask.mean()) == pytest.approx(1, abs=0.01)
    assert float(dropout_mask(generator(1, "dropout"), (10, 10), 0.0).min()) == 1


def test_random_table_is_standard_normal_but_for_the_padding() -> None:
    table = random_table(2000, 50, SEED)
    assert table.dtype == np.float32
    assert not table[0].any()
    assert table[1:].mean() == pytest.approx(0, abs=0.01)
    assert table[1:].std() == pytest.approx(1, abs=0.01)


WORDS = [f"word{number}" for number in range(VOCABULARY)]


def test_pretrained_table_is_a_copy_without_padding() -> None:
    vectors = Vectors(np.ones((VOCABULARY, DIM), np.float32), None, WORDS)
    table = pretrained_table(vectors, WORDS, DIM)
    assert not table[0].any()
    np.testing.assert_array_equal(table[1:], vectors.centre[1:])
    assert vectors.centre[0].all()


def test_saved_files_hold_the_result(tmp_path: Path) -> None:
    table = random_table(VOCABULARY, DIM, SEED)
    fitted = train_classifier(TRAIN, VALIDATION, TEST, table, SETTINGS, SEED)
    numbers = np.arange(100, 100 + len(TEST.labels))
    save_fitted(tmp_path, fitted, numbers, TEST)
    predictions = read_table(tmp_path / "predictions.csv")
    assert predictions.columns.tolist() == ["document", "label", "probability"]
    assert predictions.document.tolist() == numbers.tolist()
    assert predictions.probability.tolist() == fitted.probabilities.tolist()
    pd.testing.assert_frame_equal(read_table(tmp_path / "curves.csv"), fitted.curves)


@pytest.mark.parametrize(
    ("words", "dim", "value", "message"),
    [
        (WORDS[:-1], DIM, 1, f"have {VOCABULARY - 1} words and dim {DIM}"),
        (WORDS[::-1], DIM, 1, "trained on this token stream"),
        (WORDS, DIM + 1, 1, f"dim {DIM} is asked for"),
        (WORDS, DIM, np.nan, "not finite"),
    ],
)
def test_vectors_that_do_not_fit_are_an_error(
    words: list[str], dim: int, value: float, message: str
) -> None:
    vectors = Vectors(np.full((len(words), dim), value, np.float32), None, words)
    with pytest.raises(ClassifierError, match=message):
        pretrained_table(vectors, WORDS, DIM)


@pytest.mark.parametrize(
    ("train", "message"),
    [
        (Documents(TRAIN.tokens, np.ones(70, np.int8)), "all 70 documents have label 1"),
        (Documents(TRAIN.tokens, TRAIN.labels - np.int8(1)), r"found labels \[-1, 0\]"),
        (Documents(TRAIN.tokens, TRAIN.labels[1:]), r"labels of shape \(69,\)"),
        (Documents(TRAIN.tokens[:0], TRAIN.labels[:0]), "n at least 1"),
        (Documents(TRAIN.tokens + np.int32(VOCABULARY), TRAIN.labels), "of one vocabulary"),
    ],
)
def test_documents_that_do_not_fit_are_an_error(train: Documents, message: str) -> None:
    table = random_table(VOCABULARY, DIM, SEED)
    with pytest.raises(ClassifierError, match=message):
        train_classifier(train, VALIDATION, TEST, table, SETTINGS, SEED)


def test_divergence_is_an_error_that_names_the_key() -> None:
    trainer = Trainer(TRAIN, random_table(VOCABULARY, DIM, SEED), SETTINGS, SEED)
    with torch.no_grad():
        trainer.model.layers.conv.weight[0] = torch.inf
    message = r"nan \(epoch 2, step 1 of 5\).*lower classifier\.learning_rate"
    with pytest.raises(ClassifierError, match=message):
        trainer.epoch(2, tqdm(disable=True))


def test_overflow_before_training_is_blamed_on_the_embedding() -> None:
    table = random_table(VOCABULARY, DIM, SEED)
    table[BAD] = np.inf
    with pytest.raises(ClassifierError, match=r"epoch 0, train.*initial embedding"):
        train_classifier(TRAIN, VALIDATION, TEST, table, SETTINGS, SEED)

"""One training step of the classifier: ours beside plain torch, in one process and one thread.

Plain is the textbook step: nn.Embedding, nn.Conv1d, ReLU, maximum, dropout, linear, sigmoid,
cross-entropy, backward, dense Adam over the whole table. Both start from the same weights and take
the same batches with the same dropout, one after the other in turn. Run:

    python benchmarks/classifier.py [--dim 256] [--repeats 9] [--tokens results/imdb/tokens]
"""

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sgns_study import params
from sgns_study.classifiers.conv1d import dropout_mask
from sgns_study.classifiers.fit import Documents, Training
from sgns_study.classifiers.inits import random_table
from sgns_study.randomness import generator

VOCABULARY = 30_523
SETTINGS = params.Classifier(
    max_tokens=256,
    filters=100,
    kernel=3,
    padding=1,
    dropout=0.3,
    learning_rate=1e-3,
    batch=128,
    epochs=100,
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--dim", type=int, default=256, help="dimension of the embedding (256)")
    parser.add_argument("--repeats", type=int, default=9, help="timed steps of each, >= 5 (9)")
    parser.add_argument(
        "--tokens",
        type=Path,
        default=Path("results/imdb/tokens"),
        help="folder of a token stream; synthetic documents if there is none",
    )
    options = parser.parse_args()
    if options.dim < 1 or options.repeats < 5:
        parser.error("--dim must be at least 1 and --repeats at least 5")
    torch.set_num_threads(1)
    train, vocabulary_size, source = documents(options.tokens, batches=10)
    table = random_table(vocabulary_size, options.dim, seed=1)
    training = Training(train, table, SETTINGS, seed=1, frozen=False, classes=2)
    plain = Plain(training, table)
    distinct = np.mean([len(ids) for ids, _, _ in training.batches])
    print(
        f"{source}: {vocabulary_size:,} words, {(train.tokens > 0).sum(1).mean():.0f} tokens a "
        f"document, {distinct:,.0f} distinct in a batch of {SETTINGS.batch}; dim {options.dim}"
    )
    ours_logits, plain_logits = training.logits(train.tokens), plain.logits(train.tokens)
    difference = float((ours_logits - plain_logits).abs().max() / plain_logits.abs().max())
    ours_ms, plain_ms = alternate(training, plain, options.repeats)
    print(f"ours   {ours_ms:8.1f} ms/step\nplain  {plain_ms:8.1f} ms/step")
    print(f"ratio  {plain_ms / ours_ms:8.1f}")
    print(f"largest relative difference of the logits at equal weights: {difference:.1e}")


def documents(folder: Path, batches: int) -> tuple[Documents, int, str]:
    """Labelled documents of whole batches, the vocabulary's size, and where they come from."""
    n = batches * SETTINGS.batch
    if (folder / "ids.npy").exists():
        from sgns_study.tokens import load_tokens, padded

        stream = load_tokens(folder)
        draw = generator(1, "benchmark")
        chosen = draw.choice(np.flatnonzero(np.asarray(stream.labels) >= 0), n, replace=False)
        tokens = padded(stream, chosen, SETTINGS.max_tokens)
        return Documents(tokens, stream.labels[chosen]), len(stream.vocabulary.tokens), str(folder)
    return zipfian(n), VOCABULARY, "synthetic Zipfian documents"


def zipfian(n: int) -> Documents:
    """Documents with the lengths of IMDB's (log-normal, median 225) and Zipf-Mandelbrot words.

    Exponent and shift give 4,500 distinct words in a batch of 128, as IMDB's WordPieces do.
    """
    draw = generator(1, "benchmark")
    weights = 1 / (np.arange(1, VOCABULARY) + 2.7) ** 1.22
    words = draw.permutation(np.arange(1, VOCABULARY, dtype=np.int32))
    shape = n, SETTINGS.max_tokens
    tokens: NDArray[np.int32] = words[draw.choice(len(words), shape, p=weights / weights.sum())]
    lengths = draw.lognormal(np.log(225), 0.65, n)
    tokens[np.arange(SETTINGS.max_tokens) >= lengths[:, None]] = 0
    return Documents(tokens, draw.integers(0, 2, n).astype(np.int16))


class Plain(nn.Module):
    """The textbook classifier, with the initial weights and the batches of a training."""

    def __init__(self, training: Training, table: NDArray[np.float32]) -> None:
        super().__init__()
        model = training.model
        filters, dim, kernel = model.conv.weight.shape
        self.embedding = nn.Embedding.from_pretrained(
            torch.tensor(table), freeze=False, padding_idx=0
        )
        self.conv = nn.Conv1d(dim, filters, kernel, padding=SETTINGS.padding)
        self.linear = nn.Linear(filters, 1)
        self.conv.load_state_dict(model.conv.state_dict())
        self.linear.load_state_dict(model.linear.state_dict())
        self.optimiser = torch.optim.Adam(self.parameters(), lr=SETTINGS.learning_rate)
        self.dropout = generator(1, "dropout")
        self.batches = [
            (torch.from_numpy(ids)[tokens], labels.float())
            for ids, tokens, labels in training.batches
        ]

    def forward(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        features = torch.relu(self.conv(self.embedding(tokens).transpose(1, 2))).max(dim=2).values
        return self.linear(features if mask is None else features * mask).squeeze(1)

    def step(self, tokens: Tensor, labels: Tensor) -> None:
        mask = dropout_mask(self.dropout, (len(tokens), SETTINGS.filters), SETTINGS.dropout)
        loss = nn.functional.binary_cross_entropy(torch.sigmoid(self(tokens, mask)), labels)
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()

    def logits(self, tokens: NDArray[np.int32]) -> Tensor:
        with torch.no_grad():
            parts = torch.from_numpy(tokens).split(SETTINGS.batch)
            return torch.cat([self(part) for part in parts])


def alternate(training: Training, plain: Plain, repeats: int) -> tuple[float, float]:
    """Median milliseconds a step of each, after two steps to warm up."""
    seconds: tuple[list[float], list[float]] = [], []
    for number in range(2 + repeats):
        at = number % len(training.batches)
        seconds[0].append(timed(partial(training.step, *training.batches[at])))
        seconds[1].append(timed(partial(plain.step, *plain.batches[at])))
    return 1e3 * float(np.median(seconds[0][2:])), 1e3 * float(np.median(seconds[1][2:]))


def timed(step: Callable[[], object]) -> float:
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()

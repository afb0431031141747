"""The lab recipe: this project's trainer beside a plain torch loop, in one process, one thread.

    python benchmarks/sgns_lab.py --dim 256 --radius 5

Both train on the same windows; runs alternate, medians are printed. The plain loop is what the
recipe's text says, step by step: negatives by NumPy per centre, embedding look-ups, autograd,
dense AdamW. A last run feeds it our batches, to compare the loss curves.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from statistics import median

import numpy as np
import torch
from numpy.typing import NDArray

from sgns_study.kernels.lab import SkipGram
from sgns_study.pairs import Pairs, build_pairs, load_pairs
from sgns_study.params import LabRecipe
from sgns_study.sgns import lab, objective

VOCABULARY = 30_523
TOKENS_PER_DOCUMENT = 215  # mean of IMDB cut at 256 tokens
SEED = 1
RECIPE = LabRecipe(
    kind="lab", negatives=4, epochs=20, batch=500, learning_rate=1e-3, weight_decay=0.01
)


def zipfian_pairs(documents: int, radius: int) -> Pairs:
    """Windows of documents whose word of rank r has probability ∝ 1/r, the length of IMDB's."""
    draw = np.random.default_rng(0)
    probability = 1 / np.arange(1, VOCABULARY)
    probability /= probability.sum()

    def part(count: int) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        size = count * TOKENS_PER_DOCUMENT
        ids = draw.choice(np.arange(1, VOCABULARY, dtype=np.int32), size, p=probability)
        return ids, np.arange(0, size + 1, TOKENS_PER_DOCUMENT)

    return build_pairs(*part(documents), *part(max(1, documents // 5)), radius, 4, VOCABULARY, SEED)


class PlainTorch:
    """The recipe as one would first write it."""

    def __init__(self, dim: int) -> None:
        self.centre, self.context = (
            torch.nn.Embedding.from_pretrained(
                torch.from_numpy(lab.initial_table(VOCABULARY, dim, SEED, name)),
                freeze=False,
                padding_idx=0,
            )
            for name in ("centre", "context")
        )
        self.optimiser = torch.optim.AdamW(
            [*self.centre.parameters(), *self.context.parameters()],
            lr=RECIPE.learning_rate,
            weight_decay=RECIPE.weight_decay,
        )

    def step(self, centre: torch.Tensor, positive: torch.Tensor, negative: torch.Tensor) -> float:
        """One step on ids: centres (B,), positives (B, 2R), negatives (B, 2RK)."""
        vectors = self.centre(centre), self.context(positive), self.context(negative)
        value = objective.loss(*vectors)
        objective.accuracy(*vectors)
        self.optimiser.zero_grad()
        value.backward()
        self.optimiser.step()
        return value.item()


def ids_of(pairs: Pairs, centres: NDArray[np.int32]) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids of the centres (B,) and of their positives (B, 2R)."""
    radius = pairs.radius
    offsets = np.array([0, *range(-radius, 0), *range(1, radius + 1)])
    ids = torch.from_numpy(pairs.train.stream[centres[:, None] + offsets].astype(np.int64))
    return ids[:, 0], ids[:, 1:]


def plain_steps(pairs: Pairs, dim: int) -> Iterator[float]:
    """Losses of the plain loop with its own order and negatives."""
    draw = np.random.default_rng(SEED)
    model = PlainTorch(dim)
    order = draw.permutation(len(pairs.train))
    wanted = 2 * pairs.radius * RECIPE.negatives
    for start in range(0, len(order), RECIPE.batch):
        centre, positive = ids_of(pairs, pairs.train.centres[order[start : start + RECIPE.batch]])
        allowed = np.setdiff1d(np.arange(VOCABULARY), positive.numpy())
        negative = np.stack([draw.choice(allowed, wanted, replace=False) for _ in centre])
        yield model.step(centre, positive, torch.from_numpy(negative))


def our_steps(pairs: Pairs, dim: int) -> Iterator[float]:
    """Losses of this project's trainer."""
    tables = (lab.initial_table(VOCABULARY, dim, SEED, name) for name in ("centre", "context"))
    model = SkipGram(*tables, RECIPE.learning_rate, RECIPE.weight_decay, 10_000)
    for batch in lab.batches(pairs.train, VOCABULARY, RECIPE, SEED, 1):
        yield model.step(batch)[0]


def fed_steps(pairs: Pairs, dim: int) -> Iterator[float]:
    """Losses of the plain loop on this project's batches."""
    model = PlainTorch(dim)
    for batch in lab.batches(pairs.train, VOCABULARY, RECIPE, SEED, 1):
        negative = torch.from_numpy(batch.negatives.astype(np.int64))
        yield model.step(*ids_of(pairs, batch.centres), negative)


def seconds_per_batch(steps: Callable[[], Iterator[float]], batches: int) -> float:
    """Mean over `batches` steps after two that are not counted."""
    run = steps()
    list(islice(run, 2))
    start = time.perf_counter()
    counted = len(list(islice(run, batches)))
    return (time.perf_counter() - start) / counted


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dim", type=int, default=256)
    parser.add_argument("--radius", type=int, default=5)
    parser.add_argument("--documents", type=int, default=1000)
    parser.add_argument("--batches", type=int, default=20, help="timed batches of a run")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--pairs", type=Path, help="a pairs folder of the workflow, else Zipfian")
    options = parser.parse_args()
    torch.set_num_threads(1)
    pairs = (
        load_pairs(options.pairs, VOCABULARY)
        if options.pairs
        else zipfian_pairs(options.documents, options.radius)
    )
    per_epoch = -(-len(pairs.train) // RECIPE.batch)
    loops = {
        "this project": lambda: our_steps(pairs, options.dim),
        "plain torch": lambda: plain_steps(pairs, options.dim),
    }
    seconds: dict[str, list[float]] = {name: [] for name in loops}
    for _ in range(options.repeats):
        for name, steps in loops.items():
            seconds[name].append(seconds_per_batch(steps, options.batches))
    print(
        f"{len(pairs.train):,} centres, {per_epoch} batches an epoch, radius {pairs.radius}, "
        f"dim {options.dim}; {options.batches} batches timed, {options.repeats} runs each"
    )
    for name, values in seconds.items():
        print(
            f"{name:13}{median(values) * per_epoch:8.2f} s per epoch (extrapolated), "
            f"{median(values) * 1e3:.2f} ms a batch, "
            f"{min(values) * 1e3:.2f} to {max(values) * 1e3:.2f}"
        )
    ours, theirs = (median(values) for values in seconds.values())
    print(f"ratio        {theirs / ours:8.2f}")
    curves = [
        np.array(list(islice(steps(pairs, options.dim), options.batches)))
        for steps in (our_steps, fed_steps)
    ]
    difference = np.abs(curves[0] / curves[1] - 1).max()
    print(f"largest relative difference of the batch losses on equal batches: {difference:.1e}")


if __name__ == "__main__":
    main()

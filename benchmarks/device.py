"""Tokens a second of the lab recipe and the classifier: a device in plain torch, and the processor.

    python benchmarks/device.py --device cuda [--dim 256] [--radius 5]

The processor runs the kernels of `kernels/lab.py` and `kernels/conv1d.py` in one thread, the
device what `device: cuda` runs; `--device cpu` is plain torch on the processor, in one thread too.
Both take the same batches in turn, with all that a step takes: negatives and masks are drawn on the
host. Medians are printed. A token of the lab recipe is a centre, of the classifier a word, no pad.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from statistics import median

import numpy as np
import torch

from classifier import SETTINGS, documents
from sgns_lab import RECIPE, SEED, VOCABULARY, zipfian_pairs
from sgns_study.classifiers.fit import Training
from sgns_study.classifiers.inits import random_table
from sgns_study.devices import torch_device
from sgns_study.errors import StudyError
from sgns_study.kernels.lab import SkipGram
from sgns_study.pairs import Pairs, load_pairs
from sgns_study.sgns import lab, reference

WARM = 2  # steps that are not timed
Step = tuple[int, float]  # tokens, mean loss


def lab_steps(pairs: Pairs, dim: int, skip_gram: Callable[..., lab.Model]) -> Iterator[Step]:
    """Steps of the lab recipe, the drawing of their batches included."""
    tables = (lab.initial_table(VOCABULARY, dim, SEED, name) for name in ("centre", "context"))
    model = skip_gram(*tables, RECIPE.learning_rate, RECIPE.weight_decay, len(pairs.train))
    for batch in lab.batches(pairs.train, VOCABULARY, RECIPE, SEED, 1):
        yield len(batch.centres), model.step(batch)[0]


def classifier_steps(folder: Path, dim: int, device: str, plain: bool) -> Iterator[Step]:
    """Steps of the classifier from a random start."""
    train, vocabulary_size, _ = documents(folder, batches=20)
    table = random_table(vocabulary_size, dim, SEED)
    training = Training(train, table, SETTINGS, SEED, False, 2, device, plain)
    sizes = (train.tokens > 0).sum(axis=1)  # words of each document
    for number, (ids, tokens, labels) in enumerate(training.batches):
        words = int(sizes[number * SETTINGS.batch :][: SETTINGS.batch].sum())
        yield words, training.step(ids, tokens, labels)[0] / len(labels)


def timed(steps: Iterator[Step], number: int) -> tuple[float, list[float]]:
    """Tokens a second over `number` steps, and the losses of all."""
    first = list(islice(steps, WARM))
    start = time.perf_counter()
    counted = list(islice(steps, number))
    seconds = time.perf_counter() - start
    return sum(tokens for tokens, _ in counted) / seconds, [loss for _, loss in first + counted]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=["cpu", "cuda"], required=True)
    parser.add_argument("--dim", type=int, default=256)
    parser.add_argument("--radius", type=int, default=5)
    parser.add_argument("--steps", type=int, default=15, help="timed in a run, at most 18 (15)")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--pairs", type=Path, help="a pairs folder of the workflow, else Zipfian")
    parser.add_argument("--tokens", type=Path, default=Path("results/imdb/tokens"))
    options = parser.parse_args()
    try:
        device = torch_device(options.device)
    except StudyError as error:
        parser.error(str(error))
    torch.set_num_threads(1)
    name = torch.cuda.get_device_name() if device == "cuda" else "cpu"
    given = options.pairs and load_pairs(options.pairs, VOCABULARY)
    pairs = given or zipfian_pairs(300, options.radius)
    of_lab = partial(lab_steps, pairs, options.dim)
    of_classifier = partial(classifier_steps, options.tokens, options.dim)
    kinds = {
        f"lab recipe, R = {pairs.radius}": (
            partial(of_lab, SkipGram),
            partial(of_lab, partial(reference.SkipGram, device=device)),
        ),
        "classifier": (
            partial(of_classifier, "cpu", plain=False),
            partial(of_classifier, device, plain=True),
        ),
    }
    print(f"d = {options.dim}; plain torch on {name}; medians of {options.repeats} runs")
    for kind, ways in kinds.items():
        runs = [[timed(way(), options.steps) for way in ways] for _ in range(options.repeats)]
        ours, plain = (median(speed for speed, _ in way) for way in zip(*runs))
        losses = np.array([found for _, found in runs[0]])
        print(
            f"{kind:18} fast kernels {ours:9,.0f} tokens/s, plain torch {plain:9,.0f} tokens/s, "
            f"ratio {plain / ours:.2f}; "
            f"losses of the batches differ by {np.abs(losses[1] / losses[0] - 1).max():.0e}"
        )


if __name__ == "__main__":
    main()

"""What bounds the word2vec kernel: its inner loop, knocked out in parts, beside sgemm.

    sgns-study tokenize --study results/tweaks/study.json # with tokenizer: word
    OMP_NUM_THREADS=1 python benchmarks/kernel.py TOKENS

CPU time of `train_windows` alone, without initial tables and framing, in alternating runs; dynamic
window, no subsampling, min_count 5. `few words` folds the text onto 50 words, so that no row misses
the cache; `few negatives` draws from 50 words only. The last table times the three parts of a
window alone, in a loop over rows that stay in the nearest cache. docs/speed.md reads the tables.
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import torch
from numba import float32, njit

from sgns_study.kernels import word2vec
from sgns_study.kernels.adam import REORDER
from sgns_study.kernels.random import kernel_state
from sgns_study.kernels.simd import LINE, aligned
from sgns_study.sgns.state import initial_tables
from sgns_study.sgns.stream import framed, keep_probabilities, kept_counts
from sgns_study.tokens import load_tokens

CONFIGURATIONS = (
    (5, 128, 5), (5, 256, 5), (10, 128, 5), (5, 128, 1), (5, 128, 2), (5, 128, 10), (5, 128, 20)
)  # fmt: skip
KNOCKED_OUT = (("nothing", False, False), ("cache misses of the text", True, False),
               ("cache misses of negatives", False, True), ("both", True, True))  # fmt: skip
FEW = 50
MIN_COUNT = 5


def seconds(call: Callable[[], object]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def sgemm_rate(size: int = 2048) -> float:
    """flop/s of one thread multiplying large float32 matrices."""
    torch.set_num_threads(1)
    a, b = torch.randn(size, size), torch.randn(size, size)
    return 2 * size**3 / median(seconds(lambda: torch.mm(a, b)) for _ in range(3))


@dataclass
class Loop:
    """The inner loop on a framed text, ready to run."""

    radius: int
    dim: int
    negatives: int
    pieces: list[np.ndarray]
    noise: word2vec.Noise
    tables: tuple[np.ndarray, np.ndarray]

    @property
    def tokens(self) -> int:
        return sum(int(np.count_nonzero(piece)) for piece in self.pieces)

    def run(self) -> float:
        """One pass; returns the pairs it met."""
        draws = [kernel_state(1, name, 0) for name in ("windows", "negatives")]
        centre, context = self.tables
        sums = [
            word2vec.train_windows(
                piece, centre.ravel(), context.ravel(), centre.shape[1], self.radius, 0,
                self.negatives, self.noise, 0.025, 0.02, *draws,
            )
            for piece in self.pieces
        ]  # fmt: skip
        return sum(weight for _, weight in sums)


def make_loop(
    text: tuple[np.ndarray, np.ndarray, np.ndarray],
    configuration: tuple[int, int, int],
    few_words: bool = False,
    few_negatives: bool = False,
) -> Loop:
    ids, offsets, counts = text
    radius, dim, negatives = configuration
    kept = kept_counts(counts, MIN_COUNT)
    after = radius + word2vec.AHEAD
    framing = framed(ids, offsets, keep_probabilities(kept, 0), radius, kernel_state(1, "x"), after)
    pieces = [piece for piece, _ in framing]
    if few_words:
        pieces = [np.where(piece > 0, 1 + piece % FEW, 0).astype(piece.dtype) for piece in pieces]
    if few_negatives:
        kept = np.where(np.arange(len(kept)) <= FEW, kept, 0)
    noise = word2vec.alias_table(kept, 0.75)
    tables = initial_tables(len(counts), dim, seed=1)
    return Loop(radius, dim, negatives, pieces, noise, tables)


def alternate(loops: dict, runs: int) -> dict:
    """Median and least nanoseconds a token, and pairs a token, of loops that take turns."""
    pairs = {name: loop.run() / loop.tokens for name, loop in loops.items()}  # compiles, warms up
    spent: dict = {name: [] for name in loops}
    for _ in range(runs):
        for name, loop in loops.items():
            spent[name].append(seconds(loop.run) / loop.tokens * 1e9)
    return {name: (median(times), min(times), pairs[name]) for name, times in spent.items()}


@njit(fastmath=REORDER, error_model="numpy")
def repeat_products(n, centre, inputs, found, context, outputs, width, scores):
    for _ in range(n):
        word2vec.products(centre, inputs, found, context, outputs, 0, width, scores, 0)


@njit(fastmath=REORDER, error_model="numpy")
def repeat_gradients(n, scores, weights):
    loss = 0.0
    for _ in range(n):
        loss += word2vec.gradients(scores, weights, float32(1e-9))
    return loss


@njit(fastmath=REORDER, error_model="numpy")
def repeat_step(n, centre, inputs, found, context, outputs, width, steps, change):
    for _ in range(n):
        word2vec.step(centre, inputs, found, context, outputs, width, steps, change)


def parts(found: int, dim: int, repeats: int = 100_000) -> dict[str, float]:
    """Least nanoseconds of each part of a window of `found` inputs and six outputs."""
    draws = np.random.default_rng(0)
    centre, context = aligned(40, dim).ravel(), aligned(40, dim).ravel()
    centre[:], context[:] = draws.normal(0, 0.1, (2, centre.size))
    inputs = np.append(draws.permutation(30)[:found] * dim, 0)
    outputs = draws.permutation(30)[: word2vec.OUTPUTS] * dim
    scores = np.zeros((found + 1) * word2vec.COLUMNS, np.float32)
    change = np.zeros(word2vec.OUTPUTS * LINE, np.float32)
    common = (centre, inputs, found, context, outputs, dim)
    filled = scores[: found * word2vec.COLUMNS].copy()
    calls = {
        "products": lambda n: repeat_products(n, *common, scores),
        "gradients": lambda n: repeat_gradients(n, filled, np.ones_like(filled)),
        "step": lambda n: repeat_step(n, *common, np.zeros_like(scores), change),
    }
    least = {}
    for name, call in calls.items():
        call(1)
        least[name] = min(seconds(lambda: call(repeats)) for _ in range(5)) / repeats * 1e9  # noqa: B023
    return least


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tokens", type=Path, help="folder written by `sgns-study tokenize`")
    parser.add_argument("--documents", type=int, default=6000)
    parser.add_argument("--vocabulary-documents", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    stream = load_tokens(given.tokens)
    offsets = stream.offsets[: given.vocabulary_documents + 1]
    ids = np.array(stream.ids[: offsets[-1]])
    counts = np.bincount(ids, minlength=len(stream.vocabulary.tokens))
    text = (ids, offsets[: given.documents + 1], counts)

    rate = sgemm_rate()
    print(f"sgemm: {rate / 1e9:.0f} GFLOP/s; medians of {given.runs} alternating runs, CPU time")
    loops = {configuration: make_loop(text, configuration) for configuration in CONFIGURATIONS}
    for (radius, dim, k), (ns, least, pairs) in alternate(loops, given.runs).items():
        flops = 6 * dim * (1 + k) * pairs / ns  # a nanosecond
        print(json.dumps({
            "radius": radius, "dim": dim, "negatives": k, "ns_per_token": round(ns),
            "least": round(least), "gflops": round(flops, 1), "share": round(1e9 * flops / rate, 3),
        }))  # fmt: skip
    loops = {name: make_loop(text, (5, 128, 5), *out) for name, *out in KNOCKED_OUT}
    for name, (ns, least, _) in alternate(loops, given.runs).items():
        print(json.dumps({"knocked out": name, "ns_per_token": round(ns), "least": round(least)}))
    for found, dim in ((2, 128), (6, 128), (10, 128), (6, 256)):
        spent = parts(found, dim)
        print(json.dumps({"inputs": found, "dim": dim} | {k: round(v) for k, v in spent.items()}))


if __name__ == "__main__":
    main()

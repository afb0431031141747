"""What a corpus of 1 and of 33 billion words would take: arithmetic on measured numbers.

    python benchmarks/scale.py                   # the tables of docs/scale.md, from scale.csv
    python benchmarks/scale.py --measure TOKENS  # measure scale.csv anew: ten minutes, 6 GiB

TOKENS is a folder written by `sgns-study tokenize` with `tokenizer: word`, there the 100,000
reviews of config/tweaks.yaml. Seconds are the processor's, so that other work does not show.
"""

import argparse
import csv
import tempfile
import time
import tracemalloc
from collections.abc import Iterable, Sequence
from hashlib import sha256
from math import log
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sgns_study.corpora.lines import read_lines
from sgns_study.params import PpmiRecipe, Word2vecRecipe
from sgns_study.sgns import ppmi
from sgns_study.sgns.state import initial_tables
from sgns_study.sgns.word2vec import train
from sgns_study.tokens import TokenStream, load_tokens

HERE = Path(__file__).parent
MEASURED = HERE / "scale.csv"
TIMINGS = HERE.parent / "results/tweaks/timings.csv"
WORDS = (1e9, 33e9)  # of the corpora asked about
SHARE = 8  # growth is that from an eighth of the reviews to all
VOCABULARIES = (2**15, 2**18, 2**21)
DIMS = (128, 256)
TWEAKS = {"alpha": 0.75, "window": "dynamic", "subsample": 1e-3}  # of both recipes
DRAWN = 8_000_000  # tokens
EPOCHS = 5
THREADS = (1, 2, 16)
TOKENIZING = 26  # bytes a word: (817 − 150 MiB) / 26.9 million, results/tweaks/tokens/run.json
GROWING = ("different words", "words at least five times", "pairs that meet", "positive pairs")
TWO_THREADS = 1.30  # times as fast as one: docs/speed.md, 1.28 to 1.32
IN_TURN = 0.05  # of all tokens are trained in turn: sgns/word2vec.py
GIB = 2**30


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--measure", type=Path, metavar="TOKENS")
    given = parser.parse_args()
    if given.measure:
        found = measure(load_tokens(given.measure))
        with MEASURED.open("w", newline="") as file:
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(("name", "value"))
            rows.writerows((name, f"{value:.4g}") for name, value in found.items())
    with MEASURED.open() as file:
        print(tables({row["name"]: float(row["value"]) for row in csv.DictReader(file)}))


def measure(stream: TokenStream) -> dict[str, float]:
    tokens, documents = len(stream.ids), len(stream.offsets) - 1
    found = {"tokens": tokens, "documents": documents}
    found |= vocabulary(stream) | contexts(stream) | reading(stream) | training(stream)
    found["sha256 GB/s"] = digest_rate()
    with TIMINGS.open() as file:  # of the same reviews
        seconds = {row["rule"]: float(row["seconds"]) for row in csv.DictReader(file)}
    return found | {
        f"{rule} s": seconds[rule] for rule in ("tokenize", "build_text", "build_pairs")
    }


def part(stream: TokenStream, share: int) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Every so many-th document: the parts of a corpus lie in order."""
    chosen = range(0, len(stream.offsets) - 1, share)
    spans = [stream.ids[slice(*stream.offsets[i : i + 2])] for i in chosen]
    return np.concatenate(spans), np.cumsum([0, *map(len, spans)])


def counts_of(ids: NDArray[np.uint32], stream: TokenStream) -> NDArray[np.int64]:
    return np.bincount(ids, minlength=len(stream.vocabulary.tokens))


def vocabulary(stream: TokenStream) -> dict[str, float]:
    """Different words, and those that occur five times, in a share and in all."""
    found: dict[str, float] = {}
    for share in (SHARE, 1):
        counts = counts_of(part(stream, share)[0], stream)
        for name, least in zip(GROWING, (1, 5)):
            found[f"{name} in 1/{share}"] = np.count_nonzero(counts >= least)
    return found


def contexts(stream: TokenStream) -> dict[str, float]:
    """Pairs of words that meet, and what counting and factorising them takes."""
    recipe = PpmiRecipe(kind="ppmi", **TWEAKS, min_count=5, shift=5, eigenvalue_weighting=0.5)
    found: dict[str, float] = {}
    ppmi.cooccurrences(*part(stream, SHARE**3), counts_of(stream.ids, stream), recipe, 5, 1)  # warm
    for share in (SHARE, 1):
        ids, offsets = part(stream, share)
        start = time.process_time()
        met = ppmi.cooccurrences(ids, offsets, counts_of(ids, stream), recipe, 5, 1)
        found[f"counting ns a word in 1/{share}"] = nanoseconds(start, len(ids))
        matrix = ppmi.ppmi(met, recipe.alpha, recipe.shift)
        for name, entries in zip(GROWING[2:], (met.nnz, matrix.nnz)):
            found[f"{name} in 1/{share}"] = entries
    start = time.process_time()
    ppmi.svd_vectors(matrix, 128, 1, recipe.eigenvalue_weighting)
    return found | {"SVD ns an entry": nanoseconds(start, matrix.nnz)}


def reading(stream: TokenStream) -> dict[str, float]:
    """`embed`'s reading of a text file, and what a different word takes in memory."""
    words = stream.vocabulary.tokens
    ids, offsets = part(stream, SHARE)
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder, "text")
        with text.open("w", encoding="utf-8") as file:
            for i in range(len(offsets) - 1):
                print(*(words[j] for j in ids[offsets[i] : offsets[i + 1]]), file=file)
        start = time.process_time()
        read_lines(text)
        found = {"reading ns a word": nanoseconds(start, len(ids))}
        found["bytes of text a word"] = text.stat().st_size / len(ids)
    tracemalloc.start()
    seen = {word[:1] + word[1:]: number + 1000 for number, word in enumerate(words)}
    found["bytes of memory a word"] = tracemalloc.get_traced_memory()[0] / len(seen)
    tracemalloc.stop()
    return found


def training(stream: TokenStream) -> dict[str, float]:
    """One epoch on an eighth of the reviews, and on text drawn by Zipf's law from more words."""
    ids, offsets = part(stream, SHARE)
    found: dict[str, float] = {}
    for dim in DIMS:
        taken = one_epoch(ids, offsets, counts_of(ids, stream), dim)
        found[f"training ns a word, d = {dim}"] = taken
    for size in VOCABULARIES:
        ids, counts = drawn(size)
        offsets = np.arange(0, DRAWN + 1, 250)
        for dim in DIMS:
            found[f"drawn from {size}, d = {dim}"] = one_epoch(ids, offsets, counts, dim)
    return found


def drawn(size: int) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Tokens of a vocabulary of that size, the i-th word as often as 1/(i + 2.7)."""
    share = np.append(0, 1 / (np.arange(1, size) + 2.7)).cumsum()
    places = np.random.default_rng(1).random(DRAWN) * share[-1]
    ids = np.maximum(share.searchsorted(places), 1).astype(np.uint32)
    return ids, np.bincount(ids, minlength=size)


def one_epoch(
    ids: NDArray[np.uint32], offsets: NDArray[np.int64], counts: NDArray[np.int64], dim: int
) -> float:
    """Nanoseconds a word, without the making of the tables."""
    recipe = Word2vecRecipe(
        kind="word2vec", **TWEAKS, min_count=1, negatives=5, epochs=1, learning_rate=0.025
    )
    warm = np.arange(1, 10, dtype=ids.dtype)
    train(warm, np.array([0, 9]), np.full(10, 9), recipe, 5, dim, 1)  # compiled code is read
    start = time.process_time()
    initial_tables(len(counts), dim, 1)
    before = time.process_time() - start
    start = time.process_time()
    train(ids, offsets, counts, recipe, 5, dim, 1)
    return nanoseconds(start + before, len(ids))


def digest_rate() -> float:
    block = bytes(2**28)
    start = time.process_time()
    sha256(block)
    return len(block) / (time.process_time() - start) / 1e9


def nanoseconds(start: float, number: int) -> float:
    return (time.process_time() - start) / number * 1e9


def tables(m: dict[str, float]) -> str:
    """The tables of docs/scale.md."""
    heads = [f"{words / 1e9:.0f} billion words" for words in WORDS]
    small, large = (figures(m, words) for words in WORDS)
    rows = [(*row, other[2]) for row, other in zip(small, large, strict=True)]
    values = [(name, f"{value:,.4g}") for name, value in m.items()]
    return "\n\n".join(
        (table(("measured", "value"), values), table(("what", "formula", *heads), rows))
    )


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, [":--"] * len(head), *rows))


Row = tuple[str, str, str]  # what, by which formula, how much


def figures(m: dict[str, float], words: float) -> list[Row]:
    """All rows for a corpus of N words."""
    times = words / m["tokens"]
    documents = m["documents"] * times
    rows = [("D, documents", f"N / {m['tokens'] / m['documents']:.0f}", f"{documents:,.0f}")]
    grown = []
    for letter, (name, (every, power)) in zip("WVEM", growth(m).items()):
        grown.append(every * times**power)
        formula = f"{every:,.0f} (N / {m['tokens'] / 1e6:.1f} million)^{power:.2f}"
        rows.append((f"{letter}, {name}", formula, f"{grown[-1]:,.2g}"))
    different, kept, met, positive = grown
    return [
        *rows,
        *of_text(m, words, documents, different),
        *(row for dim in DIMS for row in of_training(m, words, different, kept, dim)),
        *of_counting(m, words, met, positive),
    ]


def of_text(m: dict[str, float], words: float, documents: float, different: float) -> list[Row]:
    byte, reading = m["bytes of text a word"], m["reading ns a word"]
    width, rate = m["bytes of memory a word"], m["sha256 GB/s"]
    stages = ("tokenize", "build_text")
    tokenizing, building = (m[f"{stage} s"] / m["tokens"] * 1e9 for stage in stages)
    return [
        ("text file", f"{byte:.2f} B × N", size(byte * words)),
        ("`embed`, reading", f"{reading:.0f} ns × N", hours(reading * words)),
        ("its ids on disk", "4 B × N", size(4 * words)),
        ("its memory", f"{width:.0f} B × W + 8 B × D", size(width * different + 8 * documents)),
        ("`tokenize`", f"{tokenizing:,.0f} ns × N", hours(tokenizing * words)),
        ("its memory", f"{TOKENIZING} B × N", size(TOKENIZING * words)),
        ("`build_text`", f"{building:.0f} ns × N", hours(building * words)),
        ("ids of both on disk", "8 B × N", size(8 * words)),
        ("a look at their digest", f"4 B × N / {rate:.1f} GB/s", hours(4 * words / rate)),
        ("`build_pairs`", "200 documents to validate on", f"{m['build_pairs s']:.0f} s"),
    ]


def of_training(
    m: dict[str, float], words: float, different: float, kept: float, dim: int
) -> list[Row]:
    each = training_ns(m, kept, dim)
    rows = [(f"t, time a word, d = {dim}", "for V words, see below", f"{each:,.0f} ns")]
    for threads in THREADS:
        gain, number = speed_up(threads), 2 if threads == 1 else 2 + 2 * threads
        formula = f"{EPOCHS} × N × t" + f" / {gain:.1f}" * (threads > 1)
        memory = size(number * 4 * dim * different)
        rows += [
            (
                f"{threads} thread{'s' * (threads > 1)}",
                formula,
                hours(EPOCHS * words * each / gain),
            ),
            ("their tables", f"{number} × 4 B × {dim} × W", memory),
        ]
    return rows


def of_counting(m: dict[str, float], words: float, met: float, positive: float) -> list[Row]:
    counting, factorising = m["counting ns a word in 1/1"], m["SVD ns an entry"]
    return [
        ("PPMI, counting", f"{counting:.0f} ns × N", hours(counting * words)),
        ("SVD, d = 128", f"{factorising:,.0f} ns × M", hours(factorising * positive)),
        ("memory of both", "24 B × E + 12 B × N", size(24 * met + 12 * words)),
    ]


def growth(m: dict[str, float]) -> dict[str, tuple[float, float]]:
    """How many of each in all reviews, and the power they grow by from an eighth to all."""
    found = {}
    for name in GROWING:
        some, every = m[f"{name} in 1/{SHARE}"], m[f"{name} in 1/1"]
        found[name] = every, log(every / some) / log(SHARE)
    return found


def training_ns(m: dict[str, float], vocabulary: float, dim: int) -> float:
    """Nanoseconds a word: those of the reviews, times what more words cost on drawn text."""
    sizes = np.log2(VOCABULARIES)
    taken = [m[f"drawn from {size}, d = {dim}"] for size in VOCABULARIES]
    here, there = np.interp(np.log2([m[f"{GROWING[0]} in 1/{SHARE}"], vocabulary]), sizes, taken)
    return m[f"training ns a word, d = {dim}"] * there / here


def speed_up(threads: int) -> float:
    """How many times as fast as one thread, if each gains as each of two does."""
    each = (1 - IN_TURN) / (1 / TWO_THREADS - IN_TURN) / 2
    return 1 if threads == 1 else 1 / (IN_TURN + (1 - IN_TURN) / (threads * each))


def hours(nanoseconds: float) -> str:
    seconds = nanoseconds / 1e9
    return f"{seconds:,.0f} s" if seconds < 600 else f"{seconds / 3600:,.1f} h"


def size(number: float) -> str:
    return f"{number / GIB:,.1f} GiB" if number < 1024 * GIB else f"{number / GIB / 1024:,.1f} TiB"


if __name__ == "__main__":
    main()

"""Speed of the word2vec kernel beside its peers' on as many threads, in alternating runs.

    snakemake --cores 2 --configfile config/tweaks.yaml data # makes results/tweaks/tokens
    OMP_NUM_THREADS=1 python benchmarks/sgns.py TOKENS [--word2vec BINARY] [--pword2vec BINARY] \
        [--threads 2]

One pass over the first documents; dynamic window, K = 5, no subsampling, min_count 5. A token is
one that min_count leaves. Building the vocabulary and tables is not timed: from the programs and
fastText, the seconds of a run are taken off that does all but read the text. Wall time needs an
idle machine; on a busy one use `--clock cpu` for one thread each, which counts the second thread of
gensim that cuts its text into jobs. With `--threads` this kernel on one thread runs beside them.
"""

import argparse
import json
import resource
import subprocess
import tempfile
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median

import numpy as np
import torch

from sgns_study.params import Word2vecRecipe
from sgns_study.sgns.word2vec import train
from sgns_study.tokens import load_tokens

CONFIGURATIONS = ((5, 128), (5, 256), (5, 300), (10, 128))
NEGATIVES, MIN_COUNT, RATE = 5, 5, 0.025


@dataclass(frozen=True)
class Text:
    """Documents as ids, as lists of words and as a file of one document a line.

    Beside the file lie one of its first line, `.short`, and the counts of its words, `.words`.
    """

    ids: np.ndarray
    offsets: np.ndarray
    counts: np.ndarray
    sentences: list[list[str]]
    file: Path

    @property
    def tokens(self) -> int:
        return int(self.counts[self.counts >= MIN_COUNT].sum())


def read_text(folder: Path, documents: int, file: Path) -> Text:
    stream = load_tokens(folder)
    offsets = stream.offsets[: documents + 1]
    ids = np.array(stream.ids[: offsets[-1]])
    words = np.array(stream.vocabulary.tokens, dtype=object)
    sentences = [list(words[ids[a:b]]) for a, b in pairwise(offsets)]
    file.write_text("\n".join(" ".join(sentence) for sentence in sentences), encoding="utf-8")
    file.with_suffix(".short").write_text(" ".join(sentences[0]) + "\n", encoding="utf-8")
    counts = np.bincount(ids, minlength=len(words))
    known = [("</s>", documents), *zip(words[counts > 0], counts[counts > 0])]
    lines = "".join(f"{word} {count}\n" for word, count in known)
    file.with_suffix(".words").write_text(lines, encoding="utf-8")
    return Text(ids, offsets, counts, sentences, file)


def pairs_of(text: Text, radius: int) -> float:
    """Expected pairs of a pass with a dynamic window, from the lengths of the documents."""
    kept = np.append(0, np.cumsum(text.counts[text.ids] >= MIN_COUNT))[text.offsets]
    lengths = np.diff(kept)
    reach = np.arange(1, radius + 1)
    chance = 1 - (reach - 1) / radius  # that a drawn radius is at least this distance
    return float(2 * (np.maximum(lengths[:, None] - reach, 0) * chance).sum())


class Clock:
    """Seconds, of the wall or of the processor."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def now(self) -> float:
        if self.kind == "wall":
            return time.perf_counter()
        spent = (resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return sum(usage.ru_utime + usage.ru_stime for usage in spent)

    def seconds(self, call) -> float:
        start = self.now()
        call()
        return self.now() - start


def ours(text: Text, radius: int, dim: int, clock: Clock, threads: int = 1) -> float:
    recipe = Word2vecRecipe(
        kind="word2vec", negatives=NEGATIVES, alpha=0.75, window="dynamic", subsample=0,
        min_count=MIN_COUNT, epochs=1, learning_rate=RATE,
    )  # fmt: skip
    corpus = text.ids, text.offsets, text.counts
    return clock.seconds(lambda: train(*corpus, recipe, radius, dim, 1, threads=threads))


def gensim(text: Text, radius: int, dim: int, clock: Clock, threads: int, mode: str) -> float:
    from gensim.models import Word2Vec

    source = {
        "sentences": {"corpus_iterable": text.sentences},
        "corpus_file": {"corpus_file": str(text.file)},
    }[mode]
    model = Word2Vec(
        vector_size=dim, window=radius, sg=1, negative=NEGATIVES, sample=0, alpha=RATE,
        min_alpha=RATE * 1e-4, epochs=1, min_count=MIN_COUNT, workers=threads, seed=1,
    )  # fmt: skip
    model.build_vocab(**source)
    size = {"total_examples": model.corpus_count, "total_words": model.corpus_total_words}
    return clock.seconds(lambda: model.train(**source, **size, epochs=1))


def fasttext(text: Text, radius: int, dim: int, clock: Clock, threads: int) -> float:
    import fasttext

    def run(epochs: int) -> float:
        options = {"dim": dim, "ws": radius, "neg": NEGATIVES, "minCount": MIN_COUNT, "lr": RATE}
        options |= {"t": 1.0, "maxn": 0, "bucket": 1, "thread": threads, "verbose": 0}
        file = str(text.file)
        return clock.seconds(
            lambda: fasttext.train_unsupervised(file, model="skipgram", epoch=epochs, **options)
        )

    setup = run(0)  # counts the vocabulary and makes the tables
    return run(1) - setup


def program(text: Text, radius: int, dim: int, clock: Clock, threads: int, binary: Path) -> float:
    """word2vec.c, or pWord2Vec, which takes the same options and the size of its batches."""
    command = [binary, "-size", dim, "-window", radius, "-negative", NEGATIVES, "-hs", 0]
    command += [
        "-sample",
        0,
        "-min-count",
        MIN_COUNT,
        "-alpha",
        RATE,
        "-threads",
        threads,
        "-cbow",
        0,
    ]
    command += ["-binary", 1, "-iter", 1, "-batch-size", 2 * radius + 1]
    command += ["-read-vocab", text.file.with_suffix(".words")]
    command += ["-output", text.file.with_suffix(".vectors")]

    def run(file: Path) -> float:
        words = [str(word) for word in (*command, "-train", file)]
        return clock.seconds(lambda: subprocess.run(words, check=True, capture_output=True))

    setup = run(text.file.with_suffix(".short"))  # makes the tables and writes the vectors
    return run(text.file) - setup


def sgemm_rate(size: int = 2048, repeats: int = 5) -> float:
    """flop/s of one thread multiplying large float32 matrices."""
    torch.set_num_threads(1)
    a, b = torch.randn(size, size), torch.randn(size, size)
    clock = Clock("cpu")
    return 2 * size**3 / median(clock.seconds(lambda: torch.mm(a, b)) for _ in range(repeats))


def trainers(given: argparse.Namespace) -> dict:
    found = {
        "ours": ours,
        **({"ours, one thread": lambda *a: ours(*a[:-1])} if given.threads > 1 else {}),
        "gensim, sentences": lambda *a: gensim(*a, "sentences"),
        "gensim, corpus_file": lambda *a: gensim(*a, "corpus_file"),
    }
    try:
        import fasttext as _  # noqa: F401

        found["fastText"] = fasttext
    except ImportError:
        print("fastText is not installed: left out")
    if given.word2vec:
        found["word2vec.c"] = lambda *a: program(*a, given.word2vec)
    if given.pword2vec:
        found["pWord2Vec"] = lambda *a: program(*a, given.pword2vec)
    return found


def compare(text: Text, given: argparse.Namespace, radius: int, dim: int) -> None:
    clock, rates, found = Clock(given.clock), [], trainers(given)
    spent: dict[str, list[float]] = {name: [] for name in found}
    ours(text, radius, dim, clock, given.threads)  # compiles, or reads the compiled code
    for _ in range(given.runs):
        rates.append(sgemm_rate())
        for name, trainer in found.items():
            spent[name].append(trainer(text, radius, dim, clock, given.threads))
    speed = {name: text.tokens / median(seconds) for name, seconds in spent.items()}
    flop = 6 * dim * (1 + NEGATIVES) * pairs_of(text, radius)
    share = flop / median(spent["ours"]) / median(rates) / given.threads
    print(
        f"\nR = {radius}, d = {dim}, {given.threads} threads: {text.tokens:,} tokens, "
        f"{given.runs} runs, {given.clock} time"
    )
    print(f"  sgemm {median(rates) / 1e9:.0f} GFLOP/s a core; ours reaches {share:.0%} of it")
    for name, value in speed.items():
        print(
            f"  {name:20} {value / 1e3:8.0f} k tokens/s  ours is {speed['ours'] / value:5.1f} times"
        )
    print(
        json.dumps(
            {"radius": radius, "dim": dim, "threads": given.threads, "share": round(share, 3)}
            | speed
        ),
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tokens", type=Path, help="folder written by `sgns-study tokenize`")
    parser.add_argument("--documents", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    parser.add_argument("--word2vec", type=Path, help="binary of word2vec.c")
    parser.add_argument("--pword2vec", type=Path, help="binary of pWord2Vec")
    parser.add_argument(
        "--only", nargs="*", default=None, help="R,d to run, e.g. 5,128; default: all four"
    )
    given = parser.parse_args()
    chosen = [tuple(map(int, one.split(","))) for one in given.only or []] or CONFIGURATIONS
    with tempfile.TemporaryDirectory() as folder:
        text = read_text(given.tokens, given.documents, Path(folder) / "text")
        for radius, dim in chosen:
            compare(text, given, radius, dim)


if __name__ == "__main__":
    main()

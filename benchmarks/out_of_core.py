"""Time and memory of word2vec on a text that is read from disk, repeated 1, 3 and 10 times.

    sgns-study tokenize --study results/tweaks/study.json # with tokenizer: word
    python benchmarks/out_of_core.py TOKENS

One pass with R = 5, d = 128, K = 5, else the defaults, each in a process of its own. The ids are a
memory-mapped file. The system counts the pages of the file that it keeps in memory as the
process's, though it drops them as soon as it needs room; so `anonymous`, which it cannot drop, is
given beside `resident`, in MiB at their highest. `above_tables` is what of it training takes
besides its two tables: at its highest less at the start, when the libraries are loaded, less the
tables. Seconds are the processor's, so that other work does not show.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from sgns_study.kernels.simd import LINE
from sgns_study.params import Word2vecRecipe
from sgns_study.sgns.word2vec import train
from sgns_study.tokens import load_tokens

REPEATS = (1, 3, 10)
MIB = 2**20
DIM = 128
RECIPE = Word2vecRecipe(
    kind="word2vec", negatives=5, alpha=0.75, window="dynamic", subsample=1e-3, min_count=5,
    epochs=1, learning_rate=0.025,
)  # fmt: skip


def write_text(tokens: Path, documents: int | None, repeats: int, folder: Path) -> None:
    stream = load_tokens(tokens)
    offsets = stream.offsets[: documents + 1 if documents else None]
    ids = np.asarray(stream.ids[: offsets[-1]])
    with (folder / "ids").open("wb") as file:
        for _ in range(repeats):
            file.write(ids.tobytes())
    shifts = np.arange(repeats)[:, None] * offsets[-1]
    np.save(folder / "offsets.npy", np.append(0, (shifts + offsets[1:]).ravel()))
    counts = np.bincount(ids, minlength=len(stream.vocabulary.tokens))
    np.save(folder / "counts.npy", repeats * counts)
    (folder / "type").write_text(ids.dtype.str)


class Memory(threading.Thread):
    """Largest values, in MiB, that the system gives for this process while the block runs."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most = self.now()
        self.over = threading.Event()

    @staticmethod
    def now() -> dict[str, float]:
        lines = (line.split() for line in Path("/proc/self/status").read_text().splitlines())
        size = {line[0].rstrip(":"): float(line[1]) / 1024 for line in lines if line[-1] == "kB"}
        return {"anonymous": size["RssAnon"], "resident": size["VmRSS"]}

    def run(self) -> None:
        while not self.over.wait(0.05):
            self.most = {name: max(self.most[name], value) for name, value in self.now().items()}

    def __enter__(self) -> "Memory":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.join()


def measure(folder: Path) -> dict[str, float]:
    """One pass over the text of a folder; compiled code is read before."""
    ids = np.memmap(folder / "ids", (folder / "type").read_text(), "r")
    offsets, counts = np.load(folder / "offsets.npy"), np.load(folder / "counts.npy")
    warm = np.arange(1, 10, dtype=ids.dtype)
    train(warm, np.array([0, 9]), np.full(10, 9), RECIPE, 5, DIM, 1)
    tables = 2 * 4 * len(counts) * -(-DIM // LINE) * LINE / MIB
    with Memory() as memory:
        before, start, wall = memory.now(), time.process_time(), time.perf_counter()
        train(ids, offsets, counts, RECIPE, 5, DIM, 1)
        seconds, wall = time.process_time() - start, time.perf_counter() - wall
    return {
        "tokens": len(ids),
        "seconds": round(seconds, 2),
        "wall_seconds": round(wall, 2),
        "tokens_per_second": round(len(ids) / seconds),
        "tables": round(tables, 1),
        **{f"peak_{name}": round(most, 1) for name, most in memory.most.items()},
        "above_tables": round(memory.most["anonymous"] - before["anonymous"] - tables, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tokens", type=Path, help="folder written by `sgns-study tokenize`")
    parser.add_argument("--documents", type=int, help="the first so many; default: all")
    parser.add_argument("--repeats", type=int, nargs="+", default=REPEATS)
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measure(given.tokens)))
        return
    first = None
    for repeats in given.repeats:
        with tempfile.TemporaryDirectory() as folder:
            write_text(given.tokens, given.documents, repeats, Path(folder))
            command = [sys.executable, __file__, folder, "--measure"]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        found = json.loads(done.stdout)
        first = first or found
        longer = {"time_ratio": round(found["seconds"] / first["seconds"], 2)}
        longer["token_ratio"] = found["tokens"] / first["tokens"]
        print(json.dumps({"repeats": repeats} | found | longer), flush=True)


if __name__ == "__main__":
    main()

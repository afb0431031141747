"""Seconds and peak memory to read and tokenize the 100,000 reviews, archive included.

    SGNS_STUDY_MIRROR=FOLDER python benchmarks/tokenization.py

One row a tokenizer, each in a process of its own, so that each has a peak of its own.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

from sgns_study import params
from sgns_study.artifacts import peak_memory_mib
from sgns_study.corpora import imdb
from sgns_study.tokens import tokenize

TOKENIZERS = ("wordpiece", "word")


def measure(tokenizer: str, mirror: Path) -> None:
    settings = params.Tokens.model_validate({"tokenizer": tokenizer})
    start = time.perf_counter()
    reviews = imdb.read(mirror / "aclImdb-with-urls.tar.xz")
    stream, _ = tokenize(reviews, settings, mirror / "bert-base-uncased-vocab.txt")
    seconds = time.perf_counter() - start
    print(f"{tokenizer:10} {len(stream.ids):12,} {seconds:8.1f} {peak_memory_mib():9.0f}")


def main() -> None:
    mirror = os.environ.get("SGNS_STUDY_MIRROR")
    if not mirror:
        sys.exit("set SGNS_STUDY_MIRROR to a folder with the IMDB archive and the vocabulary")
    if len(sys.argv) == 2:
        return measure(sys.argv[1], Path(mirror))
    print(f"{'tokenizer':10} {'tokens':>12} {'seconds':>8} {'peak MiB':>9}", flush=True)
    for tokenizer in TOKENIZERS:
        subprocess.run([sys.executable, __file__, tokenizer], check=True)
    return None


if __name__ == "__main__":
    main()

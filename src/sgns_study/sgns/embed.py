"""Word2vec on a text file of the user's own, with documents held out and places to go on from."""

import time
from pathlib import Path
from typing import Any

from sgns_study.artifacts import ArtifactError, sha256
from sgns_study.corpora.lines import read_lines
from sgns_study.params import Word2vecRecipe
from sgns_study.provenance import code_digest
from sgns_study.sgns import word2vec
from sgns_study.sgns.checkpoint import Checkpoint
from sgns_study.sgns.state import initial_state
from sgns_study.sgns.stream import kept_counts
from sgns_study.sgns.vectors import Vectors, trained_words


def embed(
    text: Path,
    recipe: Word2vecRecipe,
    radius: int,
    dim: int,
    seed: int,
    *,
    threads: int = 1,
    validation_fraction: float = 0,
    checkpoint: Path | None = None,
    checkpoint_every: float = 300,
) -> tuple[Vectors, dict[str, float]]:
    """Vectors of the words of `text`, one document a line, and what training them took.

    `validation_fraction`: share of the documents held out. With a `checkpoint` the state is saved
    every so many seconds; where one of the same run is there, training goes on from it. Seconds and
    speed are those since training was last started.
    """
    file = saved = start = None
    if checkpoint:
        run: dict[str, Any] = {"radius": radius, "dim": dim, "seed": seed, "threads": threads}
        run |= recipe.model_dump(exclude={"kind", "like", "documents"})
        run |= {"validation_fraction": validation_fraction, **digests(text)}
        file = Checkpoint(checkpoint, run, checkpoint_every)
        saved = file.load()
    lines = read_lines(text, validation_fraction, seed)
    if file and saved:
        start = initial_state(len(lines.words), dim, radius, seed, threads)
        file.restore(saved, start, len(lines.ids))
        saved = None  # as large as the tables
    done = start.tokens(len(lines.ids)) if start else 0
    word2vec.compile_kernel(lines.ids)  # which is no part of the speed
    began = time.perf_counter()
    trained = word2vec.train(
        *(lines.ids, lines.offsets, lines.counts, recipe, radius, dim, seed),
        threads=threads,
        held_out=lines.held_out,
        start=start,
        after_round=file.save_if_due if file else None,
    )
    seconds = time.perf_counter() - began
    kept = kept_counts(lines.counts, recipe.min_count)
    vectors = trained_words(Vectors(trained.centre, trained.context, lines.words, kept))
    tokens = len(lines.ids) * recipe.epochs
    summary = {
        "tokens": tokens,
        "seconds": round(seconds, 3),
        "tokens_per_second": round((tokens - done) / seconds),
        "loss": float(trained.losses[-1]),
    }
    if lines.held_out:
        summary["validation_loss"] = float(trained.held_out[-1])
    return vectors, summary


def digests(text: Path) -> dict[str, Any]:
    """Size and digest of a text, and the digest of the code that reads it and trains on it.

    Raises ArtifactError if there is no such file.
    """
    try:
        size, content = text.stat().st_size, sha256(text)
    except OSError as error:
        raise ArtifactError(f"{text}: {error.strerror}: name a text file") from None
    code = code_digest("sgns.word2vec", "corpora.lines")
    return {"text_bytes": size, "text_sha256": content, "code": code}

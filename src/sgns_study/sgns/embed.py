"""Word2vec on a text file of the user's own, with documents held out and places to go on from."""

import time
from pathlib import Path
from typing import Any

from sgns_study.corpora.lines import read_lines
from sgns_study.params import Word2vecRecipe
from sgns_study.sgns import checkpoint as checkpoints
from sgns_study.sgns import word2vec
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
    start = save = None
    if checkpoint:
        run: dict[str, Any] = {"radius": radius, "dim": dim, "seed": seed, "threads": threads}
        run |= recipe.model_dump(exclude={"kind", "like", "documents"})
        run |= {"validation_fraction": validation_fraction, **checkpoints.digests(text)}
        start = checkpoints.load_state(checkpoint, run)
        save = checkpoints.saver(checkpoint, run, checkpoint_every)
    lines = read_lines(text, validation_fraction, seed)
    if checkpoint and start:
        size = len(lines.words), len(lines.ids)
        checkpoints.check_fits(checkpoint, start, *size, dim, threads)
    done = start.tokens(len(lines.ids)) if start else 0
    began = time.perf_counter()
    documents = (lines.ids, lines.offsets, lines.counts)
    options: dict[str, Any] = {"held_out": lines.held_out, "start": start, "after_round": save}
    trained = word2vec.train(*documents, recipe, radius, dim, seed, threads=threads, **options)
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

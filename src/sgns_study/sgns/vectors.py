"""Word vectors with their vocabulary: save, load, and export to word2vec's own formats."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from sgns_study.artifacts import ArtifactError, writing


@dataclass(frozen=True)
class Vectors:
    """Tables float32 (V, d); row i is the vector of `vocabulary[i]`.

    counts: int64 (V,), how often each word occurs in the text the vectors were trained on, 0 for
    rows that no text has moved; None if not known.
    """

    centre: NDArray[np.float32]
    context: NDArray[np.float32] | None
    vocabulary: list[str]
    counts: NDArray[np.int64] | None = None


def occurring(vectors: Vectors) -> Vectors:
    """The words that the training text has, most frequent first; as it is if counts is None.

    A WordPiece table is in BERT's order, and no text has moved most of its rows: they would pass
    for covered and compete as answers.
    """
    if vectors.counts is None:
        return vectors
    rows = np.argsort(-vectors.counts, kind="stable")[: np.count_nonzero(vectors.counts)]
    return Vectors(
        vectors.centre[rows],
        None if vectors.context is None else vectors.context[rows],
        [vectors.vocabulary[row] for row in rows],
        vectors.counts[rows],
    )


def save_vectors(path: Path, vectors: Vectors) -> None:
    """Write tables, counts and vocabulary as one safetensors file."""
    named = {"centre": vectors.centre, "context": vectors.context, "counts": vectors.counts}
    tables: dict[str, NDArray[Any]] = {k: table for k, table in named.items() if table is not None}
    for name, table in tables.items():
        _check(path, name, table, vectors.vocabulary)
    with writing(path) as part:
        save_file(
            {name: np.ascontiguousarray(table) for name, table in tables.items()},
            part,
            metadata={"vocabulary": json.dumps(vectors.vocabulary, ensure_ascii=False)},
        )


def load_vectors(path: Path) -> Vectors:
    """Read what `save_vectors` wrote.

    Raises ArtifactError if the file is missing, cut short, or lacks the centre table or a
    vocabulary of as many tokens as the tables have rows. Files without counts are read too.
    """
    try:
        with safe_open(path, "numpy") as file:
            tables = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            metadata = file.metadata() or {}
    except FileNotFoundError:
        raise ArtifactError(f"{path}: no such file: train the vectors first") from None
    except (SafetensorError, OSError) as error:
        raise ArtifactError(
            f"{path}: not a whole safetensors file ({error}): delete it and train again"
        ) from None
    try:
        vocabulary = json.loads(metadata["vocabulary"])
    except (KeyError, json.JSONDecodeError):
        vocabulary = None
    if "centre" not in tables or not isinstance(vocabulary, list):
        raise ArtifactError(
            f"{path}: found tensors {sorted(tables)} and metadata {sorted(metadata)}, needed are "
            "a tensor `centre` and a JSON list `vocabulary`: use a file this program wrote"
        )
    for name in tables:
        _check(path, name, tables[name], vocabulary)
    return Vectors(tables["centre"], tables.get("context"), vocabulary, tables.get("counts"))


def export_word2vec(path: Path, vectors: Vectors, binary: bool) -> None:
    """Write the centre table in word2vec's text or binary format, all rows in order.

    Text has the shortest digits that give the same float32 again. Raises ArtifactError if a token
    is empty or holds white space, which ends a token in these formats, or if two are equal.
    """
    _check(path, "centre", vectors.centre, vectors.vocabulary)
    seen: set[str] = set()
    for row, token in enumerate(vectors.vocabulary):
        if token in seen or token.split() != [token]:
            problem = "is there twice" if token in seen else "is empty or holds white space"
            raise ArtifactError(
                f"{path}: the token {token!r} of row {row} {problem}, which word2vec's formats "
                "cannot tell apart: rename it, or use safetensors"
            )
        seen.add(token)
    with writing(path) as part, part.open("wb") as file:
        rows, dim = vectors.centre.shape
        file.write(f"{rows} {dim}\n".encode())
        for token, vector in zip(vectors.vocabulary, vectors.centre, strict=True):
            if binary:
                content = vector.astype("<f4").tobytes()
            else:
                content = " ".join(map(str, vector)).encode()
            file.write(token.encode() + b" " + content + b"\n")


def _check(path: Path, name: str, table: NDArray[Any], vocabulary: list[str]) -> None:
    """Raise ArtifactError unless a tensor has the type and the rows that its name promises."""
    dtype, ndim = (np.int64, 1) if name == "counts" else (np.float32, 2)
    if table.dtype != dtype or table.ndim != ndim or len(table) != len(vocabulary):
        kind = "int64 with one count" if name == "counts" else "float32 with one row"
        raise ArtifactError(
            f"{path}: table {name} is {table.dtype} {table.shape}, needed is {kind} "
            f"for each of the {len(vocabulary)} tokens: use a table and vocabulary of one training"
        )
    if name == "counts" and table.min(initial=0) < 0:
        raise ArtifactError(
            f"{path}: table counts has {table.min()}, allowed is 0 or more: train again"
        )

"""A text file with one document a line and its tokens between white space, of any length."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from sgns_study.artifacts import ArtifactError

PAD = "[PAD]"
PIECE = 1 << 20  # tokens renumbered at a time


@dataclass(frozen=True)
class Lines:
    """The tokens of a text; document i is `ids[offsets[i]:offsets[i + 1]]`.

    `ids` uint32 (tokens,), on disk and memory-mapped; `offsets` int64 (documents + 1,). Word i of
    `words` occurs `counts[i]` times: the most frequent first, behind the pad, which never occurs.
    """

    ids: NDArray[np.uint32]
    offsets: NDArray[np.int64]
    words: list[str]
    counts: NDArray[np.int64]


def read_lines(path: Path) -> Lines:
    """Read a text; memory grows with its words and its documents, not with its tokens.

    Raises ArtifactError if there is no such file, no token in it, or a line that is not UTF-8.
    """
    seen: dict[str, int] = {}
    counts: Counter[int] = Counter()
    lengths = [0]
    spool = TemporaryFile()  # noqa: SIM115  # removed by the system when the map is gone
    try:
        with (
            path.open("rb") as file,
            tqdm(
                total=path.stat().st_size, unit="B", unit_scale=True, desc="reading", disable=None
            ) as bar,
        ):
            for number, line in enumerate(file, start=1):
                tokens = [seen.setdefault(word, len(seen)) for word in decoded(line, path, number)]
                counts.update(tokens)
                lengths.append(len(tokens))
                spool.write(np.asarray(tokens, np.uint32).tobytes())
                bar.update(len(line))
    except (FileNotFoundError, IsADirectoryError):
        raise ArtifactError(f"{path}: no such file: name a text file") from None
    if not seen:
        raise ArtifactError(
            f"{path}: no token in it: give a text with one document a line, its words between "
            "white space"
        )
    spool.flush()
    ids = np.memmap(spool, np.uint32, "r+")
    occurrences = np.array([counts[i] for i in range(len(seen))])
    words = list(seen)
    order = sorted(range(len(words)), key=lambda i: (-occurrences[i], words[i]))
    renumber(ids, order)
    return Lines(
        ids,
        np.cumsum(lengths, dtype=np.int64),
        [PAD, *(words[i] for i in order)],
        np.concatenate([[0], occurrences[order]]),
    )


def decoded(line: bytes, path: Path, number: int) -> list[str]:
    """Tokens of a line; raises ArtifactError naming it if it is not UTF-8."""
    try:
        return line.decode("utf-8").split()
    except UnicodeDecodeError as error:
        raise ArtifactError(
            f"{path}: line {number} is not UTF-8 (byte {error.start} of the line is "
            f"0x{line[error.start]:02x}): convert the file to UTF-8"
        ) from None


def renumber(ids: NDArray[Any], order: list[int]) -> None:
    """Give the word that is i-th in `order` the id i + 1, in place and piece by piece."""
    new = np.empty(len(order), np.uint32)
    new[order] = np.arange(1, len(order) + 1)
    for start in range(0, len(ids), PIECE):
        ids[start : start + PIECE] = new[ids[start : start + PIECE]]

"""A text file with one document a line and its tokens between white space, of any length."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile, gettempdir

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from sgns_study.artifacts import ArtifactError
from sgns_study.randomness import generator

PAD = "[PAD]"
PIECE = 1 << 20  # tokens renumbered at a time
Documents = tuple[NDArray[np.uint32], NDArray[np.int64]]  # ids, offsets


@dataclass(frozen=True)
class Lines:
    """The tokens of a text; document i is `ids[offsets[i]:offsets[i + 1]]`.

    `ids` uint32 (tokens,), on disk and memory-mapped; `offsets` int64 (documents + 1,). Word i of
    `words` occurs `counts[i]` times: the most frequent first, behind the pad, which never occurs.
    `held_out`: ids and offsets of other documents of the text, which do not count.
    """

    ids: NDArray[np.uint32]
    offsets: NDArray[np.int64]
    words: list[str]
    counts: NDArray[np.int64]
    held_out: Documents | None = None


def read_lines(path: Path, held_out: float = 0, seed: int = 0) -> Lines:
    """Read a text; memory grows with its words and its documents, not with its tokens.

    Each document is held out by a draw of the seed, with probability `held_out`. Raises
    ArtifactError if there is no such file, no token in it, no document held out though one should
    be, or a line that is not UTF-8.
    """
    seen: dict[str, int] = {}
    counts: Counter[int] = Counter()
    spools = Spool(), Spool()  # to train on, held out
    draws = generator(seed, "held out")
    try:
        with (
            path.open("rb") as file,
            tqdm(
                total=path.stat().st_size, unit="B", unit_scale=True, desc="reading", disable=None
            ) as bar,
        ):
            for number, line in enumerate(file, start=1):
                tokens = [seen.setdefault(word, len(seen)) for word in decoded(line, path, number)]
                apart = held_out > 0 and draws.random() < held_out
                spools[apart].add(tokens)
                if not apart:
                    counts.update(tokens)
                bar.update(len(line))
        for spool in spools:
            spool.file.flush()
    except (FileNotFoundError, IsADirectoryError):
        raise ArtifactError(f"{path}: no such file: name a text file") from None
    except OSError as error:
        raise ArtifactError(
            f"{path}: reading stopped ({error.strerror}): the file must be readable, and "
            f"{gettempdir()} have 4 bytes free for each token (set TMPDIR to use another folder)"
        ) from None
    check_found(path, bool(seen), bool(counts), held_out == 0 or len(spools[1].lengths) > 1)
    occurrences = np.array([counts[i] for i in range(len(seen))])
    words = list(seen)
    order = sorted(range(len(words)), key=lambda i: (-occurrences[i], words[i]))
    ids, offsets = spools[0].documents(order)
    return Lines(
        ids,
        offsets,
        [PAD, *(words[i] for i in order)],
        np.concatenate([[0], occurrences[order]]),
        spools[1].documents(order) if held_out > 0 else None,
    )


class Spool:
    """Documents on disk, written as they come; the system deletes them with their map."""

    def __init__(self) -> None:
        """Start without documents."""
        self.file = TemporaryFile()  # noqa: SIM115  # closed with the map
        self.lengths = [0]

    def add(self, tokens: list[int]) -> None:
        """One document."""
        self.file.write(np.asarray(tokens, np.uint32).tobytes())
        self.lengths.append(len(tokens))

    def documents(self, order: list[int]) -> Documents:
        """Ids and offsets; the word that is i-th in `order` gets the id i + 1."""
        offsets = np.cumsum(self.lengths, dtype=np.int64)
        if offsets[-1] == 0:  # an empty file cannot be mapped
            return np.zeros(0, np.uint32), offsets
        ids = np.memmap(self.file, np.uint32, "r+")
        renumber(ids, order)
        return ids, offsets


def check_found(path: Path, any_token: bool, any_left: bool, any_held_out: bool) -> None:
    """Raise ArtifactError if a text has no token, or none on one side of what is held out."""
    if not any_token:
        raise ArtifactError(
            f"{path}: no token in it: give a text with one document a line, its words between "
            "white space"
        )
    if not (any_left and any_held_out):
        raise ArtifactError(
            f"{path}: {'no document is' if any_left else 'all documents are'} held out: "
            f"{'raise' if any_left else 'lower'} the fraction, or give more documents, one a line"
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


def renumber(ids: NDArray[np.uint32], order: list[int]) -> None:
    """Give the word that is i-th in `order` the id i + 1, in place and piece by piece."""
    new = np.empty(len(order), np.uint32)
    new[order] = np.arange(1, len(order) + 1)
    for start in range(0, len(ids), PIECE):
        ids[start : start + PIECE] = new[ids[start : start + PIECE]]

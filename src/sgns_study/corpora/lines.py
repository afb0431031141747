"""A text file with one document a line and its tokens between white space, of any length."""

import sys
from codecs import getincrementaldecoder
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile, gettempdir
from typing import TextIO

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from sgns_study.artifacts import ArtifactError
from sgns_study.randomness import generator

PAD = "[PAD]"
LINE = 1 << 22  # bytes of a line read at a time; no word has as many letters
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
    """Read a text; memory grows with its different words and its documents, not with its tokens.

    So a document may be of any length. Each document is held out by a draw of the seed, with
    probability `held_out`. Raises ArtifactError if there is no such file, no token in it, no
    document held out though one should be, or a line that is not UTF-8, has a NUL character or a
    word without end. Warns where most words occur once.
    """
    try:
        words, train, apart = spooled(path, held_out, seed)
    except (FileNotFoundError, IsADirectoryError):
        raise ArtifactError(f"{path}: no such file: name a text file") from None
    except OSError as error:
        raise ArtifactError(
            f"{path}: reading stopped ({error.strerror}): the file must be readable, and "
            f"{gettempdir()} have 4 bytes free for each token (set TMPDIR to use another folder)"
        ) from None
    check_found(path, bool(words), bool(train.counts), held_out == 0 or len(apart.offsets) > 1)
    occurrences = np.array([train.counts[i] for i in range(len(words))])
    check_recurring(path, int((occurrences == 1).sum()), train.tokens, sys.stderr)
    order = sorted(range(len(words)), key=lambda i: (-occurrences[i], words[i]))
    return Lines(
        *train.documents(order),
        [PAD, *(words[i] for i in order)],
        np.concatenate([[0], occurrences[order]]),
        apart.documents(order) if held_out > 0 else None,
    )


def spooled(path: Path, held_out: float, seed: int) -> tuple[list[str], "Spool", "Spool"]:
    """Words in the order in which they first occur, documents to train on and those held out."""
    draws = generator(seed, "held out")
    seen: dict[str, int] = {}
    train, held = Spool(), Spool()
    begins = True
    for words, ends in pieces(path):
        if begins:
            spool = held if held_out > 0 and draws.random() < held_out else train
        spool.add([seen.setdefault(word, len(seen)) for word in words], ends)
        begins = ends
    train.file.flush()
    held.file.flush()
    return list(seen), train, held


class Spool:
    """Documents on disk, written as they come; the system deletes them with their map."""

    def __init__(self) -> None:
        """Start without documents."""
        self.file = TemporaryFile()  # noqa: SIM115  # closed with the map
        self.counts: Counter[int] = Counter()  # of each word
        self.offsets = [0]
        self.tokens = 0

    def add(self, tokens: list[int], ends: bool) -> None:
        """A document, or a part of one with which it `ends` or not."""
        self.file.write(np.asarray(tokens, np.uint32).tobytes())
        self.counts.update(tokens)
        self.tokens += len(tokens)
        if ends:
            self.offsets.append(self.tokens)

    def documents(self, order: list[int]) -> Documents:
        """Ids and offsets; the word that is i-th in `order` gets the id i + 1, piece by piece."""
        offsets = np.array(self.offsets, np.int64)
        if offsets[-1] == 0:  # an empty file cannot be mapped
            return np.zeros(0, np.uint32), offsets
        ids = np.memmap(self.file, np.uint32, "r+")
        new = np.empty(len(order), np.uint32)
        new[order] = np.arange(1, len(order) + 1)
        for start in range(0, len(ids), PIECE):
            ids[start : start + PIECE] = new[ids[start : start + PIECE]]
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


def check_recurring(origin: object, once: int, words: int, file: TextIO) -> None:
    """Warn if most words of a text, `once` of them, occur only once in it.

    Nothing is learned of such words. So it is where no space stands between words, as in Chinese.
    """
    if 2 * once > words:
        print(
            f"warning: {origin}: {once} of {words} words occur only once: give more text or, where "
            "no space stands between words, put it there (in a study: `tokenizer: character`)",
            file=file,
        )


def pieces(path: Path) -> Iterator[tuple[list[str], bool]]:
    """Words in their order, and whether a document ends with them, shown on a progress bar.

    A line is read up to LINE bytes at a time; a byte order mark at the start is no part of it.
    Raises ArtifactError naming a line that is not UTF-8, has a NUL character or too long a word.
    """
    decoder = getincrementaldecoder("utf-8-sig")()
    number, start, rest, ends = 1, 0, "", True  # `start`: bytes of the line before the piece
    bar = tqdm(total=path.stat().st_size, unit="B", unit_scale=True, desc="reading", disable=None)
    with path.open("rb") as file, bar:
        while (piece := file.readline(LINE)) or not ends:
            ends = len(piece) < LINE or piece.endswith(b"\n")
            try:
                text = rest + decoder.decode(piece, final=ends)
            except UnicodeDecodeError as error:
                wrong = start + len(piece) - len(error.object) + error.start  # a letter may be cut
                raise ArtifactError(
                    f"{path}: line {number} is not UTF-8 (byte {wrong} of the line is "
                    f"0x{error.object[error.start]:02x}): convert the file to UTF-8"
                ) from None
            words = text.split()
            rest = "" if ends or not words or text[-1].isspace() else words.pop()
            check_text(path, number, text, rest)
            yield words, ends
            bar.update(len(piece))
            number, start = (number + 1, 0) if ends else (number, start + len(piece))


def check_text(path: Path, number: int, text: str, rest: str) -> None:
    """Raise ArtifactError for a NUL character in a part of a line, or a word without end."""
    if "\0" in text:
        raise ArtifactError(
            f"{path}: line {number} has a NUL character, which no text has: remove it or, if the "
            "file is UTF-16, convert it to UTF-8"
        )
    if len(rest) > LINE:
        raise ArtifactError(
            f"{path}: line {number} has a word of more than {LINE} letters: put white space "
            "between the words of the text"
        )

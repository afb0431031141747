"""Word vectors with their vocabulary: save, load, and word2vec's own formats, written and read."""

import json
import re
from codecs import getincrementaldecoder
from collections.abc import Iterator
from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file
from tqdm import tqdm

from sgns_study.artifacts import ArtifactError, intact, writing
from sgns_study.errors import reason, shown

LONGEST_WORD, LONGEST_NUMBER = 1 << 20, 64  # bytes in word2vec's formats
HEADER = re.compile(rb"(\d{1,18}) (\d{1,18})[ \t\r]*\n")  # of word2vec's formats: words, dimensions
TABLES = {"centre": "F32", "context": "F32", "counts": "I64"}  # and safetensors' names of types
CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")  # bytes that no text has


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

    Raises ArtifactError if the file is missing, cut short, or lacks a centre table of finite
    numbers or a vocabulary of as many tokens as the tables have rows. Files without counts are read
    too.
    """
    try:
        with safe_open(intact(path), "numpy") as file:
            names = sorted(file.keys())
            tables = {name: _tensor(path, file, name) for name in names if name in TABLES}
            metadata = file.metadata() or {}
    except FileNotFoundError:
        raise ArtifactError(f"{path}: no such file: train the vectors first") from None
    except (SafetensorError, OSError) as error:
        raise ArtifactError(
            f"{path}: not a whole safetensors file ({reason(error)}): delete it and train again"
        ) from None
    try:
        vocabulary = json.loads(metadata["vocabulary"])
        "".join(vocabulary).encode()  # all are texts, and can be written
    except (KeyError, TypeError, ValueError, RecursionError):
        vocabulary = None
    if "centre" not in tables or not isinstance(vocabulary, list):
        raise ArtifactError(
            f"{path}: found tensors {names[:5]} and metadata {sorted(metadata)[:5]}, needed are a "
            "tensor `centre` and a JSON list `vocabulary` of texts: use a file this program wrote"
        )
    for name in tables:
        _check(path, name, tables[name], vocabulary)
    if not np.isfinite(tables["centre"]).all():
        raise ArtifactError(
            f"{path}: the vectors hold numbers that are not finite: train them again at a lower "
            "learning rate"
        )
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
                f"{path}: the token {shown(token)} of row {row} {problem}, which word2vec's "
                "formats cannot tell apart: rename it, or use safetensors"
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


def read_vectors(path: Path) -> Vectors:
    """Read a file of vectors: safetensors, or word2vec's text or binary format, by its content.

    Of the last two, which hold one table and no counts, the table becomes `centre`. Raises
    ArtifactError naming the line or byte if a file is not whole, or a word empty, there twice or
    not UTF-8, or a number not finite. Nothing is allocated that the size of the file belies.
    """
    if not path.is_file():
        raise ArtifactError(f"{path}: no such file: train the vectors first")
    try:
        with path.open("rb") as file:
            start = file.readline(100)
            if header := HEADER.fullmatch(start):
                with mmap(file.fileno(), 0, access=ACCESS_READ) as content:
                    content.seek(header.end())
                    return _read_word2vec(path, content, *map(int, header.groups()))
    except OSError as error:
        raise ArtifactError(f"{path}: not readable ({error.strerror}): name another file") from None
    if start[8:9] == b"{":
        return load_vectors(path)
    raise ArtifactError(
        f"{path}: begins with {start[:20]!r}, expected safetensors or, in word2vec's formats, a "
        "line with the number of words and of dimensions: add it if only that line is missing"
    )


def _read_word2vec(path: Path, content: mmap, words: int, dim: int) -> Vectors:
    """Vectors of word2vec's text or binary format from behind its header."""
    text = _is_text(content, dim)
    left = len(content) - content.tell()
    needed = words * (2 + (2 if text else 4) * dim)  # of one letter, and digits
    if min(words, dim) < 1 or needed > left:
        raise ArtifactError(
            f"{path}: line 1 announces {words} words of {dim} dimensions, allowed are 1 or more "
            f"of each in at most the {left} bytes that follow, which take {needed} or more: if the "
            "file was cut short, get it again"
        )
    table = np.empty((words, dim), np.float32)
    rows: dict[str, int] = {}
    records = _text_records if text else _binary_records
    bar = tqdm(total=words, unit=" words", desc="reading", leave=False, disable=None)
    for row, (place, word, numbers) in enumerate(records(path, content, words, dim)):
        token = _decoded(word, place)
        if token in rows:
            raise ArtifactError(
                f"{place}: the word {shown(token)} is there twice, at first as word "
                f"{rows[token] + 1} of {words}: each needs one vector: rename or remove one"
            )
        rows[token] = row
        table[row] = numbers
        bar.update()
    bar.close()
    if left := len(content) - content.tell():
        raise ArtifactError(
            f"{path}: byte {content.tell()}: {left} bytes follow the {words} words that line 1 "
            "announces: correct the number there or get the file again"
        )
    return Vectors(table, None, list(rows))


def _is_text(content: mmap, dim: int) -> bool:
    """Whether the bytes of the first vector are text; ten random numbers are not, but for 1e-8."""
    start = content.find(b" ", content.tell()) + 1
    stop = start + min(4 * dim, 1000)
    line_end = content.find(b"\n", start + 2 * dim - 1)  # d digits and the spaces between them
    first = content[start : stop if line_end < 0 else min(stop, line_end)]
    try:
        getincrementaldecoder("utf-8")().decode(first)  # which may end within a letter
    except UnicodeDecodeError:
        return False
    return not CONTROL.search(first)


def _text_records(
    path: Path, content: mmap, words: int, dim: int
) -> Iterator[tuple[str, bytes, NDArray[np.float32]]]:
    """The place, word and vector (d,) of each line; words and numbers stand between white space."""
    longest = LONGEST_WORD + LONGEST_NUMBER * dim
    for number in range(2, words + 2):
        start = content.tell()
        stop = content.find(b"\n", start, start + longest) + 1
        place, line = f"{path}: line {number}", content[start : stop or start + longest]
        content.seek(start + len(line))
        word, *numbers = line.split(None, dim + 1) or [b""]
        if len(numbers) != dim or not line.endswith(b"\n"):
            end = "" if line.endswith(b"\n") else " and no line end"
            raise ArtifactError(
                f"{place}: found {len(numbers)} fields behind the first{end}, expected a word, "
                f"{dim} numbers and a line end, on {words} lines: if the file was cut short, get "
                "it again"
            )
        try:
            with np.errstate(over="ignore"):
                vector = np.array([*map(float, numbers)], np.float32)
        except ValueError:
            vector = np.full(dim, np.nan, np.float32)
        if not np.isfinite(vector).all() or line.count(b"_") > word.count(b"_"):  # 1_0 is 10
            wrong = next(field for field in numbers if not _is_finite_number(field))
            found = wrong[:20].decode(errors="replace")
            raise ArtifactError(
                f"{place}: found `{found}`, allowed are finite float32 numbers: correct it or get "
                "the file again"
            )
        yield place, word, vector


def _is_finite_number(field: bytes) -> bool:
    try:
        with np.errstate(over="ignore"):
            return b"_" not in field and bool(np.isfinite(np.float32(float(field))))
    except ValueError:
        return False


def _binary_records(
    path: Path, content: mmap, words: int, dim: int
) -> Iterator[tuple[str, bytes, NDArray[np.float32]]]:
    """The place, word and vector (d,) of each record: word, space, d float32, maybe a line end."""
    for number in range(1, words + 1):
        start = content.tell()
        place = f"{path}: byte {start}: word {number} of {words}"
        space = content.find(b" ", start, start + LONGEST_WORD)
        if space < 0 or len(content) < space + 1 + 4 * dim:
            raise ArtifactError(
                f"{place} is not whole, expected a word, a space and {4 * dim} bytes: the file was "
                "cut short: get it again"
            )
        word = content[start:space]
        if word.split() != [word]:
            raise ArtifactError(
                f"{place}: found {word[:20]!r}, expected a word without white space: if the file "
                "was cut short, get it again"
            )
        content.seek(space + 1)
        vector = np.frombuffer(content.read(4 * dim), "<f4")
        if not np.isfinite(vector).all():
            wrong = vector[~np.isfinite(vector)][0]
            raise ArtifactError(
                f"{place}: found the number {wrong}, allowed are finite ones: train again or get "
                "the file again"
            )
        if content[content.tell() : content.tell() + 1] == b"\n":  # gensim writes none
            content.seek(1, 1)
        yield place, word, vector


def _decoded(word: bytes, place: str) -> str:
    try:
        return word.decode()
    except UnicodeDecodeError as error:
        raise ArtifactError(
            f"{place}: the word is not UTF-8 (its byte {error.start} is "
            f"0x{word[error.start]:02x}): convert the file to UTF-8"
        ) from None


def _tensor(path: Path, file: Any, name: str) -> NDArray[Any]:
    """A tensor of an open safetensors file; raises ArtifactError if NumPy cannot hold it."""
    try:
        table: NDArray[Any] = file.get_tensor(name)
    except (AttributeError, TypeError, ValueError):  # no such type, as bfloat16, or no such shape
        found = file.get_slice(name)
        raise ArtifactError(
            f"{path}: table {name} is {found.get_dtype()} of shape {shown(found.get_shape())}, "
            f"needed is {TABLES[name]}, a row for each word: convert it, or use a file this "
            "program wrote"
        ) from None
    return table


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

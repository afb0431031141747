"""Word vectors with their vocabulary: the file format of a study, and word2vec's own formats."""

import json
import re
from codecs import getincrementaldecoder
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
# Of word2vec's formats: words, dimensions; behind a byte order mark if an editor set one.
HEADER = re.compile(rb"(?:\xef\xbb\xbf)?[ \t]*(\d{1,18})[ \t]+(\d{1,18})[ \t\r]*\n")
BLANK = re.compile(rb"\s*\Z")
FORMATS = {".bin": "binary", ".safetensors": "safetensors"}  # by a file's ending; else text
TABLES = {"centre": "F32", "context": "F32", "counts": "I64"}  # and their types in safetensors
CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")  # bytes that no text has


@dataclass(frozen=True)
class Vectors:
    """Tables float32 (V, d); row i is the vector of `vocabulary[i]`.

    counts: int64 (V,), how often each word occurs in the text that the vectors were trained on, 0
    for rows that training has not moved; None if unknown.
    """

    centre: NDArray[np.float32]
    context: NDArray[np.float32] | None
    vocabulary: list[str]
    counts: NDArray[np.int64] | None = None


def trained_words(vectors: Vectors) -> Vectors:
    """The words that the training text has, most frequent first; unchanged if counts is None.

    Most rows of a WordPiece table are of words that the text does not have: they would count as
    covered and compete as answers.
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
    tables = {k: np.ascontiguousarray(table) for k, table in named.items() if table is not None}
    for name, table in tables.items():
        check_table(path, name, table, vectors.vocabulary)
    metadata = {"vocabulary": json.dumps(vectors.vocabulary, ensure_ascii=False)}
    with writing(path) as part:
        save_file(tables, part, metadata)


def load_vectors(path: Path) -> Vectors:
    """Read what `save_vectors` wrote.

    Raises ArtifactError if the file is missing, cut short, or lacks a centre table of finite
    numbers or a vocabulary of as many tokens as the tables have rows.
    """
    try:
        with safe_open(intact(path), "numpy") as file:
            names, metadata = sorted(file.keys()), file.metadata() or {}
            tables = {name: _tensor(path, file, name) for name in names if name in TABLES}
    except FileNotFoundError:
        raise ArtifactError(f"{path}: no such file: train the vectors first") from None
    except (SafetensorError, OSError) as error:
        raise ArtifactError(
            f"{path}: not a whole safetensors file ({reason(error)}): delete it and train again"
        ) from None
    vocabulary = _vocabulary(metadata)
    if "centre" not in tables or vocabulary is None:
        raise ArtifactError(
            f"{path}: found tensors {names[:5]} and metadata {sorted(metadata)[:5]}, needed are a "
            "tensor `centre` and a JSON list `vocabulary` of texts: use a file this program wrote"
        )
    for name in tables:
        check_table(path, name, tables[name], vocabulary)
    if not np.isfinite(tables["centre"]).all():
        raise ArtifactError(
            f"{path}: the vectors hold numbers that are not finite: train them again at a lower "
            "learning rate"
        )
    return Vectors(tables["centre"], tables.get("context"), vocabulary, tables.get("counts"))


def _vocabulary(metadata: dict[str, str]) -> list[str] | None:
    """The list of texts under `vocabulary`; None if there is none that UTF-8 can hold."""
    try:
        found = json.loads(metadata["vocabulary"])
        "".join(found).encode()
    except (KeyError, TypeError, ValueError, RecursionError):
        return None
    return found if isinstance(found, list) else None


def write_vectors(path: Path, vectors: Vectors, kind: str | None) -> None:
    """Write `text`, `binary` or `safetensors`; without a `kind` the one that the ending names."""
    kind = kind or FORMATS.get(path.suffix.lower(), "text")
    if kind == "safetensors":
        save_vectors(path, vectors)
    else:
        export_word2vec(path, vectors, binary=kind == "binary")


def export_word2vec(path: Path, vectors: Vectors, binary: bool) -> None:
    """Write the centre table in word2vec's text or binary format, all rows in order.

    Text has the shortest digits that give the same float32 again. Raises ArtifactError if a token
    is empty or holds ASCII white space, which ends a token in these formats, or occurs twice.
    """
    seen: set[str] = set()
    for row, token in enumerate(vectors.vocabulary):
        if token in seen or token.encode().split() != [token.encode()]:
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


def read_vectors(path: Path, errors: str = "stop") -> Vectors:
    """Read a file of vectors: safetensors, or word2vec's text or binary format, by its content.

    The one table of word2vec's formats becomes `centre`. Raises ArtifactError naming the line or
    byte if a file is not whole, a word is empty, there twice or not UTF-8, or a number not finite.
    Where `errors` is `replace`, wrong bytes of a word become U+FFFD, of equal words the first is
    kept; with `skip` such words are left out. No more memory is taken than the size of the file
    allows for.
    """
    if not path.is_file():
        raise ArtifactError(f"{path}: no such file: train the vectors first")
    try:
        with path.open("rb") as file:
            start = file.readline(100)
            if header := HEADER.fullmatch(start):
                with mmap(file.fileno(), 0, access=ACCESS_READ) as content:
                    content.seek(header.end())
                    return _read_word2vec(path, content, errors, *map(int, header.groups()))
    except OSError as error:
        raise ArtifactError(f"{path}: not readable ({error.strerror}): name another file") from None
    if start[8:9] == b"{":
        return load_vectors(path)
    raise ArtifactError(
        f"{path}: begins with {start[:20]!r}, expected safetensors or, in word2vec's formats, a "
        "line with the number of words and of dimensions: add it if only that line is missing"
    )


def _read_word2vec(path: Path, content: mmap, errors: str, words: int, dim: int) -> Vectors:
    """Vectors of word2vec's text or binary format, from the end of its header on."""
    text = _is_text(content, dim)
    left = len(content) - content.tell()
    needed = words * (2 + (2 if text else 4) * dim)  # a word of one letter, numbers of one digit
    if min(words, dim) < 1 or needed > left:
        raise damaged(
            f"{path}: line 1 announces {words} words of {dim} dimensions, allowed are 1 or more "
            f"of each in at most the {left} bytes that follow, which take {needed} or more"
        )
    table, rows = np.empty((words, dim), np.float32), dict[str, int]()
    record = _text_record if text else _binary_record
    for row in tqdm(range(words), unit=" words", desc="reading", leave=False, disable=None):
        at = f"line {row + 2}" if text else f"byte {content.tell()}: word {row + 1} of {words}"
        try:
            word, table[len(rows)] = record(content, dim)
            token = word.decode(errors="replace" if errors == "replace" else "strict")
            if token in rows and token.encode() != word:
                continue
            if token in rows:
                first = f"at first as word {rows[token] + 1} of {words}"
                raise ValueError(f": the word {shown(token)} is there twice, {first}")
        except UnicodeDecodeError as error:
            if errors == "skip":
                continue
            wrong = f"its byte {error.start} is 0x{word[error.start]:02x}"
            raise ArtifactError(
                f"{path}: {at}: the word is not UTF-8 ({wrong}): `--errors replace` reads it with "
                "a mark for such bytes, `--errors skip` leaves it out"
            ) from None
        except ValueError as error:
            raise damaged(f"{path}: {at}{error}") from None
        rows[token] = row
    left = len(content) - content.tell()
    if left and not (text and BLANK.match(content, content.tell())):
        announced = f"the {words} words that line 1 announces"
        raise damaged(f"{path}: byte {content.tell()}: {left} bytes follow {announced}")
    return Vectors(table[: len(rows)], None, list(rows))


def damaged(what: str) -> ArtifactError:
    """The error for a file that is not in word2vec's formats, or not whole."""
    return ArtifactError(f"{what}: correct it or, if the file was cut short, get it again")


def _is_text(content: mmap, dim: int) -> bool:
    """Whether the first vector is text; ten random float32 pass for it with probability 1e-8."""
    start = content.find(b" ", content.tell()) + 1
    stop = start + min(4 * dim, 1000)
    line_end = content.find(b"\n", start + 2 * dim - 1)  # d digits and the spaces between them
    first = content[start : stop if line_end < 0 else min(stop, line_end)]
    try:
        getincrementaldecoder("utf-8")().decode(first)  # its end may cut a letter
    except UnicodeDecodeError:
        return False
    return not CONTROL.search(first)


def _text_record(content: mmap, dim: int) -> tuple[bytes, NDArray[np.float32]]:
    """Word and vector (d,) of the next line; raises ValueError if it has no such ones."""
    start = content.tell()
    longest = start + LONGEST_WORD + LONGEST_NUMBER * dim
    line = content[start : content.find(b"\n", start, longest) + 1 or longest]
    content.seek(start + len(line))
    word, *numbers = line.split(None, dim + 1) or [b""]
    if len(numbers) != dim:
        expected = f"expected a word without white space and {dim} numbers"
        raise ValueError(f": found {len(numbers)} fields behind the first, {expected}")
    if not line.endswith(b"\n"):
        raise ValueError(": no line end, so the last number may be cut: add one if it is whole")
    vector = _finite(numbers)
    if vector is None:
        wrong = next(number for number in numbers if _finite([number]) is None)
        found = wrong[:20].decode(errors="replace")
        raise ValueError(f": found `{found}`, allowed are finite float32 numbers")
    return word, vector


def _finite(numbers: list[bytes]) -> NDArray[np.float32] | None:
    """The numbers, (d,), that are written; None unless all are finite float32."""
    try:
        with np.errstate(over="ignore"):
            vector = np.array([*map(float, numbers)], np.float32)
    except ValueError:
        return None
    python_only = b"_" in b"".join(numbers)  # 1_0 is 10 in Python
    return None if python_only or not np.isfinite(vector).all() else vector


def _binary_record(content: mmap, dim: int) -> tuple[bytes, NDArray[np.float32]]:
    """The next word, a space, and its vector (d,); raises ValueError if there are no such ones."""
    start = content.tell()
    space = content.find(b" ", start, start + LONGEST_WORD)
    stop = space + 1 + 4 * dim
    if space < 0 or len(content) < stop:
        raise ValueError(f" is not whole, expected a word, a space and {4 * dim} bytes")
    word, vector = content[start:space], np.frombuffer(content[space + 1 : stop], "<f4")
    if word.split() != [word]:
        raise ValueError(f": found {word[:20]!r}, expected a word without white space")
    if not np.isfinite(vector).all():
        wrong = vector[~np.isfinite(vector)][0]
        raise ValueError(f": found the number {wrong}, allowed are finite ones")
    content.seek(stop + (content[stop : stop + 1] == b"\n"))  # gensim writes no line end
    return word, vector


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


def check_table(path: Path, name: str, table: NDArray[Any], vocabulary: list[str]) -> None:
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

"""Word vectors with their vocabulary: the format of a study, word2vec's formats and GloVe's."""

import json
import re
import shutil
import zlib
from codecs import BOM_UTF8, getincrementaldecoder
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from gzip import GzipFile
from io import BufferedReader
from mmap import ACCESS_READ, mmap
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError
from safetensors import safe_open
from safetensors.numpy import save_file
from tqdm import tqdm

from sgns_study.artifacts import ArtifactError, reading, writing
from sgns_study.errors import reason, shown

LONGEST_WORD, LONGEST_NUMBER = 1 << 20, 64  # bytes in word2vec's formats
# Of word2vec's formats: words, dimensions; behind a byte order mark if an editor set one.
HEADER = re.compile(rb"(?:\xef\xbb\xbf)?[ \t]*(\d{1,18})[ \t]+(\d{1,18})[ \t\r]*\n")
BLANK = re.compile(rb"\s*\Z")
LONGEST_LINE = LONGEST_WORD + 4096 * LONGEST_NUMBER  # of as many dimensions as vectors have
BLOCK = 1 << 24  # bytes in which line ends are counted at a time
GZIP = b"\x1f\x8b"  # how its files begin
FORMATS = {".bin": "binary", ".safetensors": "safetensors"}  # by a file's ending; else text
TABLES = {"centre": ("F32", 2), "context": ("F32", 2), "counts": ("I64", 1)}  # type, dimensions
CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")  # bytes that no text has


@dataclass(frozen=True)
class Vectors:
    """Tables float32 (V, d); row i is the vector of `vocabulary[i]`.

    counts: int64 (V,), how often each word occurs in the text that the vectors were trained on, 0
    for rows that training has not moved, 1 for all of vectors from elsewhere; None if unknown.
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
    metadata = {"vocabulary": json.dumps(vectors.vocabulary, ensure_ascii=False)}
    with writing(path) as part:
        save_file(tables, part, metadata)


def load_vectors(path: Path) -> Vectors:
    """Read what `save_vectors` wrote.

    Raises ArtifactError if the file is missing, cut short, or lacks a centre table of finite
    numbers or a vocabulary of as many tokens as the tables have rows.
    """
    whole = reading(path, "not a whole safetensors file", "train the vectors again")
    with whole, safe_open(path, "numpy") as file:
        names, metadata = sorted(file.keys()), file.metadata() or {}
        vocabulary = _vocabulary(metadata)
        if "centre" not in names or vocabulary is None:
            raise ArtifactError(
                f"{path}: found tensors {names[:5]} and metadata {sorted(metadata)[:5]}, needed "
                "are a tensor `centre` and a JSON list `vocabulary` of texts: use a file this "
                "program wrote"
            )
        tables: dict[str, NDArray[Any]] = {}
        for name in [name for name in TABLES if name in names]:
            check_table(path, name, file.get_slice(name), len(vocabulary))
            tables[name] = file.get_tensor(name)
    if not np.isfinite(tables["centre"]).all():
        raise ArtifactError(
            f"{path}: the vectors hold numbers that are not finite: train them again at a lower "
            "learning rate"
        )
    if "counts" in tables and tables["counts"].min(initial=0) < 0:
        raise ArtifactError(
            f"{path}: table counts has {tables['counts'].min()}, allowed is 0 or more: train again"
        )
    return Vectors(tables["centre"], tables.get("context"), vocabulary, tables.get("counts"))


def check_table(path: Path, name: str, table: Any, words: int) -> None:
    """Raise ArtifactError unless a tensor has the type and the rows that its name promises."""
    (dtype, ndim), shape = TABLES[name], table.get_shape()
    if table.get_dtype() != dtype or len(shape) != ndim or shape[0] != words:
        raise ArtifactError(
            f"{path}: table {name} is {table.get_dtype()} of shape {shown(shape)}, needed is "
            f"{dtype} with {'one count' if ndim == 1 else 'one row'} for each of the {words} "
            "tokens: use a file this program wrote"
        )


def _vocabulary(metadata: dict[str, str]) -> list[str] | None:
    """The list of texts under `vocabulary`; None if there is none."""
    try:
        return TypeAdapter(list[str]).validate_json(metadata.get("vocabulary", ""))
    except ValidationError:
        return None


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


def read_vectors(path: Path, errors: str = "stop", words: Collection[str] | None = None) -> Vectors:
    """Read a file of vectors: safetensors, or by its content word2vec's or GloVe's formats.

    GloVe's is word2vec's text without the first line; either may be in gzip. The one table of these
    formats becomes `centre`. Raises ArtifactError naming the line or byte if a file is not whole, a
    word is empty, there twice or not UTF-8, or a number not finite.
    Where `errors` is `replace`, wrong bytes of a word become U+FFFD, of equal words the first is
    kept; with `skip` such words are left out. If `words` are given, of these formats only they are
    read. No more memory is taken than the size of the file allows for.
    """
    wanted = None if words is None else {word.encode() for word in words}
    with opened(path) as file, TemporaryFile() as unpacked:
        start = file.readline(LONGEST_LINE)
        if start[8:9] == b"{":
            return load_vectors(path)
        sizes = _sizes(path, start)
        if isinstance(file, GzipFile):
            file.seek(0)
            shutil.copyfileobj(file, unpacked)
            unpacked.flush()
        source = unpacked if isinstance(file, GzipFile) else file
        with mmap(source.fileno(), 0, access=ACCESS_READ) as content:
            return _read_word2vec(path, content, errors, *sizes, wanted)


@contextmanager
def opened(path: Path) -> Iterator[GzipFile | BufferedReader]:
    """A file of vectors, unpacked where it is in gzip; raises ArtifactError if not readable."""
    if not path.is_file():
        raise ArtifactError(f"{path}: no such file: train the vectors first, or name another file")
    try:
        with path.open("rb") as file:
            yield GzipFile(fileobj=file) if file.peek(2)[:2] == GZIP else file
    except (OSError, EOFError, zlib.error) as error:
        why = getattr(error, "strerror", None) or reason(error)
        raise ArtifactError(f"{path}: not readable ({why}): name another file") from None


def check_dim(path: Path, dim: int) -> None:
    """Raise ArtifactError unless a file has vectors of this dimension, by its first line."""
    with opened(path) as file:
        start = file.readline(LONGEST_LINE)
    is_ours = start[8:9] == b"{"
    found = load_vectors(path).centre.shape[1] if is_ours else _sizes(path, start)[1]
    if found != dim:
        raise ArtifactError(
            f"{path}: its vectors have {found} dimensions, the study uses them with {dim}: set "
            f"dims to [{found}], or use their recipe only in experiments with dims: [{found}]"
        )


def coverage(vectors: Vectors, occurrences: NDArray[np.int64]) -> dict[str, float]:
    """The shares of a corpus' words, and of their `occurrences` (V,), that have trained vectors."""
    assert vectors.counts is not None
    has = vectors.counts > 0
    shares = has[1:].mean(), occurrences[has].sum() / occurrences.sum()
    return dict(zip(("covered_words", "covered_tokens"), map(float, shares)))


def _sizes(path: Path, start: bytes) -> tuple[int | None, int]:
    """Words and dimensions by the first line; GloVe's, which has the first vector, has no words."""
    if header := HEADER.fullmatch(start):
        words, dim = map(int, header.groups())
        return words, dim
    numbers = start.split()[1:]
    if len(numbers) > 1 and start.endswith(b"\n") and _finite(numbers) is not None:
        return None, len(numbers)
    raise ArtifactError(
        f"{path}: begins with {start[:20]!r}, expected safetensors or, in word2vec's formats, a "
        "line with the number of words and of dimensions or with the first word and its numbers"
    )


def _read_word2vec(
    path: Path,
    content: mmap,
    errors: str,
    announced: int | None,
    dim: int,
    wanted: set[bytes] | None,
) -> Vectors:
    """Vectors of word2vec's text or binary format, or of GloVe's, which does not announce words."""
    if announced is None:
        words = 1 + sum(block.count(b"\n") for block in iter(lambda: content.read(BLOCK), b""))
        content.seek(len(BOM_UTF8) if content[: len(BOM_UTF8)] == BOM_UTF8 else 0)
        text = True
    else:
        words = announced
        content.readline()
        text = _is_text(content, dim)
        check_announced(path, words, dim, len(content) - content.tell(), text)
    most = words if wanted is None else min(words, len(wanted))
    table, rows = np.empty((most, dim), np.float32), dict[str, int]()
    record = _text_record if text else _binary_record
    for row in tqdm(range(words), unit=" words", desc="reading", leave=False, disable=None):
        line = row + (1 if announced is None else 2)
        at = f"line {line}" if text else f"byte {content.tell()}: word {row + 1} of {words}"
        if announced is None and BLANK.match(content, content.tell()):
            break
        try:
            word, vector = record(content, dim, wanted)
            if vector is None:
                continue
            table[len(rows)] = vector
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
        before = f"the {words} words that line 1 announces"
        raise damaged(f"{path}: byte {content.tell()}: {left} bytes follow {before}")
    return Vectors(table[: len(rows)], None, list(rows))


def check_announced(path: Path, words: int, dim: int, left: int, text: bool) -> None:
    """Raise ArtifactError unless so many words can be in the bytes that are left of a file."""
    needed = words * (2 + (2 if text else 4) * dim)  # a word of one letter, numbers of one digit
    if min(words, dim) < 1 or needed > left:
        raise damaged(
            f"{path}: line 1 announces {words} words of {dim} dimensions, allowed are 1 or more "
            f"of each in at most the {left} bytes that follow, which take {needed} or more"
        )


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


Record = tuple[bytes, NDArray[np.float32] | None]  # a word and its vector (d,); None: not wanted


def _text_record(content: mmap, dim: int, wanted: set[bytes] | None) -> Record:
    """Word and vector of the next line; raises ValueError if it has no such ones."""
    start = content.tell()
    longest = start + LONGEST_WORD + LONGEST_NUMBER * dim
    line = content[start : content.find(b"\n", start, longest) + 1 or longest]
    content.seek(start + len(line))
    word, *numbers = line.strip().rsplit(None, dim) or [b""]
    if len(numbers) != dim or (wanted is None and len(word.split()) > 1):
        fields = max(0, len(line.split()) - 1)
        expected = f"expected a word without white space and {dim} numbers"
        raise ValueError(f": found {fields} fields behind the first, {expected}")
    if not line.endswith(b"\n"):
        raise ValueError(": no line end, so the last number may be cut: add one if it is whole")
    if wanted is not None and word not in wanted:
        return word, None
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


def _binary_record(content: mmap, dim: int, wanted: set[bytes] | None) -> Record:
    """The next word, a space, and its vector; raises ValueError if there are no such ones."""
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
    return word, vector if wanted is None or word in wanted else None

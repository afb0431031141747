"""A user's own text: a table with a document a row, as CSV, TSV, JSONL or Parquet.

Each row is used as it is or refused with its file, its line and the reason; nothing is guessed.
"""

import codecs
import csv
import json
import stat
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sgns_study import params
from sgns_study.artifacts import ArtifactError
from sgns_study.corpora.documents import NO_LABEL, SPLITS, TEST, TRAIN, UNLABELLED, Document
from sgns_study.errors import reason
from sgns_study.randomness import generator

SMALLEST_CLASS = 10  # labelled training documents
MOST_CLASSES = 1000  # more are identifiers rather than classes
SOURCES: tuple[str, ...] = ()  # nothing is downloaded
LARGEST = 1 << 31  # bytes of a file, and of the two columns of Parquet unpacked
MOST_ROWS = 20_000_000  # rows, and lines of text
LONGEST = 10_000_000  # characters of a field of CSV and of a line of JSONL
LONGEST_LINE = 4 * LONGEST  # of any line: a row may have many fields
LONGEST_LABEL = 1000  # characters
BATCH = 1000  # rows of Parquet read at a time
SHOWN = 20  # bad rows, labels or columns that a message lists
BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True)
class BadRow:
    """A row that cannot be used; `line` counts the lines of the file, the rows of Parquet."""

    file: str
    line: int
    reason: str  # the same for all rows with the same fault
    detail: str = ""

    def __str__(self) -> str:
        """File, line, reason and detail."""
        detail = f" ({self.detail})" if self.detail else ""
        return f"{self.file}: line {self.line}: {self.reason}{detail}"


@dataclass(frozen=True)
class Contents:
    """What a table holds.

    Label i is the class `classes[i]`: by number if all are whole numbers, by alphabet if not.
    `class_sizes` (classes,) documents of each class, in the training and in the test part.
    `repeated` counts test documents whose text is that of a labelled training document.
    """

    classes: tuple[str, ...]
    class_sizes: dict[int, tuple[int, ...]]
    unlabelled: int
    repeated: int
    bad_rows: tuple[BadRow, ...]

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Labelled training, labelled test and unlabelled documents."""
        return sum(self.class_sizes[TRAIN]), sum(self.class_sizes[TEST]), self.unlabelled

    @property
    def bad_rows_by_reason(self) -> dict[str, int]:
        """How many rows were left out for each reason, the most frequent first."""
        return dict(Counter(row.reason for row in self.bad_rows).most_common())


@dataclass(frozen=True)
class Row:
    """A row that can be used; `label` is None if it has none."""

    line: int
    text: str
    label: str | None


Candidate = tuple[int, Any, Any]  # line, text and label of a row, of any type


def inspect(corpus: params.TableCorpus, root: Path = Path(".")) -> Contents:
    """What the table holds; read once in a process unless a file changes.

    Rows left out and texts in both training and test are warned about on standard error when the
    table is read. Raises ArtifactError if a file or column is missing, a row cannot be used (unless
    `on_bad_rows` is `skip`) or a class is too small.
    """
    files = [root / name for name in (corpus.path, corpus.test) if name]
    return _inspect(corpus, root, root.resolve(), tuple(_state(file) for file in files))


def sizes(corpus: params.TableCorpus, root: Path = Path(".")) -> tuple[int, int, int]:
    """Labelled training, labelled test and unlabelled documents; raises as `inspect` does."""
    return inspect(corpus, root).sizes


def class_names(corpus: params.TableCorpus) -> tuple[str, ...]:
    """The name of each label, at its number; raises as `inspect` does."""
    return inspect(corpus).classes


def synonyms(_corpus: params.TableCorpus) -> dict[str, list[str]]:
    """None are known."""
    return {}


def documents(corpus: params.TableCorpus, _raw: Path) -> Iterator[Document]:
    """The documents of the user's own files."""
    return read(corpus)


def read(corpus: params.TableCorpus, root: Path = Path(".")) -> Iterator[Document]:
    """Training, test, then unlabelled documents, in the order of their file; named by their line.

    Raises and warns as `inspect` does.
    """
    contents, parts = _load(corpus, root)
    warn(contents, corpus)
    labels = {name: label for label, name in enumerate(contents.classes)}
    for split in (TRAIN, TEST, UNLABELLED):
        for row in parts[split]:
            label = NO_LABEL if row.label is None else labels[row.label]
            yield Document(f"{SPLITS[split]}/{row.line:06}", split, label, row.text)


@lru_cache(maxsize=8)
def _inspect(
    corpus: params.TableCorpus, root: Path, _folder: Path, _states: tuple[tuple[int, int], ...]
) -> Contents:
    contents, _parts = _load(corpus, root)
    warn(contents, corpus)
    return contents


def _state(file: Path) -> tuple[int, int]:
    """Size and time of change, by which a changed file is known."""
    try:
        found = file.stat()
    except OSError:
        return 0, 0  # reading it will say what is wrong
    return found.st_size, found.st_mtime_ns


def _load(corpus: params.TableCorpus, root: Path) -> tuple[Contents, dict[int, list[Row]]]:
    train, bad = read_rows(root / corpus.path, corpus)
    test: list[Row] = []
    if corpus.test:
        test, bad_test = read_rows(root / corpus.test, corpus, labels_needed=True)
        bad += bad_test
    if bad and corpus.on_bad_rows == "stop":
        raise ArtifactError(refusal(bad))
    labelled = [row for row in train if row.label is not None]
    unlabelled = [row for row in train if row.label is None]
    classes = ordered_classes(labelled, corpus)
    if not corpus.test:
        labelled, test = drawn_test(labelled, classes, corpus)
    check_test_labels(test, classes, corpus)
    parts = {TRAIN: labelled, TEST: test, UNLABELLED: unlabelled}
    class_sizes = {split: count_classes(parts[split], classes) for split in (TRAIN, TEST)}
    check_class_sizes(class_sizes, classes, corpus)
    known = {row.text for row in labelled}
    repeated = sum(row.text in known for row in test)
    return Contents(classes, class_sizes, len(unlabelled), repeated, tuple(bad)), parts


def warn(contents: Contents, corpus: params.TableCorpus) -> None:
    """Say on standard error what was left out and what is suspicious."""
    if contents.bad_rows:
        counts = ", ".join(f"{n} × {reason}" for reason, n in contents.bad_rows_by_reason.items())
        _say(f"{corpus.path}: {len(contents.bad_rows)} rows are left out: {counts}")
    if contents.repeated:
        _say(
            f"{corpus.test or corpus.path}: the texts of {contents.repeated} of "
            f"{contents.sizes[1]} test documents are also those of training documents, so the test "
            "accuracy is too high: remove one of the two"
        )


def _say(message: str) -> None:
    print(f"warning: {message}", file=sys.stderr)


def refusal(bad: Sequence[BadRow]) -> str:
    """The message that stops at bad rows: the first of them and what to do."""
    shown = [f"  {row}" for row in bad[:SHOWN]]
    more = [f"  and {len(bad) - SHOWN} more"] if len(bad) > SHOWN else []
    remedy = "Put them right, or leave them out with `on_bad_rows: skip` in the corpus section."
    if any(row.reason == WRONG_BYTES for row in bad):
        remedy += " Bytes that do not decode: set `encoding:` to the file's, such as cp1252."
    total = f"{len(bad)} row{'s' if len(bad) > 1 else ''} cannot be used:"
    return "\n".join([total, *shown, *more, remedy])


# Classes and parts


def ordered_classes(labelled: Sequence[Row], corpus: params.TableCorpus) -> tuple[str, ...]:
    """The labels that occur, in order; raises ArtifactError if they are too few or too many."""
    names = {row.label for row in labelled if row.label is not None}
    by_number = all(name.isascii() and name.isdigit() for name in names)
    classes = sorted(names, key=lambda name: (int(name) if by_number else 0, name))
    if not 2 <= len(classes) <= MOST_CLASSES:
        found = f"{len(classes)}{': ' if classes else ''}{listed(classes)}"
        raise ArtifactError(
            f"{corpus.path}: 2 to {MOST_CLASSES} classes are needed, the column {corpus.label!r} "
            f"has {found}: name the column of the label in corpus.label"
        )
    return tuple(classes)


def drawn_test(
    labelled: Sequence[Row], classes: Sequence[str], corpus: params.TableCorpus
) -> tuple[list[Row], list[Row]]:
    """Labelled documents without those set aside as test, and these: a share of every class.

    Of a class with n documents round(n `test_fraction`) are drawn, and at least one.
    """
    rng = generator(corpus.seed, "table", "test")
    labels = np.array([row.label for row in labelled], dtype=object)
    is_test = np.zeros(len(labelled), bool)
    for name in classes:
        members = np.flatnonzero(labels == name)
        number = max(1, round(len(members) * corpus.test_fraction))
        is_test[rng.permutation(members)[:number]] = True
    return _where(labelled, ~is_test), _where(labelled, is_test)


def _where(rows: Sequence[Row], chosen: NDArray[np.bool_]) -> list[Row]:
    return [rows[i] for i in np.flatnonzero(chosen).tolist()]


def count_classes(rows: Iterable[Row], classes: Sequence[str]) -> tuple[int, ...]:
    """Documents of each class."""
    counts = Counter(row.label for row in rows)
    return tuple(counts[name] for name in classes)


def check_test_labels(
    test: Sequence[Row], classes: Sequence[str], corpus: params.TableCorpus
) -> None:
    """Raise ArtifactError if a test document has a label that no training document has."""
    unknown = [row for row in test if row.label not in classes]
    if unknown:
        names = sorted({str(row.label) for row in unknown})
        raise ArtifactError(
            f"{corpus.test}: {len(unknown)} test documents, the first on line {unknown[0].line}, "
            f"have a label that no training document has: {listed(names)}; the classes are "
            f"{listed(classes)}: put the labels right or remove these rows"
        )


def check_class_sizes(
    sizes: dict[int, tuple[int, ...]], classes: Sequence[str], corpus: params.TableCorpus
) -> None:
    """Raise ArtifactError if a class is too small to be learned or is not tested."""
    small = [
        f"{shortened(name)} has {train} to train on and {test} to test"
        for name, train, test in zip(classes, sizes[TRAIN], sizes[TEST], strict=True)
        if train < SMALLEST_CLASS or test < 1
    ]
    if small:
        raise ArtifactError(
            f"{corpus.path}: a class needs {SMALLEST_CLASS} labelled documents to train on and one "
            f"to test, but {'; '.join(small[:SHOWN])}{and_more(small)}: add documents of it, join "
            "it to another class, or remove its rows"
        )


# Rows


def read_rows(
    path: Path, corpus: params.TableCorpus, labels_needed: bool = False
) -> tuple[list[Row], list[BadRow]]:
    """Rows of a file that can be used and those that cannot, in its order.

    With `labels_needed` a row without a label is a bad one.
    """
    if path.suffix.lower() not in READERS:
        raise ArtifactError(
            f"{path}: a table ends in {', '.join(READERS)}: save it as one of these, under "
            "that ending"
        )
    if corpus.text == corpus.label:
        raise ArtifactError(f"corpus.label: {corpus.label!r} is the column of the text too")
    good: list[Row] = []
    bad: list[BadRow] = []
    with field_limit(LONGEST):
        for found in READERS[path.suffix.lower()](path, corpus):
            row = found if isinstance(found, BadRow) else checked(path, found, labels_needed)
            if isinstance(row, Row):
                good.append(row)
            else:
                bad.append(row)
    return good, bad


MISSING_TEXT = "no text"
TEXT_TYPE = "the text is no string"
MISSING_LABEL = "no label in the test file"
LABEL_TYPE = "the label is no single value"
NUL = "NUL character"
SURROGATE = "half of a surrogate pair"
FIELDS = "wrong number of fields"
QUOTES = "quotation mark not closed, or text behind a closed one"
TOO_LONG = f"more than {LONGEST:,} characters in a field or line"
LONG_LABEL = f"more than {LONGEST_LABEL:,} characters in the label"
WRONG_BYTES = "bytes not of the encoding"
NOT_JSON = "not JSON"
NOT_OBJECT = "no JSON object"
MISSING_KEY = "no key of the text"


def checked(path: Path, found: Candidate, labels_needed: bool) -> Row | BadRow:
    """A row from the values found in it, or what is wrong with them."""
    line, text, label = found
    if not isinstance(text, str):
        if is_missing(text):
            return BadRow(str(path), line, MISSING_TEXT)
        return BadRow(str(path), line, TEXT_TYPE, f"found {type(text).__name__}")
    if not text.strip():
        return BadRow(str(path), line, MISSING_TEXT)
    if not isinstance(label, (str, int, float)) and not is_missing(label):
        return BadRow(str(path), line, LABEL_TYPE, f"found {type(label).__name__}")
    name = label_name(label)
    both = text + (name or "")
    if "\0" in both:
        return BadRow(str(path), line, NUL)
    if not is_unicode(both):
        return BadRow(str(path), line, SURROGATE)
    if len(name or "") > LONGEST_LABEL:
        return BadRow(str(path), line, LONG_LABEL)
    if labels_needed and name is None:
        return BadRow(str(path), line, MISSING_LABEL)
    return Row(line, text, name)


def is_missing(value: Any) -> bool:
    """Whether a value stands for none: null, NaN and their like."""
    return value is None or bool(pd.api.types.is_scalar(value) and pd.isna(value))


def label_name(label: Any) -> str | None:
    """The class of a label: 1, 1.0 and "1" are one; space around it does not count."""
    if is_missing(label):
        return None
    if isinstance(label, float) and label.is_integer():
        label = int(label)
    return str(label).strip() or None


def is_unicode(text: str) -> bool:
    """Whether a text can be written as UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


# Formats


def separated(
    path: Path, corpus: params.TableCorpus, delimiter: str
) -> Iterator[Candidate | BadRow]:
    """Rows of a CSV or TSV file; after one with a stray quotation mark reading goes on a line on.

    Fields that hold quotation marks, delimiters or line ends are quoted, and quotation marks in
    them doubled (RFC 4180). Empty lines are no rows.
    """
    lines, wrong = decoded_lines(path, corpus.encoding)
    columns: list[str] = []
    text = label = 0
    done = 0  # lines read
    while done < len(lines):
        start = done
        reader = csv.reader(
            (lines[i] for i in range(start, len(lines))), delimiter=delimiter, strict=True
        )
        try:
            for fields in reader:
                first, done = done + 1, start + reader.line_num
                if unusable := wrong_line(path, first, done, wrong):
                    if not columns:
                        raise no_columns(unusable)
                    yield unusable
                elif not fields:
                    continue
                elif not columns:
                    columns = fields
                    text, label = (place(path, columns, name, key) for name, key in keys(corpus))
                elif len(fields) != len(columns):
                    ends = f"; the row ends on line {done}" if done > first else ""
                    detail = f"found {len(fields)}, the header has {len(columns)}{ends}"
                    yield BadRow(str(path), first, FIELDS, detail)
                else:
                    yield first, fields[text], fields[label]
        except csv.Error as error:
            if not columns:
                raise ArtifactError(
                    f"{path}: line {done + 1}: no line of column names ({error}): put them right"
                ) from None
            reason = TOO_LONG if "field limit" in str(error) else QUOTES
            done += 1
            yield BadRow(str(path), done, reason)
    if not columns:
        raise ArtifactError(f"{path}: the file is empty: it starts with a line of column names")


def json_lines(path: Path, corpus: params.TableCorpus) -> Iterator[Candidate | BadRow]:
    """Rows of a JSONL file: an object a line. Empty lines are no rows."""
    lines, wrong = decoded_lines(path, corpus.encoding)
    decoder = json.JSONDecoder(parse_constant=_no_constant)
    seen: dict[str, None] = {}  # keys, in the order they occur
    for line, content in enumerate(lines, start=1):
        if unusable := wrong_line(path, line, line, wrong):
            yield unusable
        elif len(content) > LONGEST:
            yield BadRow(str(path), line, TOO_LONG)
        elif content.strip():
            try:
                found = decoder.decode(content)
            except (ValueError, RecursionError) as error:
                yield BadRow(str(path), line, NOT_JSON, reason(error))
                continue
            if not isinstance(found, dict):
                yield BadRow(str(path), line, NOT_OBJECT, f"found {type(found).__name__}")
                continue
            seen |= dict.fromkeys(found)
            if corpus.text in found:
                yield line, found[corpus.text], found.get(corpus.label)
            else:
                yield BadRow(str(path), line, MISSING_KEY)
    for name, key in keys(corpus) if seen else ():
        place(path, list(seen), name, key)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON value")


def parquet(path: Path, corpus: params.TableCorpus) -> Iterator[Candidate | BadRow]:
    """Rows of a Parquet file, counted from 1.

    Texts that are stored once and repeated stay so in what is read at a time: a small file can
    stand for a very large table.
    """
    check_size(path)
    names = [name for name, _ in keys(corpus)]
    try:
        with path.open("rb") as file:
            table = pq.ParquetFile(file)
            for name, key in keys(corpus):
                place(path, table.schema_arrow.names, name, key)
                check_column(path, table, name, key)
            check_unpacked(path, table.metadata)
            table = pq.ParquetFile(file, metadata=table.metadata, read_dictionary=names)
            characters, line = 0, 0
            for batch in table.iter_batches(BATCH, columns=names):
                for values in zip(*(batch.column(name) for name in names)):
                    line += 1
                    try:
                        text, label = (value.as_py() for value in values)
                    except (ValueError, OverflowError) as error:  # no UTF-8, or no time
                        yield BadRow(str(path), line, WRONG_BYTES, reason(error))
                        continue
                    characters += len(text) if isinstance(text, str) else 0
                    if characters > LARGEST:
                        raise too_large(path, f"unpacks to more than {LARGEST} characters")
                    yield line, text, label
    except ArtifactError:
        raise
    except OSError as error:
        if error.errno:
            raise unreadable(path, error) from None
        raise ArtifactError(
            f"{path}: not readable as Parquet ({reason(error)}): save it again"
        ) from None
    except (pa.ArrowException, ValueError, MemoryError, OverflowError) as error:
        raise ArtifactError(
            f"{path}: not readable as Parquet ({reason(error)}): save it again"
        ) from None


def check_column(path: Path, table: pq.ParquetFile, name: str, key: str) -> None:
    """Raise ArtifactError for a column of lists or the like."""
    found = table.schema_arrow.field(name).type
    if pa.types.is_nested(found):
        raise ArtifactError(
            f"{path}: the column {name!r} has {found} in each row, one value is allowed: name "
            f"another in {key}"
        )


def check_unpacked(path: Path, meta: pq.FileMetaData) -> None:
    """Raise ArtifactError for a Parquet file that is too large when unpacked."""
    if meta.num_rows > MOST_ROWS:
        raise too_large(path, f"has {meta.num_rows} rows, at most {MOST_ROWS} are allowed")
    # By the groups of rows: what the file says of a single column pyarrow checks without a way to
    # answer but the end of the process.
    unpacked = sum(meta.row_group(i).total_byte_size for i in range(meta.num_row_groups))
    if unpacked > LARGEST:
        raise too_large(path, f"unpacks to {unpacked} bytes, at most {LARGEST} are allowed")


Reader = Callable[[Path, params.TableCorpus], Iterator[Candidate | BadRow]]
READERS: dict[str, Reader] = {
    ".csv": lambda path, corpus: separated(path, corpus, ","),
    ".tsv": lambda path, corpus: separated(path, corpus, "\t"),
    ".jsonl": json_lines,
    ".parquet": parquet,
}


@contextmanager
def field_limit(characters: int) -> Iterator[None]:
    """Let a field of CSV be so long; the limit is one of the whole process."""
    before = csv.field_size_limit(characters)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def keys(corpus: params.TableCorpus) -> tuple[tuple[str, str], tuple[str, str]]:
    """The names of the two columns, each with its key in the parameters."""
    return (corpus.text, "corpus.text"), (corpus.label, "corpus.label")


def place(path: Path, columns: Sequence[str], name: str, key: str) -> int:
    """Where a column stands; raises ArtifactError if it is missing or there twice."""
    if columns.count(name) == 1:
        return columns.index(name)
    if name in columns:
        raise ArtifactError(f"{path}: two columns are named {name!r}: rename one of them")
    only = (
        " (.csv files are split at commas, .tsv files at tabs: save it so)"
        if len(columns) == 1 and path.suffix.lower() in (".csv", ".tsv")
        else ""
    )
    raise ArtifactError(
        f"{path}: no column {name!r}{params.nearest(name, columns)}; there are: "
        f"{listed(columns)}: name one in {key}{only}"
    )


Wrong = dict[int, tuple[str, str]]  # line → reason and detail of why it cannot be used


def no_columns(line: BadRow) -> ArtifactError:
    """The error for a line of column names that cannot be used."""
    remedy = "set corpus.encoding to the file's, such as cp1252"
    return ArtifactError(f"{line}: {remedy if line.reason == WRONG_BYTES else 'put it right'}")


def wrong_line(path: Path, first: int, last: int, wrong: Wrong) -> BadRow | None:
    """The first of the lines of a row that cannot be used."""
    if not wrong:
        return None
    for line in range(first, last + 1):
        if line in wrong:
            return BadRow(str(path), line, *wrong[line])
    return None


def decoded_lines(path: Path, encoding: str) -> tuple[list[str], Wrong]:
    """Lines of a text file with their ends, and what is wrong with those that cannot be used.

    Lines end in LF, CRLF or CR. One that is too long is left empty; in one that does not decode,
    bytes are replaced, and no other is spoilt. Raises ArtifactError if the file or the encoding is
    not to be had.
    """
    check_size(path)
    encoding = known_encoding(encoding)
    try:
        lines, wrong = lines_as_decoded(path, encoding)
    except UnicodeDecodeError:
        if "\n".encode(encoding) != b"\n":  # lines are not to be seen before decoding
            raise ArtifactError(
                f"{path}: {first_wrong_byte(path, encoding)}: set corpus.encoding to the "
                "encoding of the file, such as utf-8"
            ) from None
        lines, wrong = lines_by_themselves(path, encoding)
    except OSError as error:
        raise unreadable(path, error) from None
    except UnicodeError as error:  # of a codec that is not meant for files
        raise ArtifactError(
            f"{path}: not to be decoded as {encoding} ({error}): set corpus.encoding to the "
            "encoding of the file, such as utf-8"
        ) from None
    if lines:
        lines[0] = lines[0].removeprefix(BYTE_ORDER_MARK)
    return lines, wrong


def known_encoding(name: str) -> str:
    """The name of an encoding of text; raises ArtifactError if there is none of the name."""
    try:
        if codecs.lookup(name).name == "utf-8-sig":
            return "utf-8"  # the mark is taken off anyway
        "".encode(name)  # not every codec is of text
    except (LookupError, ValueError):
        raise ArtifactError(
            f"corpus.encoding: found {name!r}, which Python does not know: utf-8, utf-16, "
            "latin-1 and cp1252 are the usual ones"
        ) from None
    return name


def check_size(path: Path) -> None:
    """Raise ArtifactError if there is no such file, or one that is too large."""
    try:
        found = path.stat()
    except OSError as error:
        raise unreadable(path, error) from None
    if not stat.S_ISREG(found.st_mode):
        raise ArtifactError(f"{path}: not readable (no regular file): name a readable file")
    if found.st_size > LARGEST:
        raise too_large(path, f"has {found.st_size} bytes, at most {LARGEST} are allowed")


def too_large(path: Path, found: str) -> ArtifactError:
    """The error for a file beyond a limit."""
    return ArtifactError(f"{path}: {found}: take a part of its rows")


def counted_lines(path: Path, encoding: str) -> Iterator[tuple[str, int]]:
    """Each line with its end, and its characters; one that is too long is left empty.

    Raises ArtifactError if there are too many.
    """
    with path.open(encoding=encoding, newline="") as file:
        for _ in range(MOST_ROWS):
            line = file.readline(LONGEST_LINE)
            length = len(line)
            if length == LONGEST_LINE and line[-1] not in "\r\n":
                while (rest := file.readline(LONGEST_LINE)) and rest[-1] not in "\r\n":
                    length += len(rest)
                line, length = "\n", length + len(rest)
            if not line:
                return
            yield line, length
    raise too_large(path, f"has more than {MOST_ROWS} lines")


def lines_as_decoded(path: Path, encoding: str) -> tuple[list[str], Wrong]:
    """All lines; raises UnicodeDecodeError if one does not decode."""
    lines: list[str] = []
    wrong: Wrong = {}
    for line, length in counted_lines(path, encoding):
        lines.append(line)
        if length > LONGEST_LINE:
            wrong[len(lines)] = TOO_LONG, ""
    return lines, wrong


def lines_by_themselves(path: Path, encoding: str) -> tuple[list[str], Wrong]:
    """Each line decoded on its own, so that bytes which do not decode spoil no other."""
    lines: list[str] = []
    wrong: Wrong = {}
    offset = 0
    for line, length in counted_lines(path, "latin-1"):  # a character a byte
        content = line.encode("latin-1")
        if offset == 0 and content.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise ArtifactError(
                f"{path}: starts with the byte order mark of UTF-16: set corpus.encoding to utf-16"
            )
        lines.append(content.decode(encoding, errors="replace"))
        if length > LONGEST_LINE:
            wrong[len(lines)] = TOO_LONG, ""
        else:
            try:
                content.decode(encoding)
            except UnicodeDecodeError as error:
                detail = not_of(encoding, content[error.start], offset + error.start)
                wrong[len(lines)] = WRONG_BYTES, detail
        offset += length
    return lines, wrong


def first_wrong_byte(path: Path, encoding: str) -> str:
    """Which byte is the first that is not of the encoding."""
    decoder, offset = codecs.getincrementaldecoder(encoding)(), 0
    with path.open("rb") as file:
        while True:
            kept = len(decoder.getstate()[0])  # bytes of the piece before
            piece = file.read(1 << 20)
            try:
                decoder.decode(piece, final=not piece)
            except UnicodeDecodeError as error:
                return not_of(encoding, error.object[error.start], offset - kept + error.start)
            offset += len(piece)


def not_of(encoding: str, byte: int, offset: int) -> str:
    """Which byte is not of the encoding."""
    return f"byte 0x{byte:02x} at offset {offset} of the file is not {encoding}"


def unreadable(path: Path, error: OSError) -> ArtifactError:
    """A file that cannot be opened."""
    if isinstance(error, FileNotFoundError):
        return ArtifactError(
            f"{path}: no such file: corpus.path and corpus.test name files, from the folder in "
            "which the study is run"
        )
    return ArtifactError(f"{path}: not readable ({error.strerror}): name a readable file")


def listed(names: Sequence[str]) -> str:
    """Names for a message, not too many and none too long."""
    return ", ".join(map(shortened, names[:SHOWN])) + and_more(names)


def shortened(name: str) -> str:
    """A name in quotation marks, cut if it is a text by mistake."""
    return repr(name if len(name) <= 40 else name[:37] + "...")


def and_more(names: Sequence[str]) -> str:
    """How many names are left out of a message."""
    return f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""

"""A user's own text: a table with a document a row, as CSV, TSV, JSONL or Parquet.

Each row is used as it is or refused with its file, its line and the reason; nothing is guessed.
"""

import csv
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, compress
from pathlib import Path
from typing import Any, NamedTuple
from unicodedata import normalize

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sgns_study import params
from sgns_study.artifacts import ArtifactError
from sgns_study.corpora.documents import NO_LABEL, SPLITS, TEST, TRAIN, UNLABELLED, Document
from sgns_study.errors import reason, shown
from sgns_study.randomness import generator

SMALLEST_CLASS = 10  # labelled training documents
MOST_CLASSES = 1000  # more are identifiers rather than classes
LARGEST = 1 << 31  # bytes of a file, and of Parquet when unpacked
MOST_ROWS = 20_000_000  # rows, and lines of text
LONGEST = 10_000_000  # characters of a field and of a line
LONGEST_LABEL = 1000  # characters
BATCH = 1000  # rows of Parquet read at a time
MISSING = {"nan", "na", "n/a", "#n/a", "<na>", "null", "none"}  # what pandas takes for no label
SHOWN = 20  # bad rows, labels or columns that a message lists
HALF_PAIR = re.compile(r"[\ud800-\udfff]")  # half of a surrogate pair, which UTF-8 cannot hold

MISSING_TEXT = "no text"
TEXT_TYPE = "the text is no string"
MISSING_LABEL = "no label in the test file"
LABEL_TYPE = "the label is no single value"
NUL = "NUL character"
SURROGATE = "half of a surrogate pair"
FIELDS = "wrong number of fields"
QUOTES = "quotation mark not closed, or text behind a closed one"
ESCAPED = 'found \\", which is written "" inside a field'
TOO_LONG = f"more than {LONGEST:,} characters in a field or line"
LONG_LABEL = f"more than {LONGEST_LABEL:,} characters in the label"
WRONG_BYTES = "bytes not of the encoding"
NOT_JSON = "not JSON"
NOT_OBJECT = "no JSON object"
MISSING_KEY = "no key of the text"


class Row(NamedTuple):
    """A row of a table, with its text and its label; one that cannot be used has a `reason`.

    `line` counts the lines of the file, the rows of Parquet; `reason` is the same for all rows with
    the same fault, and `detail` says what was found.
    """

    file: Path
    line: int
    text: str = ""
    label: str | None = None
    reason: str = ""
    detail: str = ""

    def __str__(self) -> str:
        """Where a row is, and why it cannot be used."""
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
    bad_rows: tuple[Row, ...]

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Labelled training, labelled test and unlabelled documents."""
        return sum(self.class_sizes[TRAIN]), sum(self.class_sizes[TEST]), self.unlabelled

    @property
    def bad_rows_by_reason(self) -> dict[str, int]:
        """How many rows were left out for each reason, the most frequent first."""
        return dict(Counter(row.reason for row in self.bad_rows).most_common())


def inspect(corpus: params.TableCorpus, root: Path = Path(".")) -> Contents:
    """What the table holds; read once in a process unless a file changes.

    Rows left out, texts in both training and test and doubtful names of classes are warned about on
    standard error when the table is read. Raises ArtifactError if a file or column is missing, a
    row cannot be used (unless `on_bad_rows` is `skip`) or a class is too small.
    """
    versions = []
    for path in [root / name for name in corpus.files]:
        check_file(path)
        versions.append((path.stat().st_size, path.stat().st_mtime_ns))
    return _inspect(corpus, root.resolve(), tuple(versions))


@lru_cache(maxsize=8)
def _inspect(
    corpus: params.TableCorpus, root: Path, _versions: tuple[tuple[int, int], ...]
) -> Contents:
    contents, _ = load(corpus, root)
    check_doubts(corpus, contents)
    return contents


def read(corpus: params.TableCorpus, root: Path = Path(".")) -> Iterator[Document]:
    """Training, test, then unlabelled documents, in the order of their file; named by their line.

    Those of a file of unlabelled ones come last. Raises as `inspect` does.
    """
    contents, parts = load(corpus, root)
    labels = {None: NO_LABEL} | {name: label for label, name in enumerate(contents.classes)}
    for split, rows in parts.items():
        for row in rows:
            apart = split == UNLABELLED and row.file != root / corpus.path
            place = f"{SPLITS[split]}{'/file' * apart}/{row.line:06}"
            yield Document(place, split, labels[row.label], row.text)


def load(corpus: params.TableCorpus, root: Path) -> tuple[Contents, dict[int, list[Row]]]:
    """What the table holds, and the rows of each split in the order of their file."""
    train, bad = read_rows(root / corpus.path, corpus)
    labelled = [row for row in train if row.label is not None]
    unlabelled = [row for row in train if row.label is None]
    test: list[Row] = []
    if corpus.test:
        test, bad_test = read_rows(root / corpus.test, corpus, label_needed=True)
        bad += bad_test
    if corpus.unlabelled:  # whose labels, if it has any, are not read
        unread = corpus.model_copy(update={"label": None})
        more, bad_more = read_rows(root / corpus.unlabelled, unread)
        unlabelled, bad = unlabelled + more, bad + bad_more
    check_bad_rows(bad, corpus)
    names = {row.label for row in train if row.label is not None}
    by_number = all(name.isascii() and name.isdigit() for name in names)
    classes = tuple(sorted(names, key=lambda name: (int(name) if by_number else 0, name)))
    check_classes(classes, corpus)
    if not corpus.test:
        labelled, test = drawn_test(labelled, classes, corpus)
    counts = {TRAIN: Counter(row.label for row in labelled), TEST: Counter(r.label for r in test)}
    sizes = {split: tuple(counts[split][name] for name in classes) for split in counts}
    check_parts(test, classes, sizes, corpus)
    known = {row.text for row in labelled}
    repeated = sum(row.text in known for row in test)
    contents = Contents(classes, sizes, len(unlabelled), repeated, tuple(bad))
    return contents, {TRAIN: labelled, TEST: test, UNLABELLED: unlabelled}


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
    return list(compress(labelled, ~is_test)), list(compress(labelled, is_test))


def check_bad_rows(bad: Sequence[Row], corpus: params.TableCorpus) -> None:
    """Raise ArtifactError that lists rows which cannot be used, unless they are to be skipped."""
    if not bad or corpus.on_bad_rows == "skip":
        return
    more = [f"  and {len(bad) - SHOWN} more"] if len(bad) > SHOWN else []
    remedy = "Put them right, or leave them out with `on_bad_rows: skip` in the corpus section."
    if any(row.reason == WRONG_BYTES for row in bad):
        remedy += " Bytes that do not decode: set `encoding:` to the file's, such as cp1252."
    total = f"{len(bad)} row{'s' if len(bad) > 1 else ''} cannot be used:"
    raise ArtifactError("\n".join([total, *(f"  {row}" for row in bad[:SHOWN]), *more, remedy]))


def check_doubts(corpus: params.TableCorpus, contents: Contents) -> None:
    """Warn on standard error of what `inspect` names."""
    alike: dict[str, list[str]] = {}
    for name in contents.classes:
        letters = normalize("NFKC", name).casefold().removesuffix(".0")
        alike.setdefault(letters, []).append(shown(name))
    same = [" and ".join(names) for names in alike.values() if len(names) > 1]
    missing = [shown(name) for name in contents.classes if name.lower() in MISSING]
    bad = ", ".join(f"{n} × {reason}" for reason, n in contents.bad_rows_by_reason.items())
    for file, is_so, doubt in (
        (corpus.path, bad, f"{len(contents.bad_rows)} rows are left out: {bad}"),
        (
            corpus.test or corpus.path,
            contents.repeated,
            f"the texts of {contents.repeated} of {contents.sizes[1]} test documents are also "
            "those of training documents, so the test accuracy is too high: remove one of the two",
        ),
        (corpus.path, same, f"labels {listed(same)} are different classes: write one class alike"),
        (corpus.path, missing, f"labels {listed(missing)} are classes: leave missing ones empty"),
    ):
        if is_so:
            print(f"warning: {file}: {doubt}", file=sys.stderr)


def check_classes(classes: Sequence[str], corpus: params.TableCorpus) -> None:
    """Raise ArtifactError if there are too few or too many classes."""
    if not 2 <= len(classes) <= MOST_CLASSES:
        found = f"{len(classes)}{': ' if classes else ''}{listed([*map(shown, classes)])}"
        raise ArtifactError(
            f"{corpus.path}: 2 to {MOST_CLASSES} classes are needed, the column {corpus.label!r} "
            f"has {found}: name the column of the label in corpus.label"
        )


def check_parts(
    test: Sequence[Row],
    classes: Sequence[str],
    sizes: dict[int, tuple[int, ...]],
    corpus: params.TableCorpus,
) -> None:
    """Raise ArtifactError if a test label is of no class, or a class is too small or untested."""
    unknown = [row for row in test if row.label not in classes]
    if unknown:
        names = [shown(name) for name in sorted({str(row.label) for row in unknown})]
        raise ArtifactError(
            f"{corpus.test}: {len(unknown)} test documents, the first on line {unknown[0].line}, "
            f"have a label that no training document has: {listed(names)}; the classes are "
            f"{listed([*map(shown, classes)])}: put the labels right or remove these rows"
        )
    small = [
        f"{shown(name)} has {train} to train on and {test_size} to test"
        for name, train, test_size in zip(classes, sizes[TRAIN], sizes[TEST])
        if train < SMALLEST_CLASS or test_size < 1
    ]
    if small:
        raise ArtifactError(
            f"{corpus.path}: a class needs {SMALLEST_CLASS} labelled documents to train on and one "
            f"to test, but {listed(small, '; ')}: add documents of it, join it to another class, "
            "or remove its rows"
        )


def read_rows(
    path: Path, corpus: params.TableCorpus, label_needed: bool = False
) -> tuple[list[Row], list[Row]]:
    """Rows of a file that can be used and those that cannot, in its order.

    With `label_needed` a row without a label is a bad one.
    """
    if corpus.label in corpus.text:
        raise ArtifactError(f"corpus.label: {corpus.label!r} is the column of the text too")
    good: list[Row] = []
    bad: list[Row] = []
    for row in rows_of(path, corpus):
        if label_needed and row.label is None and not row.reason:
            row = row._replace(reason=MISSING_LABEL)
        (bad if row.reason else good).append(row)
    return good, bad


def rows_of(path: Path, corpus: params.TableCorpus) -> Iterator[Row]:
    """All rows of a file; those that cannot be used have a reason."""
    check_file(path)
    return READERS[path.suffix.lower()](path, corpus)


def filled(row: Row, values: Mapping[str | None, Any], corpus: params.TableCorpus) -> Row:
    """A row with its text and its label, by the names of their columns, or with what is wrong.

    NaN is no value. Texts of several columns are joined by a space. The labels 1, 1.0 and "1" are
    one class; space around a label does not count.
    """
    found = [values.get(name) for name in (*corpus.text, corpus.label)]
    *texts, label = (None if value != value else value for value in found)
    strings = [text for text in texts if isinstance(text, str)]
    odd = [text for text in texts if not (text is None or isinstance(text, str))]
    if odd:
        return row._replace(reason=TEXT_TYPE, detail=f"found {type(odd[0]).__name__}")
    text = " ".join(strings)
    if not text.strip():
        return row._replace(text=text, reason=MISSING_TEXT)
    if label is not None and not isinstance(label, (str, int, float)):
        return row._replace(reason=LABEL_TYPE, detail=f"found {type(label).__name__}")
    if isinstance(label, float) and label.is_integer():
        label = int(label)
    name = "" if label is None else str(label).strip()
    faults = (
        (NUL, "\0" in text + name),
        (SURROGATE, HALF_PAIR.search(text + name)),
        (LONG_LABEL, len(name) > LONGEST_LABEL),
    )
    fault = next((fault for fault, is_found in faults if is_found), "")
    return row._replace(text=text, label=name or None, reason=fault)


def separated(path: Path, corpus: params.TableCorpus) -> Iterator[Row]:
    """Rows of a CSV or TSV file, the first of which names the columns."""
    rows = csv_rows(path, corpus.encoding)
    header, columns, _ = next(rows, (Row(path, 1, reason="the file is empty"), [], 1))
    if header.reason:
        raise ArtifactError(
            f"{header}: no line of column names: put it right, or set corpus.encoding to utf-16, "
            "cp1252 or whichever the file has"
        )
    check_columns(path, columns, corpus)
    for row, fields, end in rows:
        if row.reason:
            yield row
        elif len(fields) == len(columns):
            yield filled(row, dict(zip(columns, fields)), corpus)
        else:
            ends = f"; the row ends on line {end}" if end > row.line else ""
            detail = f"found {len(fields)}, the header has {len(columns)}{ends}"
            yield row._replace(reason=FIELDS, detail=detail)


def csv_rows(path: Path, encoding: str) -> Iterator[tuple[Row, list[str], int]]:
    """Each row, still without values, its fields, and its last line. Empty lines are no rows.

    Fields that hold quotation marks, delimiters or line ends are quoted, and quotation marks in
    them doubled (RFC 4180). After a row with a stray quotation mark, reading goes on at the line
    behind its first.
    """
    lines, wrong = decoded_lines(path, encoding)
    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    end = 0  # lines read
    while end < len(lines):
        row, start = Row(path, end + 1), end
        unread = map(lines.__getitem__, range(start, len(lines)))
        reader = csv.reader(unread, delimiter=delimiter, strict=True)
        limit_before = csv.field_size_limit(LONGEST)  # of the whole process
        try:
            fields = next(reader)
            end += reader.line_num
            row = next((wrong[line] for line in range(start + 1, end + 1) if line in wrong), row)
        except csv.Error as error:
            fields, end = [], start + 1
            if "field limit" in str(error):
                row = row._replace(reason=TOO_LONG)
            else:
                row = row._replace(reason=QUOTES, detail=ESCAPED if '\\"' in lines[start] else "")
        finally:
            csv.field_size_limit(limit_before)
        if fields or row.reason:
            yield row, fields, end


def json_lines(path: Path, corpus: params.TableCorpus) -> Iterator[Row]:
    """Rows of a JSONL file: an object a line. Empty lines are no rows."""
    lines, wrong = decoded_lines(path, corpus.encoding)
    decoder = json.JSONDecoder(parse_constant=no_constant)
    columns: dict[str, None] = {}  # keys, in the order they occur
    for line, content in enumerate(lines, start=1):
        if line in wrong:
            yield wrong[line]
        elif content.strip():
            try:
                found = decoder.decode(content)
            except (ValueError, RecursionError) as error:
                yield Row(path, line, reason=NOT_JSON, detail=reason(error))
                continue
            if not isinstance(found, dict):
                yield Row(path, line, reason=NOT_OBJECT, detail=f"found {type(found).__name__}")
                continue
            columns |= dict.fromkeys(found)
            if found.keys() & corpus.text:
                yield filled(Row(path, line), found, corpus)
            else:
                yield Row(path, line, reason=MISSING_KEY)
    if columns:
        check_columns(path, list(columns), corpus)


def no_constant(name: str) -> None:
    """Refuse NaN and the infinities, which Python's reader takes and JSON does not have."""
    raise ValueError(f"{name} is no JSON value")


def parquet(path: Path, corpus: params.TableCorpus) -> Iterator[Row]:
    """Rows of a Parquet file, counted from 1.

    A text that is stored once and repeated is read as a dictionary, a batch at a time: a small
    file can stand for a very large table.
    """
    names = list(asked(corpus))
    characters = 0
    try:
        with path.open("rb") as file:
            table = pq.ParquetFile(file)
            check_parquet(path, table, corpus)
            table = pq.ParquetFile(file, metadata=table.metadata, read_dictionary=names)
            batches = table.iter_batches(BATCH, columns=names, use_threads=False)
            cells = chain.from_iterable(zip(*map(batch.column, names)) for batch in batches)
            for line, values in enumerate(cells, start=1):
                row = Row(path, line)
                try:
                    row = filled(row, {n: v.as_py() for n, v in zip(names, values)}, corpus)
                except (ValueError, OverflowError) as error:  # not UTF-8, or not a time
                    row = row._replace(reason=WRONG_BYTES, detail=reason(error))
                characters += len(row.text)
                check_size(path, "unpacks to more than it says:", characters, "characters", LARGEST)
                yield row
    except ArtifactError:
        raise
    except (pa.ArrowException, OSError, ValueError, MemoryError, OverflowError) as error:
        raise ArtifactError(
            f"{path}: not readable as Parquet ({reason(error)}): save it again"
        ) from None


READERS = {".csv": separated, ".tsv": separated, ".jsonl": json_lines, ".parquet": parquet}


def decoded_lines(path: Path, encoding: str) -> tuple[list[str], dict[int, Row]]:
    """Lines of a text file with their ends, and by number those that cannot be used.

    Lines end in LF, CRLF or CR. One that is too long is left empty.
    """
    try:
        "".encode(encoding)
    except (LookupError, ValueError):
        raise ArtifactError(
            f"corpus.encoding: found {encoding!r}, which Python does not know: utf-8, utf-16, "
            "latin-1 and cp1252 are the usual ones"
        ) from None
    lines: list[str] = []
    wrong: dict[int, Row] = {}
    try:
        with path.open(encoding=encoding, errors="surrogateescape", newline="") as file:
            while line := file.readline(LONGEST):
                number = len(lines) + 1
                check_size(path, "has", number, "lines", MOST_ROWS)
                if len(line) == LONGEST and line[-1] not in "\r\n":
                    while (rest := file.readline(LONGEST)) and rest[-1] not in "\r\n":
                        pass
                    line = "\n"
                    wrong[number] = Row(path, number, reason=TOO_LONG)
                elif found := HALF_PAIR.search(line):  # 0xDC00 + a byte that does not decode
                    detail = f"byte 0x{ord(found[0]) % 256:02x} is not {encoding}"
                    wrong[number] = Row(path, number, reason=WRONG_BYTES, detail=detail)
                lines.append(line)
    except UnicodeError:
        raise ArtifactError(
            f"{path}: the file is not {encoding}: set corpus.encoding to its own, such as utf-8"
        ) from None
    except OSError as error:
        raise ArtifactError(
            f"{path}: not readable ({error.strerror}): name a readable file"
        ) from None
    if lines:
        lines[0] = lines[0].removeprefix("\ufeff")  # byte order mark
    return lines, wrong


def check_file(path: Path) -> None:
    """Raise ArtifactError if a file has another ending, cannot be found or is too large."""
    if path.suffix.lower() not in READERS:
        raise ArtifactError(f"{path}: a table ends in {', '.join(READERS)}: save it as one of them")
    try:
        size = path.stat().st_size
    except OSError as error:
        raise ArtifactError(
            f"{path}: no such file ({error.strerror}): corpus.path, corpus.test and "
            "corpus.unlabelled name files, from the folder in which the study is run"
        ) from None
    if not path.is_file():
        raise ArtifactError(f"{path}: not readable (no regular file): name a readable file")
    check_size(path, "has", size, "bytes", LARGEST)


def check_size(path: Path, verb: str, size: int, unit: str, most: int) -> None:
    """Raise ArtifactError if a file, or what it unpacks to, has more than is allowed."""
    if size > most:
        raise ArtifactError(
            f"{path}: {verb} {size} {unit}, at most {most} are allowed: take a part of its rows"
        )


def asked(corpus: params.TableCorpus) -> dict[str, str]:
    """The columns that are read, and the key that names each."""
    label = {corpus.label: "corpus.label"} if corpus.label else {}
    return dict.fromkeys(corpus.text, "corpus.text or --column") | label


def check_columns(path: Path, columns: Sequence[str], corpus: params.TableCorpus) -> None:
    """Raise ArtifactError unless the columns of text and label are there, once."""
    for name, key in asked(corpus).items():
        if columns.count(name) > 1:
            raise ArtifactError(f"{path}: two columns are named {name!r}: rename one of them")
        if name not in columns:
            one = len(columns) == 1 and path.suffix.lower() in (".csv", ".tsv")
            other = next((shown(mark) for mark in ";\t|," if one and mark in columns[0]), "another")
            split = f" (.csv files are split at commas, .tsv at tabs, not at {other}: save it so)"
            raise ArtifactError(
                f"{path}: no column {name!r}{params.nearest(name, columns)}; there are: "
                f"{listed([*map(shown, columns)])}: name one in {key}{split if one else ''}"
            )


def check_parquet(path: Path, table: pq.ParquetFile, corpus: params.TableCorpus) -> None:
    """Raise ArtifactError if a Parquet file is too large when unpacked or has no such columns."""
    check_columns(path, table.schema_arrow.names, corpus)
    for name, key in asked(corpus).items():
        found = table.schema_arrow.field(name).type
        if pa.types.is_nested(found):
            raise ArtifactError(
                f"{path}: the column {name!r} has {found} in each row, one value is allowed: name "
                f"another in {key}"
            )
    check_size(path, "has", table.metadata.num_rows, "rows", MOST_ROWS)
    # By the groups of rows: what the file says of a single column pyarrow checks without a way to
    # answer but the end of the process.
    groups = range(table.metadata.num_row_groups)
    unpacked = sum(table.metadata.row_group(i).total_byte_size for i in groups)
    check_size(path, "unpacks to", unpacked, "bytes", LARGEST)


def listed(names: Sequence[str], separator: str = ", ") -> str:
    """Names for a message, not too many."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return separator.join(names[:SHOWN]) + more

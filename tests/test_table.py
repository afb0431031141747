"""A user's table is read exactly, or each row that cannot be is named with its line and reason."""

import csv
import io
import json
import re
from collections import Counter
from contextlib import suppress
from encodings.aliases import aliases
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from sgns_study import config, params
from sgns_study.artifacts import ArtifactError
from sgns_study.corpora import registry, table
from sgns_study.corpora.documents import NO_LABEL, TEST, TRAIN, UNLABELLED, Document
from tests.example_table import rows

REPOSITORY = Path(__file__).parent.parent
TWO = [(f"{word} film number {n}", label) for n in range(15) for word, label in
       (("fine", "pos"), ("poor", "neg"))]  # fmt: skip


def corpus(path: str = "reviews.csv", **keys: Any) -> params.TableCorpus:
    return params.TableCorpus(
        **({"kind": "table", "path": path, "text": "text", "label": "label"} | keys)
    )


def as_csv(rows: list[tuple[str, Any]], delimiter: str = ",") -> str:
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=delimiter)
    writer.writerows([("text", "label"), *rows])
    return file.getvalue()


def save(folder: Path, content: str | bytes, name: str = "reviews.csv") -> params.TableCorpus:
    content = content.encode() if isinstance(content, str) else content
    (folder / name).write_bytes(content)
    return corpus(name)


def refused(found: params.TableCorpus, folder: Path) -> str:
    with pytest.raises(ArtifactError) as error:
        table.inspect(found, folder)
    return str(error.value)


def faults(found: params.TableCorpus, folder: Path) -> list[tuple[int, str]]:
    """Line and reason of each bad row."""
    _, bad = table.read_rows(folder / found.path, found)
    assert {row.file for row in bad} <= {folder / found.path}
    return [(row.line, row.reason) for row in bad]


# All formats


ROWS: list[tuple[str, Any]] = [
    *((f'He said "{n}", then\nleft; <br />été 電影', n % 3) for n in range(45)),
    ("nobody has judged this", None),
]


def documents(folder: Path, name: str) -> list[Document]:
    """The same rows from a file of any format; the labels are numbers where it has numbers."""
    frame = pd.DataFrame(ROWS, columns=["text", "label"]).assign(other="x")
    frame["label"] = frame["label"].astype("Int64")
    match Path(name).suffix.lower():
        case ".csv":
            frame.to_csv(folder / name, index=False)
        case ".tsv":
            frame.to_csv(folder / name, index=False, sep="\t")
        case ".jsonl":
            frame.to_json(folder / name, orient="records", lines=True)
        case ".parquet":
            frame["label"] = frame["label"].astype(float)  # as pandas keeps numbers with gaps
            frame.to_parquet(folder / name)
    return list(table.read(corpus(name), folder))


@pytest.mark.parametrize("name", ["r.csv", "r.tsv", "R.TSV", "r.jsonl", "r.parquet"])
def test_every_format_gives_the_same_documents(tmp_path: Path, name: str) -> None:
    found = documents(tmp_path, name)
    assert [d.split for d in found] == [TRAIN] * 36 + [TEST] * 9 + [UNLABELLED]
    labelled = {text: label for text, label in ROWS if label is not None}
    assert {d.text: d.label for d in found if d.split != UNLABELLED} == labelled
    assert (found[-1].text, found[-1].label) == (ROWS[-1][0], NO_LABEL)
    test = [d.text for d in found if d.split == TEST]
    expected = [d.text for d in documents(tmp_path, "again.csv") if d.split == TEST]
    assert test == expected


def parquet(folder: Path, name: str = "r.parquet", **columns: Any) -> params.TableCorpus:
    pq.write_table(pa.table(columns), folder / name)
    return corpus(name)


def test_parquet_values_of_every_kind(tmp_path: Path) -> None:
    texts = ["a", "b", None, " ", "c\0", "d"]
    labels: dict[str, tuple[Any, list[str | None]]] = {
        "text": (["x", None, "x", "x", "x", " y "], ["x", None, "y"]),
        "number": ([1, None, 1, 1, 1, 2], ["1", None, "2"]),
        "fraction": ([1.0, float("nan"), 1.0, 1.0, 1.0, 0.5], ["1", None, "0.5"]),
        "truth": ([True, None, True, True, True, False], ["True", None, "False"]),
        "class": (pa.array(["x", None, "x", "x", "x", "y"]).dictionary_encode(), ["x", None, "y"]),
        "code": (pa.array([7, None, 7, 7, 7, 8]).dictionary_encode(), ["7", None, "8"]),
    }
    for name, (values, expected) in labels.items():
        found = parquet(tmp_path, f"{name}.parquet", text=texts, label=values)
        good, bad = table.read_rows(tmp_path / found.path, found)
        assert [(row.line, row.text) for row in good] == [(1, "a"), (2, "b"), (6, "d")]
        assert [row.label for row in good] == expected
        missing, nul = table.MISSING_TEXT, table.NUL
        assert [(row.line, row.reason) for row in bad] == [(3, missing), (4, missing), (5, nul)]


NO_LABELS = [(1, table.LABEL_TYPE), (2, table.LABEL_TYPE)]


@pytest.mark.parametrize(
    ("columns", "reasons"),
    [
        ({"text": [1, 2]}, [(1, table.TEXT_TYPE), (2, table.TEXT_TYPE)]),
        ({"text": [b"a", None]}, [(1, table.TEXT_TYPE), (2, table.MISSING_TEXT)]),
        ({"label": pa.array([0, 2**62], pa.timestamp("ns"))}, NO_LABELS),
        ({"label": pa.array([1, 2], pa.decimal128(9, 2))}, NO_LABELS),
    ],
)  # fmt: skip
def test_parquet_values_that_cannot_be_used(
    tmp_path: Path, columns: dict[str, Any], reasons: list[tuple[int, str]]
) -> None:
    found = parquet(tmp_path, **({"text": ["a", "b"], "label": ["x", "y"]} | columns))
    assert faults(found, tmp_path) == reasons


def test_parquet_columns_that_cannot_be_used(tmp_path: Path) -> None:
    found = parquet(tmp_path, text=[["a"], ["b"]], label=[1, 2])
    assert "column 'text' has list<" in refused(found, tmp_path)
    assert "name another in corpus.text" in refused(found, tmp_path)
    assert "no column 'label'" in refused(parquet(tmp_path, text=["a"]), tmp_path)
    (tmp_path / "r.parquet").write_bytes(b"PAR1")
    assert "not readable as Parquet" in refused(found, tmp_path)


def test_parquet_that_says_it_unpacks_to_too_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [f"{n} {'x' * 100_000}" for n in range(50)]
    found = parquet(tmp_path, text=texts, label=[1, 2] * 25)
    assert (tmp_path / "r.parquet").stat().st_size < 1_000_000
    monkeypatch.setattr(table, "LARGEST", 1_000_000)
    assert re.search(r"unpacks to 5\d{6} bytes, at most 1000000 are", refused(found, tmp_path))


def test_parquet_of_bytes_that_are_no_text(tmp_path: Path) -> None:
    wrong = pa.Array.from_buffers(pa.string(), 2, pa.array([b"\xff", b"b"]).buffers())
    assert faults(parquet(tmp_path, text=wrong, label=[1, 2]), tmp_path) == [(1, table.WRONG_BYTES)]


PIECES = ['"', '""', ",", "\t", ";", "\n", "\r\n", "\r", "<br />", "\\", "\u2028", "\x85", "\ufeff"]
TEXT = st.lists(
    st.sampled_from(PIECES) | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=5),
    max_size=8,
).map("".join)  # fmt: skip
TABLES = st.lists(
    st.tuples(TEXT.filter(lambda text: bool(text.strip())), st.sampled_from(["a", "b,\n", None])),
    max_size=6,
)


@pytest.mark.parametrize(
    "written",
    ["csv", "csv quoted", "csv of pandas", "tsv", "tsv of pandas", "jsonl", "jsonl of pandas"],
)
@given(rows=TABLES)
@settings(max_examples=60)
def test_any_text_is_read_back_as_it_was(written: str, rows: list[tuple[str, str | None]]) -> None:
    name, _, how = written.partition(" ")
    frame = pd.DataFrame(rows, columns=["text", "label"], dtype=object)
    delimiter = "\t" if name == "tsv" else ","
    with TemporaryDirectory() as folder:
        path = Path(folder, f"r.{name}")
        if name == "jsonl" and how:
            frame.to_json(path, orient="records", lines=True, force_ascii=False)
        elif name == "jsonl":
            lines = [json.dumps({"text": t, "label": v}, ensure_ascii=False) for t, v in rows]
            path.write_bytes("\n".join(lines).encode())
        elif how == "of pandas":
            frame.to_csv(path, index=False, sep=delimiter, lineterminator="\r\n")
        else:
            with path.open("w", newline="", encoding="utf-8") as file:
                quoting = csv.QUOTE_ALL if how else csv.QUOTE_MINIMAL
                writer = csv.writer(file, delimiter=delimiter, quoting=quoting)
                writer.writerows([("text", "label"), *rows])
        good, bad = table.read_rows(path, corpus(path.name))
    expected = [(text, label and label.strip()) for text, label in rows]
    assert [(row.text, row.label) for row in good] == expected
    assert bad == []


# Encodings and line ends


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", "\ufeff"),
        ("utf-8-sig", ""),
        ("latin-1", ""),
        ("utf-16", ""),
        ("utf-16-le", "\ufeff"),
    ],
)
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_encodings_and_line_ends(tmp_path: Path, encoding: str, mark: str, ends: str) -> None:
    lines = ["text,label", *(f"\"très '{text}'\",{label}" for text, label in TWO), ""]
    save(tmp_path, (mark + ends.join(lines)).encode(encoding))
    rows, bad = table.read_rows(tmp_path / "reviews.csv", corpus(encoding=encoding))
    assert [(row.text, row.label) for row in rows] == [(f"très '{t}'", label) for t, label in TWO]
    assert [row.line for row in rows] == list(range(2, 32))
    assert bad == []


def test_bytes_of_another_encoding_are_named_with_their_place(tmp_path: Path) -> None:
    content = 'text,label\ngood,1\n"deux\nlignes très",1\nbad,0\n'.encode("latin-1")
    message = refused(save(tmp_path, content), tmp_path)
    assert "line 4: bytes not of the encoding (byte 0xe8 is not utf-8)" in message
    assert "set `encoding:`" in message
    good, _ = table.read_rows(tmp_path / "reviews.csv", corpus())
    assert [row.text for row in good] == ["good", "bad"]


def test_wrong_bytes_in_jsonl(tmp_path: Path) -> None:
    content = '{"text": "ok"}\n{"text": "très"}\n{"text": "ok", "label": 1}'.encode("latin-1")
    assert faults(save(tmp_path, content, "r.jsonl"), tmp_path) == [(2, table.WRONG_BYTES)]


@pytest.mark.parametrize(
    ("content", "encoding", "message"),
    [
        ("text,label\né,1\n".encode("utf-16"), "utf-8", "set corpus.encoding to utf-16"),
        (b"text,label\ngood,10\n", "utf-16-le", "is not utf-16-le: set corpus.encoding"),
        ("téxt,label\n".encode("latin-1"), "utf-8", "line 1: bytes not of the encoding"),
        (b"text,label\n", "utf-9", "found 'utf-9', which Python does not know"),
        (b"text,label\n", "hex", "found 'hex', which Python does not know"),
    ],
)
def test_an_encoding_that_cannot_be_used(
    tmp_path: Path, content: bytes, encoding: str, message: str
) -> None:
    (tmp_path / "reviews.csv").write_bytes(content)
    assert message in refused(corpus(encoding=encoding), tmp_path)


ENCODINGS = sorted({*aliases.values(), "undefined", "a\0b", "", "x" * 999})
FILES = [as_csv(TWO).encode(), b"text,label\n\xff\xfe\x81\x00\xd8,1\n" * 3, bytes(range(256))]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_encoding_there_is_reads_the_table_or_is_refused(
    tmp_path: Path, encoding: str
) -> None:
    """Some of Python's are of no text, some of host names, some not of whole files."""
    for content in FILES:
        (tmp_path / "reviews.csv").write_bytes(content)
        with suppress(ArtifactError):
            assert table.inspect(corpus(encoding=encoding), tmp_path).sizes == (24, 6, 0)


def test_classes_with_long_names(tmp_path: Path) -> None:
    longest = "9" * 1000
    rows = [(f"text {n}", longest if n % 2 else "8") for n in range(30)] + [("x", longest + "9")]
    found = save(tmp_path, as_csv(rows))
    assert faults(found, tmp_path) == [(32, table.LONG_LABEL)]
    left = found.model_copy(update={"on_bad_rows": "skip"})
    assert table.inspect(left, tmp_path).classes == ("8", longest)


# Bad rows


def test_every_bad_row_of_a_csv_has_its_line_and_reason(tmp_path: Path) -> None:
    lines = [
        "text,label",
        "fine,pos",
        "one, two,pos",  # 3: a delimiter without quotation marks
        "fine",  # 4: a field is missing
        '"two',
        'lines",pos',
        "",  # an empty line is no row
        '"  ",pos',  # 8: an empty text
        ",pos",  # 9
        "a\0b,pos",  # 10: NUL
        '"never closed,pos',  # 11: would swallow the rows behind it
        "fine,pos",
        '"closed" too early,pos',  # 13
        'a "quoted" word,neg',  # is allowed
        '"several',
        'lines",pos,x',  # 15: its first line
        "no label,",
    ]
    found = save(tmp_path, "\n".join(lines))
    assert faults(found, tmp_path) == [
        (3, table.FIELDS),
        (4, table.FIELDS),
        (8, table.MISSING_TEXT),
        (9, table.MISSING_TEXT),
        (10, table.NUL),
        (11, table.QUOTES),
        (13, table.QUOTES),
        (15, table.FIELDS),
    ]
    good, bad = table.read_rows(tmp_path / "reviews.csv", found)
    assert [(row.line, row.label) for row in good] == [
        (2, "pos"), (5, "pos"), (12, "pos"), (14, "neg"), (17, None),
    ]  # fmt: skip
    assert str(bad[0]).endswith(
        "reviews.csv: line 3: wrong number of fields (found 3, the header has 2)"
    )
    assert bad[-1].detail.endswith("the row ends on line 16")


def test_quotation_marks_behind_a_backslash_are_named(tmp_path: Path) -> None:
    found = save(tmp_path, 'text,label\n"He said \\"no\\".",pos\n"He said ""no"".",pos\n')
    assert faults(found, tmp_path) == [(2, table.QUOTES)]
    message = refused(found, tmp_path)
    assert 'closed one (found \\", which is written "" inside a field)' in message


def test_a_quotation_mark_that_is_never_closed_costs_one_row(tmp_path: Path) -> None:
    found = save(tmp_path, 'text,label\nfine,pos\n"open,pos\nfine,neg\nfine,pos\n')
    assert faults(found, tmp_path) == [(3, table.QUOTES)]


def test_every_bad_row_of_a_jsonl_has_its_line_and_reason(tmp_path: Path) -> None:
    lines = [
        '{"text": "fine", "label": 1}',
        '{"text": "cut short", "lab',
        "[1, 2]",
        '{"label": 1}',
        '{"text": "", "label": 1}',
        '{"text": 7, "label": 1}',
        '{"text": null, "label": 1}',
        '{"text": "fine", "label": ["pos"]}',
        '{"text": "fine", "label": {"is": "pos"}}',
        '{"text": "a\\u0000b", "label": 1}',
        '{"text": "a\\ud800b", "label": 1}',
        '{"text": "fine", "label": NaN}',
        "[" * 100_000,
        "",
        '{"text": "fine", "label": null}',
        '{"text": "fine"}',
        '{"text": "fine", "label": false}',
    ]
    found = save(tmp_path, "\r\n".join(lines), "r.jsonl")
    assert faults(found, tmp_path) == [
        (2, table.NOT_JSON),
        (3, table.NOT_OBJECT),
        (4, table.MISSING_KEY),
        (5, table.MISSING_TEXT),
        (6, table.TEXT_TYPE),
        (7, table.MISSING_TEXT),
        (8, table.LABEL_TYPE),
        (9, table.LABEL_TYPE),
        (10, table.NUL),
        (11, table.SURROGATE),
        (12, table.NOT_JSON),
        (13, table.NOT_JSON),
    ]
    good, _ = table.read_rows(tmp_path / "r.jsonl", found)
    assert [(row.line, row.label) for row in good] == [
        (1, "1"), (15, None), (16, None), (17, "False"),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["r.csv", "r.jsonl"])
def test_a_text_without_end_is_a_bad_row_and_no_crash(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    monkeypatch.setattr(table, "LONGEST", 1000)
    rows = [("short", "pos"), ("x" * 2000, "pos"), ("x" * 900, "neg")]
    text = as_csv(rows) if name == "r.csv" else "\n".join(
        ["", *(json.dumps({"text": text, "label": label}) for text, label in rows)]
    )  # fmt: skip
    before = csv.field_size_limit()
    found = save(tmp_path, text, name)
    assert faults(found, tmp_path) == [(3, table.TOO_LONG)]
    assert csv.field_size_limit() == before


def test_a_line_without_end_is_a_bad_row_however_short_its_fields(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(table, "LONGEST", 1000)
    fields = [("text", "label", "other"), ("a", "pos", "x"), ("b" * 600, "pos", "x" * 600)]
    content = "\n".join([*map(",".join, fields), '"two', 'lines",pos,', "c,neg,x"])
    found = save(tmp_path, content)
    assert faults(found, tmp_path) == [(3, table.TOO_LONG)]
    good, _ = table.read_rows(tmp_path / found.path, found)
    assert [(row.line, row.text) for row in good] == [(2, "a"), (4, "two\nlines"), (6, "c")]


@pytest.mark.parametrize("depth", [10, 400, 900, 3000])
def test_a_label_of_lists_in_lists_is_a_bad_row_and_no_crash(tmp_path: Path, depth: int) -> None:
    label = "[" * depth + "]" * depth
    found = save(tmp_path, f'{{"text": "fine", "label": {label}}}', "r.jsonl")
    assert faults(found, tmp_path) in ([(1, table.LABEL_TYPE)], [(1, table.NOT_JSON)])


def test_bad_rows_stop_the_study_and_are_listed(tmp_path: Path) -> None:
    found = save(tmp_path, as_csv(TWO) + "one field\r\n" * 25)
    message = refused(found, tmp_path)
    lines = message.splitlines()
    assert lines[0] == "25 rows cannot be used:"
    assert [int(line.split("line ")[1].split(":")[0]) for line in lines[1:21]] == [*range(32, 52)]
    assert lines[21] == "  and 5 more"
    assert "on_bad_rows: skip" in lines[22]


def test_bad_rows_are_skipped_and_counted_if_so_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    save(tmp_path, as_csv(TWO) + "one field\r\n" * 25 + ",pos\r\n")
    found = corpus(on_bad_rows="skip")
    contents = table.inspect(found, tmp_path)
    assert contents.sizes == (24, 6, 0)
    assert len(contents.bad_rows) == 26
    assert contents.bad_rows_by_reason == {table.FIELDS: 25, table.MISSING_TEXT: 1}
    assert capsys.readouterr().err == (
        "warning: reviews.csv: 26 rows are left out: 25 × wrong number of fields, 1 × no text\n"
    )
    assert len(list(table.read(found, tmp_path))) == 30


# Classes, the test part and the order


def many(sizes: dict[Any, int]) -> list[tuple[str, Any]]:
    """Rows of each class, mixed."""
    rows = [(f"{name} {n}", name, n / size) for name, size in sizes.items() for n in range(size)]
    return [(text, name) for text, name, _ in sorted(rows, key=lambda row: row[2])]


def test_the_test_part_is_a_share_of_every_class(tmp_path: Path) -> None:
    found = save(tmp_path, as_csv([*many({"c": 40, "a": 25, "b": 13}), ("?", "")]))
    contents = table.inspect(found, tmp_path)
    assert contents.classes == ("a", "b", "c")
    assert contents.class_sizes == {TRAIN: (20, 10, 32), TEST: (5, 3, 8)}
    assert contents.sizes == (62, 16, 1)
    drawn = Counter((d.split, d.label) for d in table.read(found, tmp_path))
    expected = {(split, i): n for split in (TRAIN, TEST)
                for i, n in enumerate(contents.class_sizes[split])}  # fmt: skip
    assert drawn == expected | {(UNLABELLED, NO_LABEL): 1}


def test_of_every_class_at_least_one_is_tested(tmp_path: Path) -> None:
    save(tmp_path, as_csv(many({"a": 300, "b": 11})))
    contents = table.inspect(corpus(test_fraction=0.01), tmp_path)
    assert contents.class_sizes == {TRAIN: (297, 10), TEST: (3, 1)}


def test_the_draw_is_a_function_of_the_seed(tmp_path: Path) -> None:
    save(tmp_path, as_csv(TWO))
    first, again, other = (
        list(table.read(corpus(seed=seed), tmp_path)) for seed in (1, 1, 2)
    )  # fmt: skip
    assert first == again
    assert {d.text for d in first if d.split == TEST} != {d.text for d in other if d.split == TEST}


def test_documents_come_in_the_order_of_the_file_named_by_their_line(tmp_path: Path) -> None:
    found = save(tmp_path, as_csv([("?", ""), *TWO, ("!", "")]))
    read = list(table.read(found, tmp_path))
    assert [d.split for d in read] == [TRAIN] * 24 + [TEST] * 6 + [UNLABELLED] * 2
    for split in (TRAIN, TEST):
        lines = [int(d.id.partition("/")[2]) for d in read if d.split == split]
        assert lines == sorted(lines)
    assert all(d.text == TWO[int(d.id.partition("/")[2]) - 3][0] for d in read[:30])
    assert [d.id for d in read[30:]] == ["unlabelled/000002", "unlabelled/000033"]


def test_a_test_file_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(tmp_path, as_csv([*TWO, ("?", "")]))
    save(tmp_path, as_csv([("new", "pos"), TWO[0], ("newer", "neg")]), "test.csv")
    found = corpus(test="test.csv")
    contents = table.inspect(found, tmp_path)
    assert contents.sizes == (30, 3, 1)
    assert contents.repeated == 1
    assert "the texts of 1 of 3 test documents" in capsys.readouterr().err
    test = [(d.text, d.label) for d in table.read(found, tmp_path) if d.split == TEST]
    assert test == [("new", 1), (TWO[0][0], 1), ("newer", 0)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("u.csv", 'id,text\n7,new\n8,"newer\nstill"\n9,newest\n'),
        ("u.csv", 'text,label\nnew,other\n"newer\nstill",\nnewest,pos\n'),
        ("u.csv", ',text\n7,new\n8,"newer\nstill"\n9,newest\n'),
        ("u.jsonl", '{"text": "new", "": 1}\n\n{"text": "newer\\nstill"}\n{"text": "newest"}\n'),
    ],
)
def test_an_unlabelled_file_of_its_own(tmp_path: Path, name: str, content: str) -> None:
    """Its labels, if it has any, are not read; its documents come behind the table's own."""
    save(tmp_path, as_csv([*TWO, ("?", "")]))
    save(tmp_path, content, name)
    found = corpus(unlabelled=name)
    assert table.inspect(found, tmp_path).sizes == (24, 6, 4)
    assert table.inspect(found, tmp_path).classes == ("neg", "pos")
    read = list(table.read(found, tmp_path))
    assert read[:31] == list(table.read(corpus(), tmp_path))
    assert [d.text for d in read[31:]] == ["new", "newer\nstill", "newest"]
    assert {(d.split, d.label) for d in read[31:]} == {(UNLABELLED, NO_LABEL)}
    first = 2 if name == "u.csv" else 1
    lines = [first, first + (1 if name == "u.csv" else 2), first + 3]
    assert [d.id for d in read[30:]] == [
        "unlabelled/000032",
        *(f"unlabelled/file/{line:06}" for line in lines),
    ]


def test_an_unlabelled_file_that_cannot_be_used(tmp_path: Path) -> None:
    save(tmp_path, as_csv(TWO))
    found = corpus(unlabelled="u.csv")
    assert f"{tmp_path}/u.csv: no such file" in refused(found, tmp_path)
    save(tmp_path, "review\nnew\n", "u.csv")
    assert "u.csv: no column 'text'; there are: 'review'" in refused(found, tmp_path)
    save(tmp_path, "text\nnew\n \nnew,er\n", "u.csv")
    message = refused(found, tmp_path)
    assert "2 rows cannot be used:" in message
    assert "u.csv: line 3: no text" in message
    assert "u.csv: line 4: wrong number of fields (found 2, the header has 1)" in message
    skipped = found.model_copy(update={"on_bad_rows": "skip"})
    assert table.inspect(skipped, tmp_path).sizes == (24, 6, 1)
    save(tmp_path, "text\nnew\nnewer\n", "u.csv")
    assert table.inspect(skipped, tmp_path).sizes == (24, 6, 2)  # it is read again


def test_texts_of_several_columns_are_joined_in_their_order(tmp_path: Path) -> None:
    rows = [("Fine", "All good.", "pos"), (None, "No title.", "neg"), ("Alone", None, "pos")]
    frame = pd.DataFrame(rows, columns=["title", "text", "label"])
    frame.to_csv(tmp_path / "r.csv", index=False)
    frame.to_csv(tmp_path / "r.tsv", index=False, sep="\t")
    frame.to_parquet(tmp_path / "r.parquet")
    lines = [
        json.dumps(row)
        for row in frame.astype(object).where(frame.notna(), None).to_dict("records")
    ]
    (tmp_path / "r.jsonl").write_text("\n".join([*lines, '{"title": "Without", "label": "neg"}']))
    for name in ("r.csv", "r.tsv", "r.parquet", "r.jsonl"):
        found = corpus(name, text=["title", "text"])
        good, bad = table.read_rows(tmp_path / name, found)
        assert [row.text.strip() for row in good[:3]] == ["Fine All good.", "No title.", "Alone"]
        assert [row.label for row in good[:3]] == ["pos", "neg", "pos"]
        assert bad == []
        turned = corpus(name, text=["text", "title"])
        assert table.read_rows(tmp_path / name, turned)[0][0].text == "All good. Fine"
    assert good[3].text == "Without"


def test_rows_of_which_no_column_has_a_text_are_bad(tmp_path: Path) -> None:
    lines = [
        '{"title": "a", "text": "b"}',
        '{"title": null, "text": " "}',
        '{"title": "a", "text": 3}',
        '{"label": "pos"}',
        '{"title": "a\\u0000", "text": "b"}',
    ]
    found = save(tmp_path, "\n".join(lines), "r.jsonl").model_copy(
        update={"text": ("title", "text")}
    )
    assert faults(found, tmp_path) == [
        (2, table.MISSING_TEXT),
        (3, table.TEXT_TYPE),
        (4, table.MISSING_KEY),
        (5, table.NUL),
    ]
    save(tmp_path, "title,label\na,pos\n")
    several = corpus(text=["title", "text"])
    assert "no column 'text', did you mean" not in refused(several, tmp_path)
    assert "no column 'text'" in refused(several, tmp_path)
    own = corpus(text=["title", "label"])
    assert "corpus.label: 'label' is the column of the text too" in refused(own, tmp_path)


def test_a_test_document_needs_a_label_of_a_class(tmp_path: Path) -> None:
    save(tmp_path, as_csv(TWO))
    save(tmp_path, as_csv([("new", "pos"), ("newer", "")]), "test.csv")
    assert "test.csv: line 3: no label in the test file" in refused(
        corpus(test="test.csv"), tmp_path
    )
    save(tmp_path, as_csv([("new", "pos"), ("newer", "Neg")]), "test.csv")
    message = refused(corpus(test="test.csv"), tmp_path)
    assert "1 test documents, the first on line 3" in message
    assert "no training document has: 'Neg'; the classes are 'neg', 'pos'" in message


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (["1", "0"], ("0", "1")),
        ([" pos", "neg ", "pos"], ("neg", "pos")),
        (["10", "9", "1"], ("1", "9", "10")),
        (["10", "9", "b"], ("10", "9", "b")),
    ],
)
def test_the_order_of_classes(tmp_path: Path, labels: list[str], classes: tuple[str, ...]) -> None:
    rows = [(f"text {n}", label) for n in range(15) for label in labels]
    assert table.inspect(save(tmp_path, as_csv(rows)), tmp_path).classes == classes


@pytest.mark.parametrize(
    ("labels", "warning"),
    [
        (["pos", "neg", "POS"], "labels 'POS' and 'pos' are different classes: write one class"),
        (["1", "1.0", "0"], "labels '1' and '1.0' are different classes: write one class alike"),
        (["é", "e\u0301", "a", "A"], "labels 'A' and 'a', 'e\u0301' and 'é' are different classes"),
        (
            ["pos", "neg", "NaN", "NA"],
            "labels 'NA', 'NaN' are classes: leave missing ones empty",
        ),
        (["pos", "neg", "nap"], None),
        (["1", "0", "10", "0.5"], None),
    ],
)
def test_labels_that_may_be_a_slip_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], labels: list[str], warning: str | None
) -> None:
    rows = [(f"the text {n} and so on", label) for n in range(15) for label in labels]
    found = save(tmp_path, as_csv(rows))
    assert len(table.inspect(found, tmp_path).classes) == len(labels)
    said = [line for line in capsys.readouterr().err.splitlines() if "labels" in line]
    assert len(said) == (warning is not None)
    assert not warning or said[0].startswith(f"warning: reviews.csv: {warning}")


def test_numbers_and_texts_are_one_class(tmp_path: Path) -> None:
    labels = ["1", '"1"', "1.0", "0"]
    lines = [f'{{"text": "{n}", "label": {labels[n % 4]}}}' for n in range(60)]
    assert table.inspect(save(tmp_path, "\n".join(lines), "r.jsonl"), tmp_path).class_sizes == {
        TRAIN: (12, 36),
        TEST: (3, 9),
    }


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"pos": 30}, "2 to 1000 classes are needed, the column 'label' has 1: 'pos'"),
        ({"": 30}, "the column 'label' has 0: name the column"),
        (dict.fromkeys(range(1200), 1), "has 1200: '0', '1', '2'"),
        ({"pos": 30, "neg": 12, "so-so": 11}, "'so-so' has 9 to train on and 2 to test: add"),
        ({"pos": 30, "neg": 11, "one": 1}, "'neg' has 9 to train on and 2 to test; 'one' has 0 to"),
    ],
)
def test_classes_that_cannot_be_learned(
    tmp_path: Path, sizes: dict[Any, int], message: str
) -> None:
    assert message in refused(save(tmp_path, as_csv(many(sizes))), tmp_path)


def test_a_class_that_the_test_file_leaves_out(tmp_path: Path) -> None:
    save(tmp_path, as_csv(TWO))
    save(tmp_path, as_csv([("new", "pos")]), "test.csv")
    message = refused(corpus(test="test.csv"), tmp_path)
    assert "'neg' has 15 to train on and 0 to test" in message


# Files and columns


@pytest.mark.parametrize(
    ("name", "content", "keys", "message"),
    [
        ("r.csv", "text,label\n", {"label": "lable"}, "no column 'lable', did you mean 'label'?"),
        ("r.csv", "text,label\n", {"text": "x"}, "there are: 'text', 'label': name one"),
        ("r.csv", "text;label\n", {}, "files are split at commas, .tsv at tabs, not at ';': save"),
        ("r.csv", "text\tlabel\n", {}, "not at '\\t': save it so"),
        ("r.tsv", "text|label\n", {}, "not at '|': save it so"),
        ("r.tsv", "text,label\n", {}, "not at ',': save it so"),
        ("r.csv", "text\n", {}, "not at another: save it so"),
        ("r.csv", "text,text,label\n", {}, "two columns are named 'text'"),
        ("r.csv", "text,label\n", {"label": "text"}, "is the column of the text too"),
        ("r.csv", "", {}, "the file is empty"),
        ("r.csv", '"text,label\n', {}, "text behind a closed one: no line of column names"),
        ("r.jsonl", '{"text": "a"}\n{"text": "b"}', {}, "no column 'label'; there are: 'text'"),
        ("r.txt", "text,label\n", {}, "ends in .csv, .tsv, .jsonl, .parquet"),
    ],
)  # fmt: skip
def test_a_file_without_the_columns(
    tmp_path: Path, name: str, content: str, keys: dict[str, str], message: str
) -> None:
    save(tmp_path, content, name)
    found = refused(corpus(name, **keys), tmp_path)
    assert message in found
    assert "\n" not in found


@pytest.mark.parametrize("name", ["none.csv", "none.tsv", "none.jsonl", "none.parquet"])
def test_a_missing_file_or_a_folder(tmp_path: Path, name: str) -> None:
    assert f"{tmp_path / name}: no such file" in refused(corpus(name), tmp_path)
    (tmp_path / name).mkdir()
    assert f"{tmp_path / name}: not readable" in refused(corpus(name), tmp_path)


def test_a_table_is_read_again_only_when_it_changes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = save(tmp_path, as_csv([*TWO, *TWO]))
    assert table.inspect(found, tmp_path).sizes == (48, 12, 0)
    assert "those of training documents" in capsys.readouterr().err
    with monkeypatch.context() as patched:
        patched.setattr(table, "read_rows", lambda *_: pytest.fail("it was read again"))
        assert table.inspect(found, tmp_path).sizes == (48, 12, 0)
    assert capsys.readouterr().err == ""
    save(tmp_path, as_csv(TWO))
    assert table.inspect(found, tmp_path).sizes == (24, 6, 0)


def test_the_registry_reads_a_table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    found = save(tmp_path, as_csv(TWO))
    assert list(registry.read_corpus(found, tmp_path / "none")) == list(table.read(found))
    assert registry.corpus_sizes(found) == (24, 6, 0)
    assert registry.class_names(found) == ["neg", "pos"]
    more = found.model_copy(update={"unlabelled": "u.csv", "test": "t.csv"})
    assert registry.own_files(more) == [found.path, "t.csv", "u.csv"]
    assert registry.known_synonyms(found) == registry.probe_words(found) == {}
    assert registry.required_sources(found, params.Tokens(tokenizer="word")) == []


# The page


def test_the_example_of_the_page_is_the_table_that_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It starts as the page shows, is what its program makes, and is split as the page says."""
    page = (REPOSITORY / "docs/your-own-text.md").read_text()
    example = yaml.safe_load(re.findall(r"```yaml\n(study:.*?)```", page, re.DOTALL)[0])
    shown = re.findall(r"```csv\n(.*?)```", page, re.DOTALL)[0]
    monkeypatch.chdir(REPOSITORY)
    settings = config.check_study(example, "my.yaml").corpus
    content = Path(settings.path).read_text()
    assert content.startswith(shown)
    assert [*csv.reader(io.StringIO(content))] == [[*map(str, row)] for row in rows()]
    assert table.inspect(settings).sizes == (400, 100, 1000)

"""Vector files: what is written is read back, by this program and by gensim."""

import gzip
import json
import re
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from gensim.models import KeyedVectors
from hypothesis import example, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from sgns_study.artifacts import ArtifactError
from sgns_study.sgns.vectors import (
    Vectors,
    check_dim,
    export_word2vec,
    load_vectors,
    read_vectors,
    save_vectors,
    trained_words,
    write_vectors,
)

TOKENS = ["[PAD]", "the", "film", "café", "##ing", "'", "映画"]


FINITE = st.floats(width=32, allow_nan=False, allow_infinity=False)
WORDS = st.lists(
    st.text(
        st.characters(exclude_categories=["C"], exclude_characters=" "), min_size=1, max_size=5
    ),
    min_size=1,
    max_size=6,
    unique=True,
)


def table(seed: int = 0) -> np.ndarray:
    values = np.random.default_rng(seed).normal(size=(len(TOKENS), 5)).astype(np.float32)
    values[0] = 0
    return values


@pytest.mark.parametrize("context", [table(1), None])
@pytest.mark.parametrize("counts", [np.arange(len(TOKENS)), None])
def test_save_and_load(
    tmp_path: Path, context: np.ndarray | None, counts: np.ndarray | None
) -> None:
    path = tmp_path / "vectors.safetensors"
    save_vectors(path, Vectors(table(), context, TOKENS, counts))
    loaded = load_vectors(path)
    assert loaded.vocabulary == TOKENS
    np.testing.assert_array_equal(loaded.centre, table())
    np.testing.assert_array_equal(loaded.context, context)
    np.testing.assert_array_equal(loaded.counts, counts)
    assert [file.name for file in tmp_path.iterdir()] == ["vectors.safetensors"]


def test_same_vectors_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save_vectors(tmp_path / name, Vectors(table(), table(1), TOKENS))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("binary", [True, False])
def test_gensim_reads_the_export(tmp_path: Path, binary: bool) -> None:
    path = tmp_path / "vectors.txt"
    export_word2vec(path, Vectors(table(), None, TOKENS), binary)
    peer = KeyedVectors.load_word2vec_format(str(path), binary=binary)
    assert peer.index_to_key == TOKENS
    np.testing.assert_array_equal(peer.vectors, table())
    a, b = table()[2].astype(float), table()[6].astype(float)
    cosine = a @ b / np.sqrt(a @ a * (b @ b))
    assert peer.similarity("film", "映画") == pytest.approx(cosine, rel=1e-5)


@pytest.mark.parametrize(
    ("token", "problem"),
    [
        ("", "is empty or holds white space"),
        ("two words", "is empty or holds white space"),
        ("line\n", "is empty or holds white space"),
        ("the", "is there twice"),
    ],
)
def test_tokens_the_formats_cannot_hold(tmp_path: Path, token: str, problem: str) -> None:
    vectors = Vectors(table(), None, [*TOKENS[:-1], token])
    expected = re.escape(f"the token {token!r} of row 6 {problem}")
    with pytest.raises(ArtifactError, match=expected):
        export_word2vec(tmp_path / "vectors.txt", vectors, binary=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("binary", [True, False])
def test_only_ascii_white_space_ends_a_word(tmp_path: Path, binary: bool) -> None:
    words = ["new\u00a0york", "\u3000", "a\x85b", "\u2028c"]
    export_word2vec(tmp_path / "out", Vectors(table()[:4], None, words), binary)
    peer = KeyedVectors.load_word2vec_format(str(tmp_path / "out"), binary=binary)
    read = read_vectors(tmp_path / "out")
    assert read.vocabulary == peer.index_to_key == words
    export_word2vec(tmp_path / "again", read, binary)
    assert (tmp_path / "again").read_bytes() == (tmp_path / "out").read_bytes()


@pytest.mark.parametrize(
    ("name", "kind", "written"),
    [
        ("a.safetensors", None, "safetensors"),
        ("a.bin", None, "binary"),
        ("a.vec", None, "text"),
        ("a", None, "text"),
        ("a.bin", "text", "text"),
        ("a.safetensors", "binary", "binary"),
    ],
)
def test_the_ending_of_a_file_names_its_format(
    tmp_path: Path, name: str, kind: str | None, written: str
) -> None:
    vectors = Vectors(table(), None, TOKENS)
    save_vectors(tmp_path / "safetensors", vectors)
    export_word2vec(tmp_path / "binary", vectors, binary=True)
    export_word2vec(tmp_path / "text", vectors, binary=False)
    write_vectors(tmp_path / name, vectors, kind)
    assert (tmp_path / name).read_bytes() == (tmp_path / written).read_bytes()


def test_long_words_are_cut_in_messages(tmp_path: Path) -> None:
    path, word = tmp_path / "vectors.txt", "w" * 500_000
    path.write_text(f"2 1\n{word} 1\n{word} 2\n")
    with pytest.raises(ArtifactError, match=r"the word 'w+… is there twice") as read:
        read_vectors(path)
    with pytest.raises(ArtifactError, match=r"the token 'w+… of row 1 is there twice") as written:
        export_word2vec(path, Vectors(table()[:2], None, [word, word]), binary=False)
    assert max(len(str(read.value)), len(str(written.value))) < 1000


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "vectors.safetensors"
    with pytest.raises(ArtifactError, match="no such file"):
        load_vectors(path)
    save_vectors(path, Vectors(table(), None, TOKENS))
    whole = path.read_bytes()
    for kept in (0, 4, 50, len(whole) - 1):
        path.write_bytes(whole[:kept])
        with pytest.raises(ArtifactError, match="not a whole safetensors file"):
            load_vectors(path)
    vocabulary = {"vocabulary": json.dumps(TOKENS)}
    save_file({"context": table()}, path, metadata=vocabulary)
    with pytest.raises(ArtifactError, match=r"found tensors \['context'\]"):
        load_vectors(path)
    save_file({"centre": table()}, path)
    with pytest.raises(ArtifactError, match="a JSON list `vocabulary`"):
        load_vectors(path)
    save_file({"centre": table()[:-1]}, path, metadata=vocabulary)
    with pytest.raises(ArtifactError, match=r"F32 of shape \[6, 5\].* each of the 7 tokens"):
        load_vectors(path)


@pytest.mark.parametrize(
    "vocabulary", ["[1, 2]", '["a", null]', '"ab"', '["a", "\\ud800"]', "[" * 99_999]
)
def test_a_vocabulary_that_is_no_list_of_texts(tmp_path: Path, vocabulary: str) -> None:
    save_file({"centre": table()[:2]}, tmp_path / "v", metadata={"vocabulary": vocabulary})
    with pytest.raises(ArtifactError, match="a JSON list `vocabulary` of texts"):
        load_vectors(tmp_path / "v")


def test_vectors_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    values = table()
    values[3, 1] = np.nan
    save_vectors(tmp_path / "v", Vectors(values, None, TOKENS))
    with pytest.raises(ArtifactError, match="not finite: train them again at a lower"):
        load_vectors(tmp_path / "v")


@pytest.mark.parametrize(
    ("counts", "problem"),
    [
        (np.arange(6), r"counts is I64 of shape \[6\], needed is I64 .* each of the 7 tokens"),
        (np.arange(7.0), "table counts is F64"),
        (np.arange(7) - 1, "table counts has -1, allowed is 0 or more"),
    ],
)
def test_counts_that_cannot_be(tmp_path: Path, counts: np.ndarray, problem: str) -> None:
    path = tmp_path / "vectors.safetensors"
    metadata = {"vocabulary": json.dumps(TOKENS)}
    save_file({"centre": table(), "counts": counts}, path, metadata=metadata)
    with pytest.raises(ArtifactError, match=problem):
        load_vectors(path)


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float8_e4m3fn])
def test_types_that_numpy_does_not_have(tmp_path: Path, kind: torch.dtype) -> None:
    path, metadata = tmp_path / "v", {"vocabulary": json.dumps(TOKENS)}
    safetensors.torch.save_file({"centre": torch.tensor(table()).to(kind)}, path, metadata)
    with pytest.raises(
        ArtifactError, match=r"table centre is (BF16|F8_E4M3) of shape .* needed is F32"
    ):
        load_vectors(path)


@given(st.lists(st.integers(0, 3), min_size=len(TOKENS), max_size=len(TOKENS)))
def test_occurring_words_come_by_frequency_and_then_in_their_order(counts: list[int]) -> None:
    found = trained_words(Vectors(table(), table(1), TOKENS, np.array(counts)))
    rows = [row for count in (3, 2, 1) for row in range(len(TOKENS)) if counts[row] == count]
    assert found.vocabulary == [TOKENS[row] for row in rows]
    assert found.counts.tolist() == [counts[row] for row in rows]
    np.testing.assert_array_equal(found.centre, table()[rows])
    np.testing.assert_array_equal(found.context, table(1)[rows])
    unknown = Vectors(table(), None, TOKENS)
    assert trained_words(unknown) is unknown


@pytest.mark.parametrize("binary", [True, False])
def test_the_export_is_read_again(tmp_path: Path, binary: bool) -> None:
    export_word2vec(tmp_path / "out", Vectors(table(), table(1), TOKENS), binary)
    read = read_vectors(tmp_path / "out")
    assert (read.vocabulary, read.context, read.counts) == (TOKENS, None, None)
    np.testing.assert_array_equal(read.centre, table())
    save_vectors(tmp_path / "own", Vectors(table(), table(1), TOKENS, np.arange(7)))
    assert read_vectors(tmp_path / "own").counts.tolist() == list(range(7))


@settings(max_examples=40)
@given(words=WORDS, dim=st.integers(1, 5), data=st.data())
def test_text_keeps_every_finite_number(tmp_path_factory, words: list[str], dim: int, data) -> None:
    rows = data.draw(st.lists(st.lists(FINITE, min_size=dim, max_size=dim), min_size=len(words)))
    values = np.array(rows[: len(words)], np.float32)
    path = tmp_path_factory.getbasetemp() / "text"
    export_word2vec(path, Vectors(values, None, words), binary=False)
    read = read_vectors(path)
    assert read.vocabulary == words
    assert read.centre.tobytes() == values.tobytes()  # the sign of zero too


@settings(max_examples=40)
@given(words=WORDS, dim=st.integers(8, 12), seed=st.integers(0, 99), scale=FINITE)
@example(words=["a"], dim=8, seed=0, scale=0.0)
def test_binary_keeps_every_bit(
    tmp_path_factory, words: list[str], dim: int, seed: int, scale: float
) -> None:
    values = np.random.default_rng(seed).uniform(-1, 1, (len(words), dim)) * scale
    values = values.astype(np.float32)
    path = tmp_path_factory.getbasetemp() / "binary"
    export_word2vec(path, Vectors(values, None, words), binary=True)
    read = read_vectors(path)
    assert read.vocabulary == words
    assert read.centre.tobytes() == values.tobytes()


@pytest.mark.parametrize("binary", [True, False])
def test_what_gensim_writes_is_read(tmp_path: Path, binary: bool) -> None:
    peer = KeyedVectors(5)
    peer.add_vectors(TOKENS, table())
    peer.save_word2vec_format(str(tmp_path / "out"), binary=binary)
    read = read_vectors(tmp_path / "out")
    assert read.vocabulary == TOKENS
    np.testing.assert_array_equal(read.centre, table())


@pytest.mark.parametrize("gap", [b"\t", b"  "])
def test_white_space_around_numbers_may_differ(tmp_path: Path, gap: bytes) -> None:
    """word2vec.c ends each line of numbers with a space, and the lines of Windows with two."""
    path = tmp_path / "vectors.txt"
    lines = [b"2 2\r", b"to" + gap + b"1 2 \r", b"na\xc3\xafve -1e-3" + gap + b".5"]
    path.write_bytes(b"\n".join(lines) + b"\n")
    read = read_vectors(path)
    assert read.vocabulary == ["to", "naïve"]
    np.testing.assert_array_equal(read.centre, np.array([[1, 2], [-1e-3, 0.5]], np.float32))


@pytest.mark.parametrize("writer", ["text", "binary", "gensim", "safetensors"])
def test_of_a_file_cut_short_anywhere_no_vector_is_read(tmp_path: Path, writer: str) -> None:
    path = tmp_path / "vectors"
    vectors = Vectors(table(), None, TOKENS)
    if writer == "safetensors":
        save_vectors(path, vectors)
    elif writer == "gensim":
        peer = KeyedVectors(5)
        peer.add_vectors(TOKENS, table())
        peer.save_word2vec_format(str(path), binary=True)
    else:
        export_word2vec(path, vectors, writer == "binary")
    whole = path.read_bytes()
    cut = range(len(whole) - (writer == "binary"))  # its last byte is a line end beyond need
    for kept in cut:
        path.write_bytes(whole[:kept])
        with pytest.raises(ArtifactError, match=re.escape(str(path))):
            read_vectors(path)


ROWS = b"king 1 2 3\nqueen 4 5 6\n"
TEXT = b"2 3\n" + ROWS
BINARY = b"2 3\nking " + bytes(12) + b"\nqueen " + bytes(12) + b"\n"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", ": begins with b'', expected safetensors or"),
        (b"king 1\n", ": begins with b'king 1"),
        (b"king 1 2 three\n", ": begins with b'king 1 2 three"),
        (ROWS + b"jack 7 8\n", ": line 3: found 2 fields behind the first, expected a word"),
        (ROWS + b"new york 7 8 9\n", ": line 3: found 4 fields behind the first"),
        (ROWS + b"king 7 8 9\n", ": line 3: the word 'king' is there twice"),
        (ROWS[:-1], ": line 2: no line end"),
        (ROWS + b"\n\0", ": line 3: found 0 fields"),
        (gzip.compress(b"", mtime=0), ": begins with b''"),
        (gzip.compress(TEXT, mtime=0)[:-9], ": not readable (Compressed file ended before"),
        (b"\x1f\x8b" + TEXT, ": not readable ("),
        (b"2\nking", ": begins with b'2"),
        (b"2 " + b"9" * 99 + b"\n", ": begins with b'2 999"),
        (b"0 3\n" + ROWS, ": line 1 announces 0 words of 3 dimensions"),
        (b"2 0\n" + ROWS, ": line 1 announces 2 words of 0 dimensions"),
        (b"9" * 18 + b" 3\n" + ROWS, "in at most the 23 bytes that follow"),
        (b"2 " + b"9" * 18 + b"\n" + ROWS, "in at most the 23 bytes that follow"),
        (BINARY.replace(b"2 3", b"999999999 3"), "which take 13999999986 or more"),
        (BINARY.replace(b"2 3", b"2 100000"), "which take 800004 or more"),
        (TEXT.replace(b"4 5", b"4"), ": line 3: found 2 fields behind the first, expected a word"),
        (
            TEXT.replace(b"king", b"new york"),
            ": line 2: found 4 fields behind the first, expected a word without white space and 3",
        ),
        (TEXT.replace(b"king", b"\nking"), ": line 2: found 0 fields"),
        (TEXT[:-1], ": line 3: no line end, so the last number may be cut: add one if it is whole"),
        (TEXT + b"\n\0", ": byte 27: 2 bytes follow the 2 words"),
        (TEXT + b"jack 7 8 9\n", ": byte 27: 11 bytes follow the 2 words"),
        (TEXT.replace(b"5", b"five"), ": line 3: found `five`, allowed are finite"),
        (TEXT.replace(b"5", b"\xff"), ": line 3: found `\ufffd`, allowed are finite"),
        (TEXT.replace(b"5", b"5_0"), ": line 3: found `5_0`, allowed are finite"),
        (TEXT.replace(b"5", b"nan"), ": line 3: found `nan`, allowed are finite"),
        (TEXT.replace(b"5", b"1e39"), ": line 3: found `1e39`, allowed are finite"),
        (TEXT.replace(b"queen", b"king"), ": line 3: the word 'king' is there twice, at first"),
        (
            TEXT.replace(b"queen", b"na\xefve"),
            ": line 3: the word is not UTF-8 (its byte 2 is 0xef",
        ),
        (BINARY.replace(b"queen", b"king"), ": byte 22: word 2 of 2: the word 'king' is there tw"),
        (BINARY.replace(b"queen", b"\xff"), ": byte 22: word 2 of 2: the word is not UTF-8"),
        (BINARY.replace(b"queen", b""), ": byte 22: word 2 of 2: found b'', expected a word"),
        (BINARY.replace(b"queen", b"a\tb"), ": byte 22: word 2 of 2: found b'a\\tb', expected"),
        (BINARY[:-9], ": byte 22: word 2 of 2 is not whole"),
        (BINARY[:20] + bytes(1) + BINARY[20:], ": byte 21: word 2 of 2: found b'\\x00\\nqueen'"),
        (BINARY[:-5] + b"\0\0\x80\x7f\n", ": byte 22: word 2 of 2: found the number inf"),
        (BINARY + b"\n", ": byte 41: 1 bytes follow the 2 words"),
    ],
)
def test_a_damaged_word2vec_file_is_refused(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "vectors"
    path.write_bytes(content)
    with pytest.raises(ArtifactError, match=re.escape(problem)) as error:
        read_vectors(path)
    assert str(error.value).startswith(f"{path}: ")


@pytest.mark.parametrize("content", [TEXT, BINARY])
def test_the_same_file_without_damage_is_read(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "vectors").write_bytes(content)
    assert read_vectors(tmp_path / "vectors").vocabulary == ["king", "queen"]


@pytest.mark.parametrize(
    ("content", "binary"),
    [
        (TEXT + b"\n\r\n \n", False),
        (b" 2\t 3 \n" + ROWS, False),
        (b"  2   3\r\n" + BINARY[4:], True),
    ],
)
def test_blanks_that_gensim_reads_are_read(tmp_path: Path, content: bytes, binary: bool) -> None:
    path = tmp_path / "vectors"
    path.write_bytes(content)
    read, peer = read_vectors(path), KeyedVectors.load_word2vec_format(str(path), binary=binary)
    assert read.vocabulary == peer.index_to_key == ["king", "queen"]
    np.testing.assert_array_equal(read.centre, peer.vectors)
    path.write_bytes(b"\xef\xbb\xbf" + content.lstrip())  # a byte order mark, which gensim refuses
    np.testing.assert_array_equal(read_vectors(path).centre, peer.vectors)


LAYOUTS = {
    "GloVe": ROWS + b"new york 7 8 9\n",  # a few of its words hold a space
    "fastText": b"3 3\nking 1 2 3 \nqueen 4 5 6 \nna\xefve 7 8 9 \n",
    "binary": b"3 3\n"
    + b"".join(
        name + b" " + np.array(numbers, "<f4").tobytes()
        for name, numbers in ((b"king", [1, 2, 3]), (b"queen", [4, 5, 6]), (b"\xff", [7, 8, 9]))
    ),
}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_words_of_a_corpus_are_read_from_files_of_others(
    tmp_path: Path, layout: str, packed: bool
) -> None:
    """What the other words are does not matter: large files have some that are damaged."""
    path, content = tmp_path / "vectors", LAYOUTS[layout]
    path.write_bytes(gzip.compress(content) if packed else content)
    found = read_vectors(path, words=["film", "queen", "york", "the", "new", "king"])
    assert found.vocabulary == ["king", "queen"]
    assert found.centre.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert read_vectors(path, words=["king"]).centre.tolist() == [[1, 2, 3]]
    assert read_vectors(path, words=[]).vocabulary == []
    check_dim(path, 3)
    with pytest.raises(ArtifactError, match="3 dimensions, the study uses them with 4: set dims"):
        check_dim(path, 4)


def test_gensim_reads_glove_without_header_to_the_same(tmp_path: Path) -> None:
    path = tmp_path / "vectors"
    path.write_bytes(ROWS + b"\n \n")
    found = read_vectors(path)
    path.write_bytes(ROWS)
    peer = KeyedVectors.load_word2vec_format(str(path), binary=False, no_header=True)
    assert found.vocabulary == peer.index_to_key
    np.testing.assert_array_equal(found.centre, peer.vectors)
    path.write_bytes(b"\xef\xbb\xbf" + ROWS)
    assert read_vectors(path).vocabulary == found.vocabulary


@pytest.mark.parametrize("binary", [True, False])
def test_words_that_are_not_utf8_are_marked_or_left_out(tmp_path: Path, binary: bool) -> None:
    """As gensim reads them: word2vec.c cuts long words in the middle of a letter."""
    path = tmp_path / "vectors"
    words = ["king", "ab", "ac", "queen"]
    export_word2vec(path, Vectors(table()[:4], None, words), binary)
    content = path.read_bytes().replace(b"ab ", b"a\xc3 ").replace(b"ac ", b"a\xff ")
    path.write_bytes(content)
    with pytest.raises(
        ArtifactError, match=r"not UTF-8 \(its byte 1 .*`--errors replace` reads it"
    ):
        read_vectors(path)
    peer = KeyedVectors.load_word2vec_format(str(path), binary=binary, unicode_errors="replace")
    marked = read_vectors(path, "replace")
    assert marked.vocabulary == peer.index_to_key[:3] == ["king", "a\ufffd", "queen"]
    np.testing.assert_array_equal(marked.centre, peer.vectors[:3])
    without = read_vectors(path, "skip")
    assert without.vocabulary == ["king", "queen"]
    np.testing.assert_array_equal(without.centre, table()[[0, 3]])
    path.write_bytes(content.replace(b"queen", b"king"))
    for errors in ("replace", "skip"):
        with pytest.raises(ArtifactError, match="word 'king' is there twice, at first as word 1"):
            read_vectors(path, errors)


def test_a_file_that_is_not_there_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="no such file: train the vectors first"):
        read_vectors(tmp_path / "absent")


@settings(max_examples=40)
@given(
    source=st.sampled_from([TEXT, BINARY]),
    at=st.integers(0, 40),
    inserted=st.binary(max_size=3),
    dropped=st.integers(0, 3),
)
def test_any_damage_is_one_error_or_another_whole_file(
    tmp_path_factory, source: bytes, at: int, inserted: bytes, dropped: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(source[:at] + inserted + source[at + dropped :])
    try:
        read = read_vectors(path)
    except ArtifactError:
        return
    assert np.isfinite(read.centre).all()
    assert len(set(read.vocabulary)) == len(read.vocabulary) == len(read.centre)

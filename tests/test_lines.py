"""A text of any shape is read as its words stand, a piece of a line at a time."""

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sgns_study.artifacts import ArtifactError
from sgns_study.corpora import lines

SPACE = st.sampled_from([" ", "\n", "\n\n", "\r\n", "\t", "\u3000", "\x85", "\x1c", " \u2003 "])
TEXT = st.lists(SPACE | st.text("aé映𝒳", min_size=1, max_size=3)).map("".join)


def documents(text: str) -> list[list[str]]:
    """Words of each line; only a line feed ends one."""
    return [line.split() for line in text.split("\n")]


@given(text=TEXT, size=st.integers(6, 12), share=st.sampled_from([0, 0.5]))
@settings(max_examples=200)
def test_lines_read_in_pieces_are_those_of_the_text(
    tmp_path_factory: pytest.TempPathFactory, text: str, size: int, share: float
) -> None:
    path = tmp_path_factory.getbasetemp() / "pieces.txt"
    path.write_text(text, newline="")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "LINE", size)
        found = None
        with suppress(ArtifactError):  # no word, one too long, or nothing to hold out
            found = lines.read_lines(path, share, seed=1)
    assume(found)
    whole = lines.read_lines(path, share, seed=1)
    assert found.words == whole.words
    assert found.counts.tolist() == whole.counts.tolist()
    pairs = [((found.ids, found.offsets), (whole.ids, whole.offsets))]
    pairs += [(found.held_out, whole.held_out)] if share else []
    for pair in pairs:
        for one, other in zip(*pair):
            np.testing.assert_array_equal(one, other)
    if not share:
        read = [
            [found.words[i] for i in found.ids[start:stop]]
            for start, stop in zip(found.offsets[:-1], found.offsets[1:])
        ]
        expected = documents(text)
        assert read == (expected if expected[-1] or not text.endswith("\n") else expected[:-1])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"ok\nno \xff", "line 2 is not UTF-8 (byte 3 of the line is 0xff)"),
        (b"ok\na b c d e f \xff g", "line 2 is not UTF-8 (byte 12 of the line is 0xff)"),
        (b"a b c \xc3\xa9 d \xc3", "line 1 is not UTF-8 (byte 11 of the line is 0xc3)"),
        (b"a b c d\xc3\xc3\xa9 e", "line 1 is not UTF-8 (byte 7 of the line is 0xc3)"),
        (b"\xef\xbb\xbfa b\xc3 c", "line 1 is not UTF-8 (byte 6 of the line is 0xc3)"),
        (b"\xef\xbb\xbfa b c d e f \xff g", "line 1 is not UTF-8 (byte 15 of the line is 0xff)"),
        (b"ok\n" + b"a" * 30 + b" b", "line 2 has a word of more than 8 letters"),
        (b"ok\na b c d e \0 f", "line 2 has a NUL character"),
    ],
)
def test_what_is_wrong_in_a_long_line_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, message: str
) -> None:
    monkeypatch.setattr(lines, "LINE", 8)
    (tmp_path / "a.txt").write_bytes(content)
    with pytest.raises(ArtifactError) as error:
        lines.read_lines(tmp_path / "a.txt")
    assert message in str(error.value)

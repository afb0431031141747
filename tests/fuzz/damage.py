"""Files that are almost right: valid bytes cut, flipped or spliced, with hostile values in them."""

import re
import struct

from hypothesis import strategies as st

INJURED = (1, 1, 1, 2, 4)  # how often
NUMBER = re.compile(rb"-?\d+(?:\.\d+)?")
NUMBERS = [
    *(
        b"",
        b"-1",
        b"0",
        b"1",
        b"0.5",
        b"1e999",
        b"1e-999",
        b"nan",
        b"inf",
        b"-inf",
        b"1_0",
        b"0x10",
    ),
    *(b"32768", b"65536", b"2147483648", b"4294967296", b"9223372036854775807"),
    *(b"18446744073709551616", b"1" + b"0" * 40, b"9" * 5000),
]
PIECES = [
    *(b"\x00", b"\xff", b"\xfe\xff", b"\xff\xfe", b"\xef\xbb\xbf", b"\xc3", b"\xed\xa0\x80"),
    *(b"\x1a", b"\x7f"),
    *(b"\n", b"\r", b"\r\n", b"\n\n", b"\x0b", b"\x1c", b"\xc2\x85", b"\xe2\x80\xa8", b"\xc2\xa0"),
    *(b'"', b'""', b'"""', b"'", b"`", b"\\", b",", b";", b"\t", b" ", b":", b"#", b"_"),
    *(b"[", b"]", b"{", b"}", b"&a", b"*a", b"<<: *a", b"!!", b"? ", b"- ", b"%", b"|", b">", b"~"),
    *(b"null", b"true", b"NA", b"[PAD]", b"<script>", b"${7*7}", b"../", b"/etc/passwd"),
    *(b"[" * 3000, b"," * 3000, b"A" * 3000, b'"' * 3001, b"[" * 100_000),
]  # fmt: skip
SIZES = [0, 1, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**63 - 1, 2**63, 2**64 - 1]


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """The bytes of a valid file after one injury or a few."""
    content = bytearray(whole)
    for _ in range(draw(st.sampled_from(INJURED))):
        INJURIES[draw(st.sampled_from(sorted(INJURIES)))](draw, content)
    return bytes(content)


def place(draw: st.DrawFn, content: bytearray) -> int:
    """Any place in a file; half of the time in its first hundred bytes, where headers are."""
    return draw(st.integers(0, min(len(content), 100)) | st.integers(0, len(content)))


def span(draw: st.DrawFn, content: bytearray) -> slice:
    """A part of a file, mostly a small one."""
    start = place(draw, content)
    return slice(start, start + draw(st.integers(1, 8) | st.integers(1, max(1, len(content)))))


def cut_short(draw: st.DrawFn, content: bytearray) -> None:
    del content[draw(st.integers(0, len(content))) :]


def flip_bit(draw: st.DrawFn, content: bytearray) -> None:
    at = place(draw, content)
    if at < len(content):
        content[at] ^= 1 << draw(st.integers(0, 7))


def overwrite(draw: st.DrawFn, content: bytearray) -> None:
    at, piece = place(draw, content), draw(st.binary(min_size=1, max_size=8))
    content[at : at + len(piece)] = piece


def insert(draw: st.DrawFn, content: bytearray) -> None:
    at = place(draw, content)
    content[at:at] = draw(st.sampled_from(PIECES) | st.binary(min_size=1, max_size=8))


def delete(draw: st.DrawFn, content: bytearray) -> None:
    del content[span(draw, content)]


def splice(draw: st.DrawFn, content: bytearray) -> None:
    """Put a part of the file somewhere else in it too, once or often."""
    part = bytes(content[span(draw, content)])
    at = place(draw, content)
    content[at:at] = part * draw(st.just(1) | st.integers(1, 1 + 20_000 // max(1, len(part))))


def lie_about_size(draw: st.DrawFn, content: bytearray) -> None:
    """A binary number, of 4 bytes or 8 and either order."""
    at, size = place(draw, content), draw(st.sampled_from(SIZES))
    kind = draw(st.sampled_from(["<I", ">I", "<Q", ">Q"]))
    number = struct.pack(kind, size % (1 << 8 * struct.calcsize(kind)))
    content[at : at + len(number)] = number


def change_number(draw: st.DrawFn, content: bytearray) -> None:
    """A number in digits, among the first hundred or so."""
    found = list(NUMBER.finditer(content, 0, 2000))
    if found:
        start, stop = draw(st.sampled_from(found)).span()
        content[start:stop] = draw(st.sampled_from(NUMBERS))


def change_lines(draw: st.DrawFn, content: bytearray) -> None:
    """Leave a line out, or put it elsewhere; the first names columns, the last may lack its end."""
    lines = bytes(content).splitlines(keepends=True)
    if len(lines) < 2:
        return
    line = lines.pop(draw(st.integers(0, len(lines) - 1)))
    if draw(st.booleans()):
        lines.insert(draw(st.integers(0, len(lines))), line)
    content[:] = b"".join(lines)


INJURIES = {
    injury.__name__: injury
    for injury in (
        cut_short,
        flip_bit,
        overwrite,
        insert,
        delete,
        splice,
        lie_about_size,
        change_number,
        change_lines,
    )
}

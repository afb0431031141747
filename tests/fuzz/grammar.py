"""Whole files made on purpose: of the right form, with what no one expects in it."""

import io
import json
import pickle
import struct
import tarfile
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import yaml
from hypothesis import strategies as st

from tests.fuzz.damage import NUMBERS, PIECES

# Values that any JSON or YAML may hold

INTEGERS = st.integers() | st.sampled_from([-1, 0, 2**31, 2**63, 2**64, 10**30, 10**4000])
TEXTS = st.text(max_size=8) | st.sampled_from(
    [
        "",
        " ",
        "\x00",
        "\ufeff",
        "\u202e",
        "x" * 3000,
        "../x",
        "/etc/passwd",
        "1",
        "true",
        "null",
        "~",
    ]
)
SCALARS = st.none() | st.booleans() | INTEGERS | st.floats() | TEXTS
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=8,
)
DEEP = st.integers(1, 100_000).map(lambda depth: "[" * depth + "]" * depth)


def as_json(value: Any) -> bytes:
    """JSON, or what Python takes for it: numbers may be infinite, texts have lone surrogates."""
    return json.dumps(value).encode()


@st.composite
def altered(draw: st.DrawFn, content: Any) -> Any:
    """A structure with another value, another key or no key at one place."""
    content = json.loads(json.dumps(content))
    inner = content
    while True:
        places = list(inner) if isinstance(inner, dict) else list(range(len(inner)))
        if not places:
            break
        key = draw(st.sampled_from(places))
        if isinstance(inner[key], dict | list) and inner[key] and draw(st.integers(0, 3)):
            inner = inner[key]
            continue
        what = draw(st.sampled_from(["value", "value", "value", "delete", "name", "add"]))
        if what == "value":
            inner[key] = draw(VALUES)
        elif what == "delete":
            del inner[key]
        elif isinstance(inner, dict):
            inner[draw(TEXTS)] = inner.pop(key) if what == "name" else draw(VALUES)
        break
    return content


def json_of(content: Any) -> st.SearchStrategy[bytes]:
    """JSON with one thing altered, any other, or one that is nested deeply."""
    return altered(content).map(as_json) | VALUES.map(as_json) | DEEP.map(str.encode)


SOUP = [
    *("a: ", "b: ", "- ", "? ", ": ", "&x ", "*x ", "<<: *x\n", "study: a\n", "[", "]", "{", "}"),
    *(
        "!!set ",
        "!!binary ",
        "!!omap ",
        "!!int ",
        "!!float ",
        "!!timestamp ",
        "!!str ",
        "!<tag:x> ",
    ),
    *(", ", "\n", "\n  ", "|\n", ">\n", "'", '"', "# ", "---\n", "...\n", "%YAML 9.9\n", "=", "~"),
    *(
        "yes",
        ".inf",
        ".nan",
        "-.inf",
        "1e5",
        "0b1",
        "0o7",
        "1_0",
        "1:2:3",
        "9" * 5000,
        "0x" + "f" * 5000,
    ),
    *("2001-99-99", "2001-01-01T99:99:99Z", "!!python/object/apply:tests.fuzz.alarm.ring []"),
]
YAML_SOUP = st.lists(st.sampled_from(SOUP) | TEXTS, max_size=12).map("".join)


def laughs(levels: int, each: int) -> str:
    """YAML whose aliases stand for `each` to the power of `levels` values, in a few lines."""
    lines = ["a0: &a0 [x]"]
    for level in range(1, levels + 1):
        aliases = ", ".join([f"*a{level - 1}"] * each)
        lines.append(f"a{level}: &a{level} [{aliases}]")
    return "\n".join(lines) + f"\nstudy: *a{levels}\n"


def yaml_of(content: Any) -> st.SearchStrategy[bytes]:
    """YAML with one thing altered, with a section that is the alias of another, or a soup of it."""
    dumped = altered(content).map(lambda value: yaml.safe_dump(value, allow_unicode=True))
    laughing = st.builds(laughs, st.integers(1, 30), st.integers(2, 10))
    circle = st.sampled_from(
        ["a: &a [*a]", "&a {study: *a}", "grid: &a {recipes: *a, radii: [*a]}"]
    )
    return st.one_of(dumped, dumped, YAML_SOUP, laughing, circle, DEEP).map(
        lambda text: text.encode("utf-8", "surrogatepass")
    )


# Text by pieces


def soup(*own: bytes) -> st.SearchStrategy[bytes]:
    """Pieces of a format, hostile ones and numbers, one after the other."""
    pieces = st.sampled_from([*own, *own, *PIECES]) | st.sampled_from(NUMBERS)
    return st.lists(pieces, max_size=25).map(b"".join)


# Archives

TYPES = [
    *(tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.CHRTYPE),
    *(tarfile.BLKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CONTTYPE, b"S", b"L", b"K"),
    *(b"x", b"g", b"Z"),
]
NAMES = [
    *("aclImdb/train/pos/9_9.txt", "aclImdb/test/neg/1_1.txt", "aclImdb//train/pos/8_8.txt"),
    *("aclImdb/train/pos/../x", "../../x", "/etc/passwd", "aclImdb/train/pos/9_9.txt/", "", "."),
    *("a" * 300, "x\udcff", "a\x00b", "aclImdb/train/pos/９_９.txt"),
    "aclImdb/train/unsup/" + "9" * 5000 + "_1.txt",
]
PAX = [
    *("size", "path", "linkpath", "mtime", "hdrcharset", "uid", "GNU.sparse.major"),
    *("GNU.sparse.minor", "GNU.sparse.map", "GNU.sparse.realsize", "GNU.sparse.size"),
    "GNU.sparse.name",
]


def packed(members: list[tuple[tarfile.TarInfo, bytes]], form: int) -> bytes:
    """An archive of members whose headers say what they like."""
    out = io.BytesIO()
    for member, content in members:
        out.write(member.tobuf(form, "utf-8", "surrogateescape"))
        out.write(content + bytes(-len(content) % tarfile.BLOCKSIZE))
    return out.getvalue() + bytes(2 * tarfile.BLOCKSIZE)


@st.composite
def archives(draw: st.DrawFn, reviews: Mapping[str, bytes]) -> bytes:
    """The reviews with a few members more, in any order."""
    members = []
    for name, content in reviews.items():
        members.append((tarfile.TarInfo(name), content))
        members[-1][0].size = len(content)
    for _ in range(draw(st.integers(1, 3))):
        content = draw(st.binary(max_size=600) | soup(b"21 size=", b"10 path=", b"\n0\n512\n"))
        member = tarfile.TarInfo(draw(st.sampled_from(NAMES) | st.text(max_size=20)))
        member.type, member.linkname = draw(st.sampled_from(TYPES)), draw(st.sampled_from(NAMES))
        size = st.just(len(content)) | st.sampled_from([0, 1, 2**20, 2**33 - 1])
        member.size = draw(size)
        numbers = st.sampled_from([str(10**9), "-1", "1", "x", "1,2,3", "9" * 5000])
        member.pax_headers = draw(st.dictionaries(st.sampled_from(PAX), numbers, max_size=2))
        members.insert(draw(st.integers(0, len(members))), (member, content))
    forms = [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]
    try:
        return packed(members, draw(st.sampled_from(forms)))
    except ValueError:  # a name too long for the form
        return b""


# Arrays

KINDS = [
    *("<u2", "<u4", "<i4", "<i8", ">i8", "<f4", "<f8", "|b1", "|O", "|V8", "<U5", "|S0", "<M8[ns]"),
    *("<c16", [("a", "<i4"), ("b", "|O")], ("<i4", (2,)), "nonsense", "", 3, None),
]
SHAPES = [
    *((), (0,), (1,), (3,), (2, 3), (3, 2), (-1,), (-3, -2), (2**31,), (2**62, 4), (10**30,)),
    *((0, 2**62), (1,) * 70, (True,), ("3",), (3.0,), [3], 3, None),
]
NUMERIC = ["<u2", "<u4", "<i4", "<i8", ">i8", "<f4", "<f8"]


def npy(kind: Any, order: Any, shape: Any, version: tuple[int, int], data: bytes) -> bytes:
    """A .npy file with any header."""
    header = repr({"descr": kind, "fortran_order": order, "shape": shape}).encode() + b"\n"
    length = struct.pack("<H" if version == (1, 0) else "<I", len(header))
    return b"\x93NUMPY" + bytes(version) + length + header + data


class Evil:
    """Unpickling it rings the alarm."""

    def __reduce__(self) -> tuple[Callable[[], None], tuple[()]]:
        from tests.fuzz.alarm import ring

        return ring, ()


def pickled() -> list[bytes]:
    """What runs code in whoever unpickles it: bare, as .npy and as .npz."""
    files = [pickle.dumps(Evil())]
    for write in (np.save, np.savez):
        out = io.BytesIO()
        write(out, np.array([Evil()], dtype=object))
        files.append(out.getvalue())
    return files


def zipped(**arrays: Any) -> bytes:
    """An .npz file."""
    out = io.BytesIO()
    np.savez(out, **arrays)
    return out.getvalue()


HEADERS = st.builds(
    npy,
    st.sampled_from(KINDS),
    st.sampled_from([False, True, 0, None]),
    st.sampled_from(SHAPES),
    st.sampled_from([(1, 0), (2, 0), (3, 0), (9, 9)]),
    st.binary(max_size=64),
)
ARRAYS = st.one_of(
    HEADERS,
    st.sampled_from([*pickled(), zipped(a=np.arange(3))]),
    st.builds(
        lambda values, kind: npy(
            kind, False, (len(values),), (1, 0), np.array(values).astype(kind).tobytes()
        ),
        st.lists(st.integers(-2, 70_000), max_size=12),
        st.sampled_from(NUMERIC),
    ),
)


@st.composite
def checkpoints(draw: st.DrawFn, whole: Mapping[str, Any]) -> bytes:
    """An .npz file with one array of another type or shape, with one more or without one."""
    arrays = dict(whole)
    name = draw(st.sampled_from(sorted(arrays.keys() - {"run"})))
    what = draw(st.sampled_from(["kind", "shape", "drop", "add", "values", "compress", "pickle"]))
    if what == "kind":
        arrays[name] = arrays[name].astype(draw(st.sampled_from(["S9", "f8", "i8", "u1", "c16"])))
    elif what == "shape":
        shape = draw(st.lists(st.integers(0, 40), max_size=3))
        arrays[name] = np.zeros(shape, arrays[name].dtype)
    elif what == "values":
        arrays[name] = np.full_like(arrays[name], draw(st.sampled_from([0, 1, 9, 2**31 - 1])))
    elif what == "drop":
        del arrays[draw(st.sampled_from(sorted(arrays)))]
    elif what == "add":
        arrays[draw(st.sampled_from(["left2", "left9", "x", "../x", "/x"]))] = np.zeros(3)
    elif what == "pickle":
        arrays[name] = np.array([Evil()], dtype=object)
    out = io.BytesIO()
    (np.savez_compressed if what == "compress" else np.savez)(out, **arrays)
    return out.getvalue()


# safetensors


@st.composite
def safetensors(draw: st.DrawFn) -> bytes:
    """A file whose header is of the right form."""
    data = draw(st.binary(max_size=64))
    kinds = st.sampled_from(
        ["F32", "F64", "F16", "BF16", "F8_E4M3", "I64", "U8", "BOOL", "C64", "X"]
    )
    bounds = st.sampled_from([0, 4, 8, 24, 64, len(data), 2**40, 2**63, -1])
    tensors = st.fixed_dictionaries(
        {
            "dtype": kinds,
            "shape": st.lists(st.sampled_from([0, 1, 2, 3, 2**31, 2**62]), max_size=3),
            "data_offsets": st.lists(bounds, min_size=2, max_size=2),
        }
    )
    simple = st.just({"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]})
    names = st.sampled_from(["centre", "context", "counts", "x"])
    header: dict[str, Any] = draw(st.dictionaries(names, simple | tensors, max_size=3))
    vocabulary = st.sampled_from(
        [
            '["a", "b"]',
            '["a", 1]',
            "[1, 2]",
            '["a"]',
            '"ab"',
            "{}",
            "[[",
            "[" * 90_000,
            '["a", "a"]',
        ]
    )
    header["__metadata__"] = draw(
        st.fixed_dictionaries({}, optional={"vocabulary": vocabulary | TEXTS, "other": TEXTS})
    )
    text = json.dumps(header).encode()
    length = draw(st.just(len(text)) | st.sampled_from([0, len(text) + 1, 2**40, 2**64 - 1]))
    return struct.pack("<Q", length) + text + data


# Parquet

COLUMNS: dict[str, Callable[[], Any]] = {
    "texts": lambda: pa.array(["a b", "c", None] * 8 + ["d"]),
    "large": lambda: pa.array(["a b"] * 25, pa.large_string()),
    "coded": lambda: pa.array(["x", "y", None, "x", "y"] * 5).dictionary_encode(),
    "binary": lambda: pa.array([b"\xff", b"a", b"", None, b"\0"] * 5, pa.binary()),
    "whole": lambda: pa.array([0, 1, None, 1, 0] * 5),
    "small": lambda: pa.array([0, 1, 1, 1, 0] * 5, pa.uint8()),
    "floats": lambda: pa.array([0.0, 1.0, float("nan"), None, float("inf")] * 5),
    "half": lambda: pa.array([np.float16(1), None] * 12 + [None], pa.float16()),
    "truth": lambda: pa.array([True, False, None, True, False] * 5),
    "dates": lambda: pa.array([0, 1, 2, 3, None] * 5, pa.date32()),
    "times": lambda: pa.array([0, 2**62, 2, 3, None] * 5, pa.timestamp("ns", tz="UTC")),
    "spans": lambda: pa.array([0, 1, 2, 3, None] * 5, pa.duration("ns")),
    "lists": lambda: pa.array([[1], [], None, [2, 3], [None]] * 5),
    "objects": lambda: pa.array([{"a": 1}, None, {"a": 2}, {"a": None}, {}] * 5),
    "decimals": lambda: pa.array([0, 1, None, 1, 0] * 5, pa.decimal128(38, 3)),
    "nothing": lambda: pa.nulls(25),
}


@st.composite
def parquet(draw: st.DrawFn) -> bytes:
    """A table with columns of any kind under names that may be there twice."""
    kinds = draw(st.lists(st.sampled_from(sorted(COLUMNS)), min_size=1, max_size=3))
    names = draw(st.permutations(["text", "label", draw(st.sampled_from(["text", "x", "é\x00"]))]))
    table = pa.Table.from_arrays([COLUMNS[kind]() for kind in kinds], names=names[: len(kinds)])
    out = io.BytesIO()
    packing = draw(st.sampled_from(["none", "snappy", "gzip", "zstd"]))
    pyarrow.parquet.write_table(table, out, compression=packing, row_group_size=10)
    return out.getvalue()

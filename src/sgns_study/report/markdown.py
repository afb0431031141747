"""Markdown written by program: escaped text, tables, numbered figures and tables."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sgns_study.evaluation.tables import RULES


class Markdown(str):
    """Text that is Markdown already and is not escaped again."""


# Characters that control a device or the direction of writing, which could turn the text behind.
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def escape_markdown(text: str) -> Markdown:
    """Text such that Pandoc's Markdown shows it as it is, in every output format, on one line.

    Every ASCII punctuation mark gets a backslash, so that no markup, mathematics, citation, HTML
    or TeX in data takes effect.
    """
    return Markdown(re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", one_line(text)))


def one_line(text: str) -> str:
    """The text with white space and control characters as single spaces."""
    return " ".join(CONTROL.sub(" ", text).split())


def markdown(value: object) -> Markdown:
    """The value as Markdown: escaped, unless it is Markdown already."""
    return value if isinstance(value, Markdown) else escape_markdown(str(value))


def code(text: str) -> Markdown:
    """Text as a code span, fenced by more backticks than it has in a row; nothing for no text."""
    line = one_line(text)
    fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0)) if line else ""
    return Markdown(f"{fence} {line} {fence}" if "`" in line else f"{fence}{line}{fence}")


WIDE = 8  # columns from which on a page sets a table in smaller type
SOURCE_WIDTH = 10_000  # of a line for Pandoc, which sizes columns by content up to it


def pipe_table(
    header: Sequence[str],
    rows: Iterable[Sequence[object]],
    align: str,
    caption: Markdown,
    id: str,
    widths: Sequence[int] = (),
    foot: int = 0,
) -> Markdown:
    """A table with a caption above; `align` has one of `l`, `r` for every column.

    Columns are as wide as their content, or share the text width as `widths` (percent) says.
    The last `foot` rows sum up the others: they stay below when the page sorts the table.
    """
    dashes = [width * SOURCE_WIDTH // 50 for width in widths] or [2] * len(align)
    rules = {"l": ":{}", "r": "{}:"}
    rule = [Markdown(rules[letter].format("-" * n)) for letter, n in zip(align, dashes)]
    lines = [header, rule, *rows]
    text = "\n".join("| " + " | ".join(markdown(cell) for cell in line) + " |" for line in lines)
    classes = ".table .sortable" + " .wide" * (len(align) > WIDE)
    rests = f" data-foot={foot}" if foot else ""
    return Markdown(f"::: {{#{id} {classes}{rests}}}\n{text}\n\n: {caption}\n:::")


def source_note(folder: str, names: Iterable[str], drawn: bool = False) -> Markdown:
    """Where numbers come from, to stand at the end of a caption; empty without names.

    A name is that of a tidy table, given as `<folder>/<name>.csv` with the rule that writes it;
    Markdown stands as it is. `drawn` adds the rule that draws a figure of them.
    """
    words: list[str] = []
    files: dict[str, list[str]] = {}
    for name in names:
        if isinstance(name, Markdown):
            words.append(name)
        else:
            files.setdefault(RULES[name], []).append(code(f"{folder}/{name}.csv"))
    parts = [f"{', '.join(paths)}, rule {code(rule)}" for rule, paths in files.items()] + words
    if drawn:
        parts.append(f"drawn by rule {code('figure')}")
    return Markdown(f"[Source: {'; '.join(parts)}.]{{.source}}" if parts else "")


class Table(NamedTuple):
    """A table of the report before it has a number; the arguments of `pipe_table`.

    `source` has the tidy tables that its numbers are in, or Markdown: see `source_note`.
    """

    caption: str
    header: Sequence[str]
    align: str
    rows: Iterable[Sequence[object]]
    widths: Sequence[int] = ()
    source: Sequence[str] = ()
    foot: int = 0


class Numbering:
    """Numbers of figures and tables, given in advance so that text may refer to what follows."""

    def __init__(self, figures: Sequence[str], tables: Sequence[str]) -> None:
        """Names in the order in which they stand in the text."""
        self._names = {"Figure": list(figures), "Table": list(tables)}

    def label(self, kind: str, name: str) -> str:
        """E.g. `Figure 2`; raises ValueError for a name without a number."""
        return f"{kind} {self._names[kind].index(name) + 1}"

    def anchor(self, kind: str, name: str) -> str:
        """The identifier that references point to."""
        return f"{kind.lower()}-{name}"

    def reference(self, kind: str, name: str) -> Markdown:
        """A link with the number as its text."""
        return Markdown(f"[{self.label(kind, name)}](#{self.anchor(kind, name)})")

    def caption(self, kind: str, name: str, text: object, source: str = "") -> Markdown:
        """A caption that starts with the number and ends with the source, if it has one."""
        return Markdown(f"**{self.label(kind, name)}.** {markdown(text)} {source}".rstrip())

"""Markdown written by program: escaped text, tables, and the numbers of figures and tables."""

import re
from collections.abc import Callable, Iterable, Sequence

from sgns_study.evaluation.tables import RULES
from sgns_study.figures.wording import listed


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


def code_list(names: Iterable[str]) -> Markdown:
    """Names as code spans, in words: `a`, `b` and `c`."""
    return Markdown(listed(code(name) for name in names))


def cells(values: Iterable[object]) -> Markdown:
    """Neighbouring cells of a row of a table, without the bars at its ends."""
    return Markdown(" | ".join(markdown(value) for value in values))


WIDE = 8  # a table of more columns is set in smaller type
SOURCE_WIDTH = 10_000  # of a line for Pandoc, which sizes columns by content up to it


def pipe_table(
    folder: str,
    name: str,
    align: str,
    source: Sequence[str] = (),
    widths: Sequence[int] = (),
    foot: int = 0,
    *,
    caller: Callable[[], str],
) -> Markdown:
    """A table with its numbered caption above, from what a template has in a `call` block.

    That is Markdown: the caption in one line, then a line for the head and for each row, the cells
    between bars. `align` has one of `l`, `r` for every column, `widths` its percentage of the text
    (else its content decides). The last `foot` rows, sums, stay below when the page sorts the
    table. `folder` and `source` are those of `source_note`.
    """
    words, head, *rows = [line for line in caller().split("\n") if line.strip()]
    dashes = [width * SOURCE_WIDTH // 50 for width in widths] or [2] * len(align)
    rules = {"l": ":{}", "r": "{}:"}
    rule = cells(Markdown(rules[side].format("-" * n)) for side, n in zip(align, dashes))
    classes = ".table .sortable" + " .wide" * (len(align) > WIDE)
    rests = f" data-foot={foot}" if foot else ""
    lines = "\n".join([head, f"| {rule} |", *rows])
    title = caption("Table", name, words, source_note(folder, source))
    return Markdown(f"::: {{#table-{name} {classes}{rests}}}\n{lines}\n\n: {title}\n:::\n")


def source_note(folder: str, names: Sequence[str]) -> Markdown:
    """Where numbers come from, to stand at the end of a caption; empty without names.

    A name is that of a tidy table, given as `<folder>/<name>.csv` with the rule that writes it;
    other words are Markdown and stand as they are.
    """
    parts = []
    for rule in dict.fromkeys(RULES[name] for name in names if name in RULES):
        files = [code(f"{folder}/{name}.csv") for name in names if RULES.get(name) == rule]
        parts.append(f"{', '.join(files)}, rule {code(rule)}")
    parts += [name for name in names if name not in RULES]
    return Markdown(f"[Source: {'; '.join(parts)}.]{{.source}}" if parts else "")


# A figure or table is known by its name until the text is whole and its number is known. Escaped
# text has no control characters, so nothing in data looks like such a name.
UNNUMBERED = re.compile("(\\*\\*)?\x01(Figure|Table) (\\w+)\x02")


def caption(kind: str, name: str, text: str, source: str = "") -> Markdown:
    """A caption in Markdown that starts with the number and ends with the source, if it has one."""
    return Markdown(f"**\x01{kind} {name}\x02.** {text} {source}".rstrip())


def reference(kind: str, name: str) -> Markdown:
    """A link with the number of a figure or table as its text."""
    return Markdown(f"[\x01{kind} {name}\x02](#{kind.lower()}-{name})")


def appended(name: str) -> Markdown:
    """A link to a table of the appendix, whose numbers the report does not know."""
    return Markdown(f"[appendix](appendix.html#table-{name})")


def unbroken(text: str) -> Markdown:
    """Escaped text that stays on one line."""
    return Markdown(escape_markdown(text).replace(" ", "\\ "))


def numbered(text: str, letter: str = "") -> str:
    """The text with all figures and all tables numbered in the order of their captions.

    `letter` stands before each number. Raises ValueError for a reference to what has no caption.
    """
    order: dict[str, list[str]] = {"Figure": [], "Table": []}
    for bold, kind, name in UNNUMBERED.findall(text):
        order[kind] += [name] * bool(bold)

    def label(match: re.Match[str]) -> str:
        bold, kind, name = match.groups(default="")
        if name not in order[kind]:
            raise ValueError(f"{kind} {name} is referred to, but the report does not have it")
        return f"{bold}{kind} {letter}{order[kind].index(name) + 1}"

    return UNNUMBERED.sub(label, text)

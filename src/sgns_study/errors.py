"""Errors that the user can fix, and how values are quoted in their messages."""

VALUE, LINE = 160, 1000  # characters of a value and of a line that are quoted


class StudyError(ValueError):
    """An expected error: its message names the file or key, what was found and what to do.

    The command line prints it without a traceback. Any other error is a defect and keeps its
    traceback.
    """


def visible(text: str) -> str:
    """Escape the characters that are not printable, such as those that move a cursor."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def brief(text: str, most: int = LINE) -> str:
    """Put a text on one line, and cut it where it is longer than `most` characters."""
    line = visible(" ".join(text.split()))
    return line if len(line) <= most else f"{line[:most]}…"


def shown(value: object) -> str:
    """Quote a value as Python writes it, cut where it is too long."""
    try:
        return brief(repr(value), VALUE)
    except ValueError:  # a whole number of thousands of digits
        return "a number too long to be shown"


def reason(error: BaseException) -> str:
    """The message of a library's error, which may quote the file; else the kind of error."""
    return brief(str(error), VALUE) or type(error).__name__

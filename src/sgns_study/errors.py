"""What a user can put right, and how what was found is shown in a message."""

VALUE, LINE = 160, 1000  # characters of a value and of a line that are shown


class StudyError(ValueError):
    """An expected error: its message names the file or key, what was found and what to do.

    The command line prints it without a traceback; any other error is a defect and keeps its own.
    """


def visible(text: str) -> str:
    """The text with an escape for all that has no shape: what would move a cursor or hide."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def brief(text: str, most: int = LINE) -> str:
    """The text on one line, cut where it is too long."""
    line = visible(" ".join(text.split()))
    return line if len(line) <= most else f"{line[:most]}…"


def shown(value: object) -> str:
    """A value as Python writes it, cut where it is too long."""
    try:
        return brief(repr(value), VALUE)
    except ValueError:  # a whole number of thousands of digits
        return "a number too long to be shown"


def reason(error: BaseException) -> str:
    """What a library says is wrong, which may quote the file; else the kind of error."""
    return brief(str(error), VALUE) or type(error).__name__

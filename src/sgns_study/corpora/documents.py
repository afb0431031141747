"""What every corpus yields."""

import sys
from dataclasses import dataclass

TRAIN, TEST, UNLABELLED = 0, 1, 2
SPLITS = ("train", "test", "unlabelled")  # the name of each split, at its number
NO_LABEL = -1


@dataclass(frozen=True)
class Document:
    """A text of a corpus; `label` is the number of its class, or NO_LABEL."""

    id: str
    split: int
    label: int
    text: str


def check_recurring(origin: object, once: int, words: int) -> None:
    """Warn on standard error if most of the words of a text, `once` of them, occur only once in it.

    Nothing is learned of such words. So it is where no space stands between words, as in Chinese.
    """
    if 2 * once > words:
        print(
            f"warning: {origin}: {once} of {words} words occur only once: give more text or, where "
            "no space stands between words, put it there",
            file=sys.stderr,
        )

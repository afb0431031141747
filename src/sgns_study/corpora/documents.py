"""What every corpus yields."""

from dataclasses import dataclass

TRAIN, TEST, UNLABELLED = 0, 1, 2
SPLITS = ("train", "test", "unlabelled")  # the name of each split, at its number
NO_LABEL = -1


@dataclass(frozen=True)
class Document:
    """A text of a corpus; `label` is the number of its class, or NO_LABEL.

    Documents of one `group` are alike, as the reviews of one film; empty where none is known.
    """

    id: str
    split: int
    label: int
    text: str
    group: str = ""

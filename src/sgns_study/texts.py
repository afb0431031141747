"""Token stream → the text that word vectors learn from: the sampled documents, in drawn order.

They are written out once, one after the other, so that a recipe reads them as they lie on disk and
its memory does not grow with the text.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from tqdm import tqdm

from sgns_study.artifacts import ArtifactError, read_array, write_array, writing
from sgns_study.tokens import UNKNOWN, Stream, Vocabulary

DOCUMENTS = 1000  # gathered at a time


@dataclass(frozen=True)
class Text:
    """Document i is `ids[offsets[i]:offsets[i + 1]]`.

    `ids` uint16 or uint32 (tokens,), on disk; `offsets` int64 (documents + 1,); `counts` int64
    (V,): how often each id occurs, zero for the pad and for the unknown, which is no word.
    """

    ids: NDArray[Any]
    offsets: NDArray[np.int64]
    counts: NDArray[np.int64]


def save_text(
    folder: Path, stream: Stream, vocabulary: Vocabulary, documents: NDArray[np.int64]
) -> None:
    """Write the chosen documents of a stream as `ids.npy`, `offsets.npy` and `counts.npy`.

    Raises ArtifactError if they hold no token.
    """
    offsets = np.append(0, np.cumsum(np.diff(stream.offsets)[documents]))
    counts = np.zeros(len(vocabulary.tokens), np.int64)
    if offsets[-1] == 0:
        raise ArtifactError(
            f"{folder}: none of the {len(documents)} sampled documents holds a token: "
            "sample more documents"
        )
    with writing(folder / "ids.npy") as part:
        ids = open_memmap(part, "w+", stream.ids.dtype, (int(offsets[-1]),))
        for start in tqdm(range(0, len(documents), DOCUMENTS), unit_scale=DOCUMENTS, disable=None):
            chosen = documents[start : start + DOCUMENTS]
            spans = [slice(*stream.offsets[document : document + 2]) for document in chosen]
            block = np.concatenate([stream.ids[span] for span in spans])
            ids[offsets[start] : offsets[start] + len(block)] = block
            counts += np.bincount(block, minlength=len(counts))
        ids.flush()
    counts[vocabulary.tokens.index(UNKNOWN)] = 0
    write_array(folder / "offsets.npy", offsets)
    write_array(folder / "counts.npy", counts)


def load_text(folder: Path, vocabulary_size: int) -> Text:
    """Open what `save_text` wrote, the ids memory-mapped.

    Raises ArtifactError if a file is missing, cut short, or does not fit the others or the
    vocabulary.
    """
    ids, offsets, counts = (read_array(folder / f"{n}.npy") for n in ("ids", "offsets", "counts"))
    fits = (
        (ids.dtype.kind, offsets.dtype, counts.dtype) == ("u", np.int64, np.int64)
        and len(offsets) > 1
        and offsets[0] == 0
        and offsets[-1] == len(ids)
        and bool(np.all(offsets[1:] >= offsets[:-1]))
        and ids.max(initial=0) < len(counts) == vocabulary_size
        and counts.min(initial=0) >= 0
        and counts.max(initial=0) <= len(ids)
        and counts.sum() <= len(ids)
    )
    if not fits:
        raise ArtifactError(
            f"{folder}: {len(ids)} ids, {len(offsets)} offsets and {len(counts)} counts do not "
            f"belong together, or not to a vocabulary of {vocabulary_size}: delete the folder and "
            "run again"
        )
    return Text(ids, np.array(offsets), np.array(counts))


def first_documents(text: Text, documents: int | None) -> Text:
    """The text of the first documents, with its own counts; as it is if no number is given.

    Raises ArtifactError if the text has fewer.
    """
    if documents is None:
        return text
    if documents >= len(text.offsets):
        raise ArtifactError(
            f"a recipe asks for {documents} documents, but the text has {len(text.offsets) - 1}: "
            "lower the documents of the recipe or sample more"
        )
    ids = text.ids[: text.offsets[documents]]
    counts = np.bincount(ids, minlength=len(text.counts)) * (text.counts > 0)
    return Text(ids, text.offsets[: documents + 1], counts)

"""Which documents each stage sees, and the text that word vectors learn from.

Documents are drawn with a seed; training, validation and test documents are disjoint. The text is
the drawn training documents, written out once, one after the other, so that a recipe reads them
from disk in order and its memory does not grow with the text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from tqdm import tqdm

from sgns_study import artifacts, params
from sgns_study.artifacts import ArtifactError, reading
from sgns_study.corpora.documents import SPLITS, TEST, TRAIN, UNLABELLED
from sgns_study.randomness import generator
from sgns_study.splits import split_sizes
from sgns_study.tokens import UNKNOWN, Stream, Vocabulary, load_stream

Sample = dict[str, NDArray[np.int64]]  # role → documents, in the order they are used
EMBEDDING = ("train", "validation")  # roles of a sample
CLASSIFIER = (*EMBEDDING, "test")
BLOCK = 1000  # documents in memory at a time while the text is written


@dataclass(frozen=True)
class Text:
    """The text that word vectors learn from; document i is `ids[offsets[i]:offsets[i + 1]]`.

    ids: uint16 or uint32 (tokens,), on disk; offsets: int64 (documents + 1,);
    counts: int64 (V,), how often each id occurs, zero for the pad and for the unknown token.
    """

    ids: NDArray[Any]
    offsets: NDArray[np.int64]
    counts: NDArray[np.int64]


def draw_embedding_sample(split: NDArray[np.uint8], settings: params.EmbeddingSample) -> Sample:
    """Draw the documents that vectors are trained and validated on.

    `split` (documents,) is the split of each document of the corpus. Test documents are drawn only
    if the settings ask for them. Further documents follow the others, so that the first n are the
    same with and without them.
    """
    rng = generator(settings.seed, "sample", "embedding")
    drawn = draw(split, embedding_splits(settings), settings.documents, rng)
    sizes = split_sizes(len(drawn), settings.validation_fraction)
    train, validation = np.split(drawn, sizes[:1])
    if further := settings.further:
        more = draw(split, embedding_splits(further), further.documents, rng, without=drawn)
        train = np.append(train, more)
    return {"train": train, "validation": validation}


def draw_classifier_sample(
    split: NDArray[np.uint8],
    labels: NDArray[np.int16],
    films: NDArray[np.str_] | None,
    settings: params.ClassifierSample,
    seed: int,
) -> Sample:
    """Draw the documents that the classifiers of a seed are trained and validated on.

    Both are drawn from the training split; the whole test split is tested on, once at the end.
    `films` (documents,), the film of each, keeps all documents of a film on one side.
    """
    rng = generator(seed, "sample", "classifier")
    drawn = draw(split, [TRAIN], settings.documents, rng)
    if films is not None:
        held_out = whole_films(films[drawn], labels[drawn], settings.validation_fraction, rng)
        train, validation = drawn[~held_out], drawn[held_out]
    else:
        sizes = split_sizes(len(drawn), settings.validation_fraction)
        train, validation = np.split(drawn, sizes[:1])
    return {"train": train, "validation": validation, "test": np.flatnonzero(split == TEST)}


def whole_films(
    films: NDArray[np.str_], labels: NDArray[np.int16], fraction: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Which documents are held out for validation: whole films, (documents,).

    Films come in random order. Each that fits into what is still wanted of every class is taken,
    then each that fits into what is wanted in all, so that less than one film is wanting in the
    end. Raises ArtifactError if there is none so small.
    """
    _, film = np.unique(films, return_inverse=True)
    classes, label = np.unique(labels, return_inverse=True)
    sizes = np.zeros((film.max() + 1, len(classes)), np.int64)  # documents of each film and class
    np.add.at(sizes, (film, label), 1)
    taken, order = np.zeros(len(sizes), bool), rng.permutation(len(sizes))
    of_class = sizes, np.floor(sizes.sum(axis=0) * fraction)
    in_all = sizes.sum(axis=1, keepdims=True), split_sizes(len(films), fraction)[1]
    for parts, wanted in (of_class, in_all):
        left = wanted - parts[taken].sum(axis=0)
        for number in order[~taken[order]]:
            if np.all(parts[number] <= left):
                taken[number] = True
                left -= parts[number]
    if not taken.any():
        raise ArtifactError(
            f"sampling.classifier: every film has more of the {len(films)} documents than "
            f"validation_fraction {fraction} asks for: draw more documents"
        )
    return taken[film]


def embedding_splits(settings: params.EmbeddingSample | params.FurtherText) -> list[int]:
    """The splits that documents for word vectors are drawn from."""
    return [TRAIN] + [UNLABELLED] * settings.unlabelled + [TEST] * settings.test


def draw(
    split: NDArray[np.uint8],
    sources: Sequence[int],
    documents: int | None,
    rng: np.random.Generator,
    without: Sequence[int] | NDArray[np.int64] = (),
) -> NDArray[np.int64]:
    """Draw documents of the splits `sources` in random order, none of them from `without`.

    Draws all of them if `documents` is None. Raises ArtifactError if there are fewer.
    """
    pool = np.setdiff1d(np.flatnonzero(np.isin(split, sources)), without)
    if documents is not None and documents > len(pool):
        raise ArtifactError(
            f"sampling: {documents} {'further ' if len(without) else ''}documents are asked for, "
            f"but the corpus has {len(pool)} in "
            f"{' and '.join(SPLITS[source] for source in sources)}: lower documents"
        )
    return rng.permutation(pool)[:documents]


def first_documents(sample: Sample, documents: int) -> Sample:
    """Keep the first training documents, and the same fraction of the validation documents.

    Of 20,000 and 5,000 documents, 100 and 25 are kept; at least one validation document is kept.
    Raises ArtifactError if there are fewer training documents.
    """
    train, validation = sample["train"], sample["validation"]
    if documents > len(train):
        raise ArtifactError(
            f"experiments: {documents} labelled documents are asked for, but the sample trains on "
            f"{len(train)}: lower documents"
        )
    kept = max(1, round(len(validation) * documents / len(train)))
    return sample | {"train": train[:documents], "validation": validation[:kept]}


def first_of_text(text: Text, documents: int | None) -> Text:
    """The first documents of a text with their own counts; all of it if `documents` is None.

    Raises ArtifactError if the text has fewer documents.
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


def load_films(documents: Path) -> NDArray[np.str_]:
    """Read the film of each document from the column group of `documents.csv`."""
    with reading(documents, "it names no film of each document"):
        return artifacts.read_table(documents, text=("group",))["group"].to_numpy(np.str_)


def save_sample(path: Path, sample: Sample) -> None:
    """Write the columns role and document; rows are in the order of use."""
    parts = [pd.DataFrame({"role": role, "document": part}) for role, part in sample.items()]
    artifacts.write_table(path, pd.concat(parts))


def load_sample(path: Path, roles: Sequence[str], documents: int) -> Sample:
    """Read what `save_sample` wrote for these roles, of a corpus of so many documents."""
    table = artifacts.read_table(path)
    expected = f"the roles {', '.join(roles)} of documents 0 to {documents - 1}"
    with reading(path, f"expected the columns role and document, with {expected}"):
        drawn, role = artifacts.whole(table["document"]), table["role"]
        if set(role) != set(roles) or drawn.min() < 0 or drawn.max() >= documents:
            raise ValueError("another role or document")
        if (twice := table["document"].duplicated()).any():
            raise ValueError(f"document {drawn[twice.idxmax()]} is drawn twice")
    return {name: drawn[role == name] for name in roles}


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
    with artifacts.writing(folder / "ids.npy") as part:
        ids = open_memmap(part, "w+", stream.ids.dtype, (int(offsets[-1]),))
        for start in tqdm(range(0, len(documents), BLOCK), unit_scale=BLOCK, disable=None):
            chosen = documents[start : start + BLOCK]
            spans = [slice(*stream.offsets[document : document + 2]) for document in chosen]
            block = np.concatenate([stream.ids[span] for span in spans])
            ids[offsets[start] : offsets[start] + len(block)] = block
            counts += np.bincount(block, minlength=len(counts))
        ids.flush()
    counts[vocabulary.tokens.index(UNKNOWN)] = 0
    artifacts.write_array(folder / "offsets.npy", offsets)
    artifacts.write_array(folder / "counts.npy", counts)


def load_text(folder: Path, vocabulary_size: int) -> Text:
    """Open what `save_text` wrote; the ids stay on disk, memory-mapped."""
    ids, offsets = load_stream(folder, vocabulary_size)
    counts = artifacts.read_array(folder / "counts.npy")
    if len(counts) != vocabulary_size or counts.dtype != np.int64 or counts.min() < 0:
        raise ArtifactError(
            f"{folder / 'counts.npy'}: found {len(counts)} counts, expected {vocabulary_size}, "
            "none of them negative: delete the folder and run again"
        )
    return Text(ids, np.array(offsets), np.array(counts))

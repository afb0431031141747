"""Which documents each stage sees: drawn with a seed, disjoint where they must be, and saved."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sgns_study import params
from sgns_study.artifacts import ArtifactError, read_table, write_table
from sgns_study.corpora.documents import SPLITS, TEST, TRAIN, UNLABELLED
from sgns_study.randomness import generator
from sgns_study.splits import split_sizes

Sample = dict[str, NDArray[np.int64]]  # role → documents, in the order they are used
EMBEDDING = ("train", "validation")  # roles of a sample
CLASSIFIER = (*EMBEDDING, "test")


def draw_embedding_sample(split: NDArray[np.uint8], settings: params.EmbeddingSample) -> Sample:
    """Documents that vectors are trained and validated on; one of the test only if so asked for.

    `split` (documents,) names the part of the corpus each document is of. Further documents stand
    behind the others, so that the first n are the same with and without them.
    """
    sources = [TRAIN] + [UNLABELLED] * settings.unlabelled + [TEST] * settings.test
    rng = generator(settings.seed, "sample", "embedding")
    train, validation = draw(split, sources, settings.documents, settings.validation_fraction, rng)
    if settings.further:
        more = further_documents(split, settings.further, np.append(train, validation), rng)
        train = np.append(train, more)
    return {"train": train, "validation": validation}


def further_documents(
    split: NDArray[np.uint8],
    settings: params.FurtherText,
    drawn: NDArray[np.int64],
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Shuffled documents that are not among those already `drawn`.

    Raises ArtifactError if fewer are left than asked for.
    """
    sources = [TRAIN] + [UNLABELLED] * settings.unlabelled + [TEST] * settings.test
    left = np.setdiff1d(np.flatnonzero(np.isin(split, sources)), drawn)
    check_enough(settings.documents, len(left), sources, "further documents")
    return rng.permutation(left)[: settings.documents]


def draw_classifier_sample(
    split: NDArray[np.uint8], settings: params.ClassifierSample, seed: int
) -> Sample:
    """Documents that the classifiers of a seed are trained, selected and, once, tested on.

    Training and validation are drawn from the corpus's training part; test is all of its test part.
    """
    rng = generator(seed, "sample", "classifier")
    train, validation = draw(split, [TRAIN], settings.documents, settings.validation_fraction, rng)
    return {"train": train, "validation": validation, "test": np.flatnonzero(split == TEST)}


def first_documents(sample: Sample, documents: int) -> Sample:
    """The sample with the first `documents` to train on, and as large a share of its validation.

    So of 20,000 and 5,000 documents 100 and 25 are left; at least one is left to validate.
    Raises ArtifactError if there are fewer to train on.
    """
    train, validation = sample["train"], sample["validation"]
    if documents > len(train):
        raise ArtifactError(
            f"experiments: {documents} labelled documents are asked for, but the sample trains on "
            f"{len(train)}: lower documents"
        )
    share = max(1, round(len(validation) * documents / len(train)))
    return sample | {"train": train[:documents], "validation": validation[:share]}


def draw(
    split: NDArray[np.uint8],
    sources: Sequence[int],
    documents: int | None,
    validation_fraction: float,
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Shuffled training and validation documents from some parts of the corpus, all different.

    Takes all documents of those parts if no number is given. Raises ArtifactError if they hold
    fewer documents.
    """
    pool = np.flatnonzero(np.isin(split, sources))
    check_enough(documents, len(pool), sources, "documents")
    drawn = rng.permutation(pool)[:documents]
    train_size, _ = split_sizes(len(drawn), validation_fraction)
    return drawn[:train_size], drawn[train_size:]


def check_enough(documents: int | None, available: int, sources: Sequence[int], what: str) -> None:
    """Raise ArtifactError if more documents are asked for than there are."""
    if documents is not None and documents > available:
        parts = " and ".join(SPLITS[source] for source in sources)
        raise ArtifactError(
            f"sampling: {documents} {what} are asked for, but the corpus has {available} in "
            f"{parts}: lower documents"
        )


def load_splits(documents: Path) -> NDArray[np.uint8]:
    """The part of the corpus of each document, from `documents.csv`: a place in `SPLITS`."""
    table = read_table(documents)
    split = table["split"] if "split" in table else pd.Series([None] * len(table))
    place = split.map({name: i for i, name in enumerate(SPLITS)})
    if place.isna().any():
        raise ArtifactError(
            f"{documents}: document {place.isna().idxmax()} has a split other than "
            f"{', '.join(SPLITS)}: delete it and run again"
        )
    return place.to_numpy(np.uint8)


def save_sample(path: Path, sample: Sample) -> None:
    """Write columns role, document; the order of the rows is the order of use."""
    parts = [pd.DataFrame({"role": role, "document": part}) for role, part in sample.items()]
    write_table(path, pd.concat(parts))


def load_sample(path: Path, roles: Sequence[str], documents: int) -> Sample:
    """Read what `save_sample` wrote for these roles, of so many documents in the corpus.

    Raises ArtifactError if a role or a document is another, or a document is drawn twice.
    """
    table = read_table(path)
    if list(table.columns) != ["role", "document"] or table["document"].dtype.kind != "i":
        raise ArtifactError(
            f"{path}: expected the columns role and document, a number: delete it and run again"
        )
    if set(table["role"]) != set(roles) or not table["document"].between(0, documents - 1).all():
        raise ArtifactError(
            f"{path}: expected the roles {', '.join(roles)} of documents 0 to {documents - 1}: "
            "delete it and run again"
        )
    twice = table["document"].duplicated()
    if twice.any():
        raise ArtifactError(
            f"{path}: document {table['document'][twice.idxmax()]} is drawn twice: "
            "delete it and run again"
        )
    return {
        str(role): part["document"].to_numpy(np.int64)
        for role, part in table.groupby("role", sort=False)
    }

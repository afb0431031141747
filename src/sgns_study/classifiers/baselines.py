"""Baselines that a practitioner would try first, on the same documents as the Conv1d classifier.

They read whole documents. What they choose, they choose on validation by the rule of the Conv1d
classifier (the best accuracy); the test is scored once, and its labels are never looked at.
Every solver is deterministic: on one thread the same documents give the same bits.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import expit, log_expit, softmax
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sgns_study.errors import StudyError
from sgns_study.tokens import PAD_ID, TokenStream, truncated

MIN_DOCUMENTS = 2  # training documents that must have a word or bigram
BIGRAM_SHIFT = np.uint64(32)  # a bigram is its first id + 1 above this bit and its second below
LARGEST_ID = 2**32 - 2
SMOOTHING = 1.0  # α of Wang & Manning

Settings = Mapping[str, float]
Features = Any  # a row a document, dense or sparse, as scikit-learn takes them
Labels = NDArray[Any]
Probabilities = NDArray[np.float64]  # (documents, classes), rows sum to 1


class BaselineError(StudyError):
    """The baseline cannot be trained on what it was given; the message says the remedy."""


@dataclass(frozen=True)
class TokenDocuments:
    """Whole documents of one split: document i is `ids[offsets[i]:offsets[i + 1]]`."""

    ids: NDArray[Any]  # (tokens,), whole numbers from 0 to 2^32 − 2
    offsets: NDArray[np.int64]  # (documents + 1,)
    labels: NDArray[Any]  # (documents,), 0 to C − 1

    @classmethod
    def of(cls, stream: TokenStream, documents: NDArray[np.int64]) -> "TokenDocuments":
        """The documents of a token stream that have these numbers, in this order."""
        longest = int(np.diff(stream.offsets).max())
        return cls(*truncated(stream, documents, longest), stream.labels[documents])


@dataclass(frozen=True)
class Baseline:
    """What a trained baseline leaves."""

    validation_accuracy: float
    validation_loss: float  # mean cross-entropy
    probabilities: Probabilities  # of the test documents
    settings: Settings  # chosen on validation


class Classifier(Protocol):
    """A trained classifier, as scikit-learn's."""

    def predict_proba(self, features: Features, /) -> Probabilities:
        """Probabilities of the classes of documents, given their features."""


# Trains a classifier for each of the settings to choose from.
Candidates = Callable[[Features, Labels], Iterator[tuple[Settings, Classifier]]]


def train_baseline(
    name: str,
    train: TokenDocuments,
    validation: TokenDocuments,
    test: TokenDocuments,
    vectors: NDArray[np.floating[Any]] | None = None,
) -> Baseline:
    """Train one of `BASELINES`.

    vectors (V, d): row i belongs to id i; a row of zeros is a word without a vector. Read by the
    baselines that need them. The test's labels are not used.

    Raises BaselineError if the name, the documents or the vectors do not fit.
    """
    if name not in BASELINES:
        raise BaselineError(f"baseline: found {name!r}, allowed are {', '.join(BASELINES)}")
    for split, documents in (("train", train), ("validation", validation), ("test", test)):
        check_documents(split, documents)
    check_labels(train.labels, validation.labels)
    kind = BASELINES[name]
    if not kind.needs_vectors:
        return kind.train(train, validation, test)
    largest = max(int(part.ids.max(initial=0)) for part in (train, validation, test))
    return kind.train(train, validation, test, checked_vectors(name, vectors, largest))


def majority(train: TokenDocuments, validation: TokenDocuments, test: TokenDocuments) -> Baseline:
    """The most frequent class of training; its probabilities are the classes' shares there."""

    def features(documents: TokenDocuments) -> Features:
        return np.empty((len(documents.labels), 0))

    def candidates(x: Features, y: Labels) -> Iterator[tuple[Settings, Classifier]]:
        yield {}, DummyClassifier(strategy="prior").fit(x, y)

    return best_on_validation(features, candidates, train, validation, test)


def tfidf_lr(train: TokenDocuments, validation: TokenDocuments, test: TokenDocuments) -> Baseline:
    """Logistic regression on (1 + ln tf)·idf of words and bigrams, documents of length 1."""
    vocabulary = term_vocabulary(train)
    weighting = TfidfTransformer(sublinear_tf=True).fit(count_terms(train, vocabulary))

    def features(documents: TokenDocuments) -> Features:
        return weighting.transform(count_terms(documents, vocabulary))

    def candidates(x: Features, y: Labels) -> Iterator[tuple[Settings, Classifier]]:
        for c in (1, 10, 100):
            yield {"C": c}, LogisticRegression(C=c, solver="lbfgs", max_iter=1000).fit(x, y)

    return best_on_validation(features, candidates, train, validation, test)


def nbsvm(train: TokenDocuments, validation: TokenDocuments, test: TokenDocuments) -> Baseline:
    """Wang & Manning (2012) on words and bigrams, with logistic loss to have probabilities."""
    vocabulary = term_vocabulary(train)

    def features(documents: TokenDocuments) -> Features:
        return count_terms(documents, vocabulary).sign()

    def candidates(x: Features, y: Labels) -> Iterator[tuple[Settings, Classifier]]:
        classes = int(y.max()) + 1
        for c in (0.01, 0.1, 1):
            positive = [1] if classes == 2 else range(classes)
            parts = [NaiveBayesRegression.fit(x, y == label, c) for label in positive]
            for beta in (0.25, 0.5, 1):
                yield {"C": c, "beta": beta}, OneAgainstRest(parts, beta)

    return best_on_validation(features, candidates, train, validation, test)


def mean_lr(
    train: TokenDocuments,
    validation: TokenDocuments,
    test: TokenDocuments,
    vectors: NDArray[np.floating[Any]],
) -> Baseline:
    """Logistic regression on mean word vectors, each dimension standardised over training."""

    def candidates(x: Features, y: Labels) -> Iterator[tuple[Settings, Classifier]]:
        for c in (0.001, 0.01, 0.1, 1):
            regression = LogisticRegression(C=c, solver="newton-cholesky", max_iter=1000)
            yield {"C": c}, make_pipeline(StandardScaler(), regression).fit(x, y)

    features = partial(mean_vectors, vectors=vectors)
    return best_on_validation(features, candidates, train, validation, test)


class Kind(NamedTuple):
    """How a baseline is trained: its function, and whether that takes word vectors too."""

    train: Callable[..., Baseline]
    needs_vectors: bool


BASELINES = {
    "tfidf_lr": Kind(tfidf_lr, needs_vectors=False),
    "nbsvm": Kind(nbsvm, needs_vectors=False),
    "mean_lr": Kind(mean_lr, needs_vectors=True),
    "majority": Kind(majority, needs_vectors=False),
}


def best_on_validation(
    features: Callable[[TokenDocuments], Features],
    candidates: Candidates,
    train: TokenDocuments,
    validation: TokenDocuments,
    test: TokenDocuments,
) -> Baseline:
    """Train the candidates and let the best on validation predict the test.

    The best has the highest accuracy, then the lowest loss, then came first. It is not trained
    again on validation.
    """
    held_out, labels = features(validation), validation.labels
    best, chosen = (-1.0, 0.0), None
    for settings, classifier in candidates(features(train), train.labels):
        probabilities = classifier.predict_proba(held_out)
        accuracy = float((probabilities.argmax(axis=1) == labels).mean())
        loss = float(log_loss(labels, probabilities, labels=np.arange(probabilities.shape[1])))
        if (accuracy, -loss) > best:
            best, chosen = (accuracy, -loss), (settings, classifier)
    assert chosen is not None  # every baseline has a candidate
    settings, classifier = chosen
    probabilities = classifier.predict_proba(features(test))
    return Baseline(best[0], -best[1], probabilities, settings)


def terms(documents: TokenDocuments) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    """Words and bigrams of documents as one number each, and the document of each.

    A word is its own id. Bigrams do not cross documents.
    """
    ids = documents.ids.astype(np.uint64)
    lengths = np.diff(documents.offsets)
    place = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    bigrams = ((ids[:-1] + np.uint64(1)) << BIGRAM_SHIFT) | ids[1:]
    inside = place[:-1] == place[1:]
    return np.concatenate([ids, bigrams[inside]]), np.concatenate([place, place[1:][inside]])


def count_terms(documents: TokenDocuments, vocabulary: NDArray[np.uint64]) -> sparse.csr_matrix:
    """How often each document has each term of the vocabulary, float64 (documents, terms)."""
    found, place = terms(documents)
    column = pd.Index(vocabulary).get_indexer(found)  # −1 if not there
    known = column >= 0
    shape = len(documents.labels), len(vocabulary)
    return sparse.csr_matrix((np.ones(known.sum()), (place[known], column[known])), shape)


def term_vocabulary(train: TokenDocuments) -> NDArray[np.uint64]:
    """Terms of at least `MIN_DOCUMENTS` documents, ascending: words before bigrams.

    Raises BaselineError if there is none.
    """
    found = np.unique(terms(train)[0])
    documents = np.bincount(count_terms(train, found).indices, minlength=len(found))
    kept = found[documents >= MIN_DOCUMENTS]
    if len(kept) == 0:
        raise BaselineError(
            f"train split: none of {len(found)} words and bigrams is in {MIN_DOCUMENTS} or more "
            f"of the {len(train.labels)} documents: train on more documents"
        )
    return kept


def log_count_ratio(present: sparse.csr_matrix, positive: NDArray[np.bool_]) -> NDArray[np.float64]:
    """r = ln((p / ‖p‖₁) / (q / ‖q‖₁)), (terms,), of Wang & Manning (2012).

    present (documents, terms): 1 where a document has a term; p and q: α plus the number of
    positive and of other documents that have it.
    """
    p = SMOOTHING + np.asarray(present[positive].sum(axis=0)).ravel()
    q = SMOOTHING + np.asarray(present[~positive].sum(axis=0)).ravel()
    return np.log(p / p.sum()) - np.log(q / q.sum())


@dataclass(frozen=True)
class NaiveBayesRegression:
    """Logistic regression of one class against the rest on presence times log-count ratio."""

    ratio: NDArray[np.float64]  # (terms,), r
    weights: NDArray[np.float64]  # (terms,), w
    bias: float
    prior: float  # ln(positive documents / others), the bias of naive Bayes

    @classmethod
    def fit(
        cls, present: sparse.csr_matrix, positive: NDArray[np.bool_], C: float
    ) -> "NaiveBayesRegression":
        """Train on documents (documents, terms); C weighs their loss against ½‖w‖²."""
        ratio = log_count_ratio(present, positive)
        # The primal solver: the dual one visits the documents in random order.
        regression = LogisticRegression(C=C, solver="liblinear", dual=False)
        regression.fit(present.multiply(ratio).tocsr(), positive)
        prior = float(np.log(positive.sum() / (~positive).sum()))
        return cls(ratio, regression.coef_[0], float(regression.intercept_[0]), prior)

    def logits(self, present: sparse.csr_matrix, beta: float) -> NDArray[np.float64]:
        """Logits (documents,) with the weights w' = (1 − β)·w̄ + β·w, where w̄ is the mean of |w|.

        β = 1 is the regression; β near 0 decides as naive Bayes, whose weights are all alike.
        """
        mean = (1 - beta) * np.abs(self.weights).mean()
        weights = mean + beta * self.weights
        return present @ (self.ratio * weights) + mean * self.prior + beta * self.bias


@dataclass(frozen=True)
class OneAgainstRest:
    """Classes of one `NaiveBayesRegression` each, or of one for class 1 of two."""

    parts: list[NaiveBayesRegression]
    beta: float

    def predict_proba(self, present: sparse.csr_matrix, /) -> Probabilities:
        """Probabilities (documents, classes); of three or more classes, scaled to sum to 1."""
        logits = np.stack([part.logits(present, self.beta) for part in self.parts], axis=1)
        if len(self.parts) == 1:
            return expit(np.hstack([-logits, logits]))
        # A softmax of ln σ: the same, and whole where every σ is too small for a float.
        return softmax(log_expit(logits), axis=1)


def mean_vectors(
    documents: TokenDocuments, vectors: NDArray[np.floating[Any]]
) -> NDArray[np.float64]:
    """Mean vector of the words of each document, (documents, d), pads and zero rows left out.

    A document without any word that has a vector gets zeros.
    """
    known = np.any(vectors != 0, axis=1) & (np.arange(len(vectors)) != PAD_ID)
    shape = len(documents.labels), len(vectors)
    weights = known[documents.ids].astype(np.float64)
    counts = sparse.csr_matrix((weights, documents.ids, documents.offsets), shape)
    number = np.asarray(counts.sum(axis=1))
    return counts @ vectors.astype(np.float64) / np.maximum(number, 1)


def check_documents(split: str, documents: TokenDocuments) -> None:
    """Raise BaselineError unless ids, offsets and labels fit together."""
    ids, offsets, labels = documents.ids, documents.offsets, documents.labels
    fits = (
        len(labels) > 0
        and offsets.shape == (len(labels) + 1,)
        and offsets[0] == 0
        and offsets[-1] == len(ids)
        and (np.diff(offsets) >= 0).all()
        and 0 <= ids.min(initial=0) <= ids.max(initial=0) <= LARGEST_ID
    )
    if not fits:
        raise BaselineError(
            f"{split} split: found {len(ids)} ids, {len(offsets)} offsets and {len(labels)} "
            "labels, needed are a document or more, offsets from 0 to the number of ids, one more "
            "than labels, and ids from 0 to 2^32 − 2: draw the sample again"
        )


def check_labels(train: Labels, validation: Labels) -> None:
    """Raise BaselineError unless training has two or more classes, and all that are validated."""
    found = np.unique(train)
    if len(found) < 2 or found[0] != 0 or found[-1] != len(found) - 1:
        raise BaselineError(
            f"train split: found the labels {found.tolist()}, needed are 0 to C − 1, each in a "
            "document or more, C at least 2: train on more documents"
        )
    if not np.isin(validation, found).all():
        raise BaselineError(
            f"validation split: found the labels {np.unique(validation).tolist()}, training has "
            f"{found.tolist()}: train on more documents"
        )


def checked_vectors(
    name: str, vectors: NDArray[np.floating[Any]] | None, largest: int
) -> NDArray[np.floating[Any]]:
    """The vectors, or a BaselineError if they are missing, too few or not finite."""
    if vectors is None:
        raise BaselineError(f"{name}: found no vectors, needed is a table (V, d): give it vectors")
    if vectors.ndim != 2 or len(vectors) <= largest or not np.isfinite(vectors).all():
        raise BaselineError(
            f"{name}: found vectors of shape {vectors.shape}, needed are finite rows for the ids 0 "
            f"to {largest}: take vectors of the documents' vocabulary"
        )
    return vectors


def curves(fitted: Baseline, test_labels: NDArray[Any]) -> pd.DataFrame:
    """Loss and accuracy on validation and test, in the columns of a classifier's curves.

    There is one fit and no epoch, so that is empty.
    """
    scored = fitted.probabilities[np.arange(len(test_labels)), test_labels]
    with np.errstate(divide="ignore"):
        losses = -np.log(scored)
    accuracy = float((fitted.probabilities.argmax(axis=1) == test_labels).mean())
    rows = [
        ("validation", fitted.validation_loss, fitted.validation_accuracy),
        ("test", float(losses.mean()), accuracy),
    ]
    return pd.DataFrame(rows, columns=["split", "loss", "accuracy"]).assign(epoch=pd.NA)[
        ["epoch", "split", "loss", "accuracy"]
    ]

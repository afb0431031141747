"""Baselines that a practitioner would try first, on the same documents as the Conv1d classifier.

They read whole documents. Their settings are chosen on validation by the rule of the Conv1d
classifier, the best accuracy; the test is scored once, and its labels are never read. Every solver
is deterministic: on one thread the same documents give the same bits.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import expit, log_expit, softmax
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler

from sgns_study.errors import StudyError
from sgns_study.sgns.vectors import Vectors
from sgns_study.tokens import PAD_ID, TokenStream

Documents = list[NDArray[Any]]  # the ids of the words of each, below 2^32 − 1
Features = Any  # a row a document, dense or sparse, as scikit-learn takes them
Probabilities = NDArray[np.float64]  # (documents, classes), rows sum to 1
Settings = Mapping[str, float]
# Each is trained when it is asked for.
Candidates = Iterator[tuple[Settings, Callable[[Features], Probabilities]]]
FeaturesAndCandidates = tuple[Callable[[Documents], Features], Candidates]


class TokenDocuments(NamedTuple):
    """Whole documents of one split."""

    ids: Documents
    labels: NDArray[Any]  # (documents,), 0 to C − 1

    @classmethod
    def of(cls, stream: TokenStream, documents: NDArray[np.int64]) -> "TokenDocuments":
        """The documents of a token stream that have these numbers, in this order."""
        ids, offsets = np.asarray(stream.ids), stream.offsets
        return cls([ids[offsets[n] : offsets[n + 1]] for n in documents], stream.labels[documents])


class Baseline(NamedTuple):
    """The scores and the test predictions of a trained baseline."""

    validation_accuracy: float
    validation_loss: float  # mean cross-entropy
    probabilities: Probabilities  # of the test documents
    settings: Settings  # chosen on validation


def train_baseline(
    name: str,
    train: TokenDocuments,
    validation: TokenDocuments,
    test: TokenDocuments,
    vectors: Vectors | None = None,
) -> Baseline:
    """Train one of `BASELINES`, choose its settings on validation, and predict the test once.

    Those chosen have the highest accuracy, then the lowest loss, then come first; they are not
    trained again on validation. The test's labels are not used.

    vectors: row i belongs to id i; needed by `mean_lr` alone. Raises StudyError if the classes
    of the splits do not fit, or if no word is in two training documents.
    """
    check_labels(train.labels, validation.labels)
    features, candidates = BASELINES[name](train, vectors)
    held_out, found = features(validation.ids), []
    for settings, predict in candidates:
        probabilities = predict(held_out)
        accuracy = float((probabilities.argmax(axis=1) == validation.labels).mean())
        classes = np.arange(probabilities.shape[1])
        loss = float(log_loss(validation.labels, probabilities, labels=classes))
        found.append((accuracy, loss, settings, predict))
    accuracy, loss, settings, predict = max(found, key=lambda scores: (scores[0], -scores[1]))
    return Baseline(accuracy, loss, predict(features(test.ids)), settings)


def majority(train: TokenDocuments, _: Vectors | None) -> FeaturesAndCandidates:
    """The most frequent class of training; its probabilities are the classes' shares there."""
    shares = np.bincount(train.labels) / len(train.labels)  # (classes,)
    return len, iter([({}, lambda documents: np.tile(shares, (documents, 1)))])


def tfidf_lr(train: TokenDocuments, _: Vectors | None) -> FeaturesAndCandidates:
    """Logistic regression on (1 + ln tf)·idf of words and bigrams, documents of length 1."""
    vectorizer, counts = count_terms(train.ids)
    weighting = TfidfTransformer(sublinear_tf=True).fit(counts)
    return (
        lambda documents: weighting.transform(vectorizer.transform(documents)),
        regressions(weighting.transform(counts), train.labels, "lbfgs", (1, 10, 100)),
    )


def nbsvm(train: TokenDocuments, _: Vectors | None) -> FeaturesAndCandidates:
    """Wang & Manning (2012) on words and bigrams, with logistic loss to have probabilities."""
    vectorizer, present = count_terms(train.ids, binary=True)
    classes = int(train.labels.max()) + 1
    positive = [1] if classes == 2 else range(classes)

    def candidates() -> Candidates:
        for c in (0.01, 0.1, 1):
            parts = [
                NaiveBayesRegression.fit(present, train.labels == label, c) for label in positive
            ]
            for beta in (0.25, 0.5, 1):
                yield {"C": c, "beta": beta}, partial(one_against_rest, parts=parts, beta=beta)

    return vectorizer.transform, candidates()


def mean_lr(train: TokenDocuments, vectors: Vectors | None) -> FeaturesAndCandidates:
    """Logistic regression on mean word vectors, each dimension standardised over training."""
    assert vectors is not None
    table = vectors.centre
    if vectors.counts is not None:  # rows that the text has not moved are no vectors of words
        table = np.where(vectors.counts[:, None] > 0, table, np.float32(0))
    means = mean_vectors(train.ids, table)
    scaler = StandardScaler().fit(means)
    return (
        lambda documents: scaler.transform(mean_vectors(documents, table)),
        regressions(
            scaler.transform(means), train.labels, "newton-cholesky", (0.001, 0.01, 0.1, 1)
        ),
    )


BASELINES = {"tfidf_lr": tfidf_lr, "nbsvm": nbsvm, "mean_lr": mean_lr, "majority": majority}


def regressions(
    x: Features, labels: NDArray[Any], solver: str, strengths: Sequence[float]
) -> Candidates:
    """Logistic regressions trained with each of the strengths C of the loss against ½‖w‖²."""
    for c in strengths:
        regression = LogisticRegression(C=c, solver=solver, max_iter=1000)
        yield {"C": c}, regression.fit(x, labels).predict_proba


def terms(ids: NDArray[Any]) -> list[int]:
    """Words and bigrams of a document (words,) as one number each, words below bigrams.

    A word is its own id; a bigram is its first id + 1 above the lowest 32 bits, its second below.
    """
    words = ids.astype(np.uint64)
    bigrams = ((words[:-1] + 1) << 32) | words[1:]
    return [*words.tolist(), *bigrams.tolist()]


def count_terms(
    train: Documents, binary: bool = False
) -> tuple[CountVectorizer, sparse.csr_matrix]:
    """A vectorizer with the vocabulary of training, ascending, and counts (documents, terms) there.

    Terms are in two training documents or more. Raises StudyError if there are none. binary: 1
    where a document has a term.
    """
    vectorizer = CountVectorizer(analyzer=terms, min_df=2, binary=binary, dtype=np.float64)
    try:
        counts = vectorizer.fit_transform(train)
    except ValueError:  # no term is left
        number = len(set().union(*map(terms, train)))
        raise StudyError(
            f"train split: none of {number} words and bigrams is in two or more of the "
            f"{len(train)} documents: train on more documents"
        ) from None
    counts.sort_indices()  # as `transform` leaves them: sums over a row have one order
    return vectorizer, counts


class NaiveBayesRegression(NamedTuple):
    """Logistic regression of one class against the rest on presence times log-count ratio.

    Wang & Manning (2012): r = ln((p / ‖p‖₁) / (q / ‖q‖₁)).
    """

    ratio: NDArray[np.float64]  # (terms,), r
    weights: NDArray[np.float64]  # (terms,), w
    bias: float
    prior: float  # ln(positive documents / others), the bias of naive Bayes

    @classmethod
    def fit(
        cls, present: sparse.csr_matrix, positive: NDArray[np.bool_], C: float
    ) -> "NaiveBayesRegression":
        """Train on the presence of terms (documents, terms); C weighs the loss against ½‖w‖².

        p and q, (terms,): α = 1 plus the positive and the other documents that have each term.
        """
        p = 1 + np.asarray(present[positive].sum(axis=0)).ravel()
        q = 1 + np.asarray(present[~positive].sum(axis=0)).ravel()
        ratio = np.log(p / p.sum()) - np.log(q / q.sum())
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


def one_against_rest(
    present: sparse.csr_matrix, parts: list[NaiveBayesRegression], beta: float
) -> Probabilities:
    """Probabilities (documents, classes) of one part a class, or of a single one for class 1 of 2.

    Those of three or more classes are scaled to sum to 1.
    """
    logits = np.stack([part.logits(present, beta) for part in parts], axis=1)
    if len(parts) == 1:
        return expit(np.hstack([-logits, logits]))
    # A softmax of ln σ is the same, and finite where every σ is too small for a float.
    return softmax(log_expit(logits), axis=1)


def mean_vectors(documents: Documents, table: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mean vector of the words of each document, (documents, d), without the pad and zero rows.

    A document without any word that has a vector gets zeros.
    """
    known = np.any(table != 0, axis=1) & (np.arange(len(table)) != PAD_ID)
    ids, offsets = np.concatenate(documents), np.cumsum([0, *map(len, documents)])
    counts = sparse.csr_matrix(
        (known[ids].astype(np.float64), ids, offsets), (len(documents), len(table))
    )
    number = np.asarray(counts.sum(axis=1))
    return counts @ table.astype(np.float64) / np.maximum(number, 1)


def check_labels(train: NDArray[Any], validation: NDArray[Any]) -> None:
    """Raise StudyError unless training has two or more classes, and all that are validated."""
    found = np.unique(train)
    every = found.tolist() == list(range(len(found))) and np.isin(validation, found).all()
    if len(found) < 2 or not every:
        raise StudyError(
            f"train split: validation has the labels {np.unique(validation).tolist()}, training "
            f"{found.tolist()}, needed are 0 to C − 1, each in a document or more, C at least 2: "
            "train on more documents"
        )


def curves(fitted: Baseline, test_labels: NDArray[Any]) -> pd.DataFrame:
    """Loss and accuracy on validation and test, in the columns of a classifier's curves.

    There is one fit and no epoch, so that is empty.
    """
    likelihood = fitted.probabilities[np.arange(len(test_labels)), test_labels]
    with np.errstate(divide="ignore"):
        loss = float((-np.log(likelihood)).mean())
    accuracy = float((fitted.probabilities.argmax(axis=1) == test_labels).mean())
    rows = [
        (pd.NA, "validation", fitted.validation_loss, fitted.validation_accuracy),
        (pd.NA, "test", loss, accuracy),
    ]
    return pd.DataFrame(rows, columns=["epoch", "split", "loss", "accuracy"])

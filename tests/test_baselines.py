"""Baselines against scikit-learn on the same documents as text, by hand, and on planted truth."""

from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse
from scipy.stats import binom
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB

from sgns_study.classifiers.baselines import (
    BASELINES,
    NaiveBayesRegression,
    TokenDocuments,
    count_terms,
    mean_vectors,
    one_against_rest,
    train_baseline,
)
from sgns_study.errors import StudyError
from sgns_study.sgns.vectors import Vectors
from sgns_study.tokens import TokenStream, Vocabulary

WORDS, DIM = 40, 8
LEARNING = [name for name in BASELINES if name != "majority"]


def packed(documents: list[list[int]], labels: list[int], dtype: str = "uint16") -> TokenDocuments:
    return TokenDocuments([np.array(ids, dtype) for ids in documents], np.array(labels, np.int8))


def as_text(documents: TokenDocuments) -> list[str]:
    return [" ".join(map(str, ids)) for ids in documents.ids]


def planted(n: int, seed: int, classes: int = 2, hints: int = 4) -> TokenDocuments:
    """Zipfian words 1 to 29, and in each document words of its class, 30 + 2·class or the next."""
    draw = np.random.default_rng(seed)
    labels = draw.integers(0, classes, n)
    labels[:classes] = range(classes)
    documents = []
    for label in labels:
        words = np.minimum(draw.zipf(1.3, draw.integers(5, 30)), 29)
        found = [*words, *(30 + 2 * label + draw.integers(0, 2, hints))]
        documents.append([int(word) for word in draw.permutation(found)])
    return packed(documents, labels.tolist())


def rows() -> NDArray[np.float32]:
    """Random rows of words, those of one class near each other."""
    draw = np.random.default_rng(9)
    table = draw.normal(size=(WORDS, DIM)).astype(np.float32)
    table[31::2] = table[30::2] + draw.normal(scale=0.1, size=(5, DIM))
    return table


def of_words(table: NDArray[np.float32], counts: NDArray[np.int64] | None = None) -> Vectors:
    return Vectors(table, None, [str(word) for word in range(len(table))], counts)


def fit(name: str, *splits: TokenDocuments) -> tuple[NDArray[np.float64], float]:
    """Probabilities of the test, and validation accuracy."""
    result = train_baseline(name, *splits, vectors=of_words(rows()))
    return result.probabilities, result.validation_accuracy


def accuracy(probabilities: NDArray[np.float64], documents: TokenDocuments) -> float:
    return float((probabilities.argmax(axis=1) == documents.labels).mean())


TRAIN, VALIDATION, TEST = planted(300, 1), planted(100, 2), planted(200, 3)


@pytest.mark.parametrize("dtype", ["uint16", "uint32"])
def test_counts_are_those_of_count_vectorizer(dtype: str) -> None:
    draw = np.random.default_rng(4)
    lengths = [0, 1, 2, *draw.integers(0, 12, 40), 0]
    largest = min(np.iinfo(dtype).max, 2**32 - 2)
    ids = np.array([0, 1, 2, 3, 7, largest - 1, largest], dtype)
    documents = [draw.choice(ids, length).tolist() for length in lengths]
    train = packed(documents[:30], [0] * 30, dtype)
    other = packed([*documents[30:], [11, 1, 11]], [0] * (len(documents) - 29), dtype)
    peer = CountVectorizer(token_pattern=r"\S+", ngram_range=(1, 2), min_df=2)
    expected = peer.fit(as_text(train))

    ours, counted = count_terms(train.ids)
    found = ours.get_feature_names_out().tolist()
    assert found == sorted(found)
    names = [
        str(term) if term < 1 << 32 else f"{(term >> 32) - 1} {term % (1 << 32)}" for term in found
    ]
    assert set(names) == set(expected.get_feature_names_out())
    order = [expected.vocabulary_[name] for name in names]
    for split, counts in ((train, counted), (other, ours.transform(other.ids))):
        assert counts.dtype == np.float64
        assert counts.has_sorted_indices
        np.testing.assert_array_equal(
            counts.toarray(), expected.transform(as_text(split)).toarray()[:, order]
        )


def test_log_count_ratio_by_hand() -> None:
    present = sparse.csr_matrix([[1.0, 1, 0], [1, 0, 0], [0, 1, 1]])
    positive = np.array([True, True, False])
    # p = 1 + (2, 1, 0) of 6, q = 1 + (0, 1, 1) of 5.
    expected = np.log([(3 / 6) / (1 / 5), (2 / 6) / (2 / 5), (1 / 6) / (2 / 5)])
    found = NaiveBayesRegression.fit(present, positive, C=1).ratio
    np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_interpolation_runs_from_naive_bayes_to_regression() -> None:
    present = count_terms(TRAIN.ids, binary=True)[1]
    positive = TRAIN.labels == 1
    model = NaiveBayesRegression.fit(present, positive, C=0.1)
    bayes = MultinomialNB(alpha=1).fit(present, positive).predict_joint_log_proba(present)
    np.testing.assert_allclose(
        model.logits(present, beta=0),
        np.abs(model.weights).mean() * (bayes[:, 1] - bayes[:, 0]),
        atol=1e-10,
    )
    weighted = present.toarray() * model.ratio
    peer = LogisticRegression(C=0.1, solver="liblinear").fit(weighted, positive)
    np.testing.assert_allclose(
        model.logits(present, beta=1), peer.decision_function(weighted), atol=1e-6
    )
    halfway = (model.logits(present, beta=0) + model.logits(present, beta=1)) / 2
    np.testing.assert_allclose(model.logits(present, beta=0.5), halfway, atol=1e-10)


def test_one_against_rest_by_hand() -> None:
    """Logits 2, 0 and −1 of three classes, and far below them, where σ underflows."""
    parts = [
        NaiveBayesRegression(np.array([1.0]), np.array([0.0]), bias, prior=0.0)
        for bias in (2.0, 0.0, -1.0)
    ]
    row = sparse.csr_matrix([[1.0]])
    sigmoids = 1 / (1 + np.exp([-2.0, 0.0, 1.0]))
    np.testing.assert_allclose(one_against_rest(row, parts, beta=1)[0], sigmoids / sigmoids.sum())
    low = [part._replace(bias=part.bias - 1000) for part in parts]
    exponentials = np.exp([2.0, 0.0, -1.0])  # σ(x) = eˣ there
    np.testing.assert_allclose(
        one_against_rest(row, low, beta=1)[0], exponentials / exponentials.sum()
    )
    two = one_against_rest(row, parts[:1], beta=1)[0]
    np.testing.assert_allclose(two, [1 - sigmoids[0], sigmoids[0]])


@pytest.mark.parametrize("classes", [2, 3])
def test_nbsvm_is_the_papers_written_out(classes: int) -> None:
    """Presence of terms from the text, dense; one regression a class, also with two classes."""
    splits = [planted(n, seed, classes, hints=1) for n, seed in ((60, 5), (80, 6), (50, 7))]
    labels = splits[0].labels
    peer = CountVectorizer(token_pattern=r"\S+", ngram_range=(1, 2), min_df=2, binary=True)
    peer.fit(as_text(splits[0]))
    x, held_out, test = (peer.transform(as_text(split)).toarray() for split in splits)

    candidates = []
    for c, beta in product((0.01, 0.1, 1), (0.25, 0.5, 1)):
        columns: list[list[NDArray[np.float64]]] = [[], []]
        for label in range(classes):
            p, q = 1 + x[labels == label].sum(axis=0), 1 + x[labels != label].sum(axis=0)
            ratio = np.log((p / p.sum()) / (q / q.sum()))
            model = LogisticRegression(C=c, solver="liblinear").fit(x * ratio, labels == label)
            weights, bias = model.coef_[0], model.intercept_[0]
            mean = np.abs(weights).mean()
            prior = np.log((labels == label).sum() / (labels != label).sum())
            for split, column in zip((held_out, test), columns):
                logit = split * ratio @ ((1 - beta) * mean + beta * weights)
                logit += (1 - beta) * mean * prior + beta * bias
                column.append(1 / (1 + np.exp(-logit)))
        shares = [np.array(column).T / np.sum(column, axis=0)[:, None] for column in columns]
        likelihood = shares[0][range(80), splits[1].labels]
        score = accuracy(shares[0], splits[1]), np.log(likelihood).mean()
        candidates.append((score, {"C": c, "beta": beta}, shares[1]))
    (expected, minus_loss), settings, probabilities = max(candidates, key=lambda one: one[0])

    found = train_baseline("nbsvm", *splits)
    assert found.settings == settings
    assert found.validation_accuracy == expected
    assert found.validation_loss == pytest.approx(-minus_loss, rel=1e-6)
    np.testing.assert_allclose(found.probabilities, probabilities, atol=1e-6)


def test_tfidf_regression_is_that_of_tfidf_vectorizer() -> None:
    """The terms are in another order, so equal up to rounding."""
    hard = [planted(n, seed, hints=1) for n, seed in ((60, 5), (80, 6), (50, 7))]
    train, validation, test = hard
    peer = TfidfVectorizer(token_pattern=r"\S+", ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    texts = [peer.fit(as_text(train)).transform(as_text(split)) for split in hard]
    found = train_baseline("tfidf_lr", train, validation, test)
    scores = {}
    for c in (1, 10, 100):
        model = LogisticRegression(C=c, max_iter=1000).fit(texts[0], train.labels)
        scores[c] = accuracy(model.predict_proba(texts[1]), validation)
        if c == found.settings["C"]:
            likelihood = model.predict_proba(texts[1])[range(80), validation.labels]
            assert found.validation_loss == pytest.approx(-np.log(likelihood).mean(), rel=1e-6)
            np.testing.assert_allclose(
                found.probabilities, model.predict_proba(texts[2]), atol=1e-6
            )
    assert found.validation_accuracy == scores[found.settings["C"]] == max(scores.values())


def test_mean_vectors_by_hand() -> None:
    table = np.array([[9, 9], [1, 2], [0, 0], [0, -4]], np.float32)  # pad; id 2 has no vector
    documents = packed([[1, 3, 3], [0, 1, 2, 0], [2, 0], []], [0, 0, 1, 1])
    expected = [[1 / 3, (2 - 4 - 4) / 3], [1, 2], [0, 0], [0, 0]]
    np.testing.assert_allclose(mean_vectors(documents.ids, table), expected, rtol=1e-15)


def test_mean_regression_standardises_by_training() -> None:
    """Whatever scale and offset the dimensions have, the probabilities are the same."""
    table = rows()
    moved = table * np.logspace(-3, 3, DIM) + np.arange(DIM)
    moved[0] = 0  # as the pad: words with a vector have one still
    plain = train_baseline("mean_lr", TRAIN, VALIDATION, TEST, of_words(table))
    other = train_baseline("mean_lr", TRAIN, VALIDATION, TEST, of_words(moved))
    np.testing.assert_allclose(plain.probabilities, other.probabilities, atol=1e-5)
    assert plain.settings == other.settings


def test_rows_that_the_text_of_the_vectors_has_not_moved_are_no_vectors() -> None:
    counts = np.arange(WORDS) % 3
    without = rows() * (counts > 0)[:, None]
    given, zeroed, all_rows = (
        train_baseline("mean_lr", TRAIN, VALIDATION, TEST, vectors).probabilities
        for vectors in (of_words(rows(), counts), of_words(without), of_words(rows()))
    )
    assert given.tobytes() == zeroed.tobytes()
    assert given.tobytes() != all_rows.tobytes()


def test_majority_is_the_most_frequent_class_of_training() -> None:
    train = packed([[1]] * 8, [0, 1, 1, 1, 2, 2, 2, 2])
    validation = packed([[1]] * 4, [2, 0, 1, 1])
    found = train_baseline("majority", train, validation, TEST)
    np.testing.assert_array_equal(found.probabilities, [[1 / 8, 3 / 8, 1 / 2]] * len(TEST.labels))
    assert found.validation_accuracy == 1 / 4
    likelihood = [1 / 2, 1 / 8, 3 / 8, 3 / 8]
    assert found.validation_loss == pytest.approx(-np.log(likelihood).mean())


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", LEARNING)
def test_planted_classes_are_learned(name: str, classes: int) -> None:
    splits = [planted(n, seed, classes) for n, seed in ((300, 1), (100, 2), (200, 3))]
    probabilities, validated = fit(name, *splits)
    assert probabilities.shape == (200, classes)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert probabilities.min() >= 0
    assert accuracy(probabilities, splits[2]) >= 0.9
    assert validated >= 0.9


@pytest.mark.parametrize("name", LEARNING)
def test_shuffled_labels_are_not_learned(name: str) -> None:
    draw = np.random.default_rng(0)
    shuffled = [part._replace(labels=draw.permutation(part.labels)) for part in (TRAIN, VALIDATION)]
    coin = TEST._replace(labels=draw.integers(0, 2, 200))
    probabilities, _ = fit(name, *shuffled, coin)
    right = round(200 * accuracy(probabilities, coin))
    assert binom.cdf(right, 200, 0.5) > 1e-4
    assert binom.sf(right - 1, 200, 0.5) > 1e-4


@pytest.mark.parametrize("name", BASELINES)
def test_the_same_bits_twice_and_whatever_the_labels_of_the_test(name: str) -> None:
    first = train_baseline(name, TRAIN, VALIDATION, TEST, of_words(rows()))
    other = TEST._replace(labels=1 - TEST.labels)
    again = train_baseline(name, TRAIN, VALIDATION, other, of_words(rows()))
    assert first.probabilities.tobytes() == again.probabilities.tobytes()
    assert first._replace(probabilities=again.probabilities) == again


@pytest.mark.parametrize("name", LEARNING)
def test_a_prediction_does_not_depend_on_the_other_test_documents(name: str) -> None:
    alone = packed([[30, 5, 31]], [0])
    beside = packed([[30, 5, 31], *[[32, 33, 1]] * 30], [0] * 31)
    probabilities, _ = fit(name, TRAIN, VALIDATION, alone)
    np.testing.assert_allclose(fit(name, TRAIN, VALIDATION, beside)[0][0], probabilities[0])


class Fixed:
    """A classifier of set probabilities of class 1, which knows what it was asked."""

    def __init__(self, validation: list[float]) -> None:
        self.validation = np.array(validation)
        self.asked: list[str] = []

    def predict_proba(self, features: str, /) -> NDArray[np.float64]:
        self.asked.append(features)
        chance = self.validation if features == "validation" else np.array([0.25])
        return np.stack([1 - chance, chance], axis=1)


def test_the_best_on_validation_predicts_the_test_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Accuracies 1/2, 1, 1 and 1; the second and third of the lowest loss are equal."""
    validation, test = (packed([[1]] * n, [0, 1][:n]) for n in (2, 1))
    models = [Fixed([0.6, 0.9]), Fixed([0.4, 0.6]), Fixed([0.2, 0.8]), Fixed([0.2, 0.8])]
    names = {id(validation.ids): "validation", id(test.ids): "test"}
    candidates = (({"number": number}, model.predict_proba) for number, model in enumerate(models))
    monkeypatch.setitem(
        BASELINES, "fixed", lambda *_: (lambda documents: names[id(documents)], candidates)
    )
    found = train_baseline("fixed", TRAIN, validation, test)
    assert found.settings == {"number": 2}
    assert found.validation_accuracy == 1
    assert found.validation_loss == pytest.approx(-np.log(0.8))
    np.testing.assert_array_equal(found.probabilities, [[0.75, 0.25]])
    assert [model.asked for model in models] == [
        ["validation"],
        ["validation"],
        ["validation", "test"],
        ["validation"],
    ]


def test_documents_of_a_stream_are_whole_and_in_the_order_asked_for() -> None:
    stream = TokenStream(
        np.array([5, 6, 7, 8, 9, 5], np.uint16),
        np.array([0, 4, 4, 5, 6]),
        np.zeros(4, np.uint8),
        np.array([1, 0, -1, 0], np.int8),
        Vocabulary([str(i) for i in range(10)], np.zeros(10, np.int64)),
    )
    found = TokenDocuments.of(stream, np.array([3, 0, 1]))
    assert as_text(found) == ["5", "5 6 7 8", ""]
    assert found.labels.tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train": TRAIN._replace(labels=0 * TRAIN.labels)}, r"train split.*\[0\]"),
        ({"train": TRAIN._replace(labels=2 * TRAIN.labels)}, r"train split.*\[0, 2\]"),
        ({"validation": VALIDATION._replace(labels=2 * VALIDATION.labels)}, r"\[0, 2\].*\[0, 1\]"),
        ({"train": packed([[1, 2], [3], []], [0, 1, 1])}, r"none of 4 words and bigrams"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, object], message: str) -> None:
    given = {"name": "nbsvm", "train": TRAIN, "validation": VALIDATION, "test": TEST}
    with pytest.raises(StudyError, match=message):
        train_baseline(**{**given, **change})  # type: ignore[arg-type]

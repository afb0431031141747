"""Intrinsic scores: equal to gensim's on the same vectors, and to the definition in a loop."""

import re
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from gensim.models import KeyedVectors, Word2Vec
from hypothesis import given, settings
from hypothesis import strategies as st

from sgns_study import params
from sgns_study.artifacts import ArtifactError
from sgns_study.corpora import planted
from sgns_study.errors import StudyError
from sgns_study.evaluation import intrinsic
from sgns_study.evaluation.intrinsic import (
    analogies,
    intrinsic_scores,
    neighbours,
    read_pairs,
    read_questions,
    recovery,
    similarity,
)

pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated `init_sims`")  # in gensim

METHODS = ["3cosadd", "3cosmul"]
WORDS = ["man", "king", "woman", "queen"]
RELATED = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 1], [0, 1, 1]], np.float32)
QUESTION = {"royal": [("man", "king", "woman", "queen")]}

Questions = dict[str, list[tuple[str, str, str, str]]]


class Multiplying(KeyedVectors):
    """gensim's analogies by 3CosMul: its argument `similarity_function` is never looked at."""

    def most_similar(self, positive, negative, topn, restrict_vocab):
        return self.most_similar_cosmul(positive, negative, topn, restrict_vocab)


def peer(table: np.ndarray, vocabulary: list[str], method: str = "3cosadd") -> KeyedVectors:
    vectors = (KeyedVectors if method == "3cosadd" else Multiplying)(table.shape[1])
    vectors.add_vectors(vocabulary, table)
    return vectors


def question_file(path: Path, questions: Questions) -> Path:
    path.write_text(
        "".join(
            f": {name}\n" + "".join(" ".join(question) + "\n" for question in section)
            for name, section in questions.items()
        )
    )
    return path


def offsets(
    rng: np.random.Generator, pairs: int = 200, relations: int = 8, dim: int = 12
) -> tuple[np.ndarray, list[str], Questions]:
    """Words a<i> and b<i> = a<i> + an offset + noise, so that about half the answers are right.

    Every tenth word comes again later in upper case, with another vector.
    """
    first = rng.normal(size=(pairs, dim))
    relation = np.arange(pairs) % relations
    second = first + 2 * rng.normal(size=(relations, dim))[relation]
    second += rng.normal(scale=0.6, size=second.shape)
    words = [f"{kind}{i}" for kind in "ab" for i in range(pairs)]
    order = rng.permutation(len(words))
    table = np.concatenate([first, second])[order]
    words = [words[i] for i in order]
    again = words[::10]
    table = np.concatenate([table, table[::10] + rng.normal(scale=0.5, size=(len(again), dim))])
    questions = {}
    for r in range(relations):
        x, y = rng.choice(np.flatnonzero(relation == r), (2, 40))
        different = [(i, j) for i, j in zip(x, y) if i != j]
        questions[f"relation {r}"] = [(f"a{i}", f"B{i}", f"A{j}", f"b{j}") for i, j in different]
    questions["half known"] = [("a1", "b1", "a9", "b9"), ("a1", "b1", "a9", "missing")]
    questions["unknown"] = [("a1", "b1", "nothing", "b2")]
    return table.astype(np.float32), [*words, *map(str.upper, again)], questions


def assert_equal_to_gensim(
    path: Path,
    table: np.ndarray,
    vocabulary: list[str],
    questions: Questions,
    method: str,
    restrict_vocab: int = 300_000,
) -> None:
    score, theirs = peer(table, vocabulary, method).evaluate_word_analogies(
        str(question_file(path, questions)), restrict_vocab
    )
    ours = analogies(table[:restrict_vocab], vocabulary[:restrict_vocab], questions, method)
    right = [len(section["correct"]) for section in [theirs[-1], *theirs[:-1]]]
    wrong = [len(section["incorrect"]) for section in [theirs[-1], *theirs[:-1]]]
    assert ours[1:].tolist() == [np.add(right, wrong).tolist(), right]
    assert list(questions) == [section["section"] for section in theirs[:-1]]
    assert ours[2, 0] / ours[1, 0] == pytest.approx(score)
    assert 0.05 < score < 0.95  # else the equality would say little


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("seed", [0, 1])
def test_analogies_equal_gensim(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, seed: int
) -> None:
    monkeypatch.setattr(intrinsic, "EPSILON", 1e-6)  # gensim's; the paper has 1e-3
    table, vocabulary, questions = offsets(np.random.default_rng(seed))
    assert_equal_to_gensim(tmp_path / "questions.txt", table, vocabulary, questions, method)


def test_analogies_of_the_first_rows_equal_gensim(tmp_path: Path) -> None:
    table, vocabulary, questions = offsets(np.random.default_rng(2))
    asked = (tmp_path / "questions.txt", table, vocabulary, questions, "3cosadd")
    assert_equal_to_gensim(*asked, restrict_vocab=320)
    counts = analogies(table[:320], vocabulary[:320], questions)
    assert 0 < counts[1, 0] < 0.9 * counts[0, 0]


def test_rows_beyond_the_restriction_might_as_well_not_be_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table, vocabulary, questions = offsets(np.random.default_rng(3))
    pairs = drawn_pairs(np.random.default_rng(4), vocabulary)

    def scores(rows: int) -> pd.DataFrame:
        return intrinsic_scores(
            table[:rows], vocabulary[:rows], {"judged": pairs}, {"asked": questions}, {}
        )

    alone, whole = scores(300), scores(len(vocabulary))
    assert not whole.equals(alone)
    monkeypatch.setattr(intrinsic, "RESTRICT_VOCAB", 300)
    assert scores(len(vocabulary)).equals(alone)


@pytest.mark.parametrize("method", METHODS)
def test_scores_of_trained_vectors_equal_gensim(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """The first three words of each planted set: from one to another in x as from c to d in y."""
    monkeypatch.setattr(intrinsic, "EPSILON", 1e-6)
    corpus = params.PlantedCorpus(kind="planted", train=1500, test=2, unlabelled=0, seed=1)
    texts = [document.text.split() for document in planted.generate(corpus)]
    model = Word2Vec(texts, vector_size=16, min_count=1, epochs=3, sg=1, seed=1, workers=1)
    sets = {name: words[:3] for name, words in planted.synonym_sets().items()}
    vocabulary = list(chain.from_iterable(sets.values()))
    table = model.wv[vocabulary]
    rng = np.random.default_rng(0)
    questions = {
        name: [
            (str(a).title(), str(b), str(c), str(d))
            for y in sets.values()
            if x != y
            for (a, b), (c, d) in [(rng.permutation(x)[:2], rng.permutation(y)[:2])]
        ]
        for name, x in sets.items()
    }
    assert_equal_to_gensim(tmp_path / "questions.txt", table, vocabulary, questions, method)

    judged = drawn_pairs(rng, [*vocabulary, "missing"])
    assert_similarity_equals_gensim(tmp_path / "pairs.txt", table, vocabulary, judged)


def drawn_pairs(rng: np.random.Generator, words: list[str]) -> list[tuple[str, str, float]]:
    """Pairs of different words: the cosine of a word with itself is 1 but for rounding."""
    drawn = zip(*rng.choice(words, (2, 500)).tolist(), rng.integers(10, size=500).tolist())
    return [pair for pair in drawn if pair[0].upper() != pair[1].upper()]


def assert_similarity_equals_gensim(
    path: Path,
    table: np.ndarray,
    vocabulary: list[str],
    pairs: Sequence[tuple[str, str, float]],
    restrict_vocab: int = 300_000,
) -> None:
    path.write_text("".join(f"{a}\t{b}\t{score}\n" for a, b, score in pairs))
    _, theirs, unknown = peer(table, vocabulary).evaluate_word_pairs(
        str(path), restrict_vocab=restrict_vocab
    )
    spearman, coverage = similarity(
        table[:restrict_vocab], vocabulary[:restrict_vocab], read_pairs(path)
    )
    assert spearman == pytest.approx(theirs.statistic, abs=1e-6)
    assert coverage == pytest.approx(1 - unknown / 100)


@pytest.mark.parametrize("restrict_vocab", [300_000, 150])
def test_similarity_equals_gensim(tmp_path: Path, restrict_vocab: int) -> None:
    rng = np.random.default_rng(4)
    table, vocabulary, _ = offsets(rng, pairs=100)
    pairs = drawn_pairs(rng, [*vocabulary, *map(str.title, vocabulary), "missing"])
    path = tmp_path / "pairs.txt"
    assert_similarity_equals_gensim(path, table, vocabulary, pairs, restrict_vocab)


def test_similarity_by_hand() -> None:
    table = np.array([[1, 0], [2, 2], [0, 3], [-1, 0.5]], np.float32)
    pairs = [("a", "b", 9.0), ("a", "c", 5.0), ("a", "d", 4.0), ("B", "D", 6.0), ("a", "e", 0.0)]
    # cosines 0.71, 0, −0.89, −0.32 have ranks 4, 3, 1, 2; people's 4, 2, 1, 3: 1 − 6·2/(4·15)
    assert similarity(table, list("abcd"), pairs) == (pytest.approx(0.8), 0.8)
    assert similarity(10 * table, list("abcd"), pairs) == (pytest.approx(0.8), 0.8)
    for rows, coverage in ((2, 0.2), (1, 0)):  # one pair, and none, has no ranks
        spearman, known = similarity(table[:rows], list("abcd")[:rows], pairs)
        assert np.isnan(spearman)
        assert known == coverage


def test_the_cosine_of_every_pair_by_hand() -> None:
    """Two sets in order, unknown words empty, rows beyond the restriction not looked at."""
    table = np.array([[1, 0], [2, 2], [0, 3]], np.float32)
    pairs = {"x": [("a", "B", 9.0), ("a", "d", 4.0)], "y": [("c", "a", 1.0), ("b", "c", 2.0)]}
    found = intrinsic.similarities(table, list("abc"), pairs)
    assert found[["dataset", "first", "second", "score"]].values.tolist() == [
        *[["x", "a", "B", 9.0], ["x", "a", "d", 4.0], ["y", "c", "a", 1.0], ["y", "b", "c", 2.0]],
    ]
    expected = [2**-0.5, np.nan, 0, 2**-0.5]
    assert found["cosine"].tolist() == pytest.approx(expected, nan_ok=True)
    assert list(intrinsic.similarities(table, list("abc"), {}).columns) == list(found.columns)


@pytest.mark.parametrize("method", METHODS)
def test_analogies_by_hand(method: str) -> None:
    assert analogies(RELATED, WORDS, QUESTION, method).tolist() == [[1, 1]] * 3
    opposite = {"royal": [("man", "king", "queen", "woman"), ("a", "b", "c", "d")], "empty": []}
    # the only word that is left is right, and half of the questions are asked
    assert analogies(RELATED, WORDS, opposite, method).tolist() == [[2, 2, 0], [1, 1, 0], [1, 1, 0]]


def correct(table: np.ndarray, words: list[str], questions: Questions, method: str) -> float:
    """Right answers to the questions of one section."""
    (_, right) = analogies(table, words, questions, method)[2]
    return right


@pytest.mark.parametrize("method", METHODS)
def test_words_asked_for_are_no_answers_in_any_case(method: str) -> None:
    table = np.concatenate([RELATED, [RELATED[3], RELATED[2]]])  # nearest: another `KING`
    vocabulary = [*WORDS, "KING", "Woman"]
    assert correct(table, vocabulary, QUESTION, method) == 1
    for kept in ([0, 2, 1], [0, 2, 5, 1]):  # no word is left, and no answer is right
        only = [vocabulary[row] for row in kept]
        question = {"repeated": [("man", "king", "woman", "king")]}
        assert correct(table[kept], only, question, method) == 0


@pytest.mark.parametrize("method", METHODS)
def test_another_case_of_the_answer_is_right(method: str) -> None:
    table, vocabulary = np.concatenate([RELATED, RELATED[3:]]), [*WORDS, "Queen"]
    table[3] = [1, -1, -1]
    assert correct(table, vocabulary, QUESTION, method) == 1


@pytest.mark.parametrize("method", METHODS)
def test_a_row_of_zeros_is_no_answer(method: str) -> None:
    table = np.concatenate([np.zeros((1, 3), np.float32), RELATED])
    table[-1] = [1, -1, -1]  # the right one, though its direction is the worst
    assert correct(table, ["[PAD]", *WORDS], QUESTION, method) == 1


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dim", [2, 5])
def test_answers_equal_the_definition(
    monkeypatch: pytest.MonkeyPatch, method: str, dim: int
) -> None:
    """A loop in float64; in two dimensions cosines come so near −1 that ε of 3CosMul decides."""
    rng = np.random.default_rng(dim)
    table = rng.normal(size=(60, dim)).astype(np.float32)
    questions = np.array([rng.permutation(60)[:3] for _ in range(400)])
    expected = [defined_answer(table, question, method, 1e-3) for question in questions]
    same_word = np.arange(60)
    np.testing.assert_array_equal(
        intrinsic.best_answers(table, same_word, questions, method), expected
    )
    if (method, dim) == ("3cosmul", 2):
        assert expected != [defined_answer(table, q, method, 1e-6) for q in questions]
    monkeypatch.setattr(intrinsic, "COSINES", 7 * 60)  # blocks do not change the answers
    monkeypatch.setattr(intrinsic, "COMBINED", 50)
    np.testing.assert_array_equal(
        intrinsic.best_answers(table, same_word, questions, method), expected
    )


def test_a_word_opposite_to_one_asked_for_leaves_the_other_answers() -> None:
    """Its cosine may come out below −1, of which 3CosMul takes the logarithm."""
    rng = np.random.default_rng(9)
    half = rng.normal(size=(40, 7)).astype(np.float32)
    table = np.concatenate([half, -3 * half])
    questions = np.array([rng.permutation(80)[:3] for _ in range(200)])
    answers = intrinsic.best_answers(table, np.arange(80), questions, "3cosmul")
    expected = [defined_answer(table, question, "3cosmul", 1e-3) for question in questions]
    np.testing.assert_array_equal(answers, expected)


def defined_answer(table: np.ndarray, question: np.ndarray, method: str, epsilon: float) -> int:
    unit = [row / np.sqrt(row @ row) for row in table.astype(float)]
    a, b, c = (unit[row] for row in question)

    def score(x: np.ndarray) -> float:
        if method == "3cosadd":
            return x @ (b - a + c)
        return (1 + x @ b) / 2 * (1 + x @ c) / 2 / ((1 + x @ a) / 2 + epsilon)

    return max(set(range(len(table))) - set(question), key=lambda row: score(unit[row]))


def test_neighbours_equal_gensim() -> None:
    table, vocabulary, _ = offsets(np.random.default_rng(5))
    theirs = peer(table, vocabulary)
    for word, near in neighbours(table, vocabulary, ["a1", "b7"], 20).items():
        words, cosines = zip(*theirs.most_similar(word, topn=20))
        ours, found = zip(*near)
        assert ours == words
        np.testing.assert_allclose(found, cosines, atol=1e-6)


def test_neighbours_by_hand() -> None:
    table = np.array([[0, 0], [1, 0], [1, 1], [-3, 0], [0, 2]], np.float32)
    vocabulary = ["[PAD]", "cold", "cool", "hot", "Warm"]
    found = neighbours(table, vocabulary, ["cold", "WARM"], 2)
    assert found == {
        "cold": [("cool", pytest.approx(0.5**0.5)), ("Warm", 0)],
        "WARM": [("cool", pytest.approx(0.5**0.5)), ("cold", 0)],
    }
    all_others = neighbours(table, vocabulary, ["cold"], 9)["cold"]
    assert [word for word, _ in all_others] == ["cool", "Warm", "hot"]
    assert all_others[-1][1] == -1


def test_the_spelling_asked_for_comes_before_another_case() -> None:
    table = np.array([[1, 0], [0, 1], [1, 0.1], [0.1, 1]], np.float32)
    vocabulary = ["us", "US", "we", "states"]
    nearest = neighbours(table, vocabulary, ["US", "us", "Us"], 1)
    assert [near[0][0] for near in nearest.values()] == ["states", "we", "we"]


def test_words_without_neighbours() -> None:
    with pytest.raises(StudyError, match=r"'quean' is not among the 4 .*did you mean queen"):
        neighbours(RELATED, WORDS, ["king", "quean"])
    with pytest.raises(StudyError, match=r"'QUEENS' .*did you mean queen"):
        neighbours(RELATED, WORDS, ["QUEENS"])
    with pytest.raises(StudyError, match="'xyz' is not among the 4 words, and none is like"):
        neighbours(RELATED, WORDS, ["xyz"])
    with pytest.raises(StudyError, match="'man' has no neighbours, for its vector is zero"):
        neighbours(0 * RELATED, WORDS, ["man"])


def test_recovery_by_hand() -> None:
    angles = np.array([0, 1, 3, 90, 92, 96, 180]) * np.pi / 180
    table = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    sets = {"right": list("abc"), "top": ["d", "e", "missing"]}
    # at 1: all of a, b, c, d, e; at 2: 1, 1, 1, ½, ½
    chance = (3 * 2 + 2 * 1) / 5 / 6
    vocabulary = list("abcdefg")
    assert recovery(table, vocabulary, sets, 1) == (1, pytest.approx(chance), 5 / 6)
    assert recovery(table, vocabulary, sets, 2) == (
        pytest.approx(0.8),
        pytest.approx(chance),
        5 / 6,
    )
    padded = np.concatenate([np.zeros((1, 2), np.float32), table])
    assert recovery(padded, ["missing", *vocabulary], sets, 2)[1:] == (
        pytest.approx(chance),
        5 / 6,
    )
    nothing = recovery(table, vocabulary, {"none": ["missing"]}, 5)
    assert np.isnan(nothing[:2]).all()
    assert nothing[2] == 0


def test_random_vectors_recover_synonyms_by_chance() -> None:
    sets = planted.synonym_sets()
    vocabulary = list(chain.from_iterable(sets.values()))
    table = np.random.default_rng(6).normal(size=(len(vocabulary), 50)).astype(np.float32)
    precision, chance, coverage = recovery(table, vocabulary, sets, 5)
    assert coverage == 1
    assert precision == pytest.approx(chance, abs=0.03)  # 6 standard errors
    names = np.repeat(list(sets), [len(words) for words in sets.values()])
    told = table + 3 * np.random.default_rng(7).normal(size=(len(sets), 50))[
        np.unique(names, return_inverse=True)[1]
    ].astype(np.float32)
    assert recovery(told, vocabulary, sets, 5)[0] > 0.95


def test_rows_of_one_model() -> None:
    pairs = [("man", "king", 2.0), ("man", "queen", 1.0), ("man", "jack", 1.0)]
    table = intrinsic_scores(
        RELATED,
        WORDS,
        {"judged": pairs},
        {"asked": QUESTION | {"empty": []}},
        {"truth": {"people": WORDS, "others": ["jack"]}},
    )
    assert list(table.columns) == ["dataset", "metric", "value", "coverage"]
    assert table.set_index(["dataset", "metric"]).index.is_unique
    rows = {(row.dataset, row.metric): (row.value, row.coverage) for row in table.itertuples()}
    assert rows["judged", "spearman"] == (pytest.approx(1), pytest.approx(2 / 3))
    assert rows["asked", "3cosadd"] == rows["asked/royal", "3cosmul"] == (1, 1)
    assert np.isnan(rows["asked/empty", "3cosadd"]).all()
    assert rows["truth", "precision_at_5"] == rows["truth", "chance_at_5"] == (1, 0.8)


GAPS = st.sampled_from([" ", "\t", "  ", " \t"])
ENDS = st.sampled_from(["\n", "\r\n", "\n\n", " \n"])
NAMES = st.text(st.characters(exclude_categories=["Z", "C"]), min_size=1, max_size=5).filter(
    lambda word: word[0] not in "#:"
)
NUMBERS = st.floats(-1e6, 1e6)


@settings(max_examples=50)
@given(rows=st.lists(st.tuples(NAMES, NAMES, NUMBERS, GAPS, ENDS), min_size=1))
def test_pairs_are_read_as_they_were_written(tmp_path_factory, rows) -> None:
    path = tmp_path_factory.mktemp("pairs") / "pairs.txt"
    text = "".join(f"{a}{gap}{b}{gap}{score!r}{end}" for a, b, score, gap, end in rows)
    path.write_bytes(f"\ufeff# word, word, score\n{text}".encode())
    assert read_pairs(path) == [row[:3] for row in rows]


@settings(max_examples=50)
@given(
    sections=st.dictionaries(
        NAMES,
        st.lists(st.tuples(NAMES, NAMES, NAMES, NAMES), min_size=1, max_size=4),
        min_size=1,
        max_size=4,
    ),
    gap=GAPS,
    end=ENDS,
)
def test_questions_are_read_as_they_were_written(tmp_path_factory, sections, gap, end) -> None:
    path = tmp_path_factory.mktemp("questions") / "questions.txt"
    text = "".join(
        f": {name}{end}" + "".join(gap.join(question) + end for question in section)
        for name, section in sections.items()
    )
    path.write_bytes(text.encode())
    assert read_questions(path) == sections


@settings(max_examples=50)
@given(
    before=st.integers(0, 20),
    words=st.lists(NAMES, min_size=1, max_size=7),
    score=st.sampled_from(["high", "nan", "inf", "1,5", "1"]),
)
def test_a_malformed_line_is_named(tmp_path_factory, before, words, score) -> None:
    path = tmp_path_factory.mktemp("malformed") / "file.txt"
    if (len(words), score) != (2, "1"):
        path.write_text("a b 1\n" * before + " ".join([*words, score]) + "\n", encoding="utf-8")
        with pytest.raises(ArtifactError, match=re.escape(f"{path}:{before + 1}: found `")):
            read_pairs(path)
    if len(words) != 4:
        path.write_text(": s\n" + "a b c d\n" * before + " ".join(words) + "\n", encoding="utf-8")
        with pytest.raises(ArtifactError, match=re.escape(f"{path}:{before + 2}: found `")):
            read_questions(path)


@pytest.mark.parametrize(
    ("read", "content", "problem"),
    [
        (read_pairs, b"", ": no pair of words"),
        (read_pairs, b"# a b 1\n\n", ": no pair of words"),
        (
            read_pairs,
            b"a b\n",
            ":1: found `a b`, expected two words and a number: correct the line",
        ),
        (read_pairs, b"one two score\na b 1\n", ":1: found `one two score`, expected two words"),
        (read_pairs, b"\xff b 1\n", ": not UTF-8"),
        (read_questions, b"", ": no analogy question"),
        (read_questions, b": empty\n", ": no analogy question"),
        (read_questions, b"a b c d\n", ":1: found `a b c d`, expected a section"),
        (read_questions, b": s\na b c d\n:\n", ":3: found `:`, expected the name of a section"),
        (read_questions, b": s\n\na b c\n", ":3: found `a b c`, expected four words"),
        (read_questions, b": s\n" + b"long " * 99, ":2: found `" + "long " * 12 + "…`"),
    ],
)
def test_errors_say_what_was_found(tmp_path: Path, read, content: bytes, problem: str) -> None:
    path = tmp_path / "file.txt"
    path.write_bytes(content)
    with pytest.raises(ArtifactError, match=re.escape(f"{path}{problem}")):
        read(path)
    with pytest.raises(ArtifactError, match="no such file: name another file"):
        read(tmp_path / "absent.txt")


@pytest.mark.real_data
def test_the_published_sets(tmp_path: Path, mirror: Path) -> None:
    sizes = {
        path.stem: len(read_pairs(path)) for path in (mirror / "word-similarity").glob("*.txt")
    }
    assert len(sizes) == 13
    named = {"EN-MEN-TR-3k": 3000, "EN-SIMLEX-999": 999, "EN-WS-353-ALL": 353, "EN-RG-65": 65}
    assert sizes | named == sizes
    questions = read_questions(mirror / "questions-words.txt")
    assert len(questions) == 14
    assert sum(map(len, questions.values())) == 19_544
    assert questions["gram8-plural"][0] == ("banana", "bananas", "bird", "birds")
    drawn = {name: section[::40] for name, section in questions.items()}
    rng = np.random.default_rng(8)
    words = sorted(set(chain.from_iterable(chain.from_iterable(drawn.values()))))
    rows = {word: rng.normal(size=20) for word in words}
    for section in drawn.values():
        offset = 1.5 * rng.normal(size=20)
        for a, b, c, d in section:
            rows[b], rows[d] = (rows[w] + offset + rng.normal(size=20) / 2 for w in (a, c))
    table = np.array([rows[word] for word in words], np.float32)
    vocabulary = [word.lower() for word in words]
    assert_equal_to_gensim(tmp_path / "drawn.txt", table, vocabulary, drawn, "3cosadd")

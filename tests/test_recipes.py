"""Recipes of every kind give vectors of the same words, scored on the same validation task."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sgns_study import params
from sgns_study.errors import StudyError
from sgns_study.evaluation.noise import ALPHAS, noise_table
from sgns_study.kernels.word2vec import alias_table, draw_word
from sgns_study.pairs import build_pairs
from sgns_study.samples import Text
from sgns_study.sgns import lab
from sgns_study.sgns.recipes import TrainingData, train, validation_score
from sgns_study.sgns.vectors import coverage
from sgns_study.tokens import PAD
from tests.zipfian import text

RADIUS, DIM = 2, 6
TWEAKS = {"alpha": 0.75, "window": "dynamic", "subsample": 0.0, "min_count": 4}
RECIPES = {
    "lab": params.LabRecipe(
        kind="lab", negatives=2, epochs=2, batch=50, learning_rate=1e-2, weight_decay=0.01
    ),
    "word2vec": params.Word2vecRecipe(
        kind="word2vec", negatives=3, epochs=2, learning_rate=0.05, **TWEAKS
    ),
    "ppmi": params.PpmiRecipe(kind="ppmi", shift=1, eigenvalue_weighting=0.5, **TWEAKS),
}


@pytest.fixture
def data() -> TrainingData:
    ids, offsets, counts = text(1, documents=40, words=60)
    held_out, ends, _ = text(2, documents=8, words=60)
    pairs = build_pairs(
        ids, offsets, held_out, ends, RADIUS, 2, len(counts), 1, noise=(counts > 0).astype(float)
    )
    words = ["[PAD]", *(f"w{i}" for i in range(1, 60))]
    return TrainingData(words, Text(ids, offsets, counts), pairs)


@pytest.mark.parametrize("kind", RECIPES)
def test_a_row_for_every_word_and_how_often_it_was_met(kind: str, data: TrainingData) -> None:
    vectors, curves = train(RECIPES[kind], data, RADIUS, DIM, 1)
    again, _ = train(RECIPES[kind], data, RADIUS, DIM, 1)
    assert vectors.vocabulary == data.words
    assert vectors.centre.shape == (60, DIM)
    assert vectors.centre.tobytes() == again.centre.tobytes()
    counts = data.text.counts
    least = getattr(RECIPES[kind], "min_count", 1)
    assert vectors.counts.tolist() == [c if c >= least else 0 for c in counts]
    assert list(curves.columns) == lab.CURVES
    if kind == "ppmi":
        assert curves.empty
        return
    splits = curves.groupby("split")["epoch"].apply(list).to_dict()
    assert splits["validation"] == [0, 1, 2]
    last = curves[(curves["split"] == "validation") & (curves["epoch"] == 2)].iloc[0]
    loss, accuracy = validation_score(
        data.pairs, vectors.centre, vectors.context, 3 if kind == "word2vec" else 1
    )
    assert last["loss"] == pytest.approx(loss, rel=1e-5)
    assert last["accuracy"] == pytest.approx(accuracy)


def test_vectors_of_a_file_and_others_at_their_scale(data: TrainingData, tmp_path: Path) -> None:
    """Missing words are normal with mean and deviation by column, another draw for each seed."""
    words = [PAD, *(f"w{i}" for i in range(1, 4000))]
    known = np.random.default_rng(1).normal([3, -1], [0.1, 2], (1000, 2)).astype(np.float32)
    given = words[1:2000:2]
    lines = [f"{word} {x!s} {y!s}\n" for word, (x, y) in zip(given, known)]
    path = tmp_path / "glove.txt"
    path.write_text("".join([*lines, "other 100 100\n"]))
    recipe, corpus = params.FileRecipe(kind="file", path=str(path)), TrainingData(words, None, None)
    vectors, curves = train(recipe, corpus, RADIUS, 2, 1)
    assert curves.empty
    has = np.isin(words, given)
    assert vectors.counts.tolist() == has.astype(int).tolist()
    np.testing.assert_array_equal(vectors.centre[has], known)
    assert vectors.centre[0].tolist() == [0, 0]
    drawn = vectors.centre[1:][~has[1:]]
    for j in range(2):
        test = stats.kstest(drawn[:, j], "norm", (known[:, j].mean(), known[:, j].std()))
        assert test.pvalue > 0.01
    again, other = (train(recipe, corpus, RADIUS, 2, seed)[0].centre for seed in (1, 2))
    assert again.tobytes() == vectors.centre.tobytes()
    assert not (other[1:][~has[1:]] == drawn).any()
    occurrences = np.arange(len(words))
    shares = coverage(vectors, occurrences)
    assert shares["covered_words"] == pytest.approx(1000 / 3999)
    assert shares["covered_tokens"] == pytest.approx(sum(range(1, 2000, 2)) / sum(range(4000)))
    with pytest.raises(StudyError, match="its vectors have 2 dimensions, the study uses them wi"):
        train(recipe, corpus, RADIUS, 3, 1)
    with pytest.raises(StudyError, match="it has 1 of the 2 words of the corpus"):
        train(recipe, TrainingData([PAD, "w1"], None, None), RADIUS, 2, 1)


@pytest.mark.parametrize("kind", ["word2vec", "ppmi"])
def test_a_recipe_of_the_first_documents_is_that_of_a_text_of_them_alone(
    kind: str, data: TrainingData
) -> None:
    text = data.text
    end = text.offsets[15]
    ids = np.array(text.ids[:end])
    alone = Text(ids, np.array(text.offsets[:16]), np.bincount(ids, minlength=60))
    first = RECIPES[kind].model_copy(update={"documents": 15})
    found, _ = train(first, data, RADIUS, DIM, 1)
    expected, _ = train(RECIPES[kind], data._replace(text=alone), RADIUS, DIM, 1)
    assert found.centre.tobytes() == expected.centre.tobytes()
    assert found.counts.tolist() == expected.counts.tolist()
    assert sum(found.counts) < sum(text.counts)


def test_before_training_word2vec_cannot_tell_a_pair_from_noise(data: TrainingData) -> None:
    _, curves = train(RECIPES["word2vec"], data, RADIUS, DIM, 1)
    # its context table is zero: a pair in 1 + K is a true one, and a pad is even
    windows = data.pairs.validation
    pads = np.mean(
        [np.mean(np.delete(windows.stream[p - RADIUS : p + RADIUS + 1], RADIUS) == 0)
         for p in windows.centres]
    )  # fmt: skip
    expected = pads * np.log(2) + (1 - pads) * np.log(1 + 1 / 3) + np.log(1 + 3)
    assert curves["loss"][0] == pytest.approx(expected)
    validation = curves[curves["split"] == "validation"]["loss"]
    assert validation.iloc[-1] < validation.iloc[0]


def test_the_validation_task_is_the_labs_too(data: TrainingData) -> None:
    vectors, context, curves = lab.train(data.pairs, 60, DIM, RECIPES["lab"], 1)
    found = validation_score(data.pairs, vectors, context)
    last = curves[curves["split"] == "validation"].iloc[-1]
    np.testing.assert_allclose(found, [last["loss"], last["accuracy"]], rtol=1e-5)


def test_noise_is_shared_by_counts_to_the_power_alpha() -> None:
    counts = np.array([0, 5, 1000, 40, 3, 0, 200])
    words = [f"w{i}" for i in range(7)]
    table = noise_table(words, counts, min_count=4)
    assert table["word"].tolist() == ["w2", "w6", "w3", "w1"] * len(ALPHAS)
    for alpha, part in table.groupby("alpha"):
        power = part["count"].to_numpy().astype(float) ** alpha
        np.testing.assert_allclose(part["probability"], power / power.sum(), atol=1e-8)


def test_tables_of_noise_are_those_training_draws_from() -> None:
    """Drawn a million times by the trainer's own function, words come up as the table says."""
    from scipy import stats

    from sgns_study.kernels.random import kernel_state

    counts = np.array([0, 500, 100, 20, 4])
    noise = alias_table(counts, 0.75)
    state = kernel_state(1, "test")
    drawn = np.bincount([draw_word(noise, state) for _ in range(100_000)], minlength=5)
    table = noise_table([f"w{i}" for i in range(5)], counts, min_count=1)
    expected = table[table["alpha"] == 0.75]["probability"].to_numpy() * 100_000
    assert drawn[0] == 0
    assert stats.chisquare(drawn[1:], expected * drawn.sum() / expected.sum()).pvalue > 1e-3
    assert isinstance(table, pd.DataFrame)

"""The machinery from corpus to verdict on two corpora whose truth is known, with twenty seeds.

Where pretraining must help, the claims that it does come out as supported; where labels are
shuffled nothing can help, and they do not. The studies are those of `config/control.yaml` and
`config/control_shuffled.yaml`, in one process, with starts at another scale besides.
"""

from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sgns_study.aggregate import Run, predictions_of, runs_table
from sgns_study.artifacts import write_table
from sgns_study.classifiers import fit
from sgns_study.classifiers.inits import initial_table
from sgns_study.classifiers.predictions import write_predictions
from sgns_study.config import read_study
from sgns_study.corpora import planted
from sgns_study.evaluation.tables import typed
from sgns_study.evaluation.verdicts import judged_by
from sgns_study.params import Study
from sgns_study.samples import draw_classifier_sample, draw_embedding_sample, load_text, save_text
from sgns_study.sgns import word2vec
from sgns_study.sgns.stream import kept_counts
from sgns_study.sgns.vectors import Vectors
from sgns_study.tokens import TokenStream, padded, tokenize

# What they share is made once, in one process.
pytestmark = pytest.mark.xdist_group("controls")

CONFIG = Path(__file__).parent.parent / "config"
STARTS = [  # init and scale
    *[("pretrained", None), ("random", None), ("shuffled", None), ("frozen", None)],
    *[("pretrained", 0.1), ("random", 0.1)],
]


class Control(NamedTuple):
    """What came of a control study."""

    verdicts: dict[str, str]
    effects: dict[str, float]  # points
    runs: pd.DataFrame
    test_documents: int


def read(name: str) -> tuple[Study, TokenStream]:
    study = read_study(CONFIG / f"{name}.yaml")
    return study, tokenize(planted.generate(study.corpus), study.tokens)[0]


@pytest.fixture(scope="module")
def vectors(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Vectors]:
    """Word vectors by seed: those of both controls, whose texts are the same."""
    study, stream = read("control")
    folder = tmp_path_factory.mktemp("text")
    sample = draw_embedding_sample(stream.split, study.sampling.embedding, 1)
    save_text(folder, stream, stream.vocabulary, sample["train"])
    text, recipe = load_text(folder, len(stream.vocabulary.tokens)), study.recipes["word2vec"]
    (dim,), (radius,) = study.grid.dims, study.grid.radii
    words = stream.vocabulary.tokens
    found = {}
    for seed in study.grid.seeds:
        trained = word2vec.train(text.ids, text.offsets, text.counts, recipe, radius, dim, seed)
        counts = kept_counts(text.counts, recipe.min_count)
        found[seed] = Vectors(trained.centre, trained.context, words, counts)
    return found


def control(name: str, vectors: dict[int, Vectors], folder: Path) -> Control:
    """Train the classifiers of a control study from all starts and judge its claims."""
    study, stream = read(name)
    (dim,), (radius,) = study.grid.dims, study.grid.radii
    runs = []
    for seed, (init, scale) in product(study.grid.seeds, STARTS):
        sample = draw_classifier_sample(
            stream.split, stream.labels, None, study.sampling.classifier, seed
        )
        parts = {
            role: fit.Documents(
                padded(stream, part, study.classifier.max_tokens), stream.labels[part]
            )
            for role, part in sample.items()
        }
        table = initial_table(init, vectors[seed], stream.vocabulary.tokens, dim, seed, scale)
        fitted = fit.train_classifier(
            **parts, table=table, settings=study.classifier, seed=seed, frozen=init == "frozen"
        )
        own = folder / f"{init}-{scale}-s{seed}"
        predicted = sample["test"], parts["test"].labels, fitted.probabilities
        write_predictions(own / "predictions.csv", *predicted)
        write_table(own / "curves.csv", fitted.curves)
        place = {"recipe": None, "radius": None}
        if init != "random":
            place = {"recipe": "word2vec", "radius": radius}
        what = {"init": init, "scale": scale, "documents": None, "classifier": "conv1d"}
        runs.append(Run({**what, **place, "dim": dim, "seed": seed}, own))
    table, correct = runs_table(runs, predictions_of(runs))
    table = typed(table)
    judged = judged_by(study, {"runs": table}, correct)[0].drop_duplicates("claim")
    judged = judged.set_index("claim")  # the first part of each, of its accuracy
    verdicts, effects = (judged[column].to_dict() for column in ("claim_verdict", "effect"))
    return Control(verdicts, effects, table, correct.shape[1])


@pytest.fixture(scope="module")
def positive(vectors: dict[int, Vectors], tmp_path_factory: pytest.TempPathFactory) -> Control:
    return control("control", vectors, tmp_path_factory.mktemp("control"))


@pytest.fixture(scope="module")
def negative(vectors: dict[int, Vectors], tmp_path_factory: pytest.TempPathFactory) -> Control:
    return control("control_shuffled", vectors, tmp_path_factory.mktemp("shuffled"))


@pytest.mark.parametrize("claim", ["A", "B", "C", "D"])
def test_where_pretraining_must_help_the_claim_is_supported(positive: Control, claim: str) -> None:
    assert positive.verdicts[claim] == "supported"
    assert positive.effects[claim] > 5


def test_where_pretraining_must_help_the_opposite_of_its_denial_is_found(positive: Control) -> None:
    assert positive.verdicts["1"] == "opposite"


@pytest.mark.parametrize("claim", ["A", "B", "C", "D"])
def test_where_nothing_can_help_the_claim_is_not_supported(negative: Control, claim: str) -> None:
    """Each was tested: there is an effect, only none to be found."""
    assert np.isfinite(negative.effects[claim])
    assert not negative.verdicts[claim].startswith("supported")


@pytest.mark.parametrize(("init", "scale"), STARTS)
def test_where_nothing_can_be_learned_accuracies_are_at_chance(
    negative: Control, init: str, scale: float | None
) -> None:
    """On average over the seeds within the bounds of fair coins, one for each test document.

    A document counts once, not twenty times: all seeds are tested on the same labels. The bounds
    are missed once in 10,000.
    """
    runs = negative.runs
    at_scale = runs["scale"].isna() if scale is None else runs["scale"] == scale
    accuracies = runs.loc[(runs["init"] == init) & at_scale, "test_accuracy"]
    assert len(accuracies) == 20
    low, high = stats.binom.ppf([5e-5, 1 - 5e-5], negative.test_documents, 0.5)
    assert low <= accuracies.mean() * negative.test_documents <= high


def test_both_controls_have_the_same_documents(positive: Control, negative: Control) -> None:
    """So that they differ in nothing but the labels."""
    streams = [read(name)[1] for name in ("control", "control_shuffled")]
    assert np.array_equal(streams[0].ids, streams[1].ids)
    assert not np.array_equal(streams[0].labels, streams[1].labels)
    assert positive.test_documents == negative.test_documents == 500

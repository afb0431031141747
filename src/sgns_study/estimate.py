"""How long a study takes and how much memory, before it runs: from the times of finished ones.

A job takes the seconds of its stage's start and more in proportion to its work; calibration.csv
has both for each stage. `benchmarks/calibrate.py` fits them to the timings of finished studies.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from sgns_study import plan
from sgns_study.corpora.registry import corpus_sizes, own_files, raw_files, word_sets
from sgns_study.figures import figures_of
from sgns_study.params import LabRecipe, PpmiRecipe, Sizes, Study, TableCorpus, Word2vecRecipe
from sgns_study.splits import split_sizes
from sgns_study.tokens import LONGEST

CALIBRATION = Path(__file__).with_name("calibration.csv")
LENGTHS = {"imdb": 280, "imdb_and_books": 290, "planted": 51}  # mean tokens of a document
BYTES = 6  # of a table's file, a token
BEST_EPOCH = 8  # about where classifiers that train until they get no better are at their best


class Job(NamedTuple):
    """A job of a study, as `timings.csv` names it."""

    rule: str
    run: str  # its wildcards
    stage: str  # its row of the calibration
    work: float = 0  # what its time grows with, in 10⁹ operations of its stage


def stages(study: Study) -> pd.DataFrame:
    """What a study has to do, a row each stage; raises ArtifactError if its table cannot be read.

    jobs; seconds: of all of them, one after another; mib: of the largest.
    """
    planned = pd.DataFrame(jobs(study)).groupby("stage", sort=False)["work"]
    found = planned.agg(jobs="size", work="sum").join(pd.read_csv(CALIBRATION, index_col="stage"))
    found["seconds"] = found["seconds"] * found["jobs"] + found["seconds_per_work"] * found["work"]
    found["mib"] += found["mib_per_token"] * corpus_tokens(study)
    return found[["jobs", "seconds", "mib"]]


def lines(found: pd.DataFrame) -> list[str]:
    """The plan as a table: jobs, minutes of one core and memory of each stage, and of the study."""
    count, seconds = found["jobs"].sum(), found["seconds"].sum() / cores()
    every = (f"all, on {cores()} cores", count, seconds, found["mib"].max())
    return [f"{'stage':24}{'jobs':>6}{'minutes':>10}{'MiB':>8}"] + [
        f"{name:24}{n:6}{time / 60:10.1f}{mib:8.0f}"
        for name, n, time, mib in [*found.itertuples(), every]
    ]


def cores() -> int:
    """Of this machine, as many as this process may use."""
    return len(os.sched_getaffinity(0))


def corpus_tokens(study: Study) -> float:
    """Tokens of the whole corpus, in millions; those of a table from the size of its files."""
    if isinstance(study.corpus, TableCorpus):
        return sum(Path(path).stat().st_size for path in study.corpus.files) / BYTES / 1e6
    return sum(study.corpus.sizes) * LENGTHS[study.corpus.kind] / 1e6


def jobs(study: Study) -> list[Job]:
    """Every job of a study that starts from nothing."""
    sizes = corpus_sizes(study.corpus)
    length = corpus_tokens(study) * 1e6 / sum(sizes)  # mean tokens of a document
    found = [*of_text(study), *of_vectors(study, sizes, length)]
    found += of_classifiers(study, sizes, length)
    trained = len(plan.runs(study)) + len(plan.vectors(study))
    found.append(Job("aggregate", "all", "aggregate", trained / 1e3))
    found += [Job(rule, "all", rule) for rule in ("claims", "timings", "report")]
    return found + [Job("figure", name, "figure") for name in figures_of(study)]


def of_text(study: Study) -> Iterator[Job]:
    """Downloads, tokens, samples, the text and the windows that recipes read."""
    for path in {*raw_files(study), *word_sets(study)} - {*own_files(study.corpus)}:
        yield Job("download", Path(path).name, "download")
    yield Job("tokenize", "all", "tokenize", corpus_tokens(study) / 1e3)
    for sample in plan.samples(study):
        yield Job("sample", sample, "sample")
    for draw in plan.draws(study):
        yield Job("build_text", f"all{draw}", "build_text", corpus_tokens(study) / 1e3)
    windows = plan.once(
        f"{plan.draw(study, seed)}/r{model.radius}".lstrip("/")
        for model, seed in plan.vectors(study)
        if "pairs" in study.recipes[model.recipe].reads
    )
    for name in windows:
        yield Job("build_pairs", name, "build_pairs")


def of_vectors(study: Study, sizes: Sizes, length: float) -> Iterator[Job]:
    """Training and scoring of each set of vectors."""
    for model, seed in plan.vectors(study):
        run, stage = f"{model.name}-s{seed}", f"train_sgns {study.recipes[model.recipe].kind}"
        yield Job("train_sgns", run, stage, work_of(study, model, sizes, length))
        scored = float(study.evaluation.public_sets)
        yield Job("evaluate_vectors", run, "evaluate_vectors", scored)


def work_of(study: Study, model: plan.Model, sizes: Sizes, length: float) -> float:
    """What training a set of vectors takes; of PPMI, counting, and nothing of vectors of a file."""
    recipe, sample = study.recipes[model.recipe], study.sampling.embedding
    pool = sizes.pool(sample.unlabelled, sample.test)
    documents, validation = split_sizes(sample.documents or pool, sample.validation_fraction)
    if isinstance(recipe, LabRecipe):
        documents = study.pairs.train_documents or documents
        centres = documents * min(length, study.pairs.max_tokens) * recipe.epochs
        return centres * 2 * model.radius * (1 + recipe.negatives) * model.dim / 1e9
    if not isinstance(recipe, Word2vecRecipe | PpmiRecipe):
        return 0
    if further := sample.further:
        left = sizes.pool(further.unlabelled, further.test) - documents - validation
        documents += further.documents or left
    contexts = model.radius + 1 if recipe.window == "dynamic" else 2 * model.radius
    windows = min(recipe.documents or documents, documents) * length * contexts
    if isinstance(recipe, PpmiRecipe):
        return windows / 1e9
    # A pair costs as much as six of its K negatives, by the tweaks with K from 1 to 20.
    return windows * recipe.epochs * (6 + recipe.negatives) * model.dim / 1e9


def of_classifiers(study: Study, sizes: Sizes, length: float) -> Iterator[Job]:
    """Classifiers and baselines."""
    sample = study.sampling.classifier
    if sample is None:
        return
    every, _ = split_sizes(sample.documents or sizes.train, sample.validation_fraction)
    for variant, seed in plan.runs(study):
        settings = plan.settings_of(study, variant)
        documents = variant.documents or every
        kept = min(length, settings.max_tokens or LONGEST)
        epochs = min(settings.epochs, BEST_EPOCH + (settings.patience or settings.epochs))
        steps = epochs * max(documents / settings.batch, settings.epoch_steps)
        read = (steps * min(settings.batch, documents) + sizes.test / 3) * kept
        # Of a token, what is not the convolution costs as much as 40,000 of its weights.
        work = read * (40_000 + settings.filters * variant.dim)
        yield Job("train_classifier", f"{variant.name}-s{seed}", "train_classifier", work / 1e9)
    for baseline in plan.baselines(study):
        work = ((baseline.documents or every) + sizes.test) * length / 1e9
        for seed in study.grid.seeds:
            of = f"train_baseline {baseline.kind}"
            yield Job("train_baseline", f"{baseline.name}-s{seed}", of, work)

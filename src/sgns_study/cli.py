"""The command line `sgns-study`: one subcommand a rule; each parses, calls and writes.

Stage modules are imported inside their subcommand, so that `--help` and small jobs start at once.
"""

import os
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, NoReturn, TypeVar, get_args

# Jobs are single-threaded; the libraries read these when they are first imported.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

import click  # noqa: E402
from pydantic import BaseModel, TypeAdapter, ValidationError  # noqa: E402

from sgns_study import params  # noqa: E402
from sgns_study.errors import StudyError  # noqa: E402

FOLDER = click.Path(file_okay=False, path_type=Path)
FILE = click.Path(dir_okay=False, path_type=Path)
SEED = click.IntRange(0, 2**32 - 1)
Function = TypeVar("Function", bound=Callable[..., Any])


class Settings(click.ParamType):
    """A section of the parameters as JSON, checked against its model."""

    name = "JSON"

    def __init__(self, model: Any) -> None:
        """`model`: the section's pydantic model or a union of models."""
        self.model, self.adapter = model, TypeAdapter(model)

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        """Typed section; fails naming the key, the value and what is allowed."""
        if isinstance(value, BaseModel):
            return value
        try:
            return self.adapter.validate_json(value)
        except ValidationError as error:
            problems = [params.explain(e, self.model) for e in error.errors()[: params.SHOWN]]
            self.fail("; ".join(problems), param, ctx)


def settings(flag: str, model: Any) -> Callable[[Function], Function]:
    """Option that takes a section of the parameters as JSON."""
    return click.option(
        flag, type=Settings(model), required=True, help="the section of the parameters, as JSON"
    )


def folder(flag: str, text: str) -> Callable[[Function], Function]:
    """Option that names a folder."""
    return click.option(flag, type=FOLDER, required=True, help=text)


def file(flag: str, text: str) -> Callable[[Function], Function]:
    """Option that names a file."""
    return click.option(flag, type=FILE, required=True, help=text)


def in_writable_folder(_context: Any, _option: Any, path: Path | None) -> Path | None:
    """Refuse, before any work, a file whose folder is missing or not writable."""
    if path and not (path.parent.is_dir() and os.access(path.parent, os.W_OK)):
        raise click.BadParameter(
            f"{path.parent} is not a folder that can be written to: create it or name another"
        )
    return path


def option(flag: str, kind: Any, default: Any, text: str) -> Callable[[Function], Function]:
    """Option with a default, which its help text shows."""
    return click.option(flag, type=kind, default=default, show_default=True, help=text)


seed = click.option("--seed", type=SEED, required=True, help="seed of the job")
device = option("--device", click.Choice(get_args(params.Device)), "cpu", "where torch trains")


@click.group(context_settings={"max_content_width": 100})
@click.version_option(package_name="sgns-study")
def cli() -> None:
    """Does pretraining word vectors help a text classifier, and which choices matter?

    One subcommand per rule of the workflow; `snakemake --cores all` calls them in order.
    """


def rule(function: Function) -> click.Command:
    """The subcommand of a rule: a job, which checks what it reads and seals what it writes."""

    @wraps(function)
    def run(*arguments: Any, **options: Any) -> None:
        from sgns_study.artifacts import job

        with job():
            function(*arguments, **options)

    return cli.command()(run)


@rule
@click.argument("name")
@folder("--folder", "where the file goes")
def download(name: str, folder: Path) -> None:
    """Fetch the source that becomes the file NAME, and verify its checksum.

    The mirror in SGNS_STUDY_MIRROR (a folder or an address) is looked at first.
    """
    from sgns_study.corpora.sources import SOURCES, fetch

    by_file = {source.file: key for key, source in SOURCES.items()}
    if name not in by_file:
        raise click.BadParameter(f"{name!r} is not a source; there are: {', '.join(by_file)}")
    fetch(by_file[name], folder, os.environ.get("SGNS_STUDY_MIRROR"))


@rule
@folder("--raw", "the downloaded files")
@settings("--corpus", params.Corpus)
@settings("--tokens", params.Tokens)
@folder("--out", "folder of the token stream")
def tokenize(raw: Path, corpus: params.Corpus, tokens: params.Tokens, out: Path) -> None:
    """Turn a corpus into a vocabulary and a stream of token ids."""
    import pandas as pd

    from sgns_study.artifacts import recorded_run, write_table
    from sgns_study.corpora.registry import class_names, own_files, read_corpus, required_sources
    from sgns_study.corpora.sources import SOURCES, verify
    from sgns_study.tokens import save_tokens, tokenize

    files = {name: raw / SOURCES[name].file for name in required_sources(corpus, tokens)}
    record = {"corpus": corpus.model_dump(), "tokens": tokens.model_dump()}
    for name, path in files.items():
        verify(name, path)
    read = [*files.values(), *map(Path, own_files(corpus))]
    with recorded_run(out / "run.json", record, read):
        stream, names = tokenize(read_corpus(corpus, raw), tokens, files.get("bert_vocabulary"))
        save_tokens(out, stream, names)
        classes = class_names(corpus)
        write_table(
            out / "classes.csv", pd.DataFrame({"label": range(len(classes)), "name": classes})
        )


@rule
@file("--documents", "documents.csv of the token stream")
@settings("--settings", params.EmbeddingSample)
@file("--out", "the sample, CSV")
def sample_embedding(documents: Path, settings: params.EmbeddingSample, out: Path) -> None:
    """Draw the documents that word vectors are trained and validated on."""
    from sgns_study.samples import draw_embedding_sample, load_splits, save_sample

    save_sample(out, draw_embedding_sample(load_splits(documents), settings))


@rule
@file("--documents", "documents.csv of the token stream")
@settings("--settings", params.ClassifierSample)
@seed
@file("--out", "the sample, CSV")
def sample_classifier(
    documents: Path, settings: params.ClassifierSample, seed: int, out: Path
) -> None:
    """Draw the documents that a seed's classifiers are trained, validated and tested on."""
    from sgns_study.samples import draw_classifier_sample, load_splits, save_sample

    save_sample(out, draw_classifier_sample(load_splits(documents), settings, seed))


@rule
@folder("--tokens", "the token stream")
@file("--sample", "the sample of embedding documents")
@folder("--out", "folder of the text")
def build_text(tokens: Path, sample: Path, out: Path) -> None:
    """Write out the documents that word vectors are trained on, in the order they are read."""
    from sgns_study.artifacts import recorded_run
    from sgns_study.samples import EMBEDDING, load_sample
    from sgns_study.texts import save_text
    from sgns_study.tokens import load_tokens

    with recorded_run(out / "run.json", {}, [tokens / "ids.npy", sample]):
        stream = load_tokens(tokens)
        drawn = load_sample(sample, EMBEDDING, len(stream.labels))
        save_text(out, stream, stream.vocabulary, drawn["train"])


@rule
@folder("--tokens", "the token stream")
@file("--sample", "the sample of embedding documents")
@settings("--settings", params.Pairs)
@click.option("--radius", type=click.IntRange(1), required=True, help="tokens on each side")
@folder("--out", "folder of the pairs")
def build_pairs(tokens: Path, sample: Path, settings: params.Pairs, radius: int, out: Path) -> None:
    """Lay out windows of one radius and draw its fixed validation negatives."""
    from sgns_study.artifacts import recorded_run
    from sgns_study.pairs import build_pairs, powers, save_pairs
    from sgns_study.samples import EMBEDDING, load_sample
    from sgns_study.tokens import load_tokens, truncated

    record = {"radius": radius, **settings.model_dump()}
    with recorded_run(out / "run.json", record, [tokens / "ids.npy", sample]):
        stream = load_tokens(tokens)
        documents = load_sample(sample, EMBEDDING, len(stream.labels))
        train = documents["train"][: settings.train_documents]
        validation = documents["validation"][: settings.validation_documents]
        pairs = build_pairs(
            *truncated(stream, train, settings.max_tokens),
            *truncated(stream, validation, settings.max_tokens),
            radius=radius,
            negatives=settings.validation_negatives,
            vocabulary_size=len(stream.vocabulary.tokens),
            seed=settings.seed,
            noise=powers(stream.vocabulary.counts, settings.validation_alpha),
        )
        save_pairs(out, pairs)


@rule
@click.option("--text", type=FOLDER, help="the text of the embedding documents, if read")
@click.option("--pairs", type=FOLDER, help="the pairs of the radius, if read")
@file("--vocabulary", "vocabulary.csv of the token stream")
@click.option("--recipe", required=True, help="name of the recipe, for the record")
@settings("--settings", params.Recipe)
@click.option("--radius", type=click.IntRange(1), required=True, help="tokens on each side")
@click.option("--dim", type=click.IntRange(1), required=True, help="dimension of the vectors")
@seed
@device
@folder("--out", "folder of the vectors")
def train_sgns(
    text: Path | None,
    pairs: Path | None,
    vocabulary: Path,
    recipe: str,
    settings: params.Recipe,
    radius: int,
    dim: int,
    seed: int,
    device: params.Device,
    out: Path,
) -> None:
    """Train word vectors by a recipe: SGNS, or its count-based twin.

    `lab` recipes read the pairs, `ppmi` the text, `word2vec` both: the pairs to validate on. Only
    `lab` recipes train in torch, where --device says.
    """
    from sgns_study.artifacts import recorded_run, write_table
    from sgns_study.devices import chosen
    from sgns_study.pairs import load_pairs
    from sgns_study.sgns.recipes import TrainingData, train
    from sgns_study.sgns.vectors import save_vectors
    from sgns_study.texts import load_text
    from sgns_study.tokens import load_vocabulary

    inputs = [vocabulary]
    for name in settings.reads:
        read = {"text": text, "pairs": pairs}[name]
        if read is None:
            raise click.UsageError(f"a recipe of kind {settings.kind} reads --{name}: give it")
        inputs += sorted(read.glob("*.npy"))
    if device == "cuda" and not settings.on_device:
        raise click.UsageError(
            f"a recipe of kind {settings.kind} trains on the processor: leave out --device cuda"
        )
    place = {"device": chosen(device)} if settings.on_device else {}
    model = {"recipe": recipe, "radius": radius, "dim": dim, "seed": seed, **place}
    with recorded_run(out / "run.json", model | settings.model_dump(), inputs):
        words = load_vocabulary(vocabulary).tokens
        data = TrainingData(
            words,
            load_text(text, len(words)) if text else None,
            load_pairs(pairs, len(words)) if pairs else None,
        )
        vectors, curves = train(settings, data, radius, dim, seed, **place)
        save_vectors(out / "vectors.safetensors", vectors)
        write_table(out / "curves.csv", curves)


@rule
@file("--vectors", "vectors.safetensors of a model")
@folder("--raw", "the downloaded files")
@settings("--corpus", params.Corpus)
@settings("--settings", params.Evaluation)
@seed
@folder("--out", "folder of what is found")
def evaluate_vectors(
    vectors: Path,
    raw: Path,
    corpus: params.Corpus,
    settings: params.Evaluation,
    seed: int,
    out: Path,
) -> None:
    """Score word vectors on similarity, analogies and known synonyms; list neighbours, draw a map.

    Writes `scores.csv`, `neighbours.csv` and `map.csv`.
    """
    from sgns_study.artifacts import write_table
    from sgns_study.corpora.registry import known_synonyms, probe_words
    from sgns_study.evaluation.datasets import standard_sets
    from sgns_study.evaluation.intrinsic import intrinsic_scores
    from sgns_study.evaluation.probes import probe_neighbours, words_map
    from sgns_study.sgns.vectors import load_vectors, trained_words

    loaded = trained_words(load_vectors(vectors))
    table, words = loaded.centre, loaded.vocabulary
    pairs, questions = standard_sets(raw) if settings.public_sets else ({}, {})
    groups = settings.words or probe_words(corpus)
    scores = intrinsic_scores(table, words, pairs, questions, known_synonyms(corpus))
    write_table(out / "scores.csv", scores)
    write_table(out / "neighbours.csv", probe_neighbours(table, words, groups))
    write_table(out / "map.csv", words_map(table, words, groups, seed))


@rule
@folder("--text", "the text of the embedding documents")
@file("--vocabulary", "vocabulary.csv of the token stream")
@click.option("--min-count", type=click.IntRange(1), required=True, help="rarer words are deleted")
@file("--out", "the table")
def noise(text: Path, vocabulary: Path, min_count: int, out: Path) -> None:
    """Tabulate the noise that negatives are drawn from, at several powers of the counts."""
    from sgns_study.artifacts import write_table
    from sgns_study.evaluation.noise import noise_table
    from sgns_study.texts import load_text
    from sgns_study.tokens import load_vocabulary

    words = load_vocabulary(vocabulary).tokens
    write_table(out, noise_table(words, load_text(text, len(words)).counts, min_count))


@rule
@folder("--tokens", "the token stream")
@file("--sample", "the seed's sample of classifier documents")
@click.option("--init", type=click.Choice(get_args(params.Init)), required=True)
@click.option("--vectors", type=FILE, help="what the initial embedding is made from, if anything")
@click.option("--scale", type=click.FloatRange(0, min_open=True), help="rescale the embedding")
@click.option("--documents", type=click.IntRange(2), help="first documents to train on, not all")
@settings("--settings", params.Classifier)
@click.option("--dim", type=click.IntRange(1), required=True, help="dimension of the embedding")
@seed
@device
@folder("--out", "folder of the classifier")
def train_classifier(
    tokens: Path,
    sample: Path,
    init: str,
    vectors: Path | None,
    scale: float | None,
    documents: int | None,
    settings: params.Classifier,
    dim: int,
    seed: int,
    device: params.Device,
    out: Path,
) -> None:
    """Train the Conv1d classifier from an initial embedding."""
    from sgns_study.artifacts import recorded_run
    from sgns_study.classifiers import fit
    from sgns_study.classifiers.fit_on_device import training_on
    from sgns_study.classifiers.inits import initial_table, is_frozen
    from sgns_study.devices import chosen
    from sgns_study.samples import CLASSIFIER, first_documents, load_sample
    from sgns_study.sgns.vectors import load_vectors
    from sgns_study.tokens import load_tokens, padded

    place = chosen(device)
    record = {"init": init, "scale": scale, "documents": documents, "dim": dim, "seed": seed}
    record["device"] = place
    inputs = [tokens / "ids.npy", sample] + ([vectors] if vectors else [])
    with recorded_run(out / "run.json", record | settings.model_dump(), inputs) as results:
        stream = load_tokens(tokens)
        drawn = load_sample(sample, CLASSIFIER, len(stream.labels))
        if documents:
            drawn = first_documents(drawn, documents)
        words = stream.vocabulary.tokens
        loaded = load_vectors(vectors) if vectors else None
        table = initial_table(init, loaded, words, dim, seed, scale)
        parts = {
            role: fit.Documents(padded(stream, part, settings.max_tokens), stream.labels[part])
            for role, part in drawn.items()
        }
        fitted = fit.train_classifier(
            **parts,
            table=table,
            settings=settings,
            seed=seed,
            frozen=is_frozen(init),
            training=training_on(place),
        )
        fit.save_fitted(out, fitted, drawn["test"], parts["test"])
        results["selected_epoch"] = fitted.selected_epoch


@rule
@folder("--tokens", "the token stream")
@file("--sample", "the seed's sample of classifier documents")
@click.option("--kind", required=True, help="which baseline")
@click.option("--vectors", type=FILE, help="the word vectors, for `mean_lr`")
@folder("--out", "folder of the baseline")
def train_baseline(tokens: Path, sample: Path, kind: str, vectors: Path | None, out: Path) -> None:
    """Train a classifier of scikit-learn's on the documents of the Conv1d classifier."""
    import numpy as np

    from sgns_study.artifacts import recorded_run, write_table
    from sgns_study.classifiers.baselines import TokenDocuments, curves, train_baseline
    from sgns_study.classifiers.predictions import write_predictions
    from sgns_study.samples import CLASSIFIER, load_sample
    from sgns_study.sgns.vectors import load_vectors
    from sgns_study.tokens import load_tokens

    inputs = [tokens / "ids.npy", sample] + ([vectors] if vectors else [])
    with recorded_run(out / "run.json", {"kind": kind}, inputs) as results:
        stream = load_tokens(tokens)
        drawn = load_sample(sample, CLASSIFIER, len(stream.labels))
        documents = {role: TokenDocuments.of(stream, part) for role, part in drawn.items()}
        table = None
        if vectors:  # rows that the text has not moved are no vectors of words
            loaded = load_vectors(vectors)
            counts = np.ones(len(loaded.vocabulary)) if loaded.counts is None else loaded.counts
            table = np.where(counts[:, None] > 0, loaded.centre, np.float32(0))
        fitted = train_baseline(kind, **documents, vectors=table)
        test = documents["test"].labels
        write_predictions(out / "predictions.csv", drawn["test"], test, fitted.probabilities)
        write_table(out / "curves.csv", curves(fitted, test))
        results["chosen"] = fitted.settings


@rule
@settings("--study", params.Study)
@folder("--results", "folder of the study's models; the tables go there too")
def aggregate(study: params.Study, results: Path) -> None:
    """Gather what was found in all finished models into the tidy tables.

    Models that are missing are left out, so that a study can be summed up while it runs.
    """
    from sgns_study import aggregate
    from sgns_study.artifacts import write_array, write_table
    from sgns_study.evaluation.recipes import recipes_table

    tables = {"recipes": recipes_table(study), **aggregate.vector_tables(study, results)}
    runs = aggregate.finished_runs(study, results)
    if runs:
        tables["runs"], correct = aggregate.runs_table(runs)
        tables |= aggregate.curve_tables(runs)
        write_array(results / "correct.npy", correct)
    for name, table in tables.items():
        write_table(results / f"{name}.csv", table)


@rule
@settings("--study", params.Study)
@folder("--tables", "folder of the tidy tables")
def claims(study: params.Study, tables: Path) -> None:
    """Judge the claims: `claims.csv`, `comparisons.csv` and, of classifiers, `convergence.csv`.

    Tables that are missing are those of stages that the study does not have.
    """
    import numpy as np

    from sgns_study.artifacts import read_array, write_table
    from sgns_study.evaluation.tables import read_present
    from sgns_study.evaluation.verdicts import judged_by, times

    names = ("runs", "classifier_curves", "experiment_curves", "vectors", "sgns_curves")
    found = read_present(tables, names)
    correct = np.empty((0, 0), np.uint8)
    if "runs" in found:
        correct = read_array(tables / "correct.npy", ndim=2)
    judged, comparisons = judged_by(study, found, correct)
    write_table(tables / "claims.csv", judged)
    write_table(tables / "comparisons.csv", comparisons)
    if "classifier_curves" in found:
        write_table(tables / "convergence.csv", times(study, found["classifier_curves"]))


@rule
@settings("--report", params.Report)
@folder("--tables", "folder of the tidy tables")
def summarise(report: params.Report, tables: Path) -> None:
    """Sum up the classifiers over seeds, beside the lab's published figures if so asked for.

    Writes `summary.csv` and, for `dvc metrics`, `metrics.json`.
    """
    from sgns_study.artifacts import read_table, write_json, write_table
    from sgns_study.evaluation.summary import headline, summarise
    from sgns_study.evaluation.tables import read_tidy
    from sgns_study.report import PUBLISHED_LAB_CURVES

    published = read_table(PUBLISHED_LAB_CURVES) if report.compare_with_lab else None
    curves = read_tidy(tables, "classifier_curves")
    summary = summarise(curves, published, report.lab_tolerance)
    write_table(tables / "summary.csv", summary)
    write_json(tables / "metrics.json", headline(summary))


@rule
@click.argument("benchmarks", type=FOLDER, nargs=-1, required=True)
@file("--out", "the table")
def timings(benchmarks: tuple[Path, ...], out: Path) -> None:
    """Gather Snakemake's benchmark files: seconds and peak memory of every job."""
    from sgns_study.aggregate import timings
    from sgns_study.artifacts import write_table

    write_table(out, timings(benchmarks))


@rule
@click.argument("name")
@folder("--tables", "folder of the tidy tables")
@file("--out", "the figure, SVG; its caption goes beside it as .md")
def figure(name: str, tables: Path, out: Path) -> None:
    """Draw one figure of the report from the tidy tables."""
    from sgns_study.figures import draw_figure

    draw_figure(name, tables, out)


@rule
@settings("--study", params.Study)
@folder("--tables", "folder of the tidy tables and run records")
@folder("--figures", "folder of the figures")
@file("--html", "the page")
@file("--pdf", "the same as PDF")
def report(study: params.Study, tables: Path, figures: Path, html: Path, pdf: Path) -> None:
    """Render the report as one self-contained HTML page and as PDF."""
    from sgns_study.report.render import render

    render(study, tables, figures, html, pdf)


@cli.command()
@click.argument("vectors", type=FILE)
@click.option("--format", "kind", type=click.Choice(["text", "binary"]), default="text")
@file("--out", "the exported file")
def export(vectors: Path, kind: str, out: Path) -> None:
    """Convert VECTORS to word2vec's text or binary format, which gensim reads.

    VECTORS is a safetensors file, or itself in one of word2vec's formats.
    """
    from sgns_study.sgns.vectors import export_word2vec, read_vectors

    export_word2vec(out, read_vectors(vectors), binary=kind == "binary")


@cli.command()
@file("--text", "one document a line, its tokens between white space")
@click.option(
    "--out", type=FILE, required=True, callback=in_writable_folder, help="the file of vectors"
)
@click.option(
    "--format",
    "kind",
    type=click.Choice(["text", "binary", "safetensors"]),
    default="text",
    show_default=True,
    help="word2vec's text or binary format, or safetensors",
)
@option("--radius", click.IntRange(1, 1000), 5, "tokens on each side of a window, R")
@option("--dim", click.IntRange(1, 4096), 128, "dimension of the vectors")
@option("--negatives", click.IntRange(1, 100), 5, "negatives per positive, K")
@option("--epochs", click.IntRange(1), 5, "passes over the text")
@option("--min-count", click.IntRange(1), 5, "rarer words are deleted")
@option("--subsample", click.FloatRange(0, 1), 1e-3, "threshold t for common words; 0 keeps all")
@option("--alpha", click.FloatRange(0, 1), 0.75, "negatives are drawn by counts to this power")
@option("--window", click.Choice(["dynamic", "fixed", "harmonic"]), "dynamic", "kind of window")
@option("--lr", click.FloatRange(0, 10, min_open=True), 0.025, "first learning rate")
@option("--seed", SEED, 1, "seed of the job")
@option(
    "--threads",
    click.IntRange(1, 1024),
    1,
    "for a large text: parts of it trained at a time; the same number always gives the same "
    "vectors, another number others; from two on, each thread takes two tables more",
)
@option(
    "--validation-fraction",
    click.FloatRange(0, 1, max_open=True),
    0,
    "share of the documents held out, whose loss is shown after each epoch",
)
@click.option(
    "--checkpoint",
    type=FILE,
    callback=in_writable_folder,
    help="save here where training stands; after a break the same command goes on from there, to "
    "the same vectors, and then deletes it",
)
@option("--checkpoint-every", click.FloatRange(0), 300, "seconds between two saves")
def embed(
    text: Path,
    out: Path,
    kind: str,
    lr: float,
    seed: int,
    threads: int,
    validation_fraction: float,
    checkpoint: Path | None,
    checkpoint_every: float,
    **settings: Any,
) -> None:
    """Train word2vec on any text file.

    The last line on standard output is a JSON object: tokens trained on, over all epochs, seconds,
    tokens per second, the mean loss of a pair in the last epoch and, where documents are held out,
    in these after it. Seconds and speed are those since training was last started.
    """
    import json
    import time

    from sgns_study.corpora.lines import read_lines
    from sgns_study.sgns import checkpoint as checkpoints
    from sgns_study.sgns import word2vec
    from sgns_study.sgns.stream import kept_counts
    from sgns_study.sgns.vectors import Vectors, export_word2vec, save_vectors, trained_words

    if checkpoint and checkpoint.resolve() in (out.resolve(), text.resolve()):
        raise click.BadParameter(f"{checkpoint} is another file of this run: name a new one")
    radius, dim = settings.pop("radius"), settings.pop("dim")
    try:
        recipe = params.Word2vecRecipe(kind="word2vec", learning_rate=lr, **settings)
    except ValidationError as error:
        raise StudyError(params.explain(error.errors()[0], params.Word2vecRecipe)) from None
    start = save = None
    if checkpoint:
        run = {"radius": radius, "dim": dim, "seed": seed, "threads": threads}
        run |= recipe.model_dump(exclude={"kind", "like", "documents"})
        run |= {"validation_fraction": validation_fraction, **checkpoints.digests(text)}
        start = checkpoints.load_state(checkpoint, run)
        save = checkpoints.saver(checkpoint, run, checkpoint_every)
    lines = read_lines(text, validation_fraction, seed)
    if checkpoint and start:
        size = len(lines.words), len(lines.ids)
        checkpoints.check_fits(checkpoint, start, *size, dim, threads)
    done = start.tokens(len(lines.ids)) if start else 0
    began = time.perf_counter()
    trained = word2vec.train(
        lines.ids,
        lines.offsets,
        lines.counts,
        recipe,
        radius,
        dim,
        seed,
        threads=threads,
        held_out=lines.held_out,
        start=start,
        after_round=save,
    )
    seconds = time.perf_counter() - began
    kept = kept_counts(lines.counts, recipe.min_count)
    vectors = trained_words(Vectors(trained.centre, trained.context, lines.words, kept))
    if kind == "safetensors":
        save_vectors(out, vectors)
    else:
        export_word2vec(out, vectors, binary=kind == "binary")
    if checkpoint:
        checkpoints.remove(checkpoint)
    tokens = len(lines.ids) * recipe.epochs
    summary = {
        "tokens": tokens,
        "seconds": round(seconds, 3),
        "tokens_per_second": round((tokens - done) / seconds),
        "loss": float(trained.losses[-1]),
    }
    if lines.held_out:
        summary["validation_loss"] = float(trained.held_out[-1])
    click.echo(json.dumps(summary))


@cli.command()
@click.argument("vectors", type=FILE)
@click.argument("words", nargs=-1, required=True)
@option("--number", click.IntRange(1), 10, "neighbours of each word")
def neighbours(vectors: Path, words: tuple[str, ...], number: int) -> None:
    """List the nearest words of each of WORDS by cosine.

    VECTORS is a safetensors file or in word2vec's text or binary format.
    """
    from sgns_study.evaluation.intrinsic import neighbours
    from sgns_study.sgns.vectors import read_vectors, trained_words

    loaded = trained_words(read_vectors(vectors))
    for word, near in neighbours(loaded.centre, loaded.vocabulary, words, number).items():
        click.echo(word)
        for neighbour in near:
            click.echo(f"  {neighbour.cosine:6.3f}  {neighbour.word}")


@cli.command()
@click.argument("vectors", type=FILE)
@click.option(
    "--similarity", type=FILE, multiple=True, help="pairs of words with a score, one a line"
)
@click.option("--analogies", type=FILE, multiple=True, help="questions as in questions-words.txt")
@option("--data", FOLDER, "data/raw", "folder of the standard sets")
def evaluate(
    vectors: Path, similarity: tuple[Path, ...], analogies: tuple[Path, ...], data: Path
) -> None:
    """Print a CSV table of Spearman correlations and analogy accuracies.

    VECTORS is a safetensors file or in word2vec's text or binary format. Without files of pairs or
    questions, the standard sets are taken: downloaded first, if not there, from the mirror in
    SGNS_STUDY_MIRROR or their public addresses. Each data set is named for its file; coverage is
    the share of it whose words have a vector.
    """
    from sgns_study.corpora.sources import evaluation_sources, fetch
    from sgns_study.evaluation.datasets import standard_sets
    from sgns_study.evaluation.intrinsic import intrinsic_scores, read_pairs, read_questions
    from sgns_study.sgns.vectors import read_vectors, trained_words

    loaded = trained_words(read_vectors(vectors))
    if similarity + analogies:
        pairs = {path.stem: read_pairs(path) for path in similarity}
        questions = {path.stem: read_questions(path) for path in analogies}
    else:
        for name in evaluation_sources():
            fetch(name, data, os.environ.get("SGNS_STUDY_MIRROR"))
        pairs, questions = standard_sets(data)
    scores = intrinsic_scores(loaded.centre, loaded.vocabulary, pairs, questions, synonym_sets={})
    click.echo(scores.to_csv(index=False), nl=False)


@cli.command()
@click.argument("folders", type=FOLDER, nargs=-1, required=True)
def verify(folders: tuple[Path, ...]) -> None:
    """Check the files under FOLDERS against the digests written down when they were made.

    Each rule of the workflow leaves them in a folder `.sha256` beside its files.
    """
    from tqdm import tqdm

    from sgns_study.artifacts import ArtifactError, intact, sealed_files

    files = [path for folder in folders for path in sealed_files(folder)]
    bad = 0
    for path in tqdm(files, unit="file", disable=None):
        try:
            if not intact(path).is_file():
                raise ArtifactError(
                    f"{path}: no such file: run again, or bring it back from a copy"
                )
        except ArtifactError as error:
            click.echo(error, err=True)
            bad += 1
    if bad:
        raise StudyError(
            f"{bad} of {len(files)} files are damaged or missing: delete what is damaged and have "
            "all of them made by name: snakemake --cores all --configfile PARAMS NAME..."
        )
    click.echo(f"{len(files)} files are as they were made")


@cli.command()
@click.argument("study", type=FILE, default="params.yaml")
def restore(study: Path) -> None:
    """Bring back the files of a study from DVC, ready for `snakemake` and `dvc repro`.

    STUDY is its parameter file, params.yaml if none is named. Files come from DVC's cache or its
    remote; code and parameters must be those of `dvc.lock`.
    """
    from sgns_study.restore import restore

    results = restore(study)
    click.echo(f"{results} is as dvc.lock has it, and up to date for Snakemake")


@cli.command("params")
@click.argument("study", type=FILE, required=False)
def show_params(study: Path | None) -> None:
    """Check the parameter file STUDY; without one, list every key with what it may hold."""
    if study:
        checked = params.read_study(study)
        click.echo(f"{study}: the parameters of the study {checked.study!r} are valid")
        return
    for key in params.all_keys():
        click.echo(f"{click.style(key.name, bold=True)}: {key.allowed}")
        if key.meaning:
            click.echo(f"    {key.meaning}")


def main() -> None:
    """Run the command line; an expected error is one message, not a traceback."""
    try:
        cli()
    except StudyError as error:
        fail(str(error))
    except OSError as error:
        from sgns_study.artifacts import disk_message

        message = disk_message(error.filename or os.getcwd(), error.errno)
        if not message:
            raise
        fail(message)


def fail(message: str) -> NoReturn:
    """End with an error, said on standard output if the log of errors is on a full disk."""
    try:
        click.echo(f"sgns-study: error: {message}", err=True)
    except OSError:
        click.echo(f"sgns-study: error: {message}")
        sys.stderr = None  # what it still holds has no place to go
    sys.exit(1)


if __name__ == "__main__":
    main()

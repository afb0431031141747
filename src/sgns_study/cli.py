"""The command line `sgns-study`: one subcommand a rule; each parses, calls and writes.

Stage modules are imported inside their subcommand, so that `--help` and small jobs start at once.
"""

import csv
import json
import os
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from functools import wraps
from pathlib import Path
from typing import Any, NoReturn, TypeVar, get_args

# Jobs are single-threaded; the libraries read these when they are first imported.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

import click  # noqa: E402
from pydantic import ValidationError  # noqa: E402

from sgns_study import config, params, plan  # noqa: E402
from sgns_study.errors import StudyError  # noqa: E402
from sgns_study.params import Study  # noqa: E402


class LocalPath(click.Path):
    """A path of this machine; `~` is the home folder, also where no shell says so: `--out=~/a`."""

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        """Refuse an address, which a path would show with one slash."""
        if "://" in str(value):
            self.fail(f"{value} is an address: download it, and name the file", param, ctx)
        return super().convert(os.path.expanduser(value), param, ctx)


FOLDER = LocalPath(file_okay=False, path_type=Path)
FILE = LocalPath(dir_okay=False, path_type=Path)
SEED = click.IntRange(0, 2**32 - 1)
RAW = Path("data/raw")
Function = TypeVar("Function", bound=Callable[..., Any])


def option(flag: str, kind: Any, default: Any, text: str) -> Callable[[Function], Function]:
    """Option with a default, which its help text shows."""
    return click.option(flag, type=kind, default=default, show_default=True, help=text)


def setting(flag: str, name: str, default: Any) -> Callable[[Function], Function]:
    """Option for a setting of word2vec, with the range and the meaning that the parameters give."""
    field = params.Word2vecRecipe.model_fields[name]
    limits = {key: value for limit in field.metadata for key, value in asdict(limit).items()}
    low, high = limits.get("ge", limits.get("gt")), limits.get("le")
    kind: click.ParamType
    if field.annotation is int:
        kind = click.IntRange(low, high)
    elif field.annotation is float:
        kind = click.FloatRange(low, high, min_open="gt" in limits)
    else:
        kind = click.Choice(get_args(field.annotation))
    text = field.description
    return click.option(flag, name, type=kind, default=default, show_default=True, help=text)


def in_writable_folder(_context: Any, _option: Any, path: Path | None) -> Path | None:
    """Refuse, before any work, a file whose folder is missing or not writable; follow a link."""
    path = path and path.resolve()
    if path and not (path.parent.is_dir() and os.access(path.parent, os.W_OK)):
        raise click.BadParameter(
            f"{path.parent} is not a folder that can be written to: create it or name another"
        )
    return path


def check_new(path: Path, *others: Path) -> None:
    """Refuse, before any work, to write over another file of the command."""
    if path.resolve() in [other.resolve() for other in others]:
        raise click.BadParameter(f"{path} is another file of this run: name a new one")


@click.group(context_settings={"max_content_width": 100})
@click.version_option(package_name="sgns-study")
def cli() -> None:
    """Does pretraining word vectors help a text classifier, and which choices matter?

    One subcommand per rule of the workflow; `snakemake --cores all` calls them in order. Those of
    rules read the settings of a study from --study and work in its folder of results.
    """


def job(function: Function) -> click.Command:
    """A subcommand that is a job of the workflow: it checks what it reads, seals what it writes."""

    @wraps(function)
    def run(**options: Any) -> None:
        from sgns_study.guards import job

        with job():
            function(**options)

    return cli.command()(run)


def rule(function: Function) -> click.Command:
    """The subcommand of a rule, given the study, whose folder it works in."""
    given = click.option(
        "--study",
        type=FILE,
        required=True,
        callback=lambda _context, _option, path: config.read_study(path),
        help="parameters of the study: YAML, or the study.json of its folder",
    )
    return job(given(function))


seed = click.option("--seed", type=SEED, required=True, help="seed of the job")
draw = click.option("--draw", default="", help="of text: empty, or /s1 for that of seed 1 alone")
radius = click.option("--radius", type=click.IntRange(1), required=True, help="tokens on each side")


def vectors_options(function: Function) -> Function:
    """Options that name a set of vectors."""
    dim = click.option("--dim", type=click.IntRange(1), required=True, help="of the vectors")
    recipe = click.option("--recipe", required=True, help="a recipe of the study")
    return recipe(radius(dim(seed(function))))


def written(function: Function) -> Function:
    """Options of the file of vectors that a command writes."""
    kind = click.option(
        "--format",
        "kind",
        type=click.Choice(["text", "binary", "safetensors"]),
        help="word2vec's text or binary format, or safetensors  [default: by the ending of --out, "
        ".bin or .safetensors; else text]",
    )
    check, text = in_writable_folder, "the file of vectors"
    out = click.option("--out", type=FILE, required=True, callback=check, help=text)
    return out(kind(function))


def vectors_file(function: Function) -> Function:
    """The file of vectors that a command reads."""
    text = "words that are not UTF-8: stop, put a mark for such bytes, or skip the words"
    errors = option("--errors", click.Choice(["stop", "replace", "skip"]), "stop", text)
    return click.argument("vectors", type=FILE)(errors(function))


@job
@click.argument("name")
@click.option("--folder", type=FOLDER, required=True, help="where the file goes")
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
def tokenize(study: Study) -> None:
    """Turn a corpus into a vocabulary and a stream of token ids."""
    import pandas as pd

    from sgns_study import artifacts, tokens
    from sgns_study.corpora import registry, sources

    corpus, settings, out = study.corpus, study.tokens, study.results / "tokens"
    needed = registry.required_sources(corpus, settings)
    files = {name: RAW / sources.SOURCES[name].file for name in needed}
    for name, path in files.items():
        sources.verify(name, path)
    record = {"corpus": corpus.model_dump(), "tokens": settings.model_dump()}
    read = [*files.values(), *map(Path, registry.own_files(corpus))]
    with artifacts.recorded_run(out / "run.json", record, read):
        documents = registry.read_corpus(corpus, RAW)
        stream, about = tokens.tokenize(documents, settings, files.get("bert_vocabulary"))
        tokens.check_words(stream.vocabulary)
        tokens.save_tokens(out, stream, about)
        names = registry.class_names(corpus)
        classes = pd.DataFrame({"label": range(len(names)), "name": names})
        artifacts.write_table(out / "classes.csv", classes)


@rule
@click.argument("sample")
def sample(study: Study, sample: str) -> None:
    """Draw the documents of SAMPLE: `embedding`, or `classifier-s1` for the classifiers of seed 1.

    Where the word vectors of each seed have a draw of their own, it is `embedding/s1`.
    """
    from sgns_study import samples
    from sgns_study.tokens import load_documents

    listed, settings = study.results / "tokens/documents.csv", study.sampling.classifier
    splits, labels = load_documents(listed)
    kind, _, seed = sample.replace("/", "-").partition("-s")
    if kind == "classifier":
        assert settings  # which a study with classifiers has
        films = samples.load_films(listed) if settings.validation == "by_film" else None
        drawn = samples.draw_classifier_sample(splits, labels, films, settings, int(seed))
    else:
        embedding = study.sampling.embedding
        drawn = samples.draw_embedding_sample(splits, embedding, int(seed or embedding.seed or 0))
    samples.save_sample(study.results / f"samples/{sample}.csv", drawn)


@rule
@draw
def build_text(study: Study, draw: str) -> None:
    """Write out the documents that word vectors are trained on, in the order they are read."""
    from sgns_study import artifacts, samples, tokens

    folder, out = study.results / "tokens", study.results / f"text{draw}"
    sample = study.results / f"samples/embedding{draw}.csv"
    with artifacts.recorded_run(out / "run.json", {}, [folder / "ids.npy", sample]):
        stream = tokens.load_tokens(folder)
        drawn = samples.load_sample(sample, samples.EMBEDDING, len(stream.labels))
        samples.save_text(out, stream, stream.vocabulary, drawn["train"])


@rule
@draw
@radius
def build_pairs(study: Study, draw: str, radius: int) -> None:
    """Lay out windows of one radius and draw its fixed validation negatives."""
    from sgns_study import artifacts, pairs, samples, tokens

    folder, settings = study.results / "tokens", study.pairs
    out = study.results / f"pairs{draw}/r{radius}"
    sample = study.results / f"samples/embedding{draw}.csv"
    record = {"radius": radius, **settings.model_dump()}
    with artifacts.recorded_run(out / "run.json", record, [folder / "ids.npy", sample]):
        stream = tokens.load_tokens(folder)
        drawn = samples.load_sample(sample, samples.EMBEDDING, len(stream.labels))
        train = drawn["train"][: settings.train_documents]
        validation = drawn["validation"][: settings.validation_documents]
        built = pairs.build_pairs(
            *tokens.truncated(stream, train, settings.max_tokens),
            *tokens.truncated(stream, validation, settings.max_tokens),
            radius=radius,
            negatives=settings.validation_negatives,
            vocabulary_size=len(stream.vocabulary.tokens),
            seed=settings.seed,
            noise=pairs.powers(stream.vocabulary.counts, settings.validation_alpha),
        )
        pairs.save_pairs(out, built)


@rule
@vectors_options
def train_sgns(study: Study, recipe: str, radius: int, dim: int, seed: int) -> None:
    """Train word vectors by a recipe: SGNS, or its count-based twin."""
    from sgns_study import artifacts, devices, pairs, samples, tokens
    from sgns_study.sgns import recipes, vectors

    settings, model = study.recipes[recipe], plan.Model(recipe, radius, dim)
    device = {"device": devices.torch_device(study.device)} if settings.on_device else {}
    out = study.results / "embeddings" / f"{model.name}-s{seed}"
    record = model._asdict() | {"seed": seed} | device | settings.model_dump()
    vocabulary = study.results / "tokens/vocabulary.csv"
    inputs = plan.Files(study).read_by(study, recipe, radius, seed)
    with artifacts.recorded_run(out / "run.json", record, [vocabulary, *map(Path, inputs)]) as run:
        known, drawn = tokens.load_vocabulary(vocabulary), plan.draw(study, seed)
        words, text, windows = known.tokens, None, None
        if "text" in settings.reads:
            text = samples.load_text(study.results / f"text{drawn}", len(words))
        if "pairs" in settings.reads:
            windows = pairs.load_pairs(study.results / f"pairs{drawn}/r{radius}", len(words))
        data = recipes.TrainingData(words, text, windows)
        trained, curves = recipes.train(settings, data, radius, dim, seed, **device)
        run |= vectors.coverage(trained, known.counts)
        vectors.save_vectors(out / "vectors.safetensors", trained)
        artifacts.write_table(out / "curves.csv", curves)


@rule
@vectors_options
def evaluate_vectors(study: Study, recipe: str, radius: int, dim: int, seed: int) -> None:
    """Score word vectors on similarity, analogies and known synonyms; list neighbours, draw a map.

    Writes `scores.csv`, `similarities.csv`, `neighbours.csv` and `map.csv`.
    """
    from sgns_study.artifacts import write_table
    from sgns_study.corpora import registry
    from sgns_study.evaluation import datasets, intrinsic, probes
    from sgns_study.evaluation.vectors import MAIN_SETS
    from sgns_study.sgns.vectors import load_vectors, trained_words

    run = f"{plan.Model(recipe, radius, dim).name}-s{seed}"
    out, trained = study.results / "vectors" / run, study.results / "embeddings" / run
    loaded = trained_words(load_vectors(trained / "vectors.safetensors"))
    table, words = loaded.centre, loaded.vocabulary
    pairs, questions = datasets.standard_sets(RAW) if study.evaluation.public_sets else ({}, {})
    groups = study.evaluation.words or registry.probe_words(study.corpus)
    synonyms = registry.known_synonyms(study.corpus)
    scores = intrinsic.intrinsic_scores(table, words, pairs, questions, synonyms)
    write_table(out / "scores.csv", scores)
    pairs = {name: judged for name, judged in pairs.items() if name in MAIN_SETS}
    write_table(out / "similarities.csv", intrinsic.similarities(table, words, pairs))
    write_table(out / "neighbours.csv", probes.probe_neighbours(table, words, groups))
    write_table(out / "map.csv", probes.words_map(table, words, groups, seed))


@rule
@click.option("--variant", required=True, help="a classifier of the study, by its folder's name")
@seed
def train_classifier(study: Study, variant: str, seed: int) -> None:
    """Train the Conv1d classifier from an initial embedding; the first seed keeps its weights."""
    from sgns_study import artifacts, devices, samples, tokens
    from sgns_study.classifiers import fit, inits, model
    from sgns_study.classifiers.predictions import write_predictions
    from sgns_study.sgns.vectors import load_vectors

    folder, what = study.results / "tokens", plan.named(plan.variants(study))[variant]
    settings, device = plan.settings_of(study, what), devices.torch_device(study.device)
    out = study.results / "classifiers" / f"{variant}-s{seed}"
    record = {"init": what.init, "scale": what.scale, "documents": what.documents}
    record |= {"dim": what.dim, "seed": seed, "device": device, **settings.model_dump()}
    sample = study.results / f"samples/classifier-s{seed}.csv"
    vectors = [Path(path) for path in plan.Files(study).vectors_of(what, seed)]
    inputs = [folder / "ids.npy", sample, *vectors]
    with artifacts.recorded_run(out / "run.json", record, inputs) as run:
        stream = tokens.load_tokens(folder)
        words = stream.vocabulary.tokens
        drawn = samples.load_sample(sample, samples.CLASSIFIER, len(stream.labels))
        if what.documents:
            drawn = samples.first_documents(drawn, what.documents)
        loaded = load_vectors(vectors[0]) if vectors else None
        least = settings.kernel - 2 * settings.padding
        length = settings.max_tokens or tokens.usual_length(stream, drawn["train"], least)
        parts = {
            role: fit.Documents(tokens.padded(stream, part, length), stream.labels[part])
            for role, part in drawn.items()
        }
        fitted = fit.train_classifier(
            **parts,
            table=inits.initial_table(what.init, loaded, words, what.dim, seed, what.scale),
            settings=settings,
            seed=seed,
            frozen=inits.is_frozen(what.init),
            device=device,
        )
        predicted = drawn["test"], parts["test"].labels, fitted.probabilities
        write_predictions(out / "predictions.csv", *predicted)
        artifacts.write_table(out / "curves.csv", fitted.curves)
        if seed in plan.kept_seeds(study)[0]:
            classes = artifacts.read_table(folder / "classes.csv", text=("name",))
            about = model.Settings(
                tokens=study.tokens,
                vocabulary=words,
                classes=classes["name"].tolist(),
                max_tokens=length,
                padding=settings.padding,
            )
            model.save_model(out / "model.safetensors", fitted.weights, about)
        run |= {"selected_epoch": fitted.selected_epoch, "max_tokens": length}


@rule
@click.option("--baseline", required=True, help="a baseline of the study, by its folder's name")
@seed
def train_baseline(study: Study, baseline: str, seed: int) -> None:
    """Train a classifier of scikit-learn's on the documents of the Conv1d classifier."""
    from sgns_study import artifacts, samples, tokens
    from sgns_study.classifiers import baselines
    from sgns_study.classifiers.predictions import write_predictions
    from sgns_study.sgns.vectors import load_vectors

    folder, what = study.results / "tokens", plan.named(plan.baselines(study))[baseline]
    out = study.results / "baselines" / f"{baseline}-s{seed}"
    record = {"kind": what.kind, "documents": what.documents}
    sample = study.results / f"samples/classifier-s{seed}.csv"
    vectors = [Path(path) for path in plan.Files(study).vectors_of(what, seed)]
    inputs = [folder / "ids.npy", sample, *vectors]
    with artifacts.recorded_run(out / "run.json", record, inputs) as run:
        stream = tokens.load_tokens(folder)
        drawn = samples.load_sample(sample, samples.CLASSIFIER, len(stream.labels))
        if what.documents:
            drawn = samples.first_documents(drawn, what.documents)
        parts = {role: baselines.TokenDocuments.of(stream, part) for role, part in drawn.items()}
        loaded = load_vectors(vectors[0]) if vectors else None
        fitted = baselines.train_baseline(what.kind, **parts, vectors=loaded)
        test = parts["test"].labels
        write_predictions(out / "predictions.csv", drawn["test"], test, fitted.probabilities)
        artifacts.write_table(out / "curves.csv", baselines.curves(fitted, test))
        run["chosen"] = fitted.settings


@rule
def aggregate(study: Study) -> None:
    """Gather what was found in all finished models into the tidy tables.

    Models that are missing are left out, so that a study can be summed up while it runs.
    """
    from sgns_study import artifacts
    from sgns_study.aggregate import gather

    found = gather(study, study.results)
    for name, table in found.tables.items():
        artifacts.write_table(study.results / f"{name}.csv", table)
    for name, array in found.arrays.items():
        artifacts.write_array(study.results / f"{name}.npy", array)
    if found.metrics:
        artifacts.write_json(study.results / "metrics.json", found.metrics)


@rule
def claims(study: Study) -> None:
    """Judge the claims: `claims.csv`, `comparisons.csv` and, of classifiers, `convergence.csv`.

    Tables that are missing are those of stages that the study does not have.
    """
    import numpy as np

    from sgns_study import artifacts
    from sgns_study.evaluation.quantities import times
    from sgns_study.evaluation.tables import read_present
    from sgns_study.evaluation.verdicts import judged_by

    results, tables = study.results, ("runs", "classifier_curves", "experiment_curves")
    found = read_present(results, (*tables, "vectors", "sgns_curves", "word_pairs"))
    correct, ranks = np.empty((0, 0), np.uint8), np.empty((0, 0), np.uint16)
    if "runs" in found:
        correct = artifacts.read_array(results / "correct.npy", ndim=2)
    if "word_pairs" in found:
        ranks = artifacts.read_array(results / "pair_ranks.npy", ndim=2)
    judged, comparisons = judged_by(study, found, correct, ranks)
    artifacts.write_table(results / "claims.csv", judged)
    artifacts.write_table(results / "comparisons.csv", comparisons)
    if "classifier_curves" in found:
        artifacts.write_table(results / "convergence.csv", times(found["classifier_curves"]))


@rule
def timings(study: Study) -> None:
    """Gather Snakemake's benchmark files: seconds and peak memory of every job."""
    from sgns_study.aggregate import timings
    from sgns_study.artifacts import write_table

    found = timings([Path("data/benchmarks"), study.results / "benchmarks"])
    write_table(study.results / "timings.csv", found)


@rule
@click.argument("name")
def figure(study: Study, name: str) -> None:
    """Draw one figure of the report from the tidy tables; its caption goes beside it as .md."""
    from sgns_study.figures import draw_figure

    draw_figure(name, study.results, Path("reports", study.study, "figures", f"{name}.svg"))


@rule
def report(study: Study) -> None:
    """Render the report as one self-contained HTML page and as PDF; its appendix and answer."""
    from sgns_study.report.render import render

    render(study, study.results, Path("reports", study.study))


@cli.command()
@vectors_file
@written
def export(vectors: Path, errors: str, kind: str | None, out: Path) -> None:
    """Convert VECTORS to word2vec's text or binary format, which gensim reads, or to safetensors.

    VECTORS is a safetensors file, or itself in one of word2vec's formats. Words that training never
    met, such as the pad, are left out; where their counts are known, the most frequent come first.
    """
    from sgns_study.sgns.vectors import read_vectors, trained_words, write_vectors

    check_new(out, vectors)
    write_vectors(out, trained_words(read_vectors(vectors, errors)), kind)


@cli.command()
@click.option(
    "--text", type=FILE, required=True, help="one document a line, its tokens between white space"
)
@written
@option("--radius", click.IntRange(1, 1000), 5, "tokens on each side of a window, R")
@option("--dim", click.IntRange(1, 4096), 128, "dimension of the vectors")
@setting("--negatives", "negatives", 5)
@setting("--epochs", "epochs", 5)
@setting("--min-count", "min_count", 5)
@setting("--subsample", "subsample", 1e-3)
@setting("--alpha", "alpha", 0.75)
@setting("--window", "window", "dynamic")
@setting("--lr", "learning_rate", 0.025)
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
def embed(text: Path, out: Path, kind: str | None, checkpoint: Path | None, **options: Any) -> None:
    """Train word2vec on any text file.

    The last line on standard output is a JSON object: tokens trained on, over all epochs, seconds,
    tokens per second, the mean loss of a pair in the last epoch and, where documents are held out,
    in these after it. Seconds and speed are those since training was last started.
    """
    from sgns_study.sgns import checkpoint as checkpoints
    from sgns_study.sgns.embed import embed
    from sgns_study.sgns.vectors import write_vectors

    check_new(out, text)
    if checkpoint:
        check_new(checkpoint, out, text)
    keys = params.Word2vecRecipe.model_fields.keys() & options.keys()
    settings = {key: options.pop(key) for key in keys}  # the others are arguments of `embed`
    try:
        recipe = params.Word2vecRecipe(kind="word2vec", **settings)
    except ValidationError as error:
        raise StudyError(config.explain(error.errors()[0], params.Word2vecRecipe)) from None
    vectors, summary = embed(text, recipe, checkpoint=checkpoint, **options)
    write_vectors(out, vectors, kind)
    if checkpoint:
        checkpoints.remove(checkpoint)
    click.echo(json.dumps(summary))


@cli.command()
@click.argument("model", type=FILE)
@click.option("--text", type=FILE, required=True, help="a text a line or row; -: standard input")
@click.option(
    "--column",
    "columns",
    multiple=True,
    default=["text"],
    show_default=True,
    help="of the text in .csv, .tsv, .jsonl and .parquet; several are joined as in the study",
)
@option("--format", click.Choice(["csv", "jsonl"]), "csv", "of the output")
def predict(model: Path, text: Path, columns: tuple[str, ...], format: str) -> None:
    """Print the label of each text, and the probability of each class, by a kept classifier.

    MODEL is a model.safetensors of a study. A file that ends as tables do has a row for each text,
    any other a line; an empty line is a text without words.
    """
    from sgns_study.classifiers.model import load_model, predictions, read_texts

    classifier = load_model(model)
    found = predictions(classifier, read_texts(text, columns))
    if format == "jsonl":
        sys.stdout.writelines(f"{json.dumps(row, ensure_ascii=False)}\n" for row in found)
        return
    writer = csv.DictWriter(sys.stdout, classifier.columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(found)


@cli.command()
@vectors_file
@click.argument("words", nargs=-1, required=True)
@option("--number", click.IntRange(1), 10, "neighbours of each word")
def neighbours(vectors: Path, errors: str, words: tuple[str, ...], number: int) -> None:
    """List the nearest words of each of WORDS by cosine.

    VECTORS is a safetensors file or in word2vec's text or binary format.
    """
    from sgns_study.evaluation.intrinsic import directed_row_of, neighbours
    from sgns_study.sgns.vectors import read_vectors, trained_words

    loaded, found, without = trained_words(read_vectors(vectors, errors)), [], []
    for word in words:
        try:
            directed_row_of(word, loaded.centre, loaded.vocabulary)
            found.append(word)
        except StudyError as error:
            without.append(str(error))
    for word, near in neighbours(loaded.centre, loaded.vocabulary, found, number).items():
        click.echo(word)
        for neighbour, cosine in near:
            click.echo(f"  {cosine:6.3f}  {neighbour}")
    if without:
        raise StudyError("\n".join(without))


@cli.command()
@vectors_file
@click.option(
    "--similarity", type=FILE, multiple=True, help="pairs of words with a score, one a line"
)
@click.option("--analogies", type=FILE, multiple=True, help="questions as in questions-words.txt")
@option("--data", FOLDER, "data/raw", "folder of the standard sets")
def evaluate(
    vectors: Path,
    errors: str,
    similarity: tuple[Path, ...],
    analogies: tuple[Path, ...],
    data: Path,
) -> None:
    """Print a CSV table of Spearman correlations and analogy accuracies.

    VECTORS is a safetensors file or in word2vec's text or binary format. Without files of pairs or
    questions, the standard sets are taken: downloaded first, if not there, from the mirror in
    SGNS_STUDY_MIRROR or their public addresses. Each data set is named for its file, by the whole
    path where two have one name; coverage is the share of it whose words have a vector.
    """
    from sgns_study.corpora.sources import evaluation_sources, fetch
    from sgns_study.evaluation.datasets import standard_sets
    from sgns_study.evaluation.intrinsic import intrinsic_scores, read_pairs, read_questions
    from sgns_study.sgns.vectors import read_vectors, trained_words

    loaded = trained_words(read_vectors(vectors, errors))
    if files := {*similarity, *analogies}:
        stems = Counter(path.stem for path in files)
        names = {path: path.stem if stems[path.stem] == 1 else str(path) for path in files}
        pairs = {names[path]: read_pairs(path) for path in similarity}
        questions = {names[path]: read_questions(path) for path in analogies}
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

    from sgns_study.artifacts import ArtifactError, reading, sealed_files

    files = [path for folder in folders for path in sealed_files(folder)]
    bad, remedy = 0, "run again, or bring it back from a copy"
    for path in tqdm(files, unit="file", disable=None):
        try:
            with reading(path, "not readable", remedy), path.open("rb"):
                pass
        except ArtifactError as error:
            click.echo(error, err=True)
            bad += 1
    if bad:
        raise StudyError(
            f"{bad} of {len(files)} files are damaged or missing: delete what is damaged and have "
            "all of them made by name: snakemake --cores all --configfile PARAMS -- NAME..."
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


@cli.command()
@click.argument("study", type=FILE)
@click.option("--out", type=FILE, required=True, callback=in_writable_folder, help="the zip")
def crate(study: Path, out: Path) -> None:
    """Write a finished study as a Workflow Run RO-Crate: its answer, and how it came about.

    STUDY is its parameter file. The zip holds the workflow, the tables, the report and the record
    of each job; data and models are named in it with their SHA-256.
    """
    from sgns_study.crate import write_crate

    check_new(out, study)
    click.echo(f"{out}: a crate of {write_crate(study, out)} recorded jobs")


@cli.command()
@click.argument("folder", type=FOLDER)
def init(folder: Path) -> None:
    """Make FOLDER a place for a study of one's own text: my.yaml, an example, and a Snakefile."""
    from sgns_study.artifacts import write_text

    copied = {
        "my.yaml": plan.WORKFLOW / "config/own.yaml",
        "data/reviews.csv": plan.WORKFLOW / "data/reviews.csv",
        "params.schema.json": plan.WORKFLOW / "config/params.schema.json",  # for editors
    }
    texts = {name: path.read_text(encoding="utf-8") for name, path in copied.items()}
    texts["Snakefile"] = """from sgns_study.plan import WORKFLOW
include: WORKFLOW / "Snakefile"
workflow.default_target = "all"
"""
    for path in (folder / name for name in texts):
        if path.exists():
            raise StudyError(f"{path}: exists, and would be written over: name another folder")
    for name, text in texts.items():
        write_text(folder / name, text)
    click.echo(f"Edit {folder / 'my.yaml'}; then, in {folder}: sgns-study run my.yaml")


@cli.command(context_settings={"ignore_unknown_options": True})
@click.argument("study", type=FILE)
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def run(study: Path, options: tuple[str, ...]) -> None:
    """Run the study of the parameter file STUDY: its plan, one line while it runs, the answer.

    OPTIONS are those of Snakemake, such as `-n` or `--cores 2`; all cores if none are named. Its
    full log is in .snakemake/log.
    """
    from sgns_study.guards import LIVE

    config.read_study(study)  # which runs no code that is in it, as Snakemake may
    if not Path("Snakefile").is_file():
        raise StudyError("no Snakefile in this folder: `sgns-study init FOLDER` makes one that has")
    profile = f"--workflow-profile={plan.WORKFLOW / 'profiles/default'}"
    command = [sys.executable, "-m", "snakemake", "--cores", "all", profile]
    # In place of this process, so that a signal reaches Snakemake.
    os.environ[LIVE] = "1"
    os.execv(sys.executable, [*command, f"--configfile={study}", *options])


@cli.command("params")
@click.argument("study", type=FILE, required=False)
def show_params(study: Path | None) -> None:
    """Check the parameter file STUDY and the files it names, and print what it has to do.

    Minutes and memory are estimated from finished studies, on a processor of 2.4 GHz. Without
    STUDY, list every key.
    """
    if study:
        from sgns_study import estimate
        from sgns_study.guards import check_files

        checked = config.read_study(study)
        try:
            check_files(checked)
        except ValueError as error:
            raise StudyError(f"{study}: {error}") from None
        click.echo(f"{study}: the parameters of the study {checked.study!r} are valid")
        click.echo("\n".join(estimate.lines(estimate.stages(checked))))
        return
    for key in config.all_keys():
        default = f"; default: {key.default}" if key.default else ""
        click.echo(f"{click.style(key.name, bold=True)}: {key.allowed}{default}")
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

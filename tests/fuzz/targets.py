"""The readers of the project, each with valid files to damage and others made on purpose.

`TARGETS` is the list: a reader that is new gets an entry here.
"""

import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import torch
import yaml
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from safetensors.torch import save

from sgns_study import aggregate, artifacts, config, pairs, params, plan, samples, tokens
from sgns_study.classifiers import model
from sgns_study.classifiers.conv1d import Conv1dClassifier
from sgns_study.classifiers.predictions import write_predictions
from sgns_study.corpora import books, imdb, lines, sources, table
from sgns_study.corpora.documents import NO_LABEL, TEST, TRAIN, UNLABELLED, Document
from sgns_study.evaluation import intrinsic
from sgns_study.evaluation.tables import COLUMNS, read_present, read_tidy
from sgns_study.report.classifiers import BestModel, best_model
from sgns_study.report.markdown import numbered
from sgns_study.report.records import costs, provenance
from sgns_study.report.render import figure
from sgns_study.sgns import checkpoint, vectors
from sgns_study.sgns.state import initial_state
from tests.fuzz import grammar
from tests.fuzz.grammar import json_of, soup
from tests.zipfian import expand

Bytes = st.SearchStrategy[bytes]
REPOSITORY = Path(__file__).parents[2]
DEMO = yaml.safe_load((REPOSITORY / "config/demo.yaml").read_text())
TINY = yaml.safe_load((REPOSITORY / "tests/tiny.yaml").read_text())


@dataclass(frozen=True)
class Target:
    """A reader: `read(folder)` of the files that `make(folder)` writes, valid ones.

    With `each` every file stands by itself and `read(path)` reads one. What was read is put to the
    use that a stage makes of it, `use(found)`: a reader that lets through what breaks a stage has
    failed as well. `others`: whole files on purpose, by name. `damage`: whether the valid files are
    damaged too. `named`: whether an error names the file or its folder.
    """

    name: str
    make: Callable[[Path], None]
    read: Callable[[Path], Any]
    use: Callable[[Any], object] = lambda found: None
    others: Mapping[str, Bytes] = field(default_factory=dict)
    each: bool = False
    damage: bool = True
    named: bool = True


def writes(**files: bytes | str) -> Callable[[Path], None]:
    """Writes files, whose names have `_` for a dot."""

    def make(folder: Path) -> None:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            (folder / name.replace("_", ".")).write_bytes(data)

    return make


# Parameters

SECTIONS = {
    "corpus": (params.Corpus, DEMO["corpus"]),
    "table": (params.Corpus, {"kind": "table", "path": "a.csv", "text": "a", "label": "b"}),
    "tables": (
        params.Corpus,
        {"kind": "table", "path": "a.csv", "text": ["a", "c"], "label": "b", "unlabelled": "u.csv"},
    ),
    "tokens": (params.Tokens, DEMO["tokens"]),
    "embedding": (params.EmbeddingSample, TINY["sampling"]["embedding"]),
    "classifier": (params.ClassifierSample, DEMO["sampling"]["classifier"]),
    "pairs": (params.Pairs, DEMO["pairs"]),
    "recipe": (params.Recipe, DEMO["recipes"]["word2vec"]),
    "evaluation": (params.Evaluation, {"public_sets": False, "words": {"a": ["b", "c"]}}),
    "conv1d": (params.Classifier, DEMO["classifier"]),
    "report": (params.Report, DEMO["report"]),
    "study": (params.Study, TINY),
}


def make_settings(folder: Path) -> None:
    for name, (_, content) in SECTIONS.items():
        (folder / f"{name}.json").write_text(json.dumps(content))


def read_settings(path: Path) -> Any:
    """A section of the file that the jobs of a study read."""
    model = SECTIONS[path.stem][0]
    content = config.read_parameters(path)
    try:
        return TypeAdapter(model).validate_python(content)
    except ValidationError as error:
        problems = [config.explain(problem, model) for problem in error.errors()]
        raise config.ParamsError("\n".join(problems)) from None


def as_snakemake_reads(folder: Path) -> params.Study:
    """Through JSON; of what Snakemake cannot read nothing comes to the study."""
    path = folder / "params.json"
    try:
        content = json.loads(path.read_bytes())
    except RecursionError:
        content = None
    if not isinstance(content, dict):
        raise click.ClickException(f"Snakemake refuses {path}")
    return config.check_study(content, origin=str(path))


def planned(study: params.Study) -> object:
    """What a study names, as the Snakefile asks for it; not one with millions of models."""
    if len(study.grid.seeds) * len(study.grid.radii) * len(study.grid.dims) < 1000:
        return plan.models(study), plan.variants(study), plan.baselines(study)
    return None


# Corpora

REVIEWS = {
    "aclImdb/test/pos/0_10.txt": b"a fine film",
    "aclImdb/train/pos/10_8.txt": b"good",
    "aclImdb/train/neg/0_1.txt": "très bad<br />film".encode(),
    "aclImdb/train/unsup/0_0.txt": b"",
    "aclImdb/train/labeledBow.feat": b"1 2:3",
    "aclImdb/test/urls_pos.txt": b"http://www.imdb.com/title/tt0000001/usercomments",
    "aclImdb/train/urls_pos.txt": b"http://www.imdb.com/title/tt0000002/usercomments\n" * 11,
    "aclImdb/train/urls_neg.txt": b"http://www.imdb.com/title/tt0000002/usercomments",
    "aclImdb/train/urls_unsup.txt": b"http://www.imdb.com/title/tt0000003/usercomments",
}
COUNTS = {TRAIN: 2, TEST: 1, UNLABELLED: 1}


def archive(packing: str, members: Mapping[str, bytes] = REVIEWS) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=f"w:{packing}") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return out.getvalue()


def make_archives(folder: Path) -> None:
    for packing in ("gz", "xz"):
        (folder / f"aclImdb.{packing}").write_bytes(archive(packing))


def read_archive(path: Path) -> list[Document]:
    return list(imdb.read(path, COUNTS))


BOOKS = {"top/B/Two.md": b"# Two\n\n_One_ word", "top/A/One.md": "été\n\nfilm".encode()}
BOOKS_DIGEST = hashlib.sha256(
    b"".join(
        b"%s\0%d\0%s" % (name[4:].encode(), len(text), text) for name, text in sorted(BOOKS.items())
    )
).hexdigest()


def make_books(folder: Path) -> None:
    for packing in ("gz", "xz"):
        (folder / f"books.{packing}").write_bytes(archive(packing, BOOKS))


ROWS = [
    (f'{word} "film", number {n}\nété', label)
    for n in range(13)
    for word, label in (("fine", 1), ("poor", 0), ("unseen", None))
]
FRAME = pd.DataFrame(ROWS, columns=["text", "label"]).assign(other="x").astype({"label": "Int64"})


def make_separated(folder: Path) -> None:
    FRAME.to_csv(folder / "a.csv", index=False)
    FRAME.to_csv(folder / "a.tsv", index=False, sep="\t")
    FRAME.to_csv(folder / "utf-16.csv", index=False, encoding="utf-16")
    FRAME.to_csv(folder / "cp1252.csv", index=False, encoding="cp1252")


def make_json_lines(folder: Path) -> None:
    FRAME.to_json(folder / "a.jsonl", orient="records", lines=True, force_ascii=False)


def make_parquet(folder: Path) -> None:
    table_ = pa.Table.from_pandas(FRAME)
    pyarrow.parquet.write_table(table_, folder / "a.parquet", row_group_size=20)
    pyarrow.parquet.write_table(table_, folder / "b.parquet", compression="gzip", version="1.0")


def read_table(path: Path) -> list[Document]:
    """A table as it is and, where rows are bad, without them; also with all that it may have."""
    encoding = path.stem if path.stem in ("utf-16", "cp1252") else "utf-8"
    settings = {"kind": "table", "path": path.name, "text": "text", "label": "label"}
    corpus = params.TableCorpus(**settings, encoding=encoding, on_bad_rows="skip")
    list(table.read(corpus, path.parent))
    more = {"text": ("other", "text"), "unlabelled": path.name}
    list(table.read(corpus.model_copy(update=more), path.parent))
    return list(table.read(corpus.model_copy(update={"on_bad_rows": "stop"}), path.parent))


def tokenized(documents: list[Document]) -> object:
    """Words of documents, saved and loaded."""
    return tokens.tokenize(documents, params.Tokens(tokenizer="word"))


LINES = "the fine film\nla  été\tfilm \n\nfine film the\n" * 3


def read_all_lines(folder: Path) -> list[lines.Lines]:
    return [lines.read_lines(folder / "text.txt", share, seed=1) for share in (0, 0.3)]


# Vocabularies, token streams, samples, texts, pairs

WORDS = ["[PAD]", "[UNK]", "the", "film", "fine", "poor", "été", '"', "映画"]
DOCUMENTS = [Document(f"train/{n}", TRAIN, n % 2, "the film fine the film " * 2) for n in range(6)]
DOCUMENTS += [Document("test/0", TEST, 1, 'poor "film" été')]
DOCUMENTS += [Document("unlabelled/0", UNLABELLED, NO_LABEL, "fine 映画 the film")]


def make_wordpieces(folder: Path) -> None:
    entries = ["[PAD]", "[UNK]", *(f"w{n}" for n in range(tokens.WORDPIECES - 2))]
    (folder / "vocab.txt").write_text("\n".join(entries) + "\n")


STREAM, IDS = tokens.tokenize(DOCUMENTS, params.Tokens(tokenizer="word"))


def make_stream(folder: Path) -> None:
    tokens.save_tokens(folder, STREAM, IDS)


def use_stream(stream: tokens.TokenStream) -> None:
    documents = np.arange(len(stream.offsets) - 1)
    tokens.padded(stream, documents, 5)
    tokens.count(stream, len(stream.vocabulary.tokens))
    [stream.vocabulary.tokens[i] for i in stream.ids]


def make_vocabulary(folder: Path) -> None:
    table_ = pd.DataFrame({"token": WORDS, "count": range(len(WORDS))})
    artifacts.write_table(folder / "vocabulary.csv", table_)


def use_vocabulary(vocabulary: tokens.Vocabulary) -> None:
    assert all(isinstance(token, str) for token in vocabulary.tokens)
    assert vocabulary.counts.min(initial=0) >= 0


def make_samples(folder: Path) -> None:
    make_stream(folder / "tokens")
    drawn = {"train": np.arange(4), "validation": np.arange(4, 6), "test": np.array([6])}
    samples.save_sample(folder / "sample.csv", drawn)


def read_samples(folder: Path) -> tuple[np.ndarray, samples.Sample]:
    split = tokens.load_documents(folder / "tokens/documents.csv")[0]
    return split, samples.load_sample(folder / "sample.csv", samples.CLASSIFIER, len(split))


def use_samples(found: tuple[np.ndarray, samples.Sample]) -> None:
    split, sample = found
    assert set(sample) == {"train", "validation", "test"}
    for part in sample.values():
        assert split[part].max(initial=0) < 3
        assert part.min(initial=0) >= 0


def make_text(folder: Path) -> None:
    samples.save_text(folder, STREAM, STREAM.vocabulary, np.array([3, 0, 5]))


def read_text(folder: Path) -> samples.Text:
    return samples.load_text(folder, len(STREAM.vocabulary.tokens))


def use_text(text: samples.Text) -> None:
    first = samples.first_of_text(text, 1)
    for part in (text, first):
        assert np.bincount(part.ids, minlength=len(part.counts)).shape == part.counts.shape
        assert part.counts.min(initial=0) >= 0


def make_pairs(folder: Path) -> None:
    ids = np.array([1, 2, 3, 4, 5, 6, 1, 2], np.int32)
    ends = np.array([0, 5, 8])
    made = pairs.build_pairs(ids, ends, ids, ends, 2, 3, vocabulary_size=60, seed=1)
    pairs.save_pairs(folder, made)


def use_pairs(found: pairs.Pairs) -> None:
    """All that is read: beyond the ends nothing is, and nothing is an id that no table has."""
    for windows in (found.train, found.validation):
        assert windows.centres.min(initial=windows.radius) >= windows.radius
        assert windows.centres.max(initial=0) < len(windows.stream) - windows.radius
        list(expand(windows))
    assert found.validation_negatives.shape[1] % (2 * found.radius) == 0


# Vectors

TABLE = np.random.default_rng(1).normal(size=(len(WORDS), 5)).astype(np.float32)
JUDGED = [("the", "film", 1.0), ("fine", "poor", 2.0), ("film", "été", 3.5)]


def make_safetensors(folder: Path) -> None:
    for name, found in (
        ("all", vectors.Vectors(TABLE, TABLE[::-1], WORDS, np.arange(len(WORDS)))),
        ("one", vectors.Vectors(TABLE, None, WORDS)),
    ):
        vectors.save_vectors(folder / f"{name}.safetensors", found)


KEPT = {"tokens": {"tokenizer": "word"}, "vocabulary": WORDS, "max_tokens": 4, "padding": 1}
NAMES = ["no", "yes", "perhaps"]


def weights_of(classes: int) -> dict[str, torch.Tensor]:
    """Of a classifier as `Conv1dClassifier` names them."""
    outputs = classes if classes > 2 else 1
    return Conv1dClassifier(torch.from_numpy(TABLE), 2, 3, 1, outputs).state_dict()


def make_classifiers(folder: Path) -> None:
    for n in (2, 3):
        settings = model.Settings.model_validate(KEPT | {"classes": NAMES[:n]})
        model.save_model(folder / f"{n}.safetensors", weights_of(n), settings)


def classifiers() -> Bytes:
    """Right weights with any settings."""
    return json_of(KEPT | {"classes": NAMES}).map(
        lambda content: save(weights_of(3), {"classifier": content.decode("utf-8", "replace")})
    )


def use_vectors(read: vectors.Vectors) -> None:
    found = vectors.trained_words(read)
    words = found.vocabulary
    assert all(isinstance(word, str) for word in words)
    assert np.isfinite(found.centre).all()
    intrinsic.similarity(found.centre, words, JUDGED)
    intrinsic.analogies(found.centre, words, {"s": [("the", "film", "fine", "poor")]})
    known = [word for word, row in zip(words, found.centre) if np.linalg.norm(row) > 0]
    intrinsic.neighbours(found.centre, words, known[:2])


def make_word2vec(binary: bool, folder: Path) -> None:
    table_ = np.round(TABLE, 3)
    vectors.export_word2vec(folder / "vectors", vectors.Vectors(table_, None, WORDS), binary)


def read_word2vec(path: Path) -> vectors.Vectors:
    """A file without its words that are not UTF-8, with them marked, and as it is."""
    for errors in ("skip", "replace"):
        use_vectors(vectors.read_vectors(path, errors))
    return vectors.read_vectors(path)


RUN = {"dim": 20, "text_sha256": "12ab"}


def make_checkpoint(folder: Path) -> None:
    state = initial_state(9, 20, radius=3, seed=1, threads=2)
    state.losses, state.held_out = [1 / 3], [0.1, 0.7]
    checkpoint.Checkpoint(folder / "checkpoint", RUN, 0).save(state)


def checkpoint_arrays() -> dict[str, Any]:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        make_checkpoint(Path(folder))
        with np.load(Path(folder, "checkpoint")) as file:
            return dict(file)


def read_checkpoint(folder: Path) -> Any:
    file = checkpoint.Checkpoint(folder / "checkpoint", RUN, 0)
    state = initial_state(9, 20, radius=3, seed=1, threads=2)
    file.restore(file.load(), state, tokens=100)
    return state


def use_state(state: Any) -> None:
    assert state.centre.dtype == state.context.dtype == np.float32
    assert state.centre.shape == state.context.shape == (9, 32)
    assert (state.draws.dtype, state.draws.shape) == (np.uint64, (2, 3))
    assert (state.sums.dtype, state.sums.shape) == (np.float64, (2, 2))
    assert (state.left.dtype, state.left.ndim) == (np.int32, 2)
    assert all(isinstance(loss, float) for loss in state.losses + state.held_out)
    assert state.tokens(100) >= 0


# Sets, records and tables

PAIRS_FILE = "# a comment\nking queen 8.5\ntiger cat 7.35\n\nété film 1e-3\n"
QUESTIONS = (
    ": capitals\nathens greece oslo norway\n: family\nboy girl he she\nking queen man woman\n"
)
RECORD = {
    "parameters": {"seed": 1},
    "inputs": {"data/raw/a.csv": "ab" * 32},
    "results": {},
    "versions": {"numpy": "2.0"},
    "commit": "c0ffee",
    "seconds": 1.0,
}


def make_records(folder: Path) -> None:
    for name in ("a", "b"):
        artifacts.write_json(folder / name / "run.json", RECORD)


def use_records(found: Any) -> None:
    assert all(isinstance(commit, str) for commit in found.commits)
    for known in (found.versions, found.inputs):
        for values in known.values():
            [value[:16].upper() for value in values]


STUDY = config.check_study(TINY, "tests/tiny.yaml")


def make_models(folder: Path) -> None:
    """A set of vectors, a classifier and a baseline of the tiny study."""
    curves = pd.DataFrame(
        {
            "epoch": [0, 1, 0, 1, 1],
            "split": ["train", "train", "validation", "validation", "test"],
            "loss": [0.7, 0.5, 0.6, 0.5, 0.4],
            "accuracy": [0.5, 0.6, 0.5, 0.7, 0.8],
        }
    )
    scores = pd.DataFrame(
        [("planted", "precision_at_5", 0.5, 1.0)], columns=COLUMNS["vectors"][-4:]
    )
    near = pd.DataFrame([("the", 1, "1e5", 0.5)], columns=COLUMNS["neighbours"][-4:])
    placed = pd.DataFrame([("the", "g", 0.5, -1.0)], columns=COLUMNS["map"][-4:])
    artifacts.write_table(folder / "embeddings/lab-r2-d8-s1/curves.csv", curves[:4])
    for file, part in (("scores", scores), ("neighbours", near), ("map", placed)):
        artifacts.write_table(folder / f"vectors/lab-r2-d8-s1/{file}.csv", part)
    labels = np.array([0, 1, 1, 0], np.int16)
    for place, written, classes in (
        ("classifiers/random-d8-s1", curves, 3),
        ("baselines/nbsvm-s1", curves[3:].assign(epoch=None), 2),
    ):
        artifacts.write_table(folder / place / "curves.csv", written)
        probabilities = np.full((4, classes), 1 / classes)
        write_predictions(folder / place / "predictions.csv", np.arange(4), labels, probabilities)


def aggregated(folder: Path) -> dict[str, pd.DataFrame]:
    tables = aggregate.vector_tables(STUDY, folder)
    runs = aggregate.finished_runs(STUDY, folder)
    assert len(runs) == 2
    tables["runs"], _ = aggregate.runs_table(runs, aggregate.predictions_of(runs))
    return tables | aggregate.curve_tables(runs)


def typed(tables: dict[str, pd.DataFrame]) -> None:
    for name, found in tables.items():
        assert list(found.columns) == COLUMNS[name]
        for column in ("loss", "accuracy", "value", "x", "y", "test_accuracy", "epoch", "seed"):
            assert column not in found or found[column].dtype.kind in "iufO"


def make_tidy(folder: Path) -> None:
    from tests.curve_tables import write_study

    write_study(folder, [2], [16], [1, 2], planted=True)
    (folder / "metrics.json").unlink()


def make_metrics(folder: Path) -> None:
    best = {"best_model": "random-d8-s1/model.safetensors", "best_model_test_accuracy": 0.5}
    artifacts.write_json(folder / "metrics.json", best)


def use_metrics(found: BestModel) -> None:
    assert isinstance(found.best_model, str)
    assert isinstance(found.best_model_test_accuracy, float)


def read_tidy_table(path: Path) -> dict[str, pd.DataFrame]:
    read_present(path.parent, [path.stem])
    return {path.stem: read_tidy(path.parent, path.stem)}


def use_tidy(tables: dict[str, pd.DataFrame]) -> None:
    for name, found in tables.items():
        for column in {"loss", "accuracy", "cosine", "seconds", "seed", "effect", "p"} & {*found}:
            assert found[column].dtype.kind in "iuf", (name, column)
    if "timings" in tables:
        costs(tables["timings"])


BENCHMARK = (
    "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"
    "1.5\t0:00:01\t{}\t-\t-\t-\t0.0\t0.0\t0.0\t0\n"
)


def make_benchmarks(folder: Path) -> None:
    for name, memory in (("a", "100.5"), ("b", "-")):
        artifacts.write_text(folder / f"rule/{name}.tsv", BENCHMARK.format(memory))


def use_timings(found: pd.DataFrame) -> None:
    assert found["seconds"].dtype.kind in "if"
    assert pd.to_numeric(found["peak_memory_mib"]).dtype.kind in "if"


def make_figure(folder: Path) -> None:
    (folder / "claims.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (folder / "claims.md").write_text("What is *drawn*, and 3 < 4.\n")


def read_caption(folder: Path) -> str:
    return numbered(figure(folder, "claims", ["claims"], "results/tiny"))


def make_sealed(folder: Path) -> None:
    artifacts.write_text(folder / "a.csv", "a,b\n1,2\n")
    artifacts.seal(folder / "a.csv")


COPY = sources.Copy("a.bin", 6, f"sha256:{hashlib.sha256(b'abcdef').hexdigest()}")


def read_source(folder: Path) -> None:
    sources.check_copies(folder / "a.bin", [COPY], folder / "a.bin")


TABLES = (b"text,label\n", b"a b,1\n", b'"a ""b""\n c",0\n', b"text\tlabel\n", b"x,", b"\n" * 40)
JSON = (
    b'{"text": "a", "label": 1}\n',
    b'{"text": ',
    b'"label": ',
    b"1e999",
    b"}",
    b"\\ud800",
    b"NaN",
)
HEADED = (b"2 3\n", b"king 1 2 3\n", b"queen 4 5 6\n", b"king ", bytes(12), b"1.5 ", b"\n")

TARGETS = [
    Target(
        "params",
        writes(my_yaml=yaml.safe_dump(TINY)),
        lambda at: config.read_study(at / "my.yaml"),
        planned,
        {"my.yaml": grammar.yaml_of(TINY)},
    ),
    Target(
        "params of Snakemake",
        writes(params_json=json.dumps(TINY)),
        as_snakemake_reads,
        planned,
        {"params.json": json_of(TINY)},
        damage=False,
    ),
    Target(
        "settings",
        make_settings,
        read_settings,
        each=True,
        named=False,
        others={f"{name}.json": json_of(content) for name, (_, content) in SECTIONS.items()},
    ),
    Target(
        "archive",
        make_archives,
        read_archive,
        each=True,
        others={"aclImdb.gz": grammar.archives(REVIEWS)},
    ),
    Target(
        "archive of books",
        make_books,
        lambda path: list(books.passages_of(path, BOOKS_DIGEST)),
        each=True,
        others={"books.gz": grammar.archives(BOOKS)},
    ),
    Target(
        "table: csv",
        make_separated,
        read_table,
        tokenized,
        dict.fromkeys(("a.csv", "a.tsv", "cp1252.csv"), soup(*TABLES)),
        each=True,
    ),
    Target(
        "table: jsonl",
        make_json_lines,
        read_table,
        tokenized,
        {"a.jsonl": soup(*JSON) | st.lists(json_of({"text": "a", "label": 1})).map(b"\n".join)},
        each=True,
    ),
    Target(
        "table: parquet",
        make_parquet,
        read_table,
        tokenized,
        {"a.parquet": grammar.parquet()},
        each=True,
    ),
    Target(
        "lines", writes(text_txt=LINES), read_all_lines, others={"text.txt": soup(b"film ", b"a\n")}
    ),
    Target("wordpieces", make_wordpieces, lambda at: tokens.read_wordpieces(at / "vocab.txt")),
    Target(
        "vocabulary",
        make_vocabulary,
        lambda at: tokens.load_vocabulary(at / "vocabulary.csv"),
        use_vocabulary,
        {"vocabulary.csv": soup(b"token,count\n", b"[PAD],0\n", b"the,3\n", b"a,")},
    ),
    Target(
        "token stream",
        make_stream,
        tokens.load_tokens,
        use_stream,
        {"ids.npy": grammar.ARRAYS, "offsets.npy": grammar.ARRAYS},
    ),
    Target(
        "samples",
        make_samples,
        read_samples,
        use_samples,
        {"sample.csv": soup(b"role,document\n", b"train,0\n", b"validation,4\n", b"test,6\n")},
    ),
    Target(
        "text",
        make_text,
        read_text,
        use_text,
        {f"{name}.npy": grammar.ARRAYS for name in ("ids", "offsets", "counts")},
    ),
    Target(
        "pairs",
        make_pairs,
        lambda at: pairs.load_pairs(at, 60),
        use_pairs,
        {f"{name}.npy": grammar.ARRAYS for name in (*pairs.FILES, pairs.NEGATIVES)},
    ),
    Target(
        "correct.npy",
        lambda at: artifacts.write_array(at / "correct.npy", np.ones((3, 4), np.uint8)),
        lambda at: artifacts.read_array(at / "correct.npy", ndim=2),
        np.sum,
        {"correct.npy": grammar.ARRAYS},
    ),
    Target(
        "vectors: safetensors",
        make_safetensors,
        vectors.load_vectors,
        use_vectors,
        {"all.safetensors": grammar.safetensors()},
        each=True,
    ),
    Target(
        "classifier",
        make_classifiers,
        model.load_model,
        lambda found: list(model.predictions(found, [(1, "the fine film"), (2, "")])),
        {"2.safetensors": grammar.safetensors(), "3.safetensors": classifiers()},
        each=True,
    ),
    Target(
        "vectors: text",
        partial(make_word2vec, False),
        read_word2vec,
        use_vectors,
        {"vectors": soup(*HEADED)},
        each=True,
    ),
    Target(
        "vectors: binary",
        partial(make_word2vec, True),
        read_word2vec,
        use_vectors,
        {"vectors": soup(*HEADED)},
        each=True,
    ),
    Target(
        "checkpoint",
        make_checkpoint,
        read_checkpoint,
        use_state,
        {"checkpoint": grammar.checkpoints(checkpoint_arrays())},
    ),
    Target(
        "similarity",
        writes(a_txt=PAIRS_FILE),
        lambda at: intrinsic.read_pairs(at / "a.txt"),
        others={"a.txt": soup(b"king queen 8.5\n", b"a ", b"b\t", b"1\n")},
    ),
    Target(
        "analogies",
        writes(a_txt=QUESTIONS),
        lambda at: intrinsic.read_questions(at / "a.txt"),
        others={"a.txt": soup(b": family\n", b"a b c d\n", b": ", b"a ")},
    ),
    Target("records", make_records, provenance, use_records, {"b/run.json": json_of(RECORD)}),
    Target("models", make_models, aggregated, typed),
    Target("tables of a study", make_tidy, read_tidy_table, use_tidy, each=True),
    Target("metrics of a study", make_metrics, best_model, use_metrics),
    Target(
        "benchmarks",
        make_benchmarks,
        lambda at: aggregate.timings([at]),
        use_timings,
        {"rule/a.tsv": soup(b"s\tmax_rss\n", b"1.5\t", b"-\n")},
    ),
    Target("captions", make_figure, read_caption, others={"claims.md": soup(b"A *caption*.\n")}),
    Target("seals", make_sealed, lambda at: artifacts.read_table(at / "a.csv")),
    Target("sources", writes(a_bin=b"abcdef"), read_source),
]

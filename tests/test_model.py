"""A kept classifier predicts for texts what the study found for the same documents."""

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from click.testing import CliRunner

from sgns_study import params
from sgns_study.artifacts import ArtifactError
from sgns_study.classifiers import model
from sgns_study.classifiers.fit import Fitted, train_classifier
from sgns_study.classifiers.inits import random_table
from sgns_study.classifiers.model import Settings, load_model, read_texts, save_model
from sgns_study.cli import cli
from sgns_study.corpora import table
from sgns_study.corpora.documents import TEST, TRAIN, Document
from sgns_study.sgns.vectors import Vectors, save_vectors
from sgns_study.tokens import PAD, UNKNOWN, padded, tokenize
from tests.test_fit import DIM, SEED, SETTINGS, THREE_CLASSES, VOCABULARY, documents

PAGE = Path(__file__).parent.parent / "docs/your-own-text.md"
WORDS = [PAD, UNKNOWN, *(f"w{i}" for i in range(2, VOCABULARY))]
SPLITS = {2: (documents(70, 1), documents(40, 2), documents(30, 3)), 3: THREE_CLASSES}
WORD = params.Tokens(tokenizer="word")


def settings(classes: int) -> Settings:
    return Settings(
        tokens=WORD,
        vocabulary=WORDS,
        classes=["no", "yes, so", "sö"][:classes],
        max_tokens=SETTINGS.max_tokens,
        padding=SETTINGS.padding,
    )


@pytest.fixture(params=[2, 3])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Fitted, list[str]]:
    """A file of a trained classifier, what it found for the test documents, and their texts."""
    train, validation, test = SPLITS[request.param]
    table = random_table(VOCABULARY, DIM, SEED)
    fitted = train_classifier(train, validation, test, table, SETTINGS, SEED)
    path = tmp_path / "model.safetensors"
    save_model(path, fitted.weights, settings(request.param))
    texts = [" ".join(WORDS[i] for i in row if i) for row in test.tokens]
    return path, fitted, texts


def of_each_class(fitted: Fitted) -> np.ndarray:
    found = fitted.probabilities
    return found if found.ndim == 2 else np.stack([1 - found, found], 1)


@pytest.mark.parametrize("block", [4096, 7])
def test_texts_get_the_probabilities_of_the_study(
    kept: tuple[Path, Fitted, list[str]], monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    """In blocks of any size; the label is the most probable class."""
    path, fitted, texts = kept
    monkeypatch.setattr(model, "BLOCK", block)
    classifier = load_model(path)
    rows = list(model.predictions(classifier, enumerate(texts, start=1)))
    table = pd.DataFrame(rows)
    assert list(table.columns) == classifier.columns
    assert table["line"].tolist() == list(range(1, len(texts) + 1))
    expected = of_each_class(fitted)
    np.testing.assert_allclose(table.iloc[:, 2:], expected, atol=1e-6)
    best = [classifier.settings.classes[i] for i in expected.argmax(1)]
    assert table["label"].tolist() == best


def test_the_lines_of_the_page_load_it_into_plain_torch(
    kept: tuple[Path, Fitted, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, fitted, texts = kept
    monkeypatch.chdir(path.parent)
    (code,) = re.findall(r"```python\n(from safetensors.+?)```", PAGE.read_text(), re.DOTALL)
    assert len([line for line in code.splitlines() if line.strip()]) == 6
    found: dict = {}
    exec(code, found)
    tokens = torch.from_numpy(load_model(path).tokens(texts))
    logits = found["module"](tokens).double().detach()
    if logits.ndim == 1:
        logits = torch.stack([torch.zeros_like(logits), logits], 1)  # softmax is the sigmoid then
    np.testing.assert_allclose(logits.softmax(1), of_each_class(fitted), atol=1e-6)


@pytest.mark.parametrize("tokenizer", ["word", "character"])
def test_texts_become_the_tokens_of_the_corpus(tokenizer: Any) -> None:
    """Words that only test documents have are unknown; documents are cut and padded alike."""
    texts = ["A b<br/>c  d. 中文很", "b c e\u0301 a", "never é seen a " * 9, "中文 b中文很好"]
    splits = [TRAIN, TRAIN, TEST, TEST]
    corpus = [Document(str(i), splits[i], 0, text) for i, text in enumerate(texts)]
    tokens = params.Tokens(tokenizer=tokenizer)
    stream, _ = tokenize(corpus, tokens)
    changes = {"vocabulary": stream.vocabulary.tokens, "tokens": tokens}
    about = settings(2).model_copy(update=changes)
    kept = model.TextClassifier(torch.nn.Module(), about)
    expected = padded(stream, np.arange(4), SETTINGS.max_tokens)
    np.testing.assert_array_equal(kept.tokens(texts), expected)
    assert (kept.tokens(["never"])[0, 0], kept.tokens([""]).any()) == (1, False)


TEXTS = ["w2 w3", "", "w4, “w5”"]


def write_texts(folder: Path) -> list[Path]:
    """The same texts as lines, and as tables with a column of them."""
    table = pd.DataFrame({"id": [7, 8, 9], "review": TEXTS})
    table.to_csv(folder / "t.csv", index=False)
    table.to_csv(folder / "t.tsv", index=False, sep="\t")
    table.to_json(folder / "t.jsonl", orient="records", lines=True)
    table.to_parquet(folder / "t.parquet")
    (folder / "t.txt").write_bytes("\ufeffw2 w3\r\n\nw4, “w5”".encode())
    return [folder / f"t.{ending}" for ending in ("csv", "tsv", "jsonl", "parquet", "txt")]


def test_texts_are_read_from_lines_and_from_rows(tmp_path: Path) -> None:
    for path in write_texts(tmp_path):
        first = 2 if path.suffix in (".csv", ".tsv") else 1  # behind the names of columns
        expected = list(enumerate(TEXTS, start=first))
        assert list(read_texts(path, ["review"])) == expected, path.suffix


def test_texts_of_several_columns_are_those_of_the_study(tmp_path: Path) -> None:
    rows = [("Fine", "All good.", "x"), ("Alone", None, "y"), (None, None, "x")]
    frame = pd.DataFrame(rows, columns=["title", "review", "label"])
    frame.to_csv(tmp_path / "t.csv", index=False)
    columns = {"text": ["title", "review"], "label": "label"}
    corpus = params.TableCorpus(kind="table", path="t.csv", **columns)
    studied, _ = table.read_rows(tmp_path / "t.csv", corpus)
    found = list(read_texts(tmp_path / "t.csv", ["title", "review"]))
    assert [(row.line, row.text) for row in studied] == found[:2]
    assert [(line, text.strip()) for line, text in found] == [
        (2, "Fine All good."),
        (3, "Alone"),
        (4, ""),
    ]


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("t.txt", b"a\n\xe9t\xe9\n", "t.txt: line 2: bytes not of the encoding"),
        ("t.txt", b"a\nb\0c\n", "t.txt: line 2: NUL character"),
        ("t.txt", b"a" * 10_000_001, "t.txt: line 1: more than 10,000,000 characters"),
        ("t.txt", None, "t.txt: not readable (No such file"),
        ("t.csv", None, "t.csv: no such file"),
        ("t.csv", b"text\na\n", "no column 'review'; there are: 'text'"),
        ("t.csv", b"id,review\n1,a\n2,b,c\n", "t.csv: line 3: wrong number of fields"),
        ("t.csv", b"id,review\n1,\xe9\n", "t.csv: line 2: bytes not of the encoding"),
        ("t.jsonl", b'{"review": "a"}\n{"review": 3}\n', "line 2: the text is no string"),
        ("t.jsonl", b'{"review": "a\\u0000"}\n', "line 1: NUL character"),
        ("t.jsonl", b'{"review": "a\\ud800"}\n', "line 1: half of a surrogate pair"),
    ],
)
def test_texts_that_cannot_be_read(
    tmp_path: Path, name: str, content: bytes | None, problem: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ArtifactError, match=re.escape(problem)):
        list(read_texts(tmp_path / name, ["review"]))


def test_what_is_no_classifier_is_refused(kept: tuple[Path, Fitted, list[str]]) -> None:
    path, fitted, _ = kept
    with pytest.raises(ArtifactError, match=r"no such file: name a model\.safetensors"):
        load_model(path.with_name("other"))
    whole = path.read_bytes()
    for content in (b"", b"text\n", whole[:40], whole[: len(whole) // 2], whole[:-1]):
        path.write_bytes(content)
        with pytest.raises(ArtifactError, match="not a classifier"):
            load_model(path)
    save_vectors(path, Vectors(np.zeros((2, 3), np.float32), None, ["a", "b"]))
    with pytest.raises(ArtifactError, match="not a classifier"):
        load_model(path)
    classes = len(of_each_class(fitted)[0])
    for change in ({"vocabulary": WORDS[:-1]}, {"classes": ["a", "b", "c", "d"]}):
        save_model(path, fitted.weights, settings(classes).model_copy(update=change))
        with pytest.raises(ArtifactError, match="not a classifier"):
            load_model(path)


def test_the_command_prints_csv_or_json_lines(
    kept: tuple[Path, Fitted, list[str]], tmp_path: Path
) -> None:
    path, fitted, texts = kept
    (tmp_path / "t.txt").write_text("\n".join(texts))
    words = ["predict", str(path), "--text", str(tmp_path / "t.txt")]
    output = CliRunner().invoke(cli, words).stdout
    rows = list(csv.reader(io.StringIO(output)))
    names = settings(len(rows[0]) - 2).classes
    assert rows[0] == ["line", "label", *(f"probability_{name}" for name in names)]
    found = np.array([row[2:] for row in rows[1:]], float)
    np.testing.assert_allclose(found, of_each_class(fitted), atol=1e-6)
    lines = CliRunner().invoke(cli, [*words, "--format", "jsonl"]).stdout.splitlines()
    objects = [json.loads(line) for line in lines]
    assert [list(one) for one in objects] == [rows[0]] * len(texts)
    assert [list(map(str, one.values())) for one in objects] == rows[1:]
    (tmp_path / "t.txt").write_text("")
    empty = CliRunner().invoke(cli, words).stdout
    assert empty.splitlines() == output.splitlines()[:1]

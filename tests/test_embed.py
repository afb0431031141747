"""`sgns-study embed`: any text file to vectors that gensim reads, or one clear error."""

import json
from pathlib import Path

import gensim
import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from sgns_study import params
from sgns_study.artifacts import ArtifactError
from sgns_study.cli import cli
from sgns_study.corpora import planted
from sgns_study.corpora.lines import read_lines
from sgns_study.sgns.vectors import load_vectors

CORPUS = params.PlantedCorpus(kind="planted", train=1500, test=2, unlabelled=0, seed=1)


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("text") / "planted.txt"
    documents = planted.generate(CORPUS)
    path.write_text("\n".join(document.text for document in documents), encoding="utf-8")
    return path


def embed(text: Path, out: Path, *options: str) -> Result:
    return CliRunner().invoke(cli, ["embed", "--text", str(text), "--out", str(out), *options])


@pytest.mark.parametrize("kind", ["text", "binary"])
def test_gensim_reads_the_vectors(tmp_path: Path, text: Path, kind: str) -> None:
    options = ("--dim", "20", "--epochs", "2", "--min-count", "3")
    result = embed(text, tmp_path / "out", *options, "--format", kind)
    assert result.exit_code == 0, result.output
    again = embed(text, tmp_path / "out.safetensors", *options, "--format", "safetensors")
    assert again.exit_code == 0, again.output
    ours = load_vectors(tmp_path / "out.safetensors")
    load = gensim.models.KeyedVectors.load_word2vec_format
    read = load(tmp_path / "out", binary=kind == "binary")
    assert read.index_to_key == ours.vocabulary
    np.testing.assert_array_equal(read.vectors, ours.centre)


def test_the_last_line_is_the_summary(tmp_path: Path, text: Path) -> None:
    result = embed(text, tmp_path / "out", "--dim", "8", "--epochs", "3")
    summary = json.loads(result.stdout.splitlines()[-1])
    assert list(summary) == ["tokens", "seconds", "tokens_per_second", "loss"]
    assert summary["tokens"] == 3 * sum(len(line.split()) for line in text.open())
    assert 0 < summary["loss"] < 6 * np.log(2)  # below the loss of scores that are all zero


def test_a_seed_fixes_the_bytes(tmp_path: Path, text: Path) -> None:
    for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        assert embed(text, tmp_path / name, "--dim", "8", "--seed", seed).exit_code == 0
    a, b, c = ((tmp_path / name).read_bytes() for name in "abc")
    assert a == b
    assert a != c


def test_synonyms_of_sentiment_come_out_as_neighbours(tmp_path: Path, text: Path) -> None:
    options = ("--dim", "32", "--radius", "2", "--epochs", "20", "--subsample", "0")
    assert embed(text, tmp_path / "out", *options).exit_code == 0
    vectors = gensim.models.KeyedVectors.load_word2vec_format(tmp_path / "out")
    shares = []
    for name, words in planted.synonym_sets().items():
        if name.startswith(("positive", "negative")):
            for word in [word for word in words if word in vectors][:5]:
                near = [other for other, _ in vectors.most_similar(word, topn=5)]
                shares.append(len(set(near) & set(words)) / 5)
    # each set is under a tenth of the words, so chance is below 0.1; gensim's own vectors reach 1
    assert np.mean(shares) > 0.9


def test_vectors_are_looked_at_from_the_command_line(tmp_path: Path, text: Path) -> None:
    out = tmp_path / "out.safetensors"
    assert embed(text, out, "--dim", "16", "--format", "safetensors").exit_code == 0
    vectors = load_vectors(out)
    first, second, third = vectors.vocabulary[:3]
    result = CliRunner().invoke(cli, ["neighbours", str(out), first, "--number", "3"])
    assert result.exit_code == 0, result.output
    unit = vectors.centre / np.linalg.norm(vectors.centre, axis=1, keepdims=True)
    cosines = unit @ unit[0]
    nearest = int(np.argsort(-cosines)[1])
    assert result.output.splitlines()[1].split() == [
        f"{cosines[nearest]:.3f}",
        vectors.vocabulary[nearest],
    ]
    (tmp_path / "judged.txt").write_text(
        f"{first} {second} 3\n{first} {third} 2\n{second} {third} 1\n{first} absent 9\n"
    )
    result = CliRunner().invoke(
        cli, ["evaluate", str(out), "--similarity", str(tmp_path / "judged.txt")]
    )
    header, row = result.output.splitlines()
    assert header == "dataset,metric,value,coverage"
    assert row.startswith("judged,spearman,")
    assert row.endswith(",0.75")


@given(st.lists(st.lists(st.sampled_from(["a", "b", "naïve", "[PAD]x"]), max_size=6), min_size=1))
def test_a_text_is_read_whole(
    tmp_path_factory: pytest.TempPathFactory, lines: list[list[str]]
) -> None:
    path = tmp_path_factory.mktemp("lines") / "text"
    path.write_text("\n".join("  ".join(line) for line in lines) + "\n", encoding="utf-8")
    if not any(lines):
        with pytest.raises(ArtifactError, match="no token in it"):
            read_lines(path)
        return
    read = read_lines(path)
    words = [read.words[i] for i in read.ids]
    found = [words[start:end] for start, end in zip(read.offsets, read.offsets[1:])]
    assert found == lines
    flat = [word for line in lines for word in line]
    assert read.counts.tolist() == [flat.count(word) for word in read.words]
    assert sorted(read.counts[1:], reverse=True) == read.counts[1:].tolist()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--negatives", "0"), "0 is not in the range 1<=x<=100"),
        (("--alpha", "1.5"), "1.5 is not in the range"),
        (("--subsample", "-1"), "-1.0 is not in the range"),
        (("--lr", "0"), "0.0 is not in the range"),
        (("--min-count", "1000000"), "lower min_count or use more text"),
    ],
)
def test_an_option_out_of_range_is_named(
    tmp_path: Path, text: Path, options: tuple[str, str], message: str
) -> None:
    result = embed(text, tmp_path / "out", *options)
    assert result.exit_code != 0
    assert message in result.output + str(result.exception)
    assert list(tmp_path.iterdir()) == []


def test_a_text_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    empty, latin = tmp_path / "empty", tmp_path / "latin"
    empty.write_text(" \n\n")
    latin.write_bytes(b"fine\nna" + b"\xefve\n")
    for path, message in (
        (empty, "no token in it"),
        (latin, r"line 2 is not UTF-8 \(byte 2 of the line is 0xef\)"),
        (tmp_path / "none", "no such file"),
    ):
        with pytest.raises(ArtifactError, match=message) as error:
            read_lines(path)
        assert str(path) in str(error.value)


def test_a_missing_folder_is_refused_before_any_work(tmp_path: Path, text: Path) -> None:
    result = embed(text, tmp_path / "none/out")
    assert result.exit_code != 0
    assert "is not a folder that can be written to" in result.output

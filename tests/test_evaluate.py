"""`sgns-study neighbours`, `evaluate` and `export`: any file of vectors, scored on any sets."""

import hashlib
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from gensim.models import KeyedVectors

from sgns_study.artifacts import ArtifactError
from sgns_study.cli import cli
from sgns_study.corpora import sources
from sgns_study.corpora.sources import Copy, Source
from sgns_study.errors import StudyError
from sgns_study.sgns.vectors import Vectors, export_word2vec, read_vectors, save_vectors

WORDS = ["king", "queen", "man", "woman", "film"]
TABLE = np.random.default_rng(2).normal(size=(5, 10)).astype(np.float32)
PAIRS = "king queen 8\nking man 6\nman woman 7\nfilm woman 1\nfilm absent 2\n"
QUESTIONS = ": royal\nking man queen woman\n: more\nking queen man woman\n"


def run(*words: object, mirror: str = "") -> str:
    environment = {"SGNS_STUDY_MIRROR": mirror}
    result = CliRunner().invoke(cli, list(map(str, words)), env=environment)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def standard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A mirror with two small sets, which take the place of the standard ones."""
    mirror = tmp_path / "mirror"
    (mirror / "word-similarity").mkdir(parents=True)
    monkeypatch.setattr(sources, "SOURCES", {})
    for key, name, text in (
        ("analogies", "questions-words.txt", QUESTIONS),
        ("similarity/EN-SET", "word-similarity/EN-SET.txt", PAIRS),
    ):
        (mirror / name).write_text(text)
        checksum = f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
        copy = Copy(name, len(text), checksum, f"http://127.0.0.1:9/{name}")
        monkeypatch.setitem(sources.SOURCES, key, Source(name, (copy,)))
    return mirror


def test_words_that_the_training_text_lacks_are_not_there(tmp_path: Path) -> None:
    table = np.array([[0, 0], [1, 0], [1, 0.1], [1, 1], [1, 2]], np.float32)
    words = ["[PAD]", "cold", "unseen", "cool", "mild"]
    path = tmp_path / "vectors.safetensors"
    save_vectors(path, Vectors(table, None, words, np.array([0, 2, 0, 9, 1])))
    assert run("neighbours", path, "cold").split() == ["cold", "0.707", "cool", "0.447", "mild"]
    (tmp_path / "judged.txt").write_text("cold cool 3\ncold mild 1\ncold unseen 2\ncool unseen 1\n")
    _, row = run("evaluate", path, "--similarity", tmp_path / "judged.txt").splitlines()
    assert row.endswith(",0.5")


def test_the_standard_sets_are_downloaded_and_scored(tmp_path: Path, standard: Path) -> None:
    export_word2vec(tmp_path / "vectors.txt", Vectors(TABLE, None, WORDS), binary=False)
    arguments = ("evaluate", tmp_path / "vectors.txt", "--data", tmp_path / "raw")
    first = run(*arguments, mirror=str(standard))
    found = {str(path.relative_to(tmp_path / "raw")) for path in (tmp_path / "raw").rglob("*.txt")}
    assert found == {"questions-words.txt", "word-similarity/EN-SET.txt"}
    table = pd.read_csv(StringIO(first)).set_index(["dataset", "metric"])
    peer = KeyedVectors(10)
    peer.add_vectors(WORDS, TABLE)
    _, spearman, _ = peer.evaluate_word_pairs(standard / "word-similarity/EN-SET.txt", " ")
    assert table.value["EN-SET", "spearman"] == pytest.approx(spearman.statistic)
    assert table.coverage["EN-SET", "spearman"] == 0.8
    accuracy, _ = peer.evaluate_word_analogies(standard / "questions-words.txt")
    assert table.value["questions-words", "3cosadd"] == accuracy
    assert ("questions-words/royal", "3cosmul") in table.index
    assert run(*arguments) == first  # from the files that are there


def test_files_take_the_place_of_the_standard_sets(tmp_path: Path) -> None:
    export_word2vec(tmp_path / "vectors.bin", Vectors(TABLE, None, WORDS), binary=True)
    (tmp_path / "mine.txt").write_text(PAIRS)
    arguments = ("--similarity", tmp_path / "mine.txt", "--data", tmp_path / "raw")
    _, *rows = run("evaluate", tmp_path / "vectors.bin", *arguments).splitlines()
    assert [row.split(",")[0] for row in rows] == ["mine"]
    assert not (tmp_path / "raw").exists()


def test_two_sets_of_one_name_are_both_scored(tmp_path: Path) -> None:
    export_word2vec(tmp_path / "vectors.bin", Vectors(TABLE, None, WORDS), binary=True)
    files = [tmp_path / name for name in ("same.csv", "same.txt", "other.txt")]
    for number, file in enumerate(files):
        file.write_text(PAIRS + "absent absent 1\n" * number)
    for order in (files, files[::-1]):
        arguments = [part for file in order for part in ("--similarity", file)]
        _, *rows = run("evaluate", tmp_path / "vectors.bin", *arguments).splitlines()
        coverage = {row.split(",")[0]: float(row.rsplit(",", 1)[1]) for row in rows}
        assert coverage == {
            str(files[0]): pytest.approx(4 / 5),
            str(files[1]): pytest.approx(4 / 6),
            "other": pytest.approx(4 / 7),
        }


def test_words_without_neighbours_do_not_silence_the_others(tmp_path: Path) -> None:
    table = TABLE.copy()
    table[4] = 0
    export_word2vec(tmp_path / "vectors", Vectors(table, None, WORDS), binary=False)
    words = ["king", "kinf", "film", "queen"]
    result = CliRunner().invoke(cli, ["neighbours", str(tmp_path / "vectors"), *words])
    alone = [run("neighbours", tmp_path / "vectors", word) for word in ("king", "queen")]
    assert result.stdout == "".join(alone)
    assert isinstance(result.exception, StudyError)
    first, second = str(result.exception).splitlines()
    assert first == "'kinf' is not among the 5 words: did you mean king?"
    assert second.startswith("'film' has no neighbours, for its vector is zero")


def test_words_that_are_not_utf8_are_marked_or_left_out(tmp_path: Path) -> None:
    path = tmp_path / "vectors.bin"
    export_word2vec(path, Vectors(TABLE, None, WORDS), binary=True)
    path.write_bytes(path.read_bytes().replace(b"film ", b"fil\xc3 "))
    (tmp_path / "mine.txt").write_text(PAIRS)
    arguments = ("--similarity", tmp_path / "mine.txt")
    for errors, word in (("replace", ["fil\ufffd"]), ("skip", [])):
        run("export", path, "--errors", errors, "--out", tmp_path / "out")
        assert read_vectors(tmp_path / "out").vocabulary == [*WORDS[:4], *word]
        near = run("neighbours", path, "king", "--errors", errors)
        assert near.split()[2::2] == run("neighbours", tmp_path / "out", "king").split()[2::2]
        assert run("evaluate", path, *arguments, "--errors", errors).endswith(",0.6\n")


def test_an_export_has_the_words_that_were_trained(tmp_path: Path) -> None:
    """In gensim a row of zeros, as the pad's, has no cosine with any word."""
    table = np.concatenate([np.zeros((1, 10), np.float32), TABLE])
    counts = np.array([0, 3, 0, 5, 1, 2])
    vectors = Vectors(table, table, ["[PAD]", *WORDS], counts)
    save_vectors(tmp_path / "own.safetensors", vectors)
    for name in ("out", "out.bin", "out.safetensors"):
        run("export", tmp_path / "own.safetensors", "--out", tmp_path / name)
        assert read_vectors(tmp_path / name).vocabulary == ["man", "king", "film", "woman"]
    peer = KeyedVectors.load_word2vec_format(tmp_path / "out")
    with np.errstate(all="raise"):
        near = peer.most_similar("man", topn=3)
    ours = run("neighbours", tmp_path / "own.safetensors", "man").split()
    assert [word for word, _ in near] == ours[2::2]
    assert np.isfinite([cosine for _, cosine in near]).all()


def test_without_the_standard_sets_one_error_says_what_to_do(
    tmp_path: Path, standard: Path
) -> None:
    export_word2vec(tmp_path / "vectors.txt", Vectors(TABLE, None, WORDS), binary=False)
    arguments = ("evaluate", tmp_path / "vectors.txt", "--data", tmp_path / "raw")
    with pytest.raises(StudyError, match=r"Put questions-words\.txt at .*/raw/questions"):
        run(*arguments, mirror=str(tmp_path / "none"))
    (standard / "questions-words.txt").write_text(QUESTIONS[:-1])
    with pytest.raises(StudyError, match="wrong file: found 56 bytes"):
        run(*arguments, mirror=str(standard))
    assert list((tmp_path / "raw").iterdir()) == []


def test_every_format_gives_the_same(tmp_path: Path) -> None:
    vectors = Vectors(TABLE, None, WORDS)
    save_vectors(tmp_path / "own", vectors)
    export_word2vec(tmp_path / "text", vectors, binary=False)
    export_word2vec(tmp_path / "binary", vectors, binary=True)
    near = {run("neighbours", tmp_path / kind, "king") for kind in ("own", "text", "binary")}
    assert len(near) == 1
    for kind in ("text", "binary"):
        for origin in ("own", "text", "binary"):
            run("export", tmp_path / origin, "--format", kind, "--out", tmp_path / "again")
            assert (tmp_path / "again").read_bytes() == (tmp_path / kind).read_bytes()


@pytest.mark.parametrize("command", [["neighbours", "king"], ["evaluate"]])
def test_a_file_cut_short_is_refused(tmp_path: Path, command: list[str]) -> None:
    path = tmp_path / "vectors.bin"
    export_word2vec(path, Vectors(TABLE, None, WORDS), binary=True)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ArtifactError, match=r"vectors\.bin: .*get it again"):
        run(command[0], path, *command[1:])


@pytest.mark.real_data
def test_fourteen_sets_are_scored(tmp_path: Path, mirror: Path) -> None:
    export_word2vec(tmp_path / "vectors.txt", Vectors(TABLE, None, WORDS), binary=False)
    arguments = ("--data", tmp_path / "raw")
    scores = pd.read_csv(
        StringIO(run("evaluate", tmp_path / "vectors.txt", *arguments, mirror=str(mirror)))
    )
    assert scores.metric.value_counts().to_dict() == {
        "spearman": 13,
        "3cosadd": 15,
        "3cosmul": 15,
    }

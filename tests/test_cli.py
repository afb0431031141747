"""The command line: an expected error is one message that says what to do, and leaves nothing."""

import json
from collections.abc import Callable
from pathlib import Path

import gensim
import numpy as np
import pytest
from click.testing import CliRunner

from sgns_study import params
from sgns_study.cli import cli, main
from sgns_study.corpora.sources import SOURCES
from sgns_study.sgns.vectors import Vectors, save_vectors

DOCUMENTS = "document,id,split,label\n" + "".join(f"{i},d{i},train,{i % 2}\n" for i in range(20))
SAMPLE = params.EmbeddingSample(documents=10, validation_fraction=0.2, seed=1).model_dump_json()


Refused = Callable[..., str]


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Refused:
    """Runs `sgns-study` with arguments that must fail; returns what it said."""

    def run(*words: str) -> str:
        monkeypatch.setattr("sys.argv", ["sgns-study", *words])
        with pytest.raises(SystemExit) as stop:
            main()
        assert stop.value.code != 0
        said = capsys.readouterr().err
        assert "Traceback" not in said
        return said

    return run


@pytest.fixture
def sample_embedding(tmp_path: Path) -> list[str]:
    (tmp_path / "documents.csv").write_text(DOCUMENTS)
    documents, out = str(tmp_path / "documents.csv"), str(tmp_path / "new/sample.csv")
    return ["sample-embedding", "--documents", documents, "--settings", SAMPLE, "--out", out]


@pytest.mark.parametrize("command", sorted(cli.commands))
def test_every_subcommand_has_a_help_text(command: str) -> None:
    result = CliRunner().invoke(cli, [command, "--help"])
    assert result.exit_code == 0
    assert cli.commands[command].help


def test_a_subcommand_writes_its_output(tmp_path: Path, sample_embedding: list[str]) -> None:
    result = CliRunner().invoke(cli, sample_embedding)
    assert result.exit_code == 0, result.output
    lines = (tmp_path / "new/sample.csv").read_text().splitlines()
    assert lines[0] == "role,document"
    assert len(lines) == 11


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device /dev/full")
def test_a_full_disk(tmp_path: Path, sample_embedding: list[str], refused: Refused) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new/.sample.csv.part").symlink_to("/dev/full")
    said = refused(*sample_embedding)
    assert said.startswith("sgns-study: error: ")
    assert "the disk is full; nothing was kept: free space on it and run again" in said
    assert list((tmp_path / "new").iterdir()) == []


def test_a_missing_input(tmp_path: Path, sample_embedding: list[str], refused: Refused) -> None:
    (tmp_path / "documents.csv").unlink()
    said = refused(*sample_embedding)
    assert f"{tmp_path}/documents.csv: no such file" in said


def test_settings_that_are_wrong_name_the_key(
    sample_embedding: list[str], refused: Refused
) -> None:
    wrong = json.dumps(json.loads(SAMPLE) | {"documents": 1})
    words = [wrong if word == SAMPLE else word for word in sample_embedding]
    said = refused(*words)
    assert "documents: found 1, allowed: greater than or equal to 2" in said


@pytest.mark.parametrize("present", [False, True])
def test_a_vocabulary_file_that_is_missing_or_wrong(
    tmp_path: Path, refused: Refused, present: bool
) -> None:
    path = tmp_path / SOURCES["bert_vocabulary"].file
    if present:
        path.write_text("[PAD]\n")
    corpus = {"kind": "planted", "train": 4, "test": 2, "unlabelled": 0, "seed": 1}
    words = ["tokenize", "--raw", str(tmp_path), "--corpus", json.dumps(corpus)]
    words += ["--tokens", '{"tokenizer": "wordpiece"}', "--out", str(tmp_path / "tokens")]
    said = refused(*words)
    assert str(path) in said
    assert ("wrong file: found 6 bytes" if present else "run the download first") in said
    assert not (tmp_path / "tokens").exists()


def test_a_parameter_file_is_checked(tmp_path: Path, refused: Refused) -> None:
    repository = Path(__file__).parent.parent
    result = CliRunner().invoke(cli, ["params", str(repository / "config/demo.yaml")])
    assert "the parameters of the study 'demo' are valid" in result.output
    mistyped = (repository / "config/demo.yaml").read_text().replace("dropout:", "drop_out:")
    (tmp_path / "my.yaml").write_text(mistyped)
    said = refused("params", str(tmp_path / "my.yaml"))
    assert f"{tmp_path}/my.yaml: unknown key 'classifier.drop_out'" in said
    assert "did you mean 'dropout'?" in said


def test_an_unknown_source(tmp_path: Path, refused: Refused) -> None:
    said = refused("download", "imbd", "--folder", str(tmp_path))
    assert "'imbd' is not a source; there are: aclImdb.archive" in said


@pytest.mark.parametrize("kind", ["text", "binary"])
def test_gensim_reads_an_export_with_the_same_cosines(tmp_path: Path, kind: str) -> None:
    table = np.random.default_rng(1).normal(size=(50, 16)).astype(np.float32)
    words = [f"wörd{number}" for number in range(50)]
    save_vectors(tmp_path / "vectors.safetensors", Vectors(table, None, words))
    arguments = ["export", str(tmp_path / "vectors.safetensors"), "--format", kind]
    result = CliRunner().invoke(cli, [*arguments, "--out", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    read = gensim.models.KeyedVectors.load_word2vec_format(
        tmp_path / "out", binary=kind == "binary"
    )
    unit = table / np.linalg.norm(table, axis=1, keepdims=True)
    for i, j in [(0, 1), (3, 49), (20, 21)]:
        assert read.similarity(words[i], words[j]) == pytest.approx(unit[i] @ unit[j], abs=1e-6)

"""The command line: an expected error is one message that says what to do, and leaves nothing."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import gensim
import numpy as np
import pytest
from click.testing import CliRunner
from snakemake.cli import get_argument_parser

from sgns_study import config
from sgns_study.artifacts import seal, sha256
from sgns_study.cli import cli, main
from sgns_study.corpora.registry import raw_files
from sgns_study.corpora.sources import SOURCES
from sgns_study.guards import write_settings
from sgns_study.sgns.vectors import Vectors, save_vectors
from sgns_study.tokens import load_documents

REPOSITORY = Path(__file__).parent.parent
DOCUMENTS = "document,id,split,label\n" + "".join(f"{i},d{i},train,{i % 2}\n" for i in range(120))

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
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of results of the tiny study, its documents listed."""
    shutil.copy(REPOSITORY / "tests/tiny.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    results = tmp_path / "results/tiny"
    (results / "tokens").mkdir(parents=True)
    (results / "tokens/documents.csv").write_text(DOCUMENTS)
    return results


COLUMNS = "text: text, label: label"
SAMPLE = ["sample", "embedding", "--study", "tiny.yaml"]


@pytest.mark.parametrize("command", sorted(cli.commands))
def test_every_subcommand_has_a_help_text(command: str) -> None:
    result = CliRunner().invoke(cli, [command, "--help"])
    assert result.exit_code == 0
    assert cli.commands[command].help


def test_a_subcommand_writes_its_output(folder: Path) -> None:
    result = CliRunner().invoke(cli, SAMPLE)
    assert result.exit_code == 0, result.output
    lines = (folder / "samples/embedding.csv").read_text().splitlines()
    assert lines[0] == "role,document"
    drawn = sorted(int(line.partition(",")[2]) for line in lines[1:])
    assert drawn == list(range(120))  # 100, and with `further` all that are left


def test_the_settings_are_the_same_from_yaml_and_from_what_a_run_wrote(folder: Path) -> None:
    assert CliRunner().invoke(cli, SAMPLE).exit_code == 0
    drawn = (folder / "samples/embedding.csv").read_bytes()
    (folder / "samples/embedding.csv").unlink()
    write_settings(config.read_study(Path("tiny.yaml")))
    from_json = ["sample", "embedding", "--study", "results/tiny/study.json"]
    assert CliRunner().invoke(cli, from_json).exit_code == 0
    assert (folder / "samples/embedding.csv").read_bytes() == drawn


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device /dev/full")
def test_a_full_disk(folder: Path, refused: Refused) -> None:
    (folder / "samples").mkdir()
    (folder / "samples/.embedding.csv.part").symlink_to("/dev/full")
    said = refused(*SAMPLE)
    assert said.startswith("sgns-study: error: ")
    assert "the disk is full; nothing was kept: free space on it and run again" in said
    assert list((folder / "samples").iterdir()) == []


def test_a_missing_input(folder: Path, refused: Refused) -> None:
    (folder / "tokens/documents.csv").unlink()
    said = refused(*SAMPLE)
    assert "results/tiny/tokens/documents.csv: no such file" in said


def test_settings_that_are_wrong_name_the_key(folder: Path, refused: Refused) -> None:
    path = Path("tiny.yaml")
    path.write_text(
        path.read_text().replace(
            "documents: 100, validation_fraction: 0.2", "documents: 1, validation_fraction: 0.2"
        )
    )
    said = refused(*SAMPLE)
    assert "sampling.embedding.documents: found 1, allowed: greater than or equal to 2" in said
    assert not (folder / "samples").exists()


@pytest.mark.parametrize("present", [False, True])
def test_a_vocabulary_file_that_is_missing_or_wrong(
    folder: Path, refused: Refused, present: bool
) -> None:
    path = Path("data/raw") / SOURCES["bert_vocabulary"].file
    if present:
        path.parent.mkdir(parents=True)
        path.write_text("[PAD]\n")
    study = Path("tiny.yaml")
    study.write_text(study.read_text().replace("tokenizer: word", "tokenizer: wordpiece"))
    said = refused("tokenize", "--study", "tiny.yaml")
    assert str(path) in said
    assert ("wrong file: found 6 bytes" if present else "run the download first") in said
    assert not (folder / "tokens/ids.npy").exists()


def test_a_parameter_file_is_checked(tmp_path: Path, refused: Refused) -> None:
    result = CliRunner().invoke(cli, ["params", str(REPOSITORY / "config/demo.yaml")])
    assert "the parameters of the study 'demo' are valid" in result.output
    mistyped = (REPOSITORY / "config/demo.yaml").read_text().replace("dropout:", "drop_out:")
    (tmp_path / "my.yaml").write_text(mistyped)
    said = refused("params", str(tmp_path / "my.yaml"))
    assert f"{tmp_path}/my.yaml: unknown key 'classifier.drop_out'" in said
    assert "did you mean 'dropout'?" in said


@pytest.mark.parametrize("missing", ["table.csv", "glove.txt"])
def test_the_files_that_parameters_name_are_looked_at(
    folder: Path, refused: Refused, missing: str
) -> None:
    study = Path("tiny.yaml")
    glove = "  glove: {kind: file, path: glove.txt}\n  ppmi:"
    text = study.read_text().replace("  ppmi:", glove)
    text = text.replace("recipes: [lab, word2vec]", "recipes: [lab, glove]")
    Path("glove.txt").write_text("a" + " 1" * 8 + "\n")
    study.write_text(text)
    assert "are valid" in CliRunner().invoke(cli, ["params", "tiny.yaml"]).output
    if missing == "table.csv":
        corpus = re.search(r"corpus: .*", text)[0]
        study.write_text(
            text.replace(corpus, f"corpus: {{kind: table, path: {missing}, {COLUMNS}}}")
        )
    else:
        Path(missing).unlink()
    assert f"tiny.yaml: {missing}: no such file" in refused("params", "tiny.yaml")


def test_every_file_of_a_table_is_an_input_of_its_tokens(folder: Path) -> None:
    """And of the workflow's rule; clauses without spaces are warned about where a user sees it."""
    rows = [f"我{n}在{n}来,{'ab'[n % 2]}\n" for n in range(40)]
    Path("a.csv").write_text("text,label\n" + "".join(rows))
    Path("t.csv").write_text("text,label\n好,a\n很好,b\n")
    Path("u.csv").write_text("text\n他来\n")
    text = Path("tiny.yaml").read_text()
    files = f"path: a.csv, test: t.csv, unlabelled: u.csv, {COLUMNS}"
    text = text.replace(re.search(r"corpus: .*", text)[0], f"corpus: {{kind: table, {files}}}")
    text = re.sub(r"documents: \d+", "documents: 20", text)
    for tokenizer, warned in (("word", True), ("character", False)):
        Path("tiny.yaml").write_text(text.replace("tokenizer: word", f"tokenizer: {tokenizer}"))
        result = CliRunner().invoke(cli, ["tokenize", "--study", "tiny.yaml"])
        assert result.exit_code == 0, result.output
        assert ("warning: the corpus: 41 of 41 words occur only once" in result.stdout) == warned
    record = json.loads((folder / "tokens/run.json").read_text())
    assert record["inputs"] == {name: sha256(Path(name)) for name in ("a.csv", "t.csv", "u.csv")}
    assert raw_files(config.read_study(Path("tiny.yaml"))) == ["a.csv", "t.csv", "u.csv"]
    splits, _ = load_documents(folder / "tokens/documents.csv")
    assert np.bincount(splits).tolist() == [40, 2, 1]


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


def test_the_command_that_makes_a_file_again_is_one(
    tmp_path: Path, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To Snakemake, all that follows `--configfile` is a file of parameters."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").write_text("a")
    seal(tmp_path / "a")
    (tmp_path / "a").write_text("b")
    page = " ".join((REPOSITORY / "docs/faults.md").read_text().split())
    for said in (refused("verify", "."), page):
        _, command = re.search(r"by name: `?(snakemake) ([^`\n]*)", said).groups()
        options = get_argument_parser().parse_args(command.split())
        assert options.targets in (["NAME"], ["NAME..."])
        assert [str(file) for file in options.configfile] == ["PARAMS"]


PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_of_the_pages_are_those_there_are(page: Path) -> None:
    text = page.read_text().replace("\\\n", " ")
    for name, rest in re.findall(r"sgns-study ([a-z][a-z-]*)\b([^`\n]*)", text):
        known = {flag: option for option in cli.commands[name].params for flag in option.opts}
        for flag, value in re.findall(r"(--[a-z-]+)(?: ([A-Z]+)\b)?", rest.partition("#")[0]):
            assert known[flag].type.name == "directory" if value == "FOLDER" else flag in known

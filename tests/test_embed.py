"""`sgns-study embed`: any text file to vectors that gensim reads, or one clear error."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import gensim
import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from sgns_study import params
from sgns_study.artifacts import ArtifactError
from sgns_study.cli import cli, main
from sgns_study.corpora import planted
from sgns_study.corpora.lines import read_lines
from sgns_study.sgns import checkpoint, stream, word2vec
from sgns_study.sgns.state import State
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


COMPILED = """
import sys
from pathlib import Path
from sgns_study.cli import cli
from sgns_study.kernels.word2vec import train_windows
from sgns_study.sgns import word2vec
from sgns_study.sgns.stream import subsampled

kernels, train, found = (train_windows, subsampled), word2vec.train, []

def count(*given, **options):
    found.append([len(kernel.signatures) for kernel in kernels])
    outcome = train(*given, **options)
    found.append([len(kernel.signatures) for kernel in kernels])
    return outcome

word2vec.train = count
cli(["embed", "--text", sys.argv[1], "--out", sys.argv[2]], standalone_mode=False)
assert found == [[0, 0], [1, 1], [1, 1], [1, 1]], found
"""


def test_all_is_compiled_before_the_time_of_training_is_taken(tmp_path: Path, text: Path) -> None:
    command = [sys.executable, "-c", COMPILED, str(text), str(tmp_path / "out")]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


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


@pytest.mark.parametrize("threads", ["1", "2"])
def test_documents_held_out_are_not_trained_on(tmp_path: Path, text: Path, threads: str) -> None:
    options = ("--dim", "8", "--epochs", "2", "--threads", threads)
    result = embed(text, tmp_path / "part", *options, "--validation-fraction", "0.3")
    summary = json.loads(result.stdout.splitlines()[-1])
    assert list(summary)[-2:] == ["loss", "validation_loss"]
    assert abs(summary["validation_loss"] / summary["loss"] - 1) < 0.2
    lines = read_lines(text, 0.3, seed=1)
    assert summary["tokens"] == 2 * len(lines.ids)
    trained_on = tmp_path / "trained_on"  # the same words in the same order, as nothing is rare
    parts = np.split(np.array(lines.words)[lines.ids], lines.offsets[1:-1])
    trained_on.write_text("\n".join(" ".join(part) for part in parts), encoding="utf-8")
    assert embed(trained_on, tmp_path / "alone", *options).exit_code == 0
    assert (tmp_path / "part").read_bytes() == (tmp_path / "alone").read_bytes()


def test_each_document_is_trained_on_or_held_out(text: Path) -> None:
    whole, parted, other = read_lines(text), read_lines(text, 0.25, 1), read_lines(text, 0.25, 2)

    def documents(ids: np.ndarray, offsets: np.ndarray, words: list[str]) -> list[str]:
        parts = np.split(np.array(words, object)[ids], offsets[1:-1])
        return [" ".join(part) for part in parts]

    assert parted.held_out is not None
    train = documents(parted.ids, parted.offsets, parted.words)
    held_out = documents(*parted.held_out, parted.words)
    assert sorted(train + held_out) == sorted(documents(whole.ids, whole.offsets, whole.words))
    assert 0.2 < len(held_out) / len(train + held_out) < 0.3
    expected = np.bincount(parted.ids, minlength=len(parted.words))
    np.testing.assert_array_equal(parted.counts, expected)
    assert not np.array_equal(parted.offsets, other.offsets)


IN_SMALL_PIECES = """
from sgns_study.sgns import stream, word2vec
stream.CHUNK = word2vec.CHUNK = 1000
from sgns_study.cli import main
main()
"""


def test_a_killed_run_goes_on_to_the_same_bytes(
    tmp_path: Path, text: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ["--dim", "8", "--epochs", "3", "--threads", "2", "--validation-fraction", "0.1"]
    checkpoint = tmp_path / "checkpoint"
    command = [sys.executable, "-c", IN_SMALL_PIECES, "embed", "--text", text, "--out"]
    command += [tmp_path / "out", *options, "--checkpoint", checkpoint, "--checkpoint-every", "0"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not checkpoint.exists():
        time.sleep(0.001)
        assert process.poll() is None
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert not (tmp_path / "out").exists()
    result = subprocess.run(command, capture_output=True, check=True, text=True)
    summary = json.loads(result.stdout)
    assert round(summary["tokens_per_second"] * summary["seconds"]) < 0.999 * summary["tokens"]
    for module in (stream, word2vec):
        monkeypatch.setattr(module, "CHUNK", 1000)
    unbroken = embed(text, tmp_path / "unbroken", *options)
    assert (tmp_path / "out").read_bytes() == (tmp_path / "unbroken").read_bytes()
    expected = json.loads(unbroken.stdout.splitlines()[-1])
    for key in ("tokens", "loss", "validation_loss"):
        assert summary[key] == expected[key]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "unbroken"]


def test_a_checkpoint_is_of_one_text_and_one_recipe(tmp_path: Path, text: Path) -> None:
    path, copy = tmp_path / "checkpoint", tmp_path / "text"
    copy.write_bytes(text.read_bytes())
    options = ["--dim", "8", "--epochs", "1", "--checkpoint", str(path), "--checkpoint-every", "0"]

    def stop(state: State) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        save = checkpoint.Checkpoint.save
        patch.setattr(checkpoint.Checkpoint, "save", lambda *a: (save(*a), stop(a[1])))
        assert embed(copy, tmp_path / "out", *options).exit_code != 0
    assert path.exists()
    for key, value in (("seed", "9"), ("threads", "2"), ("window", "fixed")):
        with pytest.raises(ArtifactError, match=f"another run: {key} was .* and is .*{value}"):
            run(embed(copy, tmp_path / "out", *options, f"--{key}", value))
    copy.write_bytes(text.read_bytes() + b"one more\n")
    with pytest.raises(ArtifactError, match=r"text_bytes was \d+ and is \d+; text_sha256 was"):
        run(embed(copy, tmp_path / "out", *options))
    copy.write_bytes(text.read_bytes())
    run(embed(copy, tmp_path / "out", *options))
    assert not path.exists()


def run(result: Result) -> None:
    """Raise what the command raised."""
    if result.exception:
        raise result.exception


def error_of(capsys: pytest.CaptureFixture[str], *arguments: object, command: str = "embed") -> str:
    """What a command says when it fails: one error, no traceback."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["sgns-study", command, *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
    assert stopped.value.code in (1, 2)
    printed = capsys.readouterr()
    assert printed.out == ""
    errors = [line for line in printed.err.splitlines() if "rror" in line]
    assert len(errors) == 1
    return errors[0]


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--negatives", 0, "0 is not in the range 1<=x<=100"),
        ("--negatives", 101, "101 is not in the range 1<=x<=100"),
        ("--alpha", 1.5, "1.5 is not in the range 0<=x<=1"),
        ("--alpha", "nan", "alpha: found nan, allowed: a finite number"),
        ("--subsample", -1, "-1.0 is not in the range 0<=x<=1"),
        ("--subsample", 2, "2.0 is not in the range 0<=x<=1"),
        ("--lr", 0, "0.0 is not in the range"),
        ("--lr", 10, "lower learning_rate (now 10.0)"),
        ("--threads", 0, "0 is not in the range"),
        ("--validation-fraction", 1, "1.0 is not in the range"),
        ("--validation-fraction", 1e-9, "no document is held out: raise the fraction"),
        ("--min-count", 10**6, "min_count: 0 words occur at least 1000000 times"),
        ("--checkpoint", "none/checkpoint", "none is not a folder that can be written to"),
    ],
)
def test_an_option_out_of_range_is_named(
    tmp_path: Path, text: Path, capsys: pytest.CaptureFixture[str], option: str, value: object,
    message: str,
) -> None:  # fmt: skip
    assert message in error_of(capsys, "--text", text, "--out", tmp_path / "out", option, value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "text: no token in it"),
        (b" \n\n", "text: no token in it"),
        (b"fine\nna\xefve\n", "text: line 2 is not UTF-8 (byte 2 of the line is 0xef)"),
        (b"a b c d e\n" * 9, "negatives: 5 noise words are more than the 4 other words there are"),
        (b"a b c d e f\n", "min_count: 0 words occur at least 5 times"),
        (b"a\nb\nc\nd\ne\nf\n" * 9, "epoch 1 has no pair of neighbours"),
        (None, "text: no such file"),
    ],
)
def test_a_text_that_cannot_be_used_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None, message: str
) -> None:
    text = tmp_path / "text"
    if content is not None:
        text.write_bytes(content)
    assert message in error_of(capsys, "--text", text, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_disk_that_is_full_while_reading_is_named(
    tmp_path: Path, text: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("sgns_study.corpora.lines.Spool.add", full)
    message = error_of(capsys, "--text", text, "--out", tmp_path / "out")
    assert "No space left on device" in message
    assert "set TMPDIR" in message


@pytest.mark.parametrize("spelled", ["{}", "{}/../{}/text", "{}/link", "{}/hard/../text"])
def test_a_command_writes_over_none_of_its_files(
    tmp_path: Path, text: Path, capsys: pytest.CaptureFixture[str], spelled: str
) -> None:
    folder = tmp_path / "folder"
    (folder / "hard").mkdir(parents=True)
    (folder / "text").write_bytes(text.read_bytes())
    (folder / "link").symlink_to("text")
    out = folder / "text" if spelled == "{}" else Path(spelled.format(folder, folder.name))
    message = f"{folder / 'text'} is another file of this run: name a new one"
    for this, other in ((folder / "text", out), (out, folder / "text")):
        assert message in error_of(capsys, "--text", this, "--out", other, "--dim", "8")
        assert message in error_of(capsys, this, "--out", other, command="export")
    assert (folder / "text").read_bytes() == text.read_bytes()
    assert (folder / "link").is_symlink()


def test_a_link_as_the_file_of_vectors_stays_a_link(tmp_path: Path, text: Path) -> None:
    (tmp_path / "link").symlink_to("vectors.bin")
    assert embed(text, tmp_path / "link", "--dim", "8").exit_code == 0
    assert embed(text, tmp_path / "other.bin", "--dim", "8").exit_code == 0
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "vectors.bin").read_bytes() == (tmp_path / "other.bin").read_bytes()


def test_the_home_folder_and_addresses(
    tmp_path: Path, text: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shell leaves `~` as it is behind `--out=`; a path would make `https:/` of an address."""
    monkeypatch.setenv("HOME", str(tmp_path))
    result = CliRunner().invoke(cli, ["embed", f"--text={text}", "--out=~/a.safetensors"])
    assert result.exit_code == 0, result.output
    assert len(load_vectors(tmp_path / "a.safetensors").vocabulary) > 100
    message = "https://example.org/a.txt is an address: download it, and name the file"
    assert message in error_of(capsys, "--text", "https://example.org/a.txt", "--out", "~/b")
    assert message in error_of(capsys, "https://example.org/a.txt", "king", command="neighbours")


def test_marks_of_an_editor_are_no_part_of_a_word(
    tmp_path: Path, text: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "marked").write_bytes(b"\xef\xbb\xbf" + text.read_bytes())
    for name, source in (("a", tmp_path / "marked"), ("b", text)):
        assert embed(source, tmp_path / name, "--dim", "8").exit_code == 0
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    (tmp_path / "zero").write_bytes(text.read_bytes() + b"\na \0 b\n")
    lines = text.read_text().count("\n") + 2
    message = f"zero: line {lines} has a NUL character, which no text has: remove it"
    assert message in error_of(capsys, "--text", tmp_path / "zero", "--out", tmp_path / "c")
    (tmp_path / "wide").write_text("a b\n", encoding="utf-16-le")
    message = "wide: line 1 has a NUL character, which no text has"
    assert message in error_of(capsys, "--text", tmp_path / "wide", "--out", tmp_path / "c")


def test_words_that_do_not_recur_are_warned_about(tmp_path: Path, text: Path) -> None:
    (tmp_path / "text").write_text("电影很好 我喜欢 好 好\n" + "的 的 的 的\n" * 2)
    once = embed(tmp_path / "text", tmp_path / "out", "--min-count", "1")
    assert "warning" not in once.stderr  # 2 of 12 words
    (tmp_path / "text").write_text("电影很好 我喜欢 很 短\n好 好 好\n")
    once = embed(tmp_path / "text", tmp_path / "out", "--min-count", "1", "--negatives", "1")
    assert f"warning: {tmp_path}/text: 4 of 7 words occur only once: give more" in once.stderr
    assert "warning" not in embed(text, tmp_path / "out", "--dim", "8").stderr


def test_a_checkpoint_is_no_other_file_of_the_run(
    tmp_path: Path, text: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (tmp_path / "out", text):
        message = error_of(capsys, "--text", text, "--out", tmp_path / "out", "--checkpoint", path)
        assert f"{path} is another file of this run" in message


@pytest.mark.parametrize("option", ["--out", "--checkpoint"])
def test_a_folder_that_cannot_be_written_to_is_refused_before_any_work(
    tmp_path: Path, text: Path, capsys: pytest.CaptureFixture[str], option: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("sgns_study.corpora.lines.read_lines", lambda *_: pytest.fail("work"))
    files = {"--out": tmp_path / "out", "--checkpoint": tmp_path / "checkpoint"}
    for folder in (tmp_path / "none", text):
        files[option] = folder / "file"
        arguments = [part for pair in files.items() for part in pair]
        message = f"{folder} is not a folder that can be written to"
        assert message in error_of(capsys, "--text", text, *arguments)
    monkeypatch.setattr("os.access", lambda path, _: path != tmp_path)  # root may write anywhere
    files[option] = tmp_path / "file"
    message = f"{tmp_path} is not a folder that can be written to"
    assert message in error_of(capsys, "--text", text, *[p for pair in files.items() for p in pair])

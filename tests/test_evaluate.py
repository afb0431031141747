"""`sgns-study neighbours` and `evaluate`: any file of vectors, scored on the standard sets."""

from pathlib import Path

import numpy as np
from click.testing import CliRunner

from sgns_study.cli import cli
from sgns_study.sgns.vectors import Vectors, save_vectors


def run(*words: object) -> str:
    result = CliRunner().invoke(cli, list(map(str, words)))
    assert result.exit_code == 0, result.output
    return result.stdout


def test_words_that_the_training_text_lacks_are_not_there(tmp_path: Path) -> None:
    table = np.array([[0, 0], [1, 0], [1, 0.1], [1, 1], [1, 2]], np.float32)
    words = ["[PAD]", "cold", "unseen", "cool", "mild"]
    path = tmp_path / "vectors.safetensors"
    save_vectors(path, Vectors(table, None, words, np.array([0, 2, 0, 9, 1])))
    assert run("neighbours", path, "cold").split() == ["cold", "0.707", "cool", "0.447", "mild"]
    (tmp_path / "judged.txt").write_text("cold cool 3\ncold mild 1\ncold unseen 2\ncool unseen 1\n")
    _, row = run("evaluate", path, "--similarity", tmp_path / "judged.txt").splitlines()
    assert row.endswith(",0.5")

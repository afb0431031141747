"""The same study under the oldest instruction sets and under this processor's.

That the bits do not depend on `--cores`, nor on a kill, is tested in `test_workflow.py`; that the
`embed` command goes on to the same bits after one in `test_embed.py`.
"""

import platform
from pathlib import Path

import pandas as pd
import pytest

from tests.conftest import Workspace
from tests.reproducibility import ENVIRONMENTS, differences, start, study_commands

# No number may differ by more. Measured, on a processor with AVX-512: vectors of the lab 5e-7, of
# word2vec 4e-6, of PPMI 6e-8, scores 2e-7, curves 3e-8, predictions 9e-8, baselines 2e-6, tables
# 5e-7, figures 8e-5 points of print. Bounds are at least 10 times as wide, for processors between.
BOUNDS = {
    "tokens, samples, text": 0,
    "pairs": 0,
    "lab vectors": 1e-5,
    "lab curves": 1e-6,
    "word2vec vectors": 1e-4,
    "word2vec curves": 1e-6,
    "PPMI vectors": 1e-5,
    "scores, neighbours": 1e-5,
    "classifier curves": 1e-6,
    "classifier predictions": 1e-5,
    "baselines": 1e-4,
    "tables": 1e-5,
    "figures": 0.01,
}

pytestmark = [
    pytest.mark.workflow,
    pytest.mark.xdist_group("reproducibility"),
    pytest.mark.skipif(
        platform.machine() != "x86_64", reason="chooses among x86-64's instructions"
    ),
]


@pytest.fixture(scope="module")
def found(
    finished_study: Workspace, tmp_path_factory: pytest.TempPathFactory, scripts: Path
) -> pd.DataFrame:
    """How far the tiny study, but for what tells the time, is from itself on an old processor."""
    folder = tmp_path_factory.mktemp("processors")
    (folder / "plan").mkdir()
    commands = study_commands(Workspace(folder / "plan", scripts))
    assert start(folder / "oldest", commands, ENVIRONMENTS["oldest"]).wait() == 0
    return differences(folder / "oldest", finished_study.folder)


def test_every_stage_is_compared(found: pd.DataFrame) -> None:
    assert {*found.index} == {*BOUNDS, "map"}
    assert (found.files > 0).all()
    assert found.files.sum() > 90


def test_text_and_pairs_have_the_same_bits(found: pd.DataFrame) -> None:
    for stage in ("tokens, samples, text", "pairs"):
        assert found.same[stage] == found.files[stage]


def test_other_instructions_were_used(found: pd.DataFrame) -> None:
    """Without fused products, and with shorter vectors, sums are rounded otherwise."""
    assert found.same["lab vectors"] == found.same["word2vec vectors"] == 0
    assert found.same["classifier curves"] < found.files["classifier curves"]


@pytest.mark.parametrize(("stage", "bound"), BOUNDS.items())
def test_no_number_moves_further(found: pd.DataFrame, stage: str, bound: float) -> None:
    """Nor anything but a number: words, order, chosen epochs and verdicts are the same."""
    assert found.difference[stage] <= bound

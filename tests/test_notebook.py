"""The notebook opens the committed tables: its cells run in order, from the folder it is in."""

import json
import re
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

DOCS = Path(__file__).parent.parent / "docs"
CELLS = json.loads((DOCS / "tables.ipynb").read_text())["cells"]


@pytest.fixture(scope="module")
def names() -> dict[str, Any]:
    """What its code cells leave behind."""
    found: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(DOCS)
        mpl.use("agg")
        for cell in CELLS:
            if cell["cell_type"] == "code":
                exec(compile("".join(cell["source"]), "tables.ipynb", "exec"), found)
    return found


def test_its_tables_are_those_of_the_study(names: dict[str, Any]) -> None:
    folder = DOCS.parent / "results/imdb"
    assert set(names["tables"]) == {path.stem for path in folder.glob("*.csv")}
    runs = pd.read_csv(folder / "runs.csv", keep_default_na=False)
    tfidf = runs[(runs["classifier"] == "tfidf_lr") & (runs["documents"] == "")]
    row = names["summary"].xs("tfidf_lr", level="classifier")
    row = row[row.index.get_level_values("documents").isna()]
    assert row["mean"].item() == pytest.approx(100 * tfidf["test_accuracy"].mean())
    assert row["seeds"].item() == len(tfidf)


def test_its_differences_are_those_of_pairs(names: dict[str, Any]) -> None:
    runs = names["tables"]["runs"].query("dim == 128 and documents.isna() and scale.isna()")
    runs = runs[runs["classifier"] == "conv1d"]
    lab = runs.query("init == 'pretrained' and recipe == 'lab' and radius == 5").set_index("seed")
    random = runs[runs["init"] == "random"].set_index("seed")
    expected = 100 * (lab["test_accuracy"] - random["test_accuracy"])
    found = names["points"].xs(("lab", 5), axis="columns").squeeze()
    assert np.allclose(found, expected)


def test_its_figures_are_there_and_it_keeps_no_output() -> None:
    text = "".join("".join(cell["source"]) for cell in CELLS)
    figures = re.findall(r"\]\((.*?\.svg)\)", text)
    assert len(figures) == 2
    assert all((DOCS / figure).is_file() for figure in figures)
    assert not any(cell.get("outputs") for cell in CELLS)

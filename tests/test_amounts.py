"""How much text recipes read, and what is made of their scores."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.stats
import yaml

from sgns_study.evaluation import amounts
from sgns_study.evaluation.recipes import of_amounts
from sgns_study.params import Study
from sgns_study.samples import Text
from tests.conftest import REPOSITORY


def a_study(**recipes: dict) -> Study:
    content = yaml.safe_load((REPOSITORY / "config/size.yaml").read_text())
    content["recipes"] |= recipes
    return Study.model_validate(content)


def test_the_family_is_alike_in_all_but_the_amount_and_the_epochs() -> None:
    names = ["all", "words_30m", "words_10m", "words_3m", "words_1m"]
    other = {"like": "words_1m", "negatives": 1, "documents": 10}
    documents = [None, 115000, 38000, 11500, 3800]
    assert of_amounts(a_study(other=other)) == dict(zip(names, documents))
    two = yaml.safe_load((REPOSITORY / "config/tweaks.yaml").read_text())
    two["recipes"]["fewer"] = {"like": "full", "documents": 10}
    assert of_amounts(Study.model_validate(two)) == {}


def test_words_are_those_of_the_first_documents_without_signs() -> None:
    study = a_study(
        words_30m={"like": "all", "documents": 1},
        words_10m={"like": "all", "documents": 2},
        words_3m={"like": "all", "documents": 3},
        words_1m={"like": "all", "documents": 2},
    )
    ids = np.array([2, 3, 2, 4, 4, 2, 5], np.uint16)  # . and , are signs
    text = Text(ids, np.array([0, 2, 2, 6, 7]), np.zeros(6, np.int64))
    found = amounts.amounts_table(study, text, ["[PAD]", "[UNK]", "a", ".", "it's", ","])
    assert found.values.tolist() == [
        ["all", 4, 5],
        ["words_30m", 1, 1],
        ["words_10m", 2, 1],
        ["words_3m", 3, 5],
        ["words_1m", 2, 1],
    ]


@pytest.mark.real_data
def test_the_sections_have_as_many_questions_as_is_said(mirror: Path) -> None:
    sections = (mirror / "questions-words.txt").read_text().split(": ")[1:]
    counts = {name: len(lines) for name, *lines in (part.strip().split("\n") for part in sections)}
    assert counts == amounts.SEMANTIC | amounts.SYNTACTIC
    assert (sum(amounts.SEMANTIC.values()), sum(amounts.SYNTACTIC.values())) == (8869, 10675)


def test_analogies_are_the_right_ones_of_those_asked() -> None:
    run = {"recipe": "all", "radius": 5, "dim": 50, "seed": 1}
    rows = [("EN-MEN-TR-3k", "spearman", 0.4, 1.0), ("EN-WS-353-ALL", "spearman", 0.6, 1.0)]
    rows += [
        (f"questions-words/{name}", "3cosadd", value, coverage)
        for name, value, coverage in (
            ("family", 0.5, 1.0),  # 253 of 506
            ("currency", 0.0, 0.5),  # 0 of 433
            ("capital-world", np.nan, 0.0),  # none is asked
            ("gram8-plural", 0.25, 1.0),  # 333 of 1,332
        )
    ]
    rows.append(("questions-words/family", "3cosmul", 1.0, 1.0))
    columns = ["dataset", "metric", "value", "coverage"]
    parts = [pd.DataFrame(rows, columns=columns).assign(**run | {"recipe": r}) for r in "abc"]
    beside = parts[0].assign(dim=100)  # of one amount alone
    table = pd.DataFrame({"recipe": [*"abc"], "documents": 9, "words": [1000, 10, 100]})
    whole = amounts.by_amount(table, pd.concat([*parts, beside]))
    assert whole["dim"].tolist() == [50] * 3
    found = whole.iloc[0]
    assert found["words"] == 1000
    assert found["similarity"] == pytest.approx(50)
    assert found["semantic"] == pytest.approx(100 * 253 / 939)
    assert found["syntactic"] == pytest.approx(25)
    assert found["analogies"] == pytest.approx(100 * 586 / 2271)


def test_a_line_is_extended_with_the_interval_of_one_more_run() -> None:
    rng = np.random.default_rng(1)
    words = pd.Series(np.repeat([1e6, 1e7, 1e8], 3))
    values = 10 * np.log10(words) + rng.normal(size=9)
    found = amounts.extended(words, values, 1e9)
    line = scipy.stats.linregress(np.log10(words), values)
    assert found.value == pytest.approx(line.intercept + 9 * line.slope)
    # By matrices: the variance of a new observation at x is s² (1 + xᵀ(XᵀX)⁻¹x).
    design = np.column_stack([np.ones(9), np.log10(words)])
    rest = values - design @ np.linalg.lstsq(design, values, rcond=None)[0]
    at = np.array([1, 9])
    variance = rest @ rest / 7 * (1 + at @ np.linalg.inv(design.T @ design) @ at)
    half = scipy.stats.t.ppf(0.975, 7) * np.sqrt(variance)
    assert (found.low, found.high) == pytest.approx((found.value - half, found.value + half))

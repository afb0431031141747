"""How much text recipes read that differ in nothing else, and what their vectors know of words."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from sgns_study.evaluation.recipes import LEAST, of_amounts
from sgns_study.evaluation.statistics import half_interval
from sgns_study.evaluation.tables import COLUMNS
from sgns_study.evaluation.vectors import RUN, scores
from sgns_study.params import Study
from sgns_study.samples import Text

ANALOGIES = "questions-words"
SEMANTIC = {  # sections of the analogies, and their questions
    "capital-common-countries": 506,
    "capital-world": 4524,
    "currency": 866,
    "city-in-state": 2467,
    "family": 506,
}
SYNTACTIC = {
    "gram1-adjective-to-adverb": 992,
    "gram2-opposite": 812,
    "gram3-comparative": 1332,
    "gram4-superlative": 1122,
    "gram5-present-participle": 1056,
    "gram6-nationality-adjective": 1599,
    "gram7-past-tense": 1560,
    "gram8-plural": 1332,
    "gram9-plural-verbs": 870,
}
SECTIONS = {"semantic": SEMANTIC, "syntactic": SYNTACTIC, "analogies": SEMANTIC | SYNTACTIC}


def amounts_table(study: Study, text: Text, words: Sequence[str]) -> pd.DataFrame:
    """Columns recipe, documents, words: what each recipe of the family reads in an epoch.

    words: running words of the first draw of text, those that a recipe deletes among them; signs
    are left out.
    """
    is_word = np.array([any(map(str.isalnum, word)) for word in words])
    rows = []
    for name, asked in of_amounts(study).items():
        documents = asked or len(text.offsets) - 1
        counts = np.bincount(text.ids[: text.offsets[documents]], minlength=len(words))
        rows.append((name, documents, int(counts[is_word].sum())))
    return pd.DataFrame(rows, columns=COLUMNS["amounts"])


def by_amount(amounts: pd.DataFrame, vectors: pd.DataFrame) -> pd.DataFrame:
    """One row a set of vectors of the family: its run, words, and scores in points.

    Dimensions without `LEAST` amounts are left out. Scores are `similarity`, mean Spearman's ρ over
    the main sets; and `semantic`, `syntactic` and all `analogies`, the share of right answers by
    3CosAdd among the questions asked.
    """
    found = scores(vectors).merge(amounts, on="recipe")
    several = found.groupby("dim")["words"].transform("nunique") >= LEAST
    found = found[several].assign(similarity=100 * found["score"]).drop(columns="score")
    asked = vectors[vectors["metric"] == "3cosadd"]
    for name, questions in SECTIONS.items():
        of_set = {f"{ANALOGIES}/{section}": n for section, n in questions.items()}
        own = asked[asked["dataset"].isin(of_set)].fillna({"value": 0.0})
        weight = own["coverage"] * own["dataset"].map(of_set).astype(float)
        own = own.assign(right=own["value"] * weight, asked=weight)
        sums = own.groupby(RUN)[["right", "asked"]].sum()
        found = found.join((100 * sums["right"] / sums["asked"]).rename(name), on=RUN)
    return found


class Extended(NamedTuple):
    """What a straight line leads to, and the 95 % prediction interval of one more run there."""

    value: float
    low: float
    high: float


def extended(words: pd.Series, values: pd.Series, to: float) -> Extended:
    """The least-squares line of values over the logarithm of words, read off at `to` words.

    The interval is s · √(1 + 1/n + (x − x̄)² / Σ(xᵢ − x̄)²) times Student's t with n − 2 degrees of
    freedom. It takes the line to be right, of which nothing beyond the data says anything.
    """
    x, y = np.log10(words.to_numpy(float)), values.to_numpy(float)
    slope, start = np.polyfit(x, y, 1)
    n, at = len(x), math.log10(to)
    spread = np.sum((x - x.mean()) ** 2)
    residual = np.sqrt(np.sum((y - start - slope * x) ** 2) / (n - 2))
    error = float(residual * np.sqrt(1 + 1 / n + (at - x.mean()) ** 2 / spread))
    value, half = float(start + slope * at), half_interval(error, n - 2)
    return Extended(value, value - half, value + half)

"""What the report says of the claims: verdicts and parts, and how they are written."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from sgns_study.evaluation.claims import BEST_RANDOM
from sgns_study.evaluation.tables import read_present, read_tidy
from sgns_study.figures.wording import counted, interval, p_value, signed

DIGITS = {"points": 1, "points of similarity": 1, "nats": 3, "epochs": 1}  # decimals by unit

Row = Mapping[str, Any]  # of the parts of claims


def claims_values(results: Path) -> dict[str, Any]:
    """What the templates name of the claims that the study can test.

    `rows` has the claims in order, each with its `parts`, `of` the same by their names; a part has
    the columns of `claims` and `comparisons`. `sources` are whose claims they are.
    """
    claims = read_tidy(results, "claims")
    comparisons = read_present(results, ["comparisons"]).get("comparisons", claims[:0])
    parts = claims.merge(comparisons, on=["claim", "part", "quantity"], suffixes=("", "_compared"))
    first = ["claim", "source", "statement", "claim_verdict"]
    rows = [
        dict(zip(first, found)) | {"parts": own.to_dict("records")}
        for found, own in parts.groupby(first, sort=False)
    ]
    return {
        "rows": rows,
        "of": {row["claim"]: row for row in rows},
        "verdicts": Counter(row["claim_verdict"] for row in rows),
        "answers": answers(parts),
        "sources": list(parts["source"].unique()),
    }


def answers(parts: pd.DataFrame) -> dict[str, Row]:
    """The parts that answer whether pretraining pays, as far as the study has them.

    `all`: with all labels, each start at its best if that was tried; `few`: with few labels against
    a random start at its best; `frozen`: vectors that are not trained further.
    """
    named = parts["part"].str.contains(BEST_RANDOM, regex=False)
    found = {
        "all": parts[parts["claim"].isin(["A", "C"])].tail(1),
        "few": parts[(parts["claim"] == "E") & named],
        "frozen": parts[parts["claim"] == "D"],
    }
    return {name: own.to_dict("records")[0] for name, own in found.items() if len(own)}


def direction(low: float, high: float) -> str:
    """Where the interval of a difference lies: `above`, `below`, `around` zero, or `unknown`."""
    if pd.isna(low):
        return "unknown"
    return "above" if low > 0 else "below" if high < 0 else "around"


def ends(row: Row) -> str:
    """The 95 % interval of an effect, e.g. `−4.2 to −3.5`; a dash if there is none."""
    return interval(row["ci_low"], row["ci_high"], DIGITS[row["unit"]])


def difference(row: Row) -> str:
    """An effect with its interval, e.g. `−3.8 points (95 % interval −4.2 to −3.5, 5 seeds)`."""
    effect = f"{signed(row['effect'], DIGITS[row['unit']])} {row['unit']}"
    within = "" if pd.isna(row["ci_low"]) else f"95 % interval {ends(row)}, "
    return f"{effect} ({within}{counted(int(row['n_seeds']), 'seed')})"


def finding(row: Row) -> str:
    """A difference with its adjusted p, e.g. `+0.7 points (1 seed, adjusted p = 0.03)`."""
    adjusted = "" if pd.isna(row["p_adjusted"]) else f", adjusted {p_value(row['p_adjusted'])}"
    return f"{difference(row).removesuffix(')')}{adjusted})"


def probability(p: float) -> str:
    """A p value by itself, e.g. `0.03`, `< 0.001`; empty where there is none."""
    return "" if pd.isna(p) else p_value(p).removeprefix("p ").removeprefix("= ")

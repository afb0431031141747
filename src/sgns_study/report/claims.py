"""What the report says of the claims: the answer, the table of verdicts, and a section for each."""

from pathlib import Path
from typing import Any

import pandas as pd

from sgns_study.evaluation.claims import FEW, LAB, OWN, TWEAKS, best_recipes
from sgns_study.evaluation.statistics import ALPHA
from sgns_study.evaluation.tables import COLUMNS, read_present, read_tidy
from sgns_study.evaluation.verdicts import NOT_TESTED
from sgns_study.figures.claims import p_value
from sgns_study.figures.wording import counted, interval, number, signed
from sgns_study.params import Study
from sgns_study.report.markdown import Markdown, Table, escape_markdown

DIGITS = {"points": 1, "nats": 3, "epochs": 1}


def claims_values(study: Study, results: Path) -> tuple[dict[str, Any], dict[str, Table]]:
    """What the template names of the claims, and their tables by name."""
    claims = read_tidy(results, "claims")
    none = pd.DataFrame(columns=COLUMNS["comparisons"])
    comparisons = read_present(results, ["comparisons"]).get("comparisons", none)
    sections = [section(row, comparisons) for row in claims.to_dict("records")]
    tables = {"verdicts": verdicts_table(claims)}
    tables |= {
        f"claim_{row['claim']}": comparisons_table(row, own)
        for row in claims.to_dict("records")
        if len(own := comparisons[comparisons["claim"] == row["claim"]])
    }
    if len(comparisons):
        tables["tests"] = tests_table(comparisons)
    values = {
        "answer": answer(study, claims, comparisons),
        "sections": {part["claim"]: part for part in sections},
        "counts": counts(claims),
        "verdict_counts": [f"{n} {name}" for name, n in counts(claims).items()],
        "tested": int((claims["verdict"] != NOT_TESTED).sum()),
        "margins": study.claims,
        "alpha": ALPHA,
        "few": FEW,
    }
    return values, tables


def counts(claims: pd.DataFrame) -> dict[str, int]:
    """How many claims have each verdict."""
    return {str(name): int(n) for name, n in claims["verdict"].value_counts(sort=False).items()}


def answer(study: Study, claims: pd.DataFrame, comparisons: pd.DataFrame) -> list[Markdown]:
    """The answer in a few sentences, as far as the study can give them."""
    first = {row["claim"]: row for row in comparisons.iloc[::-1].to_dict("records")}
    sentences = []
    asked = [(claim, subject) for claim, subject in subjects(study).items() if claim in first]
    for claim, subject in asked:
        text = f"{subject} {moved(first[claim])} the test accuracy of the classifier"
        text += f" against a random start: {difference(first[claim])}"
        if claim == asked[-1][0] and "8" in first:
            text += f"; with {FEW:,} labelled documents at most, {difference(first['8'])}"
        sentences.append(f"{text}.")
    if "B" in first:
        verdict = str(claims.set_index("claim").loc["B", "verdict"])
        against = "the difference from the same rows shuffled among words is"
        sentences.append(f"{MEANT.get(verdict, UNDECIDED)}: {against} {difference(first['B'])}.")
    if "C" in first:
        start = "With both sides at their best initial scale the difference from a random start is"
        sentences.append(f"{start} {difference(first['C'])}.")
    return [escape_markdown(sentence) for sentence in sentences]


def subjects(study: Study) -> dict[str, str]:
    """What is compared with a random start, by claim: once if both claims are of the same runs."""
    kinds = {study.recipes[name].kind for name in study.grid.recipes}
    best = {study.recipes[name].kind for name in best_recipes(study)}
    found = {"1": "Vectors pretrained as in the lab"} if kinds == {"lab"} else {}
    if best == {"word2vec"}:
        found["A"] = "Vectors made as word2vec is used in practice"
    return found or {"A": "Pretrained vectors"}


MEANT = {
    "supported": "It is what the vectors mean that makes the difference",
    "contradicted": "What the vectors mean does not help",
}
UNDECIDED = "Whether it is what the vectors mean is undecided"


def moved(row: dict[str, Any]) -> str:
    """What a difference in accuracy does, by its interval: raises, lowers or neither."""
    if pd.isna(row["ci_low"]):
        return "may or may not change"
    if row["ci_low"] > 0:
        return "raise"
    if row["ci_high"] < 0:
        return "lower"
    return "do not measurably change"


def difference(row: dict[str, Any]) -> str:
    """E.g. `−3.8 points (95 % interval −4.2 to −3.5, 5 seeds)`."""
    digits = DIGITS[row["unit"]]
    text = f"{signed(row['effect'], digits)} {row['unit']}"
    if pd.isna(row["ci_low"]):
        return f"{text} ({counted(int(row['n_seeds']), 'seed')})"
    ends = interval(row["ci_low"], row["ci_high"], digits)
    return f"{text} (95 % interval {ends}, {counted(int(row['n_seeds']), 'seed')})"


ASKED = {  # by source
    LAB: "Claimed by the lab",
    TWEAKS: "Said of the settings of word2vec",
    OWN: "Asked by this study",
}


def section(row: dict[str, Any], comparisons: pd.DataFrame) -> dict[str, Any]:
    """Heading and prose of one claim."""
    own = comparisons[comparisons["claim"] == row["claim"]].to_dict("records")
    return {
        "claim": row["claim"],
        "heading": f"{row['claim']}. {row['statement']}",
        "asked": ASKED[row["source"]],
        "verdict": row["verdict"],
        "p": "" if pd.isna(row["p_adjusted"]) else p_value(row["p_adjusted"]),
        "tested": bool(own),
        "sentences": [sentence(comparison) for comparison in own],
    }


def sentence(row: dict[str, Any]) -> Markdown:
    """What one comparison found, in words."""
    digits, unit = DIGITS[row["unit"]], row["unit"]
    values = f"{number(row['mean_a'], digits)} against {number(row['mean_b'], digits)} {unit}"
    if row["quantity"] == "SGNS rise":
        values = f"on average {number(row['mean_a'], digits)} {unit}"
    text = f"{row['quantity']}, {row['comparison']}: {values}, a difference of {difference(row)}"
    if not pd.isna(row["p"]):
        claimed = CLAIMED[row["direction"]]
        text += f"; the claim is that it lies {claimed} ({p_value(row['p_for'])} for that)"
    return escape_markdown(f"{text}.")


CLAIMED = {  # where a claim of each direction has the difference
    "more": "above zero",
    "less": "below zero",
    "no more": "below the margin",
    "no less": "above minus the margin",
    "same": "within the margin on both sides",
}


def verdicts_table(claims: pd.DataFrame) -> Table:
    """Every claim with its verdict."""
    rows: list[list[object]] = []
    for row in claims.to_dict("records"):
        link = Markdown(f"[{row['claim']}](#claim-{row['claim'].lower()})")
        tested = row["verdict"] != NOT_TESTED and not pd.isna(row["effect"])
        digits = DIGITS.get(row["unit"], 1)
        rows.append(
            [
                link,
                row["source"],
                row["statement"],
                Markdown(f"**{row['verdict']}**"),
                f"{signed(row['effect'], digits)} {row['unit']}" if tested else "",
                interval(row["ci_low"], row["ci_high"], digits) if tested else "",
                "" if pd.isna(row["p_adjusted"]) else probability(row["p_adjusted"]),
                int(row["n_seeds"]) or "",
            ]
        )
    return Table(
        "Verdict on every claim: effect of its first comparison with its 95 % interval, p adjusted "
        "by Holm for the number of claims tested, and the number of paired seeds.",
        ["claim", "source", "statement", "verdict", "effect", "95 %", "p", "seeds"],
        "lllllllr",
        rows,
        widths=(6, 10, 32, 13, 12, 13, 8, 6),
        source=("claims",),
    )


def comparisons_table(claim: dict[str, Any], own: pd.DataFrame) -> Table:
    """The comparisons that a claim rests on."""
    rows: list[list[object]] = []
    for row in own.to_dict("records"):
        digits = DIGITS[row["unit"]]
        rows.append(
            [
                row["comparison"],
                f"{row['quantity']} ({row['unit']})",
                number(row["mean_a"], digits),
                number(row["mean_b"], digits),
                signed(row["effect"], digits),
                interval(row["ci_low"], row["ci_high"], digits),
                row["direction"],
                f"{row['n_cells']} × {row['n_seeds']}",
            ]
        )
    return Table(
        f"Claim {claim['claim']}: both sides A and B of each comparison, their difference with its "
        "95 % interval, what the claim says of it, and the number of cells and seeds.",
        ["A − B", "quantity", "A", "B", "difference", "95 %", "claimed", "cells × seeds"],
        "llrrrllr",
        rows,
        source=("comparisons",),
    )


def tests_table(comparisons: pd.DataFrame) -> Table:
    """Every comparison with all tests that were made of it."""
    rows: list[list[object]] = []
    for row in comparisons.to_dict("records"):
        p = ["" if pd.isna(row[name]) else probability(row[name]) for name in P_VALUES]
        effect = number(row["effect_size"], 1)
        power = "" if pd.isna(row["power"]) else number(100 * row["power"], 0)
        least = number(row["detectable"], DIGITS[row["unit"]])
        rows.append([row["claim"], row["comparison"], row["quantity"], *p, effect, power, least])
    return Table(
        "Every test of every comparison, p values not adjusted: two-sided; of a difference below "
        "the margin (two one-sided tests); sign flips of single pairs and of whole seeds, exact; "
        "McNemar on test predictions (twice the median over pairs). Then Hedges’ g of the paired "
        "differences, the simulated power to find a difference of just the margin, in percent, and "
        "the difference that is found with a power of 80 %, in the unit of the quantity.",
        ["claim", "A − B", "quantity", *P_VALUES.values(), "g", "power", "80 %"],
        "lll" + "r" * (len(P_VALUES) + 3),
        rows,
        source=("comparisons",),
    )


P_VALUES = {
    "p": "two-sided",
    "p_equivalent": "equivalent",
    "p_flip_pairs": "pairs",
    "p_flip_blocks": "seeds",
    "p_mcnemar": "McNemar",
}


def probability(p: float) -> str:
    """A p value by itself, e.g. `0.03`, `< 0.001`."""
    return p_value(p).removeprefix("p ").removeprefix("= ")

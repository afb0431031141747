"""From the tables of a study to a verdict on every claim and each of its parts.

A part is one comparison A − B over cells, which are fixed, and seeds, which are blocks. For test
accuracies seeds and documents are samples, for scores of similarity seeds and word pairs, those
that all runs of both sides know (`statistics.crossed_estimate`); for other quantities seeds, by
their block means (t test). Two questions are put to each part, whatever its
claim says: is the true difference not 0 (two-sided p), and does it lie within ± the margin (p of
two one-sided tests)? Holm's correction is over the parts of a family, the claims of one source, for
each question by itself. What is found at an adjusted p below 0.05 is the *side* of the difference:
above or below zero, within the margin, or both. By the direction that the claim gives it,

    claimed          supported               no difference    opposite
    more             above                   within           below
    less             below                   within           above
    no more          below, or within                         above
    no less          above, or within                         below
    same             within                                   above or below

and one of the first two that is also within is *supported, but negligible*. If nothing is found it
is *undecided*, and its p that of what the claim says. A claim has the verdict of its parts if they
agree; else it is supported *in part* if one is supported, *opposite* or *no difference* if one is.
"""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sgns_study.evaluation import statistics
from sgns_study.evaluation.claims import ACCURACY, CLAIMS, OWN, Claim, Part
from sgns_study.evaluation.convergence import with_defaults
from sgns_study.evaluation.quantities import (
    BEST,
    CELL,
    QUANTITIES,
    SCORE,
    SIMILARITY,
    Evidence,
    picked,
)
from sgns_study.evaluation.tables import COLUMNS, typed
from sgns_study.params import Study
from sgns_study.randomness import generator

ABOVE, BELOW, WITHIN = "above", "below", "within"  # sides
CLAIMED = {  # the sides on which a direction has the difference
    "more": {ABOVE},
    "less": {BELOW},
    "no more": {BELOW, WITHIN},
    "no less": {ABOVE, WITHIN},
    "same": {WITHIN},
}
SUPPORTED, NEGLIGIBLE, IN_PART = "supported", "supported, but negligible", "in part"
NO_DIFFERENCE, OPPOSITE, UNDECIDED = "no difference", "opposite", "undecided"
NOT_TESTED = "not tested"
UNITS = {  # what a value is multiplied by, and the margin of `params.Margins`
    "points": (100, "points"),
    SIMILARITY: (100, "similarity"),
    "nats": (1, "loss"),
    "epochs": (1, "epochs"),
}
NOTHING = {"part": "", "quantity": "", "unit": "", "side": "", "verdict": NOT_TESTED}
NO_COUNTS = {"n_seeds": 0, "n_items": 0}
NO_RANKS = np.empty((0, 0), np.uint16)


class Paired(NamedTuple):
    """Values of both sides, (cells, seeds), and (2, cells, seeds) their rows of `runs`, if any.

    items: A − B of each seed and document or word pair, where these are a sample too.
    """

    a: NDArray[np.float64]
    b: NDArray[np.float64]
    rows: NDArray[np.int64] | None
    seeds: list[int]
    items: NDArray[np.float64] | None = None


def judged_by(
    study: Study,
    tables: Mapping[str, pd.DataFrame],
    correct: NDArray[np.uint8],
    ranks: NDArray[np.uint16] = NO_RANKS,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`claims`, one row a part or one untested, and `comparisons`, every test of each part.

    tables: the tidy tables by name; those that a study lacks count as empty. correct: (runs,
    documents), 1 where a run is right on a test document. ranks: those of the cosines, (models in
    the order of `vectors`, rows of `word_pairs`), within a set, 0 where a word is not known.
    """

    def table(name: str) -> pd.DataFrame:
        return tables.get(name, typed(pd.DataFrame(columns=COLUMNS[name])))

    names = [name for name in ("classifier_curves", "experiment_curves") if name in tables]
    curves = pd.concat([with_defaults(table(name)) for name in names or ["experiment_curves"]])
    of_vectors = table("vectors"), table("sgns_curves"), table("word_pairs"), ranks
    evidence = Evidence(table("runs"), correct, curves, *of_vectors)
    rows = [
        row
        for claim in CLAIMS
        for part in claim.parts(study)
        if (row := tested(claim, part, study, evidence))
    ]
    comparisons = adjusted(pd.DataFrame(rows, columns=COLUMNS["comparisons"]))
    return summed_up(comparisons), comparisons


def tested(claim: Claim, part: Part, study: Study, evidence: Evidence) -> dict[str, Any] | None:
    """A row of `comparisons`, its p not yet adjusted; None if no two runs can be paired."""
    quantity = QUANTITIES[part.quantity]
    pairs = paired(quantity.values(evidence, part), part, evidence.runs)
    if pairs is None:
        return None
    pairs = by_item(part, pairs, evidence)
    differences, n_seeds = pairs.a - pairs.b, len(pairs.seeds)
    if np.isnan(differences).any():
        return None
    means = differences.mean(axis=0)
    factor, margin_of = UNITS[quantity.unit]
    margin = dict(study.claims)[margin_of] / factor
    found = statistics.seed_estimate(means)
    if pairs.items is not None and n_seeds > 1:
        found = statistics.crossed_estimate(pairs.items)
    in_values = {
        "effect": found.mean,
        "ci_low": found.low,
        "ci_high": found.high,
        "sd": statistics.spread(means),
        "margin": margin,
        "mean_a": pairs.a.mean(),
        "mean_b": pairs.b.mean(),
        "detectable": statistics.smallest_detectable(found.error, n_seeds),
    }
    return {
        "claim": claim.claim,
        "part": part.part,
        "family": claim.source if part.claimed else OWN,
        "quantity": part.quantity,
        "unit": quantity.unit,
        "direction": part.direction,
        **{name: factor * value for name, value in in_values.items()},
        "p_differs": found.p,
        "p_equivalent": found.p_equivalent(margin),
        "p_flip_blocks": statistics.sign_flip(means, generator(0, "claims", "flips")),
        "p_mcnemar": np.nan if part.quantity == SCORE else mcnemar(pairs, evidence),
        "effect_size": statistics.hedges_g(means),
        "power": statistics.power(margin, found.error, n_seeds),
        "n_cells": len(differences),
        "n_seeds": n_seeds,
        "n_items": 0 if pairs.items is None else pairs.items.shape[1],
    }


def by_item(part: Part, pairs: Paired, evidence: Evidence) -> Paired:
    """The pairs with their `items`; scores are those on the word pairs that all runs know.

    They are NaN if these have no ranks in some set.
    """
    if part.quantity == ACCURACY:
        right_a, right_b = evidence.correct[pairs.rows].astype(np.int8)
        return pairs._replace(items=(right_a - right_b).mean(axis=0))
    if part.quantity != SCORE or pairs.rows is None:
        return pairs
    ranks = evidence.ranks[pairs.rows]  # (2, cells, seeds, word pairs)
    common = ranks.min(axis=(0, 1, 2)) > 0
    sets, names = pd.factorize(evidence.word_pairs["dataset"])
    people = evidence.word_pairs["score"].to_numpy()[common]
    if len(set(sets[common])) < len(names):
        return pairs._replace(a=np.full_like(pairs.a, np.nan))
    values = partial(statistics.pair_values, scores=people, sets=sets[common])
    a, b = np.apply_along_axis(values, -1, ranks[..., common])
    return pairs._replace(a=a.mean(axis=-1), b=b.mean(axis=-1), items=(a - b).mean(axis=0))


def adjusted(comparisons: pd.DataFrame) -> pd.DataFrame:
    """The comparisons with their p adjusted by Holm within families, each question by itself."""
    # Two claims may name one comparison; by their names alone two comparisons may be alike.
    same = ["family", "part", "quantity", "effect", "p_differs", "p_equivalent"]
    once = comparisons.drop_duplicates(same)
    for question in ("differs", "equivalent"):
        p = once.groupby("family")[f"p_{question}"].transform(lambda p: statistics.holm(p))
        found = once[same].assign(**{f"p_{question}_adjusted": p})
        comparisons = comparisons.drop(columns=f"p_{question}_adjusted").merge(found, on=same)
    return comparisons[COLUMNS["comparisons"]]


def summed_up(comparisons: pd.DataFrame) -> pd.DataFrame:
    """The table `claims`: what was found of every part, and the verdict on its claim."""
    rows: list[dict[str, Any]] = []
    for claim in CLAIMS:
        parts = comparisons[comparisons["claim"] == claim.claim].to_dict("records")
        found = [part | judged(part) for part in parts]
        claimed = [part["verdict"] for part in found if part["family"] == claim.source]
        whole = claim._asdict() | {"claim_verdict": of_claim(claimed)}
        rows += [whole | part for part in found or [NOTHING | NO_COUNTS | {"family": claim.source}]]
    return pd.DataFrame(rows, columns=COLUMNS["claims"])


def judged(part: Mapping[str, Any]) -> dict[str, Any]:
    """The side and verdict of a row of `comparisons`, and the p that both rest on."""
    wanted = CLAIMED[part["direction"]]
    sign = ABOVE if part["effect"] > 0 else BELOW
    differs = part["p_differs_adjusted"] < statistics.ALPHA
    none = part["p_equivalent_adjusted"] < statistics.ALPHA
    found = ((sign, differs), (WITHIN, none))
    held = [side for side, is_found in found if is_found and side in wanted]
    side, verdict = WITHIN if wanted == {WITHIN} else sign, UNDECIDED
    if np.isnan(part["p_differs"]):
        side, verdict = "", NOT_TESTED
    elif held:
        side, verdict = held[0], NEGLIGIBLE if none and WITHIN not in wanted else SUPPORTED
    elif none:
        side, verdict = WITHIN, NO_DIFFERENCE
    elif differs:
        side, verdict = sign, OPPOSITE
    test = "p_equivalent" if side == WITHIN else "p_differs"
    p, p_adjusted = part[test], part[f"{test}_adjusted"]
    return {"side": side, "verdict": verdict, "p": p, "p_adjusted": p_adjusted}


def of_claim(verdicts: Iterable[str]) -> str:
    """The verdict on a claim whose parts have these."""
    found = set(verdicts) or {NOT_TESTED}
    if found <= {SUPPORTED, NEGLIGIBLE}:
        return max(found, key=[NEGLIGIBLE, SUPPORTED].index)
    if found & {SUPPORTED, NEGLIGIBLE}:
        return IN_PART
    return next(one for one in (OPPOSITE, NO_DIFFERENCE, UNDECIDED, NOT_TESTED) if one in found)


def mcnemar(pairs: Paired, evidence: Evidence) -> float:
    """McNemar's p over the paired runs of all cells and seeds; NaN for other quantities."""
    if pairs.rows is None:
        return np.nan
    a, b = evidence.correct[pairs.rows.reshape(2, -1)]
    return statistics.over_seeds(statistics.mcnemar(a, b))


def paired(table: pd.DataFrame, part: Part, runs: pd.DataFrame) -> Paired | None:
    """Both sides of a comparison in all cells and seeds that both have, None if they share none.

    All seeds have to be blocks of the same cells: cells with fewer seeds than others are left out,
    and then seeds that lack one of the cells left.
    """
    table = table[table["value"].notna()]
    first = picked(table, part.a, runs)
    is_difference = part.quantity == "SGNS rise"
    second = first.assign(value=0.0) if is_difference else picked(table, part.b, runs)
    on = [*matched(part, first, second), "seed"]
    both = first.merge(second, on=on, suffixes=("_a", "_b"))
    if both.empty:
        return None
    cells = [c for c in both if c.removesuffix("_a").removesuffix("_b") in CELL]
    both["cell"] = [" ".join(map(str, cell)) for cell in both[cells].itertuples(index=False)]
    names = [name for name in ("value_a", "value_b", "row_a", "row_b") if name in both]
    wide = both.pivot(index="cell", columns="seed", values=names)
    n_seeds = wide["value_a"].notna().sum(axis=1)
    wide = wide[n_seeds == n_seeds.max()]
    seeds = wide["value_a"].dropna(axis=1).columns
    if seeds.empty:
        return None
    a, b, *rows = (wide[name][seeds].to_numpy(float) for name in names)
    return Paired(a, b, np.array(rows, np.int64) if rows else None, list(seeds))


def matched(part: Part, a: pd.DataFrame, b: pd.DataFrame) -> list[str]:
    """The columns of a cell in which both sides have to agree.

    A column that one side leaves empty, or by which the comparison is made, is not one of them.
    """
    picks = part.a, part.b
    alike = {key for key, wanted in picks[0].items() if wanted == picks[1].get(key, BEST) != BEST}
    compared = {*picks[0], *picks[1]} - alike
    shared = [column for column in CELL if column in a and column not in compared]
    return [column for column in shared if a[column].notna().all() and b[column].notna().all()]

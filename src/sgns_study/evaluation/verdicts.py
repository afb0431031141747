"""From the tables of a study to a verdict on every claim.

Each comparison A − B is estimated over its cells and seeds: seeds are blocks, cells are fixed. For
accuracies, seeds and test documents are both counted as samples
(`statistics.seed_and_document_estimate`); for other quantities only seeds are, by their block means
(t test). With mean m, standard error e and degrees of freedom f, and Δ the margin below which a
difference counts as none, the p values for and against the claim's direction are

    more      for: two-sided, if m > 0        against: two-sided if m < 0, or that |A − B| < Δ
    no more   for: that A − B < Δ             against: two-sided, if m > 0
    same      for: that |A − B| < Δ (TOST)    against: two-sided

`less` and `no less` mirror the first two. A claim of several comparisons has for it the largest of
their p (all must hold) and against it the smallest times their number (one is enough). The smaller
of the two goes into Holm's correction over all claims that the study can test, and gives the
verdict if it stays below 0.05: *supported* or *contradicted*; else *undecided*.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sgns_study.classifiers.inits import is_frozen
from sgns_study.evaluation import statistics
from sgns_study.evaluation.claims import CLAIMS, Claim, Comparison, Direction, Pick
from sgns_study.evaluation.convergence import convergence, with_defaults
from sgns_study.evaluation.statistics import SeedMean
from sgns_study.evaluation.tables import COLUMNS, RUN, typed
from sgns_study.evaluation.vectors import final_losses, scores
from sgns_study.params import Study
from sgns_study.randomness import generator

CELL = ["recipe", "radius", "scale", "documents", "dim"]
NOT_TESTED = "not tested"
BEST = "best"  # in a pick: of each side the scale that is best on validation
NO_VALUES = pd.DataFrame(columns=[*CELL, "seed", "value"])


class Evidence(NamedTuple):
    """The tables that claims are judged by; a table that the study does not have is empty."""

    runs: pd.DataFrame
    correct: NDArray[np.uint8]  # (runs, documents)
    curves: pd.DataFrame  # of all classifiers
    vectors: pd.DataFrame
    sgns_curves: pd.DataFrame


class Paired(NamedTuple):
    """Values of both sides, (cells, seeds), and (2, cells, seeds) their rows of `runs`, if any."""

    a: NDArray[np.float64]
    b: NDArray[np.float64]
    rows: NDArray[np.int64] | None
    seeds: list[int]


def judged_by(
    study: Study, tables: Mapping[str, pd.DataFrame], correct: NDArray[np.uint8]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`claims`, one row each, and `comparisons`, one row for each that could be made.

    tables: the tidy tables by name; those that a study lacks count as empty. correct: (runs,
    documents), 1 where a run is right on a test document.
    """

    def table(name: str) -> pd.DataFrame:
        return tables.get(name, typed(pd.DataFrame(columns=COLUMNS[name])))

    names = [name for name in ("classifier_curves", "experiment_curves") if name in tables]
    curves = pd.concat([with_defaults(table(name)) for name in names or ["experiment_curves"]])
    evidence = Evidence(table("runs"), correct, curves, table("vectors"), table("sgns_curves"))
    made, rows = [], []
    for claim in CLAIMS:
        judgements = (judged(claim, c, study, evidence) for c in claim.comparisons(study))
        found = [row for row in judgements if row is not None]
        made += found
        rows.append(summed_up(claim, found))
    claims = pd.DataFrame(rows)
    claims["p_adjusted"] = statistics.holm(claims["p"])
    decided = claims["p_adjusted"] < statistics.ALPHA
    claims.loc[decided, "verdict"] = claims.loc[decided, "side"]
    return claims[COLUMNS["claims"]], pd.DataFrame(made, columns=COLUMNS["comparisons"])


def summed_up(claim: Claim, found: list[dict[str, Any]]) -> dict[str, Any]:
    """A row of `claims`, its p not yet adjusted: the effect is that of the first comparison."""
    row = {"claim": claim.claim, "source": claim.source, "statement": claim.statement}
    if not found:
        nothing = dict.fromkeys(("effect", "ci_low", "ci_high", "p"), np.nan)
        return row | nothing | {"n_seeds": 0, "unit": "", "side": "", "verdict": NOT_TESTED}
    # A comparison of one seed has no p: then the whole has none for it, but may have one against.
    supports = float(np.max([part["p_for"] for part in found]))
    against = np.fmin.reduce([part["p_against"] for part in found])
    contradicts = float(np.minimum(1, len(found) * against))
    first = {key: found[0][key] for key in ("effect", "ci_low", "ci_high", "unit")}
    side = "supported" if supports <= contradicts else "contradicted"
    p = float(np.fmin(supports, contradicts))
    n_seeds = min(part["n_seeds"] for part in found)
    verdict = "undecided" if not np.isnan(p) else NOT_TESTED
    return row | first | {"p": p, "n_seeds": n_seeds, "side": side, "verdict": verdict}


def judged(
    claim: Claim, comparison: Comparison, study: Study, evidence: Evidence
) -> dict[str, Any] | None:
    """A row of `comparisons`; None if no two runs can be paired."""
    quantity = QUANTITIES[comparison.quantity]
    pairs = paired(quantity.values(evidence, comparison), comparison, evidence.runs)
    if pairs is None:
        return None
    differences, n_seeds = pairs.a - pairs.b, len(pairs.seeds)
    means = statistics.block_means(differences)
    of_unit = {"points": study.claims.points, "nats": study.claims.loss}
    factor = 100 if quantity.unit == "points" else 1  # from a value to its unit
    margin = of_unit.get(quantity.unit, study.claims.epochs) / factor
    found = estimated(comparison, pairs, evidence)
    draws = generator(0, "claims", "flips")
    p_for, p_against = sides(found, margin, comparison.direction)
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
        "comparison": comparison.name,
        "quantity": comparison.quantity,
        "unit": quantity.unit,
        "direction": comparison.direction,
        **{name: factor * value for name, value in in_values.items()},
        "p": found.p,
        "p_equivalent": found.p_equivalent(margin),
        "p_for": p_for,
        "p_against": p_against,
        "p_flip_pairs": statistics.sign_flip(differences.ravel(), draws),
        "p_flip_blocks": statistics.sign_flip(means, draws),
        "p_mcnemar": mcnemar(pairs, evidence),
        "effect_size": statistics.hedges_g(differences),
        "power": statistics.power(margin, found.error, n_seeds),
        "n_cells": len(differences),
        "n_seeds": n_seeds,
    }


def estimated(comparison: Comparison, pairs: Paired, evidence: Evidence) -> SeedMean:
    """A − B over seeds, and for test accuracies over documents too; one seed has no error."""
    if comparison.quantity == "test accuracy" and len(pairs.seeds) > 1:
        return statistics.seed_and_document_estimate(*evidence.correct[pairs.rows])
    return statistics.seed_estimate(pairs.a - pairs.b)


def sides(found: SeedMean, margin: float, direction: Direction) -> tuple[float, float]:
    """p for and against the direction that a claim gives the difference."""
    if direction in ("less", "no less"):
        mirrored: Direction = "more" if direction == "less" else "no more"
        return sides(found._replace(mean=-found.mean), margin, mirrored)
    p, none = found.p, found.p_equivalent(margin)
    if np.isnan(p):
        return np.nan, np.nan
    if direction == "more":
        return (p, none) if found.mean > 0 else (1.0, min(p, none))
    if direction == "no more":
        return found.p_below(margin), p if found.mean > 0 else 1.0
    return none, p


def mcnemar(pairs: Paired, evidence: Evidence) -> float:
    """McNemar's p over the paired runs of all cells and seeds; NaN for other quantities."""
    if pairs.rows is None:
        return np.nan
    a, b = evidence.correct[pairs.rows.reshape(2, -1)]
    return statistics.over_seeds(statistics.mcnemar(a, b))


def paired(table: pd.DataFrame, comparison: Comparison, runs: pd.DataFrame) -> Paired | None:
    """Both sides of a comparison in all cells and seeds that both have, None if they share none.

    All seeds have to be blocks of the same cells: cells with fewer seeds than others are left out,
    and then seeds that lack one of the cells left.
    """
    table = table[table["value"].notna()]
    first = picked(table, comparison.a, runs)
    is_difference = comparison.quantity == "SGNS rise"
    second = first.assign(value=0.0) if is_difference else picked(table, comparison.b, runs)
    on = [*matched(comparison, first, second), "seed"]
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


def matched(comparison: Comparison, a: pd.DataFrame, b: pd.DataFrame) -> list[str]:
    """The columns of a cell in which both sides have to agree.

    A column that one side leaves empty, or by which the comparison is made, is not one of them.
    """
    picks = comparison.a, comparison.b
    alike = {key for key, wanted in picks[0].items() if wanted == picks[1].get(key, BEST) != BEST}
    compared = {*picks[0], *picks[1]} - alike
    shared = [column for column in CELL if column in a and column not in compared]
    return [column for column in shared if a[column].notna().all() and b[column].notna().all()]


def picked(table: pd.DataFrame, pick: Pick, runs: pd.DataFrame) -> pd.DataFrame:
    """The rows of a table that a pick chooses."""
    for column, wanted in pick.items():
        if column not in table:
            continue
        if wanted == BEST:
            table = at_best_scale(table, runs)
        elif wanted is None:
            table = table[table[column].isna()]
        else:
            table = table[table[column].isin(wanted if isinstance(wanted, list) else [wanted])]
    return table.replace({"recipe": {"": None}})


def at_best_scale(table: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """The rows of each start, radius and dimension at its best scale, by mean validation accuracy.

    Only of those tried at several scales; the scale that vectors come with is one of them.
    """
    place = ["init", "recipe", "radius", "dim"]
    tried = runs[runs["documents"].isna() & (runs["classifier"] == "conv1d")]
    means = tried.groupby([*place, "scale"], dropna=False)["validation_accuracy"].mean()
    means = means.reset_index()
    several = means[means.duplicated(place, keep=False)]
    best = several.groupby(place, dropna=False)["validation_accuracy"].idxmax()
    return table.merge(several.loc[best, [*place, "scale"]], on=[*place, "scale"])


def of_runs(runs: pd.DataFrame, column: str) -> pd.DataFrame:
    """A column of `runs` as values, with the numbers of their rows."""
    return runs[RUN].assign(value=runs[column], row=np.arange(len(runs)))


def of_models(
    measure: Callable[[pd.DataFrame], pd.DataFrame], table: pd.DataFrame, column: str
) -> pd.DataFrame:
    """What a measure finds of the models in a table, as values; none from an empty table."""
    return NO_VALUES if table.empty else measure(table).rename(columns={column: "value"})


def epochs_to_common(evidence: Evidence, comparison: Comparison, split: str) -> pd.DataFrame:
    """Epochs until a run crosses the level that all runs of the comparison reach."""
    sides = [picked(evidence.curves, pick, evidence.runs) for pick in (comparison.a, comparison.b)]
    curves = pd.concat(sides).drop_duplicates()
    table = convergence(curves[curves["split"] == split])
    return table[table["measure"] == "crossing"]


def sgns_rises(curves: pd.DataFrame) -> pd.DataFrame:
    """By how much the last validation loss is above that of the best epoch before it.

    The epoch is the best on average over the *other* seeds, so that it is not picked for having
    been low by chance. A loss that is still falling has a negative rise.
    """
    rows = []
    validation = curves[curves["split"] == "validation"]
    for model, runs in validation.groupby(["recipe", "radius", "dim"]):
        losses = runs.pivot(index="seed", columns="epoch", values="loss")
        for seed in losses.index if len(losses) > 1 else []:
            own, others = losses.loc[seed], losses.drop(index=seed)
            best = others.mean().iloc[:-1].idxmin()
            rows.append((*model, seed, float(own.iloc[-1] - own[best])))
    return pd.DataFrame(rows, columns=["recipe", "radius", "dim", "seed", "rise"])


class Quantity(NamedTuple):
    """Something that is compared: its values by run, and the unit it is reported in.

    Accuracies and correlations are reported in points: hundredths.
    """

    values: Callable[[Evidence, Comparison], pd.DataFrame]  # columns of a cell, seed and value
    unit: str


QUANTITIES = {
    "test accuracy": Quantity(lambda e, _: of_runs(e.runs, "test_accuracy"), "points"),
    "test loss": Quantity(lambda e, _: of_runs(e.runs, "test_loss"), "nats"),
    "epochs on validation": Quantity(lambda e, c: epochs_to_common(e, c, "validation"), "epochs"),
    "epochs on training": Quantity(lambda e, c: epochs_to_common(e, c, "train"), "epochs"),
    "similarity": Quantity(lambda e, _: of_models(scores, e.vectors, "score"), "points"),
    "SGNS loss": Quantity(lambda e, _: of_models(final_losses, e.sgns_curves, "loss"), "nats"),
    "SGNS rise": Quantity(lambda e, _: of_models(sgns_rises, e.sgns_curves, "rise"), "nats"),
}


def times(curves: pd.DataFrame) -> pd.DataFrame:
    """`convergence` of the classifiers on all documents whose embedding is trained too.

    A frozen embedding may end so low that the level which all reach says nothing of the others.
    """
    return convergence(curves[~curves["init"].map(is_frozen)])

"""From the tables of a study to a verdict on every claim.

Each comparison A − B is estimated over its cells and seeds: seeds are blocks, cells are fixed. For
accuracies, seeds and test documents are both counted as samples
(`statistics.seed_and_document_test`); for other quantities the means of the seeds are (t test).
With mean m, standard error e and degrees of freedom f, and Δ the margin below which a difference is
none, the p values for and against the claim's direction are

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
from scipy import stats

from sgns_study.classifiers.inits import is_frozen
from sgns_study.corpora.registry import corpus_sizes
from sgns_study.evaluation import statistics
from sgns_study.evaluation.claims import CLAIMS, Claim, Comparison, Direction, Pick
from sgns_study.evaluation.convergence import convergence, restricted, with_defaults
from sgns_study.evaluation.tables import COLUMNS, RUN, typed
from sgns_study.evaluation.vectors import final_losses, scores
from sgns_study.params import Margins, Study
from sgns_study.randomness import generator
from sgns_study.splits import split_sizes

CELL = ["recipe", "radius", "scale", "documents", "dim"]
NOT_TESTED = "not tested"
BEST = "best"  # of a pick: the scale that is best on validation, for each side its own
NO_VALUES = pd.DataFrame(columns=[*CELL, "seed", "value"])


class Evidence(NamedTuple):
    """The tables that claims are judged by; a table that the study does not have is empty."""

    runs: pd.DataFrame
    correct: NDArray[np.uint8]  # (runs, documents)
    curves: pd.DataFrame  # of all classifiers
    vectors: pd.DataFrame
    sgns_curves: pd.DataFrame


Values = Callable[["Evidence", Comparison], pd.DataFrame]  # what it is of, seed, value


class Quantity(NamedTuple):
    """Something that is compared: its values by run, its unit, and the margin of no difference."""

    values: Values
    unit: str
    factor: float  # from a value to the unit
    margin: Callable[[Margins], float]  # in values


def of_runs(column: str) -> Values:
    """A column of `runs`, with the number of its row."""

    def values(evidence: Evidence, _: Comparison) -> pd.DataFrame:
        runs = evidence.runs
        return runs[RUN].assign(value=runs[column], row=np.arange(len(runs)))

    return values


def epochs_to_common(split: str) -> Values:
    """Epochs until a run crosses the level that all runs of the comparison reach."""

    def values(evidence: Evidence, comparison: Comparison) -> pd.DataFrame:
        sides = [picked(evidence.curves, pick, evidence.runs) for pick in comparison[2:4]]
        curves = pd.concat(sides).drop_duplicates()
        curves = curves[curves["split"] == split]
        if curves.empty:
            return NO_VALUES
        table = convergence(curves, train_documents=1, batch=1)
        table = table[table["measure"] == "crossing"]
        return table.assign(value=restricted(table["value"], table["epochs"]))

    return values


def similarity(evidence: Evidence, _: Comparison) -> pd.DataFrame:
    """The mean Spearman of a model, or the precision of its neighbours."""
    if evidence.vectors.empty:
        return NO_VALUES
    return scores(evidence.vectors).rename(columns={"score": "value"})


def sgns_loss(evidence: Evidence, _: Comparison) -> pd.DataFrame:
    """The validation loss of a model after its last epoch."""
    if evidence.sgns_curves.empty:
        return NO_VALUES
    return final_losses(evidence.sgns_curves).rename(columns={"loss": "value"})


def sgns_rise(evidence: Evidence, _: Comparison) -> pd.DataFrame:
    """By how much the last validation loss is above that of the best epoch before it.

    The epoch is the best on average over the *other* seeds, so that it is not picked for having
    been low by chance. A loss that is still falling has a negative rise.
    """
    curves = evidence.sgns_curves
    rows = []
    validation = curves[curves["split"] == "validation"]
    for model, runs in validation.groupby(["recipe", "radius", "dim"]):
        losses = runs.pivot(index="seed", columns="epoch", values="loss")
        for seed, own in losses.iterrows():
            others = losses.drop(index=seed)
            if len(others):
                best = others.mean().iloc[:-1].idxmin()
                rows.append((*model, seed, float(own.iloc[-1] - own[best])))
    return pd.DataFrame(rows, columns=["recipe", "radius", "dim", "seed", "value"])


def points(margins: Margins) -> float:
    """The margin of accuracies and correlations."""
    return margins.points / 100


QUANTITIES = {
    "test accuracy": Quantity(of_runs("test_accuracy"), "points", 100, points),
    "test loss": Quantity(of_runs("test_loss"), "nats", 1, lambda margins: margins.loss),
    "epochs on validation": Quantity(
        epochs_to_common("validation"), "epochs", 1, lambda margins: margins.epochs
    ),
    "epochs on training": Quantity(
        epochs_to_common("train"), "epochs", 1, lambda margins: margins.epochs
    ),
    "similarity": Quantity(similarity, "points", 100, points),
    "SGNS loss": Quantity(sgns_loss, "nats", 1, lambda margins: margins.loss),
    "SGNS rise": Quantity(sgns_rise, "nats", 1, lambda margins: margins.loss),
}


class Estimate(NamedTuple):
    """A − B with its standard error and degrees of freedom, in values of the quantity."""

    mean: float
    error: float
    df: float


class Paired(NamedTuple):
    """Values of both sides, (cells, seeds), and the rows of `runs` they are from, if of runs."""

    a: NDArray[np.float64]
    b: NDArray[np.float64]
    rows_a: NDArray[np.int64] | None
    rows_b: NDArray[np.int64] | None
    seeds: list[int]


def claims_tables(study: Study, evidence: Evidence) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`claims`, one row each, and `comparisons`, one row for each that could be made."""
    made, rows = [], []
    for claim in CLAIMS:
        judgements = (judged(claim, c, study, evidence) for c in claim.comparisons(study))
        found = [row for row in judgements if row is not None]
        made += found
        rows.append(summed_up(claim, found))
    table = pd.DataFrame(rows)
    table["p_adjusted"] = statistics.holm(table["p"])
    decided = table["p_adjusted"] < statistics.ALPHA
    table.loc[decided, "verdict"] = table.loc[decided, "side"]
    comparisons = pd.DataFrame(made, columns=COLUMNS["comparisons"])
    return table[COLUMNS["claims"]], comparisons


def summed_up(claim: Claim, found: list[dict[str, Any]]) -> dict[str, Any]:
    """A row of `claims`, its p not yet adjusted: the effect is that of the first comparison."""
    row: dict[str, Any] = {
        "claim": claim.claim,
        "source": claim.source,
        "statement": claim.statement,
    }
    if not found:
        nothing = dict.fromkeys(("effect", "ci_low", "ci_high", "p"), np.nan)
        return row | nothing | {"n_seeds": 0, "unit": "", "side": "", "verdict": NOT_TESTED}
    # of a part with one seed p is missing: so is p for the whole, but another may contradict it
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
    differences = pairs.a - pairs.b
    found, margin = estimate(comparison, pairs, evidence), quantity.margin(study.claims)
    ends = interval(found)
    flips = statistics.sign_flip(differences, generator(0, "claims", "flips"))
    effect = statistics.paired_effect(differences)
    sd = statistics.spread(statistics.block_means(differences))
    p_for, p_against = sides(found, margin, comparison.direction)
    power, detectable = power_at_margin(found, margin, len(pairs.seeds))
    scaled = {
        "effect": found.mean,
        "ci_low": ends[0],
        "ci_high": ends[1],
        "sd": sd,
        "margin": margin,
        "detectable": detectable,
    }
    return {
        "claim": claim.claim,
        "comparison": comparison.name,
        "quantity": comparison.quantity,
        "unit": quantity.unit,
        "direction": comparison.direction,
        **{name: quantity.factor * value for name, value in scaled.items()},
        "mean_a": quantity.factor * pairs.a.mean(),
        "mean_b": quantity.factor * pairs.b.mean(),
        "p": two_sided(found),
        "p_equivalent": equivalent(found, margin),
        "p_for": p_for,
        "p_against": p_against,
        "p_flip_pairs": flips.pairs,
        "p_flip_blocks": flips.blocks,
        "p_mcnemar": mcnemar(pairs, evidence),
        "effect_size": effect.standardised,
        "power": power,
        "n_cells": len(differences),
        "n_seeds": len(pairs.seeds),
    }


def paired(table: pd.DataFrame, comparison: Comparison, runs: pd.DataFrame) -> Paired | None:
    """Both sides of a comparison in all cells and seeds that both have, None if they share none.

    A column that one side leaves empty or that the comparison sets is not matched. All seeds have
    to be blocks of the same cells: cells with fewer seeds than others are left out, and then seeds
    that lack one of the cells left.
    """
    table = table[table["value"].notna()]
    if comparison.quantity == "SGNS rise":  # a difference by itself
        a = picked(table, comparison.a, runs)
        b = a.assign(value=0.0)
    else:
        a, b = (picked(table, pick, runs) for pick in (comparison.a, comparison.b))
    if a.empty or b.empty:
        return None
    set_by_it = set(comparison.a) ^ set(comparison.b) | {
        key
        for key in set(comparison.a) & set(comparison.b)
        if comparison.a[key] != comparison.b[key] or comparison.a[key] == BEST
    }
    on = [
        column
        for column in CELL
        if column in a
        and column not in set_by_it
        and a[column].notna().all()
        and b[column].notna().all()
    ]
    both = a.merge(b, on=[*on, "seed"], suffixes=("_a", "_b"))
    cells = [c for c in both if c.removesuffix("_a").removesuffix("_b") in CELL]
    if both.empty:
        return None
    both["cell"] = [" ".join(map(str, cell)) for cell in both[cells].itertuples(index=False)]
    n_seeds = both.groupby("cell")["seed"].transform("nunique")
    both = both[n_seeds == n_seeds.max()]
    whole = both.groupby("seed")["cell"].nunique()
    seeds = sorted(whole[whole == both["cell"].nunique()].index)
    both = both[both["seed"].isin(seeds)]
    if both.empty:  # no seed has all cells
        return None

    def values(column: str) -> NDArray[Any]:
        return both.pivot(index="cell", columns="seed", values=column).to_numpy()

    has_rows = "row_a" in both
    return Paired(
        values("value_a").astype(float),
        values("value_b").astype(float),
        values("row_a").astype(np.int64) if has_rows else None,
        values("row_b").astype(np.int64) if has_rows else None,
        seeds,
    )


def picked(table: pd.DataFrame, pick: Pick, runs: pd.DataFrame) -> pd.DataFrame:
    """The rows of a table that a pick chooses."""
    for column, wanted in pick.items():
        if column not in table:
            continue
        if column == "scale" and wanted == BEST:
            table = at_best_scale(table, runs)
        elif wanted is None:
            table = table[table[column].isna()]
        else:
            table = table[table[column].isin(wanted if isinstance(wanted, list) else [wanted])]
    return table.replace({"recipe": {"": None}}) if "recipe" in table else table


def at_best_scale(table: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """Of each start, radius and dimension the scale with the best mean validation accuracy.

    Only where several scales were tried; as it is counts as one of them.
    """
    place = ["init", "recipe", "radius", "dim"]
    tried = runs[runs["documents"].isna() & (runs["classifier"] == "conv1d")]
    means = tried.groupby([*place, "scale"], dropna=False)["validation_accuracy"].mean()
    means = means.reset_index()
    several = means.groupby(place, dropna=False)["scale"].transform("size") > 1
    means = means[several]
    best = means.loc[means.groupby(place, dropna=False)["validation_accuracy"].idxmax()]
    return table.merge(best[[*place, "scale"]], on=[*place, "scale"])


def estimate(comparison: Comparison, pairs: Paired, evidence: Evidence) -> Estimate:
    """Mean, standard error and degrees of freedom of A − B."""
    if comparison.quantity == "test accuracy" and pairs.rows_a is not None:
        a, b = evidence.correct[pairs.rows_a], evidence.correct[pairs.rows_b]
        if len(pairs.seeds) > 1:
            test = statistics.seed_and_document_test(a, b)
            return Estimate(test.mean, test.standard_error, test.df)
    means = statistics.block_means(pairs.a - pairs.b)
    n = len(means)
    return Estimate(float(means.mean()), statistics.spread(means) / n**0.5, n - 1)


def interval(found: Estimate) -> tuple[float, float]:
    """The 95 % t interval."""
    if np.isnan(found.error):
        return np.nan, np.nan
    half = stats.t.ppf((1 + statistics.CONFIDENCE) / 2, found.df) * found.error
    return found.mean - half, found.mean + half


def below(found: Estimate, bound: float) -> float:
    """One-sided p that A − B is below a bound; of seeds that are all alike that of their signs."""
    if np.isnan(found.error):
        return np.nan
    if found.error == 0:
        return 0.5 ** (found.df + 1) if found.mean < bound else 1.0
    return float(stats.t.sf((bound - found.mean) / found.error, found.df))


def two_sided(found: Estimate) -> float:
    """p that there is no difference."""
    nearer = below(found._replace(mean=-abs(found.mean)), 0)
    return float(np.minimum(1, 2 * nearer))


def equivalent(found: Estimate, margin: float) -> float:
    """p of two one-sided tests that the difference is within the margin."""
    return below(found._replace(mean=abs(found.mean)), margin)


def sides(found: Estimate, margin: float, direction: Direction) -> tuple[float, float]:
    """p for and against the direction that a claim gives the difference."""
    if direction in ("less", "no less"):
        mirrored: Direction = "more" if direction == "less" else "no more"
        return sides(found._replace(mean=-found.mean), margin, mirrored)
    p, none = two_sided(found), equivalent(found, margin)
    if np.isnan(p):
        return np.nan, np.nan
    if direction == "more":
        return (p, none) if found.mean > 0 else (1.0, min(p, none))
    if direction == "no more":
        return below(found, margin), p if found.mean > 0 else 1.0
    return none, p


def power_at_margin(found: Estimate, margin: float, n_seeds: int) -> tuple[float, float]:
    """Power of as many seeds to find a difference of just the margin, and what they find at 80 %.

    Simulated with the spread that was measured: that of one seed which gives the standard error,
    so that for accuracies the documents count too.
    """
    if not found.error > 0:
        return np.nan, np.nan
    sd = found.error * n_seeds**0.5
    draw = generator(0, "claims", "power")
    return (
        statistics.power(margin, sd, n_seeds, draw),
        statistics.smallest_detectable(sd, n_seeds, draw),
    )


def mcnemar(pairs: Paired, evidence: Evidence) -> float:
    """McNemar's p over the paired runs of all cells and seeds; NaN for other quantities."""
    if pairs.rows_a is None or pairs.rows_b is None:
        return np.nan
    a, b = (evidence.correct[rows.ravel()] for rows in (pairs.rows_a, pairs.rows_b))
    return float(statistics.over_seeds(statistics.mcnemar(a, b).p))


def judged_by(
    study: Study, tables: Mapping[str, pd.DataFrame], correct: NDArray[np.uint8]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`claims` and `comparisons` from the tidy tables; those that a study lacks count as empty."""

    def table(name: str) -> pd.DataFrame:
        return tables.get(name, typed(pd.DataFrame(columns=COLUMNS[name])))

    curves = with_defaults(table("classifier_curves"))
    filled = [part for part in (curves, table("experiment_curves")) if len(part)]
    evidence = Evidence(
        table("runs"),
        correct,
        pd.concat(filled, ignore_index=True) if filled else curves,
        table("vectors"),
        table("sgns_curves"),
    )
    return claims_tables(study, evidence)


def times(study: Study, curves: pd.DataFrame) -> pd.DataFrame:
    """`convergence` of the classifiers on all documents whose embedding learns too.

    A frozen one may end so low that the level which all reach says nothing of the others.
    """
    settings, sample = study.classifier, study.sampling.classifier
    assert settings is not None
    assert sample is not None
    documents = sample.documents or corpus_sizes(study.corpus).train
    train, _ = split_sizes(documents, sample.validation_fraction)
    learning = curves[~curves["init"].map(is_frozen)]
    return convergence(learning, train, settings.batch, settings.epoch_steps)

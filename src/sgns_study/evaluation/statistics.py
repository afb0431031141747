"""The statistics of a paired study: effects, intervals, tests, equivalence and power.

Two things A and B are compared by pairs of runs that share a seed, and with it the documents, their
order, the dropout masks and the initial layer weights. `differences` is float (cells, seeds), the
accuracy of A − B of each pair as a fraction; a claim about one setting has one cell, a claim over a
grid as many as the grid. Runs of one seed share randomness whatever their cell, so a seed with all
its cells is one *block*: blocks are independent, cells are fixed, and intervals and tests of a
claim over a grid rest on `block_means`, (seeds,). `correct_a` and `correct_b` are uint8 (seeds,
documents), 1 where a document is classified right, or (cells, seeds, documents), averaged over
cells. Points are hundredths. The same generator state gives the same numbers.
"""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special, stats

from sgns_study.errors import StudyError

CONFIDENCE = 0.95
ALPHA = 0.05
BCA_BLOCKS = 20  # from as many distinct block means on an interval is BCa, see `block_interval`
RESAMPLES = 9999  # of block means and of random sign flips, which are cheap
EXACT_FLIPS = 16  # up to as many values every one of their 2^n sign flips is enumerated
FLIPPED_AT_ONCE = 10  # the same in simulations of power, where many samples are flipped
CROSSED_RESAMPLES = 2000
CHUNK = 50  # crossed resamples at a time: 10 MB of counts for 25,000 documents
FAR = 1000  # standard deviations: a test that does not see this effect sees none
ROUNDING = 1e-12  # of fractions; differences of accuracies are 0 or above 1e-9

Floats = NDArray[np.float64]
Bits = NDArray[np.uint8]
PairedTest = Literal["t", "blocks", "pairs"]


class StatisticsError(StudyError):
    """Numbers that a method is not defined for; the message says what was found and is needed."""


class Effect(NamedTuple):
    """Mean paired difference (a fraction), Hedges' g_z of the block means, number of seeds."""

    mean: float
    standardised: float
    n_seeds: int


class Interval(NamedTuple):
    """The ends of an interval (fractions) and how it was made: `t`, `BCa` or `crossed`."""

    low: float
    high: float
    method: str


class SignFlip(NamedTuple):
    """Two-sided p values of the sign-flip test, by what is taken as exchangeable."""

    pairs: float
    blocks: float


class CrossedTest(NamedTuple):
    """Mean difference, its standard error over seeds and documents, df, two-sided p, interval."""

    mean: float
    standard_error: float
    df: float
    p: float
    low: float
    high: float


class McNemar(NamedTuple):
    """Of each seed, (seeds,): documents only A has right, only B has right, and the exact p."""

    only_a: NDArray[np.int64]
    only_b: NDArray[np.int64]
    p: Floats


class Equivalence(NamedTuple):
    """The larger p of two one-sided tests, whether it is below alpha, the 1 − 2 alpha interval."""

    p: float
    equivalent: bool
    low: float
    high: float


def block_means(differences: ArrayLike) -> Floats:
    """The mean over cells of each seed, (seeds,), of differences (cells, seeds).

    Raises StatisticsError for another shape and for missing values: a seed that lacks a cell is
    left out by the caller, who reports it.
    """
    table = np.asarray(differences, dtype=float)
    if table.ndim != 2 or not table.size:
        raise StatisticsError(f"differences have shape {table.shape}; (cells, seeds) is needed")
    if not np.isfinite(table).all():
        missing = int((~np.isfinite(table)).sum())
        raise StatisticsError(
            f"differences have {missing} missing values; leave out the seeds that lack a cell"
        )
    return table.mean(axis=0)


def spread(means: Floats) -> float:
    """Standard deviation (n − 1) of block means; NaN of one, 0 if they differ by rounding alone."""
    if len(means) < 2:
        return np.nan
    sd = float(means.std(ddof=1))
    return sd if sd > ROUNDING else 0.0


def paired_effect(differences: ArrayLike) -> Effect:
    """The mean paired difference and its size in standard deviations of a seed's block mean.

    The size is g_z = J · mean / sd of the block means, sd with n − 1, and Hedges' exact correction
    J = Γ(m/2) / (√(m/2) Γ((m − 1)/2)) for m = n − 1 (Hedges, 1981), which makes it unbiased for
    normal differences. It is NaN where it is not defined: sd 0, or fewer than 3 seeds (J = 0).
    """
    means = block_means(differences)
    mean, sd, m = float(means.mean()), spread(means), len(means) - 1
    if m < 2 or sd == 0:
        return Effect(mean, np.nan, len(means))
    correction = np.exp(special.gammaln(m / 2) - special.gammaln((m - 1) / 2)) / np.sqrt(m / 2)
    return Effect(mean, float(correction * mean / sd), len(means))


def t_interval(means: Floats, confidence: float) -> tuple[float, float]:
    """The t interval of the mean of block means; NaN for one block."""
    if len(means) < 2:
        return np.nan, np.nan
    error = spread(means) / len(means) ** 0.5
    half = float(stats.t.ppf((1 + confidence) / 2, len(means) - 1)) * error
    mean = float(means.mean())
    return mean - half, mean + half


def block_interval(
    differences: ArrayLike, generator: np.random.Generator, confidence: float = CONFIDENCE
) -> Interval:
    """Interval of the mean paired difference, seeds resampled as blocks with all their cells.

    From 20 distinct block means on the BCa bootstrap (Efron, 1987) with 9,999 resamples, which
    follows skew; below that the t interval of the block means, NaN for one seed. The rule is from
    the measured coverage of the nominal 95 %, in % (BCa: 1,000 simulated samples; t: 100,000);
    BCa is no better than t anywhere, and worst where there are few blocks:

        blocks            5     8    10    15    20    30
        normal, BCa      84    89    90    92    91    94
        normal, t        95    95    95    95    95    95
        exponential, BCa 79    85    90    90    91    92
        exponential, t   88    90    90    91    92    93
    """
    means = block_means(differences)
    if len(np.unique(means.round(12))) < BCA_BLOCKS:
        return Interval(*t_interval(means, confidence), "t")
    ends = stats.bootstrap(
        (means,),
        np.mean,
        n_resamples=RESAMPLES,
        confidence_level=confidence,
        method="BCa",
        rng=generator,
    ).confidence_interval
    return Interval(float(ends.low), float(ends.high), "BCa")


def outcome_differences(correct_a: ArrayLike, correct_b: ArrayLike) -> Floats:
    """A − B of each seed and document, (seeds, documents); cells, if there are any, averaged."""
    a, b = np.asarray(correct_a), np.asarray(correct_b)
    if a.shape != b.shape or a.ndim not in (2, 3) or min(a.shape) < 1:
        raise StatisticsError(
            f"correct predictions have shapes {a.shape} and {b.shape}; both need the same "
            "(seeds, documents) or (cells, seeds, documents)"
        )
    if max(a.max(), b.max()) > 1 or min(a.min(), b.min()) < 0:
        raise StatisticsError("correct predictions have other values than 0 and 1")
    difference = a.astype(np.int8) - b.astype(np.int8)
    return (difference if a.ndim == 2 else difference.mean(axis=0)).astype(float)


class Crossed(NamedTuple):
    """Mean of a (seeds, documents) table, its variance over new ones of both, and the df."""

    mean: Floats
    variance: Floats
    df: Floats


def crossed_variance(table: Floats) -> Crossed:
    """Variance of the mean of x (..., seeds S, documents D) over new seeds and new documents.

    Of x_sd = μ + a_s + b_d + e_sd the mean has the variance σ²_a/S + σ²_b/D + σ²_e/(SD), estimated
    without bias by (MS_a + MS_b − MS_e) / (SD) of the two-way analysis of variance. MS_a below
    MS_e, an estimate σ²_a < 0, counts as MS_e. The df are Satterthwaite's (1946):
    (ΣMS)² / Σ(MS²/df). Results have the leading shape.
    """
    *_, n, m = table.shape
    if n < 2 or m < 2:
        raise StatisticsError(f"{n} seeds x {m} documents; at least 2 x 2 are needed")
    rows, columns = table.mean(axis=-1), table.mean(axis=-2)
    mean = rows.mean(axis=-1)
    residual = table - rows[..., None] - columns[..., None, :] + mean[..., None, None]
    ms_residual = np.square(residual).sum(axis=(-2, -1)) / ((n - 1) * (m - 1))
    ms_seeds = np.maximum(m * rows.var(axis=-1, ddof=1), ms_residual)
    ms_documents = n * columns.var(axis=-1, ddof=1)
    total = ms_seeds + ms_documents - ms_residual
    parts = ms_seeds**2 / (n - 1) + ms_documents**2 / (m - 1) + ms_residual**2 / ((n - 1) * (m - 1))
    df = np.divide(total**2, parts, out=np.full_like(total, n - 1), where=parts > 0)
    return Crossed(mean, total / (n * m), df)


def crossed_resamples(table: Floats, generator: np.random.Generator, resamples: int) -> Floats:
    """Means, (resamples,), of x (seeds, documents) with both axes resampled independently.

    Each is Σ u_s v_d x_sd / (SD) for multinomial counts u of seeds and v of documents (the
    pigeonhole bootstrap; Owen, 2007), the counts of many resamples times x in one product.
    """
    n, m = table.shape
    seeds = generator.multinomial(n, np.full(n, 1 / n), size=resamples)
    by_document = np.ascontiguousarray(table.T, dtype=np.float32)
    means = np.empty(resamples)
    for start in range(0, resamples, CHUNK):
        chunk = seeds[start : start + CHUNK]
        drawn = generator.integers(m, size=(len(chunk), m))
        drawn += m * np.arange(len(chunk))[:, None]
        documents = np.bincount(drawn.ravel(), minlength=drawn.size).reshape(drawn.shape)
        sums = documents.astype(np.float32) @ by_document
        means[start : start + CHUNK] = (chunk * sums.astype(float)).sum(axis=1) / (n * m)
    return means


def seed_and_document_interval(
    correct_a: ArrayLike,
    correct_b: ArrayLike,
    generator: np.random.Generator,
    confidence: float = CONFIDENCE,
    resamples: int = CROSSED_RESAMPLES,
) -> Interval:
    """Interval of the accuracy difference A − B over new seeds and new test documents.

    The crossed bootstrap, seeds and documents resampled independently. Its plain percentiles are
    wrong both ways: too near for few seeds (n for n − 1, normal for t) and too far where chance
    in single predictions dominates, which it counts three times (Owen, 2007). So the percentiles
    are expanded (Hesterberg, 2015): at levels Φ(∓t · √(v/v*)), t of Satterthwaite's df, v the
    two-way variance of `crossed_variance` and v* that of the resamples.

    Measured coverage of the nominal 95 % (300 simulated studies each, 300 or 500 documents, seeds
    making from none to most of the mean's variance): 90 to 98 % at 5 seeds, 94 to 97 at 10, 95 to
    97 at 20; the plain percentiles 85 to 99, 91 to 99, 96 to 99. Five seeds cannot resample beyond
    their extremes: where seeds vary most, `seed_and_document_test` has the better interval
    (94 to 98). Raises StatisticsError for fewer than 2 seeds.
    """
    table = outcome_differences(correct_a, correct_b)
    _, variance, df = crossed_variance(table)
    means = crossed_resamples(table, generator, resamples)
    tail = (1 - confidence) / 2
    if means.var() > 0:
        tail = stats.norm.cdf(stats.t.ppf(tail, df) * np.sqrt(variance / means.var()))
    low, high = np.quantile(means, [tail, 1 - tail])
    return Interval(float(low), float(high), "crossed")


def seed_and_document_test(
    correct_a: ArrayLike, correct_b: ArrayLike, confidence: float = CONFIDENCE
) -> CrossedTest:
    """t test of no accuracy difference A − B over new seeds and new test documents.

    What a mixed model with crossed random effects of seed and document tests, by moments: mean
    over the root of `crossed_variance`, t with its Satterthwaite df. It needs no more seeds than
    2, and unlike the tests of block means it counts that the documents are a sample too; these
    reject up to 12 % of true nulls at 5 seeds and 35 % at 20 where seeds hardly vary. Measured
    rejection of true nulls at 0.05 (2,000 simulated studies each): 2 to 6 % at 5 seeds, 4 to 6 at
    10, 3 to 5 at 20; it is over-cautious at 2 or 3 seeds (0 to 6 %).
    """
    mean, variance, df = crossed_variance(outcome_differences(correct_a, correct_b))
    error = np.sqrt(variance)
    p = 2 * stats.t.sf(abs(mean) / error, df) if error > 0 else float(mean == 0)
    half = stats.t.ppf((1 + confidence) / 2, df) * error
    return CrossedTest(*map(float, (mean, error, df, p, mean - half, mean + half)))


def sign_flip(differences: ArrayLike, generator: np.random.Generator) -> SignFlip:
    """Sign-flip (paired permutation) test that the mean difference is 0, two-sided.

    `pairs` flips every (cell, seed) difference on its own: it assumes that all are independent
    and symmetric about 0, which differences of one seed in several cells are not when they share
    documents, order and weights; it then rejects too often (a third of true nulls for 6 cells x 5
    seeds that correlate by 0.5). `blocks` flips the sign of a whole seed: it assumes this of the
    seeds alone, which holds, but 5 seeds have 32 flips and no p below 0.0625. Up to 2^16 flips
    are enumerated, beyond that 9,999 drawn, and the observed one counted among them.
    """
    blocks = block_means(differences)
    pairs = np.asarray(differences, dtype=float).ravel()
    p_pairs, p_blocks = (
        float(flip_p(values[None], sign_flips(len(values), generator))[0])
        for values in (pairs, blocks)
    )
    return SignFlip(p_pairs, p_blocks)


def sign_flips(
    n: int,
    generator: np.random.Generator,
    exact_up_to: int = EXACT_FLIPS,
    resamples: int = RESAMPLES,
) -> Floats:
    """Signs ±1, (flips, n), the first row all +1: every flip, or `resamples` random ones more."""
    if n <= exact_up_to:
        flipped = np.arange(2**n)[:, None] >> np.arange(n) & 1
    else:
        flipped = generator.integers(2, size=(1 + resamples, n))
        flipped[0] = 0
    return (1 - 2 * flipped).astype(np.float64)


def flip_p(values: Floats, signs: Floats) -> Floats:
    """The share of flips with a sum as far from 0 as the observed one, (samples,) of (samples, n).

    The observed flip is among them, so p is exact if they are all, and (1 + k)/(1 + K) if random
    (Phipson & Smyth, 2010). Sums that differ by rounding alone are ties.
    """
    sums = np.abs(values @ signs.T)
    observed = np.abs(values.sum(axis=-1, keepdims=True))
    ties = 1e-9 * np.abs(values).sum(axis=-1, keepdims=True)
    return np.mean(sums >= observed - ties, axis=-1, dtype=np.float64)


def holm(p: ArrayLike) -> Floats:
    """Holm's (1979) adjusted p values in the order given; NaN stays and counts as no test."""
    values = np.asarray(p, dtype=float)
    if values.ndim != 1 or ((values < 0) | (values > 1)).any():
        raise StatisticsError(f"p values must be one row of numbers from 0 to 1, not {values}")
    adjusted = values.copy()
    order = np.argsort(values, kind="stable")[: np.count_nonzero(~np.isnan(values))]
    steps = np.arange(len(order), 0, -1) * values[order]
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return adjusted


def mcnemar(correct_a: ArrayLike, correct_b: ArrayLike) -> McNemar:
    """McNemar's exact test of each seed's two classifiers, predictions (seeds, documents).

    Of the documents that one alone has right, half are A's if both are as accurate on new
    documents: a binomial test. It is about these trained classifiers, not about new seeds.
    """
    difference = outcome_differences(correct_a, correct_b)
    if np.ndim(correct_a) != 2:
        raise StatisticsError("McNemar's test is of (seeds, documents); give it one cell at a time")
    only_a, only_b = (difference > 0).sum(axis=1), (difference < 0).sum(axis=1)
    p = [stats.binomtest(a, a + b).pvalue if a + b else 1.0 for a, b in zip(only_a, only_b)]
    return McNemar(only_a, only_b, np.array(p))


def over_seeds(p: ArrayLike) -> float:
    """One p value for tests of several seeds on the same documents: twice the median, at most 1.

    Summing the seeds' counts would take one document's outcomes under several seeds for
    independent ones. Twice the median is a valid p value however the tests depend on each other
    (Rüschendorf, 1982; Meinshausen, Meier & Bühlmann, 2009). It is two-sided in each seed: read it
    beside the seeds' own signs.
    """
    return min(1.0, 2 * float(np.median(np.asarray(p, dtype=float))))


def equivalence(
    differences: ArrayLike, margin_points: float = 0.5, alpha: float = ALPHA
) -> Equivalence:
    """Two one-sided t tests (Schuirmann, 1987) that |mean difference| is below the margin.

    They rest on block means, so they are about new seeds on these documents. Equivalent is p <
    alpha, the same as a 1 − 2 alpha interval inside the margin. One seed has p NaN.
    """
    if not margin_points > 0:
        raise StatisticsError(f"margin_points is {margin_points}; it must be above 0")
    means = block_means(differences)
    n = len(means)
    if n < 2:
        return Equivalence(np.nan, False, np.nan, np.nan)
    inside = margin_points / 100 - abs(float(means.mean()))  # the nearer end has the larger p
    error = spread(means) / n**0.5
    p = float(stats.t.sf(inside / error, n - 1)) if error > 0 else float(inside <= 0)
    return Equivalence(p, p < alpha, *t_interval(means, 1 - 2 * alpha))


def power(
    effect: float,
    sd_seed: float,
    n_seeds: int,
    generator: np.random.Generator,
    *,
    n_cells: int = 1,
    sd_cell: float = 0.0,
    test: PairedTest = "t",
    alpha: float = ALPHA,
    simulations: int = CROSSED_RESAMPLES,
) -> float:
    """The share of simulated studies whose two-sided test finds a true mean difference `effect`.

    A difference is effect + N(0, sd_seed²) of its seed + N(0, sd_cell²) of its own, all in one
    unit. Tests: `t` and `blocks` (sign flips) of the block means, `pairs` (sign flips of every
    pair). The standard error is below 0.012 for 2,000 simulations.
    """
    noise = simulated_noise((simulations, n_cells, n_seeds), sd_seed, sd_cell, test, generator)
    return share_found(effect, noise, flips_of(test, noise, generator), alpha)


def smallest_detectable(
    sd_seed: float,
    n_seeds: int,
    generator: np.random.Generator,
    *,
    n_cells: int = 1,
    sd_cell: float = 0.0,
    test: PairedTest = "t",
    alpha: float = ALPHA,
    target: float = 0.8,
    simulations: int = CROSSED_RESAMPLES,
) -> float:
    """The effect that `power` finds with probability `target`; infinite if no effect is so found.

    Sign flips of 5 blocks, for one, never reach p < 0.05.
    """
    noise = simulated_noise((simulations, n_cells, n_seeds), sd_seed, sd_cell, test, generator)
    flips = flips_of(test, noise, generator)
    scale = float(np.hypot(sd_seed, sd_cell))
    if share_found(FAR * scale, noise, flips, alpha) < target:
        return np.inf
    return float(
        optimize.bisect(
            lambda effect: share_found(effect, noise, flips, alpha) - target,
            0,
            FAR * scale,
            xtol=1e-4 * scale,
        )
    )


def simulated_noise(
    shape: tuple[int, int, int],
    sd_seed: float,
    sd_cell: float,
    test: PairedTest,
    generator: np.random.Generator,
) -> Floats:
    """What the test takes of (simulations, cells, seeds) differences without effect: 2-D."""
    simulations, n_cells, n_seeds = shape
    if min(shape) < 1 or n_seeds < 2 or sd_seed < 0 or sd_cell < 0 or sd_seed + sd_cell == 0:
        raise StatisticsError(
            f"{n_seeds} seeds, {n_cells} cells, {simulations} simulations, sd_seed {sd_seed}, "
            f"sd_cell {sd_cell}; at least 2 seeds and one standard deviation above 0 are needed"
        )
    seeds = sd_seed * generator.standard_normal((simulations, 1, n_seeds))
    noise: Floats = seeds + sd_cell * generator.standard_normal(shape)
    return noise.reshape(simulations, -1) if test == "pairs" else noise.mean(axis=1)


def flips_of(test: PairedTest, noise: Floats, generator: np.random.Generator) -> Floats | None:
    """Signs for the sign-flip tests, None for the t test."""
    if test == "t":
        return None
    return sign_flips(noise.shape[1], generator, FLIPPED_AT_ONCE, resamples=999)


def share_found(effect: float, noise: Floats, flips: Floats | None, alpha: float) -> float:
    """The share of samples, rows of effect + noise, whose two-sided p is at most alpha."""
    samples = effect + noise
    p = (
        flip_p(samples, flips)
        if flips is not None
        else stats.ttest_1samp(samples, 0, axis=1).pvalue
    )
    return float((p <= alpha).mean())

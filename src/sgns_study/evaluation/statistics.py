"""The statistics of a paired study: estimates, t tests, equivalence, sign flips, Holm and power.

Two methods A and B are compared by pairs of runs that share a seed, and with it the documents,
their order, the dropout masks and the initial weights of the layers. A comparison at one setting
has one cell; a comparison over a grid has one cell for each point of the grid. Runs of one seed
share randomness in all cells, so a seed with all its cells is one *block*. Blocks are independent
and cells are fixed, so intervals and tests rest on `means`, float (seeds,): A − B of each seed, the
mean over its cells. docs/statistics.md has the measured error rates and coverage of these methods.
"""

from typing import Any, NamedTuple

import numpy as np
import scipy  # whose modules are imported when they are first used
from numpy.typing import ArrayLike, NDArray

CONFIDENCE = 0.95
ALPHA = 0.05
POWER = 0.8  # with which the smallest detectable difference is found
EXACT_FLIPS = 16  # up to this number of values all of their 2^n sign flips are enumerated
RESAMPLES = 9999  # random sign flips of more values
ROUNDING = 1e-12  # a smaller standard deviation is rounding; real differences are 0 or above 1e-9

Floats = NDArray[np.float64]


def half_interval(sd: float, df: float, n: int = 1) -> float:
    """Half the width of the 95 % t interval of the mean of `n` values with standard deviation `sd`.

    With n = 1, `sd` is the standard error of the mean itself.
    """
    return float(scipy.special.stdtrit(df, (1 + CONFIDENCE) / 2)) * sd / float(np.sqrt(n))


class SeedMean(NamedTuple):
    """A mean over n seeds, its standard error and degrees of freedom, and the t tests of it.

    With one seed the error is NaN, and so are the interval and the p values. If all seeds agree
    exactly, the error is 0 and there is no t test: p is then that of a sign test of the n seeds.
    """

    mean: float
    error: float
    df: float
    n: int

    @property
    def low(self) -> float:
        """The lower end of the 95 % t interval."""
        return self.mean - half_interval(self.error, self.df)

    @property
    def high(self) -> float:
        """The upper end of the 95 % t interval."""
        return self.mean + half_interval(self.error, self.df)

    @property
    def p(self) -> float:
        """The two-sided p value of the hypothesis that the true mean is 0."""
        return float(np.minimum(1, 2 * self._replace(mean=-abs(self.mean)).p_below(0)))

    def p_below(self, bound: float) -> float:
        """The one-sided p value for a true mean below `bound`: a small p says that it is."""
        if np.isnan(self.error):
            return np.nan
        if self.error == 0:
            return 0.5**self.n if self.mean < bound else 1.0
        return float(scipy.special.stdtr(self.df, (self.mean - bound) / self.error))

    def p_equivalent(self, margin: float) -> float:
        """The p value for |true mean| < margin: the larger of two one-sided tests (TOST).

        Schuirmann (1987). The test at the end nearer to the mean has the larger p.
        """
        return self._replace(mean=abs(self.mean)).p_below(margin)


def spread(means: Floats) -> float:
    """Standard deviation (n − 1) of block means: 0 if only rounding differs, NaN for one block."""
    if len(means) < 2:
        return np.nan
    sd = float(means.std(ddof=1))
    return sd if sd > ROUNDING else 0.0


def seed_estimate(means: Floats) -> SeedMean:
    """The mean of block means as an estimate over seeds: the paired t test."""
    n = len(means)
    return SeedMean(float(means.mean()), spread(means) / n**0.5, n - 1, n)


def hedges_g(means: Floats) -> float:
    """The mean of block means in their standard deviations.

    g_z = J · mean / sd with n − 1 in sd. The exact correction J = Γ(m/2) / (√(m/2) Γ((m − 1)/2)),
    m = n − 1, makes it unbiased for normal differences (Hedges, 1981). NaN where it is not defined:
    sd 0, or fewer than 3 seeds (J = 0).
    """
    sd, m = spread(means), len(means) - 1
    if m < 2 or sd == 0:
        return np.nan
    gammaln = scipy.special.gammaln
    correction = np.exp(gammaln(m / 2) - gammaln((m - 1) / 2)) / np.sqrt(m / 2)
    return float(correction * float(means.mean()) / sd)


def crossed_estimate(table: Floats) -> SeedMean:
    """The mean of differences x (seeds S, documents D) as an estimate over new ones of both.

    For x_sd = μ + a_s + b_d + e_sd the mean has the variance σ²_a/S + σ²_b/D + σ²_e/(SD). The
    two-way analysis of variance estimates it without bias by (MS_a + MS_b − MS_e) / (SD). An MS_a
    below MS_e, which estimates σ²_a < 0, counts as MS_e. The degrees of freedom are Satterthwaite's
    (1946): (ΣMS)² / Σ(MS²/df). The t test is, by moments, that of a mixed model with crossed random
    effects: unlike a test of block means it counts that the test documents, or the word pairs in
    their place, are a sample too. S and D must be at least 2.
    """
    n, m = table.shape
    rows, columns = table.mean(axis=1), table.mean(axis=0)
    mean = rows.mean()
    residual = table - rows[:, None] - columns + mean
    ms_residual = np.square(residual).sum() / ((n - 1) * (m - 1))
    ms_seeds = max(m * rows.var(ddof=1), ms_residual)
    ms_documents = n * columns.var(ddof=1)
    total = ms_seeds + ms_documents - ms_residual
    parts = ms_seeds**2 / (n - 1) + ms_documents**2 / (m - 1) + ms_residual**2 / ((n - 1) * (m - 1))
    df = total**2 / parts if parts > 0 else n - 1
    return SeedMean(float(mean), float(np.sqrt(total / (n * m))), float(df), n)


def pair_values(x: NDArray[Any], scores: Floats, sets: NDArray[np.int64]) -> Floats:
    """Values of word pairs, (pairs,), whose mean is the mean over sets of Spearman's ρ, here ρ̄.

    A pair among n_k of set k, N in all K sets, has the value ρ̄ + N / (K n_k) · influence. The mean
    influence is 0, and the variance of the values over N is that of ρ̄ over new pairs of each set.
    x: cosines or their ranks; sets: the set of each pair, 0 … K − 1. NaN if one has no ranks.
    """
    rho, values, n_sets = 0.0, np.zeros(len(x)), sets.max() + 1
    for own in (sets == k for k in range(n_sets)):
        of_set, influence = spearman_influence(x[own], scores[own])
        rho += of_set / n_sets
        values[own] = len(x) / (n_sets * own.sum()) * influence
    return rho + values


def spearman_influence(x: NDArray[Any], y: NDArray[Any]) -> tuple[float, Floats]:
    """Spearman's ρ of x and y (n,), and how it changes with the weight of each pair of values.

    ρ is the correlation of a = F(x) − ½ and b = G(y) − ½, F and G the shares of values below, half
    of the equal ones among them. More weight on a pair changes the moments of a and b, and a and b
    of all others: Croux & Dehon (2010) for continuous x and y, here with ties.
    """
    n = len(x)
    x, y = (np.unique(values, return_inverse=True)[1] for values in (x, y))
    a, b = (0.5 - weight_above(ranks, np.ones(n)) for ranks in (x, y))
    with np.errstate(invalid="ignore", divide="ignore"):  # values without ranks have no ρ
        norm = np.sqrt((a @ a) * (b @ b)) / n
        rho = (a @ b) / n / norm
        influence = (a * b + weight_above(x, b) + weight_above(y, a)) / norm
        for own, ranks in ((a, x), (b, y)):
            influence -= rho / 2 * n / (own @ own) * (own**2 + 2 * weight_above(ranks, own))
    return float(rho), influence


def weight_above(ranks: NDArray[np.int64], weights: Floats) -> Floats:
    """Of each rank (n,) the weight of higher ones and half of that of equal ones, over n."""
    totals = np.bincount(ranks, weights)
    return (totals.sum() - totals.cumsum() + totals / 2)[ranks] / len(ranks)


def sign_flip(values: Floats, generator: np.random.Generator) -> float:
    """Two-sided p of the sign-flip (paired permutation) test that the mean of values (n,) is 0.

    It assumes that the values are independent and symmetric about 0. Block means are; the single
    differences of one seed in several cells are not, and rejecting by them is too frequent. p is
    the share of flips whose sum is as far from 0 as the observed one, which is among them: for all
    flips it is exact, for K random ones it is (1 + k)/(1 + K) (Phipson & Smyth, 2010). Sums that
    differ by rounding alone are ties. Five values have 32 flips, so that no p is below 0.0625.
    """
    n = len(values)
    if n <= EXACT_FLIPS:
        flipped = np.arange(2**n)[:, None] >> np.arange(n) & 1
    else:
        flipped = generator.integers(2, size=(1 + RESAMPLES, n))
        flipped[0] = 0  # the observed signs
    sums = np.abs((1 - 2 * flipped) @ values)
    return float(np.mean(sums >= abs(values.sum()) - 1e-9 * np.abs(values).sum()))


def mcnemar(correct_a: NDArray[np.uint8], correct_b: NDArray[np.uint8]) -> Floats:
    """McNemar's exact p, (runs,), of pairs of classifiers; (runs, documents), 1 where right.

    Of the documents that only one of the two has right, half are A's if both are as accurate on
    new documents: a binomial test. It is about these trained classifiers, not about new seeds.
    """
    only_a, only_b = (correct_a > correct_b).sum(axis=1), (correct_a < correct_b).sum(axis=1)
    return np.array(
        [scipy.stats.binomtest(a, a + b).pvalue if a + b else 1.0 for a, b in zip(only_a, only_b)]
    )


def over_seeds(p: ArrayLike) -> float:
    """One p value for tests of several seeds on the same documents: twice the median, at most 1.

    Adding up the seeds' counts would take one document's outcomes under several seeds for
    independent ones. Twice the median is a valid p value however the tests depend on each other
    (Rüschendorf, 1982; Meinshausen, Meier & Bühlmann, 2009).
    """
    return min(1.0, 2 * float(np.median(np.asarray(p, dtype=float))))


def holm(p: ArrayLike) -> Floats:
    """Holm's (1979) adjusted p values in the order given; NaN stays and counts as no test."""
    values = np.asarray(p, dtype=float)
    adjusted = values.copy()
    order = np.argsort(values, kind="stable")[: np.count_nonzero(~np.isnan(values))]
    steps = np.arange(len(order), 0, -1) * values[order]
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return adjusted


def power(effect: float, error: float, n_seeds: int) -> float:
    """The probability that the two-sided t test of n seeds finds a true difference `effect`.

    `error` is the standard error of the mean; with an error of 0 or NaN the power is NaN. With
    δ = effect / error, t² follows the noncentral F distribution with 1 and n − 1 degrees of freedom
    and noncentrality δ². (The noncentral t of SciPy 1.17 is NaN for some δ above 9.)
    """
    if not error > 0:
        return np.nan
    limit = float(scipy.special.stdtrit(n_seeds - 1, 1 - ALPHA / 2))
    return float(scipy.stats.ncf.sf(limit**2, 1, n_seeds - 1, (effect / error) ** 2))


def smallest_detectable(error: float, n_seeds: int) -> float:
    """The true difference that `power` finds with a probability of 80 %; NaN as there."""
    if not error > 0:
        return np.nan
    errors: float = scipy.optimize.brentq(lambda delta: power(delta, 1, n_seeds) - POWER, 1, 100)
    return errors * error

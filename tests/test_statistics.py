"""Statistics of paired studies: by hand, by brute force, by scipy, and on studies of known truth.

A rate measured on simulated studies must lie where a binomial count of the right rate falls but
once in 500,000 times; so a seeded test does not hang on luck, and a wrong method fails.
"""

from itertools import chain, combinations, product
from math import comb, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from sgns_study.evaluation import statistics
from sgns_study.evaluation.statistics import (
    crossed_estimate,
    hedges_g,
    holm,
    mcnemar,
    over_seeds,
    pair_values,
    power,
    seed_estimate,
    sign_flip,
    smallest_detectable,
    spearman_influence,
)

TRUE_EFFECT = 0.01
fractions = st.integers(-30, 30).map(lambda points: points / 1000)  # with ties
probabilities = st.integers(0, 1000).map(lambda n: n / 1000)


def at_rate(hits, rate: float) -> bool:
    low, high = stats.binom.ppf([1e-6, 1 - 1e-6], len(hits), rate)
    return low <= np.sum(hits) <= high


def at_most(hits, rate: float) -> bool:
    return np.sum(hits) <= stats.binom.ppf(1 - 1e-6, len(hits), rate)


def differences(right_a: np.ndarray, right_b: np.ndarray) -> np.ndarray:
    """A − B of each seed and document."""
    return right_a.astype(float) - right_b


def grids(n: int, cells: int, seeds: int, rng: np.random.Generator, effect: float = TRUE_EFFECT):
    """Differences of n studies; cells of one seed correlate by a half."""
    shared = rng.normal(0, 0.01, (n, 1, seeds))
    return effect + shared + rng.normal(0, 0.01, (n, cells, seeds))


def predictions(
    n: int,
    seeds: int,
    documents: int,
    sd_seed: float,
    rng: np.random.Generator,
    better: float = 0.1,
):
    """Right predictions of A and B in n studies, and the true difference of their accuracies.

    A prediction is right if the sum of how easy its document is, for all and for the method, how
    good its seed is, and chance is above 0; all are normal, so the accuracy is known.
    """
    easy, sd_method, sd_chance = rng.normal(size=(n, 1, documents)), 0.4, 0.6
    sd = sqrt(1 + sd_method**2 + sd_seed**2 + sd_chance**2)
    right = []
    for level in (1 + better, 1):
        method = rng.normal(0, sd_method, (n, 1, documents))
        seed = rng.normal(0, sd_seed, (n, seeds, 1))
        chance = rng.normal(0, sd_chance, (n, seeds, documents))
        right.append((level + easy + method + seed + chance > 0).astype(np.uint8))
    return *right, stats.norm.cdf((1 + better) / sd) - stats.norm.cdf(1 / sd)


# Effects and intervals over seeds


def test_effect_of_two_cells_and_three_seeds_by_hand():
    means = np.mean([[0.01, 0.03, 0.02], [0.03, 0.05, 0.04]], axis=0)  # 2, 4 and 3 points
    found = seed_estimate(means)
    assert found.mean == pytest.approx(0.03)
    assert found.error == pytest.approx(0.01 / sqrt(3))
    assert (found.df, found.n) == (2, 3)
    assert hedges_g(means) == pytest.approx(3 * 1 / sqrt(np.pi))  # J(2) = Γ(1) / Γ(1/2)


def test_standardised_effect_is_unbiased_where_the_plain_one_is_not():
    rng = np.random.default_rng(1)
    samples = rng.normal(0.8, 1, (5000, 5))
    sizes = np.array([hedges_g(sample) for sample in samples])
    assert abs(sizes.mean() - 0.8) < 5 * sizes.std() / sqrt(len(sizes))
    plain = samples.mean(axis=1) / samples.std(axis=1, ddof=1)
    assert plain.mean() - 0.8 > 10 * sizes.std() / sqrt(len(sizes))


@pytest.mark.parametrize("means", [[0.01], [0.01, 0.02], [0.1, 0.1, 0.1], [0, 0, 0]])
def test_standardised_effect_is_missing_where_it_is_not_defined(means):
    assert np.isnan(hedges_g(np.array(means)))


def test_interval_of_few_seeds_covers_the_truth_at_its_rate():
    rng = np.random.default_rng(2)
    found = [seed_estimate(grid.mean(axis=0)) for grid in grids(2500, 3, 5, rng)]
    assert at_rate([one.low <= TRUE_EFFECT <= one.high for one in found], 0.95)


@settings(max_examples=50, deadline=None)
@given(st.lists(fractions, min_size=4, max_size=4, unique=True))
def test_the_estimate_over_seeds_is_scipys_t_test(values):
    found, peer = seed_estimate(np.array(values)), stats.ttest_1samp(values, 0)
    assert found.p == pytest.approx(peer.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(peer.confidence_interval(0.95)))


def test_interval_of_one_seed_is_missing_and_of_equal_seeds_a_point():
    one = seed_estimate(np.array([0.015]))
    assert np.isnan([one.low, one.high, one.p]).all()
    alike = seed_estimate(np.array([0.1, 0.1, 0.1]))
    assert (alike.low, alike.high) == pytest.approx((0.1, 0.1), abs=1e-15)
    assert alike.p == 2 / 2**3  # of three equal signs


# Seeds and documents


def test_crossed_error_is_unbiased_for_known_components():
    rng = np.random.default_rng(8)
    n, seeds, documents = 3000, 4, 30
    table = (
        rng.normal(0, 0.5, (n, seeds, 1))
        + rng.normal(0, 1, (n, 1, documents))
        + rng.normal(0, 2, (n, seeds, documents))
    )
    truth = 0.25 / seeds + 1 / documents + 4 / (seeds * documents)
    found = [crossed_estimate(study) for study in table]
    mean, variance = np.array([(one.mean, one.error**2) for one in found]).T
    assert mean == pytest.approx(table.mean(axis=(1, 2)))
    assert abs(variance.mean() - truth) < 5 * variance.std() / sqrt(n)
    assert abs(mean.var() - truth) < 5 * truth * sqrt(2 / n)


def test_crossed_error_and_df_of_a_small_table_by_hand():
    # Means of seeds 0, 2; of documents 1, 2, 0; residuals ±1 and 0: MS 6, 2 and 1.
    table = np.array([[-1, 1, 0], [3, 3, 0]], float)
    rows, columns, grand = np.array([0, 2]), np.array([1, 2, 0]), 1
    residual = table - rows[:, None] - columns + grand
    ms = 3 * 2, 2 * 1, (residual**2).sum() / 2
    total = ms[0] + ms[1] - ms[2]
    found = crossed_estimate(table)
    assert found.error**2 == pytest.approx(total / 6)
    assert found.df == pytest.approx(total**2 / (ms[0] ** 2 / 1 + ms[1] ** 2 / 2 + ms[2] ** 2 / 2))


@pytest.mark.parametrize("sd_seed", [0, 0.1, 0.3])
def test_seed_and_document_test_rejects_a_true_null_at_its_rate(sd_seed):
    rng = np.random.default_rng(10)
    a, b, _ = predictions(1000, 5, 100, sd_seed, rng, better=0)
    hits = [crossed_estimate(differences(*study)).p <= 0.05 for study in zip(a, b)]
    assert at_most(hits, 0.06)
    if sd_seed == 0.3:
        assert at_rate(hits, 0.05)


def test_seed_and_document_test_agrees_with_its_interval_and_covers_the_truth():
    a, b, truth = predictions(1000, 8, 100, 0.15, np.random.default_rng(11))
    tests = [crossed_estimate(differences(*study)) for study in zip(a, b)]
    assert at_rate([test.low <= truth <= test.high for test in tests], 0.95)
    assert all((test.p <= 0.05) == (test.low * test.high >= 0) for test in tests)
    assert np.mean([test.mean for test in tests]) == pytest.approx(truth, abs=0.005)


@pytest.mark.parametrize(("seeds", "sd_seed"), [(10, 0), (10, 0.15), (5, 0.1), (5, 0.3)])
def test_seed_and_document_interval_covers_the_truth_at_its_rate_or_more(seeds, sd_seed):
    a, b, truth = predictions(1000, seeds, 120, sd_seed, np.random.default_rng(12))
    found = [crossed_estimate(differences(*study)) for study in zip(a, b)]
    missed = [not one.low <= truth <= one.high for one in found]
    assert at_most(missed, 0.05)
    if sd_seed >= 0.15:
        assert at_rate(missed, 0.05)


def test_the_same_predictions_differ_by_nothing():
    right = np.random.default_rng(15).integers(2, size=(3, 50), dtype=np.uint8)
    assert crossed_estimate(differences(right, right)).p == 1
    same = crossed_estimate(differences(right, right))
    assert (same.low, same.high) == (0, 0)
    assert mcnemar(right, right).tolist() == [1, 1, 1]


# Seeds and word pairs


def weighted_spearman(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> float:
    """The correlation of shares of smaller values, all sums weighted, by the table of all pairs."""
    centred = []
    for values in (x, y):
        below = values[None, :] < values[:, None]
        equal = values[None, :] == values[:, None]
        centred.append((below + equal / 2) @ weights - 0.5)
    a, b = centred
    return float((weights * a * b).sum() / sqrt((weights * a * a).sum() * (weights * b * b).sum()))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(-2, 6)), min_size=4, max_size=12))
def test_influence_is_the_derivative_of_spearman_by_the_weight_of_a_pair(pairs):
    """Two-sided differences of the weighted correlation; values with many ties."""
    x, y = np.array(pairs, float).T
    if len(set(x)) == 1 or len(set(y)) == 1:
        assert np.isnan(spearman_influence(x, y)[0])
        return
    rho, influence = spearman_influence(x, y)
    assert rho == pytest.approx(stats.spearmanr(x, y).statistic)
    equal, step = np.full(len(x), 1 / len(x)), 1e-5
    for one, found in zip(np.eye(len(x)), influence):
        ends = [weighted_spearman(x, y, equal + h * (one - equal)) for h in (step, -step)]
        assert found == pytest.approx((ends[0] - ends[1]) / (2 * step), abs=1e-5)


def test_values_of_pairs_are_near_to_what_leaving_one_out_does():
    """A jackknife of the mean of two sets' correlations, each of other size, by scipy."""
    rng = np.random.default_rng(21)
    sets = rng.permutation(np.repeat([0, 1], [150, 60]))
    x = rng.normal(size=len(sets))
    y = x + rng.normal(size=len(sets))

    def score(kept: np.ndarray) -> float:
        return float(
            np.mean(
                [stats.spearmanr(x[kept & (sets == k)], y[kept & (sets == k)])[0] for k in (0, 1)]
            )
        )

    everything = np.ones(len(sets), bool)
    values = pair_values(x, y, sets)
    assert values.mean() == pytest.approx(score(everything))
    without = np.array([score(everything & (np.arange(len(sets)) != i)) for i in range(len(sets))])
    size = np.where(sets == 0, 150, 60)
    change = (size - 1) * (score(everything) - without)  # (n − 1) times that of ρ, over two sets
    jackknife = len(sets) / size * change
    assert np.abs(values - score(everything) - jackknife).max() < 0.1 * np.abs(jackknife).max()
    error = sqrt(np.sum(change**2 / size / (size - 1)))
    assert values.std() / sqrt(len(sets)) == pytest.approx(error, rel=0.05)


SET_SIZES = (60, 100, 200)


def score_differences(
    n: int, seeds: int, sd_seed: float, rng: np.random.Generator, sizes=SET_SIZES, better: float = 0
):
    """Tables (seeds, pairs) of `pair_values` of A − B in n studies, drawn anew with their pairs.

    A cosine is what people hear in a pair times how good the seed is, what its method makes of the
    pair in all seeds, and chance; people's scores have their own noise and, at no true difference,
    ties. All are normal.
    """
    sets = np.repeat(np.arange(len(sizes)), sizes)
    for _ in range(n):
        meaning = rng.normal(size=len(sets))
        people = meaning + rng.normal(0, 0.7, len(sets))
        values = []
        for signal in (1 + better, 1):
            cosines = rng.normal(signal, sd_seed, (seeds, 1)) * meaning
            cosines = (
                cosines + rng.normal(0, 0.5, len(sets)) + rng.normal(0, 0.5, (seeds, len(sets)))
            )
            scores = people if better else people.round(1)
            values.append([pair_values(run, scores, sets) for run in cosines])
        yield np.subtract(*values)


@pytest.mark.parametrize(("seeds", "sd_seed"), [(5, 0), (10, 0.05)])
def test_seed_and_pair_test_rejects_a_true_null_at_its_rate(seeds, sd_seed):
    """Where seeds hardly vary, a test of seeds alone takes luck with the pairs for a difference."""
    studies = list(score_differences(300, seeds, sd_seed, np.random.default_rng(22)))
    assert at_rate([crossed_estimate(table).p <= 0.05 for table in studies], 0.05)
    alone = [seed_estimate(table.mean(axis=1)).p <= 0.05 for table in studies]
    assert not at_most(alone, 0.15)


def test_seed_and_pair_interval_covers_the_true_difference_at_its_rate():
    """Spearman's ρ of normal values with correlation r is 6/π · asin(r/2)."""
    truth = 0.0
    for sign, signal in ((1, 1.3), (-1, 1)):
        r = signal / sqrt((1 + 0.7**2) * (signal**2 + 0.5**2 + 0.5**2))
        truth += sign * 6 / np.pi * np.arcsin(r / 2)
    studies = score_differences(300, 5, 0, np.random.default_rng(23), better=0.3)
    found = [crossed_estimate(table) for table in studies]
    assert at_rate([one.low <= truth <= one.high for one in found], 0.95)
    assert np.mean([one.mean for one in found]) == pytest.approx(truth, abs=0.003)


# Sign flips


@settings(max_examples=50, deadline=None)
@given(st.lists(fractions, min_size=6, max_size=6))
def test_sign_flips_are_the_share_of_all_flips_as_far_from_zero(values):
    grid = np.reshape(values, (2, 3))

    def share(flat):
        flips = product((1, -1), repeat=len(flat))
        sums = [abs(sum(sign * value for sign, value in zip(flip, flat))) for flip in flips]
        return np.mean([total >= abs(sum(flat)) - 1e-12 for total in sums])

    rng = np.random.default_rng(0)
    assert sign_flip(grid.ravel(), rng) == share(values)
    assert sign_flip(grid.mean(axis=0), rng) == share(list(grid.mean(axis=0)))


def test_sign_flip_of_eight_blocks_is_scipys():
    values = np.random.default_rng(17).normal(0.5, 1, 8)
    peer = stats.permutation_test((values,), np.mean, permutation_type="samples", n_resamples=256)
    assert sign_flip(values, np.random.default_rng(0)) == pytest.approx(peer.pvalue)


def test_five_blocks_have_no_p_below_a_sixteenth():
    rng = np.random.default_rng(18)
    assert sign_flip(np.full(5, 0.01), rng) == 2 / 2**5
    # No random flip of 30 pairs comes close.
    assert sign_flip(np.full(30, 0.01), rng) == 1 / (1 + statistics.RESAMPLES)


def test_random_sign_flips_estimate_the_exact_p(monkeypatch):
    values = np.random.default_rng(19).normal(0.3, 1, 14)
    exact = sign_flip(values, np.random.default_rng(20))
    monkeypatch.setattr(statistics, "EXACT_FLIPS", 13)
    drawn = sign_flip(values, np.random.default_rng(20))
    assert drawn != exact
    assert at_rate([1] * round(drawn * 10_000) + [0] * round((1 - drawn) * 10_000), exact)


def test_sign_flips_of_blocks_reject_a_true_null_at_their_rate_and_of_dependent_pairs_do_not(
    monkeypatch,
):
    rng = np.random.default_rng(21)
    studies = grids(3000, 4, 8, rng, effect=0)

    def rejected(samples: np.ndarray) -> list[bool]:
        return [sign_flip(values, rng) <= 0.05 for values in samples]

    assert at_rate(rejected(studies.mean(axis=1)), 12 / 256)
    alone = rng.normal(0, 0.01, (3000, 8))
    assert at_rate(rejected(alone), 12 / 256)
    monkeypatch.setattr(statistics, "RESAMPLES", 499)
    assert np.mean(rejected(studies.reshape(3000, 32))) > 0.15


# Several tests


def test_holm_by_hand():
    adjusted = holm([0.01, 0.04, np.nan, 0.03, 0.005])
    assert adjusted == pytest.approx([0.03, 0.06, np.nan, 0.06, 0.02], nan_ok=True)


@settings(max_examples=100, deadline=None)
@given(st.lists(probabilities, min_size=1, max_size=6))
def test_holm_is_the_closed_bonferroni_test_and_monotone(p):
    adjusted = holm(p)
    every = range(len(p))
    groups = list(chain.from_iterable(combinations(every, n + 1) for n in every))
    expected = [
        max(min(1, len(group) * min(p[j] for j in group)) for group in groups if i in group)
        for i in every
    ]
    assert adjusted == pytest.approx(expected)
    assert (np.diff(adjusted[np.argsort(p)]) >= 0).all()
    assert (adjusted >= p).all()


def test_mcnemar_by_hand():
    a = np.array([[1] * 3 + [0] * 9 + [1] * 20, [1] * 12 + [1] * 20])
    b = np.array([[0] * 3 + [1] * 9 + [1] * 20, [0] * 6 + [1] * 6 + [0] * 4 + [1] * 16])
    p = mcnemar(a, b)  # A alone is right on 3 and 10 documents, B alone on 9 and 0
    assert p == pytest.approx([2 * sum(comb(12, k) for k in range(4)) / 2**12, 2 / 2**10])
    assert p[0] == stats.binomtest(3, 12).pvalue


def test_twice_the_median_p_is_valid_for_dependent_seeds():
    assert over_seeds([0.01, 0.02, 0.9]) == 0.04
    assert over_seeds([0.7, 0.8]) == 1
    rng = np.random.default_rng(22)
    for share in (0, 0.5, 1):
        z = sqrt(share) * rng.normal(size=(3000, 1)) + sqrt(1 - share) * rng.normal(size=(3000, 5))
        combined = np.array([over_seeds(p) for p in 2 * stats.norm.sf(abs(z))])
        assert at_most(combined <= 0.05, 0.05)


# Equivalence


@settings(max_examples=50, deadline=None)
@given(st.lists(fractions, min_size=4, max_size=4, unique=True), st.sampled_from([0.5, 1, 2]))
def test_equivalence_is_two_one_sided_t_tests(values, points):
    margin = points / 100
    lower = stats.ttest_1samp(values, -margin, alternative="greater")
    upper = stats.ttest_1samp(values, margin, alternative="less")
    p = seed_estimate(np.array(values)).p_equivalent(margin)
    assert p == pytest.approx(max(lower.pvalue, upper.pvalue))
    ends = stats.ttest_1samp(values, 0).confidence_interval(0.9)
    assert (p < 0.05) == (-margin < ends.low and ends.high < margin)


def test_equivalence_is_found_at_alpha_when_the_difference_is_the_margin():
    rng = np.random.default_rng(23)
    studies = [seed_estimate(grid.mean(axis=0)) for grid in grids(1500, 4, 20, rng)]
    found = [study.p_equivalent(TRUE_EFFECT) for study in studies]
    assert at_rate(np.array(found) < 0.05, 0.05)


def test_equivalence_without_spread_is_a_sign_test_and_of_one_seed_missing():
    assert seed_estimate(np.zeros(6)).p_equivalent(0.005) == 1 / 2**6
    assert seed_estimate(np.full(6, 0.01)).p_equivalent(0.005) == 1
    assert np.isnan(seed_estimate(np.zeros(1)).p_equivalent(0.005))


# Power


def integrated_power(delta: float, n: int) -> float:
    """Of the two-sided t test of a mean δ standard errors from 0, over the estimate s of the sd.

    The mean is found if |Z + δ| > t s, for a normal Z and (n − 1) s² that is χ² with n − 1 df.
    """
    df = n - 1
    limit = stats.t.ppf(0.975, df)

    def density(s: float) -> float:
        found = stats.norm.sf(limit * s - delta) + stats.norm.cdf(-limit * s - delta)
        return found * stats.chi.pdf(s * sqrt(df), df) * sqrt(df)

    return integrate.quad(density, 0, 10, points=[delta / limit, 1], limit=200)[0]


# At 15 errors and two seeds, and 13 and three, SciPy's own noncentral t is NaN.
@pytest.mark.parametrize(
    ("delta", "n"),
    [(1e-6, 5), (0.5, 2), (15, 2), (2, 3), (13, 3), (3, 5), (1.5, 10), (4, 20), (40, 5)],
)
def test_power_is_the_integral_over_what_the_deviation_is_estimated_to_be(delta, n):
    assert power(delta * 0.003, 0.003, n) == pytest.approx(integrated_power(delta, n), abs=1e-7)


def test_power_is_the_share_of_simulated_studies_that_find_the_effect():
    samples = np.random.default_rng(24).normal(1.5, 1, (20_000, 5))
    hits = stats.ttest_1samp(samples, 0, axis=1).pvalue <= 0.05
    assert at_rate(hits, power(1.5, 1 / sqrt(5), 5))


@pytest.mark.parametrize("n", [2, 3, 5, 20])
def test_smallest_detectable_effect_has_the_power_asked_for(n):
    assert integrated_power(smallest_detectable(0.01, n) / 0.01, n) == pytest.approx(0.8)


def test_without_spread_there_is_no_power():
    for error in (0.0, np.nan):
        assert np.isnan([power(1, error, 5), smallest_detectable(error, 5)]).all()

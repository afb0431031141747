"""Verdicts against pairing by loops, hand-made p values and differences whose truth is known.

A rate measured on simulated studies must lie where a binomial count of the right rate falls but
once in 10,000 times.
"""

from itertools import permutations, product
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from sgns_study.config import check_study, read_study
from sgns_study.evaluation import claims, statistics, verdicts
from sgns_study.evaluation.claims import (
    CLAIMS,
    LECTURE,
    OWN,
    Claim,
    Part,
    negatives_of_a_window,
    overfitting,
    plain,
)
from sgns_study.evaluation.tables import COLUMNS, RUN, typed
from sgns_study.evaluation.verdicts import Evidence, adjusted, judged, judged_by, of_claim, paired
from sgns_study.params import Study

ROOT = Path(__file__).parent.parent
STUDIES = ["params.yaml", *(f"config/{name}.yaml" for name in ("control", "demo", "tweaks"))]
CONTRACT = ["claim", "part", "family", "source", "statement", "quantity", "effect", "ci_low"]
CONTRACT += ["ci_high", "unit", "side", "p", "p_adjusted", "n_seeds", "verdict"]
LOSS_MARGIN = 0.01  # nats, the default
CLAIM = {claim.claim: claim for claim in CLAIMS}
NO_RUNS = np.empty((0, 0), np.uint8)


def study(**sections) -> Study:
    """The control study with other sections."""
    content = yaml.safe_load((ROOT / "config/control.yaml").read_text())
    return check_study(content | sections, "test")


def run(init: str, seed: int, **more) -> dict:
    """A row of `runs`; recipe and radius stay empty unless given."""
    row = dict.fromkeys(COLUMNS["runs"], None) | {"init": init, "seed": seed}
    return row | {"classifier": "conv1d", "dim": 8, "test_accuracy": 0.5, "test_loss": 0.5} | more


def vectors_run(init: str, seed: int, **more) -> dict:
    return run(init, seed, **{"recipe": "word2vec", "radius": 5, **more})


def runs_table(rows: list[dict]) -> pd.DataFrame:
    return typed(pd.DataFrame(rows, columns=COLUMNS["runs"]))


def bits(runs: pd.DataFrame, documents: int = 4) -> np.ndarray:
    return np.random.default_rng(0).integers(2, size=(len(runs), documents), dtype=np.uint8)


def evidence_of(runs: pd.DataFrame, **more) -> Evidence:
    empty = {name: pd.DataFrame(columns=COLUMNS[name]) for name in ("vectors", "sgns_curves")}
    curves = pd.DataFrame(columns=COLUMNS["experiment_curves"])
    pairs = {"word_pairs": pd.DataFrame(columns=COLUMNS["word_pairs"]), "ranks": verdicts.NO_RANKS}
    given = {"runs": runs, "correct": bits(runs), "curves": curves, **empty, **pairs}
    return Evidence(**given | more)


def pairs_of(part: Part, runs: pd.DataFrame) -> verdicts.Paired | None:
    evidence = evidence_of(runs)
    values = verdicts.QUANTITIES[part.quantity].values(evidence, part)
    return paired(values, part, runs)


PRETRAINED_OR_RANDOM = Part(
    "pretrained − random", "test loss", plain("pretrained"), plain("random"), "less"
)


def test_pairs_are_those_of_loops_over_cells_and_seeds() -> None:
    """Random tables with runs missing; a cell has recipe, radius and dim, random ones only dim."""
    left_out = cells_left_out = 0
    for table in range(60):
        rng = np.random.default_rng(table)
        losses = {
            (cell, seed): rng.random()
            for cell, seed in product(product("xy", (2, 5), (8, 16)), range(6))
            if rng.random() > 0.05
        }
        random = {key: rng.random() for key in product((8, 16), range(6)) if rng.random() > 0.05}
        rows = [
            vectors_run("pretrained", seed, recipe=recipe, radius=r, dim=d, test_loss=loss)
            for ((recipe, r, d), seed), loss in losses.items()
        ]
        rows += [run("random", seed, dim=d, test_loss=loss) for (d, seed), loss in random.items()]
        rows += [run("random", 0, dim=8, scale=0.1), run("random", 0, dim=8, documents=100)]
        rows += [run("random", 0, dim=8, classifier="large")]
        found = pairs_of(
            PRETRAINED_OR_RANDOM, runs_table([rows[i] for i in rng.permutation(len(rows))])
        )

        both = {
            (cell, seed): (loss, random[cell[2], seed])
            for (cell, seed), loss in losses.items()
            if (cell[2], seed) in random
        }
        counts = {cell: sum(one == cell for one, _ in both) for cell, _ in both}
        cells = {cell for cell, n in counts.items() if n == max(counts.values())}
        cells_left_out += len(cells) < len(counts)
        seeds = [s for s in range(6) if all((cell, s) in both for cell in cells)]
        if not seeds:
            assert found is None
            continue
        left_out += len(seeds) < 6
        assert found.seeds == seeds
        for column, seed in enumerate(seeds):
            mine = sorted(zip(found.a[:, column], found.b[:, column]))
            assert mine == sorted(both[cell, seed] for cell in cells)
        for values, numbers in zip((found.a, found.b), found.rows, strict=True):
            assert numbers.shape == values.shape == (len(cells), len(seeds))
    assert left_out
    assert cells_left_out > 5


def test_columns_that_one_side_leaves_empty_are_broadcast() -> None:
    """By hand: each random run meets all four cells of its seed."""
    rows = [
        vectors_run("pretrained", seed, radius=radius, recipe=recipe, test_loss=radius + seed)
        for seed, radius, recipe in product((1, 2), (2, 5), "xy")
    ]
    rows += [run("random", seed, test_loss=10.0 * seed) for seed in (1, 2, 3)]
    found = pairs_of(PRETRAINED_OR_RANDOM, runs_table(rows))
    assert found.seeds == [1, 2]
    assert sorted(found.a[:, 0]) == [3, 3, 6, 6]
    assert found.b.tolist() == [[10, 20]] * 4


def test_both_sides_share_a_column_that_both_fill() -> None:
    """Shuffled vectors meet those of their own radius; a radius without them is no cell."""
    rows = [vectors_run("pretrained", 1, radius=r, test_loss=float(r)) for r in (2, 5, 10)]
    rows += [vectors_run("shuffled", 1, radius=r, test_loss=-float(r)) for r in (2, 10)]
    (part,) = CLAIM["B"].parts(study())
    found = pairs_of(part._replace(quantity="test loss"), runs_table(rows))
    assert sorted(zip(found.a[:, 0], found.b[:, 0])) == [(2, -2), (10, -10)]


def judge(
    monkeypatch: pytest.MonkeyPatch,
    parts: list[list[Part]],
    runs: pd.DataFrame,
    sources=(claims.LAB,),
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Verdicts on claims of my own, named 0, 1, …, of these sources in turn."""
    own = [
        Claim(str(i), sources[i % len(sources)], "It is so.", lambda _, found=found: found)
        for i, found in enumerate(parts)
    ]
    monkeypatch.setattr(verdicts, "CLAIMS", tuple(own))
    return judged_by(study(), {"runs": runs}, bits(runs))


def with_differences(differences: np.ndarray) -> pd.DataFrame:
    """Runs whose test losses differ so, pretrained − random."""
    rows = []
    for seed, difference in enumerate(differences):
        rows.append(vectors_run("pretrained", seed, test_loss=1 + difference))
        rows.append(run("random", seed, test_loss=1.0))
    return runs_table(rows)


DIRECTIONS = {  # verdict if the truth is 3 margins above, 0 and 3 margins below
    "more": ("supported", "no difference", "opposite"),
    "less": ("opposite", "no difference", "supported"),
    "no more": ("opposite", "supported", "supported"),
    "no less": ("supported", "supported", "opposite"),
    "same": ("opposite", "supported", "opposite"),
}
SIDES = ("above", "within", "below")


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_clear_difference_decides_as_the_direction_says(
    direction: str, place: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = (3, 0, -3)[place] * LOSS_MARGIN
    noise = np.random.default_rng(place).normal(0, LOSS_MARGIN / 5, size=8)
    part = PRETRAINED_OR_RANDOM._replace(direction=direction)
    table, made = judge(monkeypatch, [[part]], with_differences(truth + noise))
    assert table["verdict"].item() == DIRECTIONS[direction][place]
    assert table["claim_verdict"].item() == DIRECTIONS[direction][place]
    assert table["side"].item() == SIDES[place]
    assert table["effect"].item() == pytest.approx(truth + noise.mean())
    low, high = stats.t.interval(0.95, 7, truth + noise.mean(), stats.sem(noise))
    assert table[["ci_low", "ci_high"]].iloc[0].tolist() == pytest.approx([low, high])
    test = stats.ttest_1samp(truth + noise, 0)
    assert made["p_differs"].item() == pytest.approx(test.pvalue)
    assert made["mean_a"].item() - made["mean_b"].item() == pytest.approx(truth + noise.mean())


@pytest.mark.parametrize(
    ("direction", "verdict", "side"),
    [
        ("more", "supported, but negligible", "above"),
        ("less", "no difference", "within"),
        ("no more", "supported", "within"),
        ("no less", "supported", "above"),
        ("same", "supported", "within"),
    ],
)
def test_a_difference_above_zero_but_within_the_margin_is_negligible(
    direction: str, verdict: str, side: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = LOSS_MARGIN * np.array([0.5, 0.55, 0.45, 0.52, 0.48])
    part = PRETRAINED_OR_RANDOM._replace(direction=direction)
    table, _ = judge(monkeypatch, [[part]], with_differences(small))
    assert (table["verdict"].item(), table["side"].item()) == (verdict, side)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_seeds_that_disagree_widely_decide_nothing(
    direction: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wide = np.array([-10, -4, 0, 4, 10]) * LOSS_MARGIN
    part = PRETRAINED_OR_RANDOM._replace(direction=direction)
    table, _ = judge(monkeypatch, [[part]], with_differences(wide))
    assert table["verdict"].item() == "undecided"


differences = st.lists(st.integers(-300, 300), min_size=3, max_size=6, unique=True)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(differences, st.integers(0, 3)), min_size=1, max_size=5),
    st.sampled_from(list(DIRECTIONS)),
)
def test_effect_interval_and_p_of_a_row_are_of_its_own_comparison(
    parts: list[tuple[list[int], int]], direction: str
) -> None:
    """Parts of several claims, families and numbers of seeds, each row against scipy's tests.

    The p of a side above or below is that of a mean of zero, within that of the two one-sided tests
    at the margin; adjusted within a family it is Holm's, by all subsets (closed Bonferroni tests).
    """
    rows, own = [], {str(i): [] for i in range(4)}
    for n, (tenths, claim) in enumerate(parts):
        for seed, value in enumerate(tenths):
            loss = 1 + LOSS_MARGIN * value / 100
            rows.append(vectors_run("pretrained", seed, recipe=f"r{n}", test_loss=loss))
        a = plain("pretrained", [f"r{n}"])
        own[str(claim)].append(Part(f"r{n}", "test loss", a, plain("random"), direction))
    rows += [run("random", seed, test_loss=1.0) for seed in range(6)]
    sources = (claims.LAB, LECTURE, claims.LAB, OWN)
    with pytest.MonkeyPatch.context() as patch:
        found = [own[str(i)] for i in range(4)]
        table, _ = judge(patch, found, runs_table(rows), sources)
    table = table[table["verdict"] != "not tested"].set_index("part")
    assert sorted(table.index) == sorted(f"r{n}" for n in range(len(parts)))
    p_of, family_of = {}, {}
    for n, (tenths, claim) in enumerate(parts):
        values, row = LOSS_MARGIN * np.array(tenths) / 100, table.loc[f"r{n}"]
        test = stats.ttest_1samp(values, 0)
        interval = test.confidence_interval(0.95)
        assert row["effect"] == pytest.approx(values.mean(), abs=1e-12)
        assert (row["ci_low"], row["ci_high"]) == pytest.approx(tuple(interval), abs=1e-12)
        assert row["n_seeds"] == len(values)
        ends = ((-LOSS_MARGIN, "greater"), (LOSS_MARGIN, "less"))
        one_sided = [stats.ttest_1samp(values, m, alternative=side).pvalue for m, side in ends]
        p_of[f"r{n}"] = {"differs": test.pvalue, "within": max(one_sided)}
        family_of[f"r{n}"] = sources[claim]
        key = "within" if row["side"] == "within" else "differs"
        assert row["p"] == pytest.approx(p_of[f"r{n}"][key], abs=1e-9)
        assert row["side"] in ("within", "above" if values.mean() > 0 else "below")
    for part, row in table.iterrows():
        key = "within" if row["side"] == "within" else "differs"
        family = [p_of[other][key] for other in p_of if family_of[other] == row["family"]]
        order = sorted(family)
        steps = [p * (len(order) - k) for k, p in enumerate(order)]
        expected = min(1, max(steps[: order.index(p_of[part][key]) + 1]))
        assert row["p_adjusted"] == pytest.approx(expected, abs=1e-9)
        decided = row["verdict"] != "undecided"
        assert decided == (row["p_adjusted"] < 0.05)


SIMULATIONS = 1000
FOR = {"supported", "supported, but negligible"}


def simulated(values: np.ndarray, directions: list[str], families: np.ndarray) -> pd.DataFrame:
    """The judged parts of simulated comparisons (parts, seeds); the margin is 1."""
    means, errors, n = values.mean(axis=1), stats.sem(values, axis=1), values.shape[1]
    table = pd.DataFrame({"effect": means, "direction": directions, "family": families})
    table = table.reindex(columns=COLUMNS["comparisons"])
    table["part"], table["quantity"] = [*map(str, range(len(table)))], "test loss"
    table["p_differs"] = 2 * stats.t.sf(abs(means) / errors, n - 1)
    table["p_equivalent"] = stats.t.sf((1 - abs(means)) / errors, n - 1)
    table = adjusted(table)
    return table.join(pd.DataFrame([judged(row) for row in table.to_dict("records")]))


# A direction, a truth in margins at which a verdict is false, but only just, and how often it may
# come out.
EDGES = [
    *[("more", 0, FOR, 0.025), ("less", 0, FOR, 0.025), ("same", 1, FOR, 0.05)],
    *[("no more", 1, FOR, 0.05), ("no less", -1, FOR, 0.05), ("same", -1, FOR, 0.05)],
    *[("more", 1, {"supported, but negligible"}, 0.05)],
]


@pytest.mark.parametrize(("direction", "truth", "false", "rate"), EDGES)
def test_a_verdict_is_false_as_often_as_the_level_says(
    direction: str, truth: float, false: set[str], rate: float
) -> None:
    """One part of 5 seeds, normal about the truth."""
    draws = np.random.default_rng(3).normal(truth, 0.2, size=(SIMULATIONS, 5))
    table = simulated(draws, [direction] * SIMULATIONS, np.arange(SIMULATIONS))
    found = table["verdict"].isin(false)
    low, high = stats.binom.ppf([1e-4, 1 - 1e-4], SIMULATIONS, rate)
    assert low <= found.sum() <= high


PARTS = 12  # of a family


@pytest.mark.parametrize("shared", [0, 0.7])
@pytest.mark.parametrize("truths", ["none", "margin", "both"])
def test_a_family_holds_a_false_verdict_no_more_often_than_the_level_says(
    shared: float, truths: str
) -> None:
    """Families of 12 parts, 5 seeds; parts of a seed correlate, and directions differ.

    Where nothing differs, a side above or below is false; at the margin, within is. In a family of
    both kinds each is as rare as in one of its own.
    """
    rng = np.random.default_rng(12)
    truth = {"none": [0], "margin": [1, -1], "both": [0, 1, 0, -1]}[truths]
    truth = np.resize(truth, PARTS)[:, None]
    shape = (SIMULATIONS, PARTS, 5)
    noise = np.sqrt(shared) * rng.normal(size=(SIMULATIONS, 1, 5))
    noise = noise + np.sqrt(1 - shared) * rng.normal(size=shape)
    values = (truth + 0.3 * noise).reshape(-1, 5)
    directions = np.resize([*DIRECTIONS, "more", "less"], len(values)).tolist()
    table = simulated(values, directions, np.repeat(np.arange(SIMULATIONS), PARTS))
    is_null = np.resize(truth, len(values)) == 0
    differs, within = (table[f"p_{q}_adjusted"] < 0.05 for q in ("differs", "equivalent"))
    sign = table["side"].isin(["above", "below"]) & (table["verdict"] != "undecided")
    same = (table["side"] == "within") & (table["verdict"] != "undecided")
    assert (differs | ~sign).all()  # a verdict rests on nothing but these
    assert (within | ~same).all()
    for false in (differs & is_null, within & ~is_null):
        families = false.groupby(table["family"]).any().sum()
        assert families <= stats.binom.ppf(1 - 1e-4, SIMULATIONS, 0.05)
    if truths == "none" and shared == 0:  # Holm is all but exact: 1 − (1 − α/m)^m
        false = (differs & is_null).groupby(table["family"]).any().sum()
        assert false >= stats.binom.ppf(1e-4, SIMULATIONS, 1 - (1 - 0.05 / PARTS) ** PARTS)


def test_tweaks_are_judged_by_readers_of_the_vectors_beside_similarity() -> None:
    tweaks = read_study(ROOT / "config/tweaks.yaml")
    for claim in "9", "10", "11", "12":
        parts = CLAIM[claim].parts(tweaks)
        stated = {part.part for part in parts if part.quantity == "similarity"}
        beside = [part for part in parts if part.quantity == "test accuracy"]
        assert {part.part.rpartition(", ")[0] for part in beside} == stated
        assert {part.claimed for part in beside} == {False}
    names = {part.part for part in CLAIM["9"].parts(tweaks)}
    assert {"full − full_k1, frozen", "bare_k2 − bare, mean of words"} < names
    assert "bare_k2 − bare, frozen" not in names  # no such classifier is trained


def test_accuracies_count_seeds_and_documents() -> None:
    """The estimate is the crossed test of the predictions of the paired rows, cells averaged."""
    rng = np.random.default_rng(5)
    rows = [vectors_run("pretrained", s, radius=r) for s, r in product(range(4), (2, 5))]
    rows += [run("random", s) for s in range(4)]
    correct = rng.integers(2, size=(len(rows), 50), dtype=np.uint8)
    for row, right in zip(rows, correct):
        row["test_accuracy"] = right.mean()
    order = rng.permutation(len(rows))
    runs = runs_table([rows[i] for i in order])
    _, made = judged_by(study(), {"runs": runs}, correct[order])
    row = made[made["claim"] == "A"].iloc[0]

    by_hand = {(r["init"], r["radius"], r["seed"]): right for r, right in zip(rows, correct)}
    a, b = (
        np.array([[by_hand[init, radius, s] for s in range(4)] for radius in radii])
        for init, radii in (("pretrained", (2, 5)), ("random", (None, None)))
    )
    test = statistics.crossed_estimate(np.mean(a.astype(float) - b, axis=0))
    assert row["effect"] == pytest.approx(100 * test.mean)
    assert row[["ci_low", "ci_high"]].tolist() == pytest.approx([100 * test.low, 100 * test.high])
    assert row["p_differs"] == pytest.approx(test.p)
    assert (row["n_cells"], row["n_seeds"], row["n_items"]) == (2, 4, 50)


SETS = {"EN-MEN-TR-3k": 40, "EN-SIMLEX-999": 30}


def scored(
    cosines: dict[tuple[str, int, int], np.ndarray], people: np.ndarray, order: np.ndarray
) -> tuple[dict[str, pd.DataFrame], np.ndarray]:
    """Tables and ranks of models (recipe, radius, seed) with these cosines, NaN: not known."""
    dataset = np.repeat(list(SETS), list(SETS.values()))
    rows, ranks = [], []
    for model in [list(cosines)[i] for i in order]:
        ranks.append(np.zeros(len(people), np.uint16))
        for name in SETS:
            own = (dataset == name) & ~np.isnan(cosines[model])
            rho = stats.spearmanr(cosines[model][own], people[own]).statistic
            rows.append((*model[:2], 32, model[2], name, "spearman", rho, own.mean()))
            ranks[-1][own] = stats.rankdata(cosines[model][own], "dense")
    pairs = pd.DataFrame({"dataset": dataset, "first": "a", "second": "b", "score": people})
    vectors = typed(pd.DataFrame(rows, columns=COLUMNS["vectors"]))
    return {"vectors": vectors, "word_pairs": pairs}, np.stack(ranks)


def test_scores_of_similarity_count_seeds_and_common_word_pairs() -> None:
    """By scipy on the pairs that no run lacks; interval and p by a jackknife over them and seeds.

    Rows are in another order than cells and seeds, and each run lacks pairs of its own.
    """
    rng = np.random.default_rng(9)
    people = rng.normal(size=70).round(1)
    cosines = {
        (recipe, radius, seed): (people + rng.normal(0, noise, 70)).round(1)
        for recipe, noise in (("few", 0.5), ("few_k1", 1.0))
        for radius, seed in product((2, 5), range(4))
    }
    for values in cosines.values():
        values[rng.integers(70, size=2)] = np.nan
    tables, ranks = scored(cosines, people, rng.permutation(len(cosines)))
    _, made = judged_by(study(recipes=RECIPES), tables, NO_RUNS, ranks)
    row = made[made["claim"] == "9"].iloc[0]

    common = ~np.isnan(list(cosines.values())).any(axis=0)
    parts = np.split(np.arange(70), [40])
    ends = [part[common[part]] for part in parts]

    def score(recipe: str, seed: int, without: int = -1) -> float:
        kept = [part[part != without] for part in ends]
        models = [cosines[recipe, radius, seed] for radius in (2, 5)]
        found = [stats.spearmanr(m[own], people[own]).statistic for m in models for own in kept]
        return float(np.mean(found))

    means = [np.mean([score(recipe, s) for s in range(4)]) for recipe in ("few", "few_k1")]
    assert row[["mean_a", "mean_b"]].tolist() == pytest.approx([100 * mean for mean in means])
    assert row["effect"] == pytest.approx(100 * (means[0] - means[1]))
    assert (row["n_cells"], row["n_seeds"], row["n_items"]) == (2, 4, common.sum())

    table = np.empty((4, common.sum()))
    places = np.concatenate(ends)
    for seed, (column, place) in product(range(4), enumerate(places)):
        size = len(next(part for part in ends if place in part))
        whole, left = (score("few", seed, w) - score("few_k1", seed, w) for w in (-1, place))
        table[seed, column] = whole + len(places) * (size - 1) / size * (whole - left)
    test = statistics.crossed_estimate(table)
    half = 100 * (test.high - test.low) / 2
    assert (row["ci_high"] - row["ci_low"]) / 2 == pytest.approx(half, rel=0.05)
    middle = (row["ci_low"] + row["ci_high"]) / 2
    assert middle == pytest.approx(row["effect"])
    shown = test._replace(mean=row["effect"] / 100)
    assert np.log(row["p_differs"]) == pytest.approx(np.log(shown.p), rel=0.1)
    assert np.isnan(row["p_mcnemar"])


def test_pairs_that_one_side_does_not_know_make_no_difference() -> None:
    """Two recipes with equal cosines; one also knows rare pairs, and is at a loss with them."""
    rng = np.random.default_rng(10)
    people = rng.permutation(70).astype(float)
    cosines = {}
    for seed in range(3):
        alike = people + rng.normal(0, 10, 70)
        alike[::4] = rng.normal(35, 20, 18)
        cosines["few_k1", 5, seed] = alike
        cosines["few", 5, seed] = alike.copy()
        cosines["few", 5, seed][::4] = np.nan
    tables, ranks = scored(cosines, people, np.arange(6))
    _, made = judged_by(study(recipes=RECIPES), tables, NO_RUNS, ranks)
    row = made[made["claim"] == "9"].iloc[0]
    assert (row["effect"], row["p_differs"], row["n_items"]) == (0, 1, 52)
    ranks[:3, :40] = 0  # no pair of a set is known to all
    _, made = judged_by(study(recipes=RECIPES), tables, NO_RUNS, ranks)
    assert made[made["claim"] == "9"].empty


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        ([], "not tested"),
        (["opposite"], "opposite"),
        (["supported", "supported"], "supported"),
        (["supported", "supported, but negligible"], "supported"),
        (["supported, but negligible"] * 2, "supported, but negligible"),
        (["supported", "opposite"], "in part"),
        (["supported", "undecided"], "in part"),
        (["supported, but negligible", "no difference"], "in part"),
        (["supported", "not tested"], "in part"),
        (["no difference", "undecided"], "no difference"),
        (["no difference", "opposite", "undecided"], "opposite"),
        (["undecided", "not tested"], "undecided"),
    ],
)
def test_a_claim_has_the_verdict_of_its_parts(parts: list[str], whole: str) -> None:
    for order in permutations(parts):
        assert of_claim(order) == whole


def test_families_are_adjusted_apart_and_what_is_named_twice_counts_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Holm by hand: three comparisons in one family, two of them read by two claims; one alone.

    Two of the three have the same name, but are not the same comparison.
    """
    rng = np.random.default_rng(8)
    rows = [run("random", seed, test_loss=1.0) for seed in range(5)]
    parts, p = [], []
    for n, shift in enumerate((0.02, 0.005, 0.001, 0.01)):
        losses = shift + rng.normal(0, 0.005, 5)
        p.append(stats.ttest_1samp(losses, 0).pvalue)
        rows += [
            vectors_run("pretrained", seed, recipe=f"r{n}", test_loss=1 + loss)
            for seed, loss in enumerate(losses)
        ]
        a = plain("pretrained", [f"r{n}"])
        parts.append(Part(f"r{n % 2}", "test loss", a, plain("random"), "more"))
    again = [part._replace(direction="less") for part in parts[:2]]
    sources = (claims.LAB, claims.LAB, LECTURE)
    runs = runs_table(rows)
    _, made = judge(monkeypatch, [parts[:3], again, [parts[3]]], runs, sources)
    before, expected = 0.0, {}
    for k, i in enumerate(sorted(range(3), key=lambda i: p[i])):
        before = expected[i] = max(before, min(1, (3 - k) * p[i]))
    found = made["p_differs_adjusted"].tolist()
    assert found == pytest.approx([*(expected[i] for i in (0, 1, 2, 0, 1)), p[3]])


def test_what_a_source_does_not_claim_is_shown_but_does_not_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runs = with_differences(LOSS_MARGIN * np.array([3.0, 2.0, 4.0, 3.5, 1.5]))
    claimed = PRETRAINED_OR_RANDOM._replace(direction="more")
    beside = PRETRAINED_OR_RANDOM._replace(part="beside", claimed=False)
    table, _ = judge(monkeypatch, [[claimed, beside], [beside]], runs)
    assert table["verdict"].tolist() == ["supported", "opposite", "opposite"]
    assert table["family"].tolist() == [claims.LAB, OWN, OWN]
    assert table["claim_verdict"].tolist() == ["supported", "supported", "not tested"]


def test_one_seed_has_an_effect_but_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    table, _ = judge(monkeypatch, [[PRETRAINED_OR_RANDOM]], with_differences(np.array([0.5])))
    assert table["effect"].item() == pytest.approx(0.5)
    assert table[["ci_low", "p", "p_adjusted"]].isna().all(axis=None)
    assert (table["side"].item(), table["verdict"].item()) == ("", "not tested")


SCALED = [  # init, scale, accuracy on validation and on test: validation and test disagree
    *[("pretrained", None, 0.7, 0.9), ("pretrained", 0.1, 0.8, 0.6), ("pretrained", 1.0, 0.6, 0.8)],
    *[("random", 0.1, 0.6, 0.7), ("random", 1.0, 0.7, 0.5)],
]


@pytest.mark.parametrize("plain_is_best", [False, True])
def test_the_best_scale_is_chosen_on_validation(plain_is_best: bool) -> None:
    """0.1 for pretrained and 1 for random, though both are worse on test; or none, if that wins."""
    rows = []
    for (init, scale, validation, accuracy), seed in product(SCALED, (1, 2, 3)):
        make = run if init == "random" else vectors_run
        if plain_is_best and init == "pretrained" and scale is None:
            validation = 0.95
        accuracies = {"validation_accuracy": validation, "test_accuracy": accuracy}
        rows.append(make(init, seed, scale=scale, **accuracies))
        few = {"validation_accuracy": 1.0, "test_accuracy": 0.0, "documents": 100}
        rows.append(make(init, seed, scale=0.3, **few))
    runs = runs_table(rows)
    (part,) = CLAIM["C"].parts(study())
    found = pairs_of(part, runs)
    assert found.seeds == [1, 2, 3]
    assert found.a.tolist() == [[0.9 if plain_is_best else 0.6] * 3]
    assert found.b.tolist() == [[0.5] * 3]


def test_a_start_at_one_scale_has_no_best() -> None:
    rows = [vectors_run("pretrained", 1), run("random", 1), run("random", 1, scale=0.1)]
    for row in rows:
        row["validation_accuracy"] = 0.5
    (part,) = CLAIM["C"].parts(study())
    assert pairs_of(part, runs_table(rows)) is None


def test_the_best_setting_may_have_another_step_size_but_not_another_shape() -> None:
    """By validation `slow` is best for one start; `large` is no setting of the same classifier.

    The third seed ran at one setting only, at which it is very good: it does not choose.
    """
    rows = []
    for (init, validation), seed in product([("pretrained", 0.7), ("random", 0.6)], (1, 2, 3)):
        make = run if init == "random" else vectors_run
        slow = validation + (0.1 if init == "pretrained" else -0.1)
        tried = {"conv1d": validation, "slow": slow, "large": 1.0}
        for number, (classifier, accuracy) in enumerate(tried.items()):
            if seed == 3 and classifier != "conv1d":
                continue
            accuracies = {"validation_accuracy": 1.0 if seed == 3 else accuracy}
            accuracies["test_accuracy"] = number / 10 + (init == "random") / 2
            rows.append(make(init, seed, classifier=classifier, **accuracies))
    slow, large = {"embedding_learning_rate": 1e-4, "epochs": 20}, {"filters": 7}
    (part,) = CLAIM["C"].parts(study(classifiers={"slow": slow, "large": large}))
    found = pairs_of(part, runs_table(rows))
    assert found.seeds == [1, 2]
    assert found.a.tolist() == [[0.1, 0.1]]
    assert found.b.tolist() == [[0.5, 0.5]]


def sgns_curves(losses: np.ndarray, recipe: str = "lab") -> pd.DataFrame:
    """Validation losses (seeds, epochs + 1) as a table; those of training would mislead."""
    rows = []
    for (seed, epoch), loss in np.ndenumerate(losses):
        rows.append((recipe, 5, 32, seed, epoch, "validation", loss, 0.5))
        rows.append((recipe, 5, 32, seed, epoch, "train", -loss, 0.5))
    return pd.DataFrame(rows, columns=COLUMNS["sgns_curves"])


LAB = {
    "kind": "lab",
    "negatives": 4,
    "epochs": 5,
    "batch": 100,
    "learning_rate": 0.01,
    "weight_decay": 0.01,
}


def rises(tables: list[pd.DataFrame], recipes: list[str]) -> pd.Series:
    grid = yaml.safe_load((ROOT / "config/control.yaml").read_text())["grid"]
    labs = study(recipes=dict.fromkeys(recipes, LAB), grid=grid | {"recipes": recipes})
    _, made = judged_by(labs, {"sgns_curves": pd.concat(tables)}, NO_RUNS)
    return made[made["claim"] == "7"].iloc[0]


def test_the_rise_is_from_the_best_epoch_of_the_other_seeds() -> None:
    """By loops; and by hand one where a seed's own lowest loss would give another number."""
    own = np.array([[9.0, 1, 5, 6], [9, 4, 2, 5], [9, 5, 2, 6]])
    # the other two are lowest on average at epochs 2, 1 and 1: 6 − 5, 5 − 4, 6 − 5
    assert rises([sgns_curves(own)], ["lab"])["effect"] == pytest.approx(1)

    losses = np.random.default_rng(6).random((5, 7))
    expected = []
    for seed in range(5):
        others = [np.mean([losses[s, e] for s in range(5) if s != seed]) for e in range(7)]
        expected.append(losses[seed, -1] - losses[seed, others.index(min(others))])
    row = rises([sgns_curves(losses)], ["lab"])
    assert row["effect"] == pytest.approx(np.mean(expected))
    assert row["p_differs"] == pytest.approx(stats.ttest_1samp(expected, 0).pvalue)
    assert row["n_seeds"] == 5


def test_a_recipe_beside_the_grid_is_a_part_that_the_lab_does_not_claim() -> None:
    grid = yaml.safe_load((ROOT / "config/control.yaml").read_text())["grid"]
    recipes = {"lab": LAB, "longer": LAB | {"epochs": 9}, "also": LAB | {"epochs": 8}}
    found = overfitting(study(recipes=recipes, grid=grid | {"recipes": ["lab"]}))
    assert [(part.a["recipe"], part.claimed) for part in found] == [
        (["lab"], True),
        (["also"], False),
        (["longer"], False),
    ]


def test_windows_of_many_negatives_are_held_against_few_and_equal_ones_beside_each_other() -> None:
    """K = 2 at R = 2 and 10, K = 10 at R = 2: 2RK = 8, 40 and 40."""
    grid = yaml.safe_load((ROOT / "config/control.yaml").read_text())["grid"]
    recipes = {"few": LAB | {"negatives": 2}, "many": LAB | {"negatives": 10}}
    beside = {"recipes": ["many"], "radii": [2], "inits": ["pretrained"]}
    planned = study(
        recipes=recipes,
        grid=grid | {"recipes": ["few"], "radii": [2, 10], "dims": [8]},
        experiments={"more": beside},
    )
    found = negatives_of_a_window(planned)
    assert [(part.part, part.direction, part.claimed) for part in found] == [
        ("R = 2, K = 2 − R = 10, K = 2", "more", True),
        ("R = 2, K = 10 − R = 10, K = 2", "same", False),
    ]
    sides = [(part.a["recipe"], part.a["radius"], part.b["recipe"]) for part in found]
    assert sides == [(["few"], 2, ["few"]), (["many"], 2, ["few"])]


def test_the_dimension_of_vectors_is_compared_at_every_radius() -> None:
    grid = yaml.safe_load((ROOT / "config/control.yaml").read_text())["grid"]
    found = CLAIM["6"].parts(study(grid=grid | {"radii": [2, 5], "dims": [8, 32, 16]}))
    asked = [(p.quantity, p.a["radius"], p.b["radius"], p.a["dim"], p.b["dim"]) for p in found]
    assert asked == [(q, r, r, 32, 8) for q in ("SGNS loss", "SGNS accuracy") for r in (2, 5)]


def test_each_recipe_is_one_cell_of_the_rise() -> None:
    losses = np.random.default_rng(7).random((3, 4))
    both = [sgns_curves(losses, "lab"), sgns_curves(losses + 1, "other")]
    assert rises(both, ["lab", "other"])["n_cells"] == 2


def test_one_seed_has_no_other_to_read_the_best_epoch_off() -> None:
    curves = sgns_curves(np.array([[3.0, 1, 2]]))
    table, made = judged_by(study(recipes={"word2vec": LAB}), {"sgns_curves": curves}, NO_RUNS)
    assert made.empty
    assert set(table["verdict"]) == {"not tested"}


def test_seeds_alike_but_for_rounding_are_judged_by_their_signs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """0.1 five times, in floating point: the p of five signs, not that of a spread of 1e-17."""
    rows = []
    for seed, loss in enumerate((0.1, 0.2, 0.3, 0.6, 0.7)):
        rows.append(vectors_run("pretrained", seed, test_loss=loss + 0.1))
        rows.append(run("random", seed, test_loss=loss))
    runs = runs_table(rows)
    more = PRETRAINED_OR_RANDOM._replace(direction="more")
    table, made = judge(monkeypatch, [[more]], runs)
    assert np.std([a["test_loss"] - b["test_loss"] for a, b in zip(rows[::2], rows[1::2])]) > 0
    assert made["p_differs"].item() == 2 * 0.5**5
    assert table["verdict"].item() == "undecided"


def test_epochs_are_those_to_a_level_that_both_sides_reach() -> None:
    """Common: 98 % of 0.80, the lower best: both cross 0.784. Own: 98 % of 0.80 and of 0.90."""
    rows = []
    for seed in (1, 2, 3):
        for epoch, (a, b) in enumerate(zip((0.5, 0.78, 0.8, 0.7), (0.5, 0.6, 0.75, 0.9))):
            rows.append(("pretrained", "word2vec", 5, 8, seed, epoch, "validation", 0.5, a))
            rows.append(("random", "", None, 8, seed, epoch, "validation", 0.5, b))
            # a frozen one that stays low must not lower the level of the others
            rows.append(("frozen", "word2vec", 5, 8, seed, epoch, "validation", 0.5, 0.5))
    curves = typed(pd.DataFrame(rows, columns=COLUMNS["classifier_curves"]))
    _, made = judged_by(study(), {"classifier_curves": curves}, NO_RUNS)
    made = made[made["claim"] == "2"].set_index("quantity")
    pretrained = 1 + 0.004 / 0.02
    for level, random in (("common", 2 + 0.034 / 0.15), ("own", 2 + 0.132 / 0.15)):
        row = made.loc[f"epochs on validation, {level} level"]
        assert (row["mean_a"], row["mean_b"]) == pytest.approx((pretrained, random))
        assert row["effect"] == pytest.approx(pretrained - random)


def test_what_a_study_has_no_table_for_is_not_tested() -> None:
    for path in STUDIES:
        table, made = judged_by(read_study(ROOT / path), {}, NO_RUNS)
        assert table["claim"].tolist() == [claim.claim for claim in CLAIMS]
        assert set(table["verdict"]) == set(table["claim_verdict"]) == {"not tested"}
        assert set(table["n_seeds"]) == {0}
        assert table[["effect", "p_adjusted"]].isna().all(axis=None)
        assert made.empty


def test_the_columns_are_those_of_the_contract() -> None:
    table, made = judged_by(
        study(), {"runs": with_differences(np.array([0.1, 0.2]))}, np.ones((4, 3), np.uint8)
    )
    assert list(table.columns[: len(CONTRACT)]) == CONTRACT
    assert list(table.columns) == COLUMNS["claims"]
    assert list(made.columns) == COLUMNS["comparisons"]


KNOWN_COLUMNS = {*RUN, *COLUMNS["vectors"], *COLUMNS["sgns_curves"]}


@pytest.mark.parametrize("path", STUDIES)
def test_parts_name_what_there_is(path: str) -> None:
    """Quantities, directions, columns and recipes, for every claim of every study."""
    named = read_study(ROOT / path)
    assert len({claim.claim for claim in CLAIMS}) == len(CLAIMS)
    for claim in CLAIMS:
        assert claim.source in (claims.LAB, LECTURE, OWN)
        keys = [(part.part, part.quantity) for part in claim.parts(named)]
        assert len(set(keys)) == len(keys)
        for part in claim.parts(named):
            assert part.quantity in verdicts.QUANTITIES
            assert part.direction in DIRECTIONS
            for pick in (part.a, part.b):
                assert set(pick) <= KNOWN_COLUMNS
                recipes = pick.get("recipe", [])
                assert set([recipes] if isinstance(recipes, str) else recipes) <= set(named.recipes)


def test_every_claim_can_be_made_of_the_imdb_study() -> None:
    imdb = read_study(ROOT / "params.yaml")
    lab = read_study(ROOT / "config/lab.yaml")  # where K varies in the lab's own recipe
    made = [claim.parts(lab if claim.claim == "14" else imdb) for claim in CLAIMS]
    assert all(made)


def word2vec(**changes) -> dict:
    return {
        "kind": "word2vec",
        "negatives": 5,
        "alpha": 0.75,
        "window": "dynamic",
        "subsample": 1e-4,
        "min_count": 5,
        "epochs": 5,
        "learning_rate": 0.025,
        **changes,
    }


PPMI = {
    "kind": "ppmi",
    "shift": 5,
    "alpha": 0.75,
    "window": "dynamic",
    "subsample": 1e-4,
    "min_count": 5,
    "eigenvalue_weighting": 0.5,
}
RECIPES = {
    "word2vec": word2vec(),
    "some": word2vec(documents=100, epochs=50),
    "few": word2vec(documents=10, epochs=500),
    "few_k1": word2vec(documents=10, epochs=500, negatives=1),
    "few_k1_fixed": word2vec(documents=10, epochs=500, negatives=1, window="fixed"),
    "ppmi": PPMI,
    "ppmi_few": {**PPMI, "documents": 10},
}


def test_recipes_alike_but_for_one_key_are_found() -> None:
    """By hand: in epochs too they may differ if it is the amount of text, and only then."""
    named = study(recipes=RECIPES)

    def both_ways(*names: str) -> set[tuple[str, str]]:
        return set(permutations(names, 2))

    assert set(claims.alike_but_for(named, "negatives")) == both_ways("few", "few_k1")
    assert set(claims.alike_but_for(named, "window")) == both_ways("few_k1", "few_k1_fixed")
    assert set(claims.alike_but_for(named, "documents")) == (
        both_ways("word2vec", "some", "few") | both_ways("ppmi", "ppmi_few")
    )
    assert set(claims.alike_but_for(named, "epochs")) == set()


def test_more_text_is_against_the_next_smaller_amount() -> None:
    """Of SGNS; each pair by similarity and by the classifier."""
    found = claims.more_text(study(recipes=RECIPES))
    assert [(one.part, one.quantity) for one in found] == [
        *[("word2vec − some", "similarity"), ("word2vec − some", "test accuracy")],
        *[("some − few", "similarity"), ("some − few", "test accuracy")],
    ]
    assert found[1].a == plain("pretrained", ["word2vec"])
    assert found[1].b == plain("pretrained", ["some"])


def test_the_score_of_recipes_is_compared_at_the_same_place() -> None:
    """K = 5 against K = 1 in two radii, by hand: 3 and 5 points more, on the planted precision."""
    rows = [
        (recipe, radius, 32, seed, "planted", "precision_at_5", 0.5 + more + seed / 50, 1.0)
        for seed in (1, 2, 3)
        for recipe, radius, more in [
            *[("few", 2, 0.03), ("few", 5, 0.05), ("few_k1", 2, 0.0), ("few_k1", 5, 0.0)],
            ("some", 2, 0.4),
        ]
    ]
    vectors = typed(pd.DataFrame(rows, columns=COLUMNS["vectors"]))
    _, made = judged_by(study(recipes=RECIPES), {"vectors": vectors}, NO_RUNS)
    row = made[made["claim"] == "9"].iloc[0]
    assert (row["part"], row["n_cells"], row["n_seeds"]) == ("few − few_k1", 2, 3)
    assert row["n_items"] == 0  # no word pairs: seeds alone are a sample
    assert row["effect"] == pytest.approx(4)


def test_a_table_of_ones_own_tests_no_claim_of_the_lab() -> None:
    own = study().model_copy(update={"corpus": SimpleNamespace(kind="table")})
    tested = {claim.source for claim in CLAIMS if claim.parts(own)}
    assert "the lab" in {claim.source for claim in CLAIMS if claim.parts(study())}
    assert "this study" in tested
    assert "the lab" not in tested

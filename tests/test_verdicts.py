"""Verdicts against pairing by loops, hand-made p values and differences whose truth is known."""

from itertools import permutations, product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy import stats

from sgns_study.config import check_study, read_study
from sgns_study.evaluation import claims, statistics, verdicts
from sgns_study.evaluation.claims import CLAIMS, Claim, Comparison, plain
from sgns_study.evaluation.tables import COLUMNS, RUN, typed
from sgns_study.evaluation.verdicts import Evidence, judged_by, paired, sides
from sgns_study.params import Study

ROOT = Path(__file__).parent.parent
STUDIES = ["params.yaml", *(f"config/{name}.yaml" for name in ("control", "demo", "tweaks"))]
CONTRACT = ["claim", "source", "statement", "effect", "ci_low", "ci_high"]
CONTRACT += ["p_adjusted", "n_seeds", "verdict"]
LOSS_MARGIN = 0.01  # nats, the default
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
    given = {"runs": runs, "correct": bits(runs), "curves": curves, **empty}
    return Evidence(**given | more)


def pairs_of(comparison: Comparison, runs: pd.DataFrame) -> verdicts.Paired | None:
    evidence = evidence_of(runs)
    values = verdicts.QUANTITIES[comparison.quantity].values(evidence, comparison)
    return paired(values, comparison, runs)


PRETRAINED_OR_RANDOM = Comparison(
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
    (comparison,) = claims.meaning(study())
    found = pairs_of(comparison._replace(quantity="test loss"), runs_table(rows))
    assert sorted(zip(found.a[:, 0], found.b[:, 0])) == [(2, -2), (10, -10)]


def judge(
    monkeypatch: pytest.MonkeyPatch, comparisons: list[list[Comparison]], runs: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Verdicts on claims of my own, named 0, 1, …"""
    own = [
        Claim(str(i), "me", "It is so.", lambda _, found=found: found)
        for i, found in enumerate(comparisons)
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
    "more": ("supported", "contradicted", "contradicted"),
    "less": ("contradicted", "contradicted", "supported"),
    "no more": ("contradicted", "supported", "supported"),
    "no less": ("supported", "supported", "contradicted"),
    "same": ("contradicted", "supported", "contradicted"),
}


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_clear_difference_decides_as_the_direction_says(
    direction: str, place: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = (3, 0, -3)[place] * LOSS_MARGIN
    noise = np.random.default_rng(place).normal(0, LOSS_MARGIN / 5, size=8)
    comparison = PRETRAINED_OR_RANDOM._replace(direction=direction)
    table, made = judge(monkeypatch, [[comparison]], with_differences(truth + noise))
    assert table["verdict"].item() == DIRECTIONS[direction][place]
    assert table["effect"].item() == pytest.approx(truth + noise.mean())
    low, high = stats.t.interval(0.95, 7, truth + noise.mean(), stats.sem(noise))
    assert table[["ci_low", "ci_high"]].iloc[0].tolist() == pytest.approx([low, high])
    test = stats.ttest_1samp(truth + noise, 0)
    assert made["p"].item() == pytest.approx(test.pvalue)
    assert made["mean_a"].item() - made["mean_b"].item() == pytest.approx(truth + noise.mean())


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_seeds_that_disagree_widely_decide_nothing(
    direction: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wide = np.array([-10, -4, 0, 4, 10]) * LOSS_MARGIN
    comparison = PRETRAINED_OR_RANDOM._replace(direction=direction)
    table, _ = judge(monkeypatch, [[comparison]], with_differences(wide))
    assert table["verdict"].item() == "undecided"


SIMULATIONS = 1000
# Where a claim is false, but only just, and how often it may then count as supported.
EDGES = [
    *[("more", 0.0, 0.025), ("less", 0.0, 0.025)],
    *[("no more", 1.0, 0.05), ("no less", -1.0, 0.05), ("same", 1.0, 0.05), ("same", -1.0, 0.05)],
]


@pytest.mark.parametrize(("direction", "truth", "rate"), EDGES)
def test_a_false_claim_is_supported_no_more_often_than_the_level_says(
    direction: str, truth: float, rate: float
) -> None:
    """Differences of 5 seeds, normal about a truth in margins; bounds err once in 10,000."""
    draws = np.random.default_rng(3).normal(truth, 0.2, size=(SIMULATIONS, 5))
    errors = stats.sem(draws, axis=1)
    p = [
        sides(statistics.SeedMean(m, e, 4, 5), 1.0, direction)[0]
        for m, e in zip(draws.mean(1), errors)
    ]
    supported = int((np.array(p) < 0.05).sum())
    low, high = stats.binom.ppf([1e-4, 1 - 1e-4], SIMULATIONS, rate)
    assert low <= supported <= high


@pytest.mark.parametrize(
    ("direction", "truth", "rate"),
    [("more", 1.0, 0.05), ("less", -1.0, 0.05), ("no more", 0.0, 0.025), ("same", 0.0, 0.05)],
)
def test_a_true_claim_is_contradicted_no_more_often_than_the_level_says(
    direction: str, truth: float, rate: float
) -> None:
    draws = np.random.default_rng(4).normal(truth, 0.2, size=(SIMULATIONS, 5))
    errors = stats.sem(draws, axis=1)
    p = [
        sides(statistics.SeedMean(m, e, 4, 5), 1.0, direction)[1]
        for m, e in zip(draws.mean(1), errors)
    ]
    contradicted = int((np.array(p) < 0.05).sum())
    assert contradicted <= stats.binom.ppf(1 - 1e-4, SIMULATIONS, rate)


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
    test = statistics.seed_and_document_estimate(a, b)
    assert row["effect"] == pytest.approx(100 * test.mean)
    assert row[["ci_low", "ci_high"]].tolist() == pytest.approx([100 * test.low, 100 * test.high])
    assert row["p"] == pytest.approx(test.p)
    assert (row["n_cells"], row["n_seeds"]) == (2, 4)


def part(p_for: float, p_against: float, n_seeds: int = 5) -> dict:
    """What a claim takes from a comparison."""
    row = {"effect": 1.0, "ci_low": 0.0, "ci_high": 2.0, "unit": "points", "n_seeds": n_seeds}
    return row | {"p_for": p_for, "p_against": p_against}


@pytest.mark.parametrize(
    ("parts", "side", "p"),
    [
        ([(0.01, 0.9), (0.02, 1.0)], "supported", 0.02),
        ([(0.01, 0.5), (0.2, 0.004)], "contradicted", 0.008),
        ([(0.001, 0.6), (0.04, 0.7), (0.03, 0.5)], "supported", 0.04),
        ([(0.6, 0.9), (0.9, 0.5), (0.7, 0.5)], "supported", 0.9),  # 3 × 0.5 counts as 1
    ],
)
def test_all_parts_must_hold_and_one_is_enough_against(
    parts: list[tuple[float, float]], side: str, p: float
) -> None:
    row = verdicts.summed_up(CLAIMS[0], [part(*values) for values in parts])
    assert row["side"] == side
    assert row["p"] == pytest.approx(p)


def test_a_part_without_p_leaves_a_claim_unsupported_in_any_order() -> None:
    """A part of one seed has no p: the whole cannot hold by the others, but can fail by them."""
    nothing = part(np.nan, np.nan, n_seeds=1)
    for parts in permutations([nothing, part(0.001, 0.9)]):
        row = verdicts.summed_up(CLAIMS[0], list(parts))
        assert row["side"] == "contradicted"
        assert row["p"] == 1
        assert row["n_seeds"] == 1
    for parts in permutations([nothing, part(0.9, 0.001)]):
        row = verdicts.summed_up(CLAIMS[0], list(parts))
        assert (row["side"], row["p"]) == ("contradicted", 0.002)
    assert verdicts.summed_up(CLAIMS[0], [nothing])["verdict"] == "not tested"


def test_p_is_corrected_over_the_claims_that_are_tested(monkeypatch: pytest.MonkeyPatch) -> None:
    """Holm by hand: the k-th smallest of n times n − k + 1, never below the one before."""
    runs = with_differences(np.array([3.0, 2.0, 4.0, 3.5, 1.5]) * LOSS_MARGIN)
    none = PRETRAINED_OR_RANDOM._replace(a=plain("frozen"))
    asked = [PRETRAINED_OR_RANDOM._replace(direction=d) for d in ("more", "no more", "same")]
    table, made = judge(monkeypatch, [[one] for one in (asked[0], none, *asked[1:])], runs)
    raw = [
        min(row.p_for, row.p_against) for row in made.sort_values("claim").itertuples(index=False)
    ]
    before, expected = 0.0, {}
    for k, i in enumerate(sorted(range(3), key=lambda i: raw[i])):
        before = expected[i] = max(before, min(1, (3 - k) * raw[i]))
    found = table["p_adjusted"].tolist()
    assert [found[0], *found[2:]] == pytest.approx([expected[i] for i in range(3)])
    assert np.isnan(found[1])
    assert table["verdict"].tolist()[:2] == ["supported", "not tested"]
    alone, _ = judge(monkeypatch, [[asked[0]]], runs)
    assert alone["p_adjusted"].item() == pytest.approx(raw[0])
    assert found[0] == pytest.approx(3 * raw[0])


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
    (comparison,) = claims.best_scales(study())
    found = pairs_of(comparison, runs)
    assert found.seeds == [1, 2, 3]
    assert found.a.tolist() == [[0.9 if plain_is_best else 0.6] * 3]
    assert found.b.tolist() == [[0.5] * 3]


def test_a_start_at_one_scale_has_no_best() -> None:
    rows = [vectors_run("pretrained", 1), run("random", 1), run("random", 1, scale=0.1)]
    for row in rows:
        row["validation_accuracy"] = 0.5
    (comparison,) = claims.best_scales(study())
    assert pairs_of(comparison, runs_table(rows)) is None


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
    assert row["p"] == pytest.approx(stats.ttest_1samp(expected, 0).pvalue)
    assert row["n_seeds"] == 5


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
    assert made["p"].item() == 2 * 0.5**5
    assert table["verdict"].item() == "undecided"


def test_epochs_are_those_to_a_level_that_both_sides_reach() -> None:
    """The level is 95 % of 0.80, the lower best: crossed in epoch 1 and, from a random start, 3."""
    rows = []
    for seed in (1, 2, 3):
        for epoch, (a, b) in enumerate(zip((0.5, 0.78, 0.8, 0.7), (0.5, 0.6, 0.75, 0.9))):
            rows.append(("pretrained", "word2vec", 5, 8, seed, epoch, "validation", 0.5, a))
            rows.append(("random", "", None, 8, seed, epoch, "validation", 0.5, b))
            # a frozen one that stays low must not lower the level of the others
            rows.append(("frozen", "word2vec", 5, 8, seed, epoch, "validation", 0.5, 0.5))
    curves = typed(pd.DataFrame(rows, columns=COLUMNS["classifier_curves"]))
    _, made = judged_by(study(), {"classifier_curves": curves}, NO_RUNS)
    row = made[(made["claim"] == "2") & (made["quantity"] == "epochs on validation")].iloc[0]
    crossed = 0.26 / 0.28, 2 + 0.01 / 0.15
    assert (row["mean_a"], row["mean_b"]) == pytest.approx(crossed)
    assert row["effect"] == pytest.approx(crossed[0] - crossed[1])


def test_what_a_study_has_no_table_for_is_not_tested() -> None:
    for path in STUDIES:
        table, made = judged_by(read_study(ROOT / path), {}, NO_RUNS)
        assert table["claim"].tolist() == [claim.claim for claim in CLAIMS]
        assert set(table["verdict"]) == {"not tested"}
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
def test_comparisons_name_what_there_is(path: str) -> None:
    """Quantities, directions, columns and recipes, for every claim of every study."""
    named = read_study(ROOT / path)
    assert len({claim.claim for claim in CLAIMS}) == len(CLAIMS)
    for claim in CLAIMS:
        for comparison in claim.comparisons(named):
            assert comparison.quantity in verdicts.QUANTITIES
            assert comparison.direction in DIRECTIONS
            for pick in (comparison.a, comparison.b):
                assert set(pick) <= KNOWN_COLUMNS
                recipes = pick.get("recipe", [])
                assert set([recipes] if isinstance(recipes, str) else recipes) <= set(named.recipes)


def test_every_claim_can_be_made_of_the_imdb_study() -> None:
    imdb = read_study(ROOT / "params.yaml")
    assert all(claim.comparisons(imdb) for claim in CLAIMS)


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
    assert [(c.name, c.quantity) for c in found] == [
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
    assert (row["comparison"], row["n_cells"], row["n_seeds"]) == ("few − few_k1", 2, 3)
    assert row["effect"] == pytest.approx(4)

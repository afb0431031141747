"""Small tidy tables in which every number is known, for the tests of what reads them."""

from itertools import product
from pathlib import Path

import pandas as pd

from sgns_study.artifacts import write_json, write_table
from sgns_study.evaluation.claims import CLAIMS
from sgns_study.evaluation.convergence import convergence
from sgns_study.evaluation.tables import COLUMNS, typed
from sgns_study.evaluation.verdicts import summed_up


def sgns_table(radii, dims, seeds, recipes=("lab",), epochs=3) -> pd.DataFrame:
    """Validation loss falls by epoch, but rises by 0.25 at the last epoch for the largest dim."""
    rows = []
    for recipe, radius, dim, seed in product(recipes, radii, dims, seeds):
        for epoch, split in product(range(epochs + 1), ("train", "validation")):
            rise = 0.25 * (epoch == epochs and dim == max(dims) and split == "validation")
            loss = 2 - 0.125 * epoch + rise + 0.01 * radius + (seed - 1) / 64
            rows.append((recipe, radius, dim, seed, epoch, split, loss, 0.5 + 0.1 * epoch))
    return pd.DataFrame(rows, columns=COLUMNS["sgns_curves"])


def run(init, recipe, radius, dim, seed, validation, test=None) -> list[tuple]:
    """A classifier's rows, from its validation accuracies by epoch and its test accuracy."""
    name = (init, recipe, radius, dim, seed)
    rows = []
    for epoch, accuracy in enumerate(validation):
        rows.append((*name, epoch, "train", 0.7 - 0.1 * epoch, 0.5 + 0.125 * epoch))
        rows.append((*name, epoch, "validation", 0.6, accuracy))
    if test is not None:
        rows.append((*name, validation.index(max(validation)), "test", 0.5, test))
    return rows


def classifier_table(radii, dims, seeds, recipes=("lab",)) -> pd.DataFrame:
    """Pretrained reaches 0.75 at epoch 1 and random 0.80 at epoch 2, both 0.01 more per seed."""
    rows = []
    for dim, seed in product(dims, seeds):
        more = 0.01 * (seed - 1)
        for recipe, radius in product(recipes, radii):
            curve = [0.5, 0.75 + more, 0.7]
            rows += run("pretrained", recipe, radius, dim, seed, curve, 0.74 + more)
        rows += run("random", None, None, dim, seed, [0.5, 0.6, 0.8 + more], 0.79 + more)
    return classifier_curves(rows)


def classifier_curves(rows: list[tuple]) -> pd.DataFrame:
    """Rows of `run` as the table that is read back from a file: recipe "", radius NA if none."""
    table = pd.DataFrame(rows, columns=COLUMNS["classifier_curves"]).astype({"radius": "Int64"})
    return table.assign(recipe=table["recipe"].astype(object).where(table["recipe"].notna(), ""))


# Around each of two recipes, two settings are changed; a third kind stands alone.
TWEAKS = [
    ("full", "word2vec", None, None, None, None),
    ("full_k1", "word2vec", "full", "negatives", "1", "5"),
    ("full_t0", "word2vec", "full", "subsample", "0.0", "0.001"),
    ("bare", "word2vec", None, None, None, None),
    ("bare_k5", "word2vec", "bare", "negatives", "5", "1"),
    ("bare_k20", "word2vec", "bare", "negatives", "20", "1"),
    ("bare_t3", "word2vec", "bare", "subsample", "0.001", "0.0"),
    ("ppmi", "ppmi", None, None, None, None),
]
# What each adds to every score, in points, for seeds 1, 2 and 3.
GAINS = {
    "full_k1": (-2, -4, -3),
    "full_t0": (-1, 1, 0),
    "bare": (-10, -10, -10),
    "bare_k5": (-7, -7, -7),
    "bare_k20": (-6, -6, -6),
    "bare_t3": (-10, -11, -12),
    "ppmi": (-5, -5, -5),
}
BASE_SCORES = {"EN-MEN-TR-3k": 0.6, "EN-WS-353-ALL": 0.5, "EN-SIMLEX-999": 0.1, "EN-RG-65": 0.4}


def recipes_of(names) -> pd.DataFrame:
    """The table of recipes, those of TWEAKS as there, any other a lab recipe like none."""
    known = {row[0]: row for row in TWEAKS}
    rows = [known.get(name, (name, "lab", None, None, None, None)) for name in names]
    return pd.DataFrame(rows, columns=COLUMNS["recipes"])


def word2vec_table(radii, dims, seeds, recipes) -> pd.DataFrame:
    """Curves of those of `recipes` that have epochs; training has no accuracy and no epoch 0."""
    recipes = [name for name in recipes if name != "ppmi"]
    table = sgns_table(radii, dims, seeds, recipes)
    trained = table["split"] == "train"
    table.loc[trained, "accuracy"] = None
    return table[~trained | (table["epoch"] > 0)].reset_index(drop=True)


def vectors_table(radii, dims, seeds, recipes=("lab",), planted=False) -> pd.DataFrame:
    """Scores of every model: BASE_SCORES and 0.01 more per seed and for each gain in points."""
    rows = []
    for recipe, radius, dim, seed in product(recipes, radii, dims, seeds):
        model = (recipe, radius, dim, seed)
        more = 0.01 * (seed + GAINS.get(recipe, (0, 0, 0))[(seed - 1) % 3])
        if planted:
            rows.append((*model, "planted", "precision_at_5", 0.5 + more, 1.0))
            rows.append((*model, "planted", "chance_at_5", 0.04, 1.0))
            continue
        for dataset, base in BASE_SCORES.items():
            rows.append((*model, dataset, "spearman", base + more, 0.875))
        for metric in ("3cosadd", "3cosmul"):
            rows.append((*model, "questions-words", metric, 0.25 + more, 0.5))
            rows.append((*model, "questions-words/family", metric, 0.5 + more, 0.75))
    return pd.DataFrame(rows, columns=COLUMNS["vectors"]).astype({"radius": "Int64"})


def noise_table() -> pd.DataFrame:
    """Counts 10,000, 100 and 1 to the power α: sums 10,101, 1,032.6… and 111."""
    counts = {"the": 10_000, "null": 100, "1,5": 1}
    rows = []
    for alpha in (1.0, 0.75, 0.5):
        total = sum(count**alpha for count in counts.values())
        rows += [(alpha, word, count, count**alpha / total) for word, count in counts.items()]
    return pd.DataFrame(rows, columns=COLUMNS["noise"])


def map_table(recipe="full") -> pd.DataFrame:
    """Two groups of four words; of each, three lie together and one among the other's."""
    places = {"good": (0.0, 0.0), "bad": (10.0, 10.0)}
    rows = []
    for group, (x, y) in places.items():
        near = [(f"{group}{i}", group, x + i / 4, y + i * i / 4) for i in range(3)]
        rows += [*near, (f"stray {group}", group, 10.5 - x, 9.5 - y)]
    table = pd.DataFrame(rows, columns=["word", "group", "x", "y"])
    model = {"recipe": recipe, "radius": 2, "dim": 16, "seed": 1}
    return table.assign(**model)[COLUMNS["map"]]


def neighbours_table(radii, dims, seeds, recipes=("lab",)) -> pd.DataFrame:
    """Ten neighbours of two words, of which one looks like markup."""
    rows = [
        (*model, word, rank, f"{word}_{rank}", 1 - rank / 16)
        for model in product(recipes, radii, dims, seeds)
        for word in ("null", "a|<b>*")
        for rank in range(1, 11)
    ]
    return pd.DataFrame(rows, columns=COLUMNS["neighbours"])


# What runs reach on test with all labels, in thousandths, by initial table and recipe.
REACHED = {
    ("random", None): 855,
    ("pretrained", "lab"): 810,
    ("shuffled", "lab"): 800,
    ("random_matched", "lab"): 830,
    ("frozen", "lab"): 700,
    ("pretrained", "word2vec"): 880,
    ("shuffled", "word2vec"): 860,
    ("random_matched", "word2vec"): 862,
    ("frozen", "word2vec"): 850,
    ("frozen_random", None): 720,
    ("pretrained", "ppmi"): 870,
    ("pretrained", "word2vec_1k"): 858,
}
CONTROLS = ("shuffled", "random_matched", "frozen")
SCALES = {0.01: 10, 0.03: 15, 0.1: 12, 0.3: 5, 1.0: -10}  # and what each adds, in thousandths
DOCUMENTS = {100: 240, 1000: 120, 10_000: 20}  # and what so few cost a random start; others half


def reached(seed, init, recipe, radius, dim, scale=None, documents=None, classifier="conv1d"):
    """A row of `runs`: what its seed adds is 2, 4, … thousandths, and 1 more for odd word lengths.

    Validation is one thousandth above test.
    """
    cost = DOCUMENTS.get(documents, 0) / (1 if init == "random" else 2)
    start = REACHED.get((init, recipe), 840)
    test = start + 2 * seed + (seed * len(init) % 3) + SCALES.get(scale, 0) - cost
    test = (test + (20 if dim == 256 else 0)) / 1000
    model = (init, recipe, radius, scale, documents, classifier, dim, seed)
    return (*model, None if dim is None else 3, test + 0.001, 0.4, test, 0.4, test)


def runs_table(seeds=(1, 2, 3), recipes=("lab", "word2vec"), dims=(128, 256)) -> pd.DataFrame:
    """The cells of a study with all its experiments, at d = 128 but for the grid."""
    cells = [("random", None, None, dim) for dim in dims]
    cells += [("frozen_random", None, None, dim) for dim in dims]
    cells += [("pretrained", name, r, dim) for name in recipes for r in (2, 5) for dim in dims]
    cells += [(init, name, 5, dims[0]) for init in CONTROLS for name in recipes]
    tables = [("random", None, None, dims[0])]
    tables += [("pretrained", name, 5, dims[0]) for name in recipes]
    cells += [(*table, scale) for table in tables for scale in SCALES]
    arms = [(*table, None) for table in tables] + [(*tables[0], 0.1)]
    arms += [("shuffled", name, 5, dims[0], None) for name in recipes[-1:]]
    cells += [(*arm, documents) for arm in arms for documents in DOCUMENTS]
    cells += [("random", None, None, dims[0], None, None, "large")]
    cells += [(None, None, None, None, None, None, name) for name in ("tfidf_lr", "nbsvm")]
    cells += [(None, None, None, None, None, None, "majority")]
    cells += [("pretrained", name, 5, dims[0], None, None, "mean_lr") for name in recipes]
    rows = [
        reached(seed, cell[0] or "", *cell[1:]) if cell[0] else baseline(seed, cell[-1])
        for cell in cells
        for seed in seeds
    ]
    return typed(pd.DataFrame(rows, columns=COLUMNS["runs"]))


def baseline(seed, classifier) -> tuple:
    """A row of `runs` without vectors."""
    test = {"tfidf_lr": 0.88, "nbsvm": 0.91, "majority": 0.5}[classifier] + 0.001 * seed
    return (None, None, None, None, None, classifier, None, seed, None, test, None, test, None, 0.5)


def convergence_table(radii=(2, 5), dims=(128, 256), seeds=(1, 2, 3)) -> pd.DataFrame:
    """Pretrained runs rise in one epoch to 0.8, random ones in two to 0.9, of four trained."""
    rows = []
    for dim, seed in product(dims, seeds):
        curve = [0.5, 0.77 + 0.01 * (seed % 2), 0.8, 0.79, 0.8]
        for radius in radii:
            rows += run("pretrained", "lab", radius, dim, seed, curve, 0.8)
        rows += run("random", None, None, dim, seed, [0.5, 0.7, 0.85, 0.9, 0.9], 0.9)
    return convergence(classifier_curves(rows))


def claims_table() -> pd.DataFrame:
    """Parts of four units and all verdicts, one of them long, one without p, and two untested."""
    random, long = "pretrained − random", "pretrained − random at its best, few labels"
    rows = [
        ("1", random, "test accuracy", "points", -4.5, -5, -4, "below", 0.0004, 5, "supported"),
        ("1", random, "test loss", "nats", 0.1, 0.05, 0.15, "above", 0.4, 5, "undecided"),
        ("2", long, "epochs", "epochs", 0.5, -0.5, 1.5, "within", 0.01, 5, "no difference"),
        ("6", "d = 2 − d = 1", "SGNS loss", "nats", 0.1, 0.05, 0.15, "above", 0.04, 5, "supported"),
        ("8", "", "", "", None, None, None, "", None, 0, "not tested"),
        *(
            ("12", part, "similarity", "points of similarity", *found, "below", 0.02, 3, verdict)
            for part, found, verdict in (
                ("a − b", (-3.0, -4, -2), "opposite"),
                ("a − c", (-1.0, -1.5, -0.5), "supported, but negligible"),
            )
        ),
        ("A", random, "test accuracy", "points", 1.0, None, None, "", None, 1, "not tested"),
        ("F", "", "", "", None, None, None, "", None, 0, "not tested"),
    ]
    of_claim = ["claim", "part", "quantity", "unit"]
    order = [*of_claim, "effect", "ci_low", "ci_high", "side", "p_adjusted", "n_seeds", "verdict"]
    table = pd.DataFrame(rows, columns=order)
    same = {"source": "the lab", "family": "the lab", "statement": "it is so"}
    table = table.assign(**same, p=table["p_adjusted"] / 2, claim_verdict=table["verdict"])
    table["n_items"] = 0
    return typed(table[COLUMNS["claims"]])


# The comparisons of `claims_of_a_study`: pretraining costs 4.5 points, with few labels it adds 10.
COMPARED = {
    "1": [
        ("pretrained − random", "test accuracy", "points", "no more", -4.5, -5.0, -4.0, 75, 79.5),
        ("pretrained − random", "test loss", "nats", "no less", 0.125, 0.0625, 0.1875, 0.5, 0.375),
    ],
    "2": [
        ("pretrained − random", "epochs on validation", "epochs", "less", 0.5, -0.5, 1.5, 2, 1.5)
    ],
    "6": [("d = 32 − d = 16", "SGNS loss", "nats", "more", 0.1, 0.05, 0.15, 1.9, 1.8)],
    "7": [("last epoch − best epoch", "SGNS rise", "nats", "more", 0.25, 0.2, 0.3, 0.25, 0)],
    "8": [("pretrained − random, few", "test accuracy", "points", "more", 10, 9, 11, 70, 60)],
    "B": [("pretrained − shuffled", "test accuracy", "points", "more", 1.5, -0.5, 3.5, 75, 73.5)],
    "C": [("each at its best", "test accuracy", "points", "more", 0.0, -1.0, 1.0, 80, 80)],
}


def comparisons_table(claims=tuple(COMPARED), n_seeds=2) -> pd.DataFrame:
    """COMPARED as the table that a study has; with one seed there are no intervals and no p.

    An interval without zero has an adjusted p of 0.004, others 0.4; nothing is equivalent.
    """
    rows = []
    for claim in (claim for claim in CLAIMS if claim.claim in claims):
        for name, quantity, unit, direction, effect, low, high, a, b in COMPARED[claim.claim]:
            row = dict.fromkeys(COLUMNS["comparisons"])
            row |= {"claim": claim.claim, "part": name, "family": claim.source}
            row |= {"quantity": quantity, "unit": unit, "direction": direction, "effect": effect}
            row |= {"mean_a": a, "mean_b": b, "margin": 0.5, "n_cells": 2, "n_seeds": n_seeds}
            row["n_items"] = 400 if quantity == "test accuracy" else 0
            if n_seeds > 1:
                p = 0.004 if low * high > 0 else 0.4
                row |= {"ci_low": low, "ci_high": high, "p_differs": p / 2, "power": 0.875}
                row |= {"p_differs_adjusted": p, "p_equivalent": 1, "p_equivalent_adjusted": 1}
            rows.append(row)
    table = pd.DataFrame(rows, columns=COLUMNS["comparisons"])
    return table.astype({c: float for c in table if c.startswith("p_")})


def claims_of_a_study(claims=tuple(COMPARED), n_seeds=2) -> pd.DataFrame:
    """Every claim there is, with the verdicts that the comparisons above give."""
    return summed_up(comparisons_table(claims, n_seeds))


def runs_of(curves: pd.DataFrame) -> pd.DataFrame:
    """A row for each run of `classifier_curves` that has been tested."""
    tests = curves[curves["split"] == "test"]
    scores = {"validation_accuracy": 0.8, "validation_loss": 0.6, "test_macro_f1": 0.7}
    names = {"epoch": "selected_epoch", "accuracy": "test_accuracy", "loss": "test_loss"}
    plain = {"scale": None, "documents": None, "classifier": "conv1d"}
    return typed(tests.rename(columns=names).assign(**plain, **scores)[COLUMNS["runs"]])


def amounts_of(recipes) -> pd.DataFrame:
    """Each recipe reads ten times as much as the one before it."""
    rows = [(name, 10 ** (3 + i), 250 * 10 ** (3 + i)) for i, name in enumerate(recipes)]
    return pd.DataFrame(rows, columns=COLUMNS["amounts"])


def study_tables(
    radii, dims, seeds, recipes=("lab",), planted=False, experiments=False
) -> dict[str, pd.DataFrame]:
    """All tables of a study, by name; `experiments` has the runs of many more than the grid."""
    grid, kinds = (radii, dims, seeds, recipes), set(recipes_of(recipes)["kind"])
    curves = sgns_table if kinds == {"lab"} else word2vec_table
    classifiers = classifier_table(*grid)
    of_grid = (runs_of(classifiers), convergence(classifiers))
    runs, times = (runs_table(), convergence_table()) if experiments else of_grid
    return {
        "recipes": recipes_of(recipes),
        "sgns_curves": curves(*grid),
        "classifier_curves": classifiers,
        "vectors": vectors_table(*grid, planted=planted),
        "neighbours": neighbours_table(*grid),
        "noise": noise_table(),
        "amounts": amounts_of(recipes),
        "map": map_table(recipes[0]),
        "runs": runs,
        "convergence": times,
        "claims": claims_of_a_study(),
        "comparisons": comparisons_table(),
        "timings": TIMINGS,
    }


TIMINGS = pd.DataFrame(
    [
        ("train_sgns", "lab-r2-d16-s1", 10.0, 300.5),
        ("train_sgns", "lab-r2-d16-s2", 30.0, 200.0),
        ("train_sgns", "lab-r2-d16-s3", 20.0, 250.0),
        ("aggregate", "all", 0.5, None),
    ],
    columns=["rule", "wildcards", "seconds", "peak_memory_mib"],
)


def write_study(folder: Path, *grid, **options) -> None:
    """The tidy tables of a study, as files; arguments of `study_tables`."""
    for name, table in study_tables(*grid, **options).items():
        write_table(folder / f"{name}.csv", table)
    best = {"best_model": "classifiers/a-s1/model.safetensors", "best_model_test_accuracy": 0.7875}
    write_json(folder / "metrics.json", best)

"""The claims: each stated with its source, its quantity, its direction and its comparisons.

A claim has one or more comparisons A − B of a quantity; it holds if all of them do. `CLAIMS` is the
one place to change or add one; how a comparison is made and judged is in `verdicts.py`.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from itertools import permutations
from typing import Any, Literal, NamedTuple

from sgns_study.params import Section, Study

Direction = Literal["more", "less", "no more", "no less", "same"]
Pick = Mapping[str, Any]  # values of columns that choose rows; a list allows several, None: empty

LAB = "the lab"
TWEAKS = "the tweaks"
OWN = "this study"
FEW = 1000  # labelled documents, at most, that make a task a hard one


class Comparison(NamedTuple):
    """A − B of a quantity (`verdicts.QUANTITIES`), in all cells where both were run, by seed."""

    name: str
    quantity: str
    a: Pick
    b: Pick
    direction: Direction  # of A − B, as the claim has it


Comparisons = Callable[[Study], list[Comparison]]  # those that a study can make


class Claim(NamedTuple):
    """A statement that can be wrong; it holds in a study if all its comparisons do."""

    claim: str
    source: str
    statement: str
    comparisons: Comparisons


def plain(init: str, recipes: list[str] | None = None, **more: Any) -> Pick:
    """Rows of the study's classifier on all documents, its embedding not rescaled."""
    vectors = {"recipe": recipes} if recipes else {}
    start = {"init": init, "classifier": "conv1d", "scale": None, "documents": None}
    return {**start, **vectors, **more}


def pretrained_or_random(
    names: Mapping[str, Direction], recipes: Callable[[Study], list[str]]
) -> Comparisons:
    """Quantities of classifiers from vectors of some recipes against those from a random start."""

    def comparisons(study: Study) -> list[Comparison]:
        a, b = plain("pretrained", recipes(study)), plain("random")
        return [
            Comparison("pretrained − random", quantity, a, b, direction)
            for quantity, direction in names.items()
        ]

    return comparisons


def grid_recipes(study: Study) -> list[str]:
    """The recipes of the grid: on IMDB the lab's."""
    return study.grid.recipes


def best_recipes(study: Study) -> list[str]:
    """The word2vec recipes, as used in practice, on all text; if there are none, the grid's."""
    whole = [
        name
        for name, recipe in study.recipes.items()
        if recipe.kind == "word2vec" and recipe.documents is None and recipe.like is None
    ]
    return whole or study.grid.recipes


def radius_compared(direction: Direction) -> Comparisons:
    """The smallest radius against the largest."""

    def comparisons(study: Study) -> list[Comparison]:
        small, large = min(study.grid.radii), max(study.grid.radii)
        a, b = (plain("pretrained", study.grid.recipes, radius=r) for r in (small, large))
        name = f"R = {small} − R = {large}"
        return [Comparison(name, "test accuracy", a, b, direction)] if small < large else []

    return comparisons


def dim_of_classifiers(study: Study) -> list[Comparison]:
    """The largest dimension against the smallest, at every radius."""
    small, large = min(study.grid.dims), max(study.grid.dims)
    found = []
    for radius in study.grid.radii if small < large else []:
        start = plain("pretrained", study.grid.recipes, radius=radius)
        name = f"d = {large} − d = {small} at R = {radius}"
        a, b = ({**start, "dim": dim} for dim in (large, small))
        found.append(Comparison(name, "test accuracy", a, b, "more"))
    return found


def dim_of_vectors(study: Study) -> list[Comparison]:
    """The largest dimension against the smallest in the task of SGNS."""
    small, large = min(study.grid.dims), max(study.grid.dims)
    a, b = ({"recipe": study.grid.recipes, "dim": dim} for dim in (large, small))
    name = f"d = {large} − d = {small}"
    return [Comparison(name, "SGNS loss", a, b, "more")] if small < large else []


def overfitting(study: Study) -> list[Comparison]:
    """The last epoch of SGNS against the best, which is read off the other seeds."""
    recipes = {"recipe": [r for r in study.grid.recipes if study.recipes[r].kind == "lab"]}
    return [Comparison("last epoch − best epoch before it", "SGNS rise", recipes, recipes, "more")]


def few_labels(study: Study) -> list[Comparison]:
    """Pretrained against random where labels are few."""
    tried = {n for block in study.experiments.values() for n in block.documents}
    few = sorted(n for n in tried if n <= FEW)
    name = f"pretrained − random, {FEW:,} labelled documents at most"
    a, b = plain("pretrained", best_recipes(study), documents=few), plain("random", documents=few)
    quantities: dict[str, Direction] = {"test accuracy": "more", "epochs on validation": "less"}
    return [Comparison(name, key, a, b, quantities[key]) for key in quantities if few]


def settings_compared(
    key: str, value: Callable[[Any], bool], base: Callable[[Any], bool]
) -> Comparisons:
    """Recipes alike in all settings but `key`: those with a `value` of it against a `base`."""

    def comparisons(study: Study) -> list[Comparison]:
        return [
            Comparison(f"{a} − {b}", "similarity", {"recipe": a}, {"recipe": b}, "more")
            for a, b in alike_but_for(study, key)
            if value(setting(study, a, key)) and base(setting(study, b, key))
        ]

    return comparisons


def alike_but_for(study: Study, key: str) -> Iterator[tuple[str, str]]:
    """Ordered pairs of recipes that differ in this key alone, or in `documents` and epochs."""
    ignored = {"like", key} | ({"epochs"} if key == "documents" else set())
    rest = {name: recipe.model_dump(exclude=ignored) for name, recipe in study.recipes.items()}
    for a, b in permutations(study.recipes, 2):
        if rest[a] == rest[b] and setting(study, a, key) != setting(study, b, key):
            yield a, b


def setting(study: Study, recipe: str, key: str) -> Any:
    """A recipe's value of a setting, None if it has none."""
    section: Section = study.recipes[recipe]
    return getattr(section, key, None)


def rare_or_common(study: Study) -> list[Comparison]:
    """Rare words deleted against none, and common words subsampled against none."""
    rare = settings_compared("min_count", lambda n: n == 5, lambda n: n == 1)
    return rare(study) + settings_compared("subsample", bool, lambda t: t == 0)(study)


def more_text(study: Study) -> list[Comparison]:
    """Each amount of text against the next smaller one: similarity, and the classifier."""
    found = []
    amounts = {
        name: recipe.documents or math.inf
        for name, recipe in study.recipes.items()
        if recipe.kind == "word2vec"
    }
    pairs = [pair for pair in alike_but_for(study, "documents") if set(pair) <= set(amounts)]
    for a, b in pairs:
        smaller = [amounts[n] for one, n in pairs if one == a and amounts[n] < amounts[a]]
        if amounts[b] == max(smaller, default=0):
            starts = plain("pretrained", [a]), plain("pretrained", [b])
            found += [
                Comparison(f"{a} − {b}", "similarity", {"recipe": a}, {"recipe": b}, "more"),
                Comparison(f"{a} − {b}", "test accuracy", *starts, "more"),
            ]
    return found


def meaning(study: Study) -> list[Comparison]:
    """The vectors against the same numbers at other words."""
    a, b = (plain(init, best_recipes(study)) for init in ("pretrained", "shuffled"))
    return [Comparison("pretrained − shuffled", "test accuracy", a, b, "more")]


def best_scales(study: Study) -> list[Comparison]:
    """Both sides at the scale that is best for each on validation."""
    a, b = plain("pretrained", best_recipes(study), scale="best"), plain("random", scale="best")
    name = "pretrained − random, each at its best scale"
    return [Comparison(name, "test accuracy", a, b, "more")]


CLAIMS = (
    Claim(
        "1",
        LAB,
        "Pretraining does not improve the final accuracy or loss.",
        pretrained_or_random({"test accuracy": "no more", "test loss": "no less"}, grid_recipes),
    ),
    Claim(
        "2",
        LAB,
        "Pretraining reaches that level much faster, on validation and on training data.",
        pretrained_or_random(
            {"epochs on validation": "less", "epochs on training": "less"}, grid_recipes
        ),
    ),
    Claim("3", LAB, "A smaller radius R is better.", radius_compared("more")),
    Claim("4", LAB, "… but not by much: R makes no difference.", radius_compared("same")),
    Claim(
        "5", LAB, "A larger dimension is better for the classifier at every R.", dim_of_classifiers
    ),
    Claim("6", LAB, "A larger dimension is worse for the SGNS task itself.", dim_of_vectors),
    Claim("7", LAB, "SGNS overfits by its last epoch.", overfitting),
    Claim(
        "8",
        LAB,
        "On harder tasks (few labels) pretraining helps both accuracy and speed.",
        few_labels,
    ),
    Claim(
        "9",
        TWEAKS,
        "More negatives than positives: K from 2 to 20 beats K = 1.",
        settings_compared("negatives", lambda k: k is not None and k > 1, lambda k: k == 1),
    ),
    Claim(
        "10",
        TWEAKS,
        "Weighting a context at distance m by 1/m helps.",
        settings_compared("window", lambda w: w == "harmonic", lambda w: w == "fixed"),
    ),
    Claim(
        "11",
        TWEAKS,
        "Noise from counts to the 0.75 beats plain counts, in SGNS and in PMI.",
        settings_compared("alpha", lambda a: a == 0.75, lambda a: a == 1),
    ),
    Claim("12", TWEAKS, "Deleting rare words and subsampling common ones helps.", rare_or_common),
    Claim("13", TWEAKS, "More text helps.", more_text),
    Claim(
        "A",
        OWN,
        "A classifier from pretrained vectors ends better than one from a random start.",
        pretrained_or_random({"test accuracy": "more"}, best_recipes),
    ),
    Claim("B", OWN, "It is the meaning of the vectors: they beat the same rows shuffled.", meaning),
    Claim("C", OWN, "It holds when each side starts at its best scale.", best_scales),
)

"""The claims: each stated with its source and its parts, which are comparisons with a direction.

A claim holds if all its parts do, but for those that are only shown beside it because the source
does not claim them. `STATED` is the one place to change or add one; how a part is judged is in
`verdicts.py`.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, combinations, permutations, product
from typing import Any, Literal, NamedTuple

from sgns_study.params import CONV1D, Study
from sgns_study.plan import FROM_VECTORS, baselines, variants

Direction = Literal["more", "less", "no more", "no less", "same"]
Pick = Mapping[str, Any]  # values of columns that choose rows; a list allows several, None: empty

LAB = "the lab"  # sources are the families whose p values are adjusted together
LECTURE = "the lecture"
OWN = "this study"  # explores: questions that no source has asked
ACCURACY, SPLITS = "test accuracy", {"validation": "validation", "training": "train"}
EPOCHS = [f"epochs on {s}, {level} level" for s in SPLITS for level in ("common", "own")]
MORE_ACCURATE: Mapping[str, Direction] = {ACCURACY: "more"}
MORE_AND_FASTER: Mapping[str, Direction] = {ACCURACY: "more", EPOCHS[0]: "less"}
BEST_RANDOM = "random at its best"
TUNED = {"embedding_learning_rate", "epochs"}  # with the scale, of every start alike
CONTROLS = ["shuffled", "random_matched", BEST_RANDOM]
FEW = 1000  # labelled documents, at most, that make a task a hard one


class Part(NamedTuple):
    """A − B of a quantity (`quantities.QUANTITIES`), in all cells where both were run, by seed."""

    part: str
    quantity: str
    a: Pick
    b: Pick
    direction: Direction  # of A − B, as the claim has it
    claimed: bool = True  # by the source; else it explores and does not count for the claim


Parts = Callable[[Study], list[Part]]  # those that a study can make


class Claim(NamedTuple):
    """A statement that can be wrong; it holds in a study if all parts that it claims do."""

    claim: str
    source: str
    statement: str
    parts: Parts


def plain(init: str, recipes: list[str] | None = None, **more: Any) -> Pick:
    """Rows of the study's classifier on all documents, its embedding not rescaled.

    In a table of vectors they are those of the recipes, at a radius or dimension that `more` names.
    """
    start = {"init": init, "classifier": CONV1D, "scale": None, "documents": None}
    return start | ({"recipe": recipes} if recipes else {}) | more


def tuned(study: Study) -> list[str]:
    """The study's classifier and the others that differ from it only in what is tuned."""
    classifiers = {CONV1D: study.classifier, **study.classifiers}
    rest = {name: one and one.model_dump(exclude=TUNED) for name, one in classifiers.items()}
    return [name for name, found in rest.items() if found == rest[CONV1D]]


def but_for_tables(parts: Parts) -> Parts:
    """Parts of a claim of the lab, which a study of a table of someone's own does not test."""
    return lambda study: [] if study.corpus.kind == "table" else parts(study)


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


def starts(
    init: str,
    others: Sequence[str],
    recipes: Callable[[Study], list[str]] = best_recipes,
    quantities: Mapping[str, Direction] = MORE_ACCURATE,
    words: str = "",
    **both: Any,
) -> Parts:
    """Classifiers from vectors used in one way against other starts.

    `both` picks rows of both sides; a value of it may be a function of the study.
    """

    def parts(study: Study) -> list[Part]:
        rows = {key: of(study) if callable(of) else of for key, of in both.items()}
        a, found = plain(init, recipes(study), **rows), list[Part]()
        for other in others:
            b = plain(other, recipes(study) if other in FROM_VECTORS else None, **rows)
            best = {"init": "random", "scale": "best", "classifier": tuned(study)}
            b = {**b, **best} if other == BEST_RANDOM else b
            name = f"{init} − {other}{words}"
            found += [Part(name, key, a, b, direction) for key, direction in quantities.items()]
        return found

    return parts


def radius_compared(direction: Direction) -> Parts:
    """The smallest radius against the largest."""

    def parts(study: Study) -> list[Part]:
        small, large = min(study.grid.radii), max(study.grid.radii)
        a, b = (plain("pretrained", study.grid.recipes, radius=r) for r in (small, large))
        name = f"R = {small} − R = {large}"
        return [Part(name, ACCURACY, a, b, direction)] if small < large else []

    return parts


def dim_compared(directions: Mapping[str, Direction]) -> Parts:
    """The largest dimension against the smallest in each of these quantities, at every radius."""

    def parts(study: Study) -> list[Part]:
        small, large = min(study.grid.dims), max(study.grid.dims)
        found = []
        for quantity, radius in product(directions, study.grid.radii if small < large else []):
            start = plain("pretrained", study.grid.recipes, radius=radius)
            name = f"d = {large} − d = {small} at R = {radius}"
            a, b = ({**start, "dim": dim} for dim in (large, small))
            found.append(Part(name, quantity, a, b, directions[quantity]))
        return found

    return parts


def lab_recipes(study: Study) -> set[str]:
    """The recipes of the lab's kind."""
    return {name for name, recipe in study.recipes.items() if recipe.kind == "lab"}


def overfitting(study: Study) -> list[Part]:
    """The last epoch of SGNS against the best, which is read off the other seeds.

    The lab claims it of its own recipe, which is in the grid, not of one that is trained longer.
    """
    labs = lab_recipes(study)
    own, others = labs & {*study.grid.recipes}, sorted(labs - {*study.grid.recipes})
    asked = {"last epoch − best epoch before it": sorted(own)}
    asked |= {f"the same, {name}": [name] for name in others}
    return [
        Part(name, "SGNS rise", {"recipe": found}, {"recipe": found}, "more", own >= {*found})
        for name, found in asked.items()
    ]


def negatives_of_a_window(study: Study) -> list[Part]:
    """Recipes of the lab that differ in K: the fewest negatives of a window, 2RK, against the most.

    Beside it, which the lab does not claim, equally many of a smaller and of a larger radius.
    """
    alike = {*chain.from_iterable(alike_but_for(study, "negatives"))}
    labs = {name: setting(study, name, "negatives") for name in alike & lab_recipes(study)}
    read = {(v.recipe, v.radius) for v in variants(study) if v.init == "pretrained"}
    windows = sorted((2 * r * labs[name], r, name) for name, r in read if r and name in labs)
    asked = [(windows[0], windows[-1], True)] if windows else []
    asked += [(a, b, False) for a, b in combinations(windows, 2) if a[0] == b[0]]
    found = []
    for *sides, claimed in asked:
        words = [f"R = {r}, K = {labs[name]}" for _, r, name in sides]
        a, b = (plain("pretrained", [name], radius=r) for _, r, name in sides)
        direction: Direction = "more" if claimed else "same"
        found.append(Part(" − ".join(words), ACCURACY, a, b, direction, claimed))
    return found


def few(study: Study) -> list[int]:
    """The numbers of labelled documents that the study has and that make a task a hard one."""
    blocks = study.experiments.values()
    return sorted({n for block in blocks for n in block.documents if n <= FEW})


def settings_compared(
    key: str,
    value: Callable[[Any], bool],
    base: Callable[[Any], bool],
    claimed: Callable[[Any], bool] = lambda value: True,
) -> Parts:
    """Recipes alike in all but `key`: with a `value` of it, `claimed` or not, against a `base`.

    By similarity; beside it, which is not claimed, by what reads the vectors as they are.
    """

    def parts(study: Study) -> list[Part]:
        found, read = list[Part](), readers(study)
        for a, b in alike_but_for(study, key):
            value_of_a = setting(study, a, key)
            if not (value(value_of_a) and base(setting(study, b, key))):
                continue
            sides = {"recipe": a}, {"recipe": b}
            found.append(Part(f"{a} − {b}", "similarity", *sides, "more", claimed(value_of_a)))
            for name, (rows, recipes) in read.items():
                if {a, b} <= recipes:
                    sides = {**rows, "recipe": a}, {**rows, "recipe": b}
                    found.append(Part(f"{a} − {b}, {name}", ACCURACY, *sides, "more", False))
        return found

    return parts


def readers(study: Study) -> dict[str, tuple[Pick, set[str]]]:
    """What classifies by vectors that it does not change: its rows, the recipes that it reads."""
    frozen = {v.recipe for v in variants(study) if v.init == "frozen" and v.recipe}
    means = {each.model.recipe for each in baselines(study) if each.model}
    return {
        "frozen": (plain("frozen"), frozen),
        "mean of words": ({**plain("pretrained"), "classifier": "mean_lr"}, means),
    }


def alike_but_for(study: Study, key: str) -> Iterator[tuple[str, str]]:
    """Ordered pairs of recipes that differ in this key alone, or in `documents` and epochs."""
    ignored = {"like", key} | ({"epochs"} if key == "documents" else set())
    rest = {name: recipe.model_dump(exclude=ignored) for name, recipe in study.recipes.items()}
    for a, b in permutations(study.recipes, 2):
        if rest[a] == rest[b] and setting(study, a, key) != setting(study, b, key):
            yield a, b


def setting(study: Study, recipe: str, key: str) -> Any:
    """A recipe's value of a setting, None if it has none."""
    return getattr(study.recipes[recipe], key, None)


def rare_or_common(study: Study) -> list[Part]:
    """Rare words deleted, and common ones subsampled, which is claimed of word2vec's own t."""
    rare = settings_compared("min_count", lambda n: n == 5, lambda n: n == 1)
    common = settings_compared("subsample", bool, lambda t: t == 0, lambda t: t == 1e-3)
    return rare(study) + common(study)


def more_text(study: Study) -> list[Part]:
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
                Part(f"{a} − {b}", "similarity", {"recipe": a}, {"recipe": b}, "more"),
                Part(f"{a} − {b}", ACCURACY, *starts, "more"),
            ]
    return found


STATED: dict[str, dict[tuple[str, str], Parts]] = {
    LAB: {
        ("1", "Pretraining does not improve the final accuracy or loss."): starts(
            "pretrained", ["random"], grid_recipes, {ACCURACY: "no more", "test loss": "no less"}
        ),
        (
            "2",
            "Pretraining reaches that level much faster, on validation and on training data.",
        ): starts("pretrained", ["random"], grid_recipes, dict.fromkeys(EPOCHS, "less")),
        ("3", "A smaller radius R is better."): radius_compared("more"),
        ("4", "… but not by much: R makes no difference."): radius_compared("same"),
        ("5", "A larger dimension is better for the classifier at every R."): dim_compared(
            MORE_ACCURATE
        ),
        ("6", "A larger dimension is worse for the SGNS task itself."): dim_compared(
            {"SGNS loss": "more", "SGNS accuracy": "less"}
        ),
        ("7", "SGNS overfits by its last epoch."): overfitting,
        ("8", "On harder tasks (few labels) pretraining helps both accuracy and speed."): starts(
            "pretrained", ["random"], best_recipes, MORE_AND_FASTER, ", few labels", documents=few
        ),
        (
            "14",
            "Too large a context loses information: 2RK must not be too high.",
        ): negatives_of_a_window,
    },
    LECTURE: {
        ("9", "More negatives than positives: K from 2 to 20 beats K = 1."): settings_compared(
            "negatives", lambda k: k is not None and k > 1, lambda k: k == 1
        ),
        ("10", "Weighting a context at distance m by 1/m helps."): settings_compared(
            "window", lambda w: w == "harmonic", lambda w: w == "fixed"
        ),
        (
            "11",
            "Noise from counts to the 0.75 beats plain counts, in SGNS and in PMI.",
        ): settings_compared("alpha", lambda a: a == 0.75, lambda a: a == 1),
        ("12", "Deleting rare words and subsampling common ones helps."): rare_or_common,
        ("13", "More text helps."): more_text,
    },
    OWN: {
        ("A", "Classifiers from pretrained vectors end better than from a random start."): starts(
            "pretrained", ["random"]
        ),
        ("B", "It is the meaning of the vectors: they beat the same rows shuffled."): starts(
            "pretrained", ["shuffled"]
        ),
        ("C", "It holds when each side has its best scale, step size and epochs."): starts(
            "pretrained", ["random"], words=", each at its best", scale="best", classifier=tuned
        ),
        ("D", "Pretrained vectors that stay frozen beat a random start that is trained."): starts(
            "frozen", ["random"]
        ),
        ("E", "With few labels pretrained vectors beat every control."): starts(
            "pretrained", CONTROLS, words=", few labels", documents=few
        ),
        ("F", "The large classifier needs pretrained vectors, and to train them further."): starts(
            "pretrained", ["random", "shuffled", "frozen"], words=", large", classifier="large"
        ),
    },
}
CLAIMS = tuple(
    Claim(name, source, statement, but_for_tables(parts) if source == LAB else parts)
    for source, stated in STATED.items()
    for (name, statement), parts in stated.items()
)

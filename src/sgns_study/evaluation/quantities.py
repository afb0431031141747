"""What is compared: the values of every run, read off the tables of a study, by quantity."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sgns_study.classifiers.inits import is_frozen
from sgns_study.evaluation.claims import ACCURACY, SPLITS, Part, Pick
from sgns_study.evaluation.convergence import convergence
from sgns_study.evaluation.tables import RUN
from sgns_study.evaluation.vectors import PLANTED, final_losses, scores

CELL = ["recipe", "radius", "scale", "documents", "dim"]
SCORE, SIMILARITY = "similarity", "points of similarity"
BEST = "best"  # in a pick: of each side the scale and classifier that are best on validation
NO_VALUES = pd.DataFrame(columns=[*CELL, "seed", "value"])


class Evidence(NamedTuple):
    """The tables that claims are judged by; a table that the study does not have is empty."""

    runs: pd.DataFrame
    correct: NDArray[np.uint8]  # (runs, documents)
    curves: pd.DataFrame  # of all classifiers
    vectors: pd.DataFrame
    sgns_curves: pd.DataFrame
    word_pairs: pd.DataFrame
    ranks: NDArray[np.uint16]  # of cosines, (models, word pairs), 0: not known


def picked(table: pd.DataFrame, pick: Pick, runs: pd.DataFrame) -> pd.DataFrame:
    """The rows of a table that a pick chooses."""
    for column, wanted in pick.items():
        if column not in table:
            continue
        if wanted == BEST:
            table = at_best_setting(table, runs)
        elif wanted is None:
            table = table[table[column].isna()]
        else:
            table = table[table[column].isin(wanted if isinstance(wanted, list) else [wanted])]
    return table.replace({"recipe": {"": None}})


def at_best_setting(table: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """The rows of each start and number of documents at its best setting, by validation accuracy.

    A setting is a scale, that which vectors come with among them, and one of the classifiers that
    the table has. Only of starts that were tried at several; by the seeds with the most of them.
    """
    place, setting = ["init", "recipe", "radius", "documents", "dim"], ["scale", "classifier"]
    tried = runs[runs["classifier"].isin(table["classifier"])]
    number = tried.groupby([*place, "seed"], dropna=False)["dim"].transform("size")
    most = number.groupby([tried[column] for column in place], dropna=False).transform("max")
    tried = tried[number == most]
    means = tried.groupby([*place, *setting], dropna=False)["validation_accuracy"].mean()
    means = means.reset_index()
    several = means[means.duplicated(place, keep=False)]
    best = several.groupby(place, dropna=False)["validation_accuracy"].idxmax()
    return table.merge(several.loc[best, [*place, *setting]], on=[*place, *setting])


def of_runs(runs: pd.DataFrame, column: str) -> pd.DataFrame:
    """A column of `runs` as values, with the numbers of their rows."""
    return runs[RUN].assign(value=runs[column], row=np.arange(len(runs)))


def of_models(
    measure: Callable[[pd.DataFrame], pd.DataFrame], table: pd.DataFrame, column: str
) -> pd.DataFrame:
    """What a measure finds of the models in a table, as values; none from an empty table."""
    return NO_VALUES if table.empty else measure(table).rename(columns={column: "value"})


def of_scores(evidence: Evidence, _: Part) -> pd.DataFrame:
    """The scores of models; if word pairs make them, with the numbers of their rows in `ranks`."""
    found = of_models(scores, evidence.vectors, "score")
    by_pairs = len(evidence.word_pairs) and PLANTED not in set(evidence.vectors["dataset"])
    return found.assign(row=np.arange(len(found))) if by_pairs else found


def epochs_to(level: str, split: str, evidence: Evidence, part: Part) -> pd.DataFrame:
    """Epochs until the runs of a part reach their own level, or one common to them all."""
    sides = [picked(evidence.curves, pick, evidence.runs) for pick in (part.a, part.b)]
    curves = pd.concat(sides).drop_duplicates()
    table = convergence(curves[curves["split"] == split])
    return table[table["level_of"] == level].rename(columns={"epochs": "value"})


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
    """Something that is compared: its values by run, and the unit it is reported in."""

    values: Callable[[Evidence, Part], pd.DataFrame]  # columns of a cell, seed and value
    unit: str


QUANTITIES = {
    ACCURACY: Quantity(lambda e, _: of_runs(e.runs, "test_accuracy"), "points"),
    "test loss": Quantity(lambda e, _: of_runs(e.runs, "test_loss"), "nats"),
    **{
        f"epochs on {name}, {level} level": Quantity(partial(epochs_to, level, split), "epochs")
        for name, split in SPLITS.items()
        for level in ("common", "own")
    },
    SCORE: Quantity(of_scores, SIMILARITY),
    "SGNS loss": Quantity(lambda e, _: of_models(final_losses, e.sgns_curves, "loss"), "nats"),
    "SGNS accuracy": Quantity(
        lambda e, _: of_models(final_losses, e.sgns_curves, "accuracy"), "points"
    ),
    "SGNS rise": Quantity(lambda e, _: of_models(sgns_rises, e.sgns_curves, "rise"), "nats"),
}


def times(curves: pd.DataFrame) -> pd.DataFrame:
    """`convergence` of the classifiers on all documents whose embedding is trained too.

    A frozen embedding may end so low that the level which all reach says nothing of the others.
    """
    return convergence(curves[~curves["init"].map(is_frozen)])

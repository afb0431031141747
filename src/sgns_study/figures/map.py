"""A map of word vectors: words that are used alike lie close together."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from sgns_study.errors import visible
from sgns_study.evaluation.tables import MODEL
from sgns_study.figures.labels import write_labels
from sgns_study.figures.style import MARKERS, WIDTH, drawn, legend
from sgns_study.figures.wording import counted, listed, percent

ALT = "Map of words in two dimensions, each word labelled and marked by its group of meaning"
DARK = ("#0072B2", "#D55E00", "#00785A", "#A34F7C", "#8F6300", "#000000")  # readable as text
LABEL = 6.5  # size of the words, in points


def draw(recipes: pd.DataFrame, table: pd.DataFrame) -> Figure:
    """Every word beside its point, with the colour and the marker of its group."""
    table = one_model(recipes, table)
    figure = Figure(figsize=(WIDTH, 6.4))
    axis = figure.subplots()
    groups = list(table["group"].unique())
    look = {name: (DARK[i % 6], MARKERS[(i + i // 6) % 6]) for i, name in enumerate(groups)}
    for name, words in table.groupby("group", sort=False):
        colour, marker = look[name]
        axis.plot(words["x"], words["y"], marker, color=colour, markersize=3.5)
    axis.margins(0.07)
    axis.set_xticks([])
    axis.set_yticks([])
    axis.grid(False)
    axis.spines[:].set_visible(False)
    legend(
        figure,
        [
            Line2D([], [], color=colour, marker=marker, linestyle="", label=entry(name))
            for name, (colour, marker) in look.items()
        ],
    )
    colours = [look[name][0] for name in table["group"]]
    words = [drawn(word) for word in table["word"]]
    write_labels(figure, axis, table[["x", "y"]].to_numpy(float), words, colours, LABEL)
    return figure


def entry(group: str) -> str:
    """A group in the legend, which would leave out a name that starts with `_`."""
    return f" {drawn(group)}" if group.startswith("_") else drawn(group)


def one_model(recipes: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """The map drawn: of the first word2vec recipe, at its smallest radius, dimension and seed."""
    order = {name: place for place, name in enumerate(recipes["recipe"].unique())}
    kinds = dict(zip(recipes["recipe"], recipes["kind"]))
    maps = table[MODEL].drop_duplicates()
    maps = maps.assign(
        other=maps["recipe"].map(kinds) != "word2vec", order=maps["recipe"].map(order)
    )
    first = maps.sort_values(["other", "order", "radius", "dim", "seed"]).iloc[0]
    return table[(table[MODEL] == first[MODEL]).all(axis=1)].reset_index(drop=True)


def caption(recipes: pd.DataFrame, table: pd.DataFrame) -> str:
    """How the map was made, and how often the nearest word is of the same group."""
    table = one_model(recipes, table)
    model = table.iloc[0]
    own = nearest_is_own(table[["x", "y"]].to_numpy(float), table["group"].to_numpy())
    sizes = table["group"].map(table["group"].value_counts())
    chance = float(((sizes - 1) / (len(table) - 1)).mean())
    by_group = pd.Series(own).groupby(table["group"], sort=False).mean()
    text = (
        f"Map of {counted(len(table), 'word')} in {counted(len(by_group), 'group')} that were "
        f"chosen beforehand, from the vectors of {model['recipe']} (R = {model['radius']}, "
        f"d = {model['dim']}, seed {model['seed']}). Made by t-SNE of their cosines: words near "
        f"each other have similar vectors; large distances and the axes mean nothing. Of the "
        f"words, {percent(own.mean(), 0)} have a word of their own group nearest on the map; by "
        f"chance it would be {percent(chance, 0)}."
    )
    if by_group.min() < 1:
        worst = by_group[by_group == by_group.min()]
        names = listed(map(visible, worst.index))
        text += f" It is least often so in {names} ({percent(worst.iloc[0], 0)})."
    return text


def nearest_is_own(places: NDArray[np.float64], groups: NDArray[np.object_]) -> NDArray[np.bool_]:
    """Whether the nearest other point (n, 2) is of the same group (n,)."""
    distance = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    return groups[distance.argmin(axis=1)] == groups

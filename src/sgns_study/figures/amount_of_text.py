"""More text: word similarity and analogies against the words that vectors were learned from."""

from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from sgns_study.evaluation.amounts import by_amount, extended
from sgns_study.evaluation.vectors import estimate
from sgns_study.figures import plotting

# Columns dim, words, accuracy (%). Mikolov et al. (2013), arXiv:1301.3781, table 2: CBOW, three
# epochs, word analogies of which all words are among the 30,000 most frequent.
PUBLISHED = Path(__file__).with_name("published_analogies.csv")
CHILD, GROWN = (2e6, 1e7), 1.7e8  # words that a child hears in a year, and until the SAT
LECTURE = 33e9  # words, the most that the lecture speaks of
PANELS = {
    "similarity": "mean Spearman’s ρ\n(points)",
    "analogies": "analogies (%)",
    "semantic": "semantic (%)",
    "syntactic": "syntactic (%)",
}


def draw(amounts: pd.DataFrame, vectors: pd.DataFrame) -> Figure:
    """Two by two panels of scores against running words, a line a dimension."""
    rows = by_amount(amounts, vectors)
    dims = sorted(rows["dim"].unique())
    looks = {dim: plotting.nth_look(i, f"d = {dim}") for i, dim in enumerate(dims)}
    figure = Figure(figsize=(plotting.WIDTH, 4.6))
    axes = figure.subplots(2, 2, sharex=True)
    for axis, (score, name) in zip(axes.flat, PANELS.items()):
        for dim, own in rows.groupby("dim"):
            found = {words: estimate(group[score]) for words, group in own.groupby("words")}
            plotting.draw_series(axis, found, looks[dim], band=True)
        axis.axvspan(*CHILD, color="#dddddd", linewidth=0, zorder=0)
        axis.axvline(GROWN, color="#bbbbbb", linewidth=1, zorder=0)
        axis.set(xscale="log", ylabel=name)
    known = pd.read_csv(PUBLISHED)
    for dim, own in known[known["dim"].isin(dims)].groupby("dim"):
        hollow = looks[dim] | {"linestyle": ":", "markerfacecolor": "none", "markersize": 4}
        axes[0, 1].plot(own["words"], own["accuracy"], linewidth=0.7, **hollow)
    for axis in axes[1]:
        axis.set_xlabel("running words")
    plotting.legend(figure, looks.values())
    return figure


def caption(amounts: pd.DataFrame, vectors: pd.DataFrame) -> dict[str, Any]:
    """Where a straight line through the largest dimension's analogies leads, and what is known."""
    rows = by_amount(amounts, vectors)
    dim = rows["dim"].max()
    own = rows[rows["dim"] == dim].dropna(subset=["analogies"])
    table = pd.read_csv(PUBLISHED)
    known = table[table["dim"] == dim].tail(1).to_dict("records")  # the most words
    places = [row["words"] for row in known] + [LECTURE]
    read_off = [extended(own["words"], own["analogies"], place) for place in places if len(own) > 2]
    return {
        "n_seeds": plotting.seeds_of(rows, ["recipe", "dim"]),
        "dim": dim,
        "published": bool(table["dim"].isin(rows["dim"]).any()),
        "read_off": list(zip(places, read_off)),
        "known": [row["accuracy"] for row in known],
    }

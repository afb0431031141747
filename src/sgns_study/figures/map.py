"""A map of word vectors: words that are used alike lie close together."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.textpath import TextPath
from numpy.typing import NDArray
from scipy.spatial.distance import pdist, squareform

from sgns_study.evaluation.tables import MODEL
from sgns_study.figures import plotting

Array = NDArray[np.float64]

DARK = ("#0072B2", "#D55E00", "#00785A", "#A34F7C", "#8F6300", "#000000")  # readable as text
# All in points (1/72 inch).
LABEL = 8.0  # size of the words
MARKER = 2.5  # half the width of a marker
GAPS = (3.0, 8.0, 14.0, 21.0, 30.0)  # between a word and its point, the first that is free
LEADER = 8.0  # from this gap on a line leads from the word to its point
COVERED, OUTSIDE, SWEEPS = 2.0, 1000.0, 3  # a square point, a word outside: worth so long a gap
SIDES = np.array([(1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1)], float)


def draw(recipes: pd.DataFrame, table: pd.DataFrame) -> Figure:
    """Every word beside its point, with the colour and the marker of its group."""
    table = one_model(recipes, table)
    figure = Figure(figsize=(plotting.WIDTH, 5.6))
    axis = figure.subplots()
    looks = {}
    for i, (group, words) in enumerate(table.groupby("group", sort=False)):
        name = f" {plotting.literal(group)}"  # the legend leaves out what starts with `_`
        looks[group] = plotting.look(name, DARK[i % 6], plotting.MARKERS[(i + i // 6) % 6])
        axis.plot(words["x"], words["y"], **looks[group])
    axis.margins(0.07)
    axis.set_axis_off()
    plotting.legend(figure, looks.values())
    colours = [looks[group]["color"] for group in table["group"]]
    words = [plotting.literal(word) for word in table["word"]]
    write_words(figure, axis, table[["x", "y"]].to_numpy(float), words, colours)
    return figure


def one_model(recipes: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """The map drawn: of the first word2vec recipe, at its smallest radius, dimension and seed."""
    kinds = dict(zip(recipes["recipe"], recipes["kind"]))
    order = table["recipe"].map(sorted(kinds, key=lambda name: kinds[name] != "word2vec").index)
    first = table.assign(order=order).sort_values(["order", "radius", "dim", "seed"]).iloc[0]
    return table[(table[MODEL] == first[MODEL]).all(axis=1)].reset_index(drop=True)


def write_words(
    figure: Figure, axis: Axes, places: Array, words: Sequence[str], colours: Sequence[str]
) -> None:
    """Write each word beside its place (n, 2), in data; the limits of the axes must be final."""
    figure.draw_without_rendering()  # the layout, which decides where the points are
    inches = 72 / figure.dpi
    points = axis.transData.transform(places) * inches
    frame = np.array(axis.get_window_extent().extents) * inches
    offsets, gaps = place_words(points, np.array([half_size(word) for word in words]), frame)
    style: dict[str, Any] = {"textcoords": "offset points", "ha": "center", "va": "center"}
    leader = {"arrowstyle": "-", "linewidth": 0.4, "shrinkA": 0, "shrinkB": MARKER}
    for word, place, offset, gap, colour in zip(words, places, offsets, gaps, colours):
        line = leader | {"color": colour} if gap >= LEADER else None
        text = axis.annotate(word, tuple(place), tuple(offset), arrowprops=line, **style)
        text.set(color=colour, fontsize=LABEL, in_layout=False)


def half_size(word: str) -> tuple[float, float]:
    """Half the width and height of a word, in points."""
    return TextPath((0, 0), word, size=LABEL).get_extents().width / 2 + 0.5, 0.6 * LABEL


def place_words(points: Array, halves: Array, frame: Array) -> tuple[Array, Array]:
    """Where the middle of each word stands from its point, (n, 2), and the gap between, (n,).

    All in points of the page: points (n, 2), half sizes of the words (n, 2), frame (left, bottom,
    right, top). Word by word each takes the nearest place where it covers least of markers and
    other words, within the frame if it can; then each may move again, now that all have a place.
    The same input gives the same places.
    """
    lengths = np.repeat(GAPS, len(SIDES))
    sides = np.tile(SIDES, (len(GAPS), 1))
    gaps = sides / np.linalg.norm(sides, axis=1, keepdims=True) * lengths[:, None]
    markers = np.hstack([points - MARKER, points + MARKER])
    boxes = np.hstack([points, points])  # of the words, without area until they have a place
    chosen = np.zeros(len(points), int)
    for i in [*range(len(points))] * SWEEPS:
        low = points[i] + gaps + (sides - 1) * halves[i]
        high = low + 2 * halves[i]
        taken = np.vstack([markers, np.delete(boxes, i, axis=0)])
        shared = np.minimum(high[:, None], taken[:, 2:]) - np.maximum(low[:, None], taken[:, :2])
        covered = np.clip(shared, 0, None).prod(axis=2).sum(axis=1)
        outside = ((low < frame[:2]) | (high > frame[2:])).any(axis=1)
        chosen[i] = (COVERED * covered + lengths + OUTSIDE * outside).argmin()
        boxes[i] = *low[chosen[i]], *high[chosen[i]]
    return gaps[chosen] + sides[chosen] * halves, lengths[chosen]


def caption(recipes: pd.DataFrame, table: pd.DataFrame) -> dict[str, Any]:
    """How the map was made, and how often the nearest word is of the same group."""
    table = one_model(recipes, table)
    groups = table["group"].to_numpy()
    distance = squareform(pdist(table[["x", "y"]]))
    np.fill_diagonal(distance, np.inf)
    sizes = table["group"].map(table["group"].value_counts())
    return {
        "n_words": len(table),
        "n_groups": table["group"].nunique(),
        "model": table.iloc[0],
        "own": (groups[distance.argmin(axis=1)] == groups).mean(),
        "chance": ((sizes - 1) / (len(table) - 1)).mean(),
    }

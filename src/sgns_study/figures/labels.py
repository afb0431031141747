"""Words beside the points of a scatter, placed so that few overlap."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.textpath import TextPath
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Where a word may stand: to which side of its point, and with what gap between, in points (1/72").
SIDES = np.array([(1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1)], float)
GAPS = (3.0, 8.0, 14.0, 21.0, 30.0)
MARKER = 2.5  # half the width of a marker
LEADER = 8.0  # from this gap on a line leads from the word to its point
# What is avoided, in square points of another word covered: a point of gap, and a square point of
# a marker or of what is outside the axes.
FARTHER, ON_MARKER, OUTSIDE = 2.0, 3.0, 4.0
SWEEPS = 4


def write_labels(
    figure: Figure,
    axis: Axes,
    places: Array,
    words: Sequence[str],
    colours: Sequence[str],
    size: float,
) -> None:
    """Write each word beside its place (n, 2), in data; the limits of the axes must be final."""
    figure.draw_without_rendering()  # the layout, which decides where the points are
    inches = 72 / figure.dpi
    points = axis.transData.transform(places) * inches
    frame = np.array(axis.get_window_extent().extents) * inches
    halves = np.array([half_size(word, size) for word in words])
    for i, (offset, gap) in enumerate(zip(*offsets(points, halves, frame))):
        line: dict[str, Any] = {"arrowstyle": "-", "linewidth": 0.4, "color": colours[i]}
        axis.annotate(
            words[i],
            tuple(places[i]),
            tuple(offset),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=size,
            color=colours[i],
            in_layout=False,
            arrowprops=line | {"shrinkA": 0, "shrinkB": MARKER} if gap >= LEADER else None,
        )


def half_size(word: str, size: float) -> tuple[float, float]:
    """Half the width and height of a word, in points."""
    return TextPath((0, 0), word, size=size).get_extents().width / 2 + 0.5, 0.6 * size


def offsets(points: Array, halves: Array, frame: Array) -> tuple[Array, Array]:
    """Where the middle of each word stands from its point, (n, 2), and the gap between, (n,).

    All in points of the page: points (n, 2), half sizes of the words (n, 2), frame (left, bottom,
    right, top). Word by word each takes the place where it covers least of points, of other words
    and of what is outside the frame; after the first sweep each may move again, now that all have a
    place. The same input gives the same places.
    """
    found, gaps = np.zeros_like(points), np.zeros(len(points))
    lengths = np.repeat(GAPS, len(SIDES))
    sides = np.tile(SIDES, (len(GAPS), 1))
    directions = sides / np.linalg.norm(sides, axis=1, keepdims=True)
    markers = np.hstack([points - MARKER, points + MARKER])
    boxes = np.hstack([points, points])  # of the words; without area until they have a place
    for i in list(range(len(points))) * SWEEPS:
        candidates = directions * lengths[:, None] + sides * halves[i]
        low, high = points[i] + candidates - halves[i], points[i] + candidates + halves[i]
        outside = 4 * halves[i].prod() - covered(low, high, frame[None])
        cost = FARTHER * lengths + OUTSIDE * outside
        cost += ON_MARKER * covered(low, high, np.delete(markers, i, axis=0))
        cost += covered(low, high, np.delete(boxes, i, axis=0))
        best = int(cost.argmin())
        found[i], gaps[i] = candidates[best], lengths[best]
        boxes[i] = *low[best], *high[best]
    return found, gaps


def covered(low: Array, high: Array, boxes: Array) -> Array:
    """Area (n,) that boxes from `low` to `high` (n, 2) share with all of `boxes` (m, 4)."""
    left = np.maximum(low[:, None], boxes[:, :2])
    right = np.minimum(high[:, None], boxes[:, 2:])
    return np.clip(right - left, 0, None).prod(axis=2).sum(axis=1)

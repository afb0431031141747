"""The step of word2vec's recipe, as fast as a core multiplies small matrices.

`sgns/reference.py` defines it. A window has P neighbours c_i and 1 + K outputs w_j, the token and
its negatives, so that a step is three products of small matrices, C Wᵀ, G W and Gᵀ C, where C is
(P, d), W is (1 + K, d) and the gradient by the scores G is (P, 1 + K). Their sums stay in SIMD
registers (`simd.py`). Outputs are taken in groups of six; tables are flat, since a slice of an
array is a counted object, and two of them for every few columns took a third of the time.

Shapes: V words, `width` is d rounded up to a cache line, R radius, P ≤ 2R neighbours, K negatives,
T = ⌈(1 + K)/6⌉ groups of outputs.
"""

from typing import NamedTuple

import numpy as np
from numba import float32, int32, int64, njit, uint64
from numpy.typing import NDArray

from sgns_study.kernels import simd
from sgns_study.kernels.adam import REORDER
from sgns_study.kernels.random import below, next_uint64
from sgns_study.kernels.simd import LINE, SIX, WIDTH

WINDOWS = ("dynamic", "fixed", "harmonic")  # by the numbers that `train_windows` takes
OUTPUTS = SIX  # context rows of a group: 2 × 6 sums fill 12 of the 16 SIMD registers
COLUMNS = 8  # scores of a group lie in rows of 8, the last two of which stay zero
AHEAD = 4  # tokens between asking memory for a row and using it
ALWAYS = 2**32 - 1  # a probability of one in an alias table


class Noise(NamedTuple):
    """Alias table (Walker, 1977): a slot is drawn uniformly and gives its own id or its alias.

    There is one slot for each of the n ids up to the last one that may be drawn, so that the table
    fits the cache. A draw has its probability up to 2^-32.
    """

    own: NDArray[np.uint32]  # (n,) probability of the own id, times 2^32 − 1
    alias: NDArray[np.int32]  # (n,)


def alias_table(counts: NDArray[np.int64], alpha: float) -> Noise:
    """Noise ∝ counts^α over the ids whose count is above zero (Vose, 1991); counts: (V,)."""
    counts = counts[: np.flatnonzero(counts)[-1] + 1]  # (n,), small if words go by frequency
    height = np.where(counts > 0, np.where(counts > 0, counts, 1.0) ** alpha, 0)
    height *= len(counts) / height.sum()  # the mean slot is 1 high
    alias = np.arange(len(counts), dtype=np.int32)
    low = [int(i) for i in np.flatnonzero(height < 1)]
    high = [int(i) for i in np.flatnonzero(height >= 1)]
    while low and high:
        slot, giver = low.pop(), high[-1]
        alias[slot] = giver
        height[giver] -= 1 - height[slot]
        if height[giver] < 1:
            low.append(high.pop())
    for i in low:  # their height is 1 up to rounding, but an id without a count is never drawn
        if counts[i] == 0:
            height[i], alias[i] = 0, counts.argmax()
    return Noise((np.clip(height, 0, 1) * ALWAYS).astype(np.uint32), alias)


@njit(cache=True, nogil=True, fastmath=REORDER, error_model="numpy")
def train_windows(  # type: ignore[no-untyped-def]
    stream, centre, context, width, radius, window, negatives, noise, rate, last_rate, radii, draws
):
    """One step for the window of each token of a framed stream; returns Σ weight·loss, Σ weight.

    stream: of `stream.framed`, with R + AHEAD entries after the last token; centre, context: flat
    (V · width,); window: index in WINDOWS; the learning rate moves linearly from `rate` to
    `last_rate`; radii, draws: random states (1,) of the windows and of the negatives.
    """
    groups = -(-(1 + negatives) // OUTPUTS)  # T
    inputs = np.zeros(2 * radius + 1, np.int64)  # where rows of `centre` start: neighbours, 0
    outputs = np.zeros(groups * OUTPUTS, np.int64)  # rows of `context`: token, K negatives, 0s
    drawn = np.zeros(negatives, np.int64)  # negatives of the next window
    scores = np.zeros(groups * (2 * radius + 1) * COLUMNS, np.float32)  # (T, 2R + 1, 8)
    weights = np.zeros(len(scores), np.float32)  # (T, 2R + 1, 8), below zero for a negative pair
    for i in range(2 * radius):
        set_weights(weights, len(inputs), i, float32(1), negatives)
    change = np.zeros(groups * OUTPUTS * LINE, np.float32)  # (6T, 16)
    draw_negatives(drawn, context, width, noise, draws)
    loss, weight = 0.0, 0.0
    end = len(stream) - radius - AHEAD
    for p in range(radius, end):
        prefetch_row(context, int64(stream[p + AHEAD]) * width, width)
        prefetch_row(centre, int64(stream[p + AHEAD + radius]) * width, width)
        if stream[p] == 0:
            continue
        reach = radius if window > 0 else 1 + int64(below(radii, radius))
        found = 0
        for q in range(p - reach, p + reach + 1):
            inputs[found] = int64(stream[q]) * width
            found += (stream[q] != 0) & (q != p)
        if found == 0:
            continue
        inputs[found] = 0  # the padding row, which an odd last neighbour is scored with
        outputs[0] = int64(stream[p]) * width
        outputs[1 : 1 + negatives] = drawn
        draw_negatives(drawn, context, width, noise, draws)
        if window == 2:
            weight += set_harmonic_weights(weights, stream, p, radius, negatives)
        else:
            weight += found
        now = float32(rate + (last_rate - rate) * (p - radius) / (end - radius))
        loss += window_step(
            centre, context, inputs, found, outputs, width, scores, weights, change, now
        )
    return loss, weight


@njit(cache=True, inline="always")
def window_step(  # type: ignore[no-untyped-def]
    centre, context, inputs, found, outputs, width, scores, weights, change, rate
):
    """One gradient step for P = `found` inputs and all outputs; returns the loss before it.

    inputs: (P + 1,) or longer, the entry after the last neighbour being the padding row; outputs:
    (6T,); scores, weights: flat (T, len(inputs), 8); change: flat (6T, 16), scratch.
    """
    loss = 0.0
    for group in range(len(outputs) // OUTPUTS):
        at = group * len(inputs) * COLUMNS
        products(centre, inputs, found, context, outputs, group, width, scores, at)
        end = at + found * COLUMNS
        loss += gradients(scores[at:end], weights[at:end], rate)
    step(centre, inputs, found, context, outputs, width, scores, change)
    return loss


@njit(cache=True)
def set_weights(weights, inputs, i, weight, negatives):  # type: ignore[no-untyped-def]
    """Set the weight of input i's pairs, minus for its negatives; the pairs of padding keep 0."""
    for j in range(1 + negatives):
        sign = float32(1) if j == 0 else float32(-1)
        weights[(j // OUTPUTS * inputs + i) * COLUMNS + j % OUTPUTS] = sign * weight


@njit(cache=True)
def set_harmonic_weights(weights, stream, p, radius, negatives):  # type: ignore[no-untyped-def]
    """Weight each neighbour by one over its distance; returns the sum."""
    found, weight = 0, 0.0
    for q in range(p - radius, p + radius + 1):
        if stream[q] != 0 and q != p:
            set_weights(weights, 2 * radius + 1, found, float32(1 / abs(q - p)), negatives)
            weight += 1 / abs(q - p)
            found += 1
    return weight


@njit(cache=True, inline="always")
def prefetch_row(table, row, width):  # type: ignore[no-untyped-def]
    """Ask memory for a row without waiting for it."""
    for k in range(0, width, LINE):
        simd.prefetch(table, row + k)


@njit(cache=True)
def draw_word(noise, draws):  # type: ignore[no-untyped-def]
    """One id from the noise: the high 32 bits choose a slot, the low 32 its own id or its alias."""
    bits = next_uint64(draws)
    slot = int64(((bits >> uint64(32)) * uint64(len(noise.own))) >> uint64(32))
    own = int64(bits & uint64(0xFFFFFFFF)) < int64(noise.own[slot])
    return slot if own else int64(noise.alias[slot])


@njit(cache=True, inline="always")
def draw_negatives(rows, context, width, noise, draws):  # type: ignore[no-untyped-def]
    """Fill `rows` (K,) with where noise words start in `context`, one window before their use."""
    for k in range(len(rows)):
        rows[k] = draw_word(noise, draws) * width
        prefetch_row(context, rows[k], width)


@njit(cache=True, inline="always")
def products(  # type: ignore[no-untyped-def]
    centre, inputs, found, context, outputs, group, width, scores, at
):
    """scores[at + 8 i + j] = c_i·w_j for the six outputs of a group, two inputs at a time."""
    for i in range(0, found, 2):
        a = b = simd.six_zeros()  # sums over columns k, k + 8, … for the first and the second input
        for k in range(0, width, WIDTH):
            w = simd.load_six(context, outputs, group * OUTPUTS, k)
            a = simd.fma_six(w, simd.load(centre, inputs[i] + k), a)
            b = simd.fma_six(w, simd.load(centre, inputs[i + 1] + k), b)
        simd.store(scores, at + i * COLUMNS, simd.totals(a))
        simd.store(scores, at + (i + 1) * COLUMNS, simd.totals(b))


@njit(cache=True, fastmath=REORDER, error_model="numpy", inline="always")
def gradients(scores, weights, rate):  # type: ignore[no-untyped-def]
    """Turn scores into steps, rate · weight · σ(−z) with z = ± score; returns Σ |weight| loss.

    e = exp(−|z|) is 2^−i 2^f with |f| ≤ 1/2. Polynomials fitted for the least relative error give
    2^f up to 8e-8 and log(1 + e) = −log σ(|z|) up to 2e-7; in float32 all errors stay below 3e-6.
    |z| is cut at 20, where a step is 2e-9 of the largest. One loop without a branch vectorises.
    """
    loss = float32(0)
    for j in range(len(scores)):
        weight = weights[j]
        z = scores[j] if weight > 0 else -scores[j]  # the loss is −log σ(z)
        t = min(abs(z), float32(20)) * float32(1.44269504)
        i = int32(t + float32(0.5))
        f = float32(i) - t
        power = float32(0.0096754599) + f * float32(0.0013266971)
        power = float32(0.24022122) + f * (float32(0.055507425) + f * power)
        power = float32(1.0000001) + f * (float32(0.69314694) + f * power)
        e = power * np.int32((int32(127) - i) << int32(23)).view(np.float32)
        s = float32(1) / (float32(1) + e)
        scores[j] = rate * weight * (e * s if z > 0 else s)
        log = float32(0.04337076) + e * float32(-0.0083364733)
        log = float32(0.17675482) + e * (float32(-0.10667776) + e * log)
        log = float32(0.33271185) + e * (float32(-0.24470465) + e * log)
        log = float32(0.99999976) + e * (float32(-0.49997127) + e * log)
        loss += abs(weight) * ((abs(z) - z) * float32(0.5) + e * log)
    return loss


@njit(cache=True, inline="always")
def step(  # type: ignore[no-untyped-def]
    centre, inputs, found, context, outputs, width, steps, change
):
    """c_i += Σ_j steps_ij w_j and w_j += Σ_i steps_ij c_i, from the values before the step.

    steps: flat (T, len(inputs), 8). Columns do not depend on each other and are taken sixteen at a
    time: the change of the outputs waits in `change` until the inputs have moved in these columns.
    """
    for k in range(0, width, LINE):
        for group in range(len(outputs) // OUTPUTS):
            output_change(centre, inputs, found, group, steps, k, change)
        for group in range(len(outputs) // OUTPUTS):
            move_inputs(centre, inputs, found, context, outputs, group, steps, k)
        for j in range(len(outputs)):
            for half in range(0, LINE, WIDTH):
                o, moved = outputs[j] + k + half, simd.load(change, j * LINE + half)
                simd.store(context, o, simd.add(simd.load(context, o), moved))


@njit(cache=True, inline="always")
def output_change(centre, inputs, found, group, steps, k, change):  # type: ignore[no-untyped-def]
    """change_j = Σ_i steps_ij c_i for the six outputs of a group and columns k to k + 16."""
    low = high = simd.six_zeros()  # the first eight columns of each change, and the other eight
    for i in range(found):
        c, g = inputs[i] + k, simd.spread_six(steps, (group * len(inputs) + i) * COLUMNS)
        low = simd.fma_six(g, simd.load(centre, c), low)
        high = simd.fma_six(g, simd.load(centre, c + WIDTH), high)
    simd.store_six(change, group * OUTPUTS * LINE, LINE, low)
    simd.store_six(change, group * OUTPUTS * LINE + WIDTH, LINE, high)


@njit(cache=True, inline="always")
def move_inputs(  # type: ignore[no-untyped-def]
    centre, inputs, found, context, outputs, group, steps, k
):
    """c_i += Σ_j steps_ij w_j for the six outputs of a group and columns k to k + 16."""
    low = simd.load_six(context, outputs, group * OUTPUTS, k)
    high = simd.load_six(context, outputs, group * OUTPUTS, k + WIDTH)
    for i in range(found):
        c, g = inputs[i] + k, simd.spread_six(steps, (group * len(inputs) + i) * COLUMNS)
        x = simd.fma_sum(g, low, simd.load(centre, c))
        y = simd.fma_sum(g, high, simd.load(centre, c + WIDTH))
        simd.store(centre, c, x)
        simd.store(centre, c + WIDTH, y)

"""Skip-gram with negative sampling, as fast as a core multiplies small matrices.

The recipe is word2vec's (Mikolov et al., 2013). Every pair of neighbours is seen from both its
ends; as in word2vec.c, the window around a token is learned by reading the `centre` vectors of its
neighbours against the `context` vector of the token. With P neighbours c_i, each of weight a_i, the
token w, and K noise words n_k drawn once for the window (Ji et al., 2016), the loss of a window is

    Σ_i a_i [ −log σ(c_i·w) − Σ_k log σ(−c_i·n_k) ],

so every pair has its K negatives, which are those of the other pairs of its window. One gradient
step is taken per window: all is read before anything is written, and a row that occurs twice gets
both its gradients. So a window is three products of small matrices, C Wᵀ, G W and Gᵀ C, where
C is (P, d), W is (1 + K, d) and G is (P, 1 + K), and their sums stay in registers (`lanes.py`).
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal, NamedTuple

import numpy as np
from numba import float32, int32, int64, njit, uint64
from numpy.typing import NDArray
from tqdm import tqdm

from sgns_study.kernels.simd import fma, load, prefetch, spread, store, totals, zeros
from sgns_study.kernels.threads import rounds, shards
from sgns_study.randomness import below, next_uint64
from sgns_study.sgns.state import (
    LINE,
    Place,
    State,
    beginnings,
    copies,
    initial_state,
    random_states,
)
from sgns_study.sgns.stream import (
    CERTAIN,
    CHUNK,
    TrainingError,
    framed,
    keep_probabilities,
    kept_counts,
)
from sgns_study.sgns.vectors import Vectors

OUTPUTS = 6  # context rows met at a time: 2 × 6 sums fill 12 of the 16 vector registers
COLUMNS = 8  # their gradients lie in rows of 8, of which the last two stay zero
AHEAD = 4  # tokens between asking memory for a row and using it
WINDOWS = ("dynamic", "fixed", "harmonic")
IN_TURN = 0.05  # of all tokens, before threads train at a time
RATE_FLOOR = 1e-4  # of the first learning rate, as in word2vec
# Sums may be reordered and fused, so that loops vectorise; NaN and infinity keep their meaning.
REORDER = {"reassoc", "contract", "nsz"}

Look = Callable[[int, NDArray[np.float32], NDArray[np.float32], float | None], None]
Tables = tuple[NDArray[np.float32], NDArray[np.float32]]  # centre, context
Documents = tuple[NDArray[Any], NDArray[np.int64]]  # ids, offsets


@dataclass(frozen=True)
class Settings:
    """The recipe; each of its tweaks has a value that switches it off."""

    dim: int = 128
    radius: int = 5  # R, tokens on each side
    negatives: int = 5  # K per positive
    epochs: int = 5
    window: Literal["dynamic", "fixed", "harmonic"] = "dynamic"
    min_count: int = 5  # 1: no word is deleted
    subsample: float = 1e-3  # t; 0: no subsampling
    alpha: float = 0.75  # noise ∝ counts^α; 1: as in the text, 0: uniform
    learning_rate: float = 0.025


class Trained(NamedTuple):
    """Tables float32 (V, d), row 0 zero, and the mean loss of a pair in each epoch, float64."""

    centre: NDArray[np.float32]
    context: NDArray[np.float32]
    losses: NDArray[np.float64]
    held_out: NDArray[np.float64]  # of a pair held out: before training and after each epoch


class Noise(NamedTuple):
    """Alias table (Walker, 1977): a slot is drawn evenly and gives its own id or its alias.

    One slot an id, so that the table fits the cache; each draw is exact to 2^-32.
    """

    own: NDArray[
        np.uint32
    ]  # (n,), n − 1 the last id drawn: probability of the own id, times 2^32 − 1
    alias: NDArray[np.int32]  # (n,)


class Recipe(NamedTuple):
    """The settings, and what they make of the counts."""

    settings: Settings
    keep: NDArray[np.int64]  # as of `keep_probabilities`
    noise: Noise


def train(
    ids: NDArray[Any],
    offsets: NDArray[np.int64],
    counts: NDArray[np.int64],
    settings: Settings,
    seed: int,
    *,
    threads: int = 1,
    held_out: Documents | None = None,
    after_epoch: Look | None = None,
    start: State | None = None,
    after_round: Callable[[State], None] | None = None,
) -> Trained:
    """Train both tables on the documents `ids[offsets[i]:offsets[i + 1]]`.

    ids: uint16, uint32 or int32, may be memory-mapped: it is read in pieces; counts: (V,), how
    often each id occurs in it. Id 0 is padding. Ids rarer than `min_count` are deleted before
    windows form and keep their initial vectors. The bits follow from `seed` and `threads` alone:
    the same number of threads always gives the same vectors, another number others. Two threads or
    more take two tables each, besides the two of the outcome.

    held_out: ids and offsets of documents that only the loss is measured on; counts are without.
    after_epoch(epoch, centre, context, loss): looks at the tables, (V, d), which it must not
    change: first with epoch 0 and loss None, then with epoch 1 and the mean loss of a pair in it.
    after_round(state): may save the state. `start`, which is changed, goes on from a saved one with
    the bits of a training without a break, and calls nothing again for what lies before it.

    Raises TrainingError if a setting is out of its range, nothing is left to train on, an id is
    outside the vocabulary, or the loss is no longer finite.
    """
    recipe = recipe_for(counts, settings)
    if threads < 1:
        raise TrainingError(f"threads: {threads} is not 1 or more")
    state = start or initial_state(len(counts), settings.dim, settings.radius, seed, threads)
    centre, context = (table[:, : settings.dim] for table in (state.centre, state.context))
    tokens = int(offsets[-1] - offsets[0])

    def look(loss: float | None) -> None:
        if held_out:
            state.held_out.append(held_out_loss(held_out, state, recipe, seed))
        if after_epoch:
            after_epoch(len(state.losses), centre, context, loss)

    with tqdm(
        total=settings.epochs * tokens,
        initial=state.tokens(tokens),
        unit="token",
        unit_scale=True,
        disable=None,
    ) as bar:
        if not start:
            look(None)
        while len(state.losses) < settings.epochs:
            for read in train_epoch((ids, offsets), recipe, state):
                bar.set_postfix(progress(state), refresh=False)
                bar.update(read)
                if after_round:
                    after_round(state)
            end_epoch(state, settings, seed)
            look(state.losses[-1])
            bar.set_postfix(progress(state))
    return Trained(
        np.ascontiguousarray(centre),
        np.ascontiguousarray(context),
        np.array(state.losses),
        np.array(state.held_out),
    )


def vectors_of_words(
    trained: Trained, words: list[str], counts: NDArray[np.int64], settings: Settings
) -> Vectors:
    """The rows of the words that were trained, in the order of `words`, whose ids they are."""
    kept = np.flatnonzero(counts >= settings.min_count)
    kept = kept[kept > 0]
    found = [words[i] for i in kept]
    return Vectors(trained.centre[kept], trained.context[kept], found, counts[kept])


def recipe_for(counts: NDArray[np.int64], settings: Settings) -> Recipe:
    """The recipe on a text; raises TrainingError naming a setting that is out of its range."""
    for key, allowed, met in (
        ("dim", "1 or more", settings.dim >= 1),
        ("radius", "1 or more", settings.radius >= 1),
        ("negatives", "1 or more", settings.negatives >= 1),
        ("epochs", "1 or more", settings.epochs >= 1),
        ("window", f"one of {', '.join(WINDOWS)}", settings.window in WINDOWS),
        ("min_count", "1 or more", settings.min_count >= 1),
        ("subsample", "0 (off) to 1", 0 <= settings.subsample <= 1),
        ("alpha", "0 to 1", 0 <= settings.alpha <= 1),
        ("learning_rate", "a finite number above 0", 0 < settings.learning_rate < math.inf),
    ):
        if not met:
            raise TrainingError(f"{key}: {getattr(settings, key)!r} is not {allowed}")
    kept = kept_counts(counts, settings.min_count)
    words = np.count_nonzero(kept)
    if settings.negatives >= words:
        raise TrainingError(
            f"negatives: {settings.negatives} noise words are more than the {words - 1} other "
            f"words there are of the {words} that occur at least min_count = {settings.min_count} "
            "times: lower negatives or min_count, or use more text"
        )
    return Recipe(
        settings,
        keep_probabilities(kept, settings.subsample),
        alias_table(kept, settings.alpha),
    )


def end_epoch(state: State, settings: Settings, seed: int) -> None:
    """Close an epoch that was read to its end; raises TrainingError if it had no pair."""
    epoch, threads = len(state.losses) + 1, len(state.places)
    loss, weight = state.sums()
    if weight == 0:
        raise TrainingError(
            f"epoch {epoch} has no pair of neighbours: documents need two words that occur at "
            f"least min_count = {settings.min_count} times and survive subsample = "
            f"{settings.subsample}: lower min_count or raise subsample"
        )
    state.losses.append(float(loss / weight))
    state.places = beginnings(settings.radius, seed, epoch, threads)


def progress(state: State) -> dict[str, str]:
    """What the bar shows beside the speed: mean losses of a pair, this epoch's and held out."""
    loss, weight = state.sums()
    losses = [*state.losses, loss / weight] if weight else state.losses
    shown = {"loss": f"{losses[-1]:.3f}"} if losses else {}
    if state.held_out:
        shown["validation"] = f"{state.held_out[-1]:.3f}"
    return shown


def train_epoch(documents: Documents, recipe: Recipe, state: State) -> Iterator[int]:
    """The rest of a pass over a text, changing the state; yields the tokens read in each round.

    The first vectors point anywhere, and so would those of separate copies: at first, the shards
    take turns on the same tables, as a single one always does.
    """
    ids, offsets = documents
    epoch, threads = len(state.losses), len(state.places)
    tables, tokens = (state.centre, state.context), int(offsets[-1] - offsets[0])
    rows = np.flatnonzero(recipe.keep)
    # So long that merging, whose time grows with these rows, takes about a fifth of a round.
    pieces = max(1, 2 * len(rows) // CHUNK) if threads > 1 else 1
    parts = list(zip(shards(offsets, threads), state.places))
    readers = [train_pieces((ids, part), recipe, at, tables, epoch) for part, at in parts]
    while threads == 1 or state.tokens(tokens) < IN_TURN * recipe.settings.epochs * tokens:
        read = sum(sum(islice(reader, pieces)) for reader in readers)
        if not read:
            return
        yield read
    changed = (copies(state.centre, threads, rows), copies(state.context, threads, rows))
    readers = [
        train_pieces((ids, part), recipe, at, (changed[0][n], changed[1][n]), epoch)
        for n, (part, at) in enumerate(parts)
    ]
    yield from rounds(readers, tables, changed, rows, pieces)


def train_pieces(
    documents: Documents, recipe: Recipe, place: Place, tables: Tables, epoch: int
) -> Iterator[int]:
    """Train on a shard piece by piece from its place on; yields the tokens read in each."""
    ids, offsets = documents
    settings, tokens = recipe.settings, int(offsets[-1] - offsets[0])
    after = settings.radius + AHEAD
    for stream, read in framed(
        ids, offsets, recipe.keep, settings.radius, place.draws[:1], after, place.read, place.left
    ):
        rates = (
            rate_at(settings, epoch + place.read / tokens),
            rate_at(settings, epoch + read / tokens),
        )
        place.sums += learn(stream, tables, recipe, rates, place.draws[1:])
        if not math.isfinite(place.sums[0]):
            raise TrainingError(
                f"the loss is {place.sums[0]} in epoch {epoch + 1}, between tokens "
                f"{offsets[0] + place.read} and {offsets[0] + read} of {len(ids)}: the steps are "
                f"likely too large: lower learning_rate (now {settings.learning_rate})"
            )
        before, place.read = place.read, read
        place.left = stream[-settings.radius - after :]
        yield read - before


def rate_at(settings: Settings, epoch: float) -> float:
    """The learning rate after so many epochs: it falls evenly, as in word2vec."""
    return settings.learning_rate * max(1 - epoch / settings.epochs, RATE_FLOOR)


def held_out_loss(documents: Documents, state: State, recipe: Recipe, seed: int) -> float:
    """Mean loss of a pair, with windows and negatives that are the same whenever it is asked.

    By the kernel at a learning rate of zero, which leaves the tables as they are. Raises
    TrainingError if there is no pair.
    """
    draws, radius = random_states(seed, "held out"), recipe.settings.radius
    sums = np.zeros(2)
    for stream, _ in framed(*documents, recipe.keep, radius, draws[:1], radius + AHEAD):
        sums += learn(stream, (state.centre, state.context), recipe, (0.0, 0.0), draws[1:])
    if sums[1] == 0:
        raise TrainingError(
            "the documents held out have no pair of neighbours among the words of the others: "
            "hold out more"
        )
    return float(sums[0] / sums[1])


def learn(
    stream: NDArray[np.int32],
    tables: Tables,
    recipe: Recipe,
    rates: tuple[float, float],
    draws: NDArray[np.uint64],
) -> NDArray[np.float64]:
    """The kernel on a piece of the stream, its rate falling evenly; Σ weight·loss and Σ weight."""
    settings = recipe.settings
    sums = train_windows(
        stream,
        tables[0].ravel(),
        tables[1].ravel(),
        tables[0].shape[1],
        settings.radius,
        WINDOWS.index(settings.window),
        settings.negatives,
        recipe.noise,
        rates[0],
        rates[1],
        draws[:1],
        draws[1:],
    )
    return np.array(sums)


def alias_table(kept: NDArray[np.int64], alpha: float) -> Noise:
    """Noise ∝ counts^α over the ids whose count is above zero (Vose, 1991)."""
    kept = kept[: np.flatnonzero(kept)[-1] + 1]  # words in order of count: a small table
    height = np.where(kept > 0, np.where(kept > 0, kept, 1.0) ** alpha, 0)
    height *= len(kept) / height.sum()  # the mean slot is 1 high
    alias = np.arange(len(kept), dtype=np.int32)
    low = [int(i) for i in np.flatnonzero(height < 1)]
    high = [int(i) for i in np.flatnonzero(height >= 1)]
    while low and high:
        slot, giver = low.pop(), high[-1]
        alias[slot] = giver
        height[giver] -= 1 - height[slot]
        if height[giver] < 1:
            low.append(high.pop())
    for i in low:  # 1 but for rounding; what has no mass must still never be drawn
        if kept[i] == 0:
            height[i], alias[i] = 0, kept.argmax()
    return Noise((np.clip(height, 0, 1) * (CERTAIN - 1)).astype(np.uint32), alias)


@njit(cache=True, nogil=True, fastmath=REORDER, error_model="numpy")
def train_windows(  # type: ignore[no-untyped-def]
    stream, centre, context, width, radius, window, negatives, noise, rate, last_rate, radii, draws
):
    """One step for the window of each token of a framed stream; returns Σ weight·loss, Σ weight.

    centre, context: flat, rows `width` apart; window: 0 dynamic, 1 fixed, 2 harmonic; the learning
    rate moves evenly from `rate` to `last_rate`; radii, draws: random states.
    """
    groups = -(-(1 + negatives) // OUTPUTS)
    inputs = np.zeros(2 * radius + 1, np.int64)  # where the rows of `centre` start
    outputs = np.zeros(groups * OUTPUTS, np.int64)  # and those of `context`: token, K negatives, 0
    drawn = np.zeros(negatives, np.int64)  # negatives of the next window
    scores = np.zeros(groups * (2 * radius + 1) * COLUMNS, np.float32)
    weights = np.zeros(len(scores), np.float32)  # of each pair, negative for a negative
    for i in range(2 * radius):
        weigh(weights, len(inputs), i, float32(1), negatives)
    change = np.zeros(groups * OUTPUTS * LINE, np.float32)
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
        inputs[found] = 0  # an odd one is met together with the padding row
        outputs[0] = int64(stream[p]) * width
        outputs[1 : 1 + negatives] = drawn
        draw_negatives(drawn, context, width, noise, draws)
        weight += harmonic(weights, stream, p, radius, negatives) if window == 2 else found
        now = float32(rate + (last_rate - rate) * (p - radius) / (end - radius))
        loss += window_step(
            centre, context, inputs, found, outputs, width, scores, weights, change, now
        )
    return loss, weight


@njit(cache=True, inline="always")
def window_step(  # type: ignore[no-untyped-def]
    centre, context, inputs, found, outputs, width, scores, weights, change, rate
):
    """One gradient step for P = `found` inputs against all outputs; returns the loss before it.

    scores, weights: flat (groups of six outputs, inputs, 8); inputs has an entry more than P, the
    padding row; change: scratch of 16 numbers an output. Flat arrays, since a slice of an array
    is an object that is counted: two of them a strip of columns took a third of the time.
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
def weigh(weights, inputs, i, weight, negatives):  # type: ignore[no-untyped-def]
    """Weight of input i's pairs, with minus for its negatives; pairs that only pad keep 0."""
    for j in range(1 + negatives):
        sign = float32(1) if j == 0 else float32(-1)
        weights[(j // OUTPUTS * inputs + i) * COLUMNS + j % OUTPUTS] = sign * weight


@njit(cache=True)
def harmonic(weights, stream, p, radius, negatives):  # type: ignore[no-untyped-def]
    """Weigh each neighbour by one over its distance; returns the sum."""
    found, weight = 0, 0.0
    for q in range(p - radius, p + radius + 1):
        if stream[q] != 0 and q != p:
            weigh(weights, 2 * radius + 1, found, float32(1 / abs(q - p)), negatives)
            weight += 1 / abs(q - p)
            found += 1
    return weight


@njit(cache=True, inline="always")
def prefetch_row(table, row, width):  # type: ignore[no-untyped-def]
    """Ask memory for a row; nothing waits for it."""
    for k in range(0, width, LINE):
        prefetch(table, row + k)


@njit(cache=True)
def draw(noise, draws):  # type: ignore[no-untyped-def]
    """One id from the noise distribution: high bits choose the slot, low bits its own id or not."""
    bits = next_uint64(draws)
    slot = int64(((bits >> uint64(32)) * uint64(len(noise.own))) >> uint64(32))
    own = int64(bits & uint64(0xFFFFFFFF)) < int64(noise.own[slot])
    return slot if own else int64(noise.alias[slot])


@njit(cache=True, inline="always")
def draw_negatives(rows, context, width, noise, draws):  # type: ignore[no-untyped-def]
    """Fill `rows` with where noise words start in `context`, a window before they are needed."""
    for k in range(len(rows)):
        rows[k] = draw(noise, draws) * width
        prefetch_row(context, rows[k], width)


@njit(cache=True, inline="always")
def products(  # type: ignore[no-untyped-def]
    centre, inputs, found, context, outputs, group, width, scores, at
):
    """scores[at + 8 i + j] = c_i·w_j for the six outputs of a group, two inputs at a time."""
    first = group * OUTPUTS
    o0, o1, o2 = outputs[first], outputs[first + 1], outputs[first + 2]
    o3, o4, o5 = outputs[first + 3], outputs[first + 4], outputs[first + 5]
    for i in range(0, found, 2):
        c, d = inputs[i], inputs[i + 1]
        a0 = a1 = a2 = a3 = a4 = a5 = b0 = b1 = b2 = b3 = b4 = b5 = zeros()
        for k in range(0, width, 8):
            x, y = load(centre, c + k), load(centre, d + k)
            w = load(context, o0 + k)
            a0, b0 = fma(x, w, a0), fma(y, w, b0)
            w = load(context, o1 + k)
            a1, b1 = fma(x, w, a1), fma(y, w, b1)
            w = load(context, o2 + k)
            a2, b2 = fma(x, w, a2), fma(y, w, b2)
            w = load(context, o3 + k)
            a3, b3 = fma(x, w, a3), fma(y, w, b3)
            w = load(context, o4 + k)
            a4, b4 = fma(x, w, a4), fma(y, w, b4)
            w = load(context, o5 + k)
            a5, b5 = fma(x, w, a5), fma(y, w, b5)
        store(scores, at + i * COLUMNS, totals(a0, a1, a2, a3, a4, a5))
        store(scores, at + (i + 1) * COLUMNS, totals(b0, b1, b2, b3, b4, b5))


@njit(cache=True, fastmath=REORDER, error_model="numpy", inline="always")
def gradients(scores, weights, rate):  # type: ignore[no-untyped-def]
    """Turn scores into steps, rate · weight · σ(−z) with z = ± score; returns Σ |weight| loss.

    e = exp(−|z|) is 2^−i 2^f with |f| ≤ 1/2; 2^f and −log σ(|z|) = log(1 + e) are polynomials
    fitted for the least relative error, 8e-8 and 2e-7. In float32 errors stay below 3e-6; |z| is
    cut at 20, where a step is 2e-9 of the largest. No branch and one loop, so that it vectorises.
    """
    loss = float32(0)
    for j in range(len(scores)):
        weight = weights[j]
        z = scores[j] if weight > 0 else -scores[j]
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

    Sixteen columns at a time: no column needs another, so the change of the outputs waits in
    `change` only until the inputs of the same columns have moved.
    """
    for k in range(0, width, LINE):
        for group in range(len(outputs) // OUTPUTS):
            output_change(centre, inputs, found, group, steps, k, change)
        for group in range(len(outputs) // OUTPUTS):
            move_inputs(centre, inputs, found, context, outputs, group, steps, k)
        for j in range(len(outputs)):
            o = outputs[j] + k
            store(context, o, load(context, o) + load(change, j * LINE))
            store(context, o + 8, load(context, o + 8) + load(change, j * LINE + 8))


@njit(cache=True, inline="always")
def output_change(centre, inputs, found, group, steps, k, change):  # type: ignore[no-untyped-def]
    """change_j = Σ_i steps_ij c_i for the six outputs of a group and columns k to k + 16."""
    start, at = group * len(inputs), group * OUTPUTS * LINE
    a0 = a1 = a2 = a3 = a4 = a5 = b0 = b1 = b2 = b3 = b4 = b5 = zeros()
    for i in range(found):
        c, j = inputs[i] + k, (start + i) * COLUMNS
        x, y = load(centre, c), load(centre, c + 8)
        g = spread(steps, j)
        a0, b0 = fma(g, x, a0), fma(g, y, b0)
        g = spread(steps, j + 1)
        a1, b1 = fma(g, x, a1), fma(g, y, b1)
        g = spread(steps, j + 2)
        a2, b2 = fma(g, x, a2), fma(g, y, b2)
        g = spread(steps, j + 3)
        a3, b3 = fma(g, x, a3), fma(g, y, b3)
        g = spread(steps, j + 4)
        a4, b4 = fma(g, x, a4), fma(g, y, b4)
        g = spread(steps, j + 5)
        a5, b5 = fma(g, x, a5), fma(g, y, b5)
    store_line(change, at, a0, b0)
    store_line(change, at + LINE, a1, b1)
    store_line(change, at + 2 * LINE, a2, b2)
    store_line(change, at + 3 * LINE, a3, b3)
    store_line(change, at + 4 * LINE, a4, b4)
    store_line(change, at + 5 * LINE, a5, b5)


@njit(cache=True, inline="always")
def store_line(array, at, low, high):  # type: ignore[no-untyped-def]
    """Sixteen numbers."""
    store(array, at, low)
    store(array, at + 8, high)


@njit(cache=True, inline="always")
def move_inputs(  # type: ignore[no-untyped-def]
    centre, inputs, found, context, outputs, group, steps, k
):
    """c_i += Σ_j steps_ij w_j for the six outputs of a group and columns k to k + 16."""
    first, start = group * OUTPUTS, group * len(inputs)
    o0, o1, o2 = outputs[first] + k, outputs[first + 1] + k, outputs[first + 2] + k
    o3, o4, o5 = outputs[first + 3] + k, outputs[first + 4] + k, outputs[first + 5] + k
    a0, a1, a2 = load(context, o0), load(context, o1), load(context, o2)
    a3, a4, a5 = load(context, o3), load(context, o4), load(context, o5)
    b0, b1, b2 = load(context, o0 + 8), load(context, o1 + 8), load(context, o2 + 8)
    b3, b4, b5 = load(context, o3 + 8), load(context, o4 + 8), load(context, o5 + 8)
    for i in range(found):
        c, j = inputs[i] + k, (start + i) * COLUMNS
        x, y = load(centre, c), load(centre, c + 8)
        g = spread(steps, j)
        x, y = fma(g, a0, x), fma(g, b0, y)
        g = spread(steps, j + 1)
        x, y = fma(g, a1, x), fma(g, b1, y)
        g = spread(steps, j + 2)
        x, y = fma(g, a2, x), fma(g, b2, y)
        g = spread(steps, j + 3)
        x, y = fma(g, a3, x), fma(g, b3, y)
        g = spread(steps, j + 4)
        x, y = fma(g, a4, x), fma(g, b4, y)
        g = spread(steps, j + 5)
        x, y = fma(g, a5, x), fma(g, b5, y)
        store_line(centre, c, x, y)

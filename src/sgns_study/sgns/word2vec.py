"""Skip-gram with negative sampling by the recipe of word2vec (Mikolov et al., 2013).

Every pair of neighbours is seen from both ends. As in word2vec.c, the window of a token is learned
by scoring the `centre` vectors of its neighbours against the `context` vector of the token. With
P neighbours c_i of weights a_i, the token w, and K noise words n_k drawn once for the window (Ji et
al., 2016), the loss of a window is

    Σ_i a_i [ −log σ(c_i·w) − Σ_k log σ(−c_i·n_k) ],

so every pair has its K negatives, which it shares with the other pairs of its window. One gradient
step is taken per window: all vectors are read before any is changed, and a row that occurs twice
gets both its gradients. `reference.py` writes this plainly; the steps here are those of
`kernels/word2vec.py`, and `kernels/threads.py` trains one model by several threads.
"""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from sgns_study.errors import StudyError
from sgns_study.kernels.simd import aligned
from sgns_study.kernels.threads import rounds, shards
from sgns_study.kernels.word2vec import AHEAD, WINDOWS, Noise, alias_table, train_windows
from sgns_study.params import Word2vecRecipe
from sgns_study.sgns.state import State, initial_state, random_states
from sgns_study.sgns.stream import CHUNK, check_finite, framed, keep_probabilities, kept_counts

IN_TURN = 0.05  # share of all tokens that is read before threads train at the same time
RATE_FLOOR = 1e-4  # of the first learning rate, as in word2vec

AfterEpoch = Callable[[int, NDArray[np.float32], NDArray[np.float32], float | None], None]
Tables = tuple[NDArray[np.float32], NDArray[np.float32]]  # centre, context
Documents = tuple[NDArray[Any], NDArray[np.int64]]  # ids, offsets


class Trained(NamedTuple):
    """Tables float32 (V, d), row 0 zero, and the mean loss of a pair in each epoch."""

    centre: NDArray[np.float32]
    context: NDArray[np.float32]
    losses: NDArray[np.float64]
    held_out: NDArray[np.float64]  # of a pair held out: before training and after each epoch


class Setup(NamedTuple):
    """The recipe at one radius, and what follows from it and the counts of a text."""

    recipe: Word2vecRecipe
    radius: int
    keep: NDArray[np.int64]  # as of `keep_probabilities`
    noise: Noise


def train(
    ids: NDArray[Any],
    offsets: NDArray[np.int64],
    counts: NDArray[np.int64],
    recipe: Word2vecRecipe,
    radius: int,
    dim: int,
    seed: int,
    *,
    threads: int = 1,
    held_out: Documents | None = None,
    after_epoch: AfterEpoch | None = None,
    start: State | None = None,
    after_round: Callable[[State], None] | None = None,
) -> Trained:
    """Train both tables on the documents `ids[offsets[i]:offsets[i + 1]]`.

    ids: uint16, uint32 or int32, may be memory-mapped, is read in pieces; counts: (V,), how often
    each id occurs in it. Id 0 is padding. Ids rarer than `min_count` are deleted before windows
    form and keep their initial vectors. The bits follow from `seed` and `threads`. Two threads or
    more take two tables each, besides the two of the outcome.
    held_out: ids and offsets of documents that only the loss is measured on, not in the counts.
    after_epoch(epoch, centre, context, loss): called with the tables (V, d), which it must not
    change, and the mean loss of a pair in the epoch; at first with epoch 0 and loss None.
    after_round(state): may save the state. `start`, which changes, continues from a saved state
    with the bits of an unbroken training, and calls nothing again for what lies before it.

    Raises StudyError if nothing is left to train on, there are fewer other words than negatives,
    or the loss is no longer finite.
    """
    setup = set_up(counts, recipe, radius)
    state = start or initial_state(len(counts), dim, radius, seed, threads)
    centre, context = state.centre[:, :dim], state.context[:, :dim]
    tokens = int(offsets[-1] - offsets[0])
    total, done = recipe.epochs * tokens, state.tokens(tokens)

    def report(loss: float | None) -> None:
        if held_out:
            state.held_out.append(held_out_loss(held_out, state, setup, seed))
        if after_epoch:
            after_epoch(len(state.losses), centre, context, loss)

    with tqdm(total=total, initial=done, unit="token", unit_scale=True, disable=None) as bar:
        if not start:
            report(None)
        while len(state.losses) < recipe.epochs:
            for read in train_epoch((ids, offsets), setup, state):
                bar.set_postfix(losses_shown(state), refresh=False)
                bar.update(read)
                if after_round:
                    after_round(state)
            end_epoch(state, setup, seed)
            report(state.losses[-1])
            bar.set_postfix(losses_shown(state))
    tables = np.ascontiguousarray(centre), np.ascontiguousarray(context)
    return Trained(*tables, np.array(state.losses), np.array(state.held_out))


def compile_kernel(ids: NDArray[Any]) -> None:
    """Compile the loops for ids of this type, or load what was compiled before: up to 12 s."""
    recipe = Word2vecRecipe(
        kind="word2vec", negatives=1, alpha=0, window="fixed", subsample=0, min_count=1, epochs=1,
        learning_rate=1,
    )  # fmt: skip
    train(np.array([1, 2], ids.dtype), np.array([0, 2]), np.array([0, 1, 1]), recipe, 1, 1, seed=0)


def set_up(counts: NDArray[np.int64], recipe: Word2vecRecipe, radius: int) -> Setup:
    """The recipe on a text of these counts (V,)."""
    kept = kept_counts(counts, recipe.min_count)
    check_negatives(recipe, int(np.count_nonzero(kept)))
    keep = keep_probabilities(kept, recipe.subsample)
    return Setup(recipe, radius, keep, alias_table(kept, recipe.alpha))


def check_negatives(recipe: Word2vecRecipe, words: int) -> None:
    """Raise StudyError unless a window's K noise words may all be other words than its token."""
    if recipe.negatives >= words:
        raise StudyError(
            f"negatives: {recipe.negatives} noise words are more than the {words - 1} other "
            f"words there are of the {words} that occur at least min_count = {recipe.min_count} "
            "times: lower negatives or min_count, or use more text"
        )


def end_epoch(state: State, setup: Setup, seed: int) -> None:
    """Close an epoch that was read to its end; raises StudyError if it had no pair."""
    loss, weight = state.sums.sum(axis=0)
    if weight == 0:
        raise StudyError(
            f"epoch {len(state.losses) + 1} has no pair of neighbours: documents need two words "
            f"that occur at least min_count = {setup.recipe.min_count} times and survive "
            f"subsample = {setup.recipe.subsample}: lower min_count or raise subsample"
        )
    state.losses.append(float(loss / weight))
    state.begin_epoch(seed)


def losses_shown(state: State) -> dict[str, str]:
    """What the progress bar shows: the mean losses of a pair in this epoch and held out."""
    loss, weight = state.sums.sum(axis=0)
    losses = [*state.losses, loss / weight] if weight else state.losses
    latest = {"loss": losses[-1:], "validation": state.held_out[-1:]}
    return {name: f"{value:.3f}" for name, values in latest.items() for value in values}


def train_epoch(documents: Documents, setup: Setup, state: State) -> Iterator[int]:
    """The rest of a pass over a text, changing the state; yields the tokens read in each round.

    The initial vectors point in random directions, and so would those of separate copies: at first,
    the shards take turns on the same tables, as a single shard always does.
    """
    ids, offsets = documents
    tables, tokens = (state.centre, state.context), int(offsets[-1] - offsets[0])
    rows, threads = np.flatnonzero(setup.keep), len(state.read)
    # Merging takes time in proportion to the rows: with so many pieces, about a fifth of a round.
    pieces = max(1, 2 * len(rows) // CHUNK) if threads > 1 else 1
    parts = [(ids, part) for part in shards(offsets, threads)]
    readers = [train_shard(part, setup, state, n, tables) for n, part in enumerate(parts)]
    while threads == 1 or state.tokens(tokens) < IN_TURN * setup.recipe.epochs * tokens:
        read = sum(sum(islice(reader, pieces)) for reader in readers)
        if not read:
            return
        yield read
    changed = copies(state.centre, threads, rows), copies(state.context, threads, rows)
    readers = [
        train_shard(part, setup, state, n, (changed[0][n], changed[1][n]))
        for n, part in enumerate(parts)
    ]
    yield from rounds(readers, tables, changed, rows, pieces)


def copies(table: NDArray[np.float32], number: int, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """Aligned copies of some rows of a table, float32 (number, V, width), all others zero."""
    made = aligned(number * len(table), table.shape[1]).reshape(number, *table.shape)
    for copy in made:
        copy[rows] = table[rows]
    return made


def train_shard(
    documents: Documents, setup: Setup, state: State, shard: int, tables: Tables
) -> Iterator[int]:
    """Train tables on a shard piece by piece from its position on; yields the tokens of each."""
    ids, offsets = documents
    epoch, tokens, after = len(state.losses), int(offsets[-1] - offsets[0]), setup.radius + AHEAD
    before, draws = int(state.read[shard]), state.draws[shard]
    at = (before, state.left[shard]) if before else ()
    for stream, read in framed(ids, offsets, setup.keep, setup.radius, draws[:1], after, *at):
        first, last = (learning_rate(setup.recipe, epoch + n / tokens) for n in (before, read))
        state.sums[shard] += train_stream(stream, tables, setup, (first, last), draws[1:])
        span = f"tokens {offsets[0] + before} and {offsets[0] + read} of {len(ids)}"
        place = f"in epoch {epoch + 1}, between {span}"
        check_finite(state.sums[shard, 0], place, setup.recipe.learning_rate)
        state.read[shard], state.left[shard] = read, stream[-setup.radius - after :]
        yield read - before
        before = read


def learning_rate(recipe: Word2vecRecipe, epoch: float) -> float:
    """The learning rate after so many epochs: it falls linearly, as in word2vec."""
    return recipe.learning_rate * max(1 - epoch / recipe.epochs, RATE_FLOOR)


def held_out_loss(documents: Documents, state: State, setup: Setup, seed: int) -> float:
    """Mean loss of a pair, with the same windows and negatives at every call.

    The kernel computes it at a learning rate of zero, which leaves the tables as they are. Raises
    StudyError if there is no pair.
    """
    draws, radius = random_states(seed, "held out"), setup.radius
    sums = np.zeros(2)
    for stream, _ in framed(*documents, setup.keep, radius, draws[:1], radius + AHEAD):
        sums += train_stream(stream, (state.centre, state.context), setup, (0.0, 0.0), draws[1:])
    if sums[1] == 0:
        raise StudyError(
            "the documents held out have no pair of neighbours among the words of the others: "
            "hold out more"
        )
    return float(sums[0] / sums[1])


def train_stream(
    stream: NDArray[np.int32],
    tables: Tables,
    setup: Setup,
    rates: tuple[float, float],
    draws: NDArray[np.uint64],
) -> NDArray[np.float64]:
    """Train on a piece of the stream, the rate falling linearly; Σ weight·loss and Σ weight.

    draws: the random states (2,) of the windows and of the negatives.
    """
    centre, context = tables
    shape = centre.shape[1], setup.radius
    choice = WINDOWS.index(setup.recipe.window), setup.recipe.negatives, setup.noise
    flat, states = (centre.ravel(), context.ravel()), (draws[:1], draws[1:])
    return np.array(train_windows(stream, *flat, *shape, *choice, *rates, *states))

"""The fast kernel against its definition: autograd in float64, one window at a time."""

from copy import deepcopy
from itertools import pairwise

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from sgns_study.errors import StudyError
from sgns_study.kernels import word2vec as kernel
from sgns_study.kernels.random import below, kernel_state
from sgns_study.kernels.simd import LINE
from sgns_study.kernels.threads import merge, rounds, shards
from sgns_study.params import Word2vecRecipe
from sgns_study.sgns import reference, stream, word2vec
from sgns_study.sgns.state import initial_state, initial_tables
from tests.zipfian import text

RADIUS, DIM = 3, 20
PLAIN = Word2vecRecipe(
    kind="word2vec", negatives=5, alpha=0.75, window="dynamic", subsample=0, min_count=1, epochs=2,
    learning_rate=0.05,
)  # fmt: skip


def replace(recipe, **change):
    """The recipe with other settings, not checked."""
    return recipe.model_copy(update=change)


def train(ids, offsets, counts, recipe, seed, dim=DIM, **options):
    return word2vec.train(ids, offsets, counts, recipe, RADIUS, dim, seed, **options)


def windows_by_hand(ids, offsets, settings, seed, epoch):
    """(token, neighbours, weights) of every window, clipped at the borders of its document."""
    radii = kernel_state(seed, "windows", epoch)
    for first, last in pairwise(offsets):
        for p in range(first, last):
            dynamic = settings.window == "dynamic"
            reach = 1 + int(below(radii, RADIUS)) if dynamic else RADIUS
            near = [q for q in range(max(first, p - reach), min(last, p + reach + 1)) if q != p]
            if near:
                harmonic = settings.window == "harmonic"
                yield ids[p], ids[near], [1 / abs(q - p) if harmonic else 1.0 for q in near]


@pytest.mark.parametrize("window", ["dynamic", "fixed", "harmonic"])
@pytest.mark.parametrize("negatives", [1, 5, 7])
def test_equals_autograd_of_the_objective_window_by_window(window, negatives):
    # 15 Zipfian words: windows in which a neighbour or a negative occurs twice are common.
    corpus, settings = text(), replace(PLAIN, window=window, negatives=negatives)
    assert_trains_as_defined(corpus, settings)


def test_equals_autograd_with_rare_words_deleted_and_common_ones_subsampled():
    corpus = text(3, documents=40, words=40)
    settings = replace(PLAIN, window="dynamic", min_count=8, subsample=0.05)
    assert_trains_as_defined(corpus, settings)


def assert_trains_as_defined(corpus, settings):
    """A whole training by the kernel gives the tables and losses of the reference."""
    found = train(*corpus, settings, 7)
    centre, context, losses = reference.train_word2vec(*corpus, settings, RADIUS, DIM, 7)
    np.testing.assert_allclose(found.centre, centre, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.context, context, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.losses, losses, rtol=1e-5)


@pytest.mark.parametrize("window", ["dynamic", "fixed", "harmonic"])
def test_windows_of_the_definition_are_those_of_each_document(window):
    ids, offsets, _ = text()
    settings = replace(PLAIN, window=window)
    keep, draws = np.full(15, 2**32), kernel_state(7, "windows", 0)
    pieces = stream.framed(ids, offsets, keep, RADIUS, kernel_state(1, "x"), RADIUS)
    ((framed, _),) = pieces
    found = []
    for p in np.flatnonzero(framed):
        near, weights = reference.neighbours(framed, p, RADIUS, window, draws)
        if len(near):
            found.append((framed[p], near.tolist(), weights))
    expected = windows_by_hand(ids, offsets, settings, 7, 0)
    assert found == [(token, near.tolist(), weights) for token, near, weights in expected]


@pytest.mark.parametrize("negatives", [2, 5, 11])
def test_a_step_is_the_gradient_at_the_tables_before_it(negatives):
    draws = np.random.default_rng(negatives)
    start = draws.normal(0, 0.3, (2, 9, 32)).astype(np.float32)
    start[:, 0] = 0
    neighbours, outputs = np.array([3, 4, 3, 8, 5]), draws.integers(1, 9, 1 + negatives)
    outputs[-1] = outputs[0]  # a negative that is the positive
    weights = draws.uniform(0.2, 1, 5)
    found = start.copy()
    one_window(*found, neighbours, outputs, weights, 0.1)
    centre, context = (torch.tensor(t.astype(np.float64), requires_grad=True) for t in start)
    scores = centre[neighbours] @ context[outputs].T
    signs = torch.tensor([1.0] + [-1.0] * negatives)
    losses = -torch.nn.functional.logsigmoid(signs * scores) * torch.tensor(weights)[:, None]
    losses.sum().backward()
    gradients = centre.grad.numpy(), context.grad.numpy()
    token, *noise = map(int, outputs)
    loss = reference.window_step(centre, context, neighbours, weights.tolist(), token, noise, 0.1)
    assert loss == pytest.approx(losses.sum().item())
    for table, before, gradient, plain in zip(found, start, gradients, (centre, context)):
        np.testing.assert_allclose(table - before, -0.1 * gradient, rtol=1e-5, atol=2e-7)
        np.testing.assert_allclose(plain.detach().numpy() - before, -0.1 * gradient, rtol=1e-9)


def one_window(centre, context, neighbours, outputs, weights, rate):
    """The kernel's step for given rows, in place."""
    n, width = len(neighbours), centre.shape[1]
    groups = -(-len(outputs) // kernel.OUTPUTS)
    inputs = np.append(neighbours * width, 0)
    rows = np.zeros(groups * kernel.OUTPUTS, np.int64)
    rows[: len(outputs)] = outputs * width
    scores = np.zeros(groups * (n + 1) * kernel.COLUMNS, np.float32)
    signed = np.zeros_like(scores)
    for i, weight in enumerate(weights):
        kernel.set_weights(signed, n + 1, i, np.float32(weight), len(outputs) - 1)
    change = np.zeros(len(rows) * LINE, np.float32)
    flat = centre.ravel(), context.ravel()
    kernel.window_step(*flat, inputs, n, rows, width, scores, signed, change, np.float32(rate))


def test_the_fast_sigmoid_and_loss_keep_their_stated_error():
    scores = np.linspace(-19, 19, 80_000, dtype=np.float32)
    for sign in (1, -1):
        steps, loss = scores.copy(), []
        weights = np.full(len(scores), sign, np.float32)
        kernel.gradients(steps, weights, np.float32(1))
        z = sign * scores.astype(np.float64)
        np.testing.assert_allclose(steps, sign / (1 + np.exp(z)), rtol=3e-6)
        for one in scores[::400]:
            loss.append(kernel.gradients(np.array([one]), weights, np.float32(1)))
        np.testing.assert_allclose(loss, np.logaddexp(0, -z[::400]), rtol=3e-6)


def test_noise_follows_counts_to_the_power_alpha():
    counts = np.array([0, 1000, 100, 10, 1, 0, 50])
    for alpha in (0, 0.75, 1):
        noise = kernel.alias_table(counts, alpha)
        share = np.zeros(len(noise.own))
        own = noise.own / (2**32 - 1)
        np.add.at(share, np.arange(len(counts)), own)
        np.add.at(share, noise.alias, 1 - own)
        expected = np.where(counts > 0, counts.astype(float) ** alpha, 0)
        np.testing.assert_allclose(share / len(share), expected / expected.sum(), atol=1e-9)


def test_rare_words_and_padding_are_never_trained():
    ids, offsets, counts = text(5, documents=60, words=40)
    settings = replace(PLAIN, min_count=int(np.median(counts)))
    found = train(ids, offsets, counts, settings, 2, dim=8)
    first = initial_tables(len(counts), 8, 2)[0][:, :8]
    rare = counts < settings.min_count
    np.testing.assert_array_equal(found.centre[rare], first[rare])
    assert not found.context[rare].any()
    assert not found.centre[0].any()
    assert (found.context[~rare].any(axis=1)).all()


def test_same_seed_same_bits_another_seed_others():
    corpus = text(6, documents=50)
    settings = replace(PLAIN, subsample=0.1, window="dynamic")
    first, again, other = (train(*corpus, settings, seed) for seed in (1, 1, 2))
    for a, b, c in zip(first[:3], again, other):
        np.testing.assert_array_equal(a, b)
        assert not np.array_equal(a, c)
    assert first.losses[0] != first.losses[1]


@pytest.mark.parametrize("kind", [np.uint16, np.uint32, np.int32])
def test_the_type_of_the_ids_does_not_show(kind, tmp_path):
    ids, offsets, counts = text(8)
    np.save(tmp_path / "ids.npy", ids.astype(kind))
    mapped = np.load(tmp_path / "ids.npy", mmap_mode="r")
    expected = train(ids, offsets, counts, PLAIN, 1).centre
    np.testing.assert_array_equal(train(mapped, offsets, counts, PLAIN, 1).centre, expected)


def test_words_in_the_same_places_become_neighbours():
    draws = np.random.default_rng(0)
    topic = draws.integers(0, 2, 3000)  # ids 1 to 10 or 11 to 20
    ids = (1 + draws.integers(0, 10, (3000, 12)) + 10 * topic[:, None]).astype(np.int32).ravel()
    offsets = np.arange(0, len(ids) + 1, 12)
    settings = replace(PLAIN, epochs=3, window="dynamic")
    found = train(ids, offsets, np.bincount(ids), settings, 1)
    unit = found.centre[1:] / np.linalg.norm(found.centre[1:], axis=1, keepdims=True)
    cosine = unit @ unit.T
    assert cosine[:10, :10].min() > cosine[:10, 10:].max()
    assert found.losses[2] < found.losses[0]


def test_a_learning_rate_too_large_is_named():
    with pytest.raises(StudyError, match=r"epoch 1.*tokens 0 and.*lower learning_rate"):
        train(*text(9, documents=300), replace(PLAIN, learning_rate=1e20), 1)


def test_nothing_to_train_on_is_named():
    ids, offsets, counts = text(10)
    with pytest.raises(StudyError, match="min_count: 0 words"):
        train(ids, offsets, counts, replace(PLAIN, min_count=10**6), 1)
    with pytest.raises(StudyError, match="no pair of neighbours"):
        train(ids, np.arange(len(ids) + 1), counts, PLAIN, 1)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("negatives", 0),
        ("epochs", 0),
        ("window", "wide"),
        ("min_count", 0),
        ("subsample", -0.1),
        ("subsample", 1.1),
        ("alpha", -0.1),
        ("alpha", float("nan")),
        ("learning_rate", 0.0),
        ("learning_rate", float("inf")),
    ],
)
def test_a_setting_out_of_range_is_refused(key, value):
    with pytest.raises(ValidationError, match=f"\n{key}\n"):
        Word2vecRecipe(**PLAIN.model_dump() | {key: value})


def test_more_negatives_than_other_words_are_named_before_any_work():
    def no_work(*_):
        raise AssertionError

    allowed = "negatives: 14.* the 13 other words there are of the 14"
    with pytest.raises(StudyError, match=allowed):
        train(*text(), replace(PLAIN, negatives=14), 1, after_epoch=no_work)


def test_the_tables_can_be_looked_at_after_each_epoch():
    corpus, seen = text(4, documents=40), []

    def look(epoch, centre, context, loss):
        seen.append((epoch, centre.copy(), context.copy(), loss))

    found = train(*corpus, PLAIN, 3, after_epoch=look)
    epochs, centres, contexts, losses = zip(*seen)
    assert epochs == (0, 1, 2)
    assert losses == (None, *found.losses)
    first = initial_tables(len(corpus[2]), DIM, 3)[0][:, :DIM]
    np.testing.assert_array_equal(centres[0], first)
    assert not contexts[0].any()
    assert not np.array_equal(centres[1], centres[2])
    np.testing.assert_array_equal(centres[2], found.centre)
    np.testing.assert_array_equal(contexts[2], found.context)


@pytest.mark.parametrize("threads", [1, 3])
def test_training_goes_on_from_any_round_to_the_same_bits(threads, monkeypatch):
    monkeypatch.setattr(stream, "CHUNK", 50)
    monkeypatch.setattr(word2vec, "CHUNK", 15)  # of 15 words: rounds of two pieces
    ids, offsets, counts = text(4, documents=40)
    settings = replace(PLAIN, window="dynamic", subsample=0.1)
    held_out, saved, looks = (ids[:60], np.array([0, 25, 60])), [], []
    options = {"threads": threads, "held_out": held_out}
    merges = []
    monkeypatch.setattr(word2vec, "rounds", lambda *a: (merges.append(1), rounds(*a))[1])
    whole = train(
        ids,
        offsets,
        counts,
        settings,
        3,
        **options,
        after_round=lambda s: saved.append(deepcopy(s)),
    )
    assert len(saved) >= 2 * len(ids) // (100 * threads)
    assert len({state.tokens(len(ids)) for state in saved}) == len(saved)
    assert bool(merges) == (threads > 1)  # and it starts with rounds in turn
    for state in saved:
        again = train(
            ids, offsets, counts, settings, 3, **options, start=state,
            after_epoch=lambda epoch, *_: looks.append(epoch),
        )  # fmt: skip
        for a, b in zip(whole, again):
            np.testing.assert_array_equal(a, b)
    assert looks.count(2) == len(saved)
    assert looks.count(0) == 0
    assert looks.count(1) == len(saved) / 2


def test_the_held_out_loss_is_that_of_the_objective():
    corpus, (ids, offsets, _) = text(4, documents=40), text(5)
    settings = replace(PLAIN, window="dynamic", epochs=1)
    found = train(*corpus, settings, 3, held_out=(ids, offsets))
    noise = kernel.alias_table(corpus[2], settings.alpha)
    draws, loss, pairs = kernel_state(3, "negatives", "held out"), 0.0, 0
    for token, neighbours, _ in windows_by_hand(ids, offsets, settings, 3, "held out"):
        negatives = [kernel.draw_word(noise, draws) for _ in range(settings.negatives)]
        scores = found.centre[neighbours] @ found.context[[token, *negatives]].T
        loss += np.logaddexp(0, [-1, 1, 1, 1, 1, 1] * scores).sum()
        pairs += len(neighbours)
    np.testing.assert_allclose(found.held_out, [6 * np.log(2), loss / pairs], rtol=1e-5)
    alone = train(*corpus, settings, 3)
    np.testing.assert_array_equal(found.centre, alone.centre)
    np.testing.assert_array_equal(found.context, alone.context)
    with pytest.raises(StudyError, match="held out have no pair"):
        train(*corpus, settings, 3, held_out=(ids, np.arange(len(ids) + 1)))


@pytest.mark.parametrize("number", [1, 2, 3, 7])
def test_shards_are_runs_of_documents_of_about_equal_size(number):
    _, offsets, _ = text(documents=100)
    parts = shards(offsets, number)
    assert len(parts) == number
    joined = np.concatenate([parts[0], *(part[1:] for part in parts[1:])])
    np.testing.assert_array_equal(joined, offsets)
    assert all(a[-1] == b[0] for a, b in pairwise(parts))
    sizes = np.array([part[-1] - part[0] for part in parts])
    assert np.abs(sizes - offsets[-1] / number).max() <= np.diff(offsets).max()


def test_threads_merge_what_their_shards_teach(monkeypatch):
    # With three shards of one piece each, an epoch is one round from the initial tables.
    monkeypatch.setattr(word2vec, "IN_TURN", 0)
    ids, offsets, counts = text(4, documents=60)
    settings = replace(PLAIN, window="dynamic", epochs=1)
    found = train(ids, offsets, counts, settings, 3, threads=3)
    setup = word2vec.set_up(counts, settings, RADIUS)
    before = initial_tables(len(counts), DIM, 3)
    changes = []
    state = initial_state(len(counts), DIM, RADIUS, 3, threads=3)
    for n, part in enumerate(shards(offsets, 3)):
        tables = initial_tables(len(counts), DIM, 3)
        assert list(word2vec.train_shard((ids, part), setup, state, n, tables))
        changes.append([(new - old).astype(float) for new, old in zip(tables, before)])

    def joined(x, y):
        dot = (x * y).sum(1, keepdims=True)
        norms = [np.maximum((z * z).sum(1, keepdims=True), 1e-30) for z in (x, y)]
        return x - dot / norms[0] / 2 * x + y - dot / norms[1] / 2 * y

    for table, old, (x, y, z) in zip(found[:2], before, zip(*changes)):
        expected = (old + joined(joined(x, y), z))[:, :DIM]
        np.testing.assert_allclose(table, expected, rtol=1e-4, atol=1e-6)


def test_shards_take_turns_on_the_same_tables_at_first():
    ids, offsets, counts = text(4, documents=60)
    settings = replace(PLAIN, window="dynamic", epochs=1)
    found = train(ids, offsets, counts, settings, 3, threads=3)
    setup = word2vec.set_up(counts, settings, RADIUS)
    state = initial_state(len(counts), DIM, RADIUS, 3, threads=3)
    tables = state.centre, state.context
    for n, part in enumerate(shards(offsets, 3)):
        assert list(word2vec.train_shard((ids, part), setup, state, n, tables))
    for table, expected in zip(found[:2], tables):
        np.testing.assert_array_equal(table, expected[:, :DIM])


def test_equal_changes_count_once_and_different_ones_both():
    old = np.random.default_rng(1).normal(size=(4, 16)).astype(np.float32)
    x, y = np.zeros((2, 4, 16), np.float32)
    x[0] = y[0] = 0.5  # equal
    x[1, :8], y[1, 8:] = 1, 2  # at right angles
    x[2] = 3  # one alone
    table, changed = old.copy(), np.stack([old + x, old + y])
    merge(table, changed, np.arange(4))
    expected = old + np.stack([x[0], x[1] + y[1], x[2], 0 * x[3]])
    np.testing.assert_allclose(table, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(changed, [table, table])


def test_a_number_of_threads_fixes_the_bits(monkeypatch):
    monkeypatch.setattr(stream, "CHUNK", 500)
    corpus = text(6, documents=300)
    first, again, alone = (train(*corpus, PLAIN, 1, threads=n) for n in (2, 2, 1))
    for a, b, c in zip(first[:3], again, alone):
        np.testing.assert_array_equal(a, b)
        assert not np.array_equal(a, c)
    assert abs(first.losses[-1] / alone.losses[-1] - 1) < 0.05


def test_the_bar_shows_the_losses():
    state = initial_state(9, 20, RADIUS, seed=1, threads=2)
    assert word2vec.losses_shown(state) == {}
    state.losses.append(1.5)  # an epoch is over, the next has no pair yet
    assert word2vec.losses_shown(state) == {"loss": "1.500"}
    state.sums[:] = (3, 2), (1, 3)
    state.held_out.append(0.25)
    assert word2vec.losses_shown(state) == {"loss": "0.800", "validation": "0.250"}

"""Row-sparse Adam against torch's dense optimiser, which moves every row at every step."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from sgns_study.kernels.adam import RowAdam, rule, run_of_steps

ROWS, DIM = 24, 9


def gradients(
    steps: int, touched: float, size: float, seed: int = 0
) -> list[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """Rows and their gradients per step; low rows are touched rarely, row 0 never."""
    draw = np.random.default_rng(seed)
    rate = touched * np.linspace(0, 1, ROWS) ** 3
    sizes = size * 10.0 ** draw.uniform(-2, 2, (ROWS, DIM))
    out = []
    for _ in range(steps):
        rows = np.flatnonzero(draw.random(ROWS) < rate)
        out.append((rows, (sizes[rows] * draw.normal(size=(len(rows), DIM))).astype(np.float32)))
    return out


def dense(
    table: NDArray[np.float32],
    steps: list[tuple[NDArray[np.int64], NDArray[np.float32]]],
    dtype: torch.dtype,
    weight_decay: float,
    learning_rate: float,
) -> NDArray[np.float64]:
    """The table after torch's dense optimiser took the same steps."""
    parameter = torch.tensor(table, dtype=dtype, requires_grad=True)
    settings: Any = {"lr": learning_rate, "weight_decay": weight_decay}
    kind = torch.optim.AdamW if weight_decay else torch.optim.Adam
    optimiser = kind([parameter], **settings)
    for rows, gradient in steps:
        parameter.grad = torch.zeros_like(parameter)
        parameter.grad[torch.from_numpy(rows)] = torch.from_numpy(gradient).to(dtype)
        optimiser.step()
    return parameter.detach().double().numpy()


@pytest.mark.parametrize("weight_decay", [0.0, 0.01])
@pytest.mark.parametrize("touched", [1.0, 0.02])
@pytest.mark.parametrize("size", [1e-3, 1e-8], ids=["usual", "as small as eps"])
def test_equals_dense_torch(weight_decay: float, touched: float, size: float) -> None:
    start = np.random.default_rng(1).normal(size=(ROWS, DIM)).astype(np.float32)
    steps = gradients(600, touched, size)
    table = start.copy()
    optimiser = RowAdam(table, 1e-2, len(steps), weight_decay=weight_decay)
    for rows, gradient in steps:
        optimiser.step(rows, gradient)
    optimiser.flush()
    exact = dense(start, steps, torch.float64, weight_decay, 1e-2)
    peer = dense(start, steps, torch.float32, weight_decay, 1e-2)
    assert np.abs(table - start).max() > 0.1  # the comparison is of tables that moved
    # The moves, of 0.1 and more, agree to 1e-5 of themselves, and to torch's own rounding.
    np.testing.assert_allclose(table, exact, rtol=1e-5, atol=2e-6)
    assert np.abs(table - exact).max() <= 2 * np.abs(peer - exact).max() + 1e-6


@pytest.mark.parametrize("weight_decay", [0.0, 0.01])
@pytest.mark.parametrize("first", [1, 2, 50, 3000])
def test_one_long_gap(weight_decay: float, first: int) -> None:
    """A gradient at one step, then none for 1500, then another, from any point of the run."""
    start = np.random.default_rng(1).normal(size=(ROWS, DIM)).astype(np.float32)
    draw = np.random.default_rng(2)
    none = (np.zeros(0, np.int64), np.zeros((0, DIM), np.float32))
    steps = [none] * (first + 1502)
    for step in (first - 1, first + 1500):
        size = 10.0 ** draw.uniform(-9, -1, (ROWS, DIM))
        steps[step] = (np.arange(ROWS), (size * draw.normal(size=size.shape)).astype(np.float32))
    table = start.copy()
    # A large learning rate makes the moves as large as the values, so errors of them show.
    optimiser = RowAdam(table, 0.1, len(steps), weight_decay=weight_decay)
    for rows, gradient in steps:
        optimiser.step(rows, gradient)
    optimiser.flush()
    exact = dense(start, steps, torch.float64, weight_decay, 0.1)
    np.testing.assert_allclose(table, exact, rtol=1e-5, atol=3e-6)


def test_catching_up_between_changes_nothing() -> None:
    """Reading rows at any time does not change where they end."""
    start = np.random.default_rng(1).normal(size=(ROWS, DIM)).astype(np.float32)
    steps = gradients(400, 0.1, 1e-3)
    tables = [start.copy(), start.copy()]
    for table in tables:
        optimiser = RowAdam(table, 1e-3, len(steps), weight_decay=0.01)
        for number, (rows, gradient) in enumerate(steps):
            optimiser.step(rows, gradient)
            if table is tables[1] and number % 7 == 0:
                optimiser.catch_up(np.arange(number % ROWS, ROWS))
        optimiser.flush()
    np.testing.assert_allclose(tables[0], tables[1], rtol=1e-5, atol=1e-6)


def test_a_zero_row_that_gets_no_gradient_stays_zero() -> None:
    table = np.ones((3, 4), np.float32)
    table[0] = 0
    optimiser = RowAdam(table, 1e-3, 50, weight_decay=0.01)
    for _ in range(50):
        optimiser.step(np.array([2]), np.ones((1, 4), np.float32))
    optimiser.flush()
    assert (table[0] == 0).all()
    np.testing.assert_allclose(table[1], (1 - 1e-5) ** 50, rtol=1e-6)


def test_series_equals_the_sum_over_single_steps() -> None:
    """W, ā and the moments give Σ w / (a s + ε) of a run to 5e-8 for every s."""
    constants = rule(1e-3, 20_000, 0.01)
    roots = 10.0 ** np.arange(-14, 4)
    for start in (0, 3, 4, 5, 6, 30, 300, 3_000, 19_000):
        end = start + 250
        length, weight, mean, mu2, mu3, mu4 = run_of_steps(start, end, constants)
        j = np.arange(1, length + 1)
        w = constants.size[start + j] * 0.9**j * (1 - 1e-5) ** (length - j)
        a = 0.999 ** (j / 2) * constants.scale[start + j]
        direct = (w / (roots[:, None] * a + 1e-8)).sum(1)
        q = 1 / (mean * roots + 1e-8)
        x = mean * roots * q
        series = weight * q * (1 + mu2 * x**2 - mu3 * x**3 + mu4 * x**4)
        np.testing.assert_allclose(series, direct, rtol=5e-8)
        assert length > 10 * (start >= 300)


def test_a_weight_decay_that_turns_weights_round_is_named() -> None:
    with pytest.raises(ValueError, match=r"weight_decay: found 0\.2"):
        RowAdam(np.zeros((4, 2), np.float32), 10, 1, weight_decay=0.2)

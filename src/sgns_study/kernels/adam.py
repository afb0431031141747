"""Dense Adam and AdamW on an embedding table at the cost of the rows that got a gradient.

Dense AdamW (Loshchilov & Hutter, 2019) moves every row at every step, also where the gradient is
zero: momentum still carries it and weight decay shrinks it. In a batch most rows are such rows, and
reading and writing them takes most of the time of a dense step. But a row without gradient follows
a path known beforehand. With m, v its moments after step t, and s = √v, step t + j is

    p ← (1 − ηλ) p − η_{t+j} β1^j m / (a_j s + ε),   a_j = β2^{j/2} / √(1 − β2^{t+j}),
                                                     η_i = η / (1 − β1^i),

so the row can stay untouched until it is needed, and then take all its missed steps at once. Over a
run of steps in which a_j changes little, with weights w_j = η_{t+j} β1^j (1 − ηλ)^{n−j}, W = Σ w_j,
mean ā = Σ w_j a_j / W, central moments μ_k = Σ w_j (a_j/ā − 1)^k / W, and x = ā s / (ā s + ε),

    Σ_j w_j m / (a_j s + ε) = m W / (ā s + ε) · (1 + μ2 x² − μ3 x³ + μ4 x⁴ − …),

one division for the whole run. Runs end where a_j has changed by `RUN` = 8 %: the first term left
out, μ5, is below 0.04⁵ = 1e-7 of the move, below 4e-8 for β as here: float32's own rounding.
A run of one step is exact. After `reach` steps β1^j has fallen so far that all later moves together
are below 2^-24 of those made, which float32 cannot hold either: only decay is left.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import float32, njit
from numpy.typing import NDArray

from sgns_study.errors import StudyError
from sgns_study.kernels.simd import LINE, prefetch

RUN = 0.08
AHEAD = 4  # rows between asking memory for one and moving it
BETA1, BETA2, EPS = 0.9, 0.999, 1e-8  # β1, β2 and ε as in torch
# Sums may be reordered and fused, so that loops vectorise; NaN and infinity keep their meaning.
REORDER = {"reassoc", "contract", "nsz"}


class Rule(NamedTuple):
    """The constants of an optimiser, as the compiled functions take them.

    Arrays are float64 with an entry per step, or per number of missed steps, from 0 on.
    """

    beta1: float
    beta2: float
    eps: float
    decay: float  # ηλ
    size: NDArray[np.float64]  # η / (1 − β1^i) of step i; entry 0 is not used
    scale: NDArray[np.float64]  # 1 / √(1 − β2^i) of step i; entry 0 is not used
    kept1: NDArray[np.float64]  # β1^n
    kept2: NDArray[np.float64]  # β2^n
    shrink: NDArray[np.float64]  # (1 − ηλ)^n − 1
    narrowed: NDArray[np.float64]  # β2^{n/2}
    carried: NDArray[np.float64]  # (β1 / (1 − ηλ))^n
    reach: int  # steps without a gradient after which the momentum moves nothing


def rule(learning_rate: float, steps: int, weight_decay: float = 0.0) -> Rule:
    """Constants of AdamW for at most `steps` steps; Adam if `weight_decay` is 0.

    Raises StudyError for a weight decay out of range.
    """
    check_rates(learning_rate, weight_decay)
    n = np.arange(steps + 1)
    log1, log2 = math.log(BETA1), math.log(BETA2)
    log_shrink = math.log1p(-learning_rate * weight_decay)
    with np.errstate(divide="ignore"):  # entry 0
        size = -learning_rate / np.expm1(n * log1)
        scale = 1 / np.sqrt(-np.expm1(n * log2))
    # Step t + j moves by at most (β1/√β2)^j / √(1 − β2) of step t + 1, which bounds what is cut.
    reach = (-24 * math.log(2) + math.log(1 - BETA2) / 2) / (log1 - log2 / 2)
    return Rule(
        beta1=BETA1,
        beta2=BETA2,
        eps=EPS,
        decay=learning_rate * weight_decay,
        size=size,
        scale=scale,
        kept1=np.exp(n * log1),
        kept2=np.exp(n * log2),
        shrink=np.expm1(n * log_shrink),
        narrowed=np.exp(n * log2 / 2),
        carried=np.exp(n * (log1 - log_shrink)),
        reach=math.ceil(reach),
    )


def check_rates(learning_rate: float, weight_decay: float) -> None:
    """Raise StudyError unless ηλ < 1."""
    if learning_rate * weight_decay >= 1:
        raise StudyError(f"weight_decay: found {weight_decay}, allowed: 0 to 1 / learning_rate")


@njit(cache=True, fastmath=REORDER, error_model="numpy")
def run_of_steps(start, end, rule):  # type: ignore[no-untyped-def]  # numba infers the types
    """The longest run of steps after `start`, up to `end`: length, W, ā, μ2, μ3, μ4."""
    limit = (1 - RUN) * rule.narrowed[1] * rule.scale[start + 1]
    length = end - start  # most runs are of one step; most others take all of them
    while rule.narrowed[length] * rule.scale[start + length] < limit:
        length -= 1
    weight, mean, second, third, fourth = 0.0, 0.0, 0.0, 0.0, 0.0
    for j in range(1, length + 1):
        w = rule.carried[j] * rule.size[start + j]
        weight += w
        mean += w * rule.narrowed[j] * rule.scale[start + j]
    mean /= weight
    if length > 1:
        for j in range(1, length + 1):
            w = rule.carried[j] * rule.size[start + j] / weight
            deviation = rule.narrowed[j] * rule.scale[start + j] / mean - 1
            second += w * deviation**2
            third += w * deviation**3
            fourth += w * deviation**4
    return length, weight * (1 + rule.shrink[length]), mean, second, third, fourth


@njit(cache=True, fastmath=REORDER, error_model="numpy")
def advance(table, momentum, variance, row, start, end, rule):  # type: ignore[no-untyped-def]
    """Take the steps `start` + 1 to `end` of one row that has no gradient in any of them.

    table, momentum, variance: (V, d).
    """
    near = min(end, start + rule.reach)
    while start < end:
        if start < near:
            length, weight, mean, mu2, mu3, mu4 = run_of_steps(start, near, rule)
        else:
            length, weight, mean, mu2, mu3, mu4 = end - start, 0.0, 1.0, 0.0, 0.0, 0.0
        w, a, eps = float32(weight), float32(mean), float32(rule.eps)
        c2, c3, c4 = float32(mu2), float32(mu3), float32(mu4)
        shrink = float32(rule.shrink[length])
        keep1, keep2 = float32(rule.kept1[length]), float32(rule.kept2[length])
        for k in range(table.shape[1]):
            p, m, v = table[row, k], momentum[row, k], variance[row, k]
            q = float32(1) / (np.sqrt(v) * a + eps)
            x = float32(1) - eps * q
            series = float32(1) + x * x * (c2 - x * (c3 - x * c4))
            table[row, k] = p + p * shrink - m * w * q * series
            momentum[row, k] = m * keep1
            variance[row, k] = v * keep2
        start += length


@njit(cache=True, fastmath=REORDER, error_model="numpy")
def update(table, momentum, variance, row, gradient, i, step, rule):  # type: ignore[no-untyped-def]
    """Take step number `step` of a row that stands at `step` − 1, with `gradient[i]` (d,)."""
    beta1, beta2 = float32(rule.beta1), float32(rule.beta2)
    new1, new2 = float32(1 - rule.beta1), float32(1 - rule.beta2)
    size, scale = float32(rule.size[step]), float32(rule.scale[step])
    decay, eps = float32(rule.decay), float32(rule.eps)
    for k in range(table.shape[1]):
        p, g = table[row, k], gradient[i, k]
        m = beta1 * momentum[row, k] + new1 * g
        v = beta2 * variance[row, k] + new2 * g * g
        table[row, k] = p - p * decay - size * m / (np.sqrt(v) * scale + eps)
        momentum[row, k] = m
        variance[row, k] = v


@njit(inline="always")
def ask_for(table, momentum, variance, row):  # type: ignore[no-untyped-def]
    """Ask memory for a row, which will be moved soon."""
    dim = table.shape[1]
    for k in range(0, dim, LINE):
        prefetch(table, row * dim + k)
        prefetch(momentum, row * dim + k)
        prefetch(variance, row * dim + k)


@njit(cache=True)
def advance_rows(table, momentum, variance, at, rows, now, rule):  # type: ignore[no-untyped-def]
    """Bring `rows` to step `now`; `at` (V,) holds the step that each row stands at."""
    for i in range(len(rows)):
        row = rows[i]
        if i + AHEAD < len(rows) and at[rows[i + AHEAD]] < now:
            ask_for(table, momentum, variance, rows[i + AHEAD])
        if at[row] < now:
            advance(table, momentum, variance, row, at[row], now, rule)
            at[row] = now


@njit(cache=True)
def update_rows(  # type: ignore[no-untyped-def]
    table, momentum, variance, at, rows, gradient, step, rule
):
    """Take step number `step` with a gradient (len(rows), d) on `rows`, distinct rows."""
    for i in range(len(rows)):
        row = rows[i]
        if i + AHEAD < len(rows):
            ask_for(table, momentum, variance, rows[i + AHEAD])
        if at[row] < step - 1:
            advance(table, momentum, variance, row, at[row], step - 1, rule)
        update(table, momentum, variance, row, gradient, i, step, rule)
        at[row] = step


class RowAdam:
    """Adam (`weight_decay` 0) or AdamW on the rows of a table, equal to the dense optimiser.

    `table` is float32 (V, d), C-contiguous, and changed in place. Rows are behind until they are
    caught up: call `catch_up` before reading some, `flush` before reading all of them. A row that
    is zero and never passed to `step` stays zero.
    """

    def __init__(
        self,
        table: NDArray[np.float32],
        learning_rate: float,
        steps: int,
        weight_decay: float = 0.0,
    ) -> None:
        """`steps` is the number of steps planned: no more may be taken."""
        self.table = table
        self.momentum = np.zeros_like(table)
        self.variance = np.zeros_like(table)
        self.at = np.zeros(len(table), np.int64)  # the step each row stands at
        self.now = 0  # the step of the rows that are caught up
        self.rule = rule(learning_rate, steps, weight_decay)

    def catch_up(self, rows: NDArray[np.int64]) -> None:
        """Bring `rows` of the table to the present step."""
        advance_rows(self.table, self.momentum, self.variance, self.at, rows, self.now, self.rule)

    def step(self, rows: NDArray[np.int64], gradient: NDArray[np.float32]) -> None:
        """One step: `gradient`, float32 (len(rows), d), on distinct `rows`, zero elsewhere."""
        self.now += 1
        update_rows(
            self.table, self.momentum, self.variance, self.at, rows, gradient, self.now, self.rule
        )

    def flush(self) -> None:
        """Bring all rows to the present step."""
        self.catch_up(np.arange(len(self.table)))

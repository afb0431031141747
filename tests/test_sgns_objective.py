"""The objective against sums written out by hand."""

import math

import pytest
import torch

from sgns_study.sgns.objective import accuracy, loss, window_loss


def sigma(x: float) -> float:
    return 1 / (1 + math.exp(-x))


@pytest.fixture
def batch() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(0)
    shapes = ((3, 4), (3, 2, 4), (3, 6, 4))
    return tuple(torch.randn(s, generator=draw, dtype=torch.float64) for s in shapes)  # type: ignore[return-value]


def test_loss_is_the_sum_of_two_means(batch: tuple[torch.Tensor, ...]) -> None:
    centre, positive, negative = batch
    total = 0.0
    for b in range(3):
        dots = [[float(centre[b] @ w) for w in words[b]] for words in (positive, negative)]
        total += sum(-math.log(sigma(x)) for x in dots[0]) / 2
        total += sum(-math.log(1 - sigma(x)) for x in dots[1]) / 6
    assert loss(*batch).item() == pytest.approx(total / 3, rel=1e-12)


def test_gradient_is_the_one_of_the_docstring(batch: tuple[torch.Tensor, ...]) -> None:
    centre, positive, negative = (tensor.requires_grad_() for tensor in batch)
    loss(centre, positive, negative).backward()
    c, w, u = centre[1].detach(), positive[1, 0].detach(), negative[1, 4].detach()
    torch.testing.assert_close(positive.grad[1, 0], -sigma(-float(c @ w)) / 2 / 3 * c)  # type: ignore[index]
    torch.testing.assert_close(negative.grad[1, 4], sigma(float(c @ u)) / 6 / 3 * c)  # type: ignore[index]


def test_accuracy_counts_pairs_of_both_kinds(batch: tuple[torch.Tensor, ...]) -> None:
    centre, positive, negative = batch
    right = sum(
        (sigma(float(centre[b] @ w)) > 0.5) == (words is positive)
        for words in (positive, negative)
        for b in range(3)
        for w in words[b]
    )
    assert accuracy(centre, positive, negative).item() == pytest.approx(right / 24)


def test_a_pad_never_moves_the_centre() -> None:
    """With a zero context vector the centre's gradient is zero, whatever the pair's loss."""
    centre = torch.ones(1, 4, requires_grad=True)
    loss(centre, torch.zeros(1, 2, 4), torch.zeros(1, 3, 4)).backward()
    assert centre.grad is not None
    assert not centre.grad.any()


def test_far_off_scores_stay_finite() -> None:
    """log σ(−500) underflows if σ is taken first."""
    centre, far = torch.full((1, 1), 500.0, requires_grad=True), torch.tensor([[[-1.0]]])
    value = loss(centre, far, -far)
    assert value.item() == pytest.approx(1000)
    value.backward()
    assert centre.grad is not None
    assert centre.grad.isfinite().all()


def test_the_loss_of_a_window_is_the_sum_over_its_pairs() -> None:
    """Of two neighbours that weigh 1 and 1/2, a token and three noise words."""
    draw = torch.Generator().manual_seed(1)
    neighbours, noise = torch.randn(2, 4, generator=draw), torch.randn(3, 4, generator=draw)
    token, weights = torch.randn(4, generator=draw), torch.tensor([1, 0.5])
    total = 0.0
    for c, weight in zip(neighbours, (1, 0.5)):
        total -= weight * math.log(sigma(float(c @ token)))
        total -= weight * sum(math.log(sigma(-float(c @ n))) for n in noise)
    found = window_loss(neighbours, weights, token, noise)
    assert found.item() == pytest.approx(total, rel=1e-6)

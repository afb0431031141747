"""The fast convolution against its definition in plain torch, ties and borders included."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from sgns_study.classifiers import conv1d as definition
from sgns_study.classifiers.conv1d import Conv1dClassifier
from sgns_study.kernels.conv1d import distinct_tokens, embed_conv_max

Features = Callable[[Tensor, Tensor, Tensor, Tensor, int], Tensor]
Inputs = tuple[Tensor, Tensor, Tensor, Tensor, int]


@st.composite
def inputs(draw: st.DrawFn, whole_numbers: bool) -> Inputs:
    """Rows, tokens, weight, bias, padding of any shape that fits; padded ends as documents have.

    Small whole numbers are float32: their sums are exact and ties are many. Others are float64, in
    which a sum that cancels stands far above the rounding of its terms, and have no row of zeros:
    with one, windows with and without a border tie but for torch's rounding.
    """
    kernel, padding = draw(st.integers(1, 6)), draw(st.integers(0, 7))
    documents, length = draw(st.integers(1, 4)), draw(st.integers(max(1, kernel - 2 * padding), 14))
    rows, dim, filters = draw(st.integers(1, 9)), draw(st.integers(1, 6)), draw(st.integers(1, 19))
    draw_numbers = np.random.default_rng(draw(st.integers(0, 2**32)))

    def numbers(*shape: int) -> Tensor:
        if whole_numbers:
            return torch.tensor(draw_numbers.integers(-1, 2, shape), dtype=torch.float32)
        return torch.tensor(draw_numbers.normal(size=shape))

    tokens = draw_numbers.integers(0, rows, (documents, length))
    tokens[np.arange(length) >= draw_numbers.integers(0, length + 1, (documents, 1))] = 0
    given_rows = numbers(rows, dim)
    if whole_numbers:
        given_rows[0] *= draw(st.integers(0, 1))  # as the padding row; then as any other
    weight, bias = numbers(filters, dim, kernel), numbers(filters)
    return given_rows, torch.tensor(tokens, dtype=torch.int32), weight, bias, padding


def value_and_gradients(function, given: Inputs) -> list[Tensor]:  # type: ignore[no-untyped-def]
    rows, tokens, weight, bias, padding = given
    leaves = [leaf.clone().requires_grad_() for leaf in (rows, weight, bias)]
    value = function(leaves[0], tokens, leaves[1], leaves[2], padding)
    upstream = torch.cos(torch.arange(value.numel())).view_as(value)  # different for each feature
    (value * upstream.to(value.dtype)).sum().backward()
    return [value.detach(), *(leaf.grad for leaf in leaves if leaf.grad is not None)]


def assert_same(given: Inputs) -> None:
    ours = value_and_gradients(embed_conv_max, given)
    plain = value_and_gradients(definition.embed_conv_max, given)
    assert len(ours) == len(plain) == 4
    for name, a, b in zip(("value", "rows", "weight", "bias"), ours, plain):
        assert a.dtype == b.dtype
        near = 1e-5 if a.dtype == torch.float32 else 1e-10
        torch.testing.assert_close(
            a, b, rtol=near, atol=near * max(1, float(b.abs().max())), msg=name
        )


@settings(max_examples=150)
@given(inputs(whole_numbers=False))
def test_equals_definition(given: Inputs) -> None:
    assert_same(given)


@settings(max_examples=150)
@given(inputs(whole_numbers=True))
def test_equals_definition_with_exact_ties(given: Inputs) -> None:
    assert_same(given)


def test_equals_definition_at_the_size_of_the_study() -> None:
    draw = torch.Generator().manual_seed(1)
    rows = torch.randn(500, 128, generator=draw)
    rows[0] = 0
    tokens = torch.randint(0, 500, (16, 256), generator=draw, dtype=torch.int32)
    tokens[:, 200:] = 0
    weight = torch.randn(100, 128, 3, generator=draw) / 20
    assert_same((rows, tokens, weight, torch.randn(100, generator=draw) / 20, 1))


def test_gradient_is_that_of_finite_differences() -> None:
    draw = torch.Generator().manual_seed(1)
    shapes = ((5, 3), (4, 3, 2), (4,))
    rows, weight, bias = (
        torch.randn(shape, generator=draw, dtype=torch.float64, requires_grad=True)
        for shape in shapes
    )
    tokens = torch.randint(0, 5, (3, 6), generator=draw)
    assert torch.autograd.gradcheck(embed_conv_max, (rows, tokens, weight, bias, 1))


def test_by_hand() -> None:
    """One filter of width 2 over one-dimensional embeddings: responses 2·e[t] + 3·e[t + 1] − 1."""
    rows = torch.tensor([[0.0], [1.0], [-2.0]], requires_grad=True)
    weight = torch.tensor([[[2.0, 3.0]]], requires_grad=True)
    bias = torch.tensor([-1.0], requires_grad=True)
    tokens = torch.tensor([[1, 1, 2, 1, 1, 0], [0, 2, 2, 2, 0, 0]], dtype=torch.int32)
    value = embed_conv_max(rows, tokens, weight, bias, 0)
    assert value.tolist() == [[4.0], [0.0]]  # (1, 1) twice; −1 at best, rectified
    value.sum().backward()
    assert rows.grad is not None
    assert rows.grad.tolist() == [[0.0], [5.0], [0.0]]
    assert weight.grad is not None
    assert weight.grad.tolist() == [[[1.0, 1.0]]]
    assert bias.grad is not None
    assert bias.grad.tolist() == [1.0]


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_what_is_not_finite_shows(bad: float) -> None:
    """Diverged weights must reach the loss, not vanish in the maximum."""
    rows = torch.tensor([[1.0], [bad]])
    tokens = torch.tensor([[0, 1, 0, 0]], dtype=torch.int32)
    weight, bias = torch.tensor([[[1.0]], [[-1.0]]]), torch.zeros(2)
    ours = embed_conv_max(rows, tokens, weight, bias, 0)
    plain = definition.embed_conv_max(rows, tokens, weight, bias, 0)
    torch.testing.assert_close(ours, plain, equal_nan=True)
    assert not torch.isfinite(ours).all()


@pytest.mark.parametrize("features", [definition.embed_conv_max, embed_conv_max])
def test_classifier_is_linear_in_the_masked_features(features: Features) -> None:
    draw = torch.Generator().manual_seed(1)
    model = Conv1dClassifier(torch.zeros(4, 3), filters=5, kernel=2, padding=1)
    model.features = features
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=draw))
    rows, tokens = torch.randn(4, 3, generator=draw), torch.tensor([[1, 2, 3], [3, 0, 0]])
    mask = torch.tensor([[0.0, 2.0, 2.0, 0.0, 2.0], [2.0, 0.0, 2.0, 2.0, 2.0]])
    for given_rows, expected_rows in ((rows, rows), (None, model.embedding)):
        convolved = torch.relu(model.conv(expected_rows[tokens].transpose(1, 2)))
        expected = (convolved.amax(2) * mask) @ model.linear.weight[0] + model.linear.bias
        torch.testing.assert_close(model(tokens, mask, given_rows), expected)


@pytest.mark.parametrize("features", [definition.embed_conv_max, embed_conv_max])
def test_several_outputs_are_linear_in_the_same_features(features: Features) -> None:
    draw = torch.Generator().manual_seed(1)
    model = Conv1dClassifier(torch.zeros(4, 3), filters=5, kernel=2, padding=1, outputs=4)
    model.features = features
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=draw))
    rows, tokens = torch.randn(4, 3, generator=draw), torch.tensor([[1, 2, 3], [3, 0, 0]])
    convolved = torch.relu(model.conv(rows[tokens].transpose(1, 2))).amax(2)
    found = model(tokens, rows=rows)
    assert found.shape == (2, 4)
    for c in range(4):
        expected = convolved @ model.linear.weight[c] + model.linear.bias[c]
        torch.testing.assert_close(found[:, c], expected)


@given(st.lists(st.lists(st.integers(0, 30), min_size=4, max_size=4), min_size=1, max_size=5))
def test_distinct_tokens_are_those_of_sorting_and_the_pad(documents: list[list[int]]) -> None:
    tokens = np.array(documents, np.int32)
    ids, indices = distinct_tokens(tokens, 31)
    assert ids.tolist() == sorted({0, *tokens.ravel().tolist()})
    np.testing.assert_array_equal(ids[indices], tokens)

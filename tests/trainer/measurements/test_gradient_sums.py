"""Whether a step uses the gradients of the steps before it."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from hpsearch.trainer.measurements.gradient_sums import MAX_ELEMENTS, GradientSum, accumulated, sum_of


def end(one: GradientSum) -> float | None:
    products = one.end()
    return None if products is None else accumulated(products.tolist())


def measured(between: Callable[[nn.Linear], None], backwards: int = 1, size: int = 5) -> float | None:
    """between: two steps of a training."""
    torch.manual_seed(0)
    model = nn.Linear(size, 3)

    def backward() -> None:
        model(torch.randn(4, size)).square().sum().backward()

    backward()
    one = sum_of([*model.parameters()])
    assert one is not None
    between(model)
    for _ in range(backwards):
        backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    return end(one)


def set_to_none(model: nn.Linear) -> None:
    model.zero_grad()


def zeros(model: nn.Linear) -> None:
    model.zero_grad(set_to_none=False)


def nothing(model: nn.Linear) -> None:
    pass


@pytest.mark.parametrize("backwards", [1, 3])
@pytest.mark.parametrize("size", [5, MAX_ELEMENTS])
@pytest.mark.parametrize(("between", "value"), [(set_to_none, 0.0), (zeros, 0.0)])
def test_gradients_that_are_zeroed(
    between: Callable[[nn.Linear], None], value: float, backwards: int, size: int
) -> None:
    assert measured(between, backwards, size) == value


def test_gradients_that_are_kept() -> None:
    """Without clipping: the step uses the sum."""
    torch.manual_seed(0)
    model = nn.Linear(5, 3)
    for expected in (1.0, 1.0):
        model(torch.randn(4, 5)).square().sum().backward()
        one = sum_of([*model.parameters()])
        assert one is not None
        model(torch.randn(4, 5)).square().sum().backward()
        assert end(one) == expected


def test_gradients_that_are_kept_and_clipped() -> None:
    assert measured(nothing) == 1.0


def test_steps_without_a_backward_pass_between_are_none() -> None:
    assert measured(nothing, backwards=0) is None


def test_the_hook_is_removed() -> None:
    model = nn.Linear(2, 2)
    model(torch.ones(1, 2)).sum().backward()
    one = sum_of([*model.parameters()])
    assert one is not None
    assert model.weight._backward_hooks
    one.drop()
    assert not model.weight._backward_hooks


def test_without_matrices_there_is_nothing_to_compare() -> None:
    assert sum_of([nn.Parameter(torch.zeros(3))]) is None

"""The result of a range test, for losses with a known course."""

import math
from collections.abc import Sequence

import pytest

from hpsearch.preflight.judge.lr_curve import lr_range, misses, read
from hpsearch.preflight.measurements import SweepLosses
from tests.preflight.fake_pools import course

RATES = tuple(1e-6 * 10 ** (7 * i / 139) for i in range(140))


def sweep(losses: Sequence[float], problem: str = "") -> SweepLosses:
    return SweepLosses({"lr": 1e-2}, "lr", RATES[: len(losses)], tuple(losses), problem)


USUAL = sweep([course(rate) for rate in RATES])


def test_a_loss_that_falls_and_diverges() -> None:
    found = read(USUAL)
    assert found.problem == ""
    assert 1e-3 <= found.begins <= 5e-3
    assert found.begins < found.steepest <= found.best
    assert 5e-2 <= found.best <= 2e-1
    assert found.diverges == pytest.approx(10**-0.5, rel=0.3)


def test_the_range_contains_all_of_it() -> None:
    found, result = lr_range([read(USUAL)]), read(USUAL)
    assert found is not None
    assert found.low == pytest.approx(result.begins / 3, rel=0.05)
    assert found.high == pytest.approx(result.diverges, rel=0.05)
    assert found.reason == (
        f"lr: range [{found.low:g}, {found.high:g}] from the learning-rate range test (the loss begins to fall at "
        f"{result.begins:.2g}, is lowest at {result.best:.2g}, diverges at {result.diverges:.2g})"
    )


def test_a_loss_that_never_falls_has_no_range() -> None:
    found = read(sweep([2.0] * 140))
    assert found.problem == "the loss, initially 2, does not fall at any learning rate"
    assert lr_range([found]) is None


def test_a_few_steps_have_no_range() -> None:
    few, raised = read(sweep([2.0, 2.0, 2.0, math.nan])), read(sweep([], "it raised"))
    assert few.problem.startswith("too few steps to judge (3; 20 needed)")
    assert raised.problem == "it raised"
    assert lr_range([few, raised]) is None


def test_a_range_that_misses_is_named_with_its_numbers() -> None:
    assert misses([read(USUAL)], 1e-6, 1e-5).startswith("lr: the range [1e-06, 1e-05] in the study file is too low, ")
    assert "too high" in misses([read(USUAL)], 5.0, 9.0)
    assert misses([read(USUAL)], 1e-3, 1.0) == ""

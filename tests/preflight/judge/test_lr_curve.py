"""What a range test says, of losses whose course is known."""

import math
from collections.abc import Sequence

import pytest

from hpsearch.preflight.judge.lr_curve import misses, rate_range, read
from hpsearch.preflight.measurements import SweptLosses
from tests.preflight.kit import course

RATES = tuple(1e-6 * 10 ** (7 * i / 139) for i in range(140))


def sweep(losses: Sequence[float], problem: str = "") -> SweptLosses:
    return SweptLosses({"lr": 1e-2}, "lr", RATES[: len(losses)], tuple(losses), problem)


USUAL = sweep([course(rate) for rate in RATES])


def test_a_loss_that_falls_and_leaves() -> None:
    found = read(USUAL)
    assert found.problem == ""
    assert 1e-3 <= found.begins <= 5e-3
    assert found.begins < found.steepest <= found.best
    assert 5e-2 <= found.best <= 2e-1
    assert found.diverges == pytest.approx(10**-0.5, rel=0.3)


def test_the_window_holds_all_of_it() -> None:
    found, reading = rate_range([read(USUAL)]), read(USUAL)
    assert found is not None
    assert found.low == pytest.approx(reading.begins / 3, rel=0.05)
    assert found.high == pytest.approx(reading.diverges, rel=0.05)
    assert "begins to fall" in found.reason


def test_a_loss_that_never_falls_says_nothing() -> None:
    found = read(sweep([2.0] * 140))
    assert found.problem.startswith("too early to say")
    assert rate_range([found]) is None


def test_a_few_steps_say_nothing() -> None:
    assert "only 3 steps" in read(sweep([2.0, 2.0, 2.0, math.nan])).problem
    assert read(sweep([], "it raised")).problem == "it raised"


def test_a_window_that_lies_off_is_named_with_its_numbers() -> None:
    said = misses([read(USUAL)], 1e-6, 1e-5)
    assert "[1e-06, 1e-05] is kept" in said
    assert "below" in said
    assert "above" in misses([read(USUAL)], 5.0, 9.0)
    assert misses([read(USUAL)], 1e-3, 1.0) == ""

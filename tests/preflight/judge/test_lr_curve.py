"""The result of a range test, for losses with a known course."""

import math
import random
from collections.abc import Sequence
from dataclasses import replace

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


def test_noise_of_the_batches_does_not_hide_the_fall() -> None:
    """Each batch is harder or easier than the mean one, whatever the rate: the same batches at a rate of 0 show it."""
    draws = random.Random(0)
    hard = [draws.gauss(0.0, 1.6) for _ in RATES]
    noisy = sweep([course(rate) + by for rate, by in zip(RATES, hard, strict=True)])
    assert read(noisy).problem != ""
    found = read(replace(noisy, unmoved=tuple(2.0 + by for by in hard)))
    assert found.problem == ""
    assert 2e-2 <= found.best <= 4e-1


def test_without_the_losses_at_a_rate_of_0_it_judges_the_losses_as_they_are() -> None:
    assert read(USUAL) == replace(read(replace(USUAL, unmoved=(1.0,) * 3)), sweep=USUAL)


@pytest.mark.parametrize(("ends", "holds"), [(0.6, True), (1.9, False), (math.nan, False)])
def test_a_rate_above_that_is_right_from_the_start_belongs_to_the_range(ends: float, holds: bool) -> None:
    losses = (*(2.0 for _ in range(30)), *(ends for _ in range(30)))
    found = read(replace(USUAL, beyond=(1.0, losses)))
    assert found.holds == (1.0 if holds else None)
    assert found.high == (1.0 if holds else found.diverges)
    result = lr_range([found])
    assert result is not None
    assert (result.high, "from the start at 1)" in result.reason) == ((1.0, True) if holds else (0.31, False))

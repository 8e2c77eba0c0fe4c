"""What a report says of its trial by the study's objective."""

import math

import pytest

from hpsearch.core.trial import Objective, Report

SCORE = Objective("score", "maximize")


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(
    ("name", "counts"),
    [("score", True), ("train_loss", True), ("loss", True), ("val_accuracy", False), ("loss_scale", False)],
)
def test_diverged_is_the_objective_or_a_loss_that_is_no_number(bad: float, name: str, counts: bool) -> None:
    found = SCORE.diverged_metric(Report(3, {"lr": 0.1, name: bad}))
    assert (found and (found[0], repr(found[1]))) == ((name, repr(bad)) if counts else None)


def test_what_is_finite_has_not_diverged() -> None:
    assert SCORE.diverged_metric(Report(1, {"val_loss": 1e300, "score": -1e300})) is None

import math

import pytest

from hpsearch.core.trial import Report
from hpsearch.reproduce.reproduction import Difference, compare_curves


def curve(*values: float, **others: float) -> tuple[Report, ...]:
    return tuple(Report(step, {"val_loss": value, **others}) for step, value in enumerate(values, start=1))


def test_the_same() -> None:
    found = compare_curves(curve(0.5, 0.25, lr=0.1), curve(0.5, 0.25, lr=0.1), "val_loss")
    assert (found.epochs, found.metrics, found.timings) == (2, ("val_loss", "lr"), ())
    assert found.first is found.largest is None


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 0.0, -0.0, 5e-324])
def test_every_number_is_itself(value: float) -> None:
    assert compare_curves(curve(value), curve(value), "val_loss").first is None


@pytest.mark.parametrize(
    ("was", "now", "relative"),
    [
        (1.0, math.nextafter(1.0, 2.0), 2.0**-52),
        (-2.0, -1.0, 0.5),
        (0.0, -0.0, 0.0),
        (0.0, 3.0, 1.0),
        (math.nan, 1.0, math.inf),
        (math.inf, -math.inf, math.inf),
        (1.0, math.inf, math.inf),
    ],
)
def test_a_difference(was: float, now: float, relative: float) -> None:
    found = compare_curves(curve(0.5, was), curve(0.5, now), "val_loss").first
    assert found is not None
    assert (found.epoch, found.metric) == (2, "val_loss")
    assert found.relative == pytest.approx(relative, rel=1e-9)


def test_the_first_and_the_largest() -> None:
    found = compare_curves(curve(1.0, 1.0, 1.0, lr=1.0), curve(1.0, 1.1, 2.0, lr=1.5), "val_loss")
    assert found.first == Difference(1, "lr", 1.0, 1.5)
    assert found.largest == Difference(3, "val_loss", 1.0, 2.0)


@pytest.mark.parametrize("backwards", [False, True])
def test_a_value_that_is_missing_in_one_curve(backwards: bool) -> None:
    pair = (curve(1.0, 2.0), curve(1.0))
    first = compare_curves(*(pair[::-1] if backwards else pair), "val_loss").first
    assert first == Difference(2, "val_loss", *((None, 2.0) if backwards else (2.0, None)))
    assert compare_curves(curve(1.0, lr=0.1), curve(1.0), "val_loss").first == Difference(1, "lr", 0.1, None)


def test_a_difference_as_text() -> None:
    assert str(Difference(7, "val_loss", 0.31, None)) == "val_loss at epoch 7: was 0.31, is missing"


@pytest.mark.parametrize("name", ["seconds", "examples_per_second", "epoch_seconds", "step_ms", "milliseconds"])
def test_metrics_of_time_are_not_compared(name: str) -> None:
    found = compare_curves(curve(1.0, **{name: 3.0}), curve(1.0, **{name: 4.0}), "val_loss")
    assert (found.first, found.metrics, found.timings) == (None, ("val_loss",), (name,))


@pytest.mark.parametrize("name", ["survival_time", "second", "rms", "terms", "seconds_mae"])
def test_other_metrics_with_similar_names_are_compared(name: str) -> None:
    assert compare_curves(curve(1.0, **{name: 3.0}), curve(1.0, **{name: 4.0}), "val_loss").first is not None


def test_the_study_metric_is_always_compared() -> None:
    old, new = (Report(1, {"step_ms": value}) for value in (3.0, 4.0))
    assert compare_curves([old], [new], "step_ms").first == Difference(1, "step_ms", 3.0, 4.0)

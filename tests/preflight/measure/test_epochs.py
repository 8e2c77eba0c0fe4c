"""The time of an epoch, or of a training step."""

import pytest

from hpsearch.core.trial import Report
from hpsearch.preflight.measure.epochs import _seconds
from hpsearch.preflight.measure.instrumentation import Instrumentation


@pytest.mark.parametrize(("steps", "expected"), [([1, 2, 3], 20.0), ([100, 200, 300], 0.2), ([100], 0.5)])
def test_a_report_may_be_of_several_steps(steps: list[int], expected: float) -> None:
    marks = [0.0, 50.0, 70.0, 90.0][: len(steps) + 1]
    assert _seconds(marks, [Report(step, {}) for step in steps], Instrumentation()) == pytest.approx(expected)

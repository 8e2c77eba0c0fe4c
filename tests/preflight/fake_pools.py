"""Replaces a pool in tests: returns measurements immediately, with known losses."""

import math
from collections.abc import Callable
from typing import Any

from hpsearch.core.messages import Lost
from hpsearch.preflight.measure.learning import LearningMeasurement
from hpsearch.preflight.measure.lr_sweep import LrSweep
from hpsearch.preflight.measurements import Measurements, SweepLosses

LOST = Lost(-1, "its worker died of: Fatal Python error: Segmentation fault", "in conv2d")


def course(rate: float) -> float:
    """2 until 1e-3, falling to 0.5 at 1e-1, and beyond that upward, steeply."""
    place = math.log10(rate)
    if place < -3:
        return 2.0
    return 2.0 - 0.75 * (place + 3) if place < -1 else 0.5 + 3 * (place + 1)


class Answering:
    """asked: the measurements, in order."""

    def __init__(self, loss: Callable[[float], float] = course, learning: Measurements | Lost = LOST):
        self.asked: list[Any] = []
        self._loss, self._learning = loss, learning

    def measure(self, measurement: Any) -> Any:
        self.asked.append(measurement)
        if isinstance(measurement, LearningMeasurement):
            return self._learning
        assert isinstance(measurement, LrSweep)
        steps = range(measurement.iterations)
        rates = [
            measurement.low * (measurement.high / measurement.low) ** (i / (measurement.iterations - 1)) for i in steps
        ]
        return SweepLosses(measurement.params, measurement.parameter, tuple(rates), tuple(map(self._loss, rates)))


class Vanishing:
    """Its workers are lost with every measurement."""

    def measure(self, measurement: object) -> Lost:
        return LOST

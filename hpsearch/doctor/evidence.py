"""The evidence of a finding: values as the trainer reported them, and results computed from the curves."""

from dataclasses import dataclass
from typing import Literal

from hpsearch.core.format import number
from hpsearch.core.trial import EPOCH


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """One reported value of a metric, not negated. unit: of `epoch`, see `Objective.unit`."""

    metric: str
    epoch: int
    value: float
    unit: str = EPOCH

    def __str__(self) -> str:
        return f"{number(self.value)} ({self.unit} {self.epoch})"


@dataclass(frozen=True, slots=True)
class Value:
    """A metric at one epoch."""

    point: CurvePoint

    def __str__(self) -> str:
        return f"{self.point.metric} is {number(self.point.value)} at {self.point.unit} {self.point.epoch}"


@dataclass(frozen=True, slots=True)
class Change:
    """A metric at two epochs, the earlier one first."""

    start: CurvePoint
    end: CurvePoint

    @property
    def verb(self) -> Literal["rose", "fell", "stayed"]:
        """stayed: the two values are equal in the digits shown."""
        if self.start.value == self.end.value or number(self.start.value) == number(self.end.value):
            return "stayed"
        return "rose" if self.end.value > self.start.value else "fell"

    def __str__(self) -> str:
        start, end, metric = self.start, self.end, self.start.metric
        if self.verb == "stayed":
            return f"{metric} stayed at {number(end.value)} ({start.unit}s {start.epoch} to {end.epoch})"
        return f"{metric} {self.verb} from {start} to {end}"


@dataclass(frozen=True, slots=True)
class Extreme:
    """The point where a curve is lowest, highest or best."""

    point: CurvePoint
    which: Literal["highest", "best"]

    def __str__(self) -> str:
        return (
            f"{self.point.metric} was {self.which} at {self.point.unit} {self.point.epoch} ({number(self.point.value)})"
        )


@dataclass(frozen=True, slots=True)
class Computed:
    """A result that was computed from several values, as text."""

    text: str

    def __str__(self) -> str:
        return self.text


Fact = Value | Change | Extreme | Computed

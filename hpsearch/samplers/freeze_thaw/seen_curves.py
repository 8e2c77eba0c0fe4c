"""The data of the model: a few values of each curve, on a scale on which good values differ clearly."""

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from hpsearch.core.history import History
from hpsearch.core.trial import Objective, Report, State, Trial
from hpsearch.samplers.freeze_thaw.curve_kernel import Array, Points
from hpsearch.samplers.freeze_thaw.unit_points import UnitPoints

EPOCHS_SHOWN = (1, 2, 3, 5, 9, 17, 27, 40, 70, 120, 200, 350, 600, 1000)
"""Epochs of a curve that the model may use, besides the last one."""

POINTS = 4
"""The most points of one curve: the first and the last three."""

WORST = 3.0
"""Losses are cut at this number of units above the best."""

FLOOR = 0.3
"""Units that are added to the distance from the best before its logarithm is taken."""


@dataclass(frozen=True, slots=True)
class Curve:
    """steps: the epochs with the metric. losses: the loss at each: the best so far, or the last. epoch: the last epoch
    of the curve, also without the metric; 0 without a value. ended_badly: it diverged, failed, is infeasible or does
    not meet the study's requirements."""

    steps: Sequence[int] = ()
    losses: Sequence[float] = ()
    epoch: int = 0
    ended_badly: bool = False

    @property
    def last(self) -> float:
        return self.losses[-1] if self.losses else math.inf

    def at(self, epoch: int) -> float:
        """The loss up to this epoch; +inf before the first value."""
        place = bisect_right(self.steps, epoch)
        return self.losses[place - 1] if place else math.inf

    @classmethod
    def of(cls, trial: Trial, objective: Objective) -> "Curve":
        """The curve up to its first value that is not finite."""
        steps, losses, best, epoch = list[int](), list[float](), math.inf, trial.epoch
        for report in objective.counted(trial.curve):
            loss = objective.loss_of(report)
            if not math.isfinite(loss):
                epoch = steps[-1] if steps else 0
                break
            best = min(best, loss) if objective.at == "best" else loss
            steps.append(report.step)
            losses.append(best)
        bad = trial.diverged or trial.state in (State.FAILED, State.INFEASIBLE)
        bad = bad or (not trial.state.is_active and any(one.is_known for one in objective.unmet(trial)))
        return cls(steps, losses, epoch if steps else 0, bad or (not steps and not trial.state.is_active))


@dataclass
class Curves:
    """A cache of the curves of one history: a curve is only read again if its trial has changed."""

    _known: dict[int, tuple[tuple[Report, ...], State, Curve]] = field(default_factory=dict)

    def of(self, history: History) -> list[Curve]:
        return [self._curve(trial, history.objective) for trial in history]

    def _curve(self, trial: Trial, objective: Objective) -> Curve:
        known = self._known.get(trial.number)
        if known is None or known[0] is not trial.curve or known[1] is not trial.state:
            known = self._known[trial.number] = trial.curve, trial.state, Curve.of(trial, objective)
        return known[2]

    def __reduce__(self) -> tuple[type, tuple[()]]:
        return Curves, ()


def before(history: History, at: int) -> Iterator[Trial]:
    """The trials with the reports that the driver received before a time (milliseconds since 1970)."""
    for trial in history:
        curve = tuple(report for report in trial.curve if report.at < at)
        is_whole = len(curve) == len(trial.curve) and not trial.state.is_active and trial.ended_at < at
        yield trial if is_whole else replace(trial, curve=curve, state=State.RUNNING, cause=None)


@dataclass(frozen=True)
class Scale:
    """Loss -> standardised log(regret + floor). The logarithm separates good configurations. The unit is fixed by the
    first trials, so that differences are not magnified as the search narrows.

    low: the best loss. unit: the median of the first trials, minus low. mean, sd: of all logarithms.
    """

    low: float
    unit: float
    mean: float = 0.0
    sd: float = 1.0

    @classmethod
    def of(cls, curves: Sequence[Curve], first: int) -> "Scale":
        """first: the number of trials whose median is the unit."""
        finite = [curve.last for curve in curves if curve.steps]
        low = min(finite)
        start = [curve.last for curve in curves[:first] if curve.steps] or finite
        unit = float(np.median(start)) - low
        return cls(low, unit if unit > 0 else max(max(finite) - low, 1e-12 * max(1.0, abs(low))))

    def raw(self, loss: Array | float) -> Array:
        regret = np.clip((np.asarray(loss, float) - self.low) / self.unit, 0.0, WORST)
        logarithm: Array = np.log(regret + FLOOR)
        return logarithm

    def __call__(self, loss: Array | float) -> Array:
        z: Array = (self.raw(loss) - self.mean) / self.sd
        return z


@dataclass(frozen=True)
class Seen:
    """The data that the model is fitted to. final: the last loss of the curve of each point."""

    points: Points
    z: Array
    final: Array
    scale: Scale

    def chosen(self, most: int, generator: np.random.Generator) -> "Seen":
        """At most `most` points: preferably of good curves and late epochs, with some randomness."""
        count = len(self.z)
        if count <= most:
            return self
        order = np.argsort(np.argsort(self.final)) / count - 0.5 * self.points.tau + 0.3 * generator.random(count)
        kept = np.sort(np.argsort(order)[:most])
        x, tau, trial = self.points
        return Seen(Points(x[kept], tau[kept], trial[kept]), self.z[kept], self.final[kept], self.scale)


def tau(epoch: Array | float, epochs: int) -> Array:
    """log(epoch) / log(epochs), in [0, 1]."""
    logarithm: Array = np.log(np.asarray(epoch, float)) / math.log(epochs) if epochs > 1 else np.ones(np.shape(epoch))
    return logarithm


def seen(trials: Sequence[Trial], curves: Sequence[Curve], unit: UnitPoints, epochs: int, first: int) -> Seen | None:
    """The data of the model; None if no curve has a value. Curves that ended badly get the worst value at the end."""
    rows = [row for place, curve in enumerate(curves) for row in _rows(place, curve, epochs)]
    if not any(curve.steps for curve in curves):
        return None
    scale = Scale.of(curves, first)
    who, epoch, loss = (np.array(column) for column in zip(*rows, strict=True))
    raw = scale.raw(loss)
    scale = replace(scale, mean=float(raw.mean()), sd=float(raw.std()) + 1e-9)
    final = np.array([curve.last if not curve.ended_badly else math.inf for curve in curves])[who]
    numbers = np.array([trial.number for trial in trials])[who]
    x = np.array([unit.of(trial) for trial in trials])[who]
    return Seen(Points(x, tau(epoch, epochs), numbers), scale(loss), final, scale)


def _rows(place: int, curve: Curve, epochs: int) -> Iterator[tuple[int, int, float]]:
    """Place, epoch and loss of the points of one curve."""
    last = curve.epoch
    shown = [epoch for epoch in EPOCHS_SHOWN if epoch < last and math.isfinite(curve.at(epoch))]
    shown += [last] if last else []
    for epoch in shown if len(shown) <= POINTS else [shown[0], *shown[1 - POINTS :]]:
        yield place, min(epoch, epochs), curve.at(epoch)
    if curve.ended_badly:
        yield place, epochs, math.inf

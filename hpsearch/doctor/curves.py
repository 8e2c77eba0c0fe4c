"""A trial's reports as series of finite numbers, from which the doctor's signs are computed.

`Meanings` says what each metric is; any metric may be missing. If no learning rate is reported, the parameter is used.
`grad_norm/LAYER` is the norm of a layer's gradient.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median

from hpsearch.core.parameter_roles import learning_rate_of
from hpsearch.core.trial import EPOCH, Objective, Params, Trial
from hpsearch.doctor.meanings import Form, Meanings, Role
from hpsearch.doctor.measured_steps import MeasuredSteps
from hpsearch.doctor.name_words import NO_LEVEL, is_explained_variance, words
from hpsearch.doctor.series import Series, series

LAYER = "grad_norm/"


@dataclass(frozen=True)
class Curves:
    """A trial's curves, by their meaning.

    epochs: the number of reports. last: the step of the last report. unit: of `last`, see `Objective.unit`.
    broken: the first loss or metric that became NaN or infinite: its name, value and step.
    metric: the study's metric as a loss: if larger is better, it is negated, or for a fraction 1 minus its value.
    validation: the validation loss, if it is the same quantity as the training loss, so that they can be compared.
    rate: the reported learning rate. given_rate: the parameter. update: the update ratio.
    layers: gradient norms by the names of their metrics. train_fraction, fraction_held: the accuracy (or F1, …) of the
    two splits. held_fractions: all accuracies of the validation split, by name. measured: the measured steps.
    level: the validation loss at which trials of the study start. (A trial that learns most in its first epoch reports
    a lower first value.)
    """

    epochs: int
    last: int
    broken: tuple[str, float, int] | None
    train: Series | None
    validation: Series | None
    metric: Series | None
    rate: Series | None
    given_rate: float | None
    update: Series | None
    weights: Series | None
    gradient: Series | None
    layers: Mapping[str, Series]
    train_fraction: Series | None
    held_fraction: Series | None
    held_fractions: Mapping[str, Series]
    measured: MeasuredSteps
    unit: str = EPOCH
    level: float = 0.0

    @classmethod
    def of(cls, trial: Trial, objective: Objective, meanings: Meanings | None = None) -> "Curves":
        """meanings: of the study's metrics; by default they are taken from this trial alone."""
        meanings = meanings or Meanings.of([trial], objective)
        curve = [report for report in trial.curve if report.step > 0]
        names = dict.fromkeys(name for report in curve for name in report.metrics)
        points = {name: [(one.step, one.metrics[name]) for one in curve if name in one.metrics] for name in names}
        found = {name: one for name in names if (one := series(points[name], name, objective.unit)) is not None}

        def having(role: Role) -> Series | None:
            name = meanings.name(role)
            one = found.get(name) if name is not None else None
            return _read(one, meanings.by_role[role].form) if one is not None else None

        metric = found.get(objective.metric)
        fractions = {name: _read(found[name], one.form) for name, one in meanings.fractions.items() if name in found}
        return cls(
            epochs=len(curve),
            last=trial.epoch,
            broken=_broken(points, objective, meanings),
            train=having(Role.TRAIN_LOSS),
            validation=having(Role.VAL_LOSS) if meanings.comparable else None,
            metric=_as_loss(metric, objective, fractions.get(objective.metric)) if metric is not None else None,
            rate=having(Role.LR),
            given_rate=rate_of(trial.params),
            update=having(Role.UPDATE_RATIO),
            weights=having(Role.WEIGHT_NORM),
            gradient=having(Role.GRAD_NORM),
            layers={name: one for name, one in found.items() if name.startswith(LAYER)},
            train_fraction=having(Role.TRAIN_ACCURACY),
            held_fraction=having(Role.VAL_ACCURACY),
            held_fractions={
                name: one for name, one in fractions.items() if meanings.fractions[name].role is Role.VAL_ACCURACY
            },
            measured=MeasuredSteps.of(found),
            unit=objective.unit,
        )

    @property
    def report(self) -> str:
        """The word for one report. Every epoch has a report, but not every training step."""
        return EPOCH if self.unit == EPOCH else "report"

    @cached_property
    def losses(self) -> Sequence[Series]:
        """The training and the validation loss; if neither is reported, the study's metric; may be empty."""
        known = [one for one in (self.train, self.validation) if one is not None]
        return known or ([self.metric] if self.metric is not None else [])

    @property
    def judged(self) -> Series | None:
        """The curve that measures generalisation: the validation loss, otherwise the study's metric."""
        return self.validation or self.metric

    @cached_property
    def start(self) -> float:
        """The initial loss: the higher one of the splits, because the first training loss is a mean over an epoch."""
        return max((one.first for one in self.losses), default=0.0)

    @cached_property
    def scale(self) -> float:
        """The unit for differences of losses, > 0: the initial loss, or the total fall if that is larger."""
        lowest = min((min(one.values) for one in self.losses), default=0.0)
        return max(abs(self.start), self.start - lowest, 1e-12)

    @property
    def judged_start(self) -> float:
        """The initial value of `judged`."""
        return self.start if self.validation is not None or self.metric is None else self.metric.first

    @property
    def judged_scale(self) -> float:
        """The unit for differences of `judged`."""
        if self.validation is not None or self.metric is None:
            return self.scale
        return max(abs(self.metric.first), self.metric.first - min(self.metric.values), 1e-12)

    def is_low(self, one: Series, share: float) -> bool:
        """Whether a loss ends below this share of the initial loss. Where losses can be negative, it is not known how
        low is low."""
        return one.end < share * self.scale and all(min(loss.values) >= 0 for loss in self.losses)

    @property
    def peak_rate(self) -> float | None:
        return max(self.rate.values) if self.rate is not None else self.given_rate

    @cached_property
    def update_size(self) -> float | None:
        """The median update ratio of the epochs in which the learning rate was at least half of its maximum."""
        update, rate = self.update, self.rate
        if update is None or rate is None:
            return median(update.values) if update is not None else None
        half = max(rate.values) / 2
        fast = [value for step, value in zip(update.steps, update.values, strict=True) if rate.at(step) >= half]
        return median(fast or update.values)

    @property
    def growth(self) -> float | None:
        """The largest norm of the weights, divided by their measured initial norm."""
        first = self.measured.first("initial_norm")
        return max(self.weights.values) / first if self.weights is not None and first else None

    @property
    def fractions(self) -> list[Series]:
        """All accuracies (F1, …), of both splits."""
        return [*self.held_fractions.values(), *([self.train_fraction] if self.train_fraction is not None else [])]

    @property
    def fraction(self) -> float | None:
        """The final accuracy (or F1, …), of the training split if that is reported. None for metrics such as BLEU, of
        which the level says little."""
        chosen = self.train_fraction or self.held_fraction
        return chosen.end if chosen is not None and not words(chosen.name) & NO_LEVEL else None

    @property
    def fraction_gap(self) -> float | None:
        """The final accuracy (or F1, …) on the training split minus that on the validation split."""
        if self.train_fraction is None or self.held_fraction is None:
            return None
        return self.train_fraction.end - self.held_fraction.end


def rate_of(params: Params) -> float | None:
    """The learning rate among the parameters, by its name; None if there is none, or if it is not a number."""
    numbers = {k: float(v) for k, v in params.items() if isinstance(v, int | float) and not isinstance(v, bool)}
    name = learning_rate_of(numbers)
    return None if name is None else numbers[name]


def _broken(
    points: Mapping[str, Sequence[tuple[int, float]]], objective: Objective, meanings: Meanings
) -> tuple[str, float, int] | None:
    """The first metric or loss that became NaN or infinite: its name, value and step.

    A loss that is finite again later does not count: it was not measured in between. Of losses that were never finite,
    only the training and the validation loss count: models report other losses as NaN if they do not have them.
    """
    known = (meanings.name(Role.TRAIN_LOSS), meanings.name(Role.VAL_LOSS))
    found = []
    for name, values in points.items():
        place = next((place for place, (_, value) in enumerate(values) if not math.isfinite(value)), None)
        if place is None or not (name == objective.metric or name in known or "loss" in words(name)):
            continue
        stays = all(not math.isfinite(value) for _, value in values[place:])
        if name == objective.metric or (stays and (place > 0 or name in known)):
            found.append((name, values[place][1], values[place][0]))
    return min(found, key=lambda one: one[2], default=None)


def _read(one: Series, form: Form) -> Series:
    if form is Form.PLAIN:
        return one
    return Series(one.steps, tuple(map(form.read, one.values)), one.name, one.values, one.unit)


def _as_loss(metric: Series, objective: Objective, fraction: Series | None) -> Series:
    """fraction: the metric as a fraction of 1, None if it is not a fraction."""
    if fraction is not None:
        return Series(
            metric.steps, tuple(1 - value for value in fraction.values), metric.name, metric.values, metric.unit
        )
    if objective.goal == "minimize":
        return metric
    return _read(metric, Form.EXPLAINED if is_explained_variance(metric.name) else Form.NEGATED)

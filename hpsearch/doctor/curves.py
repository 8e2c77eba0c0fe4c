"""A trial's reports as series of finite numbers: what the doctor looks at.

It knows these metrics by name, as the trainers report them; any may be missing.
`train_loss`, `val_loss`: means of the same loss over the training and the validation split.
`lr`: the learning rate of the epoch; where it is not reported, the parameter `lr` is taken.
`grad_norm/LAYER`: of each layer's gradient. `grad_norm`: of all.
`weight_norm`; `update_ratio`: how far a step moves the weights, over their norm.
`…accuracy`, `…auroc`, `…f1` and the like: shares of what is right, in [0, 1].
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import median

from hpsearch.core.trial import Objective, Trial

NAMES = ("train_loss", "val_loss", "lr", "grad_norm", "weight_norm", "update_ratio")
LAYER = "grad_norm/"
SHARES = ("accuracy", "acc", "auroc", "auc", "f1", "precision", "recall")


@dataclass(frozen=True)
class Series:
    """One number over the epochs: at least one point, steps rising, values finite."""

    steps: tuple[int, ...]
    values: tuple[float, ...]

    def __len__(self) -> int:
        return len(self.values)

    @property
    def first(self) -> float:
        return self.values[0]

    @cached_property
    def end(self) -> float:
        """The median of the last fifth, five points at most: one wild epoch at the end does not count."""
        return median(self.values[-min(5, max(1, len(self) // 5)) :])

    def third(self, which: int) -> float:
        """The median of the first, the second or the last third of the points (0, 1, 2); of all with fewer than 3."""
        low, high = (round(len(self) * cut / 3) for cut in (which, which + 1))
        return median(self.values[low:high] or self.values)

    @cached_property
    def smooth(self) -> "Series":
        """The running median of three points, of more where the curve is long."""
        half = max(1, len(self) // 40)
        windows = (self.values[max(0, at - half) : at + half + 1] for at in range(len(self)))
        return Series(self.steps, tuple(map(median, windows)))

    @cached_property
    def lowest(self) -> tuple[int, float]:
        """Where the smoothed curve is lowest first: step and value."""
        value, step = min(zip(self.smooth.values, self.steps, strict=True))
        return step, value

    @cached_property
    def jitter(self) -> float:
        """How far a point typically lies from the line between its neighbours."""
        triples = zip(self.values, self.values[1:], self.values[2:], strict=False)
        bends = [abs(b - (a + c) / 2) for a, b, c in triples]
        return median(bends) if bends else 0.0

    def at(self, step: int) -> float:
        """Its value at that step, else the last one before it, else the first."""
        before = (v for s, v in zip(reversed(self.steps), reversed(self.values), strict=True) if s <= step)
        return next(before, self.first)


def series(points: Iterable[tuple[int, float]]) -> Series | None:
    """The finite points, in their order; None where there are none."""
    finite = [(step, value) for step, value in points if math.isfinite(value)]
    return Series(tuple(step for step, _ in finite), tuple(value for _, value in finite)) if finite else None


@dataclass(frozen=True)
class Curves:
    """What a trial has reported, by what it means.

    epochs: how many reports there are; last: the step of the last one.
    broken: the first loss or metric that is NaN or infinite: its name, value and step.
    metric: the study's, turned so that smaller is better; of a share, what is missing to 1.
    layers, shares: by the name that they are reported under.
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
    shares: Mapping[str, Series]

    @classmethod
    def of(cls, trial: Trial, objective: Objective) -> "Curves":
        names = dict.fromkeys(name for report in trial.curve for name in report.metrics)
        points = {name: [(one.step, one.metrics[name]) for one in trial.curve if name in one.metrics] for name in names}
        found = {name: one for name in names if (one := series(points[name])) is not None}
        metric, rate = found.get(objective.metric), trial.params.get("lr")
        return cls(
            epochs=len(trial.curve),
            last=trial.epoch,
            broken=next(
                ((*bad, one.step) for one in trial.curve if (bad := objective.diverged_metric(one)) is not None), None
            ),
            train=found.get("train_loss"),
            validation=found.get("val_loss"),
            metric=_turned(metric, objective) if metric is not None else None,
            rate=found.get("lr"),
            given_rate=float(rate) if isinstance(rate, int | float) else None,
            update=found.get("update_ratio"),
            weights=found.get("weight_norm"),
            gradient=found.get("grad_norm"),
            layers={name: one for name, one in found.items() if name.startswith(LAYER)},
            shares={name: one for name, one in found.items() if _is_share(name, one)},
        )

    @cached_property
    def losses(self) -> Sequence[Series]:
        """The training loss and the validation loss; without both, the study's metric. Empty where nothing is known."""
        known = [one for one in (self.train, self.validation) if one is not None]
        return known or ([self.metric] if self.metric is not None else [])

    @property
    def judged(self) -> Series | None:
        """What generalisation is read from: the validation loss, else the study's metric."""
        return self.validation or self.metric

    @property
    def judged_name(self) -> str:
        return "val_loss" if self.validation is not None else "the metric"

    @cached_property
    def start(self) -> float:
        """The loss to begin with: the highest of the first ones, since a training loss is a mean over its epoch."""
        return max((one.first for one in self.losses), default=0.0)

    @cached_property
    def scale(self) -> float:
        """The unit of differences of losses, > 0: the loss to begin with, or how far it fell if that is more."""
        lowest = min((min(one.values) for one in self.losses), default=0.0)
        return max(abs(self.start), self.start - lowest, 1e-12)

    @property
    def judged_start(self) -> float:
        """Where `judged` begins: a metric has a beginning of its own."""
        return self.start if self.validation is not None or self.metric is None else self.metric.first

    @property
    def judged_scale(self) -> float:
        """The unit of differences of `judged`."""
        if self.validation is not None or self.metric is None:
            return self.scale
        return max(abs(self.metric.first), self.metric.first - min(self.metric.values), 1e-12)

    @property
    def peak_rate(self) -> float | None:
        return max(self.rate.values) if self.rate is not None else self.given_rate

    @cached_property
    def stride(self) -> float | None:
        """The typical update ratio, while the learning rate was at least half its highest."""
        update, rate = self.update, self.rate
        if update is None or rate is None:
            return median(update.values) if update is not None else None
        half = max(rate.values) / 2
        fast = [value for step, value in zip(update.steps, update.values, strict=True) if rate.at(step) >= half]
        return median(fast or update.values)

    @property
    def share(self) -> float | None:
        """How much it gets right in the end, of the training split if that is reported."""
        training = (one for name, one in self.shares.items() if name.startswith("train"))
        chosen = next(training, None) or next(iter(self.shares.values()), None)
        return chosen.end if chosen is not None else None

    @property
    def share_gap(self) -> float | None:
        """How much more it gets right of the training split than of the validation split, in the end."""
        for name, one in self.shares.items():
            other = self.shares.get(name.replace("train_", "val_", 1))
            if name.startswith("train_") and other is not None:
                return one.end - other.end
        return None


def _is_share(name: str, one: Series) -> bool:
    return name.rpartition("_")[2].lower() in SHARES and all(0 <= value <= 1 for value in one.values)


def _turned(metric: Series, objective: Objective) -> Series:
    if objective.goal == "minimize":
        return metric
    whole = 1.0 if _is_share(objective.metric, metric) else 0.0
    return Series(metric.steps, tuple(whole - value for value in metric.values))

"""What is wrong with one training, by its curve: a pure function, a report more or less changes nothing else."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from hpsearch.core.format import first_line, many
from hpsearch.core.trial import Objective, Trial
from hpsearch.doctor import training_signs as training
from hpsearch.doctor import validation_signs as validation
from hpsearch.doctor.curves import NAMES, Curves
from hpsearch.doctor.findings import Finding, Label, Severity
from hpsearch.doctor.shape import GOOD_SHARE, gap

ENOUGH = 4
"""Epochs: fewer show a divergence and nothing else."""

LOW, CAPABLE = 0.35, 0.05
"""Each shows that much was learnt: a loss so far below its start, a gap of a network that can do more than generalise.
A share of GOOD_SHARE does too."""

ALIKE = 0.05
"""Of its start: so near to the study's lowest val_loss, a trial is as good as any."""

SIGNS = (
    training.diverged,
    training.held,
    training.rate_too_high,
    training.exploding,
    training.vanishing,
    training.plateau,
    training.rate_too_low,
    validation.noisy_validation,
    validation.metric_stuck,
    validation.decayed_too_early,
    validation.overfitting,
    validation.still_improving,
    validation.underfitting,
)
"""In the order in which causes go before what follows from them."""

FOLLOWS = {
    Label.STILL_IMPROVING: {Label.LR_TOO_LOW, Label.DECAYED_TOO_EARLY},
    Label.UNDERFITTING: {Label.LR_TOO_LOW, Label.DECAYED_TOO_EARLY, Label.STILL_IMPROVING},
}
"""What is not worth saying beside what explains it."""


def diagnose(trial: Trial, objective: Objective, lowest: float | None = None) -> tuple[Finding, ...]:
    """What the trial's curve shows, the finding that explains most first; never empty.

    lowest: the lowest val_loss of the study's other trials, where there are any: it tells whether a level is low.
    """
    curves = Curves.of(trial, objective)
    if curves.epochs < ENOUGH or not curves.losses:
        broken = training.diverged(curves) if curves.broken is not None else None
        return (broken or _unknown(_missing(trial, curves)),)
    found = [finding for sign in SIGNS if (finding := sign(curves)) is not None]
    return tuple(_worth_saying(found)) or (_well(curves, lowest),)


@dataclass(frozen=True)
class Diagnosis:
    """findings: see `diagnose`."""

    trial: Trial
    objective: Objective
    findings: tuple[Finding, ...]

    @property
    def not_reported(self) -> list[str]:
        """What would have been looked at too."""
        reported = {name for report in self.trial.curve for name in report.metrics}
        return [name for name in NAMES if not any(one == name or one.startswith(f"{name}/") for one in reported)]

    def document(self) -> dict[str, Any]:
        return {
            "trial": self.trial.number,
            "state": str(self.trial.state),
            "value": self.objective.value(self.trial),
            "epochs": self.trial.epoch,
            "findings": [one.document() for one in self.findings],
            "not_reported": self.not_reported,
        }


def _worth_saying(found: list[Finding]) -> list[Finding]:
    labels = {one.label for one in found}
    severe = next((at for at, one in enumerate(found) if one.severity is Severity.SEVERE), len(found))
    return [
        one
        for at, one in enumerate(found)
        if (at <= severe or one.severity is Severity.SEVERE) and not FOLLOWS.get(one.label, set[Label]()) & labels
    ]


def _missing(trial: Trial, curves: Curves) -> str:
    if not trial.curve:
        return "no epoch was reported" + (f": {first_line(trial.reason)}" if trial.reason else "")
    if not curves.losses:
        return "neither train_loss nor val_loss nor the study's metric was reported"
    return f"{many(curves.epochs, 'epoch')}; it takes {ENOUGH}"


def _well(c: Curves, lowest: float | None) -> Finding:
    """Healthy only where both splits were seen and much was learnt: to find nothing is not yet a good finding."""
    if c.train is None or c.validation is None:
        absent = "train_loss" if c.train is None else "val_loss"
        return _unknown(f"nothing is wrong with what was reported, but {absent} was not, so that no gap can be seen")
    said = f"train_loss fell from {c.start:.3g} to {c.train.end:.3g}, val_loss with it to {c.validation.end:.3g}"
    apart, left = gap(c) or 0.0, c.train.end / c.scale
    alike = lowest is not None and c.validation.end <= lowest + ALIKE * c.scale
    if left < LOW or apart > CAPABLE or alike or (c.share is not None and c.share > GOOD_SHARE):
        return Finding(Label.HEALTHY, Severity.NONE, said, {"left": left, "gap": apart}, (1, c.last))
    return _unknown(f"{said} and has settled: whether that is low, an accuracy or a better trial would tell")


def lowest_loss(trials: Iterable[Trial]) -> float | None:
    """The lowest val_loss that any of the trials reached."""
    losses = (report.metrics.get("val_loss", math.inf) for trial in trials for report in trial.curve)
    return min(filter(math.isfinite, losses), default=None)


def _unknown(why: str) -> Finding:
    return Finding(Label.TOO_EARLY, Severity.NONE, why, {}, (0, 0))

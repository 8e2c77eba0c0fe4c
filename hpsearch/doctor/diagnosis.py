"""The findings of one trial's curve: pure functions of its reports."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hpsearch.core.format import first_line
from hpsearch.core.trial import Objective, Trial
from hpsearch.doctor import decay_signs as decay
from hpsearch.doctor import step_signs as steps
from hpsearch.doctor import training_signs as training
from hpsearch.doctor import transfer_signs as transfer
from hpsearch.doctor import validation_signs as validation
from hpsearch.doctor.compared_signs import behind, compared, others_transfer
from hpsearch.doctor.curves import LAYER, Curves
from hpsearch.doctor.evidence import Computed, Fact
from hpsearch.doctor.findings import Finding, Label, Severity
from hpsearch.doctor.meanings import Meanings, Role
from hpsearch.doctor.shape import GOOD_FRACTION, gap, learns_little, metric_improves, metric_was_better
from hpsearch.doctor.study_evidence import StudyEvidence

ENOUGH = 4
"""The fewest epochs for findings other than divergence."""

NEEDED = (Role.TRAIN_LOSS, Role.VAL_LOSS, Role.LR, Role.GRAD_NORM, Role.WEIGHT_NORM, Role.UPDATE_RATIO)

LOW, CAPABLE = 0.35, 0.05
"""Signs that much was learnt: a final loss below LOW (in units of `Curves.scale`), or a gap between the splits above
CAPABLE, because the network then fits the training data, or a fraction above GOOD_FRACTION."""

NEAR_BEST = 0.05
"""A trial within this fraction of the initial loss of the study's lowest val_loss is as good as the best. Without a
val_loss, it is a fraction of the study's possible gain in its metric."""

SIGNS = (
    steps.gradients_accumulate,
    training.diverged,
    steps.weights_stay,
    steps.initial_weights,
    steps.weights_explode,
    training.unchanged,
    training.weights_shrink,
    training.rate_too_high,
    steps.silent_units,
    training.exploding,
    training.vanishing,
    steps.gradients_vanish,
    steps.steps_are_tiny,
    training.plateau,
    training.rate_too_low,
    validation.noisy_validation,
    decay.decayed_too_early,
    transfer.metric_stuck,
    validation.overfitting,
    validation.slow_start,
    validation.still_improving,
    validation.underfitting,
    validation.accuracy_rises,
    validation.plateau_at_end,
)
"""The signs, causes before their consequences."""

FOLLOWS = {
    Label.LR_TOO_LOW: {Label.EXPLODING_GRADIENTS},
    Label.STILL_IMPROVING: {Label.LR_TOO_HIGH, Label.LR_TOO_LOW, Label.DECAYED_TOO_EARLY},
    Label.UNDERFITTING: {Label.LR_TOO_LOW, Label.DECAYED_TOO_EARLY, Label.STILL_IMPROVING},
    Label.PLATEAU_AT_END: {Label.OVERFITTING, Label.DECAYED_TOO_EARLY, Label.STILL_IMPROVING},
}
"""Findings that are omitted where one of the findings that explain them is present."""


def diagnose(trial: Trial, objective: Objective, evidence: StudyEvidence | None = None) -> tuple[Finding, ...]:
    """The findings of the trial's curve, the most important first; never empty.

    evidence: from all trials of the study; by default from this trial alone.
    """
    evidence = evidence or StudyEvidence.of([trial], objective)
    curves = replace(Curves.of(trial, objective, evidence.meanings), level=evidence.loss_level)
    if curves.epochs < ENOUGH or not curves.losses:
        broken = training.diverged(curves) if curves.broken is not None else None
        return (broken or _too_early(Computed(_missing(trial, curves))),)
    found = [finding for sign in SIGNS if (finding := sign(curves)) is not None]
    if others_transfer(curves, evidence):
        found = [one for one in found if one.label is not Label.METRIC_STUCK]
    found = compared(_without_consequences(found), trial.number, curves, evidence)
    if found:
        return tuple(found)
    judged = _healthy_or_too_early if evidence.meanings.steady else _healthy_by_metric
    return (behind(trial.number, curves, evidence) or judged(curves, evidence),)


@dataclass(frozen=True, repr=False)
class Diagnosis:
    """findings: see `diagnose`. meanings: the role of each metric."""

    trial: Trial
    objective: Objective
    findings: tuple[Finding, ...]
    meanings: Meanings = field(default_factory=Meanings)

    @classmethod
    def of(
        cls, trial: Trial, trials: Sequence[Trial], objective: Objective, given: Mapping[str, str] | None = None
    ) -> "Diagnosis":
        """trials: of the study. given: the section [metrics] of the study file."""
        evidence = StudyEvidence.of(trials, objective, given)
        return cls(trial, objective, diagnose(trial, objective, evidence), evidence.meanings)

    def __repr__(self) -> str:
        """One line, for notebooks."""
        found = "; ".join(f"{one.label}: {one.evidence}" for one in self.findings)
        return f"<Diagnosis of trial {self.trial.number}: {found}>"

    @property
    def not_reported(self) -> list[str]:
        """Metrics that are not reported and would show more, as keys of [metrics]."""
        layers = any(name.startswith(LAYER) for report in self.trial.curve for name in report.metrics)
        known = {*self.meanings.by_role, *([Role.GRAD_NORM] if layers else [])}
        known |= set() if self.meanings.steady else {Role.TRAIN_LOSS, Role.VAL_LOSS}
        return [str(role) for role in NEEDED if role not in known]

    def document(self) -> dict[str, Any]:
        return {
            "trial": self.trial.number,
            "state": str(self.trial.state),
            "value": self.objective.value(self.trial),
            "epochs": self.trial.epoch,
            "findings": [one.document() for one in self.findings],
            "not_reported": self.not_reported,
            "metrics": [one.document() for one in self.meanings.all],
        }


def _without_consequences(found: list[Finding]) -> list[Finding]:
    """The findings without consequences of others. Of several with the same label the first, which has the most direct
    evidence."""
    found = [one for at, one in enumerate(found) if one.label not in {before.label for before in found[:at]}]
    labels = {one.label for one in found}
    severe = next((at for at, one in enumerate(found) if one.severity is Severity.SEVERE), len(found))
    return [
        one
        for at, one in enumerate(found)
        if (at <= severe or one.severity is Severity.SEVERE) and not FOLLOWS.get(one.label, set[Label]()) & labels
    ]


def _missing(trial: Trial, curves: Curves) -> str:
    if not trial.curve:
        return "no epoch is reported" + (f": {first_line(trial.reason)}" if trial.reason else "")
    if not curves.losses:
        return "neither train_loss nor val_loss nor the study's metric is reported"
    return f"too few {curves.report}s to judge ({curves.epochs}; {ENOUGH} needed)"


def _healthy_or_too_early(c: Curves, evidence: StudyEvidence) -> Finding:
    """HEALTHY only if both splits are reported and much was learnt: the absence of faults is not enough."""
    if c.train is None or c.judged is None or c.judged.name == c.train.name:
        absent = "train_loss" if c.train is None else "val_loss"
        return _too_early(Computed(f"{absent} is not reported, so overfitting cannot be judged"))
    facts = (c.train.change, c.judged.change)
    apart, left = gap(c) or 0.0, c.train.end / c.scale
    if c.validation is None:
        near = len(evidence.rates) > 1 and evidence.lacks(c) <= NEAR_BEST
    else:
        near = evidence.lowest is not None and c.validation.end <= evidence.lowest + NEAR_BEST * c.scale
    if (
        (left < LOW and (c.validation is not None or c.metric is None or metric_was_better(c)))
        or (apart > CAPABLE and not learns_little(c))
        or near
        or (c.fraction is not None and c.fraction > GOOD_FRACTION)
    ):
        return Finding(Label.HEALTHY, Severity.NONE, facts, {"left": left, "gap": apart}, (1, c.last))
    return _too_early(*facts, Computed("without an accuracy or a better trial it is unknown whether this loss is low"))


def _healthy_by_metric(c: Curves, _: StudyEvidence) -> Finding:
    """Of a training with losses that need not fall, such as an adversarial one: HEALTHY if the metric improves."""
    if c.metric is None or not metric_improves(c):
        return _too_early(Computed("only the metric can be judged, and it does not improve beyond its noise"))
    said = "the losses need not fall in adversarial and reinforcement learning, so they are not judged"
    return Finding(Label.HEALTHY, Severity.NONE, (c.metric.change, Computed(said)), {}, (1, c.last))


def _too_early(*facts: Fact) -> Finding:
    return Finding(Label.TOO_EARLY, Severity.NONE, facts, {}, (0, 0))

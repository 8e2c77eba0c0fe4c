"""The diagnosis of a study: remarks on the findings of all its trials."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from hpsearch.core.format import many
from hpsearch.core.trial import Objective, Trial
from hpsearch.doctor.curves import rate_of
from hpsearch.doctor.diagnosis import diagnose
from hpsearch.doctor.findings import Finding, Label, Severity
from hpsearch.doctor.meanings import Meanings
from hpsearch.doctor.rate_trend import trend
from hpsearch.doctor.study_evidence import StudyEvidence

MIN_BEST, MAX_BEST = 3, 10
"""The number of best trials is a quarter of those with a value, within these limits."""


@dataclass(frozen=True, slots=True)
class Remark:
    """Advice for a study.

    labels: the findings on which it is based. trials: the trials with one of these findings, of `among` trials.
    best: the `among` trials are the best ones, whose findings show how to improve the study. Otherwise they are all
    trials with a curve to judge, whose findings show which part of the space is useless.
    against: why the results of the trials contradict the advice, so that nothing should be changed; "" if they do not.
    """

    labels: tuple[Label, ...]
    advice: str
    trials: tuple[int, ...]
    among: int
    best: bool
    against: str = ""

    @property
    def evidence(self) -> str:
        trials = many(self.among, "trial")
        which = f"the best {trials}" if self.best else f"{trials} with a curve to judge"
        return f"{len(self.trials)} of {which}: {' or '.join(self.labels)}"

    def document(self) -> dict[str, Any]:
        return {**asdict(self), "evidence": self.evidence}


MOST_ADVICE = 3
"""The most pieces of advice for a study."""


@dataclass(frozen=True, repr=False)
class StudyDiagnosis:
    """findings: by trial number, the most important first. best: numbers of the best trials, best first.

    meanings: the role of each metric.
    """

    trials: Sequence[Trial]
    objective: Objective
    findings: Mapping[int, tuple[Finding, ...]]
    best: tuple[int, ...]
    remarks: tuple[Remark, ...]
    meanings: Meanings = field(default_factory=Meanings)

    def __repr__(self) -> str:
        """One line, for notebooks; all fields would be thousands of characters."""
        labels = ", ".join(f"{count} {label}" for label, count in self.labels.items())
        advice = " ".join(remark.advice for remark in self.advice)
        return f"<StudyDiagnosis of {many(len(self.trials), 'trial')}: {labels or 'no findings'}. {advice}>"

    @property
    def advice(self) -> tuple[Remark, ...]:
        """The most important remarks; of two that advise the same change of the rate, only the first."""
        found: list[Remark] = []
        for one in self.remarks:
            if not (direction_of(one) and direction_of(one) in map(direction_of, found)):
                found.append(one)
        return tuple(found[:MOST_ADVICE])

    @property
    def labels(self) -> dict[str, int]:
        """How many trials have each label as their first finding, the most frequent first."""
        return dict(Counter(str(findings[0].label) for findings in self.findings.values()).most_common())

    def sorted(self, worst: bool = False) -> list[Trial]:
        """The best value first; with `worst` the most severe finding first, then the best value."""

        def place(trial: Trial) -> tuple[int, float]:
            severity = self.findings[trial.number][0].severity
            return (list(Severity).index(severity) if worst else 0), self.objective.loss(trial)

        return sorted(self.trials, key=place)

    def document(self) -> dict[str, Any]:
        return {
            "labels": self.labels,
            "best": list(self.best),
            "remarks": [one.document() for one in self.remarks],
            "metrics": [one.document() for one in self.meanings.all],
            "trials": [self._row(trial) for trial in self.trials],
        }

    def _row(self, trial: Trial) -> dict[str, Any]:
        first, *rest = self.findings[trial.number]
        return {
            "trial": trial.number,
            "state": str(trial.state),
            "value": self.objective.value(trial),
            "label": str(first.label),
            "severity": str(first.severity),
            "evidence": first.evidence,
            "advice": first.advice,
            "also": [str(one.label) for one in rest],
        }


OF_THE_BEST: Sequence[tuple[tuple[Label, ...], str]] = (
    ((Label.METRIC_STUCK,), "Check the data: the labels may not belong to the inputs."),
    ((Label.PLATEAU,), "Check the initial weights and the training loop: the best trials learn nothing."),
    ((Label.SLOW_START,), "Check the initial weights: the first epochs of the best trials learn nothing."),
    (
        (Label.NOISY_VALIDATION,),
        "Validate on more examples, or on folds (trainer.validation): now the order of the trials is mostly chance.",
    ),
    ((Label.LR_TOO_HIGH, Label.DIVERGED), "Search lower learning rates."),
    ((Label.LR_TOO_LOW,), "Search higher learning rates."),
    ((Label.DECAYED_TOO_EARLY,), "Lower the learning rate later."),
    ((Label.STILL_IMPROVING,), "Train longer."),
    (
        (Label.OVERFITTING,),
        "Search stronger regularisation (weight decay, dropout, augmentation) or smaller models, or use more data.",
    ),
    ((Label.PLATEAU_AT_END,), "Search schedules that decay the learning rate where the loss stops falling."),
    ((Label.UNDERFITTING,), "Search larger networks and weaker regularisation."),
    ((Label.HEALTHY,), "The best trials have converged: longer training alone will improve them little."),
    ((Label.TOO_EARLY,), "The best trials cannot be judged yet: each line says what is missing."),
)
"""Advice that is given if at least half of the best trials have one of the labels."""

CONVERGED_BEFORE_OTHERS = (
    "The best trials have converged: longer training alone will improve them little. Others still improve: train those "
    "longer to see whether they become better."
)
"""Replaces the advice for HEALTHY if trials that are not among the best still improve."""

OF_ALL: Sequence[tuple[tuple[Label, ...], str]] = (
    ((Label.DIVERGED, Label.LR_TOO_HIGH), "Lower the upper bound of the learning rate: much of its range is too high."),
    ((Label.LR_TOO_LOW,), "Raise the lower bound of the learning rate: much of its range is too low."),
    ((Label.ACCUMULATING,), "Call zero_grad before each backward pass: steps use the gradients of all steps before."),
    (
        (Label.PLATEAU, Label.VANISHING_GRADIENTS, Label.EXPLODING_GRADIENTS),
        "Check the initialisation and the depth: many trials learn nothing.",
    ),
)
"""Advice that is given if a third of the trials with a curve to judge have one of the labels as first finding."""


def diagnose_study(
    trials: Sequence[Trial], objective: Objective, given: Mapping[str, str] | None = None
) -> StudyDiagnosis:
    """given: the section [metrics] of the study file."""
    evidence = StudyEvidence.of(trials, objective, given)
    findings = {trial.number: diagnose(trial, objective, evidence) for trial in trials}
    best = best_of(trials, objective)
    judged = [number for number, found in findings.items() if found[0].label is not Label.TOO_EARLY]
    of_the_best = [
        Remark(labels, advice, having, len(best), best=True)
        for labels, advice in OF_THE_BEST
        if 2 * len(having := _having(findings, best, labels)) >= len(best) > 0
    ]
    of_all = [
        Remark(labels, advice, having, len(judged), best=False)
        for labels, advice in OF_ALL
        if 3 * len(having := _having(findings, judged, labels, first=True)) >= len(judged) > 0
    ]
    against = _against(trials, objective, best)
    of_the_best = _beside_others(without_contradictions(of_the_best), findings)
    directions = {direction_of(one) for one in of_the_best}
    of_all = [one for one in of_all if not direction_of(one) or -direction_of(one) not in directions]
    remarks = [replace(one, against=against.get(direction_of(one), "")) for one in [*of_the_best, *of_all]]
    remarks.sort(key=lambda one: bool(one.against))
    return StudyDiagnosis(trials, objective, findings, best, tuple(remarks), evidence.meanings)


def without_contradictions(remarks: Sequence[Remark]) -> list[Remark]:
    """Of two remarks that advise opposite changes, only the one with more trials; neither if they have equally many."""
    count = {label: len(one.trials) for one in remarks for label in one.labels}
    beaten = {
        one
        for pair in OPPOSITES
        for one, other in (pair, pair[::-1])
        if one in count and other in count and count[one] <= count[other]
    }
    if Label.STILL_IMPROVING in count:
        beaten.add(Label.HEALTHY)
    return [one for one in remarks if not beaten & set(one.labels)]


def _beside_others(remarks: Sequence[Remark], findings: Mapping[int, tuple[Finding, ...]]) -> list[Remark]:
    """The remarks on the best trials, adjusted so that they do not contradict the findings of other trials."""
    improving = any(found[0].label is Label.STILL_IMPROVING for found in findings.values())
    return [
        replace(one, advice=CONVERGED_BEFORE_OTHERS) if improving and one.labels == (Label.HEALTHY,) else one
        for one in remarks
    ]


OPPOSITES = (
    (Label.LR_TOO_HIGH, Label.LR_TOO_LOW),
    (Label.OVERFITTING, Label.UNDERFITTING),
    (Label.PLATEAU_AT_END, Label.DECAYED_TOO_EARLY),
)


def direction_of(remark: Remark) -> int:
    """The advised change of the learning rate: -1 for lower, 1 for higher, 0 for none."""
    labels = set(remark.labels)
    if labels <= {Label.LR_TOO_HIGH, Label.DIVERGED}:
        return -1
    return 1 if labels == {Label.LR_TOO_LOW} else 0


def _against(trials: Sequence[Trial], objective: Objective, best: Sequence[int]) -> dict[int, str]:
    """Direction of a change of the learning rate -> why the results of the trials contradict it."""
    rated = [(rate, trial) for trial in trials if (rate := rate_of(trial.params)) is not None and rate > 0]
    good = [math.log(rate) for rate, trial in rated if trial.number in best]
    if not good:
        return {}
    places = [math.log(rate) for rate, _ in rated]
    shown = trend(places, [objective.loss(trial) for _, trial in rated])
    found = {}
    if shown:
        end = "higher" if shown > 0 else "lower"
        found[-shown] = f"the results of {many(len(rated), 'trial')} improve towards {end} learning rates"
    half = (min(places) + max(places)) / 2
    for direction, outside, where in ((-1, min(good) > half, "upper"), (1, max(good) < half, "lower")):
        if outside:
            found.setdefault(direction, f"the best {many(len(good), 'trial')} have learning rates in the {where} half")
    return found


def best_of(trials: Sequence[Trial], objective: Objective) -> tuple[int, ...]:
    """The numbers of the best quarter of the trials with a value, the best first."""
    fit = objective.succeeded(trials)
    return tuple(trial.number for trial in fit[: min(MAX_BEST, max(MIN_BEST, math.ceil(len(fit) / 4)))])


def _having(
    findings: Mapping[int, tuple[Finding, ...]], numbers: Sequence[int], labels: tuple[Label, ...], first: bool = False
) -> tuple[int, ...]:
    return tuple(
        number for number in numbers if any(one.label in labels for one in findings[number][: 1 if first else None])
    )

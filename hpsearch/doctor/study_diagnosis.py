"""The diagnosis of a study: remarks on the findings of all its trials."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hpsearch.core.format import many
from hpsearch.core.trial import Objective, Trial
from hpsearch.doctor.diagnosis import diagnose, lowest_loss
from hpsearch.doctor.findings import Finding, Label, Severity

MIN_BEST, MAX_BEST = 3, 10
"""The number of best trials is a quarter of those with a value, within these limits."""


@dataclass(frozen=True, slots=True)
class Remark:
    """labels: the findings that it is based on. trials: those that have one of them, among `among` trials.

    best: those are the best trials, and their findings show how to improve the study; else all trials that have a curve
    to judge, and their findings show which part of the space is useless.
    """

    labels: tuple[Label, ...]
    advice: str
    trials: tuple[int, ...]
    among: int
    best: bool

    @property
    def evidence(self) -> str:
        trials = many(self.among, "trial")
        which = f"the best {trials}" if self.best else f"{trials} with a curve to judge"
        return f"{len(self.trials)} of {which}: {' or '.join(self.labels)}"

    def document(self) -> dict[str, Any]:
        return {**asdict(self), "evidence": self.evidence}


@dataclass(frozen=True, repr=False)
class StudyDiagnosis:
    """findings: by trial number, the one that explains most first. best: numbers of the best trials, best first."""

    trials: Sequence[Trial]
    objective: Objective
    findings: Mapping[int, tuple[Finding, ...]]
    best: tuple[int, ...]
    remarks: tuple[Remark, ...]

    def __repr__(self) -> str:
        """In one line, for a notebook: with its fields it would have thousands of characters."""
        labels = ", ".join(f"{count} {label}" for label, count in self.labels.items())
        advice = " ".join(remark.advice for remark in self.remarks)
        return f"<StudyDiagnosis of {many(len(self.trials), 'trial')}: {labels or 'no findings'}. {advice}>"

    @property
    def labels(self) -> dict[str, int]:
        """How many trials have each label as their first finding, the most frequent first."""
        return dict(Counter(str(findings[0].label) for findings in self.findings.values()).most_common())

    def sorted(self, worst: bool = False) -> list[Trial]:
        """The best value first; with `worst` the most severe finding first, and within one severity the best value."""

        def place(trial: Trial) -> tuple[int, float]:
            severity = self.findings[trial.number][0].severity
            return (list(Severity).index(severity) if worst else 0), self.objective.loss(trial)

        return sorted(self.trials, key=place)

    def document(self) -> dict[str, Any]:
        return {
            "labels": self.labels,
            "best": list(self.best),
            "remarks": [one.document() for one in self.remarks],
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
    (
        (Label.NOISY_VALIDATION,),
        "Validate on more examples, or on folds (trainer.validation): now the order of the trials is mostly chance.",
    ),
    ((Label.METRIC_STUCK,), "Check the data: the labels may not belong to the inputs."),
    ((Label.LR_TOO_HIGH, Label.DIVERGED), "Search lower learning rates."),
    ((Label.LR_TOO_LOW,), "Search higher learning rates."),
    ((Label.DECAYED_TOO_EARLY,), "Lower the learning rate later."),
    ((Label.STILL_IMPROVING,), "Train longer."),
    ((Label.OVERFITTING,), "Search stronger regularisation (weight decay, dropout, augmentation)."),
    ((Label.UNDERFITTING,), "Search larger networks and weaker regularisation."),
    ((Label.HEALTHY,), "The best trials have converged: longer training alone will improve them little."),
    ((Label.TOO_EARLY,), "The best trials cannot be judged yet: each line says what is missing."),
)
"""Given where at least half of the best trials have one of the labels."""

OF_ALL: Sequence[tuple[tuple[Label, ...], str]] = (
    ((Label.DIVERGED, Label.LR_TOO_HIGH), "Lower the upper bound of the learning rate: much of its range is too high."),
    ((Label.LR_TOO_LOW,), "Raise the lower bound of the learning rate: much of its range is too low."),
    (
        (Label.PLATEAU, Label.VANISHING_GRADIENTS, Label.EXPLODING_GRADIENTS),
        "Check the initialisation and the depth: many trials learn nothing.",
    ),
)
"""Given where a third of the trials with a curve to judge have one of the labels as their first finding."""


def diagnose_study(trials: Sequence[Trial], objective: Objective) -> StudyDiagnosis:
    lowest = lowest_loss(trials)
    findings = {trial.number: diagnose(trial, objective, lowest) for trial in trials}
    best = best_of(trials, objective)
    judged = [number for number, found in findings.items() if found[0].label is not Label.TOO_EARLY]
    remarks = [
        Remark(labels, advice, having, len(best), best=True)
        for labels, advice in OF_THE_BEST
        if 2 * len(having := _having(findings, best, labels)) >= len(best) > 0
    ] + [
        Remark(labels, advice, having, len(judged), best=False)
        for labels, advice in OF_ALL
        if 3 * len(having := _having(findings, judged, labels, first=True)) >= len(judged) > 0
    ]
    return StudyDiagnosis(trials, objective, findings, best, tuple(remarks))


def best_of(trials: Sequence[Trial], objective: Objective) -> tuple[int, ...]:
    """The numbers of the best quarter of those that have a value, the best first."""
    fit = objective.succeeded(trials)
    return tuple(trial.number for trial in fit[: min(MAX_BEST, max(MIN_BEST, math.ceil(len(fit) / 4)))])


def _having(
    findings: Mapping[int, tuple[Finding, ...]], numbers: Sequence[int], labels: tuple[Label, ...], first: bool = False
) -> tuple[int, ...]:
    return tuple(
        number for number in numbers if any(one.label in labels for one in findings[number][: 1 if first else None])
    )

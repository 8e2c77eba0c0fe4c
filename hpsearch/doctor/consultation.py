"""What the findings of a study's trials mean together, and which trials say so."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hpsearch.core.format import many
from hpsearch.core.trial import Objective, Trial
from hpsearch.doctor.diagnosis import diagnose, lowest_loss
from hpsearch.doctor.findings import Finding, Label, Severity

FEWEST, MOST = 3, 10
"""Of a study's trials the best quarter is asked, at least and at most so many of them."""


@dataclass(frozen=True, slots=True)
class Remark:
    """labels: the findings that it rests on. trials: those that have one of them, of `among` that were asked.

    best: only the best trials were asked, whose findings say how the study would get better; else all that have
    a curve to judge, whose findings say where the space is wasted.
    """

    labels: tuple[Label, ...]
    advice: str
    trials: tuple[int, ...]
    among: int
    best: bool

    @property
    def evidence(self) -> str:
        trials = many(self.among, "trial")
        whom = f"the best {trials}" if self.best else f"{trials} with a curve to judge"
        return f"{len(self.trials)} of {whom}: {' or '.join(self.labels)}"

    def document(self) -> dict[str, Any]:
        return {**asdict(self), "evidence": self.evidence}


@dataclass(frozen=True)
class Consultation:
    """findings: by trial number, the first explains most. best: the best trials' numbers, the best first."""

    trials: Sequence[Trial]
    objective: Objective
    findings: Mapping[int, tuple[Finding, ...]]
    best: tuple[int, ...]
    remarks: tuple[Remark, ...]

    @property
    def labels(self) -> dict[str, int]:
        """How many trials have each label first, the commonest first."""
        return dict(Counter(str(findings[0].label) for findings in self.findings.values()).most_common())

    def sorted(self, worst: bool = False) -> list[Trial]:
        """The best value first; or the worst finding first, and of those alike the best value."""

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
        "Validate on more examples, or on folds (trainer.validation), before trusting the order of the trials.",
    ),
    ((Label.METRIC_STUCK,), "Stop and look at the data: labels and inputs may not belong together."),
    ((Label.LR_TOO_HIGH, Label.DIVERGED), "Move the learning rate's window down."),
    ((Label.LR_TOO_LOW,), "Move the learning rate's window up."),
    ((Label.DECAYED_TOO_EARLY,), "Lower the learning rate later."),
    ((Label.STILL_IMPROVING,), "Train longer."),
    ((Label.OVERFITTING,), "Open the search towards more regularisation (weight decay, dropout, augmentation)."),
    ((Label.UNDERFITTING,), "Open the search towards larger networks and less regularisation."),
    ((Label.HEALTHY,), "The best trials have settled: longer training alone will gain little."),
    ((Label.TOO_EARLY,), "The best trials cannot be judged yet: what is missing is said with each."),
)
"""Said where half of the best trials have one of the labels."""

OF_ALL: Sequence[tuple[tuple[Label, ...], str]] = (
    ((Label.DIVERGED, Label.LR_TOO_HIGH), "Lower the upper end of the learning rate's window: much of it is wasted."),
    ((Label.LR_TOO_LOW,), "Raise the lower end of the learning rate's window: much of it is wasted."),
    (
        (Label.PLATEAU, Label.VANISHING_GRADIENTS, Label.EXPLODING_GRADIENTS),
        "Look at the initialisation and the depth: many trials never begin to learn.",
    ),
)
"""Said where a third of the trials with a curve to judge have one of the labels first."""


def consult(trials: Sequence[Trial], objective: Objective) -> Consultation:
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
    return Consultation(trials, objective, findings, best, tuple(remarks))


def best_of(trials: Sequence[Trial], objective: Objective) -> tuple[int, ...]:
    """The numbers of the best quarter of those that have a value, the best first."""
    fit = objective.ranked(trials)
    return tuple(trial.number for trial in fit[: min(MOST, max(FEWEST, math.ceil(len(fit) / 4)))])


def _having(
    findings: Mapping[int, tuple[Finding, ...]], numbers: Sequence[int], labels: tuple[Label, ...], first: bool = False
) -> tuple[int, ...]:
    return tuple(
        number for number in numbers if any(one.label in labels for one in findings[number][: 1 if first else None])
    )

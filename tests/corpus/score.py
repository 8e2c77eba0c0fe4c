"""How often the doctor's first finding is what was planted.

python -m tests.corpus.score [--held-back | --unseen] [--alone] [NAME…]
"""

import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hpsearch.core.trial import Trial
from hpsearch.doctor.diagnosis import diagnose
from hpsearch.doctor.findings import Label, Severity
from hpsearch.doctor.study_evidence import StudyEvidence
from tests.corpus import stored
from tests.corpus.planted import SOUND
from tests.corpus.stored import Training
from tests.corpus.trainers import chosen

TOO_HIGH = {Label.LR_TOO_HIGH, Label.DIVERGED}
TOO_LOW = {Label.LR_TOO_LOW}

WANTED: dict[str, set[Label]] = {
    "rate x 300": TOO_HIGH,
    "rate x 30": TOO_HIGH,
    "rate x 10": TOO_HIGH,
    "rate / 10": TOO_LOW | {Label.STILL_IMPROVING},
    "rate / 30": TOO_LOW,
    "rate / 300": TOO_LOW,
    "no zero_grad": TOO_HIGH | {Label.ACCUMULATING},
    "no step": {Label.PLATEAU},
    "labels shuffled": {Label.METRIC_STUCK, Label.PLATEAU},
    "few examples": {Label.OVERFITTING},
    "one unit": {Label.UNDERFITTING, Label.PLATEAU},
    "early decay": {Label.DECAYED_TOO_EARLY, Label.LR_TOO_LOW},
    "weights x 20": {Label.EXPLODING_GRADIENTS, Label.DIVERGED},
    "weights 0": {Label.PLATEAU},
    "few epochs": {Label.STILL_IMPROVING, Label.TOO_EARLY},
}

OPPOSITE: dict[str, set[Label]] = {
    **dict.fromkeys(("rate x 300", "rate x 30", "rate x 10", "no zero_grad"), TOO_LOW),
    **dict.fromkeys(("rate / 10", "rate / 30", "rate / 300", "early decay", "few epochs"), TOO_HIGH),
    "few examples": {Label.UNDERFITTING},
    "one unit": {Label.OVERFITTING},
}

IN_A_STUDY = ("rate / 300", "rate / 30", "rate / 10", SOUND, "rate x 10", "rate x 30", "rate x 300", "one unit")


@dataclass(frozen=True)
class Scored:
    """counted: sound, or with a fault that does harm."""

    training: Training
    label: Label
    severity: Severity

    @property
    def counted(self) -> bool:
        return self.training.fault == SOUND or self.training.harmful

    @property
    def right(self) -> bool:
        """For a sound one: nothing worse than a hint, and a judgement."""
        if self.training.fault == SOUND:
            return not self.alarm and self.label is not Label.TOO_EARLY
        return self.label in WANTED[self.training.fault]

    @property
    def inverted(self) -> bool:
        return self.label in OPPOSITE.get(self.training.fault, set())

    @property
    def alarm(self) -> bool:
        return self.training.fault == SOUND and self.severity in (Severity.WARNING, Severity.SEVERE)


def scored(name: str, in_a_study: bool) -> Iterator[Scored]:
    """in_a_study: each with the trainings at other learning rates (and a sound one) as the other trials."""
    every = stored.trainings(name)
    seeds = len({one.seed for one in every if one.fault != SOUND})
    for one in every:
        others = [other.trial for other in every if other.fault in IN_A_STUDY and other.seed == one.seed % seeds]
        trials: list[Trial] = [one.trial, *(other for other in others if other is not one.trial)]
        evidence = StudyEvidence.of(
            trials if in_a_study and one.fault in IN_A_STUDY else [one.trial], one.trainer.objective
        )
        first = diagnose(one.trial, one.trainer.objective, evidence)[0]
        yield Scored(one, first.label, first.severity)


def summary(found: Iterable[Scored]) -> str:
    found = list(found)
    counted = [one for one in found if one.counted]
    sound = [one for one in found if one.training.fault == SOUND]
    return (
        f"{sum(one.right for one in counted)} of {len(counted)} right, "
        f"{sum(one.alarm for one in sound)} of {len(sound)} false alarms, "
        f"{sum(one.inverted for one in counted)} inverted"
    )


def table(found: Iterable[Scored], key: str) -> str:
    """One row for each fault or trainer. key: "fault" or "trainer"."""
    rows = defaultdict(list)
    for one in found:
        if one.counted:
            rows[one.training.fault if key == "fault" else one.training.trainer.name].append(one)
    lines = [f"| {key} | trainings | right | inverted | other labels |", "| --- | ---: | ---: | ---: | --- |"]
    for name, ones in rows.items():
        wrong = Counter(
            str(one.label) if key == "fault" else f"{one.training.fault}: {one.label}" for one in ones if not one.right
        )
        others = ", ".join(f"{label} {count}" for label, count in wrong.most_common())
        right, inverted = sum(one.right for one in ones), sum(one.inverted for one in ones)
        lines.append(f"| {name} | {len(ones)} | {right} | {inverted} | {others} |")
    return "\n".join(lines)


def main(options: list[str]) -> None:
    found = [one for trainer in chosen(options) for one in scored(trainer.name, "--alone" not in options)]
    print(summary(found), table(found, "fault"), table(found, "trainer"), sep="\n\n")


if __name__ == "__main__":
    main(sys.argv[1:])

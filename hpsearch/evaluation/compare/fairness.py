"""Whether recorded studies can be compared, what limits the comparison, and what differs between them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hpsearch.core.format import trainer
from hpsearch.evaluation.compare.compared_study import ComparedStudy
from hpsearch.study.differences import differences
from hpsearch.study.schedule import STEP

SLOWER = 2.0
"""From this ratio of seconds per epoch on, equal epochs are not equal cost; a smaller one may be the machine's load."""


def obstacles(studies: Sequence[ComparedStudy]) -> list[str]:
    """Why their values cannot be compared, one line each; then no study leads."""
    asked: dict[str, Callable[[ComparedStudy], str]] = {
        "metrics": lambda study: study.objective.metric,
        "goals": lambda study: study.objective.goal,
        "epochs by which a trial is judged (study.at)": lambda study: study.objective.at,
        "units of training (trainer.unit)": lambda study: study.objective.unit,
        "trainers": lambda study: trainer(study.record.spec["trainer"]["use"]),
        "folds or repeats": lambda study: str(study.replicates) or "one training a trial",
    }
    lines = [_different(word, studies, of) for word, of in asked.items()]
    lines.append(_different("data", [study for study in studies if study.data], _data))
    return [line for line in lines if line]


def _different(word: str, studies: Sequence[ComparedStudy], of: Callable[[ComparedStudy], str]) -> str:
    """`different metrics: val_loss (a, b), val_accuracy (c)`; "" if all are the same."""
    labels: dict[str, list[str]] = {}
    for study in studies:
        labels.setdefault(of(study), []).append(study.label)
    groups = ", ".join(f"{value} ({', '.join(own)})" for value, own in labels.items())
    return f"different {word}: {groups}" if len(labels) > 1 else ""


def _data(study: ComparedStudy) -> str:
    return " and ".join(f"{name} {'/'.join(sorted(own))}" for name, own in sorted(study.data.items()))


def notes(studies: Sequence[ComparedStudy]) -> Iterator[str]:
    """What limits the comparison, one line each."""
    for study in studies:
        if study.status.state in ("RUNNING", "INTERRUPTED"):
            yield f"{study.label} has not ended ({study.status.state}): it is compared with the trials that it has"
        if study.best is None:
            yield f"{study.label} has no trial with a value, so it is not compared"
    if unknown := [study.label for study in studies if study.best is not None and not study.data]:
        yield f"the data of {' and '.join(unknown)} is not recorded, since the trainer does not call run.uses"
    for study in studies:
        if origin := study.record.forked_from:
            yield f"{study.label} is a fork of {origin} and may have learned from its trials, at no cost here"
    yield from _unequal_times(studies)
    if sum(study.evaluation is not None for study in studies) > 1:
        yield "test values are not ranked: selecting a study by them makes them optimistic"


def _unequal_times(studies: Sequence[ComparedStudy]) -> Iterator[str]:
    """A line if equal epochs are not equal time."""
    took = {study.label: study.status.busy_seconds / study.epochs for study in studies if study.epochs}
    if len(took) > 1 and max(took.values()) > SLOWER * min(took.values()):
        unit = studies[0].objective.unit
        slow, quick = max(took, key=took.__getitem__), min(took, key=took.__getitem__)
        one = f"{'a' if unit == STEP else 'an'} {unit}"
        times = f"{took[slow]:.2g} s in {slow} and {took[quick]:.2g} s in {quick}"
        yield f"{one} took {times}: equal {unit}s are not equal time"


@dataclass(frozen=True)
class Differences:
    """Labels of two studies and their differences, one line each: in the study files, budget included, and in the
    environments of their best trials."""

    first: str
    other: str
    file: Sequence[str]
    environment: Sequence[str]

    def document(self) -> dict[str, Any]:
        return {"from": self.first, "to": self.other, "file": self.file, "environment": self.environment}


def differing(first: ComparedStudy, other: ComparedStudy) -> Differences:
    own, its = first.environment, other.environment
    file = differences(_file(first), _file(other))
    return Differences(first.label, other.label, file, differences(own, its) if own and its else [])


def _file(study: ComparedStudy) -> dict[str, Any]:
    return {**study.record.identity, "search": study.record.spec["search"]}

"""Whether recorded studies can be compared at all, what to keep in mind if they are, and what differs between them."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from hpsearch.evaluation.compare.compared_study import Side
from hpsearch.study.definition import differences

SLOWER = 2.0
"""An epoch that takes so many times as long is another cost; less may be the machine's mood."""


def obstacles(sides: Sequence[Side]) -> list[str]:
    """Why their values mean different things, a line each; then nobody leads."""
    asked: dict[str, Callable[[Side], str]] = {
        "metrics": lambda side: side.objective.metric,
        "goals": lambda side: side.objective.goal,
        "epochs by which a trial is judged (study.at)": lambda side: side.objective.at,
        "trainers": lambda side: str(side.record.spec["trainer"]["use"]),
        "folds or repeats": lambda side: str(side.replicates) or "one training a trial",
    }
    lines = [_unlike(word, sides, of) for word, of in asked.items()]
    lines.append(_unlike("data", [side for side in sides if side.data], _data))
    return [line for line in lines if line]


def _unlike(word: str, sides: Sequence[Side], of: Callable[[Side], str]) -> str:
    """`different metrics: val_loss (a, b), val_accuracy (c)`; "" where all are the same."""
    labels: dict[str, list[str]] = {}
    for side in sides:
        labels.setdefault(of(side), []).append(side.label)
    groups = ", ".join(f"{value} ({', '.join(own)})" for value, own in labels.items())
    return f"different {word}: {groups}" if len(labels) > 1 else ""


def _data(side: Side) -> str:
    return " and ".join(f"{name} {'/'.join(sorted(own))}" for name, own in sorted(side.data.items()))


def notes(sides: Sequence[Side]) -> list[str]:
    """What a reader should keep in mind, a line each."""
    return [*_states(sides), *_forks(sides), *_epochs(sides), *_tests(sides)]


def _states(sides: Sequence[Side]) -> Iterator[str]:
    for side in sides:
        if side.stands["state"] in ("RUNNING", "INTERRUPTED"):
            yield f"{side.label} is not over ({side.stands['state']}): it is compared as far as it is"
        if side.best is None:
            yield f"{side.label} has no trial with a value, and takes no part"
    if unknown := [side.label for side in sides if side.best is not None and not side.data]:
        yield f"not recorded, since the trainer does not call run.uses: which data {' and '.join(unknown)} had"


def _forks(sides: Sequence[Side]) -> Iterator[str]:
    for side in sides:
        if origin := side.record.forked_from:
            yield f"{side.label} is a fork of {origin}, and may have learned from trials whose epochs are not counted"


def _epochs(sides: Sequence[Side]) -> Iterator[str]:
    """Where equal epochs are no equal time."""
    took = {side.label: side.stands["busy_seconds"] / side.epochs for side in sides if side.epochs}
    if len(took) > 1 and max(took.values()) > SLOWER * min(took.values()):
        slow, quick = max(took, key=took.__getitem__), min(took, key=took.__getitem__)
        yield (
            f"an epoch took {took[slow]:.2g} s in {slow} and {took[quick]:.2g} s in {quick}: "
            "equal epochs are not equal time"
        )


def _tests(sides: Sequence[Side]) -> Iterator[str]:
    if sum(side.tested is not None for side in sides) > 1:
        yield "test values are shown and not ranked: whoever chooses by them needs another test set"


def differing(first: Side, other: Side) -> dict[str, Any]:
    """file: what differs in the study files, the budget included; environment: where the best trials were trained."""
    own, its = first.environment, other.environment
    return {
        "from": first.label,
        "to": other.label,
        "file": differences(_file(first), _file(other)),
        "environment": differences(own, its) if own and its else [],
    }


def _file(side: Side) -> dict[str, Any]:
    return {**side.record.identity, "search": side.record.spec["search"]}

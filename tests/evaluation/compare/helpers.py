"""Recorded studies to compare, made of curves that are written down in a test."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from hpsearch.core.trial import Plain, Report, State, Trial
from hpsearch.evaluation.compare.compared_study import ComparedStudy
from hpsearch.evaluation.compare.comparison import Comparison, compare
from hpsearch.journal import StudyRecord
from hpsearch.records.study_status import StudyStatus
from tests.support.study_text import make_study

METRIC = "val_loss"


def trial(
    number: int, *values: float, state: State = State.COMPLETE, params: Mapping[str, Plain] | None = None
) -> Trial:
    """One value an epoch, received after all epochs of the trials before it."""
    curve = tuple(Report(step, {METRIC: value}, at=100 * number + step) for step, value in enumerate(values, 1))
    return Trial(number, params or {"x": number}, number, until=9, state=state, curve=curve)


def compared(
    name: str, trials: Sequence[Trial], *overrides: str, state: str = "COMPLETE", **more: Any
) -> ComparedStudy:
    """overrides: of the study file, such as "study.seed=4"."""
    study = make_study(overrides=[f'study.name="{name}"', *overrides])
    record = StudyRecord(1, f"uid of {name}", name, study.spec(), study.identity(), state, None, 0, "1.0")
    counts = Counter(one.state for one in trials)
    epochs = sum(one.epoch for one in trials)
    status = StudyStatus(
        name, state, None, {kind.lower(): counts[kind] for kind in State}, epochs, 2.0 * epochs, None, None, None
    )
    return replace(
        ComparedStudy(name, record, status, 3.0 * epochs, trials, segments=[], again=[], evaluation=None), **more
    )


def comparison(*studies: ComparedStudy) -> Comparison:
    return compare(studies, [one.label for one in studies])

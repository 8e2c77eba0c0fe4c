"""Whether a retrained trial is identical to its record."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from hpsearch.core.messages import Failure
from hpsearch.core.trial import Cause, Report, State, Trial
from hpsearch.journal import StudyRecord
from hpsearch.records.find import JournalStudy
from hpsearch.reproduce.reproduction import Reproduction

SPEC: Mapping[str, Any] = {
    "study": {"metric": "val_loss", "goal": "minimize", "at": "best"},
    "space": {"x": {"low": 0.0, "high": 1.0}},
}
STUDY = JournalStudy(StudyRecord(1, "u", "toy", SPEC, {}, "COMPLETE", None, 0, "1.0"))


def curve(*values: float) -> tuple[Report, ...]:
    return tuple(Report(step, {"val_loss": value}) for step, value in enumerate(values, 1))


def failed(exception: str = "ValueError: mood 7", cause: Cause = Cause.TRAINER_RAISED) -> Trial:
    """After its first epoch."""
    why: Mapping[str, Any] = {"reason": "anything", "error": "line 10", "cause": cause, "exception": exception}
    return Trial(3, {}, 0, 9, State.FAILED, curve=curve(0.5), **why)


def failure(exception: str = "ValueError: mood 7", line: int = 10) -> Failure:
    return Failure("error", "in other words", f"line {line}", exception)


def again(
    trial: Trial,
    values: tuple[Report, ...],
    problem: Failure | None = None,
    cause: Cause | None = Cause.TRAINER_RAISED,
) -> Reproduction:
    return Reproduction(STUDY, trial, values, problem, cause if problem else None, since=[], is_recorded=True)


COMPLETE = Trial(3, {}, 0, 9, State.COMPLETE, curve=curve(0.5, 0.25))


def test_the_same_curve_is_identical() -> None:
    found = again(COMPLETE, curve(0.5, 0.25))
    assert (found.is_identical, found.fails_as_before) == (True, True)
    assert found.document() == {
        "study": "toy",
        "trial": 3,
        "identical": True,
        "epochs": 2,
        "metrics": ("val_loss",),
        "timings": (),
        "first": None,
        "largest": None,
        "failure": None,
        "fails_as_before": True,
        "since": [],
        "recorded": True,
        "other_distributions": False,
    }


def test_another_curve_is_not() -> None:
    found = again(COMPLETE, curve(0.5, 0.5))
    assert not found.is_identical
    difference = {"epoch": 2, "metric": "val_loss", "recorded": 0.25, "now": 0.5, "relative": 0.5}
    assert (found.document()["first"], found.document()["largest"]) == (difference, difference)


def test_the_same_exception_with_another_traceback_is_the_same_failure() -> None:
    found = again(failed(), curve(0.5), failure(line=99))
    assert (found.is_identical, found.fails_as_before) == (True, True)
    assert found.document()["failure"] == "in other words"


@pytest.mark.parametrize(
    ("now", "cause"),
    [
        (failure("ValueError: mood 8"), Cause.TRAINER_RAISED),
        (failure("KeyError: mood 7"), Cause.TRAINER_RAISED),
        (failure(), Cause.OUT_OF_MEMORY),
        (failure(), Cause.WORKER_LOST),
        (None, None),
    ],
)
def test_another_failure_or_none_is_not(now: Failure | None, cause: Cause | None) -> None:
    found = again(failed(), curve(0.5), now, cause)
    assert (found.is_identical, found.fails_as_before) == (False, False)


def test_the_same_failure_after_another_epoch_is_not() -> None:
    assert not again(failed(), curve(0.5, 0.4), failure()).fails_as_before


def test_one_that_did_not_fail_and_does_now_is_not() -> None:
    assert not again(COMPLETE, curve(0.5), failure()).fails_as_before


@pytest.mark.parametrize(
    ("now", "same"), [(failure("OSError: no such folder"), True), (failure("KeyError: 1"), False), (None, False)]
)
def test_one_that_raised_after_its_last_report_does_so_again(now: Failure | None, same: bool) -> None:
    raised = replace(COMPLETE, exception="OSError: no such folder")
    assert again(raised, curve(0.5, 0.25), now).is_identical is same


def test_for_a_lost_worker_only_the_cause_counts() -> None:
    """The place in the trainer at which a worker is lost differs every time."""
    trial = failed(cause=Cause.STALLED)
    assert again(trial, curve(0.5), failure("elsewhere", line=5), Cause.STALLED).fails_as_before


def test_what_hpsearch_measures_is_not_compared() -> None:
    """It may be switched off, and earlier versions did not measure it."""
    measured = tuple(Report(one.step, {**one.metrics, "hpsearch/lr": 0.1}) for one in curve(0.5, 0.25))
    assert again(COMPLETE, measured).is_identical
    assert not again(COMPLETE, tuple(Report(one.step, {**one.metrics, "lr": 0.1}) for one in measured)).is_identical

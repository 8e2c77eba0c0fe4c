"""Values as rows of the journal's tables, and back."""

import json
import math
from dataclasses import replace
from typing import Any

import pytest

from hpsearch.core.decisions import Decision
from hpsearch.core.trial import Cause, Objective, Report, State, Trial
from hpsearch.journal.records import (
    TRIAL,
    Environment,
    Judge,
    TrainingSegment,
    cause_of,
    decision_row,
    report_of,
    report_row,
    segment_rows,
    storable,
    study_of,
    trial_of,
    trial_row,
)

LOSS = Objective("val_loss", "minimize")
CURVE = tuple(Report(step, {"val_loss": loss}, at=step) for step, loss in enumerate((0.5, 0.1, 0.1, 0.3), start=1))
TRIAL_7 = Trial(
    7,
    {"lr": 0.1, "bias": True, "kind": "a", "layers": 3},
    seed=11,
    until=9,
    state=State.PRUNED,
    reason="rank 3 of 4",
    cause=Cause.PRUNED,
    cause_numbers={"rank": 3},
    curve=CURVE,
    busy=1.5,
)


def read(row: dict[str, Any], curve: tuple[Report, ...] = ()) -> Trial:
    return trial_of([row[name] for name in TRIAL], curve)


def test_a_trial_is_read_as_it_was_written() -> None:
    row = trial_row(TRIAL_7)
    assert row["epoch"] == 4
    assert read(row, CURVE) == TRIAL_7


def test_a_trial_of_a_journal_before_0005_has_no_exception_and_no_cause() -> None:
    old = trial_row(replace(TRIAL_7, cause=None, cause_numbers={}))
    trial = read({**old, "exception": None}, CURVE)
    assert (trial.exception, trial.cause) == ("", None)


def test_a_cause_that_was_recorded() -> None:
    assert [cause_of(one) for one in (None, "diverged")] == [None, Cause.DIVERGED]


@pytest.mark.parametrize(
    ("prune", "now"),
    [
        ({"method": "halving", "eta": 3}, {"method": "halving", "eta": 3, "promote": False}),
        ({"method": "hyperband", "promote": True}, {"method": "hyperband", "promote": True}),
        ({"method": "median"}, {"method": "median"}),
    ],
)
def test_a_study_of_an_earlier_version_stops_trials(prune: dict[str, Any], now: dict[str, Any]) -> None:
    document = json.dumps({"study": {}, "prune": prune})
    names = ("id", "uid", "name", "state", "forked_from", "created_at", "hpsearch_version")
    record = study_of(document, document, None, "{}", **dict.fromkeys(names))
    assert record.spec["prune"] == record.identity["prune"] == now


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 0.1, -0.0, 1e-320])
def test_a_report_is_read_bit_for_bit(value: float) -> None:
    row = report_row(3, Report(2, {"val_loss": value}, at=5))
    report = report_of(row["step"], row["metrics"], row["at"])
    assert repr(report) == repr(Report(2, {"val_loss": value}, at=5))


@pytest.mark.parametrize(
    ("text", "stored"),
    [("plain", "plain"), ("ünïcode ✓", "ünïcode ✓"), ("a\0b", "a\\x00b"), ("half \ud800 pair", "half \\ud800 pair")],
)
def test_text_that_no_database_accepts_is_escaped(text: str, stored: str) -> None:
    assert storable(text) == stored
    assert decision_row(0, Decision("note", text))["reason"] == stored
    assert trial_row(replace(TRIAL_7, error=text))["error"] == stored


def test_an_environment_that_several_segments_share_is_one_row() -> None:
    first, second = Environment({"threads": 1, "device": "cpu"}), Environment({"device": "cpu", "threads": 1})
    other = Environment({"device": "cuda", "threads": 1})
    trained = [
        TrainingSegment(0, 0, first, {}),
        TrainingSegment(1, 0, second, {"digits": "ab"}),
        TrainingSegment(1, 4, other, {}),
    ]
    rows = segment_rows(5, trained)
    assert [row["digest"] for row in rows["environments"]] == [first.digest, other.digest]
    assert first.digest == second.digest, "the order of the keys does not count"
    assert [(row["number"], row["after"], row["environment"]) for row in rows["segments"]] == [
        (0, 0, first.digest),
        (1, 0, first.digest),
        (1, 4, other.digest),
    ]


@pytest.mark.parametrize(
    ("objective", "columns"),
    [
        (LOSS, [(0.5, 0.5, 1), (0.1, 0.1, 2), (0.1, 0.1, 2), (0.1, 0.1, 2)]),
        (Objective("val_loss", "maximize"), [(0.5, -0.5, 1)] * 4),
        (Objective("val_loss", "minimize", at="last"), [(0.5, 0.5, 1), (0.1, 0.1, 2), (0.1, 0.1, 3), (0.3, 0.3, 4)]),
        (
            Objective("val_loss", "minimize", at="mean of last 2"),
            [(0.5, 0.5, 1), (0.3, 0.3, 2), (0.1, 0.1, 3), (0.2, 0.2, 4)],
        ),
    ],
)
def test_a_curve_that_grows_is_judged_as_a_whole_one(
    objective: Objective, columns: list[tuple[float, float, int]]
) -> None:
    growing = Judge(objective)
    for length, expected in enumerate(columns, start=1):
        trial = replace(TRIAL_7, curve=CURVE[:length])
        found = growing.judge(trial)
        assert found == Judge(objective).judge(trial)
        assert (found["value"], found["loss"], found["best_epoch"]) == expected


def test_a_trial_without_a_number_has_no_value() -> None:
    nothing = {"value": None, "loss": None, "best_epoch": None}
    assert Judge(LOSS).judge(replace(TRIAL_7, curve=())) == nothing
    assert Judge(LOSS).judge(replace(TRIAL_7, curve=(Report(1, {"val_loss": math.nan}),))) == nothing

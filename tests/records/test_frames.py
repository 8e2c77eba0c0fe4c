"""Tables of what was recorded: their columns and types, whatever parameters are called and whatever is missing."""

import math

import pandas as pd

from hpsearch.core.decisions import Decision
from hpsearch.core.trial import Cause, Objective, Report, State, Trial
from hpsearch.records.frames import curves_frame, decisions_frame, trials_frame

LOSS = Objective("loss", "minimize")
GOOD = Trial(
    0,
    {"lr": 0.1, "units": 3, "state": "a", "flag": True, "mixed": 1},
    seed=0,
    until=2,
    state=State.COMPLETE,
    cause=Cause.DONE,
    curve=(Report(1, {"loss": 0.5}), Report(2, {"loss": 0.25, "other": math.inf})),
)
BAD = Trial(1, {"lr": 0.2, "state": "b", "mixed": "x"}, 0, 2, State.FAILED, cause=Cause.TRAINER_RAISED, reason="why")


def test_one_row_a_trial() -> None:
    frame = trials_frame([GOOD, BAD], LOSS)
    assert frame["state"].tolist() == ["COMPLETE", "FAILED"]
    assert frame["cause"].tolist() == ["done", "trainer_raised"]
    assert frame.loc[0, ["value", "best_epoch", "epochs"]].tolist() == [0.25, 2, 2]
    assert frame.loc[1, ["value", "best_epoch"]].isna().all()
    assert (frame.loc[1, "epochs"], frame.loc[1, "reason"]) == (0, "why")


def test_a_parameter_that_is_called_as_a_column() -> None:
    frame = trials_frame([GOOD, BAD], LOSS)
    assert frame["params.state"].tolist() == ["a", "b"]
    assert frame.columns.is_unique


def test_types_stay_where_values_are_missing() -> None:
    frame = trials_frame([GOOD, BAD], LOSS)
    kinds = {name: str(frame[name].dtype) for name in ("lr", "units", "flag", "mixed", "value")}
    assert kinds == {"lr": "float64", "units": "Int64", "flag": "boolean", "mixed": "object", "value": "float64"}
    assert frame["mixed"].tolist() == [1, "x"]
    assert frame["units"].isna().tolist() == [False, True]


def test_one_row_for_every_metric_of_every_report() -> None:
    rows = list(curves_frame([GOOD, BAD]).itertuples(index=False, name=None))
    assert rows == [(0, 1, "loss", 0.5), (0, 2, "loss", 0.25), (0, 2, "other", math.inf)]


def test_decisions() -> None:
    frame = decisions_frame([Decision("propose", "a draw", 3, 0, at=1_000), Decision("over", "spent")])
    assert frame["at"].tolist() == [pd.Timestamp(1, unit="s", tz="UTC"), pd.Timestamp(0, tz="UTC")]
    assert frame["trial"].tolist() == [3, pd.NA]
    assert frame["reason"].tolist() == ["a draw", "spent"]


def test_nothing_recorded_has_the_same_columns() -> None:
    assert {"number", "value", "reason"} <= set(trials_frame([], LOSS).columns)
    assert list(curves_frame([]).columns) == list(curves_frame([GOOD]).columns)
    assert list(decisions_frame([]).columns) == ["at", "kind", "trial", "epoch", "reason"]

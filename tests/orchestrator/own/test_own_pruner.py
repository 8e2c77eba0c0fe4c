"""Each clause of the contract that a verdict breaks is named, while a study runs."""

import math
from dataclasses import dataclass
from typing import Any

import pytest

from hpsearch.core.decisions import Continue, Finish, Pause, Stop
from hpsearch.core.errors import OwnMethodError
from hpsearch.core.history import History
from hpsearch.core.trial import Cause, Trial
from hpsearch.orchestrator.own.own_pruner import OwnPruner
from hpsearch.testing.pruner_contract import history_of

HISTORY = history_of([0.5, 0.4])


@dataclass
class Says:
    verdict: Any

    def judge(self, trial: Trial, history: History) -> Any:
        if isinstance(self.verdict, BaseException):
            raise self.verdict
        return self.verdict


def judged(verdict: Any) -> Any:
    return OwnPruner("mine:Pruner", lambda: Says(verdict)).judge(HISTORY[0], HISTORY)


@pytest.mark.parametrize(
    "verdict",
    [
        Continue(),
        Continue("rank 1 of 3"),
        Stop("bad", Cause.PRUNED, {"rank": 3}),
        Pause("a rung"),
        Finish("as good as it gets"),
    ],
)
def test_a_valid_result_is_returned(verdict: Any) -> None:
    assert judged(verdict) == verdict


@pytest.mark.parametrize(
    ("verdict", "says"),
    [
        (None, "returned None; it must return Continue, Stop, Pause or Finish"),
        (True, "returned a bool; it must return"),
        (Stop, "returned a type; it must return"),
        (Stop(""), "gave no reason for its Stop: reason must be a non-empty str, got ''"),
        (Continue(None), "returned the reason None; it must be a str"),  # type: ignore[arg-type]
        (Stop("bad", "pruned"), "returned the cause 'pruned'; it must be a hpsearch.core.trial.Cause"),  # type: ignore[arg-type]
        (Stop("bad", numbers={"loss": math.nan}), "returned the numbers {'loss': nan}; they must map"),
        (Stop("bad", numbers=[1]), "returned the numbers [1]; they must map"),  # type: ignore[arg-type]
        (ZeroDivisionError("division by zero"), "raised\nTraceback"),
        (SystemExit(3), "raised\nTraceback"),
    ],
)
def test_a_clause_that_is_broken_is_named(verdict: Any, says: str) -> None:
    with pytest.raises(OwnMethodError) as refused:
        judged(verdict)
    head = "mine:Pruner: judge(trial, history) of trial 0 at epoch 2 "
    assert str(refused.value).removeprefix(head).startswith(says)
    assert "hpsearch/orchestrator" not in str(refused.value)


def test_an_object_without_judge_is_refused_when_it_is_made() -> None:
    with pytest.raises(OwnMethodError, match=r"has no method `judge\(trial, history\)`"):
        OwnPruner("mine:Pruner", dict)


def test_on_a_trial_that_is_made_up_it_may_raise_and_must_return_a_verdict() -> None:
    OwnPruner("mine:Pruner", lambda: Says(KeyError("train_loss"))).try_on(HISTORY[0], HISTORY)
    OwnPruner("mine:Pruner", lambda: Says(Continue())).try_on(HISTORY[0], HISTORY)
    with pytest.raises(OwnMethodError, match="returned None"):
        OwnPruner("mine:Pruner", lambda: Says(None)).try_on(HISTORY[0], HISTORY)

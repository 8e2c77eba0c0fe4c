"""Patience, which prunes, and early stopping, which finishes, by the same rule."""

import math
from dataclasses import replace

import pytest

from hpsearch.core.decisions import Continue, Finish, Stop
from hpsearch.core.trial import Cause, Objective, Report
from hpsearch.pruners.patience import EarlyStopping, Patience
from hpsearch.testing.pruner_contract import history_of, trial

ACCURACY = Objective("val_accuracy", "maximize")


def ends_at(*losses: float, patience: int = 2, min_delta: float = 0.0) -> int | None:
    """The epoch at which early stopping finishes a trial."""
    history = history_of(losses)
    for epoch in range(1, len(losses) + 1):
        if isinstance(EarlyStopping(patience, min_delta).judge(trial(0, *losses[:epoch]), history), Finish):
            return epoch
    return None


def test_it_ends_after_patience_epochs_without_improvement() -> None:
    assert ends_at(0.5, 0.4, 0.4, 0.5) == 4
    assert ends_at(0.5, 0.4, 0.5, 0.3, 0.4) is None
    assert ends_at(0.5, 0.4, 0.5, 0.3, 0.4, 0.4, patience=2) == 6
    assert ends_at(0.5, 0.5, patience=1) == 2


def test_a_small_improvement_is_none() -> None:
    assert ends_at(0.5, 0.45, 0.41, min_delta=0.1) == 3
    assert ends_at(0.5, 0.45, 0.39, 0.35, min_delta=0.1) is None


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_nan_and_infinity_are_no_improvement(bad: float) -> None:
    assert ends_at(0.5, bad, bad) == 3
    assert ends_at(bad, 0.5, 0.4) is None
    history = history_of([bad, bad])
    verdict = Patience(2).judge(history[0], history)
    assert isinstance(verdict, Stop)
    assert (verdict.cause, verdict.numbers) == (Cause.PATIENCE, {"epochs": 2})


def test_the_reasons_have_the_metric_without_negation() -> None:
    history = history_of([0.9, 0.97, 0.96, 0.95], objective=ACCURACY)
    stalled = "val_accuracy has not improved on 0.97 (epoch 2) for 2 epochs"
    why = (Cause.PATIENCE, {"epochs": 2, "best": 0.97, "epoch": 2})
    assert EarlyStopping(2).judge(history[0], history) == Finish(f"early stopping: {stalled}", *why)
    assert Patience(2).judge(history[0], history) == Stop(f"patience: {stalled}", *why)


def test_at_its_target_epoch_a_trial_may_finish_but_is_not_pruned() -> None:
    history = history_of([0.1, 0.2, 0.2])
    at_target = trial(0, 0.1, 0.2, 0.2, until=3)
    assert Patience(2).judge(at_target, history) == Continue()
    assert isinstance(EarlyStopping(2).judge(at_target, history), Finish)


def test_only_reports_that_have_the_metric_count() -> None:
    values = [0.5, None, None, 0.6, None, None, 0.6, None]
    curve = [Report(s, {"loss": 1.0} if v is None else {"val_loss": v}) for s, v in enumerate(values, start=1)]
    history = history_of([0.5])
    verdicts = [
        EarlyStopping(2).judge(replace(trial(0), curve=tuple(curve[:end])), history) for end in range(1, len(curve) + 1)
    ]
    assert [step for step, verdict in enumerate(verdicts, start=1) if isinstance(verdict, Finish)] == [7]
    ended = verdicts[6]
    assert isinstance(ended, Finish)
    assert ended.reason == ("early stopping: val_loss has not improved on 0.5 (epoch 1) for 2 evaluations (6 epochs)")
    assert ended.numbers == {"epochs": 6, "best": 0.5, "epoch": 1}


def test_the_mean_of_the_last_reports_is_compared_where_it_counts() -> None:
    mean = Objective("val_accuracy", "maximize", at="mean of last 2")
    lucky = history_of([0.1, 0.9, 0.2, 0.5, 0.7, 0.8], objective=mean)  # means: .1 .5 .55 .35 .6 .75
    assert EarlyStopping(2).judge(lucky[0], lucky) == Continue()
    assert isinstance(EarlyStopping(2).judge(lucky[0], history_of([], objective=ACCURACY)), Finish)

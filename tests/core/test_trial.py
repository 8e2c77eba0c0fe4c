import math
from dataclasses import replace

import pytest

from hpsearch.core.trial import Cause, Objective, Report, State, Trial, key_of

CURVE = tuple(Report(step, {"score": score}) for step, score in enumerate((3.0, 1.0, 2.0, 1.0), 1))
TRIAL = Trial(0, {}, seed=0, until=9, state=State.COMPLETE, curve=CURVE)


def test_parameters_are_the_same_in_any_order_and_types_are_told_apart() -> None:
    assert key_of({"lr": 0.1, "n": 1}) == key_of({"n": 1, "lr": 0.1})
    assert len({key_of({"n": n}) for n in (1, 1.0, True, "1")}) == 4


def test_active_are_those_that_wait_or_run() -> None:
    assert {state for state in State if state.is_active} == {State.WAITING, State.RUNNING}


def test_a_trial_as_it_was_when_it_paused() -> None:
    pruned = replace(TRIAL, state=State.PRUNED, reason="lost", cause=Cause.PRUNED, cause_numbers={"rank": 3.0})
    then = pruned.as_of(2)
    assert (then.state, then.reason, then.cause, then.cause_numbers) == (State.PAUSED, "", None, {})
    assert (then.curve, then.epoch) == (CURVE[:2], 2)


def test_before_its_first_report_a_trial_is_at_epoch_0() -> None:
    assert replace(TRIAL, curve=()).epoch == 0


@pytest.mark.parametrize(
    ("goal", "at", "epoch", "loss"),
    [
        ("minimize", "best", 2, 1.0),  # the earlier of equals
        ("maximize", "best", 1, -3.0),
        ("minimize", "last", 4, 1.0),
        ("maximize", "last", 4, -1.0),
    ],
)
def test_a_curve_is_judged_at_its_best_or_at_its_last_epoch(goal: str, at: str, epoch: int, loss: float) -> None:
    objective = Objective("score", goal, at)  # type: ignore[arg-type]
    judged = objective.judged(TRIAL)
    assert judged is not None
    assert judged.step == epoch
    assert objective.loss(TRIAL) == loss
    assert objective.value(TRIAL) == abs(loss) == objective.sign * loss


@pytest.mark.parametrize("goal", ["minimize", "maximize"])
@pytest.mark.parametrize("metrics", [{"score": math.nan}, {"score": math.inf}, {"score": -math.inf}, {"other": 1.0}])
def test_nan_is_the_worst_of_all(goal: str, metrics: dict[str, float]) -> None:
    objective = Objective("score", goal)  # type: ignore[arg-type]
    assert objective.loss_of(Report(1, metrics)) == math.inf


def test_a_trial_without_a_report_or_that_diverged_has_no_value() -> None:
    objective = Objective("score", "minimize")
    for trial in (replace(TRIAL, curve=()), replace(TRIAL, cause=Cause.DIVERGED)):
        assert (objective.loss(trial), objective.value(trial)) == (math.inf, None)


def test_the_result_of_a_failed_trial_counts_unless_it_is_dropped() -> None:
    failed = replace(TRIAL, number=1, state=State.FAILED, curve=(Report(1, {"score": 0.5}),))
    keep, drop = Objective("score", "minimize"), Objective("score", "minimize", failed="drop")
    assert keep.ranked([TRIAL, failed]) == [failed, TRIAL]
    assert drop.ranked([TRIAL, failed]) == [TRIAL]
    assert keep.succeeded([TRIAL, failed]) == drop.succeeded([TRIAL, failed]) == [TRIAL]
    without = replace(failed, curve=(Report(1, {"other": 0.5}),))
    assert keep.ranked([without]) == []


class TestMeanOfTheLastReports:
    MEAN = Objective("score", "maximize", at="mean of last 3")

    def judged(self, *scores: float | None) -> tuple[int, float | None]:
        """The epoch and the value of a trial with these scores; None: a report without the metric."""
        curve = tuple(Report(s, {"score": v, "other": 1.0} if v is not None else {}) for s, v in enumerate(scores, 1))
        trial = replace(TRIAL, curve=curve)
        report = self.MEAN.judged(trial)
        assert report is not None
        return report.step, self.MEAN.value(trial)

    def test_is_the_value_at_the_last_report_with_the_metric(self) -> None:
        assert self.judged(9.0, 1.0, 2.0, 6.0) == (4, 3.0)
        assert self.judged(9.0, None, 1.0, 2.0, None) == (4, 4.0)

    def test_of_all_where_there_are_fewer(self) -> None:
        assert self.judged(9.0) == (1, 9.0)
        assert self.judged(9.0, 1.0) == (2, 5.0)

    def test_without_a_value_where_one_of_them_is_not_finite(self) -> None:
        assert self.judged(1.0, math.inf, 2.0) == (3, None)

    def test_other_metrics_are_those_of_the_last_report(self) -> None:
        curve = (Report(1, {"score": 1.0, "other": 1.0}), Report(2, {"score": 2.0, "other": 5.0}))
        report = self.MEAN.judged(replace(TRIAL, curve=curve))
        assert report is not None
        assert report.metrics == {"score": 1.5, "other": 5.0}

    def test_up_to_each_report(self) -> None:
        curve = tuple(Report(step, {"score": float(step)}) for step in range(1, 5))
        assert [report.metrics["score"] for report in self.MEAN.counted(curve)] == [1.0, 1.5, 2.0, 3.0]
        assert [self.MEAN.loss_at(curve, place) for place in range(4)] == [-1.0, -1.5, -2.0, -3.0]

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from hpsearch.core.decisions import Continue, Stop
from hpsearch.core.history import History
from hpsearch.core.replicates import Replicates
from hpsearch.core.trial import Objective, Report, State, Trial
from hpsearch.pruners.base import NeverPrune, Several
from hpsearch.pruners.paired import Paired, one_sided_p
from hpsearch.pruners.threshold import Threshold

LOSS = Objective("val_loss", "minimize")
ACCURACY = Objective("accuracy", "maximize")

Curve = Sequence[Sequence[float]]
"""For each epoch the value of each repeat."""


def trial(number: int, curve: Curve, until: int = 99, metric: str = "val_loss") -> Trial:
    reports = tuple(Report(step, metrics(values, metric)) for step, values in enumerate(curve, start=1))
    return Trial(number, {}, 0, until, State.RUNNING, curve=reports)


def metrics(values: Sequence[float], metric: str) -> dict[str, float]:
    own = {
        replicate.of(metric): value for replicate, value in zip(Replicates(repeats=len(values)), values, strict=True)
    }
    return {metric: sum(values) / len(values), **own}


def history_of(*curves: Curve, objective: Objective = LOSS) -> History:
    return History(objective, [trial(number, curve, metric=objective.metric) for number, curve in enumerate(curves)])


GOOD = [[0.10, 0.12, 0.11]] * 6
BAD = [[0.50, 0.51, 0.53]] * 6
NOISY = [[0.01, 0.90, 0.60]] * 6
MAX_EPOCHS = 12


def rule(repeats: int = 3, max_epochs: int = MAX_EPOCHS) -> Paired:
    return Paired(Replicates(repeats=repeats), max_epochs)


def judged(history: History, number: int = 1, pruner: Paired | None = None) -> Continue | Stop:
    verdict = (pruner or rule()).judge(history[number], history)
    assert isinstance(verdict, Continue | Stop)
    return verdict


def test_a_trial_that_is_worse_in_all_repeats_is_stopped() -> None:
    verdict = judged(history_of(GOOD, BAD))
    assert isinstance(verdict, Stop)
    assert verdict.reason == (
        "paired t-test: val_loss 0.5133 is worse than 0.11 (trial 0) at epoch 6 and is not expected to catch up; "
        "p <= 0.00024 over 3 repeats in each of the last 3 epochs"
    )


def test_a_trial_without_significant_difference_continues() -> None:
    """The mean is as bad as that of BAD, and the repeats do not agree."""
    assert judged(history_of(GOOD, NOISY)) == Continue()


@pytest.mark.parametrize("repeats", [1, 2])
def test_fewer_than_three_repeats_stop_no_trial(repeats: int) -> None:
    good, bad = ([values[:repeats] for values in curve] for curve in (GOOD, BAD))
    assert judged(history_of(good, bad), pruner=rule(repeats)) == Continue()


@pytest.mark.parametrize("doubtful", [3, 4, 5])
def test_each_of_the_last_epochs_must_be_significant(doubtful: int) -> None:
    bad = [*BAD]
    bad[doubtful] = NOISY[0]
    assert judged(history_of(GOOD, bad)) == Continue()
    bad[doubtful], bad[2] = BAD[0], NOISY[0]
    assert isinstance(judged(history_of(GOOD, bad)), Stop)


def test_no_trial_is_stopped_in_the_first_epochs() -> None:
    assert judged(history_of(GOOD, BAD[:5])) == Continue(), "it is not known how fast it comes nearer"
    assert isinstance(judged(history_of(GOOD, BAD)), Stop)


def test_a_slow_start_does_not_count() -> None:
    """In a quarter of the 40 epochs, and what was bad in it does not count."""
    assert judged(history_of(GOOD * 2, (BAD * 2)[:11]), pruner=rule(max_epochs=40)) == Continue()
    assert isinstance(judged(history_of(GOOD * 2, BAD * 2), pruner=rule(max_epochs=40)), Stop)


def falling(by: float) -> list[list[float]]:
    """Falls from 0.9 by the same amount in each epoch."""
    return [[value - by * epoch for value in (0.90, 0.91, 0.92)] for epoch in range(6)]


def test_a_trial_that_would_catch_up_continues() -> None:
    """Six epochs are left: a gap of 0.8 - 5 x 0.08 = 0.4 closes at 0.08 an epoch, and one of 0.55 at 0.05 does not."""
    assert judged(history_of(GOOD, falling(by=0.08))) == Continue()
    assert isinstance(judged(history_of(GOOD, falling(by=0.05))), Stop)
    assert judged(history_of(GOOD, falling(by=0.05)), pruner=rule(max_epochs=20)) == Continue(), (
        "there is more time left"
    )


def test_the_best_trial_continues() -> None:
    history = history_of(GOOD, BAD)
    assert judged(history, 0) == Continue()


def test_the_best_trial_is_that_with_the_best_epoch_so_far() -> None:
    """Judged by its best epoch: what it is now does not count."""
    assert judged(history_of(GOOD, [[0.01, 0.02, 0.01], *BAD[1:]])) == Continue()


def test_a_trial_at_its_target_epoch_continues() -> None:
    history = history_of(GOOD, BAD)
    asked = trial(1, BAD, until=6)
    history.put(asked)
    assert rule().judge(asked, history) == Continue()


def test_a_maximised_metric() -> None:
    history = history_of(BAD, GOOD, objective=ACCURACY)
    assert isinstance(judged(history), Stop)
    assert judged(history, 0) == Continue()


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_values_that_are_not_finite_stop_no_trial(bad: float) -> None:
    assert judged(history_of(GOOD, [*BAD[:5], [bad, 0.5, 0.5]])) == Continue()


def test_equal_trials_continue() -> None:
    history = history_of(GOOD, GOOD, [[0.3] * 3] * 6, [[0.3] * 3] * 6)
    assert judged(history, 1) == Continue()
    assert isinstance(judged(history, 3), Stop), "worse by the same in every repeat"


def test_the_p_value_is_that_of_students_t() -> None:
    generator = np.random.default_rng(0)
    for repeats in range(2, 12):
        differences = generator.normal(0.3, 1.0, repeats)
        expected = stats.ttest_1samp(differences, 0.0, alternative="greater").pvalue
        if differences.mean() > 0:
            assert one_sided_p(differences.tolist()) == pytest.approx(expected, abs=1e-12)
        else:
            assert one_sided_p(differences.tolist()) > 0.5


def test_trials_of_the_same_distribution_are_rarely_stopped() -> None:
    """500 pairs of the same distribution, 11 epochs each, independent of each other. At 3 epochs in a row, each with
    p < 0.05 by chance for either of the two: 2 x 6 x 0.05^3 = 0.0015 a pair, 0.75 of 500 at most, since only the one
    that is not the best is judged; 8 or more have a probability of 1e-6 (Poisson)."""
    generator = np.random.default_rng(1)
    stopped = 0
    for _ in range(500):
        curves = generator.normal(size=(2, 12, 3)).tolist()
        for epoch in range(6, 12):
            history = history_of(curves[0][:epoch], curves[1][:epoch])
            stopped += any(isinstance(judged(history, number), Stop) for number in (0, 1))
    assert stopped < 8


class TestSeveral:
    def test_the_first_that_stops_decides(self) -> None:
        history = history_of(GOOD, BAD)
        both = Several((Threshold(upper=0.3), rule()))
        first, second = both, Several((NeverPrune(), rule()))
        stops = [one.judge(history[1], history) for one in (first, second)]
        assert ["upper" in stop.numbers for stop in stops if isinstance(stop, Stop)] == [True, False]
        assert both.judge(history[0], history) == Continue()

    def test_the_reason_of_a_continue_is_returned(self) -> None:
        class Weighs:
            def judge(self, trial: Trial, history: History) -> Continue:
                return Continue("at rung 1")

        history = history_of(GOOD, GOOD)
        assert Several((NeverPrune(), Weighs(), NeverPrune())).judge(history[1], history) == Continue("at rung 1")


def test_epochs_without_the_metric_do_not_count() -> None:
    """The same curves, with a report of another metric after each: three evaluations in a row decide as before."""
    dense = history_of(GOOD, BAD)
    curves = [
        [
            one
            for report in trial.curve
            for one in (replace(report, step=2 * report.step - 1), Report(2 * report.step, {}))
        ]
        for trial in dense
    ]
    sparse = History(LOSS, [replace(one, curve=tuple(c)) for one, c in zip(dense, curves, strict=True)])
    assert rule(max_epochs=24).judge(sparse[1], sparse) == Continue()
    judged_trial = replace(sparse[1], curve=sparse[1].curve[:-1])
    assert isinstance(rule(max_epochs=24).judge(judged_trial, sparse), Stop)

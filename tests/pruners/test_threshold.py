import math

from hpsearch.core.decisions import Continue, Stop, Verdict
from hpsearch.core.trial import Objective
from hpsearch.pruners.threshold import Threshold
from hpsearch.testing.pruner_contract import history_of

ACCURACY = Objective("val_accuracy", "maximize")


def judged(pruner: Threshold, *values: float, objective: Objective = ACCURACY) -> Verdict:
    history = history_of(values, objective=objective)
    return pruner.judge(history[0], history)


def test_bounds_are_compared_with_the_metric_without_negation() -> None:
    pruner = Threshold(lower=0.2, upper=0.9)
    assert judged(pruner, 0.1) == Stop(
        "threshold: val_accuracy 0.1 at epoch 1 is below 0.2", numbers={"epoch": 1, "lower": 0.2}
    )
    assert judged(pruner, 0.95) == Stop(
        "threshold: val_accuracy 0.95 at epoch 1 is above 0.9", numbers={"epoch": 1, "upper": 0.9}
    )
    for inside in (0.2, 0.5, 0.9):
        assert judged(pruner, inside) == Continue()


def test_a_bound_may_be_missing() -> None:
    assert judged(Threshold(lower=0.2), 1e9) == Continue()
    assert judged(Threshold(upper=0.2), -1e9) == Continue()


def test_the_last_epoch_counts_after_the_warm_up() -> None:
    pruner = Threshold(lower=0.2, warmup_epochs=2)
    assert judged(pruner, 0.1, 0.1) == Continue()
    assert isinstance(judged(pruner, 0.1, 0.1, 0.1), Stop)
    assert judged(pruner, 0.1, 0.1, 0.3) == Continue()


def test_nan_is_out_of_bounds() -> None:
    verdict = judged(Threshold(), math.nan)
    assert isinstance(verdict, Stop)
    assert verdict.numbers == {"epoch": 1}


def test_the_mean_of_the_last_reports_is_compared_where_it_counts() -> None:
    mean = Objective("val_accuracy", "maximize", at="mean of last 2")
    assert judged(Threshold(lower=0.2), 0.5, 0.1, objective=mean) == Continue()
    assert isinstance(judged(Threshold(lower=0.2), 0.5, 0.1, 0.1, objective=mean), Stop)

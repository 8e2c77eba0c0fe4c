import math
from dataclasses import replace

from hpsearch.core.decisions import Continue, Stop
from hpsearch.core.history import History
from hpsearch.core.trial import Objective, Report, Trial
from hpsearch.pruners.median import Median
from hpsearch.testing.pruner_contract import LOSS, history_of, trial


def test_worse_than_the_median_of_the_others_is_stopped() -> None:
    history = history_of([0.1], [0.2], [0.3], [0.25], [0.2])
    pruner = Median(startup_trials=4)
    assert isinstance(pruner.judge(history[4], history), Continue)
    verdict = pruner.judge(history[3], history)
    assert isinstance(verdict, Stop)
    assert verdict.numbers == {"epoch": 1, "median": 0.2, "others": 4}


def test_its_best_epoch_so_far_counts() -> None:
    history = history_of([0.2, 0.2], [0.2, 0.2], [0.1, 0.9])
    assert isinstance(Median(1).judge(history[2], history), Continue)


def test_too_few_others_at_this_epoch() -> None:
    history = history_of([0.1, 0.1], [0.1], [0.1], [0.9, 0.9])
    assert Median(startup_trials=2).judge(history[3], history) == Continue()
    assert isinstance(Median(startup_trials=1).judge(history[3], history), Stop)


def test_warm_up_and_interval() -> None:
    history = history_of(*[[0.1] * 9] * 5, [0.9] * 9)
    judged = [
        epoch
        for epoch in range(1, 9)
        if isinstance(Median(5, warmup_epochs=2, interval=2).judge(trial(5, *[0.9] * epoch), history), Stop)
    ]
    assert judged == [3, 5, 7]


def test_others_that_diverged_count_as_bad() -> None:
    history = history_of([math.nan], [math.inf], [0.5], [9.0])
    assert isinstance(Median(3).judge(history[3], history), Continue)
    verdict = Median(3).judge(trial(3, 9.0), history_of([0.1], [0.2], [0.5], [math.nan]))
    assert isinstance(verdict, Stop)


def test_the_reason_has_the_metric_without_negation() -> None:
    accuracy = Objective("val_accuracy", "maximize")
    history = history_of([0.9], [0.9], [0.7], objective=accuracy)
    verdict = Median(2).judge(history[2], history)
    assert verdict == Stop(
        "median: best val_accuracy 0.7 up to epoch 1 is worse than 0.9, the median of 2 other trials",
        numbers={"epoch": 1, "median": 0.9, "others": 2},
    )


def test_the_reason_names_the_epoch_of_the_verdict_and_not_that_of_the_best_value() -> None:
    """The best value is of epoch 1. With `at = "last"` each epoch is judged by its own value."""
    worse, others = [0.5, 0.9], [[0.1, 0.1], [0.2, 0.2]]
    history = history_of(*others, worse)
    assert "best val_loss 0.5 up to epoch 2 is worse" in Median(2).judge(history[2], history).reason
    last = history_of(*others, worse, objective=Objective("val_loss", "minimize", "last"))
    assert "val_loss 0.9 at epoch 2 is worse" in Median(2).judge(last[2], last).reason


def test_a_report_without_the_metric_is_not_judged_and_the_next_one_with_it_is() -> None:
    def sparse(number: int, steps: dict[int, float | None]) -> Trial:
        reports = (Report(s, {"loss": 1.0} if v is None else {"val_loss": v}) for s, v in steps.items())
        return replace(trial(number), curve=tuple(reports))

    history = History(LOSS, [sparse(0, {2: 0.1, 4: 0.1, 5: None}), sparse(1, {1: None, 3: 0.9, 4: None})])
    rule = Median(startup_trials=1, warmup_epochs=1, interval=2)
    assert isinstance(rule.judge(sparse(1, {1: None, 3: 0.9}), history), Stop)
    assert rule.judge(history[1], history) == Continue()
    assert rule.judge(sparse(1, {2: 0.9, 3: 0.9}), history) == Continue()

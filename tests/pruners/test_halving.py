import math
from collections.abc import Iterable
from dataclasses import replace

import pytest

from hpsearch.core.decisions import Continue, Stop, Verdict
from hpsearch.core.history import History
from hpsearch.core.trial import Numbers, Objective, Report, Trial
from hpsearch.pruners.halving import Halving
from hpsearch.pruners.promotion import Ladder
from hpsearch.testing.pruner_contract import LOSS, history_of, trial

ACCURACY = Objective("val_accuracy", "maximize")


def arrivals(losses: list[float], eta: int = 3) -> list[Verdict]:
    """The verdict on each trial as one after the other reports epoch 1."""
    history, verdicts = History(LOSS), []
    for number, loss in enumerate(losses):
        one = trial(number, loss)
        history.put(one)
        verdicts.append(Halving(1, eta, 27).judge(one, history))
    return verdicts


def numbers(verdict: Verdict) -> Numbers:
    assert isinstance(verdict, Stop)
    return verdict.numbers


def test_rungs_are_powers_of_eta_below_the_end() -> None:
    assert judged_at(range(1, 82), 1, 3, 81) == [1, 3, 9, 27]
    assert judged_at(range(1, 30), 2, 4, 30) == [2, 8]
    assert judged_at(range(1, 30), 5, 2, 5) == []


def test_a_rung_is_judged_at_its_epoch_or_at_the_next_report_with_the_metric() -> None:
    assert judged_at(range(3, 40, 3), 1, 2, 30) == [3, 6, 9, 18]
    assert judged_at([100, 200, 300, 400, 700], 50, 2, 600) == [100, 200, 400]
    assert judged_at([5, 17], 3, 3, 30) == [5, 17]


def judged_at(steps: Iterable[int], first: int, eta: int, end: int) -> list[int]:
    """The steps at which a trial is judged that has the metric in the reports of `steps`, and other reports between."""
    judged, curve = [], [Report(1, {"train_loss": 1.0})]
    for step in steps:
        curve.append(Report(step, {"val_loss": 1.0}))
        if Ladder("halving", first, eta, end).reached(replace(trial(0), curve=tuple(curve)), LOSS) is not None:
            judged.append(step)
        curve.append(Report(step, {"train_loss": 1.0}))
    return judged


def test_at_a_rung_each_trial_counts_with_its_first_report_at_or_after_it() -> None:
    def sparse(number: int, values: dict[int, float]) -> Trial:
        return replace(trial(number), curve=tuple(Report(step, {"val_loss": v}) for step, v in values.items()))

    history = History(LOSS, [sparse(0, {3: 0.5, 6: 0.1}), sparse(1, {2: 0.3, 4: 0.2}), sparse(2, {1: 0.4, 3: 0.4})])
    assert history.losses_from(2) == {0: 0.5, 1: 0.3, 2: 0.4}
    assert isinstance(Halving(2, 3, 27).judge(sparse(0, {3: 0.5}), history), Stop)
    assert isinstance(Halving(2, 3, 27).judge(sparse(1, {2: 0.3}), history), Continue)


def test_between_rungs_every_trial_continues() -> None:
    history = history_of([0.1, 0.1], [0.9, 0.9])
    assert Halving(1, 3, 27).judge(history[1], history) == Continue()


def test_the_first_at_a_rung_continues_then_only_the_best_of_fewer_than_eta() -> None:
    continued = [isinstance(verdict, Continue) for verdict in arrivals([0.5, 0.6, 0.4, 0.45])]
    assert continued == [True, False, True, False]


def test_the_best_third_continues() -> None:
    history = history_of(*[[loss / 10] for loss in range(9)])
    verdicts = [Halving(1, 3, 27).judge(one, history) for one in history]
    assert [isinstance(verdict, Continue) for verdict in verdicts] == [True] * 3 + [False] * 6
    assert numbers(verdicts[6]) == {"rank": 7, "of": 9, "promoted": 3, "epoch": 1}
    assert numbers(arrivals([0.1, 0.2])[1]) == {"rank": 2, "of": 2, "promoted": 1, "epoch": 1}


def test_the_reasons_have_the_metric_without_negation() -> None:
    history = history_of(*[[0.9]] * 5, [0.812], objective=ACCURACY)
    judge = Halving(1, 3, 27).judge
    assert [judge(history[number], history).reason for number in (0, 5)] == [
        "halving: rank 1 of 6 at epoch 1, continues",
        "halving: rank 6 of 6 (best val_accuracy 0.812 up to epoch 1), the best 2 continue",
    ]
    assert arrivals([0.1, 0.2])[1].reason.endswith("(best val_loss 0.2 up to epoch 1), only the best continues")


def test_trials_that_were_stopped_at_a_rung_still_count_there_and_later_epochs_do_not() -> None:
    history = history_of([0.3, 0.3, 0.3], [0.5], [0.6], [0.4, 0.4, 0.01])
    assert isinstance(Halving(1, 2, 27).judge(trial(3, 0.4), history), Continue)
    assert isinstance(Halving(3, 2, 27).judge(trial(0, 0.3, 0.3, 0.3), history), Stop)


def test_the_best_epoch_so_far_counts_or_the_last() -> None:
    curves = ([0.5, 0.4, 0.3], [0.1, 0.8, 0.9])
    best, last = history_of(*curves), history_of(*curves, objective=Objective("val_loss", "minimize", at="last"))
    assert isinstance(Halving(3, 3, 27).judge(best[1], best), Continue)
    assert isinstance(Halving(3, 3, 27).judge(last[1], last), Stop)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite_ranks_last(bad: float) -> None:
    history = history_of([bad], [5.0], [bad])
    assert isinstance(Halving(1, 2, 27).judge(history[1], history), Continue)
    verdict = Halving(1, 2, 27).judge(history[2], history)
    assert numbers(verdict) == {"rank": 2, "of": 3, "promoted": 1, "epoch": 1}


def test_a_trial_at_its_target_epoch_continues() -> None:
    history = history_of([0.1] * 3, [0.2] * 3)
    assert isinstance(Halving(3, 3, 27).judge(trial(1, *[0.2] * 3), history), Stop)
    assert Halving(3, 3, 27).judge(trial(1, *[0.2] * 3, until=3), history) == Continue()

import math

import pytest

from hpsearch.core.decisions import Continue, Stop, Verdict
from hpsearch.core.history import History
from hpsearch.core.trial import Numbers, Objective
from hpsearch.pruners.halving import Halving, is_rung
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
    assert [epoch for epoch in range(82) if is_rung(epoch, 1, 3, 81)] == [1, 3, 9, 27]
    assert [epoch for epoch in range(30) if is_rung(epoch, 2, 4, 30)] == [2, 8]
    assert [epoch for epoch in range(30) if is_rung(epoch, 5, 2, 5)] == []


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

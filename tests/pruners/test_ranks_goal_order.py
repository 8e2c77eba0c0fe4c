"""Halving with several goals: trials are compared by their Pareto ranks at a rung."""

import math

import pytest

from hpsearch.core.decisions import Continue, Pause, Stop
from hpsearch.core.goals import Goal, crowding
from hpsearch.core.history import History
from hpsearch.core.trial import Objective, Report, State, Trial
from hpsearch.pruners.halving import Halving
from hpsearch.pruners.hyperband import Hyperband
from hpsearch.pruners.ranks import rung_losses

TWO = Objective("loss", "minimize", others=(Goal("latency", "minimize"),))


def history(*points, epochs=1):
    found = History(TWO)
    for number, (loss, latency) in enumerate(points):
        curve = tuple(Report(epoch, {"loss": loss, "latency": latency}) for epoch in range(1, epochs + 1))
        found.put(Trial(number, {"x": number}, 0, 9, State.RUNNING, curve=curve))
    return found


def test_a_trial_of_the_front_continues_though_its_first_goal_is_the_worst():
    trials = history((0.1, 9.0), (0.5, 5.0), (0.6, 6.0), (0.9, 1.0))
    halving = Halving(1, 2, 9)
    assert isinstance(halving.judge(trials[3], trials), Continue)
    verdict = halving.judge(trials[2], trials)
    assert isinstance(verdict, Stop)
    assert verdict.numbers["rank"] == 4
    assert isinstance(Halving(1, 2, 9, promote=True).judge(trials[2], trials), Pause)


def test_the_order_is_by_front_then_by_crowding():
    losses = rung_losses(1, history((0.0, 4.0), (1.0, 3.0), (1.1, 2.9), (4.0, 0.0), (2.0, 5.0)))
    assert [int(losses[number]) for number in range(5)] == [0, 0, 0, 0, 1]
    order = sorted(losses, key=losses.__getitem__)
    assert set(order[:2]) == {0, 3}
    assert order[4] == 4


def test_the_ranks_are_those_at_the_same_epoch():
    trials = history((0.5, 5.0), (0.6, 6.0))
    later = (*trials[1].curve, Report(2, {"loss": 0.1, "latency": 1.0}))
    trials.put(Trial(1, {"x": 1}, 0, 9, State.RUNNING, curve=later))
    losses = rung_losses(1, trials)
    assert losses[0] < losses[1]


def test_a_trial_without_a_goal_is_last():
    trials = history((0.1, 1.0))
    trials.put(Trial(1, {"x": 1}, 0, 9, State.RUNNING, curve=(Report(1, {"loss": 0.0}),)))
    assert rung_losses(1, trials).get(1, math.inf) == math.inf


def test_promotion_continues_the_best_front():
    trials = history((0.1, 9.0), (0.5, 5.0), (0.6, 6.0), (0.9, 1.0))
    for trial in list(trials):
        trials.put(Trial(trial.number, trial.params, 0, 9, State.PAUSED, curve=trial.curve, ended=trial.number + 1))
    assert Halving(1, 2, 9, promote=True).promotion(trials).number in (0, 3)


def test_hyperband_compares_a_bracket():
    trials = history(*((0.1 * n, 1.0 - 0.1 * n) for n in range(8)))
    assert all(isinstance(Hyperband(1, 2, 4).judge(trial, trials), Continue | Stop) for trial in trials)


def test_with_one_goal_the_losses_are_those_of_the_history():
    one = History(Objective("loss", "minimize"))
    one.put(Trial(0, {}, 0, 9, State.RUNNING, curve=(Report(1, {"loss": 0.3}),)))
    assert rung_losses(1, one) == {0: 0.3}
    assert rung_losses(1, one, lambda _: False) == {}


def test_crowding():
    assert crowding([(0.0, 2.0), (1.0, 1.0), (2.0, 0.0)]) == [math.inf, pytest.approx(2.0), math.inf]
    assert crowding([(1.0, 1.0), (1.0, 1.0)]) == [math.inf, math.inf]

"""Finalists, their means, intervals and optimism, against results that are calculated by hand."""

import math
import random
from collections.abc import Sequence

import pytest

from hpsearch.core.trial import Cause, Objective, Report, State, Trial
from hpsearch.evaluation.finalists import best_distinct, length, ranked, shrunk
from hpsearch.evaluation.noise import Spread

LOSS = Objective("val_loss", "minimize")
ACCURACY = Objective("val_accuracy", "maximize")


def trial(number: int, x: float, *values: float, state: State = State.COMPLETE, metric: str = "val_loss") -> Trial:
    curve = tuple(Report(step, {metric: value}) for step, value in enumerate(values, 1))
    return Trial(number, {"x": x}, number, until=9, state=state, curve=curve)


def numbers(trials: Sequence[Trial]) -> list[int]:
    return [one.number for one in trials]


# Who is a finalist ───────────────────────────────────────────────────────────────────────────────


def test_the_best_trials_are_finalists_each_set_of_parameters_once() -> None:
    trials = [trial(0, 0.1, 3.0), trial(1, 0.2, 1.0), trial(2, 0.2, 0.9), trial(3, 0.3, 2.0), trial(4, 0.4, 4.0)]
    assert numbers(best_distinct(trials, LOSS, 3)) == [2, 3, 0]
    assert numbers(best_distinct(trials, LOSS, 9)) == [2, 3, 0, 4]


def test_of_an_accuracy_the_highest_are() -> None:
    trials = [trial(i, i / 10, value, metric="val_accuracy") for i, value in enumerate((0.7, 0.9, 0.8))]
    assert numbers(best_distinct(trials, ACCURACY, 2)) == [1, 2]


def test_what_diverged_or_never_reported_is_none_and_what_failed_where_that_is_dropped() -> None:
    diverged = Trial(2, {"x": 2}, 0, 9, State.PRUNED, curve=(Report(1, {"val_loss": 0.1}),), cause=Cause.DIVERGED)
    trials = [
        trial(0, 0.0, 0.5, state=State.FAILED),
        trial(1, 1.0),
        diverged,
        trial(3, 3.0, math.nan),
        trial(4, 4, 2.0),
    ]
    assert numbers(best_distinct(trials, LOSS, 9)) == [0, 4]
    assert numbers(best_distinct(trials, Objective("val_loss", "minimize", failed="drop"), 9)) == [4]
    assert best_distinct([], LOSS, 3) == []


def test_a_complete_finalist_trains_all_epochs_and_others_to_their_last_epoch() -> None:
    curve = (3.0, 2.0, 1.0)
    assert length(trial(0, 0.0, *curve), epochs=30) == 30
    for state in (State.PAUSED, State.PRUNED, State.WAITING, State.FAILED):
        assert length(trial(0, 0.0, *curve, state=state), epochs=30) == 3


# What they are worth ─────────────────────────────────────────────────────────────────────────────


def test_means_that_seeds_alone_explain_become_one() -> None:
    spreads = [Spread((0.0, 2.0)), Spread((0.1, 2.1)), Spread((-0.1, 1.9))]
    assert shrunk(spreads) == pytest.approx((1.0, 1.0, 1.0))


def test_means_that_seeds_cannot_explain_stay() -> None:
    spreads = [Spread((0.0, 0.0)), Spread((5.0, 5.0))]
    assert shrunk(spreads) == (0.0, 5.0)


def test_the_part_of_the_variance_that_seeds_explain_is_removed() -> None:
    """Variance between seeds 2, of a mean of two 1; between the means 8: a share of 7 / 8 of a difference is real."""
    spreads = [Spread((-1.0, 1.0)), Spread((3.0, 5.0))]
    assert shrunk(spreads) == pytest.approx((2 - 2 * 7 / 8, 2 + 2 * 7 / 8))


def test_one_finalist_or_one_seed_each_is_left_as_it_is() -> None:
    assert shrunk([Spread((1.0, 3.0))]) == (2.0,)
    assert shrunk([Spread((1.0,)), Spread((3.0,))]) == (1.0, 3.0)


def test_the_corrected_mean_is_nearer_to_the_true_mean_of_the_winner() -> None:
    """Of finalists that differ little the winner disappoints; by its corrected mean, by a third of that at most."""
    rng = random.Random(2)
    raw = corrected = 0.0
    for _ in range(500):
        worth = [rng.gauss(0, 0.5) for _ in range(5)]
        spreads = [Spread(tuple(rng.gauss(mean, 1.5) for _ in range(5))) for mean in worth]
        means, better = [one.mean for one in spreads], shrunk(spreads)
        winner = means.index(max(means))
        raw += means[winner] - worth[winner]
        corrected += better[winner] - worth[winner]
    assert raw / 500 > 0.2
    assert abs(corrected) < raw / 3


def test_finalists_are_ordered_by_their_means() -> None:
    chosen = [trial(7, 0.1, 0.5), trial(3, 0.2, 0.6)]
    again = [trial(0, 0.1, 0.9), trial(1, 0.2, 0.7), trial(2, 0.1, 1.1), trial(3, 0.2, 0.5), trial(4, 0.3, 0.0)]
    first, second = ranked(chosen, again, LOSS)
    assert (first.trial.number, first.found, first.spread.values) == (3, 0.6, (0.7, 0.5))
    assert (second.trial.number, second.found, second.spread.values) == (7, 0.5, (0.9, 1.1))
    assert numbers(second.trainings) == [0, 2]
    assert first.spread.mean < first.corrected < second.corrected < second.spread.mean


def test_a_finalist_with_failed_seeds_ranks_below_one_without() -> None:
    chosen = [trial(0, 0.1, 0.5), trial(1, 0.2, 0.6), trial(2, 0.3, 0.7)]
    diverged = Trial(1, {"x": 0.1}, 0, 9, State.PRUNED, cause=Cause.DIVERGED)
    failed = trial(3, 0.3, 0.1, state=State.FAILED)
    found = ranked(chosen, [trial(0, 0.1, 0.2), diverged, trial(2, 0.2, 0.9), failed], LOSS)
    assert [(one.trial.number, one.spread.lost) for one in found] == [(1, 0), (0, 1)], "of trial 2 nothing came"

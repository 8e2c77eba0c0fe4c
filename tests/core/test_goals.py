"""Several goals: which results are dominated, and the Pareto front."""

import math
import random
from dataclasses import replace

import pytest

from hpsearch.core.front import front, preferred
from hpsearch.core.goals import Goal, dominates, ranks
from hpsearch.core.requirements import read
from hpsearch.core.trial import Cause, Objective, Report, State, Trial

OBJECTIVE = Objective("acc", "maximize", others=(Goal("ms", "minimize"),))


def trial(number: int, acc: float, ms: float | None) -> Trial:
    metrics = {"acc": acc} | ({} if ms is None else {"ms": ms})
    return Trial(number, {"x": number}, 0, until=1, state=State.COMPLETE, curve=(Report(1, metrics),))


@pytest.mark.parametrize("count", [2, 3])
def test_ranks_are_those_of_peeling_one_front_after_the_other(count: int) -> None:
    generator = random.Random(count)
    points = [tuple(float(generator.randint(0, 4)) for _ in range(count)) for _ in range(60)]
    left, expected, rank = set(range(60)), [0] * 60, 0
    while left:
        own = {n for n in left if not any(dominates(points[m], points[n]) for m in left)}
        for number in own:
            expected[number] = rank
        left, rank = left - own, rank + 1
    assert ranks(points) == expected


def test_equal_results_do_not_dominate_each_other() -> None:
    assert not dominates((1.0, 2.0), (1.0, 2.0))
    assert dominates((1.0, 2.0), (1.0, 3.0))
    assert not dominates((1.0, 3.0), (2.0, 2.0))


def test_the_front_is_ordered_by_the_first_goal() -> None:
    trials = [trial(0, 0.5, 5.0), trial(1, 0.9, 30.0), trial(2, 0.9, 20.0), trial(3, 0.4, 6.0), trial(4, 0.2, 1.0)]
    found = front(trials, OBJECTIVE)
    assert [one.trial for one in found] == [2, 0, 4]
    assert found[0].values == {"acc": 0.9, "ms": 20.0}
    assert [one.number for one in OBJECTIVE.ranked(trials)] == [2, 0, 4, 1, 3]
    assert OBJECTIVE.best(trials) is trials[2]
    assert front(trials, Objective("acc", "maximize")) == []


def test_a_trial_without_one_of_the_metrics_has_a_value_and_no_result() -> None:
    lacking = trial(0, 0.99, None)
    assert (OBJECTIVE.value(lacking), OBJECTIVE.loss(lacking), OBJECTIVE.counts(lacking)) == (0.99, math.inf, False)
    assert OBJECTIVE.losses(lacking) == (-0.99, math.inf)
    assert OBJECTIVE.values(lacking) == {"acc": 0.99}
    diverged = replace(trial(1, 0.9, 1.0), cause=Cause.DIVERGED)
    assert OBJECTIVE.losses(diverged) == (math.inf, math.inf)
    assert front([lacking, diverged], OBJECTIVE) == []


def test_all_values_are_of_the_epoch_with_the_best_first_goal() -> None:
    curve = (Report(1, {"acc": 0.9, "ms": 30.0}), Report(2, {"acc": 0.5, "ms": 1.0}))
    assert OBJECTIVE.values(replace(trial(0, 0.0, 0.0), curve=curve)) == {"acc": 0.9, "ms": 30.0}


def test_the_preferred_trial_is_the_best_by_the_first_goal_that_meets_the_comparison() -> None:
    trials = [trial(0, 0.5, 5.0), trial(1, 0.9, 20.0), trial(2, 0.6, 9.0)]
    assert preferred(trials, OBJECTIVE, [read("ms <= 10")]) is trials[2]
    assert preferred(trials, OBJECTIVE, [read("ms <= 10"), read("acc <= 0.55")]) is trials[0]
    assert preferred(trials, OBJECTIVE, [read("ms <= 1")]) is None
    assert preferred(trials, replace(OBJECTIVE, require=(read("acc <= 0.55"),)), [read("ms <= 30")]) is trials[0]

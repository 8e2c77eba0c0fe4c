"""How long a search will still take: the truth is inside the range, and the range gets narrow."""

import random

import pytest

from hpsearch.core.format import span
from hpsearch.core.time_left import Cost, Span, Workload

PLAIN = Workload(epochs=100, budget=None, ends_early=False)


def ended(asked: int, trained: int, seconds: float) -> Cost:
    return Cost(asked, trained, seconds, ended=True)


def test_nothing_is_said_before_two_trials_have_ended() -> None:
    assert PLAIN.time_left([], 1) is None
    assert PLAIN.time_left([ended(10, 10, 5.0), Cost(10, 9, 4.0, ended=False)], 1) is None
    assert PLAIN.time_left([ended(10, 10, 5.0)] * 2, 0) is None, "nothing is known of the pace yet"


def test_trials_that_cost_the_same() -> None:
    assert PLAIN.time_left([ended(10, 10, 5.0)] * 2, 1) == Span(40.0, 40.0)
    assert PLAIN.time_left([ended(10, 10, 5.0)] * 2, 2) == Span(20.0, 20.0)
    assert PLAIN.time_left([ended(10, 10, 5.0)] * 10, 2) == Span(0.0, 0.0)


def test_what_running_trials_have_trained_is_not_trained_again() -> None:
    costs = [ended(10, 10, 5.0), ended(10, 10, 5.0), Cost(10, 4, 2.0, ended=False)]
    assert PLAIN.time_left(costs, 1) == Span(38.0, 38.0)


def test_pruned_trials_count_with_what_they_cost() -> None:
    """8 of 10 are pruned at the first of 10 epochs: the rest takes about a quarter of what whole trials would."""
    costs = [ended(10, 10, 10.0), *[ended(10, 1, 1.0)] * 4] * 2
    left = Workload(200, None, ends_early=True).time_left(costs, 1)
    assert left is not None
    assert left.low < 100 * 28 / 100 < left.high < 100


def test_only_the_most_is_known_where_trials_may_end_early_and_none_has() -> None:
    assert Workload(100, None, ends_early=True).time_left([ended(10, 10, 5.0)] * 4, 1) == Span(0.0, 30.0)


def test_a_budget_of_epochs_ends_it_before() -> None:
    costs = [ended(10, 10, 5.0), ended(10, 4, 2.0)]
    assert Workload(100, 20, ends_early=True).time_left(costs, 1) == Span(3.0, 3.0)
    assert Workload(None, 20, ends_early=True).time_left(costs, 1) == Span(3.0, 3.0)
    assert Workload(None, None, ends_early=True).time_left(costs, 1) is None


def test_the_truth_is_inside_the_range() -> None:
    """200 searches of 40 trials, of which most are pruned, each seen after 10 of them: two standard errors hold 95% of
    all sums of normal values; of these skewed ones a little less, and 85% is what is asked for."""
    generator = random.Random(0)
    inside = 0
    for _ in range(200):
        trials = [generator.choice([1, 1, 2, 3, 10]) for _ in range(40)]
        costs = [ended(10, epochs, epochs * generator.uniform(0.8, 1.2)) for epochs in trials]
        left = Workload(400, None, ends_early=True).time_left(costs[:10], 1)
        assert left is not None
        inside += left.low <= sum(one.seconds for one in costs[10:]) <= left.high
    assert inside >= 170


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (0.0, 0.0, "less than 1 s"),
        (0.2, 0.4, "less than 1 s"),
        (20.0, 40.0, "20 to 40 s"),
        (30.0, 30.2, "about 30 s"),
        (0.0, 480.0, "up to 8 min"),
        (60.0, 180.0, "1 to 3 min"),
        (20.0, 150.0, "20 s to 2.5 min"),
        (3000.0, 7200.0, "50 min to 2 h"),
        (9000.0, 9000.0, "about 2.5 h"),
    ],
)
def test_in_words(low: float, high: float, text: str) -> None:
    assert span(Span(low, high)) == text

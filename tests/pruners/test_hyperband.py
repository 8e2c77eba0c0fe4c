from collections import Counter
from fractions import Fraction

import pytest

from hpsearch.core.decisions import Continue, Stop
from hpsearch.core.history import History
from hpsearch.pruners.hyperband import Hyperband
from hpsearch.testing.pruner_contract import LOSS, history_of, trial

HYPERBAND = Hyperband(1, 3, 81)


def test_each_bracket_begins_later() -> None:
    assert [HYPERBAND.first_rung(bracket) for bracket in range(len(HYPERBAND.shares))] == [1, 3, 9, 27, 81]
    assert len(Hyperband(1, 3, 80).shares) == 4
    assert len(Hyperband(4, 3, 5).shares) == 1


def test_shares_are_those_of_the_paper() -> None:
    # Li 2016, Algorithm 1 with R = 81 and eta = 3: ceil(5 / (s + 1) x 3^s) for s = 4, 3, 2, 1, 0.
    sizes = [81, 34, 15, 8, 5]
    assert HYPERBAND.shares == pytest.approx([float(Fraction(size, sum(sizes))) for size in sizes])


@pytest.mark.parametrize("first", [0, 1000])
def test_consecutive_numbers_are_distributed_by_the_shares(first: int) -> None:
    count = Counter(HYPERBAND.bracket(number) for number in range(first, first + 200))
    for bracket, share in enumerate(HYPERBAND.shares):
        assert abs(count[bracket] - 200 * share) <= 3


def test_a_trial_is_compared_with_its_own_bracket_only() -> None:
    numbers = [number for number in range(40) if HYPERBAND.bracket(number) == 0]
    others = [number for number in range(40) if HYPERBAND.bracket(number) != 0]
    history = History(LOSS, [trial(n, 0.1 if n in others else 0.5 + n / 100) for n in range(40)])
    assert isinstance(HYPERBAND.judge(history[numbers[0]], history), Continue)
    verdict = HYPERBAND.judge(history[numbers[-1]], history)
    assert isinstance(verdict, Stop)
    assert (verdict.numbers["rank"], verdict.numbers["of"]) == (len(numbers), len(numbers))
    assert verdict.reason.startswith("hyperband, bracket 0: ")


def test_a_later_bracket_is_not_judged_at_the_first_rung() -> None:
    late = next(number for number in range(40) if HYPERBAND.bracket(number) == 2)
    curves = [[0.1] * 9 if number != late else [0.9] * 9 for number in range(40)]
    history = history_of(*curves)
    for epoch in (1, 3):
        assert HYPERBAND.judge(trial(late, *[0.9] * epoch), history) == Continue()
    assert isinstance(HYPERBAND.judge(trial(late, *[0.9] * 9), history), Stop)

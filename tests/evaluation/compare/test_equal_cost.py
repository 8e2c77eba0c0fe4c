"""The best values at equal cost, for small searches that can be counted by hand."""

import math

from hpsearch.core.history import History
from hpsearch.core.trial import Cause, Objective, Report, State, Trial
from hpsearch.evaluation.compare.equal_cost import best_after, costs, first, leading

LOSS = Objective("val_loss", "minimize")
DROP = Objective("val_loss", "minimize", failed="drop")
LAST = Objective("val_loss", "minimize", "last")
ACCURACY = Objective("val_loss", "maximize")


def trial(number: int, *points: tuple[int, float], state: State = State.COMPLETE, cause: Cause | None = None) -> Trial:
    """points: when an epoch was received, and its value."""
    curve = tuple(Report(step, {"val_loss": value}, at) for step, (at, value) in enumerate(points, 1))
    return Trial(number, {"x": number}, number, until=9, state=state, curve=curve, cause=cause)


TWO_AT_ONCE = [trial(0, (1, 5.0), (3, 4.0), (5, 1.0)), trial(1, (2, 3.0), (4, 2.0))]


def test_epochs_count_in_the_order_in_which_they_were_received() -> None:
    assert [best_after(TWO_AT_ONCE, LOSS, epochs) for epochs in range(6)] == [None, 5.0, 3.0, 3.0, 2.0, 1.0]
    assert best_after(TWO_AT_ONCE, LOSS, 99) == 1.0


def test_of_a_metric_that_is_maximised_the_highest_is_the_best() -> None:
    assert [best_after(TWO_AT_ONCE, ACCURACY, epochs) for epochs in (1, 5)] == [5.0, 5.0]


def test_a_trial_that_is_judged_by_its_last_epoch_may_lose_what_it_had() -> None:
    worse = [trial(0, (1, 1.0), (2, 3.0))]
    assert [best_after(worse, LAST, epochs) for epochs in (1, 2)] == [1.0, 3.0]


def test_epochs_received_at_the_same_time_count_by_trial() -> None:
    together = [trial(0, (7, 4.0), (7, 3.0)), trial(1, (7, 1.0))]
    assert [len(one.curve) for one in first(together, 2)] == [2, 0]


def test_a_clock_that_went_back_takes_no_epoch_out_of_the_middle_of_a_curve() -> None:
    back = trial(0, (9, 3.0), (2, 2.0), (3, 1.0))
    assert [report.step for report in first([back], 2)[0].curve] == [1, 2]


def test_what_diverged_or_is_dropped_is_no_result_but_its_epochs_count() -> None:
    failed = trial(0, (1, 0.1), state=State.FAILED)
    diverged = trial(1, (2, 0.2), state=State.PRUNED, cause=Cause.DIVERGED)
    search = [failed, diverged, trial(2, (3, math.nan), (4, 0.9))]
    assert [best_after(search, DROP, epochs) for epochs in (2, 3, 4)] == [None, None, 0.9]
    assert [best_after(search, LOSS, epochs) for epochs in (2, 3, 4)] == [0.1, 0.1, 0.1]


def test_in_the_end_it_is_the_best_of_the_search() -> None:
    ties = [trial(0, (1, 2.0)), trial(1, (2, 1.0)), trial(2, (3, 1.0)), trial(3, (4, 0.5), state=State.FAILED)]
    for objective, number in ((DROP, 1), (LOSS, 3)):
        best = History(objective, ties).best()
        assert best is not None
        assert (best.number, best_after(ties, objective, 4)) == (number, objective.value(best))
    assert best_after([], LOSS, 4) is None


def test_costs_are_a_quarter_a_half_and_all_of_what_the_shortest_trained() -> None:
    assert costs([400, 1000]) == [100, 200, 400]
    assert costs([10, 0, 30]) == [3, 5, 10], "one that has trained nothing is passed over"
    assert costs([1, 5]) == [1]
    assert costs([0, 0]) == []


def test_the_best_leads_and_equals_lead_together() -> None:
    assert leading([0.3, 0.2, None, 0.2], LOSS) == [1, 3]
    assert leading([0.3, 0.2, None, 0.2], ACCURACY) == [0]


def test_no_study_leads_alone_or_among_equals() -> None:
    assert leading([0.2, None], LOSS) == []
    assert leading([0.2, 0.2], LOSS) == []
    assert leading([], LOSS) == []
